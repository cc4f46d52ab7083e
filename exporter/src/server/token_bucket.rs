//! A token bucket for all clients together: `rate_limit` of the web configuration.

use crate::web_config::RateLimit;
use std::time::Instant;

#[derive(Default)]
pub(super) struct TokenBucket {
    /// The level, when it was computed, and the generation of its configuration. Absent: the bucket is full.
    level: Option<(f64, Instant, u64)>,
}

impl TokenBucket {
    /// Takes a token for a request; returns whether there was one. A new `generation` of the configuration starts
    /// with a full bucket.
    pub(super) fn try_take(&mut self, limit: &RateLimit, generation: u64, now: Instant) -> bool {
        let full = f64::from(limit.burst);
        let (level, since) = match self.level {
            Some((level, since, of)) if of == generation => (level, since),
            _ => (full, now),
        };
        let refilled = now.saturating_duration_since(since).as_secs_f64() / limit.interval.as_secs_f64();
        let level = (level + refilled).min(full);
        let is_allowed = level >= 1.0;
        self.level = Some((level - if is_allowed { 1.0 } else { 0.0 }, now, generation));
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_and_then_one_for_each_interval() {
        let (mut bucket, start) = (TokenBucket::default(), Instant::now());
        let limit = RateLimit { interval: Duration::from_secs(10), burst: 3 };
        let mut after =
            |seconds, generation| bucket.try_take(&limit, generation, start + Duration::from_secs(seconds));
        assert_eq!([after(0, 0), after(0, 0), after(0, 0), after(0, 0)], [true, true, true, false]);
        assert_eq!([after(9, 0), after(11, 0), after(11, 0)], [false, true, false]);
        assert_eq!(
            [after(1000, 0), after(1000, 0), after(1000, 0), after(1000, 0)],
            [true, true, true, false]
        );
        assert!(after(1000, 1), "another configuration");
    }
}
