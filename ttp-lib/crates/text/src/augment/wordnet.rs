//! WordNet's synonyms, from its own database files: those of NLTK, which TextAttack reads.

mod files;
mod part;

use super::words::words;
use files::Files;
use part::{KINDS, Part};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use ttp_base::Result;

/// Synonyms of single words, as TextAttack 0.3.10 has them from NLTK's WordNet 3.0.
///
/// The files are kept as they are and looked up in as WordNet's own programs do; what was found
/// of a word is kept.
pub struct WordNet {
    parts: [Part; 4],
    found: RwLock<HashMap<String, Synonyms>>,
}

/// Words of which is kept what was found: more than any corpus here has, none of them longer
/// than WordNet's own.
const KEPT: usize = 200_000;
const LONGEST: usize = 80;

/// The synonyms of one word: those of letters only come first, both parts in alphabetical order
/// (capitals before small letters) and without repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synonyms {
    words: Arc<[String]>,
    of_letters: usize,
    /// Whether WordNet has the word, with synonyms or without.
    known: bool,
}

impl Default for Synonyms {
    fn default() -> Self {
        Self { words: Arc::new([]), of_letters: 0, known: false }
    }
}

impl Synonyms {
    /// Every one-word synonym: what replacement draws from.
    pub fn all(&self) -> &[String] {
        &self.words
    }

    /// Those that are letters only: what insertion draws from, as in TextAttack.
    pub fn of_letters(&self) -> &[String] {
        &self.words[..self.of_letters]
    }
}

impl WordNet {
    /// The one copy in memory (28 MB), read at the first call from the folder `wordnet-3.0` of
    /// `TTP_SOURCES`, or of `data/raw/` where it was not set or does not hold it.
    ///
    /// # Errors
    /// As [`read`](Self::read); the line names the make target that fetches the files.
    pub fn get() -> Result<&'static Self> {
        static WORDNET: OnceLock<WordNet> = OnceLock::new();
        if let Some(wordnet) = WORDNET.get() {
            return Ok(wordnet);
        }
        // Whoever comes second reads it for nothing: no lock that an error would have to pass.
        let read = Self::of(&Files::from_env())?;
        Ok(WORDNET.get_or_init(|| read))
    }

    /// Reads the database files of a folder: `index.*`, `data.*` and `*.exc` of `noun`, `verb`,
    /// `adj` and `adv`.
    ///
    /// # Errors
    /// If one is missing, cannot be read, is cut off or is not of WordNet's format.
    pub fn read(folder: &Path) -> Result<Self> {
        Self::of(&Files::of(folder))
    }

    fn of(files: &Files) -> Result<Self> {
        let [noun, verb, adjective, adverb] = KINDS.each_ref().map(|kind| Part::read(kind, files));
        Ok(Self { parts: [noun?, verb?, adjective?, adverb?], found: RwLock::default() })
    }

    /// How many words and phrases are listed, each part of speech by itself.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Whether no word is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether WordNet lists the word, whatever its case, or a base form of it.
    pub fn knows(&self, word: &str) -> bool {
        self.synonyms(word).known
    }

    /// The one-word synonyms of `word`, whatever its case, without the word itself: all words of
    /// all synsets, of whatever part of speech, of the word and of its base forms.
    ///
    /// A base form is found by WordNet's lists of irregular forms (`sent`, `larger`) and by its
    /// rules for endings (`attackers`), and is itself among the synonyms. None of them is
    /// inflected, so `attackers` may become `assailant`. They are spelled as in WordNet.
    ///
    /// ```
    /// use ttp_text::augment::WordNet;
    /// let wordnet = WordNet::get()?;
    /// let has = |word: &str, synonym: &str| wordnet.synonyms(word).all().iter().any(|s| s == synonym);
    /// assert!(has("Account", "score") && has("net", "profits") && has("sent", "transmit"));
    /// assert!(has("attackers", "assailant") && has("attackers", "attacker"));
    /// assert!(wordnet.synonyms("mimikatz").all().is_empty());
    /// # Ok::<(), ttp_base::Error>(())
    /// ```
    pub fn synonyms(&self, word: &str) -> Synonyms {
        let word = &*lower_case(word);
        let kept = self.found.read().unwrap_or_else(PoisonError::into_inner).get(word).cloned();
        kept.unwrap_or_else(|| {
            let found = self.look_up(word);
            if word.len() > LONGEST {
                return found;
            }
            let mut all = self.found.write().unwrap_or_else(PoisonError::into_inner);
            if all.len() < KEPT {
                all.insert(word.to_owned(), found.clone());
            }
            found
        })
    }

    fn look_up(&self, word: &str) -> Synonyms {
        let mut known = false;
        let mut found: Vec<&str> = Vec::new();
        for part in &self.parts {
            for line in part.forms(word) {
                known = true;
                found.extend(part.words_of(line));
            }
        }
        found.sort_unstable_by_key(|synonym| (!is_of_letters(synonym), *synonym));
        found.dedup();
        found.retain(|new| !new.contains('_') && !new.eq_ignore_ascii_case(word) && is_one(new));
        Synonyms {
            of_letters: found.iter().take_while(|synonym| is_of_letters(synonym)).count(),
            words: found.into_iter().map(str::to_owned).collect(),
            known,
        }
    }
}

impl fmt::Debug for WordNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WordNet of {} words and phrases", self.len())
    }
}

/// As WordNet writes a word: in lower case, and with the typewriter's apostrophe.
fn lower_case(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.to_lowercase().replace('’', "'"))
}

/// TextAttack's `is_one_word`: whether there is one word in it. `St.` is, `a.m.` is not.
fn is_one(text: &str) -> bool {
    words(text).len() == 1
}

fn is_of_letters(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
