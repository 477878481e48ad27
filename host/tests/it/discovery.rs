//! What the issuer's documents may be, and how they may arrive (requirements H and G22 to G25).

use std::time::Duration;

use tokio::task::JoinSet;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OAUTH, OPENID, jwk_set, metadata};
use crate::tokens::{NO_HANG, SigningKey, name, validator, validator_of};

/// The first fetch of the issuer's keys: done, or why not.
async fn first_fetch(uri: &str) -> Result<(), String> {
    fetch_with(uri, "").await
}

async fn fetch_with(uri: &str, options: &str) -> Result<(), String> {
    // Made anew each time: without a validator nobody holds the issuer's keys, and nothing is remembered.
    let validator = validator_of(uri, options);
    validator.ready(NO_HANG, true).await
}

async fn sound() -> (HostileIssuer, SigningKey) {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    (issuer, key)
}

#[tokio::test]
async fn b7_2_openid_discovery_is_asked_first_and_alone_where_it_answers() {
    let (issuer, key) = sound().await;
    issuer.answer(OAUTH, Answer::Ok(metadata("https://evil.example", "https://evil.example/jwks")));
    let validator = validator(&issuer, "");
    assert_eq!(validator.ready(NO_HANG, true).await, Ok(()));
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
}

#[tokio::test]
async fn b7_2_rfc_8414_is_asked_where_openid_discovery_is_not_served() {
    for status in [404, 403, 500] {
        let key = SigningKey::new("1");
        let issuer = HostileIssuer::start().await;
        let uri = format!("{}/realms/x", issuer.uri());
        let openid = format!("/realms/x{OPENID}");
        issuer.answer(&openid, Answer::Status(status));
        let oauth = format!("{OAUTH}/realms/x");
        issuer.answer(&oauth, Answer::Ok(metadata(&uri, &format!("{}{JWKS}", issuer.uri()))));
        issuer.answer(JWKS, Answer::Ok(jwk_set(&[key.jwk()])));
        let validator = validator_of(&uri, "");
        assert_eq!(validator.ready(NO_HANG, true).await, Ok(()));
        assert_eq!(issuer.asked(), [openid.as_str(), oauth.as_str(), JWKS], "{status}");
        assert_eq!(name(&validator, &key.token(&uri)).await, "granted");
    }
}

#[tokio::test]
async fn b7_2_where_neither_is_served_the_error_names_both() {
    let issuer = HostileIssuer::start().await;
    let error = first_fetch(&issuer.uri()).await.unwrap_err();
    for part in [OPENID, OAUTH, "404", issuer.uri().as_str()] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(issuer.asked(), [OPENID, OAUTH]);
}

