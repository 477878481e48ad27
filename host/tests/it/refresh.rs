//! How often an issuer is asked, and how much it is asked for (requirements H11, H12, H19, H29, H33, H35).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oidc_spa_native_host::Validator;
use tokio::task::JoinSet;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OAUTH, OPENID, Request, jwk_set, metadata};
use crate::tokens::{NO_HANG, SigningKey, judge, name, names, token_of_unknown_key, validator};

/// Requests that may wait for one issuer's keys.
const MOST_WAITING: usize = 4096;
const DATE: &str = "Tue, 01 Sep 2026 08:00:00 GMT";
/// Clocks are read in whole milliseconds, here and there.
const ROUNDING: Duration = Duration::from_millis(50);

fn tagged(etag: &str, body: String) -> Answer {
    Answer::With(200, format!("etag: {etag}\r\nlast-modified: {DATE}\r\n"), body)
}

fn unchanged(etag: &str) -> Answer {
    Answer::With(304, format!("etag: {etag}\r\n"), String::new())
}

fn busy(retry_after: &str) -> Answer {
    Answer::With(503, format!("retry-after: {retry_after}\r\n"), String::new())
}

fn conditions(request: &Request) -> (Option<&str>, Option<&str>) {
    (request.field("if-none-match"), request.field("if-modified-since"))
}

