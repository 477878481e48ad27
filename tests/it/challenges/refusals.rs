//! Requests that are refused, one or more for every code that the corridor gives.

use oidc_spa_native::access_token::{Clients, Profile};
use oidc_spa_native::challenge::{Challenge, Refusal};
use oidc_spa_native::client_certificate::CertificateThumbprint;
use oidc_spa_native::credentials::Field;

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::question::Request;
use oidc_spa_native::request::RequestHead;
use oidc_spa_native::scheme::AcceptedSchemes;

use crate::issuer::{CLIENT, Jwt, NOW, STRANGER, Setup, Verdict, head, window};

/// What came of a request that is refused.
pub struct SentRefusal {
    pub name: &'static str,
    pub message: String,
    pub debug: String,
    pub challenge: Challenge,
}

pub fn sent_refusal(setup: &Setup, request: &Request<'_>) -> SentRefusal {
    let verdict = setup.judge(request);
    let (name, message) = (verdict.name(), verdict.message().to_owned());
    let debug = format!("{verdict:?}");
    let (Verdict::Refused(refusal) | Verdict::KeysNeeded(refusal)) = verdict else {
        panic!("a request was granted that was to be refused");
    };
    let Refusal { rejection, challenge } = refusal;
    let debug = format!("{debug} {rejection} {rejection:?}");
    SentRefusal { name, message, debug, challenge }
}

/// A request by its header fields; `None` is a field that came twice.
pub struct Attempt {
    pub id: String,
    pub authorization: Option<String>,
    pub dpop: Option<String>,
    change: fn(Setup) -> Setup,
}

impl Attempt {
    pub fn sent_refusal(&self) -> SentRefusal {
        let setup = (self.change)(Setup::new(Profile::Common));
        let authorization = self.authorization.as_deref().map_or(Field::Repeated, once_or_absent);
        let dpop = self.dpop.as_deref().map_or(Field::Repeated, once_or_absent);
        // A certificate changes nothing for a token that is not bound to one.
        let head = RequestHead { peer_certificate: Some(b"a certificate"), ..head() };
        let request = Request { authorization, dpop, head: Some(head) };
        if self.id == "replayed" {
            assert!(matches!(setup.judge(&request), Verdict::Granted(_)));
        }
        sent_refusal(&setup, &request)
    }

    /// The token, the proof and each of their parts.
    pub fn secrets(&self) -> Vec<String> {
        let token = self.authorization.as_deref().and_then(|value| value.rsplit(' ').next());
        [token, self.dpop.as_deref()]
            .into_iter()
            .flatten()
            .flat_map(|text| text.split(['.', ',', ' ']).chain([text]))
            .filter(|part| part.len() > 8)
            .map(str::to_owned)
            .collect()
    }
}

/// An empty text stands for a field that did not come.
fn once_or_absent(value: &str) -> Field<'_> {
    if value.is_empty() { Field::Absent } else { Field::Once(value) }
}

fn attempt(id: &str, authorization: &str, dpop: &str) -> Attempt {
    Attempt {
        id: id.into(),
        authorization: Some(authorization.into()),
        dpop: Some(dpop.into()),
        change: |setup| setup,
    }
}

pub fn bearer(id: String, token: Jwt) -> Attempt {
    attempt(&id, &format!("Bearer {}", token.sign()), "")
}

pub fn dpop(id: String, token: &str, proof: Jwt) -> Attempt {
    attempt(&id, &format!("DPoP {token}"), &proof.sign())
}

