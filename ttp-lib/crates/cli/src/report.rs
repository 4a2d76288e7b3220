//! `ttp report` and `ttp report-model`: techniques in threat reports, and the model that finds them.

use crate::{complain, note, own_input, say, threads};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ttp_base::places::setting;
use ttp_documents::{Document, Limits};
use ttp_lib::corpus::{self, Corpus, Source};
use ttp_lib::profile::Run;
use ttp_lib::show::{Progress, terminal_safe};
use ttp_lib::split::{Protocol, read_csv};
use ttp_lib::{Error, Result, files};
use ttp_report::recognise::{
    LEAST, Models, Options, ReportModel, Search, Training, WithEncoder, negatives as negatives_of,
    recognise, train,
};
use ttp_report::review::{self, KnownTechniques, ReviewedReport};

/// The second, counted from 1970, at which a file is said to be made, for builds that are to give the
/// same bytes: a variable that many tools know.
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// The last second of the year 9999, after which RFC 3339 has no name for one.
const LAST_SECOND: u64 = 253_402_300_799;

/// The model's folder among a run's models.
const MODEL: &str = "report";
/// The figures among its results, and their picture.
const RESULTS: &str = "report_model.json";
const PLOT: &str = "report_model.svg";

/// ATT&CK's bundle of Enterprise that the project is about, and the later one, with their versions.
const BUNDLE: (&str, &str) = Training::BUNDLE;
const LATER: (&str, &str) = Training::LATER;

/// Texts of TRAM's reports in which analysts found no technique.
const NEGATIVES: &str = "tram-v1/negative_data.json";

#[derive(Args)]
pub struct Arguments {
    /// Reports: txt, Markdown, HTML, DOCX or PDF, or folders of them
    #[arg(required_unless_present = "reviewed")]
    files: Vec<PathBuf>,
    /// A report.json or report.csv of an earlier run, corrected by a human: counts what was accepted,
    /// and writes the layer and training rows of that. A report.csv lies beside its report.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "model", "models", "similar"])]
    reviewed: Option<PathBuf>,
    /// The folder of a report model [default: models/report]
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Which of its models are asked [default: all there are]
    #[arg(long, value_name = "WHICH")]
    models: Option<Which>,
    /// The fraction of the evidence whose technique has to be right, as measured on the model's
    /// validation set
    #[arg(long, default_value_t = 0.8)]
    precision: f64,
    /// For sentences that seem to show a technique, and none is sure enough, the nearest techniques
    /// of all by the sentence model (models/similarity.hard_negatives)
    #[arg(long)]
    similar: bool,
    /// Where the outputs go
    #[arg(long, value_name = "FOLDER", default_value = "results/report")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// The linear model alone
    Linear,
    /// The linear model and the encoder together
    Both,
}

#[derive(Args)]
pub struct ModelArguments {
    /// Where the model goes [default: models/report]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The precision whose threshold is measured
    #[arg(long, default_value_t = 0.8)]
    precision: f64,
    /// The fewest procedure sentences of a technique that it learns
    #[arg(long, default_value_t = LEAST)]
    least: usize,
    /// A fine-tuned encoder's folder, to stand beside the linear model: its files are copied
    #[arg(long, value_name = "FOLDER")]
    encoder: Option<PathBuf>,
    /// The rows that it was fine-tuned on [default: data/processed/splits/clean/train.csv]
    #[arg(long, value_name = "CSV", requires = "encoder")]
    encoder_training: Option<PathBuf>,
}

/// The folder of the report model: that which is named, or the run's own; none without either.
pub fn model_folder(run: Result<&Run, &Error>, named: Option<&Path>) -> Option<PathBuf> {
    named.map(Path::to_path_buf).or_else(|| Some(run.ok()?.folders.models().join(MODEL)))
}

