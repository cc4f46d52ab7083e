//! POSIX: a segment is an object in /dev/shm, and the owners of its slots lock bytes of it.
//!
//! For containers that share a mount at /dev/shm, but no IPC namespace. The writer maps through the
//! `shared_memory` crate. What that crate does not offer goes through nix: mode and group, a read-only
//! mapping, a descriptor for locks and for reserving memory.
//!
//! An object gets its name only when it is complete, so no process ever sees an unfinished one.
#![allow(unsafe_code)]

mod fork_guard;
mod ofd_locks;
mod refusals;

use super::{
    Inspection, Owner, Place,
    folder::{Folder, is_file, path},
    interface::{KernelObject, Locks},
    sigbus_fence::Fence,
};
use crate::{
    config::{Config, ObjectName, SegmentName},
    layout::{MAGIC, PAGE},
    memory::{
        mapping::{Mapping, MappingGuard},
        residency::{FileId, Residency},
    },
    order,
    random::random,
};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, OFlag, RenameFlags, renameat, renameat2},
    sys::{
        mman::{MapFlags, ProtFlags, mmap, munmap, shm_unlink},
        stat::{FileStat, Mode, fchmod, fstat},
        uio::pread,
    },
    unistd::{Gid, fchown},
};
use ofd_locks::ByteLocks;
pub(super) use refusals::refused;
pub use refusals::{Refusal, Refused};
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::{ffi::c_void, num::NonZeroUsize, os::fd::OwnedFd, ptr::NonNull, sync::Arc};

/// Most names of a folder that a reader looks at: anybody can make files there.
const MOST_NAMES: usize = 4096;
/// Prefix of temporary names, which no segment's name has: of objects being created, and of those being
/// removed.
const TEMP_PREFIX: &str = ".promshm-";

/// An object and its name.
#[derive(Debug, Clone)]
pub(crate) struct PosixSegment {
    folder: Folder,
    name: ObjectName,
    /// The temporary name it has until it is complete.
    making: Option<Arc<TempName>>,
    id: FileId,
    /// Open as long as the object is mapped: locks are queried and memory is reserved through it.
    file: Option<Arc<OwnedFd>>,
}

/// Equal if they are the same memory.
impl PartialEq for PosixSegment {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for PosixSegment {}

impl PosixSegment {
    /// The object of that name in the first folder that has one.
    pub(super) fn find(place: &Place, name: ObjectName) -> Result<Self, Errno> {
        let look = |folder: Folder| Ok::<_, Errno>((FileId::of(&folder.look(name.as_str())?), folder));
        let found = place.folders().map(look).reduce(Result::or);
        let (id, folder) = found.unwrap_or(Err(Errno::ENOENT))?;
        Ok(Self { folder, name, making: None, id, file: None })
    }

    /// Creates an object under a temporary name, and reserves its first `first` bytes.
    pub(super) fn create(name: ObjectName, config: &Config, first: u64) -> Result<Self, Errno> {
        remove_stale();
        let making = TempName::new();
        crate::crash::point();
        let mut shmem = making.conf().size(config.size as usize).create().map_err(|error| errno(&error))?;
        shmem.set_owner(false); // the crate would unlink a name that another object may have by then
        let file = open(&making.0, OFlag::O_RDWR)?;
        ofd_locks::lock(&file, ofd_locks::MAKING, 1)?; // tells `remove_stale` that the creator is alive
        let id = FileId::of(&fstat(&file)?);
        let folder = Folder::default();
        let segment = Self { folder, name, making: Some(Arc::new(making)), id, file: Some(Arc::new(file)) };
        let reserved = segment.mapping_of(shmem)?.reserve(0, first);
        if reserved { Ok(segment) } else { Err(Errno::ENOSPC) }
    }

