//! The hub's HTTP: what is sent to whom, where redirects lead, what is tried again.

use super::content::ContentId;
use super::progress::Progress;
use super::proxies::Proxy;
use super::settings::HubSettings;
use std::collections::HashMap;
use std::error::Error as _;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::ToSocketAddrs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::{Agent, AgentBuilder, ErrorKind, OrAnyStatus, Response, Transport};
use url::Url;

/// Listings are a few hundred kilobytes at most; what is longer is none.
const LONGEST_LISTING: u64 = 1 << 24;
const MOST_REDIRECTS: usize = 10;
/// Bytes a second below which a file is not waited for: each byte may come in time, and the file
/// never end.
const SLOWEST: f64 = 1000.0;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go well the next time.
    Passing(String),
    /// It may go well after this long, the hub says.
    Busy(String, Duration),
    /// It will not.
    Lasting(String),
    /// The hub refused.
    Refused(HubRefusal),
    /// What came could not be written.
    Disk(io::Error),
}

/// A refusal.
#[derive(Debug)]
pub(super) struct HubRefusal {
    /// The status, 400 to 499.
    pub(super) status: u16,
    /// `X-Error-Code`: `RepoNotFound`, `RevisionNotFound`, `GatedRepo` …
    pub(super) code: Option<String>,
    /// `X-Error-Message`, for people.
    pub(super) message: Option<String>,
}

/// What the hub says of a file before it is fetched.
#[derive(Debug)]
pub(super) struct FileFacts {
    /// What its content must hash to.
    pub(super) id: ContentId,
    /// Its size in bytes.
    pub(super) size: Option<u64>,
    /// The commit that it is of.
    pub(super) commit: Option<String>,
}

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestKind {
    /// A short text.
    Text,
    /// What is said of a file, without the file.
    About,
    /// A file from this byte on.
    Bytes(u64),
}

/// Speaks to one hub.
pub(super) struct Client {
    settings: HubSettings,
    /// One for each proxy and length of patience: connections are used again.
    agents: Mutex<HashMap<(Option<Proxy>, Duration), Agent>>,
}

