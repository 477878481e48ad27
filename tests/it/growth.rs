//! What anybody may send costs no more than in proportion to its length: growth is measured, not time.
//!
//! Each input is made in two sizes, of which the second is eight times the first, and read on this thread. The processor
//! time of the thread counts, so that other programs do not: a reader in proportion to the length takes about eight times
//! as long for the second, one in proportion to its square 64 times. The least of several rounds is taken of each, and the
//! bound lies far from both.

use std::hint::black_box;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::credentials::{Credentials, Field};
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::{Object, parse, texts_of_items};
use oidc_spa_native::jose::jwk::{Jwk, Spelling};
use oidc_spa_native::jose::jws::JoseHeader;
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::{JwkSet, Sought};

use oidc_spa_native::keys::metadata::Metadata;
use oidc_spa_native::rejection::Shown;
use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};
use oidc_spa_native::time::UnixTime;
use rustix::time::{ClockId, clock_gettime};

use crate::issuer::{ED_1, ES_1, ES_3, Jwt, NOW, Setup, SigningKey, jwk_set_of};

const TIMES: usize = 8;
const MOST: u64 = 24;
/// A reader is called until this much processor time has passed: less would be the clock's own.
const LEAST_NANOS: u64 = 2_000_000;

fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// The processor time of one call, the least of several rounds.
fn cost<T>(input: &T, read: &dyn Fn(&T)) -> u64 {
    let round = || {
        let (begun, mut calls) = (thread_nanos(), 0);
        loop {
            read(black_box(input));
            calls += 1;
            let spent = thread_nanos() - begun;
            if spent >= LEAST_NANOS {
                return (spent / calls).max(1);
            }
        }
    };
    (0..5).map(|_| round()).min().unwrap()
}

/// Whether a reader stays within its bound for an input of this size and one eight times as large.
fn grows_too_much<T>(make: &dyn Fn(usize) -> T, size: usize, read: &dyn Fn(&T)) -> Option<(u64, u64)> {
    let (small, large) = (make(size), make(size * TIMES));
    let (small, large) = (cost(&small, read), cost(&large, read));
    (large > small * MOST).then_some((small, large))
}

#[track_caller]
fn in_proportion<T>(what: &str, size: usize, make: impl Fn(usize) -> T, read: impl Fn(&T)) {
    let found = grows_too_much(&make, size, &read);
    assert_eq!(found, None, "{what}: nanoseconds for {size} and for {TIMES} times as much");
}

fn repeated(n: usize, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(",")
}

fn read_json(text: &String) {
    drop(black_box(parse(text.as_bytes())));
}

#[test]
fn a_reader_in_proportion_to_the_square_is_found() {
    let make = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
    let in_pairs = |names: &Vec<String>| {
        let repeated =
            names.iter().enumerate().any(|(i, name)| names.iter().skip(i + 1).any(|other| other == name));
        black_box(repeated);
    };
    assert!(grows_too_much(&make, 300, &in_pairs).is_some());
    let once = |names: &Vec<String>| {
        black_box(names.iter().any(|name| name == "x"));
    };
    assert!(grows_too_much(&make, 300, &once).is_none());
}

