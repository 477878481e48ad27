//! What each room of the corridor costs, measured with divan: run `cargo bench --bench rooms`, or with a room's name
//! behind `--` for that one alone.
//!
//! In: tokens and proofs that are made at the start. Out: a table.
//! Never: an assertion about time.

// A benchmark that cannot be prepared must stop.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair};
use divan::{Bencher, black_box};
use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients};
use oidc_spa_native::challenge::Demand;
use oidc_spa_native::credentials::{Credentials, Field};

use oidc_spa_native::crypto::sha256;
use oidc_spa_native::dpop::nonce::{NonceMode, Nonces};
use oidc_spa_native::dpop::policy::DpopPolicy;
use oidc_spa_native::dpop::replay::{ProofRecord, ReplayMemory};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::jose::jwk::{Jwk, Spelling};
use oidc_spa_native::jose::jws::{CompactJws, JoseHeader};
use oidc_spa_native::jose::verification_key::VerificationKey;
use oidc_spa_native::jose::{base64url_encode, json};
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::policy::{AcceptedIssuer, Policy};
use oidc_spa_native::presentation::{RequestRules, RequiredBinding};
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::Code;
use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::scheme::{AcceptedSchemes, Scheme};
use oidc_spa_native::time::{Leeway, UnixTime};

const ISSUER: &str = "https://auth.example.com/realms/main";
const AUDIENCE: &str = "https://api.example.com";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn window() -> ProofWindow {
    ProofWindow::new(40, Leeway::from_secs(10).unwrap()).unwrap()
}
const KEY_ID: &str = "4Tn0f2mWcQpXbq3jX1lqW9mI0eN5dGQ2sZk7vYh8aBc";
const TOKEN_ALGORITHMS: [&str; 5] = ["RS256", "RS256-4096", "ES256", "ES384", "EdDSA"];
const PROOF_ALGORITHMS: [&str; 2] = ["ES256", "EdDSA"];

fn main() {
    divan::main();
}

#[divan::bench_group]
mod credentials {
    use super::*;

    #[divan::bench]
    fn parse(bencher: Bencher<'_, '_>) {
        let value = format!("Bearer {}", Signer::new("RS256").token(None));
        bencher.bench(|| Credentials::parse(black_box(Field::Once(&value)), Field::Absent).is_ok());
    }
}

#[divan::bench_group]
mod request {
    use super::*;

    #[divan::bench(args = ["https://api.example.com/v1/items", "HTTPS://API.example.com:443/v1/./a%20b/%7Euser?x=1"])]
    fn parse_target_uri(text: &str) -> Option<TargetUri> {
        TargetUri::parse(black_box(text))
    }

    #[divan::bench]
    fn rebuild_target_uri() -> bool {
        black_box(head()).target_uri(&ProxyTrust::Nobody).is_ok()
    }
}

#[divan::bench_group]
mod jose {
    use super::*;

    #[divan::bench]
    fn parse_claims(bencher: Bencher<'_, '_>) {
        let claims = claims(None);
        bencher.bench(|| Object::parse(black_box(claims.as_bytes())).is_ok());
    }

    #[divan::bench(args = TOKEN_ALGORITHMS)]
    fn take_apart(bencher: Bencher<'_, '_>, algorithm: &str) {
        let token = Signer::new(algorithm).token(None);
        bencher.bench(|| {
            let header = JoseHeader::decode(black_box(&token)).unwrap();
            CompactJws::parse(&token, &header).is_ok()
        });
    }

    #[divan::bench(args = TOKEN_ALGORITHMS)]
    fn verify(bencher: Bencher<'_, '_>, algorithm: &str) {
        let signer = Signer::new(algorithm);
        let (key, token) = (signer.verification_key(), signer.token(None));
        let header = JoseHeader::decode(&token).unwrap();
        let jws = CompactJws::parse(&token, &header).unwrap();
        assert!(jws.is_signed_by(&key, signer.algorithm()));
        bencher.bench_local(|| jws.is_signed_by(black_box(&key), signer.algorithm()));
    }
}

#[divan::bench_group]
mod keys {
    use super::*;

