//! The options for keys: their issuer, their URLs, how long they are used, and the network.
//!
//! In: the members of the options.
//! Out: `Issuer`, `KeySource`, `KeyRingPolicy`, `NetworkOptions`.
//! Never: a default that asks an issuer more often than the ring's own.

use std::sync::Arc;
use std::time::Duration;

use oidc_spa_native::jose::json::Value;
use oidc_spa_native::keys::issuer::{Issuer, IssuerError};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::KeyRingPolicy;

use oidc_spa_native::keys::secure_url::{Transport, UrlError, fetchable_url};
use oidc_spa_native::policy::AcceptedIssuer;
use url::Origin;

use super::Internals;
use super::reader::Reader;
use crate::network_options::{NetworkOptions, ProxyChoice};
use crate::options_error::{Found, OptionsError};
use crate::plan::origin_of;
use crate::snapshot::Snapshot;
use crate::static_keys::StaticKeys;
use crate::surroundings::Surroundings;

/// The source of an issuer's keys.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The URL in its metadata.
    Metadata,
    /// These URLs; if one fails, the next one.
    Urls(Vec<String>),
    /// Known in advance.
    Static(Arc<JwkSet>),
}

/// Several key sets of one issuer.
const MAX_SETS: usize = 16;

/// Further names of one issuer.
const MAX_ALIASES: usize = 16;

/// The rules for reading the names of issuers and their keys.
#[derive(Clone, Copy)]
pub(super) struct Naming<'s> {
    pub surroundings: &'s dyn Surroundings,
    pub transport: Transport,
    /// Whether other well-known names are accepted too.
    pub knows_aliases: bool,
}

/// An issuer with its names, and the sources of its keys: one source, or several.
pub(super) fn issuer(
    options: &Reader<'_>,
    Naming { surroundings, transport, knows_aliases }: Naming<'_>,
) -> Result<(Issuer, Vec<KeySource>), OptionsError> {
    let expected = "the issuer's URL, such as \"https://auth.example.com/realms/myrealm\"";
    let text = options.string("issuerUri")?.ok_or_else(|| options.unexpected("issuerUri", expected))?;
    let sources = sources(options, transport, surroundings)?;
    let has_metadata = sources.iter().any(|source| matches!(source, KeySource::Metadata));
    let issuer = match has_metadata {
        true => Issuer::reached_by(text, transport),
        false => Issuer::named(text, transport),
    };
    let issuer = issuer.map_err(|error| {
        let hint = match error {
            IssuerError::Url(UrlError::NotAUrl | UrlError::NotHttps) => {
                Some("beside `jwksUri` or `keys`, where nothing is fetched from it, any name will do")
            }
            _ => None,
        };
        let invalid = OptionsError::invalid(options.path_of("issuerUri"), &error).found(Found::url(text));
        match hint {
            Some(hint) => invalid.hint(hint),
            None => invalid,
        }
    })?;
    let known = issuer.names().filter(|_| knows_aliases).flat_map(|name| name.well_known_aliases());
    let known: Vec<&str> = known.collect();
    let aliases = aliases(options)?.into_iter().chain(known);
    let named = aliases.into_iter().try_fold(issuer, |issuer, alias| {
        issuer.also_named(alias).map_err(|error| {
            OptionsError::invalid(options.path_of("issuerAliases"), &error).found(Found::url(alias))
        })
    })?;
    Ok((named, sources))
}

fn aliases<'o>(options: &Reader<'o>) -> Result<Vec<&'o str>, OptionsError> {
    let Some(value) = options.object.get("issuerAliases") else { return Ok(Vec::new()) };
    let names: Option<Vec<&str>> =
        value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
    names.filter(|names| (1..=MAX_ALIASES).contains(&names.len())).ok_or_else(|| {
        options.unexpected(
            "issuerAliases",
            "a list of 1 to 16 further names of the issuer, such as [\"auth.example.com\"]",
        )
    })
}

/// The values that `keys` takes.
const KNOWN_KEYS: &str = "one of { jwks: { keys: [...] } }, { pem: \"...\" }, { file: \"./keys.json\" }, { env: \"NAME\" } and { sets: [...] }";

