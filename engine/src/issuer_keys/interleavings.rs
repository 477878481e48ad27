//! One issuer's keys in every order in which two or three threads may use them.
//!
//! In: requests for newer keys at once, beside the end of a fetch; the last place to wait at.
//! Out: what each is told, and the keys that are published.
//! Never: a fetch, a clock.

use std::time::SystemTime;

use loom::model::Builder;
use loom::thread;
use oidc_spa_native::keys::issuer::Issuer;

use crate::network_options::NetworkOptions;
use crate::plan::FetchLimits;

use super::*;

const NOW: Monotonic = Monotonic::from_millis(1_000_000);

fn at() -> Moment {
    Moment { steady: NOW, wall: SystemTime::UNIX_EPOCH }
}

fn keys() -> Arc<IssuerKeys> {
    let plan = FetchPlan {
        issuer: Issuer::parse("http://127.0.0.1:9").unwrap(),
        jwk_set_urls: None,
        limits: FetchLimits { metadata_bytes: 1024, jwk_set_bytes: 1024 },
        network: NetworkOptions::default(),
    };
    Arc::new(IssuerKeys::new(plan, KeyRingPolicy::default()))
}

fn fetched() -> FetchedKeys {
    let text =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let set = JwkSet::parse(text.as_bytes()).unwrap();
    FetchedKeys { keys: Some((set, text.into())), lifetime_millis: None, clock_skew_secs: None }
}

fn refresh(keys: &IssuerKeys, key_set: Option<u64>) -> Refresh {
    keys.refresh(key_set, NOW, NOW)
}

/// Every order with up to two changes of threads where none must wait.
fn model(test: impl Fn() + Sync + Send + 'static) {
    let mut orders = Builder::new();
    orders.preemption_bound = Some(2);
    orders.max_branches = 10_000;
    orders.check(test);
}

#[test]
fn of_requests_at_once_one_begins_the_fetch() {
    model(|| {
        let keys = keys();
        let ask = || {
            let keys = Arc::clone(&keys);
            thread::spawn(move || refresh(&keys, None))
        };
        let others = [ask(), ask()];
        let mut told = vec![refresh(&keys, None)];
        told.extend(others.map(|other| other.join().unwrap()));
        assert_eq!(told.iter().filter(|told| **told == Refresh::Begin).count(), 1, "{told:?}");
        assert_eq!(told.iter().filter(|told| **told == Refresh::UnderWay).count(), 2, "{told:?}");
    });
}

#[test]
fn a_request_beside_the_end_of_a_fetch_begins_no_second_one_and_reads_whole_keys() {
    model(|| {
        let keys = keys();
        assert_eq!(refresh(&keys, None), Refresh::Begin);
        let settled = Arc::clone(&keys);
        let fetch = thread::spawn(move || settled.settle(Ok(fetched()), Duration::ZERO, 0.5, at()));
        let told = refresh(&keys, None);
        assert!(matches!(told, Refresh::UnderWay | Refresh::Over(Newer::Ended)), "{told:?}");
        let read = keys.number(NOW);
        // Whoever asks for health meanwhile takes the same locks, and none waits for ever.
        let health = keys.health(at());
        fetch.join().unwrap();
        assert!(read.is_none() || read == keys.number(NOW));
        assert!(health.last_error.is_none());
        assert!(keys.number(NOW).is_some());
    });
}

#[test]
fn what_is_published_last_is_what_the_ring_holds() {
    model(|| {
        let keys = keys();
        assert_eq!(refresh(&keys, None), Refresh::Begin);
        let (one, other) = (Arc::clone(&keys), Arc::clone(&keys));
        let first = thread::spawn(move || one.settle(Ok(fetched()), Duration::ZERO, 0.5, at()));
        let second = thread::spawn(move || other.publish());
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(keys.number(NOW), keys.ring().held().map(|held| held.number()));
    });
}

#[derive(Clone)]
struct Held(Arc<IssuerKeys>);

impl AsRef<IssuerKeys> for Held {
    fn as_ref(&self) -> &IssuerKeys {
        &self.0
    }
}

#[test]
fn the_last_place_to_wait_at_is_given_once() {
    model(|| {
        let keys = keys();
        let place = || Place::take(Held(Arc::clone(&keys)), false);
        let taken: Vec<_> = (1..MAX_WAITING_IN_VAIN).filter_map(|_| place()).collect();
        assert_eq!(taken.len(), MAX_WAITING_IN_VAIN - 1);
        let theirs = Held(Arc::clone(&keys));
        let other = thread::spawn(move || Place::take(theirs, false));
        let own = place();
        let other = other.join().unwrap();
        assert!(own.is_some() != other.is_some(), "one of them");
    });
}
