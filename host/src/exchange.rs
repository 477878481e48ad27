//! One HTTP request to a server, and its answer within limits.
//!
//! In: a URL and its source; the validators of an earlier answer.
//! Out: a document, or that it has not changed, and the address of the server; or what went wrong, and what helps.
//! Never: a body without a size limit, a wait without an end, a header's value in a message.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headers::{CacheControl, Date, Expires, HeaderMapExt};
use oidc_spa_native::rejection::Shown;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, AGE, CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, RETRY_AFTER,
};
use url::Url;

use crate::content_coding::{CodingError, decoded};
use crate::network::reach::{Reach, TooNear};
use crate::network::{Network, Word, trust};

/// The requested document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inquiry<'q> {
    pub url: &'q str,
    pub word: Word,
    /// Media types, as `Accept` lists them.
    pub accept: &'static str,
    /// Whether the application's own fields belong to this server.
    pub with_headers: bool,
    /// Size limit in bytes, for the body as sent and after decoding.
    pub limit: usize,
    /// The option that raises this limit.
    pub limit_name: &'static str,
}

/// The validators of a document (RFC 9110 section 8.8).
#[derive(Clone, Debug, Default)]
pub(crate) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// The answer of a server.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `None`: nothing has changed since the validators were given.
    pub document: Option<(Vec<u8>, Validators)>,
    /// How long the answer is fresh, in milliseconds, by the server.
    pub lifetime_millis: Option<u64>,
    /// By how many seconds the server's clock is ahead of this one, to the second.
    pub clock_skew_secs: Option<i64>,
    /// The address of the server.
    pub from: Reach,
}

/// Why a document was not fetched.
#[derive(Debug)]
pub(crate) enum GetError {
    Status { status: StatusCode, is_plain: bool, retry_after_millis: Option<u64> },
    TooLong { limit: usize, option: &'static str },
    Coding(CodingError),
    Timeout(Duration),
    Network(reqwest::Error),
    Client(String),
}

impl GetError {
    /// The status of an answer that is no document.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// How long the server asks to be left alone, in milliseconds.
    pub(crate) const fn retry_after_millis(&self) -> Option<u64> {
        match self {
            Self::Status { retry_after_millis, .. } => *retry_after_millis,
            _ => None,
        }
    }

    /// Whether the server answered, without such a document or with an unusable one.
    pub(crate) const fn is_answer(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::TooLong { .. } | Self::Coding(_))
    }
}

impl std::fmt::Display for GetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { status, is_plain, .. } => {
                write!(f, "expected HTTP status 200, got {status}")?;
                match *status {
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                        f.write_str("; `network.headers` are sent to the configured origin")
                    }
                    // The answer of nginx to plain http at a port for TLS.
                    StatusCode::BAD_REQUEST if *is_plain => write!(f, "; {OF_TLS}"),
                    _ => Ok(()),
                }
            }
            Self::TooLong { limit, option } => {
                write!(f, "the answer is longer than {limit} bytes (`{option}`)")
            }
            Self::Coding(error) => write!(f, "{error}"),
            Self::Timeout(timeout) => {
                write!(f, "no complete answer within {} seconds (`network.timeoutMs`)", timeout.as_secs_f32())
            }
            Self::Network(error) => describe(error, f),
            Self::Client(error) => f.write_str(error),
        }
    }
}

/// The outer errors repeat the URL; the innermost one says what happened.
fn describe(error: &reqwest::Error, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        // An I/O error may wrap an error of the resolver or of TLS without naming it as its source.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match wrapped.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| cause.source()) {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    if let Some(refused) = cause.downcast_ref::<TooNear>() {
        return write!(f, "{refused}");
    }
    // Some text comes from the server, for instance the names of its certificate.
    write!(f, "{}", Shown(&cause.to_string()))?;
    match cause.downcast_ref().and_then(trust::remedy).or_else(|| remedy(error, cause)) {
        Some(remedy) => write!(f, ": {remedy}"),
        None => Ok(()),
    }
}

const OF_TLS: &str = "if the server speaks TLS at this port, write an https URL";

/// The advice if there was no answer. `trust::remedy` has the advice for TLS.
fn remedy(error: &reqwest::Error, cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let is_plain = error.url().is_some_and(|url| url.scheme() == "http");
    if is_plain && cause.downcast_ref().is_some_and(hyper::Error::is_incomplete_message) {
        return Some(OF_TLS);
    }
    let refused = cause.downcast_ref::<std::io::Error>()?.kind() == std::io::ErrorKind::ConnectionRefused;
    refused.then_some(
        "nothing listens at this host and port: see whether the server runs and this is its port. In a container \
         `localhost` is the container itself",
    )
}

