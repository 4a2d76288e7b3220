//! The hub's HTTP: what is sent to whom, where redirects lead, what is tried again.

use super::content::ContentId;
use super::progress::Progress;
use super::settings::Settings;
use crate::{Error, Result};
use std::error::Error as _;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Instant;
use ureq::{Agent, AgentBuilder, ErrorKind, OrAnyStatus, Proxy, Response, Transport};
use url::Url;

/// Listings are a few hundred kilobytes at most; what is longer is none.
const LONGEST_LISTING: u64 = 1 << 24;
const MOST_REDIRECTS: usize = 10;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go well the next time.
    Passing(String),
    /// It will not.
    Lasting(String),
    /// The hub refused, with a status and what it calls the reason.
    Refused {
        /// The status, 400 to 499.
        status: u16,
        /// `X-Error-Code`: `RepoNotFound`, `RevisionNotFound`, `GatedRepo` …
        code: Option<String>,
    },
    /// What came could not be written.
    Disk(io::Error),
}

/// What the hub says of a file before it is fetched.
#[derive(Debug)]
pub(super) struct Announced {
    /// What its content must hash to.
    pub(super) id: ContentId,
    /// Its size in bytes.
    pub(super) size: Option<u64>,
    /// The commit that it is of.
    pub(super) commit: Option<String>,
}

/// Speaks to one hub.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    settings: Settings,
}

impl Client {
    pub(super) fn new(settings: Settings) -> Result<Self> {
        let mut agent = AgentBuilder::new()
            // Followed by hand: the token must not travel along.
            .redirects(0)
            .timeout_connect(settings.timeout)
            .timeout_read(settings.timeout)
            .timeout_write(settings.timeout)
            .user_agent(concat!("ttp-lib/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            let proxy = Proxy::new(proxy).map_err(|error| Error::Setting {
                field: "HTTPS_PROXY",
                reason: error.to_string(),
            })?;
            agent = agent.proxy(proxy);
        }
        Ok(Self { agent: agent.build(), settings })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The endpoint's address with these path segments, each percent-encoded whole.
    pub(super) fn address<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.settings.endpoint.clone();
        // An http address always has a path; `Settings` takes no other.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// A short text, for instance the hub's JSON.
    pub(super) fn text(&self, url: &Url) -> Result<String, Failure> {
        self.retrying(|| {
            let answer = self.follow("GET", url, 0)?;
            let mut text = String::new();
            answer
                .into_reader()
                .take(LONGEST_LISTING)
                .read_to_string(&mut text)
                .map_err(|error| Failure::Passing(format!("the answer breaks off: {error}")))?;
            Ok(text)
        })
    }

    /// Asks what a file holds without fetching it.
    pub(super) fn announced(&self, url: &Url) -> Result<Announced, Failure> {
        self.retrying(|| {
            let answer = self.follow("HEAD", url, 0)?;
            let number = |name: &str| answer.header(name).and_then(|text| text.parse().ok());
            let etag = answer.header("X-Linked-Etag").or_else(|| answer.header("ETag"));
            let etag = etag.ok_or_else(|| {
                Failure::Lasting(
                    "the hub does not say what the file holds (no ETag); does HF_ENDPOINT name \
                     the hub's own address?"
                        .to_owned(),
                )
            })?;
            let id = ContentId::from_etag(etag).ok_or_else(|| {
                Failure::Lasting(format!(
                    "the ETag is neither a sha256 nor a git blob id, so the content could not \
                     be checked: {etag}"
                ))
            })?;
            let own_length =
                || (answer.status() == 200).then(|| number("Content-Length")).flatten();
            Ok(Announced {
                id,
                size: number("X-Linked-Size").or_else(own_length),
                commit: answer.header("X-Repo-Commit").map(str::to_owned),
            })
        })
    }

    /// Appends to `part` what it lacks of a file of `size` bytes; what comes in a broken
    /// attempt is kept for the next.
    pub(super) fn download(
        &self,
        url: &Url,
        part: &mut File,
        size: Option<u64>,
        watch: &mut dyn FnMut(u64, Option<u64>, f64),
    ) -> Result<(), Failure> {
        self.retrying(|| self.append(url, part, size, watch))
    }

    fn append(
        &self,
        url: &Url,
        part: &mut File,
        size: Option<u64>,
        watch: &mut dyn FnMut(u64, Option<u64>, f64),
    ) -> Result<(), Failure> {
        let mut done = part.seek(SeekFrom::End(0)).map_err(Failure::Disk)?;
        if size == Some(done) {
            watch(done, size, 0.0);
            return Ok(());
        }
        if size.is_some_and(|size| done > size) {
            done = restart(part)?;
        }
        let answer = match self.follow("GET", url, done) {
            Err(Failure::Refused { status: 416, .. }) if done > 0 => {
                restart(part)?;
                let reason = format!("the hub cannot go on from byte {done}");
                return Err(Failure::Passing(reason));
            }
            answer => answer?,
        };
        // A server may ignore the range and send all of it.
        if done > 0 && first_byte(&answer) != done {
            done = restart(part)?;
            if answer.status() == 206 {
                let reason = "the hub sent another part than it was asked for".to_owned();
                return Err(Failure::Passing(reason));
            }
        }
        let length = answer.header("Content-Length").and_then(|text| text.parse::<u64>().ok());
        let total = size.or_else(|| length.map(|length| done + length));
        copy_body(answer, part, done, total, watch)
    }

