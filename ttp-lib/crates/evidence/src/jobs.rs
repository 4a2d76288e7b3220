//! The jobs of a sweep, each with an id.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use ttp_base::{Error, Result};
use ttp_lib::profile::{Arm, Profile};
use ttp_model::pretrained::{self, Entry};
use ttp_text::linear::LinearKind;
use ttp_text::split::Protocol;

/// What a job's result is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// A model on the profile's own split, with one of the seeds.
    Seed,
    /// A linear model on a split drawn anew.
    Split,
    /// A training with something changed.
    Arm,
    /// A checkpoint's further pretraining, which other jobs need.
    Pretrain,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Pretrains a checkpoint further on sentences that no split tests with.
    Pretrain {
        /// The checkpoint's name.
        checkpoint: String,
    },
    /// Fine-tunes a checkpoint as the profile says.
    Seed {
        /// The checkpoint's name, id or folder.
        checkpoint: String,
        /// The protocol of the split.
        protocol: Protocol,
        /// Starts the head, orders the batches and draws the dropout.
        seed: u64,
    },
    /// Trains a checkpoint with something changed.
    Arm {
        /// What is changed.
        arm: Arm,
        /// The checkpoint's name, id or folder.
        checkpoint: String,
        /// As of [`Work::Seed`]; of an arm without seeds ([`Arm::has_seeds`]) the sweep's first.
        seed: u64,
    },
    /// Trains a linear model.
    Linear {
        /// Which.
        kind: LinearKind,
        /// The protocol of the split.
        protocol: Protocol,
        /// Which of the splits that are drawn anew, from 1; `None` for the profile's own split.
        draw: Option<usize>,
    },
}

impl Work {
    /// The job's id: `minilm.clean.seed-1`, `no_augmentation.minilm.clean.seed-1`,
    /// `frozen.minilm.clean`, `tfidf-svm.clean`, `tfidf-svm.clean.split-3`, `pretrain.minilm-cti`.
    /// Letters, digits, `.`, `-` and `_` alone.
    pub fn id(&self) -> String {
        let protocol = self.protocol().map(Protocol::name).unwrap_or_default();
        match self {
            Self::Pretrain { checkpoint } => format!("pretrain.{}", plain(checkpoint)),
            Self::Seed { checkpoint, seed, .. } => {
                format!("{}.{protocol}.seed-{seed}", plain(checkpoint))
            }
            Self::Arm { arm, checkpoint, seed } if arm.has_seeds() => {
                format!("{arm}.{}.{protocol}.seed-{seed}", plain(checkpoint))
            }
            Self::Arm { arm, checkpoint, .. } => format!("{arm}.{}.{protocol}", plain(checkpoint)),
            Self::Linear { kind, draw: Some(draw), .. } => {
                format!("{kind}.{protocol}.split-{draw}")
            }
            Self::Linear { kind, draw: None, .. } => format!("{kind}.{protocol}"),
        }
    }

    /// What its result is compared with.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Pretrain { .. } => JobKind::Pretrain,
            Self::Seed { .. } | Self::Linear { draw: None, .. } => JobKind::Seed,
            Self::Arm { .. } => JobKind::Arm,
            Self::Linear { .. } => JobKind::Split,
        }
    }

    /// The protocol of its split; `None` for further pretraining, which reads all.
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Pretrain { .. } => None,
            Self::Seed { protocol, .. } | Self::Linear { protocol, .. } => Some(*protocol),
            Self::Arm { arm, .. } => Some(arm.protocol()),
        }
    }

    /// The encoder's checkpoint, if it has one.
    pub fn checkpoint(&self) -> Option<&str> {
        match self {
            Self::Pretrain { checkpoint }
            | Self::Seed { checkpoint, .. }
            | Self::Arm { checkpoint, .. } => Some(checkpoint),
            Self::Linear { .. } => None,
        }
    }

    /// The linear model that its encoder is tested together with: that of the profile's first
    /// encoder over seeds, as in the comparison ([`both_of`](ttp_lib::compare::both_of)).
    pub(super) fn beside(&self, profile: &Profile) -> Option<LinearKind> {
        let Self::Seed { checkpoint, .. } = self else { return None };
        let kind = LinearKind::TfidfSvm;
        let is_first =
            profile.encoders().first().map(|first| plain(first)) == Some(plain(checkpoint));
        (is_first && profile.sweep.linear.contains(&kind)).then_some(kind)
    }

    /// The further pretraining that must be done before it.
    pub fn pretraining(&self) -> Option<Self> {
        let checkpoint = self.checkpoint().filter(|_| !matches!(self, Self::Pretrain { .. }))?;
        let is_further = Entry::named(checkpoint).is_some_and(Entry::is_pretrained_further);
        is_further.then(|| Self::Pretrain { checkpoint: checkpoint.to_owned() })
    }

    /// The model's name in files and tables.
    pub fn model(&self) -> String {
        match self {
            Self::Linear { kind, .. } => kind.name().to_owned(),
            _ => plain(self.checkpoint().unwrap_or_default()),
        }
    }

    /// About how many seconds it takes on two cores: to be compared with other jobs, no more.
    fn cost(&self, profile: &Profile) -> f64 {
        /// Rows of ATT&CK's whole corpus.
        const WHOLE: f64 = 13_000.0;
        let rows = profile.corpus.rows.map_or(1.0, |rows| (rows as f64 / WHOLE).min(1.0));
        let is_small = |name: &str| ["minilm", "minilm-cti", "scratch"].contains(&name);
        let size = self.checkpoint().map_or(1.0, |name| if is_small(name) { 1.0 } else { 9.0 });
        let epochs = |checkpoint: &str| profile.training(checkpoint).epochs as f64;
        let seconds = match self {
            Self::Pretrain { .. } => {
                60.0 * size * profile.pretraining.as_ref().map_or(1.0, |own| own.epochs as f64)
            }
            Self::Seed { checkpoint, .. } => 70.0 * size * epochs(checkpoint),
            Self::Arm { arm: Arm::Frozen, .. } => 60.0 * size,
            Self::Arm { arm, checkpoint, .. } => {
                let share = if *arm == Arm::NoAugmentation { 0.8 } else { arm.share() };
                70.0 * size * epochs(checkpoint) * share
            }
            Self::Linear { kind: LinearKind::TfidfSvm, .. } => 15.0,
            Self::Linear { kind: LinearKind::CountsLogistic, .. } => 8.0,
        };
        (10.0 * seconds * rows).ceil() / 10.0
    }
}

