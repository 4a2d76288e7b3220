//! Pairs of sentences of our own, for a look at what a model makes of them.

use serde::Serialize;
use std::collections::BTreeMap;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_model::encoder::SentenceEncoder;
use ttp_model::pretrained::CheckpointTokenizer;

/// [`UNSEEN_PAIRS`] under several models.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnseenExamples {
    /// The pairs.
    pub pairs: [(&'static str, &'static str, bool); 10],
    /// By a model's name, the cosine of each pair.
    pub cosines: BTreeMap<String, Vec<f64>>,
}

impl Default for UnseenExamples {
    fn default() -> Self {
        Self { pairs: UNSEEN_PAIRS, cosines: BTreeMap::new() }
    }
}

impl UnseenExamples {
    /// Adds a model: the cosine of the two sentences of each pair.
    ///
    /// # Errors
    /// As [`SentenceEncoder::embed`].
    pub fn add(
        &mut self,
        name: &str,
        model: &SentenceEncoder,
        tokenize: &CheckpointTokenizer,
    ) -> Result<()> {
        let texts: Vec<&str> = self.pairs.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        let vectors = model.embed(tokenize, &texts, &mut |_| ())?;
        let cosines = (0..self.pairs.len()).map(|at| vectors.dot(2 * at, 2 * at + 1)).collect();
        self.cosines.insert(name.to_owned(), cosines);
        Ok(())
    }

    /// The pairs, with a column for each model.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let models = self.cosines.keys().map(String::as_str);
        let mut table = Table::new(["first", "second", "similar"].into_iter().chain(models));
        for (at, (first, second, similar)) in self.pairs.iter().enumerate() {
            let mut row = cells![*first, *second, if *similar { "yes" } else { "no" }].to_vec();
            row.extend(self.cosines.values().map(|cosines| Cell::from(cosines[at])));
            table.push(row)?;
        }
        Ok(table)
    }
}

/// Two sentences that stand in no corpus, and whether they tell of one technique.
pub const UNSEEN_PAIRS: [(&str, &str, bool); 10] = [
    (
        "The loader reads saved passwords out of the memory of LSASS.",
        "Credentials were taken from a dump of the local security process.",
        true,
    ),
    (
        "A task that starts every hour brings the backdoor back after a reboot.",
        "It has schtasks run its payload each time somebody logs on.",
        true,
    ),
    (
        "The mail carried a document whose macro fetched the second stage.",
        "Victims opened an attached spreadsheet that was made for them.",
        true,
    ),
    (
        "Stolen files left the network in answers to DNS questions.",
        "It hides what it sends to its server in the names of hosts that it looks up.",
        true,
    ),
    (
        "The tool lists running processes and looks for those of antivirus products.",
        "It asks the system for the names of all processes.",
        true,
    ),
    (
        "The loader reads saved passwords out of the memory of LSASS.",
        "The loader packs stolen documents into an archive with a password.",
        false,
    ),
    (
        "A task that starts every hour brings the backdoor back after a reboot.",
        "The backdoor waits an hour before it does anything, to outlast a sandbox.",
        false,
    ),
    (
        "The mail carried a document whose macro fetched the second stage.",
        "The second stage reads the mails of its victim and collects their addresses.",
        false,
    ),
    (
        "Stolen files left the network in answers to DNS questions.",
        "The tool asks the network's DNS server for the domain's controllers.",
        false,
    ),
    (
        "The tool lists running processes and looks for those of antivirus products.",
        "The tool ends the processes of antivirus products.",
        false,
    ),
];
