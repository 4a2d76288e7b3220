//! Where the hub is, where its cache is, and who asks: from the same variables that
//! Python's huggingface_hub reads.

use crate::{Error, Result};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const PUBLIC_HUB: &str = "https://huggingface.co";

/// Who asks. Its text is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a token without the white space around it; `None` if nothing is left.
    ///
    /// # Errors
    /// If it holds a character that no HTTP header can.
    pub fn new(text: &str) -> Result<Option<Self>> {
        let text = text.trim();
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            let reason = "the token holds a character that none can have".to_owned();
            return Err(Error::Setting { field: "HF_TOKEN", reason });
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    pub(super) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// How often and how soon a request is made again that failed for a passing reason:
/// no connection, a body cut short, 429, 5xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The pause before the second attempt; each further one is twice as long.
    pub first_pause: Duration,
}

impl Default for Retry {
    /// Five attempts over 7.5 s.
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(500) }
    }
}

/// All that [`super::Hub`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hub's address, `https://…`; a path is kept as a prefix.
    pub endpoint: Url,
    /// The folder that holds `models--…`.
    pub cache: PathBuf,
    /// Sent to the endpoint's host and to no other.
    pub token: Option<Token>,
    /// Whether only the cache is used.
    pub offline: bool,
    /// What passing failures cost.
    pub retry: Retry,
    /// How long to wait for a connection, and for each part of an answer.
    pub timeout: Duration,
    /// A proxy's address, `http://host:port`.
    pub proxy: Option<String>,
}

impl Settings {
    /// The public hub's settings for a cache folder: no token, no proxy, online.
    ///
    /// # Errors
    /// If `endpoint` is no `http` or `https` address.
    pub fn new(endpoint: &str, cache: &Path) -> Result<Self> {
        Ok(Self {
            endpoint: parse_endpoint(endpoint)?,
            cache: cache.to_path_buf(),
            token: None,
            offline: false,
            retry: Retry::default(),
            timeout: Duration::from_secs(30),
            proxy: None,
        })
    }

    /// Reads the variables through `lookup`, of which an empty one counts as not set:
    /// `HF_ENDPOINT`, `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_TOKEN`,
    /// `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE`, and the proxy's.
    ///
    /// # Errors
    /// If an address or a token makes no sense, a token's file cannot be read, or there
    /// is no home to keep a cache in.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variables = Variables { lookup: &lookup };
        let home = variables.hub_home();
        let cache = match (variables.path("HF_HUB_CACHE"), &home) {
            (Some(cache), _) => cache,
            (None, Some(home)) => home.join("hub"),
            (None, None) => {
                let reason = "not set, nor is HOME: there is no folder for the cache".to_owned();
                return Err(Error::Setting { field: "HF_HOME", reason });
            }
        };
        let endpoint = variables.text("HF_ENDPOINT");
        let mut settings = Self::new(endpoint.as_deref().unwrap_or(PUBLIC_HUB), &cache)?;
        settings.token = variables.token(home.as_deref())?;
        settings.offline =
            ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].iter().any(|name| variables.is_true(name));
        settings.proxy = variables.proxy(&settings.endpoint);
        Ok(settings)
    }
}

struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Variables<'_> {
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from((self.lookup)(name).filter(|value| !value.is_empty())?);
        match (path.strip_prefix("~"), (self.lookup)("HOME")) {
            (Ok(rest), Some(home)) => Some(Path::new(&home).join(rest)),
            _ => Some(path),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?.to_string_lossy().trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| ["1", "on", "yes", "true"].contains(&&*value.to_lowercase()))
    }

    fn hub_home(&self) -> Option<PathBuf> {
        let caches = || {
            let home_caches = || Some(self.path("HOME")?.join(".cache"));
            self.path("XDG_CACHE_HOME").or_else(home_caches)
        };
        self.path("HF_HOME").or_else(|| Some(caches()?.join("huggingface")))
    }

    /// `HF_TOKEN`, else the file that `huggingface-cli login` writes.
    fn token(&self, home: Option<&Path>) -> Result<Option<Token>> {
        if let Some(token) = self.text("HF_TOKEN") {
            return Token::new(&token);
        }
        let in_home = || Some(home?.join("token"));
        let Some(path) = self.path("HF_TOKEN_PATH").or_else(in_home) else { return Ok(None) };
        match std::fs::read_to_string(&path) {
            Ok(token) => Token::new(&token),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(Error::file(&path, "read")(error)),
        }
    }

    /// The proxy for `endpoint`; files that it refers to elsewhere take the same way.
    fn proxy(&self, endpoint: &Url) -> Option<String> {
        let any_case = |name: &str| self.text(&name.to_lowercase()).or_else(|| self.text(name));
        let host = endpoint.host_str()?;
        let direct = any_case("NO_PROXY").unwrap_or_default();
        if direct.split(',').any(|entry| names_host(entry.trim(), host)) {
            return None;
        }
        let own = if endpoint.scheme() == "http" { "HTTP_PROXY" } else { "HTTPS_PROXY" };
        any_case(own).or_else(|| any_case("ALL_PROXY"))
    }
}

