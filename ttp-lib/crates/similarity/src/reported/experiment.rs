//! Models of the report's recipes, trained and judged on three grounds.

use super::{Ground, GroundName, Lessons, ReportArm, ReportFiles, ReportSettings, Warning};
use crate::published::REPORT_THRESHOLD;
use crate::{
    Labels, Level, ModelFolder, PairScores, PairTraining, Pairs, SimilarityHistory,
    SimilaritySettings, SimilarityTraining, Study, TestPairs,
};
use serde::Serialize;
use ttp_base::{Error, Result};
use ttp_metrics::{BinaryCounts, Bootstrap, Criterion, Estimate, Ranking};
use ttp_model::encoder::{SentenceEncoder, Vectors};
use ttp_model::engine::{self, Step};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_text::corpus::{Corpus, Kinship};
use ttp_text::split::Shares;

/// The report's pairs, and the grounds that models are judged on.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// The report's files.
    pub files: ReportFiles,
    /// Its own split.
    pub split: Ground,
    /// Its pairs, cut anew.
    pub disjoint: Ground,
    /// ATT&CK's procedure examples by tactic; `None` where they are not asked for.
    pub attack: Option<Study>,
    labels: Labels,
    settings: ReportSettings,
    seed: u64,
}

/// What a model makes of all texts.
#[derive(Debug, Clone)]
pub struct TextVectors {
    /// The report's texts.
    pub texts: Vectors,
    /// The cosines of the unseen examples' pairs, in order.
    pub unseen: Vec<f64>,
    /// ATT&CK's sentences, those that are judged; none where there is no such ground.
    attack: Option<Vectors>,
}

/// A trained model as what it makes of all texts, and how it was trained.
#[derive(Debug, Clone)]
pub struct TrainedVectors {
    /// What it makes of all texts.
    pub embedded: TextVectors,
    /// The training.
    pub history: SimilarityHistory,
    /// What a user would have been told before.
    pub warning: Option<Warning>,
}

/// One model on one ground.
#[derive(Debug, Clone, Serialize)]
pub struct GroundScores {
    /// The ground.
    pub ground: GroundName,
    /// Test pairs.
    pub pairs: usize,
    /// Average precision.
    pub average_precision: Estimate,
    /// Area under the ROC curve.
    pub roc_auc: Estimate,
    /// The counts from a cosine of 0.5 upwards.
    pub at_half: ThresholdCounts,
    /// The counts from the cosine at which F1 is highest on the validation pairs.
    pub at_validations: ThresholdCounts,
    /// What calling every pair similar comes to.
    pub all_similar: ThresholdCounts,
    /// The cosine of each test pair.
    #[serde(skip)]
    pub scores: Vec<f64>,
    /// What a user would be told of its answers to the validation pairs, at 0.5.
    #[serde(skip)]
    pub warning: Option<Warning>,
}

/// Counts at a threshold, and what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ThresholdCounts {
    /// The cosine from which upwards a pair is called similar; the lowest of all where every pair
    /// is.
    pub threshold: f64,
    /// The counts.
    #[serde(flatten)]
    pub counts: BinaryCounts,
    /// The share of pairs that are right.
    pub accuracy: f64,
    /// Of the pairs called similar, the share that is.
    pub precision: f64,
    /// Of the similar pairs, the share that is called so.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

impl ThresholdCounts {
    /// Counts with their scores.
    pub fn new(threshold: f64, counts: BinaryCounts) -> Self {
        Self {
            threshold,
            counts,
            accuracy: counts.accuracy(),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
        }
    }
}

impl Experiment {
    /// Takes the report's files and, for the third ground, ATT&CK's sentences. `seed` gives a
    /// number for each purpose.
    ///
    /// # Errors
    /// If a setting makes no sense, or the files or sentences do not give the pairs.
    pub fn new(
        files: ReportFiles,
        attack: Option<(&Corpus, &Kinship, Shares)>,
        settings: &ReportSettings,
        seed: impl Fn(&str) -> u64,
    ) -> Result<Self> {
        settings.check()?;
        let cut = |ground: Ground| ground.cut(settings.pairs, seed("training pairs"));
        let by_tactic = SimilaritySettings {
            level: Level::Tactic,
            pairs: settings.attack_pairs,
            ..SimilaritySettings::default()
        };
        let study = attack.map(|(corpus, kinship, shares)| {
            Study::new(corpus, kinship, &by_tactic, shares, |purpose| {
                seed(&format!("attack {purpose}"))
            })
        });
        Ok(Self {
            split: cut(Ground::as_reported(&files)?),
            disjoint: cut(Ground::disjoint(&files, seed("disjoint"))?),
            attack: study.transpose()?,
            labels: files.labels()?,
            settings: settings.clone(),
            seed: seed("training"),
            files,
        })
    }

