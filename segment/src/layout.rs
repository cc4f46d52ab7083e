//! The segment's memory layout, and who writes each part of it.
//!
//! ```text
//! 0        Header            set once at creation, then counters that all processes add to
//! 4096     Slot 0 … Slot n   slot 0 is shared; each other slot has one owner while its semaphore says so
//! …        gauges            cells of `last` gauges, which all processes write
//! …        half 0, half 1    one of them holds the present generation
//!
//! half     HalfHead          what is taken of the half
//! …        gauge map         a bit for each cell of the gauges: in use in this generation
//! …        Roots 0 … n + 1   each slot's page trees; the first ones are the estate (see below)
//! …        index             hash table of 8-byte words: 24 bits of hash, 40 bits of record offset
//! …        records     →     families and series, append-only, grow upwards
//! end      pages       ←     4 KiB pages of cells and of page numbers, allocated from the end downwards
//! ```
//!
//! The whole segment consists of 8-byte words, in the machine's byte order (little-endian), zero when
//! fresh. Inside a generation nothing is freed or moved: generation *g* lies in half *g* mod 2, and what is
//! still wanted is carried into the next one (see docs/internals/generations.md). A series owns a range of
//! *columns*: the same cell indexes in every slot. A slot finds its pages through two page trees:
//!
//! * the **cumulative** plane holds counters, histograms and summaries; the next owner of the slot
//!   continues them in place, so totals survive the death of every process;
//! * the **per-process** plane holds gauges; it is cleared when the slot is claimed, and counts only
//!   while the owner lives.
//!
//! Gauges of mode `last` have one cell that all processes share. It lies outside both halves and never moves.
//!
//! A summary also has a **ring** of recent samples for each series and slot: consecutive pages, found
//! through a cell of the series. Each sample is two words: the time at which it was taken (nanoseconds
//! of the machine's monotonic clock), and its value.
//!
//! A native histogram has a **hint** for each series and slot: a cell before the last one with a bit for each group of
//! cells that was ever counted into, so that the reader passes over the others (see `hints`).
//!
//! A slot also has pages of exemplars (see `exemplar`), which persist as its counters do, and holds the
//! process stats that its owner publishes.
//!
//! The **estate** is what processes without a slot of their own left in slot 0 in former generations: it is
//! added to slot 0, and nobody counts into it.
//!
//! The life cycle of slot *i*: semaphore *i* is 0 (no owner), 1 (claimed: the owner is clearing the
//! per-process plane, or another process carries the slot), 2 (open: the per-process plane counts). When the
//! owner dies, the kernel resets the semaphore to 0, whatever the cause of death. Semaphore 0 counts the
//! processes without a slot.
//!
//! Any change to this file requires a higher [`VERSION`]. It is still 1, because no layout was released.

use std::mem::offset_of;

/// The magic number: `PSHM`, in the upper half of the first word.
pub const MAGIC: u64 = 0x5053_484d;
/// The layout's version, in the lower half of the first word.
pub const VERSION: u32 = 1;
/// The value of [`Header::identity`].
pub const IDENTITY: u64 = MAGIC << 32 | VERSION as u64;

/// Size of the header, in bytes.
pub const HEADER: u64 = 4096;
/// Size of a page of cells and of a directory page, in bytes.
pub const PAGE: u64 = 8 * PAGE_WORDS as u64;
/// Words, or cells, or page numbers, in a page. Few under loom, because proofs try every order of all
/// steps, and where `proofs.sh` lets Miri interpret each look at one.
pub const PAGE_WORDS: usize = if cfg!(loom) {
    8
} else if cfg!(miri) && option_env!("PROMSHM_SMALL_PAGES").is_some() {
    64
} else {
    512
};
/// Records are aligned to this many bytes.
pub const RECORD_UNIT: u64 = 16;

/// The bits of a gauge cell that was never set: a signalling NaN, which arithmetic never produces.
pub const UNSET: u64 = 0x7ff4_7073_686d_0001;

/// [`Header::state`]: being created. Every process that attaches helps to finish the creation.
pub const FRESH: u64 = 0;
/// [`Header::state`]: in use.
pub const READY: u64 = 1;
/// [`Header::state`]: replaced; processes must attach again.
pub const RETIRED: u64 = 2;

