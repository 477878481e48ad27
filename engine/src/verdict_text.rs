//! A verdict as it crosses the door: one JSON text. JavaScript parses it faster than Node-API can build a list.
//!
//! In: `Verdict`. Out: `VerdictText`. Never: an `if` about OAuth.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use oidc_spa_native::challenge::{Refusal, nonce_fields};
use oidc_spa_native::grant::{Grant, Repeatable};
use oidc_spa_native::resource_server::Verdict;
use oidc_spa_native::scheme::Scheme;

/// The text of a list that `ts/boundary/interface.ts` calls `VerdictText`. Its first member gives the meaning of the others:
///
/// - of a grant, twice the issuer's position, and one more for DPoP; then the fields of the response, an object, or null;
///   where the access token begins and ends in the `Authorization` field that crossed the door; from and until when the
///   same credentials are granted the same, in milliseconds, and with which number of the issuer's key set (an empty time
///   where each request is judged anew); the number of a token that was recalled, or zero; the claims, as they are in the
///   token, or null where JavaScript has the claims of this number already
/// - -1 of a refusal; then the fields of the response, an object; code, cause, status, message
/// - -2 of a failure of this library; then null and the message
pub type VerdictText = String;

const REFUSED: i32 = -1;
const FAILED: i32 = -2;

/// The most bytes that a grant's other members take, beside header fields and claims.
const NUMBERS_BYTES: usize = 160;

/// Writes the verdict. `known_token` is the number of a token whose claims JavaScript has already, or zero.
pub fn verdict_text(verdict: &Verdict, known_token: u64) -> VerdictText {
    match verdict {
        Ok(grant) => grant_text(grant, known_token),
        Err(refusal) => refusal_text(refusal),
    }
}

/// The members of a list in their order, and their names. [`crate::wire`] gives them to the test that compares
/// `ts/addon/verdict-text.ts` with this order.
macro_rules! list {
    ($name:ident { $($member:ident: $type:ty,)* }) => {
        /// A list of this order.
        pub struct $name<'t> {
            $($member: $type,)*
        }

        impl $name<'_> {
            /// The names of its members, in their order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($member)),*];

            fn write(&self, bytes: usize) -> VerdictText {
                let mut text = String::with_capacity(bytes);
                $(
                    text.push(if text.is_empty() { '[' } else { ',' });
                    self.$member.write(&mut text);
                )*
                text.push(']');
                text
            }
        }
    };
}

/// A member of a list, written as JSON.
trait Member {
    fn write(&self, text: &mut String);
}

/// A text that is already JSON.
struct Json<'t>(&'t str);

impl Member for Json<'_> {
    fn write(&self, text: &mut String) {
        text.push_str(self.0);
    }
}

impl Member for &str {
    fn write(&self, text: &mut String) {
        // Writing a text cannot fail.
        text.push_str(&serde_json::to_string(self).unwrap_or_default());
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Member for $number {
            fn write(&self, text: &mut String) {
                // Writing into a String cannot fail.
                let _ = write!(text, "{self}");
            }
        })*
    };
}

numbers!(usize, i64, u64, i32, u16);

list! {
    GrantTuple {
        tag: usize,
        headers: Json<'t>,
        token_begin: usize,
        token_end: usize,
        from: i64,
        until: i64,
        epoch: u64,
        number: u64,
        claims: Json<'t>,
    }
}

list! {
    RefusalTuple {
        tag: i32,
        headers: Json<'t>,
        code: &'t str,
        error_cause: &'t str,
        status: u16,
        debug_error_message: &'t str,
    }
}

list! {
    FailureTuple {
        tag: i32,
        headers: Json<'t>,
        message: &'t str,
    }
}

fn grant_text(grant: &Grant, known_token: u64) -> VerdictText {
    let fields = grant.dpop_nonce().map(|nonce| object(nonce_fields(nonce)));
    let headers = fields.as_deref().unwrap_or("null");
    let Range { start: token_begin, end: token_end } = grant.token();
    let (from, until, epoch) = grant.repeatable().map_or((0, 0, 0), span);
    let number = grant.recalled().unwrap_or(0);
    // The claims were read as one JSON object.
    let claims = if number > 0 && number == known_token { "null" } else { grant.claims() };
    let bytes = NUMBERS_BYTES + headers.len() + claims.len();
    let tag = 2 * grant.issuer() + usize::from(grant.scheme() == Scheme::DPoP);
    let (headers, claims) = (Json(headers), Json(claims));
    GrantTuple { tag, headers, token_begin, token_end, from, until, epoch, number, claims }.write(bytes)
}

/// Writes a refusal of the validator or of the application.
pub fn refusal_text(Refusal { rejection, challenge }: &Refusal) -> VerdictText {
    let list = RefusalTuple {
        tag: REFUSED,
        headers: Json(&object(challenge.fields())),
        code: rejection.code().row().name,
        error_cause: rejection.cause().name(),
        status: challenge.status,
        debug_error_message: rejection.message(),
    };
    list.write(NUMBERS_BYTES)
}

/// Writes that this library failed, so that there is no verdict.
pub fn failure_text(message: &str) -> VerdictText {
    FailureTuple { tag: FAILED, headers: Json("null"), message }.write(NUMBERS_BYTES)
}

/// The fields of a response, in their order.
fn object<'f>(fields: impl IntoIterator<Item = (&'static str, Cow<'f, str>)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        text.push(if text.is_empty() { '{' } else { ',' });
        name.write(&mut text);
        text.push(':');
        (&*value).write(&mut text);
    }
    // Without a field there was no brace.
    if text.is_empty() { "{}".to_owned() } else { text + "}" }
}

fn span(Repeatable { validity, key_set }: Repeatable) -> (i64, i64, u64) {
    let millis = |secs: i64| secs.saturating_mul(1000);
    (millis(validity.from().secs()), millis(validity.until().secs()), key_set)
}
