use super::*;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A file of the golden ones, and what torch reads from it.
fn golden(name: &str) -> (Vec<u8>, Value) {
    let files: Value =
        serde_json::from_str(include_str!("../../../../../tests/golden/pickles.json")).unwrap();
    let file = &files["files"][name];
    let hex = file["hex"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    ((0..hex.len()).step_by(2).map(byte).collect(), file["tensors"].clone())
}

/// Everything in a file, as the golden ones have it; nothing but weights is asked for.
fn read(path: &Path, bytes: &[u8]) -> Result<Value> {
    std::fs::write(path, bytes).unwrap();
    let mut file = TorchFile::open(path)?;
    let mut tensors = serde_json::Map::new();
    for (name, description) in file.tensors().clone() {
        let bytes = description.bytes().filter(|&bytes| bytes < 1 << 20);
        if bytes.is_none() || description.element.kind.is_none() {
            tensors.insert(name, Value::Null);
            continue;
        }
        let values = file.read(&name)?.to_kind(Kind::Double).view(-1);
        let numbers = Vec::<f64>::try_from(values).unwrap();
        tensors.insert(name, json!({ "shape": description.shape, "numbers": numbers }));
    }
    Ok(Value::Object(tensors))
}

fn said(name: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    let error = read(&path, &golden(name).0).unwrap_err().to_string();
    let (_, reason) = error.split_once("not a file of weights by torch: ").unwrap();
    assert!(!reason.contains('\n'));
    reason.to_owned()
}

#[test]
fn every_format_is_read_as_torch_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    for name in [
        "zip",
        "legacy",
        "zip_protocol_4",
        "legacy_protocol_4",
        "half",
        "bfloat16",
        "double",
        "tied",
        "legacy_tied",
        "transposed",
        "legacy_transposed",
        "parameters",
        "module",
        "scalar_and_empty",
        "deflated",
    ] {
        let (bytes, expected) = golden(name);
        assert!(expected.is_object(), "{name}");
        assert_eq!(read(&path, &bytes).unwrap(), expected, "{name}");
    }
}

#[test]
fn nothing_is_run_and_what_would_be_is_named() {
    let (zip, legacy) = (said("malicious"), said("legacy_malicious"));
    assert!(zip.ends_with("of its pickle: would run posix.system: refused"), "{zip}");
    assert!(legacy.ends_with("of its pickle: would run posix.system: refused"), "{legacy}");
    assert_eq!(said("no_tensor"), "\"epoch\" is no tensor");
    assert_eq!(said("list"), "not a dictionary of tensors by name");
}

#[test]
fn whole_numbers_are_described_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    assert_eq!(read(&path, &golden("integers").0).unwrap(), json!({ "a": null }));
    let error = TorchFile::open(&path).unwrap().read("a").unwrap_err().to_string();
    assert!(error.ends_with("a: holds no weights"), "{error}");
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    for name in ["zip", "legacy", "transposed", "legacy_tied"] {
        let (bytes, _) = golden(name);
        for length in 0..bytes.len() {
            assert!(read(&path, &bytes[..length]).is_err(), "{name} at {length}");
        }
    }
}

#[test]
fn no_change_of_bytes_is_more_than_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    for name in ["zip", "legacy", "zip_protocol_4", "legacy_protocol_4", "tied", "deflated"] {
        let (whole, _) = golden(name);
        for _ in 0..500 {
            let mut bytes = whole.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
            // Either is right; a panic is not.
            drop(read(&path, &bytes));
        }
    }
}

/// A pickle by hand: instructions and the reason they give.
fn pickle(instructions: &[u8]) -> String {
    Pickle::read(instructions).map(|_| ()).unwrap_err()
}

#[test]
fn pickles_that_are_none_are_named() {
    for (instructions, reason) in [
        (&b"\x80\x02cos\nsystem\n."[..], "would run os.system: refused"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "would run os.system: refused"),
        (
            b"ctorch.storage\n_load_from_bytes\n.",
            "would run torch.storage._load_from_bytes: refused",
        ),
        (b"ctorch\nload\n.", "would run torch.load: refused"),
        (b"\x80\x05.", "protocol 5; 2 to 4 are read"),
        (b"ccollections\nOrderedDict\nK\x01\x85R.", "a call that is not known: refused"),
        (b")K\x01R.", "no tuple where one is needed"),
        (b"i", "instruction 0x69 is not read"),
        (b"h\x07.", "no value 7"),
        (b"t.", "takes values down to a mark that is not there"),
        (b"N(\x85.", "takes a value where there is none"),
        (b"X\xff\xff\xff\x7fabc.", "cut off"),
    ] {
        let said = pickle(instructions);
        assert!(said.ends_with(reason), "{said} and {reason}");
    }
    // Nested a million deep: read, and dropped, without recursion.
    let mut deep = vec![b')'];
    deep.extend([0x85].repeat(1_000_000));
    deep.push(b'.');
    assert_eq!(
        Pickle::read(&deep).unwrap().tensors().unwrap_err(),
        "not a dictionary of tensors by name"
    );
}
