//! The drop-in's first step: takes credentials and target URI out of a request.
//!
//! In: the parts of a request. Out: `Extraction`. Never: an `if` about OAuth.

use napi::Env;
use napi::bindgen_prelude::{Either3, Object, Result};
use napi_derive::napi;
use oidc_spa_native_engine::extraction::{Extraction, Place, extract};
use oidc_spa_native_engine::parts::RequestParts;

use crate::arguments::door;
use crate::panics::{caught, report_places_only};

/// For a Bearer request, the place of its access token. For a DPoP request, also the URI that the proof must name. Or,
/// for developers, why the request cannot be judged. A list would cost as much as the whole rest of a Bearer request.
type NativeExtraction = Either3<Place, (Place, Option<String>), String>;

/// The function `extractCredentials(trustProxy, ...parts)`, which takes credentials and target URI out of a request,
/// for the drop-in. It returns nothing without `Authorization`.
#[napi]
pub fn extraction(env: &Env) -> Result<Object<'_>> {
    caught(|| {
        report_places_only();
        let mut functions = Object::new(env)?;
        door(env, &mut functions, "extractCredentials", |mut call| {
            let trusts_proxies = call.required()?;
            Ok(extract(&RequestParts::read(&mut call)?, trusts_proxies).map(to_native))
        })?;
        Ok(functions)
    })
}

fn to_native(extraction: Extraction) -> NativeExtraction {
    match extraction {
        Extraction::Bearer(place) => Either3::A(place),
        Extraction::DPoP(place, target) => Either3::B((place, target)),
        Extraction::Unfit(message) => Either3::C(message),
    }
}
