//! `Promshm\Timer`: measures durations on the monotonic clock.

use crate::{
    engine::{
        arguments::Labels,
        call::Call,
        callable,
        class::{Method, Methods, final_class, php_interface, register_interface},
        exceptions::Thrown,
        object::{self, PhpClass, native_object, php_class},
        panic::catch_panic,
        zval,
        zval::{Parse, guarded, parse},
    },
    session::{
        handle::{Handle, SeriesOf},
        heartbeat, histogram_cells,
        work::{self, Timed},
    },
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use std::cell::{Cell, OnceCell};

/// The class, and the native state of its objects.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    /// The series that is observed. Set once, when the timer starts.
    series: OnceCell<SeriesOf>,
    /// What runs, until it is observed.
    running: Cell<Option<Timed>>,
    /// The observed duration in seconds.
    seconds: Cell<f64>,
}

native_object!(Timer);
php_class!(Timer, "Promshm\\Timer", Self);

php_interface!(TimerInterface, "Promshm\\TimerInterface");

pub(crate) fn register() -> Result<()> {
    let observe = || Method::new(c"observeDuration", observe_duration).returns(DataType::Double, false);
    register_interface::<TimerInterface, Timer>(Methods::new().and(observe()))?;
    final_class::<Timer>()
        .implements::<TimerInterface>()
        // Private: a timer comes from Histogram::startTimer().
        .private_method(Method::new(c"__construct", new))
        .method(observe())
        .register()
}

/// Returns a running timer for a series. The object comes first, while there is nothing to drop: `memory_limit` may
/// refuse it.
pub(crate) fn start(
    ret: &mut Zval,
    series: impl FnOnce() -> std::result::Result<SeriesOf, Thrown>,
) -> std::result::Result<(), Thrown> {
    let Some(timer) = object::new_object::<Timer>(ret) else { return Ok(()) };
    timer.begin(series()?);
    Ok(())
}

/// Calls the closure and observes its duration, in a series without labels. Nothing is owned meanwhile that the engine's
/// jump after a fatal error would skip, so nothing has to stop it.
pub(crate) fn time_closure<C: PhpClass<State = Handle>>(call: &Call<C>, closure: &Zval, ret: &mut Zval) {
    let timed = work::begin();
    callable::call_unguarded(closure, ret);
    let seconds = work::end(timed);
    catch_panic(|| histogram_cells::observe(call.this(), None, None, seconds));
}

/// Calls the function and observes its duration.
pub(crate) fn time<C: PhpClass<State = Handle>>(
    call: &Call<C>,
    function: &Zval,
    labels: Labels<'_>,
    ret: &mut Zval,
) -> std::result::Result<(), Thrown> {
    let handle = call.this();
    if labels.is_none_or(zval::is_empty) {
        handle.check_needs_no_labels()?;
        let timed = work::begin();
        callable::call(function, ret);
        histogram_cells::observe(handle, None, None, work::end(timed));
        return Ok(());
    }
    time_labelled(function, handle.series_of(labels)?, ret);
    Ok(())
}

/// The timer is an object of the engine: if the request ends while the function is suspended in a fiber, the engine
/// frees this frame without unwinding it, and the object with all others.
fn time_labelled(function: &Zval, series: SeriesOf, ret: &mut Zval) {
    let mut object = Zval::new();
    let Some(timer) = guarded(|| object::new_object::<Timer>(&mut object)) else { return };
    timer.begin(series);
    callable::call(function, ret);
    timer.observe();
}

extern "C" fn new(_call: &Call<Timer>, _ret: &mut Zval) {}

extern "C" fn observe_duration(call: &Call<Timer>, ret: &mut Zval) {
    catch_panic(|| {
        if call.given() == 0 || parse(call, Parse::Nothing) {
            zval::return_double(ret, call.this().observe());
        }
    });
    heartbeat::tick();
}

impl Timer {
    /// Once, so that there is no former series to drop.
    #[inline]
    fn begin(&self, series: SeriesOf) {
        std::mem::forget(self.series.set(series));
        self.running.set(Some(work::begin()));
    }

    /// Observes the time since the start, once: a second call returns the same duration, so that a `finally` block
    /// counts nothing twice.
    #[inline]
    fn observe(&self) -> f64 {
        if let (Some(timed), Some(series)) = (self.running.take(), self.series.get()) {
            let seconds = work::end(timed);
            self.seconds.set(seconds);
            histogram_cells::observe_series(series, seconds);
        }
        self.seconds.get()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.running.take().is_some() {
            work::give_up();
        }
    }
}
