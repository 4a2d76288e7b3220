#![allow(clippy::unwrap_used)]

use super::*;
use crate::family::Standardiser;
use flate2::Compression;
use flate2::write::GzEncoder;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};
use ttp_metrics::Bootstrap;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/golden/netml.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(list) => list.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

fn close(ours: &[f32], theirs: &Value, within: f64) {
    let theirs = numbers(theirs);
    assert_eq!(ours.len(), theirs.len());
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!((f64::from(*ours) - theirs).abs() < within, "{at}: {ours} {theirs}");
    }
}

/// The golden flows as lines.
fn lines() -> Vec<String> {
    golden()["flows"].as_array().unwrap().iter().map(Value::to_string).collect()
}

/// A folder with one file in it.
fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn golden_flows() -> NetmlFlows {
    let (_folder, path) = file("flows.json", lines().join("\n").as_bytes());
    NetmlFlows::read(&path, MissingColumns::Refused).unwrap()
}

/// What is said of flows in which the third line is `change`d.
fn said(change: impl Fn(&mut Value)) -> String {
    let mut lines = lines();
    let mut third: Value = serde_json::from_str(&lines[2]).unwrap();
    change(&mut third);
    lines[2] = third.to_string();
    said_of(&lines.join("\n"))
}

fn said_of(text: &str) -> String {
    let (_folder, path) = file("flows.json", text.as_bytes());
    let said = NetmlFlows::read(&path, MissingColumns::Refused).unwrap_err().to_string();
    assert!(!said.contains('\n'), "{said}");
    said.split_once("flows.json").unwrap().1.to_owned()
}

#[test]
fn flows_are_read_as_the_reference_reads_them() {
    let golden = golden();
    let flows = golden_flows();
    assert_eq!((flows.len(), flows.ids()[0]), (12, 1000));
    let counts: Vec<f32> = flows.counts(0).iter().map(|&count| f32::from(count)).collect();
    close(&counts, &golden["first_series"], 1e-9);
    let by = flows.standardiser().unwrap();
    let mut scaled = Vec::new();
    (0..flows.len()).for_each(|row| by.apply(flows.numbers(row), &mut scaled));
    close(&scaled, &golden["scaled"], 1e-5);
}

#[test]
fn gzip_and_plain_are_the_same() {
    let plain = golden_flows();
    // A blank line, and none at the end: neither is a flow.
    let text = lines().join("\n\n");
    let (_folder, path) = file("flows.json.gz", &gzip(&text));
    assert_eq!(NetmlFlows::read(&path, MissingColumns::Refused).unwrap(), plain);
}

/// Weights by the formula of `environment/golden/netml.py`.
fn by_formula(name: &str, shape: &[i64]) -> Tensor {
    let letters: u64 = name.bytes().map(u64::from).sum();
    let step = 0.1 + (letters % 97) as f64 / 50.0;
    let count: i64 = shape.iter().product();
    let values = (1..=count).map(|place| {
        let value = (step * place as f64).sin() * 0.3;
        if name.ends_with("running_var") { value.abs() + 0.5 } else { value }
    });
    Tensor::from_slice(&values.collect::<Vec<f64>>()).view(shape).to_kind(Kind::Float)
}

