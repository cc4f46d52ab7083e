//! The seam, second half: whose a slot is, as the kernel knows it.
//!
//! Each slot is at 0 (nobody), [`CLAIMED`] or [`OPEN`], and the kernel takes it back to 0 when its owner dies.

use super::sysv::Semaphores;
use nix::errno::Errno;

/// The owner is still clearing the living plane.
pub(crate) const CLAIMED: u16 = 1;
/// The owner's living plane counts.
pub(crate) const OPEN: u16 = 2;

/// The slots' locks of one segment; slot 0 has none.
#[derive(Debug)]
pub(crate) enum Locks {
    Semaphores(Semaphores),
}

impl Locks {
    /// What stands in the header, from which `Object::locks` finds them again.
    pub(crate) fn word(&self) -> u64 {
        match self {
            Self::Semaphores(set) => set.0 as u64 + 1,
        }
    }

    /// Where each of `slots` slots is. Needs the read bit.
    pub(crate) fn values(&self, slots: usize) -> Option<Vec<u16>> {
        match self {
            Self::Semaphores(set) => set.values().ok().filter(|values| values.len() >= slots),
        }
    }

    /// Takes a slot from 0 to [`CLAIMED`] for this process, or says `EAGAIN`.
    pub(crate) fn claim(&self, slot: usize) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.claim(slot),
        }
    }

    /// Takes a slot of this process from [`CLAIMED`] to [`OPEN`].
    pub(crate) fn open(&self, slot: usize) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.shift(slot, (OPEN - CLAIMED).cast_signed()),
        }
    }

    /// Takes a slot of this process from `value` to 0.
    pub(crate) fn give_back(&self, slot: usize, value: u16) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.shift(slot, -value.cast_signed()),
        }
    }

    /// A number that changes when somebody else than the slots' owners has changed their values, if
    /// that can happen.
    pub(crate) fn changed_at(&self) -> Option<u64> {
        match self {
            Self::Semaphores(set) => set.changed_at().ok(),
        }
    }

    /// Whether this very process holds the slot, perhaps since before an exec.
    pub(crate) fn is_held_by(&self, slot: usize, pid: u32) -> bool {
        match self {
            Self::Semaphores(set) => set.last_pid(slot) == Ok(pid.cast_signed()),
        }
    }

    /// Whether the kernel tells of deaths. `None` if it could not be tried.
    pub(crate) fn tell_of_deaths(&self) -> Option<bool> {
        match self {
            Self::Semaphores(set) => set.undo_works().ok().flatten(),
        }
    }
}
