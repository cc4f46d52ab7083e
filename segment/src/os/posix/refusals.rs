//! Processes that have no permission to write a segment: how they announce themselves to its reader.
//!
//! They have no slot, so the segment holds nothing about them. Each holds a lock on a byte of a file in
//! /dev/shm, one file for each segment and user, and the reader counts the locked bytes. The kernel releases
//! the locks when a process dies. The folder's sticky bit keeps other users from removing the file, and its
//! name contains the owner, so no user can announce processes for another.
//!
//! Where the folder is not writable, or is not the reader's, nothing is announced and nothing fails.

use super::{MOST_NAMES, fork_guard::ForkGuard, ofd_locks};
use crate::{
    config::SegmentName,
    order,
    os::{
        folder::{Folder, is_file},
        place::Place,
    },
};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::{
        mman::{shm_open, shm_unlink},
        stat::{FileStat, Mode, fchmod, fstat},
    },
    unistd::geteuid,
};
use std::os::fd::OwnedFd;

/// Prefix of the names. A segment's name does not begin with a dot, and temporary names have another prefix.
const PREFIX: &str = ".promshm.refused.";
/// Bytes of a file that processes may lock: the number of processes that can be counted.
const MOST_PROCESSES: i64 = 1024;
/// Maximum number of users that a reader reports.
const MOST_USERS: usize = 64;

/// The announcement of a refused process: none until [`Refusal::announce`].
#[derive(Debug, Default)]
pub struct Refusal(Option<Announced>);

#[derive(Debug)]
struct Announced {
    file_name: String,
    /// Closed in a forked child, which otherwise shares the lock and would keep it after the parent's death.
    held: ForkGuard,
}

/// Living processes of one user that may not write a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The user.
    pub uid: u32,
    /// How many there are, up to 1,024; 0 if all have ended.
    pub processes: u64,
}

impl Refusal {
    /// Nothing is announced.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Announces that this process may not write the segment, unless that is announced already.
    pub fn announce(&mut self, name: &SegmentName) {
        if !self.0.as_ref().is_some_and(Announced::can_be_seen) {
            *self = Self::default();
            self.0 = Announced::new(name).ok();
        }
    }

    /// For when this process ends, or may write the segment after all. The last process of its user removes
    /// the file. A process that has just opened it announces itself again at its next attempt.
    pub fn withdraw(&mut self) {
        let Some(Announced { file_name, held }) = self.0.take() else { return };
        held.close();
        let is_unused =
            |file: OwnedFd| ofd_locks::count_locked(&file, MOST_PROCESSES).is_ok_and(|count| count == 0);
        if open(&file_name, OFlag::O_RDONLY, geteuid().as_raw()).is_ok_and(is_unused) {
            let _removed_already = shm_unlink(&*format!("/{file_name}"));
        }
    }
}

impl Drop for Refusal {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl Announced {
    fn new(name: &SegmentName) -> Result<Self, Errno> {
        let uid = geteuid().as_raw();
        let file_name = format!("{}{uid}", prefix(name));
        let file = open(&file_name, OFlag::O_CREAT | OFlag::O_RDWR, uid)?;
        if fstat(&file)?.st_mode & 0o777 != READABLE.bits() {
            fchmod(&file, READABLE)?; // the umask has removed bits
        }
        lock_free_byte(&file)?;
        Ok(Self { file_name, held: ForkGuard::keep(file)? })
    }

    /// Whether this very process holds the lock, in a file that still has its name.
    fn can_be_seen(&self) -> bool {
        let stat = self.held.file().and_then(|file| fstat(&*file).ok());
        stat.is_some_and(|stat| stat.st_nlink > 0)
    }
}

const READABLE: Mode = Mode::from_bits_truncate(0o644);

/// Begins at another byte in each process, so that processes rarely compete for the same one.
fn lock_free_byte(file: &OwnedFd) -> Result<(), Errno> {
    let first = i64::from(std::process::id()) % MOST_PROCESSES;
    for byte in (first..MOST_PROCESSES).chain(0..first) {
        match ofd_locks::lock(file, byte, 1) {
            Err(Errno::EAGAIN) => {}
            done => return done,
        }
    }
    Err(Errno::EAGAIN)
}

/// Opens a user's file. Another user may have created anything under the name: a link is not followed, a pipe
/// does not block, and a file of another owner is refused.
fn open(file_name: &str, flags: OFlag, uid: u32) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let file = shm_open(&*format!("/{file_name}"), flags, READABLE)?;
    let is_theirs = |stat: FileStat| is_file(&stat) && stat.st_uid == uid;
    if is_theirs(fstat(&file)?) { Ok(file) } else { Err(Errno::EPERM) }
}

/// The prefix of a segment's file names, which end in the user's number.
fn prefix(name: &SegmentName) -> String {
    prefix_in(name, ipc_namespace)
}

fn prefix_in(name: &SegmentName, ipc_namespace: impl FnOnce() -> u64) -> String {
    match name {
        SegmentName::Sysv(key) => format!("{PREFIX}sysv.{}.{key:08x}.", ipc_namespace()),
        SegmentName::Posix(name) => format!("{PREFIX}posix.{}.", name.as_str()),
        SegmentName::Memory => format!("{PREFIX}memory."), // refuses nobody
    }
}

/// IPC namespaces may share the folder, and the same key leads to another segment in each.
fn ipc_namespace() -> u64 {
    nix::sys::stat::stat("/proc/thread-self/ns/ipc").map_or(0, |stat| stat.st_ino)
}

/// The users whose processes may not write the segment, sorted by number.
pub(in super::super) fn refused(place: &Place, name: &SegmentName) -> Vec<Refused> {
    let prefix = prefix_in(name, || place.ipc_inode().unwrap_or_else(ipc_namespace));
    let mut found: Vec<_> = place.folders().flat_map(|folder| refused_in(&folder, &prefix)).collect();
    order::sort_elements(&mut found, &|one, other| one.uid.cmp(&other.uid));
    found.dedup_by_key(|refused| refused.uid);
    found.truncate(MOST_USERS);
    found
}

fn refused_in(folder: &Folder, prefix: &str) -> Vec<Refused> {
    let mut users = users(&folder.names(MOST_NAMES), prefix);
    order::sort(&mut users, &|a, b| a.cmp(&b));
    users.truncate(MOST_USERS);
    let refused = |uid| Some(Refused { uid, processes: processes(folder, prefix, uid).ok()? });
    users.into_iter().filter_map(refused).collect()
}

/// The users in the names with this prefix, each once, because only the canonical form of a number is
/// accepted.
fn users(names: &[String], prefix: &str) -> Vec<u32> {
    let user = |name: &String| {
        let text = name.strip_prefix(prefix)?;
        text.parse().ok().filter(|uid: &u32| uid.to_string() == text)
    };
    names.iter().filter_map(user).collect()
}

fn processes(folder: &Folder, prefix: &str, uid: u32) -> Result<u64, Errno> {
    let file = folder.open(&format!("{prefix}{uid}"), OFlag::O_RDONLY)?;
    if fstat(&file)?.st_uid != uid {
        return Err(Errno::EPERM);
    }
    ofd_locks::count_locked(&file, MOST_PROCESSES)
}
