//! The definition of a metric (name, kind, labels, buckets), and Prometheus's rules for it.

use crate::{
    layout::{Plane, SUMMARY_CELLS},
    native::{JointCells, NativeBuckets, NativeError, NativeForm},
    order,
};
use std::borrow::Cow;
use thiserror::Error;

/// How the values that several processes set on one gauge are merged into one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum GaugeMode {
    /// One value that all processes set and add to; the last write wins.
    #[default]
    Last = 0,
    /// The sum over the living processes.
    Sum = 1,
    /// The smallest value of a living process.
    Min = 2,
    /// The largest value of a living process.
    Max = 3,
    /// One series for each living process, distinguished by the label `pid`.
    All = 4,
}

/// A metric's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number that only increases.
    Counter,
    /// A number that increases and decreases.
    Gauge(GaugeMode),
    /// Observations, counted in buckets.
    Histogram,
    /// Observations, counted in Prometheus's exponential buckets.
    NativeHistogram(NativeBuckets),
    /// Observations, of which recent ones are kept to compute quantiles.
    Summary {
        /// Age up to which an observation counts for quantiles, in seconds; at least 1.
        max_age: u32,
    },
}

impl Kind {
    /// Where the cells of such a metric lie.
    pub(crate) fn plane(self) -> Plane {
        match self {
            Self::Gauge(GaugeMode::Last) => Plane::Shared,
            Self::Gauge(_) => Plane::PerProcess,
            _ => Plane::Cumulative,
        }
    }

    /// The type's name in the text formats: `counter`, `gauge`, `histogram` or `summary`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge(_) => "gauge",
            Self::Histogram | Self::NativeHistogram(_) => "histogram",
            Self::Summary { .. } => "summary",
        }
    }
}

/// A metric's definition. Two definitions that differ in anything but `help` and the order of their
/// labels are two families.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The metric's name, valid by Prometheus's rules.
    pub name: String,
    /// One line of text for people; not part of the identity.
    pub help: String,
    /// Counter, gauge, histogram or summary.
    pub kind: Kind,
    /// The names of the labels, in the order in which values are passed.
    pub label_names: Vec<String>,
    /// A histogram's upper bounds, increasing, without `+Inf`; a summary's quantiles, increasing; empty for
    /// other kinds.
    pub bounds: Vec<f64>,
    /// The native form of a histogram that is recorded in both.
    pub native: Option<NativeForm>,
}