/// Asks for newer keys, again and again, until the issuer has been asked so many times for a document.
async fn ask_until(validator: &Arc<Validator>, issuer: &HostileIssuer, path: &str, times: usize) {
    let asking = async {
        while issuer.times_asked(path) < times {
            name(validator, &token_of_unknown_key(&issuer.uri())).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(NO_HANG, asking).await.unwrap();
}

/// Waits until the issuer has been asked so many times for a document, without any request of the validator's.
async fn asked_by_itself(issuer: &HostileIssuer, path: &str, times: usize) -> Vec<Request> {
    let waiting = async {
        while issuer.times_asked(path) < times {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(NO_HANG, waiting).await.unwrap();
    issuer.requests(path)
}

#[tokio::test]
async fn h11_an_unchanged_set_is_not_sent_again_and_its_keys_stay() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    issuer.answer(JWKS, tagged("\"1\"", jwk_set(&[old.jwk()])));
    let validator = validator(&issuer, r#","keysCooldownSeconds":1"#);
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    assert_eq!(conditions(&issuer.requests(JWKS)[0]), (None, None));

    // A 304 need not repeat what the set is recognised by: it is known from the 200.
    for (times, answer) in [(2, unchanged("\"1\"")), (3, Answer::Status(304))] {
        issuer.answer(JWKS, answer);
        ask_until(&validator, &issuer, JWKS, times).await;
        assert_eq!(conditions(&issuer.requests(JWKS)[times - 1]), (Some("\"1\""), Some(DATE)));
        assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    }

    issuer.answer(JWKS, tagged("W/\"2\"", jwk_set(&[new.jwk()])));
    ask_until(&validator, &issuer, JWKS, 4).await;
    assert_eq!(name(&validator, &new.token(&issuer.uri())).await, "granted");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "key_unknown");
    ask_until(&validator, &issuer, JWKS, 5).await;
    assert_eq!(conditions(&issuer.requests(JWKS)[4]), (Some("W/\"2\""), Some(DATE)));
    assert_eq!(issuer.times_asked(OPENID), 1, "metadata is good for an hour");
}

#[tokio::test]
async fn h11_a_set_that_was_refused_is_not_taken_for_the_one_before() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, tagged("\"good\"", jwk_set(&[key.jwk()])));
    let validator = validator(&issuer, r#","keysCooldownSeconds":1"#);
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
    issuer.answer(JWKS, tagged("\"bad\"", jwk_set(&[])));
    ask_until(&validator, &issuer, JWKS, 2).await;
    let requests = asked_by_itself(&issuer, JWKS, 3).await;
    assert_eq!(conditions(&requests[2]).0, Some("\"good\""));
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
}

#[tokio::test]
async fn b7_2_after_a_set_that_cannot_be_had_the_metadata_is_asked_where_it_is_now() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let uri = issuer.uri();
    issuer.answer(OPENID, tagged("\"here\"", issuer.metadata()));
    issuer.answer(JWKS, tagged("\"1\"", jwk_set(&[old.jwk()])));
    let validator = validator(&issuer, "");
    assert_eq!(name(&validator, &old.token(&uri)).await, "granted");

    issuer.answer(JWKS, Answer::Status(404));
    issuer.answer(OPENID, tagged("\"there\"", metadata(&uri, &format!("{uri}/moved"))));
    issuer.answer("/moved", Answer::Ok(jwk_set(&[new.jwk()])));
    assert_eq!(name(&validator, &new.token(&uri)).await, "key_unknown");
    assert_eq!(issuer.asked(), [OPENID, JWKS, JWKS], "one failed refresh, and the request has its answer");
    let moved = asked_by_itself(&issuer, "/moved", 1).await;
    assert_eq!(conditions(&issuer.requests(OPENID)[1]), (Some("\"here\""), Some(DATE)));
    assert_eq!(conditions(&moved[0]), (None, None), "another document");
    let found = async {
        while name(&validator, &new.token(&uri)).await != "granted" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(NO_HANG, found).await.unwrap();
    assert_eq!(issuer.times_asked(JWKS), 2);
}

#[tokio::test]
async fn b7_2_metadata_that_has_not_changed_still_says_where_the_keys_are() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(OPENID, tagged("\"here\"", issuer.metadata()));
    issuer.answer(JWKS, Answer::Status(500));
    let validator = validator(&issuer, "");
    assert!(validator.ready(NO_HANG, true).await.is_err());
    issuer.answer(OPENID, unchanged("\"here\""));
    issuer.answer(JWKS, Answer::Ok(jwk_set(&[key.jwk()])));
    assert_eq!(validator.ready(NO_HANG, false).await, Ok(()));
    assert_eq!(issuer.requests(OPENID)[1].field("if-none-match"), Some("\"here\""));
    assert_eq!(issuer.times_asked(OAUTH), 0);
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
}

#[tokio::test]
async fn h12_a_server_that_asks_for_time_is_given_it() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    // Twice as long as the longest pause after a first failure.
    issuer.answer(JWKS, busy("2"));
    let validator = validator(&issuer, r#","keysTimeoutMs":20000"#);
    let token = key.token(&issuer.uri());
    let mend = async {
        asked_by_itself(&issuer, JWKS, 1).await;
        issuer.answer(JWKS, Answer::Ok(jwk_set(&[key.jwk()])));
    };
    let (verdict, ()) = tokio::join!(name(&validator, &token), mend);
    assert_eq!(verdict, "granted", "the request outwaits the pause");
    let times: Vec<SystemTime> = issuer.requests(JWKS).iter().map(|request| request.at).collect();
    assert!(times[1] + ROUNDING >= times[0] + Duration::from_secs(2), "{times:?}");
    // Metadata is a part of the attempt.
    assert!(issuer.requests(OPENID)[1].at + ROUNDING >= times[0] + Duration::from_secs(2));
}

#[tokio::test]
async fn h12_a_server_that_names_a_date_is_not_asked_before_it() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    issuer.answer(OPENID, busy(&date));
    issuer.answer(OAUTH, busy(&date));
    let validator = validator(&issuer, "");
    assert!(validator.ready(NO_HANG, true).await.is_err());
    let requests = asked_by_itself(&issuer, OPENID, 2).await;
    assert!(requests[1].at + ROUNDING >= httpdate::parse_http_date(&date).unwrap(), "{date} {requests:?}");
}

