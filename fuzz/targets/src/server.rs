//! A resource server with the keys of the vectors, and requests as texts.
//!
//! In: the text of a request; a payload to sign.
//! Out: whether it is granted, after `decide` and `explain` were compared.
//! Never: a judgement of its own.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oidc_spa_native::access_token::{AccessTokenPolicy, Audience, Clients, Profile};
use oidc_spa_native::client_certificate::CertificateField;
use oidc_spa_native::credentials::Field;
use oidc_spa_native::dpop::policy::DpopPolicy;
use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::jose::algorithm::AlgorithmSet;
use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::policy::{AcceptedIssuer, Policy};
use oidc_spa_native::presentation::RequiredBinding;
use oidc_spa_native::question::{Question, Request};
use oidc_spa_native::rejection::Code;
use oidc_spa_native::request::{ProxyTrust, RequestHead};
use oidc_spa_native::resource_server::{Decision, ResourceServer, Verdict};
use oidc_spa_native::scheme::AcceptedSchemes;
use oidc_spa_native::time::{Leeway, UnixTime};
use serde_json::Value;

use crate::oracle::{check_field, check_message, check_same};
use crate::vectors;

/// The time of most vectors, in seconds.
pub const NOW: i64 = 1_800_000_000;

/// A private key of P-256.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    point: Vec<u8>,
}

impl SigningKey {
    /// The key of a private JWK of P-256.
    pub fn of_jwk(jwk: &Value) -> Self {
        let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let point = [vec![4], member("x"), member("y")].concat();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &member("d"), &point).unwrap();
        Self { pair, point }
    }

    /// A compact JWS.
    pub fn sign(&self, header: &str, payload: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The members of its public JWK, as RFC 7638 orders them.
    pub fn public_jwk(&self) -> String {
        let (x, y) = self.point[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }

    /// Its public key in PEM: the DER of an EC key of P-256 is a fixed beginning and the point (RFC 5480).
    pub fn public_pem(&self) -> String {
        const BEGIN: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        let der = STANDARD.encode([&BEGIN[..], &self.point].concat());
        let lines: Vec<&str> =
            der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

fn window() -> ProofWindow {
    ProofWindow::new(40, Leeway::from_secs(10).unwrap()).unwrap()
}

fn server(profile: Profile, proxy_trust: ProxyTrust) -> ResourceServer {
    let reads_proxies = proxy_trust.believes_somebody();
    ResourceServer::new(Policy {
        issuers: vec![AcceptedIssuer {
            issuer: Issuer::parse("https://as.example").unwrap(),
            audience: Audience::AnyOf(vec!["https://api.example".into()]),
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
            as_oidc_spa: false,
        },
        nonces: None,
        schemes: AcceptedSchemes::Both,
        binding: RequiredBinding::default(),
        proxy_trust,
        resource: None,
        reads_forwarded_prefix: reads_proxies,
        certificate_field: if reads_proxies {
            CertificateField::OfTrustedProxy
        } else {
            CertificateField::Ignored
        },
    })
}

/// The ways to trust proxies, by number.
pub fn proxy_trusts() -> [ProxyTrust; 4] {
    [
        ProxyTrust::Nobody,
        ProxyTrust::First,
        ProxyTrust::Networks(vec!["10.0.0.0/8".parse().unwrap()]),
        ProxyTrust::Hops(2),
    ]
}

/// The servers that requests choose among, by number: the default, `rfc9068`, a trusted proxy, two hops.
static SERVERS: LazyLock<[ResourceServer; 4]> = LazyLock::new(|| {
    let [nobody, _, networks, hops] = proxy_trusts();
    [
        server(Profile::Common, nobody.clone()),
        server(Profile::Rfc9068, nobody),
        server(Profile::Common, networks),
        server(Profile::Common, hops),
    ]
});

static KEYS: LazyLock<Arc<JwkSet>> =
    LazyLock::new(|| Arc::new(JwkSet::parse(vectors::issuer_keys().as_bytes()).unwrap()));

/// Text of bytes as header fields carry them: UTF-8, or a character a byte.
pub fn as_field(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), Cow::Borrowed)
}

/// A request, read from a text: a line `server time scheme method target`, then lines `name: value`.
pub struct Received<'t> {
    which: usize,
    /// When it comes, in seconds.
    pub now: i64,
    scheme: &'t str,
    /// Its method.
    pub method: &'t str,
    target: &'t str,
    fields: Vec<(String, &'t str)>,
}

impl<'t> Received<'t> {
    /// Reads the text; `None` if its first line is another one.
    pub fn read(text: &'t str) -> Option<Self> {
        let (first, lines) = text.split_once('\n').unwrap_or((text, ""));
        let mut words = first.splitn(5, ' ');
        let which = words.next()?.parse::<usize>().ok()? % SERVERS.len();
        let now = words.next()?.parse().ok()?;
        let (scheme, method, target) = (words.next()?, words.next()?, words.next()?);
        let fields = lines.split('\n').filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Some(Self { which, now, scheme, method, target, fields })
    }

    /// A field, as often as it came.
    pub fn field(&self, name: &str) -> Field<'t> {
        let mut values = self.fields.iter().filter(|(found, _)| found == name).map(|(_, value)| *value);
        match (values.next(), values.next()) {
            (None, _) => Field::Absent,
            (Some(value), None) => Field::Once(value),
            _ => Field::Repeated,
        }
    }

    fn first(&self, name: &str) -> Option<&'t str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    }

    /// What it is for.
    pub fn head(&self) -> RequestHead<'t> {
        RequestHead {
            method: self.method,
            url: self.target,
            connection_scheme: Some(self.scheme).filter(|scheme| matches!(*scheme, "http" | "https")),
            host: self.first("host"),
            host_repeated: matches!(self.field("host"), Field::Repeated),
            forwarded: self.first("forwarded"),
            x_forwarded_proto: self.first("x-forwarded-proto"),
            x_forwarded_host: self.first("x-forwarded-host"),
            x_forwarded_port: self.first("x-forwarded-port"),
            x_forwarded_for: self.first("x-forwarded-for"),
            x_forwarded_prefix: self.first("x-forwarded-prefix"),
            remote_address: self.first("remote-address"),
            client_cert: self.first("client-cert"),
            peer_certificate: None,
        }
    }

    /// Judges it.
    pub fn is_granted(&self) -> bool {
        let request = Request {
            authorization: self.field("authorization"),
            dpop: self.field("dpop"),
            head: Some(self.head()),
        };
        is_granted(self.which, &request, self.now)
    }
}

