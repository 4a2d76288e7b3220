//! What everything else stands on.
//!
//! - [`error`]: one error type; each message names file, row, field or name.
//! - [`files`]: files written whole or not at all.
//! - [`figure_check`]: published figures beside what a run has: reproduced, not reproduced, or not run.
//! - [`frame`]: polars frames as parquet files.
//! - [`csv_file`]: CSV files, read strictly.
//! - [`mod@settings`]: settings with ranges, checked in one way and described by a JSON schema.
//! - [`numbers`]: the place of a row's highest number.
//! - [`places`]: where the repository is, and what the environment says.
//! - [`spelling`]: labels and texts as people spell them.
//! - [`results`]: what runs left in `results/`, in one object.
//! - [`show`]: tables, progress and texts made safe to look at in a notebook or a terminal.

pub mod csv_file;
pub mod error;
pub mod figure_check;
pub mod files;
pub mod frame;
pub mod numbers;
pub mod places;
pub mod results;
pub mod settings;
pub mod show;
pub mod spelling;

pub use error::{Error, Result};
pub use numbers::first_highest;
