//! What tokenizers make of the field's words: tokens a sentence, words that are split
//! or unknown, and pieces for each word.
//!
//! A word here is a run of letters and digits, whatever a tokenizer takes for one, so
//! that all tokenizers are asked about the same words: `spear-phishing` is two, and
//! `cmd.exe` too.

use crate::pretrained::CheckpointTokenizer;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use ttp_base::show::{Cell, Table};
use ttp_base::{Error, Result, cells};

/// Words of the field, in lower case, blanks between them: what its texts are about and
/// general English hardly knows, chosen by hand from ATT&CK's vocabulary before any
/// tokenizer was looked at. Names of common tools are among them; names of malware and
/// groups are not.
pub const FIELD_WORDS: &str = "\
    adversaries adversary antivirus api apt authentication autorun backdoor backdoors \
    base64 beacon bitcoin bootkit botnet bypass c2 certutil ciphertext clipboard cmd \
    credential credentials cron cryptocurrency cve decrypt decrypts deobfuscate dll dns \
    downloader dropper encrypt encrypted encryption endpoint enumerate enumerates exe \
    exfiltrate exfiltrated exfiltration exploit exploitation firewall ftp hash hijacking \
    hostname http https ipconfig javascript kerberos keylogger keylogging keystrokes \
    lateral ldap loader lsass macros malicious malware metadata mimikatz mutex netstat \
    ntlm obfuscate obfuscated obfuscation payload payloads persistence phishing plugin \
    powershell proxy psexec ransomware rc4 rdp registry rootkit rundll32 schtasks \
    screenshots shellcode smb spearphishing trojan vpn webshell wmi xor";

/// The words of a text: its runs of letters and digits.
///
/// ```
/// let found: Vec<&str> = ttp_model::tokenization::words("Spear-phishing (T1566.001).").collect();
/// assert_eq!(found, ["Spear", "phishing", "T1566", "001"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// What becomes of words, each counted as often as it stands in the texts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Splitting {
    /// How many words.
    pub words: usize,
    /// How many of them become more than one token.
    pub split: usize,
    /// How many of them have a token that stands for what the vocabulary lacks.
    pub unknown: usize,
    /// All their tokens.
    pub tokens: usize,
}

impl Splitting {
    /// Share of words that become more than one token; 0 without words.
    pub fn split_share(&self) -> f64 {
        share(self.split, self.words)
    }

    /// Share of words that the vocabulary lacks in part or whole; 0 without words.
    pub fn unknown_share(&self) -> f64 {
        share(self.unknown, self.words)
    }

    /// Mean number of tokens of a word; 0 without words.
    pub fn tokens_per_word(&self) -> f64 {
        share(self.tokens, self.words)
    }

    fn add(&mut self, pieces: Pieces, times: usize) {
        self.words += times;
        self.tokens += times * pieces.tokens;
        self.split += times * usize::from(pieces.tokens > 1);
        self.unknown += times * usize::from(pieces.unknown);
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A word of the field under one tokenizer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldWord {
    /// The word, as the texts have it most often.
    pub word: String,
    /// How often it stands in the texts, in whatever case.
    pub times: usize,
    /// Its tokens, in the case in which it stands here.
    pub tokens: Vec<String>,
}

/// What one tokenizer makes of some texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenizerReport {
    /// The checkpoints that have it: those whose token ids are the same for every text.
    pub checkpoints: Vec<String>,
    /// Number of texts.
    pub sentences: usize,
    /// Mean number of tokens of a text as the model reads it, special tokens among them.
    pub tokens_per_sentence: f64,
    /// The same without special tokens.
    pub tokens_without_special: f64,
    /// Texts that fill all places a model was given: longer ones were cut.
    pub at_the_limit: usize,
    /// All words.
    pub words: Splitting,
    /// The words among [`FIELD_WORDS`], in whatever case.
    pub field_words: Splitting,
    /// Each of [`FIELD_WORDS`] that stands in the texts, the most frequent first.
    pub field: Vec<FieldWord>,
}

impl fmt::Display for TokenizerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tokenizer of {}: {:.1} tokens a sentence; of all words {:.1} % are split and {:.2} % \
             unknown, of the field's words {:.1} % and {:.2} %",
            self.checkpoints.join(", "),
            self.tokens_per_sentence,
            100.0 * self.words.split_share(),
            100.0 * self.words.unknown_share(),
            100.0 * self.field_words.split_share(),
            100.0 * self.field_words.unknown_share(),
        )
    }
}

