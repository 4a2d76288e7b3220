//! Repositories of several kinds on a hub on loopback: weights in several files, sentence
//! encoders, data sets, weights of other programs.

use crate::common::hub_server::{Fault, Model, RepoFile};
use crate::common::skip;
use crate::hub::{COMMIT, World, lines, names};
use serde_json::{Value, json};
use std::path::Path;
use ttp_lib::pretrained::hub::{DatasetFile, Hub, HubSettings};
use ttp_lib::{Error, Result};

const INDEX: &str = "model.safetensors.index.json";

fn repository(id: &'static str, files: &[(&'static str, &str)]) -> Model {
    let file = |(name, content): &(&'static str, &str)| RepoFile {
        name,
        content: content.as_bytes().to_vec(),
        large: !name.ends_with(".json") && !name.ends_with(".txt"),
    };
    Model {
        id,
        revisions: vec![("main", COMMIT)],
        files: files.iter().map(file).collect(),
        token: None,
        gated: false,
    }
}

fn index(of: &[(&str, &str)]) -> String {
    let map: serde_json::Map<String, Value> =
        of.iter().map(|(tensor, file)| ((*tensor).to_owned(), json!(file))).collect();
    json!({ "metadata": { "total_size": 2 }, "weight_map": map }).to_string()
}

