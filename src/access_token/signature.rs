//! An access token's text to a verified JWS: its kind, its key, its signature (RFC 9068 section 4, RFC 8725).
//!
//! In: the token, the policy, an issuer's keys.
//! Out: `TokenParts`, `SignedToken`, then a `VerifiedJws`.
//! Never: a claim of an unverified token, except to choose the issuer and its keys.

use crate::explanation::{Check, Facts, Reason, Watch};
use crate::jose::algorithm::{Algorithm, AlgorithmSet};
use crate::jose::json::{Object, Value};
use crate::jose::jws::{CompactJws, JoseHeader, JwsError, MAX_KID_CHARS, Member, Payload, VerifiedJws};
use crate::keys::issuer::Issuer;
use crate::keys::issuer_directory::IssuerDirectory;
use crate::keys::issuer_name::{Comparison, IssuerName};
use crate::keys::jwk_set::{Candidate, Candidates, JwkSet, MAX_CANDIDATES, Sought};
use crate::rejection::{Code, ErrorCause, Rejection, Shown};
use crate::time::{NumericDate, UnixTime};

use super::{AccessTokenPolicy, Audience, Profile, kind, times};

/// A token that is well formed, of the right kind and of a known algorithm. Its signature is not verified.
#[derive(Debug)]
pub(crate) struct TokenParts<'a> {
    header: JoseHeader,
    algorithm: Algorithm,
    jws: CompactJws<'a>,
}

/// The same, with the hints of its payload.
#[derive(Debug)]
pub(crate) struct SignedToken<'t> {
    header: &'t JoseHeader,
    algorithm: Algorithm,
    payload: Payload<'t>,
}

/// A JWS whose signature is good, and the end of the key that verified it.
pub(crate) struct VerifiedByKey<'p, 'j> {
    pub(crate) jws: VerifiedJws<'p, 'j>,
    pub(crate) expires: Option<NumericDate>,
}

/// Why a signature was not verified.
#[derive(Debug)]
pub(crate) enum KeyTrouble {
    /// It cannot be verified by any key that the issuer may publish.
    Final(Rejection),
    /// These keys do not verify it; newer keys may.
    Outdated(Rejection),
}

impl Reason for KeyTrouble {
    fn rejection(&self) -> &Rejection {
        let (Self::Final(rejection) | Self::Outdated(rejection)) = self;
        rejection
    }
}

/// Keys of the issuer that a message names.
const MAX_SHOWN_KEYS: usize = 8;

const NOT_ALL_SETS: &str = ", and not all key sets of the issuer are there";

/// Whether a token is not too long.
pub(crate) const fn fits(token: &str, max_bytes: usize) -> bool {
    token.len() <= max_bytes
}

impl<'a> TokenParts<'a> {
    /// Takes a token apart and checks what its header says.
    pub(crate) fn parse(
        token: &'a str,
        policy: AccessTokenPolicy,
        max_bytes: usize,
        watch: &mut impl Watch,
    ) -> Result<Self, Rejection> {
        let header = watch.check(Check::TokenForm, Self::header(token, policy, max_bytes))?;
        let algorithm = watch.check(Check::TokenAlgorithm, Self::algorithm(&header, policy))?;
        watch.facts(Check::TokenAlgorithm, || {
            Facts::new("an asymmetric algorithm", header.alg.value().map_or("nothing", String::as_str))
        });
        watch.go_on(Check::TokenType, policy.check_type(&header), || ())?;
        watch.facts(Check::TokenType, || {
            let expected = match policy.profile {
                Profile::Rfc9068 => "at+jwt",
                _ => "at+jwt, JWT or nothing",
            };
            Facts::new(expected, header.typ.value().map_or("nothing", String::as_str))
        });
        let jws = CompactJws::parse(token, &header).map_err(|error| malformed(&error));
        let jws = watch.check(Check::TokenForm, jws)?;
        Ok(Self { header, algorithm, jws })
    }

    fn header(token: &str, policy: AccessTokenPolicy, max_bytes: usize) -> Result<JoseHeader, Rejection> {
        if !fits(token, max_bytes) {
            return Err(kind::too_long(token.len(), max_bytes, policy));
        }
        let header = JoseHeader::decode(token).map_err(|error| kind::unreadable(token, &error, policy))?;
        kind::check_signed(&header, policy)?;
        check_key_id(&header, policy)?;
        Ok(header)
    }

    fn algorithm(header: &JoseHeader, policy: AccessTokenPolicy) -> Result<Algorithm, Rejection> {
        let Some(name) = header.alg.value() else {
            let message = "The decoded JWT header does not specify an algorithm";
            return Err(Code::TokenMalformed.because(message));
        };
        header.algorithm().ok_or_else(|| kind::unknown_algorithm(name, policy))
    }

    /// The token, to be read and verified.
    pub(crate) fn signed(&self) -> SignedToken<'_> {
        let Self { header, algorithm, jws } = self;
        SignedToken { header, algorithm: *algorithm, payload: jws.payload() }
    }
}

