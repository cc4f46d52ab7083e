//! Processes that are configured differently than the segment which they use.
#![allow(clippy::float_cmp)] // whole numbers

#[path = "support/forge.rs"]
mod forge;
mod support;

use promshm_segment::{Difference, Writer};
use support::*;

fn place_with(max_series: u32) -> Place {
    let mut place = Place::new();
    place.config.max_series = max_series;
    place
}

/// A process with another limit of series.
fn writer_with(place: &Place, max_series: u32) -> Writer {
    let config = promshm_segment::Config { max_series, ..place.config.clone() };
    Writer::attach(&config).expect("the segment can be attached")
}

fn family_of(writer: &mut Writer) -> promshm_segment::FamilyId {
    writer.register(&counter("c", &["n"])).unwrap()
}

/// Makes series until there is no room for another one, `most` at most; returns how many there are then.
fn fill(writer: &mut Writer, most: u32) -> u32 {
    let family = writer.register(&counter("c", &["n"])).expect("room for a family");
    let mut made = 0;
    while made < most && writer.resolve(family, &[&made.to_string()]).is_ok() {
        made += 1;
    }
    made
}

fn settle(writers: &mut [&mut Writer]) {
    for _ in 0..32 {
        writers.iter_mut().for_each(|writer| writer.tend());
    }
    assert!(writers.iter().all(|writer| !writer.has_to_tend()), "it is all done");
}

#[test]
fn higher_limit_of_series_holds_once_a_generation_begins() {
    let place = place_with(100);
    let mut old = place.writer();
    assert_eq!(fill(&mut old, 70), 70);
    let mut young = writer_with(&place, 150);
    assert_eq!(old.max_series(), 100, "the segment's own settings hold until then");
    assert!(young.compact());
    settle(&mut [&mut old, &mut young]);
    assert_eq!([old.max_series(), young.max_series()], [150, 150]);
    assert_eq!(fill(&mut old, 1000), 150);
    let stats = place.reader().scrape().unwrap().stats.clone();
    assert_eq!((stats.series, stats.max_series, stats.corrupt_records), (150, 150, 0));
    // It holds for the generations that follow, too.
    let family = family_of(&mut old);
    (0..40).for_each(|number| assert!(old.remove(family, &[&number.to_string()])));
    assert!(old.compact());
    settle(&mut [&mut old, &mut young]);
    assert_eq!(fill(&mut old, 1000), 150);
}

/// Nothing would be given back, and yet a generation begins, because there is room for more.
#[test]
fn full_segment_takes_a_higher_limit_of_series_by_itself() {
    let place = place_with(100);
    let mut old = place.writer();
    assert_eq!(fill(&mut old, 1000), 100);
    let mut young = writer_with(&place, 200);
    let family = family_of(&mut young);
    young.resolve(family, &["one more"]).expect("room in the next generation");
    settle(&mut [&mut old, &mut young]);
    assert_eq!(fill(&mut young, 1000), 199);
    assert_eq!(place.reader().scrape().unwrap().stats.generation, 1);
}

#[test]
fn lower_limit_of_series_keeps_those_that_exist_and_refuses_new_ones() {
    let place = place_with(100);
    let mut old = place.writer();
    assert_eq!(fill(&mut old, 60), 60);
    let family = family_of(&mut old);
    old.resolve(family, &["7"]).unwrap().cells[0].add_owned(5.0);
    let mut young = writer_with(&place, 20);
    assert!(young.compact());
    settle(&mut [&mut old, &mut young]);
    let mut reader = place.reader();
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!((stats.series, stats.max_series), (60, 20));
    assert_eq!(rows(&mut reader, "c").iter().map(|(_, values)| values[0]).sum::<f64>(), 5.0);
    let family = family_of(&mut young);
    assert!(young.resolve(family, &["new"]).is_err());
    (0..41).for_each(|number| assert!(young.remove(family, &[&number.to_string()])));
    assert!(young.resolve(family, &["new"]).is_ok(), "19 are left");
    assert!(young.resolve(family, &["newer"]).is_err());
}

