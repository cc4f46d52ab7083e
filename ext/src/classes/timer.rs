//! `Promshm\Timer`: measures durations on the monotonic clock.

use crate::{
    engine::{
        call::Call,
        class::{Method, final_class, php_interface, register_interface},
        exceptions::Thrown,
        object,
        object::{native_object, php_class},
        panic::catch_panic,
        zval,
        zval::{Parse, guarded, parse},
    },
    session::{
        handle::{Handle, SeriesOf},
        histogram_cells,
    },
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use std::{cell::Cell, time::Instant};

/// The class, and the native state of its objects.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    /// The series that is observed.
    handle: Handle,
    /// The start, until it is observed.
    start: Cell<Option<Instant>>,
    /// The observed duration in seconds.
    seconds: Cell<f64>,
}

native_object!(Timer);
php_class!(Timer, "Promshm\\Timer", Self);

php_interface!(TimerInterface, "Promshm\\TimerInterface");

pub(crate) fn register() -> Result<()> {
    let observe = || Method::new("observeDuration", observe_duration).returns(DataType::Double, false);
    register_interface::<TimerInterface, Timer>([observe()])?;
    final_class::<Timer>()
        .implements::<TimerInterface>()
        // Private: a timer comes from Histogram::startTimer().
        .private_method(Method::new("__construct", new))
        .method(observe())
        .register()
}

/// Returns a running timer for the series.
pub(crate) fn start(series: SeriesOf, ret: &mut Zval) -> std::result::Result<(), Thrown> {
    let SeriesOf { metric, key, series } = series;
    let Some(timer) = guarded(|| object::new_object::<Timer>(ret)) else { return Ok(()) };
    timer.handle.bind(metric, key, series)?;
    timer.start.set(Some(Instant::now()));
    Ok(())
}

/// Calls the function and observes its duration. The timer is an object of the engine: if the request ends while the
/// function is suspended in a fiber, the engine frees this frame without unwinding it, and the object with all
/// others.
pub(crate) fn time(function: &Zval, series: SeriesOf, ret: &mut Zval) {
    let mut timer = Zval::new();
    let started = start(series, &mut timer);
    zval::call(function, ret);
    if let (Ok(()), Some(timer)) = (started, object::native_of::<Timer>(&timer)) {
        timer.observe();
    }
}

extern "C" fn new(_call: &Call<Timer>, _ret: &mut Zval) {}

extern "C" fn observe_duration(call: &Call<Timer>, ret: &mut Zval) {
    catch_panic(|| {
        if parse(call, Parse::Nothing) {
            ret.set_double(call.this().observe());
        }
    });
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
