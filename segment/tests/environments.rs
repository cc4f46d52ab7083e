//! Forks, execs, namespaces, permissions and removal by hand.

mod support;

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Gid, Pid, Uid, setgid, setgroups, setsid, setuid},
};
use promshm_segment::{
    AttachError, GaugeMode, ReadError, Reader, Writer,
    snapshot::{Liveness, SlotState},
};
use std::{os::unix::process::CommandExt, process::Command};
use support::*;

// Forks.

#[test]
fn many_forks_after_the_claim_lose_nothing() {
    let place = Place::new();
    let writer = count_one(&place);
    let mut inherited = Some(writer);
    for _ in 0..100 {
        Child::run(|| {
            let mut writer = inherited.take().unwrap().forked();
            count(&mut writer, &counter("c", &[]), &[], 1.0);
            writer.clean_exit(false);
        })
        .end();
    }
    assert_eq!(total(&place), Some(101.0));
    assert_eq!(place.reader().scrape().unwrap().stats.slots.len(), 3);
}

#[test]
fn grandchildren_that_fork_at_once_lose_nothing() {
    let mut place = Place::new();
    place.config.max_processes = 40;
    let mut inherited = Some(count_one(&place));
    let (racers, slots) = workers::race(30, || {
        let taken: *const Option<Writer> = &raw const inherited;
        // SAFETY: each racer is a process of its own, with its own copy.
        let mut writer = unsafe { taken.read() }.unwrap().forked();
        count(&mut writer, &counter("c", &[]), &[], 1.0);
        let slot = writer.slot();
        std::mem::forget(writer);
        slot as u16
    });
    let distinct: std::collections::BTreeSet<_> = slots.into_iter().collect();
    assert_eq!((distinct.len(), total(&place)), (30, Some(31.0)));
    drop(racers);
    inherited.take().unwrap().clean_exit(false);
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!((stats.exits_abrupt, stats.exits_clean), (30, 1));
}

/// The first process claims, forks and exits; so does the second; the daemon continues in a slot of its own.
#[test]
fn daemon_that_forked_twice_counts() {
    let place = Place::new();
    let (done, finished) = std::io::pipe().unwrap();
    let daemon = |writer: Writer| {
        let mut writer = writer.forked();
        count(&mut writer, &counter("c", &[]), &[], 1.0);
        std::io::Write::write_all(&mut &finished, b"!").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(600));
    };
    let starter = fork_to(|| {
        let writer = count_one(&place);
        setsid().unwrap();
        fork_to(|| {
            fork_to(|| daemon(writer));
        });
    });
    std::io::Read::read_exact(&mut &done, &mut [0]).unwrap();
    assert_eq!(waitpid(starter, None).unwrap(), WaitStatus::Exited(starter, 0));
    assert_eq!((total(&place), live(&place)), (Some(2.0), 1));
    let slots = place.reader().scrape().unwrap().stats.slots.clone();
    let daemon = slots.iter().find(|slot| slot.index > 0 && slot.state == SlotState::Live).unwrap();
    kill(Pid::from_raw(daemon.pid.cast_signed()), Signal::SIGKILL).unwrap();
    until(|| live(&place) == 0);
}

#[test]
fn zombie_holds_no_slot() {
    let place = Place::new();
    let zombie = fork_to(|| std::mem::forget(count_one(&place)));
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    nix::sys::wait::waitid(nix::sys::wait::Id::Pid(zombie), flags).unwrap();
    assert_eq!(live(&place), 0);
    let next_owner = count_one(&place);
    assert_eq!(next_owner.slot(), 1, "it is free although its owner is not reaped");
    assert_eq!(waitpid(zombie, None).unwrap(), WaitStatus::Exited(zombie, 0));
    next_owner.clean_exit(false);
}

/// The test binary runs itself again in the same process: the second image takes over.
#[test]
fn exec_does_not_leave_two_claims() {
    const MARK: &str = "PROMSHM_TEST_SECOND_IMAGE";
    let mut place = Place::new();
    let busy = gauge("busy", GaugeMode::Sum);
    if let Ok(key) = std::env::var(MARK) {
        place.config.name = key.parse().unwrap();
        let mut writer = count_one(&place);
        set(&mut writer, &busy, 5.0);
        assert_eq!((value(&mut place.reader(), "busy"), live(&place), writer.slot()), (Some(5.0), 1, 1));
        // SAFETY: ends this image without removing the first image's segment.
        unsafe { libc::_exit(0) }
    }
    let child = fork_to(|| {
        let mut writer = count_one(&place);
        set(&mut writer, &busy, 3.0);
        std::mem::forget(writer);
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", std::thread::current().name().unwrap()])
            .env(MARK, place.config.name.to_string());
        panic!("{}", again.exec());
    });
    assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
    let stats = place.reader().scrape().unwrap().stats.clone();
    // An exec closes what holds an object's slot, which looks like a death.
    let [clean, abrupt] = if POSIX { [0, 2] } else { [1, 1] };
    assert_eq!((stats.worker_starts, stats.exits_clean, stats.exits_abrupt), (2, clean, abrupt));
    assert_eq!(total(&place), Some(2.0));
}