/// The reports as a table, a line for all words and one for the field's of each tokenizer.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn table(reports: &[TokenizerReport]) -> Result<Table> {
    let headers = [
        "tokenizer of",
        "tokens",
        "own",
        "full",
        "words",
        "how many",
        "split",
        "unknown",
        "a word",
    ];
    let mut table = Table::new(headers).caption(
        "Tokens a sentence with the special ones, without (own), and a word; sentences that take all \
         places there are (full)",
    );
    for report in reports {
        let sentences = cells![
            report.checkpoints.join(", "),
            Cell::number(report.tokens_per_sentence, 1),
            Cell::number(report.tokens_without_special, 1),
            report.at_the_limit
        ];
        let nothing = [Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty];
        for (start, name, of) in
            [(sentences, "all", report.words), (nothing, "field words", report.field_words)]
        {
            let shares = cells![
                name,
                of.words,
                Cell::share(of.split_share()),
                Cell::Share(of.unknown_share(), 2),
                Cell::number(of.tokens_per_word(), 2)
            ];
            table.push(start.into_iter().chain(shares))?;
        }
    }
    Ok(table)
}

/// The `n` most frequent field words that at least one of the tokenizers splits, and
/// what each makes of them.
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn examples_table(reports: &[TokenizerReport], n: usize) -> Result<Table> {
    let names = reports.iter().map(|report| report.checkpoints.join(", "));
    let headers = ["word", "times"].map(str::to_owned).into_iter().chain(names);
    let mut table = Table::new(headers).caption("Field words that are split, the most frequent");
    // The same texts have the same words in the same order.
    let words = reports.first().map_or(0, |report| report.field.len());
    let rows = (0..words).map(|at| reports.iter().map(move |report| &report.field[at]));
    let split = rows.filter(|row| row.clone().any(|field| field.tokens.len() > 1));
    for row in split.take(n) {
        let tokens = row.clone().map(|field| Cell::from(field.tokens.join(" ")));
        let first = row.clone().take(1).flat_map(|field| cells![&field.word, field.times]);
        table.push(first.chain(tokens))?;
    }
    Ok(table)
}

/// A checkpoint's name, its tokenizer, and the most tokens that its model is given.
pub struct NamedTokenizer {
    /// The checkpoint.
    pub checkpoint: String,
    /// Its tokenizer, cutting at `max_length`.
    pub tokenize: CheckpointTokenizer,
    /// Special tokens included.
    pub max_length: usize,
}

/// The tokenizer of one of the paper's checkpoints, if it is at hand.
pub struct PaperTokenizer {
    /// The checkpoint's name in the catalogue.
    pub checkpoint: String,
    /// The tokenizer, cutting at `max_length`; `None` where nothing of it is there.
    pub tokenize: Option<CheckpointTokenizer>,
    /// Special tokens included.
    pub max_length: usize,
    /// Where it is from, or what is missing and how to get it.
    pub origin: String,
}

impl fmt::Display for PaperTokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checkpoint, tokenize, origin, .. } = self;
        match tokenize {
            Some(tokenize) => {
                // What an empty text becomes stands around every other.
                let around = tokenize.tokens("").unwrap_or_default().join(" … ");
                let size = tokenize.vocabulary_size();
                write!(f, "{checkpoint}: {size} pieces, from {origin}; a text becomes {around}")
            }
            None => write!(f, "{checkpoint}: vocabulary not at hand: {origin}"),
        }
    }
}

/// The tokenizers with those of the paper's that are at hand and not among them.
pub fn with_papers(
    mut tokenizers: Vec<NamedTokenizer>,
    papers: &[PaperTokenizer],
) -> Vec<NamedTokenizer> {
    for PaperTokenizer { checkpoint, tokenize, max_length, .. } in papers {
        let is_new = tokenizers.iter().all(|named| named.checkpoint != *checkpoint);
        if let (true, Some(tokenize)) = (is_new, tokenize) {
            let (tokenize, max_length) = (tokenize.clone(), *max_length);
            tokenizers.push(NamedTokenizer {
                checkpoint: checkpoint.clone(),
                tokenize,
                max_length,
            });
        }
    }
    tokenizers
}

/// What each tokenizer makes of the texts; checkpoints with the same token ids for all
/// texts share a report.
///
/// # Errors
/// If there is no text, or a tokenizer refuses one.
pub fn reports(tokenizers: &[NamedTokenizer], texts: &[&str]) -> Result<Vec<TokenizerReport>> {
    if texts.is_empty() {
        return Err(Error::Setting { field: "texts", reason: "there is none".to_owned() });
    }
    let counts = word_counts(texts);
    let mut found: Vec<(Vec<Vec<u32>>, TokenizerReport)> = Vec::new();
    for named in tokenizers {
        let ids = named.tokenize.ids(texts)?;
        if let Some((_, report)) = found.iter_mut().find(|(known, _)| *known == ids) {
            report.checkpoints.push(named.checkpoint.clone());
            continue;
        }
        let report = report(named, &ids, &counts)?;
        found.push((ids, report));
    }
    Ok(found.into_iter().map(|(_, report)| report).collect())
}

