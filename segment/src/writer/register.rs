//! Registration of families and series: lock-free, so that no dead or stopped process blocks another.
//!
//! Room is reserved first, then the record is filled, then one compare-and-swap publishes it. A process that
//! loses the race or dies midway leaves an unreachable record: a leak of its size, which the reader sees as
//! the difference between what was taken and what it found.

use super::{FamilyId, Resolved, Writer, gauges};
use crate::{
    clock,
    definition::{Definition, Kind},
    format::{
        family::FamilyRecord,
        index,
        index::Found,
        label_value::fit,
        record::HashKey,
        series::{GONE, LEAVING, SeriesRecord, Times, in_state, state},
        strings::{pack_strings, strings},
        ttl,
    },
    layout::{Half, PAGE_WORDS, Phase, Plane, Population, RECORD_UNIT, SHARED, Space, header},
    memory::{atomic::Word, view::View},
    snapshot::Loss,
};
use std::borrow::Cow;

/// CAS retry limit. Each turn but the last is lost to another process that filled the same word, so more
/// turns than there can be processes mean that the segment is corrupt.
pub(super) const MOST_TURNS: usize = 4096;

impl Writer {
    /// Finds or creates the family, and asserts that this process counts by this definition.
    pub fn register(&mut self, definition: &Definition) -> Result<FamilyId, Loss> {
        if definition.cells() > PAGE_WORDS {
            return Err(Loss::TooManyBuckets);
        }
        let joined = self.steady(|writer, _| writer.join_family(definition).map(Some));
        joined.or_else(|reason| self.registered_behind(definition).ok_or(reason))
    }

    /// The family in the half that this process has to leave and cannot, for want of room in the other one.
    fn registered_behind(&mut self, definition: &Definition) -> Option<FamilyId> {
        if self.attached.view.phase().generation() == self.generation {
            return None;
        }
        let known = self.families.iter().position(|known| known.definition.same_family(definition))?;
        let Known { home, definition: ref first, .. } = self.families[known];
        let order = definition.order_for(first).map(|order| self.keep_order(order));
        Some(FamilyId { known: known as u32, order, home })
    }

    fn join_family(&mut self, definition: &Definition) -> Result<FamilyId, Loss> {
        let home = self.family_home(self.generation, definition)?;
        let known = self.by_offset.get(&home.offset).map_or(self.families.len(), |known| *known as usize);
        let claim = match self.asserted.insert(definition.name.clone(), known as u32) {
            Some(former) if former as usize != known => {
                self.attached.view.head(header!(claim_seq)).fetch_add(1).wrapping_add(1)
            }
            _ => self.slot.claim_seq,
        };
        self.assert(self.generation, home, claim)?;
        if known == self.families.len() {
            self.families.push(Known { definition: definition.clone(), home, claim });
            self.by_offset.insert(home.offset, known as u32);
        }
        self.families[known].claim = claim;
        let order = definition.order_for(&self.families[known].definition);
        let order = order.map(|order| self.keep_order(order));
        Ok(FamilyId { known: known as u32, order, home })
    }

    /// Finds or creates the family's record in the half of a generation.
    pub(super) fn family_home(&mut self, generation: u64, definition: &Definition) -> Result<Home, Loss> {
        let half = *self.attached.view.geometry.half(generation);
        let found = self.find_or_publish(&half, &mut FamilyDraft::new(self.attached.hash_key, definition))?;
        let record = FamilyRecord::parse(&self.attached.view, found.offset).map_err(|_| Loss::Corrupt)?;
        Ok(Home {
            offset: found.offset,
            claim_column: record.claim_column,
            plane: definition.kind.plane(),
            cells: definition.cells(),
            labels: definition.label_names.len(),
            order: definition.order_for(&record.definition).map(|order| self.keep_order(order)),
            has_rings: matches!(definition.kind, Kind::Summary { .. }),
            has_hints: matches!(definition.kind, Kind::NativeHistogram(_)),
        })
    }

