//! A summary's quantiles cover recent observations of all processes; its count and sum cover all.

#![allow(clippy::float_cmp)] // whole numbers, and quantiles that are samples

mod support;

use promshm_segment::{
    Definition, Kind, ReadError, Reader,
    layout::{Header, MAGIC, VERSION},
    snapshot::Reason,
};
use std::mem::offset_of;
use support::*;

#[path = "support/forge.rs"]
mod forge;

const SECOND: u64 = 1_000_000_000;
/// Long after the machine's start, so that windows do not begin before it.
const NOW: u64 = 10_000 * SECOND;

/// The numbers of an unlabelled summary: its quantiles, its sum, its count.
fn numbers(reader: &mut Reader, now: u64) -> Vec<f64> {
    let snapshot = reader.scrape_at(now).expect("a scrape");
    let family = snapshot.families.iter().find(|family| family.definition.name == "s").expect("a summary");
    family.rows().next().expect("a series").values().to_vec()
}

fn place_with(samples: u32) -> Place {
    let mut place = Place::new();
    place.config.summary_samples = samples;
    place
}

#[test]
fn quantiles_cover_all_processes_including_dead_ones() {
    let place = place_with(1024);
    let s = summary("s", &[]);
    let observe = |from: u32| {
        let mut writer = place.writer();
        (from..from + 50).for_each(|value| assert!(sample(&mut writer, &s, &[], NOW, f64::from(value))));
        std::mem::forget(writer);
    };
    let [living, dead] = [1, 51].map(|from| Child::run(|| observe(from)));
    dead.kill();
    let mut reader = place.reader();
    assert_eq!(numbers(&mut reader, NOW), [50.0, 99.0, 5050.0, 100.0]);
    assert_eq!(numbers(&mut place.reader(), NOW + 600 * SECOND), [50.0, 99.0, 5050.0, 100.0]);
    living.end();
}

#[test]
fn old_samples_are_excluded_from_quantiles() {
    let place = place_with(1024);
    let s = summary("s", &[]);
    let mut writer = place.writer();
    sample(&mut writer, &s, &[], NOW - 600 * SECOND - 1, 1000.0);
    sample(&mut writer, &s, &[], NOW - 600 * SECOND, 1.0);
    sample(&mut writer, &s, &[], NOW + 1, 2.0); // taken while the reader reads
    let mut reader = place.reader();
    assert_eq!(numbers(&mut reader, NOW), [1.0, 2.0, 1003.0, 3.0]);
    let late = numbers(&mut reader, NOW + 601 * SECOND);
    assert!(late[0].is_nan() && late[1].is_nan(), "nothing lately: {late:?}");
    assert_eq!(late[2..], [1003.0, 3.0]);
    sample(&mut writer, &s, &[], NOW + 601 * SECOND, f64::NAN);
    sample(&mut writer, &s, &[], NOW + 601 * SECOND, -f64::NAN);
    sample(&mut writer, &s, &[], NOW + 601 * SECOND, 7.0);
    sample(&mut writer, &s, &[], NOW + 601 * SECOND, 7.0);
    let with_nan = numbers(&mut reader, NOW + 601 * SECOND);
    assert!(with_nan[0] == 7.0 && with_nan[1].is_nan(), "NaN stands above all numbers: {with_nan:?}");
}

#[test]
fn ring_keeps_the_newest_samples() {
    for samples in [1, 3, 256, 257, 1000] {
        let place = place_with(samples);
        let s = summary("s", &[]);
        let mut writer = place.writer();
        let most = u64::from(samples) * 2 + 1;
        (1..=most).for_each(|value| assert!(sample(&mut writer, &s, &[], NOW + value, value as f64)));
        let kept = u64::from(samples);
        let median = most - kept + kept.div_ceil(2);
        assert_eq!(numbers(&mut place.reader(), NOW)[0], median as f64, "{samples} samples");
        let stats = place.reader().scrape().unwrap().stats.clone();
        assert_eq!((stats.leaked_bytes, stats.corrupt_records), (0, 0));
    }
}

#[test]
fn next_owner_continues_the_ring() {
    let place = place_with(4);
    let s = summary("s", &[]);
    for life in 0..3 {
        Child::run(|| {
            let mut writer = place.writer();
            (0..3).for_each(|n| assert!(sample(&mut writer, &s, &[], NOW, f64::from(life * 3 + n))));
            std::mem::forget(writer);
        })
        .kill();
    }
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!(stats.slots.len(), 2, "one slot was enough");
    assert_eq!(numbers(&mut place.reader(), NOW), [6.0, 8.0, 36.0, 9.0], "5, 6, 7 and 8 are left");
}

