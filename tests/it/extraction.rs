//! What the drop-in takes out of an `Authorization` field, as oidc-spa reads it.

use oidc_spa_native::credentials::Field;

use oidc_spa_native::extraction::Extracted;
use oidc_spa_native::request::ProxyTrust;

#[test]
fn the_drop_in_knows_the_white_space_of_ecmascript() {
    let extract =
        |value| Extracted::from_request(Field::Once(value), Field::Absent, None, &ProxyTrust::Nobody);
    for value in
        ["Bearer a.b.c", "Bearer\u{a0}a.b.c", "\u{feff}Bearer\ta.b.c\u{a0} ", "Bearer\u{3000}\u{2009}a.b.c"]
    {
        let Some(Ok(found)) = extract(value) else { panic!("{value:?}") };
        assert_eq!(found.access_token, "a.b.c");
        assert_eq!(value.get(found.token_begin..found.token_begin + 5), Some("a.b.c"), "{value:?}");
    }
    // U+0085 is white space to Unicode, and not to ECMAScript.
    for value in ["", " ", "Bearer", "Bearer\u{85}a.b.c", "\u{85}Bearer a.b.c"] {
        assert!(matches!(extract(value), Some(Err(_))), "{value:?}");
    }
}
