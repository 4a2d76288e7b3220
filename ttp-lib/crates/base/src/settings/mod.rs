//! Settings, checked in one way. [`settings!`](crate::settings!) stands beside a struct and says
//! each range once: [`check`](Setting::check_at) holds values to it, and [`schema()`] writes it into
//! the JSON schema of a profile. A field that is not listed does not compile.
//!
//! ```
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use ttp_base::settings;
//! use ttp_base::settings::{Range, at_least, from_to, schema};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Steps { count: usize, dropout: f64 }
//! #[derive(Deserialize, JsonSchema)]
//! struct Training { name: String, steps: Vec<Steps> }
//!
//! settings!(Steps, "steps", { count: at_least(1.0), dropout: from_to(0.0, 1.0) });
//! settings!(Training, "training", { steps }, free { name });
//!
//! let training = |dropout| {
//!     let steps = vec![Steps { count: 1, dropout: 0.5 }, Steps { count: 1, dropout }];
//!     Training { name: "own".to_owned(), steps }
//! };
//! assert!(training(1.0).check().is_ok());
//! let error = training(1.5).check().unwrap_err().to_string();
//! assert_eq!(error, "setting training.steps[1].dropout: 1.5 is not from 0 to 1");
//!
//! let schema = schema::<Training>()?;
//! assert_eq!(schema["properties"]["steps"]["items"]["properties"]["dropout"]["maximum"], 1);
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod range;
mod read;

pub use range::{FILLED, Range, above, above_to, at_least, between, from_below, from_to};
pub use read::read;

use crate::error::SettingPath;
use crate::{Error, Result};
use schemars::JsonSchema;
use schemars::r#gen::SchemaSettings;
use std::collections::BTreeMap;

/// A JSON schema, or a part of one.
pub type Schema = serde_json::Value;

/// What may stand in a profile. What has no range of its own leaves both functions as they are.
pub trait Setting {
    /// Holds the value, which stands at `at`, to `range`, and what is inside it to its own ranges.
    ///
    /// # Errors
    /// Names the first that is out of its range, by its whole path.
    fn check_at(&self, range: Option<&Range>, at: &SettingPath) -> Result<()> {
        let _ = (range, at);
        Ok(())
    }

    /// Writes `range`, and the ranges of what is inside, into the schema of such a value.
    fn describe(range: Option<&Range>, schema: &mut Schema) {
        let _ = (range, schema);
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        #[allow(clippy::unnecessary_cast)]
        impl Setting for $number {
            fn check_at(&self, range: Option<&Range>, at: &SettingPath) -> Result<()> {
                range.map_or(Ok(()), |range| range.check(*self as f64, self, at))
            }

            fn describe(range: Option<&Range>, schema: &mut Schema) {
                if let Some(range) = range {
                    range.describe(schema);
                }
            }
        }
    )*};
}
numbers!(usize, u64, f64);

impl Setting for String {}

impl<T: Setting> Setting for Option<T> {
    fn check_at(&self, range: Option<&Range>, at: &SettingPath) -> Result<()> {
        self.as_ref().map_or(Ok(()), |value| value.check_at(range, at))
    }

    fn describe(range: Option<&Range>, schema: &mut Schema) {
        // Of what has no single type, `null` is another choice: the value's own is the first.
        match schema.pointer_mut("/anyOf/0") {
            Some(own) => T::describe(range, own),
            None => T::describe(range, schema),
        }
    }
}

/// The range of a list is that of its length ([`FILLED`]), or of each of its items.
impl<T: Setting> Setting for Vec<T> {
    fn check_at(&self, range: Option<&Range>, at: &SettingPath) -> Result<()> {
        if let Some(range) = range.filter(|range| range.is_of_length()) {
            return range.check(self.len() as f64, &self.len(), at);
        }
        let mut items = self.iter().enumerate();
        items.try_for_each(|(item, value)| value.check_at(range, &at.item(item)))
    }

