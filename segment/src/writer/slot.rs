//! A process's slot: claiming it, and finding or making the pages of its cells.

use super::attach::Attached;
use crate::{
    clock,
    format::ring,
    layout::{
        FORGED, Geometry, OPEN, PAGE, PAGE_WORDS, Plane, RING_CELL, SHARED, Slot, Space, UNSET, header,
        ring_pages,
    },
    memory::{
        atomic::{Cell, Word},
        mapping::Mapping,
    },
    os::Locks,
    random::random,
    snapshot::Reason,
};
use nix::errno::Errno;
use std::mem::offset_of;

/// A claimed slot. The shared one is "claimed" by all who found no other.
#[derive(Debug)]
pub(crate) struct ClaimedSlot {
    pub(crate) number: usize,
    /// Where this claim stands among all claims and definitions.
    pub(crate) claim_seq: u64,
}

impl ClaimedSlot {
    /// Claims the lowest free slot, or the shared one.
    pub(crate) fn claim(attached: &Attached) -> Self {
        let _alone = Alone::wait();
        let number = attached.locks.as_ref().and_then(|locks| take_lock(locks, attached)).unwrap_or(SHARED);
        let slot =
            Self { number, claim_seq: attached.region.head(header!(claim_seq)).fetch_add(1).wrapping_add(1) };
        slot.move_in(attached);
        slot
    }

    pub(super) fn move_in(&self, attached: &Attached) {
        let Attached { region, geometry, .. } = attached;
        region.head(header!(slots_high)).fetch_max(self.number as u64 + 1); // pair: SLOT
        self.count(region, geometry, offset_of!(Slot, claims), 1);
        if self.number == SHARED {
            return;
        }
        let fill = |field, value| {
            if let Some(word) = self.word(region, geometry, field) {
                word.store_relaxed(value);
            }
        };
        fill(offset_of!(Slot, pid), u64::from(std::process::id()));
        fill(offset_of!(Slot, since), clock::unix_time().to_bits());
        fill(offset_of!(Slot, claim_seq), self.claim_seq);
        fill(offset_of!(Slot, image), image());
        fill(offset_of!(Slot, runtime.start), UNSET);
        clear_per_process(region, geometry, self.number);
        if let Some(locks) = &attached.locks {
            let _removed_meanwhile = locks.open(self.number);
        }
    }

    /// Counts the end of this owner.
    pub(crate) fn count_exit(&self, attached: &Attached, after_fatal: bool) {
        let field = if after_fatal { offset_of!(Slot, fatal) } else { offset_of!(Slot, clean) };
        self.count(&attached.region, &attached.geometry, field, 1);
    }

    /// Lets others claim the slot.
    pub(crate) fn give_back(&self, attached: &Attached) {
        if let (Some(locks), true) = (&attached.locks, self.number != SHARED) {
            let _removed_meanwhile = locks.give_back(self.number, OPEN);
        }
    }

    /// Counts a dropped update.
    pub(crate) fn count_drop(&self, region: &Mapping, geometry: &Geometry, reason: Reason) {
        self.count(region, geometry, offset_of!(Slot, dropped) + 8 * reason as usize, 1);
    }

    /// Counts label values that were cut.
    pub(crate) fn count_truncated(&self, region: &Mapping, geometry: &Geometry, labels: u64) {
        self.count(region, geometry, offset_of!(Slot, truncated), labels);
    }

    /// Whether its owner counted itself in here, and not out: a set may be used by a second segment
    /// when the first one was removed alone.
    fn is_counted(&self, region: &Mapping, geometry: &Geometry) -> bool {
        let word = |field| self.word(region, geometry, field).map_or(0, Word::load_relaxed);
        let said = word(offset_of!(Slot, clean)).wrapping_add(word(offset_of!(Slot, fatal)));
        word(offset_of!(Slot, claims)) > said
    }

    fn count(&self, region: &Mapping, geometry: &Geometry, field: usize, by: u64) {
        match self.word(region, geometry, field) {
            Some(word) if self.number == SHARED => drop(word.fetch_add(by)),
            Some(word) => word.add_owned(by),
            None => {}
        }
    }

    pub(super) fn word<'r>(
        &self,
        region: &'r Mapping,
        geometry: &Geometry,
        field: usize,
    ) -> Option<&'r Word> {
        region.word(geometry.slot(self.number) + field as u64)
    }
}

/// Finds pages, and makes them.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Pages that lost a race into the shared slot: ours, zero again, for the next need.
    pub(super) spare: Vec<u64>,
}

