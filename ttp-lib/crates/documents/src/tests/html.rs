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
    assert!(!all.contains("Never read"), "{all}");
    assert_eq!(texts(&page, Kind::Hidden), ["This paragraph is never shown to anybody."]);
}

#[test]
fn what_is_not_shown_is_told_and_not_read() {
    let unseen = "Nobody sees this sentence.";
    for (html, seen) in [
        ("<div style='display:none'>HERE</div>", ""),
        ("<div style='color:red; VISIBILITY: hidden !important'>HERE</div>", ""),
        ("<section hidden>HERE</section>", ""),
        ("<section hidden='until-found'>HERE</section>", ""),
        ("<template>HERE</template>", ""),
        ("<div hidden><p>HERE</p><div></div><svg><text>no</text></svg></div>", ""),
        ("<div hidden>HERE</b></span></p></td></div>", ""),
        ("<div hidden><script>var a = '</div>';</script>HERE</div>", ""),
        ("<p>The actor <span style='display:none'>HERE</span>ran it.", "The actor ran it."),
        ("<p hidden>HERE<p>The actor ran it.", "The actor ran it."),
        ("<p hidden>HERE<div>The actor ran it.</div>", "The actor ran it."),
        ("<ul><li hidden>HERE<li>The actor ran it.</ul>", "The actor ran it."),
        ("<ul><li hidden>HERE<ul><li></ul></ul><p>The actor ran it.", "The actor ran it."),
        ("<div><div hidden>HERE</div></div><p>The actor ran it.", "The actor ran it."),
        ("<div><span hidden>HERE</div><p>The actor ran it.", "The actor ran it."),
        ("<dl><dt hidden>HERE<dd>The actor ran it.</dl>", "The actor ran it."),
        (
            "<img hidden><br style='display:none'>The actor ran it.<p hidden>HERE",
            "The actor ran it.",
        ),
        ("<div style='color:white'>The actor ran it.</div><p hidden>HERE", "The actor ran it."),
        ("<div aria-hidden=true>The actor ran it.</div><p hidden>HERE", "The actor ran it."),
        ("<template><div>HERE</template>The actor ran it.", "The actor ran it."),
    ] {
        let html = format!("<html><body style='visibility:hidden'><h1>Title</h1>{html}");
        let page = read("a.html", html.replace("HERE", unseen));
        assert_eq!(texts(&page, Kind::Hidden), [unseen], "{html}");
        let expected: Vec<&str> = [seen].into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(texts(&page, Kind::Prose), expected, "{html}");
        assert_eq!(page.sentences().len(), expected.len());
    }
}

#[test]
fn what_a_style_sheet_hides_is_told_and_not_read() {
    let unseen = "Nobody sees this sentence.";
    let seen = "The actor ran it.";
    for html in [
        "<style>.x{display:none}</style><p class='a x b'>HERE</p><p class='X'>THERE</p>",
        "<p id=x>HERE<p id=y>THERE<style>#x{visibility:hidden}</style>",
        "<style>@media print{p{display:none}} div.x{display:none}</style><div class=x>HERE</div><p class=x>THERE",
        "<style media=print>p{display:none}</style><style>.x{font-size:0}</style><p class=x>HERE<p>THERE",
        "<style>.x{color:#fff;background:white}</style><p>THERE <span class=x>HERE</span></p>",
        "<noscript><style>.y{display:none}</style></noscript><p class=y>THERE<p hidden>HERE",
        "<template><style>.y{display:none}</style></template><p class=y>THERE<p hidden>HERE",
        "<!-- <style>.y{display:none}</style> --><p class=y>THERE<p hidden>HERE",
        "<style type=text/x-template>.y{display:none}</style><p class=y>THERE<p hidden>HERE",
        "<style>body,html,br{display:none}</style><p>THERE<p hidden>HERE",
        "<style>.x{display:none}.x.on{display:block}</style><p class='x on'>THERE<p hidden>HERE",
        "<p>THERE</p><style>.x{display:none}",
    ] {
        let html = format!("<html><body>{html}").replace("THERE", seen).replace("HERE", unseen);
        let page = read("a.html", &html);
        let hidden = [unseen].into_iter().filter(|text| html.contains(text));
        assert_eq!(texts(&page, Kind::Hidden), hidden.collect::<Vec<_>>(), "{html}");
        assert_eq!(texts(&page, Kind::Prose), [seen], "{html}");
    }
}

