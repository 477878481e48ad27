//! The process's own runtime: one thread that fetches. It lives longer than every validator, and does not keep the
//! process alive.
//!
//! In: futures.
//! Out: their results, or that they panicked.
//! Never: a verdict.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime, started at its first use.
pub(crate) fn runtime() -> Result<&'static Runtime, String> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("oidc-spa-native")
            .enable_all()
            .build()
            .map_err(|error| format!("no thread to fetch keys with: {error}"))
    });
    runtime.as_ref().map_err(Clone::clone)
}

/// Runs a future to its end on the runtime. If the future is dropped, it must itself inform the code that waits for it.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
    runtime()?.spawn(future);
    Ok(())
}

/// Runs a future to its end on the runtime. A panic becomes an error of the caller.
pub(crate) async fn run<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, String> {
    runtime()?.spawn(future).await.map_err(|_| "internal error: a validation ended unexpectedly".to_owned())
}

/// Runs long computations on another thread, so that the runtime's only thread stays free for others.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    runtime()?
        .spawn_blocking(work)
        .await
        .map_err(|_| "internal error: reading a document ended unexpectedly".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_runs_apart_holds_up_nobody() {
        let (go, may_go) = channel();
        let apart = runtime().unwrap().spawn(apart(move || may_go.recv_timeout(Duration::from_secs(30))));
        // On the runtime's only thread this would wait for ever, since no other thread could end the wait.
        run(async move { go.send(7).unwrap() }).await.unwrap();
        assert_eq!(apart.await.unwrap(), Ok(Ok(7)));
    }

    #[tokio::test]
    async fn a_panic_apart_is_an_error() {
        let ended = run(apart(|| std::panic::resume_unwind(Box::new("on purpose")))).await.unwrap();
        assert!(ended.is_err_and(|error: String| error.starts_with("internal error")));
    }
}
