//! The command line from outside: what it says, how it ends, what it leaves.

use crate::common::hub_server::{HubServer, Model, RepoFile};
use crate::common::own_project::{card_says, small_profile, ttp};
use crate::common::report::MadeUp;
use crate::common::skip;
use crate::common::tiny::Tiny;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use ttp_lib::pretrained::{CATALOGUE, Start};
use ttp_lib::similarity::reported::REPORT_FILES;

/// A project folder of its own, with one profile.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(project.at("notebooks/profiles")).unwrap();
        project.write("notebooks/profiles/laptop.json", &small_profile().to_string());
        project
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.at(name), content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        ttp(self.0.path(), arguments)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The one line on standard error of a command that must fail, without the folder's name.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        assert!(!self.at("data").exists(), "{arguments:?} left something");
        let folder = self.0.path().canonicalize().unwrap();
        said.trim_end().replace(&format!("{}/", folder.display()), "")
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the hub has of a small checkpoint.
fn small_checkpoint() -> Vec<RepoFile> {
    let small = Tiny::folder();
    let file = |name| {
        let content = std::fs::read(small.path().join(name)).unwrap();
        RepoFile { name, content, large: name == "model.safetensors" }
    };
    ["config.json", "model.safetensors", "tokenizer.json"].map(file).into()
}

fn small_csv(project: &Project) {
    let mut csv = String::from("sentence,technique\n");
    for row in 0..30 {
        let technique = ["T1059.001", "T1105"][row % 2];
        csv.push_str(&format!("The loader number {row} fetches another stage,{technique}\n"));
    }
    project.write("own.csv", &csv);
}

#[test]
fn a_csv_of_ones_own_becomes_a_corpus_and_a_split() {
    let project = Project::new();
    small_csv(&project);
    let said = project.succeeds(&["corpus", "--csv", "own.csv"]);
    assert!(said.contains("30 rows, 2 techniques"), "{said}");
    let said = project.succeeds(&["split"]);
    assert!(said.contains("; 0 of the test rows"), "{said}");
    for part in ["train", "validation", "test"] {
        assert!(project.at(&format!("data/processed/splits/clean/{part}.csv")).is_file());
    }
    let again = std::fs::read(project.at("data/processed/splits/clean/train.csv")).unwrap();
    project.succeeds(&["split"]);
    let path = project.at("data/processed/splits/clean/train.csv");
    assert_eq!(std::fs::read(path).unwrap(), again, "the same seed gives the same split");
}

/// What balancing and splitting lose is said; a part that would be empty is refused.
#[test]
fn what_a_split_loses_is_said() {
    let project = Project::new();
    let mut profile = small_profile();
    profile["balance"] = json!({ "trim_below": 4, "upsample_to": 12, "downsample_to": 40 });
    project.write("notebooks/profiles/laptop.json", &profile.to_string());
    let mut csv = String::from("sentence,technique\n");
    for row in 0..30 {
        csv += &format!("The loader number {row} fetches another caf\u{e9},T1059\n");
        csv += &format!("the LOADER number {row} fetches another cafe\u{301}.,T1105\n");
    }
    // Of one word that no thesaurus has nothing can be made.
    for word in ["qwzx", "zxqw", "wqxz", "xzwq", "qxzw"] {
        csv += &format!("{word},T1566\n");
    }
    for row in 0..3 {
        csv += &format!("The memory of LSASS is read for the {row}th time,T1003\n");
    }
    project.write("own.csv", &csv);
    project.succeeds(&["corpus", "--csv", "own.csv"]);
    let said = project.succeeds(&["split"]);
    for line in [
        "; 0 of the test rows have a row of their own sentence in training\n",
        "\ntoo rare to be kept: 1 techniques, 3 rows: T1003\n",
        "\ntexts that stand under more than one technique: ",
        "\nnot filled up, for want of new augmented copies: T1566 (4 of 10)\n",
        "\nwithout a row in test: T1566\n",
        "\nwritten: ",
    ] {
        assert!(said.contains(line), "{line:?} is missing in\n{said}");
    }
    assert!(!said.contains("without a row in validation"), "{said}");

    profile["split"] = json!({ "train": 0.98, "validation": 0.01, "test": 0.01 });
    project.write("notebooks/profiles/laptop.json", &profile.to_string());
    let output = project.run(&["split"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: setting split.validation: 0.01 of 65 rows is no row: the part is empty\n"
    );
}

#[test]
fn from_a_csv_to_a_model_that_classifies() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw/models");
    if !models.join("minilm/model.safetensors").is_file() {
        return skip("the command line's fine-tuning: no minilm in data/raw/models");
    }
    let project = Project::new();
    small_csv(&project);
    project.succeeds(&["corpus", "--csv", "own.csv"]);
    project.succeeds(&["split"]);
    let tune = |arguments: &[&str]| {
        let mut command = project.command(&[&["finetune"], arguments].concat());
        let output = command.env("TTP_MODELS", &models).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(tune(&[]).contains("macro F1 "));
    let result = std::fs::read(project.at("results/finetune.minilm.clean.json")).unwrap();
    let card = std::fs::read_to_string(project.at("models/minilm.clean/README.md")).unwrap();
    assert!(
        card.contains("library_name: \"transformers\"") && card.contains("| macro F1 | "),
        "{card}"
    );
    let said = tune(&["--seed", "1,2", "--learning-rate", "1e-4"]);
    assert!(said.contains("mean macro F1 of 2 seeds"), "{said}");
    let experiment = "results/experiments/finetune.minilm.clean.lr-1e-4.seed-2.json";
    assert!(project.at(experiment).is_file());
    assert!(project.at("results/experiments/finetune.minilm.clean.seeds.json").is_file());
    let after = std::fs::read(project.at("results/finetune.minilm.clean.json")).unwrap();
    assert_eq!(after, result, "an experiment leaves the profile's own result alone");

    project.write("text.txt", "The loader fetches <b> from http://203.0.113.7/a.\n\nA \x1b[2Jb\n");
    let said = project.succeeds(&["classify", "models/minilm.clean", "text.txt"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].ends_with("\tThe loader fetches <b> from hxxp://203[.]0[.]113[.]7/a."),
        "{said}"
    );
    assert!(lines.iter().all(|line| line.starts_with("T1059\t") || line.starts_with("T1105\t")));
    assert!(!said.contains('\x1b'), "{said:?}");
}

#[test]
fn a_checkpoint_comes_from_the_hub_and_is_fine_tuned_offline() {
    let server = HubServer::start(vec![Model {
        id: "owner/small",
        revisions: vec![("main", COMMIT)],
        files: small_checkpoint(),
        token: None,
        gated: false,
    }]);
    let project = Project::new();
    small_csv(&project);
    let run = |offline: &str, arguments: &[&str]| {
        let mut command = project.command(arguments);
        command.env("HF_HOME", project.at("hub")).env("HF_ENDPOINT", &server.endpoint);
        let output = command.env("HF_HUB_OFFLINE", offline).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8(output.stdout).unwrap() + &said)
    };
    let (fetched, said) = run("1", &["fetch", "owner/small"]);
    assert!(!fetched && said.contains("offline mode is on"), "{said}");
    let (fetched, said) = run("0", &["fetch", "owner/small"]);
    assert!(fetched && said.contains(&format!("snapshots/{COMMIT}")), "{said}");
    server.take_requests();
    project.succeeds(&["corpus", "--csv", "own.csv"]);
    project.succeeds(&["split"]);
    let (tuned, said) = run("1", &["finetune", "--checkpoint", "owner/small"]);
    assert!(tuned && said.contains("macro F1 "), "{said}");
    assert!(server.take_requests().is_empty(), "offline asks nobody");
    assert!(project.at("models/small.clean/model.safetensors").is_file());
}

