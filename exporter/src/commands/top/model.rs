//! The model of `top`: the series with their history, and the state of the segments.

use super::{
    functions::Functions,
    reading::{Key, Reading},
};
use crate::text::Unit;
use promshm_segment::{Definition, Kind, Stats};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Samples that are kept of each series.
pub(super) const PAST: usize = 60;

/// A segment's state, for the top of the screen.
#[derive(Debug)]
pub(super) struct SegmentState {
    pub(super) label: Option<String>,
    pub(super) outcome: Result<Stats, String>,
}

/// A series with its history.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) unit: Unit,
    /// Of a histogram or summary: the number of observations.
    pub(super) value: f64,
    /// The increase per second; absent for gauges, and before the second reading.
    pub(super) rate: Option<f64>,
    /// Of a histogram or summary: the mean of the observations since the last reading.
    pub(super) mean: Option<f64>,
    /// Rates, or a gauge's values, the newest last.
    pub(super) past: VecDeque<f64>,
    sum: f64,
    read: u64,
}

/// All series and segments as of the last reading.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) series: BTreeMap<Key, Series>,
    pub(super) functions: Functions,
    pub(super) heads: Vec<SegmentState>,
    read: u64,
    at: Option<Duration>,
}

impl Model {
    /// Adds a reading; `at` is the time since the start. Series that have gone are removed.
    pub(super) fn update(&mut self, at: Duration, readings: &[Reading]) {
        let seconds = self.at.map(|before| at.saturating_sub(before).as_secs_f64());
        self.at = Some(at);
        self.read += 1;
        for reading in readings {
            let families = reading.outcome.as_ref().map_or(&[][..], |snapshot| &snapshot.families);
            for family in families {
                for row in family.rows() {
                    self.take(reading.label, &family.definition, row.labels(), row.values(), seconds);
                }
            }
        }
        self.series.retain(|_, series| series.read == self.read);
        self.functions.update(at, readings);
        self.heads = readings.iter().map(SegmentState::of).collect();
    }

    fn take<'l>(
        &mut self,
        segment: Option<&str>,
        definition: &Definition,
        labels: impl Iterator<Item = &'l str>,
        values: &[f64],
        seconds: Option<f64>,
    ) {
        let labels = definition.label_names.iter().zip(labels);
        let labels: Vec<_> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        let (segment, name) = (segment.unwrap_or_default().into(), definition.name.clone());
        let key = Key { segment, name, labels: labels.join(" ") };
        let series = self.series.entry(key).or_insert_with(|| Series::new(definition));
        series.take(definition, values, seconds, self.read);
    }
}

impl SegmentState {
    fn of(reading: &Reading) -> Self {
        let outcome = reading.outcome.as_ref().map(|snapshot| snapshot.stats.clone());
        Self { label: reading.label.map(Into::into), outcome: outcome.map_err(Clone::clone) }
    }
}

impl Series {
    fn new(definition: &Definition) -> Self {
        Self {
            kind: definition.kind,
            help: definition.help.clone(),
            unit: Unit::of(&definition.name),
            value: f64::NAN,
            rate: None,
            mean: None,
            past: VecDeque::with_capacity(PAST),
            sum: f64::NAN,
            read: 0,
        }
    }

    fn take(&mut self, definition: &Definition, values: &[f64], seconds: Option<f64>, read: u64) {
        if self.kind != definition.kind {
            *self = Self::new(definition); // another definition under the same name
        }
        let (value, sum) = self.value_and_sum(values);
        let is_known = self.read + 1 == read;
        let added = increase(self.value, value);
        let seconds = seconds.filter(|seconds| *seconds > 0.0 && is_known);
        self.rate = seconds.filter(|_| self.grows()).map(|seconds| added / seconds);
        self.mean = (self.observes() && is_known && added > 0.0)
            .then(|| if value < self.value { sum / added } else { (sum - self.sum) / added });
        (self.value, self.sum, self.read) = (value, sum, read);
        self.remember(if self.grows() { self.rate } else { Some(value) });
    }

    fn value_and_sum(&self, values: &[f64]) -> (f64, f64) {
        match (self.kind, values) {
            (Kind::Histogram, [buckets @ .., sum]) => (buckets.iter().sum(), *sum),
            (Kind::NativeHistogram(buckets), row) => (buckets.count(row), buckets.sum(row)),
            (Kind::Summary { .. }, [.., sum, count]) => (*count, *sum),
            (_, [value, ..]) => (*value, f64::NAN),
            (_, []) => (f64::NAN, f64::NAN),
        }
    }

    fn remember(&mut self, sample: Option<f64>) {
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        self.past.extend(sample);
    }

    /// Whether its value is a number of observations.
    pub(super) fn observes(&self) -> bool {
        matches!(self.kind, Kind::Histogram | Kind::NativeHistogram(_) | Kind::Summary { .. })
    }

    /// Whether it is cumulative, so that its rate is shown.
    pub(super) fn grows(&self) -> bool {
        !matches!(self.kind, Kind::Gauge(_))
    }
}

/// The increase; a value that fell has restarted from 0.
fn increase(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}
