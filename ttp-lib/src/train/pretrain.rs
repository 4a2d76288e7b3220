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
    /// The model before training and after each epoch.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn table(&self) -> Result<Table> {
        let headers = ["epoch", "training loss", "loss", "perplexity", "right", "seconds"];
        let mut table = Table::new(headers)
            .caption("Masked tokens of the validation sentences: loss (nats), fraction right");
        for one in &self.epochs {
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

    /// What follows from the first and the last epoch, a sentence each.
    pub fn findings(&self) -> Vec<String> {
        let (Some(first), Some(last)) = (self.epochs.first(), self.epochs.last()) else {
            return Vec::new();
        };
        let right = [first, last].map(|one| 100.0 * one.validation_accuracy);
        let among = [first, last].map(|one| one.validation_loss.exp());
        vec![
            format!(
                "{} masked tokens of {} validation sentences: {:.1} % predicted before training, \
                 {:.1} % after {} {}",
                self.validation_tokens,
                self.validation_rows,
                right[0],
                right[1],
                last.epoch,
                if last.epoch == 1 { "epoch" } else { "epochs" }
            ),
            format!("perplexity: {:.0} before, {:.1} after", among[0], among[1]),
        ]
    }
}
