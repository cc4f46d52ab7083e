//! The seam, first half: a segment's memory, whatever kind of object the kernel keeps it in.

use super::{Inspection, Locks, Owner, posix, sysv};
use crate::{
    config::{Config, SegmentName},
    layout::{FORGED, NO_SEMAPHORES, header},
    memory::mapping::Mapping,
};
use nix::errno::Errno;

/// A segment as the kernel knows it. Equal ones are the same memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    Sysv(sysv::Segment),
    Posix(posix::Segment),
}

impl Object {
    /// What the name leads to; `ENOENT` if that is nothing. Needs no permission for the segment.
    pub(crate) fn find(name: SegmentName) -> Result<Self, Errno> {
        match name {
            SegmentName::Sysv(key) => sysv::Segment::find(key).map(Self::Sysv),
            SegmentName::Posix(name) => posix::Segment::find(name).map(Self::Posix),
        }
    }

    /// No memory that the kernel knows.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn none() -> Self {
        Self::Sysv(sysv::Segment::none())
    }

    /// What can be known of a segment that this process may not even look at.
    pub(crate) fn listed(name: SegmentName) -> Option<Inspection> {
        match name {
            SegmentName::Sysv(key) => sysv::listed(key),
            SegmentName::Posix(name) => posix::listed(name),
        }
    }

    /// Makes a segment of zeros, of which the first `first` bytes may be touched; `EEXIST` if there is one.
    pub(crate) fn create(config: &Config, first: u64) -> Result<Self, Errno> {
        match config.name {
            SegmentName::Sysv(key) => sysv::Segment::create(key, config).map(Self::Sysv),
            SegmentName::Posix(name) => posix::Segment::create(name, config, first).map(Self::Posix),
        }
    }

    /// Whether it may lack its header: all see a System V segment in the making, and one of them finishes it.
    pub(crate) fn may_be_unfinished(&self) -> bool {
        match self {
            Self::Sysv(_) => true,
            Self::Posix(segment) => segment.is_in_the_making(),
        }
    }

    /// Lets others see a segment that is whole; `EEXIST` if another one has its name by now.
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

    /// Bytes that have memory behind them, as far as the kernel tells. `None` also where holes are never
    /// touched: there it does not matter.
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

    /// Whose it is.
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

    /// Takes the name away; the memory lives until the last process detaches. Only the owner may.
    pub(crate) fn take_away(&self, region: &Mapping) -> Result<(), Errno> {
        match self {
            Self::Sysv(segment) => segment.take_away(region),
            Self::Posix(segment) => segment.take_away(),
        }
    }

    /// Whether nothing can lead to it any more, and what this process keeps of it is all that keeps its memory.
    pub(crate) fn is_nameless(&self) -> bool {
        match self {
            Self::Sysv(_) => false, // its semaphores may be a successor's
            Self::Posix(segment) => segment.is_nameless(),
        }
    }

    /// What stands in the header for the name, for kernels that forget it.
    pub(crate) fn key_word(&self) -> u64 {
        match self {
            Self::Sysv(segment) => segment.key_word(),
            Self::Posix(_) => 0,
        }
    }

    /// Retires predecessors that somebody took the name of, as far as they can be found.
    pub(crate) fn retire_orphans(&self) {
        match self {
            Self::Sysv(segment) => segment.retire_orphans(),
            Self::Posix(_) => {} // nothing leads to an object without a name
        }
    }

    /// The locks for a segment that is being created; `None` if there can be none.
    pub(crate) fn make_locks(&self, config: &Config, slots: usize) -> Option<Locks> {
        match self {
            Self::Sysv(segment) => segment.make_semaphores(config, slots).map(Locks::Semaphores),
            Self::Posix(segment) => segment.byte_locks().filter(posix::ByteLocks::work).map(Locks::Bytes),
        }
    }

    /// The locks that the header tells of.
    pub(crate) fn locks(&self, region: &Mapping) -> Option<Locks> {
        let id = match region.head(header!(semaphores)).load_acquire() {
            0 | NO_SEMAPHORES => return None,
            recorded => recorded - 1,
        };
        if region.head(header!(semaphores_since)).load_acquire() == FORGED {
            return None;
        }
        match self {
            Self::Sysv(segment) => segment.recorded_semaphores(id).map(Locks::Semaphores),
            Self::Posix(segment) => segment.byte_locks().filter(|_| id == 0).map(Locks::Bytes),
        }
    }
}
