//! `ttp serve` from outside: it says where it listens, logs a line for each request, ends with
//! Ctrl-C in one line, and refuses settings that make no sense. (What it does with uploads is
//! tested in the crate `ttp-serve`, and in a browser.)

use crate::common::own_project::ttp;
use crate::report_model::Project;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[cfg(unix)]
#[test]
fn it_serves_until_ctrl_c() {
    let project = Project::new();
    assert!(
        project.fails(&["serve"]).contains("report-model.json: not there: `make report-model`")
    );
    project.succeeds(&["report-model", "--out", "own"]);
    let before = files(&project);
    let mut command = ttp(project.0.path(), &["serve", "--port", "0", "--model", "own"]);
    let mut served = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(served.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.strip_prefix("serving on http://").expect(&line);
    let (address, rest) = address.split_once('/').unwrap();
    assert_eq!(rest, " (Ctrl-C ends it)\n");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    // Where one listens no other can.
    let port = address.rsplit_once(':').unwrap().1;
    let taken = project.fails(&["serve", "--port", port, "--model", "own"]);
    assert!(taken.contains(&format!("setting --port: {address}: ")), "{taken}");

    // What a file gives from the command line, an upload gives here.
    let text = "Fog40 fetches files.";
    let sent = |accept: &str, body: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /report HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nX-File-Name: a.txt\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = sent("application/json", text);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("T1105"), "{answer}");
    let page = sent("text/html", text);
    assert!(page.contains("<!DOCTYPE html>") && page.contains("Fog40"), "{page}");
    let refused = sent("application/json", "\u{1}\u{2}\u{3}\u{0}");
    assert!(refused.starts_with("HTTP/1.1 400 ") && refused.contains("a.txt: "), "{refused}");

    let interrupted = Command::new("kill").args(["-INT", &served.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert!(served.wait().unwrap().success());
    let (mut last, mut log) = (String::new(), String::new());
    out.read_to_string(&mut last).unwrap();
    assert_eq!(last, "stopped; reports sent: 2\n");
    served.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("GET /health: 200, ") && !log.contains("a.txt"), "{log}");
    assert_eq!(files(&project), before, "nothing is written");
}

fn files(project: &Project) -> usize {
    std::fs::read_dir(project.0.path()).unwrap().count()
}

#[test]
fn settings_that_make_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (["--port", "70000"], "--port"),
        (["--upload-mib", "0"], "--upload-mib"),
        (["--upload-seconds", "0"], "setting --upload-seconds: 0 is not above 0 up to 3600"),
        (["--analysis-seconds", "NaN"], "setting --analysis-seconds: NaN is not above 0"),
        (["--workers", "0"], "setting --workers: 0 is not from 1 to 64"),
        (["--queue", "1001"], "setting --queue: 1001 is not from 0 to 1000"),
    ] {
        let output = ttp(folder.path(), &["serve"]).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(words), "{error}");
    }
}
