//! The checks of one DPoP proof, as RFC 9449 section 4.3 lists them.
//!
//! In: the proof, the access token's digest and confirmation, the request's method and URI, this server's nonces, the
//! time. Out: `Proof`, which is made only after every check has passed; `ProofKey`, to be kept for the client's next
//! proof. Never: an issuer's keys, the memory of proofs seen before.

use std::fmt;
use std::sync::Arc;

use crate::credentials::proof_repeated;
use crate::crypto::sha256;
use crate::explanation::{Check, Explaining, Facts, Watch};
use crate::jose::base64url_encode;
use crate::jose::json::{Object, Value};
use crate::jose::jws::{CompactJws, JoseHeader, VerifiedJws};
use crate::rejection::{Code, Rejection, Shown};
use crate::time::{Leeway, NumericDate, UnixTime};

use super::advice;
use super::nonce::{Given, NonceMode, Nonces};
use super::policy::DpopPolicy;
use super::proof_key::ProofKey;
use super::replay::ProofRecord;
use super::target::{ExpectedTarget, check_method, check_uri};
use super::window::{Lies, ProofWindow};

/// Bytes of a `jti` that are accepted.
const MAX_JTI_BYTES: usize = 256;

/// The SHA-256 digest of an access token's text: a proof's `ath` is its base64url (RFC 9449 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of this token.
    pub fn of(access_token: &str) -> Self {
        Self(sha256(access_token.as_bytes()))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

/// The rules for the checks of a proof.
pub(crate) struct ProofRules<'a> {
    pub policy: &'a DpopPolicy,
    /// This server's nonces, if it gives any.
    pub nonces: Option<&'a Nonces>,
    /// Finds the key of an earlier good proof with exactly the same header under the same policy.
    pub known_key: &'a dyn Fn(&str) -> Option<Arc<ProofKey>>,
}

/// A DPoP proof that passed every check except replay.
#[derive(Debug)]
pub struct Proof {
    record: ProofRecord,
    /// Its key under its header, if it was not known before.
    new_key: Option<(String, Arc<ProofKey>)>,
    /// It holds the nonce that this server gives now.
    has_current_nonce: bool,
}

impl Proof {
    /// The checks. The numbers are those of RFC 9449 section 4.3. A refusal has advice, unless the policy uses the
    /// sentences of `oidc-spa/server`.
    pub(crate) fn validate(
        proof: &str,
        access_token: TokenDigest,
        jkt: &str,
        target: &ExpectedTarget<'_>,
        rules: &ProofRules<'_>,
        now: UnixTime,
        watch: &mut impl Watch,
    ) -> Result<Self, Rejection> {
        let ProofRules { policy, nonces, known_key } = rules;
        let advised = |rejection| advice::advised(rejection, policy.as_oidc_spa);
        watch.check(Check::ProofForm, check_bounds(proof, policy).map_err(advised))?;
        let header = header_of(proof);
        let known = header.and_then(known_key);
        let unknown_header = header.filter(|_| known.is_none());
        let key = match known {
            Some(key) => {
                let bound = key.check_thumbprint(jkt).map_err(advised);
                watch.check(Check::ProofBinding, bound)?;
                key
            }
            None => Arc::new(ProofKey::parse(proof, jkt, policy, watch)?),
        };
        // 6. Its signature.
        let jws = CompactJws::parse(proof, key.header()).map_err(|error| advised(advice::malformed(&error)));
        let jws = watch.check(Check::ProofForm, jws)?;
        let payload = jws.payload();
        let verified = payload.verify(key.key(), key.algorithm()).ok_or_else(not_signed).map_err(advised);
        let verified = watch.check(Check::ProofSignature, verified)?;
        let claims =
            verified.and_then(VerifiedJws::claims).map_err(|error| advised(advice::malformed(&error)));
        let claims = watch.check(Check::ProofForm, claims)?;
        let (Fresh { issued, has_current_nonce }, jti) =
            check_claims(claims, access_token, target, policy, *nonces, now, watch)?;
        let record = ProofRecord::new(jkt, jti, issued);
        let new_key = unknown_header.map(|header| (header.to_owned(), key));
        Ok(Self { record, new_key, has_current_nonce })
    }

