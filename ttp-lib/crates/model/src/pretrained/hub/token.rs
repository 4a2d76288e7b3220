//! Who asks the hub.

use std::fmt;
use ttp_base::{Error, Result};

/// Who asks. Its text is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token without its line ends and the white space around it; `None` if nothing is
    /// left.
    ///
    /// # Errors
    /// If it holds a character that no HTTP header can.
    pub fn new(text: &str) -> Result<Option<Self>> {
        Self::named("HF_TOKEN", text)
    }

    /// The same, of a variable.
    pub(super) fn named(field: &'static str, text: &str) -> Result<Option<Self>> {
        let text = text.replace(['\r', '\n'], "");
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            let reason = "the token holds a character that none can have".to_owned();
            return Err(Error::Setting { field, reason });
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
