//! Registration of families and series: lock-free, so that no dead or stopped process blocks another.
//!
//! Room is reserved first, then the record is filled, then one compare-and-swap publishes it. A process that
//! loses the race or dies midway leaves an unreachable record: a leak of its size, which the reader sees as
//! the difference between what was taken and what it found.

use super::{FamilyId, Resolved, Writer};
use crate::{
    clock,
    definition::{Definition, GaugeMode, Kind},
    format::{
        family::FamilyRecord,
        index,
        index::Found,
        label_value::fit,
        series::{GONE, LEAVING, SeriesRecord, Times},
        strings::{pack_strings, strings},
        ttl,
    },
    layout::{PAGE_WORDS, Plane, RECORD_UNIT, SHARED, Space, header},
    memory::{atomic::Word, mapping::Mapping, view::View},
    snapshot::Reason,
};
use std::borrow::Cow;

/// CAS retry limit. Each turn but the last is lost to another process that filled the same word, so more
/// turns than there can be processes mean that the segment is corrupt.
const MOST_TURNS: usize = 4096;

impl Writer {
    /// Finds or creates the family, and asserts that this process counts by this definition.
    pub fn register(&mut self, definition: &Definition) -> Result<FamilyId, Reason> {
        if definition.cells() > PAGE_WORDS {
            return Err(Reason::TooManyBuckets);
        }
        let hash = FamilyRecord::hash(self.attached.hash_key, definition);
        let offset = self.find_or_publish(hash, &mut FamilyDraft { definition, hash })?.offset;
        let record = FamilyRecord::parse(&self.attached.view, offset);
        let record = record.map_err(|_| Reason::Corrupt)?;
        self.assert(definition, offset, record.claim_column)?;
        Ok(FamilyId {
            offset,
            plane: plane_of(definition.kind),
            global: definition.kind == Kind::Gauge(GaugeMode::Last),
            cells: definition.cells(),
            labels: definition.label_names.len(),
            order: definition.order_for(&record.definition).map(|order| self.keep_order(order)),
            has_rings: matches!(definition.kind, Kind::Summary { .. }),
        })
    }

    /// Several definitions may share a name, for instance during a deploy: the one that the youngest living
    /// process asserts is exported. A process that changes its definition takes a new claim number.
    fn assert(&mut self, definition: &Definition, offset: u64, claim_column: u64) -> Result<(), Reason> {
        let mapping = &self.attached.view;
        let claim = match self.asserted.insert(definition.name.clone(), offset) {
            Some(former) if former != offset => mapping.head(header!(claim_seq)).fetch_add(1).wrapping_add(1),
            _ => self.slot.claim_seq,
        };
        FamilyRecord::newest_claim(mapping, offset).ok_or(Reason::Corrupt)?.fetch_max(claim);
        if self.slot.number == SHARED {
            return Ok(());
        }
        let slot = self.slot.number;
        // Without room for it, the record's newest claim decides, so the family need not be refused.
        if let Ok(cells) = self.pages.cells(&self.attached.view, slot, Plane::PerProcess, claim_column, 1) {
            cells[0].set(claim as f64);
        }
        Ok(())
    }

    /// Stores an order once for all families that have it; returns its index.
    fn keep_order(&mut self, order: Box<[u8]>) -> u32 {
        let known = self.orders.iter().position(|known| *known == order);
        known.unwrap_or_else(|| {
            self.orders.push(order);
            self.orders.len() - 1
        }) as u32
    }

    /// The label values as stored in the family's records: in the family's order, and within the segment's
    /// limit. Also returns how many were truncated.
    fn pack(&self, family: FamilyId, labels: &[&str]) -> Result<(Vec<u8>, usize), Reason> {
        if labels.len() != family.labels {
            return Err(Reason::Corrupt);
        }
        let limit = usize::from(self.attached.view.geometry.shape.max_label_length);
        let order = family.order.and_then(|order| self.orders.get(order as usize));
        let at = |place: usize| order.map_or(place, |order| usize::from(order[place]));
        let fitting: Vec<Cow<'_, str>> =
            (0..labels.len()).map(|place| fit(labels[at(place)], limit)).collect();
        let cut = fitting.iter().filter(|label| matches!(label, Cow::Owned(_))).count();
        Ok((pack_strings(fitting.iter().map(AsRef::as_ref)), cut))
    }

