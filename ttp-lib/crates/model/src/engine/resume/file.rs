//! One file of a training's state: written whole or not at all, and read only as it was written.
//!
//! The parts, one after the other: the line [`MAGIC`]; the format's number (4 bytes, the lowest
//! first, as all numbers here); the length of the whole file (8 bytes); that of the JSON that
//! follows (8 bytes); the JSON, which lists the tensors; their numbers, in single precision; the
//! SHA-256 of all before it (32 bytes).

use super::super::numbers;
use super::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use tch::{Device, Kind, Tensor};
use ttp_base::{Error, Result, files};

const MAGIC: &[u8] = b"ttp state of a training\n";
const FORMAT: u32 = 1;
/// What stands before the JSON.
const HEAD: usize = MAGIC.len() + 4 + 8 + 8;
const DIGEST: usize = 32;

/// What the JSON says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) origin: Origin,
    pub(super) about: Value,
    /// Name and shape of each tensor, in the order of the file.
    tensors: Vec<(String, Vec<i64>)>,
}

/// Writes a state; the file of that name stays as it was if this fails.
pub(super) fn write(
    path: &Path,
    origin: &Origin,
    about: Value,
    tensors: &[(String, Tensor)],
) -> Result<()> {
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect();
    let header = Header { origin: origin.clone(), about, tensors: shapes };
    let header = serde_json::to_vec(&header).map_err(Error::library("writing JSON"))?;
    let count: usize = tensors.iter().map(|(_, tensor)| tensor.numel()).sum();
    let length = HEAD + header.len() + 4 * count + DIGEST;
    files::write_whole(path, |out| {
        let mut hash = Sha256::new();
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            out.write_all(bytes).map_err(Error::file(path, "write"))
        };
        put(MAGIC)?;
        put(&FORMAT.to_le_bytes())?;
        put(&(length as u64).to_le_bytes())?;
        put(&(header.len() as u64).to_le_bytes())?;
        put(&header)?;
        for (_, tensor) in tensors {
            let tensor = tensor.to_kind(Kind::Float).to_device(Device::Cpu).contiguous();
            let mut written = Ok(());
            bytes_of(numbers(&tensor), |bytes| {
                if written.is_ok() {
                    written = put(bytes);
                }
            });
            written?;
        }
        out.write_all(&hash.finalize()).map_err(Error::file(path, "write"))
    })
}

/// Gives the bytes of some numbers, the lowest byte of each first, a piece at a time.
pub(super) fn bytes_of(numbers: &[f32], mut take: impl FnMut(&[u8])) {
    let mut bytes = vec![0; 4 << 16];
    for piece in numbers.chunks(1 << 16) {
        let bytes = &mut bytes[..4 * piece.len()];
        let (fours, _) = bytes.as_chunks_mut::<4>();
        fours.iter_mut().zip(piece).for_each(|(four, number)| *four = number.to_le_bytes());
        take(bytes);
    }
}

/// Reads a state with its tensors, on the CPU. Otherwise why it cannot be used, in words that
/// follow the file's name.
pub(super) fn read(path: &Path) -> Result<(Header, Vec<(String, Tensor)>), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read: {error}"))?;
    let (header, mut numbers) = checked(&bytes)?;
    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (name, shape) in &header.tensors {
        let count = shape.iter().try_fold(1_usize, |all, &n| all.checked_mul(n.try_into().ok()?));
        let own = count.and_then(|count| numbers.split_at_checked(count.checked_mul(4)?));
        let (own, rest) = own.ok_or("damaged: its tensors are not as its header says")?;
        numbers = rest;
        let (fours, _) = own.as_chunks::<4>();
        let own: Vec<f32> = fours.iter().map(|four| f32::from_le_bytes(*four)).collect();
        if own.iter().any(|number| !number.is_finite()) {
            return Err(format!("a number of its {name} is NaN or infinite"));
        }
        tensors.push((name.clone(), Tensor::from_slice(&own).view(shape.as_slice())));
    }
    if !numbers.is_empty() {
        return Err("damaged: its tensors are not as its header says".to_owned());
    }
    Ok((header, tensors))
}

/// The header and the bytes of all tensors, if nothing is missing and nothing was changed.
fn checked(bytes: &[u8]) -> Result<(Header, &[u8]), String> {
    let start = &bytes[..bytes.len().min(MAGIC.len())];
    if !MAGIC.starts_with(start) {
        return Err("no state of a training".to_owned());
    }
    let cut_off = |whole: usize| format!("cut off: {} of {whole} bytes", bytes.len());
    if bytes.len() < HEAD {
        return Err(cut_off(HEAD));
    }
    let number = |at: usize| {
        let bytes: [u8; 8] = std::array::from_fn(|byte| bytes[MAGIC.len() + at + byte]);
        usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
    };
    let format: [u8; 4] = std::array::from_fn(|byte| bytes[MAGIC.len() + byte]);
    let format = u32::from_le_bytes(format);
    if format != FORMAT {
        return Err(format!("of format {format}, and this program reads format {FORMAT}"));
    }
    let (length, of_header) = (number(4), number(12));
    if bytes.len() < length {
        return Err(cut_off(length));
    }
    let (content, digest) = bytes.split_at(bytes.len().saturating_sub(DIGEST));
    if Sha256::digest(content).as_slice() != digest {
        return Err("damaged: not what was written".to_owned());
    }
    let rest = content.get(HEAD..).and_then(|rest| rest.split_at_checked(of_header));
    let (header, numbers) = rest.ok_or("damaged: its header is longer than the file")?;
    let header = serde_json::from_slice(header)
        .map_err(|error| format!("of another version of the program: {error}"))?;
    Ok((header, numbers))
}
