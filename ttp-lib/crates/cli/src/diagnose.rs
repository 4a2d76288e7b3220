//! `ttp diagnose`: what is wrong with a classifier, from its predictions or its matrix.

use crate::say;
use clap::Args;
use std::path::PathBuf;
use ttp_lib::diagnosis::{Columns, Names, Report, Second, read_matrix, read_predictions};
use ttp_lib::metrics::DiagnosisSettings;
use ttp_lib::metrics::names::NamesSettings;
use ttp_lib::{Error, Result, files, settings};

#[derive(Args)]
pub struct DiagnoseArguments {
    /// Predictions: a parquet file, or CSV with a header line
    #[arg(required_unless_present = "matrix")]
    predictions: Option<PathBuf>,
    /// A confusion matrix in place of predictions: JSON (labels, rows_truth_columns_predicted),
    /// or CSV with labels in its first line and column; rows are truth
    #[arg(long, conflicts_with = "predictions", value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// The column of true labels [default: truth, label, technique and such]
    #[arg(long, value_name = "COLUMN", conflicts_with = "matrix")]
    truth: Option<String>,
    /// The column of predicted labels [default: predicted, prediction, y_pred and such]
    #[arg(long, value_name = "COLUMN", conflicts_with = "matrix")]
    predicted: Option<String>,
    /// What the columns of all classes' probabilities begin with: p_ of p_benign
    #[arg(long, value_name = "PREFIX", conflicts_with = "matrix")]
    probabilities: Option<String>,
    /// The column of the predictions' own probabilities [default: probability]
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["matrix", "probabilities"])]
    probability: Option<String>,
    /// Class counts of the data, to ask whether the names are in order: CSV or JSON of class and
    /// count (empty, ? or null: not known), or JSON from row to class; may end in .gz
    #[arg(long, value_name = "FILE")]
    counts: Option<PathBuf>,
    /// A second labelling of the same rows, likewise: FILE or FILE/COLUMN; CSV, parquet, or JSON
    /// from id to label
    #[arg(long, value_name = "FILE/COLUMN", conflicts_with = "matrix")]
    against: Option<PathBuf>,
    /// The column that numbers the rows, in the predictions and in the second labelling
    #[arg(long, value_name = "COLUMN", default_value = "id", requires = "against")]
    id: String,
    /// The seed of the samples that are drawn for --counts and --against
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A JSON file of other settings: tiers, min_support, alpha, over_predicted_share …
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Where f1_scores_latest.json, TRAINING_METRICS_REPORT.md and diagnosis.html go
    #[arg(long, value_name = "FOLDER", default_value = "results/diagnosis")]
    out: PathBuf,
}

pub fn diagnose(arguments: DiagnoseArguments) -> Result<()> {
    let settings: DiagnosisSettings = match &arguments.settings {
        Some(file) => settings::read(file)?,
        None => DiagnosisSettings::default(),
    };
    let DiagnoseArguments { predictions, matrix, settings: own, counts, against, .. } = &arguments;
    let second = against.as_deref().map(Second::parse).transpose()?;
    for file in Report::files(&arguments.out) {
        let inputs = [predictions, matrix, own, counts].into_iter().flatten();
        let inputs = inputs.chain(second.as_ref().map(|second| &second.file));
        files::refuse_own_input(&file, inputs.map(PathBuf::as_path))?;
    }
    let DiagnoseArguments { truth, predicted, probabilities, probability, .. } = arguments;
    let mut judged = match (&arguments.matrix, &arguments.predictions) {
        (Some(file), _) => read_matrix(file)?,
        (None, Some(file)) => {
            read_predictions(file, &Columns { truth, predicted, probabilities, probability })?
        }
        (None, None) => {
            let reason = "give a file of predictions, or --matrix".to_owned();
            return Err(Error::Setting { field: "predictions", reason });
        }
    };
    let mut names = Names::default();
    let of_names =
        NamesSettings { alpha: settings.alpha, seed: arguments.seed, ..NamesSettings::default() };
    if let Some(file) = &arguments.counts {
        names.against_counts(&judged, file, &of_names)?;
    }
    if let Some(second) = &second {
        let notes = names.against_labelling(&judged, second, &arguments.id, &of_names)?;
        judged.notes.extend(notes);
    }
    let report = Report::new(judged, &settings)?.with_names(names);
    let written = report.write(&arguments.out)?;
    say(report.to_text()?.trim_end())?;
    say("")?;
    for file in written {
        say(&format!("written: {}", file.display()))?;
    }
    Ok(())
}
