//! Calls into the engine that may never return.
//!
//! A fatal error ends the request by `longjmp`, which skips Rust frames without dropping what they own. [`guarded`]
//! stops the jump at the call into the engine and unwinds the Rust frames as a panic does; `catch_panic` around each
//! handler then lets the engine continue its jump.
#![allow(unsafe_code)]

use ext_php_rs::ffi;
use std::{
    any::Any,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    ptr::null_mut,
    thread,
};

/// The panic payload that stands for the engine's jump.
#[derive(Debug)]
struct Bailout;

struct Guarded<F, R> {
    call: Option<F>,
    result: Option<thread::Result<R>>,
}

/// Runs a call into the engine that can run a script's code or fail fatally: conversions to string, callbacks,
/// output, the release of a script's values, and allocations, which `memory_limit` may refuse.
///
/// If the request ends in the call, the caller's frames are unwound and what they own is dropped. What the closure
/// owns is not dropped, so it only borrows from the caller. Only for code within
/// [`catch_panic`](crate::engine::panic::catch_panic) or
/// [`catch_panic_silent`](crate::engine::panic::catch_panic_silent).
pub(crate) fn guarded<R>(call: impl FnOnce() -> R) -> R {
    attempt(call).unwrap_or_else(|payload| resume_unwind(payload))
}

/// As [`guarded`], for a caller that has to finish something first and then resumes the unwinding with the payload.
pub(crate) fn attempt<R>(call: impl FnOnce() -> R) -> thread::Result<R> {
    let mut frame = Guarded { call: Some(call), result: None };
    let mut unused = null_mut();
    // SAFETY: `run` gets the frame that it is made for, which outlives the call. A jump leaves frames of C, of
    // `run`, and of the closure, which own nothing, and ends here.
    unsafe {
        let run = run_call(&frame);
        ffi::ext_php_rs_zend_try_catch(run, (&raw mut frame).cast(), &raw mut unused);
    }
    frame.result.unwrap_or_else(|| Err(Box::new(Bailout)))
}

type Run = unsafe extern "C" fn(*const c_void) -> *const c_void;

/// The function that runs the call of such a frame, with the frame's types.
fn run_call<F: FnOnce() -> R, R>(_: &Guarded<F, R>) -> Run {
    run::<F, R>
}

unsafe extern "C" fn run<F: FnOnce() -> R, R>(frame: *const c_void) -> *const c_void {
    // SAFETY: `attempt` passes the frame's address and does not touch it meanwhile.
    let frame = unsafe { &mut *frame.cast_mut().cast::<Guarded<F, R>>() };
    if let Some(call) = frame.call.take() {
        frame.result = Some(catch_unwind(AssertUnwindSafe(call)));
    }
    null_mut()
}

/// Continues the engine's jump if the payload stands for one, and returns if it was a panic.
pub(crate) fn resume_bailout(payload: Box<dyn Any + Send>) {
    let is_bailout = payload.is::<Bailout>();
    drop(payload);
    if is_bailout {
        // SAFETY: the frames up to the handler that the engine called own nothing any more.
        unsafe { ffi::ext_php_rs_zend_bailout() }
    }
}
