//! NetML's flows and the family summary's own encoder.
//!
//! NetML-2020 (Barut, Luo, Zhang, Li and Zhang, *NetML: A Challenge for Network Traffic Analytics*,
//! 2020) is the data set behind the family summary: one flow a line as JSON, and labels in a second
//! file by the flows' ids. The summary's encoder is public, too. Here both are read, the encoder is
//! run and trained anew.
//!
//! ```no_run
//! use std::path::Path;
//! use ttp_flows::family::netml::{Annotations, MissingColumns, NetmlEncoder, NetmlFlows, OUTPUTS};
//!
//! let flows = NetmlFlows::read(Path::new("1_test-std_set.json.gz"), MissingColumns::Refused)?;
//! let outputs = OUTPUTS.map(str::to_owned).to_vec();
//! let encoder = NetmlEncoder::published(Path::new("encoder_best.pth"), outputs)?;
//! let encoded = encoder.encode(&flows, &flows.standardiser()?)?;
//! let forest = Annotations::read(Path::new("random_forest_std.json"))?;
//! let labels = forest.classes_of(&flows)?;
//! println!("{} flows, {} families", encoded.best().len(), forest.classes().len());
//! # let _ = labels;
//! # Ok::<(), ttp_base::Error>(())
//! ```

mod annotations;
mod encoder;
mod experiment;
mod files;
mod flows;
mod focal;
mod forest;
mod lines;
mod merged;
mod name_study;
mod published;
mod results;
mod series;
#[cfg(test)]
mod tests;
mod train;

pub use annotations::Annotations;
pub use encoder::{EncoderOutput, NetmlEncoder, Parts};
pub use experiment::{
    ClassF1, LabelSource, NetmlSettings, NetmlStudy, Trial, TrialOutcome, TrialRun,
};
pub use files::{NETML_MISSING, NetmlFiles};
pub use flows::NetmlFlows;
pub use focal::focal_loss;
pub use forest::{FlowForest, ForestSettings};
pub use lines::{FlowLines, MissingColumns};
pub use merged::{PAIR, merged};
pub use name_study::{NameStudy, Statement};
pub use published::PublishedFigures;
pub use results::{FamilyFigures, FamilyResults};
pub use train::{LabelledFlows, NetmlHistory, NetmlParams, NetmlTraining, Sampling, Weighting};

/// The eight series of a flow, each of up to [`STEPS`] counts, in the order of the encoder's
/// columns.
pub const SERIES: [&str; 8] = [
    "intervals_ccnt",
    "pld_ccnt",
    "hdr_ccnt",
    "rev_intervals_ccnt",
    "rev_pld_ccnt",
    "rev_hdr_ccnt",
    "ack_psh_rst_syn_fin_cnt",
    "rev_ack_psh_rst_syn_fin_cnt",
];

/// The steps of a series as the encoder reads it: what is shorter has zeros behind it.
pub const STEPS: usize = 16;

/// Counts of one flow: [`STEPS`] steps of [`SERIES`].
pub const COUNTS: usize = STEPS * SERIES.len();

/// The thirteen numbers of a flow, in the encoder's order.
pub const NUMBERS: [&str; 13] = [
    "pr",
    "rev_pld_max",
    "rev_pld_mean",
    "pld_mean",
    "pld_median",
    "pld_distinct",
    "time_length",
    "bytes_out",
    "bytes_in",
    "num_pkts_out",
    "num_pkts_in",
    "src_port",
    "dst_port",
];

/// How many of [`NUMBERS`], counted from the end, are taken as `log(1 + x)`: bytes, packets and
/// ports.
pub const LOGARITHMS: usize = 6;

/// The names of the published encoder's outputs, as its authors print them: in alphabetical order.
/// Notebook 13 shows that they are not what the outputs stand for.
pub const OUTPUTS: [&str; 21] = [
    "Adload",
    "Artemis",
    "BitCoinMiner",
    "CCleaner",
    "Cobalt",
    "Downware",
    "Dridex",
    "Emotet",
    "HTBot",
    "MagicHound",
    "MinerTrojan",
    "PUA",
    "Ramnit",
    "Sality",
    "Tinba",
    "TrickBot",
    "Trickster",
    "TrojanDownloader",
    "Ursnif",
    "WebCompanion",
    "benign",
];
