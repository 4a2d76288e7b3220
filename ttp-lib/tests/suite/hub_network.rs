//! The way to the hub: proxies, repositories that have moved, a hub that asks to wait, and what
//! its refusals mean.

use crate::common::hub_server::Fault;
use crate::hub::{COMMIT, World, lines};
use std::ffi::OsString;
use std::time::{Duration, Instant};
use ttp_lib::pretrained::hub::{HubSettings, Proxies, Token};
use ttp_lib::{Error, Result};

/// Nothing listens there.
const DEAD: &str = "http://me:secret@127.0.0.1:9";

fn proxies(variables: &[(&str, &str)]) -> Proxies {
    Proxies::from_lookup(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    })
}

// https://github.com/psf/requests: utils.py, should_bypass_proxies.
#[test]
fn a_dead_proxy_is_called_one_unless_the_host_needs_none() {
    let fetch = |no_proxy: &str| {
        let world = World::new();
        let no_proxy = no_proxy.replace("BOTH", &world.server.addresses().join(","));
        let dead = proxies(&[("http_proxy", DEAD), ("NO_PROXY", &no_proxy)]);
        world.fetch_with(|settings| settings.proxies = dead, "org/whole", "main")
    };
    for no_proxy in ["127.0.0.1", "BOTH", "127.0.0.0/8", " 127.0.0.1 , x", "*"] {
        fetch(no_proxy).unwrap_or_else(|error| panic!("{no_proxy:?}: {error}"));
    }
    for no_proxy in ["", "127.0.0.1:1", "10.0.0.0/8", "x"] {
        let said = fetch(no_proxy).unwrap_err().to_string();
        let expected = "org/whole@main: cannot reach the proxy 127.0.0.1:9 of http_proxy: ";
        assert!(said.starts_with(expected), "{said}");
        assert!(said.contains("refused") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_named() {
    let said = |proxy: &str| {
        let world = World::new();
        let socks = proxies(&[("ALL_PROXY", proxy)]);
        let said = world.fetch_with(|settings| settings.proxies = socks, "org/whole", "main");
        world.said(said)
    };
    let known = "only proxies at http:// are, and NO_PROXY names hosts that need none";
    assert_eq!(
        said("socks5://me:secret@127.0.0.1:1080"),
        format!(
            "org/whole@main: the proxy socks5://127.0.0.1:1080 of ALL_PROXY is not supported: \
             {known}"
        )
    );
    // Of a proxy's name that nobody knows it is said, too.
    let said = said("no-such-host.invalid:3128");
    let expected =
        "org/whole@main: cannot reach the proxy no-such-host.invalid:3128 of ALL_PROXY: ";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn each_address_goes_its_own_way_through_a_proxy() {
    let world = World::new();
    let proxy = world.server.endpoint.replace("http://", "me:se%63ret@");
    let change = |settings: &mut HubSettings| {
        settings.proxies = proxies(&[("http_proxy", &proxy), ("NO_PROXY", "127.0.0.1")]);
        settings.endpoint = "http://hub.example/".parse().unwrap();
        settings.token = Token::new("hf_right").unwrap();
    };
    let fetched = world.fetch_with(change, "org/whole", "main").unwrap();
    world.assert_whole(&fetched);
    let requests = world.server.take_requests();
    assert!(requests.iter().any(|request| request.at_cdn));
    for request in requests {
        // The large files' host is 127.0.0.1, and gets neither the token nor the proxy's password.
        let of_hub = |text: &'static str| (!request.at_cdn).then_some(text);
        assert_eq!(request.as_proxy_of.as_deref(), of_hub("hub.example"));
        assert_eq!(request.proxy_authorization.as_deref(), of_hub("Basic bWU6c2VjcmV0"));
        assert_eq!(request.authorization.as_deref(), of_hub("Bearer hf_right"));
    }
    world.server.plan("GET /api", 1, Fault::Status(407));
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    let (address, expected) = (
        world.server.endpoint.replace("http://", ""),
        "wants a name and a password, or others than it holds (407)",
    );
    assert_eq!(said, format!("org/whole@main: the proxy {address} of http_proxy {expected}"));
    world.server.plan("GET /api", 3, Fault::Status(502));
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    let expected = format!(
        "org/whole@main: hub.example through the proxy {address} of http_proxy answered 502"
    );
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn a_proxy_that_opens_no_tunnel_is_named() {
    let world = World::new();
    let change = |settings: &mut HubSettings| {
        settings.proxies = proxies(&[("https_proxy", &world.server.endpoint)]);
        settings.endpoint = "https://hub.example/".parse().unwrap();
    };
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    let address = world.server.endpoint.replace("http://", "");
    let expected = format!(
        "org/whole@main: the proxy {address} of https_proxy does not connect to hub.example"
    );
    assert!(said.starts_with(&expected), "{said}");
    let requests = lines(&world.server.take_requests());
    assert_eq!(requests[0], "CONNECT hub.example:443");
    world.server.plan("CONNECT", 1, Fault::Status(407));
    let said = world.said(world.fetch_with(change, "org/whole", "main"));
    assert!(said.ends_with("wants a name and a password, or others than it holds (407)"), "{said}");
}

// https://github.com/mlverse/hfhub/pull/11
#[test]
fn a_repository_that_has_moved_is_followed() {
    let world = World::new();
    world.server.plan("org/former", usize::MAX, Fault::Moved("org/former", "org/private"));
    let fetched = world.with_token("hf_right", "org/former").unwrap();
    assert_eq!(fetched.commit, COMMIT);
    assert!(fetched.folder.to_str().unwrap().contains("models--org--former"));
    for request in world.server.take_requests() {
        let expected = (!request.at_cdn).then_some("Bearer hf_right");
        assert_eq!(request.authorization.as_deref(), expected);
    }
    assert_eq!(
        world.said(world.fetch("org/former", "main")),
        "org/former@main: private, gated or not there (401): check the name, or set HF_TOKEN to \
         a token that may read it"
    );
}

#[test]
fn the_beginning_of_a_commit_is_a_revision_that_the_hub_looks_up() {
    let world = World::new();
    let short = &COMMIT[..7];
    assert_eq!(world.fetch("org/whole", short).unwrap().commit, COMMIT);
    let lines = lines(&world.server.take_requests());
    assert_eq!(lines[0], format!("GET /api/models/org/whole/revision/{short}"));
    assert_eq!(world.offline("org/whole", short).unwrap().commit, COMMIT);
}

#[test]
fn a_hub_that_asks_to_wait_is_waited_for_and_not_for_an_hour() {
    let world = World::new();
    world.server.plan("GET /api", 1, Fault::Busy(1));
    let began = Instant::now();
    world.fetch("org/whole", "main").unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    world.server.take_requests();
    world.server.plan("GET /api", 2, Fault::Busy(3600));
    let said = world.said(world.fetch("org/whole", "main"));
    let expected = "org/whole@main: 127.0.0.1 answered 429 and asks to wait 3600 s";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!(lines(&world.server.take_requests()).len(), 1, "once");
}

#[test]
fn refusals_say_what_can_be_done() {
    let world = World::new();
    let refused = |fault: Fault, change: &dyn Fn(&mut HubSettings)| -> Result<()> {
        world.server.plan("GET /api", 1, fault);
        world.fetch_with(|settings| change(settings), "org/whole", "main").map(|_| ())
    };
    let said = |fault, change: &dyn Fn(&mut HubSettings)| {
        let said = refused(fault, change).unwrap_err().to_string();
        said.replace(&world.server.endpoint, "HUB")
    };
    let plain = &|_: &mut HubSettings| {};
    assert_eq!(
        said(Fault::Denied("GatedRepo", "Access is restricted."), plain),
        "org/whole@main: access is denied (403): accept the model's terms at HUB/org/whole, and \
         set HF_TOKEN to a token of that account"
    );
    assert_eq!(
        said(Fault::Denied("", "Access to this resource is disabled."), plain),
        "org/whole@main: the hub refuses with status 403: Access to this resource is disabled."
    );
    assert_eq!(
        said(Fault::Status(401), &|settings| settings.token_withheld = true),
        "org/whole@main: private, gated or not there (401): check the name, or unset \
         HF_HUB_DISABLE_IMPLICIT_TOKEN, which keeps HF_TOKEN from being sent"
    );
    let error = refused(Fault::NotFound, plain).unwrap_err();
    assert!(matches!(error, Error::HubRevision { .. }));
    assert_eq!(error.to_string(), "org/whole@main: there is no such model or revision (404)");
    let unknown = world.fetch("org/whole", "v9").unwrap_err();
    assert!(matches!(unknown, Error::HubRevision { .. }), "{unknown}");
}
