//! What a PHP metric object holds, and how an update finds its cells.
//!
//! The fast way is two loads and a comparison: the handle's stamp is the present one, so its cells
//! are this process's own and valid. Everything else goes the slow way once and is fast again.
#![allow(unsafe_code)]

use crate::{
    engine::{
        exceptions::{Thrown, invalid_argument},
        globals::local,
        object,
        object::part,
        zval,
        zval::{argument, given},
    },
    session::{
        attachment,
        generation::Watch,
        labels, lookup,
        metric::Metric,
        series::{Key, Series, Target},
        series_cache::Recent,
    },
};
use ext_php_rs::{types::ZendHashTable, zend::ExecuteData};
use promshm_segment::memory::atomic as segment;
use std::{
    cell::{Cell, OnceCell},
    ptr::null,
    rc::Rc,
    slice,
};

/// A metric object's part that is ours. All of it changes through shared references: a
/// `__toString()` of a label may call back into the very object that is being updated.
#[derive(Debug)]
pub(crate) struct Handle {
    /// The stamp under which `cells` are this process's own; 0 while they are not.
    stamp: Cell<u64>,
    /// The stamp under which `cells` are the handle's at all, other processes' too or not.
    found: Cell<u64>,
    cells: Cell<*const segment::Cell>,
    /// How many cells a series of this metric has.
    count: Cell<usize>,
    /// Set once, by the constructor.
    meaning: OnceCell<Meaning>,
    series: Cell<Series>,
    /// Only for a handle that is called with labels, from the second such call on: who makes a handle for each
    /// call would pay for it in vain.
    recent: OnceCell<Box<Recent>>,
    was_called: Cell<bool>,
    /// Of the interpreter that the object lives in.
    watch: Watch,
}

part!(Handle);

/// What a handle stands for.
#[derive(Debug)]
struct Meaning {
    metric: Rc<Metric>,
    /// The label values of a bound handle, packed; empty for a metric without labels; `None` for a
    /// metric with labels whose values come with each call.
    key: Option<Key>,
}

impl Default for Handle {
    fn default() -> Self {
        Self {
            stamp: Cell::new(0),
            found: Cell::new(0),
            cells: Cell::new(null()),
            count: Cell::new(0),
            meaning: OnceCell::new(),
            series: Cell::new(Series::UNKNOWN),
            recent: OnceCell::new(),
            was_called: Cell::new(false),
            watch: Watch::here(),
        }
    }
}

/// The cells that an update goes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'c> {
    pub(crate) all: &'c [segment::Cell],
    /// Other processes write them too.
    pub(crate) shared: bool,
}

/// The handle that `$this`, a metric object, holds.
#[inline(always)]
pub(crate) fn this(ex: &ExecuteData) -> &Handle {
    object::this(ex)
}

local! {
    /// Room for a key, kept between calls so that a known series costs no allocation.
    static KEY: Vec<u8> = Vec::new();
}

/// Most bytes of that room that are kept: one huge label value must not cost its memory for ever.
const MOST_KEPT: usize = 64 << 10;

#[cold]
fn count_lost(target: Target) {
    match target {
        Target::Dropped(reason) => attachment::count_drop(reason),
        _ => attachment::count_unstored(),
    }
}

impl Handle {
    /// Makes it a handle on a metric; on its only series if it has no labels.
    pub(crate) fn stand_for(&self, metric: Rc<Metric>) -> Result<(), Thrown> {
        let key = metric.definition.label_names.is_empty().then(|| Key::from([]));
        self.mean(Meaning { metric, key })
    }

    /// Makes it a handle on one series, with what is known of it.
    pub(crate) fn bind(&self, metric: Rc<Metric>, key: Key, series: Series) -> Result<(), Thrown> {
        self.mean(Meaning { metric, key: Some(key) })?;
        self.remember(series);
        Ok(())
    }

    fn mean(&self, meaning: Meaning) -> Result<(), Thrown> {
        let cells = meaning.metric.definition.cells();
        self.meaning.set(meaning).map_err(|_| invalid_argument("The constructor was called already"))?;
        self.count.set(cells);
        Ok(())
    }

    fn meaning(&self) -> Result<&Meaning, Thrown> {
        self.meaning.get().ok_or_else(|| invalid_argument("The constructor was not called"))
    }

    /// The metric; throws where the constructor did not run.
    pub(crate) fn metric(&self) -> Result<&Rc<Metric>, Thrown> {
        self.meaning().map(|meaning| &meaning.metric)
    }

    /// The cells that a call goes to, whose labels, if it has any, are its argument `n`, from 0, and its last:
    /// this process's own, if they were found out lately and still hold.
    #[inline(always)]
    pub(crate) fn ready_cells(&self, ex: &ExecuteData, n: u32) -> Option<&[segment::Cell]> {
        // SAFETY: under the present stamp these are `count` cells of the mapped segment.
        self.ready(&self.stamp, ex, n).map(|cells| unsafe { slice::from_raw_parts(cells, self.count.get()) })
    }

