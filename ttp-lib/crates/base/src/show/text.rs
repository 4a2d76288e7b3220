//! Hostile text made safe to look at. Escaping is our own: html-escape leaves control characters as
//! they are.

use std::borrow::Cow;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// Escapes the five characters that mean something in HTML and XML, in text and in
/// quoted attributes, and makes control characters visible as [`terminal_safe`] does.
///
/// ```
/// use ttp_base::show::escape_html;
/// assert_eq!(escape_html("\"><img onerror='x'>&"), "&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp;");
/// ```
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal_safe(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Escapes what means something in Markdown and in the HTML within it, so that a text stands in
/// a sentence or a table's cell as it is, on one line. Renderers make links of bare addresses,
/// too: [`defang`] them first.
///
/// ```
/// use ttp_base::show::escape_markdown;
/// assert_eq!(escape_markdown("a|b_c\n<i>"), r"a\|b\_c␊&lt;i&gt;");
/// ```
pub fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal_safe(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '^' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            other => out.push(other),
        }
    }
    out
}

/// Makes visible what a terminal would obey instead of showing: control characters
/// become their pictures (ESC is `␛`, a line's end `␊`), others their number, and so
/// do characters that turn or hide text (bidi overrides, zero-width characters).
/// The notebook kernel obeys lines with `EVCXR_`: it becomes `EVCXR·`. The result
/// is always one line.
///
/// ```
/// use ttp_base::show::terminal_safe;
/// assert_eq!(terminal_safe("\u{1b}[31mred\nexe.\u{202e}fdp"), "␛[31mred␊exe.<U+202E>fdp");
/// ```
pub fn terminal_safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\x7f' => out.push('\u{2421}'),
            c if acts_unseen(c) => _ = write!(out, "<U+{:04X}>", u32::from(c)),
            c => out.push(c),
        }
    }
    if out.contains("EVCXR_") { out.replace("EVCXR_", "EVCXR·") } else { out }
}

/// Characters that are not seen themselves and change how others are seen.
fn acts_unseen(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'                              // C1 controls: CSI in one byte among them
        | '\u{ad}' | '\u{61c}' | '\u{180e}'              // soft hyphen, Arabic mark, Mongolian separator
        | '\u{200b}'..='\u{200f}'                        // zero width; left-to-right, right-to-left marks
        | '\u{2028}'..='\u{202e}'                        // line and paragraph separators; bidi embeddings
        | '\u{2060}'..='\u{206f}'                        // word joiner, bidi isolates, deprecated controls
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'           // byte order mark, interlinear annotation
        | '\u{fffe}' | '\u{ffff}'                        // no characters; XML refuses them
        | '\u{e0000}'..='\u{e007f}'                      // tags
    )
}

/// At most `limit` characters (at least one), the last of them `…` if any was left out.
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
            Cow::Owned(kept.trim_end().to_owned() + "…")
        }
    }
}

/// Defanged, then no more than `limit` characters of it. What lies far behind them is
/// not looked at, but so much is that a host (253 characters at most) is seen whole.
pub fn harmless(text: &str, limit: usize) -> String {
    let near = shorten(text, limit.saturating_add(512));
    shorten(&defang(&near), limit).into_owned()
}

/// Columns that a text takes in a terminal; wide characters take two.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Breaks addresses so that no program makes a link of them and no slip of the hand
/// opens one: `hxxp://`, `[.]` in hosts and IPv4 addresses, `[@]` in e-mail addresses,
/// `[:]` after other schemes. Twice is the same as once.
///
/// A host without a scheme is known by its `www.` or by its last label: two letters, a common
/// top-level domain, or not ASCII. Where that is more often a file's ending
/// (`install.sh`), a path, a port or a third label must confirm it.
///
/// ```
/// use ttp_base::show::defang;
/// assert_eq!(defang("GET http://evil.example.com/a.php"), "GET hxxp://evil[.]example[.]com/a.php");
/// assert_eq!(defang("from 10.1.2.3 to bad@evil.ru."), "from 10[.]1[.]2[.]3 to bad[@]evil[.]ru.");
/// assert_eq!(defang("powershell.exe runs install.sh"), "powershell.exe runs install.sh");
/// ```
pub fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    // Between `://` and the path whatever stands there is a host.
    let mut in_authority = false;
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c| !in_host(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if !run.is_empty() {
            if let Some(authority) = after.strip_prefix("://") {
                defang_scheme(run, in_authority, &mut out);
                out.push_str("//");
                in_authority = true;
                rest = authority;
                continue;
            }
            if let Some(path) = after.strip_prefix(':').filter(|path| is_short_scheme(run, path)) {
                out.push_str(run);
                out.push_str("[:]");
                rest = path;
                continue;
            }
            if in_authority || is_host(run, after) {
                push_host(run, &mut out);
                // What is broken off a host may be a scheme: `evil.tel:80`.
                let last = run.rsplit(is_dot).next().unwrap_or_default();
                if let Some(path) =
                    after.strip_prefix(':').filter(|path| is_short_scheme(last, path))
                {
                    out.push_str("[:]");
                    rest = path;
                    continue;
                }
            } else {
                out.push_str(run);
            }
            rest = after;
            continue;
        }
        let after = &rest[c.len_utf8()..];
        let joins = out.ends_with(|c: char| !c.is_whitespace()) && after.starts_with(in_host);
        if c == '@' && joins {
            out.push_str("[@]");
            in_authority = true;
        } else {
            in_authority &= matches!(c, ':' | '@' | '%' | '[' | ']' | '+' | '~' | '$' | '!');
            out.push(c);
        }
        rest = after;
    }
    out
}

