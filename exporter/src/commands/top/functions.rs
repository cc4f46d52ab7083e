//! The functions of `top`: calls, errors and durations of what php.ini observes, and of metrics that an application has
//! named in the same way.

use super::reading::{Key, Reading};
use promshm_segment::{Definition, Family, Kind, NativeBuckets, Snapshot, snapshot::Row};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Numbers are those of the last 30 to 60 seconds: two marks are kept, whatever the number of readings.
const HALF_WINDOW: Duration = Duration::from_secs(30);
const COMMON: &str = "php_function";

/// All functions as of the last reading.
#[derive(Debug, Default)]
pub(super) struct Functions {
    pub(super) rows: BTreeMap<Key, Function>,
    read: u64,
}

/// A function; NaN stands for what is not known.
#[derive(Debug)]
pub(super) struct Function {
    /// Calls per second.
    pub(super) rate: f64,
    /// Calls per second that failed.
    pub(super) errors: f64,
    /// Seconds that half of the calls took at most.
    pub(super) half: f64,
    /// Seconds that 95 % of the calls took at most.
    pub(super) most: f64,
    /// Running calls.
    pub(super) running: f64,
    older: Totals,
    newer: Totals,
    last: Totals,
    read: u64,
}

/// Totals at one reading.
#[derive(Debug, Clone)]
struct Totals {
    at: Duration,
    errors: f64,
    /// Calls by the bucket of their duration; one number without durations.
    calls: Vec<f64>,
}

/// Label values, those of `exception` left out.
type Labels = Vec<String>;

impl Functions {
    /// Adds a reading; `at` is the time since the start. Functions that have gone are removed.
    pub(super) fn update(&mut self, at: Duration, readings: &[Reading]) {
        self.read += 1;
        for reading in readings {
            if let Ok(snapshot) = reading.outcome {
                let functions =
                    snapshot.families.iter().filter_map(|family| Some((family, stem(family, snapshot)?)));
                functions.for_each(|(family, stem)| {
                    self.take(reading.label.unwrap_or_default(), family, stem, snapshot, at);
                });
            }
        }
        self.rows.retain(|_, function| function.read == self.read);
    }

    fn take(&mut self, segment: &str, family: &Family, stem: &str, snapshot: &Snapshot, at: Duration) {
        let errors = sums(named(snapshot, &format!("{stem}_errors_total")));
        let running = sums(named(snapshot, &format!("{stem}_in_flight")));
        let bounds = match family.definition.kind {
            Kind::NativeHistogram(buckets) => native_bounds(buckets),
            _ => family.definition.bounds.clone(),
        };
        for row in family.rows() {
            let labels = labels(&family.definition, &row);
            let errors = errors.get(&labels).copied().unwrap_or(0.0);
            let calls = match family.definition.kind {
                Kind::Histogram => {
                    row.values().split_last().map_or_else(Vec::new, |(_, counts)| counts.into())
                }
                Kind::NativeHistogram(buckets) => native_counts(buckets, row.values()),
                _ => row.values().into(),
            };
            let totals = Totals { at, errors, calls };
            let key = key(segment, stem, &family.definition, &labels);
            let function = self.rows.entry(key).or_insert_with(|| Function::new(&totals));
            function.take(totals, &bounds, self.read);
            function.running = running.get(&labels).copied().unwrap_or(f64::NAN);
        }
    }
}

/// The upper bounds of a native histogram's buckets, from the zero bucket on.
fn native_bounds(buckets: NativeBuckets) -> Vec<f64> {
    let inside = (0..buckets.cells.into()).map(|bucket| buckets.upper_bound(bucket));
    [buckets.zero_threshold()].into_iter().chain(inside).collect()
}

/// The counts of these buckets, and of what is above them.
fn native_counts(buckets: NativeBuckets, row: &[f64]) -> Vec<f64> {
    let (first, last) = (buckets.below(row) + buckets.zero(row), buckets.above(row) + buckets.nan(row));
    [&[first], buckets.positive(row), &[last]].concat()
}

