//! One DPoP proof, checked as RFC 9449 section 4.3 lists it.
//!
//! In: the proof, the access token's digest and confirmation, what the request was, this server's nonces, the time.
//! Out: `Proof`, which only a proof that passes every check becomes; `ProofKey`, to be kept for the client's next one.
//! Never: an issuer's keys, the memory of proofs seen before.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::credentials::proof_repeated;
use crate::crypto::sha256;
use crate::explanation::{Check, Explaining, Facts, Watch};
use crate::jose::algorithm::{Algorithm, AlgorithmSet};
use crate::jose::base64url_encode;
use crate::jose::json::{Object, Value};
use crate::jose::jwk::{Jwk, Thumbprint};
use crate::jose::jws::{CompactJws, JoseHeader, Member, VerifiedJws};
use crate::jose::verification_key::VerificationKey;
use crate::rejection::{Code, Rejection, Shown};
use crate::request::{ProxyTrust, RequestHead, TargetUri};
use crate::time::{Leeway, NumericDate, UnixTime};

use super::advice;
use super::nonce::{Given, NonceMode, Nonces};
use super::replay::ProofRecord;
use super::window::{Lies, ProofWindow};

/// Bytes of a `jti` that are accepted.
const MAX_JTI_BYTES: usize = 256;

/// The rules for DPoP proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DpopPolicy {
    /// Algorithms that a proof may be signed with.
    pub algorithms: AlgorithmSet,
    /// Where a proof's `iat` must lie.
    pub window: ProofWindow,
    /// Where it must lie, if the proof holds a good nonce of this server: its clock may be wrong, but not by any time.
    pub nonce_window: ProofWindow,
    /// Bytes of a proof.
    pub max_bytes: usize,
    /// As `oidc-spa/server` does it: `htm` is compared without regard to case, though methods are case-sensitive (RFC 9110
    /// section 9.1), and a refusal says what that library says and no more.
    pub as_oidc_spa: bool,
}

/// What the proof must be for.
#[derive(Clone, Debug)]
pub struct ExpectedTarget<'a> {
    /// The request's method; `None`: the application expects none, and the proof must not name one either.
    pub method: Option<&'a str>,
    /// The request's URI; `None`: the application expects none.
    pub uri: Option<ExpectedUri<'a>>,
}

/// The URI that a proof must name.
#[derive(Clone, Debug)]
pub struct ExpectedUri<'a> {
    /// The URI; `None` where the application's text is none.
    pub uri: Option<TargetUri>,
    /// How a message shows it.
    pub shown: Cow<'a, str>,
    /// Which option helps where a proxy stands between, for the message.
    pub advice: Option<&'static str>,
}

impl<'a> ExpectedTarget<'a> {
    /// The target of a request: its method, and the URI that the client saw.
    pub(crate) fn of_request(head: RequestHead<'a>, trust: &ProxyTrust) -> Result<Self, Rejection> {
        let uri = head.target_uri(trust)?;
        let shown = Cow::Owned(uri.to_string());
        let uri = ExpectedUri { uri: Some(uri), shown, advice: trust.advice() };
        Ok(Self { method: Some(head.method), uri: Some(uri) })
    }

    /// The target that an application names itself.
    pub fn of_application(method: Option<&'a str>, uri: Option<&'a str>) -> Self {
        let uri = uri.map(|text| ExpectedUri {
            uri: TargetUri::parse(text),
            shown: Cow::Borrowed(text),
            advice: None,
        });
        Self { method, uri }
    }
}

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

/// What the header of a client's proofs says, which is the same in each of them: its key, parsed once.
#[derive(Debug)]
pub struct ProofKey {
    header: JoseHeader,
    algorithm: Algorithm,
    thumbprint: Thumbprint,
    key: VerificationKey,
}

/// The rules that a proof is held against.
pub(crate) struct ProofRules<'a> {
    pub policy: &'a DpopPolicy,
    /// This server's nonces, if it gives any.
    pub nonces: Option<&'a Nonces>,
    /// Finds a key that a good proof with the very same header brought along under the same policy.
    pub known_key: &'a dyn Fn(&str) -> Option<Arc<ProofKey>>,
}

/// A DPoP proof that passed every check but that of replay.
#[derive(Debug)]
pub struct Proof {
    record: ProofRecord,
    /// Its key under its header, where that was not known before.
    new_key: Option<(String, Arc<ProofKey>)>,
    /// It holds the nonce that this server gives now.
    has_current_nonce: bool,
}

