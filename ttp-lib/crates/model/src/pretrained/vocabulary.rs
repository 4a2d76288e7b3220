//! Vocabularies of word pieces without their models: from a `vocab.txt`, one piece a line, or
//! from the table in which the Python package blingfire keeps a checkpoint's pieces (`.i2w`).

use super::tokenizer::{Builder, CheckpointTokenizer};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use tokenizers::models::wordpiece::{WordPiece, WordPieceTrainer};
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    AddedToken, Model, NormalizedString, Normalizer, OffsetReferential, OffsetType,
    PreTokenizedString, PreTokenizer, Trainer,
};
use ttp_base::{Error, Result};

/// The word of an `.i2w` file, from 0, that says at which byte its texts end.
const END: usize = 3;
/// How many entries it has.
const COUNT: usize = 24;
/// Where the first of them begins.
const FIRST: usize = 25;

/// The pieces of a vocabulary, in the order of their ids: `##` begins one that goes on in a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    file: PathBuf,
    pieces: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// Reads a `vocab.txt`: one piece a line, which should be `expected` ones. Of the lines, from
    /// 1, only `blank` may be empty: SciBERT's vocabulary has one such piece, which no text
    /// becomes.
    ///
    /// # Errors
    /// If the file cannot be read, is not UTF-8, has another line without a piece or a piece
    /// twice (with its line), or another number of them.
    pub fn read_lines(file: &Path, expected: usize, blank: Option<usize>) -> Result<Self> {
        let bytes = fs::read(file).map_err(Error::file(file, "read"))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            let row = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Error::input_at(file, Some(row), None, "not UTF-8")
        })?;
        Self::of(file, text.lines().map(str::to_owned).collect(), expected, blank)
    }

    /// Reads blingfire's `.i2w`, which should hold `expected` pieces. Its words of 32 bits are
    /// little-endian: word 3 says at which byte the texts end, word 24 how many entries there
    /// are, words 25 to 25 + count where each begins and the last ends; the texts follow. An
    /// entry that begins with a blank begins a word; any other goes on in one.
    ///
    /// # Errors
    /// If the file cannot be read or is cut off, its count is not that of its texts, an entry
    /// begins before the one ahead of it, is not UTF-8, is empty or there twice (with its
    /// number, from 1), or there is another number of them.
    pub fn read_i2w(file: &Path, expected: usize) -> Result<Self> {
        let bytes = fs::read(file).map_err(Error::file(file, "read"))?;
        let length = bytes.len();
        let word = |at: usize| -> Option<usize> {
            let four = bytes.get(4 * at..4 * at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(four)).ok()
        };
        let wrong = |row, field, reason: String| Error::input_at(file, row, field, reason);
        let (Some(end), Some(count)) = (word(END), word(COUNT)) else {
            let reason = format!("cut off: {length} bytes, and its head has {}", 4 * FIRST);
            return Err(wrong(None, None, reason));
        };
        if end > length {
            let reason = format!("cut off: {length} bytes, and its texts end at {end}");
            return Err(wrong(None, None, reason));
        }
        let start = 4 * (FIRST + count + 1);
        let offsets: Option<Vec<usize>> = (FIRST..=FIRST + count).map(word).collect();
        let Some(offsets) = offsets.filter(|_| start <= end) else {
            let reason = format!("{count} entries, and {end} bytes have no room for their table");
            return Err(wrong(None, Some("count"), reason));
        };
        for (row, pair) in offsets.windows(2).enumerate() {
            if pair[1] < pair[0] {
                let reason = format!("goes back from {} to {}", pair[0], pair[1]);
                return Err(wrong(Some(row + 1), Some("offset"), reason));
            }
        }
        let (first, last) = (offsets.first().copied(), offsets.last().copied());
        if first != Some(0) || last != Some(end - start) {
            let [first, last] = [first, last].map(Option::unwrap_or_default);
            let reason = format!(
                "{count} entries take bytes {first} to {last} of the texts, which have {}",
                end - start
            );
            return Err(wrong(None, Some("count"), reason));
        }
        let texts = &bytes[start..end];
        let mut pieces = Vec::with_capacity(count);
        for (row, pair) in offsets.windows(2).enumerate() {
            let text = std::str::from_utf8(&texts[pair[0]..pair[1]])
                .map_err(|_| wrong(Some(row + 1), None, "not UTF-8".to_owned()))?;
            pieces.push(match text.strip_prefix(' ') {
                Some(piece) => piece.to_owned(),
                None if text.is_empty() => String::new(),
                None => format!("##{text}"),
            });
        }
        Self::of(file, pieces, expected, None)
    }

    /// Word pieces trained on texts: the most frequent pairs of pieces are joined until there are
    /// `size`, or no pair is left that stands there twice. Texts lose capitals and accents first.
    /// The same texts give the same pieces.
    ///
    /// # Errors
    /// If the texts have no word.
    pub fn train<S: AsRef<str> + Sync>(texts: &[S], size: usize) -> Result<Self> {
        let wrong = |error: tokenizers::Error| Error::Library {
            what: "training a vocabulary",
            reason: error.to_string(),
        };
        let normalizer = BertNormalizer::new(true, true, None, true);
        let words = |text: &str| -> tokenizers::Result<Vec<String>> {
            let mut text = NormalizedString::from(text);
            normalizer.normalize(&mut text)?;
            let mut text = PreTokenizedString::from(text);
            BertPreTokenizer.pre_tokenize(&mut text)?;
            let words = text.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
            Ok(words.into_iter().map(|(word, ..)| word.to_owned()).collect())
        };
        // The trainer numbers letters within words as it meets them, in an order that changes from
        // run to run, and numbers decide between pairs of one count: so they get theirs before.
        let mut letters = BTreeSet::new();
        for text in texts {
            let words = words(text.as_ref()).map_err(wrong)?;
            letters.extend(words.iter().flat_map(|word| word.chars().skip(1)));
        }
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
        let first = special.iter().cloned().chain(letters.iter().map(|c| format!("##{c}")));
        let mut trainer = WordPieceTrainer::builder()
            .vocab_size(size)
            .min_frequency(2)
            .show_progress(false)
            .special_tokens(first.map(|token| AddedToken::from(token, true)).collect())
            .build();
        trainer.feed(texts.iter().map(AsRef::as_ref), words).map_err(wrong)?;
        let mut model = WordPiece::default();
        trainer.train(&mut model).map_err(wrong)?;
        let mut pieces: Vec<(String, u32)> = model.get_vocab().into_iter().collect();
        pieces.sort_by_key(|(_, id)| *id);
        if pieces.len() <= special.len() {
            let reason = "the texts have no word".to_owned();
            return Err(Error::Library { what: "training a vocabulary", reason });
        }
        let count = pieces.len();
        let pieces = pieces.into_iter().map(|(piece, _)| piece).collect();
        Self::of(Path::new("trained vocabulary"), pieces, count, None)
    }

    /// The file that it was read from.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    fn of(file: &Path, pieces: Vec<String>, expected: usize, blank: Option<usize>) -> Result<Self> {
        let mut ids = HashMap::with_capacity(pieces.len());
        for (id, piece) in (0_u32..).zip(&pieces) {
            let row = Some(id as usize + 1);
            if piece.trim_ascii().is_empty() && row != blank {
                return Err(Error::input_at(file, row, None, "empty, and a piece is wanted"));
            }
            match ids.entry(piece.clone()) {
                Entry::Vacant(place) => _ = place.insert(id),
                Entry::Occupied(before) => {
                    let reason = format!("{piece:?} is in row {} already", before.get() + 1);
                    return Err(Error::input_at(file, row, None, reason));
                }
            }
        }
        if pieces.len() != expected {
            let reason = format!("{} pieces, and it should have {expected}", pieces.len());
            return Err(Error::input(file, reason));
        }
        Ok(Self { file: file.to_path_buf(), pieces, ids })
    }

    /// The pieces, in the order of their ids.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }

    /// The id of a piece, from 0.
    pub fn id_of(&self, piece: &str) -> Option<u32> {
        self.ids.get(piece).copied()
    }

    /// As a `vocab.txt` has it: one piece a line.
    pub fn to_lines(&self) -> String {
        self.pieces.iter().flat_map(|piece| [piece, "\n"]).collect()
    }

    /// BERT's tokenizer of these pieces, cutting at `max_length` tokens, special ones included.
    /// With `lower_case`, texts lose capitals and accents first, as transformers does it.
    ///
    /// # Errors
    /// If the pieces lack one of `[CLS]`, `[PAD]`, `[SEP]` and `[UNK]`, or `max_length` is
    /// below three.
    pub fn tokenizer(&self, lower_case: bool, max_length: usize) -> Result<CheckpointTokenizer> {
        if max_length < 3 {
            let reason = format!("{max_length}, but two are special tokens");
            return Err(Error::Setting { field: "max_length", reason });
        }
        Builder::of_pieces(&self.file, lower_case).build_of(&self.pieces, max_length)
    }
}

