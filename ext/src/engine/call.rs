//! The frame of a running call: its arguments and, for a method, the native state of `$this`.
//!
//! The engine alone makes frames. Only [`class`](crate::engine::class) registers functions that get one, besides those
//! of `observe`, which are no methods, and it gives a [`Call<C>`] to methods of the class `C` alone. So whoever has one
//! may look at the arguments and at `$this`.
#![allow(unsafe_code)]

use crate::engine::object::{PhpClass, native_state};
use ext_php_rs::{
    types::{ZendHashTable, Zval},
    zend::ExecuteData,
};
use std::{marker::PhantomData, ops::Deref, ptr::from_ref, slice};

/// The size of the engine's call frame in zvals; the first argument follows it.
const FRAME_SLOTS: usize = size_of::<ExecuteData>().div_ceil(size_of::<Zval>());
/// `ZEND_CALL_HAS_EXTRA_NAMED_PARAMS`.
const EXTRA_NAMED: u32 = 1 << 27;

/// The frame of a call of any function or method.
#[repr(transparent)]
pub(crate) struct Frame(ExecuteData);

impl Frame {
    /// # Safety
    ///
    /// For the frame of a running call of an internal function, and not after it.
    #[inline(always)]
    pub(crate) unsafe fn of<'f>(frame: *const ExecuteData) -> &'f Self {
        // SAFETY: the caller's promise; the type is transparent.
        unsafe { &*frame.cast::<Self>() }
    }

    /// How many arguments were passed.
    #[inline(always)]
    pub(crate) fn given(&self) -> u32 {
        // SAFETY: in a call frame this union holds the number of arguments.
        unsafe { self.0.This.u2.num_args }
    }

    /// Argument `n`, counted from 0, if it was passed.
    #[inline(always)]
    pub(crate) fn argument(&self, n: u32) -> Option<&Zval> {
        // SAFETY: the frame is followed by as many zvals as arguments were passed.
        (n < self.given()).then(|| unsafe { &*from_ref(self).cast::<Zval>().add(FRAME_SLOTS + n as usize) })
    }

    /// All arguments.
    pub(crate) fn arguments(&self) -> &[Zval] {
        // SAFETY: the frame is followed by as many zvals as arguments were passed.
        unsafe {
            slice::from_raw_parts(from_ref(self).cast::<Zval>().add(FRAME_SLOTS), self.given() as usize)
        }
    }

    /// The arguments that were passed to a variadic method by name.
    pub(crate) fn named_arguments(&self) -> Option<&ZendHashTable> {
        // SAFETY: the flag says whether the engine has set the pointer, which lives as long as the call.
        unsafe {
            if self.0.This.u1.type_info & EXTRA_NAMED == 0 {
                return None;
            }
            self.0.extra_named_params.as_ref()
        }
    }
}

/// The frame of a call of a method of `C`, or of a class that extends it.
#[repr(transparent)]
pub(crate) struct Call<C> {
    frame: Frame,
    class: PhantomData<fn() -> C>,
}

impl<C> Deref for Call<C> {
    type Target = Frame;

    #[inline(always)]
    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl<C: PhpClass> Call<C> {
    /// The native state of `$this`.
    #[inline(always)]
    pub(crate) fn this(&self) -> &C::State {
        // SAFETY: the engine calls a method that is not static with an object of its class, which lives as long as
        // the call; the class's registration has given its objects this state.
        unsafe { native_state(self.frame.0.This.value.obj) }
    }
}
