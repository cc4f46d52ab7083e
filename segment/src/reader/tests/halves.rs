//! Two generations at once, made by hand: begun, carried, given back, and forged.

use super::{FamilyId, Scene};
use crate::{
    clock,
    definition::{Definition, GaugeMode, Kind},
    format::{
        index,
        series::{GONE, SeriesRecord, in_state},
    },
    layout::{Half, PAGE, Phase, Slot, header},
    reader::{Limited, ReadLimits, Reader, Sight},
    snapshot::{Blocker, Family, Resource, Row},
    writer::{Writer, give_back},
};
use std::mem::offset_of;

impl Scene {
    fn set_phase(&self, phase: Phase) {
        self.view.head(header!(phase)).store_relaxed(phase.0);
    }

    /// Begins a generation, as a writer with locks does.
    fn begin(&self) {
        let phase = self.view.phase_now();
        self.view.head(header!(phase)).compare_exchange(phase.0, phase.next().0).unwrap(); // pair: PHASE
        self.view.head(header!(epoch)).fetch_add(1);
    }

    fn turn(&self, slot: usize) {
        let word = self.view.slot_word(slot, offset_of!(Slot, generation)).unwrap();
        word.store_release(self.view.phase().generation());
    }

    fn former(&self) -> Half {
        *self.view.geometry.half(self.view.phase().generation() + 1)
    }

    /// Gives the old half back, as it is zeroed where the system does not take memory.
    fn give_back(&self) {
        let half = self.former();
        let zero = || {
            for offset in (half.head..half.end).step_by(PAGE as usize) {
                let words = self.view.words(offset, PAGE / 8).unwrap();
                words.iter().filter(|word| word.load_relaxed() != 0).for_each(|word| word.store_relaxed(0));
            }
        };
        give_back(&self.view, self.view.phase_now(), zero).unwrap();
    }

    fn reader(&self) -> Reader {
        Reader::over_mapping(self.view.share().unwrap()).unwrap()
    }

    fn process(&self, slot: usize) -> Writer {
        Writer::over(self.view.share().unwrap(), slot).unwrap()
    }
}

/// The first values of all rows of a family; no row may stand twice.
fn values(reader: &mut Reader, name: &str) -> Vec<f64> {
    let snapshot = reader.scrape().unwrap();
    assert_eq!(snapshot.stats.corrupt_records, 0);
    let family = snapshot.families.iter().find(|family| family.definition.name == name);
    let rows: Vec<Row<'_>> = family.into_iter().flat_map(Family::rows).collect();
    assert!(rows.is_sorted_by(|a, b| a.labels().lt(b.labels())), "a row stands twice");
    rows.iter().map(|row| row.values()[0]).collect()
}

fn add(writer: &mut Writer, family: FamilyId, by: f64) {
    writer.resolve(family, &["x"]).unwrap().cells[0].add_owned(by);
}

fn family_of(writer: &mut Writer, name: &str, kind: Kind) -> FamilyId {
    let quantiles: &[f64] = if kind == SUMMARY { &[0.5] } else { &[] };
    writer.register(&Definition::new(name, "", kind, &["l"], quantiles).unwrap()).unwrap()
}

const SUMMARY: Kind = Kind::Summary { max_age: 600 };

