#![allow(clippy::unwrap_used)]

use super::*;

/// The records of a file with this content, each with its line, or the error's words.
fn read(content: &[u8]) -> std::result::Result<Vec<(usize, Vec<String>)>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    std::fs::write(&path, content).unwrap();
    let short = |error: Error| error.to_string().replace(&path.display().to_string(), "t.csv");
    let mut file = CsvFile::open(&path).map_err(short)?;
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    while let Some(line) = file.next(&mut record).map_err(short)? {
        rows.push((line, record.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect()));
    }
    Ok(rows)
}

fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
    (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
}

// Lines that end with CR LF: https://docs.python.org/3/library/csv.html (lineterminator)
#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let expected = vec![row(2, &["1", "2"]), row(4, &["3\n\n4", "5"]), row(7, &["6", ""])];
    let content = "a,b\n1,2\n\n\"3\n\n4\",5\n6,\n";
    assert_eq!(read(content.as_bytes()).unwrap(), expected);
    for end in ["\r\n", "\r"] {
        let other = content.replace('\n', end);
        let mut expected = expected.clone();
        expected[1].1[0] = format!("3{end}{end}4");
        assert_eq!(read(other.as_bytes()).unwrap(), expected, "{end:?}");
    }
    // A mark in front is no part of the first name.
    assert_eq!(read(b"\xef\xbb\xbfa,b\n1,2").unwrap(), [row(2, &["1", "2"])]);
    assert_eq!(read(b"\xef\xbb\xbf\"a\",b\n1,2").unwrap(), [row(2, &["1", "2"])]);
}

#[test]
fn quotes_are_read_rightly_or_not_at_all() {
    let right = "a,b\n\"say \"\"no\"\", or\",2\n\"\",\"\"\n5\" disk,x\"y\n";
    let expected =
        [row(2, &["say \"no\", or", "2"]), row(3, &["", ""]), row(4, &["5\" disk", "x\"y"])];
    assert_eq!(read(right.as_bytes()).unwrap(), expected);
    for (content, message) in [
        // Never closed: https://github.com/pandas-dev/pandas/issues/22661 and
        // https://github.com/apple/turicreate/issues/1692
        ("a,b\n1,2\n\"3,4\n5,6\n", "t.csv, row 3: a quote is opened here and never closed"),
        // Behind a backslash: https://github.com/aotimme/gocsv/issues/46 and
        // https://github.com/C2FO/fast-csv/issues/112
        (
            "a,b\n\"ran \\\"whoami\\\" twice\",2\n",
            "t.csv, row 2: text stands behind the closing quote of a cell: a quote within a quoted \
             cell is written twice",
        ),
        (
            "a,b\n\"1,2\n\"3\",4\n",
            "t.csv, row 3: text stands behind the closing quote of a cell, opened in row 2: a \
             quote within a quoted cell is written twice",
        ),
        (
            "a,b\n1, \"2\"\n",
            "t.csv, row 2: a blank stands before a quote: a cell's quotes are its first and its \
             last character",
        ),
        ("a,b\n1,2\n3\n", "t.csv, row 3: 1 cells, the header has 2"),
        ("a,b\n1,2\n3,4,5\n", "t.csv, row 3: 3 cells, the header has 2"),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let content = content.replace('\n', end);
            assert_eq!(read(content.as_bytes()).unwrap_err(), message, "{content:?}");
        }
    }
}

#[test]
fn what_stands_before_a_broken_quote_is_told_first() {
    let error = read(b"a,b\n1\n\"2,3\n").unwrap_err();
    assert_eq!(error, "t.csv, row 2: 1 cells, the header has 2");
}

