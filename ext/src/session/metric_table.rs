//! The metrics that a process knows in one attachment, found by name, or by what a script passes to a constructor.
//!
//! A script constructs its metrics in each request. The second table recognises the arguments, so that nothing is
//! validated, copied or allocated for a definition that was seen before.

use crate::{
    engine::{
        float_list::same_numbers,
        zval::{self, bytes_of, same_bytes},
    },
    session::{label_hash, metric::Metric},
};
use ext_php_rs::types::{ZendHashTable, Zval};
use hashbrown::HashTable;
use promshm_segment::{Definition, Kind};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

/// Most spellings that are remembered; beyond that all are forgotten. It bounds the memory of a script that makes up
/// help texts.
const MOST_SPELLINGS: usize = 2_000;
/// A spelling with more bytes in its texts is not remembered.
const MOST_BYTES: usize = 2_048;

/// What a script passes to a constructor, if it needs no conversion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling<'c> {
    /// A string.
    pub(crate) name: &'c Zval,
    /// A string, if it was passed.
    pub(crate) help: Option<&'c Zval>,
    pub(crate) label_names: Option<&'c ZendHashTable>,
    pub(crate) kind: Kind,
    /// Buckets or quantiles; `None` for the default ones.
    pub(crate) numbers: Option<&'c ZendHashTable>,
}

/// A copy of a spelling, and the metric that it defines.
#[derive(Debug)]
struct Spelt {
    hash: u64,
    name: Box<[u8]>,
    help: Box<[u8]>,
    label_names: Box<[Box<[u8]>]>,
    kind: Kind,
    numbers: Option<Box<[f64]>>,
    metric: Rc<Metric>,
    claim: Rc<Claim>,
}

/// The metrics of one name.
#[derive(Debug, Default)]
struct Named {
    metrics: Vec<Rc<Metric>>,
    claim: Rc<Claim>,
}

/// Which metric has a name in the running request: within a request a name has one definition.
#[derive(Debug, Default)]
struct Claim {
    /// The number of the request; of a former one, the claim is void.
    request: Cell<u64>,
    holder: RefCell<Option<Rc<Metric>>>,
}

/// The metrics of an attachment.
#[derive(Debug)]
pub(crate) struct MetricTable {
    by_name: BTreeMap<String, Named>,
    by_spelling: HashTable<Spelt>,
}

/// The number of a request in which names are claimed; 0 outside of requests, where none is.
pub(crate) type Request = u64;

/// The metric of a definition.
pub(crate) struct Defined {
    pub(crate) metric: Rc<Metric>,
    /// Whether it was not known before.
    pub(crate) is_new: bool,
}

/// Two definitions of one name in one request.
pub(crate) struct Conflict {
    pub(crate) earlier: Definition,
    pub(crate) later: Definition,
}

impl MetricTable {
    /// Empty.
    pub(crate) const fn new() -> Self {
        Self { by_name: BTreeMap::new(), by_spelling: HashTable::new() }
    }

    /// The metric that a script has spelt so before, if its name is not another metric's in this request. Does not
    /// allocate.
    pub(crate) fn find(&self, spelling: &Spelling<'_>, request: Request) -> Option<Rc<Metric>> {
        let hash = spelling.hash()?;
        let is_it = |spelt: &Spelt| spelt.hash == hash && spelt.equals(spelling);
        let spelt = self.by_spelling.find(hash, is_it)?;
        spelt.claim.take(request, &spelt.metric).then(|| Rc::clone(&spelt.metric))
    }

    /// Remembers that the spelling defines this metric.
    pub(crate) fn remember(&mut self, spelling: &Spelling<'_>, metric: &Rc<Metric>) {
        let claim = self.by_name.get(&metric.definition.name).map(|named| Rc::clone(&named.claim));
        let spelt = claim.and_then(|claim| Spelt::new(spelling, Rc::clone(metric), claim));
        let Some(spelt) = spelt.filter(|spelt| spelt.bytes() <= MOST_BYTES) else { return };
        if self.by_spelling.len() >= MOST_SPELLINGS {
            self.by_spelling.clear();
        }
        let is_it = |known: &Spelt| known.hash == spelt.hash && known.equals(spelling);
        if let Some(known) = self.by_spelling.find_mut(spelt.hash, is_it) {
            *known = spelt;
        } else {
            self.by_spelling.insert_unique(spelt.hash, spelt, |spelt| spelt.hash);
        }
    }

