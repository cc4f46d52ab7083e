//! `Promshm\NativeHistogram`.

use crate::{
    classes::{
        histogram::{observe_slowly, observing_methods},
        metric_class::{MetricClass, Usual, construct, constructor, metric_class, registered},
    },
    engine::{
        arguments,
        builder::Arg,
        call::{Call, Frame},
        class::{Method, Methods, php_interface},
        exceptions::{Thrown, invalid_argument},
        object::{PhpClass, php_class},
        panic::catch_panic,
        zval::{More, number_of},
    },
    session::{error_text, handle::Handle, heartbeat},
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use promshm_segment::{Kind, NativeBuckets, format::hints};
use std::cell::Cell;

/// What the arguments are that define the buckets.
#[derive(Debug, Clone)]
pub(crate) struct Window(pub(crate) [Cell<f64>; 3]);

impl Default for Window {
    /// Buckets that grow by 9 %, from a microsecond to 18 hours.
    fn default() -> Self {
        Self([1.1, 1e-6, 65_536.0].map(Cell::new))
    }
}

/// `float $bucketFactor = 1.1, float $min = 1e-6, float $max = 65536`
pub(crate) fn with_window<C: PhpClass>(method: Method<C>) -> Method<C> {
    let number = |name, default| Arg::new(name, DataType::Double).default(default);
    method.arg(number(c"bucketFactor", c"1.1")).arg(number(c"min", c"1.0E-6")).arg(number(c"max", c"65536.0"))
}

/// The class.
#[derive(Debug)]
pub(crate) struct NativeHistogram;

php_class!(NativeHistogram, "Promshm\\NativeHistogram", Handle, registered::<NativeHistogram>);
php_interface!(NativeHistogramInterface, "Promshm\\NativeHistogramInterface");

impl MetricClass for NativeHistogram {
    type Interface = NativeHistogramInterface;

    fn own_methods(timer: &'static str) -> Methods<Self> {
        observing_methods(observe, timer)
    }
}

pub(crate) fn register() -> Result<()> {
    metric_class::<NativeHistogram>(with_window(constructor(new)))?.register()
}

extern "C" fn new(call: &Call<NativeHistogram>, _ret: &mut Zval) {
    catch_panic(|| {
        let window = Window::default();
        drop(construct(call, usual(call), More::Window(&window.0), |_| kind_of(&window)));
    });
}

/// The kind of a definition whose arguments are numbers already.
fn usual(call: &Frame) -> Option<Usual<'_>> {
    let window = Window::default();
    for (place, n) in window.0.iter().zip(3..) {
        match call.argument(n) {
            Some(value) => place.set(number_of(value)?),
            None => break,
        }
    }
    Some((Kind::NativeHistogram(window.buckets().ok()?), None)).filter(|_| call.given() <= 6)
}

impl Window {
    fn buckets(&self) -> std::result::Result<NativeBuckets, promshm_segment::NativeError> {
        let [factor, min, max] = &self.0;
        NativeBuckets::new(factor.get(), min.get(), max.get())
    }
}

/// Kind and bounds of a definition with that window.
pub(crate) fn kind_of(window: &Window) -> std::result::Result<(Kind, Vec<f64>), Thrown> {
    let buckets = window.buckets().map_err(|error| invalid_argument(&error_text::native_error(&error)))?;
    Ok((Kind::NativeHistogram(buckets), Vec::new()))
}

extern "C" fn observe(call: &Call<NativeHistogram>, _ret: &mut Zval) {
    if observe_at_once(call).is_none() {
        observe_slowly(call);
    }
}

#[inline(always)]
fn observe_at_once(call: &Call<NativeHistogram>) -> Option<()> {
    let handle = call.this();
    let value = arguments::first_number(call)?;
    let cells = handle.ready_cells(call, 1)?;
    let bucket = handle.metric().ok()?.native.as_ref()?.of(value);
    hints::observe_owned(cells, bucket, value);
    heartbeat::tick();
    Some(())
}
