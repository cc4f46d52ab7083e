//! The fuzz target: overwrites words of a segment, and runs readers and writers on it.
//!
//! An input is a sequence of commands, so that small mutations by the fuzzer are meaningful: a command
//! picks a word by its place in the layout, not by its address, and may make a corrupt record's hash
//! valid again, which random bytes would not.

use crate::{
    definition::{Definition, GaugeMode, Kind},
    format::{
        exemplar::{ExemplarLabels, MAX_CHARACTERS},
        family::FamilyRecord,
        header::hash_key,
        hints, index,
        record::Tag,
        ring,
        runtime::Runtime,
        series::SeriesRecord,
    },
    layout::{Geometry, Half, RECORD_UNIT, SUMMARY_CELLS, Shape, Slot, header},
    memory::{atomic::Cell, mapping::Mapping, view::View},
    native::NativeBuckets,
    reader::Reader,
    snapshot::Family,
    writer::{FamilyId, Writer, prepare},
};
use std::{mem::offset_of, ops::Range, sync::OnceLock};

const SHAPE: Shape = Shape { max_series: 60, max_processes: 3, max_label_length: 64 };
const EVIL: [u64; 8] = [0, 1, 8, 1 << 32, 1 << 40, 1 << 63, 0x7ff8_0000_0000_0000, u64::MAX];
const LABELS: [&str; 4] = ["a", "b", "", "a rather long value that is not cut"];

/// The outcome of one input.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Successful scrapes.
    pub scrapes: usize,
    /// Series that a writer resolved.
    pub resolved: usize,
}

/// Runs one input.
///
/// # Panics
/// If the reader or the writer returns invalid data.
#[must_use]
pub fn run(input: &[u8]) -> Outcome {
    let mut player = Player::new(input);
    while let Some(command) = player.byte() {
        player.play(command);
    }
    player.scrape();
    player.write(0, 0);
    player.outcome
}

fn definitions() -> Vec<Definition> {
    let kinds = [
        Kind::Counter,
        Kind::Histogram,
        Kind::Gauge(GaugeMode::Last),
        Kind::Gauge(GaugeMode::Sum),
        Kind::Gauge(GaugeMode::All),
        Kind::Summary { max_age: 600 },
        Kind::NativeHistogram(NativeBuckets { schema: 1, lowest: -3, cells: 8 }),
    ];
    let name = |number: usize| format!("m{}", number % 4); // two of one name
    let all = kinds.iter().enumerate();
    let all = all
        .map(|(number, kind)| Definition::new(&name(number), "", *kind, &["l"], &[0.5, 0.75]).expect("sane"));
    let both = Definition::new("both", "", Kind::Histogram, &["l"], &[0.5, 0.75]).expect("sane");
    all.chain([both.joined(NativeBuckets { schema: 0, lowest: -2, cells: 3 }).expect("room")]).collect()
}

fn geometry() -> Geometry {
    let size =
        Geometry::new(SHAPE, 0).unwrap_or_else(|needed| Geometry::new(SHAPE, needed).expect("enough")).end;
    Geometry::new(SHAPE, size + 32 * 4096).expect("enough")
}

/// The words of a valid segment.
fn valid() -> &'static [u64] {
    static IMAGE: OnceLock<Vec<u64>> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let geometry = geometry();
        let view = View::new(Mapping::heap(geometry.end), geometry);
        prepare(&view, SHAPE);
        view.head(header!(series_ttl)).store_relaxed(60 + 1);
        for slot in [0, 1] {
            view.word(view.geometry.slot(slot)).expect("inside").store_relaxed(1);
            let mut writer = Writer::over(view.share().expect("heap"), slot).expect("sane");
            for definition in definitions() {
                let family = writer.register(&definition).expect("room");
                for label in &LABELS[..2] {
                    let cells = writer.resolve(family, &[label]).expect("room").cells;
                    match definition.kind {
                        Kind::NativeHistogram(_) => hints::observe_owned(cells, 0, 1.0),
                        _ => cells[0].set(1.0),
                    }
                    let cell: *const Cell = &raw const cells[0];
                    writer.note_exemplar(cell, &exemplar(label), 1.0, 1.0);
                }
            }
            writer.publish_runtime(Runtime { start: 1.0, ..Runtime::default() });
        }
        view.words(0, view.geometry.end / 8)
            .expect("all")
            .iter()
            .map(crate::memory::atomic::Word::load_relaxed)
            .collect()
    })
}

