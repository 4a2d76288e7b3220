//! A server whose analysis is a stand-in: it knows no technique and marks the sentences that are
//! longer than eighty characters. The tests in a browser can so be run without a model.
//!
//! `serve_stand_in [--port PORT]` prints its address in one line and serves until it is ended.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use ttp_base::show::{defang, escape_html, print};
use ttp_base::{Error, Result};
use ttp_serve::{Analyser, Answer, Settings, Stop, Upload, serve};

/// Sentences that are longer are marked.
const LONG: usize = 80;

struct ByLength;

impl Analyser for ByLength {
    fn analyse(&self, uploads: Vec<Upload>) -> Result<Answer> {
        let mut page = String::from(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Report</title>\
             <style>mark { background: #fff1b8; color: #1b1f24 }</style></head><body><main>\
             <h1>Long sentences (a stand-in)</h1>",
        );
        let mut documents = Vec::new();
        for Upload { name, bytes, .. } in &uploads {
            let unread = |_| Error::input(Path::new(name), "not UTF-8");
            let text = std::str::from_utf8(bytes).map_err(unread)?;
            let (mut marked, mut all) = (0, 0);
            let _ = write!(page, "<h2>{}</h2><p>", escape_html(name));
            for sentence in text.split_inclusive(". ") {
                let shown = escape_html(&defang(sentence));
                let is_long = sentence.chars().count() > LONG;
                (marked, all) = (marked + usize::from(is_long), all + 1);
                let _ = if is_long {
                    write!(page, "<mark>{shown}</mark> ")
                } else {
                    write!(page, "{shown} ")
                };
            }
            page.push_str("</p>");
            documents.push(serde_json::json!({"name": name, "sentences": all, "marked": marked}));
        }
        page.push_str(
            "<p id=\"script\">no script</p><script>\
             document.getElementById(\"script\").textContent = \"a script ran\"</script>\
             </main></body></html>",
        );
        Ok(Answer { json: serde_json::json!({ "documents": documents }).to_string(), page })
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 0,
        ["--port", port] => port.parse().map_err(|_| Error::Setting {
            field: "--port",
            reason: format!("{port}: a number from 0 to 65535"),
        })?,
        _ => {
            let reason = "serve_stand_in [--port PORT]".to_owned();
            return Err(Error::Setting { field: "arguments", reason });
        }
    };
    let settings = Settings { address: (Ipv4Addr::LOCALHOST, port).into(), ..Settings::default() };
    let log = |handled: &ttp_serve::RequestRecord| eprintln!("{handled}");
    let ready = |address| print(&format!("serving on http://{address}/\n"));
    serve(&settings, Arc::new(ByLength), log, ready, &Stop::new())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
