//! The families and series found through the segment's index, validated once and cached.

use super::{
    cells::Cells,
    entry::{Entry, Home, Series, Spot},
    natives::Natives,
    ranges::ClaimedRanges,
    sight::Sight,
    totals::Totals,
};
use crate::{
    definition::{Definition, Kind},
    format::{
        family::FamilyRecord,
        header::hash_key,
        index,
        record::{Corrupt, HashKey, Tag},
        series::{GONE, SeriesRecord, state},
        ttl,
    },
    layout::{Half, PAGE, PAGE_WORDS, Plane, RECORD_UNIT, header},
    memory::{
        atomic::{Word, next_id},
        view::View,
    },
    order,
    snapshot::{ABSENT, Snapshot, Superseded},
};
use std::collections::HashMap;

/// A word of the index that has changed and was not followed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lead {
    /// The index of the half.
    half: usize,
    /// The start of its record, in units from the start of the half's first record.
    unit: u32,
    /// The word's upper bits.
    hash: u32,
}

impl Lead {
    /// Two numbers in the order of the leads.
    fn pair(&self) -> (u64, u64) {
        ((self.half as u64) << 32 | u64::from(self.unit), self.hash.into())
    }

    fn of_pair((place, hash): (u64, u64)) -> Self {
        Self { half: (place >> 32) as usize, unit: place as u32, hash: hash as u32 }
    }
}

/// In [`HalfState::seen`]: the word leads out of the records.
const NOWHERE: u32 = u32::MAX;

/// What was read of one half.
#[derive(Debug, Default)]
struct HalfState {
    /// The generation that was read of the half.
    generation: Option<u64>,
    /// Whether the present scrape reads the half.
    is_read: bool,
    /// For each word of the index's used pages: the unit that it last led to, plus one.
    seen: HashMap<u64, SeenPage>,
    /// Units of accepted records.
    taken_units: ClaimedRanges,
    /// Pages of records that were read; their count is in `touched`.
    looked_at: ClaimedRanges,
    touched: u64,
    /// Pages with the cells of accepted `last` gauges; their count is in `touched`, too.
    gauge_pages: ClaimedRanges,
    /// Columns of each plane that belong to accepted records.
    columns: [ClaimedRanges; 3],
    /// [`RECORD_UNIT`]s of the records that the index leads to now.
    record_units: u64,
    /// Families whose records were accepted.
    families: u64,
    /// What is left out because there is too much of it.
    beyond: Beyond,
    /// Invalid records.
    corrupt: u64,
}

/// What is left out because of limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beyond {
    pub(crate) series: u64,
    pub(crate) families: u64,
}

/// How many numbers a row takes in the snapshot.
fn numbers_of_row(definition: &Definition) -> usize {
    definition.numbers() + definition.native_numbers()
}

/// Which row each record of a half belongs to.
#[derive(Debug, Default)]
struct FormerRows {
    /// The record's unit, then the index of its family and the row, in the order of the units.
    rows: Vec<(u64, u64)>,
    /// The place after the one that was found last. Series are carried in the order of their columns, which is mostly
    /// that of their records, so what is looked for next is there.
    next: usize,
}

impl FormerRows {
    fn of(rows: impl Iterator<Item = (u32, (usize, usize))>) -> Self {
        let pair = |(unit, (family, row))| (u64::from(unit), (family as u64) << 32 | row as u64);
        let mut rows: Vec<(u64, u64)> = rows.map(pair).collect();
        order::sort_pairs(&mut rows);
        Self { rows, next: 0 }
    }

    /// The index of the family and the row of the record at a unit.
    fn find(&mut self, unit: u64) -> Option<(usize, usize)> {
        let is_next = self.rows.get(self.next).is_some_and(|(next, _)| *next == unit);
        let at = if is_next { self.next } else { self.rows.binary_search_by_key(&unit, |row| row.0).ok()? };
        self.next = at + 1;
        let row = self.rows[at].1;
        Some(((row >> 32) as usize, row as u32 as usize))
    }
}

