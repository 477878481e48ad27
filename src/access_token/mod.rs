//! A verified JWS to an access token (RFC 9068 section 4, RFC 7519 section 4.1, RFC 7800).
//!
//! In: a header and a verified payload, the policy, the time.
//! Out: `AccessToken` and its `Confirmation`.
//! May use: client_certificate's thumbprint, jose, keys' issuer names, rejection, time.
//! Never: a header field, a proof, an unverified claim.

pub(crate) mod presenter;
pub(crate) mod signature;

use std::fmt;

use crate::client_certificate::CertificateThumbprint;
use crate::jose::json::{Object, Value};
use crate::jose::jws::{JoseHeader, Member};
use crate::keys::issuer_name::Comparison;
use crate::keys::metadata::Issuer;
use crate::rejection::{Code, ErrorCause, Rejection, Shown};
use crate::time::{Leeway, NumericDate, UnixTime, Validity};

pub use presenter::Presenter;
use signature::VerifiedByKey;

/// How far ahead of this clock a token may claim to be issued: FAPI 2.0 Security Profile section 5.3.2.1.
const MAX_ISSUED_AHEAD: Leeway = match Leeway::from_secs(60) {
    Some(leeway) => leeway,
    None => Leeway::NONE,
};

/// Which rules hold for access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The access tokens of the common issuers.
    #[default]
    Common,
    /// RFC 9068 section 4 to the letter.
    Rfc9068,
    /// What `oidc-spa/server` accepts.
    OidcSpa,
}

/// The rules for access tokens, whatever their issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessTokenPolicy {
    /// The set of rules.
    pub profile: Profile,
    /// Accept what is evidently an ID token.
    pub accept_id_tokens: bool,
    /// Leeway on `exp` and `nbf`.
    pub leeway: Leeway,
}

impl AccessTokenPolicy {
    /// Whether a token must name its key, and the key must be one alone.
    pub(crate) fn needs_one_named_key(self) -> bool {
        self.profile == Profile::OidcSpa
    }

    /// The media type of the token (RFC 9068 section 4; RFC 8725 section 3.11): another kind of JWT is none.
    pub(crate) fn check_type(self, header: &JoseHeader) -> Result<(), Rejection> {
        let (accepted, expected) = match (&header.typ, self.profile) {
            (Member::Is(typ), Profile::Rfc9068) => (typ == "at+jwt", "\"at+jwt\""),
            (Member::Is(typ), _) => (matches!(typ.as_str(), "jwt" | "at+jwt"), "\"at+jwt\" or \"JWT\""),
            (Member::Absent, Profile::Rfc9068) => (false, "\"at+jwt\""),
            (Member::Absent, _) => (true, ""),
            (Member::Malformed, _) => (false, "a string"),
        };
        if accepted {
            return Ok(());
        }
        let found = match &header.typ {
            Member::Is(typ) => format!("\"{}\"", Shown(typ)),
            Member::Absent => "nothing".to_owned(),
            Member::Malformed => "something else".to_owned(),
        };
        let message = format!("Unexpected typ of the access token: expected {expected}, got {found}");
        Err(Code::TokenTypeUnexpected.because(message))
    }

    /// Whether an unverified `exp` says that the token is refused in any case.
    pub(crate) fn is_hopeless(self, expires: Option<f64>, now: UnixTime) -> bool {
        let expires = expires.and_then(NumericDate::from_json);
        !expires.is_some_and(|expires| expires.is_still_ahead(now, self.leeway))
    }
}

/// Whom a token must be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One of these values is among the token's.
    AnyOf(Vec<String>),
    /// Not checked. Written by the application, never a default.
    Unchecked,
}

impl Audience {
    /// Whether a token for these is for this API.
    pub(crate) fn is_met_by(&self, audiences: &[String]) -> bool {
        match self {
            Self::AnyOf(expected) => audiences.iter().any(|audience| expected.contains(audience)),
            Self::Unchecked => true,
        }
    }
}

/// An access token that is valid for a time, the confirmation of its key aside.
pub struct AccessToken {
    claims: String,
    confirmation: Confirmation,
    presenter: Option<Presenter>,
    validity: Validity,
}

impl AccessToken {
    /// Validates the claims of a verified JWS.
    ///
    /// Does not validate: the signature (holding a `VerifiedJws` proves it), the confirmation, scopes, roles.
    pub(crate) fn validate(
        VerifiedByKey { jws, expires }: VerifiedByKey,
        issuer: &Issuer,
        audience: &Audience,
        policy: AccessTokenPolicy,
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        let (confirmation, presenter, validity) = {
            let claims = jws.claims().map_err(|error| {
                let code = Code::TokenMalformed.because(format!("Invalid access token: {error}"));
                code.with_cause(ErrorCause::InvalidSignature)
            })?;
            let validity = check_times(&claims, policy, now)?;
            check_shape(&claims)?;
            check_issuer(&claims, issuer, policy)?;
            check_audience(&claims, audience)?;
            match policy.profile {
                Profile::OidcSpa => {}
                Profile::Common => check_kind(&claims, policy)?,
                Profile::Rfc9068 => {
                    check_kind(&claims, policy)?;
                    check_rfc9068(&claims)?;
                }
            }
            let confirmation = Confirmation::read(&claims)?;
            let presenter = confirmation.jkt.is_some().then(|| Presenter::read(&claims));
            (confirmation, presenter, validity)
        };
        let validity = validity.before(expires, Leeway::NONE);
        Ok(Self { claims: jws.into_text(), confirmation, presenter, validity })
    }

