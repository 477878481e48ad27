//! Recognizes JWTs that are not access tokens (RFC 8725 section 3.12).
//!
//! In: claims, or a text that is no signed JWT; the policy.
//! Out: nothing, or a refusal that says what came and what to send.
//! Never: the text of the token in a message, except for words such as `undefined`.

use crate::jose::algorithm::AlgorithmSet;
use crate::jose::json::Object;
use crate::jose::jws::{JoseHeader, JwsError, is_jwe};
use crate::rejection::{Code, Rejection, Shown};

use super::{AccessTokenPolicy, Profile};

/// Refuses a JWT whose own members say that it is not an access token.
pub(super) fn check(claims: &Object<'_>, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    let words = Words::read(claims);
    if let Some((kind, mark)) = never_accepted(&words) {
        let rejection = Code::TokenTypeUnexpected.because(format!("The token is {kind} ({mark})"));
        return Err(rejection.advising("send the access token that the issuer gave with it"));
    }
    match id_token_mark(&words, claims) {
        Some(mark) if !policy.accept_id_tokens => {
            let rejection = Code::TokenTypeUnexpected.because(format!("The token is an ID token ({mark})"));
            Err(rejection.advising(
                "send the access token that the issuer gave with it. Some issuers, such as Dex, write their access tokens like \
                 this: if yours does, or if it gives ID tokens only, write `acceptIdTokens: true`",
            ))
        }
        _ => Ok(()),
    }
}

/// The members that say of which kind a token is, read in one pass.
#[derive(Default)]
struct Words<'c> {
    typ: Option<&'c str>,
    r#type: Option<&'c str>,
    token_type: Option<&'c str>,
    token_use: Option<&'c str>,
    // A claim counts if it is present. A wrong type does not avoid the check.
    has_events: bool,
    has_at_hash: bool,
    has_c_hash: bool,
    has_nonce: bool,
}

impl<'c> Words<'c> {
    fn read(claims: &'c Object<'_>) -> Self {
        let mut words = Self::default();
        for (name, value) in claims.members() {
            match name {
                "typ" => words.typ = value.as_str(),
                "type" => words.r#type = value.as_str(),
                "token_type" => words.token_type = value.as_str(),
                "token_use" => words.token_use = value.as_str(),
                "events" => words.has_events = true,
                "at_hash" => words.has_at_hash = true,
                "c_hash" => words.has_c_hash = true,
                "nonce" => words.has_nonce = true,
                _ => {}
            }
        }
        words
    }
}

const OF_REFRESH_TOKENS: &[&str] = &["refresh", "refresh_token"];
const OF_ID_TOKENS: &[&str] = &["id", "id_token"];

/// Whether a claim is one of these words, in any case, so that another spelling does not avoid the check.
fn says(claim: Option<&str>, words: &[&str]) -> bool {
    claim.is_some_and(|claim| words.iter().any(|word| word.eq_ignore_ascii_case(claim)))
}

/// Kinds of tokens that are never for resource servers, and their marks.
fn never_accepted(words: &Words<'_>) -> Option<(&'static str, &'static str)> {
    const REFRESH: &str = "a refresh token";
    if says(words.typ, &["refresh", "offline"]) {
        return Some((REFRESH, "its typ claim says so"));
    }
    if says(words.typ, &["logout"]) {
        return Some(("a logout token", "its typ claim says so"));
    }
    if says(words.r#type, OF_REFRESH_TOKENS) {
        return Some((REFRESH, "its type claim says so"));
    }
    if says(words.token_type, OF_REFRESH_TOKENS) {
        return Some((REFRESH, "its token_type claim says so"));
    }
    if says(words.token_use, OF_REFRESH_TOKENS) {
        return Some((REFRESH, "its token_use claim says so"));
    }
    words.has_events.then_some(("a security event token", "it has an events claim"))
}

/// The marks of an ID token: OpenID Connect Core section 3.1.3.6 and 3.3.2.11, and the issuers' own claims.
fn id_token_mark(words: &Words<'_>, claims: &Object<'_>) -> Option<&'static str> {
    if says(words.typ, &["id"]) {
        return Some("its typ claim says so");
    }
    if says(words.token_use, OF_ID_TOKENS) {
        return Some("its token_use claim says so");
    }
    if says(words.token_type, OF_ID_TOKENS) {
        return Some("its token_type claim says so");
    }
    if words.has_at_hash {
        return Some("it has an at_hash claim");
    }
    if words.has_c_hash {
        return Some("it has a c_hash claim");
    }
    let is_for_an_api =
        || OF_ACCESS_TOKENS.into_iter().any(|name| claims.has(name)) || says(words.typ, &["bearer", "dpop"]);
    (words.has_nonce && !is_for_an_api())
        .then_some("it has a nonce claim, and none that access tokens have, such as scope")
}

/// Claims of access tokens that ID tokens do not have. Older versions of Keycloak, Azure AD B2C and others repeat the
/// `nonce` of the sign-in in access tokens.
const OF_ACCESS_TOKENS: [&str; 8] =
    ["scope", "scp", "client_id", "cid", "appid", "permissions", "token_use", "resource_access"];

