//! One request for keys and its answer, as they cross to a `fetch` of JavaScript and back.
//!
//! In: a request of a `Fetcher`; the status, the header fields and the body that JavaScript got, or its failure.
//! Out: the JSON text of the request; an `HttpAnswer`, or a `GetError`.
//! Never: a body beyond the limit; text of JavaScript or of a server that is not escaped.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oidc_spa_native::rejection::Shown;
use serde_json::{Value, json};

use crate::failure::GetError;
use crate::fetch::HttpRequest;
use crate::http_answer::HttpAnswer;
use crate::network_options::NetworkOptions;
use crate::reach::Reach;

/// Header fields of an answer that are read.
const MAX_FIELDS: usize = 100;

/// The request as `WantedRequest` of `ts/boundary/exchange.ts`. The header fields may hold secrets.
pub fn request_json(request: &HttpRequest, network: &NetworkOptions) -> Value {
    let headers = request.headers.iter();
    let headers = headers.filter_map(|(name, value)| Some(json!([name.as_str(), value.to_str().ok()?])));
    json!({
        "url": request.url.as_str(),
        "headers": headers.collect::<Vec<_>>(),
        "timeoutMs": u64::try_from(network.timeout.as_millis()).unwrap_or(u64::MAX),
        "bodyLimit": request.limit,
        "fetch": network.fetch,
    })
}

/// What JavaScript got.
#[derive(Debug)]
pub struct ScriptAnswer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl ScriptAnswer {
    /// Reads an answer: its status, its header fields as a JSON list of pairs, and its body. `None`: it is none.
    pub fn read(status: u32, fields: &str, body: Vec<u8>) -> Option<Self> {
        let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
        let fields: Value = serde_json::from_str(fields).ok()?;
        Some(Self { status, headers: header_map(fields.as_array()?), body })
    }
}

/// Why JavaScript got no answer.
#[derive(Debug)]
pub enum ScriptFailure {
    /// There was none, and why.
    NoAnswer(String),
    /// It took too long.
    TimedOut,
    /// Its body is longer than the limit.
    TooLong,
    /// Its content coding cannot be undone, and why.
    Coding(String),
}

impl ScriptFailure {
    /// Reads a failure: its number in `ts/boundary/exchange.ts`, and a message. `None`: there is no such number.
    pub fn read(kind: u32, message: &str) -> Option<Self> {
        // Some text comes from the server.
        let message = || Shown(message).to_string();
        match kind {
            0 => Some(Self::NoAnswer(message())),
            1 => Some(Self::TimedOut),
            2 => Some(Self::TooLong),
            3 => Some(Self::Coding(message())),
            _ => None,
        }
    }
}

/// The answer to a request, or why there is none.
pub fn answer_to(
    request: &HttpRequest,
    network: &NetworkOptions,
    got: Result<ScriptAnswer, ScriptFailure>,
    received_at: SystemTime,
) -> Result<HttpAnswer, GetError> {
    let ScriptAnswer { status, headers, body } = got.map_err(|failure| match failure {
        ScriptFailure::NoAnswer(why) => GetError::NoAnswer(why),
        ScriptFailure::TimedOut => GetError::Timeout(network.timeout),
        ScriptFailure::TooLong => request.too_long(),
        ScriptFailure::Coding(why) => GetError::Coding(why),
    })?;
    if body.len() > request.limit {
        return Err(request.too_long());
    }
    // JavaScript shows no address of a connection.
    Ok(HttpAnswer { status, headers, body, from: Reach::by_text(&request.url), received_at })
}

/// Refuses a request whose host is by its name nearer than it may be: nobody else looks, where JavaScript connects.
pub fn check_host(request: &HttpRequest) -> Result<(), GetError> {
    request.bound.check_text(&request.url).map_err(|refused| GetError::NoAnswer(refused.to_string()))
}

