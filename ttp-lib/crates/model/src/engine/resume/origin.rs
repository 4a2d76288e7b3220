//! Where a training's state comes from: what must be the same for it to go on from there.

use super::generator;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use tch::{Kind, Tensor};
use ttp_base::{Error, Result};

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
    /// versions of this crate's code and of libtorch, the processor's instructions, the device and
    /// the number of threads are added here.
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
        let machine = (generator::libtorch(), tch::get_num_threads(), format!("{device:?}"));
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
            (&self.machine, &wanted.machine, "another machine, libtorch or number of threads"),
        ];
        pairs.into_iter().find(|(own, wanted, _)| own != wanted).map(|(.., what)| what)
    }
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