    /// As [`Handle::ready_cells`], for metrics with one cell.
    #[inline(always)]
    pub(crate) fn ready_cell(&self, ex: &ExecuteData, n: u32) -> Option<&segment::Cell> {
        // SAFETY: under the present stamp this is a cell of the mapped segment.
        self.ready(&self.stamp, ex, n).map(|cells| unsafe { &*cells })
    }

    /// As [`Handle::ready_cell`], or one that other processes write too: to be set, not added to.
    #[inline(always)]
    pub(crate) fn settable_cell(&self, ex: &ExecuteData, n: u32) -> Option<&segment::Cell> {
        // SAFETY: as above.
        self.ready(&self.found, ex, n).map(|cells| unsafe { &*cells })
    }

    #[inline(always)]
    fn ready(&self, stamp: &Cell<u64>, ex: &ExecuteData, n: u32) -> Option<*const segment::Cell> {
        if given(ex) == n {
            return (stamp.get() == self.watch.stamp()).then(|| self.cells.get());
        }
        let values = zval::list_of(argument(ex, n)?).filter(|_| given(ex) == n + 1)?;
        self.recent.get()?.cells_of(values, self.watch.stamp())
    }

    /// Runs `apply` on the cells of the series that the labels name. Where there are none, the
    /// update is counted as lost.
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
        let (cells, shared) = match target {
            Target::Owned(cells) => (cells, false),
            Target::Shared(cells) => (cells, true),
            lost => {
                count_lost(lost);
                return Ok(());
            }
        };
        // SAFETY: the target was just found to hold under the present stamp: `count` mapped cells.
        apply(Cells { all: unsafe { slice::from_raw_parts(cells, self.count.get()) }, shared });
        Ok(())
    }

    /// Where updates of a bound handle go, or of a metric without labels.
    fn only_target(&self) -> Result<Target, Thrown> {
        if self.series.get().stamp != self.watch.stamp() {
            let Meaning { metric, key } = self.meaning()?;
            let Some(key) = key else { return Err(labels::wrong_count(&metric.definition, 0)) };
            self.remember(lookup::series(metric, key).1);
        }
        Ok(self.series.get().target)
    }

    fn remember(&self, series: Series) {
        self.series.set(series);
        let (cells, stamp) = match series.target {
            Target::Owned(cells) => (cells, series.stamp),
            Target::Shared(cells) => (cells, 0),
            Target::Dropped(_) | Target::Unstored => return,
        };
        self.cells.set(cells);
        self.stamp.set(stamp);
        self.found.set(series.stamp);
    }

    /// Where updates of the series that the labels name go; those of the next call that is like this are ready.
    fn named_target(&self, labels: &ZendHashTable) -> Result<Target, Thrown> {
        let metric = self.check_unbound()?;
        let values = zval::list_values(labels);
        let Some((values, target)) = values.and_then(|values| Some((values, metric.known_target(values)?)))
        else {
            return self.with_key(labels, |metric, key| lookup::series(metric, key).1.target);
        };
        if let Target::Owned(cells) = target
            && let Some(recent) = self.recent(values.len())
        {
            recent.keep(values, zval::is_shared(labels), cells);
        }
        Ok(target)
    }

    fn recent(&self, labels: usize) -> Option<&Recent> {
        if self.recent.get().is_none() && self.was_called.replace(true) {
            let _set_once = Recent::new(labels).map(|recent| self.recent.set(Box::new(recent)));
        }
        self.recent.get().map(AsRef::as_ref)
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

    /// The metric and the key of the series that the labels name.
    pub(crate) fn series_of(&self, labels: Option<&ZendHashTable>) -> Result<(Rc<Metric>, Key), Thrown> {
        match labels {
            Some(labels) if !zval::is_empty(labels) => {
                self.with_key(labels, |metric, key| (Rc::clone(metric), key.into()))
            }
            _ => Ok((Rc::clone(self.metric()?), self.own_key()?.into())),
        }
    }

    /// The key of the handle's only series.
    pub(crate) fn own_key(&self) -> Result<&[u8], Thrown> {
        let Meaning { metric, key } = self.meaning()?;
        key.as_deref().ok_or_else(|| labels::wrong_count(&metric.definition, 0))
    }

    /// The metric, if the handle takes labels; throws if it is bound.
    pub(crate) fn check_unbound(&self) -> Result<&Rc<Metric>, Thrown> {
        let Meaning { metric, key } = self.meaning()?;
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

/// Packs label values into the kept room and runs `look` on them. The room is away meanwhile, so
/// that a `__toString()` which counts by itself finds none and makes its own.
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
