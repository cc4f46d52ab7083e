//! The reader: a validated, merged view of the segment. It never writes, and trusts no byte.

mod budget;
mod catalogue;
mod cells;
mod entry;
mod exemplars;
mod joined;
mod limits;
mod merge;
mod natives;
mod pages;
mod parts;
mod ranges;
mod sight;
mod slots;
mod stats;
mod summaries;
#[cfg(all(test, not(loom)))]
mod tests;
mod totals;

use crate::{
    clock,
    config::SegmentName,
    error::ReadError,
    format::header,
    layout::header,
    memory::{mapping::Mapping, view::View},
    os,
    os::{KernelCall, Object, Owner, Place},
    snapshot::{Snapshot, Stats},
};
use budget::Budget;
pub(crate) use catalogue::Catalogue;
use cells::Cells;
pub use limits::{Limited, ReadLimits};
use natives::Natives;
use pages::PageMap;
pub(crate) use sight::Sight;
use slots::Slots;
use stats::Deaths;
use summaries::Summaries;
use totals::Totals;

/// How many times a scrape is begun anew because a half was given back while it was read.
const MOST_TRIES: usize = 16;

/// A read-only attachment and its cached state.
///
/// ```
/// use promshm_segment::{Config, Definition, Kind, Reader, Writer, os};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = format!("posix:/example-of-reader-{}", std::process::id()).parse()?;
/// let mut writer = Writer::attach(&Config { name, size: 16 << 20, ..Config::default() })?;
/// let jobs = Definition::new("jobs_total", "Jobs done.", Kind::Counter, &["queue"], &[])?;
/// let family = writer.register(&jobs).expect("room for a family");
/// writer.resolve(family, &["mail"]).expect("room for a series").cells[0].add_shared(3.0);
///
/// // Attach once and scrape often: what was found before is cached.
/// let mut reader = Reader::attach(name)?;
/// let snapshot = reader.scrape()?;
/// let family = &snapshot.families[0];
/// assert_eq!(family.definition.name, "jobs_total");
/// let row = family.rows().next().expect("a series");
/// assert_eq!((row.labels().collect::<Vec<_>>(), row.values()), (vec!["mail"], &[3.0][..]));
/// # writer.clean_exit(false);
/// # os::remove(&name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Reader {
    name: SegmentName,
    place: Place,
    /// None for memory without a kernel object.
    object: Option<Object>,
    view: View,
    catalogue: Catalogue,
    deaths: Deaths,
    snapshot: Snapshot,
    page_map: PageMap,
    totals: Totals,
    natives: Natives,
    summaries: Summaries,
    budget: Budget,
    /// The most invalid items that any scrape found among those that each scrape reads anew: words that lead
    /// to no page or to another's, and rows that exceed the segment's size.
    corrupt: u64,
}

impl Reader {
    /// Attaches the segment read-only.
    pub fn attach(name: SegmentName) -> Result<Self, ReadError> {
        Self::attach_at(&Place::default(), name, ReadLimits::default())
    }

    /// Attaches the segment of that name at a place read-only. A System V segment's scrapes must be made in the IPC
    /// namespace that this is called in, too.
    pub fn attach_at(place: &Place, name: SegmentName, limits: ReadLimits) -> Result<Self, ReadError> {
        let failed = |call| move |error| os::read_error(name, call, error);
        let mut object = Object::find(place, name).map_err(failed(KernelCall::Find))?;
        let bytes = object.stat().map_err(failed(KernelCall::Control))?.size;
        if bytes > limits.address_space {
            return Err(ReadError::TooLarge { name, bytes, limit: limits.address_space });
        }
        let mapping = object.attach(true).map_err(failed(KernelCall::Map))?;
        let mut reader = Self::over(name, Some(object), mapping)?;
        reader.place = place.clone();
        reader.set_limits(limits);
        reader.check_memory()?;
        Ok(reader)
    }

    /// From the next scrape on other limits hold, for what is not read yet.
    pub fn set_limits(&mut self, limits: ReadLimits) {
        self.view.most_bytes = limits.bytes;
        self.catalogue.max_series = limits.series;
        self.catalogue.max_families = limits.families;
        self.budget.set_limits(limits);
    }

    /// Which limits left out a part of the segment in the last scrape.
    #[must_use]
    pub fn limited(&self) -> Limited {
        let touched = self.catalogue.touched() + self.page_map.allowance.touched;
        let by_bytes = self.budget.is_beyond_limit(touched) || self.page_map.allowance.is_exceeded;
        let beyond = self.catalogue.beyond();
        Limited { by_series: beyond.series > 0, by_families: beyond.families > 0, by_bytes }
    }

    /// Families that are read, those without a series and those that others have replaced included.
    #[must_use]
    pub fn families(&self) -> u64 {
        self.catalogue.families_read()
    }

    /// The living processes that hold slots, by the ids that they have for this process, as far as the kernel tells;
    /// at most `most`.
    #[must_use]
    pub fn holders(&self, most: usize) -> Vec<u32> {
        let locks = self.object.as_ref().and_then(|object| object.locks(&self.view));
        locks.map_or_else(Vec::new, |locks| locks.holders(most))
    }

