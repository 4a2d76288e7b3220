//! What is done with a request, and the line that says so.

use crate::analysis::{Failure, Queue};
use crate::connection::Connection;
use crate::head::Head;
use crate::response::{HTML, JSON, Refusal, Response};
use crate::upload::{self, Form};
use crate::{Analyser, Settings};
use http::{Method, StatusCode};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use ttp_base::show::grouped;

/// Uploads' memory is counted in pieces of so many bytes.
const UNIT: usize = 1024;

/// Told of a request that was answered.
pub type Log = Box<dyn Fn(&RequestRecord) + Send + Sync>;

/// What was done for a request. It holds no name and no word of what was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestRecord {
    /// Method and address; `other` for those that the server does not know.
    pub request: &'static str,
    /// The status; none where the other side was gone before the answer.
    pub status: Option<u16>,
    /// Files that were read.
    pub files: usize,
    /// Bytes that came, the head's too.
    pub bytes_in: usize,
    /// Bytes of the answer's body.
    pub bytes_out: usize,
    /// The time in the queue.
    pub waited: Duration,
    /// The time from the head's end to the answer's.
    pub time: Duration,
}

impl fmt::Display for RequestRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |bytes: usize| grouped(i64::try_from(bytes).unwrap_or(i64::MAX));
        write!(f, "{}: ", self.request)?;
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("the other side left")?,
        }
        if self.files > 0 {
            write!(f, ", {} {}", self.files, if self.files == 1 { "file" } else { "files" })?;
        }
        let (read, written) = (count(self.bytes_in), count(self.bytes_out));
        write!(f, ", {read} bytes in, {written} out, {:.3} s", self.time.as_secs_f64())?;
        if self.waited >= Duration::from_millis(1) {
            write!(f, ", {:.3} s of it waiting", self.waited.as_secs_f64())?;
        }
        Ok(())
    }
}

/// What all connections share.
pub struct Server {
    settings: Settings,
    address: SocketAddr,
    queue: Queue,
    memory: Arc<Semaphore>,
    page: String,
    log: Log,
}

/// Reads a request from a connection and answers it.
pub async fn connection(server: &Server, stream: TcpStream) {
    let mut connection = Connection::new(stream);
    let mut handled = RequestRecord {
        request: "other",
        status: None,
        files: 0,
        bytes_in: 0,
        bytes_out: 0,
        waited: Duration::ZERO,
        time: Duration::ZERO,
    };
    let mut began = Instant::now();
    let mut page = false;
    let response = match connection.head(server.settings.upload_time()).await {
        Ok(None) => return,
        Ok(Some(head)) => {
            began = Instant::now();
            page = head.wants_page();
            server.respond(&head, &mut connection, &mut handled).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    let response = match response {
        Ok(response) => Some(response),
        Err(Failure::Refused(refusal)) => Some(refusal.response(page)),
        Err(Failure::Gone) => None,
    };
    if let Some(response) = &response {
        handled.bytes_out = response.body.len();
        if connection.answer(response).await {
            handled.status = Some(response.status.as_u16());
        }
    }
    handled.bytes_in = connection.received;
    handled.time = began.elapsed();
    (server.log)(&handled);
    drop(response);
    connection.close().await;
}

impl Server {
    pub fn new(
        settings: &Settings,
        address: SocketAddr,
        analyse: Arc<dyn Analyser>,
        log: Log,
    ) -> Self {
        let page = include_str!("page/page.html")
            .replace("{bytes}", &settings.upload_bytes.to_string())
            .replace("{files}", &settings.files.to_string());
        Self {
            settings: settings.clone(),
            address,
            queue: Queue::new(settings, analyse),
            memory: Arc::new(Semaphore::new(settings.all_uploads_bytes.div_ceil(UNIT))),
            page,
            log,
        }
    }

    async fn respond(
        &self,
        head: &Head,
        connection: &mut Connection,
        handled: &mut RequestRecord,
    ) -> Result<Response, Failure> {
        let until = Instant::now() + self.settings.upload_time();
        head.check_origin(self.address)?;
        let path = head.target.path();
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        let (name, response) = match path {
            "/report" if head.method == Method::POST => {
                handled.request = "POST /report";
                return self.report(head, connection, handled, until).await;
            }
            "/report" => return Err(Refusal::method("POST").into()),
            "/" => ("GET /", Response::own(HTML, self.page.as_str())),
            "/serve.css" => {
                ("GET /serve.css", Response::own("text/css", include_str!("page/serve.css")))
            }
            "/serve.js" => {
                ("GET /serve.js", Response::own("text/javascript", include_str!("page/serve.js")))
            }
            "/health" => ("GET /health", Response::own(JSON, self.health())),
            // Browsers ask for it unbidden.
            "/favicon.ico" => ("GET /favicon.ico", Response::own("image/svg+xml", ICON)),
            _ => {
                let reason = "nothing is at this address: / has the page, /report takes files";
                return Err(Refusal::new(StatusCode::NOT_FOUND, reason).into());
            }
        };
        if !reads {
            return Err(Refusal::method("GET, HEAD").into());
        }
        handled.request = name;
        Ok(if head.method == Method::HEAD { response.without_body() } else { response })
    }

    fn health(&self) -> String {
        let (running, waiting) = self.queue.state();
        let state = serde_json::json!({"status": "ok", "running": running, "waiting": waiting});
        state.to_string() + "\n"
    }

    async fn report(
        &self,
        head: &Head,
        connection: &mut Connection,
        handled: &mut RequestRecord,
        until: Instant,
    ) -> Result<Response, Failure> {
        let form = Form::of(head)?;
        let length = head.body_length(self.settings.upload_bytes)?;
        self.queue.check()?;
        let memory = self.reserve(length)?;
        if head.one("expect")?.is_some() {
            connection.go_on().await;
        }
        let uploads = upload::read(form, head, connection, length, &self.settings, until).await?;
        handled.files = uploads.len();
        let (answer, waited) = self.queue.analyse(uploads, memory, connection).await?;
        handled.waited = waited;
        Ok(if head.wants_page() {
            Response::report(answer.page)
        } else {
            Response::own(JSON, answer.json)
        })
    }

    /// Room for an upload, beside all others that are in memory.
    fn reserve(&self, length: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let units = u32::try_from(length.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Arc::clone(&self.memory).try_acquire_many_owned(units).map_err(|_| {
            let reason = "other uploads take all room that there is: try again later";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason).retry_after(2)
        })
    }
}

/// An empty picture.
const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>";
