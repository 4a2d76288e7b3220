//! A report whose answers are known: what of a run's findings is right.

use crate::review::Z;
use crate::{Judgement, Report};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use ttp_base::show::{Table, shorten};
use ttp_base::spelling::is_technique_id;
use ttp_base::{Error, Result, cells, files};
use ttp_metrics::{Estimate, wilson};

/// The techniques that each sentence of a report shows, perhaps none.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    file: PathBuf,
    of_sentence: BTreeMap<String, Vec<String>>,
}

/// What came of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts as evidence of a technique that it shows.
    Right,
    /// It counts as evidence of a technique that it does not show.
    Wrong,
    /// It shows a technique, and counts as evidence of none.
    Missed,
    /// It shows none, and counts as evidence of none.
    Silent,
}

impl Outcome {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Missed => "missed",
            Self::Silent => "rightly silent",
        }
    }
}

/// Outcomes, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Score {
    /// Sentences that were read.
    pub sentences: usize,
    /// Those that show a technique.
    pub shown: usize,
    /// Those that count as evidence.
    pub named: usize,
    /// Those of them whose technique is right.
    pub right: usize,
    /// Techniques that the sentences show, each once.
    pub techniques: usize,
    /// Those of them that a sentence is rightly evidence of.
    pub techniques_found: usize,
    /// Techniques that sentences are evidence of, none of them rightly.
    pub techniques_wrong: usize,
}

impl Score {
    /// Of the sentences that count as evidence, the proportion whose technique is right, with
    /// Wilson's interval at the level 0.95; none where there is no such sentence.
    pub fn precision(&self) -> Option<Estimate> {
        (self.named > 0).then(|| wilson(self.right as u64, self.named as u64, Z))
    }

    /// Of the sentences that show a technique, the proportion that is rightly evidence; as above.
    pub fn recall(&self) -> Option<Estimate> {
        (self.shown > 0).then(|| wilson(self.right as u64, self.shown as u64, Z))
    }
}

impl Answers {
    /// Reads a JSON list of pairs: a sentence, and the list of its techniques' ids.
    ///
    /// # Errors
    /// If the file cannot be read or is no such list, a sentence stands there twice, or an id is
    /// none.
    pub fn read(file: &Path) -> Result<Self> {
        let pairs: Vec<(String, Vec<String>)> = files::read_json(file)?;
        let mut of_sentence = BTreeMap::new();
        for (at, (sentence, techniques)) in pairs.into_iter().enumerate() {
            let wrong = |reason| Error::input_at(file, None, Some(&format!("[{at}]")), reason);
            if let Some(id) = techniques.iter().find(|id| !is_technique_id(id)) {
                return Err(wrong(format!("{id:?} is no technique's id, such as T1059")));
            }
            if let Some(twice) = of_sentence.insert(sentence.clone(), techniques) {
                let reason = format!("{sentence:?} stands there already, with {twice:?}");
                return Err(wrong(reason));
            }
        }
        Ok(Self { file: file.to_path_buf(), of_sentence })
    }

    /// A sentence's techniques and what came of it.
    fn of(&self, judged: &Judgement) -> Result<(&[String], Outcome)> {
        let text = &judged.sentence.text;
        let Some(techniques) = self.of_sentence.get(text) else {
            let reason = format!("no answer for the sentence {:?}", shorten(text, 80));
            return Err(Error::input(&self.file, reason));
        };
        let outcome = match (judged.evidence, techniques.is_empty()) {
            (true, _) if first(judged).is_some_and(|first| has(techniques, first)) => {
                Outcome::Right
            }
            (true, _) => Outcome::Wrong,
            (false, false) => Outcome::Missed,
            (false, true) => Outcome::Silent,
        };
        Ok((techniques, outcome))
    }

    /// What came of each sentence of a report, in its order.
    ///
    /// # Errors
    /// If a sentence has no answer.
    pub fn outcomes(&self, report: &Report) -> Result<Vec<Outcome>> {
        report.sentences().map(|(.., judged)| Ok(self.of(judged)?.1)).collect()
    }

    /// The outcomes, counted.
    ///
    /// # Errors
    /// As [`Answers::outcomes`].
    pub fn score(&self, report: &Report) -> Result<Score> {
        let mut score = Score::default();
        let (mut shown, mut right, mut named) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (.., judged) in report.sentences() {
            let (techniques, outcome) = self.of(judged)?;
            score.sentences += 1;
            score.shown += usize::from(!techniques.is_empty());
            score.named += usize::from(judged.evidence);
            score.right += usize::from(outcome == Outcome::Right);
            shown.extend(techniques);
            named.extend(first(judged).filter(|_| judged.evidence));
            right.extend(first(judged).filter(|_| outcome == Outcome::Right));
        }
        score.techniques = shown.len();
        score.techniques_found = right.len();
        score.techniques_wrong = named.difference(&right).count();
        Ok(score)
    }

