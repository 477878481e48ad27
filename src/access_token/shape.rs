//! Which claims an access token must have, and of which types (RFC 9068 section 2.2).
//!
//! In: claims, the policy, the expected audience.
//! Out: nothing, or a refusal that names the claim.
//! Never: a value's meaning; in the default profile, the type of a claim that nothing here decides by.

use crate::jose::json::{Object, Value};
use crate::rejection::{Code, Rejection};

use super::recipient::Audience;
use super::{AccessTokenPolicy, Profile};

/// What is asked of one claim.
struct Rule {
    name: &'static str,
    is_required: bool,
    is_of_type: fn(&Value<'_>) -> bool,
    expected: &'static str,
}

const STRING: &str = "a string";
const NUMBER: &str = "a number";
const STRINGS: &str = "a string or an array of strings";

fn is_string(value: &Value<'_>) -> bool {
    matches!(value, Value::String(_))
}

fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Number(_))
}

fn is_object(value: &Value<'_>) -> bool {
    matches!(value, Value::Object(_))
}

fn is_string_or_strings(value: &Value<'_>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_string),
        value => is_string(value),
    }
}

const fn required(name: &'static str, is_of_type: fn(&Value<'_>) -> bool, expected: &'static str) -> Rule {
    Rule { name, is_required: true, is_of_type, expected }
}

const fn optional(name: &'static str, is_of_type: fn(&Value<'_>) -> bool, expected: &'static str) -> Rule {
    Rule { name, is_required: false, is_of_type, expected }
}

/// The types of RFC 9068 section 2.2, and the claims that every access token has.
const BY_LETTER: [Rule; 11] = [
    required("iss", is_string, STRING),
    required("sub", is_string, STRING),
    required("aud", is_string_or_strings, STRINGS),
    required("exp", is_number, NUMBER),
    required("iat", is_number, NUMBER),
    optional("client_id", is_string, STRING),
    optional("scope", is_string, STRING),
    optional("jti", is_string, STRING),
    optional("nbf", is_number, NUMBER),
    optional("auth_time", is_number, NUMBER),
    optional("cnf", is_object, "an object"),
];

/// What is decided by: here, or by the application's requirements. Others may be of any type.
const DECIDED_BY: [Rule; 8] = [
    required("iss", is_string, STRING),
    required("sub", is_string, STRING),
    required("aud", is_string_or_strings, STRINGS),
    required("exp", is_number, NUMBER),
    required("iat", is_number, NUMBER),
    optional("scope", is_string_or_strings, STRINGS),
    optional("nbf", is_number, NUMBER),
    optional("cnf", is_object, "an object"),
];

pub(super) fn check(
    claims: &Object<'_>,
    policy: AccessTokenPolicy,
    audience: &Audience,
) -> Result<(), Rejection> {
    let is_common = policy.profile == Profile::Common;
    let rules: &[Rule] = if is_common { &DECIDED_BY } else { &BY_LETTER };
    for Rule { name, is_required, is_of_type, expected } in rules {
        match claims.get(name) {
            Some(value) if is_of_type(value) => {}
            Some(value) => return Err(malformed(name, expected, value.kind())),
            None if *is_required && !(is_common && may_lack(name, policy, audience)) => {
                return Err(if is_common { missing_with_advice(name) } else { missing(name) });
            }
            None => {}
        }
    }
    match policy.profile {
        Profile::Rfc9068 => check_rfc9068(claims),
        Profile::Common | Profile::OidcSpa => Ok(()),
    }
}

fn may_lack(name: &str, policy: AccessTokenPolicy, audience: &Audience) -> bool {
    match name {
        "sub" => policy.optional_claims.sub,
        "iat" => policy.optional_claims.iat,
        "aud" => *audience == Audience::Unchecked,
        _ => false,
    }
}

/// The claims that RFC 9068 section 2.2 asks for beyond what common issuers send.
fn check_rfc9068(claims: &Object<'_>) -> Result<(), Rejection> {
    match ["client_id", "jti"].into_iter().find(|name| !claims.has(name)) {
        Some(name) => Err(missing(name)),
        None if claims.get("sub").and_then(Value::as_str) == Some("") => {
            Err(malformed("sub", "a string with a character", "an empty string"))
        }
        None => Ok(()),
    }
}

// "does not satisfies" is what `oidc-spa/server` writes, whose sentences the drop-in keeps.
const REPORT: &str = "The decoded access token does not satisfies the shape mandated by RFC9068:";

#[cold]
fn missing(name: &str) -> Rejection {
    Code::ClaimMissing.because(format!("{REPORT} claim {name} is missing"))
}

/// The same for an application whose options can change it.
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
