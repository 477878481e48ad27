//! An issuer's metadata (RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4).
//!
//! In: the document that the host fetched, the issuer that it must be of.
//! Out: `Metadata`.
//! Never: a document of another issuer.

use super::issuer::{Issuer, IssuerError};
use crate::jose::json::{JsonError, Object, Value};
use crate::rejection::Shown;

/// The message for a web page in the place of a document.
pub(super) const A_PAGE: &str =
    "something else answers here, such as a login form, a proxy or an application in the browser";

/// Whether an answer is a web page. No JSON text begins like one.
pub(super) fn is_page(document: &[u8]) -> bool {
    document.trim_ascii_start().starts_with(b"<")
}

/// Why a document is not this issuer's metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum MetadataError {
    #[error("expected the metadata as JSON, got a page (HTML or XML): {A_PAGE}")]
    Page,
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
    JwksUri(IssuerError),
}

/// The members of an issuer's metadata that this library uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Where the issuer publishes its keys.
    pub jwks_uri: String,
}

impl Metadata {
    /// Reads the metadata of this issuer; a document that names another one is refused (RFC 8414 section 3.3).
    pub fn parse(document: &[u8], issuer: &Issuer) -> Result<Self, MetadataError> {
        if is_page(document) {
            return Err(MetadataError::Page);
        }
        let object = Object::parse(document)?;
        let found = object.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if !issuer.is_called(found) {
            return Err(MetadataError::OtherIssuer {
                found: Shown(found).to_string(),
                expected: issuer.as_str().to_owned(),
            });
        }
        let jwks_uri = object.get("jwks_uri").and_then(Value::as_str).ok_or(MetadataError::NoJwksUri)?;
        let url = issuer.announced_url(jwks_uri).map_err(MetadataError::JwksUri)?;
        Ok(Self { jwks_uri: url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::secure_url::Transport;

    #[test]
    fn http_to_this_machine_is_named_by_an_issuer_on_it_alone() {
        let read = |identifier: &str, transport, jwks_uri: &str| {
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
            let refused = Err(MetadataError::JwksUri(IssuerError::OtherMachine));
            assert_eq!(read("https://as.example", Transport::Https, jwks_uri), refused, "{jwks_uri}");
            assert_eq!(read("https://10.0.0.1", Transport::Https, jwks_uri), refused, "{jwks_uri}");
            for here in ["http://127.0.0.1:8080", "https://localhost:8443"] {
                assert!(read(here, Transport::Https, jwks_uri).is_ok(), "{here} {jwks_uri}");
            }
            assert!(read("https://as.example", Transport::AlsoHttp, jwks_uri).is_ok(), "{jwks_uri}");
        }
    }

    #[test]
    fn h03_h05_b7_4_metadata_is_of_this_issuer_and_names_a_secure_url() {
        let Ok(issuer) = Issuer::parse("https://as.example") else { unreachable!() };
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
