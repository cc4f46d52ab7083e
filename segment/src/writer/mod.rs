//! The writer: attaches the segment, registers families and series, and returns the cells that a process
//! updates.

mod attach;
mod carry;
mod census;
mod exemplars;
mod gauges;
mod generation;
mod register;
mod runtime;
mod slot;
#[cfg(any(test, fuzzing))]
mod testing;

#[cfg(test)]
pub(crate) use generation::give_back;
#[cfg(all(test, loom))]
pub(crate) use generation::{generation_of, turn};
#[cfg(any(test, fuzzing))]
pub(crate) use testing::prepare;

#[cfg(not(loom))]
use crate::memory::rings::Rings;
use crate::{
    config::{Config, Difference},
    error::{AttachError, ReadError},
    format::{header, settings},
    layout::header,
    memory::atomic::{Cell, Word, cells},
    os,
    os::{KernelCall, Object},
    snapshot::Reason,
};
use attach::Attached;
use exemplars::ExemplarPlaces;
use nix::errno::Errno;
use register::{Home, Known};
use slot::{ClaimedSlot, PageAllocator};
use std::{
    cell::Cell as Local,
    collections::HashMap,
    time::{Duration, Instant},
};

/// One process's (or thread's) attachment, and its slot.
///
/// Dropping it unmaps the segment but keeps the slot until the process ends; [`Writer::clean_exit`]
/// gives the slot back.
///
/// ```
/// use promshm_segment::{Config, Definition, Kind, Writer, os};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = format!("posix:/example-of-writer-{}", std::process::id()).parse()?;
/// let mut writer = Writer::attach(&Config { name, size: 16 << 20, ..Config::default() })?;
///
/// // Each process registers for itself; the first one creates the record.
/// let jobs = Definition::new("jobs_total", "Jobs done.", Kind::Counter, &["queue"], &[])?;
/// let family = writer.register(&jobs).expect("room for a family");
/// let series = writer.resolve(family, &["mail"]).expect("room for a series");
/// let cell = &series.cells[0];
/// if series.shared { cell.add_shared(1.0) } else { cell.add_owned(1.0) }
///
/// // Counters stay in the segment, for the next process that gets this slot.
/// writer.clean_exit(false);
/// # os::remove(&name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    attached: Attached,
    slot: ClaimedSlot,
    pages: PageAllocator,
    exemplars: ExemplarPlaces,
    config: Config,
    /// The generation that this process works in.
    generation: u64,
    /// The families that this process has registered.
    families: Vec<Known>,
    /// From the offset of a family's record to its index in `families`.
    by_offset: HashMap<u64, u32>,
    /// The family that this process last registered under each name.
    asserted: HashMap<String, u32>,
    /// Permutations of label values for definitions whose labels are in another order than their family's,
    /// each stored once. See [`Definition::order_for`](crate::Definition).
    orders: Vec<Box<[u8]>>,
    /// When the kernel last confirmed that the name leads to this segment.
    asked_at: Local<Instant>,
    /// After an attempt to move to the next generation that found no room: when to try again.
    rests_until: Option<Instant>,
    /// When to look again whether a generation should begin.
    census_rests_until: Option<Instant>,
    /// Where this process's gauges went when it moved to another generation, by their cells' offsets; see
    /// [`Writer::take_moves`].
    moves: Option<HashMap<u64, u64>>,
}

/// Where the cells of gauges went when a process moved to another generation.
#[derive(Debug)]
pub struct Moves {
    cells: HashMap<usize, *const Cell>,
}

impl Moves {
    /// Where the cell is now; `None` if its series was removed.
    #[must_use]
    pub fn of(&self, cell: *const Cell) -> Option<*const Cell> {
        self.cells.get(&cell.addr()).copied()
    }
}

/// A family registered through a [`Writer`]. Register again after attaching anew or forking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyId {
    /// The index among the writer's families.
    known: u32,
    /// The index of the writer's permutation for the values, if this definition has another order of labels than
    /// the one that the writer knew first.
    order: Option<u32>,
    /// Where the family was when it was registered: the offset is another one in another generation.
    home: Home,
}

/// The cells of a series that this process updates.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'w> {
    /// One cell; for a histogram one per bucket (`+Inf` included) and then the sum; for a summary count, sum
    /// and the reference to its ring (see [`crate::format::ring`]).
    pub cells: &'w [Cell],
    /// Other processes write them too: use the `shared` methods of [`Cell`].
    pub shared: bool,
}

impl Writer {
    /// Attaches the segment, creating it where needed, and claims a slot.
    pub fn attach(config: &Config) -> Result<Self, AttachError> {
        Ok(Self::settle(attach::attach(config)?, config.clone()))
    }

    fn settle(attached: Attached, config: Config) -> Self {
        let (slot, generation) = ClaimedSlot::claim(&attached, &config.settings());
        Self::with_slot(attached, config, slot, generation)
    }

