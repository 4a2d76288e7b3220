//! Our half of `make bench-audit` (`environment/bench/audit.py` drives both).
//!
//!     bench_audit SETS CLAIMS...    answers each line `check SET TIMES` (a claim set of SETS, by
//!                                   its place) or `documents 0 TIMES` on standard input
//!
//! SETS is a JSON list of claims files' texts; CLAIMS are claims files.

mod race;

use race::{finish, say};
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use ttp_lib::audit::{Audit, Claims, Verdict, audit};
use ttp_lib::{Error, Result, files};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(sets) = arguments.next() else {
        eprintln!("usage: bench_audit SETS CLAIMS...");
        return ExitCode::FAILURE;
    };
    finish(race(&sets, &arguments.collect::<Vec<_>>()))
}

fn race(sets: &Path, documents: &[PathBuf]) -> Result<()> {
    let texts: Vec<String> = files::read_json(sets)?;
    say(&json!({ "sets": texts.len(), "documents": documents.len() }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers: Vec<usize> = words.iter().skip(1).filter_map(|w| w.parse().ok()).collect();
        let answer = match (words.first(), &numbers[..]) {
            (Some(&"check"), &[set, times]) if set < texts.len() && times > 0 => {
                check(sets, &texts[set], times)?
            }
            (Some(&"documents"), &[_, times]) if times > 0 => judge(documents, times)?,
            _ => {
                let known = ["check SET TIMES", "documents 0 TIMES"].map(str::to_owned).to_vec();
                return Err(Error::Unknown { kind: "command", name: line, known });
            }
        };
        say(&answer);
    }
    Ok(())
}

/// Seconds of one reading of the text and of one judging of its claims, and what came of it.
fn check(file: &Path, text: &str, times: usize) -> Result<Value> {
    let began = Instant::now();
    let mut claims = Claims::parse(file, text)?;
    for _ in 1..times {
        claims = Claims::parse(file, text)?;
    }
    let reading = began.elapsed().as_secs_f64() / times as f64;
    let began = Instant::now();
    let mut judged = audit(&claims)?;
    for _ in 1..times {
        judged = audit(&claims)?;
    }
    let seconds = began.elapsed().as_secs_f64() / times as f64;
    let (possible, matrices) = found(&judged);
    Ok(json!({
        "seconds": seconds, "reading_seconds": reading, "possible": possible,
        "matrices": matrices,
    }))
}

/// Whether all claims can hold together (nothing where that was not found out), and the number
/// of matrices that give them, where they were counted.
fn found(judged: &Audit) -> (Option<bool>, Option<u64>) {
    let mut matrices = None;
    for claim in &judged.claims {
        match &claim.verdict {
            Verdict::Inconsistent { .. } => return (Some(false), Some(0)),
            Verdict::Undecided { .. } => return (None, None),
            Verdict::Consistent { number, .. } => {
                matrices = number.as_deref().and_then(|number| number.parse().ok());
            }
        }
    }
    (Some(true), matrices)
}

fn judge(documents: &[PathBuf], times: usize) -> Result<Value> {
    let began = Instant::now();
    let mut number = 0;
    for _ in 0..times {
        number = 0;
        for file in documents {
            number += audit(&Claims::read(file)?)?.claims.len();
        }
    }
    Ok(json!({ "seconds": began.elapsed().as_secs_f64() / times as f64, "claims": number }))
}