fn exemplar(label: &str) -> ExemplarLabels {
    let mut labels = ExemplarLabels::default();
    labels.push(b"id", label.as_bytes()).expect("short");
    labels
}

/// An exemplar that breaks a rule would invalidate the whole page.
fn check_exemplars(family: &Family) {
    for (cell, exemplar) in family.rows().flat_map(|row| row.exemplars()) {
        assert!(cell < family.definition.cells() && exemplar.time.is_finite());
        let characters = exemplar.labels.iter().flat_map(|(name, value)| name.chars().chain(value.chars()));
        assert!(characters.count() <= MAX_CHARACTERS, "too long");
    }
}

/// Whatever a record says, its rows can be taken apart, and its bounds are those of a page.
fn check_native(family: &Family) {
    let Kind::NativeHistogram(buckets) = family.definition.kind else { return };
    let bounds: Vec<f64> = buckets.classic_bounds().collect();
    assert!(
        bounds.iter().all(|bound| bound.is_normal() && *bound > 0.0) && bounds.is_sorted_by(|a, b| a < b)
    );
    for row in family.rows() {
        assert_eq!(buckets.positive(row.values()).len(), usize::from(buckets.cells));
        assert_eq!(buckets.classic_counts(row.values()).count(), bounds.len() + 1);
    }
}

struct Player<'i> {
    input: &'i [u8],
    view: View,
    reader: Option<Reader>,
    writer: Option<Writer>,
    outcome: Outcome,
}