/// A hub with the catalogue's checkpoints, small ones, but for one whose pinned commit it lacks.
fn papers_hub(lacking: &str) -> HubServer {
    let models = CATALOGUE.iter().filter_map(|entry| {
        let Start::Hub { id, revision } = &entry.start else { return None };
        let main = ("main", COMMIT);
        let pinned = (entry.name != lacking).then_some((revision.as_str(), revision.as_str()));
        Some(Model {
            id,
            revisions: [main].into_iter().chain(pinned).collect(),
            files: small_checkpoint(),
            token: None,
            gated: false,
        })
    });
    HubServer::start(models.collect())
}

#[test]
fn all_checkpoints_of_a_profile_are_tried_and_a_lost_revision_says_what_takes_another() {
    let server = papers_hub("secbert");
    let project = Project::new();
    let mut papers = small_profile();
    papers["checkpoints"] = json!(["secbert", "bert", "scibert"]);
    project.write("papers.json", &papers.to_string());
    let fetch = |arguments: &[&str]| {
        let mut command = project.command(&[&["fetch"], arguments].concat());
        command.env("HF_HOME", "$PLACE/hf").env("PLACE", project.at("hub"));
        let output = command.env("HF_ENDPOINT", &server.endpoint).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let lost = "jackaduma/SecBERT@7c603df5bc4c5ba9c731bcc2ea0ab2db36e104cb: the model has no such \
                revision (404); the profile's setting \"revisions\" takes another: \"revisions\": \
                {\"secbert\": \"main\"}";
    let (well, said, error) = fetch(&["--profile", "papers.json"]);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(": ")).collect();
    assert!(!well && lines[0] == format!("secbert: failed: {lost}"), "{said}");
    for name in ["bert", "scibert"] {
        let fetched = |line: &&&str| line.starts_with(&format!("{name}: "));
        let line = lines.iter().find(fetched).unwrap();
        assert!(line.contains("snapshots") && !line.contains("failed"), "{line}");
    }
    assert_eq!(error, "error: fetching checkpoints: 1 of 3 failed: secbert\n");
    assert!(project.at("hub/hf/hub/models--google-bert--bert-base-cased").is_dir());
    // One alone: its own line.
    let (well, _, error) = fetch(&["secbert"]);
    assert!(!well && error == format!("error: {lost}\n"), "{error}");
    let (well, _, error) = fetch(&["jackaduma/SecBERT@0.9"]);
    let other = "error: jackaduma/SecBERT@0.9: the model has no such revision (404); \
                 jackaduma/SecBERT@main, for instance, names another\n";
    assert!(!well && error == other, "{error}");

    papers["revisions"] = json!({ "secbert": "main" });
    project.write("papers.json", &papers.to_string());
    let (well, said, error) = fetch(&["--profile", "papers.json"]);
    assert!(well, "{error}");
    assert!(said.contains(" at 0123456789abcdef0123456789abcdef01234567; "), "{said}");
    for (revisions, expected) in [
        (
            json!({ "minilm": "main" }),
            "minilm: \"minilm\" is no checkpoint that the catalogue has from the",
        ),
        (json!({ "secbert": "a..b" }), "secbert: \"a..b\" is no commit, branch or tag"),
    ] {
        papers["revisions"] = revisions;
        project.write("papers.json", &papers.to_string());
        let (well, _, error) = fetch(&["--profile", "papers.json"]);
        let expected = format!("/papers.json, row 1: setting revisions.{expected}");
        assert!(!well && error.contains(&expected), "{error}");
    }
}

// https://github.com/huggingface/text-generation-inference/issues/3212
#[test]
fn the_hubs_older_variables_count_too() {
    let server = HubServer::start(vec![Model {
        id: "owner/private",
        revisions: vec![("main", COMMIT)],
        files: small_checkpoint(),
        token: Some("hf_right"),
        gated: false,
    }]);
    let project = Project::new();
    let fetch = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["fetch", "owner/private"]);
        command.env("HF_HOME", project.at("home")).env("HF_ENDPOINT", &server.endpoint);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (well, said) = fetch(&[]);
    assert!(!well && said.contains("HF_TOKEN"), "{said}");
    let own = project.at("own");
    let own = own.to_str().unwrap();
    let (well, said) = fetch(&[("HF_HUB_CACHE", own), ("HUGGING_FACE_HUB_TOKEN", "hf_right\n")]);
    assert!(well, "{said}");
    let (well, said) = fetch(&[("HUGGINGFACE_HUB_CACHE", own), ("HF_HUB_OFFLINE", "1")]);
    assert!(well, "{said}");
    let (well, said) = fetch(&[("HF_HUB_OFFLINE", "1")]);
    assert!(!well && said.contains("is not in the cache"), "{said}");
    // A file of the token, a folder by its name's part, and no lines of progress.
    project.write("file", "hf_right\n");
    let mut command = project.command(&["fetch", "owner/private"]);
    command.env("HF_ENDPOINT", &server.endpoint).env("HOME", project.at("user"));
    command.env("HF_HOME", "~/hf").env("HF_TOKEN_PATH", "${FOLDER}/file");
    command.env("FOLDER", project.at("")).env("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("owner/private: ") && said.lines().count() == 1, "{said}");
    assert!(project.at("user/hf/hub/models--owner--private").is_dir());
}

#[test]
fn a_checkpoint_is_pretrained_further_and_one_starts_at_random() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw/models");
    if !models.join("minilm/model.safetensors").is_file() {
        return skip("the command line's pretraining: no minilm in data/raw/models");
    }
    let project = Project::new();
    let mut trio = small_profile();
    trio["checkpoints"] = json!(["minilm", "minilm-cti", "scratch"]);
    trio["pretraining"] = json!({
        "epochs": 1, "batch_size": 8, "max_length": 16, "learning_rate": 1e-3,
        "warmup_share": 0.1, "weight_decay": 0.01, "clip_norm": 1.0, "masked_share": 0.15
    });
    project.write("notebooks/profiles/laptop.json", &trio.to_string());
    small_csv(&project);
    project.succeeds(&["corpus", "--csv", "own.csv"]);
    project.succeeds(&["split"]);
    let run = |arguments: &[&str]| {
        let output = project.command(arguments).env("TTP_MODELS", &models).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = run(&["pretrain"]);
    assert!(said.starts_with("24 sentences on ") && said.contains("epoch 1: loss "), "{said}");
    assert!(project.at("results/pretraining.minilm-cti.json").is_file());
    card_says(
        &project.at("models/minilm-cti"),
        &[
            "pipeline_tag: \"fill-mask\"",
            "base_model: \"sentence-transformers/all-MiniLM-L6-v2\"",
            "**A stand-in for the paper's SecBERT**",
            "24 sentences of it, without their techniques",
            "tests or validates with",
            "15 % of the tokens are chosen",
            "1 epoch in batches of 8, a learning rate of up to 1e-3",
            "| perplexity before it | ",
            "pipeline(\"fill-mask\", model=\"minilm-cti\")",
        ],
    );
    for checkpoint in ["minilm-cti", "scratch"] {
        let said = run(&["finetune", "--checkpoint", checkpoint]);
        assert!(said.contains("macro F1 "), "{said}");
    }
    let config = std::fs::read_to_string(project.at("models/minilm-cti/config.json")).unwrap();
    assert!(config.contains("BertForMaskedLM"), "transformers knows what it is");
}

