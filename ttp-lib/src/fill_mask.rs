//! Sentences of the field with a hidden word, and what the paper's three models put there.

pub use crate::published::{PAPER_APPENDIX_C, PAPER_SENTENCE, PublishedGuess};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use ttp_base::show::Table;
use ttp_base::{Result, cells, files};
use ttp_model::encoder::{Guess, MaskedEncoder};
use ttp_model::pretrained::CheckpointTokenizer;
use ttp_model::tokenization::PaperTokenizer;

/// Sentences of our own, each with a word hidden that somebody of the field would find.
pub const FIELD_SENTENCES: [(&str, &str); 10] = [
    ("The malware steals [MASK] from the victim's browser.", "passwords, credentials, cookies"),
    ("The backdoor communicates with its command and [MASK] server over HTTPS.", "control"),
    ("The group used PowerShell [MASK] to download the payload.", "scripts, commands"),
    ("The implant collects the IP [MASK] of the infected host.", "address"),
    ("It creates a scheduled [MASK] to start again after a reboot.", "task"),
    ("The loader decrypts its [MASK] with a hard-coded XOR key.", "payload, strings"),
    ("The trojan adds itself to a registry run [MASK] for persistence.", "key"),
    ("Attackers exploited a [MASK] in a public-facing application.", "vulnerability"),
    ("The ransomware encrypts [MASK] on the victim's network shares.", "files"),
    ("The operators moved laterally with remote [MASK] protocol.", "desktop"),
];

/// A model's most probable words, `n` of each, for the paper's sentence and the sentences of the
/// field.
///
/// # Errors
/// As [`MaskedEncoder::fill`].
pub fn guesses(
    encoder: &MaskedEncoder,
    tokenize: &CheckpointTokenizer,
    n: usize,
) -> Result<Vec<(String, Vec<Guess>)>> {
    let sentences = [PAPER_SENTENCE].into_iter().chain(FIELD_SENTENCES.map(|(text, _)| text));
    let fill = |text: &str| Ok((text.to_owned(), encoder.fill(tokenize, text, n)?.concat()));
    sentences.map(fill).collect()
}

/// Each model's guesses for the paper's sentence beside the published ones; `answers` are by
/// checkpoint, as of [`guesses`].
///
/// # Errors
/// None in practice: the table's own check on the number of cells.
pub fn guesses_table(answers: &BTreeMap<String, Vec<(String, Vec<Guess>)>>) -> Result<Table> {
    let mut table = Table::new([
        "model",
        "place",
        "token",
        "id",
        "probability",
        "published",
        "id",
        "probability",
    ])
    .caption(PAPER_SENTENCE);
    for (name, answers) in answers {
        let theirs: Vec<PublishedGuess> =
            PAPER_APPENDIX_C.into_iter().filter(|guess| guess.checkpoint == name).collect();
        let ours = answers.first().into_iter().flat_map(|(_, guesses)| guesses);
        for (place, guess) in ours.enumerate() {
            let published = theirs.get(place);
            table.push(cells![
                name,
                place + 1,
                &guess.token,
                guess.id.to_string(),
                guess.probability,
                published.map(|p| p.token),
                published.map(|p| p.id.to_string()),
                published.map(|p| p.probability)
            ])?;
        }
    }
    Ok(table)
}

/// In how many of the field's sentences a word that a reader would find is among the guesses, of
/// all that [`guesses`] gives.
pub fn words_found(answers: &[(String, Vec<Guess>)]) -> usize {
    let of_field = answers.iter().skip(1).zip(FIELD_SENTENCES);
    let is_found = |((_, guesses), (_, words)): &(&(String, Vec<Guess>), (&str, &str))| {
        words.split(", ").any(|word| guesses.iter().any(|guess| guess.token == word))
    };
    of_field.filter(is_found).count()
}

