//! A verified JWS to an access token (RFC 9068 section 4, RFC 7519 section 4.1, RFC 7800).
//!
//! In: a header and a verified payload, the policy, the time.
//! Out: `AccessToken` and its `Confirmation`.
//! Never: a header field, a proof, an unverified claim.

mod kind;
pub(crate) mod presenter;
mod recipient;
mod shape;
pub(crate) mod signature;
mod times;

use std::fmt;

use crate::client_certificate::CertificateThumbprint;
use crate::explanation::{Check, Facts, Watch};
use crate::jose::json::{Object, Value};
use crate::jose::jws::{JoseHeader, Member};
use crate::keys::issuer::Issuer;
use crate::keys::issuer_name::Comparison;
use crate::rejection::{Code, ErrorCause, Rejection, Shown};
use crate::time::{Leeway, NumericDate, UnixTime, Validity};

pub use presenter::Presenter;
pub use recipient::{Audience, Clients};
use signature::VerifiedByKey;

/// Which rules hold for access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The access tokens of the common issuers.
    #[default]
    Common,
    /// Exactly the rules of RFC 9068 section 4.
    Rfc9068,
    /// The tokens that `oidc-spa/server` accepts.
    OidcSpa,
}

/// The rules for access tokens, whatever their issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessTokenPolicy {
    /// The set of rules.
    pub profile: Profile,
    /// Accept tokens with the marks of an ID token.
    pub accept_id_tokens: bool,
    /// How long after its `exp` a token is accepted.
    pub expiry_leeway: Leeway,
    /// How long before its `nbf` a token is accepted.
    pub not_before_leeway: Leeway,
    /// Claims that a token of the common profile may lack.
    pub optional_claims: OptionalClaims,
    /// How long after its `iat` a token is accepted, in seconds. `None`: until its `exp`.
    pub max_age_secs: Option<u32>,
}

const BY_DEFAULT: &str = "`profile: \"default\"` accepts it, as most issuers write it";

/// Claims of every access token that the tokens of the application's issuers may lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionalClaims {
    /// `sub`: tokens of machines at some issuers.
    pub sub: bool,
    /// `iat`.
    pub iat: bool,
}

impl AccessTokenPolicy {
    /// Whether a token must name its key, and the key must be one alone.
    pub(crate) fn needs_one_named_key(self) -> bool {
        self.profile == Profile::OidcSpa
    }

    /// The media type of the token (RFC 9068 section 4; RFC 8725 section 3.11): another kind of JWT is refused.
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
        let rejection = Code::TokenTypeUnexpected.because(message);
        let is_usual = match &header.typ {
            Member::Is(typ) => typ == "jwt",
            Member::Absent => true,
            Member::Malformed => false,
        };
        let is_accepted_by_default = is_usual && self.profile == Profile::Rfc9068;
        Err(if is_accepted_by_default { rejection.advising(BY_DEFAULT) } else { rejection })
    }

    /// Whether the token is refused in any case because of its unverified `exp`.
    pub(crate) fn is_hopeless(self, expires: Option<f64>, now: UnixTime) -> bool {
        let expires = expires.and_then(NumericDate::from_json);
        !expires.is_some_and(|expires| expires.is_still_ahead(now, self.expiry_leeway))
    }
}

/// An access token that is valid for a time. Its confirmation is checked elsewhere.
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
        VerifiedByKey { jws, expires }: VerifiedByKey<'_, '_>,
        expected: Expected<'_>,
        policy: AccessTokenPolicy,
        now: UnixTime,
        watch: &mut impl Watch,
    ) -> Result<Self, Rejection> {
        let claims = jws.claims().map_err(|error| {
            let code = Code::TokenMalformed.because(format!("Invalid access token: {error}"));
            code.with_cause(ErrorCause::InvalidSignature)
        });
        let claims = watch.check(Check::TokenClaims, claims)?;
        let (validity, confirmation) = check_claims(claims, expected, policy, now, watch)?;
        let presenter = confirmation.jkt.is_some().then(|| Presenter::read(claims));
        let validity = validity.before(expires, Leeway::NONE);
        Ok(Self { claims: jws.to_text(), confirmation, presenter, validity })
    }

    /// What the token is bound to.
    pub fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }

    /// The client and user of the token, if it is bound to a DPoP key.
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

/// The values that an issuer's tokens must have.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub issuer: &'a Issuer,
    pub audience: &'a Audience,
    pub clients: &'a Clients,
}

