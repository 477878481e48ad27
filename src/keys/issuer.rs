//! An issuer: its identifier, its other names, and the URLs of its metadata (RFC 8414 sections 2 and 3, OpenID Connect
//! Discovery 1.0 section 4).
//!
//! In: configuration.
//! Out: `Issuer`, the URLs to ask.
//! Never: a document, a plain-http URL outside loopback unless the options allow it.

use url::Url;

use super::issuer_name::{Comparison, IssuerName, TENANT, without_slash};
use super::secure_url::{Transport, UrlError, is_loopback, secure_url};

/// An issuer's identifier: an https URL (http for a loopback address) without query and fragment, from which the URLs
/// of its metadata follow; or only a name, if its keys come from elsewhere.
///
/// ```
/// use oidc_spa_native::keys::issuer::Issuer;
///
/// assert!(Issuer::parse("https://auth.example.com/realms/myrealm").is_ok());
/// assert!(Issuer::parse("http://auth.example.com").is_err());
/// ```
///
/// `{tenantid}` in its path stands for the `tid` claim of a token: the metadata of Entra ID's multi-tenant endpoint names
/// such an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    name: IssuerName,
    /// Other names that its tokens hold.
    aliases: Vec<IssuerName>,
    /// The URLs of its metadata; `None` if its identifier is only a name.
    url: Option<Url>,
    transport: Transport,
}

/// The place of metadata: below the identifier, or before its path.
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// Where Entra ID publishes the metadata of all tenants.
const ALL_TENANTS: &str = "common";

/// Why a text is not an issuer's identifier or name, or why this issuer may not name a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum IssuerError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(
        "expected https: http to this very machine is for an issuer that the options themselves place there; write \
         `jwksUri`, or `network.allowHttp: true`"
    )]
    OtherMachine,
    #[error("this is where the metadata lies; write the issuer's own identifier, \"{0}\"")]
    Discovery(String),
    #[error("expected one \"{TENANT}\" at most, as a whole segment of the path")]
    Template,
    #[error(
        "expected a name as tokens hold it: without white space at its ends and control characters, and a URI where it holds \
         a colon"
    )]
    NotAName,
}

