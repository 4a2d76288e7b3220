//! Continued pretraining from sentences to figures: the steps around the loop of
//! [`Pretraining::run`], and the table of its epochs.

use super::masked::{MaskedEpoch, MaskedHistory, MaskedRows, Pretraining};
use super::{Step, device};
use ttp_base::show::{Cell, Table};
use ttp_base::{Result, cells};
use ttp_model::encoder::MaskedEncoder;
use ttp_text::split::Unlabelled;

impl Pretraining<'_> {
    /// The checkpoint with a new head that predicts masked tokens, and its training and validation
    /// sentences, tokenised: what [`run`](Self::run) takes.
    ///
    /// # Errors
    /// As [`MaskedRows::new`], or if the checkpoint cannot be read.
    pub fn begin(&self, texts: &Unlabelled) -> Result<(MaskedEncoder, [MaskedRows; 2])> {
        let Self { checkpoint, params, seed, .. } = *self;
        let tokenize = checkpoint.tokenizer_of("pretraining.max_length", params.max_length)?;
        let rows = |texts: &[String]| MaskedRows::new(texts, &tokenize, params.masked_share);
        let rows = [rows(&texts.train)?, rows(&texts.validation)?];
        Ok((MaskedEncoder::with_new_head(checkpoint, device(), seed)?, rows))
    }

    /// Both: [`begin`](Self::begin) and [`run`](Self::run).
    ///
    /// # Errors
    /// As these.
    pub fn run_on(
        &self,
        texts: &Unlabelled,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<MaskedHistory> {
        let (mut encoder, [training, validation]) = self.begin(texts)?;
        self.run(&mut encoder, &training, &validation, watch)
    }
}

impl MaskedHistory {
    /// The model before training and after each epoch; of `None` a row that says so.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(history: Option<&Self>) -> Result<Table> {
        let headers = ["epoch", "training loss", "loss", "perplexity", "right", "seconds"];
        let mut table = Table::new(headers)
            .caption("Masked tokens of the validation sentences: loss (nats), fraction right");
        let Some(history) = history else {
            table.push(cells!["no continued pretraining here", "", "", "", "", ""])?;
            return Ok(table);
        };
        for one in &history.epochs {
            let MaskedEpoch { epoch, train_loss, validation_loss, validation_accuracy, seconds } =
                *one;
            let perplexity = Cell::number(validation_loss.exp(), 1);
            let seconds = Cell::number(seconds, 1);
            table.push(cells![
                epoch,
                train_loss,
                validation_loss,
                perplexity,
                validation_accuracy,
                seconds
            ])?;
        }
        Ok(table)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_has_its_perplexity() {
        let before = MaskedEpoch {
            epoch: 0,
            train_loss: None,
            validation_loss: 10.0_f64.ln(),
            validation_accuracy: 0.25,
            seconds: 0.0,
        };
        let history = MaskedHistory {
            epochs: vec![before],
            losses: Vec::new(),
            rows: 8,
            validation_rows: 2,
            validation_tokens: 3,
            seconds: 0.0,
            tokens_per_second: 0.0,
        };
        let table = MaskedHistory::table(Some(&history)).unwrap().to_text();
        let row: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(row, ["0", "2.303", "10.0", "0.250", "0.0"]);
        let none = MaskedHistory::table(None).unwrap().to_text();
        assert!(none.contains("no continued pretraining here"), "{none}");
    }
}
