//! `ttp sweep`: many trainings, one job at a time. A workflow runs the jobs; here they are listed,
//! done, checked and put together.

use crate::{note, say};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use ttp_evidence::{COMMAND, Evidence, State, Sweep};
use ttp_lib::profile::Run;
use ttp_lib::serde_json::{self, json};
use ttp_lib::train;
use ttp_lib::{Error, Result};

#[derive(Subcommand)]
pub enum SweepCommand {
    /// Print the profile's jobs as JSON
    Jobs,
    /// Make the corpus and the splits that all jobs share; nothing where they are there
    Prepare(Folder),
    /// Do one job, and write FOLDER/jobs/ID.json; nothing where a sound result is there
    Run {
        /// A job's id, as `ttp sweep jobs` lists it
        id: String,
        #[command(flatten)]
        folder: Folder,
        /// Do it again even if a sound result is there
        #[arg(long)]
        again: bool,
    },
    /// Read every result, and print a JSON line each: sound, missing, broken or foreign
    Check(Folder),
    /// Put the results together, in FOLDER/evidence.json and in tables
    Collect(Folder),
}

#[derive(Args)]
pub struct Folder {
    /// The folder of this sweep
    #[arg(long)]
    folder: PathBuf,
}

impl SweepCommand {
    /// Whether libtorch's threads have anything to do.
    pub fn runs_a_model(&self) -> bool {
        matches!(self, Self::Run { .. })
    }
}

pub fn sweep(run: &Run, command: SweepCommand) -> Result<()> {
    let open = |Folder { folder }: &Folder| Sweep::new(run, folder);
    match &command {
        SweepCommand::Jobs => jobs(run),
        SweepCommand::Prepare(folder) => {
            let sweep = open(folder)?;
            let done = if sweep.prepare()? { "prepared" } else { "prepared before" };
            say(&format!("{done}: {}, {} jobs", folder.folder.display(), sweep.jobs().len()))
        }
        SweepCommand::Run { id, folder, again } => one(&open(folder)?, id, *again),
        SweepCommand::Check(folder) => {
            for checked in open(folder)?.check()? {
                say(&line(&checked)?)?;
            }
            Ok(())
        }
        SweepCommand::Collect(folder) => collect(run, &open(folder)?, folder),
    }
}

fn line(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::library("writing JSON"))
}

fn jobs(run: &Run) -> Result<()> {
    let jobs = ttp_evidence::jobs(&run.profile);
    let fingerprint = ttp_evidence::fingerprint(&run.profile)?;
    say(&line(&json!({
        "profile": run.profile.name,
        "fingerprint": fingerprint,
        "jobs": jobs,
    }))?)
}

fn one(sweep: &Sweep, id: &str, again: bool) -> Result<()> {
    let done = sweep.run(id, again, &mut train::print_every(10.0))?;
    let file = sweep.result(id);
    match done.before.state {
        State::Sound if !again => return say(&format!("done before: {}", file.display())),
        State::Broken | State::Foreign => say(&format!("made anew: {}", done.before.why))?,
        _ => {}
    }
    note(&sweep.notes(id));
    if let Some(outcome) = &done.outcome {
        let scores = outcome.scores;
        say(&format!(
            "{id}: macro F1 {:.4}, accuracy {:.4}, {:.0} s",
            scores.f1_macro, scores.accuracy, outcome.seconds
        ))?;
    }
    say(&format!("written: {}", file.display()))
}

fn collect(run: &Run, sweep: &Sweep, folder: &Folder) -> Result<()> {
    let evidence: Evidence = sweep.collect()?;
    let file = sweep.write(&evidence)?;
    for table in [
        evidence.seeds_table()?,
        evidence.splits_table()?,
        evidence.arms_table()?,
        evidence.pairs_table()?,
    ] {
        say(&table.to_text())?;
    }
    if let Some(first) = evidence.missing.first() {
        say(&format!(
            "missing: {} of {} jobs: {}",
            evidence.missing.len(),
            sweep.jobs().len(),
            evidence.missing.join(", ")
        ))?;
        say(&format!(
            "`{COMMAND}` makes them, or one at a time: ttp --profile {} sweep run {first} --folder {}",
            run.profile.name,
            folder.folder.display()
        ))?;
    }
    say(&format!("written: {}", file.display()))
}
