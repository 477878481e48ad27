//! The key ring under long random scripts: whatever happens, what it promises holds (requirements H20, H26 to H30, H33, H35,
//! H36).
//!
//! The scripts play the host, which carries out what the ring says, an issuer of good and bad times, and requests that
//! come one by one or in floods. They are the same at each run; a failure names its seed.

use std::sync::Arc;

use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::{Freshness, KeyRing, KeyRingPolicy, RefreshDecision};
use oidc_spa_native::time::Monotonic;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const SCRIPTS: u64 = 300;
const STEPS: usize = 2_000;

/// Random numbers that are the same at each run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn unit(&mut self) -> f64 {
        self.below(1_000_001) as f64 / 1e6
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Why a fetch was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// A request asked, and there were no keys.
    Cold,
    /// A request asked for other keys than there were.
    RefreshDecision,
    /// The age of the keys.
    Schedule,
    /// The pause after a failure was over.
    Retry,
}

/// A fetch under way.
struct Fetch {
    ends: u64,
    succeeds: bool,
}

/// A ring, and all that is around it.
struct World {
    seed: u64,
    random: Random,
    policy: KeyRingPolicy,
    ring: KeyRing,
    now: u64,
    is_good: bool,
    fetch: Option<Fetch>,
    begun: Vec<(u64, Cause)>,
    /// When the keys were last fetched, and how long they were fresh.
    good: Option<(u64, u64)>,
    /// When an attempt last failed, and how long it must be left alone at least.
    failed: Option<(u64, u64)>,
    set: Arc<JwkSet>,
}

fn set() -> Arc<JwkSet> {
    let jwk = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    Arc::new(JwkSet::parse(jwk.as_bytes()).unwrap())
}

