//! Values of the command line that a profile names, too.

use serde_json::{Value, from_value};

/// A value by the name that it has in a profile. The message for another name has those that are
/// known.
pub fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, String> {
    from_value(Value::String(name.to_owned())).map_err(|error| error.to_string())
}
