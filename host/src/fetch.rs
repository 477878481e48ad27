//! Fetches an issuer's keys: makes the requests that the engine asks for, or lets the application make them.
//!
//! In: a plan.
//! Out: keys, or why there are none.
//! Never: a decision about what is asked, where, and what the answer means.

use std::sync::Arc;

use oidc_spa_native_engine::failure::{FetchFailure, GetError};
use oidc_spa_native_engine::fetch::{FetchedKeys, Fetcher, HttpRequest, Step};
use oidc_spa_native_engine::http_answer::HttpAnswer;
use oidc_spa_native_engine::network_options::NetworkOptions;
use oidc_spa_native_engine::plan::FetchPlan;

use crate::application_fetch::{ApplicationFetch, ask_application};
use crate::clock::moment;
use crate::exchange::ask;
use crate::network::Network;
use crate::runtime::apart;

/// Fetches by one plan repeatedly.
#[derive(Debug)]
pub(crate) struct IssuerClient {
    way: Way,
    fetcher: Fetcher,
}

/// Who makes the requests.
#[derive(Debug)]
enum Way {
    Process(Box<Network>),
    Application(Arc<dyn ApplicationFetch>, NetworkOptions),
}

impl Way {
    async fn ask(&mut self, request: HttpRequest) -> Result<HttpAnswer, GetError> {
        match self {
            Self::Process(network) => ask(network, request).await,
            Self::Application(functions, options) => ask_application(functions, options, &request).await,
        }
    }
}

impl IssuerClient {
    /// A client for this plan. If it names a function of the application, it is one of these `functions`.
    pub(crate) fn new(
        plan: FetchPlan,
        functions: Option<Arc<dyn ApplicationFetch>>,
    ) -> Result<Self, FetchFailure> {
        let options = plan.network.clone();
        let way = match (options.fetch, functions) {
            (None, _) => Way::Process(Box::new(Network::new(options))),
            (Some(_), Some(functions)) => Way::Application(functions, options),
            (Some(_), None) => {
                return Err(FetchFailure::new("internal error: `network.fetch` is lost".into()));
            }
        };
        let fetcher = Fetcher::new(plan).map_err(|error| FetchFailure::new(error.to_string()))?;
        Ok(Self { way, fetcher })
    }

    /// Fetches the keys that the issuer publishes now. It comes back to fetch again, unless it was lost.
    pub(crate) async fn fetch(self) -> Result<(Self, Result<FetchedKeys, FetchFailure>), FetchFailure> {
        #[cfg(feature = "fault")]
        crate::fault::strike("fetch");
        let Self { mut way, mut fetcher } = self;
        let mut step = fetcher.begin(moment());
        loop {
            let request = match step {
                Step::Ask(request) => request,
                Step::Done(fetched) => return Ok((Self { way, fetcher }, fetched)),
            };
            let answer = way.ask(request).await;
            let received = apart(move || {
                #[cfg(feature = "fault")]
                crate::fault::strike("document");
                let step = fetcher.answered(answer, moment());
                (fetcher, step)
            });
            (fetcher, step) = received.await.map_err(FetchFailure::new)?;
        }
    }
}