    /// The split of a ground that models are trained on.
    ///
    /// # Errors
    /// If none is trained on it: ATT&CK's sentences are for judging.
    pub fn ground(&self, name: GroundName) -> Result<&Ground> {
        match name {
            GroundName::Report => Ok(&self.split),
            GroundName::Disjoint => Ok(&self.disjoint),
            GroundName::Attack => {
                let reason = "no recipe is trained on ATT&CK's sentences: they judge alone";
                Err(Error::Setting { field: "ground", reason: reason.to_owned() })
            }
        }
    }

    /// How long texts may be.
    ///
    /// # Errors
    /// As [`Checkpoint::tokenizer`].
    pub fn tokenizer(&self, checkpoint: &Checkpoint) -> Result<CheckpointTokenizer> {
        checkpoint.tokenizer_of("similarity.report.max_length", self.settings.max_length)
    }

    /// What a model makes of all texts. `watch` is told after each batch how many it had.
    ///
    /// # Errors
    /// As [`SentenceEncoder::embed`].
    pub fn embed(
        &self,
        encoder: &SentenceEncoder,
        tokenize: &CheckpointTokenizer,
        watch: &mut dyn FnMut(usize),
    ) -> Result<TextVectors> {
        let mut texts = self.files.texts.all();
        let (own, unseen) = (texts.len(), &self.files.unseen);
        texts.extend(unseen.texts.iter().map(String::as_str));
        let vectors = encoder.embed(tokenize, &texts, watch)?;
        let shifted = |pair: [u32; 2]| pair.map(|at| at + own as u32);
        let pairs: Vec<[u32; 2]> = unseen.pairs().into_iter().map(shifted).collect();
        let all: Vec<u32> = (0..own as u32).collect();
        let attack = self
            .attack
            .as_ref()
            .map(|study| study.embed(encoder, tokenize, &study.judged(), watch))
            .transpose()?;
        Ok(TextVectors { unseen: vectors.dots(&pairs), texts: vectors.of(&all), attack })
    }

    /// The settings.
    pub(super) fn settings(&self) -> &ReportSettings {
        &self.settings
    }

    /// Orders the batches and draws the dropout of every training.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// What a checkpoint without training makes of all texts: [`embed`](Self::embed).
    ///
    /// # Errors
    /// As that, or if the checkpoint cannot be read.
    pub fn embed_untrained(
        &self,
        checkpoint: &Checkpoint,
        watch: &mut dyn FnMut(usize),
    ) -> Result<TextVectors> {
        let model = SentenceEncoder::new(checkpoint, engine::device(), 0)?;
        self.embed(&model, &self.tokenizer(checkpoint)?, watch)
    }

    /// How many texts [`embed`](Self::embed) embeds.
    pub fn sentences(&self) -> usize {
        let attack = self.attack.as_ref().map_or(0, |study| study.judged().len());
        self.files.texts.len() + self.files.unseen.texts.len() + attack
    }

