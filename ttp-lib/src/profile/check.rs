//! How a profile is checked, and the JSON schema of one.

use super::{BootstrapSettings, Profile, SweepSettings, TrainChanges};
use serde_json::json;
use ttp_base::error::SettingPath;
use ttp_base::settings::{FILLED, Range, Schema, above, at_least, between};
use ttp_base::{Result, settings};
use ttp_model::engine::ranges::{BATCH_SIZE, EPOCHS, LEARNING_RATE};
use ttp_model::pretrained::{self, Entry, Start, hub};
use ttp_text::split::Protocol;

/// Some rows must be there to judge a model by.
const JUDGING: Range = above(0.0).or("0: no row to judge a model by");

settings!(
    Profile, "", {
        corpus,
        balance,
        augment,
        split,
        protocols: FILLED,
        checkpoints: FILLED,
        training,
        training_of,
        pretraining,
        similarity,
        remedies,
        family,
        families,
        sweep,
        bootstrap,
    },
    free { schema, name, about, seed, revisions, notebooks },
    with { split.validation: JUDGING, split.test: JUDGING },
    also Self::go_together
);

settings!(TrainChanges, "training_of", {
    learning_rate: LEARNING_RATE,
    epochs: EPOCHS,
    batch_size: BATCH_SIZE,
    protocols: FILLED,
}, free { optimizer });

settings!(BootstrapSettings, "bootstrap", {
    resamples: at_least(100.0).or("{} give no interval; take 100 or more"),
    level: between(0.0, 1.0),
});

impl Profile {
    /// The JSON schema of a profile, for editors. It refuses unknown fields, wrong types and numbers
    /// out of range, as [`read`](Self::read) does, and not what must go together: that an order, a
    /// sum or names that occur elsewhere are right.
    ///
    /// # Errors
    /// None in practice: as [`settings::schema`].
    pub fn schema() -> Result<Schema> {
        let mut schema = settings::schema::<Self>()?;
        let protocols = "/properties/protocols/items";
        let own = "/properties/training_of/additionalProperties/properties/protocols/items";
        let swept = "/properties/sweep/properties/protocols/items";
        let untrained = [Protocol::Told, Protocol::Grouped].map(Protocol::name);
        for items in [protocols, own, swept] {
            if let Some(items) = schema.pointer_mut(items).and_then(Schema::as_object_mut) {
                items.insert("not".to_owned(), json!({ "enum": untrained }));
            }
        }
        for list in SweepSettings::DISTINCT {
            let list = format!("/properties/sweep/properties/{list}");
            if let Some(list) = schema.pointer_mut(&list).and_then(Schema::as_object_mut) {
                list.insert("uniqueItems".to_owned(), json!(true));
            }
        }
        Ok(schema)
    }

    fn go_together(&self, at: &SettingPath) -> Result<()> {
        self.check_protocols(at)?;
        self.check_names_of_files(&at.field("checkpoints"))?;
        self.check_revisions(&at.field("revisions"))?;
        let further = |name: &&String| Entry::named(name).is_some_and(Entry::is_pretrained_further);
        let swept = self.sweep.models.iter().flatten().chain(&self.sweep.arms_of);
        match self.checkpoints.iter().chain(swept).find(further) {
            Some(name) if self.pretraining.is_none() => {
                at.field("pretraining").refuse(format!("missing, and checkpoint {name:?} needs it"))
            }
            _ => Ok(()),
        }
    }

    fn check_protocols(&self, at: &SettingPath) -> Result<()> {
        if self.protocols.contains(&Protocol::Told) {
            let reason =
                "\"told\" is counted, and linear models are trained on it: take paper or clean";
            return at.field("protocols").refuse(reason);
        }
        if self.protocols.contains(&Protocol::Grouped) {
            let reason = "\"grouped\" is an arm of a sweep: take paper or clean";
            return at.field("protocols").refuse(reason);
        }
        for (name, changes) in &self.training_of {
            let at = at.field("training_of").field(name);
            // A copy of a profile with fewer checkpoints keeps what it says of the others.
            let is_swept = self.sweep.models.iter().flatten().any(|own| own == name);
            if !self.checkpoints.contains(name) && !is_swept && Entry::named(name).is_none() {
                return at.refuse(format!("{name:?} is not among the checkpoints"));
            }
            let mut own = changes.protocols.iter().flatten().enumerate();
            if let Some((item, other)) = own.find(|(_, own)| !self.protocols.contains(own)) {
                let reason = format!("{:?} is not among protocols", other.name());
                return at.field("protocols").item(item).refuse(reason);
            }
        }
        Ok(())
    }

    fn check_names_of_files(&self, at: &SettingPath) -> Result<()> {
        let mut files: Vec<_> = self.checkpoints.iter().map(|c| pretrained::file_name(c)).collect();
        files.sort();
        match files.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                at.refuse(format!("two of them would write to files named {:?}", pair[0]))
            }
            None => Ok(()),
        }
    }

    fn check_revisions(&self, at: &SettingPath) -> Result<()> {
        for (name, revision) in &self.revisions {
            let at = at.field(name);
            if !Entry::named(name).is_some_and(|entry| matches!(entry.start, Start::Hub { .. })) {
                return at.refuse(format!(
                    "{name:?} is no checkpoint that the catalogue has from the hub; of others \
                     owner/name@revision names one"
                ));
            }
            if !hub::is_revision(revision) {
                return at.refuse(format!("{revision:?} is no commit, branch or tag"));
            }
        }
        Ok(())
    }
}
