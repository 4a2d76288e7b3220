//! The notebooks' work without a notebook: build a corpus, split it, fine-tune on
//! it, classify, test on other data, find what is similar, diagnose, try remedies, audit claims,
//! sweep over seeds and splits. Every failure is one line on standard error and exit status 1.

mod audit;
mod classify;
mod diagnose;
mod external;
mod family;
mod fresh;
mod manual;
mod named;
mod own_input;
mod pairs;
mod recipe;
mod remedies;
mod report;
mod serve;
mod similarity;
mod sweep;
mod threads;

use clap::{Args, Parser, Subcommand};
use fresh::Fresh;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use ttp_lib::augment::Augmenter;
use ttp_lib::corpus::{self, Columns, Corpus, RowChoice, Source};
use ttp_lib::encoder::TechniqueEncoder;
use ttp_lib::evaluate::{Baseline, Evaluation, TrainingOutcome};
use ttp_lib::linear::LinearKind;
use ttp_lib::pretrained::{self, CATALOGUE};
use ttp_lib::profile::{Labels, Profile, Run};
use ttp_lib::serde_json::json;
use ttp_lib::show::terminal_safe;
use ttp_lib::split::{self, Leakage, Protocol, SplitLosses};
use ttp_lib::train::{self, FineTuning, Pretraining, SplitRows};
use ttp_lib::{Error, Result, files};

/// From sentences of threat reports to MITRE ATT&CK techniques.
#[derive(Parser)]
#[command(name = "ttp", version, arg_required_else_help = true)]
struct Cli {
    /// smoke, laptop, paper, or a JSON file [default: TTP_PROFILE, then laptop]
    #[arg(long, global = true)]
    profile: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the corpus and say what was left out
    Corpus(CorpusArguments),
    /// Balance and split the corpus, and count train-test leakage
    Split {
        /// paper (balance, then split), clean (split, then balance training only) or grouped (as clean,
        /// near-duplicates on one side)
        #[arg(long, default_value = "clean")]
        protocol: String,
    },
    /// Get a checkpoint from the hub, checked, into the hub's own cache; all of the profile
    /// where none is named, each tried whatever becomes of the others
    Fetch {
        /// Names of the catalogue, or hub ids: owner/name, owner/name@revision
        checkpoints: Vec<String>,
    },
    /// Continue the pretraining of a checkpoint with masked tokens of the corpus's training text
    Pretrain {
        /// A checkpoint with continued pretraining [default: TTP_CHECKPOINT, then the profile's]
        #[arg(long)]
        checkpoint: Option<String>,
        #[command(flatten)]
        fresh: Fresh,
    },
    /// Fine-tune a checkpoint on a split and score it on the test rows
    Finetune(FinetuneArguments),
    /// Predict the technique of each line of a file, or of standard input, as the lines come;
    /// empty lines are skipped
    Classify(classify::Arguments),
    /// Test trained models on sentences of another source or of a later time: your own, those that
    /// are new in ATT&CK v15, or TRAM 2's
    External(external::Arguments),
    /// Fine-tune on the untrimmed corpus, and try what is proposed for techniques with zero recall
    Remedies(remedies::Arguments),
    /// Train sentence models on random and on hard negatives, and judge them on unseen pairs; or
    /// by a recipe of the similarity report, on its own pairs
    Similarity(similarity::TrainArguments),
    /// Train a sentence model on files of labelled pairs of your own, and say what is wrong with
    /// them
    Pairs(pairs::Arguments),
    /// Say which figures of a document can be true: consistent, inconsistent or undecided
    Audit(audit::Arguments),
    /// Find the techniques whose sentences are most similar to a text, with these sentences
    Similar(similarity::SearchArguments),
    /// Find the techniques that threat reports show, with the sentences that are evidence
    Report(report::Arguments),
    /// Train the model that `ttp report` asks, and measure it
    ReportModel(report::ModelArguments),
    /// Malware families from the numbers of network flows, synthetic or your own
    #[command(subcommand)]
    Family(family::FamilyCommand),
    /// Say what is wrong with a classifier: zero recall, over-predicted classes, confused pairs
    Diagnose(diagnose::DiagnoseArguments),
    /// Train over seeds, splits and changes in the training, a job at a time
    #[command(subcommand)]
    Sweep(sweep::SweepCommand),
    /// Read reports in a browser on this machine, or by POST /report; nothing is kept
    Serve(serve::Arguments),
    /// Print the JSON schema of a profile, by which editors complete and check one
    Schema,
    /// Print a script that completes the words of this command in a shell
    Completions(manual::CompletionsArguments),
    /// Write the man pages of this command
    Man(manual::ManArguments),
}

