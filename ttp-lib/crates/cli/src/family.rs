//! `ttp family`: the family encoder trained and asked, its embedding seen; the summary's encoder
//! trained anew on NetML's flows; synthetic flows.

use crate::fresh::Fresh;
use crate::named::named;
use crate::{note, own_input, say};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;
use ttp_base::csv_file;
use ttp_lib::family::netml::{NETML_MISSING, NetmlParams, NetmlStudy, Trial, TrialOutcome};
use ttp_lib::family::{
    Balance, Contrastive, FAMILIES, FamilyEncoder, FamilyTraining, FlowColumns, FlowData, PLANTED,
    SyntheticFlows, pca, tsne, write_predictions,
};
use ttp_lib::profile::Run;
use ttp_lib::serde_json::json;
use ttp_lib::show::{self, Progress, terminal_safe};
use ttp_lib::split::Shares;
use ttp_lib::{Error, Result, files, train};

#[derive(Subcommand)]
pub enum FamilyCommand {
    /// Write synthetic flows of 21 families with planted faults: train, validation and test
    Generate(GenerateArguments),
    /// Train the encoder on parquet or CSV files of flows, synthetic or your own
    Train(TrainArguments),
    /// Predict the family of every row of a file; ttp diagnose reads the result
    Predict(PredictArguments),
    /// Draw the embedding of a file's rows in the plane, coloured by family
    Picture(PictureArguments),
    /// Train the summary's encoder again on NetML's flows, one thing changed at a time, over seeds
    Experiment(ExperimentArguments),
}

#[derive(Args)]
pub struct GenerateArguments {
    /// Where to write them; the folder is exchanged as a whole
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Training rows; validation and test have a fifth each [default: the profile's]
    #[arg(long)]
    rows: Option<usize>,
    /// Another seed than the profile's
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Args)]
pub struct ExperimentArguments {
    /// What is tried, in this order [default: all]
    #[arg(long, value_delimiter = ',', value_parser = named::<Trial>())]
    trials: Vec<Trial>,
    /// Trainings of each, each with a seed of its own
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// Training flows, the same fraction of every family [default: all]
    #[arg(long)]
    flows: Option<usize>,
    /// Test flows, the same fraction of every family [default: all]
    #[arg(long)]
    test_flows: Option<usize>,
    /// Another number of epochs at most
    #[arg(long)]
    epochs: Option<usize>,
    /// Where the scores go
    #[arg(long, value_name = "FILE.json")]
    out: PathBuf,
}

#[derive(Args)]
pub struct TrainArguments {
    /// A folder with a train, a validation and perhaps a test file, or one file: of training, with
    /// --validation, or to be shared out 80 / 10 / 10
    #[arg(long, value_name = "FOLDER|FILE")]
    data: PathBuf,
    /// A file of validation rows
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,
    /// A file of test rows
    #[arg(long, value_name = "FILE", requires = "validation")]
    test: Option<PathBuf>,
    /// The column of the family's name
    #[arg(long, default_value = "family")]
    label: String,
    /// Numeric columns that are no features, commas between them; a name with a comma in quotes
    #[arg(long, value_name = "COLUMNS")]
    ignore: Vec<String>,
    /// Where the model goes, and its predictions of the test rows
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Another number of epochs than the profile's
    #[arg(long)]
    epochs: Option<usize>,
    /// Another number of rows a step
    #[arg(long)]
    batch_size: Option<usize>,
    /// Another highest learning rate
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Other sizes of the hidden layers, for instance 256,128
    #[arg(long, value_delimiter = ',')]
    hidden: Option<Vec<usize>>,
    /// Add the supervised contrastive loss with this weight
    #[arg(long, value_name = "WEIGHT")]
    contrastive: Option<f64>,
    /// Its temperature
    #[arg(long, default_value_t = 0.1, requires = "contrastive")]
    temperature: f64,
    /// Another seed than the profile's
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    fresh: Fresh,
}

#[derive(Args)]
pub struct PredictArguments {
    /// The model's folder
    model: PathBuf,
    /// Parquet or CSV with the model's features, and with families where they are known
    file: PathBuf,
    /// Where the predictions go: .parquet or .csv
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Pca,
    Tsne,
}

#[derive(Args)]
pub struct PictureArguments {
    /// The model's folder
    model: PathBuf,
    /// Parquet or CSV with the model's features, and with families where they are known
    file: PathBuf,
    /// Where the picture goes
    #[arg(long, value_name = "FILE.svg")]
    out: PathBuf,
    /// How the embedding is laid out
    #[arg(long, value_enum, default_value = "tsne")]
    method: Method,
    /// Rows, drawn from each family in proportion [default: the profile's]
    #[arg(long)]
    rows: Option<usize>,
}

pub fn family(run: impl Fn() -> Result<Run>, command: FamilyCommand) -> Result<()> {
    match command {
        FamilyCommand::Generate(arguments) => generate(&run()?, &arguments),
        FamilyCommand::Train(arguments) => train_encoder(&run()?, &arguments),
        FamilyCommand::Predict(arguments) => predict(&arguments),
        FamilyCommand::Picture(arguments) => picture(&run()?, &arguments),
        FamilyCommand::Experiment(arguments) => experiment(&run()?, &arguments),
    }
}

