//! What a notebook shows of a study before anything is trained, and of a search.

use super::pairs::label_sizes;
use super::search::nearest_techniques;
use super::settings::SimilaritySettings;
use super::study::Study;
use crate::published::{
    REPORT_ADVANCED, REPORT_HARD_NEGATIVES, REPORT_MODEL, REPORT_TEST_PAIRS, ReportTraining,
};
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_model::encoder::Vectors;

impl SimilaritySettings {
    /// The report's settings beside these; `checkpoint` is the model that is started from.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn beside_report(&self, checkpoint: &str) -> Result<Table> {
        let ReportTraining { epochs, batch_size, learning_rate, warmup_share } = REPORT_ADVANCED;
        let (training, scientific) = (&self.training, |rate: f64| format!("{rate:e}"));
        let rates = [learning_rate, training.learning_rate].map(scientific);
        let warm = [warmup_share, training.warmup_share].map(Cell::share);
        let nearest = format!("the {REPORT_HARD_NEGATIVES} most alike");
        let mut table = Table::new(["setting", "the report", "here"]);
        for (setting, [report, here]) in [
            ("model to start from", cells![REPORT_MODEL, checkpoint]),
            ("what similar sentences share", cells!["tactic", self.level.name()]),
            ("hard negatives", cells![REPORT_HARD_NEGATIVES, self.hard_negatives]),
            ("epochs", cells![epochs, training.epochs]),
            ("pairs in a batch", cells![batch_size, training.batch_size]),
            ("learning rate", rates.map(Cell::from)),
            ("warm-up", warm),
            ("loss", cells!["multiple negatives ranking", self.loss.to_string()]),
            ("how negatives are mined", cells![nearest, self.mining.to_string()]),
            ("pairs to test with", cells![REPORT_TEST_PAIRS, 2 * self.pairs]),
            ("what the threshold was fixed on", cells!["nothing: 0.5", "validation pairs"]),
        ] {
            table.push([setting.into(), report, here])?;
        }
        Ok(table)
    }
}

impl Study {
    /// The training, validation and test sentences: how many, how many labels, and the pairs.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(["part", "sentences", "labels", "similar pairs", "others"]);
        for (name, part, pairs) in [
            ("train", &self.parts.train, None),
            ("validation", &self.parts.validation, Some(&self.validation)),
            ("test", &self.parts.test, Some(&self.test.pairs)),
        ] {
            let labels = label_sizes(&self.labels, part).len();
            let similar = pairs.map(|pairs| pairs.similar_count());
            let others = pairs.map(|pairs| pairs.len() - pairs.similar_count());
            table.push(cells![name, part.len(), labels, similar, others])?;
        }
        Ok(table)
    }

    /// What a reader of [`table`](Self::table) is told besides: which pairs are fewer than asked
    /// for, and which sentences share their text with another label. Often nothing.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (name, pairs) in [("validation", &self.validation), ("test", &self.test.pairs)] {
            if pairs.short > 0 {
                remarks.push(format!(
                    "{name}: {} pairs of each kind fewer than asked for",
                    pairs.short
                ));
            }
            if pairs.same_text > 0 {
                remarks.push(format!(
                    "{name}: {} sentences share their text with another label",
                    pairs.same_text
                ));
            }
        }
        remarks
    }

    /// The techniques nearest to some texts, each with its most similar sentence of this study.
    /// `asked` are the vectors of `texts`, `held` those of the study's sentences.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn nearest_table(
        &self,
        texts: &[&str],
        asked: &Vectors,
        held: &Vectors,
        techniques: usize,
    ) -> Result<Table> {
        let mut table = Table::new(["sentence", "technique", "cosine", "nearest evidence"]);
        for (at, text) in texts.iter().enumerate() {
            for near in nearest_techniques(asked.row(at), held, &self.corpus, techniques, 1) {
                let name = format!("{} {}", near.technique, near.name);
                let first = near.evidence.first();
                let evidence = first.map(|(row, _)| self.corpus.sentences[*row].text.as_str());
                table.push(cells![*text, name, near.score, evidence])?;
            }
        }
        Ok(table)
    }
}
