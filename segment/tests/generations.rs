//! Generations: what is not used any more is given back, nothing is lost, and no total goes back.
#![allow(clippy::float_cmp)] // whole numbers

mod support;

use promshm_segment::{GaugeMode, Kind, NativeIndex, Reader, Writer, crash};
use std::collections::BTreeMap;
use support::{
    crash::{Fate, die_at, stop_at},
    trials::*,
    *,
};

/// Makes and removes `count` series, one after the other. Returns how many found no room.
fn churn(writer: &mut Writer, name: &str, count: u32) -> u32 {
    let family = writer.register(&counter(name, &["n"])).unwrap();
    let mut dropped = 0;
    for number in 0..count {
        let label = number.to_string();
        match writer.resolve(family, &[&label]) {
            Ok(series) => series.cells[0].add_owned(1.0),
            Err(_) => dropped += 1,
        }
        writer.remove(family, &[&label]);
    }
    dropped
}

/// Lets living processes do all that is to be done.
fn settle(writers: &mut [&mut Writer]) {
    for _ in 0..64 {
        writers.iter_mut().for_each(|writer| writer.tend());
    }
    assert!(writers.iter().all(|writer| !writer.has_to_tend()), "it is all done");
}

fn small_place() -> Place {
    let mut place = Place::new();
    (place.config.max_series, place.config.max_processes, place.config.size) = (100, 8, 4 << 20);
    place
}

#[test]
fn series_made_and_removed_for_ever_never_fill_the_segment() {
    let place = small_place();
    let mut writer = place.writer();
    count(&mut writer, &counter("kept", &[]), &[], 5.0);
    assert_eq!(churn(&mut writer, "c", 20_000), 0, "nothing is dropped");
    count(&mut writer, &counter("late", &[]), &[], 1.0);
    let mut reader = place.reader();
    assert_eq!([value(&mut reader, "kept"), value(&mut reader, "late")], [Some(5.0), Some(1.0)]);
    assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0);
}

#[test]
fn gauges_made_and_removed_for_ever_never_fill_the_segment() {
    let place = small_place();
    let mut writer = place.writer();
    for mode in [GaugeMode::Last, GaugeMode::Sum] {
        let definition = promshm_segment::Definition::new(
            &format!("g_{}", mode as u8),
            "",
            Kind::Gauge(mode),
            &["n"],
            &[],
        );
        let family = writer.register(&definition.unwrap()).unwrap();
        for number in 0..3000 {
            let label = number.to_string();
            let cell = &writer.resolve(family, &[&label]).expect("room").cells[0];
            assert_eq!(cell.get().to_bits(), promshm_segment::layout::UNSET, "a fresh gauge has no value");
            cell.set(1.0);
            assert!(writer.remove(family, &[&label]));
        }
    }
}

#[test]
fn memory_stays_flat_and_the_old_half_is_given_back() {
    let place = small_place();
    let mut writer = place.writer();
    churn(&mut writer, "c", 1000);
    let first = resident(&place);
    churn(&mut writer, "c", 10_000);
    settle(&mut [&mut writer]);
    let last = resident(&place);
    assert!(last <= first + 64 * 4096, "{last} bytes after {first}");
}

