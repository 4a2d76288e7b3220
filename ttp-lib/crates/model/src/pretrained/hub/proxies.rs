//! Which host is asked through which proxy: by the variables that Python's requests reads,
//! in the way it reads them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// The proxies that the environment names, and the hosts that need none. Passwords are never
/// shown.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<Variable>,
    https: Option<Variable>,
    all: Option<Variable>,
    /// Entries of `NO_PROXY`, in small letters.
    direct: Vec<String>,
}

/// A variable's text.
#[derive(Clone)]
struct Variable {
    variable: &'static str,
    text: String,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [&self.http, &self.https, &self.all].into_iter().flatten();
        let variables: Vec<_> = named.map(|named| named.variable).collect();
        f.debug_struct("Proxies").field("of", &variables).field("direct", &self.direct).finish()
    }
}

/// A proxy that is spoken to in plain HTTP.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Proxy {
    /// The variable that names it.
    variable: &'static str,
    host: String,
    port: u16,
    /// The name and password that it wants.
    credentials: Option<(String, String)>,
}

impl Proxies {
    /// Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, each in small letters or
    /// else in capitals. Of the first three an empty one in small letters means none. In a CGI
    /// program (`REQUEST_METHOD` is set) `HTTP_PROXY` may be a header of the request, and is passed
    /// over.
    ///
    /// `no_proxy` is a list, with commas, of hosts, of domains (`.local` and `local` are the
    /// same), of either with a port, of addresses, of networks (`10.0.0.0/8`); `*` stands for all.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| lookup(name).map(|value| value.to_string_lossy().trim().to_owned());
        let proxy = |small: &'static str, capital: &'static str| {
            let own = text(small).map(|text| Variable { variable: small, text });
            let other = || {
                let may_be_header = capital == "HTTP_PROXY" && lookup("REQUEST_METHOD").is_some();
                let text = text(capital).filter(|_| !may_be_header)?;
                Some(Variable { variable: capital, text })
            };
            own.or_else(other).filter(|named| !named.text.is_empty())
        };
        let is_set = |text: &String| !text.is_empty();
        let direct = text("no_proxy").filter(is_set).or_else(|| text("NO_PROXY"));
        let direct = direct.unwrap_or_default().to_lowercase().replace(' ', "");
        Self {
            http: proxy("http_proxy", "HTTP_PROXY"),
            https: proxy("https_proxy", "HTTPS_PROXY"),
            all: proxy("all_proxy", "ALL_PROXY"),
            direct: direct.split(',').map(|entry| entry.trim().to_owned()).collect(),
        }
    }

    /// The proxy to ask for `url`; `None` where its host is asked itself.
    ///
    /// # Errors
    /// What is wrong with the proxy: that its address is none, or it is spoken to in another way.
    pub(super) fn of(&self, url: &Url) -> Result<Option<Proxy>, String> {
        let own = if url.scheme() == "http" { &self.http } else { &self.https };
        let (Some(named), Some(host)) = (own.as_ref().or(self.all.as_ref()), url.host()) else {
            return Ok(None);
        };
        let port = url.port_or_known_default().unwrap_or(0);
        if self.direct.iter().any(|entry| names(entry, &host, port)) {
            return Ok(None);
        }
        Proxy::parse(named).map(Some)
    }
}

impl Proxy {
    fn parse(Variable { variable, text }: &Variable) -> Result<Self, String> {
        let address = match text.contains("://") {
            true => text.clone(),
            false => format!("http://{text}"),
        };
        let url = Url::parse(&address).ok();
        let of_host = url.as_ref().and_then(|url| Some((url, url.host_str()?)));
        let Some((url, host)) = of_host.filter(|(_, host)| !host.is_empty()) else {
            // Its text may hold a password.
            return Err(format!("{variable} holds no proxy's address, like http://host:port"));
        };
        // Of other schemes than the web's the parser knows no port.
        let port = url.port().or_else(|| url.port_or_known_default());
        if url.scheme() != "http" {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let scheme = url.scheme();
            let known = "only proxies at http:// are, and NO_PROXY names hosts that need none";
            return Err(format!(
                "the proxy {scheme}://{host}{port} of {variable} is not supported: {known}"
            ));
        }
        let part = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let password = url.password().map(part).unwrap_or_default();
        let credentials = (!url.username().is_empty()).then(|| (part(url.username()), password));
        Ok(Self { variable, host: host.to_owned(), port: port.unwrap_or(80), credentials })
    }

