//! Requests that a function of the application makes in its JavaScript environment, in the place of this process's own.
//!
//! In: a request of a `Fetcher`.
//! Out: the answer, or why there is none.
//! Never: a wait without an end; a call into JavaScript.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oidc_spa_native_engine::exchange_wire::{
    ScriptAnswer, ScriptFailure, answer_to, check_host, request_json,
};
use oidc_spa_native_engine::failure::GetError;
use oidc_spa_native_engine::fetch::HttpRequest;
use oidc_spa_native_engine::http_answer::HttpAnswer;
use oidc_spa_native_engine::network_options::NetworkOptions;
use tokio::sync::oneshot;

/// What JavaScript got for a request.
pub type Got = Result<ScriptAnswer, ScriptFailure>;

/// Takes it. If it is dropped, there is no answer, since the environment has ended.
pub type Take = Box<dyn FnOnce(Got) + Send>;

/// JavaScript keeps the time limit itself, and says what took so long. After this much longer its thread is blocked.
const GRACE: Duration = Duration::from_secs(1);

/// The functions of one JavaScript environment that make requests. A request names its function.
pub trait ApplicationFetch: Debug + Send + Sync {
    /// Asks for a request, whose JSON text is `WantedRequest` of `ts/boundary/exchange.ts`. It does not block.
    fn ask(&self, request: String, take: Take);
}

/// Lets the application make the request.
pub(crate) async fn ask_application(
    functions: &Arc<dyn ApplicationFetch>,
    network: &NetworkOptions,
    request: &HttpRequest,
) -> Result<HttpAnswer, GetError> {
    check_host(request)?;
    let (give, got) = oneshot::channel();
    let take = Box::new(move |answer| drop(give.send(answer)));
    functions.ask(request_json(request, network).to_string(), take);
    let got = match tokio::time::timeout(network.timeout + GRACE, got).await {
        Ok(Ok(got)) => got,
        Ok(Err(_)) => Err(ScriptFailure::NoAnswer(ENDED.to_owned())),
        Err(_) => Err(ScriptFailure::TimedOut),
    };
    answer_to(request, network, got, SystemTime::now())
}

const ENDED: &str = "the thread of JavaScript whose `network.fetch` makes the requests has ended";

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use oidc_spa_native::keys::issuer::Issuer;
    use oidc_spa_native_engine::plan::{FetchLimits, FetchPlan};

    use super::*;
    use crate::fetch::IssuerClient;

    /// Gives these answers, in this order; `None` drops the request.
    #[derive(Debug, Default)]
    struct Answers {
        left: Mutex<Vec<Option<(u32, String)>>>,
        asked: Mutex<Vec<String>>,
        kept: Mutex<Vec<KeptTake>>,
    }

    struct KeptTake(#[allow(dead_code)] Take);

    impl Debug for KeptTake {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("KeptTake(..)")
        }
    }

    impl ApplicationFetch for Answers {
        fn ask(&self, request: String, take: Take) {
            let request: serde_json::Value = serde_json::from_str(&request).unwrap();
            assert_eq!(request["fetch"], 3);
            self.asked.lock().unwrap().push(request["url"].as_str().unwrap().to_owned());
            match self.left.lock().unwrap().pop() {
                Some(Some((status, body))) => {
                    take(Ok(ScriptAnswer::read(status, "[]", body.into_bytes()).unwrap()));
                }
                Some(None) => drop(take),
                None => self.kept.lock().unwrap().push(KeptTake(take)),
            }
        }
    }

    fn plan(issuer: &str) -> FetchPlan {
        FetchPlan {
            issuer: Issuer::parse(issuer).unwrap(),
            jwk_set_urls: None,
            limits: FetchLimits { metadata_bytes: 1024, jwk_set_bytes: 1024 },
            network: NetworkOptions {
                fetch: Some(3),
                timeout: Duration::from_millis(100),
                ..NetworkOptions::default()
            },
        }
    }

    async fn fetched(issuer: &str, answers: &Arc<Answers>) -> Result<usize, String> {
        let functions: Arc<dyn ApplicationFetch> = Arc::clone(answers) as _;
        let client = IssuerClient::new(plan(issuer), Some(functions)).unwrap();
        let (_, result) = client.fetch().await.unwrap();
        result.map(|fetched| fetched.keys.map_or(0, |(_, document)| document.len())).map_err(|e| e.message)
    }

    fn answers(in_order: &[Option<(u32, &str)>]) -> Arc<Answers> {
        let left = in_order.iter().rev().map(|one| one.map(|(status, body)| (status, body.to_owned())));
        Arc::new(Answers { left: Mutex::new(left.collect()), ..Answers::default() })
    }

    const KEYS: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[tokio::test]
    async fn the_application_makes_every_request_of_a_fetch() {
        let metadata = r#"{"issuer":"https://as.example","jwks_uri":"https://as.example/jwks"}"#;
        let made = answers(&[Some((404, "")), Some((200, metadata)), Some((200, KEYS))]);
        assert_eq!(fetched("https://as.example", &made).await, Ok(KEYS.len()));
        assert_eq!(made.asked.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn an_environment_that_ends_fails_the_fetch() {
        let message = fetched("https://as.example", &answers(&[None])).await.unwrap_err();
        assert!(message.contains(ENDED), "{message}");
    }

    #[tokio::test]
    async fn a_thread_that_never_answers_fails_the_fetch() {
        let message = fetched("https://as.example", &answers(&[])).await.unwrap_err();
        assert!(message.contains("no complete answer within 0.1 seconds (`network.timeoutMs`)"), "{message}");
    }

    #[tokio::test]
    async fn a_host_of_metadata_that_is_near_by_its_name_is_not_asked() {
        let near = r#"{"issuer":"https://as.example","jwks_uri":"https://localhost/jwks"}"#;
        let made = answers(&[Some((200, near)), Some((200, KEYS))]);
        let message = fetched("https://as.example", &made).await.unwrap_err();
        assert!(message.contains("an address of this very machine"), "{message}");
        assert_eq!(made.asked.lock().unwrap().len(), 1);
        let far = near.replace("localhost", "as.example");
        let twin = answers(&[Some((200, &far)), Some((200, KEYS))]);
        assert!(fetched("https://as.example", &twin).await.is_ok());
    }
}
