//! The method and URI that a proof must name (RFC 9449 section 4.3, checks 8 and 9).
//!
//! In: a request's head, or method and URI from the application; a proof's claims.
//! Out: `ExpectedTarget`; nothing, or a rejection.
//! Never: a body, a query string or fragment that is compared.

use std::borrow::Cow;

use crate::jose::json::{Object, Value};
use crate::rejection::Rejection;
use crate::request::{ProxyTrust, RequestHead, TargetUri};

use super::advice;
use super::policy::DpopPolicy;

/// The method and URI that the proof must name.
#[derive(Clone, Debug)]
pub struct ExpectedTarget<'a> {
    /// The request's method; `None`: the application expects none, and the proof must not name one either.
    pub method: Option<&'a str>,
    /// The request's URI; `None`: the application expects none.
    pub uri: Option<ExpectedUri<'a>>,
}

/// The URI that a proof must name.
#[derive(Clone, Debug)]
pub struct ExpectedUri<'a> {
    /// The URI; `None` if the application's text is not a URI.
    pub uri: Option<TargetUri>,
    /// Its text in messages.
    pub shown: Cow<'a, str>,
    /// The option that may help behind a proxy, for the message.
    pub advice: Option<&'static str>,
}

impl<'a> ExpectedTarget<'a> {
    /// The target of a request: its method, and the URI that the client saw.
    pub(crate) fn of_request(head: RequestHead<'a>, trust: &ProxyTrust) -> Result<Self, Rejection> {
        let uri = head.target_uri(trust)?;
        let shown = Cow::Owned(uri.to_string());
        let uri = ExpectedUri { uri: Some(uri), shown, advice: trust.advice() };
        Ok(Self { method: Some(head.method), uri: Some(uri) })
    }

    /// The target from the application's own values.
    pub fn of_application(method: Option<&'a str>, uri: Option<&'a str>) -> Self {
        let uri = uri.map(|text| ExpectedUri {
            uri: TargetUri::parse(text),
            shown: Cow::Borrowed(text),
            advice: None,
        });
        Self { method, uri }
    }
}

pub(super) fn check_method(
    claims: &Object<'_>,
    expected: Option<&str>,
    policy: &DpopPolicy,
) -> Result<(), Rejection> {
    let htm = claims.get("htm");
    let matches = match (htm, expected) {
        (None, None) => true,
        (Some(Value::String(htm)), Some(method)) => {
            htm == method || (policy.as_oidc_spa && htm.eq_ignore_ascii_case(method))
        }
        _ => false,
    };
    if matches {
        return Ok(());
    }
    Err(advice::another_method(htm, expected))
}

pub(super) fn check_uri(claims: &Object<'_>, expected: Option<&ExpectedUri<'_>>) -> Result<(), Rejection> {
    let htu = claims.get("htu");
    let matches = match (htu, expected) {
        (None, None) => true,
        (Some(Value::String(htu)), Some(ExpectedUri { uri: Some(uri), .. })) => {
            TargetUri::parse(htu).is_some_and(|htu| htu == *uri)
        }
        _ => false,
    };
    if matches {
        return Ok(());
    }
    let advice = expected.and_then(|expected| {
        let named = htu.and_then(Value::as_str).and_then(TargetUri::parse)?;
        let uri = expected.uri.as_ref().filter(|uri| uri.may_be_behind(&named))?;
        expected.advice.map(|option| (option, uri.base_behind(&named)))
    });
    Err(advice::another_uri(htu, expected.map(|expected| &*expected.shown), advice))
}
