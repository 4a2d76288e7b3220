//! The data that models are tested on beside their own test rows: a later release of ATT&CK, and
//! TRAM 2's sentences. Nothing is trained on them or chosen by them.

use super::Run;
use std::path::PathBuf;
use ttp_base::Result;
use ttp_similarity::NEAR_DUPLICATE;
use ttp_text::corpus::{self, CorpusBuild, LabelChanges, Later, tram_v2};

/// Where TRAM 2's sentences lie below `data/raw/` or `TTP_SOURCES`.
pub(super) const TRAM_V2: &str = "tram-v2/single_label.json";

/// Where ATT&CK v15's bundle of Enterprise lies there.
pub(super) const ATTACK_V15: &str = "attack-v15/enterprise-attack.json";

/// What to say where [`Run::tram_v2`] has none.
pub const TRAM_V2_MISSING: &str = "TRAM 2's sentences (tram-v2) are not at hand, so no model is \
tested on them here. `make data-tram-v2` fetches them where there is a network; or put \
tram-v2/single_label.json into a folder and name that in TTP_SOURCES.";

/// What to say where [`Run::later`] or [`Run::label_changes`] has none.
pub const ATTACK_V15_MISSING: &str = "ATT&CK v15 (attack-v15) is not at hand, so no model is \
tested on its sentences here. `make data-attack-v15` fetches it where there is a network; or put \
attack-v15/enterprise-attack.json into a folder and name that in TTP_SOURCES.";

impl Run {
    /// TRAM 2's sentences with one technique each, sub-techniques folded in. `None` where the file
    /// is not at hand: [`TRAM_V2_MISSING`] says how to get it.
    ///
    /// # Errors
    /// If the file is there and cannot be read, or is not what it should be.
    pub fn tram_v2(&self) -> Result<Option<CorpusBuild>> {
        let path = self.folders.raw(TRAM_V2);
        if !path.exists() {
            return Ok(None);
        }
        tram_v2::read(&path, &corpus::techniques(&self.bundle())?).map(Some)
    }

    /// The procedure sentences of ATT&CK v15 that v10.1 has not, without near-duplicates of
    /// `training`, the texts that a model learned from ([`NEAR_DUPLICATE`] is the share of common
    /// words). `None` where v15 is not at hand: [`ATTACK_V15_MISSING`] says how to get it.
    ///
    /// # Errors
    /// If a bundle cannot be read.
    pub fn later<T: AsRef<str>>(&self, training: &[T]) -> Result<Option<Later>> {
        let Some(later) = self.attack_v15() else { return Ok(None) };
        let rows = |bundle| {
            let source = corpus::Source::Attack { bundle, tram: None };
            corpus::build(&source).map(|built| built.corpus)
        };
        let (later, earlier) = (rows(later)?, rows(self.bundle())?);
        Ok(Some(Later::of(&later, &earlier, training, NEAR_DUPLICATE)))
    }

    /// What became of v10.1's techniques in v15. `None` where v15 is not at hand:
    /// [`ATTACK_V15_MISSING`] says how to get it.
    ///
    /// # Errors
    /// If a bundle cannot be read.
    pub fn label_changes(&self) -> Result<Option<LabelChanges>> {
        let Some(later) = self.attack_v15() else { return Ok(None) };
        LabelChanges::between(&[&self.bundle()], &[&later]).map(Some)
    }

    /// ATT&CK v15's bundle of Enterprise, where it is at hand.
    fn attack_v15(&self) -> Option<PathBuf> {
        Some(self.folders.raw(ATTACK_V15)).filter(|path| path.exists())
    }
}
