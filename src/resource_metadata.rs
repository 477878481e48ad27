//! How a protected resource describes itself to clients (RFC 9728).
//!
//! In: configuration.
//! Out: `ProtectedResource`, and the metadata document.
//! Never: a word of a request: the document is the same whatever Host a client names.

use serde_json::{Map, Value};
use url::Url;

use crate::jose::algorithm::AlgorithmSet;
use crate::keys::secure_url::is_loopback;
use crate::presentation::RequiredBinding;
use crate::scheme::{AcceptedSchemes, Scheme};

/// Where metadata lies, between host and path (RFC 9728 section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Why a text is not a resource identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ResourceError {
    #[error("expected an https URL such as \"https://api.example.com/mcp\"")]
    NotAUrl,
    #[error("expected https; http is for loopback addresses only")]
    NotHttps,
    #[error("expected a URL without fragment, user and password")]
    Fragment,
    #[error(
        "expected a URL in normal form: lower-case host, no default port, no dot segments, ASCII without quotes"
    )]
    NotNormal,
}

/// What the configuration says of a resource beside its identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// `scopes_supported`.
    pub scopes: Vec<String>,
    /// `resource_name`.
    pub name: Option<String>,
    /// `resource_documentation`.
    pub documentation: Option<String>,
    /// `resource_policy_uri`.
    pub policy_uri: Option<String>,
    /// `resource_tos_uri`.
    pub tos_uri: Option<String>,
}

/// A resource that describes itself.
///
/// ```
/// use oidc_spa_native::resource_metadata::{Description, ProtectedResource};
///
/// let resource = ProtectedResource::parse("https://api.example.com/mcp", Description::default()).unwrap();
/// let url = "https://api.example.com/.well-known/oauth-protected-resource/mcp";
/// assert_eq!(resource.metadata_url(), url);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    identifier: String,
    origin: String,
    /// Path and query of the metadata's URL.
    metadata_path: String,
    description: Description,
}

