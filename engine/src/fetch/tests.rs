//! Tests of the fetching alone: which requests it asks for, and what hostile answers lead to.
//!
//! In: answers, the time.
//! Out: the next request, keys, or the message of a failure.
//! Never: the network, a clock.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderName, StatusCode};
use oidc_spa_native::keys::issuer::Issuer;

use super::*;
use crate::network_options::NetworkOptions;
use crate::plan::FetchLimits;

const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const OIDC: &str = "https://as.example/.well-known/openid-configuration";
const OAUTH: &str = "https://as.example/.well-known/oauth-authorization-server";

fn at(secs: u64) -> Moment {
    Moment {
        steady: Monotonic::from_millis(secs * 1000),
        wall: UNIX_EPOCH + Duration::from_secs(1_000_000_000 + secs),
    }
}

fn plan(jwk_set_urls: &[&str], network: NetworkOptions) -> FetchPlan {
    let urls: Vec<String> = jwk_set_urls.iter().map(|url| (*url).to_owned()).collect();
    FetchPlan {
        issuer: Issuer::parse("https://as.example").unwrap(),
        jwk_set_urls: (!urls.is_empty()).then_some(urls),
        limits: FetchLimits { metadata_bytes: 10_000, jwk_set_bytes: 20_000 },
        network,
    }
}

fn fetcher(jwk_set_urls: &[&str]) -> Fetcher {
    Fetcher::new(plan(jwk_set_urls, NetworkOptions::default())).unwrap()
}

