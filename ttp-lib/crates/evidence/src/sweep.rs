//! A sweep's folder: what its jobs share, and what each left.

use super::jobs::{Job, Work, fingerprint, hex, jobs};
use super::outcome::{Outcome, PretrainingOutcome, digest_of_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result, files};
use ttp_lib::profile::Run;
use ttp_text::augment::Augmenter;
use ttp_text::corpus::{self, Corpus, Sample};
use ttp_text::split::{self, Protocol, Split};

/// A profile's sweep in a folder: `sweep.json`, `data/`, `models/`, `jobs/ID.json`, `evidence.json`.
pub struct Sweep {
    /// The run, whose files all lie in the folder.
    pub(super) run: Run,
    pub(super) folder: PathBuf,
    pub(super) fingerprint: String,
    pub(super) jobs: Vec<Job>,
}

/// What `sweep.json` says: written last, so where it is, what it names was whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    profile: String,
    version: String,
    fingerprint: String,
    /// SHA-256 of the rows of the corpus and of each split.
    pub(super) rows: BTreeMap<String, String>,
}

/// How a job's result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Whole, and of this sweep.
    Sound,
    /// Not there.
    Missing,
    /// Cut off, edited, or without the model that it tells of.
    Broken,
    /// Of another profile, version, corpus or job.
    Foreign,
}

/// A job's result, or a file that is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobCheck {
    /// The job's id; of a file that is none of the profile's, its name.
    pub id: String,
    /// How it is.
    pub state: State,
    /// Why it is not sound; empty of a sound one.
    pub why: String,
}

/// The corpus's name in `sweep.json`.
const CORPUS: &str = "corpus";

impl Sweep {
    /// A profile's sweep in a folder, which need not be there.
    ///
    /// # Errors
    /// None in practice: as [`fingerprint`].
    pub fn new(run: &Run, folder: &Path) -> Result<Self> {
        let fingerprint = fingerprint(&run.profile)?;
        let jobs = jobs(&run.profile);
        Ok(Self { run: run.writing_to(folder), folder: folder.into(), fingerprint, jobs })
    }

    /// Its jobs.
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// What a user should know of the configuration of the checkpoint that a job trains, a line
    /// each. None where the job trains no checkpoint, or one that another job has to make first.
    pub fn notes(&self, id: &str) -> Vec<String> {
        let job = self.jobs.iter().find(|job| job.id == id);
        let checkpoint = job.and_then(|job| job.work.checkpoint());
        let opened = checkpoint.and_then(|name| self.run.checkpoint(name).ok());
        opened.map(|checkpoint| checkpoint.notes()).unwrap_or_default()
    }

    /// The fingerprint of its profile ([`fingerprint`]).
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file of a job's result.
    pub fn result(&self, id: &str) -> PathBuf {
        self.folder.join("jobs").join(format!("{id}.json"))
    }

    fn record(&self) -> PathBuf {
        self.folder.join("sweep.json")
    }

    /// The protocols whose splits its jobs read.
    fn protocols(&self) -> BTreeSet<Protocol> {
        let own = |job: &Job| match job.work {
            Work::Linear { draw: Some(_), .. } => None,
            _ => job.work.protocol(),
        };
        self.jobs.iter().filter_map(own).collect()
    }

    /// Makes the corpus and the splits that its jobs share, whole or not at all; where they are
    /// there and as they were, nothing. Whether it made them.
    ///
    /// # Errors
    /// If the folder is another sweep's, the profile's source cannot be read, or a file cannot be
    /// written.
    pub fn prepare(&self) -> Result<bool> {
        // A record that cannot be read is one that was cut off.
        if let Ok(record) = files::read_json::<Manifest>(&self.record()) {
            self.refuse_other(&record)?;
            if self.rows().is_ok_and(|rows| rows == record.rows) {
                return Ok(false);
            }
        }
        let run = &self.run;
        let profile = &run.profile;
        let corpus = run.part_of(corpus::build(&run.source()?)?.corpus);
        let augmenter = Augmenter::new(profile.augment.clone())?;
        files::write_folder(&run.folders.processed(""), |folder| {
            corpus.write_parquet(&folder.join("corpus.parquet"))?;
            for protocol in self.protocols() {
                let (limits, shares, seed) = (profile.balance, profile.split, run.seed("split"));
                let prepared = split::prepare(protocol, &corpus, limits, shares, &augmenter, seed)?;
                prepared.split.write(&folder.join("splits").join(protocol.name()))?;
            }
            Ok(())
        })?;
        let record = Manifest {
            profile: profile.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprint: self.fingerprint.clone(),
            rows: self.rows()?,
        };
        files::write_json(&self.record(), &record)?;
        Ok(true)
    }

