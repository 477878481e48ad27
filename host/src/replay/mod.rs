//! The replay store that this process asks itself: Redis, Valkey, a Sentinel's master, a Cluster.
//!
//! In: the options of the store, the name of a proof.
//! Out: whether it is new, within a bounded time.
//! Never: a verdict.

pub(crate) mod redis_link;
pub(crate) mod redis_store;
pub(crate) mod redis_target;
