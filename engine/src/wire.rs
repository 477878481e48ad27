//! The order of the arguments of a call and of the members of an answer.
//!
//! In: the lists from which both are read and written.
//! Out: one JSON text; a test compares `ts/boundary/interface.ts` and `verdict-text.ts` with it.
//! Never: an order of its own.

use serde_json::{Value, json};

use crate::extraction::PLACES;
use crate::parts::{AUTHORIZATION_REPEATED, CredentialParts, DPOP_REPEATED, HOST_REPEATED, RequestParts};
use crate::verdict_text::{FailureTuple, GrantTuple, RefusalTuple};

/// The orders under the names of their types in `ts/addon/`, and the numbers that both sides know.
pub fn wire_table() -> Value {
    json!({
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
    })
}
