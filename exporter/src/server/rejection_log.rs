//! Refusals in the log: together, once a while, so that no attacker fills it.

use super::{limits::LOG_INTERVAL, rejection::Rejection};
use crate::self_metrics::HttpMetrics;
use log::{debug, warn};
use std::{collections::BTreeMap, time::Instant};

/// Counts what was refused, and tells of it.
pub(super) struct RejectionLog {
    metrics: HttpMetrics,
    untold: BTreeMap<&'static str, u64>,
    told: Option<Instant>,
}

impl RejectionLog {
    pub(super) fn new(metrics: HttpMetrics) -> Self {
        Self { metrics, untold: BTreeMap::new(), told: None }
    }

    pub(super) fn note(&mut self, rejection: Rejection) {
        debug!(reason = rejection.reason(); "refused");
        self.metrics.count_rejection(rejection.reason());
        *self.untold.entry(rejection.reason()).or_default() += 1;
    }

    pub(super) fn note_connections(&self, number: usize) {
        self.metrics.set_connections(number);
    }

    /// When there is something to tell.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.untold.is_empty() { None } else { self.told.map(|told| told + LOG_INTERVAL) }
    }

    /// Logs what was not told yet, if the last time is long enough ago.
    pub(super) fn tell(&mut self, now: Instant) {
        let is_time = self.told.is_none_or(|told| told + LOG_INTERVAL <= now);
        if is_time && !self.untold.is_empty() {
            warn!(reasons = self.reasons().as_str(); "requests or connections were refused");
            self.untold.clear();
            self.told = Some(now);
        }
    }

    /// `body 3, tls 1`.
    fn reasons(&self) -> String {
        let each: Vec<_> = self.untold.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        each.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_together() {
        let start = Instant::now();
        let mut rejections = RejectionLog::new(HttpMetrics::new());
        assert_eq!(rejections.deadline(), None);
        rejections.note(Rejection::Body);
        rejections.tell(start);
        assert!(rejections.untold.is_empty(), "the first is told at once");
        for rejection in [Rejection::Tls, Rejection::NotTls, Rejection::Body] {
            rejections.note(rejection);
        }
        rejections.tell(start + LOG_INTERVAL / 2);
        assert_eq!(rejections.reasons(), "body 1, tls 2");
        assert_eq!(rejections.deadline(), Some(start + LOG_INTERVAL));
        rejections.tell(start + LOG_INTERVAL);
        assert!(rejections.untold.is_empty());
    }
}