#[test]
fn page_stays_the_same_while_slots_turn_one_after_the_other() {
    let mut scene = Scene::new();
    let kinds = [
        ("c", Kind::Counter),
        ("last", Kind::Gauge(GaugeMode::Last)),
        ("s", SUMMARY),
        ("sum", Kind::Gauge(GaugeMode::Sum)),
    ];
    let mut others = [scene.process(2), scene.process(3)];
    // The sum of these depends on their order.
    let shares = [0.1, 0.2, 0.3];
    for (name, kind) in kinds {
        for (writer, share) in [&mut scene.writer].into_iter().chain(&mut others).zip(shares) {
            let definition = family_of(writer, name, kind);
            let by = if name == "last" { 0.0 } else { share };
            let cells = writer.resolve(definition, &["x"]).unwrap().cells;
            let before = cells[0].get();
            cells[0].set(if before.is_nan() { by } else { before + by });
        }
    }
    let mut reader = scene.reader();
    let page = |reader: &mut Reader| {
        let snapshot = reader.scrape().unwrap();
        assert_eq!(snapshot.stats.corrupt_records, 0);
        kinds.map(|(name, _)| {
            let at = if name == "s" { 2 } else { 0 };
            let family = snapshot.families.iter().find(|family| family.definition.name == name).unwrap();
            assert_eq!(family.series(), 1, "{name}");
            family.rows().next().unwrap().values()[at].to_bits()
        })
    };
    let expected = page(&mut reader);
    for generation in 1..if cfg!(miri) { 2 } else { 5 } {
        scene.begin();
        assert_eq!(page(&mut reader), expected, "generation {generation}");
        for step in 0..4 {
            match step {
                0 => others[1].tend(),
                1 => scene.writer.tend(),
                2 => others[0].tend(),
                _ => scene.turn(0),
            }
            assert_eq!(page(&mut reader), expected, "generation {generation}, step {step}");
            assert_eq!(page(&mut scene.reader()), expected, "generation {generation}, step {step}");
        }
        scene.give_back();
        assert_eq!(page(&mut reader), expected, "generation {generation}");
        assert_eq!(page(&mut scene.reader()), expected, "generation {generation}");
        assert_eq!(reader.scrape().unwrap().stats.generation, generation);
    }
}

/// What a process has carried is limited as what it registers: what is left out of the half that is read on is still told
/// of when the other one is not read any more.
#[test]
fn limits_are_told_of_while_the_half_that_they_cut_is_read() {
    let mut scene = Scene::new();
    let mut reader = scene.reader();
    reader.set_limits(ReadLimits { series: 1, families: 1, ..ReadLimits::default() });
    let count = |scene: &mut Scene| {
        for (name, labels) in [("a", ["x", "y"]), ("b", ["x", "y"])] {
            let family = family_of(&mut scene.writer, name, Kind::Counter);
            labels.iter().for_each(|label| scene.count(family, label));
        }
    };
    count(&mut scene);
    let both = Limited { by_series: true, by_families: true, ..Limited::default() };
    for _ in 0..if cfg!(miri) { 1 } else { 3 } {
        assert_eq!(values(&mut reader, "a").len(), 1);
        assert!(values(&mut reader, "b").is_empty());
        assert_eq!(reader.limited(), both);
        scene.begin();
        scene.writer.tend();
        count(&mut scene);
        (0..4).filter(|slot| *slot != 1).for_each(|slot| scene.turn(slot));
        assert_eq!(values(&mut reader, "a").len(), 1);
        assert_eq!(reader.limited(), both);
        scene.give_back();
    }
    assert_eq!(values(&mut reader, "a").len(), 1);
    assert_eq!(reader.limited(), both);
}

/// All numbers of a scrape, and the layout that encoders keep their lines for.
fn numbers_and_layouts(reader: &mut Reader) -> (Vec<u64>, Vec<u64>) {
    let snapshot = reader.scrape().unwrap();
    assert_eq!(snapshot.stats.corrupt_records, 0);
    let rows = snapshot.families.iter().flat_map(Family::rows);
    let numbers = rows.flat_map(|row| row.values().to_vec()).map(f64::to_bits).collect();
    (numbers, snapshot.families.iter().map(Family::generation).collect())
}

