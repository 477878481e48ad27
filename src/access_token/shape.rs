//! Which claims an access token must have, and of which types (RFC 9068 section 2.2).
//!
//! In: claims, the policy, the expected audience.
//! Out: nothing, or a refusal that names the claim.
//! Never: a value's meaning; in the default profile, the type of a claim that the decision does not need.

use std::borrow::Cow;

use crate::jose::json::{Object, Value};
use crate::rejection::{Code, Rejection, Shown};

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
            (Some(value), _) => return Err(malformed(name, expected.name, value.kind(), profile)),
            (None, Presence::Always) if profile != Profile::Common || !may_lack(name, policy, audience) => {
                return Err(missing(name, claims, profile));
            }
            (None, Presence::Rfc9068) if profile == Profile::Rfc9068 => {
                return Err(missing(name, claims, profile));
            }
            (None, _) => {}
        }
    }
    let subject = claims.get("sub").and_then(Value::as_str);
    if profile == Profile::Rfc9068 && subject == Some("") {
        return Err(malformed("sub", "a string with a character", "an empty string", profile));
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
fn missing(name: &str, claims: &Object<'_>, profile: Profile) -> Rejection {
    let advice: Cow<'_, str> = match (profile, name) {
        (Profile::OidcSpa, _) => {
            return Code::ClaimMissing.because(format!("{REPORT} claim {name} is missing"));
        }
        (Profile::Rfc9068, _) => {
            "Configure the issuer to send it: RFC 9068 section 2.2 asks for it, and `profile` is \"rfc9068\"".into()
        }
        (Profile::Common, "sub" | "iat") => format!(
            "Configure the issuer to send it; if its tokens lack it by design, as those of machines may, write \
             `optionalClaims: [\"{name}\"]`"
        )
        .into(),
        (Profile::Common, "aud") => no_audience(claims),
        (Profile::Common, _) => "Configure the issuer to send it: nothing is accepted without it".into(),
    };
    Code::ClaimMissing.because(format!("The access token lacks the claim {name}")).advising(&advice)
}

/// The advice for a token without `aud`. It depends on the claim that the issuer writes instead.
#[cold]
fn no_audience(claims: &Object<'_>) -> Cow<'static, str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let of_design = match (text("token_use"), text("client_id"), text("azp"), text("sid")) {
        (Some("access"), Some(client), ..) => Some(("Amazon Cognito", client)),
        (_, _, Some(origin), Some(session)) if session.starts_with("sess_") => Some(("Clerk", origin)),
        _ => None,
    };
    match of_design {
        Some((issuer, client)) => format!(
            "{issuer} writes none by design: write the clients that may call this API, such as this token's, \
             `expectedClients: [\"{}\"]`, in the place of `expectedAudience`",
            Shown(client)
        )
        .into(),
        None => "Configure the issuer to send it; if its tokens have no audience by design, write `expectedClients` with the \
                 clients that may call this API, or `expectedAudience: false`"
            .into(),
    }
}

#[cold]
fn malformed(name: &str, expected: &str, found: &str, profile: Profile) -> Rejection {
    let advice = match profile {
        Profile::OidcSpa => {
            let message = format!("{REPORT} claim {name} is expected to be {expected}, got {found}");
            return Code::ClaimMalformed.because(message);
        }
        Profile::Common => "Configure the issuer to send it so: what it means decides who gets in",
        Profile::Rfc9068 => {
            "Configure the issuer to send it so: RFC 9068 section 2.2 asks for it, and `profile` is \"rfc9068\""
        }
    };
    let message = format!("The claim {name} of the access token is expected to be {expected}, got {found}");
    Code::ClaimMalformed.because(message).advising(advice)
}
