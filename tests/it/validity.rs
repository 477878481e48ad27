//! `Validity` says in advance what `NumericDate` says at each point of time, so that a remembered token is judged as a
//! new one would be (requirements Q02, Q06).

use oidc_spa_native::access_token::Profile;
use oidc_spa_native::time::{Leeway, NumericDate, UnixTime, Validity};

use crate::issuer::{Jwt, NOW, PROFILES, Setup, Verdict};

const DATES: [f64; 15] = [
    -1e300,
    -9_007_199_254_740_993.0,
    -301.5,
    -1.0,
    -0.5,
    0.0,
    0.25,
    1.0,
    1.000_001,
    99.999,
    100.0,
    300.5,
    253_402_300_799.0,
    9_007_199_254_740_993.0,
    1e300,
];

fn leeway(secs: u16) -> Leeway {
    Leeway::from_secs(secs).unwrap()
}

fn date(number: f64) -> Option<NumericDate> {
    Some(NumericDate::from_json(number).unwrap())
}

/// The seconds at and around which an answer could change.
fn times() -> impl Iterator<Item = UnixTime> {
    let extremes = [i64::MIN / 2, -(1 << 54), 253_402_300_799, 1 << 54, i64::MAX / 2];
    let around = DATES.into_iter().filter(|date| date.abs() < 1e12).map(|date| date as i64);
    let edges = around.flat_map(|at| [0, 1, 3, 300].into_iter().flat_map(move |by| [at - by, at + by]));
    let edges = edges.flat_map(|at| [at - 1, at, at + 1]);
    edges.chain(extremes).map(UnixTime::from_secs)
}

#[test]
fn q02_q06_a_span_contains_the_very_seconds_at_which_the_dates_let_pass() {
    let mut decided = [0_u32; 2];
    for (first, last) in DATES.into_iter().flat_map(|first| DATES.map(|last| (first, last))) {
        for secs in [0, 1, 3, 300] {
            let (begin, end) = (date(first), date(last));
            let span = Validity::ALWAYS.since(begin, leeway(secs)).before(end, leeway(secs));
            for now in times() {
                let passes = !begin.unwrap().is_after(now, leeway(secs))
                    && end.unwrap().is_still_ahead(now, leeway(secs));
                assert_eq!(span.contains(now), passes, "{first} {last} {secs} {now:?} {span:?}");
                decided[usize::from(passes)] += 1;
            }
        }
    }
    assert!(decided.iter().all(|count| *count > 10_000), "{decided:?}");
}

#[test]
fn a_span_only_ever_shrinks() {
    let span = Validity::ALWAYS.since(date(10.0), Leeway::NONE).before(date(20.0), Leeway::NONE);
    for wider in [
        span.since(date(5.0), Leeway::NONE),
        span.before(date(25.0), Leeway::NONE),
        span.since(None, leeway(300)),
        span.before(None, leeway(300)),
    ] {
        assert_eq!(wider, span);
    }
    let narrower = span.since(date(12.0), Leeway::NONE).before(date(18.0), Leeway::NONE);
    assert_eq!((narrower.from().secs(), narrower.until().secs()), (12, 18));
    let empty = span.since(date(30.0), Leeway::NONE);
    assert!(times().chain((0..40).map(UnixTime::from_secs)).all(|now| !empty.contains(now)), "{empty:?}");
}

/// When a granted token says that it would be granted again.
fn repeatable(setup: &Setup, token: &Jwt) -> Validity {
    let Verdict::Granted(grant) = setup.bearer(&token.clone().sign()) else { panic!("a good token") };
    grant.repeatable().unwrap().validity
}

#[test]
fn q02_q06_a_grants_span_is_that_of_its_claims_in_every_profile() {
    for profile in PROFILES {
        for secs in [0, 60] {
            let setup = || Setup::new(profile).leeway(secs);
            // `iat` counts too, but in the drop-in.
            let from_iat = if profile == Profile::OidcSpa { i64::MIN } else { NOW - 10 - 60 };
            for (token, from) in [
                (Jwt::t0(), from_iat),
                (Jwt::t0().claim("nbf", &format!("{}.5", NOW - 5)), NOW - 4 - i64::from(secs)),
                (Jwt::t0().claim("nbf", &(NOW - 5).to_string()), NOW - 5 - i64::from(secs)),
            ] {
                let token = token.claim("exp", &format!("{}.5", NOW + 9));
                let span = repeatable(&setup(), &token);
                let expected = (from.max(from_iat), NOW + 10 + i64::from(secs));
                assert_eq!((span.from().secs(), span.until().secs()), expected, "{profile:?} {secs}");
                // The corridor itself agrees at the edges.
                for (at, name) in [
                    (span.until().secs() - 1, "granted"),
                    (span.until().secs(), "token_expired"),
                    (span.from().secs().max(0), "granted"),
                ] {
                    assert_eq!(setup().at(at).bearer(&token.clone().sign()).name(), name, "{profile:?} {at}");
                }
                if span.from().secs() > 0 {
                    let before = setup().at(span.from().secs() - 1).bearer(&token.clone().sign());
                    assert_eq!(before.name(), "token_not_yet_valid", "{profile:?} {secs}");
                }
            }
        }
    }
}
