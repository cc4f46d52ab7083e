//! `Promshm\Counter`.

use crate::{
    arguments::{self, Labels},
    class::{construct, constructor, metric_class, void, with_labels},
    exceptions::invalid_argument,
    guard::fenced,
    handle::{Cells, Handle},
    zend::{More, given, this},
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
        .method(with_labels(void("inc", inc)), MethodFlags::Public)
        .method(with_labels(inc_by), MethodFlags::Public)
        .register()
}

zend_fastcall! {
    extern fn new(ex: &mut ExecuteData, _ret: &mut Zval) {
        fenced(|| drop(construct(ex, More::Nothing, |_| Ok((Kind::Counter, Vec::new())))));
    }
}

zend_fastcall! {
    extern fn inc(ex: &mut ExecuteData, _ret: &mut Zval) {
        match this(ex).own_cell() {
            Some(cell) if given(ex) == 0 => cell.add_owned(1.0),
            _ => fenced(|| if let Some(labels) = arguments::labels(ex) { add(this(ex), labels, 1.0) }),
        }
    }
}

zend_fastcall! {
    extern fn inc_by(ex: &mut ExecuteData, _ret: &mut Zval) {
        let Some((value, labels)) = arguments::number(ex) else { return };
        match this(ex).own_cell() {
            Some(cell) if labels.is_none() && value >= 0.0 => cell.add_owned(value),
            _ => fenced(|| add(this(ex), labels, value)),
        }
    }
}

fn add(handle: &Handle, labels: Labels<'_>, value: f64) {
    let Ok(metric) = handle.metric() else { return };
    if value < 0.0 || value.is_nan() {
        let name = &metric.definition.name;
        let message =
            format!("{name} is a counter and only grows: it cannot be increased by {value}; use a Gauge");
        invalid_argument(&message);
        return;
    }
    let _thrown =
        handle.update(
            labels,
            |Cells { all, shared }| {
                if shared { all[0].add_shared(value) } else { all[0].add_owned(value) }
            },
        );
}
