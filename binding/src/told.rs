//! A verdict as it crosses the door: one JSON text, which JavaScript reads faster than it is handed a list.
//!
//! In: `Verdict`. Out: `Told`. May use: host, serde_json. Never: an `if` about OAuth.

use std::fmt::Write;
use std::ops::Range;

use oidc_spa_native::credentials::Scheme;
use oidc_spa_native_host::{Repeatable, Verdict};
use serde_json::json;

/// The text of a list that `ts/addon/native.ts` calls `Told`. Its first member says what the others are:
///
/// - of a grant, twice the issuer's position, and one more for DPoP; then `DPoP-Nonce` or null; where the access token
///   begins and ends in the `Authorization` field that crossed the door; from and until when the same credentials are
///   granted the same, in milliseconds, and under which number of the issuer's keys (an empty time where each request
///   is judged anew); the number of a token that was recalled, or zero; the claims, as they are in the token, or null
///   where whoever asked has those of this number
/// - -1 of a refusal; then `DPoP-Nonce` or null, code, cause, status, `Retry-After` or null, `WWW-Authenticate` or
///   null, message
/// - -2 of a failure of this library; then null and the message
pub type Told = String;

const REFUSED: i32 = -1;
const FAILED: i32 = -2;

/// What a grant tells beside nonce and claims, at most, in bytes.
const NUMBERS_BYTES: usize = 160;

/// The verdict, for whoever was told the claims of the token with this number, or zero.
pub fn tell(verdict: Verdict, known: u64) -> Told {
    let (grant, repeatable) = match verdict {
        Verdict::Granted(grant, repeatable) => (grant, repeatable),
        Verdict::Refused(rejection, challenge) => {
            return json!([
                REFUSED,
                challenge.dpop_nonce,
                rejection.code().row().name,
                rejection.cause().name(),
                challenge.status,
                challenge.retry_after.map(|seconds| seconds.to_string()),
                challenge.www_authenticate,
                rejection.message(),
            ])
            .to_string();
        }
    };
    let tag = 2 * grant.issuer + usize::from(grant.scheme == Scheme::DPoP);
    let nonce =
        grant.dpop_nonce.as_deref().map_or_else(|| "null".to_owned(), |nonce| json!(nonce).to_string());
    let Range { start: token_begin, end: token_end } = grant.token;
    let (from, until, epoch) = repeatable.map_or((0, 0, 0), span);
    let number = grant.recalled.unwrap_or(0);
    let claims = if number > 0 && number == known { "null" } else { grant.claims() };
    let mut told = String::with_capacity(NUMBERS_BYTES + nonce.len() + claims.len());
    // Into a String, this cannot fail. The claims were read as one JSON object.
    let _ =
        write!(told, "[{tag},{nonce},{token_begin},{token_end},{from},{until},{epoch},{number},{claims}]");
    told
}

/// A verdict that there is none.
pub fn fail(message: &str) -> Told {
    json!([FAILED, null, message]).to_string()
}

fn span(Repeatable { validity, keys_epoch }: Repeatable) -> (i64, i64, u64) {
    let millis = |secs: i64| secs.saturating_mul(1000);
    (millis(validity.from().secs()), millis(validity.until().secs()), keys_epoch)
}
