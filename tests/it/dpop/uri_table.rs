//! Requirements K as a table: what a request went to, the `htu` of its proof, and the verdict.

use oidc_spa_native::credentials::Field;
use oidc_spa_native::question::Request;
use oidc_spa_native::request::{ProxyTrust, RequestHead};

use super::target::{accepts, judged, refuses};
use super::{p1, t1};
use crate::issuer::{HTU, PROFILES, Setup, head, quoted};

const OK: bool = true;
const IP: bool = false;

/// The id, the request target at `https://api.example`, the `htu`, and whether the one is the other.
const TARGETS: &[(&str, &str, &str, bool)] = &[
    ("K06", "/v1/items?x=1", "https://api.example/v1/items", OK),
    ("K07", "/v1/items", "HTTPS://API.EXAMPLE/v1/items", OK),
    ("K07", "/v1/items", "https://api.example/V1/ITEMS", IP),
    ("K08", "/v1/items", "https://api.example:443/v1/items", OK),
    ("K09", "/v1/items", "https://api.example:/v1/items", OK),
    ("K10", "/v1/items", "https://api.example:0443/v1/items", IP),
    ("K11", "/v1/items", "https://api.example:8443/v1/items", IP),
    ("K11", "/v1/items", "https://api.example:80/v1/items", IP),
    ("K11", "/v1/items", "http://api.example/v1/items", IP),
    ("K11", "/v1/items", "http://api.example:443/v1/items", IP),
    ("K12", "/", "https://api.example", OK),
    ("K12", "/?x=1", "https://api.example", OK),
    ("K12", "/v1", "https://api.example", IP),
    ("K13", "/v1/items/", "https://api.example/v1/items", IP),
    ("K13", "/v1/items", "https://api.example/v1/items/", IP),
    ("K13", "/v1/items/", "https://api.example/v1/items/", OK),
    ("K14", "/v1/items", "https://api.example/v1//items", IP),
    ("K14", "/v1//items", "https://api.example/v1/items", IP),
    ("K14", "/v1//items", "https://api.example/v1//items", OK),
    ("K15", "/v1/Items", "https://api.example/v1/items", IP),
    ("K16", "/v1/items", "https://api.example/v1/%69tems", OK),
    ("K16", "/%7Euser", "https://api.example/~user", OK),
    ("K16", "/~user", "https://api.example/%7euser", OK),
    ("K17", "/a%2fb", "https://api.example/a%2Fb", OK),
    ("K18", "/v1/items", "https://api.example/v1%2Fitems", IP),
    ("K18", "/v1%2Fitems", "https://api.example/v1/items", IP),
    ("K19", "/a:b", "https://api.example/a%3Ab", IP),
    ("K19", "/a@b", "https://api.example/a%40b", IP),
    ("K19", "/a%40b", "https://api.example/a%40b", OK),
    ("K20", "/v1/items", "https://api.example/v1/%2569tems", IP),
    ("K20", "/v1/%69tems", "https://api.example/v1/%2569tems", IP),
    ("K21", "/v1/items", "https://api.example/v1/items%GG", IP),
    ("K21", "/v1/items%GG", "https://api.example/v1/items%GG", IP),
    ("K21", "/v1/items%", "https://api.example/v1/items%", IP),
    ("K21", "/v1/items%2", "https://api.example/v1/items%2", IP),
    ("K22", "/v1/items", "https://api.example/v1/./items", OK),
    ("K22", "/v1/items", "https://api.example/v1/x/../items", OK),
    ("K22", "/v1/items", "https://api.example/../v1/items", OK),
    ("K22", "/v1/items", "https://api.example/v1/items/..", IP),
    ("K23", "/v1/x/%2e%2e/items", "https://api.example/v1/x/%2E%2E/items", OK),
    ("K23", "/v1/x/%2e%2e/secrets", "https://api.example/v1/items", IP),
    ("K24", "/a/../v1/items", "https://api.example/v1/items", OK),
    ("K24", "/a/../v1/items", "https://api.example/a/v1/items", IP),
    ("K25", "/v1/items", "https://api.example/v1/items?y=2", OK),
    ("K26", "/v1/items", "https://api.example/v1/items#f", OK),
    ("K26", "/v1/items", "https://api.example/v1/items#/../other", OK),
    ("K27", "/v1/items", "https://u:p@api.example/v1/items", IP),
    ("K27", "/v1/items", "https://api.example@evil.example/v1/items", IP),
    ("K28", "/v1/items", "https:\\\\api.example\\v1\\items", IP),
    ("K28", "/v1/items", "https://api.example/v1/\titems", IP),
    ("K28", "/v1/items", "https://api.example/v1/items ", IP),
    ("K28", "/v1\\items", "https://api.example/v1\\items", IP),
    ("K29", "/v1/items", "/v1/items", IP),
    ("K29", "/v1/items", "//api.example/v1/items", IP),
    ("K33", "/v1/items", "https://api.example./v1/items", IP),
    ("K34", "/v1/items", "https://api.example.evil.example/v1/items", IP),
    ("K34", "/v1/items", "https://evil-api.example/v1/items", IP),
    ("K45", "//evil.example/x", "https://evil.example/x", IP),
    ("K45", "//evil.example/x", "https://api.example//evil.example/x", OK),
    ("K46", "*", "https://api.example/", IP),
    ("K46", "*", "https://api.example/*", IP),
    ("K46", "api.example:443", "https://api.example", IP),
    ("K47", "/v1/items#frag", "https://api.example/v1/items", OK),
    ("K47", "/v1/secrets#/../items", "https://api.example/v1/items", IP),
];

