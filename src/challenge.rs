//! The response to a refused request: status, challenge and the other fields of a response (RFC 6750 section 3, 9449 sections 7.1
//! and 8, 9470, 9728).
//!
//! In: a rejection, the scheme that the client used, what the application asks for; this server's nonces.
//! Out: `Refusal`; the fields of every response.
//! Never: a text that came with the request.

use std::borrow::Cow;

use crate::dpop::nonce::Nonces;
use crate::jose::algorithm::AlgorithmSet;
use crate::rejection::{Code, Rejection};
use crate::resource_metadata::ProtectedResource;
use crate::scheme::{AcceptedSchemes, Scheme};
use crate::time::UnixTime;

/// Seconds after which a client may try again when this server could not judge (RFC 9110 section 10.2.3).
const RETRY_AFTER_SECS: u32 = 5;

/// The response to a refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// HTTP status.
    pub status: u16,
    /// Value of `WWW-Authenticate`; `None` where the request was never judged.
    pub www_authenticate: Option<String>,
    /// Value of `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// Value of `DPoP-Nonce` (RFC 9449 section 9).
    pub dpop_nonce: Option<String>,
}

impl Challenge {
    /// The header fields of the response, by name and value. No other place writes them.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let challenge = self.www_authenticate.as_deref().map(|value| ("WWW-Authenticate", value.into()));
        let retry_after = self.retry_after.map(|secs| ("Retry-After", secs.to_string().into()));
        let nonce = self.dpop_nonce.as_deref().map(nonce_fields);
        challenge.into_iter().chain(retry_after).chain(nonce.into_iter().flatten())
    }
}

/// The nonce for the client's next proof. In a cache it would reach another client, and later (RFC 9449 section 8.2).
pub fn nonce_fields(nonce: &str) -> [(&'static str, Cow<'_, str>); 2] {
    [("DPoP-Nonce", nonce.into()), ("Cache-Control", "no-store".into())]
}

/// The request must not enter: why, and the response.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Why, for developers.
    pub rejection: Rejection,
    /// The response to the client.
    pub challenge: Challenge,
}

/// What a challenge asks a client for, so that its next request can pass.
///
/// ```
/// use oidc_spa_native::challenge::Demand;
///
/// assert!(Demand::new(&["read", "write"], &[], None).is_some());
/// assert!(Demand::new(&["read\", error=\""], &[], None).is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    scope: Option<String>,
    acr_values: Option<String>,
    max_age: Option<u32>,
}

impl Demand {
    /// These scopes (RFC 6750 section 3), one of these authentication context classes, the preferred one first, and an
    /// authentication of at most this age in seconds (RFC 9470 section 3). `None` where a name holds a character that
    /// it cannot have.
    pub fn new<T: AsRef<str>>(scopes: &[T], acr_values: &[T], max_age: Option<u32>) -> Option<Self> {
        Some(Self { scope: list(scopes)?, acr_values: list(acr_values)?, max_age })
    }

    /// These scopes, separated by spaces. A text that cannot stand in a challenge asks for nothing.
    fn for_scopes(scopes: Option<&str>) -> Self {
        let names: Vec<&str> =
            scopes.unwrap_or_default().split(' ').filter(|name| !name.is_empty()).collect();
        Self::new(&names, &[], None).unwrap_or_default()
    }

    fn parameters(&self) -> impl Iterator<Item = String> {
        let scope = self.scope.as_ref().map(|scope| format!("scope=\"{scope}\""));
        let acr_values = self.acr_values.as_ref().map(|values| format!("acr_values=\"{values}\""));
        let max_age = self.max_age.map(|secs| format!("max_age=\"{secs}\""));
        [scope, acr_values, max_age].into_iter().flatten()
    }
}

/// Names separated by spaces; the inner `None` is an empty list. The outer `None` means that a name holds a character that
/// it cannot have.
fn list<T: AsRef<str>>(names: &[T]) -> Option<Option<String>> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let are_names = names.iter().all(|name| !name.is_empty() && name.bytes().all(is_name_char));
    are_names.then(|| (!names.is_empty()).then(|| names.join(" ")))
}

