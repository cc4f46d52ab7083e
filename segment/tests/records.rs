//! Single corrupt words: a header is checked before anything else is read, and a corrupt record affects one series.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/scene.rs"]
mod scene;
mod support;

use forge::*;
use promshm_segment::{ReadError, Reader};
use scene::*;
use support::*;

#[test]
fn headers_are_checked_before_anything_else_is_read() {
    let scene = Scene::new();
    let cause = |offset: usize, value: u64| {
        scene.raw.set(offset, value);
        let before = Reader::attach(scene.place.config.name).map(drop);
        scene.raw.restore(&scene.valid);
        // An attached reader looks again at each scrape.
        let mut reader = scene.place.reader();
        reader.scrape().unwrap();
        scene.raw.set(offset, value);
        let after = reader.scrape().map(drop);
        scene.raw.restore(&scene.valid);
        assert_eq!(before, after);
        before.unwrap_err()
    };
    let (name, identity) = (scene.place.config.name, scene.valid[0]);
    assert_eq!(cause(0, identity ^ 1 << 40), ReadError::Foreign { name });
    assert_eq!(cause(0, identity + 1), ReadError::Version { name, found: 2, known: 1 });
    assert_eq!(cause(0, identity - 1), ReadError::Version { name, found: 0, known: 1 });
    assert_eq!(cause(0, 0), ReadError::NotReady { name });
    assert_eq!(cause(8, 0), ReadError::NotReady { name });
    assert_eq!(cause(8, 2), ReadError::Retired { name });
    assert_eq!(cause(8, u64::MAX), ReadError::Retired { name });
    for claimed in [SIZE + 1, SIZE + 4096, 1 << 63, u64::MAX] {
        assert_eq!(cause(16, claimed), ReadError::Short { name, actual: SIZE, claimed });
    }
    for claimed in [0, 1, 4096, 65_536] {
        assert!(matches!(cause(16, claimed), ReadError::Short { actual: SIZE, .. }), "{claimed}");
    }
    for shape in [0, 200, 6 << 32, (6 << 32) + 200, u64::MAX, (64 << 48) + (1023 << 32) + 4_000_000] {
        assert!(matches!(cause(32, shape), ReadError::Short { actual: SIZE, .. }), "{shape:x}");
    }
}

#[test]
fn a_bad_record_costs_one_series_and_is_counted_once() {
    let scene = Scene::new();
    let entries = scene.counter_entries();
    let entry_of = |at: usize| scene.valid[at / 8];
    let mut tried = 0;
    for (which, at) in entries.iter().enumerate() {
        let record = scene.record(*at);
        let another = scene.record(entries[(which + 1) % entries.len()]) as u64;
        let break_it: [(&str, usize, u64); 16] = [
            ("tag", record, 0),
            ("labels", record, 0x53 | 2 << 32 | 3 << 48),
            ("times that are text", record, 0x53 | 1 << 32),
            ("more times than there are", record, 0x53 | 1 << 32 | 4 << 48),
            ("hash", record + 8, 1),
            ("family: itself", record + 16, record as u64),
            ("family: another series", record + 16, another),
            ("family: nowhere", record + 16, u64::MAX),
            ("column", record + 24, 1 << 63),
            ("length", record + 40, 1 << 63),
            ("a little longer", record + 40, 10_000),
            ("shorter", record + 40, 1),
            ("text that is no UTF-8", record + 72, u64::MAX),
            ("index: out of range", *at, entry_of(*at) | 0xff_ffff_fff0),
            ("index: misaligned", *at, entry_of(*at) + 8),
            ("index: another hash", *at, entry_of(*at) ^ 1 << 63),
        ];
        for (what, offset, value) in break_it {
            scene.raw.set(offset, value);
            let mut reader = scene.place.reader();
            for _ in 0..3 {
                let snapshot = reader.scrape().unwrap();
                let found = (check(snapshot), snapshot.stats.corrupt_records);
                assert_eq!(found, (8 * SERIES - 1, 1), "{what} of {which}");
            }
            scene.raw.restore(&scene.valid);
            tried += 1;
        }
    }
    assert_eq!(tried, 16 * SERIES);
}

#[test]
fn duplicate_index_entries_do_not_affect_other_series() {
    let scene = Scene::new();
    let entry = scene.valid[scene.counter_entries()[0] / 8];
    let empty: Vec<usize> = scene.index().filter(|at| scene.valid[at / 8] == 0).collect();
    empty.iter().for_each(|at| scene.raw.set(*at, entry));
    let mut reader = scene.place.reader();
    for _ in 0..2 {
        let snapshot = reader.scrape().unwrap();
        assert_eq!(check(snapshot), 8 * SERIES);
        assert_eq!(snapshot.stats.corrupt_records, empty.len() as u64);
    }
}

#[test]
fn a_page_that_two_directories_claim_counts_once() {
    let scene = Scene::new();
    let root = |slot: usize| {
        scene.geometry.halves[0].roots_of(slot) as usize
            + std::mem::offset_of!(promshm_segment::layout::Roots, cumulative)
    };
    let own = (1..6).find(|slot| scene.valid[root(*slot) / 8] != 0).unwrap();
    scene.raw.set(SLOTS_HIGH, 7);
    (0..6).filter(|slot| *slot != own).for_each(|slot| {
        scene.raw.set(root(slot), scene.valid[root(own) / 8]);
    });
    let mut reader = scene.place.reader();
    let total: f64 = rows(&mut reader, "c").iter().map(|(_, values)| values[0]).sum();
    assert_eq!(total as usize, (1..=SERIES).sum::<usize>());
    assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 5);
    assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 5);
}
