//! `Promshm\Timer`: measures durations on the monotonic clock.

use crate::{
    classes::metric_class::final_class,
    engine::{
        exceptions::Thrown,
        globals::ModuleStatic,
        object,
        object::native_object,
        panic::catch_panic,
        zval,
        zval::{Parse, guarded, parse},
    },
    session::{
        handle::Handle,
        histogram_cells,
        metric::Metric,
        series::{Key, Series},
    },
};
use ext_php_rs::{
    builders::FunctionBuilder,
    error::Result,
    flags::{DataType, MethodFlags},
    types::Zval,
    zend::{ClassEntry, ExecuteData},
    zend_fastcall,
};
use std::{cell::Cell, rc::Rc, time::Instant};

/// The class's name.
pub(crate) const NAME: &str = "Promshm\\Timer";
// Registered again at every module startup: some servers restart modules in one process.
static CLASS: ModuleStatic<Option<&'static ClassEntry>> = ModuleStatic::new(None);

/// The native state of a timer object.
#[derive(Debug, Default)]
struct Timer {
    /// The series that is observed.
    handle: Handle,
    /// The start, until it is observed.
    start: Cell<Option<Instant>>,
    /// The observed duration in seconds.
    seconds: Cell<f64>,
}

native_object!(Timer);

pub(crate) fn register() -> Result<()> {
    let observe = FunctionBuilder::new("observeDuration", observe_duration);
    final_class(NAME)
        // Private: a timer comes from Histogram::startTimer().
        .method(FunctionBuilder::new("__construct", new), MethodFlags::Private)
        .method(observe.returns(DataType::Double, false, false), MethodFlags::Public)
        .registration(|class, arg_info| {
            object::install::<Timer>(class);
            CLASS.set(Some(class));
            std::mem::forget(arg_info); // the engine reads it as long as the class lives
        })
        .register()
}

/// Returns a running timer for the series.
pub(crate) fn start(metric: Rc<Metric>, key: Key, ret: &mut Zval) -> std::result::Result<(), Thrown> {
    let Some(class) = CLASS.get() else { return Ok(()) };
    let timer: &Timer = guarded(|| object::new_in(class, ret));
    timer.handle.bind(metric, key, Series::UNKNOWN)?;
    timer.start.set(Some(Instant::now()));
    Ok(())
}

/// Calls the function and observes its duration. The timer is an object of the engine: if the request ends while the
/// function is suspended in a fiber, the engine frees this frame without unwinding it, and the object with all
/// others.
pub(crate) fn time(function: &Zval, metric: Rc<Metric>, key: Key, ret: &mut Zval) {
    let mut timer = Zval::new();
    let started = start(metric, key, &mut timer);
    zval::call(function, ret);
    if let (Ok(()), Some(timer)) = (started, object::native_of::<Timer>(&timer)) {
        timer.observe();
    }
}

zend_fastcall! {
    extern fn new(_ex: &mut ExecuteData, _ret: &mut Zval) {}
}

zend_fastcall! {
    extern fn observe_duration(ex: &mut ExecuteData, ret: &mut Zval) {
        catch_panic(|| {
            if parse(ex, Parse::Nothing) {
                ret.set_double(object::this::<Timer>(ex).observe());
            }
        });
    }
}

impl Timer {
    /// Observes the time since the start, once: a second call returns the same duration, so that a `finally` block
    /// counts nothing twice.
    fn observe(&self) -> f64 {
        if let Some(start) = self.start.take() {
            self.seconds.set(start.elapsed().as_secs_f64());
            histogram_cells::observe(&self.handle, None, None, self.seconds.get());
        }
        self.seconds.get()
    }
}
