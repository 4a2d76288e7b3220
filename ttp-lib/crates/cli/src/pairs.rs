//! `ttp pairs`: a sentence model from a file of labelled pairs, and what is wrong with the files.

use crate::fresh::Fresh;
use crate::recipe::warn;
use crate::{note, own_input, say};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use ttp_lib::encoder::SentenceEncoder;
use ttp_lib::error::SettingPath;
use ttp_lib::metrics::{BinaryCounts, Criterion, Ranking};
use ttp_lib::profile::Run;
use ttp_lib::settings::Setting;
use ttp_lib::show::terminal_safe;
use ttp_lib::similarity::reported::{LabelledPairs, PairLeak, Texts, Warning};
use ttp_lib::similarity::{Loss, ModelFolder, PairTraining, Pairs};
use ttp_lib::{Error, Result, train};

#[derive(Args)]
pub struct Arguments {
    /// Training pairs: a JSON list of objects with sentence1, sentence2 and label (1 similar, 0 not)
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Validation pairs, which fix the threshold
    #[arg(long, value_name = "FILE")]
    validation: PathBuf,
    /// Test pairs, which are reported
    #[arg(long, value_name = "FILE")]
    test: PathBuf,
    /// The loss
    #[arg(long, value_enum, default_value = "cosine")]
    loss: LossName,
    /// A checkpoint's name or folder [default: similarity.checkpoint of the profile]
    #[arg(long)]
    checkpoint: Option<String>,
    /// Another number of epochs than the profile's
    #[arg(long)]
    epochs: Option<usize>,
    /// Another number of pairs a step
    #[arg(long)]
    batch_size: Option<usize>,
    /// Another highest learning rate
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Only look at the files
    #[arg(long)]
    check: bool,
    /// Teach pairs that are labelled dissimilar as similar, where the loss does
    #[arg(long)]
    every_pair_similar: bool,
    /// Go on where test or validation pairs have texts of training
    #[arg(long)]
    allow_leak: bool,
    /// Where the model is written [default: models/pairs]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    fresh: Fresh,
}

#[derive(Clone, Copy, ValueEnum)]
enum LossName {
    /// Reads the labels: the cosine is to be 1 or 0
    Cosine,
    /// Reads the labels: others are pushed apart up to a margin
    Contrastive,
    /// As contrastive, on the hard pairs of each batch
    OnlineContrastive,
    /// Takes every pair for a similar one, and the other pairs of its batch for negatives
    MultipleNegatives,
}

impl LossName {
    /// With sentence-transformers' own margin and scale.
    fn loss(self) -> Loss {
        match self {
            Self::Cosine => Loss::Cosine,
            Self::Contrastive => Loss::Contrastive { margin: 0.5 },
            Self::OnlineContrastive => Loss::OnlineContrastive { margin: 0.5 },
            Self::MultipleNegatives => Loss::MultipleNegatives { scale: 20.0 },
        }
    }
}

impl Arguments {
    /// Where the model goes.
    fn folder(&self, run: &Run) -> PathBuf {
        self.out.clone().unwrap_or_else(|| run.folders.models().join("pairs"))
    }
}

pub fn run(run: &Run, arguments: &Arguments) -> Result<()> {
    arguments.fresh.heed();
    let inputs = [&arguments.train, &arguments.validation, &arguments.test];
    own_input::refuse(run, &arguments.folder(run), inputs)?;
    let train = LabelledPairs::read(&arguments.train)?;
    let validation = LabelledPairs::read(&arguments.validation)?;
    let test = LabelledPairs::read(&arguments.test)?;
    let mut texts = Texts::default();
    let mut numbered = |set: &LabelledPairs| texts.pairs(set);
    let (train_pairs, validation_pairs, test_pairs) =
        (numbered(&train), numbered(&validation), numbered(&test));
    let loss = arguments.loss.loss();
    match Warning::of_loss(loss, &train_pairs) {
        Some(warning) if !arguments.every_pair_similar => {
            let reason = format!("{warning} (--every-pair-similar trains all the same)");
            return Err(Error::Setting { field: "--loss", reason });
        }
        warning => warn(warning),
    }
    let each: Vec<u32> = (0..texts.len() as u32).collect();
    let of_training = texts.alike(&train_pairs);
    for (set, pairs) in [(&test, &test_pairs), (&validation, &validation_pairs)] {
        let leak = PairLeak::count(&texts.alike(pairs), &of_training, &each);
        if !arguments.allow_leak {
            set.check_disjoint(&train).map_err(|error| with_counts(error, leak))?;
        }
        warn(Warning::of_leak(leak));
    }
    for (name, set) in
        [("training", &train_pairs), ("validation", &validation_pairs), ("test", &test_pairs)]
    {
        let similar = set.similar_count();
        say(&format!("{name}: {} pairs, {similar} similar", set.len()))?;
    }
    if arguments.check {
        return say("nothing is wrong with these files");
    }
    fit(run, arguments, &texts, [&train_pairs, &validation_pairs, &test_pairs])
}