pub fn report(run: Result<Run>, arguments: &Arguments) -> Result<()> {
    if let Some(file) = &arguments.reviewed {
        return reviewed(run.as_ref().ok(), file, &arguments.out);
    }
    let folder = model_folder(run.as_ref(), arguments.model.as_deref());
    let Some(folder) = folder else { return run.map(|_| ()) };
    let models = match arguments.models {
        None => Models::AllThereAre,
        Some(Which::Linear) => Models::Linear,
        Some(Which::Both) => Models::Both,
    };
    // The linear model alone needs nothing of libtorch, and is asked in a moment.
    let asks_an_encoder = models != Models::Linear && ReportModel::has_encoder(&folder);
    if asks_an_encoder || arguments.similar {
        threads::wait_asleep();
    }
    let model = ReportModel::open(&folder, models)?;
    note(model.notes());
    // What cannot be is said before anything is read.
    let created = created()?;
    model.recogniser(arguments.precision)?;
    if arguments.similar
        && let Ok(run) = &run
    {
        check_search(run)?;
    }
    let mut documents = Vec::new();
    let files = ttp_documents::gather(&arguments.files)?;
    for folder in arguments.files.iter().filter(|path| path.is_dir()) {
        let names = ttp_documents::left_out(folder)?;
        if !names.is_empty() {
            let listed = terminal_safe(&ttp_documents::listed(&names));
            note(&[format!("{}: no report, or not looked into: {listed}", folder.display())]);
        }
    }
    let mut refused = 0;
    for file in &files {
        match ttp_documents::read_file(file, &Limits::default()) {
            Ok(document) => documents.push(Document { name: name_among(file, &files), ..document }),
            // One that cannot be read keeps no other from being read.
            Err(error) if files.len() > 1 => {
                refused += 1;
                complain(&format!("error: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    if documents.is_empty() {
        return Err(none_read(files.len()));
    }
    let search = arguments.similar.then(|| search(&run?)).transpose()?;
    let options =
        Options { precision: arguments.precision, similar: search.as_ref(), created: &created };
    let report = recognise(documents, &model, &options)?;
    say(ttp_report::outputs::table(&report).trim_end())?;
    for file in ttp_report::outputs::write(&report, &arguments.out)? {
        say(&format!("written: {}", file.display()))?;
    }
    match refused {
        0 => Ok(()),
        _ => {
            let reason = format!("{refused} of {} files could not be read", files.len());
            Err(Error::Library { what: "reading reports", reason })
        }
    }
}

/// A file's name, with as many of the folders above it as tell it from others of that name.
fn name_among(file: &Path, files: &[PathBuf]) -> String {
    let parts: Vec<_> = file.components().collect();
    let ending = |count: usize| parts[parts.len() - count..].iter().collect::<PathBuf>();
    let is_alone = |count: &usize| {
        let own = ending(*count);
        files.iter().filter(|other| other.ends_with(&own)).count() == 1
    };
    let count = (1..=parts.len()).find(is_alone).unwrap_or(parts.len());
    ending(count).to_string_lossy().into_owned()
}

fn none_read(files: usize) -> Error {
    let reason = match files {
        0 => "there is no file in it".to_owned(),
        _ => format!("none of {files} files could be read"),
    };
    Error::Library { what: "reading reports", reason }
}

/// When a report was made, in UTC, as RFC 3339 writes it: now, or the second since 1970 that
/// `SOURCE_DATE_EPOCH` names. With it the same report and model give the same bytes again.
///
/// # Errors
/// If the variable is no whole number of seconds, or of a year after 9999.
pub fn created() -> Result<String> {
    let Some(value) = setting(EPOCH) else {
        return Ok(humantime::format_rfc3339_seconds(SystemTime::now()).to_string());
    };
    let seconds = value.parse().ok().filter(|seconds| *seconds <= LAST_SECOND);
    let moment = seconds.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    moment.map(|moment| humantime::format_rfc3339_seconds(moment).to_string()).ok_or_else(|| {
        let reason = format!("{value:?} is no number of seconds from 1970 to 9999");
        Error::Setting { field: EPOCH, reason }
    })
}

/// What a human decided about an earlier report: counted, and written beside it.
fn reviewed(run: Option<&Run>, file: &Path, out: &Path) -> Result<()> {
    let is_table = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let reviewed = match is_table {
        true => review::reviewed(&review::read(&file.with_file_name("report.json"))?, file)?,
        false => {
            let report = review::read(file)?;
            review::check_sentences(&report, file)?;
            ReviewedReport::of(report)?
        }
    };
    match known_techniques(run, &reviewed.report.model.attack_version)? {
        Some(known) => known.check(&reviewed.report, file)?,
        None if reviewed.report.sentences().any(|(.., one)| one.corrected.is_some()) => {
            let version = &reviewed.report.model.attack_version;
            note(&[format!(
                "the bundle of ATT&CK v{version} is not at hand: ids in `corrected` are taken as they \
                 are; `make data`, or `make data-attack-v15`, fetches it"
            )]);
        }
        None => {}
    }
    say(reviewed.to_text().trim_end())?;
    for file in reviewed.write(out, &[file])? {
        say(&format!("written: {}", file.display()))?;
    }
    Ok(())
}

/// The ids of a report's version of ATT&CK, where its bundle is at hand.
fn known_techniques(run: Option<&Run>, version: &str) -> Result<Option<KnownTechniques>> {
    let mut bundles = [BUNDLE, LATER].into_iter().filter(|(_, of)| *of == version);
    let Some((run, (bundle, _))) = run.zip(bundles.next_back()) else { return Ok(None) };
    let bundle = run.folders.raw(bundle);
    if !bundle.is_file() {
        return Ok(None);
    }
    KnownTechniques::read(&bundle, version).map(Some)
}

/// What `--similar` needs, each with what makes it.
fn check_search(run: &Run) -> Result<()> {
    let corpus = run.folders.processed("corpus.parquet");
    if !corpus.is_file() {
        return Err(Error::input(&corpus, "not there: `make data`, then `ttp corpus`, makes it"));
    }
    Search::check(&run.folders.sentence_model("hard_negatives"))
}

fn search(run: &Run) -> Result<Search> {
    let corpus = Corpus::read_parquet(&run.folders.processed("corpus.parquet"))?;
    let mut progress =
        Progress::new("sentence vectors, once for this model", "sentences", corpus.len())
            .every(Duration::from_secs(5));
    let mut watch = |count| progress.step(count, String::new);
    let search = Search::open(&run.folders.sentence_model("hard_negatives"), corpus, &mut watch)?;
    note(search.notes());
    Ok(search)
}

pub fn train_model(run: &Run, arguments: &ModelArguments) -> Result<()> {
    let out = arguments.out.clone().unwrap_or_else(|| run.folders.models().join(MODEL));
    let training = arguments.encoder.as_ref().map(|_| encoder_training_file(run, arguments));
    let raw = [BUNDLE.0, LATER.0, NEGATIVES].map(|name| run.folders.raw(name));
    own_input::refuse(run, &out, arguments.encoder.iter().chain(&training).chain(&raw))?;
    files::refuse_within(&out, arguments.encoder.iter().map(PathBuf::as_path))?;
    if !run.folders.raw(LATER.0).is_file() {
        let missing = format!(
            "ATT&CK v15 is not at hand: techniques have the ids and names of v{}; \
             `make data-attack-v15` fetches it",
            BUNDLE.1
        );
        note(&[missing]);
    }
    let training_texts = encoder_training(run, arguments)?;
    let source = Source::Attack { bundle: run.folders.raw(BUNDLE.0), tram: None };
    let built = corpus::build(&source)?;
    note(&built.notes);
    let corpus = run.part_of(built.corpus);
    let tram = run.tram_v2()?;
    note(tram.as_ref().map_or(&[], |built| &built.notes));
    let tram = tram.map(|built| built.corpus);
    let negatives =
        Some(run.folders.raw(NEGATIVES)).filter(|path| tram.is_some() && path.is_file());
    let negatives = negatives.map(|path| negatives_of(&path)).transpose()?.unwrap_or_default();
    let encoder = arguments.encoder.as_deref().zip(training_texts);
    let training = Training {
        least: arguments.least,
        tram_v2: tram.as_ref(),
        negatives,
        encoder: encoder.map(|(folder, training)| WithEncoder { folder, training }),
        ..Training::of_run(run, &corpus, arguments.precision)
    };
    let mut said = Ok(());
    let trained = train(&training, &mut |what| {
        if said.is_ok() {
            said = say(what);
        }
    })?;
    said?;
    let (model, results) = (&trained.model, &trained.results);
    say(results.rows.table()?.to_text().trim_end())?;
    say("")?;
    say(results.table()?.to_text().trim_end())?;
    say("")?;
    say(results.prose_table()?.to_text().trim_end())?;
    say("")?;
    say(&format!(
        "{} techniques of ATT&CK v{}, learned from v{}; {} more have fewer than {} sentences ({} in \
         all); {:.1} s",
        results.techniques,
        results.attack_version,
        results.trained_version,
        results.rows.rare_techniques,
        results.least,
        results.rows.rare_sentences,
        results.seconds
    ))?;
    model.save(&out)?;
    files::write_json(&run.folders.results(RESULTS), results)?;
    results.plot()?.save(&run.folders.results(PLOT))?;
    for file in
        [out.join(ReportModel::FILE), run.folders.results(RESULTS), run.folders.results(PLOT)]
    {
        say(&format!("written: {}", file.display()))?;
    }
    Ok(())
}

/// What the encoder has learned from, where one is given.
fn encoder_training(run: &Run, arguments: &ModelArguments) -> Result<Option<Vec<String>>> {
    if arguments.encoder.is_none() {
        return Ok(None);
    }
    let file = encoder_training_file(run, arguments);
    let rows = read_csv(existing(&file)?)?;
    Ok(Some(rows.into_iter().map(|sample| sample.text).collect()))
}

/// The file that is named, or the clean split's.
fn encoder_training_file(run: &Run, arguments: &ModelArguments) -> PathBuf {
    let clean = Protocol::Clean.name();
    let own = || run.folders.processed(&format!("splits/{clean}/train.csv"));
    arguments.encoder_training.clone().unwrap_or_else(own)
}

fn existing(file: &Path) -> Result<&Path> {
    if file.is_file() {
        return Ok(file);
    }
    let reason = "not there: what an encoder has learned from must be known, for nothing may be \
                  measured on it; --encoder-training names the file";
    Err(Error::input(file, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_told_apart() {
        let files = ["in/a/r.txt", "in/b/r.txt", "other.txt", "r.txt"].map(PathBuf::from);
        let names: Vec<String> = files.iter().map(|file| name_among(file, &files)).collect();
        assert_eq!(names, ["a/r.txt", "b/r.txt", "other.txt", "r.txt"]);
    }
}