/// The refusal of a text whose header cannot be read.
#[cold]
pub(super) fn unreadable(token: &str, error: &JwsError, policy: AccessTokenPolicy) -> Rejection {
    let sentence = "Failed to decode the JWT header";
    if policy.profile == Profile::OidcSpa {
        return Code::TokenMalformed.because(sentence);
    }
    match token {
        "undefined" | "null" | "NaN" | "true" | "false" => Code::TokenMalformed.because(format!(
            "The client sent the word \"{token}\" in the place of an access token: it had none when it made the request"
        )),
        _ if !token.contains('.') => {
            let message = "The access token is opaque, not a JWT: there is no dot in it";
            Code::TokenMalformed.because(message).advising(
                "Ask the issuer for an access token for this API: Auth0 gives a JWT where the client names an `audience`, others \
                 where it names a `resource` or a scope of the API, or where the API's tokens are configured to be JWTs",
            )
        }
        _ if is_jwe(token) => encrypted(),
        _ => match token.split('.').count() {
            3 => Code::TokenMalformed
                .because(format!("{sentence}: {error}"))
                .advising("The client sends the token as it came, whole and unchanged"),
            parts => Code::TokenMalformed
                .because(format!("{sentence}: expected three parts between dots, got {parts}"))
                .advising(
                    "The token is opaque or cut: the client sends an access token for this API, whole and unchanged",
                ),
        },
    }
}

/// Refuses an encrypted token, and says that it is encrypted. The drop-in says what is wrong with its algorithm.
pub(super) fn check_signed(header: &JoseHeader, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    if policy.profile != Profile::OidcSpa && header.is_of_jwe() {
        return Err(encrypted());
    }
    Ok(())
}

/// The refusal of a token that is too long.
#[cold]
pub(super) fn too_long(bytes: usize, max_bytes: usize, policy: AccessTokenPolicy) -> Rejection {
    if policy.profile == Profile::OidcSpa {
        return Code::TokenMalformed.because(format!("The access token is longer than {max_bytes} bytes"));
    }
    Code::TokenMalformed
        .because(format!("The access token has {bytes} bytes, and {max_bytes} are accepted"))
        .advising(
            "Have the issuer put less into it, such as fewer groups, or raise `limits.accessTokenBytes`",
        )
}

/// The refusal of a token whose algorithm is unknown.
#[cold]
pub(super) fn unknown_algorithm(name: &str, policy: AccessTokenPolicy) -> Rejection {
    let sentence = format!("Unsupported or too weak algorithm {}", Shown(name));
    if policy.profile == Profile::OidcSpa {
        Code::AlgorithmNotAllowed.because(sentence)
    } else if name.starts_with("HS") {
        let why = "It is symmetric: whoever can verify such a token can make one";
        Code::AlgorithmNotAllowed
            .because(format!("{sentence}. {why}"))
            .advising("Have the issuer sign with an asymmetric one, such as RS256 or ES256")
    } else if name.eq_ignore_ascii_case("none") {
        let why = "The token is not signed: anybody could have made it";
        Code::AlgorithmNotAllowed.because(format!("{sentence}. {why}"))
    } else {
        Code::AlgorithmNotAllowed
            .because(sentence)
            .advising("Have the issuer sign with one that `algorithms` takes, such as RS256 or ES256")
    }
}

/// The refusal of a token whose algorithm the application does not accept from this issuer.
#[cold]
pub(super) fn algorithm_not_allowed(
    name: &str,
    allowed: AlgorithmSet,
    policy: AccessTokenPolicy,
) -> Rejection {
    if policy.profile == Profile::OidcSpa {
        return unknown_algorithm(name, policy);
    }
    let rejection = Code::AlgorithmNotAllowed.because(format!(
        "Unsupported or too weak algorithm {name}: it is not among the `algorithms` of this issuer, which are {}",
        allowed.names()
    ));
    rejection.advising("If the issuer may sign with it, add it there")
}

/// The refusal of a token whose signature was made by none of the issuer's keys.
#[cold]
pub(super) fn not_signed(header: &JoseHeader, policy: AccessTokenPolicy) -> Rejection {
    let sentence = "signature verification failed";
    if policy.profile == Profile::OidcSpa {
        return Code::SignatureInvalid.because(sentence);
    }
    if !header.has_nonce() {
        let key = match header.kid.value() {
            Some(kid) => format!("the issuer's key \"{}\"", Shown(kid)),
            None => "any of the issuer's keys".to_owned(),
        };
        let rejection = Code::SignatureInvalid.because(format!(
            "{sentence} with {key}: the token was changed on its way, or is of another issuer or environment that calls a key \
             the same"
        ));
        return rejection.advising("Compare its `iss` with `issuerUri`");
    }
    let rejection = Code::SignatureInvalid.because(format!(
        "{sentence}. The token's header has a nonce, as those that Entra ID makes for Microsoft Graph have: only Graph can \
         verify these"
    ));
    rejection
        .advising("The client must ask for a token for this API, with a scope such as api://CLIENT_ID/access")
}

#[cold]
fn encrypted() -> Rejection {
    let message = "The access token is encrypted (JWE), and only signed ones can be validated";
    Code::TokenMalformed.because(message).advising(
        "Auth0 gives such a token where the client names no `audience`; elsewhere, switch the encryption of this API's access \
         tokens off at the issuer",
    )
}
