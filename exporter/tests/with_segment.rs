//! Served pages against the counts of real workers in real segments.
#![allow(missing_docs)]

mod common;

use common::{
    Answer, Server, run, sample,
    segment::OwnSegment,
    text,
    worker::{Counting, Worker, be_a_worker, config, jobs},
};
use nix::sys::signal::Signal;
use promshm_segment::{Definition, Kind, Writer};
use std::{
    io::{Read, Write},
    net::TcpStream,
};

const MAILS: &str = "jobs_total{queue=\"mail\"}";
const ABRUPT: &str = "promshm_worker_exits_total{kind=\"abrupt\"}";

#[test]
#[ignore = "the worker process of other tests"]
fn worker_process() {
    be_a_worker();
}

fn writer(own: &OwnSegment) -> Writer {
    Writer::attach(&config(own)).expect("the segment can be attached")
}

#[test]
fn segment_created_after_the_exporter_is_attached() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    assert_eq!(sample(&server.page(), "promshm_up"), Some(0.0));

    let mut writer = writer(&own);
    writer.count(&jobs(), &["mail"], 3.0);
    let page = server.page();
    assert_eq!(sample(&page, "promshm_up"), Some(1.0));
    assert_eq!(sample(&page, MAILS), Some(3.0));
    assert!(page.starts_with("# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n"), "{page}");

    writer.count(&jobs(), &["mail"], 2.0);
    assert_eq!(sample(&server.page(), MAILS), Some(5.0));
    let (_, log) = server.stop();
    assert_eq!(log.matches("attached the segment").count(), 1, "{log}");
}

#[test]
fn replaced_segment_is_attached_in_the_same_scrape() {
    let own = OwnSegment::absent();
    let mut first = writer(&own);
    first.count(&jobs(), &["mail"], 3.0);
    let server = Server::start(own.name, &[]);
    let starts = sample(&server.page(), "promshm_worker_starts_total").expect("up");

    first.wipe().expect("the owner may");
    let mut second = writer(&own);
    second.count(&jobs(), &["video"], 1.0);
    let page = server.page();
    assert_eq!(sample(&page, "promshm_up"), Some(1.0));
    assert_eq!(sample(&page, MAILS), None);
    assert_eq!(sample(&page, "jobs_total{queue=\"video\"}"), Some(1.0));
    assert_eq!(sample(&page, "promshm_worker_starts_total"), Some(starts + 1.0), "added to the former total");
    let (_, log) = server.stop();
    assert_eq!(log.matches("attached the segment").count(), 2, "{log}");
    assert!(!log.contains("level=warn"), "{log}");
}

#[test]
fn killed_worker_keeps_its_counts_and_is_counted() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    let (first, second) = (Worker::start(&own, 3), Worker::start(&own, 4));
    let page = server.page();
    assert_eq!(sample(&page, MAILS), Some(7.0));
    assert_eq!(sample(&page, "promshm_slots{state=\"live\"}"), Some(2.0));
    assert_eq!(sample(&page, ABRUPT), Some(0.0));

    first.kill();
    let page = server.page();
    assert_eq!(sample(&page, MAILS), Some(7.0));
    assert_eq!(sample(&page, "promshm_slots{state=\"inherited\"}"), Some(1.0));
    assert_eq!(sample(&page, ABRUPT), Some(1.0));

    let heir = Worker::start(&own, 10);
    second.end();
    let page = server.page();
    assert_eq!(sample(&page, MAILS), Some(17.0));
    assert_eq!(sample(&page, ABRUPT), Some(1.0), "a slot with a new owner does not decrease it");
    assert_eq!(sample(&page, "promshm_worker_exits_total{kind=\"clean\"}"), Some(1.0));
    assert_eq!(sample(&page, "promshm_worker_starts_total"), Some(3.0));
    heir.end();
}

#[test]
fn worker_metric_with_a_reserved_name_is_left_out() {
    let own = OwnSegment::absent();
    let mut writer = writer(&own);
    let thief = Definition::new("promshm_up", "Mine.", Kind::Counter, &[], &[]).expect("a good definition");
    writer.count(&thief, &[], 77.0);
    writer.count(&jobs(), &["mail"], 1.0);
    let server = Server::start(own.name, &[]);
    for _ in 0..3 {
        let page = server.page();
        assert_eq!(page.matches("# TYPE promshm_up ").count(), 1, "{page}");
        assert_eq!(sample(&page, "promshm_up"), Some(1.0));
        assert_eq!(sample(&page, MAILS), Some(1.0));
    }
    let (_, log) = server.stop();
    assert_eq!(log.matches("metric=promshm_up").count(), 1, "{log}");
}