    /// Several definitions may share a name, for instance during a deploy: the one that the youngest living
    /// process asserts is exported. A process that changes its definition takes a new claim number.
    pub(super) fn assert(&mut self, generation: u64, home: Home, claim: u64) -> Result<(), Loss> {
        let view = &self.attached.view;
        FamilyRecord::newest_claim(view, home.offset).ok_or(Loss::Corrupt)?.fetch_max(claim);
        if self.slot.number == SHARED {
            return Ok(());
        }
        let (half, slot, column) = (view.geometry.half(generation), self.slot.number, (home.claim_column, 1));
        // Without room for it, the record's newest claim decides, so the family need not be refused.
        if let Ok(cells) = self.pages.cells(view, half, slot, Plane::PerProcess, column) {
            cells[0].set(claim as f64);
        }
        Ok(())
    }

    /// Stores an order once for all families that have it; returns its index.
    pub(super) fn keep_order(&mut self, order: Box<[u8]>) -> u32 {
        let known = self.orders.iter().position(|known| *known == order);
        known.unwrap_or_else(|| {
            self.orders.push(order);
            self.orders.len() - 1
        }) as u32
    }

    /// The label values as stored in records: within the segment's limit. Also returns how many were truncated.
    fn pack(&self, labels: &[&str]) -> (Vec<u8>, usize) {
        let limit = usize::from(self.attached.view.geometry.shape.max_label_length);
        let fitting: Vec<Cow<'_, str>> = labels.iter().map(|label| fit(label, limit)).collect();
        let cut = fitting.iter().filter(|label| matches!(label, Cow::Owned(_))).count();
        (pack_strings(fitting.iter().map(AsRef::as_ref)), cut)
    }