    /// The digest of the corpus and of each split, as they are.
    pub(super) fn rows(&self) -> Result<BTreeMap<String, String>> {
        let mut rows = BTreeMap::from([(CORPUS.to_owned(), digest_of_corpus(&self.corpus()?))]);
        for protocol in self.protocols() {
            rows.insert(protocol.name().to_owned(), digest_of_split(&self.split(protocol)?));
        }
        Ok(rows)
    }

    pub(super) fn corpus(&self) -> Result<Corpus> {
        Corpus::read_parquet(&self.run.folders.processed("corpus.parquet"))
    }

    pub(super) fn split(&self, protocol: Protocol) -> Result<Split> {
        Split::read(&self.run.folders.processed("splits").join(protocol.name()))
    }

    /// All splits that its jobs read: what no further pretraining may test with.
    pub(super) fn splits(&self) -> Result<Vec<Split>> {
        self.protocols().into_iter().map(|protocol| self.split(protocol)).collect()
    }

    fn refuse_other(&self, record: &Manifest) -> Result<()> {
        if record.fingerprint == self.fingerprint {
            return Ok(());
        }
        let reason = format!(
            "a sweep of another profile, version or code: {} of {}, {:.12}, and this is {} of {}, {:.12}; \
             take another folder",
            record.profile,
            record.version,
            record.fingerprint,
            self.run.profile.name,
            env!("CARGO_PKG_VERSION"),
            self.fingerprint
        );
        Err(Error::input(&self.record(), reason))
    }

    /// What `sweep.json` says of this sweep.
    pub(super) fn prepared(&self) -> Result<Manifest> {
        if !self.record().exists() {
            let reason = "not prepared: `ttp sweep prepare` is first";
            return Err(Error::input(&self.folder, reason));
        }
        let record: Manifest = files::read_json(&self.record())?;
        self.refuse_other(&record)?;
        Ok(record)
    }

    /// The digest of what a job reads, by what was prepared.
    pub(super) fn data(&self, record: &Manifest, work: &Work) -> String {
        let reads_all = matches!(work, Work::Pretrain { .. }) || work.pretraining().is_some();
        let own = match work {
            Work::Linear { draw: Some(_), .. } => CORPUS,
            _ => work.protocol().map_or(CORPUS, Protocol::name),
        };
        let mut digest = Sha256::new();
        for (name, rows) in &record.rows {
            if reads_all || name == own {
                digest.update(format!("{name} {rows}\n"));
            }
        }
        hex(digest)
    }

    /// How the result of each job is, and what else lies beside them.
    ///
    /// # Errors
    /// If the folder is another sweep's, or cannot be read.
    pub fn check(&self) -> Result<Vec<JobCheck>> {
        let folder = self.folder.join("jobs");
        // Nothing is there before it is prepared.
        let record = if self.record().exists() { Some(self.prepared()?) } else { None };
        let missing = |job: &Job| JobCheck {
            id: job.id.clone(),
            state: State::Missing,
            why: "not prepared: `ttp sweep prepare` is first".to_owned(),
        };
        let one = |job: &Job| match &record {
            Some(record) => self.checked(record, job),
            None => missing(job),
        };
        let mut all: Vec<JobCheck> = self.jobs.iter().map(one).collect();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(all),
            Err(error) => return Err(Error::file(&folder, "read")(error)),
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
            .collect();
        names.retain(|name| !name.starts_with('.') && self.jobs.iter().all(|job| job.id != *name));
        names.sort();
        all.extend(names.into_iter().map(|id| JobCheck {
            id,
            state: State::Foreign,
            why: format!("profile {} has no such job", self.run.profile.name),
        }));
        Ok(all)
    }

