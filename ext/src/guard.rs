//! The panic fence: a panic that left an `extern` function would end the PHP process.

use ext_php_rs::exception::PhpException;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs what may panic; a panic becomes a PHP `Error` instead of the end of the process.
#[inline(always)]
pub(crate) fn fenced(body: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        panicked();
    }
}

/// As [`fenced`] where no exception may be thrown: in hooks outside a script.
pub(crate) fn silenced(body: impl FnOnce()) {
    let _the_panic_message_went_to_stderr = catch_unwind(AssertUnwindSafe(body));
}

#[cold]
#[inline(never)]
fn panicked() {
    PhpException::from_message("promshm: internal error, please report it".into()).throw();
}