/// Judges a request with one of the servers. The explanation must name the same reason, a proof must be good only once,
/// and a refusal must be fit to send.
pub fn is_granted(which: usize, request: &Request<'_>, now: i64) -> bool {
    let (server, now) = (&SERVERS[which], UnixTime::from_secs(now));
    let memory = ReplayMemory::new(10, window());
    let keys = |_: usize| Some(Arc::clone(&KEYS));
    let question = Question::of_request(*request);
    let explained = server.explain(&question, &keys, now, |record| memory.look_up(record, now));
    let verdict = settled(server, &question, &memory, now);
    let code = |verdict: &Verdict| verdict.as_ref().err().map(|refusal| refusal.rejection.code());
    check_same(
        "explained and decided",
        explained.refusal().map(|rejection| rejection.code()),
        code(&verdict),
    );
    match &verdict {
        Ok(_) => {
            let again = settled(server, &question, &memory, now);
            let expected = matches!(request.dpop, Field::Once(_)).then_some(Code::ProofReplayed);
            // A Bearer token may come with a DPoP field, which nobody reads.
            let is_bearer = code(&again).is_none() && !starts_with_dpop(request.authorization);
            assert!(is_bearer || code(&again) == expected, "again: {:?}", code(&again));
        }
        Err(refusal) => {
            for (name, value) in refusal.challenge.fields() {
                check_field(name, &value);
            }
            // A message escapes what a `Debug` escapes.
            let elsewhere = format!("{:?}", request.head);
            for field in [request.authorization, request.dpop] {
                if let Field::Once(sent) = field {
                    check_message(refusal.rejection.message(), sent, &elsewhere);
                }
            }
        }
    }
    verdict.is_ok()
}

/// Whether a field has the scheme DPoP.
pub fn starts_with_dpop(authorization: Field<'_>) -> bool {
    matches!(authorization, Field::Once(value) if value.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop")))
}

fn settled(
    server: &ResourceServer,
    question: &Question<'_>,
    memory: &ReplayMemory,
    now: UnixTime,
) -> Verdict {
    match server.decide(question, &|_: usize| Some(Arc::clone(&KEYS)), now) {
        Decision::Refused(refusal) | Decision::KeysNeeded { otherwise: refusal, .. } => Err(refusal),
        Decision::Pending(pending) => server.settle(pending, |record| memory.remember(record, now)),
    }
}