impl Pages {
    /// The `count` cells of `slot` from `column` on, their page made if it is not there yet.
    pub(crate) fn cells<'r>(
        &mut self,
        Attached { region, geometry, .. }: &'r Attached,
        slot: usize,
        plane: Plane,
        column: u64,
        count: usize,
    ) -> Result<&'r [Cell], Reason> {
        let at = Place::of(column);
        let root = geometry.slot(slot) + plane.roots_offset() + 8 * at.root as u64;
        let root = region.word(root).filter(|_| at.root < plane.roots()).ok_or(Reason::Corrupt)?;
        let directory = self.page(region, geometry, root, 0)?;
        let directory = region.page_offset(geometry, directory).ok_or(Reason::Corrupt)?;
        let entry = region.word(directory + 8 * at.entry as u64).ok_or(Reason::Corrupt)?;
        let fresh = if plane == Plane::PerProcess { UNSET } else { 0 };
        let number = self.page(region, geometry, entry, fresh)?;
        let cells = region.page(geometry, number).ok_or(Reason::Corrupt)?;
        cells.get(at.cell..at.cell + count).ok_or(Reason::Corrupt)
    }

    /// Makes the ring of samples that a summary's cells lead to, if there is none yet. Where there is no
    /// room for it, the samples are dropped.
    pub(crate) fn make_ring(&mut self, Attached { region, geometry, .. }: &Attached, cells: &[Cell]) {
        let count = ring_pages(ring::samples_of(region));
        let Some(cell) = cells.get(RING_CELL).filter(|_| count > 0 && ring::ring_of(cells) == 0) else {
            return;
        };
        let Ok(last) = take_pages(region, geometry, count) else { return };
        if cell.lead_to(last) != last {
            self.spare.extend(last - count + 1..=last); // into the shared slot others make rings too; pair: RING
        }
    }

    /// The page number in `word`; if there is none, that of a new page filled with `fresh`.
    pub(super) fn page(
        &mut self,
        region: &Mapping,
        geometry: &Geometry,
        word: &Word,
        fresh: u64,
    ) -> Result<u64, Reason> {
        let known = word.load_acquire(); // pair: PAGE
        if known != 0 {
            return Ok(known);
        }
        let spare = self.spare.pop();
        let number = spare.map_or_else(|| take_pages(region, geometry, 1), Ok)?;
        if fresh != 0 {
            fill_page(region, geometry, number, fresh);
        }
        let Err(winner) = word.compare_exchange(0, number) else { return Ok(number) }; // pair: PAGE
        if fresh != 0 {
            fill_page(region, geometry, number, 0);
        }
        self.spare.push(number);
        Ok(winner)
    }
}

/// A column's way through a page tree.
pub(crate) struct Place {
    pub(crate) root: usize,
    pub(crate) entry: usize,
    pub(crate) cell: usize,
}

impl Place {
    pub(crate) fn of(column: u64) -> Self {
        let (page, cell) = (column as usize / PAGE_WORDS, column as usize % PAGE_WORDS);
        Self { root: page / PAGE_WORDS, entry: page % PAGE_WORDS, cell }
    }
}

/// Takes pages in a row and answers the number of the last one, which lies lowest.
fn take_pages(region: &Mapping, geometry: &Geometry, count: u64) -> Result<u64, Reason> {
    // Memory first: what finds none must not take its place for ever.
    let grow = |word| {
        let space = Space::unpack(word);
        let pages = space.pages + count;
        let grown = Space { pages, ..space }.pack(geometry)?;
        region.reserve(geometry.page(pages)?, count * PAGE).then_some(grown)
    };
    let before = region.head(header!(space)).fetch_update(grow).map_err(|_| Reason::SegmentFull)?;
    Ok(Space::unpack(before).pages + count)
}

fn fill_page(region: &Mapping, geometry: &Geometry, number: u64, value: u64) {
    if let Some(cells) = region.page(geometry, number) {
        cells.iter().for_each(|cell| cell.set(f64::from_bits(value)));
    }
}

/// One thread of the process claims at a time: until it has moved in, its slot looks like one that
/// this process held before an exec. A holder that is another process is a fork's parent.
struct Alone;

static CLAIMING: Word = Word::new(0);

impl Alone {
    fn wait() -> Self {
        let me = u64::from(std::process::id());
        while let Err(holder) = CLAIMING.compare_exchange(0, me) {
            if holder != me && CLAIMING.compare_exchange(holder, me).is_ok() {
                break;
            }
            std::thread::yield_now();
        }
        Self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        CLAIMING.store_release(0);
    }
}

