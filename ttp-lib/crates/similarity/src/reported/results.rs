//! What the report's experiment leaves behind: its models beside each other, what fine-tuning
//! gains and by what, and the figures of a results file.

use super::{
    BASE_MODEL, Experiment, GroundName, GroundScores, PairLeak, ReportArm, ReportFiles,
    ReportSettings, TextVectors, ThresholdCounts, TrainedVectors, UnseenCosines, UnseenExamples,
};
use crate::SimilarityHistory;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, cells, files};
use ttp_metrics::plot::HeatMaps;
use ttp_metrics::{BinaryCounts, Bootstrap, Confusion, Criterion, Ranking};

/// The three models that the report prints a row of.
const PUBLISHED: [&str; 3] = ["baseline", "basic", "advanced"];

/// What test pairs have in common with training pairs: in the report's split, and in the same pairs
/// cut by templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SplitLeaks {
    /// In the report's split.
    pub report: PairLeak,
    /// Cut so that no text and no template is in two sets.
    pub disjoint: PairLeak,
}

impl SplitLeaks {
    /// Counts over all training pairs, be it that fewer are trained on.
    pub fn count(experiment: &Experiment) -> Self {
        let files = &experiment.files;
        Self {
            report: PairLeak::count(&files.test, &files.train, &files.template),
            disjoint: experiment.disjoint.leak(files),
        }
    }

    /// The counts of both, as a table; empty without the pairs.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(leaks: Option<&Self>) -> Result<Table> {
        let mut table = Table::new(["test pairs", "the report's split", "cut by templates"]);
        let Some(Self { report, disjoint }) = leaks else { return Ok(table) };
        type Count = fn(&PairLeak) -> usize;
        let rows: [(&str, Count); 8] = [
            ("all", |leak| leak.pairs),
            ("both texts in training", |leak| leak.both_texts),
            ("the same pair in training", |leak| leak.same_pair),
            ("the mirrored pair in training", |leak| leak.mirrored_pair),
            ("one of the two, of similar pairs", |leak| leak.similar_in_training),
            ("one of the two, of other pairs", |leak| leak.others_in_training),
            ("a pair of the same two templates", |leak| leak.same_templates),
            ("two variations of one template", |leak| leak.one_template),
        ];
        for (what, count) in rows {
            table.push(cells![what, count(report), count(disjoint)])?;
        }
        Ok(table)
    }
}

impl fmt::Display for SplitLeaks {
    /// A line for each split.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disjoint: {}\nreport: {}", self.disjoint, self.report)
    }
}

impl ReportFiles {
    /// The pairs of each set, as a table; empty without the files.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(files: Option<&Self>) -> Result<Table> {
        let mut table = Table::new(["set", "pairs", "similar", "others"]);
        let Some(files) = files else { return Ok(table) };
        for (name, pairs) in
            [("training", &files.train), ("validation", &files.validation), ("test", &files.test)]
        {
            let similar = pairs.similar_count();
            table.push(cells![name, pairs.len(), similar, pairs.len() - similar])?;
        }
        Ok(table)
    }
}

impl ReportSettings {
    /// What is trained, each recipe on its split.
    pub fn recipes(&self) -> Vec<(ReportArm, GroundName)> {
        let on = |arms: &[ReportArm], ground| arms.iter().map(|arm| (*arm, ground)).collect();
        let report: Vec<_> = on(&self.arms, GroundName::Report);
        let disjoint: Vec<_> = on(&self.disjoint_arms, GroundName::Disjoint);
        [report, disjoint].concat()
    }

