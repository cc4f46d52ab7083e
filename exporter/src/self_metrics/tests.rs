use super::*;
use promshm_exposition::Encoder;
use promshm_segment::{
    Definition, Kind, Runtime, Snapshot, Stats,
    os::Refused,
    snapshot::{Blocker, Liveness, Process, Reason, SlotState, SlotView, Taken},
};
use std::collections::BTreeMap;

const SEGMENT_METRIC: &str = "promshm_segment_used_bytes";

fn stats() -> Stats {
    let dropped = [1, 2, 3, 4, 5, 6];
    Stats {
        max_processes: 4,
        dropped,
        liveness: Liveness::Kernel,
        slots: vec![slot()],
        taken: [Taken { part: 1, whole: 4 }; 4],
        generation: 6,
        blocked_by: Some(Blocker::Worker { pid: 17, slot: 2, processes: 3 }),
        ..Stats::default()
    }
}

/// A slot whose owner publishes its stats, and has observed what it did.
fn slot() -> SlotView {
    let runtime = Runtime { memory: 2_097_152.0, cpu: 1.25, busy: 0.5, ..Runtime::default() };
    let process = Some(Process { label: "17-2".into(), runtime });
    SlotView {
        index: 2,
        state: SlotState::Live,
        pid: 17,
        since: 0.0,
        starts: 1,
        crashes: 0,
        bytes: 0,
        process,
    }
}

fn page(metrics: &mut SelfMetrics, segments: &[SegmentMetrics]) -> String {
    let mut page = Vec::new();
    metrics.note_scrape(Duration::from_millis(250));
    Encoder::default().encode(&metrics.families(segments.iter()), &mut page);
    String::from_utf8(page).expect("a page is UTF-8")
}

fn read(label: Option<&str>) -> SegmentMetrics {
    let mut metrics = SegmentMetrics::new(label);
    metrics.observe(&seen(stats()), Attachment::Fresh);
    metrics.note_reading(true);
    metrics.note_left_out([1, 2, 3, 4]);
    metrics.note_refused(&[Refused { uid: 1000, processes: 2 }]);
    metrics
}

/// What a scrape has read: the stats, and a metric that overflows.
fn seen(stats: Stats) -> Snapshot {
    let hits = Definition::new("hits_total", "", Kind::Counter, &["path"], &[]).expect("a good definition");
    let mut family = Family::new(hits);
    family.set_overflows(4);
    Snapshot { stats, families: vec![family], ..Snapshot::default() }
}

#[test]
fn the_segments_metrics_are_there_only_while_it_is_up() {
    let (mut metrics, segment) = (SelfMetrics::of_server(false), read(None));
    let up = page(&mut metrics, std::slice::from_ref(&segment));
    assert!(up.contains("\npromshm_up 1\n") && up.contains(SEGMENT_METRIC), "{up}");
    assert!(up.contains("\npromshm_scrape_duration_seconds 0.25\n"), "{up}");

    segment.note_reading(false);
    let down = page(&mut metrics, &[segment]);
    assert!(down.contains("\npromshm_up 0\n") && !down.contains(SEGMENT_METRIC), "{down}");
    assert!(down.contains("promshm_build_info{version="), "{down}");
    assert!(down.contains("\nprocess_cpu_seconds_total "), "{down}");
}

#[test]
fn worker_series_have_their_pid_while_their_segment_is_up() {
    let (mut metrics, mut segment) = (SelfMetrics::of_server(false), read(None));
    let up = page(&mut metrics, std::slice::from_ref(&segment));
    assert!(up.contains("\nphp_worker_memory_bytes{pid=\"17-2\"} 2097152\n"), "{up}");
    assert!(up.contains("counter\nphp_worker_cpu_seconds_total{pid=\"17-2\"} 1.25\n"), "{up}");
    segment.note_reading(false);
    assert!(!page(&mut metrics, std::slice::from_ref(&segment)).contains("php_worker_"));
    segment.note_reading(true);
    segment.observe(&seen(Stats { slots: Vec::new(), ..stats() }), Attachment::Known);
    assert!(!page(&mut metrics, &[segment]).contains("php_worker_"));

    let mut metrics = SelfMetrics::of_server(true);
    let both = page(&mut metrics, &[read(Some("shop")), read(Some("blog"))]);
    assert_eq!(both.matches("# TYPE php_worker_memory_bytes ").count(), 1, "{both}");
    for name in ["shop", "blog"] {
        let line = format!("\nphp_worker_memory_bytes{{pid=\"17-2\",segment=\"{name}\"}} 2097152\n");
        assert!(both.contains(&line), "{both}");
    }
}

