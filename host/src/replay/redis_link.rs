//! One connection to a Redis, or the connections to a Cluster, and the only command that is sent.
//!
//! In: a target; a name and its lifetime.
//! Out: whether the name is new.
//! Never: a second command for one proof, an answer that is guessed.

use redis::aio::MultiplexedConnection;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::redis_target::Connector;

/// Commands that wait to be written. More make their senders wait, within their time limit.
const WRITE_QUEUE: usize = 1024;

/// A connection that many requests use at the same time. Each writes its command after the others' and gets its own
/// answer.
#[derive(Clone)]
pub(crate) enum RedisLink {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl RedisLink {
    /// Connects, logs in and reads an answer. The caller limits the time.
    pub(crate) async fn connect(connector: Connector) -> Result<Self, RedisError> {
        // The callers limit the time.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(WRITE_QUEUE);
        match connector {
            Connector::Server(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await.map(Self::Server)
            }
            Connector::Sentinel(mut client) => {
                client.get_async_connection_with_config(&config).await.map(Self::Server)
            }
            Connector::Cluster(client) => client.get_async_connection().await.map(Self::Cluster),
        }
    }

    /// Writes the key unless it is there: one atomic command.
    pub(crate) async fn set_new(&mut self, key: &str, millis: u64) -> Result<bool, RedisError> {
        let mut command = cmd("SET");
        command.arg(key).arg(1).arg("NX").arg("PX").arg(millis);
        let answer: Value = match self {
            Self::Server(connection) => command.query_async(connection).await?,
            Self::Cluster(connection) => command.query_async(connection).await?,
        };
        match answer {
            Value::Okay => Ok(true),
            Value::Nil => Ok(false),
            _ => Err((ErrorKind::UnexpectedReturnType, "SET was answered with neither OK nor nil").into()),
        }
    }

    /// Whether this connection cannot be used after such an error. The connections of a Cluster repair themselves.
    pub(crate) fn is_broken_by(&self, error: &RedisError) -> bool {
        let is_server = matches!(self, Self::Server(_));
        // The master became a replica; a Sentinel knows the new master.
        let is_demoted = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        error.is_unrecoverable_error() || (is_server && (is_demoted || error.is_io_error()))
    }
}
