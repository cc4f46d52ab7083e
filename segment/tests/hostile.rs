//! Forged segments: never a crash, a hang, a read out of range, or memory beyond twice the
//! segment; and a bad record costs one series.

#[path = "support/forge.rs"]
mod forge;
mod support;

use forge::*;
use promshm_segment::{
    Definition, Exemplar, GaugeMode, Kind, ReadError, Reader, Runtime, Writer, clock,
    exemplar::Labels,
    layout::{Geometry, SUMMARY_CELLS, Shape},
    rings,
    snapshot::Snapshot,
    sync::Cell,
};
use support::*;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SIZE: u64 = 4 << 20;
const SERIES: usize = 12;

/// A segment with some of everything, and what it looked like when it was honest.
struct Scene {
    place: Place,
    raw: Raw,
    honest: Vec<u64>,
    /// Offsets of all that is not zero.
    used: Vec<usize>,
    geometry: Geometry,
}

fn definitions() -> [Definition; 7] {
    let modes = [GaugeMode::Last, GaugeMode::Sum, GaugeMode::Max, GaugeMode::All];
    let gauges = modes.map(|mode| {
        Definition::new(&format!("g_{}", mode as u8), "", Kind::Gauge(mode), &["l"], &[]).unwrap()
    });
    let [last, sum, max, all] = gauges;
    let counter = Definition::new("c", "Help.", Kind::Counter, &["l"], &[]).unwrap();
    let histogram = Definition::new("h", "", Kind::Histogram, &["l"], &[0.5, 1.0]).unwrap();
    [counter, histogram, summary("s", &["l"]), last, sum, max, all]
}

fn label(number: usize) -> String {
    format!("value {number}")
}

/// Some short, some long.
fn exemplar(number: usize) -> Labels {
    let mut labels = Labels::default();
    labels.push(b"trace_id", "ü".repeat(8 * number).as_bytes()).unwrap();
    labels
}

impl Scene {
    fn new() -> Self {
        watchdog();
        let mut place = Place::new();
        (place.config.size, place.config.max_series, place.config.max_processes) = (SIZE, 200, 6);
        place.config.series_ttl = 3600;
        let mut writer = place.writer();
        for definition in definitions() {
            let family = writer.register(&definition).unwrap();
            for number in 0..SERIES {
                if definition.kind == (Kind::Summary { max_age: 600 }) {
                    assert!(sample(&mut writer, &definition, &[&label(number)], clock::now(), 1.0));
                    continue;
                }
                let cells = writer.resolve(family, &[&label(number)]).unwrap().cells;
                cells.iter().for_each(|cell| cell.set(1.0 + number as f64));
                let cell: *const Cell = &raw const cells[0];
                if number % 4 == 1 {
                    writer.note_exemplar(cell, &exemplar(number), 1.0, 1.0);
                }
            }
        }
        writer.publish_runtime(Runtime { start: 1.0, ..Runtime::default() });
        let shape = Shape { max_series: 200, max_processes: 6, max_label_length: 1024 };
        let raw = Raw::open(&place);
        let honest = raw.image();
        let used = (0..honest.len()).filter(|at| honest[*at] != 0).map(|at| at * 8).collect();
        // The slot stays claimed after this, so that gauges count.
        drop(writer);
        Self { place, raw, honest, used, geometry: Geometry::new(shape, SIZE).unwrap() }
    }

    fn index(&self) -> impl Iterator<Item = usize> + use<> {
        let first = self.geometry.index as usize;
        (first..first + self.geometry.index_words as usize * 8).step_by(8)
    }

    /// The index words that lead to series of the counter.
    fn counter_entries(&self) -> Vec<usize> {
        let record = |entry: u64| (entry & ((1 << 40) - 1)) as usize;
        let family = |entry| self.honest[record(entry) / 8 + 2];
        let series: Vec<usize> = self
            .index()
            .filter(|at| self.honest[at / 8] != 0 && self.is_series(self.honest[at / 8]))
            .collect();
        let first = series.iter().map(|at| family(self.honest[at / 8])).min().unwrap();
        series.into_iter().filter(|at| family(self.honest[at / 8]) == first).collect()
    }

    fn record(&self, entry_at: usize) -> usize {
        (self.honest[entry_at / 8] & ((1 << 40) - 1)) as usize
    }

