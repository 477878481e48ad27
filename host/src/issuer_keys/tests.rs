//! Tests of one issuer's keys: what two requests at once do, and which number the keys have.
//!
//! In: fetches that end well or badly.
//! Out: what waits, and the number.
//! Never: the network.

use oidc_spa_native::keys::issuer::Issuer;
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native_engine::events::FetchCounts;
use oidc_spa_native_engine::issuer_keys::{MAX_WAITING, MAX_WAITING_IN_VAIN};
use oidc_spa_native_engine::network_options::NetworkOptions;
use oidc_spa_native_engine::plan::FetchLimits;

use super::*;

fn set() -> JwkSet {
    let jwk = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    JwkSet::parse(jwk.as_bytes()).unwrap()
}

/// Keys that nobody fetches: the port answers nothing, and a fetch would end in an error.
fn unreachable_issuer() -> Arc<IssuerKeys> {
    let plan = FetchPlan {
        issuer: Issuer::parse("http://127.0.0.1:9").unwrap(),
        jwk_set_urls: None,
        limits: FetchLimits { metadata_bytes: 1024, jwk_set_bytes: 1024 },
        network: NetworkOptions::default(),
    };
    Arc::new(IssuerKeys::new(plan, KeyRingPolicy::default(), None))
}

/// A fetch of somebody else's, begun and ended well.
fn fetched_meanwhile(keys: &IssuerKeys) {
    assert_eq!(begun(keys), Refresh::Begin);
    keys.settle(fetched(Some(set())), Duration::from_millis(250));
}

/// A request for newer keys than those of now.
fn begun(keys: &IssuerKeys) -> Refresh {
    let now = steady();
    keys.keys.refresh(keys.keys.number(now), now, now)
}

fn number(keys: &IssuerKeys) -> Option<u64> {
    keys.keys.number(steady())
}

#[tokio::test]
async fn h33_who_judged_without_keys_while_they_came_does_not_fetch_again() {
    let keys = unreachable_issuer();
    fetched_meanwhile(&keys);
    assert_eq!(keys.newer(None, true, steady()).await, Newer::Ended);
    assert_eq!(keys.keys.last_error(), None);
    // The budget for a rotation is unspent.
    assert_eq!(begun(&keys), Refresh::Begin);
}

#[tokio::test]
async fn h23_who_judged_with_old_keys_while_new_ones_came_is_not_refused_by_the_cool_down() {
    let keys = unreachable_issuer();
    fetched_meanwhile(&keys);
    let old = number(&keys);
    fetched_meanwhile(&keys);
    assert!(!keys.keys.is_in_vain(old, None, steady()));
    assert_eq!(keys.newer(old, true, steady()).await, Newer::Ended);
    let new = number(&keys);
    assert!(keys.keys.is_in_vain(new, None, steady()));
    assert_eq!(keys.newer(new, true, steady()).await, Newer::NotNow);
}

fn fetched(keys: Option<JwkSet>) -> Result<FetchedKeys, FetchFailure> {
    let keys = keys.map(|keys| (keys, Arc::from("{}")));
    Ok(FetchedKeys { keys, lifetime_millis: None, clock_skew_secs: None })
}

#[test]
fn q03_the_number_changes_exactly_when_the_keys_do() {
    let keys = unreachable_issuer();
    assert_eq!((number(&keys), keys.has_keys()), (None, false));
    keys.settle(Err(FetchFailure::new("down".into())), Duration::from_millis(250));
    keys.settle(fetched(None), Duration::from_millis(250));
    assert_eq!(number(&keys), None, "no keys, no number");

    keys.settle(fetched(Some(set())), Duration::from_millis(250));
    let (first, first_keys) = (number(&keys).unwrap(), keys.keys.current(steady()).unwrap());
    assert_eq!(first_keys.number(), first);
    // 304, or a failure: the very same keys.
    keys.settle(fetched(None), Duration::from_millis(250));
    keys.settle(Err(FetchFailure::new("down".into())), Duration::from_millis(250));
    assert_eq!(number(&keys), Some(first));
    assert!(Arc::ptr_eq(&keys.keys.current(steady()).unwrap(), &first_keys));

    // Read anew, even if they read the same: whoever verified with the ones before cannot pass for these.
    keys.settle(fetched(Some(set())), Duration::from_millis(250));
    let second = number(&keys).unwrap();
    assert_ne!(second, first);
    assert_eq!(keys.keys.current(steady()).unwrap().number(), second);

    // No number is given twice, to whatever issuer.
    let other = unreachable_issuer();
    other.settle(fetched(Some(set())), Duration::from_millis(250));
    assert!(number(&other).unwrap() > second);
}

