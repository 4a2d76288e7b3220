//! Lines: which are one, which are several, and their marks of lists, headings and quotes.

/// Bullets that stand for nothing else: the first of them in the middle of a line, too. Two are those
/// of a word processor's own font.
const BULLETS: [char; 20] = [
    '•', '●', '○', '◦', '▪', '■', '‣', '⁃', '▸', '►', '➤', '➢', '\u{f0b7}', '\u{f0a7}', '·', '∙',
    '・', '✓', '✔', '☐',
];

/// So many of them.
const WITHIN: usize = 14;

/// One line for each paragraph, list item and heading: a line that was wrapped is joined again, and
/// items that stand one behind the other get lines of their own.
pub(super) fn lines(text: &str) -> String {
    let text = with_item_lines(text);
    let mut out = String::with_capacity(text.len());
    let mut last = "";
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push(if is_wrapped(last, line) { ' ' } else { '\n' });
        }
        out.push_str(line);
        last = line;
    }
    out
}

/// A line goes on in the next one if it is long, ends within a sentence, and the next begins with
/// a small letter; or if a citation is open at its end that is closed in the next.
fn is_wrapped(line: &str, next: &str) -> bool {
    let (line, next) = (line.trim_end(), next.trim_start());
    if next.is_empty() || without_marker(next).len() < next.len() {
        return false;
    }
    let long = line.len() >= 40 && line.ends_with(|c: char| c.is_alphanumeric() || c == ',');
    let within = long && next.starts_with(|c: char| c.is_ascii_lowercase());
    let open = || {
        let tail = &line[line.rfind('(').unwrap_or(line.len())..];
        tail.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("(citation"))
            && !tail.contains(')')
            && next.find([')', '(', '.']).is_some_and(|at| next[at..].starts_with(')'))
    };
    within || open()
}

/// `It can: * list * delete` on three lines, and `• list • delete` on two.
fn with_item_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let starts = item_starts(line);
        let mut from = 0;
        for start in starts {
            out.push_str(&line[from..start]);
            out.push('\n');
            from = start;
        }
        out.push_str(&line[from..]);
    }
    out
}

/// Where items begin within a line: at bullets, or at stars, the first of which stands behind a
/// mark. Behind that one, two blanks are a line's end that was lost.
fn item_starts(line: &str) -> Vec<usize> {
    let mut stars = Vec::new();
    let mut bullets = Vec::new();
    let mut lost = Vec::new();
    let mut before = "  ";
    let mut last = line.chars().next();
    for (at, c) in line.char_indices().filter(|(at, _)| *at > 0) {
        let next = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        if BULLETS[..WITHIN].contains(&c) && next == ' ' {
            bullets.push(at);
        }
        let mark = last.is_some_and(|last| matches!(last, ':' | '?' | '.' | ')'));
        if c == '*' && before.ends_with(' ') && (next == ' ' || (mark && next.is_uppercase())) {
            stars.push((at, mark));
        }
        if c.is_uppercase() && before == "  " && !stars.is_empty() {
            lost.push(at);
        }
        last = if c == ' ' { last } else { Some(c) };
        before = match (before, c) {
            (" " | "  ", ' ') => "  ",
            (_, ' ') => " ",
            _ => "",
        };
    }
    let listed = stars.len() > 1 && stars.first().is_some_and(|(_, mark)| *mark);
    if listed {
        bullets.extend(stars.into_iter().map(|(at, _)| at).chain(lost));
        bullets.sort_unstable();
        bullets.dedup();
    }
    bullets
}

/// A line as its items: the cells of a table's row, or the line without its marks. What is nothing
/// but a rule has none.
pub(super) fn items(line: &str) -> Vec<&str> {
    let line = line.trim();
    let rule = |c: char| matches!(c, '-' | '=' | '*' | '_' | '~' | '+' | '|' | ':' | '#' | ' ');
    if line.chars().all(rule) {
        return Vec::new();
    }
    match line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) {
        Some(row) if row.contains('|') || row.ends_with(' ') => {
            row.split('|').map(str::trim).collect()
        }
        _ => vec![without_markers(line)],
    }
}