fn content(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

// https://github.com/guillaume-be/rust-bert/issues/475
#[test]
fn weights_in_several_files_come_with_all_of_them() {
    let map = index(&[("a", "part-1.safetensors"), ("b", "part-2.safetensors")]);
    let small = [("config.json", "{}"), ("tokenizer.json", "[]"), (INDEX, map.as_str())];
    let whole = [&small[..], &[("part-1.safetensors", "1"), ("part-2.safetensors", "2")]].concat();
    let cut = [&small[..], &[("part-1.safetensors", "1")]].concat();
    let bad = index(&[("a", "../part")]);
    let bad = [("config.json", "{}"), ("tokenizer.json", "[]"), (INDEX, bad.as_str())];
    let pickled = index(&[("a", "p-1.bin")]);
    let pickled = [
        ("config.json", "{}"),
        ("vocab.txt", "a"),
        ("pytorch_model.bin.index.json", pickled.as_str()),
        ("p-1.bin", "p"),
    ];
    let world = World::with(vec![
        repository("org/sharded", &whole),
        repository("org/cut", &cut),
        repository("org/bad", &bad),
        repository("org/pickled", &pickled),
    ]);
    let fetched = world.fetch("org/sharded", "main").unwrap();
    let expected =
        ["config.json", "tokenizer.json", INDEX, "part-1.safetensors", "part-2.safetensors"];
    assert_eq!(fetched.files, expected);
    assert_eq!(content(&fetched.folder, "part-2.safetensors"), "2");
    assert_eq!(world.offline("org/sharded", "main").unwrap(), fetched);
    world.server.take_requests();
    assert_eq!(world.fetch("org/sharded", COMMIT).unwrap(), fetched);
    assert_eq!(lines(&world.server.take_requests()), [""; 0], "a known commit costs nothing");

    std::fs::remove_file(fetched.folder.join("part-2.safetensors")).unwrap();
    let said = world.said(world.offline("org/sharded", "main"));
    let expected = "org/sharded@main: part-2.safetensors (the weights are in several files) is \
                    not in the cache";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(world.fetch("org/sharded", COMMIT).unwrap(), fetched);

    assert_eq!(
        world.said(world.fetch("org/cut", "main")),
        "org/cut@main: the repository has no part-2.safetensors (the weights are in several files)"
    );
    assert_eq!(
        world.said(world.fetch("org/bad", "main")),
        format!("org/bad@main, {INDEX}: \"../part\" is no name of a file beside it")
    );
    let fetched = world.fetch("org/pickled", "main").unwrap();
    assert_eq!(fetched.files.last().unwrap(), "p-1.bin");
}

#[test]
fn what_there_is_in_place_of_weights_is_named() {
    let small = [("config.json", "{}"), ("tokenizer.json", "[]")];
    let with = |id, file| repository(id, &[&small[..], &[(file, "x")]].concat());
    let world = World::with(vec![
        with("org/tf", "tf_model.h5"),
        with("org/flax", "flax_model.msgpack"),
        with("org/onnx", "onnx/model.onnx"),
        repository("org/gguf", &[("model.Q4_K_M.gguf", "x")]),
        repository(
            "org/adapter",
            &[("adapter_config.json", "{}"), ("adapter_model.safetensors", "x")],
        ),
    ]);
    for (id, there) in [
        ("org/tf", "tf_model.h5 (TensorFlow)"),
        ("org/flax", "flax_model.msgpack (Flax)"),
        ("org/onnx", "onnx/model.onnx (ONNX)"),
        ("org/gguf", "model.Q4_K_M.gguf (llama.cpp)"),
        ("org/adapter", "adapter_model.safetensors (an adapter to another model)"),
    ] {
        let expected = format!(
            "{id}@main: the repository has no weights (model.safetensors or pytorch_model.bin); \
             there is {there}"
        );
        assert_eq!(world.said(world.fetch(id, "main")), expected);
    }
    assert_eq!(names(world.cache.path()), [""; 0], "nothing is left behind");
}

#[test]
fn a_sentence_encoder_comes_with_its_modules() {
    let modules = json!([
        { "idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer" },
        { "idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling" },
        { "idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense" },
        { "idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize" }
    ])
    .to_string();
    let world = World::with(vec![repository(
        "org/encoder",
        &[
            ("modules.json", &modules),
            ("config_sentence_transformers.json", "{}"),
            ("sentence_bert_config.json", r#"{"max_seq_length": 128}"#),
            ("config.json", "{}"),
            ("tokenizer.json", "[]"),
            ("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true}"#),
            ("2_Dense/config.json", "{}"),
            ("2_Dense/model.safetensors", "dense"),
            ("2_Dense/pytorch_model.bin", "not wanted"),
            ("model.safetensors", "weights"),
            ("README.md", "not wanted"),
        ],
    )]);
    let fetched = world.fetch("org/encoder", COMMIT).unwrap();
    let expected = [
        "modules.json",
        "config_sentence_transformers.json",
        "sentence_bert_config.json",
        "config.json",
        "tokenizer.json",
        "1_Pooling/config.json",
        "2_Dense/config.json",
        "2_Dense/model.safetensors",
        "model.safetensors",
    ];
    assert_eq!(fetched.files, expected);
    assert_eq!(content(&fetched.folder, "2_Dense/model.safetensors"), "dense");
    assert!(content(&fetched.folder, "1_Pooling/config.json").contains("cls_token"));
    world.server.take_requests();
    assert_eq!(world.fetch("org/encoder", COMMIT).unwrap(), fetched);
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);
    assert_eq!(world.offline("org/encoder", COMMIT).unwrap(), fetched);
    // Of an earlier fetch, when modules were not fetched: one request tells of them.
    std::fs::remove_file(fetched.folder.join("modules.json")).unwrap();
    assert_eq!(world.fetch("org/encoder", COMMIT).unwrap(), fetched);
}

// https://huggingface.co/datasets: what a file of a data set is called there.
fn dataset(
    world: &World,
    change: impl FnOnce(&mut HubSettings),
    file: &str,
) -> Result<DatasetFile> {
    let mut settings = world.settings();
    change(&mut settings);
    Hub::new(settings).dataset_file("org/rows", "main", file, &mut |_| {})
}

fn rows() -> World {
    let mut rows = repository(
        "datasets/org/rows",
        &[(".gitattributes", ""), ("train.csv", "sentence,label\n"), ("data/a b.csv", "x\n")],
    );
    rows.token = Some("hf_right");
    World::with(vec![rows])
}

fn with_token(settings: &mut HubSettings) {
    settings.token = ttp_lib::pretrained::hub::Token::new("hf_right").unwrap();
}

#[test]
fn a_data_sets_file_is_fetched_as_checkpoints_are() {
    let world = rows();
    let file = dataset(&world, with_token, "train.csv").unwrap();
    let folder = world.cache.path().join("datasets--org--rows/snapshots").join(COMMIT);
    assert_eq!(file.path, folder.join("train.csv"));
    assert_eq!((file.commit.as_str(), file.unchecked), (COMMIT, false));
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), "sentence,label\n");
    let requests = lines(&world.server.take_requests());
    assert_eq!(requests[0], "GET /api/datasets/org/rows/revision/main");
    assert_eq!(requests[1], format!("HEAD /datasets/org/rows/resolve/{COMMIT}/train.csv"));

    let nested = dataset(&world, with_token, "data/a b.csv").unwrap();
    assert_eq!(std::fs::read_to_string(nested.path).unwrap(), "x\n");
    world.server.take_requests();
    let offline = |settings: &mut HubSettings| settings.offline = true;
    assert_eq!(dataset(&world, offline, "train.csv").unwrap(), file);
    let pinned = Hub::new(world.settings());
    let pinned = pinned.dataset_file("org/rows", COMMIT, "train.csv", &mut |_| {}).unwrap();
    assert_eq!(pinned, file);
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);
}

