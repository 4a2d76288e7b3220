//! `ttp similarity` and `ttp similar`: sentence models, trained and asked.

use crate::fresh::Fresh;
use crate::{note, recipe, say};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use ttp_lib::corpus::Corpus;
use ttp_lib::encoder::SentenceEncoder;
use ttp_lib::pretrained::Checkpoint;
use ttp_lib::profile::Run;
use ttp_lib::serde_json::{self, Value, json};
use ttp_lib::show::{Progress, defang, terminal_safe};
use ttp_lib::similarity::{
    Contest, ModelFolder, ModelScores, PairIntervals, SimilaritySettings, Trial, corpus_vectors,
    nearest_techniques,
};
use ttp_lib::{Error, Result, files, train};

#[derive(Args)]
pub struct TrainArguments {
    /// Settings to try, as in a profile's similarity.trials, for instance
    /// '{"loss": {"triplet": {"margin": 0.2}}, "hard_negatives": 600}'. May be given several
    /// times; each is judged, and no model is kept
    #[arg(long, value_name = "JSON")]
    trial: Vec<String>,
    /// Another seed than the profile's; an experiment, too
    #[arg(long, conflicts_with = "recipe")]
    seed: Option<u64>,
    #[command(flatten)]
    recipe: recipe::Arguments,
    #[command(flatten)]
    fresh: Fresh,
}

#[derive(Args)]
pub struct SearchArguments {
    /// The text
    text: String,
    /// A sentence model's folder [default: models/similarity.hard_negatives]
    #[arg(long)]
    model: Option<PathBuf>,
    /// How many techniques
    #[arg(long, default_value_t = 5)]
    techniques: usize,
    /// How many sentences of each
    #[arg(long, default_value_t = 2)]
    evidence: usize,
}

pub fn train(run: &Run, arguments: &TrainArguments) -> Result<()> {
    arguments.fresh.heed();
    if arguments.recipe.is_given() {
        return recipe::train(run, &arguments.recipe);
    }
    let settings = &run.profile.similarity;
    let trials = arguments.trial.iter().map(|text| {
        serde_json::from_str(text)
            .map_err(|error| Error::Setting { field: "--trial", reason: error.to_string() })
    });
    let trials: Vec<Trial> = trials.collect::<Result<_>>()?;
    let is_experiment = !trials.is_empty() || arguments.seed.is_some();
    let all: Vec<SimilaritySettings> = if trials.is_empty() {
        vec![settings.clone()]
    } else {
        trials.iter().map(|trial| settings.with(trial)).collect()
    };
    all.iter().try_for_each(SimilaritySettings::check)?;

    let study = run.study()?;
    let checkpoint = run.similarity_checkpoint()?;
    let tokenize = settings.tokenizer(&checkpoint)?;
    let seed = arguments.seed.unwrap_or_else(|| run.seed("similarity training"));
    let bootstrap = run.bootstrap("similarity");
    let start = SentenceEncoder::new(&checkpoint, train::device(), seed)?;
    note(start.notes());
    say(&start.loaded().to_string())?;
    let every: Vec<u32> = (0..).take(study.labels.len()).collect();
    let mut progress = Progress::new("sentence vectors", "sentences", every.len());
    let mut watch = |count| progress.step(count, String::new);
    let vectors = study.embed(&start, &tokenize, &every, &mut watch)?;
    let baseline = study.judge(&vectors, settings.criterion, bootstrap)?;
    say(&line("baseline", &baseline))?;

    let mut results = Vec::new();
    for (number, settings) in (1..).zip(&all) {
        say(&format!("{settings}; up to {} triplets", settings.hard_negatives))?;
        let mut print = train::print_every(10.0);
        let folder = |name: &str| match is_experiment {
            true => ModelFolder::StatesOnly(
                run.folders.sentence_model(&format!("trial-{number}.{name}")),
            ),
            false => ModelFolder::Written(run.folders.sentence_model(name)),
        };
        let chance = (seed, bootstrap);
        let contest =
            study.contest(&checkpoint, &vectors, settings, chance, folder, &mut |_, step| {
                print(step)
            })?;
        let Contest { triplets, basic, hard_negatives, gain } = &contest;
        let over_baseline = basic.gain_over(&baseline, &study, bootstrap)?;
        if *triplets < settings.hard_negatives {
            let asked = settings.hard_negatives;
            say(&format!("only {triplets} of {asked} triplets: no more could be mined"))?;
        }
        for (name, judged) in [("basic", basic), ("hard_negatives", hard_negatives)] {
            say(&line(name, judged))?;
            recipe::warn(judged.warning);
            if let Some(folder) = folder(name).model() {
                let (from, own) = (run.provenance(), (settings, seed));
                let card = study.card(&from, own, &checkpoint.name, name, *triplets, judged);
                card.write(folder)?;
            }
        }
        say(&format!(
            "average precision: basic over baseline {}, hard negatives over basic {}",
            over_baseline.average_precision.signed(),
            gain.average_precision.signed()
        ))?;
        results.push(contest_json((settings, seed), &baseline, &contest, &over_baseline));
    }
    let file = run.folders.results("experiments/similarity.json");
    files::write_json(&file, &results)?;
    say(&format!("written: {}", file.display()))
}

