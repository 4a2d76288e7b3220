//! The weights of a checkpoint's file, put into a model's variables: all of them or none.

use super::config::Architecture;
use super::shards::{self, Shards};
use super::tensor_file::{TensorDescription, TensorFile};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use tch::{Kind, Tensor, nn};
use ttp_base::{Error, Result};

/// What became of a checkpoint's tensors and of a model's variables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LoadSummary {
    /// Number of variables that were taken from the file.
    pub tensors: usize,
    /// Variables that keep their start.
    pub new: Vec<String>,
    /// Tensors of the file that this model has no use for: buffers and other heads.
    pub unused: Vec<String>,
}

/// More names than this are counted and not listed.
const SHOWN: usize = 8;

impl fmt::Display for LoadSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            [first, .., last] if names.len() > SHOWN => {
                format!("{} of them, {first} to {last}", names.len())
            }
            names => names.join(", "),
        };
        let (new, unused) = (list(&self.new), list(&self.unused));
        write!(f, "{} tensors loaded; new: {new}; passed over: {unused}", self.tensors)
    }
}

/// Opens a file of weights by what its name says it is.
pub(super) fn open(path: &Path) -> Result<Box<dyn TensorFile>> {
    match shards::is_index(path) {
        true => Ok(Box::new(Shards::open(path)?)),
        false => shards::open_one(path),
    }
}

/// Copies each tensor of the file at `path` into the variable of its very name, once everything is
/// known to fit; of the file's tensors those that are `unused` are passed over.
///
/// # Errors
/// If the file cannot be read or would run code, a variable has no tensor or one of another shape,
/// a tensor belongs to no variable, or one holds what is no number.
pub fn load_by_name(path: &Path, vars: &nn::VarStore, unused: &dyn Fn(&str) -> bool) -> Result<()> {
    let mut file = open(path)?;
    let variables: BTreeMap<String, Tensor> = vars.variables().into_iter().collect();
    let mut problems = Vec::new();
    for (name, variable) in &variables {
        match file.tensors().get(name) {
            None => problems.push(format!("{name} is missing")),
            Some(stored) => problems
                .extend(misfit(stored, &variable.size()).map(|misfit| format!("{name} {misfit}"))),
        }
    }
    let others = file.tensors().keys().filter(|name| !variables.contains_key(*name));
    problems.extend(
        others.filter(|name| !unused(name)).map(|name| format!("{name} is not part of the model")),
    );
    if !problems.is_empty() {
        return Err(Error::input(path, listed(&problems)));
    }
    for (name, variable) in &variables {
        let values = file.read(name)?;
        copy(file.path_of(name), name, &values, variable)?;
    }
    Ok(())
}

/// How a model's variables are matched with a file's tensors.
pub(super) struct Matching<'a> {
    pub family: Architecture,
    /// Prefixes of variables that the file need not hold.
    pub new: &'a [&'a str],
    /// Whether the masked-language-model head shares the word embeddings.
    pub tied: bool,
}

