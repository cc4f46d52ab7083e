//! Work that is done by two threads where there is much of it.
//!
//! For programs that ask for it ([`allow`]): a library starts no thread in a program that does not expect one, and PHP's
//! processes fork.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

/// Runs the same in as many threads as there are for it.
type Runner = fn(&(dyn Fn() + Sync));

/// Set by those who allow a second thread. It is a value, so that a program which never allows one does not contain what starts
/// it: the extension is to stay small.
static RUNNER: OnceLock<Runner> = OnceLock::new();

/// Address space of the second thread's stack. What it does not touch takes no memory.
const STACK: usize = 256 << 10;

/// From now on two threads of this process do large work, if `threads`, those that may run at a time, are two at least.
pub fn allow(threads: usize) {
    if threads > 1 {
        let _only_the_first = RUNNER.set(|work| run_twice(STACK, work));
    }
}

/// Whether a second thread may be started.
#[must_use]
pub fn is_allowed() -> bool {
    RUNNER.get().is_some()
}

/// Does `work` for each of the parts. If it `is_much`, a second thread takes parts, too, each thread the next one whenever
/// it has done one. So neither waits for a part of the other, and where the second one cannot be started, or comes too
/// late, the caller does all.
///
/// # Panics
/// If `work` does.
pub fn share<I: Iterator + Send>(is_much: bool, parts: I, work: impl Fn(I::Item) + Sync) {
    match RUNNER.get() {
        Some(runner) if is_much => share_by(*runner, parts, work),
        _ => parts.for_each(work),
    }
}

fn share_by<I: Iterator + Send>(runner: Runner, parts: I, work: impl Fn(I::Item) + Sync) {
    let parts = Mutex::new(parts);
    let next = || parts.lock().unwrap_or_else(PoisonError::into_inner).next();
    runner(&|| std::iter::from_fn(next).for_each(&work));
}

/// Runs the same in this thread and in a second one, if the system has one.
fn run_twice(stack: usize, work: &(dyn Fn() + Sync)) {
    thread::scope(|scope| {
        let second = thread::Builder::new().name("second".into()).stack_size(stack);
        let _without_it_if_refused = second.spawn_scoped(scope, work);
        work();
    });
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::{collections::HashSet, panic::catch_unwind, sync::Barrier};

    fn done(is_much: bool, count: usize) -> Vec<usize> {
        let done = Mutex::new(Vec::new());
        share(is_much, 0..count, |part| done.lock().unwrap().push(part));
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        done
    }

    #[test]
    fn each_part_is_done_once() {
        for count in [0, 1, 2, 1000] {
            assert_eq!(done(true, count), (0..count).collect::<Vec<_>>());
        }
        allow(2);
        for (is_much, count) in [(false, 7), (true, 0), (true, 1), (true, 2), (true, 1000)] {
            assert_eq!(done(is_much, count), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri refuses no thread")]
    fn caller_does_all_where_the_system_refuses_a_thread() {
        let (caller, done) = (thread::current().id(), Mutex::new(Vec::new()));
        let more_than_there_is: Runner = |work| run_twice(1 << 56, work);
        share_by(more_than_there_is, 0..100, |part| {
            assert_eq!(thread::current().id(), caller);
            done.lock().unwrap().push(part);
        });
        assert_eq!(done.into_inner().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn two_threads_take_parts() {
        allow(2);
        let (both, threads) = (Barrier::new(2), Mutex::new(HashSet::new()));
        share(true, 0..2, |_| {
            both.wait();
            threads.lock().unwrap().insert(thread::current().id());
        });
        assert_eq!(threads.into_inner().unwrap().len(), 2);
    }

    #[test]
    fn panic_in_either_thread_is_the_callers() {
        allow(2);
        for bad in 0..2 {
            let both = Barrier::new(2);
            let caught = catch_unwind(|| {
                share(true, 0..2, |part| {
                    both.wait();
                    assert_ne!(part, bad, "on purpose");
                });
            });
            assert!(caught.is_err());
        }
    }
}
