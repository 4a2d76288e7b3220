//! A training that was killed goes on where it was, and ends with the same weights, bit for bit,
//! as one that was not.
//!
//! # What is kept
//!
//! Every minute ([`SECONDS`]) a loop writes down all that its next step depends on:
//!
//! - the weights as they are, and Adam's two moments of each;
//! - the number of steps made, from which the learning rate follows and the moments' correction;
//! - where in which epoch the loop is, the loss of every step, the clock and the history so far;
//! - the state of libtorch's generator, from which dropout is drawn, and that of the loop's own
//!   generator where it has one over all epochs. The order of an epoch's batches needs no state: it
//!   follows from seed and epoch, so the loop orders them again and passes over the first ones;
//! - the best weights so far, in a file of their own, which is written only when they change.
//!
//! A state is written to another name, synced and renamed: it is whole or not there. Two are kept,
//! so that a damaged one is no loss, in the folder `.training-<name>` beside the model's own; it is
//! removed when the training ends.
//!
//! # Why the run is the same
//!
//! A step is arithmetic on numbers that are all in the state: from the same numbers, in the same
//! order, the same processor makes the same ones. So nothing is rounded for the state: single
//! precision is written as its four bytes, and what an optimizer has put off
//! ([`Optimizer::settle`](super::Optimizer::settle)) stays put off. And a state is used only where
//! the rest is the same, too ([`Origin`]): settings, data, the weights before the first step, the
//! code, and the machine, its libtorch and its number of threads, by which sums are parted and
//! rounded. A state that is of others, or damaged, is not used: one line says why, and the training
//! starts anew.
//!
//! On a graphics card the state is the same, and the sums are not: there some are added up in
//! whatever order the card's threads come. Such a run goes on, and is as good, and not bit for bit.

mod file;
mod generator;
mod lock;
mod origin;
mod settings;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use origin::Origin;
pub use settings::{FRESH, SECONDS, keep_every, start_anew};

use super::Best;
use super::optimizer::{Counts, Optimizer};
use generator::Generators;
use lock::Lock;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use settings::ResumeSettings;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tch::Tensor;
use ttp_base::show::terminal_safe;
use ttp_base::{Error, Result};

/// How many states are kept.
const KEPT: usize = 2;

/// A training waits so many times as long as the last state took to write, whatever the seconds
/// are: writing costs it at most two per cent of its time.
const TIMES_ITS_COST: u32 = 50;

/// The states of one training: a loop asks whether one is [`due`](Self::due), gives it
/// ([`keep`](Self::keep)), and gets the last one of a run that was killed
/// ([`take`](Self::take)).
pub struct Resume {
    /// `None`: no state is kept, nor looked for.
    kept: Option<StateFolder>,
    told: Vec<String>,
}

/// The folder of the states, and what was written into it.
struct StateFolder {
    folder: PathBuf,
    origin: Origin,
    settings: ResumeSettings,
    /// States of this training, the newest last, each with its best weights.
    states: Vec<(PathBuf, Option<PathBuf>)>,
    /// When the last one was written, and how long that took.
    last: Instant,
    cost: Duration,
    failed: bool,
    finished: bool,
    _lock: Lock,
}

/// What a state says beside its tensors.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    optimizer: Counts,
    generators: Generators,
    /// The best weights' score, and which they are, counted from 1.
    best: Option<(f64, usize)>,
    /// What the loop itself gave.
    notes: Value,
}

/// A state that can be used.
struct State<N> {
    about: About,
    notes: N,
    tensors: Vec<Tensor>,
    best: Option<Vec<Tensor>>,
}

impl Resume {
    /// Of the training whose model goes into `model`: its states lie beside that folder.
    ///
    /// # Errors
    /// If the variable [`SECONDS`] or [`FRESH`] is none of what it may be.
    pub fn beside(model: &Path, origin: Origin) -> Result<Self> {
        let settings = ResumeSettings::now()?;
        let mut resume = Self::nowhere();
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let folder = model.with_file_name(format!(".training-{name}"));
        match Lock::take(&folder) {
            Ok(lock) => {
                if settings.fresh {
                    remove_all_but(&folder, &[]);
                }
                resume.kept = Some(StateFolder {
                    folder,
                    origin,
                    settings,
                    states: Vec::new(),
                    last: Instant::now(),
                    cost: Duration::ZERO,
                    failed: false,
                    finished: false,
                    _lock: lock,
                });
            }
            Err(reason) => {
                let folder = folder.display();
                resume.tell(format!("{folder}: {reason}; this training keeps no state"));
            }
        }
        Ok(resume)
    }