impl Command {
    /// Whether libtorch's threads have anything to do.
    fn runs_a_model(&self) -> bool {
        if let Self::Sweep(command) = self {
            return command.runs_a_model();
        }
        matches!(
            self,
            Self::Pretrain { .. }
                | Self::Finetune(_)
                | Self::Classify(_)
                | Self::External(_)
                | Self::Remedies(_)
                | Self::Similarity(_)
                | Self::Pairs(_)
                | Self::Similar(_)
                | Self::ReportModel(_)
                | Self::Family(_)
                | Self::Serve(_)
        )
    }
}

#[derive(Args)]
struct CorpusArguments {
    /// An ATT&CK bundle of one's own in place of the profile's source; may be given several times
    #[arg(long, conflicts_with = "csv")]
    bundle: Vec<PathBuf>,
    /// TRAM v1's sentences, joined to the bundles
    #[arg(long, requires = "bundle")]
    tram: Option<PathBuf>,
    /// A CSV file in place of the profile's source
    #[arg(long)]
    csv: Option<PathBuf>,
    /// The CSV file's columns: hub, orbinato, or SENTENCE,LABEL by name (a name with a comma in it
    /// in quotes)
    #[arg(long, requires = "csv", default_value = "sentence,technique")]
    columns: String,
    /// Which labels the CSV file may have: any, or ATT&CK v10.1's techniques only
    #[arg(long, requires = "csv", value_parser = named::named::<Labels>(), default_value = "any")]
    labels: Labels,
    /// Keep every row of the CSV file as it stands, equal ones and those without a word too
    #[arg(long, requires = "csv")]
    every_row: bool,
    /// Where to write the rows [default: data/processed/corpus.parquet]
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
struct FinetuneArguments {
    /// A checkpoint's name or folder, or a linear model: tfidf-svm, counts-logistic [default:
    /// TTP_CHECKPOINT, then the profile's first encoder]
    #[arg(long)]
    checkpoint: Option<String>,
    /// Whose split to train and test on: paper, told, clean or grouped
    #[arg(long, default_value = "clean")]
    protocol: String,
    /// Train once for each seed [default: the profile's own]
    #[arg(long, value_delimiter = ',')]
    seed: Vec<u64>,
    /// Another highest learning rate than the profile's
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Another number of epochs than the profile's
    #[arg(long)]
    epochs: Option<usize>,
    /// Where models and results go [default: models/ and results/]
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    fresh: Fresh,
}

impl FinetuneArguments {
    /// Whether anything is asked for that the profile says otherwise.
    fn is_experiment(&self) -> bool {
        !self.seed.is_empty() || self.learning_rate.is_some() || self.epochs.is_some()
    }

    /// Where models and results go. What differs from the profile is an experiment: it stays out
    /// of what notebooks read.
    fn folders(&self, run: &Run) -> (PathBuf, PathBuf) {
        match &self.out {
            Some(out) => (out.join("models"), out.join("results")),
            None if self.is_experiment() => {
                (run.folders.models(), run.folders.results("experiments"))
            }
            None => (run.folders.models(), run.folders.results("")),
        }
    }

