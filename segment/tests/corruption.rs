//! Segments with random corruption: no crash, no hang, no read out of range, and no memory beyond twice the
//! segment.

#[path = "support/forge.rs"]
mod forge;
#[path = "support/scene.rs"]
mod scene;
mod support;

use forge::*;
use promshm_segment::{Kind, Reader, Writer};
use scene::*;
use support::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn valid_segment_is_read_in_full() {
    let mut scene = Scene::new();
    let mut reader = scene.place.reader();
    let snapshot = reader.scrape().unwrap();
    assert_eq!((check(snapshot), snapshot.stats.corrupt_records), (8 * SERIES, 0));
    assert_eq!(scene.counter_entries().len(), SERIES);
    scene.survive(&"nothing forged");
}

#[test]
fn corruption_of_any_word_is_survived() {
    let mut scene = Scene::new();
    let mut forged = 0;
    for (which, offset) in scene.used.clone().into_iter().enumerate() {
        let valid = scene.valid[offset / 8];
        let near = [1, 16, 4096].map(|by| valid.wrapping_add(by));
        let evil = EVIL.into_iter().chain(near).chain([valid ^ 1 << 40]).enumerate();
        // All of them where there is time, else one for each word, not the same for its neighbour.
        for (_, evil) in evil.filter(|(at, _)| soak() || (at + which) % 16 == 0) {
            scene.raw.set(offset, evil);
            scene.survive(&(offset, evil));
            forged += 1;
        }
    }
    println!("{forged} forgeries survived");
    assert!(forged > 1500, "{forged}");
}

#[test]
fn corruption_of_many_words_is_survived() {
    let mut scene = Scene::new();
    let mut random = Dice(1);
    let rounds = if soak() { 50_000 } else { 800 };
    for round in 0..rounds {
        let used = scene.used.clone();
        for _ in 0..=random.below(20) {
            let value = match random.below(4) {
                0 => random.of(&EVIL),
                1 => random.next() >> random.below(64),
                // Words that are valid elsewhere: cycles, overlaps and duplicates.
                _ => scene.valid[random.of(&used) / 8],
            };
            scene.raw.set(random.of(&used), value);
        }
        scene.survive(&round);
    }
    println!("{rounds} forgeries of several words survived");
}

/// A hint decides only whether its own slot's numbers are seen; the next generation has the hint that they need.
#[test]
#[allow(clippy::float_cmp)] // whole numbers
fn wrong_hint_hides_numbers_of_its_own_process_alone() {
    let place = Place::new();
    let (mut liar, mut other) = (place.writer(), place.writer());
    let spans = wide_native_with("spans", &[]);
    let Kind::NativeHistogram(buckets) = spans.kind else { unreachable!() };
    for writer in [&mut liar, &mut other] {
        observe(writer, &spans, 3.0, 1);
        observe(writer, &spans, -1.0, 1);
    }
    let lie = |liar: &mut Writer, bits: u64| {
        let family = liar.register(&spans).unwrap();
        let [.., hint, _] = liar.resolve(family, &[]).unwrap().cells else { unreachable!() };
        hint.set(f64::from_bits(bits));
    };
    let seen = |reader: &mut Reader| {
        let row = rows(reader, "spans").remove(0).1;
        (buckets.count(&row), buckets.below(&row), buckets.sum(&row))
    };
    let mut reader = place.reader();
    for (bits, count, below) in
        [(0, 2.0, 1.0), (u64::MAX, 4.0, 2.0), (u64::MAX << 37, 2.0, 1.0), (1 << 36, 3.0, 2.0), (1, 2.0, 1.0)]
    {
        lie(&mut liar, bits);
        for reader in [&mut reader, &mut place.reader()] {
            assert_eq!(seen(reader), (count, below, 4.0), "{bits:x}");
            assert_eq!(reader.scrape().unwrap().stats.corrupt_records, 0);
        }
    }
    assert!(other.compact());
    for _ in 0..64 {
        [&mut liar, &mut other].into_iter().for_each(Writer::tend);
    }
    assert_eq!(seen(&mut reader), (4.0, 2.0, 4.0), "carried");
    assert_eq!(seen(&mut place.reader()), (4.0, 2.0, 4.0), "carried");
}

