//! A connection: one request is read from it, one answer written, and it is closed. (Browsers open
//! another at once; on one machine that costs nothing that is seen.)

use crate::head::Head;
use crate::response::{Refusal, Response};
use http::StatusCode;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The longest head of a request. Browsers send less than a tenth.
const MOST_HEAD: usize = 16 << 10;
/// As much is read at once.
const PIECE: usize = 64 << 10;
/// The longest time from a connection's first moment to the end of the request's head.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest time in which a client takes its answer.
const WRITE_TIME: Duration = Duration::from_secs(60);
/// What is still on its way after an answer is read and dropped for so long: if a connection is
/// closed before, the client's system throws the answer away.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A connection and what was read from it and not used.
pub struct Connection {
    stream: TcpStream,
    ahead: Vec<u8>,
    /// Bytes that came, the head's too.
    pub received: usize,
}

/// Why nothing more comes.
enum End {
    /// The other side sends no more.
    Closed,
    /// The time was over.
    Late,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        // Answers are written whole; without it only their end would wait a moment.
        let _ = stream.set_nodelay(true);
        Self { stream, ahead: Vec::new(), received: 0 }
    }

    /// The request's head; none where the other side closed without a word.
    pub async fn head(&mut self, most_time: Duration) -> Result<Option<Head>, Refusal> {
        let until = Instant::now() + most_time.min(HEAD_TIME);
        loop {
            let parsed = Head::parse(&self.ahead)?;
            if parsed.as_ref().map_or(self.ahead.len(), |(_, length)| *length) >= MOST_HEAD {
                let reason = format!("a request's head of more than {MOST_HEAD} bytes");
                return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason));
            }
            if let Some((head, length)) = parsed {
                self.ahead.drain(..length);
                return Ok(Some(head));
            }
            match self.read(until).await {
                Ok(piece) => self.ahead.extend_from_slice(&piece),
                Err(End::Closed) if self.ahead.is_empty() => return Ok(None),
                Err(End::Closed) => {
                    let reason = "the request stopped before the end of its head";
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
                }
                // Browsers open connections that they may need later.
                Err(End::Late) if self.ahead.is_empty() => return Ok(None),
                Err(End::Late) => {
                    let reason = "the request's head took too long";
                    return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason));
                }
            }
        }
    }

    /// Tells a client that waits for it to go on (`Expect: 100-continue`).
    pub async fn go_on(&mut self) {
        if self.ahead.is_empty() {
            // Who does not hear it sends after a second all the same.
            let until = Instant::now() + WRITE_TIME;
            let _ = timeout_at(until, self.write(b"HTTP/1.1 100 Continue\r\n\r\n")).await;
        }
    }

    /// The next bytes of a body of which `left` are still to come, and what is left after them.
    pub async fn piece(&mut self, left: usize, until: Instant) -> Result<Vec<u8>, Refusal> {
        let mut piece = if self.ahead.is_empty() {
            match self.read(until).await {
                Ok(piece) => piece,
                Err(End::Closed) => {
                    let reason = format!("the upload stopped half-way: {left} bytes are missing");
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
                }
                Err(End::Late) => {
                    let reason = format!("the upload took too long: {left} bytes are missing");
                    return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason));
                }
            }
        } else {
            std::mem::take(&mut self.ahead)
        };
        piece.truncate(left);
        Ok(piece)
    }

    /// Returns when the other side is gone. What it still sends is dropped.
    pub async fn gone(&mut self) {
        let mut buffer = [0; 1024];
        loop {
            if self.stream.readable().await.is_err() {
                return;
            }
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Writes the answer and closes. Whether the other side took all of it.
    pub async fn answer(&mut self, response: &Response) -> bool {
        let until = Instant::now() + WRITE_TIME;
        let written = timeout_at(until, async {
            self.write(&response.head()).await?;
            self.write(&response.body).await
        });
        matches!(written.await, Ok(Ok(())))
    }

    /// Closes so that the answer arrives.
    pub async fn close(mut self) {
        let closed = poll_fn(|context| Pin::new(&mut self.stream).poll_shutdown(context)).await;
        if closed.is_ok() {
            let _ = timeout_at(Instant::now() + DRAIN_TIME, self.gone()).await;
        }
    }

    async fn read(&mut self, until: Instant) -> Result<Vec<u8>, End> {
        loop {
            match timeout_at(until, self.stream.readable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(End::Closed),
                Err(_) => return Err(End::Late),
            }
            let mut piece = vec![0; PIECE];
            match self.stream.try_read(&mut piece) {
                Ok(0) => return Err(End::Closed),
                Ok(length) => {
                    self.received += length;
                    piece.truncate(length);
                    return Ok(piece);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Err(End::Closed),
            }
        }
    }

    async fn write(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
