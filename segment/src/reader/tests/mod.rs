//! Records forged with knowledge of the hash key, so that only the checks of their contents can detect them.

mod halves;
mod shared;

use super::{Catalogue, Limited, ReadLimits, Reader, sight::Sight};
use crate::{
    definition::{Definition, GaugeMode, Kind},
    format::{
        family::FamilyRecord,
        header::hash_key,
        index,
        series::{SeriesRecord, Times},
        strings::pack_strings,
    },
    layout::{Geometry, PAGE_WORDS, Plane, RECORD_UNIT, Shape},
    memory::{atomic::Word, mapping::Mapping, view::View},
    snapshot::Family,
    writer::{FamilyId, Writer, prepare},
};

const SHAPE: Shape = Shape { max_series: 100, max_processes: 3, max_label_length: 64 };

/// A segment on the heap, and a process that counts in its slot 1.
struct Scene {
    view: View,
    writer: Writer,
}

impl Scene {
    fn new() -> Self {
        Self::with_pages(if cfg!(miri) { 16 } else { 64 })
    }

    /// With room for that many pages more than it needs.
    fn with_pages(pages: u64) -> Self {
        Self::with_shape(SHAPE, pages)
    }

    fn with_shape(shape: Shape, pages: u64) -> Self {
        let size = Geometry::new(shape, 0).unwrap_err() + pages * 4096;
        let view = View::new(Mapping::heap(size), Geometry::new(shape, size).unwrap());
        prepare(&view, shape);
        // Without semaphores a slot counts as living until its owner's clean exit.
        (0..4).for_each(|slot| view.word(4096 + 512 * slot).unwrap().store_relaxed(1));
        let writer = Writer::over(view.share().unwrap(), 1).unwrap();
        Self { view, writer }
    }

    fn family(&mut self, name: &str, kind: Kind) -> FamilyId {
        self.writer.register(&Definition::new(name, "", kind, &["l"], &[]).unwrap()).unwrap()
    }

    fn count(&mut self, family: FamilyId, label: &str) {
        self.writer.resolve(family, &[label]).unwrap().cells[0].add_shared(1.0);
    }

    fn place(&self) -> u64 {
        let units = self.view.space(&self.view.geometry.halves[0]).units;
        self.view.geometry.halves[0].records + units * RECORD_UNIT
    }

    /// Appends a record after the last one.
    fn append(&self, words: &[u64]) -> u64 {
        let offset = self.place();
        let space = self.view.space(&self.view.geometry.halves[0]);
        let units = space.units + (words.len() as u64 * 8).div_ceil(RECORD_UNIT);
        self.view.head(self.view.geometry.halves[0].space()).store_relaxed(units | space.pages << 32);
        self.view.fill_words(offset, words).unwrap();
        offset
    }

    /// Makes a free word of the index lead to the record.
    fn publish(&self, hash: u64, offset: u64) {
        let places = 0..self.view.geometry.index_words;
        let free = |place: &u64| {
            index::word(&self.view, &self.view.geometry.halves[0], *place)
                .is_some_and(|word| word.load_relaxed() == 0)
        };
        let place = places.into_iter().find(free).unwrap();
        assert!(index::publish(
            &self.view,
            &self.view.geometry.halves[0],
            place,
            0,
            index::entry(hash, offset)
        ));
    }

    fn forge(&self, family: u64, column: u64, count: usize, labels: &[u8]) -> u64 {
        let hash = SeriesRecord::hash(hash_key(&self.view), family, labels);
        let offset = self.append(&SeriesRecord::compose(family, hash, column, count, labels, Times::now()));
        self.publish(hash, offset);
        offset
    }

    /// Rows and corrupt records, the same at each scrape.
    fn read(&self) -> (usize, u64) {
        let mut reader = Reader::over_mapping(self.view.share().unwrap()).unwrap();
        let mut scrape = || {
            let snapshot = reader.scrape().unwrap();
            (snapshot.families.iter().map(|f| f.rows().count()).sum(), snapshot.stats.corrupt_records)
        };
        let first = scrape();
        assert_eq!(first, scrape(), "nothing is counted twice");
        first
    }
}

