//! Access from a column to its cells.

use super::{
    entry::{Home, Series},
    pages::{Page, PageMap},
    sight::Sight,
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
    pub(crate) sight: &'r Sight,
}

impl<'r> Cells<'r> {
    /// The highest claim number that a living process has written for that family.
    pub(crate) fn newest_claim(&self, homes: &[Option<Home>; 2]) -> u64 {
        let columns = homes.each_ref().map(|home| home.as_ref().map(|home| home.claim_column));
        let claims = self.gauges_in(columns).filter(|(slot, _)| *slot != SHARED).map(|(_, claim)| claim);
        claims.filter(|claim| *claim > 0.0).fold(0.0, f64::max) as u64
    }

    fn cells(&self, page: &Page, column: u64, count: usize) -> &'r [Cell] {
        let first = column as usize % PAGE_WORDS;
        page.cells(self.view).get(first..first + count).unwrap_or_default()
    }

    /// The values that are set for a series of the per-process plane, in the slots whose gauges count.
    pub(crate) fn gauges(&self, series: &Series) -> impl Iterator<Item = (usize, f64)> {
        self.gauges_in(series.columns())
    }

    /// The same, by the columns in both halves.
    fn gauges_in(&self, columns: [Option<u64>; 2]) -> impl Iterator<Item = (usize, f64)> {
        let pages = (0..2).filter_map(move |half| Some((half, columns[half]?)));
        let pages = pages.flat_map(|(half, column)| {
            self.page_map.per_process[half].of(column).iter().map(move |page| (page, column))
        });
        let counting = pages.filter(|(page, _)| self.slots.counts[usize::from(page.slot)]);
        let values =
            counting.filter_map(|(page, column)| Some((page, self.cells(page, column, 1).first()?.get())));
        values.filter(|(_, value)| !is_unset(*value)).map(|(page, value)| (usize::from(page.slot), value))
    }

    /// The sums of a series' first cells over all slots, always in the same order; see [`Sight::trees`].
    pub(crate) fn sums(&self, totals: &Totals, series: &Series, sums: &mut [f64]) {
        sums.fill(0.0);
        let half = self.sight.half();
        let known = totals.of(&self.page_map.cumulative[half], series.column(half), series, sums.len());
        known.into_iter().for_each(|known| sums.copy_from_slice(known));
    }

    /// A fingerprint that changes when the series is updated, as far as its values show that. Per-process
    /// gauges have none, because their values also change when processes come and go.
    pub(crate) fn print(&self, totals: &Totals, kind: Kind, series: &Series, count: usize) -> u64 {
        let mixed = |print: u64, value: &f64| {
            print.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value.to_bits()
        };
        match kind {
            Kind::Gauge(GaugeMode::Last) => self.shared(series).to_bits(),
            Kind::Gauge(_) => 0,
            _ => {
                let mut sums = [0.0; PAGE_WORDS];
                self.sums(totals, series, &mut sums[..count]);
                sums[..count].iter().fold(0, mixed)
            }
        }
    }

    /// The value that all processes share.
    pub(crate) fn shared(&self, series: &Series) -> f64 {
        let now = self.sight.half();
        let column = series.column(now).or(series.column(1 - now));
        let cell = column.and_then(|column| self.view.gauge(column)).and_then(<[_]>::first);
        cell.map_or(ABSENT, Cell::get)
    }
}

fn is_unset(value: f64) -> bool {
    value.to_bits() == UNSET
}
