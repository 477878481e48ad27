//! Keys that change, and clients that claim they did (requirements H23 to H32, H39, H40).

use std::time::Duration;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OPENID};
use crate::tokens::{NO_HANG, NOW, SigningKey, name, names, token_of_unknown_key, validator};

/// Longer than the shortest cool-down there is.
const COOLED_DOWN: Duration = Duration::from_millis(1_200);

#[tokio::test]
async fn h23_a_new_key_is_found_by_one_refetch() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let validator = validator(&issuer, "");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    issuer.publish(&[old.jwk(), new.jwk()]);
    let token = new.token(&issuer.uri());
    assert_eq!(names(&validator, vec![token; 100]).await, ["granted"; 100]);
    assert_eq!(issuer.asked(), [OPENID, JWKS, JWKS]);
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
}

#[tokio::test]
async fn h24_a_kid_that_is_used_again_for_another_key_is_found_by_one_refetch() {
    let (old, new) = (SigningKey::new("same"), SigningKey::new("same"));
    assert_ne!(old.jwk(), new.jwk());
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let validator = validator(&issuer, "");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    issuer.publish(&[new.jwk()]);
    assert_eq!(name(&validator, &new.token(&issuer.uri())).await, "granted");
    assert_eq!(issuer.times_asked(JWKS), 2);
    // H25: the key that is gone vouches for nothing any more, and asking again is not worth it yet.
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "signature_invalid");
    assert_eq!(issuer.times_asked(JWKS), 2);
}

#[tokio::test]
async fn h25_a_key_that_the_issuer_dropped_is_dropped_with_the_next_refresh() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let validator = validator(&issuer, "");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    issuer.publish(&[new.jwk()]);
    assert_eq!(name(&validator, &new.token(&issuer.uri())).await, "granted");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "key_unknown");
}

#[tokio::test]
async fn h28_tokens_that_no_key_could_save_ask_for_nothing() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let uri = issuer.uri();
    let validator = validator(&issuer, "");
    assert_eq!(name(&validator, &key.token(&uri)).await, "granted");
    let unknown = SigningKey::new("unknown");
    for (token, expected) in [
        (unknown.token_with(&uri, "none", "at+jwt", NOW + 600), "algorithm_not_allowed"),
        (unknown.token_with(&uri, "HS256", "at+jwt", NOW + 600), "algorithm_not_allowed"),
        (unknown.token_with(&uri, "EdDSA", "dpop+jwt", NOW + 600), "token_type_unexpected"),
        (unknown.token_with("https://evil.example", "EdDSA", "at+jwt", NOW + 600), "key_unknown"),
        (unknown.token_with(&uri, "EdDSA", "at+jwt", NOW), "key_unknown"),
        (unknown.token_with(&uri, "EdDSA", "at+jwt", NOW - 1), "key_unknown"),
    ] {
        assert_eq!(name(&validator, &token).await, expected);
        assert_eq!(issuer.times_asked(JWKS), 1, "{expected}");
    }
    // The twin that could be good asks.
    let token = unknown.token_with(&uri, "EdDSA", "at+jwt", NOW + 1);
    assert_eq!(name(&validator, &token).await, "key_unknown");
    assert_eq!(issuer.times_asked(JWKS), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h26_h27_a_flood_of_unknown_kids_asks_once_and_disturbs_nobody() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let validator = validator(&issuer, "");
    let good = key.token(&issuer.uri());
    assert_eq!(name(&validator, &good).await, "granted");
    let mut tokens: Vec<String> = (0..500).map(|_| token_of_unknown_key(&issuer.uri())).collect();
    tokens.extend(std::iter::repeat_n(good, 500));
    let verdicts = names(&validator, tokens).await;
    assert_eq!(verdicts[..500], ["key_unknown"; 500]);
    assert_eq!(verdicts[500..], ["granted"; 500]);
    assert_eq!(issuer.asked(), [OPENID, JWKS, JWKS]);
}

#[tokio::test]
async fn h27_a_rotation_in_the_shadow_of_a_flood_is_followed_after_the_cool_down() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let validator = validator(&issuer, r#","keysCooldownSeconds":1"#);
    assert_eq!(validator.ready(NO_HANG, true).await, Ok(()));
    assert_eq!(name(&validator, &token_of_unknown_key(&issuer.uri())).await, "key_unknown");
    issuer.publish(&[new.jwk()]);
    tokio::time::sleep(COOLED_DOWN).await;
    let token = new.token(&issuer.uri());
    assert_eq!(names(&validator, vec![token; 50]).await, ["granted"; 50]);
    assert_eq!(issuer.times_asked(JWKS), 3);
}

#[tokio::test]
async fn h32_g23_g25_a_refresh_that_brings_nothing_of_use_takes_nothing_away() {
    let key = SigningKey::new("1");
    for answer in [
        Answer::Ok(r#"{"keys":[]}"#.into()),
        Answer::Ok(r#"{"keys":[{"kty":"oct","kid":"1","k":"AAAA"}]}"#.into()),
        Answer::Ok("<html>".into()),
        Answer::Status(500),
        Answer::Hangup,
        Answer::Endless,
    ] {
        let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
        let validator = validator(&issuer, "");
        assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted");
        issuer.answer(JWKS, answer.clone());
        assert_eq!(name(&validator, &token_of_unknown_key(&issuer.uri())).await, "key_unknown", "{answer:?}");
        assert_eq!(issuer.times_asked(JWKS), 2, "{answer:?}");
        assert_eq!(name(&validator, &key.token(&issuer.uri())).await, "granted", "{answer:?}");
    }
}

#[tokio::test]
async fn h39_two_issuers_with_the_same_kid_vouch_only_for_their_own() {
    let (a, b) = (SigningKey::new("same"), SigningKey::new("same"));
    let issuer_a = HostileIssuer::with_keys(&[a.jwk()]).await;
    let issuer_b = HostileIssuer::with_keys(&[b.jwk()]).await;
    let options = format!(
        r#"{{"issuers":[{{"issuerUri":"{}","expectedAudience":"https://api.example"}},
            {{"issuerUri":"{}","expectedAudience":"https://api.example"}}]}}"#,
        issuer_a.uri(),
        issuer_b.uri()
    );
    let validator = std::sync::Arc::new(
        oidc_spa_native_host::Validator::new(&options, oidc_spa_native_host::Internals::default(), None)
            .unwrap(),
    );
    assert_eq!(name(&validator, &a.token(&issuer_a.uri())).await, "granted");
    assert_eq!(name(&validator, &b.token(&issuer_b.uri())).await, "granted");
    assert_eq!(name(&validator, &a.token(&issuer_b.uri())).await, "signature_invalid");
    assert_eq!(name(&validator, &b.token(&issuer_a.uri())).await, "signature_invalid");
}

#[tokio::test]
async fn h40_a_kid_is_no_part_of_any_url() {
    for kid in ["../../evil", "?x=y", "http://169.254.169.254/", "%0d%0aHost: evil"] {
        let issuer = HostileIssuer::with_keys(&[SigningKey::new("1").jwk()]).await;
        let validator = validator(&issuer, "");
        assert_eq!(name(&validator, &SigningKey::new(kid).token(&issuer.uri())).await, "key_unknown");
        assert_eq!(issuer.asked(), [OPENID, JWKS, JWKS], "{kid}");
    }
}
