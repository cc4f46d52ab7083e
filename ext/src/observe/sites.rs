//! Observed functions as one interpreter knows them, and where the updates of their calls go.
#![allow(unsafe_code)]

use super::{
    entry::{MOST_LABELS, Shape},
    families::{Family, OTHER, Values},
    overflow,
    updates::{Update, apply},
    values::{Reader, Text},
};
use crate::{
    engine::{globals::interpreter_local, panic::catch_panic, zval::same_bytes},
    session::{
        attachment, gauge_cell, generation,
        handle::with_packed,
        histogram_cells, label_hash, labels, lookup,
        metric::Metric,
        series::{Key, Series, Target},
    },
};
use ext_php_rs::zend::ExecuteData;
use hashbrown::HashTable;
use promshm_segment::{Moves, memory::atomic};
use std::{
    array,
    cell::{Cell, RefCell},
    ptr::null,
    rc::Rc,
    slice,
};

/// An observed function.
#[derive(Debug)]
pub(super) struct Site {
    /// The value of the label `function`.
    function: Box<str>,
    is_generator: bool,
    family: Rc<Family>,
    /// The series of a function without labels of its own.
    only: Option<Place>,
    readers: Vec<Reader>,
    variants: RefCell<Variants>,
    /// Of a function with one label: series by the lowest bits of their value's hash. Null where none was found yet.
    recent: [Cell<*const Variant>; RECENT],
}

/// How many series a function with one label finds without looking into a table.
const RECENT: usize = 8;

/// The series of a function with labels of its own.
#[derive(Debug, Default)]
struct Variants {
    /// Boxed, because running calls and `recent` refer to them.
    table: HashTable<Box<Variant>>,
    seen: [Values; MOST_LABELS],
}

#[derive(Debug)]
struct Variant {
    hash: u64,
    /// The values as they were read, packed.
    values: Box<[u8]>,
    place: Place,
}

/// One series of a family, with the gauge that belongs to it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) family: Rc<Family>,
    key: Key,
    /// The generation in which `cells` and `in_flight` are this process's own; 0 while they are not.
    ready: Cell<u64>,
    cells: Cell<*const atomic::Cell>,
    count: usize,
    pub(super) timing: Timing,
    /// Null without a gauge.
    in_flight: Cell<*const atomic::Cell>,
    attachment_id: Cell<u64>,
    main: Cell<Series>,
    gauge: Cell<Series>,
    last: Cell<LastBucket>,
}

/// What the clock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// Calls take a time, in which the process works; running ones are counted.
    Work,
    /// Calls are counted without a clock.
    Untimed,
    /// The same as of work, but no work: whoever asks for an element works. Whether a generator is suspended, nobody tells.
    Generator,
}

/// The bucket of the last duration: the next one is likely to belong to it, too.
#[derive(Debug, Clone, Copy)]
struct LastBucket {
    number: usize,
    above: f64,
    up_to: f64,
}

impl LastBucket {
    const NONE: Self = Self { number: 0, above: f64::INFINITY, up_to: f64::NEG_INFINITY };

    fn of(seconds: f64, metric: &Metric) -> Self {
        let (number, bounds) = (metric.buckets.of(seconds), metric.cell_bounds());
        let above = number.checked_sub(1).and_then(|below| bounds.get(below));
        let up_to = bounds.get(number);
        Self {
            number,
            above: above.copied().unwrap_or(f64::NEG_INFINITY),
            up_to: up_to.copied().unwrap_or(f64::INFINITY),
        }
    }
}

interpreter_local! {
    /// The gauge's cell of a call that ends while its series is looked up.
    static ENDING: *const atomic::Cell = null();
}

/// Notes where the cell of a call that is ending has gone.
pub(super) fn follow_ending(moves: &Moves) {
    ENDING.update(|cell| moves.of(cell).unwrap_or(null()));
}

/// The +1 of a running call.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    /// Null if there is none.
    cell: *const atomic::Cell,
    /// The attachment that the cell belongs to.
    attachment_id: u64,
}

impl InFlight {
    /// Notes where its cell has gone, if it is of that attachment.
    pub(super) fn follow(&mut self, attachment_id: u64, moves: &Moves) {
        if self.attachment_id == attachment_id {
            self.cell = moves.of(self.cell).unwrap_or(null());
        }
    }
}

