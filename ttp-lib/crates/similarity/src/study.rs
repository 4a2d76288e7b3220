//! The report's experiment on ATT&CK's sentences, up to the training: which sentences, which parts, which pairs,
//! which triplets. Notebook 11 and `ttp similarity` do the rest.

use super::evaluate::{PairIntervals, TestPairs};
use super::guard::Warning;
use super::mine::{AnchorPair, Mining, Suspect, mine};
use super::model_scores::{Contest, ModelScores, TripletSets};
use super::pairs::Pairs;
use super::parts::{NEAR_DUPLICATE, Parts, near_duplicates};
use super::settings::SimilaritySettings;
use super::train::{SimilarityHistory, SimilarityTraining, Triplet};
use super::{Labels, ModelFolder};
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

use ttp_base::show::Table;
use ttp_base::{Error, Result, cells};
use ttp_metrics::{Bootstrap, Criterion, Groups, Ranking};
use ttp_model::encoder::{SentenceEncoder, Vectors};
use ttp_model::engine::{self, Step};
use ttp_model::pretrained::{Checkpoint, CheckpointTokenizer};
use ttp_text::corpus::{Corpus, Kinship};
use ttp_text::split::Shares;

/// Sentences with their labels, in parts, and the pairs to judge models by.
#[derive(Debug, Clone)]
pub struct Study {
    /// The sentences.
    pub corpus: Corpus,
    /// Their labels.
    pub labels: Labels,
    /// Near-duplicates, in groups.
    pub groups: Groups,
    /// The parts; no group is in two of them.
    pub parts: Parts,
    /// Pairs that thresholds are fixed on.
    pub validation: Pairs,
    /// Pairs that are reported.
    pub test: TestPairs,
}

impl Study {
    /// Takes the sentences that the settings ask for, parts them and draws the pairs.
    /// `seed` gives a number for each purpose.
    ///
    /// # Errors
    /// If a setting makes no sense, or the sentences do not give the pairs.
    pub fn new(
        corpus: &Corpus,
        kinship: &Kinship,
        settings: &SimilaritySettings,
        shares: Shares,
        seed: impl Fn(&str) -> u64,
    ) -> Result<Self> {
        settings.check()?;
        let asks_kinship = |mining: &Mining| mining.exclude.tactic || mining.exclude.related;
        let tried = settings.trials.iter().filter_map(|trial| trial.mining.as_ref());
        if kinship.tactics.is_empty() && tried.chain([&settings.mining]).any(asks_kinship) {
            let reason = "tactic and related are ATT&CK's, and these labels are not".to_owned();
            return Err(Error::Setting { field: "similarity.mining.exclude", reason });
        }
        let corpus = settings.sentences.of(corpus);
        let labels = Labels::new(&corpus, settings.level, kinship)?;
        let texts: Vec<&str> = corpus.sentences.iter().map(|s| s.text.as_str()).collect();
        let groups = near_duplicates(&texts, NEAR_DUPLICATE);
        let parts = Parts::new(&groups, &labels, shares, seed("parts"));
        let draw = |part, purpose| Pairs::draw(&labels, part, settings.pairs, seed(purpose));
        let validation = draw(&parts.validation, "validation pairs")?;
        let test = TestPairs::new(draw(&parts.test, "test pairs")?, &groups)?;
        Ok(Self { corpus, labels, groups, parts, validation, test })
    }

