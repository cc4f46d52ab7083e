//! System V semaphores, which record the owners of slots.
//!
//! Required behaviour (Linux): every `semop` needs the write bit; `SEM_UNDO` is undone at the death of the
//! process, is not inherited by fork and survives exec.
#![allow(unsafe_code)]

use crate::{
    config::Config,
    layout::{CLAIMED, OPEN, SHARED},
    os::interface::SlotLocks,
};
use libc::{c_int, c_short, c_ushort, key_t};
use nix::{
    errno::Errno,
    sys::signal::{SigSet, SigmaskHow},
};
use std::ptr::null_mut;

/// A semaphore set: one semaphore per slot; number 0 counts the processes without a slot, and serves tests of the
/// kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Semaphores(pub(crate) i32);

impl Semaphores {
    /// The set under `key`, created if there is none; `EINVAL` if there is a smaller one.
    fn find_or_create(key: key_t, count: usize, mode: u32) -> Result<Self, Errno> {
        crate::crash::point();
        // SAFETY: no pointers are passed.
        Errno::result(unsafe { libc::semget(key, count as c_int, libc::IPC_CREAT | mode.cast_signed()) })
            .map(Self)
    }

    /// The set under `key`, if there is one. Needs no permission.
    pub(crate) fn find(key: key_t) -> Result<Self, Errno> {
        // SAFETY: no pointers are passed.
        Errno::result(unsafe { libc::semget(key, 0, 0) }).map(Self)
    }

    /// Creates or finds the set under the segment's key. A set that remains after its segment alone was
    /// removed is reused, or, if it is too small and no process holds a semaphore, replaced.
    pub(crate) fn settle(config: &Config, key: key_t, count: usize) -> Option<Self> {
        let set = match Self::find_or_create(key, count, config.mode) {
            Err(Errno::EINVAL) => {
                let old = Self::find(key).ok()?;
                let ours = old.owner().ok()? == nix::unistd::geteuid().as_raw();
                let idle = old.all_values().ok()?.iter().all(|value| *value == 0);
                if !(ours && idle) {
                    return None;
                }
                old.remove().ok()?;
                Self::find_or_create(key, count, config.mode).ok()?
            }
            found => found.ok()?,
        };
        let _others_may_not = set.set_access(config.mode, config.group);
        Some(set)
    }

    /// Changes semaphore `slot` by `by`, together with the kernel's undo value.
    fn shift(self, slot: usize, by: i16) -> Result<(), Errno> {
        self.operate(&mut [operation(slot, by)])
    }

    fn operate(self, operations: &mut [libc::sembuf]) -> Result<(), Errno> {
        crate::crash::point();
        // SAFETY: pointer and length are those of one slice.
        Errno::result(unsafe { libc::semop(self.0, operations.as_mut_ptr(), operations.len()) }).map(drop)
    }

    /// All values. Needs the read bit.
    fn all_values(self) -> Result<Vec<u16>, Errno> {
        let mut values: Vec<c_ushort> = vec![0; self.stat()?.sem_nsems as usize];
        // SAFETY: the kernel writes one value for each semaphore; a set never changes its size.
        Errno::result(unsafe { libc::semctl(self.0, 0, libc::GETALL, values.as_mut_ptr()) })?;
        Ok(values)
    }

    /// One value.
    fn value(self, slot: usize) -> Result<i32, Errno> {
        // SAFETY: GETVAL takes no argument.
        Errno::result(unsafe { libc::semctl(self.0, slot as c_int, libc::GETVAL) })
    }

    /// The process that last changed the semaphore: its id in this PID namespace, 0 if it is not visible
    /// there.
    fn last_pid(self, slot: usize) -> Result<i32, Errno> {
        // SAFETY: GETPID takes no argument.
        Errno::result(unsafe { libc::semctl(self.0, slot as c_int, libc::GETPID) })
    }

