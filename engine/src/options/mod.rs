//! The application's options to the validator's policy.
//!
//! In: a JSON text.
//! Out: `Options`, or a sentence that says what was given and what is allowed.
//! Never: a default that is less strict than the validator's own.

mod dpop;
mod issuers;
pub mod keys;
mod meant;
mod proxy;
mod reader;
pub mod replay;
mod resource;
mod shadow;
mod tokens;

use std::time::Duration;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::dpop::policy::DpopPolicy;
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::keys::key_ring::KeyRingPolicy;
use oidc_spa_native::policy::Policy;
use oidc_spa_native::shadow::Stricter;

use crate::network_options::NetworkOptions;
use crate::options_error::OptionsError;
use crate::plan::FetchLimits;
use crate::snapshot::{Snapshot, unused_snapshot};
use crate::surroundings::Surroundings;
use keys::{KeySource, Naming};
use reader::Reader;
use replay::ReplayOptions;

/// Internal settings from `ts/` beside the application's options. An application cannot set them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Internals {
    /// The rules are those of `oidc-spa/server`.
    pub drop_in: bool,
    /// The validator has its own clock, and so its own memory of proofs.
    pub own_clock: bool,
    /// The application asks its replay store itself.
    pub application_store: bool,
    /// The options name no issuer: `ts/` asks the application for each issuer that a token names.
    pub asks_for_issuers: bool,
    /// The application's function that makes the requests for keys, by its number.
    pub fetch: Option<u32>,
}

/// Everything that a validator needs at its construction.
#[derive(Debug)]
pub struct Options {
    /// The rules of the resource server.
    pub policy: Policy,
    /// The sources of the keys of each issuer of the policy, in its order. An issuer may have several sources.
    pub sources: Vec<Vec<KeySource>>,
    /// How often keys are fetched, and how long they are used.
    pub ring: KeyRingPolicy,
    /// Keys of another process, if there are any, and how long after their fetch they are used.
    pub snapshot: Option<(Snapshot, Duration)>,
    /// How issuers are reached.
    pub network: NetworkOptions,
    /// How long documents may be.
    pub limits: FetchLimits,
    /// How proofs are remembered.
    pub replay: ReplayOptions,
    /// How long a request waits for keys.
    pub keys_timeout_millis: u64,
    /// What JavaScript carries out.
    pub forwarded: ForwardedOptions,
    /// Size of the memory of bound tokens in bytes; zero: no memory.
    pub verified_token_bytes: u64,
    /// Rules that are tried.
    pub shadow: Option<Stricter>,
    /// What is allowed and most likely a mistake.
    pub warnings: Vec<String>,
}

/// Beside those of one issuer ([`issuers::ISSUER_NAMES`]).
const NAMES: &[&str] = &[
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
    "keysSnapshot",
    "keysSnapshotMaxAgeSeconds",
    "network",
    "keysCooldownSeconds",
    "limits",
    "verification",
    "verifiedTokenMemory",
    "shadow",
];
const LIMIT_NAMES: &[&str] =
    &["accessTokenBytes", "proofBytes", "replayMemoryEntries", "metadataBytes", "jwkSetBytes"];

impl Options {
    /// Reads a JSON text with the members that `index.d.ts` describes.
    pub fn parse(
        json: &str,
        internals: Internals,
        surroundings: &dyn Surroundings,
    ) -> Result<Self, OptionsError> {
        let object =
            Object::parse(json.as_bytes()).map_err(|error| OptionsError::invalid("options", &error))?;
        let options = Reader { object: &object, path: "" };
        options.check_names(&[issuers::ISSUER_NAMES, NAMES].concat())?;
        let drop_in = internals.drop_in;
        let default_limits = Object::default();
        let limits = options.object("limits")?.unwrap_or(&default_limits);
        let limits = Reader { object: limits, path: "limits." };
        limits.check_names(LIMIT_NAMES)?;
        let network = keys::network(&options, internals, surroundings)?;
        let access_token = tokens::access_token_policy(&options, drop_in)?;
        // RFC 9068 compares exactly, and oidc-spa knows only one name.
        let naming = Naming {
            surroundings,
            transport: network.transport,
            knows_aliases: access_token.profile == Profile::Common,
        };
        let (issuers, sources): (Vec<_>, Vec<_>) =
            issuers::issuers(&options, naming, internals)?.into_iter().unzip();
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
            nonces: dpop::nonces(&options, surroundings)?,
            schemes: dpop::schemes(&options, &limits)?,
            binding: tokens::binding(&options)?,
            proxy_trust: proxy::proxy_trust(&options)?,
            reads_forwarded_prefix: proxy::reads_forwarded_prefix(&options)?,
            certificate_field: proxy::certificate_field(&options)?,
            resource: resource::resource(&options)?,
        };
        // The warning is about this program's own requests.
        let is_fetched = network.fetch.is_none()
            && sources.iter().flatten().any(|source| !matches!(source, KeySource::Static(_)));
        let warnings = resource::warning(&policy).into_iter();
        let mut warnings: Vec<String> =
            warnings.chain(is_fetched.then(|| surroundings.warning()).flatten()).collect();
        let snapshot = keys::snapshot(&options, internals)?;
        let snapshot = snapshot.and_then(|(read, most)| match read {
            Ok(snapshot) => Some((snapshot, most)),
            Err(why) => {
                warnings.push(unused_snapshot(&why));
                None
            }
        });
        Ok(Self {
            replay: replay::replay(&options, &limits, internals, surroundings)?,
            shadow: shadow::shadow(&options, &policy, internals)?,
            policy,
            sources,
            ring: keys::ring(&options)?,
            snapshot,
            network,
            limits: FetchLimits {
                metadata_bytes: limits.size("metadataBytes", 256 * 1024, 16 << 20)?,
                jwk_set_bytes: limits.size("jwkSetBytes", 512 * 1024, 16 << 20)?,
            },
            keys_timeout_millis: options.integer("keysTimeoutMs", 5000, 0, 60_000)?,
            forwarded: ForwardedOptions {
                verification: surroundings.verification(
                    options.one_of("verification", &["auto", "inline", "threads"])?.unwrap_or("auto"),
                )?,
                reads_peer_certificate: proxy::reads_peer_certificate(&options)?,
            },
            verified_token_bytes: verified_token_bytes(&options)?,
            warnings,
        })
    }
}

/// Options that JavaScript carries out. They are read here and passed on to it.
#[derive(Clone, Copy, Debug)]
pub struct ForwardedOptions {
    /// Which thread verifies: `auto`, `inline`, `threads`.
    pub verification: &'static str,
    /// Whether the certificate of a connection is that of the client.
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

#[cfg(test)]
mod tests;
