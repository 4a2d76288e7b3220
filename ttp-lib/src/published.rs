//! What the paper and the similarity report print, each figure once, to stand beside ours.
//!
//! The claims audit holds what the documents say, with the place of each figure and how it was
//! rounded, in `data/claims/*.toml`; figures that come as files are read from these
//! ([`UnseenExamples`](ttp_similarity::reported::UnseenExamples)). The paper's numbers that are settings here
//! are defaults of these: [`Limits`](ttp_text::balance::Limits),
//! [`AugmentSettings`](ttp_text::augment::AugmentSettings).

use serde::Serialize;
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_model::engine::TrainParams;
use ttp_text::balance::Funnel;
use ttp_text::corpus::{Corpus, Operation};

/// Those of the similarity report, which the trainings beside them take as their defaults.
pub use ttp_similarity::published::{
    REPORT_ADVANCED, REPORT_BASIC, REPORT_HARD_NEGATIVES, REPORT_MODEL, REPORT_TEST_PAIRS,
    REPORT_THRESHOLD, ReportTraining,
};

/// The paper's counts of its corpus, as it prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperCounts {
    /// Rows, in thousands with one decimal.
    pub rows: &'static str,
    /// Techniques.
    pub techniques: usize,
    /// Techniques with at least 100 rows, which are kept.
    pub kept: usize,
    /// Techniques with more than 500 rows.
    pub over_500: &'static str,
    /// Rows once balanced, in thousands with one decimal.
    pub balanced_rows: &'static str,
    /// Techniques of which more than half of the rows are augmented.
    pub over_half_augmented: usize,
    /// The largest share of augmented rows in a technique.
    pub largest_augmented_share: &'static str,
}

/// The paper's counts.
pub const PAPER_COUNTS: PaperCounts = PaperCounts {
    rows: "14.4k",
    techniques: 190,
    kept: 44,
    over_500: "T1059, T1027",
    balanced_rows: "15.2k",
    over_half_augmented: 0,
    largest_augmented_share: "50 %",
};

impl PaperCounts {
    /// The paper's counts of its corpus beside those of ours and of its own rows; the column of
    /// rows that are not at hand stays empty.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn corpus_table(&self, here: &Corpus, paper: Option<&Corpus>) -> Result<Table> {
        let counts = |corpus: &Corpus| -> [Cell; 4] {
            let counts = corpus.counts();
            let kept = counts.values().filter(|rows| **rows >= 100).count();
            let over_500 = corpus.techniques_over(500).join(", ");
            cells![corpus.len(), counts.len(), kept, over_500]
        };
        let empty = || std::array::from_fn(|_| Cell::Empty);
        let columns = counts(here).into_iter().zip(paper.map_or_else(empty, counts));
        let published: [(&str, String); 4] = [
            ("rows", self.rows.to_owned()),
            ("techniques", self.techniques.to_string()),
            ("with at least 100 rows", self.kept.to_string()),
            ("with more than 500 rows", self.over_500.to_owned()),
        ];
        let mut table = Table::new(["", "here", "the paper's own rows", "the paper says"])
            .caption("The corpus beside the paper's");
        for ((what, says), (here, theirs)) in published.into_iter().zip(columns) {
            table.push(cells![what, here, theirs, says])?;
        }
        Ok(table)
    }

    /// These counts beside those of other corpora, a column each under its name; a column of
    /// `None` stays empty.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn beside(&self, columns: &[(&str, Option<Funnel>)]) -> Result<Table> {
        let names = columns.iter().map(|(name, _)| *name);
        let mut table = Table::new(["", "the paper says"].into_iter().chain(names)).caption(
            "From the corpus to the balanced rows, with two ways of adding augmented copies",
        );
        let over_half = self.over_half_augmented.to_string();
        type Count = fn(&Funnel) -> Cell;
        let rows: [(&str, &str, Count); 10] = [
            ("rows", self.rows, |f| f.rows.into()),
            ("techniques", &self.techniques.to_string(), |f| f.techniques.into()),
            ("techniques kept", &self.kept.to_string(), |f| f.kept.into()),
            ("their rows", "", |f| f.kept_rows.into()),
            ("rows drawn", "", |f| f.drawn.into()),
            ("copies added", "", |f| f.added.into()),
            ("rows cut from the largest", "", |f| f.cut.into()),
            ("balanced rows", self.balanced_rows, |f| f.balanced_rows.into()),
            ("techniques more than half augmented", &over_half, |f| f.over_half_augmented.into()),
            ("largest fraction of copies in a technique", self.largest_augmented_share, |f| {
                Cell::share(f.largest_augmented_share)
            }),
        ];
        for (what, says, value) in rows {
            let figures = columns.iter().map(|(_, funnel)| funnel.as_ref().map(value).into());
            table.push(cells![what, says].into_iter().chain(figures))?;
        }
        Ok(table)
    }
}

/// The sentence of the paper's appendix A.
pub const PAPER_AUGMENTED: &str = "Chimera has used net user for account discovery.";

/// The paper's appendix A: what each operation makes of [`PAPER_AUGMENTED`].
pub const PAPER_APPENDIX_A: [(Operation, &str); 4] = [
    (Operation::Replacement, "Chimera has used net user for score discovery."),
    (Operation::Removal, "has used net user for account discovery."),
    (Operation::Insertion, "Chimera has profits used net user for account discovery."),
    (Operation::Swap, "Chimera has used discovery user for account net."),
];

