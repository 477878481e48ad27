//! The options for the checks of an access token.
//!
//! In: the members of the options, and of one issuer's.
//! Out: `AccessTokenPolicy`, `Audience`, `Clients`, `RequiredBinding`.
//! Never: a default that accepts every audience.

use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients, OptionalClaims, Profile};
use oidc_spa_native::jose::json::Value;
use oidc_spa_native::presentation::RequiredBinding;
use oidc_spa_native::time::Leeway;

use super::reader::Reader;
use crate::options_error::{Found, OptionsError};

/// Default of how far ahead `nbf` may lie: issuers round it up, and their clocks differ from this server's.
const NOT_BEFORE_LEEWAY: Leeway = match Leeway::from_secs(10) {
    Some(leeway) => leeway,
    None => Leeway::NONE,
};

pub(super) fn access_token_policy(
    options: &Reader<'_>,
    drop_in: bool,
) -> Result<AccessTokenPolicy, OptionsError> {
    let leeway = options.leeway("leewaySeconds", 0, Leeway::MAX_SECS)?;
    let is_default = !options.object.has("leewaySeconds") && !drop_in;
    let policy = AccessTokenPolicy {
        profile: profile(options, drop_in)?,
        accept_id_tokens: options.boolean("acceptIdTokens", false)?,
        expiry_leeway: leeway,
        not_before_leeway: if is_default { NOT_BEFORE_LEEWAY } else { leeway },
        optional_claims: optional_claims(options)?,
        max_age_secs: max_age_secs(options)?,
    };
    if policy.profile == Profile::Rfc9068 {
        if policy.accept_id_tokens {
            let rule = "cannot be true with profile \"rfc9068\", which refuses ID tokens";
            return Err(options.conflict("acceptIdTokens", rule));
        }
        if options.object.has("optionalClaims") {
            let rule =
                "cannot stand beside profile \"rfc9068\", which asks for every claim of RFC 9068 section 2.2";
            return Err(options.conflict("optionalClaims", rule).hint("leave one of the two out"));
        }
    }
    Ok(policy)
}

fn profile(options: &Reader<'_>, drop_in: bool) -> Result<Profile, OptionsError> {
    Ok(match options.one_of("profile", &["default", "rfc9068"])? {
        _ if drop_in => Profile::OidcSpa,
        Some("rfc9068") => Profile::Rfc9068,
        _ => Profile::Common,
    })
}

fn optional_claims(options: &Reader<'_>) -> Result<OptionalClaims, OptionsError> {
    let name = "optionalClaims";
    let mut optional = OptionalClaims::default();
    let Some(value) = options.object.get(name) else { return Ok(optional) };
    let expected = "a list of one or more of \"sub\" and \"iat\"";
    let items = value.as_array().filter(|items| !items.is_empty());
    for item in items.ok_or_else(|| options.unexpected(name, expected))? {
        let advice = match item.as_str() {
            Some("sub") => {
                optional.sub = true;
                continue;
            }
            Some("iat") => {
                optional.iat = true;
                continue;
            }
            Some("aud") => {
                "\"aud\" may be lacking where `expectedAudience` is `false` or left out beside `expectedClients`"
            }
            Some("exp" | "iss") => "without it no token is accepted",
            _ => "every other claim may be lacking anyway",
        };
        return Err(OptionsError::expected(name, expected).found(Found::value(item)).hint(advice));
    }
    Ok(optional)
}

fn max_age_secs(options: &Reader<'_>) -> Result<Option<u32>, OptionsError> {
    let name = "maxTokenAgeSeconds";
    if !options.object.has(name) {
        return Ok(None);
    }
    let secs = options.integer(name, 0, 1, 31_536_000)?;
    if optional_claims(options)?.iat {
        let rule = "cannot stand beside \"iat\" in `optionalClaims`: without it nobody knows a token's age";
        return Err(options.conflict(name, rule));
    }
    Ok(u32::try_from(secs).ok())
}

/// The binding that every token must have.
pub(super) fn binding(options: &Reader<'_>) -> Result<RequiredBinding, OptionsError> {
    let is_required = |name: &str| Ok(options.one_of(name, &["allowed", "required"])? == Some("required"));
    Ok(RequiredBinding { certificate: is_required("certificate")?, any: is_required("senderConstrained")? })
}

/// The expected audience and clients of an issuer's tokens. At least one of them must be written.
pub(super) fn recipient(options: &Reader<'_>) -> Result<(Audience, Clients), OptionsError> {
    let clients = clients(options)?;
    Ok((audience(options, clients != Clients::Any)?, clients))
}