/// Every way to be refused, the texts that are no JWT included.
pub fn refusals() -> Vec<Attempt> {
    let (t0, t1) = (Jwt::t0().sign(), Jwt::t1().sign());
    let proof = Jwt::p1(&t1).sign();
    let mut all = vec![
        attempt("no credentials", "", &proof),
        attempt("another scheme", &format!("Basic {t0}"), ""),
        attempt("malformed", &format!("Bearer {t0} {t1}"), ""),
        attempt("malformed", &format!("Bearer\t{t0}"), ""),
        attempt("no proof", &format!("DPoP {t1}"), ""),
        attempt("two proofs in one", &format!("DPoP {t1}"), &format!("{proof}, {proof}")),
        attempt("unbound", &format!("DPoP {t0}"), &proof),
        attempt("bound", &format!("Bearer {t1}"), &proof),
        attempt("a token of two parts", &format!("Bearer {}", t0.rsplit_once('.').unwrap().0), ""),
        attempt("a token of four parts", &format!("Bearer {t0}.AAAAAAAAAAAA"), ""),
        attempt("a token with padding", &format!("Bearer {t0}="), ""),
        attempt("an oversized token", &format!("Bearer {}", "secret.".repeat(4_000)), ""),
        attempt("a token that is none", "Bearer hunter2-hunter2-hunter2", ""),
        attempt("a proof of two parts", &format!("DPoP {t1}"), proof.rsplit_once('.').unwrap().0),
        attempt("an oversized proof", &format!("DPoP {t1}"), &"secret.".repeat(4_000)),
        attempt("a proof that is none", &format!("DPoP {t1}"), "hunter2-hunter2-hunter2"),
        attempt("the token as its proof", &format!("DPoP {t1}"), &t1),
        Attempt { authorization: None, ..attempt("repeated", "", &proof) },
        Attempt { dpop: None, ..attempt("proofs repeated", &format!("DPoP {t1}"), "") },
        attempt("replayed", &format!("DPoP {t1}"), &proof),
        Attempt {
            change: |setup| Setup { memory: ReplayMemory::new(0, window()), ..setup },
            ..attempt("no memory", &format!("DPoP {t1}"), &proof)
        },
        Attempt {
            change: |setup| Setup { keys: None, ..setup },
            ..attempt("no keys", &format!("Bearer {t0}"), "")
        },
        Attempt {
            change: |setup| {
                setup.policy(|policy| policy.issuers[0].clients = Clients::OneOf(vec!["client-2".into()]))
            },
            ..attempt("another client", &format!("Bearer {t0}"), "")
        },
        Attempt {
            change: |setup| setup.policy(|policy| policy.schemes = AcceptedSchemes::Bearer),
            ..attempt("DPoP disabled", &format!("DPoP {t1}"), &proof)
        },
        Attempt {
            change: |setup| setup.policy(|policy| policy.schemes = AcceptedSchemes::DPoP),
            ..attempt("Bearer disabled", &format!("Bearer {t0}"), "")
        },
        Attempt {
            change: |setup| setup.policy(|policy| policy.dpop.max_bytes = 64),
            ..attempt("a small bound", &format!("DPoP {t1}"), &proof)
        },
    ];
    let thumbprint = CertificateThumbprint::of_der(b"another certificate");
    let cnf = format!(r#"{{"x5t#S256":"{thumbprint}"}}"#);
    all.push(bearer("another certificate".into(), Jwt::t0().claim("cnf", &cnf)));
    all.extend(bad_tokens().into_iter().enumerate().flat_map(|(i, token)| {
        let text = token.sign();
        let proof = Jwt::p1(&text);
        [bearer(format!("token {i}"), token), dpop(format!("token {i} with a proof"), &text, proof)]
    }));
    let proofs = bad_proofs(&t1).into_iter().enumerate();
    all.extend(proofs.map(|(i, proof)| dpop(format!("proof {i}"), &t1, proof)));
    all
}

fn bad_tokens() -> Vec<Jwt> {
    let t1 = Jwt::t1;
    vec![
        t1().header("alg", r#""none""#),
        t1().header("alg", "1"),
        t1().header("typ", r#""JWE""#),
        t1().header("kid", r#""x""#),
        t1().header("kid", "1"),
        t1().header("crit", r#"["x"]"#),
        t1().raw_header(b"{\"alg\":\"ES256\""),
        t1().also_header("alg", r#""none""#),
        t1().signed_by(&STRANGER, Algorithm::ES256),
        t1().header("alg", r#""ES384""#),
        t1().raw_payload(b"not JSON but secret-secret-secret"),
        t1().raw_payload(b"\"secret-secret-secret\""),
        t1().also_claim("sub", r#""user-2""#),
        t1().claim("exp", &NOW.to_string()),
        t1().claim("exp", r#""x""#),
        t1().claim("nbf", &(NOW + 1).to_string()),
        t1().claim("iat", &(NOW + 61).to_string()),
        t1().claim("iss", r#""https://evil.example""#),
        t1().claim("aud", r#""https://evil.example""#),
        t1().without("sub"),
        t1().claim("sub", "1"),
        t1().claim("at_hash", r#""x""#),
        t1().claim("cnf", "1"),
        t1().claim("cnf", "{}"),
    ]
}

fn bad_proofs(t1: &str) -> Vec<Jwt> {
    let p1 = || Jwt::p1(t1);
    vec![
        p1().header("typ", r#""JWT""#),
        p1().header("alg", r#""none""#),
        p1().header("alg", "1"),
        p1().without_header("jwk"),
        p1().header("jwk", &CLIENT.jwk(r#""d":"secret-secret-secret""#)),
        p1().header("jwk", "1"),
        p1().header("crit", r#"["x"]"#),
        p1().header("alg", r#""RS256""#),
        p1().raw_header(b"{"),
        p1().raw_payload(b"not JSON but secret-secret-secret"),
        p1().also_claim("jti", r#""x""#),
        p1().signed_by(&STRANGER, Algorithm::ES256),
        p1().proof_by(&STRANGER, Algorithm::ES256),
        p1().claim("htm", r#""POST""#),
        p1().claim("htu", r#""https://evil.example/""#),
        p1().claim("ath", r#""x""#),
        p1().claim("iat", &(NOW - 41).to_string()),
        p1().claim("iat", &(NOW + 4).to_string()),
        p1().claim("exp", &NOW.to_string()),
        p1().claim("nbf", &(NOW + 1).to_string()),
        p1().without("jti"),
        p1().without("ath"),
        p1().without("iat"),
    ]
}
