//! System V: a segment is identified by its key, and semaphore *i* under the same key belongs to slot *i*.

mod proc_list;
mod semaphores;
mod shm;

use super::{
    Inspection, Owner,
    interface::{KernelObject, Locks, SlotLocks},
};
use crate::{
    config::{Config, SegmentName},
    layout::{PAGE, RETIRED, header},
    memory::mapping::Mapping,
    order,
};
use nix::errno::Errno;
pub(super) use proc_list::listed;
pub(crate) use semaphores::Semaphores;
pub(crate) use shm::SharedMemory;

/// A segment, and the key under which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SysvSegment {
    key: i32,
    memory: SharedMemory,
}

impl SysvSegment {
    pub(super) fn find(key: i32) -> Result<Self, Errno> {
        Ok(Self { key, memory: SharedMemory::find(key)? })
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn none() -> Self {
        Self { key: 0, memory: SharedMemory(-1) }
    }

    /// Its memory is zero, and visible to all processes at once.
    pub(super) fn create(key: i32, config: &Config) -> Result<Self, Errno> {
        Ok(Self { key, memory: SharedMemory::create(key, config.size, config.mode)? })
    }
}

impl KernelObject for SysvSegment {
    /// An unfinished segment is visible to all, and any process can finish it.
    fn may_be_unfinished(&self) -> bool {
        true
    }

    fn attach(&mut self, read_only: bool) -> Result<Mapping, Errno> {
        self.memory.attach(read_only)
    }

    fn resident(&self) -> Option<u64> {
        self.memory.resident()
    }

    #[cfg(not(any(loom, miri)))]
    fn free(&self, mapping: &Mapping, offset: u64, bytes: u64) -> Result<(), Errno> {
        SharedMemory::free(mapping, offset, bytes)
    }

    fn stat(&self) -> Result<Inspection, Errno> {
        self.memory.stat()
    }

    /// Without permission to read it, by the kernel's list, if that can be read.
    fn inspect(&self) -> Result<Inspection, Errno> {
        match self.stat() {
            Err(Errno::EACCES) => listed(self.key).ok_or(Errno::ENOENT),
            seen => seen,
        }
    }

    fn owner(&self) -> Result<Owner, Errno> {
        self.memory.owner()
    }

    fn set_access(&self, mode: u32, group: Option<u32>) -> Result<(), Errno> {
        self.memory.set_access(mode, group)
    }

    /// Removes memory and semaphores; the next process completes the removal after a crash between the two.
    fn take_away(&self, mapping: &Mapping) -> Result<(), Errno> {
        let recorded = mapping.head(header!(semaphores)).load_acquire();
        // Another set than the recorded one may belong to another program, and a segment without a key may
        // have left its set to a successor, so such a set is left alone.
        let has_key = SharedMemory::find(self.key) == Ok(self.memory);
        match Semaphores::find(self.key) {
            Ok(set) if has_key && recorded == set.id() + 1 => unless_gone(set.remove())?,
            _ => {}
        }
        unless_gone(self.memory.remove())
    }

    /// Never, because the semaphores of a segment without a key may belong to its successor.
    fn is_nameless(&self) -> bool {
        false
    }

    fn key_word(&self) -> u64 {
        u64::from(self.key.cast_unsigned()) + 1
    }

    /// Retires segments that were removed with `ipcrm -M`: the processes that still count into one never look
    /// the key up again. The successor's creator finds it in the kernel's list.
    fn retire_orphans(&self) {
        for orphan in
            proc_list::without_key().filter(|orphan| orphan.size >= PAGE && orphan.attached > Some(0))
        {
            let Ok(mapping) = SharedMemory(orphan.id as i32).attach(false) else { continue };
            let ours =
                super::is_ours(&mapping) && mapping.head(header!(key)).load_acquire() == self.key_word();
            if ours && mapping.head(header!(state)).load_acquire() != RETIRED {
                super::mark_retired(&mapping);
            }
        }
    }

    fn make_locks(&self, config: &Config, slots: usize) -> Option<Locks> {
        Some(Box::new(Semaphores::settle(config, self.key, slots)?))
    }

    /// The set must have the segment's key: a corrupt header must not lead to another program's semaphores.
    fn recorded_locks(&self, id: u64) -> Option<Locks> {
        let set = i32::try_from(id).ok().map(Semaphores)?;
        if Semaphores::find(self.key) == Ok(set) { Some(Box::new(set)) } else { None }
    }
}

/// Another process may have removed it first.
fn unless_gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::EINVAL | Errno::EIDRM) => Ok(()),
        other => other,
    }
}

/// Whether the IPC namespace has any segment.
pub(super) fn has_any() -> bool {
    SharedMemory::count().is_ok_and(|count| count > 0)
}

/// Most segments that are looked at: a namespace has 4,096 by default, and looking at one takes system calls.
const MOST_LOOKED_AT: usize = 4096;

/// All promshm segments of the IPC namespace that this process may read, by key. Those without memory are not touched,
/// because a touch would give them some.
pub(super) fn discover() -> Result<Vec<SegmentName>, Errno> {
    let mut keys = SharedMemory::readable()?;
    if let Some(resident) = proc_list::with_memory() {
        keys.retain(|(_, memory)| resident.contains(&memory.0));
    }
    keys.truncate(MOST_LOOKED_AT);
    keys.retain(|(_, memory)| memory.attach(true).is_ok_and(|mapping| super::is_ours(&mapping)));
    let key = |at: usize| keys[at].0.cast_unsigned();
    let order = order::sorted(keys.len(), &|a, b| key(a).cmp(&key(b)));
    Ok(order.into_iter().map(|at| SegmentName::Sysv(keys[at].0)).collect())
}