impl Proof {
    /// The checks. The numbers are those of RFC 9449 section 4.3. A refusal says what to do about it, unless it is to say
    /// what `oidc-spa/server` says.
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
                let bound = check_thumbprint(&key.thumbprint, jkt).map_err(advised);
                watch.check(Check::ProofBinding, bound)?;
                key
            }
            None => Arc::new(ProofKey::parse(proof, jkt, policy, watch)?),
        };
        // 6. Its signature.
        let jws = CompactJws::parse(proof, &key.header).map_err(|error| advised(structure(&error)));
        let jws = watch.check(Check::ProofForm, jws)?;
        let payload = jws.payload();
        let verified = payload.verify(&key.key, key.algorithm).ok_or_else(not_signed).map_err(advised);
        let verified = watch.check(Check::ProofSignature, verified)?;
        let claims = verified.and_then(VerifiedJws::claims).map_err(|error| advised(structure(&error)));
        let claims = watch.check(Check::ProofForm, claims)?;
        let (Fresh { issued, has_current_nonce }, jti) =
            check_claims(claims, access_token, target, policy, *nonces, now, watch)?;
        let record = ProofRecord::new(jkt, jti, issued);
        let new_key = unknown_header.map(|header| (header.to_owned(), key));
        Ok(Self { record, new_key, has_current_nonce })
    }

    /// The checks of what a proof says, though no signature vouches for it: for an explanation, which goes on.
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
            // What it says is noted; nothing is made of it.
            let _ = check_claims(claims, access_token, target, policy, nonces, now, watch);
        }
    }

    /// Whether the client holds the nonce that this server gives now.
    pub const fn has_current_nonce(&self) -> bool {
        self.has_current_nonce
    }

    /// What is to be remembered of the proof, so that it is accepted once; and its key under its header, if that was not
    /// known.
    pub fn into_parts(self) -> (ProofRecord, Option<(String, Arc<ProofKey>)>) {
        (self.record, self.new_key)
    }
}

/// The part of a proof that holds its header; `None` where it has not three parts.
fn header_of(proof: &str) -> Option<&str> {
    let (header, rest) = proof.split_once('.')?;
    (rest.bytes().filter(|byte| *byte == b'.').count() == 1).then_some(header)
}

impl ProofKey {
    fn parse(proof: &str, jkt: &str, policy: &DpopPolicy, watch: &mut impl Watch) -> Result<Self, Rejection> {
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
        // 7. A public key, with no private member; 12b. the one that the token is bound to.
        let jwk = watch.check(Check::ProofKey, check_key(&header).map_err(advised))?;
        let thumbprint = jwk.thumbprint();
        let bound = check_thumbprint(&thumbprint, jkt).map_err(advised);
        watch.go_on(Check::ProofBinding, bound, || ())?;
        watch.facts(Check::ProofBinding, || Facts::new(Shown(jkt), thumbprint.as_str()));
        let key = VerificationKey::for_algorithm(jwk, algorithm);
        let key = watch.check(Check::ProofKey, key.map_err(|error| advised(structure(&error))))?;
        Ok(Self { header, algorithm, thumbprint, key })
    }
}

fn check_type(header: &JoseHeader) -> Result<(), Rejection> {
    if header.typ.value().map(String::as_str) == Some("dpop+jwt") {
        return Ok(());
    }
    Err(Code::ProofMalformed.because("DPoP proof header typ must be dpop+jwt"))
}

/// One proof, of a bounded length.
fn check_bounds(proof: &str, policy: &DpopPolicy) -> Result<(), Rejection> {
    // 1. A field that holds several proofs holds none that is well formed.
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

/// The checks of a proof's claims. Whether a signature vouches for them is the caller's affair.
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
    // 3. What is left of the required claims.
    let jti = watch.go_on(Check::ProofIdentifier, check_identifier(claims).map_err(advised), || "")?;
    Ok((fresh, jti))
}

fn structure(error: &dyn std::fmt::Display) -> Rejection {
    Code::ProofMalformed.because(format!("DPoP proof signature/structure invalid: {error}"))
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

/// Both sides are public: the token's claim is the client's to read, and the thumbprint is of its own key.
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

fn number(claims: &Object<'_>, name: &str) -> Result<Option<NumericDate>, Rejection> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_number().and_then(NumericDate::from_json) {
            Some(date) => Ok(Some(date)),
            None => Err(structure(&format_args!("\"{name}\" claim must be a number"))),
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

/// When the proof was made, by its own word, and whether it holds the nonce of now.
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
            // With a nonce it could be fresh, unless the clock is wrong by more than that allows.
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

fn check_method(claims: &Object<'_>, expected: Option<&str>, policy: &DpopPolicy) -> Result<(), Rejection> {
    let htm = claims.get("htm");
    let matches = match (htm, expected) {
        (None, None) => true,
        (Some(Value::String(htm)), Some(method)) => {
            htm == method || (policy.as_oidc_spa && htm.eq_ignore_ascii_case(method))
        }
        _ => false,
    };
    if matches {
        return Ok(());
    }
    Err(advice::another_method(htm, expected))
}

fn check_uri(claims: &Object<'_>, expected: Option<&ExpectedUri<'_>>) -> Result<(), Rejection> {
    let htu = claims.get("htu");
    let matches = match (htu, expected) {
        (None, None) => true,
        (Some(Value::String(htu)), Some(ExpectedUri { uri: Some(uri), .. })) => {
            TargetUri::parse(htu).is_some_and(|htu| htu == *uri)
        }
        _ => false,
    };
    if matches {
        return Ok(());
    }
    let advice = expected.and_then(|expected| {
        let named = htu.and_then(Value::as_str).and_then(TargetUri::parse)?;
        expected.advice.filter(|_| expected.uri.as_ref().is_some_and(|uri| uri.may_be_behind(&named)))
    });
    Err(advice::another_uri(htu, expected.map(|expected| &*expected.shown), advice))
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
