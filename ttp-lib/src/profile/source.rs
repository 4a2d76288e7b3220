//! Where a profile's sentences come from: bundles of ATT&CK, a CSV file, a data set of the hub.

use super::external::{ATTACK_V15, TRAM_V2};
use super::{PAPER_ROWS, Profile, Run, TRAM};
use schemars::JsonSchema;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use ttp_base::error::SettingPath;
use ttp_base::settings::{Range, Schema, Setting};
use ttp_base::{Error, Result, settings};
use ttp_model::card::Provenance;
use ttp_model::pretrained::hub::{self, Hub};
use ttp_text::corpus::{self, Columns, CorpusBuild, Kinship, RowChoice};

/// Where the sentences come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorpusSettings {
    /// The main source.
    pub source: Source,
    /// Whether TRAM v1's sentences are joined to it: to ATT&CK's alone.
    #[serde(default)]
    pub join_tram_v1: bool,
    /// Take this many rows, the same share of every technique; all where absent.
    #[serde(default)]
    pub rows: Option<usize>,
}

/// The main source of a corpus. In a profile: a name, or an object with one of the other names.
///
/// ```
/// use ttp_lib::profile::Source;
/// let read = |json| serde_json::from_str::<Source>(json);
/// assert_eq!(read(r#""attack-v15""#).unwrap(), Source::AttackV15);
/// assert_eq!(read(r#""mine/x.json""#).unwrap(), read(r#"{"bundle": "mine/x.json"}"#).unwrap());
/// let own = read(r#"{"bundle": ["enterprise-attack.json", "mobile-attack.json"]}"#).unwrap();
/// assert!(matches!(own, Source::Bundle(bundles) if bundles.len() == 2));
/// let of_hub = r#"{"hub": {
///     "dataset": "Hoangcuongnguyen/cti-to-mitre-dataset", "revision": "main",
///     "file": "train.csv", "sentence": "sentence", "technique": "label_tec"
/// }}"#;
/// assert!(matches!(read(of_hub).unwrap(), Source::Hub(of_hub) if of_hub.file == "train.csv"));
/// assert!(read(r#""attack-v99""#).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub enum Source {
    /// MITRE's ATT&CK v10.1 bundle (Enterprise), from the package that carries it.
    #[serde(rename = "attack-v10.1")]
    AttackV10,
    /// MITRE's ATT&CK v15 bundle (Enterprise), from the package that carries it.
    #[serde(rename = "attack-v15")]
    AttackV15,
    /// ATT&CK bundles in STIX 2.x, one path or a list: their sentences one behind the other. A
    /// relative path is taken from the repository's root. One that ends with `.json` may stand
    /// alone in the profile.
    #[serde(rename = "bundle")]
    Bundle(Vec<PathBuf>),
    /// A CSV file of one's own.
    #[serde(rename = "csv")]
    Csv(CsvSource),
    /// A CSV file of a data set on the hub.
    #[serde(rename = "hub")]
    Hub(HubSource),
}

/// A CSV file with a header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSource {
    /// The file; a relative path is taken from the repository's root.
    pub path: PathBuf,
    /// The column that holds the sentence.
    pub sentence: String,
    /// The column that holds the technique's id.
    pub technique: String,
    /// Which labels there may be.
    #[serde(default)]
    pub labels: Labels,
    /// Which rows are kept.
    #[serde(default)]
    pub keep: RowChoice,
    /// Its name in `data/sources.toml`, where it is a file of that list and not one's own;
    /// it is then read from `TTP_SOURCES`, where that holds it.
    #[serde(default)]
    pub listed: Option<String>,
}

/// A CSV file of a data set on the Hugging Face hub. It is fetched into the hub's cache and checked
/// as checkpoints are; `<dataset>/<file>` below `TTP_SOURCES` or `data/raw/` goes before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// The data set's id, `owner/name`; `id` in a profile, too.
    #[serde(alias = "id")]
    pub dataset: String,
    /// A commit, branch or tag. Only a commit is the same rows on every day.
    pub revision: String,
    /// The CSV file's path in the data set.
    pub file: String,
    /// The column that holds the sentence.
    pub sentence: String,
    /// The column that holds the technique's id.
    pub technique: String,
    /// Which labels there may be.
    #[serde(default)]
    pub labels: Labels,
    /// Which rows are kept.
    #[serde(default)]
    pub keep: RowChoice,
}

/// Which labels a CSV file may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// Any names of classes.
    #[default]
    Any,
    /// Techniques of ATT&CK v10.1 that are not withdrawn, of Enterprise and (where its bundle
    /// is at hand) of Mobile; sub-techniques are folded in.
    Attack,
}

/// Mobile's bundle, whose techniques labels may be.
const MOBILE: &str = "attack-v10.1/mobile-attack.json";

