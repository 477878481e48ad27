//! Makes one HTTP request of the engine, within limits.
//!
//! In: a request of a `Fetcher`.
//! Out: the answer, or what went wrong, and what helps.
//! Never: a body without a size limit, a wait without an end, a header's value in a message.

use std::time::SystemTime;

use headers::HeaderValue;
use oidc_spa_native::rejection::Shown;
use oidc_spa_native_engine::failure::{GetError, OF_TLS};
use oidc_spa_native_engine::fetch::HttpRequest;
use oidc_spa_native_engine::http_answer::HttpAnswer;
use oidc_spa_native_engine::reach::TooNear;
use reqwest::StatusCode;
use reqwest::header::CONTENT_ENCODING;

use crate::content_coding::{CodingError, decoded};
use crate::network::{Network, trust};

/// Makes the request.
pub(crate) async fn ask(network: &mut Network, request: HttpRequest) -> Result<HttpAnswer, GetError> {
    let timeout = network.timeout();
    let failed = |error: reqwest::Error| {
        if error.is_timeout() { GetError::Timeout(timeout) } else { GetError::NoAnswer(describe(&error)) }
    };
    let too_long = || request.too_long();
    let way = network.way_to(&request.url, request.bound).map_err(GetError::NoAnswer)?;
    let sent = way.client.get(request.url.clone()).headers(request.headers.clone()).send();
    let response = sent.await.map_err(failed)?;
    let received_at = SystemTime::now();
    let from = way.reach(response.remote_addr());
    let (status, headers) = (response.status(), response.headers().clone());
    let body = match status {
        StatusCode::OK => {
            let codings: Vec<HeaderValue> = headers.get_all(CONTENT_ENCODING).iter().cloned().collect();
            let body = bounded_body(response, request.limit).await.map_err(failed)?.ok_or_else(too_long)?;
            decoded(body, codings.iter(), request.limit).map_err(|error| match error {
                CodingError::TooLong => too_long(),
                error => GetError::Coding(error.to_string()),
            })?
        }
        _ => Vec::new(),
    };
    Ok(HttpAnswer { status, headers, body, from, received_at })
}

/// The outer errors repeat the URL; the innermost one says what happened.
fn describe(error: &reqwest::Error) -> String {
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
        return refused.to_string();
    }
    // Some text comes from the server, for instance the names of its certificate.
    let shown = Shown(&cause.to_string()).to_string();
    match cause.downcast_ref().and_then(trust::remedy).or_else(|| remedy(error, cause)) {
        Some(remedy) => format!("{shown}: {remedy}"),
        None => shown,
    }
}

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
