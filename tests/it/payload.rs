//! D: the payload's JSON and its numbers, through the whole corridor. Every token is signed by the issuer: it is the text
//! that is at fault, not the signature.

use oidc_spa_native::access_token::Profile;

use crate::issuer::{Judge, Jwt, NOW, PROFILES, Setup, Verdict, quoted};

fn payload() -> String {
    String::from_utf8(Jwt::t0().payload_text()).unwrap()
}

/// T0's payload with more members before its end.
fn with(members: &str) -> String {
    let text = payload();
    format!("{},{members}}}", text.strip_suffix('}').unwrap())
}

#[track_caller]
fn raw(judge: &Judge, id: &str, text: impl AsRef<[u8]>, code: &str) {
    judge.refuses(id, &Jwt::t0(), |jwt| jwt.raw_payload(text.as_ref()), code);
}

#[test]
fn d01_to_d06_the_payload_is_one_object_and_nothing_else() {
    let judge = Judge::new();
    let object = payload();
    for text in ["[]", "\"x\"", "1", "null", "true"] {
        raw(&judge, "D01", text, "token_malformed");
    }
    raw(&judge, "D02", "", "token_malformed");
    raw(&judge, "D02", " ", "token_malformed");
    raw(
        &judge,
        "D03",
        r#"["https://as.example","user-1","https://api.example",1800000600]"#,
        "token_malformed",
    );
    raw(&judge, "D03", format!("[{object}]"), "token_malformed");
    raw(&judge, "D03", quoted(&object), "token_malformed");
    raw(&judge, "D04", format!("{object}x"), "token_malformed");
    raw(&judge, "D04", format!("{object}{object}"), "token_malformed");
    raw(&judge, "D04", format!("{object}\0"), "token_malformed");
    raw(&judge, "D04", &object[..object.len() - 1], "token_malformed");
    raw(&judge, "D05", format!("\u{feff}{object}"), "token_malformed");
    let units: Vec<u16> = object.encode_utf16().collect();
    raw(
        &judge,
        "D06",
        units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>(),
        "token_malformed",
    );
    raw(
        &judge,
        "D06",
        units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>(),
        "token_malformed",
    );
    let wide = object.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect::<Vec<u8>>();
    raw(&judge, "D06", wide, "token_malformed");
    judge.grants("D04", &Jwt::t0().raw_payload(format!(" \r\n\t{object} \n").as_bytes()).sign());
}

