//! Where the files of NetML and of the published encoder lie.

use std::path::{Path, PathBuf};

/// The files that the study of the families reads, all of them at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetmlFiles {
    /// The standard test set.
    pub standard: PathBuf,
    /// The challenge test set.
    pub challenge: PathBuf,
    /// The training set's labels.
    pub annotations: PathBuf,
    /// The organisers' random forest's labels of the standard test set.
    pub forest_standard: PathBuf,
    /// And of the challenge test set.
    pub forest_challenge: PathBuf,
    /// The published encoder.
    pub checkpoint: PathBuf,
    /// Its F1 scores in full precision.
    pub scores: PathBuf,
    /// Its report, with every class's support.
    pub report: PathBuf,
    /// Its confusion matrix on validation rows, which its authors publish as a picture only: read
    /// off that into a CSV file, where somebody has done so.
    pub matrix: Option<PathBuf>,
    /// The training set's flows, where they were fetched.
    pub training: Option<PathBuf>,
}

impl NetmlFiles {
    /// All of them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let Self { standard, challenge, annotations, forest_standard, .. } = self;
        let Self { forest_challenge, checkpoint, scores, report, matrix, training, .. } = self;
        let always = [
            standard,
            challenge,
            annotations,
            forest_standard,
            forest_challenge,
            checkpoint,
            scores,
            report,
        ];
        always.into_iter().chain(matrix).chain(training).map(PathBuf::as_path)
    }
}

/// What to say where [`NetmlFiles::find`] finds less than all.
pub const NETML_MISSING: &str = "NetML's flows and the summary's own encoder are not at hand, so \
the published figures stand here alone. `TTP_PROFILE=laptop make data` fetches them where there is \
a network; or put the folders netml-2020 and ids-netml into a folder and name that in TTP_SOURCES.";

impl NetmlFiles {
    /// The files where `raw` says that they are; none if one is not there, but for the matrix and for
    /// the training set, which is only fetched when it is asked for.
    pub fn find(raw: impl Fn(&str) -> PathBuf) -> Option<Self> {
        let at = |name: &str| Some(raw(name)).filter(|path| path.is_file());
        Some(Self {
            standard: at("netml-2020/1_test-std_set.json.gz")?,
            challenge: at("netml-2020/0_test-challenge_set.json.gz")?,
            annotations: at("netml-2020/2_training_anno_fine.json.gz")?,
            forest_standard: at("netml-2020/random_forest_std.json")?,
            forest_challenge: at("netml-2020/random_forest_challenge.json")?,
            checkpoint: at("ids-netml/encoder_best.pth")?,
            scores: at("ids-netml/f1_scores_latest.json")?,
            report: at("ids-netml/TRAINING_METRICS_REPORT.md")?,
            matrix: at("ids-netml/validation_confusion_matrix.csv"),
            training: at("netml-2020/2_training_set.json.gz"),
        })
    }
}