#[test]
fn a_label_outside_attack_is_named_where_labels_are_attacks() {
    let project = Project::new();
    small_csv(&project);
    let bundle = json!({ "type": "bundle", "id": "bundle--1", "objects": [{
        "type": "attack-pattern", "id": "attack-pattern--1", "name": "Command Interpreter",
        "description": "Adversaries may abuse interpreters.",
        "external_references": [{ "source_name": "mitre-attack", "external_id": "T1059" }]
    }] });
    std::fs::create_dir_all(project.at("sources/attack-v10.1")).unwrap();
    project.write("sources/attack-v10.1/enterprise-attack.json", &bundle.to_string());
    let mut command = project.command(&["corpus", "--csv", "own.csv", "--labels", "attack"]);
    let output = command.env("TTP_SOURCES", "sources").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: own.csv, row 3, field \"technique\": unknown label \"T1105\"; 1 are known: T1059 …\n"
    );
    assert!(!project.at("data").exists());

    let mut own = small_profile();
    own["corpus"]["source"] = json!({ "csv": {
        "path": "own.csv", "sentence": "sentence", "technique": "technique", "labels": "attack"
    } });
    project.write("own.json", &own.to_string());
    let mut command = project.command(&["corpus", "--profile", "own.json"]);
    let output = command.env("TTP_SOURCES", "sources").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("row 3, field \"technique\""));
}

#[test]
fn what_is_wrong_with_rows_that_are_kept_as_they_stand_is_one_line() {
    let project = Project::new();
    let said = |content: &str| {
        project.write("rows.csv", content);
        project.fails(&["corpus", "--csv", "rows.csv", "--columns", "orbinato", "--every-row"])
    };
    assert_eq!(
        said("version https://git-lfs.github.com/spec/v1\noid sha256:41\nsize 9\n"),
        "error: rows.csv: a Git LFS pointer in place of the file of sha256 41: get the file itself"
    );
    assert_eq!(
        said(",text,label_tec\n0,It ran.,T1059\n"),
        "error: rows.csv, row 1, field \"sentence\": no such column; there are: \"\", text, label_tec"
    );
    assert_eq!(
        said(",sentence,label_tec\n0,It ran.,T1059\n1, ,T1059\n"),
        "error: rows.csv, row 3, field \"sentence\": empty sentence"
    );
}

#[test]
fn names_that_are_unknown_come_with_those_that_are_known() {
    let project = Project::new();
    assert_eq!(
        project.fails(&["corpus", "--profile", "desktop"]),
        "error: unknown profile \"desktop\"; known: laptop, a JSON file's path"
    );
    assert_eq!(
        project.fails(&["finetune", "--checkpoint", "gpt"]),
        "error: unknown checkpoint \"gpt\"; known: bert, scibert, secbert, minilm, minilm-cti, \
         scratch, mpnet, a folder's path, a hub id, owner/name"
    );
    // Where there is a folder of the owner's name, a path was meant and no hub is asked.
    let path = project.fails(&["fetch", "notebooks/gpt"]);
    assert!(path.starts_with("error: unknown checkpoint \"notebooks/gpt\"; known: "), "{path}");
    assert_eq!(
        project.fails(&["pretrain", "--checkpoint", "minilm"]),
        "error: unknown checkpoint to pretrain \"minilm\"; known: minilm-cti"
    );
    let made = project.fails(&["finetune", "--checkpoint", "minilm-cti"]);
    let advice = "not there: notebook 05_pretraining, or `ttp pretrain`, makes it";
    assert_eq!(made, format!("error: models/minilm-cti: {advice}"));
    assert_eq!(
        project.fails(&["split", "--protocol", "dirty"]),
        "error: unknown protocol \"dirty\"; known: paper, told, clean, grouped"
    );
    small_csv(&project);
    assert_eq!(
        project.fails(&["corpus", "--csv", "own.csv", "--columns", "kaggle"]),
        "error: unknown column layout \"kaggle\"; known: hub, orbinato, SENTENCE,LABEL"
    );
    let output = project.command(&["corpus"]).env("TTP_PROFILE", "desktop").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown profile \"desktop\""));
}

#[test]
fn a_profile_with_a_mistake_is_named_by_file_and_field() {
    let project = Project::new();
    let said = |change: &dyn Fn(&mut Value)| {
        let mut profile = small_profile();
        change(&mut profile);
        project.write("own.json", &profile.to_string());
        project.fails(&["corpus", "--profile", "own.json"])
    };
    assert_eq!(
        said(&|p| p["training"]["epochs"] = json!(0)),
        "error: own.json, row 1: setting training.epochs: 0 epochs train nothing"
    );
    assert_eq!(
        said(&|p| p["balance"]["upsample_to"] = json!(700)),
        "error: own.json, row 1: setting balance.upsample_to: 700 is above downsample_to, 20"
    );
    assert!(
        said(&|p| p["trainings"] = json!({})).starts_with(
            "error: own.json, row 1, field \"trainings\": unknown field `trainings`, expected one of `name`"
        ),
    );
    assert_eq!(
        said(&|p| p["checkpoints"] = json!(["minilm", "minilm-cti"])),
        "error: own.json, row 1: setting pretraining: missing, and checkpoint \"minilm-cti\" needs it"
    );
    assert_eq!(
        said(&|p| p["checkpoints"] = json!(["one/bert", "other/bert"])),
        "error: own.json, row 1: setting checkpoints: two of them would write to files named \"bert\""
    );
    assert_eq!(
        said(&|p| p["protocols"] = json!(["told"])),
        "error: own.json, row 1: setting protocols: \"told\" is counted, and linear models are trained \
         on it: take paper or clean"
    );
    assert_eq!(
        said(&|p| p["similarity"] = json!({ "mining": { "negatives": 0 } })),
        "error: own.json, row 1: setting similarity.mining.negatives: 0 for each anchor are none"
    );
    assert!(said(&|p| p["similarity"] = json!({ "loss": "cosines" })).starts_with(
        "error: own.json, row 1, field \"similarity.loss\": unknown variant `cosines`"
    ));
    project.write("own.json", "{\n  \"name\": \"own\",\n  \"about\": ");
    let cut = project.fails(&["corpus", "--profile", "own.json"]);
    assert!(cut.starts_with("error: own.json, row 3: EOF while parsing"), "{cut}");
    let missing = project.fails(&["corpus", "--profile", "gone.json"]);
    assert!(missing.starts_with("error: gone.json: cannot read: No such file"), "{missing}");
}

#[test]
fn a_csv_with_a_mistake_is_named_by_row_and_field() {
    let project = Project::new();
    let said = |content: &[u8]| {
        std::fs::write(project.at("own.csv"), content).unwrap();
        project.fails(&["corpus", "--csv", "own.csv"])
    };
    assert_eq!(
        said(b"text,technique\na b,T1\n"),
        "error: own.csv, row 1, field \"sentence\": no such column; there are: text, technique"
    );
    assert_eq!(
        said(b"sentence,technique\na b,T1059\n,T1059\n"),
        "error: own.csv, row 3, field \"sentence\": empty sentence"
    );
    let latin = said(b"sentence,technique\na b,T1059\ncaf\xe9,T1059\n");
    assert!(latin.starts_with("error: own.csv, row 3, field \"sentence\": not UTF-8"), "{latin}");
    assert_eq!(said(b""), "error: own.csv: empty: not even a header");
}

