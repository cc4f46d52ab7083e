//! A process's slot: claims it, and finds or creates the pages of its cells.

use super::attach::Attached;
use crate::{
    clock,
    config::Settings,
    format::{ring, settings},
    layout::{
        FORGED, Half, OPEN, PAGE, PAGE_WORDS, Plane, RING_CELL, SHARED, Slot, Space, UNSET, header,
        ring_pages,
    },
    memory::{
        atomic::{Cell, Word},
        view::View,
    },
    os::SlotLocks,
    random::random,
    snapshot::{Loss, Reason},
};
use nix::errno::Errno;
use std::mem::offset_of;

/// A claimed slot. Slot 0, the shared one, is used by all processes that found no free slot.
#[derive(Debug)]
pub(crate) struct ClaimedSlot {
    pub(crate) number: usize,
    /// The sequence number of this claim among all claims and definitions.
    pub(crate) claim_seq: u64,
}

impl ClaimedSlot {
    /// Claims the lowest free slot, or the shared one. Also returns the generation of its cells.
    pub(crate) fn claim(attached: &Attached, settings: &Settings) -> (Self, u64) {
        let _alone = Alone::wait();
        let number =
            attached.locks.as_ref().and_then(|locks| take_lock(&**locks, attached)).unwrap_or(SHARED);
        let claim_seq = attached.view.head(header!(claim_seq)).fetch_add(1).wrapping_add(1);
        let slot = Self { number, claim_seq };
        if number != SHARED {
            slot.fill(&attached.view, settings::words(settings));
        }
        let generation = slot.move_in(attached);
        (slot, generation)
    }

    /// Returns the generation that the slot's cells are in.
    pub(super) fn move_in(&self, attached: &Attached) -> u64 {
        let view = &attached.view;
        view.head(header!(slots_high)).fetch_max(self.number as u64 + 1); // pair: SLOT
        if self.number == SHARED {
            self.count(view, offset_of!(Slot, claims), 1);
            // The kernel counts the process before it looks at the phase: see docs/internals/generations.md.
            if attached.locks.as_ref().is_none_or(|locks| locks.join_shared().is_err()) {
                view.head(header!(uncounted)).store_release(1);
            }
            return view.phase_now().generation();
        }
        let generation = self.settle_generation(view);
        self.count(view, offset_of!(Slot, claims), 1);
        self.fill(
            view,
            [
                (offset_of!(Slot, pid), u64::from(std::process::id())),
                (offset_of!(Slot, since), clock::unix_time().to_bits()),
                (offset_of!(Slot, claim_seq), self.claim_seq),
                (offset_of!(Slot, image), image()),
                (offset_of!(Slot, runtime.start), UNSET),
            ],
        );
        clear_per_process(view, generation, self.number);
        if let Some(locks) = &attached.locks {
            let _removed_meanwhile = locks.open(self.number);
        }
        generation
    }

    /// Stores words of the slot, before it is open.
    fn fill<const N: usize>(&self, view: &View, words: [(usize, u64); N]) {
        for (field, value) in words {
            if let Some(word) = self.word(view, field) {
                word.store_relaxed(value);
            }
        }
    }

    /// The generation that the slot's cells are in: the present one, or the former one, if they have to be
    /// carried yet. A slot that was never claimed has no cells, and those who look whether all slots have turned may
    /// not have seen it. A slot that is behind both has none either, because no generation begins before all slots
    /// that have any are in the present one.
    pub(super) fn settle_generation(&self, view: &View) -> u64 {
        let phase = view.phase_now();
        let now = phase.generation();
        let Some(word) = self.word(view, offset_of!(Slot, generation)) else { return now };
        let was_claimed =
            self.word(view, offset_of!(Slot, claims)).is_some_and(|claims| claims.load_relaxed() > 0);
        match word.load_acquire() {
            former if was_claimed && phase.is_carrying() && former.wrapping_add(1) == now => former,
            found if found == now => now,
            _ => {
                word.store_release(now); // pair: TURN
                now
            }
        }
    }

    /// Counts the exit of this owner.
    pub(crate) fn count_exit(&self, attached: &Attached, after_fatal: bool) {
        let field = if after_fatal { offset_of!(Slot, fatal) } else { offset_of!(Slot, clean) };
        self.count(&attached.view, field, 1);
    }

    /// Lets others claim the slot.
    pub(crate) fn give_back(&self, attached: &Attached) {
        let Some(locks) = &attached.locks else { return };
        let _removed_meanwhile =
            if self.number == SHARED { locks.leave_shared() } else { locks.give_back(self.number, OPEN) };
    }

    /// Counts a dropped update.
    pub(crate) fn count_drop(&self, view: &View, reason: Reason) {
        self.count(view, offset_of!(Slot, dropped) + 8 * reason as usize, 1);
    }

    /// Counts truncated label values.
    pub(crate) fn count_truncated(&self, view: &View, labels: u64) {
        self.count(view, offset_of!(Slot, truncated), labels);
    }