    /// What belongs to the labels, in one of the writer's orders.
    fn arrange<'l, T: Copy>(&self, order: Option<u32>, labels: &'l [T]) -> Cow<'l, [T]> {
        rearrange(order.and_then(|order| self.orders.get(order as usize)).map(AsRef::as_ref), labels)
    }

    /// Where the family lies in the present generation. Of another writer's there is only what the id says, which holds
    /// for its generation.
    fn home_of(&self, family: FamilyId) -> Home {
        self.families.get(family.known as usize).map_or(family.home, |known| known.home)
    }

    fn draft<'l>(&self, home: Home, labels: &'l [u8]) -> SeriesDraft<'l> {
        SeriesDraft::new(self.attached.hash_key, home, labels, None)
    }

    /// Where the family lies in the present generation, and the packed values, in the order of its record there.
    fn packed(&self, family: FamilyId, labels: &[&str]) -> Result<(Home, Vec<u8>, usize), Loss> {
        if labels.len() != family.home.labels {
            return Err(Loss::Corrupt);
        }
        let home = self.home_of(family);
        let (packed, cut) = self.pack(&self.arrange(home.order, &self.arrange(family.order, labels)));
        Ok((home, packed, cut))
    }

    /// Finds or creates the series and returns this process's cells of it. Values are in the order of the
    /// definition that was registered, whatever the family's order is.
    ///
    /// This touches the series: where the segment has a TTL, resolve it again after [`ttl::renew_after`].
    ///
    /// Values longer than the segment's limit are truncated and end in a hash of the whole value, so that no
    /// two series become one.
    pub fn resolve(&mut self, family: FamilyId, labels: &[&str]) -> Result<Resolved<'_>, Loss> {
        let made = self.steady(|writer, phase| writer.find_or_make(family, labels, phase));
        let (home, offset) = match made {
            Ok(found) => found,
            Err(reason) => self.find_behind(family, labels).ok_or(reason)?,
        };
        let view = &self.attached.view;
        let series = SeriesRecord::parse(view, offset).map_err(|_| Loss::Corrupt)?;
        if ttl::of(view) > 0 {
            let touched = SeriesRecord::touched(view, offset);
            touched.into_iter().for_each(|touched| ttl::touch(touched, clock::now()));
        }
        self.cells_of(home, series.column)
    }

    fn find_or_make(
        &mut self,
        family: FamilyId,
        labels: &[&str],
        phase: Phase,
    ) -> Result<Option<(Home, u64)>, Loss> {
        let (home, packed, cut) = self.packed(family, labels)?;
        let half = *self.attached.view.geometry.half(self.generation);
        let mut draft = self.draft(home, &packed);
        if draft
            .find(&self.attached.view, &half)
            .is_none_or(|offset| state_of(&self.attached.view, offset) != 0)
        {
            self.look_ahead();
            if self.attached.view.phase_now() != phase {
                return Ok(None);
            }
        }
        if phase.is_carrying() && draft.find(&self.attached.view, &half).is_none() {
            draft.former = self.former(family, labels);
            draft.keep_gauge(&self.attached.view, &half);
            // What was read of the old half counts only if that half was not given back meanwhile.
            if self.attached.view.phase_now() != phase {
                return Ok(None);
            }
        }
        let published = self.find_or_publish(&half, &mut draft)?;
        if published.is_new && cut > 0 {
            self.slot.count_truncated(&self.attached.view, cut as u64);
        }
        Ok(Some((home, published.offset)))
    }

    /// The series in the half of the former generation, if it is still wanted.
    fn former(&self, family: FamilyId, labels: &[&str]) -> Option<Former> {
        let offset = self.find_former(family, labels)?;
        Former::read(&self.attached.view, offset).filter(|_| state_of(&self.attached.view, offset) == 0)
    }

    /// The offset of the series' record in the half of the former generation.
    fn find_former(&self, family: FamilyId, labels: &[&str]) -> Option<u64> {
        let view = &self.attached.view;
        let (parent, order) = self.former_family(family)?;
        let (packed, _cut) = self.pack(&rearrange(order.as_deref(), &self.arrange(family.order, labels)));
        let home = Home { offset: parent, ..family.home };
        self.draft(home, &packed).find(view, view.geometry.half(self.generation + 1))
    }

    /// The offset of the family's record in the half of the former generation, and the order of its labels there.
    fn former_family(&self, family: FamilyId) -> Option<(u64, Option<Box<[u8]>>)> {
        let view = &self.attached.view;
        let definition = &self.families.get(family.known as usize)?.definition;
        let other = view.geometry.half(self.generation + 1);
        let parent = FamilyDraft::new(self.attached.hash_key, definition).find(view, other)?;
        let order = definition.order_for(&FamilyRecord::parse(view, parent).ok()?.definition);
        Some((parent, order))
    }

    /// The series in the half that this process has to leave and cannot, for want of room in the other one: it
    /// may be counted into further.
    fn find_behind(&mut self, family: FamilyId, labels: &[&str]) -> Option<(Home, u64)> {
        let view = &self.attached.view;
        if view.phase().generation() == self.generation || family.home.plane == Plane::Shared {
            return None;
        }
        let (home, packed, _) = self.packed(family, labels).ok()?;
        let offset = self.draft(home, &packed).find(view, view.geometry.half(self.generation))?;
        (state_of(view, offset) == 0).then_some((home, offset))
    }

    /// Whether these label values have a series of the family, or it has fewer than `limit`, the one in which
    /// overflows count left out. A family without labels always has room. Several processes that ask at once may all
    /// have room for their last one.
    #[must_use]
    pub fn has_room(&self, family: FamilyId, labels: &[&str], limit: u64) -> bool {
        let view = &self.attached.view;
        let home = self.home_of(family);
        let [count, overflows] = [FamilyRecord::series_count, FamilyRecord::overflow_count]
            .map(|word| word(view, home.offset).map_or(0, Word::load_relaxed));
        if count < limit.saturating_add(u64::from(overflows > 0)) || home.labels == 0 {
            return true;
        }
        let Ok((home, packed, _cut)) = self.packed(family, labels) else { return true };
        let draft = self.draft(home, &packed);
        let found = draft.find(view, view.geometry.half(self.generation));
        found.is_some_and(|offset| !draft.is_gone(view, offset))
    }

    /// Counts that label values of the family found no room of their own.
    pub fn count_overflow(&self, family: FamilyId) {
        let count = FamilyRecord::overflow_count(&self.attached.view, self.home_of(family).offset);
        count.into_iter().for_each(|count| _ = count.fetch_add(1));
    }

    /// The most series of the segment in the generation that this process works in.
    #[must_use]
    pub fn max_series(&self) -> u64 {
        let view = &self.attached.view;
        u64::from(view.max_series(view.geometry.half(self.generation)))
    }

    /// The cells of this process's slot. Cumulative cells may be in the shared slot where there is no room
    /// for a page of this slot; a gauge's may not, because there it would outlive this process.
    fn cells_of(&mut self, home: Home, column: u64) -> Result<Resolved<'_>, Loss> {
        let (view, pages) = (&self.attached.view, &mut self.pages);
        if home.plane == Plane::Shared {
            let cells = view.gauge(column).ok_or(Loss::Corrupt)?;
            return Ok(Resolved { cells, shared: true });
        }
        let (own, half) = (self.slot.number, view.geometry.half(self.generation));
        let mut cells_in = |slot| {
            let cells = pages.cells(view, half, slot, home.plane, (column, home.cells))?;
            Ok(Resolved { cells, shared: slot == SHARED })
        };
        let found = match cells_in(own) {
            Err(Loss::SegmentFull) if own != SHARED && home.plane == Plane::Cumulative => cells_in(SHARED),
            found => found,
        }?;
        if home.has_rings {
            pages.make_ring(view, half, found.cells);
        }
        Ok(found)
    }

    /// Hides the series at once; a later update restarts it from zero. Returns whether there was one.
    pub fn remove(&mut self, family: FamilyId, labels: &[&str]) -> bool {
        let mut removed = false;
        let done = self.steady(|writer, phase| {
            // Once more where a generation began meanwhile: one who carries may have looked at the flag before.
            removed |= writer.remove_here(family, labels, phase)?;
            Ok(Some(()))
        });
        removed && done.is_ok()
    }

    fn remove_here(&mut self, family: FamilyId, labels: &[&str], phase: Phase) -> Result<bool, Loss> {
        let (home, packed, _) = self.packed(family, labels)?;
        let view = &self.attached.view;
        // The old half first: whoever carries the series looks at that flag, and would bring it back.
        let former = phase.is_carrying().then(|| self.find_former(family, labels)).flatten();
        let removed = remove_records(view, former, Some(phase));
        let found = self.draft(home, &packed).find(view, view.geometry.half(self.generation));
        Ok(remove_records(view, found, None) + removed > 0)
    }

    /// Hides all series of the family that have these label values at once; `None` stands for any value. A later
    /// update of a series restarts it from zero. Returns how many series there were.
    ///
    /// Series that other processes make meanwhile may stay.
    pub fn remove_matching(&mut self, family: FamilyId, labels: &[Option<&str>]) -> u64 {
        if labels.len() != family.home.labels {
            return 0;
        }
        let mut removed = 0;
        let done = self.steady(|writer, phase| {
            let home = writer.home_of(family);
            let wanted = writer.arrange(family.order, labels);
            let view = &writer.attached.view;
            let mut former = 0;
            if phase.is_carrying()
                && let Some((parent, order)) = writer.former_family(family)
            {
                let wanted = writer.wanted(&rearrange(order.as_deref(), &wanted));
                former = remove_records(
                    view,
                    matching(view, view.geometry.half(writer.generation + 1), parent, &wanted),
                    Some(phase),
                );
            }
            let wanted = writer.wanted(&writer.arrange(home.order, &wanted));
            let half = view.geometry.half(writer.generation);
            // Those of the old half were carried, if they were.
            removed += former.max(remove_records(view, matching(view, half, home.offset, &wanted), None));
            Ok(Some(()))
        });
        done.map_or(0, |()| removed)
    }

    /// The values that a record must have, as [`Writer::pack`] stores them.
    fn wanted<'l>(&self, labels: &[Option<&'l str>]) -> Vec<Option<Cow<'l, str>>> {
        let limit = usize::from(self.attached.view.geometry.shape.max_label_length);
        labels.iter().map(|label| label.map(|label| fit(label, limit))).collect()
    }

    /// Searches one record in a half, and publishes it if it is not found.
    pub(super) fn find_or_publish(&mut self, half: &Half, draft: &mut dyn Draft) -> Result<Published, Loss> {
        let (view, hash) = (&self.attached.view, draft.hash());
        let mut drafted = None;
        for _ in 0..MOST_TURNS {
            let found = index::search(view, half, hash, |offset| draft.is_at(view, offset));
            let (place, old) = match found {
                Found::Record { place, entry } if draft.is_gone(view, index::offset_of(entry)) => {
                    (place, entry)
                }
                Found::Empty { place } => (place, 0),
                Found::Record { .. } | Found::Full => {
                    if drafted.is_some() {
                        release(view, half, draft.series(), 1);
                    }
                    let Found::Record { entry, .. } = found else { return Err(Loss::SeriesLimit) };
                    return Ok(Published { offset: index::offset_of(entry), is_new: false });
                }
            };
            let offset = match drafted {
                Some(offset) => offset,
                None => *drafted.insert(draft_record(view, half, draft)?),
            };
            if index::publish(view, half, place, old, index::entry(hash, offset)) {
                if old != 0 {
                    release(view, half, 0, 1); // the word was in use before
                }
                if let Some(count) =
                    draft.family().and_then(|family| FamilyRecord::series_count(view, family))
                {
                    count.fetch_add(1);
                }
                return Ok(Published { offset, is_new: true });
            }
        }
        release(view, half, draft.series(), 1);
        Err(Loss::Corrupt)
    }
}

