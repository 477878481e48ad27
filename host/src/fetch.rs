//! Fetches an issuer's metadata and JWK Set over the network.
//!
//! In: an issuer, limits.
//! Out: a `JwkSet`, or a sentence that says which request failed and how.
//! May use: reqwest, the validator's documents.
//! Never: a redirect to another origin, a body without a bound, a wait without an end.

use std::sync::OnceLock;
use std::time::Duration;

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::metadata::{Issuer, Metadata};
use reqwest::{Certificate, Client, ClientBuilder, StatusCode, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for a whole exchange, a slow body included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Redirects that are followed, all within one origin.
const MAX_REDIRECTS: usize = 3;

/// Bytes that are read of each document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FetchLimits {
    pub metadata_bytes: usize,
    pub jwk_set_bytes: usize,
}

/// Fetches the keys that the issuer publishes now.
pub(crate) async fn fetch_keys(issuer: &Issuer, limits: FetchLimits) -> Result<JwkSet, String> {
    let metadata = fetch_metadata(issuer, limits).await?;
    let uri = metadata.jwks_uri;
    let document = get(&uri, limits.jwk_set_bytes)
        .await
        .map_err(|error| format!("Failed to fetch public key and algorithm from {uri}: {error}"))?;
    JwkSet::parse(&document).map_err(|error| format!("{uri} does not have the expected shape: {error}"))
}

/// OpenID Connect Discovery first; where the issuer answers that there is nothing, RFC 8414.
async fn fetch_metadata(issuer: &Issuer, limits: FetchLimits) -> Result<Metadata, String> {
    let [openid, oauth] = issuer.metadata_urls();
    let failed = |url: &str, error: &FetchError| {
        format!("Failed to fetch openid configuration of the issuerUri: {} ({url}): {error}", issuer.as_str())
    };
    let (url, document) = match get(&openid, limits.metadata_bytes).await {
        Ok(document) => (openid, document),
        Err(error @ FetchError::Status(_)) => match get(&oauth, limits.metadata_bytes).await {
            Ok(document) => (oauth, document),
            Err(second) => return Err(format!("{}; {oauth}: {second}", failed(&openid, &error))),
        },
        Err(error) => return Err(failed(&openid, &error)),
    };
    Metadata::parse(&document, issuer).map_err(|error| format!("{url}: {error}"))
}

/// Why a document was not fetched.
#[derive(Debug)]
enum FetchError {
    Status(StatusCode),
    TooLong(usize),
    Network(reqwest::Error),
    Client(String),
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "expected HTTP status 200, got {status}"),
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Network(error) if error.is_timeout() => {
                write!(f, "no complete answer within {} seconds", TOTAL_TIMEOUT.as_secs())
            }
            Self::Network(error) => {
                // The outer sentences repeat the URL; the innermost one says what happened.
                let mut cause: &dyn std::error::Error = error;
                while let Some(inner) = cause.source() {
                    cause = inner;
                }
                write!(f, "{cause}")
            }
            Self::Client(error) => f.write_str(error),
        }
    }
}

async fn get(url: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
    let client = client_for(url).map_err(|error| FetchError::Client(error.to_owned()))?;
    let request = client.get(url).header("accept", "application/json").timeout(TOTAL_TIMEOUT);
    let mut response = request.send().await.map_err(FetchError::Network)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(FetchError::Network)? {
        if body.len() + chunk.len() > limit {
            return Err(FetchError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Plain http is for this very machine only, and no proxy leads there.
fn client_for(url: &str) -> Result<&'static Client, &'static str> {
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
