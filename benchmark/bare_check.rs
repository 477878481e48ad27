//! The bare signature check: what no validator can do without, measured on the tokens that the validators get.
//!
//! In: a line of JSON on stdin, again and again. Out: a line with the processor time of its checks.
//! Never: a claim, a check beside that of the signature.
//!
//! `npm run bench` builds and asks it, in the same rounds in which it measures the others.

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// The signatures of one key: what was signed, and the signature.
struct Group {
    key: ParsedPublicKey,
    signed: Vec<(String, Vec<u8>)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let groups = read(&line?)?;
        // One round that does not count: what the caches forgot while others ran is not the check's fault.
        check(&groups);
        let begun = thread_nanos();
        let good = check(&groups);
        let nanos = thread_nanos() - begun;
        let answer = json!({ "cpuMicros": nanos as f64 / 1000.0, "good": good });
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
    Ok(())
}

fn check(groups: &[Group]) -> usize {
    let signatures = groups.iter().flat_map(|Group { key, signed }| signed.iter().map(move |s| (key, s)));
    signatures
        .filter(|(key, (input, signature))| {
            black_box(key.verify_sig(black_box(input.as_bytes()), signature)).is_ok()
        })
        .count()
}

fn read(line: &str) -> Result<Vec<Group>, Box<dyn Error>> {
    let request: Value = serde_json::from_str(line)?;
    let groups = request.get("groups").and_then(Value::as_array).ok_or("no groups")?;
    groups.iter().map(read_group).collect()
}

fn read_group(group: &Value) -> Result<Group, Box<dyn Error>> {
    let text = |name| group.get(name).and_then(Value::as_str).ok_or(name);
    let der = URL_SAFE_NO_PAD.decode(text("spki")?)?;
    let key = ParsedPublicKey::new(algorithm(text("algorithm")?)?, der)?;
    let compact = group.get("jws").and_then(Value::as_array).ok_or("jws")?;
    let signed: Result<Vec<_>, Box<dyn Error>> = compact
        .iter()
        .map(|jws| {
            let (input, signature) = jws.as_str().and_then(|jws| jws.rsplit_once('.')).ok_or("not a JWS")?;
            Ok((input.to_owned(), URL_SAFE_NO_PAD.decode(signature)?))
        })
        .collect();
    Ok(Group { key, signed: signed? })
}

fn algorithm(name: &str) -> Result<&'static dyn VerificationAlgorithm, Box<dyn Error>> {
    Ok(match name {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "ES256" => &signature::ECDSA_P256_SHA256_FIXED,
        "ES384" => &signature::ECDSA_P384_SHA384_FIXED,
        "EdDSA" => &signature::ED25519,
        other => return Err(format!("{other} is not measured").into()),
    })
}

/// What the thread has used of a processor.
fn thread_nanos() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
