//! Tests of the options as a whole: which options are enough, and the error for each wrong option.
//!
//! In: JSON texts. Out: nothing. Never: the network.

use super::*;
use crate::surroundings::AnyProcess;

fn error(extra: &str) -> String {
    let text =
        format!(r#"{{"issuerUri":"https://as.example","expectedAudience":"https://api.example"{extra}}}"#);
    Options::parse(&text, Internals::default(), &AnyProcess)
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn the_least_options_are_enough() {
    assert_eq!(error(""), "");
    assert_eq!(error(r#","issuerAliases":["as.example","urn:example:as"],"keys":{"sets":["metadata"]}"#), "");
    assert_eq!(error(r#","trustProxy":["10.0.0.0/8","::1","fd00::/8"]"#), "");
    assert_eq!(error(r#","clientCertificate":"header","trustProxy":["10.0.0.1"]"#), "");
    assert_eq!(error(r#","trustProxyPrefix":true,"trustProxy":1"#), "");
    assert_eq!(error(r#","clientCertificate":false"#), "");
    assert_eq!(error(r#","algorithms":["ES256","ML-DSA-65"],"proofAlgorithms":["ML-DSA-44"]"#), "");
    assert_eq!(error(r#","clientCertificate":"socket""#), "");
    assert_eq!(error(r#","nonce":"required","noncePeriodSeconds":60"#), "");
    assert_eq!(error(r#","trustProxy":2,"dpop":"required","limits":{"proofBytes":2048}"#), "");
    assert_eq!(error(r#","publicBaseUrl":"https://api.example/v1","algorithms":["ES256"]"#), "");
    assert_eq!(error(r#","keysAgeSeconds":60,"keysCooldownSeconds":60,"keysOutageSeconds":"forever""#), "");
    assert_eq!(error(r#","network":{"allowHttp":true,"proxy":false},"jwksUri":"http://as:8080/jwks""#), "");
}

#[test]
fn names_that_everybody_knows_are_of_the_default_profile() {
    let names = |extra: &str| {
        let text = format!(r#"{{"issuerUri":"https://accounts.google.com","expectedAudience":"a"{extra}}}"#);
        let options = Options::parse(&text, Internals::default(), &AnyProcess).unwrap();
        options.policy.issuers[0].issuer.names().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    let (long, short) = ("https://accounts.google.com", "accounts.google.com");
    assert_eq!(names(""), [long, short]);
    assert_eq!(names(r#","issuerAliases":["accounts.google.com","x"]"#), [long, short, "x"]);
    assert_eq!(names(r#","profile":"rfc9068""#), [long]);
    let drop_in = Internals { drop_in: true, ..Internals::default() };
    let text = format!(r#"{{"issuerUri":"{long}","expectedAudience":"a"}}"#);
    let accepted = &Options::parse(&text, drop_in, &AnyProcess).unwrap().policy.issuers[0];
    assert_eq!(accepted.issuer.names().count(), 1);
}

#[test]
fn a15_a16_e04_h01_options_that_make_no_sense_are_refused_with_a_reason() {
    for (extra, expected) in [
        (
            r#","algorithms":[]"#,
            "algorithms: expected a list of one or more of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, ML-DSA-44, ML-DSA-65, ML-DSA-87; got an empty list",
        ),
        (r#","algorithms":["RS256","none"]"#, "algorithms[1]: is \"none\"; the option takes a list"),
        (
            r#","algorithms":["HS256"]"#,
            "algorithms[0]: is \"HS256\"; the option takes a list of one or more of RS256",
        ),
        (r#","algorithms":"RS256""#, "algorithms: expected a list"),
        (r#","leewaySeconds":-1"#, "leewaySeconds: expected a whole number from 0 to 300; got -1"),
        (r#","leewaySeconds":86400"#, "leewaySeconds: expected"),
        (r#","leewaySeconds":null"#, "leewaySeconds: expected a whole number from 0 to 300; got null"),
        (r#","leewaySeconds":1.5"#, "leewaySeconds: expected"),
        (r#","issuerUrl":"x""#, "unknown option \"issuerUrl\"; did you mean \"issuerUri\"?"),
        (r#","limits":{"tokens":1}"#, "unknown option \"limits.tokens\". There are accessTokenBytes"),
        (r#","profile":"strict""#, "profile: expected \"default\" or \"rfc9068\"; got \"strict\""),
        (r#","profile":"rfc9068","acceptIdTokens":true"#, "acceptIdTokens: cannot be true"),
        (r#","dpop":true"#, "dpop: expected \"allowed\", \"required\" or \"disabled\"; got true"),
        (
            r#","clientCertificate":"header""#,
            "clientCertificate: \"header\" needs `trustProxy`, since any client can write the field",
        ),
        (
            r#","clientCertificate":"header","publicBaseUrl":"https://api.example""#,
            "clientCertificate: \"header\" needs `trustProxy`",
        ),
        (r#","clientCertificate":true"#, "clientCertificate: expected \"socket\", \"header\" or `false`"),
        (r#","clientCertificate":"Header""#, "clientCertificate: expected"),
        (r#","trustProxyPrefix":true"#, "trustProxyPrefix: is of no use without `trustProxy`"),
        (r#","trustProxyPrefix":1"#, "trustProxyPrefix: expected `true` or `false`; got 1"),
        (r#","trustProxy":0"#, "trustProxy: expected"),
        (r#","trustProxy":[]"#, "trustProxy: expected"),
        (r#","trustProxy":["10.0.0.0/33"]"#, "trustProxy[0]: is \"10.0.0.0/33\"; the option takes `true`"),
        (r#","trustProxy":["::1","proxy.example"]"#, "trustProxy[1]: is \"proxy.example\"; the option"),
        (r#","trustProxy":true,"publicBaseUrl":"https://api.example""#, "publicBaseUrl: with it"),
        (r#","publicBaseUrl":"/api""#, "publicBaseUrl: expected an absolute URL"),
        (r#","publicBaseUrl":"https://a b""#, "publicBaseUrl: expected an absolute URL"),
        (
            r#","keysCooldownSeconds":120,"keysAgeSeconds":60"#,
            "keysCooldownSeconds: 120 is longer than keysAge",
        ),
        (r#","keysAgeSeconds":59"#, "keysAgeSeconds: expected a whole number from 60 to 86400; got 59"),
        (
            r#","keysOutageSeconds":"never""#,
            "keysOutageSeconds: expected a whole number from 0 to 31536000, or \"forever\"",
        ),
        (r#","keysOutageSeconds":-1"#, "keysOutageSeconds: expected a whole number"),
        (r#","jwksUri":"http://as.example/jwks""#, "jwksUri: expected https"),
        (r#","jwksUri":[]"#, "jwksUri: expected the URL of a JWK Set"),
        (r#","jwksUri":["https://as.example/jwks",1]"#, "jwksUri[1]: is 1; the option takes the URL"),
        (r#","jwksUri":["https://as.example/jwks","http://as.example/jwks"]"#, "jwksUri[1]: expected https"),
        (r#","jwksUri":"https://as.example/jwks","keys":{"pem":"x"}"#, "keys: cannot stand beside jwksUri"),
        (r#","keys":[]"#, "keys: expected one of { jwks: { keys: [...] } }, { pem: \"...\" }"),
        (r#","keys":"x""#, "keys: expected one of { jwks: { keys: [...] } }, { pem: \"...\" }"),
        (
            r#","keys":{"kty":"EC"}"#,
            "keys: expected one of { jwks: { keys: [...] } }, { pem: \"...\" }, { file: \"./keys.json\" }, { env: \"NAME\" } and { sets: [...] }; got a JWK or a JWK Set itself; write it as `jwks`",
        ),
        (
            r#","keys":{"keys":[]}"#,
            "keys: expected one of { jwks: { keys: [...] } }, { pem: \"...\" }, { file: \"./keys.json\" }, { env: \"NAME\" } and { sets: [...] }; got a JWK or a JWK Set itself; write it as `jwks`",
        ),
        (r#","keys":{"jwks":[]}"#, "keys.jwks: expected a JWK Set, such as { keys: ["),
        (r#","keys":{}"#, "keys: expected one of { jwks }, { pem }, { file } and { env }"),
        (r#","keys":{"sets":[]}"#, "keys.sets: expected a list of 1 to 16 of { jwksUri }, { jwks }"),
        (r#","keys":{"sets":{}}"#, "keys.sets: expected a list"),
        (r#","keys":{"sets":["Metadata"]}"#, "keys.sets: expected a list"),
        (r#","keys":{"sets":[{}]}"#, "keys.sets: expected one of { jwks }"),
        (
            r#","keys":{"sets":[{"sets":[]}]}"#,
            "unknown option \"keys.sets[0].sets\". There are jwksUri, jwks, pem, file, env",
        ),
        (r#","keys":{"sets":["metadata"],"pem":"x"}"#, "unknown option \"keys.pem\". There are sets"),
        (
            r#","keys":{"sets":["metadata",{"jwksUri":"https://as.example/jwks","pem":"x"}]}"#,
            "keys.sets: expected a list",
        ),
        (
            r#","keys":{"sets":[{"jwksUri":"http://as.example/jwks"}]}"#,
            "keys.sets[0].jwksUri: expected https",
        ),
        (r#","keys":{"sets":["metadata",{"pem":"x"}]}"#, "keys.sets[1].pem: expected public keys in PEM"),
        (r#","issuerAliases":"as.example""#, "issuerAliases: expected a list of 1 to 16 further names"),
        (r#","issuerAliases":[]"#, "issuerAliases: expected a list of 1 to 16 further names"),
        (r#","issuerAliases":[1]"#, "issuerAliases: expected a list of 1 to 16 further names"),
        (r#","issuerAliases":[""]"#, "issuerAliases: expected a name as tokens hold it"),
        (r#","issuerAliases":["a b:c"]"#, "issuerAliases: expected a name as tokens hold it"),
        (r#","issuerAliases":["https://{x}"]"#, "issuerAliases: expected one \"{tenantid}\" at most"),
        (r#","keys":{"pem":"x","env":"Y"}"#, "keys: expected one of"),
        (r#","keys":{"pem":"x"}"#, "keys.pem: expected public keys in PEM"),
        (r#","keys":{"jwks":{"keys":[]}}"#, "keys.jwks: the JWK Set has no key"),
        (r#","keys":{"key":"x"}"#, "unknown option \"keys.key\". There are jwks, pem, file, env, sets"),
        (
            r#","network":{"timeoutMs":1}"#,
            "network.timeoutMs: expected a whole number from 100 to 60000; got 1",
        ),
        (
            r#","network":{"clientCertificate":{"cert":"x"}}"#,
            "network.clientCertificate: expected { cert, key }",
        ),
        (r#","network":{"proxy":true}"#, "network.proxy: expected the URL of a proxy"),
        (
            r#","nonce":"always""#,
            "nonce: expected \"off\", \"on-stale-proof\" or \"required\"; got \"always\"",
        ),
        (r#","nonce":true"#, "nonce: expected \"off\", \"on-stale-proof\" or \"required\"; got true"),
        (r#","audience":"x""#, "unknown option \"audience\"; did you mean \"expectedAudience\"?"),
        (r#","nonce":"required","nonceSecret":"short""#, "nonceSecret: expected at least 32 characters"),
        (r#","nonceSecret":"0123456789012345678901234567890123456789""#, "nonceSecret: is of no use"),
        (r#","noncePeriodSeconds":4"#, "noncePeriodSeconds: expected a whole number from 5 to 600; got 4"),
        (r#","noncePeriodSeconds":60"#, "noncePeriodSeconds: is of no use with nonce \"off\""),
        (
            r#","resource":"http://api.example""#,
            "resource: expected https; http is for loopback addresses only; got \"http://api.example\"",
        ),
        (r#","resource":"https://api.example/#a""#, "resource: expected a URL without fragment"),
        (r#","resource":["https://api.example"]"#, "resource: expected a string"),
        (r#","resourceMetadata":{}"#, "resourceMetadata: is of no use without resource"),
        (
            r#","resource":"https://api.example","resourceMetadata":{"name":"x"}"#,
            "unknown option \"resourceMetadata.name\". There are scopesSupported, resourceName",
        ),
        (
            r#","resource":"https://api.example","resourceMetadata":{"scopesSupported":["a b"]}"#,
            "resourceMetadata.scopesSupported[0]: is \"a b\"; the option takes a list of scopes",
        ),
        (
            r#","resource":"https://api.example","resourceMetadata":{"resourceTosUri":"/tos"}"#,
            "resourceMetadata.resourceTosUri: expected an absolute URL",
        ),
        (r#","issuers":[]"#, "issuerUri: belongs into each element of `issuers`"),
    ] {
        let message = error(extra);
        assert!(message.starts_with(expected), "{extra}: {message}");
    }
    let parse = |text: &str| {
        Options::parse(text, Internals::default(), &AnyProcess)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    for (text, expected) in [
        (r#"{}"#, "issuerUri: expected the issuer's URL"),
        (
            r#"{"issuerUri":"http://as.example"}"#,
            "issuerUri: expected https; http is for loopback addresses only, unless `network.allowHttp` is true; got \"http://as.example\"",
        ),
        (r#"{"issuerUri":"https://as.example"}"#, "expectedAudience: expected the value of this API"),
        (r#"{"issuerUri":"https://as.example","expectedAudience":""}"#, "expectedAudience: expected"),
        (r#"{"issuerUri":"https://as.example","expectedAudience":[]}"#, "expectedAudience: expected"),
        (r#"{"issuerUri":"https://as.example","expectedAudience":{}}"#, "expectedAudience: expected"),
        (r#"{"issuerUri":"https://as.example","expectedAudience":true}"#, "expectedAudience: expected"),
        (
            r#"{"issuers":[]}"#,
            "issuers: expected a list of { issuerUri, expectedAudience } or { issuerUri, expectedClients }; got an empty list",
        ),
        (
            r#"{"issuerUri":"urn:x","expectedAudience":"a"}"#,
            "issuerUri: expected an https URL such as \"https://auth.example.com\"; got \"urn:x\"; beside `jwksUri` or `keys`",
        ),
        (
            r#"{"issuerUri":"urn:x","expectedAudience":"a","keys":{"sets":["metadata"]}}"#,
            "issuerUri: expected an https URL",
        ),
        (
            r#"{"issuerUri":"urn:x y","expectedAudience":"a","jwksUri":"https://as.example/jwks"}"#,
            "issuerUri: expected a name as tokens hold it: without white space at its ends and control characters, and a URI where it holds a colon; got \"urn:x y\"",
        ),
        (
            r#"{"issuers":[{"issuerUri":"https://a.example","issuerAliases":["b"],"expectedAudience":"a"},{"issuerUri":"b","jwksUri":"https://b.example/jwks","expectedAudience":"a"}]}"#,
            "issuers[1].issuerUri: b has a name in common with https://a.example",
        ),
        (
            r#"{"issuers":[{"issuerUri":"https://a.example","expectedAudience":"a"},{"issuerUri":"https://a.example/","expectedAudience":"a"}]}"#,
            "issuers[1].issuerUri: https://a.example/ stands twice",
        ),
    ] {
        let message = parse(text);
        assert!(message.starts_with(expected), "{text}: {message}");
    }
}
