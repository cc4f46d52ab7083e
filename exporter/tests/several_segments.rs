//! Several applications' segments behind one exporter.
#![allow(missing_docs)]

mod common;

use common::{
    Answer, Server, exporter_of, run_of, sample,
    segment::OwnSegment,
    text,
    worker::{Counting, config, jobs},
};
use nix::sys::signal::Signal;
use promshm_segment::{Definition, GaugeMode, Kind, Writer};
use std::{io::Write, process::Output};

fn writer(own: &OwnSegment) -> Writer {
    Writer::attach(&config(own)).expect("the segment can be attached")
}

fn named(label: &str, own: &OwnSegment) -> String {
    format!("{label}={}", own.name)
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr)
}

/// Two segments named `shop` and `mail`, in which workers have counted 1 and 2.
fn two() -> ([OwnSegment; 2], [Writer; 2], Vec<String>) {
    let owns = [OwnSegment::absent(), OwnSegment::absent()];
    let mut writers = [writer(&owns[0]), writer(&owns[1])];
    for (writer, by) in writers.iter_mut().zip([1.0, 2.0]) {
        writer.count(&jobs(), &["q"], by);
    }
    let segments = vec![named("shop", &owns[0]), named("mail", &owns[1])];
    (owns, writers, segments)
}

#[test]
fn families_are_written_once() {
    let (_owns, mut writers, segments) = two();
    let server = Server::spawn(exporter_of(&segments, &[]));
    for round in 0..3 {
        let expected = format!(
            "# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n\
             jobs_total{{segment=\"shop\",queue=\"q\"}} {}\njobs_total{{segment=\"mail\",queue=\"q\"}} 2\n",
            round + 1
        );
        assert_eq!(server.get("/metrics?name[]=jobs_total").body, expected);
        writers[0].count(&jobs(), &["q"], 1.0);
    }
    let page = server.page();
    for name in ["promshm_up", "promshm_series"] {
        for segment in ["shop", "mail"] {
            assert_eq!(sample(&page, &format!("{name}{{segment=\"{segment}\"}}")), Some(1.0), "{page}");
        }
    }
}

#[test]
fn single_segment_accepts_a_name() {
    let own = OwnSegment::absent();
    writer(&own).count(&jobs(), &["q"], 1.0);
    let server = Server::spawn(exporter_of(&[named("shop", &own)], &[]));
    assert_eq!(sample(&server.page(), "jobs_total{segment=\"shop\",queue=\"q\"}"), Some(1.0));
}

#[test]
fn unreadable_segment_leaves_the_others_exported() {
    let (owns, writers, mut segments) = two();
    let absent = OwnSegment::absent();
    segments.insert(0, named("new", &absent));
    let server = Server::spawn(exporter_of(&segments, &[]));
    let page = server.page();
    for (name, up) in [("new", 0.0), ("shop", 1.0), ("mail", 1.0)] {
        assert_eq!(sample(&page, &format!("promshm_up{{segment=\"{name}\"}}")), Some(up), "{page}");
    }
    assert_eq!(sample(&page, "promshm_series{segment=\"new\"}"), None);
    assert_eq!(sample(&page, "jobs_total{segment=\"mail\",queue=\"q\"}"), Some(2.0));
    assert_eq!(server.get("/-/ready").status, 200, "one is enough");

    drop(writers);
    let [shop, _mail] = &owns;
    shop.poke(0, 0);
    let page = server.page();
    assert_eq!(sample(&page, "promshm_up{segment=\"shop\"}"), Some(0.0), "{page}");
    assert_eq!(sample(&page, "jobs_total{segment=\"mail\",queue=\"q\"}"), Some(2.0));
    assert_eq!(page.matches("jobs_total{").count(), 1);

    writer(&absent).count(&jobs(), &["q"], 5.0);
    assert_eq!(sample(&server.page(), "jobs_total{segment=\"new\",queue=\"q\"}"), Some(5.0));
    let (_, log) = server.stop();
    let waiting = format!("msg=\"waiting for the segment\" segment=\"new={}\"", absent.name);
    assert_eq!(log.matches(&waiting).count(), 1, "{log}");
}

