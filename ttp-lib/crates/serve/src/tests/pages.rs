//! Pages, their policy, and who may ask for them.

use super::client::{form, request};
use super::{Echo, Running, refused};
use crate::{Settings, Stop, serve};
use std::net::TcpListener;
use std::sync::Arc;

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let server = Running::new(&Settings::default());
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(page.head.contains("Content-Security-Policy: default-src 'none'; script-src 'self';"));
    for header in [
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: same-origin",
        "X-Frame-Options: DENY",
        "Content-Type: text/html; charset=utf-8",
    ] {
        assert!(page.head.contains(header), "{header} in {}", page.head);
    }
    assert!(page.body.contains("data-bytes=\"67108864\"") && !page.body.contains("://"));
    assert!(page.body.ends_with("</html>\n"));
    for (file, kind) in [("/serve.css", "text/css"), ("/serve.js", "text/javascript")] {
        let reply = server.get(file);
        assert!(reply.status == 200 && reply.head.contains(&format!("Content-Type: {kind}")));
        assert!(!reply.body.contains("://"));
    }
    let head = server.send(b"HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    assert_eq!(head.status, 403, "without its port a host is another one");
    let health = server.get("/health");
    assert_eq!(health.body, "{\"running\":0,\"status\":\"ok\",\"waiting\":0}\n");
}

#[test]
fn a_head_has_no_body() {
    let server = Running::new(&Settings::default());
    let whole = server.get("/");
    let reply = server.send(&request(server.address, "HEAD /", &[], b""));
    assert_eq!((reply.status, reply.body.as_str()), (200, ""));
    assert!(reply.head.contains(&format!("Content-Length: {}", whole.body.len())));
}

#[test]
fn a_report_is_a_page_of_no_site_or_json() {
    let server = Running::new(&Settings::default());
    let (kind, body) = form(&[("a.txt", b"text")], None);
    let page = [("Content-Type", kind.as_str()), ("Accept", "text/html,*/*;q=0.8")];
    let reply = server.send(&request(server.address, "POST /report", &page, &body));
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with("<!DOCTYPE html><title>Report</title>"));
    assert!(reply.head.contains("default-src 'none'; script-src 'unsafe-inline';"));
    assert!(reply.head.contains("sandbox allow-scripts") && reply.head.contains("no-referrer"));
    for accept in ["application/json", "*/*"] {
        let json = [("Content-Type", kind.as_str()), ("Accept", accept)];
        let reply = server.send(&request(server.address, "POST /report", &json, &body));
        assert_eq!(reply.body, r#"[{"bytes":4,"name":"a.txt","precision":null}]"#);
        assert!(reply.head.contains("Content-Type: application/json"));
    }
}

#[test]
fn a_refusal_is_a_page_for_browsers() {
    let server = Running::new(&Settings::default());
    let page = [("X-File-Name", "%3Cb%3E.txt"), ("Accept", "text/html")];
    let reply = server.send(&request(server.address, "POST /report", &page, b"wrong"));
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("&lt;b&gt;.txt: no text"), "{}", reply.body);
    assert!(reply.head.contains("script-src 'self'"));
}

#[test]
fn other_hosts_and_other_sites_are_refused() {
    let server = Running::new(&Settings::default());
    let port = server.address.port();
    let ask = |headers: &str| {
        let line = "POST /report HTTP/1.1\r\nX-File-Name: a\r\nContent-Length: 1\r\n";
        server.send(format!("{line}{headers}\r\nx").as_bytes())
    };
    for (headers, status, words) in [
        (String::new(), 400, "no header Host"),
        (format!("Host: evil.example:{port}\r\n"), 403, "another host"),
        ("Host: 127.0.0.1:1\r\n".to_owned(), 403, "another host"),
        (format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"), 400, "more than once"),
        (format!("Host: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\n"), 403, "another site"),
        (format!("Host: 127.0.0.1:{port}\r\nOrigin: http://localhost:{port}\r\n"), 403, "another"),
        (format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n"), 403, "another site"),
        (format!("Host: 127.0.0.1:{port}\r\nSec-Fetch-Site: same-site\r\n"), 403, "another site"),
    ] {
        refused(&ask(&headers), status, words);
    }
    for name in ["127.0.0.1", "localhost"] {
        let own = format!("Host: {name}:{port}\r\nOrigin: http://{name}:{port}\r\n");
        assert_eq!(ask(&format!("{own}Sec-Fetch-Site: same-origin\r\n")).status, 200);
    }
    // A page of another site may not even read the page.
    let reply = server.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    refused(&reply, 403, "another host");
}

#[test]
fn unknown_addresses_and_methods() {
    let server = Running::new(&Settings::default());
    refused(&server.get("/etc/passwd"), 404, "nothing is at this address");
    refused(&server.get("/../x"), 404, "nothing is at this address");
    let reply = server.get("/report");
    refused(&reply, 405, "POST");
    assert!(reply.head.contains("Allow: POST"));
    refused(&server.send(&request(server.address, "DELETE /", &[], b"")), 405, "GET, HEAD");
    refused(&server.send(b"GET http://a.example/ HTTP/1.1\r\n\r\n"), 400, "does not begin with /");
    refused(
        &server.send(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"),
        400,
        "no HTTP request",
    );
    let long = request(server.address, "GET /", &[("X", &"x".repeat(20_000))], b"");
    refused(&server.send(&long), 431, "head of more than 16384 bytes");
    let many = vec![("X", "x"); 100];
    refused(&server.send(&request(server.address, "GET /", &many, b"")), 431, "64 headers");
}

#[test]
fn no_other_machine_is_served() {
    let start = |settings: &Settings| {
        let ready = |_| panic!("it started");
        let error = serve(settings, Arc::new(Echo), |_| {}, ready, &Stop::new()).unwrap_err();
        error.to_string()
    };
    for address in ["0.0.0.0:0", "[::]:0", "127.0.0.2:0", "192.168.0.1:80"] {
        let address = address.parse().unwrap();
        let error = start(&Settings { address, ..Settings::default() });
        assert!(error.contains("127.0.0.1 alone"), "{error}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = start(&Settings { address, ..Settings::default() });
    assert!(error.starts_with(&format!("setting serve.address: {address}: ")), "{error}");
    for (settings, field) in [
        (Settings { upload_bytes: 0, ..Settings::default() }, "upload_bytes"),
        (Settings { all_uploads_bytes: 1, ..Settings::default() }, "all_uploads_bytes"),
        (Settings { files: 0, ..Settings::default() }, "files"),
        (Settings { workers: 0, ..Settings::default() }, "workers"),
        (Settings { queue: 2000, ..Settings::default() }, "queue"),
        (Settings { upload_seconds: f64::NAN, ..Settings::default() }, "upload_seconds"),
        (Settings { analysis_seconds: 0.0, ..Settings::default() }, "analysis_seconds"),
    ] {
        let error = start(&settings);
        assert!(error.starts_with(&format!("setting serve.{field}: ")), "{error}");
    }
}