    /// Of a training that is kept nowhere.
    pub fn nowhere() -> Self {
        Self { kept: None, told: Vec::new() }
    }

    /// What was said so far, a line each.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// Whether it is time for a state.
    pub fn due(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            let since = kept.last.elapsed();
            let seconds = kept.settings.seconds;
            seconds == 0.0
                || (since.as_secs_f64() >= seconds && since >= kept.cost * TIMES_ITS_COST)
        })
    }

    /// Writes down where a training is: its optimizer with the weights, its best weights, and what
    /// else the loop wants back. Where that fails, training goes on, and one line says it.
    pub fn keep(&mut self, optimizer: &Optimizer, best: &Best, notes: &impl Serialize) {
        let Some(kept) = &mut self.kept else { return };
        let began = Instant::now();
        let written = kept.write(optimizer, best, notes);
        kept.last = Instant::now();
        kept.cost = kept.last - began;
        match written {
            Ok(()) => kept.failed = false,
            Err(_) if kept.failed => {}
            Err(error) => {
                kept.failed = true;
                self.tell(format!("the state of the training was not kept: {error}"));
            }
        }
    }

    /// Puts back the last state that can be used, and gives what the loop had written down with it;
    /// `None`: there is none, and nothing was changed. `sound` looks at these notes and the number
    /// of steps made; `steps` are those of the whole training. One line says that it goes on, and
    /// one of each state that is not used why not.
    pub fn take<N: DeserializeOwned>(
        &mut self,
        optimizer: &mut Optimizer,
        best: &mut Best,
        steps: usize,
        sound: impl Fn(&N, usize) -> bool,
    ) -> Option<N> {
        let kept = self.kept.as_ref()?;
        let mut refused: Vec<(PathBuf, String)> = Vec::new();
        let mut found = None;
        for path in kept.candidates() {
            match kept.read(&path, optimizer, steps, &sound) {
                Ok(state) => {
                    found = Some((path, state));
                    break;
                }
                // Of another training both are, most of the time.
                Err(reason) if refused.last().is_some_and(|(_, last)| *last == reason) => {}
                Err(reason) => refused.push((path, reason)),
            }
        }
        let count = refused.len();
        for (at, (path, reason)) in refused.into_iter().enumerate() {
            let is_last = at + 1 == count && found.is_none();
            let then = if is_last { "training starts anew" } else { "the one before it is taken" };
            self.tell(format!("{}: {reason}; not used, {then}", path.display()));
        }
        let (path, State { about, notes, tensors, best: weights }) = found?;
        optimizer.put_back(&about.optimizer, &tensors);
        if let (Some((score, number)), Some(weights)) = (about.best, weights) {
            *best = Best::kept(score, number, weights);
        }
        let done = about.optimizer.steps;
        let kept = self.kept.as_mut()?;
        let best_file = about.best.map(|(_, number)| kept.best_file(number));
        kept.states.push((path.clone(), best_file));
        self.tell(format!(
            "goes on after step {done} of {steps} ({}); {FRESH}=1 starts anew",
            path.display()
        ));
        Some(notes)
    }

    /// The training has ended: removes its states.
    pub fn finish(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            kept.finished = true;
            // What stays behind is overwritten by the next training; it is no reason to fail.
            let _ = std::fs::remove_dir_all(&kept.folder);
        }
    }

    fn tell(&mut self, line: String) {
        let line = terminal_safe(&line);
        // Whoever closed standard output does not read it: that ends no training.
        let _ = writeln!(std::io::stdout(), "note: {line}");
        self.told.push(line);
    }
}

