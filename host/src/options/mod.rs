//! Options, as the application wrote them, to the validator's policy.
//!
//! In: a JSON text.
//! Out: `Options`, or a sentence that says what was given and what is allowed.
//! Never: a default that is less strict than the validator's own.

mod dpop;
pub(crate) mod keys;
mod meant;
mod proxy;
mod reader;
pub(crate) mod replay;
mod resource;
mod tokens;

use std::collections::HashMap;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::dpop::proof::DpopPolicy;
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::resource_server::{AcceptedIssuer, Policy};

use crate::fetch::FetchLimits;
use crate::network::NetworkOptions;
use crate::options_error::OptionsError;
use keys::{KeySource, Naming};
use reader::Reader;
use replay::ReplayOptions;

/// What `ts/` says beside the application's options. No application can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Internals {
    /// The rules are those of `oidc-spa/server`.
    pub drop_in: bool,
    /// The validator has a clock of its own, and so a memory of proofs of its own.
    pub own_clock: bool,
    /// The application asks its replay store itself.
    pub application_store: bool,
}

/// Everything that a validator is told at its construction.
#[derive(Debug)]
pub(crate) struct Options {
    pub policy: Policy,
    /// Where the keys of each issuer of the policy come from, in its order: of several places they count together.
    pub sources: Vec<Vec<KeySource>>,
    pub ring: KeyRingPolicy,
    pub network: NetworkOptions,
    pub limits: FetchLimits,
    pub replay: ReplayOptions,
    pub keys_timeout_millis: u64,
    pub forwarded: ForwardedOptions,
    /// Bytes of the memory of bound tokens; zero: none.
    pub verified_token_bytes: u64,
    /// What is allowed and most likely a mistake.
    pub warnings: Vec<String>,
}

const NAMES: &[&str] = &[
    "issuerUri",
    "issuerAliases",
    "expectedAudience",
    "expectedClients",
    "audienceMode",
    "algorithms",
    "issuers",
    "profile",
    "acceptIdTokens",
    "optionalClaims",
    "maxTokenAgeSeconds",
    "leewaySeconds",
    "dpop",
    "certificate",
    "senderConstrained",
    "proofAlgorithms",
    "proofMaxAgeSeconds",
    "proofLeewaySeconds",
    "nonce",
    "nonceSecret",
    "noncePeriodSeconds",
    "nonceLeewaySeconds",
    "replayStore",
    "trustProxy",
    "publicBaseUrl",
    "resource",
    "resourceMetadata",
    "trustProxyPrefix",
    "clientCertificate",
    "keysTimeoutMs",
    "keysAgeSeconds",
    "keysOutageSeconds",
    "network",
    "jwksUri",
    "keys",
    "keysCooldownSeconds",
    "limits",
    "verification",
    "verifiedTokenMemory",
];
const ISSUER_NAMES: &[&str] = &[
    "issuerUri",
    "issuerAliases",
    "expectedAudience",
    "expectedClients",
    "audienceMode",
    "algorithms",
    "jwksUri",
    "keys",
];
const LIMIT_NAMES: &[&str] =
    &["accessTokenBytes", "proofBytes", "replayMemoryEntries", "metadataBytes", "jwkSetBytes"];

