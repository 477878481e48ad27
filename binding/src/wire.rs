//! The table of the wire: which argument and which member of an answer stands where.
//!
//! In: the lists that the door is written from. Out: one JSON text, to which a test holds `ts/addon/native.ts`. Never:
//! an order of its own.

use napi_derive::napi;
use serde_json::json;

use crate::extraction::PLACES;
use crate::parts::{AUTHORIZATION_REPEATED, CredentialParts, DPOP_REPEATED, HOST_REPEATED, RequestParts};
use crate::verdict_text::{FailureTuple, GrantTuple, RefusalTuple};

/// The orders under the names of their types in `ts/addon/native.ts`, and the numbers that both sides know.
#[napi]
pub fn wire_table() -> String {
    let table = json!({
        "orders": {
            "WholeRequestParts": RequestParts::NAMES,
            "CredentialParts": CredentialParts::NAMES,
            "GrantTuple": GrantTuple::NAMES,
            "RefusalTuple": RefusalTuple::NAMES,
            "FailureTuple": FailureTuple::NAMES,
        },
        "numbers": {
            "AUTHORIZATION_REPEATED": AUTHORIZATION_REPEATED,
            "DPOP_REPEATED": DPOP_REPEATED,
            "HOST_REPEATED": HOST_REPEATED,
            "PLACES": PLACES,
        },
    });
    table.to_string()
}