#[test]
fn a_bundle_with_a_mistake_is_named() {
    let project = Project::new();
    let said = |content: &str| {
        project.write("b.json", content);
        project.fails(&["corpus", "--bundle", "b.json"])
    };
    let cut = said("{\n\"type\": \"bundle\",\n\"objects\": [");
    assert!(cut.starts_with("error: b.json, row 3: "), "{cut}");
    let other = said("{\"type\": \"report\"}");
    assert!(other.starts_with("error: b.json") && other.contains("bundle"), "{other}");
    let bare = r#"{"type": "bundle", "objects": [{"type": "attack-pattern", "id": "a--1"}]}"#;
    assert_eq!(
        said(bare),
        "error: b.json, field \"objects\": holds no attack-pattern in use; 1 passed over: a technique \
         without an ATT&CK id (a--1: no external_id of source mitre-attack)"
    );
    let gone = project.fails(&["corpus", "--bundle", "gone.json"]);
    assert!(gone.starts_with("error: gone.json: cannot read: No such file"), "{gone}");
}

#[test]
fn a_mistake_leaves_the_corpus_that_was_there() {
    let project = Project::new();
    small_csv(&project);
    project.succeeds(&["corpus", "--csv", "own.csv", "--out", "c.parquet"]);
    let before = std::fs::read(project.at("c.parquet")).unwrap();
    project.write("own.csv", "sentence,technique\n,\n");
    project.fails(&["corpus", "--csv", "own.csv", "--out", "c.parquet"]);
    assert_eq!(std::fs::read(project.at("c.parquet")).unwrap(), before);
}

#[test]
fn what_a_command_reads_it_does_not_write_over() {
    let project = Project::new();
    let csv = "sentence,technique\nIt runs a script.,T1059\n";
    project.write("own.csv", csv);
    let said = project.fails(&["corpus", "--csv", "own.csv", "--out", "./own.csv"]);
    assert_eq!(said, "error: ./own.csv: would be written over own.csv, which is read");
    project.write("claims.toml", "document = \"a\"\n");
    let said = project.fails(&["audit", "claims.toml", "--json", "claims.toml"]);
    assert!(said.ends_with("would be written over claims.toml, which is read"), "{said}");
    std::fs::create_dir(project.at("flows")).unwrap();
    project.write("flows/train.csv", "x,family\n1,a\n");
    let said = project.fails(&["family", "train", "--data", "flows", "--out", "flows"]);
    assert!(said.ends_with("would be written over flows, which is read"), "{said}");
    std::fs::create_dir(project.at("d")).unwrap();
    project.write("d/f1_scores_latest.json", "{}");
    let said = project.fails(&["diagnose", "--matrix", "d/f1_scores_latest.json", "--out", "d"]);
    assert!(said.contains("would be written over d/f1_scores_latest.json"), "{said}");
    // Each file that a command reads beside its main one.
    project.write("m.csv", ",a,b\na,1,0\nb,0,1\n");
    let counts = ["diagnose", "--matrix", "m.csv", "--counts", "d/f1_scores_latest.json"];
    let said = project.fails(&[&counts[..], &["--out", "d"]].concat());
    assert!(said.contains("would be written over d/f1_scores_latest.json"), "{said}");
    std::fs::create_dir(project.at("pairs")).unwrap();
    for file in ["train", "validation", "test"] {
        project.write(&format!("pairs/{file}.json"), "[]");
    }
    let said = project.fails(&[
        "pairs",
        "--train",
        "pairs/train.json",
        "--validation",
        "pairs/validation.json",
        "--test",
        "pairs/test.json",
        "--out",
        "pairs",
    ]);
    assert!(said.ends_with("would be written over pairs/train.json, which is read"), "{said}");
    project.write("one.toml", "document = \"a\"\ntogether = [\"two.toml\"]\n");
    project.write("two.toml", "document = \"b\"\n");
    let said = project.fails(&["audit", "one.toml", "--json", "two.toml"]);
    assert!(said.ends_with("would be written over two.toml, which is read"), "{said}");
    std::fs::create_dir(project.at("m")).unwrap();
    project.write("m/train.csv", csv);
    let training = ["external", "m", "--attack-v15", "--training", "m/train.csv"];
    let said = project.fails(&[&training[..], &["--out", "m/train.csv"]].concat());
    assert!(said.ends_with("would be written over m/train.csv, which is read"), "{said}");
    project.write("m/config.json", "{}");
    let said = project.fails(&["external", "m", "--csv", "own.csv", "--out", "m/config.json"]);
    assert!(said.ends_with("would be written over a file of m, which is read"), "{said}");
    for command in ["predict", "picture"] {
        let arguments = ["family", command, "m", "own.csv", "--out", "m/config.json"];
        let said = project.fails(&arguments);
        assert!(said.ends_with("would be written over a file of m, which is read"), "{said}");
    }
    let encoder = ["report-model", "--encoder", "m", "--encoder-training", "own.csv"];
    let said = project.fails(&[&encoder[..], &["--out", "own.csv"]].concat());
    assert!(said.ends_with("would be written over own.csv, which is read"), "{said}");
    project.write("p.csv", "id,truth,predicted\n1,a,a\n2,b,b\n");
    let against = ["diagnose", "p.csv", "--against", "d/f1_scores_latest.json", "--out", "d"];
    let said = project.fails(&against);
    assert!(said.contains("would be written over d/f1_scores_latest.json"), "{said}");
    let said = project.fails(&["report-model", "--encoder", "m", "--out", "m"]);
    assert!(said.ends_with("would be written over m, which is read"), "{said}");
    assert_eq!(std::fs::read_to_string(project.at("own.csv")).unwrap(), csv);
}

#[test]
fn shells_and_man_know_the_command() {
    let project = Project::new();
    for (shell, words) in
        [("bash", "complete -F _ttp"), ("zsh", "#compdef ttp"), ("fish", "finetune")]
    {
        let script = project.succeeds(&["completions", shell]);
        assert!(script.contains(words) && script.contains("diagnose"), "{shell}: {script}");
    }
    let said = project.succeeds(&["man", "--out", "man"]);
    assert!(said.ends_with("pages written: man/ttp.1\n"), "{said}");
    let page = |name: &str| std::fs::read_to_string(project.at("man").join(name)).unwrap();
    assert!(page("ttp.1").contains("ttp\\-finetune(1)"), "{}", page("ttp.1"));
    assert!(page("ttp-family-train.1").contains("Where the model goes"));
    project.write("file", "");
    let said = project.fails(&["man", "--out", "file"]);
    assert!(said.starts_with("error: file: cannot "), "{said}");
}

#[test]
fn a_profile_is_written_over_by_no_command() {
    let project = Project::new();
    project.write("own.csv", "sentence,technique\nIt runs a script.,T1059\n");
    project.write("flows.csv", "x,family\n1,a\n2,b\n");
    for file in ["train", "validation", "test"] {
        project.write(&format!("{file}.json"), "[]");
    }
    std::fs::create_dir(project.at("m")).unwrap();
    let pairs = ["pairs", "--train", "train.json", "--validation", "validation.json"];
    let profile = "notebooks/profiles/laptop.json";
    for (arguments, out) in [
        (&["corpus", "--csv", "own.csv"][..], profile),
        (&["external", "m", "--csv", "own.csv"], profile),
        (&["family", "picture", "m", "flows.csv"], profile),
        (&["family", "generate"], "notebooks/profiles"),
        (&["family", "train", "--data", "flows.csv"], "notebooks/profiles"),
        (&["report-model"], "notebooks"),
        (&[&pairs[..], &["--test", "test.json"]].concat(), "notebooks/profiles"),
    ] {
        let said = project.fails(&[arguments, &["--out", out]].concat());
        let expected = format!("error: {out}: would be written over {profile}, which is read");
        assert_eq!(said, expected, "{arguments:?}");
    }
    let text = std::fs::read_to_string(project.at(profile)).unwrap();
    assert_eq!(text, small_profile().to_string());
}

