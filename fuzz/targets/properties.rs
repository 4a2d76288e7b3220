//! What comes out is held to a property.

use std::path::Path;
use ttp_audit::{Claims, Verdict};
use ttp_lib::corpus::clean;
use ttp_lib::show::{defang, escape_html, escape_markdown, terminal_safe};

/// Sentences have no line breaks, no blanks at their ends, and nothing to clean once more.
pub fn sentences(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for sentence in clean::sentences(text) {
        assert!(!sentence.contains(['\n', '\r']), "{sentence:?}");
        assert_eq!(sentence.trim(), sentence);
        assert!(!sentence.is_empty());
    }
}

/// No tag, no live address and no control character is left of a text that is shown; and what was
/// defanged stays as it is.
pub fn shown(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let defanged = defang(text);
    assert_eq!(defang(&defanged), defanged, "defanged twice");
    let lower = defanged.to_ascii_lowercase();
    for live in ["http://", "https://", "ftp://"] {
        assert!(!lower.contains(live), "{defanged:?}");
    }
    let escaped = escape_html(&defanged);
    assert!(!escaped.contains(['<', '>', '"', '\'']), "{escaped:?}");
    let markdown = escape_markdown(text);
    assert!(markdown.len() >= text.trim().len(), "something was lost: {markdown:?}");
    let terminal = terminal_safe(text);
    assert!(!terminal.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{terminal:?}");
}

/// Figures of a matrix of two classes, as printed.
struct Printed {
    total: u64,
    decimals: u32,
    /// Precision, recall, F1 and accuracy, in units of the last decimal.
    scores: [u64; 4],
}

/// Whether a share prints so; `None` where it lies half-way between two figures, which no one rule
/// rounds.
fn prints(part: u64, of: u64, decimals: u32, figure: u64) -> Option<bool> {
    let (part, of) = if of == 0 { (0, 1) } else { (part, of) };
    let far = (2 * part * 10_u64.pow(decimals)).abs_diff(2 * figure * of);
    if far == of { None } else { Some(far < of) }
}

impl Printed {
    /// Whether one of all matrices with that total prints these figures; `None` where that depends
    /// on how a half is rounded.
    fn is_possible(&self) -> Option<bool> {
        let mut unsure = false;
        for tp in 0..=self.total {
            for missed in 0..=self.total - tp {
                for wrong in 0..=self.total - tp - missed {
                    let rejected = self.total - tp - missed - wrong;
                    let shares = [
                        (tp, tp + wrong),
                        (tp, tp + missed),
                        (2 * tp, 2 * tp + wrong + missed),
                        (tp + rejected, self.total),
                    ];
                    let all = shares.iter().zip(self.scores);
                    let all =
                        all.map(|((part, of), figure)| prints(*part, *of, self.decimals, figure));
                    let all: Vec<Option<bool>> = all.collect();
                    if all.iter().all(|one| *one == Some(true)) {
                        return Some(true);
                    }
                    unsure |= all.iter().all(|one| *one != Some(false));
                }
            }
        }
        if unsure { None } else { Some(false) }
    }
}

/// On small totals the audit agrees with trying every matrix: figures that one of them prints are
/// not refuted, and of figures that none prints at least one is.
pub fn audit(bytes: &[u8]) {
    let &[total, decimals, a, b, c, d, ..] = bytes else { return };
    let (total, decimals) = (u64::from(total % 14) + 1, u32::from(decimals % 2) + 1);
    let most = 10_u64.pow(decimals) + 1;
    let scores = [a, b, c, d].map(|figure| u64::from(figure) * most / 256);
    let printed = Printed { total, decimals, scores };
    let mut text = format!("document = \"own\"\n[[matrix]]\nid = \"m\"\ntotal = {total}\n");
    for (metric, figure) in ["precision", "recall", "f1", "accuracy"].into_iter().zip(scores) {
        let (width, unit) = (decimals as usize, 10_u64.pow(decimals));
        let value = format!("{}.{:0width$}", figure / unit, figure % unit);
        text += &format!(
            "[[claim]]\nid = \"{metric}\"\nat = \"here\"\nsays = \"it\"\nkind = \"score\"\n\
             value = \"{value}\"\nmatrix = \"m\"\nmetric = \"{metric}\"\n"
        );
    }
    let Some(possible) = printed.is_possible() else { return };
    let claims = match Claims::parse(Path::new("own.toml"), &text) {
        Ok(claims) => claims,
        Err(error) => panic!("{error}\n{text}"),
    };
    let audit = ttp_audit::audit(&claims).expect("an audit");
    let is_refuted =
        |v: &ttp_audit::ClaimVerdict| matches!(v.verdict, Verdict::Inconsistent { .. });
    let refuted = audit.claims.iter().any(is_refuted);
    assert_eq!(refuted, !possible, "{:?}\n{text}", audit.claims);
}