    /// Where it listens: `host:port`.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// As ureq takes it. Its own parser knows no address of version 6: that needs a resolver,
    /// which is asked for this address whatever it holds.
    pub(super) fn for_ureq(&self) -> String {
        match &self.credentials {
            Some((name, password)) => format!("http://{name}:{password}@proxy:{}", self.port),
            None => format!("http://proxy:{}", self.port),
        }
    }

    /// The header that says who asks, for what is no tunnel; ureq adds it to those alone.
    pub(super) fn authorization(&self) -> Option<String> {
        let (name, password) = self.credentials.as_ref()?;
        Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}"))))
    }
}

/// Its address and the variable, without what it wants to know.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} of {}", self.address(), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether an entry of `NO_PROXY` names this host or a domain or network that it is in.
fn names(entry: &str, host: &Host<&str>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.trim_start_matches('.');
    let (text, address) = match host {
        Host::Domain(name) => (name.to_lowercase(), None),
        Host::Ipv4(ip) => (ip.to_string(), Some(IpAddr::V4(*ip))),
        Host::Ipv6(ip) => (ip.to_string(), Some(IpAddr::V6(*ip))),
    };
    if entry.is_empty() {
        return false;
    }
    if let Some(address) = address
        && (same_address(entry, address, port) || in_network(entry, address))
    {
        return true;
    }
    let is_in = |host: &str| {
        host.strip_suffix(entry).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    is_in(&text) || is_in(&format!("{text}:{port}"))
}

/// `::1`, `[::1]` and `[::1]:80` for the same address, however it is written.
fn same_address(entry: &str, address: IpAddr, port: u16) -> bool {
    let bare = entry.strip_suffix(&format!("]:{port}")).or_else(|| entry.strip_suffix(']'));
    let bare = bare.and_then(|entry| entry.strip_prefix('[')).unwrap_or(entry);
    bare.parse() == Ok(address)
}

/// Whether `10.0.0.0/8` or `fd00::/8` holds an address.
fn in_network(entry: &str, address: IpAddr) -> bool {
    let Some((base, bits)) = entry.split_once('/') else { return false };
    let Ok(bits) = bits.parse::<u32>() else { return false };
    let masked = |address: u128, length: u32| (address << (128 - length)) >> (128 - bits);
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) if (1..=32).contains(&bits) => {
            masked(u128::from(base.to_bits()), 32) == masked(u128::from(address.to_bits()), 32)
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) if (1..=128).contains(&bits) => {
            masked(base.to_bits(), 128) == masked(address.to_bits(), 128)
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(endpoint: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, String> {
        let proxies = Proxies::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        });
        proxies.of(&Url::parse(endpoint).unwrap())
    }

    fn address(endpoint: &str, variables: &[(&str, &str)]) -> Option<String> {
        of(endpoint, variables).unwrap().map(|proxy| proxy.address())
    }

    #[test]
    fn each_scheme_has_its_own_and_small_letters_go_first() {
        let (http, https) = ("http://hub.example/", "https://hub.example/");
        let is = |endpoint, variables: &[(&str, &str)], expected: &str| {
            assert_eq!(address(endpoint, variables).as_deref(), Some(expected), "{variables:?}");
        };
        let none = |endpoint, variables: &[(&str, &str)]| {
            assert_eq!(address(endpoint, variables), None, "{variables:?}");
        };
        none(http, &[]);
        is(http, &[("http_proxy", "http://p:1")], "p:1");
        is(http, &[("http_proxy", "http://p:1/")], "p:1");
        is(http, &[("http_proxy", "http://p")], "p:80");
        is(http, &[("http_proxy", "127.0.0.1:9")], "127.0.0.1:9");
        is(http, &[("http_proxy", "localhost:9")], "localhost:9");
        is(http, &[("http_proxy", "http://[::1]:9")], "[::1]:9");
        is(http, &[("HTTP_PROXY", "http://P:1")], "p:1");
        is(http, &[("HTTP_PROXY", "http://p:1"), ("http_proxy", "http://q:2")], "q:2");
        none(http, &[("HTTP_PROXY", "http://p:1"), ("http_proxy", "")]);
        none(http, &[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")]);
        is(http, &[("http_proxy", "http://p:1"), ("REQUEST_METHOD", "GET")], "p:1");
        none(https, &[("HTTP_PROXY", "http://p:1")]);
        is(https, &[("HTTPS_PROXY", "http://p:1"), ("ALL_PROXY", "http://q:2")], "p:1");
        is(https, &[("all_proxy", "http://q:2")], "q:2");
        is(http, &[("ALL_PROXY", "q:2")], "q:2");
    }

    #[test]
    fn hosts_that_need_none_are_named_in_all_the_ways_of_requests() {
        let is_direct = |endpoint: &str, entries: &str| {
            address(endpoint, &[("all_proxy", "http://p:1"), ("NO_PROXY", entries)]).is_none()
        };
        for (endpoint, entries) in [
            ("https://hub.lan.example/", "*"),
            ("https://hub.lan.example/", "lan.example"),
            ("https://hub.lan.example/", ".lan.example"),
            ("https://hub.lan.example/", "a, hub.lan.example"),
            ("https://hub.lan.example/", " a ,HUB.Lan.example ,"),
            ("https://hub.lan.example/", "hub.lan.example:443"),
            ("https://hub.lan.example:8/", "lan.example:8"),
            ("http://hub.local/", ".local"),
            ("http://127.0.0.1:18999/", "127.0.0.1"),
            ("http://127.0.0.1:18999/", "127.0.0.1:18999"),
            ("http://127.0.0.1:18999/", "127.0.0.0/8"),
            ("http://127.0.0.1:18999/", "10.0.0.0/8,127.0.0.1/32"),
            ("http://127.0.0.1:18999/", " 127.0.0.1 , x"),
            ("http://[::1]:8/", "::1"),
            ("http://[::1]:8/", "[::1]"),
            ("http://[::1]:8/", "[::1]:8"),
            ("http://[::1]:8/", "0:0:0:0:0:0:0:1"),
            ("http://[fd00::1]:8/", "fd00::/8"),
        ] {
            assert!(is_direct(endpoint, entries), "{endpoint} {entries:?}");
        }
        for (endpoint, entries) in [
            ("https://hub.lan.example/", "an.example"),
            ("https://hub.lan.example/", "b.lan.example"),
            ("https://hub.lan.example/", ""),
            ("https://hub.lan.example/", ","),
            ("https://hub.lan.example/", "."),
            ("https://hub.lan.example/", "hub.lan.example:80"),
            ("https://hub.lan.example/", "lan.example.org"),
            ("http://127.0.0.1:18999/", "127.0.0.1:8"),
            ("http://127.0.0.1:18999/", "128.0.0.0/8"),
            ("http://127.0.0.1:18999/", "127.0.0.0/0"),
            ("http://127.0.0.1:18999/", "127.0.0.0/33"),
            ("http://127.0.0.1:18999/", "127.0.0.2/31"),
            ("http://[::1]:8/", "::2"),
            ("http://[::1]:8/", "[::1]:9"),
            ("http://[::1]:8/", "127.0.0.0/8"),
        ] {
            assert!(!is_direct(endpoint, entries), "{endpoint} {entries:?}");
        }
        let both = [("all_proxy", "p:1"), ("no_proxy", ""), ("NO_PROXY", "a")];
        assert_eq!(address("http://a/", &both), None);
        let both = [("all_proxy", "p:1"), ("no_proxy", "b"), ("NO_PROXY", "a")];
        assert!(address("http://a/", &both).is_some());
    }

    #[test]
    fn what_is_no_proxy_here_is_refused_by_name_and_without_its_password() {
        let said = |text: &str| of("http://a/", &[("ALL_PROXY", text)]).unwrap_err();
        for (text, shown) in [
            ("socks5://me:secret@127.0.0.1:1080", "the proxy socks5://127.0.0.1:1080 of ALL_PROXY"),
            ("socks5h://p", "the proxy socks5h://p of ALL_PROXY"),
            ("https://me:secret@p:3128", "the proxy https://p:3128 of ALL_PROXY"),
        ] {
            let said = said(text);
            assert!(said.starts_with(&format!("{shown} is not supported: ")), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
        for text in ["http://", "http://me:secret@:1", "http://me:secret@p:port", "http:// /"] {
            let expected = "ALL_PROXY holds no proxy's address, like http://host:port";
            assert_eq!(said(text), expected, "{text}");
        }
        let proxy = of("http://a/", &[("http_proxy", "http://m%40e:se%3Acret@p:1")]);
        let proxy = proxy.unwrap().unwrap();
        for shown in [format!("{proxy}"), format!("{proxy:?}")] {
            assert_eq!(shown, "the proxy p:1 of http_proxy");
        }
        assert_eq!(proxy.for_ureq(), "http://m@e:se:cret@proxy:1");
        // Python 3.11: base64.b64encode(b"m@e:se:cret").
        assert_eq!(proxy.authorization().unwrap(), "Basic bUBlOnNlOmNyZXQ=");
        let proxies = Proxies::from_lookup(|name| {
            name.ends_with("s_proxy").then(|| "http://me:secret@p".into())
        });
        let shown = format!("{proxies:?}");
        assert!(shown.contains("https_proxy") && !shown.contains("secret"), "{shown}");
    }
}
