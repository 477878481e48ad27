//! Keys for a cold start: writes the fetched keys as one text, and reads this text.
//!
//! In: fetched key sets; the text of another process, and the time.
//! Out: JSON text without a secret; the keys that may still be used, and why others may not.
//! Never: a key of another issuer or another URL; an error, since without a snapshot the keys are fetched.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oidc_spa_native::crypto::{SecretMap, sha256};
use oidc_spa_native::jose::json::{Object, Value};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::keys::key_ring::CarriedKeys;
use oidc_spa_native::rejection::Shown;
use serde_json::json;

use crate::plan::FetchPlan;

/// The version of the text. Another one is not read.
const VERSION: u32 = 1;

/// How far the clock of the other process may be ahead of this clock.
const CLOCK_LEEWAY: Duration = Duration::from_secs(60);

/// A key set as it was fetched.
#[derive(Clone, Debug)]
pub(crate) struct FetchedSet {
    /// Its issuer and URLs: [`place_of`] its plan.
    pub place: String,
    /// For people.
    pub issuer_uri: String,
    pub document: Arc<str>,
    pub fetched_at: SystemTime,
    pub fresh_until: SystemTime,
}

/// Key sets of another process, by issuer and URLs.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(SecretMap<String, FetchedSet>);

/// The name of a key set: a digest of the issuer and the configured URLs. It is a digest because URLs may hold secrets.
pub(crate) fn place_of(plan: &FetchPlan) -> String {
    let named = json!([plan.issuer.as_str(), plan.jwk_set_urls]);
    sha256(named.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text that carries these sets.
pub(crate) fn to_json(sets: impl Iterator<Item = FetchedSet>) -> String {
    let sets = sets.map(|set| {
        json!({
            "issuerUri": set.issuer_uri,
            "place": set.place,
            "fetchedAt": millis(set.fetched_at),
            "freshUntil": millis(set.fresh_until),
            "jwkSet": &*set.document,
        })
    });
    json!({ "version": VERSION, "sets": sets.collect::<Vec<_>>() }).to_string()
}

/// The warning for a snapshot that is not used, or for a part of it.
pub(crate) fn unused_snapshot(why: &str) -> String {
    format!("keysSnapshot is not used, and keys are fetched instead: {why}")
}

impl Snapshot {
    /// Reads the text of another process, or says why it cannot be read.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let object = Object::parse(text.as_bytes()).map_err(|error| format!("it is {error}"))?;
        match object.get("version").and_then(Value::as_number) {
            Some(version) if version == f64::from(VERSION) => {}
            Some(version) => return Err(format!("its version is {version}, and {VERSION} is read")),
            None => return Err("it has no version".into()),
        }
        let sets = object.get("sets").and_then(Value::as_array).ok_or("it has no list of sets")?;
        let read = sets.iter().map(|set| set.as_object().and_then(FetchedSet::read));
        let read: Option<Vec<FetchedSet>> = read.collect();
        let sets = read.ok_or("one of its sets is not as this library writes it")?;
        Ok(Self(sets.into_iter().map(|set| (set.place.clone(), set)).collect()))
    }

    /// The keys for this plan, with their document and its time of fetch; `None` if there are none; or why they may not
    /// be used.
    pub(crate) fn keys_for(
        &self,
        plan: &FetchPlan,
        most: Duration,
        now: SystemTime,
    ) -> Option<Result<(CarriedKeys, FetchedSet), String>> {
        let set = self.0.get(&place_of(plan))?;
        let keys = set.keys(plan.limits.jwk_set_bytes, most, now);
        let named = |why| format!("the keys of {} {why}", Shown(plan.issuer.as_str()));
        Some(keys.map(|keys| (keys, set.clone())).map_err(named))
    }
}

impl FetchedSet {
    fn read(object: &Object<'_>) -> Option<Self> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let time = |name: &str| {
            let millis = object.get(name).and_then(Value::as_number)?;
            // Up to the year 9999, so that no sum of times overflows.
            let is_time = millis.fract() == 0.0 && (0.0..253_402_300_800_000.0).contains(&millis);
            is_time.then(|| UNIX_EPOCH + Duration::from_millis(millis as u64))
        };
        Some(Self {
            place: text("place")?.to_owned(),
            issuer_uri: text("issuerUri")?.to_owned(),
            document: Arc::from(text("jwkSet")?),
            fetched_at: time("fetchedAt")?,
            fresh_until: time("freshUntil")?,
        })
    }

    /// The keys if they may still be used; otherwise the reason why not.
    fn keys(&self, max_bytes: usize, most: Duration, now: SystemTime) -> Result<CarriedKeys, String> {
        let elapsed = now.duration_since(self.fetched_at).unwrap_or_default();
        if self.fetched_at.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_LEEWAY) {
            return Err("were fetched at a time that is still to come by this clock".into());
        }
        if elapsed >= most {
            let (elapsed, most) = (elapsed.as_secs(), most.as_secs());
            return Err(format!("were fetched {elapsed} s ago; keysSnapshotMaxAgeSeconds is {most}"));
        }
        if self.document.len() > max_bytes {
            return Err(format!("are longer than {max_bytes} bytes (limits.jwkSetBytes)"));
        }
        let keys =
            JwkSet::parse(self.document.as_bytes()).map_err(|error| format!("cannot be used: {error}"))?;
        Ok(CarriedKeys {
            keys: Arc::new(keys),
            elapsed_millis: whole_millis(elapsed),
            age_millis: whole_millis(self.fresh_until.duration_since(self.fetched_at).unwrap_or_default()),
            most_millis: whole_millis(most),
        })
    }
}

