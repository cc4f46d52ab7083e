//! `Promshm\\Summary`.

use crate::{
    classes::metric_class::{construct, constructor, metric_class, void, with_labels},
    engine::{
        arguments,
        exceptions::{Thrown, invalid_argument},
        float_list::{list_of, return_list},
        panic::catch_panic,
        zval::{More, Parse, parse},
    },
    session::{
        attachment,
        handle::{Cells, this},
        heartbeat, summary_ring,
    },
};
use ext_php_rs::{
    args::Arg,
    builders::FunctionBuilder,
    error::Result,
    flags::{DataType, MethodFlags},
    types::Zval,
    zend::ExecuteData,
    zend_fastcall,
};
use promshm_segment::{Kind, memory::atomic, snapshot::Reason};
use std::cell::Cell;

/// The default quantiles, those of `PromPHP`.
const DEFAULT_QUANTILES: [f64; 5] = [0.01, 0.05, 0.5, 0.95, 0.99];
/// How long an observation counts for quantiles by default, in seconds.
pub(crate) const DEFAULT_MAX_AGE: i64 = 600;

/// `int $maxAgeSeconds = 600, ?array $quantiles = null`
pub(crate) fn with_window(method: FunctionBuilder<'static>) -> FunctionBuilder<'static> {
    method
        .arg(Arg::new("maxAgeSeconds", DataType::Long).default("600"))
        .arg(Arg::new("quantiles", DataType::Array).allow_null().default("null"))
}

pub(crate) fn register() -> Result<()> {
    let observe = void("observe", observe).arg(Arg::new("value", DataType::Double));
    let quantiles = FunctionBuilder::new("getDefaultQuantiles", default_quantiles);
    let quantiles = quantiles.returns(DataType::Array, false, false);
    metric_class("Promshm\\Summary", with_window(constructor(new)))
        .method(with_labels(observe), MethodFlags::Public)
        .method(quantiles, MethodFlags::Public | MethodFlags::Static)
        .register()
}

zend_fastcall! {
    extern fn new(ex: &mut ExecuteData, _ret: &mut Zval) {
        catch_panic(|| {
            let max_age = Cell::new(DEFAULT_MAX_AGE);
            drop(construct(ex, More::Summary(&max_age), |quantiles| shape_of(max_age.get(), quantiles)));
        });
    }
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

zend_fastcall! {
    extern fn observe(ex: &mut ExecuteData, _ret: &mut Zval) {
        if observe_at_once(ex).is_none() {
            observe_slowly(ex);
        }
    }
}

#[inline(always)]
fn observe_at_once(ex: &ExecuteData) -> Option<()> {
    let value = arguments::first_number(ex)?;
    observe_in(this(ex).ready_cells(ex, 1)?, false, value);
    heartbeat::tick();
    Some(())
}

#[inline(never)] // so that the fast path saves no registers for it
fn observe_slowly(ex: &ExecuteData) {
    catch_panic(|| {
        let Some((value, labels)) = arguments::float(ex) else { return };
        let _thrown = this(ex).update(labels, |Cells { all, shared }| observe_in(all, shared, value));
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

zend_fastcall! {
    extern fn default_quantiles(ex: &mut ExecuteData, ret: &mut Zval) {
        catch_panic(|| if parse(ex, Parse::Nothing) { return_list(ret, DEFAULT_QUANTILES.into_iter()) });
    }
}