/// Counts of all kinds survive any number of generations, of living and of dead processes.
#[test]
fn all_kinds_of_series_are_carried() {
    let place = Place::new();
    Child::run(|| count_all(&mut place.writer(), 3.0)).kill();
    let mut one = place.writer();
    let mut other = place.writer();
    count_all(&mut one, 1.0);
    observe(&mut one, &native_with("spans", &[]), 3.0, 2);
    Child::run(|| count_all(&mut place.writer(), 2.0)).kill();
    count(&mut other, &jobs(), &["mail"], 4.0);
    observe(&mut other, &native_with("spans", &[]), f64::INFINITY, 1);
    let mut reader = place.reader();
    for round in 0..7 {
        let sums = |reader: &mut Reader| {
            assert_eq!(jobs_total(reader), 10.0, "round {round}");
            assert_eq!(rows(reader, "seconds")[0].1, [6.0, 0.0, 0.0, 6.0 * 0.3], "round {round}");
            let spans = [0.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, f64::INFINITY];
            assert_eq!(rows(reader, "spans")[0].1, spans, "round {round}");
            assert_eq!(rows(reader, "sizes")[0].1[2..], [6.0, 3.0], "round {round}");
            assert_eq!(value(reader, "busy"), Some(1.0), "round {round}: the living one's gauge alone");
            assert_eq!(value(reader, "load"), Some(2.0), "round {round}");
            assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0);
        };
        sums(&mut reader);
        assert!(one.compact(), "round {round}");
        sums(&mut reader);
        one.tend();
        sums(&mut reader);
        one.tend();
        sums(&mut reader);
        settle(&mut [&mut other, &mut one]);
        sums(&mut reader);
        sums(&mut place.reader());
    }
}

/// Narrow and wide ones, which share pages with counters and histograms, of living processes, a dead one and one that has
/// not turned: the reader adds up what was observed, wherever the cells lie and whichever of them are read.
#[test]
fn native_histograms_are_exact_beside_other_series_in_any_half() {
    let place = Place::new();
    let kinds =
        [native_with("narrow", &["n"]), wide_native_with("wide", &["n"]), histogram_with("h", &["n"])];
    let (labels, values) = (["a", "b", "c"], [0.0, 0.3, 1.5, 1e3, 1e9, -2.0, 0.001]);
    let mut expected: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
    let mut random = Random(1);
    let mut act = |writer: &mut Writer, expected: &mut BTreeMap<(usize, &'static str), Vec<f64>>| {
        for _ in 0..12 {
            let (kind, label) = (random.next() as usize % kinds.len(), labels[random.next() as usize % 3]);
            let value = values[random.next() as usize % values.len()];
            observe_into(writer, &kinds[kind], &[label], value, 1);
            count(writer, &counter("c", &["n"]), &[label], 1.0);
            expected.entry((kind, label)).or_default().push(value);
        }
    };
    let check = |reader: &mut Reader, expected: &BTreeMap<(usize, &str), Vec<f64>>, when: &str| {
        let mut found = 0.0;
        for (kind, definition) in kinds.iter().enumerate() {
            for (labels, row) in rows(reader, &definition.name) {
                let observed = &expected[&(kind, &*labels[0])];
                let mut numbers = vec![0.0; definition.numbers()];
                for value in observed {
                    let cell = match definition.kind {
                        Kind::NativeHistogram(buckets) => NativeIndex::new(buckets).of(*value),
                        _ => definition.bounds.iter().filter(|bound| *value > **bound).count(),
                    };
                    numbers[cell] += 1.0;
                }
                let (last, counts) = row.split_last().unwrap();
                assert_eq!(counts, &numbers[..counts.len()], "{when}: {} {labels:?}", definition.name);
                let sum: f64 = observed.iter().sum();
                assert!((last - sum).abs() <= 1e-9 * sum.abs(), "{when}: {last} instead of {sum}");
                found += observed.len() as f64;
            }
        }
        let counters: f64 = rows(reader, "c").iter().map(|(_, row)| row[0]).sum();
        assert_eq!(
            (counters, expected.values().map(Vec::len).sum::<usize>() as f64),
            (found, found),
            "{when}"
        );
        assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0);
    };
    let (mut one, mut other, mut dead) = (place.writer(), place.writer(), place.writer());
    let mut reader = place.reader();
    act(&mut dead, &mut expected);
    dead.clean_exit(false);
    for round in 0..4 {
        for (writer, name) in [(&mut one, "one"), (&mut other, "other")] {
            act(writer, &mut expected);
            check(&mut reader, &expected, &format!("round {round}, {name}"));
        }
        assert!(one.compact(), "round {round}");
        act(&mut one, &mut expected);
        check(&mut reader, &expected, &format!("round {round}, begun"));
        act(&mut other, &mut expected);
        check(&mut reader, &expected, &format!("round {round}, both"));
        settle(&mut [&mut one, &mut other]);
        check(&mut reader, &expected, &format!("round {round}, settled"));
        check(&mut place.reader(), &expected, &format!("round {round}, a fresh reader"));
    }
}

