//! From MITRE ATT&CK's own bytes to the rows that a model is trained on. Nothing here knows of
//! tensors.
//!
//! - [`corpus`]: ATT&CK bundles, TRAM's sentences and CSV files become one row a sentence.
//! - [`balance`]: trim rare techniques, upsample small ones, downsample large ones.
//! - [`augment`]: the four operations of Easy Data Augmentation, each output labelled.
//! - [`split`]: stratified parts under four protocols, and how much leaks between them.
//! - [`linear`]: linear classifiers on counted words and characters, trained in seconds.

pub mod augment;
pub mod balance;
pub mod corpus;
pub mod linear;
pub mod split;