impl<'i> Player<'i> {
    fn new(input: &'i [u8]) -> Self {
        let geometry = geometry();
        let view = View::new(Mapping::heap(geometry.end), geometry);
        view.fill_words(0, valid()).expect("of one size");
        Self { input, view, reader: None, writer: None, outcome: Outcome::default() }
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*byte)
    }

    fn number(&mut self) -> u64 {
        (0..2).fold(0, |number, _| number << 8 | u64::from(self.byte().unwrap_or(0)))
    }

    fn play(&mut self, command: u8) {
        match command % 8 {
            0..=2 => {
                let (at, value) = (self.pick(), self.value());
                self.forge(at, value);
            }
            3 => self.make_honest(),
            4 => self.scrape(),
            5 if command & 8 != 0 => self.advance(),
            5 => (self.reader, self.writer) = (None, None),
            6 => {
                let (family, label) = (self.number(), self.number());
                self.write(family, label);
            }
            _ => {
                let (slot, label) = (self.number(), self.number());
                self.remove(slot, label);
            }
        }
    }

    /// A step of a generation, in whatever order.
    fn advance(&mut self) {
        let (step, phase) = (self.number(), self.view.phase());
        match step % 5 {
            0 => {
                self.forge(header!(phase), phase.next().0);
                self.view.head(header!(epoch)).fetch_add(1);
            }
            1 => self.writer.iter_mut().for_each(Writer::tend),
            2 => (0..self.view.geometry.slots).for_each(|slot| self.turn(slot, phase.generation())),
            3 => self.turn(step as usize / 5 % 4, phase.generation()),
            _ => self.empty(self.view.geometry.half(phase.generation() + 1)),
        }
    }

    fn turn(&self, slot: usize, generation: u64) {
        self.forge(self.view.geometry.slot(slot) + offset_of!(Slot, generation) as u64, generation);
    }

    fn empty(&self, half: &Half) {
        let words = self.view.words(half.head, (half.end - half.head) / 8);
        words
            .into_iter()
            .flatten()
            .filter(|word| word.load_relaxed() != 0)
            .for_each(|word| word.store_relaxed(0));
    }

    /// The offset of a word that is in use.
    fn pick(&mut self) -> u64 {
        let (area, at) = (self.byte().unwrap_or(0), self.number());
        let half = self.view.geometry.halves[usize::from(area / 8 % 2)];
        match area % 8 {
            0 => at % 32 * 8,
            1 => half.head + at % 4 * 8,
            2 => self.view.geometry.slot((at % 4) as usize) + at / 4 % 64 * 8,
            3 => self.used_entry(at),
            4 => half.index + at % self.view.geometry.index_words * 8,
            5 => half.records + at % 512 * 8,
            6 => self.record_of(at) + at / 64 % 16 * 8,
            7 if at.is_multiple_of(2) => half.roots_of((at % 8) as usize) + at / 8 % 128 * 8,
            _ => half.end - (1 + at % 4096) * 8,
        }
    }

    fn value(&mut self) -> u64 {
        let (kind, number) = (self.byte().unwrap_or(0), self.number());
        match kind % 6 {
            0 => EVIL[number as usize % EVIL.len()],
            1 => number,
            2 => number << 32 | self.number(),
            3 => self.record_of(number),
            4 => self.view.word(self.used_entry(number)).map_or(0, crate::memory::atomic::Word::load_relaxed),
            _ => self.view.geometry.halves[(number % 2) as usize].records + number * 8,
        }
    }

    fn forge(&self, offset: u64, value: u64) {
        if let Some(word) = self.view.word(offset) {
            word.store_relaxed(value);
        }
    }

    /// The offset of the `which`th used word of the index.
    fn used_entry(&self, which: u64) -> u64 {
        let halves = self.view.geometry.halves.iter();
        let places =
            halves.flat_map(|half| (0..self.view.geometry.index_words).map(|place| half.index + place * 8));
        let used: Vec<u64> =
            places.filter(|at| self.view.word(*at).is_some_and(|word| word.load_relaxed() != 0)).collect();
        used.get(which as usize % used.len().max(1)).copied().unwrap_or(self.view.geometry.halves[0].index)
    }

    fn record_of(&self, which: u64) -> u64 {
        let entry =
            self.view.word(self.used_entry(which)).map_or(0, crate::memory::atomic::Word::load_relaxed);
        index::offset_of(entry)
    }

    /// Recomputes the hash of a corrupt record, there and in the index.
    fn make_honest(&mut self) {
        let at = self.number();
        let (entry_at, offset, key) = (self.used_entry(at), self.record_of(at), hash_key(&self.view));
        let stored =
            self.view.word(offset.wrapping_add(8)).map_or(0, crate::memory::atomic::Word::load_relaxed);
        let view = &self.view;
        let hash = match Tag::read(view, offset, index::entry(stored, offset)) {
            Ok(Tag::Family) => {
                FamilyRecord::parse(view, offset).map(|family| FamilyRecord::hash(key, &family.definition))
            }
            Ok(Tag::Series) => SeriesRecord::parse(view, offset).and_then(|series| {
                let mut labels = Vec::new();
                series.copy_labels(view, offset, &mut labels)?;
                Ok(SeriesRecord::hash(key, series.family, &labels))
            }),
            Err(error) => Err(error),
        };
        if let Ok(hash) = hash {
            self.forge(offset + 8, hash);
            self.forge(entry_at, index::entry(hash, offset));
        }
    }

    fn scrape(&mut self) {
        if self.reader.is_none() {
            self.reader = self.view.share().and_then(|mapping| Reader::over_mapping(mapping).ok());
        }
        let Some(Ok(snapshot)) = self.reader.as_mut().map(Reader::scrape) else { return };
        self.outcome.scrapes += 1;
        let names = snapshot.families.iter().map(|family| &family.definition.name);
        assert!(names.is_sorted_by(|a, b| a < b), "a name stands twice");
        for family in &snapshot.families {
            let rows: Vec<Vec<&str>> = family.rows().map(|row| row.labels().collect()).collect();
            assert!(rows.is_sorted_by(|a, b| a < b), "a row stands twice: {rows:?}");
            assert!(family.rows().all(|row| row.values().len() == family.definition.numbers()));
            check_exemplars(family);
            check_native(family);
            for row in family.rows().filter(|_| family.definition.native.is_some()) {
                assert!(row.native().is_some_and(|(buckets, row)| row.len() == buckets.numbers()));
            }
        }
        assert!(snapshot.stats.leaked_bytes <= self.view.geometry.end);
        let created = snapshot.families.iter().flat_map(Family::rows).filter_map(|row| row.created());
        assert!(
            created.into_iter().all(|created| created.is_finite() && created > 0.0),
            "no page takes that"
        );
    }

    fn family(&mut self, number: u64) -> Option<FamilyId> {
        if self.writer.is_none() {
            let mapping = self.view.share()?;
            self.writer = Writer::over(mapping, number as usize % 4).ok();
        }
        let definitions = definitions();
        self.writer.as_mut()?.register(&definitions[number as usize / 4 % definitions.len()]).ok()
    }

    #[allow(unsafe_code)] // rings are found as the extension finds them
    fn write(&mut self, family: u64, label: u64) {
        let definitions = definitions();
        let kind = definitions[family as usize / 4 % definitions.len()].kind;
        let Some(family) = self.family(family) else { return };
        let label = LABELS[label as usize % LABELS.len()];
        let Some(view) = self.writer.as_ref().map(Writer::view) else { return };
        let (first, pages) = (self.address(0), pages(view));
        let rings = self.writer.as_ref().and_then(Writer::rings);
        let Some(Ok(series)) = self.writer.as_mut().map(|writer| writer.resolve(family, &[label])) else {
            return;
        };
        if series.cells.len() == SUMMARY_CELLS {
            let number = ring::ring_of(series.cells);
            // SAFETY: the mapping outlives this call.
            let ring = rings.and_then(|rings| unsafe { rings.ring(number) });
            let _kept = ring::observe_owned(series.cells, ring, crate::clock::now(), 1.0);
            self.outcome.resolved += 1;
            return;
        }
        if let Kind::NativeHistogram(_) = kind {
            (0..series.cells.len()).for_each(|cell| hints::observe_owned(series.cells, cell, 1.0));
        }
        for cell in series.cells {
            let at = std::ptr::from_ref(cell).addr();
            let offset = (at - first) as u64;
            assert!(pages.iter().any(|pages| pages.contains(&offset)), "a cell outside the pages");
            cell.add_shared(1.0);
        }
        let cell: *const Cell = &raw const series.cells[0];
        if let Some(writer) = &mut self.writer {
            writer.note_exemplar(cell, &exemplar(label), 1.0, 2.0);
        }
        self.outcome.resolved += 1;
    }

    fn remove(&mut self, family: u64, label: u64) {
        let Some(family) = self.family(family) else { return };
        let label = LABELS[label as usize % LABELS.len()];
        self.writer.as_mut().map(|writer| writer.remove(family, &[label]));
    }

    fn address(&self, offset: u64) -> usize {
        self.view.words(offset, 0).map_or(0, |words| words.as_ptr().addr())
    }
}

/// Where a writer's cells may lie: the pages of both halves, and the cells of `last` gauges. The header that it found may
/// have stated another size, and the halves state the limit now, which may be corrupt, too; it must use that or less.
fn pages(view: &View) -> [Range<u64>; 3] {
    let pages_of = |half: &Half| {
        let units = view.space(half).units;
        half.end.min(half.records + units * RECORD_UNIT)..half.end
    };
    let Geometry { halves: [low, high], gauges, gauge_cells, .. } = &view.geometry;
    [pages_of(low), pages_of(high), *gauges..gauges + 8 * gauge_cells]
}