    /// Each recipe with its schedule, and how much of it is trained under these settings.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn recipes_table(&self) -> Result<Table> {
        let mut table =
            Table::new(["recipe", "trained on", "epochs", "batch", "rate", "warm-up", "here"]);
        for arm in ReportArm::ALL {
            let schedule = arm.schedule(self.max_length);
            let epochs = self.epochs.unwrap_or(schedule.epochs).min(schedule.epochs);
            let here = match (self.arms.contains(&arm), self.disjoint_arms.contains(&arm)) {
                (false, false) => "by the command".to_owned(),
                (true, true) => format!("{epochs}, both splits"),
                (true, false) => format!("{epochs}, its split"),
                (false, true) => format!("{epochs}, by templates"),
            };
            let rate = format!("{:e}", schedule.learning_rate);
            let warmup = Cell::share(schedule.warmup_share);
            let (about, batch) = (arm.about(), schedule.batch_size);
            table.push(cells![arm.name(), about, schedule.epochs, batch, rate, warmup, here])?;
        }
        Ok(table)
    }
}

/// A difference between two models that are equal but for one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    /// Its name among the results: `average_precision.basic_unseen`.
    pub key: String,
    /// What it is, in words.
    pub what: String,
    /// The difference.
    pub value: f64,
}

/// The report's models as published, and those that were judged here, by name: `mpnet untrained`,
/// `basic report`.
#[derive(Debug, Clone)]
pub struct ReportModels {
    /// The settings.
    pub settings: ReportSettings,
    /// The counts behind the published rows, by model.
    pub published: BTreeMap<String, BinaryCounts>,
    /// The scores of each model on each ground, the first that of its own split.
    pub scores: BTreeMap<String, Vec<GroundScores>>,
    /// How each recipe was trained.
    histories: BTreeMap<String, SimilarityHistory>,
    /// The cosines of the unseen examples under each model.
    unseen: BTreeMap<String, UnseenCosines>,
    /// The same under the report's fine-tuned model, as published.
    unseen_published: Option<UnseenCosines>,
    /// The largest difference of the base model's cosines here from the published ones.
    unseen_error: Option<f64>,
}

impl ReportModels {
    /// No model is judged yet. `published` has the counts behind the published rows.
    ///
    /// # Errors
    /// If a model of the report is missing among them.
    pub fn new(
        settings: &ReportSettings,
        published: BTreeMap<String, BinaryCounts>,
        files: Option<&ReportFiles>,
    ) -> Result<Self> {
        if let Some(missing) = PUBLISHED.iter().find(|model| !published.contains_key(**model)) {
            return Err(Error::Unknown {
                kind: "model of the report",
                name: (*missing).to_owned(),
                known: published.into_keys().collect(),
            });
        }
        Ok(Self {
            settings: settings.clone(),
            published,
            scores: BTreeMap::new(),
            histories: BTreeMap::new(),
            unseen: BTreeMap::new(),
            unseen_published: files.map(|files| UnseenCosines::of(&files.unseen.fine_tuned)),
            unseen_error: None,
        })
    }

    /// Judges a checkpoint without any training on all three grounds.
    ///
    /// # Errors
    /// As [`Experiment::judge`].
    pub fn judge_untrained(
        &mut self,
        checkpoint: &str,
        vectors: &TextVectors,
        experiment: &Experiment,
        bootstrap: Bootstrap,
    ) -> Result<()> {
        if checkpoint == BASE_MODEL {
            self.unseen_error = Some(experiment.files.unseen.max_error(&vectors.unseen));
        }
        let grounds = [GroundName::Report, GroundName::Disjoint, GroundName::Attack];
        self.judge(untrained(checkpoint), vectors, &grounds, experiment, bootstrap)
    }

    /// Judges a recipe on the split that it was trained on, and on ATT&CK's sentences.
    ///
    /// # Errors
    /// As [`Experiment::judge`].
    pub fn judge_trained(
        &mut self,
        (arm, on): (ReportArm, GroundName),
        trained: &TrainedVectors,
        experiment: &Experiment,
        bootstrap: Bootstrap,
    ) -> Result<()> {
        let name = trained_on(arm, on);
        self.histories.insert(name.clone(), trained.history.clone());
        self.judge(name, &trained.embedded, &[on, GroundName::Attack], experiment, bootstrap)
    }

