//! Metrics of the HTTP server.

use super::Registered;
use prometheus::{IntCounterVec, IntGauge, Opts, proto::MetricFamily};

/// Written by the server, read by scrapes; clones share their values.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    connections: IntGauge,
    refused: IntCounterVec,
}

impl HttpMetrics {
    /// All values of the label `reason`; a test compares them with what the server rejects.
    pub(crate) const REASONS: [&'static str; 13] = [
        "malformed",
        "head_too_large",
        "body",
        "slow_head",
        "slow_reader",
        "evicted",
        "too_many_requests",
        "rate_limit",
        "no_answer",
        "no_descriptors",
        "unauthorized",
        "tls",
        "config",
    ];

    /// Metrics that are on no page.
    pub(crate) fn new() -> Self {
        Self::registered(&mut Registered::default())
    }

    pub(super) fn registered(all: &mut Registered) -> Self {
        let refused = Opts::new(
            "promshm_http_refused_total",
            "Requests that were refused and connections that were cut off, by reason.",
        );
        let metrics = Self {
            connections: all.gauge("promshm_http_connections", "Open connections to the exporter."),
            refused: all.add(IntCounterVec::new(refused, &["reason"])),
        };
        for reason in Self::REASONS {
            metrics.refused.with_label_values(&[reason]);
        }
        metrics
    }

    pub(crate) fn set_connections(&self, number: usize) {
        self.connections.set(number as i64);
    }

    /// Counts one rejection under its label value.
    pub(crate) fn count_rejection(&self, reason: &str) {
        self.refused.with_label_values(&[reason]).inc();
    }
}

/// The metrics with their registry; a single page has none.
pub(super) struct HttpFamilies {
    registered: Registered,
    pub(super) metrics: HttpMetrics,
}

impl HttpFamilies {
    pub(super) fn new() -> Self {
        let mut registered = Registered::default();
        let metrics = HttpMetrics::registered(&mut registered);
        Self { registered, metrics }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.registered.names.clone()
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.registered.registry.gather()
    }
}