fn sources(
    issuer: &Reader<'_>,
    transport: Transport,
    surroundings: &dyn Surroundings,
) -> Result<Vec<KeySource>, OptionsError> {
    let keys = match issuer.object.get("keys") {
        None => None,
        Some(value) => Some(value.as_object().ok_or_else(|| issuer.unexpected("keys", KNOWN_KEYS))?),
    };
    if issuer.object.has("jwksUri") && keys.is_some() {
        let conflict = issuer.conflict("keys", "cannot stand beside jwksUri");
        return Err(conflict.hint("keys that count together are { sets: [{ jwksUri }, ...] }"));
    }
    let Some(keys) = keys else { return Ok(vec![urls(issuer, transport)?.unwrap_or(KeySource::Metadata)]) };
    let path = format!("{}keys.", issuer.path);
    let reader = Reader { object: keys, path: &path };
    if !keys.has("sets") {
        if keys.has("kty") || keys.has("keys") {
            let found = Found::kind("a JWK or a JWK Set itself");
            return Err(OptionsError::expected(issuer.path_of("keys"), KNOWN_KEYS)
                .found(found)
                .hint("write it as `jwks`"));
        }
        reader.check_names(&["jwks", "pem", "file", "env", "sets"])?;
        return Ok(vec![known_keys(issuer, "keys", &reader, surroundings)?]);
    }
    reader.check_names(&["sets"])?;
    let expected = "a list of 1 to 16 of { jwksUri }, { jwks }, { pem }, { file }, { env } and \"metadata\"";
    let unexpected = || reader.unexpected("sets", expected);
    let items = keys.get("sets").and_then(Value::as_array).ok_or_else(unexpected)?;
    if items.is_empty() || items.len() > MAX_SETS {
        return Err(unexpected());
    }
    let set = |(i, item): (usize, &Value<'_>)| match item {
        Value::String(text) if text == "metadata" => Ok(KeySource::Metadata),
        Value::Object(object) => {
            let path = format!("{path}sets[{i}].");
            let set = Reader { object, path: &path };
            set.check_names(&["jwksUri", "jwks", "pem", "file", "env"])?;
            match urls(&set, transport)? {
                None => known_keys(&reader, "sets", &set, surroundings),
                Some(urls) if object.names().count() == 1 => Ok(urls),
                Some(_) => Err(unexpected()),
            }
        }
        _ => Err(unexpected()),
    };
    items.iter().enumerate().map(set).collect()
}