impl Site {
    pub(super) fn new(function: &str, family: Rc<Family>, shape: &Shape) -> Self {
        let has_labels = !shape.labels.is_empty();
        let only =
            || Place::new(Rc::clone(&family), labels::pack_texts(&[function]).into(), shape.is_generator);
        Self {
            function: function.into(),
            only: (!has_labels).then(only),
            readers: shape.labels.iter().map(|(_, source)| Reader::new(source)).collect(),
            variants: RefCell::default(),
            recent: [const { Cell::new(null()) }; RECENT],
            is_generator: shape.is_generator,
            family,
        }
    }

    /// The series that the call which begins counts into.
    #[inline(always)]
    pub(super) fn place(&self, frame: *mut ExecuteData) -> *const Place {
        match &self.only {
            Some(place) => place,
            None => self.labelled_place(frame),
        }
    }

    fn labelled_place(&self, frame: *mut ExecuteData) -> *const Place {
        if let [reader] = &*self.readers
            && let Some(text) = reader.plain_argument(frame)
            // SAFETY: null, or a variant of this site, which stays where it is as long as the site.
            && let Some(variant) = unsafe { self.recent_of(text).get().as_ref() }
            && variant.has_one_value(text.bytes)
        {
            return &raw const variant.place;
        }
        self.place_of_any(frame)
    }

    /// Where the variant of a text is remembered, if it is the latest one with these bits of the hash.
    #[inline(always)]
    fn recent_of(&self, text: Text<'_>) -> &Cell<*const Variant> {
        &self.recent[text.hash as usize % RECENT]
    }

    #[inline(never)] // so that the most frequent kind of label saves no registers for the others
    fn place_of_any(&self, frame: *mut ExecuteData) -> *const Place {
        match &*self.readers {
            [reader] if reader.hash_plain_argument(frame) => self.labelled_place(frame),
            [reader] => self.place_of_one(reader, frame),
            _ => self.place_of_many(frame),
        }
    }

    fn place_of_one(&self, reader: &Reader, frame: *mut ExecuteData) -> *const Place {
        let mut digits = itoa::Buffer::new();
        let text = reader.read(frame, Text { bytes: self.function.as_bytes(), hash: 0 }, &mut digits);
        let recent = self.recent_of(text);
        // SAFETY: as in `labelled_place`.
        match unsafe { recent.get().as_ref() } {
            Some(variant) if variant.has_one_value(text.bytes) => &raw const variant.place,
            _ => {
                let variant = self.variant(&[text]);
                recent.set(variant);
                place_in(variant)
            }
        }
    }

    fn place_of_many(&self, frame: *mut ExecuteData) -> *const Place {
        let mut digits: [itoa::Buffer; MOST_LABELS] = array::from_fn(|_| itoa::Buffer::new());
        let mut texts = [Text::EMPTY; MOST_LABELS];
        let function = self.function.as_bytes();
        for ((text, reader), digits) in texts.iter_mut().zip(&self.readers).zip(&mut digits) {
            *text = reader.read(frame, Text { bytes: function, hash: 0 }, digits);
        }
        place_in(self.variant(&texts[..self.readers.len()]))
    }

