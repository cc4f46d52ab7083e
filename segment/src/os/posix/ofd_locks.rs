//! Slots' locks: two bytes each, locked by an open file description (OFD) of the slot's owner.
//!
//! Facts this rests on (Linux): the kernel takes such locks back when the last descriptor of the description
//! is closed, of whatever its process dies; they are asked after without the right to write; nothing tells
//! who holds one. A forked child shares its parent's description, so it closes it at once (see `held`).

use super::{fork_guard::ForkGuard, open};
use crate::{
    layout::{CLAIMED, OPEN},
    memory::residency::FileId,
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

/// The byte that the maker of an object holds until the object is whole; above those of all slots.
pub(super) const MAKING: i64 = 4096;

/// Bytes of a slot: the first is locked from the claim on, the second while the per-process plane counts.
const BYTES: i64 = OPEN as i64;

/// The locks of one object, and what this process holds of them.
#[derive(Debug)]
pub(crate) struct ByteLocks {
    name: String,
    id: FileId,
    /// To ask with; holds nothing.
    file: Arc<OwnedFd>,
    /// The description that holds this owner's slot.
    held: RefCell<Option<ForkGuard>>,
}

impl ByteLocks {
    pub(super) fn new(name: String, id: FileId, file: Arc<OwnedFd>) -> Self {
        Self { name, id, file, held: RefCell::new(None) }
    }

    /// Where each slot is.
    pub(crate) fn values(&self, slots: usize) -> Option<Vec<u16>> {
        let mut values = vec![0; slots];
        let each = |byte: i64| values[(byte / BYTES) as usize] += CLAIMED;
        for_each_locked(&self.file, BYTES * slots as i64, each).ok()?;
        Some(values)
    }

    /// Opens a description for a claim.
    pub(crate) fn prepare(&self) -> Result<(), Errno> {
        let held = ForkGuard::keep(self.open()?)?;
        *self.held.borrow_mut() = Some(held);
        Ok(())
    }

    fn open(&self) -> Result<OwnedFd, Errno> {
        let file = open(&self.name, OFlag::O_RDWR)?;
        if FileId::of(&fstat(&file)?) == self.id { Ok(file) } else { Err(Errno::EIDRM) }
    }

    /// Locks a slot's first byte, or says `EAGAIN`.
    pub(crate) fn claim(&self, slot: usize) -> Result<(), Errno> {
        self.with_held(|file| lock(file, BYTES * slot as i64, 1))
    }

    /// Locks a slot's second byte too.
    pub(crate) fn open_slot(&self, slot: usize) -> Result<(), Errno> {
        self.with_held(|file| lock(file, BYTES * slot as i64 + 1, 1))
    }

    /// Unlocks both at once, if they were locked.
    pub(crate) fn let_go(&self) {
        if let Some(held) = self.held.take() {
            crate::crash::point();
            held.close();
        }
    }

    fn with_held(&self, act: impl FnOnce(&OwnedFd) -> Result<(), Errno>) -> Result<(), Errno> {
        self.held.borrow().as_ref().and_then(ForkGuard::file).map_or(Err(Errno::EBADF), |file| act(&file))
    }

    /// Whether locks shut others out, and go when their description goes, as they do when a process dies.
    pub(crate) fn work(&self) -> bool {
        let try_it = || {
            let (one, two) = (self.open()?, self.open()?);
            lock(&one, 0, BYTES)?;
            let shut_out = lock(&two, 0, BYTES) == Err(Errno::EAGAIN);
            drop(one);
            lock(&two, 0, BYTES)?;
            Ok::<_, Errno>(shut_out)
        };
        try_it() == Ok(true)
    }
}

/// How many of a file's first bytes somebody else holds.
pub(super) fn count_locked(file: &impl AsFd, bytes: i64) -> Result<u64, Errno> {
    let mut count = 0;
    for_each_locked(file, bytes, |_| count += 1)?;
    Ok(count)
}

fn for_each_locked(file: &impl AsFd, bytes: i64, mut each: impl FnMut(i64)) -> Result<(), Errno> {
    let mut ranges = vec![(0, bytes)];
    // The kernel answers with any lock in a range, not with the first one: ask again on both sides of it.
    while let Some((from, to)) = ranges.pop() {
        let Some((start, end)) = locked_in(file, from, to)? else { continue };
        (start..end).for_each(&mut each);
        ranges.extend([(from, start), (end, to)].into_iter().filter(|(from, to)| from < to));
    }
    Ok(())
}

/// Some bytes of a range that somebody holds.
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

/// Locks bytes of a file for its description alone, or says `EAGAIN`.
pub(super) fn lock(file: &impl AsFd, start: i64, length: i64) -> Result<(), Errno> {
    crate::crash::point();
    match fcntl(file, FcntlArg::F_OFD_SETLK(&flock(libc::F_WRLCK, start, length))) {
        Err(Errno::EACCES) => Err(Errno::EAGAIN), // some systems say it so
        done => done.map(drop),
    }
}

/// Gives bytes back that a file's description has locked.
pub(super) fn unlock(file: &impl AsFd, start: i64, length: i64) -> Result<(), Errno> {
    fcntl(file, FcntlArg::F_OFD_SETLK(&flock(libc::F_UNLCK, start, length))).map(drop)
}

fn flock(kind: i32, start: i64, length: i64) -> libc::flock {
    libc::flock {
        l_type: kind as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: start,
        l_len: length,
        l_pid: 0, // as locks of descriptions want it
    }
}