/// [`Header::liveness`]: the kernel undoes the semaphore of a dead process.
pub const LIVENESS_KERNEL: u64 = 1;
/// [`Header::liveness`]: the kernel does not undo the semaphore of a dead process.
pub const LIVENESS_DEGRADED: u64 = 2;
/// [`Header::semaphores`]: there is no usable set; all processes share slot 0.
pub const NO_SEMAPHORES: u64 = u64::MAX;
/// [`Header::semaphores_since`]: the set is corrupt: its values mean nothing any more, and no process
/// claims a slot from it.
pub const FORGED: u64 = u64::MAX;

/// The first page. The words up to `state` keep their offsets in all versions.
#[repr(C)]
pub struct Header {
    /// [`IDENTITY`]. Set once, before all other words.
    pub identity: u64,
    /// [`FRESH`], [`READY`] or [`RETIRED`]. Pair READY.
    pub state: u64,
    /// Size of the segment in bytes. Set once.
    pub size: u64,
    /// The semaphore set's id + 1, or [`NO_SEMAPHORES`]. Set once.
    pub semaphores: u64,
    /// `max_series` | `max_processes` << 32 | `max_label_length` << 48. Set once; never 0. The limit of series of a
    /// later generation is [`HalfHead::max_series`].
    pub config: u64,
    /// Random key of the hash, so that nobody can choose labels that collide. Set once; never 0.
    pub hash_key: [u64; 2],
    /// Creation time, in seconds since 1970, as f64 bits. Set once.
    pub created: u64,
    /// [`LIVENESS_KERNEL`] or [`LIVENESS_DEGRADED`]. Set once.
    pub liveness: u64,
    /// The key that the segment was created under + 1. Kept here because the kernel forgets the key of a
    /// removed segment. Set once.
    pub key: u64,
    /// When the semaphore set was last changed other than by its users, in the kernel's seconds + 1. Set
    /// once; if the kernel's time changes later, the set's values are corrupt, and this becomes [`FORGED`].
    pub semaphores_since: u64,
    /// Number of samples in a summary's ring. Set once.
    pub summary_samples: u64,
    /// Seconds after which a series without updates is hidden (0: never), + 1. Set once.
    pub series_ttl: u64,
    /// The present generation, and what becomes of the other half. See [`Phase`]. Pair PHASE.
    pub phase: u64,
    /// The generation that was last announced by a change of the epoch.
    pub announced: u64,
    /// Not 0 once a process without a slot could not be counted by the kernel: no generation begins any more.
    pub uncounted: u64,
    /// Incremented when handles must be looked up again: after a wipe or a removal. Read at every call,
    /// so it has a cache line of its own. Pair EPOCH.
    pub epoch: u64,
    pad2: [u64; 7],
    /// One more than the highest slot that was ever used. Pair SLOT.
    pub slots_high: u64,
    /// Logical clock: incremented at each claim of a slot and each new definition.
    pub claim_seq: u64,
    /// Hashes of settings unlike the segment's that a process has told its log of. Each set once.
    pub told: [u64; TOLD],
    pad3: [u64; 486 - TOLD],
}

/// What is taken of a half.
#[repr(C)]
pub struct HalfHead {
    /// Number of series | index words in use << 32.
    pub population: u64,
    /// Allocated [`RECORD_UNIT`]s of records | allocated pages << 32. Both are in one word, so that
    /// records and pages cannot overlap.
    pub space: u64,
    /// The next free column of each plane.
    pub columns: [u64; 2],
    /// Number of cells of `last` gauges whose bits are set; a process that died in between was not counted.
    pub gauges: u64,
    /// Maximum number of series in this generation; 0 for the one in [`Header::config`]. Set before the generation
    /// begins.
    pub max_series: u64,
    pad: [u64; 250],
    /// One bit for each page of the index, set if the page has an entry, so that the reader touches no
    /// other page.
    pub index_map: [u64; INDEX_MAP_WORDS],
}

/// Words of [`Header::told`].
pub const TOLD: usize = 8;

/// Words of [`HalfHead::index_map`]: enough for `Config::MAX_SERIES`.
pub const INDEX_MAP_WORDS: usize = 256;

