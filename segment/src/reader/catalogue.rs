//! The families and series found through the segment's index, validated once and cached.

use super::{
    cells::Cells,
    entry::{Entry, Series},
    ranges::ClaimedRanges,
    totals::Totals,
};
use crate::{
    definition::Kind,
    format::{
        family::FamilyRecord,
        header::hash_key,
        index,
        record::{Corrupt, HashKey, Tag},
        series::SeriesRecord,
        ttl,
    },
    layout::{Geometry, PAGE, PAGE_WORDS, Plane, RECORD_UNIT, header},
    memory::{
        atomic::{Word, next_id},
        view::View,
    },
    snapshot::{ABSENT, Snapshot, Superseded},
};
use std::collections::HashMap;

/// A word of the index that has changed and was not followed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Lead {
    /// The start of its record, in units from the start of the first record.
    unit: u32,
    /// The word's upper bits.
    hash: u32,
}

/// In [`Catalogue::seen`]: the word leads out of the records.
const NOWHERE: u32 = u32::MAX;

/// Everything read from the index so far.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// For each word of the index's used pages: the unit that it last led to, plus one.
    seen: HashMap<u64, Box<[u32; PAGE_WORDS]>>,
    leads: Vec<Lead>,
    families: Vec<Entry>,
    /// From a family's record offset to its index in `families`.
    by_offset: HashMap<u64, usize>,
    /// The families, sorted by name.
    by_name: Vec<usize>,
    /// For each family of the snapshot its index in `families`.
    chosen: Vec<usize>,
    /// The index of each family in the snapshot, if it is exported.
    exported: Vec<Option<usize>>,
    /// Count of the numbers in the rows of all series.
    numbers: u64,
    /// Units of accepted records.
    taken_units: ClaimedRanges,
    /// Pages of records that were read; their count is in `touched`.
    looked_at: ClaimedRanges,
    pub(crate) touched: u64,
    /// Maximum of `touched`.
    most: u64,
    /// Columns of each plane that belong to accepted records.
    columns: [ClaimedRanges; 2],
    /// Buffer for the label values of one record.
    labels: Vec<u8>,
    /// Whether a removed series was replaced since the last refresh.
    replaced: bool,
    epoch: u64,
    /// [`RECORD_UNIT`]s of the records that the index leads to now.
    pub(crate) record_units: u64,
    /// Invalid records.
    pub(crate) corrupt: u64,
    /// Families of living processes that are not exported.
    pub(crate) superseded: u64,
}

impl Catalogue {
    /// Adds what was published, replaced or removed since the last refresh. Reads at most `most` pages of
    /// records in total.
    pub(crate) fn refresh(&mut self, view: &View, most: u64) {
        self.most = most;
        // The epoch is read first, so that a removal after this is found at the next refresh.
        let epoch = view.head(header!(epoch)).load_acquire(); // pair: EPOCH
        // The words of a valid segment do not change faster than they can be followed. In a corrupt one
        // further words wait until the pending leads are followed.
        if self.leads.len() < view.geometry.index_words as usize {
            index::touched_pages(view).for_each(|page| self.look_at(view, page));
        }
        self.follow_leads(view);
        if epoch != self.epoch || self.replaced {
            (self.epoch, self.replaced) = (epoch, false);
            self.families.iter_mut().for_each(|family| family.drop_removed(view));
            self.numbers =
                self.families.iter().map(|family| (family.live * family.definition.numbers()) as u64).sum();
        }
    }

    /// Compares a page of the index with its cached state.
    fn look_at(&mut self, view: &View, page: u64) {
        let words = view.words(view.geometry.index + page * PAGE, PAGE_WORDS as u64);
        let Some(words) = words else { return };
        let mut seen = self.seen.remove(&page).unwrap_or_else(|| Box::new([0; PAGE_WORDS]));
        for (word, seen) in words.iter().zip(&mut *seen) {
            let entry = word.load_acquire(); // pair: INDEX
            let code = code(&view.geometry, entry);
            if code != *seen {
                self.note(view, std::mem::replace(seen, code), code, entry);
            }
        }
        self.seen.insert(page, seen);
    }

    fn note(&mut self, view: &View, before: u32, code: u32, entry: u64) {
        if before != 0 {
            self.note_replacement(view, before);
        }
        match code {
            0 => {}
            NOWHERE => self.corrupt += 1,
            code => self.leads.push(Lead { unit: code - 1, hash: (entry >> 32) as u32 }),
        }
    }

    fn note_replacement(&mut self, view: &View, before: u32) {
        self.replaced = true;
        if before != NOWHERE {
            let offset = view.geometry.records + u64::from(before - 1) * RECORD_UNIT;
            let bytes = SeriesRecord::parse(view, offset).map_or(0, |series| series.bytes());
            self.record_units = self.record_units.saturating_sub(bytes.div_ceil(RECORD_UNIT));
        }
    }

