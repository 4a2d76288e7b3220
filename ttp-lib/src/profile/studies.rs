//! The data that a run's studies take, as its profile asks for them.

use super::Run;
use ttp_base::Result;
use ttp_flows::family::netml::NetmlFiles;
use ttp_similarity::Study;
use ttp_similarity::reported::{Experiment, REPORT_FILES, ReportFiles, ReportSettings};
use ttp_text::corpus::{self, Corpus, Kinship};
use ttp_text::split::{Protocol, Split, Unlabelled, UntrimmedSplit};

impl Run {
    /// The similarity report's own files; where they are not all at hand, the names of those that
    /// are missing: [`REPORT_MISSING`](crate::profile::REPORT_MISSING) says how to get them.
    ///
    /// # Errors
    /// If they are there and cannot be read, or are not what they should be.
    pub fn similarity_report(&self) -> Result<Result<ReportFiles, Vec<&'static str>>> {
        let paths = REPORT_FILES.map(|name| self.folders.raw(name));
        let missing: Vec<&'static str> = REPORT_FILES
            .into_iter()
            .zip(&paths)
            .filter(|(_, path)| !path.exists())
            .map(|(name, _)| name)
            .collect();
        if missing.is_empty() { ReportFiles::read(&paths).map(Ok) } else { Ok(Err(missing)) }
    }

    /// The report's experiment on its own pairs, and on ATT&CK's procedure examples where
    /// `attack` asks for them.
    ///
    /// # Errors
    /// If ATT&CK's bundle cannot be read, or as [`Experiment::new`].
    pub fn report_experiment(
        &self,
        files: ReportFiles,
        settings: &ReportSettings,
        attack: bool,
    ) -> Result<Experiment> {
        let seed = |purpose: &str| self.seed(&format!("similarity report {purpose}"));
        if !attack {
            return Experiment::new(files, None, settings, seed);
        }
        let source = corpus::Source::Attack { bundle: self.bundle(), tram: None };
        let corpus = self.part_of(corpus::build(&source)?.corpus);
        let kinship = Kinship::of_bundle(&self.bundle())?;
        Experiment::new(files, Some((&corpus, &kinship, self.profile.split)), settings, seed)
    }

    /// The files of NetML and of the family summary's own encoder. `None` where one is not at hand:
    /// [`NETML_MISSING`](ttp_flows::family::netml::NETML_MISSING) says how to get them.
    pub fn netml(&self) -> Option<NetmlFiles> {
        NetmlFiles::find(|name| self.folders.raw(name))
    }

    /// The part of a corpus that the profile takes: all of it, or so many rows, the
    /// same share of every technique.
    pub fn part_of(&self, corpus: Corpus) -> Corpus {
        match self.profile.corpus.rows {
            Some(rows) => corpus.sampled(rows, self.seed("corpus")),
            None => corpus,
        }
    }

    /// A protocol's split, held against its protocol and the run's corpus
    /// ([`Split::read_checked`]); without a corpus, against the protocol alone.
    ///
    /// # Errors
    /// If one of the two cannot be read, or the split is not what it should be.
    pub fn split(&self, protocol: Protocol) -> Result<Split> {
        let folder = self.folders.processed("splits").join(protocol.name());
        let path = self.folders.processed("corpus.parquet");
        let corpus = path.exists().then(|| Corpus::read_parquet(&path)).transpose()?;
        Split::read_checked(&folder, protocol, corpus.as_ref())
    }

    /// The corpus's sentences that further pretraining may read: none that a split of one of
    /// the profile's protocols tests with.
    ///
    /// # Errors
    /// If the corpus or a split cannot be read.
    pub fn unlabelled(&self) -> Result<Unlabelled> {
        let protocols = self.profile.protocols.iter();
        let splits: Vec<Split> = protocols
            .map(|protocol| Split::read(&self.folders.processed("splits").join(protocol.name())))
            .collect::<Result<_>>()?;
        let corpus = Corpus::read_parquet(&self.folders.processed("corpus.parquet"))?;
        Ok(Unlabelled::of(&corpus, &splits))
    }

    /// The similarity experiment's sentences, parts and pairs.
    ///
    /// # Errors
    /// If the corpus or ATT&CK's bundle cannot be read, or as [`Study::new`].
    pub fn study(&self) -> Result<Study> {
        let corpus = Corpus::read_parquet(&self.folders.processed("corpus.parquet"))?;
        let kinship = self.kinship()?;
        let seed = |purpose: &str| self.seed(&format!("similarity {purpose}"));
        Study::new(&corpus, &kinship, &self.profile.similarity, self.profile.split, seed)
    }

    /// The whole corpus in three parts, nothing trimmed and nothing balanced, and how many rows
    /// went because another part has their text.
    ///
    /// # Errors
    /// If the corpus cannot be read.
    pub fn untrimmed(&self) -> Result<UntrimmedSplit> {
        let corpus = Corpus::read_parquet(&self.folders.processed("corpus.parquet"))?;
        UntrimmedSplit::of(&corpus, self.profile.remedies.shares, self.seed("untrimmed split"))
    }
}