/// Everything read from the index so far.
#[derive(Debug)]
pub(crate) struct Catalogue {
    halves: [HalfState; 2],
    leads: Vec<Lead>,
    families: Vec<Entry>,
    /// From a family's record offset to its index in `families`; `None` for a family that is left out.
    by_offset: HashMap<u64, Option<usize>>,
    /// From a family's hash to the indexes in `families`: more than one only if a segment is corrupt.
    by_hash: HashMap<u64, Vec<usize>>,
    /// The families, sorted by name.
    by_name: Vec<usize>,
    /// For each family of the snapshot its index in `families`; `None` if the indexes have changed.
    chosen: Option<Vec<usize>>,
    /// The index of each family in the snapshot, if it is exported.
    exported: Vec<Option<usize>>,
    /// Count of the numbers in the rows of all series.
    numbers: u64,
    /// Changes when series of the snapshot come, go, or lie elsewhere.
    layout: u64,
    /// The rows of the former half's records, while those that were carried from them are followed.
    rows_of_former: FormerRows,
    /// Maximum of pages of records that may be read.
    most: u64,
    /// Most series of a half.
    pub(crate) max_series: u64,
    /// Most families of a half.
    pub(crate) max_families: u64,
    /// Series of each half that were taken, while leads are followed.
    series: [u64; 2],
    /// Buffer for the label values of one record.
    labels: Vec<u8>,
    /// The index of the present generation's half.
    present: usize,
    /// Whether a removed series was replaced since the last refresh.
    replaced: bool,
    /// Whether a carried record was left out, because its series was removed.
    leaves_carried: bool,
    epoch: u64,
    /// Invalid records of former generations, and series that are there twice.
    corrupt: u64,
    /// Families of living processes that are not exported.
    pub(crate) superseded: u64,
    /// Families that another one of their name has replaced.
    pub(crate) outdated: u64,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            halves: Default::default(),
            leads: Vec::new(),
            families: Vec::new(),
            by_offset: HashMap::new(),
            by_hash: HashMap::new(),
            by_name: Vec::new(),
            chosen: None,
            exported: Vec::new(),
            numbers: 0,
            most: 0,
            layout: 0,
            rows_of_former: FormerRows::default(),
            max_series: u64::MAX,
            max_families: u64::MAX,
            series: [0; 2],
            labels: Vec::new(),
            present: 0,
            replaced: false,
            leaves_carried: false,
            epoch: 0,
            corrupt: 0,
            superseded: 0,
            outdated: 0,
        }
    }
}

impl Catalogue {
    /// Adds what was published, replaced or removed since the last refresh, and forgets a half that was given back.
    /// Reads at most `most` pages of records in total. False if a half was given back meanwhile: then all is forgotten.
    pub(crate) fn refresh(&mut self, view: &View, sight: &Sight, most: u64) -> bool {
        self.most = most;
        self.present = sight.half();
        // The epoch is read first, so that a removal after this is found at the next refresh.
        let epoch = view.head(header!(epoch)).load_acquire(); // pair: EPOCH
        self.look_at_halves(view, sight);
        // The words of a valid segment do not change faster than they can be followed. In a corrupt one
        // further words wait until the pending leads are followed.
        if self.leads.len() < view.geometry.index_words as usize {
            for (at, half) in self.halves_read(view) {
                index::touched_pages(view, half).for_each(|page| self.look_at(view, (at, half), page));
            }
        }
        // Before further records are followed, which are looked at for it then.
        if epoch != self.epoch || self.replaced {
            (self.epoch, self.replaced) = (epoch, false);
            self.drop_removed(view);
        }
        self.follow_leads(view);
        // Removed meanwhile: what its series has in the old half leaves with it, because a part would be less than before.
        if std::mem::take(&mut self.leaves_carried) {
            self.drop_removed(view);
        }
        // Whether a series of the new half is kept depends on the record that it was carried from. Where that was given
        // back, and perhaps belongs to other records by now, nothing of both halves may be kept.
        if !sight.still_holds(view) {
            self.disregard(0..2);
            return false;
        }
        self.leave_halves();
        self.sort_families();
        true
    }

