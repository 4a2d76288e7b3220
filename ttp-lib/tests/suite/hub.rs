//! Checkpoints from a hub on loopback: what is asked for, what is kept, and what is said
//! when an answer is wrong.

use crate::common::hub_server::{Fault, HubServer, Model, RepoFile, Request};
use crate::common::skip;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ttp_lib::Result;
use ttp_lib::pretrained::hub::{Hub, HubSettings, Progress, Retry, Snapshot, Token};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";
/// Several times what is read at once.
const WEIGHTS: usize = 300_000;

/// A hub with a few models, and an empty cache.
pub(crate) struct World {
    pub(crate) server: HubServer,
    pub(crate) cache: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Vec::new())
    }

    /// The same and some more.
    pub(crate) fn with(more: Vec<Model>) -> Self {
        let small = |name, text: &str| RepoFile { name, content: text.into(), large: false };
        let weights = |name| RepoFile { name, content: noise(WEIGHTS), large: true };
        let model = |id, files| Model {
            id,
            revisions: vec![("main", COMMIT), ("refs/pr/1", OTHER_COMMIT)],
            files,
            token: None,
            gated: false,
        };
        let whole = || {
            vec![
                small("README.md", "not wanted"),
                small("config.json", "{}"),
                weights("model.safetensors"),
                weights("pytorch_model.bin"),
                small("tokenizer.json", "[]"),
                small("tokenizer_config.json", ""),
            ]
        };
        let pickled = vec![
            small("config.json", "{}"),
            weights("pytorch_model.bin"),
            small("vocab.json", "{}"),
            small("merges.txt", "a b\n"),
        ];
        let without = |name: &str| whole().into_iter().filter(|f| !f.name.contains(name)).collect();
        let mut models = vec![
            model("org/whole", whole()),
            model("pickled", pickled),
            model("org/no-config", without("config.json")),
            model("org/no-weights", without("model")),
            model("org/no-tokenizer", without("tokenizer")),
            Model { token: Some("hf_right"), ..model("org/private", whole()) },
            Model { gated: true, ..model("org/gated", whole()) },
        ];
        models.extend(more);
        let server = HubServer::start(models);
        Self { server, cache: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn settings(&self) -> HubSettings {
        let mut settings = HubSettings::new(&self.server.endpoint, self.cache.path()).unwrap();
        settings.retry =
            Retry { attempts: 3, first_pause: Duration::from_millis(1), ..Retry::default() };
        settings
    }

    pub(crate) fn fetch_with(
        &self,
        change: impl FnOnce(&mut HubSettings),
        id: &str,
        revision: &str,
    ) -> Result<Snapshot> {
        let mut settings = self.settings();
        change(&mut settings);
        Hub::new(settings).fetch(id, revision, &mut |_| {})
    }

    pub(crate) fn fetch(&self, id: &str, revision: &str) -> Result<Snapshot> {
        self.fetch_with(|_| {}, id, revision)
    }

    pub(crate) fn offline(&self, id: &str, revision: &str) -> Result<Snapshot> {
        self.fetch_with(|settings| settings.offline = true, id, revision)
    }

    pub(crate) fn with_token(&self, token: &str, id: &str) -> Result<Snapshot> {
        self.fetch_with(|settings| settings.token = Token::new(token).unwrap(), id, "main")
    }

    /// What fetching `org/whole` says, in one line and without this machine's paths.
    pub(crate) fn said(&self, result: Result<Snapshot>) -> String {
        let message = result.unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message.replace(&self.cache.path().display().to_string(), "CACHE")
    }

    pub(crate) fn model(&self, id: &str) -> PathBuf {
        self.cache.path().join(format!("models--{}", id.replace('/', "--")))
    }

    pub(crate) fn blob(&self, file: &str) -> PathBuf {
        self.model("org/whole").join("blobs").join(self.server.file("org/whole", file).id())
    }

    pub(crate) fn partial(&self, file: &str) -> PathBuf {
        let blob = self.blob(file);
        blob.with_file_name(format!("{}.incomplete", name(&blob)))
    }

    /// Leaves the first bytes of the weights, as a run that was killed does.
    pub(crate) fn leave_partial(&self, content: &[u8]) {
        let partial = self.partial("model.safetensors");
        std::fs::create_dir_all(partial.parent().unwrap()).unwrap();
        std::fs::write(partial, content).unwrap();
    }

    /// The names in `blobs`.
    pub(crate) fn blobs(&self) -> Vec<String> {
        names(&self.model("org/whole").join("blobs"))
    }

    pub(crate) fn assert_whole(&self, snapshot: &Snapshot) {
        for file in &snapshot.files {
            let content = std::fs::read(snapshot.folder.join(file)).unwrap();
            assert!(content == self.server.file("org/whole", file).content, "{file}");
        }
        assert!(!self.blobs().iter().any(|name| name.ends_with(".incomplete")));
    }
}

pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| name(&entry.unwrap().path())).collect();
    names.sort();
    names
}