    fn with_slot(attached: Attached, config: Config, slot: ClaimedSlot, generation: u64) -> Self {
        Self {
            attached,
            slot,
            pages: PageAllocator::default(),
            exemplars: ExemplarPlaces::default(),
            config,
            generation,
            families: Vec::new(),
            by_offset: HashMap::new(),
            asserted: HashMap::new(),
            orders: Vec::new(),
            asked_at: Local::new(Instant::now()),
            rests_until: None,
            census_rests_until: None,
            moves: None,
        }
    }

    /// In a forked child: keeps the mapping, leaves the parent's slot to the parent, and claims another.
    #[must_use]
    pub fn forked(self) -> Self {
        let view = &self.attached.view;
        view.forget(0, view.bytes()); // its parent may be behind
        Self::settle(self.attached, self.config)
    }

    /// Gives the slot back, counted as a clean exit or as an exit after a fatal error. Must not be called in
    /// a forked child that has not called [`Writer::forked`]: the slot is its parent's.
    pub fn clean_exit(self, after_fatal: bool) {
        self.slot.count_exit(&self.attached, after_fatal);
        // A segment that lost its key may have left its semaphores to a successor, where another process
        // holds ours.
        if self.leads_here() {
            self.slot.give_back(&self.attached);
        }
    }

    /// The word that changes when cells must be resolved again.
    #[must_use]
    pub fn epoch(&self) -> &Word {
        self.attached.view.head(header!(epoch))
    }

    /// Access from summaries' cells to their rings.
    #[cfg(not(loom))]
    #[must_use]
    pub fn rings(&self) -> Option<Rings> {
        let view = &self.attached.view;
        Rings::new(view, crate::format::ring::samples_of(view))
    }

    /// Where this process is configured differently than the segment that it uses.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let view = &self.attached.view;
        let has = settings::of_segment(view, self.generation);
        has.differences(&self.config.settings(), view.geometry.most_series())
    }

    /// As [`Writer::differences`], but nothing if a process with the same settings was told of them before: so each is
    /// logged once for a segment, however many processes there are.
    #[must_use]
    pub fn untold_differences(&self) -> Vec<Difference> {
        let differences = self.differences();
        let Attached { view, hash_key, .. } = &self.attached;
        if differences.is_empty() || settings::are_told(view, *hash_key, &self.config.settings()) {
            return Vec::new();
        }
        differences
    }

    /// Seconds after which unused series are hidden; 0 for never. See [`ttl`](crate::format::ttl).
    #[must_use]
    pub fn series_ttl(&self) -> u32 {
        crate::format::ttl::of(&self.attached.view)
    }

    /// Bytes of the longest label value that is not truncated. See
    /// [`push_label_value`](crate::push_label_value).
    #[must_use]
    pub fn max_label_length(&self) -> usize {
        usize::from(self.attached.view.geometry.shape.max_label_length)
    }

    /// Whether this segment is still the current one; otherwise attach anew.
    ///
    /// Also asks the kernel, once a second at most, whether the name still leads here: `ipcrm -M`, or `rm` in
    /// `/dev/shm`, leaves no mark in the segment. So do not call it in hot code, but before a new series is
    /// looked up, when a request begins, and periodically.
    #[must_use]
    pub fn is_current(&self) -> bool {
        header::check(self.config.name, &self.attached.view).is_ok() && self.has_name()
    }

    fn has_name(&self) -> bool {
        if self.asked_at.get().elapsed() < Duration::from_secs(1) {
            return true;
        }
        let leads_here = self.leads_here();
        if leads_here {
            self.asked_at.set(Instant::now()); // left unset otherwise, so that the next caller checks again
        }
        leads_here
    }

    fn leads_here(&self) -> bool {
        match Object::find(&os::Place::default(), self.config.name) {
            Ok(found) => found == self.attached.object,
            Err(error) => error != Errno::ENOENT,
        }
    }

    /// The slot's number; 0 is the shared one.
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot.number
    }

    /// Where the cells of this process's gauges went, if it has moved to another generation since the last call: whoever
    /// is to take a number back from a cell later takes it from there. Ask after each call that looks something up.
    pub fn take_moves(&mut self) -> Option<Moves> {
        let view = &self.attached.view;
        let cell = |offset: u64| view.words(offset, 1).and_then(cells::<1>).map(|cells| &raw const cells[0]);
        let moves = self.moves.take()?.into_iter();
        let cells = moves.filter_map(|(from, to)| Some((cell(from)?.addr(), cell(to)?)));
        Some(Moves { cells: cells.collect() })
    }

    /// Counts an update that could not be stored.
    pub fn count_drop(&self, reason: impl Into<Reason>) {
        self.slot.count_drop(&self.attached.view, reason.into());
    }

    /// Retires the segment: each process attaches a new one at its next update. Only the segment's owner may.
    pub fn wipe(self) -> Result<(), ReadError> {
        let Self { attached, config, .. } = self;
        os::check_owner(&attached.object, config.name)?;
        os::retire(&attached.view, &attached.object)
            .map_err(|error| os::read_error(config.name, KernelCall::Control, error))
    }
}
