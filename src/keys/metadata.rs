//! An issuer's identifier and metadata (RFC 8414 sections 2 and 3, OpenID Connect Discovery 1.0 section 4).
//!
//! In: configuration; the metadata document.
//! Out: `Issuer`, the URLs to ask, `Metadata`.
//! May use: jose::json, the url crate.
//! Never: a document of another issuer, a plain-http URL outside loopback.

use std::borrow::Cow;

use url::{Host, Url};

use crate::jose::json::{JsonError, Object, Value};
use crate::rejection::Shown;

/// An issuer's identifier: an https URL (http for a loopback address) without query and fragment.
///
/// ```
/// use oidc_spa_native::keys::metadata::Issuer;
///
/// assert!(Issuer::parse("https://auth.example.com/realms/myrealm").is_ok());
/// assert!(Issuer::parse("http://auth.example.com").is_err());
/// ```
///
/// `{tenantid}` in its path stands for the `tid` claim of a token: the metadata of Entra ID's multi-tenant endpoint names
/// such an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    text: String,
    /// Where its metadata lies.
    url: Url,
    transport: Transport,
}

/// Which URLs an issuer's documents may be read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// https, and http of this very machine.
    #[default]
    Https,
    /// http of any host too: for an issuer inside a private network.
    AlsoHttp,
}

/// Where metadata lies: below the identifier, or before its path.
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// What stands for the tenant in an identifier.
const TENANT: &str = "{tenantid}";

/// Where Entra ID publishes the metadata of all tenants.
const ALL_TENANTS: &str = "common";

/// Why a text is not an issuer's identifier, or a document not its metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum MetadataError {
    #[error("expected an https URL such as \"https://auth.example.com\"")]
    NotAUrl,
    #[error("expected a URL without white space and control characters, at its ends too")]
    Space,
    #[error("expected https; http is for loopback addresses only, unless `network.allowHttp` is true")]
    NotHttps,
    #[error("expected a URL without query, fragment, user and password")]
    Query,
    #[error(
        "expected https: http to this very machine is for an issuer that the options themselves place there; write \
         `jwksUri`, or `network.allowHttp: true`"
    )]
    OtherMachine,
    #[error("this is where the metadata lies; write the issuer's own identifier, \"{0}\"")]
    Discovery(String),
    #[error("expected one \"{TENANT}\" at most, as a whole segment of the path")]
    Template,
    #[error("the metadata is {0}")]
    Json(#[from] JsonError),
    #[error(
        "the metadata names the issuer \"{found}\", expected \"{expected}\"; if that is the public name of this very \
         issuer, which tokens bear, write it as `issuerUri`, and the URL of the keys as `jwksUri`"
    )]
    OtherIssuer { found: String, expected: String },
    #[error("the metadata does not have a jwks_uri property")]
    NoJwksUri,
    #[error("the metadata's jwks_uri cannot be used: {0}")]
    JwksUri(Box<MetadataError>),
}