fn millis(time: SystemTime) -> u64 {
    whole_millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use oidc_spa_native::keys::issuer::Issuer;

    use super::*;
    use crate::network_options::NetworkOptions;
    use crate::plan::FetchLimits;

    const DOCUMENT: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const MOST: Duration = Duration::from_secs(1000);

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    fn plan(jwk_set_bytes: usize) -> FetchPlan {
        FetchPlan {
            issuer: Issuer::parse("https://as.example").unwrap(),
            jwk_set_urls: None,
            limits: FetchLimits { metadata_bytes: 1024, jwk_set_bytes },
            network: NetworkOptions::default(),
        }
    }

    /// Fetched at 1,000,000 s, fresh for 600 s.
    fn set() -> FetchedSet {
        FetchedSet {
            place: place_of(&plan(1024)),
            issuer_uri: "https://as.example".into(),
            document: DOCUMENT.into(),
            fetched_at: at(1_000_000_000),
            fresh_until: at(1_000_600_000),
        }
    }

    #[test]
    fn keys_are_carried_with_their_age_and_not_beyond_it() {
        let text = to_json([set()].into_iter());
        let carried = |now, bytes| {
            let (keys, _) = Snapshot::parse(&text).unwrap().keys_for(&plan(bytes), MOST, at(now)).unwrap()?;
            Ok::<_, String>((keys.elapsed_millis, keys.age_millis, keys.most_millis))
        };
        assert_eq!(carried(1_000_000_000, 1024), Ok((0, 600_000, 1_000_000)));
        assert_eq!(carried(1_000_999_999, DOCUMENT.len()), Ok((999_999, 600_000, 1_000_000)));
        assert!(carried(1_001_000_000, 1024).unwrap_err().contains("were fetched 1000 s ago"));
        assert!(carried(1_000_000_000, DOCUMENT.len() - 1).unwrap_err().contains("are longer than"));
        let behind = 1_000_000_000 - whole_millis(CLOCK_LEEWAY);
        assert_eq!(carried(behind, 1024), Ok((0, 600_000, 1_000_000)));
        assert!(carried(behind - 1, 1024).unwrap_err().contains("still to come"));
    }

    #[test]
    fn keys_of_another_place_are_not_taken() {
        let snapshot = Snapshot::parse(&to_json([set()].into_iter())).unwrap();
        let elsewhere =
            FetchPlan { jwk_set_urls: Some(vec!["https://as.example/other".into()]), ..plan(1024) };
        assert!(snapshot.keys_for(&elsewhere, MOST, at(1_000_000_000)).is_none());
    }

    #[test]
    fn a_text_that_this_library_does_not_write_so_is_not_read() {
        let good = to_json([set()].into_iter());
        assert!(Snapshot::parse(&good).is_ok());
        for (from, to) in [
            (format!("\"version\":{VERSION}"), "\"version\":0".to_owned()),
            (format!("\"version\":{VERSION}"), "\"other\":1".to_owned()),
            ("1000000000".to_owned(), "1000000000.5".to_owned()),
            ("1000000000".to_owned(), "-1".to_owned()),
            ("1000000000".to_owned(), "253402300800000".to_owned()),
        ] {
            assert!(good.contains(&from), "{good}");
            assert!(Snapshot::parse(&good.replace(&from, &to)).is_err(), "{to}");
        }
    }
}