    /// The known metric of this definition, or this one, which is known from now on.
    ///
    /// # Errors
    /// If the name has another definition in this request.
    pub(crate) fn define(&mut self, metric: Metric, request: Request) -> Result<Defined, Box<Conflict>> {
        let named = self.by_name.entry(metric.definition.name.clone()).or_default();
        if let Some(earlier) = named.claim.holder_in(request) {
            if !earlier.family.same_family(&metric.family) {
                return Err(Box::new(Conflict { earlier: earlier.family.clone(), later: metric.family }));
            }
            if earlier.same_series(&metric) {
                return Ok(Defined { metric: earlier, is_new: false });
            }
        }
        let defined = named.known_or(metric);
        named.claim.give(request, &defined.metric);
        Ok(defined)
    }

    /// All metrics.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<Metric>> {
        self.by_name.values().flat_map(|named| &named.metrics)
    }

    /// Forgets all metrics. Those that objects refer to live on with the objects.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

impl Named {
    fn known_or(&mut self, metric: Metric) -> Defined {
        if let Some(known) = self.metrics.iter().find(|known| known.same_series(&metric)) {
            return Defined { metric: Rc::clone(known), is_new: false };
        }
        let metric = Rc::new(metric);
        self.metrics.push(Rc::clone(&metric));
        Defined { metric, is_new: true }
    }
}

impl Claim {
    /// The metric that has the name in this request.
    fn holder_in(&self, request: Request) -> Option<Rc<Metric>> {
        let is_valid = request != 0 && self.request.get() == request;
        is_valid.then(|| self.holder.borrow().clone()).flatten()
    }

    /// Gives the name to the metric for this request.
    fn give(&self, request: Request, metric: &Rc<Metric>) {
        if request == 0 {
            return;
        }
        self.request.set(request);
        let is_same = self.holder.borrow().as_ref().is_some_and(|holder| Rc::ptr_eq(holder, metric));
        if !is_same {
            self.holder.replace(Some(Rc::clone(metric)));
        }
    }

    /// The same, unless another metric has it; `true` if it was given.
    fn take(&self, request: Request, metric: &Rc<Metric>) -> bool {
        if request != 0 && self.request.get() == request {
            return self.holder.borrow().as_ref().is_some_and(|holder| Rc::ptr_eq(holder, metric));
        }
        self.give(request, metric);
        true
    }
}

impl Spelling<'_> {
    fn hash(&self) -> Option<u64> {
        zval::string_hash(self.name).map(|hash| label_hash::combine([hash].into_iter()))
    }

    fn help(&self) -> &[u8] {
        self.help.and_then(bytes_of).unwrap_or_default()
    }

    /// The values of a list of label names; `None` if the array is no list.
    fn label_names(&self) -> Option<&[Zval]> {
        match self.label_names {
            Some(table) if !zval::is_empty(table) => zval::list_values(table),
            _ => Some(&[]),
        }
    }
}

impl Spelt {
    /// `None` if the arrays are not the usual ones.
    fn new(spelling: &Spelling<'_>, metric: Rc<Metric>, claim: Rc<Claim>) -> Option<Self> {
        let names = spelling.label_names()?;
        let label_names: Option<_> = names.iter().map(|name| bytes_of(name).map(Box::from)).collect();
        let numbers = match spelling.numbers {
            Some(table) => {
                Some(zval::list_values(table)?.iter().map(zval::number_of).collect::<Option<_>>()?)
            }
            None => None,
        };
        Some(Self {
            hash: spelling.hash()?,
            name: bytes_of(spelling.name)?.into(),
            help: spelling.help().into(),
            label_names: label_names?,
            kind: spelling.kind,
            numbers,
            metric,
            claim,
        })
    }

    /// Bytes of its texts and numbers.
    fn bytes(&self) -> usize {
        let labels: usize = self.label_names.iter().map(|name| name.len()).sum();
        let numbers = self.numbers.as_ref().map_or(0, |numbers| size_of_val(&**numbers));
        self.name.len() + self.help.len() + labels + numbers
    }

    fn equals(&self, spelling: &Spelling<'_>) -> bool {
        is_text(spelling.name, &self.name)
            && self.kind == spelling.kind
            && same_bytes(&self.help, spelling.help())
            && spelling.label_names().is_some_and(|names| self.has_labels(names))
            && self.has_numbers(spelling)
    }

    fn has_numbers(&self, spelling: &Spelling<'_>) -> bool {
        match (&self.numbers, spelling.numbers) {
            (Some(known), Some(table)) => same_numbers(table, known),
            (None, None) => true,
            _ => false,
        }
    }

    fn has_labels(&self, names: &[Zval]) -> bool {
        names.len() == self.label_names.len()
            && names.iter().zip(&self.label_names).all(|(name, known)| is_text(name, known))
    }
}

/// Whether a value is the string with these bytes.
#[inline(always)]
fn is_text(value: &Zval, text: &[u8]) -> bool {
    bytes_of(value).is_some_and(|bytes| same_bytes(bytes, text))
}
