//! Workers that report each update, are killed and are started again.

use super::Random;
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, fork},
};
use std::{
    io::{PipeReader, PipeWriter, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The report of a worker's attachment.
pub const START: u8 = 63;
/// The report of its clean exit.
pub const LEAVE: u8 = 62;
const END: u8 = 64;

/// A worker's end of the pipe.
pub struct Report(PipeWriter, u8);

impl Report {
    /// Reports that an update of this kind begins.
    pub fn begin(&mut self, kind: u8) {
        self.0.write_all(&[self.1, kind]).unwrap();
    }

    /// Reports that it is done.
    pub fn end(&mut self, kind: u8) {
        self.0.write_all(&[self.1, kind | END]).unwrap();
    }
}

struct Worker {
    pid: Pid,
    begun: bool,
    started: bool,
}

/// A worker's life: where it reports, its number, and a seed.
type Work<'w> = dyn Fn(&mut Report, u8, u64) + 'w;

/// The workers, and what they have reported by kind.
pub struct Crew<'w> {
    work: Box<Work<'w>>,
    reports: PipeReader,
    report_to: PipeWriter,
    workers: Vec<Worker>,
    seeds: Random,
    pub begun: Vec<u64>,
    pub ended: Vec<u64>,
    pub kills: u64,
    /// Those of them that came before the worker had reported its start, or after it began to leave.
    pub kills_outside_work: u64,
    pub clean_exits: u64,
}

impl<'w> Crew<'w> {
    pub fn start(size: u8, work: impl Fn(&mut Report, u8, u64) + 'w) -> Self {
        let (reports, report_to) = std::io::pipe().unwrap();
        fcntl(&reports, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
        let mut crew = Self {
            work: Box::new(work),
            reports,
            report_to,
            workers: Vec::new(),
            seeds: Random(3),
            begun: vec![0; 64],
            ended: vec![0; 64],
            kills: 0,
            kills_outside_work: 0,
            clean_exits: 0,
        };
        for number in 0..size {
            let pid = crew.spawn(number);
            crew.workers.push(Worker { pid, begun: false, started: false });
        }
        crew
    }

    fn spawn(&mut self, number: u8) -> Pid {
        let seed = self.seeds.next();
        // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
        match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => child,
            ForkResult::Child => {
                let mut report = Report(self.report_to.try_clone().unwrap(), number);
                let failed =
                    catch_unwind(AssertUnwindSafe(|| (self.work)(&mut report, number, seed))).is_err();
                // SAFETY: ends this process without running the test binary's exit handlers.
                unsafe { libc::_exit(i32::from(failed)) }
            }
        }
    }

    /// Reads all available reports.
    pub fn drain(&mut self) {
        let mut buffer = [0; 8192];
        loop {
            let bytes = match self.reports.read(&mut buffer) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            };
            for report in buffer[..bytes].chunks_exact(2) {
                self.take_in(report[0], report[1]);
            }
        }
    }

    fn take_in(&mut self, worker: u8, report: u8) {
        let kind = report & !END;
        let ended = report & END != 0;
        let counts = if ended { &mut self.ended } else { &mut self.begun };
        counts[usize::from(kind)] += 1;
        if kind == START {
            let worker = &mut self.workers[usize::from(worker)];
            (worker.begun, worker.started) = (true, ended);
        }
        if kind == LEAVE {
            self.workers[usize::from(worker)].started = false;
        }
    }

    /// How many updates of that kind there were: at least the ended, at most the begun.
    pub fn reported(&self, kind: u8) -> std::ops::RangeInclusive<u64> {
        self.ended[usize::from(kind)]..=self.begun[usize::from(kind)]
    }

    /// Waits until every worker of the first crew has reported its start.
    pub fn wait_for_starts(&mut self) {
        while self.ended[usize::from(START)] < self.workers.len() as u64 {
            std::thread::sleep(std::time::Duration::from_millis(1));
            self.drain();
        }
    }

    /// Kills one worker, wherever it is, and starts it again.
    pub fn replace(&mut self, number: u8) {
        self.end(usize::from(number));
        let pid = self.spawn(number);
        self.workers[usize::from(number)] = Worker { pid, begun: false, started: false };
    }

    pub fn kill_all(&mut self) {
        (0..self.workers.len()).for_each(|number| self.end(number));
        self.workers.clear();
    }

    fn end(&mut self, number: usize) {
        let pid = self.workers[number].pid;
        kill(pid, Signal::SIGKILL).unwrap();
        let status = waitpid(pid, None).unwrap();
        self.drain(); // its last reports, before another worker reports under its number
        match status {
            WaitStatus::Signaled(_, Signal::SIGKILL, _) => {
                self.kills += 1;
                self.kills_outside_work += u64::from(!self.workers[number].started);
            }
            WaitStatus::Exited(_, 0) => self.clean_exits += 1,
            other => panic!("a worker failed: {other:?}"),
        }
    }

    /// Stops or continues all living workers.
    pub fn signal_all(&self, signal: Signal) {
        for worker in &self.workers {
            kill(worker.pid, signal).unwrap();
        }
        if signal == Signal::SIGSTOP {
            self.workers.iter().for_each(|worker| wait_stopped(worker.pid));
        }
    }

    /// Bits of the workers that have certainly started and not begun to leave.
    pub fn started(&self) -> u64 {
        self.bits(|worker| worker.started)
    }

    /// Bits of the workers that have begun to start, and are alive.
    pub fn perhaps_started(&self) -> u64 {
        self.bits(|worker| worker.begun && !has_gone(worker.pid))
    }

    fn bits(&self, is_in: impl Fn(&Worker) -> bool) -> u64 {
        let workers = self.workers.iter().enumerate();
        workers.filter(|(_, worker)| is_in(worker)).map(|(number, _)| 1 << number).sum()
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for worker in &self.workers {
            let _gone = kill(worker.pid, Signal::SIGKILL);
            let _gone = waitpid(worker.pid, None);
        }
    }
}

