//! Answers that are meant to cost: floods of fields, of chunks and of interim answers, and texts for messages.

use std::time::Duration;

use crate::hostile_issuer::{Answer, HostileIssuer, JWKS, OPENID, jwk_set, metadata};
use crate::tokens::{NO_HANG, SigningKey, validator_of};

/// A piece that is sent until somebody hangs up, some 64 MiB.
fn flood(head: &str, piece: &str) -> Answer {
    Answer::Flood(head.to_owned(), piece.to_owned())
}

async fn first_fetch(uri: &str) -> Result<(), String> {
    validator_of(uri, "").ready(NO_HANG, true).await
}

/// The same by whoever has little patience: some floods are within every limit but that of time.
async fn short_fetch(uri: &str) -> Result<(), String> {
    validator_of(uri, r#","network":{"timeoutMs":600}"#).ready(NO_HANG, true).await
}

#[tokio::test]
async fn a_flood_is_hung_up_on_and_the_next_sound_answer_is_taken() {
    let key = SigningKey::new("1");
    let issuer = HostileIssuer::with_keys(&[key.jwk()]).await;
    let ok = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let kilobyte = "x".repeat(1024);
    let floods = [
        ("fields", flood(ok, "a: b\r\n")),
        ("long fields", flood(ok, &format!("a: {kilobyte}\r\n"))),
        ("one field", flood(&format!("{ok}a: "), &kilobyte)),
        ("the status line", flood("HTTP/1.1 200 ", &kilobyte)),
        ("interim answers", flood("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")),
        ("one interim answer", flood("HTTP/1.1 103 Early Hints\r\n", "link: </a>\r\n")),
        ("empty lines", flood("", "\r\n\r\n\r\n\r\n")),
        ("chunks of spaces", flood(chunked, "1\r\n \r\n")),
        ("extensions of a chunk", flood(&format!("{chunked}1;"), &kilobyte)),
        ("a chunk's length", flood(chunked, "0000000000000000")),
        ("trailers", flood(&format!("{chunked}2\r\n{{}}\r\n0\r\n"), "a: b\r\n")),
        ("two lengths", Answer::With(200, "content-length: 3\r\n".into(), jwk_set(&[key.jwk()]))),
        (
            "a length beyond all",
            flood("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", " "),
        ),
        ("a chunk beyond all", flood(chunked, "ffffffffffffffff1\r\n ")),
    ];
    for path in [OPENID, JWKS] {
        for (name, answer) in &floods {
            issuer.answer(path, answer.clone());
            let ended = tokio::time::timeout(NO_HANG, short_fetch(&issuer.uri())).await;
            let error = ended.expect(name).expect_err(name);
            assert!(error.len() < 2000, "{path} {name}: {} bytes", error.len());
        }
        issuer.publish(&[key.jwk()]);
        assert_eq!(first_fetch(&issuer.uri()).await, Ok(()));
    }
}

#[tokio::test]
async fn what_an_issuer_chooses_stays_short_and_escaped_in_a_message() {
    let (issuer, long) = (HostileIssuer::start().await, "x".repeat(100_000));
    let uri = issuer.uri();
    let named = |jwks_uri: &str| metadata(&uri, jwks_uri);
    for document in [
        named(&format!("{uri}/{long}")),
        named(&format!("{uri}/jwks?{long}")),
        named(&format!("http://127.0.0.1:1/{long}")),
        named(&format!("https://{long}.example/")),
        named(&format!("https://10.0.0.1/{long}")),
        metadata(&format!("https://{long}.example"), "https://as.example/jwks"),
        format!(r#"{{"{long}":1,"{long}":2}}"#),
        format!(r#"{{"issuer":"{uri}","jwks_uri":"\u001b[31m\n{long}"}}"#),
    ] {
        issuer.answer(OPENID, Answer::Ok(document));
        let options = r#","network":{"timeoutMs":300,"privateAddresses":true}"#;
        let error = validator_of(&uri, options).ready(NO_HANG, true).await.unwrap_err();
        assert!(error.len() < 2000, "{} bytes: {}", error.len(), &error[..300]);
        assert!(!error.contains(char::is_control), "{error:?}");
    }
    issuer.publish(&[SigningKey::new("1").jwk()]);
    assert_eq!(first_fetch(&uri).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_is_drawn_out_ends_with_the_time_for_it() {
    let issuer = HostileIssuer::with_keys(&[SigningKey::new("1").jwk()]).await;
    issuer.answer(JWKS, Answer::Late(jwk_set(&[SigningKey::new("1").jwk()]), Duration::from_secs(20)));
    let options = r#","network":{"timeoutMs":300}"#;
    let error = validator_of(&issuer.uri(), options).ready(NO_HANG, true).await.unwrap_err();
    assert!(error.contains("within 0.3 seconds (`network.timeoutMs`)"), "{error}");
}
