//! Who is analysed, who waits, and who is sent away.

use crate::connection::Connection;
use crate::response::Refusal;
use crate::{Analyser, Answer, Settings, Upload};
use futures_util::future::{Either, select};
use http::StatusCode;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use ttp_base::Error;

/// When a full queue may have a place again, in seconds.
const RETRY: u32 = 2;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The other side is told.
    Refused(Refusal),
    /// The other side is gone.
    Gone,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Analyses at work and those that wait for them.
pub struct Queue {
    analyse: Arc<dyn Analyser>,
    /// One for each analysis that runs or waits.
    places: Arc<Semaphore>,
    most_places: usize,
    /// One for each that runs.
    workers: Arc<Semaphore>,
    most_workers: usize,
    time: Duration,
}

impl Queue {
    pub fn new(settings: &Settings, analyse: Arc<dyn Analyser>) -> Self {
        let (most_workers, most_places) = (settings.workers, settings.queue + settings.workers);
        Self {
            analyse,
            places: Arc::new(Semaphore::new(most_places)),
            most_places,
            workers: Arc::new(Semaphore::new(most_workers)),
            most_workers,
            time: settings.analysis_time(),
        }
    }

    /// How many run, and how many wait.
    pub fn state(&self) -> (usize, usize) {
        let running = self.most_workers - self.workers.available_permits();
        let taken = self.most_places - self.places.available_permits();
        (running, taken.saturating_sub(running))
    }

    /// Refuses where no place is left.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.places.available_permits() == 0 { Err(self.full()) } else { Ok(()) }
    }

    fn full(&self) -> Refusal {
        let reason = format!("{} reports are before yours: try again later", self.most_places);
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, reason).retry_after(RETRY)
    }

    /// Analyses when it is the upload's turn. An upload whose sender has left the queue is not
    /// analysed. `memory` is given back when the uploads are gone. The second value is the time
    /// spent in the queue.
    pub async fn analyse(
        &self,
        uploads: Vec<Upload>,
        memory: OwnedSemaphorePermit,
        connection: &mut Connection,
    ) -> Result<(Answer, Duration), Failure> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| self.full())?;
        let began = Instant::now();
        let turn = pin!(Arc::clone(&self.workers).acquire_owned());
        let Either::Left((Ok(worker), _)) = select(turn, pin!(connection.gone())).await else {
            return Err(Failure::Gone);
        };
        let waited = began.elapsed();
        let analyse = Arc::clone(&self.analyse);
        let work = tokio::task::spawn_blocking(move || {
            let answer = analyse.analyse(uploads);
            drop((memory, worker, place));
            answer
        });
        let work = pin!(timeout(self.time, work));
        match select(work, pin!(connection.gone())).await {
            Either::Left((Ok(Ok(Ok(answer))), _)) => Ok((answer, waited)),
            Either::Left((Ok(Ok(Err(error))), _)) => Err(told(&error).into()),
            Either::Left((Ok(Err(_)), _)) => {
                let reason = "the analysis broke off; the server's terminal says where";
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, reason).into())
            }
            Either::Left((Err(_), _)) => {
                let seconds = self.time.as_secs_f64();
                let reason = format!("the analysis took more than {seconds} s");
                Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).into())
            }
            Either::Right(_) => Err(Failure::Gone),
        }
    }
}

/// An upload's mistake is its sender's, all else the server's.
fn told(error: &Error) -> Refusal {
    let status = match error {
        Error::Input { .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, error.to_string())
}
