//! Fetches an issuer's keys: makes the requests that the engine asks for.
//!
//! In: a plan.
//! Out: keys, or why there are none.
//! Never: a decision about what is asked, where, and what the answer means.

use oidc_spa_native_engine::failure::FetchFailure;
use oidc_spa_native_engine::fetch::{FetchedKeys, Fetcher, Step};
use oidc_spa_native_engine::plan::FetchPlan;

use crate::clock::moment;
use crate::exchange::ask;
use crate::network::Network;
use crate::runtime::apart;

/// Fetches by one plan repeatedly.
#[derive(Debug)]
pub(crate) struct IssuerClient {
    network: Network,
    fetcher: Fetcher,
}

impl IssuerClient {
    pub(crate) fn new(plan: FetchPlan) -> Result<Self, FetchFailure> {
        let network = Network::new(plan.network.clone());
        let fetcher = Fetcher::new(plan).map_err(|error| FetchFailure::new(error.to_string()))?;
        Ok(Self { network, fetcher })
    }

    /// Fetches the keys that the issuer publishes now. It comes back to fetch again, unless it was lost.
    pub(crate) async fn fetch(self) -> Result<(Self, Result<FetchedKeys, FetchFailure>), FetchFailure> {
        let Self { mut network, mut fetcher } = self;
        let mut step = fetcher.begin(moment());
        loop {
            let request = match step {
                Step::Ask(request) => request,
                Step::Done(fetched) => return Ok((Self { network, fetcher }, fetched)),
            };
            let answer = ask(&mut network, request).await;
            let received = apart(move || {
                let step = fetcher.answered(answer, moment());
                (fetcher, step)
            });
            (fetcher, step) = received.await.map_err(FetchFailure::new)?;
        }
    }
}