    fn variant(&self, texts: &[Text<'_>]) -> *const Variant {
        let known = self.variants.borrow().find(texts);
        known.unwrap_or_else(|| self.new_variant(texts))
    }

    #[cold]
    fn new_variant(&self, texts: &[Text<'_>]) -> *const Variant {
        let (variant, is_admitted) = self.admit(texts);
        // Last, because it may run a script, which may free the texts and call this function.
        let labels = self.family.shape.labels.iter().zip(is_admitted);
        for ((label, _), _) in labels.filter(|(_, is_admitted)| !is_admitted) {
            overflow::count(&self.family.main, label, 1.0);
        }
        variant
    }

    /// The variant of these values, or of [`OTHER`] where a label has no room for its value; and where it has.
    fn admit(&self, texts: &[Text<'_>]) -> (*const Variant, [bool; MOST_LABELS]) {
        let mut is_admitted = [true; MOST_LABELS];
        let mut admitted = [Text::EMPTY; MOST_LABELS];
        let admitted = &mut admitted[..texts.len()];
        let mut variants = self.variants.borrow_mut();
        for (index, (text, admitted)) in texts.iter().zip(&mut *admitted).enumerate() {
            is_admitted[index] = variants.seen[index].admits(text.bytes);
            *admitted = if is_admitted[index] { *text } else { Text { bytes: OTHER.as_bytes(), hash: 0 } };
        }
        let found = variants.find(admitted);
        (found.unwrap_or_else(|| variants.add(admitted, self)), is_admitted)
    }
}

/// The place of a site's variant.
fn place_in(variant: *const Variant) -> *const Place {
    // SAFETY: a variant stays where it is as long as its site; no reference is made.
    unsafe { &raw const (*variant).place }
}

impl Variants {
    #[inline]
    fn find(&self, texts: &[Text<'_>]) -> Option<*const Variant> {
        let hash = hash(texts);
        self.table.find(hash, |variant| variant.is_of(hash, texts)).map(|variant| &raw const **variant)
    }

    fn add(&mut self, texts: &[Text<'_>], site: &Site) -> *const Variant {
        let (mut values, mut key) = (Vec::new(), Vec::new());
        for text in texts {
            labels::push_raw(text.bytes, &mut values);
            labels::push_part(text.bytes, &mut key);
        }
        let place = Place::new(Rc::clone(&site.family), key.into(), site.is_generator);
        let variant = Box::new(Variant { hash: hash(texts), values: values.into(), place });
        let found = &raw const *variant;
        self.table.insert_unique(variant.hash, variant, |variant| variant.hash);
        found
    }
}

impl Variant {
    fn is_of(&self, hash: u64, texts: &[Text<'_>]) -> bool {
        self.hash == hash && labels::parts(&self.values).eq(texts.iter().map(|text| text.bytes))
    }

    /// Whether this one label has that value.
    #[inline(always)]
    fn has_one_value(&self, value: &[u8]) -> bool {
        labels::only_part(&self.values).is_some_and(|known| same_bytes(known, value))
    }
}

#[inline]
fn hash(texts: &[Text<'_>]) -> u64 {
    label_hash::combine(texts.iter().map(|text| text.hash))
}

impl Place {
    fn new(family: Rc<Family>, key: Key, is_generator: bool) -> Self {
        let timing = match (&family.in_flight, is_generator) {
            (None, _) => Timing::Untimed,
            (Some(_), false) => Timing::Work,
            (Some(_), true) => Timing::Generator,
        };
        Self {
            count: family.main.definition.cells(),
            timing,
            family,
            key,
            ready: Cell::new(0),
            cells: Cell::new(null()),
            in_flight: Cell::new(null()),
            attachment_id: Cell::new(0),
            main: Cell::new(Series::UNKNOWN),
            gauge: Cell::new(Series::UNKNOWN),
            last: Cell::new(LastBucket::NONE),
        }
    }

    /// Counts a call that begins.
    #[inline(always)]
    pub(super) fn begin(&self) -> InFlight {
        let generation = generation::current();
        if self.ready.get() != generation {
            return self.begin_slowly();
        }
        let cell = self.in_flight.get();
        // SAFETY: null, or in the current generation a cell of the mapped segment.
        if let Some(cell) = unsafe { cell.as_ref() } {
            gauge_cell::add(cell, false, 1.0);
        }
        InFlight { cell, attachment_id: self.attachment_id.get() }
    }

    #[cold]
    #[inline(never)]
    fn begin_slowly(&self) -> InFlight {
        catch_panic(|| self.resolve());
        let (cell, is_shared) = self.gauge_cell();
        // SAFETY: null, or in the current generation a cell of the mapped segment.
        if let Some(cell) = unsafe { cell.as_ref() } {
            gauge_cell::add(cell, is_shared, 1.0);
        }
        InFlight { cell, attachment_id: self.attachment_id.get() }
    }

    /// The gauge's cell, null if there is none, and whether other processes write it too.
    fn gauge_cell(&self) -> (*const atomic::Cell, bool) {
        match self.gauge.get() {
            Series { target: Target::Owned(cell), generation } if generation == generation::current() => {
                (cell, false)
            }
            Series { target: Target::Shared(cell), generation } if generation == generation::current() => {
                (cell, true)
            }
            _ => (null(), false),
        }
    }

    /// Finds out where updates go, unless that is known.
    fn resolve(&self) {
        match &self.family.in_flight {
            Some(metric) if !self.gauge.get().holds() => {
                self.gauge.set(attachment::resolve(metric, &self.key).series);
            }
            _ => {}
        }
        // Looked up last, because any other lookup may end the generation in which it was found.
        if !self.main.get().holds() {
            self.main.set(attachment::resolve(&self.family.main, &self.key).series);
        }
        if self.family.in_flight.is_none() {
            self.gauge.set(Series { generation: self.main.get().generation, target: Target::Owned(null()) });
        }
        let gauge = self.gauge.get();
        self.attachment_id.set(attachment::current_id().unwrap_or_default());
        let main = self.main.get();
        match (main.target, gauge.target) {
            (Target::Owned(cells), Target::Owned(in_flight)) if main.generation == gauge.generation => {
                self.cells.set(cells);
                self.in_flight.set(in_flight);
                self.ready.set(main.generation);
            }
            _ => self.ready.set(0),
        }
    }

    /// Counts a call that has ended after so many seconds.
    #[inline(always)]
    pub(super) fn end(&self, call: InFlight, seconds: f64) {
        let is_ready = self.ready.get() == generation::current();
        if !is_ready || call.cell != self.in_flight.get() || call.attachment_id != self.attachment_id.get() {
            return self.end_slowly(call, seconds);
        }
        // SAFETY: in the current generation these are `count` cells of the mapped segment.
        let cells = unsafe { slice::from_raw_parts(self.cells.get(), self.count) };
        // SAFETY: null, or in the current generation a cell of the mapped segment.
        match unsafe { call.cell.as_ref() } {
            Some(in_flight) => {
                gauge_cell::add(in_flight, false, -1.0);
                histogram_cells::count(cells, self.bucket_of(seconds), seconds);
            }
            None => cells.iter().take(1).for_each(|cell| cell.add_owned(1.0)),
        }
    }

    #[inline(always)]
    fn bucket_of(&self, seconds: f64) -> usize {
        let last = self.last.get();
        if seconds > last.above && seconds <= last.up_to {
            last.number
        } else {
            self.other_bucket_of(seconds)
        }
    }

    #[inline(never)]
    fn other_bucket_of(&self, seconds: f64) -> usize {
        let found = LastBucket::of(seconds, &self.family.main);
        self.last.set(found);
        found.number
    }

    #[cold]
    #[inline(never)]
    fn end_slowly(&self, call: InFlight, seconds: f64) {
        catch_panic(|| {
            ENDING.set(call.cell);
            self.resolve();
            self.take_back(InFlight { cell: ENDING.replace(null()), ..call });
            let is_timed = self.timing != Timing::Untimed;
            let by = if is_timed { Update::Observe(seconds) } else { Update::Count(1.0) };
            apply(&self.family.main, self.main.get().target, by);
        });
    }

    /// Takes the +1 back, if its cell is still the one that is read: not after a wipe, nor in a forked child.
    fn take_back(&self, call: InFlight) {
        let (found, is_shared) = self.gauge_cell();
        let is_it = found == call.cell && self.attachment_id.get() == call.attachment_id;
        // SAFETY: null, or in the current generation a cell of the mapped segment.
        if let Some(cell) = unsafe { found.as_ref() }
            && is_it
        {
            gauge_cell::add(cell, is_shared, -1.0);
        }
    }

    /// Counts a call that has failed.
    #[cold]
    #[inline(never)]
    pub(super) fn count_error(&self, exception: &[u8]) {
        catch_panic(|| {
            let is_admitted = self.family.exceptions.borrow_mut().admits(exception);
            let exception = if is_admitted { exception } else { OTHER.as_bytes() };
            let errors = &self.family.errors;
            let pack = |key: &mut Vec<u8>| {
                key.extend_from_slice(&self.key);
                labels::push_part(exception, key);
                Ok(())
            };
            let _never_fails = with_packed(pack, |key| {
                apply(errors, lookup::series(errors, key).1.target, Update::Count(1.0));
            });
            if !is_admitted {
                overflow::count(errors, "exception", 1.0);
            }
        });
    }
}
