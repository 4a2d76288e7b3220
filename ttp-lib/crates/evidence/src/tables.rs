//! What a sweep says, as tables.

use super::collect::{COMMAND, Evidence, Spread, Spreads};
use std::collections::BTreeMap;
use std::fmt;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_lib::compare::p_text;
use ttp_metrics::Summary;

impl fmt::Display for Spread {
    /// `0.842 ± 0.004 [0.837, 0.847]`; of one run the value alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, sd, n, low, high } = *self;
        match (sd, low, high) {
            (Some(sd), Some(low), Some(high)) => Summary { mean, sd, n, low, high }.fmt(f),
            _ => write!(f, "{mean:.3}"),
        }
    }
}

impl From<Spread> for Cell {
    /// As it is written, but to be sorted by its mean.
    fn from(spread: Spread) -> Self {
        match (spread.sd, spread.low, spread.high) {
            (Some(sd), Some(low), Some(high)) => Self::spread(spread.mean, sd, [low, high]),
            _ => Self::number(spread.mean, 3),
        }
    }
}

impl Evidence {
    /// Each model over the seeds: mean, standard deviation and interval. Where nothing was run it
    /// says what makes it; so do the other tables.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn seeds_table(&self) -> Result<Table> {
        self.spreads("seeds", &self.seeds)
    }

    /// Each linear model over the splits that were drawn anew.
    ///
    /// # Errors
    /// As [`seeds_table`](Self::seeds_table).
    pub fn splits_table(&self) -> Result<Table> {
        self.spreads("splits", &self.splits)
    }

    fn spreads(&self, runs: &str, models: &BTreeMap<String, Spreads>) -> Result<Table> {
        let headers =
            ["model", runs, "macro F1", "accuracy", "accuracy, validation", "accuracy, training"];
        let caption =
            format!("Mean ± standard deviation over {runs} [{} interval]", self.per_cent());
        let mut table = Table::new(headers).caption(caption);
        for (model, scores) in models {
            let Spreads { f1_macro, accuracy, validation_accuracy, train_accuracy, .. } = scores;
            table.push(cells![
                model,
                f1_macro.n,
                *f1_macro,
                *accuracy,
                *validation_accuracy,
                *train_accuracy
            ])?;
        }
        self.or_not_run(table, models.is_empty(), headers.len())
    }

    /// What each change in a training is worth: the arm's score minus the base run's.
    ///
    /// # Errors
    /// As [`seeds_table`](Self::seeds_table).
    pub fn arms_table(&self) -> Result<Table> {
        let headers = [
            "arm",
            "training rows",
            "macro F1",
            "without it",
            "difference",
            "of accuracy",
            "seeds",
            "interval over",
        ];
        let caption = format!(
            "What a change in the training is worth: with it minus without it [{} interval]",
            self.per_cent()
        );
        let mut table = Table::new(headers).caption(caption);
        for (name, effect) in &self.arms {
            table.push(cells![
                name,
                effect.train_rows,
                effect.arm.f1_macro,
                effect.base.f1_macro,
                effect.difference.f1_macro.signed(),
                effect.difference.accuracy.signed(),
                effect.n,
                effect.over.name()
            ])?;
        }
        self.or_not_run(table, self.arms.is_empty(), headers.len())
    }

    /// Which differences between models hold over seeds, or over splits.
    ///
    /// # Errors
    /// As [`seeds_table`](Self::seeds_table).
    pub fn pairs_table(&self) -> Result<Table> {
        let headers = [
            "protocol",
            "first",
            "second",
            "over",
            "macro F1, first − second",
            "p, corrected",
            "better",
        ];
        let mut caption = "Which differences between models are more than chance".to_owned();
        for said in &self.assumptions {
            caption += &format!("; {said}");
        }
        let mut table = Table::new(headers).caption(caption);
        for pair in &self.pairs {
            let difference = pair.f1_macro.difference;
            table.push(cells![
                pair.protocol.name(),
                &pair.first,
                &pair.second,
                format!("{} {}", difference.n, pair.over),
                difference.signed(),
                pair.p_holm.map(p_text),
                pair.better.as_deref().unwrap_or("neither, by more than chance")
            ])?;
        }
        self.or_not_run(table, self.pairs.is_empty(), headers.len())
    }

    fn per_cent(&self) -> String {
        format!("{:.0} %", 100.0 * if self.level > 0.0 { self.level } else { 0.95 })
    }

    /// A line in place of no row.
    fn or_not_run(&self, mut table: Table, is_empty: bool, columns: usize) -> Result<Table> {
        if is_empty {
            let mut row = vec![Cell::Empty; columns];
            let command = Some(self.command.as_str()).filter(|command| !command.is_empty());
            let why = || format!("not run yet: {}", command.unwrap_or(COMMAND));
            row[0] = self.note.clone().unwrap_or_else(why).into();
            table.push(row)?;
        }
        Ok(table)
    }
}
