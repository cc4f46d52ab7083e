//! The native state of a PHP metric object, and how an update finds its cells.
//!
//! The fast path is two loads and a comparison: if the handle's generation is the current one, its cells are this
//! process's own and valid. Everything else takes the slow path once, which makes the next call fast again.
#![allow(unsafe_code)]

use crate::{
    engine::{
        bailout::guarded,
        call::Frame,
        exceptions::{Thrown, invalid_argument},
        globals::interpreter_local,
        object::{self, native_object},
        zval,
    },
    session::{
        attachment,
        bound_cache::BoundCache,
        generation::GenerationRef,
        keyed_labels::KeyedLabels,
        labels, lookup,
        metric::Metric,
        series::{Key, Series, Target},
        series_cache::SeriesCache,
    },
};
use ext_php_rs::types::{ZendHashTable, Zval};
use promshm_segment::memory::atomic as segment;
use std::{
    cell::{Cell, OnceCell},
    hint::assert_unchecked,
    ptr::null,
    rc::Rc,
    slice,
};

/// The native state of a metric object. All of it changes through shared references, because the `__toString()` of a
/// label may call back into the very object that is being updated.
#[derive(Debug)]
pub(crate) struct Handle {
    /// The generation in which `cells` are this process's own; 0 while they are not.
    owned_generation: Cell<u64>,
    /// The generation in which `cells` are the series' cells, whether other processes write them too or not.
    found_generation: Cell<u64>,
    cells: Cell<*const segment::Cell>,
    /// How many cells a series of this metric has.
    count: Cell<usize>,
    /// Set once, by the constructor.
    binding: OnceCell<Binding>,
    series: Cell<Series>,
    /// Made at the second call with labels: a script that makes a handle for each call would pay for it in vain.
    cache: OnceCell<Box<SeriesCache>>,
    was_called: Cell<bool>,
    /// Made at the second call of `labels()`, for the same reason.
    bound: OnceCell<Box<BoundCache>>,
    was_bound: Cell<bool>,
    /// The generation of the interpreter that the object lives in.
    generation_ref: GenerationRef,
}

// The handles that it holds are bound, and those hold none.
native_object!(
    Handle,
    |handle, show| if let Some(bound) = handle.bound.get() {
        bound.each_object(show);
    },
    may_be_in_cycle: false
);

/// The metric or series that a handle is for.
#[derive(Debug)]
struct Binding {
    metric: Rc<Metric>,
    /// The packed label values of a bound handle, empty for a metric without labels; `None` if each call passes the
    /// values.
    key: Option<Key>,
}

impl Default for Handle {
    fn default() -> Self {
        Self {
            owned_generation: Cell::new(0),
            found_generation: Cell::new(0),
            cells: Cell::new(null()),
            count: Cell::new(0),
            binding: OnceCell::new(),
            series: Cell::new(Series::UNKNOWN),
            cache: OnceCell::new(),
            was_called: Cell::new(false),
            bound: OnceCell::new(),
            was_bound: Cell::new(false),
            generation_ref: GenerationRef::here(),
        }
    }
}

/// A series: its metric, its label values, and where its updates go, if that was looked up.
#[derive(Debug)]
pub(crate) struct SeriesOf {
    pub(crate) metric: Rc<Metric>,
    pub(crate) key: Key,
    pub(crate) series: Series,
}

