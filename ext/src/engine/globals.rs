//! The extension's statics: [`interpreter_local!`] for values of each PHP interpreter, [`ModuleStatic`] for values
//! that module startup sets once for all interpreters.
//!
//! In a non-thread-safe PHP the process is the only interpreter, so a plain static is enough, and free to access. In
//! a thread-safe PHP (ZTS) each thread is an interpreter, and whatever changes while scripts run is thread-local.
//! Both variants are always compiled; the constant `PHP_ZTS` selects one.
#![allow(unsafe_code)]

use ext_php_rs::PHP_ZTS;
use std::{cell::UnsafeCell, thread::LocalKey};

/// A static that each interpreter has for itself; made by [`interpreter_local!`].
#[derive(Debug)]
pub(crate) struct InterpreterLocal<T: 'static> {
    /// The value without thread safety.
    only: UnsafeCell<T>,
    /// The value of each thread in a thread-safe PHP, dropped when the thread ends.
    each: LocalKey<UnsafeCell<T>>,
}

// SAFETY: `only` is touched without thread safety alone, where PHP runs scripts, hooks and start-up in one
// thread and the extension starts no other; `each` is the calling thread's own.
unsafe impl<T> Sync for InterpreterLocal<T> {}

/// Defines a static that each interpreter has for itself.
macro_rules! interpreter_local {
    ($($(#[$meta:meta])* static $name:ident: $kind:ty = $value:expr;)+) => {$(
        $(#[$meta])*
        static $name: $crate::engine::globals::InterpreterLocal<$kind> = {
            thread_local! {
                static EACH: std::cell::UnsafeCell<$kind> = const { std::cell::UnsafeCell::new($value) };
            }
            $crate::engine::globals::InterpreterLocal::new($value, EACH)
        };
    )+};
}
pub(crate) use interpreter_local;

impl<T> InterpreterLocal<T> {
    pub(crate) const fn new(only: T, each: LocalKey<UnsafeCell<T>>) -> Self {
        Self { only: UnsafeCell::new(only), each }
    }

    /// The address of this interpreter's value, valid as long as its thread lives.
    #[inline(always)]
    pub(crate) fn as_ptr(&'static self) -> *mut T {
        if PHP_ZTS { self.each.with(UnsafeCell::get) } else { self.only.get() }
    }

    /// Returns a copy of the value.
    #[inline(always)]
    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        // SAFETY: one thread, and the copy is finished before anyone else can write.
        unsafe { *self.as_ptr() }
    }

    /// Replaces the value by what `change` makes of it, and returns that. Takes the address once, which in a
    /// thread-safe PHP is a function call.
    #[inline(always)]
    pub(crate) fn update(&'static self, change: impl FnOnce(T) -> T) -> T
    where
        T: Copy,
    {
        let place = self.as_ptr();
        // SAFETY: one thread, and no reference is held while `change` runs.
        unsafe {
            let value = change(*place);
            *place = value;
            value
        }
    }

    /// Runs `look` on the value, which is moved out meanwhile, so that no code that `look` calls can see it
    /// half-changed.
    pub(crate) fn with<R>(&'static self, look: impl FnOnce(&mut T) -> R) -> R
    where
        T: Default,
    {
        let mut value = self.replace(T::default());
        let result = look(&mut value);
        self.set(value);
        result
    }

    /// Replaces the value.
    pub(crate) fn set(&'static self, value: T) {
        self.replace(value);
    }

    /// Replaces the value and returns the former one.
    pub(crate) fn replace(&'static self, value: T) -> T {
        // SAFETY: one thread, and no reference into the value is ever handed out.
        unsafe { std::mem::replace(&mut *self.as_ptr(), value) }
    }
}

impl<T: Default> InterpreterLocal<Option<Box<T>>> {
    /// As [`InterpreterLocal::with`], on a value that is made when it is first needed.
    pub(crate) fn with_boxed<R>(&'static self, look: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.replace(None).unwrap_or_default();
        let result = look(&mut value);
        if let Some(other) = self.replace(Some(value)) {
            drop_other(other);
        }
        result
    }
}

/// What a call in between has made, which is rare, so that the usual way calls no destructor.
#[cold]
fn drop_other<T>(other: Box<T>) {
    drop(other);
}

/// A static that module startup sets, before there is a second thread, and that all threads read afterwards: classes
/// and handler tables, which the engine shares among its threads.
#[derive(Debug)]
pub(crate) struct ModuleStatic<T>(UnsafeCell<T>);

// SAFETY: the engine starts modules in one thread, before it starts any other interpreter.
unsafe impl<T> Sync for ModuleStatic<T> {}

impl<T: Copy> ModuleStatic<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Returns a copy of the value.
    pub(crate) fn get(&self) -> T {
        // SAFETY: nobody writes after module startup.
        unsafe { *self.0.get() }
    }

    /// The address of the value, for the engine.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.0.get()
    }

    /// Sets the value; at module startup alone.
    pub(crate) fn set(&self, value: T) {
        // SAFETY: module startup runs in one thread, and no reference into the value is ever handed out.
        unsafe { *self.0.get() = value }
    }
}
