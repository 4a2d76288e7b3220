//! ATT&CK as STIX 2.x: techniques, and the sentences that describe them and how
//! malware and groups use them.

mod halves;
pub(super) mod labels;
pub(super) mod prose;

use super::candidates::{Candidate, Reason, Technique, Techniques};
use super::clean;
use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use ttp_base::spelling::is_technique_id;
use ttp_base::{Error, Result, files};

/// A string of the bundle, borrowed from it where it holds no escapes.
#[derive(Debug, Clone, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Debug, Deserialize)]
struct Bundle<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    objects: Option<Vec<Object<'a>>>,
}

/// The fields of STIX objects that are read here. Each may be absent: which ones
/// are missed depends on the object's type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    created: Option<Text<'a>>,
    #[serde(borrow)]
    modified: Option<Text<'a>>,
    #[serde(borrow)]
    relationship_type: Option<Text<'a>>,
    #[serde(borrow)]
    source_ref: Option<Text<'a>>,
    #[serde(borrow)]
    target_ref: Option<Text<'a>>,
    #[serde(borrow)]
    external_references: Option<Vec<Option<Reference<'a>>>>,
    #[serde(borrow)]
    kill_chain_phases: Option<Vec<Option<Phase<'a>>>>,
    #[serde(borrow)]
    x_mitre_detection: Option<Text<'a>>,
    #[serde(deserialize_with = "truth")]
    revoked: Option<bool>,
    #[serde(deserialize_with = "truth")]
    x_mitre_deprecated: Option<bool>,
}

/// A truth value, also as some programs write it: `"true"`, `"False"`, 1.
fn truth<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<bool>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    match value.to_string().trim_matches('"').to_ascii_lowercase().as_str() {
        "null" | "" => Ok(None),
        "true" | "1" => Ok(Some(true)),
        "false" | "0" => Ok(Some(false)),
        _ => Err(D::Error::custom(format!("{value} is neither true nor false"))),
    }
}

#[derive(Debug, Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    source_name: Option<Text<'a>>,
    #[serde(borrow)]
    external_id: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Phase<'a> {
    #[serde(borrow)]
    phase_name: Option<Text<'a>>,
}

impl Object<'_> {
    fn withdrawn(&self) -> bool {
        self.revoked.unwrap_or(false) || self.x_mitre_deprecated.unwrap_or(false)
    }

    fn is(&self, kind: &str) -> bool {
        said(&self.kind) == Some(kind)
    }

    /// Whether a relationship is of this type, however its letters are written.
    fn relates(&self, how: &str) -> bool {
        said(&self.relationship_type).is_some_and(|kind| kind.eq_ignore_ascii_case(how))
    }

    /// When this version was made; `None` where it does not say.
    fn time(&self) -> Option<Time> {
        said(&self.modified).map(Time::of)
    }

    /// Its STIX id: every object that is kept has one.
    fn name_in_bundle(&self) -> &str {
        said(&self.id).unwrap_or_default()
    }
}

/// When a version was made. What is no time is older than all times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Time {
    Text(String),
    Utc(DateTime<Utc>),
}

impl Time {
    /// RFC 3339, as STIX has it; also in another zone than UTC, or without one.
    fn of(text: &str) -> Self {
        let text = text.trim();
        let read = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_rfc3339(&format!("{text}Z")));
        read.map_or_else(|_| Self::Text(text.to_owned()), |time| Self::Utc(time.to_utc()))
    }
}

/// The text of a field that says something.
fn said<'a>(field: &'a Option<Text<'_>>) -> Option<&'a str> {
    field.as_ref().map(|Text(text)| text.as_ref()).filter(|text| !text.trim().is_empty())
}

/// The sentences of all descriptions of the objects of some bundles in use, each text once, in the
/// order of the files: of techniques, groups, software, mitigations, and how one uses the other.
///
/// # Errors
/// If a file cannot be read, or is no bundle.
pub fn descriptions(bundles: &[&Path]) -> Result<Vec<String>> {
    with_objects(bundles, |lists, _| {
        let mut seen = HashSet::new();
        let in_use = lists.iter().flatten().filter(|object| !object.withdrawn());
        let described = in_use.filter_map(|object| said(&object.description));
        Ok(described.flat_map(clean::sentences).filter(|text| seen.insert(text.clone())).collect())
    })
}

