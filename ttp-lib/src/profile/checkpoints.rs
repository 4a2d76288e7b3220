//! Which checkpoints a run takes, and where they are.

use super::Run;
use std::path::{Path, PathBuf};
use ttp_base::places::setting;
use ttp_base::{Error, Result};
use ttp_model::pretrained::hub::Hub;
use ttp_model::pretrained::{
    self, CATALOGUE, Checkpoint, CheckpointTokenizer, Entry, PUBLISHED, Start, Vocabulary,
};
use ttp_model::tokenization::PaperTokenizer;
use ttp_text::linear::LinearKind;

impl Run {
    /// The name of the checkpoint that this execution of a notebook is about:
    /// `TTP_CHECKPOINT`, or the profile's first encoder.
    pub fn chosen_name(&self) -> String {
        let first = || self.profile.encoders().into_iter().next().unwrap_or_default();
        setting("TTP_CHECKPOINT").unwrap_or_else(first)
    }

    /// The name of the checkpoint that is pretrained further: the chosen one, or else the first of
    /// the profile's encoders that asks for it. Where none does, the chosen one all the same.
    pub fn pretraining_name(&self) -> String {
        let chosen = self.chosen_name();
        let is_further =
            |name: &&String| Entry::named(name).is_some_and(Entry::is_pretrained_further);
        let names = [vec![chosen.clone()], self.profile.encoders()].concat();
        names.iter().find(is_further).cloned().unwrap_or(chosen)
    }

    /// The checkpoints that this run fine-tunes: `TTP_CHECKPOINT` alone, or the profile's.
    pub fn checkpoints(&self) -> Vec<String> {
        match setting("TTP_CHECKPOINT") {
            Some(name) => vec![name],
            None => self.profile.encoders(),
        }
    }

