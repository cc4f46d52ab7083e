//! Startup, fork and shutdown of the module, its processes and its requests.
//!
//! Pitfalls: FPM runs module startup once and then forks its workers, so nothing is attached before the first
//! update. A forked child runs request and module shutdown, too, so releasing a slot checks the owner first. After
//! an exec neither has run: the new program of the process finds its former slot by itself (see `segment`).
#![allow(unsafe_code)]

use crate::{
    classes::{
        counter, gauge, histogram, native_histogram, registry, render, samples, segment, summary, timer,
    },
    engine::{exceptions, panic::catch_panic_silent, zval},
    observe,
    session::{attachment, heartbeat, ini, label_hash, moves, track},
};
use ext_php_rs::ffi::{
    E_COMPILE_ERROR, E_CORE_ERROR, E_ERROR, E_PARSE, E_RECOVERABLE_ERROR, E_USER_ERROR, zend_string,
};

/// Errors that always end the request; an uncaught exception is an `E_ERROR`.
const FATAL: u32 = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR;
/// Errors that end the request unless a handler takes them; a handled one is not recorded as the last error.
const FATAL_UNLESS_HANDLED: u32 = E_USER_ERROR | E_RECOVERABLE_ERROR;

/// `MODULE_TEMPORARY`: the module was loaded by `dl()`.
const TEMPORARY: i32 = 2;

/// Module startup: settings, classes, the fork hook.
///
/// A library that `dl()` loads is unloaded after the request, but the engine keeps pointers to the hooks. So nothing
/// is registered then, and the script gets an exception. The startup does not fail: the engine would raise a fatal
/// error, and treat the module as loaded in all later requests.
pub(crate) unsafe extern "C" fn startup(kind: i32, module: i32) -> i32 {
    if kind == TEMPORARY {
        catch_panic_silent(exceptions::no_dl);
        return 0;
    }
    let mut status = -1;
    catch_panic_silent(|| {
        heartbeat::started();
        label_hash::started();
        ini::forget_observe_settings();
        ini::register(module);
        let classes = [
            exceptions::register,
            timer::register, // before the histograms, which return timers
            counter::register,
            gauge::register,
            histogram::register,
            native_histogram::register,
            summary::register,
            samples::register,
            render::register,
            registry::register,
            segment::register,
            observe::register,
        ];
        if classes.iter().try_for_each(|register| register()).is_ok() {
            zval::at_fork_in_child(in_forked_child);
            zval::at_error(on_error);
            moves::listen(track::follow);
            observe::startup();
            status = 0;
        }
    });
    status
}

/// Module shutdown: the worker ends. In a thread-safe PHP each thread releases its slot when it ends.
pub(crate) unsafe extern "C" fn shutdown(kind: i32, module: i32) -> i32 {
    if kind == TEMPORARY {
        return 0;
    }
    catch_panic_silent(attachment::release_slots);
    catch_panic_silent(observe::shutdown);
    zval::unregister_ini(module);
    0
}

/// Request startup: discards what the last request has left.
pub(crate) unsafe extern "C" fn request_startup(kind: i32, _module: i32) -> i32 {
    if kind == TEMPORARY {
        return 0;
    }
    attachment::note_fatal(false);
    zval::begin_request();
    catch_panic_silent(gauge::mend_mode);
    catch_panic_silent(track::undo_open);
    catch_panic_silent(observe::begin_request);
    catch_panic_silent(registry::begin_request);
    catch_panic_silent(attachment::begin_request);
    catch_panic_silent(heartbeat::begin_request);
    observe::collect::begin_request(); // last: it may not return
    0
}

/// Request shutdown: the next request may define its metrics differently.
pub(crate) unsafe extern "C" fn request_shutdown(kind: i32, _module: i32) -> i32 {
    if kind == TEMPORARY {
        return 0;
    }
    if zval::last_error_kind() & FATAL_UNLESS_HANDLED != 0 {
        attachment::note_fatal(true);
    }
    catch_panic_silent(track::undo_open);
    catch_panic_silent(|| observe::end_request(attachment::is_after_fatal()));
    observe::collect::end_request();
    catch_panic_silent(heartbeat::end_request);
    catch_panic_silent(attachment::end_request);
    catch_panic_silent(registry::end_request); // last: it may run scripts, and not return
    0
}

unsafe extern "C" fn on_error(kind: i32, _file: *mut zend_string, _line: u32, message: *mut zend_string) {
    // SAFETY: the engine passes the message to this hook.
    let text = unsafe { zval::ini_text(message) };
    observe::collect::on_error(kind.cast_unsigned(), text.as_bytes());
    if kind.cast_unsigned() & FATAL != 0 {
        attachment::note_fatal(true);
        observe::at_fatal_error();
    }
}

unsafe extern "C" fn in_forked_child() {
    attachment::forked();
    observe::forked();
    observe::collect::forked();
    heartbeat::forked();
}