    /// Maps by name, because the crate does, so it checks afterwards that the name still leads to the object.
    fn map(&self) -> Result<Mapping, Errno> {
        let os_id = format!("/{}", self.present_name());
        let shmem = ShmemConf::new().os_id(os_id).open().map_err(|error| errno(&error))?;
        if FileId::of(&look(self.present_name())?) != self.id {
            return Err(Errno::EIDRM);
        }
        self.mapping_of(shmem)
    }

    fn mapping_of(&self, shmem: Shmem) -> Result<Mapping, Errno> {
        let base = NonNull::new(shmem.as_ptr().cast()).ok_or(Errno::EINVAL)?;
        let bytes = shmem.len() as u64;
        let fence = Fence::around(base.cast(), shmem.len())?;
        let residency = self.file.as_ref().map(|file| Residency::new(Arc::clone(file), self.id, bytes));
        // SAFETY: the crate maps `len` bytes, page-aligned, for reading and writing, until it is dropped.
        Ok(unsafe { Mapping::from_raw(base, bytes, Box::new(Opened { fence, _shmem: shmem }), residency) })
    }

    fn map_read_only(&self, bytes: u64) -> Result<Mapping, Errno> {
        let file = self.file.as_ref().ok_or(Errno::EBADF)?;
        let length = NonZeroUsize::new(bytes as usize).ok_or(Errno::ENODATA)?;
        // SAFETY: the kernel chooses a free address.
        let base = unsafe { mmap(None, length, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, 0)? };
        let residency = Residency::new(Arc::clone(file), self.id, bytes);
        let mut mapped = Mapped { fence: None, base, bytes: length };
        mapped.fence = Fence::around(base, length.get())?;
        // SAFETY: `length` bytes are mapped, page-aligned, until `Mapped` is dropped; the reader never
        // writes.
        Ok(unsafe { Mapping::from_raw(base.cast(), bytes, Box::new(mapped), Some(residency)) })
    }

    /// The locks of the slots.
    fn byte_locks(&self) -> Option<ByteLocks> {
        Some(ByteLocks::new(self.present_name().into(), self.id, Arc::clone(self.file.as_ref()?)))
    }

    fn present_name(&self) -> &str {
        self.making.as_ref().map_or(self.name.as_str(), |making| &making.0)
    }
}

impl KernelObject for PosixSegment {
    /// Only by its creator: no other process can have found an object without its name.
    fn may_be_unfinished(&self) -> bool {
        self.making.is_some()
    }

    /// Gives a complete segment its name; `EEXIST` if another process was faster.
    fn publish(&mut self) -> Result<(), Errno> {
        let Some(making) = &self.making else { return Ok(()) };
        crate::crash::point();
        let (from, to) = (path(&making.0), path(self.name.as_str()));
        renameat2(AT_FDCWD, &*from, AT_FDCWD, &*to, RenameFlags::RENAME_NOREPLACE)?;
        self.making = None;
        self.file.as_ref().map_or(Ok(()), |file| ofd_locks::unlock(file, ofd_locks::MAKING, 1))
    }

    /// Maps the object, if its name still leads to it.
    fn attach(&mut self, read_only: bool) -> Result<Mapping, Errno> {
        let mode = if read_only { OFlag::O_RDONLY } else { OFlag::O_RDWR };
        let file = match self.file.take().filter(|_| self.may_be_unfinished()) {
            Some(file) => file, // it holds the creator's lock
            None => Arc::new(self.folder.open(self.present_name(), mode)?),
        };
        let stat = fstat(&file)?;
        if FileId::of(&stat) != self.id {
            return Err(Errno::EIDRM);
        }
        if stat.st_size == 0 {
            return Err(Errno::ENODATA);
        }
        self.file = Some(file);
        crate::crash::point();
        let mapping = if read_only { self.map_read_only(stat.st_size as u64)? } else { self.map()? };
        // Memory that begins with a hole is no segment, and must not be touched.
        if mapping.words(0, 1).is_some() { Ok(mapping) } else { Err(Errno::ENODATA) }
    }