/// Characters of host names and of the schemes before them. Besides the dot there
/// are three that browsers take for one.
fn in_host(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_' || is_dot(c)
}

fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

/// `http`, `https` and `ftp` in their usual disguise, with whatever is glued to their
/// front; all others keep their name and lose their colon.
fn defang_scheme(run: &str, in_authority: bool, out: &mut String) {
    for (scheme, mask) in [("https", "hxxps"), ("http", "hxxp"), ("ftp", "fxp")] {
        let Some(start) = run.len().checked_sub(scheme.len()) else { continue };
        if run.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(scheme)) {
            out.push_str(&run[..start]);
            out.push_str(mask);
            out.push(':');
            return;
        }
    }
    if ["hxxp", "hxxps", "fxp"].iter().any(|mask| run.ends_with(mask)) {
        out.push_str(run);
        out.push(':');
        return;
    }
    // Without its colon a scheme with a dot in it may be a host.
    if in_authority || is_host(run, "[:]") {
        push_host(run, out);
    } else {
        out.push_str(run);
    }
    out.push_str("[:]");
}

/// Schemes that need no `//`, with something at once behind their colon.
fn is_short_scheme(run: &str, after: &str) -> bool {
    let known = ["javascript", "vbscript", "mailto", "data", "tel", "sms"];
    known.iter().any(|scheme| run.eq_ignore_ascii_case(scheme))
        && after.starts_with(|c: char| !c.is_whitespace())
}

/// Whether a run of host characters, with no scheme before it, is a host.
fn is_host(run: &str, after: &str) -> bool {
    let labels: Vec<&str> = run.trim_matches(is_dot).split(is_dot).collect();
    let Some((last, before)) = labels.split_last() else { return false };
    if before.is_empty() || labels.iter().any(|label| label.is_empty()) {
        return false;
    }
    // Browsers read leading zeros, too, however many.
    let octet = |label: &&str| {
        let digits = label.trim_start_matches('0');
        digits.len() <= 3 && label.bytes().all(|b| b.is_ascii_digit())
    };
    if labels.len() == 4 && labels.iter().all(octet) {
        return true;
    }
    // Renderers make a link of it, whatever it ends in.
    if labels[0].eq_ignore_ascii_case("www") {
        return true;
    }
    let last = last.to_lowercase();
    let more = before.len() > 1 || after.starts_with('/') || starts_with_port(after);
    if FILE_ENDINGS.contains(&last.as_str()) {
        return more;
    }
    let two_letters = last.len() == 2 && last.bytes().all(|b| b.is_ascii_alphabetic());
    let foreign = !last.is_ascii() && last.chars().all(char::is_alphabetic);
    two_letters || foreign || last.starts_with("xn--") || DOMAINS.contains(&last.as_str())
}

fn starts_with_port(after: &str) -> bool {
    after.strip_prefix(':').is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()))
}

/// The host's inner dots in brackets; those around it are the sentence's.
fn push_host(run: &str, out: &mut String) {
    let inner = run.trim_matches(is_dot);
    let start = run.len() - run.trim_start_matches(is_dot).len();
    out.push_str(&run[..start]);
    for c in inner.chars() {
        if is_dot(c) { out.push_str("[.]") } else { out.push(c) }
    }
    out.push_str(&run[start + inner.len()..]);
}

