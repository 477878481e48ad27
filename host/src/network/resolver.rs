//! Resolves names within a bound: how near an address may be.
//!
//! In: a name, the bound.
//! Out: addresses that are not nearer than the bound.
//! Never: a connection to an address that was not checked.

use std::net::SocketAddr;

use oidc_spa_native_engine::reach::{Bound, Reach, TooNear};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a name could not be resolved, in the words of the resolver.
#[derive(Debug, thiserror::Error)]
#[error(
    "the name \"{name}\" was not found ({error}): see whether it is spelt right, and whether this machine or container can \
     resolve it"
)]
pub(crate) struct NotFound {
    name: String,
    error: String,
}

/// Resolves names as the system does, and returns no address that is nearer than the bound. The connection is made to a
/// returned address, so it cannot change between the check and the use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundedResolver {
    pub bound: Bound,
}

impl Resolve for BoundedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let bound = self.bound;
        Box::pin(async move {
            let looked_up = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = looked_up
                .map_err(|error| NotFound { name: name.as_str().to_owned(), error: error.to_string() })?
                .collect();
            Ok(Box::new(within(name.as_str(), found, bound)?.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name that are not nearer than the bound. An error if all are nearer.
fn within(name: &str, found: Vec<SocketAddr>, bound: Bound) -> Result<Vec<SocketAddr>, TooNear> {
    let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(|at| bound.admits(Reach::of(at.ip())));
    match bad.first().filter(|_| good.is_empty()) {
        Some(at) => Err(TooNear { found: format!("{name} ({})", at.ip()), reach: Reach::of(at.ip()), bound }),
        None => Ok(good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_names_addresses_those_within_the_bound_are_tried() {
        let all = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect()
        };
        let mixed = ["10.0.0.1", "1.1.1.1", "::1"];
        assert_eq!(within("x", all(&mixed), Bound::Public), Ok(all(&["1.1.1.1"])));
        assert_eq!(
            within("x", all(&mixed), Bound::AsNearAs(Reach::Private)),
            Ok(all(&["10.0.0.1", "1.1.1.1"]))
        );
        assert_eq!(within("x", all(&mixed), Bound::Anywhere), Ok(all(&mixed)));
        assert_eq!(within("x", all(&[]), Bound::Public), Ok(Vec::new()));
        let refused = within("x", all(&["10.0.0.1", "::1"]), Bound::AsNearAs(Reach::Public));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.starts_with("x (10.0.0.1) is a private address and is not asked"), "{refused}");
        assert!(refused.contains("`network.privateAddresses: true`"), "{refused}");
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_handed_out_within_the_bound_only() {
        let resolved = async |bound| {
            let name = "localhost".parse().unwrap();
            let found = BoundedResolver { bound }.resolve(name).await;
            found.map(|addresses| addresses.count()).map_err(|error| error.to_string())
        };
        assert!(resolved(Bound::Anywhere).await.unwrap() > 0);
        assert!(resolved(Bound::AsNearAs(Reach::Loopback)).await.unwrap() > 0);
        for bound in [Bound::Public, Bound::AsNearAs(Reach::Public), Bound::AsNearAs(Reach::Link)] {
            let refused = resolved(bound).await.unwrap_err();
            assert!(refused.contains("is an address of this very machine and is not asked"), "{refused}");
        }
    }
}
