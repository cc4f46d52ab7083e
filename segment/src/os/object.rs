//! A segment under its name, whichever kind of kernel object holds it: the one place that tells the kinds
//! apart.

use super::{
    Inspection,
    interface::{KernelObject, Locks},
    memory::MemorySegment,
    place::Place,
    posix,
    posix::PosixSegment,
    sysv,
    sysv::SysvSegment,
};
use crate::{
    config::{Config, SegmentName},
    layout::{FORGED, NO_SEMAPHORES, header},
    memory::mapping::Mapping,
};
use nix::errno::Errno;
use std::ops::{Deref, DerefMut};

/// A segment as a kernel object. Two equal objects are the same memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Sysv(SysvSegment),
    Posix(PosixSegment),
    Memory(MemorySegment),
}

impl Deref for Object {
    type Target = dyn KernelObject;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Sysv(segment) => segment,
            Self::Posix(segment) => segment,
            Self::Memory(segment) => segment,
        }
    }
}

impl DerefMut for Object {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Sysv(segment) => segment,
            Self::Posix(segment) => segment,
            Self::Memory(segment) => segment,
        }
    }
}

impl Object {
    /// The object under the name; `ENOENT` if there is none. Needs no permission for the segment.
    pub(crate) fn find(place: &Place, name: SegmentName) -> Result<Self, Errno> {
        match name {
            SegmentName::Sysv(key) => SysvSegment::find(key).map(Self::Sysv),
            SegmentName::Posix(name) => PosixSegment::find(place, name).map(Self::Posix),
            SegmentName::Memory => MemorySegment::find().map(Self::Memory),
        }
    }

    /// An object without memory that the kernel knows.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn none() -> Self {
        Self::Sysv(SysvSegment::none())
    }

    /// What is visible of a segment that this process has no permission to inspect.
    pub(crate) fn listed(name: SegmentName) -> Option<Inspection> {
        match name {
            SegmentName::Sysv(key) => sysv::listed(key),
            SegmentName::Posix(name) => posix::listed(name),
            SegmentName::Memory => None,
        }
    }

    /// Creates a zeroed segment whose first `first` bytes may be touched; `EEXIST` if there is one already.
    pub(crate) fn create(config: &Config, first: u64) -> Result<Self, Errno> {
        match config.name {
            SegmentName::Sysv(key) => SysvSegment::create(key, config).map(Self::Sysv),
            SegmentName::Posix(name) => PosixSegment::create(name, config, first).map(Self::Posix),
            SegmentName::Memory => MemorySegment::create(config).map(Self::Memory),
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
        self.recorded_locks(id)
    }
}
