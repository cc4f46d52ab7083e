//! Functions of scripts: rewritten while they are compiled, so that they call `enter` and `leave`.
//!
//! Both have names that no script can write as a call, and ignore calls that are made by name at run time.
#![allow(unsafe_code)]

use super::{
    calls::{self, Outcome},
    entry::BadEntry,
    plan::{self, Plan},
};
use crate::{
    engine::{
        builder::{Arg, Class},
        call::Frame,
        class::plain,
        functions::{self, Declaration, RawDeclaration},
        globals::ModuleStatic,
        panic::catch_panic,
        zval::{self, guarded},
    },
    session::ini,
};
use ext_php_rs::{
    error::Result,
    ffi::zend_string,
    flags::{ClassFlags, DataType, MethodFlags},
    types::Zval,
    zend::ExecuteData,
};
use std::ptr;

static IS_INSTALLED: ModuleStatic<bool> = ModuleStatic::new(false);

/// At module startup.
pub(super) fn install(plan: &Plan) {
    let list: Vec<String> = plan.entries.iter().map(|entry| format!("{entry:?}")).collect();
    functions::mark_compiled_code(&list.join("\n"));
    IS_INSTALLED.set(functions::observe_compiler(
        (select, lists_class),
        plan.looks_at_attributes(),
        enter,
        leave,
    ));
}

/// At module shutdown.
pub(super) fn uninstall() {
    if IS_INSTALLED.get() {
        functions::leave_compiler();
        IS_INSTALLED.set(false);
    }
}

/// Whether functions of scripts are observed.
pub(super) fn is_installed() -> bool {
    IS_INSTALLED.get()
}

unsafe extern "C" fn lists_class(class: *const RawDeclaration) -> bool {
    // SAFETY: the compiler's argument, while it runs.
    let class = unsafe { Declaration::new(class) }.class();
    plan::get().zip(class).is_some_and(|(plan, class)| plan.lists_class(class))
}

unsafe extern "C" fn select(declaration: *const RawDeclaration) -> *mut zend_string {
    let mut made = ptr::null_mut();
    catch_panic(|| {
        // SAFETY: the compiler's argument, while it runs.
        let declaration = unsafe { Declaration::new(declaration) };
        match plan::get().and_then(|plan| plan.literal_of(&declaration)) {
            Some(Ok(literal)) => made = guarded(|| functions::new_string(&literal)),
            Some(Err(BadEntry(reason))) => zval::warn(&reason),
            None => {}
        }
    });
    made
}

unsafe extern "C" fn enter(frame: *mut ExecuteData, _ret: *mut Zval) {
    // SAFETY: the engine calls with a frame.
    unsafe {
        if let Some(caller) = rewritten_caller(&*frame)
            && let Some(literal) = Frame::of(frame).argument(0)
        {
            calls::begin_user(calls::state(), literal, caller);
        }
    }
}

unsafe extern "C" fn leave(frame: *mut ExecuteData, _ret: *mut Zval) {
    // SAFETY: the engine calls with a frame; one that is found among the running calls is of a rewritten function.
    unsafe {
        if let Some(caller) = rewritten_caller(&*frame) {
            calls::end(calls::state(), caller, || {
                functions::held_error(caller).map_or(Outcome::Returned, Outcome::Threw)
            });
        }
    }
}

/// The frame of the rewritten function that makes this call.
#[inline(always)]
fn rewritten_caller(frame: &ExecuteData) -> Option<*mut ExecuteData> {
    if functions::is_dynamic_call(frame) || !ini::enabled() {
        return None;
    }
    functions::calling_frame(frame)
}

/// Registers the attribute `#[Promshm\Observe]`. Its arguments are read while a script is compiled; the object has
/// nothing.
pub(crate) fn register_attribute() -> Result<()> {
    let list = |name| Arg::new(name, DataType::Array).default(c"[]");
    let constructor = plain(c"__construct", new)
        .not_required()
        .arg(Arg::new(c"name", DataType::String).allow_null().default(c"null"))
        .arg(list(c"labels"))
        .arg(list(c"buckets"));
    let class = Class::new("Promshm\\Observe", ClassFlags::Final);
    functions::make_attribute(class.method(constructor, MethodFlags::Public).register()?);
    Ok(())
}

extern "C" fn new(frame: &Frame, _ret: &mut Zval) {
    functions::check_observe_arguments(frame);
}
