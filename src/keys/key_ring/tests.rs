//! Tests of the key ring alone: when it fetches, how long keys serve, what an outage does.
//!
//! In: points of time. Out: nothing. Never: the network.

use super::*;
use crate::keys::unknown_kids::MAX_UNKNOWN;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

const fn at(millis: u64) -> Monotonic {
    Monotonic::from_millis(millis)
}

fn set() -> Arc<JwkSet> {
    let jwk = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    Arc::new(JwkSet::parse(jwk.as_bytes()).unwrap())
}

fn started(now: Monotonic) -> KeyRing {
    let mut ring = KeyRing::new(KeyRingPolicy::default());
    assert_eq!(ring.decide_refresh(now), RefreshDecision::Fetch);
    ring.fetched(now, set(), None, 0.5);
    ring
}

fn pause(ring: &KeyRing, from: Monotonic) -> u64 {
    ring.due().map(|due| from.millis_until(due)).unwrap()
}

#[test]
fn h33_many_cold_requests_ask_once() {
    let mut ring = KeyRing::new(KeyRingPolicy::default());
    assert_eq!(ring.due(), None, "no network before somebody asks");
    assert_eq!(ring.decide_refresh(at(0)), RefreshDecision::Fetch);
    for _ in 0..1_000 {
        assert_eq!(ring.decide_refresh(at(1)), RefreshDecision::Wait);
    }
    assert!(!ring.wake(at(1)));
}

#[test]
fn h23_the_first_fetch_begins_no_cool_down_and_a_refresh_does() {
    let mut ring = started(at(0));
    assert_eq!(ring.decide_refresh(at(1)), RefreshDecision::Fetch);
    ring.fetched(at(1), set(), None, 0.5);
    assert!(ring.is_held_back(at(2)));
    assert_eq!(ring.decide_refresh(at(2)), RefreshDecision::NotNow);
    assert_eq!(ring.decide_refresh(at(30_000)), RefreshDecision::NotNow);
    assert_eq!(ring.decide_refresh(at(30_001)), RefreshDecision::Fetch);
}

#[test]
fn h27_a_scheduled_refresh_begins_no_cool_down() {
    let mut ring = started(at(0));
    let due = ring.due().unwrap();
    assert!(ring.wake(due));
    ring.fetched(due, set(), None, 0.5);
    assert_eq!(ring.decide_refresh(due.plus_millis(1)), RefreshDecision::Fetch);
}

#[test]
fn h26_through_a_flood_a_rotation_is_looked_up_within_one_cool_down() {
    let mut ring = started(at(0));
    let mut fetches = Vec::new();
    for now in (1_000..121_000).step_by(10).map(at) {
        if ring.decide_refresh(now) == RefreshDecision::Fetch {
            fetches.push(at(0).millis_until(now));
            ring.fetched(now, set(), None, 0.5);
        }
    }
    assert_eq!(fetches, [1_000, 31_000, 61_000, 91_000]);
}

#[test]
fn h29_h30_h32_a_failed_refresh_cools_down_too_and_keeps_the_keys() {
    let mut ring = started(at(0));
    assert_eq!(ring.decide_refresh(at(1_000)), RefreshDecision::Fetch);
    ring.failed(at(6_000), None, 0.5);
    assert!(ring.keys(at(6_000)).is_some());
    assert_eq!(ring.decide_refresh(at(6_001)), RefreshDecision::NotNow);
    assert_eq!(ring.decide_refresh(at(31_000)), RefreshDecision::Fetch);
    // In the pause after many failures, a flood asks for one attempt a cool-down, and finds an issuer that is back.
    for _ in 0..12 {
        ring.failed(at(40_000), None, 1.0);
        assert!(ring.wake(ring.due().unwrap()));
    }
    ring.failed(at(40_000), None, 1.0);
    assert_eq!(pause(&ring, at(40_000)), 5 * MINUTE);
    assert_eq!(ring.decide_refresh(at(69_999)), RefreshDecision::NotNow);
    assert_eq!(ring.decide_refresh(at(70_000)), RefreshDecision::Fetch);
    // Unless the issuer asks for more time.
    ring.failed(at(70_000), Some(90_000), 0.0);
    assert_eq!(ring.decide_refresh(at(159_999)), RefreshDecision::NotNow);
    assert_eq!(ring.decide_refresh(at(160_000)), RefreshDecision::Fetch);
}