pub(crate) fn lines(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

pub(crate) fn ranges(requests: &[Request]) -> Vec<String> {
    requests.iter().filter(|r| r.at_cdn).filter_map(|request| request.range.clone()).collect()
}

const WHOLE: [&str; 4] =
    ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

// What is fetched, and where it goes.

#[test]
fn a_model_lies_in_the_hubs_own_layout() {
    let world = World::new();
    let mut seen: Vec<Progress> = Vec::new();
    let hub = Hub::new(world.settings());
    let snapshot = hub.fetch("org/whole", "main", &mut |p| seen.push(p.clone())).unwrap();
    assert_eq!(snapshot.commit, COMMIT);
    assert_eq!(snapshot.files, WHOLE);
    assert_eq!(snapshot.unchecked, [""; 0]);
    world.assert_whole(&snapshot);

    let model = world.model("org/whole");
    assert_eq!(snapshot.folder, model.join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read_to_string(model.join("refs/main")).unwrap(), COMMIT);
    for file in WHOLE {
        let target = std::fs::read_link(snapshot.folder.join(file)).unwrap();
        let id = world.server.file("org/whole", file).id();
        assert_eq!(target, Path::new("../../blobs").join(id), "{file}");
    }
    assert_eq!(names(&snapshot.folder).len(), WHOLE.len(), "nothing half-written is left");

    // Every file ends complete, and the weights come in several steps.
    for file in WHOLE {
        assert!(seen.iter().rfind(|p| p.file == file).unwrap().is_complete(), "{file}");
    }
    let steps: Vec<u64> =
        seen.iter().filter(|p| p.file == "model.safetensors").map(|p| p.done).collect();
    assert!(steps.len() > 3 && steps.is_sorted(), "{steps:?}");
}

#[test]
fn the_least_is_asked_for_and_a_known_commit_costs_nothing() {
    let world = World::new();
    world.fetch("org/whole", COMMIT).unwrap();
    let requests = lines(&world.server.take_requests());
    assert_eq!(requests[0], format!("GET /api/models/org/whole/revision/{COMMIT}"));
    assert!(!requests.iter().any(|line| line.contains("README") || line.contains("pytorch")));
    assert!(requests.iter().any(|line| line.contains("resolve-cache")), "relative redirects");

    let again = world.fetch("org/whole", COMMIT).unwrap();
    assert_eq!(again.files, WHOLE);
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);

    // A branch may have moved on: one request says that it has not.
    world.fetch("org/whole", "main").unwrap();
    assert_eq!(lines(&world.server.take_requests()), ["GET /api/models/org/whole/revision/main"]);
}

