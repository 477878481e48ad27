//! A replay memory in Redis or Valkey, shared by all validators of the process that name the same one.
//!
//! In: a proof's name and for how long it is kept.
//! Out: whether it is new, within a bounded time.
//! May use: redis_target, redis_link, tokio.
//! Never: an answer of its own where Redis gives none, a lock across an await, a password in a message.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::redis_link::RedisLink;
use super::redis_target::RedisTarget;
use super::{StoreAnswer, StoreState};

/// Requests that wait for one store at a time. More are refused at once.
const MAX_WAITING: usize = 10_000;

/// Time for an attempt to connect, which may outlive the requests that wait for it.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// The same where several servers may have to be asked.
const DISCOVERY_LIMIT: Duration = Duration::from_secs(5);

/// Pause after an attempt that failed, doubled by each further one. Requests are refused at once meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Time for which a Cluster's connections are kept whatever happens. They mend themselves where a server is gone, but not
/// where it only says nothing any more.
const LEAST_LIFE_OF_CLUSTER: Duration = Duration::from_secs(2);

/// Characters of an error that are kept.
const MAX_ERROR_CHARS: usize = 200;

/// Which Redis, and how it is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RedisSettings {
    pub target: RedisTarget,
    /// What keys begin with.
    pub prefix: String,
    /// How long a request waits.
    pub timeout: Duration,
}

/// The store. It connects when it is first asked.
pub(crate) struct RedisStore {
    settings: RedisSettings,
    connection: Mutex<Connection>,
    waiting: AtomicUsize,
    state: StoreState,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RedisStore({:?})", self.settings.target)
    }
}

/// The link and how it came to be. Each one has a number, so that what is learnt of one is not held against the next.
struct Connection {
    number: u64,
    link: Link,
    /// Attempts that failed since the last that did not.
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
        Self { settings, connection, waiting: AtomicUsize::new(0), state: StoreState::default() }
    }

    pub(crate) const fn state(&self) -> &StoreState {
        &self.state
    }

    /// Remembers a name for so many milliseconds, unless it is there.
    pub(crate) async fn check_and_store(self: &Arc<Self>, name: &str, millis: u64) -> StoreAnswer {
        let asked = match Place::take(&self.waiting) {
            Some(_place) => self.ask(name, millis).await,
            None => Err(format!("{MAX_WAITING} requests wait for an answer already").into()),
        };
        let (answer, trouble) = match &asked {
            Ok(true) => (StoreAnswer::New, None),
            Ok(false) => (StoreAnswer::Seen, None),
            Err(trouble) => (StoreAnswer::Unavailable, Some(&**trouble)),
        };
        self.state.note(trouble);
        answer
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
                // Whatever else waits on a server waits behind this one. Of a Cluster the others may be well.
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
                    let (told, attempt) = watch::channel(None);
                    connection.number += 1;
                    connection.link = Link::Connecting(attempt.clone());
                    let (store, number) = (Arc::clone(self), connection.number);
                    tokio::spawn(async move {
                        let made = store.connect().await;
                        store.conclude(number, &made);
                        told.send_replace(Some(made));
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
            // The attempt panicked. Without this, everybody would wait for it from now on.
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

    /// Gives a link up, if it is the one of now and has lived so long. The next request connects anew.
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

    /// What an error says, without secrets, cut and escaped: part of it is the server's word.
    fn describe(&self, error: &redis::RedisError) -> Arc<str> {
        let text = self.settings.target.without_secrets(error.to_string());
        let shown: String = text.chars().take(MAX_ERROR_CHARS).flat_map(char::escape_debug).collect();
        shown.into()
    }
}

/// One of the places of those who wait. It is given back whatever becomes of the request.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        // A place that is too much is given back as it is dropped.
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