const fn at(millis: u64) -> Monotonic {
    Monotonic::from_millis(millis)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let policy = KeyRingPolicy {
            cooldown_millis: random.of(&[SECOND, 5 * SECOND, 30 * SECOND, 10 * MINUTE]),
            age_millis: random.of(&[MINUTE, 10 * MINUTE, HOUR]),
            outage_millis: random.of(&[Some(0), Some(5 * MINUTE), Some(12 * HOUR), None]),
            ..KeyRingPolicy::DEFAULT
        };
        let ring = KeyRing::new(policy);
        let is_good = random.one_in(2);
        let (fetch, begun, good, failed) = (None, Vec::new(), None, None);
        Self { seed, random, policy, ring, now: 0, is_good, fetch, begun, good, failed, set: set() }
    }

    /// Time passes: never beyond what the host would have had to attend to, unless it is late.
    fn pass(&mut self) {
        let due = self.ring.due().map(|due| at(0).millis_until(due));
        let attention = [self.fetch.as_ref().map(|fetch| fetch.ends), due].into_iter().flatten().min();
        let choices = [0, 1, 10, 500, SECOND, 10 * SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR];
        let leap = self.random.of(&choices);
        self.now = match attention {
            Some(attention) if self.random.one_in(2) => attention.max(self.now),
            Some(attention) => (self.now + leap).min(attention.max(self.now)),
            None => self.now + leap,
        };
    }

    /// What the host does whenever it is woken.
    fn attend(&mut self) {
        if self.fetch.as_ref().is_some_and(|fetch| fetch.ends <= self.now) {
            self.end_fetch();
        }
        let due = self.ring.due();
        let cause = if self.ring.failures() > 0 { Cause::Retry } else { Cause::Schedule };
        if self.ring.wake(at(self.now)) {
            assert!(due.is_some_and(|due| due <= at(self.now)), "seed {}: woken before its time", self.seed);
            self.begin_fetch(cause);
        } else if self.fetch.is_none() {
            assert!(due.is_none_or(|due| due > at(self.now)), "seed {}: due, and nothing is done", self.seed);
        }
    }

    fn begin_fetch(&mut self, cause: Cause) {
        assert!(self.fetch.is_none(), "seed {}: a second fetch beside the first", self.seed);
        assert!(self.ring.is_fetching());
        let ends = self.now + self.random.of(&[0, 1, 50, 5 * SECOND]);
        // The last moments of a good time may bring a failure, and the other way round.
        let succeeds = if self.random.one_in(20) { !self.is_good } else { self.is_good };
        self.fetch = Some(Fetch { ends, succeeds });
        self.begun.push((self.now, cause));
    }

    fn end_fetch(&mut self) {
        let Some(fetch) = self.fetch.take() else { return };
        let (now, jitter) = (at(self.now), self.random.unit());
        if fetch.succeeds {
            let lifetime = self.random.of(&[None, None, Some(0), Some(5 * MINUTE), Some(u64::MAX)]);
            let (least, most) = self.policy.age_bounds_millis;
            let age = lifetime.map_or(self.policy.age_millis, |lifetime| lifetime.clamp(least, most));
            self.ring.fetched(now, Arc::clone(&self.set), lifetime, jitter);
            (self.good, self.failed) = (Some((self.now, age)), None);
            let ahead = self.ring.due().map(|due| now.millis_until(due)).unwrap();
            assert!((age * 8 / 10..=age).contains(&ahead), "seed {}: {ahead} of {age}", self.seed);
        } else {
            let asked = self.random.of(&[None, None, None, Some(0), Some(20 * SECOND), Some(u64::MAX)]);
            self.ring.failed(now, asked, jitter);
            let (least, most) = self.policy.retry_millis;
            let pause = self.ring.due().map(|due| now.millis_until(due)).unwrap();
            let alone = asked.unwrap_or(0).min(most).max(least / 2);
            assert!((alone..=most).contains(&pause), "seed {}: a pause of {pause} ms", self.seed);
            self.failed = Some((self.now, alone));
        }
    }

    /// A request, or a flood of them, that the keys at hand do not help.
    fn decision(&mut self) {
        let requests = self.random.of(&[1, 1, 2, 50]);
        for _ in 0..requests {
            let now = at(self.now);
            let has_keys = self.ring.keys(now).is_some();
            let is_held_back = self.ring.is_held_back(now);
            let mut begun = self.begun.iter().rev();
            let demanded = begun.find(|(_, cause)| *cause == Cause::RefreshDecision).map(|(at, _)| *at);
            let cooled_down = demanded.is_none_or(|at| self.now >= at + self.policy.cooldown_millis);
            let is_free = self.fetch.is_none() && self.failed.is_none();
            let decision = self.ring.decide_refresh(now);
            assert_eq!(decision == RefreshDecision::NotNow, is_held_back, "seed {}", self.seed);
            if is_free && (cooled_down || !has_keys) {
                assert_eq!(
                    decision,
                    RefreshDecision::Fetch,
                    "seed {}: a rotation is not followed",
                    self.seed
                );
            }
            match decision {
                RefreshDecision::Fetch => {
                    self.begin_fetch(if has_keys { Cause::RefreshDecision } else { Cause::Cold })
                }
                // Who waits waits for something.
                RefreshDecision::Wait => {
                    assert!(self.fetch.is_some() || self.ring.due().is_some_and(|due| now < due))
                }
                RefreshDecision::NotNow => {
                    assert!(has_keys, "seed {}: without keys it is 503 and not 401", self.seed);
                    assert!(self.fetch.is_none());
                }
            }
        }
    }

    /// The keys serve from the first good fetch until the outage has lasted too long, and no longer.
    fn check_keys(&self) {
        let now = at(self.now);
        let serve = match (self.good, self.policy.outage_millis) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some((fetched, age)), Some(outage)) => self.now <= fetched + age + outage,
        };
        assert_eq!(self.ring.keys(now).is_some(), serve, "seed {} at {}", self.seed, self.now);
        let freshness = match self.good {
            None => Freshness::None,
            Some((fetched, age)) if self.now <= fetched + age => Freshness::Fresh,
            Some(_) if serve => Freshness::Stale,
            Some(_) => Freshness::Expired,
        };
        assert_eq!(self.ring.freshness(now), freshness, "seed {} at {}", self.seed, self.now);
        assert_eq!(self.ring.is_fetching(), self.fetch.is_some(), "seed {}", self.seed);
        // Once there has been a fetch, there is always a next one.
        let is_attended = self.begun.is_empty() || self.fetch.is_some() || self.ring.due().is_some();
        assert!(is_attended, "seed {}: nobody will ever fetch again", self.seed);
    }

    /// Between two refreshes that requests asked for lies a cool-down, whatever happened between them.
    fn check_begun(&self) {
        let demanded = self.begun.iter().filter(|(_, cause)| *cause == Cause::RefreshDecision);
        let times: Vec<u64> = demanded.map(|(at, _)| *at).collect();
        for pair in times.windows(2) {
            assert!(pair[1] - pair[0] >= self.policy.cooldown_millis, "seed {}: {pair:?}", self.seed);
        }
    }
}