#[test]
fn worker_family_is_selected_by_name() {
    let own = OwnSegment::absent();
    let mut writer = writer(&own);
    writer.count(&jobs(), &["mail"], 3.0);
    let other = Definition::new("other", "Other.", Kind::Counter, &[], &[]).expect("a good definition");
    writer.count(&other, &[], 1.0);
    let server = Server::start(own.name, &[]);
    let page = server.get("/metrics?name[]=jobs_total").body;
    assert_eq!(
        page,
        "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total{queue=\"mail\"} 3\n"
    );
}

#[test]
fn formats_alternate_between_scrapes() {
    let own = OwnSegment::absent();
    let mut writer = writer(&own);
    let server = Server::start(own.name, &[]);
    let page = |accept: &str| {
        let mut stream = server.connect();
        let path = "/metrics?name[]=jobs_total";
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nAccept: {accept}\r\nConnection: close\r\n\r\n")
            .expect("sent");
        Answer::read(stream).body
    };
    for total in 1..4 {
        writer.count(&jobs(), &["mail"], 1.0);
        let sample = format!("jobs_total{{queue=\"mail\"}} {total}\n");
        let text = format!("# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n{sample}");
        assert_eq!(page("text/plain"), text);
        assert_eq!(page("text/plain;version=1.0.0"), text);
        let openmetrics = format!("# TYPE jobs counter\n# HELP jobs Jobs done.\n{sample}# EOF\n");
        assert_eq!(page("application/openmetrics-text"), openmetrics);
    }
}

#[test]
fn dump_prints_a_page() {
    let own = OwnSegment::absent();
    let mut writer = writer(&own);
    writer.count(&jobs(), &["mail"], 3.5);
    let output = run(own.name, &["dump"]);
    let page = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(sample(&page, MAILS), Some(3.5));
    assert_eq!(sample(&page, "promshm_up"), Some(1.0));
    assert!(!page.contains("process_"), "{page}");
}

#[test]
fn status_shows_the_segment() {
    let own = OwnSegment::absent();
    let worker = Worker::start(&own, 3);
    let output = run(own.name, &["status"]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in [
        &own.name.to_string(),
        "mode 0640; attached now: 1",
        "of 64.0 MiB",
        "1 of 1000",
        "1 live",
        "1 started",
        "METRIC",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(table.lines().any(|line| line.contains("live") && line.contains("ago)")), "{table}");
    worker.end();
}

#[test]
fn responses_in_progress_are_finished_on_sigterm() {
    let own = OwnSegment::absent();
    fill_with_megabytes(&mut writer(&own));
    let mut server = Server::start(own.name, &["--log.level=debug"]);
    let mut stream = server.connect();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("sent");
    let mut beginning = [0; 1024];
    stream.read_exact(&mut beginning).expect("the answer has begun");

    server.signal(Signal::SIGTERM);
    server.wait_for_line("waiting for the answers");
    assert!(TcpStream::connect(server.address).is_err(), "new clients are refused");
    let answer = Answer::read(beginning.chain(stream));
    assert_eq!(answer.header("Content-Length"), Some(answer.body.len().to_string().as_str()));
    assert!(answer.body.len() > 12 << 20, "{} bytes fit the kernel's buffers", answer.body.len());
    let (status, log) = server.wait();
    assert!(status.success() && !log.contains("level=warn"), "{log}");
}

/// A page larger than the buffers of a connection.
fn fill_with_megabytes(writer: &mut Writer) {
    let bounds: Vec<f64> = (1..100).map(f64::from).collect();
    let definition = Definition::new("long", "Long.", Kind::Histogram, &["text"], &bounds).expect("good");
    let family = writer.register(&definition).expect("room");
    for row in 0..150 {
        let text = format!("{row:01000}");
        let cells = writer.resolve(family, &[&text]).expect("room").cells;
        cells[0].add_owned(1.0);
    }
}
