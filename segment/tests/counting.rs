//! Counts are read exactly, whichever processes live or die.

mod support;

use promshm_segment::{GaugeMode, ReadError, Reader, snapshot::SlotState};
use support::*;

#[test]
fn reader_without_a_writer_finds_no_segment() {
    let place = Place::new();
    assert!(matches!(Reader::attach(place.config.name), Err(ReadError::Absent { .. })));
}

#[test]
fn counters_are_summed_per_series() {
    let place = Place::new();
    let mut writer = place.writer();
    let jobs = counter("jobs_total", &["queue", "status"]);
    count(&mut writer, &jobs, &["mail", "ok"], 1.0);
    count(&mut writer, &jobs, &["mail", "ok"], 2.5);
    count(&mut writer, &jobs, &["mail", "fail"], 1.0);
    let found = rows(&mut place.reader(), "jobs_total");
    let expected = [(["mail", "fail"], 1.0), (["mail", "ok"], 3.5)];
    assert_eq!(found, expected.map(|(labels, value)| (labels.map(String::from).to_vec(), vec![value])));
}

#[test]
fn a_reader_follows_new_series_and_families() {
    let place = Place::new();
    let mut writer = place.writer();
    let mut reader = place.reader();
    for name in ["b", "a", "c"] {
        count(&mut writer, &counter(name, &[]), &[], 1.0);
        assert_eq!(value(&mut reader, name), Some(1.0));
    }
    let names: Vec<_> =
        reader.scrape().unwrap().families.iter().map(|family| family.definition.name.clone()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn histograms_have_their_buckets_and_sum() {
    let place = Place::new();
    let mut writer = place.writer();
    let family = writer.register(&histogram("h")).unwrap();
    let cells = writer.resolve(family, &[]).unwrap().cells;
    assert_eq!(cells.len(), 4);
    cells[1].add_owned(1.0);
    cells[3].add_owned(1.5);
    assert_eq!(rows(&mut place.reader(), "h"), [(vec![], vec![0.0, 1.0, 0.0, 1.5])]);
}

#[test]
fn killed_process_keeps_its_counts_and_loses_its_gauges() {
    let place = Place::new();
    let (jobs, busy) = (counter("jobs", &[]), gauge("busy", GaugeMode::Sum));
    let work = || {
        let mut writer = place.writer();
        count(&mut writer, &jobs, &[], 5.0);
        set(&mut writer, &busy, 3.0);
    };
    let child = Child::run(work);
    let mut reader = place.reader();
    assert_eq!(value(&mut reader, "jobs"), Some(5.0));
    assert_eq!(value(&mut reader, "busy"), Some(3.0));
    child.kill();
    assert_eq!(value(&mut reader, "jobs"), Some(5.0));
    assert_eq!(value(&mut reader, "busy"), Some(0.0));
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!((stats.worker_starts, stats.exits_abrupt, stats.exits_clean), (1, 1, 0));
    assert_eq!(stats.slots_in(SlotState::Inherited), 1);

    let next_owner = Child::run(work);
    assert_eq!(value(&mut reader, "jobs"), Some(10.0));
    assert_eq!(value(&mut reader, "busy"), Some(3.0));
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!((stats.worker_starts, stats.exits_abrupt), (2, 1), "the next owner does not undo a death");
    assert_eq!(stats.slots.len(), 2, "the next owner continues in the same slot");
    next_owner.end();
}

#[test]
fn next_owner_does_not_show_previous_gauges() {
    let place = Place::new();
    let busy = gauge("busy", GaugeMode::Max);
    Child::run(|| set(&mut place.writer(), &busy, 9.0)).kill();
    let next_owner = Child::run(|| count(&mut place.writer(), &counter("c", &[]), &[], 1.0));
    assert_eq!(value(&mut place.reader(), "busy"), None);
    next_owner.end();
}

#[test]
fn clean_exits_and_abrupt_exits_are_counted_separately() {
    let place = Place::new();
    for after_fatal in [false, false, true] {
        Child::run(|| {
            let mut writer = place.writer();
            count(&mut writer, &counter("c", &[]), &[], 1.0);
            writer.clean_exit(after_fatal);
        })
        .end();
    }
    let mut reader = place.reader();
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!((stats.exits_clean, stats.exits_fatal, stats.exits_abrupt), (2, 1, 0));
    assert_eq!(stats.slots_in(SlotState::Live), 0);
}

#[test]
fn gauge_modes_merge_living_processes() {
    let place = Place::new();
    let modes = [GaugeMode::Last, GaugeMode::Sum, GaugeMode::Min, GaugeMode::Max, GaugeMode::All];
    let name = |mode| format!("g_{mode:?}").to_lowercase();
    let setting = |to: f64| {
        Child::run(|| {
            let mut writer = place.writer();
            modes.iter().for_each(|mode| set(&mut writer, &gauge(&name(*mode), *mode), to));
        })
    };
    let (one, four) = (setting(1.0), setting(4.0));
    let mut reader = place.reader();
    let merged = modes[..4].iter().map(|mode| value(&mut reader, &name(*mode)).unwrap());
    assert_eq!(merged.collect::<Vec<_>>(), [4.0, 5.0, 1.0, 4.0]);
    let all = rows(&mut reader, "g_all");
    assert_eq!(all.len(), 2);
    assert_ne!(all[0].0, all[1].0, "each process has its own pid label");
    four.kill();
    let merged = modes[..4].iter().map(|mode| value(&mut reader, &name(*mode)).unwrap());
    assert_eq!(merged.collect::<Vec<_>>(), [4.0, 1.0, 1.0, 1.0], "the last value stays, the rest forgets");
    assert_eq!(rows(&mut reader, "g_all").len(), 1);
    one.end();
}

#[test]
fn removal_hides_at_once_and_a_later_update_starts_from_zero() {
    let place = Place::new();
    let mut writer = place.writer();
    let mut reader = place.reader();
    let jobs = counter("jobs", &["q"]);
    count(&mut writer, &jobs, &["a"], 5.0);
    count(&mut writer, &jobs, &["b"], 1.0);
    assert_eq!(rows(&mut reader, "jobs").len(), 2);
    let (family, epoch) = (writer.register(&jobs).unwrap(), writer.epoch().load_relaxed());
    assert!(writer.remove(family, &["a"]));
    assert!(!writer.remove(family, &["a"]), "it is gone already");
    assert!(!writer.remove(family, &["never"]));
    assert_ne!(writer.epoch().load_relaxed(), epoch, "handles must be looked up again");
    assert_eq!(rows(&mut reader, "jobs"), [(vec!["b".into()], vec![1.0])]);
    count(&mut writer, &jobs, &["a"], 2.0);
    assert_eq!(rows(&mut reader, "jobs")[0], (vec!["a".into()], vec![2.0]));
    assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0);
}

#[test]
fn series_that_match_some_labels_are_removed_at_once() {
    let place = Place::new();
    let (mut writer, mut other, mut reader) = (place.writer(), place.writer(), place.reader());
    let (jobs, more) = (counter("jobs", &["q", "w"]), counter("more", &["q", "w"]));
    let long = "x".repeat(2000);
    for labels in [["a", "1"], ["a", "2"], ["b", "1"], ["b", "2"], [long.as_str(), "1"]] {
        count(&mut writer, &jobs, &labels, 1.0);
        count(&mut other, &more, &labels, 1.0);
    }
    let (family, epoch) = (writer.register(&jobs).unwrap(), writer.epoch().load_relaxed());
    assert_eq!(writer.remove_matching(family, &[Some("a"), None]), 2);
    assert_ne!(writer.epoch().load_relaxed(), epoch, "handles must be looked up again");
    assert_eq!(writer.remove_matching(family, &[Some("a"), None]), 0);
    let epoch = writer.epoch().load_relaxed();
    assert_eq!(writer.remove_matching(family, &[Some("never"), None]), 0);
    assert_eq!(writer.remove_matching(family, &[None]), 0, "one value is missing");
    assert_eq!(writer.epoch().load_relaxed(), epoch, "nothing was removed");
    assert_eq!(writer.remove_matching(family, &[Some(&long), Some("1")]), 1, "its value was truncated");
    assert_eq!(rows(&mut reader, "jobs").len(), 2);
    // In another process, and by another order of the labels.
    let turned = other.register(&counter("jobs", &["w", "q"])).unwrap();
    assert_eq!(other.remove_matching(turned, &[None, Some("b")]), 2);
    assert_eq!(rows(&mut reader, "jobs").len(), 0);
    assert_eq!(rows(&mut reader, "more").len(), 5, "another family");
    count(&mut writer, &jobs, &["a", "1"], 3.0);
    assert_eq!(rows(&mut reader, "jobs"), [(vec!["a".into(), "1".into()], vec![3.0])]);
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!((stats.series, stats.leaked_series, stats.corrupt_records), (6, 0, 0));
}

#[test]
fn the_definition_of_the_youngest_living_process_is_exported() {
    let place = Place::new();
    let (old, new) = (counter("c", &["a"]), counter("c", &["a", "b"]));
    let elder = Child::run(|| count(&mut place.writer(), &old, &["x"], 1.0));
    let mut reader = place.reader();
    assert_eq!(rows(&mut reader, "c").len(), 1);
    let younger = Child::run(|| count(&mut place.writer(), &new, &["x", "y"], 2.0));
    assert_eq!(rows(&mut reader, "c"), [(vec!["x".into(), "y".into()], vec![2.0])]);
    younger.kill();
    assert_eq!(rows(&mut reader, "c"), [(vec!["x".into()], vec![1.0])], "a rolled back deploy");
    elder.kill();
    assert_eq!(rows(&mut reader, "c")[0].1, [2.0], "nobody lives: the last definition stays");
}

/// As docs/internals/segment.md says: what was claimed last counts, not who was started last.
#[test]
fn a_definition_that_an_older_process_changed_later_is_exported() {
    let place = Place::new();
    let (mut older, mut younger, mut reader) = (place.writer(), place.writer(), place.reader());
    let exported = |reader: &mut Reader| rows(reader, "c")[0].1.clone();
    count(&mut older, &counter("c", &["old"]), &["x"], 1.0);
    count(&mut younger, &counter("c", &["new"]), &["x"], 2.0);
    assert_eq!(exported(&mut reader), [2.0]);
    count(&mut older, &counter("c", &["newest"]), &["x"], 4.0);
    assert_eq!(exported(&mut reader), [4.0]);
}

#[test]
fn a_forked_child_counts_in_a_slot_of_its_own() {
    let place = Place::new();
    let mut writer = place.writer();
    let c = counter("c", &[]);
    count(&mut writer, &c, &[], 1.0);
    let parents_slot = writer.slot();
    let mut inherited = Some(writer);
    let child = Child::run(|| {
        let mut writer = inherited.take().unwrap().forked();
        assert_ne!(writer.slot(), parents_slot);
        count(&mut writer, &c, &[], 10.0);
        writer.clean_exit(false);
    });
    child.end();
    let mut writer = inherited.take().unwrap();
    count(&mut writer, &c, &[], 100.0);
    assert_eq!(value(&mut place.reader(), "c"), Some(111.0));
}

#[test]
fn wiping_replaces_the_segment() {
    let place = Place::new();
    let c = counter("c", &[]);
    let mut writer = place.writer();
    let mut other = place.writer();
    count(&mut writer, &c, &[], 5.0);
    let mut reader = place.reader();
    let epoch = other.epoch().load_relaxed();
    writer.wipe().unwrap();
    assert!(!other.is_current());
    assert_ne!(other.epoch().load_relaxed(), epoch);
    assert!(matches!(reader.scrape(), Err(ReadError::Retired { .. })));
    other = place.writer();
    count(&mut other, &c, &[], 1.0);
    assert_eq!(value(&mut place.reader(), "c"), Some(1.0));
}

#[test]
fn processes_without_a_slot_share_one_and_stay_exact() {
    let mut place = Place::new();
    place.config.max_processes = 1;
    let c = counter("c", &[]);
    let own = Child::run(|| count(&mut place.writer(), &c, &[], 1.0));
    let overflow: Vec<_> = (0..3)
        .map(|_| {
            Child::run(|| {
                let mut writer = place.writer();
                assert_eq!(writer.slot(), 0);
                (0..1000).for_each(|_| count(&mut writer, &c, &[], 1.0));
            })
        })
        .collect();
    let mut reader = place.reader();
    assert_eq!(value(&mut reader, "c"), Some(3001.0));
    assert_eq!(reader.scrape().unwrap().stats.overflow_processes, 3);
    overflow.into_iter().for_each(Child::kill);
    own.kill();
    assert_eq!(value(&mut reader, "c"), Some(3001.0));
}

#[test]
fn series_limit_drops_new_series_and_keeps_known_ones() {
    let mut place = Place::new();
    place.config.max_series = 3;
    let mut writer = place.writer();
    let c = counter("c", &["n"]);
    let family = writer.register(&c).unwrap();
    let made = (0..5).filter(|n: &i32| writer.resolve(family, &[&n.to_string()]).is_ok()).count();
    assert_eq!(made, 3);
    assert!(writer.remove(family, &["0"]));
    assert!(writer.resolve(family, &["4"]).is_ok(), "removal makes room");
    assert!(writer.resolve(family, &["1"]).is_ok(), "what exists goes on");
}

/// While a generation cannot begin, a removed series keeps its entry of the index.
#[test]
fn removals_allow_new_series_until_the_index_is_full() {
    let mut place = Place::new();
    place.config.max_series = 300;
    place.config.max_processes = 1;
    let mut writer = place.writer();
    let _without_a_slot = Child::run(|| assert_eq!(place.writer().slot(), 0));
    let family = writer.register(&counter("c", &["n"])).unwrap();
    let mut made = (0..u32::MAX).map(|n| n.to_string()).map_while(|n| {
        writer.resolve(family, &[&n]).ok()?;
        assert!(writer.remove(family, &[&n]));
        Some(())
    });
    let ever = made.by_ref().count();
    assert!((450..1024).contains(&ever), "{ever} is not one and a half times max_series at least");
    let mut reader = place.reader();
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!((stats.series, stats.index_entries), (0, stats.max_index_entries), "what is full shows");
    assert_eq!(stats.index_entries, ever as u64 + 1, "the family has an entry too");
}

/// As docs/metrics.md says of `promshm_segment_leaked_bytes`.
#[test]
fn removed_series_leaks_only_when_it_is_made_again() {
    let place = Place::new();
    let (mut writer, mut reader) = (place.writer(), place.reader());
    let family = writer.register(&counter("c", &["n"])).unwrap();
    let mut leaked = || reader.scrape().unwrap().stats.leaked_bytes;
    assert!(writer.resolve(family, &["0"]).is_ok());
    assert_eq!(leaked(), 0);
    assert!(writer.remove(family, &["0"]));
    assert_eq!(leaked(), 0);
    assert!(writer.resolve(family, &["0"]).is_ok());
    assert!(leaked() > 0);
}