/// The paper's settings of fine-tuning; it does not say how long it warms up, nor whether
/// gradients are clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaperTraining {
    /// Tokens after which a sentence is cut.
    pub max_length: usize,
    /// Rows in a step.
    pub batch_size: usize,
    /// Epochs.
    pub epochs: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// The optimizer, in the paper's words.
    pub optimizer: &'static str,
}

/// The paper's settings of fine-tuning.
pub const PAPER_TRAINING: PaperTraining = PaperTraining {
    max_length: 512,
    batch_size: 10,
    epochs: 5,
    learning_rate: 2e-5,
    optimizer: "Adam for BERT, AdamW for the others",
};

impl PaperTraining {
    /// The paper's settings beside ours.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self, ours: &TrainParams) -> Result<Table> {
        let rate = |rate: f64| format!("{rate:e}");
        let mut table = Table::new(["setting", "the paper", "here"]);
        table.push(cells!["max_length", self.max_length, ours.max_length])?;
        table.push(cells!["batch size", self.batch_size, ours.batch_size])?;
        table.push(cells!["epochs", self.epochs, ours.epochs])?;
        let rates = [self.learning_rate, ours.learning_rate].map(rate);
        table.push(cells!["learning rate", &rates[0], &rates[1]])?;
        table.push(cells!["warm-up", "not said", Cell::share(ours.warmup_share)])?;
        table.push(cells!["optimizer", self.optimizer, format!("{:?}", ours.optimizer)])?;
        table.push(cells!["weight decay", "0 for Adam", ours.weight_decay.to_string()])?;
        table.push(cells!["gradient norm clipped at", "not said", ours.clip_norm.to_string()])?;
        Ok(table)
    }
}

/// A published row of the paper's table 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PublishedScores {
    /// The model, as the paper names it.
    pub model: &'static str,
    /// Accuracy on the test rows.
    pub accuracy: f64,
    /// Precision; the paper does not say which average.
    pub precision: f64,
    /// Recall; the paper does not say which average.
    pub recall: f64,
    /// F1; the paper does not say which average.
    pub f1: f64,
    /// F2; the paper does not say which average.
    pub f2: f64,
}

/// The paper's table 2: two decimals, one run each, no intervals.
pub const PAPER_TABLE_2: [PublishedScores; 3] = [
    PublishedScores {
        model: "BERT",
        accuracy: 0.90,
        precision: 0.90,
        recall: 0.90,
        f1: 0.90,
        f2: 0.89,
    },
    PublishedScores {
        model: "SecBERT",
        accuracy: 0.91,
        precision: 0.91,
        recall: 0.91,
        f1: 0.90,
        f2: 0.90,
    },
    PublishedScores {
        model: "SciBERT",
        accuracy: 0.90,
        precision: 0.89,
        recall: 0.89,
        f1: 0.89,
        f2: 0.89,
    },
];

/// The accuracy that Orbinato et al. (ISSRE 2022) print for SecBERT on all techniques of their
/// ATT&CK sentences, nothing trimmed, after ten epochs: one run on a split of their own.
pub const ORBINATO_SECBERT_ACCURACY: f64 = 0.725;

/// The techniques that [`ORBINATO_SECBERT_ACCURACY`] is of.
pub const ORBINATO_TECHNIQUES: usize = 188;

/// The sentence of the paper's appendix C.
pub const PAPER_SENTENCE: &str = "In spear phishing scheme attackers send [MASK] targeted people";

/// One line of the paper's appendix C.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PublishedGuess {
    /// The checkpoint's name in the catalogue.
    pub checkpoint: &'static str,
    /// The word that the model put in, best first.
    pub token: &'static str,
    /// Its id in that model's vocabulary.
    pub id: u32,
    /// Its probability.
    pub probability: f64,
}

const fn published(
    checkpoint: &'static str,
    token: &'static str,
    id: u32,
    probability: f64,
) -> PublishedGuess {
    PublishedGuess { checkpoint, token, id, probability }
}

/// The paper's appendix C (figure 5), all fifteen lines: five for each model.
pub const PAPER_APPENDIX_C: [PublishedGuess; 15] = [
    published("bert", "in", 1107, 0.348_163_455_724_716_2),
    published("bert", "out", 1149, 0.257_726_371_288_299_56),
    published("bert", "away", 1283, 0.069_650_687_277_317_05),
    published("bert", "off", 1228, 0.034_240_745_007_991_79),
    published("bert", "to", 1106, 0.031_271_692_365_407_944),
    published("scibert", "to", 147, 0.276_749_163_866_043_1),
    published("scibert", "the", 111, 0.108_212_940_394_878_39),
    published("scibert", "their", 547, 0.056_885_190_308_094_025),
    published("scibert", "them", 1445, 0.023_031_527_176_499_367),
    published("scibert", "out", 556, 0.020_977_273_583_412_17),
    published("secbert", "messages", 1551, 0.856_394_529_342_651_4),
    published("secbert", "emails", 1702, 0.083_862_781_524_658_2),
    published("secbert", "data", 569, 0.031_841_803_342_103_96),
    published("secbert", "information", 563, 0.004_184_969_235_211_61),
    published("secbert", "email", 703, 0.004_036_961_589_008_57),
];