/// Hands on the objects of some bundles, bundle by bundle, as [`objects_of_all`] gives them.
fn with_objects<T>(
    bundles: &[&Path],
    hand_on: impl FnOnce(&[Vec<Object<'_>>], &mut [SkippedObjects]) -> Result<T>,
) -> Result<T> {
    let texts = read_texts(bundles)?;
    let mut passed_over: Vec<_> = bundles.iter().map(|_| SkippedObjects::default()).collect();
    let lists = objects_of_all(&texts, &mut passed_over)?;
    hand_on(&lists, &mut passed_over)
}

/// What of a bundle cannot be used, or not as it stands, by reason: how many, and the first of
/// them.
#[derive(Default)]
struct SkippedObjects(BTreeMap<&'static str, (usize, Vec<String>)>);

const NO_OBJECT: &str = "no STIX object, or of another shape";
const OLDER: &str = "an older version of an object that is there in a newer one";
const AGAIN: &str = "there again in the same version, of which the last one counts";
const NOWHERE: &str = "holds no attack-pattern in use";
const NO_ID: &str = "a technique without an ATT&CK id";
const NO_PARENT: &str = "a sub-technique whose technique is withdrawn or not there";
const NO_END: &str = "a relationship of which an end is not there";
/// Of what is not passed over.
const HALF: &str = "half of a character that JSON writes as two escapes";
/// As many of what was passed over are named.
const NAMED: usize = 3;

impl SkippedObjects {
    fn add(&mut self, reason: &'static str, which: impl Into<String>) {
        let (count, first) = self.0.entry(reason).or_default();
        *count += 1;
        if first.len() < NAMED {
            first.push(which.into());
        }
    }

    /// One line a reason.
    fn notes(&self) -> Vec<String> {
        let lines = self.0.iter().map(|(reason, (count, first))| {
            let more = if *count > first.len() { " …" } else { "" };
            let done = if *reason == HALF { "read as U+FFFD" } else { "passed over" };
            format!("{count} {done}: {reason} ({}{more})", first.join(", "))
        });
        lines.collect()
    }
}

/// The objects of a bundle that can be used, in the order of the file; of several versions of one
/// the newest, wherever it stands.
///
/// `repaired` holds the bundle without the objects that have another shape and without halves of
/// characters, where it has some and cannot be read with them.
fn objects_of<'a>(
    file: &Path,
    text: &'a str,
    repaired: &'a OnceCell<String>,
    passed_over: &mut SkippedObjects,
) -> Result<Vec<Object<'a>>> {
    let mut foreign: Vec<(String, Option<Time>)> = Vec::new();
    let bundle: Bundle<'_> = match serde_json::from_str(text) {
        Ok(bundle) => bundle,
        Err(error) => {
            let sound = repair(file, text, &error, passed_over, &mut foreign)?;
            let text = repaired.get_or_init(|| sound);
            serde_json::from_str(text).map_err(|error| Error::input(file, error))?
        }
    };
    if said(&bundle.kind) != Some("bundle") {
        return Err(Error::input_at(file, None, Some("type"), "not a STIX bundle"));
    }
    let read = bundle.objects.ok_or_else(|| {
        Error::input_at(file, None, Some("objects"), "missing: not a STIX bundle")
    })?;
    let mut newest: BTreeMap<String, (usize, Option<Time>)> = BTreeMap::new();
    for (index, object) in read.iter().enumerate() {
        let Some(id) = said(&object.id) else { continue };
        let time = object.time();
        if newest.get(id).is_none_or(|(_, other)| *other <= time) {
            newest.insert(id.to_owned(), (index, time));
        }
    }
    // Of an object whose newest version cannot be read no older one counts.
    for (id, time) in foreign {
        if newest.get(&id).is_some_and(|(_, other)| *other < time) {
            newest.insert(id, (read.len(), time));
        }
    }
    let mut all = Vec::with_capacity(read.len());
    for (index, object) in read.into_iter().enumerate() {
        match (said(&object.kind), said(&object.id)) {
            (Some(_), Some(id)) if newest.get(id).is_some_and(|(at, _)| *at == index) => {
                all.push(object);
            }
            (Some(_), Some(id)) => {
                let again = newest.get(id).is_some_and(|(_, time)| *time == object.time());
                passed_over.add(if again { AGAIN } else { OLDER }, id);
            }
            _ => passed_over.add(NO_OBJECT, format!("objects[{index}]")),
        }
    }
    Ok(all)
}