    /// Finds or creates the series and returns this process's cells of it. Values are in the order of the
    /// definition that was registered, whatever the family's order is.
    ///
    /// This touches the series: where the segment has a TTL, resolve it again after [`ttl::renew_after`].
    ///
    /// Values longer than the segment's limit are truncated and end in a hash of the whole value, so that no
    /// two series become one.
    pub fn resolve(&mut self, family: FamilyId, labels: &[&str]) -> Result<Resolved<'_>, Reason> {
        let (packed, cut) = self.pack(family, labels)?;
        let hash = SeriesRecord::hash(self.attached.hash_key, family.offset, &packed);
        let published = self.find_or_publish(hash, &mut SeriesDraft { family, labels: &packed, hash })?;
        let view = &self.attached.view;
        if published.is_new {
            FamilyRecord::series_count(view, family.offset)
                .into_iter()
                .for_each(|count| _ = count.fetch_add(1));
        }
        if published.is_new && cut > 0 {
            self.slot.count_truncated(view, cut as u64);
        }
        let series = SeriesRecord::parse(view, published.offset).map_err(|_| Reason::Corrupt)?;
        if ttl::of(view) > 0 {
            let touched = SeriesRecord::touched(view, published.offset);
            touched.into_iter().for_each(|touched| ttl::touch(touched, clock::now()));
        }
        self.cells_of(family, series.column)
    }

    /// Whether these label values have a series of the family, or it has fewer than `limit`, the one in which
    /// overflows count left out. A family without labels always has room. Several processes that ask at once may all have room for their last one.
    #[must_use]
    pub fn has_room(&self, family: FamilyId, labels: &[&str], limit: u64) -> bool {
        let view = &self.attached.view;
        let [count, overflows] = [FamilyRecord::series_count, FamilyRecord::overflow_count]
            .map(|word| word(view, family.offset).map_or(0, Word::load_relaxed));
        if count < limit.saturating_add(u64::from(overflows > 0)) || family.labels == 0 {
            return true;
        }
        let Ok((packed, _cut)) = self.pack(family, labels) else { return true };
        let hash = SeriesRecord::hash(self.attached.hash_key, family.offset, &packed);
        let draft = SeriesDraft { family, labels: &packed, hash };
        match index::search(view, hash, |offset| draft.is_at(view, offset)) {
            Found::Record { entry, .. } => !draft.is_gone(view, index::offset_of(entry)),
            Found::Empty { .. } | Found::Full => false,
        }
    }

    /// Counts that label values of the family found no room of their own.
    pub fn count_overflow(&self, family: FamilyId) {
        let count = FamilyRecord::overflow_count(&self.attached.view, family.offset);
        count.into_iter().for_each(|count| _ = count.fetch_add(1));
    }

    /// The most series of the segment.
    #[must_use]
    pub fn max_series(&self) -> u64 {
        u64::from(self.attached.view.geometry.shape.max_series)
    }

    /// The cells of this process's slot. Cumulative cells may be in the shared slot where there is no room
    /// for a page of this slot; a gauge's may not, because there it would outlive this process.
    fn cells_of(&mut self, family: FamilyId, column: u64) -> Result<Resolved<'_>, Reason> {
        let own = if family.global { SHARED } else { self.slot.number };
        let (view, pages) = (&self.attached.view, &mut self.pages);
        let mut cells_in = |slot| {
            let cells = pages.cells(view, slot, family.plane, column, family.cells)?;
            Ok(Resolved { cells, shared: slot == SHARED })
        };
        let found = match cells_in(own) {
            Err(Reason::SegmentFull) if own != SHARED && family.plane == Plane::Cumulative => {
                cells_in(SHARED)
            }
            found => found,
        }?;
        if family.has_rings {
            pages.make_ring(view, found.cells);
        }
        Ok(found)
    }

    /// Hides the series at once; a later update restarts it from zero. Returns whether there was one.
    pub fn remove(&mut self, family: FamilyId, labels: &[&str]) -> bool {
        let Ok((packed, _cut)) = self.pack(family, labels) else { return false };
        let hash = SeriesRecord::hash(self.attached.hash_key, family.offset, &packed);
        let view = &self.attached.view;
        let draft = SeriesDraft { family, labels: &packed, hash };
        let Found::Record { entry, .. } = index::search(view, hash, |offset| draft.is_at(view, offset))
        else {
            return false;
        };
        let Some(flag) = SeriesRecord::removed(view, index::offset_of(entry)) else { return false };
        let is_first = flag.compare_exchange(0, LEAVING).is_ok();
        finish_removals(view, family.offset, &[flag]); // also one that a dead process began
        is_first
    }

    /// Hides all series of the family that have these label values at once; `None` stands for any value. A later
    /// update of a series restarts it from zero. Returns how many series there were.
    ///
    /// Series that other processes make meanwhile may stay.
    pub fn remove_matching(&mut self, family: FamilyId, labels: &[Option<&str>]) -> u64 {
        let Some(wanted) = self.wanted(family, labels) else { return 0 };
        let view = &self.attached.view;
        let mut packed = Vec::new();
        let matching = index::entries(view).map(index::offset_of).filter(|offset| {
            SeriesRecord::parse(view, *offset).is_ok_and(|series| {
                series.family == family.offset
                    && series.copy_labels(view, *offset, &mut packed).is_ok()
                    && has_values(&packed, &wanted)
            })
        });
        let flags: Vec<&Word> = matching.filter_map(|offset| SeriesRecord::removed(view, offset)).collect();
        let removed = flags.iter().filter(|flag| flag.compare_exchange(0, LEAVING).is_ok()).count();
        finish_removals(view, family.offset, &flags);
        removed as u64
    }

    /// The values that a record must have, as [`Writer::pack`] stores them, in the order of the family.
    fn wanted<'l>(&self, family: FamilyId, labels: &[Option<&'l str>]) -> Option<Vec<Option<Cow<'l, str>>>> {
        let limit = usize::from(self.attached.view.geometry.shape.max_label_length);
        let order = family.order.and_then(|order| self.orders.get(order as usize));
        let at = |place: usize| order.map_or(place, |order| usize::from(order[place]));
        let value = |place| Some(labels.get(at(place))?.map(|label| fit(label, limit)));
        (0..family.labels).map(value).collect::<Option<_>>().filter(|_| labels.len() == family.labels)
    }

    /// Searches one record, and publishes it if it is not found.
    fn find_or_publish(&mut self, hash: u64, draft: &mut dyn Draft) -> Result<Published, Reason> {
        let view = &self.attached.view;
        let mut drafted = None;
        for _ in 0..MOST_TURNS {
            let found = index::search(view, hash, |offset| draft.is_at(view, offset));
            let (place, old) = match found {
                Found::Record { place, entry } if draft.is_gone(view, index::offset_of(entry)) => {
                    (place, entry)
                }
                Found::Empty { place } => (place, 0),
                Found::Record { .. } | Found::Full => {
                    if drafted.is_some() {
                        release(view, draft.series(), 1);
                    }
                    let Found::Record { entry, .. } = found else { return Err(Reason::SeriesLimit) };
                    return Ok(Published { offset: index::offset_of(entry), is_new: false });
                }
            };
            let offset = match drafted {
                Some(offset) => offset,
                None => *drafted.insert(draft_record(view, draft)?),
            };
            if index::publish(view, place, old, index::entry(hash, offset)) {
                if old != 0 {
                    release(view, 0, 1); // the word was in use before
                }
                return Ok(Published { offset, is_new: true });
            }
        }
        release(view, draft.series(), 1);
        Err(Reason::Corrupt)
    }
}