impl Issuer {
    /// Reads an identifier from the configuration.
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        Self::reached_by(text, Transport::Https)
    }

    /// Reads an identifier from the configuration, for an issuer that is reached by these URLs.
    pub fn reached_by(text: &str, transport: Transport) -> Result<Self, MetadataError> {
        if text.contains(['{', '}']) && !is_template(text) {
            return Err(MetadataError::Template);
        }
        let url = secure_url(&text.replace(TENANT, ALL_TENANTS), transport)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(MetadataError::Query);
        }
        if let Some(identifier) = identifier_of_metadata(&url) {
            return Err(MetadataError::Discovery(identifier));
        }
        Ok(Self { text: text.to_owned(), url, transport })
    }

    /// The identifier, as configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it stands for many issuers, one a tenant.
    pub fn is_template(&self) -> bool {
        self.text.contains(TENANT)
    }

    /// Whether the text is this identifier, one trailing slash on either side aside: issuers and their
    /// documentation are not of one mind about it.
    pub fn is(&self, text: &str) -> bool {
        same_but_for_a_slash(text, &self.text)
    }

    /// Whether the text may be the `iss` of a token of this issuer: its identifier, with any tenant in the place of the
    /// template.
    pub fn may_have_issued(&self, iss: &str) -> bool {
        match self.text.split_once(TENANT) {
            None => self.is(iss),
            Some((before, after)) => iss
                .strip_prefix(before)
                .and_then(|rest| without_slash(rest).strip_suffix(without_slash(after)))
                .is_some_and(is_tenant),
        }
    }

    /// The identifier that a token with this `tid` must name: the template filled in, or the identifier itself. `None`
    /// where the template needs a tenant and this is none.
    pub fn for_tenant(&self, tid: Option<&str>) -> Option<Cow<'_, str>> {
        if !self.is_template() {
            return Some(Cow::Borrowed(&self.text));
        }
        tid.filter(|tid| is_tenant(tid)).map(|tid| Cow::Owned(self.text.replace(TENANT, tid)))
    }

    /// Where the metadata may be, in the order to try: OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3.1, and
    /// what RFC 8414 section 5 calls the name of the former in the place of the latter.
    pub fn metadata_urls(&self) -> Vec<String> {
        let path = without_slash(self.url.path());
        let mut urls = vec![format!("{}{OPENID}", without_slash(self.url.as_str()))];
        for name in [OAUTH, OPENID] {
            let mut url = self.url.clone();
            url.set_path(&format!("{name}{path}"));
            let text = String::from(url);
            if !urls.contains(&text) {
                urls.push(text);
            }
        }
        urls
    }

    /// A URL that this issuer's metadata names, in its normal form. Plain http to this very machine is for an issuer that
    /// is itself here: what an issuer elsewhere says must not choose whom this machine asks.
    fn told_url(&self, text: &str) -> Result<String, MetadataError> {
        let url = secure_url(text, self.transport)?;
        if url.scheme() == "http" && self.transport == Transport::Https && !is_loopback(&self.url) {
            return Err(MetadataError::OtherMachine);
        }
        Ok(url.into())
    }
}

/// What is needed of an issuer's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where the issuer publishes its keys.
    pub jwks_uri: String,
}

impl Metadata {
    /// Reads the metadata of this issuer; a document that names another one is refused (RFC 8414 section 3.3).
    pub fn parse(document: &[u8], issuer: &Issuer) -> Result<Self, MetadataError> {
        let object = Object::parse(document)?;
        let found = object.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if !issuer.is(found) {
            return Err(MetadataError::OtherIssuer {
                found: Shown(found).to_string(),
                expected: issuer.text.clone(),
            });
        }
        let jwks_uri = object.get("jwks_uri").and_then(Value::as_str).ok_or(MetadataError::NoJwksUri)?;
        let told = issuer.told_url(jwks_uri).map_err(|error| MetadataError::JwksUri(Box::new(error)))?;
        Ok(Self { jwks_uri: told })
    }
}

/// A URL that keys may be fetched from, in its normal form.
pub fn fetchable_url(text: &str, transport: Transport) -> Result<String, MetadataError> {
    secure_url(text, transport).map(String::from)
}

/// Whether a URL leads to this very machine: to an address of loopback, or to a name that means it (RFC 6761 section
/// 6.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The identifier whose metadata is at this URL, if it is a place of metadata.
fn identifier_of_metadata(url: &Url) -> Option<String> {
    let path = without_slash(url.path());
    let rest = [OPENID, OAUTH].iter().find_map(|name| {
        let below = path.strip_suffix(name);
        below.or_else(|| path.strip_prefix(name).filter(|rest| rest.starts_with('/')))
    })?;
    let mut identifier = url.clone();
    identifier.set_path(rest);
    Some(without_slash(identifier.as_str()).to_owned())
}

/// Whether a tenant's place in an identifier is one whole segment of its path, and the only one.
fn is_template(text: &str) -> bool {
    let Some((before, after)) = text.split_once(TENANT) else { return false };
    let in_path = Url::parse(before).is_ok_and(|url| url.has_host());
    let is_whole = before.ends_with('/') && (after.is_empty() || after.starts_with('/'));
    in_path && is_whole && !before.contains(['{', '}']) && !after.contains(['{', '}'])
}

