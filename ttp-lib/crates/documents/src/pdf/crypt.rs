//! Encrypted files that open without a password (ISO 32000-2, 7.6): the standard security handler,
//! with the empty user password.
//!
//! Such a file asks a reader not to print or change it; what it says is open to everybody. Neither a
//! password nor a permission is worked around: a file that opens with a password alone is refused.

use super::object::{Dict, Object};
use aes::cipher::consts::U256;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{
    BlockCipher, BlockDecryptMut, BlockEncryptMut, KeyInit, KeyIvInit, StreamCipher,
};
use aes::{Aes128, Aes256};
use md5::Md5;
use rc4::Rc4;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::collections::HashMap;

/// What a password is filled up with (Algorithm 2); all of the empty one.
const PAD: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];
/// Bytes of a block of AES.
const BLOCK: usize = 16;

/// How data is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Not at all.
    Identity,
    /// RC4 with a key for each object.
    Rc4,
    /// AES in CBC mode with a key of 128 bits for each object.
    Aes128,
    /// AES in CBC mode with the file's key of 256 bits.
    Aes256,
}

/// What decrypts a file's objects.
#[derive(Debug)]
pub(super) struct Crypt {
    key: Vec<u8>,
    strings: Method,
    streams: Method,
    /// The methods of the filters that a stream may name.
    filters: HashMap<Vec<u8>, Method>,
    /// Whether the file's metadata is encrypted, too.
    metadata: bool,
}

impl Crypt {
    /// From an encryption dictionary, in which nothing is a reference any more, and the first part
    /// of the file's id. Nothing where the file needs a password or another handler.
    pub(super) fn open(dict: &Dict, id: &[u8]) -> Option<Self> {
        let named = |key: &[u8]| dict.get(key).and_then(Object::name);
        let number = |key: &[u8]| dict.get(key).and_then(Object::number);
        if named(b"Filter") != Some(b"Standard") {
            return None;
        }
        let (version, revision) = (number(b"V")? as i64, number(b"R")? as i64);
        let metadata = dict.get(&b"EncryptMetadata"[..]) != Some(&Object::Word(b"false".to_vec()));
        let length = match version {
            1 => 5,
            2 => bytes_of_key(number(b"Length").unwrap_or(40.0)),
            4 => 16,
            5 => 32,
            _ => return None,
        };
        let (filters, strings, streams) = match version {
            4 | 5 => {
                let filters = filters(dict.get(&b"CF"[..]));
                let of = |key: &[u8]| method(&filters, named(key).unwrap_or(b"Identity"));
                let (strings, streams) = (of(b"StrF")?, of(b"StmF")?);
                (filters, strings, streams)
            }
            _ => (HashMap::new(), Method::Rc4, Method::Rc4),
        };
        let key = match revision {
            2..=4 => key_by_md5(dict, id, revision, length, metadata)?,
            5 | 6 => key_by_sha(dict, revision)?,
            _ => return None,
        };
        // The methods of shorter keys and that of the long one do not stand in one file.
        let is_long = key.len() == 32;
        let fits = |method| method == Method::Identity || (method == Method::Aes256) == is_long;
        let sound = fits(strings) && fits(streams) && filters.values().copied().all(fits);
        sound.then_some(Self { key, strings, streams, filters, metadata })
    }

    /// A stream's data; `filter` is the crypt filter that it names itself, if it names one.
    pub(super) fn stream(
        &self,
        dict: &Dict,
        filter: Option<&[u8]>,
        data: &[u8],
        object: (u32, u16),
    ) -> Vec<u8> {
        let kind = dict.get(&b"Type"[..]).and_then(Object::name);
        let method = match (filter, kind) {
            (_, Some(b"XRef")) => Method::Identity,
            (Some(name), _) => method(&self.filters, name).unwrap_or(Method::Identity),
            (None, Some(b"Metadata")) if !self.metadata => Method::Identity,
            _ => self.streams,
        };
        self.decrypted(method, data, object)
    }

    /// An object with its strings as they are meant.
    pub(super) fn strings(&self, object: Object, of: (u32, u16)) -> Object {
        match object {
            Object::Text(text) => Object::Text(self.decrypted(self.strings, &text, of)),
            Object::Array(items) => {
                Object::Array(items.into_iter().map(|item| self.strings(item, of)).collect())
            }
            Object::Dict(dict) => {
                let entries = dict.into_iter().map(|(key, value)| (key, self.strings(value, of)));
                Object::Dict(entries.collect())
            }
            other => other,
        }
    }

