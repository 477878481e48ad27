//! What a refused client is told: status and `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1).
//!
//! In: a code, and the scheme that the client used.
//! Out: `Challenge`.
//! May use: jose::algorithm, credentials' scheme, rejection.
//! Never: a text that came with the request.

use crate::credentials::{AcceptedSchemes, Scheme};
use crate::jose::algorithm::AlgorithmSet;
use crate::rejection::Code;

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

/// Writes the challenges of one resource server.
#[derive(Clone, Debug)]
pub struct Challenger {
    schemes: AcceptedSchemes,
    /// `algs="…"` of the DPoP challenge (RFC 9449 section 7.1).
    algs: String,
}

impl Challenger {
    /// For a server that accepts these schemes and these algorithms of DPoP proofs.
    pub fn new(schemes: AcceptedSchemes, proof_algorithms: AlgorithmSet) -> Self {
        let names: Vec<&str> = proof_algorithms.iter().map(|algorithm| algorithm.name()).collect();
        Self { schemes, algs: format!("algs=\"{}\"", names.join(" ")) }
    }

    /// The response to a request that was refused for this reason.
    ///
    /// The error goes into the challenge of the scheme that was used (RFC 9449 section 7.2); into every challenge
    /// where that is not known, or where the scheme is not accepted.
    pub fn challenge(&self, code: Code, used: Option<Scheme>) -> Challenge {
        let row = code.row();
        if row.status == 503 {
            return Challenge {
                status: row.status,
                www_authenticate: None,
                retry_after: Some(RETRY_AFTER_SECS),
                dpop_nonce: None,
            };
        }
        let used = used.filter(|scheme| self.schemes.accept(*scheme));
        let challenges: Vec<String> = [Scheme::Bearer, Scheme::DPoP]
            .into_iter()
            .filter(|scheme| self.schemes.accept(*scheme))
            .map(|scheme| {
                let error = row.error.filter(|_| used.is_none_or(|used| used == scheme));
                let mut parameters = Vec::new();
                if let Some(error) = error {
                    parameters.push(format!("error=\"{}\"", error.name()));
                    parameters.push(format!("error_description=\"{}\"", row.description));
                }
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

    fn challenger(schemes: AcceptedSchemes) -> Challenger {
        let algorithms = AlgorithmSet::of(&[Algorithm::ES256, Algorithm::PS256]);
        Challenger::new(schemes, algorithms.unwrap_or(AlgorithmSet::all()))
    }

    fn said(schemes: AcceptedSchemes, code: Code, used: Option<Scheme>) -> String {
        challenger(schemes).challenge(code, used).www_authenticate.unwrap_or_default()
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
            let challenge = challenger(AcceptedSchemes::Both).challenge(*code, None);
            assert_eq!(challenge.www_authenticate.is_some(), challenge.status != 503);
            assert_eq!(challenge.retry_after.is_some(), challenge.status == 503);
        }
    }
}