    /// Reads the records in the order of their offsets, which suits caches and finds families before their
    /// series.
    ///
    /// Rejected records cost work too. Where they add up to more than the segment's size, the rest waits for
    /// the next scrape.
    fn follow_leads(&mut self, view: &View) {
        let look = Refresh { view, key: hash_key(view) };
        let mut leads = std::mem::take(&mut self.leads);
        leads.sort_unstable_by(|a, b| b.cmp(a));
        let mut budget = 2 * (view.geometry.end - view.geometry.records);
        while let Some(lead) = leads.pop_if(|_| budget > 0) {
            if self.follow(look, lead, &mut budget).is_err() {
                self.corrupt += 1;
            }
        }
        if !leads.is_empty() {
            self.leads = leads;
        }
        self.sort_families();
    }

    fn follow(&mut self, look: Refresh<'_>, lead: Lead, budget: &mut u64) -> Result<(), Corrupt> {
        let offset = look.view.geometry.records + u64::from(lead.unit) * RECORD_UNIT;
        let entry = u64::from(lead.hash) << 32 | offset;
        self.touch(look, offset, RECORD_UNIT)?;
        match Tag::read(look.view, offset, entry)? {
            Tag::Family => {
                let at = self.family(look, offset, budget)?;
                let twice = std::mem::replace(&mut self.families[at].is_indexed, true);
                if twice { Err(Corrupt) } else { Ok(()) }
            }
            Tag::Series => self.take_series(look, offset, budget),
        }
    }

    /// The family at that offset, read if it is not cached. Its series may be found just before the index
    /// leads to the family itself.
    fn family(&mut self, look: Refresh<'_>, offset: u64, budget: &mut u64) -> Result<usize, Corrupt> {
        if let Some(known) = self.by_offset.get(&offset) {
            return Ok(*known);
        }
        self.touch(look, offset, RECORD_UNIT)?; // a series may have led here
        let bytes = FamilyRecord::claimed_bytes(look.view, offset);
        spend(budget, bytes);
        self.touch(look, offset, bytes)?;
        let family = FamilyRecord::parse(look.view, offset)?;
        let valid = FamilyRecord::hash(look.key, &family.definition) == family.hash;
        if !valid
            || !self.columns[Plane::PerProcess as usize].take(family.claim_column, 1)
            || !self.take_units(look, offset, family.bytes)
        {
            return Err(Corrupt);
        }
        self.families.push(Entry::new(family, offset));
        self.by_offset.insert(offset, self.families.len() - 1);
        Ok(self.families.len() - 1)
    }

    fn take_series(&mut self, look: Refresh<'_>, offset: u64, budget: &mut u64) -> Result<(), Corrupt> {
        let series = SeriesRecord::parse(look.view, offset)?;
        spend(budget, series.bytes());
        self.touch(look, offset, series.bytes())?;
        series.copy_labels(look.view, offset, &mut self.labels)?;
        if SeriesRecord::hash(look.key, series.family, &self.labels) != series.hash {
            return Err(Corrupt);
        }
        let at = self.family(look, series.family, budget)?;
        let family = &mut self.families[at];
        if !family.accepts(&series, &self.labels) {
            return Err(Corrupt);
        }
        let (plane, cells) = (family.plane(), family.definition.cells() as u64);
        let numbers = self.numbers + family.definition.numbers() as u64;
        if numbers * 8 > look.view.memory_limit() {
            return Err(Corrupt);
        }
        if !self.columns[plane as usize].take(series.column, cells)
            || !self.take_units(look, offset, series.bytes())
        {
            return Err(Corrupt);
        }
        if !series.removed {
            let unit = ((offset - look.view.geometry.records) / RECORD_UNIT) as u32;
            let taken = Series { unit, column: series.column as u32, created: series.created };
            self.families[at].take(taken, &self.labels);
            self.numbers = numbers;
        }
        Ok(())
    }

    /// Marks a record's pages as read; an error if they are outside the segment, or too many.
    fn touch(&mut self, look: Refresh<'_>, offset: u64, bytes: u64) -> Result<(), Corrupt> {
        let end = offset.checked_add(bytes).filter(|end| *end <= look.view.geometry.end).ok_or(Corrupt)?;
        for page in offset / PAGE..end.div_ceil(PAGE) {
            self.touched += u64::from(self.looked_at.take(page, 1));
        }
        if self.touched <= self.most { Ok(()) } else { Err(Corrupt) }
    }

    fn take_units(&mut self, look: Refresh<'_>, offset: u64, bytes: u64) -> bool {
        let units = bytes.div_ceil(RECORD_UNIT);
        let free = self.taken_units.take((offset - look.view.geometry.records) / RECORD_UNIT, units);
        self.record_units += if free { units } else { 0 };
        free
    }

    fn sort_families(&mut self) {
        if self.by_name.len() != self.families.len() {
            self.by_name = (0..self.families.len()).collect();
            let families = &self.families;
            self.by_name.sort_by(|a, b| families[*a].definition.name.cmp(&families[*b].definition.name));
        }
    }

