//! What comes out is held to a property. Each says that the bytes were read.

use crate::readers::form;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::path::Path;
use ttp_audit::{Claims, Verdict};
use ttp_lib::corpus::clean;
use ttp_lib::show::{defang, escape_html, escape_markdown, harmless, terminal_safe};

/// Sentences have no line breaks, one blank between words, and no mark of the cleaning; those of a
/// plain text stand where their places say, in their order, and nothing but blanks lies between
/// them.
pub fn sentences(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    for sentence in clean::sentences(text) {
        assert!(
            !sentence.contains(['\n', '\r', '\u{e000}', '\u{e001}', '\u{e002}']),
            "{sentence:?}"
        );
        assert_eq!(clean::collapse(&sentence), sentence);
        assert!(!sentence.is_empty());
    }
    let plain = clean::collapse(text);
    let mut end = 0;
    for range in clean::sentence_ranges(&plain) {
        assert!(plain[end..range.start].trim().is_empty(), "{range:?} of {plain:?}");
        let sentence = &plain[range.clone()];
        assert!(!sentence.is_empty() && sentence.trim() == sentence, "{sentence:?}");
        end = range.end;
    }
    assert!(plain[end..].trim().is_empty(), "{:?} of {plain:?}", &plain[end..]);
    true
}

/// Schemes that need no `//`.
const SHORT: [&str; 6] = ["javascript", "vbscript", "mailto", "data", "tel", "sms"];

/// Endings of hosts that are no file's.
const DOMAINS: [&str; 8] = ["com", "net", "org", "info", "onion", "ru", "cn", "de"];

/// An address in a defanged text that a program makes a link of: one with a scheme, an e-mail
/// address, an IPv4 address, or a host by its ending or by its `www.`.
fn live(text: &str) -> Option<String> {
    let of_host = |c: char| c.is_alphanumeric() || "-_.\u{3002}\u{ff0e}\u{ff61}".contains(c);
    for (at, _) in text.match_indices("://") {
        let run = text[..at].rsplit(|c| !of_host(c)).next().unwrap_or_default();
        let masked = ["hxxp", "hxxps", "fxp"].iter().any(|mask| run.ends_with(mask));
        if !run.is_empty() && !masked {
            return Some(format!("{run}://"));
        }
    }
    for (at, _) in text.match_indices('@') {
        let before = text[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        if before && text[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Some(text[at..].to_owned());
        }
    }
    let mut rest = text;
    while let Some(start) = rest.find(of_host) {
        let run = &rest[start..];
        let end = run.find(|c| !of_host(c)).unwrap_or(run.len());
        let (run, after) = run.split_at(end);
        rest = after;
        let something = after.strip_prefix(':').and_then(|after| after.chars().next());
        if SHORT.iter().any(|short| run.eq_ignore_ascii_case(short))
            && something.is_some_and(|c| !c.is_whitespace())
        {
            return Some(format!("{run}:"));
        }
        let labels: Vec<&str> = run.trim_matches('.').split('.').collect();
        let is_label = |label: &&str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if labels.len() < 2 || !labels.iter().all(is_label) {
            continue;
        }
        // Of a scheme's name nothing is a host.
        if after.starts_with("://") {
            continue;
        }
        let octet = |label: &&str| label.parse::<u8>().is_ok();
        let last = labels[labels.len() - 1].to_ascii_lowercase();
        if (labels.len() == 4 && labels.iter().all(octet))
            || DOMAINS.contains(&last.as_str())
            || labels[0].eq_ignore_ascii_case("www")
        {
            return Some(run.to_owned());
        }
    }
    None
}

/// The text that HTML or Markdown shows of an escaped one.
fn unescaped(escaped: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(escaped.to_owned(), |text, (name, c)| text.replace(name, c))
}

/// No tag, no live address and no character that acts unseen is left of a text that is shown; what
/// was defanged stays as it is; what was escaped reads as it did.
pub fn shown(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let defanged = defang(text);
    assert_eq!(defang(&defanged), defanged, "defanged twice");
    assert_eq!(live(&defanged), None, "{defanged:?}");
    let terminal = terminal_safe(&defanged);
    let unseen =
        |c: char| c.is_control() || "\u{ad}\u{200b}\u{200e}\u{202e}\u{2066}\u{feff}".contains(c);
    assert!(!terminal.contains(unseen) && !terminal.contains("EVCXR_"), "{terminal:?}");
    let escaped = escape_html(&defanged);
    assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped:?}");
    assert_eq!(unescaped(&escaped), terminal);
    assert!(harmless(text, 8).chars().count() <= 8);
    in_markdown(&escape_markdown(&defanged), &terminal);
    true
}

/// In a sentence an escaped text is nothing but itself, as CommonMark and its extensions read it.
fn in_markdown(escaped: &str, text: &str) {
    let sentence = format!("It says {escaped} there.");
    let mut found = String::new();
    for event in Parser::new_ext(&sentence, Options::all() & !Options::ENABLE_SMART_PUNCTUATION) {
        match event {
            Event::Text(text) => found.push_str(&text),
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
            other => panic!("{other:?} in {sentence:?}"),
        }
    }
    assert_eq!(found, format!("It says {text} there."), "{sentence:?}");
}

/// Whether a share prints so; `None` where it lies half-way between two figures, which no one rule
/// rounds.
fn prints((part, of): Share, decimals: u32, figure: u64) -> Option<bool> {
    let (part, of) = if of == 0 { (0, 1) } else { (part, of) };
    let far = (2 * part * 10_u64.pow(decimals)).abs_diff(2 * figure * of);
    if far == of { None } else { Some(far < of) }
}

/// Part and whole. Nothing of nothing is nought.
type Share = (u64, u64);

