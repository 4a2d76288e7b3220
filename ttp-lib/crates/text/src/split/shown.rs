//! Protocols beside each other, as tables.

use super::{Account, Leakage, PreparedSplit, Protocol, Seen};
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
        let Account { train, validation, test, twins, downsampled, equal_text, .. } = made.account;
        let name = protocol.name();
        table.push(cells![name, train, validation, test, twins, downsampled, equal_text])?;
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
        let Seen { rows, same_row, twin_in_training, same_text, .. } =
            Leakage::of(&made.split).test;
        let share = Cell::share(same_row as f64 / rows as f64);
        table.push(cells![protocol.name(), rows, same_row, twin_in_training, share, same_text])?;
    }
    Ok(table)
}
