//! Tokens and proofs, written as text so that duplicate members and odd numbers survive.

use oidc_spa_native::crypto::sha256;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;

use super::{AUDIENCE, CLIENT, ES_1, HTU, ISSUER, NOW, SigningKey};

/// A JWT to be signed: header and payload as JSON text, member by member.
#[derive(Clone)]
pub struct Jwt {
    header: Vec<(String, String)>,
    payload: Vec<(String, String)>,
    raw_header: Option<Vec<u8>>,
    raw_payload: Option<Vec<u8>>,
    key: &'static SigningKey,
    algorithm: Algorithm,
}

impl Jwt {
    /// T0: a valid unbound access token, signed by `es-1`.
    pub fn t0() -> Self {
        let strings = [
            ("iss", ISSUER),
            ("sub", "user-1"),
            ("aud", AUDIENCE),
            ("client_id", "client-1"),
            ("jti", "token-1"),
            ("scope", "read"),
        ];
        let mut token = Self {
            header: Vec::new(),
            payload: Vec::new(),
            raw_header: None,
            raw_payload: None,
            key: &ES_1,
            algorithm: Algorithm::ES256,
        };
        for (name, value) in strings {
            token = token.claim(name, &quoted(value));
        }
        token = token.claim("iat", &(NOW - 10).to_string()).claim("exp", &(NOW + 600).to_string());
        token.header("alg", r#""ES256""#).header("typ", r#""at+jwt""#).header("kid", r#""es-1""#)
    }

    /// T1: T0, bound to the client's key.
    pub fn t1() -> Self {
        Self::t0().bound_to(&CLIENT)
    }

    /// P1: a valid proof by the client's key for `GET` of [`HTU`] with this access token.
    pub fn p1(access_token: &str) -> Self {
        Self::t0()
            .with_no_members()
            .header("alg", r#""ES256""#)
            .header("typ", r#""dpop+jwt""#)
            .header("jwk", &CLIENT.jwk(""))
            .claim("htm", r#""GET""#)
            .claim("htu", &quoted(HTU))
            .claim("iat", &NOW.to_string())
            .claim("jti", r#""proof-1""#)
            .claim("ath", &quoted(&ath(access_token)))
            .signed_by(&CLIENT, Algorithm::ES256)
    }

    /// P1 by another key: its `jwk` and `alg` say so.
    pub fn proof_by(self, key: &'static SigningKey, algorithm: Algorithm) -> Self {
        self.header("jwk", &key.jwk("")).header("alg", &quoted(algorithm.name())).signed_by(key, algorithm)
    }

    pub fn bound_to(self, key: &SigningKey) -> Self {
        self.claim("cnf", &format!(r#"{{"jkt":"{}"}}"#, key.thumbprint()))
    }

    fn with_no_members(mut self) -> Self {
        self.header.clear();
        self.payload.clear();
        self
    }

    /// Sets a header member to a raw JSON value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        set(&mut self.header, name, value);
        self
    }

    pub fn without_header(mut self, name: &str) -> Self {
        self.header.retain(|(key, _)| key != name);
        self
    }

    /// Adds a header member beside one that may be there already.
    pub fn also_header(mut self, name: &str, value: &str) -> Self {
        self.header.push((name.into(), value.into()));
        self
    }

    /// The whole header, as it is.
    pub fn raw_header(mut self, bytes: &[u8]) -> Self {
        self.raw_header = Some(bytes.to_vec());
        self
    }

    /// Sets a claim to a raw JSON value.
    pub fn claim(mut self, name: &str, value: &str) -> Self {
        set(&mut self.payload, name, value);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.payload.retain(|(key, _)| key != name);
        self
    }

    /// Adds a claim beside one that may be there already; the name is raw JSON too, without its quotes.
    pub fn also_claim(mut self, name: &str, value: &str) -> Self {
        self.payload.push((name.into(), value.into()));
        self
    }

    /// The whole payload, as it is.
    pub fn raw_payload(mut self, bytes: &[u8]) -> Self {
        self.raw_payload = Some(bytes.to_vec());
        self
    }

    /// Which key signs, and how; the header's `alg` and `kid` stay.
    pub fn signed_by(mut self, key: &'static SigningKey, algorithm: Algorithm) -> Self {
        (self.key, self.algorithm) = (key, algorithm);
        self
    }

    /// Which key signs, and how, with `alg` and `kid` telling so.
    pub fn by(self, kid: &str, key: &'static SigningKey, algorithm: Algorithm) -> Self {
        self.header("alg", &quoted(algorithm.name())).header("kid", &quoted(kid)).signed_by(key, algorithm)
    }

    pub fn header_text(&self) -> Vec<u8> {
        self.raw_header.clone().unwrap_or_else(|| object(&self.header).into_bytes())
    }

    pub fn payload_text(&self) -> Vec<u8> {
        self.raw_payload.clone().unwrap_or_else(|| object(&self.payload).into_bytes())
    }

    /// The compact serialisation.
    pub fn sign(&self) -> String {
        self.sign_parts(&base64url_encode(&self.header_text()), &base64url_encode(&self.payload_text()))
    }

    /// The compact serialisation of these first two parts, whatever they are.
    pub fn sign_parts(&self, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = self.key.sign(self.algorithm, input.as_bytes());
        format!("{input}.{}", base64url_encode(&signature))
    }
}

fn set(members: &mut Vec<(String, String)>, name: &str, value: &str) {
    match members.iter_mut().find(|(key, _)| key == name) {
        Some(member) => member.1 = value.to_owned(),
        None => members.push((name.to_owned(), value.to_owned())),
    }
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", members.join(","))
}

/// A JSON string of plain characters.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// `ath` of an access token.
pub fn ath(access_token: &str) -> String {
    base64url_encode(&sha256(access_token.as_bytes()))
}