#[test]
fn what_is_read_beside_the_main_file_is_not_written_over_either() {
    let project = Project::new();
    for name in ["b.json", "c.json", "t.json"] {
        project.write(name, "{}");
    }
    for (arguments, out) in [
        (&["--bundle", "b.json", "--bundle", "c.json"][..], "c.json"),
        (&["--bundle", "b.json", "--tram", "t.json"], "t.json"),
    ] {
        let said = project.fails(&[&["corpus"], arguments, &["--out", out]].concat());
        assert_eq!(said, format!("error: {out}: would be written over {out}, which is read"));
    }
    project.write("one.toml", "document = \"a\"\n");
    project.write("two.toml", "document = \"b\"\n");
    let said = project.fails(&["audit", "one.toml", "two.toml", "--json", "two.toml"]);
    assert_eq!(said, "error: two.toml: would be written over two.toml, which is read");
    std::fs::create_dir(project.at("d")).unwrap();
    project.write("d/diagnosis.html", "truth,predicted\na,a\nb,b\n");
    let said = project.fails(&["diagnose", "d/diagnosis.html", "--out", "d"]);
    assert!(said.ends_with("would be written over d/diagnosis.html, which is read"), "{said}");
    project.write("p.csv", "truth,predicted\na,a\nb,b\n");
    project.write("d/f1_scores_latest.json", "{}");
    let settings = ["diagnose", "p.csv", "--settings", "d/f1_scores_latest.json", "--out", "d"];
    let said = project.fails(&settings);
    assert!(said.ends_with("over d/f1_scores_latest.json, which is read"), "{said}");
    std::fs::create_dir(project.at("m")).unwrap();
    project.write("flows.csv", "x,family\n1,a\n");
    for out in ["flows.csv", "m"] {
        for command in ["predict", "picture"] {
            let said = project.fails(&["family", command, "m", "flows.csv", "--out", out]);
            assert_eq!(said, format!("error: {out}: would be written over {out}, which is read"));
        }
    }
    project.write("rows.csv", "sentence,technique\nIt runs a script.,T1059\n");
    let said = project.fails(&["external", "m", "--csv", "rows.csv", "--out", "rows.csv"]);
    assert_eq!(said, "error: rows.csv: would be written over rows.csv, which is read");
}

/// Some editors put a byte order mark in front of what they save.
#[test]
fn a_mark_in_front_of_a_file_is_passed_over() {
    let project = Project::new();
    let marked = |name: &str, text: &str| project.write(name, &format!("\u{feff}{text}"));
    small_csv(&project);
    marked("own.json", &small_profile().to_string());
    let said = project.succeeds(&["corpus", "--profile", "own.json", "--csv", "own.csv"]);
    assert!(said.contains("30 rows, 2 techniques"), "{said}");

    let matrix =
        json!({ "labels": ["a", "b"], "rows_truth_columns_predicted": [[30, 1], [2, 40]] });
    marked("m.json", &matrix.to_string());
    marked("s.json", "{\"min_support\": 35}");
    let said = project.succeeds(&["diagnose", "--matrix", "m.json", "--settings", "s.json"]);
    assert!(said.contains("a: too small to judge"), "{said}");

    let claims = "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\n[[claim]]\nid = \
                  \"c\"\nat = \"a\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \"m\"\n\
                  metric = \"recall\"\nvalue = \"0.90\"\n";
    marked("c.toml", claims);
    let said = project.succeeds(&["audit", "c.toml"]);
    assert!(said.contains("d: 1 claim") && said.contains("0 inconsistent"), "{said}");

    let [training, test] = few_pairs();
    pair_files(&project, &training, &test);
    for name in ["train.json", "validation.json", "test.json"] {
        marked(name, &std::fs::read_to_string(project.at(name)).unwrap());
    }
    let said = project.succeeds(&[&PAIR_FILES[..], &["--check"]].concat());
    assert!(said.ends_with("nothing is wrong with these files\n"), "{said}");
}

#[test]
fn columns_are_named_as_they_stand_in_the_file() {
    let project = Project::new();
    project.write("own.csv", "\"text, as written\" , label \nIt runs a script., T1059\n");
    let said = project.fails(&["corpus", "--csv", "own.csv", "--columns", "text,label"]);
    assert!(said.contains("text stands behind the closing quote"), "{said}");
    project.write("own.csv", "\"text, as written\", label \nIt runs a script., T1059\n");
    let said = project.fails(&["corpus", "--csv", "own.csv", "--columns", "text,label"]);
    assert!(said.ends_with("there are: \"text, as written\", \" label \""), "{said}");
    let columns = "\"text, as written\",label";
    project.succeeds(&["corpus", "--csv", "own.csv", "--columns", columns]);
}

#[test]
fn a_split_or_a_model_that_is_not_there_is_named() {
    let project = Project::new();
    let said = project.fails(&["split"]);
    assert!(said.starts_with("error: data/processed/corpus.parquet: cannot read"), "{said}");
    let said = project.fails(&["classify", "models/none"]);
    assert!(said.starts_with("error: models/none/config.json: cannot read"), "{said}");
    for (checkpoint, command) in [("mpnet", "data-mpnet"), ("minilm", "data")] {
        let said = project.fails(&["fetch", checkpoint]);
        let folder = format!("data/raw/models/{checkpoint}");
        assert_eq!(said, format!("error: {folder}: not there: `make {command}` gets it"));
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_ttp")).args(["corpus"]).current_dir("/").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "error: /: no notebooks/profiles here or in a folder above\n");
}

#[test]
fn what_cannot_be_asked_for_similar_sentences_is_named() {
    let project = Project::new();
    assert_eq!(project.fails(&["similar", "  "]), "error: setting text: it is empty");
    assert_eq!(
        project.fails(&["similar", "It reads the memory of LSASS."]),
        "error: models/similarity.hard_negatives: not there: notebook 11_hard_negatives, or `ttp \
         similarity`, makes it"
    );
    let said = project.fails(&["similarity", "--trial", "{ \"epochs\": -1 }"]);
    assert!(said.starts_with("error: setting --trial: invalid value: integer `-1`"), "{said}");
    let said = project.fails(&["similarity", "--trial", "{ \"hard_negatives\": 0 }"]);
    assert_eq!(said, "error: setting similarity.hard_negatives: 0 train nothing");
    let said = project.fails(&["similarity"]);
    assert!(said.starts_with("error: data/processed/corpus.parquet: cannot read"), "{said}");
}

#[test]
fn from_a_csv_to_similar_sentences() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/raw/models");
    if !models.join("minilm/model.safetensors").is_file() {
        return skip("the command line's similarity: no minilm in data/raw/models");
    }
    let project = Project::new();
    let mut profile = small_profile();
    profile["corpus"] = json!({
        "source": { "csv": { "path": "own.csv", "sentence": "text", "technique": "label" } }
    });
    let mut training = profile["training"].clone();
    training["learning_rate"] = json!(1e-5);
    profile["similarity"] = json!({ "pairs": 10, "hard_negatives": 8, "training": training });
    profile["split"] = json!({ "train": 0.6, "validation": 0.2, "test": 0.2 });
    project.write("notebooks/profiles/laptop.json", &profile.to_string());
    let whats = ["invoices", "memos", "letters", "offers", "notes"];
    let whos = ["bankers", "judges", "doctors", "miners", "pilots"];
    let wheres = ["memory", "registry", "browser", "vault", "cache"];
    let mut csv = "text,label\n".to_owned();
    for (at, (what, who)) in whats.iter().flat_map(|a| whos.map(|b| (*a, b))).enumerate() {
        csv.push_str(&format!("Fake {what} number {at} were mailed to {who},mail\n"));
    }
    for (at, (place, who)) in wheres.iter().flat_map(|a| whos.map(|b| (*a, b))).enumerate() {
        csv.push_str(&format!("Tool {at} dumped passwords of {who} out of a {place},dump\n"));
    }
    project.write("own.csv", &csv);
    project.succeeds(&["corpus"]);
    let with_models = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        let output = command.env("TTP_MODELS", &models).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = with_models(&[
        "similarity",
        "--trial",
        "{ \"loss\": { \"triplet\": { \"margin\": 0.2 } } }",
    ]);
    assert!(said.contains("hard_negatives: average precision "), "{said}");
    let left = std::fs::read_dir(project.at("models")).unwrap().count();
    assert_eq!(left, 0, "a trial keeps no model, and its state no longer than it lasts");
    with_models(&["similarity"]);
    assert!(project.at("models/similarity.hard_negatives/modules.json").is_file());
    card_says(
        &project.at("models/similarity.hard_negatives"),
        &[
            "library_name: \"sentence-transformers\"",
            "Made from minilm (sentence-transformers/all-MiniLM-L6-v2)",
            "the file own.csv. 50 procedure examples",
            "8 triplets",
            "mined by minilm's own vectors (the nearest)",
            "Loss: cosine similarity. AdamW with a weight decay of 0, 1 epoch in batches of 8",
            "fixed on the validation pairs",
            "| average precision | ",
            "SentenceTransformer(\"similarity.hard_negatives\")",
        ],
    );
    card_says(&project.at("models/similarity.basic"), &["drawn at random", "# similarity.basic\n"]);
    let said = project.succeeds(&["similar", "passwords were taken from a keychain"]);
    assert!(said.starts_with("0.") && said.find("  dump  ") < said.find("  mail  "), "{said}");
    let kept = project.at("models/similarity.hard_negatives/corpus.vectors.safetensors");
    let made = std::fs::metadata(&kept).unwrap().modified().unwrap();
    let again = project.succeeds(&["similar", "passwords were taken from a keychain"]);
    assert_eq!(again, said);
    assert_eq!(std::fs::metadata(&kept).unwrap().modified().unwrap(), made, "read, not made");
    let other = project.run(&["similar", "x", "--model", "notebooks"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&other.stderr).contains("config.json: cannot read"));
}

