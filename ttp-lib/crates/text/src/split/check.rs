//! Whether a split's files are what their protocol promises, and of the corpus beside them.

use super::{Protocol, Split};
use crate::corpus::clean::normalised;
use crate::corpus::{Corpus, Operation, Sample};
use std::collections::HashMap;
use std::path::Path;
use ttp_base::{Error, Result};

/// The parts' files, in the order in which a row is looked for: what is tested comes first.
const FILES: [&str; 3] = ["test.csv", "validation.csv", "train.csv"];

impl Split {
    /// Reads what [`Split::write`] wrote of a protocol, and holds it against what the protocol
    /// promises, and against the corpus that it was made from where that is given:
    ///
    /// - every sample has the technique of its corpus row, and an original its text, too;
    /// - *clean*, *grouped*: no corpus row and no text (case, spacing and punctuation set aside) is in
    ///   two parts, and only training has augmented copies.
    ///
    /// Under *paper* and *told* copies of a row fall on both sides: that is counted
    /// ([`Leakage`](super::Leakage)), and no error.
    ///
    /// # Errors
    /// As [`Split::read`], and where one of these does not hold: names file, row and field.
    pub fn read_checked(
        folder: &Path,
        protocol: Protocol,
        corpus: Option<&Corpus>,
    ) -> Result<Self> {
        let split = Self::read(folder)?;
        if let Some(corpus) = corpus {
            split.check_rows(folder, corpus)?;
        }
        if matches!(protocol, Protocol::Clean | Protocol::Grouped) {
            split.check_apart(folder, protocol)?;
        }
        Ok(split)
    }

    fn parts(&self) -> [(&'static str, &[Sample]); 3] {
        let [test, validation, train] = FILES;
        [(test, &self.test), (validation, &self.validation), (train, &self.train)]
    }

    fn check_rows(&self, folder: &Path, corpus: &Corpus) -> Result<()> {
        for (file, part) in self.parts() {
            for (at, sample) in part.iter().enumerate() {
                let wrong = |field, reason: String| {
                    Err(Error::input_at(&folder.join(file), Some(at + 2), Some(field), reason))
                };
                let Some(sentence) = corpus.sentences.get(sample.row as usize) else {
                    let rows = corpus.len();
                    return wrong("row", format!("the corpus has rows 0 to {}", rows.max(1) - 1));
                };
                if sentence.technique != sample.technique {
                    let reason = format!(
                        "{}, and row {} of the corpus is of {}",
                        sample.technique, sample.row, sentence.technique
                    );
                    return wrong("technique", reason);
                }
                if sample.operation == Operation::Original && sentence.text != sample.text {
                    return wrong(
                        "sentence",
                        format!("row {} of the corpus has another", sample.row),
                    );
                }
            }
        }
        Ok(())
    }

    /// No row and no text in two parts, and copies in training alone.
    fn check_apart(&self, folder: &Path, protocol: Protocol) -> Result<()> {
        let mut rows: HashMap<u32, &str> = HashMap::new();
        let mut texts: HashMap<String, &str> = HashMap::new();
        for (file, part) in self.parts() {
            for (at, sample) in part.iter().enumerate() {
                let wrong = |field, reason: String| {
                    Err(Error::input_at(&folder.join(file), Some(at + 2), Some(field), reason))
                };
                if file != FILES[2] && sample.operation != Operation::Original {
                    let reason = format!(
                        "an augmented copy, which protocol {} has in train.csv \
                                          alone",
                        protocol.name()
                    );
                    return wrong("operation", reason);
                }
                match rows.insert(sample.row, file) {
                    Some(other) if other != file => {
                        let reason = format!("row {} of the corpus is in {other}, too", sample.row);
                        return wrong("row", reason);
                    }
                    _ => {}
                }
                match texts.insert(normalised(&sample.text), file) {
                    Some(other) if other != file => {
                        return wrong("sentence", format!("{other} has the same text"));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::balance::Limits;
    use crate::corpus::Sentence;
    use crate::split::{Shares, prepare};

    /// Puts a word behind a text.
    fn behind(text: &str, _: u64) -> Vec<(Operation, String)> {
        vec![(Operation::Insertion, format!("{text} again"))]
    }

    fn corpus() -> Corpus {
        let row = |technique: &str, row: usize| Sentence {
            technique: technique.to_owned(),
            subtechnique: None,
            name: technique.to_owned(),
            text: format!("sentence {row} of {technique}"),
            source_id: "test".to_owned(),
        };
        Corpus { sentences: (0..60).map(|at| row(["T1", "T2", "T3"][at % 3], at)).collect() }
    }

    /// What `change` makes of a written split; the error, if there is one.
    fn said(protocol: Protocol, change: impl FnOnce(&mut Split)) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { trim_below: 2, upsample_to: 30, downsample_to: 40 };
        let made = prepare(protocol, &corpus(), limits, Shares::default(), &behind, 7).unwrap();
        let mut split = made.split;
        change(&mut split);
        split.write(folder.path()).unwrap();
        let read = Split::read_checked(folder.path(), protocol, Some(&corpus()));
        read.err().map(|error| error.to_string())
    }

    #[test]
    fn every_protocols_own_split_is_sound() {
        for protocol in Protocol::ALL {
            assert_eq!(said(protocol, |_| {}), None, "{}", protocol.name());
        }
    }

    #[test]
    fn a_leaked_row_is_named_with_file_row_and_field() {
        for protocol in [Protocol::Clean, Protocol::Grouped] {
            let leaked =
                said(protocol, |split| split.train.insert(0, split.test[0].clone())).unwrap();
            assert!(leaked.contains("train.csv") && leaked.contains("row 2"), "{leaked}");
            assert!(leaked.contains("is in test.csv, too"), "{leaked}");
            let leaked = said(protocol, |split| split.validation.push(split.test[0].clone()));
            assert!(leaked.unwrap().contains("validation.csv"));
            let copied = said(protocol, |split| {
                let at = split.train.iter().position(|s| s.operation != Operation::Original);
                split.test.push(split.train.remove(at.unwrap()));
            });
            assert!(copied.unwrap().contains("an augmented copy"));
            let text = said(protocol, |split| {
                let text = split.test[0].text.to_uppercase();
                let copy = split.train.iter_mut().find(|s| s.operation != Operation::Original);
                copy.unwrap().text = text;
            });
            assert!(text.unwrap().contains("test.csv has the same text"));
        }
        assert_eq!(said(Protocol::Paper, |split| split.train.push(split.test[0].clone())), None);
    }

    #[test]
    fn another_label_text_or_corpus_is_named() {
        for protocol in Protocol::ALL {
            let shuffled =
                said(protocol, |split| split.test[0].technique = "T9".to_owned()).unwrap();
            assert!(shuffled.contains("test.csv") && shuffled.contains("technique"), "{shuffled}");
            assert!(shuffled.contains("T9, and row"), "{shuffled}");
            let text = said(protocol, |split| {
                let own = split.train.iter_mut().find(|s| s.operation == Operation::Original);
                own.unwrap().text.push('!');
            });
            assert!(text.unwrap().contains("of the corpus has another"));
            let row = said(protocol, |split| split.validation[0].row = 60).unwrap();
            assert!(row.contains("the corpus has rows 0 to 59"), "{row}");
        }
    }
}