/// A training that fails before its first state leaves nothing behind.
impl Drop for StateFolder {
    fn drop(&mut self) {
        if !self.finished && self.candidates().is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

impl StateFolder {
    fn state_file(&self, step: i32) -> PathBuf {
        self.folder.join(format!("step-{step:010}.state"))
    }

    fn best_file(&self, number: usize) -> PathBuf {
        self.folder.join(format!("best-{number:06}.state"))
    }

    /// The states in the folder, the newest first.
    fn candidates(&self) -> Vec<PathBuf> {
        let is_state = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("step-") && name.ends_with(".state")
        };
        let mut paths: Vec<PathBuf> = files_of(&self.folder).filter(is_state).collect();
        paths.sort();
        paths.reverse();
        paths
    }

    fn write(&mut self, optimizer: &Optimizer, best: &Best, notes: &impl Serialize) -> Result<()> {
        let device = optimizer.device();
        let generators = Generators::now(device).ok_or_else(|| Error::Library {
            what: "the state of libtorch's generator",
            reason: "libtorch does not tell it".to_owned(),
        })?;
        let best_file = best.number().map(|number| self.best_file(number));
        let is_written =
            |file: &PathBuf| self.states.iter().any(|(_, best)| best.as_ref() == Some(file));
        if let (Some(file), Some(weights)) = (&best_file, best.weights())
            && !is_written(file)
        {
            let named = (0..).map(|at: usize| format!("weight {at}"));
            let tensors: Vec<_> = named.zip(weights.iter().map(Tensor::shallow_clone)).collect();
            file::write(file, &self.origin, Value::Null, &tensors)?;
        }
        let about = About {
            optimizer: optimizer.counts(),
            generators,
            best: best.score().zip(best.number()),
            notes: serde_json::to_value(notes).map_err(Error::library("writing JSON"))?,
        };
        let path = self.state_file(about.optimizer.steps);
        let about = serde_json::to_value(about).map_err(Error::library("writing JSON"))?;
        file::write(&path, &self.origin, about, &optimizer.tensors())?;
        self.states.retain(|(earlier, _)| *earlier != path);
        self.states.push((path, best_file));
        let surplus = self.states.len().saturating_sub(KEPT);
        self.states.drain(..surplus);
        let of_each = self.states.iter().flat_map(|(state, best)| [Some(state), best.as_ref()]);
        remove_all_but(&self.folder, &of_each.flatten().collect::<Vec<_>>());
        Ok(())
    }

    /// A state, if it can be used; otherwise why not.
    fn read<N: DeserializeOwned>(
        &self,
        path: &Path,
        optimizer: &Optimizer,
        steps: usize,
        sound: impl Fn(&N, usize) -> bool,
    ) -> Result<State<N>, String> {
        let read = |path: &Path| -> Result<(Value, Vec<(String, Tensor)>), String> {
            let (header, tensors) = file::read(path)?;
            match header.origin.differs_in(&self.origin) {
                Some(what) => Err(format!("of {what}")),
                None => Ok((header.about, tensors)),
            }
        };
        let (about, tensors) = read(path)?;
        let other =
            |error: serde_json::Error| format!("of another version of the program: {error}");
        let about: About = serde_json::from_value(about).map_err(other)?;
        let notes: N = serde_json::from_value(about.notes.clone()).map_err(other)?;
        let done = about.optimizer.steps;
        if usize::try_from(done).is_ok_and(|done| done > steps) {
            return Err(format!("after step {done}, and the training has {steps}"));
        }
        if !usize::try_from(done).is_ok_and(|done| sound(&notes, done)) {
            return Err("its history does not fit its steps".to_owned());
        }
        let own = optimizer.tensors();
        let same = |((a, x), (b, y)): (&(String, Tensor), &(String, Tensor))| {
            a == b && x.size() == y.size()
        };
        if own.len() != tensors.len() || !own.iter().zip(&tensors).all(same) {
            return Err("its weights are not the model's".to_owned());
        }
        let device = optimizer.device();
        let plain = |tensors: Vec<(String, Tensor)>| -> Vec<Tensor> {
            tensors.into_iter().map(|(_, tensor)| tensor.to_device(device)).collect()
        };
        let best = match about.best {
            Some((_, number)) => {
                let file = self.best_file(number);
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (_, weights) = read(&file).map_err(|why| format!("its {name}: {why}"))?;
                Some(plain(weights))
            }
            None => None,
        };
        // Last of all: until here nothing was changed.
        let before = Generators::now(device);
        if !about.generators.put_back() {
            if let Some(before) = before {
                before.put_back();
            }
            return Err("libtorch does not take its generator's state".to_owned());
        }
        Ok(State { about, notes, tensors: plain(tensors), best })
    }
}

fn files_of(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Removes what is in a folder of states, half-written files too, but its lock and these.
fn remove_all_but(folder: &Path, these: &[&PathBuf]) {
    for path in files_of(folder) {
        if path.file_name() != Some(lock::NAME.as_ref()) && !these.contains(&&path) {
            let _ = std::fs::remove_file(path);
        }
    }
}
