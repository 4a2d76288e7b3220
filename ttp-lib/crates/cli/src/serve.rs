//! `ttp serve`: the report's page in a browser on this machine.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use ttp_lib::show::{grouped, print};
use ttp_lib::{Error, Result};
use ttp_serve::{Analyse, Answer, Handled, Settings, Stop, Upload};

#[derive(clap::Args)]
pub struct Arguments {
    /// A trained model's folder
    #[arg(long)]
    model: Option<PathBuf>,
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

/// Reads uploads as `ttp report` reads files.
struct Reports {
    model: Option<PathBuf>,
}

impl Reports {
    fn open(model: Option<&Path>) -> Result<Self> {
        Ok(Self { model: model.map(Path::to_path_buf) })
    }
}

impl Analyse for Reports {
    fn analyse(&self, _uploads: Vec<Upload>) -> Result<Answer> {
        let reason = match &self.model {
            Some(model) => format!("no model in {}", model.display()),
            None => "no model".to_owned(),
        };
        Err(Error::Library { what: "reading the report", reason })
    }
}

/// Serves until Ctrl-C. The address goes to standard output, a line for each request to standard
/// error, without a name or a word of what was sent.
pub fn run(arguments: &Arguments) -> Result<()> {
    let settings = arguments.settings();
    settings.check()?;
    let reports = Reports::open(arguments.model.as_deref())?;
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
    let log = move |handled: &Handled| {
        if handled.request == "POST /report" && handled.status == Some(200) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        eprintln!("{handled}");
    };
    let ready = |address| print(&format!("serving on http://{address}/ (Ctrl-C ends it)\n"));
    ttp_serve::serve(&settings, Arc::new(reports), log, ready, &stop)?;
    let count = i64::try_from(count.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
    crate::say(&format!("stopped; reports sent: {}", grouped(count)))
}
