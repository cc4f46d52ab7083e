//! The metrics of one segment.

use super::{LeftOut, LeftOutReason, Registered, families};
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, proto::MetricFamily};
use promshm_exposition::worker_families;
use promshm_segment::{
    Family, Snapshot, Stats,
    os::Refused,
    snapshot::{Blocker, Reason, Resource, SlotState},
};
use std::collections::HashMap;

/// The states of a slot, with their values of the label `state`.
const STATES: [(SlotState, &str); 3] =
    [(SlotState::Live, "live"), (SlotState::Free, "free"), (SlotState::Inherited, "inherited")];

/// Most metrics that are listed as overflowing: only a corrupt segment has more.
const MOST_OVERFLOWS: usize = 1000;

/// Whether a scrape used the segment of the scrape before or attached one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// The segment of the scrape before.
    Known,
    /// Attached in this scrape.
    Fresh,
}

/// The metrics of one segment. Where segments have names, all carry the label [`super::SEGMENT_LABEL`].
pub(crate) struct SegmentMetrics {
    /// On each page.
    presence: Registered,
    up: IntGauge,
    /// On the page only while the segment is readable.
    registered: Registered,
    left_out: IntGaugeVec,
    too_large: IntGauge,
    refused: IntGaugeVec,
    owner_expected: IntGauge,
    reserved: IntGauge,
    used: IntGauge,
    leaked: IntGauge,
    leaked_series: IntGauge,
    series: IntGauge,
    hidden_series: IntGauge,
    series_limit: IntGauge,
    index_entries: IntGauge,
    index_entries_limit: IntGauge,
    capacity: CapacityMetrics,
    slots: IntGaugeVec,
    overflow: IntGauge,
    liveness: IntGaugeVec,
    dropped: [Total; Reason::ALL.len()],
    truncated: Total,
    overflows: IntCounterVec,
    /// The total of each metric that has overflowed, by name.
    overflow_totals: HashMap<String, Total>,
    starts: Total,
    exits_clean: Total,
    exits_fatal: Total,
    exits_abrupt: Total,
    corrupt: Total,
    /// The families that the workers published, as of the last reading.
    workers: Vec<Family>,
    /// Number of attachments so far: the reader counts corrupt records from zero after each.
    attachments: u64,
}

impl SegmentMetrics {
    /// `label`: the segment's name, if segments have names.
    pub(crate) fn new(label: Option<&str>) -> Self {
        let mut presence = Registered::labelled(label);
        let up = presence.gauge("promshm_up", "Whether the segment could be read: 1 or 0.");
        let mut all = Registered::labelled(label);
        let dropped = all.counters(
            "promshm_dropped_total",
            "Updates that the workers could not store, by reason.",
            "reason",
        );
        let exits = all.counters(
            "promshm_worker_exits_total",
            "Worker processes that ended: clean, by a fatal error of PHP, or abrupt (killed, crashed, out of memory).",
            "kind",
        );
        let exits = |kind: &str| Total::new(exits.with_label_values(&[kind]));
        Self {
            reserved: all.gauge("promshm_segment_reserved_bytes", "Address space of the segment."),
            used: all.gauge("promshm_segment_used_bytes", "Bytes of the segment that are handed out."),
            leaked: all.gauge(
                "promshm_segment_leaked_bytes",
                "Bytes of the segment that lead nowhere: what died half-made, and removed series that came back.",
            ),
            leaked_series: all.gauge(
                "promshm_leaked_series",
                "Series that count against the limit although their process died before they were made.",
            ),
            series: all.gauge("promshm_series", "Series exported from the segment."),
            hidden_series: all.gauge(
                "promshm_hidden_series",
                "Series that are not exported because nobody has used them for promshm.series_ttl.",
            ),
            series_limit: all.gauge("promshm_series_limit", "The most series that the segment takes."),
            index_entries: all.gauge(
                "promshm_index_entries",
                "Entries of the segment's index: families, series, and removed series.",
            ),
            index_entries_limit: all.gauge(
                "promshm_index_entries_limit",
                "The most entries that the segment's index takes.",
            ),
            capacity: CapacityMetrics::new(&mut all),
            slots: all.gauges(
                "promshm_slots",
                "Slots for worker processes, by what they are doing.",
                &["state"],
            ),
            overflow: all.gauge(
                "promshm_overflow_processes",
                "Worker processes that found no free slot and share one.",
            ),
            liveness: all.gauges(
                "promshm_liveness_info",
                "Always 1; how the death of a worker process is noticed.",
                &["mode"],
            ),
            dropped: Reason::ALL.map(|reason| Total::new(dropped.with_label_values(&[reason.as_str()]))),
            truncated: all
                .total("promshm_truncated_labels_total", "Label values cut at promshm.max_label_length."),
            overflows: all.counters(
                "promshm_metric_overflows_total",
                "Lookups of label values beyond promshm.max_series_per_metric, which count together, by metric.",
                "metric",
            ),
            overflow_totals: HashMap::new(),
            starts: all.total("promshm_worker_starts_total", "Worker processes that attached the segment."),
            exits_clean: exits("clean"),
            exits_fatal: exits("fatal"),
            exits_abrupt: exits("abrupt"),
            corrupt: all.total(
                "promshm_corrupt_records_total",
                "Records of the segment that made no sense and were skipped.",
            ),
            left_out: all.gauges(
                "promshm_left_out_families",
                "Families of the workers that this page leaves out, by reason.",
                &["reason"],
            ),
            too_large: all.gauge(
                "promshm_left_out_series",
                "Series that this page leaves out because their lines would take too many bytes.",
            ),
            refused: all.gauges(
                "promshm_refused_processes",
                "Living worker processes that may not write the segment, by user: what they count is lost.",
                &["uid"],
            ),
            owner_expected: all.gauge(
                "promshm_segment_owner_expected",
                "Whether the segment's owner is root, the exporter's user, in --segment.trust, or shares it with a group of the exporter: 1 or 0.",
            ),
            presence,
            up,
            registered: all,
            workers: Vec::new(),
            attachments: 0,
        }
    }