/// A refusal that names the first text of many says how many there are.
fn with_counts(error: Error, leak: PairLeak) -> Error {
    match error {
        Error::Input { place, reason } => {
            let reason = format!("{reason}; {leak} (--allow-leak trains all the same)");
            Error::Input { place, reason }
        }
        other => other,
    }
}

fn fit(
    run: &Run,
    arguments: &Arguments,
    texts: &Texts,
    [training, validation, test]: [&Pairs; 3],
) -> Result<()> {
    let mut params = run.profile.similarity.training.clone();
    params.epochs = arguments.epochs.unwrap_or(params.epochs);
    params.batch_size = arguments.batch_size.unwrap_or(params.batch_size);
    params.learning_rate = arguments.learning_rate.unwrap_or(params.learning_rate);
    params.check_at(None, &SettingPath::of("similarity.training"))?;
    let checkpoint = match &arguments.checkpoint {
        Some(name) => run.checkpoint(name)?,
        None => run.similarity_checkpoint()?,
    };
    own_input::refuse(run, &arguments.folder(run), [&checkpoint.folder])?;
    params.max_length = params.max_length.min(checkpoint.places());
    let tokenize = checkpoint.tokenizer_of("similarity.training.max_length", params.max_length)?;
    let seed = run.seed("pairs training");
    let mut model = SentenceEncoder::new(&checkpoint, train::device(), seed)?;
    note(model.notes());
    say(&model.loaded().to_string())?;
    let folder = arguments.folder(run);
    let pair_training = PairTraining {
        checkpoint: &checkpoint,
        params: &params,
        loss: arguments.loss.loss(),
        seed,
        stop_after: None,
        folder: &ModelFolder::Written(folder.clone()),
    };
    let all = texts.all();
    let answers = |model: &SentenceEncoder, pairs: &Pairs| -> Result<Vec<f64>> {
        Ok(model.embed(&tokenize, &all, &mut |_| ())?.dots(&pairs.rows))
    };
    let before = (answers(&model, validation)?, answers(&model, test)?);
    let mut print = train::print_every(10.0);
    pair_training.run(&mut model, &tokenize, &all, training, &mut print)?;
    let after = (answers(&model, validation)?, answers(&model, test)?);
    for (name, (on_validation, on_test)) in [("untrained", &before), ("trained", &after)] {
        let ranking = Ranking::new(on_validation, &validation.similar)?;
        let threshold = ranking.best_threshold(Criterion::F1);
        let tested = Ranking::new(on_test, &test.similar)?;
        let BinaryCounts { tp, fp, fn_, tn } = BinaryCounts::at(on_test, &test.similar, threshold)?;
        say(&format!(
            "{name}: average precision {:.3}, AUC {:.3}; from {threshold:.3} upwards TP {tp}, FN \
             {fn_}, FP {fp}, TN {tn}",
            tested.average_precision(),
            tested.roc_auc()
        ))?;
    }
    let named =
        |file: &PathBuf| terminal_safe(&file.file_name().unwrap_or_default().to_string_lossy());
    let pairs = |pairs: &Pairs, file: &PathBuf| {
        format!(
            "{} pairs of {}, {} of them similar",
            pairs.len(),
            named(file),
            pairs.similar_count()
        )
    };
    let data = format!(
        "{}. What they are and which licence they have, the file does not say.",
        pairs(training, &arguments.train)
    );
    let tested = Ranking::new(&after.1, &test.similar)?;
    let scores = [tested.average_precision(), tested.roc_auc()];
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    pair_training
        .card(&terminal_safe(&name), &data, &pairs(test, &arguments.test), scores)
        .write(&folder)?;
    let half = Warning::of_answers(&after.0, &validation.similar, 0.5);
    let own = Ranking::new(&after.0, &validation.similar)?.best_threshold(Criterion::F1);
    warn(half.or_else(|| Warning::of_answers(&after.0, &validation.similar, own)));
    say(&format!("written: {}", folder.display()))
}
