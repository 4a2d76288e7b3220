use super::{blocks, read, refused, refused_within, samples, texts};
use crate::{Format, Kind, Limits};

#[test]
fn a_page_has_its_prose_and_its_bars_apart() {
    let page = read("page.html", samples::PAGE);
    assert_eq!(page.format, Format::Html);
    assert_eq!(
        texts(&page, Kind::Prose),
        [
            "The actor sent spearphishing mails & links. It ran net view on hosts.",
            "Credentials were dumped from LSASS memory."
        ]
    );
    assert_eq!(texts(&page, Kind::Heading), ["Operation \"Quiet\""]);
    assert_eq!(texts(&page, Kind::Table), ["Type | Value"]);
    assert_eq!(texts(&page, Kind::Code).len(), 1);
    assert!(texts(&page, Kind::Indicators)[0].starts_with("SHA256 | e3b0c442"));
    let bars = texts(&page, Kind::Navigation).join(" / ");
    assert_eq!(
        bars,
        "Vendor blog / Home About us / Malware / Read our other posts about this topic. / We are \
         a company that sells things."
    );
    let all = format!("{page:?}");
    assert!(!all.contains("Never read") && !all.contains("never shown"), "{all}");
}

#[test]
fn a_page_laid_out_by_tables_has_prose() {
    let long = "The loader decrypts its payload in memory and starts it. ".repeat(8);
    let page = format!("<html><body><table><tr><td><p>{long}</p></td><td>Menu</td></tr></table>");
    let page = read("old.html", page);
    assert_eq!(texts(&page, Kind::Prose), [long.trim()]);
    assert_eq!(texts(&page, Kind::Table), ["Menu"]);
}

#[test]
fn characters_are_what_the_page_says() {
    let page =
        b"<html><head><meta charset=iso-8859-2></head><p>The group \xb3 used many tools.</p>";
    assert!(format!("{:?}", read("a.html", page).blocks).contains('ł'));
    let page = b"<html><body><p>The caf\xe9 network was used by them.</p></body></html>";
    let page = read("a.html", page);
    assert_eq!(page.notes, ["not UTF-8: read as windows-1252"]);
    assert!(page.blocks[0].text.contains("café"));
}

#[test]
fn nesting_costs_nothing() {
    for tag in ["div", "b", "table", "nav", "td", "svg", "a", "ul><li"] {
        let page = format!(
            "<html><body><p>The actor dumped the credentials.</p>{}",
            format!("<{tag}>").repeat(100_000)
        );
        let page = read("deep.html", page);
        assert_eq!(texts(&page, Kind::Prose), ["The actor dumped the credentials."], "{tag}");
        let closed = format!("<html><p>It ran a tool.</p>{}", "</nav></svg>".repeat(100_000));
        assert_eq!(blocks(&read("closed.html", closed)).len(), 1);
    }
}

#[test]
#[ignore = "slow: 50 MB without optimisation (make test-all)"]
fn a_page_of_50_megabytes_is_read_or_refused_in_time() {
    let start = std::time::Instant::now();
    let line = "<p>The actor used a <a href='x'>tool</a> to read the memory of processes.</p>\n";
    let page = format!("<html><body>{}", line.repeat(50_000_000 / line.len()));
    let read = crate::Document::read("large.html", page.as_bytes(), &Limits::default());
    if let Err(error) = &read {
        assert!(error.to_string().contains("takes longer than 50 seconds"), "{error}");
    }
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn what_is_over_a_limit_is_refused() {
    let page = format!("<html><body><p>{}</p>", "The actor used a tool. ".repeat(10_000));
    let limits = Limits { text: 100_000, ..Limits::default() };
    assert_eq!(refused_within("large.html", &page, &limits), "unpacks to more than 100000 bytes");
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    assert!(refused_within("large.html", &page, &limits).contains("at most 1000 are read"));
    let limits = Limits { seconds: 0, ..Limits::default() };
    assert_eq!(refused_within("a b.html", &page, &limits), "takes longer than 0 seconds to read");
    let empty =
        "<!doctype html><html><body><img src=a.png><script>let a = 1;</script></body></html>";
    assert_eq!(refused("empty.html", empty), "holds no text");
}
