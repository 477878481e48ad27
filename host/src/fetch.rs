//! Fetches an issuer's metadata and JWK Set over the network.
//!
//! In: an issuer, limits.
//! Out: a `JwkSet` and its time of freshness, or a sentence that says which request failed, how, and what helps.
//! Never: an address that is nearer than the issuer that names it, a secret of a URL in a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::{JwkSet, JwkSetError, SkippedKey};
use oidc_spa_native::keys::metadata::Metadata;
use oidc_spa_native::rejection::Shown;
use url::{Origin, Url};

use crate::events::FetchTrace;
use crate::exchange::{Answer, GetError, Inquiry, Validators, ask};
use crate::network::reach::Reach;
use crate::network::{Network, NetworkOptions, Word};
use crate::runtime::apart;

/// How long metadata is used, unless the JWK Set cannot be fetched from its URL.
const METADATA_AGE: Duration = Duration::from_secs(3600);

/// Media types of metadata (RFC 8414 section 3.2) and of a JWK Set (RFC 7517 section 8.5). Some servers know only one
/// name of the latter.
const METADATA_TYPES: &str = "application/json, */*;q=0.1";
const JWK_SET_TYPES: &str = "application/jwk-set+json, application/json;q=0.9, */*;q=0.1";

/// Size limit of each document in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FetchLimits {
    pub metadata_bytes: usize,
    pub jwk_set_bytes: usize,
}

/// The URLs and settings of the fetches. Validators that name the same plan share the keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FetchPlan {
    pub issuer: Issuer,
    /// The URLs of the JWK Set; `None`: the URL in the metadata.
    pub jwk_set_urls: Option<Vec<String>>,
    pub limits: FetchLimits,
    pub network: NetworkOptions,
}

impl FetchPlan {
    /// The servers that the application names. Each gets the application's own header fields.
    fn configured_origins(&self) -> Vec<Origin> {
        match &self.jwk_set_urls {
            Some(urls) => urls.iter().filter_map(|url| origin_of(url)).collect(),
            None => self.issuer.metadata_urls().first().and_then(|url| origin_of(url)).into_iter().collect(),
        }
    }
}

/// The origin of a URL.
pub(crate) fn origin_of(url: &str) -> Option<Origin> {
    Url::parse(url).ok().map(|url| url.origin())
}

/// Fetches by one plan repeatedly. It remembers values that save the issuer work.
#[derive(Debug)]
pub(crate) struct Fetcher {
    plan: FetchPlan,
    network: Network,
    configured: Vec<Origin>,
    metadata: Option<Known<KeysPlace>>,
    metadata_good_until: Option<Instant>,
    /// The validators of the last JWK Set.
    jwk_set: Option<Known<()>>,
}

/// A document that was fetched.
#[derive(Debug)]
struct Known<T> {
    url: String,
    document: T,
    validators: Validators,
}

/// The URL of the keys in the metadata, and the address of the server that gave the metadata.
#[derive(Clone, Debug)]
struct KeysPlace {
    jwks_uri: String,
    issuer_at: Reach,
}

/// The result of a fetch.
#[derive(Debug)]
pub(crate) struct FetchedKeys {
    /// The keys and their document; `None`: the keys of the last fetch are unchanged.
    pub keys: Option<(JwkSet, Arc<str>)>,
    /// How long the keys are fresh, in milliseconds, by the issuer.
    pub lifetime_millis: Option<u64>,
    /// By how many seconds the server's clock is ahead of this one.
    pub clock_skew_secs: Option<i64>,
}

/// Why a fetch failed.
#[derive(Debug)]
pub(crate) struct FetchFailure {
    pub message: String,
    /// The pause that the issuer asks for, in milliseconds.
    pub retry_after_millis: Option<u64>,
    /// The keys of a JWK Set that has no usable one.
    pub skipped: Vec<SkippedKey>,
}

impl Fetcher {
    pub(crate) fn new(plan: FetchPlan) -> Result<Self, FetchFailure> {
        let network =
            Network::new(plan.network.clone()).map_err(|error| FetchFailure::new(error.to_string()))?;
        let configured = plan.configured_origins();
        Ok(Self { plan, network, configured, metadata: None, metadata_good_until: None, jwk_set: None })
    }