impl Options {
    pub(crate) fn parse(json: &str, internals: Internals) -> Result<Self, OptionsError> {
        let object =
            Object::parse(json.as_bytes()).map_err(|error| OptionsError::invalid("options", &error))?;
        let options = Reader { object: &object, path: "" };
        options.check_names(NAMES)?;
        let drop_in = internals.drop_in;
        let default_limits = Object::default();
        let limits = options.object("limits")?.unwrap_or(&default_limits);
        let limits = Reader { object: limits, path: "limits." };
        limits.check_names(LIMIT_NAMES)?;
        let network = keys::network(&options)?;
        let access_token = tokens::access_token_policy(&options, drop_in)?;
        // RFC 9068 compares to the letter, and oidc-spa knows one name.
        let naming =
            Naming { transport: network.transport, knows_aliases: access_token.profile == Profile::Common };
        let (issuers, sources): (Vec<_>, Vec<_>) = issuers(&options, naming)?.into_iter().unzip();
        keys::check_headers(&network, &issuers, &sources)?;
        let policy = Policy {
            issuers,
            access_token,
            max_token_bytes: limits.size("accessTokenBytes", 16 * 1024, 64 * 1024)?,
            dpop: DpopPolicy {
                algorithms: options.algorithms("proofAlgorithms")?,
                window: dpop::window(&options, drop_in)?,
                nonce_window: dpop::nonce_window(&options)?,
                max_bytes: limits.size("proofBytes", 8 * 1024, 64 * 1024)?,
                as_oidc_spa: drop_in,
            },
            nonces: dpop::nonces(&options)?,
            schemes: dpop::schemes(&options)?,
            binding: tokens::binding(&options)?,
            proxy_trust: proxy::proxy_trust(&options)?,
            reads_forwarded_prefix: proxy::reads_forwarded_prefix(&options)?,
            certificate_field: proxy::certificate_field(&options)?,
            resource: resource::resource(&options)?,
        };
        let warnings = resource::warning(&policy).into_iter();
        let warnings = warnings.chain(keys::unverified_tls_warning(&sources)).collect();
        Ok(Self {
            replay: replay::replay(&options, &limits, policy.schemes, internals)?,
            policy,
            sources,
            ring: keys::ring(&options)?,
            network,
            limits: FetchLimits {
                metadata_bytes: limits.size("metadataBytes", 256 * 1024, 16 << 20)?,
                jwk_set_bytes: limits.size("jwkSetBytes", 512 * 1024, 16 << 20)?,
            },
            keys_timeout_millis: options.integer("keysTimeoutMs", 5000, 0, 60_000)?,
            forwarded: ForwardedOptions {
                verification: options
                    .one_of("verification", &["auto", "inline", "threads"])?
                    .unwrap_or("auto"),
                reads_peer_certificate: proxy::reads_peer_certificate(&options)?,
            },
            verified_token_bytes: verified_token_bytes(&options)?,
            warnings,
        })
    }
}

/// Options that the layer above carries out. They are read here, and told to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForwardedOptions {
    /// Which thread verifies: `auto`, `inline`, `threads`.
    pub verification: &'static str,
    /// Whether the certificate of a connection is the client's.
    pub reads_peer_certificate: bool,
}

/// Bytes of the memory of verified tokens.
fn verified_token_bytes(options: &Reader<'_>) -> Result<u64, OptionsError> {
    match options.object.get("verifiedTokenMemory") {
        Some(Value::Bool(false)) => Ok(0),
        Some(Value::Number(_)) => options.integer("verifiedTokenMemory", 0, 65_536, 1 << 30),
        None => Ok(16 << 20),
        Some(_) => {
            let expected = "`false`, or a number of bytes from 65536 to 1073741824";
            Err(options.unexpected("verifiedTokenMemory", expected))
        }
    }
}

type AcceptedSource = (AcceptedIssuer, Vec<KeySource>);

fn issuers(options: &Reader<'_>, naming: Naming) -> Result<Vec<AcceptedSource>, OptionsError> {
    let Some(value) = options.object.get("issuers") else { return Ok(vec![issuer(options, naming)?]) };
    if let Some(name) = ISSUER_NAMES.iter().find(|name| options.object.has(name)) {
        return Err(options.conflict(name, "belongs into each element of `issuers`, not beside it"));
    }
    let expected = "a list of { issuerUri, expectedAudience } or { issuerUri, expectedClients }";
    let items = value.as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| options.unexpected_in("issuers", expected, |_| true))?;
    let mut issuers: Vec<AcceptedSource> = Vec::with_capacity(items.len());
    let mut names: HashMap<String, usize> = HashMap::new();
    for (i, item) in items.iter().enumerate() {
        let object = item
            .as_object()
            .ok_or_else(|| options.unexpected_in("issuers", expected, |item| item.as_object().is_some()))?;
        let path = format!("issuers[{i}].");
        let reader = Reader { object, path: &path };
        reader.check_names(ISSUER_NAMES)?;
        let (accepted, sources) = issuer(&reader, naming)?;
        for name in accepted.issuer.names() {
            let Some(other) = names.insert(name.compared().to_owned(), i) else { continue };
            let other = issuers.get(other).map_or("", |(other, _)| other.issuer.as_str());
            let name = accepted.issuer.as_str();
            let by = (!accepted.issuer.is_called(other)).then_some(other);
            return Err(OptionsError::name_taken(reader.path_of("issuerUri"), name, by));
        }
        issuers.push((accepted, sources));
    }
    Ok(issuers)
}

