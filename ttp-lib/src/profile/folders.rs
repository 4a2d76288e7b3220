//! Where a run reads and writes.

use std::path::PathBuf;
use ttp_base::places::setting;
use ttp_model::pretrained;
use ttp_text::split::Protocol;

/// The folders of a run, and what lies where in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Folders {
    pub(super) root: PathBuf,
    pub(super) out: PathBuf,
    pub(super) profile: String,
}

impl Folders {
    /// A file of `data/raw/`, or of `TTP_SOURCES` where that is set and holds it.
    pub fn raw(&self, name: &str) -> PathBuf {
        match setting("TTP_SOURCES").map(|folder| self.root.join(folder).join(name)) {
            Some(path) if path.exists() => path,
            _ => self.root.join("data/raw").join(name),
        }
    }

    /// A file of `data/processed/`.
    pub fn processed(&self, name: &str) -> PathBuf {
        self.out.join("data/processed").join(name)
    }

    /// A file of `results/`.
    pub fn results(&self, name: &str) -> PathBuf {
        self.out.join("results").join(name)
    }

    /// A file of `reports/`; the folder itself where the name is empty.
    pub fn reports(&self, name: &str) -> PathBuf {
        self.out.join("reports").join(name)
    }

    /// The folder of all fine-tuned models.
    pub fn models(&self) -> PathBuf {
        self.out.join("models")
    }

    /// The folder of a fine-tuned model.
    pub fn model(&self, checkpoint: &str, protocol: Protocol) -> PathBuf {
        self.models().join(format!("{}.{}", pretrained::file_name(checkpoint), protocol.name()))
    }

    /// Where the sweep that belongs to this profile leaves its results: `sweep/sweep-laptop` of
    /// `laptop`.
    pub fn sweep(&self) -> PathBuf {
        self.out.join("sweep").join(format!("sweep-{}", self.profile))
    }

    /// The folder of a checkpoint that this run pretrains further.
    pub fn pretrained(&self, checkpoint: &str) -> PathBuf {
        self.models().join(pretrained::file_name(checkpoint))
    }

    /// The folder of the classifier of the untrimmed corpus.
    pub fn untrimmed_model(&self) -> PathBuf {
        self.models().join("untrimmed")
    }

    /// The folder of a sentence model: `basic` or `hard_negatives`.
    pub fn sentence_model(&self, name: &str) -> PathBuf {
        self.models().join(format!("similarity.{name}"))
    }

    /// The last part of a checkpoint's path; `None` of what is no path.
    pub(super) fn folder_name(&self, checkpoint: &str) -> Option<String> {
        let folders = [PathBuf::from(checkpoint), self.root.join(checkpoint)];
        let is_path = checkpoint.contains(std::path::is_separator);
        let folder = folders.into_iter().find(|folder| is_path && folder.is_dir())?;
        // `./` and `..` have their name in the whole path alone.
        let folder = match folder.file_name() {
            Some(_) => folder,
            None => folder.canonicalize().ok()?,
        };
        folder.file_name().map(|name| name.to_string_lossy().into_owned())
    }

    /// Where checkpoints lie that no hub is asked for.
    pub(super) fn model_folder(&self) -> PathBuf {
        setting("TTP_MODELS")
            .map_or_else(|| self.root.join("data/raw/models"), |folder| self.root.join(folder))
    }
}
