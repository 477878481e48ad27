//! A replay memory in Redis or Valkey, shared by all validators of the process that name the same one.
//!
//! In: a proof's name and its lifetime.
//! Out: whether it is new, within a bounded time.
//! Never: its own answer if Redis gives none, a lock across an await, a password in a message.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oidc_spa_native::rejection::Shown;
use oidc_spa_native_engine::events::tell_of_store;
use oidc_spa_native_engine::options_error::OptionsError;
use oidc_spa_native_engine::redis_options::RedisOptions;
use oidc_spa_native_engine::replay::{StoreState, StoreWord};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::redis_link::RedisLink;
use super::redis_target::{Certificates, RedisTarget};

/// Requests that wait for one store at a time. More are refused at once.
const MAX_WAITING: usize = 10_000;

/// Time limit of an attempt to connect. The attempt may last longer than the requests that wait for it.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// The same if several servers may have to be asked.
const DISCOVERY_LIMIT: Duration = Duration::from_secs(5);

/// Pause after an attempt that failed, doubled by each further one. Requests are refused at once meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Time between two events of a trouble.
const BETWEEN_EVENTS: Duration = Duration::from_secs(1);

/// Least time for which a Cluster's connections are kept. They repair themselves if a server closes them, but not if a
/// server only stops answering.
const LEAST_LIFE_OF_CLUSTER: Duration = Duration::from_secs(2);

/// The Redis, and the settings for its use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RedisSettings {
    pub target: RedisTarget,
    /// The beginning of all keys.
    pub prefix: String,
    /// How long a request waits.
    pub timeout: Duration,
}

impl RedisSettings {
    /// Reads the URL and the certificates. The error is one of a member of `replayStore`.
    pub(crate) fn of(options: &RedisOptions) -> Result<Self, OptionsError> {
        let (ca, client) = (options.ca.clone(), options.client_certificate.clone());
        let target = RedisTarget::parse(&options.url, Certificates { ca, client })?;
        Ok(Self { target, prefix: options.prefix.clone(), timeout: options.timeout })
    }
}

/// The store. It connects when it is first asked.
pub(crate) struct RedisStore {
    settings: RedisSettings,
    connection: Mutex<Connection>,
    waiting: AtomicUsize,
    state: Arc<StoreState>,
    told: Mutex<Told>,
}

/// What was told of it to those who listen.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    is_in_trouble: bool,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisStore({:?})", self.settings.target)
    }
}

/// The link and its state. Each link has a number, so that an error of one link does not end the next one.
struct Connection {
    number: u64,
    link: Link,
    /// Failed attempts since the last good one.
    failures: u32,
}

enum Link {
    None,
    Connecting(watch::Receiver<Option<Attempt>>),
    Up { link: RedisLink, since: Instant },
    Down { until: Instant, why: Arc<str> },
}

type Attempt = Result<RedisLink, Arc<str>>;

impl RedisStore {
    pub(crate) fn new(settings: RedisSettings) -> Self {
        let connection = Mutex::new(Connection { number: 0, link: Link::None, failures: 0 });
        let (waiting, state) = (AtomicUsize::new(0), Arc::default());
        Self { settings, connection, waiting, state, told: Mutex::default() }
    }

    pub(crate) const fn state(&self) -> &Arc<StoreState> {
        &self.state
    }

    /// Stores a name for this many milliseconds, unless it is stored already.
    pub(crate) async fn check_and_store(self: &Arc<Self>, name: &str, millis: u64) -> StoreWord {
        let asked = match Place::take(&self.waiting) {
            Some(_place) => self.ask(name, millis).await,
            None => Err(format!("{MAX_WAITING} requests wait for an answer already").into()),
        };
        let (answer, trouble) = match &asked {
            Ok(true) => (StoreWord::New, None),
            Ok(false) => (StoreWord::Seen, None),
            Err(trouble) => (StoreWord::Unavailable, Some(&**trouble)),
        };
        let ends_trouble = self.state.note(trouble);
        if trouble.is_some() || ends_trouble {
            self.tell(trouble);
        }
        answer
    }

