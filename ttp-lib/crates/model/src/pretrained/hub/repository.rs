//! A repository of the hub at one revision: what it is called, where it is asked for, where
//! the cache keeps it.

use ttp_base::{Error, Result};

/// What a repository holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A checkpoint.
    Model,
    /// Files of data.
    Dataset,
}

/// A repository that is asked for, at a branch, a tag or a commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repository<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a str,
    pub(super) revision: &'a str,
}

impl<'a> Repository<'a> {
    /// `model` or `data set`.
    pub(super) fn noun(self) -> &'static str {
        match self.kind {
            Kind::Model => "model",
            Kind::Dataset => "data set",
        }
    }

    fn plural(self) -> &'static str {
        match self.kind {
            Kind::Model => "models",
            Kind::Dataset => "datasets",
        }
    }

    /// The name of its folder in the cache.
    pub(super) fn folder_name(self) -> String {
        format!("{}--{}", self.plural(), self.id.replace('/', "--"))
    }

    /// The address of what the revision holds, as path segments.
    pub(super) fn listing(self) -> impl Iterator<Item = &'a str> {
        let api = ["api", self.plural()].into_iter();
        api.chain(self.id.split('/')).chain(["revision", self.revision])
    }

    /// The address of its page.
    pub(super) fn page(self) -> impl Iterator<Item = &'a str> {
        // The hub takes an address without a kind for a model's.
        let kind = (self.kind != Kind::Model).then(|| self.plural());
        kind.into_iter().chain(self.id.split('/'))
    }

    /// The address of a file of a commit.
    pub(super) fn file<'b>(self, commit: &'b str, file: &'b str) -> impl Iterator<Item = &'b str>
    where
        'a: 'b,
    {
        self.page().chain(["resolve", commit]).chain(file.split('/'))
    }

    /// What is wrong with its names, which become parts of paths and addresses.
    pub(super) fn mistake(self) -> Option<String> {
        if !is_id(self.id) {
            let noun = self.noun();
            return Some(format!("this is no {noun}'s name: org/name, of letters, digits, . _ -"));
        }
        let reason = "this is no name of a branch, a tag or a commit";
        (!is_revision(self.revision)).then(|| reason.to_owned())
    }
}

/// Whether these may be a data set's id (`owner/name`), a revision and a file's path within.
///
/// # Errors
/// If one of them may not: each becomes a part of paths and addresses.
pub fn check_dataset(id: &str, revision: &str, file: &str) -> Result<()> {
    let repository = Repository { kind: Kind::Dataset, id, revision };
    let mistake = repository.mistake().or_else(|| match id.contains('/') {
        true => None,
        false => Some("this is no data set's name: owner/name".to_owned()),
    });
    let no_path = || "this is no file's path in a repository".to_owned();
    match mistake.or_else(|| (!is_file_path(file)).then(no_path)) {
        Some(reason) => Err(Error::Hub { what: format!("{id}@{revision}, {file}"), reason }),
        None => Ok(()),
    }
}

/// `org/name` or `name`, as huggingface_hub allows them: nothing that could be another path.
fn is_id(id: &str) -> bool {
    let part = |part: &str| {
        let ends = |c: char| matches!(c, '.' | '-');
        (1..=96).contains(&part.len())
            && !part.starts_with(ends)
            && !part.ends_with(ends)
            && !part.ends_with(".git")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    id.split('/').count() <= 2
        && id.split('/').all(part)
        && !id.contains("--")
        && !id.contains("..")
}

/// A name that git allows for a branch or a tag: nothing that could be another path.
pub fn is_revision(revision: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    revision.split('/').all(part)
        && revision.len() <= 255
        && !revision.contains("..")
        && !revision.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c))
}

/// A file's path inside a repository: nothing that could lead out of it.
pub(super) fn is_file_path(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(part)
        && path.len() <= 1024
        && !path.contains(|c: char| c.is_control() || matches!(c, '\\' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_paths() {
        for id in ["gpt2", "google-bert/bert-base-cased", "a/b.c_d"] {
            assert!(is_id(id), "{id}");
        }
        for id in
            ["", "/", "a/", "/a", "a/b/c", "..", "a/..", "../a", "a b", "a\\b", "a--b", "a..b"]
        {
            assert!(!is_id(id), "{id}");
        }
        for id in [".a", "a.", "-a/b", "a.git", "a/b?c", "a/b\n", "ä", &"a".repeat(97)] {
            assert!(!is_id(id), "{id}");
        }
        for revision in ["main", "refs/pr/1", "v1.0+cu", "f2c9"] {
            assert!(is_revision(revision), "{revision}");
        }
        for revision in
            ["", "..", "a/../b", "/a", "a//b", ".a", "a/.", "a b", "a\\b", "a\nb", "a?b"]
        {
            assert!(!is_revision(revision), "{revision}");
        }
        for path in ["a.csv", "data/train 1.csv", "1_Pooling/config.json"] {
            assert!(is_file_path(path), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", ".", "a\\b", "C:/a", "a\nb"] {
            assert!(!is_file_path(path), "{path}");
        }
    }

    #[test]
    fn a_data_set_has_addresses_of_its_own() {
        let model = Repository { kind: Kind::Model, id: "org/name", revision: "main" };
        let dataset = Repository { kind: Kind::Dataset, ..model };
        let text = |parts: &mut dyn Iterator<Item = &str>| parts.collect::<Vec<_>>().join("/");
        assert_eq!(model.folder_name(), "models--org--name");
        assert_eq!(text(&mut model.listing()), "api/models/org/name/revision/main");
        assert_eq!(text(&mut model.file("c", "a/b")), "org/name/resolve/c/a/b");
        assert_eq!(dataset.folder_name(), "datasets--org--name");
        assert_eq!(text(&mut dataset.listing()), "api/datasets/org/name/revision/main");
        assert_eq!(text(&mut dataset.file("c", "a/b")), "datasets/org/name/resolve/c/a/b");
        assert_eq!(text(&mut dataset.page()), "datasets/org/name");
    }
}
