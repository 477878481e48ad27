//! The table of the wire: the order of the arguments, and of the members of an answer.
//!
//! In: the lists from which the door is written. Out: one JSON text; a test compares `ts/addon/native.ts` and `verdict-text.ts` with it.
//! Never: an order of its own.

use napi_derive::napi;
use serde_json::json;

use crate::extraction::PLACES;
use crate::parts::{AUTHORIZATION_REPEATED, CredentialParts, DPOP_REPEATED, HOST_REPEATED, RequestParts};
use crate::verdict_text::{FailureTuple, GrantTuple, RefusalTuple};

/// The orders under the names of their types in `ts/addon/`, and the numbers that both sides know.
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
