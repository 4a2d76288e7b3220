use super::PROSE;
use crate::files::read_watched;
use crate::{Limits, gather, left_out, read_file};
use std::io::Read;
use std::path::PathBuf;

#[test]
fn files_are_named_with_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Bericht für März.txt");
    std::fs::write(&path, PROSE).unwrap();
    assert_eq!(read_file(&path, &Limits::default()).unwrap().name, "Bericht für März.txt");
    std::fs::write(&path, "").unwrap();
    let error = |path: &PathBuf| read_file(path, &Limits::default()).unwrap_err().to_string();
    assert_eq!(error(&path), format!("{}: an empty file", path.display()));
    let missing = folder.path().join("no.pdf");
    assert!(error(&missing).starts_with(&format!("{}: cannot read", missing.display())));
    assert!(error(&folder.path().to_path_buf()).ends_with("no ordinary file"));
    std::fs::write(&path, PROSE).unwrap();
    let limits = Limits { bytes: 10, ..Limits::default() };
    assert!(read_file(&path, &limits).unwrap_err().to_string().contains("at most 10 are read"));
}

#[test]
fn a_file_that_changes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let changes: [&dyn Fn(); 3] = [
        &|| std::fs::write(&path, [PROSE, PROSE].concat()).unwrap(),
        &|| std::fs::write(&path, "").unwrap(),
        &|| {
            std::fs::write(folder.path().join("b"), PROSE).unwrap();
            std::fs::rename(folder.path().join("b"), &path).unwrap();
        },
    ];
    for change in changes {
        std::fs::write(&path, PROSE).unwrap();
        let read = read_watched(&path, &Limits::default(), |file, bytes| {
            let mut half = [0; 20];
            let length = file.read(&mut half)?;
            bytes.extend_from_slice(&half[..length]);
            change();
            file.read_to_end(bytes)
        });
        let line = read.unwrap_err().to_string();
        assert_eq!(line, format!("{}: changed while it was read: read it again", path.display()));
    }
}

#[test]
fn a_folder_gives_its_reports() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["b.PDF", "a b.txt", "ü.html", ".hidden.txt", "c.png", "d"] {
        std::fs::write(at(name), PROSE).unwrap();
    }
    std::fs::create_dir(at("below.txt")).unwrap();
    let all = gather(&[at("d"), folder.path().to_path_buf(), at("b.PDF")]).unwrap();
    assert_eq!(all, [at("d"), at("a b.txt"), at("b.PDF"), at("ü.html")]);
    assert_eq!(left_out(folder.path()).unwrap(), ["below.txt/", "c.png", "d"]);
    let error = |path: PathBuf| gather(&[path]).unwrap_err().to_string();
    assert!(error(at("below.txt")).contains("a folder without a report (txt,"));
    assert!(error(at("none.txt")).contains("none.txt: cannot read"));
}
