//! Creation times of series, and hiding of idle series.

#![allow(clippy::float_cmp)] // whole numbers, and times that are copied

mod support;

use promshm_segment::{Definition, GaugeMode, Kind, Reader, Writer, clock, snapshot::Row, unix_time};
use support::*;

#[path = "support/forge.rs"]
mod forge;

const SECOND: u64 = 1_000_000_000;
const TTL: u32 = 80;
/// A series that was just renewed is not hidden before this time.
const SHOWN: u64 = TTL as u64 * SECOND;
/// A series is not shown after this time: processes renew used series at least this often.
const HIDDEN: u64 = (TTL + TTL / 8 + 10) as u64 * SECOND;

fn place_with(ttl: u32) -> Place {
    let mut place = Place::new();
    place.config.series_ttl = ttl;
    place
}

/// One of each kind, counted into by `writer`.
fn all_kinds(writer: &mut Writer) -> Vec<Definition> {
    let modes = [GaugeMode::Last, GaugeMode::Sum, GaugeMode::Min, GaugeMode::Max, GaugeMode::All];
    let gauges = modes.into_iter().enumerate().map(|(number, mode)| gauge(&format!("g{number}"), mode));
    let all: Vec<Definition> = [counter("c", &[]), histogram("h"), native_with("n", &[]), summary("s", &[])]
        .into_iter()
        .chain(gauges)
        .collect();
    for definition in &all {
        match definition.kind {
            Kind::Counter => count(writer, definition, &[], 1.0),
            Kind::Gauge(_) => set(writer, definition, 1.0),
            Kind::Histogram | Kind::NativeHistogram(_) => observe(writer, definition, 1.5, 1),
            Kind::Summary { .. } => drop(sample(writer, definition, &[], SECOND, 1.5)),
        }
    }
    all
}

/// How many series are shown and how many hidden.
fn shown_and_hidden(reader: &mut Reader, now: u64) -> (u64, u64) {
    let snapshot = reader.scrape_at(now).expect("a scrape");
    let rows: usize = snapshot.families.iter().map(|family| family.rows().count()).sum();
    assert_eq!(rows as u64, snapshot.stats.series, "what is hidden is not exported");
    (snapshot.stats.series, snapshot.stats.hidden_series)
}