/// The part of a name that the metrics of a function have in common; `None` for other families.
fn stem<'f>(family: &'f Family, snapshot: &Snapshot) -> Option<&'f str> {
    let Definition { name, kind, .. } = &family.definition;
    match kind {
        Kind::Counter => name.strip_suffix("_calls_total"),
        Kind::Histogram | Kind::NativeHistogram(_) => name
            .strip_suffix("_duration_seconds")
            .filter(|stem| *stem == COMMON || named(snapshot, &format!("{stem}_in_flight")).is_some()),
        _ => None,
    }
}

fn named<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s Family> {
    let place =
        snapshot.families.binary_search_by(|family| family.definition.name.as_str().cmp(name)).ok()?;
    snapshot.families.get(place)
}

/// A family's values by their labels, over all exceptions.
fn sums(family: Option<&Family>) -> HashMap<Labels, f64> {
    let mut sums = HashMap::new();
    for (family, row) in family.into_iter().flat_map(|family| family.rows().map(move |row| (family, row))) {
        let value = row.values().first().copied().unwrap_or(f64::NAN);
        *sums.entry(labels(&family.definition, &row)).or_default() += value;
    }
    sums
}

fn labels(definition: &Definition, row: &Row) -> Labels {
    let all = definition.label_names.iter().zip(row.labels());
    all.filter(|(name, _)| *name != "exception").map(|(_, value)| value.into()).collect()
}

/// A function of the common family goes by its own name, any other by its metric's name and labels.
fn key(segment: &str, stem: &str, definition: &Definition, labels: &Labels) -> Key {
    let is_common = stem == COMMON && definition.label_names == ["function"];
    let named = || definition.label_names.iter().zip(labels).map(|(name, value)| format!("{name}={value}"));
    let (name, labels) = match labels.first().filter(|_| is_common) {
        Some(function) => (function.clone(), String::new()),
        None => (stem.into(), named().collect::<Vec<_>>().join(" ")),
    };
    Key { segment: segment.into(), name, labels }
}

impl Function {
    fn new(totals: &Totals) -> Self {
        let [older, newer, last] = [totals; 3].map(Clone::clone);
        let unknown = f64::NAN;
        let [rate, errors, half, most, running] = [unknown; 5];
        Self { rate, errors, half, most, running, older, newer, last, read: 0 }
    }

    fn take(&mut self, totals: Totals, bounds: &[f64], read: u64) {
        self.read = read;
        if totals.fell_below(&self.last) {
            let zero = Totals { at: self.last.at, errors: 0.0, calls: vec![0.0; totals.calls.len()] };
            (self.older, self.newer) = (zero.clone(), zero);
        } else if totals.at.saturating_sub(self.newer.at) >= HALF_WINDOW {
            self.older = std::mem::replace(&mut self.newer, totals.clone());
        }
        self.last = totals;
        let totals = &self.last;
        let seconds = totals.at.saturating_sub(self.older.at).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let calls: Vec<f64> =
            totals.calls.iter().zip(&self.older.calls).map(|(now, then)| now - then).collect();
        self.rate = calls.iter().sum::<f64>() / seconds;
        self.errors = (totals.errors - self.older.errors) / seconds;
        (self.half, self.most) = (quantile(0.5, &calls, bounds), quantile(0.95, &calls, bounds));
    }
}

impl Totals {
    /// Whether something has restarted from 0, or has other buckets.
    fn fell_below(&self, before: &Self) -> bool {
        let fell = |(now, then): (&f64, &f64)| now < then;
        self.calls.len() != before.calls.len()
            || self.errors < before.errors
            || self.calls.iter().zip(&before.calls).any(fell)
    }
}

/// As Prometheus's `histogram_quantile` estimates it; NaN without calls or buckets.
fn quantile(share: f64, counts: &[f64], bounds: &[f64]) -> f64 {
    let rank = share * counts.iter().sum::<f64>();
    let mut below = 0.0;
    for (bucket, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
        if below + count >= rank {
            let low = bucket.checked_sub(1).and_then(|lower| bounds.get(lower)).copied();
            let Some(high) = bounds.get(bucket) else { return low.unwrap_or(f64::NAN) };
            let low = low.unwrap_or(0.0);
            return low + (high - low) * (rank - below) / count;
        }
        below += count;
    }
    f64::NAN
}