/// The names of the families of a page, with the number of their series.
fn series_by_name(reader: &mut Reader) -> Vec<(String, usize)> {
    let families = &reader.scrape().unwrap().families;
    families.iter().map(|family| (family.definition.name.clone(), family.rows().count())).collect()
}

#[test]
fn families_beyond_the_limit_are_left_out_with_their_series() {
    let mut scene = Scene::new();
    let mut reader = Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    reader.set_limits(ReadLimits { families: 2, ..ReadLimits::default() });
    let families = ["a", "b", "c", "d"].map(|name| scene.family(name, Kind::Counter));
    for family in &families[..2] {
        scene.count(*family, "x");
    }
    // Those without a series count, too: they are kept all the same.
    for expected in [2, 3] {
        let within = vec![("a".to_owned(), expected - 1), ("b".to_owned(), expected - 1)];
        assert_eq!(series_by_name(&mut reader), within);
        assert_eq!(reader.limited(), Limited { by_families: true, ..Limited::default() });
        assert_eq!((reader.families(), reader.snapshot().stats.corrupt_records), (2, 0));
        families.iter().for_each(|family| scene.count(*family, "y"));
    }
    reader.set_limits(ReadLimits { families: 4, ..ReadLimits::default() });
    assert_eq!(series_by_name(&mut reader).len(), 2, "what was left out stays so until a generation begins");
    let mut other = Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    other.set_limits(ReadLimits { families: 4, ..ReadLimits::default() });
    assert_eq!(series_by_name(&mut other).len(), 4);
    assert_eq!(other.limited(), Limited::default());
}

/// A page that nobody has written to gets memory when it is read.
#[test]
fn pages_of_last_gauges_count_against_the_budget() {
    let touched = |columns: [u64; 3]| {
        let mut scene = Scene::with_shape(Shape { max_series: 1000, ..SHAPE }, 16);
        scene.family("g", Kind::Gauge(GaugeMode::Last));
        let offset = scene.view.geometry.halves[0].records;
        for column in columns {
            scene.forge(offset, column, 1, &pack_strings([&*column.to_string()]));
        }
        let look = |most| {
            let mut catalogue = Catalogue::default();
            catalogue.refresh(&scene.view, &Sight::look(&scene.view).unwrap(), most);
            (catalogue.touched(), catalogue.corrupt())
        };
        let (touched, corrupt) = look(u64::MAX);
        assert_eq!(corrupt, 0);
        assert!(look(touched - 1).1 > 0, "what is beyond the limit is not read");
        touched
    };
    assert_eq!(touched([0, 512, 1024]), touched([0, 1, 2]) + 2);
}

#[test]
fn implausible_series_do_not_affect_others() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "valid");
    let offset = scene.view.geometry.halves[0].records;
    let free = 100;
    let beyond = Plane::Cumulative.capacity();
    assert_eq!(scene.read(), (1, 0));
    let forgeries: [(u64, u64, usize, &[u8]); 12] = [
        (offset, free, 1, &[2, 0, 0xff, 0xfe]),
        (offset, free, 1, &[9, 0, b'x']),
        (offset, free, 1, &[]),
        (offset, free, 0, &[]),
        (offset, free, 2, &pack_strings(["a", "b"])),
        (offset, free, 64, &pack_strings(["x"])),
        (offset, beyond, 1, &pack_strings(["too far"])),
        (offset, u64::MAX, 1, &pack_strings(["much too far"])),
        (offset, 0, 1, &pack_strings(["another's column"])),
        (offset + 16, free, 1, &pack_strings(["no family"])),
        (u64::MAX - 15, free, 1, &pack_strings(["nowhere"])),
        (scene.place(), free, 1, &pack_strings(["its own family"])),
    ];
    for (number, (family, column, count, labels)) in forgeries.into_iter().enumerate() {
        scene.forge(if family == scene.place() { scene.place() } else { family }, column, count, labels);
        assert_eq!(scene.read(), (1, 1 + number as u64), "{number}");
    }
    scene.forge(offset, free, 1, &pack_strings(["valid too"]));
    assert_eq!(scene.read(), (2, 12));
}