/// The index, and so the highest limit, is as large as the creator made it.
#[test]
fn limit_of_series_rises_as_far_as_the_index_has_room() {
    let place = place_with(100);
    let mut writer = writer_with(&place, 100);
    let mut young = writer_with(&place, 100_000);
    assert!(young.compact());
    settle(&mut [&mut writer, &mut young]);
    assert_eq!(young.max_series(), 256);
    assert_eq!(fill(&mut young, 1000), 256);
}

#[test]
fn the_youngest_living_process_decides() {
    let place = place_with(100);
    let mut old = place.writer();
    Child::run(|| count(&mut writer_with(&place, 40), &counter("by_dead", &[]), &[], 1.0)).kill();
    assert!(old.compact());
    settle(&mut [&mut old]);
    assert_eq!(old.max_series(), 100, "a dead process decides nothing");
    let mut older = writer_with(&place, 120);
    let mut youngest = writer_with(&place, 140);
    assert!(old.compact(), "whoever begins it");
    settle(&mut [&mut old, &mut older, &mut youngest]);
    assert_eq!(old.max_series(), 140);
}

#[test]
fn settings_of_the_youngest_process_are_reported_where_they_differ() {
    let place = place_with(100);
    let _creator = place.writer();
    let mut reader = place.reader();
    let has = reader.scrape().unwrap().stats.settings;
    assert_eq!(has, place.config.settings());
    assert_eq!(reader.scrape().unwrap().stats.other_settings, None);
    let config = promshm_segment::Config { size: 32 << 20, series_ttl: 60, ..place.config.clone() };
    let child = Child::run(|| std::mem::forget(Writer::attach(&config).unwrap()));
    let youngest = Writer::attach(&config).unwrap();
    let stats = reader.scrape().unwrap().stats.clone();
    let other = stats.other_settings.expect("two processes are configured differently");
    assert_eq!((other.settings, other.pid, other.processes), (config.settings(), std::process::id(), 2));
    assert_eq!(stats.settings, has, "the segment stays what it is");
    let names: Vec<_> = youngest.differences().iter().map(|it| (it.setting, it.next_generation)).collect();
    assert_eq!(names, [("size", false), ("series_ttl", false)]);
    child.kill();
    youngest.clean_exit(false);
    assert_eq!(reader.scrape().unwrap().stats.other_settings, None, "they are gone");
}

/// However many processes are configured so, and however often they come and go.
#[test]
fn each_set_of_other_settings_is_told_once() {
    let place = place_with(100);
    let told = |max_series| writer_with(&place, max_series).untold_differences();
    assert_eq!(told(100), [], "these are the segment's own");
    let difference =
        Difference { setting: "max_series", configured: 200, segment: 100, next_generation: true };
    assert_eq!(told(200), [difference]);
    assert_eq!(told(200), []);
    let others = (201..300).filter(|max_series| !told(*max_series).is_empty()).count();
    assert_eq!(others, promshm_segment::layout::TOLD - 1, "no log is flooded");
    assert_eq!(writer_with(&place, 200).differences(), [difference], "whoever asks is told");
}

#[test]
fn absurd_settings_of_a_slot_are_ignored() {
    let place = place_with(100);
    let mut writer = place.writer();
    let mut reader = place.reader();
    let raw = forge::Raw::open(&place);
    let slot = promshm_segment::layout::HEADER as usize + 512 * writer.slot();
    let words = slot + std::mem::offset_of!(promshm_segment::layout::Slot, configured);
    raw.set(words, u64::MAX); // the size
    assert!(reader.scrape().unwrap().stats.other_settings.is_some());
    for word in [0, u64::MAX] {
        (0..3).for_each(|number| raw.set(words + 8 * number, word));
        assert_eq!(reader.scrape().unwrap().stats.other_settings, None, "{word}");
        writer.compact();
        settle(&mut [&mut writer]);
        assert_eq!(writer.max_series(), 100, "{word}");
    }
}