/// What [`Source`] may be, for messages.
const KNOWN: &str = "attack-v10.1, attack-v15, the path of a bundle (….json), {\"bundle\": …}, {\"csv\": …}, {\"hub\": …}";

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(AnySource)
    }
}

/// A source as a profile writes it: a name, a path, or an object with one of the other names.
struct AnySource;

impl AnySource {
    fn unknown<E: de::Error>(name: &str) -> E {
        E::custom(format!("unknown source {name:?}; known: {KNOWN}"))
    }

    fn needed<E: de::Error>() -> E {
        E::custom(format!("one source is needed: {KNOWN}"))
    }
}

impl<'de> Visitor<'de> for AnySource {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one source: {KNOWN}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> std::result::Result<Source, E> {
        match name {
            "attack-v10.1" => Ok(Source::AttackV10),
            "attack-v15" => Ok(Source::AttackV15),
            path if path.ends_with(".json") => Ok(Source::Bundle(vec![path.into()])),
            other => Err(Self::unknown(other)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> std::result::Result<Source, A::Error> {
        Err(Self::needed())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Source, A::Error> {
        let name: String = map.next_key()?.ok_or_else(Self::needed::<A::Error>)?;
        let source = match name.as_str() {
            "bundle" => Source::Bundle(map.next_value::<Bundles>()?.0),
            "csv" => Source::Csv(map.next_value()?),
            "hub" => Source::Hub(map.next_value()?),
            other => return Err(Self::unknown(other)),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(source),
            Some(_) => Err(Self::needed()),
        }
    }
}

/// The path of a bundle, or a list of them; as of a CSV file, either may stand under `path`.
struct Bundles(Vec<PathBuf>);

impl<'de> Deserialize<'de> for Bundles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = match Value::deserialize(deserializer)? {
            Value::Object(mut one) if one.len() == 1 => one.remove("path").unwrap_or_default(),
            value => value,
        };
        let paths: Option<Vec<PathBuf>> = match value {
            Value::String(path) => Some(vec![path.into()]),
            Value::Array(paths) => {
                paths.iter().map(|path| path.as_str().map(PathBuf::from)).collect()
            }
            _ => None,
        };
        let named = |path: &PathBuf| !path.as_os_str().is_empty();
        let paths = paths.filter(|paths| !paths.is_empty() && paths.iter().all(named));
        paths
            .map(Self)
            .ok_or_else(|| de::Error::custom("the path of a bundle is needed, or a list of paths"))
    }
}

impl Setting for Source {
    fn describe(_: Option<&Range>, schema: &mut Schema) {
        let Some(choices) = schema.get_mut("oneOf").and_then(Schema::as_array_mut) else { return };
        for choice in choices.iter_mut() {
            if let Some(bundle) = choice.pointer_mut("/properties/bundle") {
                let path = json!({ "type": "string", "minLength": 1 });
                let paths = json!([path, { "type": "array", "items": path, "minItems": 1 }]);
                let under_path = json!({
                    "type": "object", "properties": { "path": { "anyOf": paths } },
                    "required": ["path"], "additionalProperties": false
                });
                *bundle = json!({ "anyOf": [{ "anyOf": paths }, under_path] });
            }
            if let Some(hub) = choice.pointer_mut("/properties/hub") {
                HubSource::describe(None, hub);
            }
        }
        let path = "The path of a bundle.";
        choices.push(json!({ "description": path, "type": "string", "pattern": "\\.json$" }));
    }
}

impl Setting for HubSource {
    fn describe(_: Option<&Range>, schema: &mut Schema) {
        // One of the two names of the data set is needed.
        let names = json!([{ "required": ["dataset"] }, { "required": ["id"] }]);
        let Some(schema) = schema.as_object_mut() else { return };
        schema.insert("oneOf".to_owned(), names);
        if let Some(Schema::Array(required)) = schema.get_mut("required") {
            required.retain(|name| name != "dataset");
        }
        if let Some(Schema::Object(fields)) = schema.get_mut("properties") {
            let dataset = fields.get("dataset").cloned().unwrap_or_default();
            fields.insert("id".to_owned(), dataset);
        }
    }
}

settings!(
    CorpusSettings, "corpus", { source }, free { join_tram_v1, rows }, also Self::can_join_tram
);

impl CorpusSettings {
    fn can_join_tram(&self, at: &SettingPath) -> Result<()> {
        if self.join_tram_v1 && self.source.bundles().is_empty() {
            let reason =
                "only ATT&CK's sentences can be joined with TRAM's, and the source is a table";
            return at.field("join_tram_v1").refuse(reason);
        }
        Ok(())
    }
}

impl Source {
    /// The bundles that the sentences come from, as the profile names them; none of a table.
    fn bundles(&self) -> Vec<PathBuf> {
        match self {
            Self::AttackV10 => vec!["data/raw/attack-v10.1/enterprise-attack.json".into()],
            Self::AttackV15 => vec!["data/raw/attack-v15/enterprise-attack.json".into()],
            Self::Bundle(paths) => paths.clone(),
            Self::Csv(_) | Self::Hub(_) => Vec::new(),
        }
    }
}

impl Source {
    /// The source with its licence, as a model card says it.
    pub fn licensed(&self) -> String {
        match self {
            Self::AttackV10 => "MITRE ATT&CK v10.1, Enterprise (ATT&CK Terms of Use)".to_owned(),
            Self::AttackV15 => "MITRE ATT&CK v15, Enterprise (ATT&CK Terms of Use)".to_owned(),
            Self::Bundle(paths) => {
                let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                format!("the ATT&CK bundles {} (ATT&CK Terms of Use)", names.join(", "))
            }
            Self::Csv(CsvSource { listed: Some(name), .. }) if name == "orbinato-mixed" => {
                "dataset_mixed.csv of Orbinato et al., ISSRE 2022 (CC BY-SA 4.0)".to_owned()
            }
            Self::Csv(CsvSource { path, .. }) => format!("the file {}", path.display()),
            Self::Hub(HubSource { dataset, revision, file, .. }) => {
                format!("{file} of the hub's data set {dataset} at {revision}")
            }
        }
    }
}

impl Run {
    /// Where the sentences come from, as a model card says it.
    pub fn provenance(&self) -> Provenance {
        let Profile { name, corpus, .. } = &self.profile;
        Provenance { data: corpus.source.licensed(), profile: name.clone() }
    }

