//! B: the compact serialisation and its base64url, of which each value has one spelling.

use ::base64::Engine;
use ::base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use oidc_spa_native::credentials::{Credentials, Field, Presentation};
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::jws::{JoseHeader, JwsError};
use oidc_spa_native::question::Question;
use oidc_spa_native::resource_server::{Decision, ResourceServer};

use crate::issuer::{ES_1, Judge, Jwt, PROFILES, Setup, quoted, verify_compact};
use crate::spelling::trailing_bit_twins;

/// A token whose three parts all end in characters with unused bits, and all have characters that the standard alphabet
/// writes otherwise.
fn rich() -> (Jwt, [String; 3]) {
    let padded = |jwt: &dyn Fn(&str) -> Jwt, part: usize| {
        let found = (0..3)
            .map(|n| jwt(&"~".repeat(n)))
            .find(|jwt| jwt.sign().split('.').nth(part).unwrap().len() % 4 != 0);
        found.unwrap()
    };
    let odd = "??>>~~\u{fb}\u{fc}\u{ff}";
    let jwt = padded(&|pad| Jwt::t0().header("x", &quoted(&format!("{odd}{pad}"))), 0);
    let jwt = padded(&|pad| jwt.clone().claim("x", &quoted(&format!("{odd}{pad}"))), 1);
    // A signature has one of the two letters with a chance of 93 percent.
    let token = (0..100).map(|_| jwt.sign()).find(|token| has_url_letters(token.rsplit('.').next().unwrap()));
    let parts: Vec<String> = token.unwrap().split('.').map(str::to_owned).collect();
    for part in &parts {
        assert!(part.len() % 4 != 0 && has_url_letters(part), "{part}");
    }
    (jwt, parts.try_into().unwrap())
}

fn has_url_letters(part: &str) -> bool {
    part.contains(['-', '_'])
}

/// The token with one part replaced: signed anew when the part is signed.
fn with_part(jwt: &Jwt, parts: &[String; 3], at: usize, text: &str) -> String {
    match at {
        0 => jwt.sign_parts(text, &parts[1]),
        1 => jwt.sign_parts(&parts[0], text),
        _ => format!("{}.{}.{text}", parts[0], parts[1]),
    }
}

#[test]
fn b09_to_b16_every_part_is_strict_base64url() {
    let judge = Judge::new();
    let (jwt, parts) = rich();
    let good = parts.join(".");
    for (at, part) in parts.iter().enumerate() {
        let in_the_middle = |text: &str| format!("{}{text}{}", &part[..8], &part[8..]);
        let mut cases = vec![
            ("B09", format!("{part}=")),
            ("B09", format!("{part}==")),
            ("B10", part.replace('-', "+").replace('_', "/")),
            ("B11", format!("{part}\n")),
            ("B11", format!(" {part}")),
            ("B11", in_the_middle(" ")),
            ("B11", in_the_middle("\r\n")),
            ("B16", format!("{}A", &part[..part.len() - part.len() % 4])),
        ];
        cases.extend(
            ["?", "!", "*", "%", "\0", "\u{80}", "ÿ", "\u{200b}"].map(|junk| ("B12", in_the_middle(junk))),
        );
        let id = ["B14", "B15", "B13"][at];
        let twins = trailing_bit_twins(part);
        assert!(!twins.is_empty());
        cases.extend(twins.into_iter().map(|twin| (id, twin)));
        for (id, text) in cases {
            judge.twins(id, &good, &with_part(&jwt, &parts, at, &text), "token_malformed");
        }
    }
}

#[test]
fn b10_the_standard_alphabet_is_another_text() {
    // The twin of the above: what the standard alphabet writes is what was replaced.
    let (_, parts) = rich();
    for part in &parts {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        assert_eq!(STANDARD_NO_PAD.encode(bytes), part.replace('-', "+").replace('_', "/"));
    }
}

#[test]
fn b13_a_signature_of_es256_has_fifteen_twins_and_none_is_accepted() {
    let judge = Judge::new();
    let good = Jwt::t0().sign();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let twins = trailing_bit_twins(signature);
    assert_eq!(twins.len(), 15);
    for twin in twins {
        judge.twins("B13", &good, &format!("{input}.{twin}"), "token_malformed");
    }
}

