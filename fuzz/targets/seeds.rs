//! Seeds that are no text, made by the library's own writers where it has one: magic bytes, zip
//! directories and digests are hardly ever found by changing bytes.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use ttp_base::frame::write_parquet;
use ttp_lib::corpus::{self, Columns, RowChoice, Source};
use ttp_lib::linear::{CompactModel, LinearKind, LinearModel};
use ttp_lib::polars::prelude::{DataFrame, df};
use zip::write::{FileOptions, ZipWriter};

/// Name and shape of each tensor of the smallest transformer.
pub type Shapes = [(&'static str, &'static [usize])];

/// Those of BERT with one layer, four wide, for eight pieces and as many places.
pub const TENSORS: [(&str, &[usize]); 23] = [
    ("embeddings.word_embeddings.weight", &[8, 4]),
    ("embeddings.position_embeddings.weight", &[8, 4]),
    ("embeddings.token_type_embeddings.weight", &[1, 4]),
    ("embeddings.LayerNorm.weight", &[4]),
    ("embeddings.LayerNorm.bias", &[4]),
    ("encoder.layer.0.attention.self.query.weight", &[4, 4]),
    ("encoder.layer.0.attention.self.query.bias", &[4]),
    ("encoder.layer.0.attention.self.key.weight", &[4, 4]),
    ("encoder.layer.0.attention.self.key.bias", &[4]),
    ("encoder.layer.0.attention.self.value.weight", &[4, 4]),
    ("encoder.layer.0.attention.self.value.bias", &[4]),
    ("encoder.layer.0.attention.output.dense.weight", &[4, 4]),
    ("encoder.layer.0.attention.output.dense.bias", &[4]),
    ("encoder.layer.0.attention.output.LayerNorm.weight", &[4]),
    ("encoder.layer.0.attention.output.LayerNorm.bias", &[4]),
    ("encoder.layer.0.intermediate.dense.weight", &[4, 4]),
    ("encoder.layer.0.intermediate.dense.bias", &[4]),
    ("encoder.layer.0.output.dense.weight", &[4, 4]),
    ("encoder.layer.0.output.dense.bias", &[4]),
    ("encoder.layer.0.output.LayerNorm.weight", &[4]),
    ("encoder.layer.0.output.LayerNorm.bias", &[4]),
    ("pooler.dense.weight", &[4, 4]),
    ("pooler.dense.bias", &[4]),
];

/// A safetensors file of tensors of that shape, all of them nought: the header's length in 8 bytes,
/// the header in JSON, the numbers.
pub fn tensors(shapes: &Shapes) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in shapes {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let about =
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        header.insert((*name).to_owned(), about);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + end, 0);
    bytes
}

/// A zip archive of the parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, FileOptions::default()).expect("a file in an archive");
        writer.write_all(content.as_bytes()).expect("a file in an archive");
    }
    writer.finish().expect("an archive").into_inner()
}

/// A DOCX file: a title, a paragraph with a note, a table and a list's item.
fn docx() -> Vec<u8> {
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let paragraph = |more: &str, text: &str| format!("<w:p>{more}{}</w:p>", run(text));
    let title = paragraph(r#"<w:pPr><w:pStyle w:val="h"/></w:pPr>"#, "Findings");
    let text = "The actor sent mails &amp; links to all employees.";
    let noted = format!("<w:p>{}<w:r><w:footnoteReference w:id=\"1\"/></w:r></w:p>", run(text));
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph("", text));
    let table = format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell("Type"), cell("Value"));
    let list = r#"<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr>"#;
    let item = paragraph(list, "Credentials were dumped from memory.");
    let note = paragraph("", "It was seen in March.");
    archive(&[
        (
            "word/document.xml",
            &format!(
                r#"<w:document xmlns:w="w"><w:body>{title}{noted}{table}{item}</w:body></w:document>"#
            ),
        ),
        (
            "word/styles.xml",
            r#"<w:styles xmlns:w="w"><w:style w:styleId="h"><w:name w:val="heading 1"/></w:style></w:styles>"#,
        ),
        (
            "word/footnotes.xml",
            &format!(
                r#"<w:footnotes xmlns:w="w"><w:footnote w:id="1">{note}</w:footnote></w:footnotes>"#
            ),
        ),
    ])
}