    /// Owner, mode and size: of this object if it is open, otherwise of the object under its name.
    /// Punches a hole. A writer's descriptor is writable, because it reserves memory through it.
    fn free(&self, mapping: &Mapping, offset: u64, bytes: u64) -> Result<(), Errno> {
        mapping.give_back(offset, bytes)
    }

    fn stat(&self) -> Result<Inspection, Errno> {
        let stat = match &self.file {
            Some(file) => fstat(file)?,
            None => self.folder.look(self.present_name())?,
        };
        Ok(inspection(&stat))
    }

    /// The owner: of this object, if it is open.
    fn owner(&self) -> Result<Owner, Errno> {
        let Inspection { uid, gid, mode, .. } = self.stat()?;
        Ok(Owner { uid, creator: uid, gid, mode })
    }

    /// Sets mode and, if given, group; only the owner may.
    fn set_access(&self, mode: u32, group: Option<u32>) -> Result<(), Errno> {
        let file = self.file.as_ref().ok_or(Errno::EBADF)?;
        crate::crash::point();
        // The group first: in some kernels a process that has given a file away may not change its mode.
        let given = group.map_or(Ok(()), |group| fchown(file, None, Some(Gid::from_raw(group))));
        crate::crash::point();
        fchmod(file, Mode::from_bits_truncate(mode)).and(given)
    }

    /// Removes the name. No system call unlinks a name only while it leads to a given object, so the name is
    /// changed first, and an object that was renamed by mistake gets its name back.
    fn take_away(&self, _: &Mapping) -> Result<(), Errno> {
        let name = self.name.as_str();
        if !look(name).is_ok_and(|stat| FileId::of(&stat) == self.id) {
            return Ok(());
        }
        let leaving = TempName::new(); // unlinks when dropped
        let (from, to) = (path(name), path(&leaving.0));
        crate::crash::point();
        match renameat(AT_FDCWD, &*from, AT_FDCWD, &*to) {
            Err(Errno::ENOENT) => return Ok(()),
            moved => moved?,
        }
        if !look(&leaving.0).is_ok_and(|stat| FileId::of(&stat) == self.id) {
            let _or_there_is_another =
                renameat2(AT_FDCWD, &*to, AT_FDCWD, &*from, RenameFlags::RENAME_NOREPLACE);
        }
        Ok(())
    }

    /// Whether its last name was removed.
    fn is_nameless(&self) -> bool {
        let stat = self.file.as_ref().and_then(|file| fstat(file).ok());
        stat.is_some_and(|stat| FileId::of(&stat) == self.id && stat.st_nlink == 0)
    }

    fn make_locks(&self, _: &Config, _: usize) -> Option<Locks> {
        Some(Box::new(self.byte_locks().filter(ByteLocks::work)?))
    }

    /// There is one set of bytes to lock.
    fn recorded_locks(&self, id: u64) -> Option<Locks> {
        if id == ByteLocks::ID { Some(Box::new(self.byte_locks()?)) } else { None }
    }
}

/// A temporary name. It is unlinked at the end of its use, whichever object has it by then.
#[derive(Debug)]
struct TempName(String);

impl TempName {
    fn new() -> Self {
        Self(format!("{TEMP_PREFIX}{}-{:016x}", std::process::id(), random()))
    }

