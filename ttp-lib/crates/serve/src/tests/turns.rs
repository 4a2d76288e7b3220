//! Who waits, who is sent away, and what is left behind.

use super::client::{connect, reply};
use super::{Running, refused};
use crate::Settings;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Until the server says so of itself.
#[track_caller]
fn wait_for(server: &Running, running: usize, waiting: usize) {
    let state = format!("{{\"running\":{running},\"status\":\"ok\",\"waiting\":{waiting}}}\n");
    for _ in 0..500 {
        if server.get("/health").body == state {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never {state}: {}", server.get("/health").body);
}

fn begin(server: &Running, content: &[u8]) -> TcpStream {
    let mut stream = connect(server.address).unwrap();
    stream.write_all(&server.file(content)).unwrap();
    stream
}

#[test]
fn a_full_queue_sends_away() {
    let server = Running::new(&Settings { workers: 1, queue: 1, ..Settings::default() });
    let mut first = begin(&server, b"sleep 700");
    wait_for(&server, 1, 0);
    let mut second = begin(&server, b"second");
    wait_for(&server, 1, 1);
    let reply_of_third = server.send(&server.file(b"third"));
    refused(&reply_of_third, 429, "2 reports are before yours");
    assert!(reply_of_third.head.contains("Retry-After: 2"), "{}", reply_of_third.head);
    assert_eq!(reply(&mut first).unwrap().status, 200);
    assert_eq!(reply(&mut second).unwrap().status, 200);
    let waited = server.lines(3).iter().filter(|line| line.contains("of it waiting")).count();
    assert_eq!(waited, 1);
    wait_for(&server, 0, 0);
}

#[test]
fn who_leaves_the_queue_is_not_analysed() {
    let server = Running::new(&Settings { workers: 1, queue: 1, ..Settings::default() });
    let first = begin(&server, b"sleep 600");
    wait_for(&server, 1, 0);
    let began = Instant::now();
    let second = begin(&server, b"sleep 20000");
    wait_for(&server, 1, 1);
    drop(second);
    wait_for(&server, 1, 0);
    // What runs cannot be broken off; its place is free when it ends.
    drop(first);
    wait_for(&server, 0, 0);
    assert!(began.elapsed() < Duration::from_secs(5));
    let left = server.log.lock().unwrap().iter().filter(|line| line.contains("left")).count();
    assert_eq!(left, 2);
}

#[test]
fn a_slow_analysis_is_not_waited_for() {
    let settings = Settings { workers: 1, queue: 0, analysis_seconds: 0.2, ..Settings::default() };
    let server = Running::new(&settings);
    refused(&server.send(&server.file(b"sleep 600")), 503, "took more than 0.2 s");
    // It still has its worker.
    refused(&server.send(&server.file(b"text")), 429, "try again later");
    wait_for(&server, 0, 0);
    assert_eq!(server.send(&server.file(b"text")).status, 200);
}

#[test]
fn all_uploads_share_a_bounded_memory() {
    let settings =
        Settings { upload_bytes: 100_000, all_uploads_bytes: 150_000, ..Settings::default() };
    let server = Running::new(&settings);
    let whole = server.file(&[b'x'; 100_000]);
    // An upload under way has its room from the start.
    let mut first = connect(server.address).unwrap();
    first.write_all(&whole[..whole.len() - 10]).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let second = server.send(&whole);
    refused(&second, 503, "other uploads take all room");
    assert!(second.head.contains("Retry-After: 2"));
    assert_eq!(server.send(&server.file(&[b'x'; 20_000])).status, 200);
    first.write_all(&whole[whole.len() - 10..]).unwrap();
    assert_eq!(reply(&mut first).unwrap().status, 200);
    assert_eq!(server.send(&whole).status, 200);
}

#[test]
fn a_stop_does_not_wait_for_an_analysis() {
    let server = Running::new(&Settings::default());
    let _first = begin(&server, b"sleep 3000");
    wait_for(&server, 1, 0);
    let began = Instant::now();
    drop(server);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}