    /// Tells those who listen, once a second at most: not with each request.
    fn tell(&self, trouble: Option<&str>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = match trouble {
            Some(_) => told.at.is_none_or(|at| at.elapsed() >= BETWEEN_EVENTS),
            None => told.is_in_trouble,
        };
        if is_due {
            told.is_in_trouble = trouble.is_some();
            told.at = trouble.map_or(told.at, |_| Some(Instant::now()));
            tell_of_store(trouble);
        }
    }

    async fn ask(self: &Arc<Self>, name: &str, millis: u64) -> Result<bool, Arc<str>> {
        let RedisSettings { target, prefix, timeout } = &self.settings;
        let deadline = Instant::now() + *timeout;
        let too_late = |what: &str| Err(format!("{what} within {} ms", timeout.as_millis()).into());
        let Ok(link) = timeout_at(deadline, self.link()).await else { return too_late("no connection") };
        let (number, mut link) = link?;
        match timeout_at(deadline, link.set_new(&format!("{prefix}{name}"), millis)).await {
            Ok(Ok(is_new)) => Ok(is_new),
            Ok(Err(error)) => {
                if link.is_broken_by(&error) {
                    self.retire(number, Duration::ZERO);
                }
                Err(self.describe(&error))
            }
            Err(_) => {
                // All other commands to this server wait behind this one. In a Cluster the other servers may still
                // answer.
                self.retire(number, if target.is_cluster() { LEAST_LIFE_OF_CLUSTER } else { Duration::ZERO });
                too_late("no answer")
            }
        }
    }

    /// The link and its number, once it is there. All who need one wait for the same attempt.
    async fn link(self: &Arc<Self>) -> Result<(u64, RedisLink), Arc<str>> {
        let (number, mut attempt) = {
            let mut connection = self.lock();
            match &connection.link {
                Link::Up { link, .. } => return Ok((connection.number, link.clone())),
                Link::Down { until, why } if Instant::now() < *until => return Err(Arc::clone(why)),
                Link::Connecting(attempt) => (connection.number, attempt.clone()),
                Link::None | Link::Down { .. } => {
                    let (ended, attempt) = watch::channel(None);
                    connection.number += 1;
                    connection.link = Link::Connecting(attempt.clone());
                    let (store, number) = (Arc::clone(self), connection.number);
                    tokio::spawn(async move {
                        let made = store.connect().await;
                        store.conclude(number, &made);
                        ended.send_replace(Some(made));
                    });
                    (number, attempt)
                }
            }
        };
        let made = match attempt.wait_for(Option::is_some).await {
            Ok(made) => made.clone(),
            Err(_) => None,
        };
        let made = made.unwrap_or_else(|| {
            // The attempt panicked. Without this, all later requests would wait for it.
            let made = Err("internal error: connecting ended unexpectedly".into());
            self.conclude(number, &made);
            made
        });
        made.map(|link| (number, link))
    }

    async fn connect(&self) -> Attempt {
        let RedisSettings { target, timeout: answer_within, .. } = &self.settings;
        let limit = if target.is_server() { CONNECT_LIMIT } else { DISCOVERY_LIMIT };
        let connector = target.connector(*answer_within).map_err(|error| self.describe(&error))?;
        match timeout(limit, RedisLink::connect(connector)).await {
            Ok(made) => made.map_err(|error| self.describe(&error)),
            Err(_) => Err(format!("no connection within {} ms", limit.as_millis()).into()),
        }
    }

    fn conclude(&self, number: u64, made: &Attempt) {
        let mut connection = self.lock();
        if connection.number != number || !matches!(connection.link, Link::Connecting(_)) {
            return;
        }
        let now = Instant::now();
        match made {
            Ok(link) => {
                connection.failures = 0;
                connection.link = Link::Up { link: link.clone(), since: now };
            }
            Err(why) => {
                let pause = FIRST_PAUSE.saturating_mul(1 << connection.failures.min(8)).min(LONGEST_PAUSE);
                connection.failures = connection.failures.saturating_add(1);
                connection.link = Link::Down { until: now + pause, why: Arc::clone(why) };
            }
        }
    }