/// By how many seconds `Date` is ahead of the middle of the exchange. A cache, which says so by `Age`, tells when it got the
/// answer, and not what time it is (RFC 9111 section 5.1).
fn clock_skew_secs(headers: &HeaderMap, sent_at: SystemTime, received_at: SystemTime) -> Option<i64> {
    if headers.contains_key(AGE) {
        return None;
    }
    let date: SystemTime = headers.typed_get::<Date>()?.into();
    let millis = |time: SystemTime| i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok();
    let (sent, received) = (millis(sent_at)?, millis(received_at)?);
    // `Date` is cut to the second: on average it is half of one behind.
    let ahead = millis(date)?.checked_add(500)?.checked_sub(sent.checked_add(received)? / 2)?;
    Some(ahead.checked_add(500)?.div_euclid(1000))
}

/// Sends the request. With the validators of a document, the answer may be that it has not changed.
pub(crate) async fn ask(
    network: &mut Network,
    inquiry: Inquiry<'_>,
    known: Option<&Validators>,
) -> Result<Answer, GetError> {
    let timeout = network.timeout();
    let failed = |error: reqwest::Error| {
        if error.is_timeout() { GetError::Timeout(timeout) } else { GetError::Network(error) }
    };
    let url = Url::parse(inquiry.url).map_err(|error| GetError::Client(error.to_string()))?;
    let way = network.way_to(&url, inquiry.word).map_err(GetError::Client)?;
    let is_plain = url.scheme() == "http";
    let mut request = way.client.get(url).header(ACCEPT, inquiry.accept);
    if inquiry.with_headers {
        request = request.headers(network.headers().clone());
    }
    if let Some(etag) = known.and_then(|known| known.etag.clone()) {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(date) = known.and_then(|known| known.last_modified.clone()) {
        request = request.header(IF_MODIFIED_SINCE, date);
    }
    let sent_at = SystemTime::now();
    let response = request.send().await.map_err(failed)?;
    let clock_skew_secs = clock_skew_secs(response.headers(), sent_at, SystemTime::now());
    let from = way.reach(response.remote_addr());
    let lifetime_millis = lifetime_millis(response.headers());
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if known.is_some() => {
            return Ok(Answer { document: None, lifetime_millis, clock_skew_secs, from });
        }
        status => {
            let retry_after_millis = retry_after_millis(response.headers());
            return Err(GetError::Status { status, is_plain, retry_after_millis });
        }
    }
    let headers = response.headers();
    let validators =
        Validators { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() };
    let codings: Vec<HeaderValue> = headers.get_all(CONTENT_ENCODING).iter().cloned().collect();
    let too_long = || GetError::TooLong { limit: inquiry.limit, option: inquiry.limit_name };
    let body = bounded_body(response, inquiry.limit).await.map_err(failed)?.ok_or_else(too_long)?;
    let body = decoded(body, codings.iter(), inquiry.limit).map_err(|error| match error {
        CodingError::TooLong => too_long(),
        error => GetError::Coding(error),
    })?;
    Ok(Answer { document: Some((body, validators)), lifetime_millis, clock_skew_secs, from })
}

/// The body, unless it is too long.
async fn bounded_body(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_a_server_is_told_by_its_date_and_by_no_cache() {
        let at = |millis: u64| UNIX_EPOCH + Duration::from_millis(millis);
        let skew = |fields: &[(&'static str, &'static str)], sent: u64, received: u64| {
            let fields = fields.iter().map(|(name, value)| {
                (reqwest::header::HeaderName::from_static(name), HeaderValue::from_static(value))
            });
            clock_skew_secs(&fields.collect(), at(sent), at(received))
        };
        // 1000000000 seconds.
        let date = ("date", "Sun, 09 Sep 2001 01:46:40 GMT");
        for (sent, received, expected) in [
            (1_000_000_000_100, 1_000_000_000_300, 0),
            (1_000_000_000_900, 1_000_000_001_000, 0),
            (1_000_000_030_500, 1_000_000_030_500, -30),
            (999_999_970_400, 999_999_970_600, 30),
            (1_000_000_000_000, 1_000_000_004_000, -1),
        ] {
            assert_eq!(skew(&[date], sent, received), Some(expected), "{sent}");
        }
        assert_eq!(skew(&[date, ("age", "3")], 1_000_000_000_000, 1_000_000_000_000), None);
        assert_eq!(skew(&[], 0, 0), None);
        assert_eq!(skew(&[("date", "yesterday")], 0, 0), None);
    }
}