    pub(super) fn checked(&self, record: &Manifest, job: &Job) -> JobCheck {
        let (state, why) = match self.state_of(record, job) {
            Ok(()) => (State::Sound, String::new()),
            Err((state, why)) => (state, why),
        };
        JobCheck { id: job.id.clone(), state, why }
    }

    fn state_of(&self, record: &Manifest, job: &Job) -> Result<(), (State, String)> {
        let path = self.result(&job.id);
        if !path.exists() {
            return Err((State::Missing, "not run yet".to_owned()));
        }
        let broken = |error: Error| (State::Broken, error.to_string());
        let foreign = |why: &str| Err((State::Foreign, why.to_owned()));
        let beside = job.work.beside(&self.run.profile);
        let mut both = beside;
        let (id, fingerprint, data, weights) = match &job.work {
            Work::Pretrain { checkpoint } => {
                let found = PretrainingOutcome::read(&path).map_err(broken)?;
                let file = self.run.folders.pretrained(checkpoint).join("model.safetensors");
                (found.id, found.fingerprint, found.data, Some((found.weights, file)))
            }
            _ => {
                let found = Outcome::read(&path).map_err(broken)?;
                both = found.both.as_ref().map(|both| both.linear);
                (found.id, found.fingerprint, found.data, None)
            }
        };
        if id != job.id {
            return foreign(&format!("it is the result of {id}"));
        }
        if fingerprint != self.fingerprint {
            return foreign("of another profile, version or code");
        }
        if data != self.data(record, &job.work) {
            return foreign("of another corpus or other splits");
        }
        if both != beside {
            return foreign(match beside {
                Some(_) => "it lacks the encoder together with tfidf-svm",
                None => "its encoder, which is not the profile's first, is together with tfidf-svm",
            });
        }
        match weights {
            Some((said, file)) if digest_of_file(&file).map_err(broken)? != said => {
                let why = format!("{}: not the weights that it tells of", file.display());
                Err((State::Broken, why))
            }
            _ => Ok(()),
        }
    }

    /// The sound results of all jobs but pretrainings, and the ids of all others' that are not.
    pub(super) fn outcomes(&self) -> Result<(Vec<Outcome>, Vec<String>)> {
        let (mut outcomes, mut missing) = (Vec::new(), Vec::new());
        let checked = self.check()?;
        for (job, checked) in self.jobs.iter().zip(checked) {
            match checked.state {
                State::Sound if matches!(job.work, Work::Pretrain { .. }) => {}
                State::Sound => outcomes.push(Outcome::read(&self.result(&job.id))?),
                _ => missing.push(job.id.clone()),
            }
        }
        Ok((outcomes, missing))
    }

    /// Where a job trains that was not done before: its model so far and what it goes on from.
    pub(super) fn unfinished(&self, id: &str) -> PathBuf {
        self.folder.join("unfinished").join(id)
    }
}

fn digest_of_rows<'a>(rows: impl Iterator<Item = [&'a str; 3]>) -> String {
    let mut digest = Sha256::new();
    for row in rows {
        for part in row {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    hex(digest)
}

/// SHA-256 of a corpus's sentences, techniques and sources.
pub(super) fn digest_of_corpus(corpus: &Corpus) -> String {
    let rows = corpus.sentences.iter();
    digest_of_rows(rows.map(|row| [row.technique.as_str(), row.text.as_str(), &row.source_id]))
}

/// SHA-256 of the rows of a split's parts.
pub(super) fn digest_of_split(split: &Split) -> String {
    let mut digest = Sha256::new();
    for part in [&split.train, &split.validation, &split.test] {
        let rows = |sample: &Sample| format!("{} {}", sample.row, sample.operation.name());
        let rows: Vec<String> = part.iter().map(rows).collect();
        let rows = part.iter().zip(&rows);
        digest.update(digest_of_rows(
            rows.map(|(sample, row)| [row.as_str(), &sample.technique, &sample.text]),
        ));
    }
    hex(digest)
}
