//! A metric as one PHP process knows it: its definition, and the series it has met.

use crate::session::{attachment, generation, labels, series_table, series_table::SeriesTable};
use ext_php_rs::types::Zval;
use promshm_segment::{Buckets, Definition, DefinitionError, FamilyId, memory::atomic, snapshot::Reason};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A metric that scripts have constructed. Lives as long as the process: a later request that
/// constructs it again finds its series resolved.
#[derive(Debug)]
pub(crate) struct Metric {
    /// What the script has defined.
    pub(crate) definition: Definition,
    /// The same with the constant labels of its registry, as the segment knows it.
    pub(crate) family: Definition,
    /// Of a histogram's bounds.
    pub(crate) buckets: Buckets,
    /// The values of the constant labels.
    constants: Vec<String>,
    /// The family's record, and the life of the process it was registered in.
    pub(crate) registered: Cell<Option<(FamilyId, u64)>>,
    known: RefCell<SeriesTable>,
}

/// Labels that a registry gives to all its metrics, names and values.
pub(crate) type Constants = Vec<(String, String)>;

/// The label values of a series, as [`labels`] packs them.
pub(crate) type Key = Rc<[u8]>;

/// Where updates of one series go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// The process's stamp at which this was found out; it holds no longer when the stamp has changed.
    pub(crate) stamp: u64,
    /// What was found out.
    pub(crate) target: Target,
}

/// The end of a lookup.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Cells that this process alone writes.
    Owned(*const atomic::Cell),
    /// Cells that other processes write too.
    Shared(*const atomic::Cell),
    /// There is no room.
    Dropped(Reason),
    /// There is no segment.
    Unstored,
}

/// A process does not remember more series of one metric than this once there is no room for them.
const REMEMBERED_DROPS: usize = 1000;
/// Nor any with more bytes of label values than this.
const MOST_DROPPED_BYTES: usize = 4096;

/// Bytes of a label besides its text, about.
const LABEL_BYTES: usize = 32;

impl Series {
    /// Nothing found out yet.
    pub(crate) const UNKNOWN: Self = Self { stamp: 0, target: Target::Unstored };

    #[inline(always)]
    fn holds(self) -> bool {
        self.stamp == generation::current()
    }

    fn has_cells(self) -> bool {
        matches!(self.target, Target::Owned(_) | Target::Shared(_))
    }
}

/// The definition with further labels.
fn with(definition: &Definition, constants: &Constants) -> Result<Definition, DefinitionError> {
    let Definition { name, help, kind, label_names, bounds } = definition;
    let names = label_names.iter().chain(constants.iter().map(|(name, _)| name));
    let names: Vec<&str> = names.map(String::as_str).collect();
    Definition::new(name, help, *kind, &names, bounds)
}

impl Metric {
    /// # Errors
    /// If a constant label's name is not allowed, or is one of the definition's.
    pub(crate) fn new(definition: Definition, constants: &Constants) -> Result<Self, DefinitionError> {
        let family = if constants.is_empty() { definition.clone() } else { with(&definition, constants)? };
        let constants = constants.iter().map(|(_, value)| value.clone()).collect();
        let buckets = Buckets::new(&definition.bounds);
        Ok(Self {
            definition,
            family,
            buckets,
            constants,
            registered: Cell::new(None),
            known: RefCell::default(),
        })
    }

    /// Bytes that its definition takes, about.
    pub(crate) fn bytes(&self) -> usize {
        let Definition { name, help, label_names, bounds, .. } = &self.family;
        let labels: usize =
            label_names.iter().chain(&self.constants).map(|label| label.len() + LABEL_BYTES).sum();
        2 * (name.len() + help.len() + labels + bounds.len() * size_of::<f64>()) + size_of::<Self>()
    }

    /// Whether the same label values mean the same series of both.
    pub(crate) fn same_series(&self, other: &Self) -> bool {
        self.constants == other.constants
            && self.family.same_family(&other.family)
            && self.family.label_names == other.family.label_names
            && self.definition.label_names.len() == other.definition.label_names.len()
    }

    /// The values of all the family's labels.
    pub(crate) fn all_values<'v>(&'v self, values: &[&'v str]) -> Vec<&'v str> {
        values.iter().copied().chain(self.constants.iter().map(String::as_str)).collect()
    }

    /// The series of these label values, if it is known and still holds. Does not allocate, and
    /// leaves whatever is unusual to [`Metric::series`].
    #[inline]
    pub(crate) fn known_series(&self, values: &[Zval]) -> Option<(Key, Series)> {
        self.look_up(values, |key, series| (Rc::clone(key), series))
    }

    /// As [`Metric::known_series`], without the key.
    #[inline]
    pub(crate) fn known_target(&self, values: &[Zval]) -> Option<Target> {
        self.look_up(values, |_, series| series.target)
    }

    #[inline(always)]
    fn look_up<R>(&self, values: &[Zval], take: impl FnOnce(&Key, Series) -> R) -> Option<R> {
        if values.len() != self.definition.label_names.len() {
            return None;
        }
        self.known.borrow().find(values, |key, series| series.holds().then(|| take(key, series)))?
    }

    /// The series with that key, looked up in the segment where it is not known.
    pub(crate) fn series(&self, key: &[u8]) -> (Key, Series) {
        let hash = labels::hash_key(key);
        let found = self.known.borrow().get(hash, key);
        match found {
            Some((key, series)) if series.holds() => (key, series),
            Some((key, _)) => self.resolve(hash, key),
            None => self.resolve(hash, key.into()),
        }
    }

    fn resolve(&self, hash: u64, key: Key) -> (Key, Series) {
        let series = attachment::resolve(self, &key);
        if self.may_remember(&key, series) {
            self.known.borrow_mut().put(hash, &key, series);
        }
        (key, series)
    }

    fn may_remember(&self, key: &[u8], series: Series) -> bool {
        if series_table::is_full() {
            attachment::forget_series();
        }
        // Where nothing is stored, remembering saves no more than making the key.
        let is_small = || self.known.borrow().len() < REMEMBERED_DROPS && key.len() <= MOST_DROPPED_BYTES;
        let is_worth_it = series.has_cells() || is_small();
        is_worth_it && labels::is_within_limit(key) && !series_table::is_full()
    }

    /// Forgets the series that were met; they are looked up again.
    pub(crate) fn forget_series(&self) {
        self.known.borrow_mut().clear();
    }
}
