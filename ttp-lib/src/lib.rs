//! The work behind the notebooks: from MITRE ATT&CK's own bytes to a fine-tuned
//! encoder that names the technique of a sentence, and to figures with intervals.
//!
//! A notebook tells the story, this crate does the work, a file carries the result.
//! The modules, from what is read to what is shown:
//!
//! - [`corpus`]: ATT&CK bundles, TRAM's sentences and CSV files become one row a sentence.
//! - [`balance`]: trim rare techniques, upsample small ones, downsample large ones.
//! - [`augment`]: the four operations of Easy Data Augmentation, each output labelled.
//! - [`split`]: stratified parts under three protocols, and how much leaks between them.
//! - [`pretrained`]: named checkpoints, found on disk, checked and loaded.
//! - [`encoder`]: the transformer with a head that names techniques or hidden words.
//! - [`fill_mask`]: sentences with a hidden word, and what the paper prints for one.
//! - [`batch`]: tokenised sentences in batches of near-equal length.
//! - [`tokenization`]: what tokenizers make of the field's words.
//! - [`train`]: the training loop, its optimizer, its schedule, what it saves.
//! - [`classify`]: the technique of every line of a text of any length, as the lines come.
//! - [`linear`]: linear classifiers on counted words and characters, trained in seconds.
//! - [`evaluate`]: a fine-tuned model on its test rows, and what a run leaves of it.
//! - [`metrics`]: confusion matrices, scores, bootstrap intervals, tests of significance, and what
//!   is wrong with a classifier.
//! - [`diagnosis`]: predictions or a matrix from a file, what is wrong, a report.
//! - [`compare`]: models beside each other, pair by pair and under both protocols.
//! - [`remedies`]: what helps classes that a classifier never finds, each measured.
//! - [`similarity`]: which sentences tell of the same technique; hard negatives.
//! - [`family`]: malware families from the numbers of flows; NetML's flows and the summary's own
//!   encoder; synthetic flows with planted faults.
//! - [`audit`]: can reported figures be true? Claims as data, a verdict on each.
//! - [`plot`]: histograms, heat maps, curves and clouds of points as SVG.
//! - [`show`]: tables, plots and texts made safe to look at in a notebook or a terminal.
//! - [`profile`]: all sizes and seeds of a run, from one JSON file.
//! - [`error`]: one error type; each message names file, row, field or name.
//!
//! Dependencies point one way: `train` knows `encoder` and `metrics`, and the
//! modules that know text (`corpus`, `balance`, `augment`, `split`, `linear`, `metrics`, `audit`)
//! know nothing of tensors.

pub mod audit;
pub mod augment;
pub mod balance;
pub mod batch;
pub mod classify;
pub mod compare;
pub mod corpus;
pub(crate) mod csv_file;
pub mod diagnosis;
pub mod encoder;
pub mod error;
pub mod evaluate;
pub mod family;
pub mod files;
pub mod fill_mask;
pub mod linear;
pub mod metrics;
pub(crate) mod places;
pub mod plot;
pub mod pretrained;
pub mod profile;
pub mod remedies;
pub mod show;
pub mod similarity;
pub(crate) mod spelling;
pub mod split;
pub mod tokenization;
pub mod train;

pub use error::{Error, Result};
/// For the notebooks: one `:dep` brings the frames and the JSON too, in the same versions.
pub use {polars, serde_json};