impl SeriesOf {
    /// Runs `apply` on the cells of the series. Without cells the update is counted as lost.
    pub(crate) fn update(&self, apply: impl FnOnce(Cells<'_>)) {
        let Self { metric, key, series } = self;
        let series = if series.holds() { *series } else { lookup::series(metric, key).1 };
        // SAFETY: the target was just found in the current generation, for this metric.
        unsafe { update_target(series.target, metric.cells, apply) }
    }

    /// This process's own cells of the series, if they are known and still valid.
    #[inline(always)]
    pub(crate) fn own_cells(&self) -> Option<&[segment::Cell]> {
        match self.series.target {
            Target::Owned(cells) if self.series.holds() => {
                // SAFETY: in the current generation these are the cells of the mapped segment, for this metric.
                Some(unsafe { slice::from_raw_parts(cells, self.metric.cells) })
            }
            _ => None,
        }
    }
}

/// Runs `apply` on the cells of a target.
///
/// # Safety
///
/// The target is valid in the current generation, and of a metric with that many cells.
#[inline(always)]
pub(crate) unsafe fn update_target(target: Target, count: usize, apply: impl FnOnce(Cells<'_>)) {
    let (cells, shared) = match target {
        Target::Owned(cells) => (cells, false),
        Target::Shared(cells) => (cells, true),
        lost => return count_lost(lost),
    };
    // SAFETY: the caller's promise; cells stay mapped as long as their generation is the current one.
    apply(Cells { all: unsafe { slice::from_raw_parts(cells, count) }, shared });
}

/// The cell that a pointer leads to.
///
/// # Safety
///
/// As for a reference. It is said that there is a cell, for the compiler would look.
#[inline(always)]
unsafe fn cell_at<'c>(cell: *const segment::Cell) -> &'c segment::Cell {
    // SAFETY: the caller's promise.
    unsafe {
        assert_unchecked(!cell.is_null());
        &*cell
    }
}

/// The cells that an update goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'c> {
    pub(crate) all: &'c [segment::Cell],
    /// Other processes write them too.
    pub(crate) shared: bool,
}

interpreter_local! {
    /// A buffer for a key, kept between calls so that a known series costs no allocation.
    static KEY: Vec<u8> = Vec::new();
}

/// A larger buffer is freed: one huge label value must not cost its memory for ever.
const MOST_KEPT: usize = 64 << 10;

/// Counts an update that reaches no cell.
#[cold]
pub(crate) fn count_lost(target: Target) {
    match target {
        Target::Dropped(loss) => attachment::count_drop(loss.into()),
        _ => attachment::count_unstored(),
    }
}

impl Handle {
    /// Makes this the handle of a metric, or of its only series if it has no labels, which is published.
    pub(crate) fn init(&self, metric: Rc<Metric>) -> Result<(), Thrown> {
        let key = metric.definition.label_names.is_empty().then(|| Key::from([]));
        self.set_binding(Binding { metric, key })?;
        self.publish();
        Ok(())
    }

    /// Publishes the series of a bound handle with zeros, so that `rate()` counts its first event: an increase is
    /// seen only from a sample before it. A gauge has no value until it is set.
    pub(crate) fn publish(&self) {
        if let Ok(Binding { metric, key: Some(_) }) = self.binding()
            && metric.starts_from_zero()
        {
            let _no_update_is_lost = self.only_target();
        }
    }

    /// Makes this the handle of one series, with what is known of it.
    pub(crate) fn bind(&self, metric: Rc<Metric>, key: Key, series: Series) -> Result<(), Thrown> {
        self.set_binding(Binding { metric, key: Some(key) })?;
        self.remember(series);
        Ok(())
    }

    fn set_binding(&self, binding: Binding) -> Result<(), Thrown> {
        let cells = binding.metric.cells;
        self.binding.set(binding).map_err(|_| invalid_argument("The constructor was called already"))?;
        self.count.set(cells);
        Ok(())
    }

    fn binding(&self) -> Result<&Binding, Thrown> {
        self.binding.get().ok_or_else(|| invalid_argument("The constructor was not called"))
    }

    /// The metric; throws where the constructor did not run.
    pub(crate) fn metric(&self) -> Result<&Rc<Metric>, Thrown> {
        self.binding().map(|binding| &binding.metric)
    }

    /// This process's own cells of the series that a call updates, if they are known and still valid. The labels, if
    /// there are any, are the last argument of the call, at index `n`.
    #[inline(always)]
    pub(crate) fn ready_cells(&self, frame: &Frame, n: u32) -> Option<&[segment::Cell]> {
        // SAFETY: in the current generation these are `count` cells of the mapped segment.
        self.ready(&self.owned_generation, frame, n)
            .map(|cells| unsafe { slice::from_raw_parts(cells, self.count.get()) })
    }

    /// As [`Handle::ready_cells`], for metrics with one cell.
    #[inline(always)]
    pub(crate) fn ready_cell(&self, frame: &Frame, n: u32) -> Option<&segment::Cell> {
        // SAFETY: in the current generation this is a cell of the mapped segment.
        self.ready(&self.owned_generation, frame, n).map(|cells| unsafe { cell_at(cells) })
    }

    /// As [`Handle::ready_cell`], but other processes may write the cell, too: it may be set, not added to.
    #[inline(always)]
    pub(crate) fn settable_cell(&self, frame: &Frame, n: u32) -> Option<&segment::Cell> {
        // SAFETY: as above.
        self.ready(&self.found_generation, frame, n).map(|cells| unsafe { cell_at(cells) })
    }

