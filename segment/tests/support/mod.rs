//! Segments for tests: a key of their own each, removed at the end, also of a failed test.
#![allow(dead_code, unreachable_pub, missing_docs)] // shared by test binaries, each of which uses its part

pub mod crash;
pub mod trials;
pub mod workers;

use nix::unistd::{ForkResult, Pid, fork};
use promshm_segment::{
    Config, Definition, GaugeMode, Kind, NativeBuckets, NativeIndex, Reader, SegmentName, Writer,
    config::ObjectName,
    format::{hints, ring},
    memory::atomic::{Cell, Word},
    os,
    snapshot::SlotState,
};
use std::os::fd::OwnedFd;

/// Whether these are the suites as `posix.rs` runs them, on POSIX objects.
pub const POSIX: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"posix");

/// Settings with a segment for one test; removes it when dropped.
pub struct Place {
    pub config: Config,
    owner: u32,
}

impl Place {
    pub fn new() -> Self {
        static NEXT: Word = Word::new(0);
        let number = NEXT.fetch_add(1) as u32 & 0xff;
        let own = std::process::id() << 8 | number;
        let key = (0x4000_0000 | own & 0x3fff_ffff).cast_signed();
        let module = module_path!().replace("::", "-");
        let object = ObjectName::new(&format!("test-{}-{number}-{module}", std::process::id())).unwrap();
        let config = Config {
            name: if POSIX { SegmentName::Posix(object) } else { SegmentName::Sysv(key) },
            size: 16 << 20,
            max_series: 1000,
            max_processes: 16,
            ..Config::default()
        };
        Self { config, owner: std::process::id() }
    }

    pub fn writer(&self) -> Writer {
        Writer::attach(&self.config).expect("the segment can be attached")
    }

    pub fn reader(&self) -> Reader {
        Reader::attach(self.config.name).expect("the segment can be read")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            let _may_be_gone = os::remove(&self.config.name);
        }
    }
}

pub fn counter(name: &str, labels: &[&str]) -> Definition {
    Definition::new(name, "", Kind::Counter, labels, &[]).unwrap()
}

pub fn gauge(name: &str, mode: GaugeMode) -> Definition {
    Definition::new(name, "", Kind::Gauge(mode), &[], &[]).unwrap()
}

pub fn histogram(name: &str) -> Definition {
    Definition::new(name, "", Kind::Histogram, &[], &[1.0, 2.0]).unwrap()
}

/// A native histogram with a bucket for each power of two from 1/4 to 4.
pub fn native_with(name: &str, labels: &[&str]) -> Definition {
    let buckets = NativeBuckets::new(2.0, 0.25, 4.0).unwrap();
    Definition::new(name, "", Kind::NativeHistogram(buckets), labels, &[]).unwrap()
}

/// A native histogram of many groups of cells, with eight buckets for each power of two from 2^-20 to 2^16.
pub fn wide_native_with(name: &str, labels: &[&str]) -> Definition {
    let buckets = NativeBuckets::new(1.1, 1e-6, 65_536.0).unwrap();
    Definition::new(name, "", Kind::NativeHistogram(buckets), labels, &[]).unwrap()
}

/// Adds to a counter as the extension does.
pub fn count(writer: &mut Writer, definition: &Definition, labels: &[&str], by: f64) {
    let family = writer.register(definition).expect("room for a family");
    let series = writer.resolve(family, labels).expect("room for a series");
    if series.shared { series.cells[0].add_shared(by) } else { series.cells[0].add_owned(by) }
}

/// Observes as the extension does: a native histogram's hint, the bucket, then the sum.
pub fn observe(writer: &mut Writer, definition: &Definition, value: f64, times: u64) {
    observe_into(writer, definition, &[], value, times);
}

/// The same with labels.
pub fn observe_into(writer: &mut Writer, definition: &Definition, labels: &[&str], value: f64, times: u64) {
    let family = writer.register(definition).expect("room for a family");
    let series = writer.resolve(family, labels).expect("room for a series");
    let bucket = match definition.kind {
        Kind::NativeHistogram(buckets) => NativeIndex::new(buckets).of(value),
        _ => definition.cell_bounds().iter().filter(|bound| value > **bound).count(),
    };
    if let Kind::NativeHistogram(_) = definition.kind {
        let observe = if series.shared { hints::observe_shared } else { hints::observe_owned };
        return (0..times).for_each(|_| observe(series.cells, bucket, value));
    }
    let add = |cell: &Cell, by| if series.shared { cell.add_shared(by) } else { cell.add_owned(by) };
    for _ in 0..times {
        add(&series.cells[bucket], 1.0);
        add(&series.cells[series.cells.len() - 1], value);
    }
}

