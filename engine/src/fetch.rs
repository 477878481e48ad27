//! Fetches an issuer's metadata and JWK Set, as a state machine: the program around makes the requests.
//!
//! In: a plan; the answers to its requests.
//! Out: the next request, or the keys and their time of freshness, or why there are none.
//! Never: a connection, a clock; an address that is nearer than the issuer that names it.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use oidc_spa_native::keys::jwk_set::{JwkSet, JwkSetError};
use oidc_spa_native::keys::metadata::Metadata;
use oidc_spa_native::time::Monotonic;
use url::{Origin, Url};

use crate::events::FetchTrace;
use crate::failure::{FetchFailure, GetError, MetadataFailure, shown};
use crate::http_answer::{HttpAnswer, Reading, Validators, read_answer, redirected_to};
use crate::moment::Moment;
use crate::options_error::OptionsError;
use crate::plan::{FetchPlan, origin_of};
use crate::reach::{Bound, Reach, UrlSource};
use crate::redirect::check_redirect;

/// How long metadata is used, unless the JWK Set cannot be fetched from its URL.
const METADATA_AGE_MILLIS: u64 = 3_600_000;

/// Media types of metadata (RFC 8414 section 3.2) and of a JWK Set (RFC 7517 section 8.5). Some servers know only one
/// name of the latter.
const METADATA_TYPES: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");
const JWK_SET_TYPES: HeaderValue =
    HeaderValue::from_static("application/jwk-set+json, application/json;q=0.9, */*;q=0.1");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("oidc-spa-native/", env!("CARGO_PKG_VERSION")));

/// One GET request, which the program around makes.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The URL.
    pub url: Url,
    /// How near its address may be.
    pub bound: Bound,
    /// All header fields. Some may be secrets.
    pub headers: HeaderMap,
    /// Size limit of the document of a status 200 in bytes, after decoding. No other body is read.
    pub limit: usize,
    pub(crate) limit_name: &'static str,
}

impl HttpRequest {
    /// The error of a document that is longer than the limit.
    pub const fn too_long(&self) -> GetError {
        GetError::TooLong { limit: self.limit, option: self.limit_name }
    }
}

/// What is done next.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// This request is made. [`Fetcher::answered`] takes its answer.
    Ask(HttpRequest),
    /// The fetch ended.
    Done(Result<FetchedKeys, FetchFailure>),
}

/// The keys that a fetch brought.
#[derive(Debug)]
pub struct FetchedKeys {
    /// The keys and their document; `None`: the keys of the last fetch are unchanged.
    pub keys: Option<(JwkSet, Arc<str>)>,
    /// How long the keys are fresh, in milliseconds, by the issuer.
    pub lifetime_millis: Option<u64>,
    /// By how many seconds the server's clock is ahead of this one.
    pub clock_skew_secs: Option<i64>,
}

/// Fetches by one plan repeatedly. It remembers values that save the issuer work.
#[derive(Debug)]
pub struct Fetcher {
    plan: FetchPlan,
    /// The application's own fields, for the servers that it names.
    headers: HeaderMap,
    configured: Vec<Origin>,
    metadata: Option<Known<KeysPlace>>,
    metadata_good_until: Option<Monotonic>,
    /// The validators of the last JWK Set.
    jwk_set: Option<Known<()>>,
    stage: Option<Stage>,
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

/// The request that is under way, and what comes after it.
#[derive(Debug)]
struct Stage {
    asked: Asked,
    then: Then,
}

/// What an answer is for.
#[derive(Debug)]
enum Then {
    /// Metadata: these places are left, after the places that failed so.
    Metadata { left: std::vec::IntoIter<String>, failure: FetchFailure, begun: Monotonic },
    /// A JWK Set at the URL that the metadata gave.
    NamedKeys,
    /// A JWK Set at a URL of the application: these URLs are left, after those that failed so.
    ConfiguredKeys { left: std::vec::IntoIter<String>, failure: Option<FetchFailure> },
}

/// A request, redirects included.
#[derive(Debug)]
struct Asked {
    /// The URL as it was written.
    text: String,
    /// The URL before the first redirect; `None` if the text is no URL.
    first: Option<Url>,
    current: Option<Url>,
    source: UrlSource,
    is_conditional: bool,
    redirects: usize,
    sent_at: SystemTime,
    trace: Option<FetchTrace>,
}

impl Fetcher {
    /// A fetcher for this plan. The error is one of a member of `network`.
    pub fn new(plan: FetchPlan) -> Result<Self, OptionsError> {
        let (headers, configured) = (plan.network.header_map()?, plan.configured_origins());
        Ok(Self {
            plan,
            headers,
            configured,
            metadata: None,
            metadata_good_until: None,
            jwk_set: None,
            stage: None,
        })
    }

    /// Begins to fetch the keys that the issuer publishes now. A fetch that was under way is given up.
    pub fn begin(&mut self, at: Moment) -> Step {
        let first = self.first(at);
        self.naming_the_function(first)
    }

