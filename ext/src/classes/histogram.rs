//! `Promshm\Histogram`.

use crate::{
    classes::{
        metric_class::{
            MetricClass, around, construct, constructor, init_method, metric_class, registered, usual_with,
            void, with_exemplar, with_labels,
        },
        timer,
    },
    engine::{
        arguments,
        builder::Arg,
        call::{Call, Frame},
        class::{Handler, Method, Methods, php_interface, plain},
        exceptions::{Thrown, invalid_argument},
        float_list::{list_of, return_list},
        object::php_class,
        panic::catch_panic,
        zval::{More, Parse, parse},
    },
    session::{handle::Handle, heartbeat, histogram_cells},
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use promshm_segment::Kind;

/// The default upper bounds in seconds, those of `PromPHP`.
const DEFAULT_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// A list of more buckets is taken for a mistake.
const MOST_BUCKETS: i64 = 10_000;

/// The class.
#[derive(Debug)]
pub(crate) struct Histogram;

php_class!(Histogram, "Promshm\\Histogram", Handle, registered::<Histogram>);
php_interface!(HistogramInterface, "Promshm\\HistogramInterface");

impl MetricClass for Histogram {
    type Interface = HistogramInterface;

    fn own_methods(timer: &'static str) -> Methods<Self> {
        observing_methods(observe, timer)
    }
}

pub(crate) fn register() -> Result<()> {
    let buckets = Arg::new(c"buckets", DataType::Array).allow_null().default(c"null");
    let list = |name, handler| plain(name, handler).returns(DataType::Array, false);
    let number = |name| Arg::new(name, DataType::Double);
    let count = || Arg::new(c"numberOfBuckets", DataType::Long);
    let exponential =
        list(c"exponentialBuckets", exponential).arg(number(c"start")).arg(number(c"growthFactor"));
    let linear = list(c"linearBuckets", linear).arg(number(c"start")).arg(number(c"width"));
    metric_class::<Histogram>(constructor(new).arg(buckets))?
        .static_method(list(c"getDefaultBuckets", default_buckets))
        .static_method(exponential.arg(count()))
        .static_method(linear.arg(count()))
        .register()
}

/// The methods of a histogram beyond those of all metrics, with its own way to observe.
pub(crate) fn observing_methods<C: MetricClass>(observe: Handler<C>, timer: &'static str) -> Methods<C> {
    let observe = void(c"observe", observe).arg(Arg::new(c"value", DataType::Double));
    let start_timer = Method::new(c"startTimer", start_timer).returns(DataType::Object(timer.into()), false);
    Methods::new()
        .and(with_exemplar(observe))
        .and(with_labels(start_timer))
        .and(around(c"time", time))
        .and(init_method())
}

extern "C" fn new(call: &Call<Histogram>, _ret: &mut Zval) {
    catch_panic(|| {
        let usual = usual_with(Kind::Histogram, call, 3);
        drop(construct(call, usual, More::Array, |buckets| Ok((Kind::Histogram, bounds_of(buckets)?))));
    });
}

/// The bounds of a script, or the default ones.
pub(crate) fn bounds_of(buckets: Option<&Zval>) -> std::result::Result<Vec<f64>, Thrown> {
    let Some(buckets) = buckets.and_then(Zval::array) else { return Ok(DEFAULT_BUCKETS.to_vec()) };
    list_of(buckets).ok_or_else(|| invalid_argument("Histogram buckets must be a list of numbers"))
}

extern "C" fn observe(call: &Call<Histogram>, _ret: &mut Zval) {
    if observe_at_once(call).is_none() {
        observe_slowly(call);
    }
}

#[inline(always)]
fn observe_at_once(call: &Call<Histogram>) -> Option<()> {
    let handle = call.this();
    let value = arguments::first_number(call)?;
    let cells = handle.ready_cells(call, 1)?;
    let bucket = handle.metric().ok()?.buckets.of(value);
    histogram_cells::count(cells, bucket, value);
    heartbeat::tick();
    Some(())
}

/// Observes what the fast path did not.
#[inline(never)] // so that the fast path saves no registers for it
pub(crate) fn observe_slowly<C: MetricClass>(call: &Call<C>) {
    catch_panic(|| {
        if let Some((value, labels, exemplar)) = arguments::float_and_exemplar(call) {
            histogram_cells::observe(call.this(), labels, exemplar, value);
        }
    });
    heartbeat::tick();
}

extern "C" fn start_timer<C: MetricClass>(call: &Call<C>, ret: &mut Zval) {
    catch_panic(|| {
        let Some(labels) = arguments::labels(call) else { return };
        drop(timer::start(ret, || call.this().series_of(labels)));
    });
}

extern "C" fn time<C: MetricClass>(call: &Call<C>, ret: &mut Zval) {
    match arguments::only_closure(call).filter(|_| call.this().needs_no_labels()) {
        Some(closure) => timer::time_closure(call, closure, ret),
        None => time_slowly(call, ret),
    }
    heartbeat::tick();
}

#[inline(never)]
fn time_slowly<C: MetricClass>(call: &Call<C>, ret: &mut Zval) {
    catch_panic(|| {
        if let Some((function, labels)) = arguments::callable(call) {
            drop(timer::time(call, function, labels, ret));
        }
    });
}

extern "C" fn default_buckets(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            return_list(ret, DEFAULT_BUCKETS.into_iter());
        }
    });
}

extern "C" fn exponential(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        let Some((start, factor, count)) = series(frame) else { return };
        if !(start > 0.0 && factor > 1.0 && start.is_finite() && factor.is_finite()) {
            invalid_argument(
                "exponentialBuckets() needs a finite start above 0 and a finite growth factor above 1",
            );
            return;
        }
        return_list(ret, (0..count).scan(start, |next, _| Some(std::mem::replace(next, *next * factor))));
    });
}

extern "C" fn linear(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        let Some((start, width, count)) = series(frame) else { return };
        if !(width > 0.0 && width.is_finite() && start.is_finite()) {
            invalid_argument("linearBuckets() needs a finite start and a finite width above 0");
            return;
        }
        return_list(ret, (0..count).map(|index| start + width * index as f64));
    });
}

fn series(frame: &Frame) -> Option<(f64, f64, i64)> {
    let (mut start, mut step, mut count) = (0.0, 0.0, 0);
    if !parse(frame, Parse::Buckets(&mut start, &mut step, &mut count)) {
        return None;
    }
    if !(1..=MOST_BUCKETS).contains(&count) {
        invalid_argument(&format!("The number of buckets must be from 1 to {MOST_BUCKETS}, got {count}"));
        return None;
    }
    Some((start, step, count))
}
