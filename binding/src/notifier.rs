//! A function of one JavaScript environment that any thread may call, until that environment ends.
//!
//! In: a function. Out: `Notifier`. Never: a call into an environment that ends, a thread other than its own that gives
//! the handle back.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Function, JsValuesTupleIntoVec, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};

/// Node.js' handle of the function. It keeps no environment alive.
type Handle<Argument, const QUEUE: usize> =
    ThreadsafeFunction<Argument, (), Argument, Status, false, true, QUEUE>;

/// A function of one environment, for every thread. At most `QUEUE` calls wait for the environment; 0 stands for any
/// number.
///
/// The handle is used under this lock alone, and the environment's cleanup hook takes it out. Node.js runs that hook on
/// the environment's own thread, before it frees what the handle points to, since hooks run in the reverse order of
/// their registration. The hook owns the lock too, so no other thread can be the last one to drop the handle.
pub(crate) struct Notifier<Argument: JsValuesTupleIntoVec + 'static, const QUEUE: usize> {
    handle: SharedHandle<Argument, QUEUE>,
}

type SharedHandle<Argument, const QUEUE: usize> = Arc<Mutex<Option<Handle<Argument, QUEUE>>>>;

impl<Argument: JsValuesTupleIntoVec + 'static, const QUEUE: usize> Notifier<Argument, QUEUE> {
    /// Called on the environment's own thread.
    pub(crate) fn new(env: &Env, function: &Function<'_, Argument, ()>) -> Result<Self> {
        let handle = function
            .build_threadsafe_function::<Argument>()
            .weak::<true>()
            .max_queue_size::<QUEUE>()
            .build()?;
        let shared = Arc::new(Mutex::new(Some(handle)));
        // After the handle was made, so that this hook runs before Node.js' own.
        env.add_env_cleanup_hook(Arc::clone(&shared), |shared: SharedHandle<Argument, QUEUE>| {
            let handle = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(handle);
        })?;
        Ok(Self { handle: shared })
    }

    /// Has the function called in its environment. Answers whether that environment still listens: a call that finds
    /// the queue full is lost, and the next one may come through.
    pub(crate) fn notify(&self, argument: Argument) -> bool {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.as_ref().is_some_and(|handle| {
            handle.call(argument, ThreadsafeFunctionCallMode::NonBlocking) != Status::Closing
        })
    }
}
