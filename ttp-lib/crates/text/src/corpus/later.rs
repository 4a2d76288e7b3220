//! What a later release of ATT&CK tells that an earlier one did not: sentences that a model
//! trained on the earlier one cannot have learned from.

use super::clean::normalised;
use super::near::NearTexts;
use super::{Corpus, Sentence};
use serde::Serialize;
use std::fmt;
use ttp_base::Result;
use ttp_base::cells;
use ttp_base::show::Table;

/// The procedure sentences of a later release that an earlier one has not, with an account of
/// those that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Later {
    /// The sentences, in the order of the later release, by the later release's techniques.
    #[serde(skip)]
    pub corpus: Corpus,
    /// Procedure sentences of the later release.
    pub read: usize,
    /// Those whose text the earlier release has, case, spacing and punctuation set aside.
    pub in_earlier: usize,
    /// Of the rest those that are near-duplicates of a training text: a reworded sentence, or the
    /// same sentence of another actor.
    pub near_training: usize,
}

impl Later {
    /// Takes the procedure sentences of `later` that tell how malware, a group or a campaign acts
    /// (not those that describe a technique), without those whose text `earlier` has under any
    /// technique, and without near-duplicates of `training`: two texts of which the words overlap
    /// by at least `share`, as in [`NearTexts`].
    ///
    /// Both corpora are of bundles ([`build()`](super::build())), so each technique has a text once.
    pub fn of<T: AsRef<str>>(later: &Corpus, earlier: &Corpus, training: &[T], share: f64) -> Self {
        let known = earlier.normalised_texts();
        let near = NearTexts::new(training, share);
        let mut found =
            Self { corpus: Corpus::default(), read: 0, in_earlier: 0, near_training: 0 };
        for sentence in later.sentences.iter().filter(|sentence| is_procedure(sentence)) {
            found.read += 1;
            if known.contains(&normalised(&sentence.text)) {
                found.in_earlier += 1;
            } else if near.find(&sentence.text).is_some() {
                found.near_training += 1;
            } else {
                found.corpus.sentences.push(sentence.clone());
            }
        }
        found
    }

    /// What was read, left out and kept, a line each.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["procedure sentences", "rows"]);
        table.push(cells!["of the later release", self.read])?;
        table.push(cells!["in the earlier release, too", self.in_earlier])?;
        table.push(cells!["near-duplicates of training", self.near_training])?;
        table.push(cells!["new", self.corpus.len()])?;
        Ok(table)
    }
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let techniques = self.corpus.counts().len();
        write!(f, "{} new procedure sentences of {techniques} techniques", self.corpus.len())
    }
}

/// Whether a row of a bundle's corpus is of a relationship: how something uses a technique.
fn is_procedure(sentence: &Sentence) -> bool {
    sentence.source_id.starts_with("relationship--")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn corpus(rows: &[(&str, &str, &str)]) -> Corpus {
        let sentence = |&(technique, source, text): &(&str, &str, &str)| Sentence {
            technique: technique.to_owned(),
            subtechnique: None,
            name: technique.to_owned(),
            text: text.to_owned(),
            source_id: source.to_owned(),
        };
        Corpus { sentences: rows.iter().map(sentence).collect() }
    }

    #[test]
    fn what_is_new_is_in_neither_the_earlier_release_nor_training() {
        let earlier = corpus(&[
            ("T1", "relationship--1", "It ran a script."),
            ("T2", "attack-pattern--2", "Adversaries may read the registry."),
        ]);
        let later = corpus(&[
            ("T1", "attack-pattern--1", "Adversaries may run scripts."),
            ("T9", "relationship--1", "it RAN a script"),
            ("T2", "relationship--2", "Adversaries may read the registry!"),
            ("T2", "relationship--3", "It asked the registry for the keys of users."),
            ("T2", "relationship--4", "It asked the registry for the keys of all users."),
            ("T3", "relationship--5", "It deletes shadow copies."),
        ]);
        let training = ["It asked the registry for the keys of all its users."];
        let found = Later::of(&later, &earlier, &training, 0.85);
        let Later { read, in_earlier, near_training, .. } = found;
        assert_eq!((read, in_earlier, near_training), (5, 2, 1));
        let texts: Vec<&str> = found.corpus.texts();
        // 8 of 10 words are 0.8, 9 of 10 are 0.9.
        assert_eq!(texts, [&later.sentences[3].text, &later.sentences[5].text]);
        assert_eq!(found.to_string(), "2 new procedure sentences of 2 techniques");
        assert!(found.table().unwrap().to_text().contains("near-duplicates of training     1"));
    }
}