#[test]
fn fetches_are_counted_by_what_came_of_them() {
    let keys = unreachable_issuer();
    let counts = |fetches, failures, rotations| {
        let spent = Duration::from_millis(250) * u32::try_from(fetches).unwrap();
        FetchCounts { fetches, failures, rotations, spent }
    };
    assert_eq!(keys.keys.counts(), counts(0, 0, 0));
    keys.settle(Err(FetchFailure::new("down".into())), Duration::from_millis(250));
    keys.settle(fetched(Some(set())), Duration::from_millis(250));
    assert_eq!(keys.keys.counts(), counts(2, 1, 0), "the first keys are no rotation");
    keys.settle(fetched(None), Duration::from_millis(250));
    assert_eq!(keys.keys.counts(), counts(3, 1, 0));
    let other =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}]}"#;
    let other = JwkSet::parse(other.as_bytes()).unwrap();
    keys.settle(fetched(Some(other)), Duration::from_millis(250));
    assert_eq!(keys.keys.counts(), counts(4, 1, 1));
}

#[test]
fn q03_keys_beyond_their_outage_have_no_number() {
    let policy = KeyRingPolicy {
        age_millis: 0,
        age_bounds_millis: (0, 0),
        outage_millis: Some(20),
        ..KeyRingPolicy::default()
    };
    let keys = Arc::new(IssuerKeys::new(unreachable_issuer().keys.plan().clone(), policy, None));
    keys.settle(fetched(Some(set())), Duration::from_millis(250));
    let first = number(&keys);
    assert!(first.is_some());
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(number(&keys), None);
    assert!(!keys.has_keys());
    // With the issuer's return and the answer that nothing has changed, what was remembered stands again.
    keys.settle(fetched(None), Duration::from_millis(250));
    assert_eq!(number(&keys), first);
}

#[tokio::test]
async fn h29_tokens_that_cannot_pass_leave_places_for_those_that_may() {
    let keys = unreachable_issuer();
    // A fetch is under way: whoever comes waits for its end.
    assert_eq!(begun(&keys), Refresh::Begin);
    let in_vain: Vec<_> = std::iter::from_fn(|| Place::take(SharedKeys(Arc::clone(&keys)), false)).collect();
    assert_eq!(in_vain.len(), MAX_WAITING_IN_VAIN);
    assert_eq!(keys.newer(None, false, steady()).await, Newer::Crowded);
    assert_eq!(keys.newer(None, true, steady()).await, Newer::TimedOut, "there is a place to wait at");
    let others: Vec<_> = std::iter::from_fn(|| Place::take(SharedKeys(Arc::clone(&keys)), true)).collect();
    assert_eq!(in_vain.len() + others.len(), MAX_WAITING);
    assert_eq!(keys.newer(None, true, steady()).await, Newer::Crowded);
    drop(others);
    assert_eq!(keys.newer(None, true, steady()).await, Newer::TimedOut);
    drop(in_vain);
    let all: Vec<_> = std::iter::from_fn(|| Place::take(SharedKeys(Arc::clone(&keys)), true)).collect();
    assert_eq!(all.len(), MAX_WAITING, "every place is given back");
}

#[tokio::test]
async fn keys_that_nobody_uses_any_more_are_not_attended_until_somebody_does() {
    let keys = unreachable_issuer();
    fetched_meanwhile(&keys);
    let is_attended = || keys.users.is_attended();
    assert!(!is_attended());
    for _ in 0..2 {
        let (one, other) = (InUse::of(&keys), InUse::of(&keys));
        assert!(is_attended());
        drop(one);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(is_attended(), "another one uses them");
        drop(other);
        while is_attended() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
