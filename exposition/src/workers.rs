//! The families of the stats that living workers publish: one series for each worker, which goes with it.

use promshm_segment::{
    Definition, Family, GaugeMode, Kind, Runtime, Stats,
    snapshot::{Process, SlotView},
};

const GAUGE: Kind = Kind::Gauge(GaugeMode::Last);

/// Both are left out for a worker that observes no functions and times nothing.
const BUSY: &str = "php_worker_busy_seconds_total";
const IDLE: &str = "php_worker_idle_seconds_total";

/// Name, type, help and value.
type WorkerFamily = (&'static str, Kind, &'static str, fn(&Runtime) -> f64);

const WORKER_FAMILIES: [WorkerFamily; 8] = [
    (
        "php_worker_memory_bytes",
        GAUGE,
        "Memory that a worker's PHP has taken, as memory_get_usage(true) tells it.",
        |stats| stats.memory,
    ),
    (
        "php_worker_memory_peak_bytes",
        GAUGE,
        "The most memory that a worker's PHP had taken in its request, as memory_get_peak_usage(true) tells it.",
        |stats| stats.memory_peak,
    ),
    (
        "php_worker_cpu_seconds_total",
        Kind::Counter,
        "User and system CPU time that a worker has spent.",
        |stats| stats.cpu,
    ),
    ("php_worker_gc_runs_total", Kind::Counter, "Runs of a worker's cycle collector.", |stats| stats.gc_runs),
    (
        "php_worker_requests_total",
        Kind::Counter,
        "Requests that a worker has begun; a script on the command line is one.",
        |stats| stats.requests,
    ),
    (
        "php_worker_start_time_seconds",
        GAUGE,
        "Start time of a worker since unix epoch in seconds.",
        |stats| stats.start,
    ),
    (BUSY, Kind::Counter, "Time that a worker spent in observed functions and timed work.", |stats| {
        stats.busy
    }),
    (IDLE, Kind::Counter, "Time that a worker spent outside of both.", |stats| stats.idle),
];

/// The slot of each worker, with the deaths in it.
const CRASHES: &str = "php_worker_slot_crashes_total";
const CRASHES_HELP: &str = "Workers that died abruptly in a worker's slot, those before it included.";

/// Their names, whether or not any worker publishes stats.
pub fn worker_family_names() -> impl Iterator<Item = &'static str> {
    WORKER_FAMILIES.iter().map(|(name, ..)| *name).chain([CRASHES])
}

/// The families, with a row for each worker that publishes stats; none without such a worker.
///
/// # Panics
/// Never: the definitions are fixed, and tests see them all.
#[must_use]
pub fn worker_families(stats: &Stats) -> Vec<Family> {
    let workers: Vec<_> =
        stats.slots.iter().filter_map(|slot| Some((slot, slot.process.as_ref()?))).collect();
    let family = |(name, kind, help, number): &WorkerFamily| {
        let mut family = empty(name, help, *kind, &["pid"]);
        let is_of_work = [BUSY, IDLE].contains(name);
        let shown = workers.iter().filter(|(_, process)| !is_of_work || has_work(&process.runtime));
        for (row, (_, process)) in shown.enumerate() {
            family.push([&*process.label], &[number(&process.runtime)]);
            family.set_created(row, process.runtime.start);
        }
        family
    };
    let families = WORKER_FAMILIES.iter().map(family).chain([crashes(&workers)]);
    families.filter(|family| family.row_count() > 0).collect()
}

fn empty(name: &str, help: &str, kind: Kind, labels: &[&str]) -> Family {
    let definition = Definition::new(name, help, kind, labels, &[]);
    Family::new(definition.expect("fixed in the source, and seen by every test"))
}

fn crashes(workers: &[(&SlotView, &Process)]) -> Family {
    let mut family = empty(CRASHES, CRASHES_HELP, Kind::Counter, &["pid", "slot"]);
    for (slot, process) in workers {
        family.push([&*process.label, &slot.index.to_string()], &[slot.crashes as f64]);
    }
    family
}

