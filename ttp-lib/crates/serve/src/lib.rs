//! A page and an address on this machine to which files are sent, and a report comes back.
//!
//! What an upload means is no matter of this crate: whoever calls [`serve`] gives it an [`Analyser`].
//! The server
//!
//! - listens on 127.0.0.1 alone, and refuses what a page of another site may have sent
//!   (the headers `Host`, `Origin` and `Sec-Fetch-Site`);
//! - reads uploads within limits of size and time ([`Settings`]), into memory that is bounded in all;
//! - runs a bounded number of analyses at once, lets a bounded number wait, and refuses the rest;
//! - writes nothing to disk and keeps nothing: an answer is in memory until it is sent.
//!
//! | address | answer |
//! |---|---|
//! | `GET /` | a page with a drop field |
//! | `POST /report` | the report: a page if `Accept` names `text/html`, else JSON |
//! | `GET /health` | `{"status": "ok", "running": 0, "waiting": 0}` |
//!
//! An upload is `multipart/form-data` with files in the field `file` and, if wanted, a number in the
//! field `precision`; or one file as it is, with its name in the header `X-File-Name`
//! (percent-encoded UTF-8), and `/report?precision=0.9`. Errors are `{"error": "one line"}`, or a
//! page that says so.

mod analysis;
mod connection;
mod handle;
mod head;
mod response;
mod settings;
mod upload;

#[cfg(test)]
mod tests;

pub use handle::RequestRecord;
pub use settings::Settings;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use ttp_base::{Error, Result};

/// After a failed accept (no file descriptor left, for instance) there is a pause.
const PAUSE: Duration = Duration::from_millis(50);

/// One file of an upload.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Its name, without folders and control characters, at most 200 characters.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// The precision that the user asks for, between 0 and 1; the same for all files of a request.
    pub precision: Option<f64>,
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text of `report.json`.
    pub json: String,
    /// The same as an HTML page that needs no other file: the browser lets it load none.
    pub page: String,
}

/// Reads uploads and says what is in them.
pub trait Analyser: Send + Sync + 'static {
    /// Called on several threads at once.
    ///
    /// # Errors
    /// [`Error::Input`] for what is wrong with an upload: the user is told as of his own mistake
    /// (status 400). All others are the server's (status 500). The message is shown as it is.
    fn analyse(&self, uploads: Vec<Upload>) -> Result<Answer>;
}

/// Ends [`serve`], from any thread.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// One that was not called yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// The server ends at once: nobody new is let in, and who waits gets no answer.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    async fn called(&self) {
        // Fails only without a sender, and `self` is one.
        let _ = self.0.subscribe().wait_for(|called| *called).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves until `stop` is called. `ready` is told the address, with the port that was found where
/// port 0 was asked for; `log` is told of each request that was answered.
///
/// # Errors
/// If a setting is out of its range, or the address cannot be had.
pub fn serve(
    settings: &Settings,
    analyse: Arc<dyn Analyser>,
    log: impl Fn(&RequestRecord) + Send + Sync + 'static,
    ready: impl FnOnce(SocketAddr),
    stop: &Stop,
) -> Result<()> {
    settings.check()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(settings.workers)
        .build()
        .map_err(Error::library("starting the server"))?;
    let served = runtime.block_on(async {
        let unheard = |error: std::io::Error| Error::Setting {
            field: "serve.address",
            reason: format!("{}: {error}", settings.address),
        };
        let listener = TcpListener::bind(settings.address).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let server = Arc::new(handle::Server::new(settings, address, analyse, Box::new(log)));
        ready(address);
        let accepting = std::pin::pin!(accept(&listener, &server, settings.connections()));
        let stopping = std::pin::pin!(stop.called());
        futures_util::future::select(accepting, stopping).await;
        Ok(())
    });
    // An analysis cannot be broken off: it is left to end with the process.
    runtime.shutdown_background();
    served
}

async fn accept(listener: &TcpListener, server: &Arc<handle::Server>, connections: usize) {
    let places = Arc::new(Semaphore::new(connections));
    loop {
        // Fails only where the semaphore was closed, and nobody does.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let server = Arc::clone(server);
                tokio::spawn(async move {
                    handle::connection(&server, stream).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
