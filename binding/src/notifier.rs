//! A function of one JavaScript environment that any thread may call, until that environment ends.
//!
//! In: a function. Out: `Notifier`. Never: a call into an environment that ends, a thread other than its own that gives
//! the handle back.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Function, JsValuesTupleIntoVec, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};

/// Node.js' handle of the function. It does not keep the environment alive.
type Handle<Argument, const QUEUE: usize> =
    ThreadsafeFunction<Argument, (), Argument, Status, false, true, QUEUE>;

/// A function of one environment, for every thread. At most `QUEUE` calls wait for the environment; 0 stands for any
/// number.
///
/// The handle is used only under this lock, and the environment's cleanup hook removes it. Node.js runs that hook on
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
        // This comes after the handle is made, so that this hook runs before that of Node.js.
        env.add_env_cleanup_hook(Arc::clone(&shared), |shared: SharedHandle<Argument, QUEUE>| {
            let handle = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(handle);
        })?;
        Ok(Self { handle: shared })
    }

    /// Calls the function in its environment. Returns whether that environment still listens. A call is lost if the
    /// queue is full; the next one may succeed.
    pub(crate) fn notify(&self, argument: Argument) -> bool {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.as_ref().is_some_and(|handle| {
            handle.call(argument, ThreadsafeFunctionCallMode::NonBlocking) != Status::Closing
        })
    }
}
