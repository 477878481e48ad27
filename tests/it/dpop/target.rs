//! Checks 8 and 9 of RFC 9449 section 4.3 against what a request went to (requirements K).

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::dpop::target::ExpectedTarget;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};
use oidc_spa_native::resource_server::{Decision, ResourceServer};

use super::{changed, p1, t1};
use crate::issuer::{HTU, Jwt, PROFILES, Setup, head, quoted};

pub const MISMATCH: &str = "proof_uri_mismatch";

fn for_uri(htu: &str) -> Jwt {
    p1().claim("htu", &quoted(htu))
}

/// What a server with this trust says of a request with a proof for this URI.
pub fn judged(trust: &ProxyTrust, head: RequestHead<'_>, htu: &str) -> [&'static str; 3] {
    let proof = for_uri(htu).claim("htm", &quoted(head.method)).sign();
    let authorization = format!("DPoP {}", t1());
    PROFILES.map(|profile| {
        let setup = Setup::new(profile).policy(|policy| {
            policy.proxy_trust = trust.clone();
            policy.reads_forwarded_prefix = true;
        });
        let authorization = Field::Once(authorization.as_str());
        setup.judge(&Request { authorization, dpop: Field::Once(&proof), head: Some(head) }).name()
    })
}

#[track_caller]
pub fn accepts(trust: &ProxyTrust, head: RequestHead<'_>, htu: &str) {
    assert_eq!(judged(trust, head, htu), ["granted"; 3], "{htu} for {head:?}");
}

#[track_caller]
pub fn refuses(trust: &ProxyTrust, head: RequestHead<'_>, htu: &str) {
    assert_eq!(judged(trust, head, htu), [MISMATCH; 3], "{htu} for {head:?}");
}

#[test]
fn check_9_k07_to_k26_equivalent_uris_are_one() {
    for htu in [
        "HTTPS://API.EXAMPLE/v1/items",
        "https://api.example:443/v1/items",
        "https://api.example:/v1/items",
        "https://api.example/v1/%69tems",
        "https://api.example/v1/./items",
        "https://api.example/v1/x/../items",
        "https://api.example/../v1/items",
        "https://api.example/v1/items?x=1",
        "https://api.example/v1/items?y=2#f",
        "https://api.example/v1/items#f",
    ] {
        changed(htu, &for_uri(htu), "granted");
    }
}

#[test]
fn check_9_k10_to_k35_other_uris_are_not() {
    for htu in [
        "",
        "/v1/items",
        "//api.example/v1/items",
        "api.example/v1/items",
        "https:/v1/items",
        "http://api.example/v1/items",
        "https://api.example:8443/v1/items",
        "https://api.example:0443/v1/items",
        "https://api.example:+443/v1/items",
        "https://api.example",
        "https://api.example/",
        "https://api.example/v1/items/",
        "https://api.example/v1//items",
        "https://api.example/V1/items",
        "https://api.example/v1/items/x/../..",
        "https://api.example/v1%2Fitems",
        "https://api.example/v1/%2569tems",
        "https://api.example/v1/items%00",
        "https://api.example/v1/items%",
        "https://api.example/v1/%GGitems",
        "https://api.example./v1/items",
        "https://api.example.evil/v1/items",
        "https://evil.example/v1/items",
        "https://u@api.example/v1/items",
        "https://u:p@api.example/v1/items",
        "https://api.example@evil.example/v1/items",
        "https://evil.example\\@api.example/v1/items",
        "https:\\\\api.example\\v1\\items",
        "https://api.example/v1/\titems",
        "https://api.example/v1/items\n",
        " https://api.example/v1/items",
        "https://api.ex\u{e1}mple/v1/items",
    ] {
        changed(htu, &for_uri(htu), MISMATCH);
    }
    let long = format!("https://api.example/{}", "x".repeat(5_000));
    changed("K35", &for_uri(&long), MISMATCH);
}

#[test]
fn k16_k17_k24_the_request_is_normalised_as_the_proof_is() {
    let nobody = &ProxyTrust::Nobody;
    for url in ["/v1/x/../items", "/v1/%69tems?x=1", "/v1/./items#f", "/a/../v1/items"] {
        accepts(nobody, RequestHead { url, ..head() }, HTU);
    }
    let lower = RequestHead { url: "/a%2fb/%7Euser", ..head() };
    accepts(nobody, lower, "https://api.example/a%2Fb/~user");
    refuses(nobody, lower, "https://api.example/a/b/~user");
    refuses(nobody, RequestHead { url: "/v1/items/", ..head() }, HTU);
    let root = RequestHead { url: "/", ..head() };
    accepts(nobody, root, "https://api.example");
    for method in ["HEAD", "DELETE", "M-SEARCH"] {
        accepts(nobody, RequestHead { method, ..head() }, HTU);
    }
    for url in ["/v1/%GG", "/v1/\u{e9}", "/v1\\items", "/v1 items"] {
        let htu = format!("https://api.example{url}");
        refuses(nobody, RequestHead { url, ..head() }, &htu);
    }
}