#[test]
fn h26_to_h30_h33_whatever_happens_the_promises_hold() {
    let mut causes = [0_usize; 4];
    for seed in 0..SCRIPTS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.pass();
            if world.random.one_in(40) {
                world.is_good = !world.is_good;
            }
            if world.random.one_in(50) {
                // The application asks for an attempt, whatever the issuer asked for: half a second is what is left of that.
                world.ring.hurry(at(world.now));
                let shortest = world.policy.retry_millis.0 / 2;
                let alone = world.failed.filter(|(at, _)| world.now < at + shortest);
                world.failed = alone.map(|(at, _)| (at, shortest));
            }
            world.attend();
            if world.random.one_in(3) {
                let (before, failed) = (world.begun.len(), world.failed);
                world.decision();
                // Whoever failed is left alone for as long as it asked, or for half a second.
                if let (Some((at, alone)), true) = (failed, world.begun.len() > before) {
                    assert!(world.now >= at + alone, "seed {seed}");
                }
            }
            world.check_keys();
        }
        world.check_begun();
        for (_, cause) in &world.begun {
            causes[*cause as usize] += 1;
        }
    }
    // Scripts in which nothing happens would prove nothing.
    assert!(causes.iter().all(|times| *times >= SCRIPTS as usize), "{causes:?}");
}

#[test]
fn h29_h30_through_a_long_outage_a_flood_asks_once_a_cool_down() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut ring = KeyRing::new(KeyRingPolicy::DEFAULT);
        if random.one_in(2) {
            ring.fetched(at(0), set(), None, random.unit());
        }
        let mut attempts = [0_u32; 24];
        for now in (0..24 * HOUR).step_by(250) {
            let (now, hour) = (at(now), (now / HOUR) as usize);
            // A request each time, and the host whenever it is due.
            if ring.decide_refresh(now) == RefreshDecision::Fetch || ring.wake(now) {
                attempts[hour] += 1;
                ring.failed(now, None, random.unit());
            }
        }
        // One a cool-down, or after a shorter pause now and then. The first hour has the short pauses besides.
        assert!(attempts[0] <= 150, "seed {seed}: {attempts:?}");
        assert!(attempts[1..].iter().all(|times| (110..=140).contains(times)), "seed {seed}: {attempts:?}");
    }
}

#[test]
fn h35_from_any_state_the_issuers_return_is_noticed_within_the_longest_pause() {
    let (_, longest) = KeyRingPolicy::DEFAULT.retry_millis;
    for seed in 0..SCRIPTS {
        let mut world = World::new(seed);
        world.decision();
        for _ in 0..STEPS / 10 {
            world.pass();
            world.attend();
            if world.random.one_in(3) {
                world.decision();
            }
        }
        // From here on nobody asks, and the issuer is up.
        world.is_good = true;
        if let Some(fetch) = &mut world.fetch {
            world.now = world.now.max(fetch.ends);
            fetch.succeeds = false;
            world.end_fetch();
        }
        let returned = world.now;
        if world.failed.is_none() {
            continue;
        }
        let due = at(0).millis_until(world.ring.due().unwrap());
        world.now = due.max(returned);
        assert!(world.now - returned <= longest, "seed {seed}");
        assert!(world.ring.wake(at(world.now)), "seed {seed}");
        world.ring.fetched(at(world.now), set(), None, 0.5);
        assert_eq!(world.ring.freshness(at(world.now)), Freshness::Fresh);
    }
}
