//! Cases judged under every profile, each refusal beside a twin that is granted.

use oidc_spa_native::credentials::{Credentials, Presentation};

use super::{Jwt, PROFILES, Setup};

/// One resource server a profile: the common rules, RFC 9068, the drop-in's.
pub struct Judge([Setup; 3]);

impl Judge {
    pub fn new() -> Self {
        Self(PROFILES.map(Setup::new))
    }

    pub fn with_keys(keys: &[String]) -> Self {
        Self(PROFILES.map(|profile| Setup::with_jwk_set(profile, &super::jwk_set_of(keys))))
    }

    /// What each profile says of a bearer token: `granted`, or the code.
    ///
    /// The token comes by the door of the drop-in's second step, where no header grammar stands before it.
    #[track_caller]
    pub fn each(&self, id: &str, token: &str, expected: [&str; 3]) {
        for (setup, expected) in self.0.iter().zip(expected) {
            let presentation = Presentation::Bearer { even_if_bound: false };
            let credentials = Credentials { presentation, access_token: token, token_begin: 0 };
            let verdict = setup.judge_credentials(&credentials);
            let profile = setup.policy.access_token.profile;
            assert_eq!(verdict.name(), expected, "{id} {profile:?}: {}", verdict.message());
        }
    }

    #[track_caller]
    pub fn grants(&self, id: &str, token: &str) {
        self.each(id, token, ["granted"; 3]);
    }

    /// The texts differ, the good one is granted, the bad one is refused.
    #[track_caller]
    pub fn twins(&self, id: &str, good: &str, bad: &str, code: &str) {
        assert!(good != bad, "{id}: the mutation changed nothing");
        self.grants(id, good);
        self.each(id, bad, [code; 3]);
    }

    /// A token with one thing changed, signed anew, beside the token as it was.
    #[track_caller]
    pub fn refuses(&self, id: &str, good: &Jwt, change: impl FnOnce(Jwt) -> Jwt, code: &str) {
        self.changes(id, good, change, [code; 3]);
    }

    /// The same with a verdict of its own for each profile.
    #[track_caller]
    pub fn changes(&self, id: &str, good: &Jwt, change: impl FnOnce(Jwt) -> Jwt, expected: [&str; 3]) {
        let changed = change(good.clone());
        let text = |jwt: &Jwt| (jwt.header_text(), jwt.payload_text());
        assert!(text(good) != text(&changed), "{id}: the mutation changed nothing");
        self.grants(id, &good.sign());
        self.each(id, &changed.sign(), expected);
    }
}