/// The checks of the claims. The caller decides whether a signature must cover them.
pub(crate) fn check_claims(
    claims: &Object<'_>,
    Expected { issuer, audience, clients }: Expected<'_>,
    policy: AccessTokenPolicy,
    now: UnixTime,
    watch: &mut impl Watch,
) -> Result<(Validity, Confirmation), Rejection> {
    let validity = watch.go_on(Check::TokenTimes, times::check(claims, policy, now), || Validity::ALWAYS)?;
    watch.facts(Check::TokenTimes, || times::facts(claims, policy, now));
    // This comes before the shape: for an ID token, the message must say that it is one, and not that a claim is
    // missing.
    if policy.profile != Profile::OidcSpa {
        watch.go_on(Check::TokenKind, kind::check(claims, policy), || ())?;
    }
    watch.go_on(Check::TokenClaims, shape::check(claims, policy, audience), || ())?;
    watch.go_on(Check::TokenIssuer, check_issuer(claims, issuer, policy), || ())?;
    watch.facts(Check::TokenIssuer, || Facts::new(issuer.as_str(), text_of(claims, "iss")));
    watch.go_on(Check::TokenAudience, audience.check(claims, policy.profile), || ())?;
    watch.facts(Check::TokenAudience, || audience.facts(claims));
    watch.go_on(Check::TokenClient, clients.check(claims), || ())?;
    watch.facts(Check::TokenClient, || clients.facts(claims));
    let confirmation =
        watch.go_on(Check::TokenConfirmation, Confirmation::read(claims), Confirmation::default)?;
    watch.facts(Check::TokenConfirmation, || confirmation.facts());
    Ok((validity, confirmation))
}

/// A claim as an explanation shows it: a text as it is, any other value by its type.
fn text_of<'c>(claims: &'c Object<'_>, name: &str) -> &'c str {
    match claims.get(name) {
        None => "nothing",
        Some(Value::String(text)) => text,
        Some(other) => other.kind(),
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
    /// There is a `cnf`, and this library can check no member of it.
    pub uncheckable: bool,
}

impl Confirmation {
    /// Whether the token is bound to nothing: then every holder may use it.
    pub const fn is_none(&self) -> bool {
        self.jkt.is_none() && self.certificate.is_none() && !self.uncheckable
    }

    fn facts(&self) -> Facts {
        let found = match (&self.jkt, self.certificate) {
            _ if self.uncheckable => "a binding that is not checked here",
            (None, None) => "nothing: whoever bears the token may use it",
            (Some(_), None) => "a DPoP key (jkt)",
            (None, Some(_)) => "a client certificate (x5t#S256)",
            (Some(_), Some(_)) => "a DPoP key (jkt) and a client certificate (x5t#S256)",
        };
        Facts::new("jkt, x5t#S256 or nothing", found)
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
    let rejection = Code::IssuerMismatch.because(format!(
        "iss claim in access token payload \"{}\" does not match the issuerUri \"{}\".",
        Shown(found),
        issuer.as_str()
    ));
    Err(match policy.profile {
        Profile::OidcSpa => rejection,
        _ => rejection.advising(issuer_advice(found, issuer.as_str())),
    })
}

/// The most likely reason why two names of an issuer differ.
#[cold]
fn issuer_advice(found: &str, expected: &str) -> &'static str {
    let path = |url: &str| {
        url.split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'))
            .map(|(_, path)| path.trim_end_matches('/').to_owned())
    };
    if found.starts_with("https://sts.windows.net/")
        && expected.starts_with("https://login.microsoftonline.com/")
    {
        "The token is of version 1 of Entra ID: set `api.requestedAccessTokenVersion` (accessTokenAcceptedVersion) to 2 in the \
         API's manifest, or write the token's value as `issuerUri`"
    } else if found.contains(".b2clogin.com/") && expected.contains(".b2clogin.com/") {
        "Azure AD B2C keeps the user flow out of its name, or writes it where the tenant is set up so: write the token's value as \
         `issuerUri`, and the URL of the flow's keys, which ends with FLOW/discovery/v2.0/keys, as `jwksUri`"
    } else if path(found).is_some_and(|path_found| path(expected) == Some(path_found)) {
        "The paths are the same: if this is one issuer that this server reaches by another host or port, as Keycloak in a container, \
         write the token's value as `issuerUri`, and the URL of the keys, by the inner name, as `jwksUri`. Where both are public \
         names of it, write the token's into `issuerAliases`"
    } else {
        "If both are names of one issuer, write the token's into `issuerAliases`"
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
