//! The memories of a validator for results of good requests: bound tokens, clients' keys. It may forget any of them at
//! any time.
//!
//! In: results of a granted request, with the number of the keys that verified it.
//! Out: the same results, while the issuer has these keys and the size limits allow.
//! Never: an answer about a proof seen before, a token whose issuer has other keys now.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use equivalent::Equivalent;
use moka::Expiry;
use moka::sync::Cache;
use oidc_spa_native::dpop::proof_key::ProofKey;
use oidc_spa_native::memory::{BoundToken, Learned, TokenText, VerifiedToken};
use oidc_spa_native::time::UnixTime;
use oidc_spa_native_engine::memories::Memories;

/// Bytes that the memory of clients' keys may take.
const PROOF_KEY_BYTES: u64 = 4 << 20;

/// About the size of a client's parsed key, without the header under which it is stored.
const PARSED_KEY_BYTES: usize = 1024;

/// The memories of one validator.
#[derive(Debug)]
pub(crate) struct CachedMemories {
    /// `None` if the application wants each token verified each time.
    tokens: Option<Cache<ByText, Kept>>,
    proof_keys: Cache<String, Arc<ProofKey>>,
}

/// The key under which a token is stored. Only the end of its text is hashed, and the whole text is compared. The end
/// is a part of an issuer's signature, since only verified tokens are stored.
#[derive(Debug)]
struct ByText(TokenText);

/// The same for a token of a request.
struct Sought<'a>(&'a str);

const HASHED_BYTES: usize = 32;

fn hash_end<H: Hasher>(text: &str, state: &mut H) {
    let bytes = text.as_bytes();
    state.write(bytes.last_chunk::<HASHED_BYTES>().map_or(bytes, |end| end.as_slice()));
}

impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.0.as_str(), state);
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.0, state);
    }
}

impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for ByText {}

impl Equivalent<ByText> for Sought<'_> {
    fn equivalent(&self, key: &ByText) -> bool {
        self.0 == key.0.as_str()
    }
}

/// A token, and for how long it may be kept.
#[derive(Clone, Debug)]
struct Kept {
    token: BoundToken,
    lifetime: Duration,
}

impl CachedMemories {
    /// Memories that keep tokens in this many bytes; zero switches the memory of tokens off.
    pub(crate) fn new(token_bytes: u64) -> Self {
        let tokens = (token_bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(token_bytes)
                .weigher(|text: &ByText, kept: &Kept| {
                    weight(size_of::<Kept>() + text.0.as_str().len() + kept.token.verified.size())
                })
                .expire_after(UntilItsEnd)
                .build()
        });
        let proof_keys = Cache::builder()
            .max_capacity(PROOF_KEY_BYTES)
            .weigher(|header: &String, _| weight(header.len() * 2 + PARSED_KEY_BYTES))
            .build();
        Self { tokens, proof_keys }
    }
}

impl Memories for CachedMemories {
    fn verified_token(
        &self,
        text: &str,
        number_of: impl FnOnce(&VerifiedToken) -> Option<u64>,
    ) -> Option<BoundToken> {
        let tokens = self.tokens.as_ref()?;
        let kept = tokens.get(&Sought(text))?;
        let verified = &kept.token.verified;
        if number_of(verified) == Some(verified.key_set()) {
            return Some(kept.token);
        }
        tokens.invalidate(&Sought(text));
        None
    }

    fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.proof_keys.get(header)
    }

    fn keep(&self, learned: &Learned, now: UnixTime) {
        if let (Some(tokens), Some((text, token))) = (&self.tokens, &learned.token) {
            let seconds = token.verified.validity().until().secs().saturating_sub(now.secs());
            let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            tokens.insert(ByText(text.clone()), Kept { token: token.clone(), lifetime });
        }
        if let Some((header, key)) = &learned.proof_key {
            self.proof_keys.insert(header.clone(), Arc::clone(key));
        }
    }
}

/// A token leaves the memory with its `exp`. This does not decide whether it is valid: each request checks its times.
struct UntilItsEnd;

