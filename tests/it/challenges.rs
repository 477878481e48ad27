//! What a refused client is told, row by row, and what it and the logs are never told (requirements O).

pub mod field_value;
mod refusals;
mod scopes;

use std::collections::BTreeSet;

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::challenge::{Challenge, Demand};
use oidc_spa_native::credentials::Field;

use oidc_spa_native::dpop::replay::ReplayMemory;
use oidc_spa_native::jose::algorithm::{Algorithm, AlgorithmSet};
use oidc_spa_native::presentation::RequestRules;
use oidc_spa_native::question::Request;
use oidc_spa_native::rejection::Code;
use oidc_spa_native::resource_metadata::{Description, ProtectedResource};
use oidc_spa_native::resource_server::ResourceServer;
use oidc_spa_native::scheme::{AcceptedSchemes, Scheme};
use oidc_spa_native::time::UnixTime;

use crate::issuer::{ES_1, Jwt, NOW, STRANGER, Setup, Verdict, head, quoted, window};
use field_value::{SentChallenge, parse_challenges};
use refusals::{refusals, sent_refusal};

const ALGS: &str = r#"algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519""#;

fn setup() -> Setup {
    Setup::new(Profile::Common)
}

fn error(name: &str, description: &str) -> String {
    format!(r#"error="{name}", error_description="{description}""#)
}

/// A request's status and challenge.
fn answer(setup: &Setup, authorization: Field<'_>, dpop: Field<'_>) -> (u16, String) {
    let refused = sent_refusal(setup, &Request { authorization, dpop, head: Some(head()) });
    let Challenge { status, www_authenticate, retry_after, dpop_nonce } = refused.challenge;
    assert_eq!(dpop_nonce, None);
    assert_eq!(retry_after, None);
    (status, www_authenticate.expect("a challenge"))
}

fn bearer(token: &Jwt) -> (u16, String) {
    let authorization = format!("Bearer {}", token.sign());
    answer(&setup(), Field::Once(&authorization), Field::Absent)
}

fn dpop(token: &str, proof: Field<'_>) -> (u16, String) {
    answer(&setup(), Field::Once(&format!("DPoP {token}")), proof)
}

#[test]
fn b13_no_credentials_or_another_scheme_is_challenged_without_error() {
    for authorization in [
        Field::Absent,
        Field::Once(""),
        Field::Once(" \t"),
        Field::Once("Basic dXNlcjpwYXNz"),
        Field::Once("Negotiate"),
    ] {
        for dpop in [Field::Absent, Field::Once("x"), Field::Repeated] {
            let expected = (401, format!("Bearer, DPoP {ALGS}"));
            assert_eq!(answer(&setup(), authorization, dpop), expected);
        }
    }
    for (schemes, expected) in
        [(AcceptedSchemes::Bearer, "Bearer".to_owned()), (AcceptedSchemes::DPoP, format!("DPoP {ALGS}"))]
    {
        let setup = setup().policy(|policy| policy.schemes = schemes);
        assert_eq!(answer(&setup, Field::Absent, Field::Absent), (401, expected));
    }
}

#[test]
fn b13_b2_28_a_malformed_or_repeated_authorization_is_told_in_every_scheme() {
    let both = |description: &str| {
        let error = error("invalid_request", description);
        (400, format!("Bearer {error}, DPoP {error}, {ALGS}"))
    };
    let malformed = both("The Authorization field is malformed");
    for value in ["Bearer", "Bearer ", "Bearer a b", "DPoP", "DPoP \"x\"", "Bearer a, DPoP b", "\u{a0}"] {
        assert_eq!(answer(&setup(), Field::Once(value), Field::Absent), malformed, "{value:?}");
    }
    let repeated = both("More than one Authorization field");
    assert_eq!(answer(&setup(), Field::Repeated, Field::Absent), repeated);
}

#[test]
fn b13_a_bad_bearer_token_is_told_in_the_bearer_challenge_alone() {
    let t0 = Jwt::t0;
    for (token, description) in [
        (t0().claim("exp", &NOW.to_string()), "The access token expired"),
        (t0().claim("nbf", &(NOW + 1).to_string()), "The access token is not valid yet"),
        (t0().claim("aud", r#""x""#), "The access token is for another audience"),
        (t0().claim("iss", r#""x""#), "The access token's issuer is not accepted"),
        (t0().header("typ", r#""dpop+jwt""#), "The token is not an access token"),
        (t0().header("alg", r#""none""#), "The access token's algorithm is not accepted"),
        (t0().header("kid", r#""x""#), "The access token's key is unknown"),
        (t0().signed_by(&STRANGER, Algorithm::ES256), "The access token's signature is invalid"),
        (t0().without("sub"), "The access token lacks a claim"),
        (t0().claim("sub", "1"), "A claim of the access token is malformed"),
        (t0().raw_payload(b"[]"), "The access token is malformed"),
        (Jwt::t1(), "The access token is bound to a key that was not proved"),
        (
            t0().claim("cnf", r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}"#),
            "The access token is bound to a key that was not proved",
        ),
    ] {
        let expected = format!("Bearer {}, DPoP {ALGS}", error("invalid_token", description));
        assert_eq!(bearer(&token), (401, expected), "{description}");
    }
}

#[test]
fn b13_b2_24_a_bad_proof_is_told_in_the_dpop_challenge_alone() {
    let token = Jwt::t1().sign();
    let p1 = || Jwt::p1(&token);
    let expected = |description: &str| {
        (401, format!("Bearer, DPoP {}, {ALGS}", error("invalid_dpop_proof", description)))
    };
    assert_eq!(dpop(&token, Field::Absent), expected("The DPoP proof is missing"));
    assert_eq!(dpop(&token, Field::Repeated), expected("More than one DPoP proof"));
    let late = (NOW - 41).to_string();
    for (proof, description) in [
        (p1().without("jti"), "The DPoP proof is malformed"),
        (p1().header("typ", r#""JWT""#), "The DPoP proof is malformed"),
        (p1().header("alg", r#""none""#), "The DPoP proof's algorithm is not accepted"),
        (p1().signed_by(&STRANGER, Algorithm::ES256), "The DPoP proof's signature is invalid"),
        (p1().claim("htm", r#""POST""#), "The DPoP proof is for another method"),
        (p1().claim("htu", r#""https://x""#), "The DPoP proof is for another URI"),
        (p1().claim("ath", r#""x""#), "The DPoP proof is for another access token"),
        (p1().claim("iat", &late), "The DPoP proof is too old"),
        (p1().claim("iat", &(NOW + 4).to_string()), "The DPoP proof is dated in the future"),
    ] {
        assert_eq!(dpop(&token, Field::Once(&proof.sign())), expected(description));
    }
    let (setup, proof, authorization) = (setup(), p1().sign(), format!("DPoP {token}"));
    assert_eq!(setup.dpop(&token, &proof).name(), "granted");
    let again = answer(&setup, Field::Once(&authorization), Field::Once(&proof));
    assert_eq!(again, expected("The DPoP proof was used before"));
}

#[test]
fn b13_b2_24_a_bad_token_with_a_proof_is_told_in_the_dpop_challenge_alone() {
    let expected =
        |description: &str| (401, format!("Bearer, DPoP {}, {ALGS}", error("invalid_token", description)));
    let judged = |token: Jwt, proof: fn(Jwt) -> Jwt| {
        let token = token.sign();
        dpop(&token, Field::Once(&proof(Jwt::p1(&token)).sign()))
    };
    let same = |proof| proof;
    assert_eq!(judged(Jwt::t0(), same), expected("The access token is not bound to its client"));
    let expired = Jwt::t1().claim("exp", &NOW.to_string());
    assert_eq!(judged(expired, same), expected("The access token expired"));
    let stranger = |proof: Jwt| proof.proof_by(&STRANGER, Algorithm::ES256);
    assert_eq!(judged(Jwt::t1(), stranger), expected("Invalid DPoP key binding"));
    let certificate = Jwt::t0().claim("cnf", r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0"}"#);
    let description = "The access token is bound to a key that was not proved";
    assert_eq!(judged(certificate, same), expected(description));
}

#[test]
fn b13_j41_j42_where_one_scheme_is_accepted_its_challenge_tells_it_all() {
    let only_dpop = || setup().policy(|policy| policy.schemes = AcceptedSchemes::DPoP);
    let t0 = format!("Bearer {}", Jwt::t0().sign());
    let error = error("invalid_token", "The access token is not bound to its client");
    let expected = (401, format!("DPoP {error}, {ALGS}"));
    assert_eq!(answer(&only_dpop(), Field::Once(&t0), Field::Absent), expected);

    let only_bearer = || setup().policy(|policy| policy.schemes = AcceptedSchemes::Bearer);
    let t1 = Jwt::t1().sign();
    let (authorization, proof) = (format!("DPoP {t1}"), Jwt::p1(&t1).sign());
    for dpop in [Field::Once(proof.as_str()), Field::Absent, Field::Repeated] {
        let expected = (401, "Bearer".to_owned());
        assert_eq!(answer(&only_bearer(), Field::Once(&authorization), dpop), expected);
    }
}

#[test]
fn b13_503_where_nothing_was_judged() {
    let unjudged = |setup: &Setup, authorization: &str, dpop: Field<'_>, name: &str| {
        let request = Request { authorization: Field::Once(authorization), dpop, head: Some(head()) };
        let refused = sent_refusal(setup, &request);
        assert_eq!(refused.name, name);
        assert_eq!((refused.challenge.status, refused.challenge.www_authenticate), (503, None));
        assert!(refused.challenge.retry_after.is_some_and(|seconds| seconds > 0));
    };
    let cold = Setup { keys: None, ..setup() };
    unjudged(&cold, &format!("Bearer {}", Jwt::t0().sign()), Field::Absent, "keys_unavailable");
    let t1 = Jwt::t1().sign();
    let full = Setup { memory: ReplayMemory::new(0, window()), ..setup() };
    let proof = Jwt::p1(&t1).sign();
    unjudged(&full, &format!("DPoP {t1}"), Field::Once(&proof), "replay_memory_unavailable");
}

fn challenge_of(server: &ResourceServer, code: Code, used: Option<Scheme>) -> Challenge {
    let (rules, demand) = (RequestRules::default(), Demand::default());
    server.refuse(code.because(""), used, rules, &demand, UnixTime::from_secs(NOW)).challenge
}

#[test]
fn b13_what_the_application_or_a_later_rule_decides() {
    let server = ResourceServer::new(setup().policy);
    for (code, status, name, description) in [
        (Code::ProofNonceRequired, 401, "use_dpop_nonce", "The DPoP proof needs a nonce of this server"),
        (Code::ScopeInsufficient, 403, "insufficient_scope", "The access token lacks a scope"),
        (Code::RoleInsufficient, 403, "insufficient_scope", "The access token lacks a role"),
        (Code::PermissionInsufficient, 403, "insufficient_scope", "The access token does not permit this"),
        (
            Code::AuthenticationInsufficient,
            401,
            "insufficient_user_authentication",
            "A stronger or more recent authentication is required",
        ),
        (Code::ClaimsRejected, 401, "invalid_token", "The access token's claims are not accepted"),
    ] {
        let challenge = challenge_of(&server, code, Some(Scheme::DPoP));
        let expected = format!("Bearer, DPoP {}, {ALGS}", error(name, description));
        assert_eq!((challenge.status, challenge.www_authenticate), (status, Some(expected)));
    }
}

#[test]
fn b2_23_algs_are_those_that_the_policy_allows() {
    let algorithms = AlgorithmSet::of(&[Algorithm::Ed25519, Algorithm::ES256]).unwrap();
    let setup = setup().policy(|policy| policy.dpop.algorithms = algorithms);
    let expected = (401, r#"Bearer, DPoP algs="ES256 Ed25519""#.to_owned());
    assert_eq!(answer(&setup, Field::Absent, Field::Absent), expected);
}

#[test]
fn o06_o07_o08_o09_every_challenge_is_one_by_its_grammar() {
    for schemes in [AcceptedSchemes::Both, AcceptedSchemes::Bearer, AcceptedSchemes::DPoP] {
        let server = ResourceServer::new(setup().policy(|policy| policy.schemes = schemes).policy);
        for code in Code::ALL.iter().copied() {
            for used in [None, Some(Scheme::Bearer), Some(Scheme::DPoP)] {
                let challenge = challenge_of(&server, code, used);
                let id = format!("{code:?} {schemes:?} {used:?}");
                let Some(text) = challenge.www_authenticate else {
                    assert_eq!(challenge.status, 503, "{id}");
                    continue;
                };
                let sent = parse_challenges(&text).unwrap_or_else(|error| panic!("{id}: {error}: {text}"));
                let names: Vec<&str> = sent.iter().map(|challenge| challenge.scheme.as_str()).collect();
                let accepted = [Scheme::Bearer, Scheme::DPoP]
                    .map(|scheme| schemes.accept(scheme).then_some(scheme.name()));
                assert_eq!(names, accepted.into_iter().flatten().collect::<Vec<_>>(), "{id}");
                check_errors(&id, &sent, code, used.filter(|scheme| schemes.accept(*scheme)));
            }
        }
    }
}

#[test]
fn o04_o07_p01_p12_what_is_demanded_and_described_keeps_to_the_grammar() {
    let resource =
        ProtectedResource::parse("https://api.example/a'b',c?d=e,f", Description::default()).unwrap();
    let url = resource.metadata_url();
    let server = ResourceServer::new(setup().policy(|policy| policy.resource = Some(resource)).policy);
    let demand = Demand::new(&["read", "a,b=c"], &["urn:mace:silver", "'"], Some(0)).unwrap();
    for code in Code::ALL.iter().copied() {
        for (mode, schemes, used) in [
            (1, AcceptedSchemes::Both, None),
            (1, AcceptedSchemes::Both, Some(Scheme::DPoP)),
            (3, AcceptedSchemes::Bearer, Some(Scheme::Bearer)),
            (2, AcceptedSchemes::DPoP, Some(Scheme::Bearer)),
        ] {
            let rules = RequestRules::from_bits(mode).unwrap();
            let now = UnixTime::from_secs(NOW);
            let challenge = server.refuse(code.because(""), used, rules, &demand, now).challenge;
            let id = format!("{code:?} {schemes:?} {used:?}");
            let Some(text) = challenge.www_authenticate else { continue };
            let sent = parse_challenges(&text).unwrap_or_else(|error| panic!("{id}: {error}: {text}"));
            let used = used.filter(|scheme| schemes.accept(*scheme));
            check_errors(&id, &sent, code, used);
            for challenge in &sent {
                let is_told = used.is_none_or(|used| used.name() == challenge.scheme);
                assert_eq!(challenge.get("scope"), is_told.then_some("read a,b=c"), "{id}");
                assert_eq!(challenge.get("acr_values"), is_told.then_some("urn:mace:silver '"), "{id}");
                assert_eq!(challenge.get("max_age"), is_told.then_some("0"), "{id}");
                assert_eq!(challenge.get("resource_metadata"), Some(url.as_str()), "{id}");
            }
        }
    }
}

/// The error of the code stands in the challenge of the used scheme, or in all, each parameter once.
fn check_errors(id: &str, sent: &[SentChallenge], code: Code, used: Option<Scheme>) {
    let row = code.row();
    for challenge in sent {
        let names: BTreeSet<&str> = challenge.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), challenge.parameters.len(), "{id}: a parameter stands twice");
        let tells = row.error.filter(|_| used.is_none_or(|used| used.name() == challenge.scheme));
        assert_eq!(challenge.get("error"), tells.map(|error| error.name()), "{id}");
        assert_eq!(challenge.get("error_description"), tells.map(|_| row.description), "{id}");
        assert_eq!(challenge.get("algs").is_some(), challenge.scheme == "DPoP", "{id}");
        // RFC 6750 section 3: characters of the values; none of them needs a quoted-pair.
        for (name, value) in &challenge.parameters {
            let allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(!value.is_empty() && value.bytes().all(allowed), "{id}: {name}");
        }
    }
}

/// Texts that would break out of a header, a log line or a terminal, each around a word to look for.
const HOSTILE: [&str; 6] = [
    "EVIL\"\r\nSet-Cookie: a=b\r\n\r\n<script>",
    "EVIL\n{\"level\":\"info\",\"msg\":\"granted\"}",
    "EVIL\", error=\"x\\",
    "EVIL\u{1b}[31m\u{7}\u{8}\u{0}\u{7f}\u{9b}2J",
    "EVIL\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{feff}\u{2028}\u{2029}\u{85}\u{ad}\u{180e}\u{fffb}\u{e0041}",
    "EVIL{}%s${jndi:ldap://x}",
];

/// Requests with a client's text in every place from which a message quotes.
fn hostile_requests(text: &str) -> Vec<refusals::Attempt> {
    let (value, t1) = (quoted(text), Jwt::t1().sign());
    let p1 = || Jwt::p1(&t1);
    let mut attempts = Vec::new();
    for name in ["kid", "alg", "typ"] {
        attempts.push(refusals::bearer(format!("header {name}"), Jwt::t0().header(name, &value)));
        if name != "kid" {
            attempts.push(refusals::dpop(format!("proof {name}"), &t1, p1().header(name, &value)));
        }
    }
    for name in ["iss", "aud", "typ\":\"Refresh\",\"x"] {
        attempts.push(refusals::bearer(format!("claim {name}"), Jwt::t0().claim(name, &value)));
    }
    attempts.push(refusals::bearer("aud list".into(), Jwt::t0().claim("aud", &format!("[{value}]"))));
    attempts.push(refusals::bearer("raw".into(), Jwt::t0().raw_payload(text.as_bytes())));
    for name in ["htm", "htu", "ath"] {
        attempts.push(refusals::dpop(format!("proof {name}"), &t1, p1().claim(name, &value)));
    }
    let uri = quoted(&format!("https://{text}/"));
    attempts.push(refusals::dpop("proof uri".into(), &t1, p1().claim("htu", &uri)));
    attempts
}

#[test]
fn o01_o10_an_attackers_text_is_in_no_header() {
    for text in HOSTILE {
        for attempt in hostile_requests(text) {
            let refused = attempt.sent_refusal();
            let challenge = refused.challenge.www_authenticate.expect("a challenge");
            assert!(!challenge.contains("EVIL"), "{}: {challenge}", attempt.id);
            parse_challenges(&challenge).unwrap();
            assert!(challenge.bytes().all(|byte| matches!(byte, 0x20..=0x7e)), "{}", attempt.id);
            // O10: nor is anything of the configuration, such as the audience.
            assert!(!challenge.contains("example"), "{}: {challenge}", attempt.id);
        }
    }
}

#[test]
fn o02_an_attackers_text_reaches_messages_escaped_only() {
    let mut quoting = 0;
    for text in HOSTILE {
        for attempt in hostile_requests(text) {
            let refused = attempt.sent_refusal();
            quoting += usize::from(refused.message.contains("EVIL"));
            // All that follows the word in the last but one text is of this kind, whatever table the writer has.
            let invisible = |c: &char| !c.is_ascii() && *c != '…' && HOSTILE[4].contains(*c);
            let raw = refused.message.chars().find(|c| c.is_control() || invisible(c));
            assert_eq!(raw, None, "{}: {:?}", attempt.id, refused.message);
        }
    }
    assert!(quoting > 30, "messages do quote, or this test tests nothing: {quoting}");
    let long =
        refusals::bearer("long".into(), Jwt::t0().claim("iss", &quoted(&"x".repeat(10_000)))).sent_refusal();
    assert!(long.message.len() < 500, "{}", long.message.len());
}

#[test]
fn o11_no_refusal_shows_a_token_or_a_proof() {
    for attempt in refusals() {
        let refused = attempt.sent_refusal();
        let shown = format!("{} {}", refused.message, refused.debug);
        for secret in attempt.secrets() {
            assert!(!shown.contains(&secret), "{}: {shown}", attempt.id);
        }
    }
}

#[test]
fn o11_neither_does_the_debug_output_of_a_grant_or_a_request() {
    let token = Jwt::t1().sign();
    let proof = Jwt::p1(&token).sign();
    let authorization = format!("DPoP {token}");
    let request =
        Request { authorization: Field::Once(&authorization), dpop: Field::Once(&proof), head: Some(head()) };
    let setup = setup();
    let verdict = setup.judge(&request);
    let Verdict::Granted(grant) = &verdict else { panic!("{}", verdict.name()) };
    assert!(grant.claims().contains("user-1") && authorization.get(grant.token()) == Some(&token));
    let shown = format!("{request:?} {verdict:?} {grant:?} {:?} {:?}", setup.memory, setup.policy);
    for secret in token.split('.').chain(proof.split('.')).chain(["user-1", "proof-1"]) {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn b13_the_table_above_and_below_leaves_no_code_out() {
    let mut produced: BTreeSet<&str> = refusals().iter().map(|attempt| attempt.sent_refusal().name).collect();
    // What the application, or a rule that is not there yet, decides.
    produced.extend([
        "claims_rejected",
        "scope_insufficient",
        "role_insufficient",
        "permission_insufficient",
        "authentication_insufficient",
        "proof_nonce_required",
    ]);
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.row().name).collect();
    assert_eq!(produced, all);
    assert_eq!(setup().bearer(&Jwt::t0().by("es-1", &ES_1, Algorithm::ES256).sign()).name(), "granted");
}