/// The project's own claims files: what they count as, and where they are.
const DOCUMENTS: [&str; 3] = ["similarity", "family", "three-models"];

fn claims_file(document: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../data/claims");
    folder.join(format!("{document}.toml")).to_str().unwrap().to_owned()
}

#[test]
fn the_similarity_reports_claims_come_back_with_their_465_pairs() {
    let project = Project::new();
    let said = project.succeeds(&["audit", &claims_file("similarity"), "--json", "a.json"]);
    let row = said.lines().find(|line| line.contains(" basic.recall ")).unwrap();
    assert!(row.contains("TP 282, FN 0, FP 183, TN 0 of 465"), "{row}");
    assert!(said.contains("similarity report: 39 claims: "), "{said}");
    assert!(said.trim_end().ends_with("written: a.json"), "{said}");

    let written: Value =
        serde_json::from_slice(&std::fs::read(project.at("a.json")).unwrap()).unwrap();
    let documents = written["documents"].as_array().unwrap();
    let claims = documents[0]["claims"].as_array().unwrap();
    assert_eq!((documents.len(), claims.len()), (1, 39));
    assert_eq!(written["claims"], 39);
    let of = |name: &str| written[name].as_u64().unwrap();
    assert_eq!(of("consistent") + of("inconsistent") + of("undecided"), 39);
    for claim in claims {
        let given = match claim["verdict"].as_str().unwrap() {
            "consistent" => &claim["example"],
            "inconsistent" => &claim["reason"],
            "undecided" => &claim["needs"],
            other => panic!("{other}"),
        };
        assert!(given.as_str().is_some_and(|text| !text.is_empty()), "{claim}");
    }
    assert_eq!(documents[0]["totals"]["pairs"][0], json!([465, 282]));
    let basic = json!({ "tp": 282, "fp": 183, "fn": 0, "tn": 0 });
    assert_eq!(documents[0]["binary"]["basic"], basic);
    let left: Vec<_> = std::fs::read_dir(project.0.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "the profile's folder and a.json: {left:?}");
}

#[test]
fn the_papers_counts_are_held_against_its_own_rows_where_they_are_at_hand() {
    let project = Project::new();
    let arguments = ["audit", &claims_file("three-models"), "--json", "a.json"];
    let said = project.succeeds(&arguments);
    let alone = "the 8 claims about them are judged by arithmetic alone";
    assert!(said.contains(alone), "{said}");

    std::fs::create_dir(project.at("results")).unwrap();
    let first = json!({ "over_500": ["T1027", "T1059"] });
    project.write("results/paper_rows.json", &first.to_string());
    let second = json!({
        "rows": 14_427, "techniques": 190, "kept": 44, "balanced_rows": 15_240,
        "over_half_augmented": 17,
    });
    project.write("results/paper_rows.augmentation.json", &second.to_string());
    let said = project.succeeds(&arguments);
    assert!(said.contains("its own rows: 7 reproduced, 1 not reproduced"), "{said}");
    let row = |id: &str| said.lines().find(|line| line.contains(&format!(": {id} "))).unwrap();
    assert!(row("balanced").contains("15,240"), "{}", row("balanced"));
    assert!(row("balanced").contains(" reproduced"), "{}", row("balanced"));
    assert!(row("half").contains(" not reproduced"), "{}", row("half"));
    assert!(row("half").contains(" consistent"), "{}", row("half"));
    let written: Value =
        serde_json::from_slice(&std::fs::read(project.at("a.json")).unwrap()).unwrap();
    assert_eq!((&written["reproduced"], &written["not_reproduced"]), (&json!(7), &json!(1)));
}

#[test]
fn the_pages_counts_of_verdicts_are_those_of_the_claims_files() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../notebooks/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let section = readme.split_once("\n## Claims audited\n").unwrap().1;
    let section = section.split_once("\n## ").unwrap().0;
    let table: Vec<Vec<&str>> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    assert_eq!(table[0], ["document", "claims", "consistent", "inconsistent", "undecided"]);
    assert_eq!(table.len(), 1 + DOCUMENTS.len());

    let project = Project::new();
    let files = DOCUMENTS.map(claims_file);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    project.succeeds(&[&["audit", "--json", "a.json"], &files[..]].concat());
    let written: Value =
        serde_json::from_slice(&std::fs::read(project.at("a.json")).unwrap()).unwrap();
    let documents = written["documents"].as_array().unwrap();
    for (row, document) in table[1..].iter().zip(documents) {
        let name = document["document"].as_str().unwrap();
        assert!(row[0].ends_with(name), "{row:?} stands where {name} is");
        let claims = document["claims"].as_array().unwrap();
        let count = |verdict: &str| claims.iter().filter(|c| c["verdict"] == verdict).count();
        let counts = ["consistent", "inconsistent", "undecided"].map(count);
        let typed: Vec<usize> = row[1..].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(
            typed,
            [&[claims.len()], &counts[..]].concat(),
            "the row of {name} in notebooks/README.md"
        );
    }
}