/// Why a definition is refused. The messages are shown to PHP programmers unchanged.
#[derive(Debug, Error, PartialEq)]
pub enum DefinitionError {
    /// The name is empty or contains a character that Prometheus does not allow.
    #[error("invalid metric name {0:?}")]
    Name(String),
    /// A label's name is empty or contains a character that Prometheus does not allow.
    #[error("invalid label name {0:?}")]
    LabelName(String),
    /// The label name starts with `__`, which is reserved for Prometheus itself.
    #[error("reserved label name {0:?}")]
    ReservedPrefix(String),
    /// The exposition format reserves this label.
    #[error("label name {name:?} is reserved on a {kind}")]
    Reserved {
        /// The label's name.
        name: String,
        /// The metric's type.
        kind: &'static str,
    },
    /// A label name occurs twice.
    #[error("label name {0:?} occurs twice")]
    DuplicateLabel(String),
    /// The histogram has no buckets.
    #[error("no buckets")]
    NoBuckets,
    /// The bounds do not increase strictly.
    #[error("bucket {0} is followed by {1}")]
    BucketOrder(f64, f64),
    /// A bound is NaN or infinite (a trailing `+Inf` is allowed).
    #[error("bucket {0} is not finite")]
    BucketValue(f64),
    /// A native histogram's buckets cannot be those.
    #[error(transparent)]
    Native(#[from] NativeError),
    /// The summary has no quantiles.
    #[error("no quantiles")]
    NoQuantiles,
    /// The quantiles do not increase strictly.
    #[error("quantile {0} is followed by {1}")]
    QuantileOrder(f64, f64),
    /// A quantile is not between 0 and 1.
    #[error("quantile {0} is not between 0 and 1")]
    QuantileValue(f64),
    /// The summary's window has no length.
    #[error("a window of 0 seconds")]
    MaxAge,
    /// There are more labels than a record can hold.
    #[error("more than {limit} labels")]
    TooManyLabels {
        /// The limit.
        limit: usize,
    },
    /// There are more quantiles than a record can hold.
    #[error("more than {limit} quantiles")]
    TooManyQuantiles {
        /// The limit.
        limit: usize,
    },
    /// The metric's name is longer than a record can hold.
    #[error("a metric's name of more than {limit} bytes")]
    LongName {
        /// The limit in bytes.
        limit: usize,
    },
    /// A label's name is longer than a record can hold.
    #[error("a label's name of more than {limit} bytes")]
    LongLabelName {
        /// The limit in bytes.
        limit: usize,
    },
    /// The help text is longer than a record can hold.
    #[error("a help text of more than {limit} bytes")]
    LongHelp {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Longest metric or label name, in bytes.
pub const MAX_NAME: usize = 1024;
/// Longest help text, in bytes.
pub const MAX_HELP: usize = 16 * 1024;
/// Maximum number of labels of one metric.
pub const MAX_LABELS: usize = 64;
/// Maximum number of quantiles of a summary.
pub const MAX_QUANTILES: usize = 100;

impl Definition {
    /// Checks a definition against Prometheus's rules
    /// (<https://prometheus.io/docs/concepts/data_model/>) and removes a trailing `+Inf` bucket.
    ///
    /// # Errors
    /// The first rule that the definition breaks.
    pub fn new(
        name: &str,
        help: &str,
        kind: Kind,
        label_names: &[&str],
        bounds: &[f64],
    ) -> Result<Self, DefinitionError> {
        check_name(name)?;
        check_labels(kind, label_names)?;
        if help.len() > MAX_HELP {
            return Err(DefinitionError::LongHelp { limit: MAX_HELP });
        }
        let bounds = match kind {
            Kind::Histogram => check_bounds(bounds)?,
            Kind::Summary { max_age: 0 } => return Err(DefinitionError::MaxAge),
            Kind::Summary { .. } => check_quantiles(bounds)?,
            Kind::NativeHistogram(buckets) => buckets.check().map(|_| Vec::new())?,
            Kind::Counter | Kind::Gauge(_) => Vec::new(),
        };
        let label_names = label_names.iter().map(ToString::to_string).collect();
        Ok(Self { name: name.into(), help: help.into(), kind, label_names, bounds, native: None })
    }

    /// The same, recorded natively as well if it is a histogram whose cells fit then.
    #[must_use]
    pub fn with_native_form(mut self) -> Self {
        if self.kind == Kind::Histogram {
            self.native = NativeForm::around(&self.bounds);
        }
        self
    }

    /// The same with that native form, if it may have it.
    pub(crate) fn joined(mut self, buckets: NativeBuckets) -> Option<Self> {
        self.native = Some(NativeForm::new(&self.bounds, buckets).filter(|_| self.kind == Kind::Histogram)?);
        Some(self)
    }

    /// The cells of a histogram that is recorded in both forms.
    pub(crate) fn joint_cells(&self) -> Option<JointCells> {
        self.native.map(|native| JointCells::new(&self.bounds, native.buckets))
    }

    /// The upper bounds of a histogram's cells, increasing, without `+Inf`.
    #[must_use]
    pub fn cell_bounds(&self) -> Cow<'_, [f64]> {
        self.joint_cells().map_or((&self.bounds).into(), |joint| joint.into_bounds().into())
    }

    /// Whether both describe the same family. The help text and the order of the label names do not count,
    /// because label names are a set to Prometheus.
    #[must_use]
    pub fn same_family(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.bounds == other.bounds
            && self.native == other.native
            && self.sorted_labels() == other.sorted_labels()
    }

    /// The label names in the order that all definitions of one family share.
    pub(crate) fn sorted_labels(&self) -> Vec<&str> {
        let names = &self.label_names;
        let order = order::sorted(names.len(), &|a, b| names[a].cmp(&names[b]));
        order.into_iter().map(|at| &*names[at]).collect()
    }

    /// For each label of `other`, a definition of the same family: the position of its value among the
    /// values in the order of this definition; `None` if the order is the same.
    pub(crate) fn order_for(&self, other: &Self) -> Option<Box<[u8]>> {
        let place = |name| self.label_names.iter().position(|own| own == name).map(|at| at as u8);
        if self.label_names == other.label_names {
            return None;
        }
        other.label_names.iter().map(place).collect()
    }

    /// A description that distinguishes this definition from others of the same name, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { kind, label_names, bounds, .. } = self;
        let mode = match kind {
            Kind::Gauge(mode) => format!(" and mode {mode:?}"),
            Kind::Summary { max_age } => format!(" and maxAgeSeconds {max_age}"),
            Kind::NativeHistogram(buckets) => {
                let (from, to) = buckets.exponents();
                format!(" and native buckets of schema {} from 2^{from} to 2^{to}", buckets.schema)
            }
            Kind::Histogram if self.native.is_some() => " and a native form".into(),
            Kind::Counter | Kind::Histogram => String::new(),
        };
        let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
        let what = if *kind == Kind::Histogram { "buckets" } else { "quantiles" };
        let bounds =
            if bounds.is_empty() { String::new() } else { format!(" and {what} ({})", bounds.join(", ")) };
        format!("a {} with labels ({}){mode}{bounds}", kind.as_str(), label_names.join(", "))
    }

    /// Number of cells of one series: a histogram has one per bucket (`+Inf` included) and one for the sum, a native one
    /// those of its [`NativeBuckets`], a summary has [`SUMMARY_CELLS`], other kinds have one.
    #[must_use]
    pub fn cells(&self) -> usize {
        match self.kind {
            Kind::Counter | Kind::Gauge(_) => 1,
            Kind::Histogram => self.native.map_or(self.bounds.len() + 2, |native| native.cells),
            Kind::NativeHistogram(buckets) => buckets.cells_of_series(),
            Kind::Summary { .. } => SUMMARY_CELLS,
        }
    }

    /// Number of values of one series when it is read: one per cell, except for a summary, which has the
    /// value at each quantile, the sum and the count, a histogram of both forms, which has those of its classic form, and
    /// a native one, whose hint is no value.
    #[must_use]
    #[inline]
    pub fn numbers(&self) -> usize {
        match self.kind {
            Kind::Summary { .. } | Kind::Histogram => self.bounds.len() + 2,
            Kind::NativeHistogram(buckets) => buckets.numbers(),
            Kind::Counter | Kind::Gauge(_) => 1,
        }
    }

    /// Number of values of a row's native form; 0 if there is none besides [`Definition::numbers`].
    #[must_use]
    pub(crate) fn native_numbers(&self) -> usize {
        self.native.map_or(0, |native| native.buckets.numbers())
    }
}

fn check_name(name: &str) -> Result<(), DefinitionError> {
    let first = |c: u8| c.is_ascii_alphabetic() || c == b'_' || c == b':';
    let rest = |c: u8| first(c) || c.is_ascii_digit();
    if name.len() > MAX_NAME {
        return Err(DefinitionError::LongName { limit: MAX_NAME });
    }
    match name.as_bytes() {
        [head, tail @ ..] if first(*head) && tail.iter().all(|c| rest(*c)) => Ok(()),
        _ => Err(DefinitionError::Name(name.into())),
    }
}

fn check_labels(kind: Kind, names: &[&str]) -> Result<(), DefinitionError> {
    if names.len() > MAX_LABELS {
        return Err(DefinitionError::TooManyLabels { limit: MAX_LABELS });
    }
    for (index, name) in names.iter().enumerate() {
        check_label(kind, name)?;
        if names[..index].contains(name) {
            return Err(DefinitionError::DuplicateLabel((*name).into()));
        }
    }
    Ok(())
}

/// Whether Prometheus allows a label of this name.
#[inline] // into what checks an exemplar's, at each call
pub(crate) fn is_label_name(name: &[u8]) -> bool {
    let first = |c: u8| c.is_ascii_alphabetic() || c == b'_';
    let rest = |c: u8| first(c) || c.is_ascii_digit();
    matches!(name, [head, tail @ ..] if first(*head) && tail.iter().all(|c| rest(*c)))
}

fn check_label(kind: Kind, name: &str) -> Result<(), DefinitionError> {
    if !is_label_name(name.as_bytes()) {
        return Err(DefinitionError::LabelName(name.into()));
    }
    if name.len() > MAX_NAME {
        return Err(DefinitionError::LongLabelName { limit: MAX_NAME });
    }
    if name.starts_with("__") {
        return Err(DefinitionError::ReservedPrefix(name.into()));
    }
    let own = match kind {
        Kind::Histogram | Kind::NativeHistogram(_) => Some("le"),
        Kind::Summary { .. } => Some("quantile"),
        Kind::Gauge(GaugeMode::All) => Some("pid"),
        Kind::Counter | Kind::Gauge(_) => None,
    };
    if own == Some(name) {
        return Err(DefinitionError::Reserved { name: name.into(), kind: kind.as_str() });
    }
    Ok(())
}

fn check_bounds(bounds: &[f64]) -> Result<Vec<f64>, DefinitionError> {
    let bounds = match bounds {
        [rest @ .., last] if *last == f64::INFINITY => rest,
        all => all,
    };
    if bounds.is_empty() {
        return Err(DefinitionError::NoBuckets);
    }
    if let Some(bad) = bounds.iter().find(|bound| !bound.is_finite()) {
        return Err(DefinitionError::BucketValue(*bad));
    }
    match bounds.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(DefinitionError::BucketOrder(pair[0], pair[1])),
        None => Ok(bounds.to_vec()),
    }
}