/// Whether an entry of `NO_PROXY` names this host or a domain that it is in.
fn names_host(entry: &str, host: &str) -> bool {
    let domain = entry.trim_start_matches('.');
    entry == "*"
        || (!domain.is_empty()
            && host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn parse_endpoint(text: &str) -> Result<Url> {
    let wrong = |reason: String| Error::Setting { field: "HF_ENDPOINT", reason };
    let url = Url::parse(text).map_err(|error| wrong(format!("{text:?}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err(wrong(format!("{text:?} is not an address like {PUBLIC_HUB}")));
    }
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        // The order of huggingface_hub 0.26.5, constants.py.
        for (variables, cache) in [
            (&[("HOME", "/h")][..], "/h/.cache/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/hf")], "/hf/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "~/hf")], "/h/hf/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/c")], "/c"),
            (&[("HOME", "/h"), ("HF_HOME", "")], "/h/.cache/huggingface/hub"),
        ] {
            assert_eq!(read(variables).unwrap().cache, Path::new(cache), "{variables:?}");
        }
        let message = read(&[]).unwrap_err().to_string();
        assert_eq!(
            message,
            "setting HF_HOME: not set, nor is HOME: there is no folder for the cache"
        );
    }

    #[test]
    fn offline_is_said_in_several_ways() {
        for (value, offline) in
            [("1", true), ("yes", true), ("ON", true), ("True", true), ("0", false), ("", false)]
        {
            let settings = read(&[("HOME", "/h"), ("HF_HUB_OFFLINE", value)]).unwrap();
            assert_eq!(settings.offline, offline, "{value:?}");
        }
        assert!(read(&[("HOME", "/h"), ("TRANSFORMERS_OFFLINE", "1")]).unwrap().offline);
    }

    #[test]
    fn a_token_comes_from_the_variable_or_the_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).unwrap().token, None);
        std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        let bearer = |variables: &[(&str, &str)]| {
            read(variables).unwrap().token.map(|token| token.bearer()).unwrap()
        };
        assert_eq!(bearer(&[("HF_HOME", home)]), "Bearer hf_file");
        assert_eq!(bearer(&[("HF_HOME", home), ("HF_TOKEN", " hf_var\n")]), "Bearer hf_var");
        let shown = format!("{:?}", read(&[("HF_HOME", home)]).unwrap());
        assert!(!shown.contains("hf_file"), "{shown}");
        let message = read(&[("HF_HOME", home), ("HF_TOKEN", "a\nX-Evil: b")]).unwrap_err();
        assert_eq!(
            message.to_string(),
            "setting HF_TOKEN: the token holds a character that none can have"
        );
    }

    #[test]
    fn an_endpoint_is_an_address() {
        let endpoint = |text| read(&[("HOME", "/h"), ("HF_ENDPOINT", text)]);
        assert_eq!(endpoint("").unwrap().endpoint.as_str(), "https://huggingface.co/");
        assert_eq!(
            endpoint("http://127.0.0.1:80/hf/").unwrap().endpoint.as_str(),
            "http://127.0.0.1/hf/"
        );
        for text in ["hub", "ftp://a/", "file:///a", "https://a/?b"] {
            let message = endpoint(text).unwrap_err().to_string();
            assert!(message.starts_with("setting HF_ENDPOINT: "), "{message}");
        }
    }

    #[test]
    fn proxies_are_used_but_for_the_hosts_that_need_none() {
        let proxy = |more: &[(&str, &str)]| {
            let mut variables = vec![("HOME", "/h"), ("HF_ENDPOINT", "https://hub.lan.example/")];
            variables.extend(more);
            read(&variables).unwrap().proxy
        };
        let https = ("https_proxy", "http://p:1");
        assert_eq!(proxy(&[]), None);
        assert_eq!(proxy(&[https]).as_deref(), Some("http://p:1"));
        assert_eq!(proxy(&[("HTTP_PROXY", "http://p:1")]), None);
        assert_eq!(proxy(&[("ALL_PROXY", "http://p:2")]).as_deref(), Some("http://p:2"));
        for no in ["*", "lan.example", ".lan.example", "a, hub.lan.example"] {
            assert_eq!(proxy(&[https, ("NO_PROXY", no)]), None, "{no}");
        }
        for no in ["an.example", "b.lan.example", "", ","] {
            assert!(proxy(&[https, ("no_proxy", no)]).is_some(), "{no}");
        }
    }
}
