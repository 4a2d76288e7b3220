//! Malware families from the numbers of network flows: an encoder with an embedding of 64
//! dimensions, trained on parquet or CSV files that may be larger than memory, and seen in a plane.
//!
//! The flows of the study that this follows, and its own encoder, are in [`netml`].
//! [`SyntheticFlows`] makes **synthetic** ones with its families and, where they are known, its
//! supports, and with faults that are [planted](PLANTED), so that a diagnosis can be held to finding
//! them. What an encoder scores on them says nothing of real traffic. Flows of one's own go the same
//! way.
//!
//! ```no_run
//! use std::path::Path;
//! use ttp_flows::family::*;
//! use ttp_model::engine;
//!
//! let folder = Path::new("synthetic");
//! SyntheticFlows::new(20_000, 1).write(folder)?;
//! let data = FlowData::from_folder(folder, &FlowColumns::default())?;
//! let shape = EncoderShape::default();
//! let mut encoder =
//!     FamilyEncoder::new(&shape, &data.train, &data.standardiser, engine::device(), 1)?;
//! let params = FamilyParams::default();
//! let training =
//!     FamilyTraining { params: &params, balance: Balance::default(), seed: 1, folder: None };
//! let history = training.run(&mut encoder, &data, &mut engine::print_every(5.0))?;
//! let test = data.test.as_ref().unwrap_or(&data.validation);
//! let confusion = encoder.predict(test)?.confusion(encoder.families())?;
//! let sample = encoder.embed(test)?.stratified(2_000, 1)?;
//! let plane = tsne(&sample, &TsneSettings::default(), &mut |_| ())?;
//! plane.scatter("t-SNE of the embedding", encoder.families()).draw()?.save(Path::new("tsne.svg"))?;
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod card;
mod encoder;
mod flows;
mod generate;
mod loss;
pub mod netml;
mod plane;
mod predictions;
mod standardise;
mod train;

pub use encoder::{Embeddings, EncoderShape, FamilyEncoder, FamilyPredictions};
pub use flows::{CHUNK_ROWS, Chunk, FlowColumns, FlowData, FlowFile, Flows};
pub use generate::{FAMILIES, FEATURES, Family, Fault, Origin, PLANTED, SyntheticFlows};
pub use loss::{Contrastive, supervised_contrastive};
pub use plane::{Pca, Plane, TsneSettings, pca, tsne};
pub use predictions::write_predictions;
pub use standardise::{Moments, Standardiser};
pub use train::{Balance, FamilyHistory, FamilyParams, FamilyTraining};

use plane::PICTURE_ROWS;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ttp_base::settings;

/// The sizes and settings of the family experiment in a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FamilySettings {
    /// Synthetic training flows; validation and test have a fifth of them each.
    pub rows: usize,
    /// The encoder's shape.
    pub encoder: EncoderShape,
    /// How it is trained.
    pub training: FamilyParams,
    /// Rows of the picture of the embedding.
    pub picture_rows: usize,
    /// How they are laid out in the plane.
    pub tsne: TsneSettings,
}

impl Default for FamilySettings {
    /// The report's 350,000 training flows.
    fn default() -> Self {
        Self {
            rows: 350_000,
            encoder: EncoderShape::default(),
            training: FamilyParams::default(),
            picture_rows: 2_000,
            tsne: TsneSettings::default(),
        }
    }
}

settings!(FamilySettings, "family", {
    rows: SyntheticFlows::ROWS,
    encoder,
    training,
    picture_rows: PICTURE_ROWS,
    tsne,
});
