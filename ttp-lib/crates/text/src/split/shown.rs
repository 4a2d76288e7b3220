//! Protocols beside each other, as tables.

use super::{Account, Leakage, PreparedSplit, Protocol, Split, TrainingOverlap};
use std::collections::BTreeMap;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};

/// How many rows each protocol has in training, validation and test, and what it added and took
/// out.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn accounts_table(prepared: &BTreeMap<Protocol, PreparedSplit>) -> Result<Table> {
    let mut table = Table::new([
        "protocol",
        "training",
        "validation",
        "test",
        "copies made",
        "cut",
        "equal texts taken out",
    ]);
    for (protocol, made) in prepared {
        let Account { train, validation, test, copies, downsampled, equal_text, .. } = made.account;
        let name = protocol.name();
        table.push(cells![name, train, validation, test, copies, downsampled, equal_text])?;
    }
    Ok(table)
}

/// Techniques by their number of training rows, and their rows in each part.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn sizes_table(split: &Split) -> Result<Table> {
    let mut sizes: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (part, rows) in [&split.train, &split.validation, &split.test].into_iter().enumerate() {
        for sample in rows {
            sizes.entry(&sample.technique).or_default()[part] += 1;
        }
    }
    let mut table =
        Table::new(["training rows", "techniques", "train", "validation", "test"]).caption("rows");
    for (low, high) in [(1, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, usize::MAX)] {
        let within = || sizes.values().filter(|rows| (low..=high).contains(&rows[0]));
        let [train, validation, test] =
            [0, 1, 2].map(|part| within().map(|rows| rows[part]).sum::<usize>());
        let name = match high {
            usize::MAX => format!("{low} or more"),
            _ => format!("{low} to {high}"),
        };
        table.push(cells![name, within().count(), train, validation, test])?;
    }
    Ok(table)
}

/// How many test rows of each protocol have a relative in training.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn leakage_table(prepared: &BTreeMap<Protocol, PreparedSplit>) -> Result<Table> {
    let mut table = Table::new([
        "protocol",
        "test rows",
        "with a relative in training",
        "of these, with another copy",
        "share",
        "same text in training",
    ]);
    for (protocol, made) in prepared {
        let TrainingOverlap { rows, same_row, copy_in_training, same_text, .. } =
            Leakage::of(&made.split).test;
        let share = Cell::share(same_row as f64 / rows as f64);
        table.push(cells![protocol.name(), rows, same_row, copy_in_training, share, same_text])?;
    }
    Ok(table)
}