#[test]
fn k06_to_k47_request_targets() {
    for &(id, url, htu, expected) in TARGETS {
        let expected = if expected { "granted" } else { "proof_uri_mismatch" };
        let said = judged(&ProxyTrust::Nobody, RequestHead { url, ..head() }, htu);
        assert_eq!(said, [expected; 3], "{id}: {url} and {htu}");
    }
}

#[test]
fn k30_to_k32_hosts() {
    for (id, host, htu, is_same) in [
        ("K30", "127.0.0.1", "https://127.0.0.1/v1/items", OK),
        ("K30", "127.0.0.1", "https://0x7f.1/v1/items", IP),
        ("K30", "127.0.0.1", "https://2130706433/v1/items", IP),
        ("K30", "127.0.0.1", "https://127.1/v1/items", IP),
        ("K31", "[::1]", "https://[::1]/v1/items", OK),
        ("K31", "[::1]:8443", "https://[::1]:8443/v1/items", OK),
        ("K31", "[::1]", "https://[0:0:0:0:0:0:0:1]/v1/items", IP),
        ("K31", "[::1%25eth0]", "https://[::1%25eth0]/v1/items", IP),
        ("K32", "xn--bcher-kva.example", "https://xn--bcher-kva.example/v1/items", OK),
        ("K32", "xn--bcher-kva.example", "https://b\u{fc}cher.example/v1/items", IP),
        ("K32", "b\u{fc}cher.example", "https://b\u{fc}cher.example/v1/items", IP),
    ] {
        let head = RequestHead { host: Some(host), ..head() };
        let expected = if is_same { "granted" } else { "proof_uri_mismatch" };
        assert_eq!(judged(&ProxyTrust::Nobody, head, htu), [expected; 3], "{id}: {host} and {htu}");
    }
}

#[test]
fn k01_to_k04_the_method_is_that_of_the_wire() {
    let judge = |method: &str, htm: &str| {
        let authorization = format!("DPoP {}", t1());
        let proof = p1().claim("htm", &quoted(htm)).sign();
        PROFILES.map(|profile| {
            let (authorization, dpop) = (Field::Once(authorization.as_str()), Field::Once(proof.as_str()));
            let head = RequestHead { method, ..head() };
            Setup::new(profile).judge(&Request { authorization, dpop, head: Some(head) }).name()
        })
    };
    let (ok, other) = ("granted", "proof_method_mismatch");
    // The drop-in, last, knows no case.
    for (method, htm, expected) in [
        ("GET", "GET", [ok; 3]),
        ("GET", "get", [other, other, ok]),
        ("GET", "POST", [other; 3]),
        ("GET", "HEAD", [other; 3]),
        ("HEAD", "HEAD", [ok; 3]),
        ("HEAD", "GET", [other; 3]),
        ("POST", "DELETE", [other; 3]),
        ("POST", "POST", [ok; 3]),
    ] {
        assert_eq!(judge(method, htm), expected, "{method} {htm}");
    }
}