/// Its handles are from before; what it counts meanwhile is carried with the rest.
#[test]
fn an_idle_process_holds_the_old_half_until_it_counts_again() {
    let place = small_place();
    let mut idle = place.writer();
    let family = idle.register(&jobs()).unwrap();
    let cell: *const promshm_segment::memory::atomic::Cell =
        idle.resolve(family, &["mail"]).unwrap().cells.as_ptr();
    // SAFETY: the writer stays attached.
    let cell = unsafe { &*cell };
    cell.add_owned(5.0);
    let mut busy = place.writer();
    let epoch = idle.epoch().load_relaxed();
    assert!(busy.compact());
    cell.add_owned(1.0); // it looked at the epoch just before
    (0..16).for_each(|_| busy.tend());
    assert!(busy.has_to_tend(), "the idle one's cells are in the old half");
    assert_ne!(idle.epoch().load_relaxed(), epoch, "its handles are over");
    let mut reader = place.reader();
    assert_eq!(jobs_total(&mut reader), 6.0);
    count(&mut busy, &jobs(), &["mail"], 1.0);
    assert_eq!(jobs_total(&mut reader), 7.0);
    assert!(!busy.compact(), "the next generation waits");
    count(&mut idle, &jobs(), &["mail"], 1.0);
    assert_eq!(jobs_total(&mut reader), 8.0);
    settle(&mut [&mut busy, &mut idle]);
    assert_eq!(jobs_total(&mut reader), 8.0);
    assert!(busy.compact());
}

#[test]
fn an_idle_process_that_dies_releases_the_old_half() {
    let place = small_place();
    let idle = Child::run(|| count_all(&mut place.writer(), 3.0));
    let mut busy = place.writer();
    assert!(busy.compact());
    (0..16).for_each(|_| busy.tend());
    assert!(busy.has_to_tend());
    idle.kill();
    settle(&mut [&mut busy]);
    assert_eq!(jobs_total(&mut place.reader()), 3.0);
}

/// Slot 0 belongs to nobody, so while a process uses it no generation begins; what it has left is carried.
#[test]
fn a_process_without_a_slot_keeps_generations_from_beginning_while_it_lives() {
    let mut place = small_place();
    place.config.max_processes = 1;
    let mut own = place.writer();
    count(&mut own, &jobs(), &["mail"], 1.0);
    let other = Child::run(|| {
        let mut writer = place.writer();
        assert_eq!(writer.slot(), 0);
        count_all(&mut writer, 3.0);
    });
    assert!(!own.compact(), "a process without a slot lives");
    other.kill();
    let mut reader = place.reader();
    for round in 0..5 {
        assert!(own.compact(), "round {round}");
        assert_eq!(jobs_total(&mut reader), 4.0, "round {round}");
        settle(&mut [&mut own]);
        assert_eq!(jobs_total(&mut reader), 4.0, "round {round}");
        assert_eq!(rows(&mut reader, "sizes")[0].1[2..], [3.0, 1.0], "round {round}");
    }
}

/// It may come when the old half is still in use: then that is kept until it is gone.
#[test]
fn a_process_without_a_slot_keeps_the_old_half_while_it_lives() {
    let mut place = small_place();
    place.config.max_processes = 1;
    let mut own = place.writer();
    count(&mut own, &jobs(), &["mail"], 1.0);
    assert!(own.compact());
    let other = Child::run(|| count_all(&mut place.writer(), 3.0));
    (0..8).for_each(|_| own.tend());
    assert!(own.has_to_tend());
    assert_eq!(jobs_total(&mut place.reader()), 4.0);
    other.kill();
    settle(&mut [&mut own]);
    assert_eq!(jobs_total(&mut place.reader()), 4.0);
    assert!(own.compact());
    settle(&mut [&mut own]);
    assert_eq!(jobs_total(&mut place.reader()), 4.0);
}