/// A bundle's text; in its cell the text without what has another shape, where that was needed.
type BundleText<'f> = (&'f Path, String, OnceCell<String>);

fn read_texts<'f>(bundles: &[&'f Path]) -> Result<Vec<BundleText<'f>>> {
    bundles.iter().map(|&file| Ok((file, files::read_text(file)?, OnceCell::new()))).collect()
}

/// The objects of several bundles, bundle by bundle, each object once: its newest version, in
/// whichever bundle that stands; of two that are alike the first. Without a time of change an
/// object is no version of another bundle's.
fn objects_of_all<'a>(
    bundles: &'a [BundleText<'_>],
    passed_over: &mut [SkippedObjects],
) -> Result<Vec<Vec<Object<'a>>>> {
    let mut all = Vec::with_capacity(bundles.len());
    for ((file, text, repaired), passed_over) in bundles.iter().zip(&mut *passed_over) {
        let objects = objects_of(file, text, repaired, passed_over)?;
        let is_used = |o: &Object<'_>| o.is("attack-pattern") && !o.withdrawn();
        if bundles.len() > 1 && !objects.iter().any(is_used) {
            return Err(Error::input_at(file, None, Some("objects"), NOWHERE));
        }
        all.push(objects);
    }
    let mut newest: BTreeMap<String, (usize, Time)> = BTreeMap::new();
    for (bundle, objects) in all.iter().enumerate() {
        for object in objects {
            let (id, Some(time)) = (object.name_in_bundle(), object.time()) else { continue };
            if newest.get(id).is_none_or(|(_, other)| *other < time) {
                newest.insert(id.to_owned(), (bundle, time));
            }
        }
    }
    for (bundle, (objects, passed_over)) in all.iter_mut().zip(passed_over).enumerate() {
        objects.retain(|object| {
            let Some((place, time)) = newest.get(object.name_in_bundle()) else { return true };
            let Some(own) = object.time() else { return true };
            if *place != bundle && *time != own {
                passed_over.add(OLDER, object.name_in_bundle());
            }
            *place == bundle
        });
    }
    Ok(all)
}

/// What of a bundle can be read, once reading it as it stands has failed. Halves of characters are
/// replaced, and if that does not do, objects are left out.
fn repair(
    file: &Path,
    text: &str,
    error: &serde_json::Error,
    passed_over: &mut SkippedObjects,
    foreign: &mut Vec<(String, Option<Time>)>,
) -> Result<String> {
    let Some((whole, halves)) = halves::replaced(text) else {
        return without_foreign(file, text, error, passed_over, foreign);
    };
    for half in halves {
        passed_over.add(HALF, half);
    }
    match serde_json::from_str::<Bundle<'_>>(&whole).map(drop) {
        Ok(()) => Ok(whole),
        Err(error) => without_foreign(file, &whole, &error, passed_over, foreign),
    }
}

/// The bundle without the objects that have another shape than STIX has, of which `foreign` gets
/// the ids and times. Only asked for once reading has failed, so it may be slow.
fn without_foreign(
    file: &Path,
    text: &str,
    error: &serde_json::Error,
    passed_over: &mut SkippedObjects,
    foreign: &mut Vec<(String, Option<Time>)>,
) -> Result<String> {
    let refused = |error: &serde_json::Error| {
        let reason = if error.is_eof() {
            format!("cut off: {error}")
        } else {
            format!("not a STIX bundle: {error}")
        };
        Error::input_at(file, Some(error.line()), None, reason)
    };
    let mut value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| refused(&error))?;
    if value.is_array() {
        let reason = "not a STIX bundle: a list, and no object with \"objects\"";
        return Err(Error::input_at(file, Some(1), None, reason));
    }
    let Some(objects) = value.get_mut("objects").and_then(serde_json::Value::as_array_mut) else {
        return Err(refused(error));
    };
    let mut index = 0;
    objects.retain(|object| {
        let why = match object.is_object() {
            true => Object::deserialize(object).err().map(|error| error.to_string()),
            false => Some(String::new()),
        };
        let fits = why.is_none();
        if let Some(why) = why {
            let text = |field: &str| object.get(field).and_then(serde_json::Value::as_str);
            let name = text("id").map_or_else(|| format!("objects[{index}]"), str::to_owned);
            let why = if why.is_empty() { why } else { format!(": {why}") };
            passed_over.add(NO_OBJECT, format!("{name}{why}"));
            foreign.extend(text("id").map(|id| (id.to_owned(), text("modified").map(Time::of))));
        }
        index += 1;
        fits
    });
    serde_json::to_string(&value).map_err(Error::library("writing JSON"))
}