    fn decrypted(&self, method: Method, data: &[u8], (number, generation): (u32, u16)) -> Vec<u8> {
        // Algorithm 1.
        let own_key = |salt: &[u8]| -> Vec<u8> {
            let hash = Md5::new()
                .chain_update(&self.key)
                .chain_update(&number.to_le_bytes()[..3])
                .chain_update(generation.to_le_bytes())
                .chain_update(salt)
                .finalize();
            hash[..(self.key.len() + 5).min(BLOCK)].to_vec()
        };
        match method {
            Method::Identity => data.to_vec(),
            Method::Rc4 => rc4(&own_key(b""), data),
            Method::Aes128 => without_padding(data, &own_key(b"sAlT"), cbc_decrypted::<Aes128>),
            Method::Aes256 => without_padding(data, &self.key, cbc_decrypted::<Aes256>),
        }
    }
}

/// A key's length in bytes, which some writers give in bytes and not in bits.
fn bytes_of_key(length: f64) -> usize {
    let bits = if length < 40.0 { length * 8.0 } else { length };
    (bits as usize / 8).clamp(5, 16)
}

/// The methods of a file's crypt filters. One of another kind is left out: who asks for it is refused.
fn filters(dict: Option<&Object>) -> HashMap<Vec<u8>, Method> {
    let entries = dict.and_then(Object::dict).into_iter().flatten();
    let known = entries.filter_map(|(name, filter)| {
        let method = match filter.dict()?.get(&b"CFM"[..]).and_then(Object::name) {
            Some(b"V2") => Method::Rc4,
            Some(b"AESV2") => Method::Aes128,
            Some(b"AESV3") => Method::Aes256,
            _ => return None,
        };
        Some((name.clone(), method))
    });
    known.collect()
}

fn method(filters: &HashMap<Vec<u8>, Method>, name: &[u8]) -> Option<Method> {
    match name {
        b"Identity" => Some(Method::Identity),
        name => filters.get(name).copied(),
    }
}

fn bytes<'a>(dict: &'a Dict, key: &[u8], length: usize) -> Option<&'a [u8]> {
    match dict.get(key) {
        Some(Object::Text(text)) => text.get(..length),
        _ => None,
    }
}

/// The file's key of revisions 2 to 4 (Algorithm 2), if the empty password opens the file
/// (Algorithm 6).
fn key_by_md5(
    dict: &Dict,
    id: &[u8],
    revision: i64,
    length: usize,
    metadata: bool,
) -> Option<Vec<u8>> {
    let (owner, user) = (bytes(dict, b"O", 32)?, bytes(dict, b"U", 32)?);
    let permissions = dict.get(&b"P"[..]).and_then(Object::number)? as i64 as u32;
    let mut hash =
        Md5::new().chain_update(PAD).chain_update(owner).chain_update(permissions.to_le_bytes());
    hash.update(id);
    if revision >= 4 && !metadata {
        hash.update([0xff; 4]);
    }
    let mut key = hash.finalize().to_vec();
    key.truncate(length);
    if revision >= 3 {
        for _ in 0..50 {
            key = Md5::digest(&key).to_vec();
            key.truncate(length);
        }
    }
    let opens = match revision {
        2 => rc4(&key, &PAD) == user,
        _ => {
            let first = Md5::new().chain_update(PAD).chain_update(id).finalize();
            let turn = |data: Vec<u8>, turn: u8| {
                let key: Vec<u8> = key.iter().map(|byte| byte ^ turn).collect();
                rc4(&key, &data)
            };
            (0..20).fold(first.to_vec(), turn) == user[..16]
        }
    };
    opens.then_some(key)
}

/// The file's key of revisions 5 and 6 (Algorithm 2.A), if the empty password opens the file.
fn key_by_sha(dict: &Dict, revision: i64) -> Option<Vec<u8>> {
    let (user, packed) = (bytes(dict, b"U", 48)?, bytes(dict, b"UE", 32)?);
    let (hash, salts) = user.split_at(32);
    let (of_password, of_key) = salts.split_at(8);
    let hashed =
        |salt: &[u8]| if revision == 5 { Sha256::digest(salt).to_vec() } else { hash_of(salt) };
    if hashed(of_password) != hash {
        return None;
    }
    let mut key = packed.to_vec();
    cbc_decrypted::<Aes256>(&mut key, &hashed(of_key), &[0; BLOCK])?;
    Some(key)
}

/// The hash of the empty password with a salt in revision 6 (Algorithm 2.B).
fn hash_of(salt: &[u8]) -> Vec<u8> {
    let mut key = Sha256::digest(salt).to_vec();
    let mut round = 0;
    loop {
        let mut data = key.repeat(64);
        let Ok(mut cipher) = cbc::Encryptor::<Aes128>::new_from_slices(&key[..16], &key[16..32])
        else {
            return key;
        };
        for block in data.chunks_exact_mut(BLOCK) {
            cipher.encrypt_block_mut(GenericArray::from_mut_slice(block));
        }
        // The first 16 bytes as one number, modulo 3: 256 is 1 there.
        let kind = data[..BLOCK].iter().map(|byte| u32::from(*byte)).sum::<u32>() % 3;
        key = match kind {
            0 => Sha256::digest(&data).to_vec(),
            1 => Sha384::digest(&data).to_vec(),
            _ => Sha512::digest(&data).to_vec(),
        };
        round += 1;
        let last = data.last().copied().map_or(0, u32::from);
        if round >= 64 && last + 32 <= round {
            key.truncate(32);
            return key;
        }
    }
}