#[test]
fn a_series_removed_while_slots_are_carried_leaves_with_all_shares() {
    let place = small_place();
    let (mut early, mut late) = (place.writer(), place.writer());
    for order in 0..3 {
        count(&mut early, &jobs(), &["mail"], 1.0);
        count(&mut late, &jobs(), &["mail"], 2.0);
        settle(&mut [&mut early, &mut late]);
        assert!(early.compact());
        early.tend();
        let family = [early.register(&jobs()).unwrap(), late.register(&jobs()).unwrap()];
        let removed = match order {
            0 => early.remove(family[0], &["mail"]),
            1 => late.remove(family[1], &["mail"]),
            _ => early.remove_matching(family[0], &[None]) == 1,
        };
        assert!(removed, "{order}");
        let mut reader = place.reader();
        assert_eq!(rows(&mut reader, "jobs"), [], "{order}");
        count(&mut early, &jobs(), &["mail"], 7.0);
        settle(&mut [&mut early, &mut late]);
        assert_eq!(jobs_total(&mut reader), 7.0, "{order}");
        assert!(early.remove(family[0], &["mail"]));
        settle(&mut [&mut early, &mut late]);
    }
}

/// Families that nobody asserts any more are not carried: deploys do not add up.
#[test]
fn deploys_that_change_labels_do_not_add_up() {
    let place = Place::new();
    let names: Vec<String> = (0..30).map(|number| format!("m{number}")).collect();
    let mut older: Option<Writer> = None;
    for deploy in 0..200 {
        let mut younger = place.writer();
        for name in &names {
            let label = format!("release_{deploy}");
            let definition = counter(name, &[&label]);
            let family = younger.register(&definition).expect("room for a family");
            for number in 0..5 {
                let series = younger.resolve(family, &[&number.to_string()]).expect("room for a series");
                series.cells[0].add_owned(1.0);
            }
        }
        if let Some(older) = older.replace(younger) {
            older.clean_exit(false);
        }
    }
    let mut reader = place.reader();
    for name in &names {
        let total: f64 = rows(&mut reader, name).iter().map(|(_, values)| values[0]).sum();
        assert_eq!(total, 5.0);
    }
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!(stats.dropped.iter().sum::<u64>(), 0);
}

/// What processes have counted that are dead: some in slots of their own, one in the shared slot.
fn three_lives(place: &Place) {
    let lives = [3.0, 1.0, 2.0].map(|by| Child::run(|| count_all(&mut place.writer(), by)));
    lives.into_iter().for_each(Child::kill);
}

fn mortal_place() -> Place {
    let mut place = tiny_place();
    place.config.max_processes = 2;
    place
}

/// All that [`count_all`] has counted, added up.
fn assert_counted(reader: &mut Reader, total: f64, summaries: f64, what: &dyn std::fmt::Debug) {
    assert_eq!(jobs_total(reader), total, "{what:?}");
    let [buckets @ .., sum] = &rows(reader, "seconds")[0].1[..] else { unreachable!() };
    assert_eq!(buckets.iter().sum::<f64>(), total, "{what:?}");
    assert!((sum - 0.3 * total).abs() < 1e-9, "{what:?}: {sum}");
    assert_eq!(rows(reader, "sizes")[0].1[2..], [total, summaries], "{what:?}");
    assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0, "{what:?}");
}

/// Begins a generation, and does all of its work that one process can do.
fn whole_generation(writer: &mut Writer) {
    writer.compact();
    (0..8).for_each(|_| writer.tend());
}

