//! `ttp similarity --recipe`: the similarity report's recipes, whole, from any checkpoint.

use crate::named::named;
use crate::{complain, note, own_input, say};
use clap::Args;
use std::path::PathBuf;
use ttp_lib::encoder::SentenceEncoder;
use ttp_lib::pretrained;
use ttp_lib::profile::{REPORT_MISSING, Run};
use ttp_lib::serde_json::json;
use ttp_lib::show::Progress;
use ttp_lib::similarity::ModelFolder;
use ttp_lib::similarity::reported::{
    Experiment, GroundName, GroundScores, ReportArm, ReportSettings, TextVectors, UnseenCosines,
    Warning,
};
use ttp_lib::{Error, Result, files, train};

#[derive(Args)]
pub struct Arguments {
    /// Train as the similarity report did, on its own pairs: basic and advanced are its two
    /// recipes; similar_only, cosine, contrastive and triplets are what they would have been had
    /// the labels counted
    #[arg(long, value_name = "RECIPE", value_delimiter = ',', value_parser = named::<ReportArm>(), conflicts_with = "trial")]
    recipe: Vec<ReportArm>,
    /// With --recipe: the checkpoint to start from [default: the profile's]
    #[arg(long, requires = "recipe")]
    checkpoint: Option<String>,
    /// With --recipe: end after so many epochs, with the learning rate of the whole schedule
    /// [default: whole]
    #[arg(long, requires = "recipe")]
    epochs: Option<usize>,
    /// With --recipe: the split to train on, report or disjoint
    #[arg(long, requires = "recipe", value_parser = named::<GroundName>(), default_value = "report")]
    ground: GroundName,
    /// With --recipe: train on so many of the pairs [default: all]
    #[arg(long, requires = "recipe")]
    pairs: Option<usize>,
    /// With --recipe: a folder for the models, each in its recipe's name [default: none is kept]
    #[arg(long, requires = "recipe", value_name = "FOLDER")]
    models: Option<PathBuf>,
}

impl Arguments {
    /// Whether a recipe is asked for.
    pub fn is_given(&self) -> bool {
        !self.recipe.is_empty()
    }
}

/// A warning is no result: it goes to standard error.
pub fn warn(warning: Option<Warning>) {
    if let Some(warning) = warning {
        complain(&format!("warning: {warning}"));
    }
}

pub fn train(run: &Run, arguments: &Arguments) -> Result<()> {
    let files = run.similarity_report()?.map_err(|missing| Error::Setting {
        field: "--recipe",
        reason: format!("{REPORT_MISSING} {}", missing.join(", ")),
    })?;
    let own = &run.profile.similarity.report;
    let settings = ReportSettings {
        epochs: arguments.epochs,
        pairs: arguments.pairs,
        checkpoint: arguments.checkpoint.clone().unwrap_or_else(|| own.checkpoint.clone()),
        ..own.clone()
    };
    let experiment = run.report_experiment(files, &settings, true)?;
    let ground = experiment.ground(arguments.ground)?;
    warn(Warning::of_leak(ground.leak(&experiment.files)));
    let checkpoint = run.checkpoint(&settings.checkpoint)?;
    for arm in &arguments.recipe {
        if let Some(models) = &arguments.models {
            own_input::refuse(run, &models.join(arm.name()), [&checkpoint.folder])?;
        }
    }
    let tokenize = experiment.tokenizer(&checkpoint)?;
    let start = SentenceEncoder::new(&checkpoint, train::device(), 0)?;
    note(start.notes());
    say(&start.loaded().to_string())?;
    let mut progress = Progress::new("sentence vectors", "sentences", experiment.sentences());
    let mut watch = |count| progress.step(count, String::new);
    let base = experiment.embed(&start, &tokenize, &mut watch)?;
    let untrained = judged(run, &experiment, &base, arguments.ground, "untrained")?;
    let name = pretrained::file_name(&checkpoint.name);
    let file = run
        .folders
        .results(&format!("experiments/similarity_report.{name}.{}.json", arguments.ground.name()));
    let mut results = vec![json!({
        "checkpoint": checkpoint.name,
        "recipe": null,
        "scores": untrained,
        "unseen": UnseenCosines::of(&base.unseen),
    })];
    for &arm in &arguments.recipe {
        let schedule = arm.schedule(settings.max_length);
        let epochs = settings.epochs.unwrap_or(schedule.epochs).min(schedule.epochs);
        say(&format!(
            "{arm}: {}; {epochs} of {} epochs on {}",
            arm.about(),
            schedule.epochs,
            train::device_name()
        ))?;
        let folder = match &arguments.models {
            Some(folder) => ModelFolder::Written(folder.join(arm.name())),
            None => {
                let name = format!("report.{}.{}", arm.name(), arguments.ground.name());
                ModelFolder::StatesOnly(run.folders.sentence_model(&name))
            }
        };
        let mut print = train::print_every(10.0);
        let trained =
            experiment.train((arm, arguments.ground), &checkpoint, &base, &folder, &mut print)?;
        warn(trained.warning);
        let scores = judged(run, &experiment, &trained.embedded, arguments.ground, arm.name())?;
        if let (Some(folder), Some(own)) = (folder.model(), scores.first()) {
            experiment.card((arm, arguments.ground), &checkpoint.name, own)?.write(folder)?;
        }
        results.push(json!({
            "checkpoint": checkpoint.name,
            "recipe": arm,
            "settings": schedule,
            "epochs": epochs,
            "scores": scores,
            "unseen": UnseenCosines::of(&trained.embedded.unseen),
            "seconds": trained.history.seconds,
        }));
        // Whole after each: what a long run has found is not lost.
        files::write_json(&file, &results)?;
    }
    say(&format!("written: {}", file.display()))
}

/// A model's scores on the split it was trained on and on ATT&CK's sentences, said.
fn judged(
    run: &Run,
    experiment: &Experiment,
    embedded: &TextVectors,
    ground: GroundName,
    name: &str,
) -> Result<Vec<GroundScores>> {
    let bootstrap = run.bootstrap("similarity report");
    let mut all = Vec::new();
    for on in [ground, GroundName::Attack] {
        let Some(scores) = experiment.judge(embedded, on, bootstrap)? else { continue };
        let half = scores.at_half.counts;
        say(&format!(
            "{name}, {on}: average precision {}, AUC {}; at 0.5 {half}, F1 {:.3}; at validation's \
             {:.3} F1 {:.3}; all similar: accuracy {:.3}, F1 {:.3}",
            scores.average_precision,
            scores.roc_auc,
            scores.at_half.f1,
            scores.at_validations.threshold,
            scores.at_validations.f1,
            scores.all_similar.accuracy,
            scores.all_similar.f1
        ))?;
        warn(scores.warning);
        all.push(scores);
    }
    let unseen = UnseenCosines::of(&embedded.unseen);
    say(&format!(
        "{name}, {} pairs of unseen examples: {:.1} % similar at 0.5, lowest cosine {:.3}",
        embedded.unseen.len(),
        100.0 * unseen.called_similar,
        unseen.lowest
    ))?;
    Ok(all)
}
