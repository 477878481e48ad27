//! The corridor for a person who asks why: the same walk, and beyond its first failed check.
//!
//! In: a `Question`, the issuers' keys, the time.
//! Out: `Explanation`.
//! Never: a grant that leaves, a check of its own.

use std::sync::Arc;

use super::ResourceServer;
use crate::access_token::check_claims;
use crate::access_token::signature::TokenParts;
use crate::credentials::Presentation;
use crate::dpop::advice;
use crate::dpop::proof::{Proof, TokenDigest};
use crate::dpop::replay::{ProofRecord, Remembered};
use crate::explanation::{Check, Deciding, Explaining, Explanation};
use crate::keys::jwk_set::JwkSet;
use crate::memory::IssuerIndex;
use crate::question::{Question, Subject};
use crate::time::UnixTime;

impl ResourceServer {
    /// Makes every check with the present keys, as [`Self::decide`] does, and goes on after a failed check where that
    /// makes sense. Nothing is granted and nothing is remembered. `look_up` returns what a replay memory would answer
    /// for a proof.
    pub fn explain(
        &self,
        question: &Question<'_>,
        keys: &impl Fn(IssuerIndex) -> Option<Arc<JwkSet>>,
        now: UnixTime,
        look_up: impl FnOnce(&ProofRecord) -> Remembered,
    ) -> Explanation {
        let mut watch = Explaining::default();
        let (_, walked) = self.walk(question, keys, now, &mut watch);
        let (admitted, replay) = match walked {
            Ok(pending) => {
                let would_say = pending.would_say();
                let replay = pending.would_be_refused(look_up);
                let as_oidc_spa = self.policy.dpop.as_oidc_spa;
                (
                    Some(would_say),
                    replay.map(|replay| replay.map_err(|refused| advice::advised(refused, as_oidc_spa))),
                )
            }
            Err(_) => (None, None),
        };
        self.explain_unverified(question, now, &mut watch);
        watch.finish(admitted, replay)
    }

    /// Goes on after the walk ended early, with unverified values.
    fn explain_unverified(&self, question: &Question<'_>, now: UnixTime, watch: &mut Explaining) {
        let schemes = question.rules.schemes(self.policy.schemes);
        let read = match &question.subject {
            Subject::Request(request) => self.read(request, schemes, &mut Deciding).ok(),
            Subject::Credentials(credentials, target) => Some((*credentials, target.clone())),
        };
        let Some((credentials, target)) = read else { return };
        watch.go_on_unverified();
        let policy = self.policy.access_token;
        let text = credentials.access_token;
        let parts = TokenParts::parse(text, policy, self.policy.max_token_bytes, &mut Deciding);
        let issuer = |parts: &TokenParts<'_>| {
            let index = self.choose_issuer(&parts.signed(), now).ok()?;
            self.policy.issuers.get(index)
        };
        if let Ok(parts) = &parts
            && let Some(accepted) = issuer(parts)
            && let Some(claims) = parts.signed().unverified_claims()
            && !watch.has_made(Check::TokenAudience)
        {
            // The outcome is noted, and the result is dropped.
            let _ = check_claims(claims, accepted.expected(), policy, now, watch);
        }
        if let (Presentation::DPoP { proof }, Some(target)) = (credentials.presentation, target)
            && !watch.has_made(Check::ProofMethod)
        {
            let (digest, dpop, nonces) =
                (TokenDigest::of(text), &self.policy.dpop, self.policy.nonces.as_ref());
            Proof::explain_unverified(proof, digest, &target, dpop, nonces, now, watch);
        }
    }
}
