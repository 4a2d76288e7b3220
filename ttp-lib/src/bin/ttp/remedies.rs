//! `ttp remedies`: what helps techniques that a classifier never finds.

use crate::say;
use clap::Args;
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::metrics::Confusion;
use ttp_lib::profile::Run;
use ttp_lib::remedies::{Ground, Remedy, Tried};
use ttp_lib::serde_json::json;
use ttp_lib::show::Progress;
use ttp_lib::train::{self, FineTuning, Rows};
use ttp_lib::{Result, files};

#[derive(Args)]
pub struct Arguments {
    /// Take models/untrimmed as it is, where an earlier run left it
    #[arg(long)]
    keep: bool,
    /// Another seed of the heads than the profile's
    #[arg(long)]
    seed: Option<u64>,
}

pub fn run(run: &Run, arguments: &Arguments) -> Result<()> {
    let settings = &run.profile.remedies;
    let checkpoint = run.remedies_checkpoint()?;
    let params = run.profile.training(&checkpoint.name);
    let (split, equal_text) = run.untrimmed()?;
    let labels = train::labels_of(&split.train);
    say(&format!(
        "{} techniques; {} rows to train on, {} validation, {} test; {equal_text} left out, as \
         another part has their text",
        labels.len(),
        split.train.len(),
        split.validation.len(),
        split.test.len()
    ))?;
    let tokenize = checkpoint.tokenizer(params.max_length)?;
    let rows = |samples| Rows::new(samples, &labels, &tokenize);
    let (training, validation, test) =
        (rows(&split.train)?, rows(&split.validation)?, rows(&split.test)?);
    let folder = run.untrimmed_model();
    let seed = run.seed("untrimmed");
    let encoder = if arguments.keep {
        TechniqueEncoder::open(&folder, train::device())?
    } else {
        let mut encoder =
            TechniqueEncoder::new(&checkpoint, labels.clone(), train::device(), seed)?;
        let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed, folder: &folder };
        let mut watch = train::print_every(10.0);
        tuning.run(&mut encoder, &training, &validation, &mut watch)?;
        encoder
    };
    let said = encoder.predict_tokenised(&test.tokenised, test.padding_id)?.best();
    let own = Confusion::from_indices(labels, &test.labels, &said)?;
    let found = own.per_class().into_iter().filter(|class| class.correct > 0).count();
    let scores = own.scores();
    say(&format!(
        "its own head: macro F1 {:.3}, accuracy {:.3}, {found} techniques found",
        scores.f1.macro_, scores.accuracy
    ))?;
    let count = training.len() + validation.len() + test.len();
    let mut progress = Progress::new("vectors", "sentences", count);
    let mut watch = |count| progress.step(count, String::new);
    let ground = Ground::of_encoder(&encoder, [&training, &validation, &test], &mut watch)?;
    let head_seed = arguments.seed.unwrap_or_else(|| run.seed("remedies"));
    let chance = (head_seed, run.bootstrap("remedies"));
    let (worst, tried) = ground
        .try_all(&Remedy::ALL, &settings.head, chance, &mut |remedy| eprintln!("{remedy}"))?;
    let rows_of_worst = ground.test.labels.iter().filter(|label| worst.contains(label)).count();
    say(&format!(
        "the worst: {} techniques of which no validation row is found, {rows_of_worst} test rows",
        worst.len()
    ))?;
    say(Tried::table(&tried)?.to_text().trim_end())?;
    let name = match arguments.seed {
        Some(seed) => format!("experiments/remedies.seed-{seed}.json"),
        None => "experiments/remedies.json".to_owned(),
    };
    let out = run.results(&name);
    let worst: Vec<&String> = worst.iter().map(|&class| &ground.classes[class]).collect();
    files::write_json(&out, &json!({ "worst": worst, "own_head": scores, "tried": tried }))?;
    say(&format!("written: {}", out.display()))
}