#[test]
fn a_revision_with_slashes_is_encoded_and_shares_blobs() {
    let world = World::new();
    world.fetch("org/whole", "main").unwrap();
    world.server.take_requests();
    let snapshot = world.fetch("org/whole", "refs/pr/1").unwrap();
    assert_eq!(snapshot.commit, OTHER_COMMIT);
    let requests = world.server.take_requests();
    assert_eq!(lines(&requests)[0], "GET /api/models/org/whole/revision/refs%2Fpr%2F1");
    assert!(!requests.iter().any(|request| request.at_cdn), "the blobs are there already");
    let reference = world.model("org/whole").join("refs/refs/pr/1");
    assert_eq!(std::fs::read_to_string(reference).unwrap(), OTHER_COMMIT);
    assert_eq!(world.offline("org/whole", "refs/pr/1").unwrap(), snapshot);
}

#[test]
fn pickled_weights_come_where_there_are_no_others() {
    let world = World::new();
    let snapshot = world.fetch("pickled", COMMIT).unwrap();
    assert_eq!(snapshot.files, ["config.json", "vocab.json", "merges.txt", "pytorch_model.bin"]);
    world.server.take_requests();
    world.fetch("pickled", COMMIT).unwrap();
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);
}

// Who is told what.

#[test]
fn the_token_goes_to_the_hub_and_to_no_other_host() {
    let world = World::new();
    world.with_token("hf_right", "org/private").unwrap();
    let requests = world.server.take_requests();
    for request in &requests {
        let expected = (!request.at_cdn).then_some("Bearer hf_right");
        assert_eq!(request.authorization.as_deref(), expected, "{request:?}");
    }
    assert!(requests.iter().any(|request| request.at_cdn));
}

#[test]
fn a_listing_that_leads_elsewhere_takes_no_token_along() {
    let world = World::new();
    let elsewhere = HubServer::start(Vec::new());
    let to = format!("{}/api", elsewhere.endpoint);
    world.server.plan("GET /api", 1, Fault::Redirect(to));
    assert!(world.with_token("hf_right", "org/private").is_err());
    let requests = elsewhere.take_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].authorization, None);
}

#[test]
fn who_may_not_read_is_told_what_to_do() {
    let world = World::new();
    let said = world.said(world.fetch("org/private", "main"));
    let expected = "org/private@main: private, gated or not there (401): check the name, or set \
                    HF_TOKEN to a token that may read it";
    assert_eq!(said, expected);
    let said = world.said(world.with_token("hf_wrong", "org/private"));
    let expected = "org/private@main: the hub refuses the token (401): see HF_TOKEN, or the file \
                    token in HF_HOME";
    assert_eq!(said, expected);
    let said = world.said(world.with_token("hf_right", "org/gated"));
    let expected = format!(
        "org/gated@main: access is denied (403): accept the model's terms at {}/org/gated, and \
         set HF_TOKEN to a token of that account",
        world.server.endpoint
    );
    assert_eq!(said, expected);
    assert_eq!(names(world.cache.path()), [""; 0], "nothing is left behind");
}

// What is not there.

#[test]
fn what_the_hub_does_not_have_is_named() {
    let world = World::new();
    let of = |id, revision| world.said(world.fetch(id, revision));
    assert_eq!(
        world.said(world.with_token("hf_right", "org/none")),
        "org/none@main: there is no such model, or the token of HF_TOKEN may not read it (404)"
    );
    assert!(of("org/none", "main").contains("(401): check the name"));
    assert_eq!(of("org/whole", "v9"), "org/whole@v9: the model has no such revision (404)");
    let missing = "f".repeat(40);
    assert_eq!(
        of("org/whole", &missing),
        format!("org/whole@{missing}: the model has no such revision (404)")
    );
    assert_eq!(
        of("org/no-config", "main"),
        "org/no-config@main: the repository has no config.json"
    );
    assert_eq!(
        of("org/no-weights", "main"),
        "org/no-weights@main: the repository has no weights (model.safetensors or \
         pytorch_model.bin)"
    );
    assert_eq!(
        of("org/no-tokenizer", "main"),
        "org/no-tokenizer@main: the repository has no tokenizer (tokenizer.json, vocab.txt, or \
         vocab.json with merges.txt)"
    );
    world.server.plan("HEAD /org/whole/resolve", 1, Fault::Status(404));
    assert_eq!(
        of("org/whole", "main"),
        "org/whole@main, config.json: the hub lists the file and does not have it (404)"
    );
}

