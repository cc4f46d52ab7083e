//! Catches panics in each handler and hook, because a panic that leaves an `extern` function would end the PHP
//! process. The engine's own jump after a fatal error is continued here, too, once the Rust frames are unwound.

use crate::engine::zval::resume_bailout;
use ext_php_rs::exception::PhpException;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs what may panic; a panic becomes a PHP `Error` instead of the end of the process. The caller must own nothing
/// that is to be dropped, because this does not return after a fatal error.
#[inline(always)]
pub(crate) fn catch_panic(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        report_panic(payload);
    }
}

/// As [`catch_panic`] where no exception may be thrown: in hooks outside a script.
pub(crate) fn catch_panic_silent(body: impl FnOnce()) {
    let _the_panic_message_went_to_stderr = catch_unwind(AssertUnwindSafe(body));
}

#[cold]
#[inline(never)]
fn report_panic(payload: Box<dyn Any + Send>) {
    resume_bailout(payload);
    PhpException::from_message("promshm: internal error, please report it".into()).throw();
}
