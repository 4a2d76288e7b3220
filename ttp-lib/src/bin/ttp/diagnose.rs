//! `ttp diagnose`: what is wrong with a classifier, from its predictions or its matrix.

use crate::say;
use clap::Args;
use std::path::PathBuf;
use ttp_lib::diagnosis::{Columns, Report, read_matrix, read_predictions};
use ttp_lib::metrics::DiagnosisSettings;
use ttp_lib::{Error, Result, files};

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
    /// A JSON file of other settings: tiers, min_support, alpha, sink_share …
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Where f1_scores_latest.json, TRAINING_METRICS_REPORT.md and diagnosis.html go
    #[arg(long, value_name = "FOLDER", default_value = "results/diagnosis")]
    out: PathBuf,
}

pub fn diagnose(arguments: DiagnoseArguments) -> Result<()> {
    let settings: DiagnosisSettings = match &arguments.settings {
        Some(file) => files::read_json(file)?,
        None => DiagnosisSettings::default(),
    };
    settings.check()?;
    let inputs = [&arguments.predictions, &arguments.matrix, &arguments.settings];
    for file in Report::files(&arguments.out) {
        files::refuse_own_input(&file, inputs.into_iter().flatten().map(PathBuf::as_path))?;
    }
    let DiagnoseArguments { truth, predicted, probabilities, probability, .. } = arguments;
    let judged = match (&arguments.matrix, &arguments.predictions) {
        (Some(file), _) => read_matrix(file)?,
        (None, Some(file)) => {
            read_predictions(file, &Columns { truth, predicted, probabilities, probability })?
        }
        (None, None) => {
            let reason = "give a file of predictions, or --matrix".to_owned();
            return Err(Error::Setting { field: "predictions", reason });
        }
    };
    let report = Report::new(judged, &settings)?;
    let written = report.write(&arguments.out)?;
    say(report.to_text()?.trim_end())?;
    say("")?;
    for file in written {
        say(&format!("written: {}", file.display()))?;
    }
    Ok(())
}
