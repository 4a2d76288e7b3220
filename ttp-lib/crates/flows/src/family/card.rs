//! The model card of a family encoder.

use super::encoder::{FamilyEncoder, FamilyPredictions};
use super::flows::{FlowData, Flows};
use super::train::{FamilyHistory, FamilyTraining};
use ttp_base::Result;
use ttp_base::show::terminal_safe;
use ttp_metrics::{Diagnosis, DiagnosisSettings, Estimate};
use ttp_model::card::{CardScore, ModelCard, Subject, course};

impl FamilyTraining<'_> {
    /// The card of the encoder that this training left. `judged` is what it says of the test
    /// flows, or of the validation flows where there are none. The intervals are those of
    /// [`Diagnosis`]: delta method, and Wilson's of the accuracy.
    ///
    /// # Errors
    /// If the judged flows have no families.
    pub fn card(
        &self,
        encoder: &FamilyEncoder,
        data: &FlowData,
        history: &FamilyHistory,
        judged: &FamilyPredictions,
    ) -> Result<ModelCard> {
        let folder = self.folder.and_then(|folder| folder.file_name());
        let name = folder.map_or("family-encoder".into(), |name| name.to_string_lossy());
        let confusion = judged.confusion(encoder.families())?;
        let found = Diagnosis::of(&confusion, &DiagnosisSettings::default())?;
        let score = |metric, name: &str, Estimate { value, low, high }: Estimate| {
            CardScore::with_interval(metric, name, value, [low, high])
        };
        let families = encoder.families();
        let (part, chosen) = match &data.test {
            Some(test) => (format!("{} test flows, {}", test.len(), file_of(test)), ""),
            None => (
                format!("{} validation flows", data.validation.len()),
                " There is no test set: the epoch was chosen on the flows that it was scored on, \
                 and its scores are too high.",
            ),
        };
        let params = self.params;
        Ok(ModelCard {
            name: terminal_safe(&name),
            base: String::new(),
            library: "ttp-lib",
            task: "tabular-classification",
            subject: Subject::Flows,
            stands_in_for: None,
            data: format!(
                "{} training flows of {} families, {}, {} numeric columns as features. What \
                 these flows are and which licence they have, their file does not say.",
                data.train.len(),
                families.len(),
                file_of(&data.train),
                encoder.features().len()
            ),
            training: format!(
                "A multilayer perceptron with an embedding of {} dimensions, from a random start \
                 (seed {}). AdamW with a weight decay of {}, {}; {}{:.0} seconds. Kept is epoch {}, which has the highest macro F1 on {} validation flows.",
                encoder.dimensions(),
                self.seed,
                params.weight_decay,
                course(params.epochs, params.batch_size, params.learning_rate, params.warmup_share),
                match params.contrastive {
                    Some(loss) => format!("supervised contrastive loss, weight {}; ", loss.weight),
                    None => String::new(),
                },
                history.seconds,
                history.best_epoch,
                data.validation.len()
            ),
            test: part,
            scores: vec![
                score("f1", "macro F1", found.macro_f1),
                score("accuracy", "accuracy", found.accuracy),
            ],
            limits: format!(
                "It gives one of these {} families to every flow, also to one of another family \
                 or of none: {}. Flows of another network or another time may differ more from \
                 these than the families do.{chosen}",
                families.len(),
                terminal_safe(&families.join(", "))
            ),
            usage: format!(
                "ttp family predict {name} flows.parquet --out said.parquet",
                name = terminal_safe(&name)
            ),
        })
    }
}

/// The file's name, without where it lies.
fn file_of(flows: &Flows) -> String {
    let name = flows.file().path().file_name().unwrap_or_default();
    format!("file {}", terminal_safe(&name.to_string_lossy()))
}