fn answer(status: u16, fields: &[(&'static str, &str)], body: &str) -> Result<HttpAnswer, GetError> {
    let fields = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
    Ok(HttpAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: fields.collect(),
        body: body.as_bytes().to_vec(),
        from: Reach::Public,
        received_at: at(0).wall,
    })
}

fn metadata(jwks_uri: &str) -> Result<HttpAnswer, GetError> {
    answer(200, &[], &format!(r#"{{"issuer":"https://as.example","jwks_uri":"{jwks_uri}"}}"#))
}

#[track_caller]
fn asked(step: Step) -> HttpRequest {
    match step {
        Step::Ask(request) => request,
        Step::Done(done) => panic!("{:?}", done.map(|_| ())),
    }
}

#[track_caller]
fn url(step: Step) -> String {
    asked(step).url.into()
}

#[track_caller]
fn done(step: Step) -> Result<FetchedKeys, FetchFailure> {
    match step {
        Step::Done(done) => done,
        Step::Ask(request) => panic!("{}", request.url),
    }
}

#[track_caller]
fn failure(step: Step) -> FetchFailure {
    done(step).map(|_| ()).unwrap_err()
}

#[test]
fn openid_discovery_is_asked_first_and_the_other_place_after_an_answer_without_metadata() {
    for useless in [
        answer(404, &[], ""),
        answer(200, &[], "<html>"),
        answer(200, &[], r#"{"issuer":"https://evil.example","jwks_uri":"https://evil.example/jwks"}"#),
        answer(304, &[], ""),
        Err(GetError::TooLong { limit: 1, option: "x" }),
        Err(GetError::Coding("x".into())),
    ] {
        let mut fetcher = fetcher(&[]);
        assert_eq!(url(fetcher.begin(at(0))), OIDC);
        assert_eq!(url(fetcher.answered(useless, at(0))), OAUTH);
        assert_eq!(
            url(fetcher.answered(metadata("https://as.example/jwks"), at(0))),
            "https://as.example/jwks"
        );
        let fetched = done(fetcher.answered(answer(200, &[("cache-control", "max-age=60")], KEYS), at(0)));
        assert_eq!(fetched.unwrap().lifetime_millis, Some(60_000));
    }
    // A server that does not answer is not asked again at once.
    for silence in [GetError::Timeout(Duration::from_secs(5)), GetError::NoAnswer("refused".into())] {
        let mut fetcher = fetcher(&[]);
        fetcher.begin(at(0));
        assert!(failure(fetcher.answered(Err(silence), at(0))).message.contains(OIDC));
    }
    let mut nowhere = fetcher(&[]);
    nowhere.begin(at(0));
    nowhere.answered(answer(404, &[("retry-after", "7")], ""), at(0));
    let failed = failure(nowhere.answered(answer(500, &[("retry-after", "3")], ""), at(0)));
    assert_eq!(failed.retry_after_millis, Some(7_000), "the longest pause of one server");
    assert!(failed.message.ends_with("write where its keys are as `jwksUri`"), "{}", failed.message);
}

#[test]
fn metadata_is_used_for_an_hour_unless_its_keys_cannot_be_fetched() {
    let mut fetcher = fetcher(&[]);
    fetcher.begin(at(0));
    fetcher.answered(metadata("https://as.example/jwks"), at(0));
    done(fetcher.answered(answer(200, &[("etag", "\"1\"")], KEYS), at(0))).unwrap();
    let again = asked(fetcher.begin(at(3599)));
    assert_eq!(again.url.as_str(), "https://as.example/jwks");
    assert_eq!(again.headers["if-none-match"], "\"1\"");
    let unchanged = done(fetcher.answered(answer(304, &[], ""), at(3599))).unwrap();
    assert!(unchanged.keys.is_none());
    assert_eq!(url(fetcher.begin(at(3600))), OIDC);
    fetcher.answered(metadata("https://as.example/moved"), at(3600));
    failure(fetcher.answered(answer(404, &[], ""), at(3600)));
    assert_eq!(url(fetcher.begin(at(3601))), OIDC, "the issuer may have moved its keys");
}

#[test]
fn of_several_urls_the_next_one_is_asked_after_a_failure() {
    let mut fetcher =
        fetcher(&["https://a.example/jwks", "https://b.example/jwks", "https://c.example/jwks"]);
    assert_eq!(url(fetcher.begin(at(0))), "https://a.example/jwks");
    let next = fetcher.answered(answer(503, &[("retry-after", "60")], ""), at(0));
    assert_eq!(url(next), "https://b.example/jwks");
    let next = fetcher.answered(answer(429, &[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT")], ""), at(0));
    assert_eq!(url(next), "https://c.example/jwks");
    let failed = failure(fetcher.answered(Err(GetError::NoAnswer("refused".into())), at(0)));
    assert_eq!(failed.retry_after_millis, None, "the shortest pause of several servers");
    assert_eq!(failed.message.matches("Failed to fetch public key").count(), 3);
    assert_eq!(url(fetcher.begin(at(1))), "https://a.example/jwks");
    assert!(done(fetcher.answered(answer(200, &[], KEYS), at(1))).is_ok());
}

#[test]
fn redirects_are_followed_within_one_origin_and_three_times_at_most() {
    let to = |location: &str| answer(302, &[("location", location)], "");
    let mut within = fetcher(&["https://a.example/jwks"]);
    within.begin(at(0));
    for (location, expected) in [
        ("/1", "https://a.example/1"),
        ("2?x", "https://a.example/2?x"),
        ("https://a.example/3", "https://a.example/3"),
    ] {
        assert_eq!(url(within.answered(to(location), at(0))), expected);
    }
    assert!(failure(within.answered(to("/4"), at(0))).message.contains("too many redirects"));
    for (location, expected) in [
        ("https://evil.example/jwks", "another origin"),
        ("http://a.example/jwks", "another origin"),
        ("//evil.example/jwks", "another origin"),
        ("https://user:secret@a.example/jwks", "a user or a password"),
        ("https://[", "expected HTTP status 200, got 302"),
    ] {
        let mut fetcher = fetcher(&["https://a.example/jwks"]);
        fetcher.begin(at(0));
        let message = failure(fetcher.answered(to(location), at(0))).message;
        assert!(message.contains(expected) && !message.contains("secret"), "{location}: {message}");
    }
    let mut without = fetcher(&["https://a.example/jwks"]);
    without.begin(at(0));
    assert!(failure(without.answered(answer(302, &[], KEYS), at(0))).message.contains("got 302"));
}

#[test]
fn an_issuer_leads_to_no_address_that_is_nearer_than_its_own() {
    for (near, expected) in [
        ("https://127.0.0.1/jwks", "an address of this very machine"),
        ("https://169.254.169.254/jwks", "a link-local address"),
        ("https://10.0.0.1/jwks", "a private address"),
    ] {
        let mut fetcher = fetcher(&[]);
        fetcher.begin(at(0));
        let message = failure(fetcher.answered(metadata(near), at(0))).message;
        assert!(message.contains(expected), "{near}: {message}");
        let allowed = NetworkOptions { private_addresses: Some(true), ..NetworkOptions::default() };
        let mut twin = Fetcher::new(plan(&[], allowed)).unwrap();
        twin.begin(at(0));
        assert_eq!(url(twin.answered(metadata(near), at(0))), near);
    }
}

#[test]
fn the_applications_fields_go_to_the_server_that_it_names_and_to_no_other() {
    let headers = vec![("x-secret".to_owned(), "s3cret".to_owned())];
    let network = NetworkOptions { headers, ..NetworkOptions::default() };
    let mut fetcher = Fetcher::new(plan(&[], network)).unwrap();
    let first = asked(fetcher.begin(at(0)));
    assert_eq!(first.headers["x-secret"], "s3cret");
    assert!(!format!("{first:?}").contains("s3cret"));
    let second = asked(fetcher.answered(metadata("https://keys.example/jwks"), at(0)));
    assert!(!second.headers.contains_key("x-secret"));
    assert_eq!((first.limit, second.limit), (10_000, 20_000));
}

#[test]
fn answers_that_make_no_sense_end_in_a_failure() {
    let mut early = fetcher(&[]);
    assert!(
        failure(early.answered(answer(200, &[], KEYS), at(0))).message.contains("an answer to no request")
    );
    for body in ["", "{", "[]", "\u{feff}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"x"}]}"#] {
        let mut fetcher = fetcher(&["https://a.example/jwks"]);
        fetcher.begin(at(0));
        assert!(
            failure(fetcher.answered(answer(200, &[], body), at(0))).message.contains("a.example"),
            "{body}"
        );
        assert!(failure(fetcher.answered(answer(200, &[], KEYS), at(0))).message.contains("no request"));
    }
    let mut marked = fetcher(&["https://a.example/jwks"]);
    marked.begin(at(0));
    let fields = [("age", "x"), ("cache-control", "max-age=99999999999999999999"), ("date", "never")];
    let fetched = done(marked.answered(answer(200, &fields, &format!("\u{feff}{KEYS}")), at(0))).unwrap();
    assert!(fetched.keys.is_some() && fetched.clock_skew_secs.is_none());
}