/// Where a family lies in the half of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) offset: u64,
    claim_column: u64,
    pub(super) plane: Plane,
    pub(super) cells: usize,
    pub(super) labels: usize,
    /// The index of the writer's permutation for the values, if the record's order differs.
    pub(super) order: Option<u32>,
    /// Its cells point to rings of samples.
    pub(super) has_rings: bool,
    /// Whether its cells come with [`hints`](crate::format::hints).
    pub(super) has_hints: bool,
}

/// A family that this process uses.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) definition: Definition,
    pub(super) home: Home,
    /// The number of the claim by which this process asserts the definition.
    pub(super) claim: u64,
}

/// A series in the half of the former generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub(super) column: u64,
    pub(super) times: Times,
}

impl Former {
    pub(super) fn read(view: &View, offset: u64) -> Option<Self> {
        let series = SeriesRecord::parse(view, offset).ok()?;
        let touched = SeriesRecord::touched(view, offset)?.load_relaxed();
        let times = Times { created: series.created, touched, origin: offset };
        Some(Self { column: series.column, times })
    }
}

pub(super) struct Published {
    pub(super) offset: u64,
    is_new: bool,
}

/// A record that is created if the search does not find it.
pub(super) trait Draft {
    fn hash(&self) -> u64;
    /// Whether the record at `offset` is this one.
    fn is_at(&self, view: &View, offset: u64) -> bool;
    /// Whether the record was removed and is to be replaced.
    fn is_gone(&self, view: &View, offset: u64) -> bool;
    /// The offset of the family, if it is a series.
    fn family(&self) -> Option<u64>;
    /// How many series it adds: 1 or 0.
    fn series(&self) -> u64 {
        u64::from(self.family().is_some())
    }
    /// Whether it is carried from the former generation.
    fn is_carried(&self) -> bool;
    /// Takes the columns that it needs; returns the first.
    fn take_columns(&self, view: &View, half: &Half) -> Result<u64, Loss>;
    /// Its words, and the number of the word that takes the index of its first column.
    fn compose(&self) -> (Vec<u64>, usize);

