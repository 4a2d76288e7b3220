//! `ttp classify`: the technique of each line, as the lines come.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use ttp_lib::classify::{Answer, Classifier, Input};
use ttp_lib::show::{defang, terminal_safe};
use ttp_lib::{Error, Result};

#[derive(clap::Args)]
pub struct Arguments {
    /// A trained model's folder, for instance models/minilm.clean or models/tfidf-svm.clean
    model: PathBuf,
    /// A text file with a sentence a line [default: standard input]
    file: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let input = match &arguments.file {
        Some(file) => Input::file(file)?,
        None => Input::standard(),
    };
    let classifier = Classifier::open(&arguments.model)?;
    crate::note(classifier.notes());
    classifier.classify(input, &mut print)
}

/// Prints a line for each answer, all of them at once. Whoever closed standard output (`| head`)
/// has read enough.
fn print(answers: &[Answer<'_>]) -> Result<ControlFlow<()>> {
    let mut lines = String::new();
    for Answer { technique, probability, text, .. } in answers {
        let text = terminal_safe(&defang(text));
        lines.push_str(&format!("{technique}\t{probability:.3}\t{text}\n"));
    }
    let mut out = io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Error::file(Path::new("standard output"), "write")(error)),
    }
}
