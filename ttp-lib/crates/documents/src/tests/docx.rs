use super::samples::{archive, docx, paragraph};
use super::{PROSE, blocks, read, refused, refused_within};
use crate::{Format, Kind, Limits};

#[test]
fn paragraphs_titles_lists_and_tables() {
    let body = [
        r#"<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Findings</w:t></w:r></w:p>"#,
        r#"<w:p><w:r><w:t xml:space="preserve">The actor ran </w:t></w:r><w:del><w:r><w:delText>never </w:delText></w:r></w:del><w:r><w:t>cmd.exe &amp; net.exe on R&#38;D hosts.</w:t></w:r></w:p>"#,
        r#"<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>It deleted shadow copies</w:t><w:tab/><w:t>twice.</w:t></w:r></w:p>"#,
        r#"<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Tool</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Use</w:t></w:r></w:p></w:tc></w:tr>"#,
        r#"<w:tr><w:tc><w:p><w:r><w:t>T1105</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>The loader fetched three files.</w:t></w:r></w:p><w:p><w:r><w:t>And more</w:t></w:r></w:p></w:tc></w:tr>"#,
        r#"<w:tr><w:tc><w:p><w:r><w:t>evil[.]example</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>The loader asked there for orders.</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"#,
    ];
    let document = read("Bericht über alles.docx", docx(&body.concat()));
    assert_eq!(document.format, Format::Docx);
    assert_eq!(document.name, "Bericht über alles.docx");
    assert_eq!(
        blocks(&document),
        [
            (Kind::Heading, "Findings"),
            (Kind::Prose, "The actor ran cmd.exe & net.exe on R&D hosts."),
            (Kind::Prose, "It deleted shadow copies twice."),
            (Kind::Table, "Tool | Use"),
            (Kind::Table, "T1105 | And more"),
            (Kind::Prose, "The loader fetched three files."),
            (Kind::Indicators, "evil[.]example | The loader asked there for orders."),
        ]
    );
}

#[test]
fn footnotes_come_last() {
    let main = format!("<w:document><w:body>{}</w:body></w:document>", paragraph(PROSE));
    let notes = paragraph("[1] Vendor, 2020, https://vendor.example/report");
    let notes = format!("<w:footnotes><w:footnote>{notes}</w:footnote></w:footnotes>");
    let parts = [("word/document.xml", main.as_str()), ("word/footnotes.xml", &notes)];
    let document = read("a.docx", archive(&parts));
    assert_eq!(document.blocks[1].kind, Kind::Reference);
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_unpacked() {
    let bomb = docx(&" ".repeat(80 << 20));
    assert!(bomb.len() < 1 << 20);
    assert_eq!(
        refused("bomb.docx", &bomb),
        "word/document.xml unpacks to more than 67108864 bytes"
    );
    let limits = Limits { text: 1_000, ..Limits::default() };
    assert!(refused_within("bomb.docx", &bomb, &limits).contains("more than 1000 bytes"));
}

#[test]
fn entities_are_never_expanded() {
    let external = r#"<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:document>"#;
    let laughs = r#"<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><w:document><w:t>&b;</w:t></w:document>"#;
    for main in [external, laughs] {
        let reason = refused("hostile.docx", archive(&[("word/document.xml", main)]));
        assert_eq!(reason, "word/document.xml declares a document type (entities): refused");
    }
    let unknown = docx(&format!("{}{}", paragraph("&x;&nbsp;"), paragraph(PROSE)));
    assert_eq!(blocks(&read("a.docx", unknown)), [(Kind::Prose, PROSE)]);
}

#[test]
fn what_is_damaged_or_no_docx_is_said() {
    let sound = docx(&paragraph(PROSE));
    let reason = refused("cut.docx", &sound[..sound.len() / 2]);
    assert!(reason.starts_with("a damaged or truncated DOCX"), "{reason}");
    let reason = refused("sheet.docx", archive(&[("xl/workbook.xml", "<a/>")]));
    assert_eq!(reason, "a zip archive without word/document.xml: no DOCX");
    let reason = refused("a.docx", archive(&[("word/document.xml", "<w:p><w:t>a</w:t><")]));
    assert!(reason.starts_with("word/document.xml, byte 17"), "{reason}");
    assert_eq!(refused("empty.docx", docx("")), "holds no text");
    let old = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 512]].concat();
    assert!(refused("old.docx", old).contains("save it as DOCX"));
}

#[test]
fn nesting_costs_nothing() {
    let body = format!("{}{}", paragraph(PROSE), "<w:tbl><w:tr><w:tc>".repeat(100_000));
    assert_eq!(blocks(&read("deep.docx", docx(&body)))[0], (Kind::Prose, PROSE));
}
