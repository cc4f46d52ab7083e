//! Calls of the functions that scripts pass.
#![allow(unsafe_code)]

use crate::engine::zval::{IS_REFERENCE, IS_UNDEF, dereferenced, guarded, type_of};
use ext_php_rs::{ffi, types::Zval, zend::ClassEntry};
use std::ptr::{from_mut, from_ref, null_mut};

unsafe extern "C" {
    static zend_ce_closure: *mut ClassEntry;
}

/// Whether a value is a closure, which can be called whatever happens.
#[inline]
pub(crate) fn is_closure(value: &Zval) -> bool {
    // SAFETY: the engine sets its class before any module starts.
    value.object().is_some_and(|object| unsafe { std::ptr::eq(object.ce, zend_ce_closure) })
}

/// Calls a function without arguments; its result is in `ret`, never as a reference. An exception stays pending.
pub(crate) fn call(function: &Zval, ret: &mut Zval) {
    guarded(|| if is_closure(function) { call_closure(function, ret) } else { call_any(function, ret) });
    finish(ret);
}

/// As [`call`], for a closure, and for a caller outside of `catch_panic` that owns nothing which is to be dropped: if the
/// request ends in the call, this does not return.
pub(crate) fn call_unguarded(closure: &Zval, ret: &mut Zval) {
    call_closure(closure, ret);
    finish(ret);
}

#[inline]
fn finish(ret: &mut Zval) {
    match type_of(ret) {
        IS_UNDEF => ret.set_null(), // it threw
        IS_REFERENCE => *ret = dereferenced(ret).shallow_clone(),
        _ => {}
    }
}

/// Calls a closure, which names its function itself: nothing is to be looked up.
fn call_closure(closure: &Zval, ret: &mut Zval) {
    let Some(object) = closure.object().map(|object| from_ref(object).cast_mut()) else { return };
    let (mut scope, mut function, mut this) = (null_mut(), null_mut(), null_mut());
    // SAFETY: an object has handlers; those of a closure fill in what its function is, which lives as long as the
    // closure, and the running call holds that.
    unsafe {
        let Some(get) = (*(*object).handlers).get_closure else { return };
        get(object, &raw mut scope, &raw mut function, &raw mut this, false);
        ffi::zend_call_known_function(function, this, scope, from_mut(ret), 0, null_mut(), null_mut());
    }
}

fn call_any(function: &Zval, ret: &mut Zval) {
    let function = from_ref(function).cast_mut();
    // SAFETY: both zvals are valid, the function's as long as the running call.
    unsafe {
        ffi::_call_user_function_impl(null_mut(), function, from_mut(ret), 0, null_mut(), null_mut());
    }
}