    pub(super) fn names(&self) -> Vec<String> {
        [&self.presence.names[..], &self.registered.names].concat()
    }

    pub(super) fn gather_up(&self) -> Vec<MetricFamily> {
        self.presence.registry.gather()
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        if self.up.get() == 1 { self.registered.registry.gather() } else { Vec::new() }
    }

    /// Adds the families that the workers published, if the segment was readable.
    pub(super) fn push_workers(&self, families: &mut Vec<Family>) {
        let workers = self.workers.iter().filter(|_| self.up.get() == 1);
        workers.for_each(|family| families::push_workers(families, family, self.registered.label.as_deref()));
    }

    /// Records whether the segment was readable.
    pub(crate) fn note_reading(&self, is_up: bool) {
        self.up.set(is_up.into());
    }

    /// Records how many processes may not write the segment. Users who are gone from the list leave the page.
    pub(crate) fn note_refused(&self, refused: &[Refused]) {
        self.refused.reset();
        for Refused { uid, processes } in refused {
            self.refused.with_label_values(&[uid.to_string()]).set(*processes as i64);
        }
    }

    /// Records whether the owner is expected.
    pub(crate) fn note_owner(&self, is_trusted: bool) {
        self.owner_expected.set(is_trusted.into());
    }

    /// Records how many families the page lacks.
    pub(crate) fn note_left_out(&self, counts: LeftOut) {
        for (reason, count) in LeftOutReason::ALL.iter().zip(counts) {
            self.left_out.with_label_values(&[reason.as_str()]).set(count as i64);
        }
    }

    /// Records how many series the page lacks because their lines would take too many bytes.
    pub(crate) fn note_too_large(&self, series: u64) {
        self.too_large.set(series as i64);
    }

    /// Records the stats of a segment that was read.
    pub(crate) fn observe(&mut self, snapshot: &Snapshot, attachment: Attachment) {
        let stats = &snapshot.stats;
        self.reserved.set(stats.reserved_bytes as i64);
        self.used.set(stats.used_bytes as i64);
        self.leaked.set(stats.leaked_bytes as i64);
        self.leaked_series.set(stats.leaked_series as i64);
        self.series.set(stats.series as i64);
        self.hidden_series.set(stats.hidden_series as i64);
        self.series_limit.set(stats.max_series as i64);
        self.index_entries.set(stats.index_entries as i64);
        self.index_entries_limit.set(stats.max_index_entries as i64);
        self.overflow.set(stats.overflow_processes as i64);
        for (state, name) in STATES {
            self.slots.with_label_values(&[name]).set(stats.slots_in(state) as i64);
        }
        self.liveness.reset();
        self.liveness.with_label_values(&[stats.liveness.as_str()]).set(1);
        self.capacity.observe(stats);
        self.observe_totals(stats, attachment);
        self.observe_overflows(snapshot);
        self.workers = worker_families(stats);
    }

    fn observe_overflows(&mut self, snapshot: &Snapshot) {
        let segment = snapshot.stats.created.to_bits();
        for family in snapshot.families.iter().filter(|family| family.overflows() > 0) {
            let name = &family.definition.name;
            if !self.overflow_totals.contains_key(name) && self.overflow_totals.len() < MOST_OVERFLOWS {
                let total = Total::new(self.overflows.with_label_values(&[name]));
                self.overflow_totals.insert(name.clone(), total);
            }
            let total = self.overflow_totals.get_mut(name);
            total.into_iter().for_each(|total| total.observe(segment, family.overflows()));
        }
    }

