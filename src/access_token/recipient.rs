//! The audience and the client of an access token (RFC 9068 sections 2.2 and 4).
//!
//! In: claims, what the configuration expects.
//! Out: `Audience`, `Clients`; nothing, or a refusal.
//! Never: a default that accepts every token.

use std::borrow::Cow;

use crate::explanation::Facts;
use crate::jose::json::{Object, Value};
use crate::rejection::{Code, Rejection, Shown};

use super::Profile;

/// Whom a token must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One of these values is among the token's.
    AnyOf(Vec<String>),
    /// Each of the token's values is one of these: the token is for this API only.
    Only(Vec<String>),
    /// Not checked. Written by the application, never a default.
    Unchecked,
}

impl Audience {
    /// Whether a token with these values in its unverified `aud` may be for this API.
    pub(super) fn is_met_by<'t>(&self, mut audiences: impl Iterator<Item = &'t str>) -> bool {
        match self {
            Self::AnyOf(expected) | Self::Only(expected) => {
                audiences.any(|audience| expected.iter().any(|expected| expected == audience))
            }
            Self::Unchecked => true,
        }
    }

    pub(super) fn check(&self, claims: &Object<'_>, profile: Profile) -> Result<(), Rejection> {
        let (Self::AnyOf(expected) | Self::Only(expected)) = self else { return Ok(()) };
        let is_expected =
            |value: &Value<'_>| value.as_str().is_some_and(|aud| expected.iter().any(|e| e == aud));
        let is_good = match (claims.get("aud"), self) {
            (Some(Value::Array(items)), Self::Only(_)) => !items.is_empty() && items.iter().all(is_expected),
            (Some(Value::Array(items)), _) => items.iter().any(is_expected),
            (aud, _) => aud.is_some_and(is_expected),
        };
        if is_good { Ok(()) } else { Err(self.mismatch(expected, claims, profile)) }
    }

    #[cold]
    pub(super) fn facts(&self, claims: &Object<'_>) -> Facts {
        let expected = match self {
            Self::AnyOf(values) => format!("one of \"{}\"", values.join("\", \"")),
            Self::Only(values) => format!("nothing beside \"{}\"", values.join("\", \"")),
            Self::Unchecked => "any: expectedAudience is false".to_owned(),
        };
        let found = match claims.get("aud") {
            None => "nothing".to_owned(),
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            Some(value) => value.as_str().unwrap_or(value.kind()).to_owned(),
        };
        Facts::new(expected, found)
    }

    #[cold]
    fn mismatch(&self, expected: &[String], claims: &Object<'_>, profile: Profile) -> Rejection {
        let found = match claims.get("aud") {
            Some(Value::Array(items)) => {
                serde_json::to_string(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>())
            }
            Some(value) => serde_json::to_string(value.as_str().unwrap_or_default()),
            None => Ok(String::new()),
        };
        let found = found.unwrap_or_default();
        let (found, names) = (Shown(&found), expected.join("\" or \""));
        if let Self::Only(_) = self {
            let rejection = Code::AudienceMismatch.because(format!(
                "The access token is not for this API alone, got aud claim {found} but expected nothing beside \"{names}\" \
                 (`audienceMode` is \"only\")."
            ));
            return rejection.advising("Have the issuer give tokens for one API each, or write \"any\"");
        }
        let sentence = format!("Not expected audience, got aud claim {found} but expected \"{names}\".");
        let rejection = Code::AudienceMismatch.because(sentence);
        // The drop-in keeps to the sentence.
        if profile == Profile::OidcSpa { rejection } else { rejection.advising(&advice(expected, claims)) }
    }
}

