//! What the similarity report prints, each figure once, to stand beside ours. The paper's figures are
//! ttp-lib's (`published`), which hands these on.

/// The similarity report's settings of one of its two trainings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReportTraining {
    /// Epochs.
    pub epochs: usize,
    /// Pairs in a step.
    pub batch_size: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The share of all steps in which the learning rate rises, from 0 to 1.
    pub warmup_share: f64,
}

/// How the report trains its basic model.
pub const REPORT_BASIC: ReportTraining =
    ReportTraining { epochs: 8, batch_size: 32, learning_rate: 2e-5, warmup_share: 0.1 };

/// How the report trains its advanced model.
pub const REPORT_ADVANCED: ReportTraining =
    ReportTraining { epochs: 12, batch_size: 16, learning_rate: 3e-5, warmup_share: 0.15 };

/// How many of the dissimilar training pairs the report's advanced recipe keeps.
pub const REPORT_HARD_NEGATIVES: usize = 300;

/// How many pairs the report tests with.
pub const REPORT_TEST_PAIRS: usize = 465;

/// The model that the report starts from.
pub const REPORT_MODEL: &str = "all-mpnet-base-v2";

/// The threshold that the report calls pairs similar from.
pub const REPORT_THRESHOLD: f64 = 0.5;
