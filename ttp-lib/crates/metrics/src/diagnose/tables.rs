//! The diagnosis as tables. Each says that rows are truth and columns are predictions, or what
//! its own rows are.

use super::{Diagnosis, ProbabilityScores, Share, Tier};
use ttp_base::show::{Cell, Table, shorten};
use ttp_base::{Result, cells};

/// What every table of the matrix's own counts says.
const MATRIX: &str = "Rows are truth, columns are predictions";

/// As many destinations of a class are named in a table's cell.
const NAMED: usize = 5;

impl Diagnosis {
    /// Rows, accuracy, macro and weighted F1 with their intervals; how many classes are in each
    /// tier, zero recall, too small.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn summary_table(&self) -> Result<Table> {
        let level = Cell::Share(self.settings.level, 0);
        let mut table = Table::new(["what", "value"]).caption(format!("Summary. {MATRIX}."));
        table.push(cells!["rows", self.rows])?;
        table.push(cells!["classes", self.classes.len()])?;
        table.push(cells!["accuracy", self.accuracy])?;
        table.push(cells!["macro F1", self.macro_f1])?;
        table.push(cells!["weighted F1", self.weighted_f1])?;
        table.push(["level of the intervals".into(), level])?;
        for tier in Tier::ALL {
            let name = match tier {
                Tier::NoRows => "classes without a row of truth".to_owned(),
                _ => format!("classes that are {} ({})", tier.name(), self.range_of(tier)),
            };
            table.push([name.into(), self.in_tier(tier).len().into()])?;
        }
        table.push(cells!["classes with zero recall", self.zero_recall.len()])?;
        let small = self.classes.iter().filter(|class| class.too_small && class.support > 0);
        let name = format!("classes too small to judge (under {} rows)", self.settings.min_support);
        table.push([name.into(), small.count().into()])?;
        table.push(cells!["labels only among predictions", self.only_predicted().len()])?;
        Ok(table)
    }

    /// Where a tier's F1 lies, in words.
    pub fn range_of(&self, tier: Tier) -> String {
        let cut = self.settings.tiers;
        match tier {
            Tier::Excellent => format!("F1 above {}", cut.excellent),
            Tier::Good => format!("F1 from {} to {}", cut.good, cut.excellent),
            Tier::Poor => format!("F1 from {} to below {}", cut.poor, cut.good),
            Tier::Critical => format!("F1 below {}", cut.poor),
            Tier::NoRows => "no row of truth".to_owned(),
        }
    }

    /// Each class, the worst first: scores with intervals, counts, tier, and what else there is
    /// to say of it.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn class_table(&self) -> Result<Table> {
        let headers =
            ["class", "precision", "recall", "F1", "support", "predicted", "tier", "notes"];
        let caption = format!(
            "Classes, the worst F1 first. {MATRIX}: support sums a row, predicted a column."
        );
        let mut table = Table::new(headers).caption(caption);
        let mut order: Vec<_> = self.classes.iter().collect();
        order.sort_by(|a, b| {
            (a.support == 0).cmp(&(b.support == 0)).then(a.f1.value.total_cmp(&b.f1.value))
        });
        for class in order {
            let mut notes: Vec<&str> = Vec::new();
            if class.zero_recall {
                notes.push("zero recall");
            }
            if class.near_zero_recall {
                notes.push("recall near zero");
            }
            if class.too_small && class.support > 0 {
                notes.push("too small to judge");
            }
            if class.support == 0 && class.predicted > 0 {
                notes.push("only among predictions");
            }
            notes.extend(class.imbalance.map(|imbalance| imbalance.name()));
            table.push(cells![
                &class.label,
                class.precision,
                class.recall,
                class.f1,
                class.support,
                class.predicted,
                class.tier.name(),
                notes.join("; "),
            ])?;
        }
        Ok(table)
    }

    /// Classes with zero recall, and where their rows go.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn zero_recall_table(&self) -> Result<Table> {
        let caption = "Zero recall: where a class's rows of truth go, predictions with counts and \
                       per cent of its rows.";
        let mut table = Table::new(["class (truth)", "rows", "go to (predictions)"]);
        table = table.caption(caption);
        for one in &self.zero_recall {
            table.push(cells![&one.label, one.support, named(&one.goes_to)])?;
        }
        Ok(table)
    }

    /// Classes of which nearly all goes to one other.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn swallowed_table(&self) -> Result<Table> {
        let headers =
            ["class (truth)", "rows", "recall", "taken by (prediction)", "count", "share"];
        let caption = "Swallowed: most rows of truth of a class are predicted as one other, hardly \
                       any as its own.";
        let mut table = Table::new(headers).caption(caption);
        for one in &self.swallowed {
            let (by, share) = (&one.by, Cell::share(one.by.share));
            table.push(cells![&one.label, one.support, one.recall, &by.label, by.count, share])?;
        }
        Ok(table)
    }

    /// Classes that are predicted for the rows of several others.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn over_predicted_table(&self) -> Result<Table> {
        let headers = [
            "class (prediction)",
            "false positives",
            "even spread",
            "fraction of its column",
            "from (truth)",
            "from others",
        ];
        let caption = "Over-predicted classes: predicted for rows of several others; counts, and per \
                       cent of each source's rows of truth.";
        let mut table = Table::new(headers).caption(caption);
        for one in &self.over_predicted {
            let expected = Cell::number(one.expected, 1);
            let (share, from) = (Cell::share(one.share), named(&one.from));
            table.push(cells![
                &one.label,
                one.false_positives,
                expected,
                share,
                from,
                one.from_others
            ])?;
        }
        Ok(table)
    }

    /// Pairs of classes that are taken for each other, then those of one direction.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn confused_table(&self) -> Result<Table> {
        let headers =
            ["a", "b", "a as b", "fraction of a", "b as a", "fraction of b", "directions"];
        let caption = "Confused pairs: rows of truth a that were predicted b, and of truth b that \
                       were predicted a.";
        let mut table = Table::new(headers).caption(caption);
        for pair in &self.confused {
            let (a_as_b, b_as_a) = (&pair.a_as_b, &pair.b_as_a);
            let directions = if pair.both { "both" } else { "a as b" };
            table.push(cells![
                &pair.a,
                &pair.b,
                a_as_b.count,
                Cell::share(a_as_b.share),
                b_as_a.count,
                Cell::share(b_as_a.share),
                directions,
            ])?;
        }
        Ok(table)
    }

    /// Classes with high precision and low recall, and the reverse.
    ///
    /// # Errors
    /// As [`summary_table`](Self::summary_table).
    pub fn imbalance_table(&self) -> Result<Table> {
        let caption = format!("Precision and recall far apart. {MATRIX}.");
        let mut table = Table::new(["class", "precision", "recall", "which"]).caption(caption);
        for class in &self.classes {
            if let Some(which) = class.imbalance {
                table.push(cells![&class.label, class.precision, class.recall, which.name()])?;
            }
        }
        Ok(table)
    }
}

impl ProbabilityScores {
    /// The scores in words and numbers.
    ///
    /// # Errors
    /// As [`Diagnosis::summary_table`].
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["what", "value"]).caption("The probabilities of predictions.");
        table.push(cells!["mean probability of what was predicted", self.mean_confidence])?;
        let bins = format!("expected calibration error, {} bins", self.bins.len());
        table.push(cells![bins, self.calibration_error])?;
        if let Some(loss) = self.log_loss {
            table.push(cells!["log loss, in nats", loss])?;
        }
        if let Some(rows) = self.not_the_most_probable {
            table.push(cells!["rows whose prediction is not the most probable class", rows])?;
        }
        Ok(table)
    }
}

/// `b 48 (96.0 %), d 1 (2.0 %)`
fn named(shares: &[Share]) -> String {
    let one = |share: &Share| {
        let label = shorten(&share.label, 60);
        format!("{label} {} ({:.1} %)", share.count, 100.0 * share.share)
    };
    let mut text = shares.iter().take(NAMED).map(one).collect::<Vec<_>>().join(", ");
    if let Some(more) = shares.len().checked_sub(NAMED).filter(|more| *more > 0) {
        text.push_str(&format!(", {more} more"));
    }
    text
}
