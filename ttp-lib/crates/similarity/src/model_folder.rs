//! Where a training's model goes, and where its states lie until it is there.

use std::path::{Path, PathBuf};

/// The folder of the model that a training makes.
///
/// A training that is killed goes on from a state beside that folder
/// ([`resume`](ttp_model::engine::resume)), be the model written there or not: one that is only
/// judged takes as long to train.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFolder {
    /// The model is written here, in the hub's layout.
    Written(PathBuf),
    /// Nothing is written here; the training's states lie beside it. No other training may have
    /// the same one: it would remove them.
    StatesOnly(PathBuf),
    /// No model is written, no state is kept.
    Nowhere,
}

impl ModelFolder {
    /// Where the model is written.
    pub fn model(&self) -> Option<&Path> {
        match self {
            Self::Written(folder) => Some(folder),
            Self::StatesOnly(_) | Self::Nowhere => None,
        }
    }

    /// Beside which the states lie.
    pub(super) fn of_states(&self) -> Option<&Path> {
        match self {
            Self::Written(folder) | Self::StatesOnly(folder) => Some(folder),
            Self::Nowhere => None,
        }
    }
}
