//! Segments that would need excessive resources: memory and log lines are bounded, and the exporter continues.
#![allow(missing_docs)]

mod common;

use common::{
    Server, run, sample,
    segment::OwnSegment,
    text,
    worker::{Counting, config, jobs},
};
use promshm_segment::{Config, Definition, Kind, SegmentName, Writer, config::ObjectName, os};

/// Each line of a histogram repeats all labels: 513 × 3.9 MB for one series here.
#[test]
fn series_whose_lines_are_too_large_are_left_out_counted_and_logged_once() {
    let own = OwnSegment::absent();
    let mut writer =
        Writer::attach(&Config { max_label_length: 65_535, ..config(&own) }).expect("attachable");
    writer.count(&jobs(), &["mail"], 3.0);
    let names: Vec<String> = (0..60).map(|number| format!("l{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bounds: Vec<f64> = (0..510).map(f64::from).collect();
    let huge = Definition::new("huge", "", Kind::Histogram, &names, &bounds).expect("a good definition");
    for value in ["a", "b"].map(|letter| letter.repeat(65_000)) {
        writer.count(&huge, &[value.as_str(); 60], 1.0);
    }
    writer.count(&huge, &["short"; 60], 1.0);
    let server = Server::start(own.name, &[]);
    for _ in 0..2 {
        let page = server.page();
        assert_eq!(sample(&page, "jobs_total{queue=\"mail\"}"), Some(3.0));
        assert_eq!(page.lines().filter(|line| line.starts_with("huge_count{")).count(), 1);
        assert_eq!(sample(&page, "promshm_left_out_series"), Some(2.0));
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    assert_eq!(log.matches("series are left out").count(), 1, "{log}");
}

/// A writer may truncate an object, which raises SIGBUS in its readers.
#[test]
fn truncated_object_is_an_unreadable_segment() {
    let object = format!("promshm-test-cut-{}", std::process::id());
    let name = SegmentName::Posix(ObjectName::new(&object).expect("a good name"));
    let config = Config { name, size: 16 << 20, max_processes: 16, ..Config::default() };
    let mut writer = Writer::attach(&config).expect("attachable");
    (0..500).for_each(|number| writer.count(&jobs(), &[&number.to_string()], 1.0));
    std::mem::forget(writer); // its drop would read the truncated part
    let server = Server::start(name, &[]);
    assert_eq!(sample(&server.page(), "promshm_up"), Some(1.0));
    let path = format!("/dev/shm/{object}");
    std::fs::File::options().write(true).open(&path).and_then(|file| file.set_len(4096)).expect("cut");
    for _ in 0..2 {
        let page = server.page();
        assert_eq!(sample(&page, "promshm_up"), Some(0.0));
        assert!(!page.contains("jobs_total"), "{page}");
    }
    std::fs::remove_file(&path).expect("it is ours");
    let mut writer = Writer::attach(&config).expect("attachable");
    writer.count(&jobs(), &["mail"], 2.0);
    let page = server.page();
    writer.clean_exit(false);
    os::remove(&name).expect("it is ours");
    assert_eq!(sample(&page, "jobs_total{queue=\"mail\"}"), Some(2.0));
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}

/// A label with too many values is found by the name of its metric.
#[test]
fn overflowing_metric_is_counted_logged_once_and_shown_by_status() {
    let own = OwnSegment::absent();
    let mut writer = Writer::attach(&config(&own)).expect("attachable");
    writer.count(&jobs(), &["other"], 1.0);
    let server = Server::start(own.name, &[]);
    assert!(!server.page().contains("promshm_metric_overflows_total"), "nothing overflows yet");
    let family = writer.register(&jobs()).expect("it is known");
    for lookups in [1.0, 2.0] {
        writer.count_overflow(family);
        let page = server.page();
        assert_eq!(sample(&page, "promshm_metric_overflows_total{metric=\"jobs_total\"}"), Some(lookups));
    }
    let status = text(&run(own.name, &["status"]).stdout);
    assert!(status.contains("jobs_total has all the series that a metric may have: 2 lookups"), "{status}");
    let (_, log) = server.stop();
    assert_eq!(log.matches("metric=jobs_total").count(), 1, "{log}");
}

/// A family is not exported while another program uses another definition of its name; operators must see that.
#[test]
fn superseded_family_is_counted_logged_once_and_shown_by_status() {
    let own = OwnSegment::absent();
    let mut writer = Writer::attach(&config(&own)).expect("attachable");
    let other = Definition::new("jobs_total", "", Kind::Counter, &["queue", "host"], &[]).expect("good");
    writer.count(&jobs(), &["mail"], 1.0);
    let server = Server::start(own.name, &[]);
    let superseded = |page: &str| sample(page, "promshm_left_out_families{reason=\"superseded\"}");
    assert_eq!(superseded(&server.page()), Some(0.0));
    writer.count(&other, &["mail", "a"], 2.0);
    for _ in 0..2 {
        let page = server.page();
        assert_eq!(superseded(&page), Some(1.0));
        assert_eq!(sample(&page, "jobs_total{queue=\"mail\",host=\"a\"}"), Some(2.0));
    }
    let status = text(&run(own.name, &["status"]).stdout);
    let both = ["a counter with labels (queue)", "a counter with labels (queue, host)"];
    assert!(both.iter().all(|definition| status.contains(definition)), "{status}");
    let (_, log) = server.stop();
    assert_eq!(log.matches("metric=jobs_total").count(), 1, "{log}");
    assert!(both.iter().all(|definition| log.contains(definition)), "{log}");
}