/// A vocabulary of the paper's checkpoints that can be had without the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedVocabulary {
    /// The checkpoint's name in the catalogue.
    pub checkpoint: &'static str,
    /// Its file below `data/raw/` and `TTP_SOURCES`.
    pub file: &'static str,
    /// How many pieces it has.
    pub pieces: usize,
    /// The line, from 1, of a piece that is empty.
    pub blank: Option<usize>,
    /// Whether its tokenizer takes capitals and accents off.
    pub lower_case: bool,
}

/// The vocabularies that `data/sources.toml` knows. SecBERT's is on the hub alone.
pub const PUBLISHED: [PublishedVocabulary; 2] = [
    PublishedVocabulary {
        checkpoint: "bert",
        file: "vocabularies/bert_base_cased_tok.i2w",
        pieces: 28_996,
        blank: None,
        lower_case: false,
    },
    PublishedVocabulary {
        checkpoint: "scibert",
        file: "vocabularies/scibert_scivocab_uncased.txt",
        pieces: 31_090,
        blank: Some(30_107),
        lower_case: true,
    },
];

impl PublishedVocabulary {
    /// Reads it from `path`, by the ending of its file's name.
    ///
    /// # Errors
    /// As [`Vocabulary::read_i2w`] and [`Vocabulary::read_lines`].
    pub fn read(&self, path: &Path) -> Result<Vocabulary> {
        match self.file.ends_with(".i2w") {
            true => Vocabulary::read_i2w(path, self.pieces),
            false => Vocabulary::read_lines(path, self.pieces, self.blank),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Entries as blingfire writes them, and a file of its form: 96 bytes of head, the table, the
    /// texts, and twelve bytes more.
    const ENTRIES: [&[u8]; 9] =
        [b" [PAD]", b" [UNK]", b" [CLS]", b" [SEP]", b" [MASK]", b" key", b"log", b" Log", b"s"];

    fn file_of(entries: &[&[u8]]) -> Vec<u8> {
        let mut offsets = vec![0_u32];
        for entry in entries {
            offsets.push(offsets[offsets.len() - 1] + entry.len() as u32);
        }
        let start = 4 * (FIRST + offsets.len()) as u32;
        let mut words = vec![0_u32; COUNT];
        words[END] = start + offsets[entries.len()];
        words.push(entries.len() as u32);
        words.extend(offsets);
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(entries.concat());
        bytes.extend([0; 12]);
        bytes
    }

    fn put(bytes: &mut [u8], word: usize, value: u32) {
        bytes[4 * word..4 * word + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// What reading says, without the folder's name.
    fn said(name: &str, bytes: &[u8], expected: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let read = match name {
            "a.i2w" => Vocabulary::read_i2w(&file, expected),
            _ => Vocabulary::read_lines(&file, expected, None),
        };
        let said = match read {
            Ok(vocabulary) => vocabulary.to_lines().replace('\n', " "),
            Err(error) => error.to_string(),
        };
        assert_eq!(said.lines().count(), 1, "{said}");
        said.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn an_i2w_gives_its_pieces_in_order() {
        let pieces = "[PAD] [UNK] [CLS] [SEP] [MASK] key ##log Log ##s ";
        assert_eq!(said("a.i2w", &file_of(&ENTRIES), 9), pieces);
        assert_eq!(said("a.txt", pieces.trim().replace(' ', "\n").as_bytes(), 9), pieces);
        assert_eq!(said("a.txt", pieces.replace(' ', "\r\n").as_bytes(), 9), pieces);
    }

    #[test]
    fn a_cut_off_i2w_is_refused() {
        let whole = file_of(&ENTRIES);
        let head = "a.i2w: cut off: 99 bytes, and its head has 100";
        assert_eq!(said("a.i2w", &whole[..99], 9), head);
        let short = said("a.i2w", &whole[..whole.len() - 13], 9);
        assert_eq!(short, "a.i2w: cut off: 182 bytes, and its texts end at 183");
        assert_eq!(said("a.i2w", &[], 9), "a.i2w: cut off: 0 bytes, and its head has 100");
    }

    #[test]
    fn an_i2w_whose_count_is_not_that_of_its_texts_is_refused() {
        for (count, reason) in [
            (8, "field \"count\": 8 entries take bytes 0 to 42 of the texts, which have 47"),
            (
                10,
                "field \"count\": 10 entries take bytes 0 to 1095785248 of the texts, which have 39",
            ),
            (90, "field \"count\": 90 entries, and 183 bytes have no room for their table"),
            (u32::MAX, "field \"count\": 4294967295 entries, and 183 bytes have no room"),
        ] {
            let mut bytes = file_of(&ENTRIES);
            put(&mut bytes, COUNT, count);
            let said = said("a.i2w", &bytes, 9);
            assert!(said.starts_with(&format!("a.i2w, {reason}")), "{count}: {said}");
        }
        assert_eq!(said("a.i2w", &file_of(&ENTRIES), 10), "a.i2w: 9 pieces, and it should have 10");
    }

    #[test]
    fn offsets_of_an_i2w_that_go_back_or_begin_late_are_refused() {
        let mut bytes = file_of(&ENTRIES);
        put(&mut bytes, FIRST + 3, 40);
        let said_back = "a.i2w, row 4, field \"offset\": goes back from 40 to 24";
        assert_eq!(said("a.i2w", &bytes, 9), said_back);
        let mut bytes = file_of(&ENTRIES);
        put(&mut bytes, FIRST, 1);
        let late =
            "a.i2w, field \"count\": 9 entries take bytes 1 to 43 of the texts, which have 43";
        assert_eq!(said("a.i2w", &bytes, 9), late);
    }

    #[test]
    fn a_piece_that_is_there_twice_empty_or_not_utf_8_is_named_by_its_row() {
        let with = |entry: &'static [u8]| {
            let mut entries = ENTRIES;
            entries[7] = entry;
            said("a.i2w", &file_of(&entries), 9)
        };
        assert_eq!(with(b"log"), "a.i2w, row 8: \"##log\" is in row 7 already");
        assert_eq!(with(b" key"), "a.i2w, row 8: \"key\" is in row 6 already");
        assert_eq!(with(b"\xffog"), "a.i2w, row 8: not UTF-8");
        assert_eq!(with(b" "), "a.i2w, row 8: empty, and a piece is wanted");
        assert_eq!(with(b""), "a.i2w, row 8: empty, and a piece is wanted");
        let lines = |text: &[u8]| said("a.txt", text, 3);
        assert_eq!(lines(b"a\nb\na\n"), "a.txt, row 3: \"a\" is in row 1 already");
        assert_eq!(lines(b"a\n\nb\n"), "a.txt, row 2: empty, and a piece is wanted");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        let with_blank = |text: &str| {
            fs::write(&file, text).unwrap();
            Vocabulary::read_lines(&file, 3, Some(2)).map_err(|error| error.to_string())
        };
        assert_eq!(with_blank("a\n\nb\n").unwrap().id_of("b"), Some(2));
        let second = with_blank("a\n\n\n").unwrap_err();
        assert!(second.ends_with("a.txt, row 3: empty, and a piece is wanted"), "{second}");
        assert_eq!(lines(b"a\n \t\nb\n"), "a.txt, row 2: empty, and a piece is wanted");
        assert_eq!(lines(b"a\nb\n\xc3\n"), "a.txt, row 3: not UTF-8");
        assert_eq!(lines(b"a\nb\n"), "a.txt: 2 pieces, and it should have 3");
        assert_eq!(lines(b"a\nb\nc\nd"), "a.txt: 4 pieces, and it should have 3");
        assert_eq!(lines(b""), "a.txt: 0 pieces, and it should have 3");
    }

    #[test]
    fn its_tokenizer_keeps_case_or_takes_it_off() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.i2w");
        fs::write(&file, file_of(&ENTRIES)).unwrap();
        let vocabulary = Vocabulary::read_i2w(&file, 9).unwrap();
        assert_eq!((vocabulary.id_of("##log"), vocabulary.id_of("log")), (Some(6), None));
        let tokens = |lower_case| {
            let tokenize = vocabulary.tokenizer(lower_case, 8).unwrap();
            tokenize.tokens("keylogs Log Kéylog").unwrap().join(" ")
        };
        assert_eq!(tokens(false), "[CLS] key ##log ##s Log [UNK] [SEP]");
        assert_eq!(tokens(true), "[CLS] key ##log ##s [UNK] key ##log [SEP]");
        let short = vocabulary.tokenizer(false, 2).err().unwrap().to_string();
        assert!(short.starts_with("setting max_length: 2, "), "{short}");
        fs::write(&file, file_of(&ENTRIES[..3])).unwrap();
        let lacking = Vocabulary::read_i2w(&file, 3).unwrap().tokenizer(true, 8);
        let lacking = lacking.err().unwrap().to_string();
        assert!(lacking.ends_with("its sep_token \"[SEP]\" is not among its tokens"), "{lacking}");
    }

    #[test]
    fn trained_pieces_are_the_same_for_the_same_texts() {
        let texts = ["The malware logs keystrokes.", "Keystrokes are logged by malware", "KEY LOG"];
        let trained = Vocabulary::train(&texts, 60).unwrap();
        assert_eq!(trained, Vocabulary::train(&texts, 60).unwrap());
        assert_eq!(trained.pieces()[..5], ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
        for piece in ["malware", "keystrokes", "##o"] {
            assert!(trained.id_of(piece).is_some(), "{piece}: {:?}", trained.pieces());
        }
        assert!(trained.pieces().len() <= 60);
        let tokens = trained.tokenizer(true, 16).unwrap();
        assert_eq!(tokens.vocabulary_size(), trained.pieces().len());
        assert!(Vocabulary::train(&["", " "], 60).is_err());
    }
}
