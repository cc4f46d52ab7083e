//! The memory that a reader needs: at most what is used, and for a corrupt segment at most a limit.

#[path = "support/forge.rs"]
mod forge;
mod support;

use forge::*;
use promshm_segment::{
    Definition, Kind, Reader,
    format::exemplar::ExemplarLabels,
    layout::{Geometry, Roots, Shape},
    memory::atomic::Cell,
};
use std::mem::offset_of;
use support::*;

#[test]
fn exemplar_that_no_page_can_carry_is_skipped_and_counted() {
    let place = Place::new();
    let mut writer = place.writer();
    for (name, id) in [("a_total", "abcXdef"), ("b_total", "valid")] {
        let mut labels = ExemplarLabels::default();
        labels.push(b"trace_id", id.as_bytes()).expect("short");
        let family = writer.register(&counter(name, &[])).expect("room");
        let cell: *const Cell = &raw const writer.resolve(family, &[]).expect("room").cells[0];
        writer.note_exemplar(cell, &labels, 1.0, 1.0);
    }
    let found = |reader: &mut Reader| {
        let snapshot = reader.scrape().expect("readable");
        let exemplars = snapshot.families.iter().flat_map(promshm_segment::Family::rows);
        let exemplars = exemplars.flat_map(|row| row.exemplars()).count();
        (snapshot.families.len(), exemplars, snapshot.stats.corrupt_records)
    };
    let mut reader = place.reader();
    assert_eq!(found(&mut reader), (2, 2, 0));
    let raw = Raw::open(&place);
    let has_x = |at: &usize| raw.get(*at).to_le_bytes().windows(3).any(|bytes| bytes == b"cXd");
    let at = (0..raw.bytes).step_by(8).find(has_x).expect("the exemplar's text");
    let forged = raw.get(at).to_le_bytes().map(|byte| if byte == b'X' { 0 } else { byte });
    raw.set(at, u64::from_le_bytes(forged));
    for _ in 0..2 {
        assert_eq!(found(&mut reader), (2, 1, 1));
    }
}

/// Bytes of the segment that have memory.
fn resident(place: &Place) -> u64 {
    if POSIX {
        use std::os::unix::fs::MetadataExt;
        return std::fs::metadata(path(place)).expect("an object").blocks() * 512;
    }
    let list = std::fs::read_to_string("/proc/sysvipc/shm").expect("the kernel's list");
    let own = key(place).to_string();
    let line = list.lines().find(|line| line.split_whitespace().next() == Some(&own)).expect("the segment");
    line.split_whitespace().skip(14).take(2).map(|bytes| bytes.parse::<u64>().expect("bytes")).sum()
}

/// Refers to pages that were never written: each eight bytes make the reader touch a page.
#[test]
fn directories_into_holes_cost_a_bounded_number_of_pages() {
    let mut place = Place::new();
    (place.config.size, place.config.max_processes) = (1 << 30, 8);
    drop(place.writer());
    let raw = Raw::open(&place);
    let shape = Shape { max_series: 1000, max_processes: 8, max_label_length: 1024 };
    let geometry = Geometry::new(shape, place.config.size).expect("sane");
    let half = &geometry.halves[0];
    let (directories, first) = (64, half.first_page + (raw.get(space(half)) >> 32));
    for directory in 0..directories {
        let number = first + 1 + directory * 513;
        raw.set(half.roots_of(1) as usize + offset_of!(Roots, cumulative) + 8 * directory as usize, number);
        let page = (geometry.end - number * 4096) as usize; // in half 0
        (0..512).for_each(|entry| raw.set(page + 8 * entry, number + 1 + entry as u64));
    }
    let named = directories * 513;
    raw.set(space(half), raw.get(space(half)) + (named << 32));
    let before = resident(&place);
    let mut reader = place.reader();
    let mut corrupt = 0;
    for _ in 0..3 {
        corrupt = reader.scrape().expect("readable").stats.corrupt_records;
    }
    let touched = resident(&place) - before;
    let limit = if POSIX { 0 } else { 65 << 20 };
    assert!(named * 4096 > 120 << 20 && touched <= limit, "{touched} bytes were given memory");
    assert!(corrupt > 0, "what was not looked at is counted");
}

/// Each word of an index can refer to another page of records.
#[test]
fn index_into_holes_costs_a_bounded_number_of_pages() {
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.max_processes) = (1 << 30, 16_000, 8);
    drop(place.writer());
    let raw = Raw::open(&place);
    let shape = Shape { max_series: 16_000, max_processes: 8, max_label_length: 1024 };
    let geometry = Geometry::new(shape, place.config.size).expect("sane");
    let half = &geometry.halves[0];
    raw.set(space(half), (400 << 20) / 16);
    (0..=geometry.index_words / 512 / 64)
        .for_each(|word| raw.set(index_map(half) + 8 * word as usize, u64::MAX));
    for word in 0..geometry.index_words {
        raw.set((half.index + 8 * word) as usize, half.records.next_multiple_of(4096) + word * 4096);
    }
    let before = resident(&place);
    let mut reader = place.reader();
    (0..3).for_each(|_| assert!(reader.scrape().is_ok()));
    let touched = resident(&place) - before;
    let limit = if POSIX { 0 } else { 65 << 20 };
    assert!(geometry.index_words * 4096 > 120 << 20 && touched <= limit, "{touched} bytes were given memory");
}

/// Used memory of any size is read in full.
#[test]
fn large_segment_in_use_is_read_in_full() {
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.max_processes) = (256 << 20, 25_000, 8);
    let bounds: Vec<f64> = (0..510).map(f64::from).collect();
    let histogram = Definition::new("h", "", Kind::Histogram, &["n"], &bounds).expect("good");
    let mut writer = place.writer();
    let family = writer.register(&histogram).expect("room");
    // Holes of an object are never touched, so there is no limit to reach.
    let series = if POSIX { 1000 } else { (80 << 20) / 4096 };
    for number in 0..series {
        writer.resolve(family, &[&number.to_string()]).expect("room").cells[0].add_owned(1.0);
    }
    let mut reader = place.reader();
    for _ in 0..2 {
        let snapshot = reader.scrape().expect("readable");
        let total: f64 = snapshot.families[0].rows().map(|row| row.values()[0]).sum();
        assert_eq!((total, snapshot.stats.corrupt_records), (f64::from(series), 0));
    }
}