/// A contest's scores beside those of the checkpoint that both models start from.
fn contest_json(
    (settings, seed): (&SimilaritySettings, u64),
    baseline: &ModelScores,
    contest: &Contest,
    over_baseline: &PairIntervals,
) -> Value {
    let Contest { triplets, basic, hard_negatives, gain } = contest;
    json!({
        "settings": settings,
        "seed": seed,
        "triplets": triplets,
        "validation_average_precision": {
            "baseline": baseline.validation_average_precision,
            "basic": basic.validation_average_precision,
            "hard_negatives": hard_negatives.validation_average_precision,
        },
        "baseline": baseline.test,
        "basic": basic.test,
        "hard_negatives": hard_negatives.test,
        "basic_over_baseline": over_baseline,
        "hard_negatives_over_basic": gain,
    })
}

fn line(name: &str, judged: &ModelScores) -> String {
    let scores = &judged.test;
    let empty = scores.empty.map(|why| format!("; EMPTY: {why}")).unwrap_or_default();
    format!(
        "{name}: average precision {} (validation {:.3}), F1 {:.3}, accuracy {:.3} from {:.3} \
         upwards{empty}",
        scores.intervals.average_precision,
        judged.validation_average_precision,
        scores.f1,
        scores.accuracy,
        judged.threshold
    )
}

pub fn search(run: &Run, arguments: &SearchArguments) -> Result<()> {
    let text = arguments.text.trim();
    if text.is_empty() {
        return Err(Error::Setting { field: "text", reason: "it is empty".to_owned() });
    }
    let folder = match &arguments.model {
        Some(folder) => folder.clone(),
        None => run.folders.sentence_model("hard_negatives"),
    };
    if !folder.is_dir() {
        let reason = "not there: notebook 11_hard_negatives, or `ttp similarity`, makes it";
        return Err(Error::input(&folder, reason));
    }
    let checkpoint = Checkpoint::open(&folder.display().to_string(), &folder)?;
    // The model itself knows how long a text may be.
    let tokenize = checkpoint.tokenizer(checkpoint.places())?;
    let encoder = SentenceEncoder::new(&checkpoint, train::device(), 0)?;
    note(encoder.notes());
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet"))?;
    let mut progress =
        Progress::new("sentence vectors, once for this model", "sentences", corpus.len())
            .every(Duration::from_secs(5));
    let mut watch = |count| progress.step(count, String::new);
    let file = folder.join("corpus.vectors.safetensors");
    let vectors = corpus_vectors(&file, &encoder, &tokenize, &corpus, &mut watch)?;
    let asked = encoder.embed(&tokenize, &[text], &mut |_| ())?;
    let (techniques, evidence) = (arguments.techniques, arguments.evidence);
    for near in nearest_techniques(asked.row(0), &vectors, &corpus, techniques, evidence) {
        say(&format!("{:.3}  {}  {}", near.score, near.technique, terminal_safe(&near.name)))?;
        for (row, score) in near.evidence {
            let sentence = terminal_safe(&defang(&corpus.sentences[row].text));
            say(&format!("       {score:.3}  {sentence}"))?;
        }
    }
    Ok(())
}