pub fn summary(name: &str, labels: &[&str]) -> Definition {
    Definition::new(name, "", Kind::Summary { max_age: 600 }, labels, &[0.5, 0.99]).unwrap()
}

/// Observes into a summary as the extension does, at that time. Answers whether the sample was kept.
pub fn sample(writer: &mut Writer, definition: &Definition, labels: &[&str], when: u64, value: f64) -> bool {
    let rings = writer.rings();
    let family = writer.register(definition).expect("room for a family");
    let series = writer.resolve(family, labels).expect("room for a series");
    let number = ring::ring_of(series.cells);
    // SAFETY: the writer stays attached meanwhile.
    let ring = rings.and_then(|rings| unsafe { rings.ring(number) });
    let observe = if series.shared { ring::observe_shared } else { ring::observe_owned };
    observe(series.cells, ring, when, value)
}

/// A process that has counted `c` once.
pub fn count_one(place: &Place) -> Writer {
    let mut writer = place.writer();
    count(&mut writer, &counter("c", &[]), &[], 1.0);
    writer
}

/// The total of `c`.
pub fn total(place: &Place) -> Option<f64> {
    value(&mut place.reader(), "c")
}

/// The number of slots with a living owner.
pub fn live(place: &Place) -> u64 {
    place.reader().scrape().unwrap().stats.slots_in(SlotState::Live)
}

/// Forks a process that does some work; its exit status is 1 if that panicked.
pub fn fork_to(work: impl FnOnce()) -> Pid {
    // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
            // SAFETY: ends this process without running the test binary's exit handlers.
            unsafe { libc::_exit(i32::from(failed)) }
        }
    }
}

/// Sets a gauge as the extension does.
pub fn set(writer: &mut Writer, definition: &Definition, to: f64) {
    let family = writer.register(definition).expect("room for a family");
    writer.resolve(family, &[]).expect("room for a series").cells[0].set(to);
}

/// The rows of a family: label values and numbers. Empty if it is not exported.
pub fn rows(reader: &mut Reader, name: &str) -> Vec<(Vec<String>, Vec<f64>)> {
    let snapshot = reader.scrape().expect("a scrape");
    let family = snapshot.families.iter().find(|family| family.definition.name == name);
    let rows = family.into_iter().flat_map(promshm_segment::Family::rows);
    rows.map(|row| (row.labels().map(String::from).collect(), row.values().to_vec())).collect()
}

/// The only number of an unlabelled counter or gauge.
pub fn value(reader: &mut Reader, name: &str) -> Option<f64> {
    rows(reader, name).first().map(|(_, values)| values[0])
}

/// A histogram with labels and the usual three buckets of these tests.
pub fn histogram_with(name: &str, labels: &[&str]) -> Definition {
    Definition::new(name, "", Kind::Histogram, labels, &[1.0, 2.0]).unwrap()
}

/// A pseudo-random sequence that is the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 31
    }
}

/// Whether there is time for more.
pub fn soak() -> bool {
    std::env::var_os("PROMSHM_SOAK").is_some_and(|value| value != "0")
}

/// Seconds that only a hanging test takes, however busy the machine is.
pub fn patience() -> u32 {
    if soak() { 3600 } else { 900 }
}

/// Waits for what the kernel does in its own time, such as closing descriptors in an exec; the watchdog ends a wait
/// for what never comes.
pub fn until(mut happened: impl FnMut() -> bool) {
    let _watchdog = Watchdog::new();
    while !happened() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// Ends a test that hangs; it does not limit how long a test may take otherwise.
pub struct Watchdog(#[allow(dead_code)] std::sync::mpsc::Sender<()>);

impl Watchdog {
    pub fn new() -> Self {
        let (alive, watched) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let gone = watched.recv_timeout(std::time::Duration::from_secs(patience().into()));
            if gone == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                eprintln!("the test hangs");
                std::process::abort();
            }
        });
        Self(alive)
    }
}