impl Matching<'_> {
    /// Copies the tensors of the file at `path` into `vars`, once everything is known to fit.
    pub fn load(&self, path: &Path, vars: &nn::VarStore) -> Result<LoadSummary> {
        let mut file = open(path)?;
        let variables: BTreeMap<String, Tensor> = vars.variables().into_iter().collect();
        let plan = self.plan(path, &*file, &variables)?;
        for (name, stored) in &plan.sources {
            let values = file.read(stored)?;
            if let Some(variable) = variables.get(name) {
                copy(file.path_of(stored), stored, &values, variable)?;
            }
        }
        Ok(LoadSummary { tensors: plan.sources.len(), new: plan.new, unused: plan.unused })
    }

    /// Which tensor goes into which variable; all that does not fit is listed.
    fn plan(
        &self,
        path: &Path,
        file: &dyn TensorFile,
        variables: &BTreeMap<String, Tensor>,
    ) -> Result<Plan> {
        let mut problems = Vec::new();
        let stored = self.by_canonical_name(file, &mut problems);
        let wholly_new = self.wholly_new(variables, &stored);
        let mut plan = Plan::default();
        let mut used = BTreeSet::new();
        for (name, variable) in variables {
            let source = self.sources(name).into_iter().find_map(|name| stored.get(&name));
            let Some(&source) = source.filter(|_| !starts_anew(name, self.new)) else {
                if wholly_new.iter().any(|prefix| name.starts_with(prefix)) {
                    plan.new.push(name.clone());
                } else {
                    problems.push(format!("{name} is missing"));
                }
                continue;
            };
            used.insert(source);
            match misfit(&file.tensors()[source], &variable.size()) {
                Some(misfit) => problems.push(format!("{name} {misfit}")),
                None => plan.sources.push((name.clone(), source.to_owned())),
            }
        }
        for (name, source) in stored {
            if used.contains(source) {
                continue;
            }
            if self.is_known_and_unused(&name, variables) {
                plan.unused.push(source.to_owned());
            } else {
                problems.push(format!("{source} is not part of the model"));
            }
        }
        plan.unused.sort();
        if problems.is_empty() { Ok(plan) } else { Err(Error::input(path, listed(&problems))) }
    }

    fn by_canonical_name<'f>(
        &self,
        file: &'f dyn TensorFile,
        problems: &mut Vec<String>,
    ) -> BTreeMap<String, &'f str> {
        let mut stored = BTreeMap::new();
        for name in file.tensors().keys() {
            if let Some(other) = stored.insert(self.canonical(name), name.as_str()) {
                problems.push(format!("{other} and {name} are two names of one tensor"));
            }
        }
        stored
    }

    /// `bert.encoder.layer.0.output.LayerNorm.gamma` → `encoder.layer.0.output.LayerNorm.weight`.
    fn canonical(&self, name: &str) -> String {
        let body = name.strip_prefix(self.family.name()).and_then(|rest| rest.strip_prefix('.'));
        let name = body.unwrap_or(name);
        match name.rsplit_once('.') {
            Some((stem, "gamma")) => format!("{stem}.weight"),
            Some((stem, "beta")) => format!("{stem}.bias"),
            _ => name.to_owned(),
        }
    }

    /// Where a variable's numbers may stand in the file, the first choice first.
    fn sources(&self, variable: &str) -> Vec<String> {
        const EMBEDDINGS: &str = "embeddings.word_embeddings.weight";
        let name = self.canonical(variable);
        match name.as_str() {
            // Tied weights are the embeddings, whatever else the file holds: so does transformers.
            "cls.predictions.decoder.weight" | "lm_head.decoder.weight" if self.tied => {
                vec![EMBEDDINGS.to_owned()]
            }
            // One bias under two names, of which newer files leave out either.
            "cls.predictions.bias" | "cls.predictions.decoder.bias" => {
                vec!["cls.predictions.bias".into(), "cls.predictions.decoder.bias".into()]
            }
            "lm_head.bias" | "lm_head.decoder.bias" => {
                vec!["lm_head.bias".into(), "lm_head.decoder.bias".into()]
            }
            _ => vec![name],
        }
    }

    /// Those of `new` of which the file has nothing: half a head is a damaged one.
    fn wholly_new(
        &self,
        variables: &BTreeMap<String, Tensor>,
        stored: &BTreeMap<String, &str>,
    ) -> Vec<&str> {
        let is_stored = |name: &String| {
            let name = self.canonical(name);
            !is_tied_decoder(&name) && stored.contains_key(&name)
        };
        let has_some = |prefix: &&str| {
            let mut under = variables.keys().filter(|name| name.starts_with(prefix));
            !starts_anew(prefix, self.new) && under.any(is_stored)
        };
        self.new.iter().copied().filter(|prefix| !has_some(prefix)).collect()
    }

    /// Buffers, second names of what is shared, and heads that this model does not have.
    fn is_known_and_unused(&self, name: &str, variables: &BTreeMap<String, Tensor>) -> bool {
        const HEADS: [&str; 5] = ["classifier.", "cls.", "lm_head.", "pooler.", "qa_outputs."];
        const PARTS: [&str; 8] = [
            "cls.predictions.bias",
            "cls.predictions.decoder.bias",
            "cls.predictions.decoder.weight",
            "embeddings.position_ids",
            "embeddings.token_type_ids",
            "lm_head.bias",
            "lm_head.decoder.bias",
            "lm_head.decoder.weight",
        ];
        let has = |head: &str| {
            variables.keys().any(|variable| self.canonical(variable).starts_with(head))
                && !starts_anew(head, self.new)
        };
        PARTS.contains(&name)
            || name.starts_with("cls.seq_relationship.")
            || HEADS.iter().any(|head| name.starts_with(head) && !has(head))
    }
}

#[derive(Default)]
struct Plan {
    /// Variable and tensor, in the order of the variables.
    sources: Vec<(String, String)>,
    new: Vec<String>,
    unused: Vec<String>,
}

/// A classifier named as new is never taken from the file: its rows are other labels'.
fn starts_anew(name: &str, new: &[&str]) -> bool {
    name.starts_with("classifier") && new.iter().any(|prefix| name.starts_with(prefix))
}

fn is_tied_decoder(name: &str) -> bool {
    matches!(name, "cls.predictions.decoder.weight" | "lm_head.decoder.weight")
}

fn misfit(stored: &TensorDescription, wanted: &[i64]) -> Option<String> {
    let shape: Vec<i64> = stored.shape.iter().map(|&n| n as i64).collect();
    if shape != wanted {
        return Some(format!("is {shape:?} and should be {wanted:?}"));
    }
    let name = stored.element.name;
    stored.element.kind.is_none().then(|| format!("holds {name}, not floating-point numbers"))
}

/// Copies in single precision, onto the variable's device.
fn copy(path: &Path, name: &str, values: &Tensor, variable: &Tensor) -> Result<()> {
    let values = values.f_to_kind(Kind::Float).map_err(Error::library("converting weights"))?;
    if !is_finite(&values).map_err(Error::library("checking weights"))? {
        return Err(Error::input(path, format!("{name} holds NaN or an infinity")));
    }
    tch::no_grad(|| variable.shallow_clone().f_copy_(&values))
        .map_err(Error::library("copying weights"))
}

/// The extremes of numbers are finite just if all of them are, and take no memory.
fn is_finite(values: &Tensor) -> Result<bool, tch::TchError> {
    if values.numel() == 0 {
        return Ok(true);
    }
    let (least, most) = values.f_aminmax(None, false)?;
    Ok(least.f_double_value(&[])?.is_finite() && most.f_double_value(&[])?.is_finite())
}

/// The first of many, with the number of the others.
fn listed(problems: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = problems.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    match problems.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}
