//! The model cards of sentence models.

use super::{Loss, ModelScores, PairIntervals, PairTraining, Sentences, SimilaritySettings, Study};
use ttp_metrics::Estimate;
use ttp_model::card::{CardScore, ModelCard, Provenance, Subject};
use ttp_model::engine::TrainParams;

/// What a sentence model was trained and tested on, in words.
pub(super) struct About {
    pub data: String,
    pub training: String,
    pub test: String,
    pub scores: Vec<CardScore>,
    pub limits: String,
}

pub(super) fn card(name: &str, base: &str, about: About) -> ModelCard {
    let About { data, training, test, scores, limits } = about;
    ModelCard {
        name: name.to_owned(),
        base: base.to_owned(),
        library: "sentence-transformers",
        task: "sentence-similarity",
        subject: Subject::Sentences,
        stands_in_for: None,
        data,
        training,
        test,
        scores,
        limits: format!(
            "Its cosine is no probability, and the threshold holds for pairs of which as many are \
             similar as here. It says how alike two sentences are, not whether either of them \
             shows a technique. {limits}"
        ),
        usage: format!(
            "from sentence_transformers import SentenceTransformer\n\
             model = SentenceTransformer(\"{name}\")\n\
             first, second = model.encode([\"It logs keystrokes.\", \"A keylogger is run.\"])\n\
             model.similarity(first, second)\n\n\
             ttp similar --model {name} \"It logs keystrokes.\""
        ),
    }
}

pub(super) fn trained(loss: Loss, params: &TrainParams, seed: u64) -> String {
    format!(
        "Loss: {loss}. {} Seed {seed}. The model after the last epoch is kept; none was chosen.",
        params.describe()
    )
}

impl Study {
    /// The card of one of the study's two models, `basic` or `hard_negatives`, that was trained
    /// with these settings and this seed from the checkpoint `base` on so many `triplets`.
    pub fn card(
        &self,
        from: &Provenance,
        (settings, seed): (&SimilaritySettings, u64),
        base: &str,
        name: &str,
        triplets: usize,
        judged: &ModelScores,
    ) -> ModelCard {
        let is_mined = name == "hard_negatives";
        let negatives = match is_mined {
            true => format!("mined by {base}'s own vectors ({})", settings.mining),
            false => "drawn at random".to_owned(),
        };
        let sentences = match settings.sentences {
            Sentences::Procedures => "procedure examples (all sentences, where it has none)",
            Sentences::All => "sentences",
        };
        let label = self.labels.level().name();
        let scores = &judged.test;
        let nothing = match &scores.empty {
            Some(empty) => format!("On the test pairs it is a degenerate classifier: {empty}."),
            None => String::new(),
        };
        card(
            &format!("similarity.{name}"),
            base,
            About {
                data: format!(
                    "{}. {} {sentences}, {} of them for training; two are similar if they have \
                     the same {label}. {triplets} triplets of an anchor, a similar sentence and \
                     one that is not; these are {negatives}. Profile {}.",
                    from.data,
                    self.corpus.len(),
                    self.parts.train.len(),
                    from.profile
                ),
                training: trained(settings.loss, &settings.training, seed),
                test: format!(
                    "{} test pairs of {} sentences of the same data, of which training has \
                     neither one nor a near-duplicate ({} of the pairs similar; threshold {:.3}, \
                     fixed on the validation pairs)",
                    self.test.pairs.len(),
                    self.test.sentences(),
                    self.test.pairs.similar_count(),
                    judged.threshold
                ),
                scores: scores_of(&scores.intervals),
                limits: format!(
                    "Similar is what MITRE gives the same {label}: another reader may see it \
                     otherwise. The intervals are conservative. {nothing}"
                )
                .trim_end()
                .to_owned(),
            },
        )
    }
}

pub(super) fn score(metric: &'static str, name: &str, estimate: Estimate) -> CardScore {
    let Estimate { value, low, high } = estimate;
    CardScore::with_interval(metric, name, value, [low, high])
}

/// Each measure with its interval; the hub's names are those that sentence-transformers writes.
fn scores_of(intervals: &PairIntervals) -> Vec<CardScore> {
    vec![
        score("cosine_ap", "average precision", intervals.average_precision),
        score("roc_auc", "area under the ROC curve", intervals.roc_auc),
        score("cosine_accuracy", "accuracy", intervals.accuracy),
        score("cosine_precision", "precision", intervals.precision),
        score("cosine_recall", "recall", intervals.recall),
        score("cosine_f1", "F1", intervals.f1),
        score("cosine_mcc", "Matthews' correlation", intervals.mcc),
    ]
}

impl PairTraining<'_> {
    /// The card of a model that was trained on a user's own pairs. `data` says what they are,
    /// `test` what it was tested on, with average precision and area under the ROC curve there.
    pub fn card(
        &self,
        name: &str,
        data: &str,
        test: &str,
        [average_precision, roc_auc]: [f64; 2],
    ) -> ModelCard {
        card(
            name,
            &self.checkpoint.name,
            About {
                data: data.to_owned(),
                training: trained(self.loss, self.params, self.seed),
                test: test.to_owned(),
                scores: vec![
                    CardScore::alone("cosine_ap", "average precision", average_precision),
                    CardScore::alone("roc_auc", "area under the ROC curve", roc_auc),
                ],
                limits: "Similar is what the labels of these pairs say. Its scores are of one \
                         training, and have no intervals."
                    .to_owned(),
            },
        )
    }
}