/// The place's key.
pub fn key(place: &Place) -> i32 {
    match place.config.name {
        SegmentName::Sysv(key) => key,
        name @ (SegmentName::Posix(_) | SegmentName::Memory) => panic!("{name:?} is no key"),
    }
}

/// Where the place's object is.
pub fn path(place: &Place) -> String {
    match place.config.name {
        SegmentName::Sysv(key) => panic!("{key} is no object"),
        SegmentName::Posix(name) => format!("/dev/shm/{}", name.as_str()),
        SegmentName::Memory => panic!("it has no file"),
    }
}

fn shm_id(place: &Place) -> i32 {
    // SAFETY: no pointers are passed.
    unsafe { libc::shmget(key(place), 0, 0) }
}

/// Removes the memory as `ipcrm` or `rm` does, whichever segment uses the name now.
pub fn remove_by_hand(place: &Place) {
    if POSIX {
        return std::fs::remove_file(path(place)).unwrap();
    }
    // SAFETY: IPC_RMID takes no argument.
    assert_eq!(unsafe { libc::shmctl(shm_id(place), libc::IPC_RMID, std::ptr::null_mut()) }, 0);
}

/// Memory that another program has made.
pub fn foreign_memory(place: &Place, bytes: usize) -> Option<std::fs::File> {
    if POSIX {
        let file = std::fs::File::create_new(path(place)).unwrap();
        file.set_len(bytes as u64).unwrap();
        return Some(file);
    }
    // SAFETY: no pointers are passed.
    assert!(unsafe { libc::shmget(key(place), bytes, libc::IPC_CREAT | 0o600) } >= 0);
    None
}

/// Bytes of the segment that are in memory, as the kernel says.
pub fn resident(place: &Place) -> u64 {
    if POSIX {
        return std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(path(place)).unwrap()) * 512;
    }
    let list = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let fields = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    let line = list.lines().map(fields).find(|line| line[0] == key(place).to_string()).unwrap();
    line[14].parse().unwrap()
}

/// How many kernel objects the place's name leads to: `shm` or `sem`. An object holds both.
pub fn kernel_objects(kind: &str, place: &Place) -> usize {
    if POSIX {
        return usize::from(std::fs::exists(path(place)).unwrap());
    }
    let key = key(place);
    let list = std::fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap();
    list.lines().filter(|line| line.split_whitespace().next() == Some(key.to_string().as_str())).count()
}

/// A forked process that runs `work` and then waits to be killed or told to end.
pub struct Child {
    pid: Pid,
    /// Closing it lets the child end.
    hold: Option<std::io::PipeWriter>,
    reaped: bool,
}

impl Child {
    /// Starts it and waits until `work` is done.
    pub fn run(work: impl FnOnce()) -> Self {
        let (mut done_read, done_write) = std::io::pipe().unwrap();
        let (hold_read, hold_write) = std::io::pipe().unwrap();
        // SAFETY: the test binary is single-threaded where it matters: nextest runs one test a process.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                drop((done_read, hold_write));
                let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err();
                let outcome = std::io::Write::write_all(&mut { done_write }, &[u8::from(failed)]);
                let _ended = std::io::Read::read(&mut { hold_read }, &mut [0]);
                // SAFETY: ends this process without running the test binary's exit handlers.
                unsafe { libc::_exit(i32::from(outcome.is_err())) }
            }
            ForkResult::Parent { child } => {
                drop((done_write, OwnedFd::from(hold_read)));
                let mut failed = [2];
                std::io::Read::read_exact(&mut done_read, &mut failed).expect("the child reports");
                assert_eq!(failed, [0], "the child's work failed");
                Self { pid: child, hold: Some(hold_write), reaped: false }
            }
        }
    }

    /// Kills it, whatever it does.
    pub fn kill(mut self) {
        nix::sys::signal::kill(self.pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        self.reap();
    }

    /// Lets it end.
    pub fn end(mut self) {
        self.reap();
    }

    fn reap(&mut self) {
        drop(self.hold.take());
        if !std::mem::replace(&mut self.reaped, true) {
            nix::sys::wait::waitpid(self.pid, None).unwrap();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.reap();
    }
}
