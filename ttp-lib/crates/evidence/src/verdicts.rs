//! Each figure of the paper's table 2 beside what was run here: reproduced, not reproduced, or not
//! run. The claims audit has the other documents'.

use super::collect::{Evidence, Spread, Spreads};
use ttp_base::figure_check::{FigureCheck, FigureVerdict};
use ttp_lib::compare::ModelAnswers;
use ttp_lib::published::{PAPER_TABLE_2, PublishedScores};
use ttp_metrics::{Estimate, Scores};
use ttp_text::split::Protocol;

/// The columns of the paper's table 2.
const COLUMNS: [&str; 5] = ["accuracy", "precision", "recall", "F1", "F2"];

/// The source of the paper's own rows.
const PAPER_SOURCE: &str = "orbinato-mixed";

/// Half of the last digit that the paper prints.
const ROUNDING: f64 = 0.005;

/// A verdict for each cell of the paper's table 2. A model counts if it was fine-tuned under the
/// paper's protocol from the paper's own checkpoint; a stand-in does not. A figure is reproduced if
/// what rounds to it meets the interval: over the seeds of a sweep, or where there is none over the
/// test rows of the one run. `scores` are those of `models`, in their order; `source` is where their
/// rows come from, as results name it: rows that are not the paper's own decide nothing.
pub fn table_2_verdicts(
    models: &[ModelAnswers],
    scores: &[Scores<Estimate>],
    sweep: &Evidence,
    source: &str,
) -> Vec<FigureCheck> {
    let mut checks = Vec::new();
    for row in PAPER_TABLE_2 {
        let checkpoint = row.model.to_lowercase();
        let seeds = sweep.seeds.get(&format!("{checkpoint}.paper"));
        let is_it = |model: &ModelAnswers| {
            let evaluation = &model.evaluation;
            model.name() == checkpoint
                && model.protocol() == Protocol::Paper
                && evaluation.stands_in_for.is_none()
        };
        let one = models.iter().position(is_it).map(|at| &scores[at]);
        for (column, figure) in COLUMNS.into_iter().zip(figures(row)) {
            let run = seeds.and_then(|s| over_seeds(s, column)).or(one.map(|s| of_one(s, column)));
            let (verdict, why) = match run {
                Some((.., shown)) if source != PAPER_SOURCE => {
                    let rows = format!("{shown}, but on rows of {source}, not on the paper's own");
                    (FigureVerdict::NotRun, rows)
                }
                Some((low, high, shown)) => {
                    let meets = figure + ROUNDING >= low && figure - ROUNDING <= high;
                    let reproduced = FigureVerdict::Reproduced;
                    (if meets { reproduced } else { FigureVerdict::NotReproduced }, shown)
                }
                None => (FigureVerdict::NotRun, not_run(&checkpoint)),
            };
            checks.push(FigureCheck {
                document: "three-models".to_owned(),
                cell: format!("table 2, {}, {column}", row.model),
                published: format!("{figure:.2}"),
                verdict,
                why,
            });
        }
    }
    checks
}

fn figures(row: PublishedScores) -> [f64; 5] {
    [row.accuracy, row.precision, row.recall, row.f1, row.f2]
}

fn not_run(checkpoint: &str) -> String {
    format!(
        "the checkpoint of {checkpoint} is on a model hub: TTP_PROFILE=paper make reproduce runs \
         it once, TTP_PROFILE=sweep-paper make sweep five times"
    )
}

/// The interval of a column over seeds, and how it is written; `None` of one seed alone.
fn over_seeds(seeds: &Spreads, column: &str) -> Option<(f64, f64, String)> {
    let spread: Spread = match column {
        "accuracy" => seeds.accuracy,
        "precision" => seeds.precision_macro,
        "recall" => seeds.recall_macro,
        "F1" => seeds.f1_macro,
        _ => seeds.f2_macro,
    };
    let (low, high) = (spread.low?, spread.high?);
    let shown = format!("{:.3} [{low:.3}, {high:.3}] over {} seeds", spread.mean, spread.n);
    Some((low, high, shown))
}

fn of_one(scores: &Scores<Estimate>, column: &str) -> (f64, f64, String) {
    let estimate = match column {
        "accuracy" => scores.accuracy,
        "precision" => scores.precision.macro_,
        "recall" => scores.recall.macro_,
        "F1" => scores.f1.macro_,
        _ => scores.f2.macro_,
    };
    (estimate.low, estimate.high, format!("{estimate} over the test rows of one seed"))
}
