//! Answers: what a browser may do with them, and how a refusal is said.

use http::StatusCode;
use ttp_base::show::{escape_html, terminal_safe};

/// Of the server's own pages: their script and style from here, and nothing else from anywhere.
const OWN_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Of a report's page, which shows texts of others and has its script and style within it: nothing is
/// loaded or sent, and what it does it does as a page of no site, which this server answers nothing.
const REPORT_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
     style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; base-uri 'none'; \
     frame-ancestors 'none'; sandbox allow-scripts allow-downloads allow-modals";

/// An answer without what all have in common.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    kind: &'static str,
    policy: &'static str,
    more: String,
    pub body: Vec<u8>,
    length: usize,
}

impl Response {
    /// A file of the server's own page, or JSON.
    pub fn own(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(StatusCode::OK, kind, OWN_POLICY, body.into())
    }

    /// A report's page.
    pub fn report(page: String) -> Self {
        Self::new(StatusCode::OK, HTML, REPORT_POLICY, page.into_bytes())
    }

    fn new(status: StatusCode, kind: &'static str, policy: &'static str, body: Vec<u8>) -> Self {
        Self { status, kind, policy, more: String::new(), length: body.len(), body }
    }

    /// The same without its body, as for `HEAD`.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: Vec::new(), ..self }
    }

    /// Status and headers, with the empty line at their end. The referrer goes to this server alone:
    /// without it browsers would send no `Origin` with a form.
    pub fn head(&self) -> Vec<u8> {
        let Self { status, kind, policy, more, length, .. } = self;
        let reason = status.canonical_reason().unwrap_or("");
        format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: close\r\nCache-Control: no-store\r\nContent-Security-Policy: {policy}\r\n\
             Referrer-Policy: {}\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n{more}\r\n",
            status.as_u16(),
            if *policy == OWN_POLICY { "same-origin" } else { "no-referrer" },
        )
        .into_bytes()
    }
}

pub const HTML: &str = "text/html; charset=utf-8";
pub const JSON: &str = "application/json";

/// Why a request is not done.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub reason: String,
    /// After how many seconds it may be tried again.
    retry: Option<u32>,
    allow: Option<&'static str>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), retry: None, allow: None }
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry: Some(seconds), ..self }
    }

    /// Another method than those that an address has.
    pub fn method(allow: &'static str) -> Self {
        let reason = format!("this address answers to {allow}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, reason) }
    }

    /// As a page or as JSON; the reason is one line either way.
    pub fn response(&self, page: bool) -> Response {
        let body = if page {
            let title = self.status.canonical_reason().unwrap_or("Error");
            include_str!("page/refusal.html")
                .replace("{title}", title)
                .replace("{reason}", &escape_html(&self.reason))
        } else {
            serde_json::json!({ "error": terminal_safe(&self.reason) }).to_string() + "\n"
        };
        let kind = if page { HTML } else { JSON };
        let mut response = Response::new(self.status, kind, OWN_POLICY, body.into_bytes());
        if let Some(seconds) = self.retry {
            response.more.push_str(&format!("Retry-After: {seconds}\r\n"));
        }
        if let Some(allow) = self.allow {
            response.more.push_str(&format!("Allow: {allow}\r\n"));
        }
        response
    }
}
