//! Figures of documents that a run can decide: reproduced, not reproduced, or not run.

use super::measurements::Measurements;
use super::outcome::{Audit, ClaimVerdict};
use super::verdict::Reproduction;
use serde_json::Value;
use ttp_base::figure_check::{FigureCheck, FigureVerdict};

/// The figures of documents that a run decides or would decide, one each: those of which a run has
/// a figure of the same kind, and those of which the claims file says why there is none. A figure
/// that was measured on other rows, or with another model, than the document's decides nothing: the
/// document's was not run. Claims of scores of fine-tuned models are left out: the comparison of
/// models has them.
pub fn figure_runs(audits: &[Audit], ours: &Measurements) -> Vec<FigureCheck> {
    let of_audit = |audit: &Audit| -> Vec<FigureCheck> {
        audit.claims.iter().filter_map(|claim| figure_run(&audit.document, claim, ours)).collect()
    };
    audits.iter().flat_map(of_audit).collect()
}

fn figure_run(document: &str, claim: &ClaimVerdict, ours: &Measurements) -> Option<FigureCheck> {
    let published = claim.value.clone().unwrap_or_default();
    let cell = format!("{}: {}", claim.at, claim.says);
    let check = |verdict, why| FigureCheck {
        document: document.to_owned(),
        cell: cell.clone(),
        published: published.clone(),
        verdict,
        why,
    };
    let Some(path) = claim.ours.as_deref() else {
        let why = claim.not_run.clone()?;
        return Some(check(FigureVerdict::NotRun, why));
    };
    if path.starts_with("finetune.") {
        return None;
    }
    let measured = ours.get(path);
    let verdict = match (claim.run, measured) {
        (Some(Reproduction::Reproduced), _) => FigureVerdict::Reproduced,
        (Some(Reproduction::NotReproduced), _) => FigureVerdict::NotReproduced,
        (Some(Reproduction::NoRun), _) | (None, None) => FigureVerdict::NotRun,
        // A count of whole things, as of a vocabulary, is the same whatever the rows.
        (None, Some(Value::Number(number)))
            if number.is_u64() && published.replace(',', "") == number.to_string() =>
        {
            FigureVerdict::Reproduced
        }
        (None, Some(_)) => FigureVerdict::NotRun,
    };
    let why = match (measured, verdict) {
        (Some(figure @ Value::Number(_)), FigureVerdict::NotRun) if claim.run.is_none() => {
            format!("of another model or other rows, which decide nothing, a run has {figure}")
        }
        (Some(_), FigureVerdict::NotRun) if claim.run.is_none() => return None,
        (Some(figure), verdict) if verdict != FigureVerdict::NotRun => {
            format!("a run has {figure}")
        }
        _ => format!("no run left {path}: {}", what_runs(path)),
    };
    Some(check(verdict, why))
}

/// What would leave a figure at this path of the results.
fn what_runs(path: &str) -> &'static str {
    match path.split('.').next().unwrap_or_default() {
        "paper_rows" => "`make data` fetches the paper's own rows, notebooks 01 to 03 count them",
        "similarity_report" => "`make data data-mpnet`, then notebook 10_similarity_report",
        "families" => "`make data`, then notebook 13_families",
        "comparison" | "fill_mask" => {
            "TTP_PROFILE=paper make reproduce, with the hub's checkpoints"
        }
        _ => "make reproduce",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Verdict;
    use serde_json::json;

    fn claim(ours: &str, value: &str, run: Option<Reproduction>) -> ClaimVerdict {
        ClaimVerdict {
            id: "rows".into(),
            at: "3 Data".into(),
            says: "rows".into(),
            value: Some(value.into()),
            verdict: Verdict::Undecided { needs: "a run".into() },
            ours: Some(ours.into()),
            run,
            not_run: None,
            same_rows: None,
            reading: None,
            facts: Vec::new(),
        }
    }

    #[test]
    fn a_claim_is_reproduced_not_reproduced_or_not_run() {
        let results = json!({
            "paper_rows": { "rows": 14_427, "half": 17 },
            "comparison": { "tokens": { "bert": { "in": 1107, "out": 9 } } },
        });
        let ours = Measurements::from_json(results);
        let of = |path: &str, value: &str, run| {
            figure_run("paper", &claim(path, value, run), &ours).map(|run| (run.verdict, run.why))
        };
        let (reproduced, not) = (Reproduction::Reproduced, Reproduction::NotReproduced);
        let found = of("paper_rows.rows", "14.4k", Some(reproduced)).unwrap();
        assert_eq!(found, (FigureVerdict::Reproduced, "a run has 14427".into()));
        assert_eq!(of("paper_rows.half", "1", Some(not)).unwrap().0, FigureVerdict::NotReproduced);
        let (verdict, why) = of("families.rows", "7", Some(Reproduction::NoRun)).unwrap();
        assert_eq!(verdict, FigureVerdict::NotRun);
        assert!(why.ends_with("then notebook 13_families"), "{why}");
        assert_eq!(
            of("comparison.tokens.bert.in", "1,107", None).unwrap().0,
            FigureVerdict::Reproduced
        );
        // Another number of other rows decides nothing; scores of models have a table of their own.
        let (verdict, why) = of("comparison.tokens.bert.out", "1149", None).unwrap();
        assert_eq!(verdict, FigureVerdict::NotRun);
        assert_eq!(why, "of another model or other rows, which decide nothing, a run has 9");
        assert_eq!(of("finetune.bert.paper.accuracy", "0.90", None), None);
        assert_eq!(of("fill_mask", "0.5", None).unwrap().0, FigureVerdict::NotRun);
        // Without a figure of a run: what the claims file says, if it says why.
        let alone = |not_run: Option<&str>| {
            let own = claim("", "0.9", None);
            let own = ClaimVerdict { ours: None, not_run: not_run.map(str::to_owned), ..own };
            figure_run("family", &own, &ours).map(|run| (run.verdict, run.why))
        };
        let why = "its rows are not public";
        assert_eq!(alone(Some(why)), Some((FigureVerdict::NotRun, why.to_owned())));
        assert_eq!(alone(None), None);
    }
}
