//! Which sentences are similar, and which two may be no negative pair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use ttp_base::{Error, Result};
use ttp_text::corpus::{Corpus, Kinship, Sentence, clean::normalised};

/// What two similar sentences have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The technique, sub-techniques folded in.
    #[default]
    Technique,
    /// The sub-technique where there is one, else the technique.
    Subtechnique,
    /// At least one tactic. Many pairs are similar then, and similar is not transitive.
    Tactic,
}

impl Level {
    /// The name in a profile and in texts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Technique => "technique",
            Self::Subtechnique => "sub-technique",
            Self::Tactic => "tactic",
        }
    }
}

/// What keeps a sentence from being another one's negative, beside what makes the two similar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exclusions {
    /// The same technique, where only sub-techniques count as similar.
    pub parent: bool,
    /// A tactic in common.
    pub tactic: bool,
    /// Techniques of which the one's description in ATT&CK links to the other.
    pub related: bool,
}

/// Why a sentence may not be another one's negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// The two are similar.
    Similar,
    /// The two have one text (case, spacing and punctuation set aside) and other labels.
    SameText,
    /// [`Exclusions::parent`].
    SameParent,
    /// [`Exclusions::tactic`].
    SameTactic,
    /// [`Exclusions::related`].
    Related,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Similar => "similar to the anchor by its label",
            Self::SameText => "the anchor's own text under another label",
            Self::SameParent => "of the anchor's parent technique",
            Self::SameTactic => "of a tactic of the anchor's",
            Self::Related => "of a technique that ATT&CK links with the anchor's",
        })
    }
}

/// The labels of some sentences, in numbers.
#[derive(Debug, Clone)]
pub struct Labels {
    level: Level,
    names: Vec<String>,
    /// Each sentence's label, an index into `names`; of level tactic, its technique.
    class: Vec<u32>,
    technique: Vec<u32>,
    /// A bit for each tactic.
    tactics: Vec<u64>,
    /// Equal numbers for equal texts.
    text: Vec<u32>,
    related: HashSet<(u32, u32)>,
}

impl Labels {
    /// Reads the labels of a corpus's sentences, in the corpus's order.
    ///
    /// # Errors
    /// If similar sentences are to have a tactic in common and one has none in `kinship`.
    pub fn new(corpus: &Corpus, level: Level, kinship: &Kinship) -> Result<Self> {
        let sentences = &corpus.sentences;
        let own = |s: &Sentence| s.subtechnique.clone().unwrap_or_else(|| s.technique.clone());
        let (techniques, technique) = numbered(sentences.iter().map(|s| s.technique.clone()));
        let (names, class) = match level {
            Level::Subtechnique => numbered(sentences.iter().map(own)),
            Level::Technique | Level::Tactic => (techniques.clone(), technique.clone()),
        };
        let (_, text) = numbered(sentences.iter().map(|s| normalised(&s.text)));
        let mut bits: BTreeMap<&str, u64> = BTreeMap::new();
        for name in kinship.tactics.values().flatten() {
            let next = 1 << bits.len().min(63);
            bits.entry(name).or_insert(next);
        }
        let tactics_of = |id: &str| kinship.tactics.get(id).into_iter().flatten();
        let tactics: Vec<u64> = sentences
            .iter()
            // A sub-technique's tactics are not always all of its technique's.
            .map(|s| tactics_of(&own(s)).fold(0, |set, name| set | bits[name.as_str()]))
            .collect();
        if let Some(at) =
            tactics.iter().position(|&set| set == 0).filter(|_| level == Level::Tactic)
        {
            let reason = format!("\"tactic\", and {} has none", own(&sentences[at]));
            return Err(Error::Setting { field: "similarity.level", reason });
        }
        let number: HashMap<&str, u32> = techniques.iter().map(String::as_str).zip(0..).collect();
        let related = kinship.related.iter().filter_map(|(a, b)| {
            let (a, b) = (*number.get(a.as_str())?, *number.get(b.as_str())?);
            Some((a.min(b), a.max(b)))
        });
        let related = related.collect();
        Ok(Self { level, names, class, technique, tactics, text, related })
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// What similar sentences have in common.
    pub fn level(&self) -> Level {
        self.level
    }

    /// A sentence's label by name; of level tactic, its technique.
    pub fn name(&self, sentence: u32) -> &str {
        &self.names[self.class(sentence) as usize]
    }

    /// A sentence's label as a number; of level tactic, its technique.
    pub fn class(&self, sentence: u32) -> u32 {
        self.class[sentence as usize]
    }

    /// Whether two sentences are similar.
    pub fn similar(&self, a: u32, b: u32) -> bool {
        match self.level {
            Level::Technique | Level::Subtechnique => self.class(a) == self.class(b),
            Level::Tactic => self.tactics[a as usize] & self.tactics[b as usize] != 0,
        }
    }

    /// Whether two sentences have one text.
    pub fn same_text(&self, a: u32, b: u32) -> bool {
        self.text[a as usize] == self.text[b as usize]
    }

    /// What [`similar`](Self::similar) and [`same_text`](Self::same_text) follow from, for a
    /// fingerprint.
    pub(super) fn numbers(&self) -> impl Serialize + '_ {
        (format!("{:?}", self.level), &self.class, &self.tactics, &self.text)
    }

    /// Why two sentences may be no negative pair, the first reason that holds.
    pub fn bar(&self, a: u32, b: u32, exclude: Exclusions) -> Option<Bar> {
        let (i, j) = (a as usize, b as usize);
        let (one, two) = (self.technique[i], self.technique[j]);
        if self.similar(a, b) {
            Some(Bar::Similar)
        } else if self.same_text(a, b) {
            Some(Bar::SameText)
        } else if exclude.parent && one == two {
            Some(Bar::SameParent)
        } else if exclude.tactic && self.tactics[i] & self.tactics[j] != 0 {
            Some(Bar::SameTactic)
        } else if exclude.related && self.related.contains(&(one.min(two), one.max(two))) {
            Some(Bar::Related)
        } else {
            None
        }
    }

    /// Sentences whose text another label has too: how many.
    pub fn ambiguous(&self) -> usize {
        let mut classes: HashMap<u32, HashSet<u32>> = HashMap::new();
        for (text, class) in self.text.iter().zip(&self.class) {
            classes.entry(*text).or_default().insert(*class);
        }
        self.text.iter().filter(|text| classes[text].len() > 1).count()
    }
}

/// Names in the order of a set, and for each item the number of its name.
fn numbered(items: impl Iterator<Item = String>) -> (Vec<String>, Vec<u32>) {
    let items: Vec<String> = items.collect();
    let mut names: Vec<String> = items.clone();
    names.sort_unstable();
    names.dedup();
    let number: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
    let numbers = items.iter().map(|item| number[item.as_str()]).collect();
    (names, numbers)
}
