//! The exceptions that programming errors throw. Storage trouble never does.
#![allow(unsafe_code)]

use crate::engine::{bailout::guarded, builder::Class, globals::ModuleStatic};
use ext_php_rs::{
    error::Result,
    ffi,
    flags::ClassFlags,
    zend::{ClassEntry, ce},
};

unsafe extern "C" {
    #[allow(non_upper_case_globals)] // the engine's name
    static spl_ce_InvalidArgumentException: *mut ClassEntry;
    #[allow(non_upper_case_globals)] // the engine's name
    static spl_ce_RuntimeException: *mut ClassEntry;
}

/// An exception is pending: return to the engine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Thrown;

type Entry = Option<&'static ClassEntry>;

// Registered again at every module startup: some servers restart modules in one process.
static INVALID_ARGUMENT: ModuleStatic<Entry> = ModuleStatic::new(None);
static REGISTRATION: ModuleStatic<Entry> = ModuleStatic::new(None);
static NOT_FOUND: ModuleStatic<Entry> = ModuleStatic::new(None);

/// Registers the classes.
pub(crate) fn register() -> Result<()> {
    let interface = Class::new("Promshm\\Exception\\ExceptionInterface", ClassFlags::Interface);
    let interface: &ClassEntry = interface.implements(ce::throwable()).register()?;
    let exception = |name, parent| -> Result<Entry> {
        let class = Class::new(name, ClassFlags::empty()).extends(parent).implements(interface);
        Ok(Some(class.register()?))
    };
    INVALID_ARGUMENT
        .set(exception("Promshm\\Exception\\InvalidArgumentException", invalid_argument_parent())?);
    REGISTRATION.set(exception("Promshm\\Exception\\MetricsRegistrationException", ce::exception())?);
    NOT_FOUND.set(exception("Promshm\\Exception\\MetricNotFoundException", runtime_parent())?);
    // Nothing throws it, because storage trouble never does. It exists for code that catches it.
    exception("Promshm\\Exception\\StorageException", ce::exception())?;
    Ok(())
}

/// SPL's `InvalidArgumentException`.
fn invalid_argument_parent() -> &'static ClassEntry {
    // SAFETY: SPL is always built in and starts before any loaded extension.
    unsafe { &*spl_ce_InvalidArgumentException }
}

/// SPL's `RuntimeException`.
fn runtime_parent() -> &'static ClassEntry {
    // SAFETY: as above.
    unsafe { &*spl_ce_RuntimeException }
}

/// Throws if `dl()` loads the extension for one request. None of its classes exist then.
pub(crate) fn no_dl() {
    const MESSAGE: &str = "promshm cannot be loaded by dl(), for one request: what it counts outlives requests. \
                           Put extension=promshm into php.ini";
    throw(Some(ce::error()), MESSAGE);
}

/// Throws for invalid arguments.
#[cold]
pub(crate) fn invalid_argument(message: &str) -> Thrown {
    throw(INVALID_ARGUMENT.get(), message)
}

/// Throws for an argument of a wrong type, as the engine does.
#[cold]
pub(crate) fn type_error(message: &str) -> Thrown {
    throw(Some(ce::type_error()), message)
}

/// Throws for a metric that a registry does not know.
#[cold]
pub(crate) fn not_found(message: &str) -> Thrown {
    throw(NOT_FOUND.get(), message)
}

/// Throws for a definition that contradicts an earlier one, or comes a second time.
#[cold]
pub(crate) fn bad_registration(message: &str) -> Thrown {
    throw(REGISTRATION.get(), message)
}

/// Throws an exception of that class, unless one is pending already.
fn throw(class: Entry, message: &str) -> Thrown {
    let message = message.replace('\0', "\\0");
    if !has_exception() {
        let class = class.unwrap_or_else(ce::exception);
        guarded(|| drop(ext_php_rs::exception::throw(class, &message)));
    }
    Thrown
}

/// Whether an exception is pending.
pub(crate) fn has_exception() -> bool {
    // SAFETY: executor_globals is this interpreter's.
    unsafe { !(*ffi::ext_php_rs_executor_globals()).exception.is_null() }
}