/// Top-level domains of more than two letters that addresses commonly end in.
const DOMAINS: &[&str] = &[
    "arpa", "asia", "biz", "blog", "cat", "cfd", "click", "cloud", "club", "com", "dev", "edu",
    "email", "fun", "gov", "host", "icu", "info", "ink", "jobs", "lat", "life", "link", "live",
    "ltd", "mil", "mobi", "monster", "museum", "net", "news", "ngo", "online", "onion", "org",
    "ovh", "page", "party", "press", "pro", "pub", "quest", "rest", "sbs", "shop", "site", "space",
    "store", "stream", "support", "tech", "tel", "today", "tokyo", "top", "travel", "vip", "wang",
    "website", "wiki", "win", "world", "xin", "xxx", "xyz", "zone",
];

/// Top-level domains that are more often a file's ending.
const FILE_ENDINGS: &[&str] = &[
    "ai", "app", "bz", "cc", "cs", "db", "gz", "hs", "js", "ko", "lz", "md", "ml", "mm", "mov",
    "pl", "pm", "ps", "py", "rb", "rs", "sh", "so", "ts", "vb", "vi", "xz", "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_broken() {
        for (text, expected) in [
            ("HTTPS://Evil.COM:8080/a?b=c.d", "hxxps://Evil[.]COM:8080/a?b=c.d"),
            ("seehttp://a.b.c/", "seehxxp://a[.]b[.]c/"),
            ("ftp://u:p@files.example/x", "fxp://u:p[@]files[.]example/x"),
            ("ssh://host.internal", "ssh[:]//host[.]internal"),
            ("http://[::1]/x", "hxxp://[::1]/x"),
            ("http://evil\u{3002}com", "hxxp://evil[.]com"),
            ("evil.xn--p1ai, пример.рф", "evil[.]xn--p1ai, пример[.]рф"),
            ("c2.evil.top:443", "c2[.]evil[.]top:443"),
            ("www.a.sh a.sh/x a.sh:80 a.sh", "www[.]a[.]sh a[.]sh/x a[.]sh:80 a.sh"),
            ("10.0.0111.1", "10[.]0[.]0111[.]1"),
            ("www.evil.example WWW.evil", "www[.]evil[.]example WWW[.]evil"),
            ("javascript:alert(1)", "javascript[:]alert(1)"),
            ("data: a table", "data: a table"),
            ("a+b@c.de; me@localhost", "a+b[@]c[.]de; me[@]localhost"),
            ("http://x.zip/http://y.co", "hxxp://x[.]zip/hxxp://y[.]co"),
            ("8.8.8.8/24", "8[.]8[.]8[.]8/24"),
            ("...evil.com...", "...evil[.]com..."),
        ] {
            assert_eq!(defang(text), expected, "{text}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "",
            "svchost.exe loads kernel32.dll, e.g. by System.Net.WebClient.",
            "Windows 10.0.19041.1 and OID 1.3.6.1.4.1; T1059.001",
            "a.py, b.js; C:\\x.vb: done. Ends here.",
            "the U.S. at 5 p.m. (i.e. late) @ noon",
            "key: value; $a = @(1, 2)",
        ] {
            assert_eq!(defang(text), text);
        }
    }

    #[test]
    fn twice_is_once() {
        for text in [
            "http://evil.com/x ssh://h.ru u@v.w mailto:a@b.cn javascript:x 1.2.3.4",
            "hxxp://evil[.]com fxp://a.b x://y",
            "http://http://http://a.b@c.d:e.f",
            "@@.@.a.b@",
            "a.ph://evp",
            "www.ev.javascript:x(1) evil.tel:80",
            "hxxp://evil.exampevi://1.2.3.4",
        ] {
            let once = defang(text);
            assert_eq!(defang(&once), once, "{text}");
        }
    }

    #[test]
    fn nothing_unseen_remains() {
        for c in (0..=0x10ffff).filter_map(char::from_u32) {
            let seen = terminal_safe(&c.to_string());
            assert!(!seen.chars().any(char::is_control), "{:x}", u32::from(c));
        }
        assert_eq!(terminal_safe("a\u{200b}b\u{9b}\u{2066}\0\t"), "a<U+200B>b<U+009B><U+2066>␀␉");
    }

    #[test]
    fn the_kernel_is_not_spoken_to() {
        let text = "x EVCXR_BEGIN_CONTENT text/html\n<script>\nEVCXR_END_CONTENT";
        assert!(!terminal_safe(text).contains("EVCXR_"));
    }

    #[test]
    fn shortening_counts_characters() {
        assert_eq!(shorten("añb", 3), "añb");
        assert_eq!(shorten("añbc", 3), "añ…");
        assert_eq!(shorten("a bc", 3), "a…");
        assert_eq!(width("a字b"), 4);
        // The host is known by an end that is not shown.
        let host = format!("{}com", "evil.".repeat(40));
        assert_eq!(harmless(&host, 8), "evil[.]…");
    }
}