/// Without the marks of lists, headings and quotes, as many as stand there.
pub(super) fn without_markers(line: &str) -> &str {
    let mut line = line;
    // Nobody nests more.
    for _ in 0..6 {
        let rest = without_marker(line);
        if rest.len() == line.len() {
            break;
        }
        line = rest;
    }
    line
}

/// `* item`, `– item`, `•item`, `### heading ###`, `> quote`, `1. item`, `(2) item`, `b) item`,
/// `iv. item` and `- [x] item` without their mark.
fn without_marker(line: &str) -> &str {
    if let Some(rest) = line.strip_prefix(BULLETS) {
        return rest.trim_start();
    }
    // `*Run - it runs`, where no other star closes it.
    if let Some(rest) = line.strip_prefix('*')
        && rest.starts_with(char::is_uppercase)
        && !rest.contains('*')
    {
        return rest;
    }
    if line.starts_with("##") && !line.trim_start_matches('#').starts_with(' ') {
        return line.trim_start_matches('#');
    }
    let Some((marker, rest)) = line.split_once(' ') else { return line };
    let rest = rest.trim_start();
    if marker.bytes().all(|b| b == b'#') && marker.len() <= 6 {
        return rest.trim_end_matches('#').trim_end();
    }
    let bullets = ['*', '-', '–', '—', '+', '>', '|'];
    if marker.chars().all(|c| bullets.contains(&c)) {
        let boxed = ["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| rest.strip_prefix(mark));
        return boxed.unwrap_or(rest);
    }
    if is_numbered(marker) { rest } else { line }
}

/// `1.`, `1)`, `(1)`, `1.2.`, `a)`, `(a)`, `a.`, `iv.`. A capital letter may be an initial.
fn is_numbered(marker: &str) -> bool {
    let (number, bracket) = match (marker.strip_suffix(')'), marker.strip_suffix('.')) {
        (Some(inside), _) => (inside.strip_prefix('(').unwrap_or(inside), true),
        (None, Some(number)) => (number, false),
        (None, None) => return false,
    };
    let level =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let roman = number.len() <= 4 && number.bytes().all(|b| b"ivx".contains(&b));
    let letter = number.len() == 1
        && number.bytes().all(|b| b.is_ascii_lowercase() || (bracket && b.is_ascii_uppercase()));
    !number.is_empty()
        && (roman || letter || (number.split('.').count() <= 3 && number.split('.').all(level)))
}

/// `1.One` and `2.Two`, or `1)One` and `2)Two`, with a blank.
fn with_blanks_after_numbers(text: &str) -> String {
    let mark = |line: &str| {
        let line = line.trim_start();
        let digits = line.bytes().take(3).take_while(u8::is_ascii_digit).count();
        let rest = line[digits..].strip_prefix(['.', ')'])?;
        (matches!(digits, 1 | 2) && rest.starts_with(char::is_uppercase)).then_some(digits + 1)
    };
    if !text.contains('\n') || text.split('\n').filter_map(mark).count() < 2 {
        return text.to_owned();
    }
    let lines = text.split('\n').map(|line| match mark(line) {
        Some(length) => {
            let (number, rest) = line.trim_start().split_at(length);
            format!("{number} {rest}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Marks without a blank behind them, where two lines have the same: `*one` and `*two`.
pub(super) fn with_blanks_after_markers(text: &str) -> String {
    let glued = |line: &str, mark: char| {
        line.trim_start()
            .strip_prefix(mark)
            .is_some_and(|rest| rest.starts_with(char::is_alphabetic) && !rest.contains(mark))
    };
    let text = with_blanks_after_numbers(text);
    let marks = ['*', '-', '–'].map(|mark| {
        (mark, text.contains('\n') && text.split('\n').filter(|line| glued(line, mark)).count() > 1)
    });
    if marks.iter().all(|(_, several)| !several) {
        return text;
    }
    let lines = text.split('\n').map(|line| {
        let mark = marks.iter().find(|(mark, several)| *several && glued(line, *mark));
        match mark {
            Some((mark, _)) => format!("{mark} {}", line.trim_start().trim_start_matches(*mark)),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