/// Whether it is a zombie, or past its clean exit and about to be one.
fn has_gone(pid: Pid) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match nix::sys::wait::waitid(nix::sys::wait::Id::Pid(pid), flags) {
        Ok(WaitStatus::StillAlive) => false,
        Ok(_) | Err(Errno::ECHILD) => true,
        Err(error) => panic!("{error}"),
    }
}

fn wait_stopped(pid: Pid) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT;
    nix::sys::wait::waitid(nix::sys::wait::Id::Pid(pid), flags).unwrap();
}

/// Processes that have run, wait, and are killed when this is dropped.
pub struct Racers(Vec<Pid>);

impl Drop for Racers {
    fn drop(&mut self) {
        for racer in &self.0 {
            let _gone = kill(*racer, Signal::SIGKILL);
            let _gone = waitpid(*racer, None);
        }
    }
}

/// Repeats `step` in a process of its own until what is returned is dropped, or the test ends in any other way.
pub fn repeat(mut step: impl FnMut()) -> Racers {
    let parent = nix::unistd::getpid();
    // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => Racers(vec![child]),
        ForkResult::Child => {
            let work = || {
                nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).unwrap();
                while nix::unistd::getppid() == parent {
                    (0..1000).for_each(|_| step());
                }
            };
            let failed = catch_unwind(AssertUnwindSafe(work)).is_err();
            // SAFETY: ends this process without running the test binary's exit handlers.
            unsafe { libc::_exit(i32::from(failed)) }
        }
    }
}

/// Lets `count` processes run `work` at the same instant; returns their results while they live.
pub fn race(count: usize, work: impl Fn() -> u16) -> (Racers, Vec<u16>) {
    let (gate, open) = std::io::pipe().unwrap();
    let (mut answers, answer) = std::io::pipe().unwrap();
    let racer = || {
        // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
        match unsafe { fork() }.unwrap() {
            ForkResult::Parent { child } => child,
            ForkResult::Child => {
                let _open = (&gate).read(&mut [0]);
                let number = catch_unwind(AssertUnwindSafe(&work)).unwrap_or(u16::MAX);
                let _answered = (&answer).write_all(&number.to_le_bytes());
                loop {
                    std::thread::park();
                }
            }
        }
    };
    let racers = Racers((0..count).map(|_| racer()).collect());
    (&open).write_all(&vec![0; count]).unwrap();
    let mut bytes = vec![0; 2 * count];
    answers.read_exact(&mut bytes).unwrap();
    let numbers = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    (racers, numbers.collect())
}
