//! `ttp external`: models on sentences of another source or of a later time.

use crate::{note, own_input, say};
use clap::Args;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use ttp_evidence::external::External;
use ttp_evidence::today;
use ttp_lib::classify::{Answer, Classifier, Input};
use ttp_lib::corpus::{Columns, Corpus, LabelChanges};
use ttp_lib::profile::{ATTACK_V15_MISSING, Run, TRAM_V2_MISSING};
use ttp_lib::serde_json::json;
use ttp_lib::split::read_csv;
use ttp_lib::{Error, Result, files};

#[derive(Args)]
pub struct Arguments {
    /// Folders of trained models that know the same techniques, for instance models/minilm.clean
    #[arg(required = true)]
    models: Vec<PathBuf>,
    #[command(flatten)]
    rows: Rows,
    /// The CSV file's columns: hub, orbinato, or SENTENCE,LABEL by name (a name with a comma in it
    /// in quotes)
    #[arg(long, requires = "csv", default_value = "sentence,technique")]
    columns: String,
    /// Training rows as `ttp split` writes them: near-duplicates of these are no new sentences.
    /// May be given several times [default: the train.csv of each split that the profile has; with
    /// --csv none]
    #[arg(long)]
    training: Vec<PathBuf>,
    /// Where to write the figures, too, as JSON
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Rows {
    /// A CSV file of your own
    #[arg(long)]
    csv: Option<PathBuf>,
    /// The procedure sentences of ATT&CK v15 that v10.1 has not
    #[arg(long)]
    attack_v15: bool,
    /// TRAM 2's sentences with one technique each
    #[arg(long)]
    tram_v2: bool,
}

pub fn run(run: &Run, arguments: &Arguments) -> Result<()> {
    let Arguments { models, rows, training, out, .. } = arguments;
    if let Some(out) = out {
        let splits = training_files(run, training);
        own_input::refuse(run, out, models.iter().chain(&rows.csv).chain(&splits))?;
        // Nor over a file of a model's folder.
        files::refuse_within(out, models.iter().map(PathBuf::as_path))?;
    }
    let opened = models.iter().map(|folder| Classifier::open(folder));
    let opened: Vec<Classifier> = opened.collect::<Result<_>>()?;
    let Some(first) = opened.first() else { return Ok(()) };
    let known = first.labels();
    for (folder, classifier) in models.iter().zip(&opened) {
        note(classifier.notes());
        if classifier.labels() != known {
            let (one, other) = (models[0].display(), folder.display());
            let reason = format!("{one} and {other} know other techniques: test them one by one");
            return Err(Error::Setting { field: "MODELS", reason });
        }
    }
    let OtherRows { name, mut external, corpus, changes } = rows_of(run, arguments, known)?;
    say(&external.to_string())?;
    for (folder, classifier) in models.iter().zip(&opened) {
        let model = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
        let mut predicted = predictions(classifier, &corpus, folder)?;
        predicted.iter_mut().for_each(|label| *label = today(changes.as_ref(), label));
        external.score(&model, &corpus, &predicted, run.bootstrap(&format!("external {name}")))?;
    }
    say(external.table()?.to_text().trim_end())?;
    if !external.unknown.is_empty() {
        say(external.unknown_table()?.head(10).to_text().trim_end())?;
    }
    let Some(out) = out else { return Ok(()) };
    files::write_json(out, &json!({ name: external }))?;
    say(&format!("written: {}", out.display()))
}

/// What models are tested on.
struct OtherRows {
    /// The source's name.
    name: &'static str,
    external: External,
    corpus: Corpus,
    /// From the models' labels to the source's, where that is a later release.
    changes: Option<LabelChanges>,
}

fn rows_of(run: &Run, arguments: &Arguments, known: &[String]) -> Result<OtherRows> {
    let Arguments { rows, columns, training, .. } = arguments;
    if let Some(path) = &rows.csv {
        let (mut external, built) = External::of_csv(path, &Columns::from_name(columns)?, known)?;
        say(&built.to_string())?;
        let mut corpus = built.corpus;
        if !training.is_empty() {
            corpus = new_sentences(&corpus, &training_texts(run, training)?)?;
            external = External::new(&corpus, known)?;
        }
        return Ok(OtherRows { name: "csv", external, corpus, changes: None });
    }
    let missing = |field, what: &str| Error::Setting { field, reason: what.to_owned() };
    let texts = training_texts(run, training)?;
    let (name, corpus, changes) = if rows.tram_v2 {
        let built = run.tram_v2()?.ok_or_else(|| missing("--tram-v2", TRAM_V2_MISSING))?;
        say(&built.to_string())?;
        ("tram-v2", new_sentences(&built.corpus, &texts)?, None)
    } else {
        let later =
            run.later(&texts)?.ok_or_else(|| missing("--attack-v15", ATTACK_V15_MISSING))?;
        say(later.table()?.to_text().trim_end())?;
        let changes = run.label_changes()?;
        if let Some(changes) = &changes {
            say(&format!("labels from v10.1 to v15: {changes}"))?;
        }
        ("attack-v15", later.corpus, changes)
    };
    let known: Vec<String> = known.iter().map(|label| today(changes.as_ref(), label)).collect();
    let external = External::new(&corpus, &known)?;
    Ok(OtherRows { name, external, corpus, changes })
}

/// The rows that are no near-duplicates of training.
fn new_sentences(corpus: &Corpus, training: &[String]) -> Result<Corpus> {
    if training.is_empty() {
        return Ok(corpus.clone());
    }
    let texts: Vec<&str> = training.iter().map(String::as_str).collect();
    let new = ttp_evidence::without_near_duplicates(corpus, &texts);
    say(&format!(
        "{} of {} rows are left without those that training has",
        new.len(),
        corpus.len()
    ))?;
    Ok(new)
}

/// The files of what the models may have learned from: those named, or the profile's own.
fn training_files(run: &Run, named: &[PathBuf]) -> Vec<PathBuf> {
    let splits = run.profile.protocols.iter();
    let own =
        splits.map(|split| run.folders.processed(&format!("splits/{}/train.csv", split.name())));
    match named {
        [] => own.filter(|path| path.is_file()).collect(),
        named => named.to_vec(),
    }
}

fn training_texts(run: &Run, named: &[PathBuf]) -> Result<Vec<String>> {
    let files = training_files(run, named);
    if files.is_empty() {
        let none = "the profile has no split yet: near-duplicates of training are not left out";
        note(&[none.to_owned()]);
    }
    let mut texts = Vec::new();
    for file in files {
        texts.extend(read_csv(&file)?.into_iter().map(|sample| sample.text));
    }
    Ok(texts)
}

/// The technique that the model gives each row.
fn predictions(classifier: &Classifier, corpus: &Corpus, folder: &Path) -> Result<Vec<String>> {
    let lines: Vec<&str> = corpus.texts();
    let mut found = vec![String::new(); lines.len()];
    let input = Input::new("the rows", Cursor::new(lines.join("\n").into_bytes()));
    classifier.classify(input, &mut |answers: &[Answer<'_>]| {
        for answer in answers {
            // Of several answers to a line the first is the most probable.
            if let Some(row) = found.get_mut(answer.line - 1).filter(|row| row.is_empty()) {
                answer.technique.clone_into(row);
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    match found.iter().position(String::is_empty) {
        None => Ok(found),
        Some(row) => {
            let reason = format!("the model gave no answer for row {}", row + 1);
            Err(Error::input(folder, reason))
        }
    }
}