#[test]
fn headers() {
    // Two columns of one name: https://github.com/pandas-dev/pandas/issues/14704 and
    // https://github.com/pandas-dev/pandas/issues/19383
    let error = read(b"a,b, a\n1,2,3\n").unwrap_err();
    assert_eq!(error, "t.csv, row 1, field \"a\": two columns have this name, 1 and 3");
    // So is what comes from a stream.
    let mut file = CsvFile::of(Path::new("t.csv"), &b"\xef\xbb\xbfa,b\n1,2\n"[..]).unwrap();
    assert_eq!(file.names(), ["a", "b"]);
    assert_eq!(file.next(&mut ByteRecord::new()).unwrap(), Some(2));
    // Columns without a name, as a frame's index has none, are no names.
    assert_eq!(read(b",a,\n1,2,3\n").unwrap().len(), 1);
    assert_eq!(read(b"").unwrap_err(), "t.csv: empty: not even a header");
    let utf16: Vec<u8> = "\u{feff}a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in [&utf16[..], &utf16[2..]] {
        let error = read(content).unwrap_err();
        assert!(
            error.starts_with("t.csv: UTF-16, as older PowerShell and spreadsheets"),
            "{error}"
        );
    }
    for bytes in [u32::to_le_bytes, u32::to_be_bytes] {
        let utf32: Vec<u8> = "\u{feff}a,b\n".chars().flat_map(|c| bytes(c.into())).collect();
        for content in [&utf32[..], &utf32[4..]] {
            assert_eq!(read(content).unwrap_err(), "t.csv: UTF-32: save it as UTF-8");
        }
    }
    // A workbook of any spreadsheet under a name of CSV.
    let workbook = read(b"PK\x03\x04\x14\0\x06\0").unwrap_err();
    assert_eq!(workbook, "t.csv: a zip file: unpack it first (a spreadsheet: save it as CSV)");
    assert_eq!(read(b"PK,b\n1,2\n").unwrap(), [row(2, &["1", "2"])]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    // Blanks around names: https://github.com/asreview/asreview/issues/467 and
    // https://github.com/ccpem/affinity-vae/issues/156
    std::fs::write(&path, "text , label\n1, 2\n").unwrap();
    let file = CsvFile::open(&path).unwrap();
    assert_eq!(file.column("text").unwrap(), 0);
    assert_eq!(file.column(" label").unwrap(), 1);
    assert_eq!(file.column(" text").unwrap(), 0);
    let error = file.column("class").unwrap_err().to_string();
    assert!(error.ends_with("no such column; there are: \"text \", \" label\""), "{error}");
    for parted in ["text;label\n1;2\n", "text\tlabel\n1\t2\n"] {
        std::fs::write(&path, parted).unwrap();
        let error = CsvFile::open(&path).unwrap().column("text").unwrap_err().to_string();
        assert!(error.ends_with("seem to be parted by semicolons or tabs"), "{error}");
    }
}

// Two quotes in two lines swallow a row: https://github.com/NVIDIA/cudf/issues/2398
#[test]
fn a_row_of_several_lines_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let read = |content: &str| {
        std::fs::write(&path, content).unwrap();
        let mut file = CsvFile::open(&path).unwrap();
        let mut record = ByteRecord::new();
        while file.next(&mut record).unwrap().is_some() {}
        file.notes()
    };
    assert_eq!(read("a,b\n1,2\n"), None);
    let note = read("a,b\n1,2\n\"begins\n\nends\",4\n\"5\n\",6\n").unwrap();
    assert_eq!(note, "2 rows run over several lines (the first: row 3): are its quotes right?");
}

/// Whatever the bytes are and however they come, the lines are those of a plain count, and the
/// cells those of the csv library.
#[test]
fn blocks_of_any_size_give_the_same() {
    struct Small<'a>(&'a [u8], usize);
    impl Read for Small<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }
    let content = "a,b\r\n1, 2\r\n\r\n\"x\r\ny\",\" z\"\r3,  \n,\n\"\"\"\",4\n  ,  5\r\n6,7";
    let all = |size: usize| {
        let path = Path::new("t.csv");
        let mut records =
            Records::over(path, Strict::new(Small(content.as_bytes(), size), 1), None);
        let mut record = ByteRecord::new();
        let mut rows = Vec::new();
        while let Some(line) = records.next(&mut record).unwrap() {
            rows.push((line, record.iter().map(<[u8]>::to_vec).collect::<Vec<_>>()));
        }
        rows
    };
    let whole = all(1 << 16);
    let lines: Vec<usize> = whole.iter().map(|row| row.0).collect();
    assert_eq!(lines, [1, 2, 4, 6, 7, 8, 9, 10]);
    for size in 1..content.len() {
        assert_eq!(all(size), whole, "{size}");
    }
}