    /// What tells an experiment's files from the profile's own: `.lr-2e-5.seed-1`.
    fn mark(&self, seed: u64) -> String {
        let rate = self.learning_rate.map(|rate| format!(".lr-{rate:e}"));
        let epochs = self.epochs.map(|epochs| format!(".epochs-{epochs}"));
        let seed = (!self.seed.is_empty()).then(|| format!(".seed-{seed}"));
        [rate, epochs, seed].into_iter().flatten().collect()
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    if cli.command.runs_a_model() {
        threads::wait_asleep();
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let run = || Run::from_env_or(cli.profile.as_deref());
    match cli.command {
        Command::Corpus(arguments) => build_corpus(&run()?, arguments),
        Command::Split { protocol } => split_corpus(&run()?, Protocol::from_name(&protocol)?),
        Command::Fetch { checkpoints } => fetch(&run()?, checkpoints),
        Command::Pretrain { checkpoint, fresh } => pretrain(&run()?, checkpoint, &fresh),
        Command::Finetune(arguments) => fine_tune(&run()?, &arguments),
        Command::Classify(arguments) => classify::run(&arguments),
        Command::External(arguments) => external::run(&run()?, &arguments),
        Command::Remedies(arguments) => remedies::run(&run()?, &arguments),
        Command::Similarity(arguments) => similarity::train(&run()?, &arguments),
        Command::Pairs(arguments) => pairs::run(&run()?, &arguments),
        Command::Audit(arguments) => audit::audit(run().ok().as_ref(), &arguments),
        Command::Similar(arguments) => similarity::search(&run()?, &arguments),
        Command::Report(arguments) => report::report(run(), &arguments),
        Command::ReportModel(arguments) => report::train_model(&run()?, &arguments),
        Command::Family(command) => family::family(run, command),
        Command::Diagnose(arguments) => diagnose::diagnose(arguments),
        Command::Sweep(command) => sweep::sweep(&run()?, command),
        Command::Serve(arguments) => serve::run(run(), &arguments),
        Command::Schema => schema(),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
    }
}

fn schema() -> Result<()> {
    let schema = serde_json::to_string_pretty(&Profile::schema()?);
    say(&schema.map_err(Error::library("writing the schema"))?)
}

fn build_corpus(run: &Run, arguments: CorpusArguments) -> Result<()> {
    let CorpusArguments { bundle, tram, csv, columns, labels, every_row, out } = arguments;
    let keep = if every_row { RowChoice::EveryRow } else { RowChoice::Distinct };
    let source = match csv {
        _ if !bundle.is_empty() => Source::Bundles { bundles: bundle, tram },
        Some(path) => {
            let known = run.known(labels)?;
            Source::Csv { path, columns: Columns::from_name(&columns)?, known, keep }
        }
        None => run.source()?,
    };
    let out = out.unwrap_or_else(|| run.folders.processed("corpus.parquet"));
    files::refuse_own_input(&out, source.files())?;
    own_input::refuse(run, &out, [])?;
    let built = corpus::build(&source)?;
    let account = built.to_string();
    run.part_of(built.corpus).write_parquet(&out)?;
    say(&account)?;
    say(&format!("written: {}", out.display()))
}

fn split_corpus(run: &Run, protocol: Protocol) -> Result<()> {
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet"))?;
    let augmenter = Augmenter::new(run.profile.augment.clone())?;
    let Run { profile, .. } = run;
    let seed = run.seed("split");
    let prepared =
        split::prepare(protocol, &corpus, profile.balance, profile.split, &augmenter, seed)?;
    let folder = run.folders.processed("splits").join(protocol.name());
    prepared.split.write(&folder)?;
    let leakage = Leakage::of(&prepared.split);
    let account = prepared.account;
    say(&format!(
        "{} rows: {} training, {} validation, {} test; {} of the test rows have a row of their \
         own sentence in training",
        prepared.split.len(),
        account.train,
        account.validation,
        account.test,
        leakage.test.same_row
    ))?;
    let lost = SplitLosses::of(&prepared, &corpus).to_string();
    for line in lost.lines() {
        say(line)?;
    }
    say(&format!("written: {}", folder.display()))
}

fn fetch(run: &Run, mut checkpoints: Vec<String>) -> Result<()> {
    if checkpoints.is_empty() {
        checkpoints = run.checkpoints();
    }
    let mut failed = Vec::new();
    for name in &checkpoints {
        // What a run makes itself is not there before it: what it is made of is.
        let checkpoint = match run.base_of_further_pretraining(name) {
            Ok(Some(base)) => Ok(base),
            Ok(None) => run.checkpoint(name),
            Err(error) => Err(error),
        };
        match checkpoint {
            Ok(checkpoint) => {
                let (about, folder) = (checkpoint.describe(), checkpoint.folder.display());
                say(&format!("{name}: {about}; {folder}"))?;
            }
            Err(error) if checkpoints.len() == 1 => return Err(error),
            // The others may come: all that is wrong is known after one call.
            Err(error) => {
                say(&format!("{name}: failed: {error}"))?;
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    let reason = format!("{} of {} failed: {}", failed.len(), checkpoints.len(), failed.join(", "));
    Err(Error::Library { what: "fetching checkpoints", reason })
}

fn pretrain(run: &Run, checkpoint: Option<String>, fresh: &Fresh) -> Result<()> {
    fresh.heed();
    let name = checkpoint.unwrap_or_else(|| run.pretraining_name());
    let Some(base) = run.base_of_further_pretraining(&name)? else {
        let further = CATALOGUE.iter().filter(|entry| entry.is_pretrained_further());
        let known = further.map(|entry| entry.name.clone()).collect();
        return Err(Error::Unknown { kind: "checkpoint to pretrain", name, known });
    };
    let params = run.profile.pretraining.clone().ok_or_else(|| Error::Setting {
        field: "pretraining",
        reason: format!("missing in profile {}", run.profile.name),
    })?;
    let texts = run.unlabelled()?;
    let seed = run.seed(&format!("pretraining {name}"));
    let folder = run.folders.pretrained(&name);
    let pretraining = Pretraining {
        checkpoint: &base,
        params: &params,
        seed,
        folder: &folder,
        held_out: &texts.held_out,
    };
    let (mut encoder, [training, validation]) = pretraining.begin(&texts)?;
    note(encoder.notes());
    say(&format!("{} sentences on {}", training.len(), train::device_name()))?;
    say(&encoder.loaded().to_string())?;
    let mut watch = train::print_every(10.0);
    let history = pretraining.run(&mut encoder, &training, &validation, &mut watch)?;
    let protocols = &run.profile.protocols;
    pretraining.card(&run.provenance(), protocols, &name, &history).write(&folder)?;
    files::write_json(&run.folders.results(&format!("pretraining.{name}.json")), &history)?;
    for epoch in &history.epochs {
        say(&format!(
            "epoch {}: loss {:.3} nats, {:.3} of the masked tokens predicted correctly",
            epoch.epoch, epoch.validation_loss, epoch.validation_accuracy
        ))?;
    }
    say(&format!("{:.0} s; {}", history.seconds, folder.display()))
}

/// A linear model has no epochs and no rate, and the seed moves it by rounding alone.
fn train_linear(
    run: &Run,
    arguments: &FinetuneArguments,
    kind: LinearKind,
    protocol: Protocol,
) -> Result<()> {
    if arguments.learning_rate.is_some() || arguments.epochs.is_some() {
        let reason = format!("{kind} is a linear model: it has no epochs and no learning rate");
        return Err(Error::Setting { field: "--checkpoint", reason });
    }
    let split = run.split(protocol)?;
    let (models, results) = arguments.folders(run);
    let own = [run.finetune_seed(kind.name(), protocol)];
    let seeds = if arguments.seed.is_empty() { &own[..] } else { &arguments.seed };
    for &seed in seeds {
        let bootstrap = run.bootstrap("test scores");
        let baseline = Baseline::train(kind, protocol, &split, seed, bootstrap)?;
        let folder = baseline.write(&models, &results, &arguments.mark(seed))?;
        baseline.evaluation.card(run).write(&folder)?;
        say(&format!("seed {seed}: {}", baseline.evaluation))?;
    }
    Ok(())
}

fn fine_tune(run: &Run, arguments: &FinetuneArguments) -> Result<()> {
    arguments.fresh.heed();
    let protocol = Protocol::from_name(&arguments.protocol)?;
    if let Some(kind) = arguments.checkpoint.as_ref().and_then(|n| LinearKind::from_name(n).ok()) {
        return train_linear(run, arguments, kind, protocol);
    }
    let checkpoint = match &arguments.checkpoint {
        Some(name) => run.checkpoint(name)?,
        None => run.chosen_checkpoint()?,
    };
    let mut params = run.profile.training(&checkpoint.name);
    params.learning_rate = arguments.learning_rate.unwrap_or(params.learning_rate);
    params.epochs = arguments.epochs.unwrap_or(params.epochs);
    params.check()?;
    let split = run.split(protocol)?;
    train::check_held_out(&checkpoint, &split)?;
    let rows = SplitRows::new(&split, &checkpoint.tokenizer(params.max_length)?)?;

    let (models, results) = arguments.folders(run);
    let own = [run.finetune_seed(&checkpoint.name, protocol)];
    let seeds = if arguments.seed.is_empty() { &own[..] } else { &arguments.seed };
    let mut scores = Vec::new();
    for &seed in seeds {
        let mark = arguments.mark(seed);
        let name = format!("{}.{}{mark}", pretrained::file_name(&checkpoint.name), protocol.name());
        let model = models.join(name);
        let (labels, device) = (rows.labels.clone(), train::device());
        let mut encoder = TechniqueEncoder::new(&checkpoint, labels, device, seed)?;
        note(encoder.notes());
        let count = rows.training.len();
        say(&format!("seed {seed}: {count} training rows on {}", train::device_name()))?;
        say(&encoder.loaded().to_string())?;
        let tuning = FineTuning { checkpoint: &checkpoint, params: &params, seed, folder: &model };
        let mut watch = train::print_every(10.0);
        let history = tuning.run(&mut encoder, &rows.training, &rows.validation, &mut watch)?;
        let bootstrap = run.bootstrap("test scores");
        let trained = (&encoder, &history);
        let outcome = TrainingOutcome::new(&tuning, trained, &rows, protocol, bootstrap)?;
        outcome.write(&results, &mark, &split)?;
        let evaluation = &outcome.evaluation;
        evaluation.card(run).write(&model)?;
        let [low, high] = evaluation.f1_macro_interval;
        say(&format!(
            "seed {seed}: macro F1 {:.4} [{low:.4}, {high:.4}], accuracy {:.4}, best epoch {}, \
             {:.1} s of training, {:.0} tokens/s; {}",
            evaluation.f1_macro,
            evaluation.accuracy,
            history.best_epoch,
            evaluation.train_seconds,
            history.tokens_per_second,
            model.display()
        ))?;
        scores.push(json!({
            "seed": seed,
            "f1_macro": evaluation.f1_macro,
            "accuracy": evaluation.accuracy,
            "train_seconds": evaluation.train_seconds,
        }));
    }
    if scores.len() > 1 {
        let f1 = scores.iter().filter_map(|score| score["f1_macro"].as_f64());
        let mean = f1.sum::<f64>() / scores.len() as f64;
        let stem = Evaluation::file_stem(&checkpoint.name, protocol);
        let file = results.join(format!("{stem}.seeds.json"));
        let about = json!({ "f1_macro_mean": mean, "params": params, "runs": scores });
        files::write_json(&file, &about)?;
        say(&format!("mean macro F1 of {} seeds: {mean:.4}; {}", scores.len(), file.display()))?;
    }
    Ok(())
}

/// What a user should know of a checkpoint is no result: it goes to standard error.
fn note(notes: &[String]) {
    notes.iter().for_each(|note| complain(&format!("note: {note}")));
}

/// Prints a line on standard error. A closed one (`2>&1 | head`) is no reason to stop the work.
fn complain(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{}\n", terminal_safe(line)).as_bytes());
}

/// Prints a line. Whoever closed standard output (`| head`) has read enough; the files that a command
/// writes are still written.
fn say(line: &str) -> Result<()> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::file(Path::new("standard output"), "write")),
    }
}