    fn is_series(&self, entry: u64) -> bool {
        self.honest[(entry & ((1 << 40) - 1)) as usize / 8] & 0xff == 0x53
    }

    /// Reads and writes the forged segment in all ways, and makes it honest again.
    fn survive(&mut self, what: &dyn std::fmt::Debug) {
        let used = peak_of(|| read(&self.place, what));
        assert!(used as u64 <= 2 * SIZE, "{what:?}: the reader took {used} bytes");
        let used = peak_of(|| write(&self.place));
        assert!(used as u64 <= SIZE, "{what:?}: the writer took {used} bytes");
        read(&self.place, what);
        if self.raw.is_current(&self.place) {
            self.raw.restore(&self.honest);
        } else {
            *self = Self::new();
        }
    }
}

fn read(place: &Place, what: &dyn std::fmt::Debug) {
    let Ok(mut reader) = Reader::attach(place.config.name) else { return };
    // Huge records that are refused may keep others waiting, but not for long.
    let mut scrape = || reader.scrape().map(|snapshot| (check(snapshot), snapshot.vitals.corrupt_records));
    let mut last = scrape();
    let settled = (0..20).any(|_| {
        let now = scrape();
        std::mem::replace(&mut last, now.clone()) == now
    });
    assert!(settled, "{what:?}: the same segment gives the same page in the end");
}

/// Walks over all that a page would show; answers how many rows.
fn check(snapshot: &Snapshot) -> usize {
    let names: Vec<_> = snapshot.families.iter().map(|family| &family.definition.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "each name once");
    let rows = snapshot.families.iter().map(|family| {
        let rows: Vec<Vec<&str>> = family.rows().map(|row| row.labels().collect()).collect();
        assert!(rows.is_sorted_by(|a, b| a < b), "each row once: {rows:?}");
        assert!(family.rows().all(|row| row.values().len() == family.definition.numbers()));
        family.rows().flat_map(|row| row.exemplars()).for_each(|(_, exemplar)| check_exemplar(exemplar));
        rows.len()
    });
    rows.sum()
}

