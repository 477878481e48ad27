//! A function of one JavaScript environment that any thread may call, until that environment ends.
//!
//! In: a function. Out: `Bell`. Never: a call into an environment that ends, a thread other than the environment's own
//! that gives its handle back.

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
pub(crate) struct Bell<Argument: JsValuesTupleIntoVec + 'static, const QUEUE: usize> {
    hung: Hung<Argument, QUEUE>,
}

type Hung<Argument, const QUEUE: usize> = Arc<Mutex<Option<Handle<Argument, QUEUE>>>>;

impl<Argument: JsValuesTupleIntoVec + 'static, const QUEUE: usize> Bell<Argument, QUEUE> {
    /// Called on the environment's own thread.
    pub(crate) fn hang(env: &Env, function: &Function<'_, Argument, ()>) -> Result<Self> {
        let handle = function
            .build_threadsafe_function::<Argument>()
            .weak::<true>()
            .max_queue_size::<QUEUE>()
            .build()?;
        let hung = Arc::new(Mutex::new(Some(handle)));
        // After the handle was made, so that this hook runs before Node.js' own.
        env.add_env_cleanup_hook(Arc::clone(&hung), |hung: Hung<Argument, QUEUE>| {
            let handle = hung.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(handle);
        })?;
        Ok(Self { hung })
    }

    /// Has the function called in its environment. Answers whether that environment still listens: a call that finds
    /// the queue full is lost, and the next one may come through.
    pub(crate) fn ring(&self, argument: Argument) -> bool {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.as_ref().is_some_and(|handle| {
            handle.call(argument, ThreadsafeFunctionCallMode::NonBlocking) != Status::Closing
        })
    }
}
