//! Processes that die or stop at a chosen crash point.

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, fork},
};
use promshm_segment::crash;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// At the chosen step.
    Died,
    /// Its work has fewer steps than that.
    Completed,
}

/// Forks a process that prepares, and then dies at the `point`th step of `act`.
pub fn die_at<T>(point: u64, prepare: impl FnOnce() -> T, act: impl FnOnce(&mut Option<T>)) -> Fate {
    match wait(start(point, Signal::SIGKILL, prepare, act), WaitPidFlag::empty()) {
        WaitStatus::Signaled(_, Signal::SIGKILL, _) => Fate::Died,
        WaitStatus::Exited(_, 0) => Fate::Completed,
        other => panic!("the victim neither died nor completed: {other:?}"),
    }
}

/// A process that stands still at some step.
pub struct Stopped(Pid);

/// Forks a process that stops at the `point`th step of `act`; `None` if it completed instead.
pub fn stop_at<T>(
    point: u64,
    prepare: impl FnOnce() -> T,
    act: impl FnOnce(&mut Option<T>),
) -> Option<Stopped> {
    let victim = start(point, Signal::SIGSTOP, prepare, act);
    match wait(victim, WaitPidFlag::WUNTRACED) {
        WaitStatus::Stopped(..) => Some(Stopped(victim)),
        WaitStatus::Exited(_, 0) => None,
        other => panic!("the victim neither stopped nor completed: {other:?}"),
    }
}

impl Stopped {
    /// Continues it, and waits until it has completed its work.
    pub fn go_on(self) {
        kill(self.0, Signal::SIGCONT).unwrap();
        assert_eq!(wait(self.0, WaitPidFlag::empty()), WaitStatus::Exited(self.0, 0));
        std::mem::forget(self);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _gone = kill(self.0, Signal::SIGKILL);
        let _gone = waitpid(self.0, None);
    }
}

fn wait(victim: Pid, flags: WaitPidFlag) -> WaitStatus {
    waitpid(victim, Some(flags)).expect("the victim is ours")
}

/// The process ends without cleanup, like a killed one, except for its exit status.
fn start<T>(
    point: u64,
    signal: Signal,
    prepare: impl FnOnce() -> T,
    act: impl FnOnce(&mut Option<T>),
) -> Pid {
    // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let work = || {
                let mut prepared = Some(prepare());
                crash::arm(point, signal);
                act(&mut prepared);
                crash::disarm();
                std::mem::forget(prepared);
            };
            let failed = catch_unwind(AssertUnwindSafe(work)).is_err();
            // SAFETY: ends this process without running the test binary's exit handlers.
            unsafe { libc::_exit(i32::from(failed)) }
        }
    }
}
