//! A page that shows every rule of the format at once, held against a file.
//!
//! `UPDATE_GOLDEN=1 cargo test -p promshm-exposition` writes the file anew; read the difference.
#![allow(missing_docs)]

use promshm_exposition::{Encoder, Format};
use promshm_segment::{Definition, Exemplar, Family, GaugeMode, Kind, NativeBuckets, snapshot::ABSENT};
use std::{fs, path::Path};

fn family(name: &str, help: &str, kind: Kind, labels: &[&str], bounds: &[f64]) -> Family {
    Family::new(Definition::new(name, help, kind, labels, bounds).expect("a good definition"))
}

fn exemplar(labels: &[(&str, &str)], value: f64, time: f64) -> Exemplar {
    let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Exemplar { labels, value, time }
}

fn families() -> Vec<Family> {
    let mut jobs = family("jobs_total", "Jobs done.", Kind::Counter, &["queue", "class"], &[]);
    jobs.push(["mail", "App\\Job\\Send\"Mail\""], &[3.0]);
    jobs.push(["größe ✓\n2", ""], &[1e15 + 0.5]);
    jobs.set_exemplars([(
        (1, 0),
        exemplar(&[("trace_id", "a\"\\\nß"), ("span_id", "7")], 2.0, 1_520_879_607.789),
    )]);

    let mut numbers =
        family("numbers", "A \\ and\na break, \"quotes\".", Kind::Gauge(GaugeMode::Last), &["n"], &[]);
    let values =
        [0.0, -0.0, 0.1, -2.5, 1e20, 1e21, 5e-324, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, ABSENT];
    for value in values {
        numbers.push([format!("{value:?}").as_str()], &[value]);
    }

    let mut plain = family("plain", "", Kind::Counter, &[], &[]);
    plain.push([], &[42.0]);
    plain.set_exemplars([((0, 0), exemplar(&[("trace_id", "of no counter")], 1.0, 1.0))]);

    let mut seconds = family("seconds", "Durations.", Kind::Histogram, &["queue"], &[0.005, 1.0, 1e6]);
    seconds.push(["mail"], &[1.0, 2.0, 0.0, 4.0, 1234.5]);
    seconds.push(["video"], &[0.0, 0.0, 0.0, 0.0, 0.0]);
    seconds.push(["web"], &[1.0, 1.0, 0.0, 1.0, f64::INFINITY]);
    seconds.set_exemplars([
        ((2, 3), exemplar(&[("trace_id", "c")], f64::INFINITY, 1_520_879_609.0)),
        ((0, 1), exemplar(&[("trace_id", "a")], 0.67, 1_520_879_607.789)),
        ((2, 0), exemplar(&[("trace_id", "b")], 1e-5, 1_520_879_608.5)),
    ]);

    let mut drift =
        family("drift_seconds", "Below zero, in buckets from zero.", Kind::Histogram, &["of"], &[0.5]);
    drift.push(["good"], &[1.0, 1.0, 1.25]);
    drift.push(["nan"], &[0.0, 1.0, f64::NAN]);
    drift.push(["negative"], &[1.0, 0.0, -3.5]);

    let mut sizes = family("sizes", "Sizes.", Kind::Histogram, &[], &[10.0]);
    sizes.push([], &[1.0, 1.0, 33.0]);

    let unused = family("unused", "Never written.", Kind::Counter, &[], &[]);

    let mut cpu = family("cpu_seconds_total", "CPU time.", Kind::Counter, &[], &[]);
    cpu.push([], &[0.25]);

    let mut degrees = family("degrees_celsius", "Below zero.", Kind::Histogram, &["at"], &[-1.0, 1.0]);
    degrees.push(["pole"], &[4.0, 1.0, 0.0, -90.5]);
    degrees.push(["sea"], &[0.0, 0.0, 2.0, 30.0]);

    let mut workers = family("workers", "Per process.", Kind::Gauge(GaugeMode::All), &[], &[]);
    workers.definition.label_names.push("pid".into()); // as the reader does it
    workers.push(["17"], &[1.0]);
    let mut latency =
        family("latency", "Recent ones.", Kind::Summary { max_age: 600 }, &["queue"], &[0.00001, 0.5, 0.99]);
    latency.push(["idle"], &[f64::NAN, f64::NAN, f64::NAN, 12.5, 3.0]);
    latency.push(["mail"], &[0.1, 2.0, 1e21, 1234.5, 7.0]);
    latency.push(["negative"], &[-2.0, -1.0, 3.0, -5.5, 4.0]);
    vec![cpu, degrees, drift, jobs, latency, natives(), numbers, plain, seconds, sizes, unused, workers]
}

/// Two buckets for each power of two, from 0.25 to 4.
fn natives() -> Family {
    let kind = Kind::NativeHistogram(NativeBuckets { schema: 1, lowest: -3, cells: 8 });
    let mut natives = family("native_seconds", "In exponential buckets.", kind, &["of"], &[]);
    let window = [1.0, 300.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0];
    natives.push(["all"], &[&[3.0], &window[..], &[4.0, 5.0, 0.0, 1e6]].concat());
    natives.push(["empty"], &[0.0; 13]);
    natives.push(["nan"], &[&[0.0], &window[..], &[0.0, 0.0, 6.0, f64::NAN]].concat());
    natives.push(["negative"], &[&[0.0; 10][..], &[1.0, 0.0, -0.75]].concat());
    natives.set_created(0, 1_520_430_000.123);
    natives.set_exemplars([
        ((0, 2), exemplar(&[("trace_id", "older")], 0.4, 1_520_879_607.0)),
        ((0, 1), exemplar(&[("trace_id", "later")], 0.3, 1_520_879_608.5)),
        ((0, 9), exemplar(&[("trace_id", "above")], 1e6, 1_520_879_609.0)),
        ((2, 6), exemplar(&[("trace_id", "inside")], 1.7, 1_520_879_610.0)),
    ]);
    natives
}

fn assert_golden(name: &str, page: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, page).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&path).expect("the golden file exists");
    assert_eq!(String::from_utf8_lossy(page), expected);
}

/// A page of all families, the same from cached prefixes as from new ones.
fn page(format: Format) -> Vec<u8> {
    let families = families();
    let mut encoder = Encoder::new(format);
    let mut pages = [Vec::new(), Vec::new()];
    for page in &mut pages {
        encoder.encode(&families, page);
        page.extend_from_slice(format.ending());
    }
    let [first, second] = pages;
    assert_eq!(first, second, "a page from cached prefixes is the same page");
    first
}

#[test]
fn text_0_0_4() {
    assert_golden("text-0.0.4.txt", &page(Format::Text));
}

#[test]
fn text_1_0_0() {
    assert_golden("text-1.0.0.txt", &page(Format::Text1));
    assert_eq!(page(Format::Text1), page(Format::Text));
}

#[test]
fn openmetrics_1_0_0() {
    assert_golden("openmetrics-1.0.0.txt", &page(Format::OpenMetrics));
}

/// In hexadecimal digits; `tests/formats` holds what Python's protobuf reads of it against the text page.
#[test]
fn protobuf() {
    let page = page(Format::Protobuf);
    let lines = page.chunks(32).map(|bytes| {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(" ") + "\n"
    });
    assert_golden("protobuf.txt", lines.collect::<String>().as_bytes());
}