    /// What the token is bound to.
    pub fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }

    /// Who presents it, where it is bound to a DPoP key.
    pub const fn presenter(&self) -> Option<Presenter> {
        self.presenter
    }

    /// The claims, as JSON text.
    pub fn claims(&self) -> &str {
        &self.claims
    }

    /// When it is valid: at every other time the same token is refused.
    pub const fn validity(&self) -> Validity {
        self.validity
    }
}

// Claims must not end up in a log.
impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// The keys that a token is bound to (RFC 7800 section 3.1, RFC 9449 section 6.1, RFC 8705 section 3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// Thumbprint of the DPoP key.
    pub jkt: Option<String>,
    /// Thumbprint of the client's TLS certificate.
    pub certificate: Option<CertificateThumbprint>,
    /// There is a `cnf`, and nothing in it can be checked here.
    pub uncheckable: bool,
}

impl Confirmation {
    /// Whether the token is bound to nothing: whoever bears it may use it.
    pub const fn is_none(&self) -> bool {
        self.jkt.is_none() && self.certificate.is_none() && !self.uncheckable
    }

    fn read(claims: &Object<'_>) -> Result<Self, Rejection> {
        let Some(cnf) = claims.get("cnf").and_then(Value::as_object) else {
            return Ok(Self::default());
        };
        let jkt = match cnf.get("jkt") {
            None => None,
            Some(Value::String(jkt)) => Some(jkt.clone().into_owned()),
            Some(_) => return Err(Code::ClaimMalformed.because("cnf.jkt claim is expected to be a string")),
        };
        let certificate = match cnf.get("x5t#S256").map(Value::as_str) {
            None => None,
            Some(text) => Some(text.and_then(CertificateThumbprint::from_claim).ok_or_else(|| {
                let message = "cnf.x5t#S256 claim is expected to be a SHA-256 thumbprint in base64url";
                Code::ClaimMalformed.because(message)
            })?),
        };
        let uncheckable = jkt.is_none() && certificate.is_none();
        Ok(Self { jkt, certificate, uncheckable })
    }
}

/// `iat`, `nbf` and `exp` (RFC 7519 sections 4.1.4 to 4.1.6), and for how long they let the token pass.
fn check_times(claims: &Object<'_>, policy: AccessTokenPolicy, now: UnixTime) -> Result<Validity, Rejection> {
    let invalid = |rejection: Rejection| rejection.with_cause(ErrorCause::InvalidSignature);
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_number().and_then(NumericDate::from_json).map(Some).ok_or_else(|| {
            invalid(Code::ClaimMalformed.because(format!("\"{name}\" claim must be a number")))
        }),
    };
    let issued = date("iat")?;
    let not_before = date("nbf")?;
    if not_before.is_some_and(|not_before| not_before.is_after(now, policy.leeway)) {
        return Err(Code::TokenNotYetValid.because("\"nbf\" claim timestamp check failed"));
    }
    let expires = date("exp")?;
    if expires.is_some_and(|expires| !expires.is_still_ahead(now, policy.leeway)) {
        return Err(expired());
    }
    let validity = Validity::ALWAYS.since(not_before, policy.leeway).before(expires, policy.leeway);
    if policy.profile == Profile::OidcSpa {
        return Ok(validity);
    }
    if issued.is_some_and(|issued| issued.is_after(now, MAX_ISSUED_AHEAD)) {
        return Err(Code::TokenNotYetValid.because("\"iat\" claim lies in the future"));
    }
    if expires.is_some_and(|expires| expires > NumericDate::LATEST_SENSIBLE) {
        let message = "\"exp\" claim lies beyond the year 9999; it is counted in seconds";
        return Err(Code::ClaimMalformed.because(message));
    }
    match (issued, expires) {
        (Some(issued), Some(expires)) if issued > expires => {
            Err(Code::ClaimMalformed.because("\"iat\" claim lies after \"exp\""))
        }
        _ => Ok(validity.since(issued, MAX_ISSUED_AHEAD)),
    }
}

#[cold]
fn expired() -> Rejection {
    Code::TokenExpired.because("\"exp\" claim timestamp check failed")
}

