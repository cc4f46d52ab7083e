//! How `OpenMetrics` differs from the text formats: names, types, units.
//!
//! `_created`, the time at which a series began, is written only if asked for: many readers make a separate series of
//! it.

use promshm_segment::{Definition, Kind};

const TOTAL: &str = "_total";
const CREATED: &str = "_created";

/// The base units of Prometheus and `OpenMetrics`. A family whose name ends in one has that unit.
const UNITS: [&str; 10] =
    ["amperes", "bytes", "celsius", "grams", "joules", "meters", "ratio", "ratios", "seconds", "volts"];

/// The name and type in a family's header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announced<'d> {
    pub(crate) name: &'d str,
    pub(crate) kind: &'static str,
    pub(crate) unit: Option<&'static str>,
}

/// A counter is announced without its `_total`. A counter without `_total` is announced as unknown: a counter's
/// samples must end in `_total`, and a series must not have two names in two formats.
pub(crate) fn announced(definition: &Definition) -> Announced<'_> {
    let (name, kind) = match (stripped(definition), definition.kind) {
        (Some(stripped), _) => (stripped, Kind::Counter.as_str()),
        (None, Kind::Counter) => (definition.name.as_str(), "unknown"),
        (None, kind) => (definition.name.as_str(), kind.as_str()),
    };
    Announced { name, kind, unit: unit(name) }
}

/// A sum of values that may be negative is not a counter: such a histogram has neither `_sum` nor `_count`.
pub(crate) fn has_sum(definition: &Definition) -> bool {
    definition.bounds.first().is_none_or(|bound| *bound >= 0.0)
}

/// Whether the sum of a histogram or summary may be written: as a counter it must not be negative or NaN.
pub(crate) fn is_sum(sum: f64) -> bool {
    sum >= 0.0
}

/// Whether a series' values are valid for its type. Workers write only valid ones, but others who may write the
/// segment can write any, and strict readers would reject the whole page.
pub(crate) fn is_row(kind: Kind, values: &[f64]) -> bool {
    match (kind, values) {
        (Kind::Counter, values) => values.iter().all(|value| *value >= 0.0),
        (Kind::Histogram | Kind::NativeHistogram(_), [counts @ .., _]) => {
            counts.iter().copied().all(is_count) && is_count(counts.iter().sum()) // the largest may add up to infinity
        }
        (Kind::Summary { .. }, [.., count]) => is_count(*count),
        _ => true,
    }
}

/// Whether a number is a valid count: an integer from 0, finite.
fn is_count(count: f64) -> bool {
    count >= 0.0 && count.is_finite() && count.trunc().to_bits() == count.to_bits()
}

/// The name of the samples with a family's creation times; gauges and families of unknown type have none.
pub(crate) fn created_name(definition: &Definition) -> Option<String> {
    let Announced { name, kind, .. } = announced(definition);
    ["counter", "histogram", "summary"].contains(&kind).then(|| format!("{name}{CREATED}"))
}

/// Only samples that are announced as counters, and buckets, may have exemplars.
pub(crate) fn has_exemplars(definition: &Definition) -> bool {
    stripped(definition).is_some()
}

