//! The resource server under test, and what it says of a request.

use std::sync::{Arc, LazyLock};

use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients, Profile};
use oidc_spa_native::challenge::Refusal;
use oidc_spa_native::client_certificate::CertificateField;
use oidc_spa_native::credentials::{Credentials, Field};

use oidc_spa_native::dpop::policy::DpopPolicy;
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::grant::Grant;
use oidc_spa_native::jose::algorithm::AlgorithmSet;
use oidc_spa_native::jose::jws::{CompactJws, JoseHeader};
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::{Candidates, JwkSet, Sought};
use oidc_spa_native::policy::{AcceptedIssuer, Policy};
use oidc_spa_native::presentation::RequiredBinding;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::Rejection;
use oidc_spa_native::request::{ProxyTrust, RequestHead};
use oidc_spa_native::resource_server::{Decision, ResourceServer};
use oidc_spa_native::scheme::AcceptedSchemes;
use oidc_spa_native::time::{Leeway, UnixTime};

use super::{AUDIENCE, ISSUER, NOW, jwk_set_document};

/// Verifies a compact JWS with a JWK Set, whatever its payload is. `Err` says which room refused it.
pub fn verify_compact(compact: &str, set: &JwkSet) -> Result<Vec<u8>, &'static str> {
    let header = JoseHeader::decode(compact).map_err(|_| "header")?;
    let algorithm = header.algorithm().ok_or("algorithm")?;
    let jws = CompactJws::parse(compact, &header).map_err(|_| "parts")?;
    let payload = jws.payload();
    let sought = Sought::new(header.kid.value().map(String::as_str), algorithm);
    let Candidates::Keys { tried, .. } = set.candidates(&sought, UnixTime::from_secs(NOW)) else {
        return Err("key");
    };
    let verified = tried
        .into_iter()
        .find_map(|candidate| payload.verify(candidate.key, algorithm))
        .ok_or("signature")?;
    Ok(verified.map_err(|_| "payload")?.payload().to_vec())
}

/// A resource server with its issuer's keys, its replay memory and its time.
pub struct Setup {
    pub policy: Policy,
    pub keys: Option<Arc<JwkSet>>,
    pub memory: ReplayMemory,
    pub now: UnixTime,
}

/// How a request ended.
#[derive(Debug)]
pub enum Verdict {
    Granted(Grant),
    Refused(Refusal),
    /// Refused, unless newer keys change it.
    KeysNeeded(Refusal),
}

impl Verdict {
    /// `granted`, or the code.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Granted(_) => "granted",
            Self::Refused(refusal) | Self::KeysNeeded(refusal) => refusal.rejection.code().row().name,
        }
    }

    /// Why it is none.
    fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Granted(_) => None,
            Self::Refused(refusal) | Self::KeysNeeded(refusal) => Some(&refusal.rejection),
        }
    }

    /// Why, for developers.
    pub fn message(&self) -> &str {
        match self {
            Self::Granted(_) => "",
            Self::Refused(refusal) | Self::KeysNeeded(refusal) => refusal.rejection.message(),
        }
    }
}

/// Where the `iat` of a proof may lie.
pub fn window() -> ProofWindow {
    ProofWindow::new(40, Leeway::from_secs(3).unwrap()).unwrap()
}

impl Setup {
    /// With the fixtures' keys, and every rule at its default.
    pub fn new(profile: Profile) -> Self {
        static KEYS: LazyLock<Arc<JwkSet>> =
            LazyLock::new(|| Arc::new(JwkSet::parse(jwk_set_document().as_bytes()).unwrap()));
        Self::with_keys(profile, KEYS.clone())
    }

    pub fn with_jwk_set(profile: Profile, document: &str) -> Self {
        Self::with_keys(profile, Arc::new(JwkSet::parse(document.as_bytes()).unwrap()))
    }