/// What RFC 9068 section 2.2 says of each claim's type, and those claims that every access token has.
fn check_shape(claims: &Object<'_>) -> Result<(), Rejection> {
    const STRING: &str = "a string";
    const NUMBER: &str = "a number";
    type IsOfType = fn(&Value<'_>) -> bool;
    let string: IsOfType = |value| matches!(value, Value::String(_));
    let number: IsOfType = |value| matches!(value, Value::Number(_));
    let audience: IsOfType = |value| match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(|item| matches!(item, Value::String(_))),
        _ => false,
    };
    let object: IsOfType = |value| matches!(value, Value::Object(_));
    let shape: [(&str, bool, IsOfType, &str); 11] = [
        ("iss", true, string, STRING),
        ("sub", true, string, STRING),
        ("aud", true, audience, "a string or an array of strings"),
        ("exp", true, number, NUMBER),
        ("iat", true, number, NUMBER),
        ("client_id", false, string, STRING),
        ("scope", false, string, STRING),
        ("jti", false, string, STRING),
        ("nbf", false, number, NUMBER),
        ("auth_time", false, number, NUMBER),
        ("cnf", false, object, "an object"),
    ];
    for (name, required, is_of_type, expected) in shape {
        match claims.get(name) {
            Some(value) if is_of_type(value) => {}
            Some(value) => return Err(malformed(name, expected, value.kind())),
            None if required => return Err(missing(name)),
            None => {}
        }
    }
    Ok(())
}

const SHAPE_REPORT: &str = "The decoded access token does not satisfies the shape mandated by RFC9068:";

#[cold]
fn missing(name: &str) -> Rejection {
    Code::ClaimMissing.because(format!("{SHAPE_REPORT} claim {name} is missing"))
}

#[cold]
fn malformed(name: &str, expected: &str, found: &str) -> Rejection {
    Code::ClaimMalformed
        .because(format!("{SHAPE_REPORT} claim {name} is expected to be {expected}, got {found}"))
}

fn check_issuer(claims: &Object<'_>, issuer: &Issuer, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    let found = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let tenant = claims.get("tid").and_then(Value::as_str);
    let comparison = match policy.profile {
        Profile::Rfc9068 => Comparison::Letter,
        Profile::Common | Profile::OidcSpa => Comparison::SlashAside,
    };
    if issuer.is_named_by(found, tenant, comparison) {
        return Ok(());
    }
    Err(Code::IssuerMismatch.because(format!(
        "iss claim in access token payload \"{}\" does not match the issuerUri \"{}\".",
        Shown(found),
        issuer.as_str()
    )))
}

fn check_audience(claims: &Object<'_>, audience: &Audience) -> Result<(), Rejection> {
    let Audience::AnyOf(expected) = audience else { return Ok(()) };
    let is_expected = |value: &Value<'_>| value.as_str().is_some_and(|aud| expected.iter().any(|e| e == aud));
    let found = match claims.get("aud") {
        Some(Value::Array(items)) if items.iter().any(is_expected) => return Ok(()),
        Some(value) if is_expected(value) => return Ok(()),
        Some(Value::Array(items)) => {
            serde_json::to_string(&items.iter().filter_map(Value::as_str).collect::<Vec<_>>())
        }
        Some(value) => serde_json::to_string(value.as_str().unwrap_or_default()),
        None => Ok(String::new()),
    };
    Err(Code::AudienceMismatch.because(format!(
        "Not expected audience, got aud claim {} but expected \"{}\".",
        Shown(&found.unwrap_or_default()),
        expected.join("\" or \"")
    )))
}

/// Refuses a JWT that says of itself that it is something else than an access token (RFC 8725 section 3.12).
fn check_kind(claims: &Object<'_>, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    let kind = match claims.get("typ").and_then(Value::as_str) {
        Some("Refresh" | "Offline") => Some("a refresh token"),
        Some("Logout") => Some("a logout token"),
        Some("ID") if !policy.accept_id_tokens => Some("an ID token"),
        _ if claims.has("events") => Some("a security event token"),
        _ if !policy.accept_id_tokens && (claims.has("at_hash") || claims.has("c_hash")) => {
            Some("an ID token")
        }
        _ => None,
    };
    match kind {
        None => Ok(()),
        Some(kind) => {
            let message = format!("The token is {kind}; send the access token that the issuer gave with it");
            Err(Code::TokenTypeUnexpected.because(message))
        }
    }
}

/// The claims that RFC 9068 section 2.2 asks for beyond what common issuers send.
fn check_rfc9068(claims: &Object<'_>) -> Result<(), Rejection> {
    match ["client_id", "jti"].into_iter().find(|name| !claims.has(name)) {
        Some(name) => Err(missing(name)),
        None if claims.get("sub").and_then(Value::as_str) == Some("") => {
            Err(malformed("sub", "a string with a character", "an empty string"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n11_a_token_that_is_bound_in_any_way_is_not_for_whoever_bears_it() {
        let bound = |claims: &[u8]| {
            let claims = Object::parse(claims).unwrap_or_default();
            Confirmation::read(&claims).is_ok_and(|confirmation| !confirmation.is_none())
        };
        assert!(!bound(br#"{"sub":"x"}"#));
        let thumbprint = CertificateThumbprint::of_der(b"x");
        assert!(bound(format!(r#"{{"cnf":{{"x5t#S256":"{thumbprint}"}}}}"#).as_bytes()));
        assert!(bound(br#"{"cnf":{"jkt":"x"}}"#));
        assert!(bound(br#"{"cnf":{}}"#));
    }
}
