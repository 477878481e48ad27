//! The process's threads for signatures: one for each core, started with the first job.
//!
//! In: jobs.
//! Out: their effects.
//! Never: a verdict, a job that is lost, a thread that a panic ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

/// More threads did not help in measurements: then the thread that hands out the jobs is the limit.
const MAX_THREADS: usize = 8;

/// Work for another thread. If the job is dropped, it must itself inform the code that waits for it.
pub type Job = Box<dyn FnOnce() + Send>;

static JOBS: OnceLock<Option<Sender<Job>>> = OnceLock::new();

/// Hands a job to the threads. Returns it if there are no threads.
pub fn submit(job: Job) -> Result<(), Job> {
    match JOBS.get_or_init(begin) {
        Some(jobs) => jobs.send(job).map_err(|refused| refused.0),
        None => Err(job),
    }
}

/// Jobs that no thread has started yet.
pub fn queued_jobs() -> usize {
    JOBS.get().and_then(Option::as_ref).map_or(0, Sender::len)
}

/// `None` if the machine gives no thread.
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
        // The panic drops the job, which informs the code that waits.
        let _panicked = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;

    /// Informs the waiting code when it is dropped, in every case.
    struct Report(Sender<&'static str>, &'static str);

    impl Drop for Report {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }

    #[test]
    fn q09_a_job_that_panics_is_told_and_ends_no_thread() {
        let (sender, receiver) = channel();
        // More jobs than threads: if each panic ended a thread, no thread would be left for the last job.
        for _ in 0..3 * MAX_THREADS {
            let report = Report(sender.clone(), "dropped");
            let job: Job = Box::new(move || {
                let _report = report;
                std::panic::resume_unwind(Box::new("a job that panics"));
            });
            assert!(submit(job).is_ok());
        }
        for _ in 0..3 * MAX_THREADS {
            assert_eq!(receiver.recv_timeout(Duration::from_secs(10)), Ok("dropped"));
        }
        let report = Report(sender, "done");
        assert!(submit(Box::new(move || drop(report))).is_ok());
        assert_eq!(receiver.recv_timeout(Duration::from_secs(10)), Ok("done"));
    }

    #[test]
    fn jobs_run_elsewhere_each_once() {
        let (sender, receiver) = channel();
        let here = thread::current().id();
        for i in 0..1_000 {
            let sender = sender.clone();
            let job = submit(Box::new(move || sender.send((i, thread::current().id())).unwrap()));
            assert!(job.is_ok());
        }
        drop(sender);
        let mut done: Vec<(i32, bool)> = receiver.iter().map(|(i, there)| (i, there != here)).collect();
        done.sort_unstable();
        assert_eq!(done, (0..1_000).map(|i| (i, true)).collect::<Vec<_>>());
    }
}
