//! What the segment's index has led to: families and series, checked once and kept.

use super::merge::Slots;
use crate::{
    definition::{Definition, GaugeMode, Kind},
    index,
    layout::{Geometry, PAGE_WORDS, Plane, RECORD_UNIT, header},
    record::{FamilyRecord, GONE, HashKey, Record, SeriesRecord, unpack_texts},
    region::Region,
    snapshot::{Family, Snapshot},
    sync::Word,
    writer,
};
use std::collections::{BTreeMap, HashMap};

/// A family's record and its series.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Definition,
    claim_column: u64,
    pub(crate) series: Vec<Series>,
    /// Series came or went since the rows were laid out.
    dirty: bool,
}

/// A series' record.
#[derive(Debug)]
pub(crate) struct Series {
    offset: u64,
    /// First of its cells.
    pub(crate) column: u64,
    labels: Box<[u8]>,
}

impl Series {
    /// Label values; checked when the record was read.
    pub(crate) fn labels(&self, count: usize) -> Vec<&str> {
        unpack_texts(&self.labels, count).unwrap_or_default()
    }
}

/// A series that waits for its family.
#[derive(Debug)]
struct Orphan {
    offset: u64,
    series: SeriesRecord,
    /// It was waiting at the last refresh already, so its family does not exist.
    hopeless: bool,
}

/// All that is known of the index so far.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// The index as last seen, so that only changed words are looked at.
    seen: Vec<u64>,
    families: HashMap<u64, Entry>,
    /// Series whose family has not been seen: it stands further on in the index, or came after our look.
    orphans: Vec<Orphan>,
    /// The family behind each of the snapshot's families.
    chosen: Vec<u64>,
    /// A removed series was replaced since the last refresh.
    replaced: bool,
    epoch: u64,
    generation: u64,
    /// Bytes of records taken in: more than the segment has would be a forgery.
    pub(crate) record_bytes: u64,
    /// [`RECORD_UNIT`]s of the records that the index leads to now.
    pub(crate) record_units: u64,
    /// Records that made no sense.
    pub(crate) corrupt: u64,
}

impl Catalogue {
    /// Takes in what has been published, replaced or removed since the last time.
    pub(crate) fn refresh(&mut self, region: &Region, geometry: &Geometry) {
        // The epoch first: what is removed after this look is seen at the next.
        let epoch = region.head(header!(epoch)).observe(); // pair: EPOCH
        self.seen.resize(geometry.index_words as usize, 0);
        let key = writer::hash_key(region);
        for page in index::touched_pages(region, geometry) {
            let first = page * PAGE_WORDS as u64;
            for place in first..first + PAGE_WORDS as u64 {
                self.look_at(region, geometry, key, place);
            }
        }
        if epoch != self.epoch || self.replaced {
            (self.epoch, self.replaced) = (epoch, false);
            self.drop_removed(region);
        }
        std::mem::take(&mut self.orphans).into_iter().for_each(|orphan| self.adopt(orphan));
    }

    fn look_at(&mut self, region: &Region, geometry: &Geometry, key: HashKey, place: u64) {
        let Some(word) = index::word(region, geometry, place) else { return };
        let entry = word.observe(); // pair: INDEX
        let before = std::mem::replace(&mut self.seen[place as usize], entry);
        if entry == before {
            return;
        }
        if before != 0 {
            self.replaced = true;
            let replaced = Record::parse(region, geometry, index::offset_of(before));
            self.record_units -= replaced.map_or(0, |record| units(&record)).min(self.record_units);
        }
        let offset = index::offset_of(entry);
        match Record::parse(region, geometry, offset) {
            Ok(record) if self.is_honest(&record, geometry, key, entry) => self.take_in(offset, record),
            _ => self.corrupt += 1,
        }
    }

    /// The hash proves that the record is what was published here; the sum of sizes that no record
    /// is taken in again and again.
    fn is_honest(&mut self, record: &Record, geometry: &Geometry, key: HashKey, entry: u64) -> bool {
        let (stored, computed, bytes) = match record {
            Record::Family(family) => {
                (family.hash, FamilyRecord::hash(key, &family.definition), family.bytes)
            }
            Record::Series(series) => {
                (series.hash, SeriesRecord::hash(key, series.family, &series.labels), series.bytes)
            }
        };
        self.record_bytes += bytes;
        let fits = self.record_bytes <= geometry.end - geometry.records;
        fits && stored == computed && index::entry(computed, index::offset_of(entry)) == entry
    }

    /// Series that are found in the segment now, exported or not.
    pub(crate) fn series_count(&self) -> u64 {
        let known: usize = self.families.values().map(|family| family.series.len()).sum();
        (known + self.orphans.len()) as u64
    }

    fn take_in(&mut self, offset: u64, record: Record) {
        self.record_units += units(&record);
        match record {
            Record::Series(series) => self.orphans.push(Orphan { offset, series, hopeless: false }),
            Record::Family(family) => {
                let FamilyRecord { definition, claim_column, .. } = family;
                let entry = Entry { definition, claim_column, series: Vec::new(), dirty: true };
                if self.families.insert(offset, entry).is_some() {
                    self.corrupt += 1; // the same record twice in the index
                }
            }
        }
    }