/// Columns of several pages, with gaps where series were removed, so that they are others in the next generation.
#[test]
fn rows_keep_numbers_and_layout_while_slots_turn() {
    let mut scene = Scene::new();
    let (series, bounds): (u32, u32) = if cfg!(miri) { (12, 4) } else { (40, 60) };
    let numbers = bounds as usize + 3;
    let bounds: Vec<f64> = (0..bounds).map(f64::from).collect();
    let histogram = Definition::new("h", "", Kind::Histogram, &["l"], &bounds).unwrap();
    let counter = Definition::new("c", "", Kind::Counter, &["l"], &[]).unwrap();
    let mut others = [scene.process(2), scene.process(3)];
    let gone = scene.family("b", Kind::Counter);
    scene.count(gone, "x");
    assert!(scene.writer.remove(gone, &["x"]), "a family that the next generation is without");
    for (slot, writer) in [&mut scene.writer].into_iter().chain(&mut others).enumerate() {
        for definition in [&histogram, &counter] {
            let family = writer.register(definition).unwrap();
            for number in 0..series {
                // Sums of these depend on the order of slots.
                let by = 0.1 * f64::from(number + 1) / (slot + 3) as f64;
                let cells = writer.resolve(family, &[&number.to_string()]).unwrap().cells;
                cells.iter().for_each(|cell| cell.add_owned(by));
            }
        }
    }
    for definition in [&histogram, &counter] {
        let family = scene.writer.register(definition).unwrap();
        (0..series)
            .step_by(3)
            .for_each(|number| assert!(scene.writer.remove(family, &[&number.to_string()])));
    }
    let mut reader = scene.reader();
    let expected = numbers_and_layouts(&mut reader);
    assert_eq!(expected.0.len(), numbers * (series - series.div_ceil(3)) as usize);
    for generation in 1..if cfg!(miri) { 2 } else { 4 } {
        scene.begin();
        for step in 0..5 {
            match step {
                0 => {}
                1 => others[1].tend(),
                2 => scene.writer.tend(),
                3 => others[0].tend(),
                _ => scene.turn(0),
            }
            assert_eq!(numbers_and_layouts(&mut reader), expected, "generation {generation}, step {step}");
            let fresh = numbers_and_layouts(&mut scene.reader());
            assert_eq!(fresh.0, expected.0, "generation {generation}, step {step}");
        }
        scene.give_back();
        assert_eq!(numbers_and_layouts(&mut reader), expected, "generation {generation}");
    }
}

#[test]
fn series_of_one_half_alone_are_shown_too() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    let mut idle = scene.process(2);
    let old = family_of(&mut idle, "c", Kind::Counter);
    idle.resolve(old, &["old"]).unwrap().cells[0].add_owned(1.0);
    scene.begin();
    let mut reader = scene.reader();
    scene.writer.tend();
    scene.writer.resolve(family, &["new"]).unwrap().cells[0].add_owned(2.0);
    assert_eq!(values(&mut reader, "c"), [2.0, 1.0]);
    idle.tend();
    (0..4).for_each(|slot| scene.turn(slot));
    assert_eq!(values(&mut reader, "c"), [2.0, 1.0]);
    scene.give_back();
    assert_eq!(values(&mut reader, "c"), [2.0, 1.0]);
}

/// A series to which the scene's writer has added 1 and another process 2, and that process.
fn shared_series(scene: &mut Scene) -> (FamilyId, Writer) {
    let family = scene.family("c", Kind::Counter);
    let mut idle = scene.process(2);
    let theirs = family_of(&mut idle, "c", Kind::Counter);
    add(&mut scene.writer, family, 1.0);
    add(&mut idle, theirs, 2.0);
    (family, idle)
}

#[test]
fn removed_series_leaves_with_the_shares_of_both_halves() {
    let mut scene = Scene::new();
    let (family, mut idle) = shared_series(&mut scene);
    let mut reader = scene.reader();
    scene.begin();
    scene.writer.tend();
    assert_eq!(values(&mut reader, "c"), [3.0]);
    assert!(scene.writer.remove(family, &["x"]));
    assert_eq!(values(&mut reader, "c"), []);
    assert_eq!(values(&mut scene.reader(), "c"), []);
    add(&mut scene.writer, family, 5.0);
    assert_eq!(values(&mut reader, "c"), [5.0], "and none of the share that the idle process has not moved");
    idle.tend();
    (0..4).for_each(|slot| scene.turn(slot));
    scene.give_back();
    assert_eq!(values(&mut reader, "c"), [5.0]);
    assert_eq!(values(&mut scene.reader(), "c"), [5.0]);
}

