//! A client that sends what it is told to, right or wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// A request with `Host` and, where there is a body, `Content-Length`.
pub fn request(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !line.starts_with("GET") {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

/// A form with files, and its content type.
pub fn form(files: &[(&str, &[u8])], precision: Option<&str>) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, content) in files {
        body.extend(format!("--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    if let Some(value) = precision {
        body.extend(
            format!(
                "--xYz\r\nContent-Disposition: form-data; name=\"precision\"\r\n\r\n{value}\r\n"
            )
            .bytes(),
        );
    }
    body.extend(b"--xYz--\r\n");
    ("multipart/form-data; boundary=xYz".to_owned(), body)
}

/// Connects; a server that says nothing for half a minute has failed.
pub fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

/// Reads an answer to its end.
pub fn reply(stream: &mut TcpStream) -> std::io::Result<Reply> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let broken = || std::io::Error::other(format!("no answer: {text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    Ok(Reply { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends and reads the answer.
pub fn send(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Reply> {
    let mut stream = connect(address)?;
    // A server may answer before it has read all.
    let _ = stream.write_all(bytes);
    reply(&mut stream)
}
