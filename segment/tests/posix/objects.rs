//! Tests of POSIX objects only: full file systems, descriptors, names.

#[path = "../support/forge.rs"]
mod forge;
#[path = "../support/mod.rs"]
mod support;

use forge::{Raw, space};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sys::{
        signal::{Signal, kill},
        wait::{WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, fork},
};
use promshm_segment::layout::{Geometry, Roots, Shape};
use promshm_segment::{AttachError, ReadError, Reader, SegmentName, Writer, crash, os, snapshot::Reason};
use std::{
    fs,
    io::{Read, Write},
    os::fd::AsRawFd,
    process::{self, Command},
};
use support::*;

/// Gives this thread and its children a separate `/dev/shm` of a given size.
fn small_dev_shm(kilobytes: u32) {
    // SAFETY: takes flags alone.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNS) }, 0, "a mount namespace of one's own needs root");
    let none: Option<&str> = None;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
    let size = format!("size={kilobytes}k");
    mount(Some("shm"), "/dev/shm", Some("tmpfs"), MsFlags::empty(), Some(&*size)).unwrap();
}

/// Uses up all free pages.
fn fill_the_rest() -> fs::File {
    let mut file = fs::File::create_new("/dev/shm/ballast").unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
    file
}

/// Counts as the extension does, and answers whether the update was stored.
fn count_or_drop(writer: &mut Writer, label: &str) -> bool {
    let resolved = writer.register(&counter("c", &["n"])).and_then(|family| {
        let series = writer.resolve(family, &[label])?;
        series.cells[0].add_shared(1.0);
        Ok(())
    });
    resolved.inspect_err(|reason| writer.count_drop(*reason)).is_ok()
}

#[test]
fn a_full_file_system_is_a_counted_drop() {
    small_dev_shm(1024);
    let place = Place::new();
    let mut writer = place.writer();
    assert!(count_or_drop(&mut writer, "first"));
    let ballast = fill_the_rest();
    let text = "x".repeat(900);
    let stored = (0..500).filter(|n| count_or_drop(&mut writer, &format!("{n}{text}"))).count();
    assert!(stored < 10, "{stored} updates found room");
    assert!(count_or_drop(&mut writer, "first"), "what is known goes on");
    let newcomer = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 2, "slots have their memory from the start");
        assert!(!count_or_drop(&mut writer, "first"), "but there is none for a page of its own");
    });
    let mut reader = place.reader();
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!(stats.dropped[Reason::SegmentFull as usize], 500 - stored as u64 + 1);
    assert_eq!((stats.leaked_bytes, stats.leaked_series), (0, 0), "what found no room took none");
    // With free space updates are stored again.
    ballast.set_len(0).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(101)); // failed attempts are not repeated for that long
    assert!(count_or_drop(&mut writer, &text));
    newcomer.kill();
}

/// No page of the segment may crash the reader or the next writer, whatever the header says.
#[test]
fn forged_offsets_into_holes_touch_nothing() {
    small_dev_shm(2048);
    let place = Place::new();
    let mut writer = place.writer();
    assert!(count_or_drop(&mut writer, "first"));
    let raw = Raw::open(&place);
    let _ballast = fill_the_rest();
    let config = &place.config;
    let shape = Shape {
        max_series: config.max_series,
        max_processes: config.max_processes as u16,
        max_label_length: config.max_label_length as u16,
    };
    let half = Geometry::new(shape, config.size).unwrap().halves[0];
    let valid = raw.get(space(&half));
    let root = half.roots_of(1) as usize + std::mem::offset_of!(Roots, cumulative);
    for forged in [30, 100, 1500] {
        raw.set(space(&half), valid + (1500 << 32));
        raw.set(root, half.first_page + forged);
        let mut reader = place.reader();
        assert!(reader.scrape().unwrap().stats.corrupt_records > 0, "page {forged}");
        Child::run(|| {
            let mut next_owner = place.writer();
            assert!(!count_or_drop(&mut next_owner, "fresh"));
            next_owner.clean_exit(false);
        })
        .end();
    }
}