fn audience(options: &Reader<'_>, has_clients: bool) -> Result<Audience, OptionsError> {
    let expected = "the value of this API in the tokens' `aud` claim, such as \"https://api.example.com\", a list of \
                    which one is enough, or `false` to accept tokens that are meant for other APIs too; where tokens have \
                    no `aud`, write `expectedClients`";
    let is_alone = options.one_of("audienceMode", &["any", "only"])? == Some("only");
    let names = match options.object.get("expectedAudience") {
        Some(Value::Bool(false)) => Some(None),
        None if has_clients => Some(None),
        _ => names(options, "expectedAudience").map(Some),
    };
    match names {
        Some(None) if options.object.has("audienceMode") => {
            Err(options.conflict("audienceMode", "is of no use without expectedAudience"))
        }
        Some(None) => Ok(Audience::Unchecked),
        Some(Some(names)) if is_alone => Ok(Audience::Only(names)),
        Some(Some(names)) => Ok(Audience::AnyOf(names)),
        None => Err(options.unexpected_in("expectedAudience", expected, is_name)),
    }
}

fn clients(options: &Reader<'_>) -> Result<Clients, OptionsError> {
    let expected = "the client that may call this API, as in the tokens' `client_id`, `azp`, `cid` or `appid` claim, or a \
                    list of such clients; none of them empty";
    match options.object.get("expectedClients") {
        None => Ok(Clients::Any),
        Some(_) => {
            let names = names(options, "expectedClients");
            names
                .map(Clients::OneOf)
                .ok_or_else(|| options.unexpected_in("expectedClients", expected, is_name))
        }
    }
}

fn is_name(item: &Value<'_>) -> bool {
    item.as_str().is_some_and(|name| !name.is_empty())
}