    /// Takes the answer to the request that is under way, or why there is none.
    pub fn answered(&mut self, answer: Result<HttpAnswer, GetError>, at: Moment) -> Step {
        let next = self.after(answer, at);
        self.naming_the_function(next)
    }

    fn naming_the_function(&self, mut step: Step) -> Step {
        if let (Step::Done(Err(failure)), Some(_)) = (&mut step, self.plan.network.fetch) {
            failure.message.push_str(". The requests are made by `network.fetch`");
        }
        step
    }

    fn first(&mut self, at: Moment) -> Step {
        self.stage = None;
        if let Some(urls) = self.plan.jwk_set_urls.clone() {
            return self.ask_configured(urls.into_iter(), None, at);
        }
        if let (Some(known), Some(end)) = (&self.metadata, self.metadata_good_until)
            && at.steady < end
        {
            let place = known.document.clone();
            return self.ask_named(place, at);
        }
        let issuer = &self.plan.issuer;
        let text = format!("Failed to fetch openid configuration of the issuerUri: {}", issuer.as_str());
        let left = issuer.metadata_urls().into_iter();
        self.ask_metadata(left, FetchFailure::new(text), at.steady, at)
    }

    fn after(&mut self, answer: Result<HttpAnswer, GetError>, at: Moment) -> Step {
        let Some(Stage { mut asked, then }) = self.stage.take() else {
            return Step::Done(Err(FetchFailure::new("internal error: an answer to no request".into())));
        };
        let read = match answer {
            Ok(answer) => match asked.redirect(&answer) {
                Some(Ok(())) => return self.request(asked, then, at),
                Some(Err(error)) => Err(error),
                None => asked.read(answer),
            },
            Err(error) => Err(error),
        };
        self.ended(asked, then, read, at)
    }

    /// A request has its final answer.
    fn ended(&mut self, mut asked: Asked, then: Then, read: Result<Reading, GetError>, at: Moment) -> Step {
        asked.end_trace(&read);
        match then {
            Then::Metadata { left, mut failure, begun } => match self.read_metadata(&asked.text, read) {
                Ok(place) => {
                    self.metadata_good_until = Some(begun.plus_millis(METADATA_AGE_MILLIS));
                    self.ask_named(place, at)
                }
                // After an unusable answer the next place is asked; if the server does not answer, none is.
                Err(error) => {
                    failure.add(&asked.text, &error);
                    if error.is_answer() {
                        self.ask_metadata(left, failure, begun, at)
                    } else {
                        Step::Done(Err(failure))
                    }
                }
            },
            Then::NamedKeys => {
                let fetched = self.read_keys(asked.text, read);
                if fetched.is_err() {
                    // The issuer may have changed the URL of its keys.
                    self.metadata_good_until = None;
                }
                Step::Done(fetched)
            }
            Then::ConfiguredKeys { left, failure } => match self.read_keys(asked.text, read) {
                Ok(fetched) => Step::Done(Ok(fetched)),
                Err(next) => self.ask_configured(left, Some(next.after(failure)), at),
            },
        }
    }

    fn ask_metadata(
        &mut self,
        mut left: std::vec::IntoIter<String>,
        mut failure: FetchFailure,
        begun: Monotonic,
        at: Moment,
    ) -> Step {
        let Some(url) = left.next() else {
            failure.message.push_str(". If it publishes no metadata, write where its keys are as `jwksUri`");
            return Step::Done(Err(failure));
        };
        let is_conditional = self.metadata.as_ref().is_some_and(|known| known.url == url);
        let asked = Asked::new("metadata", &self.plan, url, UrlSource::Configured, is_conditional, at);
        self.request(asked, Then::Metadata { left, failure, begun }, at)
    }

    fn ask_named(&mut self, KeysPlace { jwks_uri, issuer_at }: KeysPlace, at: Moment) -> Step {
        let asked = self.asked_for_keys(jwks_uri, UrlSource::OfIssuerAt(issuer_at), at);
        self.request(asked, Then::NamedKeys, at)
    }

    fn ask_configured(
        &mut self,
        mut left: std::vec::IntoIter<String>,
        failure: Option<FetchFailure>,
        at: Moment,
    ) -> Step {
        let Some(url) = left.next() else {
            let none = || FetchFailure::new("there is no URL to fetch keys from".into());
            return Step::Done(Err(failure.unwrap_or_else(none)));
        };
        let asked = self.asked_for_keys(url, UrlSource::Configured, at);
        self.request(asked, Then::ConfiguredKeys { left, failure }, at)
    }

    fn asked_for_keys(&self, url: String, source: UrlSource, at: Moment) -> Asked {
        let is_conditional = self.jwk_set.as_ref().is_some_and(|known| known.url == url);
        Asked::new("keys", &self.plan, url, source, is_conditional, at)
    }

