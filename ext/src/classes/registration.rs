//! The arguments of a registration: the metric's type, and the arguments that this type adds.

use crate::{
    classes::{
        counter::{Counter, CounterInterface},
        gauge::{Gauge, GaugeInterface},
        histogram::{self, Histogram, HistogramInterface},
        native_histogram::{self, NativeHistogram, NativeHistogramInterface, Window},
        summary::{self, Summary, SummaryInterface},
    },
    engine::{
        call::Frame,
        class::PhpInterface,
        exceptions::Thrown,
        object::{PhpClass, new_object},
        zval::{Found, More, Parse, parse},
    },
    session::handle::Handle,
};
use ext_php_rs::types::{ZendHashTable, Zval};
use promshm_segment::{GaugeMode, Kind};
use std::{borrow::Cow, cell::Cell};

/// The classes that a registry hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricType {
    Counter,
    Gauge,
    Histogram,
    NativeHistogram,
    Summary,
}

impl MetricType {
    pub(crate) const ALL: [Self; 5] =
        [Self::Counter, Self::Gauge, Self::Histogram, Self::NativeHistogram, Self::Summary];

    pub(crate) fn class_name(self) -> &'static str {
        match self {
            Self::Counter => Counter::NAME,
            Self::Gauge => Gauge::NAME,
            Self::Histogram => Histogram::NAME,
            Self::NativeHistogram => NativeHistogram::NAME,
            Self::Summary => Summary::NAME,
        }
    }

    pub(crate) fn interface_name(self) -> &'static str {
        match self {
            Self::Counter => CounterInterface::NAME,
            Self::Gauge => GaugeInterface::NAME,
            Self::Histogram => HistogramInterface::NAME,
            Self::NativeHistogram => NativeHistogramInterface::NAME,
            Self::Summary => SummaryInterface::NAME,
        }
    }

    /// Puts a new object of the class into `ret`.
    pub(crate) fn new_object(self, ret: &mut Zval) -> Option<&Handle> {
        match self {
            Self::Counter => new_object::<Counter>(ret),
            Self::Gauge => new_object::<Gauge>(ret),
            Self::Histogram => new_object::<Histogram>(ret),
            Self::NativeHistogram => new_object::<NativeHistogram>(ret),
            Self::Summary => new_object::<Summary>(ret),
        }
    }

    pub(crate) fn short_name(self) -> &'static str {
        &self.class_name()["Promshm\\".len()..]
    }

    /// The argument of this type after the labels.
    fn more<'m>(self, max_age: &'m Cell<i64>, window: &'m Window) -> More<'m> {
        match self {
            Self::Counter | Self::Gauge => More::Nothing,
            Self::Histogram => More::Array,
            Self::NativeHistogram => More::Window(&window.0),
            Self::Summary => More::Summary(max_age),
        }
    }

    pub(crate) fn shape(self, registration: &Registration<'_>) -> Result<(Kind, Vec<f64>), Thrown> {
        let Registration { last, max_age, window, .. } = registration;
        match self {
            Self::Counter => Ok((Kind::Counter, Vec::new())),
            Self::Gauge => Ok((Kind::Gauge(GaugeMode::Last), Vec::new())),
            Self::Histogram => Ok((Kind::Histogram, histogram::bounds_of(*last)?)),
            Self::NativeHistogram => native_histogram::kind_of(window),
            Self::Summary => summary::shape_of(*max_age, *last),
        }
    }
}

/// The arguments of a registration.
pub(crate) struct Registration<'a> {
    pub(crate) name: String,
    pub(crate) help: Cow<'a, str>,
    pub(crate) labels: Option<&'a ZendHashTable>,
    pub(crate) last: Option<&'a Zval>,
    pub(crate) max_age: i64,
    pub(crate) window: Window,
}

impl<'a> Registration<'a> {
    pub(crate) fn read(frame: &'a Frame, metric: MetricType) -> Result<Self, Thrown> {
        let (namespace, name, help) = (Found::in_call(frame), Found::in_call(frame), Found::in_call(frame));
        let (labels, last) = (Found::in_call(frame), Found::in_call(frame));
        let (max_age, window) = (Cell::new(summary::DEFAULT_MAX_AGE), Window::default());
        let wanted = Parse::Registration {
            namespace: &namespace,
            name: &name,
            help: &help,
            labels: &labels,
            more: (metric.more(&max_age, &window), &last),
        };
        if !parse(frame, wanted) {
            return Err(Thrown);
        }
        let name = full_name(&namespace.text(), &name.text());
        Ok(Self {
            name,
            help: help.text(),
            labels: labels.table(),
            last: last.value(),
            max_age: max_age.get(),
            window,
        })
    }
}

pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.into() } else { format!("{namespace}_{name}") }
}
