//! A metric as one PHP process knows it: its definition, and the series that it has resolved.

use crate::session::{
    ini,
    series::{Key, Series},
    series_table::SeriesTable,
    text_cache::TextCache,
};
use ext_php_rs::types::Zval;
use promshm_segment::{Buckets, Definition, DefinitionError, FamilyId, Kind, NativeIndex, memory::atomic};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// A metric that scripts have constructed. It lives as long as the process: a later request that constructs it again
/// finds its series resolved.
#[derive(Debug)]
pub(crate) struct Metric {
    /// The definition of the script.
    pub(crate) definition: Definition,
    /// The same with the constant labels of its registry, which is the definition in the segment.
    pub(crate) family: Definition,
    /// The bounds of a histogram.
    pub(crate) buckets: Buckets,
    /// The upper bounds of the cells of a histogram that is recorded in both forms.
    joint_bounds: Option<Box<[f64]>>,
    /// How many cells a series has.
    pub(crate) cells: usize,
    /// The window of a native histogram.
    pub(crate) native: Option<NativeIndex>,
    /// The values of the constant labels.
    constants: Vec<String>,
    /// The family's record, and the number of the attachment in which it was registered.
    pub(crate) registered: Cell<Option<(FamilyId, u64)>>,
    known: RefCell<SeriesTable>,
    /// Shared with the caches of the handles.
    texts: Rc<TextCache>,
    /// The series of label values that have none of their own, with the text that its labels say.
    overflow: RefCell<Option<(Box<str>, Series)>>,
}

/// Names and values of the labels that a registry adds to all its metrics.
pub(crate) type Constants = Vec<(String, String)>;

/// Approximate bytes of a label without its text.
const LABEL_BYTES: usize = 32;

/// The definition with further labels.
fn with(definition: &Definition, constants: &Constants) -> Result<Definition, DefinitionError> {
    let Definition { name, help, kind, label_names, bounds, native } = definition;
    let names = label_names.iter().chain(constants.iter().map(|(name, _)| name));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let all = Definition::new(name, help, *kind, &names, bounds)?;
    Ok(if native.is_some() { all.with_native_form() } else { all })
}

impl Metric {
    /// # Errors
    /// If a constant label's name is not allowed, or is one of the definition's.
    pub(crate) fn new(definition: Definition, constants: &Constants) -> Result<Self, DefinitionError> {
        let definition = if ini::native_histograms() { definition.with_native_form() } else { definition };
        let family = if constants.is_empty() { definition.clone() } else { with(&definition, constants)? };
        let constants = constants.iter().map(|(_, value)| value.clone()).collect();
        let joint_bounds = definition.native.map(|_| definition.cell_bounds().into());
        let buckets = Buckets::new(joint_bounds.as_deref().unwrap_or(&definition.bounds));
        let native = match definition.kind {
            Kind::NativeHistogram(buckets) => Some(NativeIndex::new(buckets)),
            _ => None,
        };
        Ok(Self {
            cells: definition.cells(),
            definition,
            family,
            buckets,
            joint_bounds,
            native,
            constants,
            registered: Cell::new(None),
            known: RefCell::default(),
            texts: Rc::default(),
            overflow: RefCell::default(),
        })
    }

    /// The upper bounds of a histogram's cells, without +Inf.
    pub(crate) fn cell_bounds(&self) -> &[f64] {
        self.joint_bounds.as_deref().unwrap_or(&self.definition.bounds)
    }

    /// The cell of a histogram's series that a value is counted in.
    #[inline]
    pub(crate) fn bucket_of(&self, value: f64) -> usize {
        match &self.native {
            Some(native) => native.of(value),
            None => self.buckets.of(value),
        }
    }

    /// Whether a series has a value before anything happened: zero.
    pub(crate) fn starts_from_zero(&self) -> bool {
        !matches!(self.definition.kind, Kind::Gauge(_))
    }

