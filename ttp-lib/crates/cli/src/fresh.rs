//! `--fresh`: whether a training goes on from what a killed run kept.

use clap::Args;
use ttp_lib::train::resume;

#[derive(Args)]
pub struct Fresh {
    /// Start the training from its beginning, even if a killed run could go on [also: TTP_FRESH=1]
    #[arg(long)]
    fresh: bool,
}

impl Fresh {
    /// Lets what this command trains start anew, if it was asked for.
    pub fn heed(&self) {
        if self.fresh {
            resume::start_anew(true);
        }
    }
}
