//! The model cards of the report's recipes.

use super::{Experiment, GroundName, GroundScores, ReportArm};
use crate::card::{About, card, score, trained};
use ttp_base::Result;
use ttp_model::card::ModelCard;

impl Experiment {
    /// The card of a model that was trained by a recipe from the checkpoint `base`, named as its
    /// recipe is. `scores` are those on the ground that it was trained on.
    ///
    /// # Errors
    /// If the ground has no training pairs of the report.
    pub fn card(
        &self,
        (arm, on): (ReportArm, GroundName),
        base: &str,
        scores: &GroundScores,
    ) -> Result<ModelCard> {
        let ground = self.ground(on)?;
        let settings = self.settings();
        let schedule = arm.schedule(settings.max_length);
        let ended = match settings.epochs {
            Some(epochs) if epochs < schedule.epochs => format!(" Ended after epoch {epochs}."),
            _ => String::new(),
        };
        let labels = match arm.respects_labels() {
            true => "",
            false => "Its loss takes pairs that are labelled dissimilar for similar ones. ",
        };
        let leak = match on {
            GroundName::Report => {
                "The report cut its pairs at random: test pairs have texts and templates of \
                 training, and these scores are too high for new texts."
            }
            _ => "",
        };
        let about = About {
            data: format!(
                "The similarity report's own pairs, CyberTune (MIT): {} training pairs, {} of \
                 them similar ({on}).",
                ground.train.len(),
                ground.train.similar_count()
            ),
            training: format!(
                "The report's recipe {arm}: {}. {}{ended}",
                arm.about(),
                trained(arm.loss(), &schedule, self.seed())
            ),
            test: format!("{} test pairs of the same data ({on})", scores.pairs),
            scores: vec![
                score("cosine_ap", "average precision", scores.average_precision),
                score("roc_auc", "area under the ROC curve", scores.roc_auc),
            ],
            limits: format!("{labels}{leak}").trim_end().to_owned(),
        };
        Ok(card(arm.name(), base, about))
    }
}
