//! Access from a column to its cells.

use super::{
    pages::{Page, PageMap},
    slots::Slots,
    totals::Totals,
};
use crate::{
    definition::{GaugeMode, Kind},
    layout::{PAGE_WORDS, SHARED, UNSET},
    memory::{atomic::Cell, view::View},
    snapshot::ABSENT,
};

/// Access from a column to its cells.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'r> {
    pub(crate) view: &'r View,
    pub(crate) slots: &'r Slots,
    pub(crate) page_map: &'r PageMap,
}

impl<'r> Cells<'r> {
    /// The highest claim number that a living process has written in that column.
    pub(crate) fn newest_claim(&self, column: u64) -> u64 {
        let claims = self.gauges(column).filter(|(slot, _)| *slot != SHARED).map(|(_, claim)| claim);
        claims.filter(|claim| *claim > 0.0).fold(0.0, f64::max) as u64
    }

    fn cell(&self, page: Page, column: u64) -> Option<&'r Cell> {
        page.cells(self.view).get(column as usize % PAGE_WORDS)
    }

    /// The values that are set in a column of the per-process plane, in the slots whose gauges count.
    pub(crate) fn gauges(&self, column: u64) -> impl Iterator<Item = (usize, f64)> {
        let pages = self.page_map.per_process.of(column).iter();
        let counting = pages.filter(|page| self.slots.counts[usize::from(page.slot)]);
        let values = counting.filter_map(move |page| Some((page, self.cell(*page, column)?.get())));
        values.filter(|(_, value)| !is_unset(*value)).map(|(page, value)| (usize::from(page.slot), value))
    }

    /// A fingerprint that changes when the series is updated, as far as its values show that. Per-process
    /// gauges have none, because their values also change when processes come and go.
    pub(crate) fn print(&self, totals: &Totals, kind: Kind, column: u64, count: usize) -> u64 {
        let mixed = |print: u64, value: &f64| {
            print.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value.to_bits()
        };
        match kind {
            Kind::Gauge(GaugeMode::Last) => self.shared(column).to_bits(),
            Kind::Gauge(_) => 0,
            _ => totals
                .of(&self.page_map.cumulative, column, count)
                .map_or(0, |sums| sums.iter().fold(0, mixed)),
        }
    }

    /// The value that all processes share.
    pub(crate) fn shared(&self, column: u64) -> f64 {
        let page =
            self.page_map.per_process.of(column).first().filter(|page| usize::from(page.slot) == SHARED);
        page.and_then(|page| self.cell(*page, column)).map_or(ABSENT, Cell::get)
    }
}

fn is_unset(value: f64) -> bool {
    value.to_bits() == UNSET
}
