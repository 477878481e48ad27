//! The readers of header fields and of URIs.
//!
//! In: bytes of one field.
//! Out: a panic if what was read is more than what was sent, or reads otherwise a second time.
//! Never: a whole verdict, the client's certificate aside.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::question::Request;
use oidc_spa_native::request::{RequestHead, TargetUri};

use crate::oracle::{check_message, check_same};
use crate::server::{NOW, Received, as_field, is_granted, proxy_trusts};

const CERTIFICATE: &[u8] = b"a certificate in DER, of which only the digest counts";

/// Base64 as a structured field may have it (RFC 9651 section 4.2.7).
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// `b64token` (RFC 6750 section 2.1).
fn is_token68(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// The field `Authorization`.
pub fn authorization(bytes: &[u8]) {
    let text = as_field(bytes);
    for dpop in [Field::Absent, Field::Once("a.b.c"), Field::Repeated] {
        match Credentials::parse(Field::Once(&text), dpop) {
            Ok(Credentials { presentation, access_token, token_begin }) => {
                assert!(is_token68(access_token), "{access_token:?}");
                check_same(
                    "the token's place",
                    text.get(token_begin..token_begin + access_token.len()),
                    Some(access_token),
                );
                let scheme = presentation.scheme().name();
                assert!(text.trim_start()[..scheme.len()].eq_ignore_ascii_case(scheme));
            }
            Err((rejection, _)) => check_message(rejection.message(), &text, ""),
        }
    }
}

/// The field `DPoP`.
pub fn dpop_field(bytes: &[u8]) {
    let text = as_field(bytes);
    match Credentials::parse(Field::Once("DPoP a.b.c"), Field::Once(&text)) {
        Ok(Credentials { presentation: Presentation::DPoP { proof }, .. }) => {
            check_same("the proof", text.trim_matches([' ', '\t']), proof.trim_matches([' ', '\t']));
        }
        Ok(_) => panic!("read as Bearer"),
        Err((rejection, _)) => check_message(rejection.message(), &text, ""),
    }
}

/// The fields of proxies, in a whole request, with each way to trust them.
pub fn forwarded(bytes: &[u8]) {
    let text = as_field(bytes);
    let Some(received) = Received::read(&text) else { return };
    for trust in proxy_trusts() {
        match received.head().target_uri(&trust) {
            Ok(uri) => check_uri(&uri),
            Err(rejection) => check_message(rejection.message(), "", ""),
        }
    }
}

/// A target URI.
pub fn target_uri(bytes: &[u8]) {
    if let Some(uri) = TargetUri::parse(&as_field(bytes)) {
        check_uri(&uri);
    }
}

/// A normalised URI is its own normal form, without user, query or fragment. Its path may have characters that RFC 3986 does
/// not have and that browsers send, such as `|`.
fn check_uri(uri: &TargetUri) {
    let text = uri.to_string();
    assert!(text.starts_with("https://") || text.starts_with("http://"), "{text}");
    assert!(
        text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) && !text.contains(['?', '#', '\\']),
        "{text}"
    );
    let authority = text.split('/').nth(2).unwrap_or_default();
    assert!(!authority.is_empty() && !authority.contains('@'), "{text}");
    // A host may be one dot. Segments of the path begin after it.
    assert!(!text.split('/').skip(3).any(|segment| segment == "." || segment == ".."), "{text}");
    check_same(&text, TargetUri::parse(&text).map(|uri| uri.to_string()), Some(text.clone()));
}

/// The value of `Client-Cert` that the token of [`client_certificate`] is bound to.
pub fn good_certificate_field() -> String {
    format!(":{}:", STANDARD.encode(CERTIFICATE))
}

/// The field `Client-Cert` of a trusted proxy.
pub fn client_certificate(bytes: &[u8]) {
    static AUTHORIZATION: LazyLock<String> = LazyLock::new(|| {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, CERTIFICATE));
        let claims = serde_json::json!({
            "iss": "https://as.example", "sub": "user-1", "aud": "https://api.example", "iat": NOW - 10, "exp": NOW + 600,
            "cnf": { "x5t#S256": thumbprint },
        });
        format!("Bearer {}", crate::corridor::token_of(claims.to_string().as_bytes()))
    });
    let text = as_field(bytes);
    let head = RequestHead {
        method: "GET",
        url: "/",
        connection_scheme: Some("https"),
        host: Some("api.example"),
        remote_address: Some("10.0.0.1"),
        client_cert: Some(&text),
        ..RequestHead::default()
    };
    let request =
        Request { authorization: Field::Once(&AUTHORIZATION), dpop: Field::Absent, head: Some(head) };
    let is_good = text
        .trim_matches([' ', '\t'])
        .strip_prefix(':')
        .and_then(|text| text.strip_suffix(':'))
        .and_then(|text| LENIENT.decode(text).ok())
        .is_some_and(|der| der == CERTIFICATE);
    check_same("the client's certificate", is_granted(2, &request, NOW), is_good);
}