    fn drop_removed(&mut self, view: &View) {
        self.layout += 1;
        let (is_read, now) = (self.halves.each_ref().map(|half| half.is_read), self.present);
        self.families.iter_mut().for_each(|family| family.drop_removed(view, is_read, now));
        self.count_numbers();
    }

    /// Notes which halves are to be read, and forgets what one held before that. Comes before any look at the halves.
    pub(crate) fn look_at_halves(&mut self, view: &View, sight: &Sight) {
        for half in 0..2 {
            let holds = sight.generations().find(|generation| generation % 2 == half as u64);
            if holds.is_some() && self.halves[half].generation != holds {
                self.forget(half);
                let area = &view.geometry.halves[half];
                view.forget(area.head, area.end - area.head);
                self.halves[half].generation = holds;
            }
            self.halves[half].is_read = holds.is_some();
        }
    }

    /// The halves that are read, each with its index.
    fn halves_read<'v>(&self, view: &'v View) -> impl Iterator<Item = (usize, &'v Half)> + use<'v> {
        let is_read = self.halves.each_ref().map(|half| half.is_read);
        view.geometry.halves.iter().enumerate().filter(move |(at, _)| is_read[*at])
    }

    /// Forgets a half that is not read any more. The series that were carried are joined before with those of the
    /// other half, so that what is known of their use is kept.
    fn leave_halves(&mut self) {
        for half in 0..2 {
            if !self.halves[half].is_read && self.halves[half].generation.is_some() {
                self.corrupt += self.families.iter_mut().map(Entry::join_fresh).sum::<u64>();
                self.forget(half);
            }
        }
    }

    /// Forgets all that was read of the half that was given back after the series were known: the former one, or else
    /// the only one.
    pub(crate) fn disregard_former(&mut self) {
        let read = (0..2).filter(|half| self.halves[*half].is_read);
        self.disregard(read.min_by_key(|half| self.halves[*half].generation));
    }

    /// Forgets all that was read of these halves, and what was found to be invalid there.
    fn disregard(&mut self, halves: impl IntoIterator<Item = usize>) {
        for half in halves {
            self.halves[half].corrupt = 0;
            self.forget(half);
        }
    }

    /// Invalid records so far.
    pub(crate) fn corrupt(&self) -> u64 {
        self.corrupt + self.halves.iter().map(|half| half.corrupt).sum::<u64>()
    }

    /// What is left out because there is too much of it, of all that was read.
    pub(crate) fn beyond(&self) -> Beyond {
        let [one, other] = self.halves.each_ref().map(|half| half.beyond);
        Beyond { series: one.series + other.series, families: one.families + other.families }
    }

    fn count_numbers(&mut self) {
        let numbers =
            self.families.iter().map(|family| (family.live * numbers_of_row(&family.definition)) as u64);
        self.numbers = numbers.sum();
    }

    /// Forgets all that was read of a half.
    fn forget(&mut self, half: usize) {
        let state = std::mem::take(&mut self.halves[half]);
        if state.generation.is_none() {
            return;
        }
        self.corrupt += state.corrupt;
        self.layout += 1;
        self.leads.retain(|lead| lead.half != half);
        self.families.iter_mut().for_each(|family| family.forget(half));
        self.forget_families();
        self.by_offset.clear();
        self.by_hash.clear();
        for (at, family) in self.families.iter().enumerate() {
            self.by_offset.extend(family.homes.iter().flatten().map(|home| (home.offset, Some(at))));
            self.by_hash.entry(family.hash).or_default().push(at);
        }
        self.count_numbers();
    }

    /// Forgets the families that lie in no half any more. What is laid out stays as it is, if none of them is shown.
    fn forget_families(&mut self) {
        let mut left = 0..self.families.len();
        let place = |family: &Entry| if family.is_forgotten() { None } else { left.next() };
        let places: Vec<Option<usize>> = self.families.iter().map(place).collect();
        if left.is_empty() {
            return;
        }
        self.families.retain(|family| !family.is_forgotten());
        self.by_name.clear();
        let chosen = self.chosen.take();
        self.chosen = chosen.and_then(|chosen| chosen.iter().map(|at| places[*at]).collect());
        self.note_exported();
    }

    /// Notes for each family whether it is exported.
    fn note_exported(&mut self) {
        self.exported.clear();
        self.exported.resize(self.families.len(), None);
        let chosen = self.chosen.iter().flatten().enumerate();
        chosen.for_each(|(family, at)| self.exported[*at] = Some(family));
    }

    /// Changes when series of the snapshot come, go, or lie elsewhere.
    pub(crate) fn layout(&self) -> u64 {
        self.layout
    }

    /// Number of pages of records that were read.
    pub(crate) fn touched(&self) -> u64 {
        self.halves.iter().map(|half| half.touched).sum()
    }

    /// [`RECORD_UNIT`]s of the records that the index of a half leads to now.
    pub(crate) fn record_units(&self, half: usize) -> u64 {
        self.halves[half].record_units
    }

    /// Compares a page of the index with its cached state.
    fn look_at(&mut self, view: &View, (at, half): (usize, &Half), page: u64) {
        let words = view.words(half.index + page * PAGE, PAGE_WORDS as u64);
        let Some(words) = words else { return };
        let mut seen = self.halves[at].seen.get(&page).map_or([0; PAGE_WORDS], SeenPage::codes);
        let mut has_changed = false;
        for (word, seen) in words.iter().zip(&mut seen) {
            let entry = word.load_acquire(); // pair: INDEX
            let code = code(half, entry);
            if code != *seen {
                has_changed = true;
                self.note(view, at, (std::mem::replace(seen, code), code), entry);
            }
        }
        if has_changed {
            self.halves[at].seen.insert(page, SeenPage::of(&seen));
        }
    }

    fn note(&mut self, view: &View, half: usize, (before, code): (u32, u32), entry: u64) {
        if before != 0 {
            self.note_replacement(view, half, before);
        }
        match code {
            0 => {}
            NOWHERE => self.halves[half].corrupt += 1,
            code => self.leads.push(Lead { half, unit: code - 1, hash: (entry >> 32) as u32 }),
        }
    }

    fn note_replacement(&mut self, view: &View, half: usize, before: u32) {
        self.replaced = true;
        if before != NOWHERE {
            let offset = view.geometry.halves[half].records + u64::from(before - 1) * RECORD_UNIT;
            let bytes = SeriesRecord::parse(view, offset).map_or(0, |series| series.bytes());
            let units = &mut self.halves[half].record_units;
            *units = units.saturating_sub(bytes.div_ceil(RECORD_UNIT));
        }
    }

    /// Reads the records in the order of their offsets, which suits caches and finds families before their
    /// series.
    ///
    /// Rejected records cost work too. Where they add up to more than the segment's size, the rest waits for
    /// the next scrape.
    fn follow_leads(&mut self, view: &View) {
        let leads = std::mem::take(&mut self.leads);
        if leads.is_empty() {
            return;
        }
        self.layout += 1;
        let mut pairs: Vec<(u64, u64)> = leads.iter().map(Lead::pair).collect();
        order::sort_pairs(&mut pairs);
        let mut leads: Vec<Lead> = pairs.into_iter().rev().map(Lead::of_pair).collect();
        if leads.iter().any(|lead| lead.half == self.present) {
            self.look_up_former_rows();
        }
        let key = hash_key(view);
        if !leads.is_empty() {
            self.series = [0, 1].map(|half| self.series_count(half));
        }
        let mut budget = 2 * view.geometry.halves.iter().map(Half::room).sum::<u64>();
        while let Some(lead) = leads.pop_if(|_| budget > 0) {
            let look = Refresh { view, key, half: lead.half };
            let is_bad = self.follow(look, lead, &mut budget).is_err();
            self.halves[lead.half].corrupt += u64::from(is_bad);
        }
        self.rows_of_former = FormerRows::default();
        if !leads.is_empty() {
            self.leads = leads;
        }
    }

    /// While both halves are read, whoever finds a record that was carried knows the series' row by the record that it
    /// was carried from: so its labels need not be sorted in among the others.
    fn look_up_former_rows(&mut self) {
        let former = 1 - self.present;
        if !self.halves[former].is_read {
            return;
        }
        let rows = self.families.iter().enumerate().flat_map(|(family, entry)| {
            let rows = entry.rows().iter().enumerate();
            rows.filter_map(move |(row, series)| Some((series.at[former]?.unit, (family, row))))
        });
        self.rows_of_former = FormerRows::of(rows);
    }

    /// The row with the record that one of the present half says it was carried from, if the row has its family and its
    /// labels.
    fn row_of_origin(&mut self, look: Refresh<'_>, series: &SeriesRecord) -> Option<usize> {
        let origin = series.origin.checked_sub(look.view.geometry.halves[1 - look.half].records)?;
        let is_there = look.half == self.present && origin.is_multiple_of(RECORD_UNIT);
        let (family, row) = is_there.then(|| self.rows_of_former.find(origin / RECORD_UNIT)).flatten()?;
        let is_its_family = self.by_offset.get(&series.family) == Some(&Some(family));
        (is_its_family && self.families[family].has_labels(row, &self.labels)).then_some(row)
    }

    fn follow(&mut self, look: Refresh<'_>, lead: Lead, budget: &mut u64) -> Result<(), Corrupt> {
        let offset = look.half().records + u64::from(lead.unit) * RECORD_UNIT;
        let entry = u64::from(lead.hash) << 32 | offset;
        self.touch(look, offset, RECORD_UNIT)?;
        match Tag::read(look.view, offset, entry)? {
            Tag::Family => {
                let Some(at) = self.family(look, offset, budget)? else { return Ok(()) };
                let home = self.families[at].homes[look.half].as_mut().ok_or(Corrupt)?;
                let twice = std::mem::replace(&mut home.is_indexed, true);
                if twice { Err(Corrupt) } else { Ok(()) }
            }
            Tag::Series => self.take_series(look, offset, budget),
        }
    }

    /// The family at that offset, read if it is not cached; `None` if it is one too many. Its series may be found just
    /// before the index leads to the family itself.
    fn family(&mut self, look: Refresh<'_>, offset: u64, budget: &mut u64) -> Result<Option<usize>, Corrupt> {
        let known = self.by_offset.get(&offset).copied();
        if let Some(known) = known {
            let Some(known) = known else { return Ok(None) };
            let home = self.families[known].homes[look.half].as_ref().filter(|home| home.offset == offset);
            return home.map(|_| Some(known)).ok_or(Corrupt);
        }
        self.touch(look, offset, RECORD_UNIT)?; // a series may have led here
        let bytes = FamilyRecord::claimed_bytes(look.view, offset);
        spend(budget, bytes);
        self.touch(look, offset, bytes)?;
        let family = FamilyRecord::parse(look.view, offset)?;
        if FamilyRecord::hash(look.key, &family.definition) != family.hash {
            return Err(Corrupt);
        }
        let state = &mut self.halves[look.half];
        if state.families >= self.max_families {
            state.beyond.families += 1;
            self.by_offset.insert(offset, None);
            return Ok(None);
        }
        if !state.columns[Plane::PerProcess as usize].take(family.claim_column, 1)
            || !self.take_units(look, offset, family.bytes)
        {
            return Err(Corrupt);
        }
        self.halves[look.half].families += 1;
        let at = self.entry_of(look, &family);
        let order = family.definition.order_for(&self.families[at].definition);
        let home = Home { offset, claim_column: family.claim_column, is_indexed: false, order };
        self.families[at].homes[look.half] = Some(home);
        self.by_offset.insert(offset, Some(at));
        Ok(Some(at))
    }

    /// The index of the same family in the other half, or else of a new one.
    fn entry_of(&mut self, look: Refresh<'_>, family: &FamilyRecord) -> usize {
        let alike = self.by_hash.entry(family.hash).or_default();
        let known = alike.iter().copied().find(|at| {
            let known = &self.families[*at];
            known.homes[look.half].is_none() && known.definition.same_family(&family.definition)
        });
        known.unwrap_or_else(|| {
            alike.push(self.families.len());
            self.families.push(Entry::new(family.definition.clone(), family.hash));
            self.families.len() - 1
        })
    }

    fn take_series(&mut self, look: Refresh<'_>, offset: u64, budget: &mut u64) -> Result<(), Corrupt> {
        let series = SeriesRecord::parse(look.view, offset)?;
        spend(budget, series.bytes());
        self.touch(look, offset, series.bytes())?;
        series.copy_labels(look.view, offset, &mut self.labels)?;
        let row = self.row_of_origin(look, &series);
        if row.is_none() && SeriesRecord::hash(look.key, series.family, &self.labels) != series.hash {
            return Err(Corrupt);
        }
        let Some(at) = self.family(look, series.family, budget)? else { return Ok(()) };
        let family = &mut self.families[at];
        if !family.accepts(&series, &self.labels, (&look.view.geometry, row.is_some())) {
            return Err(Corrupt);
        }
        let (plane, cells) = (family.definition.kind.plane(), family.definition.cells() as u64);
        if self.series[look.half] >= self.max_series {
            self.halves[look.half].beyond.series += 1;
            return Ok(());
        }
        let numbers = self.numbers + numbers_of_row(&family.definition) as u64;
        if numbers * 8 > look.view.memory_limit() {
            return Err(Corrupt);
        }
        if !self.halves[look.half].columns[plane as usize].take(series.column, cells)
            || !self.take_units(look, offset, series.bytes())
        {
            return Err(Corrupt);
        }
        if plane == Plane::Shared {
            self.touch_gauge(look, series.column)?;
        }
        if series.removed || self.is_origin_gone(look, &series) {
            self.leaves_carried |= row.is_some();
        } else {
            let unit = ((offset - look.half().records) / RECORD_UNIT) as u32;
            let spot = Spot { unit, column: series.column as u32 };
            self.series[look.half] += 1;
            let family = &mut self.families[at];
            if row.is_some_and(|row| family.take_carried(row, look.half, spot, series.created)) {
                return Ok(());
            }
            let mut at_half = [None; 2];
            at_half[look.half] = Some(spot);
            let mut created = [f64::NAN; 2];
            created[look.half] = series.created;
            let taken = Series { at: at_half, created };
            self.families[at].take(taken, look.half, &self.labels);
            self.numbers = numbers;
        }
        Ok(())
    }

    /// Whether the record in the old half that a series was carried from was removed meanwhile: so the shares of all
    /// slots leave together, whichever half they are in. What a series of the old half was carried from is gone, and its
    /// memory belongs to other records.
    fn is_origin_gone(&self, look: Refresh<'_>, series: &SeriesRecord) -> bool {
        let other = &look.view.geometry.halves[1 - look.half];
        let is_read = self.halves[1 - look.half].is_read;
        let flag = SeriesRecord::removed(look.view, series.origin);
        look.half == self.present
            && is_read
            && (other.records..other.end).contains(&series.origin)
            && flag.is_some_and(|flag| state(flag.load_acquire()) == GONE)
    }

    /// Marks a record's pages as read; an error if they are outside the half, or too many.
    fn touch(&mut self, look: Refresh<'_>, offset: u64, bytes: u64) -> Result<(), Corrupt> {
        let half = look.half();
        let end = offset.checked_add(bytes).filter(|end| *end <= half.end && offset >= half.records);
        let end = end.ok_or(Corrupt)?;
        let state = &mut self.halves[look.half];
        for page in offset / PAGE..end.div_ceil(PAGE) {
            state.touched += u64::from(state.looked_at.take(page - half.records / PAGE, 1));
        }
        if self.touched() <= self.most { Ok(()) } else { Err(Corrupt) }
    }

    /// Marks the page with a gauge's cell as read, as if it lay in the half; an error if there are too many.
    fn touch_gauge(&mut self, look: Refresh<'_>, column: u64) -> Result<(), Corrupt> {
        let state = &mut self.halves[look.half];
        state.touched += u64::from(state.gauge_pages.take(column / PAGE_WORDS as u64, 1));
        if self.touched() <= self.most { Ok(()) } else { Err(Corrupt) }
    }

    fn take_units(&mut self, look: Refresh<'_>, offset: u64, bytes: u64) -> bool {
        let units = bytes.div_ceil(RECORD_UNIT);
        let state = &mut self.halves[look.half];
        let free = state.taken_units.take((offset - look.half().records) / RECORD_UNIT, units);
        state.record_units += if free { units } else { 0 };
        free
    }

    fn sort_families(&mut self) {
        if self.by_name.len() != self.families.len() {
            let name = |at: usize| &self.families[at].definition.name;
            self.by_name = order::sorted(self.families.len(), &|a, b| name(a).cmp(name(b)));
        }
    }

    /// Lays out the rows of the families to be exported: one family for each name.
    pub(crate) fn choose(&mut self, cells: &Cells<'_>, snapshot: &mut Snapshot) {
        let chosen = self.newest(cells, &mut snapshot.superseded);
        if self.chosen.as_ref() != Some(&chosen) {
            snapshot.families = chosen.iter().map(|at| self.families[*at].empty_family()).collect();
            chosen.iter().for_each(|at| self.families[*at].dirty = true);
            self.chosen = Some(chosen.clone());
            self.note_exported();
            self.layout += 1;
        }
        for (at, exported) in chosen.iter().zip(&mut snapshot.families) {
            let homes = self.families[*at].homes.iter().flatten();
            let overflows = homes.filter_map(|home| FamilyRecord::overflow_count(cells.view, home.offset));
            exported.set_overflows(overflows.map(Word::load_relaxed).max().unwrap_or(0));
            if self.families[*at].dirty {
                self.layout += 1;
                self.corrupt += self.families[*at].lay_out(exported, next_id());
            }
        }
    }

    /// For each name, the family that the youngest living process asserts; if none does, the one that was
    /// asserted last. Sorted by name. Other families that a living process asserts are superseded.
    fn newest(&mut self, cells: &Cells<'_>, superseded: &mut Vec<Superseded>) -> Vec<usize> {
        let families = &self.families;
        let claim = |at: usize| cells.newest_claim(&families[at].homes);
        let age = |at: &usize| {
            let homes = families[*at].homes.iter().flatten();
            let ever = homes.clone().filter_map(|home| FamilyRecord::newest_claim(cells.view, home.offset));
            let ever = ever.map(Word::load_relaxed).max().unwrap_or(0);
            (claim(*at), ever, homes.map(|home| home.offset).max())
        };
        superseded.clear();
        (self.superseded, self.outdated) = (0, 0);
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
            self.outdated += of_a_name.len() as u64 - 1;
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
    pub(crate) fn look_for_use(
        &mut self,
        cells: &Cells<'_>,
        (totals, natives): (&Totals, &Natives),
        now: u64,
    ) -> u64 {
        let ttl = ttl::of(cells.view);
        if ttl == 0 {
            return 0;
        }
        let mut hidden = 0;
        for (family, at) in self.chosen.iter().flatten().enumerate() {
            let entry = &mut self.families[*at];
            let (kind, count) = (entry.definition.kind, entry.definition.cells());
            let print = |row: usize, series: &Series| match kind {
                Kind::NativeHistogram(_) => natives.print(family, row),
                _ => cells.print(totals, kind, series, count),
            };
            hidden += entry.look_for_use(cells.view, (ttl, now), print);
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
    pub(crate) fn chosen(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chosen.iter().flatten().map(|at| &self.families[*at])
    }

    /// All summaries, exported or not, each with its index in the snapshot's families.
    pub(crate) fn summaries(&self) -> impl Iterator<Item = (Option<usize>, &Entry)> {
        let all = self.families.iter().enumerate();
        let summaries = all.filter(|(_, family)| matches!(family.definition.kind, Kind::Summary { .. }));
        summaries.map(|(at, family)| (self.exported.get(at).copied().flatten(), family))
    }

    /// Families that are read.
    pub(crate) fn families_read(&self) -> u64 {
        self.families.len() as u64
    }

    /// Families that the index of a half leads to.
    pub(crate) fn family_count(&self, half: usize) -> u64 {
        let is_there = |family: &&Entry| family.homes[half].as_ref().is_some_and(|home| home.is_indexed);
        self.families.iter().filter(is_there).count() as u64
    }

    /// Series in a half now, exported or not.
    pub(crate) fn series_count(&self, half: usize) -> u64 {
        self.families.iter().map(|family| family.count(half) as u64).sum()
    }
}

/// The arguments that all steps of a refresh share.
#[derive(Clone, Copy)]
struct Refresh<'r> {
    view: &'r View,
    key: HashKey,
    /// The index of the half that is read.
    half: usize,
}

impl Refresh<'_> {
    fn half(&self) -> &Half {
        &self.view.geometry.halves[self.half]
    }
}

fn spend(budget: &mut u64, bytes: u64) {
    *budget = budget.saturating_sub(bytes);
}

/// The cached words of a page of the index. Few of them are in use in a segment with few series, and there may be many
/// segments.
#[derive(Debug)]
enum SeenPage {
    /// Words that are not 0, each with its place in the page.
    Few(Box<[(u16, u32)]>),
    All(Box<[u32; PAGE_WORDS]>),
}

impl SeenPage {
    /// From so many words on all are kept: it takes no more memory by much, and no time.
    const FEW: usize = PAGE_WORDS / 4;

    fn of(codes: &[u32; PAGE_WORDS]) -> Self {
        let used = || (0_u16..).zip(codes).filter(|(_, code)| **code != 0);
        if used().count() > Self::FEW {
            return Self::All(Box::new(*codes));
        }
        Self::Few(used().map(|(at, code)| (at, *code)).collect())
    }

    fn codes(&self) -> [u32; PAGE_WORDS] {
        match self {
            Self::All(codes) => **codes,
            Self::Few(used) => {
                let mut codes = [0; PAGE_WORDS];
                used.iter().for_each(|(at, code)| codes[usize::from(*at)] = *code);
                codes
            }
        }
    }
}

/// The cached form of a word of the index.
fn code(half: &Half, entry: u64) -> u32 {
    // The rotation moves the lowest bits of a misaligned offset to the top, where they exceed the limit.
    let unit = index::offset_of(entry).wrapping_sub(half.records).rotate_right(RECORD_UNIT.ilog2());
    let code = unit.min(u64::from(NOWHERE) - 1) as u32 + 1;
    // Branch-free: which words are in use is random, and a processor cannot predict it.
    code * u32::from(entry != 0)
}