    /// Trains one arm from a checkpoint on a ground's training pairs. `base` is what the
    /// checkpoint itself makes of all texts. `folder` says whether the model is written.
    ///
    /// # Errors
    /// If the ground has no such pairs, or as [`PairTraining::run`].
    pub fn train(
        &self,
        (arm, on): (ReportArm, GroundName),
        checkpoint: &Checkpoint,
        base: &TextVectors,
        folder: &ModelFolder,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<TrainedVectors> {
        let ground = self.ground(on)?;
        let others = ground.train.len() - ground.train.similar_count();
        // Of cut pairs, the share that 300 are of the report's 1,370.
        let hard = match self.settings.pairs {
            Some(_) => self.settings.hard_negatives.min(others.div_ceil(4)),
            None => self.settings.hard_negatives.min(others),
        };
        let lessons = arm.lessons(&ground.train, &base.texts, &self.labels, hard)?;
        let (params, seed) = (arm.schedule(self.settings.max_length), self.seed);
        let tokenize = self.tokenizer(checkpoint)?;
        let mut model = SentenceEncoder::new(checkpoint, engine::device(), seed)?;
        let texts = self.files.texts.all();
        let stop_after = self.settings.epochs;
        let (history, warning) = match &lessons {
            Lessons::Pairs(pairs) => {
                let warning = Warning::of_loss(arm.loss(), pairs);
                let (params, loss) = (&params, arm.loss());
                let training = PairTraining { checkpoint, params, loss, seed, stop_after, folder };
                (training.run(&mut model, &tokenize, &texts, pairs, watch)?, warning)
            }
            Lessons::Triplets(triplets) => {
                let (params, loss) = (&params, arm.loss());
                let training = SimilarityTraining { checkpoint, params, loss, seed, folder };
                let part = (&triplets[..], stop_after.unwrap_or(params.epochs));
                let labels = &self.labels;
                let history =
                    training.run_until(&mut model, &tokenize, &texts, labels, part, watch)?;
                (history, None)
            }
        };
        let embedded = self.embed(&model, &tokenize, &mut |_| ())?;
        Ok(TrainedVectors { embedded, history, warning })
    }

    /// Judges a model on a ground: at 0.5, and at the threshold that the ground's validation pairs
    /// give. `None` where there is no such ground.
    ///
    /// # Errors
    /// As [`TestPairs::judge`].
    pub fn judge(
        &self,
        embedded: &TextVectors,
        on: GroundName,
        bootstrap: Bootstrap,
    ) -> Result<Option<GroundScores>> {
        let (vectors, validation, test): (&Vectors, &Pairs, &TestPairs) = match on {
            GroundName::Report => (&embedded.texts, &self.split.validation, &self.split.test),
            GroundName::Disjoint => {
                (&embedded.texts, &self.disjoint.validation, &self.disjoint.test)
            }
            GroundName::Attack => match (&self.attack, &embedded.attack) {
                (Some(study), Some(vectors)) => (vectors, &study.validation, &study.test),
                _ => return Ok(None),
            },
        };
        let answers = vectors.dots(&validation.rows);
        let threshold = Ranking::new(&answers, &validation.similar)?.best_threshold(Criterion::F1);
        let scores = vectors.dots(&test.pairs.rows);
        let judged: PairScores = test.judge(&scores, threshold, bootstrap)?;
        let half = BinaryCounts::at(&scores, &test.pairs.similar, REPORT_THRESHOLD)?;
        let lowest = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let all = BinaryCounts::at(&scores, &test.pairs.similar, lowest)?;
        Ok(Some(GroundScores {
            ground: on,
            pairs: test.pairs.len(),
            average_precision: judged.intervals.average_precision,
            roc_auc: judged.intervals.roc_auc,
            at_half: ThresholdCounts::new(REPORT_THRESHOLD, half),
            at_validations: ThresholdCounts::new(threshold, judged.confusion),
            all_similar: ThresholdCounts::new(lowest, all),
            warning: Warning::of_answers(&answers, &validation.similar, REPORT_THRESHOLD),
            scores,
        }))
    }
}

/// What a model makes of the unseen examples' pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnseenCosines {
    /// The share of pairs with a cosine of at least 0.5.
    pub called_similar: f64,
    /// The lowest cosine.
    pub lowest: f64,
    /// The mean cosine.
    pub mean: f64,
}

impl UnseenCosines {
    /// Looks at the cosines of the pairs.
    pub fn of(cosines: &[f64]) -> Self {
        let count = cosines.len().max(1) as f64;
        Self {
            called_similar: cosines.iter().filter(|cosine| **cosine >= REPORT_THRESHOLD).count()
                as f64
                / count,
            lowest: cosines.iter().copied().fold(f64::INFINITY, f64::min),
            mean: cosines.iter().sum::<f64>() / count,
        }
    }
}
