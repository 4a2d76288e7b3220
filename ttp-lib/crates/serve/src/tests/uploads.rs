//! Uploads as they should be, and every way in which they are not.

use super::client::{connect, form, reply, request};
use super::{Running, refused};
use crate::Settings;
use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

#[test]
fn files_with_their_names_and_the_precision() {
    let server = Running::new(&Settings::default());
    let big = vec![b'a'; 300_000];
    let files: [(&str, &[u8]); 3] =
        [("Bericht März 2.txt", b"a\r\n--xY"), ("../../etc/x.pdf", &big), ("C:\\a\\b.md", b"")];
    let (kind, body) = form(&files, Some("0.75"));
    let kind = [("Content-Type", kind.as_str())];
    let reply = server.send(&request(server.address, "POST /report", &kind, &body));
    assert_eq!(
        reply.body,
        "[{\"bytes\":7,\"name\":\"Bericht März 2.txt\",\"precision\":0.75},\
         {\"bytes\":300000,\"name\":\"x.pdf\",\"precision\":0.75},\
         {\"bytes\":0,\"name\":\"b.md\",\"precision\":0.75}]"
    );
    let name = [("X-File-Name", "Bericht%20M%C3%A4rz%1B.txt"), ("Expect", "100-continue")];
    let sent = request(server.address, "POST /report?precision=0.9", &name, &big);
    let mut stream = connect(server.address).unwrap();
    let end = sent.len() - big.len();
    stream.write_all(&sent[..end]).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(&sent[end..]).unwrap();
    let answer = super::client::reply(&mut stream).unwrap();
    assert!(answer.head.starts_with("HTTP/1.1 100 Continue"), "{}", answer.head);
    let found = r#"[{"bytes":300000,"name":"Bericht März.txt","precision":0.9}]"#;
    assert!(answer.body.ends_with(found), "{}", answer.body);
}

#[test]
fn nothing_of_an_upload_is_in_the_log() {
    let server = Running::new(&Settings::default());
    let name = [("X-File-Name", "secret.txt")];
    server.send(&request(server.address, "POST /report", &name, b"secret"));
    server.get("/secret");
    let lines = server.lines(2);
    assert!(lines[0].starts_with("POST /report: 200, 1 file, "), "{lines:?}");
    assert!(lines[0].contains(" bytes in, 50 out, "), "{lines:?}");
    assert!(lines[1].starts_with("other: 404, "), "{lines:?}");
    assert!(!lines.concat().contains("secret"), "{lines:?}");
}

