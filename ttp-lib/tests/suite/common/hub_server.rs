//! A Hugging Face hub on loopback: the listing of a model, its small files, and large
//! ones on a host of their own, as the hub answers for them, and the ways in which an
//! answer can go wrong.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A model that the server has.
pub struct Model {
    pub id: &'static str,
    /// Branches and tags with their commits.
    pub revisions: Vec<(&'static str, &'static str)>,
    pub files: Vec<RepoFile>,
    /// Whoever asks without it gets 401.
    pub token: Option<&'static str>,
    /// Even with a token the answer is 403.
    pub gated: bool,
}

pub struct RepoFile {
    pub name: &'static str,
    pub content: Vec<u8>,
    /// Large files are named by their sha256 and come from the other host.
    pub large: bool,
}

impl RepoFile {
    pub fn id(&self) -> String {
        if self.large {
            return hex(&Sha256::digest(&self.content));
        }
        let hasher = Sha1::new().chain_update(format!("blob {}\0", self.content.len()));
        hex(&hasher.chain_update(&self.content).finalize())
    }
}

/// What goes wrong with an answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status and nothing else.
    Status(u16),
    /// All headers, and the connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// So many bytes of the body, and then nothing until the client hangs up.
    StallAfter(usize),
    /// So many bytes of the body at once, and then a few a second.
    SlowAfter(usize),
    /// All of the file, with 200, whatever range was asked for.
    IgnoreRange,
    /// 206, and the part is not the one asked for.
    OtherRange,
    /// The first byte of the body is another.
    WrongByte,
    /// This `ETag` in place of the file's own, on small and large files.
    ETag(&'static str),
    /// None at all.
    NoETag,
    /// This body in place of the file or listing.
    Body(&'static str),
    /// A size that is not the large file's.
    Size(usize),
    /// `X-Repo-Commit` of another commit.
    OtherCommit,
    /// A redirect to this address.
    Redirect(String),
    /// A redirect to the same path with another text in the place of the first.
    Moved(&'static str, &'static str),
    /// 429, and how many seconds to wait.
    Busy(u64),
    /// 403, with this code and what is said to people.
    Denied(&'static str, &'static str),
    /// 404 without a code, as other servers than the hub answer.
    NotFound,
    /// The connection is closed before anything is said.
    HangUp,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whether it went to the host of large files.
    pub at_cdn: bool,
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
    pub range: Option<String>,
    /// The host of the request's address, if it was asked as a proxy is.
    pub as_proxy_of: Option<String>,
    pub proxy_authorization: Option<String>,
}

/// Serves until it is dropped.
pub struct HubServer {
    pub endpoint: String,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    addresses: Vec<String>,
}

struct Shared {
    models: Vec<Model>,
    cdn: String,
    requests: Mutex<Vec<Request>>,
    faults: Mutex<Vec<Planned>>,
    stopped: AtomicBool,
}

struct Planned {
    needle: String,
    times: usize,
    fault: Fault,
}

impl HubServer {
    pub fn start(models: Vec<Model>) -> Self {
        let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [hub, cdn] = listeners.each_ref().map(|l| l.local_addr().unwrap().to_string());
        let shared = Arc::new(Shared {
            models,
            cdn: format!("http://{cdn}"),
            requests: Mutex::default(),
            faults: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let [at_hub, at_cdn] = listeners;
        let threads = [(at_hub, false), (at_cdn, true)]
            .map(|(listener, at_cdn)| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&listener, at_cdn, &shared))
            })
            .into();
        Self { endpoint: format!("http://{hub}"), shared, threads, addresses: vec![hub, cdn] }
    }

    /// The next `times` requests whose `METHOD /path` holds `needle` go wrong.
    pub fn plan(&self, needle: &str, times: usize, fault: Fault) {
        lock(&self.shared.faults).push(Planned { needle: needle.to_owned(), times, fault });
    }

    /// `host:port` of the hub and of the large files' host.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The requests so far, which are forgotten.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *lock(&self.shared.requests))
    }

    pub fn file(&self, model: &str, name: &str) -> &RepoFile {
        let model = self.shared.models.iter().find(|m| m.id == model).unwrap();
        model.files.iter().find(|file| file.name == name).unwrap()
    }
}

impl Drop for HubServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for address in &self.addresses {
            // Wakes the thread that waits for a connection.
            let _ = TcpStream::connect(address);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, at_cdn: bool, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        std::thread::spawn(move || answer(stream, at_cdn, &shared));
    }
}