#[test]
fn b01_to_b05_b17_three_parts() {
    let judge = Judge::new();
    let jwt = Jwt::t0();
    let good = jwt.sign();
    let [h, p, s]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let cases = [
        ("B01", format!("{h}.{p}")),
        ("B01", h.to_owned()),
        ("B01", String::new()),
        ("B03", format!(".{p}.{s}")),
        ("B03", jwt.sign_parts("", p)),
        ("B03", jwt.sign_parts(h, "")),
        ("B03", "..".to_owned()),
        ("B04", format!("{good}.AA")),
        ("B04", format!("{good}.")),
        ("B05", format!(".{good}")),
        ("B05", format!("{h}..{p}.{s}")),
        ("B17", format!("{h}%2E{p}%2E{s}")),
        ("B18", format!("Bearer {good}")),
        ("B19", format!("\u{feff}{good}")),
        ("B19", format!("\u{200b}{good}")),
        ("B06", format!("{good}.AA.AA")),
        ("B06", format!("{h}.{p}.{s}.{p}.{s}")),
        ("B08", format!(r#"{{"payload":"{p}","signatures":[{{"protected":"{h}","signature":"{s}"}}]}}"#)),
        ("B08", format!(r#"{{"payload":"{p}","protected":"{h}","signature":"{s}"}}"#)),
        // Keys that contain dots make three parts of it.
        ("B08", format!(r#"{{"a.{h}.b":"","payload":"{p}","protected":"{h}","signature":"{s}"}}"#)),
    ];
    for (id, bad) in cases {
        judge.twins(id, &good, &bad, "token_malformed");
    }
    judge.twins("B02", &good, &format!("{h}.{p}."), "signature_invalid");
}

#[test]
fn b06_a_jwe_is_told_by_its_header() {
    let judge = Judge::new();
    let good = Jwt::t0().sign();
    let header = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"rsa-1"}"#;
    let jwe = format!("{}.AA.AA.AA.AA", URL_SAFE_NO_PAD.encode(header));
    judge.grants("B06", &good);
    judge.each("B06", &jwe, ["token_malformed", "token_malformed", "algorithm_not_allowed"]);
}

#[test]
fn b07_a_flood_of_dots_comes_to_an_end() {
    let dots = ".".repeat(1_000_000);
    assert_eq!(JoseHeader::decode(&dots).err(), Some(JwsError::Parts));
    assert_eq!(JoseHeader::decode(&format!("e30{dots}")).err(), Some(JwsError::Parts));
    for profile in PROFILES {
        let wide = Setup::new(profile).policy(|policy| policy.max_token_bytes = 2_000_000);
        assert_eq!(wide.bearer(&dots).name(), "token_malformed");
        assert_eq!(Setup::new(profile).bearer(&".".repeat(16 * 1024)).name(), "token_malformed");
    }
}

/// Too long is told by the length alone: no key is asked for.
#[test]
fn b20_b22_a_token_has_a_greatest_length() {
    let length = |bytes: usize| {
        let claim = |n: usize| Jwt::t0().claim("x", &quoted(&"x".repeat(n))).sign();
        let near = bytes * 3 / 4 - 600;
        (near..).map(claim).find(|token| token.len() >= bytes).unwrap()
    };
    let judge = Judge::new();
    let good = length(16 * 1024 - 3);
    assert!(good.len() <= 16 * 1024);
    let bad = length(16 * 1024 + 1);
    judge.twins("B20", &good, &bad, "token_malformed");
    for profile in PROFILES {
        let wide = Setup::new(profile).policy(|policy| policy.max_token_bytes = bad.len());
        assert_eq!(wide.bearer(&bad).name(), "granted");
    }
    let signature = "A".repeat(1 << 20);
    let huge = format!("{}.{signature}", Jwt::t0().sign().rsplit_once('.').unwrap().0);
    for token in [&bad, &huge] {
        let server = ResourceServer::new(Setup::new(PROFILES[0]).policy);
        let presentation = Presentation::Bearer { even_if_bound: false };
        let credentials = Credentials { presentation, access_token: token, token_begin: 0 };
        let now = Setup::new(PROFILES[0]).now;
        let no_keys = |_| unreachable!("a key was asked for");
        let decision = server.decide(&Question::of_credentials(credentials, None), &no_keys, now);
        let Decision::Refused(refusal) = decision else { panic!("B20, B22") };
        assert_eq!(refusal.rejection.code().row().name, "token_malformed");
    }
}

#[test]
fn b21_a_header_has_a_greatest_length() {
    let judge = Judge::new();
    let header = |bytes: usize| {
        let empty = Jwt::t0().header("x", r#""""#).header_text().len();
        Jwt::t0().header("x", &quoted(&"x".repeat(bytes - empty)))
    };
    assert_eq!(header(4 * 1024).header_text().len(), 4 * 1024);
    judge.refuses("B21", &header(4 * 1024), |_| header(4 * 1024 + 1), "token_malformed");
}

/// The header's spelling is part of what is signed: the same header in canonical form is not (F26).
#[test]
fn f25_f26_what_is_signed_is_the_encoded_text() {
    let judge = Judge::new();
    let (jwt, parts) = rich();
    let good = parts.join(".");
    let raw = [jwt.header_text(), jwt.payload_text()].join(&b'.');
    let signature = URL_SAFE_NO_PAD.encode(ES_1.sign(Algorithm::ES256, &raw));
    judge.twins("F25", &good, &format!("{}.{}.{signature}", parts[0], parts[1]), "signature_invalid");
    for twin in trailing_bit_twins(&parts[0]) {
        let signed = jwt.sign_parts(&twin, &parts[1]);
        let (_, signature) = signed.rsplit_once('.').unwrap();
        judge.twins("F26", &good, &format!("{}.{}.{signature}", parts[0], parts[1]), "signature_invalid");
    }
}

#[test]
fn b19_i18_i19_the_header_field_has_its_own_grammar() {
    let good = Jwt::t0().sign();
    for profile in PROFILES {
        let setup = Setup::new(profile);
        assert_eq!(setup.bearer(&good).name(), "granted");
        for bad in
            [format!("Bearer {good}"), format!("\u{feff}{good}"), format!("{good}\n"), format!("\"{good}\"")]
        {
            // Space and tab around a field's value are not part of it; all else is.
            assert_eq!(setup.bearer(&bad).name(), "credentials_malformed", "{bad:?}");
        }
        assert!(Credentials::parse(Field::Once(&format!("bearer {good} ")), Field::Absent).is_ok());
    }
}

#[test]
fn b02_a_signature_of_no_bytes_verifies_under_no_key() {
    let set = Setup::new(PROFILES[0]).keys.unwrap();
    for algorithm in Algorithm::ALL {
        let token = Jwt::t0().header("alg", &quoted(algorithm.name())).without_header("kid").sign();
        let (input, _) = token.rsplit_once('.').unwrap();
        assert_eq!(verify_compact(&format!("{input}."), &set), Err("signature"), "{algorithm}");
    }
}