fn experiment(run: &Run, arguments: &ExperimentArguments) -> Result<()> {
    let Some(files) = run.netml() else {
        let reason = NETML_MISSING.to_owned();
        return Err(Error::Setting { field: "TTP_SOURCES", reason });
    };
    files::refuse_own_input(&arguments.out, files.paths())?;
    own_input::refuse(run, &arguments.out, [])?;
    let mut settings = run.profile.families.clone();
    settings.seeds = arguments.seeds;
    settings.flows = arguments.flows;
    settings.test_flows = arguments.test_flows;
    settings.training.epochs = NetmlParams::default().epochs;
    settings.training.epochs = arguments.epochs.unwrap_or(settings.training.epochs);
    if !arguments.trials.is_empty() {
        settings.trials.clone_from(&arguments.trials);
    } else {
        settings.trials = Trial::ALL.to_vec();
    }
    let study = NetmlStudy::open(&files, &settings, run.seed("families"))?;
    let [training, validation, test] = study.sizes();
    say(&format!(
        "{training} training, {validation} validation, {test} test flows; {}",
        study.against.describe()
    ))?;
    if study.lacking > 0 {
        say(&format!("{} training flows lack a series: taken as zeros", study.lacking))?;
    }
    let chance = (run.seed("families training"), run.bootstrap("families"));
    let mut tried = Vec::new();
    for &trial in &settings.trials {
        let one = study.run(trial, &settings, chance, &mut |name, epoch| match epoch {
            None => show::print(&format!("{name}\n")),
            Some(epoch) => show::print(&format!(
                "  epoch {}: training loss {:.4}, validation loss {:.4}, accuracy {:.4}, {:.0} s\n",
                epoch.epoch,
                epoch.train_loss,
                epoch.validation_loss,
                epoch.validation_accuracy,
                epoch.seconds
            )),
        })?;
        say(&one.to_string())?;
        tried.push(one);
        // Whole after each: what a long run has found is not lost.
        let about = json!({
            "about": study.against.describe(),
            "against": study.against,
            "flows": { "training": training, "validation": validation, "test": test },
            "settings": settings,
            "trials": tried,
        });
        files::write_json(&arguments.out, &about)?;
    }
    say(&TrialOutcome::table(&tried)?.to_text())?;
    say(&format!("written: {}", arguments.out.display()))
}

fn generate(run: &Run, arguments: &GenerateArguments) -> Result<()> {
    own_input::refuse(run, &arguments.out, [])?;
    let rows = arguments.rows.unwrap_or(run.profile.family.rows);
    let seed = arguments.seed.unwrap_or_else(|| run.seed("family flows"));
    let flows = SyntheticFlows::new(rows, seed);
    flows.write(&arguments.out)?;
    let (training, validation) = flows.counts();
    let count = |counts: &[usize]| counts.iter().sum::<usize>();
    say(&format!(
        "synthetic flows of {} families, seed {seed}: {} training, {} validation, {} test rows; \
         {} faults planted",
        FAMILIES.len(),
        count(&training),
        count(&validation),
        count(&validation),
        PLANTED.len()
    ))?;
    say(&format!("written: {}", arguments.out.display()))
}

fn train_encoder(run: &Run, arguments: &TrainArguments) -> Result<()> {
    arguments.fresh.heed();
    let inputs = [Some(&arguments.data), arguments.validation.as_ref(), arguments.test.as_ref()];
    own_input::refuse(run, &arguments.out, inputs.into_iter().flatten())?;
    let settings = &run.profile.family;
    let (mut shape, mut params) = (settings.encoder.clone(), settings.training.clone());
    shape.hidden = arguments.hidden.clone().unwrap_or(shape.hidden);
    params.epochs = arguments.epochs.unwrap_or(params.epochs);
    params.batch_size = arguments.batch_size.unwrap_or(params.batch_size);
    params.learning_rate = arguments.learning_rate.unwrap_or(params.learning_rate);
    let temperature = arguments.temperature;
    let contrastive = arguments.contrastive.map(|weight| Contrastive { weight, temperature });
    params.contrastive = contrastive.or(params.contrastive);
    shape.check()?;
    params.check()?;
    let seed = arguments.seed.unwrap_or_else(|| run.seed("family training"));
    let data = training_data(run, arguments)?;
    let device = train::device();
    say(&format!(
        "{} training and {} validation rows, {} features, {} families, on {}",
        data.train.len(),
        data.validation.len(),
        data.features().len(),
        data.families().len(),
        if device.is_cuda() { train::device_name() } else { "one thread of the CPU".to_owned() }
    ))?;
    let mut encoder = FamilyEncoder::new(&shape, &data.train, &data.standardiser, device, seed)?;
    let training = FamilyTraining {
        params: &params,
        balance: Balance::default(),
        seed,
        folder: Some(&arguments.out),
    };
    let history = training.run(&mut encoder, &data, &mut train::print_every(10.0))?;
    for epoch in &history.epochs {
        say(&format!(
            "epoch {}: training loss {:.3}, validation loss {:.3}, macro F1 {:.4}",
            epoch.epoch, epoch.train_loss, epoch.validation_loss, epoch.validation_f1_macro
        ))?;
    }
    let (part, flows) = match &data.test {
        Some(test) => ("test", test),
        None => ("validation", &data.validation),
    };
    let judged = encoder.predict(flows)?;
    let scores = judged.confusion(encoder.families())?.scores();
    let file = arguments.out.join(format!("{part}.predictions.parquet"));
    write_predictions(&judged, encoder.families(), &file)?;
    training.card(&encoder, &data, &history, &judged)?.write(&arguments.out)?;
    say(&format!(
        "{part}: macro F1 {:.4}, accuracy {:.4}; best epoch {}, {:.1} s of training, {:.0} flows/s",
        scores.f1.macro_,
        scores.accuracy,
        history.best_epoch,
        history.seconds,
        history.rows_per_second
    ))?;
    say(&format!("written: {}", arguments.out.display()))
}