/// The header fields, of which a runtime may have joined those of one name.
fn header_map(pairs: &[Value]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in pairs.iter().take(MAX_FIELDS) {
        let text = |at: usize| pair.get(at).and_then(Value::as_str);
        let name = text(0).and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let value = text(1).and_then(|value| HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::reach::Bound;

    fn request(url: &str, bound: Bound) -> HttpRequest {
        let url = Url::parse(url).unwrap();
        HttpRequest { url, bound, headers: HeaderMap::new(), limit: 4, limit_name: "limits.x" }
    }

    fn answered(status: u32, fields: &str, body: &[u8]) -> Option<Result<HttpAnswer, GetError>> {
        let request = request("https://127.0.0.1/jwks", Bound::Anywhere);
        let got = ScriptAnswer::read(status, fields, body.to_vec())?;
        Some(answer_to(&request, &NetworkOptions::default(), Ok(got), SystemTime::UNIX_EPOCH))
    }

    #[test]
    fn an_answer_is_read_within_its_limits_and_nonsense_is_none() {
        let fields = r#"[["ETag","\"1\""],["a","1"],["a","2"],["bad name","x"],["b","\n"],["c"],7]"#;
        let answer = answered(200, fields, b"1234").unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, b"1234".as_slice()));
        assert_eq!(answer.headers["etag"], "\"1\"");
        assert_eq!(answer.headers.get_all("a").iter().count(), 2);
        assert_eq!(answer.headers.len(), 3);
        assert_eq!(answer.from, Reach::Loopback);
        let too_long = answered(200, "[]", b"12345").unwrap().unwrap_err();
        assert!(matches!(too_long, GetError::TooLong { limit: 4, .. }));
        let many = format!("[{}]", vec![r#"["a","b"]"#; 1000].join(","));
        assert_eq!(answered(200, &many, b"").unwrap().unwrap().headers.len(), MAX_FIELDS);
        for (status, fields) in [(99, "[]"), (1000, "[]"), (65_736, "[]"), (200, "{}"), (200, "["), (200, "")]
        {
            assert!(answered(status, fields, b"").is_none(), "{status} {fields}");
        }
    }

    #[test]
    fn a_failure_has_the_words_of_the_native_client_and_its_text_is_escaped() {
        let request = request("https://as.example/jwks", Bound::Anywhere);
        let error = |kind, message: &str| {
            let failure = ScriptFailure::read(kind, message)?;
            let network = NetworkOptions::default();
            answer_to(&request, &network, Err(failure), SystemTime::UNIX_EPOCH).err()
        };
        assert_eq!(error(0, "a\nb"), Some(GetError::NoAnswer(Shown("a\nb").to_string())));
        assert!(!error(0, "a\nb").unwrap().to_string().contains('\n'));
        assert_eq!(error(1, ""), Some(GetError::Timeout(NetworkOptions::default().timeout)));
        assert_eq!(error(2, ""), Some(request.too_long()));
        assert!(matches!(error(3, "no gzip"), Some(GetError::Coding(why)) if why == "no gzip"));
        assert_eq!(error(4, ""), None);
    }

    #[test]
    fn a_host_that_is_near_by_its_name_is_asked_only_within_the_bound() {
        let far = Bound::AsNearAs(Reach::Public);
        for (url, bound, is_allowed) in [
            ("https://localhost/jwks", far, false),
            ("https://localhost/jwks", Bound::Public, false),
            ("https://localhost./jwks", far, false),
            ("https://10.0.0.1/jwks", far, false),
            ("https://localhost/jwks", Bound::AsNearAs(Reach::Loopback), true),
            ("https://localhost/jwks", Bound::Anywhere, true),
            ("https://as.example/jwks", far, true),
        ] {
            assert_eq!(check_host(&request(url, bound)).is_ok(), is_allowed, "{url} {bound:?}");
        }
    }

    #[test]
    fn a_request_names_the_function_that_makes_it() {
        let network = NetworkOptions { fetch: Some(7), ..NetworkOptions::default() };
        let text = request_json(&request("https://as.example/jwks", Bound::Anywhere), &network);
        assert_eq!(text["fetch"], 7);
        assert_eq!(text["timeoutMs"], 5000);
        assert_eq!(text["bodyLimit"], 4);
    }
}
