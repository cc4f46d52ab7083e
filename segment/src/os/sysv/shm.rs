//! System V shared memory: the few calls that nix 0.31 lacks.
//!
//! Required behaviour (Linux): `shmget(key, 0, 0)` needs no permission; a read-only attachment and `IPC_STAT`
//! need the read bit.
#![allow(unsafe_code)]

use crate::{
    layout::PAGE,
    memory::mapping::{Mapping, MappingGuard},
    os::{Inspection, Owner, kernel_page, sigbus_fence::Fence},
};
use libc::{c_int, key_t};
use nix::errno::Errno;
#[cfg(not(any(loom, miri)))]
use nix::sys::mman::{MmapAdvise, madvise};
use std::ptr::{NonNull, null, null_mut};

/// Commands of `shmctl` that neither libc nor nix names (`linux/shm.h`).
const SHM_STAT: c_int = 13;
const SHM_INFO: c_int = 14;

/// A segment's id, as returned by `shmget`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SharedMemory(pub(crate) i32);

impl SharedMemory {
    /// The segment under `key`; `ENOENT` if there is none. Needs no permission.
    pub(crate) fn find(key: key_t) -> Result<Self, Errno> {
        // SAFETY: no pointers are passed.
        Errno::result(unsafe { libc::shmget(key, 0, 0) }).map(Self)
    }

    /// Creates the segment under `key`; `EEXIST` if there is one. Pages cost memory only once touched.
    pub(crate) fn create(key: key_t, size: u64, mode: u32) -> Result<Self, Errno> {
        let flags = libc::IPC_CREAT | libc::IPC_EXCL | libc::SHM_NORESERVE | mode.cast_signed();
        crate::crash::point();
        // SAFETY: no pointers are passed.
        Errno::result(unsafe { libc::shmget(key, size as usize, flags) }).map(Self)
    }

    /// Maps the whole segment.
    pub(crate) fn attach(self, read_only: bool) -> Result<Mapping, Errno> {
        let bytes = self.stat()?.size;
        let flags = if read_only { libc::SHM_RDONLY } else { 0 };
        crate::crash::point();
        // SAFETY: the kernel chooses a free address.
        let address = unsafe { libc::shmat(self.0, null(), flags) };
        if address.addr() == usize::MAX {
            return Err(Errno::last());
        }
        let base = NonNull::new(address.cast()).ok_or(Errno::EINVAL)?;
        let mut attachment = Attachment { base, bytes: bytes as usize, fence: None };
        attachment.fence = Fence::around(base.cast(), bytes as usize)?;
        // SAFETY: shmat maps `bytes` bytes, page-aligned, until `Attachment` is dropped; a read-only mapping
        // is only handed to the reader, which never writes.
        Ok(unsafe { Mapping::from_raw(base, bytes, Box::new(attachment), None) })
    }

    /// Gives the memory of whole pages back to the system; they read as zeros then.
    #[cfg(not(any(loom, miri)))]
    pub(crate) fn free(mapping: &Mapping, offset: u64, bytes: u64) -> Result<(), Errno> {
        let end = offset.checked_add(bytes).filter(|end| *end <= mapping.bytes()).ok_or(Errno::EINVAL)?;
        let start = mapping.address(offset).filter(|_| end.is_multiple_of(PAGE)).ok_or(Errno::EINVAL)?;
        crate::crash::point();
        // SAFETY: the range lies inside the mapping, as just checked, which is only accessed through atomics:
        // the pages stay mapped, and read as zeros.
        unsafe { madvise(start.cast(), bytes as usize, MmapAdvise::MADV_REMOVE) }
    }

    /// Owner, mode and size. Needs the read bit.
    pub(crate) fn stat(self) -> Result<Inspection, Errno> {
        let stat = self.raw_stat()?;
        Ok(Inspection {
            id: self.0 as u64,
            size: stat.shm_segsz as u64,
            uid: stat.shm_perm.uid,
            gid: stat.shm_perm.gid,
            mode: u32::from(stat.shm_perm.mode) & 0o777,
            attached: Some(stat.shm_nattch),
            creator_pid: stat.shm_cpid,
        })
    }

