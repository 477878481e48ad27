//! The engine as a WebAssembly module: numbers and texts in, texts out. It has no rule of its own.
//!
//! In: calls of `ts/wasm/`. Out: JSON texts. Never: a connection, a clock, an `if` about OAuth; a call after a panic,
//! which is a trap: JavaScript throws the instance away, and the request under way is not granted.

#![deny(unsafe_code)]

mod clocks;
mod events;
mod exports;
mod fetching;
mod guard;
mod held;
mod imports;
mod input;
mod instance;
mod isolate;
mod memories;
mod plan_keys;
mod readiness;
mod table;
mod waiting;
