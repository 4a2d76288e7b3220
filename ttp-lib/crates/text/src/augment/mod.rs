//! Easy Data Augmentation (Wei and Zou, 2019, <https://arxiv.org/abs/1901.11196>) as
//! TextAttack 0.3.10's `EasyDataAugmenter` does it: replacement by WordNet synonyms,
//! insertion of a synonym, removal and swap, each output labelled with its operation.
//!
//! Taken over from TextAttack: the thesaurus, which is NLTK's copy of WordNet 3.0
//! ([`WordNet`]), and which of its words replace a word; what a word is ([`words`]), how
//! many words a variant edits, that stop words and words already edited are left alone,
//! that phrases are no synonyms, where words are inserted (never after the last) and
//! which blank goes with a removed word, and that a synonym is put in as WordNet spells
//! it: the capital of a replaced word is not kept.
//!
//! Different on purpose:
//! - A seed decides everything; TextAttack has none.
//! - Stop words are known whatever their case, are not moved by a swap, and their
//!   synonyms are not inserted (WordNet has `indium` for `in`).
//! - A swap takes neither equal words nor a word that was moved already, and a change
//!   of case is no replacement, so that no output equals its input.
//! - The blank before a removed last word goes too, and blanks that would come to stand
//!   before a full stop or the like.
//! - Words are not torn at accents of their own or at curly apostrophes, and quotation
//!   marks do not go with them ([`words`]).
//! - Names, paths, hashes and the like can be protected ([`AugmentSettings::protect`]).

mod eda;
mod protect;
mod stop_words;
mod wordnet;
mod words;

pub use wordnet::{Synonyms, WordNet};
pub use words::words;

use crate::corpus::Operation;
use eda::SentenceWords;
use protect::Names;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ttp_base::settings::{at_least, from_to};
use ttp_base::{Result, settings};

/// How sentences are augmented. The default is TextAttack's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentSettings {
    /// Share of a sentence's words that a variant edits, from 0 to 1, rounded down; at
    /// least one word is edited, and two by a swap. TextAttack's `pct_words_to_swap`.
    pub fraction: f64,
    /// Variants of a sentence, at least 1: one of each operation for every four, and a
    /// random choice of operations for the rest. TextAttack's `transformations_per_example`.
    pub per_sentence: usize,
    /// Whether NLTK's English stop words are left alone.
    pub skip_stop_words: bool,
    /// Whether names of tools and groups, hashes, paths, URLs, host names, ports, registry
    /// keys, file names, switches, quoted commands, CVE and ATT&CK ids, numbers, dates and
    /// times are left alone. Names are known by their capitals, or given with
    /// [`Augmenter::with_names`].
    pub protect: bool,
}

impl Default for AugmentSettings {
    fn default() -> Self {
        Self { fraction: 0.1, per_sentence: 4, skip_stop_words: true, protect: false }
    }
}

settings!(AugmentSettings, "augment", {
    fraction: from_to(0.0, 1.0),
    per_sentence: at_least(1.0).or("0 variants were asked for; at least 1 is needed"),
}, free { skip_stop_words, protect });

/// An augmented text and how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The new text.
    pub text: String,
    /// The operation, never [`Operation::Original`].
    pub operation: Operation,
}

/// Makes variants of sentences.
///
/// ```
/// use ttp_text::augment::{AugmentSettings, Augmenter};
/// use ttp_text::corpus::Operation;
///
/// let augmenter = Augmenter::new(AugmentSettings::default())?;
/// let sentence = "Chimera has used net user for account discovery.";
/// let variants = augmenter.variants(sentence, 1);
/// assert_eq!(variants.iter().map(|v| v.operation).collect::<Vec<_>>(), Operation::AUGMENTING);
/// assert_eq!(variants, augmenter.variants(sentence, 1));
///
/// let paper = "Chimera has used net user for score discovery.";
/// let outputs = augmenter.one_edit_outputs(sentence, Operation::Replacement);
/// assert!(outputs.iter().any(|output| output == paper));
/// # Ok::<(), ttp_base::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Augmenter {
    settings: AugmentSettings,
    names: Names,
    wordnet: &'static WordNet,
}

