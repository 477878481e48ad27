//! C: the JOSE header, which anybody may have written.

use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::Object;

use crate::issuer::{ES_1, Judge, Jwt, RSA_1, RSA_2, STRANGER, SigningKey, quoted};

/// T0's header as text, to be changed by hand.
fn header() -> String {
    String::from_utf8(Jwt::t0().header_text()).unwrap()
}

#[test]
fn c01_c02_c03_c05_the_header_is_one_object_and_nothing_else() {
    let judge = Judge::new();
    let object = header();
    let cases: [(&str, Vec<u8>); 14] = [
        ("C01", b"[]".into()),
        ("C01", b"\"x\"".into()),
        ("C01", b"1".into()),
        ("C01", b"null".into()),
        ("C01", b"{".into()),
        ("C02", br#"["ES256","at+jwt","es-1"]"#.into()),
        ("C02", format!("[{object}]").into()),
        ("C03", format!("{object}x").into()),
        ("C03", format!("{object}{{}}").into()),
        ("C03", format!("{object}\0").into()),
        ("C05", format!("\u{feff}{object}").into()),
        ("C06", object.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("C06", [object.trim_end_matches('}').as_bytes(), b",\"x\":\"\xc0\x80\"}"].concat()),
        ("C06", object.replace('}', r#","x":"\ud800"}"#).into()),
    ];
    for (id, text) in cases {
        judge.refuses(id, &Jwt::t0(), |jwt| jwt.raw_header(&text), "token_malformed");
    }
}

#[test]
fn c04_c46_other_spellings_of_the_same_header() {
    let judge = Judge::new();
    let spaced = " {\n \"alg\" : \"ES256\" ,\t\"typ\":\"at+jwt\",\r\n\"kid\":\"es-1\" } ";
    judge.grants("C04", &Jwt::t0().raw_header(spaced.as_bytes()).sign());
    let escaped = r#"{"\u0061lg":"\u0045S256","typ":"at\u002bjwt","kid":"es\u002d1"}"#;
    judge.grants("C46", &Jwt::t0().raw_header(escaped.as_bytes()).sign());
    judge.grants("C40", &Jwt::t0().header("x", r#"{"y":[1,null,true]}"#).header("cty", r#""JWT""#).sign());
}

#[test]
fn c07_c08_c09_c10_no_member_stands_twice() {
    let judge = Judge::new();
    let members = [
        ("C07", r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"es-1"}"#),
        ("C08", r#"{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"es-1"}"#),
        ("C08", r#"{"alg":"ES256","alg":"ES256","typ":"at+jwt","kid":"es-1"}"#),
        ("C09", r#"{"alg":"ES256","typ":"at+jwt","kid":"rsa-1","kid":"es-1"}"#),
        ("C09", r#"{"alg":"ES256","typ":"dpop+jwt","typ":"at+jwt","kid":"es-1"}"#),
        ("C09", r#"{"alg":"ES256","typ":"at+jwt","kid":"es-1","x":{"a":1,"a":1}}"#),
        ("C10", r#"{"alg":"none","\u0061lg":"ES256","typ":"at+jwt","kid":"es-1"}"#),
        ("C10", r#"{"\u0061lg":"ES256","alg":"none","typ":"at+jwt","kid":"es-1"}"#),
    ];
    for (id, text) in members {
        judge.refuses(id, &Jwt::t0(), |jwt| jwt.raw_header(text.as_bytes()), "token_malformed");
    }
}

#[test]
fn c12_to_c19_nothing_that_must_be_understood_is_understood() {
    let judge = Judge::new();
    let cases = [
        ("C12", "crit", r#"["http://x/y"]"#),
        ("C13", "crit", "[]"),
        ("C14", "crit", r#""b64""#),
        ("C14", "crit", "true"),
        ("C14", "crit", "[1]"),
        ("C14", "crit", "null"),
        ("C15", "crit", r#"["alg"]"#),
        ("C16", "crit", r#"["b64"]"#),
        ("C17", "crit", r#"["b64","b64"]"#),
        ("C19", "b64", "false"),
        ("C19", "b64", "true"),
        ("C41", "zip", r#""DEF""#),
        ("C41", "zip", "null"),
        ("C42", "enc", r#""A256GCM""#),
    ];
    for (id, name, value) in cases {
        judge.refuses(id, &Jwt::t0(), |jwt| jwt.header(name, value), "token_malformed");
    }
    let extension = |jwt: Jwt| jwt.header("crit", r#"["http://x/y"]"#).header("http://x/y", "1");
    judge.refuses("C12", &Jwt::t0(), extension, "token_malformed");
    judge.grants("C12", &Jwt::t0().header("http://x/y", "1").sign());
}

/// RFC 7797: the payload as it is. Signed rightly, and refused.
#[test]
fn c18_an_unencoded_payload() {
    let judge = Judge::new();
    let jwt = Jwt::t0().header("crit", r#"["b64"]"#).header("b64", "false");
    let payload = String::from_utf8(jwt.payload_text()).unwrap();
    let token = jwt.sign_parts(&base64url_encode(&jwt.header_text()), &payload);
    judge.twins("C18", &Jwt::t0().sign(), &token, "token_malformed");
    let token = jwt.sign_parts(&base64url_encode(&jwt.header_text()), "payload");
    judge.twins("C18", &Jwt::t0().sign(), &token, "token_malformed");
}

/// A key that the header brings along or points at is never used; beside a good signature it does no harm.
#[test]
fn c21_to_c26_keys_of_the_header() {
    let judge = Judge::new();
    let own = STRANGER.jwk("");
    let pointers = [
        ("C21", "jku", r#""https://evil.example/jwks""#.to_owned()),
        ("C23", "x5u", r#""https://evil.example/cert""#.to_owned()),
        ("C23", "x5c", r#"["MIIB"]"#.to_owned()),
        ("C24", "x5t", r#""AAAA""#.to_owned()),
        ("C24", "x5t#S256", r#""AAAA""#.to_owned()),
        ("C25", "jwk", own.clone()),
        ("C25", "jwk", STRANGER.jwk(r#""kid":"es-1""#)),
        ("C25", "jwk", r#""not even an object""#.to_owned()),
    ];
    for (id, name, value) in &pointers {
        judge.grants(id, &Jwt::t0().header(name, value).sign());
        let forged = Jwt::t0().header(name, value).signed_by(&STRANGER, Algorithm::ES256);
        judge.each(id, &forged.sign(), ["signature_invalid"; 3]);
        judge.each(id, &forged.clone().header("kid", r#""evil""#).sign(), ["key_unknown"; 3]);
        let nameless = ["signature_invalid", "signature_invalid", "key_unknown"];
        judge.each(id, &forged.without_header("kid").sign(), nameless);
    }
}

#[test]
fn c27_to_c31_the_kid_is_compared_letter_by_letter() {
    let judge = Judge::new();
    for value in ["1", "{}", r#"["es-1"]"#, "null", "true"] {
        let expected = ["token_malformed", "token_malformed", "key_unknown"];
        judge.changes("C27", &Jwt::t0(), |jwt| jwt.header("kid", value), expected);
    }
    let long = quoted(&"k".repeat(1_025));
    judge.changes(
        "C29",
        &Jwt::t0(),
        |jwt| jwt.header("kid", &long),
        ["token_malformed", "token_malformed", "key_unknown"],
    );
    let names = [
        ("C28", r#""""#),
        ("C29", r#""../../etc/passwd""#),
        ("C29", r#""es-1' OR '1'='1""#),
        ("C29", r#""es-1\u0000""#),
        ("C30", r#""ES-1""#),
        ("C30", r#"" es-1""#),
        ("C31", r#""__proto__""#),
        ("C31", r#""constructor""#),
        ("C31", r#""toString""#),
    ];
    for (id, value) in names {
        judge.refuses(id, &Jwt::t0(), |jwt| jwt.header("kid", value), "key_unknown");
    }
    let judge = Judge::with_keys(&[ES_1.jwk("\"kid\":\"\u{e9}\"")]);
    let composed = Jwt::t0().header("kid", "\"\u{e9}\"");
    judge.refuses("C30", &composed, |jwt| jwt.header("kid", "\"e\u{301}\""), "key_unknown");
    let judge = Judge::with_keys(&[ES_1.jwk(r#""kid":"__proto__""#)]);
    judge.grants("C31", &Jwt::t0().header("kid", r#""__proto__""#).sign());
}

#[test]
fn c32_a_token_without_kid_and_one_key_that_fits() {
    let judge = Judge::new();
    let expected = ["granted", "granted", "key_unknown"];
    judge.changes("C32", &Jwt::t0(), |jwt| jwt.without_header("kid"), expected);
}

/// Of the keys that fit, sixteen are tried: the work that a nameless token asks for is bounded.
#[test]
fn c33_a_token_without_kid_and_several_keys_that_fit() {
    let others: Vec<String> = (0..16).map(|_| SigningKey::ec(Algorithm::ES256).jwk("")).collect();
    let unfit = [RSA_1.jwk(""), RSA_2.jwk("")];
    let token = Jwt::t0().without_header("kid").sign();
    for (before, expected) in [(4, "granted"), (15, "granted"), (16, "signature_invalid")] {
        let keys = [&unfit, &others[..before], &[ES_1.jwk("")]].concat();
        Judge::with_keys(&keys).each("C33", &token, [expected, expected, "key_unknown"]);
    }
}

#[test]
fn c34_to_c39_the_type_of_the_token() {
    let judge = Judge::new();
    for value in [r#""at+jwt""#, r#""AT+JWT""#, r#""application/at+jwt""#, r#""Application/At+Jwt""#] {
        judge.grants("C36", &Jwt::t0().header("typ", value).sign());
    }
    let common_only = ["granted", "token_type_unexpected", "granted"];
    for value in [r#""JWT""#, r#""jwt""#, r#""application/jwt""#] {
        judge.changes("C34", &Jwt::t0(), |jwt| jwt.header("typ", value), common_only);
    }
    judge.changes("C35", &Jwt::t0(), |jwt| jwt.without_header("typ"), common_only);
    let cases = [
        ("C37", r#""application/x/at+jwt""#),
        ("C37", r#""at+jwt;v=1""#),
        ("C37", r#"" at+jwt""#),
        ("C37", r#""application/application/at+jwt""#),
        ("C37", r#""text/at+jwt""#),
        ("C37", r#""""#),
        ("C38", r#""dpop+jwt""#),
        ("C38", r#""logout+jwt""#),
        ("C38", r#""id_token""#),
        ("C38", r#""secevent+jwt""#),
        ("C38", r#""token-introspection+jwt""#),
        ("C38", r#""statuslist+jwt""#),
        ("C38", r#""application/DPoP+JWT""#),
        ("C39", r#"["at+jwt"]"#),
        ("C39", "null"),
        ("C39", "1"),
    ];
    for (id, value) in cases {
        judge.refuses(id, &Jwt::t0(), |jwt| jwt.header("typ", value), "token_type_unexpected");
    }
}

#[test]
fn c40_a_jwt_in_a_jwt() {
    let judge = Judge::new();
    let inner = Jwt::t0().sign();
    let outer = |payload: &str| Jwt::t0().header("cty", r#""JWT""#).raw_payload(payload.as_bytes());
    judge.refuses("C40", &Jwt::t0(), |_| outer(&inner), "token_malformed");
    judge.refuses("C40", &Jwt::t0(), |_| outer(&quoted(&inner)), "token_malformed");
}

#[test]
fn c43_a_jwe_that_asks_for_much_work() {
    let judge = Judge::new();
    let header = r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","kid":"es-1","p2s":"AAAA","p2c":2147483647}"#;
    let jwe = format!("{}.AA.AA.AA.AA", base64url_encode(header.as_bytes()));
    judge.grants("C43", &Jwt::t0().sign());
    judge.each("C43", &jwe, ["token_malformed", "token_malformed", "algorithm_not_allowed"]);
}

#[test]
fn c44_nesting_in_a_member_that_nobody_reads() {
    let judge = Judge::new();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let good = Jwt::t0().header("x", &nested(63));
    judge.refuses("C44", &good, |jwt| jwt.header("x", &nested(64)), "token_malformed");
    judge.refuses("C44", &good, |jwt| jwt.header("x", &nested(4_000)), "token_malformed");
    // Beyond what a token may hold: the reader itself, closed or left open, in arrays and in objects.
    for text in [nested(100_000), "[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert!(Object::parse(format!("{{\"x\":{text}}}").as_bytes()).is_err());
        assert!(Object::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn c45_very_many_members() {
    let many = |n: usize| (0..n).map(|i| format!("\"m{i}\":0")).collect::<Vec<_>>().join(",");
    let judge = Judge::new();
    judge.grants(
        "C45",
        &Jwt::t0().raw_header(header().replace('}', &format!(",{}}}", many(300))).as_bytes()).sign(),
    );
    let text = format!("{{{}}}", many(50_000));
    assert_eq!(Object::parse(text.as_bytes()).unwrap().names().count(), 50_000);
    assert!(Object::parse(text.replace("\"m49999\"", "\"m7\"").as_bytes()).is_err());
}