#[test]
fn implausible_families_are_left_out_with_their_series() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "valid");
    let key = hash_key(&scene.view);
    let definition = Definition::new("corrupt", "", Kind::Counter, &["l"], &[]).unwrap();
    let hash = FamilyRecord::hash(key, &definition);
    // Its claims would go into another family's column.
    let offset = scene.append(&FamilyRecord::compose(&definition, hash, 0));
    scene.publish(hash, offset);
    scene.forge(offset, 100, 1, &pack_strings(["x"]));
    assert_eq!(scene.read(), (1, 2));
    // A family that only its series lead to, and no word of the index, is accepted.
    let offset = scene.append(&FamilyRecord::compose(&definition, hash, 77));
    scene.forge(offset, 100, 1, &pack_strings(["x"]));
    assert_eq!(scene.read(), (2, 2));
    scene.publish(hash, offset);
    assert_eq!(scene.read(), (2, 2));
    scene.publish(hash, offset);
    assert_eq!(scene.read(), (2, 3), "but two that lead to it are one too many");
}

/// Records inside another's text: the outer one is read first and keeps its range.
#[test]
fn records_do_not_overlap() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "valid");
    let (key, parent) = (hash_key(&scene.view), scene.view.geometry.halves[0].records);
    let inner_labels = pack_strings(["inner"]);
    let inner_hash = SeriesRecord::hash(key, parent, &inner_labels);
    let inner = SeriesRecord::compose(parent, inner_hash, 0x20, 1, &inner_labels, Times::now());
    let mut labels = vec![0; 8];
    inner.iter().for_each(|word| labels.extend_from_slice(&word.to_le_bytes()));
    let hash = SeriesRecord::hash(key, parent, &labels);
    let outer = scene.append(&SeriesRecord::compose(parent, hash, 0x40, 1, &labels, Times::now()));
    scene.publish(inner_hash, outer + 72 + 8);
    assert_eq!(scene.read(), (2, 0), "alone it is a record");
    scene.publish(hash, outer);
    assert_eq!(scene.read(), (2, 1), "the outer one is no text");
    let doubled = SeriesRecord::compose(parent, inner_hash, 0x60, 1, &inner_labels, Times::now());
    let offset = scene.append(&doubled);
    scene.publish(inner_hash, offset);
    assert_eq!(scene.read(), (2, 2), "the same labels a second time");
}

#[test]
#[cfg_attr(miri, ignore = "hashes 120 kB, byte by interpreted byte")]
fn gauges_of_many_processes_do_not_outgrow_the_segment() {
    let mut scene = Scene::new();
    let family = scene.family("g", Kind::Gauge(GaugeMode::All));
    let long = "x".repeat(60);
    for number in 0..100 {
        scene.writer.resolve(family, &[&format!("{number}{long}")]).unwrap().cells[0].set(1.0);
    }
    assert_eq!(scene.read(), (100, 0));
    for slot in [0, 2, 3] {
        let mut writer = Writer::over(scene.view.share().unwrap(), slot).unwrap();
        writer.resolve(family, &[&format!("0{long}")]).unwrap();
    }
    // Labels far longer than the segment's limit, as a valid writer never makes them, in each slot.
    for column in [200, 201] {
        let labels = [60_000_u16.to_le_bytes().to_vec(), vec![b'a' + (column - 200) as u8; 60_000]].concat();
        scene.forge(scene.view.geometry.halves[0].records, column, 1, &labels);
        let mut page_map = super::pages::PageMap::default();
        page_map.refresh(&scene.view, &Sight::look(&scene.view).unwrap().trees(), u64::MAX);
        let pages = page_map.per_process[0].of(column);
        assert_eq!(pages.len(), 4);
        pages.iter().for_each(|page| page.cells(&scene.view)[column as usize].set(1.0));
    }
    let room = scene.view.geometry.end / 60_000;
    assert!((3..8).contains(&room), "{room}");
    let (rows, left_out) = scene.read();
    assert!(left_out >= 8 - room, "{rows} rows, {left_out} left out");
    assert_eq!(rows as u64 + left_out, 100 + 8, "{left_out} left out");
}