    /// The offset of the record that the index leads to.
    fn find(&self, view: &View, half: &Half) -> Option<u64> {
        match index::search(view, half, self.hash(), |offset| self.is_at(view, offset)) {
            Found::Record { entry, .. } => Some(index::offset_of(entry)),
            _ => None,
        }
    }
}

pub(super) struct FamilyDraft<'a> {
    definition: &'a Definition,
    hash: u64,
}

impl<'a> FamilyDraft<'a> {
    pub(super) fn new(key: HashKey, definition: &'a Definition) -> Self {
        Self { definition, hash: FamilyRecord::hash(key, definition) }
    }
}

impl Draft for FamilyDraft<'_> {
    fn hash(&self) -> u64 {
        self.hash
    }
    fn is_at(&self, view: &View, offset: u64) -> bool {
        FamilyRecord::has_hash(view, offset, self.hash)
            && FamilyRecord::parse(view, offset)
                .is_ok_and(|family| family.definition.same_family(self.definition))
    }
    fn is_gone(&self, _: &View, _: u64) -> bool {
        false
    }
    fn family(&self) -> Option<u64> {
        None
    }
    fn is_carried(&self) -> bool {
        false
    }
    fn take_columns(&self, view: &View, half: &Half) -> Result<u64, Loss> {
        take_columns(view, half, Plane::PerProcess, 1)
    }
    fn compose(&self) -> (Vec<u64>, usize) {
        (FamilyRecord::compose(self.definition, self.hash, 0), FamilyRecord::COLUMN_WORD)
    }
}