struct Published {
    offset: u64,
    is_new: bool,
}

/// A record that is created if the search does not find it.
trait Draft {
    /// Whether the record at `offset` is this one.
    fn is_at(&self, view: &View, offset: u64) -> bool;
    /// Whether the record was removed and is to be replaced.
    fn is_gone(&self, mapping: &Mapping, offset: u64) -> bool;
    /// How many series it adds: 1 or 0.
    fn series(&self) -> u64;
    /// The columns that it needs.
    fn columns(&self) -> (Plane, u64);
    /// Its words, and the number of the word that takes the index of its first column.
    fn compose(&self) -> (Vec<u64>, usize);
}

struct FamilyDraft<'a> {
    definition: &'a Definition,
    hash: u64,
}

impl Draft for FamilyDraft<'_> {
    fn is_at(&self, view: &View, offset: u64) -> bool {
        FamilyRecord::has_hash(view, offset, self.hash)
            && FamilyRecord::parse(view, offset)
                .is_ok_and(|family| family.definition.same_family(self.definition))
    }
    fn is_gone(&self, _: &Mapping, _: u64) -> bool {
        false
    }
    fn series(&self) -> u64 {
        0
    }
    fn columns(&self) -> (Plane, u64) {
        (Plane::PerProcess, 1)
    }
    fn compose(&self) -> (Vec<u64>, usize) {
        (FamilyRecord::compose(self.definition, self.hash, 0), FamilyRecord::COLUMN_WORD)
    }
}

struct SeriesDraft<'a> {
    family: FamilyId,
    labels: &'a [u8],
    hash: u64,
}

impl Draft for SeriesDraft<'_> {
    fn is_at(&self, view: &View, offset: u64) -> bool {
        SeriesRecord::is_at(view, offset, self.hash, self.family.offset, self.labels)
    }
    fn is_gone(&self, mapping: &Mapping, offset: u64) -> bool {
        let Some(flag) = SeriesRecord::removed(mapping, offset) else { return false };
        let seen = flag.load_acquire();
        if seen == LEAVING {
            finish_removals(mapping, self.family.offset, &[flag]);
        }
        seen != 0
    }
    fn series(&self) -> u64 {
        1
    }
    fn columns(&self) -> (Plane, u64) {
        (self.family.plane, self.family.cells as u64)
    }
    fn compose(&self) -> (Vec<u64>, usize) {
        let Self { family, labels, hash } = self;
        let words = SeriesRecord::compose(family.offset, *hash, 0, family.labels, labels, Times::now());
        (words, SeriesRecord::COLUMN_WORD)
    }
}