/// A technique or sub-technique in use, as its object says beside its sentences.
pub(super) struct Pattern {
    pub id: String,
    /// The names of its phases: `defense-evasion`.
    pub tactics: BTreeSet<String>,
    /// The techniques that its description's links lead to, sub-techniques folded in.
    pub linked: Vec<String>,
}

/// The techniques and sub-techniques of some bundles that are in use and have an id.
pub(super) fn patterns(bundles: &[&Path]) -> Result<Vec<Pattern>> {
    with_objects(bundles, |lists, _| {
        let used = lists.iter().flatten().filter(|o| o.is("attack-pattern") && !o.withdrawn());
        let pattern = |object: &Object<'_>| {
            let phases = object.kill_chain_phases.iter().flatten().flatten();
            let tactics = phases.filter_map(|phase| phase.phase_name.as_ref().map(|Text(t)| t));
            let linked = object.description.iter().flat_map(|Text(text)| linked_techniques(text));
            Some(Pattern {
                id: technique_id(object).ok()?,
                tactics: tactics.map(|tactic| tactic.to_string()).collect(),
                linked: linked.collect(),
            })
        };
        Ok(used.filter_map(pattern).collect())
    })
}

/// The techniques that a description's links lead to, sub-techniques folded in.
fn linked_techniques(description: &str) -> impl Iterator<Item = String> + '_ {
    description.split("/techniques/").skip(1).filter_map(|rest| {
        let id: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        is_technique_id(&id).then_some(id)
    })
}

/// What some bundles hold.
pub(super) struct Contents {
    pub techniques: Techniques,
    /// Every sentence that speaks of a technique.
    pub candidates: Vec<Candidate>,
    /// What of each bundle was passed over, one line a reason.
    pub notes: Vec<Vec<String>>,
}

/// An object by its bundle and its STIX id.
type Place<'o> = (usize, &'o str);

/// The techniques in use, and the ATT&CK id of each pattern that has a sound one.
fn techniques_in_use<'o>(
    lists: &'o [Vec<Object<'_>>],
    passed_over: &mut [SkippedObjects],
) -> (Techniques, BTreeMap<Place<'o>, String>) {
    let mut techniques = Techniques::default();
    let mut ids: BTreeMap<Place<'_>, String> = BTreeMap::new();
    for (at, list) in lists.iter().enumerate() {
        for object in list.iter().filter(|o| o.is("attack-pattern") && !o.withdrawn()) {
            let pattern = object.name_in_bundle();
            let id = match technique_id(object) {
                Ok(id) => id,
                Err(why) => {
                    passed_over[at].add(NO_ID, format!("{pattern}: {why}"));
                    continue;
                }
            };
            let name = clean::collapse(said(&object.name).unwrap_or(&id));
            let created = said(&object.created).unwrap_or_default().to_owned();
            techniques.insert(id.clone(), Technique { name, created });
            ids.insert((at, pattern), id);
        }
    }
    for orphan in techniques.without_parent() {
        techniques.remove(&orphan);
        if let Some(((at, _), id)) = ids.iter().find(|(_, id)| **id == orphan) {
            passed_over[*at].add(NO_PARENT, id.clone());
        }
        ids.retain(|_, id| *id != orphan);
    }
    (techniques, ids)
}

