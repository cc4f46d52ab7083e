//! Threads that enter another IPC namespace.
//!
//! Such a thread does one piece of work and ends. None comes back to be used for anything else, so none can be in
//! a namespace that it should have left. Whoever asked waits for a limited time: what hangs costs a thread, not the
//! one who waits.

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
    sys::stat::{fstat, stat},
    time::{ClockId, clock_gettime},
};
use promshm_segment::os::Place;
use std::{
    collections::HashMap,
    iter,
    os::fd::OwnedFd,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Enough for a scrape; the default of some C libraries is larger, and some have less.
const STACK: usize = 1 << 20;

/// Why a piece of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VisitError {
    /// There was no thread, or the namespace could not be entered.
    Enter(Errno),
    /// It was not done in time, and perhaps never will be.
    Late,
    Panicked,
}

/// An IPC namespace that can be entered.
pub(super) struct Namespace {
    descriptor: OwnedFd,
    /// Whether each new thread is in it: nobody needs a right for what is there already.
    is_own: bool,
}

impl Namespace {
    pub(super) fn of(descriptor: OwnedFd) -> Self {
        let own = stat("/proc/self/ns/ipc").map(|own| own.st_ino);
        let is_own = own.is_ok() && fstat(&descriptor).map(|found| found.st_ino) == own;
        Self { descriptor, is_own }
    }

    fn enter(&self) -> Result<(), Errno> {
        if self.is_own { Ok(()) } else { setns(&self.descriptor, CloneFlags::CLONE_NEWIPC) }
    }
}

/// Does work in a namespace; returns its result and the CPU time that it took.
pub(super) fn visit<T: Send + 'static>(
    namespace: &Arc<Namespace>,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, Duration), VisitError> {
    let namespace = Arc::clone(namespace);
    let enter_and_work = move || namespace.enter().map(|()| work());
    let results = aside(move |results: &Sender<_>| {
        let result = enter_and_work();
        let _ = results.send((result, cpu_time())); // nobody waits any more
    })?;
    match results.recv_timeout(limit) {
        Ok((Ok(result), took)) => Ok((result, took)),
        Ok((Err(errno), _)) => Err(VisitError::Enter(errno)),
        Err(RecvTimeoutError::Timeout) => Err(VisitError::Late),
        Err(RecvTimeoutError::Disconnected) => Err(VisitError::Panicked),
    }
}

/// Does work that may hang for one item after the other, in no other namespace. The results are fewer than the items
/// if one did not come in time: the first one that is missing hangs. One thread does them all, because starting one
/// costs more than most of this work; its CPU time is returned too.
pub(super) fn bounded_each<I: Send + 'static, T: Send + 'static>(
    limit: Duration,
    items: Vec<I>,
    work: impl Fn(&I) -> T + Send + 'static,
) -> (Vec<T>, Duration) {
    let work_on_each = move |results: &Sender<(T, Duration)>| {
        // An error: nobody waits any more.
        let _ = items.iter().try_for_each(|item| results.send((work(item), cpu_time())));
    };
    let Ok(results) = aside(work_on_each) else { return (Vec::new(), Duration::ZERO) };
    let (found, times): (Vec<T>, Vec<Duration>) = iter::from_fn(|| results.recv_timeout(limit).ok()).unzip();
    (found, times.last().copied().unwrap_or_default())
}

/// Which of the namespaces may have segments; those that could not be looked at in time are absent. One thread goes
/// from one to the next: one that it cannot enter it does not look at.
pub(super) fn look_at_each(
    mut namespaces: Vec<(u64, Arc<Namespace>, Place)>,
    limit: Duration,
) -> (HashMap<u64, bool>, Duration) {
    let until = Instant::now() + limit;
    let (mut found, mut took) = (HashMap::new(), Duration::ZERO);
    namespaces.sort_by_key(|(_, namespace, _)| !namespace.is_own); // the thread does not come back to it
    let look = move |results: &Sender<(u64, bool, Duration)>| {
        for (inode, namespace, place) in namespaces {
            if namespace.enter().is_ok() {
                let _ = results.send((inode, place.may_have_segments(), cpu_time()));
            }
        }
    };
    let Ok(results) = aside(look) else { return (found, took) };
    while let Ok((inode, has_any, so_far)) =
        results.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        found.insert(inode, has_any);
        took = so_far;
    }
    (found, took)
}

fn aside<T: Send + 'static>(
    work: impl FnOnce(&Sender<T>) + Send + 'static,
) -> Result<Receiver<T>, VisitError> {
    let (sender, results) = channel();
    let thread = thread::Builder::new().name("visit".into()).stack_size(STACK);
    let started = thread.spawn(move || work(&sender));
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or_default());
    started.map(|_| results).map_err(|error| VisitError::Enter(errno(error)))
}

/// The CPU time that this thread has taken.
pub(super) fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Into::into).unwrap_or_default()
}