    /// Where the profile's sentences come from, as [`corpus::build()`] takes it. A data set of the
    /// hub is fetched.
    ///
    /// # Errors
    /// If a bundle is not there, the hub's file cannot be had, or labels are to be ATT&CK's and its
    /// bundle cannot be read.
    pub fn source(&self) -> Result<corpus::Source> {
        let tram = (self.profile.corpus.join_tram_v1).then(|| self.folders.raw(TRAM));
        let source = &self.profile.corpus.source;
        let table = |path, sentence: &str, technique: &str, labels, keep| {
            let (columns, known) = (Columns::named(sentence, technique), self.known(labels)?);
            Ok(corpus::Source::Csv { path, columns, known, keep })
        };
        match source {
            Source::AttackV10 => Ok(corpus::Source::Attack { bundle: self.bundle(), tram }),
            Source::AttackV15 | Source::Bundle(_) => {
                Ok(corpus::Source::Bundles { bundles: self.bundles()?, tram })
            }
            Source::Csv(csv) => {
                let path = match csv.path.strip_prefix("data/raw") {
                    Ok(name) if csv.listed.is_some() => self.folders.raw(&name.to_string_lossy()),
                    _ => self.folders.root.join(&csv.path),
                };
                table(path, &csv.sentence, &csv.technique, csv.labels, csv.keep)
            }
            Source::Hub(of) => {
                table(self.hub_file(of)?, &of.sentence, &of.technique, of.labels, of.keep)
            }
        }
    }

    /// The profile's bundles, all of which are there.
    fn bundles(&self) -> Result<Vec<PathBuf>> {
        let found = self.profile.corpus.source.bundles().into_iter().map(|named| {
            let path = match named.strip_prefix("data/raw") {
                Ok(name) => self.folders.raw(&name.to_string_lossy()),
                Err(_) => self.folders.root.join(&named),
            };
            if path.is_file() {
                return Ok(path);
            }
            let own = matches!(self.profile.corpus.source, Source::Bundle(_));
            let field = if own { "corpus.source.bundle" } else { "corpus.source" };
            let get = if named.starts_with("data/raw") { ": `make data` gets it" } else { "" };
            let reason = format!("no such file: {}{get}", path.display());
            Err(Error::input_at(&self.file, None, Some(field), reason))
        });
        found.collect()
    }

    /// The file of a data set, from a folder of one's own or from the hub.
    fn hub_file(&self, source: &HubSource) -> Result<PathBuf> {
        let HubSource { dataset, revision, file, .. } = source;
        let wrong =
            |error: Error| Error::input_at(&self.file, None, Some("corpus.source.hub"), error);
        hub::check_dataset(dataset, revision, file).map_err(wrong)?;
        let own = self.folders.raw(&format!("{dataset}/{file}"));
        if own.is_file() {
            return Ok(own);
        }
        let hub = Hub::from_env()?;
        let found = hub.dataset_file(dataset, revision, file, &mut hub.watch()).map_err(wrong)?;
        Ok(found.path)
    }

