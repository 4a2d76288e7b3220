//! Our half of `make bench-families` (`environment/bench/families.py` drives both).
//!
//!     bench_families FLOWS CHECKPOINT FOLDER
//!
//! answers each line `encode`, `read` or `write` on standard input.

mod race;

use race::{finish, say};
use serde_json::json;
use std::collections::HashSet;
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use ttp_lib::family::netml::{MissingColumns, NetmlEncoder, NetmlFlows, OUTPUTS};
use ttp_lib::{Error, Result, files};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [flows, checkpoint, folder] = &arguments[..] else {
        eprintln!("usage: bench_families FLOWS CHECKPOINT FOLDER");
        return ExitCode::FAILURE;
    };
    finish(race(Path::new(flows), Path::new(checkpoint), Path::new(folder)))
}

fn race(path: &Path, checkpoint: &Path, folder: &Path) -> Result<()> {
    let flows = NetmlFlows::read(path, MissingColumns::Refused)?;
    let by = flows.standardiser()?;
    let encoder = NetmlEncoder::published(checkpoint, OUTPUTS.map(str::to_owned).to_vec())?;
    let distinct: HashSet<&[u16]> = (0..flows.len()).map(|flow| flows.counts(flow)).collect();
    say(&json!({ "threads": tch::get_num_threads(), "flows": flows.len(),
        "distinct_counts": distinct.len() }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::file(Path::new("standard input"), "read"))?;
        let began = Instant::now();
        match line.trim() {
            "encode" => {
                encoder.encode(&flows, &by)?;
                say(&json!({ "seconds": began.elapsed().as_secs_f64() }));
            }
            "read" => {
                NetmlFlows::read(path, MissingColumns::Refused)?;
                say(&json!({ "seconds": began.elapsed().as_secs_f64() }));
            }
            "write" => {
                let logits = encoder.encode(&flows, &by)?.logits;
                let bytes: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
                let file = folder.join("ours.logits");
                files::write_whole(&file, |out| {
                    out.write_all(&bytes).map_err(Error::file(&file, "write"))
                })?;
                say(&json!({ "file": file }));
            }
            other => {
                let known = ["encode", "read", "write"].map(str::to_owned).to_vec();
                return Err(Error::Unknown { kind: "command", name: other.to_owned(), known });
            }
        }
    }
    Ok(())
}
