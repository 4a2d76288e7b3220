//! Where the hub is, where its cache is, and who asks: from the same variables that
//! Python's huggingface_hub reads.

use super::proxies::Proxies;
use super::token::Token;
use super::variables::Variables;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ttp_base::{Error, Result};
use url::Url;

const PUBLIC_HUB: &str = "https://huggingface.co";

/// How often and how soon a request is made again that failed for a passing reason:
/// no connection, a body cut short, 429, 5xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The pause before the second attempt; each further one is twice as long, or as long as
    /// the hub asks for.
    pub first_pause: Duration,
    /// The longest pause: a hub that asks for more is not waited for.
    pub longest_pause: Duration,
}

impl Default for Retry {
    /// Five attempts over 7.5 s, or of at most a minute each where the hub asks for it.
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// All that [`super::Hub`] needs to know.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// The hub's address, `https://…`; a path is kept as a prefix.
    pub endpoint: Url,
    /// The folder that holds `models--…`.
    pub cache: PathBuf,
    /// Sent to the endpoint's host and to no other.
    pub token: Option<Token>,
    /// Whether a token is not to be sent though there may be one.
    pub token_withheld: bool,
    /// Whether only the cache is used.
    pub offline: bool,
    /// Whether [`super::Hub::watch`] prints how far a file has come.
    pub progress: bool,
    /// What passing failures cost.
    pub retry: Retry,
    /// How long to wait for a connection, and for each part of an answer.
    pub timeout: Duration,
    /// The same, where it is only asked what a file holds.
    pub etag_timeout: Duration,
    /// Which host is asked through which proxy.
    pub proxies: Proxies,
}

impl HubSettings {
    /// The public hub's settings for a cache folder: no token, no proxy, online.
    ///
    /// # Errors
    /// If `endpoint` is no `http` or `https` address.
    pub fn new(endpoint: &str, cache: &Path) -> Result<Self> {
        Ok(Self {
            endpoint: parse_endpoint(endpoint)?,
            cache: cache.to_path_buf(),
            token: None,
            token_withheld: false,
            offline: false,
            progress: true,
            retry: Retry::default(),
            timeout: Duration::from_secs(30),
            etag_timeout: Duration::from_secs(30),
            proxies: Proxies::default(),
        })
    }

    /// Reads the variables through `lookup`, of which an empty one counts as not set. What each
    /// means is as in huggingface_hub 0.26.5; that `$NAME` in a path is replaced came later there.
    ///
    /// | what | variables, the first that is set |
    /// |---|---|
    /// | address | `HF_ENDPOINT` |
    /// | cache | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE`, `hub` in `HF_HOME`, in `huggingface` in `XDG_CACHE_HOME`, or in `~/.cache/huggingface` |
    /// | token | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, the file `HF_TOKEN_PATH`, the file `token` in `HF_HOME`; none with `HF_HUB_DISABLE_IMPLICIT_TOKEN` |
    /// | cache alone | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` |
    /// | seconds to wait | `HF_HUB_DOWNLOAD_TIMEOUT`, `HF_HUB_ETAG_TIMEOUT` |
    /// | no progress lines | `HF_HUB_DISABLE_PROGRESS_BARS` |
    /// | proxies | [`Proxies::from_lookup`] |
    ///
    /// # Errors
    /// If an address, a token or a number makes no sense, a token's file cannot be read, or there
    /// is no home to keep a cache in.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variables = Variables { lookup: &lookup };
        let home = variables.hub_home()?;
        let cache = variables.cache(home.as_deref())?;
        let endpoint = variables.text("HF_ENDPOINT");
        let mut settings = Self::new(endpoint.as_deref().unwrap_or(PUBLIC_HUB), &cache)?;
        settings.token_withheld = variables.is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN");
        if !settings.token_withheld {
            settings.token = variables.token(home.as_deref())?;
        }
        settings.offline = variables.is_offline();
        settings.progress = !variables.is_true("HF_HUB_DISABLE_PROGRESS_BARS");
        if let Some(timeout) = variables.seconds("HF_HUB_DOWNLOAD_TIMEOUT")? {
            settings.timeout = timeout;
        }
        if let Some(timeout) = variables.seconds("HF_HUB_ETAG_TIMEOUT")? {
            settings.etag_timeout = timeout;
        }
        settings.proxies = Proxies::from_lookup(lookup);
        Ok(settings)
    }
}