    fn describe(range: Option<&Range>, schema: &mut Schema) {
        match range.filter(|range| range.is_of_length()) {
            Some(range) => range.describe(schema),
            None => {
                if let Some(items) = schema.get_mut("items") {
                    T::describe(range, items);
                }
            }
        }
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    fn check_at(&self, range: Option<&Range>, at: &SettingPath) -> Result<()> {
        self.iter().try_for_each(|(name, value)| value.check_at(range, &at.field(name)))
    }

    fn describe(range: Option<&Range>, schema: &mut Schema) {
        if let Some(values) = schema.get_mut("additionalProperties") {
            T::describe(range, values);
        }
    }
}

/// How a struct of settings is checked, and what its schema adds to its types:
///
/// ```text
/// settings!(Training, "training", {   // where it stands in a profile: of a check of it alone
///     epochs: at_least(1.0),          // a number, a list of numbers or the length of a list
///     steps,                          // settings of their own, also in a list, a map or an Option
/// }, free { name }                    // anything that its type allows
/// , with { steps.count: above(0.0) }  // a second range, here or further inside
/// , also Self::fit);                  // fn(&Self, &SettingPath) -> Result<()>: what goes together
/// ```
///
/// The struct gets `check(&self) -> Result<()>`.
#[macro_export]
macro_rules! settings {
    (
        $type:ty, $place:literal, { $($field:ident $(: $range:expr)?),* $(,)? }
        $(, free { $($free:ident),* $(,)? })?
        $(, with { $($($name:ident).+ : $more:expr),* $(,)? })?
        $(, also $also:expr)?
    ) => {
        impl $crate::settings::Setting for $type {
            #[allow(unused_variables)]
            fn check_at(
                &self,
                _: Option<&$crate::settings::Range>,
                at: &$crate::error::SettingPath,
            ) -> $crate::Result<()> {
                let Self { $($field,)* $($($free: _,)*)? } = self;
                $(
                    let ranges: &[$crate::settings::Range] = &[$($range)?];
                    let place = at.field(stringify!($field));
                    $crate::settings::Setting::check_at($field, ranges.first(), &place)?;
                )*
                $($(
                    let place = at.clone()$(.field(stringify!($name)))+;
                    $crate::settings::Setting::check_at(&self.$($name).+, Some(&$more), &place)?;
                )*)?
                $(($also)(self, at)?;)?
                Ok(())
            }

            #[allow(unused_variables)]
            fn describe(
                _: Option<&$crate::settings::Range>,
                schema: &mut $crate::settings::Schema,
            ) {
                $(
                    let ranges: &[$crate::settings::Range] = &[$($range)?];
                    let name = stringify!($field);
                    $crate::settings::describe_field(
                        schema,
                        name,
                        |settings: &Self| &settings.$field,
                        ranges.first(),
                    );
                )*
                $($(
                    let names = [$(stringify!($name)),+];
                    $crate::settings::describe_inside(schema, &names, &$more);
                )*)?
            }
        }

        impl $type {
            /// Checks every setting against its range, and those that go together.
            ///
            /// # Errors
            /// Names the first that makes no sense, by its path in a profile.
            pub fn check(&self) -> $crate::Result<()> {
                let place = $crate::error::SettingPath::of($place);
                $crate::settings::Setting::check_at(self, None, &place)
            }
        }
    };
}

/// For [`settings!`](crate::settings!): describes a field, whose type the function tells.
#[doc(hidden)]
pub fn describe_field<S, T: Setting>(
    schema: &mut Schema,
    name: &str,
    _: fn(&S) -> &T,
    range: Option<&Range>,
) {
    if let Some(field) = schema.get_mut("properties").and_then(|fields| fields.get_mut(name)) {
        T::describe(range, field);
    }
}

/// For [`settings!`](crate::settings!): describes a number that stands some fields inside.
#[doc(hidden)]
pub fn describe_inside(schema: &mut Schema, names: &[&str], range: &Range) {
    let path: String = names.iter().map(|name| format!("/properties/{name}")).collect();
    if let Some(number) = schema.pointer_mut(&path) {
        range.describe(number);
    }
}

/// The JSON schema (draft 7) of settings, with their ranges. What must go together (two numbers in
/// order, names that occur elsewhere) is no part of it.
///
/// # Errors
/// None in practice: of a type's schema that is no JSON.
pub fn schema<T: Setting + JsonSchema>() -> Result<Schema> {
    let inline = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = inline.into_generator().into_root_schema_for::<T>();
    let mut schema =
        serde_json::to_value(schema).map_err(Error::library("writing a JSON schema"))?;
    tidy(&mut schema);
    T::describe(None, &mut schema);
    Ok(schema)
}

/// Whole numbers get their largest, in place of the name of their type; a name that may be left open
/// may be `null`.
fn tidy(schema: &mut Schema) {
    match schema {
        Schema::Array(items) => items.iter_mut().for_each(tidy),
        Schema::Object(fields) => {
            let format = fields.get("format").and_then(Schema::as_str);
            match format {
                Some("uint" | "uint64") => {
                    fields.insert("minimum".to_owned(), 0.into());
                    fields.insert("maximum".to_owned(), u64::MAX.into());
                    fields.remove("format");
                }
                Some("double") => {
                    fields.remove("format");
                }
                _ => {}
            }
            let is_open = fields.get("type").and_then(Schema::as_array);
            if is_open.is_some_and(|types| types.iter().any(|name| name == "null"))
                && let Some(Schema::Array(names)) = fields.get_mut("enum")
            {
                names.push(Schema::Null);
            }
            fields.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