#[test]
fn k36_k38_the_host_is_a_host() {
    let nobody = &ProxyTrust::Nobody;
    let hosted = |host: Option<&'static str>| RequestHead { host, ..head() };
    accepts(nobody, hosted(Some("API.example:443")), HTU);
    // The Host field decides where the application names no public URL: the proof for another host is refused.
    refuses(nobody, hosted(Some("other.example")), HTU);
    for host in
        ["a@api.example", "api.example/v1", "api.example#", "api.example:x", "api.example:443:443", "", "a b"]
    {
        refuses(nobody, hosted(Some(host)), HTU);
    }
    refuses(nobody, hosted(None), HTU);
    refuses(nobody, RequestHead { host_repeated: true, ..head() }, HTU);
    refuses(nobody, RequestHead { connection_scheme: None, ..head() }, HTU);
    let base = ProxyTrust::PublicBaseUrl(TargetUri::parse("https://api.example").unwrap());
    accepts(&base, hosted(Some("other.example")), HTU);
    refuses(&base, hosted(Some("other.example")), "https://other.example/v1/items");
}

#[test]
fn k39_k41_forwarded_fields_count_where_they_are_trusted() {
    let inner = RequestHead {
        connection_scheme: Some("http"),
        host: Some("10.0.0.5:3000"),
        x_forwarded_host: Some("api.example"),
        x_forwarded_proto: Some("https"),
        ..head()
    };
    accepts(&ProxyTrust::First, inner, HTU);
    accepts(&ProxyTrust::Hops(1), inner, HTU);
    refuses(&ProxyTrust::Nobody, inner, HTU);
    accepts(&ProxyTrust::Nobody, inner, "http://10.0.0.5:3000/v1/items");
    refuses(&ProxyTrust::First, inner, "https://api.example:3000/v1/items");
    let port = RequestHead { x_forwarded_port: Some("8443"), ..inner };
    accepts(&ProxyTrust::First, port, "https://api.example:8443/v1/items");
    refuses(&ProxyTrust::First, port, HTU);
    let standard = RequestHead { forwarded: Some("proto=https;host=\"api.example\""), ..inner };
    accepts(&ProxyTrust::First, standard, HTU);
    // What the client itself wrote stands in front of what the one proxy appended.
    let spoofed = RequestHead { x_forwarded_host: Some("evil.example, api.example"), ..inner };
    accepts(&ProxyTrust::Hops(1), spoofed, HTU);
    refuses(&ProxyTrust::Hops(1), spoofed, "https://evil.example/v1/items");
    for host in ["a@b", "api.example/x", "api.example:x"] {
        refuses(&ProxyTrust::First, RequestHead { x_forwarded_host: Some(host), ..inner }, HTU);
    }
}

#[test]
fn k42_a_public_base_url_brings_its_path() {
    let base = ProxyTrust::PublicBaseUrl(TargetUri::parse("https://api.example/api").unwrap());
    accepts(&base, head(), "https://api.example/api/v1/items");
    refuses(&base, head(), HTU);
}

#[test]
fn k45_k46_k47_odd_request_targets() {
    let nobody = &ProxyTrust::Nobody;
    let target = |url: &'static str| RequestHead { url, ..head() };
    refuses(nobody, target("//evil.example/v1/items"), "https://evil.example/v1/items");
    accepts(nobody, target("//evil.example/x"), "https://api.example//evil.example/x");
    accepts(nobody, target("https://api.example/v1/items"), HTU);
    accepts(nobody, target("/v1/items#frag"), HTU);
    for url in ["*", "api.example:443", "", "v1/items", "?x=1", "#", "ftp://api.example/v1/items"] {
        refuses(nobody, target(url), HTU);
    }
}

#[test]
fn the_drop_ins_second_step_compares_with_what_the_application_expects() {
    let judge = |proof: &Jwt, method: Option<&str>, uri: Option<&str>| {
        let setup = Setup::new(Profile::OidcSpa);
        let proof = proof.sign();
        let credentials = Credentials {
            presentation: Presentation::DPoP { proof: &proof },
            access_token: t1(),
            token_begin: 0,
        };
        let target = ExpectedTarget::of_application(method, uri);
        let server = ResourceServer::new(setup.policy.clone());
        let question = Question::of_credentials(credentials, Some(target));
        match server.decide(&question, &|_| setup.keys.clone(), setup.now) {
            Decision::Pending(_) => "granted",
            Decision::Refused(refusal) | Decision::KeysNeeded { otherwise: refusal, .. } => {
                refusal.rejection.code().row().name
            }
        }
    };
    let (get, htu) = (Some("GET"), Some(HTU));
    assert_eq!(judge(&p1(), get, htu), "granted");
    assert_eq!(judge(&p1(), Some("get"), htu), "granted");
    assert_eq!(judge(&p1(), get, Some("https://API.example/v1/items?y#f")), "granted");
    assert_eq!(judge(&p1(), Some("POST"), htu), "proof_method_mismatch");
    assert_eq!(judge(&p1(), get, Some("https://api.example/v1")), MISMATCH);
    // An application that expects none gets a proof that names none.
    assert_eq!(judge(&p1(), None, htu), "proof_method_mismatch");
    assert_eq!(judge(&p1(), get, None), MISMATCH);
    assert_eq!(judge(&p1().without("htm"), None, htu), "granted");
    assert_eq!(judge(&p1().without("htu"), get, None), "granted");
    assert_eq!(judge(&p1().without("htm").without("htu"), None, None), "granted");
    assert_eq!(judge(&p1().claim("htm", "null"), None, htu), "proof_method_mismatch");
    assert_eq!(judge(&p1().claim("htu", "null"), get, None), MISMATCH);
    // A text that is no URI is matched by nothing, itself included.
    for text in ["/v1/items", "", "undefined", "https://u@api.example/v1/items"] {
        assert_eq!(judge(&for_uri(text), get, Some(text)), MISMATCH, "{text}");
        assert_eq!(judge(&p1().without("htu"), get, Some(text)), MISMATCH, "{text}");
    }
}
