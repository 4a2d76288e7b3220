//! From jobs' results to what they say together.

use super::arms::{ArmEffect, arms};
use super::outcome::{Figures, Outcome, common};
use super::sweep::Sweep;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use ttp_base::{Result, files};
use ttp_lib::compare::LEVEL;
use ttp_lib::profile::{Profile, Run};
use ttp_metrics::{Assumption, PairedSummary, Summary, holm};
use ttp_text::split::{Protocol, Shares};

/// A score over several runs; of one run alone there is no spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample's standard deviation: how far runs lie apart.
    pub sd: Option<f64>,
    /// How many runs.
    pub n: usize,
    /// The lower end of the mean's t interval.
    pub low: Option<f64>,
    /// The upper end of the mean's t interval.
    pub high: Option<f64>,
}

impl From<Summary> for Spread {
    fn from(Summary { mean, sd, n, low, high }: Summary) -> Self {
        Self { mean, sd: Some(sd), n, low: Some(low), high: Some(high) }
    }
}

/// A model's scores over seeds or over splits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spreads {
    /// The seeds, or which splits.
    pub runs: Vec<u64>,
    /// Macro-averaged F1 on the test rows.
    pub f1_macro: Spread,
    /// Share of test rows named right.
    pub accuracy: Spread,
    /// Macro-averaged precision.
    pub precision_macro: Spread,
    /// Macro-averaged recall.
    pub recall_macro: Spread,
    /// Macro-averaged F2.
    pub f2_macro: Spread,
    /// Share of the validation rows named right.
    pub validation_accuracy: Spread,
    /// Share of the training rows named right, after training; of models on the profile's own split.
    pub train_accuracy: Option<Spread>,
    /// Mean seconds of a run.
    pub seconds: f64,
}

/// Two models over seeds, or over splits, that both had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelPair {
    /// `seeds` or `splits`.
    pub over: String,
    /// Their protocol.
    pub protocol: Protocol,
    /// The first model.
    pub first: String,
    /// The second model. A linear model over seeds is one and the same for each: nothing in its
    /// training is drawn.
    pub second: String,
    /// Macro-averaged F1: the first's minus the second's, with the paired t-test.
    pub f1_macro: PairedSummary,
    /// Accuracy, likewise.
    pub accuracy: PairedSummary,
    /// The p-value of macro F1 after Holm's correction over the pairs of the same protocol and
    /// kind of runs; `None` where runs do not vary.
    pub p_holm: Option<f64>,
    /// The model of the higher macro F1, where the corrected p-value is at most [`LEVEL`].
    pub better: Option<String>,
}

/// What a sweep says: `evidence.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The profile's name; empty where nothing was run.
    pub profile: String,
    /// The sweep's fingerprint.
    pub fingerprint: String,
    /// The level of the intervals, 0.95 for 95 %.
    pub level: f64,
    /// Models over seeds on the profile's own split, by model and protocol: `minilm.clean`. A
    /// linear model is there once, as nothing in it is drawn; `both` is the profile's first encoder
    /// together with `tfidf-svm`, once for each seed of the encoder.
    pub seeds: BTreeMap<String, Spreads>,
    /// Linear models over splits that are drawn anew: `tfidf-svm.clean`. The intervals take into
    /// account that the splits overlap ([`Summary::of_splits`]).
    pub splits: BTreeMap<String, Spreads>,
    /// What changes in a training are worth, by arm and model: `no_augmentation.minilm`.
    pub arms: BTreeMap<String, ArmEffect>,
    /// Which differences between models hold.
    pub pairs: Vec<ModelPair>,
    /// What the tests of the pairs take for granted.
    pub assumptions: Vec<String>,
    /// The ids of the jobs whose results are in it.
    #[serde(default)]
    pub jobs: Vec<String>,
    /// The ids of the jobs whose results are missing.
    pub missing: Vec<String>,
    /// What makes them.
    pub command: String,
    /// Why what was found is not shown.
    #[serde(skip)]
    pub note: Option<String>,
}

/// What makes the sweep of profile `sweep-laptop`, and goes on with it.
pub const COMMAND: &str = "make sweep";

/// The same for any profile.
fn command_of(profile: &str) -> String {
    match profile {
        "sweep-laptop" => COMMAND.to_owned(),
        other => format!("TTP_PROFILE={other} {COMMAND}"),
    }
}

impl Sweep {
    /// Puts all sound results together. An incomplete sweep gives what it has, and names the rest.
    ///
    /// # Errors
    /// If the folder is another sweep's, or two results do not fit together.
    pub fn collect(&self) -> Result<Evidence> {
        let (outcomes, missing) = self.outcomes()?;
        let evidence = Evidence::of(&self.run, &outcomes)?;
        let ids = self.jobs.iter().map(|job| job.id.clone());
        let jobs = ids.filter(|id| !missing.contains(id)).collect();
        Ok(Evidence { jobs, missing, ..evidence })
    }

