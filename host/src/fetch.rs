//! Fetches an issuer's metadata and JWK Set over the network.
//!
//! In: an issuer, limits.
//! Out: a `JwkSet` and how long it is good, or a sentence that says which request failed and how.
//! May use: network, reqwest, headers, the validator's documents.
//! Never: a body without a bound, a wait without an end.

use std::time::{Duration, Instant, SystemTime};

use headers::{CacheControl, Expires, HeaderMapExt};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::metadata::{Issuer, Metadata};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AGE, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::header::{LAST_MODIFIED, RETRY_AFTER};

use crate::network::{Network, NetworkOptions};

/// How long metadata is good, unless the JWK Set cannot be fetched where it says.
const METADATA_AGE: Duration = Duration::from_secs(3600);

/// Bytes that are read of each document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FetchLimits {
    pub metadata_bytes: usize,
    pub jwk_set_bytes: usize,
}

/// What is fetched, and how. Validators that name the same plan share the keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FetchPlan {
    pub issuer: Issuer,
    /// Where the JWK Set is; `None`: where the metadata says.
    pub jwk_set_urls: Option<Vec<String>>,
    pub limits: FetchLimits,
    pub network: NetworkOptions,
}

/// Carries a plan out again and again, and remembers what spares the issuer work.
#[derive(Debug)]
pub(crate) struct Fetcher {
    plan: FetchPlan,
    network: Network,
    metadata: Option<Fetched<Metadata>>,
    metadata_good_until: Option<Instant>,
    /// What the last JWK Set can be recognised by.
    jwk_set: Option<Fetched<()>>,
}

/// What a fetch brought.
#[derive(Debug)]
pub(crate) struct FetchedKeys {
    /// The keys; `None`: those of the last fetch, unchanged.
    pub keys: Option<JwkSet>,
    /// How long the issuer says that they are good, in milliseconds.
    pub lifetime_millis: Option<u64>,
}

/// Why a fetch brought nothing.
#[derive(Debug)]
pub(crate) struct FetchFailure {
    pub message: String,
    /// How long the issuer asks to be left alone, in milliseconds.
    pub retry_after_millis: Option<u64>,
}

/// A document that was fetched, and the validators that came with it (RFC 9110 section 8.8).
#[derive(Debug)]
struct Fetched<T> {
    url: String,
    document: T,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Fetcher {
    pub(crate) fn new(plan: FetchPlan) -> Result<Self, FetchFailure> {
        let network = Network::new(plan.network.clone()).map_err(FetchFailure::new)?;
        Ok(Self { plan, network, metadata: None, metadata_good_until: None, jwk_set: None })
    }

    /// Fetches the keys that the issuer publishes now.
    pub(crate) async fn fetch(&mut self) -> Result<FetchedKeys, FetchFailure> {
        let Some(urls) = self.plan.jwk_set_urls.clone() else {
            let uri = self.jwks_uri().await?;
            let fetched = self.fetch_from(uri).await;
            if fetched.is_err() {
                // The issuer may have moved its keys.
                self.metadata_good_until = None;
            }
            return fetched;
        };
        let mut failure: Option<FetchFailure> = None;
        for url in urls {
            match self.fetch_from(url).await {
                Ok(fetched) => return Ok(fetched),
                Err(next) => failure = Some(next.after(failure)),
            }
        }
        Err(failure.unwrap_or_else(|| FetchFailure::new("there is no URL to fetch keys from".into())))
    }

    async fn fetch_from(&mut self, uri: String) -> Result<FetchedKeys, FetchFailure> {
        let known = self.jwk_set.as_ref().filter(|known| known.url == uri);
        let answer =
            get(&self.network, &uri, known, self.plan.limits.jwk_set_bytes).await.map_err(|error| {
                error.named(format_args!("Failed to fetch public key and algorithm from {uri}"))
            })?;
        match answer {
            Answer::Unchanged { lifetime_millis } => Ok(FetchedKeys { keys: None, lifetime_millis }),
            Answer::Document { body, lifetime_millis, etag, last_modified } => {
                let keys = JwkSet::parse(&body).map_err(|error| {
                    FetchFailure::new(format!("{uri} does not have the expected shape: {error}"))
                })?;
                self.jwk_set = Some(Fetched { url: uri, document: (), etag, last_modified });
                Ok(FetchedKeys { keys: Some(keys), lifetime_millis })
            }
        }
    }

    /// OpenID Connect Discovery first; where the issuer answers that there is nothing, RFC 8414.
    async fn jwks_uri(&mut self) -> Result<String, FetchFailure> {
        let now = Instant::now();
        if let (Some(known), Some(end)) = (&self.metadata, self.metadata_good_until)
            && now < end
        {
            return Ok(known.document.jwks_uri.clone());
        }
        let issuer = &self.plan.issuer;
        let [openid, oauth] = issuer.metadata_urls();
        let what =
            format!("Failed to fetch openid configuration of the issuerUri: {} ({openid})", issuer.as_str());
        let (url, answer) = match self.get_metadata(&openid).await {
            Ok(answer) => (openid, answer),
            Err(first @ GetError::Status { .. }) => match self.get_metadata(&oauth).await {
                Ok(answer) => (oauth, answer),
                Err(second) => {
                    let failure = first.named(format_args!("{what}"));
                    let message = format!("{}; {oauth}: {second}", failure.message);
                    return Err(FetchFailure { message, ..failure });
                }
            },
            Err(error) => return Err(error.named(format_args!("{what}"))),
        };
        if let Answer::Document { body, etag, last_modified, .. } = answer {
            let document = Metadata::parse(&body, issuer)
                .map_err(|error| FetchFailure::new(format!("{url}: {error}")))?;
            self.metadata = Some(Fetched { url, document, etag, last_modified });
        }
        match &self.metadata {
            Some(metadata) => {
                self.metadata_good_until = Some(now + METADATA_AGE);
                Ok(metadata.document.jwks_uri.clone())
            }
            None => Err(FetchFailure::new(format!("{what}: answered that nothing has changed"))),
        }
    }

    async fn get_metadata(&self, url: &str) -> Result<Answer, GetError> {
        let known = self.metadata.as_ref().filter(|known| known.url == url);
        get(&self.network, url, known, self.plan.limits.metadata_bytes).await
    }
}

impl FetchFailure {
    pub(crate) const fn new(message: String) -> Self {
        Self { message, retry_after_millis: None }
    }