    /// Whether its owner counted its claim in this segment, and not its exit: a set may be used by a second
    /// segment when the first one alone was removed.
    fn is_counted(&self, view: &View) -> bool {
        let word = |field| self.word(view, field).map_or(0, Word::load_relaxed);
        let said = word(offset_of!(Slot, clean)).wrapping_add(word(offset_of!(Slot, fatal)));
        word(offset_of!(Slot, claims)) > said
    }

    fn count(&self, view: &View, field: usize, by: u64) {
        match self.word(view, field) {
            Some(word) if self.number == SHARED => drop(word.fetch_add(by)),
            Some(word) => word.add_owned(by),
            None => {}
        }
    }

    pub(super) fn word<'r>(&self, view: &'r View, field: usize) -> Option<&'r Word> {
        view.slot_word(self.number, field)
    }
}

/// Finds and creates pages.
#[derive(Debug, Default)]
pub(crate) struct PageAllocator {
    /// Pages that lost a race in the shared slot: owned by this process, zeroed again, used for the next
    /// request.
    pub(super) spare: Vec<u64>,
}

impl PageAllocator {
    /// The `count` cells of a slot's roots from `column` on; creates their page if it does not exist.
    pub(crate) fn cells<'r>(
        &mut self,
        view: &'r View,
        half: &Half,
        slot: usize,
        plane: Plane,
        (column, count): (u64, usize),
    ) -> Result<&'r [Cell], Loss> {
        let at = ColumnPath::of(column);
        let root = half.roots_of(slot) + plane.roots_offset() + 8 * at.root as u64;
        let root = view.word(root).filter(|_| at.root < plane.roots()).ok_or(Loss::Corrupt)?;
        let directory = self.page(view, half, root, 0)?;
        let directory = view.page_offset(directory).ok_or(Loss::Corrupt)?;
        let entry = view.word(directory + 8 * at.entry as u64).ok_or(Loss::Corrupt)?;
        let fresh = if plane == Plane::PerProcess { UNSET } else { 0 };
        let number = self.page(view, half, entry, fresh)?;
        let cells = view.page(number).ok_or(Loss::Corrupt)?;
        cells.get(at.cell..at.cell + count).ok_or(Loss::Corrupt)
    }

    /// Creates the ring of samples that a summary's cells refer to, if there is none yet. Without room for
    /// it, the samples are dropped.
    pub(crate) fn make_ring(&mut self, view: &View, half: &Half, cells: &[Cell]) {
        let count = ring_pages(ring::samples_of(view));
        let Some(cell) = cells.get(RING_CELL).filter(|_| count > 0 && ring::ring_of(cells) == 0) else {
            return;
        };
        let Ok(last) = take_pages(view, half, count) else { return };
        if cell.lead_to(last) != last {
            self.spare.extend(last - count + 1..=last); // lost the race in the shared slot; pair: RING
        }
    }

    /// The page number in `word`; if it is 0, that of a new page filled with `fresh`.
    pub(super) fn page(&mut self, view: &View, half: &Half, word: &Word, fresh: u64) -> Result<u64, Loss> {
        let known = word.load_acquire(); // pair: PAGE
        if known != 0 {
            return Ok(known);
        }
        let spare = self.spare.pop();
        let number = spare.map_or_else(|| take_pages(view, half, 1), Ok)?;
        if fresh != 0 {
            fill_page(view, number, fresh);
        }
        let Err(winner) = word.compare_exchange(0, number) else { return Ok(number) }; // pair: PAGE
        if fresh != 0 {
            fill_page(view, number, 0);
        }
        self.spare.push(number);
        Ok(winner)
    }
}

/// A column's path through a page tree.
pub(crate) struct ColumnPath {
    pub(crate) root: usize,
    pub(crate) entry: usize,
    pub(crate) cell: usize,
}

impl ColumnPath {
    pub(crate) fn of(column: u64) -> Self {
        let (page, cell) = (column as usize / PAGE_WORDS, column as usize % PAGE_WORDS);
        Self { root: page / PAGE_WORDS, entry: page % PAGE_WORDS, cell }
    }
}

/// Takes contiguous pages and returns the number of the last one, which has the lowest offset.
pub(super) fn take_pages(view: &View, half: &Half, count: u64) -> Result<u64, Loss> {
    // Memory first: pages without memory must not take their place in the segment for good.
    let grow = |word| {
        let space = Space::unpack(word);
        let pages = space.pages + count;
        let grown = Space { pages, ..space }.pack(half)?;
        view.reserve(half.page(pages)?, count * PAGE).then_some(grown)
    };
    let word = view.word(half.space()).ok_or(Loss::Corrupt)?;
    let before = word.fetch_update(grow).map_err(|_| Loss::SegmentFull)?;
    Ok(half.first_page + Space::unpack(before).pages + count)
}

pub(super) fn fill_page(view: &View, number: u64, value: u64) {
    if let Some(cells) = view.page(number) {
        cells.iter().for_each(|cell| cell.set(f64::from_bits(value)));
    }
}

/// Lets one thread of the process claim at a time: until a claim is complete, its slot looks like one that
/// this process held before an exec. If the holder is another process, it is the parent of a fork.
pub(super) struct Alone;