    fn conf(&self) -> ShmemConf {
        ShmemConf::new().os_id(format!("/{}", self.0))
    }
}

impl Drop for TempName {
    fn drop(&mut self) {
        crate::crash::point();
        let _has_another_name_now = shm_unlink(&*format!("/{}", self.0));
    }
}

/// The crate's mapping, which is unmapped when it is dropped, after the fence.
struct Opened {
    fence: Option<Fence>,
    _shmem: Shmem,
}

// SAFETY: it is only stored and dropped, and unmapping may happen on any thread.
unsafe impl Send for Opened {}

impl MappingGuard for Opened {
    fn is_lost(&self) -> bool {
        self.fence.as_ref().is_some_and(Fence::is_lost)
    }
}

/// A read-only mapping of our own, because the crate's mappings are always writable.
struct Mapped {
    fence: Option<Fence>,
    base: NonNull<c_void>,
    bytes: NonZeroUsize,
}

// SAFETY: as for `Opened`.
unsafe impl Send for Mapped {}

impl MappingGuard for Mapped {
    fn is_lost(&self) -> bool {
        self.fence.as_ref().is_some_and(Fence::is_lost)
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        self.fence = None;
        // SAFETY: base and length are what mmap returned, and the mapping that used them is being dropped.
        let _cannot_fail = unsafe { munmap(self.base, self.bytes.get()) };
    }
}

/// Opens an object of this process's folder.
fn open(name: &str, mode: OFlag) -> Result<OwnedFd, Errno> {
    Folder::default().open(name, mode)
}

fn look(name: &str) -> Result<FileStat, Errno> {
    Folder::default().look(name)
}

fn inspection(stat: &FileStat) -> Inspection {
    Inspection {
        id: stat.st_ino,
        size: stat.st_size as u64,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: stat.st_mode & 0o777,
        attached: None,
        creator_pid: 0,
    }
}

/// What is visible of an object that may not be opened.
pub(super) fn listed(name: ObjectName) -> Option<Inspection> {
    look(name.as_str()).ok().map(|stat| inspection(&stat))
}

/// The kernel's error code behind the crate's error.
fn errno(error: &ShmemError) -> Errno {
    match error {
        ShmemError::MapCreateFailed(code)
        | ShmemError::MapOpenFailed(code)
        | ShmemError::UnknownOsError(code) => Errno::from_raw(code.cast_signed()),
        ShmemError::MappingIdExists => Errno::EEXIST,
        _ => Errno::EINVAL,
    }
}

/// Removes the temporary names of processes that died while they created or removed a segment.
fn remove_stale() {
    for name in Folder::default().names(usize::MAX).iter().filter(|name| name.starts_with(TEMP_PREFIX)) {
        if open(name, OFlag::O_RDWR).is_ok_and(|file| ofd_locks::lock(&file, ofd_locks::MAKING, 1).is_ok()) {
            let _swept_already = shm_unlink(&*format!("/{name}"));
        }
    }
}

/// All promshm objects that this process may read, by name.
pub(super) fn discover(place: &Place) -> Vec<SegmentName> {
    let found: Vec<_> = place.folders().flat_map(|folder| ours_in(&folder)).collect();
    let order = order::sorted(found.len(), &|a, b| found[a].as_str().cmp(found[b].as_str()));
    let mut found: Vec<_> = order.into_iter().map(|at| found[at]).collect();
    found.dedup();
    found.into_iter().map(SegmentName::Posix).collect()
}

/// The promshm objects in a folder.
fn ours_in(folder: &Folder) -> Vec<ObjectName> {
    let names = folder.names(MOST_NAMES);
    names.iter().filter_map(|name| ObjectName::new(name)).filter(|name| is_ours(folder, *name)).collect()
}

/// Whether a folder has any object that may be a segment.
pub(super) fn has_any(folder: &Folder) -> bool {
    folder.names(MOST_NAMES).iter().any(|name| ObjectName::new(name).is_some())
}

/// Whether it begins with promshm's magic number. Read without mapping, because it may be any user's object.
fn is_ours(folder: &Folder, name: ObjectName) -> bool {
    if !folder.look(name.as_str()).is_ok_and(|stat| is_file(&stat) && stat.st_size as u64 >= PAGE) {
        return false;
    }
    let mut first = [0; 8];
    let read = folder.open(name.as_str(), OFlag::O_RDONLY).and_then(|file| pread(&file, &mut first, 0));
    read == Ok(8) && u64::from_le_bytes(first) >> 32 == MAGIC
}