/// RC4 begins its key anew at its end: one of 256 bytes stands for one of any length.
fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let long: Vec<u8> = key.iter().copied().cycle().take(256).collect();
    let mut out = data.to_vec();
    if let Ok(mut cipher) = Rc4::<U256>::new_from_slice(&long) {
        cipher.apply_keystream(&mut out);
    }
    out
}

/// Decrypts whole blocks in place; nothing if the key has another length than the cipher's.
fn cbc_decrypted<C>(data: &mut [u8], key: &[u8], start: &[u8]) -> Option<()>
where
    C: BlockCipher + BlockDecryptMut + KeyInit,
{
    let mut cipher = cbc::Decryptor::<C>::new_from_slices(key, start).ok()?;
    for block in data.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block_mut(GenericArray::from_mut_slice(block));
    }
    Some(())
}

/// Decrypts what begins with a block to start from and is filled up to whole blocks. A last block
/// that is cut off is left out; filling that is none stays, as in other readers.
fn without_padding(
    data: &[u8],
    key: &[u8],
    decrypt: impl Fn(&mut [u8], &[u8], &[u8]) -> Option<()>,
) -> Vec<u8> {
    let Some((start, rest)) = data.split_at_checked(BLOCK) else { return Vec::new() };
    let mut out = rest[..rest.len() - rest.len() % BLOCK].to_vec();
    if decrypt(&mut out, key, start).is_none() {
        return Vec::new();
    }
    let filled = out.last().copied().map_or(0, usize::from);
    let is_filling = (1..=BLOCK).contains(&filled)
        && filled <= out.len()
        && out[out.len() - filled..].iter().all(|byte| usize::from(*byte) == filled);
    if is_filling {
        out.truncate(out.len() - filled);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6229 and the cipher's first publication.
    #[test]
    fn rc4_is_that_of_its_test_vectors() {
        assert_eq!(
            rc4(&[1, 2, 3, 4, 5], &[0; 8]),
            [0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27]
        );
        let long: Vec<u8> = (1..=16).collect();
        assert_eq!(rc4(&long, &[0; 8]), [0x9a, 0xc7, 0xcc, 0x9a, 0x60, 0x9d, 0x1e, 0xf7]);
        assert_eq!(rc4(b"Secret", b"Attack at dawn")[..4], [0x45, 0xa0, 0x1f, 0x64]);
    }

    #[test]
    fn what_is_cut_off_or_not_filled_is_read_as_far_as_it_goes() {
        let plain = |out: &mut [u8], _: &[u8], _: &[u8]| {
            out.reverse();
            Some(())
        };
        assert!(without_padding(&[0; 15], b"", plain).is_empty());
        assert!(without_padding(&[7; 16], b"", plain).is_empty());
        assert_eq!(without_padding(&[0; 40], b"", plain), [0; 16]);
        let filled = [[0; 16], [3, 3, 3, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]].concat();
        assert_eq!(without_padding(&filled, b"", plain), [9; 13]);
    }

    #[test]
    fn a_stream_may_name_its_own_filter() {
        let crypt = Crypt {
            key: vec![1; 16],
            strings: Method::Rc4,
            streams: Method::Rc4,
            filters: HashMap::from([(b"Own".to_vec(), Method::Rc4)]),
            metadata: false,
        };
        let stream = |kind: &str, filter: Option<&[u8]>| {
            let kind = Object::Name(kind.as_bytes().to_vec());
            let dict = Dict::from([(b"Type".to_vec(), kind)]);
            crypt.stream(&dict, filter, b"data", (1, 0)) == b"data"
        };
        for (kind, filter, in_the_clear) in [
            ("X", None, false),
            ("X", Some(&b"Identity"[..]), true),
            ("X", Some(b"Own"), false),
            ("XRef", None, true),
            ("Metadata", None, true),
            ("Metadata", Some(b"Own"), false),
        ] {
            assert_eq!(stream(kind, filter), in_the_clear, "{kind} {filter:?}");
        }
        assert!(
            !crypt
                .strings(Object::Array(vec![Object::Text(b"a".to_vec())]), (1, 0))
                .array()
                .is_some_and(|items| items[0] == Object::Text(b"a".to_vec()))
        );
    }
}