    /// Bytes that are resident or swapped out; where the kernel's list cannot be read, those of all segments
    /// of the IPC namespace. `None` where the kernel does not count them.
    pub(crate) fn resident(self) -> Option<u64> {
        let bytes = super::proc_list::resident(self.0).or_else(|| {
            let [_used_ids, _total, resident, swapped, ..] = Self::info().ok()?.1;
            Some((resident + swapped) * kernel_page())
        });
        bytes.filter(|bytes| *bytes >= PAGE) // at least the header's page is resident
    }

    /// The highest used index of the kernel's table, and its `shm_info`.
    fn info() -> Result<(c_int, [u64; 16]), Errno> {
        let mut info = [0_u64; 16];
        // SAFETY: the kernel writes one `shm_info`, which is 48 bytes.
        let highest = Errno::result(unsafe { libc::shmctl(0, SHM_INFO, info.as_mut_ptr().cast()) })?;
        Ok((highest, info))
    }

    /// How many segments the IPC namespace has.
    pub(crate) fn count() -> Result<u64, Errno> {
        Ok(Self::info()?.1[0] & u64::from(u32::MAX))
    }

    /// All segments of the IPC namespace that have a key and are readable for this process. Queried by system
    /// call, because `/proc` may be hidden.
    pub(crate) fn readable() -> Result<Vec<(key_t, Self)>, Errno> {
        let (highest, _info) = Self::info()?;
        Ok((0..=highest).filter_map(Self::at_index).filter(|(key, _)| *key != libc::IPC_PRIVATE).collect())
    }

    /// The segment at that index of the kernel's table, with its key; `None` also without permission.
    fn at_index(index: c_int) -> Option<(key_t, Self)> {
        // SAFETY: shmid_ds is plain data, for which zero is a valid value.
        let mut stat: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the kernel to write one shmid_ds.
        let id = Errno::result(unsafe { libc::shmctl(index, SHM_STAT, &raw mut stat) }).ok()?;
        Some((stat.shm_perm.__key, Self(id)))
    }

    fn raw_stat(self) -> Result<libc::shmid_ds, Errno> {
        // SAFETY: shmid_ds is plain data, for which zero is a valid value.
        let mut stat: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the kernel to write one shmid_ds.
        Errno::result(unsafe { libc::shmctl(self.0, libc::IPC_STAT, &raw mut stat) })?;
        Ok(stat)
    }

    /// The owner. Needs the read bit.
    pub(crate) fn owner(self) -> Result<Owner, Errno> {
        let access = self.raw_stat()?.shm_perm;
        let mode = u32::from(access.mode) & 0o777;
        Ok(Owner { uid: access.uid, creator: access.cuid, gid: access.cgid, mode })
    }

    /// Sets mode and, if given, group; only the owner may.
    pub(crate) fn set_access(self, mode: u32, group: Option<u32>) -> Result<(), Errno> {
        let mut stat = self.raw_stat()?;
        stat.shm_perm.mode = mode as _;
        stat.shm_perm.gid = group.unwrap_or(stat.shm_perm.gid);
        crate::crash::point();
        // SAFETY: the pointer is valid for the kernel to read one shmid_ds.
        Errno::result(unsafe { libc::shmctl(self.0, libc::IPC_SET, &raw mut stat) }).map(drop)
    }

    /// Removes the key; the memory exists until the last process detaches. Only the owner may.
    pub(crate) fn remove(self) -> Result<(), Errno> {
        crate::crash::point();
        // SAFETY: IPC_RMID takes no argument.
        Errno::result(unsafe { libc::shmctl(self.0, libc::IPC_RMID, null_mut()) }).map(drop)
    }
}

/// An attachment made by shmat.
struct Attachment {
    base: NonNull<u64>,
    bytes: usize,
    fence: Option<Fence>,
}

// SAFETY: it is only stored and dropped, and detaching may happen on any thread.
unsafe impl Send for Attachment {}

impl MappingGuard for Attachment {
    fn is_lost(&self) -> bool {
        self.fence.as_ref().is_some_and(Fence::is_lost)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let is_lost = self.is_lost();
        self.fence = None;
        if is_lost {
            // SAFETY: the fence has mapped zeros over all of it, and the mapping that used it is being dropped.
            unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
        } else {
            // SAFETY: the address came from shmat, and the mapping that used it is being dropped.
            unsafe { libc::shmdt(self.base.as_ptr().cast()) };
        }
    }
}