/// Behind one proxy that took a prefix off.
fn stripped(prefix: &str) -> RequestHead<'_> {
    RequestHead {
        connection_scheme: Some("http"),
        host: Some("10.0.0.5:3000"),
        x_forwarded_host: Some("api.example"),
        x_forwarded_proto: Some("https"),
        x_forwarded_prefix: Some(prefix),
        remote_address: Some("10.0.0.1"),
        ..head()
    }
}

fn networks() -> ProxyTrust {
    ProxyTrust::Networks(vec!["10.0.0.0/8".parse().unwrap()])
}

#[test]
fn k42_a_prefix_that_a_trusted_proxy_took_off_stands_before_the_path() {
    for trust in [ProxyTrust::First, ProxyTrust::Hops(1), networks()] {
        for (prefix, htu) in [
            ("/api", "https://api.example/api/v1/items"),
            ("/api/", "https://api.example/api/v1/items"),
            ("/a/b", "https://api.example/a/b/v1/items"),
            ("/%61pi", "https://api.example/api/v1/items"),
            ("/a%2fb", "https://api.example/a%2Fb/v1/items"),
            ("/", HTU),
            ("", HTU),
        ] {
            accepts(&trust, stripped(prefix), htu);
        }
        refuses(&trust, stripped("/api"), HTU);
        refuses(
            &trust,
            RequestHead { x_forwarded_prefix: None, ..stripped("") },
            "https://api.example/api/v1/items",
        );
    }
}

#[test]
fn k42_a_prefix_is_a_path() {
    for prefix in [
        "//evil.example",
        "/api//x",
        "api",
        "https://evil.example/api",
        "/api?x",
        "/api#x",
        "/api/..",
        "/./api",
        "/%2e%2e/api",
        "/a\\b",
        "/a b",
        "/\u{e9}",
        "/%GG",
        "/%",
        "\\",
        "/ok, //evil.example",
        "/ok, x",
    ] {
        for htu in [HTU.to_owned(), format!("https://api.example{prefix}/v1/items")] {
            refuses(&ProxyTrust::First, stripped(prefix), &htu);
        }
    }
    let long = format!("/{}", "x".repeat(10_000));
    refuses(&ProxyTrust::First, stripped(&long), HTU);
}

#[test]
fn k42_several_proxies_each_add_the_prefix_that_they_took_off() {
    let at = |path: &str| format!("https://api.example{path}/v1/items");
    let list = RequestHead {
        x_forwarded_host: Some("api.example, api.example"),
        x_forwarded_proto: Some("https, https"),
        ..stripped("/spoofed, /outer, /inner")
    };
    accepts(&ProxyTrust::First, list, &at("/spoofed/outer/inner"));
    accepts(&ProxyTrust::Hops(2), list, &at("/outer/inner"));
    accepts(&ProxyTrust::Hops(1), list, &at("/inner"));
    accepts(&networks(), list, &at("/inner"));
    let two = RequestHead { x_forwarded_for: Some("203.0.113.7, 10.0.0.2"), ..list };
    accepts(&networks(), two, &at("/outer/inner"));
    // Of two proxies, only the inner one took something off.
    accepts(&ProxyTrust::Hops(2), RequestHead { x_forwarded_prefix: Some("/inner"), ..list }, &at("/inner"));
}