/// A removal is at work while a scrape comes to the record in the new half; readers learn of it only later. The share of
/// the idle process alone would be a total that goes back.
#[test]
fn series_that_is_removed_during_a_scrape_is_shown_whole_or_not_at_all() {
    let mut scene = Scene::new();
    let (_, _idle) = shared_series(&mut scene);
    let mut reader = scene.reader();
    assert_eq!(values(&mut reader, "c"), [3.0]);
    let epoch = || scene.view.head(header!(epoch));
    let known = epoch().load_relaxed();
    let offsets: Vec<u64> =
        index::entries(&scene.view, &scene.view.geometry.halves[0]).map(index::offset_of).collect();
    let origin = offsets.into_iter().find(|at| SeriesRecord::parse(&scene.view, *at).is_ok()).unwrap();
    scene.begin();
    scene.writer.tend();
    let flag = SeriesRecord::removed(&scene.view, origin).unwrap();
    flag.store_relaxed(in_state(flag.load_relaxed(), GONE));
    epoch().store_relaxed(known);
    assert_eq!(values(&mut reader, "c"), []);
}

#[test]
fn stats_name_who_holds_the_former_generation() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    add(&mut scene.writer, family, 1.0);
    scene.view.slot_word(2, offset_of!(Slot, pid)).unwrap().store_relaxed(17);
    let mut reader = scene.reader();
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!((stats.generation, stats.former_bytes, stats.blocked_by), (0, 0, None));
    scene.begin();
    scene.writer.tend();
    let stats = reader.scrape().unwrap().stats.clone();
    let blocker = Blocker::Worker { pid: 17, slot: 2, processes: 2 };
    assert_eq!((stats.generation, stats.blocked_by), (1, Some(blocker)));
    assert!(stats.former_bytes > 0);
    (0..4).for_each(|slot| scene.turn(slot));
    scene.give_back();
    let stats = reader.scrape().unwrap().stats.clone();
    assert_eq!((stats.generation, stats.former_bytes, stats.blocked_by), (1, 0, None));
}

#[test]
fn capacity_counts_what_was_removed_and_replaced() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    (0..10).for_each(|number| scene.count(family, &number.to_string()));
    (0..4).for_each(|number| assert!(scene.writer.remove(family, &[&number.to_string()])));
    let mut reader = scene.reader();
    let stats = &reader.scrape().unwrap().stats;
    assert_eq!((stats.series, stats.removed_series, stats.index_entries), (6, 4, 11));
    let parts = Resource::ALL.into_iter().zip(stats.taken).map(|(of, taken)| (of, taken.part, taken.whole));
    let parts: Vec<_> = parts.collect();
    assert_eq!(parts[0], (Resource::Index, 11, scene.view.geometry.most_entries()));
    assert_eq!(parts[1], (Resource::Series, 6, 100));
    assert_eq!((parts[2].2, parts[3].1), (scene.view.geometry.halves[0].room(), 0));
    assert_eq!(stats.scarcest().0, Resource::Room);
}

/// A process without a slot may come while slots are carried: the gauges of its dead predecessors are in the old half.
#[test]
fn gauges_of_processes_without_a_slot_are_shown_once() {
    let scene = Scene::new();
    let set = |by: f64| {
        let mut writer = scene.process(0);
        let family = family_of(&mut writer, "g", Kind::Gauge(GaugeMode::All));
        writer.resolve(family, &["x"]).unwrap().cells[0].set(by);
    };
    set(1.0);
    let mut reader = scene.reader();
    assert_eq!(values(&mut reader, "g"), [1.0]);
    scene.begin();
    set(2.0);
    assert_eq!(values(&mut reader, "g"), [2.0]);
    assert_eq!(values(&mut scene.reader(), "g"), [2.0]);
}