impl ProtectedResource {
    /// Reads an identifier from the configuration: an https URL (http for a loopback address) without fragment. It is
    /// compared to the letter by clients (RFC 9728 section 3.3), so only its normal form is accepted.
    pub fn parse(identifier: &str, description: Description) -> Result<Self, ResourceError> {
        let url = Url::parse(identifier).map_err(|_| ResourceError::NotAUrl)?;
        if !url.has_host() {
            return Err(ResourceError::NotAUrl);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(ResourceError::NotHttps),
        }
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(ResourceError::Fragment);
        }
        let origin = url.origin().ascii_serialization();
        let rest = identifier.strip_prefix(&origin).ok_or(ResourceError::NotNormal)?;
        let is_normal = rest.is_empty() || url.as_str() == identifier;
        if !is_normal || !identifier.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return Err(ResourceError::NotNormal);
        }
        // The slash after the host goes, where nothing but a query follows it.
        let rest = match rest.strip_prefix('/') {
            Some(query) if query.is_empty() || query.starts_with('?') => query,
            _ => rest,
        };
        let metadata_path = format!("{WELL_KNOWN}{rest}");
        Ok(Self { identifier: identifier.to_owned(), origin, metadata_path, description })
    }

    /// The identifier, as configured.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Where the metadata lies.
    pub fn metadata_url(&self) -> String {
        format!("{}{}", self.origin, self.metadata_path)
    }

    /// Path of [`Self::metadata_url`], with its query if it has one.
    pub fn metadata_path(&self) -> &str {
        &self.metadata_path
    }

    /// The metadata document (RFC 9728 section 2), as JSON text. Members without value are left out (section 3.2).
    pub fn document<'a>(
        &self,
        authorization_servers: impl Iterator<Item = &'a str>,
        schemes: AcceptedSchemes,
        binding: RequiredBinding,
        proof_algorithms: AlgorithmSet,
    ) -> String {
        let names = |names: &mut dyn Iterator<Item = &str>| Value::from_iter(names);
        let Description { scopes, name, documentation, policy_uri, tos_uri } = &self.description;
        let mut document = Map::new();
        let mut set = |name: &str, value: Value| {
            if value != Value::Null && value.as_array().is_none_or(|items| !items.is_empty()) {
                document.insert(name.to_owned(), value);
            }
        };
        set("resource", self.identifier.as_str().into());
        set("authorization_servers", names(&mut authorization_servers.map(|name| name as &str)));
        set("scopes_supported", names(&mut scopes.iter().map(String::as_str)));
        if schemes.accept(Scheme::Bearer) {
            set("bearer_methods_supported", names(&mut ["header"].into_iter()));
        }
        if schemes.accept(Scheme::DPoP) {
            let algorithms = &mut proof_algorithms.iter().map(|algorithm| algorithm.name());
            set("dpop_signing_alg_values_supported", names(algorithms));
        }
        // Written where it is false too: some clients take its absence for "not known".
        set("dpop_bound_access_tokens_required", (!schemes.accept(Scheme::Bearer)).into());
        if binding.certificate {
            set("tls_client_certificate_bound_access_tokens", true.into());
        }
        set("resource_name", name.as_deref().into());
        set("resource_documentation", documentation.as_deref().into());
        set("resource_policy_uri", policy_uri.as_deref().into());
        set("resource_tos_uri", tos_uri.as_deref().into());
        Value::Object(document).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ProtectedResource, ResourceError> {
        ProtectedResource::parse(text, Description::default())
    }

    #[test]
    fn b8_4_the_well_known_path_goes_between_host_and_path() {
        let base = "https://api.example";
        for (resource, path) in [
            ("", ""),
            ("/", ""),
            ("/mcp", "/mcp"),
            ("/mcp/", "/mcp/"),
            ("/?tenant=1", "?tenant=1"),
            ("/a/b?x=1", "/a/b?x=1"),
        ] {
            let found = parse(&format!("{base}{resource}")).map(|resource| resource.metadata_url());
            assert_eq!(found, Ok(format!("{base}{WELL_KNOWN}{path}")), "{resource}");
        }
        let local = parse("http://127.0.0.1:8080/mcp").map(|resource| resource.metadata_url());
        assert_eq!(local, Ok(format!("http://127.0.0.1:8080{WELL_KNOWN}/mcp")));
    }

    #[test]
    fn b8_1_o04_what_is_no_resource_identifier_is_refused() {
        for (text, expected) in [
            ("", ResourceError::NotAUrl),
            ("/mcp", ResourceError::NotAUrl),
            ("api://4f1c", ResourceError::NotHttps),
            ("urn:example:api", ResourceError::NotAUrl),
            ("http://api.example", ResourceError::NotHttps),
            ("https://api.example/#top", ResourceError::Fragment),
            ("https://user:secret@api.example/", ResourceError::Fragment),
            ("https://API.example/", ResourceError::NotNormal),
            ("https://api.example:443/", ResourceError::NotNormal),
            ("https://api.example/a/../b", ResourceError::NotNormal),
            ("https://api.example/a\"b", ResourceError::NotNormal),
            ("https://api.example/?a=\\", ResourceError::NotNormal),
            ("https://api.example/?a='\"'", ResourceError::NotNormal),
            ("https://api.example/a\r\nb", ResourceError::NotNormal),
            ("https://api.example/\u{e4}", ResourceError::NotNormal),
        ] {
            assert_eq!(parse(text).err(), Some(expected), "{text:?}");
        }
    }

    fn document(schemes: AcceptedSchemes, description: Description) -> String {
        document_with(schemes, RequiredBinding::default(), description)
    }

    fn document_with(schemes: AcceptedSchemes, binding: RequiredBinding, description: Description) -> String {
        let algorithms = AlgorithmSet::of(&[crate::jose::algorithm::Algorithm::ES256]);
        let resource =
            ProtectedResource::parse("https://api.example", description).unwrap_or_else(|_| unreachable!());
        let servers = ["https://as.example"].into_iter();
        resource.document(servers, schemes, binding, algorithms.unwrap_or(AlgorithmSet::all()))
    }

    #[test]
    fn b8_2_p14_the_document_says_what_the_server_does_and_nothing_empty() {
        assert_eq!(
            document(AcceptedSchemes::Both, Description::default()),
            r#"{"authorization_servers":["https://as.example"],"bearer_methods_supported":["header"],"dpop_bound_access_tokens_required":false,"dpop_signing_alg_values_supported":["ES256"],"resource":"https://api.example"}"#
        );
        assert_eq!(
            document(
                AcceptedSchemes::DPoP,
                Description { scopes: vec!["read".into()], ..Description::default() }
            ),
            r#"{"authorization_servers":["https://as.example"],"dpop_bound_access_tokens_required":true,"dpop_signing_alg_values_supported":["ES256"],"resource":"https://api.example","scopes_supported":["read"]}"#
        );
        let description = Description { name: Some("Items".into()), ..Description::default() };
        assert_eq!(
            document(AcceptedSchemes::Bearer, description),
            r#"{"authorization_servers":["https://as.example"],"bearer_methods_supported":["header"],"dpop_bound_access_tokens_required":false,"resource":"https://api.example","resource_name":"Items"}"#
        );
        let certificates = RequiredBinding { certificate: true, any: false };
        assert_eq!(
            document_with(AcceptedSchemes::Bearer, certificates, Description::default()),
            r#"{"authorization_servers":["https://as.example"],"bearer_methods_supported":["header"],"dpop_bound_access_tokens_required":false,"resource":"https://api.example","tls_client_certificate_bound_access_tokens":true}"#
        );
    }
}
