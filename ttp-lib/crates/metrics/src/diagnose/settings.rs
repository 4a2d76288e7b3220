//! What a diagnosis is asked for: cut-offs, sizes, levels.

use super::class::{ClassDiagnosis, Imbalance, Tier};
use crate::Estimate;
use serde::{Deserialize, Serialize};
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, at_least, between};
use ttp_base::{Result, settings};

/// Where the tiers are cut, by F1: above `excellent`; from `good` up to and with `excellent`;
/// from `poor` up to below `good`; below `poor`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutOffs {
    /// 0.9: an F1 of exactly 0.9 is good.
    pub excellent: f64,
    /// 0.7: an F1 of exactly 0.7 is good.
    pub good: f64,
    /// 0.5: an F1 of exactly 0.5 is poor.
    pub poor: f64,
}

impl Default for CutOffs {
    fn default() -> Self {
        Self { excellent: 0.9, good: 0.7, poor: 0.5 }
    }
}

/// What is called a fault. The module's first lines say against what it is held.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisSettings {
    /// Where the tiers are cut.
    pub tiers: CutOffs,
    /// A class with fewer rows is too small to judge: it has its figures and its tier, and no
    /// fault is read from its rows. 20: with fewer, the 95 % interval of a recall of one half is
    /// wider than 0.4, which is all that lies between the lowest cut-off and the highest.
    pub min_support: u64,
    /// The intervals' level: 0.95.
    pub level: f64,
    /// How probable one false alarm of a kind may be, over all classes or pairs: 0.01.
    pub alpha: f64,
    /// How many times the odds of an even spread the odds of a fault must be: 2.
    pub excess: f64,
    /// An over-predicted class: at least this share of the rows that it was given is of other
    /// classes. 0.25.
    pub over_predicted_share: f64,
    /// An over-predicted class: at least so many other classes are its sources. 3: of one or two it is told as a
    /// class that swallows another, or as a confused pair.
    pub over_predicted_sources: usize,
    /// A source of an over-predicted class: at least this share of its rows goes there. 0.05.
    pub source_share: f64,
    /// A class is taken for another: at least this share of its rows is. 0.1.
    pub pair_share: f64,
    /// Swallowed: at least this share of a class's rows goes to one other class … 0.5.
    pub swallowed_share: f64,
    /// … and less than this share is found. 0.1.
    pub swallowed_recall: f64,
    /// Near-zero recall: a class's recall lies below this with its whole interval. 0.1.
    pub near_zero_recall: f64,
    /// Precision and recall are out of balance when they lie so far apart, their intervals do not
    /// meet, and the higher reaches [`CutOffs::good`]. 0.2.
    pub imbalance: f64,
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self {
            tiers: CutOffs::default(),
            min_support: 20,
            level: 0.95,
            alpha: 0.01,
            excess: 2.0,
            over_predicted_share: 0.25,
            over_predicted_sources: 3,
            source_share: 0.05,
            pair_share: 0.1,
            swallowed_share: 0.5,
            swallowed_recall: 0.1,
            near_zero_recall: 0.1,
            imbalance: 0.2,
        }
    }
}

/// A share that is neither none nor all.
const SHARE: Range = between(0.0, 1.0);

settings!(DiagnosisSettings, "diagnosis", {
    level: SHARE,
    alpha: SHARE,
    excess: at_least(1.0),
    over_predicted_share: SHARE,
    over_predicted_sources: at_least(1.0).or("an over-predicted class has at least one"),
    source_share: SHARE,
    pair_share: SHARE,
    swallowed_share: SHARE,
    swallowed_recall: SHARE,
    near_zero_recall: SHARE,
    imbalance: SHARE,
}, free { tiers, min_support }, also Self::tiers_fall);

impl DiagnosisSettings {
    fn tiers_fall(&self, at: &SettingPath) -> Result<()> {
        let CutOffs { excellent, good, poor } = self.tiers;
        if !(1.0 > excellent && excellent > good && good > poor && poor > 0.0) {
            let reason = format!("{excellent}, {good}, {poor} do not fall between 1 and 0");
            return at.field("tiers").refuse(reason);
        }
        Ok(())
    }

    pub(super) fn tier(&self, class: &ClassDiagnosis) -> Tier {
        let (CutOffs { excellent, good, poor }, f1) = (self.tiers, class.f1.value);
        match class.support {
            0 => Tier::NoRows,
            _ if f1 > excellent => Tier::Excellent,
            _ if f1 >= good => Tier::Good,
            _ if f1 >= poor => Tier::Poor,
            _ => Tier::Critical,
        }
    }

    pub(super) fn imbalance(&self, class: &ClassDiagnosis) -> Option<Imbalance> {
        let judged = |rows: u64| rows >= self.min_support;
        let over = |high: &Estimate, low: &Estimate| {
            high.value >= self.tiers.good
                && high.value - low.value >= self.imbalance
                && high.low > low.high
        };
        if !(judged(class.support) && judged(class.predicted)) {
            None
        } else if over(&class.precision, &class.recall) {
            Some(Imbalance::HighPrecisionLowRecall)
        } else if over(&class.recall, &class.precision) {
            Some(Imbalance::HighRecallLowPrecision)
        } else {
            None
        }
    }
}