/// A slot's page trees in one half.
#[repr(C)]
pub struct Roots {
    /// Directory pages of the cumulative plane. Pair PAGE.
    pub cumulative: [u64; CUMULATIVE_ROOTS],
    /// Directory pages of the per-process plane. Pair PAGE.
    pub per_process: [u64; PER_PROCESS_ROOTS],
    /// The directory page of each size of exemplars. Pair PAGE.
    pub exemplars: [u64; EXEMPLAR_SIZES],
    pad: [u64; 46],
}

/// A slot. Only its owner writes to it; slot 0 is the exception, which all processes add to.
#[repr(C)]
pub struct Slot {
    /// Number of processes that have claimed this slot.
    pub claims: u64,
    /// Number of owners with a clean exit.
    pub clean: u64,
    /// Number of owners that exited after a fatal error.
    pub fatal: u64,
    /// The owner's process id, as the owner sees it.
    pub pid: u64,
    /// When the slot was claimed, in seconds since 1970, as f64 bits.
    pub since: u64,
    /// The value of [`Header::claim_seq`] at the claim.
    pub claim_seq: u64,
    /// Number of label values that were cut.
    pub truncated: u64,
    /// Identifies the owner's run of a program; the process id does not, because it survives an exec.
    pub image: u64,
    /// Number of dropped updates, indexed by `snapshot::Reason`.
    pub dropped: [u64; 16],
    /// The owner's process stats. Exported while the owner lives, and only once the start time is set.
    pub runtime: RuntimeWords,
    /// The generation that the slot's cells are in; of slot 0: that the estate is in. Pair TURN.
    pub generation: u64,
    /// The settings that the owner is configured with: see `format::settings`.
    pub configured: [u64; 3],
    pad3: [u64; 28],
}

/// Process stats, as the owner of the slot measures them; all are f64 bits.
#[repr(C)]
pub struct RuntimeWords {
    /// When the process started, in seconds since 1970; [`UNSET`] or 0 until all other fields are set.
    /// Pair RUNTIME.
    pub start: u64,
    /// Memory that the script uses, in bytes.
    pub memory: u64,
    /// Peak of the memory that the script used, in bytes.
    pub memory_peak: u64,
    /// Processor time, in seconds.
    pub cpu: u64,
    /// Number of garbage collector runs.
    pub gc_runs: u64,
    /// Number of requests begun.
    pub requests: u64,
    /// Time in observed functions and timed work, in seconds.
    pub busy: u64,
    /// Time since the process started outside of both, in seconds; 0 where nothing is timed.
    pub idle: u64,
}

/// Stands for the roots of the estate in place of a slot's number.
pub const ESTATE: usize = usize::MAX;
/// The slot that all processes may add to.
pub const SHARED: usize = 0;
/// Value of a slot's lock: the owner is still clearing the per-process plane.
pub const CLAIMED: u16 = 1;
/// Value of a slot's lock: the owner's per-process plane counts.
pub const OPEN: u16 = 2;

/// Number of sizes of places for exemplars: two, because most texts are short and few are long.
pub const EXEMPLAR_SIZES: usize = 2;
/// Directory pages a slot has for cumulative cells: 16.7 million cells.
pub const CUMULATIVE_ROOTS: usize = 64;
/// Directory pages a slot has for per-process cells: 4.2 million cells.
pub const PER_PROCESS_ROOTS: usize = 16;

const _: () = assert!(size_of::<Header>() == HEADER as usize);
const _: () = assert!(size_of::<HalfHead>() == HEADER as usize);
const _: () = assert!(size_of::<Slot>() == 512);
const _: () = assert!(size_of::<Roots>() == 1024);
const _: () = assert!(offset_of!(Header, state) == 8);
const _: () = assert!(offset_of!(Header, epoch) == 128);
const _: () = assert!(offset_of!(Header, slots_high) == 192);
const _: () = assert!(PAGE_WORDS <= u64::BITS as usize * HINT_CELLS);