/// Without its agents, which know a proxy's password.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(settings: HubSettings) -> Self {
        Self { settings, agents: Mutex::default() }
    }

    fn agent(&self, proxy: Option<&Proxy>, ask: RequestKind) -> Result<Agent, Failure> {
        let patience = match ask {
            RequestKind::About => self.settings.etag_timeout,
            RequestKind::Text | RequestKind::Bytes(_) => self.settings.timeout,
        };
        let key = (proxy.cloned(), patience);
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&key) {
            return Ok(agent.clone());
        }
        let mut builder = AgentBuilder::new()
            // Followed by hand: the token must not travel along.
            .redirects(0)
            .timeout_connect(patience)
            .timeout_read(patience)
            .timeout_write(patience)
            .user_agent(concat!("ttp-lib/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = proxy {
            let known = ureq::Proxy::new(proxy.for_ureq())
                .map_err(|error| Failure::Lasting(format!("{proxy}: {}", error.kind())))?;
            let address = proxy.address();
            builder = builder
                .proxy(known)
                .resolver(move |_: &str| Ok(address.to_socket_addrs()?.collect()));
        }
        let agent = builder.build();
        agents.insert(key, agent.clone());
        Ok(agent)
    }

    pub(super) fn settings(&self) -> &HubSettings {
        &self.settings
    }

    /// The endpoint's address with these path segments, each percent-encoded whole.
    pub(super) fn address<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.settings.endpoint.clone();
        // An http address always has a path; `HubSettings` takes no other.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// A short text, for instance the hub's JSON.
    pub(super) fn text(&self, url: &Url) -> Result<String, Failure> {
        self.retrying(|| {
            let answer = self.follow(RequestKind::Text, url)?;
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
    pub(super) fn announced(&self, url: &Url) -> Result<FileFacts, Failure> {
        self.retrying(|| {
            let answer = self.follow(RequestKind::About, url)?;
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
            Ok(FileFacts {
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
        let answer = match self.follow(RequestKind::Bytes(done), url) {
            Err(Failure::Refused(HubRefusal { status: 416, .. })) if done > 0 => {
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
        if let (Some(size), Some(length)) = (size, length)
            && done + length != size
        {
            let sent = done + length;
            let reason = format!("the hub announces {size} bytes, and {sent} are sent");
            return Err(Failure::Passing(reason));
        }
        let total = size.or_else(|| length.map(|length| done + length));
        copy_body((answer, self.settings.timeout), part, done, total, watch)
    }

    /// Sends one request and follows redirects: to other hosts without the token, and
    /// with HEAD not at all, as what they would say of the file is not the hub's word.
    fn follow(&self, ask: RequestKind, url: &Url) -> Result<Response, Failure> {
        let mut url = url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let proxy = self.settings.proxies.of(&url).map_err(Failure::Lasting)?;
            let answer = self.send(ask, &url, proxy.as_ref())?;
            let Some(next) = redirect(&answer, &url)? else {
                return judged(answer, &url, proxy.as_ref());
            };
            let known = answer.has("X-Linked-Etag") || !self.is_endpoint(&next);
            if ask == RequestKind::About && known {
                return Ok(answer);
            }
            url = next;
        }
        Err(Failure::Lasting(format!("more than {MOST_REDIRECTS} redirects")))
    }

    fn send(
        &self,
        ask: RequestKind,
        url: &Url,
        proxy: Option<&Proxy>,
    ) -> Result<Response, Failure> {
        let method = if ask == RequestKind::About { "HEAD" } else { "GET" };
        // Lengths and ranges are the file's own only if nothing is compressed on the way.
        let request = self.agent(proxy, ask)?.request_url(method, url);
        let mut request = request.set("Accept-Encoding", "identity");
        if let Some(token) = &self.settings.token
            && self.is_endpoint(url)
        {
            request = request.set("Authorization", &token.bearer());
        }
        if let Some(who) = proxy.and_then(Proxy::authorization)
            && url.scheme() == "http"
        {
            request = request.set("Proxy-Authorization", &who);
        }
        if let RequestKind::Bytes(from @ 1..) = ask {
            request = request.set("Range", &format!("bytes={from}-"));
        }
        request.call().or_any_status().map_err(|error| no_answer(&error, url, proxy))
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
                Err(Failure::Busy(_, wait)) if wait <= retry.longest_pause => {
                    std::thread::sleep(wait.max(pause));
                }
                result => return result,
            }
            pause = retry.longest_pause.min(pause * 2);
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
fn judged(answer: Response, url: &Url, proxy: Option<&Proxy>) -> Result<Response, Failure> {
    let through = proxy.map(|proxy| format!(" through {proxy}")).unwrap_or_default();
    if let (407, Some(proxy)) = (answer.status(), proxy) {
        return Err(wants_credentials(proxy));
    }
    match answer.status() {
        200..=299 => Ok(answer),
        status @ (408 | 429 | 500..=599) => {
            let reason = format!("{}{through} answered {status}", host(url));
            // A date in its place is passed over.
            let wait = answer.header("Retry-After").and_then(|text| text.trim().parse().ok());
            Err(match wait {
                Some(seconds) => {
                    let reason = format!("{reason} and asks to wait {seconds} s");
                    Failure::Busy(reason, Duration::from_secs(seconds))
                }
                None => Failure::Passing(reason),
            })
        }
        status => {
            let header = |name| answer.header(name).map(str::to_owned);
            let (code, message) = (header("X-Error-Code"), header("X-Error-Message"));
            Err(Failure::Refused(HubRefusal { status, code, message }))
        }
    }
}

fn wants_credentials(proxy: &Proxy) -> Failure {
    let reason = "wants a name and a password, or others than it holds (407)";
    Failure::Lasting(format!("{proxy} {reason}"))
}

/// The error without the address, which may carry a signature, but with its cause.
fn no_answer(error: &Transport, url: &Url, proxy: Option<&Proxy>) -> Failure {
    let cause = error.source().map(|source| source.to_string());
    let cause = cause.or_else(|| error.message().map(str::to_owned));
    let reason = cause.unwrap_or_else(|| error.kind().to_string());
    let reason = match (proxy, error.kind()) {
        (Some(proxy), ErrorKind::ProxyUnauthorized) => return wants_credentials(proxy),
        (Some(proxy), ErrorKind::ProxyConnect) => {
            format!("{proxy} does not connect to {}", host(url))
        }
        // All connections are to the proxy.
        (Some(proxy), ErrorKind::Dns | ErrorKind::ConnectionFailed) => {
            format!("cannot reach {proxy}: {reason}")
        }
        (Some(proxy), _) => format!("cannot reach {} through {proxy}: {reason}", host(url)),
        (None, _) => format!("cannot reach {}: {reason}", host(url)),
    };
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
    (answer, patience): (Response, Duration),
    part: &mut File,
    mut done: u64,
    total: Option<u64>,
    watch: &mut dyn FnMut(u64, Option<u64>, f64),
) -> Result<(), Failure> {
    let (began, before) = (Instant::now(), done);
    let rate = |done| (done - before) as f64 / began.elapsed().as_secs_f64().max(1e-9);
    let mut body = answer.into_reader();
    let mut buffer = vec![0; 1 << 16];
    let (mut looked, mut had) = (began, done);
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
                let since = looked.elapsed();
                if since < patience {
                    continue;
                }
                let came = done - had;
                (looked, had) = (Instant::now(), done);
                if (came as f64) < SLOWEST * since.as_secs_f64() {
                    let seconds = since.as_secs_f64();
                    let reason = format!("too slow: {came} bytes in {seconds:.1} s");
                    return Err(Failure::Passing(reason));
                }
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
