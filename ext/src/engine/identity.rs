//! Recognises values without reading them: a string by its address, an integer by itself. A literal of a script, or a
//! value that it keeps in a variable, is the same string at each call.
#![allow(unsafe_code)]

use crate::engine::zval::{IS_LONG, bytes_of, comes_again, long_of, retain, string_of, type_of};
use ext_php_rs::{ffi, types::Zval};
use std::cell::Cell;

/// The identity of a value. Two values of one identity have the same text as long as a string among them is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Identity(usize);

/// Marks an integer; the address of a string is even. No identity is 0.
const INTEGER: usize = 1;

impl Identity {
    /// Of a string or an integer; `None` for other types, and for an integer that needs all its bits.
    #[inline(always)]
    pub(crate) fn of(value: &Zval) -> Option<Self> {
        if let Some(string) = string_of(value) {
            return Some(Self(string.addr()));
        }
        if type_of(value) != IS_LONG {
            return None;
        }
        let number = long_of(value);
        let shifted = number << 1;
        (shifted >> 1 == number).then_some(Self(shifted as usize | INTEGER))
    }

    /// Of an element's key; `None` if that is a number.
    #[inline(always)]
    pub(crate) fn of_key(bucket: &ffi::Bucket) -> Option<Self> {
        (!bucket.key.is_null()).then(|| Self(bucket.key.addr()))
    }

    /// The identity as a number, to be hashed.
    #[inline(always)]
    pub(crate) fn to_bits(self) -> usize {
        self.0
    }
}

/// A longer string is not retained.
const MOST_BYTES: usize = 256;

/// An identity that holds a counted reference to its string, so that no other string can take its place in memory,
/// and nobody can change it: the engine copies a string that has several holders before it writes to it.
#[derive(Debug)]
pub(crate) struct RetainedIdentity(Cell<*mut ffi::zend_string>);

impl Default for RetainedIdentity {
    fn default() -> Self {
        Self(Cell::new(std::ptr::null_mut()))
    }
}

impl RetainedIdentity {
    /// Whether it is of use to retain the value: it has an identity, is not long, and may come again.
    pub(crate) fn is_of_use(value: &Zval, list_lives_on: bool) -> bool {
        match bytes_of(value) {
            Some(bytes) => bytes.len() <= MOST_BYTES && comes_again(value, list_lives_on),
            None => Identity::of(value).is_some(),
        }
    }

    /// The string of a call, if that is of use.
    pub(crate) fn of_string(value: &Zval) -> Option<Self> {
        let retained = Self::default();
        comes_again(value, false).then(|| retained.set(value))?;
        Some(retained)
    }

    #[inline(always)]
    pub(crate) fn is(&self, identity: Identity) -> bool {
        self.0.get().addr() == identity.0
    }

    /// Takes the value's identity, if it has one. The former string is released, which runs no script.
    pub(crate) fn set(&self, value: &Zval) {
        let taken = match (string_of(value), Identity::of(value)) {
            (Some(string), _) => {
                // SAFETY: the zval holds a valid string; the interpreter has one thread.
                unsafe { retain(string) };
                string
            }
            (None, Some(number)) => std::ptr::without_provenance_mut(number.0),
            (None, None) => std::ptr::null_mut(),
        };
        self.put(taken);
    }

    /// Takes the identity of an element's key.
    pub(crate) fn set_key(&self, bucket: &ffi::Bucket) {
        if !bucket.key.is_null() {
            // SAFETY: the key of an element is null or a valid string.
            unsafe { retain(bucket.key) };
        }
        self.put(bucket.key);
    }

    fn put(&self, taken: *mut ffi::zend_string) {
        let former = self.0.replace(taken);
        if !former.is_null() && former.addr() & INTEGER == 0 {
            // SAFETY: a reference was taken when the string came in, or it is interned and counts none.
            unsafe { ffi::ext_php_rs_zend_string_release(former) }
        }
    }
}

impl Drop for RetainedIdentity {
    fn drop(&mut self) {
        self.put(std::ptr::null_mut());
    }
}
