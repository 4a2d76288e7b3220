//! Small documents, made here.

use std::io::{Cursor, Write};
use zip::write::{FileOptions, ZipWriter};

/// A zip archive of the parts.
pub(super) fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, FileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;

/// A DOCX file whose main part has this body.
pub(super) fn docx(body: &str) -> Vec<u8> {
    let styles = r#"<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>"#;
    let main = format!(r#"{HEAD}<w:document xmlns:w="w"><w:body>{body}</w:body></w:document>"#);
    archive(&[("word/document.xml", &main), ("word/styles.xml", styles)])
}

/// A paragraph of it.
pub(super) fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

pub(super) const PAGE: &str = "<!DOCTYPE html><html><head><title>Vendor blog</title><style>p { color: red }</style></head>
<body><nav><a href='/'>Home</a> <a href='/about'>About us</a></nav>
<main><article><header><h1>Operation &quot;Quiet&quot;</h1></header>
<p>The actor sent <b>spearphishing</b> mails &amp; links.<br>It ran <code>net view</code> on hosts.</p>
<script>var p = '<p>Never read this text of a script.</p>';</script>
<ul><li>Credentials were dumped from LSASS memory.</li><li><a href='/tag'>Malware</a></li></ul>
<pre>rule quiet { strings: $a = \"x\" condition: $a }</pre>
<table><tr><th>Type</th><th>Value</th></tr>
<tr><td>SHA256</td><td>e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</td></tr></table>
<p hidden>This paragraph is never shown to anybody.</p>
</article></main><aside><p>Read our other posts about this topic.</p></aside>
<footer><p>We are a company that sells things.</p></footer></body></html>";

/// A page of which a style sheet hides parts.
pub(super) const STYLED: &str = "<html><style>/* a */ @media screen { .x, p#i { display: none !important } }
@media print { p { display: none } } .y{font:0/0 a} .z{color:#fff;background:rgb(255,255,255)} .x.on{display:block}
</style><body><p class='a x'>Nobody sees it.</p><p id=i>Nor this one.</p><div class=y>Nor this.<p style='font-size:9pt'>The
actor ran it.</p></div><span class='z'>Nor that.</span><p class='x on'>It was shown to all.</p></body></html>";

/// A PDF file of objects, numbered from 1; the first is the catalog. With its table of objects.
pub(super) fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n", at + 1).bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    file.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
    );
    file
}

/// A stream, packed.
pub(super) fn packed(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(data).unwrap();
    stream(&format!("{dict} /Filter /FlateDecode"), &writer.finish().unwrap())
}

/// A stream as it is.
pub(super) fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< {dict} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// Lines of a page: x, y, size, text.
pub(super) type Lines<'a> = &'a [(f64, f64, f64, &'a str)];

/// What shows lines, in the font F1.
pub(super) fn content(lines: Lines<'_>) -> Vec<u8> {
    let mut content = String::from("BT\n");
    for (x, y, size, text) in lines {
        let text = text.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        content += &format!("/F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj\n");
    }
    (content + "ET").into_bytes()
}

/// A PDF file with these contents, a page each, and Helvetica as F1.
pub(super) fn pages(contents: &[Vec<u8>]) -> Vec<u8> {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    pages_in(font, contents)
}

/// The same in another font, which may have the first object behind it.
pub(super) fn pages_in(font: &str, contents: &[Vec<u8>]) -> Vec<u8> {
    let kids: Vec<String> = (0..contents.len()).map(|at| format!("{} 0 R", 4 + 2 * at)).collect();
    let (kids, count) = (kids.join(" "), contents.len());
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {count} /Resources << /Font << /F1 3 0 R >> >> >>")
            .into_bytes(),
        font.as_bytes().to_vec(),
    ];
    for (at, content) in contents.iter().enumerate() {
        let of = 5 + 2 * at;
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {of} 0 R >>").into_bytes());
        objects.push(packed("", content));
    }
    pdf(&objects)
}
