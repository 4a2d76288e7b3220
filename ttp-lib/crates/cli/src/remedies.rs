//! `ttp remedies`: what helps techniques that a classifier never finds.

use crate::{note, say};
use clap::{Args, ValueEnum};
use std::path::Path;
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::profile::Run;
use ttp_lib::remedies::{Ground, Judge, Remedy, RemedyOutcome, Trials, weights};
use ttp_lib::serde_json::json;
use ttp_lib::show::{self, Progress};
use ttp_lib::split::UntrimmedSplit;
use ttp_lib::train::{self, FineTuning, Rows, SplitRows};
use ttp_lib::{Error, Result, files};

#[derive(Args)]
pub struct Arguments {
    /// Take models/untrimmed as it is, where an earlier run left it
    #[arg(long)]
    keep: bool,
    /// Another seed of the heads than the profile's
    #[arg(long)]
    seed: Option<u64>,
    /// Fine-tune the whole encoder with class weights, instead of heads on one that stays as it
    /// is, and compare it with models/untrimmed
    #[arg(long, value_enum, conflicts_with_all = ["keep", "seed"])]
    whole: Option<Weights>,
}

/// Class weights of the whole encoder's loss.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Weights {
    Inverse,
    EffectiveNumber,
}

impl Weights {
    /// Their name in the file's, and the weight of each class.
    fn of(self, training: &Rows, classes: usize) -> Result<(&'static str, Vec<f64>)> {
        let mut counts = vec![0; classes];
        training.labels.iter().for_each(|&label| counts[label] += 1);
        Ok(match self {
            Self::Inverse => ("inverse", weights::inverse(&counts)),
            Self::EffectiveNumber => {
                ("effective-number", weights::effective_number(&counts, Remedy::BETA)?)
            }
        })
    }
}

pub fn run(run: &Run, arguments: &Arguments) -> Result<()> {
    let settings = &run.profile.remedies;
    let checkpoint = run.remedies_checkpoint()?;
    let params = run.profile.training(&checkpoint.name);
    let UntrimmedSplit { split, equal_text } = run.untrimmed()?;
    let tokenize = checkpoint.tokenizer(params.max_length)?;
    let SplitRows { labels, training, validation, test } = SplitRows::new(&split, &tokenize)?;
    say(&format!(
        "{} techniques; {} rows to train on, {} validation, {} test; {equal_text} left out, as \
         another part has their text",
        labels.len(),
        training.len(),
        validation.len(),
        test.len()
    ))?;
    let seed = run.seed("untrimmed");
    let fine_tune = |training: &Rows, folder: &Path| -> Result<TechniqueEncoder> {
        let mut encoder =
            TechniqueEncoder::new(&checkpoint, labels.clone(), train::device(), seed)?;
        note(encoder.notes());
        say(&encoder.loaded().to_string())?;
        let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed, folder };
        let mut watch = train::print_every(10.0);
        tuning.run(&mut encoder, training, &validation, &mut watch)?;
        Ok(encoder)
    };
    let decisions = |encoder: &TechniqueEncoder| -> Result<[Vec<usize>; 2]> {
        Ok([encoder.predict_rows(&validation)?.best(), encoder.predict_rows(&test)?.best()])
    };
    let folder = run.folders.untrimmed_model();
    let encoder = if arguments.keep || arguments.whole.is_some() {
        let encoder = TechniqueEncoder::open(&folder, train::device())?;
        note(encoder.notes());
        encoder
    } else {
        fine_tune(&training, &folder)?
    };
    if encoder.labels() != labels {
        let reason = "its techniques are not those of this corpus: run without --keep or --whole";
        return Err(Error::input(&folder, reason));
    }
    let [on_validation, on_test] = decisions(&encoder)?;
    let truth = [&validation.labels[..], &test.labels];
    let bootstrap = run.bootstrap("remedies");
    let whole = "the model as it was fine-tuned";
    let mut rows = Vec::new();
    let (judge, name) = if let Some(weights) = arguments.whole {
        let (name, weights) = weights.of(&training, labels.len())?;
        let own = Judge::new(&labels, truth, [&on_validation, &on_test], bootstrap)?;
        rows.push(own.outcome(whole, &on_validation, on_test)?);
        let folder = run.folders.models().join(format!("untrimmed.{name}"));
        let encoder = fine_tune(&training.weighted(weights), &folder)?;
        let [on_validation, on_test] = decisions(&encoder)?;
        let what = format!("fine-tuned with class weights, {name}");
        rows.push(own.outcome(&what, &on_validation, on_test)?);
        (own, format!("remedies.whole-{name}.json"))
    } else {
        let count = training.len() + validation.len() + test.len();
        let mut progress = Progress::new("vectors", "sentences", count);
        let mut watch = |count| progress.step(count, String::new);
        let ground = Ground::of_encoder(&encoder, [&training, &validation, &test], &mut watch)?;
        let head_seed = arguments.seed.unwrap_or_else(|| run.seed("remedies"));
        let mut watch = |tried: &Remedy| show::print(&format!("{tried}\n"));
        let chance = (head_seed, bootstrap);
        let Trials { judge, outcomes } =
            ground.try_all(&Remedy::ALL, &settings.head, chance, &mut watch)?;
        // Everything in one table is measured against the head without a remedy.
        rows.push(judge.outcome(whole, &on_validation, on_test)?);
        rows.extend(outcomes);
        let mark = arguments.seed.map(|seed| format!(".seed-{seed}")).unwrap_or_default();
        (judge, format!("remedies{mark}.json"))
    };
    tell(run, &judge, &rows, &labels, &name)
}

/// Shows what every method came to and writes it into `results/experiments/`.
fn tell(
    run: &Run,
    judge: &Judge,
    rows: &[RemedyOutcome],
    labels: &[String],
    name: &str,
) -> Result<()> {
    say(&format!(
        "the worst, by their validation rows: {} techniques with {} test rows",
        judge.worst().len(),
        judge.worst_rows()
    ))?;
    say(RemedyOutcome::table(rows)?.to_text().trim_end())?;
    let out = run.folders.results("experiments").join(name);
    let worst: Vec<&String> = judge.worst().iter().map(|&class| &labels[class]).collect();
    files::write_json(&out, &json!({ "worst": worst, "outcomes": rows }))?;
    say(&format!("written: {}", out.display()))
}
