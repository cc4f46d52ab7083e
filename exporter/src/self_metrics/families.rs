//! Converts the `prometheus` crate's families to those that the encoder takes.

use super::SEGMENT_LABEL;
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use promshm_segment::{Definition, Family, GaugeMode, Kind};

/// The same families for the encoder. Families of one name, which several segments have, are merged.
pub(super) fn families(theirs: &[MetricFamily]) -> Vec<Family> {
    let mut ours: Vec<Family> = Vec::new();
    for each in theirs {
        match ours.iter_mut().find(|family| family.definition.name == each.name()) {
            Some(family) => push_rows(family, each),
            None => ours.extend(family(each)),
        }
    }
    ours
}

/// Adds a segment's worker family; its series carry `label` if segments have names.
pub(super) fn push_workers(ours: &mut Vec<Family>, workers: &Family, label: Option<&str>) {
    let name = &workers.definition.name;
    let known = ours.iter().position(|family| family.definition.name == *name);
    let at = known.unwrap_or_else(|| {
        let mut definition = workers.definition.clone();
        definition.label_names.extend(label.map(|_| SEGMENT_LABEL.into()));
        ours.push(Family::new(definition));
        ours.len() - 1
    });
    for row in workers.rows() {
        ours[at].push(row.labels().chain(label), row.values());
        let last = ours[at].row_count() - 1;
        row.created().into_iter().for_each(|created| ours[at].set_created(last, created));
    }
}

/// `None` for what the exporter does not use: other types, and names that Prometheus does not allow.
fn family(theirs: &MetricFamily) -> Option<Family> {
    let kind = match theirs.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::GAUGE => Kind::Gauge(GaugeMode::Last),
        _ => return None,
    };
    let names: Vec<&str> = theirs.get_metric().first()?.get_label().iter().map(LabelPair::name).collect();
    let mut ours = Family::new(Definition::new(theirs.name(), theirs.help(), kind, &names, &[]).ok()?);
    push_rows(&mut ours, theirs);
    Some(ours)
}

fn push_rows(ours: &mut Family, theirs: &MetricFamily) {
    for metric in theirs.get_metric() {
        let value = value(metric, ours.definition.kind);
        ours.push(metric.get_label().iter().map(LabelPair::value), &[value]);
    }
}

fn value(metric: &Metric, kind: Kind) -> f64 {
    if kind == Kind::Counter { metric.get_counter().get_value() } else { metric.get_gauge().get_value() }
}
