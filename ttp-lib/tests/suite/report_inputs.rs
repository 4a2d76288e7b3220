//! What `ttp report` says to each bad input, from the command line: exit status 1, one line that names
//! the file, and nothing written; and to inputs that are only odd, that it reads them.

use crate::report_model::Project;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::{FileOptions, ZipWriter};

const SENTENCE: &str = "Fog40 fetches files from its server.";

/// One model for all cases: training is what takes time.
#[test]
fn bad_inputs_are_told_and_odd_ones_read() {
    let project = Project::new();
    project.succeeds(&["report-model"]);
    what_cannot_be_read_is_said_in_a_line_and_nothing_is_written(&project);
    what_similar_needs_is_named(&project);
    what_is_odd_is_read_all_the_same(&project);
    at_one_moment_the_files_are_the_same_byte_for_byte(&project);
}

fn at_one_moment_the_files_are_the_same_byte_for_byte(project: &Project) {
    for out in ["first", "second"] {
        let output = project.run_at("1700000000", &["report", "report.txt", "--out", out]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for name in ["report.json", "report.csv", "layer.json", "bundle.json", "report.html"] {
        let [first, second] = ["first", "second"]
            .map(|out| std::fs::read_to_string(project.at(&format!("{out}/{name}"))).unwrap());
        assert_eq!(first, second, "{name}");
        assert!(name == "report.csv" || first.contains("2023-11-14T22:13:20Z"), "{name}");
    }
    for wrong in ["yesterday", "-1", "1.5", "253402300800"] {
        let output = project.run_at(wrong, &["report", "report.txt", "--out", "third"]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        let said = String::from_utf8(output.stderr).unwrap();
        let reason = format!("{wrong:?} is no number of seconds from 1970 to 9999");
        assert!(said.contains(&format!("setting SOURCE_DATE_EPOCH: {reason}")), "{said}");
        assert!(!project.at("third").exists());
    }
}

/// One of the encrypted files that environment/golden/encrypted_pdfs.py has made.
fn encrypted(name: &str) -> Vec<u8> {
    let files: Value = serde_json::from_str(include_str!("../golden/encrypted_pdfs.json")).unwrap();
    let digits = files[name].as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A PDF of these objects, the first of them its catalog, and no table of them.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.5\n");
    for (at, object) in objects.iter().enumerate() {
        file += &format!("{} 0 obj\n{object}\nendobj\n", at + 1);
    }
    (file + "trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n").into_bytes()
}

/// A PDF whose page has this content.
fn page(content: &str) -> Vec<u8> {
    let content = format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len());
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
    let tree = format!("<< /Kids [3 0 R] /Resources << /Font << /F1 {font} >> >> >>");
    let picture = "/XObject << /I 5 0 R >>";
    pdf(&[
        "<< /Type /Catalog /Pages 2 0 R >>",
        &tree,
        &format!(
            "<< /Type /Page /Contents 4 0 R /Resources << /Font << /F1 {font} >> {picture} >> >>"
        ),
        &content,
        "<< /Subtype /Image /Filter /DCTDecode /Length 2 >>\nstream\nab\nendstream",
    ])
}

fn docx(main: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("word/document.xml", FileOptions::default()).unwrap();
    writer.write_all(main.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

/// A DOCX whose main part is 80 MiB of blanks. Without optimisation it would take a minute to pack
/// them: 64 KiB are packed, so that the next ones are packed alike, and repeated.
fn bomb() -> Vec<u8> {
    let mut piece = Vec::with_capacity(4096);
    let mut packer = Compress::new(Compression::best(), false);
    packer.compress_vec(&[b' '; 64 << 10], &mut piece, FlushCompress::Full).unwrap();
    let mut packed = piece.repeat(80 << 4);
    // The last block, an empty one.
    packed.extend([3, 0]);
    let (name, unpacked) = ("word/document.xml", 80_u32 << 20);
    let length = u32::try_from(packed.len()).unwrap();
    // Version, method and date as any; no checksum, for nobody comes to the end.
    let about = |out: &mut Vec<u8>| {
        out.extend([20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0, 0, 0, 0, 0]);
        out.extend([length.to_le_bytes(), unpacked.to_le_bytes()].concat());
        out.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
    };
    let mut file = b"PK\x03\x04".to_vec();
    about(&mut file);
    file.extend(name.bytes());
    file.extend(packed);
    let start = file.len();
    file.extend(b"PK\x01\x02\x14\0");
    about(&mut file);
    file.extend([0; 14]);
    file.extend(name.bytes());
    let size = u32::try_from(file.len() - start).unwrap();
    let start = u32::try_from(start).unwrap();
    file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    file.extend([size.to_le_bytes(), start.to_le_bytes()].concat());
    file.extend([0; 2]);
    file
}

fn text_page() -> Vec<u8> {
    page(&format!("BT /F1 10 Tf 72 700 Td ({SENTENCE}) Tj ET"))
}

fn what_cannot_be_read_is_said_in_a_line_and_nothing_is_written(project: &Project) {
    let whole = text_page();
    let many = format!("<< /Kids [{}] >>", "3 0 R ".repeat(1_000_000));
    let entity = "<!DOCTYPE w [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><w:document><w:p><w:r>\
                  <w:t>&x;</w:t></w:r></w:p></w:document>";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a.pdf", encrypted("aes-256-r6-password"), "encrypted: save it without a password"),
        ("b.pdf", encrypted("rc4-40-password"), "encrypted: save it without a password"),
        ("cut.pdf", whole[..whole.len() / 2].to_vec(), "a truncated PDF: its end is missing"),
        (
            "loop.pdf",
            pdf(&["<< /Type /Catalog /Pages 2 0 R >>", "<< /Kids [3 0 R] >>", "4 0 R", "3 0 R"]),
            "its objects refer to each other in a loop",
        ),
        (
            "many.pdf",
            pdf(&["<< /Type /Catalog /Pages 2 0 R >>", &many, "<< /Type /Page >>"]),
            "1000000 pages or more, and at most 5000 are read",
        ),
        (
            "picture.pdf",
            page("q 10 0 0 10 0 0 cm /I Do Q"),
            "holds pictures only, no text: run a text recognition first",
        ),
        ("bomb.docx", bomb(), "word/document.xml unpacks to more than 67108864 bytes"),
        (
            "entity.docx",
            docx(entity),
            "word/document.xml declares a document type (entities): refused",
        ),
        ("nothing.txt", b" \n-- \n".to_vec(), "holds no text"),
        ("empty.txt", Vec::new(), "an empty file"),
        ("only.html", b"<html><body><script>let a = 1;</script></body>".to_vec(), "holds no text"),
        (
            "program.txt",
            (0..4_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
            "binary, no text",
        ),
        ("Bericht für März 2.pdf", b"%PDF-1.7\n%%EOF".to_vec(), "a damaged PDF: no page is found"),
    ];
    for (name, bytes, reason) in cases {
        std::fs::write(project.at(name), bytes).unwrap();
        let said = project.fails(&["report", name, "--out", "found"]);
        assert_eq!(said, format!("error: {name}: {reason}"));
        assert!(!project.at("found").exists(), "{name}");
    }
    let said = project.fails(&["report", "missing.pdf", "--out", "found"]);
    assert!(said.starts_with("error: missing.pdf: cannot read: "), "{said}");
    #[cfg(unix)]
    for (name, reason) in unreadable_folders(project) {
        let said = project.fails(&["report", name, "--out", "found"]);
        assert!(said.starts_with(&format!("error: {name}: {reason}")), "{said}");
    }
    assert!(!project.at("found").exists());
}

fn what_similar_needs_is_named(project: &Project) {
    let said = project.fails(&["report", "report.txt", "--similar", "--out", "found"]);
    let expected = "error: data/processed/corpus.parquet: not there: `make data`, then `ttp corpus`, \
                    makes it";
    assert_eq!(said, expected);
    project.write("data/processed/corpus.parquet", "");
    for (file, missing) in [("x", "config.json"), ("config.json", "model.safetensors")] {
        project.write(&format!("models/similarity.hard_negatives/{file}"), "{}");
        let said = project.fails(&["report", "report.txt", "--similar", "--out", "found"]);
        let expected = format!(
            "error: models/similarity.hard_negatives/{missing}: not there, and --similar asks the \
             sentence model: `ttp similarity`, or `make notebook NB=11_hard_negatives`, makes it"
        );
        assert_eq!(said, expected);
    }
    assert!(!project.at("found").exists());
}

/// Folders that cannot be listed: one that refers to itself, and, for whom rights hold, one without
/// any; an empty one can.
#[cfg(unix)]
fn unreadable_folders(project: &Project) -> Vec<(&'static str, &'static str)> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    symlink("self", project.at("self")).unwrap();
    std::fs::create_dir(project.at("empty")).unwrap();
    let mut found = vec![("self", "cannot read: "), ("empty", "a folder without a report (txt,")];
    let closed = project.at("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&closed).is_err() {
        found.push(("closed", "cannot read: "));
    }
    found
}

fn what_is_odd_is_read_all_the_same(project: &Project) {
    let german = "Die Angreifer haben nach dem Einbruch die Passwörter aus dem Speicher gelesen und sie \
                  dann mit einem Werkzeug, das sie selbst geschrieben hatten, an einen Server geschickt, \
                  der nicht in dem Netz der Firma steht.";
    let page = |body: &str| format!("<html><body><p>{SENTENCE}</p>{body}").into_bytes();
    let paragraph = format!("<w:document><w:p><w:r><w:t>{SENTENCE}</w:t></w:r></w:p></w:document>");
    let hidden = "<div style='display:none'><p>Fog41 fetches files from nowhere at all.</p></div>";
    let styled = "<style>p.x{display:none}</style><p class=x>Fog41 fetches files from nowhere.</p>";
    let vanished = "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>Fog41 fetches files from nowhere.</w:t></w:r></w:p>";
    let vanished = paragraph.replace("</w:document>", &(vanished.to_owned() + "</w:document>"));
    let table = "<table><tr><td>T1105</td><td>Fog42 fetches more files from it.</td></tr></table>";
    // The file, its bytes, how many sentences it has, and what is told.
    let cases: Vec<(&str, Vec<u8>, usize, &str)> = vec![
        ("deep.html", page(&"<div>".repeat(100_000)), 1, ""),
        ("german.txt", german.as_bytes().to_vec(), 1, "its text seems to be in German"),
        ("named.pdf", page(""), 1, "note: named.pdf: named .pdf, and its content is HTML"),
        ("named.txt", text_page(), 1, "named .txt, and its content is PDF"),
        ("named.html", docx(&paragraph), 1, "named .html, and its content is DOCX"),
        ("Bericht für März.txt", SENTENCE.as_bytes().to_vec(), 1, "Bericht für März.txt"),
        ("printing forbidden.pdf", encrypted("aes-128-objects-in-streams"), 1, ""),
        ("hidden.html", page(hidden), 1, "hidden.html: not read: 1 block of hidden text"),
        ("styled.html", page(styled), 1, "styled.html: not read: 1 block of hidden text"),
        ("vanished.docx", docx(&vanished), 1, "vanished.docx: not read: 1 block of hidden text"),
        ("table.html", page(table), 2, "table.html: not read: 1 block of other tables"),
    ];
    for (name, bytes, sentences, told) in cases {
        std::fs::write(project.at(name), bytes).unwrap();
        let out = format!("out of {name}");
        let said = project.succeeds(&["report", name, "--out", &out]);
        assert!(said.contains(told), "{name}: {said}");
        let report = Path::new(&out).join("report.json");
        let report: Value =
            serde_json::from_slice(&std::fs::read(project.0.path().join(report)).unwrap()).unwrap();
        let read = report["documents"][0]["sentences"].as_array().unwrap();
        assert_eq!(read.len(), sentences, "{name}: {said}");
        assert!(project.at(&out).join("report.html").is_file(), "{name}");
    }
}