/// The half that was given back has no memory: touching it would end the process, and each that knew it from before.
#[test]
fn generation_without_memory_for_it_does_not_begin() {
    small_dev_shm(2048);
    let place = Place::new();
    let (mut writer, mut other) = (place.writer(), place.writer());
    let mut reader = place.reader();
    // The other one gives the half back.
    let tend = |writer: &mut Writer, other: &mut Writer| {
        writer.tend();
        (0..8).for_each(|_| other.tend());
    };
    for _ in 0..2 {
        assert!(count_or_drop(&mut writer, "x") && count_or_drop(&mut other, "x"));
        assert!(writer.compact());
        tend(&mut writer, &mut other);
        assert!(!writer.has_to_tend());
        assert!(reader.scrape().is_ok());
    }
    let ballast = fill_the_rest();
    assert!(!writer.compact(), "there is no memory for it");
    assert!(count_or_drop(&mut writer, "x"), "what is known goes on");
    assert_eq!(rows(&mut reader, "c")[0].1, [5.0]);
    drop(ballast);
    fs::remove_file("/dev/shm/ballast").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(101)); // failed attempts are not repeated for that long
    assert!(writer.compact());
    let _ballast = fill_the_rest();
    // The other one finds no room to move to, and goes on in its old half.
    tend(&mut writer, &mut other);
    assert!(count_or_drop(&mut other, "x"));
    assert_eq!(rows(&mut reader, "c")[0].1, [6.0]);
}

#[test]
fn creation_without_room_fails_with_advice() {
    small_dev_shm(64);
    let place = Place::new();
    let _ballast = fill_the_rest();
    let refused = Writer::attach(&place.config).unwrap_err();
    assert!(matches!(refused, AttachError::Refused { error: Errno::ENOSPC, .. }), "{refused}");
    assert_eq!(fs::read_dir("/dev/shm").unwrap().count(), 1, "nothing is left behind");
}

/// A child shares the file description that locks its parent's slot, and must not keep the lock after its death.
#[test]
fn a_child_does_not_hold_its_dead_parents_slot() {
    let place = Place::new();
    let (mut read, mut write) = std::io::pipe().unwrap();
    let parent = Child::run(|| {
        std::mem::forget(count_one(&place));
        // SAFETY: the child does nothing but write a few bytes and wait.
        if let ForkResult::Child = unsafe { fork() }.unwrap() {
            // The child reports that it runs: before that, it cannot have released the lock.
            write.write_all(&process::id().to_le_bytes()).unwrap();
            loop {
                std::thread::park();
            }
        }
    });
    let mut child = [0; 4];
    read.read_exact(&mut child).unwrap();
    assert_eq!(live(&place), 1);
    parent.kill();
    let found = (live(&place), place.reader().scrape().unwrap().stats.exits_abrupt);
    kill(Pid::from_raw(u32::from_le_bytes(child) as i32), Signal::SIGKILL).unwrap();
    assert_eq!(found, (0, 1));
}

/// A program that a child executes does not keep it either.
#[test]
fn an_exec_in_a_child_inherits_no_slot() {
    let place = Place::new();
    let (read, write) = std::io::pipe().unwrap();
    let parent = Child::run(|| {
        std::mem::forget(count_one(&place));
        std::mem::forget(Command::new("cat").stdin(read).spawn().unwrap());
    });
    assert_eq!(live(&place), 1);
    parent.kill();
    // The parent of a vfork goes on before the exec has closed what it closes: so the slot may be held a moment longer.
    until(|| live(&place) == 0);
    drop(write); // only now does the program end
}

#[test]
fn posix_segment_is_shared_across_ipc_namespaces() {
    let place = Place::new();
    let other = Child::run(|| {
        // SAFETY: takes flags alone.
        let unshared = unsafe { libc::unshare(libc::CLONE_NEWIPC) };
        assert_eq!(unshared, 0, "an IPC namespace of one's own needs root");
        std::mem::forget(count_one(&place));
    });
    let own = count_one(&place);
    assert_eq!((value(&mut place.reader(), "c"), live(&place), own.slot()), (Some(2.0), 2, 2));
    other.kill();
    assert_eq!(live(&place), 1);
}

/// A removed object is unmapped, although its owner lives, so that its memory is freed.
#[test]
fn removed_object_is_unmapped() {
    let kept = || {
        let files = fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        files.filter(|path| path.to_str().is_some_and(|path| path.ends_with(" (deleted)"))).count()
    };
    let place = Place::new();
    let writer = count_one(&place);
    remove_by_hand(&place);
    assert!(kept() > 0, "it counts on into what it has");
    drop(writer);
    assert_eq!(kept(), 0);
    assert_eq!(count_one(&place).slot(), 1);
}