    /// Makes the next request, unless its URL may not be asked.
    fn request(&mut self, asked: Asked, then: Then, at: Moment) -> Step {
        let limits = self.plan.limits;
        let (accept, limit, limit_name, known) = match then {
            Then::Metadata { .. } => {
                let known = self.metadata.as_ref().map(|known| &known.validators);
                (METADATA_TYPES, limits.metadata_bytes, "limits.metadataBytes", known)
            }
            Then::NamedKeys | Then::ConfiguredKeys { .. } => {
                let known = self.jwk_set.as_ref().map(|known| &known.validators);
                (JWK_SET_TYPES, limits.jwk_set_bytes, "limits.jwkSetBytes", known)
            }
        };
        let bound = Bound::of(self.plan.network.private_addresses, asked.source);
        let url = asked.current.clone().ok_or_else(|| "the URL cannot be read".to_owned());
        let allowed = url.and_then(|url| match bound.check_literal(&url) {
            Ok(()) => Ok(url),
            Err(refused) => Err(refused.to_string()),
        });
        let url = match allowed {
            Ok(url) => url,
            Err(why) => return self.ended(asked, then, Err(GetError::NoAnswer(why)), at),
        };
        let mut headers = HeaderMap::from_iter([(USER_AGENT, AGENT), (ACCEPT, accept)]);
        if self.configured.contains(&url.origin()) {
            self.headers.iter().for_each(|(name, value)| drop(headers.insert(name, value.clone())));
        }
        if let Some(known) = known.filter(|_| asked.is_conditional) {
            known.write(&mut headers);
        }
        self.stage = Some(Stage { asked, then });
        Step::Ask(HttpRequest { url, bound, headers, limit, limit_name })
    }

    fn read_metadata(
        &mut self,
        url: &str,
        read: Result<Reading, GetError>,
    ) -> Result<KeysPlace, MetadataFailure> {
        let Reading { document, from, .. } = read.map_err(MetadataFailure::NotFetched)?;
        let Some((body, validators)) = document else {
            // The request had the validators of the present document.
            let known = self.metadata.as_mut().ok_or(MetadataFailure::Unchanged)?;
            known.document.issuer_at = from;
            return Ok(known.document.clone());
        };
        let Metadata { jwks_uri } = Metadata::parse(&body, &self.plan.issuer)?;
        let document = KeysPlace { jwks_uri, issuer_at: from };
        self.metadata = Some(Known { url: url.to_owned(), document: document.clone(), validators });
        Ok(document)
    }

    fn read_keys(
        &mut self,
        url: String,
        read: Result<Reading, GetError>,
    ) -> Result<FetchedKeys, FetchFailure> {
        let Reading { document, lifetime_millis, clock_skew_secs, .. } = read.map_err(|error| {
            let message = format!("Failed to fetch public key and algorithm from {}: {error}", shown(&url));
            FetchFailure { retry_after_millis: error.retry_after_millis(), ..FetchFailure::new(message) }
        })?;
        let Some((body, validators)) = document else {
            return Ok(FetchedKeys { keys: None, lifetime_millis, clock_skew_secs });
        };
        let keys = JwkSet::parse(&body).map_err(|error| {
            let message = format!("{} does not have the expected shape: {error}", shown(&url));
            let skipped =
                if let JwkSetError::NoneUsable { skipped, .. } = error { skipped } else { Vec::new() };
            FetchFailure { skipped, ..FetchFailure::new(message) }
        })?;
        // The document is UTF-8, since it was parsed.
        let document = Arc::from(String::from_utf8_lossy(&body));
        self.jwk_set = Some(Known { url, document: (), validators });
        Ok(FetchedKeys { keys: Some((keys, document)), lifetime_millis, clock_skew_secs })
    }
}

impl Asked {
    fn new(
        kind: &'static str,
        plan: &FetchPlan,
        text: String,
        source: UrlSource,
        is_conditional: bool,
        at: Moment,
    ) -> Self {
        // A URL may hold a secret: events name the origin alone.
        let server = origin_of(&text).map(|origin| origin.ascii_serialization()).unwrap_or_default();
        let trace = Some(FetchTrace::begin(kind, plan.issuer.as_str(), &server));
        let first = Url::parse(&text).ok();
        let current = first.clone();
        Self { text, first, current, source, is_conditional, redirects: 0, sent_at: at.wall, trace }
    }

    /// Follows a redirect, if the answer is one, or says why it is not followed.
    fn redirect(&mut self, answer: &HttpAnswer) -> Option<Result<(), GetError>> {
        let (first, current) = (self.first.as_ref()?, self.current.as_ref()?);
        let next = redirected_to(answer, current)?;
        self.redirects += 1;
        let checked = check_redirect(first, &next, self.redirects);
        self.current = Some(next);
        Some(checked.map_err(|why| GetError::NoAnswer(why.to_owned())))
    }

    fn read(&self, answer: HttpAnswer) -> Result<Reading, GetError> {
        let is_plain = self.current.as_ref().is_some_and(|url| url.scheme() == "http");
        read_answer(answer, is_plain, self.is_conditional, self.sent_at)
    }

    fn end_trace(&mut self, read: &Result<Reading, GetError>) {
        let Some(trace) = self.trace.take() else { return };
        match read {
            Ok(Reading { document, .. }) => trace.succeeded(document.as_ref().map(|(body, _)| body.len())),
            Err(error) => trace.failed(error.status(), &error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
