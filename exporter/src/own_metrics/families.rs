//! From the `prometheus` crate's families to those that our encoder writes.

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use promshm_segment::{Definition, Family, GaugeMode, Kind};

/// The same family for the encoder. `None` for what the exporter does not have: other
/// types, and names that Prometheus does not allow.
pub(super) fn family(theirs: &MetricFamily) -> Option<Family> {
    let kind = match theirs.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::GAUGE => Kind::Gauge(GaugeMode::Last),
        _ => return None,
    };
    let metrics = theirs.get_metric();
    let names: Vec<&str> = metrics.first()?.get_label().iter().map(LabelPair::name).collect();
    let mut ours = Family::new(Definition::new(theirs.name(), theirs.help(), kind, &names, &[]).ok()?);
    for metric in metrics {
        ours.push(metric.get_label().iter().map(LabelPair::value), &[value(metric, kind)]);
    }
    Some(ours)
}

fn value(metric: &Metric, kind: Kind) -> f64 {
    if kind == Kind::Counter { metric.get_counter().get_value() } else { metric.get_gauge().get_value() }
}
