//! What a request and the process tell of themselves.
#![allow(unsafe_code)]

use crate::engine::zval::{IS_DOUBLE, IS_LONG, bytes_of, double_of, guarded, long_of, type_of};
use ext_php_rs::{ffi, types::Zval, zend::ClassEntry};
use std::{
    ffi::{CStr, CString, c_char, c_int},
    ptr::null,
};

#[repr(C)]
struct RawRequest {
    sapi: *const c_char,
    method: *const c_char,
    response_code: c_int,
    exit_status: c_int,
    is_web: bool,
}

/// Numbers of the process.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct RuntimeNumbers {
    pub(crate) realpath_used: f64,
    pub(crate) realpath_limit: f64,
    pub(crate) gc_roots: f64,
    /// Since the request began.
    pub(crate) gc_collected: f64,
}

type ThrowHook = extern "C" fn(*mut ffi::zend_object);

unsafe extern "C" {
    fn promshm_logs() -> bool;
    fn promshm_log(line: *const c_char);
    fn promshm_read_request(request: *mut RawRequest);
    fn promshm_read_runtime(runtime: *mut RuntimeNumbers);
    fn promshm_read_status(function: *const c_char, pass_false: bool, result: *mut Zval) -> bool;
    fn promshm_element(array: *mut Zval, key: *const c_char, inner: *const c_char) -> *mut Zval;
    fn promshm_release(value: *mut Zval);
    fn promshm_may_ask_opcache() -> bool;
    fn promshm_watch_exceptions(hook: ThrowHook);
    fn promshm_leave_exceptions();
}

/// The running request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) sapi: &'static [u8],
    /// Of a web server's request; it is valid until the request ends.
    pub(crate) method: &'static [u8],
    /// The response's code, or of a script the exit code.
    pub(crate) code: i32,
    pub(crate) is_web: bool,
}

impl Request {
    pub(crate) fn now() -> Self {
        let mut raw =
            RawRequest { sapi: null(), method: null(), response_code: 0, exit_status: 0, is_web: false };
        // SAFETY: it fills the structure with what lives as long as the request.
        unsafe { promshm_read_request(&raw mut raw) };
        let code = match (raw.is_web, raw.response_code) {
            (true, 0) => 200,
            (true, code) => code,
            (false, _) => raw.exit_status,
        };
        Self { sapi: text(raw.sapi), method: text(raw.method), code, is_web: raw.is_web }
    }
}

fn text(pointer: *const c_char) -> &'static [u8] {
    // SAFETY: null or a C string, which is used before the request ends.
    if pointer.is_null() { b"" } else { unsafe { CStr::from_ptr(pointer) }.to_bytes() }
}

/// Whether errors are logged.
pub(crate) fn logs() -> bool {
    // SAFETY: reads a setting of this interpreter.
    unsafe { promshm_logs() }
}

/// Writes a line into PHP's log: for what an operator is to know, and no page is to show.
pub(crate) fn log(message: &str) {
    let line = CString::new(format!("promshm: {message}").replace('\0', "")).unwrap_or_default();
    let text = line.as_ptr();
    // SAFETY: a C string, which lives as long as the call.
    guarded(|| unsafe { promshm_log(text) });
}

/// Numbers of the process.
pub(crate) fn runtime_numbers() -> RuntimeNumbers {
    let mut numbers = RuntimeNumbers::default();
    let place = &raw mut numbers;
    // SAFETY: it fills the structure.
    guarded(|| unsafe { promshm_read_runtime(place) });
    numbers
}

/// What one of PHP's functions tells: an array of numbers and arrays of them.
#[derive(Debug)]
pub(crate) struct Status(Zval);

impl Status {
    /// Of opcache; `None` where there is none, or it must not be asked.
    pub(crate) fn of_opcache() -> Option<Self> {
        // SAFETY: reads settings of this interpreter.
        if unsafe { promshm_may_ask_opcache() } { Self::ask(c"opcache_get_status", true) } else { None }
    }

    /// Of the pool of php-fpm that this process belongs to.
    pub(crate) fn of_fpm() -> Option<Self> {
        Self::ask(c"fpm_get_status", false)
    }

    fn ask(function: &CStr, pass_false: bool) -> Option<Self> {
        let mut answer = Zval::new();
        let place = &raw mut answer;
        // SAFETY: a name, and room for the result.
        let is_answered = guarded(|| unsafe { promshm_read_status(function.as_ptr(), pass_false, place) });
        is_answered.then_some(Self(answer))
    }

    fn element(&self, key: &CStr, inner: Option<&CStr>) -> Option<&Zval> {
        let inner = inner.map_or(null(), CStr::as_ptr);
        // SAFETY: the array lives as long as this value, and nobody changes it.
        unsafe { promshm_element((&raw const self.0).cast_mut(), key.as_ptr(), inner).as_ref() }
    }

    pub(crate) fn number(&self, key: &CStr, inner: Option<&CStr>) -> Option<f64> {
        let value = self.element(key, inner)?;
        match type_of(value) {
            IS_LONG => Some(long_of(value) as f64),
            IS_DOUBLE => Some(double_of(value)),
            _ => None,
        }
    }

    pub(crate) fn text(&self, key: &CStr) -> Option<&[u8]> {
        bytes_of(self.element(key, None)?)
    }

    /// Frees the array; dropping the value does not, because the engine frees it with the request.
    pub(crate) fn release(mut self) {
        let place = &raw mut self.0;
        // SAFETY: the array is ours.
        guarded(|| unsafe { promshm_release(place) });
        std::mem::forget(self);
    }
}

/// Calls `hook` with each exception that is thrown. At module startup.
pub(crate) fn watch_exceptions(hook: ThrowHook) {
    // SAFETY: the hook is of this library, which stays loaded as long as the module.
    unsafe { promshm_watch_exceptions(hook) }
}

/// Undoes [`watch_exceptions`].
pub(crate) fn leave_exceptions() {
    // SAFETY: at module shutdown, in one thread.
    unsafe { promshm_leave_exceptions() }
}

/// The class of an exception that is being thrown.
pub(crate) fn class_of_thrown<'a>(exception: *const ffi::zend_object) -> &'a ClassEntry {
    crate::engine::functions::class_of(exception)
}
