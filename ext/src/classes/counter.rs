//! `Promshm\Counter`.

use crate::{
    classes::metric_class::{
        MetricClass, construct, constructor, init_method, metric_class, registered, void, with_exemplar,
    },
    engine::{
        arguments,
        arguments::{Exemplar, Labels},
        builder::Arg,
        call::Call,
        class::{Methods, php_interface},
        exceptions::invalid_argument,
        object::php_class,
        panic::catch_panic,
        zval::More,
    },
    session::{
        exemplar,
        handle::{Cells, Handle},
        heartbeat,
    },
};
use ext_php_rs::{error::Result, flags::DataType, types::Zval};
use promshm_segment::Kind;

/// The class.
#[derive(Debug)]
pub(crate) struct Counter;

php_class!(Counter, "Promshm\\Counter", Handle, registered::<Counter>);

php_interface!(CounterInterface, "Promshm\\CounterInterface");

impl MetricClass for Counter {
    type Interface = CounterInterface;

    fn own_methods(timer: &'static str) -> Methods<Self> {
        own_methods(timer)
    }
}

pub(crate) fn register() -> Result<()> {
    metric_class::<Counter>(constructor(new))?.register()
}

fn own_methods(_timer: &str) -> Methods<Counter> {
    let inc_by = void(c"incBy", inc_by).arg(Arg::new(c"value", DataType::Double));
    Methods::new().and(with_exemplar(void(c"inc", inc))).and(with_exemplar(inc_by)).and(init_method())
}

extern "C" fn new(call: &Call<Counter>, _ret: &mut Zval) {
    catch_panic(|| {
        let usual = (call.given() <= 3).then_some((Kind::Counter, None));
        drop(construct(call, usual, More::Nothing, |_| Ok((Kind::Counter, Vec::new()))));
    });
}

extern "C" fn inc(call: &Call<Counter>, _ret: &mut Zval) {
    match call.this().ready_cell(call, 0) {
        Some(own) => {
            own.add_owned(1.0);
            heartbeat::tick();
        }
        None => inc_slowly(call),
    }
}

#[inline(never)] // so that the fast path saves no registers for it
fn inc_slowly(call: &Call<Counter>) {
    catch_panic(|| {
        if let Some((labels, exemplar)) = arguments::labels_and_exemplar(call) {
            add(call.this(), labels, exemplar, 1.0);
        }
    });
    heartbeat::tick();
}

extern "C" fn inc_by(call: &Call<Counter>, _ret: &mut Zval) {
    if inc_by_at_once(call).is_none() {
        inc_by_slowly(call);
    }
}

#[inline(always)]
fn inc_by_at_once(call: &Call<Counter>) -> Option<()> {
    let value = arguments::first_number(call).filter(|value| *value >= 0.0)?;
    call.this().ready_cell(call, 1)?.add_owned(value);
    heartbeat::tick();
    Some(())
}

#[inline(never)]
fn inc_by_slowly(call: &Call<Counter>) {
    catch_panic(|| {
        if let Some((value, labels, exemplar)) = arguments::number_and_exemplar(call) {
            add(call.this(), labels, exemplar, value);
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
