//! Many clients at once: nobody is refused, nobody waits longer than his turn, nothing is left in
//! memory. A program of its own, whose memory no other test changes. The analysis is a stand-in
//! that takes a fixed time.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../src/tests/client.rs"]
mod client;

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use ttp_base::Result;
use ttp_serve::{Analyser, Answer, Settings, Stop, Upload, serve};

const CLIENTS: usize = 32;
const ANALYSIS: Duration = Duration::from_millis(20);
/// Memory may differ by so much: what the allocator holds for the next request.
const MOST_GROWTH: f64 = 8.0;

struct StandIn;

impl Analyser for StandIn {
    fn analyse(&self, uploads: Vec<Upload>) -> Result<Answer> {
        std::thread::sleep(ANALYSIS);
        let json = "x".repeat(uploads.iter().map(|upload| upload.bytes.len()).sum());
        Ok(Answer { page: json.clone(), json })
    }
}

/// The process's resident memory in MiB; none where the system does not say.
fn memory() -> Option<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096.0 / f64::from(1 << 20))
}

/// Seconds of each request that a client sends one after the other.
fn client(address: SocketAddr, until: Instant) -> Vec<f64> {
    let report = vec![b'x'; 50_000];
    let (kind, body) = client::form(&[("report.txt", &report)], None);
    let kind = [("Content-Type", kind.as_str())];
    let request = client::request(address, "POST /report", &kind, &body);
    let mut seconds = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let reply = client::send(address, &request).expect("an answer");
        assert_eq!((reply.status, reply.body.len()), (200, report.len()), "{}", reply.head);
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds
}

fn clients(address: SocketAddr, count: usize, time: Duration) -> Vec<f64> {
    let until = Instant::now() + time;
    let threads: Vec<_> =
        (0..count).map(|_| std::thread::spawn(move || client(address, until))).collect();
    let mut seconds: Vec<f64> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no error")).collect();
    seconds.sort_by(f64::total_cmp);
    seconds
}

/// The value below which this fraction of sorted values lies.
fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * fraction).round() as usize]
}

fn load(time: Duration) {
    let settings = Settings::default();
    let workers = settings.workers;
    let stop = Stop::new();
    let (sender, receiver) = mpsc::channel();
    let ending = stop.clone();
    let server = std::thread::spawn(move || {
        serve(&settings, Arc::new(StandIn), |_| {}, |at| sender.send(at).unwrap(), &ending)
    });
    let address = receiver.recv().unwrap();
    let single = clients(address, 1, Duration::from_secs(1));
    // Threads and buffers that every run needs.
    clients(address, CLIENTS, time / 4);
    let before = memory();
    let many = clients(address, CLIENTS, time);
    let after = memory();
    stop.stop();
    server.join().unwrap().unwrap();
    let [single_50, single_95] = [0.5, 0.95].map(|at| quantile(&single, at));
    let [many_50, many_95] = [0.5, 0.95].map(|at| quantile(&many, at));
    println!("one client: {} requests, p50 {single_50:.4} s, p95 {single_95:.4} s", single.len());
    println!("{CLIENTS} clients: {} requests, p50 {many_50:.4} s, p95 {many_95:.4} s", many.len());
    let turns = CLIENTS as f64 / workers as f64;
    assert!(many_95 <= 3.0 * single_50 * turns, "{many_95} s, {turns} turns of {single_50} s");
    if let (Some(before), Some(after)) = (before, after) {
        println!("resident memory: {before:.1} MiB before, {after:.1} MiB after");
        assert!(after - before <= MOST_GROWTH, "from {before} to {after} MiB");
    }
}

#[test]
fn many_clients() {
    load(Duration::from_secs(3));
}

#[test]
#[ignore = "slow: 32 clients for a minute (make test-all)"]
fn many_clients_for_a_minute() {
    load(Duration::from_secs(60));
}
