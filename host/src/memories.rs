//! What a validator remembers of good requests: bound tokens, clients' keys. It may forget any of it at any time.
//!
//! In: what a granted request taught, with the keys that verified it.
//! Out: the same, as long as those keys are the issuer's and the bounds allow.
//! May use: moka, the validator's memory.
//! Never: an answer about a proof seen before, a token whose issuer has other keys now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;
use oidc_spa_native::dpop::proof::{ProofKey, TokenDigest};
use oidc_spa_native::keys::jwk_set::JwkSet;
use oidc_spa_native::memory::{Learned, VerifiedToken};
use oidc_spa_native::time::UnixTime;

/// Bytes that the memory of clients' keys may take.
const PROOF_KEY_BYTES: u64 = 4 << 20;

/// About what a client's parsed key takes beside the header that it stands under.
const PARSED_KEY_BYTES: usize = 1024;

/// The memories of one validator.
#[derive(Debug)]
pub(crate) struct Memories {
    /// `None` where the application wants each token verified each time.
    tokens: Option<Cache<TokenDigest, Kept>>,
    proof_keys: Cache<String, Arc<ProofKey>>,
}

/// A token, with the keys that verified it.
#[derive(Clone, Debug)]
struct Kept {
    token: Arc<VerifiedToken>,
    keys: Arc<JwkSet>,
    lifetime: Duration,
}

impl Memories {
    /// Memories that keep tokens in this many bytes; none of them for zero.
    pub(crate) fn new(token_bytes: u64) -> Self {
        let tokens = (token_bytes > 0).then(|| {
            Cache::builder()
                .max_capacity(token_bytes)
                .weigher(|_, kept: &Kept| weight(size_of::<Kept>() + kept.token.size()))
                .expire_after(UntilItsEnd)
                .build()
        });
        let proof_keys = Cache::builder()
            .max_capacity(PROOF_KEY_BYTES)
            .weigher(|header: &String, _| weight(header.len() * 2 + PARSED_KEY_BYTES))
            .build();
        Self { tokens, proof_keys }
    }

    /// The token of this digest, if the keys that verified it are the issuer's now.
    pub(crate) fn verified_token(
        &self,
        digest: &TokenDigest,
        keys_of: impl FnOnce(&VerifiedToken) -> Option<Arc<JwkSet>>,
    ) -> Option<Arc<VerifiedToken>> {
        let tokens = self.tokens.as_ref()?;
        let kept = tokens.get(digest)?;
        if keys_of(&kept.token).is_some_and(|keys| Arc::ptr_eq(&keys, &kept.keys)) {
            return Some(kept.token);
        }
        tokens.invalidate(digest);
        None
    }

    /// The key of proofs that begin with this header.
    pub(crate) fn proof_key(&self, header: &str) -> Option<Arc<ProofKey>> {
        self.proof_keys.get(header)
    }

    /// Keeps what a granted request taught.
    pub(crate) fn keep(&self, learned: &Learned, verified_with: Option<&Arc<JwkSet>>, now: UnixTime) {
        if let (Some(tokens), Some((digest, token)), Some(keys)) =
            (&self.tokens, &learned.token, verified_with)
        {
            let seconds = token.validity().until().secs().saturating_sub(now.secs());
            let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            tokens.insert(*digest, Kept { token: Arc::clone(token), keys: Arc::clone(keys), lifetime });
        }
        if let Some((header, key)) = &learned.proof_key {
            self.proof_keys.insert(header.clone(), Arc::clone(key));
        }
    }
}

/// A token leaves the memory with its `exp`. Whether it is valid is judged by the time of each request, not by this.
struct UntilItsEnd;

impl Expiry<TokenDigest, Kept> for UntilItsEnd {
    fn expire_after_create(&self, _: &TokenDigest, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.lifetime)
    }
}

fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