/// Cells of a summary's series: the number of observations, their sum, and the number of its ring's last
/// page.
pub const SUMMARY_CELLS: usize = 3;
/// Index of the cell that holds the number of the ring's last page: 0 while there is no ring.
pub const RING_CELL: usize = 2;
/// Cells of a native histogram that share a bit of its hint; see [`hints`](crate::format::hints). A cache line of them,
/// and so few that a page's groups have a bit each.
pub const HINT_CELLS: usize = 8;
/// Words in a sample.
pub const SAMPLE_WORDS: u64 = 2;
/// Stands in place of a sample's time while the sample is being written.
pub const BUSY: u64 = 1;

/// Number of pages that a ring of `samples` samples takes.
#[must_use]
pub const fn ring_pages(samples: u64) -> u64 {
    (samples * SAMPLE_WORDS).div_ceil(PAGE_WORDS as u64)
}

/// The offset of a field of the header.
macro_rules! header {
    ($($field:tt)+) => { std::mem::offset_of!($crate::layout::Header, $($field)+) as u64 };
}
pub(crate) use header;

/// One of a slot's two page trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// Counters, histograms and summaries: continued by the next owner.
    Cumulative = 0,
    /// Gauges: cleared at each claim.
    PerProcess = 1,
    /// Gauges of mode `last`: one cell for all processes, in no slot.
    Shared = 2,
}

impl Plane {
    /// The largest number of directory pages in a slot.
    #[must_use]
    pub fn roots(self) -> usize {
        match self {
            Self::Cumulative => CUMULATIVE_ROOTS,
            Self::PerProcess => PER_PROCESS_ROOTS,
            Self::Shared => 0,
        }
    }

    /// The largest number of columns in page trees.
    #[must_use]
    pub fn capacity(self) -> u64 {
        (self.roots() * PAGE_WORDS * PAGE_WORDS) as u64
    }

    /// Offset, within [`Roots`], of the first directory page's number.
    #[must_use]
    pub fn roots_offset(self) -> u64 {
        match self {
            Self::Cumulative => offset_of!(Roots, cumulative) as u64,
            Self::PerProcess | Self::Shared => offset_of!(Roots, per_process) as u64,
        }
    }
}

/// The present generation, and what becomes of the other half: [`Header::phase`].
///
/// Phase 3*g* is generation *g* alone, and the other half is empty. Phase 3*g* - 2 is generation *g* while
/// slots are carried out of the other half, phase 3*g* - 1 while that half is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phase(pub u64);

impl Phase {
    /// A generation alone.
    #[must_use]
    pub fn settled(generation: u64) -> Self {
        Self(generation.wrapping_mul(3))
    }

    /// The present generation.
    #[must_use]
    pub fn generation(self) -> u64 {
        self.0 / 3 + u64::from(!self.0.is_multiple_of(3))
    }

    /// Whether cells of the former generation still count.
    #[must_use]
    pub fn is_carrying(self) -> bool {
        self.0 % 3 == 1
    }

    /// Whether the other half is being given back.
    #[must_use]
    pub fn is_giving_back(self) -> bool {
        self.0 % 3 == 2
    }

    /// Whether the other half is empty.
    #[must_use]
    pub fn is_settled(self) -> bool {
        self.0.is_multiple_of(3)
    }

    /// The phase that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// Settings that determine the layout of the segment, packed in [`Header::config`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Maximum number of series.
    pub max_series: u32,
    /// Maximum number of processes with a slot of their own.
    pub max_processes: u16,
    /// Maximum length of a label value, in bytes.
    pub max_label_length: u16,
}

impl Shape {
    /// The word for [`Header::config`].
    #[must_use]
    pub fn pack(self) -> u64 {
        u64::from(self.max_series)
            | u64::from(self.max_processes) << 32
            | u64::from(self.max_label_length) << 48
    }

    /// The reverse of [`Shape::pack`]. Does not validate the values.
    #[must_use]
    pub fn unpack(word: u64) -> Self {
        Self {
            max_series: word as u32,
            max_processes: (word >> 32) as u16,
            max_label_length: (word >> 48) as u16,
        }
    }
}

/// The offsets of the areas of one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Half {
    /// Offset of the [`HalfHead`].
    pub head: u64,
    /// Offset of the gauge map.
    pub gauge_map: u64,
    /// Offset of the first slot's [`Roots`].
    pub roots: u64,
    /// Offset of the index.
    pub index: u64,
    /// Offset of the first record.
    pub records: u64,
    /// End of the last page.
    pub end: u64,
    /// Number of pages in halves that lie above.
    pub first_page: u64,
}