fn has_work(runtime: &Runtime) -> bool {
    runtime.busy > 0.0 || runtime.idle > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Format};
    use promshm_segment::snapshot::{Process, SlotState, SlotView};

    fn slot(label: &str) -> SlotView {
        let runtime = Runtime {
            start: 1_700_000_000.5,
            memory: 2_097_152.0,
            memory_peak: 4_194_304.0,
            cpu: 0.25,
            gc_runs: 3.0,
            requests: 7.0,
            busy: 1.5,
            idle: 2.5,
        };
        let process = Some(Process { label: label.into(), runtime });
        SlotView {
            index: 1,
            state: SlotState::Live,
            pid: 17,
            since: 0.0,
            starts: 3,
            crashes: 2,
            bytes: 0,
            process,
        }
    }

    #[test]
    fn each_worker_with_stats_has_a_series() {
        let silent = SlotView { process: None, ..slot("") };
        let stats = Stats { slots: vec![slot("17"), silent, slot("17-4")], ..Stats::default() };
        let families = worker_families(&stats);
        assert!(families.iter().map(|family| family.definition.name.as_str()).eq(worker_family_names()));
        let mut page = Vec::new();
        Encoder::new(Format::OpenMetrics).encode(&families, &mut page);
        let page = String::from_utf8(page).expect("UTF-8");
        let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with("# HELP")).collect();
        let expected = [
            "# TYPE php_worker_memory_bytes gauge",
            "# UNIT php_worker_memory_bytes bytes",
            "php_worker_memory_bytes{pid=\"17\"} 2097152",
            "php_worker_memory_bytes{pid=\"17-4\"} 2097152",
            "# TYPE php_worker_memory_peak_bytes gauge",
            "# UNIT php_worker_memory_peak_bytes bytes",
            "php_worker_memory_peak_bytes{pid=\"17\"} 4194304",
            "php_worker_memory_peak_bytes{pid=\"17-4\"} 4194304",
            "# TYPE php_worker_cpu_seconds counter",
            "# UNIT php_worker_cpu_seconds seconds",
            "php_worker_cpu_seconds_total{pid=\"17\"} 0.25",
            "php_worker_cpu_seconds_total{pid=\"17-4\"} 0.25",
            "# TYPE php_worker_gc_runs counter",
            "php_worker_gc_runs_total{pid=\"17\"} 3",
            "php_worker_gc_runs_total{pid=\"17-4\"} 3",
            "# TYPE php_worker_requests counter",
            "php_worker_requests_total{pid=\"17\"} 7",
            "php_worker_requests_total{pid=\"17-4\"} 7",
            "# TYPE php_worker_start_time_seconds gauge",
            "# UNIT php_worker_start_time_seconds seconds",
            "php_worker_start_time_seconds{pid=\"17\"} 1700000000.5",
            "php_worker_start_time_seconds{pid=\"17-4\"} 1700000000.5",
            "# TYPE php_worker_busy_seconds counter",
            "# UNIT php_worker_busy_seconds seconds",
            "php_worker_busy_seconds_total{pid=\"17\"} 1.5",
            "php_worker_busy_seconds_total{pid=\"17-4\"} 1.5",
            "# TYPE php_worker_idle_seconds counter",
            "# UNIT php_worker_idle_seconds seconds",
            "php_worker_idle_seconds_total{pid=\"17\"} 2.5",
            "php_worker_idle_seconds_total{pid=\"17-4\"} 2.5",
            "# TYPE php_worker_slot_crashes counter",
            "php_worker_slot_crashes_total{pid=\"17\",slot=\"1\"} 2",
            "php_worker_slot_crashes_total{pid=\"17-4\",slot=\"1\"} 2",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn worker_that_times_nothing_is_neither_busy_nor_idle() {
        let with = |busy, idle| {
            let mut slot = slot("17");
            let runtime = &mut slot.process.as_mut().expect("stats").runtime;
            (runtime.busy, runtime.idle) = (busy, idle);
            slot
        };
        let (without, waiting) = (with(0.0, 0.0), with(0.0, 2.5));
        let rows = |slots: Vec<SlotView>| {
            let families = worker_families(&Stats { slots, ..Stats::default() });
            let rows =
                |name| families.iter().find(|family| family.definition.name == name).map(Family::row_count);
            [BUSY, IDLE, "php_worker_memory_bytes"].map(rows)
        };
        assert_eq!(rows(vec![without.clone()]), [None, None, Some(1)]);
        assert_eq!(rows(vec![waiting]), [Some(1), Some(1), Some(1)]);
        assert_eq!(rows(vec![without, slot("18")]), [Some(1), Some(1), Some(2)]);
    }

    #[test]
    fn no_published_stats_give_no_family() {
        assert!(worker_families(&Stats::default()).is_empty());
    }
}
