//! Exemplars: which one is shown, deaths and readers during an update, and full segments.

mod support;

use promshm_segment::{
    Definition, Exemplar, Reader, Writer,
    format::exemplar::ExemplarLabels,
    memory::atomic::Cell,
    snapshot::{Reason, SlotState},
};
use support::{
    crash::{Fate, die_at, stop_at},
    *,
};

/// Adds one to cell number `cell` of a series, and answers where it is.
fn counted(writer: &mut Writer, definition: &Definition, labels: &[&str], cell: usize) -> *const Cell {
    let family = writer.register(definition).expect("room for a family");
    let series = writer.resolve(family, labels).expect("room for a series");
    let cell = &series.cells[cell];
    if series.shared {
        cell.add_shared(1.0);
    } else {
        cell.add_owned(1.0);
    }
    cell
}

fn labels(id: &str) -> ExemplarLabels {
    let mut labels = ExemplarLabels::default();
    labels.push(b"trace_id", id.as_bytes()).expect("short enough");
    labels
}

/// Counts an update with an exemplar.
fn note(writer: &mut Writer, definition: &Definition, cell: usize, id: &str, time: f64) {
    let cell = counted(writer, definition, &[], cell);
    writer.note_exemplar(cell, &labels(id), time / 2.0, time);
}

/// A family's exemplars: of each its row, its cell, its only label's value, and its time.
fn exemplars(reader: &mut Reader, name: &str) -> Vec<(usize, usize, String, f64)> {
    let snapshot = reader.scrape().expect("a scrape");
    let family = snapshot.families.iter().find(|family| family.definition.name == name);
    let rows = family.into_iter().flat_map(promshm_segment::Family::rows);
    let found = rows.flat_map(|row| row.exemplars().map(move |(cell, found)| (row.index(), cell, found)));
    found
        .map(|(row, cell, Exemplar { labels, value, time })| {
            assert!(labels.len() == 1 && labels[0].0 == "trace_id", "{labels:?}");
            assert!((value - time / 2.0).abs() < 1e-9, "{value} at {time} is of two exemplars");
            (row, cell, labels[0].1.clone(), *time)
        })
        .collect()
}

fn only(reader: &mut Reader, name: &str) -> Option<String> {
    let found = exemplars(reader, name);
    assert!(found.len() <= 1, "{found:?}");
    found.into_iter().next().map(|(_, _, id, _)| id)
}

fn dropped(place: &Place) -> u64 {
    place.reader().scrape().unwrap().stats.dropped[Reason::Exemplar as usize]
}

fn used(place: &Place) -> (u64, u64) {
    let mut reader = place.reader();
    let stats = &reader.scrape().unwrap().stats;
    (stats.used_bytes, stats.leaked_bytes)
}

#[test]
fn latest_exemplar_of_each_cell_is_shown() {
    let place = Place::new();
    let mut writer = place.writer();
    let (jobs, seconds) = (counter("jobs", &["queue"]), histogram("seconds"));
    let noted = [("b", "b1", 1.0), ("a", "a1", 2.0), ("b", "b2", 3.0)];
    for (queue, id, time) in noted {
        let cell = counted(&mut writer, &jobs, &[queue], 0);
        writer.note_exemplar(cell, &labels(id), time / 2.0, time);
    }
    counted(&mut writer, &jobs, &["none"], 0);
    for (bucket, id, time) in [(2, "inf", 4.0), (0, "low", 5.0), (0, "lower", 6.0)] {
        note(&mut writer, &seconds, bucket, id, time);
    }
    let mut reader = place.reader();
    for _ in 0..2 {
        let of_jobs = [(0, 0, "a1".into(), 2.0), (1, 0, "b2".into(), 3.0)];
        assert_eq!(exemplars(&mut reader, "jobs"), of_jobs);
        let of_seconds = [(0, 0, "lower".into(), 6.0), (0, 2, "inf".into(), 4.0)];
        assert_eq!(exemplars(&mut reader, "seconds"), of_seconds);
    }
    assert_eq!((dropped(&place), used(&place).1), (0, 0));
}

/// Several cells make one bucket of the classic form.
#[test]
fn latest_exemplar_of_each_classic_bucket_is_shown_where_a_histogram_has_both_forms() {
    let place = Place::new();
    let mut writer = place.writer();
    let seconds = histogram("seconds").with_native_form();
    let cell = |value: f64| seconds.cell_bounds().iter().filter(|bound| value > **bound).count();
    for (value, id, time) in
        [(1.1, "early", 1.0), (1.9, "late", 3.0), (1.5, "between", 2.0), (5.0, "inf", 1.0)]
    {
        note(&mut writer, &seconds, cell(value), id, time);
    }
    let shown = [(0, 1, "late".into(), 3.0), (0, 2, "inf".into(), 1.0)];
    assert_eq!(exemplars(&mut place.reader(), "seconds"), shown);
}