// Namespaces.

/// Runs `work` as process 1 of a new PID namespace.
fn as_init(work: impl FnOnce()) -> Pid {
    // SAFETY: takes flags alone.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID) }, 0);
    fork_to(work)
}

#[test]
fn equal_process_ids_in_two_namespaces_have_separate_slots() {
    only_root_can_become_others();
    let place = Place::new();
    let all = gauge("all", GaugeMode::All);
    let container = |to: f64| {
        Child::run(|| {
            let (done, finished) = std::io::pipe().unwrap();
            as_init(|| {
                assert_eq!(std::process::id(), 1);
                let mut writer = count_one(&place);
                set(&mut writer, &all, to);
                writer.publish_runtime(promshm_segment::Runtime { start: to, ..Default::default() });
                std::mem::forget(writer);
                std::io::Write::write_all(&mut &finished, b"!").unwrap();
                std::thread::sleep(std::time::Duration::from_secs(600));
            });
            std::io::Read::read_exact(&mut &done, &mut [0]).unwrap();
        })
    };
    let (one, two) = (container(1.0), container(2.0));
    let found = rows(&mut place.reader(), "all");
    let labels: Vec<_> = found.iter().map(|(labels, _)| labels[0].as_str()).collect();
    assert_eq!(labels, ["1", "1-2"]);
    let slots = place.reader().scrape().unwrap().stats.slots.clone();
    let told: Vec<_> = slots.into_iter().filter_map(|slot| slot.process).collect();
    let labels: Vec<_> = told.iter().map(|process| process.label.as_str()).collect();
    assert_eq!(labels, ["1", "1-2"], "what they tell of themselves is told apart too");
    assert_eq!(live(&place), 2);
    // The death of a namespace's init takes all its processes, and their slots, with it.
    for child in children_of_namespaces() {
        kill(child, Signal::SIGKILL).unwrap();
    }
    until(|| live(&place) == 0);
    assert_eq!(place.reader().scrape().unwrap().stats.exits_abrupt, 2);
    assert_eq!(total(&place), Some(2.0));
    two.end();
    one.end();
}

/// Grandchildren: the children of our children.
fn children_of_namespaces() -> Vec<Pid> {
    let children = |pid: String| -> Vec<String> {
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        list.split_whitespace().map(String::from).collect()
    };
    let me = std::process::id();
    let threads = std::fs::read_dir(format!("/proc/{me}/task")).unwrap();
    let own = threads.flat_map(|thread| {
        let thread = thread.unwrap().file_name().into_string().unwrap();
        let list = std::fs::read_to_string(format!("/proc/{me}/task/{thread}/children")).unwrap_or_default();
        list.split_whitespace().map(String::from).collect::<Vec<_>>()
    });
    own.flat_map(children).map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

// Removal and other changes by hand.

#[test]
fn handles_of_a_removed_segment_are_stale() {
    let place = Place::new();
    let hot = count_one(&place);
    remove_by_hand(&place);
    until(|| !hot.is_current());
    assert!(!hot.is_current(), "and hears the same until it attaches anew");
}

/// A worker of a replaced segment wipes: the successor keeps its semaphores.
#[test]
fn wipe_of_a_replaced_segment_keeps_its_successor() {
    let place = Place::new();
    let orphan = count_one(&place);
    remove_by_hand(&place);
    let successor = Child::run(|| std::mem::forget(count_one(&place)));
    orphan.wipe().unwrap();
    assert_eq!(kernel_objects("sem", &place), 1);
    // The old segment shares the successor's semaphores; an object has its own lock bytes.
    let living = if POSIX { 1 } else { 2 };
    assert_eq!((total(&place), live(&place)), (Some(1.0), living));
    successor.kill();
    assert_eq!(place.reader().scrape().unwrap().stats.exits_abrupt, 1);
}

/// Another program's memory under our key, and settings that differ between workers.
#[test]
fn existing_objects_under_the_key_are_handled() {
    let place = Place::new();
    let foreign = foreign_memory(&place, 8192);
    let refused = Writer::attach(&place.config).unwrap_err();
    assert_eq!(refused, AttachError::Unusable(ReadError::Foreign { name: place.config.name }));
    drop(foreign);
    remove_by_hand(&place);

    let first = count_one(&place);
    for (size, max_processes) in [(64 << 20, 200), (1 << 20, 4)] {
        let mut other = promshm_segment::Config { size, max_processes, ..place.config.clone() };
        other.max_label_length = 4096;
        let mut writer = Writer::attach(&other).unwrap();
        count(&mut writer, &counter("c", &[]), &[], 1.0);
        assert_ne!(writer.slot(), first.slot());
        writer.clean_exit(false);
    }
    assert_eq!(total(&place), Some(3.0));
    assert_eq!(place.reader().scrape().unwrap().stats.max_processes, 16, "the first one decided");
}

// Users and modes.

const MASTER: u32 = 0;
const WEB: u32 = 33;
const OTHER: u32 = 65_534;
const SHARED_GROUP: u32 = 4242;

/// Runs `work` as another user, in a process of its own that ends with it.
fn as_user(uid: u32, groups: &[u32], work: impl FnOnce()) {
    let child = fork_to(|| {
        setgroups(&groups.iter().map(|gid| Gid::from_raw(*gid)).collect::<Vec<_>>()).unwrap();
        setgid(Gid::from_raw(uid)).unwrap();
        setuid(Uid::from_raw(uid)).unwrap();
        work();
    });
    assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0), "as user {uid}");
}

