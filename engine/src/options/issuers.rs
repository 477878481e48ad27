//! The accepted issuers: one, or a list of issuers with different names.
//!
//! In: the members of the options.
//! Out: `AcceptedIssuer`s, each with the places of its keys.
//! Never: an issuer without an expected audience or client.

use oidc_spa_native::crypto::SecretMap;
use oidc_spa_native::policy::AcceptedIssuer;

use super::keys::{self, KeySource, Naming};
use super::reader::Reader;
use super::{Internals, tokens};
use crate::options_error::OptionsError;

/// The options that each issuer has for itself.
pub(super) const ISSUER_NAMES: &[&str] = &[
    "issuerUri",
    "issuerAliases",
    "expectedAudience",
    "expectedClients",
    "audienceMode",
    "algorithms",
    "jwksUri",
    "keys",
];

type AcceptedSource = (AcceptedIssuer, Vec<KeySource>);

pub(super) fn issuers(
    options: &Reader<'_>,
    naming: Naming<'_>,
    internals: Internals,
) -> Result<Vec<AcceptedSource>, OptionsError> {
    let misplaced = || ISSUER_NAMES.iter().find(|name| options.object.has(name));
    if internals.asks_for_issuers {
        return match misplaced() {
            Some(name) => {
                Err(options.conflict(name, "belongs into what the function `issuers` returns, not beside it"))
            }
            None => Ok(Vec::new()),
        };
    }
    let Some(value) = options.object.get("issuers") else { return Ok(vec![issuer(options, naming)?]) };
    if let Some(name) = misplaced() {
        return Err(options.conflict(name, "belongs into each element of `issuers`, not beside it"));
    }
    let expected = "a list of { issuerUri, expectedAudience } or { issuerUri, expectedClients }";
    let items = value.as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| options.unexpected_in("issuers", expected, |_| true))?;
    let mut issuers: Vec<AcceptedSource> = Vec::with_capacity(items.len());
    let mut names: SecretMap<String, usize> = SecretMap::default();
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

fn issuer(options: &Reader<'_>, naming: Naming<'_>) -> Result<AcceptedSource, OptionsError> {
    let (issuer, sources) = keys::issuer(options, naming)?;
    let (audience, clients) = tokens::recipient(options)?;
    let algorithms = options.algorithms("algorithms")?;
    Ok((AcceptedIssuer { issuer, audience, clients, algorithms }, sources))
}