#[test]
fn latest_exemplar_of_all_slots_is_shown() {
    let place = Place::new();
    let jobs = counter("jobs", &[]);
    let mut writers: Vec<Writer> = (0..3).map(|_| place.writer()).collect();
    let mut reader = place.reader();
    for (which, time, shown) in
        [(0, 10.0, "0 at 10"), (1, 20.0, "1 at 20"), (2, 15.0, "1 at 20"), (0, 30.0, "0 at 30")]
    {
        note(&mut writers[which], &jobs, 0, &format!("{which} at {time}"), time);
        assert_eq!(only(&mut reader, "jobs").as_deref(), Some(shown));
    }
}

#[test]
fn long_exemplar_uses_a_larger_place_and_the_latest_is_shown() {
    let place = Place::new();
    let mut writer = place.writer();
    let jobs = counter("jobs", &[]);
    let long = "€".repeat(100);
    for (id, time) in [("short", 1.0), (&*long, 2.0), ("short again", 3.0), (&*long, 4.0)] {
        note(&mut writer, &jobs, 0, id, time);
        assert_eq!(only(&mut place.reader(), "jobs").as_deref(), Some(id));
    }
}

#[test]
fn next_owner_reuses_exemplar_places() {
    let place = Place::new();
    let jobs: Vec<Definition> = (0..30).map(|number| counter(&format!("jobs_{number}"), &[])).collect();
    let life = |time: f64| {
        let work = || {
            let mut writer = place.writer();
            jobs.iter().for_each(|jobs| note(&mut writer, jobs, 0, &format!("at {time}"), time));
            std::mem::forget(writer);
        };
        Child::run(work).kill();
    };
    life(1.0);
    assert_eq!(only(&mut place.reader(), "jobs_29").as_deref(), Some("at 1"), "the dead one's stands");
    let before = used(&place);
    (2..20).for_each(|time| life(f64::from(time)));
    assert_eq!(used(&place), before, "not a page more");
    for number in 0..30 {
        assert_eq!(only(&mut place.reader(), &format!("jobs_{number}")).as_deref(), Some("at 19"));
    }
    assert_eq!((place.reader().scrape().unwrap().stats.slots.len(), dropped(&place)), (2, 0));
}

#[test]
fn removed_series_loses_its_exemplar() {
    let place = Place::new();
    let mut writer = place.writer();
    let jobs = counter("jobs", &[]);
    note(&mut writer, &jobs, 0, "old", 1.0);
    let mut reader = place.reader();
    assert_eq!(only(&mut reader, "jobs").as_deref(), Some("old"));
    let family = writer.register(&jobs).unwrap();
    assert!(writer.remove(family, &[]));
    counted(&mut writer, &jobs, &[], 0);
    assert_eq!(only(&mut reader, "jobs"), None);
    note(&mut writer, &jobs, 0, "new", 0.5);
    assert_eq!(only(&mut reader, "jobs").as_deref(), Some("new"));
}

#[test]
fn exemplar_without_room_is_counted_and_its_update_kept() {
    let mut place = Place::new();
    place.config.max_processes = 1;
    let _first = place.writer();
    let mut second = place.writer();
    assert_eq!(second.slot(), 0);
    let jobs = counter("jobs", &[]);
    note(&mut second, &jobs, 0, "of the shared slot", 1.0);
    assert_eq!((only(&mut place.reader(), "jobs"), dropped(&place)), (None, 1));
    assert_eq!(value(&mut place.reader(), "jobs"), Some(1.0));
}

#[test]
fn exemplars_use_at_most_half_of_the_segment() {
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.max_processes) = (1 << 20, 2000, 2);
    let mut writer = place.writer();
    let jobs = counter("jobs", &["number"]);
    let long = "x".repeat(120);
    for number in 0..2000 {
        let cell = counted(&mut writer, &jobs, &[&number.to_string()], 0);
        writer.note_exemplar(cell, &labels(&long), 0.5, 1.0);
    }
    let shown = exemplars(&mut place.reader(), "jobs").len() as u64;
    assert!(shown > 100, "{shown}");
    assert_eq!(dropped(&place), 2000 - shown);
    assert_eq!(rows(&mut place.reader(), "jobs").len(), 2000);
    let (used, leaked) = used(&place);
    assert!((400_000..3 << 18).contains(&used) && leaked == 0, "{used} {leaked}");
}