impl<'t> SignedToken<'t> {
    /// Whether the issuer may sign with the token's algorithm.
    pub(crate) fn check_algorithm(
        &self,
        allowed: AlgorithmSet,
        policy: AccessTokenPolicy,
    ) -> Result<(), Rejection> {
        let name = self.algorithm.name();
        if allowed.contains(self.algorithm) {
            Ok(())
        } else {
            Err(kind::algorithm_not_allowed(name, allowed, policy))
        }
    }

    /// Verifies the signature with the keys that an issuer has now.
    pub(crate) fn verify(
        &self,
        set: &JwkSet,
        policy: AccessTokenPolicy,
        now: UnixTime,
    ) -> Result<VerifiedByKey<'_, 't>, KeyTrouble> {
        let sought = self.sought(policy);
        let (tried, left_out) = match set.candidates(&sought, now) {
            Candidates::Keys { tried, left_out } => (tried, left_out),
            Candidates::Unknown => return Err(self.unknown_key(set, &sought, now)),
            Candidates::NoneFits => {
                let message = "no applicable key found in the JSON Web Key Set";
                return Err(KeyTrouble::Outdated(match why_skipped(set, &sought, now) {
                    Some(reason) => Code::SignatureInvalid.because(format!("{message}: {reason}")),
                    None => Code::SignatureInvalid.because(message),
                }));
            }
        };
        if policy.needs_one_named_key() && tried.len() > 1 {
            let message = "multiple matching keys found in the JSON Web Key Set";
            return Err(KeyTrouble::Final(Code::SignatureInvalid.because(message)));
        }
        let mut foreign = None;
        for Candidate { key, expires, issuer, .. } in tried {
            let Some(jws) = self.payload.verify(key, self.algorithm) else { continue };
            let jws = jws.map_err(|error| KeyTrouble::Final(malformed(&error)))?;
            match issuer {
                Some(bound) if !is_issued_by(jws, bound)? => foreign = Some(bound),
                _ => return Ok(VerifiedByKey { jws, expires }),
            }
        }
        Err(KeyTrouble::Outdated(match foreign {
            Some(bound) => of_another_issuer(bound),
            None if set.may_lack(&sought) => {
                Code::KeysUnavailable.because("signature verification failed".to_owned() + NOT_ALL_SETS)
            }
            None if left_out == 0 => kind::not_signed(self.header, policy),
            None => not_all_tried(left_out),
        }))
    }

    /// Algorithm and key of the token, as an explanation shows them.
    pub(crate) fn facts(&self, set: &JwkSet) -> Facts {
        let mut keys: Vec<_> =
            set.usable().map(|(kid, _)| kid.unwrap_or("(no kid)")).take(MAX_SHOWN_KEYS + 1).collect();
        if keys.len() > MAX_SHOWN_KEYS {
            keys.truncate(MAX_SHOWN_KEYS);
            keys.push("…");
        }
        let named = self.key_id().unwrap_or("(none)");
        Facts::new(
            Shown(&format!("a signature by one of the issuer's keys: {}", keys.join(", "))),
            format_args!("algorithm {}, kid {named}", self.algorithm.name()),
        )
    }

