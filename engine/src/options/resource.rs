//! The options for the metadata of this resource (RFC 9728).
//!
//! In: the members of the options.
//! Out: `ProtectedResource`, a warning.
//! Never: a URL that a request named.

use oidc_spa_native::access_token::Audience;
use oidc_spa_native::challenge::Demand;
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::policy::Policy;
use oidc_spa_native::resource_metadata::{Description, ProtectedResource};
use url::Url;

use super::reader::Reader;
use crate::options_error::{Found, OptionsError};

pub(super) fn resource(options: &Reader<'_>) -> Result<Option<ProtectedResource>, OptionsError> {
    let described = options.object("resourceMetadata")?;
    let Some(identifier) = options.string("resource")? else {
        return match described {
            None => Ok(None),
            Some(_) => Err(options.conflict("resourceMetadata", "is of no use without resource")),
        };
    };
    let none = Object::default();
    let reader = Reader { object: described.unwrap_or(&none), path: "resourceMetadata." };
    let names =
        ["scopesSupported", "resourceName", "resourceDocumentation", "resourcePolicyUri", "resourceTosUri"];
    reader.check_names(&names)?;
    let description = Description {
        scopes: scopes(&reader)?,
        name: reader.string("resourceName")?.map(str::to_owned),
        documentation: page(&reader, "resourceDocumentation")?,
        policy_uri: page(&reader, "resourcePolicyUri")?,
        tos_uri: page(&reader, "resourceTosUri")?,
    };
    let resource = ProtectedResource::parse(identifier, description);
    let invalid = |error| OptionsError::invalid("resource", &error).found(Found::url(identifier));
    resource.map(Some).map_err(invalid)
}

fn scopes(options: &Reader<'_>) -> Result<Vec<String>, OptionsError> {
    let name = "scopesSupported";
    let Some(value) = options.object.get(name) else { return Ok(Vec::new()) };
    let items = value.as_array().unwrap_or_default();
    let scopes: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
    let is_list = matches!(value, Value::Array(_));
    let scopes = scopes.filter(|scopes| is_list && Demand::new(scopes, &[], None).is_some());
    scopes.ok_or_else(|| {
        options.unexpected_in(
            name,
            "a list of scopes, each without space, quote and backslash (RFC 6749 section 3.3)",
            |item| item.as_str().is_some_and(|scope| Demand::new(&[scope.to_owned()], &[], None).is_some()),
        )
    })
}

fn page(options: &Reader<'_>, name: &str) -> Result<Option<String>, OptionsError> {
    let Some(text) = options.string(name)? else { return Ok(None) };
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => Ok(Some(text.to_owned())),
        _ => Err(options.unexpected(name, "an absolute URL of a page, such as \"https://example.com/docs\"")),
    }
}

/// Clients that read the metadata ask for tokens for this resource (RFC 8707), and compare nothing else. An issuer may
/// write another audience for it into its tokens, so a difference is a warning and not an error.
pub(super) fn warning(policy: &Policy) -> Option<String> {
    let resource = policy.resource.as_ref()?.identifier();
    let misses = |audience: &Audience| match audience {
        Audience::Unchecked => false,
        Audience::AnyOf(names) | Audience::Only(names) => !names.iter().any(|name| name == resource),
    };
    let accepted = policy.issuers.iter().find(|accepted| misses(&accepted.audience))?;
    Some(format!(
        "resource is {resource:?}, which is not among expectedAudience of {:?}. Clients ask for tokens for the resource; \
         make sure that the issuer writes the expected audience into them, or add the resource to expectedAudience.",
        accepted.issuer.as_str()
    ))
}

#[cfg(test)]
mod tests {
    use crate::options::{Internals, Options};

    fn warnings(extra: &str) -> Vec<String> {
        let text = format!(r#"{{"issuerUri":"https://as.example","resource":"https://api.example"{extra}}}"#);
        Options::parse(&text, Internals::default(), &crate::surroundings::AnyProcess)
            .map(|options| options.warnings)
            .unwrap_or_else(|error| vec![error.to_string()])
    }

    #[test]
    fn p16_a_resource_that_no_token_is_for_is_told() {
        for good in [
            r#","expectedAudience":"https://api.example""#,
            r#","expectedAudience":["items","https://api.example"]"#,
            r#","expectedAudience":false"#,
        ] {
            assert_eq!(warnings(good), Vec::<String>::new(), "{good}");
        }
        let found = warnings(r#","expectedAudience":"https://api.example/""#);
        assert!(
            found.iter().all(|text| text.starts_with("resource is \"https://api.example\", which is not")),
            "{found:?}"
        );
        assert_eq!(found.len(), 1);
    }
}