/// All names that a family reserves in `OpenMetrics`, its own first; no two families may share one.
///
/// A counter `x_total` reserves `x`, `x_total` and `x_created`, whether or not each is written.
#[must_use]
pub fn taken_names(definition: &Definition) -> Vec<String> {
    let Announced { name, kind, .. } = announced(definition);
    let suffixes: &[&str] = match kind {
        "counter" => &["", TOTAL, CREATED],
        "histogram" => &["", "_bucket", "_count", "_sum", CREATED],
        "summary" => &["", "_count", "_sum", CREATED],
        _ => &[""],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

fn stripped(definition: &Definition) -> Option<&str> {
    let is_counter = definition.kind == Kind::Counter;
    let stripped = definition.name.strip_suffix(TOTAL).filter(|_| is_counter);
    stripped.filter(|name| !name.is_empty())
}

fn unit(name: &str) -> Option<&'static str> {
    let has = |unit: &str| name.strip_suffix(unit).is_some_and(|rest| rest.len() > 1 && rest.ends_with('_'));
    UNITS.into_iter().find(|unit| has(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use promshm_segment::GaugeMode;

    fn definition(name: &str, kind: Kind) -> Definition {
        let bounds: &[f64] = match kind {
            Kind::Counter | Kind::Gauge(_) | Kind::NativeHistogram(_) => &[],
            Kind::Histogram | Kind::Summary { .. } => &[0.5],
        };
        Definition::new(name, "", kind, &[], bounds).expect("a good definition")
    }

    fn of(name: &str, kind: Kind) -> (String, &'static str, Option<&'static str>) {
        let definition = definition(name, kind);
        let Announced { name, kind, unit } = announced(&definition);
        (name.into(), kind, unit)
    }

    #[test]
    fn only_counters_lose_their_suffix() {
        assert_eq!(of("jobs_total", Kind::Counter), ("jobs".into(), "counter", None));
        assert_eq!(of("jobs_total_total", Kind::Counter), ("jobs_total".into(), "counter", None));
        let gauge = Kind::Gauge(GaugeMode::Last);
        assert_eq!(of("jobs_total", gauge), ("jobs_total".into(), "gauge", None));
        assert_eq!(of("jobs_total", Kind::Histogram), ("jobs_total".into(), "histogram", None));
    }

    #[test]
    fn counter_without_the_suffix_is_unknown() {
        assert_eq!(of("jobs", Kind::Counter), ("jobs".into(), "unknown", None));
        assert_eq!(of("_total", Kind::Counter), ("_total".into(), "unknown", None));
    }

    #[test]
    fn unit_is_the_suffix_of_the_family_name() {
        assert_eq!(
            of("cpu_seconds_total", Kind::Counter),
            ("cpu_seconds".into(), "counter", Some("seconds"))
        );
        assert_eq!(of("sent_bytes", Kind::Histogram).2, Some("bytes"));
        for without in ["seconds", "_seconds", "milliseconds", "bytes_sent", "seconds_total"] {
            assert_eq!(of(without, Kind::Counter).2, None, "{without}");
        }
    }

    #[test]
    fn cumulative_types_have_created_times() {
        let of = |name, kind| created_name(&definition(name, kind));
        assert_eq!(of("x_total", Kind::Counter).as_deref(), Some("x_created"));
        assert_eq!(of("x", Kind::Histogram).as_deref(), Some("x_created"));
        assert_eq!(of("x_total", Kind::Summary { max_age: 600 }).as_deref(), Some("x_total_created"));
        assert_eq!(of("x", Kind::Counter), None, "its type is unknown");
        assert_eq!(of("x_total", Kind::Gauge(GaugeMode::Last)), None);
    }

    #[test]
    fn implausible_numbers_are_left_out() {
        let summary = Kind::Summary { max_age: 600 };
        for good in [0.0, -0.0, 1.0, 2.0_f64.powi(60)] {
            assert!(is_row(Kind::Counter, &[good + 0.5]) && is_row(Kind::Counter, &[good]), "{good}");
            assert!(is_row(Kind::Histogram, &[good, 1.0, f64::NAN]), "{good}: the sum is not judged");
            assert!(is_row(summary, &[-1.0, f64::NAN, good]), "{good}");
        }
        for bad in [-1.0, -5e-324, f64::NAN, f64::NEG_INFINITY] {
            assert!(!is_row(Kind::Counter, &[bad]), "{bad}");
        }
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert!(
                !is_row(Kind::Histogram, &[1.0, bad, 1.0]) && !is_row(summary, &[1.0, 1.0, bad]),
                "{bad}"
            );
            assert!(is_row(Kind::Gauge(GaugeMode::Last), &[bad]), "{bad}");
        }
        assert!(is_row(Kind::Counter, &[f64::INFINITY]));
        assert!(!is_row(Kind::Histogram, &[f64::MAX, f64::MAX, 1.0]));
    }

    #[test]
    fn families_reserve_their_suffixes() {
        assert_eq!(taken_names(&definition("x_total", Kind::Counter)), ["x", "x_total", "x_created"]);
        assert_eq!(taken_names(&definition("x", Kind::Counter)), ["x"]);
        assert_eq!(taken_names(&definition("x", Kind::Gauge(GaugeMode::Sum))), ["x"]);
        let histogram = ["x", "x_bucket", "x_count", "x_sum", "x_created"];
        assert_eq!(taken_names(&definition("x", Kind::Histogram)), histogram);
        let summary = ["x", "x_count", "x_sum", "x_created"];
        assert_eq!(taken_names(&definition("x", Kind::Summary { max_age: 600 })), summary);
    }
}
