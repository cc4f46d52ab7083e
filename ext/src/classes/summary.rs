//! `Promshm\\Summary`.

use crate::{
    classes::metric_class::{
        MetricClass, Usual, construct, constructor, init_method, metric_class, registered, usual_with, void,
        with_labels,
    },
    engine::{
        arguments,
        builder::Arg,
        call::{Call, Frame},
        class::{Method, Methods, php_interface, plain},
        exceptions::{Thrown, invalid_argument},
        float_list::{list_of, return_list},
        object::{PhpClass, php_class},
        panic::catch_panic,
        zval::{IS_LONG, More, Parse, long_of, parse, type_of},
    },
    session::{
        attachment,
        handle::{Cells, Handle},
        heartbeat, summary_ring,
    },
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use promshm_segment::{Kind, memory::atomic, snapshot::Reason};
use std::cell::Cell;

/// The default quantiles, those of `PromPHP`.
const DEFAULT_QUANTILES: [f64; 5] = [0.01, 0.05, 0.5, 0.95, 0.99];
/// How long an observation counts for quantiles by default, in seconds.
pub(crate) const DEFAULT_MAX_AGE: i64 = 600;

/// `int $maxAgeSeconds = 600, ?array $quantiles = null`
pub(crate) fn with_window<C: PhpClass>(method: Method<C>) -> Method<C> {
    method
        .arg(Arg::new(c"maxAgeSeconds", DataType::Long).default(c"600"))
        .arg(Arg::new(c"quantiles", DataType::Array).allow_null().default(c"null"))
}

/// The class.
#[derive(Debug)]
pub(crate) struct Summary;

php_class!(Summary, "Promshm\\Summary", Handle, registered::<Summary>);
php_interface!(SummaryInterface, "Promshm\\SummaryInterface");

impl MetricClass for Summary {
    type Interface = SummaryInterface;

    fn own_methods(timer: &'static str) -> Methods<Self> {
        own_methods(timer)
    }
}

pub(crate) fn register() -> Result<()> {
    let quantiles = plain(c"getDefaultQuantiles", default_quantiles);
    let quantiles = quantiles.returns(DataType::Array, false);
    metric_class::<Summary>(with_window(constructor(new)))?.static_method(quantiles).register()
}

fn own_methods(_timer: &str) -> Methods<Summary> {
    let observe = void(c"observe", observe).arg(Arg::new(c"value", DataType::Double));
    Methods::new().and(with_labels(observe)).and(init_method())
}

extern "C" fn new(call: &Call<Summary>, _ret: &mut Zval) {
    catch_panic(|| {
        let max_age = Cell::new(DEFAULT_MAX_AGE);
        drop(construct(call, usual(call), More::Summary(&max_age), |quantiles| {
            shape_of(max_age.get(), quantiles)
        }));
    });
}

fn usual(call: &Frame) -> Option<Usual<'_>> {
    let max_age = match call.argument(3) {
        None => DEFAULT_MAX_AGE,
        Some(value) if type_of(value) == IS_LONG => long_of(value),
        Some(_) => return None,
    };
    usual_with(Kind::Summary { max_age: u32::try_from(max_age).ok()? }, call, 4)
}

/// Kind and quantiles of a definition.
pub(crate) fn shape_of(
    max_age: i64,
    quantiles: Option<&Zval>,
) -> std::result::Result<(Kind, Vec<f64>), Thrown> {
    let max_age = u32::try_from(max_age).ok().filter(|age| *age > 0).ok_or_else(|| {
        invalid_argument(&format!("maxAgeSeconds must be from 1 to {}, got {max_age}", u32::MAX))
    })?;
    let quantiles = match quantiles.and_then(Zval::array) {
        None => DEFAULT_QUANTILES.to_vec(),
        Some(quantiles) => list_of(quantiles)
            .ok_or_else(|| invalid_argument("Summary quantiles must be a list of numbers"))?,
    };
    Ok((Kind::Summary { max_age }, quantiles))
}

extern "C" fn observe(call: &Call<Summary>, _ret: &mut Zval) {
    if observe_at_once(call).is_none() {
        observe_slowly(call);
    }
}

#[inline(always)]
fn observe_at_once(call: &Call<Summary>) -> Option<()> {
    let value = arguments::first_number(call)?;
    observe_in(call.this().ready_cells(call, 1)?, false, value);
    heartbeat::tick();
    Some(())
}

#[inline(never)] // so that the fast path saves no registers for it
fn observe_slowly(call: &Call<Summary>) {
    catch_panic(|| {
        let Some((value, labels)) = arguments::float(call) else { return };
        let _thrown = call.this().update(labels, |Cells { all, shared }| observe_in(all, shared, value));
    });
    heartbeat::tick();
}

/// Counts one observation. A sample without a ring is counted as a drop of its own, because the totals include it.
#[inline(always)]
fn observe_in(cells: &[atomic::Cell], is_shared: bool, value: f64) {
    if !summary_ring::observe(cells, is_shared, value) {
        count_lost_sample();
    }
}

#[cold]
fn count_lost_sample() {
    catch_panic(|| attachment::count_drop(Reason::SummarySample));
}

extern "C" fn default_quantiles(frame: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if parse(frame, Parse::Nothing) {
            return_list(ret, DEFAULT_QUANTILES.into_iter());
        }
    });
}