#[test]
fn what_is_wrong_with_a_claims_file_is_named_with_its_line() {
    let project = Project::new();
    let head = "document = \"d\"\n[[matrix]]\nid = \"m\"\ntotal = 100\n";
    let claim = |fields: &str| {
        format!(
            "{head}[[claim]]\nid = \"c\"\nat = \"a\"\nsays = \"s\"\nkind = \"score\"\nmatrix = \
             \"m\"\n{fields}"
        )
    };
    project.write("good.toml", &claim("metric = \"recall\"\nvalue = \"0.90\"\n"));
    project.write("a.json", "there before");
    for (text, expected) in [
        (
            claim("metric = \"recall\"\nvalue = \"101.5 %\"\n"),
            "row 12, field \"value\": 101.5 % is a percentage above 100",
        ),
        (
            format!("{head}positive = 60\nnegative = 50\n"),
            "row 4, field \"total\": contradictory totals: 60 and 50 are not 100",
        ),
        (
            claim("metric = \"recal\"\nvalue = \"0.90\"\n"),
            "row 11, field \"metric\": unknown metric \"recal\"; known: accuracy, precision, \
             recall, specificity, f1, f2, f_beta, balanced_accuracy, mcc",
        ),
        (
            claim("metric = \"recall\"\nvalue = 0.9\n"),
            "row 12, field \"value\": 0.9 does not say its decimals (0.9 and 0.90 are one number \
             in TOML): write value = \"0.9\", or decimals = 2 beside it",
        ),
        (format!("{head}[[claim]\n"), "row 5: not TOML: "),
    ] {
        project.write("bad.toml", &text);
        let said = project.fails(&["audit", "good.toml", "bad.toml", "--json", "a.json"]);
        let said = said.strip_prefix("error: bad.toml, ").unwrap_or_else(|| panic!("{said}"));
        let same =
            if expected.ends_with(": ") { said.starts_with(expected) } else { said == expected };
        assert!(same, "{said}");
        assert_eq!(std::fs::read_to_string(project.at("a.json")).unwrap(), "there before");
    }
    let missing = project.fails(&["audit", "not-there.toml"]);
    assert!(missing.starts_with("error: not-there.toml: cannot read"), "{missing}");
    // Claims that cannot be true are a finding, no failure.
    let both = "metric = \"recall\"\nvalue = \"0.90\"\n[[claim]]\nid = \"d\"\nat = \"a\"\n\
                says = \"s\"\nkind = \"score\"\nmatrix = \"m\"\nmetric = \"recall\"\nvalue = \
                \"0.80\"\n";
    project.write("finding.toml", &claim(both));
    let said = project.succeeds(&["audit", "finding.toml"]);
    assert!(said.contains("d: 2 claims: 0 consistent, 2 inconsistent, 0 undecided"), "{said}");
}

