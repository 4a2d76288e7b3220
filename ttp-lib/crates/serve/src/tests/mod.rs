#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod client;
mod pages;
mod turns;
mod uploads;

use crate::{Analyser, Answer, Settings, Stop, Upload, serve};
use client::{Reply, request};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use ttp_base::{Error, Result};

/// Says what it was sent, and does what the first file asks for.
struct Echo;

impl Analyser for Echo {
    fn analyse(&self, uploads: Vec<Upload>) -> Result<Answer> {
        let first = &uploads[0];
        match first.bytes.as_slice() {
            b"wrong" => return Err(Error::input(Path::new(&first.name), "no text\nin it")),
            b"fail" => return Err(Error::library("reading")("out of order")),
            b"panic" => panic!("as asked"),
            content if content.starts_with(b"sleep") => {
                let text = String::from_utf8_lossy(content);
                let milliseconds = text.split(' ').nth(1).unwrap().parse().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            }
            _ => {}
        }
        let files = uploads.iter().map(|upload| {
            json!({"name": upload.name, "bytes": upload.bytes.len(), "precision": upload.precision})
        });
        let json = Value::from_iter(files).to_string();
        Ok(Answer { page: format!("<!DOCTYPE html><title>Report</title>{json}"), json })
    }
}

/// A server that ends with its test.
struct Running {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<Result<()>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn new(settings: &Settings) -> Self {
        let (settings, stop) = (settings.clone(), Stop::new());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (sender, receiver) = mpsc::channel();
        let (lines, ending) = (Arc::clone(&log), stop.clone());
        let thread = std::thread::spawn(move || {
            let log = move |handled: &crate::RequestRecord| {
                lines.lock().unwrap().push(handled.to_string())
            };
            let ready = |address| sender.send(address).unwrap();
            serve(&settings, Arc::new(Echo), log, ready, &ending)
        });
        let address = receiver.recv().expect("the server starts");
        Self { address, stop, thread: Some(thread), log }
    }

    fn send(&self, bytes: &[u8]) -> Reply {
        client::send(self.address, bytes).unwrap()
    }

    fn get(&self, target: &str) -> Reply {
        self.send(&request(self.address, &format!("GET {target}"), &[], b""))
    }

    /// The request of one file as it is.
    fn file(&self, content: &[u8]) -> Vec<u8> {
        request(self.address, "POST /report", &[("X-File-Name", "a.txt")], content)
    }

    /// The lines of the log, once there are so many.
    fn lines(&self, count: usize) -> Vec<String> {
        for _ in 0..500 {
            let lines = self.log.lock().unwrap().clone();
            if lines.len() >= count {
                return lines;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("no {count} lines in {:?}", self.log.lock().unwrap());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

/// Refused with this status, in one line that holds these words.
#[track_caller]
fn refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.body);
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let reason = body["error"].as_str().unwrap();
    assert!(reason.contains(words), "{reason:?} has no {words:?}");
    assert!(!reason.contains('\n'), "{reason:?}");
}
