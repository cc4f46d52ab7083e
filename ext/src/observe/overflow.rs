//! How often a value counted as `other`, because its label had too many: a page must tell what it does not show.

use super::updates::{Update, update};
use crate::{
    engine::globals::interpreter_local,
    session::metric::{Constants, Metric},
};
use promshm_segment::{Definition, Kind};
use std::rc::Rc;

interpreter_local! {
    static METRIC: Option<Rc<Metric>> = None;
}

const NAME: &str = "php_label_overflows_total";
const HELP: &str = "Updates that counted as other, because the label had too many values.";

/// So many updates of `metric` have counted as `other` in its label of that name. It may warn, and a warning run a script.
#[cold]
pub(super) fn count(metric: &Metric, label: &str, by: f64) {
    let known = METRIC.with(|metric| metric.clone());
    if let Some(overflows) = known.or_else(new) {
        update(&overflows, &[metric.definition.name.as_bytes(), label.as_bytes()], Update::Count(by));
    }
}

fn new() -> Option<Rc<Metric>> {
    let definition = Definition::new(NAME, HELP, Kind::Counter, &["metric", "label"], &[]).ok()?;
    let made = Rc::new(Metric::new(definition, &Constants::new()).ok()?);
    METRIC.set(Some(Rc::clone(&made)));
    Some(made)
}
