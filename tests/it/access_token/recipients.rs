//! Whom a token is for, and whose it is: `Audience` and `Clients`.

use oidc_spa_native::access_token::{Audience, Clients, Profile};

use crate::issuer::{AUDIENCE, Jwt, PROFILES, Setup, quoted};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The verdict of the common profile on T0 with these claims changed; an empty value takes the claim away.
fn judged(audience: &Audience, clients: &Clients, claims: &[(&str, &str)]) -> (&'static str, String) {
    let setup = Setup::new(Profile::Common).policy(|policy| {
        policy.issuers[0].audience = audience.clone();
        policy.issuers[0].clients = clients.clone();
    });
    let token = claims.iter().fold(Jwt::t0(), |token, (name, value)| match *value {
        "" => token.without(name),
        value => token.claim(name, value),
    });
    let verdict = setup.bearer(&token.sign());
    (verdict.name(), verdict.message().to_owned())
}

#[test]
fn a_token_without_aud_is_accepted_where_the_audience_is_not_checked() {
    let without = [("aud", "")];
    assert_eq!(judged(&Audience::Unchecked, &Clients::Any, &without).0, "granted");
    let (name, message) = judged(&Audience::AnyOf(names(&[AUDIENCE])), &Clients::Any, &without);
    assert_eq!(name, "claim_missing");
    assert!(message.contains("lacks the claim aud") && message.contains("`expectedClients`"), "{message}");
    // No expectation is met by an audience that is not there.
    for audience in
        [Audience::AnyOf(names(&[""])), Audience::Only(names(&[AUDIENCE])), Audience::Only(vec![])]
    {
        assert_eq!(judged(&audience, &Clients::Any, &without).0, "claim_missing", "{audience:?}");
    }
}

#[test]
fn the_client_is_named_by_the_first_claim_that_is_there() {
    let ours = Clients::OneOf(names(&["web", "mobile"]));
    let client = |claims: &[(&str, &str)]| {
        let all = [&[("client_id", ""), ("aud", "")], claims].concat();
        judged(&Audience::Unchecked, &ours, &all).0
    };
    let order = ["client_id", "azp", "cid", "appid"];
    for (at, first) in order.into_iter().enumerate() {
        assert_eq!(client(&[(first, r#""web""#)]), "granted", "{first}");
        assert_eq!(client(&[(first, r#""mobile""#)]), "granted", "{first}");
        for value in ["evil", "", "WEB", "web ", "we\\u0000b", "web mobile", "w\\u0435b"] {
            assert_eq!(client(&[(first, &format!("\"{value}\""))]), "client_mismatch", "{first} {value:?}");
        }
        // A list is no client, though one of ours is in it: nobody could say which of them it is.
        for value in ["1", "null", "true", r#"["web"]"#, "[]", r#"{"web":1}"#] {
            assert_eq!(client(&[(first, value)]), "claim_malformed", "{first} {value}");
        }
        for later in &order[at + 1..] {
            assert_eq!(
                client(&[(first, r#""evil""#), (later, r#""web""#)]),
                "client_mismatch",
                "{first} {later}"
            );
            assert_eq!(client(&[(first, r#""web""#), (later, r#""evil""#)]), "granted", "{first} {later}");
            assert_eq!(client(&[(first, "null"), (later, r#""web""#)]), "claim_malformed", "{first} {later}");
        }
    }
    for none in [[("sub", r#""web""#)], [("Client_id", r#""web""#)], [("aud", r#""web""#)]] {
        assert_eq!(client(&none), "claim_missing", "{none:?}");
    }
    assert_eq!(client(&[("__proto__", r#"{"client_id":"web"}"#)]), "claim_missing");
    // The text that came is quoted as others are.
    let (_, message) = judged(&Audience::Unchecked, &ours, &[("client_id", &quoted("x\n\u{202e}"))]);
    let expected = "Not an expected client, got client_id claim \"x\\u{a}\\u{202e}\" but expected \"web\" or \"mobile\". If that \
                    client may call this API, add it to `expectedClients`";
    assert_eq!(message, expected);
}

#[test]
fn client_and_audience_are_both_asked_for_where_both_are_written() {
    let (audience, clients) = (Audience::AnyOf(names(&[AUDIENCE])), Clients::OneOf(names(&["client-1"])));
    assert_eq!(judged(&audience, &clients, &[("scope", "")]).0, "granted");
    assert_eq!(judged(&audience, &clients, &[("aud", r#""x""#)]).0, "audience_mismatch");
    assert_eq!(judged(&audience, &clients, &[("client_id", r#""x""#)]).0, "client_mismatch");
    // An expectation of nobody is met by nobody.
    assert_eq!(judged(&audience, &Clients::OneOf(vec![]), &[("scope", "")]).0, "client_mismatch");
    for profile in PROFILES {
        let setup = |clients: &Clients| {
            Setup::new(profile).policy(|policy| policy.issuers[0].clients = clients.clone())
        };
        assert_eq!(setup(&clients).bearer(&Jwt::t0().sign()).name(), "granted", "{profile:?}");
        let others = Clients::OneOf(names(&["client-2"]));
        assert_eq!(setup(&others).bearer(&Jwt::t0().sign()).name(), "client_mismatch", "{profile:?}");
    }
}

#[test]
fn a_token_for_this_api_alone_names_nobody_else() {
    let only = Audience::Only(names(&["a", "b"]));
    let judged = |aud: &str| judged(&only, &Clients::Any, &[("aud", aud)]);
    for aud in [r#""a""#, r#"["a"]"#, r#"["b","a"]"#, r#"["a","a"]"#] {
        assert_eq!(judged(aud).0, "granted", "{aud}");
    }
    for aud in [r#""c""#, r#"["a","c"]"#, r#"["c","a"]"#, "[]", r#""""#, r#"["a",""]"#, r#""a b""#] {
        assert_eq!(judged(aud).0, "audience_mismatch", "{aud}");
    }
    let (_, message) = judged(r#"["a","account"]"#);
    let expected = "The access token is not for this API alone, got aud claim [\"a\",\"account\"] but expected nothing \
                    beside \"a\" or \"b\" (`audienceMode` is \"only\"). Have the issuer give tokens for one API each, or \
                    write \"any\"";
    assert_eq!(message, expected);
    // Ten thousand audiences are read to the last one.
    let wide = Setup::new(Profile::Common).policy(|policy| {
        policy.issuers[0].audience = Audience::Only(names(&["a"]));
        policy.max_token_bytes = 1 << 20;
    });
    let many = |last: &str| format!("[{}{}]", r#""a","#.repeat(9_999), quoted(last));
    assert_eq!(wide.bearer(&Jwt::t0().claim("aud", &many("a")).sign()).name(), "granted");
    assert_eq!(wide.bearer(&Jwt::t0().claim("aud", &many("c")).sign()).name(), "audience_mismatch");
}
