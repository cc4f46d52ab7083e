//! The interface, part one: a segment's memory, independent of the kind of kernel object that holds it.

use super::{Inspection, Locks, Owner, posix, sysv};
use crate::{
    config::{Config, SegmentName},
    layout::{FORGED, NO_SEMAPHORES, header},
    memory::mapping::Mapping,
};
use nix::errno::Errno;

/// A segment as a kernel object. Two equal objects are the same memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Sysv(sysv::Segment),
    Posix(posix::Segment),
}

impl Object {
    /// The object under the name; `ENOENT` if there is none. Needs no permission for the segment.
    pub(crate) fn find(name: SegmentName) -> Result<Self, Errno> {
        match name {
            SegmentName::Sysv(key) => sysv::Segment::find(key).map(Self::Sysv),
            SegmentName::Posix(name) => posix::Segment::find(name).map(Self::Posix),
        }
    }

    /// An object without memory that the kernel knows.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn none() -> Self {
        Self::Sysv(sysv::Segment::none())
    }

    /// What is visible of a segment that this process has no permission to inspect.
    pub(crate) fn listed(name: SegmentName) -> Option<Inspection> {
        match name {
            SegmentName::Sysv(key) => sysv::listed(key),
            SegmentName::Posix(name) => posix::listed(name),
        }
    }

    /// Creates a zeroed segment whose first `first` bytes may be touched; `EEXIST` if there is one already.
    pub(crate) fn create(config: &Config, first: u64) -> Result<Self, Errno> {
        match config.name {
            SegmentName::Sysv(key) => sysv::Segment::create(key, config).map(Self::Sysv),
            SegmentName::Posix(name) => posix::Segment::create(name, config, first).map(Self::Posix),
        }
    }

    /// Whether the header may be missing: an unfinished System V segment is visible to all, and any of them
    /// can finish it.
    pub(crate) fn may_be_unfinished(&self) -> bool {
        match self {
            Self::Sysv(_) => true,
            Self::Posix(segment) => segment.is_in_the_making(),
        }
    }

    /// Makes a complete segment visible to others; `EEXIST` if another one has taken its name meanwhile.
    pub(crate) fn publish(&mut self) -> Result<(), Errno> {
        match self {
            Self::Sysv(_) => Ok(()),
            Self::Posix(segment) => segment.publish(),
        }
    }

    /// Maps the whole segment.
    pub(crate) fn attach(&mut self, read_only: bool) -> Result<Mapping, Errno> {
        match self {
            Self::Sysv(segment) => segment.attach(read_only),
            Self::Posix(segment) => segment.attach(read_only),
        }
    }

    /// Resident bytes, as far as the kernel reports them. Also `None` where holes are never touched, because
    /// the number is not needed there.
    pub(crate) fn resident(&self) -> Option<u64> {
        match self {
            Self::Sysv(segment) => segment.resident(),
            Self::Posix(_) => None,
        }
    }

    /// Owner, mode and size.
    pub(crate) fn stat(&self) -> Result<Inspection, Errno> {
        match self {
            Self::Sysv(segment) => segment.stat(),
            Self::Posix(segment) => segment.stat(),
        }
    }

    /// As [`Object::stat`], also where this process may not read the segment.
    pub(crate) fn inspect(&self) -> Result<Inspection, Errno> {
        match self {
            Self::Sysv(segment) => segment.inspect(),
            Self::Posix(segment) => segment.stat(),
        }
    }

    /// The owner.
    pub(crate) fn owner(&self) -> Result<Owner, Errno> {
        match self {
            Self::Sysv(segment) => segment.owner(),
            Self::Posix(segment) => segment.owner(),
        }
    }

    /// Sets mode and, if given, group; only the owner may.
    pub(crate) fn set_access(&self, mode: u32, group: Option<u32>) -> Result<(), Errno> {
        match self {
            Self::Sysv(segment) => segment.set_access(mode, group),
            Self::Posix(segment) => segment.set_access(mode, group),
        }
    }

    /// Removes the name; the memory exists until the last process detaches. Only the owner may.
    pub(crate) fn take_away(&self, mapping: &Mapping) -> Result<(), Errno> {
        match self {
            Self::Sysv(segment) => segment.take_away(mapping),
            Self::Posix(segment) => segment.take_away(),
        }
    }

    /// Whether no name leads to it any more, so that only this process's references keep its memory.
    pub(crate) fn is_nameless(&self) -> bool {
        match self {
            Self::Sysv(_) => false, // its semaphores may belong to a successor
            Self::Posix(segment) => segment.is_nameless(),
        }
    }

    /// The header's word for the name, for kernels that lose the key of a removed segment.
    pub(crate) fn key_word(&self) -> u64 {
        match self {
            Self::Sysv(segment) => segment.key_word(),
            Self::Posix(_) => 0,
        }
    }

    /// Retires predecessors whose name was removed, as far as they can be found.
    pub(crate) fn retire_orphans(&self) {
        match self {
            Self::Sysv(segment) => segment.retire_orphans(),
            Self::Posix(_) => {} // an object without a name cannot be found
        }
    }

    /// The locks for a segment that is being created; `None` if locks are not available.
    pub(crate) fn make_locks(&self, config: &Config, slots: usize) -> Option<Locks> {
        match self {
            Self::Sysv(segment) => segment.make_semaphores(config, slots).map(Locks::Semaphores),
            Self::Posix(segment) => segment.byte_locks().filter(posix::ByteLocks::work).map(Locks::Bytes),
        }
    }

    /// The locks that are recorded in the header.
    pub(crate) fn locks(&self, mapping: &Mapping) -> Option<Locks> {
        let id = match mapping.head(header!(semaphores)).load_acquire() {
            0 | NO_SEMAPHORES => return None,
            recorded => recorded - 1,
        };
        if mapping.head(header!(semaphores_since)).load_acquire() == FORGED {
            return None;
        }
        match self {
            Self::Sysv(segment) => segment.recorded_semaphores(id).map(Locks::Semaphores),
            Self::Posix(segment) => segment.byte_locks().filter(|_| id == 0).map(Locks::Bytes),
        }
    }
}
