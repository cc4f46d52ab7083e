//! The metrics of observed functions: three in common, and three for each name of an entry's own.

use super::entry::{BadEntry, Shape};
use crate::session::{
    error_text::definition_error,
    metric::{Constants, Metric},
};
use promshm_segment::{Definition, DefinitionError, GaugeMode, Kind};
use std::{cell::RefCell, collections::HashSet};

/// Most values of a label in a process; all further ones count as [`OTHER`].
pub(super) const MOST_VALUES: usize = 100;
/// Stands for values above [`MOST_VALUES`].
pub(super) const OTHER: &str = "other";

/// The metrics of one shape.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) shape: Shape,
    /// The histogram, or the counter of an entry without a clock.
    pub(super) main: Metric,
    pub(super) in_flight: Option<Metric>,
    pub(super) errors: Metric,
    /// The values of the label `exception`.
    pub(super) exceptions: RefCell<Values>,
}

/// The values of a label that this process has seen.
#[derive(Debug, Default)]
pub(super) struct Values(HashSet<Box<[u8]>>);

/// A longer value is a text, which is no label.
const MOST_BYTES: usize = 256;

impl Values {
    /// Whether the value may be a label's; if not, it counts as [`OTHER`].
    pub(super) fn admits(&mut self, value: &[u8]) -> bool {
        if self.0.contains(value) {
            return true;
        }
        let is_admitted = self.0.len() < MOST_VALUES && value.len() <= MOST_BYTES;
        if is_admitted {
            self.0.insert(value.into());
        }
        is_admitted
    }
}

/// The definitions of a shape's metrics.
struct Definitions {
    main: Definition,
    in_flight: Option<Definition>,
    errors: Definition,
}

fn definitions(shape: &Shape, default_buckets: &[f64]) -> Result<Definitions, DefinitionError> {
    let name = shape.name.as_deref().unwrap_or("php_function");
    let of = shape
        .name
        .as_ref()
        .map_or_else(|| "observed functions".into(), |name| format!("what is observed as {name}"));
    let mut labels: Vec<&str> = shape.labels.iter().map(|(label, _)| label.as_str()).collect();
    if labels.is_empty() {
        labels.push("function");
    }
    let new = |suffix: &str, help: String, kind, labels: &[&str], bounds: &[f64]| {
        Definition::new(&format!("{name}_{suffix}"), &help, kind, labels, bounds)
    };
    let buckets = shape.buckets.as_deref().unwrap_or(default_buckets);
    let (main, in_flight) = if shape.counts_only {
        (new("calls_total", format!("Calls of {of}."), Kind::Counter, &labels, &[])?, None)
    } else {
        let gauge = Kind::Gauge(GaugeMode::Sum);
        let running = new("in_flight", format!("Running calls of {of}."), gauge, &labels, &[])?;
        let help = format!("Seconds that calls of {of} took.");
        (new("duration_seconds", help, Kind::Histogram, &labels, buckets)?, Some(running))
    };
    labels.push("exception");
    let help = format!("Calls of {of} that failed, by exception.");
    Ok(Definitions { main, in_flight, errors: new("errors_total", help, Kind::Counter, &labels, &[])? })
}

/// Whether the metrics of a shape can be defined.
pub(super) fn check(shape: &Shape, default_buckets: &[f64]) -> Result<(), BadEntry> {
    definitions(shape, default_buckets).map(drop).map_err(|error| BadEntry(definition_error(&error)))
}

impl Family {
    pub(super) fn new(shape: &Shape, default_buckets: &[f64]) -> Option<Self> {
        let Definitions { main, in_flight, errors } = definitions(shape, default_buckets).ok()?;
        let metric = |definition| Metric::new(definition, &Constants::new()).ok();
        Some(Self {
            shape: shape.clone(),
            main: metric(main)?,
            in_flight: match in_flight {
                Some(definition) => Some(metric(definition)?),
                None => None,
            },
            errors: metric(errors)?,
            exceptions: RefCell::default(),
        })
    }
}