impl Half {
    /// Offset of [`HalfHead::population`].
    #[must_use]
    pub fn population(&self) -> u64 {
        self.head + offset_of!(HalfHead, population) as u64
    }

    /// Offset of [`HalfHead::space`].
    #[must_use]
    pub fn space(&self) -> u64 {
        self.head + offset_of!(HalfHead, space) as u64
    }

    /// Offset of the word that holds the next free column of a plane with page trees.
    #[must_use]
    pub fn columns(&self, plane: Plane) -> u64 {
        self.head + offset_of!(HalfHead, columns) as u64 + 8 * plane as u64
    }

    /// Offset of [`HalfHead::gauges`].
    #[must_use]
    pub fn gauges(&self) -> u64 {
        self.head + offset_of!(HalfHead, gauges) as u64
    }

    /// Offset of [`HalfHead::max_series`].
    #[must_use]
    pub fn max_series(&self) -> u64 {
        self.head + offset_of!(HalfHead, max_series) as u64
    }

    /// Offset of a word of [`HalfHead::index_map`].
    #[must_use]
    pub fn index_map(&self, word: u64) -> u64 {
        self.head + offset_of!(HalfHead, index_map) as u64 + 8 * word
    }

    /// Offset of a slot's [`Roots`]; those of the [`ESTATE`] come first.
    #[must_use]
    pub fn roots_of(&self, slot: usize) -> u64 {
        let place = if slot == ESTATE { 0 } else { slot as u64 + 1 };
        self.roots + place * size_of::<Roots>() as u64
    }

    /// Bytes for records and pages.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.end - self.records
    }

    /// Offset of the half's page `count` (the first is 1), if that many pages fit above the start of the
    /// records.
    #[must_use]
    pub fn page(&self, count: u64) -> Option<u64> {
        let offset = self.end.checked_sub(count.checked_mul(PAGE)?)?;
        (count != 0 && offset >= self.records).then_some(offset)
    }

    fn at(start: u64, end: u64, geometry: &Geometry) -> Self {
        let gauge_map = start + HEADER;
        let roots = gauge_map + geometry.gauge_map_bytes();
        let index = roots + geometry.roots_bytes();
        let records = index + geometry.index_words * 8;
        Self { head: start, gauge_map, roots, index, records, end, first_page: 0 }
    }
}

/// The offsets of the areas of one segment, computed from its shape and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The shape from which this geometry was computed.
    pub shape: Shape,
    /// Number of slots, including the shared one.
    pub slots: usize,
    /// Offset of the cells of `last` gauges.
    pub gauges: u64,
    /// Number of cells of `last` gauges.
    pub gauge_cells: u64,
    /// Words of each index: a power of two, at least twice the maximum number of series.
    pub index_words: u64,
    /// The two halves.
    pub halves: [Half; 2],
    /// End of the last page.
    pub end: u64,
}

impl Geometry {
    /// Computes the areas.
    ///
    /// # Errors
    /// The size is too small; the error is the smallest size, in bytes, that the shape needs.
    pub fn new(shape: Shape, size: u64) -> Result<Self, u64> {
        let slots = usize::from(shape.max_processes) + 1;
        let gauges = HEADER + (slots as u64 * size_of::<Slot>() as u64).next_multiple_of(PAGE);
        // Twice as many as there can be in both halves: removed ones are free only after a generation.
        let gauge_cells = (u64::from(shape.max_series) * 4).next_multiple_of(PAGE_WORDS as u64);
        let index_words = (u64::from(shape.max_series) * 2).next_power_of_two().max(PAGE_WORDS as u64);
        let none = Half { head: 0, gauge_map: 0, roots: 0, index: 0, records: 0, end: 0, first_page: 0 };
        let mut areas = Self { shape, slots, gauges, gauge_cells, index_words, halves: [none; 2], end: 0 };
        let start = gauges + gauge_cells * 8;
        let least = Half::at(0, 0, &areas).records + 16 * PAGE;
        let bytes = (size.saturating_sub(start) / 2) / PAGE * PAGE;
        if bytes < least {
            return Err(start + 2 * least);
        }
        let middle = start + bytes;
        areas.end = middle + bytes;
        areas.halves = [Half::at(start, middle, &areas), Half::at(middle, areas.end, &areas)];
        areas.halves[0].first_page = bytes / PAGE;
        Ok(areas)
    }