fn answer(mut stream: TcpStream, at_cdn: bool, shared: &Shared) {
    let Some(request) = read_request(&stream, at_cdn) else { return };
    lock(&shared.requests).push(request.clone());
    let fault = shared.next_fault(&request);
    let mut answer = match at_cdn {
        true => shared.large_file(&request),
        false => shared.hub(&request, fault.as_ref()),
    };
    let mut sent = usize::MAX;
    match &fault {
        Some(Fault::HangUp) => return,
        Some(Fault::Status(status)) => answer = Answer::status(*status),
        Some(Fault::Redirect(to)) => answer = Answer::status(302).with("Location", to),
        Some(Fault::Moved(from, to)) => {
            let to = request.path.replacen(from, to, 1);
            answer = Answer::status(307).with("Location", &to);
        }
        Some(Fault::Busy(seconds)) => {
            answer = Answer::status(429).with("Retry-After", &seconds.to_string());
        }
        Some(Fault::Denied(code, message)) => {
            let denied = Answer::status(403).with("X-Error-Message", message);
            answer = if code.is_empty() { denied } else { denied.with("X-Error-Code", code) };
        }
        Some(Fault::NotFound) => answer = Answer::status(404),
        Some(Fault::CutAfter(bytes) | Fault::StallAfter(bytes) | Fault::SlowAfter(bytes)) => {
            sent = *bytes;
        }
        Some(Fault::Body(text)) => answer.body = (*text).into(),
        Some(Fault::WrongByte) => answer.body[0] ^= 1,
        _ => {}
    }
    if !matches!(fault, Some(Fault::IgnoreRange)) {
        let shift = usize::from(matches!(fault, Some(Fault::OtherRange)));
        answer = answer.ranged(&request, shift);
    }
    answer.write(&mut stream, request.method == "HEAD", sent);
    if matches!(fault, Some(Fault::StallAfter(_))) {
        let _ = stream.read(&mut [0]);
    }
    if matches!(fault, Some(Fault::SlowAfter(_))) {
        while stream.write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn read_request(stream: &TcpStream, at_cdn: bool) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, mut path) = (words.next()?, words.next()?);
    // A proxy is asked with the whole address.
    let address = path.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    let as_proxy_of = address.map(|(host, _)| host.to_owned());
    if let Some((_, rest)) = address {
        path = format!("/{rest}");
    }
    let mut request = Request {
        at_cdn,
        method,
        path,
        authorization: None,
        range: None,
        as_proxy_of,
        proxy_authorization: None,
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        match &*name.to_lowercase() {
            "authorization" => request.authorization = Some(value.to_owned()),
            "proxy-authorization" => request.proxy_authorization = Some(value.to_owned()),
            "range" => request.range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(request)
}

impl Shared {
    fn next_fault(&self, request: &Request) -> Option<Fault> {
        let line = format!("{} {}", request.method, request.path);
        let mut faults = lock(&self.faults);
        let planned = faults.iter_mut().find(|p| p.times > 0 && line.contains(&p.needle))?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }

    /// `/api/models/{id}/revision/{revision}`, `/{id}/resolve/{commit}/{file}`, and where
    /// the latter sends on to for tokenizers, `/api/resolve-cache/{id}/{commit}/{file}`.
    fn hub(&self, request: &Request, fault: Option<&Fault>) -> Answer {
        let path = request.path.trim_start_matches('/');
        if let Some((id, revision)) =
            path.strip_prefix("api/").and_then(|rest| rest.split_once("/revision/"))
        {
            // A data set's id begins with what its addresses begin with.
            let id = id.strip_prefix("models/").unwrap_or(id);
            return self.model(id, request, |model| listing(model, revision));
        }
        // A data set's id begins with `datasets/` here, as its address does.
        if let Some((id, revision)) = path
            .strip_prefix("api/")
            .filter(|rest| rest.starts_with("datasets/"))
            .and_then(|rest| rest.split_once("/revision/"))
        {
            return self.model(id, request, |model| listing(model, revision));
        }
        if let Some((id, rest)) =
            path.split_once("/resolve/").filter(|(id, _)| id.starts_with("datasets/"))
            && let Some((commit, file)) = rest.split_once('/')
        {
            return self.model(id, request, |model| self.file(model, commit, file, false, fault));
        }
        let (path, cached) = match path.strip_prefix("api/resolve-cache/") {
            Some(rest) => (rest, true),
            None => (path, false),
        };
        let Some((id, commit, file)) = parts_of(path, cached) else { return Answer::status(404) };
        self.model(id, request, |model| self.file(model, commit, file, cached, fault))
    }

    fn model(&self, id: &str, request: &Request, answer: impl FnOnce(&Model) -> Answer) -> Answer {
        let no_model = |status| Answer::status(status).with("X-Error-Code", "RepoNotFound");
        let given = request.authorization.as_deref();
        let Some(model) = self.models.iter().find(|model| model.id == id) else {
            // Without a token the hub doesn't say whether there is such a model.
            return no_model(if given.is_some() { 404 } else { 401 });
        };
        if model.gated {
            return Answer::status(403).with("X-Error-Code", "GatedRepo");
        }
        match model.token {
            Some(token) if given != Some(&format!("Bearer {token}")) => no_model(401),
            _ => answer(model),
        }
    }

    fn file(
        &self,
        model: &Model,
        commit: &str,
        name: &str,
        cached: bool,
        fault: Option<&Fault>,
    ) -> Answer {
        let name = &*name.replace("%20", " ");
        let no_file = || Answer::status(404).with("X-Error-Code", "EntryNotFound");
        let Some(file) = model.files.iter().find(|file| file.name == name) else {
            return no_file();
        };
        let known = |(name, of): &&(&str, &str)| *of == commit || *name == commit;
        let Some((_, commit)) = model.revisions.iter().find(known) else {
            return Answer::status(404).with("X-Error-Code", "RevisionNotFound");
        };
        let id = file.id();
        let etag = match fault {
            Some(Fault::ETag(etag)) => (*etag).to_owned(),
            _ => format!("\"{id}\""),
        };
        let said = match fault {
            Some(Fault::OtherCommit) => "f".repeat(40),
            _ => (*commit).to_owned(),
        };
        if matches!(fault, Some(Fault::NoETag)) {
            return Answer::ok(file.content.clone());
        }
        let answer = if file.large {
            let to = format!("{}/{id}?file={name}", self.cdn);
            let length = match fault {
                Some(Fault::Size(size)) => *size,
                _ => file.content.len(),
            };
            Answer::status(302)
                .with("Location", &to)
                .with("X-Linked-Etag", &etag)
                .with("X-Linked-Size", &length.to_string())
                // Of the redirect itself, and no content id.
                .with("ETag", "\"d41d8cd98f00b204e9800998ecf8427e-5\"")
        } else if name.contains("tokenizer") && !name.contains('/') && !cached {
            let to = format!("/api/resolve-cache/{}/{commit}/{name}", model.id);
            Answer::status(307).with("Location", &to)
        } else {
            let weak = if name == "config.json" { "W/" } else { "" };
            Answer::ok(file.content.clone()).with("ETag", &format!("{weak}{etag}"))
        };
        answer.with("X-Repo-Commit", &said)
    }

    fn large_file(&self, request: &Request) -> Answer {
        let id = request.path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let mut files = self.models.iter().flat_map(|model| &model.files);
        match files.find(|file| file.large && file.id() == id) {
            Some(file) => Answer::ok(file.content.clone()),
            None => Answer::status(403),
        }
    }
}

/// `{id}/resolve/{commit}/{file}`, or the same without `resolve`: a file may have folders.
fn parts_of(path: &str, cached: bool) -> Option<(&str, &str, &str)> {
    if !cached {
        let (id, rest) = path.split_once("/resolve/")?;
        let (commit, file) = rest.split_once('/')?;
        return Some((id, commit, file));
    }
    let mut parts = path.rsplitn(3, '/');
    let (file, commit, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some((id, commit, file))
}

fn listing(model: &Model, revision: &str) -> Answer {
    let revision = revision.replace("%2F", "/");
    // The beginning of a commit is enough.
    let short = |commit: &str| revision.len() >= 7 && commit.starts_with(&revision);
    let known = |(name, commit): &&(&str, &str)| *name == revision || short(commit);
    let Some((_, commit)) = model.revisions.iter().find(known) else {
        return Answer::status(404).with("X-Error-Code", "RevisionNotFound");
    };
    let siblings: Vec<_> =
        model.files.iter().map(|file| serde_json::json!({ "rfilename": file.name })).collect();
    let body = serde_json::json!({
        "id": model.id, "modelId": model.id, "sha": commit, "private": model.token.is_some(),
        "tags": [], "downloads": 0, "siblings": siblings,
    });
    Answer::ok(body.to_string().into_bytes()).with("Content-Type", "application/json")
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    fn ok(body: Vec<u8>) -> Self {
        Self { body, ..Self::status(200) }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The part that was asked for, or one that begins `shift` bytes after it.
    fn ranged(mut self, request: &Request, shift: usize) -> Self {
        let first = request.range.as_deref().and_then(|range| {
            range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
        });
        let (Some(first), 200) = (first.map(|first| first + shift), self.status) else {
            return self;
        };
        let length = self.body.len();
        if first >= length {
            return Self::status(416).with("Content-Range", &format!("bytes */{length}"));
        }
        self.body.drain(..first);
        self.status = 206;
        self.with("Content-Range", &format!("bytes {first}-{}/{length}", length - 1))
    }

    /// Writes no more than `most` bytes of the body; the client may hang up at any time.
    fn write(self, stream: &mut TcpStream, head_only: bool, most: usize) {
        let mut head = format!("HTTP/1.1 {} As It Is\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len());
        let body = if head_only { &[][..] } else { &self.body[..most.min(self.body.len())] };
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