    /// Fetches the keys that the issuer publishes now.
    pub(crate) async fn fetch(&mut self) -> Result<FetchedKeys, FetchFailure> {
        let Some(urls) = self.plan.jwk_set_urls.clone() else {
            let KeysPlace { jwks_uri, issuer_at } = self.keys_place().await?;
            let fetched = self.fetch_from(jwks_uri, Word::OfIssuerAt(issuer_at)).await;
            if fetched.is_err() {
                // The issuer may have changed the URL of its keys.
                self.metadata_good_until = None;
            }
            return fetched;
        };
        let mut failure: Option<FetchFailure> = None;
        for url in urls {
            match self.fetch_from(url, Word::Configured).await {
                Ok(fetched) => return Ok(fetched),
                Err(next) => failure = Some(next.after(failure)),
            }
        }
        Err(failure.unwrap_or_else(|| FetchFailure::new("there is no URL to fetch keys from".into())))
    }

    async fn fetch_from(&mut self, url: String, word: Word) -> Result<FetchedKeys, FetchFailure> {
        let known = self.jwk_set.as_ref().filter(|known| known.url == url);
        let inquiry = Inquiry {
            url: &url,
            word,
            accept: JWK_SET_TYPES,
            with_headers: self.is_configured(&url),
            limit: self.plan.limits.jwk_set_bytes,
            limit_name: "limits.jwkSetBytes",
        };
        let trace = FetchTrace::begin("keys", self.plan.issuer.as_str(), &server_of(&url));
        let asked = ask(&mut self.network, inquiry, known.map(|known| &known.validators)).await;
        tell_end(trace, &asked);
        let Answer { document, lifetime_millis, clock_skew_secs, .. } = asked.map_err(|error| {
            let message = format!("Failed to fetch public key and algorithm from {}: {error}", shown(&url));
            FetchFailure { retry_after_millis: error.retry_after_millis(), ..FetchFailure::new(message) }
        })?;
        let Some((body, validators)) = document else {
            return Ok(FetchedKeys { keys: None, lifetime_millis, clock_skew_secs });
        };
        let keys = apart(move || {
            let keys = JwkSet::parse(&body)?;
            // The document is UTF-8, since it was parsed.
            Ok((keys, Arc::from(String::from_utf8_lossy(&body))))
        });
        let keys = keys.await.map_err(FetchFailure::new)?;
        let keys = keys.map_err(|error: JwkSetError| {
            let message = format!("{} does not have the expected shape: {error}", shown(&url));
            let skipped =
                if let JwkSetError::NoneUsable { skipped, .. } = error { skipped } else { Vec::new() };
            FetchFailure { skipped, ..FetchFailure::new(message) }
        })?;
        self.jwk_set = Some(Known { url, document: (), validators });
        Ok(FetchedKeys { keys: Some(keys), lifetime_millis, clock_skew_secs })
    }

    /// The URL of the keys, from the metadata of OpenID Connect Discovery, or else from the other places of metadata.
    /// After an unusable answer the next place is asked; if the server does not answer, no further place is asked.
    async fn keys_place(&mut self) -> Result<KeysPlace, FetchFailure> {
        let now = Instant::now();
        if let (Some(known), Some(end)) = (&self.metadata, self.metadata_good_until)
            && now < end
        {
            return Ok(known.document.clone());
        }
        let issuer = &self.plan.issuer;
        let mut failure = FetchFailure::new(format!(
            "Failed to fetch openid configuration of the issuerUri: {}",
            issuer.as_str()
        ));
        for url in issuer.metadata_urls() {
            match self.metadata_at(&url).await {
                Ok(place) => {
                    self.metadata_good_until = Some(now + METADATA_AGE);
                    return Ok(place);
                }
                Err(error) => {
                    let is_last = !error.is_answer();
                    failure.add(&url, &error);
                    if is_last {
                        return Err(failure);
                    }
                }
            }
        }
        failure.message.push_str(". If it publishes no metadata, write where its keys are as `jwksUri`");
        Err(failure)
    }