    fn judge(
        &mut self,
        name: String,
        vectors: &TextVectors,
        grounds: &[GroundName],
        experiment: &Experiment,
        bootstrap: Bootstrap,
    ) -> Result<()> {
        let mut scores = Vec::new();
        for &ground in grounds {
            scores.extend(experiment.judge(vectors, ground, bootstrap)?);
        }
        self.unseen.insert(name.clone(), UnseenCosines::of(&vectors.unseen));
        self.scores.insert(name, scores);
        Ok(())
    }

    /// The models that were not trained.
    fn untrained(&self) -> impl Iterator<Item = (&str, &Vec<GroundScores>)> {
        self.scores.iter().filter_map(|(name, of)| Some((name.strip_suffix(UNTRAINED)?, of)))
    }

    fn of(&self, model: &str, on: GroundName) -> Option<&GroundScores> {
        self.scores.get(model)?.iter().find(|scores| scores.ground == on)
    }

    /// The published baseline beside each model without training, on the same pairs at 0.5.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn baseline_table(&self) -> Result<Table> {
        let mut table = Table::new([
            "model, at 0.5",
            "accuracy",
            "precision",
            "recall",
            "F1",
            "TP",
            "FN",
            "FP",
            "TN",
        ]);
        let here = self.untrained().map(|(name, of)| (name, of[0].at_half.counts));
        for (name, counts) in std::iter::once(("published", self.published["baseline"])).chain(here)
        {
            let share = |value: f64| Cell::from(format!("{:.2} %", 100.0 * value));
            let BinaryCounts { tp, fp, fn_, tn } = counts;
            let [a, p, r, f1] =
                [counts.accuracy(), counts.precision(), counts.recall(), counts.f1()].map(share);
            table.push(cells![name, a, p, r, f1, tp, fn_, fp, tn])?;
        }
        Ok(table)
    }

    /// How each recipe was trained: what on, its steps, and the loss of each epoch.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn trainings_table(&self) -> Result<Table> {
        let mut table = Table::new([
            "recipe and split",
            "pairs or triplets",
            "steps",
            "loss by epoch",
            "seconds",
        ]);
        for (name, history) in &self.histories {
            let losses: Vec<String> =
                history.epochs.iter().map(|loss| format!("{loss:.3}")).collect();
            let (steps, seconds) = (history.losses.len(), history.seconds.round() as u64);
            table.push(cells![name, history.examples, steps, losses.join(", "), seconds])?;
        }
        Ok(table)
    }

    /// The confusion matrices at 0.5: each of the report's three models as published, and the one
    /// here that stands for it.
    pub fn matrices(&self) -> Vec<(String, BinaryCounts)> {
        let mut matrices = Vec::new();
        for (model, here) in PUBLISHED.into_iter().zip([
            untrained(&self.settings.checkpoint),
            trained_on(ReportArm::Basic, GroundName::Report),
            trained_on(ReportArm::Advanced, GroundName::Report),
        ]) {
            matrices.push((format!("{model}, published"), self.published[model]));
            if let Some(of) = self.scores.get(&here) {
                matrices.push((format!("{model}, here"), of[0].at_half.counts));
            }
        }
        matrices
    }

    /// The [`matrices`](Self::matrices), and which are a degenerate classifier's.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn matrices_table(&self) -> Result<Table> {
        let mut table =
            Table::new(["model, at 0.5", "TP", "FN", "FP", "TN", "F1", "MCC", "degenerate"]);
        for (name, counts) in self.matrices() {
            let BinaryCounts { tp, fp, fn_, tn } = counts;
            let degenerate = counts.empty().map_or("no".to_owned(), |why| why.to_string());
            table.push(cells![name, tp, fn_, fp, tn, counts.f1(), counts.mcc(), degenerate])?;
        }
        Ok(table)
    }

    /// The [`matrices`](Self::matrices), to be drawn.
    ///
    /// # Errors
    /// None in practice: a matrix has two rows and two columns.
    pub fn heat_maps(&self) -> Result<HeatMaps> {
        let mut maps = HeatMaps::new("Rows are truth, columns are answers at 0.5");
        for (name, BinaryCounts { tp, fp, fn_, tn }) in self.matrices() {
            let rows = [vec![tn, fp], vec![fn_, tp]];
            maps = maps.map(name, &Confusion::from_counts(["other", "similar"], &rows)?);
        }
        Ok(maps)
    }

    /// What another threshold alone does for a model without training, on the report's test pairs.
    ///
    /// # Errors
    /// If a cosine is no number.
    pub fn thresholds_table(&self, files: Option<&ReportFiles>) -> Result<Table> {
        let mut table = Table::new([
            "untrained, similar from",
            "cosine",
            "accuracy",
            "precision",
            "recall",
            "F1",
            "MCC",
        ]);
        let Some(files) = files else { return Ok(table) };
        for (name, of) in self.untrained() {
            let (of, similar) = (&of[0], &files.test.similar);
            let best = Ranking::new(&of.scores, similar)?.best_threshold(Criterion::Accuracy);
            let best = ThresholdCounts::new(best, BinaryCounts::at(&of.scores, similar, best)?);
            for (why, at) in [
                ("0.5, as the report", of.at_half),
                ("validation pairs", of.at_validations),
                ("highest accuracy here", best),
                ("every pair", of.all_similar),
            ] {
                let ThresholdCounts { threshold, accuracy, precision, recall, f1, counts } = at;
                let (what, mcc) = (format!("{name}: {why}"), counts.mcc());
                table.push(cells![what, threshold, accuracy, precision, recall, f1, mcc])?;
            }
        }
        Ok(table)
    }

    /// Every model on every ground that it was judged on.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn grounds_table(&self) -> Result<Table> {
        let mut table = Table::new([
            "ground",
            "model",
            "avg. precision",
            "AUC",
            "F1 at 0.5",
            "F1, own",
            "acc., own",
            "acc., all",
            "F1, all",
        ]);
        for on in [GroundName::Report, GroundName::Disjoint, GroundName::Attack] {
            for name in self.scores.keys() {
                let Some(s) = self.of(name, on) else { continue };
                let (own, all) = (s.at_validations, s.all_similar);
                table.push(cells![
                    on.name(),
                    name,
                    s.average_precision,
                    s.roc_auc,
                    s.at_half.f1,
                    own.f1,
                    own.accuracy,
                    all.accuracy,
                    all.f1
                ])?;
            }
        }
        Ok(table)
    }

    /// The twenty unseen examples under each model.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn unseen_table(&self) -> Result<Table> {
        let mut table =
            Table::new(["model", "pairs similar at 0.5", "lowest cosine", "mean cosine"]);
        let mut all: BTreeMap<&str, UnseenCosines> =
            self.unseen.iter().map(|(name, of)| (name.as_str(), *of)).collect();
        all.extend(self.unseen_published.map(|of| ("published, fine-tuned", of)));
        for (name, of) in all {
            table.push(cells![name, Cell::share(of.called_similar), of.lowest, of.mean])?;
        }
        Ok(table)
    }

    /// What the report counts as a gain of fine-tuning, parted by cause.
    pub fn gains(&self) -> Vec<Gain> {
        let mut gains = Vec::new();
        let mut push = |key: String, what: String, value| gains.push(Gain { key, what, value });
        for model in ["basic", "advanced"] {
            let value = self.published[model].f1() - self.published["baseline"].f1();
            let key = format!("f1_at_half.{model}_published");
            push(key, format!("F1 at 0.5: {model}, published"), value);
        }
        let plain = untrained(&self.settings.checkpoint);
        let before = |on| self.of(&plain, on);
        let after = |arm, on| self.of(&trained_on(arm, on), on);
        if let Some(before) = before(GroundName::Report) {
            let start = before.at_half.f1;
            let (all, alone) = (before.all_similar.f1 - start, before.at_validations.f1 - start);
            push("f1.all_similar".into(), "F1: every pair called similar".into(), all);
            let what = "F1: the threshold alone, no training";
            push("f1.threshold_alone".into(), what.into(), alone);
            for arm in ReportArm::ALL {
                let Some(after) = after(arm, GroundName::Report) else { continue };
                let what = format!("F1 at 0.5: {arm}, over no training");
                push(format!("f1_at_half.{arm}"), what, after.at_half.f1 - start);
            }
        }
        for arm in ReportArm::ALL {
            let rises = |on| {
                let (before, after) = (before(on)?, after(arm, on)?);
                Some(after.average_precision.value - before.average_precision.value)
            };
            let [seen, unseen] = [GroundName::Report, GroundName::Disjoint].map(rises);
            let leak = seen.zip(unseen).map(|(seen, unseen)| seen - unseen);
            for (key, what, value) in [
                ("", "over no training", seen),
                ("_unseen", "over no training, unseen texts and templates", unseen),
                ("_leak", "less unseen (leak, and fewer pairs)", leak),
            ] {
                let Some(value) = value else { continue };
                let what = format!("average precision: {arm}, {what}");
                push(format!("average_precision.{arm}{key}"), what, value);
            }
        }
        for arm in [ReportArm::Basic, ReportArm::Advanced] {
            let [one, two] = [arm, ReportArm::Cosine].map(|arm| after(arm, GroundName::Report));
            let (Some(one), Some(two)) = (one, two) else { continue };
            let f1 = one.at_half.f1 - two.at_half.f1;
            let ranked = one.average_precision.value - two.average_precision.value;
            let what = format!("{arm}, over labels that count (cosine)");
            push(format!("f1_at_half.{arm}_over_cosine"), format!("F1 at 0.5: {what}"), f1);
            let key = format!("average_precision.{arm}_over_cosine");
            push(key, format!("average precision: {what}"), ranked);
        }
        gains
    }

    /// The [`gains`](Self::gains) as a table.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn gains_table(&self) -> Result<Table> {
        let mut table = Table::new(["what", "difference"]);
        for Gain { what, value, .. } in self.gains() {
            table.push(cells![what, format!("{value:+.3}")])?;
        }
        Ok(table)
    }

    /// Writes the file `results/similarity_report.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(
        &self,
        file: &Path,
        files: Option<&ReportFiles>,
        leaks: Option<&SplitLeaks>,
    ) -> Result<()> {
        files::write_json(file, &ReportFigures::new(self, files, leaks))
    }
}

