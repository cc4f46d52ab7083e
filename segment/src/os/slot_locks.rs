//! The interface, part two: which slots have an owner, as the kernel knows it.
//!
//! Each slot is at 0 (free), [`CLAIMED`] or [`OPEN`]; the kernel resets it to 0 when its owner dies.

use super::{posix::ByteLocks, sysv::Semaphores};
use crate::layout::{CLAIMED, OPEN};
use nix::errno::Errno;

/// The slots' locks of one segment; slot 0 has none.
#[derive(Debug)]
pub(crate) enum Locks {
    Semaphores(Semaphores),
    Bytes(ByteLocks),
}

impl Locks {
    /// The word in the header from which `Object::locks` finds them again.
    pub(crate) fn word(&self) -> u64 {
        match self {
            Self::Semaphores(set) => set.0 as u64 + 1,
            Self::Bytes(_) => 1,
        }
    }

    /// The value of each of `slots` slots. Needs the read bit.
    pub(crate) fn values(&self, slots: usize) -> Option<Vec<u16>> {
        match self {
            Self::Semaphores(set) => set.values().ok().filter(|values| values.len() >= slots),
            Self::Bytes(locks) => locks.values(slots),
        }
    }

    /// Must be called before a series of claims.
    pub(crate) fn prepare(&self) -> Result<(), Errno> {
        match self {
            Self::Semaphores(_) => Ok(()),
            Self::Bytes(locks) => locks.prepare(),
        }
    }

    /// Takes a slot from 0 to [`CLAIMED`] for this process; `EAGAIN` if it is taken.
    pub(crate) fn claim(&self, slot: usize) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.claim(slot),
            Self::Bytes(locks) => locks.claim(slot),
        }
    }

    /// Takes a slot of this process from [`CLAIMED`] to [`OPEN`].
    pub(crate) fn open(&self, slot: usize) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.shift(slot, (OPEN - CLAIMED).cast_signed()),
            Self::Bytes(locks) => locks.open_slot(slot),
        }
    }

    /// Takes a slot of this process from `value` to 0.
    pub(crate) fn give_back(&self, slot: usize, value: u16) -> Result<(), Errno> {
        match self {
            Self::Semaphores(set) => set.shift(slot, -value.cast_signed()),
            Self::Bytes(locks) => {
                locks.let_go();
                Ok(())
            }
        }
    }

    /// Frees this process's resources for locks that nobody queries any more.
    pub(crate) fn let_go(&self) {
        match self {
            Self::Semaphores(_) => {} // the kernel holds them
            Self::Bytes(locks) => locks.let_go(),
        }
    }

    /// A number that changes when any process but the slots' owners has changed their values, if that is
    /// possible.
    pub(crate) fn changed_at(&self) -> Option<u64> {
        match self {
            Self::Semaphores(set) => set.changed_at().ok(),
            Self::Bytes(_) => None,
        }
    }

    /// Whether this process holds the slot, perhaps since before an exec, which byte locks do not survive.
    pub(crate) fn is_held_by(&self, slot: usize, pid: u32) -> bool {
        match self {
            Self::Semaphores(set) => set.last_pid(slot) == Ok(pid.cast_signed()),
            Self::Bytes(_) => false,
        }
    }

    /// Whether the kernel releases a dead process's locks. `None` if that could not be tested.
    pub(crate) fn tell_of_deaths(&self) -> Option<bool> {
        match self {
            Self::Semaphores(set) => set.undo_works().ok().flatten(),
            Self::Bytes(_) => Some(true), // otherwise they would not be used
        }
    }
}