    fn gauge_map_bytes(&self) -> u64 {
        (self.gauge_cells / 8).next_multiple_of(PAGE)
    }

    fn roots_bytes(&self) -> u64 {
        ((self.slots as u64 + 1) * size_of::<Roots>() as u64).next_multiple_of(PAGE)
    }

    /// The half of a generation.
    #[must_use]
    pub fn half(&self, generation: u64) -> &Half {
        &self.halves[(generation % 2) as usize]
    }

    /// The half whose records and pages lie around an offset.
    #[must_use]
    pub fn half_around(&self, offset: u64) -> Option<&Half> {
        self.halves.iter().find(|half| (half.records..half.end).contains(&offset))
    }

    /// The most words of the index that may be in use.
    #[must_use]
    pub fn most_entries(&self) -> u64 {
        self.index_words / 4 * 3
    }

    /// The highest limit of series that the index has room for, removed ones and families beside them: half of its
    /// words. There are gauges' cells for as many in both halves.
    #[must_use]
    pub fn most_series(&self) -> u32 {
        (self.index_words / 2).min(self.gauge_cells / 2) as u32
    }

    /// Offset of a slot.
    #[must_use]
    pub fn slot(&self, slot: usize) -> u64 {
        HEADER + slot as u64 * size_of::<Slot>() as u64
    }

    /// Offset of the cell of the `last` gauge in a column, if there are that many.
    #[must_use]
    pub fn gauge(&self, column: u64) -> Option<u64> {
        (column < self.gauge_cells).then(|| self.gauges + 8 * column)
    }

    /// Offset of page `number` (the first is 1), whatever lies there. Pages are numbered downwards from the end of the
    /// segment.
    #[inline]
    #[must_use]
    pub fn offset_of_page(&self, number: u64) -> Option<u64> {
        self.end.checked_sub(number.checked_mul(PAGE)?)
    }

    /// The half and the offset of page `number`, if that page lies above the start of the half's records.
    #[must_use]
    pub fn page(&self, number: u64) -> Option<(&Half, u64)> {
        let offset = self.offset_of_page(number)?;
        let half = self.half_around(offset).filter(|_| number != 0)?;
        Some((half, offset))
    }
}

/// [`HalfHead::population`], unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// Series that count against the limit.
    pub series: u64,
    /// Words of the index that are in use.
    pub entries: u64,
}

impl Population {
    /// From its word.
    #[must_use]
    pub fn unpack(word: u64) -> Self {
        Self { series: word & 0xffff_ffff, entries: word >> 32 }
    }

    /// Its word.
    #[must_use]
    pub fn pack(self) -> u64 {
        self.series | self.entries << 32
    }
}

/// [`HalfHead::space`], unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Allocated units of [`RECORD_UNIT`] bytes for records.
    pub units: u64,
    /// Number of allocated pages.
    pub pages: u64,
}

impl Space {
    /// Unpacks the word.
    #[must_use]
    pub fn unpack(word: u64) -> Self {
        Self { units: word & 0xffff_ffff, pages: word >> 32 }
    }

