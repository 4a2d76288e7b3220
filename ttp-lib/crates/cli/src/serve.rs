//! `ttp serve`: the report's page in a browser on this machine.

use crate::complain;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use ttp_documents::{Document, Limits};
use ttp_lib::error::SettingPath;
use ttp_lib::profile::Run;
use ttp_lib::show::{grouped, print};
use ttp_lib::{Error, Result, serde_json};
use ttp_report::recognise::{Models, Options, ReportModel, recognise};
use ttp_serve::{Analyser, Answer, RequestRecord, Settings, Stop, Upload};

#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of a report model [default: models/report]
    #[arg(long, value_name = "FOLDER")]
    model: Option<PathBuf>,
    /// Of the sentences that count as evidence, the proportion whose technique shall be right
    #[arg(long, default_value_t = 0.8)]
    precision: f64,
    /// The port on 127.0.0.1; 0 is any that is free
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The most MiB of one upload, with all its files
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    upload_mib: u16,
    /// The most seconds of an upload
    #[arg(long, default_value_t = 60.0)]
    upload_seconds: f64,
    /// The most seconds of an analysis
    #[arg(long, default_value_t = 60.0)]
    analysis_seconds: f64,
    /// Analyses at once
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Uploads that may wait for a worker
    #[arg(long, default_value_t = 64)]
    queue: usize,
}

impl Arguments {
    /// The memory of all uploads together is that of four.
    fn settings(&self) -> Settings {
        let upload_bytes = usize::from(self.upload_mib) << 20;
        Settings {
            address: (Ipv4Addr::LOCALHOST, self.port).into(),
            upload_bytes,
            all_uploads_bytes: 4 * upload_bytes,
            upload_seconds: self.upload_seconds,
            analysis_seconds: self.analysis_seconds,
            workers: self.workers,
            queue: self.queue,
            ..Settings::default()
        }
    }
}

/// Reads uploads as `ttp report` reads files. One is asked at a time: libtorch's threads work on one.
struct Reports {
    model: Mutex<ReportModel>,
    precision: f64,
    seconds: f64,
}

impl Reports {
    fn open(folder: &Path, arguments: &Arguments) -> Result<Self> {
        if ReportModel::has_encoder(folder) {
            crate::threads::wait_asleep();
        }
        let model = ReportModel::open(folder, Models::AllThereAre)?;
        model.recogniser(arguments.precision)?;
        crate::note(model.notes());
        let (precision, seconds) = (arguments.precision, arguments.analysis_seconds);
        Ok(Self { model: Mutex::new(model), precision, seconds })
    }
}

impl Analyser for Reports {
    fn analyse(&self, uploads: Vec<Upload>) -> Result<Answer> {
        let seconds = Limits::default().seconds.min(self.seconds.max(1.0) as u64);
        let limits = Limits { seconds, ..Limits::default() };
        let read = |upload: &Upload| Document::read(&upload.name, &upload.bytes, &limits);
        let precision = uploads.iter().find_map(|upload| upload.precision);
        let documents = uploads.iter().map(read).collect::<Result<Vec<_>>>()?;
        let created = crate::report::created()?;
        let precision = precision.unwrap_or(self.precision);
        let options = Options { precision, similar: None, created: &created };
        // A model that an earlier request broke off with is whole: it is only read.
        let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let report = recognise(documents, &model, &options)?;
        drop(model);
        let mut json =
            serde_json::to_string_pretty(&report).map_err(Error::library("writing JSON"))?;
        json.push('\n');
        Ok(Answer { json, page: ttp_report::outputs::page(&report) })
    }
}

/// An error of a setting, by the name of the flag that gives it here.
fn by_flag(error: Error) -> Error {
    let (path, reason) = match error {
        Error::SettingAt { path, reason } => (path, reason),
        Error::Setting { field, reason } => (SettingPath::of(field), reason),
        other => return other,
    };
    let flag = match path.to_string().as_str() {
        "serve.address" => "--port",
        "serve.upload_bytes" | "serve.all_uploads_bytes" => "--upload-mib",
        "serve.upload_seconds" => "--upload-seconds",
        "serve.analysis_seconds" => "--analysis-seconds",
        "serve.workers" => "--workers",
        "serve.queue" => "--queue",
        "precision" => "--precision",
        _ => return Error::SettingAt { path, reason },
    };
    Error::SettingAt { path: SettingPath::of(flag), reason }
}

/// Serves until Ctrl-C. The address goes to standard output, a line for each request to standard
/// error, without a name or a word of what was sent.
pub fn run(run: Result<Run>, arguments: &Arguments) -> Result<()> {
    let settings = arguments.settings();
    settings.check().map_err(by_flag)?;
    let folder = crate::report::model_folder(run.as_ref(), arguments.model.as_deref());
    let Some(folder) = folder else { return run.map(|_| ()) };
    let reports = Reports::open(&folder, arguments).map_err(by_flag)?;
    let stop = Stop::new();
    let ending = stop.clone();
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(Error::library("listening for Ctrl-C"))?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            ending.stop();
        }
    });
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let log = move |handled: &RequestRecord| {
        if handled.request == "POST /report" && handled.status == Some(200) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        complain(&handled.to_string());
    };
    let ready = |address| print(&format!("serving on http://{address}/ (Ctrl-C ends it)\n"));
    ttp_serve::serve(&settings, Arc::new(reports), log, ready, &stop).map_err(by_flag)?;
    let count = i64::try_from(count.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
    crate::say(&format!("stopped; reports sent: {}", grouped(count)))
}