    async fn metadata_at(&mut self, url: &str) -> Result<KeysPlace, MetadataFailure> {
        let known = self.metadata.as_ref().filter(|known| known.url == url);
        let inquiry = Inquiry {
            url,
            word: Word::Configured,
            accept: METADATA_TYPES,
            with_headers: self.is_configured(url),
            limit: self.plan.limits.metadata_bytes,
            limit_name: "limits.metadataBytes",
        };
        let trace = FetchTrace::begin("metadata", self.plan.issuer.as_str(), &server_of(url));
        let asked = ask(&mut self.network, inquiry, known.map(|known| &known.validators)).await;
        tell_end(trace, &asked);
        let answer = asked?;
        let Some((body, validators)) = answer.document else {
            // The request had the validators of the present document.
            let known = self.metadata.as_mut().ok_or(MetadataFailure::Unchanged)?;
            known.document.issuer_at = answer.from;
            return Ok(known.document.clone());
        };
        let issuer = self.plan.issuer.clone();
        let read = apart(move || Metadata::parse(&body, &issuer)).await.map_err(MetadataFailure::NotRead)?;
        let Metadata { jwks_uri } = read?;
        let document = KeysPlace { jwks_uri, issuer_at: answer.from };
        self.metadata = Some(Known { url: url.to_owned(), document: document.clone(), validators });
        Ok(document)
    }

    fn is_configured(&self, url: &str) -> bool {
        origin_of(url).is_some_and(|origin| self.configured.contains(&origin))
    }
}

fn tell_end(trace: FetchTrace, asked: &Result<Answer, GetError>) {
    match asked {
        Ok(Answer { document, .. }) => trace.succeeded(document.as_ref().map(|(body, _)| body.len())),
        Err(error) => trace.failed(error.status(), &error.to_string()),
    }
}

/// The origin that is asked, as events name it. A URL may hold a secret.
fn server_of(url: &str) -> String {
    origin_of(url).map(|origin| origin.ascii_serialization()).unwrap_or_default()
}

/// Why one place of the metadata was of no use.
#[derive(Debug, thiserror::Error)]
enum MetadataFailure {
    #[error("{0}")]
    NotFetched(GetError),
    #[error("{0}")]
    NotUsable(#[from] oidc_spa_native::keys::metadata::MetadataError),
    #[error("answered that nothing has changed")]
    Unchanged,
    #[error("{0}")]
    NotRead(String),
}

impl From<GetError> for MetadataFailure {
    fn from(error: GetError) -> Self {
        Self::NotFetched(error)
    }
}

impl MetadataFailure {
    const fn is_answer(&self) -> bool {
        match self {
            Self::NotFetched(error) => error.is_answer(),
            Self::NotUsable(_) | Self::Unchanged | Self::NotRead(_) => true,
        }
    }

    const fn retry_after_millis(&self) -> Option<u64> {
        match self {
            Self::NotFetched(error) => error.retry_after_millis(),
            Self::NotUsable(_) | Self::Unchanged | Self::NotRead(_) => None,
        }
    }
}

impl FetchFailure {
    pub(crate) const fn new(message: String) -> Self {
        Self { message, retry_after_millis: None, skipped: Vec::new() }
    }

    /// Adds this failure after the earlier ones. The shortest requested pause counts.
    fn after(self, before: Option<Self>) -> Self {
        match before {
            None => self,
            Some(before) => Self {
                message: format!("{}; {}", before.message, self.message),
                retry_after_millis: before.retry_after_millis.min(self.retry_after_millis),
                skipped: [before.skipped, self.skipped].concat(),
            },
        }
    }

    /// Adds the failure of one place of the metadata. The longest requested pause counts, since all places are on one
    /// server.
    fn add(&mut self, url: &str, error: &MetadataFailure) {
        self.message.push_str(&format!("; {}: {error}", shown(url)));
        self.retry_after_millis = self.retry_after_millis.max(error.retry_after_millis());
    }
}

/// A URL as a message shows it: without its query, which may hold a secret, and cut, since an issuer may have chosen it.
fn shown(url: &str) -> Shown<'_> {
    Shown(url.split_once('?').map_or(url, |(before, _)| before))
}
