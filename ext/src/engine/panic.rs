//! The fence around each handler and hook: a panic that left an `extern` function would end the PHP process.
//! It is also where the engine's own jump after a fatal error goes on, once our frames are unwound.

use crate::engine::zval::resume_bailout;
use ext_php_rs::exception::PhpException;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs what may panic; a panic becomes a PHP `Error` instead of the end of the process. The caller owns
/// nothing that is to be dropped: after a fatal error this does not return.
#[inline(always)]
pub(crate) fn fenced(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        unwound(payload);
    }
}

/// As [`fenced`] where no exception may be thrown: in hooks outside a script.
pub(crate) fn silenced(body: impl FnOnce()) {
    let _the_panic_message_went_to_stderr = catch_unwind(AssertUnwindSafe(body));
}

#[cold]
#[inline(never)]
fn unwound(payload: Box<dyn Any + Send>) {
    resume_bailout(payload);
    PhpException::from_message("promshm: internal error, please report it".into()).throw();
}