/// Reads bundles as one: what is sound of them. Withdrawn objects are looked at no further; a
/// relationship without its ends, a technique without an id, a sub-technique without its
/// technique and whatever is no STIX object are passed over and counted. An object may have its
/// newest version, and a relationship its ends, in another bundle.
pub(super) fn read(bundles: &[&Path]) -> Result<Contents> {
    let texts = read_texts(bundles)?;
    let mut passed_over: Vec<_> = bundles.iter().map(|_| SkippedObjects::default()).collect();
    let lists = objects_of_all(&texts, &mut passed_over)?;
    let (techniques, ids) = techniques_in_use(&lists, &mut passed_over);
    if techniques.is_empty() {
        let notes: Vec<String> = passed_over.iter().flat_map(SkippedObjects::notes).collect();
        let why = if notes.is_empty() { "" } else { "; " };
        let reason = format!("{NOWHERE}{why}{}", notes.join("; "));
        let file = bundles.first().copied().unwrap_or(Path::new("bundle"));
        return Err(Error::input_at(file, None, Some("objects"), reason));
    }

    let mut candidates = Vec::new();
    let mut add = |object: &Object<'_>, pattern: Place<'_>, reason: Option<Reason>| {
        let id = ids.get(&pattern);
        let reason = reason.or(id.is_none().then_some(Reason::UnusableTechnique));
        // A sentence that is left out is counted, and its technique's id is not needed.
        let technique = id.filter(|_| reason.is_none()).cloned().unwrap_or_default();
        for text in clean::sentences(said(&object.description).unwrap_or_default()) {
            let (technique, source_id) = (technique.clone(), object.name_in_bundle().to_owned());
            candidates.push(Candidate { technique, text, source_id, dropped: reason });
        }
    };
    let by_id: Vec<BTreeMap<&str, &Object<'_>>> =
        lists.iter().map(|list| list.iter().map(|o| (o.name_in_bundle(), o)).collect()).collect();
    for (at, list) in lists.iter().enumerate() {
        for object in list.iter().filter(|object| object.is("attack-pattern")) {
            let own = (at, object.name_in_bundle());
            add(object, own, object.withdrawn().then_some(Reason::WithdrawnTechnique));
        }
        // What stands in the same bundle goes before what has its id in another one.
        let end = |id: Option<&str>| -> Option<(usize, &Object<'_>)> {
            let places = std::iter::once(at).chain(0..lists.len());
            let id = id?;
            places.into_iter().find_map(|place| Some((place, *by_id[place].get(id)?)))
        };
        for object in list.iter().filter(|object| object.is("relationship")) {
            if !object.relates("uses") {
                continue;
            }
            let target = said(&object.target_ref);
            if target.is_some_and(|target| !target.starts_with("attack-pattern--")) {
                continue;
            }
            let (source, pattern) = (end(said(&object.source_ref)), end(target));
            let (Some((_, source)), Some((place, pattern))) = (source, pattern) else {
                // What is withdrawn may have lost its ends: it is counted with its like.
                let own = (at, object.name_in_bundle());
                if object.withdrawn() {
                    add(object, own, Some(Reason::WithdrawnSource));
                } else {
                    passed_over[at].add(NO_END, object.name_in_bundle());
                    add(object, own, Some(Reason::MissingEnd));
                }
                continue;
            };
            let reason = if pattern.withdrawn() {
                Some(Reason::WithdrawnTechnique)
            } else if object.withdrawn() || source.withdrawn() {
                Some(Reason::WithdrawnSource)
            } else if !matches!(said(&source.kind), Some("malware" | "intrusion-set" | "campaign"))
            {
                Some(Reason::OtherSource)
            } else {
                None
            };
            add(object, (place, pattern.name_in_bundle()), reason);
        }
    }
    let notes = passed_over.iter().map(SkippedObjects::notes).collect();
    Ok(Contents { techniques, candidates, notes })
}

/// The ATT&CK id of an attack-pattern: `T1059`, `T1059.001`, or `MOB-T1007` of the first
/// releases; in words why it has none.
fn technique_id(object: &Object<'_>) -> std::result::Result<String, String> {
    let references = object.external_references.iter().flatten().flatten();
    let own = references.filter(|reference| {
        said(&reference.source_name)
            .is_some_and(|name| name.starts_with("mitre-") && name.ends_with("attack"))
    });
    // There may be several: its tactic's, or an address alone.
    let ids: Vec<&str> = own.filter_map(|reference| said(&reference.external_id)).collect();
    let mut spelled = ids.iter().map(|id| id.trim().to_ascii_uppercase());
    match (spelled.find(|id| is_technique_id(id)), ids.first()) {
        (Some(id), _) => Ok(id),
        (None, Some(id)) => Err(format!("{id:?} is no technique id")),
        (None, None) => Err("no external_id of source mitre-attack".to_owned()),
    }
}