impl fmt::Display for ReportModels {
    /// What was seen, a line for each finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, of) in self.untrained() {
            let counts = of[0].at_half.counts;
            let verdict = match counts == self.published["baseline"] {
                true => "the published baseline, to the last digit",
                false => "another model",
            };
            writeln!(f, "{}: {counts}: {verdict}", untrained(name))?;
        }
        let plain = untrained(&self.settings.checkpoint);
        for (name, of) in &self.scores {
            if let Some(warning) = of[0].warning {
                writeln!(f, "{name}: {warning}")?;
            }
            let before = self.of(&plain, of[0].ground).filter(|_| !name.ends_with(UNTRAINED));
            let Some(before) = before else { continue };
            let (auc, plain) = (of[0].roc_auc.value, before.roc_auc.value);
            let better = if auc > plain { "better" } else { "worse" };
            writeln!(
                f,
                "{name}: ranks {better} than no training (AUC {auc:.3}, {plain:.3}); F1 at 0.5 {:.3}",
                of[0].at_half.f1
            )?;
        }
        let gains = self.gains();
        let lines = gains.iter().map(|Gain { what, value, .. }| format!("{what}: {value:+.3}"));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// What ends the name of a model without training.
const UNTRAINED: &str = " untrained";

fn untrained(checkpoint: &str) -> String {
    format!("{checkpoint}{UNTRAINED}")
}