    /// Approximate bytes of its definition.
    pub(crate) fn bytes(&self) -> usize {
        let Definition { name, help, label_names, bounds, .. } = &self.family;
        let bounds = bounds.len().max(self.joint_bounds.as_ref().map_or(0, |bounds| bounds.len()));
        let labels: usize =
            label_names.iter().chain(&self.constants).map(|label| label.len() + LABEL_BYTES).sum();
        2 * (name.len() + help.len() + labels + bounds * size_of::<f64>())
            + size_of::<Self>()
            + self.native.as_ref().map_or(0, NativeIndex::bytes)
    }

    /// Whether the same label values name the same series of both metrics.
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

    /// The same, where `None` stands for any value.
    pub(crate) fn all_wanted<'v>(&'v self, values: &[Option<&'v str>]) -> Vec<Option<&'v str>> {
        values.iter().copied().chain(self.constants.iter().map(|value| Some(value.as_str()))).collect()
    }

    /// The series of these label values, if it is known and still valid. Does not allocate; unusual values are left
    /// to [`lookup`](crate::session::lookup).
    #[inline]
    pub(crate) fn known_series<'v>(
        &self,
        values: &(impl ExactSizeIterator<Item = &'v Zval> + Clone),
    ) -> Option<(Key, Series)> {
        self.look_up(values, |key, series| (Rc::clone(key), series))
    }

    /// As [`Metric::known_series`], but shows the key to `note` instead of counting a reference to it.
    #[inline]
    pub(crate) fn known_target<'v>(
        &self,
        values: &(impl ExactSizeIterator<Item = &'v Zval> + Clone),
        note: impl FnOnce(&Key, Series),
    ) -> Option<Series> {
        self.look_up(values, |key, series| {
            note(key, series);
            series
        })
    }

    #[inline(always)]
    fn look_up<'v, R>(
        &self,
        values: &(impl ExactSizeIterator<Item = &'v Zval> + Clone),
        take: impl FnOnce(&Key, Series) -> R,
    ) -> Option<R> {
        if values.len() != self.definition.label_names.len() {
            return None;
        }
        self.known.borrow().find(values, |key, series| series.holds().then(|| take(key, series)))?
    }

    /// This process's own cells of the series with these texts, if it was asked for lately, and they are valid in the
    /// generation `now`.
    #[inline(always)]
    pub(crate) fn recent_cells(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        let has_all = values.len() == self.definition.label_names.len();
        if has_all { self.texts.cells_of(values, now) } else { None }
    }

    /// The table behind [`Metric::recent_cells`].
    pub(crate) fn texts(&self) -> &Rc<TextCache> {
        &self.texts
    }

    /// The series with that key, valid or stale, if it is known. `hash` is that of the key.
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<(Key, Series)> {
        self.known.borrow().get(hash, key)
    }

    /// Remembers where updates of a series go.
    pub(crate) fn put(&self, hash: u64, key: &Key, series: Series, has_own_cells: bool) {
        self.known.borrow_mut().put(hash, key, series, has_own_cells);
    }

    /// Whether a series without cells of its own is to be remembered.
    pub(crate) fn wants_borrowing(&self, hash: u64) -> bool {
        self.known.borrow_mut().wants_borrowing(hash)
    }

    /// The series of label values that have none of their own, if it is known under that text and still valid.
    pub(crate) fn known_overflow(&self, text: &str) -> Option<Series> {
        let overflow = self.overflow.borrow();
        overflow
            .as_ref()
            .filter(|(known, series)| **known == *text && series.holds())
            .map(|(_, series)| *series)
    }

    pub(crate) fn keep_overflow(&self, text: &str, series: Series) {
        *self.overflow.borrow_mut() = Some((text.into(), series));
    }

    /// Forgets the resolved series; they are looked up again.
    pub(crate) fn forget_series(&self) {
        self.known.borrow_mut().clear();
        self.texts.clear();
    }
}