    /// The unverified claims. An explanation shows them; no decision uses them.
    pub(crate) fn unverified_claims(&self) -> Option<&Object<'t>> {
        self.payload.hint().unverified()
    }

    /// The members of the header that name the key.
    fn sought(&self, policy: AccessTokenPolicy) -> Sought<'_> {
        Sought {
            kid: self.key_id(),
            x5t: self.header.x5t.value().map(String::as_str),
            x5t_s256: self.header.x5t_s256.value().map(String::as_str),
            algorithm: self.algorithm,
            by_kid_alone: policy.needs_one_named_key(),
        }
    }

    #[cold]
    fn unknown_key(&self, set: &JwkSet, sought: &Sought<'_>, now: UnixTime) -> KeyTrouble {
        let kid = Shown(self.key_id().unwrap_or("(none)"));
        let message = format!("No public signing key found with kid {kid}");
        KeyTrouble::Outdated(if set.may_lack(sought) {
            Code::KeysUnavailable.because(message + NOT_ALL_SETS)
        } else {
            // A key that is skipped is published: then nothing but the reason helps.
            Code::KeyUnknown.because(match why_skipped(set, sought, now) {
                Some(reason) => format!("{message}: {reason}"),
                None => self.with_published(message, set, sought),
            })
        })
    }

    /// A message, with the keys that the issuer has. The drop-in has the sentence without the keys.
    #[cold]
    fn with_published(&self, message: String, set: &JwkSet, sought: &Sought<'_>) -> String {
        if sought.by_kid_alone {
            return message;
        }
        let shown =
            |kid: Option<&str>| kid.map_or("one without kid".to_owned(), |kid| format!("\"{}\"", Shown(kid)));
        let mut published: Vec<_> =
            set.usable().map(|(kid, _)| shown(kid)).take(MAX_SHOWN_KEYS + 1).collect();
        if published.len() > MAX_SHOWN_KEYS {
            published.truncate(MAX_SHOWN_KEYS);
            published.push("…".to_owned());
        }
        let published = published.join(", ");
        let issuer = self.payload.hint().issuer().unwrap_or_default();
        format!(
            "{message}; the issuer's keys are {published}. The token, which names the issuer \"{}\", is of another environment, \
             or its key is not published yet",
            Shown(issuer)
        )
    }

    /// The key that the token names.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.header.kid.value().map(String::as_str)
    }

    /// The issuer that the token names, if the name is valid for an issuer.
    pub(crate) fn named_issuer(&self) -> Option<&str> {
        self.payload.hint().issuer().filter(|name| IssuerName::is_one(name))
    }

    /// The issuer that the token names, by its position among these.
    pub(crate) fn choose_issuer(&self, issuers: &IssuerDirectory) -> Result<usize, Rejection> {
        let named = self.payload.hint().issuer().unwrap_or_default();
        issuers.position(named).ok_or_else(|| {
            let message =
                format!("iss claim in access token payload \"{}\" is of no accepted issuer", Shown(named));
            let advice = "If it is an issuer of yours, let `issuers` name it";
            Code::IssuerMismatch.because(message).advising(advice)
        })
    }

    /// Refuses a token whose unverified `exp` has passed, before a key is fetched for it.
    pub(crate) fn check_expiry(&self, policy: AccessTokenPolicy, now: UnixTime) -> Result<(), Rejection> {
        let says_when = self.payload.hint().expires();
        match says_when.and_then(NumericDate::from_json) {
            Some(expires) if policy.is_hopeless(says_when, now) => Err(times::expired(expires, policy, now)),
            _ => Ok(()),
        }
    }

    /// Whether newer keys could make this token pass. A token whose own claims say that it is expired or of another
    /// issuer is refused in any case, so no request to the issuer is made for it.
    pub(crate) fn may_pass_later(&self, issuer: &Issuer, policy: AccessTokenPolicy, now: UnixTime) -> bool {
        let hint = self.payload.hint();
        hint.issuer().is_some_and(|named| issuer.may_have_issued(named))
            && !policy.is_hopeless(hint.expires(), now)
    }

    /// Whether the unverified claims would pass with the right key. Such tokens get keys before others.
    pub(crate) fn claims_to_pass(
        &self,
        issuer: &Issuer,
        audience: &Audience,
        policy: AccessTokenPolicy,
        now: UnixTime,
    ) -> bool {
        self.may_pass_later(issuer, policy, now) && audience.is_met_by(self.payload.hint().audiences())
    }
}

/// A `kid` is a string (RFC 7515 section 4.1.4), and it is not empty if the policy needs one.
fn check_key_id(header: &JoseHeader, policy: AccessTokenPolicy) -> Result<(), Rejection> {
    let needed = policy.needs_one_named_key();
    match &header.kid {
        Member::Is(kid) if !(needed && kid.is_empty()) => Ok(()),
        Member::Absent if !needed => Ok(()),
        Member::Malformed if !needed => {
            let message =
                format!("The kid of the JWT header must be a string of up to {MAX_KID_CHARS} bytes");
            Err(Code::TokenMalformed.because(message))
        }
        _ => Err(Code::KeyUnknown.because("The decoded JWT header does not have a kid property")),
    }
}

/// Whether a token names the issuer that its key is limited to (the member `issuer` of Entra ID's JWKs).
fn is_issued_by(jws: VerifiedJws<'_, '_>, bound: &IssuerName) -> Result<bool, KeyTrouble> {
    let claims = jws.claims().map_err(|error| KeyTrouble::Final(malformed(&error)))?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    Ok(claim("iss").is_some_and(|iss| bound.names(iss, claim("tid"), Comparison::SlashAside)))
}

#[cold]
fn of_another_issuer(bound: &IssuerName) -> Rejection {
    Code::IssuerMismatch.because(format!(
        "The key that signed the access token is for tokens of the issuer \"{}\" alone, as the `issuer` of its JWK says",
        Shown(bound.as_str())
    ))
}

#[cold]
fn not_all_tried(left_out: usize) -> Rejection {
    Code::SignatureInvalid.because(format!(
        "signature verification failed with the {MAX_CANDIDATES} keys that are tried for one token; {left_out} more fit it and \
         were not tried: let the issuer write a kid into its keys and tokens, or configure fewer keys"
    ))
}

/// Why the key that a token names is skipped, and what to do. The drop-in says neither.
#[cold]
fn why_skipped(set: &JwkSet, sought: &Sought<'_>, now: UnixTime) -> Option<String> {
    let reason = set.why_none(sought, now).filter(|_| !sought.by_kid_alone)?;
    Some(format!("{reason}. Have the issuer sign with a key that is not"))
}

#[cold]
fn malformed(error: &JwsError) -> Rejection {
    let rejection = Code::TokenMalformed.because(format!("Invalid access token: {error}"));
    rejection.with_cause(ErrorCause::InvalidSignature)
}