#[test]
fn a_single_page_has_no_process_metrics_but_keeps_their_names() {
    let mut metrics = SelfMetrics::of_page(false);
    assert!(!page(&mut metrics, &[]).contains("process_"));
    assert!(metrics.has("process_open_fds"));
}

#[test]
fn segments_with_names_share_families() {
    let (down, up) = (SegmentMetrics::new(Some("a")), read(Some("b")));
    let page = page(&mut SelfMetrics::of_server(true), &[down, up]);
    let expected = "promshm_up gauge\npromshm_up{segment=\"a\"} 0\npromshm_up{segment=\"b\"} 1\n";
    assert!(page.contains(expected), "{page}");
    for line in [
        "promshm_dropped_total{reason=\"series_limit\",segment=\"b\"} 1\n",
        "promshm_left_out_families{reason=\"name_clash\",segment=\"b\"} 2\n",
        "promshm_slots{segment=\"b\",state=\"free\"} 3\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
    assert!(!page.contains("promshm_series{segment=\"a\"}"), "{page}");
}

#[test]
fn what_blocks_a_generation_is_there_while_it_does() {
    let mut segment = read(None);
    let mut metrics = SelfMetrics::of_server(false);
    let blocked = page(&mut metrics, std::slice::from_ref(&segment));
    assert!(blocked.contains("\npromshm_generation 6\n"), "{blocked}");
    assert!(
        blocked.contains("\npromshm_generation_blocked_by{pid=\"17\",reason=\"worker\"} 3\n"),
        "{blocked}"
    );
    for resource in ["index", "series", "room", "gauges"] {
        let line = format!("\npromshm_capacity_used_ratio{{resource=\"{resource}\"}} 0.25\n");
        assert!(blocked.contains(&line), "{blocked}");
    }
    segment.observe(&seen(Stats { blocked_by: Some(Blocker::Liveness), ..stats() }), Attachment::Known);
    let blocked = page(&mut metrics, std::slice::from_ref(&segment));
    assert!(
        blocked.contains("\npromshm_generation_blocked_by{pid=\"\",reason=\"liveness\"} 1\n"),
        "{blocked}"
    );
    assert!(!blocked.contains("reason=\"worker\""), "one cause at a time: {blocked}");
    segment.observe(&seen(Stats { blocked_by: None, ..stats() }), Attachment::Known);
    assert!(!page(&mut metrics, &[segment]).contains("promshm_generation_blocked_by{"));
}

#[test]
fn every_label_value_is_always_there() {
    let mut segment = read(None);
    segment.observe(&seen(Stats { liveness: Liveness::Degraded, ..stats() }), Attachment::Known);
    segment.observe(&seen(stats()), Attachment::Known);
    let page = page(&mut SelfMetrics::of_server(false), &[segment]);
    for (value, reason) in (1..).zip(Reason::ALL) {
        let line = format!("promshm_dropped_total{{reason=\"{}\"}} {value}\n", reason.as_str());
        assert!(page.contains(&line), "{line}{page}");
    }
    for kind in ["clean", "fatal", "abrupt"] {
        assert!(page.contains(&format!("promshm_worker_exits_total{{kind=\"{kind}\"}} 0\n")), "{page}");
    }
    for (state, count) in [("live", 1), ("free", 3), ("inherited", 0)] {
        assert!(page.contains(&format!("promshm_slots{{state=\"{state}\"}} {count}\n")), "{page}");
    }
    assert!(page.contains("promshm_liveness_info{mode=\"kernel\"} 1\n"), "{page}");
    assert!(!page.contains("degraded"), "one mode at a time: {page}");
}

#[test]
fn every_exposed_name_is_known_and_exposed_once() {
    for label in [None, Some("a")] {
        let mut metrics = SelfMetrics::of_server(label.is_some());
        let page = page(&mut metrics, &[read(label)]);
        let mut times = BTreeMap::new();
        for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            *times.entry(line.split(' ').next().expect("a name")).or_insert(0) += 1;
        }
        let exposed: HashSet<String> = times.keys().map(ToString::to_string).collect();
        assert_eq!(exposed, metrics.names);
        assert!(times.values().all(|count| *count == 1), "{times:?}");
    }
}