    /// The text of every sentence.
    pub fn texts(&self) -> Vec<&str> {
        self.corpus.sentences.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    /// The vectors of some sentences, in a place for each of all: the others' are zeros.
    ///
    /// # Errors
    /// As [`SentenceEncoder::embed`].
    pub fn embed(
        &self,
        encoder: &SentenceEncoder,
        tokenize: &CheckpointTokenizer,
        rows: &[u32],
        watch: &mut dyn FnMut(usize),
    ) -> Result<Vectors> {
        let texts = self.texts();
        let some: Vec<&str> = rows.iter().map(|&row| texts[row as usize]).collect();
        let embedded = encoder.embed(tokenize, &some, watch)?;
        let wide = embedded.dimensions();
        let mut numbers = vec![0.0; texts.len() * wide];
        for (at, &row) in rows.iter().enumerate() {
            numbers[row as usize * wide..][..wide].copy_from_slice(embedded.row(at));
        }
        Vectors::new(wide, numbers)
    }

    /// The sentences that models are judged on: those of all pairs, each once.
    pub fn judged(&self) -> Vec<u32> {
        let pairs = [&self.validation, &self.test.pairs];
        let rows: BTreeSet<u32> =
            pairs.iter().flat_map(|p| p.rows.iter().flatten()).copied().collect();
        rows.into_iter().collect()
    }

    /// Fixes a model's threshold on the validation pairs and judges it on the others.
    ///
    /// # Errors
    /// As [`TestPairs::judge`].
    pub fn judge(
        &self,
        vectors: &Vectors,
        criterion: Criterion,
        bootstrap: Bootstrap,
    ) -> Result<ModelScores> {
        let answers = vectors.dots(&self.validation.rows);
        let validation = Ranking::new(&answers, &self.validation.similar)?;
        let threshold = validation.best_threshold(criterion);
        let scores = vectors.dots(&self.test.pairs.rows);
        Ok(ModelScores {
            validation_average_precision: validation.average_precision(),
            threshold,
            test: self.test.judge(&scores, threshold, bootstrap)?,
            warning: Warning::of_answers(&answers, &self.validation.similar, threshold),
            scores,
        })
    }

    /// Trains two models from one checkpoint, on random negatives and on mined ones, and judges
    /// both on the pairs. `vectors` are the checkpoint's own, of all training sentences at
    /// least. `folder` says of each model whether it is written. `watch` is told of every step, and
    /// of which model.
    ///
    /// # Errors
    /// If nothing can be mined, a setting makes no sense, or a file cannot be written.
    pub fn contest(
        &self,
        checkpoint: &Checkpoint,
        vectors: &Vectors,
        settings: &SimilaritySettings,
        (seed, bootstrap): (u64, Bootstrap),
        folder: impl Fn(&str) -> ModelFolder,
        watch: &mut dyn FnMut(&str, &Step),
    ) -> Result<Contest> {
        let sets = self.triplets(vectors, &settings.mining, settings.hard_negatives, seed)?;
        let tokenize = settings.tokenizer(checkpoint)?;
        let mut judge = |name: &str, triplets: &[Triplet]| {
            let folder = folder(name);
            let mut watch = |step: &Step| watch(name, step);
            let (model, _) =
                self.train(checkpoint, settings, triplets, seed, &folder, &mut watch)?;
            let vectors = self.embed(&model, &tokenize, &self.judged(), &mut |_| ())?;
            self.judge(&vectors, settings.criterion, bootstrap)
        };
        let basic = judge("basic", &sets.random)?;
        let hard_negatives = judge("hard_negatives", &sets.hard)?;
        let gain = hard_negatives.gain_over(&basic, self, bootstrap)?;
        Ok(Contest { triplets: sets.hard.len(), basic, hard_negatives, gain })
    }

    /// Trains one model from a checkpoint on some triplets, and gives it with how that went. `folder`
    /// says whether the model is written. `watch` is told of every step.
    ///
    /// # Errors
    /// As [`SimilarityTraining::run`].
    pub fn train(
        &self,
        checkpoint: &Checkpoint,
        settings: &SimilaritySettings,
        triplets: &[Triplet],
        seed: u64,
        folder: &ModelFolder,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<(SentenceEncoder, SimilarityHistory)> {
        let params = &settings.training;
        let tokenize = settings.tokenizer(checkpoint)?;
        let mut model = SentenceEncoder::new(checkpoint, engine::device(), seed)?;
        let training = SimilarityTraining { checkpoint, params, loss: settings.loss, seed, folder };
        let texts = self.texts();
        let history = training.run(&mut model, &tokenize, &texts, &self.labels, triplets, watch)?;
        Ok((model, history))
    }

    /// Every training sentence that has a similar one there, in a random order, each with a
    /// random one of them.
    pub fn anchors(&self, seed: u64) -> Vec<AnchorPair> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut order = self.parts.train.clone();
        order.shuffle(&mut rng);
        // Of level tactic the class is the technique, whose sentences are similar too.
        let mut mates: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &sentence in &self.parts.train {
            mates.entry(self.labels.class(sentence)).or_default().push(sentence);
        }
        let mate_of = |anchor: u32| {
            let others: Vec<u32> = mates[&self.labels.class(anchor)]
                .iter()
                .copied()
                .filter(|&other| other != anchor)
                .collect();
            others.choose(&mut rng).map(|&mate| [anchor, mate])
        };
        order.into_iter().filter_map(mate_of).collect()
    }

    /// Mines among the training sentences and makes triplets of what is found: up to `count`,
    /// of the first anchors that have a negative. `random` has the same anchors and positives
    /// with random negatives in place of the mined.
    ///
    /// # Errors
    /// As [`mine`].
    pub fn triplets(
        &self,
        vectors: &Vectors,
        mining: &Mining,
        count: usize,
        seed: u64,
    ) -> Result<TripletSets> {
        let anchors = self.anchors(seed);
        let mined = mine(vectors, &self.labels, &anchors, &self.parts.train, mining, seed)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut hard, mut random) = (Vec::new(), Vec::new());
        for (&[anchor, positive], negatives) in anchors.iter().zip(&mined.negatives) {
            for &(negative, _) in negatives.iter().take(count - hard.len()) {
                let stranger = loop {
                    // There are others: the mined negative is one.
                    let other = *self.parts.train.choose(&mut rng).unwrap_or(&negative);
                    if self.labels.bar(anchor, other, mining.exclude).is_none() {
                        break other;
                    }
                };
                hard.push(Triplet { anchor, positive, negative });
                random.push(Triplet { anchor, positive, negative: stranger });
            }
            if hard.len() == count {
                break;
            }
        }
        Ok(TripletSets { random, hard, anchors, mined })
    }
}

