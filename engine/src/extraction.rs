//! The drop-in's first step: takes credentials and target URI out of a request.
//!
//! In: the parts of a request.
//! Out: `Extraction`.
//! Never: a decision about the request.

use oidc_spa_native::extraction::Extracted;
use oidc_spa_native::request::ProxyTrust;
use oidc_spa_native::scheme::Scheme;

use crate::parts::RequestParts;

/// What was taken out.
#[derive(Clone, Debug, PartialEq)]
pub enum Extraction {
    /// Of a Bearer request, the place of its access token.
    Bearer(Place),
    /// Of a DPoP request, also the URI that the proof must name, if it is known.
    DPoP(Place, Option<String>),
    /// Why the request cannot be judged, for developers.
    Unfit(String),
}

/// Where the access token ends in the `Authorization` field, times `PLACES`, plus where it begins, in code units of
/// UTF-16: the text is there already.
pub type Place = f64;

/// More than any field has. Two such numbers fit into a double, and not into 32 bits. `ts/boundary/interface.ts` has the same.
pub const PLACES: u64 = 1 << 26;

/// Takes credentials and target URI out of a request; `None` without `Authorization`.
pub fn extract(parts: &RequestParts, trusts_proxies: bool) -> Option<Extraction> {
    let request = parts.request();
    let field = parts.authorization.as_deref();
    let trust = ProxyTrust::OidcSpa { trusts_proxies };
    let extracted = Extracted::from_request(request.authorization, request.dpop, request.head, &trust)?;
    Some(match extracted {
        Err(rejection) => Extraction::Unfit(rejection.message().to_owned()),
        Ok(Extracted { scheme, access_token, token_begin, target }) => {
            let place = place(field?.get(..token_begin)?, access_token);
            match scheme {
                Scheme::Bearer => Extraction::Bearer(place),
                Scheme::DPoP => Extraction::DPoP(place, target.map(|uri| uri.to_string())),
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
