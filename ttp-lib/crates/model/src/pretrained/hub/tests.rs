//! The hub's settings beside what Python makes of the same variables.

use super::token::Token;
use super::{HubSettings, Proxies};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use url::Url;

/// `environment/golden/hub_settings.py`: huggingface_hub 0.26.5, for paths with `$NAME` 2.4.0,
/// and requests 2.34.2.
#[derive(Deserialize)]
struct Golden {
    settings: Vec<SettingsCase>,
    proxies: Vec<ProxyCase>,
}

#[derive(Deserialize)]
struct SettingsCase {
    variables: Variables,
    cache: String,
    token: Option<String>,
    offline: bool,
    download_timeout: u64,
    etag_timeout: u64,
    no_progress: bool,
}

#[derive(Deserialize)]
struct ProxyCase {
    address: String,
    variables: Variables,
    proxy: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn lookup(&self, name: &str) -> Option<OsString> {
        self.0.get(name).map(OsString::from)
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../../../../tests/golden/hub_settings.json")).unwrap()
}

#[test]
fn settings_are_what_python_makes_of_the_variables() {
    let cases = golden().settings;
    assert!(cases.len() > 40);
    for case in cases {
        let variables = &case.variables;
        let settings = HubSettings::from_lookup(|name| variables.lookup(name)).unwrap();
        assert_eq!(settings.cache, Path::new(&case.cache), "{variables:?}");
        let token = Token::new(&case.token.unwrap_or_default()).unwrap();
        assert!(settings.token == token, "{variables:?}");
        assert_eq!(settings.offline, case.offline, "{variables:?}");
        assert_eq!(settings.progress, !case.no_progress, "{variables:?}");
        // Where nothing is said we wait longer.
        if variables.0.contains_key("HF_HUB_DOWNLOAD_TIMEOUT") {
            assert_eq!(settings.timeout.as_secs(), case.download_timeout);
            assert_eq!(settings.etag_timeout.as_secs(), case.etag_timeout);
        }
    }
}

#[test]
fn proxies_are_those_that_requests_takes() {
    let cases = golden().proxies;
    assert!(cases.len() > 30);
    for ProxyCase { address, variables, proxy } in cases {
        let proxies = Proxies::from_lookup(|name| variables.lookup(name));
        let ours = proxies.of(&Url::parse(&address).unwrap()).unwrap();
        let ours = ours.map(|proxy| format!("http://{}", proxy.address()));
        assert_eq!(ours, proxy, "{address} {variables:?}");
    }
}