/// A process dies at a step of a generation; what is counted afterwards is exact, and so are the next generations.
fn die_in_a_generation(point: u64) -> Fate {
    let place = mortal_place();
    three_lives(&place);
    let mut old_reader = place.reader();
    assert_counted(&mut old_reader, 6.0, 3.0, &point);
    let fate = die_at(point, || known(&place), |writer| whole_generation(writer.as_mut().unwrap()));
    assert_counted(&mut old_reader, 7.0, 4.0, &point);
    assert_counted(&mut place.reader(), 7.0, 4.0, &point);
    let mut heir = place.writer();
    assert_ne!(heir.slot(), 0);
    count_all(&mut heir, 10.0);
    assert_counted(&mut old_reader, 17.0, 5.0, &point);
    settle(&mut [&mut heir]);
    assert_counted(&mut old_reader, 17.0, 5.0, &point);
    assert!(heir.compact(), "point {point}");
    settle(&mut [&mut heir]);
    for reader in [&mut old_reader, &mut place.reader()] {
        assert_counted(reader, 17.0, 5.0, &point);
        assert_eq!(value(reader, "busy"), Some(10.0), "point {point}: the living one's gauge alone");
        assert_eq!(value(reader, "load"), Some(10.0), "point {point}");
    }
    let stats = &old_reader.scrape().unwrap().stats;
    assert_eq!((stats.leaked_series, stats.leaked_bytes), (0, 0), "leaks end with their generation");
    heir.clean_exit(false);
    assert_eq!(fill_up(&place), 8 - 5, "point {point}: the limit holds what is shown");
    fate
}

#[test]
fn death_at_each_step_of_a_generation() {
    let _watchdog = Watchdog::new();
    let deaths = (1..u64::MAX).take_while(|point| die_in_a_generation(*point) == Fate::Died).count();
    println!("a whole generation: died at {deaths} points");
    assert!(deaths > 300, "only {deaths} crash points were found");
}

/// Where the kernel does not know how, or does not want to.
#[test]
fn old_half_that_the_system_does_not_take_back_is_zeroed() {
    let _watchdog = Watchdog::new();
    crash::keep_memory(true);
    let deaths =
        (1..u64::MAX).step_by(37).take_while(|point| die_in_a_generation(*point) == Fate::Died).count();
    crash::keep_memory(false);
    println!("a generation whose old half is zeroed: died at {deaths} points");
    assert!(deaths > 30, "only {deaths} deaths, so nothing was zeroed");
}

#[test]
fn memory_of_the_old_half_goes_back_to_the_system() {
    let place = Place::new();
    let mut writer = place.writer();
    let family = writer.register(&counter("c", &["n"])).unwrap();
    let label = |number: u32| format!("{number:0>900}");
    for number in 0..1000 {
        writer.resolve(family, &[&label(number)]).unwrap().cells[0].add_owned(1.0);
    }
    let full = resident(&place);
    (1..1000).for_each(|number| assert!(writer.remove(family, &[&label(number)])));
    assert!(writer.compact());
    settle(&mut [&mut writer]);
    let rest = resident(&place);
    assert!(rest + 900 * 900 < full, "{rest} bytes after {full}");
    assert_eq!(value(&mut place.reader(), "c"), Some(1.0));
}

/// Another process looked its cells up before, and counts into them until the epoch changes.
#[test]
fn death_at_each_step_beside_a_process_that_counts() {
    let _watchdog = Watchdog::new();
    for point in 1.. {
        let place = mortal_place();
        let mut bystander = place.writer();
        count(&mut bystander, &jobs(), &["mail"], 1.0);
        let family = bystander.register(&jobs()).unwrap();
        let epoch = bystander.epoch().load_relaxed();
        let cell: *const promshm_segment::memory::atomic::Cell =
            bystander.resolve(family, &["mail"]).unwrap().cells.as_ptr();
        let mut reader = place.reader();
        assert_eq!(jobs_total(&mut reader), 1.0);
        let act = |writer: &mut Option<Writer>| {
            let writer = writer.as_mut().unwrap();
            whole_generation(writer);
            count(writer, &jobs(), &["mail"], 1.0);
        };
        let ready = || {
            let mut writer = place.writer();
            writer.register(&jobs()).unwrap();
            writer
        };
        let fate = die_at(point, ready, act);
        if bystander.epoch().load_relaxed() == epoch {
            // SAFETY: the bystander stays attached.
            unsafe { &*cell }.add_owned(10.0);
        } else {
            count(&mut bystander, &jobs(), &["mail"], 10.0);
        }
        let total = jobs_total(&mut reader);
        assert!([11.0, 12.0].contains(&total), "point {point}: {total}");
        count(&mut bystander, &jobs(), &["mail"], 10.0);
        settle(&mut [&mut bystander]);
        assert_eq!(jobs_total(&mut reader), total + 10.0, "point {point}");
        assert_eq!(jobs_total(&mut place.reader()), total + 10.0, "point {point}");
        if fate == Fate::Completed {
            println!("a generation beside a process that counts: died at {} points", point - 1);
            break;
        }
    }
}