/// A checkpoint with such weights, each perhaps changed; what is `None` is left out.
fn checkpoint(change: impl Fn(&str, Tensor) -> Option<Tensor>) -> (tempfile::TempDir, PathBuf) {
    let golden = golden();
    let shapes = golden["shapes"].as_object().unwrap();
    let tensors: Vec<(String, Tensor)> = shapes
        .iter()
        .filter_map(|(name, shape)| {
            let shape: Vec<i64> = numbers(shape).into_iter().map(|n| n as i64).collect();
            let tensor = match name.ends_with("num_batches_tracked") {
                true => Tensor::zeros(&shape, (Kind::Int64, Device::Cpu)),
                false => by_formula(name, &shape),
            };
            Some((name.clone(), change(name, tensor)?))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("encoder.safetensors");
    Tensor::write_safetensors(&tensors, &path).unwrap();
    (folder, path)
}

fn outputs() -> Vec<String> {
    OUTPUTS.map(str::to_owned).to_vec()
}

#[test]
fn the_encoder_agrees_with_torch() {
    let (_folder, path) = checkpoint(|_, tensor| Some(tensor));
    let encoder = NetmlEncoder::published(&path, outputs()).unwrap();
    let flows = golden_flows();
    let by = flows.standardiser().unwrap();
    let encoded = encoder.encode(&flows, &by).unwrap();
    let golden = golden();
    close(&encoded.logits, &golden["logits"], 1e-4);
    close(&encoded.embeddings, &golden["embedding"], 1e-4);
    // As the lines come it is the same, and so are flows that stand there again.
    let (_folder, path) = file("flows.json", lines().join("\n").as_bytes());
    let opened = FlowLines::open(&path, MissingColumns::Refused).unwrap();
    let (ids, streamed) = encoder.encode_lines(opened, &by).unwrap();
    assert_eq!((ids.as_slice(), &streamed), (flows.ids(), &encoded));
    let twice = flows.some(&[3, 3, 0]);
    let again = encoder.encode(&twice, &by).unwrap();
    // Not bit for bit: on some processors a matrix product's last digits depend on the row's place.
    for (first, second) in again.logits[..21].iter().zip(&again.logits[21..42]) {
        assert!((first - second).abs() < 1e-6, "{first} {second}");
    }
    close(&again.logits[42..], &golden["logits"][0], 1e-4);
}

#[test]
fn the_focal_loss_agrees_with_its_definition() {
    let golden = golden();
    let focal = &golden["focal"];
    let logits = Tensor::from_slice(&numbers(&golden["logits"])).view([12, 21]);
    let logits = logits.set_requires_grad(true);
    let labels: Vec<i64> = numbers(&focal["labels"]).into_iter().map(|x| x as i64).collect();
    let labels = Tensor::from_slice(&labels);
    let loss = focal_loss(&logits, &labels, 2.0, None);
    assert!((loss.double_value(&[]) - focal["value"].as_f64().unwrap()).abs() < 1e-6);
    let weights = Tensor::from_slice(&numbers(&focal["class_weights"]));
    let weighted = focal_loss(&logits, &labels, 2.0, Some(&weights)).double_value(&[]);
    assert!((weighted - focal["weighted"].as_f64().unwrap()).abs() < 1e-6);
    let gradient = Tensor::run_backward(&[&loss], &[&logits], false, false);
    let gradient = Vec::<f64>::try_from(gradient[0].view([-1])).unwrap();
    for (ours, theirs) in gradient.iter().zip(numbers(&focal["gradient"])) {
        assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
    }
    // γ = 0 is the cross-entropy, and a certain row has a slope that is a number.
    let plain = focal_loss(&logits, &labels, 0.0, None).double_value(&[]);
    let entropy = logits
        .cross_entropy_loss(&labels, None::<&Tensor>, tch::Reduction::Mean, -100, 0.0)
        .double_value(&[]);
    assert!((plain - entropy).abs() < 1e-9);
    let sure = Tensor::from_slice(&[1000.0_f32, 0.0]).view([1, 2]).set_requires_grad(true);
    let loss = focal_loss(&sure, &Tensor::from_slice(&[0_i64]), 2.0, None);
    let slope = Tensor::run_backward(&[&loss], &[&sure], false, false);
    assert_eq!(slope[0].isfinite().all().int64_value(&[]), 1);
}

#[test]
fn a_line_that_is_no_flow_is_named() {
    let missing = said(|flow| _ = flow.as_object_mut().unwrap().remove("hdr_ccnt"));
    assert_eq!(missing, ", row 3, field \"hdr_ccnt\": missing");
    let long = said(|flow| flow["pld_ccnt"] = json!(vec![0; 17]));
    assert_eq!(long, ", row 3, field \"pld_ccnt\": 17 counts; 16 at most");
    let port = said(|flow| flow["dst_port"] = json!(70_000));
    assert_eq!(port, ", row 3, field \"dst_port\": 70000 is not from 0 to 65535");
    let below = said(|flow| flow["bytes_in"] = json!(-1));
    assert_eq!(below, ", row 3, field \"bytes_in\": -1 is not from 0 to 9007199254740992");
    let number = said(|flow| _ = flow.as_object_mut().unwrap().remove("time_length"));
    assert_eq!(number, ", row 3, field \"time_length\": missing");
    let id = said(|flow| _ = flow.as_object_mut().unwrap().remove("id"));
    assert_eq!(id, ", row 3, field \"id\": missing");
    let twice = said(|flow| flow["id"] = json!(1001));
    assert_eq!(twice, ", row 3, field \"id\": 1001 stands there twice");
    let text = said(|flow| flow["src_port"] = json!("80"));
    assert!(text.starts_with(", row 3, field \"src_port\": invalid type: string"), "{text}");
    let many = said(|flow| flow["pld_ccnt"] = json!([70_000]));
    assert!(many.starts_with(", row 3, field \"pld_ccnt\": invalid value"), "{many}");
    let half = said(|flow| flow["hdr_ccnt"] = json!([0.5]));
    assert!(half.starts_with(", row 3, field \"hdr_ccnt\": invalid type"), "{half}");

    let mut lines = lines();
    let field = "\"time_length\":";
    let at = lines[2].find(field).unwrap() + field.len();
    let end = at + lines[2][at..].find([',', '}']).unwrap();
    lines[2].replace_range(at..end, "NaN");
    let nan = said_of(&lines.join("\n"));
    assert!(nan.starts_with(", row 3, field \"time_length\": expected value"), "{nan}");
    lines[2] = "[1, 2]".to_owned();
    let list = said_of(&lines.join("\n"));
    assert!(list.starts_with(", row 3: invalid type: sequence"), "{list}");
    assert_eq!(said_of(""), ": no flow in it");
    assert_eq!(said_of(&" ".repeat(2 << 20)), ", row 1: longer than 1048576 bytes");
}

#[test]
fn a_series_may_be_taken_as_zeros_where_that_is_asked_for() {
    let mut lines = lines();
    let mut third: Value = serde_json::from_str(&lines[2]).unwrap();
    third.as_object_mut().unwrap().remove("intervals_ccnt");
    lines[2] = third.to_string();
    let (_folder, path) = file("flows.json", lines.join("\n").as_bytes());
    let flows = NetmlFlows::read(&path, MissingColumns::Zeros).unwrap();
    assert_eq!(flows.lacking(), 1);
    assert!(flows.counts(2).iter().step_by(8).all(|&count| count == 0));
    assert_eq!(flows.counts(1), golden_flows().counts(1));
}

#[test]
fn a_gzip_that_is_cut_off_is_named_with_its_line() {
    let text = lines().join("\n");
    let whole = gzip(&text);
    for (name, read) in [
        (
            "flows",
            (|path: &Path| NetmlFlows::read(path, MissingColumns::Refused).err()) as fn(&Path) -> _,
        ),
        ("labels", |path: &Path| Annotations::read(path).err()),
    ] {
        for cut in [whole.len() - 1, whole.len() / 2, 12] {
            let (_folder, path) = file(name, &whole[..cut]);
            let said = read(&path).unwrap().to_string();
            assert!(said.contains(", row ") && said.contains("cut off or damaged"), "{said}");
            assert!(!said.contains('\n'));
        }
    }
    // A byte that is another.
    let mut other = whole.clone();
    let last = other.len() - 6;
    other[last] ^= 1;
    let (_folder, path) = file("flows", &other);
    assert!(NetmlFlows::read(&path, MissingColumns::Refused).is_err());
}

#[test]
fn labels_are_found_by_id() {
    let text = "{\n \"1001\": \"b\",\n \"1000\": \"a\",\n \"7\": \"b\"\n}";
    let (_folder, path) = file("labels.json.gz", &gzip(text));
    let labels = Annotations::read(&path).unwrap();
    assert_eq!(labels.classes(), ["a", "b"]);
    assert_eq!((labels.counts(), labels.len()), (vec![1, 2], 3));
    let flows = golden_flows();
    let two = flows.some(&[0, 1]);
    assert_eq!(labels.classes_of(&two).unwrap(), [0, 1]);
    let other = ["b", "c", "a"].map(str::to_owned);
    assert_eq!(labels.classes_within(&two, &other).unwrap(), [2, 0]);
    let said = |error: ttp_base::Error| {
        let said = error.to_string();
        said.split_once("labels.json.gz").unwrap().1.to_owned()
    };
    assert_eq!(said(labels.classes_of(&flows).unwrap_err()), ": no label of flow 1002");
    let unknown = labels.classes_within(&two, &["a".to_owned()]).unwrap_err();
    assert_eq!(said(unknown), ", field \"1001\": \"b\", which is not among the 1 classes");
    let wrong = |text: &str| {
        let (_folder, path) = file("labels.json.gz", text.as_bytes());
        said(Annotations::read(&path).unwrap_err())
    };
    let twice = wrong("{\n\"1\": \"a\",\n\"1\": \"b\"\n}");
    assert_eq!(twice, ", row 3: id 1 stands there twice");
    assert_eq!(wrong("{\"x\": \"a\"}"), ", row 1: \"x\" is no flow's id");
    assert_eq!(wrong("{\"1\": \"\"}"), ", row 1: id 1 has an empty label");
    assert_eq!(wrong("{}"), ": no label in it");
    assert!(wrong("{\"1\": 2}").starts_with(", row 1: invalid type"));
    assert!(wrong("[]").starts_with(", row 1: invalid type"));
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let said = |change: &dyn Fn(&str, Tensor) -> Option<Tensor>| {
        let (_folder, path) = checkpoint(change);
        NetmlEncoder::published(&path, outputs()).err().unwrap().to_string()
    };
    let shape = said(&|name, tensor| {
        Some(if name == "lstm.weight_hh_l1" {
            tensor.narrow(1, 0, 64).contiguous()
        } else {
            tensor
        })
    });
    assert!(shape.contains("lstm.weight_hh_l1 is [512, 64] and should be [512, 128]"), "{shape}");
    let missing = said(&|name, tensor| (name != "projection.8.bias").then_some(tensor));
    assert!(missing.contains("projection.8.bias is missing"), "{missing}");
    let nan = said(&|name, tensor| {
        Some(if name == "classifier.bias" { tensor * f64::NAN } else { tensor })
    });
    assert!(nan.contains("classifier.bias holds NaN"), "{nan}");
    let (_folder, path) = checkpoint(|_, tensor| Some(tensor));
    let fewer = outputs()[..20].to_vec();
    let fewer = NetmlEncoder::published(&path, fewer).err().unwrap().to_string();
    assert!(fewer.contains("classifier.weight is [21, 64] and should be [20, 64]"), "{fewer}");
    // A pickle that would run something.
    let pickles: Value =
        serde_json::from_str(include_str!("../../../../../tests/golden/pickles.json")).unwrap();
    let hex = pickles["files"]["malicious"]["hex"].as_str().unwrap();
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let (_folder, path) = file("encoder_best.pth", &bytes);
    let code = NetmlEncoder::published(&path, outputs()).err().unwrap().to_string();
    assert!(code.contains("would run") && code.contains("refused"), "{code}");
}

/// Whatever is done to a file's bytes, it is read or refused in one line.
#[test]
fn no_change_of_bytes_makes_the_reader_panic() {
    let text = lines()[..3].join("\n");
    let labels = "{\"1000\": \"a\", \"1001\": \"b\"}";
    let mut random = ChaCha8Rng::seed_from_u64(23);
    let (_folder, path) = file("flows", b"");
    let mut read = 0;
    for round in 0..3_000 {
        let of_labels = round % 5 == 0;
        let source = if of_labels { labels } else { text.as_str() };
        let packed = round % 3 == 0;
        let mut bytes = if packed { gzip(source) } else { source.as_bytes().to_vec() };
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..5) {
                0 => bytes[at] = random.random(),
                1 => bytes.truncate(at.max(1)),
                2 => _ = bytes.remove(at),
                3 => bytes.insert(at, b"0123456789-+.eE[]{}\",:\nN"[random.random_range(0..24)]),
                _ => {
                    let end = random.random_range(at..bytes.len().min(at + 40).max(at + 1));
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let error = if of_labels {
            Annotations::read(&path).err()
        } else {
            let lacking =
                if round % 2 == 0 { MissingColumns::Refused } else { MissingColumns::Zeros };
            NetmlFlows::read(&path, lacking).err()
        };
        match error {
            Some(error) => assert!(!error.to_string().contains('\n')),
            None => read += 1,
        }
    }
    // Both happen, or the changes are too many or too few.
    assert!((50..2_900).contains(&read), "{read}");
}

/// Made-up flows of two families that differ in counts, or in numbers.
fn two_families(rows: usize, by_counts: bool, seed: u64) -> (NetmlFlows, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut flows = NetmlFlows::default();
    let mut labels = Vec::new();
    for id in 0..rows {
        let label = id % 2;
        let mut counts = [0_u16; COUNTS];
        let mut numbers = [0.0; NUMBERS.len()];
        numbers.iter_mut().for_each(|number| *number = random.random_range(0.0..1.0));
        counts[0] = random.random_range(0..3);
        match by_counts {
            true => (0..STEPS).for_each(|step| counts[8 * step + label] = 5),
            false => numbers[3] += 3.0 * label as f64,
        }
        flows.push(id as u64, &counts, &numbers, false);
        labels.push(label);
    }
    (flows, labels)
}

#[test]
fn it_learns_what_its_parts_can_tell() {
    for (parts, by_counts, learns) in [
        (Parts::Both, true, true),
        (Parts::Numbers, false, true),
        (Parts::Numbers, true, false),
        (Parts::Counts, true, true),
    ] {
        let (flows, labels) = two_families(300, by_counts, 1);
        let (others, their_labels) = two_families(200, by_counts, 2);
        let names = vec!["a".to_owned(), "b".to_owned()];
        let encoder = NetmlEncoder::new(names, parts, Device::Cpu, 3).unwrap();
        let by: Standardiser = flows.standardiser().unwrap();
        let params = NetmlParams { epochs: 5, batch_size: 32, ..NetmlParams::default() };
        let training = LabelledFlows { flows: &flows, labels: &labels };
        let validation = LabelledFlows { flows: &others, labels: &their_labels };
        let mut told = 0;
        let history = NetmlTraining { params: &params, seed: 4 }
            .run(&encoder, &by, training, validation, &mut |_| told += 1)
            .unwrap();
        assert_eq!(told, history.epochs.len());
        assert!((1..=told).contains(&history.best_epoch));
        let said = encoder.encode(&others, &by).unwrap().best();
        let right = said.iter().zip(&their_labels).filter(|(a, b)| a == b).count();
        assert_eq!(right > 190, learns, "{parts:?} by counts {by_counts}: {right} of 200");
        assert!(learns || right < 150);
        let most = history.epochs.iter().map(|e| e.validation_accuracy).fold(0.0, f64::max);
        assert_eq!(history.epochs[history.best_epoch - 1].validation_accuracy, most);
    }
}

#[test]
fn the_rate_is_halved_and_training_ends_when_validation_stands_still() {
    // Labels without any rule.
    let (flows, _) = two_families(64, true, 1);
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let labels: Vec<usize> = (0..64).map(|_| random.random_range(0..2)).collect();
    let (others, _) = two_families(64, true, 2);
    let their_labels: Vec<usize> = (0..64).map(|_| random.random_range(0..2)).collect();
    let names = vec!["a".to_owned(), "b".to_owned()];
    let encoder = NetmlEncoder::new(names, Parts::Both, Device::Cpu, 3).unwrap();
    let params = NetmlParams { epochs: 40, batch_size: 32, ..NetmlParams::default() };
    let history = NetmlTraining { params: &params, seed: 4 }
        .run(
            &encoder,
            &flows.standardiser().unwrap(),
            LabelledFlows { flows: &flows, labels: &labels },
            LabelledFlows { flows: &others, labels: &their_labels },
            &mut |_| (),
        )
        .unwrap();
    let rates = &history.learning_rates;
    assert_eq!(history.epochs.len(), history.best_epoch + params.stop_after);
    assert_eq!(rates[rates.len() - 1], rates[history.best_epoch - 1] / 8.0, "{rates:?}");
}

#[test]
fn a_forest_tells_families_apart() {
    let (flows, labels) = two_families(300, true, 1);
    let (others, their_labels) = two_families(100, true, 2);
    let settings = ForestSettings { trees: 5, features: 3 };
    let forest = FlowForest::fit(&flows, &labels, 2, &settings, 1).unwrap();
    assert_eq!(forest.predict(&others).unwrap(), their_labels);
    let again = FlowForest::fit(&flows, &labels, 2, &settings, 1).unwrap();
    assert_eq!(again.predict(&others).unwrap(), forest.predict(&others).unwrap());
    let wrong = FlowForest::fit(&flows, &labels[..9], 2, &settings, 1).err().unwrap();
    assert_eq!(wrong.to_string(), "setting labels: 9 of 300 flows");
    let wrong = FlowForest::fit(&flows, &labels, 1, &settings, 1).err().unwrap();
    assert_eq!(wrong.to_string(), "setting labels: class 1, of 1 classes");
}

/// Files as the organisers have them, made up: two families, told apart by counts.
pub(super) fn made_up_files(folder: &Path, with_training_set: bool) -> NetmlFiles {
    let mut text = [String::new(), String::new()];
    let mut labels = [serde_json::Map::new(), serde_json::Map::new()];
    let mut flow: Value = serde_json::from_str(&lines()[0]).unwrap();
    for id in 0..600_u64 {
        let set = usize::from(id >= 300);
        let family = ["Adload", "benign"][(id % 2) as usize];
        flow["id"] = json!(id);
        flow["pld_ccnt"] = json!([id % 2 * 9, id % 7]);
        text[set] += &format!("{flow}\n");
        labels[set].insert(id.to_string(), json!(family));
    }
    let write = |name: &str, bytes: Vec<u8>| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    let [first, second] = labels.map(|labels| Value::Object(labels).to_string());
    write("netml-2020/1_test-std_set.json.gz", gzip(&text[0]));
    write("netml-2020/0_test-challenge_set.json.gz", gzip(&text[1]));
    write("netml-2020/2_training_anno_fine.json.gz", gzip(&first));
    write("netml-2020/random_forest_std.json", first.into_bytes());
    write("netml-2020/random_forest_challenge.json", second.into_bytes());
    for name in ["encoder_best.pth", "f1_scores_latest.json", "TRAINING_METRICS_REPORT.md"] {
        write(&format!("ids-netml/{name}"), Vec::new());
    }
    if with_training_set {
        write("netml-2020/2_training_set.json.gz", gzip(&text[0]));
    }
    NetmlFiles::find(|name| folder.join(name)).unwrap()
}

#[test]
fn the_experiment_says_by_whose_labels_it_judges() {
    let settings = NetmlSettings {
        flows: Some(150),
        seeds: 2,
        training: NetmlParams { epochs: 3, batch_size: 32, ..NetmlParams::default() },
        forest: ForestSettings { trees: 3, features: 3 },
        ..NetmlSettings::default()
    };
    let bootstrap = Bootstrap { resamples: 100, level: 0.95, seed: 1 };
    for (with, against) in [(false, LabelSource::Forest), (true, LabelSource::Annotations)] {
        let folder = tempfile::tempdir().unwrap();
        let files = made_up_files(folder.path(), with);
        let study = NetmlStudy::open(&files, &settings, 1).unwrap();
        assert_eq!(study.against, against);
        assert_eq!(study.classes, ["Adload", "benign"]);
        let test = if with { 60 } else { 300 };
        assert_eq!((study.sizes()[0], study.sizes()[2]), (150, test));
        for trial in [Trial::CrossEntropy, Trial::RandomForest] {
            let tried = study.run(trial, &settings, (7, bootstrap), &mut |_, _| ()).unwrap();
            assert_eq!((tried.against, tried.runs.len()), (against, 2));
            assert_eq!(tried.per_class.len(), 2);
            let mean = (tried.runs[0].macro_f1 + tried.runs[1].macro_f1) / 2.0;
            assert!((tried.macro_f1.value - mean).abs() < 1e-12);
            assert!(tried.macro_f1.low <= mean && mean <= tried.macro_f1.high);
            assert!(trial != Trial::RandomForest || mean > 0.99, "{mean}");
            assert!(tried.to_string().contains(" ["), "{tried}");
        }
        // One training says nothing of how far another one would be from it.
        let once = NetmlSettings { seeds: 1, ..settings.clone() };
        let one = study.run(Trial::RandomForest, &once, (7, bootstrap), &mut |_, _| ()).unwrap();
        assert!(one.to_string().ends_with(" (one seed)"), "{one}");
        assert!(!TrialOutcome::table(&[one]).unwrap().to_text().contains('['));
    }
}

#[test]
fn nothing_is_found_where_a_file_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let files = made_up_files(folder.path(), false);
    assert_eq!(files.training, None);
    std::fs::remove_file(&files.forest_challenge).unwrap();
    assert_eq!(NetmlFiles::find(|name| folder.path().join(name)), None);
}

#[test]
fn settings_without_sense_are_named() {
    let said = |settings: NetmlSettings| settings.check().unwrap_err().to_string();
    let base = NetmlSettings::default;
    base().check().unwrap();
    assert!(said(NetmlSettings { flows: Some(3), ..base() }).contains("families.flows"));
    assert!(said(NetmlSettings { seeds: 0, ..base() }).contains("families.seeds"));
    let training = NetmlParams { gamma: f64::NAN, ..NetmlParams::default() };
    assert!(said(NetmlSettings { training, ..base() }).contains("families.training.gamma"));
    let training = NetmlParams { batch_size: 1, ..NetmlParams::default() };
    assert!(said(NetmlSettings { training, ..base() }).contains("batch_size"));
    let forest = ForestSettings { trees: 0, ..ForestSettings::default() };
    assert!(said(NetmlSettings { forest, ..base() }).contains("families.forest.trees"));
}
