//! An issuer that goes away after its keys were fetched (requirements H20, H30, H32).

use std::time::Duration;

use crate::hostile_issuer::{HostileIssuer, JWKS};
use crate::tokens::{SigningKey, judge, name, names, token_of_unknown_key, validator};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h20_h30_h32_through_an_outage_good_tokens_pass_and_unknown_keys_are_401() {
    let key = SigningKey::new("1");
    let mut issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let validator = validator(&issuer, "");
    let good = key.token(&issuer.uri());
    assert_eq!(name(&validator, &good).await, "granted");
    issuer.go_down().await;
    let refused = judge(&validator, &token_of_unknown_key(&issuer.uri())).await.unwrap_err();
    assert_eq!((refused.code, refused.challenge.status), ("key_unknown", 401));
    let mut tokens: Vec<String> = (0..200).map(|_| token_of_unknown_key(&issuer.uri())).collect();
    tokens.extend(std::iter::repeat_n(good, 200));
    let verdicts = names(&validator, tokens).await;
    assert_eq!(verdicts[..200], ["key_unknown"; 200]);
    assert_eq!(verdicts[200..], ["granted"; 200]);
    // H30: the failed refresh has used up the budget until the cool-down ends, the issuer's return included.
    issuer.come_back().await;
    assert_eq!(name(&validator, &token_of_unknown_key(&issuer.uri())).await, "key_unknown");
    assert_eq!(issuer.times_asked(JWKS), 1);
}

#[tokio::test]
async fn h20_after_an_outage_a_new_key_is_found() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let mut issuer = HostileIssuer::with_keys(&[old.jwk()]).await;
    let validator = validator(&issuer, r#","keysCooldownSeconds":1"#);
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
    issuer.go_down().await;
    let token = new.token(&issuer.uri());
    assert_eq!(name(&validator, &token).await, "key_unknown");
    issuer.publish(&[old.jwk(), new.jwk()]);
    issuer.come_back().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(name(&validator, &token).await, "granted");
    assert_eq!(name(&validator, &old.token(&issuer.uri())).await, "granted");
}
