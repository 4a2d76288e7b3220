//! What our halves of the races have in common: an answer is a line of JSON, a fault a line on
//! standard error.

use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;
use ttp_lib::Result;

/// Says an answer to whoever drives the race.
pub fn say(answer: &Value) {
    println!("{answer}");
    let _ = std::io::stdout().flush();
}

/// How a half ends.
pub fn finish(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