    /// Whether any process has claimed a slot since the segment was created; before that there is nothing to read.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.view.head(header!(claim_seq)).load_acquire() > 0
    }

    /// Reads memory without a kernel object.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn over_mapping(mapping: Mapping) -> Result<Self, ReadError> {
        Self::over(SegmentName::default(), None, mapping)
    }

    /// Begins to read memory, if it is a valid segment.
    fn over(name: SegmentName, object: Option<Object>, mapping: Mapping) -> Result<Self, ReadError> {
        Ok(Self {
            name,
            place: Place::default(),
            object,
            view: header::open(name, mapping)?,
            catalogue: Catalogue::default(),
            deaths: Deaths::default(),
            snapshot: Snapshot::default(),
            page_map: PageMap::default(),
            totals: Totals::default(),
            natives: Natives::default(),
            summaries: Summaries::default(),
            budget: Budget::default(),
            corrupt: 0,
        })
    }

    /// Reads the segment afresh. After [`ReadError::Retired`] attach again.
    pub fn scrape(&mut self) -> Result<&Snapshot, ReadError> {
        self.scrape_at(clock::now())
    }

    /// As [`Reader::scrape`], with `now` on the clock of [`clock::now`]: summaries' samples that are too old
    /// at `now` do not count, and series that were last used too long before are hidden.
    pub fn scrape_at(&mut self, now: u64) -> Result<&Snapshot, ReadError> {
        self.check()?;
        for _ in 0..MOST_TRIES {
            let Some(sight) = Sight::look(&self.view) else { continue };
            if self.try_to_read(now, &sight)? {
                self.check_memory()?;
                return Ok(&self.snapshot);
            }
        }
        self.check_memory()?;
        Err(ReadError::Unsteady { name: self.name })
    }

    /// Returns whether no half was given back while it was read. If one was, nothing that was read of it is kept.
    fn try_to_read(&mut self, now: u64, sight: &Sight) -> Result<bool, ReadError> {
        let Some(bad) = self.read(now, sight)? else { return Ok(false) };
        if !sight.still_holds(&self.view) {
            self.catalogue.disregard_former();
            return Ok(false);
        }
        self.corrupt = self.corrupt.max(bad);
        Ok(true)
    }

    /// Reads all that one sight says. Returns how many invalid items there were among those that each scrape reads anew;
    /// `None` if a half was given back before the series were known.
    fn read(&mut self, now: u64, sight: &Sight) -> Result<Option<u64>, ReadError> {
        let view = &self.view;
        let ask = || self.object.as_ref()?.locks(view)?.values(view.geometry.slots);
        let live = self.deaths.look(view, ask);
        self.catalogue.look_at_halves(view, sight);
        self.budget.begin(view, sight, || self.object.as_ref()?.resident());
        if self.budget.is_overdrawn() {
            let (bytes, limit) = (view.bytes(), self.budget.limits().bytes);
            return Err(ReadError::TooLarge { name: self.name, bytes, limit });
        }
        if !self.catalogue.refresh(view, sight, self.budget.pages()) {
            return Ok(None);
        }
        let slots = Slots::look(view, sight.slots(), live);
        let pages = self.budget.pages().saturating_sub(self.catalogue.touched());
        self.page_map.refresh(view, &sight.trees(), pages);
        let cells = Cells { view, slots: &slots, page_map: &self.page_map, sight };
        self.catalogue.choose(&cells, &mut self.snapshot);
        let layout = self.catalogue.layout();
        self.totals.refresh(view, sight, &self.page_map, layout, self.catalogue.chosen());
        let families = &mut self.snapshot.families;
        self.natives.refresh((view, sight, &self.page_map), layout, self.catalogue.chosen(), families);
        let hidden = self.catalogue.look_for_use(&cells, (&self.totals, &self.natives), now);
        let left_out = merge::values(&cells, &self.catalogue, &self.totals, &mut self.snapshot);
        self.summaries.look(view, &mut self.page_map, &self.catalogue);
        self.summaries.merge(view, now, &mut self.snapshot);
        self.budget.end(self.catalogue.touched() + self.page_map.allowance.touched);
        self.catalogue.hide(&mut self.snapshot);
        let bad = self.page_map.bad + left_out;
        let cells = Cells { view, slots: &slots, page_map: &self.page_map, sight };
        let corrupt = self.catalogue.corrupt() + self.corrupt.max(bad);
        let stats = stats::collect(&cells, &self.deaths, &self.catalogue, &self.snapshot, corrupt);
        self.snapshot.stats = Stats { hidden_series: hidden, ..stats };
        Ok(Some(bad))
    }

    /// Whether the memory was intact all the time; see [`os::survive_truncation`].
    fn check_memory(&self) -> Result<(), ReadError> {
        if !self.view.is_lost() {
            return Ok(());
        }
        let actual = self.object.as_ref().and_then(|object| object.stat().ok()).map_or(0, |stat| stat.size);
        Err(ReadError::Short { name: self.name, actual, claimed: self.view.geometry.end })
    }

    /// The result of the last scrape.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The owner of the memory that is read, whatever its name leads to by now; `None` without a kernel
    /// object, or if the kernel does not return the owner.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.object.as_ref()?.owner().ok()
    }

    /// Whether the next scrape will read this segment. A retired one, or one whose key now leads to another,
    /// is not read any more. One whose key is gone without a successor still is: its workers continue to
    /// count into it.
    pub fn check(&self) -> Result<(), ReadError> {
        let is_another =
            |known: &Object| Object::find(&self.place, self.name).is_ok_and(|found| found != *known);
        let replaced = self.object.as_ref().is_some_and(is_another);
        if replaced {
            return Err(ReadError::Retired { name: self.name });
        }
        self.check_memory()?;
        header::check(self.name, &self.view).map(drop)
    }

    /// The segment's epoch, for tests: unchanged while no handle is invalidated.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.view.head(header!(epoch)).load_relaxed()
    }
}