    /// The checkpoint of that name.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn chosen_checkpoint(&self) -> Result<Checkpoint> {
        self.checkpoint(&self.chosen_name())
    }

    /// A checkpoint to start from, found where its name says:
    ///
    /// - a name of the catalogue that is random or pretrained further: see [`Start`];
    /// - any other name of the catalogue: `TTP_MODELS/<name>/` where that is set, else
    ///   `data/raw/models/<name>/`, else the hub or its cache;
    /// - the path of a folder, from here or else from the repository's root;
    /// - `owner/name` or `owner/name@revision`: as a name of the catalogue that is on the hub.
    ///
    /// # Errors
    /// If it is none of these, or what it leads to is not a whole checkpoint.
    pub fn checkpoint(&self, name: &str) -> Result<Checkpoint> {
        if name.is_empty() || LinearKind::from_name(name).is_ok() {
            let reason = match name {
                "" => "the profile names no encoder".to_owned(),
                name => format!("{name} is a linear model, trained from nothing"),
            };
            return Err(Error::Setting { field: "checkpoint", reason });
        }
        if let Some(entry) = Entry::named(name) {
            return match &entry.start {
                Start::FurtherPretrained { .. } => self.further_pretrained(name),
                Start::Random { shape_of } => {
                    Checkpoint::open(name, &self.checkpoint(shape_of)?.folder)
                }
                Start::Package => self.package_checkpoint(name),
                Start::Hub { id, revision } => self.on_hub(name, id, revision),
            };
        }
        for folder in [PathBuf::from(name), self.folders.root.join(name)] {
            if name.contains(std::path::is_separator) && folder.is_dir() {
                return Checkpoint::open(name, &folder);
            }
        }
        // Where there is a folder of the owner's name, a path was meant.
        let owner = name.split('/').next().unwrap_or(name);
        let is_path = Path::new(owner).is_dir() || self.folders.root.join(owner).is_dir();
        match pretrained::hub_id(name).filter(|_| !is_path) {
            Some((id, revision)) => self.on_hub(name, id, revision),
            None => {
                let mut known: Vec<_> = CATALOGUE.iter().map(|e| e.name.clone()).collect();
                known.extend(["a folder's path", "a hub id, owner/name"].map(str::to_owned));
                Err(Error::Unknown { kind: "checkpoint", name: name.to_owned(), known })
            }
        }
    }

    /// A checkpoint that lies on this machine by its name or path; `None` where it does not. No
    /// hub is asked.
    ///
    /// # Errors
    /// If its folder is there and is not a whole checkpoint.
    pub fn checkpoint_at_hand(&self, name: &str) -> Result<Option<Checkpoint>> {
        let is_path = name.contains(std::path::is_separator);
        let folders = if is_path {
            [PathBuf::from(name), self.folders.root.join(name)]
        } else {
            [self.folders.model_folder().join(name), self.folders.models().join(name)]
        };
        let folder = folders.into_iter().find(|folder| folder.is_dir());
        folder.map(|folder| Checkpoint::open(name, &folder)).transpose()
    }

    /// The checkpoint that one of the catalogue is pretrained further from; `None` for a
    /// checkpoint that is taken as it is.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn base_of_further_pretraining(&self, name: &str) -> Result<Option<Checkpoint>> {
        match Entry::named(name).filter(|entry| entry.is_pretrained_further()) {
            Some(entry) => self.checkpoint(entry.base()).map(Some),
            None => Ok(None),
        }
    }

    /// The checkpoint that the similarity experiment starts from.
    ///
    /// # Errors
    /// If it was pretrained on the corpus, whose test sentences it may have read then; else as
    /// [`checkpoint`](Self::checkpoint).
    pub fn similarity_checkpoint(&self) -> Result<Checkpoint> {
        self.unread_checkpoint(self.profile.similarity.checkpoint.as_ref(), "similarity.checkpoint")
    }

    /// The checkpoint whose fine-tuned encoder remedies are tried on.
    ///
    /// # Errors
    /// As [`similarity_checkpoint`](Self::similarity_checkpoint): what was pretrained on the
    /// corpus may have read the test sentences of this split.
    pub fn remedies_checkpoint(&self) -> Result<Checkpoint> {
        self.unread_checkpoint(self.profile.remedies.checkpoint.as_ref(), "remedies.checkpoint")
    }

    /// The checkpoint of a setting, or the profile's first, if it has not read the corpus.
    fn unread_checkpoint(&self, own: Option<&String>, field: &'static str) -> Result<Checkpoint> {
        let encoders = self.profile.encoders();
        let name = own.or(encoders.first()).map_or("", String::as_str);
        if Entry::named(name).is_some_and(Entry::is_pretrained_further) {
            let reason = format!("{name:?} may have read the test sentences: take what it is of");
            return Err(Error::Setting { field, reason });
        }
        self.checkpoint(name)
    }

    fn further_pretrained(&self, name: &str) -> Result<Checkpoint> {
        let folder = self.folders.pretrained(name);
        if !folder.is_dir() {
            let reason = "not there: notebook 05_pretraining, or `ttp pretrain`, makes it";
            return Err(Error::input(&folder, reason));
        }
        Checkpoint::open(name, &folder)
    }

    fn package_checkpoint(&self, name: &str) -> Result<Checkpoint> {
        let folder = self.folders.model_folder().join(name);
        if !folder.is_dir() && setting("TTP_MODELS").is_none() {
            // Of these only the smallest comes with every profile.
            let command = if name == "mpnet" { "data-mpnet" } else { "data" };
            return Err(Error::input(&folder, format!("not there: `make {command}` gets it")));
        }
        Checkpoint::open(name, &folder)
    }

    fn on_hub(&self, name: &str, id: &str, revision: &str) -> Result<Checkpoint> {
        let folder = self.folders.model_folder().join(name);
        // A folder of one's own is taken at its word: what it lacks is not fetched.
        if folder.is_dir() || setting("TTP_MODELS").is_some() {
            return Checkpoint::open(name, &folder);
        }
        let hub = Hub::from_env()?;
        let revision = self.profile.revision(name, revision);
        let fetched = hub.fetch(id, revision, &mut *hub.watch());
        let snapshot = fetched.map_err(|error| with_advice(error, name, id))?;
        Checkpoint::open(name, &snapshot.folder)
    }

    /// The tokenizers of the paper's three checkpoints, each cutting at `max_length` tokens, as
    /// far as something of them is at hand: the checkpoint's folder or the hub's cache, with or
    /// without weights, else the vocabulary alone, from `data/raw/` or `TTP_SOURCES`. Nothing is
    /// fetched, and what is missing is no error.
    ///
    /// # Errors
    /// If what is at hand cannot be read, or is not the vocabulary that it should be.
    pub fn paper_tokenizers(&self, max_length: usize) -> Result<Vec<PaperTokenizer>> {
        let papers = CATALOGUE.iter().filter_map(|entry| match &entry.start {
            Start::Hub { id, revision } => {
                Some((&entry.name, id, self.profile.revision(&entry.name, revision)))
            }
            _ => None,
        });
        let tokenizers = papers.map(|(name, id, revision)| {
            let (tokenize, origin) = self.paper_tokenizer(name, id, revision, max_length)?;
            Ok(PaperTokenizer { checkpoint: name.clone(), tokenize, max_length, origin })
        });
        tokenizers.collect()
    }

    /// The pieces of one of the paper's checkpoints from `data/raw/` or `TTP_SOURCES`, and whether
    /// its tokenizer takes capitals and accents off.
    ///
    /// # Errors
    /// If its vocabulary is on the hub alone, is not at hand, or is not the one that it should be.
    pub fn published_vocabulary(&self, checkpoint: &str) -> Result<(Vocabulary, bool)> {
        let is_it =
            |published: &&pretrained::PublishedVocabulary| published.checkpoint == checkpoint;
        let published = PUBLISHED.iter().find(is_it).ok_or_else(|| Error::Unknown {
            kind: "vocabulary",
            name: checkpoint.to_owned(),
            known: PUBLISHED.iter().map(|published| published.checkpoint.to_owned()).collect(),
        })?;
        let path = self.folders.raw(published.file);
        if !path.exists() {
            return Err(Error::input(
                &path,
                format!("not there: {}", where_to_get(published.file)),
            ));
        }
        Ok((published.read(&path)?, published.lower_case))
    }

    fn paper_tokenizer(
        &self,
        name: &str,
        id: &str,
        revision: &str,
        max_length: usize,
    ) -> Result<(Option<CheckpointTokenizer>, String)> {
        let own = self.folders.model_folder().join(name);
        // As for whole checkpoints: the hub's cache is not looked at once TTP_MODELS is set.
        let folder = match pretrained::has_tokenizer(&own) {
            true => Some(own),
            false if setting("TTP_MODELS").is_some() => None,
            // Settings of the hub that make no sense are told by what needs the hub.
            false => match Hub::from_env() {
                Ok(hub) => hub.cached_tokenizer(id, revision)?,
                Err(_) => None,
            },
        };
        if let Some(folder) = folder {
            let tokenize = pretrained::tokenizer_in(&folder, max_length)?;
            return Ok((Some(tokenize), "the checkpoint".to_owned()));
        }
        let alone = PUBLISHED.iter().find(|published| published.checkpoint == name);
        let Some(published) = alone else {
            let origin = format!(
                "it is on the hub alone: put config.json and the tokenizer's files of {id} into \
                 data/raw/models/{name}/"
            );
            return Ok((None, origin));
        };
        let (file, path) = (published.file, self.folders.raw(published.file));
        if !path.exists() {
            return Ok((None, where_to_get(file)));
        }
        let tokenize = published.read(&path)?.tokenizer(published.lower_case, max_length)?;
        Ok((Some(tokenize), file.to_owned()))
    }
}

/// How a vocabulary's file can be had.
fn where_to_get(file: &str) -> String {
    format!(
        "`make data-vocabularies` gets it, or put it into a folder as {file} and name the \
         folder in TTP_SOURCES"
    )
}

/// Of a revision that the hub does not have: what takes another one.
fn with_advice(error: Error, name: &str, id: &str) -> Error {
    let Error::HubRevision { what, reason, .. } = error else { return error };
    let advice = match Entry::named(name) {
        Some(_) => format!(
            "; the profile's setting \"revisions\" takes another: \"revisions\": {{\"{name}\": \
             \"main\"}}"
        ),
        None => format!("; {id}@main, for instance, names another"),
    };
    Error::HubRevision { what, reason, advice }
}
