//! Judges a granted token by stricter rules that are only tried: they refuse no request.
//!
//! In: the rules of a server and stricter ones; a token that was granted, how it came, the rules of its route.
//! Out: `Shadow`; the rejection that the stricter rules would end in, if any.
//! Never: a grant, a signature, a proof, a memory.

use crate::access_token::signature::TokenParts;
use crate::access_token::{AccessTokenPolicy, Audience, Expected, OptionalClaims, Profile, check_claims};
use crate::explanation::Deciding;
use crate::memory::IssuerIndex;
use crate::policy::Policy;
use crate::possession::only_dpop;
use crate::presentation::{RequestRules, RequiredBinding};
use crate::rejection::{Code, Rejection};
use crate::scheme::{AcceptedSchemes, Scheme};
use crate::time::UnixTime;

/// The rules that are stricter than the server's. The other rules are the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stricter {
    /// RFC 9068 to the letter.
    pub rfc9068: bool,
    /// DPoP is the only scheme.
    pub only_dpop: bool,
    /// A token may name no other audience.
    pub audience_alone: bool,
    /// Tokens must be bound to a client certificate.
    pub certificate: bool,
    /// Tokens must be bound to a key or a certificate.
    pub any_binding: bool,
    /// How long after its `iat` a token is accepted, in seconds.
    pub max_age_secs: Option<u32>,
}

/// A server's rules, made stricter.
#[derive(Debug)]
pub struct Shadow {
    policy: Policy,
}

/// A token that was granted a moment ago: its signature is verified.
#[derive(Clone, Copy, Debug)]
pub struct GrantedToken<'t> {
    /// Its text.
    pub text: &'t str,
    /// Whose it is.
    pub issuer: IssuerIndex,
    /// How it came.
    pub scheme: Scheme,
}

impl Shadow {
    /// These rules, made stricter.
    pub fn new(policy: &Policy, stricter: Stricter) -> Self {
        let mut policy = policy.clone();
        policy.access_token = stricter.claims(policy.access_token);
        if stricter.only_dpop {
            policy.schemes = AcceptedSchemes::DPoP;
        }
        let RequiredBinding { certificate, any } = policy.binding;
        policy.binding = RequiredBinding {
            certificate: certificate || stricter.certificate,
            any: any || stricter.any_binding,
        };
        if stricter.audience_alone {
            for accepted in &mut policy.issuers {
                if let Audience::AnyOf(names) = &accepted.audience {
                    accepted.audience = Audience::Only(names.clone());
                }
            }
        }
        Self { policy }
    }

    /// Why the stricter rules would refuse a token that was granted by the rules of this route. Of the signature and the
    /// proof nothing is verified again: no stricter rule is about them.
    pub fn objection(
        &self,
        token: GrantedToken<'_>,
        rules: RequestRules,
        now: UnixTime,
    ) -> Option<Rejection> {
        self.check(token, rules, now).err()
    }

    fn check(
        &self,
        GrantedToken { text, issuer, scheme }: GrantedToken<'_>,
        rules: RequestRules,
        now: UnixTime,
    ) -> Result<(), Rejection> {
        let policy = self.policy.access_token;
        let parts = TokenParts::parse(text, policy, self.policy.max_token_bytes, &mut Deciding)?;
        let signed = parts.signed();
        let unreadable = || Code::TokenMalformed.because("The access token cannot be read a second time");
        let claims = signed.unverified_claims().ok_or_else(unreadable)?;
        let accepted = self.policy.issuers.get(issuer).ok_or_else(unreadable)?;
        let expected =
            Expected { issuer: &accepted.issuer, audience: &accepted.audience, clients: &accepted.clients };
        let (_, confirmation) = check_claims(claims, expected, policy, now, &mut Deciding)?;
        rules.binding(self.policy.binding).check(&confirmation)?;
        if rules.schemes(self.policy.schemes).accept(scheme) { Ok(()) } else { Err(only_dpop()) }
    }
}

impl Stricter {
    fn claims(self, policy: AccessTokenPolicy) -> AccessTokenPolicy {
        let policy = match self.rfc9068 {
            true => AccessTokenPolicy {
                profile: Profile::Rfc9068,
                accept_id_tokens: false,
                optional_claims: OptionalClaims::default(),
                ..policy
            },
            false => policy,
        };
        match self.max_age_secs {
            Some(_) => AccessTokenPolicy {
                max_age_secs: self.max_age_secs,
                optional_claims: OptionalClaims { iat: false, ..policy.optional_claims },
                ..policy
            },
            None => policy,
        }
    }
}
