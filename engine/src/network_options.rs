//! The options of the network: how issuers are reached, and the header fields that they get.
//!
//! In: the members of `network`.
//! Out: `NetworkOptions`, header fields.
//! Never: a connection; a private key or a header's value in a message.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use oidc_spa_native::keys::secure_url::Transport;

use crate::options_error::{Found, OptionsError};

/// Fields that the HTTP client writes itself (RFC 9110, RFC 9112): another value would change the meaning of the
/// request.
const OWN_FIELDS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The network options of the application.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NetworkOptions {
    /// Time for a connection.
    pub connect_timeout: Duration,
    /// Time for a whole exchange, a slow body included.
    pub timeout: Duration,
    /// Whether plain http is allowed.
    pub transport: Transport,
    /// Certificates of authorities, in PEM.
    pub ca: Option<String>,
    /// The client's certificate and its key, in PEM.
    pub client_certificate: Option<(String, String)>,
    /// The proxy.
    pub proxy: ProxyChoice,
    /// Whether private addresses may be reached; `None`: as near as the issuer's own address.
    pub private_addresses: Option<bool>,
    /// Fields that each request to the configured origin carries.
    pub headers: Vec<(String, String)>,
    /// The application's function that makes the requests, by its number; `None`: the program itself makes them.
    pub fetch: Option<u32>,
}

/// The proxy for requests to issuers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProxyChoice {
    /// `HTTPS_PROXY` and `NO_PROXY`.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one.
    Url(String),
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            transport: Transport::Https,
            ca: None,
            client_certificate: None,
            proxy: ProxyChoice::Environment,
            private_addresses: None,
            headers: Vec::new(),
            fetch: None,
        }
    }
}

// A client's key and a header's value must not end up in a log.
impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkOptions(within {:?} ..)", self.timeout)
    }
}

impl NetworkOptions {
    /// The application's own fields. The error is one of a member of `network`.
    pub fn header_map(&self) -> Result<HeaderMap, OptionsError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let known = HeaderName::from_bytes(name.as_bytes());
            let known = known.map_err(|_| {
                OptionsError::expected("headers", "names of header fields").found(Found::text(name))
            })?;
            let path = format!("headers.{name}");
            if OWN_FIELDS.contains(&known.as_str()) {
                return Err(OptionsError::conflict(path, "is written by the request itself"));
            }
            // The value is a secret: no message shows it.
            let mut value = HeaderValue::from_str(value)
                .ok()
                .filter(|value| !value.is_empty() && value.to_str().is_ok())
                .ok_or_else(|| {
                    OptionsError::expected(path.as_str(), "a value of visible ASCII characters")
                })?;
            value.set_sensitive(true);
            if headers.insert(known, value).is_some() {
                return Err(OptionsError::conflict(path, "stands twice, in capitals and small letters"));
            }
        }
        Ok(headers)
    }
}