    /// The sentences that show a technique or count as evidence, a row each; the most probable
    /// technique stands there with its probability, whether it reaches the threshold or not.
    ///
    /// # Errors
    /// As [`Answers::outcomes`].
    pub fn table(&self, report: &Report) -> Result<Table> {
        let headers = ["sentence", "most probable", "probability", "it shows", "outcome"];
        let mut table = Table::new(headers).limits(160, 72);
        for (.., judged) in report.sentences() {
            let (techniques, outcome) = self.of(judged)?;
            if outcome == Outcome::Silent {
                continue;
            }
            let first = judged.candidates.first();
            let shows = match techniques {
                [] => "no technique".to_owned(),
                some => some.join(", "),
            };
            table.push(cells![
                &judged.sentence.text,
                first.map(|first| &first.technique),
                first.map(|first| first.probability),
                shows,
                outcome.name(),
            ])?;
        }
        Ok(table)
    }

    /// The report with the decisions of a reviewer who knows the answers. Of a sentence that shows
    /// several techniques, the one that was found counts, or else the first.
    ///
    /// # Errors
    /// As [`Answers::outcomes`].
    pub fn decided(&self, report: &Report) -> Result<Report> {
        let mut decided = report.clone();
        for judged in decided.documents.iter_mut().flat_map(|read| &mut read.sentences) {
            let (techniques, outcome) = self.of(judged)?;
            (judged.accepted, judged.corrected) = match techniques.first() {
                _ if first(judged).is_some_and(|first| has(techniques, first)) => {
                    (Some(true), None)
                }
                Some(other) => (Some(false), Some(other.clone())),
                None if outcome == Outcome::Silent => (None, None),
                None => (Some(false), None),
            };
        }
        Ok(decided)
    }
}

fn first(judged: &Judgement) -> Option<&String> {
    judged.candidates.first().map(|first| &first.technique)
}

/// Whether a technique, or the one that it is a sub-technique of, is among these.
fn has(techniques: &[String], found: &str) -> bool {
    let parent = found.split_once('.').map_or(found, |(parent, _)| parent);
    techniques.iter().any(|id| id == found || id == parent)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::outputs::tests::sample;
    use crate::review::{Counts, ReviewedReport};

    /// Right by its parent, wrong, missed; and one of the second document.
    const ANSWERS: &str = r#"[
        ["The actor ran encoded PowerShell.", ["T1027", "T1059"]],
        ["It then fetched http://evil.example.com/a.ps1 from 203.0.113.9.", []],
        ["Analysts named the family after a river.", ["T1583"]],
        ["The loader starts powershell.exe with a hidden window.", ["T1564"]]
    ]"#;

    fn read(text: &str) -> Result<Answers> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.json");
        std::fs::write(&path, text).unwrap();
        Answers::read(&path)
    }

    #[test]
    fn outcomes_are_counted() {
        let answers = read(ANSWERS).unwrap();
        let found = answers.outcomes(&sample()).unwrap();
        assert_eq!(found, [Outcome::Right, Outcome::Wrong, Outcome::Missed, Outcome::Wrong]);
        let score = answers.score(&sample()).unwrap();
        let counts = (score.sentences, score.shown, score.named, score.right);
        assert_eq!(counts, (4, 3, 3, 1));
        // T1059.001 is right once and wrong once, T1105 is wrong.
        assert_eq!((score.techniques, score.techniques_found, score.techniques_wrong), (4, 1, 1));
        let [precision, recall] = [score.precision(), score.recall()].map(Option::unwrap);
        assert_eq!((precision.value, recall.value), (1.0 / 3.0, 1.0 / 3.0));
        assert_eq!(Score::default().precision(), None);
        let text = answers.table(&sample()).unwrap().to_text();
        assert_eq!(text.lines().count(), 6, "{text}");
        assert!(text.contains("hxxp://evil[.]example[.]com/a.ps1"), "{text}");
        assert!(text.contains("no technique  wrong"), "{text}");
        let silent = read(&ANSWERS.replace(r#"["T1583"]"#, "[]")).unwrap();
        assert_eq!(silent.outcomes(&sample()).unwrap()[2], Outcome::Silent);
        assert_eq!(silent.table(&sample()).unwrap().len(), 3);
    }

    #[test]
    fn a_reviewer_who_knows_them_decides_so() {
        let answers = read(ANSWERS).unwrap();
        let decided = answers.decided(&sample()).unwrap();
        let Counts { accepted, rejected, corrected, unseen, missed, .. } =
            ReviewedReport::of(decided).unwrap().counts;
        assert_eq!((accepted, rejected, corrected, unseen, missed), (1, 1, 1, 0, 1));
        // Nothing is decided of a sentence that shows nothing and is evidence of nothing.
        let silent = read(&ANSWERS.replace(r#"["T1583"]"#, "[]")).unwrap();
        let decided = silent.decided(&sample()).unwrap();
        assert_eq!(decided.documents[0].sentences[2].accepted, None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, words) in [
            ("{", "answers.json"),
            (r#"[["a", ["PowerShell"]]]"#, "\"PowerShell\" is no technique's id"),
            (r#"[["a", []], ["a", ["T1059"]]]"#, "field \"[1]\": \"a\" stands there already"),
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(said.contains(words) && said.lines().count() == 1, "{said}");
        }
        let said = read("[]").unwrap().score(&sample()).unwrap_err().to_string();
        assert!(said.ends_with("no answer for the sentence \"The actor ran encoded PowerShell.\""));
    }
}