#[test]
fn server_is_ready_with_one_readable_segment() {
    let owns = [OwnSegment::absent(), OwnSegment::absent()];
    let server = Server::spawn(exporter_of(&[named("a", &owns[0]), named("b", &owns[1])], &[]));
    let answer = server.get("/-/ready");
    assert_eq!((answer.status, answer.header("Content-Type")), (503, Some("text/plain; charset=utf-8")));
    for own in &owns {
        assert!(answer.body.contains(&format!("no segment {}", own.name)), "{}", answer.body);
    }
    let writer = writer(&owns[1]);
    assert_eq!(server.get("/-/ready").status, 200);
    server.page();
    writer.wipe().expect("the owner may");
    assert_eq!(server.get("/-/ready").status, 503, "an attached segment is checked again");
    assert_eq!(server.get("/-/healthy").status, 200);
}

#[test]
fn family_of_another_type_is_left_out_counted_and_logged_once() {
    let (_owns, mut writers, segments) = two();
    let depth = |kind| Definition::new("depth", "Depth.", kind, &[], &[]).expect("a good definition");
    writers[0].count(&depth(Kind::Counter), &[], 7.0);
    writers[1].count(&depth(Kind::Gauge(GaugeMode::Sum)), &[], 8.0);
    let server = Server::spawn(exporter_of(&segments, &[]));
    for _ in 0..3 {
        let page = server.page();
        assert!(page.contains("# TYPE depth counter\ndepth{segment=\"shop\"} 7\n# "), "{page}");
        let left_out = |segment, reason| {
            let labels = format!("{{reason=\"{reason}\",segment=\"{segment}\"}}");
            sample(&page, &format!("promshm_left_out_families{labels}"))
        };
        assert_eq!(left_out("mail", "type_conflict"), Some(1.0));
        assert_eq!(left_out("shop", "type_conflict"), Some(0.0));
        assert_eq!(left_out("mail", "own_name"), Some(0.0));
    }
    let (_, log) = server.stop();
    assert_eq!(log.matches("metric=depth segment=mail").count(), 1, "{log}");
    assert_eq!(log.matches("level=warn").count(), 1, "{log}");
}

#[test]
fn log_of_name_conflicts_is_bounded() {
    let own = OwnSegment::absent();
    let mut writer = writer(&own);
    let family = |name: &str, kind| Definition::new(name, "", kind, &[], &[]).expect("a good definition");
    for number in 0..40 {
        writer.count(&family(&format!("x{number:04}_total"), Kind::Counter), &[], 1.0);
        writer.count(&family(&format!("x{number:04}_created"), Kind::Gauge(GaugeMode::Last)), &[], 1.0);
    }
    let server = Server::start(own.name, &[]);
    let accept = "GET /metrics HTTP/1.1\r\nHost: test\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n";
    for _ in 0..3 {
        let mut stream = server.connect();
        stream.write_all(accept.as_bytes()).expect("sent");
        assert_eq!(Answer::read(stream).body.matches("# TYPE x").count(), 40);
    }
    let (_, log) = server.stop();
    assert_eq!(log.matches("metric=x").count(), 10, "{log}");
    assert_eq!(
        log.matches("msg=\"further metrics are left out of the page, for such causes\" metrics=30").count(),
        1
    );
    assert_eq!(log.matches("level=warn").count(), 11, "{log}");
}

/// `node_exporter` may read the dumps of several segments from one folder.
#[test]
fn dump_of_a_named_segment_labels_every_sample() {
    let (_owns, _writers, segments) = two();
    for words in [&["dump"][..], &["dump", "--format=openmetrics"], &["dump", "--no-own-metrics"]] {
        for segment in &segments {
            let page = text(&run_of(std::slice::from_ref(segment), words).stdout);
            let samples: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
            let label = format!("segment=\"{}\"", segment.split('=').next().expect("a name"));
            assert!(!samples.is_empty() && samples.iter().all(|line| line.contains(&label)), "{page}");
        }
    }
}