#[test]
fn what_a_data_set_does_not_have_is_named() {
    let world = rows();
    let said = |result: Result<DatasetFile>| result.unwrap_err().to_string();
    assert_eq!(
        said(dataset(&world, with_token, "test.csv")),
        "org/rows@main, test.csv: the data set has no such file; it has: train.csv, data/a b.csv"
    );
    let private = "org/rows@main: private, gated or not there (401): check the name, or set \
                   HF_TOKEN to a token that may read it";
    assert_eq!(said(dataset(&world, |_| {}, "train.csv")), private);
    for file in ["../train.csv", "/etc/passwd", "", "a\\b"] {
        let said = said(dataset(&world, with_token, file));
        assert!(said.ends_with(": this is no file's path in a repository"), "{said}");
    }
    let said = said(dataset(&world, |settings| settings.offline = true, "train.csv"));
    assert!(said.contains("it is not in the cache"), "{said}");
    world.server.plan("GET /api", 1, Fault::NotFound);
    let error = dataset(&world, with_token, "train.csv").unwrap_err();
    assert!(matches!(error, Error::HubRevision { .. }), "{error}");
}

#[test]
fn python_finds_modules_parts_and_rows_where_they_were_fetched() {
    let Ok(program) = std::env::var("TTP_HUB_PYTHON") else {
        let why = "folders of the hub's cache beside Python's: TTP_HUB_PYTHON names no Python with \
                   huggingface_hub (0.26.5)";
        return skip(why);
    };
    let modules = r#"[{"idx": 0, "path": ""}, {"idx": 1, "path": "1_Pooling"}]"#;
    let map = index(&[("a", "part-1.safetensors")]);
    let world = World::with(vec![
        repository(
            "org/both",
            &[
                ("modules.json", modules),
                ("config.json", "{}"),
                ("vocab.txt", "a"),
                ("1_Pooling/config.json", "{}"),
                (INDEX, &map),
                ("part-1.safetensors", "1"),
            ],
        ),
        repository("datasets/org/rows", &[("data/train.csv", "sentence,label\n")]),
    ]);
    let ours = world.fetch("org/both", "main").unwrap();
    let file = Hub::new(world.settings())
        .dataset_file("org/rows", "main", "data/train.csv", &mut |_| {})
        .unwrap();
    let script = "import huggingface_hub as hub; \
                  print(hub.snapshot_download('org/both', revision='main')); \
                  print(hub.hf_hub_download('org/rows', 'data/train.csv', repo_type='dataset'))";
    let ask = |offline: &str| {
        let output = std::process::Command::new(&program)
            .args(["-c", script])
            .env("HF_ENDPOINT", &world.server.endpoint)
            .env("HF_HUB_CACHE", world.cache.path())
            .env("HF_HUB_OFFLINE", offline)
            .env("HF_HUB_DISABLE_PROGRESS_BARS", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = format!("{}\n{}\n", ours.folder.display(), file.path.display());
    assert_eq!(ask("1"), expected);
    // What Python fetched is found here, links from folders too.
    std::fs::remove_dir_all(world.cache.path().join("models--org--both")).unwrap();
    std::fs::remove_dir_all(world.cache.path().join("datasets--org--rows")).unwrap();
    assert_eq!(ask("0"), expected);
    assert_eq!(world.offline("org/both", "main").unwrap(), ours);
    assert_eq!(ours.unchecked, [""; 0]);
}