/// It may stand still before any step for as long as it likes, and go on then.
#[test]
fn a_process_that_stops_at_any_step_holds_up_nobody() {
    let _watchdog = Watchdog::new();
    let mut points = 0;
    for point in 1.. {
        let place = mortal_place();
        Child::run(|| count(&mut place.writer(), &jobs(), &["mail"], 3.0)).kill();
        let mut bystander = place.writer();
        let mut reader = place.reader();
        let act = |writer: &mut Option<Writer>| {
            let writer = writer.as_mut().unwrap();
            whole_generation(writer);
            count(writer, &jobs(), &["mail"], 1.0);
            whole_generation(writer);
            count(writer, &jobs(), &["mail"], 1.0);
        };
        let ready = || {
            let mut writer = place.writer();
            count(&mut writer, &jobs(), &["mail"], 1.0);
            writer
        };
        let stopped = stop_at(point, ready, act);
        let before = jobs_total(&mut reader);
        count(&mut bystander, &jobs(), &["mail"], 10.0);
        assert_eq!(jobs_total(&mut reader), before + 10.0, "point {point}");
        (0..8).for_each(|_| bystander.tend());
        bystander.compact();
        count(&mut bystander, &jobs(), &["mail"], 10.0);
        (0..8).for_each(|_| bystander.tend());
        assert_eq!(jobs_total(&mut reader), before + 20.0, "point {point}");
        points = point;
        let Some(stopped) = stopped else { break };
        stopped.go_on();
        settle(&mut [&mut bystander]);
        for reader in [&mut reader, &mut place.reader()] {
            assert_eq!(jobs_total(reader), 26.0, "point {point}");
        }
    }
    println!("a generation and the next one: stopped at {} points", points - 1);
    assert!(points > 100, "only {points} points were found");
}

/// A removal that begins in one half and is to be finished in both.
#[test]
fn death_at_each_step_of_a_removal_while_slots_are_carried() {
    let _watchdog = Watchdog::new();
    for point in 1.. {
        let place = mortal_place();
        let mut bystander = place.writer();
        count(&mut bystander, &jobs(), &["mail"], 1.0);
        let mut reader = place.reader();
        let ready = || {
            let mut writer = place.writer();
            count(&mut writer, &jobs(), &["mail"], 2.0);
            assert!(writer.compact());
            writer.tend(); // its own slot has turned, the bystander's has not
            writer
        };
        let act = |writer: &mut Option<Writer>| {
            let family = writer.as_mut().unwrap().register(&jobs()).unwrap();
            writer.as_mut().unwrap().remove(family, &["mail"]);
        };
        let fate = die_at(point, ready, act);
        let total = jobs_total(&mut reader);
        assert!([0.0, 3.0].contains(&total), "point {point}: {total}, so all or nothing has left");
        count(&mut bystander, &jobs(), &["mail"], 10.0);
        let after = jobs_total(&mut reader);
        assert!([10.0, 13.0].contains(&after) && (after - 10.0 <= total), "point {point}: {after}");
        settle(&mut [&mut bystander]);
        assert_eq!(jobs_total(&mut reader), after, "point {point}");
        assert_eq!(jobs_total(&mut place.reader()), after, "point {point}");
        if fate == Fate::Completed {
            assert_eq!(after, 10.0);
            println!("a removal while slots are carried: died at {} points", point - 1);
            break;
        }
    }
}