    /// The packed word, if records and pages fit between the start of the records and the end without
    /// overlapping.
    #[must_use]
    pub fn pack(self, half: &Half) -> Option<u64> {
        let taken = self.units.checked_mul(RECORD_UNIT)?.checked_add(self.pages.checked_mul(PAGE)?)?;
        let fits = taken <= half.room() && self.units >> 32 == 0 && self.pages >> 32 == 0;
        fits.then_some(self.units | self.pages << 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { max_series: 10_000, max_processes: 256, max_label_length: 1024 };

    #[test]
    fn limit_of_series_may_rise_to_half_of_the_index() {
        let most = |max_series| Geometry::new(Shape { max_series, ..SHAPE }, 1 << 40).unwrap().most_series();
        assert_eq!([1, 100, 10_000, 16_384].map(most), [256, 256, 16_384, 16_384]);
        assert!(most(crate::Config::MAX_SERIES) >= crate::Config::MAX_SERIES);
    }

    #[test]
    fn shape_survives_packing() {
        assert_eq!(Shape::unpack(SHAPE.pack()), SHAPE);
    }

    #[test]
    fn areas_follow_each_other() {
        let geometry = Geometry::new(SHAPE, 256 << 20).unwrap();
        assert_eq!(geometry.slots, 257);
        assert!(geometry.slot(257) <= geometry.gauges);
        assert_eq!(geometry.index_words, 32_768);
        assert!(geometry.index_words as usize / PAGE_WORDS <= INDEX_MAP_WORDS * 64);
        let [low, high] = geometry.halves;
        assert!(geometry.gauges + geometry.gauge_cells * 8 == low.head && low.end == high.head);
        for half in [low, high] {
            assert!(half.head + HEADER == half.gauge_map);
            assert!(half.gauge_map + geometry.gauge_cells / 8 <= half.roots);
            assert!(half.roots_of(geometry.slots) <= half.index);
            assert!(half.index + geometry.index_words * 8 == half.records);
            assert_eq!(half.page(1), Some(half.end - PAGE));
        }
        assert!(high.end <= 256 << 20 && high.end + 2 * PAGE > 256 << 20);
    }

    #[test]
    fn page_numbers_lead_to_their_half() {
        let geometry = Geometry::new(SHAPE, 256 << 20).unwrap();
        let [low, high] = &geometry.halves;
        assert_eq!(geometry.page(1), Some((high, high.end - PAGE)));
        assert_eq!(geometry.page(low.first_page + 1), Some((low, low.end - PAGE)));
        assert_eq!(geometry.page(low.first_page), None, "that page would lie on the head of a half");
        assert_eq!([geometry.page(0), geometry.page(u64::MAX)], [None, None]);
        assert_eq!(geometry.page(geometry.end / PAGE), None, "that page would lie on the header");
    }

    #[test]
    fn columns_beyond_the_gauges_have_no_cell() {
        let geometry = Geometry::new(SHAPE, 256 << 20).unwrap();
        assert_eq!(geometry.gauge(geometry.gauge_cells - 1), Some(geometry.halves[0].head - 8));
        assert_eq!([geometry.gauge_cells, u64::MAX].map(|column| geometry.gauge(column)), [None; 2]);
    }

    #[test]
    fn phases_follow_each_other() {
        let states = |phase: Phase| [phase.is_settled(), phase.is_carrying(), phase.is_giving_back()];
        let mut phase = Phase(0);
        for generation in 0..3 {
            assert_eq!((phase.generation(), states(phase)), (generation, [true, false, false]));
            let (carrying, giving_back) = (phase.next(), phase.next().next());
            assert_eq!((carrying.generation(), states(carrying)), (generation + 1, [false, true, false]));
            assert_eq!(
                (giving_back.generation(), states(giving_back)),
                (generation + 1, [false, false, true])
            );
            phase = giving_back.next();
        }
        assert_eq!(Phase(u64::MAX).generation(), u64::MAX / 3);
    }

    #[test]
    fn largest_index_fits_the_page_map() {
        let shape = Shape { max_series: crate::Config::MAX_SERIES, ..SHAPE };
        let geometry = Geometry::new(shape, 1 << 40).unwrap();
        assert!(geometry.index_words as usize / PAGE_WORDS <= INDEX_MAP_WORDS * 64);
    }

    #[test]
    fn segment_too_small_error_names_the_needed_size() {
        let needed = Geometry::new(SHAPE, 4096).unwrap_err();
        assert!(Geometry::new(SHAPE, needed).is_ok());
        assert!(Geometry::new(SHAPE, needed - 1).is_err());
    }

    #[test]
    fn records_and_pages_never_overlap() {
        let geometry = Geometry::new(SHAPE, Geometry::new(SHAPE, 0).unwrap_err()).unwrap();
        for half in &geometry.halves {
            let full = Space { units: 0, pages: 16 };
            assert!(full.pack(half).is_some());
            assert!(Space { units: 1, ..full }.pack(half).is_none());
            assert!(Space { pages: 17, ..full }.pack(half).is_none());
        }
    }
}