    /// Drops a link if it is the current one and old enough. The next request connects again.
    fn retire(&self, number: u64, least_life: Duration) {
        let mut connection = self.lock();
        let is_old = matches!(&connection.link, Link::Up { since, .. } if since.elapsed() >= least_life);
        if connection.number == number && is_old {
            connection.link = Link::None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of an error, without secrets, escaped and cut, since a part of it comes from the server.
    fn describe(&self, error: &redis::RedisError) -> Arc<str> {
        let text = self.settings.target.without_secrets(error.to_string());
        Shown(&text).to_string().into()
    }
}

/// One of the places of waiting requests. It is given back when the request ends in any way.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        // A place beyond the limit is given back when it is dropped.
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::redis_target::Certificates;
    use super::*;

    /// A store at a server that accepts every login and answers each SET with these bytes; with empty bytes it never
    /// answers.
    async fn store(answer: &'static [u8], timeout: Duration) -> Arc<RedisStore> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://:sEcReT@{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut buffer = [0; 65_536];
                    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                        let text = String::from_utf8_lossy(&buffer[..read]);
                        let logins = text.matches("AUTH").count() + text.matches("SETINFO").count();
                        let ok = b"+OK\r\n".repeat(if answer.is_empty() { 0 } else { logins });
                        let _ = socket.write_all(&ok).await;
                        if text.contains("NX") {
                            let _ = socket.write_all(answer).await;
                        }
                    }
                });
            }
        });
        let target = RedisTarget::parse(&url, Certificates::default()).unwrap();
        Arc::new(RedisStore::new(RedisSettings { target, prefix: "p:".into(), timeout }))
    }

    fn trouble(store: &RedisStore) -> String {
        store.state().read().1.map_or_else(String::new, |trouble| trouble.to_string())
    }

    #[tokio::test]
    async fn l22_silence_is_no_answer_and_has_an_end() {
        let store = store(b"", Duration::from_millis(50)).await;
        let begun = Instant::now();
        assert_eq!(store.check_and_store("a", 1000).await, StoreWord::Unavailable);
        assert!(begun.elapsed() < Duration::from_millis(800));
        assert_eq!(trouble(&store), "no connection within 50 ms");
    }

    #[tokio::test]
    async fn l22_an_answer_that_is_none_grants_nothing() {
        for answer in [
            &b"+MAYBE\r\n"[..],
            b":1\r\n",
            b"*0\r\n",
            b"$2\r\nOK\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"-ERR sEcReT\x1b[31m\r\n",
        ] {
            let store = store(answer, Duration::from_millis(300)).await;
            assert_eq!(store.check_and_store("a", 1000).await, StoreWord::Unavailable, "{answer:?}");
            let trouble = trouble(&store);
            assert!(
                !trouble.is_empty() && !trouble.contains("sEcReT") && !trouble.contains('\x1b'),
                "{trouble}"
            );
        }
    }

    #[tokio::test]
    async fn ok_is_new_and_nil_is_seen() {
        for (answer, expected) in [(&b"+OK\r\n"[..], StoreWord::New), (b"$-1\r\n", StoreWord::Seen)] {
            let store = store(answer, Duration::from_secs(5)).await;
            assert_eq!(store.check_and_store("a", 1000).await, expected);
            assert_eq!(trouble(&store), "");
        }
    }

    #[tokio::test]
    async fn l22_more_than_so_many_are_refused_at_once() {
        let store = store(b"", Duration::from_millis(300)).await;
        let places: Vec<_> = (0..MAX_WAITING).map_while(|_| Place::take(&store.waiting)).collect();
        assert_eq!(places.len(), MAX_WAITING);
        let begun = Instant::now();
        assert_eq!(store.check_and_store("a", 1000).await, StoreWord::Unavailable);
        assert!(begun.elapsed() < Duration::from_millis(100));
        assert_eq!(trouble(&store), "10000 requests wait for an answer already");
        drop(places);
        assert_eq!(store.waiting.load(Ordering::Relaxed), 0, "every place is given back");
    }
}