/// What most likely went wrong, by what issuers write into tokens that are not for an API.
#[cold]
fn advice(expected: &[String], claims: &Object<'_>) -> Cow<'static, str> {
    let names: Vec<&str> = match claims.get("aud") {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        aud => aud.and_then(Value::as_str).into_iter().collect(),
    };
    let is_expected = |name: &str| expected.iter().any(|expected| expected == name);
    let named = CLIENT_CLAIMS
        .into_iter()
        .find(|name| claims.get(name).and_then(Value::as_str).is_some_and(is_expected));
    if let Some(name) = named {
        return format!(
            "What is expected stands in its {name} claim, which names the client that got the token: have the issuer put this API \
             into aud (in Keycloak a mapper of the type Audience), or write it into `expectedClients`, with \
             `expectedAudience: false`"
        )
        .into();
    }
    let is_for_another_version = |name: &str| {
        let bare = |text: &str| text.strip_prefix("api://").unwrap_or(text).to_owned();
        expected.iter().any(|expected| expected != name && bare(expected) == bare(name))
    };
    Cow::Borrowed(match *names {
        ["account"] => {
            "Keycloak writes account where nothing names an API: add a mapper of the type Audience, with the expected value, to the \
             client or to a client scope of it"
        }
        [name] if MICROSOFT_GRAPH.contains(&name.trim_end_matches('/')) => {
            "The token is for Microsoft Graph. The client must ask for a token for this API, with a scope such as \
             api://CLIENT_ID/access"
        }
        [name] if name.ends_with("/userinfo") => {
            "The token is for the issuer's own userinfo endpoint: the client names this API when it asks for a token (`audience` at \
             Auth0)"
        }
        [name] if is_for_another_version(name) => {
            "Entra ID names the API by api:// and an identifier in tokens of version 1, and by the bare client identifier in those of \
             version 2: write what the token has as `expectedAudience`"
        }
        _ => {
            "Have the issuer put the expected value into aud (in Keycloak a mapper of the type Audience, elsewhere the API that \
             the client asks a token for), or write what tokens for this API have as `expectedAudience`"
        }
    })
}

/// How Entra ID names Microsoft Graph.
const MICROSOFT_GRAPH: [&str; 2] = ["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"];

/// Where issuers name the client that a token was given to, in the order in which they are read: RFC 9068, OpenID
/// Connect and Entra ID version 2, Okta, Entra ID version 1.
pub(super) const CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// The clients whose tokens are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Clients {
    /// Tokens of any client.
    #[default]
    Any,
    /// Tokens of one of these clients.
    OneOf(Vec<String>),
}

impl Clients {
    #[cold]
    pub(super) fn facts(&self, claims: &Object<'_>) -> Facts {
        let expected = match self {
            Self::Any => "any: expectedClients is not set".to_owned(),
            Self::OneOf(clients) => format!("one of \"{}\"", clients.join("\", \"")),
        };
        let named = CLIENT_CLAIMS.into_iter().find_map(|name| Some((name, claims.get(name)?)));
        let found = named.map(|(name, value)| format!("{name} {}", value.as_str().unwrap_or(value.kind())));
        Facts::new(expected, found.unwrap_or_else(|| "none".to_owned()))
    }

    pub(super) fn check(&self, claims: &Object<'_>) -> Result<(), Rejection> {
        let Self::OneOf(expected) = self else { return Ok(()) };
        let named = CLIENT_CLAIMS.into_iter().find_map(|name| Some((name, claims.get(name)?)));
        let Some((name, value)) = named else {
            let message = "expectedClients is set, and the access token names no client: it has none of client_id, azp, \
                           cid and appid. Have the issuer write one of them, or check the audience (`expectedAudience`) in \
                           its place";
            return Err(Code::ClaimMissing.because(message));
        };
        let Some(found) = value.as_str() else {
            let kind = value.kind();
            let message =
                format!("expectedClients is set, and claim {name} is expected to be a string, got {kind}");
            return Err(Code::ClaimMalformed.because(message));
        };
        if expected.iter().any(|client| client == found) {
            return Ok(());
        }
        let rejection = Code::ClientMismatch.because(format!(
            "Not an expected client, got {name} claim \"{}\" but expected \"{}\"",
            Shown(found),
            expected.join("\" or \"")
        ));
        Err(rejection.advising("If that client may call this API, add it to `expectedClients`"))
    }
}
