//! Finds the accepted issuer that an unverified token names, at the same cost for one issuer and for a thousand.
//!
//! In: the names of the issuers, in order.
//! Out: the position of the one that may have issued a token.
//! Never: a verdict. An unverified token only chooses the issuer whose keys are looked up.

use super::issuer::Issuer;
use super::issuer_name::{IssuerName, without_slash};
use crate::crypto::SecretMap;

/// The issuers of a policy, by their names.
#[derive(Debug)]
pub(crate) struct IssuerDirectory {
    /// Without a trailing slash, as [`IssuerName::is`] compares them.
    named: SecretMap<String, usize>,
    /// Templates cannot be looked up. The one with the longer beginning comes first, since it is more exact.
    templates: Vec<(usize, IssuerName)>,
    /// Exact names that also fit a template, in small letters.
    behind_templates: SecretMap<String, usize>,
}

impl IssuerDirectory {
    /// A directory of these issuers.
    pub fn of<'i>(issuers: impl Iterator<Item = &'i Issuer>) -> Self {
        let (mut named, mut templates) = (SecretMap::default(), Vec::new());
        for (position, issuer) in issuers.enumerate() {
            for name in issuer.names() {
                if name.is_template() {
                    templates.push((position, name.clone()));
                } else {
                    named.entry(name.compared().to_owned()).or_insert(position);
                }
            }
        }
        templates.sort_by_key(|(_, name)| std::cmp::Reverse(name.as_str().find('{')));
        let lower = named.iter().map(|(name, position)| (name.to_ascii_lowercase(), *position));
        let behind_templates = if templates.is_empty() { SecretMap::default() } else { lower.collect() };
        Self { named, templates, behind_templates }
    }

    /// The issuer that may have issued a token with this `iss`, by its position. An exact name has priority over a
    /// template, in any order, since it has its own rules. Capital and small letters are the same here, since a tenant
    /// may be written in both.
    pub fn position(&self, iss: &str) -> Option<usize> {
        let bare = without_slash(iss);
        if let Some(position) = self.named.get(bare) {
            return Some(*position);
        }
        let (template, _) = self.templates.iter().find(|(_, name)| name.may_be(iss))?;
        Some(*self.behind_templates.get(&bare.to_ascii_lowercase()).unwrap_or(template))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(texts: &[&str]) -> IssuerDirectory {
        let issuers: Vec<Issuer> = texts.iter().map(|text| Issuer::parse(text).unwrap()).collect();
        IssuerDirectory::of(issuers.iter())
    }

    #[test]
    fn h39_h41_finds_the_one_that_may_have_issued() {
        let directory = directory(&[
            "https://as.example/a",
            "https://login.example/{tenantid}/v2.0",
            "https://as.example/b/",
            "https://login.example/t-1/v2.0",
            "https://as.example/a/",
            "https://as.example/{tenantid}",
        ]);
        for (iss, expected) in [
            ("https://as.example/a", Some(0)),
            ("https://as.example/a/", Some(0)),
            ("https://as.example/b", Some(2)),
            ("https://as.example/b/", Some(2)),
            ("https://as.example/c", Some(5)),
            ("https://as.example/a//", None),
            ("https://login.example/t-1/v2.0", Some(3)),
            ("https://login.example/T-1/v2.0", Some(3)),
            ("https://login.example/t-2/v2.0/", Some(1)),
            ("https://login.example/{tenantid}/v2.0", None),
            ("https://other.example/a", None),
            ("", None),
        ] {
            assert_eq!(directory.position(iss), expected, "{iss}");
        }
    }

    #[test]
    fn the_more_specific_one_holds_in_whatever_order() {
        let texts =
            ["https://as.example/{tenantid}/b", "https://as.example/a/{tenantid}", "https://as.example/a/b"];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let directory = directory(&order.map(|i| texts[i]));
            let found = |iss: &str| directory.position(iss).map(|position| texts[order[position]]);
            assert_eq!(found("https://as.example/a/b"), Some(texts[2]), "{order:?}");
            assert_eq!(found("https://as.example/A/B"), None, "{order:?}");
            assert_eq!(found("https://as.example/a/B"), Some(texts[2]), "{order:?}");
            assert_eq!(found("https://as.example/a/c"), Some(texts[1]), "{order:?}");
            assert_eq!(found("https://as.example/c/b"), Some(texts[0]), "{order:?}");
        }
        let two = directory(&["https://as.example/{tenantid}/b", "https://as.example/a/{tenantid}"]);
        assert_eq!(two.position("https://as.example/a/b"), Some(1));
    }

    #[test]
    fn an_alias_finds_its_issuer() {
        let issuer = Issuer::parse("https://as.example/{tenantid}").unwrap();
        let issuer = issuer.also_named("as.example").unwrap();
        let other = Issuer::parse("https://b.example").unwrap();
        let directory = IssuerDirectory::of([&other, &issuer].into_iter());
        for (iss, expected) in [
            ("as.example", Some(1)),
            ("https://as.example/t", Some(1)),
            ("https://b.example", Some(0)),
            ("b.example", None),
        ] {
            assert_eq!(directory.position(iss), expected, "{iss}");
        }
    }
}
