//! What the hub's refusals mean, and what can be done about each.

use super::client::{Client, HubRefusal};
use super::repository::Repository;
use super::settings::HubSettings;

/// A refusal and what was asked for.
pub(super) struct Refusal<'a> {
    pub(super) client: &'a Client,
    pub(super) of: Repository<'a>,
    pub(super) file: Option<&'a str>,
}

/// A failure that may pass, after all attempts.
pub(super) fn passing(reason: &str, settings: &HubSettings) -> String {
    let attempts = settings.retry.attempts;
    format!("{reason} (tried {attempts} times); HF_HUB_OFFLINE=1 uses the cache alone")
}

impl Refusal<'_> {
    /// Whether the hub knows the repository, as far as it says, and not the revision.
    pub(super) fn is_of_revision(&self, answer: &HubRefusal) -> bool {
        let code = answer.code.as_deref();
        answer.status == 404
            && (code == Some("RevisionNotFound") || code.is_none() && self.file.is_none())
    }

    /// The hub says 401 both of what is private and of what is not there, so as to give
    /// away nothing.
    pub(super) fn reason(&self, answer: &HubRefusal) -> String {
        let settings = self.client.settings();
        let has_token = settings.token.is_some();
        let noun = self.of.noun();
        let page = self.client.address(self.of.page());
        let token = match settings.token_withheld {
            true => "unset HF_HUB_DISABLE_IMPLICIT_TOKEN, which keeps HF_TOKEN from being sent",
            false => "set HF_TOKEN to a token that may read it",
        };
        match (answer.status, answer.code.as_deref()) {
            (401, Some("GatedRepo")) if !has_token => {
                format!("gated (401): accept the {noun}'s terms at {page}, and {token}")
            }
            (401, _) if has_token => {
                "the hub refuses the token (401): see HF_TOKEN, or the file token in HF_HOME".into()
            }
            (401, _) => format!("private, gated or not there (401): check the name, or {token}"),
            (403, code) if code == Some("GatedRepo") || answer.message.is_none() => {
                self.terms(&page)
            }
            (404, Some("RevisionNotFound")) => format!("the {noun} has no such revision (404)"),
            (404, _) if self.file.is_some() => {
                "the hub lists the file and does not have it (404)".into()
            }
            (404, Some("RepoNotFound")) if has_token => {
                format!("there is no such {noun}, or the token of HF_TOKEN may not read it (404)")
            }
            (404, Some("RepoNotFound")) => {
                format!(
                    "there is no such {noun}, or it is private (404): check the name, or {token}"
                )
            }
            (404, _) => format!("there is no such {noun} or revision (404)"),
            (status, _) => {
                let said = answer.message.as_deref().map(shortened);
                let said = said.map(|message| format!(": {message}")).unwrap_or_default();
                format!("the hub refuses with status {status}{said}")
            }
        }
    }

    fn terms(&self, page: &url::Url) -> String {
        format!(
            "access is denied (403): accept the {}'s terms at {page}, and set HF_TOKEN to a token \
             of that account",
            self.of.noun()
        )
    }
}

/// What the hub says to people may be long.
fn shortened(message: &str) -> String {
    message.chars().take(200).collect()
}