/// Blingfire's table of pieces: words of 32 bits, of which the fourth says where the texts end, the
/// 25th how many there are, and those behind it where each begins; then the texts.
fn i2w(pieces: &[&str]) -> Vec<u8> {
    let mut offsets = vec![0];
    for piece in pieces {
        offsets.push(offsets.last().copied().unwrap_or_default() + piece.len() as u32);
    }
    let end = 4 * (25 + offsets.len() as u32) + offsets.last().copied().unwrap_or_default();
    let mut words = [0; 25];
    (words[3], words[24]) = (end, pieces.len() as u32);
    let mut bytes: Vec<u8> = words.iter().chain(&offsets).flat_map(|w| w.to_le_bytes()).collect();
    bytes.extend(pieces.concat().as_bytes());
    bytes
}

/// The files of torch's two formats that the tests of the reader have, as torch wrote them.
fn pickles() -> Vec<(&'static str, Vec<u8>)> {
    let text = include_str!("../../ttp-lib/tests/golden/pickles.json");
    let golden: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let of = |name| {
        let hex = golden["files"][name]["hex"].as_str().expect("a file of that name");
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("a byte");
        (name, (0..hex.len()).step_by(2).map(byte).collect())
    };
    ["zip", "deflated", "tied", "legacy", "legacy_protocol_4"].map(of).to_vec()
}

/// Writes all of them, each into the folder of its target.
pub fn write(root: &Path) {
    let place = |target: &str, name: &str| {
        let folder = root.join(target);
        fs::create_dir_all(&folder).expect("a folder for seeds");
        folder.join(name)
    };
    let put = |target: &str, name: &str, bytes: &[u8]| {
        fs::write(place(target, name), bytes).expect("a seed");
    };
    let frame = |target: &str, frame: ttp_lib::polars::prelude::PolarsResult<DataFrame>| {
        let path = place(target, "small.parquet");
        write_parquet(&mut frame.expect("a frame"), &path).expect("a parquet file");
        fs::read(path).expect("a parquet file")
    };
    put("document", "small.docx", &docx());
    put("safetensors", "small.safetensors", &tensors(&TENSORS));
    for (name, bytes) in pickles() {
        put("pickle", name, &bytes);
    }
    let pieces = [" [PAD]", " [UNK]", " [CLS]", " [SEP]", " [MASK]", " a", "b", " c"];
    put("vocabulary", "small.i2w", &[b"1", &i2w(&pieces)[..]].concat());
    let path = place("parquet", "own.csv");
    fs::write(&path, "sentence,technique\nIt sends mail.,T1566\nIt logs keys.,T1056.001\n")
        .expect("a file to write");
    let columns = Columns::named("sentence", "technique");
    let source =
        Source::Csv { path: path.clone(), columns, known: None, keep: RowChoice::Distinct };
    let built = corpus::build(&source).expect("a corpus");
    built.corpus.write_parquet(&place("parquet", "small.parquet")).expect("a parquet file");
    fs::remove_file(path).expect("a file to remove");
    frame("predictions", df!("true" => ["a", "b"], "predicted" => ["a", "a"]));
    let flows = df!("family" => ["a", "b"], "bytes" => [1.5, 2.0], "ports" => [80, 443]);
    frame("flows", flows);
    let labels = frame("names", df!("id" => [1, 2], "family" => ["a", "b"]));
    put("names", "small.parquet", &[b"4", &labels[..]].concat());
    let texts = ["runs scripts", "sends a mail", "scripts run", "mails a link", "mail of scripts"];
    let classes = ["T1059".to_owned(), "T1566".to_owned()];
    let of = [0, 1, 0, 1, 1];
    for kind in LinearKind::ALL {
        let model = LinearModel::train(kind, &texts, &of, &classes, 1).expect("a linear model");
        let path = place("linear", &format!("{}.safetensors", kind.name()));
        model.save(&path).expect("a linear model's file");
    }
    let model = CompactModel::train(&texts, &of, &classes, 2, 1.0, 1).expect("a linear model");
    model.save(&place("linear", "compact.safetensors")).expect("a linear model's file");
}