#[test]
fn what_has_no_size_is_not_read_and_what_it_holds_may_have_one() {
    let unseen = "Nobody sees this sentence.";
    let seen = "The actor ran it.";
    for html in [
        "<p>THERE <span style='font-size:0'>HERE</span></p>",
        "<p style='font-size:0'>HERE<p>THERE",
        "<div style='font-size:0'><p>HERE</p></div>THERE",
        "<div style='font-size:0'><div style='font-size:12px'><p>THERE</p></div>HERE</div>",
        "<div style='font-size:0'>HERE<div style='font-size:12px'>THERE</div></div>",
        "<div style='font-size:0'><p style='font-size:1em'>HERE</p></div><p>THERE",
        "<div style='font:0/0 a'><p style='color:red'>HERE</p></div><p>THERE",
        "<div style='color:red;background:red'><p style='color:#000'>THERE</p>HERE</div>",
        "<div style='font-size:0'><p hidden>HERE</p><p style='font-size:9pt'>THERE</p></div>",
        "<ul><li style='font-size:0'>HERE<li>THERE</ul>",
        "<div><b style='font-size:0'>HERE</div><p>THERE",
        "<table style='font-size:0'><tr><td>HERE</table><p>THERE",
        "<table><tr style='font-size:0'><td>HERE<tr><td>THERE</table>",
    ] {
        let html = format!("<html><body>{html}").replace("THERE", seen).replace("HERE", unseen);
        let page = read("a.html", &html);
        assert_eq!(texts(&page, Kind::Hidden), [unseen], "{html}");
        let read: Vec<&str> = page.blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(page.blocks.len(), 2, "{html}: {read:?}");
        assert!(read.contains(&seen), "{html}: {read:?}");
    }
}

#[test]
fn a_large_style_sheet_and_many_classes_cost_their_length() {
    // Reading ends with an error after 50 seconds.
    let rules: String =
        (0..100_000).map(|at| format!(".class-number-{at}{{display:none; color:red}}\n")).collect();
    assert!(rules.len() > 4 << 20);
    let classes: String = (0..20_000).map(|at| format!("other{at} ")).collect();
    let alternating = "<b style='font-size:0'><i style='font-size:9px'>".repeat(10_000);
    let page = format!(
        "<html><style>{rules}</style><p class='{classes}'>The actor ran it.<p \
         class=class-number-99999>Nobody sees this sentence.</p>{alternating}"
    );
    let page = read("a.html", page);
    assert_eq!(texts(&page, Kind::Prose), ["The actor ran it."]);
    assert_eq!(texts(&page, Kind::Hidden), ["Nobody sees this sentence."]);
}

#[test]
fn cells_that_hold_a_sentence_are_read() {
    let page = "<html><body><h2>Techniques</h2><table>
<tr><th>Technique</th><th>Procedure</th></tr>
<tr><td>T1566</td><td>Phishing</td><td>The actor sent mails with a <b>malicious</b> attachment.</td></tr>
<tr><td>T1059<td>PowerShell<td><p>The actor ran encoded commands.<p>A short note<p>It used net view to list the hosts
<tr><td>T1003<td><a href=x>Read all that we know about the group.</a><td><code>The actor ran it in a shell.</code>
<tr><td>d41d8cd98f00b204e9800998ecf8427e<td>This file was dropped by the loader at each start.
<tr hidden><td>Nobody sees<td>The actor was not seen in this row.
<tr><td>T1105<td hidden>Nobody sees<td>The loader fetched three more files.
</table><h2>Indicators of compromise</h2><table><tr><td>Loader</td><td>This one was seen at a victim in May.</td></tr></table>";
    let page = read("a.html", page);
    assert_eq!(
        blocks(&page),
        [
            (Kind::Heading, "Techniques"),
            (Kind::Table, "Technique | Procedure"),
            (Kind::Table, "T1566 | Phishing"),
            (Kind::Prose, "The actor sent mails with a malicious attachment."),
            (Kind::Table, "T1059 | PowerShell | A short note"),
            (Kind::Prose, "The actor ran encoded commands."),
            (Kind::Prose, "It used net view to list the hosts"),
            (
                Kind::Table,
                "T1003 | Read all that we know about the group. | The actor ran it in a shell."
            ),
            (
                Kind::Indicators,
                "d41d8cd98f00b204e9800998ecf8427e | This file was dropped by the loader at each start."
            ),
            (Kind::Hidden, "Nobody sees The actor was not seen in this row."),
            (Kind::Hidden, "Nobody sees"),
            (Kind::Table, "T1105"),
            (Kind::Prose, "The loader fetched three more files."),
            (Kind::Heading, "Indicators of compromise"),
            (Kind::Indicators, "Loader"),
            (Kind::Indicators, "This one was seen at a victim in May."),
        ]
    );
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
    for tag in [
        "div",
        "b",
        "table",
        "nav",
        "td",
        "svg",
        "a",
        "ul><li",
        "div hidden",
        "template",
        "div style=font-size:0",
    ] {
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