#[test]
fn processes_without_a_slot_share_a_ring_exactly() {
    let mut place = place_with(4096);
    place.config.max_processes = 1;
    let s = summary("s", &[]);
    let owner = Child::run(|| std::mem::forget(place.writer()));
    let crowd: Vec<Child> = (0..4)
        .map(|number| {
            Child::run(|| {
                let mut writer = place.writer();
                assert_eq!(writer.slot(), 0);
                (0..1000).for_each(|_| assert!(sample(&mut writer, &s, &[], NOW, f64::from(number))));
            })
        })
        .collect();
    crowd.into_iter().chain([owner]).for_each(Child::kill);
    assert_eq!(numbers(&mut place.reader(), NOW), [1.0, 3.0, 6000.0, 4000.0]);
}

#[test]
fn full_segment_keeps_count_and_sum_without_samples() {
    let mut place = place_with(65_536);
    (place.config.size, place.config.max_processes) = (1 << 20, 2); // a ring is larger than that
    let s = summary("s", &[]);
    let mut writer = place.writer();
    assert!(!sample(&mut writer, &s, &[], NOW, 2.5));
    writer.count_drop(Reason::SummarySample);
    assert!(!sample(&mut writer, &s, &[], NOW, 2.5));
    let found = numbers(&mut place.reader(), NOW);
    assert!(found[0].is_nan() && found[2..] == [5.0, 2.0], "{found:?}");
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!(stats.dropped[Reason::SummarySample as usize], 1);
    assert_eq!((stats.leaked_bytes, stats.corrupt_records), (0, 0));
}

#[test]
fn quantiles_and_window_are_part_of_the_definition() {
    let place = place_with(16);
    let mut writer = place.writer();
    let define = |max_age, quantiles: &[f64]| {
        Definition::new("s", "", Kind::Summary { max_age }, &[], quantiles).unwrap()
    };
    for other in [define(600, &[0.5]), define(601, &[0.5]), define(601, &[0.5, 0.75])] {
        sample(&mut writer, &other, &[], NOW, 1.0);
        let snapshot = place.reader().scrape_at(NOW).unwrap().families[0].clone();
        assert_eq!(snapshot.definition, other, "the newest definition is exported");
        assert_eq!(snapshot.rows().next().unwrap().values().last(), Some(&1.0), "and starts afresh");
    }
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!(stats.leaked_bytes, 0, "rings of older definitions are no leaks");
}

#[test]
fn removed_series_restart_with_a_new_ring() {
    let place = place_with(16);
    let (mut writer, s) = (place.writer(), summary("s", &[]));
    sample(&mut writer, &s, &[], NOW, 100.0);
    let family = writer.register(&s).unwrap();
    assert!(writer.remove(family, &[]));
    assert!(place.reader().scrape_at(NOW).unwrap().families.is_empty());
    sample(&mut writer, &s, &[], NOW, 3.0);
    assert_eq!(numbers(&mut place.reader(), NOW), [3.0, 3.0, 3.0, 1.0]);
}

#[test]
fn segment_of_an_older_layout_is_refused_by_readers_and_replaced_by_writers() {
    let place = place_with(16);
    let mut writer = place.writer();
    count(&mut writer, &counter("c", &[]), &[], 5.0);
    drop(writer);
    assert_eq!(value(&mut place.reader(), "c"), Some(5.0));
    let raw = forge::Raw::open(&place);
    raw.set(offset_of!(Header, identity), MAGIC << 32 | u64::from(VERSION - 1));
    let found = Reader::attach(place.config.name);
    assert!(matches!(found, Err(ReadError::Version { found, known: VERSION, .. }) if found == VERSION - 1));
    assert!(sample(&mut place.writer(), &summary("s", &[]), &[], NOW, 1.0));
    assert_eq!(value(&mut place.reader(), "c"), None, "writers begin with a fresh segment");
}

#[test]
fn corrupt_rings_are_left_out() {
    let place = place_with(512);
    let (mut writer, s) = (place.writer(), summary("s", &["l"]));
    sample(&mut writer, &s, &["a"], NOW, 1.0);
    sample(&mut writer, &s, &["b"], NOW, 2.0);
    let family = writer.register(&s).unwrap();
    let [a, b] =
        ["a", "b"].map(|label| std::ptr::from_ref(&writer.resolve(family, &[label]).unwrap().cells[2]));
    // SAFETY: the writer stays attached.
    let (a, b) = unsafe { (&*a, &*b) };
    let valid = a.get();
    for forged in [b.get(), 1.0, valid - 1.0, valid + 1.0, 1e9, -1.0, f64::NAN, f64::INFINITY, 0.5] {
        a.set(forged);
        let mut reader = place.reader();
        let snapshot = reader.scrape_at(NOW).unwrap();
        let counts: Vec<f64> = snapshot.families[0].rows().map(|row| row.values()[3]).collect();
        assert_eq!(counts, [1.0, 1.0], "{forged}");
        let is_none = forged.is_nan() || (0.0..1.0).contains(&forged) || forged < 0.0;
        assert_eq!(snapshot.stats.corrupt_records > 0, !is_none, "{forged}");
    }
    a.set(valid);
    assert_eq!(rows(&mut place.reader(), "s").len(), 2);
}
