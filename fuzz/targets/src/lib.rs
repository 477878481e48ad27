//! What is fuzzed: functions of bytes that panic if something does not hold that must hold for any bytes.
//!
//! In: bytes of a fuzzer, the seeds of `vectors/`.
//! Out: `TARGETS`, each with its function and its seeds; `Mutator`.
//! Never: a rule of the library. What must hold is read with other libraries, or said as a relation of two answers.

#![forbid(unsafe_code)]

pub mod corridor;
pub mod documents;
pub mod fields;
pub mod mutation;
pub mod oracle;
pub mod server;
pub mod vectors;

/// One target.
#[derive(Clone, Copy)]
pub struct Target {
    /// The name of its program for libFuzzer, and of the folder of its findings.
    pub name: &'static str,
    /// Tries one input. It panics if something does not hold.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 15] = [
    Target { name: "authorization", run: fields::authorization, seeds: vectors::authorization_fields },
    Target { name: "dpop_field", run: fields::dpop_field, seeds: vectors::dpop_fields },
    Target { name: "forwarded", run: fields::forwarded, seeds: vectors::requests },
    Target { name: "target_uri", run: fields::target_uri, seeds: vectors::target_uris },
    Target {
        name: "client_certificate",
        run: fields::client_certificate,
        seeds: vectors::certificate_fields,
    },
    Target { name: "json", run: documents::json, seeds: vectors::json_texts },
    Target { name: "jws", run: documents::jws, seeds: vectors::compact_texts },
    Target { name: "jwk_set", run: documents::jwk_set, seeds: vectors::jwk_sets },
    Target { name: "metadata", run: documents::metadata, seeds: vectors::metadata_documents },
    Target { name: "pem", run: documents::pem, seeds: vectors::pem_texts },
    Target { name: "options", run: documents::options, seeds: vectors::options },
    Target { name: "snapshot", run: documents::snapshot, seeds: vectors::snapshots },
    Target { name: "corridor", run: corridor::corridor, seeds: vectors::requests },
    Target { name: "claims", run: corridor::claims, seeds: vectors::token_payloads },
    Target { name: "proof", run: corridor::proof, seeds: vectors::proof_payloads },
];