/// Takes the lock of a free slot. None where none is free, or none can be trusted.
fn take_lock(locks: &Locks, attached: &Attached) -> Option<usize> {
    if is_forged(locks, attached) {
        return None;
    }
    let slots = attached.geometry.slots;
    let mut values = locks.values(slots)?;
    release_former_self(locks, &mut values[..slots], attached);
    locks.prepare().ok()?;
    let mut candidates = (1..slots).filter(|slot| values[*slot] == 0);
    let claimed = candidates.find_map(|slot| match locks.claim(slot) {
        Ok(()) => Some(Some(slot)),
        Err(Errno::EAGAIN) => None,
        Err(_) => Some(None), // no permission, or they are gone: no other will go better
    });
    let Some(Some(slot)) = claimed else {
        locks.let_go();
        return None;
    };
    // Again: values may have been corrupt after the first look, and the slot be somebody's.
    (!is_forged(locks, attached)).then_some(slot)
}

/// Whether somebody has set the values by hand (`SETALL`, `SETVAL`): then a free semaphore may belong to
/// a living process, whose numbers a second owner would ruin. From then on nobody claims a slot: new
/// processes share slot 0, which is exact, until the segment is wiped.
///
/// The kernel tells the second of the last change; what is corrupt in the second of the segment's
/// creation is not noticed.
fn is_forged(locks: &Locks, Attached { region, .. }: &Attached) -> bool {
    let since = region.head(header!(semaphores_since));
    let known = since.load_acquire();
    let corrupt = known != 0 && locks.changed_at().is_some_and(|now| now.wrapping_add(1) != known);
    if corrupt {
        let _found_already = since.compare_exchange(known, FORGED);
    }
    corrupt
}

/// An exec keeps the process and so its semaphores, but the image that counted is gone.
fn release_former_self(locks: &Locks, values: &mut [u16], attached: &Attached) {
    let me = std::process::id();
    for (slot, value) in values.iter_mut().enumerate().skip(1).filter(|(_, value)| **value > 0) {
        if !locks.is_held_by(slot, me) || owned_by_this_image(attached, slot) {
            continue;
        }
        let former = ClaimedSlot { number: slot, claim_seq: 0 };
        if former.is_counted(&attached.region, &attached.geometry) {
            former.count(&attached.region, &attached.geometry, offset_of!(Slot, clean), 1);
        }
        if locks.give_back(slot, *value).is_ok() {
            *value = 0;
        }
    }
}

fn owned_by_this_image(Attached { region, geometry, .. }: &Attached, slot: usize) -> bool {
    let owner = region.word(geometry.slot(slot) + offset_of!(Slot, image) as u64);
    owner.is_some_and(|owner| owner.load_relaxed() == image())
}

/// Tells this run of a program from what the same process ran before an exec.
fn image() -> u64 {
    static IMAGE: Word = Word::new(0); // no lock: another thread may fork at any moment
    if cfg!(loom) {
        return 1; // the model forgets its words between executions, and a static does not
    }
    match IMAGE.load_relaxed() {
        0 => IMAGE.init_once(random()),
        image => image,
    }
}

/// Gauges of the slot's former owner must not count for the new one.
fn clear_per_process(region: &Mapping, geometry: &Geometry, slot: usize) {
    for number in per_process_pages(region, geometry, slot) {
        fill_page(region, geometry, number, UNSET);
    }
}

fn per_process_pages(region: &Mapping, geometry: &Geometry, slot: usize) -> impl Iterator<Item = u64> {
    let columns = region.head(header!(columns) + 8 * Plane::PerProcess as u64).load_relaxed();
    let pages = columns.min(Plane::PerProcess.capacity()).div_ceil(PAGE_WORDS as u64);
    (0..pages).filter_map(move |page| page_number(region, geometry, slot, Plane::PerProcess, page))
}

/// The number of a slot's `page`th page of cells, if it was made.
fn page_number(region: &Mapping, geometry: &Geometry, slot: usize, plane: Plane, page: u64) -> Option<u64> {
    let at = Place::of(page * PAGE_WORDS as u64);
    let root = geometry.slot(slot) + plane.roots_offset() + 8 * at.root as u64;
    let directory = region.word(root)?.load_acquire(); // pair: PAGE
    let directory = region.page_offset(geometry, directory)?;
    let number = region.word(directory + 8 * at.entry as u64)?.load_acquire(); // pair: PAGE
    (number != 0).then_some(number)
}
