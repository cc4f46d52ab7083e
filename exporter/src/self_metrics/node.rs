//! Metrics of an exporter for all pods of a node. The pods' own metrics are on their pages.

use super::{HttpMetrics, Registered, families, http::HttpFamilies, process::ProcessMetrics};
use prometheus::{Counter, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use promshm_segment::Family;
use std::time::Duration;

/// Why something of a pod is left out, or a scrape of it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A process may not be looked at.
    Permission,
    /// There are too many IPC namespaces, or a pod has too many.
    Namespaces,
    /// There are too many pods.
    Pods,
    /// A pod has too many segments, or some of users who are not trusted.
    Segments,
    /// A pod has too many series.
    Series,
    /// A pod has too many families.
    Families,
    /// A pod's segments are too large.
    Bytes,
    /// A scrape took too long.
    Time,
    /// A pod was not scraped because its last scrape took too long.
    Rest,
    /// A pod's namespace cannot be entered.
    Enter,
    /// A scrape panicked.
    Panic,
    /// A pod's /dev/shm is not in memory, or did not answer.
    Folder,
}

impl Refusal {
    pub(crate) const ALL: [Self; 12] = [
        Self::Permission,
        Self::Namespaces,
        Self::Pods,
        Self::Segments,
        Self::Series,
        Self::Families,
        Self::Bytes,
        Self::Time,
        Self::Rest,
        Self::Enter,
        Self::Panic,
        Self::Folder,
    ];

    /// The value of the label `reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Permission => "permission",
            Self::Namespaces => "namespaces",
            Self::Pods => "pods",
            Self::Segments => "segments",
            Self::Series => "series",
            Self::Families => "families",
            Self::Bytes => "bytes",
            Self::Time => "time",
            Self::Rest => "rest",
            Self::Enter => "enter",
            Self::Panic => "panic",
            Self::Folder => "folder",
        }
    }
}

/// Why a pod is not served any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetGo {
    /// Its last numbers were scraped.
    Scraped,
    /// Nobody scraped its last numbers in time.
    Kept,
}

impl LetGo {
    pub(crate) const ALL: [Self; 2] = [Self::Scraped, Self::Kept];

    /// The value of the label `after`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Scraped => "scrape",
            Self::Kept => "keep",
        }
    }
}

/// The metrics of the page that is about the node; clones of the values are written elsewhere.
pub(crate) struct NodeMetrics {
    registered: Registered,
    pub(crate) namespaces: IntGauge,
    pods: IntGaugeVec,
    pub(crate) segments: IntGauge,
    pub(crate) processes: IntGauge,
    polls: IntCounter,
    lists: IntCounter,
    poll_seconds: Counter,
    pub(crate) scrapes: IntCounter,
    scrape_seconds: Counter,
    refused: IntCounterVec,
    let_go: IntCounterVec,
}

impl NodeMetrics {
    pub(crate) fn new() -> Self {
        let mut all = Registered::default();
        let build = all.gauges("promshm_build_info", "Always 1; the exporter's version.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Self {
            namespaces: all.gauge("promshm_node_namespaces", "IPC namespaces that are watched."),
            pods: all.gauges(
                "promshm_node_pods",
                "Pods with segments: live, or ended and kept until their last numbers are scraped.",
                &["state"],
            ),
            segments: all
                .gauge("promshm_node_segments", "Segments that the last scrapes of the pods have read."),
            processes: all.gauge("promshm_node_processes", "Processes in the last list of all."),
            polls: all.counter("promshm_node_polls_total", "Looks at /proc."),
            lists: all.counter(
                "promshm_node_lists_total",
                "Looks at /proc that listed all processes, because something had changed, or from time to time.",
            ),
            poll_seconds: all.seconds(
                "promshm_node_poll_seconds_total",
                "CPU time of the looks at /proc and at namespaces without a segment.",
            ),
            scrapes: all.counter("promshm_node_scrapes_total", "Scrapes of pods."),
            scrape_seconds: all
                .seconds("promshm_node_scrape_seconds_total", "CPU time of the scrapes of pods."),
            refused: all.counters_by(
                "promshm_node_refused_total",
                "What of the node's pods was left out, or not scraped, by reason.",
                "reason",
            ),
            let_go: all.counters_by(
                "promshm_node_let_go_total",
                "Pods that ended and are not served any more, by what came first: a scrape or --node.keep.",
                "after",
            ),
            registered: all,
        };
        for reason in Refusal::ALL {
            metrics.refused.with_label_values(&[reason.as_str()]);
        }
        for after in LetGo::ALL {
            metrics.let_go.with_label_values(&[after.as_str()]);
        }
        metrics.set_pods(0, 0);
        metrics
    }

    pub(crate) fn set_pods(&self, live: usize, ended: usize) {
        self.pods.with_label_values(&["live"]).set(live as i64);
        self.pods.with_label_values(&["ended"]).set(ended as i64);
    }

    pub(crate) fn count_poll(&self, took: Duration) {
        self.polls.inc();
        self.poll_seconds.inc_by(took.as_secs_f64());
    }

    pub(crate) fn count_list(&self) {
        self.lists.inc();
    }

    pub(crate) fn count_scrape(&self, took: Duration) {
        self.scrapes.inc();
        self.scrape_seconds.inc_by(took.as_secs_f64());
    }

    pub(crate) fn count_refusal(&self, reason: Refusal) {
        self.refused.with_label_values(&[reason.as_str()]).inc();
    }

    #[cfg(test)]
    pub(crate) fn refused(&self, reason: Refusal) -> u64 {
        self.refused.with_label_values(&[reason.as_str()]).get()
    }

    pub(crate) fn count_let_go(&self, after: LetGo) {
        self.let_go.with_label_values(&[after.as_str()]).inc();
    }
}

/// All that the node's own page has: the node's metrics, those of the process, and those of the port.
pub(crate) struct NodePage {
    process: ProcessMetrics,
    http: HttpFamilies,
}

impl NodePage {
    pub(crate) fn new() -> Self {
        Self { process: ProcessMetrics::new(), http: HttpFamilies::new() }
    }

    pub(crate) fn http_metrics(&self) -> HttpMetrics {
        self.http.metrics.clone()
    }

    pub(crate) fn families(&mut self, node: &NodeMetrics) -> Vec<Family> {
        let mut theirs = node.registered.registry.gather();
        theirs.extend(self.process.gather());
        theirs.extend(self.http.gather());
        families::families(&theirs)
    }
}

impl Registered {
    fn counter(&mut self, name: &str, help: &str) -> IntCounter {
        self.add(IntCounter::new(name, help))
    }

    fn seconds(&mut self, name: &str, help: &str) -> Counter {
        self.add(Counter::new(name, help))
    }

    fn counters_by(&mut self, name: &str, help: &str, label: &str) -> IntCounterVec {
        self.add(IntCounterVec::new(Opts::new(name, help), &[label]))
    }
}