#[test]
fn k39_k42_a_prefix_of_nobody_is_ignored() {
    let direct = RequestHead { x_forwarded_prefix: Some("/api"), ..head() };
    accepts(&ProxyTrust::Nobody, direct, HTU);
    refuses(&ProxyTrust::Nobody, direct, "https://api.example/api/v1/items");
    let elsewhere = RequestHead { remote_address: Some("203.0.113.7"), ..direct };
    accepts(&networks(), elsewhere, HTU);
    let base = oidc_spa_native::request::TargetUri::parse("https://api.example").unwrap();
    accepts(&ProxyTrust::PublicBaseUrl(base), direct, HTU);
    // An invalid one of nobody harms nobody.
    accepts(&ProxyTrust::Nobody, RequestHead { x_forwarded_prefix: Some("//x"), ..head() }, HTU);
}

#[test]
fn k42_a_prefix_counts_only_where_the_application_says_so() {
    let authorization = format!("DPoP {}", t1());
    let judge = |reads: bool, htu: &str| {
        let proof = p1().claim("htu", &quoted(htu)).sign();
        let setup = Setup::new(PROFILES[0]).policy(|policy| {
            policy.proxy_trust = ProxyTrust::First;
            policy.reads_forwarded_prefix = reads;
        });
        let (authorization, dpop) = (Field::Once(authorization.as_str()), Field::Once(proof.as_str()));
        setup.judge(&Request { authorization, dpop, head: Some(stripped("/api")) }).name()
    };
    let prefixed = "https://api.example/api/v1/items";
    assert_eq!([judge(true, prefixed), judge(true, HTU)], ["granted", "proof_uri_mismatch"]);
    assert_eq!([judge(false, prefixed), judge(false, HTU)], ["proof_uri_mismatch", "granted"]);
}

#[test]
fn k39_k41_the_two_kinds_of_forwarded_fields_must_agree() {
    let both =
        |forwarded: &'static str, host: &'static str, proto: &'static str, port: Option<&'static str>| {
            let (x_forwarded_host, x_forwarded_proto) = (Some(host), Some(proto));
            let forwarded = Some(forwarded);
            RequestHead { forwarded, x_forwarded_host, x_forwarded_proto, x_forwarded_port: port, ..head() }
        };
    let trust = &ProxyTrust::First;
    for (forwarded, host, proto, port) in [
        ("host=api.example;proto=https", "api.example", "https", None),
        ("host=API.example;proto=HTTPS", "api.example:443", "https", None),
        ("host=api.example", "api.example", "https", Some("443")),
        ("for=192.0.2.1", "api.example", "https", None),
        ("proto=https", "api.example", "https", None),
        (";;=;host", "api.example", "https", None),
    ] {
        accepts(trust, both(forwarded, host, proto, port), HTU);
    }
    for (forwarded, host, proto, port) in [
        ("host=evil.example", "api.example", "https", None),
        ("host=api.example", "evil.example", "https", None),
        ("host=api.example;proto=http", "api.example", "https", None),
        ("host=api.example:8443", "api.example", "https", None),
        ("host=api.example", "api.example", "https", Some("8443")),
        ("host=a@b", "api.example", "https", None),
    ] {
        for htu in [HTU, "https://evil.example/v1/items", "http://api.example/v1/items"] {
            refuses(trust, both(forwarded, host, proto, port), htu);
        }
        // Nobody's contradiction is nobody's concern.
        accepts(&ProxyTrust::Nobody, both(forwarded, host, proto, port), HTU);
    }
}

#[test]
fn k40_a_client_of_a_trusted_network_counts_as_a_proxy_and_empty_values_as_none() {
    let head = RequestHead { x_forwarded_for: Some("10.0.0.9"), x_forwarded_prefix: None, ..stripped("") };
    accepts(&networks(), head, HTU);
    let appended =
        RequestHead { x_forwarded_host: Some(", api.example"), x_forwarded_proto: Some(", https"), ..head };
    accepts(&networks(), appended, HTU);
    accepts(&ProxyTrust::First, appended, HTU);
    accepts(&ProxyTrust::Hops(1), appended, HTU);
    refuses(&ProxyTrust::Hops(2), appended, HTU);
}
