//! Which claims an access token must have, and of which types (RFC 9068 section 2.2).
//!
//! In: claims, the policy, the expected audience.
//! Out: nothing, or a refusal that names the claim.
//! Never: a value's meaning; in the default profile, the type of a claim that the decision does not need.

use crate::jose::json::{Object, Value};
use crate::rejection::{Code, Rejection};

use super::recipient::Audience;
use super::{AccessTokenPolicy, Profile};

/// Which tokens must have a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Every access token, unless the options let it be absent.
    Always,
    /// Only a token by RFC 9068; common issuers leave the claim out.
    Rfc9068,
    /// None.
    Optional,
}

/// The type of a claim, and its name in messages.
struct Type {
    holds: fn(&Value<'_>) -> bool,
    name: &'static str,
}

const STRING: Type = Type { holds: is_string, name: "a string" };
const STRINGS: Type = Type { holds: is_string_or_strings, name: "a string or an array of strings" };
const NUMBER: Type = Type { holds: |value| matches!(value, Value::Number(_)), name: "a number" };
const OBJECT: Type = Type { holds: |value| matches!(value, Value::Object(_)), name: "an object" };

fn is_string(value: &Value<'_>) -> bool {
    matches!(value, Value::String(_))
}

fn is_string_or_strings(value: &Value<'_>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_string),
        value => is_string(value),
    }
}

/// The requirements for one claim.
struct Rule {
    name: &'static str,
    presence: Presence,
    /// Its type by RFC 9068 section 2.2.
    by_letter: Type,
    /// Its type in the default profile. `None`: the decision does not need the claim, so any type is allowed.
    by_default: Option<Type>,
}

const fn rule(name: &'static str, presence: Presence, by_letter: Type, by_default: Option<Type>) -> Rule {
    Rule { name, presence, by_letter, by_default }
}

const RULES: [Rule; 11] = [
    rule("iss", Presence::Always, STRING, Some(STRING)),
    rule("sub", Presence::Always, STRING, Some(STRING)),
    rule("aud", Presence::Always, STRINGS, Some(STRINGS)),
    rule("exp", Presence::Always, NUMBER, Some(NUMBER)),
    rule("iat", Presence::Always, NUMBER, Some(NUMBER)),
    rule("client_id", Presence::Rfc9068, STRING, None),
    rule("scope", Presence::Optional, STRING, Some(STRINGS)),
    rule("jti", Presence::Rfc9068, STRING, None),
    rule("nbf", Presence::Optional, NUMBER, Some(NUMBER)),
    rule("auth_time", Presence::Optional, NUMBER, None),
    rule("cnf", Presence::Optional, OBJECT, Some(OBJECT)),
];

pub(super) fn check(
    claims: &Object<'_>,
    policy: AccessTokenPolicy,
    audience: &Audience,
) -> Result<(), Rejection> {
    let profile = policy.profile;
    for Rule { name, presence, by_letter, by_default } in &RULES {
        let of_profile = if profile == Profile::Common { by_default.as_ref() } else { Some(by_letter) };
        let Some(expected) = of_profile else { continue };
        match (claims.get(name), presence) {
            (Some(value), _) if (expected.holds)(value) => {}
            (Some(value), _) => return Err(malformed(name, expected.name, value.kind())),
            (None, Presence::Always) if profile != Profile::Common => return Err(missing(name)),
            (None, Presence::Always) if !may_lack(name, policy, audience) => {
                return Err(missing_with_advice(name));
            }
            (None, Presence::Rfc9068) if profile == Profile::Rfc9068 => return Err(missing(name)),
            (None, _) => {}
        }
    }
    let subject = claims.get("sub").and_then(Value::as_str);
    if profile == Profile::Rfc9068 && subject == Some("") {
        return Err(malformed("sub", "a string with a character", "an empty string"));
    }
    Ok(())
}

fn may_lack(name: &str, policy: AccessTokenPolicy, audience: &Audience) -> bool {
    match name {
        "sub" => policy.optional_claims.sub,
        "iat" => policy.optional_claims.iat,
        "aud" => *audience == Audience::Unchecked,
        _ => false,
    }
}

// "does not satisfies" is what `oidc-spa/server` writes, whose sentences the drop-in keeps.
const REPORT: &str = "The decoded access token does not satisfies the shape mandated by RFC9068:";

#[cold]
fn missing(name: &str) -> Rejection {
    Code::ClaimMissing.because(format!("{REPORT} claim {name} is missing"))
}

/// The same, with the option that lets the claim be absent.
#[cold]
fn missing_with_advice(name: &str) -> Rejection {
    let advice = match name {
        "sub" | "iat" => format!(
            ". Configure the issuer to send it; if its tokens lack it by design, as those of machines may, write \
             `optionalClaims: [\"{name}\"]`"
        ),
        "aud" => ". Configure the issuer to send it; if its tokens have no audience by design, write `expectedClients` \
                  with the clients that may call this API, or `expectedAudience: false`"
            .to_owned(),
        _ => ". Configure the issuer to send it: nothing is accepted without it".to_owned(),
    };
    Code::ClaimMissing.because(format!("The access token lacks the claim {name}{advice}"))
}

#[cold]
fn malformed(name: &str, expected: &str, found: &str) -> Rejection {
    Code::ClaimMalformed.because(format!("{REPORT} claim {name} is expected to be {expected}, got {found}"))
}
