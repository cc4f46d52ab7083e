//! The segment's own state.

use super::{
    catalogue::Catalogue,
    merge::{Slots, slot_word, unsaid_goodbyes},
};
use crate::{
    index,
    layout::{
        Geometry, LIVENESS_DEGRADED, LIVENESS_KERNEL, PAGE, PAGE_WORDS, Plane, RECORD_UNIT, Slot, Space,
        header,
    },
    region::Region,
    snapshot::{Liveness, Reason, SlotState, SlotView, Snapshot, Vitals},
    writer::{SHARED, page_number},
};
use std::mem::offset_of;

pub(crate) fn collect(
    region: &Region,
    geometry: &Geometry,
    slots: &Slots,
    catalogue: &Catalogue,
    snapshot: &Snapshot,
) -> Vitals {
    let sum = |field| -> u64 {
        (0..slots.high).map(|slot| slot_word(region, geometry, slot, field)).fold(0, u64::wrapping_add)
    };
    let abrupt = |slot: &usize| {
        let living = u64::from(slots.is_live(region, geometry, *slot));
        unsaid_goodbyes(region, geometry, *slot).saturating_sub(living)
    };
    let rows = snapshot.families.iter().map(|family| family.rows().count() as u64);
    let overflow = if slots.high == 0 { 0 } else { unsaid_goodbyes(region, geometry, SHARED) };
    Vitals {
        reserved_bytes: region.bytes(),
        used_bytes: used_bytes(region, geometry, slots),
        series: rows.sum(),
        max_series: u64::from(geometry.shape.max_series),
        max_processes: u64::from(geometry.shape.max_processes),
        slots: (0..slots.high).map(|slot| view(region, geometry, slots, slot)).collect(),
        dropped: Reason::ALL.map(|reason| sum(offset_of!(Slot, dropped) + 8 * reason as usize)),
        truncated_labels: sum(offset_of!(Slot, truncated)),
        worker_starts: sum(offset_of!(Slot, claims)),
        exits_clean: sum(offset_of!(Slot, clean)),
        exits_fatal: sum(offset_of!(Slot, fatal)),
        exits_abrupt: if slots.knows_deaths() { (1..slots.high).map(|slot| abrupt(&slot)).sum() } else { 0 },
        overflow_processes: overflow,
        corrupt_records: catalogue.corrupt,
        liveness: liveness(region, slots),
        created: f64::from_bits(region.head(header!(created)).peek()),
    }
}

fn liveness(region: &Region, slots: &Slots) -> Liveness {
    match region.head(header!(liveness)).peek() {
        _ if !slots.knows_deaths() => Liveness::Unknown,
        LIVENESS_KERNEL => Liveness::Kernel,
        LIVENESS_DEGRADED => Liveness::Degraded,
        _ => Liveness::Unknown,
    }
}

fn used_bytes(region: &Region, geometry: &Geometry, slots: &Slots) -> u64 {
    let space = Space::unpack(region.head(header!(space)).observe());
    let index = index::touched_pages(region, geometry).count() as u64 * PAGE;
    let slots = (slots.high * size_of::<Slot>()) as u64;
    PAGE + slots + index + space.units * RECORD_UNIT + space.pages * PAGE
}

fn view(region: &Region, geometry: &Geometry, slots: &Slots, slot: usize) -> SlotView {
    let word = |field| slot_word(region, geometry, slot, field);
    let bytes = [Plane::Lasting, Plane::Living].map(|plane| pages_of(region, geometry, slot, plane) * PAGE);
    let bytes = bytes.iter().sum();
    let starts = word(offset_of!(Slot, claims));
    let state = match slots.is_live(region, geometry, slot) {
        _ if slot == SHARED => SlotState::Live,
        true => SlotState::Live,
        false if starts > 0 => SlotState::Inherited,
        false => SlotState::Free,
    };
    SlotView {
        index: slot,
        state,
        pid: word(offset_of!(Slot, pid)) as u32,
        since: f64::from_bits(word(offset_of!(Slot, since))),
        starts,
        bytes,
    }
}

/// How many pages of cells a slot has.
fn pages_of(region: &Region, geometry: &Geometry, slot: usize, plane: Plane) -> u64 {
    let columns = region.head(plane.columns_offset()).peek().min(plane.capacity());
    let pages = columns.div_ceil(PAGE_WORDS as u64);
    (0..pages).filter(|page| page_number(region, geometry, slot, plane, *page).is_some()).count() as u64
}
