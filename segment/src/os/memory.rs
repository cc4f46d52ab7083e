//! A segment inside this process, shared with children that it forks later. No kernel object has a name or a key, so
//! nobody else finds it, and it ends with the last of these processes: for tests of applications.
//!
//! There are no locks, so all processes and threads share slot 0, as where semaphores are not available.
#![allow(unsafe_code)]

use super::{
    Inspection, Owner,
    interface::{KernelObject, Locks},
};
use crate::{
    config::Config,
    memory::mapping::{Mapping, MappingGuard},
};
use nix::{
    errno::Errno,
    sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap},
    unistd::{getegid, geteuid},
};
use std::{
    ffi::c_void,
    num::NonZeroUsize,
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The segment of this process, from its creation until it is taken away. A forked child has a copy of this.
static CURRENT: Mutex<Option<MemorySegment>> = Mutex::new(None);

fn current() -> MutexGuard<'static, Option<MemorySegment>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory without a name.
#[derive(Debug, Clone)]
pub(crate) struct MemorySegment(Arc<Region>);

#[derive(Debug)]
struct Region {
    base: NonNull<c_void>,
    bytes: NonZeroUsize,
}

// SAFETY: the memory is only accessed through the atomics of a `Mapping`, and unmapped by the last owner.
unsafe impl Send for Region {}
// SAFETY: as above; a shared reference gives access to nothing but the address.
unsafe impl Sync for Region {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: this is the whole mapping, and each `Mapping` of it keeps the region alive.
        let _cannot_fail = unsafe { munmap(self.base, self.bytes.get()) };
    }
}

impl MappingGuard for MemorySegment {}

impl PartialEq for MemorySegment {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MemorySegment {}

impl MemorySegment {
    pub(super) fn find() -> Result<Self, Errno> {
        current().clone().ok_or(Errno::ENOENT)
    }

    pub(super) fn create(config: &Config) -> Result<Self, Errno> {
        let mut current = current();
        if current.is_some() {
            return Err(Errno::EEXIST);
        }
        let bytes = NonZeroUsize::new(config.size as usize).ok_or(Errno::EINVAL)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses a free address.
        let base =
            unsafe { mmap_anonymous(None, bytes, access, MapFlags::MAP_SHARED | MapFlags::MAP_NORESERVE)? };
        Ok(current.insert(Self(Arc::new(Region { base, bytes }))).clone())
    }
}

impl KernelObject for MemorySegment {
    /// A thread may find what another one is creating.
    fn may_be_unfinished(&self) -> bool {
        true
    }

    fn attach(&mut self, _read_only: bool) -> Result<Mapping, Errno> {
        let Region { base, bytes } = *self.0;
        // SAFETY: `bytes` bytes are mapped, page-aligned, for reading and writing, until the region's last owner is
        // dropped, and the guard is one.
        Ok(unsafe { Mapping::from_raw(base.cast(), bytes.get() as u64, Box::new(self.clone()), None) })
    }

    fn stat(&self) -> Result<Inspection, Errno> {
        let Owner { uid, gid, mode, .. } = self.owner()?;
        let (size, creator_pid) = (self.0.bytes.get() as u64, std::process::id().cast_signed());
        Ok(Inspection { id: 0, size, uid, gid, mode, attached: None, creator_pid })
    }

    fn owner(&self) -> Result<Owner, Errno> {
        let uid = geteuid().as_raw();
        Ok(Owner { uid, creator: uid, gid: getegid().as_raw(), mode: 0o600 })
    }

    /// Nobody else can reach it.
    fn set_access(&self, _mode: u32, _group: Option<u32>) -> Result<(), Errno> {
        Ok(())
    }

    fn take_away(&self, _mapping: &Mapping) -> Result<(), Errno> {
        let mut current = current();
        if current.as_ref() == Some(self) {
            *current = None;
        }
        Ok(())
    }

    fn is_nameless(&self) -> bool {
        current().as_ref() != Some(self)
    }

    fn make_locks(&self, _config: &Config, _slots: usize) -> Option<Locks> {
        None
    }

    fn recorded_locks(&self, _id: u64) -> Option<Locks> {
        None
    }
}