fn parse_endpoint(text: &str) -> Result<Url> {
    let wrong = |reason: String| Error::Setting { field: "HF_ENDPOINT", reason };
    let is_address = |url: &Url| {
        matches!(url.scheme(), "http" | "https") && url.query().or(url.fragment()).is_none()
    };
    let Some(url) = Url::parse(text.trim_end_matches('/')).ok().filter(is_address) else {
        return Err(wrong(format!("{text:?} is not an address like {PUBLIC_HUB}")));
    };
    if !url.username().is_empty() || url.password().is_some() {
        let reason = "a name or password in the address is not supported: HF_TOKEN says who asks";
        return Err(wrong(reason.to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<HubSettings> {
        HubSettings::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        // What Python itself says is compared in tests.rs. Empty variables count as not set here
        // and not there, where they would make a cache of the current folder.
        for (variables, cache) in [
            (&[("HOME", "/h")][..], "/h/.cache/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/hf")], "/hf/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "~/hf")], "/h/hf/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "~")], "/h/hub"),
            (&[("HOME", "/h/"), ("HF_HOME", "~/hf")], "/h/hf/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "a/b")], "a/b/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/c")], "/c"),
            (&[("HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "/new")], "/new"),
            (&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HUB_CACHE", "")], "/old"),
            (&[("HOME", "/h"), ("HF_HOME", "")], "/h/.cache/huggingface/hub"),
            (&[("P", "/p"), ("HF_HOME", "$P/hf")], "/p/hf/hub"),
            (&[("P", "/p"), ("HF_HUB_CACHE", "${P}x/c")], "/px/c"),
            (&[("HOME", "/h"), ("P", "p"), ("XDG_CACHE_HOME", "~/$P")], "/h/p/huggingface/hub"),
            (&[("HF_HOME", "/a/$NONE/${NONE}/$/$$")], "/a/$NONE/${NONE}/$/$$/hub"),
            (&[("HF_HOME", "/a/${B"), ("B", "b")], "/a/${B/hub"),
            (&[("HF_HOME", "/a/~")], "/a/~/hub"),
        ] {
            assert_eq!(read(variables).unwrap().cache, Path::new(cache), "{variables:?}");
        }
        let message = read(&[]).unwrap_err().to_string();
        assert_eq!(
            message,
            "setting HF_HOME: not set, nor is HOME: there is no folder for the cache"
        );
        let message = read(&[("HOME", "/h"), ("HF_HUB_CACHE", "~other/c")]).unwrap_err();
        let expected = "setting HF_HUB_CACHE: \"~other/c\": write the folder in full";
        assert_eq!(message.to_string(), expected);
    }

    #[test]
    fn offline_is_said_in_several_ways() {
        for (value, offline) in
            [("1", true), ("yes", true), ("ON", true), ("True", true), ("0", false), ("", false)]
        {
            let settings = read(&[("HOME", "/h"), ("HF_HUB_OFFLINE", value)]).unwrap();
            assert_eq!(settings.offline, offline, "{value:?}");
        }
        let both = |hub, transformers| {
            let more = [("HF_HUB_OFFLINE", hub), ("TRANSFORMERS_OFFLINE", transformers)];
            read(&[&[("HOME", "/h")][..], &more].concat()).unwrap().offline
        };
        assert!(both("", "1"));
        assert!(!both("0", "1"), "the hub's own decides");
        assert!(both("1", "0"));
    }

    #[test]
    fn a_token_comes_from_the_variable_or_the_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).unwrap().token, None);
        std::fs::write(folder.path().join("token"), "hf_file\r\n").unwrap();
        std::fs::write(folder.path().join("other"), "hf_other\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let bearer = |more: &[(&str, &str)]| {
            let variables = [&[("HF_HOME", home)], more].concat();
            read(&variables).unwrap().token.map(|token| token.bearer())
        };
        let is = |more: &[(&str, &str)], token: &str| {
            assert_eq!(bearer(more).unwrap(), format!("Bearer {token}"), "{more:?}");
        };
        is(&[], "hf_file");
        is(&[("HF_TOKEN", " hf_var\n")], "hf_var");
        is(&[("HF_TOKEN", "hf_\r\nvar")], "hf_var");
        is(&[("HUGGING_FACE_HUB_TOKEN", "hf_old\n")], "hf_old");
        is(&[("HUGGING_FACE_HUB_TOKEN", "hf_old"), ("HF_TOKEN", "hf_new")], "hf_new");
        is(&[("HUGGING_FACE_HUB_TOKEN", "hf_old"), ("HF_TOKEN", "\n")], "hf_old");
        is(&[("HF_TOKEN_PATH", "$HF_HOME/other")], "hf_other");
        assert_eq!(bearer(&[("HF_TOKEN_PATH", "$HF_HOME/none")]), None);
        assert_eq!(bearer(&[("HF_TOKEN_PATH", "$HF_HOME/empty")]), None);
        let withheld = read(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap();
        assert_eq!((withheld.token, withheld.token_withheld), (None, true));
        let shown = format!("{:?}", read(&[("HF_HOME", home)]).unwrap());
        assert!(!shown.contains("hf_file"), "{shown}");
        for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
            let message = read(&[("HF_HOME", home), (name, "a\nX-Evil: b")]).unwrap_err();
            let expected =
                format!("setting {name}: the token holds a character that none can have");
            assert_eq!(message.to_string(), expected);
        }
        std::fs::write(folder.path().join("token"), "a b").unwrap();
        let message = read(&[("HF_HOME", home)]).unwrap_err().to_string();
        assert!(message.ends_with("/token: the token holds a character that none can have"));
    }

    #[test]
    fn an_endpoint_is_an_address() {
        let endpoint = |text| read(&[("HOME", "/h"), ("HF_ENDPOINT", text)]);
        assert_eq!(endpoint("").unwrap().endpoint.as_str(), "https://huggingface.co/");
        for text in ["http://127.0.0.1:80/hf", "http://127.0.0.1/hf/", "http://127.0.0.1/hf//"] {
            assert_eq!(endpoint(text).unwrap().endpoint.as_str(), "http://127.0.0.1/hf");
        }
        assert_eq!(endpoint("http://[::1]:8/").unwrap().endpoint.as_str(), "http://[::1]:8/");
        for text in ["hub", "hub:80", "ftp://a/", "file:///a", "https://a/?b", "https://n:p@a/"] {
            let message = endpoint(text).unwrap_err().to_string();
            assert!(message.starts_with("setting HF_ENDPOINT: "), "{message}");
        }
    }

    #[test]
    fn waiting_and_progress_are_settings() {
        let plain = read(&[("HOME", "/h")]).unwrap();
        let read = |name: &str, value: &str| read(&[("HOME", "/h"), (name, value)]);
        let changed = read("HF_HUB_DOWNLOAD_TIMEOUT", "5").unwrap();
        assert_eq!(changed.timeout, Duration::from_secs(5));
        assert_eq!(changed.etag_timeout, plain.etag_timeout);
        let changed = read("HF_HUB_ETAG_TIMEOUT", "7").unwrap();
        assert_eq!((changed.timeout, changed.etag_timeout.as_secs()), (plain.timeout, 7));
        assert_eq!(read("HF_HUB_ETAG_TIMEOUT", "0").unwrap().etag_timeout, plain.etag_timeout);
        let message = read("HF_HUB_DOWNLOAD_TIMEOUT", "soon").unwrap_err().to_string();
        let expected = "setting HF_HUB_DOWNLOAD_TIMEOUT: \"soon\" is no whole number of seconds";
        assert_eq!(message, expected);
        assert!(plain.progress);
        assert!(!read("HF_HUB_DISABLE_PROGRESS_BARS", "TRUE").unwrap().progress);
    }
}
