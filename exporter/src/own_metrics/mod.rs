//! The exporter's own metrics: of itself, of its process and of the segment.
//! `METRICS.md` lists them; a test holds it against what is exposed.

mod families;
mod http;
mod process;
mod segment;

pub(crate) use http::HttpMetrics;

use crate::collect::Attachment;
use http::HttpFamilies;
use process::ProcessMetrics;
use prometheus::{
    Gauge, IntGauge, IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
};
use promshm_segment::{Family, Vitals};
use segment::SegmentMetrics;
use std::{collections::HashSet, time::Duration};

/// All metrics of the exporter's own, ready to be written on each page.
pub(crate) struct OwnMetrics {
    always: Registry,
    up: IntGauge,
    scrape_duration: Gauge,
    process: Option<ProcessMetrics>,
    http: Option<HttpFamilies>,
    /// On the page only while the segment can be read.
    segment: SegmentMetrics,
    names: HashSet<String>,
}

impl OwnMetrics {
    /// For the server: with the metrics of its process and its port.
    pub(crate) fn of_server() -> Self {
        Self::new(true)
    }

    /// For a single page, whose process is of no interest.
    pub(crate) fn of_segment() -> Self {
        Self::new(false)
    }

    fn new(is_server: bool) -> Self {
        let mut always = Registered::default();
        let up = always.gauge("promshm_up", "Whether the segment could be read: 1 or 0.");
        let scrape_duration = always.add(Gauge::new(
            "promshm_scrape_duration_seconds",
            "How long reading the segment and writing its metrics took in this scrape.",
        ));
        let build = always.gauges("promshm_build_info", "Always 1; the exporter's version.", "version");
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        // Registered without the server too: the names are taken in either case.
        let (process, http) = (ProcessMetrics::new(), HttpFamilies::new());
        let segment = SegmentMetrics::new();
        let names = [always.names, process.names(), http.names(), segment.names()];
        let names = names.concat().into_iter().collect();
        let (process, http) = (is_server.then_some(process), is_server.then_some(http));
        Self { always: always.registry, up, scrape_duration, process, http, segment, names }
    }

    /// Those of the open port, for whoever guards it; a single page has none.
    pub(crate) fn http(&self) -> Option<HttpMetrics> {
        self.http.as_ref().map(|http| http.metrics.clone())
    }

    /// Whether one of the own metrics has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Takes the numbers of a segment that was read.
    pub(crate) fn observe(&mut self, vitals: &Vitals, attachment: Attachment) {
        self.segment.observe(vitals, attachment);
    }

    /// Takes a scrape's outcome.
    pub(crate) fn note_scrape(&mut self, is_up: bool, took: Duration) {
        self.up.set(is_up.into());
        self.scrape_duration.set(took.as_secs_f64());
    }

    /// All that is to be told now, the segment's only if it is up. Each one is there to be written:
    /// the tests compare them with the names.
    pub(crate) fn families(&mut self) -> Vec<Family> {
        let mut families = self.always.gather();
        if self.up.get() == 1 {
            families.extend(self.segment.gather());
        }
        if let Some(process) = &mut self.process {
            families.extend(process.gather());
        }
        if let Some(http) = &self.http {
            families.extend(http.gather());
        }
        families.iter().filter_map(families::family).collect()
    }

    /// All names that ours take in `OpenMetrics`, those of a counter without and with its ending.
    pub(crate) fn openmetrics_names(&self) -> HashSet<String> {
        let mut taken = self.names.clone();
        let counters = self.names.iter().filter_map(|name| name.strip_suffix("_total"));
        taken.extend(counters.flat_map(|name| [name.to_string(), format!("{name}_created")]));
        taken
    }
}

/// A registry that remembers the names it was given: a registry itself tells only
/// those that have values.
#[derive(Default)]
struct Registered {
    registry: Registry,
    names: Vec<String>,
}

impl Registered {
    /// Registers a metric; what can go wrong is fixed in the source and seen by every test.
    fn add<M: Collector + Clone + 'static>(&mut self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect("a metric's definition is valid");
        self.names.extend(metric.desc().into_iter().map(|Desc { fq_name, .. }| fq_name.clone()));
        self.registry.register(Box::new(metric.clone())).expect("a metric is registered once");
        metric
    }

    fn gauge(&mut self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }

    fn gauges(&mut self, name: &str, help: &str, label: &str) -> IntGaugeVec {
        self.add(IntGaugeVec::new(Opts::new(name, help), &[label]))
    }
}

#[cfg(test)]
mod tests;
