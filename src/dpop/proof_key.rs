//! The header of a client's proofs, which is the same in each proof: its key and its algorithm.
//!
//! In: a proof, the thumbprint to which the access token is bound.
//! Out: `ProofKey`, to be kept for the client's next proof.
//! Never: the proof's claims.

use crate::explanation::{Check, Facts, Watch};
use crate::jose::algorithm::Algorithm;
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::jose::jws::{JoseHeader, Member};
use crate::jose::verification_key::VerificationKey;
use crate::rejection::{Code, Rejection, Shown};

use super::advice;
use super::policy::DpopPolicy;

/// The header of a client's proofs, which is the same in each proof. Its key is parsed once.
#[derive(Debug)]
pub struct ProofKey {
    header: JoseHeader,
    algorithm: Algorithm,
    thumbprint: Thumbprint,
    key: VerificationKey,
}

impl ProofKey {
    pub(super) fn parse(
        proof: &str,
        jkt: &str,
        policy: &DpopPolicy,
        watch: &mut impl Watch,
    ) -> Result<Self, Rejection> {
        let advised = |rejection| advice::advised(rejection, policy.as_oidc_spa);
        let header = JoseHeader::decode(proof)
            .map_err(|error| advised(advice::unreadable(proof, &error, policy.as_oidc_spa)));
        let header = watch.check(Check::ProofForm, header)?;
        // 5. An asymmetric algorithm that is allowed.
        let algorithm = check_algorithm(&header, policy).map_err(advised);
        let algorithm = watch.check(Check::ProofAlgorithm, algorithm)?;
        watch.facts(Check::ProofAlgorithm, || {
            let names: Vec<_> = policy.algorithms.iter().map(Algorithm::name).collect();
            Facts::new(names.join(" "), algorithm.name())
        });
        // 4. Its type.
        watch.go_on(Check::ProofType, check_type(&header).map_err(advised), || ())?;
        // 7. A public key, with no private member; 12b. it is the key that the token is bound to.
        let jwk = watch.check(Check::ProofKey, check_key(&header).map_err(advised))?;
        let thumbprint = jwk.thumbprint();
        let bound = check_thumbprint(&thumbprint, jkt).map_err(advised);
        watch.go_on(Check::ProofBinding, bound, || ())?;
        watch.facts(Check::ProofBinding, || Facts::new(Shown(jkt), thumbprint.as_str()));
        let key = VerificationKey::for_algorithm(jwk, algorithm);
        let key = watch.check(Check::ProofKey, key.map_err(|error| advised(advice::malformed(&error))))?;
        Ok(Self { header, algorithm, thumbprint, key })
    }

    pub(super) const fn header(&self) -> &JoseHeader {
        &self.header
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn key(&self) -> &VerificationKey {
        &self.key
    }

    pub(super) fn check_thumbprint(&self, jkt: &str) -> Result<(), Rejection> {
        check_thumbprint(&self.thumbprint, jkt)
    }
}

fn check_type(header: &JoseHeader) -> Result<(), Rejection> {
    if header.typ.value().map(String::as_str) == Some("dpop+jwt") {
        return Ok(());
    }
    Err(Code::ProofMalformed.because("DPoP proof header typ must be dpop+jwt"))
}

fn check_algorithm(header: &JoseHeader, policy: &DpopPolicy) -> Result<Algorithm, Rejection> {
    let name = match &header.alg {
        Member::Absent => return Err(Code::ProofMalformed.because("DPoP proof header missing alg")),
        Member::Malformed => {
            return Err(Code::ProofMalformed.because("DPoP proof header alg must be a string"));
        }
        Member::Is(name) => name,
    };
    header
        .algorithm()
        .filter(|algorithm| policy.algorithms.contains(*algorithm))
        .ok_or_else(|| advice::algorithm_not_allowed(name, policy.algorithms, policy.as_oidc_spa))
}

fn check_key(header: &JoseHeader) -> Result<&Jwk, Rejection> {
    match &header.jwk {
        Member::Absent => Err(Code::ProofMalformed.because("DPoP proof header missing jwk")),
        Member::Malformed => Err(unusable_key(&"it is not a JSON object")),
        Member::Is(Err(error)) => Err(unusable_key(error)),
        Member::Is(Ok(jwk)) => Ok(jwk),
    }
}

/// Both values are public: the client can read the token's claim, and it has the key of the thumbprint.
fn check_thumbprint(thumbprint: &Thumbprint, jkt: &str) -> Result<(), Rejection> {
    if thumbprint.as_str() == jkt {
        return Ok(());
    }
    Err(Code::ProofKeyMismatch.because("DPoP jwk thumbprint does not match cnf.jkt claim"))
}

#[cold]
fn unusable_key(reason: &dyn std::fmt::Display) -> Rejection {
    Code::ProofMalformed.because(format!("Failed to calculate DPoP jwk thumbprint: {reason}"))
}