#[test]
fn h35_a_failed_start_is_retried_with_growing_bounded_pauses() {
    let mut ring = KeyRing::new(KeyRingPolicy::default());
    assert_eq!(ring.decide_refresh(at(0)), RefreshDecision::Fetch);
    let mut pauses = Vec::new();
    for _ in 0..12 {
        ring.failed(at(0), None, 1.0);
        pauses.push(pause(&ring, at(0)));
        assert_eq!(ring.decide_refresh(at(0)), RefreshDecision::Wait);
        assert!(ring.wake(ring.due().unwrap()));
    }
    assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000]);
    assert_eq!(pauses[11], 5 * MINUTE);
    ring.failed(at(0), None, 0.0);
    assert_eq!(pause(&ring, at(0)), 500);
}

#[test]
fn h12_whoever_is_in_a_hurry_waits_for_the_shortest_pause_and_no_other() {
    let mut ring = KeyRing::new(KeyRingPolicy::default());
    assert_eq!(ring.decide_refresh(at(0)), RefreshDecision::Fetch);
    let mut attempts = 0;
    // An application that asks with each of its requests, one a millisecond, of an issuer that wants to be left alone.
    for now in 0..10_000 {
        if ring.is_fetching() {
            ring.failed(at(now), Some(60_000), 1.0);
        }
        ring.hurry(at(now));
        attempts += u32::from(ring.wake(at(now)));
    }
    assert_eq!(attempts, 19);
    ring.failed(at(10_000), Some(60_000), 1.0);
    ring.hurry(at(12_000));
    assert!(ring.wake(at(12_000)), "it was left alone for long enough");
    ring.fetched(at(12_010), set(), None, 0.5);
    assert!(ring.keys(at(12_010)).is_some());
}

#[test]
fn keys_that_were_carried_serve_as_if_fetched_then_and_no_longer_than_they_may() {
    let carried = |elapsed: u64, age: u64| {
        let mut ring = KeyRing::new(KeyRingPolicy { outage_millis: None, ..KeyRingPolicy::default() });
        let keys = CarriedKeys { keys: set(), elapsed_millis: elapsed, age_millis: age, most_millis: HOUR };
        ring.carry(at(7), keys, 0.0).then_some(ring)
    };
    let ring = carried(MINUTE, 10 * MINUTE).unwrap();
    assert_eq!(ring.fresh_until(), Some(at(7 + 9 * MINUTE)));
    assert_eq!(ring.due(), Some(at(7 + 7 * MINUTE)));
    assert_eq!(ring.serve_until(), Some(at(7 + 59 * MINUTE)));
    let mut late = KeyRing::new(KeyRingPolicy::default());
    let keys = CarriedKeys { keys: set(), elapsed_millis: MINUTE, age_millis: HOUR, most_millis: HOUR };
    assert!(late.carry(at(7), keys, 1.0));
    assert_eq!(late.due(), late.fresh_until());
    // Beyond their age they serve, and the issuer is asked at once.
    let mut ring = carried(20 * MINUTE, 10 * MINUTE).unwrap();
    assert_eq!(ring.freshness(at(8)), Freshness::Stale);
    assert!(ring.wake(at(8)));
    ring.failed(at(9), None, 0.0);
    assert!(ring.keys(at(7 + 40 * MINUTE)).is_some());
    assert_eq!(ring.freshness(at(8 + 40 * MINUTE)), Freshness::Expired);
    // A good fetch ends what was carried.
    ring.fetched(at(10), set(), None, 0.5);
    assert_eq!(ring.serve_until(), None);
    // An age that somebody wrote is kept within bounds, and within what they may serve.
    assert_eq!(carried(0, u64::MAX).unwrap().fresh_until(), Some(at(7 + HOUR)));
    assert_eq!(carried(0, 0).unwrap().fresh_until(), Some(at(7 + MINUTE)));
    assert!(carried(HOUR - 1, MINUTE).is_some());
    assert!(carried(HOUR, 10 * HOUR).is_none());
    let mut fetching = KeyRing::new(KeyRingPolicy::default());
    fetching.decide_refresh(at(0));
    let keys = CarriedKeys { keys: set(), elapsed_millis: 0, age_millis: HOUR, most_millis: HOUR };
    assert!(!fetching.carry(at(1), keys.clone(), 0.0));
    fetching.fetched(at(1), set(), None, 0.5);
    assert!(!fetching.carry(at(2), keys, 0.0));
}