pub(super) struct SeriesDraft<'a> {
    home: Home,
    labels: &'a [u8],
    hash: u64,
    /// The series in the former generation, which the record is carried from.
    former: Option<Former>,
}

impl<'a> SeriesDraft<'a> {
    pub(super) fn new(key: HashKey, home: Home, labels: &'a [u8], former: Option<Former>) -> Self {
        Self { home, labels, hash: SeriesRecord::hash(key, home.offset, labels), former }
    }

    /// Marks the cell of a carried gauge as in use in the half, so that nobody takes it when the old half is
    /// given back.
    pub(super) fn keep_gauge(&self, view: &View, half: &Half) {
        if let Some(former) = self.former.filter(|_| self.home.plane == Plane::Shared) {
            gauges::keep(view, half, former.column);
        }
    }
}

impl Draft for SeriesDraft<'_> {
    fn hash(&self) -> u64 {
        self.hash
    }
    fn is_at(&self, view: &View, offset: u64) -> bool {
        SeriesRecord::is_at(view, offset, self.hash, self.home.offset, self.labels)
    }
    fn is_gone(&self, view: &View, offset: u64) -> bool {
        finish_removals(view, &leaving(view, offset));
        state_of(view, offset) != 0
    }
    fn family(&self) -> Option<u64> {
        Some(self.home.offset)
    }
    fn is_carried(&self) -> bool {
        self.former.is_some()
    }
    fn take_columns(&self, view: &View, half: &Half) -> Result<u64, Loss> {
        match (self.home.plane, self.former) {
            (Plane::Shared, Some(former)) => Ok(former.column),
            (Plane::Shared, None) => gauges::take(view, half),
            (plane, _) => take_columns(view, half, plane, self.home.cells as u64),
        }
    }
    fn compose(&self) -> (Vec<u64>, usize) {
        let Self { home, labels, hash, former } = self;
        let times = former.map_or_else(Times::now, |former| former.times);
        let words = SeriesRecord::compose(home.offset, *hash, 0, home.labels, labels, times);
        (words, SeriesRecord::COLUMN_WORD)
    }
}

/// Reserves all that a record needs and fills it; it is not visible to others yet.
///
/// Columns come last: each column costs every scrape time, so a record that finds no room must not take any.
fn draft_record(view: &View, half: &Half, draft: &dyn Draft) -> Result<u64, Loss> {
    reserve(view, half, draft.series(), draft.is_carried())?;
    let (mut words, column_word) = draft.compose();
    let filled = take_record(view, half, words.len() as u64 * 8).and_then(|offset| {
        words[column_word] = draft.take_columns(view, half)?;
        view.fill_words(offset, &words).ok_or(Loss::Corrupt)?;
        Ok(offset)
    });
    filled.inspect_err(|_| release(view, half, draft.series(), 1))
}

