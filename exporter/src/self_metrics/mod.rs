//! The exporter's own metrics: of the exporter, its process, its HTTP server and the segments. `docs/metrics.md`
//! lists them; a test compares the list with what is exposed.

mod families;
mod http;
mod left_out;
#[cfg(feature = "node")]
mod node;
mod process;
mod segment;

pub(crate) use http::HttpMetrics;
pub(crate) use left_out::{LeftOut, LeftOutReason};
#[cfg(feature = "node")]
pub(crate) use node::{LetGo, NodeMetrics, NodePage, Refusal};
pub(crate) use segment::{Attachment, SegmentMetrics};

use http::HttpFamilies;
use process::ProcessMetrics;
use prometheus::{
    Gauge, GaugeVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
};
use promshm_exposition::worker_family_names;
use promshm_segment::Family;
use std::{collections::HashSet, time::Duration};

/// The label that distinguishes several segments.
pub(crate) const SEGMENT_LABEL: &str = "segment";

/// The metrics of the exporter itself, and the names of all own metrics.
pub(crate) struct SelfMetrics {
    always: Registry,
    scrape_duration: Gauge,
    process: Option<ProcessMetrics>,
    http: Option<HttpFamilies>,
    names: HashSet<String>,
    sections: Sections,
}

/// Which own metrics a page contains.
#[derive(Debug, Clone, Copy)]
struct Sections {
    exporter: bool,
    /// Those of the exporter's process and its HTTP server.
    process: bool,
    /// Those of the segments and their workers.
    segments: bool,
}

impl SelfMetrics {
    /// For the server: includes the metrics of its process and its port. `is_labelled`: whether segments have names.
    pub(crate) fn of_server(is_labelled: bool) -> Self {
        Self::new(is_labelled, Sections { exporter: true, process: true, segments: true })
    }

    /// For a single page, without metrics of this process. If segments have names, the page contains only series with
    /// a name, because pages of several segments may lie in one folder.
    pub(crate) fn of_page(is_labelled: bool) -> Self {
        Self::new(is_labelled, Sections { exporter: !is_labelled, process: false, segments: true })
    }

    /// For a single page with the applications' metrics only.
    pub(crate) fn of_bare_page(is_labelled: bool) -> Self {
        Self::new(is_labelled, Sections { exporter: false, process: false, segments: false })
    }

    /// For the page of one pod of a node, whose process and port are the node's.
    #[cfg(feature = "node")]
    pub(crate) fn of_pod() -> Self {
        Self::new(true, Sections { exporter: true, process: false, segments: true })
    }

    fn new(is_labelled: bool, sections: Sections) -> Self {
        let mut always = Registered::default();
        let scrape_duration = always.add(Gauge::new(
            "promshm_scrape_duration_seconds",
            "How long reading the segment and writing its metrics took in this scrape.",
        ));
        let build = always.gauges("promshm_build_info", "Always 1; the exporter's version.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        // Made without a server or a segment too, because their names are reserved in either case.
        let (process, http) = (ProcessMetrics::new(), HttpFamilies::new());
        let segment = SegmentMetrics::new(is_labelled.then_some("")).names();
        let workers = worker_family_names().map(String::from).collect();
        let names = [always.names, process.names(), http.names(), segment, workers].concat();
        let names = names.into_iter().collect();
        let (process, http) = (sections.process.then_some(process), sections.process.then_some(http));
        Self { always: always.registry, scrape_duration, process, http, names, sections }
    }

    /// The metrics of the HTTP server; a single page has none.
    pub(crate) fn http(&self) -> Option<HttpMetrics> {
        self.http.as_ref().map(|http| http.metrics.clone())
    }

    /// Whether an own metric has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Records the duration of a scrape.
    pub(crate) fn note_scrape(&mut self, took: Duration) {
        self.scrape_duration.set(took.as_secs_f64());
    }

    /// The current families, including those of `segments`. The tests compare them with the names.
    pub(crate) fn families<'s>(
        &mut self,
        segments: impl Iterator<Item = &'s SegmentMetrics> + Clone,
    ) -> Vec<Family> {
        let mut theirs = if self.sections.exporter { self.always.gather() } else { Vec::new() };
        let segments = segments.take(if self.sections.segments { usize::MAX } else { 0 });
        theirs.extend(segments.clone().flat_map(SegmentMetrics::gather_up));
        theirs.extend(segments.clone().flat_map(SegmentMetrics::gather));
        if let Some(process) = &mut self.process {
            theirs.extend(process.gather());
        }
        if let Some(http) = &self.http {
            theirs.extend(http.gather());
        }
        let mut ours = families::families(&theirs);
        segments.for_each(|segment| segment.push_workers(&mut ours));
        ours
    }

    /// All names that own metrics take in `OpenMetrics`: those of counters with and without suffix.
    pub(crate) fn openmetrics_names(&self) -> HashSet<String> {
        let mut taken = self.names.clone();
        let counters = self.names.iter().filter_map(|name| name.strip_suffix("_total"));
        taken.extend(counters.flat_map(|name| [name.to_string(), format!("{name}_created")]));
        taken
    }
}

/// A registry that remembers the names of its metrics: the registry itself returns only those that have values.
#[derive(Default)]
struct Registered {
    registry: Registry,
    names: Vec<String>,
    /// The value of [`SEGMENT_LABEL`] for all of its metrics.
    label: Option<String>,
}

impl Registered {
    fn labelled(label: Option<&str>) -> Self {
        Self { label: label.map(Into::into), ..Self::default() }
    }

    /// Registers a metric. Errors can only come from the definitions in the source, which every test checks.
    fn add<M: Collector + Clone + 'static>(&mut self, metric: prometheus::Result<M>) -> M {
        let metric = metric.expect("a metric's definition is valid");
        self.names.extend(metric.desc().into_iter().map(|Desc { fq_name, .. }| fq_name.clone()));
        self.registry.register(Box::new(metric.clone())).expect("a metric is registered once");
        metric
    }

    fn gauge(&mut self, name: &str, help: &str) -> IntGauge {
        self.add(IntGauge::with_opts(self.opts(name, help)))
    }

    fn gauges(&mut self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.add(IntGaugeVec::new(self.opts(name, help), labels))
    }

    fn ratios(&mut self, name: &str, help: &str, label: &str) -> GaugeVec {
        self.add(GaugeVec::new(self.opts(name, help), &[label]))
    }

    fn opts(&self, name: &str, help: &str) -> Opts {
        let opts = Opts::new(name, help);
        match &self.label {
            Some(value) => opts.const_label(SEGMENT_LABEL, value),
            None => opts,
        }
    }
}

#[cfg(test)]
mod tests;