#[tokio::test]
async fn h03_h05_metadata_of_another_issuer_or_with_a_bad_jwks_uri_is_not_used() {
    let (issuer, _) = sound().await;
    let uri = issuer.uri();
    let keys = format!("{uri}{JWKS}");
    let bad = [
        (metadata("https://evil.example", &keys), "names the issuer \"https://evil.example\""),
        (metadata(&format!("{uri}.evil.example"), &keys), "names the issuer"),
        (metadata(&format!("{uri}/realms/x"), &keys), "names the issuer"),
        (metadata(&format!("{uri}//"), &keys), "names the issuer"),
        (format!(r#"{{"issuer":["{uri}"],"jwks_uri":"{keys}"}}"#), "names the issuer \"\""),
        (format!(r#"{{"jwks_uri":"{keys}"}}"#), "names the issuer \"\""),
        (format!(r#"{{"issuer":"{uri}","issuer":"{uri}","jwks_uri":"{keys}"}}"#), "duplicate member"),
        (metadata(&uri, "http://keys.example/jwks"), "http is for loopback addresses only"),
        (metadata(&uri, "http://169.254.169.254/latest"), "http is for loopback addresses only"),
        (metadata(&uri, "http://127.0.0.1.evil.example/jwks"), "http is for loopback addresses only"),
        (metadata(&uri, "file:///etc/passwd"), "expected an https URL"),
        (metadata(&uri, "ftp://127.0.0.1/jwks"), "expected an https URL"),
        (metadata(&uri, "/jwks"), "expected an https URL"),
        (metadata(&uri, ""), "expected an https URL"),
        (metadata(&uri, &keys.replace("127.0.0.1", "u:p@127.0.0.1")), "without query, fragment, user"),
        (format!(r#"{{"issuer":"{uri}"}}"#), "does not have a jwks_uri"),
        (format!(r#"{{"issuer":"{uri}","jwks_uri":["{keys}"]}}"#), "does not have a jwks_uri"),
    ];
    for (document, expected) in bad {
        issuer.answer(OPENID, Answer::Ok(document.clone()));
        let error = first_fetch(&uri).await.unwrap_err();
        assert!(error.contains(expected), "{document}: {error}");
    }
    assert_eq!(issuer.times_asked(JWKS), 0, "no jwks_uri of these documents was asked");
    for good in
        [metadata(&uri, &keys), metadata(&format!("{uri}/"), &keys), format!(" {} ", metadata(&uri, &keys))]
    {
        issuer.answer(OPENID, Answer::Ok(good.clone()));
        assert_eq!(first_fetch(&uri).await, Ok(()), "{good}");
    }
}

#[tokio::test]
async fn h10_h11_g22_to_g25_an_answer_that_is_no_document_is_not_used() {
    let key = SigningKey::new("1");
    let oct = r#"{"kty":"oct","kid":"1","k":"AAAA"}"#.to_owned();
    let too_many: Vec<String> = (0..101).map(|i| SigningKey::new(&i.to_string()).jwk()).collect();
    let mut answers = vec![
        Answer::Hangup,
        Answer::Garbage,
        Answer::Ok(String::new()),
        Answer::Ok("<!doctype html><title>Sign in</title>".into()),
        Answer::Ok("[]".into()),
        Answer::Ok("null".into()),
        Answer::Ok("{}".into()),
        Answer::Ok(r#"{"error":"temporarily_unavailable"}"#.into()),
    ];
    answers.extend([201, 202, 204, 206, 304, 400, 401, 404, 429, 500, 503].map(Answer::Status));
    let (issuer, _) = sound().await;
    let mut of_metadata = answers.clone();
    let wrong_status = [201, 202, 203, 206, 300, 400, 404, 500, 503];
    of_metadata.extend(wrong_status.map(|status| Answer::StatusWith(status, issuer.metadata())));
    answers.extend(wrong_status.map(|status| Answer::StatusWith(status, jwk_set(&[key.jwk()]))));
    answers.extend([
        Answer::Truncated(jwk_set(&[key.jwk()])),
        Answer::Ok(jwk_set(&[])),
        Answer::Ok(jwk_set(std::slice::from_ref(&oct))),
        Answer::Ok(jwk_set(&too_many)),
        Answer::Ok(r#"{"keys":{}}"#.into()),
        Answer::Ok(r#"{"keys":null}"#.into()),
        Answer::Ok(key.jwk()),
        Answer::Ok(format!("{} x", jwk_set(&[key.jwk()]))),
    ]);
    for (path, answers) in [(JWKS, answers), (OPENID, of_metadata)] {
        for answer in answers {
            issuer.answer(path, answer.clone());
            assert!(first_fetch(&issuer.uri()).await.is_err(), "{path}: {answer:?}");
        }
        issuer.publish(&[key.jwk()]);
        assert_eq!(first_fetch(&issuer.uri()).await, Ok(()));
    }
    issuer.answer(OPENID, Answer::Truncated(issuer.metadata()));
    assert!(first_fetch(&issuer.uri()).await.is_err());
    // One bad key costs only itself, and a hundred are not too many.
    for good in [jwk_set(&[oct, key.jwk()]), jwk_set(&too_many[1..])] {
        issuer.publish(&[]);
        issuer.answer(JWKS, Answer::Ok(good));
        assert_eq!(first_fetch(&issuer.uri()).await, Ok(()));
    }
}

#[tokio::test]
async fn h14_a_document_over_its_limit_is_not_read_to_its_end() {
    let (issuer, key) = sound().await;
    let uri = issuer.uri();
    let limits = r#","limits":{"metadataBytes":2048,"jwkSetBytes":4096}"#;
    let padded = |text: &str, bytes: usize| Answer::Ok(format!("{text}{}", " ".repeat(bytes - text.len())));
    let set = jwk_set(&[key.jwk()]);
    for (path, document, limit) in [(OPENID, issuer.metadata(), 2048), (JWKS, set, 4096)] {
        for answer in [padded(&document, limit + 1), Answer::Endless] {
            issuer.answer(path, answer);
            let error = fetch_with(&uri, limits).await.unwrap_err();
            assert!(error.contains(&format!("longer than {limit} bytes")), "{path}: {error}");
        }
        issuer.answer(path, padded(&document, limit));
        assert_eq!(fetch_with(&uri, limits).await, Ok(()), "{path}");
    }
}

#[tokio::test]
async fn h15_h16_a_slow_or_silent_issuer_is_given_up() {
    let mut running = JoinSet::new();
    for path in [OPENID, JWKS] {
        for answer in [Answer::Dripping, Answer::Silent] {
            running.spawn(async move {
                let (issuer, key) = sound().await;
                issuer.answer(path, answer.clone());
                let error = first_fetch(&issuer.uri()).await.unwrap_err();
                assert!(error.contains("no complete answer within"), "{path} {answer:?}: {error}");
                issuer.publish(&[key.jwk()]);
                assert_eq!(first_fetch(&issuer.uri()).await, Ok(()), "{path} {answer:?}");
            });
        }
    }
    running.join_all().await;
}

#[tokio::test]
async fn h15_an_issuer_that_takes_its_time_is_waited_for() {
    let (issuer, key) = sound().await;
    issuer.answer(JWKS, Answer::Late(jwk_set(&[key.jwk()]), Duration::from_millis(300)));
    assert_eq!(first_fetch(&issuer.uri()).await, Ok(()));
}

#[tokio::test]
async fn h08_redirects_are_followed_within_the_origin_only() {
    let (issuer, key) = sound().await;
    let (other, _) = sound().await;
    let uri = issuer.uri();
    for status in [301, 302, 303, 307, 308] {
        for (path, document) in [(OPENID, issuer.metadata()), (JWKS, jwk_set(&[key.jwk()]))] {
            issuer.publish(&[key.jwk()]);
            issuer.answer("/moved", Answer::Ok(document.clone()));
            for to in ["/moved".to_owned(), format!("{uri}/moved")] {
                issuer.answer(path, Answer::Redirect(status, to.clone()));
                assert_eq!(first_fetch(&uri).await, Ok(()), "{status} {path} to {to}");
            }
            other.answer("/moved", Answer::Ok(document));
            let port = uri.rsplit(':').next().unwrap();
            let elsewhere = [
                format!("{}/moved", other.uri()),
                format!("//127.0.0.1:{}/moved", other.uri().rsplit(':').next().unwrap()),
                // The same server under another name or scheme is another origin.
                format!("http://localhost:{port}/moved"),
                format!("https://127.0.0.1:{port}/moved"),
                "file:///etc/passwd".into(),
                // The same server, with credentials of somebody else's choice.
                format!("http://user:password@127.0.0.1:{port}/moved"),
                format!("//user@127.0.0.1:{port}/moved"),
            ];
            for to in elsewhere {
                issuer.answer(path, Answer::Redirect(status, to.clone()));
                assert!(first_fetch(&uri).await.is_err(), "{status} {path} to {to}");
            }
        }
    }
    assert_eq!(other.asked(), [""; 0], "the other origin was never asked");
}

#[tokio::test]
async fn h08_redirects_are_followed_three_times() {
    let (issuer, _) = sound().await;
    issuer.answer(OPENID, Answer::Redirect(302, "/1".into()));
    issuer.answer("/1", Answer::Redirect(302, "/2".into()));
    issuer.answer("/2", Answer::Redirect(302, "/3".into()));
    issuer.answer("/3", Answer::Ok(issuer.metadata()));
    assert_eq!(first_fetch(&issuer.uri()).await, Ok(()));
    issuer.answer("/3", Answer::Redirect(302, "/4".into()));
    issuer.answer("/4", Answer::Ok(issuer.metadata()));
    let error = first_fetch(&issuer.uri()).await.unwrap_err();
    assert!(error.contains("too many redirects"), "{error}");
    issuer.answer(OPENID, Answer::Redirect(302, OPENID.into()));
    assert!(first_fetch(&issuer.uri()).await.is_err(), "a loop ends");
    assert_eq!(issuer.times_asked("/4"), 0);
}
