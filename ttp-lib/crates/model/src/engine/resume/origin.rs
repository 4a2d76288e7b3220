//! Where a training's state comes from: what must be the same for it to go on from there.

use super::generator;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use tch::{Kind, Tensor};
use ttp_base::{Error, Result};

/// Variables by which a user tells MKL, oneDNN and cuBLAS how to compute. With other values, sums differ
/// in the last digits.
const TOLD: [&str; 6] = [
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "NVIDIA_TF32_OVERRIDE",
];

/// Digests of all that decides the weights a training ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    settings: String,
    data: String,
    start: String,
    code: String,
    machine: String,
}

impl Origin {
    /// `settings`: those of the training, its seed too. `data`: the rows that it reads, in their
    /// order, and those that choose the best weights. `start`: the weights before the first step,
    /// by name. `code`: the text of the loop and of what it calls outside of this crate. The
    /// versions of this crate's code and of libtorch, the processor's model and instructions, the
    /// device, the number of threads and [`TOLD`] are added here.
    ///
    /// # Errors
    /// None in practice: if settings or data are nothing that JSON can say.
    pub fn new(
        settings: &impl Serialize,
        data: &impl Serialize,
        start: &[(String, Tensor)],
        code: &[&str],
    ) -> Result<Self> {
        let device = start.first().map(|(_, weight)| weight.device());
        // Linux has it; elsewhere what libtorch says of the processor has to do.
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let machine = (
            (generator::libtorch(), tch::get_num_threads(), format!("{device:?}")),
            processor(&cpuinfo),
            TOLD.map(std::env::var_os).map(|value| value.map(|value| value.into_encoded_bytes())),
        );
        let code = (env!("TTP_MODEL_CODE"), env!("CARGO_PKG_VERSION"), code);
        Ok(Self {
            settings: digest(settings)?,
            data: digest(data)?,
            start: digest_of_weights(start),
            code: digest(&code)?,
            machine: digest(&machine)?,
        })
    }

    /// In what a state of `self` is no state of `wanted`; `None`: in nothing.
    pub(super) fn differs_in(&self, wanted: &Self) -> Option<&'static str> {
        let pairs = [
            (&self.start, &wanted.start, "other weights before the first step"),
            (&self.settings, &wanted.settings, "other settings"),
            (&self.data, &wanted.data, "other data"),
            (&self.code, &wanted.code, "another version of the program"),
            (
                &self.machine,
                &wanted.machine,
                "another machine, libtorch, number of threads or setting of MKL, oneDNN or cuBLAS",
            ),
        ];
        pairs.into_iter().find(|(own, wanted, _)| own != wanted).map(|(.., what)| what)
    }
}

/// The first processor's maker, family and model: MKL computes in another way on AMD's than on
/// Intel's, with the same instructions.
fn processor(cpuinfo: &str) -> Vec<&str> {
    let first = cpuinfo.split("\n\n").next().unwrap_or_default().lines();
    let is_told = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().trim();
        ["vendor_id", "cpu family", "model", "CPU implementer", "CPU part"].contains(&name)
    };
    first.filter(is_told).collect()
}

/// Gives all that is written to it to a hash.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn digest(value: &impl Serialize) -> Result<String> {
    let mut hashing = io::BufWriter::new(Hashing(Sha256::new()));
    serde_json::to_writer(&mut hashing, value).map_err(Error::library("taking a fingerprint"))?;
    hashing.flush().map_err(Error::library("taking a fingerprint"))?;
    match hashing.into_inner() {
        Ok(Hashing(hash)) => Ok(format!("{:x}", hash.finalize())),
        Err(error) => Err(Error::library("taking a fingerprint")(error.error().to_string())),
    }
}

fn digest_of_weights(weights: &[(String, Tensor)]) -> String {
    let mut hash = Sha256::new();
    for (name, weight) in weights {
        hash.update(format!("{name} {:?} {:?}\n", weight.size(), weight.kind()));
        let weight = weight.detach().to_kind(Kind::Float).to_device(tch::Device::Cpu).contiguous();
        super::file::bytes_of(super::super::numbers(&weight), |bytes| hash.update(bytes));
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::processor;

    #[test]
    fn a_processor_is_its_maker_family_and_model() {
        let one = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n\
                   model name\t: AMD EPYC\ncpu MHz\t\t: 2445.404\n\n";
        let told = ["vendor_id\t: AuthenticAMD", "cpu family\t: 25", "model\t\t: 1"];
        assert_eq!(processor(&format!("{one}{one}")), told);
        // It changes while it runs.
        assert_eq!(processor(&one.replace("2445", "3500")), told);
        assert_ne!(processor(&one.replace("25", "26")), told);
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(processor(arm), ["CPU implementer\t: 0x41", "CPU part\t: 0xd0c"]);
        assert!(processor("").is_empty());
    }
}