impl Issuer {
    /// Reads an identifier from the configuration.
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        Self::reached_by(text, Transport::Https)
    }

    /// Reads an identifier from the configuration, for an issuer that is reached by these URLs.
    pub fn reached_by(text: &str, transport: Transport) -> Result<Self, IssuerError> {
        check_template(text)?;
        let url = secure_url(&text.replace(TENANT, ALL_TENANTS), transport)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(IssuerError::Url(UrlError::Query));
        }
        if let Some(identifier) = identifier_of_metadata(&url) {
            return Err(IssuerError::Discovery(identifier));
        }
        Ok(Self { name: IssuerName::of(text), aliases: Vec::new(), url: Some(url), transport })
    }

    /// Reads the name of an issuer whose keys do not come from its metadata: any StringOrURI (RFC 7519 section 2), such
    /// as `"urn:example:issuer"` or an http URL from which nothing is fetched.
    pub fn named(text: &str, transport: Transport) -> Result<Self, IssuerError> {
        let name = read_name(text)?;
        // An address stays an address, since the metadata may show it to clients.
        let address = match Self::reached_by(text, transport) {
            Ok(issuer) => issuer.url,
            // No token can hold such a name, so it is a mistake in the options.
            Err(error @ IssuerError::Discovery(_)) => return Err(error),
            Err(_) => None,
        };
        Ok(Self { name, aliases: Vec::new(), url: address, transport })
    }

    /// The same issuer with one more name.
    pub fn also_named(mut self, text: &str) -> Result<Self, IssuerError> {
        let name = read_name(text)?;
        if !self.has_a_name_of(&name) {
            self.aliases.push(name);
        }
        Ok(self)
    }

    /// The identifier, as configured.
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// All its names, the identifier first.
    pub fn names(&self) -> impl Iterator<Item = &IssuerName> {
        std::iter::once(&self.name).chain(&self.aliases)
    }

    /// Whether a client could fetch its metadata: its identifier is an address, and not a template.
    pub(crate) fn is_address(&self) -> bool {
        self.url.is_some() && !self.name.is_template()
    }

    /// Whether the text is the identifier, one trailing slash on either side aside.
    pub fn is_called(&self, text: &str) -> bool {
        self.name.is(text)
    }

    fn has_a_name_of(&self, name: &IssuerName) -> bool {
        self.names().any(|own| own.is(name.as_str()))
    }

    /// Whether the text may be the `iss` of a token of this issuer: one of its names, with any tenant in the place of the
    /// template.
    pub(crate) fn may_have_issued(&self, iss: &str) -> bool {
        self.names().any(|name| name.may_be(iss))
    }

    /// Whether a token with this `iss` and `tid` names this issuer.
    pub(crate) fn is_named_by(&self, iss: &str, tid: Option<&str>, comparison: Comparison) -> bool {
        self.names().any(|name| name.names(iss, tid, comparison))
    }

    /// Where the metadata may be, in the order to try: OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3.1,
    /// and the mixed form of RFC 8414 section 5. No place if its identifier is only a name.
    pub fn metadata_urls(&self) -> Vec<String> {
        let Some(own) = &self.url else { return Vec::new() };
        let path = without_slash(own.path());
        let mut urls = vec![format!("{}{OPENID}", without_slash(own.as_str()))];
        for name in [OAUTH, OPENID] {
            let mut url = own.clone();
            url.set_path(&format!("{name}{path}"));
            let text = String::from(url);
            if !urls.contains(&text) {
                urls.push(text);
            }
        }
        urls
    }

    /// A URL that this issuer's metadata names, in its normal form. Plain http to this machine is only for an issuer
    /// that is itself on this machine: an issuer elsewhere must not choose a service of this machine.
    pub(super) fn announced_url(&self, text: &str) -> Result<String, IssuerError> {
        let url = secure_url(text, self.transport)?;
        if url.scheme() == "http"
            && self.transport == Transport::Https
            && !self.url.as_ref().is_some_and(is_loopback)
        {
            return Err(IssuerError::OtherMachine);
        }
        Ok(url.into())
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

fn check_template(text: &str) -> Result<(), IssuerError> {
    if text.contains(['{', '}']) && !is_template(text) { Err(IssuerError::Template) } else { Ok(()) }
}

fn read_name(text: &str) -> Result<IssuerName, IssuerError> {
    check_template(text)?;
    IssuerName::parse(text).ok_or(IssuerError::NotAName)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Result<Issuer, IssuerError> {
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
            "https://u@as.example",
            "https://:p@as.example",
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
        let named = |tid| issuer.is_named_by("https://login.example/t-1/v2.0", tid, Comparison::Letter);
        assert!(named(Some("t-1")));
        for senseless in [
            "https://{tenantid}.example/v2.0",
            "https://{tenantid}",
            "https://login.example/x{tenantid}/v2.0",
            "https://login.example/{tenantid}x",
            "https://login.example/{tenant}/v2.0",
            "https://login.example/{tenantid}/{tenantid}",
        ] {
            assert_eq!(Issuer::parse(senseless), Err(IssuerError::Template), "{senseless}");
        }
        for tid in [None, Some(""), Some("a/b"), Some("{tenantid}"), Some("..")] {
            assert!(!named(tid));
        }
    }

    #[test]
    fn h01_plain_http_is_for_those_who_ask_for_it() {
        assert!(Issuer::reached_by("http://keycloak:8080/realms/x", Transport::AlsoHttp).is_ok());
        assert!(Issuer::reached_by("ftp://keycloak/realms/x", Transport::AlsoHttp).is_err());
    }

    #[test]
    fn a_name_needs_no_address() {
        let https = Transport::Https;
        for name in ["http://adfs.example/adfs/services/trust", "accounts.example", "urn:example:as"] {
            assert!(issuer(name).is_err(), "{name}");
            let named = Issuer::named(name, https).unwrap();
            assert!(named.may_have_issued(name) && !named.is_address(), "{name}");
            assert!(named.metadata_urls().is_empty(), "{name}");
        }
        assert!(Issuer::named("https://as.example", https).unwrap().is_address());
        assert_eq!(Issuer::named("", https), Err(IssuerError::NotAName));
        assert_eq!(Issuer::named("a{b}", https), Err(IssuerError::Template));
        let two = issuer("https://as.example").unwrap().also_named("as.example").unwrap();
        assert_eq!(two, two.clone().also_named("https://as.example/").unwrap());
        for (iss, expected) in
            [("https://as.example", true), ("as.example", true), ("as.example.evil", false)]
        {
            assert_eq!(two.may_have_issued(iss), expected, "{iss}");
            assert_eq!(two.is_named_by(iss, None, Comparison::Letter), expected, "{iss}");
        }
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
            assert_eq!(Issuer::parse(text), Err(IssuerError::Url(UrlError::Space)), "{text:?}");
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
            assert_eq!(issuer(text), Err(IssuerError::Discovery(identifier.into())), "{text}");
            assert!(issuer(identifier).is_ok(), "{identifier}");
        }
        for other in
            ["https://as.example/.well-known/openid-configurations", "https://as.example/.well-known/x"]
        {
            assert!(issuer(other).is_ok(), "{other}");
        }
    }
}
