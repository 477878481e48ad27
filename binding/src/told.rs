//! A verdict as it crosses the door: a list, since an object's members cost more than what they hold.
//!
//! In: `Verdict`. Out: `Told`. May use: host. Never: an `if` about OAuth.

use oidc_spa_native::credentials::Scheme;
use oidc_spa_native_host::{Repeatable, Verdict};

/// What `ts/native.ts` calls `Told`, by position:
///
/// - of a grant, twice the issuer's position, and one more for DPoP; -1 of a refusal, -2 of a failure of this library
/// - the claims' JSON text; a failure's message; of a refusal a line each: code, cause, status, `Retry-After` and
///   `WWW-Authenticate` or nothing, and what is left is the message
/// - `DPoP-Nonce`
/// - where the access token begins and ends in the `Authorization` field that crossed the door
/// - from and until when the same credentials are granted the same, in milliseconds, under which number of the issuer's
///   keys; an empty time where each request is judged anew
pub type Told = (i32, String, Option<String>, u32, u32, f64, f64, f64);

const REFUSED: i32 = -1;
const FAILED: i32 = -2;

/// The verdict, on a token that ends there in the field that it came in.
pub fn tell(verdict: Verdict, token_end: usize) -> Told {
    let (grant, repeatable) = match verdict {
        Verdict::Granted(grant, repeatable) => (grant, repeatable),
        Verdict::Refused(rejection, challenge) => {
            let refusal = format!(
                "{}\n{}\n{}\n{}\n{}\n{}",
                rejection.code().row().name,
                rejection.cause().name(),
                challenge.status,
                challenge.retry_after.map(|seconds| seconds.to_string()).unwrap_or_default(),
                challenge.www_authenticate.unwrap_or_default(),
                rejection.message(),
            );
            return (REFUSED, refusal, challenge.dpop_nonce, 0, 0, 0.0, 0.0, 0.0);
        }
    };
    let token_begin = token_end.saturating_sub(grant.access_token.len());
    let tag =
        i32::try_from(grant.issuer * 2).unwrap_or(i32::MAX - 1) + i32::from(grant.scheme == Scheme::DPoP);
    let (from, until, epoch) = repeatable.map_or((0.0, 0.0, 0.0), span);
    (tag, grant.claims, grant.dpop_nonce, offset(token_begin), offset(token_end), from, until, epoch)
}

/// A verdict that there is none.
pub fn fail(message: &str) -> Told {
    (FAILED, message.to_owned(), None, 0, 0, 0.0, 0.0, 0.0)
}

fn span(Repeatable { validity, keys_epoch }: Repeatable) -> (f64, f64, f64) {
    let millis = |secs: i64| secs as f64 * 1000.0;
    (millis(validity.from().secs()), millis(validity.until().secs()), keys_epoch as f64)
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
