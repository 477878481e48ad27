//! Before the first keys are there (requirements H19, H29, H33 to H35, H38).

use std::time::Duration;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OPENID, jwk_set};
use crate::tokens::{NO_HANG, SigningKey, judge, name, names, token_of_unknown_key, validator, validator_of};

/// Longer than it takes until a failed start is retried for the second time.
const SECOND_RETRY: Duration = Duration::from_millis(3_500);

async fn slow_issuer(key: &SigningKey) -> HostileIssuer {
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, Answer::Late(jwk_set(&[key.jwk()]), Duration::from_millis(500)));
    issuer
}

#[tokio::test]
async fn h33_a_cold_request_waits_for_the_keys_and_enters() {
    let key = SigningKey::new("1");
    let issuer = slow_issuer(&key).await;
    let validator = validator(&issuer, "");
    assert_eq!(issuer.asked(), [""; 0], "constructing a validator asks nothing");
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h33_a_thousand_cold_requests_fetch_once() {
    let key = SigningKey::new("1");
    let issuer = slow_issuer(&key).await;
    let validator = validator(&issuer, "");
    let token = key.token(&issuer.uri());
    assert_eq!(names(&validator, vec![token; 1_000]).await, ["granted"; 1_000]);
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h33_two_validators_of_one_issuer_share_the_fetch() {
    let key = SigningKey::new("1");
    let issuer = slow_issuer(&key).await;
    let (first, second) = (validator(&issuer, ""), validator(&issuer, r#","profile":"default""#));
    let token = key.token(&issuer.uri());
    let (a, b) = tokio::join!(name(&first, &token), name(&second, &token));
    assert_eq!((a, b), ("granted", "granted"));
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
}

#[tokio::test]
async fn h34_a_caller_that_goes_away_takes_nobody_along() {
    let key = SigningKey::new("1");
    let issuer = slow_issuer(&key).await;
    let validator = validator(&issuer, "");
    let token = key.token(&issuer.uri());
    // The first request begins the fetch, and its client hangs up before it ends.
    let gone = tokio::time::timeout(Duration::from_millis(20), name(&validator, &token)).await;
    assert!(gone.is_err(), "the issuer answered too soon for this test");
    assert_eq!(names(&validator, vec![token; 10]).await, ["granted"; 10]);
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
}

#[tokio::test]
async fn h19_an_issuer_that_is_down_means_503_and_never_401() {
    let key = SigningKey::new("1");
    let mut issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.go_down().await;
    let validator = validator(&issuer, r#","keysTimeoutMs":100"#);
    for token in [key.token(&issuer.uri()), token_of_unknown_key(&issuer.uri())] {
        let refused = judge(&validator, &token).await.unwrap_err();
        assert_eq!(refused.code, "keys_unavailable");
        assert_eq!(refused.challenge.status, 503);
        assert_eq!(refused.challenge.www_authenticate, None);
        assert!(refused.challenge.retry_after.is_some());
    }
    assert!(validator.ready(Duration::ZERO, false).await.is_err());
}

#[tokio::test]
async fn h16_a_silent_issuer_means_503_within_the_keys_timeout() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(OPENID, Answer::Silent);
    let token = key.token(&issuer.uri());
    for millis in [0, 200] {
        let validator = validator(&issuer, &format!(r#","keysTimeoutMs":{millis}"#));
        assert_eq!(names(&validator, vec![token.clone(); 50]).await, ["keys_unavailable"; 50]);
    }
    assert!(issuer.times_asked(OPENID) <= 2, "{:?}", issuer.asked());
}

#[tokio::test]
async fn h35_a_failed_start_recovers_by_itself_when_the_issuer_returns() {
    let key = SigningKey::new("1");
    let mut issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.go_down().await;
    let validator = validator(&issuer, r#","keysTimeoutMs":50"#);
    let token = key.token(&issuer.uri());
    assert_eq!(name(&validator, &token).await, "keys_unavailable");
    issuer.come_back().await;
    // No request asks meanwhile: waiting to be ready looks at the end of fetches only.
    let waiting = validator.ready(NO_HANG, false);
    assert_eq!(tokio::time::timeout(NO_HANG, waiting).await.unwrap(), Ok(()));
    assert_eq!(issuer.asked(), [OPENID, JWKS]);
    assert_eq!(name(&validator, &token).await, "granted");
}

#[tokio::test]
async fn h35_a_request_that_waits_through_a_failed_start_enters_when_the_issuer_returns() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    issuer.answer(JWKS, Answer::Status(503));
    let validator = validator(&issuer, r#","keysTimeoutMs":20000"#);
    let token = key.token(&issuer.uri());
    let mend = async {
        while issuer.times_asked(JWKS) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        issuer.publish(&[key.jwk()]);
    };
    let (verdict, ()) = tokio::join!(name(&validator, &token), mend);
    assert_eq!(verdict, "granted");
}

#[tokio::test]
async fn h35_nobody_retries_for_a_validator_that_is_gone() {
    let issuer = HostileIssuer::start().await;
    let validator = validator(&issuer, "");
    assert!(validator.ready(NO_HANG, true).await.is_err());
    drop(validator);
    // One attempt may have been under way when the last validator went.
    tokio::time::sleep(SECOND_RETRY).await;
    assert!(issuer.times_asked(OPENID) <= 2, "{:?}", issuer.asked());
}

#[tokio::test]
async fn h29_a_flood_upon_a_failing_start_does_not_reach_the_issuer() {
    let issuer = HostileIssuer::start().await;
    let validator = validator(&issuer, r#","keysTimeoutMs":100"#);
    let tokens: Vec<String> = (0..500).map(|_| token_of_unknown_key(&issuer.uri())).collect();
    assert_eq!(names(&validator, tokens).await, ["keys_unavailable"; 500]);
    // The start itself, and a retry or two, should the machine be slow.
    assert!(issuer.times_asked(OPENID) <= 3, "{:?}", issuer.asked());
}

#[tokio::test]
async fn h38_an_issuer_that_is_down_costs_the_other_nothing() {
    let key = SigningKey::new("1");
    let up = HostileIssuer::with_keys(&[key.jwk()]).await;
    let mut down = HostileIssuer::start().await;
    down.go_down().await;
    let options = format!(
        r#"{{"issuers":[{{"issuerUri":"{}","expectedAudience":"https://api.example"}},
            {{"issuerUri":"{}","expectedAudience":"https://api.example"}}],"keysTimeoutMs":1000}}"#,
        down.uri(),
        up.uri()
    );
    let validator = std::sync::Arc::new(
        oidc_spa_native_host::Validator::new(&options, oidc_spa_native_host::Internals::default(), None)
            .unwrap(),
    );
    assert_eq!(name(&validator, &key.token(&up.uri())).await, "granted");
    assert_eq!(name(&validator, &key.token(&down.uri())).await, "keys_unavailable");
    assert_eq!(name(&validator, &key.token("https://unknown.example")).await, "issuer_mismatch");
    assert_eq!(name(&validator, &key.token(&up.uri())).await, "granted");
}

#[tokio::test]
async fn e12_c21_a_token_chooses_no_server_to_ask() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let evil = HostileIssuer::with_keys(&[key.jwk()]).await;
    let validator = validator_of(&issuer.uri(), "");
    assert_eq!(name(&validator, &key.token(&evil.uri())).await, "issuer_mismatch");
    assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
    assert_eq!(evil.asked(), [""; 0]);
}