/// Reserves all that a record needs and fills it; it is not visible to others yet.
///
/// Columns come last: each column costs every scrape time, so a record that finds no room must not take any.
fn draft_record(view: &View, draft: &dyn Draft) -> Result<u64, Reason> {
    reserve(view, draft.series())?;
    let (mut words, column_word) = draft.compose();
    let filled = take_record(view, words.len() as u64 * 8).and_then(|offset| {
        let (plane, count) = draft.columns();
        words[column_word] = take_columns(view, plane, count)?;
        view.fill_words(offset, &words).ok_or(Reason::Corrupt)?;
        Ok(offset)
    });
    filled.inspect_err(|_| release(view, draft.series(), 1))
}

/// Invalidates all resolved handles by the epoch, and only then hides the series that are leaving, so that no
/// update goes into a hidden series. Any process may complete what a dead one began, any number of times.
fn finish_removals(mapping: &Mapping, family: u64, flags: &[&Word]) {
    if !flags.iter().any(|flag| flag.load_acquire() == LEAVING) {
        return;
    }
    mapping.head(header!(epoch)).fetch_add(1); // pair: EPOCH
    let hidden = flags.iter().filter(|flag| flag.compare_exchange(LEAVING, GONE).is_ok());
    let hidden = hidden.map(|_| release(mapping, 1, 0)).count();
    if hidden > 0 {
        let count = FamilyRecord::series_count(mapping, family);
        let fewer = |count: u64| Some(count.saturating_sub(hidden as u64));
        count.into_iter().for_each(|count| _ = count.fetch_update(fewer));
        mapping.head(header!(epoch)).fetch_add(1); // pair: EPOCH, for readers
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

/// Reserves a word of the index, and a series if the record is one.
fn reserve(view: &View, series: u64) -> Result<(), Reason> {
    let limit = u64::from(view.geometry.shape.max_series);
    let words = view.geometry.most_entries();
    let grow = |word: u64| {
        let (live, used) = ((word & 0xffff_ffff) + series, (word >> 32) + 1);
        (live <= limit && used <= words).then_some(live | used << 32)
    };
    view.head(header!(population)).fetch_update(grow).map(drop).map_err(|_| Reason::SeriesLimit)
}

/// Returns a reservation.
fn release(mapping: &Mapping, series: u64, words: u64) {
    let shrink = |word: u64| {
        let (live, used) = (word & 0xffff_ffff, word >> 32);
        Some(live.saturating_sub(series) | used.saturating_sub(words) << 32)
    };
    let _never_gives_up = mapping.head(header!(population)).fetch_update(shrink);
}

/// Takes a range of columns that does not cross a page, so that its cells are contiguous.
fn take_columns(mapping: &Mapping, plane: Plane, count: u64) -> Result<u64, Reason> {
    let page = PAGE_WORDS as u64;
    let fit = |next: u64| if next % page + count > page { next.next_multiple_of(page) } else { next };
    let grow = |next: u64| Some(fit(next) + count).filter(|end| *end <= plane.capacity());
    let before = mapping
        .head(plane.columns_offset())
        .fetch_update(|next| if next <= plane.capacity() { grow(next) } else { None });
    before.map(fit).map_err(|_| Reason::SegmentFull)
}

fn take_record(view: &View, bytes: u64) -> Result<u64, Reason> {
    let units = bytes.div_ceil(RECORD_UNIT);
    // Memory first: a record without memory must not take its place in the segment for good.
    let grow = |word| {
        let space = Space::unpack(word);
        let grown = Space { units: space.units + units, ..space }.pack(&view.geometry)?;
        view.reserve(view.geometry.records + space.units * RECORD_UNIT, units * RECORD_UNIT).then_some(grown)
    };
    let before = view.head(header!(space)).fetch_update(grow).map_err(|_| Reason::SegmentFull)?;
    Ok(view.geometry.records + Space::unpack(before).units * RECORD_UNIT)
}

fn plane_of(kind: Kind) -> Plane {
    if matches!(kind, Kind::Gauge(_)) { Plane::PerProcess } else { Plane::Cumulative }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_do_not_cross_pages() {
        let mapping = Mapping::heap(4096);
        assert_eq!(take_columns(&mapping, Plane::Cumulative, 500), Ok(0));
        assert_eq!(take_columns(&mapping, Plane::Cumulative, 13), Ok(512));
        assert_eq!(take_columns(&mapping, Plane::Cumulative, 512), Ok(1024));
        mapping.head(Plane::Cumulative.columns_offset()).store_relaxed(u64::MAX);
        assert_eq!(take_columns(&mapping, Plane::Cumulative, 1), Err(Reason::SegmentFull));
    }
}
