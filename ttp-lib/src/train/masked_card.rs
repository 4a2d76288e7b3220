//! The model card of a checkpoint that was pretrained further.

use super::{MaskedEpoch, MaskedHistory, MaskedParams, Pretraining};
use ttp_model::card::{CardScore, ModelCard, Provenance, Subject, course};
use ttp_model::pretrained::Entry;
use ttp_text::split::Protocol;

impl MaskedParams {
    /// The settings in a sentence, as a model card says them.
    pub fn describe(&self) -> String {
        let course = course(self.epochs, self.batch_size, self.learning_rate, self.warmup_share);
        format!(
            "{:.0} % of the tokens are chosen, of which eight in ten are masked, one is another \
             token and one stays (BERT's task). AdamW with a weight decay of {}, {course}; the \
             gradient's norm is cut to {}, a text after {} tokens.",
            100.0 * self.masked_share,
            self.weight_decay,
            self.clip_norm,
            self.max_length
        )
    }
}

impl Pretraining<'_> {
    /// The card of the checkpoint `name` that this pretraining left. It read no sentence that a
    /// split of `protocols` tests or validates with.
    pub fn card(
        &self,
        from: &Provenance,
        protocols: &[Protocol],
        name: &str,
        history: &MaskedHistory,
    ) -> ModelCard {
        let MaskedHistory { epochs, rows, validation_rows, validation_tokens, .. } = history;
        let scores = |when: &str, epoch: Option<&MaskedEpoch>| {
            let of = |epoch: &MaskedEpoch| {
                let (loss, right) = (epoch.validation_loss, epoch.validation_accuracy);
                [
                    CardScore::alone("loss", &format!("loss {when}, nats a masked token"), loss),
                    CardScore::alone("perplexity", &format!("perplexity {when}"), loss.exp()),
                    CardScore::alone("accuracy", &format!("masked tokens right {when}"), right),
                ]
            };
            epoch.map(of)
        };
        let after = scores("after it", epochs.last());
        let before = scores("before it", epochs.first());
        ModelCard {
            name: name.to_owned(),
            base: self.checkpoint.name.clone(),
            library: "transformers",
            task: "fill-mask",
            subject: Subject::Sentences,
            stands_in_for: Entry::named(name).and_then(|entry| entry.stands_in_for.clone()),
            data: format!(
                "{}. {rows} sentences of it, without their techniques; profile {}. Not among \
                 them: what a split of protocol {} tests or validates with.",
                from.data,
                from.profile,
                protocols.iter().map(|p| p.name()).collect::<Vec<_>>().join(" or ")
            ),
            training: format!(
                "Continued pretraining with masked tokens. {} Seed {}; {:.0} seconds. The head \
                 for masked tokens began anew. The model after the last epoch is kept; none was \
                 chosen.",
                self.params.describe(),
                self.seed,
                history.seconds
            ),
            test: format!(
                "{validation_tokens} masked tokens of {validation_rows} validation sentences of \
                 the same data, before and after this pretraining"
            ),
            scores: [after, before].into_iter().flatten().flatten().collect(),
            limits: "It classifies nothing: it is a start for fine-tuning. Whether it is a better \
                     one than what it was made from, these scores do not say. Test it on no \
                     other sentences of its data than those that were left out: it has read \
                     them. Its head for masked tokens has seen no other text."
                .to_owned(),
            usage: format!(
                "from transformers import pipeline\n\
                 fill = pipeline(\"fill-mask\", model=\"{name}\")\n\
                 fill(f\"The malware {{fill.tokenizer.mask_token}} keystrokes.\")"
            ),
        }
    }
}
