//! From MITRE ATT&CK's published files to an encoder that predicts the technique of a sentence, and
//! to scores with intervals: the story that the notebooks tell, in its order.
//!
//! A notebook tells the story, this crate does the work, a file carries the result.
//!
//! 1. [`corpus`]: ATT&CK bundles, TRAM's sentences and CSV files become one row a sentence.
//! 2. [`balance`]: trim rare techniques, upsample small ones, downsample large ones.
//! 3. [`augment`]: the four operations of Easy Data Augmentation, each output labelled.
//! 4. [`split`]: stratified splits under four protocols, and the train-test leakage of each.
//! 5. [`train`]: the training loops of techniques and of masked words, to be read top to bottom.
//! 6. [`evaluate`]: a fine-tuned model on its test rows, and what a run leaves of it;
//!    [`compare`]: models beside each other, pair by pair and under both protocols;
//!    [`fill_mask`]: sentences with a masked token, and what the paper prints for one.
//! 7. [`similarity`]: which sentences are about the same technique; hard negatives; the similarity
//!    report's own pairs.
//!
//! [`profile`] has all sizes and seeds of a run, from one JSON file; [`published`] what the paper and
//! the similarity report print, to stand beside ours. What holds over seeds, splits and other
//! sentences is in a crate above this one, `ttp-evidence`; the techniques of whole reports are in
//! another, `ttp-report`.
//!
//! This crate's own modules know each other one way: [`compare`] knows [`evaluate`] and [`profile`];
//! [`evaluate`] knows [`profile`], [`published`] and [`train`]; [`profile`] knows [`train`];
//! [`fill_mask`] knows [`published`]; [`train`] and [`published`] know none. A test holds this
//! (`environment/tests/test_crates.py`).
//!
//! What serves the story lies in crates of its own below `crates/`. Modules with a link are to be had
//! from here, the rest from their crate (`ttp_model::engine`):
//!
//! - `text`: [`corpus`], [`balance`], [`augment`], [`split`], and [`linear`] classifiers.
//! - `model`: [`pretrained`] checkpoints, [`encoder`], [`batch`], [`tokenization`], [`classify`],
//!   and what all training loops share.
//! - `metrics`: [`metrics`], their [`plot`]s, the [`diagnosis`] of a classifier, and the
//!   [`calibration`] of its probabilities.
//! - `audit`: [`audit`], whether reported figures can be true.
//! - `similarity`: [`similarity`], with the similarity report's own experiment.
//! - `flows`: malware [`family`]s from flows, and [`remedies`] for classes with zero recall.
//! - `base`: errors, [`files`], [`mod@settings`] with their ranges, and what a notebook or a terminal
//!   shows ([`show`]).
//!
//! Dependencies point one way: this crate knows all these; `flows` and `similarity` know `model`,
//! `metrics` and `text`; `audit` knows `metrics`; `model` knows `text`; all six know `base`. `text`,
//! `metrics` and `audit` know nothing of tensors. Above this crate are `evidence`, `report` and `cli`,
//! the command line `ttp`; CONTRIBUTING.md has the whole table.

pub mod compare;
pub mod evaluate;
pub mod fill_mask;
pub mod profile;
pub mod published;
pub mod train;

pub use ttp_audit as audit;
pub use ttp_base::{Error, Result, cells, error, files, settings, show};
pub use ttp_flows::{family, remedies};
pub use ttp_metrics as metrics;
pub use ttp_metrics::{calibration, diagnosis, plot};
pub use ttp_model::{batch, card, classify, encoder, pretrained, tokenization};
pub use ttp_similarity as similarity;
pub use ttp_text::{augment, balance, corpus, linear, split};
/// For the notebooks: one `:dep` brings the frames and the JSON too, in the same versions.
pub use {polars, serde_json};
