//! An access token's text to a verified JWS: which kind, which key, whose signature (RFC 9068 section 4, RFC 8725).
//!
//! In: the token, the policy, an issuer's keys.
//! Out: `SignedToken`, then a `VerifiedJws`.
//! May use: jose, keys, rejection, time.
//! Never: a claim of a token that is not verified, other than to choose where to look.

use crate::jose::algorithm::{Algorithm, AlgorithmSet};
use crate::jose::jws::{CompactJws, JoseHeader, JwsError, Member, VerifiedJws};
use crate::keys::issuer_directory::IssuerDirectory;
use crate::keys::jwk_set::{Candidate, Candidates, JwkSet};
use crate::keys::metadata::Issuer;
use crate::rejection::{Code, ErrorCause, Rejection, Shown};
use crate::time::{NumericDate, UnixTime};

use super::{AccessTokenPolicy, kind, times};

/// A token that is well formed, of the right kind and of a known algorithm. Its signature is not verified.
#[derive(Debug)]
pub(crate) struct SignedToken<'a> {
    header: JoseHeader,
    algorithm: Algorithm,
    jws: CompactJws<'a>,
}

/// A JWS whose signature is good, and when the key that says so ends.
pub(crate) struct VerifiedByKey {
    pub(crate) jws: VerifiedJws,
    pub(crate) expires: Option<NumericDate>,
}

/// Why a signature was not verified.
#[derive(Debug)]
pub(crate) enum KeyTrouble {
    /// Whatever keys the issuer may publish.
    Final(Rejection),
    /// With these keys; newer ones may verify it.
    Outdated(Rejection),
}

impl<'a> SignedToken<'a> {
    /// Takes a token apart and checks what its header says.
    pub(crate) fn parse(
        token: &'a str,
        policy: AccessTokenPolicy,
        max_bytes: usize,
    ) -> Result<Self, Rejection> {
        if token.len() > max_bytes {
            return Err(kind::too_long(token.len(), max_bytes, policy));
        }
        let header = JoseHeader::decode(token).map_err(|error| kind::unreadable(token, &error, policy))?;
        kind::check_signed(token, &header, policy)?;
        check_key_id(&header, policy)?;
        let Some(name) = header.alg.value() else {
            let message = "The decoded JWT header does not specify an algorithm";
            return Err(Code::TokenMalformed.because(message));
        };
        let algorithm = header.algorithm().ok_or_else(|| kind::unknown_algorithm(name, policy))?;
        policy.check_type(&header)?;
        let jws = CompactJws::parse(token, &header).map_err(|error| malformed(&error))?;
        Ok(Self { header, algorithm, jws })
    }

    /// Whether the issuer may sign with the token's algorithm.
    pub(crate) fn check_algorithm(
        &self,
        allowed: AlgorithmSet,
        policy: AccessTokenPolicy,
    ) -> Result<(), Rejection> {
        let name = self.algorithm.name();
        if allowed.contains(self.algorithm) { Ok(()) } else { Err(kind::algorithm_not_allowed(name, policy)) }
    }

    /// Verifies the signature with the keys that an issuer has now.
    pub(crate) fn verify(
        &self,
        set: &JwkSet,
        policy: AccessTokenPolicy,
        now: UnixTime,
    ) -> Result<VerifiedByKey, KeyTrouble> {
        let kid = self.key_id();
        let keys = match set.candidates(kid, self.algorithm, now) {
            Candidates::Keys(keys) => keys,
            Candidates::Unknown => {
                let kid = Shown(kid.unwrap_or("(none)"));
                let message = format!("No public signing key found with kid {kid}");
                return Err(KeyTrouble::Outdated(Code::KeyUnknown.because(message)));
            }
            Candidates::NoneFits => {
                let message = "no applicable key found in the JSON Web Key Set";
                return Err(KeyTrouble::Outdated(Code::SignatureInvalid.because(message)));
            }
        };
        if policy.needs_one_named_key() && keys.len() > 1 {
            let message = "multiple matching keys found in the JSON Web Key Set";
            return Err(KeyTrouble::Final(Code::SignatureInvalid.because(message)));
        }
        let verified = keys.into_iter().find_map(|Candidate { key, expires }| {
            let jws = self.jws.verify(key, self.algorithm)?;
            Some(jws.map(|jws| VerifiedByKey { jws, expires }))
        });
        match verified {
            Some(Ok(verified)) => Ok(verified),
            Some(Err(error)) => Err(KeyTrouble::Final(malformed(&error))),
            None => Err(KeyTrouble::Outdated(kind::not_signed(&self.header, policy))),
        }
    }

    /// The key that the token names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.kid.value().map(String::as_str)
    }

    /// The issuer that the token names, by its position among these.
    pub(crate) fn choose_issuer(&self, issuers: &IssuerDirectory) -> Result<usize, Rejection> {
        let named = self.jws.hint().issuer.unwrap_or_default();
        issuers.position(&named).ok_or_else(|| {
            let message =
                format!("iss claim in access token payload \"{}\" is of no accepted issuer", Shown(&named));
            Code::IssuerMismatch.because(message)
        })
    }

    /// Refuses a token that says of itself that it is expired, before a key is fetched for it.
    pub(crate) fn check_expiry(&self, policy: AccessTokenPolicy, now: UnixTime) -> Result<(), Rejection> {
        let says_when = self.jws.hint().expires;
        match says_when.and_then(NumericDate::from_json) {
            Some(expires) if policy.is_hopeless(says_when, now) => Err(times::expired(expires, policy, now)),
            _ => Ok(()),
        }
    }

    /// Whether newer keys could make this token pass. One that says of itself that it is expired or another
    /// issuer's is refused in any case, and not worth a request to the issuer.
    pub(crate) fn may_pass_later(&self, issuer: &Issuer, policy: AccessTokenPolicy, now: UnixTime) -> bool {
        let hint = self.jws.hint();
        hint.issuer.is_some_and(|named| issuer.may_have_issued(&named))
            && !policy.is_hopeless(hint.expires, now)
    }
}

/// A `kid` is a string (RFC 7515 section 4.1.4), and where the policy needs one, it says something.
fn check_key_id(header: &JoseHeader, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    let needed = policy.needs_one_named_key();
    match &header.kid {
        Member::Is(kid) if !(needed && kid.is_empty()) => Ok(()),
        Member::Absent if !needed => Ok(()),
        Member::Malformed if !needed => {
            Err(Code::TokenMalformed.because("The kid of the JWT header must be a string"))
        }
        _ => Err(Code::KeyUnknown.because("The decoded JWT header does not have a kid property")),
    }
}

#[cold]
fn malformed(error: &JwsError) -> Rejection {
    let rejection = Code::TokenMalformed.because(format!("Invalid access token: {error}"));
    rejection.with_cause(ErrorCause::InvalidSignature)
}
