//! A segment with all kinds of records, which tests corrupt, and then read and write.
#![allow(dead_code, unreachable_pub, missing_docs)] // shared by test binaries, each of which uses its part

use super::{forge::*, support::*};
use promshm_segment::{
    Definition, Exemplar, GaugeMode, Kind, Reader, Runtime, Writer, clock,
    format::{exemplar::ExemplarLabels, hints, ring},
    layout::{Geometry, SUMMARY_CELLS, Shape},
    memory::atomic::Cell,
    snapshot::Snapshot,
};

pub const SIZE: u64 = 4 << 20;
pub const SERIES: usize = 12;

/// A segment with all kinds of records, and a copy of its valid contents.
pub struct Scene {
    pub place: Place,
    pub raw: Raw,
    pub valid: Vec<u64>,
    /// Offsets of all that is not zero.
    pub used: Vec<usize>,
    pub geometry: Geometry,
}

pub fn definitions() -> [Definition; 8] {
    let modes = [GaugeMode::Last, GaugeMode::Sum, GaugeMode::Max, GaugeMode::All];
    let gauges = modes.map(|mode| {
        Definition::new(&format!("g_{}", mode as u8), "", Kind::Gauge(mode), &["l"], &[]).unwrap()
    });
    let [last, sum, max, all] = gauges;
    let counter = Definition::new("c", "Help.", Kind::Counter, &["l"], &[]).unwrap();
    let histogram = Definition::new("h", "", Kind::Histogram, &["l"], &[0.5, 1.0]).unwrap();
    [counter, histogram, native_with("n", &["l"]), summary("s", &["l"]), last, sum, max, all]
}

pub fn label(number: usize) -> String {
    format!("value {number}")
}

/// Some short, some long.
pub fn exemplar(number: usize) -> ExemplarLabels {
    let mut labels = ExemplarLabels::default();
    labels.push(b"trace_id", "ü".repeat(8 * number).as_bytes()).unwrap();
    labels
}

impl Scene {
    pub fn new() -> Self {
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
                if let (Kind::NativeHistogram(_), [.., hint, _]) = (definition.kind, cells) {
                    hint.set(f64::from_bits(u64::MAX));
                }
                let cell: *const Cell = &raw const cells[0];
                if number % 4 == 1 {
                    writer.note_exemplar(cell, &exemplar(number), 1.0, 1.0);
                }
            }
        }
        writer.publish_runtime(Runtime { start: 1.0, ..Runtime::default() });
        let shape = Shape { max_series: 200, max_processes: 6, max_label_length: 1024 };
        let raw = Raw::open(&place);
        let valid = raw.image();
        let used = (0..valid.len()).filter(|at| valid[*at] != 0).map(|at| at * 8).collect();
        // The slot stays claimed after this, so that gauges count.
        drop(writer);
        Self { place, raw, valid, used, geometry: Geometry::new(shape, SIZE).unwrap() }
    }

    pub fn index(&self) -> impl Iterator<Item = usize> + use<> {
        let first = self.geometry.halves[0].index as usize;
        (first..first + self.geometry.index_words as usize * 8).step_by(8)
    }

    /// The index words that lead to series of the counter.
    pub fn counter_entries(&self) -> Vec<usize> {
        let record = |entry: u64| (entry & ((1 << 40) - 1)) as usize;
        let family = |entry| self.valid[record(entry) / 8 + 2];
        let series: Vec<usize> =
            self.index().filter(|at| self.valid[at / 8] != 0 && self.is_series(self.valid[at / 8])).collect();
        let first = series.iter().map(|at| family(self.valid[at / 8])).min().unwrap();
        series.into_iter().filter(|at| family(self.valid[at / 8]) == first).collect()
    }

    pub fn record(&self, entry_at: usize) -> usize {
        (self.valid[entry_at / 8] & ((1 << 40) - 1)) as usize
    }

    pub fn is_series(&self, entry: u64) -> bool {
        self.valid[(entry & ((1 << 40) - 1)) as usize / 8] & 0xff == 0x53
    }

    /// Reads and writes the corrupt segment in all ways, and restores it.
    pub fn survive(&mut self, what: &dyn std::fmt::Debug) {
        let used = peak_of(|| read(&self.place, what));
        assert!(used as u64 <= 2 * SIZE, "{what:?}: the reader took {used} bytes");
        let used = peak_of(|| write(&self.place));
        assert!(used as u64 <= SIZE, "{what:?}: the writer took {used} bytes");
        read(&self.place, what);
        if self.raw.is_current(&self.place) {
            self.raw.restore(&self.valid);
        } else {
            *self = Self::new();
        }
    }
}

pub fn read(place: &Place, what: &dyn std::fmt::Debug) {
    let Ok(mut reader) = Reader::attach(place.config.name) else { return };
    // Huge records that are refused may keep others waiting, but not for long.
    let mut scrape = || reader.scrape().map(|snapshot| (check(snapshot), snapshot.stats.corrupt_records));
    let mut last = scrape();
    let settled = (0..20).any(|_| {
        let now = scrape();
        std::mem::replace(&mut last, now.clone()) == now
    });
    assert!(settled, "{what:?}: the same segment gives the same page in the end");
}

/// Iterates over everything that a page would show; returns the number of rows.
pub fn check(snapshot: &Snapshot) -> usize {
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

/// The rules of Prometheus and Python's parser: an exemplar that breaks one invalidates the whole page.
pub fn check_exemplar(Exemplar { labels, time, .. }: &Exemplar) {
    let characters = labels.iter().flat_map(|(name, value)| name.chars().chain(value.chars()));
    assert!(characters.count() <= 128 && !labels.is_empty() && time.is_finite(), "{labels:?} at {time}");
    assert!(
        labels.iter().all(|(name, _)| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
    );
}

pub fn write(place: &Place) {
    let Ok(mut writer) = Writer::attach(&place.config) else { return };
    for definition in definitions() {
        let Ok(family) = writer.register(&definition) else { continue };
        for value in ["value 3", "fresh"] {
            let rings = writer.rings();
            match writer.resolve(family, &[value]) {
                Ok(series) if definition.cells() == SUMMARY_CELLS => {
                    let number = ring::ring_of(series.cells);
                    // SAFETY: the writer stays attached meanwhile.
                    let ring = rings.and_then(|rings| unsafe { rings.ring(number) });
                    let _kept = ring::observe_owned(series.cells, ring, clock::now(), 1.0);
                }
                Ok(series) => {
                    if let Kind::NativeHistogram(_) = definition.kind {
                        hints::observe_owned(series.cells, 0, 1.0);
                    }
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
    writer.clean_exit(false);
}