impl ModelScores {
    /// How much more this model comes to than another one on the test pairs of one study.
    ///
    /// # Errors
    /// As [`TestPairs::gain`].
    pub fn gain_over(
        &self,
        other: &Self,
        study: &Study,
        bootstrap: Bootstrap,
    ) -> Result<PairIntervals> {
        let (own, others) = ((&*self.scores, self.threshold), (&*other.scores, other.threshold));
        study.test.gain(own, others, bootstrap)
    }
}

impl TripletSets {
    /// The first `pairs` of [`suspects`](Self::suspects), each pair of sentences once, for a
    /// reader to judge.
    ///
    /// # Errors
    /// None in practice: the table's own check on the number of cells.
    pub fn suspects_table(&self, study: &Study, pairs: usize) -> Result<Table> {
        let headers = ["anchor", "its label", "mined", "its label", "cosine", "nearest similar"];
        let mut table = Table::new(headers);
        let mut seen: BTreeSet<[u32; 2]> = BTreeSet::new();
        let text = |row: u32| study.corpus.sentences[row as usize].text.as_str();
        for Suspect { anchor, candidate, score, similar, .. } in self.suspects() {
            let (anchor, mined) = (self.anchors[*anchor][0], *candidate);
            if table.len() == pairs || !seen.insert([anchor.min(mined), anchor.max(mined)]) {
                continue;
            }
            let name = |row: u32| study.labels.name(row);
            let (label, other) = (name(anchor), name(mined));
            table.push(cells![text(anchor), label, text(mined), other, *score, *similar])?;
        }
        Ok(table)
    }
}
