use super::samples::{content, packed, pages, pdf, stream};
use super::{blocks, read, refused, refused_within};
use crate::{Kind, Limits};

fn sound() -> Vec<u8> {
    pages(&[content(&[(72.0, 700.0, 10.0, "The actor ran a tool on the host.")])])
}

fn with(tree: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), tree.as_bytes().to_vec()];
    objects.extend_from_slice(more);
    pdf(&objects)
}

#[test]
fn encrypted_and_truncated_files_are_said_to_be() {
    let text = String::from_utf8_lossy(&sound()).into_owned();
    let encrypted = text.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R");
    assert_eq!(refused("Bericht Ä.pdf", encrypted), "encrypted: save it without a password");
    let sound = sound();
    for part in [3, 2] {
        let reason = refused("a.pdf", &sound[..sound.len() * (part - 1) / part]);
        assert_eq!(reason, "a truncated PDF: its end is missing");
    }
    assert_eq!(refused("a.pdf", "%PDF-1.7\n%%EOF"), "a damaged PDF: no page is found");
    let missing = with("<< /Kids [9 0 R] >>", &[]);
    assert_eq!(refused("a.pdf", missing), "page 1: missing from a damaged or truncated PDF");
}

#[test]
fn a_broken_table_of_objects_does_not_matter() {
    let mut file = sound();
    let at = memchr::memmem::find(&file, b"xref").unwrap();
    file[at + 6..at + 60].fill(b'9');
    assert_eq!(blocks(&read("a.pdf", file))[0], (Kind::Prose, "The actor ran a tool on the host."));
}

#[test]
fn loops_end() {
    let tree = with("<< /Kids [2 0 R] >>", &[]);
    assert_eq!(refused("a.pdf", tree), "its tree of pages is a loop");
    let tree = with("<< /Kids [3 0 R 4 0 R] >>", &[b"4 0 R".to_vec(), b"3 0 R".to_vec()]);
    assert_eq!(refused("a.pdf", tree), "its objects refer to each other in a loop");
    // A form that shows itself, twice each time.
    let form = stream(
        "/Subtype /Form /Resources << /XObject << /X 4 0 R >> >>",
        &b"/X Do /X Do BT (a) Tj ET ".repeat(40),
    );
    let page =
        b"<< /Type /Page /Contents 4 0 R /Resources << /XObject << /X 4 0 R >> >> >>".to_vec();
    let file = with("<< /Kids [3 0 R] >>", &[page, form]);
    let limits = Limits { text: 1 << 20, ..Limits::default() };
    assert_eq!(
        refused_within("a.pdf", file, &limits),
        "page 1: unpacks to more than 1048576 bytes"
    );
    let length = stream("/Length 4 0 R /Filter 4 0 R", b"BT ET");
    let page = b"<< /Type /Page /Contents 4 0 R >>".to_vec();
    refused("a.pdf", with("<< /Kids [3 0 R] >>", &[page, length]));
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let blanks = vec![b' '; 80 << 20];
    let bomb = packed("", &blanks);
    let twice = packed("/X", &bomb[memchr::memmem::find(&bomb, b"stream\n").unwrap() + 7..]);
    let page = b"<< /Type /Page /Contents 4 0 R >>".to_vec();
    let file = with("<< /Kids [3 0 R] >>", &[page.clone(), bomb]);
    assert!(file.len() < 1 << 20);
    assert_eq!(refused("a.pdf", file), "page 1: unpacks to more than 67108864 bytes");
    let twice = String::from_utf8_lossy(&twice[..60]).contains("/Filter");
    assert!(twice);
    let objects = packed("/Type /ObjStm /N 999999999 /First 10", &blanks);
    let file = with("<< /Kids [3 0 R] >>", &[page, objects]);
    assert_eq!(refused("a.pdf", file), "unpacks to more than 67108864 bytes");
}

#[test]
fn a_million_pages_are_refused() {
    let kids = "3 0 R ".repeat(1_000_000);
    let page = b"<< /Type /Page >>".to_vec();
    let file = with(&format!("<< /Kids [{kids}] >>"), std::slice::from_ref(&page));
    let reason = refused("a.pdf", file);
    assert_eq!(reason, "1000000 pages or more, and at most 5000 are read");
    // A tree that is a long chain.
    let chain: Vec<Vec<u8>> =
        (0..30_000).map(|at| format!("<< /Kids [{} 0 R] >>", at + 4).into_bytes()).collect();
    let reason = refused("a.pdf", with("<< /Kids [3 0 R] >>", &chain));
    assert_eq!(reason, "5000 pages or more, and at most 5000 are read");
}

#[test]
fn nesting_and_lone_signs_cost_nothing() {
    for sign in [
        "[", "<<", "<</A", "(", "<", "q ", "BT ", "BI ", "/A Do ", "% ", "]", ">>", "/A BMC ", "1 ",
    ] {
        let file = pages(&[sign.repeat(200_000).into_bytes()]);
        refused("a.pdf", file);
        let file = with(&sign.repeat(200_000), &[]);
        refused("a.pdf", file);
    }
    for part in ["1 0 obj <<>> stream\n", "1 0 obj\n", "obj obj ", "trailer << ", "0 0 0 0 obj"] {
        refused("a.pdf", format!("%PDF-1.4\n{}%%EOF", part.repeat(50_000)));
    }
}