/// A name of letters, digits, `.`, `-` and `_`.
pub(super) fn plain(checkpoint: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let name = pretrained::file_name(checkpoint);
    name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect()
}

/// What a workflow must know of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id, and its result's file name.
    pub id: String,
    /// What its result is compared with.
    pub kind: JobKind,
    /// What must be done before: `prepare`, or another job's id.
    pub needs: Vec<String>,
    /// Whether a GPU makes it faster.
    pub gpu: bool,
    /// How long it takes beside others.
    pub cost: f64,
    /// What it does.
    #[serde(skip)]
    pub work: Work,
}

/// Every job of a profile's sweep: what others need first, then models by model, protocol and seed,
/// then arms, then linear models.
pub fn jobs(profile: &Profile) -> Vec<Job> {
    let (sweep, protocols) = (&profile.sweep, profile.sweep_protocols());
    let mut works = Vec::new();
    for checkpoint in profile.sweep_models() {
        let own = profile.protocols_of(&checkpoint);
        let is_own =
            |protocol: &&Protocol| own.contains(protocol) || !profile.protocols.contains(protocol);
        for &protocol in protocols.iter().filter(is_own) {
            let seeds = sweep.seeds.iter();
            works.extend(seeds.map(|&seed| Work::Seed {
                checkpoint: checkpoint.clone(),
                protocol,
                seed,
            }));
        }
    }
    if let Some(checkpoint) = profile.arms_of().filter(|_| !sweep.arms.is_empty()) {
        let mut bases: Vec<&str> =
            sweep.arms.iter().map(|arm| arm.checkpoint(&checkpoint)).collect();
        bases.dedup();
        for base in bases {
            works.extend(sweep.seeds.iter().map(|&seed| Work::Seed {
                checkpoint: base.to_owned(),
                protocol: Protocol::Clean,
                seed,
            }));
        }
        for &arm in &sweep.arms {
            let count = if arm.has_seeds() { sweep.arm_seeds.unwrap_or(usize::MAX) } else { 1 };
            let checkpoint = arm.checkpoint(&checkpoint);
            works.extend(sweep.seeds.iter().take(count).map(|&seed| Work::Arm {
                arm,
                checkpoint: checkpoint.to_owned(),
                seed,
            }));
        }
    }
    for &kind in &sweep.linear {
        for &protocol in protocols {
            works.push(Work::Linear { kind, protocol, draw: None });
            works.extend((1..=sweep.splits).map(|draw| Work::Linear {
                kind,
                protocol,
                draw: Some(draw),
            }));
        }
    }
    let mut all: Vec<Work> = works.iter().filter_map(Work::pretraining).collect();
    all.extend(works);
    let mut seen = BTreeSet::new();
    all.retain(|work| seen.insert(work.id()));
    all.into_iter()
        .map(|work| {
            let mut needs = vec!["prepare".to_owned()];
            needs.extend(work.pretraining().map(|before| before.id()));
            let (id, kind, cost) = (work.id(), work.kind(), work.cost(profile));
            Job { id, kind, needs, gpu: work.checkpoint().is_some(), cost, work }
        })
        .collect()
}

/// The job of that id.
///
/// # Errors
/// If the profile has none.
pub(super) fn job<'a>(jobs: &'a [Job], profile: &str, id: &str) -> Result<&'a Job> {
    jobs.iter().find(|job| job.id == id).ok_or_else(|| Error::Library {
        what: "sweep",
        reason: format!(
            "profile {profile} has no job {id:?}: `ttp sweep jobs` lists its {}",
            jobs.len()
        ),
    })
}

/// SHA-256, in hexadecimal digits, of the settings of a profile that a result depends on, of the
/// library's version and of its code that finds results. Which jobs there are is no part of it: a profile with a seed more goes on
/// with the results that it has.
///
/// # Errors
/// None in practice: of settings that are no JSON.
pub fn fingerprint(profile: &Profile) -> Result<String> {
    fingerprint_of(profile, env!("TTP_SWEEP_CODE"))
}

pub(super) fn fingerprint_of(profile: &Profile, code: &str) -> Result<String> {
    const COUNTED: [&str; 8] =
        ["seed", "corpus", "balance", "augment", "split", "training", "training_of", "pretraining"];
    let settings = serde_json::to_value(profile).map_err(Error::library("writing a profile"))?;
    let mut digest = Sha256::new();
    digest.update(format!("sweep {} {code}\n", env!("CARGO_PKG_VERSION")));
    for field in COUNTED.into_iter().chain(["revisions"]) {
        digest.update(format!("{field}={}\n", settings[field]));
    }
    Ok(hex(digest))
}

/// A digest's hexadecimal digits.
pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
