use super::samples::{Lines, content, packed, pages, pages_in, pdf, stream};
use super::{blocks, read, refused, texts};
use crate::Kind;

const WORDS: [&str; 5] = ["", "first", "second", "third", "fourth"];

fn one(lines: Lines<'_>) -> crate::Document {
    read("a.pdf", pages(&[content(lines)]))
}

#[test]
fn lines_become_paragraphs_and_cut_words_whole() {
    let report = one(&[
        (72.0, 720.0, 18.0, "Findings"),
        (72.0, 690.0, 10.0, "The actor sent spearphish-"),
        (72.0, 678.0, 10.0, "ing mails to well-known firms. A well-"),
        (72.0, 666.0, 10.0, "known tool (mimikatz) ran there."),
        (72.0, 640.0, 10.0, "Another paragraph follows in this place."),
        (72.0, 628.0, 10.0, "- It has one item of a list."),
        (72.0, 616.0, 10.0, "evil[.]example 10[.]0.0.1"),
        (72.0, 590.0, 10.0, "Tool"),
        (200.0, 590.0, 10.0, "Purpose"),
    ]);
    assert_eq!(report.notes, [] as [&str; 0]);
    assert_eq!(
        blocks(&report),
        [
            (Kind::Heading, "Findings"),
            (
                Kind::Prose,
                "The actor sent spearphishing mails to well-known firms. A well-known tool \
                 (mimikatz) ran there."
            ),
            (Kind::Prose, "Another paragraph follows in this place."),
            (Kind::Prose, "- It has one item of a list."),
            (Kind::Indicators, "evil[.]example 10[.]0.0.1"),
            (Kind::Table, "Tool | Purpose"),
        ]
    );
    assert!(report.blocks.iter().all(|block| block.page == Some(1)));
    assert_eq!(report.sentences().len(), 4);
}

#[test]
fn headers_footers_and_numbers_of_pages_are_told() {
    let page = |number: usize| {
        let (footer, first, second) = (
            format!("Vendor 2024 page {number}"),
            format!("This page tells of the {} tool and goes", WORDS[number]),
            format!("on with a {} sentence that runs over to", WORDS[number]),
        );
        content(&[
            (72.0, 780.0, 8.0, "Operation Quiet"),
            (72.0, 700.0, 10.0, &first),
            (72.0, 688.0, 10.0, &second),
            (72.0, 40.0, 8.0, &footer),
            (300.0, 28.0, 8.0, &number.to_string()),
        ])
    };
    let mut contents: Vec<Vec<u8>> = (1..=4).map(page).collect();
    contents.push(content(&[(72.0, 700.0, 10.0, "the next page, where it ends.")]));
    let report = read("a.pdf", pages(&contents));
    let prose = texts(&report, Kind::Prose);
    assert_eq!(prose.len(), 4, "{report:?}");
    assert!(prose[3].ends_with("runs over to the next page, where it ends."), "{prose:?}");
    assert_eq!(texts(&report, Kind::Navigation).len(), 12);
    let of: Vec<_> =
        report.blocks.iter().filter(|block| block.kind == Kind::Prose).map(|b| b.page).collect();
    assert_eq!(of, [Some(1), Some(2), Some(3), Some(4)]);
}

#[test]
fn two_columns_are_read_one_after_the_other() {
    let mut lines =
        vec![(72.0, 740.0, 16.0, "A title that stands over both of the two columns here")];
    let left = "The left column tells of a first tool and";
    let right = "The right column tells of another one and";
    for at in 0..10 {
        let y = 700.0 - 12.0 * f64::from(at);
        let ends = at == 9;
        lines.push((72.0, y, 10.0, if ends { "here the left one ends." } else { left }));
        lines.push((320.0, y, 10.0, if ends { "here the right one ends." } else { right }));
    }
    let report = one(&lines);
    let prose = texts(&report, Kind::Prose);
    assert_eq!(prose.len(), 2, "{prose:?}");
    assert!(prose[0].starts_with("The left") && prose[0].ends_with("left one ends."), "{prose:?}");
    assert!(!prose[0].contains("right"), "{prose:?}");
}

