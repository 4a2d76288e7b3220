//! The lines of a page, in the order of reading.

use super::content::Piece;

/// A line of one column.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) x: f64,
    pub(super) end: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) text: String,
    pub(super) bold: bool,
    pub(super) mono: bool,
    pub(super) artifact: bool,
    pub(super) hidden: bool,
    /// Pieces with wide gaps between them: cells of a table.
    pub(super) cells: usize,
    /// Counts columns and what stands across them, down the page.
    pub(super) column: usize,
}

/// A gap of so many sizes may part columns, and one of so many parts cells of a table.
const GAP: f64 = 0.7;
const CELL: f64 = 1.8;
/// A column has at least so many lines, each this part of the page's width in the middle.
const LINES: usize = 6;
const WIDTH: f64 = 0.25;

/// The lines of a page: two columns one after the other where it has two.
pub(super) fn of_page(pieces: Vec<Piece>) -> Vec<Line> {
    let rows = rows(pieces);
    let gutter = gutter(&rows);
    let mut lines = Vec::new();
    let (mut left, mut right): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    let mut column = 0;
    for row in rows {
        let Some(gutter) = gutter else {
            lines.extend(joined(row, false));
            continue;
        };
        if row.iter().any(|line| line.x < gutter && line.end > gutter) {
            close(&mut [&mut left, &mut right], &mut column, &mut lines);
            lines.extend(joined(row, true).map(|line| Line { column, ..line }));
            column += 1;
            continue;
        }
        let (before, behind) = row.into_iter().partition(|line| line.end <= gutter);
        left.extend(joined(before, true));
        right.extend(joined(behind, true));
    }
    close(&mut [&mut left, &mut right], &mut column, &mut lines);
    lines
}

fn close(columns: &mut [&mut Vec<Line>], column: &mut usize, lines: &mut Vec<Line>) {
    for of in columns {
        *column += 1;
        lines.extend(of.drain(..).map(|line| Line { column: *column, ..line }));
    }
    *column += 1;
}

/// Pieces of one height, from the top down, each row from the left and parted at wide gaps.
fn rows(mut pieces: Vec<Piece>) -> Vec<Vec<Line>> {
    pieces.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        match rows.last_mut().and_then(|row| row.first().map(|first| (first.y, first.size))) {
            // What is raised or lowered, such as a footnote's number, stands in its line.
            Some((y, size)) if y - piece.y < 0.45 * size.max(piece.size) => {
                if let Some(row) = rows.last_mut() {
                    row.push(piece);
                }
            }
            _ => rows.push(vec![piece]),
        }
    }
    rows.into_iter().map(parted).collect()
}

fn parted(mut row: Vec<Piece>) -> Vec<Line> {
    row.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut lines: Vec<Line> = Vec::new();
    for piece in row {
        let width = piece.end - piece.x;
        if let Some(line) = lines.last_mut()
            && piece.x - line.end < GAP * line.size.max(piece.size)
            && (line.artifact, line.hidden) == (piece.artifact, piece.hidden)
        {
            let apart = piece.x - line.end > 0.12 * piece.size;
            if apart && !line.text.ends_with(' ') && !piece.text.starts_with(' ') {
                line.text.push(' ');
            }
            line.text.push_str(&piece.text);
            // The line is as tall as most of it.
            if width > line.end - line.x {
                (line.size, line.y) = (piece.size, piece.y);
            }
            line.bold &= piece.bold;
            line.mono &= piece.mono;
            line.end = line.end.max(piece.end);
            continue;
        }
        let Piece { x, end, y, size, text, bold, mono, artifact, hidden } = piece;
        let (cells, column) = (1, 0);
        lines.push(Line { x, end, y, size, text, bold, mono, artifact, hidden, cells, column });
    }
    lines
}

/// Where the gap between two columns is: what the fewest lines cross, with enough on both sides.
fn gutter(rows: &[Vec<Line>]) -> Option<f64> {
    let all = || rows.iter().flatten().filter(|line| !line.artifact && !line.hidden);
    let left = all().map(|line| line.x).fold(f64::INFINITY, f64::min);
    let right = all().map(|line| line.end).fold(f64::NEG_INFINITY, f64::max);
    let width = right - left;
    let count = all().count();
    if width <= 0.0 || count < 2 * LINES {
        return None;
    }
    let crossed = |at: f64| all().filter(|line| line.x < at && line.end > at).count();
    let places = (0..=40).map(|step| left + width * (0.3 + 0.4 * f64::from(step) / 40.0));
    let (fewest, at) = places.map(|at| (crossed(at), at)).min_by(|(a, x), (b, y)| {
        let middle = left + width / 2.0;
        a.cmp(b).then((x - middle).abs().total_cmp(&(y - middle).abs()))
    })?;
    let wide = |beyond: &dyn Fn(&Line) -> bool| {
        let mut widths: Vec<f64> =
            all().filter(|line| beyond(line)).map(|line| line.end - line.x).collect();
        widths.sort_by(f64::total_cmp);
        widths.len() >= LINES && widths[widths.len() / 2] > WIDTH * width
    };
    let found = fewest * 4 <= count && wide(&|line| line.end <= at) && wide(&|line| line.x >= at);
    found.then_some(at)
}

/// One line of a row's parts. Wide gaps are between cells of a table, unless the row is a column's,
/// which may be stretched to its width, or the first part is a list's mark.
fn joined(row: Vec<Line>, column: bool) -> impl Iterator<Item = Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in row {
        let alike = |last: &&mut Line| (last.artifact, last.hidden) == (line.artifact, line.hidden);
        match lines.last_mut().filter(alike) {
            Some(last) => {
                let text = last.text.trim();
                let mark = last.cells == 1
                    && text.chars().count() <= 4
                    && (text == "o" || !text.contains(char::is_alphabetic));
                let wide = line.x - last.end >= CELL * last.size.max(line.size);
                let cell = wide && !mark && !column;
                last.cells += usize::from(cell);
                last.text.push_str(if cell { " | " } else { " " });
                last.text.push_str(&line.text);
                last.end = line.end;
                last.bold &= line.bold;
                last.mono &= line.mono;
                last.size = last.size.max(line.size);
            }
            None => lines.push(line),
        }
    }
    lines.into_iter()
}
