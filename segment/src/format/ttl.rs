//! How long a series without updates is exported: `promshm.series_ttl`.
//!
//! The record of a series holds the time at which the series was last *touched*, and looking the series up
//! touches it. An update of a series that the process has already resolved looks nothing up, so it costs
//! nothing extra. Instead, each process periodically ([`renew_after`]) expires the series that it has
//! resolved, and looks up those that it still uses.
//!
//! The word is a time of [`clock::now`](crate::clock::now), written by every process that touches the series.
//! All of them write a value that is right to within a moment, so it does not matter which write is last.
//! Nothing is handed over with it.

use crate::{
    config::Config,
    layout::header,
    memory::{atomic::Word, mapping::Mapping},
};
use std::time::Duration;

/// How much later than its TTL says a series may be hidden, because processes touch it only periodically: an
/// eighth of the TTL, at least one second.
fn slack(ttl: u32) -> Duration {
    (Duration::from_secs(ttl.into()) / 8).max(Duration::from_secs(1))
}

/// Period after which a process expires the series that it has resolved, so that all that it uses are touched
/// within the slack; `None` if no series is ever hidden.
#[must_use]
pub fn renew_after(ttl: u32) -> Option<Duration> {
    (ttl > 0).then(|| slack(ttl) / 2)
}

/// The segment's TTL in seconds; 0 means never, and stands for an invalid stored value too.
pub(crate) fn of(mapping: &Mapping) -> u32 {
    let settled = mapping.head(header!(series_ttl)).load_relaxed().checked_sub(1);
    let ttl = settled.and_then(|ttl| u32::try_from(ttl).ok());
    ttl.filter(|ttl| *ttl <= Config::MAX_SERIES_TTL).unwrap_or(0)
}

/// Records that a series is in use.
pub(crate) fn touch(touched: &Word, now: u64) {
    touched.store_relaxed(now);
}

/// Whether a series that was last used `idle` nanoseconds ago is hidden.
pub(crate) fn hides(ttl: u32, idle: u64) -> bool {
    let limit = Duration::from_secs(ttl.into()) + slack(ttl);
    ttl > 0 && u128::from(idle) > limit.as_nanos()
}

/// What a reader knows of the use of one series.
///
/// The time of the last touch shows only what processes noticed. A process that was busy and then calls
/// rarely notices the time only after up to 16 further updates, so a number that has changed since the last
/// scrape counts as a touch too.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Activity {
    /// Time of the last touch and fingerprint of the numbers at the last scrape.
    seen: Option<(u64, u64)>,
    /// When the series was last used, as far as is known.
    used: u64,
}

impl Activity {
    /// Called at each scrape, with the time of the last touch and a fingerprint of the numbers, which changes
    /// if they do. Returns for how long the series has been idle.
    ///
    /// A time in the future is corrupt, or from before a restart of the clock: it counts as now, once.
    pub(crate) fn look(&mut self, touched: u64, print: u64, now: u64) -> u64 {
        match self.seen.replace((touched, print)) {
            Some((_, before)) if before != print => self.used = now,
            Some((before, _)) if before == touched => {}
            _ => self.used = self.used.max(touched.min(now)),
        }
        now.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn processes_renew_known_series_within_the_slack() {
        assert_eq!(renew_after(0), None);
        for ttl in [1, 8, 9, 60, 3600, Config::MAX_SERIES_TTL] {
            let renewed = renew_after(ttl).unwrap();
            // A busy process reads the clock four times a second.
            assert!(renewed + Duration::from_millis(250) < slack(ttl), "{ttl}");
        }
    }

    #[test]
    fn limit_is_never_below_the_ttl() {
        assert!(!hides(0, u64::MAX));
        for (ttl, limit) in [(1, 2), (8, 9), (80, 90), (3600, 4050)] {
            assert!(!hides(ttl, limit * SECOND) && hides(ttl, limit * SECOND + 1), "{ttl}");
        }
        assert!(hides(Config::MAX_SERIES_TTL, u64::MAX));
    }

    #[test]
    fn unchanged_series_ages() {
        let mut activity = Activity::default();
        assert_eq!(activity.look(10, 1, 15), 5);
        assert_eq!(activity.look(10, 1, 30), 20);
        assert_eq!(activity.look(28, 1, 30), 2, "touched");
        assert_eq!(activity.look(28, 2, 40), 0, "counted, but not touched");
        assert_eq!(activity.look(28, 2, 50), 10);
        assert_eq!(activity.look(35, 2, 50), 10, "touched before it was seen to count");
    }

    #[test]
    fn future_stamp_counts_as_now_and_ages() {
        let mut activity = Activity::default();
        assert_eq!(activity.look(u64::MAX, 1, 100), 0);
        assert_eq!(activity.look(u64::MAX, 1, 130), 30);
        assert_eq!(activity.look(120, 1, 140), 20);
        assert_eq!(activity.look(150, 1, 150), 0);
    }
}
