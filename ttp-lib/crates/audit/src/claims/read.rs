//! Claims files read: TOML, and each error with its line.

use super::fields::{Fields, Source, unknown};
use super::matrices::matrix;
use super::systems::quantities;
use super::{Claims, Fact, RangeQuestion, RangeTarget};
use crate::counts::ClassCount;
use crate::figure::Figure;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use toml::de::DeTable;
use ttp_base::{Result, files};

impl Claims {
    /// Reads a claims file.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, or a field is wrong: with the file, the line and the
    /// field.
    pub fn read(file: &Path) -> Result<Self> {
        let text = files::read_text(file)?;
        Self::parse(file, &text)
    }

    /// Reads claims from a text, with a file's name for the errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let source = Source { file, text };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            source.wrong(at, None, format!("not TOML: {}", error.message()))
        })?;
        let top = Fields::new(&source, 0, table.get_ref());
        let mut claims = Self {
            file: file.to_path_buf(),
            document: top.text("document")?.0,
            together: top
                .optional_texts("together")?
                .map(|(names, at)| match names.is_empty() {
                    true => Err(source.wrong(at, Some("together"), "a file is wanted")),
                    false => Ok((names, source.line(at))),
                })
                .transpose()?,
            matrices: Vec::new(),
            quantities: Vec::new(),
            claims: Vec::new(),
            asks: Vec::new(),
            facts: Vec::new(),
        };
        let rounding = top.rounding()?;
        let not_run = top.optional_text("not_run")?.map(|(why, _)| why);
        let zero = top.zero_division()?.unwrap_or_default();
        let balanced = top.balanced()?.unwrap_or_default();
        let mut names = HashSet::new();
        let mut new_name = |fields: &Fields<'_>| -> Result<String> {
            let (id, at) = fields.text("id")?;
            if names.insert(id.clone()) {
                Ok(id)
            } else {
                Err(source.wrong(at, Some("id"), format!("{id:?} is there twice")))
            }
        };
        for fields in top.tables("matrix")? {
            let id = new_name(&fields)?;
            claims.matrices.push(matrix(&fields, id, zero, balanced)?);
            fields.end()?;
        }
        for fields in top.tables("quantities")? {
            let id = new_name(&fields)?;
            claims.quantities.push(quantities(&fields, id)?);
            fields.end()?;
        }
        let tables = top.tables("claim")?;
        let ids: Vec<String> = tables.iter().map(&mut new_name).collect::<Result<_>>()?;
        let places: BTreeMap<&str, usize> =
            ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        for (fields, id) in tables.iter().zip(&ids) {
            let mut claim = claims.claim(fields, id.clone(), rounding, &places)?;
            fields.end()?;
            claim.not_run = not_run.clone().filter(|_| claim.check.is_of_matrix());
            claims.claims.push(claim);
        }
        // Only now is it known which figures the others have.
        for (fields, claim) in tables.iter().zip(&claims.claims) {
            for &other in claim.check.of() {
                if claims.claims[other].value.is_none() {
                    let reason = format!("claim {:?} has no figure", ids[other]);
                    return Err(fields.wrong("of", reason));
                }
            }
        }
        for fields in top.tables("fact")? {
            let id = new_name(&fields)?;
            let fact = claims.fact(&fields, id, &places)?;
            fields.end()?;
            claims.facts.push(fact);
        }
        for fields in top.tables("ask")? {
            let ask = claims.ask(&fields)?;
            fields.end()?;
            claims.asks.push(ask);
        }
        top.end()?;
        Ok(claims)
    }

    fn fact(
        &self,
        fields: &Fields<'_>,
        id: String,
        places: &BTreeMap<&str, usize>,
    ) -> Result<Fact> {
        let (of, of_at) = fields.texts("of")?;
        let wrong = |field, reason| Err(fields.source.wrong(of_at, Some(field), reason));
        if of.is_empty() {
            return wrong("of", "a claim is wanted".to_owned());
        }
        for (at, name) in of.iter().enumerate() {
            if !places.contains_key(name.as_str()) {
                return wrong("of", format!("no claim is named {name:?}"));
            }
            if of[..at].contains(name) {
                return wrong("of", format!("{name:?} is there twice"));
            }
        }
        let mut values: Vec<Figure> = Vec::new();
        if let Some((texts, at)) = fields.optional_texts("values")? {
            let wrong = |reason: String| fields.source.wrong(at, Some("values"), reason);
            if texts.len() != of.len() {
                return Err(wrong(format!("{} figures of {} claims", texts.len(), of.len())));
            }
            values = texts.iter().map(|text| text.parse().map_err(wrong)).collect::<Result<_>>()?;
            for name in &of {
                if self.claims[places[name.as_str()]].value.is_none() {
                    return Err(wrong(format!("claim {name:?} has no figure")));
                }
            }
        }
        Ok(Fact { id, at: fields.text("at")?.0, says: fields.text("says")?.0, of, values })
    }

    fn ask(&self, fields: &Fields<'_>) -> Result<RangeQuestion> {
        let says = fields.text("says")?.0;
        let of = if let Some((name, at)) = fields.optional_text("quantities")? {
            let known: Vec<String> = self.quantities.iter().map(|q| q.id.clone()).collect();
            let place = known.iter().position(|id| *id == name).ok_or_else(|| {
                fields.source.wrong(at, Some("quantities"), unknown("system", &name, &known))
            })?;
            let (name, at) = fields.text("unknown")?;
            let names: Vec<String> =
                self.quantities[place].unknowns.iter().map(|u| u.0.clone()).collect();
            let unknown_at = names.iter().position(|n| *n == name).ok_or_else(|| {
                fields.source.wrong(at, Some("unknown"), unknown("number", &name, &names))
            })?;
            RangeTarget::Unknown(place, unknown_at)
        } else {
            let (at, classes) = self.classes(fields)?;
            match fields.optional_class("class", classes)? {
                Some(class) => {
                    let (name, place) = fields.text("count")?;
                    let count = match name.as_str() {
                        "support" => ClassCount::Support,
                        "predicted" => ClassCount::Predicted,
                        "true_positives" => ClassCount::TruePositives,
                        other => {
                            let known = ["support", "predicted", "true_positives"];
                            let reason = unknown("count", other, &known.map(str::to_owned));
                            return Err(fields.source.wrong(place, Some("count"), reason));
                        }
                    };
                    RangeTarget::Count(at, class, count)
                }
                None => RangeTarget::Cell(
                    at,
                    fields.class("from", classes)?,
                    fields.class("to", classes)?,
                ),
            }
        };
        Ok(RangeQuestion { says, of })
    }
}
