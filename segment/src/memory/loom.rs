//! In proofs only: loom's atomics in place of the processor's, so that every order of steps, and every
//! value that a weakly ordered processor may read, is tried.
#![allow(clippy::disallowed_types)] // stands in for the module that the lint points to

use loom::sync::atomic::AtomicU64;
use std::sync::{OnceLock, atomic::Ordering};

/// Created at the first access, so that statics can hold it; loom's own atomics cannot be created in
/// constants.
#[derive(Debug, Default)]
pub(crate) struct Atomic {
    initial: u64,
    made: OnceLock<AtomicU64>,
}

impl Atomic {
    pub(crate) const fn new(initial: u64) -> Self {
        Self { initial, made: OnceLock::new() }
    }

    /// Creates the atomic at once. Creation at the first access would hand over what the creating thread
    /// did before, which would hide mistakes.
    pub(crate) fn made(initial: u64) -> Self {
        let atomic = Self::new(initial);
        atomic.get();
        atomic
    }

    fn get(&self) -> &AtomicU64 {
        self.made.get_or_init(|| AtomicU64::new(self.initial))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.get().load(order)
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.get().store(value, order);
    }

    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.get().compare_exchange(old, new, success, failure)
    }

    pub(crate) fn fetch_add(&self, by: u64, order: Ordering) -> u64 {
        self.get().fetch_add(by, order)
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        self.get().fetch_max(value, order)
    }

    pub(crate) fn fetch_or(&self, bits: u64, order: Ordering) -> u64 {
        self.get().fetch_or(bits, order)
    }

    pub(crate) fn fetch_update(
        &self,
        set: Ordering,
        fetch: Ordering,
        next: impl FnMut(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        self.get().fetch_update(set, fetch, next)
    }
}