    /// Sends one request and follows redirects: to other hosts without the token, and
    /// with HEAD not at all, as what they would say of the file is not the hub's word.
    fn follow(&self, method: &str, url: &Url, from: u64) -> Result<Response, Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.send(method, &url, from)?;
            let Some(next) = redirect(&answer, &url)? else { return judged(answer, &url) };
            let known = answer.has("X-Linked-Etag") || !self.is_endpoint(&next);
            if method == "HEAD" && known {
                return Ok(answer);
            }
            url = next;
        }
        Err(Failure::Lasting(format!("more than {MOST_REDIRECTS} redirects")))
    }

    fn send(&self, method: &str, url: &Url, from: u64) -> Result<Response, Failure> {
        // Lengths and ranges are the file's own only if nothing is compressed on the way.
        let mut request = self.agent.request_url(method, url).set("Accept-Encoding", "identity");
        if let Some(token) = &self.settings.token
            && self.is_endpoint(url)
        {
            request = request.set("Authorization", &token.bearer());
        }
        if from > 0 {
            request = request.set("Range", &format!("bytes={from}-"));
        }
        request.call().or_any_status().map_err(|error| no_answer(&error, url))
    }

    fn is_endpoint(&self, url: &Url) -> bool {
        url.origin() == self.settings.endpoint.origin()
    }

    fn retrying<T>(&self, mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let retry = &self.settings.retry;
        let mut pause = retry.first_pause;
        for _ in 1..retry.attempts {
            match attempt() {
                Err(Failure::Passing(_)) => std::thread::sleep(pause),
                result => return result,
            }
            pause *= 2;
        }
        attempt()
    }
}

/// For [`Client::download`]: tells `progress` of a file.
pub(super) fn watching<'a>(
    file: &'a str,
    progress: &'a mut dyn FnMut(&Progress),
) -> impl FnMut(u64, Option<u64>, f64) + 'a {
    move |done, total, bytes_per_second| {
        progress(&Progress { file: file.to_owned(), done, total, bytes_per_second });
    }
}

/// Where an answer sends on to, if it does.
fn redirect(answer: &Response, url: &Url) -> Result<Option<Url>, Failure> {
    if !matches!(answer.status(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let next = answer.header("Location").and_then(|location| url.join(location).ok());
    match next.filter(|next| matches!(next.scheme(), "http" | "https")) {
        Some(next) => Ok(Some(next)),
        None => Err(Failure::Lasting("a redirect leads nowhere".to_owned())),
    }
}

/// An answer of 200 to 299 is one; the others say whether it is worth to ask again.
fn judged(answer: Response, url: &Url) -> Result<Response, Failure> {
    match answer.status() {
        200..=299 => Ok(answer),
        status @ (408 | 429 | 500..=599) => {
            Err(Failure::Passing(format!("{} answered {status}", host(url))))
        }
        status => {
            let code = answer.header("X-Error-Code").map(str::to_owned);
            Err(Failure::Refused { status, code })
        }
    }
}

/// The error without the address, which may carry a signature, but with its cause.
fn no_answer(error: &Transport, url: &Url) -> Failure {
    let cause = error.source().map(|source| source.to_string());
    let cause = cause.or_else(|| error.message().map(str::to_owned));
    let reason = cause.unwrap_or_else(|| error.kind().to_string());
    let reason = format!("cannot reach {}: {reason}", host(url));
    match error.kind() {
        ErrorKind::Dns
        | ErrorKind::ConnectionFailed
        | ErrorKind::Io
        | ErrorKind::BadStatus
        | ErrorKind::BadHeader
        | ErrorKind::ProxyConnect => Failure::Passing(reason),
        _ => Failure::Lasting(reason),
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the hub")
}

fn restart(part: &mut File) -> Result<u64, Failure> {
    part.set_len(0).and_then(|()| part.rewind()).map_err(Failure::Disk)?;
    Ok(0)
}

/// The first byte that an answer's body holds, by its `Content-Range: bytes 7-41/42`.
fn first_byte(answer: &Response) -> u64 {
    let range = answer.header("Content-Range").filter(|_| answer.status() == 206);
    let first = range.and_then(|range| range.trim().strip_prefix("bytes ")?.split('-').next());
    first.and_then(|first| first.parse().ok()).unwrap_or(0)
}

fn copy_body(
    answer: Response,
    part: &mut File,
    mut done: u64,
    total: Option<u64>,
    watch: &mut dyn FnMut(u64, Option<u64>, f64),
) -> Result<(), Failure> {
    let (began, before) = (Instant::now(), done);
    let rate = |done| (done - before) as f64 / began.elapsed().as_secs_f64().max(1e-9);
    let mut body = answer.into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let cut = match body.read(&mut buffer) {
            Ok(0) if total.is_none_or(|total| done == total) => break,
            Ok(0) => "it was closed".to_owned(),
            Ok(n) => {
                part.write_all(&buffer[..n]).map_err(Failure::Disk)?;
                done += n as u64;
                if total.is_some_and(|total| done > total) {
                    restart(part)?;
                    return Err(Failure::Lasting("the body is longer than announced".to_owned()));
                }
                watch(done, total, rate(done));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error.to_string(),
        };
        let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
        return Err(Failure::Passing(format!("the body ends after {done}{of} bytes: {cut}")));
    }
    if total.is_none() {
        watch(done, Some(done), rate(done));
    }
    Ok(())
}
