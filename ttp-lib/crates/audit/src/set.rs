//! Claims files that speak of the same matrices, as one set.

use super::claims::{Check, Claim, Claims, KnownMatrix, RangeQuestion, RangeTarget, common};
use std::path::{Path, PathBuf};
use ttp_base::{Error, Result};

impl Claims {
    /// This file, and those that it is to be held together with.
    pub fn files(&self) -> Vec<PathBuf> {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let others = self.together.iter().flat_map(|(names, _)| names);
        std::iter::once(self.file.clone()).chain(others.map(|name| folder.join(name))).collect()
    }

    /// These claims and those of the files that they are to be held together with
    /// (`together = ["family.toml"]`, beside this file), as one set; nothing where none is named.
    /// Matrices of one name are one: what is known of their examples is all that either file says,
    /// and classes are the same by their names. A claim is named `file:id` then, a matrix as before.
    ///
    /// # Errors
    /// If a file cannot be read, names itself, or two matrices of one name have other classes or
    /// totals: with the file, the line and the field.
    pub fn joined(&self) -> Result<Option<Self>> {
        let Some((names, line)) = &self.together else { return Ok(None) };
        let wrong =
            |reason: String| Error::input_at(&self.file, Some(*line), Some("together"), reason);
        let folder = self.file.parent().unwrap_or(Path::new(""));
        let mut all: Vec<Self> = Vec::new();
        for name in names {
            let file = folder.join(name);
            if all.iter().any(|other| other.file == file) || file == self.file {
                return Err(wrong(format!("{name:?} is there twice, or the file itself")));
            }
            let other = Self::read(&file).map_err(|error| match error {
                Error::File { path, source, .. } => {
                    wrong(format!("cannot read {}: {source}", path.display()))
                }
                other => other,
            })?;
            all.push(other);
        }
        all.push(self.clone());
        let documents: Vec<&str> = all.iter().map(|one| one.document.as_str()).collect();
        let mut set = Self {
            file: self.file.clone(),
            document: format!("{}, together", documents.join(" and ")),
            together: None,
            matrices: Vec::new(),
            quantities: Vec::new(),
            claims: Vec::new(),
            asks: Vec::new(),
            facts: Vec::new(),
        };
        for one in &all {
            set.take(one).map_err(wrong)?;
        }
        Ok(Some(set))
    }

    /// Takes in another file's claims, or says what does not fit.
    fn take(&mut self, other: &Self) -> Result<(), String> {
        let stem = stem(&other.file);
        let mut matrices = Vec::new();
        for known in &other.matrices {
            let place = match self.matrices.iter().position(|own| own.id == known.id) {
                Some(place) => {
                    same_matrix(&mut self.matrices[place], known)?;
                    place
                }
                None => {
                    self.matrices.push(known.clone());
                    self.matrices.len() - 1
                }
            };
            // The place of each of its classes here.
            let own = &self.matrices[place].classes;
            let class = |name: &String| own.iter().position(|other| other == name);
            let classes: Vec<usize> = known.classes.iter().filter_map(class).collect();
            matrices.push((place, classes));
        }
        let moved = Offsets { matrices, systems: self.quantities.len(), claims: self.claims.len() };
        self.quantities.extend(other.quantities.iter().cloned());
        let named = |id: &str| format!("{stem}:{id}");
        self.claims.extend(other.claims.iter().map(|claim| Claim {
            id: named(&claim.id),
            at: format!("{stem}, {}", claim.at),
            check: moved.check(&claim.check),
            ..claim.clone()
        }));
        for ask in &other.asks {
            let of = match ask.of {
                RangeTarget::Count(matrix, class, count) => {
                    let (matrix, class) = moved.class(matrix, class);
                    RangeTarget::Count(matrix, class, count)
                }
                RangeTarget::Cell(matrix, from, to) => {
                    let (place, from) = moved.class(matrix, from);
                    RangeTarget::Cell(place, from, moved.class(matrix, to).1)
                }
                RangeTarget::Unknown(system, unknown) => {
                    RangeTarget::Unknown(moved.systems + system, unknown)
                }
            };
            // What both ask is told once.
            if !self.asks.iter().any(|own| own.of == of) {
                self.asks.push(RangeQuestion { says: ask.says.clone(), of });
            }
        }
        self.facts.extend(other.facts.iter().map(|fact| {
            let mut fact = fact.clone();
            fact.id = named(&fact.id);
            fact.of.iter_mut().for_each(|id| *id = named(id));
            fact
        }));
        Ok(())
    }
}

