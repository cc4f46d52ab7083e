//! Counts rejections, and logs them together at an interval, so that no attacker fills the log.

use super::{limits::LOG_INTERVAL, rejection::Rejection};
use crate::self_metrics::HttpMetrics;
use log::{debug, warn};
use std::{collections::BTreeMap, time::Instant};

/// Counts rejections for the metrics, and for the next log line.
pub(super) struct RejectionLog {
    metrics: HttpMetrics,
    pending: BTreeMap<&'static str, u64>,
    last_logged: Option<Instant>,
}

impl RejectionLog {
    pub(super) fn new(metrics: HttpMetrics) -> Self {
        Self { metrics, pending: BTreeMap::new(), last_logged: None }
    }

    pub(super) fn note(&mut self, rejection: Rejection) {
        debug!(reason = rejection.reason(); "refused");
        self.metrics.count_rejection(rejection.reason());
        *self.pending.entry(rejection.reason()).or_default() += 1;
    }

    pub(super) fn note_connections(&self, number: usize) {
        self.metrics.set_connections(number);
    }

    /// When the next log line is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.pending.is_empty() {
            None
        } else {
            self.last_logged.map(|last_logged| last_logged + LOG_INTERVAL)
        }
    }

    /// Logs what was counted since the last line, if the interval has passed.
    pub(super) fn flush(&mut self, now: Instant) {
        let is_time = self.last_logged.is_none_or(|last_logged| last_logged + LOG_INTERVAL <= now);
        if is_time && !self.pending.is_empty() {
            warn!(reasons = self.reasons().as_str(); "requests or connections were refused");
            self.pending.clear();
            self.last_logged = Some(now);
        }
    }

    /// `body 3, tls 1`.
    fn reasons(&self) -> String {
        let each: Vec<_> = self.pending.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        each.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_are_logged_together() {
        let start = Instant::now();
        let mut rejections = RejectionLog::new(HttpMetrics::new());
        assert_eq!(rejections.deadline(), None);
        rejections.note(Rejection::Body);
        rejections.flush(start);
        assert!(rejections.pending.is_empty(), "the first is told at once");
        for rejection in [Rejection::Tls, Rejection::NotTls, Rejection::Body] {
            rejections.note(rejection);
        }
        rejections.flush(start + LOG_INTERVAL / 2);
        assert_eq!(rejections.reasons(), "body 1, tls 2");
        assert_eq!(rejections.deadline(), Some(start + LOG_INTERVAL));
        rejections.flush(start + LOG_INTERVAL);
        assert!(rejections.pending.is_empty());
    }
}