fn report(
    named: &NamedTokenizer,
    ids: &[Vec<u32>],
    counts: &BTreeMap<&str, usize>,
) -> Result<TokenizerReport> {
    let tokens: usize = ids.iter().map(Vec::len).sum();
    // What an empty text becomes is special tokens and nothing else.
    let special: usize = named.tokenize.ids(&[""])?.iter().map(Vec::len).sum();
    let pieces = pieces_of(&named.tokenize, counts.keys().copied())?;
    let (mut words, mut field_words) = (Splitting::default(), Splitting::default());
    for (word, times) in counts {
        words.add(pieces[word], *times);
        if is_field_word(word) {
            field_words.add(pieces[word], *times);
        }
    }
    Ok(TokenizerReport {
        checkpoints: vec![named.checkpoint.clone()],
        sentences: ids.len(),
        tokens_per_sentence: share(tokens, ids.len()),
        tokens_without_special: share(tokens, ids.len()) - special as f64,
        at_the_limit: ids.iter().filter(|ids| ids.len() >= named.max_length).count(),
        words,
        field_words,
        field: field(&named.tokenize, counts)?,
    })
}

/// For each text its tokens for each word: how finely the tokenizer cuts it. 1 where a
/// text has no word.
///
/// # Errors
/// If the tokenizer refuses a word.
pub fn tokens_per_word(tokenize: &CheckpointTokenizer, texts: &[&str]) -> Result<Vec<f64>> {
    let distinct: BTreeSet<&str> = texts.iter().flat_map(|text| words(text)).collect();
    let pieces = pieces_of(tokenize, distinct)?;
    let of = |text: &&str| {
        let mut all = Splitting::default();
        words(text).for_each(|word| all.add(pieces[word], 1));
        if all.words == 0 { 1.0 } else { all.tokens_per_word() }
    };
    Ok(texts.iter().map(of).collect())
}

/// What one word becomes.
#[derive(Debug, Clone, Copy)]
struct Pieces {
    tokens: usize,
    unknown: bool,
}

/// Each distinct word once, after a blank as within a sentence: some tokenizers tell
/// the two apart.
fn pieces_of<'a>(
    tokenize: &CheckpointTokenizer,
    distinct: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<&'a str, Pieces>> {
    let distinct: Vec<&str> = distinct.into_iter().collect();
    distinct.into_par_iter().map(|word| Ok((word, pieces(tokenize, word)?))).collect()
}

fn pieces(tokenize: &CheckpointTokenizer, word: &str) -> Result<Pieces> {
    let parts = tokenize.words(&format!(" {word}"))?;
    Ok(Pieces {
        tokens: parts.iter().map(|part| part.tokens).sum(),
        unknown: parts.iter().any(|part| part.unknown),
    })
}

/// A word's tokens without the special ones around it.
fn own_tokens(tokenize: &CheckpointTokenizer, word: &str) -> Result<Vec<String>> {
    let (special, unknown) = (tokenize.special_ids(), tokenize.unknown_id());
    let ids = tokenize.ids(&[&format!(" {word}")])?.concat();
    let own = ids.into_iter().filter(|id| *id == unknown || !special.contains(id));
    Ok(own.filter_map(|id| tokenize.token_of(id)).collect())
}

fn word_counts<'a>(texts: &[&'a str]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for word in texts.iter().flat_map(|text| words(text)) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

fn is_field_word(word: &str) -> bool {
    let word = word.to_lowercase();
    FIELD_WORDS.split(' ').any(|known| known == word)
}

fn field(tokenize: &CheckpointTokenizer, counts: &BTreeMap<&str, usize>) -> Result<Vec<FieldWord>> {
    let mut spellings: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for (word, times) in counts.iter().filter(|(word, _)| is_field_word(word)) {
        spellings.entry(word.to_lowercase()).or_default().push((word, *times));
    }
    let mut found = Vec::new();
    for spelt in spellings.values() {
        let Some((word, _)) = spelt.iter().max_by_key(|(_, times)| *times) else { continue };
        found.push(FieldWord {
            word: (*word).to_owned(),
            times: spelt.iter().map(|(_, times)| times).sum(),
            tokens: own_tokens(tokenize, word)?,
        });
    }
    found.sort_by_key(|field| std::cmp::Reverse(field.times));
    Ok(found)
}