#[test]
fn a_wrong_option_ends_with_status_1_and_help_with_0() {
    let project = Project::new();
    let output = project.run(&["corpus", "--colour"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--colour"));
    let help = project.succeeds(&["--help"]);
    for command in [
        "corpus",
        "split",
        "fetch",
        "pretrain",
        "finetune",
        "classify",
        "similarity",
        "similar",
        "audit",
    ] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn a_closed_standard_output_is_no_failure() {
    let project = Project::new();
    small_csv(&project);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = project.command(&["corpus", "--csv", "own.csv", "--out", "c.parquet"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
    assert!(Path::new(&project.at("c.parquet")).is_file(), "written before it is said");
}

/// A labelled pair as the files have it.
fn pair(a: &str, b: &str, label: u32) -> Value {
    json!({ "sentence1": a, "sentence2": b, "label": label })
}

/// Pairs to train on, one of them dissimilar, and pairs to test with.
fn few_pairs() -> [Value; 2] {
    let training = json!([
        pair("sends the mail", "reads the mail", 1),
        pair("sends the log", "reads the log", 1),
        pair("sends the mail", "reads the log", 0),
    ]);
    [training, json!([pair("the mail", "a mail", 1), pair("the mail", "a log", 0)])]
}

/// Two files of pairs of which nothing is wrong, and a third to be planted.
fn pair_files(project: &Project, training: &Value, test: &Value) {
    project.write("train.json", &training.to_string());
    let validation = json!([
        pair("sends a mail a", "reads a mail a", 1),
        pair("sends a log a", "reads a log a", 1),
        pair("reads a mail the", "reads a log the", 0),
        pair("sends a mail the", "sends a log the", 0),
    ]);
    project.write("validation.json", &validation.to_string());
    project.write("test.json", &test.to_string());
}

const PAIR_FILES: [&str; 7] =
    ["pairs", "--train", "train.json", "--validation", "validation.json", "--test", "test.json"];

#[test]
fn pairs_say_what_is_wrong_with_their_files_before_anything_is_trained() {
    let project = Project::new();
    let [training, test] = few_pairs();
    pair_files(&project, &training, &test);
    let with = |more: &[&'static str]| [&PAIR_FILES[..], more].concat();
    assert_eq!(
        project.fails(&with(&["--loss", "multiple-negatives"])),
        "error: setting --loss: 1 of 3 training pairs are labelled dissimilar, and multiple \
         negatives ranking, scale 20 would teach them as similar: take a loss that reads labels, \
         or leave them out (--every-pair-similar trains all the same)"
    );
    let checked =
        project.run(&with(&["--check", "--loss", "multiple-negatives", "--every-pair-similar"]));
    assert!(checked.status.success());
    let warned = String::from_utf8(checked.stderr).unwrap();
    assert!(
        warned.starts_with("warning: 1 of 3 training pairs are labelled dissimilar"),
        "{warned}"
    );
    let refused = project.run(&with(&["--epochs", "0"]));
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "error: setting similarity.training.epochs: 0 epochs train nothing\n"
    );
    let said = project.succeeds(&with(&["--check"]));
    assert!(said.starts_with("training: 3 pairs, 2 similar\n"), "{said}");
    assert!(said.ends_with("nothing is wrong with these files\n"), "{said}");

    // A text of training, the very pair, and the pair the other way round.
    for (planted, found) in [
        (
            pair("a mail", "sends the log", 0),
            "row 2, field \"sentence2\": a text that looks like this one is in train.json, row 2; of 2 pairs, 0 have both texts in training and 1 one; 0 are training pairs, 0",
        ),
        (
            pair("sends the mail", "reads the mail", 1),
            "row 2, field \"sentence1\": a text that looks like this one is in train.json, row 1; of 2 pairs, 1 have both texts in training and 0 one; 1 are training pairs, 0",
        ),
        (
            pair("reads the mail", "sends the mail", 1),
            "row 2, field \"sentence1\": a text that looks like this one is in train.json, row 1; of 2 pairs, 1 have both texts in training and 0 one; 0 are training pairs, 1",
        ),
    ] {
        pair_files(&project, &training, &json!([pair("the mail", "a log", 0), planted]));
        assert_eq!(
            project.fails(&PAIR_FILES),
            format!(
                "error: test.json, {found} are training pairs the other way round (--allow-leak \
                 trains all the same)"
            )
        );
        let allowed = project.run(&with(&["--check", "--allow-leak"]));
        assert!(allowed.status.success());
        let warned = String::from_utf8(allowed.stderr).unwrap();
        assert!(warned.starts_with("warning: these pairs are not unseen: of 2 pairs"), "{warned}");
    }
    for (planted, expected) in [
        (json!({ "sentence1": "a", "sentence2": "b" }), "field \"label\": missing"),
        (
            json!({ "sentence1": "a", "sentence2": "b", "label": 0.5 }),
            "field \"label\": 0.5 is neither 0 nor 1",
        ),
        (
            pair("a", "a", 1),
            "field \"sentence2\": looks like sentence1 (capitals, accents, spacing and punctuation set aside): a text is no pair with itself",
        ),
    ] {
        pair_files(&project, &training, &json!([planted]));
        assert_eq!(project.fails(&PAIR_FILES), format!("error: test.json, row 1, {expected}"));
    }
    assert_eq!(
        project.fails(&["similarity", "--recipe", "basic"]).split(" Missing: ").last(),
        Some(&REPORT_FILES.join(", ")[..])
    );
}

#[test]
fn a_model_from_pairs_that_calls_all_of_them_similar_is_told_of() {
    let tiny = Tiny::folder();
    let project = Project::new();
    let [training, test] = few_pairs();
    pair_files(&project, &training, &test);
    // A model of random weights finds all texts alike, and one step does not change that.
    let model = tiny.path().to_str().unwrap();
    let trained = project.run(
        &[&PAIR_FILES[..], &["--checkpoint", model, "--epochs", "1", "--learning-rate", "1e-9"]]
            .concat(),
    );
    let warned = String::from_utf8(trained.stderr).unwrap();
    assert!(trained.status.success(), "{warned}");
    assert!(
        warned.contains("warning: the model calls 4 of 4 validation pairs similar at 0.500"),
        "{warned}"
    );
    let said = String::from_utf8(trained.stdout).unwrap();
    assert!(said.contains("trained: average precision "), "{said}");
    assert!(project.at("models/pairs/modules.json").is_file());
    card_says(
        &project.at("models/pairs"),
        &[
            "pipeline_tag: \"sentence-similarity\"",
            "3 pairs of train.json, 2 of them similar",
            "which licence they have, the file does not say",
            "On 2 pairs of test.json",
            "| average precision | ",
            " | not computed |",
        ],
    );
}

/// A key that nothing computes is told by what trains, and written down.
#[test]
fn what_a_checkpoint_says_in_vain_is_printed() {
    let tiny = Tiny::folder();
    let file = tiny.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    config["window"] = json!(4);
    std::fs::write(&file, config.to_string()).unwrap();
    let project = Project::new();
    small_csv(&project);
    project.succeeds(&["corpus", "--csv", "own.csv"]);
    project.succeeds(&["split"]);
    let [training, test] = few_pairs();
    pair_files(&project, &training, &test);
    let model = tiny.path().to_str().unwrap();
    let pairs = [&PAIR_FILES[..], &["--epochs", "1"]].concat();
    let told = "config.json: not read: window";
    for command in [&["finetune"][..], &pairs[..]] {
        let output = project.run(&[command, &["--checkpoint", model]].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(said.lines().any(|line| line == format!("note: {told}")), "{said}");
    }
    let tuned = format!("models/{}.clean", ttp_lib::pretrained::file_name(model));
    for folder in [&tuned[..], "models/pairs"] {
        let record = std::fs::read(project.at(folder).join("train_params.json")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(record["notes"][0], json!(told), "{folder}");
        assert_eq!(record["layer_norm_eps"], json!(1e-12), "{folder}");
    }
}

#[test]
fn a_recipe_of_the_report_is_trained_whole_from_any_checkpoint() {
    let Some(bundle) = attack_bundle() else { return };
    let tiny = Tiny::folder();
    let made = MadeUp::new();
    let project = Project::new();
    std::fs::create_dir_all(project.at("data/raw/attack-v10.1")).unwrap();
    std::fs::copy(bundle, project.at("data/raw/attack-v10.1/enterprise-attack.json")).unwrap();
    let mut profile = small_profile();
    profile["corpus"]["rows"] = json!(800);
    profile["similarity"] =
        json!({ "report": { "attack_pairs": 10, "hard_negatives": 10, "max_length": 16 } });
    project.write("notebooks/profiles/laptop.json", &profile.to_string());
    let model = tiny.path().to_str().unwrap();
    let models = project.at("kept");
    let arguments = [
        "similarity",
        "--recipe",
        "basic,cosine",
        "--checkpoint",
        model,
        "--epochs",
        "1",
        "--models",
        models.to_str().unwrap(),
    ];
    let trained = project.command(&arguments).env("TTP_SOURCES", made.folder()).output().unwrap();
    let warned = String::from_utf8(trained.stderr).unwrap();
    assert!(trained.status.success(), "{warned}");
    assert!(warned.contains("warning: these pairs are not unseen: of "), "{warned}");
    assert!(
        warned.contains("multiple negatives ranking, scale 20 would teach them as similar"),
        "{warned}"
    );
    assert!(project.at("kept/basic/modules.json").is_file());
    assert!(project.at("kept/cosine/modules.json").is_file());
    card_says(
        &project.at("kept/basic"),
        &[
            "CyberTune (MIT)",
            "The report's recipe basic",
            "Ended after epoch 1.",
            "takes pairs that are labelled dissimilar for similar ones",
            "these scores are too high for new texts",
            "| average precision | ",
        ],
    );
    let cosine = std::fs::read_to_string(project.at("kept/cosine/README.md")).unwrap();
    assert!(!cosine.contains("for similar ones"), "{cosine}");
    // One file for each checkpoint and split: a second run leaves the first one's.
    let name = ttp_lib::pretrained::file_name(model);
    let file = format!("results/experiments/similarity_report.{name}.report.json");
    let written: Value =
        serde_json::from_slice(&std::fs::read(project.at(&file)).unwrap()).unwrap();
    let rows = written.as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!((&rows[0]["recipe"], &rows[1]["recipe"]), (&Value::Null, &json!("basic")));
    assert_eq!(rows[1]["scores"][1]["ground"], "attack");
}

fn attack_bundle() -> Option<PathBuf> {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../data/raw/attack-v10.1/enterprise-attack.json");
    if !bundle.is_file() {
        crate::common::skip("attack-v10.1/enterprise-attack.json is not in data/raw");
        return None;
    }
    Some(bundle)
}

/// Whoever has no WordNet, or half of it, is told so before anything is written.
#[test]
fn a_thesaurus_that_is_broken_is_named() {
    let project = Project::new();
    let rows: String =
        (0..40).map(|i| format!("It stole file {i} of the user,T{}\n", i % 2)).collect();
    project.write("own.csv", &format!("sentence,technique\n{rows}"));
    let mut own = small_profile();
    own["corpus"]["source"] =
        json!({ "csv": { "path": "own.csv", "sentence": "sentence", "technique": "technique" } });
    own["balance"] = json!({ "trim_below": 5, "upsample_to": 40, "downsample_to": 60 });
    project.write("notebooks/profiles/laptop.json", &own.to_string());
    project.succeeds(&["corpus"]);
    std::fs::create_dir_all(project.at("mine/wordnet-3.0")).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12ab\nsize 3\n";
    for (content, expected) in [(pointer, "Git LFS pointer"), ("x\n", "no word of WordNet's")] {
        project.write("mine/wordnet-3.0/index.noun", content);
        let mut command = project.command(&["split"]);
        let output = command.env("TTP_SOURCES", "mine").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(
            said.contains("mine/wordnet-3.0/index.noun: ") && said.contains(expected),
            "{said}"
        );
        assert!(!project.at("data/processed/splits").exists());
    }
    // Where a folder of one's own has none, it is that of data/raw/.
    std::fs::remove_dir_all(project.at("mine/wordnet-3.0")).unwrap();
    let output = project.command(&["split"]).env("TTP_SOURCES", "mine").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