#[test]
fn d08_d09_d11_text_is_utf8_in_claims_that_nobody_reads_too() {
    let judge = Judge::new();
    let inside = |bytes: &[u8]| {
        let text = with(r#""x":"@""#).into_bytes();
        let at = text.iter().position(|byte| *byte == b'@').unwrap();
        [&text[..at], bytes, &text[at + 1..]].concat()
    };
    judge.grants("D08", &Jwt::t0().raw_payload(&inside("\u{1f600}é".as_bytes())).sign());
    judge.grants("D09", &Jwt::t0().raw_payload(&inside(br"\ud83d\ude00\u0000")).sign());
    let sequences: [&[u8]; 7] =
        [b"\xc0\x80", b"\xed\xa0\x80", b"\xff", b"\x80", b"\xc3", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf"];
    for bytes in sequences {
        raw(&judge, "D08", inside(bytes), "token_malformed");
    }
    for text in [r"\ud800", r"\udc00", r"\ud800\u0041", r"\ude00\ud83d"] {
        raw(&judge, "D09", inside(text.as_bytes()), "token_malformed");
        raw(&judge, "D09", with(&format!(r#""{text}":1"#)), "token_malformed");
        raw(&judge, "D09", with(&format!(r#""x":["{text}"]"#)), "token_malformed");
    }
    for control in ["\n", "\t", "\0", "\u{1f}"] {
        raw(&judge, "D11", inside(control.as_bytes()), "token_malformed");
    }
}

#[test]
fn d12_d13_lenient_json() {
    let judge = Judge::new();
    let values =
        ["NaN", "Infinity", "-Infinity", "0x1", "01", "+1", "1.", ".5", "1e", "'x'", "undefined", "True", ""];
    judge.grants("D12", &Jwt::t0().claim("x", "1").sign());
    for value in values {
        raw(&judge, "D12", with(&format!(r#""x":{value}"#)), "token_malformed");
    }
    let exp = (NOW + 600).to_string();
    for value in [format!("0{exp}"), format!("+{exp}"), format!("{exp}.")] {
        judge.refuses("D13", &Jwt::t0(), |jwt| jwt.claim("exp", &value), "token_malformed");
    }
    raw(&judge, "D12", payload().replace('}', ",}"), "token_malformed");
    raw(&judge, "D12", format!("/**/{}", payload()), "token_malformed");
    raw(&judge, "D12", format!("{}//", payload()), "token_malformed");
    raw(&judge, "D12", payload().replace('"', "'"), "token_malformed");
    raw(&judge, "D12", with("x:1"), "token_malformed");
}

#[test]
fn d14_to_d19_no_member_stands_twice() {
    let judge = Judge::new();
    let future = (NOW + 600).to_string();
    judge.refuses(
        "D14",
        &Jwt::t0(),
        |jwt| jwt.claim("exp", "1").also_claim("exp", &future),
        "token_malformed",
    );
    judge.refuses("D15", &Jwt::t0(), |jwt| jwt.also_claim("exp", "1"), "token_malformed");
    judge.refuses("D15", &Jwt::t0(), |jwt| jwt.also_claim("exp", &future), "token_malformed");
    for (name, value) in
        [("iss", r#""https://as.example""#), ("aud", r#""x""#), ("sub", r#""x""#), ("scope", r#""admin""#)]
    {
        judge.refuses("D16", &Jwt::t0(), |jwt| jwt.also_claim(name, value), "token_malformed");
    }
    judge.refuses(
        "D16",
        &Jwt::t0(),
        |jwt| jwt.also_claim("cnf", r#"{"jkt":"a"}"#).also_claim("cnf", "{}"),
        "token_malformed",
    );
    judge.refuses("D17", &Jwt::t0(), |jwt| jwt.claim("cnf", r#"{"jkt":"a","jkt":"b"}"#), "token_malformed");
    // At every level, in claims that nobody reads here: the application reads them.
    let good = Jwt::t0().claim("address", r#"{"a":1,"b":2}"#);
    judge.refuses("D18", &good, |jwt| jwt.claim("address", r#"{"a":1,"a":2}"#), "token_malformed");
    judge.refuses("D18", &good, |jwt| jwt.claim("address", r#"[[{"a":1,"a":1}]]"#), "token_malformed");
    judge.refuses("D19", &Jwt::t0(), |jwt| jwt.also_claim(r"\u0065xp", "1"), "token_malformed");
    judge.refuses(
        "D19",
        &Jwt::t0(),
        |jwt| jwt.also_claim(r"\u0069\u0073\u0073", r#""x""#),
        "token_malformed",
    );
    judge.grants(
        "D19",
        &Jwt::t0().claim("address", r#"[{"a":1},{"a":1}]"#).also_claim("x", r#"{"exp":1,"iss":2}"#).sign(),
    );
}

#[test]
fn d20_names_are_compared_with_case() {
    let judge = Judge::new();
    let future = (NOW + 600).to_string();
    for name in ["Exp", "EXP", " exp", "exp "] {
        judge.refuses("D20", &Jwt::t0(), |jwt| jwt.without("exp").claim(name, &future), "claim_missing");
    }
    judge.grants("D20", &Jwt::t0().claim("EXP", "1").claim("Iss", "1").sign());
    judge.grants("D20", &Jwt::t0().without("exp").claim(r"\u0065xp", &future).sign());
}

#[test]
fn d22_d23_d34_d38_dates_are_numbers() {
    let judge = Judge::new();
    let date = (NOW + 600).to_string();
    let text = quoted(&date);
    let spaced = quoted(&format!(" {date}"));
    for value in ["null", "true", &text, &spaced, &format!("[{date}]"), "{}", r#""""#] {
        judge.refuses("D22", &Jwt::t0(), |jwt| jwt.claim("exp", value), "claim_malformed");
        judge.refuses("D38", &Jwt::t0(), |jwt| jwt.claim("nbf", value), "claim_malformed");
        judge.refuses("D34", &Jwt::t0(), |jwt| jwt.claim("iat", value), "claim_malformed");
        // Nothing is decided by it but step-up, which it does not fulfil then.
        let by_letter = ["granted", "claim_malformed", "claim_malformed"];
        judge.changes("D34", &Jwt::t0(), |jwt| jwt.claim("auth_time", value), by_letter);
    }
    judge.refuses("D34", &Jwt::t0(), |jwt| jwt.claim("iat", r#""now""#), "claim_malformed");
    judge.refuses("D22", &Jwt::t0(), |jwt| jwt.without("exp"), "claim_missing");
    judge.refuses("D33", &Jwt::t0(), |jwt| jwt.without("iat"), "claim_missing");
}

#[test]
fn d24_to_d32_every_spelling_of_a_number_and_no_number_out_of_bounds() {
    let judge = Judge::new();
    for value in ["1800000600.5", "1.8000006e9", "18000006E2", "1800000600.0", "1800000000.1", "253402300799"]
    {
        judge.grants("D24", &Jwt::t0().claim("exp", value).sign());
    }
    for value in ["1e-999", "0", "-0", "-1", "1.8e9", "1800000000", "1799999999.9", "-1e20"] {
        judge.refuses("D29", &Jwt::t0(), |jwt| jwt.claim("exp", value), "token_expired");
    }
    let digits = format!("1{}", "0".repeat(9_999));
    for value in ["1e999", "-1e999", "1e309", &digits] {
        judge.refuses("D28", &Jwt::t0(), |jwt| jwt.claim("exp", value), "token_malformed");
        judge.refuses("D28", &Jwt::t0(), |jwt| jwt.claim("x", value), "token_malformed");
    }
    // The drop-in accepts what oidc-spa accepts.
    let late = ["claim_malformed", "claim_malformed", "granted"];
    for value in [
        "253402300800",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551616",
        "1e20",
        "1e308",
        "1800000600000",
    ] {
        judge.changes("D30", &Jwt::t0(), |jwt| jwt.claim("exp", value), late);
    }
}

#[test]
fn d35_d36_d37_when_a_token_says_it_was_issued() {
    let judge = Judge::new();
    let ahead = |secs: i64| (NOW + secs).to_string();
    for secs in [10, 59, 60] {
        judge.grants("D36", &Jwt::t0().claim("iat", &ahead(secs)).sign());
    }
    let early = ["token_not_yet_valid", "token_not_yet_valid", "granted"];
    for secs in [61, 3_600] {
        judge.changes(
            "D35",
            &Jwt::t0(),
            |jwt| jwt.claim("iat", &ahead(secs)).claim("exp", &ahead(7_200)),
            early,
        );
    }
    judge.changes("D35", &Jwt::t0(), |jwt| jwt.claim("iat", "1e20"), early);
    let short = Jwt::t0().claim("exp", &ahead(30));
    judge.grants("D37", &short.clone().claim("iat", &ahead(30)).sign());
    let reversed = ["claim_malformed", "claim_malformed", "granted"];
    judge.changes("D37", &short, |jwt| jwt.claim("iat", &ahead(31)), reversed);
}

#[test]
fn d39_not_before() {
    let judge = Judge::new();
    let at = |secs: i64| Jwt::t0().claim("nbf", &(NOW + secs).to_string());
    judge.grants("D39", &at(0).sign());
    judge.refuses("D39", &at(0), |_| at(1), "token_not_yet_valid");
    judge.refuses("D39", &at(0), |_| Jwt::t0().claim("nbf", "1800000000.5"), "token_not_yet_valid");
    judge.refuses("D39", &at(0), |_| Jwt::t0().claim("nbf", "1e300"), "token_not_yet_valid");
    for profile in PROFILES {
        let lenient = Setup::new(profile).leeway(60);
        assert_eq!(lenient.bearer(&at(30).sign()).name(), "granted");
        assert_eq!(lenient.bearer(&at(60).sign()).name(), "granted");
        assert_eq!(lenient.bearer(&at(61).sign()).name(), "token_not_yet_valid");
    }
}

#[test]
fn d40_d41_d42_depth_length_and_number_of_claims() {
    let judge = Judge::new();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    // The payload is the first level.
    judge.refuses(
        "D40",
        &Jwt::t0().claim("x", &nested(63)),
        |jwt| jwt.claim("x", &nested(64)),
        "token_malformed",
    );
    judge.refuses(
        "D40",
        &Jwt::t0().claim("x", &objects(63)),
        |jwt| jwt.claim("x", &objects(64)),
        "token_malformed",
    );
    judge.refuses("D41", &Jwt::t0(), |jwt| jwt.claim("x", &quoted(&"x".repeat(1 << 20))), "token_malformed");
    judge.refuses(
        "D47",
        &Jwt::t0(),
        |jwt| jwt.claim("sub", &quoted(&"x".repeat(1 << 20))),
        "token_malformed",
    );
    let wide = Setup::new(Profile::Common).policy(|policy| policy.max_token_bytes = usize::MAX);
    let claims: Vec<String> = (0..100_000).map(|i| format!("\"a{i}\":0")).collect();
    let many = Jwt::t0().raw_payload(with(&claims.join(",")).as_bytes()).sign();
    let twice = Jwt::t0().raw_payload(with(&format!("{},\"a7\":0", claims.join(","))).as_bytes()).sign();
    assert_eq!(wide.bearer(&Jwt::t0().claim("x", &nested(100_000)).sign()).name(), "token_malformed");
    assert_eq!(wide.bearer(&many).name(), "granted");
    assert_eq!(wide.bearer(&twice).name(), "token_malformed");
    judge.twins("D42", &Jwt::t0().sign(), &many, "token_malformed");
}

/// What was judged is what the application gets, byte for byte: no claim is dropped, renamed or rounded on the way.
#[test]
fn d10_d43_d44_d45_d46_the_claims_arrive_as_they_were_signed() {
    let cases = [
        Jwt::t0(),
        Jwt::t0().claim("__proto__", r#"{"isAdmin":true}"#),
        Jwt::t0()
            .claim("constructor", r#"{"prototype":{"x":1}}"#)
            .claim("toString", "1")
            .claim("then", "null"),
        Jwt::t0().claim("hasOwnProperty", "false").claim("toJSON", r#""x""#),
        Jwt::t0()
            .claim("acct", "12345678901234567890")
            .claim("fraction", "0.1000000000000000055511151231257827"),
        Jwt::t0()
            .claim("iss", r#""https:\/\/as.example""#)
            .claim("aud", r#"["https:\u002f\u002fapi.example"]"#),
        Jwt::t0().claim("sub", r#""user\u0000\n\u202e""#),
        Jwt::t0().claim("x", " { \"a\" :\n[ 1 , 2 ] } "),
    ];
    for jwt in cases {
        for profile in PROFILES {
            let Verdict::Granted(grant) = Setup::new(profile).bearer(&jwt.sign()) else {
                panic!("{profile:?}")
            };
            assert_eq!(grant.claims().as_bytes(), jwt.payload_text());
        }
    }
}

#[test]
fn d10_a_nul_does_not_end_a_string() {
    let judge = Judge::new();
    let evil = |text: &str| format!("\"{text}\\u0000.evil\"");
    judge.refuses("D10", &Jwt::t0(), |jwt| jwt.claim("iss", &evil("https://as.example")), "issuer_mismatch");
    judge.refuses(
        "D10",
        &Jwt::t0(),
        |jwt| jwt.claim("aud", &evil("https://api.example")),
        "audience_mismatch",
    );
    let cnf = |jkt: &str| format!(r#"{{"jkt":"{jkt}"}}"#);
    let token = Jwt::t1().sign();
    let jkt = crate::issuer::CLIENT.thumbprint();
    let bad = Jwt::t1().claim("cnf", &cnf(&format!("{jkt}\\u0000"))).sign();
    for profile in PROFILES {
        let judge = |token: &str| Setup::new(profile).dpop(token, &Jwt::p1(token).sign()).name();
        assert_eq!(judge(&token), "granted");
        assert_eq!(judge(&bad), "proof_key_mismatch");
    }
    assert_eq!(Setup::new(Profile::Common).bearer(&bad).name(), "token_bound");
}

#[test]
fn d47_the_subject_is_a_string() {
    let judge = Judge::new();
    for value in ["7", "null", "{}", r#"["user-1"]"#, "true"] {
        judge.refuses("D47", &Jwt::t0(), |jwt| jwt.claim("sub", value), "claim_malformed");
    }
    judge.refuses("D47", &Jwt::t0(), |jwt| jwt.without("sub"), "claim_missing");
    // A subject without a character names nobody. RFC 9068 section 2.2 asks for one; the other profiles take the text.
    let of_nobody = ["granted", "claim_malformed", "granted"];
    judge.changes("D47", &Jwt::t0(), |jwt| jwt.claim("sub", "\"\""), of_nobody);
}