/// What models say of masked words: a file `results/fill_mask.json`.
#[derive(Debug, Clone, Serialize)]
pub struct FillMaskResults {
    /// Each model's guesses, as of [`guesses`].
    pub guesses: BTreeMap<String, Vec<(String, Vec<Guess>)>>,
    /// The checkpoints that have no masked-language-model head.
    pub without_head: Vec<String>,
    /// In how many of the field's sentences the expected word is among a model's guesses.
    pub readers_word_among_five: BTreeMap<String, usize>,
    /// What the paper prints.
    pub published: [PublishedGuess; 15],
    /// How the guesses of the paper's own checkpoints stand to that.
    pub agreement_with_published: BTreeMap<String, Agreement>,
}

impl FillMaskResults {
    /// Counts what was guessed.
    pub fn new(
        guesses: BTreeMap<String, Vec<(String, Vec<Guess>)>>,
        without_head: Vec<String>,
    ) -> Self {
        let agreement = |(name, answers): (&String, &Vec<(String, Vec<Guess>)>)| {
            Some((name.clone(), Agreement::of(name, &answers.first()?.1)?))
        };
        Self {
            readers_word_among_five: guesses
                .iter()
                .map(|(name, answers)| (name.clone(), words_found(answers)))
                .collect(),
            published: PAPER_APPENDIX_C,
            agreement_with_published: guesses.iter().filter_map(agreement).collect(),
            guesses,
            without_head,
        }
    }

    /// What follows, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        if self.guesses.is_empty() {
            return vec!["no checkpoint of this run has a masked-language-model head".to_owned()];
        }
        let of = FIELD_SENTENCES.len();
        let mut found = Vec::new();
        for (name, hits) in &self.readers_word_among_five {
            found.push(format!(
                "{name}: the expected word is among its five best in {hits} of {of} sentences"
            ));
            let agreement = self.agreement_with_published.get(name);
            found.extend(agreement.map(|agreement| format!("  {agreement}")));
        }
        found
    }

    /// Writes it as a results file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        files::write_json(path, self)
    }
}

/// The token numbers of appendix C beside those of the vocabularies at hand.
///
/// # Example
/// Without a vocabulary nothing is checked, and every line is named:
/// ```
/// let checked = ttp_lib::fill_mask::TokenCheck::against(&[]);
/// assert_eq!(checked.counts["scibert"], 0);
/// assert_eq!(checked.not_checked()[0], "bert: in (1107)");
/// assert_eq!(checked.not_checked().len(), 15);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TokenCheck {
    /// How many of a checkpoint's five numbers were looked up in its vocabulary.
    pub counts: BTreeMap<&'static str, usize>,
    /// For each line of the appendix the number that its word has, if the vocabulary is at hand
    /// and has the word.
    pub lines: Vec<(PublishedGuess, Option<u32>)>,
}

impl TokenCheck {
    /// Looks up each line's word. A byte-level vocabulary has it behind the mark `Ġ`.
    pub fn against(tokenizers: &[PaperTokenizer]) -> Self {
        let mut counts = BTreeMap::new();
        let mut lines = Vec::new();
        for line in PAPER_APPENDIX_C {
            let own = tokenizers.iter().find(|paper| paper.checkpoint == line.checkpoint);
            let tokenize = own.and_then(|paper| paper.tokenize.as_ref());
            *counts.entry(line.checkpoint).or_insert(0) += usize::from(tokenize.is_some());
            let id = |token: &str| tokenize.and_then(|tokenize| tokenize.id_of(token));
            lines.push((line, id(line.token).or_else(|| id(&format!("Ġ{}", line.token)))));
        }
        Self { counts, lines }
    }