/// Draws until a variant differs from those before it; then there are fewer.
const ATTEMPTS: usize = 8;

impl Augmenter {
    /// An augmenter with these settings, and WordNet as its thesaurus.
    ///
    /// # Errors
    /// As [`AugmentSettings::check`] and [`WordNet::get`].
    pub fn new(settings: AugmentSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings, names: Names::default(), wordnet: WordNet::get()? })
    }

    /// Names to protect besides those known by their shape, each of one word or several,
    /// matched in their case: `Chimera`, `net`. Without [`AugmentSettings::protect`] they
    /// change nothing.
    #[must_use]
    pub fn with_names<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        names.into_iter().for_each(|name| self.names.add(name.as_ref()));
        self
    }

    /// The settings.
    pub fn settings(&self) -> &AugmentSettings {
        &self.settings
    }

    fn read<'t>(&self, text: &'t str) -> SentenceWords<'t> {
        SentenceWords::read(text, &self.settings, &self.names, self.wordnet)
    }

    /// At most `per_sentence` variants of `text`, in the order of
    /// [`Operation::AUGMENTING`]; all different, none equal to `text`, none without a word.
    ///
    /// There are fewer where an operation can change nothing (a swap in `hello hello`)
    /// or finds nothing new in a few attempts, and none for a text without words to edit.
    /// The same text, settings and seed give the same variants on every machine.
    pub fn variants(&self, text: &str, seed: u64) -> Vec<Variant> {
        let sentence = self.read(text);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order = Operation::AUGMENTING;
        order.shuffle(&mut rng);
        let wanted = self.settings.per_sentence;
        let mut variants: Vec<Variant> = Vec::with_capacity(wanted.min(order.len()));
        for _ in 0..wanted.div_ceil(order.len()) {
            let before = variants.len();
            for operation in order {
                if variants.len() == wanted {
                    break;
                }
                let new = (0..ATTEMPTS)
                    .map_while(|_| sentence.apply(operation, &mut rng))
                    .find(|text| variants.iter().all(|variant| variant.text != *text));
                variants.extend(new.map(|text| Variant { text, operation }));
            }
            if variants.len() == before {
                break;
            }
        }
        variants.sort_by_key(|variant| variant.operation);
        variants
    }

    /// One application of one operation to `text`; `None` where it can change nothing,
    /// and for [`Operation::Original`]. The result is never `text` itself.
    pub fn apply(&self, text: &str, operation: Operation, rng: &mut impl Rng) -> Option<String> {
        self.read(text).apply(operation, rng)
    }

    /// The variants of many texts, in their order, on all threads of rayon's pool: for
    /// the text at `index` those of [`variants`](Self::variants) with the seed
    /// [`seed_of`]`(seed, index)`, whatever the number of threads.
    pub fn variants_of_all(&self, texts: &[&str], seed: u64) -> Vec<Vec<Variant>> {
        texts
            .par_iter()
            .enumerate()
            .map(|(index, text)| self.variants(text, seed_of(seed, index)))
            .collect()
    }

    /// Every text that one edit of this kind can make of `text`, sorted, without repeats:
    /// one word replaced or removed, one inserted, two swapped.
    ///
    /// These are all outputs of [`apply`](Self::apply) wherever it makes one edit: while
    /// `fraction` × words is below 2, and for insertion and swap below 3, because those
    /// count two words an edit.
    pub fn one_edit_outputs(&self, text: &str, operation: Operation) -> Vec<String> {
        self.read(text).one_edit_outputs(operation)
    }

    /// Whether `target` is among [`one_edit_outputs`](Self::one_edit_outputs): whether a
    /// published example could have come from this operation.
    pub fn reachable(&self, text: &str, operation: Operation, target: &str) -> bool {
        self.one_edit_outputs(text, operation).iter().any(|output| output == target)
    }
}

/// The seed of the text at `index` of a collection with a seed of its own: the output
/// number `index` of the SplitMix64 generator (Steele, Lea and Flood, 2014) that starts
/// at `seed`.
pub fn seed_of(seed: u64, index: usize) -> u64 {
    let steps = (index as u64).wrapping_add(1);
    let z = seed.wrapping_add(steps.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