    /// Sets mode and, if given, group; only the owner may.
    fn set_access(self, mode: u32, group: Option<u32>) -> Result<(), Errno> {
        let mut stat = self.stat()?;
        let group = group.unwrap_or(stat.sem_perm.gid);
        // A change without effect would still update the time of the last change.
        if u32::from(stat.sem_perm.mode) & 0o777 == mode && stat.sem_perm.gid == group {
            return Ok(());
        }
        stat.sem_perm.mode = mode as _;
        stat.sem_perm.gid = group;
        crate::crash::point();
        // SAFETY: the pointer is valid for the kernel to read one semid_ds.
        Errno::result(unsafe { libc::semctl(self.0, 0, libc::IPC_SET, &raw mut stat) }).map(drop)
    }

    /// The effective user that owns the set.
    fn owner(self) -> Result<u32, Errno> {
        self.stat().map(|stat| stat.sem_perm.uid)
    }

    fn stat(self) -> Result<libc::semid_ds, Errno> {
        // SAFETY: semid_ds is plain data, for which zero is a valid value.
        let mut stat: libc::semid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is valid for the kernel to write one semid_ds.
        Errno::result(unsafe { libc::semctl(self.0, 0, libc::IPC_STAT, &raw mut stat) })?;
        Ok(stat)
    }

    /// Removes the set; only the owner may.
    pub(crate) fn remove(self) -> Result<(), Errno> {
        crate::crash::point();
        // SAFETY: IPC_RMID takes no argument.
        Errno::result(unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) }).map(drop)
    }

    /// Tests whether the kernel applies `SEM_UNDO`: a child claims semaphore 0 and dies, then the value is
    /// read. `None` if another process's test, or one that died, holds the semaphore.
    ///
    /// The child shares our memory and we wait for it (as `posix_spawn` does), so nothing is copied; it sends
    /// no `SIGCHLD` and is not visible to the application's `wait`.
    fn undo_works(self) -> Result<Option<bool>, Errno> {
        let (child, test) = self.claim_in_a_child()?;
        if test.claimed { self.is_undone(child).map(Some) } else { Ok(None) }
    }

    /// Waits until a child has claimed semaphore 0 and died; returns its id.
    fn claim_in_a_child(self) -> Result<(i32, UndoTest), Errno> {
        // A signal handler in the child would run in this process's memory and act for it. The child starts
        // with the signal mask of this thread.
        let _mask = AllSignalsBlocked::in_this_thread()?;
        let mut stack = vec![0u64; 4096];
        let flags = libc::CLONE_VM | libc::CLONE_VFORK;
        let mut test = UndoTest {
            set: self.0,
            claimed: false,
            #[cfg(test)]
            mask: SigSet::empty(),
        };
        crate::crash::point();
        // SAFETY: the stack outlives the child, because CLONE_VFORK suspends us until it has ended;
        // `claim_and_die` makes two system calls and touches nothing else of ours.
        let child = Errno::result(unsafe {
            libc::clone(claim_and_die, stack.as_mut_ptr_range().end.cast(), flags, (&raw mut test).cast())
        })?;
        // SAFETY: no status pointer is passed.
        while unsafe { libc::waitpid(child, null_mut(), libc::__WCLONE) } == -1
            && Errno::last() == Errno::EINTR
        {}
        Ok((child, test))
    }

    /// Only a free semaphore can be claimed, so a claim after the child's proves that the child's was undone.
    fn is_undone(self, child: i32) -> Result<bool, Errno> {
        for _ in 0..20 {
            if self.value(0)? == 0 || self.last_pid(0)? != child {
                return Ok(true);
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Ok(false)
    }
}

impl SlotLocks for Semaphores {
    fn id(&self) -> u64 {
        self.0 as u64
    }

    fn values(&self, slots: usize) -> Option<Vec<u16>> {
        self.all_values().ok().filter(|values| values.len() >= slots)
    }

    /// Undone when this process dies.
    fn claim(&self, slot: usize) -> Result<(), Errno> {
        self.operate(&mut [operation(slot, 0), operation(slot, CLAIMED.cast_signed())])
    }

    fn open(&self, slot: usize) -> Result<(), Errno> {
        self.shift(slot, (OPEN - CLAIMED).cast_signed())
    }

    fn give_back(&self, slot: usize, value: u16) -> Result<(), Errno> {
        self.shift(slot, -value.cast_signed())
    }

    fn return_borrowed(&self, slot: usize) -> Result<(), Errno> {
        self.shift(slot, -CLAIMED.cast_signed())
    }

    fn join_shared(&self) -> Result<(), Errno> {
        self.shift(SHARED, 1)
    }

    fn leave_shared(&self) -> Result<(), Errno> {
        self.shift(SHARED, -1)
    }

    fn begin_collection(&self) -> Result<(), Errno> {
        self.operate(&mut [operation(SHARED, 0), operation(SHARED, 1)])
    }

    fn end_collection(&self) -> Result<(), Errno> {
        self.shift(SHARED, -1)
    }

    /// When the set was created or last changed by anything but its users' claims: `SETALL` and similar calls
    /// make the kernel discard its undo values. In the kernel's seconds.
    fn changed_at(&self) -> Option<u64> {
        self.stat().ok().map(|stat| stat.sem_ctime as u64)
    }

    fn is_held_by(&self, slot: usize, pid: u32) -> bool {
        self.last_pid(slot) == Ok(pid.cast_signed())
    }

    fn holders(&self, most: usize) -> Vec<u32> {
        let values = self.all_values().unwrap_or_default();
        let held = values.iter().enumerate().skip(SHARED + 1).filter(|(_, value)| **value > 0).take(most);
        let pids = held.filter_map(|(slot, _)| self.last_pid(slot).ok());
        pids.filter(|pid| *pid > 0).map(i32::cast_unsigned).collect()
    }

    fn tell_of_deaths(&self) -> Option<bool> {
        self.undo_works().ok().flatten()
    }
}

/// Restores the thread's signal mask when dropped.
struct AllSignalsBlocked(SigSet);

impl AllSignalsBlocked {
    fn in_this_thread() -> Result<Self, Errno> {
        SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).map(Self)
    }
}

