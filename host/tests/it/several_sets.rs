//! Key sets that count together for one issuer: each is fetched by itself, and none stands in the way of another.

use std::time::Duration;

use oidc_spa_native_host::Validator;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OPENID, jwk_set, metadata};
use crate::tokens::{SigningKey, name, token_of_unknown_key, validator_of};

const ISSUER: &str = "urn:example:issuer";

fn sets(sets: &[String]) -> String {
    format!(r#","keysTimeoutMs":1000,"keysCooldownSeconds":1,"keys":{{"sets":[{}]}}"#, sets.join(","))
}

fn at(issuer: &HostileIssuer) -> String {
    format!(r#"{{"jwksUri":"{}{JWKS}"}}"#, issuer.uri())
}

fn known(key: &SigningKey) -> String {
    format!(r#"{{"jwks":{}}}"#, jwk_set(&[key.jwk()]))
}

fn health(validator: &Validator) -> serde_json::Value {
    let health: serde_json::Value = serde_json::from_str(&validator.health()).unwrap();
    health["issuers"][0].clone()
}

#[tokio::test]
async fn keys_of_every_set_count() {
    let [one, two, three, four] = ["one", "two", "three", "four"].map(SigningKey::new);
    let (a, b) = (HostileIssuer::with_keys(&[one.jwk()]).await, HostileIssuer::with_keys(&[two.jwk()]).await);
    let validator = validator_of(ISSUER, &sets(&[at(&a), known(&three), at(&b)]));
    for key in [&one, &two, &three, &one] {
        assert_eq!(name(&validator, &key.token(ISSUER)).await, "granted", "{}", key.kid);
    }
    assert_eq!(name(&validator, &four.token(ISSUER)).await, "key_unknown");
    let kids = health(&validator)["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].clone())
        .collect::<Vec<_>>();
    assert_eq!(kids, ["one", "three", "two"]);
    assert_eq!(health(&validator)["state"], "fresh");
    assert_eq!((a.times_asked(OPENID), b.times_asked(OPENID)), (0, 0));
}

#[tokio::test]
async fn a_key_that_one_of_them_withdraws_or_adds_is_followed() {
    let [one, two, new] = ["one", "two", "new"].map(SigningKey::new);
    let (a, b) = (HostileIssuer::with_keys(&[one.jwk()]).await, HostileIssuer::with_keys(&[two.jwk()]).await);
    let validator = validator_of(ISSUER, &sets(&[at(&a), at(&b)]));
    validator.ready(Duration::from_secs(5), false).await.unwrap();
    let epoch = validator.key_set_number(0);
    assert!(epoch.is_some());
    assert_eq!(validator.key_set_number(0), epoch);
    b.answer(JWKS, Answer::Ok(jwk_set(&[new.jwk()])));
    assert_eq!(name(&validator, &new.token(ISSUER)).await, "granted");
    assert_ne!(validator.key_set_number(0), epoch);
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "granted");
    assert_eq!(name(&validator, &two.token(ISSUER)).await, "key_unknown");
}

#[tokio::test]
async fn while_one_is_missing_the_others_serve_and_an_unknown_key_is_no_refusal_for_good() {
    let [one, two] = ["one", "two"].map(SigningKey::new);
    let (a, b) = (HostileIssuer::with_keys(&[one.jwk()]).await, HostileIssuer::start().await);
    b.answer(JWKS, Answer::Status(500));
    let validator = validator_of(ISSUER, &sets(&[at(&b), at(&a)]));
    assert_eq!(name(&validator, &two.token(ISSUER)).await, "keys_unavailable");
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "granted");
    assert_eq!(health(&validator)["state"], "none");
    assert!(health(&validator)["lastError"].as_str().unwrap().contains("500"));
    let error = validator.ready(Duration::from_millis(200), true).await.unwrap_err();
    assert!(error.contains("500"), "{error}");
    b.publish(&[two.jwk()]);
    validator.ready(Duration::from_secs(5), false).await.unwrap();
    assert_eq!(name(&validator, &two.token(ISSUER)).await, "granted");
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "granted");
    assert_eq!(health(&validator)["state"], "fresh");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_each_of_them_once_a_cool_down() {
    let [one, two] = ["one", "two"].map(SigningKey::new);
    let (a, b) = (HostileIssuer::with_keys(&[one.jwk()]).await, HostileIssuer::with_keys(&[two.jwk()]).await);
    let more = sets(&[at(&a), at(&b)]).replace(r#""keysCooldownSeconds":1"#, r#""keysCooldownSeconds":60"#);
    let validator = validator_of(ISSUER, &more);
    validator.ready(Duration::from_secs(5), false).await.unwrap();
    for _ in 0..50 {
        assert_eq!(name(&validator, &token_of_unknown_key(ISSUER)).await, "key_unknown");
    }
    assert_eq!((a.times_asked(JWKS), b.times_asked(JWKS)), (2, 2));
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "granted");
}

/// A key in PEM, which fits every `kid`.
const UNNAMED: &str = r#"{"pem":"-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----"}"#;

#[tokio::test]
async fn a_key_that_fits_every_kid_does_not_hide_that_a_set_is_missing() {
    let one = SigningKey::new("one");
    let a = HostileIssuer::start().await;
    a.answer(JWKS, Answer::Status(500));
    let validator = validator_of(ISSUER, &sets(&[UNNAMED.to_owned(), at(&a)]));
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "keys_unavailable");
    a.publish(&[one.jwk()]);
    validator.ready(Duration::from_secs(5), false).await.unwrap();
    assert_eq!(name(&validator, &one.token(ISSUER)).await, "granted");
    assert_eq!(name(&validator, &token_of_unknown_key(ISSUER)).await, "signature_invalid");
}

#[tokio::test]
async fn the_set_of_the_metadata_may_be_one_of_them() {
    let [one, two] = ["one", "two"].map(SigningKey::new);
    let issuer = HostileIssuer::with_keys(&[one.jwk()]).await;
    issuer.answer(OPENID, Answer::Ok(metadata(&issuer.uri(), &format!("{}{JWKS}", issuer.uri()))));
    let validator = validator_of(&issuer.uri(), &sets(&[r#""metadata""#.to_owned(), known(&two)]));
    for key in [&two, &one] {
        assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted", "{}", key.kid);
    }
    assert_eq!(issuer.times_asked(OPENID), 1);
}

#[tokio::test]
async fn several_known_sets_need_no_network() {
    let [one, two, three] = ["one", "two", "three"].map(SigningKey::new);
    let validator = validator_of(ISSUER, &sets(&[known(&one), known(&two)]));
    for (key, expected) in [(&one, "granted"), (&two, "granted"), (&three, "key_unknown")] {
        assert_eq!(name(&validator, &key.token(ISSUER)).await, expected);
    }
    assert_eq!(health(&validator)["state"], "static");
    assert_eq!(validator.key_set_number(0), validator.key_set_number(0));
}

#[tokio::test]
async fn a_skipped_key_is_told_with_its_reason() {
    let good = SigningKey::new("good");
    let bad = SigningKey::new("bad").jwk().replace(r#""kty""#, r#""use":"enc","kty""#);
    let issuer = HostileIssuer::with_keys(&[good.jwk(), bad]).await;
    let validator = validator_of(&issuer.uri(), "");
    validator.ready(Duration::from_secs(5), false).await.unwrap();
    let skipped = health(&validator)["skippedKeys"].clone();
    assert_eq!(skipped, serde_json::json!([{ "kid": "bad", "reason": "its `use` is another than \"sig\"" }]));
}
