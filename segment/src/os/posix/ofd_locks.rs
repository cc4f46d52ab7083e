//! Slots' locks: two bytes each, locked by an open file description (OFD) of the slot's owner.
//!
//! Required behaviour (Linux): the kernel releases such locks when the last descriptor of the description is
//! closed, however its process dies; they can be queried without write permission; the holder of a lock is
//! not reported. A forked child shares its parent's description, so it closes it at once (see `fork_guard`).

use super::{fork_guard::ForkGuard, open};
use crate::{
    layout::{CLAIMED, OPEN, SHARED},
    memory::residency::FileId,
    os::interface::SlotLocks,
};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::stat::fstat,
};
use std::{
    cell::RefCell,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

/// The byte that the creator of an object locks until the object is complete; above those of all slots.
pub(super) const MAKING: i64 = 4096;

/// Bytes of a slot: the first is locked from the claim on, the second while the per-process plane counts.
const BYTES: i64 = OPEN as i64;

/// The byte that processes without a slot lock together.
const SHARED_BYTE: i64 = 1;

/// The locks of one object, and those that this process holds.
#[derive(Debug)]
pub(super) struct ByteLocks {
    name: String,
    id: FileId,
    /// For queries; holds no lock.
    file: Arc<OwnedFd>,
    /// The description that holds this owner's slot.
    held: RefCell<Option<ForkGuard>>,
}

impl ByteLocks {
    /// An object has one set of locks.
    pub(super) const ID: u64 = 0;

    pub(super) fn new(name: String, id: FileId, file: Arc<OwnedFd>) -> Self {
        Self { name, id, file, held: RefCell::new(None) }
    }

    fn open_file(&self) -> Result<OwnedFd, Errno> {
        let file = open(&self.name, OFlag::O_RDWR)?;
        if FileId::of(&fstat(&file)?) == self.id { Ok(file) } else { Err(Errno::EIDRM) }
    }

    fn with_held(&self, act: impl FnOnce(&OwnedFd) -> Result<(), Errno>) -> Result<(), Errno> {
        self.held.borrow().as_ref().and_then(ForkGuard::file).map_or(Err(Errno::EBADF), |file| act(&file))
    }

    /// Tests the kernel: locks must exclude others, and be released with their description, as at a process's
    /// death.
    pub(super) fn work(&self) -> bool {
        let try_it = || {
            let (one, two) = (self.open_file()?, self.open_file()?);
            lock(&one, 0, BYTES)?;
            let shut_out = lock(&two, 0, BYTES) == Err(Errno::EAGAIN);
            drop(one);
            lock(&two, 0, BYTES)?;
            Ok::<_, Errno>(shut_out)
        };
        try_it() == Ok(true)
    }
}

impl SlotLocks for ByteLocks {
    fn id(&self) -> u64 {
        Self::ID
    }

    /// The lock value of each slot.
    fn values(&self, slots: usize) -> Option<Vec<u16>> {
        let mut values = vec![0; slots];
        let each = |byte: i64| values[(byte / BYTES) as usize] += CLAIMED;
        for_each_locked(&self.file, BYTES * slots as i64, each).ok()?;
        Some(values)
    }

    /// Opens a description for a claim.
    fn prepare(&self) -> Result<(), Errno> {
        let held = ForkGuard::keep(self.open_file()?)?;
        *self.held.borrow_mut() = Some(held);
        Ok(())
    }

    /// Locks a slot's first byte; `EAGAIN` if it is taken.
    fn claim(&self, slot: usize) -> Result<(), Errno> {
        self.with_held(|file| lock(file, BYTES * slot as i64, 1))
    }

    /// Locks a slot's second byte too.
    fn open(&self, slot: usize) -> Result<(), Errno> {
        self.with_held(|file| lock(file, BYTES * slot as i64 + 1, 1))
    }

    fn give_back(&self, _slot: usize, _value: u16) -> Result<(), Errno> {
        self.let_go();
        Ok(())
    }

    /// Unlocks both at once, if they were locked.
    fn let_go(&self) {
        if let Some(held) = self.held.take() {
            crate::crash::point();
            held.close();
        }
    }

    /// Unlocks a slot's first byte.
    fn return_borrowed(&self, slot: usize) -> Result<(), Errno> {
        crate::crash::point();
        self.with_held(|file| unlock(file, BYTES * slot as i64, 1))
    }

    /// Locks slot 0's second byte together with others.
    fn join_shared(&self) -> Result<(), Errno> {
        self.prepare()?;
        crate::crash::point();
        let shared = flock(libc::F_RDLCK, SHARED_BYTE, 1);
        self.with_held(|file| fcntl(file, FcntlArg::F_OFD_SETLK(&shared)).map(drop))
    }

    fn leave_shared(&self) -> Result<(), Errno> {
        self.let_go();
        Ok(())
    }

    /// Locks slot 0's first byte; `EAGAIN` if another process has locked it, or any the second one.
    fn begin_collection(&self) -> Result<(), Errno> {
        self.claim(SHARED)?;
        let mut other = flock(libc::F_WRLCK, SHARED_BYTE, 1);
        let alone = self.with_held(|file| {
            fcntl(file, FcntlArg::F_OFD_GETLK(&mut other))?;
            if i32::from(other.l_type) == libc::F_UNLCK { Ok(()) } else { Err(Errno::EAGAIN) }
        });
        if alone.is_err() {
            let _released_at_the_latest_with_the_slot = self.end_collection();
        }
        alone
    }

    fn end_collection(&self) -> Result<(), Errno> {
        self.return_borrowed(SHARED)
    }

    /// Locks that did not work would not be used.
    fn tell_of_deaths(&self) -> Option<bool> {
        Some(true)
    }
}

/// How many of a file's first bytes are locked by others.
pub(super) fn count_locked(file: &impl AsFd, bytes: i64) -> Result<u64, Errno> {
    let mut count = 0;
    for_each_locked(file, bytes, |_| count += 1)?;
    Ok(count)
}

fn for_each_locked(file: &impl AsFd, bytes: i64, mut each: impl FnMut(i64)) -> Result<(), Errno> {
    let mut ranges = vec![(0, bytes)];
    // The kernel returns any lock in a range, not the first one, so both sides of it are queried again.
    while let Some((from, to)) = ranges.pop() {
        let Some((start, end)) = locked_in(file, from, to)? else { continue };
        (start..end).for_each(&mut each);
        ranges.extend([(from, start), (end, to)].into_iter().filter(|(from, to)| from < to));
    }
    Ok(())
}

/// One locked range within `from..to`, if there is any.
fn locked_in(file: &impl AsFd, from: i64, to: i64) -> Result<Option<(i64, i64)>, Errno> {
    let mut lock = flock(libc::F_RDLCK, from, to - from);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    if i32::from(lock.l_type) == libc::F_UNLCK {
        return Ok(None);
    }
    let end = if lock.l_len == 0 { to } else { lock.l_start.saturating_add(lock.l_len).min(to) };
    let start = lock.l_start.max(from);
    if start < end { Ok(Some((start, end))) } else { Err(Errno::EINVAL) }
}

/// Locks bytes of a file exclusively for its description; `EAGAIN` if they are taken.
pub(super) fn lock(file: &impl AsFd, start: i64, length: i64) -> Result<(), Errno> {
    crate::crash::point();
    match fcntl(file, FcntlArg::F_OFD_SETLK(&flock(libc::F_WRLCK, start, length))) {
        Err(Errno::EACCES) => Err(Errno::EAGAIN), // some systems return it instead
        done => done.map(drop),
    }
}

/// Unlocks bytes that a file's description has locked.
pub(super) fn unlock(file: &impl AsFd, start: i64, length: i64) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&flock(libc::F_UNLCK, start, length))).map(drop)
}

fn flock(kind: i32, start: i64, length: i64) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: start,
        l_len: length,
        l_pid: 0, // required for OFD locks
    }
}