    /// Lays out the rows of the families to be exported: one family for each name.
    pub(crate) fn choose(&mut self, cells: &Cells<'_>, snapshot: &mut Snapshot) {
        let chosen = self.newest(cells, &mut snapshot.superseded);
        if chosen != self.chosen {
            snapshot.families = chosen.iter().map(|at| self.families[*at].empty_family()).collect();
            chosen.iter().for_each(|at| self.families[*at].dirty = true);
            self.exported.clear();
            self.exported.resize(self.families.len(), None);
            chosen.iter().enumerate().for_each(|(family, at)| self.exported[*at] = Some(family));
            self.chosen = chosen;
        }
        for (at, exported) in self.chosen.iter().zip(&mut snapshot.families) {
            let overflows = FamilyRecord::overflow_count(cells.view, self.families[*at].offset);
            exported.set_overflows(overflows.map_or(0, Word::load_relaxed));
            if self.families[*at].dirty {
                self.corrupt += self.families[*at].lay_out(exported, next_id());
            }
        }
    }

    /// For each name, the family that the youngest living process asserts; if none does, the one that was
    /// asserted last. Sorted by name. Other families that a living process asserts are superseded.
    fn newest(&mut self, cells: &Cells<'_>, superseded: &mut Vec<Superseded>) -> Vec<usize> {
        let families = &self.families;
        let claim = |at: usize| cells.newest_claim(families[at].claim_column);
        let age = |at: &usize| {
            let ever =
                FamilyRecord::newest_claim(cells.view, families[*at].offset).map_or(0, Word::load_relaxed);
            (claim(*at), ever, families[*at].offset)
        };
        superseded.clear();
        self.superseded = 0;
        let in_use: Vec<usize> =
            self.by_name.iter().copied().filter(|at| !families[*at].is_empty()).collect();
        let mut chosen = Vec::with_capacity(in_use.len());
        for of_a_name in in_use.chunk_by(|a, b| families[*a].definition.name == families[*b].definition.name)
        {
            let newest = match of_a_name {
                [only] => *only,
                several => several.iter().copied().max_by_key(age).unwrap_or(several[0]),
            };
            chosen.push(newest);
            for hidden in of_a_name.iter().filter(|at| **at != newest && claim(**at) > 0) {
                self.superseded += 1;
                if superseded.len() < Snapshot::MOST_SUPERSEDED {
                    let [definition, exported] = [*hidden, newest].map(|at| families[at].definition.clone());
                    superseded.push(Superseded { definition, exported });
                }
            }
        }
        chosen
    }

    /// Finds the series that were not used for the segment's TTL. Returns how many are hidden.
    pub(crate) fn look_for_use(&mut self, cells: &Cells<'_>, totals: &Totals, now: u64) -> u64 {
        let ttl = ttl::of(cells.view);
        if ttl == 0 {
            return 0;
        }
        let mut hidden = 0;
        for at in &self.chosen {
            let family = &mut self.families[*at];
            let (kind, count) = (family.definition.kind, family.definition.cells());
            let print = |column| cells.print(totals, kind, column, count);
            hidden += family.look_for_use(cells.view, (ttl, now), print);
        }
        hidden
    }

    /// Sets the values of hidden series to absent. The series of `all` gauges have no rows of their own.
    pub(crate) fn hide(&self, snapshot: &mut Snapshot) {
        for (entry, exported) in self.chosen().zip(&mut snapshot.families) {
            let rows = 0..if entry.is_laid_out_by_process() { 0 } else { exported.row_count() };
            rows.filter(|row| entry.is_hidden(*row)).for_each(|row| exported.values_mut(row)[0] = ABSENT);
        }
    }

    /// The chosen families, in the snapshot's order.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = &Entry> {
        self.chosen.iter().map(|at| &self.families[*at])
    }

    /// All summaries, exported or not, each with its index in the snapshot's families.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (Option<usize>, &Entry)> {
        let all = self.families.iter().enumerate();
        let summaries = all.filter(|(_, family)| matches!(family.definition.kind, Kind::Summary { .. }));
        summaries.map(|(at, family)| (self.exported.get(at).copied().flatten(), family))
    }

    /// Series in the segment now, exported or not.
    pub(crate) fn series_count(&self) -> u64 {
        self.families.iter().map(|family| family.live as u64).sum()
    }
}

/// The arguments that all steps of a refresh share.
#[derive(Clone, Copy)]
struct Refresh<'r> {
    view: &'r View,
    key: HashKey,
}

fn spend(budget: &mut u64, bytes: u64) {
    *budget = budget.saturating_sub(bytes);
}

/// The cached form of a word of the index.
fn code(geometry: &Geometry, entry: u64) -> u32 {
    // The rotation moves the lowest bits of a misaligned offset to the top, where they exceed the limit.
    let unit = index::offset_of(entry).wrapping_sub(geometry.records).rotate_right(RECORD_UNIT.ilog2());
    let code = unit.min(u64::from(NOWHERE) - 1) as u32 + 1;
    // Branch-free: which words are in use is random, and a processor cannot predict it.
    code * u32::from(entry != 0)
}