#[test]
fn characters_come_by_table_name_or_code() {
    let table = "/CIDInit begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n\
        2 beginbfchar <0001> <0054> <0002> <00660069> endbfchar\n\
        2 beginbfrange <0010> <0020> <0061> <0030> <0031> [<0020> <D835DCB3>] endbfrange endcmap";
    let font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R \
        /DescendantFonts [<< /Subtype /CIDFontType2 /DW 500 /W [1 [600 300] 16 20 400] >>] >>";
    let shown =
        b"BT /F1 10 Tf 72 700 Td [<00010017> -20 <0014> 10 <0030>] TJ <00020011> Tj <0031> Tj ET";
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 /Resources << /Font << /F1 3 0 R >> >> >>"
            .to_vec(),
        font.as_bytes().to_vec(),
        b"<< /Type /Page /Contents 5 0 R >>".to_vec(),
        packed("", shown),
        packed("", table.as_bytes()),
    ];
    assert_eq!(read("a.pdf", pdf(&objects)).blocks[0].text, "The fib𝒳");
    objects[5] = b"null".to_vec();
    let reason = refused("a.pdf", pdf(&objects));
    assert!(reason.contains("its fonts do not say which characters"), "{reason}");

    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Y /FirstChar 1 /Widths [500 500 500 500 500] \
        /Encoding << /Differences [1 /T /h.alt /uni0065 /f_f /Udieresis] >> >>";
    let shown = b"BT /F1 10 Tf 72 700 Td <0102032004 05> Tj (\\101\\047) Tj ET";
    assert_eq!(read("a.pdf", pages_in(font, &[shown.to_vec()])).blocks[0].text, "The ffÜA’");
}

#[test]
fn blanks_come_from_gaps() {
    let shown = b"BT /F1 10 Tf 72 700 Td [(The) -300 (ac) 20 (tor)] TJ 45 0 Td (run) Tj 15.01 0 Td (ning) Tj \
        /F1 6 Tf 20 4 Td (7) Tj ET";
    assert_eq!(
        texts(&read("a.pdf", pages(&[shown.to_vec()])), Kind::Prose),
        ["The actor running 7"]
    );
}

#[test]
fn objects_in_streams_and_older_versions() {
    let inner = "1 0 2 34 3 120 ";
    let (root, tree) = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 /Resources << /Font << /F1 3 0 R >> >> >>",
    );
    let tree = format!("{tree:<85}");
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
    let objects = format!("{inner}{root} {tree} {font}");
    let mut file = b"%PDF-1.5\n".to_vec();
    let first = inner.len();
    let old = stream("", &content(&[(72.0, 700.0, 10.0, "An older version of it.")]));
    let new = stream("", &content(&[(72.0, 700.0, 10.0, "The version that counts.")]));
    let table = packed("/Type /XRef /Root 1 0 R /W [1 2 1] /Size 7", b"");
    let parts: [(usize, Vec<u8>); 5] = [
        (4, b"<< /Type /Page /Contents 5 0 R >>".to_vec()),
        (5, old),
        (6, packed(&format!("/Type /ObjStm /N 3 /First {first}"), objects.as_bytes())),
        (7, table),
        (5, new),
    ];
    for (number, object) in &parts {
        file.extend(format!("{number} 0 obj\n").bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    file.extend(b"startxref\n0\n%%EOF");
    assert_eq!(blocks(&read("a.pdf", file)), [(Kind::Prose, "The version that counts.")]);
}

#[test]
fn filters_one_after_the_other() {
    let hexadecimal: String = b"BT /F1 9 Tf 9 9 Td (It is packed twice.) Tj ET"
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let run: Vec<u8> = hexadecimal.bytes().flat_map(|byte| [0, byte]).chain([128]).collect();
    let body = stream("/Filter [/RunLengthDecode /AHx]", &run);
    let lzw = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
    let file = pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Kids [3 0 R] /Resources << /Font << /F1 << /Subtype /TrueType >> >> >> >>".to_vec(),
        b"<< /Type /Page /Contents [5 0 R 4 0 R] >>".to_vec(),
        body,
        stream("/Filter /LZWDecode", &lzw),
    ]);
    assert_eq!(blocks(&read("a.pdf", file)), [(Kind::Prose, "It is packed twice.")]);
}

