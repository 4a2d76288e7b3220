//! `ttp audit`: can the figures of a document be true?

use crate::say;
use clap::Args;
use std::path::PathBuf;
use ttp_lib::audit::{self, Audit, Claims, report};
use ttp_lib::profile::Run;
use ttp_lib::{Result, files};

#[derive(Args)]
pub struct Arguments {
    /// Claims files, for instance data/claims/family.toml
    #[arg(required = true)]
    claims: Vec<PathBuf>,
    /// A file for all verdicts, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub fn audit(run: Option<&Run>, arguments: &Arguments) -> Result<()> {
    // All of them are read before anything is judged.
    let documents: Vec<Claims> =
        arguments.claims.iter().map(|file| Claims::read(file)).collect::<Result<_>>()?;
    if let Some(file) = &arguments.json {
        let inputs: Vec<PathBuf> = documents.iter().flat_map(Claims::files).collect();
        files::refuse_own_input(file, inputs.iter().map(PathBuf::as_path))?;
    }
    let joined = documents.iter().map(Claims::joined).collect::<Result<Vec<_>>>()?;
    let sets: Vec<Claims> = joined.into_iter().flatten().collect();
    // Outside the project, or before a run, there is nothing of ours to show.
    let ours = match run {
        Some(run) => report::measured(&run.folders.results(""))?,
        None => report::Measurements::default(),
    };
    let mut audits = Vec::new();
    for claims in &documents {
        let audit = audit::audit(claims)?.beside(&ours);
        let text = report::table(std::slice::from_ref(&audit), &ours)?.limits(600, 100).to_text();
        for line in text.lines() {
            say(line)?;
        }
        found(&audit)?;
        for shown in &audit.facts {
            say(&shown.to_string())?;
        }
        say(&report::counts(&audit))?;
        if let Some(line) = report::runs(&audit) {
            say(&line)?;
        }
        say("")?;
        audits.push(audit);
    }
    let mut together = Vec::new();
    for set in &sets {
        let audit = audit::audit(set)?.beside(&ours);
        say(&report::counts(&audit))?;
        say(&report::conflicts(&audit)?.limits(600, 100).to_text())?;
        found(&audit)?;
        say("")?;
        together.push(audit);
    }
    if let Some(file) = &arguments.json {
        files::write_json(file, &report::summary_with(&audits, &together))?;
        say(&format!("written: {}", file.display()))?;
    }
    Ok(())
}

/// What has to go, and what the figures pin down.
fn found(audit: &Audit) -> Result<()> {
    for removal in &audit.to_remove {
        say(&removal.to_string())?;
    }
    for told in &audit.ranges {
        say(&told.to_string())?;
        if let Some(rests) = told.rests() {
            say(&format!("  {rests}"))?;
        }
    }
    Ok(())
}
