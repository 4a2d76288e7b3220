//! How often a state is kept, and whether one is looked for: by the environment, or by the program.

use std::cell::Cell;
use ttp_base::{Error, Result};

/// The variable that says every how many seconds a state is kept: 60 where it is not set, 0 after
/// every step, `inf` never.
pub const SECONDS: &str = "TTP_CHECKPOINT_SECONDS";

/// The variable that lets trainings start anew where it is `1`, whatever was kept.
pub const FRESH: &str = "TTP_FRESH";

const DEFAULT_SECONDS: f64 = 60.0;

thread_local! {
    static EVERY: Cell<Option<f64>> = const { Cell::new(None) };
    static ANEW: Cell<bool> = const { Cell::new(false) };
}

/// Lets the trainings of this thread keep a state every so many seconds, whatever [`SECONDS`]
/// says.
pub fn keep_every(seconds: f64) {
    EVERY.set(Some(seconds));
}

/// Lets the trainings of this thread start anew, as [`FRESH`] does.
pub fn start_anew(anew: bool) {
    ANEW.set(anew);
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ResumeSettings {
    pub(super) seconds: f64,
    pub(super) fresh: bool,
}

impl ResumeSettings {
    pub(super) fn now() -> Result<Self> {
        let variable = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into());
        let told = Self::of(variable(SECONDS), variable(FRESH))?;
        Ok(Self { seconds: EVERY.get().unwrap_or(told.seconds), fresh: ANEW.get() || told.fresh })
    }

    fn of(seconds: Option<String>, fresh: Option<String>) -> Result<Self> {
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let seconds = match given(seconds) {
            None => DEFAULT_SECONDS,
            Some(text) => match text.trim().parse::<f64>() {
                Ok(seconds) if seconds >= 0.0 => seconds,
                _ => {
                    let reason = format!("{text:?} is no number of seconds: 0 or more, or inf");
                    return Err(Error::Setting { field: SECONDS, reason });
                }
            },
        };
        let fresh = match given(fresh).as_deref() {
            None | Some("0") => false,
            Some("1") => true,
            Some(other) => {
                let reason = format!("{other:?} is neither 0 nor 1");
                return Err(Error::Setting { field: FRESH, reason });
            }
        };
        Ok(Self { seconds, fresh })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_are_read_and_what_they_cannot_be_is_named() {
        let of = |seconds: &str, fresh: &str| {
            ResumeSettings::of(Some(seconds.to_owned()), Some(fresh.to_owned()))
                .map(|settings| (settings.seconds, settings.fresh))
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            ResumeSettings::of(None, None).unwrap(),
            ResumeSettings { seconds: 60.0, fresh: false }
        );
        assert_eq!(of("", "").unwrap(), (60.0, false));
        assert_eq!(of("0", "1").unwrap(), (0.0, true));
        assert_eq!(of("inf", "0").unwrap(), (f64::INFINITY, false));
        for wrong in ["-1", "NaN", "a minute"] {
            let said = of(wrong, "").unwrap_err();
            assert!(said.starts_with("setting TTP_CHECKPOINT_SECONDS: "), "{said}");
        }
        assert_eq!(of("", "yes").unwrap_err(), "setting TTP_FRESH: \"yes\" is neither 0 nor 1");
    }
}
