//! Workers: in this process through [`Counting`], or in a child process that can be killed.

use super::{WATCHDOG, segment::OwnSegment};
use promshm_segment::{Config, Definition, Kind, Writer};
use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::channel,
    thread,
};

const KEY: &str = "PROMSHM_TEST_WORKER";
const READY: &str = "the worker has counted";

/// Settings for a test's segment.
pub fn config(own: &OwnSegment) -> Config {
    Config { name: own.name, size: 64 << 20, max_series: 1000, max_processes: 16, ..Config::default() }
}

/// The counter that most tests use.
pub fn jobs() -> Definition {
    Definition::new("jobs_total", "Jobs done.", Kind::Counter, &["queue"], &[]).expect("a good definition")
}

/// Counts as the extension does.
pub trait Counting {
    /// Adds to a counter's series.
    fn count(&mut self, definition: &Definition, labels: &[&str], by: f64);
}

impl Counting for Writer {
    fn count(&mut self, definition: &Definition, labels: &[&str], by: f64) {
        let family = self.register(definition).expect("room for a family");
        let series = self.resolve(family, labels).expect("room for a series");
        if series.shared { series.cells[0].add_shared(by) } else { series.cells[0].add_owned(by) }
    }
}

/// A worker process that has counted once and waits.
pub struct Worker {
    child: Child,
    /// Closing it makes the worker exit cleanly.
    hold: Option<ChildStdin>,
}

impl Worker {
    /// Runs this test binary again, with [`be_a_worker`] as its only test.
    pub fn start(own: &OwnSegment, mails: u32) -> Self {
        let mut command = Command::new(env::current_exe().expect("the test binary"));
        command.args(["--ignored", "--exact", "worker_process", "--nocapture"]);
        command.env(KEY, format!("{} {mails}", own.name)).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the worker starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        // Reads to the end: a test harness whose output is closed fails.
        thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        while lines.recv_timeout(WATCHDOG).expect("the worker counts") != READY {}
        let hold = child.stdin.take();
        Self { child, hold }
    }

    /// Sends SIGKILL, as the OOM killer does.
    pub fn kill(mut self) {
        self.child.kill().expect("the worker lives");
        self.child.wait().expect("a child");
    }

    /// Lets it say goodbye.
    pub fn end(mut self) {
        drop(self.hold.take());
        assert!(self.child.wait().expect("a child").success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The worker's own life; does nothing unless [`Worker::start`] asked for it.
pub fn be_a_worker() {
    let Ok(words) = env::var(KEY) else { return };
    let (name, mails) = words.split_once(' ').expect("a segment and a number");
    let name = name.parse().expect("a segment's name");
    let own = std::mem::ManuallyDrop::new(OwnSegment { name }); // it is the test's to remove
    let mut writer = Writer::attach(&config(&own)).expect("the segment can be attached");
    writer.count(&jobs(), &["mail"], mails.parse().expect("a number"));
    println!("\n{READY}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    writer.clean_exit(false);
}
