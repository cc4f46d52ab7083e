//! `Promshm\Counter`.

use crate::{
    classes::metric_class::{construct, constructor, metric_class, void, with_exemplar},
    engine::{
        arguments,
        arguments::{Exemplar, Labels},
        exceptions::invalid_argument,
        panic::catch_panic,
        zval::More,
    },
    session::{
        exemplar,
        handle::{Cells, Handle, this},
        heartbeat,
    },
};
use ext_php_rs::{
    args::Arg,
    error::Result,
    flags::{DataType, MethodFlags},
    types::Zval,
    zend::ExecuteData,
    zend_fastcall,
};
use promshm_segment::Kind;

pub(crate) fn register() -> Result<()> {
    let inc_by = void("incBy", inc_by).arg(Arg::new("value", DataType::Double));
    metric_class("Promshm\\Counter", constructor(new))
        .method(with_exemplar(void("inc", inc)), MethodFlags::Public)
        .method(with_exemplar(inc_by), MethodFlags::Public)
        .register()
}

zend_fastcall! {
    extern fn new(ex: &mut ExecuteData, _ret: &mut Zval) {
        catch_panic(|| drop(construct(ex, More::Nothing, |_| Ok((Kind::Counter, Vec::new())))));
    }
}

zend_fastcall! {
    extern fn inc(ex: &mut ExecuteData, _ret: &mut Zval) {
        match this(ex).ready_cell(ex, 0) {
            Some(cell) => {
                cell.add_owned(1.0);
                heartbeat::tick();
            }
            None => inc_slowly(ex),
        }
    }
}

#[inline(never)] // so that the fast path saves no registers for it
fn inc_slowly(ex: &ExecuteData) {
    catch_panic(|| {
        if let Some((labels, exemplar)) = arguments::labels_and_exemplar(ex) {
            add(this(ex), labels, exemplar, 1.0);
        }
    });
    heartbeat::tick();
}

zend_fastcall! {
    extern fn inc_by(ex: &mut ExecuteData, _ret: &mut Zval) {
        if inc_by_at_once(ex).is_none() {
            inc_by_slowly(ex);
        }
    }
}

#[inline(always)]
fn inc_by_at_once(ex: &ExecuteData) -> Option<()> {
    let value = arguments::first_number(ex).filter(|value| *value >= 0.0)?;
    this(ex).ready_cell(ex, 1)?.add_owned(value);
    heartbeat::tick();
    Some(())
}

#[inline(never)]
fn inc_by_slowly(ex: &ExecuteData) {
    catch_panic(|| {
        if let Some((value, labels, exemplar)) = arguments::number_and_exemplar(ex) {
            add(this(ex), labels, exemplar, value);
        }
    });
    heartbeat::tick();
}

#[inline(always)]
fn add(handle: &Handle, labels: Labels<'_>, exemplar: Exemplar<'_>, value: f64) {
    match exemplar {
        None => add_then(handle, labels, value, |_| {}),
        Some(exemplar) => add_then(handle, labels, value, |Cells { all, shared }| {
            exemplar::note(&all[0], shared, value, exemplar);
        }),
    }
}

fn add_then(handle: &Handle, labels: Labels<'_>, value: f64, then: impl FnOnce(Cells<'_>)) {
    let Ok(metric) = handle.metric() else { return };
    if value < 0.0 || value.is_nan() {
        let name = &metric.definition.name;
        let message =
            format!("{name} is a counter and only grows: it cannot be increased by {value}; use a Gauge");
        invalid_argument(&message);
        return;
    }
    let _thrown = handle.update(labels, |cells| {
        let cell = &cells.all[0];
        if cells.shared {
            cell.add_shared(value);
        } else {
            cell.add_owned(value);
        }
        then(cells);
    });
}