#[test]
fn names_that_could_be_paths_are_asked_of_nobody() {
    let world = World::new();
    for (id, revision) in
        [("../evil", "main"), ("a/b/c", "main"), ("org/whole", "../../x"), ("org/whole", "")]
    {
        let said = world.said(world.fetch(id, revision));
        assert!(said.contains("this is no "), "{said}");
        world.said(world.offline(id, revision));
    }
    let said = world.said(world.fetch("a\nb", "main"));
    assert!(said.starts_with("a"), "{said}");
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);
    assert_eq!(names(world.cache.path()), [""; 0]);
}

// Answers that are wrong.

#[test]
fn a_body_cut_short_is_gone_on_with() {
    let world = World::new();
    let id = world.server.file("org/whole", "model.safetensors").id();
    world.server.plan(&format!("GET /{id}"), 2, Fault::CutAfter(100_000));
    let snapshot = world.fetch("org/whole", "main").unwrap();
    world.assert_whole(&snapshot);
    let requests = world.server.take_requests();
    assert_eq!(ranges(&requests), ["bytes=100000-", "bytes=200000-"]);
}

#[test]
fn a_body_that_is_cut_each_time_is_kept_for_the_next_run_and_trusted_by_none() {
    let world = World::new();
    let id = world.server.file("org/whole", "model.safetensors").id();
    world.server.plan(&format!("GET /{id}"), 3, Fault::CutAfter(50_000));
    let said = world.said(world.fetch("org/whole", "main"));
    let expected = "org/whole@main, model.safetensors: the body ends after 150000 of 300000 bytes";
    assert!(said.starts_with(expected) && said.contains("(tried 3 times)"), "{said}");
    assert!(!world.blob("model.safetensors").exists());
    assert_eq!(std::fs::metadata(world.partial("model.safetensors")).unwrap().len(), 150_000);
    assert!(world.said(world.offline("org/whole", COMMIT)).contains("weights"));

    world.server.take_requests();
    world.assert_whole(&world.fetch("org/whole", "main").unwrap());
    assert_eq!(ranges(&world.server.take_requests()), ["bytes=150000-"]);
}

#[test]
fn a_body_whose_bytes_come_one_by_one_is_not_waited_for() {
    let world = World::new();
    let id = world.server.file("org/whole", "model.safetensors").id();
    world.server.plan(&format!("GET /{id}"), 3, Fault::SlowAfter(50_000));
    let mut settings = world.settings();
    settings.timeout = Duration::from_millis(500);
    let said = world.said(Hub::new(settings).fetch("org/whole", "main", &mut |_| {}));
    let expected = "org/whole@main, model.safetensors: too slow: ";
    assert!(said.starts_with(expected) && said.contains("(tried 3 times)"), "{said}");
    assert!(!world.blob("model.safetensors").exists());
}

/// The process that the next test kills; nothing where it is run by itself.
#[test]
fn a_run_to_be_killed() {
    let variable = |name| std::env::var(name).ok();
    let (Some(endpoint), Some(cache)) = (variable("TTP_TEST_HUB"), variable("TTP_TEST_CACHE"))
    else {
        return;
    };
    let hub = Hub::new(HubSettings::new(&endpoint, Path::new(&cache)).unwrap());
    let _ = hub.fetch("org/whole", "main", &mut |_| {});
}