    /// Writes `evidence.json`, whole or not at all, and gives its path.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, evidence: &Evidence) -> Result<std::path::PathBuf> {
        let path = self.folder.join("evidence.json");
        files::write_json(&path, evidence)?;
        Ok(path)
    }
}

impl Evidence {
    /// What outcomes say together: those of jobs, or of
    /// [`linear_splits`](super::linear_splits).
    ///
    /// # Errors
    /// If two outcomes that should be of the same test rows are not.
    pub fn of(run: &Run, outcomes: &[Outcome]) -> Result<Self> {
        let level = run.profile.bootstrap.level;
        let (mut seeds, mut splits) = (ByModel::new(), ByModel::new());
        let together: Vec<Outcome> = outcomes.iter().filter_map(Outcome::together).collect();
        for outcome in
            outcomes.iter().chain(&together).filter(|outcome| outcome.settings.arm.is_none())
        {
            let by = if outcome.settings.draw.is_some() { &mut splits } else { &mut seeds };
            let key = (outcome.settings.protocol, outcome.settings.model.as_str());
            by.entry(key).or_default().push(outcome);
        }
        let shares = run.profile.split;
        let spreads = |by: &ByModel<'_>, shares: Option<Shares>| {
            let one = |(&(protocol, model), runs): (&(Protocol, &str), &Vec<&Outcome>)| {
                let key = format!("{model}.{}", protocol.name());
                Ok((key, Spreads::of(runs, level, shares)?))
            };
            by.iter().map(one).collect::<Result<BTreeMap<_, _>>>()
        };
        let mut pairs = pairs(&seeds, "seeds", level, None)?;
        pairs.extend(self::pairs(&splits, "splits", level, Some(shares))?);
        let mut assumptions: Vec<String> = Vec::new();
        for pair in &pairs {
            let rows = match pair.f1_macro.assumption {
                Assumption::Independent => "on the test rows of one split; ",
                Assumption::OverlappingSplits => "",
            };
            let said = pair.f1_macro.assumption.describe();
            let said = format!("over {}: {rows}{said}", pair.over);
            if !assumptions.contains(&said) {
                assumptions.push(said);
            }
        }
        Ok(Self {
            profile: run.profile.name.clone(),
            fingerprint: super::fingerprint(&run.profile)?,
            level,
            seeds: spreads(&seeds, None)?,
            splits: spreads(&splits, Some(shares))?,
            arms: arms(run, outcomes)?,
            pairs,
            assumptions,
            jobs: outcomes.iter().map(|outcome| outcome.id.clone()).collect(),
            missing: Vec::new(),
            command: command_of(&run.profile.name),
            note: None,
        })
    }

    /// Reads `evidence.json`.
    ///
    /// # Errors
    /// If it cannot be read, or is not what [`Sweep::write`] writes.
    pub fn read(path: &Path) -> Result<Self> {
        files::read_json(path)
    }

    /// What the sweep that belongs to a run's profile has left: `sweep-laptop`'s of `laptop`, whose
    /// file lies beside the profile's. Where there is none, or one of other settings, jobs or code,
    /// its jobs are missing, and its tables say what makes them.
    ///
    /// # Errors
    /// If the sweep's profile makes no sense.
    pub fn of_sweep(run: &Run) -> Result<Self> {
        let (path, file) = (run.folders.sweep().join("evidence.json"), run.sweep_profile());
        let none = |note: Option<&str>, jobs: Vec<String>, command: String| {
            let folder = run.folders.sweep();
            let note =
                note.map(|why| format!("{why}: move {} away, then {command}", folder.display()));
            Self { missing: jobs, note, command, ..Self::default() }
        };
        if !file.exists() {
            let note = path.exists().then_some("of a profile that is not there");
            return Ok(none(note, Vec::new(), COMMAND.to_owned()));
        }
        let profile = Profile::read(&file)?;
        let jobs: Vec<String> = super::jobs(&profile).into_iter().map(|job| job.id).collect();
        let command = command_of(&profile.name);
        if !path.exists() {
            return Ok(none(None, jobs, command));
        }
        let fingerprint = super::fingerprint(&profile)?;
        match Self::read(&path) {
            Ok(found) if found.fingerprint != fingerprint => {
                Ok(none(Some("of other settings or code"), jobs, command))
            }
            Ok(found) if found.jobs.iter().all(|job| jobs.contains(job)) => {
                let missing = jobs.into_iter().filter(|job| !found.jobs.contains(job)).collect();
                Ok(Self { missing, command, ..found })
            }
            Ok(_) => Ok(Self {
                note: Some(format!("of other jobs: {command} counts anew")),
                ..none(None, jobs, command)
            }),
            Err(_) => Ok(none(Some("its evidence.json cannot be read"), jobs, command)),
        }
    }
}