#[tokio::test]
async fn h12_a_pause_that_is_none_holds_nothing_back() {
    let mut running = JoinSet::new();
    for retry_after in ["0", "-60", "soon", "", "1.5", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        running.spawn(async move {
            let key = SigningKey::new("1");
            let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
            issuer.answer(JWKS, busy(retry_after));
            let validator = validator(&issuer, r#","keysTimeoutMs":20000"#);
            assert!(validator.ready(NO_HANG, true).await.is_err());
            issuer.publish(&[key.jwk()]);
            let verdict = name(&validator, &key.token(&issuer.uri())).await;
            assert_eq!(verdict, "granted", "retry-after: {retry_after}");
        });
    }
    running.join_all().await;
}

#[tokio::test]
async fn h19_h29_nobody_waits_for_an_attempt_that_comes_too_late() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, busy("60"));
    // Each of these requests would be a hang to `judge`, if it waited as long as it may.
    let validator = validator(&issuer, r#","keysTimeoutMs":40000"#);
    for _ in 0..2 {
        let refused = judge(&validator, &key.token(&issuer.uri())).await.unwrap_err();
        assert_eq!((refused.code, refused.challenge.status), ("keys_unavailable", 503));
    }
    assert_eq!(names(&validator, vec![key.token(&issuer.uri()); 200]).await, ["keys_unavailable"; 200]);
    assert_eq!(issuer.times_asked(JWKS), 1);
}

#[tokio::test]
async fn h35_whoever_asks_to_be_ready_does_not_wait_for_the_pause() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, busy("300"));
    let validator = validator(&issuer, "");
    // The drop-in's `bootstrapAuth`: each call makes an attempt, and tells how that one ended.
    for attempts in 1..=3 {
        let error = validator.ready(NO_HANG, true).await.unwrap_err();
        assert!(error.contains("503"), "{error}");
        assert_eq!(issuer.times_asked(JWKS), attempts);
    }
    issuer.publish(&[key.jwk()]);
    assert_eq!(validator.ready(NO_HANG, true).await, Ok(()));
    assert_eq!(issuer.times_asked(JWKS), 4);
    assert_eq!(validator.ready(NO_HANG, true).await, Ok(()));
    assert_eq!(issuer.times_asked(JWKS), 4, "nobody asks for what is there");
}

#[tokio::test]
async fn h33_those_who_wait_are_bounded_and_the_next_are_refused_at_once() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, Answer::Silent);
    let validator = validator(&issuer, r#","keysTimeoutMs":25000"#);
    let token = key.token(&issuer.uri());
    let waiting: Vec<_> = (0..MOST_WAITING)
        .map(|_| {
            let (validator, token): (Arc<Validator>, String) = (Arc::clone(&validator), token.clone());
            tokio::spawn(async move { name(&validator, &token).await })
        })
        .collect();
    // The last one spawned is the last to begin.
    let refused = names(&validator, vec![token; 300]).await;
    assert_eq!(refused, ["keys_unavailable"; 300]);
    assert!(waiting.iter().all(|task| !task.is_finished()), "the issuer has not answered yet");
    // Those who wait are served as soon as the issuer answers.
    issuer.publish(&[key.jwk()]);
    for task in waiting {
        assert_eq!(task.await.unwrap(), "granted");
    }
}

#[tokio::test]
async fn h10_h32_a_refresh_whose_answer_is_no_set_takes_nothing_away() {
    let key = SigningKey::new("1");
    let other = SigningKey::new("2");
    for answer in [
        Answer::Status(204),
        Answer::Status(304),
        Answer::StatusWith(206, jwk_set(&[other.jwk()])),
        Answer::StatusWith(203, jwk_set(&[other.jwk()])),
        Answer::Truncated(jwk_set(&[other.jwk()])),
        Answer::Garbage,
        Answer::Ok(String::new()),
        Answer::Ok(r#"{"keys":null}"#.into()),
        Answer::Ok(other.jwk()),
        Answer::With(
            200,
            "content-type: text/html\r\ncache-control: max-age=86400\r\n".into(),
            "<!doctype html><title>Sign in</title>".into(),
        ),
    ] {
        let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
        let validator = validator(&issuer, "");
        assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
        issuer.answer(JWKS, answer.clone());
        assert_eq!(name(&validator, &other.token(&issuer.uri())).await, "key_unknown", "{answer:?}");
        assert_eq!(issuer.times_asked(JWKS), 2, "{answer:?}");
        assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted", "{answer:?}");
    }
}
