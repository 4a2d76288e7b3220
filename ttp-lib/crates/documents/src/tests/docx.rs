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

/// The blocks of a document with these styles.
fn styled(styles: &str, body: &str) -> Vec<(Kind, String)> {
    let main = format!("<w:document><w:body>{body}</w:body></w:document>");
    let styles = format!("<w:styles>{styles}</w:styles>");
    let parts = [("word/document.xml", main.as_str()), ("word/styles.xml", styles.as_str())];
    let document = read("a.docx", archive(&parts));
    blocks(&document).into_iter().map(|(kind, text)| (kind, text.to_owned())).collect()
}

const STYLES: &str = r#"
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Note"><w:basedOn w:val="Normal"/><w:rPr><w:vanish/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Note2"><w:basedOn w:val="Note"/></w:style>
<w:style w:type="paragraph" w:styleId="Shown"><w:basedOn w:val="Note"/><w:rPr><w:vanish w:val="0"/></w:rPr></w:style>
<w:style w:type="character" w:styleId="Secret"><w:rPr><w:rPrChange><w:rPr><w:vanish w:val="0"/></w:rPr></w:rPrChange><w:vanish w:val="true"/></w:rPr></w:style>
<w:style w:type="character" w:styleId="Loop"><w:basedOn w:val="Loop2"/></w:style>
<w:style w:type="character" w:styleId="Loop2"><w:basedOn w:val="Loop"/></w:style>
<w:style w:type="table" w:styleId="Grid"><w:tblStylePr><w:rPr><w:vanish/></w:rPr></w:tblStylePr></w:style>"#;