    /// This failure, told behind those before it. The shortest pause that one of them asked for counts.
    fn after(self, before: Option<Self>) -> Self {
        match before {
            None => self,
            Some(before) => Self {
                message: format!("{}; {}", before.message, self.message),
                retry_after_millis: before.retry_after_millis.min(self.retry_after_millis),
            },
        }
    }
}

/// What a server answered.
#[derive(Debug)]
enum Answer {
    Unchanged {
        lifetime_millis: Option<u64>,
    },
    Document {
        body: Vec<u8>,
        lifetime_millis: Option<u64>,
        etag: Option<HeaderValue>,
        last_modified: Option<HeaderValue>,
    },
}

/// Why a document was not fetched.
#[derive(Debug)]
enum GetError {
    Status { status: StatusCode, retry_after_millis: Option<u64> },
    TooLong(usize),
    Timeout(Duration),
    Network(reqwest::Error),
    Client(String),
}

impl GetError {
    fn named(self, what: std::fmt::Arguments<'_>) -> FetchFailure {
        let message = format!("{what}: {self}");
        match self {
            Self::Status { retry_after_millis, .. } => FetchFailure { message, retry_after_millis },
            _ => FetchFailure::new(message),
        }
    }
}

impl std::fmt::Display for GetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { status, .. } => write!(f, "expected HTTP status 200, got {status}"),
            Self::TooLong(limit) => write!(f, "the answer is longer than {limit} bytes"),
            Self::Timeout(timeout) => {
                write!(f, "no complete answer within {} seconds", timeout.as_secs_f32())
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

async fn get<T>(
    network: &Network,
    url: &str,
    known: Option<&Fetched<T>>,
    limit: usize,
) -> Result<Answer, GetError> {
    let failed = |error: reqwest::Error| {
        if error.is_timeout() { GetError::Timeout(network.timeout()) } else { GetError::Network(error) }
    };
    let client = network.client_for(url).map_err(GetError::Client)?;
    let mut request = client.get(url).header(ACCEPT, "application/json");
    if let Some(etag) = known.and_then(|known| known.etag.clone()) {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(date) = known.and_then(|known| known.last_modified.clone()) {
        request = request.header(IF_MODIFIED_SINCE, date);
    }
    let mut response = request.send().await.map_err(failed)?;
    let headers = response.headers();
    let lifetime_millis = lifetime_millis(headers);
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Answer::Unchanged { lifetime_millis }),
        status => return Err(GetError::Status { status, retry_after_millis: retry_after_millis(headers) }),
    }
    let (etag, last_modified) = (headers.get(ETAG).cloned(), headers.get(LAST_MODIFIED).cloned());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(GetError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer::Document { body, lifetime_millis, etag, last_modified })
}

/// How long an answer is fresh (RFC 9111 section 4.2): `max-age` less `Age`, or `Expires` from now.
fn lifetime_millis(headers: &HeaderMap) -> Option<u64> {
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    let lifetime = match headers.typed_get::<CacheControl>() {
        Some(control) if control.no_store() || control.no_cache() => Some(Duration::ZERO),
        Some(control) => control.max_age().map(|max| max.saturating_sub(Duration::from_secs(age))),
        None => None,
    };
    let lifetime = lifetime.or_else(|| {
        let expires: SystemTime = headers.typed_get::<Expires>()?.into();
        Some(expires.duration_since(SystemTime::now()).unwrap_or_default())
    });
    lifetime.map(millis)
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after_millis(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(millis(pause))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