    /// The checks of the claims without a verified signature, for an explanation, which goes on after a failure.
    pub(crate) fn explain_unverified(
        proof: &str,
        access_token: TokenDigest,
        target: &ExpectedTarget<'_>,
        policy: &DpopPolicy,
        nonces: Option<&Nonces>,
        now: UnixTime,
        watch: &mut Explaining,
    ) {
        let jws = JoseHeader::decode(proof).and_then(|header| CompactJws::parse(proof, &header));
        let Ok(jws) = jws else { return };
        if let Some(claims) = jws.payload().hint().unverified() {
            // The outcome is noted, and the result is dropped.
            let _ = check_claims(claims, access_token, target, policy, nonces, now, watch);
        }
    }

    /// Whether the client holds the nonce that this server gives now.
    pub(crate) const fn has_current_nonce(&self) -> bool {
        self.has_current_nonce
    }

    /// The record of the proof, which must be remembered so that it is accepted only once; and its key under its
    /// header, if that was not known.
    pub(crate) fn into_parts(self) -> (ProofRecord, Option<(String, Arc<ProofKey>)>) {
        (self.record, self.new_key)
    }
}

/// The header part of a proof; `None` if it does not have three parts.
fn header_of(proof: &str) -> Option<&str> {
    let (header, rest) = proof.split_once('.')?;
    (rest.bytes().filter(|byte| *byte == b'.').count() == 1).then_some(header)
}

/// One proof, of a bounded length.
fn check_bounds(proof: &str, policy: &DpopPolicy) -> Result<(), Rejection> {
    // 1. A field with several proofs is malformed.
    if proof.contains(',') {
        return Err(proof_repeated());
    }
    // 2. One well-formed JWT.
    if proof.len() > policy.max_bytes {
        let message = format!("The DPoP proof is longer than {} bytes", policy.max_bytes);
        return Err(Code::ProofMalformed.because(message));
    }
    Ok(())
}

#[cold]
fn not_signed() -> Rejection {
    Code::ProofSignatureInvalid
        .because("DPoP proof signature/structure invalid: signature verification failed")
}

/// The checks of a proof's claims. The caller decides whether a signature must cover them.
fn check_claims<'c>(
    claims: &'c Object<'_>,
    access_token: TokenDigest,
    target: &ExpectedTarget<'_>,
    policy: &DpopPolicy,
    nonces: Option<&Nonces>,
    now: UnixTime,
    watch: &mut impl Watch,
) -> Result<(Fresh, &'c str), Rejection> {
    let advised = |rejection| advice::advised(rejection, policy.as_oidc_spa);
    // 10. and 11. Made within the window, by its own time or by this server's nonce; and within its own `exp` and `nbf`
    // where it has them.
    let fresh = check_validity(claims, policy, now).and_then(|()| check_fresh(claims, policy, nonces, now));
    let never = || Fresh { issued: now, has_current_nonce: false };
    let fresh = watch.go_on(Check::ProofTimes, fresh.map_err(advised), never)?;
    watch.facts(Check::ProofTimes, || {
        let window = if nonces.is_some() { policy.nonce_window } else { policy.window };
        advice::times(claims, window, nonces.is_some(), now)
    });
    // 8. The request's method.
    let method = check_method(claims, target.method, policy).map_err(advised);
    watch.go_on(Check::ProofMethod, method, || ())?;
    watch.facts(Check::ProofMethod, || {
        Facts::new(Shown(target.method.unwrap_or("nothing")), advice::shown(claims.get("htm")))
    });
    // 9. The request's URI.
    watch.go_on(Check::ProofUri, check_uri(claims, target.uri.as_ref()).map_err(advised), || ())?;
    watch.facts(Check::ProofUri, || {
        let expected = target.uri.as_ref().map_or("nothing", |expected| &*expected.shown);
        Facts::new(Shown(expected), advice::shown(claims.get("htu")))
    });
    // 12a. The access token.
    watch.go_on(Check::ProofToken, check_access_token(claims, access_token).map_err(advised), || ())?;
    // 3. The other required claims.
    let jti = watch.go_on(Check::ProofIdentifier, check_identifier(claims).map_err(advised), || "")?;
    Ok((fresh, jti))
}

fn number(claims: &Object<'_>, name: &str) -> Result<Option<NumericDate>, Rejection> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_number().and_then(NumericDate::from_json) {
            Some(date) => Ok(Some(date)),
            None => Err(advice::malformed(&format_args!("\"{name}\" claim must be a number"))),
        },
    }
}