fn issuer(options: &Reader<'_>, naming: Naming) -> Result<AcceptedSource, OptionsError> {
    let (issuer, sources) = keys::issuer(options, naming)?;
    let (audience, clients) = tokens::recipient(options)?;
    let algorithms = options.algorithms("algorithms")?;
    Ok((AcceptedIssuer { issuer, audience, clients, algorithms }, sources))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(extra: &str) -> String {
        let text = format!(
            r#"{{"issuerUri":"https://as.example","expectedAudience":"https://api.example"{extra}}}"#
        );
        Options::parse(&text, Internals::default()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_least_options_are_enough() {
        assert_eq!(error(""), "");
        assert_eq!(
            error(r#","issuerAliases":["as.example","urn:example:as"],"keys":{"sets":["metadata"]}"#),
            ""
        );
        assert_eq!(error(r#","trustProxy":["10.0.0.0/8","::1","fd00::/8"]"#), "");
        assert_eq!(error(r#","clientCertificate":"header","trustProxy":["10.0.0.1"]"#), "");
        assert_eq!(error(r#","trustProxyPrefix":true,"trustProxy":1"#), "");
        assert_eq!(error(r#","clientCertificate":false"#), "");
        assert_eq!(error(r#","algorithms":["ES256","ML-DSA-65"],"proofAlgorithms":["ML-DSA-44"]"#), "");
        assert_eq!(error(r#","clientCertificate":"socket""#), "");
        assert_eq!(error(r#","nonce":"required","noncePeriodSeconds":60"#), "");
        assert_eq!(error(r#","trustProxy":2,"dpop":"required","limits":{"proofBytes":2048}"#), "");
        assert_eq!(error(r#","publicBaseUrl":"https://api.example/v1","algorithms":["ES256"]"#), "");
        assert_eq!(
            error(r#","keysAgeSeconds":60,"keysCooldownSeconds":60,"keysOutageSeconds":"forever""#),
            ""
        );
        assert_eq!(
            error(r#","network":{"allowHttp":true,"proxy":false},"jwksUri":"http://as:8080/jwks""#),
            ""
        );
    }

    #[test]
    fn names_that_everybody_knows_are_of_the_default_profile() {
        let names = |extra: &str| {
            let text =
                format!(r#"{{"issuerUri":"https://accounts.google.com","expectedAudience":"a"{extra}}}"#);
            let options = Options::parse(&text, Internals::default()).unwrap();
            options.policy.issuers[0].issuer.names().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        let (long, short) = ("https://accounts.google.com", "accounts.google.com");
        assert_eq!(names(""), [long, short]);
        assert_eq!(names(r#","issuerAliases":["accounts.google.com","x"]"#), [long, short, "x"]);
        assert_eq!(names(r#","profile":"rfc9068""#), [long]);
        let drop_in = Internals { drop_in: true, ..Internals::default() };
        let text = format!(r#"{{"issuerUri":"{long}","expectedAudience":"a"}}"#);
        let accepted = &Options::parse(&text, drop_in).unwrap().policy.issuers[0];
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
            (
                r#","issuerUrl":"x""#,
                "unknown option \"issuerUrl\"; did you mean \"issuerUri\"? There are issuerUri,",
            ),
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
            (
                r#","trustProxy":["10.0.0.0/33"]"#,
                "trustProxy[0]: is \"10.0.0.0/33\"; the option takes `true`",
            ),
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
            (
                r#","jwksUri":["https://as.example/jwks","http://as.example/jwks"]"#,
                "jwksUri[1]: expected https",
            ),
            (
                r#","jwksUri":"https://as.example/jwks","keys":{"pem":"x"}"#,
                "keys: cannot stand beside jwksUri",
            ),
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
            (r#","keys":{"file":"/nowhere/at/all"}"#, "keys.file: /nowhere/at/all: "),
            (
                r#","keys":{"env":"OIDC_SPA_NATIVE_UNSET"}"#,
                "keys.env: expected the name of an environment variable that is set; got \"OIDC_SPA_NATIVE_UNSET\"",
            ),
            (r#","keys":{"key":"x"}"#, "unknown option \"keys.key\". There are jwks, pem, file, env, sets"),
            (
                r#","network":{"timeoutMs":1}"#,
                "network.timeoutMs: expected a whole number from 100 to 60000; got 1",
            ),
            (r#","network":{"ca":"x"}"#, "network.ca: expected certificates in PEM"),
            (
                r#","network":{"clientCertificate":{"cert":"x","key":"y"}}"#,
                "network.clientCertificate: expected",
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
            (
                r#","audience":"x""#,
                "unknown option \"audience\"; did you mean \"expectedAudience\"? There are",
            ),
            (r#","nonce":"required","nonceSecret":"short""#, "nonceSecret: expected at least 32 characters"),
            (r#","nonceSecret":"0123456789012345678901234567890123456789""#, "nonceSecret: is of no use"),
            (
                r#","noncePeriodSeconds":4"#,
                "noncePeriodSeconds: expected a whole number from 5 to 600; got 4",
            ),
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
            Options::parse(text, Internals::default())
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
}
