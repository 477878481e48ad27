//! Whole requests: of any text, and with payloads that the issuer or the client really signed.
//!
//! In: the text of a request, or a payload.
//! Out: a panic if a request is granted that must not be.
//! Never: a key that an attacker would have.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::question::Request;
use oidc_spa_native::request::RequestHead;

use crate::oracle::{check_proof, check_token};
use crate::server::{NOW, Received, SigningKey, as_field, is_granted};
use crate::vectors::{private_key, signed_texts};

static ISSUER: LazyLock<SigningKey> = LazyLock::new(|| private_key("es-1"));
static CLIENT: LazyLock<SigningKey> = LazyLock::new(|| private_key("client"));

fn head() -> RequestHead<'static> {
    RequestHead {
        method: "GET",
        url: "/v1/items?x=1",
        connection_scheme: Some("https"),
        host: Some("api.example"),
        ..RequestHead::default()
    }
}

/// A token of the issuer with this payload.
pub fn token_of(payload: &[u8]) -> String {
    ISSUER.sign(r#"{"alg":"ES256","typ":"at+jwt","kid":"es-1"}"#, payload)
}

/// A token that is bound to the client's key.
static BOUND_TOKEN: LazyLock<String> = LazyLock::new(|| {
    let jkt = URL_SAFE_NO_PAD.encode(digest(&SHA256, CLIENT.public_jwk().as_bytes()));
    let claims = serde_json::json!({
        "iss": "https://as.example", "sub": "user-1", "aud": "https://api.example", "client_id": "client-1", "jti": "1",
        "iat": NOW - 10, "exp": NOW + 600, "cnf": { "jkt": jkt },
    });
    token_of(claims.to_string().as_bytes())
});

/// The payload of a proof that is granted with the bound token.
pub fn good_proof_payload() -> Vec<u8> {
    let ath = URL_SAFE_NO_PAD.encode(digest(&SHA256, BOUND_TOKEN.as_bytes()));
    let claims = serde_json::json!({
        "jti": "a proof", "htm": "GET", "htu": "https://api.example/v1/items", "iat": NOW, "ath": ath,
    });
    claims.to_string().into_bytes()
}

/// A whole request. It is granted only with a token and a proof that were signed.
pub fn corridor(bytes: &[u8]) {
    let text = as_field(bytes);
    let Some(received) = Received::read(&text) else { return };
    if !received.is_granted() {
        return;
    }
    let credentials = Credentials::parse(received.field("authorization"), received.field("dpop"));
    let Ok(Credentials { presentation, access_token, .. }) = credentials else {
        panic!("granted without credentials");
    };
    let was_signed = |compact: &str| signed_texts().contains(compact.rsplit_once('.').unwrap_or_default().0);
    assert!(was_signed(access_token), "granted with a token that nobody signed");
    check_token(access_token, received.now);
    if let Presentation::DPoP { proof } = presentation {
        assert!(was_signed(proof), "granted with a proof that nobody signed");
        check_proof(proof, access_token, received.method, received.now);
    }
}

/// The payload of a token that the issuer signed.
pub fn claims(payload: &[u8]) {
    grants_claims(payload);
}

/// Whether a token with this payload is granted, by the default rules or by RFC 9068.
pub fn grants_claims(payload: &[u8]) -> bool {
    let token = token_of(payload);
    let authorization = format!("Bearer {token}");
    let authorization = Field::Once(&authorization);
    let request = Request { authorization, dpop: Field::Absent, head: Some(head()) };
    let granted = [0, 1].map(|which| is_granted(which, &request, NOW)).contains(&true);
    if granted {
        check_token(&token, NOW);
    }
    granted
}

/// The payload of a proof that the client signed.
pub fn proof(payload: &[u8]) {
    grants_proof(payload);
}

/// Whether a proof with this payload is granted, beside the token that is bound to its key.
pub fn grants_proof(payload: &[u8]) -> bool {
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, CLIENT.public_jwk());
    let proof = CLIENT.sign(&header, payload);
    let authorization = format!("DPoP {}", *BOUND_TOKEN);
    let (authorization, dpop) = (Field::Once(&authorization), Field::Once(&proof));
    let granted = is_granted(0, &Request { authorization, dpop, head: Some(head()) }, NOW);
    if granted {
        check_proof(&proof, &BOUND_TOKEN, "GET", NOW);
    }
    granted
}
