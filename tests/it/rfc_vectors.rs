//! The examples that the RFCs print. Each is checked by its own signature, MAC or digest, so that a slip in copying one
//! would show.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc_spa_native::access_token::Profile;
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk, Spelling};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::request::RequestHead;

use crate::issuer::{Jwt, NOW, Setup, ath, jwk_set_of, verify_compact};

/// RFC 7515 appendix A: the claims of A.1 to A.3 and A.5.
const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const A2_KEY: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const A3_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const A3_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const A4_KEY: &str = r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#;
const A4_JWS: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";

/// The symmetric key of RFC 7515 A.1 and RFC 7797 section 4.
const A1_SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

const RFC8037_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn set(jwk: &str) -> JwkSet {
    JwkSet::parse(jwk_set_of(&[jwk.to_owned()]).as_bytes()).unwrap()
}

#[test]
fn d3_rfc7515_a2_a3_a4() {
    let a2 = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{A2_SIGNATURE}");
    let a3 = format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{A3_SIGNATURE}");
    let joe = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    assert_eq!(verify_compact(&a2, &set(A2_KEY)), Ok(joe.into()));
    assert_eq!(verify_compact(&a3, &set(A3_KEY)), Ok(joe.into()));
    assert_eq!(verify_compact(A4_JWS, &set(A4_KEY)), Ok("Payload".into()));
    // Each with the key of another.
    assert_eq!(verify_compact(&a2, &set(A3_KEY)), Err("key"));
    assert_eq!(verify_compact(A4_JWS, &set(A3_KEY)), Err("key"));
    let mixed = format!("eyJhbGciOiJFUzI1NiJ9.UGF5bG9hZA.{A3_SIGNATURE}");
    assert_eq!(verify_compact(&mixed, &set(A3_KEY)), Err("signature"));
}

/// A MAC that is right, and no token.
fn hs256(input: &str, tag: &str) -> bool {
    let secret = URL_SAFE_NO_PAD.decode(A1_SECRET).unwrap();
    let tag = URL_SAFE_NO_PAD.decode(tag).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes(), &tag).is_ok()
}

#[test]
fn d3_rfc7515_a1_a5_are_refused() {
    let input = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}");
    let tag = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert!(hs256(&input, tag));
    let oct = format!(r#"{{"kty":"oct","k":"{A1_SECRET}"}}"#);
    assert!(JwkSet::parse(jwk_set_of(std::slice::from_ref(&oct)).as_bytes()).is_err());
    let beside = JwkSet::parse(jwk_set_of(&[oct, A3_KEY.into()]).as_bytes()).unwrap();
    assert_eq!(verify_compact(&format!("{input}.{tag}"), &beside), Err("algorithm"));
    assert_eq!(verify_compact(&format!("eyJhbGciOiJub25lIn0.{JOE}."), &beside), Err("algorithm"));
}

#[test]
fn d3_rfc7797_is_refused() {
    let header = "eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19";
    let tag = "A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY";
    assert!(hs256(&format!("{header}.$.02"), tag));
    // Detached, as the RFC prints it, and with its payload, whose dot makes four parts of it.
    assert!(verify_compact(&format!("{header}..{tag}"), &set(A3_KEY)).is_err());
    assert_eq!(verify_compact(&format!("{header}.$.02.{tag}"), &set(A3_KEY)), Err("header"));
}

#[test]
fn d3_rfc8037_a4() {
    let jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{RFC8037_X}"}}"#);
    assert_eq!(verify_compact(jws, &set(&jwk)), Ok("Example of Ed25519 signing".into()));
}

fn thumbprint(jwk: &str) -> String {
    let jwk = Jwk::parse(&Object::parse(jwk.as_bytes()).unwrap(), Spelling::Canonical).unwrap();
    jwk.thumbprint().as_str().to_owned()
}

#[test]
fn d3_rfc7638_3_1_and_rfc8037_a3_thumbprints() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    let rsa = |rest: &str| format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"{rest}}}"#);
    assert_eq!(thumbprint(&rsa("")), expected);
    // Only what makes the key is in it (section 3.2).
    assert_eq!(thumbprint(&rsa(r#","alg":"RS256","kid":"2011-04-29","use":"sig","x":"y""#)), expected);
    let ed25519 = format!(r#"{{"x":"{RFC8037_X}","crv":"Ed25519","kty":"OKP"}}"#);
    assert_eq!(thumbprint(&ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// The key of RFC 7515 appendix A.4, and one of the third curve. No RFC prints a thumbprint of these curves: both were
/// calculated with another implementation (`jose` for JavaScript). A client proves its key by it.
#[test]
fn d3_rfc7638_3_2_thumbprints_of_the_other_curves() {
    assert_eq!(thumbprint(A4_KEY), "u5YUSjQ2-2chBi51NSk3t3g7IM4o2KYcnPqPtCNGd3U");
    let p384 = r#"{"kty":"EC","crv":"P-384","x":"abkzt0TDYMna6VCbW8yNjDgIQjLcA84IDbEJLBf20ge-ev5-PHrmv3oc9cMY_YW5","y":"9O5AVd4zFJliSuHBN4AeXPgzd684fMfaiWZD-65Pq-olL4FVkwBOFpS5H6YHdC0D"}"#;
    assert_eq!(thumbprint(p384), "iU63PJ0tg-HuKB0VDTb4MA84_YerHxDfvenNcg3-i80");
}

const DPOP_HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
const DPOP_KEY: &str = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
const DPOP_JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

#[test]
fn d3_rfc9449_4_1_and_7_1_proofs() {
    assert_eq!(thumbprint(DPOP_KEY), DPOP_JKT);
    assert_eq!(
        ath("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    );
    let figure_2 = format!(
        "{DPOP_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    );
    let payload = verify_compact(&figure_2, &set(DPOP_KEY)).unwrap();
    assert!(String::from_utf8(payload).unwrap().contains(r#""htu":"https://server.example.com/token""#));
    let payload = verify_compact(&figure_13(), &set(DPOP_KEY)).unwrap();
    assert!(String::from_utf8(payload).unwrap().contains(r#""iat":1562262618"#));
}

fn figure_13() -> String {
    format!(
        "{DPOP_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    )
}

/// The proof of figure 13 through the whole corridor. Its access token is opaque, so one of ours takes its place: every
/// check before the last passes, and the last says that the proof is for the other token.
#[test]
fn d3_rfc9449_7_1_through_the_whole_validation() {
    let issued = 1_562_262_618;
    let token = Jwt::t0()
        .claim("iat", &(issued - 10).to_string())
        .claim("exp", &(NOW + 600).to_string())
        .claim("cnf", &format!(r#"{{"jkt":"{DPOP_JKT}"}}"#))
        .sign();
    let head = RequestHead {
        method: "GET",
        url: "https://resource.example.org/protectedresource",
        ..RequestHead::default()
    };
    let judge = |secs: i64, head: RequestHead<'_>| {
        Setup::new(Profile::Common).at(secs).dpop_to(&token, &figure_13(), head).name()
    };
    assert_eq!(judge(issued, head), "proof_token_mismatch");
    assert_eq!(judge(issued + 40, head), "proof_token_mismatch");
    assert_eq!(judge(issued + 41, head), "proof_stale");
    assert_eq!(judge(issued - 4, head), "proof_not_yet_valid");
    assert_eq!(judge(issued, RequestHead { method: "POST", ..head }), "proof_method_mismatch");
    let other = RequestHead { url: "https://resource.example.org/", ..head };
    assert_eq!(judge(issued, other), "proof_uri_mismatch");
}