#[test]
fn h12_retry_after_is_kept_within_bounds() {
    let mut ring = started(at(0));
    ring.failed(at(0), Some(90_000), 0.0);
    assert_eq!(pause(&ring, at(0)), 90_000);
    ring.failed(at(0), Some(u64::MAX), 0.0);
    assert_eq!(pause(&ring, at(0)), 5 * MINUTE);
}

#[test]
fn h36_the_age_is_the_issuers_within_bounds_and_the_refresh_comes_before_it() {
    for (lifetime, age) in [
        (None, 10 * MINUTE),
        (Some(0), MINUTE),
        (Some(2 * HOUR), 2 * HOUR),
        (Some(10 * 365 * 24 * HOUR), 24 * HOUR),
    ] {
        for (jitter, part) in [(0.0, 0.8), (1.0, 1.0), (f64::INFINITY, 1.0)] {
            let mut ring = started(at(0));
            ring.fetched(at(0), set(), lifetime, jitter);
            assert_eq!(pause(&ring, at(0)), (age as f64 * part) as u64);
            assert_eq!(ring.freshness(at(age)), Freshness::Fresh);
            assert_eq!(ring.freshness(at(age + 1)), Freshness::Stale);
        }
    }
}

#[test]
fn h20_last_known_good_keys_serve_for_a_bounded_time() {
    let mut ring = started(at(0));
    ring.failed(at(10 * MINUTE), None, 0.5);
    let end = 10 * MINUTE + 12 * HOUR;
    assert_eq!(ring.serve_until(), Some(at(end)));
    assert!(ring.keys(at(end)).is_some());
    assert!(ring.keys(at(end + 1)).is_none());
    assert_eq!(ring.freshness(at(end + 1)), Freshness::Expired);
    // Then a request waits for the next attempt, as at the start; and the issuer's return mends all.
    assert_eq!(ring.decide_refresh(at(end + 1)), RefreshDecision::Fetch);
    ring.fetched(at(end + 2), set(), None, 0.5);
    assert_eq!(ring.freshness(at(end + 2)), Freshness::Fresh);
}

#[test]
fn a_kid_that_a_refresh_has_not_found_is_unknown_for_one_cool_down() {
    let mut ring = started(at(0));
    assert_eq!(ring.decide_refresh(at(1)), RefreshDecision::Fetch);
    ring.fetched(at(2), set(), None, 0.5);
    let number = ring.number(at(2));
    ring.remember_unknown("x", at(2));
    ring.remember_unknown("x", at(20_000));
    for (kid, other_set, now, in_vain) in [
        ("x", true, 3, true),
        ("y", true, 3, false),
        ("y", false, 3, true),
        ("x", true, 30_001, true),
        ("x", true, 30_002, false),
    ] {
        let key_set = number.filter(|_| !other_set);
        assert_eq!(ring.is_in_vain(key_set, Some(kid), at(now)), in_vain, "{kid} {other_set} {now}");
    }
    assert!(!ring.is_in_vain(None, None, at(3)));
}

#[test]
fn unknown_kids_have_a_bound_and_the_oldest_goes() {
    let mut ring = started(at(0));
    for number in 0..=MAX_UNKNOWN {
        ring.remember_unknown(&number.to_string(), at(1));
    }
    assert_eq!(ring.unknown.counts(), (MAX_UNKNOWN, MAX_UNKNOWN));
    assert!(!ring.is_in_vain(None, Some("0"), at(1)));
    assert!(ring.is_in_vain(None, Some("1"), at(1)));
}

#[test]
fn h20_without_a_bound_they_serve_for_ever() {
    let policy = KeyRingPolicy { outage_millis: None, ..KeyRingPolicy::DEFAULT };
    let mut ring = KeyRing::new(policy);
    ring.fetched(at(0), set(), None, 0.5);
    assert_eq!(ring.freshness(at(u64::MAX)), Freshness::Stale);
    assert!(ring.keys(at(u64::MAX)).is_some());
}
