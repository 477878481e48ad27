//! The process's threads for signatures: as many as there are cores to run them, begun with the first job.
//!
//! In: jobs.
//! Out: their effects.
//! May use: std's threads, crossbeam-channel.
//! Never: a verdict, a job that is lost, a thread that a panic ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

/// More threads than this never helped: the thread that hands out the jobs is busy by then.
const MAX_THREADS: usize = 8;

/// Something to be done on another thread. Whoever makes one sees to it that dropping it tells who waits.
pub type Job = Box<dyn FnOnce() + Send>;

/// Hands a job to the threads. It comes back where there are none.
pub fn submit(job: Job) -> Result<(), Job> {
    static JOBS: OnceLock<Option<Sender<Job>>> = OnceLock::new();
    match JOBS.get_or_init(begin) {
        Some(jobs) => jobs.send(job).map_err(|refused| refused.0),
        None => Err(job),
    }
}

/// `None` where the machine gives no thread.
fn begin() -> Option<Sender<Job>> {
    let (sender, receiver) = unbounded();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let begun = (0..cores.min(MAX_THREADS)).filter(|_| {
        let jobs = receiver.clone();
        thread::Builder::new().name("oidc-spa-native".into()).spawn(move || work(&jobs)).is_ok()
    });
    (begun.count() > 0).then_some(sender)
}

fn work(jobs: &Receiver<Job>) {
    for job in jobs {
        // Dropped with the panic, it tells who waits.
        let _panicked = catch_unwind(AssertUnwindSafe(job));
    }
}
