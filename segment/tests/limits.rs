//! Full segments: updates without room are dropped and counted by reason, and all others are stored.

mod support;

use promshm_segment::{Definition, GaugeMode, Kind, Writer, crash, snapshot::Reason};
use support::*;

/// Counts as the extension does: an update without room is dropped and counted.
fn count_or_drop(writer: &mut Writer, definition: &Definition, labels: &[&str]) {
    let outcome = match writer.register(definition) {
        Ok(family) => writer.resolve(family, labels).map(|series| {
            if series.shared { series.cells[0].add_shared(1.0) } else { series.cells[0].add_owned(1.0) }
        }),
        Err(reason) => Err(reason),
    };
    if let Err(reason) = outcome {
        writer.count_drop(reason);
    }
}

fn dropped(place: &Place, reason: Reason) -> u64 {
    place.reader().scrape().unwrap().stats.dropped[reason as usize]
}

#[test]
fn the_series_limit_counts_each_dropped_update() {
    let mut place = Place::new();
    place.config.max_series = 5;
    let c = counter("c", &["n"]);
    let work = || {
        let mut writer = place.writer();
        (0..300).for_each(|n| count_or_drop(&mut writer, &c, &[&(n % 30).to_string()]));
    };
    let children = [Child::run(work), Child::run(work)];
    let stored: f64 = rows(&mut place.reader(), "c").iter().map(|(_, values)| values[0]).sum();
    assert_eq!((stored, dropped(&place, Reason::SeriesLimit)), (100.0, 500), "every update is somewhere");
    children.into_iter().for_each(Child::kill);
    assert_eq!(dropped(&place, Reason::SeriesLimit), 500, "a death takes no drop away");
}

/// Fills a small segment with series until neither records nor pages are left.
#[test]
fn full_segment_counts_drops_and_keeps_other_series() {
    let mut place = Place::new();
    place.config.size = 2 << 20;
    place.config.max_series = 10_000;
    let (before, c) = (counter("before", &[]), counter("c", &["n"]));
    let mut writer = place.writer();
    count(&mut writer, &before, &[], 1.0);
    let text = "x".repeat(900);
    let updates = 2000;
    (0..updates).for_each(|n| count_or_drop(&mut writer, &c, &[&format!("{n}{text}")]));
    count(&mut writer, &before, &[], 1.0);
    let mut reader = place.reader();
    let stored: f64 = rows(&mut reader, "c").iter().map(|(_, values)| values[0]).sum();
    let stats = reader.scrape().unwrap().stats.clone();
    let lost = stats.dropped[Reason::SegmentFull as usize];
    println!("stored {stored}, dropped {lost}");
    assert!(stored > 100.0 && lost > 100, "it was filled");
    assert!((stored + lost as f64 - f64::from(updates)).abs() < 1e-9, "every update is somewhere");
    assert_eq!(value(&mut reader, "before"), Some(2.0));
    assert_eq!((stats.leaked_series, stats.leaked_bytes), (0, 0), "what found no room took none");
    assert!(stats.used_bytes <= stats.reserved_bytes);
}

/// A process without a page of its own counts in the shared slot.
#[test]
fn process_without_a_page_counts_in_the_shared_slot() {
    let mut place = Place::new();
    place.config.size = 2 << 20;
    place.config.max_series = 10_000;
    place.config.max_processes = 1;
    let c = counter("c", &["n"]);
    let own = Child::run(|| count(&mut place.writer(), &c, &["early"], 1.0));
    // This one has no slot, so it makes the pages of slot 0, and then leaves no room for others.
    let filler = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 0);
        count(&mut writer, &c, &["early"], 1.0);
        fill_up(&mut writer);
    });
    own.kill();
    let next_owner = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 1);
        count(&mut writer, &c, &["early"], 1.0);
    });
    assert_eq!(value(&mut place.reader(), "c"), Some(3.0));
    next_owner.end();
    filler.end();
}

fn fill_up(writer: &mut Writer) {
    let filler = counter("filler", &["n"]);
    let family = writer.register(&filler).unwrap();
    for length in [900, 60, 0] {
        let text = "x".repeat(length);
        let fits = |n: &i32| writer.resolve(family, &[&format!("{length}-{n}{text}")]).is_ok();
        assert!((0..100_000).take_while(fits).count() < 100_000);
    }
}

#[test]
fn new_process_in_a_full_segment_counts_known_series() {
    let mut place = Place::new();
    place.config.size = 2 << 20;
    place.config.max_series = 10_000;
    place.config.max_processes = 2;
    let c = counter("c", &[]);
    let mut first = place.writer();
    count(&mut first, &c, &[], 1.0);
    fill_up(&mut first);
    let second = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 2);
        (0..7).for_each(|_| count_or_drop(&mut writer, &c, &[]));
    });
    let stored = value(&mut place.reader(), "c").unwrap();
    let lost = dropped(&place, Reason::SegmentFull);
    assert!((stored - 1.0 + lost as f64 - 7.0).abs() < 1e-9, "stored {stored}, dropped {lost}");
    second.end();
}

