//! A process dies at every crash point of every operation, and others continue.

mod support;

use promshm_segment::{
    Kind, NativeIndex, Reader, Writer, format::hints, layout::HINT_CELLS, memory::atomic::Cell,
};
use support::{
    crash::{Fate, die_at},
    trials::*,
    *,
};

/// Bucket counts added up, and the sum.
fn seconds_total(reader: &mut Reader) -> (f64, f64) {
    rows(reader, "seconds").first().map_or((0.0, 0.0), |(_, values)| {
        let (sum, buckets) = values.split_last().unwrap();
        (buckets.iter().sum(), *sum)
    })
}

/// The results of one operation's trials.
#[derive(Default)]
struct Tally {
    points: u64,
    leaking: u64,
    most_leaked: u64,
}

impl Tally {
    fn take(&mut self, leaked: u64) {
        self.points += 1;
        self.leaking += u64::from(leaked > 0);
        self.most_leaked = self.most_leaked.max(leaked);
    }

    fn report(&self, operation: &str, least: u64) {
        let Self { points, leaking, most_leaked } = self;
        println!("{operation}: died at {points} points, {leaking} leak, at most {most_leaked} bytes");
        assert!(*points >= least, "{operation}: only {points} crash points were found");
    }
}

/// Kills a process at each step of `act`, in a segment of its own each time, until it completes.
fn kill_at_every_step<T>(
    operation: &str,
    least: u64,
    before: impl Fn(&Place),
    prepare: impl Fn(&Place) -> T,
    act: impl Fn(&Place, &mut Option<T>),
    check: impl Fn(&Place, Fate) -> Aftermath,
) {
    let _watchdog = Watchdog::new();
    let mut tally = Tally::default();
    let mut reachable = None;
    for point in 1.. {
        let place = tiny_place();
        before(&place);
        let fate = die_at(point, || prepare(&place), |prepared| act(&place, prepared));
        let Aftermath { leaked, used } = check(&place, fate);
        assert!(leaked <= 3 * 4096, "point {point}: {leaked} bytes leaked");
        // All allocated bytes are reachable or reported as leaked.
        assert_eq!(*reachable.get_or_insert(used - leaked), used - leaked, "point {point}");
        if fate == Fate::Completed {
            break;
        }
        tally.take(leaked);
    }
    tally.report(operation, least);
}

/// The next process attaches, counts the same series, is scraped, and exits cleanly.
fn heir_counts(place: &Place, expected_jobs: &[f64], expected_seconds: &[f64]) {
    let mut writer = place.writer();
    assert_ne!(writer.slot(), 0, "a dead or stopped process does not cost the others their slots");
    count_all(&mut writer, 10.0);
    let mut reader = place.reader();
    let jobs = jobs_total(&mut reader);
    assert!(expected_jobs.contains(&(jobs - 10.0)), "{jobs} jobs");
    let (observations, _) = seconds_total(&mut reader);
    assert!(expected_seconds.contains(&(observations - 10.0)), "{observations} observations");
    assert_eq!(value(&mut reader, "busy"), Some(10.0), "the living one's gauge alone");
    assert_eq!(value(&mut reader, "load"), Some(10.0));
    writer.clean_exit(false);
}

#[test]
fn death_at_each_step_of_creation() {
    let check = |place: &Place, _: Fate| {
        heir_counts(place, &[0.0], &[0.0]);
        at_rest(place)
    };
    kill_at_every_step("creation", 20, nothing, |_| (), |place, _| drop(place.writer()), check);
}

#[test]
fn death_at_each_step_of_a_claim() {
    let check = |place: &Place, _: Fate| {
        heir_counts(place, &[3.0], &[3.0]);
        at_rest(place)
    };
    kill_at_every_step("slot claim", 500, a_life, |_| (), |place, _| drop(place.writer()), check);
}

#[test]
fn death_at_each_step_of_registration() {
    let check = |place: &Place, _: Fate| {
        heir_counts(place, &[0.0, 1.0], &[0.0, 1.0]);
        at_rest(place)
    };
    let act = |_: &Place, writer: &mut Option<Writer>| count_all(writer.as_mut().unwrap(), 1.0);
    kill_at_every_step("registration and first update", 600, nothing, Place::writer, act, check);
}

#[test]
fn death_at_each_step_of_an_observation() {
    let check = |place: &Place, _: Fate| {
        let (observations, sum) = seconds_total(&mut place.reader());
        let lag = observations * 0.3 - sum;
        assert!((-1e-9..0.3 + 1e-9).contains(&lag), "the sum lags by one observation at most");
        heir_counts(place, &[1.0], &[1.0, 2.0, 3.0, 4.0]);
        at_rest(place)
    };
    kill_at_every_step("histogram update", 6, nothing, known, observe_thrice, check);
}

