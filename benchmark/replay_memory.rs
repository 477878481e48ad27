//! What the replay memory costs: time of a proof at several fills, and memory at a million live proofs.
//!
//! In: nothing. Out: a table. Never: an assertion about time.
//!
//! Run with `cargo bench --bench replay_memory`.

use std::time::Instant;

use oidc_spa_native::access_token::Presenter;
use oidc_spa_native::dpop::replay::{NotNew, ProofRecord, ReplayMemory};
use oidc_spa_native::dpop::window::ProofWindow;
use oidc_spa_native::time::{Leeway, UnixTime};

const WINDOW_SECS: i64 = 40;
const FILLS: [usize; 6] = [10, 1_000, 10_000, 100_000, 500_000, 1_000_000];
const SAMPLE: usize = 10_000;

fn main() {
    println!("live proofs   ns a new proof   ns a replayed one   resident MiB (whole process)");
    let before = resident_mib();
    let window = ProofWindow::new(WINDOW_SECS as u16, Leeway::NONE).unwrap_or(ProofWindow::NARROWEST);
    let memory = ReplayMemory::new(1_100_000, window);
    let mut live = 0;
    for fill in FILLS {
        while live < fill {
            add(&memory, live);
            live += 1;
        }
        // The sample stays in the memory: it is counted as part of the next fill.
        let sample: Vec<ProofRecord> = (live..live + SAMPLE).map(record).collect();
        let resident = resident_mib();
        let fresh = time(&sample, |record| assert_eq!(memory.remember(record, now()), Ok(())));
        let seen = time(&sample, |record| assert_eq!(memory.remember(record, now()), Err(NotNew::Seen)));
        live += SAMPLE;
        println!("{fill:>11}   {fresh:>14}   {seen:>17}   {resident:>12.1}");
    }
    println!("the memory alone, at {live} proofs: {:.1} MiB", resident_mib() - before);
}

fn now() -> UnixTime {
    UnixTime::from_secs(1_800_000_000)
}

/// Each proof of a key and a user of its own, of ten clients, spread over the window: the most that there can be to
/// remember.
fn record(n: usize) -> ProofRecord {
    let issued = now().secs() - (n as i64 % WINDOW_SECS);
    let presenter = Presenter { client: n as u64 % 10, subject: Some(n as u64) };
    ProofRecord::new(&format!("{n:016}{:027}", 0), &format!("jti-{n}"), UnixTime::from_secs(issued))
        .presented_by(presenter)
}

fn add(memory: &ReplayMemory, n: usize) {
    assert_eq!(memory.remember(&record(n), now()), Ok(()));
}

fn time(sample: &[ProofRecord], mut each: impl FnMut(&ProofRecord)) -> u128 {
    let begun = Instant::now();
    sample.iter().for_each(&mut each);
    begun.elapsed().as_nanos() / sample.len() as u128
}

/// What the kernel says that this process holds; zero where it does not say.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