/// A file's name without its folder and ending.
fn stem(file: &Path) -> String {
    PathBuf::from(file).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Takes what another file knows of the same matrix, or says why it is another one.
fn same_matrix(own: &mut KnownMatrix, other: &KnownMatrix) -> Result<(), String> {
    let id = &own.id;
    let sorted = |known: &KnownMatrix| {
        let mut classes = known.classes.clone();
        classes.sort_unstable();
        classes
    };
    if sorted(own) != sorted(other) {
        return Err(format!("matrix {id:?} has other classes in the files"));
    }
    if own.zero_division != other.zero_division || own.examples != other.examples {
        return Err(format!("matrix {id:?} has other examples or zero_division in the files"));
    }
    if own.labels.is_some() && other.labels.is_some() && own.labels != other.labels {
        return Err(format!("matrix {id:?} has other labels in the files"));
    }
    let totals = common(&[own, other]);
    let contradict = |range: Option<(u64, u64)>| range.is_some_and(|(low, high)| low > high);
    if [Some(totals.total), totals.positive, totals.negative].into_iter().any(contradict) {
        return Err(format!("matrix {id:?} has contradictory totals in the files"));
    }
    own.totals = totals;
    own.open_total &= other.open_total;
    own.labels = own.labels.or(other.labels);
    Ok(())
}

/// Where a file's matrices, classes, systems and claims stand in the set.
struct Offsets {
    matrices: Vec<(usize, Vec<usize>)>,
    systems: usize,
    claims: usize,
}

impl Offsets {
    fn matrix(&self, at: usize) -> usize {
        self.matrices[at].0
    }

    fn class(&self, matrix: usize, class: usize) -> (usize, usize) {
        let (place, classes) = &self.matrices[matrix];
        (*place, classes[class])
    }

    fn check(&self, check: &Check) -> Check {
        let claim = |at: &usize| self.claims + at;
        let claims = |of: &Vec<usize>| of.iter().map(claim).collect();
        match check {
            Check::Binary(matrix, metric) => Check::Binary(self.matrix(*matrix), *metric),
            Check::OfClass(matrix, class, metric) => {
                let (matrix, class) = self.class(*matrix, *class);
                Check::OfClass(matrix, class, *metric)
            }
            Check::Count(matrix, class, count) => {
                let (matrix, class) = self.class(*matrix, *class);
                Check::Count(matrix, class, *count)
            }
            Check::Averaged(matrix, averaging, metric) => {
                Check::Averaged(self.matrix(*matrix), *averaging, *metric)
            }
            Check::Over(matrix, of, averaging, metric) => {
                let of = of.iter().map(|class| self.class(*matrix, *class).1).collect();
                Check::Over(self.matrix(*matrix), of, *averaging, *metric)
            }
            Check::Balanced(matrix, read) => Check::Balanced(self.matrix(*matrix), *read),
            Check::Whole(matrix, figure) => Check::Whole(self.matrix(*matrix), *figure),
            Check::Accuracy(matrix) => Check::Accuracy(self.matrix(*matrix)),
            Check::Total(matrix) => Check::Total(self.matrix(*matrix)),
            Check::Cell(matrix, from, to) => {
                let (place, from) = self.class(*matrix, *from);
                Check::Cell(place, from, self.class(*matrix, *to).1)
            }
            Check::CellShare(matrix, from, to, share) => {
                let (place, from) = self.class(*matrix, *from);
                Check::CellShare(place, from, self.class(*matrix, *to).1, *share)
            }
            Check::EitherWay(matrix, a, b, values) => {
                let (place, a) = self.class(*matrix, *a);
                Check::EitherWay(place, a, self.class(*matrix, *b).1, values.clone())
            }
            Check::Linear(system, relation) => {
                Check::Linear(self.systems + system, relation.clone())
            }
            Check::Sum(of, bound) => {
                let of = of.iter().map(|(at, factor)| (claim(at), factor.clone())).collect();
                Check::Sum(of, *bound)
            }
            Check::Share(a, b) => Check::Share(claim(a), claim(b)),
            Check::Gain(a, b) => Check::Gain(claim(a), claim(b)),
            Check::FOf(a, b, beta) => Check::FOf(claim(a), claim(b), beta.clone()),
            Check::Tally(of, range) => Check::Tally(claims(of), range.clone()),
            Check::Tier(of, range) => Check::Tier(claims(of), range.clone()),
            Check::Same(of) => Check::Same(claims(of)),
            Check::Order(of, direction) => Check::Order(claims(of), *direction),
            Check::Labels(labels) => Check::Labels(labels.clone()),
            Check::Stated(needs) => Check::Stated(needs.clone()),
        }
    }
}