/// Overwrites all bytes of an area, or words in all of it.
#[test]
fn corruption_of_whole_areas_is_survived() {
    let mut scene = Scene::new();
    let (entries, families) = (scene.counter_entries(), scene.index().filter(|at| scene.valid[at / 8] != 0));
    let entry = scene.valid[entries[0] / 8];
    let any: Vec<u64> = families.map(|at| scene.valid[at / 8]).collect();
    let half = scene.geometry.halves[0];
    let map = (index_map(&half)..half.gauge_map as usize).step_by(8).collect::<Vec<_>>();
    let index = scene.index().collect::<Vec<_>>();
    let slots = (4096..scene.geometry.gauges as usize)
        .chain(half.gauge_map as usize..half.index as usize)
        .step_by(8)
        .collect::<Vec<_>>();
    let end = half.end as usize;
    let pages = (end - 64 * 4096..end).step_by(8).collect::<Vec<_>>();
    let records = (half.records as usize..).step_by(8).take(4096).collect::<Vec<_>>();
    let areas = [&map, &index, &slots, &pages, &records];
    let counters =
        [space(&half), half.population() as usize, space(&half) + 8, space(&half) + 16, SLOTS_HIGH, PHASE];
    for area in areas {
        let many = if soak() { usize::MAX } else { 40 };
        for value in EVIL.into_iter().chain([entry, 2, 3, 7]).chain(any.iter().copied()).take(many) {
            area.iter().for_each(|offset| scene.raw.set(*offset, value));
            scene.survive(&("area", area[0], value));
            // Also with all counters increased.
            area.iter().for_each(|offset| scene.raw.set(*offset, value));
            counters.iter().for_each(|offset| scene.raw.set(*offset, u64::MAX));
            map.iter().for_each(|offset| scene.raw.set(*offset, u64::MAX));
            scene.survive(&("area and counters", area[0], value));
        }
    }
}

#[test]
fn segment_that_changes_while_read_is_survived() {
    let scene = Scene::new();
    let used = &scene.used;
    let scribble = |random: &mut Dice| {
        let offset = random.of(used);
        let value = match random.below(3) {
            0 => random.of(&EVIL),
            1 => scene.valid[offset / 8],
            _ => scene.valid[random.of(used) / 8],
        };
        // The identity, state, size and shape stay, so that there is something to read.
        if offset > 40 {
            scene.raw.set(offset, value);
        }
    };
    let mut random = Dice(7);
    let scribbler = workers::repeat(|| scribble(&mut random));
    let mut scraped = 0;
    for _ in 0..500 {
        let Ok(mut reader) = Reader::attach(scene.place.config.name) else { continue };
        for _ in 0..10 {
            scraped += u32::from(reader.scrape().map(check).is_ok());
        }
        write(&scene.place);
    }
    drop(scribbler);
    assert!(scraped > 1000, "{scraped}");
}

#[test]
fn empty_segment_with_the_maximum_of_series_needs_little_memory() {
    let mut place = Place::new();
    (place.config.size, place.config.max_series) = (1 << 30, 4_000_000);
    let mut writer = place.writer();
    let read = || {
        let mut reader = place.reader();
        (0..2).for_each(|_| assert!(reader.scrape().is_ok()));
    };
    let empty = peak_of(read);
    assert!(empty < 40 << 10, "{empty} bytes for nothing");
    (0..100).for_each(|n| count(&mut writer, &counter("c", &["n"]), &[&n.to_string()], 1.0));
    let few = peak_of(read);
    assert!(few < 512 << 10, "{few} bytes for 100 series");
}
