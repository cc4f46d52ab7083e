//! What `top` knows: the series with their past, and the segments they are from.

use crate::text::Unit;
use promshm_segment::{Definition, Kind, Snapshot, Vitals};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Samples that are kept of each series.
pub(super) const PAST: usize = 60;

/// What reading one segment gave.
pub(super) struct Reading<'r> {
    /// Its name, where there are several.
    pub(super) label: Option<&'r str>,
    /// Its contents, or the cause why there are none.
    pub(super) outcome: Result<&'r Snapshot, String>,
}

/// A segment's state, for the head of the screen.
#[derive(Debug)]
pub(super) struct SegmentState {
    pub(super) label: Option<String>,
    pub(super) outcome: Result<Vitals, String>,
}

/// A series' place among all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The segment's name, or nothing.
    pub(super) segment: String,
    pub(super) name: String,
    /// `queue=mail status=ok`
    pub(super) labels: String,
}

/// A series with its past.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) kind: Kind,
    pub(super) help: String,
    pub(super) unit: Unit,
    /// Of a histogram: the number of observations.
    pub(super) value: f64,
    /// What was added in a second; none for gauges, and before the second reading.
    pub(super) rate: Option<f64>,
    /// Of a histogram: the mean of what was observed since the reading before.
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
    pub(super) heads: Vec<SegmentState>,
    read: u64,
    at: Option<Duration>,
}

impl Model {
    /// Takes what was read, `at` a time since the start. Series that are gone are forgotten.
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
        let outcome = reading.outcome.as_ref().map(|snapshot| snapshot.vitals.clone());
        Self { label: reading.label.map(Into::into), outcome: outcome.map_err(Clone::clone) }
    }
}

impl Key {
    /// Whether a filter's words all stand in it; letters are alike in both cases.
    pub(super) fn has(&self, words: &[String]) -> bool {
        let text = format!("{} {} {}", self.segment, self.name, self.labels).to_lowercase();
        words.iter().all(|word| text.contains(word))
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

    /// Whether its value is how many observations there were.
    pub(super) fn observes(&self) -> bool {
        matches!(self.kind, Kind::Histogram | Kind::Summary { .. })
    }

    /// Whether it only grows, so that its rate is what matters.
    pub(super) fn grows(&self) -> bool {
        !matches!(self.kind, Kind::Gauge(_))
    }
}

/// What was added; a number that fell began anew at 0.
fn increase(before: f64, after: f64) -> f64 {
    if after < before { after } else { after - before }
}