/// One name, or a list of names. No name is empty.
fn names(options: &Reader<'_>, name: &str) -> Option<Vec<String>> {
    let names: Option<Vec<String>> = match options.object.get(name)? {
        Value::String(name) => Some(vec![name.clone().into_owned()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    names.filter(|names| !names.is_empty() && names.iter().all(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Internals, Options};
    use crate::surroundings::AnyProcess;

    fn parse(members: &str) -> Result<Options, String> {
        let text = format!(r#"{{"issuerUri":"https://as.example",{members}}}"#);
        Options::parse(&text, Internals::default(), &AnyProcess).map_err(|error| error.to_string())
    }

    fn error(members: &str) -> String {
        parse(members).err().unwrap_or_default()
    }

    fn recipient_of(members: &str) -> Option<(Audience, Clients)> {
        let issuers = parse(members).ok()?.policy.issuers;
        issuers.into_iter().next().map(|accepted| (accepted.audience, accepted.clients))
    }

    #[test]
    fn the_audience_or_the_clients_are_written() {
        let (a, b) = (|| vec!["a".to_owned()], || vec!["b".to_owned(), "c".to_owned()]);
        for (members, audience, clients) in [
            (r#""expectedAudience":"a""#, Audience::AnyOf(a()), Clients::Any),
            (r#""expectedAudience":"a","audienceMode":"any""#, Audience::AnyOf(a()), Clients::Any),
            (r#""expectedAudience":["b","c"],"audienceMode":"only""#, Audience::Only(b()), Clients::Any),
            (r#""expectedAudience":false"#, Audience::Unchecked, Clients::Any),
            (r#""expectedAudience":false,"expectedClients":"a""#, Audience::Unchecked, Clients::OneOf(a())),
            (r#""expectedClients":["b","c"]"#, Audience::Unchecked, Clients::OneOf(b())),
            (
                r#""expectedAudience":"a","expectedClients":["b","c"]"#,
                Audience::AnyOf(a()),
                Clients::OneOf(b()),
            ),
        ] {
            assert_eq!(recipient_of(members), Some((audience, clients)), "{members}");
        }
    }

    #[test]
    fn what_accepts_anybody_by_mistake_is_refused() {
        for (members, expected) in [
            (r#""algorithms":["ES256"]"#, "expectedAudience: expected the value of this API"),
            (r#""expectedClients":[]"#, "expectedClients: expected the client that may call this API"),
            (r#""expectedClients":"""#, "expectedClients: expected"),
            (r#""expectedClients":["web",""]"#, "expectedClients[1]: is \"\"; the option takes"),
            (r#""expectedClients":["web",1]"#, "expectedClients[1]: is 1; the option takes"),
            (r#""expectedClients":false"#, "expectedClients: expected"),
            (r#""expectedClients":null"#, "expectedClients: expected"),
            (r#""expectedAudience":"a","expectedClients":[]"#, "expectedClients: expected"),
            (r#""expectedAudience":null,"expectedClients":"web""#, "expectedAudience: expected"),
            (r#""expectedAudience":"","expectedClients":"web""#, "expectedAudience: expected"),
            (r#""expectedAudience":true,"expectedClients":"web""#, "expectedAudience: expected"),
            (
                r#""expectedAudience":"a","audienceMode":"all""#,
                "audienceMode: expected \"any\" or \"only\"; got",
            ),
            (
                r#""expectedAudience":"a","audienceMode":true"#,
                "audienceMode: expected \"any\" or \"only\"; got true",
            ),
            (r#""expectedAudience":false,"audienceMode":"only""#, "audienceMode: is of no use"),
            (r#""expectedClients":"web","audienceMode":"any""#, "audienceMode: is of no use"),
        ] {
            assert!(error(members).starts_with(expected), "{members}: {}", error(members));
        }
        let several = r#"{"issuers":[{"issuerUri":"https://a.example","expectedClients":[]}]}"#;
        let message = Options::parse(several, Internals::default(), &AnyProcess)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(message.starts_with("issuers[0].expectedClients: expected"), "{message}");
    }

    #[test]
    fn claims_that_may_be_lacking_have_names() {
        let optional = |list: &str| {
            let options = parse(&format!(r#""expectedAudience":"a","optionalClaims":{list}"#))?;
            Ok::<_, String>(options.policy.access_token.optional_claims)
        };
        assert_eq!(optional(r#"["sub"]"#), Ok(OptionalClaims { sub: true, iat: false }));
        assert_eq!(optional(r#"["iat","sub"]"#), Ok(OptionalClaims { sub: true, iat: true }));
        for (list, part) in [
            ("[]", "a list of one or more"),
            (r#""sub""#, "a list of one or more"),
            ("[1]", "got 1"),
            (r#"["exp"]"#, "got \"exp\"; without it no token is accepted"),
            (r#"["sub","iss"]"#, "got \"iss\"; without it"),
            (r#"["aud"]"#, "`expectedAudience` is `false`"),
            (r#"["jti"]"#, "may be lacking anyway"),
        ] {
            let message = optional(list).err().unwrap_or_default();
            assert!(message.starts_with("optionalClaims: ") && message.contains(part), "{list}: {message}");
        }
        let beside = r#""expectedAudience":"a","optionalClaims":["sub"],"profile":"rfc9068""#;
        assert!(
            error(beside).starts_with("optionalClaims: cannot stand beside profile"),
            "{}",
            error(beside)
        );
        let ageless = r#""expectedAudience":"a","optionalClaims":["iat"],"maxTokenAgeSeconds":60"#;
        assert!(error(ageless).starts_with("maxTokenAgeSeconds: cannot stand"), "{}", error(ageless));
        let zero = r#""expectedAudience":"a","maxTokenAgeSeconds":0"#;
        assert!(error(zero).starts_with("maxTokenAgeSeconds: expected a whole number from 1 to 31536000"));
    }

    #[test]
    fn tokens_may_have_to_be_bound() {
        let binding = |members: &str| {
            Ok::<_, String>(parse(&format!(r#""expectedAudience":"a"{members}"#))?.policy.binding)
        };
        assert_eq!(binding(""), Ok(RequiredBinding { certificate: false, any: false }));
        assert_eq!(
            binding(r#","certificate":"required","senderConstrained":"allowed""#),
            Ok(RequiredBinding { certificate: true, any: false })
        );
        assert_eq!(
            binding(r#","certificate":"allowed","senderConstrained":"required""#),
            Ok(RequiredBinding { certificate: false, any: true })
        );
        for (members, expected) in [
            (
                r#","certificate":"disabled""#,
                "certificate: expected \"allowed\" or \"required\"; got \"disabled\"",
            ),
            (r#","certificate":true"#, "certificate: expected \"allowed\" or \"required\"; got true"),
            (r#","senderConstrained":"Required""#, "senderConstrained: expected \"allowed\" or"),
            (
                r#","senderConstrained":null"#,
                "senderConstrained: expected \"allowed\" or \"required\"; got null",
            ),
        ] {
            let message = binding(members).err().unwrap_or_default();
            assert!(message.starts_with(expected), "{members}: {message}");
        }
    }

    #[test]
    fn nbf_has_a_leeway_of_its_own_until_one_is_written() {
        let leeways = |members: &str| {
            let policy = parse(members).ok()?.policy.access_token;
            Some((policy.expiry_leeway.secs(), policy.not_before_leeway.secs()))
        };
        assert_eq!(leeways(r#""expectedAudience":"a""#), Some((0, 10)));
        assert_eq!(leeways(r#""expectedAudience":"a","profile":"rfc9068""#), Some((0, 10)));
        assert_eq!(leeways(r#""expectedAudience":"a","leewaySeconds":0"#), Some((0, 0)));
        assert_eq!(leeways(r#""expectedAudience":"a","leewaySeconds":60"#), Some((60, 60)));
        let drop_in = Internals { drop_in: true, ..Internals::default() };
        let text = r#"{"issuerUri":"https://as.example","expectedAudience":"a"}"#;
        let policy = Options::parse(text, drop_in, &AnyProcess).unwrap().policy.access_token;
        assert_eq!((policy.expiry_leeway.secs(), policy.not_before_leeway.secs()), (0, 0));
    }
}