/// `NQCHAR` of RFC 6749 appendix A: visible ASCII without quote and backslash.
pub(crate) const fn is_name_char(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

/// Writes the challenges of one resource server.
#[derive(Clone, Debug)]
pub(crate) struct Challenger {
    /// `algs="…"` of the DPoP challenge (RFC 9449 section 7.1).
    algs: String,
    /// `resource_metadata="…"` of every challenge (RFC 9728 section 5.1).
    resource_metadata: Option<String>,
    nonces: Option<Nonces>,
}

impl Challenger {
    /// For a server that accepts these algorithms of DPoP proofs, describes itself there and gives these nonces.
    pub fn new(
        proof_algorithms: AlgorithmSet,
        resource: Option<&ProtectedResource>,
        nonces: Option<Nonces>,
    ) -> Self {
        let names: Vec<&str> = proof_algorithms.iter().map(|algorithm| algorithm.name()).collect();
        let resource_metadata =
            resource.map(|resource| format!("resource_metadata=\"{}\"", resource.metadata_url()));
        Self { algs: format!("algs=\"{}\"", names.join(" ")), resource_metadata, nonces }
    }

    /// The refusal of a request. The challenge of an anonymous one names the scopes of its route.
    pub(crate) fn refuse_request(
        &self,
        rejection: Rejection,
        used: Option<Scheme>,
        schemes: AcceptedSchemes,
        scopes: Option<&str>,
        now: UnixTime,
    ) -> Refusal {
        let is_anonymous = matches!(rejection.code(), Code::CredentialsMissing | Code::SchemeUnsupported);
        let demand = Demand::for_scopes(scopes.filter(|_| is_anonymous));
        let used = used.filter(|_| demand == Demand::default());
        self.refuse(rejection, used, schemes, &demand, now)
    }

    /// A refusal, where these schemes are accepted and the application asks for more.
    pub fn refuse(
        &self,
        rejection: Rejection,
        used: Option<Scheme>,
        schemes: AcceptedSchemes,
        demand: &Demand,
        now: UnixTime,
    ) -> Refusal {
        // A client that uses DPoP gets a nonce with every refusal, so that its next proof can hold one.
        let nonces = self.nonces.as_ref().filter(|_| used == Some(Scheme::DPoP));
        let dpop_nonce = nonces.map(|nonces| nonces.current(now));
        let challenge = Challenge { dpop_nonce, ..self.challenge(rejection.code(), used, schemes, demand) };
        Refusal { rejection, challenge }
    }

    /// The response to a request that was refused for this reason, where these schemes are accepted.
    ///
    /// The error goes into the challenge of the scheme that was used (RFC 9449 section 7.2); into every challenge
    /// where that is not known, or where the scheme is not accepted. What the application demands stands beside it.
    fn challenge(
        &self,
        code: Code,
        used: Option<Scheme>,
        schemes: AcceptedSchemes,
        demand: &Demand,
    ) -> Challenge {
        let row = code.row();
        if row.status == 503 {
            return Challenge {
                status: row.status,
                www_authenticate: None,
                retry_after: Some(RETRY_AFTER_SECS),
                dpop_nonce: None,
            };
        }
        let used = used.filter(|scheme| schemes.accept(*scheme));
        let challenges: Vec<String> = [Scheme::Bearer, Scheme::DPoP]
            .into_iter()
            .filter(|scheme| schemes.accept(*scheme))
            .map(|scheme| {
                let mut parameters = Vec::new();
                if used.is_none_or(|used| used == scheme) {
                    if let Some(error) = row.error {
                        parameters.push(format!("error=\"{}\"", error.name()));
                        parameters.push(format!("error_description=\"{}\"", row.description));
                    }
                    parameters.extend(demand.parameters());
                }
                parameters.extend(self.resource_metadata.clone());
                if scheme == Scheme::DPoP {
                    parameters.push(self.algs.clone());
                }
                match parameters.as_slice() {
                    [] => scheme.name().to_owned(),
                    parameters => format!("{} {}", scheme.name(), parameters.join(", ")),
                }
            })
            .collect();
        Challenge {
            status: row.status,
            www_authenticate: Some(challenges.join(", ")),
            retry_after: None,
            dpop_nonce: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::algorithm::Algorithm;
    use crate::resource_metadata::Description;

    fn challenger(resource: Option<&str>) -> Challenger {
        let algorithms = AlgorithmSet::of(&[Algorithm::ES256, Algorithm::PS256]);
        let resource = resource.and_then(|text| ProtectedResource::parse(text, Description::default()).ok());
        Challenger::new(algorithms.unwrap_or(AlgorithmSet::all()), resource.as_ref(), None)
    }

    fn said(schemes: AcceptedSchemes, code: Code, used: Option<Scheme>) -> String {
        let challenge = challenger(None).challenge(code, used, schemes, &Demand::default());
        challenge.www_authenticate.unwrap_or_default()
    }

    #[test]
    fn b2_24_b3_9_without_credentials_no_error() {
        let code = Code::CredentialsMissing;
        let algs = "algs=\"PS256 ES256\"";
        assert_eq!(said(AcceptedSchemes::Both, code, None), format!("Bearer, DPoP {algs}"));
        assert_eq!(said(AcceptedSchemes::DPoP, code, None), format!("DPoP {algs}"));
        assert_eq!(said(AcceptedSchemes::Bearer, code, None), "Bearer");
    }

    #[test]
    fn o08_b2_28_the_error_stands_in_the_used_scheme_only() {
        assert_eq!(
            said(AcceptedSchemes::Both, Code::TokenExpired, Some(Scheme::Bearer)),
            "Bearer error=\"invalid_token\", error_description=\"The access token expired\", \
             DPoP algs=\"PS256 ES256\""
        );
        assert_eq!(
            said(AcceptedSchemes::Both, Code::ProofReplayed, Some(Scheme::DPoP)),
            "Bearer, DPoP error=\"invalid_dpop_proof\", \
             error_description=\"The DPoP proof was used before\", algs=\"PS256 ES256\""
        );
    }

    #[test]
    fn i10_two_authorization_fields_are_told_in_both() {
        let text = said(AcceptedSchemes::Both, Code::CredentialsRepeated, None);
        assert_eq!(text.matches("invalid_request").count(), 2);
    }

    #[test]
    fn j42_a_scheme_that_is_not_accepted_gets_its_error_in_the_other() {
        let text = said(AcceptedSchemes::DPoP, Code::TokenUnbound, Some(Scheme::Bearer));
        assert!(text.starts_with("DPoP error=\"invalid_token\""), "{text}");
    }

    #[test]
    fn b13_b4_5_every_401_has_a_challenge_and_no_503_has() {
        for code in Code::ALL {
            let challenge =
                challenger(None).challenge(*code, None, AcceptedSchemes::Both, &Demand::default());
            assert_eq!(challenge.www_authenticate.is_some(), challenge.status != 503);
            assert_eq!(challenge.retry_after.is_some(), challenge.status == 503);
        }
    }

    #[test]
    fn p01_p12_what_is_demanded_stands_in_the_used_scheme_only() {
        let demand = Demand::new(&["read", "items:write"], &["mfa"], Some(0)).unwrap_or_default();
        let challenge = |code, used| {
            let challenge = challenger(None).challenge(code, Some(used), AcceptedSchemes::Both, &demand);
            challenge.www_authenticate.unwrap_or_default()
        };
        assert_eq!(
            challenge(Code::ScopeInsufficient, Scheme::Bearer),
            "Bearer error=\"insufficient_scope\", error_description=\"The access token lacks a scope\", \
             scope=\"read items:write\", acr_values=\"mfa\", max_age=\"0\", DPoP algs=\"PS256 ES256\""
        );
        assert_eq!(
            challenge(Code::AuthenticationInsufficient, Scheme::DPoP),
            "Bearer, DPoP error=\"insufficient_user_authentication\", \
             error_description=\"A stronger or more recent authentication is required\", \
             scope=\"read items:write\", acr_values=\"mfa\", max_age=\"0\", algs=\"PS256 ES256\""
        );
    }

    #[test]
    fn o05_p10_a_name_that_would_break_the_challenge_is_refused() {
        for name in ["", "a b", "a\"b", "a\\b", "a\r\nb", "\u{e4}", "\u{7f}"] {
            assert_eq!(Demand::new(&[name], &[], None), None, "{name:?}");
            assert_eq!(Demand::new(&["read"], &[name], None), None, "{name:?}");
        }
        assert!(
            Demand::new(&["https://api.example/read.all", "!#[]~"], &["urn:mace:silver"], None).is_some()
        );
    }

    #[test]
    fn the_fields_of_a_response_are_named_here_in_their_order() {
        let challenge = Challenge {
            status: 401,
            www_authenticate: Some("Bearer".into()),
            retry_after: Some(5),
            dpop_nonce: Some("n".into()),
        };
        let fields: Vec<String> =
            challenge.fields().map(|(name, value)| format!("{name}: {value}")).collect();
        let expected =
            ["WWW-Authenticate: Bearer", "Retry-After: 5", "DPoP-Nonce: n", "Cache-Control: no-store"];
        assert_eq!(fields, expected);
        let bare = Challenge { www_authenticate: None, retry_after: None, dpop_nonce: None, ..challenge };
        assert_eq!(bare.fields().count(), 0);
    }

    #[test]
    fn b8_7_every_challenge_tells_where_the_resource_describes_itself() {
        let challenger = challenger(Some("https://api.example/mcp"));
        let challenge = |code| challenger.challenge(code, None, AcceptedSchemes::Both, &Demand::default());
        let url = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/mcp\"";
        assert_eq!(
            challenge(Code::CredentialsMissing).www_authenticate.unwrap_or_default(),
            format!("Bearer {url}, DPoP {url}, algs=\"PS256 ES256\"")
        );
        for code in Code::ALL {
            let value = challenge(*code).www_authenticate;
            assert!(value.is_none_or(|value| value.matches(url).count() == 2), "{code:?}");
        }
    }
}