#[test]
fn what_a_page_does_not_show_is_hidden() {
    let shown = "The actor ran encoded PowerShell on the host.";
    let unseen = "The malware injects code into a running process.";
    let line = |y: f64, size: f64, text: &'static str| content(&[(72.0, y, size, text)]);
    let with = |before: &str, behind: &str, size: f64| {
        let hidden = line(500.0, size, unseen);
        let page = [&line(700.0, 11.0, shown)[..], before.as_bytes(), &hidden, behind.as_bytes()];
        read("a.pdf", pages(&[page.concat()]))
    };
    let [prose, hidden] = [Kind::Prose, Kind::Hidden];
    for document in
        [with("\n3 Tr\n", "", 11.0), with("\n", "", 0.4), with("\nq 3 Tr\n", " Q", 11.0)]
    {
        assert_eq!(
            (texts(&document, prose), texts(&document, hidden)),
            (vec![shown], vec![unseen])
        );
        assert_eq!(document.notes, [] as [&str; 0]);
    }
    // White on what may be white is read, and told.
    for white in ["\n1 g\n", "\n1 1 1 rg\n", "\n0 0 0 0 k\n"] {
        let document = with(white, "", 11.0);
        assert_eq!(texts(&document, prose).len(), 2, "{white}");
        assert!(document.notes[0].starts_with("8 words are white, "), "{:?}", document.notes);
    }
    assert_eq!(with("\n0.5 g\n", "", 11.0).notes, [] as [&str; 0]);
    // Over a picture it is what a text recognition found in it.
    let picture = b"BI /W 1 /H 1 /CS /G /BPC 8 ID x EI\n3 Tr\n".to_vec();
    let scanned = [picture, line(700.0, 11.0, shown)].concat();
    let document = read("scan.pdf", pages(&[scanned]));
    assert_eq!(texts(&document, prose), [shown]);
    let note = "pages whose text is what a text recognition found in a picture: 1";
    assert_eq!(document.notes, [note]);
}

#[test]
fn pictures_only_is_said() {
    let picture = "<< /Type /Catalog /Pages 2 0 R >>";
    let file = pdf(&[
        picture.as_bytes().to_vec(),
        b"<< /Kids [3 0 R] /Resources << /XObject << /I 4 0 R >> >> >>".to_vec(),
        b"<< /Type /Page /Contents 5 0 R >>".to_vec(),
        stream("/Subtype /Image /Filter /DCTDecode", b"\xff\xd8"),
        packed("", b"q 10 0 0 10 0 0 cm /I Do Q"),
    ]);
    let reason = "holds pictures only, no text: run a text recognition first";
    assert_eq!(refused("Scan für alle.pdf", file), reason);
    let inline = b"BI /W 1 /H 1 ID \x00(not text) Tj EI BT ET".to_vec();
    assert_eq!(refused("a.pdf", pages(std::slice::from_ref(&inline))), reason);
    let text = content(&[(72.0, 700.0, 10.0, "A sentence stands on this page.")]);
    let report = read("a.pdf", pages(&[inline.clone(), text, inline]));
    assert_eq!(report.notes, ["pages with pictures only, no text: 1, 3"]);
    assert_eq!(refused("a.pdf", pages(&[b"q Q".to_vec()])), "holds no text");
}