#[test]
fn corrupt_directory_gives_a_writer_no_cells_outside_the_pages() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "x");
    let half = scene.view.geometry.halves[0];
    let root = half.roots_of(1) + Plane::Cumulative.roots_offset();
    let root = scene.view.word(root).unwrap();
    let (valid, space) = (root.load_relaxed(), scene.view.head(half.space()));
    let directory = scene.view.page_offset(valid).unwrap();
    let last = half.first_page + half.room() / 4096;
    let taken = half.first_page + (space.load_relaxed() >> 32);
    for corrupt in [taken + 1, last, last + 1, u64::MAX, 1 << 52, 1 << 63] {
        for word in [root, scene.view.word(directory).unwrap()] {
            let before = word.load_relaxed();
            word.store_relaxed(corrupt);
            assert!(scene.writer.resolve(family, &["x"]).is_err(), "{corrupt}");
            // Even if the header says that every page is taken, those that overlap the records are refused.
            let honest_space = space.load_relaxed();
            space.store_relaxed(honest_space & 0xffff_ffff | (half.room() / 4096 + 1) << 32);
            let cells = scene.writer.resolve(family, &["x"]).map(|series| series.cells.as_ptr().addr());
            let records = scene.view.words(scene.view.geometry.halves[0].records, 1).unwrap().as_ptr().addr();
            let above = records + (space.load_relaxed() & 0xffff_ffff) as usize * 16;
            assert!(cells.is_err() || cells.is_ok_and(|cells| cells >= above), "{corrupt}");
            space.store_relaxed(honest_space);
            word.store_relaxed(before);
        }
    }
    assert!(scene.writer.resolve(family, &["x"]).is_ok());
}

#[test]
fn searches_in_a_full_corrupt_index_are_bounded() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "x");
    let entries = (0..scene.view.geometry.index_words)
        .map(|place| index::word(&scene.view, &scene.view.geometry.halves[0], place));
    let entry = entries.clone().flatten().map(Word::load_relaxed).find(|entry| *entry != 0).unwrap();
    entries.flatten().for_each(|word| word.store_relaxed(entry));
    for label in ["x", "y", "z"] {
        let mut looks = 0;
        let hash = entry & !0xff_ffff_ffff;
        let found = index::search(&scene.view, &scene.view.geometry.halves[0], hash, |_| {
            looks += 1;
            false
        });
        assert!(matches!(found, index::Found::Full) && looks <= 64, "{looks}");
        let _answers = scene.writer.resolve(family, &[label]).is_ok();
    }
    assert_eq!(
        scene.view.head(scene.view.geometry.halves[0].population()).load_relaxed(),
        1 | 2 << 32,
        "what was not published is given back"
    );
}

#[test]
fn page_with_two_references_is_read_once() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    scene.count(family, "x");
    let root = |slot, index: u64| {
        let offset =
            scene.view.geometry.halves[0].roots_of(slot) + Plane::Cumulative.roots_offset() + 8 * index;
        scene.view.word(offset).unwrap()
    };
    let valid = root(1, 0).load_relaxed();
    (0..4).for_each(|slot| (0..64).for_each(|index| root(slot, index).store_relaxed(valid)));
    let directory = scene.view.page_offset(valid).unwrap();
    let entries = scene.view.words(directory, PAGE_WORDS as u64).unwrap();
    entries.iter().for_each(|word| word.store_relaxed(valid));
    let mut page_map = super::pages::PageMap::default();
    page_map.refresh(&scene.view, &Sight::look(&scene.view).unwrap().trees(), u64::MAX);
    let pages = scene.view.head(scene.view.geometry.halves[0].space()).load_relaxed() >> 32;
    assert!(page_map.total <= pages, "{} of {pages}", page_map.total);
    assert_eq!(page_map.bad, 4 * 64 - 1 + 512);
    let mut reader = Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    assert_eq!(reader.scrape().unwrap().families[0].row_count(), 1);
}

