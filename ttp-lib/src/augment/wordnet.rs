//! WordNet's synonyms, from the text that the crate `thesaurus-wordnet` carries.

use super::words::is_one_word;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

/// Synonyms of single words.
///
/// The source is one line a word, `word|synonym|synonym…`, in lower case, senses and
/// parts of speech together. Phrases are left out, as in TextAttack.
pub struct WordNet {
    /// Where the synonyms of a word are in `synonyms`. Words that are listed without
    /// a one-word synonym are here too: they need no search for a base form.
    entries: HashMap<&'static str, Entry>,
    /// The synonyms of all words, one word's after the other's.
    synonyms: Vec<&'static str>,
}

/// A range of `WordNet::synonyms`: first those of letters only, then the others
/// (`take-home`, `24/7`), each part in alphabetical order and without repeats.
#[derive(Clone, Copy)]
struct Entry {
    from: u32,
    others_from: u32,
    to: u32,
}

/// The synonyms of one word: those of letters only come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synonyms {
    words: Vec<&'static str>,
    of_letters: usize,
}

impl Synonyms {
    /// Every one-word synonym: what replacement draws from.
    pub fn all(&self) -> &[&'static str] {
        &self.words
    }

    /// Those that are letters only: what insertion draws from, as in TextAttack.
    pub fn of_letters(&self) -> &[&'static str] {
        &self.words[..self.of_letters]
    }
}

/// WordNet's own rules for the endings of nouns and verbs: an ending and what the
/// base form has in its place (morphy(7WN), "Detachment Rules").
const ENDINGS: [(&str, &str); 14] = [
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
    ("es", "e"),
    ("es", ""),
    ("ed", "e"),
    ("ed", ""),
    ("ing", "e"),
    ("ing", ""),
];

/// A base form is at least this long: without it `using` would lead to `us`, for the
/// text does not say that `us` is no verb.
const SHORTEST_BASE: usize = 3;

impl WordNet {
    /// The one copy in memory, unpacked and indexed at the first call.
    pub fn get() -> &'static Self {
        static TEXT: OnceLock<String> = OnceLock::new();
        static WORDNET: OnceLock<WordNet> = OnceLock::new();
        WORDNET.get_or_init(|| Self::index(TEXT.get_or_init(|| single_words(&unpack()))))
    }

    /// Indexes a text of [`single_words`].
    fn index(text: &'static str) -> Self {
        let mut entries = HashMap::with_capacity(text.lines().count());
        let mut synonyms: Vec<&'static str> = Vec::new();
        for line in text.lines() {
            let mut fields = line.split('|');
            let Some(word) = fields.next() else { continue };
            let from = synonyms.len();
            synonyms.extend(fields);
            let of_letters = synonyms[from..].iter().take_while(|s| is_of_letters(s)).count();
            // The text has some 200,000 synonyms: far from 2³².
            let entry = Entry {
                from: from as u32,
                others_from: (from + of_letters) as u32,
                to: synonyms.len() as u32,
            };
            entries.insert(word, entry);
        }
        synonyms.shrink_to_fit();
        Self { entries, synonyms }
    }

    /// How many words are listed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no word is listed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether WordNet lists the word, whatever its case, or a base form of it.
    pub fn knows(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.entries.contains_key(word.as_str()) || self.base_forms(&word).next().is_some()
    }

    /// The one-word synonyms of `word`, whatever its case, without the word itself.
    ///
    /// A word that is not listed (`attackers`), or ends as a verb's form does (`used`),
    /// has the synonyms of its base forms too and those base forms themselves, as in
    /// TextAttack; they are not inflected, so `attackers` may become `assailant`.
    ///
    /// The text has neither WordNet's list of exceptions nor its parts of speech. So
    /// irregular forms (`sent`) and comparatives (`larger`) have no synonyms unless they
    /// are listed, other listed words have no base form (`news` is not `new`), and a few
    /// have a wrong one (`feed`, `fee`).
    ///
    /// ```
    /// use ttp_lib::augment::WordNet;
    /// let wordnet = WordNet::get();
    /// assert!(wordnet.synonyms("Account").all().contains(&"score"));
    /// assert!(wordnet.synonyms("net").of_letters().contains(&"profits"));
    /// assert!(wordnet.synonyms("attackers").all().contains(&"assailant"));
    /// assert!(wordnet.synonyms("mimikatz").all().is_empty());
    /// ```
    pub fn synonyms(&self, word: &str) -> Synonyms {
        let word = word.to_ascii_lowercase();
        let own = self.entries.get(word.as_str());
        let is_verb_form = word.ends_with("ed") || word.ends_with("ing");
        if let Some(entry) = own.filter(|_| !is_verb_form) {
            return Synonyms {
                words: self.slice(entry.from..entry.to).to_vec(),
                of_letters: (entry.others_from - entry.from) as usize,
            };
        }
        let mut of_letters = Vec::new();
        let mut others = Vec::new();
        let mut add = |entry: &Entry| {
            of_letters.extend_from_slice(self.slice(entry.from..entry.others_from));
            others.extend_from_slice(self.slice(entry.others_from..entry.to));
        };
        own.into_iter().for_each(&mut add);
        self.base_forms(&word).for_each(|(_, entry)| add(&entry));
        for (base, _) in self.base_forms(&word) {
            if is_of_letters(base) { of_letters.push(base) } else { others.push(base) }
        }
        for part in [&mut of_letters, &mut others] {
            part.retain(|synonym| *synonym != word);
            part.sort_unstable();
            part.dedup();
        }
        let count = of_letters.len();
        of_letters.append(&mut others);
        Synonyms { words: of_letters, of_letters: count }
    }

    /// The listed words that one of [`ENDINGS`] leads to.
    fn base_forms(&self, word: &str) -> impl Iterator<Item = (&'static str, Entry)> {
        ENDINGS.iter().filter_map(move |(ending, instead)| {
            let base = format!("{}{instead}", word.strip_suffix(ending)?);
            let (&listed, &entry) = self.entries.get_key_value(base.as_str())?;
            (base.len() >= SHORTEST_BASE).then_some((listed, entry))
        })
    }

    fn slice(&self, range: Range<u32>) -> &[&'static str] {
        &self.synonyms[range.start as usize..range.end as usize]
    }
}