    fn adopt(&mut self, orphan: Orphan) {
        let Orphan { offset, series, hopeless } = orphan;
        if series.removed {
            return;
        }
        match self.families.get_mut(&series.family) {
            Some(family) if family.accepts(&series) => {
                let SeriesRecord { column, labels, .. } = series;
                family.series.push(Series { offset, column, labels: labels.into() });
                family.dirty = true;
            }
            None if !hopeless => self.orphans.push(Orphan { offset, series, hopeless: true }),
            _ => self.corrupt += 1,
        }
    }

    fn drop_removed(&mut self, region: &Region) {
        for family in self.families.values_mut() {
            let before = family.series.len();
            family.series.retain(|series| {
                SeriesRecord::removed(region, series.offset).is_some_and(|flag| flag.peek() != GONE)
            });
            family.dirty |= family.series.len() != before;
        }
    }

    /// Lays the rows of the families out that are to be exported: one for each name.
    pub(crate) fn choose(
        &mut self,
        region: &Region,
        geometry: &Geometry,
        slots: &Slots,
        snapshot: &mut Snapshot,
    ) {
        let chosen = self.newest(region, geometry, slots);
        if chosen != self.chosen {
            snapshot.families.clear();
            snapshot.families.extend(chosen.iter().map(|offset| self.families[offset].empty_view()));
            chosen.iter().for_each(|offset| self.mark_dirty(*offset));
            self.chosen = chosen;
        }
        for (offset, view) in self.chosen.iter().zip(&mut snapshot.families) {
            let Some(entry) = self.families.get_mut(offset) else { continue };
            if entry.dirty {
                self.generation = next_generation();
                self.corrupt += entry.lay_out(view, self.generation);
            }
        }
    }

    fn mark_dirty(&mut self, offset: u64) {
        if let Some(entry) = self.families.get_mut(&offset) {
            entry.dirty = true;
        }
    }

    /// For each name, the family that the youngest living process asserts; where none does, the one
    /// that was asserted last. Sorted by name.
    fn newest(&self, region: &Region, geometry: &Geometry, slots: &Slots) -> Vec<u64> {
        let mut by_name: BTreeMap<&str, ((u64, u64, u64), u64)> = BTreeMap::new();
        for (offset, entry) in self.families.iter().filter(|(_, entry)| !entry.series.is_empty()) {
            let living = slots.newest_claim(region, geometry, entry.claim_column);
            let ever = FamilyRecord::newest_claim(region, *offset).map_or(0, Word::peek);
            let candidate = ((living, ever, *offset), *offset);
            let best = by_name.entry(&entry.definition.name).or_insert(candidate);
            *best = (*best).max(candidate);
        }
        by_name.into_values().map(|(_, offset)| offset).collect()
    }

    /// The chosen families, in the snapshot's order.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = &Entry> {
        self.chosen.iter().filter_map(|offset| self.families.get(offset))
    }
}

fn units(record: &Record) -> u64 {
    let (Record::Family(FamilyRecord { bytes, .. }) | Record::Series(SeriesRecord { bytes, .. })) = record;
    bytes.div_ceil(RECORD_UNIT)
}

impl Entry {
    /// Whether the series' record fits the family.
    fn accepts(&self, series: &SeriesRecord) -> bool {
        let plane = self.plane();
        let cells = self.definition.cells() as u64;
        series.label_count == self.definition.label_names.len()
            && series.column.checked_add(cells).is_some_and(|end| end <= plane.capacity())
            && series.column % PAGE_WORDS as u64 + cells <= PAGE_WORDS as u64
            && unpack_texts(&series.labels, series.label_count).is_ok()
    }

    pub(crate) fn plane(&self) -> Plane {
        if matches!(self.definition.kind, Kind::Gauge(_)) { Plane::Living } else { Plane::Lasting }
    }

    /// The family as it is exported; `all` gauges tell their processes apart by one more label.
    fn empty_view(&self) -> Family {
        let mut definition = self.definition.clone();
        if definition.kind == Kind::Gauge(GaugeMode::All) {
            definition.label_names.push("pid".into());
        }
        Family::new(definition)
    }

    /// Sorts the rows and writes them down anew. Answers how many doubles it dropped: two series
    /// with the same labels would break the page.
    fn lay_out(&mut self, view: &mut Family, generation: u64) -> u64 {
        let width = self.definition.label_names.len();
        let key = |series: &Series| series.labels(width).join("\u{0}");
        self.series.sort_by_cached_key(key);
        let before = self.series.len();
        self.series.dedup_by(|a, b| a.labels == b.labels);
        self.dirty = false;
        view.clear(generation);
        if self.definition.kind != Kind::Gauge(GaugeMode::All) {
            let zeros = vec![0.0; self.definition.cells()];
            for series in &self.series {
                view.push(series.labels(width), &zeros);
            }
        }
        (before - self.series.len()) as u64
    }
}

/// Generations are unique in the process, so that a cache never takes one reader's rows for another's.
pub(crate) fn next_generation() -> u64 {
    static NEXT: Word = Word::new(1);
    NEXT.tally(1)
}
