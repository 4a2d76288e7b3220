//! Labels by the flows' ids: the organisers' annotations, or what a classifier was handed in with.

use super::flows::NetmlFlows;
use super::lines;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result};

/// The largest file of labels that is read, unpacked: sixty times that of NetML's training set.
const LARGEST: u64 = 1 << 30;

/// A class for each id.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotations {
    path: PathBuf,
    classes: Vec<String>,
    of: HashMap<u64, u16>,
}

impl Annotations {
    /// Reads a JSON object from id to class, plain or gzip. Classes are numbered in alphabetical
    /// order, capital letters first.
    ///
    /// # Errors
    /// If the file cannot be read or breaks off, is no such object, or holds an id twice.
    pub fn read(path: &Path) -> Result<Self> {
        let mut text = Vec::new();
        lines::open(path)?.take(LARGEST).read_to_end(&mut text).map_err(|error| {
            let lines = text.iter().filter(|byte| **byte == b'\n').count();
            let reason = format!("cut off or damaged behind this line: {error}");
            Error::input_at(path, Some(lines), None, reason)
        })?;
        let Labels { names, of } = serde_json::from_slice(&text).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
            // Of a label that is wrong serde_json knows where the next one begins.
            let line = line_of_id(&text, &reason).unwrap_or(error.line());
            Error::input_at(path, Some(line), None, reason)
        })?;
        if of.is_empty() {
            return Err(Error::input(path, "no label in it"));
        }
        // In alphabetical order, whatever came first.
        let place: HashMap<u16, u16> =
            (0_u16..).zip(names.values()).map(|(a, b)| (*b, a)).collect();
        let of = of.into_iter().map(|(id, class)| (id, place[&class])).collect();
        Ok(Self { path: path.to_path_buf(), classes: names.into_keys().collect(), of })
    }

    /// The classes' names, in alphabetical order.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is none; a file without any is not read.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// How many ids each class has, in the classes' order.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.classes.len()];
        self.of.values().for_each(|class| counts[usize::from(*class)] += 1);
        counts
    }

    /// The class of an id.
    pub fn class(&self, id: u64) -> Option<usize> {
        self.of.get(&id).map(|class| usize::from(*class))
    }

    /// The class of each flow, as an index into [`classes`](Self::classes).
    ///
    /// # Errors
    /// If a flow's id is not among these.
    pub fn classes_of(&self, flows: &NetmlFlows) -> Result<Vec<usize>> {
        let class = |id: &u64| {
            self.class(*id)
                .ok_or_else(|| Error::input(&self.path, format!("no label of flow {id}")))
        };
        flows.ids().iter().map(class).collect()
    }

    /// The class of each flow, as an index into other labels' `classes`: training's, say.
    ///
    /// # Errors
    /// If a flow's id is not among these, or has a class that is not among `classes`.
    pub fn classes_within(&self, flows: &NetmlFlows, classes: &[String]) -> Result<Vec<usize>> {
        let place: Vec<Option<usize>> = self
            .classes
            .iter()
            .map(|class| classes.iter().position(|other| other == class))
            .collect();
        let own = self.classes_of(flows)?;
        let within = own.iter().zip(flows.ids()).map(|(&class, id)| {
            place[class].ok_or_else(|| {
                let name = &self.classes[class];
                let reason = format!("{name:?}, which is not among the {} classes", classes.len());
                Error::input_at(&self.path, None, Some(&id.to_string()), reason)
            })
        });
        within.collect()
    }
}

/// The line of the last label of an id that [`Labels`] complains of.
fn line_of_id(text: &[u8], reason: &str) -> Option<usize> {
    let id = reason.strip_prefix("id ")?.split(' ').next()?;
    let key = format!("\"{id}\"");
    let place = text.windows(key.len()).rposition(|window| window == key.as_bytes())?;
    Some(1 + text[..place].iter().filter(|byte| **byte == b'\n').count())
}

/// What stands in the file: each class with a number by its first appearance.
struct Labels {
    names: BTreeMap<String, u16>,
    of: HashMap<u64, u16>,
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from id to class")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Labels { names: BTreeMap::new(), of: HashMap::new() };
                while let Some((id, name)) = map.next_entry::<String, String>()? {
                    let number: u64 = id
                        .parse()
                        .map_err(|_| A::Error::custom(format!("{id:?} is no flow's id")))?;
                    if name.trim().is_empty() {
                        return Err(A::Error::custom(format!("id {id} has an empty label")));
                    }
                    let next = labels.names.len();
                    let class = match labels.names.get(&name) {
                        Some(class) => *class,
                        None => {
                            let class = u16::try_from(next)
                                .map_err(|_| A::Error::custom("more than 65,536 classes"))?;
                            labels.names.insert(name, class);
                            class
                        }
                    };
                    if labels.of.insert(number, class).is_some() {
                        return Err(A::Error::custom(format!("id {id} stands there twice")));
                    }
                }
                Ok(labels)
            }
        }
        deserializer.deserialize_map(Visit)
    }
}
