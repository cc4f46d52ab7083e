//! The writer: attaches the segment, registers families and series, and returns the cells that a process
//! updates.

mod attach;
mod exemplars;
mod register;
mod runtime;
mod slot;
#[cfg(any(test, fuzzing))]
mod testing;

#[cfg(any(test, fuzzing))]
pub(crate) use testing::prepare;

#[cfg(not(loom))]
use crate::memory::rings::Rings;
use crate::{
    config::Config,
    error::{AttachError, ReadError},
    format::header,
    layout::{Plane, header},
    memory::atomic::{Cell, Word},
    os,
    os::{KernelCall, Object},
    snapshot::Reason,
};
use attach::Attached;
use exemplars::ExemplarPlaces;
use nix::errno::Errno;
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
    /// The definition that this process last registered under each name, as the record's offset.
    asserted: HashMap<String, u64>,
    /// Permutations of label values for definitions whose labels are in another order than their family's,
    /// each stored once. See [`Definition::order_for`](crate::Definition).
    orders: Vec<Box<[u8]>>,
    /// When the kernel last confirmed that the name leads to this segment.
    asked_at: Local<Instant>,
}

/// A family registered through a [`Writer`]. Register again after attaching anew or forking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyId {
    offset: u64,
    plane: Plane,
    /// Its cells are those of the shared slot, for every writer.
    global: bool,
    cells: usize,
    labels: usize,
    /// The index of the writer's permutation for the values, if their order differs from the family's.
    order: Option<u32>,
    /// Its cells point to rings of samples.
    has_rings: bool,
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
        let slot = ClaimedSlot::claim(&attached);
        Self::with_slot(attached, config, slot)
    }

    fn with_slot(attached: Attached, config: Config, slot: ClaimedSlot) -> Self {
        Self {
            attached,
            slot,
            pages: PageAllocator::default(),
            exemplars: ExemplarPlaces::default(),
            config,
            asserted: HashMap::new(),
            orders: Vec::new(),
            asked_at: Local::new(Instant::now()),
        }
    }

    /// In a forked child: keeps the mapping, leaves the parent's slot to the parent, and claims another.
    #[must_use]
    pub fn forked(self) -> Self {
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
        match Object::find(self.config.name) {
            Ok(found) => found == self.attached.object,
            Err(error) => error != Errno::ENOENT,
        }
    }

    /// The slot's number; 0 is the shared one.
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot.number
    }

    /// Counts an update that could not be stored.
    pub fn count_drop(&self, reason: Reason) {
        self.slot.count_drop(&self.attached.view, reason);
    }

    /// Retires the segment: each process attaches a new one at its next update. Only the segment's owner may.
    pub fn wipe(self) -> Result<(), ReadError> {
        let Self { attached, config, .. } = self;
        os::check_owner(&attached.object, config.name)?;
        os::retire(&attached.view, &attached.object)
            .map_err(|error| os::read_error(config.name, KernelCall::Control, error))
    }
}
