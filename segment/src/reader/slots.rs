//! Which slots are in use, and which of them have living processes.

use crate::{
    layout::{OPEN, SHARED, Slot},
    memory::{atomic::Word, view::View},
    order,
};
use std::{collections::HashSet, mem::offset_of};

/// The slots that were ever used, as one scrape sees them.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Each slot's semaphore value; `None` without semaphores.
    values: Option<Vec<u16>>,
    /// One more than the highest slot ever used.
    pub(crate) high: usize,
    /// For each slot, whether its gauges count. Those of the shared one count while processes without a slot
    /// of their own may be alive.
    pub(crate) counts: Vec<bool>,
}

impl Slots {
    /// Of the first `high` slots, which the segment must have.
    pub(crate) fn look(view: &View, high: usize, values: Option<Vec<u16>>) -> Self {
        let mut slots = Self { values, high, counts: Vec::new() };
        let is_open = |slot| slots.is_open(view, slot);
        slots.counts = (0..slots.high).map(is_open).collect();
        slots
    }

    /// Without semaphores a slot counts as living until its owner's clean exit.
    fn is_open(&self, view: &View, slot: usize) -> bool {
        match &self.values {
            Some(values) if slot != SHARED => values[slot] >= OPEN,
            _ => missing_exits(view, slot) > 0,
        }
    }

    /// Whether a process owns the slot.
    pub(crate) fn is_live(&self, view: &View, slot: usize) -> bool {
        match &self.values {
            Some(values) => values[slot] > 0,
            None => self.is_open(view, slot),
        }
    }

    /// Whether processes without a slot of their own may live, or one begins or ends a generation just now: the kernel
    /// counts both.
    pub(crate) fn are_shared(&self) -> bool {
        let lock = self.values.as_ref().and_then(|values| values.get(SHARED));
        self.high > 0 && lock.is_some_and(|lock| *lock > 0)
    }

    /// Whether deaths can be detected at all.
    pub(crate) fn knows_deaths(&self) -> bool {
        self.values.is_some()
    }
}

/// Owners of the slot without a clean exit: the present one, and those that died abruptly.
pub(crate) fn missing_exits(view: &View, slot: usize) -> u64 {
    let word = |field| slot_value(view, slot, field);
    let said = word(offset_of!(Slot, clean)).wrapping_add(word(offset_of!(Slot, fatal)));
    word(offset_of!(Slot, claims)).saturating_sub(said)
}

/// One word of a slot; 0 if it does not exist.
pub(crate) fn slot_value(view: &View, slot: usize, field: usize) -> u64 {
    view.slot_word(slot, field).map_or(0, Word::load_relaxed)
}

/// The label `pid` of each slot's owner; empty without a living process. Two containers may both have a
/// process 1: the older one keeps the plain number, the other gets its slot's number as a suffix.
pub(crate) fn process_labels(view: &View, slots: &Slots) -> Vec<String> {
    let word = |slot, field| slot_value(view, slot, field);
    let living: Vec<usize> = (1..slots.high).filter(|slot| slots.counts[*slot]).collect();
    // Read once: a process that claims a slot meanwhile would change the order while it is made.
    let claims: Vec<u64> = living.iter().map(|slot| word(*slot, offset_of!(Slot, claim_seq))).collect();
    let order = order::sorted(living.len(), &|a, b| claims[a].cmp(&claims[b]));
    let mut labels = vec![String::new(); slots.high];
    let mut taken = HashSet::new();
    for slot in order.into_iter().map(|at| living[at]) {
        let pid = word(slot, offset_of!(Slot, pid));
        labels[slot] = if taken.insert(pid) { pid.to_string() } else { format!("{pid}-{slot}") };
    }
    if let Some(shared) = labels.first_mut() {
        *shared = "shared".into();
    }
    labels
}
