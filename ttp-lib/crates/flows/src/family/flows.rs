//! Flows from a parquet or CSV file: numeric features and the name of a family a row, read in
//! pieces so that a file larger than memory will do.

mod cells;
mod data;
mod file;

pub use data::{Chunk, FlowData, Flows};
pub use file::{CHUNK_ROWS, FlowColumns, FlowFile};