#[test]
fn histogram_with_too_many_cells_is_dropped_and_counted() {
    let place = Place::new();
    let mut writer = place.writer();
    let bounds: Vec<f64> = (0..511).map(f64::from).collect();
    let fits = Definition::new("fits", "", Kind::Histogram, &[], &bounds[..510]).unwrap();
    let large = Definition::new("large", "", Kind::Histogram, &[], &bounds).unwrap();
    (0..3).for_each(|_| count_or_drop(&mut writer, &fits, &[]));
    (0..4).for_each(|_| count_or_drop(&mut writer, &large, &[]));
    assert!((rows(&mut place.reader(), "fits")[0].1[0] - 3.0).abs() < 1e-9);
    assert_eq!(dropped(&place, Reason::TooManyBuckets), 4);
}

/// Long values that agree in all but the last byte, that are cut within a character, and one that
/// is spelled like another's mark: as many series as values.
#[test]
fn truncated_labels_never_merge_two_series() {
    let mut place = Place::new();
    place.config.max_label_length = 64;
    let c = counter("c", &["a", "b"]);
    let mut writer = place.writer();
    let mut values: Vec<String> = (0..200).map(|n| format!("{}{n:03}", "ü".repeat(60))).collect();
    values.extend((60..70).map(|length| "y".repeat(length)));
    let family = writer.register(&c).unwrap();
    for value in &values {
        writer.resolve(family, &[value, value]).unwrap().cells[0].add_owned(1.0);
    }
    let first: Vec<String> =
        rows(&mut place.reader(), "c").into_iter().map(|(labels, _)| labels[0].clone()).collect();
    for cut in &first {
        writer.resolve(family, &[cut, cut]).unwrap().cells[0].add_owned(1.0);
    }
    let found = rows(&mut place.reader(), "c");
    assert_eq!(found.len(), values.len());
    assert!(found.iter().all(|(labels, _)| labels.iter().all(|label| label.len() <= 64)));
    assert!(found.iter().all(|(_, values)| (values[0] - 2.0).abs() < 1e-9), "a cut value names its series");
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!(stats.truncated_labels, 2 * 205);
}

/// Dropping costs no system call, however often it happens; every step that changes anything passes a
/// crash point, and the kernel counts the rest.
#[test]
fn a_dropped_update_is_one_store() {
    let mut place = Place::new();
    place.config.max_series = 1;
    let c = counter("c", &["n"]);
    let mut writer = place.writer();
    count(&mut writer, &c, &["stays"], 1.0);
    let family = writer.register(&c).unwrap();
    let reason = writer.resolve(family, &["drop"]).unwrap_err();
    crash::arm(0, nix::sys::signal::Signal::SIGKILL);
    (0..1000).for_each(|_| writer.count_drop(reason));
    assert_eq!(crash::passed(), 1000);
    assert_eq!(dropped(&place, Reason::SeriesLimit), 1000);
}

#[test]
fn gauges_of_processes_without_a_slot_are_merged_too() {
    let mut place = Place::new();
    place.config.max_processes = 1;
    let busy = gauge("busy", GaugeMode::Sum);
    let own = Child::run(|| set(&mut place.writer(), &busy, 1.0));
    let shared = Child::run(|| {
        let mut writer = place.writer();
        let family = writer.register(&busy).unwrap();
        writer.resolve(family, &[]).unwrap().cells[0].set(2.0);
        assert_eq!(writer.slot(), 0);
    });
    assert_eq!(value(&mut place.reader(), "busy"), Some(3.0));
    shared.end();
    own.end();
}

#[test]
fn family_at_its_limit_has_room_for_known_series_only() {
    let place = Place::new();
    let (c, other) = (counter("c", &["n"]), counter("other", &["n"]));
    let mut writer = place.writer();
    ["a", "b"].iter().for_each(|label| count(&mut writer, &c, &[label], 1.0));
    let (family, unlike) = (writer.register(&c).unwrap(), writer.register(&other).unwrap());
    assert!(writer.has_room(family, &["new"], 3) && writer.has_room(family, &["a"], 2));
    assert!(!writer.has_room(family, &["new"], 2));
    assert!(writer.has_room(unlike, &["new"], 2), "the limit is of each family");
    let plain = writer.register(&counter("plain", &[])).unwrap();
    assert!(writer.has_room(plain, &[], 0), "without labels there is one series at most");

    assert!(writer.remove(family, &["a"]));
    assert!(writer.has_room(family, &["new"], 2), "a removal makes room");
    count(&mut writer, &c, &["new"], 1.0);
    assert!(!writer.has_room(family, &["a"], 2), "what was removed has to find room again");
    writer.count_overflow(family);
    assert!(writer.has_room(family, &["a"], 2), "the series in which others count takes no place");
    assert_eq!(writer.remove_matching(family, &[None]), 2);
    assert!(writer.has_room(family, &["a"], 1));
}

#[test]
fn overflows_are_counted_for_each_family() {
    let place = Place::new();
    let mut writer = place.writer();
    ["a", "b"].iter().for_each(|name| count(&mut writer, &counter(name, &["n"]), &["x"], 1.0));
    let family = writer.register(&counter("b", &["n"])).unwrap();
    (0..3).for_each(|_| writer.count_overflow(family));
    let mut reader = place.reader();
    let overflows = reader.scrape().unwrap().families.iter().map(promshm_segment::Family::overflows);
    assert_eq!(overflows.collect::<Vec<_>>(), [0, 3]);
}