/// The next creator removes files of a creator that died, but not files of a living one.
#[test]
fn stale_files_are_removed() {
    let leftovers = || {
        let names = fs::read_dir("/dev/shm").unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().starts_with(".promshm-")).count()
    };
    small_dev_shm(16_384);
    let dead = Place::new();
    let mut left = 0;
    for point in 1.. {
        if support::crash::die_at(point, || (), |_| drop(dead.writer())) == support::crash::Fate::Completed {
            break;
        }
        left = left.max(leftovers());
        drop(Place::new().writer());
        assert_eq!(leftovers(), 0, "point {point}");
        let _may_be_absent = os::remove(&dead.config.name);
    }
    assert!(left > 0, "something was swept");
    // The file of a stopped creator is kept, and the creator completes its work.
    let mut stopped = 0;
    for point in (1..60).step_by(3) {
        let place = Place::new();
        let Some(maker) = support::crash::stop_at(point, || (), |_| std::mem::forget(count_one(&place)))
        else {
            break;
        };
        drop(Place::new().writer());
        maker.go_on();
        assert_eq!(value(&mut place.reader(), "c"), Some(1.0), "point {point}");
        stopped += 1;
    }
    assert!(stopped > 5, "{stopped}");
    crash::disarm();
}

#[test]
fn objects_are_discovered_by_their_magic_number() {
    small_dev_shm(4096);
    let (place, foreign) = (Place::new(), Place::new());
    let writer = count_one(&place);
    foreign_memory(&foreign, 1 << 20).unwrap();
    fs::create_dir("/dev/shm/folder").unwrap();
    let objects = || -> Vec<SegmentName> {
        let found = os::discover().unwrap().into_iter();
        found.filter(|name| matches!(name, SegmentName::Posix(_))).collect()
    };
    assert_eq!(objects(), [place.config.name]);
    let seen = os::inspect(&place.config.name).unwrap();
    assert_eq!((seen.size, seen.mode, seen.attached), (place.config.size, 0o640, None));
    let error = ReadError::Foreign { name: foreign.config.name };
    assert_eq!(Reader::attach(foreign.config.name).map(drop), Err(error.clone()));
    assert_eq!(os::remove(&foreign.config.name), Err(error));
    writer.clean_exit(false);
    os::remove(&place.config.name).unwrap();
    assert!(objects().is_empty());
}

/// Reading a truncated page raises SIGBUS, which ends a process without the handler.
#[test]
fn reader_survives_a_truncated_object() {
    let place = Place::new();
    let mut writer = count_one(&place);
    (0..500).for_each(|n| count(&mut writer, &counter("many", &["n"]), &[&n.to_string()], 1.0));
    std::mem::forget(writer); // its drop would read the truncated part
    let cut = |bytes| fs::File::options().write(true).open(path(&place)).unwrap().set_len(bytes).unwrap();
    let short = |reader: &mut Reader| matches!(reader.scrape().map(drop), Err(ReadError::Short { .. }));
    let survivor = fork_to(|| {
        os::survive_truncation().unwrap();
        let mut readers: Vec<Reader> = (0..3).map(|_| place.reader()).collect();
        assert!(readers[0].scrape().is_ok());
        cut(4096);
        // One that has read it before, one that has not; the third is dropped as it is.
        assert!(readers.iter_mut().take(2).all(short));
        assert!(readers.iter_mut().take(2).all(short), "and again");
        assert!(matches!(Reader::attach(place.config.name), Err(ReadError::Short { .. })));
        drop(readers);
        cut(0);
        assert!(Reader::attach(place.config.name).is_err());
        os::remove(&place.config.name).unwrap_or_else(|_| fs::remove_file(path(&place)).unwrap());
        let _successor = count_one(&place);
        assert_eq!(total(&place), Some(1.0), "the next one is read as ever");
    });
    assert_eq!(waitpid(survivor, None).unwrap(), WaitStatus::Exited(survivor, 0));
    // SIGBUS from other memory ends the process as before.
    let victim = fork_to(|| {
        os::survive_truncation().unwrap();
        let foreign = format!("/dev/shm/foreign-{}", process::id());
        drop(fs::File::create_new(&foreign).unwrap());
        let file = fs::File::open(&foreign).unwrap();
        fs::remove_file(&foreign).unwrap();
        // SAFETY: the kernel chooses a free address; the read beyond the end is what is tried.
        unsafe {
            let none = std::ptr::null_mut();
            let at = libc::mmap(none, 4096, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0);
            let _word = at.cast::<u64>().read_volatile();
        }
    });
    assert_eq!(waitpid(victim, None).unwrap(), WaitStatus::Signaled(victim, Signal::SIGBUS, false));
}