/// The process that is killed or stopped: it stores a first exemplar, or replaces one.
fn victim(place: &Place, noted: u32) -> Writer {
    let mut writer = place.writer();
    counted(&mut writer, &counter("jobs", &[]), &[], 0);
    (1..=noted).for_each(|time| note(&mut writer, &counter("jobs", &[]), 0, &id_at(time), f64::from(time)));
    writer
}

fn id_at(time: u32) -> String {
    format!("{time}").repeat(10 + time as usize % 3)
}

fn small_place() -> Place {
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.max_processes) = (1 << 20, 8, 4);
    place
}

#[test]
fn death_at_any_step_leaves_the_previous_or_the_new_exemplar() {
    let _watchdog = Watchdog::new();
    for noted in 0..4 {
        let mut deaths = 0;
        for point in 1.. {
            let place = small_place();
            let act = |writer: &mut Option<Writer>| {
                let writer = writer.as_mut().unwrap();
                note(writer, &counter("jobs", &[]), 0, &id_at(noted + 1), f64::from(noted + 1));
            };
            let fate = die_at(point, || victim(&place, noted), act);
            let found = only(&mut place.reader(), "jobs");
            let before = (noted > 0).then(|| id_at(noted));
            let right = found == before || found == Some(id_at(noted + 1));
            assert!(right, "{noted} before, point {point}: {found:?}");
            let mut next_owner = place.writer();
            note(&mut next_owner, &counter("jobs", &[]), 0, "next_owner", 100.0);
            assert_eq!(only(&mut place.reader(), "jobs").as_deref(), Some("next_owner"));
            next_owner.clean_exit(false);
            let mut reader = place.reader();
            let stats = &reader.scrape().unwrap().stats;
            assert_eq!((stats.slots_in(SlotState::Live), stats.corrupt_records), (0, 0));
            assert!(stats.leaked_bytes <= 4096, "point {point}: {} bytes leaked", stats.leaked_bytes);
            if fate == Fate::Completed {
                break;
            }
            deaths += 1;
        }
        println!("exemplar after {noted}: died at {deaths} points");
        assert!(deaths >= 8, "{deaths}");
    }
}

#[test]
fn process_stopped_at_any_step_of_an_exemplar_hides_and_blocks_nothing() {
    let _watchdog = Watchdog::new();
    let mut stops = 0;
    for point in 1.. {
        let place = small_place();
        let act = |writer: &mut Option<Writer>| {
            note(writer.as_mut().unwrap(), &counter("jobs", &[]), 0, &id_at(4), 4.0);
        };
        let Some(stopped) = stop_at(point, || victim(&place, 3), act) else { break };
        let mut reader = place.reader();
        let found = only(&mut reader, "jobs");
        assert!(found == Some(id_at(3)) || found == Some(id_at(4)), "point {point}: {found:?}");
        let mut other = place.writer();
        note(&mut other, &counter("jobs", &[]), 0, "other", 3.5);
        let expected = if found == Some(id_at(4)) { id_at(4) } else { "other".into() };
        assert_eq!(only(&mut reader, "jobs"), Some(expected), "point {point}");
        stopped.go_on();
        assert_eq!(only(&mut reader, "jobs"), Some(id_at(4)), "point {point}");
        stops += 1;
    }
    println!("exemplar: stopped at {stops} points");
    assert!(stops >= 8, "{stops}");
}

/// Each exemplar's value and labels belong to its time, at whatever instant it is read, and
/// none is older than one that was shown.
#[test]
fn reader_never_mixes_two_exemplars() {
    let _watchdog = Watchdog::new();
    let place = Place::new();
    let jobs = counter("jobs", &[]);
    let mut worker = None;
    let worker = workers::repeat(|| {
        let (writer, cell, time) = worker.get_or_insert_with(|| {
            let mut writer = place.writer();
            let cell = counted(&mut writer, &jobs, &[], 0);
            (writer, cell, 0)
        });
        *time += 1;
        writer.note_exemplar(*cell, &labels(&id_at(*time)), f64::from(*time) / 2.0, f64::from(*time));
    });
    let attached = || Reader::attach(place.config.name).ok();
    let mut reader = std::iter::repeat_with(attached).flatten().next().unwrap();
    let (mut seen, mut last) = (0, 0.0);
    while seen < 2000 {
        for (_, _, id, time) in exemplars(&mut reader, "jobs") {
            assert_eq!(id, id_at(time as u32));
            assert!(time >= last, "{time} after {last}");
            seen += u32::from(time > last);
            last = time;
        }
    }
    drop(worker);
    println!("{seen} exemplars read while {last} were written");
}