/// The whole text, phrases and all.
fn unpack() -> String {
    thesaurus_wordnet::uncompress()
}

/// The lines of single words with their one-word synonyms, those of letters first,
/// sorted and without repeats: the order of the source's own lines changes from one
/// build of that crate to the next, and no result may depend on it.
fn single_words(text: &str) -> String {
    let mut kept = String::with_capacity(text.len() / 2);
    let mut synonyms: Vec<&str> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('|');
        let Some(word) = fields.next().filter(|word| is_one_word(word)) else { continue };
        synonyms.clear();
        synonyms.extend(fields.filter(|s| *s != word && !s.contains('_') && is_one_word(s)));
        synonyms.sort_unstable_by_key(|s| (!is_of_letters(s), *s));
        synonyms.dedup();
        kept.push_str(word);
        for synonym in &synonyms {
            kept.push('|');
            kept.push_str(synonym);
        }
        kept.push('\n');
    }
    kept.shrink_to_fit();
    kept
}

fn is_of_letters(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_sorted_letters_first_and_has_neither_phrases_nor_the_word() {
        let text = "net|web|take-home|net profit|net|clear|net_income|web\nnet profit|x\n";
        assert_eq!(single_words(text), "net|clear|web|take-home\n");
        let wordnet = WordNet::index("net|clear|web|take-home\nu\n");
        let net = wordnet.synonyms("NET");
        assert_eq!(net.all(), ["clear", "web", "take-home"]);
        assert_eq!(net.of_letters(), ["clear", "web"]);
        assert_eq!(wordnet.synonyms("u"), Synonyms::default());
    }

    #[test]
    fn base_forms_are_sought_for_unlisted_words_and_for_forms_of_verbs() {
        let wordnet = WordNet::index(
            "user|exploiter\nuse|employ|used\nused|old|use-up\nus|america\nnew|fresh\nnews|word\n",
        );
        assert_eq!(wordnet.synonyms("users").all(), ["exploiter", "user"]);
        assert_eq!(wordnet.synonyms("Used").all(), ["employ", "old", "use", "use-up"]);
        assert_eq!(wordnet.synonyms("news").all(), ["word"]);
        assert_eq!(wordnet.synonyms("using").all(), ["employ", "use", "used"], "and not `us`");
        assert_eq!(wordnet.synonyms("s"), Synonyms::default());
        assert_eq!(wordnet.synonyms(""), Synonyms::default());
    }

    #[test]
    fn the_whole_of_wordnet_is_there() {
        let wordnet = WordNet::get();
        // Python, over the crate's own source file (wordnet.jsonl): 125,701 entries, of
        // which 71,156 have neither a blank nor an underscore, and those of them with
        // another character that no word has (a.m., tcp/ip) are 76.
        assert_eq!(wordnet.len(), WORDS);
        for (word, synonym) in
            [("account", "score"), ("net", "profits"), ("discovery", "find"), ("hello", "howdy")]
        {
            assert!(wordnet.synonyms(word).of_letters().contains(&synonym), "{word}");
        }
        assert!(wordnet.synonyms("net").all().contains(&"take-home"));
        for synonyms in wordnet.entries.keys().map(|word| wordnet.synonyms(word)) {
            assert!(synonyms.all().iter().all(|s| is_one_word(s) && !s.contains('_')));
            assert!(synonyms.of_letters().iter().all(|s| is_of_letters(s)));
            assert!(synonyms.all()[synonyms.of_letters..].iter().all(|s| !is_of_letters(s)));
        }
    }

    /// Words without blank or underscore that are one word: see the test above.
    const WORDS: usize = 71_080;
}