fn created(reader: &mut Reader, name: &str, labels: &[&str]) -> Option<f64> {
    let snapshot = reader.scrape().expect("a scrape");
    let family = snapshot.families.iter().find(|family| family.definition.name == name).expect("a family");
    family.rows().find(|row| row.labels().eq(labels.iter().copied())).and_then(|row: Row<'_>| row.created())
}

/// The offsets of the stamps that were renewed since `before`.
fn stamps(raw: &forge::Raw, before: u64) -> Vec<usize> {
    let since = before..=clock::now();
    (0..raw.words()).map(|at| 8 * at).filter(|at| since.contains(&raw.get(*at))).collect()
}

#[test]
fn idle_series_is_hidden_and_returns_with_its_total() {
    let place = place_with(TTL);
    let mut writer = place.writer();
    let before = clock::now();
    let all = all_kinds(&mut writer);
    let (made, many) = (clock::now(), all.len() as u64);
    let mut reader = place.reader();
    assert_eq!(shown_and_hidden(&mut reader, made), (many, 0));
    assert_eq!(shown_and_hidden(&mut reader, before + SHOWN), (many, 0));
    let later = made + HIDDEN;
    assert_eq!(shown_and_hidden(&mut reader, later), (0, many));
    assert_eq!(shown_and_hidden(&mut place.reader(), later), (0, many), "to a new reader too");
    // As if they were renewed then, one after the other.
    let raw = forge::Raw::open(&place);
    let stamps = stamps(&raw, before);
    assert_eq!(stamps.len(), all.len());
    for (at, in_use) in stamps.iter().zip(1..) {
        raw.set(*at, later);
        assert_eq!(shown_and_hidden(&mut reader, later), (in_use, many - in_use));
        assert_eq!(shown_and_hidden(&mut place.reader(), later), (in_use, many - in_use));
    }
    assert_eq!(shown_and_hidden(&mut reader, later + HIDDEN), (0, many));
    count(&mut writer, &all[0], &[], 1.0);
    assert_eq!(rows(&mut place.reader(), "c"), [(vec![], vec![2.0])], "the total went on");
}

#[test]
fn lookup_renews_a_series() {
    let place = place_with(TTL);
    let mut writer = place.writer();
    let all = all_kinds(&mut writer);
    let raw = forge::Raw::open(&place);
    let before = clock::now();
    for (definition, touched) in all.iter().zip(1..) {
        let family = writer.register(definition).unwrap();
        writer.resolve(family, &[]).unwrap();
        assert_eq!(stamps(&raw, before).len(), touched, "{}", definition.name);
    }
}

#[test]
fn series_with_a_changing_value_is_in_use_despite_an_old_stamp() {
    let place = place_with(TTL);
    let mut writer = place.writer();
    let all = all_kinds(&mut writer);
    let many = all.len() as u64;
    let mut reader = place.reader();
    let later = clock::now() + HIDDEN;
    assert_eq!(shown_and_hidden(&mut reader, later), (0, many));
    // A process that resolved its cells long ago, and has not run its periodic work since.
    let cell = |writer: &mut Writer, definition: &Definition| {
        let family = writer.register(definition).unwrap();
        let cells = writer.resolve(family, &[]).unwrap().cells;
        cells[0].add_shared(1.0);
    };
    for (number, definition) in all.iter().enumerate().take(5) {
        cell(&mut writer, definition);
        let in_use = number as u64 + 1;
        assert_eq!(shown_and_hidden(&mut reader, later), (in_use, many - in_use), "{}", definition.name);
    }
    assert_eq!(shown_and_hidden(&mut reader, later + SHOWN), (5, many - 5));
    assert_eq!(shown_and_hidden(&mut reader, later + HIDDEN), (0, many));
    // The value of a gauge also changes when a process dies, so only stamps count there.
    for definition in &all[5..] {
        cell(&mut writer, definition);
        assert_eq!(shown_and_hidden(&mut reader, later + HIDDEN), (0, many), "{}", definition.name);
    }
}

#[test]
fn ages_stay_with_their_series_when_rows_change() {
    let place = place_with(TTL);
    let mut writer = place.writer();
    let c = counter("c", &["l"]);
    ["b", "d", "f"].iter().for_each(|label| count(&mut writer, &c, &[label], 1.0));
    let mut reader = place.reader();
    let later = clock::now() + HIDDEN;
    assert_eq!(shown_and_hidden(&mut reader, later), (0, 3));
    count(&mut writer, &c, &["d"], 1.0); // detected by its value alone, because `later` is far away
    assert_eq!(shown_and_hidden(&mut reader, later), (1, 2));
    let family = writer.register(&c).unwrap();
    assert!(writer.remove(family, &["b"]));
    ["a", "c", "e"].iter().for_each(|label| count(&mut writer, &c, &[label], 1.0));
    assert_eq!(shown_and_hidden(&mut reader, later), (1, 4));
    let snapshot = reader.scrape_at(later).unwrap();
    let labels: Vec<_> = snapshot.families[0].rows().flat_map(|row| row.labels()).collect();
    assert_eq!(labels, ["d"]);
}

#[test]
fn no_series_is_hidden_without_a_ttl() {
    let place = place_with(0);
    let mut writer = place.writer();
    let many = all_kinds(&mut writer).len() as u64;
    assert_eq!(writer.series_ttl(), 0);
    assert_eq!(shown_and_hidden(&mut place.reader(), u64::MAX), (many, 0));
}

#[test]
fn ttl_is_that_of_the_creator() {
    let mut place = place_with(TTL);
    let first = place.writer();
    place.config.series_ttl = 0;
    assert_eq!((first.series_ttl(), place.writer().series_ttl()), (TTL, TTL));
}

#[test]
fn processes_without_a_slot_renew_series() {
    let mut place = place_with(TTL);
    place.config.max_processes = 1;
    let _first = place.writer();
    let mut second = place.writer();
    assert_eq!(second.slot(), 0);
    let before = clock::now();
    count(&mut second, &counter("c", &[]), &[], 1.0);
    let raw = forge::Raw::open(&place);
    assert_eq!(stamps(&raw, before).len(), 1);
    assert_eq!(shown_and_hidden(&mut place.reader(), clock::now() + HIDDEN), (0, 1));
}

#[test]
fn corrupt_stamps_affect_visibility_only() {
    let place = place_with(TTL);
    let mut writer = place.writer();
    let before = clock::now();
    count(&mut writer, &counter("c", &[]), &[], 1.0);
    let raw = forge::Raw::open(&place);
    let at = stamps(&raw, before)[0];
    let mut old = place.reader();
    for (forged, shown) in [(0, false), (1, false), (u64::MAX, true), (clock::now() + HIDDEN, true)] {
        raw.set(at, forged);
        let expected = (u64::from(shown), u64::from(!shown));
        let now = clock::now() + HIDDEN;
        assert_eq!(shown_and_hidden(&mut place.reader(), now), expected, "{forged}");
        let _whatever = shown_and_hidden(&mut old, now);
    }
    // A stamp in the future does not keep a series visible for ever.
    raw.set(at, u64::MAX);
    let mut reader = place.reader();
    let seen = clock::now();
    assert_eq!(shown_and_hidden(&mut reader, seen), (1, 0));
    assert_eq!(shown_and_hidden(&mut reader, seen + HIDDEN), (0, 1));
    count(&mut writer, &counter("c", &[]), &[], 1.0);
    assert!(raw.get(at) <= clock::now(), "and whoever uses the series mends it");
    assert_eq!(shown_and_hidden(&mut place.reader(), clock::now()), (1, 0));
}

#[test]
fn a_series_has_the_time_it_was_made_at() {
    let place = Place::new();
    let c = counter("c", &["l"]);
    let before = unix_time();
    let dead = Child::run(|| {
        let mut writer = place.writer();
        count(&mut writer, &c, &["x"], 1.0);
        std::mem::forget(writer);
    });
    dead.kill();
    let after = unix_time();
    let mut reader = place.reader();
    let time = created(&mut reader, "c", &["x"]).expect("a time");
    assert!((before - 0.001..=after + 0.001).contains(&time), "{before} {time} {after}");
    let mut writer = place.writer();
    count(&mut writer, &c, &["x"], 1.0);
    count(&mut writer, &c, &["a"], 1.0);
    assert_eq!(
        created(&mut reader, "c", &["x"]),
        Some(time),
        "what the dead one counted is kept, and so is this"
    );
    assert!(created(&mut reader, "c", &["a"]) >= Some(time));
}

#[test]
fn a_series_made_again_has_a_new_time() {
    let place = Place::new();
    let c = counter("c", &[]);
    let mut writer = place.writer();
    count(&mut writer, &c, &[], 1.0);
    let mut reader = place.reader();
    let first = created(&mut reader, "c", &[]).expect("a time");
    let pass = || while unix_time() < first + 0.002 {}; // times are milliseconds
    pass();
    let family = writer.register(&c).unwrap();
    assert!(writer.remove(family, &[]));
    count(&mut writer, &c, &[], 1.0);
    let second = created(&mut reader, "c", &[]).expect("a time");
    assert!(second > first, "{first} {second}");
    writer.wipe().expect("ours");
    count(&mut place.writer(), &c, &[], 1.0);
    assert!(created(&mut place.reader(), "c", &[]).expect("a time") >= second);
}
