//! What a PHP metric object holds, and how an update finds its cells.
//!
//! The fast way is two loads and a comparison: the handle's stamp is the present one, so its cells
//! are this process's own and valid. Everything else goes the slow way once and is fast again.
#![allow(unsafe_code)]

use crate::{
    exceptions::{Thrown, invalid_argument},
    labels,
    local::local,
    metric::{Key, Metric, Series, Target},
    object::part,
    process,
    recent::Recent,
    stamp::Watch,
    zend,
};
use ext_php_rs::types::ZendHashTable;
use promshm_segment::sync as segment;
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
    cells: Cell<*const segment::Cell>,
    /// How many cells a series of this metric has.
    count: Cell<usize>,
    /// Set once, by the constructor.
    meaning: OnceCell<Meaning>,
    series: Cell<Series>,
    /// Only for a handle that is called with labels.
    recent: OnceCell<Box<Recent>>,
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
            cells: Cell::new(null()),
            count: Cell::new(0),
            meaning: OnceCell::new(),
            series: Cell::new(Series::UNKNOWN),
            recent: OnceCell::new(),
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

local! {
    /// Room for a key, kept between calls so that a known series costs no allocation.
    static KEY: Vec<u8> = Vec::new();
}

#[cold]
fn count_lost(target: Target) {
    match target {
        Target::Dropped(reason) => process::count_drop(reason),
        _ => process::count_unstored(),
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

    /// This process's own cells of the handle's series, if they were found out and still hold.
    #[inline(always)]
    pub(crate) fn own_cells(&self) -> Option<&[segment::Cell]> {
        let present = self.stamp.get() == self.watch.stamp();
        // SAFETY: under the present stamp `cells` are `count` cells of the mapped segment.
        present.then(|| unsafe { slice::from_raw_parts(self.cells.get(), self.count.get()) })
    }

    /// As [`Handle::own_cells`], for metrics with one cell.
    #[inline(always)]
    pub(crate) fn own_cell(&self) -> Option<&segment::Cell> {
        // SAFETY: under the present stamp `cells` points to a cell of the mapped segment.
        (self.stamp.get() == self.watch.stamp()).then(|| unsafe { &*self.cells.get() })
    }

    /// Runs `apply` on the cells of the series that the labels name. Where there are none, the
    /// update is counted as lost.
    #[inline(always)]
    pub(crate) fn update(
        &self,
        labels: Option<&ZendHashTable>,
        apply: impl FnOnce(Cells<'_>),
    ) -> Result<(), Thrown> {
        let target = match labels {
            Some(labels) if !zend::is_empty(labels) => self.named_target(labels)?,
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
            self.remember(metric.series(key).1);
        }
        Ok(self.series.get().target)
    }

    fn remember(&self, series: Series) {
        self.series.set(series);
        if let Target::Owned(cells) = series.target {
            self.cells.set(cells);
            self.stamp.set(series.stamp);
        }
    }

    #[inline(always)]
    fn named_target(&self, labels: &ZendHashTable) -> Result<Target, Thrown> {
        let recent = self.recent.get().zip(zend::list_values(labels));
        match recent.and_then(|(recent, values)| recent.cells_of(values, self.watch.stamp())) {
            Some(cells) => Ok(Target::Owned(cells)),
            None => self.less_recent_target(labels),
        }
    }

    fn less_recent_target(&self, labels: &ZendHashTable) -> Result<Target, Thrown> {
        let metric = self.check_unbound()?;
        let values = zend::list_values(labels);
        let Some((values, target)) = values.and_then(|values| Some((values, metric.known_target(values)?)))
        else {
            return self.with_key(labels, |metric, key| metric.series(key).1.target);
        };
        if let Target::Owned(cells) = target {
            self.recent.get_or_init(Box::default).keep(values, zend::is_shared(labels), cells);
        }
        Ok(target)
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
            Some(labels) if !zend::is_empty(labels) => {
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
    KEY.set(key);
    result
}