#[test]
fn an_upload_that_stops_half_way() {
    let server = Running::new(&Settings::default());
    let whole = server.file(&[b'x'; 1000]);
    let (kind, body) = form(&[("a.txt", &[b'x'; 1000])], None);
    let kind = [("Content-Type", kind.as_str())];
    let parts = request(server.address, "POST /report", &kind, &body);
    for request in [&whole, &parts] {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(&request[..request.len() - 400]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        refused(&reply(&mut stream).unwrap(), 400, "stopped half-way: 400 bytes are missing");
        // One that is gone altogether.
        let mut stream = connect(server.address).unwrap();
        stream.write_all(&request[..request.len() - 400]).unwrap();
    }
    let mut stream = connect(server.address).unwrap();
    stream.write_all(b"POST /report HT").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    refused(&reply(&mut stream).unwrap(), 400, "stopped before the end of its head");
    assert_eq!(server.send(&whole).status, 200);
    assert_eq!(server.lines(6).len(), 6);
}

#[test]
fn an_upload_that_is_too_large() {
    let settings = Settings {
        upload_bytes: 100_000,
        all_uploads_bytes: 100_000,
        files: 2,
        ..Settings::default()
    };
    let server = Running::new(&settings);
    refused(&server.send(&server.file(&vec![b'x'; 100_001])), 413, "100001 bytes; at most 100000");
    // The answer arrives although much more was on its way.
    refused(&server.send(&server.file(&vec![b'x'; 30_000_000])), 413, "at most 100000");
    assert_eq!(server.send(&server.file(&vec![b'x'; 100_000])).status, 200);
    let line = "POST /report HTTP/1.1\r\nX-File-Name: a\r\n";
    let host = format!("Host: {}\r\n", server.address);
    let ask = |more: &str| server.send(format!("{line}{host}{more}\r\nx").as_bytes());
    let digits = format!("Content-Length: {}\r\n", "9".repeat(40));
    refused(&ask(&digits), 413, "at most 100000");
    refused(&ask("Content-Length: -1\r\n"), 400, "no number");
    refused(&ask("Content-Length: 1\r\nContent-Length: 2\r\n"), 400, "more than once");
    refused(&ask(""), 411, "Content-Length");
    refused(&ask("Transfer-Encoding: chunked\r\n"), 411, "Content-Length");
    refused(&ask("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 411, "Content-Length");
    let (kind, body) = form(&[("a", b"1"), ("b", b"2"), ("c", b"3")], None);
    let kind = [("Content-Type", kind.as_str())];
    let reply = server.send(&request(server.address, "POST /report", &kind, &body));
    refused(&reply, 413, "more than 2 files");
}

#[test]
fn an_upload_that_trickles() {
    let server = Running::new(&Settings { upload_seconds: 0.4, ..Settings::default() });
    let whole = server.file(&[b'x'; 1000]);
    for parts in [&whole[..whole.len() - 900], &whole[..40]] {
        let mut stream = connect(server.address).unwrap();
        let began = Instant::now();
        stream.write_all(parts).unwrap();
        let mut trickling = stream.try_clone().unwrap();
        let trickle = std::thread::spawn(move || {
            while began.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(50));
                if trickling.write_all(b"x").is_err() {
                    break;
                }
            }
        });
        refused(&reply(&mut stream).unwrap(), 408, "took too long");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        stream.shutdown(Shutdown::Both).ok();
        trickle.join().unwrap();
    }
    assert_eq!(server.send(&whole).status, 200);
}

#[test]
fn an_upload_of_another_kind() {
    let server = Running::new(&Settings::default());
    let ask = |target: &str, headers: &[(&str, &str)], body: &[u8]| {
        server.send(&request(server.address, &format!("POST {target}"), headers, body))
    };
    let form_of = |text: &str| {
        let body = format!("--xYz\r\nContent-Disposition: form-data; {text}\r\n--xYz--\r\n");
        ask("/report", &[("Content-Type", "multipart/form-data; boundary=xYz")], body.as_bytes())
    };
    refused(&ask("/report", &[], b"x"), 415, "X-File-Name");
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    refused(&ask("/report", &kind, b"file=x"), 415, "multipart/form-data");
    let packed = [("X-File-Name", "a"), ("Content-Encoding", "gzip")];
    refused(&ask("/report", &packed, b"x"), 415, "Content-Encoding");
    let without = [("Content-Type", "multipart/form-data")];
    refused(&ask("/report", &without, b"x"), 400, "without a boundary");
    let name = [("X-File-Name", "%ff")];
    refused(&ask("/report", &name, b"x"), 400, "percent-encoded UTF-8");
    let name = [("X-File-Name", "a")];
    for wrong in ["1.2", "0", "1", "-0.5", "NaN", "inf", "high"] {
        let target = format!("/report?precision={wrong}");
        refused(&ask(&target, &name, b"x"), 400, "a number above 0 and below 1");
    }
    refused(&ask("/report?model=x", &name, b"x"), 400, "known: ?precision");
    refused(&form_of("name=\"file\"; filename=\"\"\r\n\r\n"), 400, "no file was chosen");
    refused(&form_of("name=\"file\"\r\n\r\nx"), 400, "without a file name");
    refused(&form_of("name=\"files\"; filename=\"a\"\r\n\r\nx"), 400, "unknown field \"files\"");
    refused(&form_of(&format!("name=\"precision\"\r\n\r\n{}", "1".repeat(100))), 400, "too long");
    refused(&form_of("name=\"precision\"\r\n\r\n2"), 400, "precision \"2\"");
    let kind = [("Content-Type", "multipart/form-data; boundary=xYz")];
    for broken in [
        "",
        "no boundary at all",
        "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx",
    ] {
        refused(&ask("/report", &kind, broken.as_bytes()), 400, "broken multipart/form-data");
    }
}

#[test]
fn what_the_analysis_says_of_an_upload() {
    let server = Running::new(&Settings::default());
    refused(&server.send(&server.file(b"wrong")), 400, "a.txt: no text");
    refused(&server.send(&server.file(b"fail")), 500, "reading: out of order");
    refused(&server.send(&server.file(b"panic")), 500, "broke off");
    assert_eq!(server.send(&server.file(b"text")).status, 200);
}