/// What Prometheus and Python's parser ask of one: else it costs the whole page.
fn check_exemplar(Exemplar { labels, time, .. }: &Exemplar) {
    let characters = labels.iter().flat_map(|(name, value)| name.chars().chain(value.chars()));
    assert!(characters.count() <= 128 && !labels.is_empty() && time.is_finite(), "{labels:?} at {time}");
    assert!(
        labels.iter().all(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
    );
}

fn write(place: &Place) {
    let Ok(mut writer) = Writer::attach(&place.config) else { return };
    for definition in definitions() {
        let Ok(family) = writer.register(&definition) else { continue };
        for value in ["value 3", "fresh"] {
            let rings = writer.rings();
            match writer.resolve(family, &[value]) {
                Ok(series) if definition.cells() == SUMMARY_CELLS => {
                    let number = rings::ring_of(series.cells);
                    // SAFETY: the writer stays attached meanwhile.
                    let ring = rings.and_then(|rings| unsafe { rings.ring(number) });
                    let _kept = rings::observe_owned(series.cells, ring, clock::now(), 1.0);
                }
                Ok(series) => {
                    series.cells.iter().for_each(|cell| cell.add_shared(1.0));
                    let cell: *const Cell = &raw const series.cells[0];
                    writer.note_exemplar(cell, &exemplar(3), 1.0, 2.0);
                }
                Err(_) => {}
            }
        }
        writer.remove(family, &["value 4"]);
        writer.remove(family, &["fresh"]);
    }
    writer.goodbye(false);
}

#[test]
fn an_honest_scene_is_read_in_full() {
    let mut scene = Scene::new();
    let mut reader = scene.place.reader();
    let snapshot = reader.scrape().unwrap();
    assert_eq!((check(snapshot), snapshot.vitals.corrupt_records), (7 * SERIES, 0));
    assert_eq!(scene.counter_entries().len(), SERIES);
    scene.survive(&"nothing forged");
}

#[test]
fn headers_are_judged_before_anything_is_read() {
    let scene = Scene::new();
    let cause = |offset: usize, value: u64| {
        scene.raw.set(offset, value);
        let before = Reader::attach(scene.place.config.name).map(drop);
        scene.raw.restore(&scene.honest);
        // An attached reader looks again at each scrape.
        let mut reader = scene.place.reader();
        reader.scrape().unwrap();
        scene.raw.set(offset, value);
        let after = reader.scrape().map(drop);
        scene.raw.restore(&scene.honest);
        assert_eq!(before, after);
        before.unwrap_err()
    };
    let (name, identity) = (scene.place.config.name, scene.honest[0]);
    assert_eq!(cause(0, identity ^ 1 << 40), ReadError::Foreign { name });
    assert_eq!(cause(0, identity + 1), ReadError::Version { name, found: 4, known: 3 });
    assert_eq!(cause(0, identity - 3), ReadError::Version { name, found: 0, known: 3 });
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
fn any_single_word_may_be_forged() {
    let mut scene = Scene::new();
    let mut forged = 0;
    for (which, offset) in scene.used.clone().into_iter().enumerate() {
        let honest = scene.honest[offset / 8];
        let near = [1, 16, 4096].map(|by| honest.wrapping_add(by));
        let evil = EVIL.into_iter().chain(near).chain([honest ^ 1 << 40]).enumerate();
        // All of them where there is time, else a few for each word.
        for (_, evil) in evil.filter(|(at, _)| soak() || (at + which) % 5 == 0) {
            scene.raw.set(offset, evil);
            scene.survive(&(offset, evil));
            forged += 1;
        }
    }
    println!("{forged} forgeries survived");
    assert!(forged > 1500, "{forged}");
}

#[test]
fn any_many_words_may_be_forged() {
    let mut scene = Scene::new();
    let mut random = Dice(1);
    let rounds = if soak() { 50_000 } else { 800 };
    for round in 0..rounds {
        let used = scene.used.clone();
        for _ in 0..=random.below(20) {
            let value = match random.below(4) {
                0 => random.of(&EVIL),
                1 => random.next() >> random.below(64),
                // What is right elsewhere: cycles, overlaps and doubles.
                _ => scene.honest[random.of(&used) / 8],
            };
            scene.raw.set(random.of(&used), value);
        }
        scene.survive(&round);
    }
    println!("{rounds} forgeries of several words survived");
}

/// The bytes of a whole area, or words all over it, as forgers like them.
#[test]
fn whole_areas_may_be_forged() {
    let mut scene = Scene::new();
    let (entries, families) = (scene.counter_entries(), scene.index().filter(|at| scene.honest[at / 8] != 0));
    let entry = scene.honest[entries[0] / 8];
    let any: Vec<u64> = families.map(|at| scene.honest[at / 8]).collect();
    let map = (INDEX_MAP..4096).step_by(8).collect::<Vec<_>>();
    let index = scene.index().collect::<Vec<_>>();
    let slots = (4096..scene.geometry.index as usize).step_by(8).collect::<Vec<_>>();
    let end = scene.raw.bytes;
    let pages = (end - 64 * 4096..end).step_by(8).collect::<Vec<_>>();
    let records = (scene.geometry.records as usize..).step_by(8).take(4096).collect::<Vec<_>>();
    let areas = [&map, &index, &slots, &pages, &records];
    let counters = [SPACE, POPULATION, COLUMNS, COLUMNS + 8, SLOTS_HIGH];
    for area in areas {
        let many = if soak() { usize::MAX } else { 40 };
        for value in EVIL.into_iter().chain([entry, 2, 3, 7]).chain(any.iter().copied()).take(many) {
            area.iter().for_each(|offset| scene.raw.set(*offset, value));
            scene.survive(&("area", area[0], value));
            // And with every counter claiming that there is more of everything.
            area.iter().for_each(|offset| scene.raw.set(*offset, value));
            counters.iter().for_each(|offset| scene.raw.set(*offset, u64::MAX));
            map.iter().for_each(|offset| scene.raw.set(*offset, u64::MAX));
            scene.survive(&("area and counters", area[0], value));
        }
    }
}

#[test]
fn a_bad_record_costs_one_series_and_is_counted_once() {
    let scene = Scene::new();
    let entries = scene.counter_entries();
    let entry_of = |at: usize| scene.honest[at / 8];
    let mut tried = 0;
    for (which, at) in entries.iter().enumerate() {
        let record = scene.record(*at);
        let another = scene.record(entries[(which + 1) % entries.len()]) as u64;
        let break_it: [(&str, usize, u64); 16] = [
            ("tag", record, 0),
            ("labels", record, 0x53 | 2 << 32 | 2 << 48),
            ("times that are text", record, 0x53 | 1 << 32),
            ("more times than there are", record, 0x53 | 1 << 32 | 3 << 48),
            ("hash", record + 8, 1),
            ("family: itself", record + 16, record as u64),
            ("family: another series", record + 16, another),
            ("family: nowhere", record + 16, u64::MAX),
            ("column", record + 24, 1 << 63),
            ("length", record + 40, 1 << 63),
            ("a little longer", record + 40, 10_000),
            ("shorter", record + 40, 1),
            ("text that is no UTF-8", record + 64, u64::MAX),
            ("index: out of range", *at, entry_of(*at) | 0xff_ffff_fff0),
            ("index: misaligned", *at, entry_of(*at) + 8),
            ("index: another hash", *at, entry_of(*at) ^ 1 << 63),
        ];
        for (what, offset, value) in break_it {
            scene.raw.set(offset, value);
            let mut reader = scene.place.reader();
            for _ in 0..3 {
                let snapshot = reader.scrape().unwrap();
                let found = (check(snapshot), snapshot.vitals.corrupt_records);
                assert_eq!(found, (7 * SERIES - 1, 1), "{what} of {which}");
            }
            scene.raw.restore(&scene.honest);
            tried += 1;
        }
    }
    assert_eq!(tried, 16 * SERIES);
}

#[test]
fn doubles_in_the_index_cost_nothing_but_themselves() {
    let scene = Scene::new();
    let entry = scene.honest[scene.counter_entries()[0] / 8];
    let empty: Vec<usize> = scene.index().filter(|at| scene.honest[at / 8] == 0).collect();
    empty.iter().for_each(|at| scene.raw.set(*at, entry));
    let mut reader = scene.place.reader();
    for _ in 0..2 {
        let snapshot = reader.scrape().unwrap();
        assert_eq!(check(snapshot), 7 * SERIES);
        assert_eq!(snapshot.vitals.corrupt_records, empty.len() as u64);
    }
}

#[test]
fn a_page_that_two_directories_claim_counts_once() {
    let scene = Scene::new();
    let root =
        |slot: usize| 4096 + slot * 1024 + std::mem::offset_of!(promshm_segment::layout::Slot, lasting);
    let own = (1..6).find(|slot| scene.honest[root(*slot) / 8] != 0).unwrap();
    scene.raw.set(SLOTS_HIGH, 7);
    (0..6).filter(|slot| *slot != own).for_each(|slot| {
        scene.raw.set(root(slot), scene.honest[root(own) / 8]);
    });
    let mut reader = scene.place.reader();
    let total: f64 = rows(&mut reader, "c").iter().map(|(_, values)| values[0]).sum();
    assert_eq!(total as usize, (1..=SERIES).sum::<usize>());
    assert_eq!(reader.scrape().unwrap().vitals.corrupt_records, 5);
    assert_eq!(reader.scrape().unwrap().vitals.corrupt_records, 5);
}

#[test]
fn a_segment_may_change_while_it_is_read() {
    let scene = Scene::new();
    let used = &scene.used;
    let scribble = |random: &mut Dice| {
        let offset = random.of(used);
        let value = match random.below(3) {
            0 => random.of(&EVIL),
            1 => scene.honest[offset / 8],
            _ => scene.honest[random.of(used) / 8],
        };
        // The identity, state, size and shape stay, so that there is something to read.
        if offset > 40 {
            scene.raw.set(offset, value);
        }
    };
    // SAFETY: the child writes to the mapping alone until it is killed.
    let child = match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            let mut random = Dice(7);
            loop {
                scribble(&mut random);
            }
        }
        nix::unistd::ForkResult::Parent { child } => child,
    };
    let mut scraped = 0;
    for _ in 0..500 {
        let Ok(mut reader) = Reader::attach(scene.place.config.name) else { continue };
        for _ in 0..10 {
            scraped += u32::from(reader.scrape().map(check).is_ok());
        }
        write(&scene.place);
    }
    nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
    nix::sys::wait::waitpid(child, None).unwrap();
    assert!(scraped > 1000, "{scraped}");
}