#[test]
fn hidden_text_is_told_and_not_read() {
    let unseen = "Nobody sees this sentence.";
    for (paragraph, run, hidden) in [
        ("", "<w:vanish/>", true),
        ("", r#"<w:b/><w:vanish w:val="1"/>"#, true),
        ("", r#"<w:vanish w:val="0"/>"#, false),
        ("", r#"<w:vanish w:val="false"/>"#, false),
        ("", r#"<w:vanish w:val="off"/>"#, false),
        ("", "<w:webHidden/>", false),
        ("", "<w:specVanish/>", false),
        ("", "<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>", false),
        // A paragraph's mark, and what it had before a change.
        ("<w:rPr><w:vanish/></w:rPr>", "", false),
        (r#"<w:pPrChange><w:pPr><w:pStyle w:val="Note"/></w:pPr></w:pPrChange>"#, "", false),
        (r#"<w:pStyle w:val="Note"/>"#, "", true),
        (r#"<w:pStyle w:val="Note2"/>"#, "", true),
        (r#"<w:pStyle w:val="Shown"/>"#, "", false),
        (r#"<w:pStyle w:val="Note"/>"#, r#"<w:vanish w:val="0"/>"#, false),
        ("", r#"<w:rStyle w:val="Secret"/>"#, true),
        ("", r#"<w:rStyle w:val="Loop"/>"#, false),
        ("", r#"<w:rStyle w:val="Grid"/>"#, false),
        ("", r#"<w:rStyle w:val="unknown"/>"#, false),
        // Two styles that hide show.
        (r#"<w:pStyle w:val="Note"/>"#, r#"<w:rStyle w:val="Secret"/>"#, false),
        (r#"<w:pStyle w:val="Note"/>"#, r#"<w:rStyle w:val="Secret"/><w:vanish/>"#, true),
    ] {
        let body = format!(
            "<w:p><w:pPr>{paragraph}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{unseen}</w:t></w:r></w:p>"
        );
        let kind = if hidden { Kind::Hidden } else { Kind::Prose };
        assert_eq!(styled(STYLES, &body), [(kind, unseen.to_owned())], "{paragraph} {run}");
    }
}

#[test]
fn hidden_words_are_taken_out_of_their_paragraph() {
    let run = |properties: &str, text: &str| {
        format!(r#"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>"#)
    };
    let hidden = "<w:vanish/>";
    let body = [
        "<w:p>",
        &run("", "The actor ran "),
        &run(hidden, "and never "),
        &run(hidden, "removed &#38; "),
        &run("", "cmd.exe on all hosts."),
        &run(hidden, "It left no trace."),
        "</w:p><w:p>",
        // A text box in a hidden run, and in one that is shown.
        &format!("<w:r><w:rPr>{hidden}</w:rPr><w:txbxContent>{}</w:txbxContent></w:r>", paragraph("In a hidden box.")),
        &format!("<w:r><w:txbxContent><w:p>{}</w:p></w:txbxContent><w:t>It was seen by all of us.</w:t></w:r>", run(hidden, "Hidden in a box.")),
        "</w:p><w:tbl><w:tr><w:tc><w:p>",
        &run("", "T1105"),
        "</w:p></w:tc><w:tc><w:p>",
        &run(hidden, "The loader fetched three files."),
        "</w:p></w:tc></w:tr></w:tbl>",
    ]
    .concat();
    let found = styled("", &body);
    let found: Vec<(Kind, &str)> =
        found.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
    assert_eq!(
        found,
        [
            (Kind::Hidden, "and never removed & It left no trace."),
            (Kind::Prose, "The actor ran cmd.exe on all hosts."),
            (Kind::Hidden, "In a hidden box."),
            (Kind::Hidden, "Hidden in a box."),
            (Kind::Prose, "It was seen by all of us."),
            (Kind::Hidden, "The loader fetched three files."),
            (Kind::Table, "T1105"),
        ]
    );
}

#[test]
fn a_document_may_hide_all_that_says_nothing_else() {
    let shown =
        r#"<w:p><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>The actor ran it.</w:t></w:r></w:p>"#;
    let body = paragraph("Nobody sees this sentence.") + shown;
    for styles in [
        "<w:docDefaults><w:rPrDefault><w:rPr><w:vanish/></w:rPr></w:rPrDefault></w:docDefaults>",
        r#"<w:style w:type="paragraph" w:default="1" w:styleId="N"><w:rPr><w:vanish/></w:rPr></w:style>"#,
        r#"<w:style w:type="character" w:default="on" w:styleId="N"><w:rPr><w:vanish/></w:rPr></w:style>"#,
    ] {
        let found = styled(styles, &body);
        assert_eq!(found[0], (Kind::Hidden, "Nobody sees this sentence.".to_owned()), "{styles}");
        assert_eq!(found[1], (Kind::Prose, "The actor ran it.".to_owned()), "{styles}");
    }
}

#[test]
fn hostile_styles_cost_their_length() {
    let style = |at: usize| {
        format!(r#"<w:style w:styleId="{at}"><w:basedOn w:val="{}"/></w:style>"#, at + 1)
    };
    // Reading ends with an error after 50 seconds.
    let chain: String = (0..90_000).map(style).collect();
    let end = r#"<w:style w:styleId="90000"><w:rPr><w:vanish/></w:rPr></w:style>"#;
    let body =
        r#"<w:p><w:pPr><w:pStyle w:val="0"/></w:pPr><w:r><w:t>Nobody sees this.</w:t></w:r></w:p>"#;
    assert_eq!(styled(&(chain + end), body)[0].0, Kind::Hidden);
    let many: String = (0..100_001).map(style).collect();
    let main = format!("<w:document>{}</w:document>", paragraph(PROSE));
    let styles = format!("<w:styles>{many}</w:styles>");
    let parts = [("word/document.xml", main.as_str()), ("word/styles.xml", styles.as_str())];
    assert_eq!(refused("a.docx", archive(&parts)), "word/styles.xml has more than 100000 styles");
    let deep = "<w:p><w:r><w:rPr><w:vanish/></w:rPr>".repeat(100_000);
    let found = styled("", &format!("{}{deep}<w:t>Nobody sees this.</w:t>", paragraph(PROSE)));
    assert_eq!(found[0], (Kind::Prose, PROSE.to_owned()));
    assert_eq!(found[1].0, Kind::Hidden);
}

#[test]
fn a_tag_of_many_attributes_costs_its_length() {
    // Reading ends with an error after 50 seconds.
    let many: String = (0..1_000_000).map(|at| format!(r#" a{at}="""#)).collect();
    let body = format!(
        r#"<w:p><w:pPr><w:pStyle{many} w:val="Note"/></w:pPr><w:r><w:t>Nobody sees this.</w:t></w:r></w:p>"#
    );
    assert_eq!(styled(STYLES, &(body + &paragraph(PROSE)))[0].0, Kind::Hidden);
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