/// A tenant's identifier. Nothing in it can reach into the rest of a URL.
fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn secure_url(text: &str, transport: Transport) -> Result<Url, MetadataError> {
    // The parser takes white space and control characters away: what was compared later would be another text.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(MetadataError::Space);
    }
    let url = Url::parse(text).map_err(|_| MetadataError::NotAUrl)?;
    if !url.has_host() {
        return Err(MetadataError::NotAUrl);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) || transport == Transport::AlsoHttp => {}
        "http" => return Err(MetadataError::NotHttps),
        _ => return Err(MetadataError::NotAUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(MetadataError::Query);
    }
    Ok(url)
}

/// Whether two identifiers are equal, one trailing slash aside.
pub(crate) fn same_but_for_a_slash(a: &str, b: &str) -> bool {
    without_slash(a) == without_slash(b)
}

/// How identifiers are compared.
pub(super) fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Result<Issuer, MetadataError> {
        Issuer::parse(text)
    }

    #[test]
    fn h01_h02_b7_1_issuers_are_https_without_query() {
        for good in [
            "https://as.example",
            "https://as.example/realms/x",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
            "http://localhost:3000/realms/x",
        ] {
            assert!(issuer(good).is_ok(), "{good}");
        }
        for bad in [
            "http://as.example",
            "https://as.example?x",
            "https://as.example#f",
            "https://u:p@as.example",
            "as.example",
            "",
            "file:///etc/passwd",
            "http://127.0.0.1.evil.example",
            "data:text/plain,x",
        ] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn b7_2_metadata_urls() {
        let urls = |text| issuer(text).map(|issuer| issuer.metadata_urls());
        for text in ["https://as.example/realms/x", "https://as.example/realms/x/"] {
            assert_eq!(
                urls(text),
                Ok(vec![
                    "https://as.example/realms/x/.well-known/openid-configuration".to_owned(),
                    "https://as.example/.well-known/oauth-authorization-server/realms/x".to_owned(),
                    "https://as.example/.well-known/openid-configuration/realms/x".to_owned(),
                ])
            );
        }
        assert_eq!(
            urls("https://as.example/"),
            Ok(vec![
                "https://as.example/.well-known/openid-configuration".to_owned(),
                "https://as.example/.well-known/oauth-authorization-server".to_owned(),
            ])
        );
    }

    #[test]
    fn h41_a_template_takes_a_tenant_and_nothing_else() {
        let Ok(issuer) = issuer("https://login.example/{tenantid}/v2.0") else { unreachable!() };
        assert_eq!(
            issuer.metadata_urls()[0],
            "https://login.example/common/v2.0/.well-known/openid-configuration"
        );
        assert!(issuer.may_have_issued("https://login.example/72f988bf-86f1/v2.0"));
        assert!(issuer.may_have_issued("https://login.example/72f988bf-86f1/v2.0/"));
        for other in [
            "https://login.example/{tenantid}/v2.0",
            "https://login.example//v2.0",
            "https://login.example/a/b/v2.0",
            "https://login.example/../v2.0",
            "https://login.example/a%2Fb/v2.0",
            "https://login.example.evil/a/v2.0",
            "https://login.example/a/v1.0",
            "https://login.example/a",
        ] {
            assert!(!issuer.may_have_issued(other), "{other}");
        }
        let filled = |tid| issuer.for_tenant(tid);
        assert_eq!(filled(Some("t-1")).as_deref(), Some("https://login.example/t-1/v2.0"));
        for senseless in [
            "https://{tenantid}.example/v2.0",
            "https://{tenantid}",
            "https://login.example/x{tenantid}/v2.0",
            "https://login.example/{tenantid}x",
            "https://login.example/{tenant}/v2.0",
            "https://login.example/{tenantid}/{tenantid}",
        ] {
            assert_eq!(Issuer::parse(senseless), Err(MetadataError::Template), "{senseless}");
        }
        for tid in [None, Some(""), Some("a/b"), Some("{tenantid}"), Some("..")] {
            assert_eq!(filled(tid), None);
        }
    }

    #[test]
    fn h01_plain_http_is_for_those_who_ask_for_it() {
        assert!(Issuer::reached_by("http://keycloak:8080/realms/x", Transport::AlsoHttp).is_ok());
        assert!(Issuer::reached_by("ftp://keycloak/realms/x", Transport::AlsoHttp).is_err());
    }

    #[test]
    fn h02_an_issuer_with_white_space_is_none() {
        for text in [
            " https://as.example",
            "https://as.example ",
            "https://as.example\n",
            "https://as\t.example",
            "https://as.example/a b",
        ] {
            assert_eq!(Issuer::parse(text), Err(MetadataError::Space), "{text:?}");
        }
    }

    #[test]
    fn a_place_of_metadata_is_no_identifier_and_the_error_names_it() {
        for (text, identifier) in [
            ("https://as.example/.well-known/openid-configuration", "https://as.example"),
            ("https://as.example/.well-known/openid-configuration/", "https://as.example"),
            ("https://as.example/realms/x/.well-known/openid-configuration", "https://as.example/realms/x"),
            ("https://as.example/.well-known/openid-configuration/realms/x", "https://as.example/realms/x"),
            (
                "https://as.example/.well-known/oauth-authorization-server/realms/x",
                "https://as.example/realms/x",
            ),
            ("http://[::1]:80/a/.well-known/oauth-authorization-server", "http://[::1]/a"),
        ] {
            assert_eq!(issuer(text), Err(MetadataError::Discovery(identifier.into())), "{text}");
            assert!(issuer(identifier).is_ok(), "{identifier}");
        }
        for other in
            ["https://as.example/.well-known/openid-configurations", "https://as.example/.well-known/x"]
        {
            assert!(issuer(other).is_ok(), "{other}");
        }
    }

    #[test]
    fn http_to_this_machine_is_named_by_an_issuer_on_it_alone() {
        let told = |identifier: &str, transport, jwks_uri: &str| {
            let Ok(issuer) = Issuer::reached_by(identifier, transport) else { unreachable!() };
            let document = format!(r#"{{"issuer":"{identifier}","jwks_uri":"{jwks_uri}"}}"#);
            Metadata::parse(document.as_bytes(), &issuer).map(|metadata| metadata.jwks_uri)
        };
        let local = [
            "http://127.0.0.1/a",
            "http://localhost/a",
            "http://a.localhost/a",
            "http://[::1]/a",
            "http://2130706433/a",
        ];
        for jwks_uri in local {
            let refused = Err(MetadataError::JwksUri(Box::new(MetadataError::OtherMachine)));
            assert_eq!(told("https://as.example", Transport::Https, jwks_uri), refused, "{jwks_uri}");
            assert_eq!(told("https://10.0.0.1", Transport::Https, jwks_uri), refused, "{jwks_uri}");
            for here in ["http://127.0.0.1:8080", "https://localhost:8443"] {
                assert!(told(here, Transport::Https, jwks_uri).is_ok(), "{here} {jwks_uri}");
            }
            assert!(told("https://as.example", Transport::AlsoHttp, jwks_uri).is_ok(), "{jwks_uri}");
        }
    }

    #[test]
    fn h03_h05_b7_4_metadata_is_of_this_issuer_and_names_a_secure_url() {
        let Ok(issuer) = issuer("https://as.example") else { unreachable!() };
        let parse = |text: &str| Metadata::parse(text.as_bytes(), &issuer);
        assert!(parse(r#"{"issuer":"https://as.example","jwks_uri":"https://keys.example/jwks"}"#).is_ok());
        assert!(parse(r#"{"issuer":"https://as.example/","jwks_uri":"https://keys.example/jwks"}"#).is_ok());
        for bad in [
            r#"{"issuer":"https://evil.example","jwks_uri":"https://keys.example/jwks"}"#,
            r#"{"jwks_uri":"https://keys.example/jwks"}"#,
            r#"{"issuer":"https://as.example"}"#,
            r#"{"issuer":"https://as.example","jwks_uri":"http://keys.example/jwks"}"#,
            r#"{"issuer":"https://as.example","jwks_uri":"file:///etc/passwd"}"#,
            r#"{"issuer":"https://as.example","jwks_uri":7}"#,
            r#"<html>"#,
            r#"[]"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