    #[divan::bench(args = [1, 10, 100])]
    fn parse_jwk_set(bencher: Bencher<'_, '_>, count: usize) {
        let jwk = Signer::new("RS256").jwk();
        let members = jwk.trim_start_matches('{');
        let keys: Vec<String> = (0..count).map(|n| format!(r#"{{"kid":"key-{n}",{members}"#)).collect();
        let document = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        bencher.bench(|| JwkSet::parse(black_box(document.as_bytes())).is_ok());
    }
}

#[divan::bench_group]
mod dpop {
    use super::*;

    #[divan::bench]
    fn replay_memory(bencher: Bencher<'_, '_>) {
        let memory = ReplayMemory::new(10_000_000, window());
        let next = AtomicUsize::new(0);
        let record = || {
            let n = next.fetch_add(1, Ordering::Relaxed);
            ProofRecord::new(&format!("{n:043}"), &format!("jti-{n}"), NOW)
        };
        bencher.with_inputs(record).bench_refs(|record| memory.remember(record, NOW));
    }

    #[divan::bench]
    fn nonce_of_now(bencher: Bencher<'_, '_>) {
        let nonces = Nonces::new(NonceMode::Required, [7; 32], 60);
        bencher.bench(|| nonces.current(black_box(NOW)));
    }
}

/// The whole corridor: what is not in the rooms above is in here.
#[divan::bench_group]
mod resource_server {
    use super::*;

    #[divan::bench(args = TOKEN_ALGORITHMS)]
    fn bearer(bencher: Bencher<'_, '_>, algorithm: &str) {
        let signer = Signer::new(algorithm);
        let authorization = format!("Bearer {}", signer.token(None));
        grants(bencher, &signer, &authorization, None);
    }

    /// The proof is by this algorithm, the token by RS256. The proof is not remembered: see `dpop`.
    #[divan::bench(args = PROOF_ALGORITHMS)]
    fn dpop(bencher: Bencher<'_, '_>, algorithm: &str) {
        let (signer, client) = (Signer::new("RS256"), Signer::new(algorithm));
        let token = signer.token(Some(&client));
        grants(bencher, &signer, &format!("DPoP {token}"), Some(&client.proof(&token)));
    }

    #[divan::bench(args = [Code::CredentialsMissing, Code::TokenExpired, Code::ProofReplayed])]
    fn challenge(bencher: Bencher<'_, '_>, code: Code) {
        let server = server();
        let refuse = |code: Code| {
            let (rules, demand) = (RequestRules::default(), Demand::default());
            server.refuse(code.because(""), Some(Scheme::DPoP), rules, &demand, NOW)
        };
        bencher.bench(|| refuse(black_box(code)));
    }

    fn grants(bencher: Bencher<'_, '_>, signer: &Signer, authorization: &str, proof: Option<&str>) {
        let server = server();
        let keys = Arc::new(JwkSet::of_unnamed(vec![signer.verification_key()]).unwrap());
        let dpop = proof.map_or(Field::Absent, Field::Once);
        let request = Request { authorization: Field::Once(authorization), dpop, head: Some(head()) };
        let question = Question::of_request(request);
        let decide = || server.decide(black_box(&question), &|_| Some(keys.clone()), NOW);
        let decision = decide();
        assert!(matches!(decision, Decision::Pending(_)), "{decision:?}");
        bencher.bench(decide);
    }

    fn server() -> ResourceServer {
        ResourceServer::new(Policy {
            issuers: vec![AcceptedIssuer {
                issuer: Issuer::parse(ISSUER).unwrap(),
                audience: Audience::AnyOf(vec![AUDIENCE.into()]),
                clients: Clients::Any,
                algorithms: AlgorithmSet::all(),
            }],
            access_token: AccessTokenPolicy::default(),
            max_token_bytes: 16 * 1024,
            dpop: DpopPolicy {
                algorithms: AlgorithmSet::all(),
                window: window(),
                nonce_window: window(),
                max_bytes: 8 * 1024,
                as_oidc_spa: false,
            },
            nonces: None,
            schemes: AcceptedSchemes::Both,
            binding: RequiredBinding::default(),
            resource: None,
            certificate_field: oidc_spa_native::client_certificate::CertificateField::Ignored,
            reads_forwarded_prefix: false,
            proxy_trust: ProxyTrust::Nobody,
        })
    }
}

fn head() -> RequestHead<'static> {
    RequestHead {
        method: "GET",
        url: "/v1/items?page=2",
        connection_scheme: Some("https"),
        host: Some("api.example.com"),
        ..RequestHead::default()
    }
}

fn claims(jkt: Option<&str>) -> String {
    let confirmation = jkt.map(|jkt| format!(r#""cnf":{{"jkt":"{jkt}"}},"#)).unwrap_or_default();
    let expires = NOW.secs() + 300;
    let name = "Jo Doe ".repeat(40);
    format!(
        r#"{{"exp":{expires},"iat":{},"jti":"f1a7c6f2-6f53-4b7e-9b86-1a2f4a5f0c11","iss":"{ISSUER}","aud":["{AUDIENCE}","account"],"sub":"8c9e0a44-7d57-4f0a-8f3c-1e1b0f6f2a10","typ":"Bearer","azp":"web-app","acr":"1",{confirmation}"realm_access":{{"roles":["offline_access","uma_authorization"]}},"scope":"openid email profile","email_verified":true,"name":"{name}","email":"jo.doe@example.com"}}"#,
        NOW.secs()
    )
}

/// A private key, and what is signed with it.
enum Signer {
    Rsa(RsaKeyPair),
    Ec(Algorithm, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    fn new(algorithm: &str) -> Self {
        let ec = |algorithm, signing: &'static EcdsaSigningAlgorithm| {
            Self::Ec(algorithm, EcdsaKeyPair::generate(signing).unwrap())
        };
        match algorithm {
            "RS256-4096" => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa4096).unwrap()),
            "ES256" => ec(Algorithm::ES256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(Algorithm::ES384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            "EdDSA" => Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            _ => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        }
    }

    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa(_) => Algorithm::RS256,
            Self::Ec(algorithm, _) => *algorithm,
            Self::Ed25519(_) => Algorithm::EdDSA,
        }
    }

    fn verification_key(&self) -> VerificationKey {
        let der = match self {
            Self::Rsa(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
            Self::Ec(_, pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
            Self::Ed25519(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()),
        };
        VerificationKey::from_der(der.unwrap().as_ref()).unwrap()
    }

    /// Members of the public key, without a `kid`.
    fn jwk(&self) -> String {
        let b64 = |bytes: Option<&[u8]>| base64url_encode(bytes.unwrap());
        match self {
            Self::Rsa(pair) => {
                // RFC 8017 appendix A.1.1: for 2048 bits the modulus begins behind nine bytes of DER.
                let n = b64(pair.public_key().as_ref().get(9..265));
                format!(r#"{{"kty":"RSA","e":"AQAB","n":"{n}"}}"#)
            }
            Self::Ec(_, pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (b64(point.get(1..33)), b64(point.get(33..65)));
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)
            }
            Self::Ed25519(pair) => {
                let x = b64(Some(pair.public_key().as_ref()));
                format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)
            }
        }
    }

    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let Ok(Value::Object(object)) = json::parse(jwk.as_bytes()) else { unreachable!() };
        Jwk::parse(&object, Spelling::Canonical).unwrap().thumbprint().as_str().to_owned()
    }

    /// An access token, bound to a client's key if there is one.
    fn token(&self, client: Option<&Self>) -> String {
        let header = format!(r#"{{"alg":"{}","typ":"at+jwt","kid":"{KEY_ID}"}}"#, self.algorithm().name());
        self.jws(&header, &claims(client.map(Self::thumbprint).as_deref()))
    }

    fn proof(&self, token: &str) -> String {
        let header =
            format!(r#"{{"alg":"{}","typ":"dpop+jwt","jwk":{}}}"#, self.algorithm().name(), self.jwk());
        let ath = base64url_encode(&sha256(token.as_bytes()));
        let iat = NOW.secs();
        let claims = format!(
            r#"{{"htm":"GET","htu":"https://api.example.com/v1/items","ath":"{ath}","iat":{iat},"jti":"p-1"}}"#
        );
        self.jws(&header, &claims)
    }

    fn jws(&self, header: &str, payload: &str) -> String {
        let input =
            format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
        let rng = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &rng, input.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec(_, pair) => pair.sign(&rng, input.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
        };
        format!("{input}.{}", base64url_encode(&signature))
    }
}