    fn with_keys(profile: Profile, keys: Arc<JwkSet>) -> Self {
        let policy = Policy {
            issuers: vec![AcceptedIssuer {
                issuer: Issuer::parse(ISSUER).unwrap(),
                audience: Audience::AnyOf(vec![AUDIENCE.into()]),
                clients: Clients::Any,
                algorithms: AlgorithmSet::all(),
            }],
            access_token: AccessTokenPolicy { profile, ..AccessTokenPolicy::default() },
            max_token_bytes: 16 * 1024,
            dpop: DpopPolicy {
                algorithms: AlgorithmSet::all(),
                window: window(),
                nonce_window: ProofWindow::around(Leeway::from_secs(300).unwrap()),
                max_bytes: 8 * 1024,
                as_oidc_spa: profile == Profile::OidcSpa,
            },
            nonces: None,
            schemes: AcceptedSchemes::Both,
            binding: RequiredBinding::default(),
            proxy_trust: ProxyTrust::Nobody,
            resource: None,
            reads_forwarded_prefix: false,
            certificate_field: CertificateField::Ignored,
        };
        Self {
            policy,
            keys: Some(keys),
            memory: ReplayMemory::new(1_000, window()),
            now: UnixTime::from_secs(NOW),
        }
    }

    /// Changes rules.
    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// The same leeway on `exp` and `nbf`.
    pub fn leeway(self, secs: u16) -> Self {
        let leeway = Leeway::from_secs(secs).unwrap();
        self.policy(|policy| {
            policy.access_token.expiry_leeway = leeway;
            policy.access_token.not_before_leeway = leeway;
        })
    }

    pub fn ten_seconds() -> Leeway {
        Leeway::from_secs(10).unwrap()
    }

    pub fn at(mut self, secs: i64) -> Self {
        self.now = UnixTime::from_secs(secs);
        self
    }

    /// A token presented as a bearer token.
    pub fn bearer(&self, token: &str) -> Verdict {
        let authorization = format!("Bearer {token}");
        self.judge(&Request {
            authorization: Field::Once(&authorization),
            dpop: Field::Absent,
            head: Some(head()),
        })
    }

    /// A token presented with a proof, to `GET /v1/items?x=1`.
    pub fn dpop(&self, token: &str, proof: &str) -> Verdict {
        self.dpop_to(token, proof, head())
    }

    /// A token presented with a proof, to any request.
    pub fn dpop_to(&self, token: &str, proof: &str, head: RequestHead<'_>) -> Verdict {
        let authorization = format!("DPoP {token}");
        let authorization = Field::Once(&authorization);
        self.judge(&Request { authorization, dpop: Field::Once(proof), head: Some(head) })
    }

    /// Judges a whole request; a proof is remembered in this setup's memory.
    pub fn judge(&self, request: &Request<'_>) -> Verdict {
        self.ask(&Question::of_request(*request))
    }

    /// Judges credentials that were taken out of a request already, as the drop-in's second step does.
    pub fn judge_credentials(&self, credentials: &Credentials<'_>) -> Verdict {
        self.ask(&Question::of_credentials(*credentials, None))
    }

    /// Judges any question; a proof is remembered in this setup's memory.
    pub fn ask(&self, question: &Question<'_>) -> Verdict {
        let server = ResourceServer::new(self.policy.clone());
        let keys = |_| self.keys.clone();
        let explanation =
            server.explain(question, &keys, self.now, |record| self.memory.look_up(record, self.now));
        let verdict = self.settle(&server, server.decide(question, &keys, self.now));
        // Whatever a test asks, the explanation names the same reason, and remembers nothing.
        assert_eq!(explanation.refusal(), verdict.rejection());
        verdict
    }

    /// Ends a decision; a proof is remembered in this setup's memory.
    pub fn settle(&self, server: &ResourceServer, decision: Decision) -> Verdict {
        match decision {
            Decision::Refused(refusal) => Verdict::Refused(refusal),
            Decision::KeysNeeded { otherwise, .. } => Verdict::KeysNeeded(otherwise),
            Decision::Pending(pending) => {
                match server.settle(pending, |record| self.memory.remember(record, self.now)) {
                    Ok(grant) => Verdict::Granted(grant),
                    Err(refusal) => Verdict::Refused(refusal),
                }
            }
        }
    }
}

/// `GET /v1/items?x=1` at `api.example` over https.
pub fn head() -> RequestHead<'static> {
    RequestHead {
        method: "GET",
        url: "/v1/items?x=1",
        connection_scheme: Some("https"),
        host: Some("api.example"),
        ..RequestHead::default()
    }
}