/// The state of the series' record; as if it were gone where there is none.
pub(super) fn state_of(view: &View, offset: u64) -> u64 {
    SeriesRecord::removed(view, offset).map_or(GONE, |flag| state(flag.load_acquire()))
}

/// A record that is leaving: its offset, its flag, and the flag's value.
type Leaving<'v> = (u64, &'v Word, u64);

/// The record, if a process has begun to remove it.
pub(super) fn leaving(view: &View, offset: u64) -> Option<Leaving<'_>> {
    let flag = SeriesRecord::removed(view, offset)?;
    let seen = flag.load_acquire();
    (state(seen) == LEAVING).then_some((offset, flag, seen))
}

/// Removes series, also those whose removal a dead process began. Returns how many were there. Records of the old half
/// are found at a phase, and left alone if it is over: then they may be others' already.
pub(super) fn remove_records(
    view: &View,
    offsets: impl IntoIterator<Item = u64>,
    found_at: Option<Phase>,
) -> u64 {
    let flag = |offset| {
        let flag = SeriesRecord::removed(view, offset)?;
        Some((offset, flag, flag.load_acquire()))
    };
    let flags: Vec<Leaving<'_>> = offsets.into_iter().filter_map(flag).collect();
    if found_at.is_some_and(|phase| view.phase_now() != phase) {
        return 0;
    }
    let mut removed = 0;
    let mut all = Vec::with_capacity(flags.len());
    for (offset, flag, seen) in flags {
        let left = in_state(seen, LEAVING);
        if state(seen) == 0 && flag.compare_exchange(seen, left).is_ok() {
            removed += 1;
        }
        if state(seen) != GONE {
            all.push((offset, flag, left));
        }
    }
    finish_removals(view, &all);
    removed
}

/// Invalidates all resolved handles by the epoch, and only then hides the series that are leaving, so that no
/// update goes into a hidden series. Any process may complete what a dead one began, any number of times.
pub(super) fn finish_removals<'v>(view: &View, leaving: impl IntoIterator<Item = &'v Leaving<'v>>) {
    let mut leaving = leaving.into_iter().peekable();
    if leaving.peek().is_none() {
        return;
    }
    view.head(header!(epoch)).fetch_add(1); // pair: EPOCH
    let hidden =
        leaving.filter(|(_, flag, seen)| flag.compare_exchange(*seen, in_state(*seen, GONE)).is_ok());
    if hidden.map(|(offset, _, _)| uncount(view, *offset)).count() > 0 {
        view.head(header!(epoch)).fetch_add(1); // pair: EPOCH, for readers
    }
}

/// A series counts no more.
fn uncount(view: &View, offset: u64) {
    if let Some(half) = view.geometry.half_around(offset) {
        release(view, half, 1, 0);
    }
    let family = SeriesRecord::parse(view, offset).ok().map(|series| series.family);
    if let Some(count) = family.and_then(|family| FamilyRecord::series_count(view, family)) {
        let _none_left = count.fetch_update(|count| Some(count.saturating_sub(1)));
    }
}

/// The offsets of the family's series in a half that have these label values.
fn matching(view: &View, half: &Half, family: u64, wanted: &[Option<Cow<'_, str>>]) -> Vec<u64> {
    let mut packed = Vec::new();
    let offsets = index::entries(view, half).map(index::offset_of).filter(|offset| {
        SeriesRecord::parse(view, *offset).is_ok_and(|series| {
            series.family == family
                && series.copy_labels(view, *offset, &mut packed).is_ok()
                && has_values(&packed, wanted)
        })
    });
    offsets.collect()
}

/// What belongs to the labels, in another order of them.
fn rearrange<'l, T: Copy>(order: Option<&[u8]>, labels: &'l [T]) -> Cow<'l, [T]> {
    match order {
        Some(order) => order.iter().filter_map(|place| labels.get(usize::from(*place)).copied()).collect(),
        None => Cow::Borrowed(labels),
    }
}