#[test]
fn a_tokenizer_is_found_in_the_cache_without_its_weights_and_without_a_request() {
    let world = World::new();
    let cached = |revision: &str| {
        Hub::new(world.settings()).cached_tokenizer("org/whole", revision).unwrap()
    };
    assert_eq!(cached("main"), None);
    let folder = world.fetch("org/whole", "main").unwrap().folder;
    world.server.take_requests();
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    assert_eq!(cached("main"), Some(folder.clone()));
    assert_eq!(cached(COMMIT), Some(folder.clone()));
    assert_eq!(cached(OTHER_COMMIT), None);
    std::fs::write(world.blob("tokenizer.json"), "{}").unwrap();
    assert_eq!(cached("main"), None, "corrupt");
    std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
    assert_eq!(cached("main"), None, "no vocabulary");
    assert_eq!(lines(&world.server.take_requests()), Vec::<String>::new());
}

#[test]
fn a_killed_run_is_gone_on_with_and_its_lock_holds_nobody_up() {
    let world = World::new();
    world.server.plan("?file=model.safetensors", 1, Fault::StallAfter(123_456));
    let mut run = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hub::a_run_to_be_killed"])
        .env("TTP_TEST_HUB", &world.server.endpoint)
        .env("TTP_TEST_CACHE", world.cache.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let partial = world.partial("model.safetensors");
    while std::fs::metadata(&partial).map_or(0, |metadata| metadata.len()) < 123_456 {
        assert!(run.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(world.said(world.offline("org/whole", COMMIT)).contains("weights"));
    world.assert_whole(&world.fetch("org/whole", "main").unwrap());
    assert_eq!(ranges(&world.server.take_requests()), ["bytes=123456-"]);
}

#[test]
fn whatever_a_killed_run_left_the_file_comes_out_right() {
    let whole = noise(WEIGHTS);
    let longer = [&whole[..], b"more"].concat();
    let mut other = whole.clone();
    other[7] ^= 1;
    for (left, bodies) in
        [(&whole[..], 0), (&longer[..], 1), (&other[..], 1), (&other[..100], 2), (&[][..], 1)]
    {
        let world = World::new();
        world.leave_partial(left);
        world.assert_whole(&world.fetch("org/whole", "main").unwrap());
        let requests = world.server.take_requests();
        assert_eq!(requests.iter().filter(|r| r.at_cdn).count(), bodies, "{}", left.len());
    }
}

#[test]
fn a_server_that_cannot_do_ranges_starts_over() {
    for fault in [Fault::IgnoreRange, Fault::OtherRange, Fault::Status(416)] {
        let world = World::new();
        world.leave_partial(&noise(WEIGHTS)[..1000]);
        let id = world.server.file("org/whole", "model.safetensors").id();
        world.server.plan(&format!("GET /{id}"), 1, fault.clone());
        world.assert_whole(&world.fetch("org/whole", "main").unwrap());
        assert_eq!(ranges(&world.server.take_requests()), ["bytes=1000-"], "{fault:?}");
    }
}

#[test]
fn content_that_is_not_what_was_announced_is_removed() {
    // A small file's body comes from the hub, a large one's from the other host.
    for (file, needle) in [
        ("config.json", "GET /org/whole/resolve/"),
        ("model.safetensors", "?file=model.safetensors"),
    ] {
        let world = World::new();
        let id = world.server.file("org/whole", file).id();
        world.server.plan(needle, 1, Fault::WrongByte);
        let said = world.said(world.fetch("org/whole", "main"));
        let expected = format!(
            "org/whole@main, {file}: what came is not what the hub announced ({id}), and was \
             removed"
        );
        assert_eq!(said, expected);
        assert!(!world.blobs().iter().any(|name| name.starts_with(&id)), "{:?}", world.blobs());
        world.assert_whole(&world.fetch("org/whole", "main").unwrap());
    }
}

#[test]
fn a_size_that_is_not_the_files_is_named_and_nothing_of_it_kept() {
    for size in [WEIGHTS - 1, WEIGHTS + 1] {
        let world = World::new();
        let needle = "HEAD /org/whole/resolve/0123456789abcdef0123456789abcdef01234567/model";
        world.server.plan(needle, 1, Fault::Size(size));
        assert_eq!(
            world.said(world.fetch("org/whole", "main")),
            format!(
                "org/whole@main, model.safetensors: the hub announces {size} bytes, and {WEIGHTS} \
                 are sent (tried 3 times); HF_HUB_OFFLINE=1 uses the cache alone"
            )
        );
        assert!(!world.blob("model.safetensors").exists());
        world.assert_whole(&world.fetch("org/whole", "main").unwrap());
    }
}

#[test]
fn a_busy_hub_is_asked_again_and_not_for_ever() {
    for fault in [Fault::Status(503), Fault::Status(429), Fault::HangUp] {
        let world = World::new();
        for needle in ["GET /api", "HEAD /org/whole", "?file=model.safetensors"] {
            world.server.plan(needle, 2, fault.clone());
        }
        world.assert_whole(&world.fetch("org/whole", "main").unwrap());
    }
    let world = World::new();
    world.server.plan("GET /api", 3, Fault::Status(503));
    assert_eq!(
        world.said(world.fetch("org/whole", "main")),
        "org/whole@main: 127.0.0.1 answered 503 (tried 3 times); HF_HUB_OFFLINE=1 uses the cache \
         alone"
    );
}

#[test]
fn answers_that_make_no_sense_are_named() {
    for (needle, fault, expected) in [
        ("GET /api", Fault::Body("<html>"), ": the hub's answer is not the JSON it should be"),
        ("GET /api", Fault::Body("{}"), ": the hub's answer is not the JSON it should be: missing"),
        (
            "GET /api",
            Fault::Body(r#"{"sha": "../..", "siblings": []}"#),
            r#": the hub's answer is of "../..", which is no commit"#,
        ),
        ("config.json", Fault::ETag("\"../../x\""), ", config.json: the ETag is neither a sha256"),
        (
            "HEAD /org/whole/resolve/0123456789abcdef0123456789abcdef01234567/model",
            Fault::ETag("\"d41d8cd98f00b204e9800998ecf8427e-5\""),
            ", model.safetensors: the ETag is neither a sha256 nor a git blob id",
        ),
        ("config.json", Fault::NoETag, ", config.json: the hub does not say what the file holds"),
        ("config.json", Fault::OtherCommit, ", config.json: the hub answered with commit fff"),
        ("GET /api", Fault::Redirect("file:///etc/passwd".into()), ": a redirect leads nowhere"),
        ("GET /api", Fault::Status(418), ": the hub refuses with status 418"),
    ] {
        let world = World::new();
        world.server.plan(needle, 1, fault);
        let said = world.said(world.fetch("org/whole", "main"));
        assert!(said.starts_with(&format!("org/whole@main{expected}")), "{said}");
        assert!(!world.model("org/whole").join("refs").exists());
    }
    let world = World::new();
    world.server.plan("GET /", usize::MAX, Fault::Redirect("/round".into()));
    let said = world.said(world.fetch("org/whole", "main"));
    assert_eq!(said, "org/whole@main: more than 10 redirects");
}

#[test]
fn a_hub_that_is_not_there_is_named_with_the_reason() {
    let world = World::new();
    // No port of those that the system hands out: another test's server could be given it.
    let elsewhere = |settings: &mut HubSettings| {
        settings.endpoint = "http://127.0.0.1:9".parse().unwrap();
    };
    let said = world.said(world.fetch_with(elsewhere, "org/whole", "main"));
    assert!(said.starts_with("org/whole@main: cannot reach 127.0.0.1: "), "{said}");
    assert!(said.contains("refused") && said.contains("HF_HUB_OFFLINE=1"), "{said}");
}

#[test]
fn a_hub_that_says_nothing_is_not_waited_for_for_ever() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let change = |settings: &mut HubSettings| {
        settings.endpoint = format!("http://{}", silent.local_addr().unwrap()).parse().unwrap();
        settings.timeout = Duration::from_millis(50);
        settings.retry.attempts = 1;
    };
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    assert!(said.starts_with("org/whole@main: cannot reach 127.0.0.1: "), "{said}");
}

// The cache.

#[test]
fn offline_the_cache_is_enough_and_says_what_it_lacks() {
    let world = World::new();
    let fetched = world.fetch("org/whole", "main").unwrap();
    world.server.take_requests();
    assert_eq!(world.offline("org/whole", "main").unwrap(), fetched);
    assert_eq!(world.offline("org/whole", COMMIT).unwrap(), fetched);
    let offline = "not in the cache CACHE, and offline mode is on: set HF_HUB_OFFLINE=0 once \
                   to fetch it";
    let said = |id, revision| world.said(world.offline(id, revision));
    assert_eq!(said("org/whole", "v2"), format!("org/whole@v2: it is {offline}"));
    assert_eq!(said("pickled", "main"), format!("pickled@main: it is {offline}"));
    std::fs::remove_file(fetched.folder.join("tokenizer.json")).unwrap();
    let what = "tokenizer (tokenizer.json, vocab.txt, or vocab.json with merges.txt)";
    assert_eq!(said("org/whole", "main"), format!("org/whole@main: {what} is {offline}"));
    assert_eq!(lines(&world.server.take_requests()), [""; 0]);
}

#[test]
fn a_corrupt_blob_is_healed_and_offline_named() {
    for file in ["config.json", "model.safetensors"] {
        let world = World::new();
        world.fetch("org/whole", COMMIT).unwrap();
        let blob = world.blob(file);
        let mut content = std::fs::read(&blob).unwrap();
        content[0] ^= 1;
        std::fs::write(&blob, content).unwrap();
        assert_eq!(
            world.said(world.offline("org/whole", COMMIT)),
            format!(
                "org/whole@{COMMIT}, {file}: what the cache holds is corrupt or gone, and offline \
                 mode is on: set HF_HUB_OFFLINE=0 once to fetch it anew"
            )
        );
        // Where it cannot be fetched anew, nobody else is to trust it either.
        world.server.plan("GET /org/whole/resolve/", 3, Fault::Status(503));
        world.said(world.fetch("org/whole", COMMIT));
        assert!(!blob.exists());
        world.assert_whole(&world.fetch("org/whole", COMMIT).unwrap());
        world.offline("org/whole", COMMIT).unwrap();
    }
}

#[test]
fn a_blob_cut_short_or_gone_is_healed() {
    let world = World::new();
    world.fetch("org/whole", COMMIT).unwrap();
    let blob = world.blob("model.safetensors");
    std::fs::write(&blob, &noise(WEIGHTS)[..10]).unwrap();
    world.assert_whole(&world.fetch("org/whole", COMMIT).unwrap());
    for file in ["tokenizer_config.json", "model.safetensors"] {
        std::fs::remove_file(world.blob(file)).unwrap();
        let said = world.said(world.offline("org/whole", COMMIT));
        assert!(
            said.contains(&format!("{file}: what the cache holds is corrupt or gone")),
            "{said}"
        );
        world.assert_whole(&world.fetch("org/whole", COMMIT).unwrap());
        world.offline("org/whole", COMMIT).unwrap();
    }
}

#[test]
fn a_users_own_copy_is_used_and_said_to_be_unchecked() {
    let world = World::new();
    let snapshot = world.fetch("org/whole", COMMIT).unwrap();
    let path = snapshot.folder.join("config.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "{\"mine\": 1}").unwrap();
    for snapshot in [
        world.fetch("org/whole", COMMIT).unwrap(),
        world.fetch("org/whole", "main").unwrap(),
        world.offline("org/whole", COMMIT).unwrap(),
    ] {
        assert_eq!(snapshot.unchecked, ["config.json"]);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"mine\": 1}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    // Permission bits do not stop root; a file in the folder's place stops everybody.
    let file = world.cache.path().join("file");
    std::fs::write(&file, "").unwrap();
    let change = |settings: &mut HubSettings| settings.cache = file.join("hub");
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    let expected = "org/whole@main, config.json: CACHE/file/hub/.locks/models--org--whole: cannot \
                    create: ";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.ends_with("; HF_HOME can name another folder for the cache"), "{said}");
}

#[test]
#[cfg(unix)]
fn a_folder_without_write_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let set = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(world.cache.path(), permissions).unwrap();
    };
    set(0o555);
    let root = std::fs::create_dir(world.cache.path().join("probe")).is_ok();
    if root {
        skip("permission bits do not hold for root: a cache without write permission");
    } else {
        let said = world.said(world.fetch("org/whole", "main"));
        assert!(said.contains("cannot create: Permission denied"), "{said}");
    }
    set(0o755);
}

#[test]
fn two_threads_fetch_a_model_once() {
    let world = World::new();
    let results: Vec<_> = std::thread::scope(|scope| {
        let fetch = || scope.spawn(|| world.fetch("org/whole", "main").unwrap());
        [fetch(), fetch(), fetch()].map(|thread| thread.join().unwrap()).into()
    });
    for snapshot in &results {
        assert_eq!(*snapshot, results[0]);
        world.assert_whole(snapshot);
    }
    let requests = world.server.take_requests();
    assert_eq!(requests.iter().filter(|request| request.at_cdn).count(), 1);
}

// Python's side.

/// Runs huggingface_hub, in a process of its own, against this hub and cache.
fn python(world: &World, python: &str, offline: bool) -> String {
    let script = "import sys, huggingface_hub as hub; \
                  print(hub.snapshot_download('org/whole', revision='main', \
                  allow_patterns=sys.argv[1:]))";
    let output = std::process::Command::new(python)
        .args(["-c", script])
        .args(WHOLE)
        .env("HF_ENDPOINT", &world.server.endpoint)
        .env("HF_HUB_CACHE", world.cache.path())
        .env("HF_HUB_OFFLINE", if offline { "1" } else { "0" })
        .env("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn python_and_this_crate_find_what_the_other_fetched() {
    let Ok(program) = std::env::var("TTP_HUB_PYTHON") else {
        let why = "the hub's cache beside Python's: TTP_HUB_PYTHON names no Python with \
                   huggingface_hub (0.26.5)";
        return skip(why);
    };
    let ours = World::new();
    let snapshot = ours.fetch("org/whole", "main").unwrap();
    assert_eq!(Path::new(&python(&ours, &program, true)), snapshot.folder);
    ours.server.take_requests();
    python(&ours, &program, false);
    assert!(!ours.server.take_requests().iter().any(|request| request.at_cdn));

    let theirs = World::new();
    let folder = python(&theirs, &program, false);
    let snapshot = theirs.offline("org/whole", "main").unwrap();
    assert_eq!(snapshot.folder, Path::new(&folder));
    assert_eq!((snapshot.files.len(), snapshot.unchecked.len()), (WHOLE.len(), 0));
    theirs.assert_whole(&snapshot);
    theirs.server.take_requests();
    theirs.fetch("org/whole", COMMIT).unwrap();
    assert_eq!(theirs.server.take_requests().len(), 1, "only the listing");

    // What one began the other ends.
    let half = World::new();
    half.leave_partial(&noise(WEIGHTS)[..1000]);
    python(&half, &program, false);
    half.assert_whole(&half.offline("org/whole", "main").unwrap());
    assert_eq!(ranges(&half.server.take_requests()), ["bytes=1000-"]);
}
