//! The option `shadow`: rules that are tried, each stricter than what the other options say.
//!
//! In: the members of the option, the policy of the other options.
//! Out: `Stricter`.
//! Never: a rule that is not stricter.

use oidc_spa_native::access_token::{Audience, Profile};
use oidc_spa_native::policy::Policy;
use oidc_spa_native::scheme::AcceptedSchemes;
use oidc_spa_native::shadow::Stricter;

use super::Internals;
use super::reader::Reader;
use crate::options_error::OptionsError;

const NAMES: &[&str] =
    &["profile", "dpop", "audienceMode", "certificate", "senderConstrained", "maxTokenAgeSeconds"];

const AS_IT_IS: &str = "is what the options say already: write here what is stricter";

pub(super) fn shadow(
    options: &Reader<'_>,
    policy: &Policy,
    internals: Internals,
) -> Result<Option<Stricter>, OptionsError> {
    let Some(object) = options.object("shadow")? else { return Ok(None) };
    let shadow = Reader { object, path: "shadow." };
    shadow.check_names(NAMES)?;
    if internals.asks_for_issuers {
        return Err(options.conflict("shadow", "cannot stand beside a function in `issuers`"));
    }
    if !NAMES.iter().any(|name| object.has(name)) {
        return Err(
            options.unexpected("shadow", "one or more stricter rules, such as { dpop: \"required\" }")
        );
    }
    let stricter = |name: &str, value: &'static str, is_so: bool| {
        let is_written = shadow.one_of(name, &[value])?.is_some();
        if is_written && is_so { Err(shadow.conflict(name, AS_IT_IS)) } else { Ok(is_written) }
    };
    if object.has("dpop") && policy.schemes == AcceptedSchemes::Bearer {
        return Err(
            shadow.conflict("dpop", "cannot be tried where `dpop` is \"disabled\": nobody may use it")
        );
    }
    let audiences = || policy.issuers.iter().map(|accepted| &accepted.audience);
    if object.has("audienceMode") && audiences().all(|audience| *audience == Audience::Unchecked) {
        return Err(shadow.conflict("audienceMode", "is of no use without expectedAudience"));
    }
    let is_alone = audiences().all(|audience| !matches!(audience, Audience::AnyOf(_)));
    Ok(Some(Stricter {
        rfc9068: stricter("profile", "rfc9068", policy.access_token.profile == Profile::Rfc9068)?,
        only_dpop: stricter("dpop", "required", policy.schemes == AcceptedSchemes::DPoP)?,
        audience_alone: stricter("audienceMode", "only", is_alone)?,
        certificate: stricter("certificate", "required", policy.binding.certificate)?,
        any_binding: stricter("senderConstrained", "required", policy.binding.any)?,
        max_age_secs: max_age_secs(&shadow, policy.access_token.max_age_secs)?,
    }))
}

fn max_age_secs(shadow: &Reader<'_>, now: Option<u32>) -> Result<Option<u32>, OptionsError> {
    let name = "maxTokenAgeSeconds";
    if !shadow.object.has(name) {
        return Ok(None);
    }
    let secs = u32::try_from(shadow.integer(name, 0, 1, 31_536_000)?).ok();
    match (secs, now) {
        (Some(secs), Some(now)) if secs >= now => {
            Err(shadow.conflict(name, "is not less than `maxTokenAgeSeconds`: write here what is stricter"))
        }
        _ => Ok(secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::surroundings::AnyProcess;

    fn parse(members: &str) -> Result<Option<Stricter>, String> {
        let text = format!(r#"{{"issuerUri":"https://as.example",{members}}}"#);
        let options =
            Options::parse(&text, Internals::default(), &AnyProcess).map_err(|error| error.to_string())?;
        Ok(options.shadow)
    }

    #[test]
    fn what_is_stricter_is_read() {
        assert_eq!(parse(r#""expectedAudience":"a""#), Ok(None));
        let all = r#""expectedAudience":"a","maxTokenAgeSeconds":600,"shadow":{"profile":"rfc9068","dpop":"required",
            "audienceMode":"only","certificate":"required","senderConstrained":"required","maxTokenAgeSeconds":300}"#;
        let stricter = Stricter {
            rfc9068: true,
            only_dpop: true,
            audience_alone: true,
            certificate: true,
            any_binding: true,
            max_age_secs: Some(300),
        };
        assert_eq!(parse(all), Ok(Some(stricter)));
        let one = parse(r#""expectedAudience":"a","shadow":{"dpop":"required"}"#);
        assert_eq!(one, Ok(Some(Stricter { only_dpop: true, ..Stricter::default() })));
    }

    #[test]
    fn what_is_not_stricter_is_an_error() {
        for (members, expected) in [
            (r#""shadow":{}"#, "shadow: expected one or more stricter rules"),
            (r#""shadow":"rfc9068""#, "shadow: expected an object"),
            (r#""shadow":{"dpopp":"required"}"#, "unknown option \"shadow.dpopp\"; did you mean \"dpop\"?"),
            (r#""shadow":{"claims":1}"#, "unknown option \"shadow.claims\""),
            (r#""shadow":{"dpop":"allowed"}"#, "shadow.dpop: expected \"required\""),
            (r#""shadow":{"profile":"default"}"#, "shadow.profile: expected \"rfc9068\""),
            (r#""shadow":{"audienceMode":"any"}"#, "shadow.audienceMode: expected \"only\""),
            (r#""dpop":"required","shadow":{"dpop":"required"}"#, "shadow.dpop: is what the options say"),
            (r#""dpop":"disabled","shadow":{"dpop":"required"}"#, "shadow.dpop: cannot be tried"),
            (
                r#""profile":"rfc9068","shadow":{"profile":"rfc9068"}"#,
                "shadow.profile: is what the options say",
            ),
            (
                r#""audienceMode":"only","shadow":{"audienceMode":"only"}"#,
                "shadow.audienceMode: is what the options say",
            ),
            (
                r#""certificate":"required","shadow":{"certificate":"required"}"#,
                "shadow.certificate: is what the options say",
            ),
            (
                r#""senderConstrained":"required","shadow":{"senderConstrained":"required"}"#,
                "shadow.senderConstrained: is what the options say",
            ),
            (
                r#""maxTokenAgeSeconds":60,"shadow":{"maxTokenAgeSeconds":60}"#,
                "shadow.maxTokenAgeSeconds: is not less",
            ),
            (r#""shadow":{"maxTokenAgeSeconds":0}"#, "shadow.maxTokenAgeSeconds: expected a whole number"),
        ] {
            let message = parse(&format!(r#""expectedAudience":"a",{members}"#)).err().unwrap_or_default();
            assert!(message.starts_with(expected), "{members}: {message}");
        }
        let unchecked = parse(r#""expectedAudience":false,"shadow":{"audienceMode":"only"}"#);
        assert!(unchecked.err().unwrap_or_default().contains("no use without expectedAudience"));
    }
}