fn trained_on(arm: ReportArm, on: GroundName) -> String {
    format!("{arm} {}", on.name())
}

/// The figures of a results file.
#[derive(Serialize)]
struct ReportFigures<'a> {
    at_hand: bool,
    published: &'a BTreeMap<String, BinaryCounts>,
    gain: BTreeMap<String, f64>,
    settings: &'a ReportSettings,
    #[serde(flatten)]
    leaks: Option<LeakFigures<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<UnseenFigures>,
    untrained: BTreeMap<&'a str, RecipeFigures<'a>>,
    #[serde(flatten)]
    baseline: Option<BaselineFigures>,
    /// By what the recipe makes of the labels and on which split, then by recipe.
    #[serde(flatten)]
    trained: BTreeMap<String, BTreeMap<&'a str, RecipeFigures<'a>>>,
}

#[derive(Serialize)]
struct LeakFigures<'a> {
    test_pairs_with_both_texts_in_training: usize,
    same_pair: usize,
    mirrored_pair: usize,
    leak: &'a SplitLeaks,
}

#[derive(Serialize)]
struct UnseenFigures {
    largest_gain: f64,
    mean_gain: f64,
    fine_tuned: Option<UnseenCosines>,
}

#[derive(Serialize)]
struct BaselineFigures {
    baseline: BinaryCounts,
    unseen_max_error: Option<f64>,
}

