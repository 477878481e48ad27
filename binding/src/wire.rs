//! The order of the arguments of a call and of the members of an answer.
//!
//! In: the orders of the engine. Out: one JSON text; a test compares `ts/boundary/interface.ts` and `verdict-text.ts` with it.
//! Never: an order of its own.

use napi_derive::napi;

/// The orders under the names of their types in `ts/addon/`, and the numbers that both sides know.
#[napi]
pub fn wire_table() -> String {
    oidc_spa_native_engine::wire::wire_table().to_string()
}