static CLAIMING: Word = Word::new(0);

impl Alone {
    pub(super) fn wait() -> Self {
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

/// Takes the lock of a free slot. None if none is free, or the values cannot be trusted.
fn take_lock(locks: &dyn SlotLocks, attached: &Attached) -> Option<usize> {
    if is_forged(locks, &attached.view) {
        return None;
    }
    let slots = attached.view.geometry.slots;
    let mut values = locks.values(slots)?;
    release_former_self(locks, &mut values[..slots], attached);
    locks.prepare().ok()?;
    let mut candidates = (1..slots).filter(|slot| values[*slot] == 0);
    let claimed = candidates.find_map(|slot| match locks.claim(slot) {
        Ok(()) => Some(Some(slot)),
        Err(Errno::EAGAIN) => None,
        Err(_) => Some(None), // no permission, or the locks are gone: all others fail too
    });
    let Some(Some(slot)) = claimed else {
        locks.let_go();
        return None;
    };
    // Checked again: values may have become corrupt after the first check, and the slot may have an owner.
    (!is_forged(locks, &attached.view)).then_some(slot)
}

/// Whether the values were set by hand (`SETALL`, `SETVAL`): then a free semaphore may belong to a living
/// process, whose numbers a second owner would ruin. From then on no process claims a slot: new processes
/// share slot 0, which is exact, until the segment is wiped.
///
/// The kernel reports the second of the last change, so a change in the second of the segment's creation is
/// not detected.
pub(super) fn is_forged(locks: &dyn SlotLocks, view: &View) -> bool {
    let since = view.head(header!(semaphores_since));
    let known = since.load_acquire();
    let corrupt = known != 0 && locks.changed_at().is_some_and(|now| now.wrapping_add(1) != known);
    if corrupt {
        let _found_already = since.compare_exchange(known, FORGED);
    }
    corrupt
}

/// Releases slots from before an exec: it keeps the process and so its semaphores, but ends the counting
/// program.
fn release_former_self(locks: &dyn SlotLocks, values: &mut [u16], attached: &Attached) {
    let me = std::process::id();
    for (slot, value) in values.iter_mut().enumerate().skip(1).filter(|(_, value)| **value > 0) {
        if !locks.is_held_by(slot, me) || owned_by_this_image(&attached.view, slot) {
            continue;
        }
        let former = ClaimedSlot { number: slot, claim_seq: 0 };
        if former.is_counted(&attached.view) {
            former.count(&attached.view, offset_of!(Slot, clean), 1);
        }
        if locks.give_back(slot, *value).is_ok() {
            *value = 0;
        }
    }
}

fn owned_by_this_image(view: &View, slot: usize) -> bool {
    let owner = view.slot_word(slot, offset_of!(Slot, image));
    owner.is_some_and(|owner| owner.load_relaxed() == image())
}

/// Distinguishes this run of a program from what the same process ran before an exec.
fn image() -> u64 {
    static IMAGE: Word = Word::new(0); // no lock: another thread may fork at any moment
    if cfg!(loom) {
        return 1; // loom resets its words between executions, but not statics
    }
    match IMAGE.load_relaxed() {
        0 => IMAGE.init_once(random()),
        image => image,
    }
}

/// Clears the gauges of the slot's former owner, so that they do not count for the new one.
fn clear_per_process(view: &View, generation: u64, slot: usize) {
    for number in pages_of(view, view.geometry.half(generation), slot, Plane::PerProcess) {
        fill_page(view, number, UNSET);
    }
}

/// The numbers of all pages of cells that a slot has in a plane.
pub(super) fn pages_of(view: &View, half: &Half, slot: usize, plane: Plane) -> impl Iterator<Item = u64> {
    let columns = view.word(half.columns(plane)).map_or(0, Word::load_relaxed);
    let pages = columns.min(plane.capacity()).div_ceil(PAGE_WORDS as u64);
    (0..pages).filter_map(move |page| page_number(view, half, slot, plane, page))
}

/// The number of a slot's `page`th page of cells, if it exists.
pub(super) fn page_number(view: &View, half: &Half, slot: usize, plane: Plane, page: u64) -> Option<u64> {
    let at = ColumnPath::of(page * PAGE_WORDS as u64);
    let root = half.roots_of(slot) + plane.roots_offset() + 8 * at.root as u64;
    let directory = view.word(root)?.load_acquire(); // pair: PAGE
    let directory = view.page_offset(directory)?;
    let number = view.word(directory + 8 * at.entry as u64)?.load_acquire(); // pair: PAGE
    (number != 0).then_some(number)
}

/// The `count` cells of a slot from `column` on, if their page exists.
pub(super) fn known_cells<'r>(
    view: &'r View,
    half: &Half,
    slot: usize,
    plane: Plane,
    (column, count): (u64, usize),
) -> Option<&'r [Cell]> {
    let page = page_number(view, half, slot, plane, column / PAGE_WORDS as u64)?;
    let cell = ColumnPath::of(column).cell;
    view.page(page)?.get(cell..cell + count)
}