    /// What is read or may be, whatever the profile's source is: its own file, the bundles whose
    /// techniques labels may be ([`known`](Self::known)), and the sentences that models are tested
    /// on.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let raw = [MOBILE, TRAM_V2, ATTACK_V15].map(|name| self.folders.raw(name));
        [self.file.clone(), self.bundle()].into_iter().chain(raw).collect()
    }

    /// The labels that a CSV file may have; `None` where it may have any.
    ///
    /// # Errors
    /// If they are to be ATT&CK's and its bundle cannot be read.
    pub fn known(&self, labels: Labels) -> Result<Option<BTreeMap<String, String>>> {
        match labels {
            Labels::Any => Ok(None),
            Labels::Attack => {
                let mut known = corpus::techniques(&self.bundle())?;
                let mobile = self.folders.raw(MOBILE);
                if mobile.exists() {
                    known.extend(corpus::techniques(&mobile)?);
                }
                Ok(Some(known))
            }
        }
    }

    /// How the techniques of the profile's source are akin: nothing is known of labels of one's own.
    ///
    /// # Errors
    /// If a bundle cannot be read.
    pub(super) fn kinship(&self) -> Result<Kinship> {
        match &self.profile.corpus.source {
            Source::Csv(CsvSource { labels, .. }) | Source::Hub(HubSource { labels, .. }) => {
                match labels {
                    Labels::Any => Ok(Kinship::default()),
                    Labels::Attack => Kinship::of_bundle(&self.bundle()),
                }
            }
            _ => Kinship::of_bundles(&self.bundles()?),
        }
    }

    /// The paper's own rows as they stand ([`RowChoice::EveryRow`]): Orbinato et al.'s mixed data
    /// set, whatever the profile's own source is. `None` where the file is not at hand:
    /// [`PAPER_ROWS_MISSING`](super::PAPER_ROWS_MISSING) says how to get it.
    ///
    /// # Errors
    /// If the file is there and cannot be read, or is not what it should be.
    pub fn paper_rows(&self) -> Result<Option<CorpusBuild>> {
        let path = self.folders.raw(PAPER_ROWS);
        if !path.exists() {
            return Ok(None);
        }
        let known = self.known(Labels::Attack)?;
        let columns = Columns::orbinato();
        let source = corpus::Source::Csv { path, columns, known, keep: RowChoice::EveryRow };
        corpus::build(&source).map(Some)
    }

    /// ATT&CK v10.1's bundle.
    pub(super) fn bundle(&self) -> PathBuf {
        self.folders.raw("attack-v10.1/enterprise-attack.json")
    }

    /// The sentences of all descriptions of the source's bundles; none of another source.
    ///
    /// # Errors
    /// If a bundle is not there or cannot be read.
    pub fn descriptions(&self) -> Result<Vec<String>> {
        let bundles = self.bundles()?;
        corpus::descriptions(&bundles.iter().map(PathBuf::as_path).collect::<Vec<_>>())
    }

    /// The paper's data rebuilt from MITRE's bytes, whatever the profile's own source is:
    /// ATT&CK's sentences and, where TRAM v1's file is at hand, TRAM's; beside them all of TRAM's
    /// texts, none where its file is not there.
    ///
    /// # Errors
    /// As [`corpus::build()`].
    pub fn rebuilt(&self) -> Result<(CorpusBuild, Vec<String>)> {
        let tram = Some(self.folders.raw(TRAM)).filter(|path| path.exists());
        let texts = tram.as_deref().map(corpus::tram::sentences).transpose()?.unwrap_or_default();
        Ok((corpus::build(&corpus::Source::Attack { bundle: self.bundle(), tram })?, texts))
    }

    /// A short name of the source, for results: `attack-v10.1`, `attack-v10.1+tram-v1`,
    /// `attack-v15`, `bundle:mobile-attack.json`, `orbinato-mixed`, `csv`,
    /// `owner/name@revision`.
    pub fn source_name(&self) -> String {
        let name = match &self.profile.corpus.source {
            Source::AttackV10 => "attack-v10.1".to_owned(),
            Source::AttackV15 => "attack-v15".to_owned(),
            Source::Bundle(paths) => {
                let names = paths.iter().filter_map(|path| path.file_name()).map(Path::new);
                let names: Vec<_> = names.map(|name| name.display().to_string()).collect();
                format!("bundle:{}", names.join("+"))
            }
            Source::Csv(csv) => csv.listed.clone().unwrap_or_else(|| "csv".to_owned()),
            // What a copy of one's own holds, no revision says.
            Source::Hub(of)
                if self.folders.raw(&format!("{}/{}", of.dataset, of.file)).is_file() =>
            {
                format!("{} (own copy)", of.dataset)
            }
            Source::Hub(of) => format!("{}@{}", of.dataset, of.revision),
        };
        if self.profile.corpus.join_tram_v1 { name + "+tram-v1" } else { name }
    }
}