    #[inline(always)]
    fn ready(&self, found_at: &Cell<u64>, frame: &Frame, n: u32) -> Option<*const segment::Cell> {
        if frame.given() == n {
            return (found_at.get() == self.generation_ref.get()).then(|| self.cells.get());
        }
        self.ready_labelled(frame.argument(n)?, frame.given() - n)
    }

    /// `count` arguments were passed from the labels on. It is looked at here, for the caller would do so before it
    /// looks whether there are labels at all.
    #[inline(never)] // so that a call without labels saves no registers for it
    fn ready_labelled(&self, labels: &Zval, count: u32) -> Option<*const segment::Cell> {
        if count != 1 {
            return None;
        }
        self.cache.get()?.cells_of(labels, self.generation_ref.get())
    }

    /// Runs `apply` on the cells of the series that the labels name. Without cells the update is counted as lost.
    #[inline]
    pub(crate) fn update(
        &self,
        labels: Option<&ZendHashTable>,
        apply: impl FnOnce(Cells<'_>),
    ) -> Result<(), Thrown> {
        let target = match labels {
            Some(labels) if !zval::is_empty(labels) => self.named_target(labels)?,
            _ => self.only_target()?,
        };
        // SAFETY: the target was just found in the current generation, for a metric of `count` cells.
        unsafe { update_target(target, self.count.get(), apply) }
        Ok(())
    }

    /// Whether an update without labels is no error.
    pub(crate) fn needs_no_labels(&self) -> bool {
        self.binding.get().is_some_and(|binding| binding.key.is_some())
    }

    /// Throws if an update without labels is an error.
    pub(crate) fn check_needs_no_labels(&self) -> Result<(), Thrown> {
        let Binding { metric, key } = self.binding()?;
        if key.is_some() { Ok(()) } else { Err(labels::wrong_count(&metric.definition, 0)) }
    }

    /// Where updates of a bound handle go, or of a metric without labels.
    fn only_target(&self) -> Result<Target, Thrown> {
        if self.series.get().generation != self.generation_ref.get() {
            let Binding { metric, key } = self.binding()?;
            let Some(key) = key else { return Err(labels::wrong_count(&metric.definition, 0)) };
            self.remember(lookup::series(metric, key).1);
        }
        Ok(self.series.get().target)
    }

    fn remember(&self, series: Series) {
        self.series.set(series);
        let (cells, owned) = match series.target {
            Target::Owned(cells) => (cells, series.generation),
            Target::Shared(cells) => (cells, 0),
            Target::Dropped(_) | Target::Unstored => return,
        };
        self.cells.set(cells);
        self.owned_generation.set(owned);
        self.found_generation.set(series.generation);
    }

    /// Where updates of the series that the labels name go. It is cached, so that the next such call is fast.
    fn named_target(&self, labels: &ZendHashTable) -> Result<Target, Thrown> {
        let metric = self.check_unbound()?;
        let is_first = !self.was_called.replace(true);
        let known = match zval::list_values(labels) {
            Some(values) => {
                let recent = is_first.then(|| metric.recent_cells(values, self.generation_ref.get()));
                match recent.flatten() {
                    Some(cells) => return Ok(Target::Owned(cells)),
                    None => self.known_target(metric, labels, &values.iter(), is_first),
                }
            }
            None => KeyedLabels::of(&metric.definition.label_names, labels)
                .and_then(|keyed| self.known_target(metric, labels, &keyed.iter(), is_first)),
        };
        match known {
            Some(target) => Ok(target),
            None => self.with_key(labels, |metric, key| lookup::series(metric, key).1.target),
        }
    }

    /// Where updates of a series go that is known by its values as PHP has them. The first call of a handle leaves it to the
    /// next handles of its metric, if they may find it there.
    #[inline(always)]
    fn known_target<'v>(
        &self,
        metric: &Metric,
        labels: &ZendHashTable,
        values: &(impl ExactSizeIterator<Item = &'v Zval> + Clone),
        is_first: bool,
    ) -> Option<Target> {
        let note = |key: &Key, series: Series| {
            let Target::Owned(cells) = series.target else { return };
            let found = (series.generation, cells);
            if !is_first {
                let names = &metric.definition.label_names;
                self.cache(metric).inspect(|cache| cache.store(labels, names, values.clone(), key, found));
            } else if zval::list_values(labels).is_some() {
                metric.texts().store(values.clone(), key, found);
            }
        };
        metric.known_target(values, note).map(|series| series.target)
    }

    #[inline(always)]
    fn cache(&self, metric: &Metric) -> Option<&SeriesCache> {
        match self.cache.get() {
            Some(cache) => Some(cache),
            None => self.make_cache(metric),
        }
    }

    #[cold]
    fn make_cache(&self, metric: &Metric) -> Option<&SeriesCache> {
        let labels = metric.definition.label_names.len();
        let cache = SeriesCache::new(labels, Rc::clone(metric.texts()));
        let _set_once = cache.map(|cache| self.cache.set(Box::new(cache)));
        self.cache.get().map(AsRef::as_ref)
    }

    /// The object that `labels()` has returned for these very values, if its series is published and still there.
    #[inline(always)]
    pub(crate) fn known_bound(&self, values: &[Zval]) -> Option<Zval> {
        let object = self.kept_bound(values)?;
        let bound: &Self = object::native_of(&object)?;
        let is_current = bound.found_generation.get() == self.generation_ref.get();
        if is_current { Some(object) } else { None }
    }

    /// The object that `labels()` has returned for these very values.
    #[inline(always)]
    pub(crate) fn kept_bound(&self, values: &[Zval]) -> Option<Zval> {
        self.bound.get()?.find(values)
    }

    /// Remembers the object that `labels()` returns for these values.
    pub(crate) fn remember_bound(&self, values: &[Zval], object: &Zval) {
        if self.bound.get().is_none() && self.was_bound.replace(true) {
            let _set_once = BoundCache::new(values.len()).map(|cache| self.bound.set(Box::new(cache)));
        }
        if let Some(former) = self.bound.get().and_then(|bound| bound.store(values, object)) {
            guarded(|| drop(former));
        }
    }

    /// Runs `look` with the packed label values.
    #[inline(never)]
    pub(crate) fn with_key<R>(
        &self,
        labels: &ZendHashTable,
        look: impl FnOnce(&Rc<Metric>, &[u8]) -> R,
    ) -> Result<R, Thrown> {
        let metric = self.check_unbound()?;
        with_packed(|key| labels::pack_table(&metric.definition, labels, key), |key| look(metric, key))
    }

    /// The series that the labels name, with what is known of it.
    #[inline(always)]
    pub(crate) fn series_of(&self, labels: Option<&ZendHashTable>) -> Result<SeriesOf, Thrown> {
        match labels {
            Some(labels) if !zval::is_empty(labels) => self.named_series(labels),
            _ => {
                let Binding { metric, key } = self.binding()?;
                let key = key.as_ref().ok_or_else(|| labels::wrong_count(&metric.definition, 0))?;
                let (metric, key) = (Rc::clone(metric), Rc::clone(key));
                Ok(SeriesOf { metric, key, series: self.series.get() })
            }
        }
    }

    #[inline(never)]
    fn named_series(&self, labels: &ZendHashTable) -> Result<SeriesOf, Thrown> {
        let metric = self.check_unbound()?;
        let known = match zval::list_values(labels) {
            Some(values) => metric.known_series(&values.iter()),
            None => KeyedLabels::of(&metric.definition.label_names, labels)
                .and_then(|keyed| metric.known_series(&keyed.iter())),
        };
        if let Some((key, series)) = known {
            return Ok(SeriesOf { metric: Rc::clone(metric), key, series });
        }
        self.with_key(labels, |metric, key| SeriesOf {
            metric: Rc::clone(metric),
            key: key.into(),
            series: Series::UNKNOWN,
        })
    }

    /// The metric, if the handle takes labels; throws if it is bound.
    pub(crate) fn check_unbound(&self) -> Result<&Rc<Metric>, Thrown> {
        let Binding { metric, key } = self.binding()?;
        match key {
            Some(key) if !key.is_empty() => Err(already_bound(metric)),
            _ => Ok(metric),
        }
    }
}

fn already_bound(metric: &Metric) -> Thrown {
    let name = &metric.definition.name;
    invalid_argument(&format!("This handle on {name} is bound to its label values and takes no others"))
}

/// Packs label values into the kept buffer and runs `look` on them. The buffer is taken out meanwhile, so that a
/// `__toString()` that updates metrics itself uses one of its own.
pub(crate) fn with_packed<R>(
    pack: impl FnOnce(&mut Vec<u8>) -> Result<(), Thrown>,
    look: impl FnOnce(&[u8]) -> R,
) -> Result<R, Thrown> {
    let mut key = KEY.replace(Vec::new());
    key.clear();
    let result = pack(&mut key).map(|()| look(&key));
    if key.capacity() <= MOST_KEPT {
        KEY.set(key);
    }
    result
}