#[test]
fn json_of_every_shape() {
    let size = 2_000;
    in_proportion("members", size, |n| format!("{{{}}}", repeated(n, |i| format!(r#""m{i}":0"#))), read_json);
    let prefix = "p".repeat(100);
    let alike = |n| format!("{{{}}}", repeated(n, |i| format!(r#""{prefix}{i}":0"#)));
    in_proportion("members that begin alike", size, alike, read_json);
    let escaped = |n| format!("{{{}}}", repeated(n, |i| format!(r#""\u0061{i}":0"#)));
    in_proportion("names with escapes", size, escaped, read_json);
    in_proportion("items", size, |n| format!("[{}]", repeated(n, |_| "[]".into())), read_json);
    in_proportion("an escaped text", size, |n| format!(r#""{}""#, r"\u00e9".repeat(n)), read_json);
    in_proportion("digits", size, |n| format!("[0.{}]", "1".repeat(n)), read_json);
    in_proportion("spaces", size, |n| format!("[{}]", " ".repeat(n)), read_json);
    in_proportion(
        "a duplicate at the end",
        size,
        |n| format!("{{{},\"m1\":0}}", repeated(n, |i| format!(r#""m{i}":0"#))),
        read_json,
    );
    in_proportion("lines before an error", size, |n| format!("{}x", "\n".repeat(n)), read_json);
    let items = |text: &String| drop(black_box(texts_of_items(text.as_bytes(), "keys")));
    in_proportion(
        "items as texts",
        size,
        |n| format!(r#"{{"keys":[{}]}}"#, repeated(n, |_| "{}".into())),
        items,
    );
    let nested = |n| {
        format!(r#"{{"keys":[{}]}}"#, repeated(n / 50, |_| format!("{}{}", "[".repeat(50), "]".repeat(50))))
    };
    in_proportion("nested items as texts", size, nested, items);
    let others = |n| format!(r#"{{{},"keys":[]}}"#, repeated(n, |i| format!(r#""m{i}":[{{}}]"#)));
    in_proportion("members beside the items", size, others, items);
}

#[test]
fn one_jwk() {
    let read = |text: &String| {
        let object = Object::parse(text.as_bytes()).unwrap();
        drop(black_box(Jwk::parse(&object, Spelling::Canonical)));
        drop(black_box(Jwk::parse(&object, Spelling::Lenient)));
    };
    let with = |extra: String| ES_1.jwk(&extra);
    in_proportion(
        "key_ops",
        500,
        |n| with(format!(r#""key_ops":[{}]"#, repeated(n, |i| format!(r#""o{i}""#)))),
        read,
    );
    let verify = |n| with(format!(r#""key_ops":["verify",{}]"#, repeated(n, |i| format!(r#""o{i}""#))));
    in_proportion("key_ops with verify", 500, verify, read);
    in_proportion("other members", 500, |n| with(repeated(n, |i| format!(r#""m{i}":0"#))), read);
    let modulus = |n: usize| format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, "A".repeat(n * 4));
    in_proportion("a modulus", 2_000, modulus, read);
    let exponent =
        |n: usize| format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, "_".repeat(344), "A".repeat(n * 4));
    in_proportion("an exponent", 2_000, exponent, read);
}

#[test]
fn a_jwk_set() {
    let read = |text: &String| drop(black_box(JwkSet::parse(text.as_bytes())));
    let one = |extra: String| jwk_set_of(&[ES_1.jwk(&extra)]);
    in_proportion(
        "key_ops of one key",
        4_000,
        |n| one(format!(r#""key_ops":[{}]"#, repeated(n, |i| format!(r#""o{i}""#)))),
        read,
    );
    in_proportion(
        "x5c of one key",
        4_000,
        |n| one(format!(r#""x5c":[{}]"#, repeated(n, |_| r#""AAAA""#.into()))),
        read,
    );
    in_proportion("a certificate", 4_000, |n| one(format!(r#""x5c":["{}"]"#, "AAAA".repeat(n))), read);
    in_proportion("members of one key", 4_000, |n| one(repeated(n, |i| format!(r#""m{i}":0"#))), read);
    in_proportion("a kid", 4_000, |n| one(format!(r#""kid":"{}""#, "k".repeat(n))), read);
    in_proportion("an issuer", 4_000, |n| one(format!(r#""issuer":"{}""#, "{tenantid}".repeat(n))), read);
    in_proportion("keys", 12, |n| jwk_set_of(&vec![ED_1.jwk(""); n]), read);
    in_proportion(
        "keys that are no keys",
        4_000,
        |n| format!(r#"{{"keys":[{}]}}"#, repeated(n, |_| "0".into())),
        read,
    );
}

#[test]
fn what_is_asked_of_a_jwk_set() {
    let prefix = "k".repeat(1_000);
    let sets = |n: usize| {
        let keys: Vec<String> = (0..n).map(|i| ED_1.jwk(&format!(r#""kid":"{prefix}{i}""#))).collect();
        [(); 2].map(|()| JwkSet::parse(jwk_set_of(&keys).as_bytes()).unwrap())
    };
    in_proportion("whether two sets are the same", 12, sets, |[a, b]| {
        assert!(black_box(a.has_the_keys_of(b)))
    });
    let unknown = format!("{prefix}x");
    in_proportion("a kid that no key bears", 12, sets, |[set, _]| {
        let sought = Sought::new(Some(&unknown), Algorithm::EdDSA);
        black_box(set.candidates(&sought, UnixTime::from_secs(NOW)));
        black_box(set.why_none(&sought, UnixTime::from_secs(NOW)));
    });
    let skipped = |n: usize| {
        let bad = ES_3.jwk(&format!(r#""kid":"{}","use":"enc""#, "x".repeat(n)));
        JwkSet::parse(jwk_set_of(&[bad, ES_1.jwk("")]).as_bytes()).unwrap()
    };
    in_proportion("the kid of a skipped key", 4_000, skipped, |set| {
        drop(black_box(set.skipped().collect::<Vec<_>>()))
    });
}

#[test]
fn metadata_of_every_shape() {
    let issuer = Issuer::parse("https://as.example").unwrap();
    let read = |text: &String| drop(black_box(Metadata::parse(text.as_bytes(), &issuer)));
    let with = |extra: String| {
        format!(r#"{{"issuer":"https://as.example","jwks_uri":"https://as.example/k",{extra}}}"#)
    };
    in_proportion("members", 2_000, |n| with(repeated(n, |i| format!(r#""m{i}":0"#))), read);
    in_proportion(
        "scopes",
        2_000,
        |n| with(format!(r#""scopes_supported":[{}]"#, repeated(n, |i| format!(r#""s{i}""#)))),
        read,
    );
    in_proportion(
        "a URL",
        2_000,
        |n| {
            format!(
                r#"{{"issuer":"https://as.example","jwks_uri":"https://as.example/{}"}}"#,
                "../a".repeat(n)
            )
        },
        read,
    );
    in_proportion("another issuer", 2_000, |n| format!(r#"{{"issuer":"{}"}}"#, "\\n".repeat(n)), read);
}

#[test]
fn a_header_and_an_unsigned_token() {
    let bytes = |header: &str| format!("{}.e30.AAAA", base64url_encode(header.as_bytes()));
    let read = |text: &String| drop(black_box(JoseHeader::decode(text)));
    let ops = |n: usize| {
        format!(
            r#"{{"alg":"ES256","jwk":{}}}"#,
            ED_1.jwk(&format!(r#""key_ops":[{}]"#, repeated(n, |i| format!("\"{i}\""))))
        )
    };
    in_proportion("key_ops in a header", 80, |n| bytes(&ops(n)), read);
    in_proportion(
        "members of a header",
        50,
        |n| bytes(&format!("{{{}}}", repeated(n, |i| format!(r#""m{i}":0"#)))),
        read,
    );
    in_proportion("dots", 2_000, |n| ".".repeat(n), read);
    in_proportion("a header that is too long", 8_000, |n| bytes(&"x".repeat(n)), read);
    let setup = Setup::new(Profile::Common).policy(|policy| policy.max_token_bytes = 1 << 20);
    let judge = |token: &String| drop(black_box(setup.bearer(token)));
    let claims =
        |n: usize| Jwt::t0().claim("x", &format!("[{}]", repeated(n, |i| i.to_string()))).sign() + "AA";
    in_proportion("claims of a token with a bad signature", 4_000, claims, judge);
    let audiences =
        |n: usize| Jwt::t0().claim("aud", &format!("[{}]", repeated(n, |i| format!("\"a{i}\"")))).sign();
    in_proportion("audiences", 4_000, audiences, judge);
    let issuer = |n: usize| Jwt::t0().claim("iss", &format!("\"{}\"", "\\n".repeat(n))).sign();
    in_proportion("another issuer", 4_000, issuer, judge);
}

#[test]
fn fields_of_a_request() {
    let parse =
        |text: &String| drop(black_box(Credentials::parse(Field::Once(text), Field::Once(text)).err()));
    in_proportion("a token", 4_000, |n| format!("Bearer {}", "a".repeat(n)), parse);
    in_proportion("spaces before a token", 4_000, |n| format!("DPoP{}x", " ".repeat(n)), parse);
    in_proportion("padding", 4_000, |n| format!("Bearer a{}", "=".repeat(n)), parse);
    in_proportion("a scheme", 4_000, |n| "a".repeat(n), parse);
    let networks = ProxyTrust::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
    for trust in [ProxyTrust::First, ProxyTrust::Hops(16), networks] {
        let judge = |list: &String| {
            let head = RequestHead {
                method: "GET",
                url: "/v1/items",
                host: Some("api.example"),
                connection_scheme: Some("https"),
                remote_address: Some("10.0.0.1"),
                forwarded: Some(list),
                x_forwarded_for: Some(list),
                x_forwarded_host: Some(list),
                x_forwarded_proto: Some(list),
                x_forwarded_prefix: Some(list),
                x_forwarded_port: Some(list),
                client_cert: Some(list),
                ..RequestHead::default()
            };
            drop(black_box(head.target_uri(&trust)));
        };
        in_proportion("addresses", 1_000, |n| repeated(n, |_| "10.0.0.2".into()), judge);
        in_proportion("commas", 4_000, |n| ",".repeat(n), judge);
        in_proportion("parameters", 1_000, |n| "for=10.0.0.2;".repeat(n), judge);
        in_proportion(
            "elements",
            1_000,
            |n| repeated(n, |i| format!("for=10.0.0.2;host=h{i};proto=https")),
            judge,
        );
        in_proportion("prefixes", 1_000, |n| repeated(n, |_| "/a/%41".into()), judge);
        in_proportion("quotes", 4_000, |n| format!("host={}", "\"".repeat(n)), judge);
    }
}

#[test]
fn uris() {
    let read = |text: &String| drop(black_box(TargetUri::parse(text)));
    // 8 KiB are read at most.
    for part in ["/a", "/..", "/.", "/%41", "/%2f", "/a/.."] {
        let make = |n: usize| format!("https://api.example{}", part.repeat(n / part.len()));
        in_proportion(part, 1_000, make, read);
        in_proportion(part, 20_000, make, read);
    }
    in_proportion("a host", 4_000, |n| format!("https://{}/", "a".repeat(n)), read);
    in_proportion("brackets", 4_000, |n| format!("https://[{}/", "[".repeat(n)), read);
    in_proportion("a port", 4_000, |n| format!("https://a:{}/", "1".repeat(n)), read);
}

#[test]
fn a_text_in_a_message() {
    for part in ["x", "\n", "\u{202e}"] {
        in_proportion("shown", 4_000, |n| part.repeat(n), |text| drop(black_box(Shown(text).to_string())));
    }
}

#[test]
fn a_proof() {
    let token = Jwt::t1().sign();
    let setup = Setup::new(Profile::Common).policy(|policy| policy.dpop.max_bytes = 1 << 20);
    let judge = |proof: &String| drop(black_box(setup.dpop(&token, proof)));
    let client: &SigningKey = &crate::issuer::CLIENT;
    let ops = |n: usize| client.jwk(&format!(r#""key_ops":[{}]"#, repeated(n, |i| format!("\"{i}\""))));
    in_proportion("key_ops of a proof", 80, |n| Jwt::p1(&token).header("jwk", &ops(n)).sign(), judge);
    in_proportion(
        "claims of a proof",
        2_000,
        |n| Jwt::p1(&token).claim("x", &format!("[{}]", repeated(n, |_| "0".into()))).sign(),
        judge,
    );
    in_proportion(
        "a jti",
        4_000,
        |n| Jwt::p1(&token).claim("jti", &format!("\"{}\"", "j".repeat(n))).sign(),
        judge,
    );
    in_proportion(
        "a htu",
        4_000,
        |n| Jwt::p1(&token).claim("htu", &format!("\"https://api.example{}\"", "/..".repeat(n))).sign(),
        judge,
    );
}
