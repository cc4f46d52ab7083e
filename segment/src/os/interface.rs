//! The interface that each kind of kernel object implements: System V (`sysv`) and POSIX (`posix`). A default
//! says that a kind needs nothing there.

use super::{Inspection, Owner};
use crate::{config::Config, memory::mapping::Mapping};
use nix::errno::Errno;
use std::fmt::Debug;

/// A segment's memory, as the kernel knows it.
pub(crate) trait KernelObject {
    /// Whether the header may be missing because the creator has not finished, or has died.
    fn may_be_unfinished(&self) -> bool;

    /// Makes a complete segment visible to others; `EEXIST` if another one has taken its name meanwhile.
    fn publish(&mut self) -> Result<(), Errno> {
        Ok(())
    }

    /// Maps the whole segment.
    fn attach(&mut self, read_only: bool) -> Result<Mapping, Errno>;

    /// Resident bytes, as far as the kernel reports them. Also `None` where holes are never touched, because
    /// the number is not needed there.
    fn resident(&self) -> Option<u64> {
        None
    }

    /// Gives the memory of whole pages back to the system; they read as zeros then. An error where the system
    /// does not do that, or not here.
    fn free(&self, _mapping: &Mapping, _offset: u64, _bytes: u64) -> Result<(), Errno> {
        Err(Errno::ENOTSUP)
    }

    /// Owner, mode and size.
    fn stat(&self) -> Result<Inspection, Errno>;

    /// As [`KernelObject::stat`], also where this process may not read the segment.
    fn inspect(&self) -> Result<Inspection, Errno> {
        self.stat()
    }

    /// The owner.
    fn owner(&self) -> Result<Owner, Errno>;

    /// Sets mode and, if given, group; only the owner may.
    fn set_access(&self, mode: u32, group: Option<u32>) -> Result<(), Errno>;

    /// Removes the name; the memory exists until the last process detaches. Only the owner may.
    fn take_away(&self, mapping: &Mapping) -> Result<(), Errno>;

    /// Whether no name leads to it any more, so that only this process's references keep its memory and its
    /// locks.
    fn is_nameless(&self) -> bool;

    /// The header's word for the name, for kernels that lose the key of a removed segment.
    fn key_word(&self) -> u64 {
        0
    }

    /// Retires predecessors whose name was removed, as far as they can be found.
    fn retire_orphans(&self) {}

    /// The locks for a segment that is being created; `None` if locks are not available.
    fn make_locks(&self, config: &Config, slots: usize) -> Option<Locks>;

    /// The locks whose [`SlotLocks::id`] the header has recorded; `None` if they are not the segment's.
    fn recorded_locks(&self, id: u64) -> Option<Locks>;
}

/// The slots' locks of one segment.
pub(crate) type Locks = Box<dyn SlotLocks>;

/// Which slots have an owner, as the kernel knows it. The lock of slot 0 counts the
/// processes without a slot of their own, and keeps two processes from beginning or ending a generation at once.
///
/// Each slot is at 0 (free), [`CLAIMED`](crate::layout::CLAIMED) or [`OPEN`](crate::layout::OPEN); the kernel
/// resets it to 0 when its owner dies.
pub(crate) trait SlotLocks: Debug + Send {
    /// The number from which [`KernelObject::recorded_locks`] finds them again.
    fn id(&self) -> u64;

    /// The value of each of `slots` slots, and perhaps of more. Needs the read bit.
    fn values(&self, slots: usize) -> Option<Vec<u16>>;

    /// Must be called before a series of claims.
    fn prepare(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// Takes a slot from 0 to `CLAIMED` for this process; `EAGAIN` if it is taken.
    fn claim(&self, slot: usize) -> Result<(), Errno>;

    /// Takes a slot of this process from `CLAIMED` to `OPEN`.
    fn open(&self, slot: usize) -> Result<(), Errno>;

    /// Takes a slot of this process from `value` to 0.
    fn give_back(&self, slot: usize, value: u16) -> Result<(), Errno>;

    /// Takes a slot that was claimed beside this process's own from `CLAIMED` to 0.
    fn return_borrowed(&self, slot: usize) -> Result<(), Errno>;

    /// Counts this process, until it dies or leaves, as one without a slot of its own.
    fn join_shared(&self) -> Result<(), Errno>;

    /// Ends what [`SlotLocks::join_shared`] began.
    fn leave_shared(&self) -> Result<(), Errno>;

    /// Shuts out other processes that begin or end generations; `EAGAIN` while another one does, or while a
    /// process without a slot lives.
    fn begin_collection(&self) -> Result<(), Errno>;

    /// Ends what [`SlotLocks::begin_collection`] began.
    fn end_collection(&self) -> Result<(), Errno>;

    /// Frees this process's resources for locks that nobody queries any more.
    fn let_go(&self) {}

    /// A number that changes when any process but the slots' owners has changed their values, if that is
    /// possible.
    fn changed_at(&self) -> Option<u64> {
        None
    }

    /// Whether this process holds the slot, perhaps since before an exec. Never where locks do not survive an
    /// exec.
    fn is_held_by(&self, _slot: usize, _pid: u32) -> bool {
        false
    }

    /// The processes that hold slots, at most `most`, by their ids in this process's PID namespace. None where the
    /// kernel does not tell.
    fn holders(&self, _most: usize) -> Vec<u32> {
        Vec::new()
    }

    /// Whether the kernel releases a dead process's locks. `None` if that could not be tested.
    fn tell_of_deaths(&self) -> Option<bool>;
}
