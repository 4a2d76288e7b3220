//! What was found in a sentence and as a table.

use super::{AmbiguousPair, NamesByCounts, NamesByLabelling, NamesVerdict, Naming};
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};

impl NamesByCounts {
    /// What was found, in one line.
    pub fn sentence(&self) -> String {
        let chi = |value: f64| number(value);
        let (printed, best) = (chi(self.printed.statistic), chi(self.best.statistic));
        let p = probability(self.p_value);
        let open = match &self.open {
            Some(open) => format!(", the count of {} left open", open.class),
            None => String::new(),
        };
        match self.verdict {
            NamesVerdict::Shuffled => format!(
                "The names are shuffled: against the class counts chi-square is {printed} by the \
                 printed names and {best} by the best ones{open} ({p}); {} of {} names change.",
                self.naming.renamed().len(),
                self.supports.len(),
            ),
            NamesVerdict::Unclear => format!(
                "The names may be shuffled: against the class counts chi-square is {printed} by \
                 the printed names and {best} by the best ones{open} ({p}), but no names fit the \
                 counts{}.",
                match &self.hint {
                    Some(hint) => format!(
                        "; with the count of {} left open it would be {}",
                        hint.open.class,
                        chi(hint.statistic)
                    ),
                    None => String::new(),
                },
            ),
            NamesVerdict::InOrder if self.printed.statistic == self.best.statistic => format!(
                "The names are in order: none fit the class counts better (chi-square {printed}{open})."
            ),
            NamesVerdict::InOrder => format!(
                "The names are in order: against the class counts chi-square is {printed} by the \
                 printed names, and {best} by the best ones{open} is no more than chance gives \
                 ({p})."
            ),
        }
    }

    /// Each output: its printed name, its rows, how many the counts make one expect under that
    /// name, the best name, how many under that, and which names cannot be told from it.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers =
            ["printed name", "rows", "expected", "best name", "expected so", "not told apart from"];
        let mut table = Table::new(headers).caption(
            "Names against class counts: rows of each class of truth, and how many the counts make \
             one expect.",
        );
        let Naming { labels, best } = &self.naming;
        for (output, label) in labels.iter().enumerate() {
            table.push(cells![
                label,
                self.supports[output],
                Cell::number(self.expected[output], 1),
                &labels[best[output]],
                Cell::number(self.expected[best[output]], 1),
                others(&self.not_told_apart, label),
            ])?;
        }
        Ok(table)
    }
}

impl NamesByLabelling {
    /// What was found, in one line.
    pub fn sentence(&self) -> String {
        let per_cent = |share: f64| format!("{:.1} %", 100.0 * share);
        let (printed, best) = (per_cent(self.printed), per_cent(self.best));
        let p = probability(self.p_value);
        match self.verdict {
            NamesVerdict::Shuffled => format!(
                "The names are shuffled: the second labelling agrees on {printed} of {} rows by \
                 the printed names and on {best} by the best ones ({p}); {} of {} names change.",
                self.rows,
                self.naming.renamed().len(),
                self.naming.labels.len(),
            ),
            NamesVerdict::Unclear => format!(
                "The names may be shuffled: the second labelling agrees on {printed} of {} rows by \
                 the printed names and on {best} by the best ones ({p}), but no class's rows stand \
                 under another's name while that one's stand under a third: the cause may be \
                 shuffled names, or that one class is predicted in place of another.",
                self.rows
            ),
            NamesVerdict::InOrder if self.printed == self.best => format!(
                "The names are in order: the second labelling agrees on {printed} of {} rows, and \
                 by no other names on more.",
                self.rows
            ),
            NamesVerdict::InOrder => format!(
                "The names are in order: the second labelling agrees on {printed} of {} rows by \
                 the printed names, and {best} by the best ones is no more than chance gives ({p}).",
                self.rows
            ),
        }
    }

    /// Each output: its printed name, its best one, whether that is beyond chance, and which names
    /// cannot be told from it.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers = ["printed name", "best name", "note", "not told apart from"];
        let mut table =
            Table::new(headers).caption("Names of predictions against a second labelling.");
        let Naming { labels, best } = &self.naming;
        for (output, label) in labels.iter().enumerate() {
            let note = match label {
                label if self.unused.contains(label) => "never predicted",
                label if self.misnamed.contains(label) => "another class's rows",
                _ => "",
            };
            let others = others(&self.not_told_apart, label);
            table.push(cells![label, &labels[best[output]], note, others])?;
        }
        Ok(table)
    }
}

/// The best names of the outputs that cannot be told from this one, but its own.
fn others(pairs: &[AmbiguousPair], label: &str) -> String {
    let other = |pair: &AmbiguousPair| match &pair.printed {
        [first, _] if first == label => Some(pair.best[1].clone()),
        [_, second] if second == label => Some(pair.best[0].clone()),
        _ => None,
    };
    pairs.iter().filter_map(other).collect::<Vec<_>>().join(", ")
}

/// `5,819,186.6`
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, "0"));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{decimals}")
}

fn probability(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}
