//! Whether a client possesses what its token is bound to (RFC 7800 section 3.1, RFC 8705 section 3, RFC 9449 section 7).
//!
//! In: a token's confirmation; the proof and the certificate that came with it; the rules for both.
//! Out: the `Proof`, where the token is bound to a key; or a refusal.
//! Never: a claim beside `cnf`, an issuer's key, a memory.

use std::sync::Arc;

use crate::access_token::Confirmation;
use crate::client_certificate::{self, CertificateField};
use crate::credentials::Presentation;
use crate::dpop::advice;
use crate::dpop::nonce::Nonces;
use crate::dpop::policy::DpopPolicy;
use crate::scheme::{AcceptedSchemes, Scheme};

use crate::dpop::proof::{Proof, ProofRules, TokenDigest};

use crate::dpop::proof_key::ProofKey;

use crate::dpop::target::ExpectedTarget;
use crate::explanation::{Check, Facts, Watch};
use crate::presentation::RequiredBinding;
use crate::rejection::{Code, Rejection};
use crate::request::{ProxyTrust, RequestHead};
use crate::time::UnixTime;

/// What the rules of the server and of the route say.
pub(crate) struct PossessionRules<'a> {
    pub schemes: AcceptedSchemes,
    pub binding: RequiredBinding,
    pub dpop: &'a DpopPolicy,
    pub nonces: Option<&'a Nonces>,
    pub certificate_field: CertificateField,
    pub proxy_trust: &'a ProxyTrust,
}

/// How a token came.
pub(crate) struct Presented<'a> {
    pub presentation: Presentation<'a>,
    /// The digest of the token's text, where it came with a proof.
    pub digest: Option<TokenDigest>,
    /// What the proof must be for.
    pub target: Option<&'a ExpectedTarget<'a>>,
    pub head: Option<RequestHead<'a>>,
}

/// Checks that a bound token came with its certificate, its proof, or both, and another one without.
///
/// `known_key` finds the key of a client whose proofs begin with the same header.
pub(crate) fn prove(
    confirmation: &Confirmation,
    presented: &Presented<'_>,
    rules: &PossessionRules<'_>,
    known_key: &dyn Fn(&str) -> Option<Arc<ProofKey>>,
    now: UnixTime,
    watch: &mut impl Watch,
) -> Result<Option<Proof>, Rejection> {
    let jkt = confirmation.jkt.as_deref();
    let fits = check_scheme(presented.presentation, confirmation, rules);
    watch.go_on(Check::Scheme, fits, || ())?;
    watch.facts(Check::Scheme, || {
        let expected = if jkt.is_some() { Scheme::DPoP } else { Scheme::Bearer };
        Facts::new(expected.name(), presented.presentation.scheme().name())
    });
    watch.go_on(Check::Binding, rules.binding.check(confirmation), || ())?;
    if let Some(certificate) = confirmation.certificate {
        let (head, field) = (presented.head, rules.certificate_field);
        let checked = client_certificate::check(certificate, head, field, rules.proxy_trust);
        watch.go_on(Check::Certificate, checked, || ())?;
    }
    match (presented.presentation, jkt, presented.target.zip(presented.digest)) {
        (Presentation::Bearer { .. }, ..) => {
            let is_accepted = rules.schemes.accept(Scheme::Bearer);
            let outcome = if is_accepted { Ok(None) } else { Err(only_dpop()) };
            watch.check(Check::SchemeAccepted, outcome)
        }
        (Presentation::DPoP { proof }, Some(jkt), Some((target, digest))) => {
            let rules = ProofRules { policy: rules.dpop, nonces: rules.nonces, known_key };
            Proof::validate(proof, digest, jkt, target, &rules, now, watch).map(Some)
        }
        (Presentation::DPoP { .. }, ..) => watch.check(Check::SchemeAccepted, Err(dpop_disabled())),
    }
}

/// The scheme is the one of the token's confirmation, and all of that can be checked here.
fn check_scheme(
    presentation: Presentation<'_>,
    confirmation: &Confirmation,
    rules: &PossessionRules<'_>,
) -> Result<(), Rejection> {
    match (presentation, confirmation.jkt.as_deref()) {
        (Presentation::Bearer { even_if_bound: false }, Some(_)) => {
            Err(advice::bound_without_proof(rules.schemes.accept(Scheme::DPoP), rules.dpop.as_oidc_spa))
        }
        (Presentation::DPoP { .. }, None) => {
            let bound = confirmation.uncheckable || confirmation.certificate.is_some();
            let code = if bound { Code::TokenBound } else { Code::TokenUnbound };
            Err(advice::proof_without_bound(
                code,
                rules.schemes.accept(Scheme::Bearer),
                rules.dpop.as_oidc_spa,
            ))
        }
        _ if confirmation.uncheckable => {
            let message = "The access token's cnf claim names a confirmation that is not checked here";
            let advice = "Have the issuer bind the token to a DPoP key (jkt) or a client certificate (x5t#S256), or to nothing";
            Err(if rules.dpop.as_oidc_spa {
                Code::TokenBound.because(message)
            } else {
                Code::TokenBound.because(message).advising(advice)
            })
        }
        _ => Ok(()),
    }
}

/// What the proof of a request must be for; nothing where the scheme asks for no proof.
pub(crate) fn target_of<'a>(
    scheme: Scheme,
    head: Option<RequestHead<'a>>,
    schemes: AcceptedSchemes,
    trust: &ProxyTrust,
) -> Result<Option<ExpectedTarget<'a>>, Rejection> {
    match (scheme, head) {
        (Scheme::Bearer, _) => Ok(None),
        (Scheme::DPoP, Some(head)) if schemes.accept(scheme) => {
            ExpectedTarget::of_request(head, trust).map(Some)
        }
        (Scheme::DPoP, Some(_)) => Err(dpop_disabled()),
        (Scheme::DPoP, None) => Err(Code::SchemeUnsupported
            .because("A DPoP proof is for one method and URL, and neither is known of this request")
            .advising("Pass the whole request, or its `{ method, url }` beside the header fields")),
    }
}

#[cold]
pub(crate) fn only_dpop() -> Rejection {
    Code::TokenUnbound
        .because("The access token is not bound to a DPoP key, and only DPoP is accepted")
        .advising(
            "The client asks the issuer for the token with a proof, and sends it as \"Authorization: DPoP\" with another",
        )
}

#[cold]
pub(crate) fn dpop_disabled() -> Rejection {
    Code::SchemeUnsupported
        .because("The DPoP scheme is disabled, by the option `dpop` or the rule of that name")
        .advising(
            "Allow it there, or have the client send a token that is not bound as \"Authorization: Bearer\"",
        )
}
