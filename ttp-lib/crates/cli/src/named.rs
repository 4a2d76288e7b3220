//! Values of the command line that a profile names, too.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::Error as Unread;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Value, from_value};

/// A value by the name that it has in a profile. The help lists all names, and so does the message
/// for another one.
pub fn named<T>() -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let parser = PossibleValuesParser::new(names::<T>().iter().copied());
    parser.try_map(|name| from_value::<T>(Value::String(name)))
}

/// The names of an enumeration's variants, as serde knows them.
fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut asked = VariantNames(&[]);
    // It only asks for the variant's name, and is given none.
    let _ = T::deserialize(&mut asked);
    asked.0
}

/// Gives nothing, and keeps the names of the variants that it is asked for.
struct VariantNames(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut VariantNames {
    type Error = Unread;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unread> {
        self.0 = variants;
        Err(Unread::custom("no value"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
        Err(Unread::custom("no value"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ttp_lib::profile::Labels;
    use ttp_lib::similarity::reported::{GroundName, ReportArm};

    #[test]
    fn the_names_are_those_of_a_profile() {
        assert_eq!(names::<Labels>(), ["any", "attack"]);
        assert_eq!(names::<GroundName>(), ["report", "disjoint", "attack"]);
        assert!(names::<ReportArm>().contains(&"similar_only"));
        // What is no enumeration has none.
        assert!(names::<u32>().is_empty());
    }
}
