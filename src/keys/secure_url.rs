//! Which URLs an issuer's documents may be read from.
//!
//! In: a text.
//! Out: a URL in its normal form, or `UrlError`.
//! Never: plain http to another machine, unless the options allow it; white space; a user or a password.

use url::{Host, Url};

/// Which URLs an issuer's documents may be read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// https, and http to this machine.
    #[default]
    Https,
    /// Also http to any host, for an issuer inside a private network.
    AlsoHttp,
}

/// Why a text is not such a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum UrlError {
    #[error("expected an https URL such as \"https://auth.example.com\"")]
    NotAUrl,
    #[error("expected a URL without white space and control characters, at its ends too")]
    Space,
    #[error("expected https; http is for loopback addresses only, unless `network.allowHttp` is true")]
    NotHttps,
    #[error("expected a URL without query, fragment, user and password")]
    Query,
}

/// A URL that keys may be fetched from, in its normal form.
pub fn fetchable_url(text: &str, transport: Transport) -> Result<String, UrlError> {
    secure_url(text, transport).map(String::from)
}

/// Whether a URL leads to this machine: to a loopback address, or to a name for it (RFC 6761 section 6.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn secure_url(text: &str, transport: Transport) -> Result<Url, UrlError> {
    // The parser removes white space and control characters. Later comparisons would then see another text.
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(UrlError::Space);
    }
    let url = Url::parse(text).map_err(|_| UrlError::NotAUrl)?;
    if !url.has_host() {
        return Err(UrlError::NotAUrl);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) || transport == Transport::AlsoHttp => {}
        "http" => return Err(UrlError::NotHttps),
        _ => return Err(UrlError::NotAUrl),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Query);
    }
    Ok(url)
}
