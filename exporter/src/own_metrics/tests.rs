use super::*;
use promshm_exposition::Encoder;
use promshm_segment::snapshot::{Liveness, Reason};
use std::collections::BTreeMap;

const SEGMENT_METRIC: &str = "promshm_segment_used_bytes";

fn vitals() -> Vitals {
    Vitals { max_processes: 4, dropped: [1, 2, 3, 4], liveness: Liveness::Kernel, ..Vitals::default() }
}

fn page(metrics: &mut OwnMetrics, is_up: bool) -> String {
    let mut page = Vec::new();
    metrics.note_scrape(is_up, Duration::from_millis(250));
    Encoder::default().encode(&metrics.families(), &mut page);
    String::from_utf8(page).expect("a page is UTF-8")
}

#[test]
fn the_segments_metrics_are_there_only_while_it_is_up() {
    let mut metrics = OwnMetrics::of_server();
    metrics.observe(&vitals(), Attachment::Fresh);
    let up = page(&mut metrics, true);
    assert!(up.contains("\npromshm_up 1\n") && up.contains(SEGMENT_METRIC), "{up}");
    assert!(up.contains("\npromshm_scrape_duration_seconds 0.25\n"), "{up}");

    let down = page(&mut metrics, false);
    assert!(down.contains("\npromshm_up 0\n") && !down.contains(SEGMENT_METRIC), "{down}");
    assert!(down.contains("promshm_build_info{version="), "{down}");
    assert!(down.contains("\nprocess_cpu_seconds_total "), "{down}");
}

#[test]
fn a_single_page_has_no_process_metrics_but_keeps_their_names() {
    let mut metrics = OwnMetrics::of_segment();
    assert!(!page(&mut metrics, false).contains("process_"));
    assert!(metrics.has("process_open_fds"));
}

#[test]
fn every_label_value_is_always_there() {
    let mut metrics = OwnMetrics::of_server();
    metrics.observe(&Vitals { liveness: Liveness::Degraded, ..vitals() }, Attachment::Fresh);
    metrics.observe(&vitals(), Attachment::Known);
    let page = page(&mut metrics, true);
    for (value, reason) in (1..).zip(Reason::ALL) {
        let line = format!("promshm_dropped_total{{reason=\"{}\"}} {value}\n", reason.as_str());
        assert!(page.contains(&line), "{line}{page}");
    }
    for kind in ["clean", "fatal", "abrupt"] {
        assert!(page.contains(&format!("promshm_worker_exits_total{{kind=\"{kind}\"}} 0\n")), "{page}");
    }
    for (state, count) in [("live", 0), ("free", 4), ("inherited", 0)] {
        assert!(page.contains(&format!("promshm_slots{{state=\"{state}\"}} {count}\n")), "{page}");
    }
    assert!(page.contains("promshm_liveness_info{mode=\"kernel\"} 1\n"), "{page}");
    assert!(!page.contains("degraded"), "one mode at a time: {page}");
}

#[test]
fn every_exposed_name_is_known_and_exposed_once() {
    let mut metrics = OwnMetrics::of_server();
    metrics.observe(&vitals(), Attachment::Fresh);
    let page = page(&mut metrics, true);
    let mut times = BTreeMap::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        *times.entry(line.split(' ').next().expect("a name")).or_insert(0) += 1;
    }
    let exposed: HashSet<String> = times.keys().map(ToString::to_string).collect();
    assert_eq!(exposed, metrics.names);
    assert!(times.values().all(|count| *count == 1), "{times:?}");
}
