//! A request's head: parsed, and refused where it cannot be from this machine's own page or program.

use crate::response::Refusal;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use std::net::SocketAddr;

/// The most headers of a request. Browsers send a quarter of it.
const MOST_HEADERS: usize = 64;

/// Method, target and headers.
#[derive(Debug)]
pub struct Head {
    pub method: Method,
    pub target: Uri,
    headers: HeaderMap,
}

impl Head {
    /// The head and its length in bytes; none where its end is not there yet.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let bad = |what: &dyn std::fmt::Display| {
            Refusal::new(StatusCode::BAD_REQUEST, format!("no HTTP request: {what}"))
        };
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                let reason = format!("more than {MOST_HEADERS} headers");
                return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, reason));
            }
            Err(error) => return Err(bad(&error)),
        };
        let (method, path) = (request.method.unwrap_or(""), request.path.unwrap_or(""));
        if !path.starts_with('/') {
            return Err(bad(&"the address does not begin with /"));
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| bad(&error))?;
        let target = path.parse().map_err(|error| bad(&error))?;
        let mut map = HeaderMap::new();
        for header in request.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value);
            map.append(name.map_err(|error| bad(&error))?, value.map_err(|error| bad(&error))?);
        }
        Ok(Some((Self { method, target, headers: map }, length)))
    }

    /// A header that may be there once.
    pub fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        if values.next().is_some() {
            let reason = format!("the header {name} is there more than once");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
        }
        let unread = |_| {
            let reason = format!("the header {name} holds what is not ASCII");
            Refusal::new(StatusCode::BAD_REQUEST, reason)
        };
        first.map(|value| value.to_str().map_err(unread)).transpose()
    }

    /// Whether the other side takes a page, as browsers do.
    pub fn wants_page(&self) -> bool {
        let accepted = self.headers.get_all(header::ACCEPT).iter();
        accepted.filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"))
    }

    /// Refuses requests to another host's name (a page of another site whose name was made to mean
    /// this machine), and changes that a page of another site asks for. Programs that are no browser
    /// send no `Origin`.
    pub fn check_origin(&self, server: SocketAddr) -> Result<(), Refusal> {
        let forbidden = |reason: String| Err(Refusal::new(StatusCode::FORBIDDEN, reason));
        let Some(host) = self.one("host")? else {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "no header Host"));
        };
        let port = server.port();
        let own = ["127.0.0.1", "localhost"].iter().any(|name| {
            host.eq_ignore_ascii_case(&format!("{name}:{port}"))
                || port == 80 && host.eq_ignore_ascii_case(name)
        });
        if !own {
            return forbidden(format!("asked for at another host than 127.0.0.1:{port}"));
        }
        if self.method == Method::GET || self.method == Method::HEAD {
            return Ok(());
        }
        let same = |origin: &str| origin.eq_ignore_ascii_case(&format!("http://{host}"));
        if self.one("origin")?.is_some_and(|origin| !same(origin))
            || self.one("sec-fetch-site")?.is_some_and(|site| site != "same-origin")
        {
            return forbidden("sent by a page of another site".to_owned());
        }
        Ok(())
    }

    /// How many bytes the body has.
    pub fn body_length(&self, most: usize) -> Result<usize, Refusal> {
        let unsaid = "an upload says its length: header Content-Length, no Transfer-Encoding";
        let unsaid = || Refusal::new(StatusCode::LENGTH_REQUIRED, unsaid);
        if self.one("transfer-encoding")?.is_some() {
            return Err(unsaid());
        }
        let length = self.one("content-length")?.ok_or_else(unsaid)?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            let reason = "the header Content-Length is no number";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
        }
        match length.parse::<usize>() {
            Ok(length) if length <= most => Ok(length),
            // Or more digits than a length can have.
            _ => {
                let reason = format!("the upload has {length} bytes; at most {most} are taken");
                Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason))
            }
        }
    }
}
