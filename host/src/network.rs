//! The HTTP client: how servers are reached, trusted and given up.
//!
//! In: a URL.
//! Out: a reqwest client.
//! May use: reqwest, the environment variables of proxies and certificates.
//! Never: a redirect to another origin, a proxy for this very machine.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for a whole exchange, a slow body included.
pub(crate) const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Redirects that are followed, all within one origin.
const MAX_REDIRECTS: usize = 3;

/// Plain http is for this very machine only, and no proxy leads there.
pub(crate) fn client_for(url: &str) -> Result<&'static Client, &'static str> {
    static DIRECT: OnceLock<Result<Client, String>> = OnceLock::new();
    static PROXIED: OnceLock<Result<Client, String>> = OnceLock::new();
    let client = if url.starts_with("http:") {
        DIRECT.get_or_init(|| build(Client::builder().no_proxy()))
    } else {
        PROXIED.get_or_init(|| with_extra_certificates(Client::builder()).and_then(build))
    };
    client.as_ref().map_err(String::as_str)
}

fn build(builder: ClientBuilder) -> Result<Client, String> {
    let same_origin = redirect::Policy::custom(|attempt| {
        let first = attempt.previous().first().map(url::Url::origin);
        if first != Some(attempt.url().origin()) {
            attempt.error("a redirect to another origin is not followed")
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    });
    builder
        .redirect(same_origin)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .user_agent(concat!("oidc-spa-native/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("the HTTP client cannot be made: {error:?}"))
}

/// Node.js' own variable for certificates beyond the system's.
fn with_extra_certificates(builder: ClientBuilder) -> Result<ClientBuilder, String> {
    let Some(path) = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty()) else {
        return Ok(builder);
    };
    let failed = |error: &dyn std::fmt::Display| format!("NODE_EXTRA_CA_CERTS={}: {error}", path.display());
    let pem = std::fs::read(&path).map_err(|error| failed(&error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
    Ok(builder.tls_certs_merge(certificates))
}