/// Threads act as processes: two that count, remove and register, and one that reads.
#[test]
fn writers_and_a_reader_work_side_by_side() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    let rounds = if cfg!(miri) { 3 } else { 2000 };
    let count = |slot| {
        let mut writer = Writer::over(scene.view.share().unwrap(), slot).unwrap();
        move || {
            for round in 0..rounds {
                let label = format!("{}", round % 10);
                writer.resolve(family, &["all"]).unwrap().cells[0].add_owned(1.0);
                let _may_be_removed =
                    writer.resolve(family, &[&label]).map(|series| series.cells[0].add_owned(1.0));
                if round % 7 == 0 {
                    writer.remove(family, &[&label]);
                }
            }
        }
    };
    let (one, other) = (count(1), count(2));
    let mut reader = Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    let total = std::thread::scope(|scope| {
        let writers = [scope.spawn(one), scope.spawn(other)];
        let mut last = 0.0;
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            let snapshot = reader.scrape().unwrap();
            let all = snapshot.families.iter().flat_map(Family::rows);
            let now = all.filter(|row| row.labels().eq(["all"])).map(|row| row.values()[0]).sum();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
        let snapshot = reader.scrape().unwrap();
        let row = snapshot.families[0].rows().find(|row| row.labels().eq(["all"])).unwrap();
        assert_eq!(snapshot.stats.corrupt_records, 0);
        row.values()[0] as usize
    });
    assert_eq!(total, 2 * rounds);
}

/// Large records that are rejected cost work; once the budget is spent, the rest waits and is not lost.
#[test]
#[cfg_attr(miri, ignore = "hashes megabytes")]
fn refused_records_delay_others_but_not_for_ever() {
    let mut scene = Scene::new();
    let family = scene.family("c", Kind::Counter);
    let parent = scene.view.geometry.halves[0].records;
    let key = hash_key(&scene.view);
    // One huge text under many hashes: each is rejected only after all of it was hashed.
    let labels = vec![7; 100_000];
    let offset = scene.append(&SeriesRecord::compose(parent, 0, 300, 1, &labels, Times::now()));
    for number in 0..60 {
        scene.publish(number << 40 << 3, offset);
    }
    scene.view.word(offset + 8).unwrap().store_relaxed(SeriesRecord::hash(key, parent, &labels));
    scene.count(family, "valid");
    let hash = SeriesRecord::hash(key, parent, &labels);
    let places = (0..scene.view.geometry.index_words)
        .map(|place| index::word(&scene.view, &scene.view.geometry.halves[0], place));
    places.flatten().filter(|word| index::offset_of(word.load_relaxed()) == offset).for_each(|word| {
        word.store_relaxed(index::entry(hash, offset));
    });
    let mut reader = Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    let mut counts = Vec::new();
    for _ in 0..20 {
        let snapshot = reader.scrape().unwrap();
        counts.push((snapshot.families.len(), snapshot.stats.corrupt_records));
    }
    assert_eq!(counts[0].0, 0, "the first scrape had enough to do: {counts:?}");
    assert_eq!(counts[19], (1, 60), "all has its turn: {counts:?}");
}

/// A series of a summary with 100 quantiles has 3 cells and 102 numbers.
#[test]
#[cfg_attr(miri, ignore = "hundreds of records")]
fn numbers_of_rows_do_not_outgrow_the_segment() {
    let mut scene = Scene::with_pages(32);
    let quantiles: Vec<f64> = (1..=100).map(|number| f64::from(number) / 101.0).collect();
    let definition = Definition::new("s", "", Kind::Summary { max_age: 60 }, &["l"], &quantiles)
        .expect("a good definition");
    scene.writer.register(&definition).unwrap();
    let family = scene.view.geometry.halves[0].records;
    let corrupt = 500;
    for number in 0..corrupt {
        scene.forge(family, 3 * number, 1, &pack_strings([number.to_string().as_str()]));
    }
    let most = scene.view.geometry.end / (102 * 8);
    assert!(most < corrupt, "{most}");
    assert_eq!(scene.read(), (most as usize, corrupt - most));
}