/// What a reader finds after each store of three observations: two into one cell, and one into a cell of another group.
/// The first store of each group is its hint.
#[test]
#[allow(clippy::float_cmp)] // whole numbers, and halves
fn death_at_each_store_of_a_native_observation() {
    let _watchdog = Watchdog::new();
    let spans = wide_native_with("spans", &[]);
    let Kind::NativeHistogram(buckets) = spans.kind else { unreachable!() };
    let index = NativeIndex::new(buckets);
    let [near, far] = [0.5, 4096.0].map(|value| index.of(value));
    assert_ne!(near / HINT_CELLS, far / HINT_CELLS);
    let (prepare, act) = (
        |place: &Place| {
            let mut writer = place.writer();
            let family = writer.register(&spans).unwrap();
            let cells: *const [Cell] = writer.resolve(family, &[]).unwrap().cells;
            (writer, cells)
        },
        |prepared: &mut Option<(Writer, *const [Cell])>| {
            let (_writer, cells) = prepared.as_ref().unwrap();
            // SAFETY: the writer stays attached.
            let cells = unsafe { &**cells };
            for (cell, value) in [(near, 0.5), (near, 0.5), (far, 4096.0)] {
                hints::observe_owned(cells, cell, value);
            }
        },
    );
    let after = [
        (0.0, 0.0, 0.0), // nothing
        (0.0, 0.0, 0.0), // the hint
        (1.0, 0.0, 0.0), // the bucket
        (1.0, 0.0, 0.5), // the sum
        (2.0, 0.0, 0.5),
        (2.0, 0.0, 1.0),
        (2.0, 0.0, 1.0), // the hint of the other group
        (2.0, 1.0, 1.0),
        (2.0, 1.0, 4097.0),
    ];
    for (stores, (of_near, of_far, sum)) in after.into_iter().enumerate() {
        let place = Place::new();
        let fate = die_at(stores as u64 + 1, || prepare(&place), act);
        assert_eq!(fate == Fate::Completed, stores + 1 == after.len(), "{stores} stores");
        let numbers = |reader: &mut Reader| {
            let row = rows(reader, "spans").remove(0).1;
            (row[near], row[far], buckets.sum(&row), buckets.count(&row))
        };
        let mut reader = place.reader();
        assert_eq!(numbers(&mut reader), (of_near, of_far, sum, of_near + of_far), "{stores} stores");
        let mut next = place.writer();
        observe(&mut next, &spans, 0.5, 1);
        observe(&mut next, &spans, 4096.0, 1);
        let seen = (of_near + 1.0, of_far + 1.0, sum + 4096.5, of_near + of_far + 2.0);
        assert_eq!(numbers(&mut reader), seen, "{stores} stores, and its next owner");
        assert_eq!(numbers(&mut place.reader()), seen, "{stores} stores, and a fresh reader");
        next.clean_exit(false);
    }
}

/// A ring that is full, so that each sample takes an older one's place.
fn known_and_full(place: &Place) -> Writer {
    let mut writer = known(place);
    (0..15).for_each(|_| assert!(sample(&mut writer, &summary("sizes", &[]), &[], NOW, 1.0)));
    writer
}

/// The place that the dead process was writing holds its former sample, its new one, or none.
#[test]
#[allow(clippy::float_cmp)] // whole numbers
fn dying_while_observing_into_a_summary() {
    let act = |_: &Place, writer: &mut Option<Writer>| {
        let observe = || assert!(sample(writer.as_mut().unwrap(), &summary("sizes", &[]), &[], NOW, 3.0));
        std::iter::repeat_with(observe).take(3).for_each(drop);
    };
    let check = |place: &Place, _: Fate| {
        let mut reader = place.reader();
        let snapshot = reader.scrape_at(NOW).unwrap();
        let family = snapshot.families.iter().find(|family| family.definition.name == "sizes").unwrap();
        let [median, highest, sum, count] = *family.rows().next().unwrap().values() else { unreachable!() };
        assert!((16.0..=19.0).contains(&count) && median == 1.0 && [1.0, 3.0].contains(&highest));
        let lag = 16.0 + 3.0 * (count - 16.0) - sum;
        assert!([0.0, 3.0].contains(&lag), "the sum lags by one observation at most");
        heir_counts(place, &[1.0], &[1.0]);
        at_rest(place)
    };
    kill_at_every_step("summary update", 12, nothing, known_and_full, act, check);
}

#[test]
fn death_at_each_step_of_a_clean_exit() {
    let check = |place: &Place, _: Fate| {
        heir_counts(place, &[1.0], &[1.0]);
        at_rest(place)
    };
    kill_at_every_step("clean exit", 2, nothing, known, exit_cleanly, check);
}

#[test]
fn death_at_each_step_of_retirement() {
    let check = |place: &Place, _: Fate| {
        heir_counts(place, &[0.0, 1.0], &[0.0, 1.0]);
        at_rest(place)
    };
    kill_at_every_step("retirement", 4, nothing, known, wipe, check);
}

/// Counts as the extension does: cells that were looked up are used until the epoch changes.
struct Bystander {
    writer: Writer,
    epoch: u64,
}

impl Bystander {
    fn new(place: &Place) -> Self {
        let mut writer = place.writer();
        count(&mut writer, &jobs(), &["mail"], 0.0);
        let epoch = writer.epoch().load_relaxed();
        Self { writer, epoch }
    }
}