fn check_validity(claims: &Object<'_>, policy: &DpopPolicy, now: UnixTime) -> Result<(), Rejection> {
    let outside = |code, name, date| Err(advice::outside_validity(code, name, date, policy.as_oidc_spa, now));
    number(claims, "iat")?;
    let not_before = number(claims, "nbf")?.filter(|not_before| not_before.is_after(now, Leeway::NONE));
    if let Some(not_before) = not_before {
        return outside(Code::ProofNotYetValid, "nbf", not_before);
    }
    match number(claims, "exp")?.filter(|expires| !expires.is_still_ahead(now, Leeway::NONE)) {
        Some(expires) => outside(Code::ProofStale, "exp", expires),
        None => Ok(()),
    }
}

/// The `iat` of the proof, and whether it holds the current nonce.
struct Fresh {
    /// The first whole second that is not before its `iat`.
    issued: UnixTime,
    has_current_nonce: bool,
}

/// A proof is remembered by its `iat`, which is the same for every validator, whether it looks at nonces or not. So with
/// a good nonce the client's clock may be wrong (RFC 9449 section 11.1), but within a bound.
fn check_fresh(
    claims: &Object<'_>,
    policy: &DpopPolicy,
    nonces: Option<&Nonces>,
    now: UnixTime,
) -> Result<Fresh, Rejection> {
    let needed = |message: &'static str| Code::ProofNonceRequired.because(message);
    let issued = || number(claims, "iat")?.ok_or_else(missing_issued);
    let fresh = |issued: NumericDate, has_current_nonce| Fresh { issued: issued.ceil(), has_current_nonce };
    let Some(nonces) = nonces else {
        let issued = issued()?;
        return check_issued(issued, policy.window, policy, now).map(|()| fresh(issued, false));
    };
    match claims.get("nonce") {
        Some(Value::String(nonce)) => {
            let issued = issued()?;
            let unknown = "DPoP proof nonce is not one that this server gave lately";
            let given = nonces.given(nonce, now, policy.window.ahead()).ok_or_else(|| needed(unknown))?;
            check_issued(issued, policy.nonce_window, policy, now)?;
            Ok(fresh(issued, given == Given::Lately))
        }
        Some(_) => Err(Code::ProofMalformed.because("DPoP proof nonce must be a string")),
        None if nonces.mode() == NonceMode::Required => Err(needed("DPoP proof missing nonce claim")),
        None => {
            let issued = issued()?;
            // With a nonce it could be accepted, unless the clock is wrong by more than the nonce's window allows.
            check_issued(issued, policy.window, policy, now)
                .map_err(|rejection| match policy.nonce_window.place(issued, now) {
                    Lies::Within => {
                        needed("DPoP proof is not fresh by its iat; with a nonce of this server it can be")
                    }
                    Lies::Before | Lies::After => rejection,
                })
                .map(|()| fresh(issued, false))
        }
    }
}

#[cold]
fn missing_issued() -> Rejection {
    Code::ProofMalformed.because("DPoP proof missing or invalid iat claim")
}

fn check_issued(
    issued: NumericDate,
    window: ProofWindow,
    policy: &DpopPolicy,
    now: UnixTime,
) -> Result<(), Rejection> {
    match window.place(issued, now) {
        Lies::Within => Ok(()),
        Lies::After => Err(advice::dated_ahead(issued, window, policy.as_oidc_spa, now)),
        Lies::Before => Err(advice::too_old(issued, window, policy.as_oidc_spa, now)),
    }
}

fn check_access_token(claims: &Object<'_>, access_token: TokenDigest) -> Result<(), Rejection> {
    let Some(ath) = claims.get("ath").and_then(Value::as_str) else {
        return Err(Code::ProofMalformed.because("DPoP proof missing ath claim"));
    };
    if ath == base64url_encode(&access_token.0) {
        return Ok(());
    }
    Err(Code::ProofTokenMismatch.because("DPoP proof ath claim does not match access token"))
}

fn check_identifier<'c>(claims: &'c Object<'_>) -> Result<&'c str, Rejection> {
    match claims.get("jti") {
        None => Err(Code::ProofMalformed.because("DPoP proof missing jti claim")),
        Some(Value::String(jti)) if !jti.is_empty() && jti.len() <= MAX_JTI_BYTES => Ok(jti),
        Some(_) => {
            let message = format!("DPoP proof jti must be a string of 1 to {MAX_JTI_BYTES} bytes");
            Err(Code::ProofMalformed.because(message))
        }
    }
}