/// Whether packed label values are the wanted ones, as far as they are given.
fn has_values(packed: &[u8], wanted: &[Option<Cow<'_, str>>]) -> bool {
    let mut wanted_values = wanted.iter();
    let fits = |value: Result<&str, _>| {
        let wanted = wanted_values.next();
        value.is_ok_and(|value| wanted.is_some_and(|wanted| wanted.as_deref().is_none_or(|it| it == value)))
    };
    strings(packed).take(wanted.len()).all(fits)
}

/// Reserves a word of the index, and a series if the record is one. One that is carried was within the limit of
/// series already, and nobody may keep it from being carried.
fn reserve(view: &View, half: &Half, series: u64, is_carried: bool) -> Result<(), Loss> {
    let limit = u64::from(view.max_series(half));
    let words = if is_carried { view.geometry.index_words / 8 * 7 } else { view.geometry.most_entries() };
    let grow = |word: u64| {
        let before = Population::unpack(word);
        let grown = Population { series: before.series + series, entries: before.entries + 1 };
        ((grown.series <= limit || is_carried) && grown.entries <= words).then_some(grown.pack())
    };
    let word = view.word(half.population()).ok_or(Loss::Corrupt)?;
    word.fetch_update(grow).map(drop).map_err(|_| Loss::SeriesLimit)
}

/// Returns a reservation.
fn release(view: &View, half: &Half, series: u64, entries: u64) {
    let shrink = |word: u64| {
        let before = Population::unpack(word);
        let series = before.series.saturating_sub(series);
        Some(Population { series, entries: before.entries.saturating_sub(entries) }.pack())
    };
    if let Some(word) = view.word(half.population()) {
        let _never_gives_up = word.fetch_update(shrink);
    }
}

/// Takes a range of columns that does not cross a page, so that its cells are contiguous.
fn take_columns(view: &View, half: &Half, plane: Plane, count: u64) -> Result<u64, Loss> {
    let page = PAGE_WORDS as u64;
    let fit = |next: u64| if next % page + count > page { next.next_multiple_of(page) } else { next };
    let grow = |next: u64| Some(fit(next) + count).filter(|end| *end <= plane.capacity());
    let word = view.word(half.columns(plane)).ok_or(Loss::Corrupt)?;
    let before = word.fetch_update(|next| if next <= plane.capacity() { grow(next) } else { None });
    before.map(fit).map_err(|_| Loss::SegmentFull)
}

fn take_record(view: &View, half: &Half, bytes: u64) -> Result<u64, Loss> {
    let units = bytes.div_ceil(RECORD_UNIT);
    // Memory first: a record without memory must not take its place in the segment for good.
    let grow = |word| {
        let space = Space::unpack(word);
        let grown = Space { units: space.units + units, ..space }.pack(half)?;
        view.reserve(half.records + space.units * RECORD_UNIT, units * RECORD_UNIT).then_some(grown)
    };
    let word = view.word(half.space()).ok_or(Loss::Corrupt)?;
    let before = word.fetch_update(grow).map_err(|_| Loss::SegmentFull)?;
    Ok(half.records + Space::unpack(before).units * RECORD_UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        layout::{Geometry, Shape},
        memory::mapping::Mapping,
    };

    #[test]
    fn columns_do_not_cross_pages() {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let view = View::new(Mapping::heap(size), Geometry::new(shape, size).unwrap());
        for half in &view.geometry.halves {
            let take = |count| take_columns(&view, half, Plane::Cumulative, count);
            assert_eq!([take(500), take(13), take(512)], [Ok(0), Ok(512), Ok(1024)]);
            view.word(half.columns(Plane::Cumulative)).unwrap().store_relaxed(u64::MAX);
            assert_eq!(take(1), Err(Loss::SegmentFull));
        }
    }
}
