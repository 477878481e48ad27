//! The drop-in's first step: takes credentials and target URI out of a request.
//!
//! In: the parts of a request. Out: `Extraction`. Never: an `if` about OAuth.

use napi::Env;
use napi::bindgen_prelude::{Either3, Object, Result};
use napi_derive::napi;
use oidc_spa_native::extraction::Extracted;

use oidc_spa_native::request::ProxyTrust;
use oidc_spa_native::scheme::Scheme;

use crate::arguments::door;
use crate::parts::RequestParts;

/// For a Bearer request, the place of its access token. For a DPoP request, also the URI that the proof must name. Or,
/// for developers, why the request cannot be judged. A list would cost as much as the whole rest of a Bearer request.
type Extraction = Either3<Place, (Place, Option<String>), String>;

/// Where the access token ends in the `Authorization` field, times `PLACES`, plus where it begins, in code units of
/// UTF-16: the text is there already.
type Place = f64;

/// More than any field has. Two such numbers fit into a double, and not into 32 bits. `ts/addon/native.ts` has the same.
pub(crate) const PLACES: u64 = 1 << 26;

/// The function `extractCredentials(trustProxy, ...parts)`, which takes credentials and target URI out of a request,
/// for the drop-in. It returns nothing without `Authorization`.
#[napi(catch_unwind)]
pub fn extraction(env: &Env) -> Result<Object<'_>> {
    let mut functions = Object::new(env)?;
    door(env, &mut functions, "extractCredentials", |mut call| {
        let trust = ProxyTrust::OidcSpa { trusts_proxies: call.required()? };
        Ok(extract(&RequestParts::read(&mut call)?, &trust))
    })?;
    Ok(functions)
}

fn extract(parts: &RequestParts, trust: &ProxyTrust) -> Option<Extraction> {
    let request = parts.request();
    let field = parts.authorization.as_deref();
    let extracted = Extracted::from_request(request.authorization, request.dpop, request.head, trust)?;
    Some(match extracted {
        Err(rejection) => Either3::C(rejection.message().to_owned()),
        Ok(Extracted { scheme, access_token, token_begin, target }) => {
            let place = place(field?.get(..token_begin)?, access_token);
            match scheme {
                Scheme::Bearer => Either3::A(place),
                Scheme::DPoP => Either3::B((place, target.map(|uri| uri.to_string()))),
            }
        }
    })
}

/// The place of a token, by the text before it in the field.
fn place(before: &str, token: &str) -> Place {
    let begin = utf16_units(before).min(PLACES - 1);
    let end = (begin + utf16_units(token)).min(PLACES - 1);
    (end * PLACES + begin) as f64
}

fn utf16_units(text: &str) -> u64 {
    let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
    units as u64
}