/// A scrape that lasts longer than the old half: other records lie by then where it looks whether the records that series
/// were carried from are removed. What it takes for removed there is known to the next scrape.
#[test]
fn series_are_known_after_the_half_that_they_were_carried_from_was_used_again_in_a_scrape() {
    for is_carried_record_known in [false, true] {
        let mut scene = Scene::new();
        let family = scene.family("c", Kind::Counter);
        let mut other = scene.process(2);
        let theirs = family_of(&mut other, "c", Kind::Counter);
        add(&mut scene.writer, family, 1.0);
        add(&mut other, theirs, 2.0);
        let mut reader = scene.reader();
        assert_eq!(values(&mut reader, "c"), [3.0]);
        let offsets = index::entries(&scene.view, &scene.view.geometry.halves[0]).map(index::offset_of);
        let origin = offsets.into_iter().find(|at| SeriesRecord::parse(&scene.view, *at).is_ok()).unwrap();
        scene.begin();
        scene.writer.tend();
        if is_carried_record_known {
            assert_eq!(values(&mut reader, "c"), [3.0]);
        }
        let sight = Sight::look(&scene.view).unwrap();
        other.tend();
        (0..4).for_each(|slot| scene.turn(slot));
        scene.give_back();
        scene.begin();
        SeriesRecord::removed(&scene.view, origin).unwrap().store_relaxed(GONE); // any word of another record
        assert!(!reader.try_to_read(clock::now(), &sight).unwrap(), "what it read is not valid any more");
        assert_eq!(values(&mut reader, "c"), [3.0], "{is_carried_record_known}");
    }
}

/// Numbers that a valid segment does not have there.
const EVIL: &[u64] =
    if cfg!(miri) { &[1, 4, u64::MAX] } else { &[1, 2, 3, 4, 5, 1 << 40, u64::MAX - 1, u64::MAX] };

#[test]
fn forged_phases_and_words_of_slots_are_survived() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    add(&mut scene.writer, family, 1.0);
    let mut reader = scene.reader();
    for &phase in EVIL {
        scene.set_phase(Phase(phase));
        for &word in EVIL {
            for slot in 0..4 {
                scene.view.slot_word(slot, offset_of!(Slot, generation)).unwrap().store_relaxed(word);
            }
            for reader in [&mut reader, &mut scene.reader()] {
                let snapshot = reader.scrape().unwrap();
                assert!(snapshot.families.iter().map(Family::series).sum::<usize>() <= 1);
            }
        }
    }
    scene.set_phase(Phase(0));
    for slot in 0..4 {
        scene.view.slot_word(slot, offset_of!(Slot, generation)).unwrap().store_relaxed(0);
    }
    assert_eq!(values(&mut scene.reader(), "c"), [1.0]);
    assert_eq!(values(&mut reader, "c"), [1.0], "what was read of forged generations is forgotten");
}

/// Generations come and go while they are read: no total goes back, and no series stands twice.
#[test]
fn halves_that_are_given_back_while_they_are_read_are_read_again() {
    let mut scene = Scene::new();
    // Records of this family come and go, so that in each generation others lie where those of `c` were.
    let passing = scene.family("passing", Kind::Counter);
    let label = |number: u32| "x".repeat(number as usize % 60 + 1);
    let family = scene.family("c", Kind::Counter);
    scene.count(passing, &label(0));
    add(&mut scene.writer, family, 1.0);
    let mut other = scene.process(2);
    let theirs = family_of(&mut other, "c", Kind::Counter);
    let rounds = if cfg!(miri) { 2 } else { 300 };
    let mut reader = scene.reader();
    let mut last = 1.0;
    std::thread::scope(|scope| {
        let act = scope.spawn(|| {
            for round in 0..rounds {
                scene.count(passing, &label(round + 1));
                scene.writer.remove(passing, &[&label(round)]);
                add(&mut scene.writer, family, 1.0);
                add(&mut other, theirs, 1.0);
                scene.begin();
                scene.writer.tend();
                other.tend();
                (0..4).for_each(|slot| scene.turn(slot));
                scene.give_back();
            }
        });
        while !act.is_finished() {
            let Ok(snapshot) = reader.scrape() else { continue };
            let families = snapshot.families.iter().filter(|family| family.definition.name == "c");
            let rows: Vec<Row<'_>> = families.flat_map(Family::rows).collect();
            assert_eq!(rows.len(), 1);
            let now = rows[0].values()[0];
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
    });
    assert_eq!(values(&mut reader, "c"), [1.0 + 2.0 * f64::from(rounds)]);
    assert_eq!(values(&mut scene.reader(), "c"), [1.0 + 2.0 * f64::from(rounds)]);
}