/// The rows to train on, with validation rows and perhaps test rows; what is passed over is said.
fn training_data(run: &Run, arguments: &TrainArguments) -> Result<FlowData> {
    let mut ignore = Vec::new();
    for names in &arguments.ignore {
        let named = csv_file::cells(names).ok_or_else(|| Error::Setting {
            field: "--ignore",
            reason: format!("{names:?} is no list of names"),
        })?;
        ignore.extend(named);
    }
    let label = arguments.label.clone();
    let columns = FlowColumns { label, ignore };
    let data = match &arguments.validation {
        Some(validation) => {
            let test = arguments.test.as_deref();
            FlowData::from_files(&arguments.data, validation, test, &columns)?
        }
        None if arguments.data.is_dir() => FlowData::from_folder(&arguments.data, &columns)?,
        None => {
            let seed = run.seed("family split");
            FlowData::split(&arguments.data, Shares::default(), seed, &columns)?
        }
    };
    note(&data.notes);
    let passed_over = data.train.file().passed_over();
    if !passed_over.is_empty() {
        let names = terminal_safe(&passed_over.join(", "));
        say(&format!("columns without numbers, passed over: {names}"))?;
    }
    let constant = data.standardiser.constant();
    if !constant.is_empty() {
        let names = terminal_safe(&constant.join(", "));
        say(&format!("the same in every training row, so they tell nothing: {names}"))?;
    }
    Ok(data)
}

fn predict(arguments: &PredictArguments) -> Result<()> {
    files::refuse_own_input(&arguments.out, [arguments.file.as_path(), &arguments.model])?;
    files::refuse_within(&arguments.out, [arguments.model.as_path()])?;
    let encoder = FamilyEncoder::open(&arguments.model, train::device())?;
    let flows = encoder.flows(&arguments.file)?;
    let judged = encoder.predict(&flows)?;
    write_predictions(&judged, encoder.families(), &arguments.out)?;
    if flows.file().has_label() {
        let scores = judged.confusion(encoder.families())?.scores();
        say(&format!(
            "{} rows: macro F1 {:.4}, accuracy {:.4}",
            flows.len(),
            scores.f1.macro_,
            scores.accuracy
        ))?;
    } else {
        let label = terminal_safe(encoder.label());
        say(&format!("{} rows without a column {label:?}: nothing to score", flows.len()))?;
    }
    say(&format!("written: {}", arguments.out.display()))
}

fn picture(run: &Run, arguments: &PictureArguments) -> Result<()> {
    own_input::refuse(run, &arguments.out, [&arguments.file, &arguments.model])?;
    files::refuse_within(&arguments.out, [arguments.model.as_path()])?;
    if arguments.out.extension().is_none_or(|extension| extension != "svg") {
        let reason = format!("{}: a name that ends in .svg", arguments.out.display());
        return Err(Error::Setting { field: "--out", reason });
    }
    let settings = &run.profile.family;
    let encoder = FamilyEncoder::open(&arguments.model, train::device())?;
    let flows = encoder.flows(&arguments.file)?;
    let rows = arguments.rows.unwrap_or(settings.picture_rows);
    let sample = encoder.embed(&flows)?.stratified(rows, run.seed("family picture"))?;
    let shown = sample.len();
    let of = format!("the embedding's {} dimensions, {shown} flows", encoder.dimensions());
    let (title, plane) = match arguments.method {
        Method::Pca => (format!("Principal components of {of}"), pca(&sample)?.plane),
        Method::Tsne => {
            let mut progress =
                Progress::new("t-SNE", "steps", settings.tsne.epochs).every(Duration::from_secs(5));
            let mut watch = |_| progress.step(1, String::new);
            (format!("t-SNE of {of}"), tsne(&sample, &settings.tsne, &mut watch)?)
        }
    };
    plane.scatter(title, encoder.families()).draw()?.save(&arguments.out)?;
    say(&format!("written: {}", arguments.out.display()))
}
