//! Internal functions: their handlers are replaced.
#![allow(unsafe_code)]

use super::{
    calls::{self, Outcome},
    entry::Shape,
    plan, presets,
};
use crate::{
    engine::{
        call::Frame,
        functions::{self, Handler, Internal},
        globals::ModuleStatic,
        zval::{self, IS_FALSE, type_of},
    },
    session::ini,
};
use ext_php_rs::{types::Zval, zend::ExecuteData};
use std::{collections::HashMap, ptr};

/// What belongs to one internal function; an inherited copy has its own.
#[derive(Debug)]
struct Observed {
    former: Handler,
    /// The number of the function's name.
    number: usize,
    wants_url: bool,
    fails_by_false: bool,
}

/// All observed internal functions of the process.
#[derive(Debug, Default)]
struct Table {
    /// Names as declared, and how their calls are counted.
    names: plan::InternalNames,
    numbers: HashMap<String, usize>,
    /// Boxed, because the engine's functions refer to them.
    #[allow(clippy::vec_box)]
    observed: Vec<Box<Observed>>,
}

#[allow(clippy::vec_box)] // the engine's functions refer to them
static OBSERVED: ModuleStatic<*const Vec<Box<Observed>>> = ModuleStatic::new(ptr::null());

/// At module shutdown.
pub(super) fn uninstall() {
    let observed = OBSERVED.get().cast_mut();
    OBSERVED.set(ptr::null());
    if !observed.is_null() {
        // SAFETY: leaked by `replace_handlers`; no function is called any more.
        drop(unsafe { Box::from_raw(observed) });
    }
}

/// At module startup.
pub(super) fn install() {
    if functions::take_place() {
        functions::after_startup(replace_handlers);
    } else {
        zval::warn("internal functions are not observed: other extensions have all places in them");
    }
}

/// Once all modules have started, so that each class has all its methods.
fn replace_handlers() {
    let Some(plan) = plan::get() else { return };
    let mut table = Table::default();
    functions::each_internal(|function| {
        if let Some(shape) = plan.shape_of(function.class(), function.name()) {
            table.replace(function, shape);
        }
    });
    plan::set_internal_names(table.names);
    OBSERVED.set(Box::leak(Box::new(table.observed)));
}

impl Table {
    fn replace(&mut self, function: Internal, shape: &Shape) {
        let name = plan::full_name(function.class(), function.name());
        let lower = name.to_ascii_lowercase();
        let Some(former) = function.handler() else { return };
        let is_own = lower.starts_with("promshm\\") || lower.starts_with("promshm ");
        let is_replaced = ptr::fn_addr_eq(former, observed as Handler);
        if is_own || is_replaced || presets::is_opcode(&lower) {
            return;
        }
        let number = *self.numbers.entry(lower.clone()).or_insert_with(|| {
            self.names.push((name, shape.clone()));
            self.names.len() - 1
        });
        let data = Box::new(Observed {
            former,
            number,
            wants_url: presets::wants_url(&lower),
            fails_by_false: presets::fails_by_false(&lower),
        });
        function.replace_handler(observed, (&raw const *data).cast());
        self.observed.push(data);
    }
}

/// The handler of all observed internal functions. A fatal error leaves the former handler by a jump, so nothing here
/// is to be dropped.
unsafe extern "C" fn observed(frame: *mut ExecuteData, ret: *mut Zval) {
    // SAFETY: the engine calls with a frame and room for the result; the data is as `replace` has stored it, because
    // copies of a function are copies of all of it.
    unsafe {
        let observed = &*functions::data_of(frame).cast::<Observed>();
        if !ini::enabled() || observed.wants_url && !has_url(Frame::of(frame)) {
            return (observed.former)(frame, ret);
        }
        let state = calls::state();
        calls::begin_internal(state, observed.number, frame);
        (observed.former)(frame, ret);
        calls::end(state, frame, || match functions::pending_error() {
            Some(class) => Outcome::Threw(class),
            None if observed.fails_by_false && type_of(&*ret) == IS_FALSE => Outcome::ReturnedFalse,
            None => Outcome::Returned,
        });
    }
}

/// Whether the first argument is a URL of HTTP.
fn has_url(frame: &Frame) -> bool {
    let text = frame.argument(0).map(zval::dereferenced).and_then(zval::bytes_of).unwrap_or_default();
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}