#[derive(Serialize)]
struct RecipeFigures<'a> {
    #[serde(flatten)]
    grounds: BTreeMap<&'static str, &'a GroundScores>,
    unseen: Option<UnseenCosines>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epochs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

impl<'a> ReportFigures<'a> {
    fn new(
        models: &'a ReportModels,
        files: Option<&ReportFiles>,
        leaks: Option<&'a SplitLeaks>,
    ) -> Self {
        let figures = |name: &str| RecipeFigures::new(models, name);
        let mut trained: BTreeMap<String, BTreeMap<&str, RecipeFigures<'_>>> = BTreeMap::new();
        for name in models.histories.keys() {
            let (arm, on) = name.split_once(' ').unwrap_or((name, ""));
            let kind = match (on, arm) {
                ("disjoint", _) => "disjoint_texts",
                (_, "basic" | "advanced") => "as_reported",
                _ => "labels_respected",
            };
            let key = format!("{kind}.{}", models.settings.checkpoint);
            trained.entry(key).or_default().insert(arm, figures(name));
        }
        let gains = models.gains().into_iter();
        Self {
            at_hand: files.is_some(),
            published: &models.published,
            gain: gains.map(|Gain { key, value, .. }| (key, value)).collect(),
            settings: &models.settings,
            leaks: leaks.map(|leaks| LeakFigures {
                test_pairs_with_both_texts_in_training: leaks.report.both_texts,
                same_pair: leaks.report.same_pair,
                mirrored_pair: leaks.report.mirrored_pair,
                leak: leaks,
            }),
            unseen: files.map(|files| {
                let (largest_gain, mean_gain) = files.unseen.published_gain();
                UnseenFigures { largest_gain, mean_gain, fine_tuned: models.unseen_published }
            }),
            untrained: models
                .untrained()
                .map(|(name, _)| (name, figures(&untrained(name))))
                .collect(),
            baseline: models.scores.get(&untrained(BASE_MODEL)).map(|of| BaselineFigures {
                baseline: of[0].at_half.counts,
                unseen_max_error: models.unseen_error,
            }),
            trained,
        }
    }
}

impl<'a> RecipeFigures<'a> {
    fn new(models: &'a ReportModels, name: &str) -> Self {
        let scores = models.scores.get(name).into_iter().flatten();
        let history = models.histories.get(name);
        Self {
            grounds: scores.map(|of| (of.ground.name(), of)).collect(),
            unseen: models.unseen.get(name).copied(),
            epochs: history.map(|history| history.epochs.len()),
            seconds: history.map(|history| history.seconds),
        }
    }
}

impl fmt::Display for UnseenExamples {
    /// What is published of the unseen examples, in two lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (largest, mean) = self.published_gain();
        let UnseenCosines { called_similar, lowest, .. } = UnseenCosines::of(&self.fine_tuned);
        writeln!(
            f,
            "{} pairs; cosines rise by {mean:.4} in the mean, {largest:.4} at most",
            self.len()
        )?;
        write!(
            f,
            "after fine-tuning: {:.0} % of the pairs are similar at 0.5; the lowest cosine is \
             {lowest:.4}",
            100.0 * called_similar
        )
    }
}
