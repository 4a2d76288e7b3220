//! Whether a split's files are what their protocol promises, and of the corpus beside them.

use super::{Protocol, Split};
use crate::corpus::clean::normalised;
use crate::corpus::{Corpus, Operation, Sample};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use ttp_base::{Error, Result, csv_file};

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
                    let file = folder.join(file);
                    Err(Error::input_at(&file, line_of(&file, at), Some(field), reason))
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
                    let file = folder.join(file);
                    Err(Error::input_at(&file, line_of(&file, at), Some(field), reason))
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

/// The line of a part's row in its file.
fn line_of(file: &Path, at: usize) -> Option<usize> {
    csv_file::lines_of(file, &BTreeSet::from([at])).ok()?.remove(&at)
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
            // In capitals, and with what looks no different: a soft hyphen, a zero-width space, an
            // accent that stands alone, a mark of direction. One text in two Unicode forms:
            // https://github.com/TelecomsXChangeAPi/OpenTextShield/issues/194 and
            // https://github.com/Tatoeba/tatoeba2/pull/2151
            let alike: [fn(&str) -> String; 5] = [
                str::to_uppercase,
                |text| text.replacen('e', "e\u{ad}", 1),
                |text| format!("{}\u{200b}", text.replace(' ', "  ")),
                |text| text.replacen('e', "e\u{301}", 1),
                |text| format!("\u{200e}{text}"),
            ];
            for alike in alike {
                let text = said(protocol, |split| {
                    let text = alike(&split.test[0].text);
                    assert_ne!(text, split.test[0].text);
                    let copy = split.train.iter_mut().find(|s| s.operation != Operation::Original);
                    copy.unwrap().text = text;
                });
                assert!(text.unwrap().contains("test.csv has the same text"));
            }
        }
        assert_eq!(said(Protocol::Paper, |split| split.train.push(split.test[0].clone())), None);
    }

    #[test]
    fn a_wrong_row_has_its_line_behind_blank_ones_and_texts_of_several() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { trim_below: 2, upsample_to: 30, downsample_to: 40 };
        let made =
            prepare(Protocol::Clean, &corpus(), limits, Shares::default(), &behind, 7).unwrap();
        made.split.write(folder.path()).unwrap();
        let first = &made.split.train[0];
        let other = made.split.train.iter().find(|sample| sample.row != first.row).unwrap();
        let path = folder.path().join("train.csv");
        let text = std::fs::read_to_string(&path).unwrap();
        let inserted = format!("{},T1,\"one\r\ntwo\rthree\",original", other.row);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.splice(1..1, ["", &inserted]);
        std::fs::write(&path, lines.join("\n")).unwrap();
        let read = |corpus: &Corpus| {
            let read = Split::read_checked(folder.path(), Protocol::Clean, Some(corpus));
            read.unwrap_err().to_string()
        };
        let error = read(&corpus());
        assert!(error.contains("train.csv, row 3, field "), "{error}");
        // Its text has three lines, so the first row behind it is in line 6.
        let mut fits = corpus();
        let own = &mut fits.sentences[other.row as usize];
        (own.technique, own.text) = ("T1".to_owned(), "one\r\ntwo\rthree".to_owned());
        fits.sentences[first.row as usize].technique = "T9".to_owned();
        let error = read(&fits);
        assert!(error.contains("train.csv, row 6, field \"technique\""), "{error}");
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