impl Expiry<ByText, Kept> for UntilItsEnd {
    fn expire_after_create(&self, _: &ByText, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use oidc_spa_native::credentials::Field;
    use oidc_spa_native::crypto::sha256;
    use oidc_spa_native::jose::base64url_encode;
    use oidc_spa_native::question::{Question, Request};
    use oidc_spa_native::request::RequestHead;

    use super::*;
    use crate::{Answer, Internals, Judgement, Validator};

    const NOW: i64 = 1_800_000_000;
    const ISSUER: &str = "https://as.example";

    /// An issuer and a client, each with its key, and a validator for the issuer's tokens.
    struct World {
        issuer: Ed25519KeyPair,
        client: Ed25519KeyPair,
        validator: Validator,
    }

    fn x(pair: &Ed25519KeyPair) -> String {
        base64url_encode(pair.public_key().as_ref())
    }

    fn jws(header: &str, payload: &str, pair: &Ed25519KeyPair) -> String {
        let input =
            format!("{}.{}", base64url_encode(header.as_bytes()), base64url_encode(payload.as_bytes()));
        let signature = base64url_encode(pair.sign(input.as_bytes()).as_ref());
        format!("{input}.{signature}")
    }

    impl World {
        fn new() -> Self {
            let [issuer, client] = [(); 2].map(|()| Ed25519KeyPair::generate().unwrap());
            let jwk = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}","kid":"1"}}"#, x(&issuer));
            let options = format!(
                r#"{{"issuerUri":"{ISSUER}","expectedAudience":false,"keys":{{"jwks":{{"keys":[{jwk}]}}}}}}"#
            );
            let internals = Internals { drop_in: true, own_clock: true, ..Internals::default() };
            Self { issuer, client, validator: Validator::new(&options, internals, None).unwrap() }
        }

        /// A token of this number and `exp`, bound to the client's key.
        fn token(&self, number: usize, exp: &str) -> String {
            let jkt = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, x(&self.client));
            let jkt = base64url_encode(&sha256(jkt.as_bytes()));
            let payload = format!(
                r#"{{"iss":"{ISSUER}","sub":"{number}","aud":"a","iat":{NOW},"exp":{exp},"cnf":{{"jkt":"{jkt}"}}}}"#
            );
            jws(r#"{"alg":"EdDSA","kid":"1"}"#, &payload, &self.issuer)
        }

        /// The results of a request with this token and a proof with this `kid`.
        fn learn(&self, token: &str, kid: &str) -> Learned {
            let header = format!(
                r#"{{"typ":"dpop+jwt","alg":"EdDSA","kid":"{kid}","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}}}}"#,
                x(&self.client)
            );
            let ath = base64url_encode(&sha256(token.as_bytes()));
            let payload = format!(
                r#"{{"jti":"{kid:.9}{ath}","htm":"GET","htu":"https://api.example/","iat":{NOW},"ath":"{ath}"}}"#
            );
            let (authorization, proof) = (format!("DPoP {token}"), jws(&header, &payload, &self.client));
            let head = RequestHead {
                method: "GET",
                url: "/",
                connection_scheme: Some("https"),
                host: Some("api.example"),
                ..RequestHead::default()
            };
            let (authorization, dpop) = (Field::Once(authorization.as_str()), Field::Once(proof.as_str()));
            let question = Question::of_request(Request { authorization, dpop, head: Some(head) });
            match self.validator.judge(&question, UnixTime::from_secs(NOW)) {
                Judgement::Answer(Answer::Verdict(Ok(grant))) => grant.learned().clone(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The number of the keys that verified the token.
    fn number(learned: &Learned) -> u64 {
        learned.token.as_ref().unwrap().1.verified.key_set()
    }

    fn at(secs: i64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn later() -> String {
        (NOW + 600).to_string()
    }

    #[test]
    fn q03_a_token_is_recalled_with_the_keys_that_verified_it_and_forgotten_with_others() {
        let world = World::new();
        let learned = world.learn(&world.token(1, &later()), "k");
        let (text, token) = learned.token.clone().unwrap();
        let ours = number(&learned);
        for now in [Some(ours + 1), None] {
            let memories = CachedMemories::new(1 << 20);
            memories.keep(&learned, at(NOW));
            let recall = |number: Option<u64>| memories.verified_token(text.as_str(), |_| number);
            assert!(recall(Some(ours)).is_some_and(|found| Arc::ptr_eq(&found.verified, &token.verified)));
            assert!(recall(now).is_none());
            // It is removed for good: if a slow thread uses the old keys once more, the token is verified again.
            assert!(recall(Some(ours)).is_none());
        }
        let memories = CachedMemories::new(1 << 20);
        memories.keep(&learned, at(NOW));
        // Other tokens differ by their whole text, not only by the hashed end.
        let (end, text) = (text.as_str().len() - HASHED_BYTES, text.as_str());
        for other in ["another", "", &text[1..], &text[end..], &format!("x{text}"), &format!("{text}x")] {
            assert!(memories.verified_token(other, |_| Some(ours)).is_none(), "{other}");
        }
        let changed = format!("{}{}", "e".repeat(end), &text[end..]);
        assert!(memories.verified_token(&changed, |_| Some(ours)).is_none());
        assert!(memories.verified_token(text, |_| Some(ours)).is_some());
    }

    #[test]
    fn without_bytes_no_token_is_kept_but_a_clients_key_is() {
        let world = World::new();
        let learned = world.learn(&world.token(1, &later()), "k");
        let (text, _) = learned.token.clone().unwrap();
        let (header, _) = learned.proof_key.clone().unwrap();
        let ours = number(&learned);
        for (bytes, is_kept) in [(0, false), (1 << 20, true)] {
            let memories = CachedMemories::new(bytes);
            assert!(memories.proof_key(&header).is_none());
            memories.keep(&learned, at(NOW));
            assert_eq!(memories.verified_token(text.as_str(), |_| Some(ours)).is_some(), is_kept);
            assert!(memories.proof_key(&header).is_some());
            assert!(memories.proof_key(&format!("{header}A")).is_none());
        }
    }

    #[test]
    fn both_memories_stay_within_their_bytes() {
        let world = World::new();
        let memories = CachedMemories::new(65_536);
        let padding = "p".repeat(2_000);
        for number in 0..1_500 {
            let kid = format!("{number}{padding}");
            memories.keep(&world.learn(&world.token(number, &later()), &kid), at(NOW));
        }
        let tokens = memories.tokens.as_ref().unwrap();
        tokens.run_pending_tasks();
        memories.proof_keys.run_pending_tasks();
        assert!(tokens.weighted_size() <= 65_536, "{}", tokens.weighted_size());
        // A token of some 200 bytes, and the size of its entry.
        assert!((50..300).contains(&tokens.entry_count()), "{}", tokens.entry_count());
        let proof_keys = &memories.proof_keys;
        assert!(proof_keys.weighted_size() <= PROOF_KEY_BYTES, "{}", proof_keys.weighted_size());
        assert!((100..1_000).contains(&proof_keys.entry_count()), "{}", proof_keys.entry_count());
    }

    #[test]
    fn q02_a_token_leaves_with_its_exp_however_near_or_far() {
        for (exp, kept_at, is_kept) in [
            (later(), NOW, true),
            (later(), NOW + 600, false),
            (later(), NOW + 5_000, false),
            (later(), i64::MIN, true),
            ("1e300".to_owned(), NOW, true),
            ("1e300".to_owned(), i64::MIN, true),
            ("253402300799".to_owned(), NOW, true),
        ] {
            let world = World::new();
            let learned = world.learn(&world.token(1, &exp), "k");
            let (text, _) = learned.token.clone().unwrap();
            let memories = CachedMemories::new(1 << 20);
            memories.keep(&learned, at(kept_at));
            let ours = number(&learned);
            let found = memories.verified_token(text.as_str(), |_| Some(ours));
            assert_eq!(found.is_some(), is_kept, "{exp} {kept_at}");
        }
        let world = World::new();
        let learned = world.learn(&world.token(1, &later()), "k");
        let (text, _) = learned.token.clone().unwrap();
        let memories = CachedMemories::new(1 << 20);
        memories.keep(&learned, at(NOW + 599));
        let ours = number(&learned);
        let recall = || memories.verified_token(text.as_str(), |_| Some(ours));
        assert!(recall().is_some());
        std::thread::sleep(Duration::from_millis(1_100));
        assert!(recall().is_none());
    }
}