/// Figures as printed, in units of the last decimal, and what is known of the examples' number.
struct Printed {
    totals: std::ops::RangeInclusive<u64>,
    decimals: u32,
    figures: [u64; 4],
}

impl Printed {
    /// Whether one of all matrices with so many examples prints these figures; `None` where that
    /// depends on how a half is rounded.
    fn is_possible(&self, classes: usize, shares: fn(&[u64]) -> [Share; 4]) -> Option<bool> {
        let mut unsure = false;
        let mut cells = vec![0; classes * classes];
        for total in self.totals.clone() {
            cells.fill(0);
            cells[0] = total;
            loop {
                let printed = shares(&cells).into_iter().zip(self.figures);
                let all: Vec<Option<bool>> =
                    printed.map(|(share, figure)| prints(share, self.decimals, figure)).collect();
                if all.iter().all(|one| *one == Some(true)) {
                    return Some(true);
                }
                unsure |= all.iter().all(|one| *one != Some(false));
                if !next(&mut cells) {
                    break;
                }
            }
        }
        if unsure { None } else { Some(false) }
    }
}

/// The next way to put as many examples into the cells; none after all are in the last.
fn next(cells: &mut [u64]) -> bool {
    let last = cells.len() - 1;
    let Some(at) = cells[..last].iter().rposition(|count| *count > 0) else { return false };
    let behind = std::mem::take(&mut cells[last]);
    cells[at] -= 1;
    cells[at + 1] = behind + 1;
    true
}

/// Precision, recall, F1 and accuracy of two classes; cells are true and false positives, false and
/// true negatives.
fn of_two(cells: &[u64]) -> [Share; 4] {
    let [tp, wrong, missed, rejected] = [cells[0], cells[1], cells[2], cells[3]];
    let total = tp + wrong + missed + rejected;
    [(tp, tp + wrong), (tp, tp + missed), (2 * tp, 2 * tp + wrong + missed), (tp + rejected, total)]
}

/// Of three classes: the first one's precision, the second one's recall, macro F1 and accuracy.
fn of_three(cells: &[u64]) -> [Share; 4] {
    let diagonal = |class: usize| cells[4 * class];
    let row = |class: usize| cells[3 * class..3 * class + 3].iter().sum::<u64>();
    let column = |class: usize| cells[class] + cells[3 + class] + cells[6 + class];
    let of = |class: usize| (row(class) + column(class)).max(1);
    let [a, b, c] = [0, 1, 2].map(|class| (2 * diagonal(class), of(class)));
    let sum = a.0 * b.1 * c.1 + b.0 * a.1 * c.1 + c.0 * a.1 * b.1;
    let right = diagonal(0) + diagonal(1) + diagonal(2);
    [
        (diagonal(0), column(0)),
        (diagonal(1), row(1)),
        (sum, 3 * a.1 * b.1 * c.1),
        (right, cells.iter().sum()),
    ]
}

/// On small totals the audit agrees with trying every matrix: figures that one of them prints are
/// not refuted, and of figures that none prints at least one is. 0: two classes and a known total; 1:
/// two classes, of whose total nothing is known but how far to look; 2: three classes. Of the last
/// two the audit may leave open what no matrix prints.
pub fn audit(bytes: &[u8]) -> bool {
    let (form, bytes) = form(bytes, 3);
    let &[total, decimals, a, b, c, d, ..] = bytes else { return false };
    let most = [14, 6, 5][usize::from(form)];
    let (total, decimals) = (u64::from(total % most) + 1, u32::from(decimals % 2) + 1);
    let most = 10_u64.pow(decimals) + 1;
    let figures = [a, b, c, d].map(|figure| u64::from(figure) * most / 256);
    let totals = if form == 1 { 1..=total } else { total..=total };
    let printed = Printed { totals, decimals, figures };
    let known = match form {
        0 => format!("total = {total}"),
        1 => format!("look_up_to = {total}"),
        _ => format!("total = {total}\nclasses = [\"a\", \"b\", \"c\"]"),
    };
    let of_three = ["class = \"a\"", "class = \"b\"", "average = \"macro\"", ""];
    let mut text = format!("document = \"own\"\n[[matrix]]\nid = \"m\"\n{known}\n");
    let metrics = ["precision", "recall", "f1", "accuracy"].into_iter().zip(of_three);
    for ((metric, more), figure) in metrics.zip(figures) {
        let (width, unit) = (decimals as usize, 10_u64.pow(decimals));
        let value = format!("{}.{:0width$}", figure / unit, figure % unit);
        let more = if form == 2 { more } else { "" };
        text += &format!(
            "[[claim]]\nid = \"{metric}\"\nat = \"here\"\nsays = \"it\"\nkind = \"score\"\n\
             value = \"{value}\"\nmatrix = \"m\"\nmetric = \"{metric}\"\n{more}\n"
        );
    }
    let possible = match form {
        2 => printed.is_possible(3, self::of_three),
        _ => printed.is_possible(2, of_two),
    };
    let Some(possible) = possible else { return true };
    let claims = match Claims::parse(Path::new("own.toml"), &text) {
        Ok(claims) => claims,
        Err(error) => panic!("{error}\n{text}"),
    };
    let audit = ttp_audit::audit(&claims).expect("an audit");
    let refuted = audit.claims.iter().any(|v| matches!(v.verdict, Verdict::Inconsistent { .. }));
    let open = audit.claims.iter().any(|v| matches!(v.verdict, Verdict::Undecided { .. }));
    let agrees = refuted != possible || (form > 0 && open && !refuted);
    assert!(agrees, "possible: {possible}; {:?}\n{text}", audit.claims);
    true
}