    /// The numbers of the vocabularies, by checkpoint and word.
    pub fn found(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, u32>> {
        let mut found: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (line, id) in &self.lines {
            if let Some(id) = id {
                found.entry(line.checkpoint).or_default().insert(line.token, *id);
            }
        }
        found
    }

    /// The lines whose vocabulary is not at hand: `secbert: email (703)`.
    pub fn not_checked(&self) -> Vec<String> {
        let open = self.lines.iter().filter(|(line, _)| self.counts[line.checkpoint] == 0);
        open.map(|(line, _)| format!("{}: {} ({})", line.checkpoint, line.token, line.id)).collect()
    }

    /// The lines whose word has another number, or none, in their checkpoint's vocabulary.
    pub fn differing(&self) -> Vec<String> {
        let checked = self.lines.iter().filter(|(line, _)| self.counts[line.checkpoint] > 0);
        let other = checked.filter(|(line, id)| *id != Some(line.id));
        other
            .map(|(PublishedGuess { checkpoint, token, id, .. }, found)| match found {
                Some(found) => format!("{checkpoint}: {token} is {found}, printed as {id}"),
                None => format!("{checkpoint}: {token} is no token, printed as {id}"),
            })
            .collect()
    }
}

impl fmt::Display for TokenCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (checked, differing) = (self.counts.values().sum::<usize>(), self.differing());
        write!(f, "{checked} of appendix C's {} token numbers checked", self.lines.len())?;
        if checked > 0 {
            write!(f, ", {} agree", checked - differing.len())?;
        }
        for line in differing {
            write!(f, "; {line}")?;
        }
        match self.not_checked() {
            lines if lines.is_empty() => Ok(()),
            lines => write!(f, "; not checked: {}", lines.join(", ")),
        }
    }
}

/// How a model's guesses for the paper's sentence stand to the published ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Published guesses that are among ours, by token id.
    pub in_common: usize,
    /// Published guesses at the same place as ours, by token id.
    pub same_place: usize,
    /// The largest difference of a probability among those in common; 0 without any.
    pub largest_difference: f64,
}

impl Agreement {
    /// Compares `ours`, best first, with what the paper prints for `checkpoint`; `None`
    /// where it prints nothing.
    ///
    /// ```
    /// use ttp_model::encoder::Guess;
    /// use ttp_lib::fill_mask::Agreement;
    /// let guess = |id, probability| Guess { id, token: String::new(), probability };
    /// // "to" leads in both; "their" comes third in the paper and second here.
    /// let ours = [guess(147, 0.30), guess(547, 0.05)];
    /// let agreement = Agreement::of("scibert", &ours).unwrap();
    /// assert_eq!((agreement.in_common, agreement.same_place), (2, 1));
    /// assert!((agreement.largest_difference - 0.023_250_8).abs() < 1e-6);
    /// let text = agreement.to_string();
    /// let lines: Vec<&str> = text.lines().map(str::trim).collect();
    /// assert_eq!(lines[0], "2 of the 5 published words are among its five");
    /// assert_eq!(lines[2], "probabilities differ by up to 0.0233");
    /// assert_eq!(Agreement::of("minilm", &ours), None);
    /// ```
    pub fn of(checkpoint: &str, ours: &[Guess]) -> Option<Self> {
        let theirs: Vec<_> =
            PAPER_APPENDIX_C.iter().filter(|guess| guess.checkpoint == checkpoint).collect();
        if theirs.is_empty() {
            return None;
        }
        let mut agreement = Self { in_common: 0, same_place: 0, largest_difference: 0.0 };
        for (place, published) in theirs.iter().enumerate() {
            let Some(at) = ours.iter().position(|guess| guess.id == published.id) else { continue };
            agreement.in_common += 1;
            agreement.same_place += usize::from(at == place);
            let difference = (ours[at].probability - published.probability).abs();
            agreement.largest_difference = agreement.largest_difference.max(difference);
        }
        Some(agreement)
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_common, same_place, largest_difference } = self;
        write!(f, "{in_common} of the 5 published words are among its five")?;
        if *in_common > 0 {
            write!(
                f,
                "\n  {same_place} at the published place\n  probabilities differ by up to \
                 {largest_difference:.4}"
            )?;
        }
        Ok(())
    }
}
