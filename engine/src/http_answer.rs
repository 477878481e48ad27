//! What an HTTP answer says beside its document: how long it is fresh, when to ask again, what time it is.
//!
//! In: the status and the header fields of an answer; when it was asked for and when it came.
//! Out: a document with its validators, or why there is none.
//! Never: a clock, a header's value in a message.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headers::{CacheControl, Date, Expires, HeaderMapExt};
use http::header::{AGE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use url::Url;

use crate::failure::GetError;
use crate::reach::Reach;

/// The byte order mark, which RFC 8259 section 8.1 lets a reader ignore.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The content of a status 200, decoded and within the limit of the request; empty for every other status.
    pub body: Vec<u8>,
    /// How near the server is.
    pub from: Reach,
    /// When the header fields came.
    pub received_at: SystemTime,
}

/// The validators of a document (RFC 9110 section 8.8).
#[derive(Clone, Debug, Default)]
pub(crate) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() }
    }

    /// Makes a request conditional.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let fields = [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.last_modified)];
        for (name, value) in fields {
            value.iter().for_each(|value| drop(headers.insert(name.clone(), value.clone())));
        }
    }
}

/// What an answer says.
#[derive(Debug)]
pub(crate) struct Reading {
    /// `None`: nothing has changed since the validators were given.
    pub document: Option<(Vec<u8>, Validators)>,
    /// How long the answer is fresh, in milliseconds, by the server.
    pub lifetime_millis: Option<u64>,
    /// By how many seconds the server's clock is ahead of this one, to the second.
    pub clock_skew_secs: Option<i64>,
    /// How near the server is.
    pub from: Reach,
}

/// The URL to which an answer redirects (RFC 9110 section 15.4), if it does and the URL can be read.
pub(crate) fn redirected_to(answer: &HttpAnswer, asked: &Url) -> Option<Url> {
    let redirects = [301, 302, 303, 307, 308].contains(&answer.status.as_u16());
    let location = answer.headers.get(LOCATION).filter(|_| redirects)?;
    asked.join(location.to_str().ok()?).ok()
}

/// Reads the answer to a request. `is_plain`: it was made by plain http; `is_conditional`: it had validators.
pub(crate) fn read_answer(
    answer: HttpAnswer,
    is_plain: bool,
    is_conditional: bool,
    sent_at: SystemTime,
) -> Result<Reading, GetError> {
    let HttpAnswer { status, headers, body, from, received_at } = answer;
    let clock_skew_secs = clock_skew_secs(&headers, sent_at, received_at);
    let lifetime_millis = lifetime_millis(&headers, received_at);
    let document = match status {
        StatusCode::OK => {
            let content = body.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec);
            Some((content.unwrap_or(body), Validators::of(&headers)))
        }
        StatusCode::NOT_MODIFIED if is_conditional => None,
        status => {
            let retry_after_millis = retry_after_millis(&headers, received_at);
            return Err(GetError::Status { status, is_plain, retry_after_millis });
        }
    };
    Ok(Reading { document, lifetime_millis, clock_skew_secs, from })
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

/// How long an answer is fresh (RFC 9111 section 4.2): `max-age` less `Age`, or `Expires` from now.
fn lifetime_millis(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    let lifetime = match headers.typed_get::<CacheControl>() {
        Some(control) if control.no_store() || control.no_cache() => Some(Duration::ZERO),
        Some(control) => control.max_age().map(|max| max.saturating_sub(Duration::from_secs(age))),
        None => None,
    };
    let lifetime = lifetime.or_else(|| {
        let expires: SystemTime = headers.typed_get::<Expires>()?.into();
        Some(expires.duration_since(now).unwrap_or_default())
    });
    lifetime.map(millis)
}

/// RFC 9110 section 10.2.3: seconds, or a date.
fn retry_after_millis(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(now).unwrap_or_default()
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
    fn that_nothing_has_changed_answers_a_conditional_request_alone() {
        let read = |is_conditional| {
            let answer = HttpAnswer {
                status: StatusCode::NOT_MODIFIED,
                headers: HeaderMap::new(),
                body: Vec::new(),
                from: Reach::Public,
                received_at: UNIX_EPOCH,
            };
            read_answer(answer, false, is_conditional, UNIX_EPOCH)
        };
        assert!(read(true).is_ok_and(|reading| reading.document.is_none()));
        assert!(matches!(read(false), Err(GetError::Status { status: StatusCode::NOT_MODIFIED, .. })));
    }

    #[test]
    fn an_answer_is_fresh_as_long_as_its_server_says() {
        // 1000000000 seconds.
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (fields, expected) in [
            (&[("cache-control", "max-age=600")][..], Some(600_000)),
            (&[("cache-control", "max-age=600"), ("age", "100")], Some(500_000)),
            (&[("cache-control", "max-age=600"), ("age", "700")], Some(0)),
            (&[("cache-control", "no-store")], Some(0)),
            (&[("cache-control", "no-cache, max-age=600")], Some(0)),
            (&[("cache-control", "public"), ("expires", "Sun, 09 Sep 2001 01:47:40 GMT")], Some(60_000)),
            (&[("expires", "Sun, 09 Sep 2001 01:45:40 GMT")], Some(0)),
            (&[], None),
        ] {
            let fields_of = fields
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(lifetime_millis(&fields_of.collect(), now), expected, "{fields:?}");
        }
    }

    #[test]
    fn the_clock_of_a_server_is_told_by_its_date_and_by_no_cache() {
        let at = |millis: u64| UNIX_EPOCH + Duration::from_millis(millis);
        let skew = |fields: &[(&'static str, &'static str)], sent: u64, received: u64| {
            let fields = fields
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
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
