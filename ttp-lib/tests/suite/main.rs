//! Tests over several modules, the command line, hostile text, golden numbers: one program,
//! since each would link libtorch, polars and all of the library once more.
//!
//! `cargo test --test suite family::` runs one file's. What they share, and
//! what they must take turns at, is in `common`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

mod augment;
mod baseline;
mod calibration_golden;
mod checkpoints;
mod classify;
mod command_line;
mod compare;
mod corpus;
mod diagnosis;
mod external;
mod family;
mod foreign;
mod hostile;
mod hub;
mod hub_kinds;
mod hub_network;
mod linear_golden;
mod masked;
mod metrics_golden;
mod model_card;
mod models;
mod mpnet;
mod names;
mod netml;
mod parity;
mod remedies;
mod report_inputs;
mod report_model;
mod results;
mod resume;
mod sentence_modules;
mod serve;
mod settings;
mod significance_golden;
mod similarity;
mod similarity_report;
mod sources;
mod sweep;
mod thesaurus;
mod tokenization;
mod untrimmed;