    fn observe_totals(&mut self, stats: &Stats, attachment: Attachment) {
        let segment = stats.created.to_bits();
        for (total, seen) in self.dropped.iter_mut().zip(stats.dropped) {
            total.observe(segment, seen);
        }
        self.truncated.observe(segment, stats.truncated_labels);
        self.starts.observe(segment, stats.worker_starts);
        self.exits_clean.observe(segment, stats.exits_clean);
        self.exits_fatal.observe(segment, stats.exits_fatal);
        self.exits_abrupt.observe(segment, stats.exits_abrupt);
        self.attachments += u64::from(attachment == Attachment::Fresh);
        self.corrupt.observe(self.attachments, stats.corrupt_records);
    }
}

/// What is taken, and whether it is given back.
struct CapacityMetrics {
    taken: GaugeVec,
    removed_series: IntGauge,
    replaced_families: IntGauge,
    generation: IntGauge,
    former_bytes: IntGauge,
    blocked_by: IntGaugeVec,
}

impl CapacityMetrics {
    fn new(all: &mut Registered) -> Self {
        Self {
            removed_series: all.gauge(
                "promshm_removed_series",
                "Removed series that keep their entries of the index until the next generation.",
            ),
            replaced_families: all.gauge(
                "promshm_replaced_families",
                "Families that another definition of their name has replaced, and that take room until the next generation.",
            ),
            taken: all.ratios(
                "promshm_capacity_used_ratio",
                "How much of what limits the segment is taken, removed series included: from 0 to 1.",
                "resource",
            ),
            generation: all.gauge("promshm_generation", "How many generations of series have begun."),
            former_bytes: all.gauge(
                "promshm_former_generation_bytes",
                "Bytes of the former generation that are not given back yet.",
            ),
            blocked_by: all.gauges(
                "promshm_generation_blocked_by",
                "What keeps room from being given back, by reason: the number of living worker processes, one of which has this pid.",
                &["reason", "pid"],
            ),
        }
    }

    fn observe(&self, stats: &Stats) {
        self.removed_series.set(stats.removed_series as i64);
        self.replaced_families.set(stats.replaced_families as i64);
        for (resource, taken) in Resource::ALL.into_iter().zip(stats.taken) {
            self.taken.with_label_values(&[resource.as_str()]).set(taken.share());
        }
        self.generation.set(stats.generation as i64);
        self.former_bytes.set(stats.former_bytes as i64);
        self.blocked_by.reset();
        if let Some(blocker) = stats.blocked_by {
            let (pid, processes) = match blocker {
                Blocker::Worker { pid, processes, .. } => (pid.to_string(), processes),
                Blocker::NoSlot { processes } => (String::new(), processes),
                Blocker::Liveness => (String::new(), 1),
            };
            self.blocked_by.with_label_values(&[blocker.as_str(), pid.as_str()]).set(processes as i64);
        }
    }
}

/// A counter that never decreases while the exporter lives: within one origin the highest value seen counts, and the
/// values of the next origin are added.
#[derive(Debug)]
struct Total {
    counter: IntCounter,
    /// The segment or attachment that the value comes from; the next one starts from 0.
    origin: Option<u64>,
    highest: u64,
}

impl Total {
    fn new(counter: IntCounter) -> Self {
        Self { counter, origin: None, highest: 0 }
    }

    fn observe(&mut self, origin: u64, seen: u64) {
        if self.origin.replace(origin) != Some(origin) {
            self.highest = 0;
        }
        self.counter.inc_by(seen.saturating_sub(self.highest));
        self.highest = self.highest.max(seen);
    }
}

impl Registered {
    fn total(&mut self, name: &str, help: &str) -> Total {
        Total::new(self.add(IntCounter::with_opts(self.opts(name, help))))
    }

    fn counters(&mut self, name: &str, help: &str, label: &str) -> IntCounterVec {
        self.add(IntCounterVec::new(self.opts(name, help), &[label]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_never_decreases() {
        let mut total = Total::new(IntCounter::new("t", "T.").expect("valid"));
        let mut after = |origin, seen| {
            total.observe(origin, seen);
            total.counter.get()
        };
        assert_eq!(after(1, 5), 5, "what happened before the exporter came counts");
        assert_eq!(after(1, 7), 7);
        assert_eq!(after(1, 6), 7, "a lower number is not believed");
        assert_eq!(after(1, 8), 8);
        assert_eq!(after(2, 3), 11, "a successor is added");
        assert_eq!(after(2, 4), 12);
    }
}