impl Drop for AllSignalsBlocked {
    fn drop(&mut self) {
        let _cannot_fail = self.0.thread_set_mask();
    }
}

/// Input and result of the child of [`Semaphores::undo_works`].
struct UndoTest {
    set: i32,
    claimed: bool,
    /// The signals that the child has blocked.
    #[cfg(test)]
    mask: SigSet,
}

extern "C" fn claim_and_die(test: *mut libc::c_void) -> c_int {
    let test = test.cast::<UndoTest>();
    let mut claim = [operation(0, 0), operation(0, 1)];
    // SAFETY: `test` points to memory of the parent, which waits for this child; `_exit` ends only the child.
    unsafe {
        #[cfg(test)]
        (*test).mask.clone_from(&SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty()));
        (*test).claimed = libc::semop((*test).set, claim.as_mut_ptr(), claim.len()) == 0;
        libc::_exit(0)
    }
}

fn operation(slot: usize, by: c_short) -> libc::sembuf {
    let undo = if crate::crash::undo_has_no_effect() { 0 } else { libc::SEM_UNDO };
    let flags = libc::IPC_NOWAIT | undo;
    libc::sembuf { sem_num: slot as c_ushort, sem_op: by, sem_flg: flags as c_short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    #[test]
    #[cfg_attr(miri, ignore = "semaphores and processes")]
    fn child_of_the_liveness_test_has_all_signals_blocked() {
        let set = Semaphores::find_or_create(libc::IPC_PRIVATE, 1, 0o600).unwrap();
        let before = SigSet::thread_get_mask().unwrap();
        let tried = set.claim_in_a_child();
        set.remove().unwrap();
        let (_, test) = tried.unwrap();
        assert!(test.claimed);
        for signal in [Signal::SIGTERM, Signal::SIGALRM, Signal::SIGUSR1, Signal::SIGPROF, Signal::SIGCHLD] {
            assert!(test.mask.contains(signal), "{signal}");
            assert_eq!(SigSet::thread_get_mask().unwrap().contains(signal), before.contains(signal));
        }
    }
}