/// The URLs of `jwksUri`, if it is there.
fn urls(options: &Reader<'_>, transport: Transport) -> Result<Option<KeySource>, OptionsError> {
    let Some(value) = options.object.get("jwksUri") else { return Ok(None) };
    let expected = "the URL of a JWK Set, such as \"https://auth.example.com/jwks\", or a list of them";
    let urls = match value {
        Value::String(url) => Some(vec![url.clone().into_owned()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let urls = urls
        .filter(|urls| !urls.is_empty())
        .ok_or_else(|| options.unexpected_in("jwksUri", expected, |item| item.as_str().is_some()))?;
    let normal = urls.iter().enumerate().map(|(i, url)| {
        let place = if value.as_array().is_some() { format!("[{i}]") } else { String::new() };
        fetchable_url(url, transport).map_err(|error| {
            let path = options.path_of(&format!("jwksUri{place}"));
            OptionsError::invalid(path, &error).found(Found::url(url))
        })
    });
    Ok(Some(KeySource::Urls(normal.collect::<Result<_, _>>()?)))
}

/// Keys that are known in advance. `name` is the member of `parent` that a message names.
fn known_keys(
    parent: &Reader<'_>,
    name: &str,
    reader: &Reader<'_>,
    surroundings: &dyn Surroundings,
) -> Result<KeySource, OptionsError> {
    let mut found = Vec::new();
    if let Some(jwks) = reader.object.get("jwks") {
        let expected = "a JWK Set, such as { keys: [{ kty: \"EC\", ... }] }";
        let jwks = jwks.as_object().ok_or_else(|| reader.unexpected("jwks", expected))?;
        found.push(StaticKeys::JwkSet(jwks));
    }
    found.extend(reader.string("pem")?.map(StaticKeys::Pem));
    found.extend(reader.string("file")?.map(StaticKeys::File));
    found.extend(reader.string("env")?.map(StaticKeys::Environment));
    match found.as_slice() {
        [keys] => {
            let keys = keys.read(surroundings).map_err(|error| error.within(reader.path))?;
            Ok(KeySource::Static(Arc::new(keys)))
        }
        _ => Err(parent.unexpected(name, "one of { jwks }, { pem }, { file } and { env }")),
    }
}

pub(super) fn ring(options: &Reader<'_>) -> Result<KeyRingPolicy, OptionsError> {
    let default = KeyRingPolicy::DEFAULT;
    let cooldown_secs = options.integer("keysCooldownSeconds", 30, 1, 3600)?;
    let age_secs = options.integer("keysAgeSeconds", 600, 60, 86_400)?;
    if cooldown_secs > age_secs {
        let longer = OptionsError::longer("keysCooldownSeconds", cooldown_secs, "keysAgeSeconds", age_secs);
        return Err(longer.hint("keys are refreshed anyway before the pause between two refreshes is over"));
    }
    let outage_millis = match options.object.get("keysOutageSeconds") {
        Some(Value::String(text)) if text == "forever" => None,
        Some(Value::String(_)) => {
            let expected = "a whole number from 0 to 31536000, or \"forever\"";
            return Err(options.unexpected("keysOutageSeconds", expected));
        }
        _ => Some(options.integer("keysOutageSeconds", 43_200, 0, 31_536_000)? * 1000),
    };
    Ok(KeyRingPolicy {
        cooldown_millis: cooldown_secs * 1000,
        age_millis: age_secs * 1000,
        outage_millis,
        ..default
    })
}

/// Keys of another process, or why they cannot be read; and how long after their fetch they are used.
type ReadSnapshot = (Result<Snapshot, String>, Duration);

pub(super) fn snapshot(
    options: &Reader<'_>,
    internals: Internals,
) -> Result<Option<ReadSnapshot>, OptionsError> {
    let most = options.integer("keysSnapshotMaxAgeSeconds", 3600, 60, 86_400)?;
    let Some(text) = options.string("keysSnapshot")? else {
        return match options.object.has("keysSnapshotMaxAgeSeconds") {
            true => Err(options.conflict("keysSnapshotMaxAgeSeconds", "is of no use without `keysSnapshot`")),
            false => Ok(None),
        };
    };
    if internals.asks_for_issuers {
        return Err(options.conflict("keysSnapshot", "cannot stand beside a function in `issuers`"));
    }
    Ok(Some((Snapshot::parse(text), Duration::from_secs(most))))
}

pub(super) fn network(
    options: &Reader<'_>,
    internals: Internals,
    surroundings: &dyn Surroundings,
) -> Result<NetworkOptions, OptionsError> {
    let Some(object) = options.object("network")? else {
        return Ok(NetworkOptions { fetch: internals.fetch, ..NetworkOptions::default() });
    };
    let reader = Reader { object, path: "network." };
    let names = [
        "connectTimeoutMs",
        "timeoutMs",
        "allowHttp",
        "privateAddresses",
        "ca",
        "clientCertificate",
        "headers",
        "proxy",
    ];
    reader.check_names(&names)?;
    if internals.fetch.is_some() {
        check_beside_fetch(&reader)?;
    }
    let allow_http = reader.boolean("allowHttp", false)?;
    let timeout = reader.integer("timeoutMs", 5000, 100, 60_000)?;
    let connect_timeout = reader.integer("connectTimeoutMs", timeout.min(2000), 100, 30_000)?;
    if connect_timeout > timeout {
        let path = reader.path_of("connectTimeoutMs");
        return Err(OptionsError::longer(path, connect_timeout, "timeoutMs", timeout));
    }
    let network = NetworkOptions {
        connect_timeout: Duration::from_millis(connect_timeout),
        timeout: Duration::from_millis(timeout),
        transport: if allow_http { Transport::AlsoHttp } else { Transport::Https },
        ca: reader.string("ca")?.map(str::to_owned),
        client_certificate: client_certificate(&reader)?,
        proxy: match reader.object.get("proxy") {
            None => ProxyChoice::Environment,
            Some(Value::Bool(false)) => ProxyChoice::Direct,
            Some(Value::String(url)) => ProxyChoice::Url(url.clone().into_owned()),
            Some(_) => return Err(reader.unexpected("proxy", "the URL of a proxy, or `false`")),
        },
        private_addresses: match reader.object.get("privateAddresses") {
            None => None,
            Some(_) => Some(reader.boolean("privateAddresses", false)?),
        },
        headers: headers(&reader)?,
        fetch: internals.fetch,
    };
    network.header_map().map_err(|error| error.within(reader.path))?;
    surroundings.check_network(&network).map_err(|error| error.within(reader.path))?;
    Ok(network)
}

/// The application's function makes the connections: options about them would be ignored.
fn check_beside_fetch(network: &Reader<'_>) -> Result<(), OptionsError> {
    let rules = [
        (
            "connectTimeoutMs",
            "is of no use beside `network.fetch`, whose function connects; `network.timeoutMs` limits each exchange",
        ),
        ("ca", "is of no use beside `network.fetch`, whose function decides which certificates are trusted"),
        (
            "clientCertificate",
            "is of no use beside `network.fetch`, whose function shows its own certificate",
        ),
        ("proxy", "is of no use beside `network.fetch`, whose function chooses its own proxy"),
    ];
    let ignored = rules.iter().find(|(name, _)| network.object.has(name));
    ignored.map_or(Ok(()), |(name, rule)| Err(OptionsError::conflict(network.path_of(name), rule)))
}

/// Header fields for the servers of keys. Their values are secrets, so no message holds them.
fn headers(network: &Reader<'_>) -> Result<Vec<(String, String)>, OptionsError> {
    let expected =
        || OptionsError::expected(network.path_of("headers"), "an object of header fields, each a string");
    let Some(value) = network.object.get("headers") else { return Ok(Vec::new()) };
    let object = value.as_object().ok_or_else(expected)?;
    let mut headers = Vec::new();
    for name in object.names() {
        let value = object.get(name).and_then(Value::as_str);
        let value = value
            .ok_or_else(|| OptionsError::expected(network.path_of(&format!("headers.{name}")), "a string"))?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    if headers.is_empty() {
        return Err(expected());
    }
    // The text is the same for the same fields, so that validators with the same fields share the keys.
    headers.sort();
    Ok(headers)
}

/// Header fields may hold a secret of one server: they are refused if the options name several servers, or none.
pub(super) fn check_headers(
    network: &NetworkOptions,
    issuers: &[AcceptedIssuer],
    sources: &[Vec<KeySource>],
) -> Result<(), OptionsError> {
    if network.headers.is_empty() {
        return Ok(());
    }
    let mut origins: Vec<Origin> = Vec::new();
    let each = issuers
        .iter()
        .zip(sources)
        .flat_map(|(accepted, sources)| sources.iter().map(move |source| (accepted, source)));
    for (accepted, source) in each {
        let urls = match source {
            KeySource::Static(_) => Vec::new(),
            KeySource::Metadata => accepted.issuer.metadata_urls().into_iter().take(1).collect(),
            KeySource::Urls(urls) => urls.clone(),
        };
        for origin in urls.iter().filter_map(|url| origin_of(url)) {
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    let [_] = origins.as_slice() else {
        let named: Vec<String> = origins.iter().map(Origin::ascii_serialization).collect();
        let conflict =
            OptionsError::conflict("network.headers", "are for one server alone, which the options name");
        return Err(conflict
            .found(Found::names(&named))
            .hint("make a validator of its own for the issuer that needs them"));
    };
    Ok(())
}

/// A client's certificate and its key.
pub(super) fn client_certificate(options: &Reader<'_>) -> Result<Option<(String, String)>, OptionsError> {
    let Some(object) = options.object("clientCertificate")? else { return Ok(None) };
    let path = format!("{}clientCertificate.", options.path);
    let reader = Reader { object, path: &path };
    reader.check_names(&["cert", "key"])?;
    match (reader.string("cert")?, reader.string("key")?) {
        (Some(cert), Some(key)) => Ok(Some((cert.to_owned(), key.to_owned()))),
        _ => Err(options.unexpected("clientCertificate", "{ cert, key }, both in PEM")),
    }
}