fn only_root_can_become_others() {
    assert_eq!(nix::unistd::geteuid().as_raw(), MASTER, "this test becomes other users: run it as root");
}

#[test]
fn every_mode_works_or_its_error_names_the_setting() {
    only_root_can_become_others();
    // mode; whether another user may read, and write; whether a user of the shared group may
    let table = [
        (0o600, [false, false], [false, false]),
        (0o640, [false, false], [true, false]),
        (0o604, [true, false], [false, false]),
        (0o644, [true, false], [true, false]),
        (0o660, [false, false], [true, true]),
        (0o666, [true, true], [true, true]),
    ];
    for (mode, stranger, member) in table {
        let mut place = Place::new();
        place.config.mode = mode;
        place.config.group = Some(SHARED_GROUP);
        as_user(WEB, &[SHARED_GROUP], || std::mem::forget(count_one(&place)));
        as_user(OTHER, &[], || check_access(&place, stranger));
        as_user(OTHER, &[SHARED_GROUP], || check_access(&place, member));
        as_user(WEB, &[SHARED_GROUP], || assert_ne!(count_one(&place).slot(), 0, "mode {mode:o}"));
    }
    println!("modes: {}", table.len());
}

fn check_access(place: &Place, [may_read, may_write]: [bool; 2]) {
    let mode = place.config.mode;
    match Reader::attach(place.config.name) {
        Ok(mut reader) => {
            assert!(may_read && value(&mut reader, "c").is_some(), "mode {mode:o}");
            assert_eq!(reader.scrape().unwrap().stats.liveness, Liveness::Kernel, "it sees who lives");
        }
        Err(error) => {
            assert!(!may_read, "mode {mode:o}: {error}");
            assert!(matches!(error, ReadError::NoPermission { mode: seen, .. } if seen == mode), "{error}");
        }
    }
    match Writer::attach(&place.config) {
        Ok(writer) => {
            assert!(may_write, "mode {mode:o}");
            writer.clean_exit(false);
        }
        Err(AttachError::NoPermission { mode: seen, .. }) => {
            assert!(!may_write && seen == mode, "mode {mode:o}");
        }
        Err(error) => panic!("mode {mode:o}: {error}"),
    }
}

/// A master attaches as root and forks workers that change their user: they keep the mapping but
/// may not use the semaphores, so they count in the shared slot, and nothing is lost.
#[test]
fn children_of_root_count_as_another_user() {
    only_root_can_become_others();
    let place = Place::new();
    let mut inherited = Some(count_one(&place));
    for _ in 0..5 {
        as_user(WEB, &[], || {
            let mut writer = inherited.take().unwrap().forked();
            assert_eq!(writer.slot(), 0);
            count(&mut writer, &counter("c", &[]), &[], 1.0);
            writer.clean_exit(false);
        });
    }
    assert_eq!(total(&place), Some(6.0));
}

// Memory and clocks.

#[test]
fn a_scrape_adds_no_pages_to_a_sparse_segment() {
    let mut place = Place::new();
    place.config.size = 256 << 20;
    place.config.max_processes = 256;
    place.config.max_series = 10_000;
    let mut writer = count_one(&place);
    set(&mut writer, &gauge("g", GaugeMode::Sum), 1.0);
    let before = resident(&place);
    let mut reader = place.reader();
    for _ in 0..3 {
        reader.scrape().unwrap();
    }
    assert_eq!(resident(&place), before);
    // An object has its slots, its first index and the cells of `last` gauges from the start.
    let reserved = if POSIX { (4 + 129 + 313 + 4 + 5 + 258 + 256) * 1024 } else { 0 };
    assert!(before < reserved + 64 * 4096, "{before} bytes for one worker");
    println!("resident: {before} bytes of {}", place.config.size);
    writer.clean_exit(false);
}
