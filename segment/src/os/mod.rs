//! Kernel objects: how they are created, found and removed.
//!
//! `Object` and `Locks` are what the layers above use, without knowing which kind of object it is.

mod folder;
mod heap;
mod interface;
mod memory;
mod object;
mod owner;
mod place;
pub(crate) mod posix;
mod sigbus_fence;
mod sysv;

use crate::{
    config::SegmentName,
    error::ReadError,
    layout::{MAGIC, PAGE, RETIRED, header},
    memory::mapping::Mapping,
};
pub use folder::Folder;
pub use heap::return_large_blocks;
pub(crate) use interface::{Locks, SlotLocks};
use nix::{
    errno::Errno,
    unistd::{SysconfVar, sysconf},
};
pub(crate) use object::Object;
pub use owner::Owner;
pub use place::Place;
pub use posix::{Refusal, Refused};
pub use sigbus_fence::survive_truncation;

/// Bytes of a page of the kernel's; at least a page of ours, and more on some arm64.
pub(crate) fn kernel_page() -> u64 {
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().map_or(PAGE, |bytes| PAGE.max(bytes.cast_unsigned()))
}

/// What is visible of a segment from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// The kernel's id for it.
    pub id: u64,
    /// Address space, in bytes.
    pub size: u64,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Current attachments, where the kernel counts them.
    pub attached: Option<u64>,
    /// The process that created it; 0 if it is in another PID namespace, or unknown.
    pub creator_pid: i32,
}

impl Place {
    /// All promshm segments that this process can find and may read, those of System V first, sorted by name. The
    /// reader checks whether they are valid.
    ///
    /// # Errors
    /// If the kernel does not list System V segments, and there are no POSIX ones.
    pub fn discover(&self) -> Result<Vec<SegmentName>, Errno> {
        let objects = posix::discover(self);
        match sysv::discover() {
            Ok(segments) => Ok(segments.into_iter().chain(objects).collect()),
            Err(error) if objects.is_empty() => Err(error),
            Err(_) => Ok(objects),
        }
    }

    /// Whether there may be segments: whether the namespace has any shared memory, and the folders any file. Far
    /// cheaper than [`Place::discover`].
    #[must_use]
    pub fn may_have_segments(&self) -> bool {
        sysv::has_any() || self.folders().any(|folder| posix::has_any(&folder))
    }

    /// Looks at a segment without mapping it; works without permission to read it.
    pub fn inspect(&self, name: &SegmentName) -> Result<Inspection, ReadError> {
        let object = self.find(*name)?;
        object.inspect().map_err(|error| read_error(*name, KernelCall::Control, error))
    }

    /// The owner of the segment under that name. Needs the same permissions as [`Place::inspect`].
    ///
    /// # Errors
    /// If there is no segment, or the kernel does not return its owner.
    pub fn owner(&self, name: &SegmentName) -> Result<Owner, ReadError> {
        let object = self.find(*name)?;
        object.owner().map_err(|error| read_error(*name, KernelCall::Control, error))
    }

    /// The users whose processes may not write the segment, sorted by number.
    #[must_use]
    pub fn refused(&self, name: &SegmentName) -> Vec<Refused> {
        posix::refused(self, name)
    }

    fn find(&self, name: SegmentName) -> Result<Object, ReadError> {
        Object::find(self, name).map_err(|error| read_error(name, KernelCall::Find, error))
    }
}

/// As [`Place::inspect`], of this process's own segments.
pub fn inspect(name: &SegmentName) -> Result<Inspection, ReadError> {
    Place::default().inspect(name)
}

/// As [`Place::owner`], of this process's own segments.
///
/// # Errors
/// If there is no segment, or the kernel does not return its owner.
pub fn owner(name: &SegmentName) -> Result<Owner, ReadError> {
    Place::default().owner(name)
}

/// As [`Place::discover`], of this process's own segments.
///
/// # Errors
/// If the kernel does not list System V segments, and there are no POSIX ones.
pub fn discover() -> Result<Vec<SegmentName>, Errno> {
    Place::default().discover()
}

/// As [`Place::refused`], of this process's own segments.
#[must_use]
pub fn refused(name: &SegmentName) -> Vec<Refused> {
    Place::default().refused(name)
}

/// Whether memory begins with promshm's magic number, in any version.
fn is_ours(mapping: &Mapping) -> bool {
    mapping.bytes() >= PAGE && mapping.head(header!(identity)).load_acquire() >> 32 == MAGIC
}

/// Removes a segment and its locks; attached workers attach a new one.
///
/// The header is marked as retired first where this process may write it, so that no process counts into the
/// removed segment. Memory that is not promshm's is left alone.
pub fn remove(name: &SegmentName) -> Result<(), ReadError> {
    let failed = |call| move |error| read_error(*name, call, error);
    let mut object = Object::find(&Place::default(), *name).map_err(failed(KernelCall::Find))?;
    check_owner(&object, *name)?;
    let mapping = object.attach(false).map_err(failed(KernelCall::Map))?;
    if !is_ours(&mapping) {
        return Err(ReadError::Foreign { name: *name });
    }
    retire(&mapping, &object).map_err(failed(KernelCall::Control))
}

/// Marks a segment as replaced, then removes its name. In this order, a crash between the two steps leaves a
/// segment that the next process recognises and removes.
pub(crate) fn retire(mapping: &Mapping, object: &Object) -> Result<(), Errno> {
    mark_retired(mapping);
    object.take_away(mapping)
}

/// Makes all processes that count into a segment look for another one.
fn mark_retired(mapping: &Mapping) {
    mapping.head(header!(state)).store_release(RETIRED); // pair: EPOCH, by the next line
    mapping.head(header!(epoch)).fetch_add(1);
}

/// Only the owner may remove the name, so this is checked before anything is marked.
pub(crate) fn check_owner(object: &Object, name: SegmentName) -> Result<(), ReadError> {
    let me = nix::unistd::geteuid();
    let stat = object.stat().map_err(|error| read_error(name, KernelCall::Control, error))?;
    if me.is_root() || me.as_raw() == stat.uid {
        return Ok(());
    }
    Err(ReadError::NoPermission { name, uid: stat.uid, gid: stat.gid, mode: stat.mode })
}

/// The kind of request that was made to the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KernelCall {
    Find,
    Map,
    Control,
}

impl KernelCall {
    /// The system call behind the request.
    fn system_call(self, name: SegmentName) -> &'static str {
        match (name, self) {
            (SegmentName::Sysv(_), Self::Find) => "shmget",
            (SegmentName::Sysv(_), Self::Map) => "shmat",
            (SegmentName::Sysv(_), Self::Control) => "shmctl",
            (SegmentName::Posix(_), Self::Find) => "lstat",
            (SegmentName::Posix(_), Self::Map) => "shm_open",
            (SegmentName::Posix(_), Self::Control) => "rename",
            (SegmentName::Memory, _) => "mmap",
        }
    }
}

/// Translates the kernel's error code into a [`ReadError`].
pub(crate) fn read_error(name: SegmentName, call: KernelCall, error: Errno) -> ReadError {
    let owner = match error {
        Errno::ENOENT | Errno::EIDRM | Errno::EINVAL => return ReadError::Absent { name },
        Errno::ENODATA => return ReadError::Foreign { name },
        Errno::EACCES | Errno::EPERM => Object::listed(name),
        _ => None,
    };
    match owner {
        Some(seen) => ReadError::NoPermission { name, uid: seen.uid, gid: seen.gid, mode: seen.mode },
        None => ReadError::Os { name, call: call.system_call(name), error },
    }
}
