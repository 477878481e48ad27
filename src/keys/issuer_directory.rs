//! Accepted issuers, found by what a token says of itself: at the same cost for one and for a thousand.
//!
//! In: their identifiers, in order.
//! Out: the position of the one that may have issued a token.
//! May use: keys::metadata.
//! Never: a verdict: what an unverified token says only chooses whose keys are looked up.

use std::collections::HashMap;

use super::metadata::{Issuer, without_slash};

/// The issuers of a policy, by their identifiers.
#[derive(Debug)]
pub struct IssuerDirectory {
    /// Without a trailing slash, as [`Issuer::is`] compares them.
    named: HashMap<String, usize>,
    /// Those that stand for a tenant each cannot be looked up.
    templates: Vec<(usize, Issuer)>,
}

impl IssuerDirectory {
    /// A directory of these issuers.
    pub fn of<'i>(issuers: impl Iterator<Item = &'i Issuer>) -> Self {
        let (mut named, mut templates) = (HashMap::new(), Vec::new());
        for (position, issuer) in issuers.enumerate() {
            if issuer.is_template() {
                templates.push((position, issuer.clone()));
            } else {
                named.entry(without_slash(issuer.as_str()).to_owned()).or_insert(position);
            }
        }
        Self { named, templates }
    }

    /// The first issuer that may have issued a token with this `iss`, by its position.
    pub fn position(&self, iss: &str) -> Option<usize> {
        let named = self.named.get(without_slash(iss)).copied();
        let template = self.templates.iter().find(|(_, issuer)| issuer.may_have_issued(iss));
        named.into_iter().chain(template.map(|(position, _)| *position)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h39_h41_finds_the_first_that_may_have_issued() {
        let texts = [
            "https://as.example/a",
            "https://login.example/{tenantid}/v2.0",
            "https://as.example/b/",
            "https://login.example/t-1/v2.0",
            "https://as.example/a/",
            "https://as.example/{tenantid}",
        ];
        let issuers: Vec<Issuer> = texts.iter().map(|text| Issuer::parse(text).unwrap()).collect();
        let directory = IssuerDirectory::of(issuers.iter());
        for (iss, expected) in [
            ("https://as.example/a", Some(0)),
            ("https://as.example/a/", Some(0)),
            ("https://as.example/b", Some(2)),
            ("https://as.example/b/", Some(2)),
            ("https://as.example/c", Some(5)),
            ("https://as.example/a//", None),
            ("https://login.example/t-1/v2.0", Some(1)),
            ("https://login.example/t-2/v2.0/", Some(1)),
            ("https://login.example/{tenantid}/v2.0", None),
            ("https://other.example/a", None),
            ("", None),
        ] {
            assert_eq!(directory.position(iss), expected, "{iss}");
            // The same as asking each in turn.
            assert_eq!(issuers.iter().position(|issuer| issuer.may_have_issued(iss)), expected, "{iss}");
        }
    }
}
