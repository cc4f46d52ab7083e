//! Processes that may not write a segment leave a notice for its reader.
#![allow(missing_docs)]

use nix::{
    fcntl::{FcntlArg, fcntl},
    sys::wait::{WaitStatus, waitpid},
    unistd::{ForkResult, Uid, fork, geteuid, mkfifo, setuid},
};
use promshm_segment::{
    SegmentName,
    os::{Refusal, Refused, refused},
};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

/// A name that no other test uses; its files are removed on drop.
struct Own(SegmentName);

impl Own {
    fn new(test: &str) -> Self {
        let own = Self(format!("posix:/refusals-{test}-{}", std::process::id()).parse().unwrap());
        assert_eq!(refused(&own.0), [], "nobody was refused yet");
        own
    }

    /// The file of a user.
    fn file(&self, uid: &str) -> PathBuf {
        let name = self.0.to_string().replace("posix:/", "");
        format!("/dev/shm/.promshm.refused.posix.{name}.{uid}").into()
    }

    fn announced(&self) -> Refusal {
        let mut refusal = Refusal::default();
        refusal.announce(&self.0);
        refusal
    }

    fn processes(&self) -> Option<u64> {
        let found = refused(&self.0);
        assert!(found.iter().all(|each| each.uid == me()) && found.len() < 2, "{found:?}");
        found.first().map(|each| each.processes)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let prefix = self.file("");
        for entry in fs::read_dir("/dev/shm").unwrap().flatten() {
            if entry.path().to_str().unwrap().starts_with(prefix.to_str().unwrap()) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
}

fn me() -> u32 {
    geteuid().as_raw()
}

/// Runs `act` in a child, and waits for its end.
fn in_child(act: impl FnOnce() -> bool) {
    // SAFETY: the child does what any program does, and ends without running what is the parent's.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let status = i32::from(!act());
            // SAFETY: always sound.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        }
    }
}

#[test]
fn living_processes_are_counted() {
    let own = Own::new("count");
    let mut first = own.announced();
    first.announce(&own.0);
    assert_eq!(own.processes(), Some(1), "once, however often it tries");
    let second = own.announced();
    assert_eq!(own.processes(), Some(2));
    drop(first);
    assert_eq!(own.processes(), Some(1));
    let _third = own.announced();
    assert_eq!(own.processes(), Some(2), "the free byte is taken again");
    drop(second);
    assert_eq!(own.processes(), Some(1));
}

#[test]
fn dead_process_is_not_counted_and_leaves_zero() {
    let own = Own::new("dead");
    in_child(|| {
        std::mem::forget(own.announced());
        own.processes() == Some(1)
    });
    assert_eq!(own.processes(), Some(0));
}

#[test]
fn forked_child_neither_keeps_nor_inherits_the_notice() {
    let own = Own::new("fork");
    let mut refusal = own.announced();
    let (reader, writer) = nix::unistd::pipe().unwrap();
    let (started, start) = nix::unistd::pipe().unwrap();
    // SAFETY: as in `in_child`.
    let child = match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let mut byte = [0];
            drop(writer);
            drop(start); // the parent's descriptor is closed here by now
            let _end = nix::unistd::read(&reader, &mut byte); // outlives the parent's notice
            let was_none = own.processes().is_none();
            refusal.announce(&own.0);
            let status = i32::from(!(was_none && own.processes() == Some(1)));
            // SAFETY: always sound.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => child,
    };
    drop(start);
    // Until the child has run, it shares the lock, and the file looks as if it were in use.
    assert_eq!(nix::unistd::read(&started, &mut [0]), Ok(0));
    assert_eq!(own.processes(), Some(1));
    drop((refusal, reader, writer));
    assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
}

#[test]
fn last_process_that_is_let_in_takes_the_file_away() {
    let own = Own::new("withdraw");
    let (mut one, mut two) = (own.announced(), own.announced());
    one.withdraw();
    assert_eq!(own.processes(), Some(1));
    two.withdraw();
    assert_eq!(refused(&own.0), []);
    two.announce(&own.0);
    assert_eq!(own.processes(), Some(1));
    fs::remove_file(own.file(&me().to_string())).unwrap();
    two.announce(&own.0);
    assert_eq!(own.processes(), Some(1), "a file that was removed is made again");
}

#[test]
fn file_is_readable_for_all_whatever_the_umask() {
    let own = Own::new("umask");
    let former = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let _refusal = own.announced();
    nix::sys::stat::umask(former);
    let mode = fs::metadata(own.file(&me().to_string())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn files_of_other_kinds_are_neither_counted_nor_waited_for() {
    let own = Own::new("strange");
    let uid = me();
    for name in [format!("0{uid}"), format!("+{uid}"), format!("{uid}.1"), "4294967296".into(), "x".into()] {
        fs::write(own.file(&name), "").unwrap();
    }
    fs::write(own.file(&(uid + 1).to_string()), "").unwrap(); // not that user's
    fs::create_dir(own.file(&(uid + 2).to_string())).unwrap();
    mkfifo(&own.file(&(uid + 3).to_string()), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(own.file("target"), "").unwrap();
    std::os::unix::fs::symlink(own.file("target"), own.file(&uid.to_string())).unwrap();
    assert_eq!(refused(&own.0), []);
    let _refusal = own.announced();
    assert_eq!(refused(&own.0), [], "nor are they locked");
    fs::remove_dir(own.file(&(uid + 2).to_string())).unwrap();
}

#[test]
fn no_more_processes_are_counted_than_there_are_bytes() {
    let own = Own::new("many");
    let all = fs::File::create(own.file(&me().to_string())).unwrap();
    // To the end of the file, wherever that will be.
    let lock = libc::flock { l_type: libc::F_WRLCK as i16, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&all, FcntlArg::F_OFD_SETLK(&lock)).unwrap();
    assert_eq!(own.processes(), Some(1024));
    let _one_too_many = own.announced();
    assert_eq!(own.processes(), Some(1024));
}

#[test]
fn notices_of_different_segments_and_users_are_separate() {
    let (own, other) = (Own::new("a"), Own::new("a.1"));
    let _refusal = own.announced();
    assert_eq!(refused(&other.0), []);
    if !geteuid().is_root() {
        return eprintln!("needs root to be two users");
    }
    in_child(|| {
        setuid(Uid::from_raw(65534)).unwrap();
        let refusal = own.announced();
        let all = [Refused { uid: 0, processes: 1 }, Refused { uid: 65534, processes: 1 }];
        let are_told_apart = refused(&own.0) == all;
        std::mem::forget(refusal);
        are_told_apart
    });
    assert_eq!(refused(&own.0)[1], Refused { uid: 65534, processes: 0 });
}

#[test]
fn equal_keys_of_two_namespaces_are_separate() {
    let name = SegmentName::Sysv(0x7265_6675 ^ std::process::id().cast_signed());
    let mut refusal = Refusal::default();
    refusal.announce(&name);
    assert_eq!(refused(&name), [Refused { uid: me(), processes: 1 }]);
    if geteuid().is_root() {
        in_child(|| {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWIPC).unwrap();
            refused(&name).is_empty()
        });
    }
    refusal.withdraw();
    assert_eq!(refused(&name), []);
}
