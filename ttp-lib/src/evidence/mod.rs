//! What a table of scores on one split of one source does not say: whether probabilities are to be
//! believed, and how models do elsewhere.

mod calibrated;
pub mod external;
mod models;

pub use calibrated::{Calibrated, PRECISIONS};
pub use external::{External, ExternalScores};
pub use models::{TrainedModel, not_in_training, on_other_rows};
