//! State that belongs to one PHP interpreter.
//!
//! In a non-thread-safe PHP that is the process, so a plain static serves and costs nothing to reach.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

/// A static that only the interpreter's one thread touches.
#[derive(Debug)]
pub(crate) struct Local<T>(UnsafeCell<T>);

// SAFETY: a non-thread-safe PHP runs scripts, hooks and start-up in one thread; the extension starts no other.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Copies the value out.
    #[inline(always)]
    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        // SAFETY: one thread, and the copy is finished before anyone else can write.
        unsafe { *self.0.get() }
    }

    /// Where the value lies, for the engine.
    pub(crate) fn as_ptr(&self) -> *mut T {
        self.0.get()
    }

    /// Runs `look` on the value, which is taken out meanwhile: nothing that `look` calls back into
    /// can meet it half-changed.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R
    where
        T: Default,
    {
        let mut value = self.replace(T::default());
        let result = look(&mut value);
        self.set(value);
        result
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: T) {
        self.replace(value);
    }

    /// Replaces the value and answers the former one.
    pub(crate) fn replace(&self, value: T) -> T {
        // SAFETY: one thread, and no reference into the value is ever handed out.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }
}
