//! Process stats are shown while their process lives, and never for the slot's next owner.

mod support;

use promshm_segment::{Reader, Runtime};
use support::*;

fn told(start: f64) -> Runtime {
    Runtime {
        start,
        memory: 1.0,
        memory_peak: 2.0,
        cpu: 0.5,
        gc_runs: 3.0,
        requests: 4.0,
        busy: 5.0,
        idle: 6.0,
    }
}

/// Labels and stats of all processes that publish them.
fn processes(reader: &mut Reader) -> Vec<(String, Runtime)> {
    let slots = &reader.scrape().expect("a scrape").stats.slots;
    let told = slots.iter().filter_map(|slot| slot.process.as_ref());
    told.map(|process| (process.label.clone(), process.runtime)).collect()
}

#[test]
fn stats_are_shown_for_living_processes_only() {
    let place = Place::new();
    let telling = |start: f64| {
        Child::run(|| {
            let writer = place.writer();
            writer.publish_runtime(told(0.5));
            writer.publish_runtime(told(start));
            std::mem::forget(writer);
        })
    };
    let (one, two) = (telling(1.0), telling(2.0));
    let mut reader = place.reader();
    let found = processes(&mut reader);
    assert_eq!(found.iter().map(|(_, runtime)| *runtime).collect::<Vec<_>>(), [told(1.0), told(2.0)]);
    assert_ne!(found[0].0, found[1].0);
    one.kill();
    assert_eq!(processes(&mut reader), [found[1].clone()]);
    let next_owner = Child::run(|| std::mem::forget(place.writer()));
    assert_eq!(reader.scrape().unwrap().stats.slots.len(), 3, "it has the dead one's slot");
    assert_eq!(processes(&mut reader), [found[1].clone()], "and has told nothing");
    next_owner.end();
    two.end();
    assert_eq!(processes(&mut place.reader()), []);
}

#[test]
fn shared_slot_publishes_no_stats() {
    let mut place = Place::new();
    place.config.max_processes = 1;
    let first = place.writer();
    let second = place.writer();
    assert_eq!((first.slot(), second.slot()), (1, 0));
    second.publish_runtime(told(1.0));
    assert_eq!(processes(&mut place.reader()), []);
    first.publish_runtime(told(2.0));
    assert_eq!(processes(&mut place.reader()).len(), 1);
}

#[test]
fn clean_exit_removes_stats() {
    let place = Place::new();
    let writer = place.writer();
    writer.publish_runtime(told(1.0));
    assert_eq!(processes(&mut place.reader()).len(), 1);
    writer.clean_exit(false);
    assert_eq!(processes(&mut place.reader()), []);
}

#[test]
fn implausible_stats_are_not_shown() {
    let place = Place::new();
    let writer = place.writer();
    let forgeries = [
        Runtime { cpu: -1.0, ..told(1.0) },
        Runtime { busy: -1.0, ..told(1.0) },
        Runtime { idle: f64::NAN, ..told(1.0) },
        Runtime { memory: f64::NAN, ..told(1.0) },
        Runtime { requests: f64::INFINITY, ..told(1.0) },
        told(0.0),
        told(-1.0),
    ];
    for forged in forgeries {
        writer.publish_runtime(forged);
        assert_eq!(processes(&mut place.reader()), [], "{forged:?}");
    }
    writer.publish_runtime(told(1.0));
    assert_eq!(processes(&mut place.reader()).len(), 1);
}
