//! Tokens that are bound to a TLS client certificate (RFC 8705 section 3, RFC 9440; requirements N11 to N15).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use oidc_spa_native::client_certificate::{CertificateField, CertificateThumbprint};
use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::policy::Policy;
use oidc_spa_native::question::Request;
use oidc_spa_native::request::{ProxyTrust, RequestHead, TargetUri};

use crate::issuer::{CLIENT, Jwt, PROFILES, STRANGER, Setup, head};

/// What is in a certificate does not matter.
const CERTIFICATE: &[u8] = b"the client's certificate";
const OTHER: &[u8] = b"another certificate";

const MISMATCH: &str = "certificate_mismatch";

fn thumbprint() -> String {
    CertificateThumbprint::of_der(CERTIFICATE).to_string()
}

fn bound() -> Jwt {
    Jwt::t0().claim("cnf", &format!(r#"{{"x5t#S256":"{}"}}"#, thumbprint()))
}

fn with_peer(certificate: &'static [u8]) -> RequestHead<'static> {
    RequestHead { peer_certificate: Some(certificate), ..head() }
}

/// What each profile says of a bearer token with this head, under changed rules.
fn judged(token: &Jwt, head: Option<RequestHead<'_>>, change: impl Fn(&mut Policy)) -> [&'static str; 3] {
    let authorization = format!("Bearer {}", token.sign());
    PROFILES.map(|profile| {
        let authorization = Field::Once(authorization.as_str());
        let setup = Setup::new(profile).policy(&change);
        setup.judge(&Request { authorization, dpop: Field::Absent, head }).name()
    })
}

#[track_caller]
fn says(token: &Jwt, head: Option<RequestHead<'_>>, expected: &str) {
    assert_eq!(judged(token, head, |_| {}), [expected; 3]);
}

#[test]
fn n11_n12_a_bound_token_passes_with_its_certificate_alone() {
    says(&bound(), Some(head()), "token_bound");
    says(&bound(), None, "token_bound");
    says(&bound(), Some(with_peer(OTHER)), MISMATCH);
    says(&bound(), Some(with_peer(b"")), "token_bound");
    says(&bound(), Some(with_peer(CERTIFICATE)), "granted");
    // A certificate binds nothing where the token names none.
    says(&Jwt::t0(), Some(with_peer(OTHER)), "granted");
    says(&Jwt::t1(), Some(with_peer(CERTIFICATE)), "token_bound");
}

#[test]
fn n11_nothing_is_no_certificate_not_even_for_a_token_that_is_bound_to_nothing() {
    for (der, expected) in [(&b""[..], "token_bound"), (b"x", "granted")] {
        let thumbprint = CertificateThumbprint::of_der(der).to_string();
        let token = Jwt::t0().claim("cnf", &format!(r#"{{"x5t#S256":"{thumbprint}"}}"#));
        says(&token, Some(with_peer(der)), expected);
    }
}

#[test]
fn n11_one_token_with_and_without_its_certificate() {
    let token = bound();
    for _ in 0..2 {
        says(&token, Some(with_peer(CERTIFICATE)), "granted");
        says(&token, Some(head()), "token_bound");
        says(&token, Some(with_peer(OTHER)), MISMATCH);
    }
}

/// The binding to JavaScript relies on it: it leaves the rest of such a request where it is.
#[test]
fn without_a_proof_and_a_certificate_the_rest_of_a_request_changes_nothing() {
    let odd = RequestHead {
        method: "?",
        url: "no url",
        connection_scheme: Some("ftp"),
        host: Some("evil.example, api.example"),
        host_repeated: true,
        forwarded: Some("host=\"evil.example"),
        x_forwarded_proto: Some("gopher"),
        x_forwarded_for: Some("192.0.2.1"),
        remote_address: Some("nowhere"),
        ..RequestHead::default()
    };
    let tokens = [Jwt::t0(), Jwt::t1(), bound()].map(|jwt| jwt.sign());
    let with = |scheme: &str| tokens.clone().map(|token| Some(format!("{scheme} {token}")));
    let fields =
        [with("Bearer"), with("DPoP"), with("Basic"), [None, Some("Bearer".into()), Some("(".into())]];
    for profile in PROFILES {
        let setups = [
            Setup::new(profile),
            Setup::new(profile).policy(|policy| {
                policy.certificate_field = CertificateField::OfTrustedProxy;
                policy.proxy_trust = ProxyTrust::First;
            }),
        ];
        for (setup, field) in
            setups.iter().flat_map(|setup| fields.iter().flatten().map(move |field| (setup, field)))
        {
            let judge = |head| {
                let authorization = field.as_deref().map_or(Field::Absent, Field::Once);
                let verdict = setup.judge(&Request { authorization, dpop: Field::Absent, head });
                (verdict.name(), verdict.message().to_owned())
            };
            let said = judge(None);
            assert_eq!([judge(Some(head())), judge(Some(odd))], [said.clone(), said]);
        }
    }
}

#[test]
fn n11_a_client_is_told_that_its_token_is_invalid() {
    let authorization = format!("Bearer {}", bound().sign());
    let setup = Setup::new(PROFILES[0]);
    let judge = |head| {
        let authorization = Field::Once(authorization.as_str());
        setup.judge(&Request { authorization, dpop: Field::Absent, head: Some(head) })
    };
    let other = CertificateThumbprint::of_der(OTHER).to_string();
    let mismatch = judge(with_peer(OTHER));
    assert!(mismatch.message().contains(&thumbprint()) && mismatch.message().contains(&other));
    assert!(judge(head()).message().contains("no client certificate is known of this request. Have "));
}

#[test]
fn n12_a_thumbprint_has_one_spelling() {
    let good = thumbprint();
    let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&good).unwrap();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let standard = STANDARD.encode(&digest);
    assert!(standard.contains(['+', '/']), "the alphabets must differ here");
    for value in [
        "1".to_owned(),
        "null".into(),
        "true".into(),
        "{}".into(),
        format!(r#"["{good}"]"#),
        r#""""#.into(),
        format!(r#""{}""#, URL_SAFE.encode(&digest)),
        format!(r#""{standard}""#),
        format!(r#""{hex}""#),
        format!(r#"" {good}""#),
        format!(r#""{}""#, &good[..42]),
        format!(r#""{good}A""#),
        // The example of RFC 8705 section 3.1: its last character has bits that belong to no byte.
        r#""bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2""#.into(),
    ] {
        let token = Jwt::t0().claim("cnf", &format!(r#"{{"x5t#S256":{value}}}"#));
        says(&token, Some(with_peer(CERTIFICATE)), "claim_malformed");
        says(&token, Some(head()), "claim_malformed");
    }
    // Of the right form, but of something else.
    for value in [good.to_ascii_uppercase(), good.replace(&good[..1], "A")] {
        let token = Jwt::t0().claim("cnf", &format!(r#"{{"x5t#S256":"{value}"}}"#));
        let said = judged(&token, Some(with_peer(CERTIFICATE)), |_| {});
        assert!(said.iter().all(|said| [MISMATCH, "claim_malformed"].contains(said)), "{value} {said:?}");
    }
}

#[test]
fn n15_other_methods_of_confirmation_are_not_checked_with_a_certificate_either() {
    for cnf in [
        r#"{"x5t":"x"}"#.to_owned(),
        format!(r#"{{"x5t#S1":"{}"}}"#, thumbprint()),
        format!(r#"{{"X5T#S256":"{}"}}"#, thumbprint()),
        "{}".into(),
    ] {
        says(&Jwt::t0().claim("cnf", &cnf), Some(with_peer(CERTIFICATE)), "token_bound");
    }
}

fn with_field<'a>(text: &'a str, from: &'a str) -> RequestHead<'a> {
    RequestHead { client_cert: Some(text), remote_address: Some(from), ..head() }
}

fn of_field(trust: &ProxyTrust) -> impl Fn(&mut Policy) {
    |policy: &mut Policy| {
        policy.certificate_field = CertificateField::OfTrustedProxy;
        policy.proxy_trust = trust.clone();
    }
}

#[test]
fn n13_the_client_cert_field_counts_of_a_trusted_proxy_and_only_where_the_application_says_so() {
    let field = |der: &[u8]| format!(":{}:", STANDARD.encode(der));
    let (good, other) = (field(CERTIFICATE), field(OTHER));
    let proxy = "10.0.0.1";
    let networks = ProxyTrust::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
    for trust in [ProxyTrust::First, ProxyTrust::Hops(1), networks.clone()] {
        let judge = |head: RequestHead<'_>| judged(&bound(), Some(head), of_field(&trust));
        assert_eq!(judge(with_field(&good, proxy)), ["granted"; 3], "{trust:?}");
        assert_eq!(judge(with_field(&other, proxy)), [MISMATCH; 3], "{trust:?}");
        assert_eq!(judge(head()), ["token_bound"; 3], "{trust:?}");
        // Two values, a parameter, another form: nothing is guessed.
        for text in [format!("{good}, {good}"), format!("{good};x=1"), good.replace(':', ""), String::new()] {
            assert_eq!(judge(with_field(&text, proxy)), ["token_bound"; 3], "{trust:?} {text}");
        }
        // Where the option is not written, the field is a client's word.
        let trusted = |policy: &mut Policy| policy.proxy_trust = trust.clone();
        assert_eq!(
            judged(&bound(), Some(with_field(&good, proxy)), trusted),
            ["token_bound"; 3],
            "{trust:?}"
        );
        // What the application says itself comes first.
        let direct = RequestHead { peer_certificate: Some(OTHER), ..with_field(&good, proxy) };
        assert_eq!(judge(direct), [MISMATCH; 3]);
    }
    let base = ProxyTrust::PublicBaseUrl(TargetUri::parse("https://api.example").unwrap());
    for (trust, from) in [(ProxyTrust::Nobody, proxy), (base, proxy), (networks, "203.0.113.7")] {
        let said = judged(&bound(), Some(with_field(&good, from)), of_field(&trust));
        assert_eq!(said, ["token_bound"; 3], "{trust:?} from {from}");
    }
}

#[test]
fn n14_a_token_with_both_bindings_needs_both() {
    let cnf = format!(r#"{{"jkt":"{}","x5t#S256":"{}"}}"#, CLIENT.thumbprint(), thumbprint());
    let token = Jwt::t0().claim("cnf", &cnf);
    let compact = token.sign();
    let dpop = |proof: Jwt, head: RequestHead<'_>| {
        let proof = proof.sign();
        PROFILES.map(|profile| Setup::new(profile).dpop_to(&compact, &proof, head).name())
    };
    let proof = || Jwt::p1(&compact);
    let by_stranger = || proof().proof_by(&STRANGER, oidc_spa_native::jose::algorithm::Algorithm::ES256);
    assert_eq!(dpop(proof(), with_peer(CERTIFICATE)), ["granted"; 3]);
    assert_eq!(dpop(proof(), head()), ["token_bound"; 3]);
    assert_eq!(dpop(proof(), with_peer(OTHER)), [MISMATCH; 3]);
    assert_eq!(dpop(by_stranger(), with_peer(CERTIFICATE)), ["proof_key_mismatch"; 3]);
    says(&token, Some(with_peer(CERTIFICATE)), "token_bound");
}

#[test]
fn n14_a_proof_that_came_without_the_certificate_is_not_burned() {
    let cnf = format!(r#"{{"jkt":"{}","x5t#S256":"{}"}}"#, CLIENT.thumbprint(), thumbprint());
    let token = Jwt::t0().claim("cnf", &cnf).sign();
    let proof = Jwt::p1(&token).sign();
    let setup = Setup::new(PROFILES[0]);
    assert_eq!(setup.dpop_to(&token, &proof, with_peer(OTHER)).name(), MISMATCH);
    assert!(setup.memory.is_empty());
    assert_eq!(setup.dpop_to(&token, &proof, with_peer(CERTIFICATE)).name(), "granted");
}

#[test]
fn n11_the_dpop_scheme_is_of_no_use_to_a_token_without_jkt() {
    let token = bound().sign();
    let proof = Jwt::p1(&token).sign();
    for profile in PROFILES {
        let verdict = Setup::new(profile).dpop_to(&token, &proof, with_peer(CERTIFICATE));
        assert_eq!(verdict.name(), "token_bound");
    }
}

#[test]
fn n11_the_second_step_of_the_drop_in_knows_no_certificate() {
    let token = bound().sign();
    for even_if_bound in [true, false] {
        let presentation = Presentation::Bearer { even_if_bound };
        let credentials = Credentials { presentation, access_token: &token, token_begin: 0 };
        for profile in PROFILES {
            assert_eq!(Setup::new(profile).judge_credentials(&credentials).name(), "token_bound");
        }
    }
}