#[test]
fn dump_without_own_metrics_has_only_application_metrics() {
    let (owns, _writers, segments) = two();
    let own = [owns[0].name.to_string()];
    for (segments, names) in [(&own[..], "jobs_total{queue="), (&segments, "jobs_total{segment=")] {
        let page = text(&run_of(segments, &["dump", "--no-own-metrics"]).stdout);
        let lines: Vec<_> = page.lines().filter(|line| !line.starts_with("# ")).collect();
        assert!(lines.len() == segments.len() && lines.iter().all(|line| line.starts_with(names)), "{page}");
        let with = text(&run_of(segments, &["dump"]).stdout);
        assert!(with.contains("\npromshm_up") && with.starts_with(&page), "{with}");
    }
    let none = OwnSegment::absent();
    let failed = run_of(&[none.name.to_string()], &["dump", "--no-own-metrics"]);
    assert!(complaint(&failed).contains("no segment"));
}

#[test]
fn conflicting_worker_label_is_renamed() {
    let own = OwnSegment::absent();
    let of = |labels: &[&str]| Definition::new("c_total", "", Kind::Counter, labels, &[]).expect("good");
    writer(&own).count(&of(&["segment"]), &["theirs"], 1.0);
    let line = "c_total{segment=\"shop\",exported_segment=\"theirs\"}";
    let named = run_of(&[named("shop", &own)], &["dump"]);
    assert_eq!(sample(&text(&named.stdout), line), Some(1.0), "{}", text(&named.stdout));
    let plain = run_of(&[own.name.to_string()], &["dump"]);
    assert_eq!(sample(&text(&plain.stdout), "c_total{segment=\"theirs\"}"), Some(1.0));
}

#[test]
fn segments_with_equal_names_or_keys_are_refused() {
    let refused = |segments: &[&str]| {
        let segments: Vec<_> = segments.iter().map(ToString::to_string).collect();
        complaint(&run_of(&segments, &["dump"]))
    };
    assert!(refused(&["sysv:1", "a=sysv:2"]).contains("write NAME=sysv:0x00000001"));
    assert!(refused(&["a=sysv:1", "a=sysv:2"]).contains("two segments are called a"));
    assert!(refused(&["a=sysv:1", "b=sysv:1"]).contains("counted twice"));
    assert!(refused(&["a=sysv:1", "auto"]).contains("leave the others out"));
}

#[test]
fn commands_show_all_segments() {
    let (owns, _writers, mut segments) = two();
    let status = run_of(&segments, &["status"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    for segment in &segments {
        assert!(text(&status.stdout).contains(&format!("Segment      {segment}, id ")), "{segment}");
    }
    let absent = OwnSegment::absent();
    segments.push(named("new", &absent));
    let status = run_of(&segments, &["status"]);
    let cause = format!("no segment {}", absent.name);
    assert_eq!(text(&status.stdout).matches("SLOT").count(), 2, "{}", text(&status.stdout));
    assert!(complaint(&status).contains(&cause));

    let dump = run_of(&segments, &["dump"]);
    assert!(dump.status.success(), "some of it is there");
    assert!(text(&dump.stderr).contains(&cause), "{}", text(&dump.stderr));
    assert_eq!(sample(&text(&dump.stdout), "promshm_up{segment=\"new\"}"), Some(0.0));
    owns.iter().for_each(OwnSegment::remove);
    let dump = run_of(&segments, &["dump"]);
    assert_eq!(text(&dump.stdout), "");
    assert_eq!(complaint(&dump).matches("no segment").count(), 3);
}

#[test]
fn rm_with_several_segments_needs_a_name() {
    let (_owns, writers, segments) = two();
    let refusal = complaint(&run_of(&segments, &["rm", "--yes"]));
    assert!(refusal.contains("rm NAME") && refusal.contains(&segments.join(",")), "{refusal}");
    let refusal = complaint(&run_of(&segments, &["rm", "shops", "--yes"]));
    assert!(refusal.contains("no segment shops here"), "{refusal}");
    assert!(writers.iter().all(Writer::is_current));

    let done = run_of(&segments, &["rm", "mail", "--yes"]);
    assert_eq!(text(&done.stdout), format!("removed {}\n", segments[1]), "{}", text(&done.stderr));
    assert_eq!(writers.each_ref().map(Writer::is_current), [true, false]);
}

#[test]
fn server_with_several_segments_stops_on_sigterm() {
    let (_owns, _writers, segments) = two();
    let server = Server::spawn(exporter_of(&segments, &[]));
    server.signal(Signal::SIGTERM);
    let (status, log) = server.wait();
    assert!(status.success() && !log.contains("level=warn"), "{log}");
}