#[test]
fn death_at_each_step_of_removal() {
    removal("removal", false);
}

#[test]
fn death_at_each_step_of_removal_and_restart() {
    removal("removal and return", true);
}

/// The next process that removes the series or looks it up completes what a dead one began.
#[test]
fn death_at_each_step_of_removing_several_series() {
    let _watchdog = Watchdog::new();
    let labels = ["a", "b", "c"];
    let mut points = 0;
    for point in 1.. {
        let place = tiny_place();
        let mut bystander = place.writer();
        let mut reader = place.reader();
        labels.iter().for_each(|label| count(&mut bystander, &jobs(), &[label], 1.0));
        let clear = |writer: &mut Writer| {
            let family = writer.register(&jobs()).unwrap();
            writer.remove_matching(family, &[None])
        };
        let ready = || {
            let mut writer = place.writer();
            writer.register(&jobs()).unwrap();
            writer
        };
        let fate = die_at(point, ready, |writer| assert!(clear(writer.as_mut().unwrap()) > 0));
        let shown = rows(&mut reader, "jobs");
        assert!(shown.iter().all(|(_, values)| *values == [1.0]), "point {point}: {shown:?}");
        count(&mut bystander, &jobs(), &["a"], 1.0);
        let again = rows(&mut reader, "jobs");
        assert!([1.0, 2.0].contains(&again[0].1[0]), "point {point}: {again:?}");
        clear(&mut bystander);
        assert!(rows(&mut reader, "jobs").is_empty(), "point {point}: a series stays");
        let stats = &reader.scrape().unwrap().stats;
        // Of one that died between hiding a series and making room for another one.
        let most_leaked = u64::from(fate != Fate::Completed);
        assert!(stats.series == 0 && stats.leaked_series <= most_leaked, "point {point}: {stats:?}");
        bystander.clean_exit(false);
        points = point;
        if fate == Fate::Completed {
            break;
        }
    }
    assert!(points > 8, "only {points} crash points were found");
}

/// Another process keeps using its resolved cells until the epoch changes.
/// Everything it counts after the death is exported.
fn removal(operation: &str, and_return: bool) {
    let _watchdog = Watchdog::new();
    let mut tally = Tally::default();
    for point in 1.. {
        let place = tiny_place();
        let mut bystander = Bystander::new(&place);
        let mut old_reader = place.reader();
        let family = bystander.writer.register(&jobs()).unwrap();
        let known: *const Cell = bystander.writer.resolve(family, &["mail"]).unwrap().cells.as_ptr();
        // SAFETY: the bystander stays attached.
        let known = unsafe { &*known };
        known.add_owned(5.0);
        assert!((jobs_total(&mut old_reader) - 5.0).abs() < 1e-9);
        let act = |writer: &mut Option<Writer>| {
            let writer = writer.as_mut().unwrap();
            remove_jobs(writer);
            if and_return {
                count(writer, &jobs(), &["mail"], 1.0);
            }
        };
        let fate = die_at(point, || place.writer(), act);
        if bystander.writer.epoch().load_relaxed() == bystander.epoch {
            known.add_owned(100.0);
        } else {
            count(&mut bystander.writer, &jobs(), &["mail"], 100.0);
        }
        for reader in [&mut old_reader, &mut place.reader()] {
            let total = jobs_total(reader);
            let right = [100.0, 101.0, 105.0].contains(&total);
            assert!(right, "{operation}, point {point}: {total} after 5, a removal and 100");
        }
        bystander.writer.clean_exit(false);
        let Aftermath { leaked, .. } = at_rest(&place);
        if fate == Fate::Completed {
            break;
        }
        tally.take(leaked);
    }
    tally.report(operation, 5);
}

#[test]
fn death_at_each_step_of_a_claim_after_a_fork() {
    let _watchdog = Watchdog::new();
    let mut tally = Tally::default();
    for point in 1.. {
        let place = tiny_place();
        let mut parent = place.writer();
        count_all(&mut parent, 1.0);
        let parents_slot = parent.slot();
        let mut inherited = Some(parent);
        let act = |writer: &mut Option<Writer>| {
            let mut own = writer.take().unwrap().forked();
            assert_ne!(own.slot(), parents_slot);
            count_all(&mut own, 5.0);
            std::mem::forget(own);
        };
        let fate = die_at(point, || inherited.take().unwrap(), act);
        let mut parent = inherited.take().unwrap();
        count(&mut parent, &jobs(), &["mail"], 1.0);
        let mut reader = place.reader();
        let jobs = jobs_total(&mut reader);
        assert!([2.0, 7.0].contains(&jobs), "point {point}: {jobs}");
        assert_eq!(value(&mut reader, "busy"), Some(1.0), "the parent's gauge alone");
        parent.clean_exit(false);
        let Aftermath { leaked, .. } = at_rest(&place);
        if fate == Fate::Completed {
            break;
        }
        tally.take(leaked);
    }
    tally.report("fork and claim", 500);
}