fn check_quantiles(quantiles: &[f64]) -> Result<Vec<f64>, DefinitionError> {
    if quantiles.is_empty() {
        return Err(DefinitionError::NoQuantiles);
    }
    if quantiles.len() > MAX_QUANTILES {
        return Err(DefinitionError::TooManyQuantiles { limit: MAX_QUANTILES });
    }
    if let Some(bad) = quantiles.iter().find(|quantile| !(**quantile > 0.0 && **quantile < 1.0)) {
        return Err(DefinitionError::QuantileValue(*bad));
    }
    match quantiles.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(DefinitionError::QuantileOrder(pair[0], pair[1])),
        None => Ok(quantiles.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(name: &str, labels: &[&str]) -> Result<Definition, DefinitionError> {
        Definition::new(name, "", Kind::Counter, labels, &[])
    }

    #[test]
    fn names_follow_prometheus() {
        for good in ["a", "_a", ":a", "a1:b_2"] {
            assert!(counter(good, &[]).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", "a b", "é", "a\n"] {
            assert_eq!(counter(bad, &[]), Err(DefinitionError::Name(bad.into())));
        }
    }

    #[test]
    fn label_names_follow_prometheus() {
        assert!(counter("a", &["x", "_y", "z9", "pid"]).is_ok());
        for bad in ["", "9", "a:b", "ü"] {
            assert_eq!(counter("a", &[bad]), Err(DefinitionError::LabelName(bad.into())));
        }
        assert_eq!(counter("a", &["__x"]), Err(DefinitionError::ReservedPrefix("__x".into())));
        let many: Vec<String> = (0..=MAX_LABELS).map(|number| format!("l{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(counter("a", &many), Err(DefinitionError::TooManyLabels { limit: 64 }));
        assert!(counter("a", &many[1..]).is_ok());
        assert_eq!(counter("a", &["x", "x"]), Err(DefinitionError::DuplicateLabel("x".into())));
        assert!(counter("a", &["le", "quantile"]).is_ok());
        let histogram = |label| Definition::new("a", "", Kind::Histogram, &[label], &[1.0]);
        assert!(matches!(histogram("le"), Err(DefinitionError::Reserved { .. })));
        assert!(histogram("quantile").is_ok());
        let summary = |label| Definition::new("a", "", Kind::Summary { max_age: 1 }, &[label], &[0.5]);
        assert!(matches!(summary("quantile"), Err(DefinitionError::Reserved { .. })));
        assert!(summary("le").is_ok());
        let all = Definition::new("a", "", Kind::Gauge(GaugeMode::All), &["pid"], &[]);
        assert!(matches!(all, Err(DefinitionError::Reserved { .. })));
    }

    #[test]
    fn quantiles_increase_between_0_and_1() {
        let of = |quantiles: &[f64]| Definition::new("s", "", Kind::Summary { max_age: 600 }, &[], quantiles);
        let summary = of(&[0.5, 0.99]).unwrap();
        assert_eq!((summary.cells(), summary.numbers()), (3, 4));
        assert_eq!(of(&[]), Err(DefinitionError::NoQuantiles));
        assert_eq!(of(&[0.5, 0.5]), Err(DefinitionError::QuantileOrder(0.5, 0.5)));
        for bad in [0.0, 1.0, -0.5, 1.5, f64::INFINITY] {
            assert_eq!(of(&[bad]), Err(DefinitionError::QuantileValue(bad)));
        }
        assert!(matches!(of(&[f64::NAN]), Err(DefinitionError::QuantileValue(_))));
        let many: Vec<f64> = (1..=101).map(|number| f64::from(number) / 102.0).collect();
        assert_eq!(of(&many), Err(DefinitionError::TooManyQuantiles { limit: MAX_QUANTILES }));
        let no_window = Definition::new("s", "", Kind::Summary { max_age: 0 }, &[], &[0.5]);
        assert_eq!(no_window, Err(DefinitionError::MaxAge));
    }

    #[test]
    fn buckets_increase_and_inf_is_implied() {
        let of = |bounds: &[f64]| Definition::new("h", "", Kind::Histogram, &[], bounds);
        assert_eq!(of(&[1.0, 2.0, f64::INFINITY]).unwrap().bounds, [1.0, 2.0]);
        assert_eq!(of(&[]), Err(DefinitionError::NoBuckets));
        assert_eq!(of(&[f64::INFINITY]), Err(DefinitionError::NoBuckets));
        assert_eq!(of(&[1.0, 1.0]), Err(DefinitionError::BucketOrder(1.0, 1.0)));
        assert!(matches!(of(&[f64::NAN]), Err(DefinitionError::BucketValue(_))));
        assert_eq!(of(&[1.0, 2.0]).unwrap().cells(), 4);
    }
}