/// Outcomes of each protocol and model.
type ByModel<'a> = BTreeMap<(Protocol, &'a str), Vec<&'a Outcome>>;

/// A score's spread; over splits that overlap where their shares are given.
pub(super) fn spread(values: &[f64], level: f64, shares: Option<Shares>) -> Result<Spread> {
    if let [mean] = *values {
        return Ok(Spread { mean, sd: None, n: 1, low: None, high: None });
    }
    let summary = match shares {
        Some(shares) => Summary::of_splits(values, level, shares.test, shares.train)?,
        None => Summary::of(values, level)?,
    };
    Ok(summary.into())
}

impl Spreads {
    fn of(outcomes: &[&Outcome], level: f64, shares: Option<Shares>) -> Result<Self> {
        let of = |figure: &dyn Fn(&Outcome) -> f64| {
            let values: Vec<f64> = outcomes.iter().map(|outcome| figure(outcome)).collect();
            spread(&values, level, shares)
        };
        let of_test = |figure: fn(&Figures) -> f64| of(&|outcome| figure(&outcome.scores));
        let trained = outcomes.iter().all(|outcome| outcome.train_accuracy.is_some());
        let run = |outcome: &&Outcome| {
            let settings = &outcome.settings;
            settings.draw.map(|draw| draw as u64).or(settings.seed)
        };
        let seconds = outcomes.iter().map(|outcome| outcome.seconds);
        Ok(Self {
            runs: outcomes.iter().filter_map(run).collect(),
            f1_macro: of_test(|figures| figures.f1_macro)?,
            accuracy: of_test(|figures| figures.accuracy)?,
            precision_macro: of_test(|figures| figures.precision_macro)?,
            recall_macro: of_test(|figures| figures.recall_macro)?,
            f2_macro: of_test(|figures| figures.f2_macro)?,
            validation_accuracy: of(&|outcome| outcome.validation.accuracy)?,
            train_accuracy: match trained {
                true => Some(of(&|outcome| outcome.train_accuracy.unwrap_or(f64::NAN))?),
                false => None,
            },
            seconds: seconds.sum::<f64>() / outcomes.len().max(1) as f64,
        })
    }
}

fn pairs(
    by: &ByModel<'_>,
    over: &str,
    level: f64,
    shares: Option<Shares>,
) -> Result<Vec<ModelPair>> {
    let mut all = Vec::new();
    for protocol in Protocol::NAMED {
        let models: Vec<_> = by.iter().filter(|((own, _), _)| *own == protocol).collect();
        let mut found = Vec::new();
        for (at, ((_, first), runs)) in models.iter().enumerate() {
            for ((_, second), others) in &models[at + 1..] {
                let both = common(runs, others);
                if both.len() < 2 {
                    continue;
                }
                both.iter().try_for_each(|[a, b]| a.refuse_other_rows(b))?;
                let test = |figure: fn(&Figures) -> f64| {
                    let [a, b] = [0, 1].map(|which: usize| {
                        both.iter().map(|pair| figure(&pair[which].scores)).collect::<Vec<_>>()
                    });
                    match shares {
                        Some(Shares { train, test, .. }) => {
                            PairedSummary::corrected(&a, &b, level, test, train)
                        }
                        None => Summary::paired(&a, &b, level),
                    }
                };
                found.push(ModelPair {
                    over: over.to_owned(),
                    protocol,
                    first: (*first).to_owned(),
                    second: (*second).to_owned(),
                    f1_macro: test(|figures| figures.f1_macro)?,
                    accuracy: test(|figures| figures.accuracy)?,
                    p_holm: None,
                    better: None,
                });
            }
        }
        let tested: Vec<f64> = found.iter().filter_map(|pair| pair.f1_macro.p).collect();
        let mut corrected = holm(&tested)?.into_iter();
        for pair in found.iter_mut().filter(|pair| pair.f1_macro.p.is_some()) {
            pair.p_holm = corrected.next();
            let first_is_higher = pair.f1_macro.difference.mean > 0.0;
            let higher = if first_is_higher { &pair.first } else { &pair.second };
            let holds = pair.p_holm.is_some_and(|p| p <= LEVEL);
            pair.better = holds.then(|| higher.clone());
        }
        all.extend(found);
    }
    Ok(all)
}
