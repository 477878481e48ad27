//! When an access token is valid (RFC 7519 sections 4.1.4 to 4.1.6).
//!
//! In: claims, the policy, the time.
//! Out: a `Validity`, or a refusal.
//! Never: a clock.

use crate::explanation::Facts;
use crate::jose::json::{Object, Value};
use crate::rejection::{Code, ErrorCause, Rejection};
use crate::time::{Leeway, NumericDate, UnixTime, Validity};

use super::{AccessTokenPolicy, Profile};

/// How far ahead of this clock the `iat` of a token may lie: FAPI 2.0 Security Profile section 5.3.2.1.
const MAX_ISSUED_AHEAD: Leeway = match Leeway::from_secs(60) {
    Some(leeway) => leeway,
    None => Leeway::NONE,
};

/// Checks `iat`, `nbf` and `exp`, and returns the time in which the token is valid.
pub(super) fn check(
    claims: &Object<'_>,
    policy: AccessTokenPolicy,
    now: UnixTime,
) -> Result<Validity, Rejection> {
    let invalid = |rejection: Rejection| rejection.with_cause(ErrorCause::InvalidSignature);
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_number().and_then(NumericDate::from_json).map(Some).ok_or_else(|| {
            let sentence = format!("\"{name}\" claim must be a number");
            invalid(Code::ClaimMalformed.because(match policy.profile {
                Profile::OidcSpa => sentence,
                _ => format!("{sentence} of seconds since 1970; got {}", value.kind()),
            }))
        }),
    };
    let issued = date("iat")?;
    let not_before = date("nbf")?;
    if let Some(begin) = not_before.filter(|begin| begin.is_after(now, policy.not_before_leeway)) {
        return Err(not_yet_valid(begin, policy, now));
    }
    let expires = date("exp")?;
    if let Some(end) = expires.filter(|end| !end.is_still_ahead(now, policy.expiry_leeway)) {
        return Err(expired(end, policy, now));
    }
    let validity =
        Validity::ALWAYS.since(not_before, policy.not_before_leeway).before(expires, policy.expiry_leeway);
    if policy.profile == Profile::OidcSpa {
        return Ok(validity);
    }
    if let Some(issued) = issued.filter(|issued| issued.is_after(now, MAX_ISSUED_AHEAD)) {
        return Err(Code::TokenNotYetValid.because(format!(
            "\"iat\" claim lies in the future: it is {issued}, {} s ahead of this server's time, {}; more than a minute \
             is not accepted",
            issued.secs_apart(now),
            now.secs()
        ))
        .advising("Check both clocks"));
    }
    if expires.is_some_and(|expires| expires > NumericDate::LATEST_SENSIBLE) {
        let message = "\"exp\" claim lies beyond the year 9999; it is counted in seconds, and this looks like \
                       milliseconds";
        return Err(Code::ClaimMalformed.because(message));
    }
    if issued.zip(expires).is_some_and(|(issued, expires)| issued > expires) {
        return Err(Code::ClaimMalformed.because("\"iat\" claim lies after \"exp\""));
    }
    let validity = validity.since(issued, MAX_ISSUED_AHEAD);
    match policy.max_age_secs {
        None => Ok(validity),
        Some(max_age_secs) => young_enough(validity, issued, max_age_secs, policy, now),
    }
}

/// The times in a token, and the time of this server.
#[cold]
pub(super) fn facts(claims: &Object<'_>, policy: AccessTokenPolicy, now: UnixTime) -> Facts {
    let named = ["iat", "nbf", "exp"].into_iter().filter_map(|name| {
        let date = claims.get(name).and_then(Value::as_number).and_then(NumericDate::from_json)?;
        let side = if date.is_after(now, Leeway::NONE) { "ahead of" } else { "before" };
        Some(format!("{name} {date}, {} s {side} this server's time", date.secs_apart(now)))
    });
    let found = named.collect::<Vec<_>>().join("; ");
    let (expiry, not_before) = (policy.expiry_leeway.secs(), policy.not_before_leeway.secs());
    let age = policy.max_age_secs.map(|secs| format!(", iat at most {secs} s back")).unwrap_or_default();
    let expected = format!(
        "exp later than {now}, with {expiry} s of leeway; nbf not later, with {not_before} s of leeway{age}",
        now = now.secs()
    );
    Facts::new(expected, if found.is_empty() { "no times" } else { &found })
}

/// The part of a validity in which the token is not older than the policy allows.
fn young_enough(
    validity: Validity,
    issued: Option<NumericDate>,
    max_age_secs: u32,
    policy: AccessTokenPolicy,
    now: UnixTime,
) -> Result<Validity, Rejection> {
    let Some(issued) = issued else {
        let message =
            "The access token's age is not known: maxTokenAgeSeconds is set, and claim iat is missing";
        return Err(Code::ClaimMissing.because(message));
    };
    let last = issued.plus_secs(max_age_secs);
    if last.is_still_ahead(now, policy.expiry_leeway) {
        return Ok(validity.before(Some(last), policy.expiry_leeway));
    }
    let rejection = Code::TokenExpired.because(format!(
        "The access token is too old: \"iat\" claim is {issued}, {} s before this server's time, {}, and \
         maxTokenAgeSeconds is {max_age_secs}",
        issued.secs_apart(now),
        now.secs()
    ));
    Err(rejection.advising(A_NEW_ONE))
}

/// A token whose `exp` has passed. The drop-in keeps the sentence that its applications know.
#[cold]
pub(super) fn expired(expires: NumericDate, policy: AccessTokenPolicy, now: UnixTime) -> Rejection {
    if policy.profile == Profile::OidcSpa {
        return Code::TokenExpired.because("\"exp\" claim timestamp check failed");
    }
    let secs = expires.secs_apart(now);
    let rejection = Code::TokenExpired.because(format!(
        "The access token expired {secs} s ago: \"exp\" claim is {expires}, this server's time is {}",
        now.secs(),
    ));
    rejection.advising(if may_be_clocks(secs) { CLOCKS } else { A_NEW_ONE })
}

#[cold]
fn not_yet_valid(not_before: NumericDate, policy: AccessTokenPolicy, now: UnixTime) -> Rejection {
    if policy.profile == Profile::OidcSpa {
        return Code::TokenNotYetValid.because("\"nbf\" claim timestamp check failed");
    }
    let secs = not_before.secs_apart(now);
    let rejection = Code::TokenNotYetValid.because(format!(
        "The access token is not valid for another {secs} s: \"nbf\" claim is {not_before}, this server's time is {}",
        now.secs(),
    ));
    if may_be_clocks(secs) { rejection.advising(CLOCKS) } else { rejection }
}

const A_NEW_ONE: &str = "The client asks the issuer for a new one";
const CLOCKS: &str = "If the token is fresh, check both clocks; `leewaySeconds` allows for their difference";

/// Whether the distance is one that clocks may have.
fn may_be_clocks(secs: u64) -> bool {
    secs < u64::from(Leeway::MAX_SECS)
}
