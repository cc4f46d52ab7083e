//! Sums of the cumulative plane over all slots.

use super::pages::Pages;
use crate::{
    layout::PAGE_WORDS,
    memory::{atomic::Cell, view::View},
};

/// The cumulative plane, summed over all slots; empty while cells are in both halves, because then the columns of a
/// series differ from slot to slot.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sums: Vec<f64>,
}

impl Totals {
    /// Adds page by page; a page that exists in no slot takes no room.
    pub(crate) fn refresh(&mut self, view: &View, pages: Option<&Pages>) {
        self.sums.clear();
        let Some(pages) = pages else { return };
        self.sums.resize(pages.count() * PAGE_WORDS, 0.0);
        for (sums, of_slots) in self.sums.chunks_exact_mut(PAGE_WORDS).zip(pages.by_rank()) {
            // Several pages at a time, because most of the time is spent waiting for memory.
            for several in of_slots.chunks(AT_ONCE) {
                add_up(sums, several.iter().map(|page| page.cells(view)));
            }
        }
    }

    /// The sums of `count` cells.
    pub(crate) fn of(&self, pages: &Pages, column: u64, count: usize) -> Option<&[f64]> {
        let first = pages.rank(column)? * PAGE_WORDS + column as usize % PAGE_WORDS;
        self.sums.get(first..first + count)
    }
}

/// How many slots' pages are added at a time.
const AT_ONCE: usize = 4;

/// Adds to each sum the cells of its column, always in the order of slots: a floating-point sum depends on
/// the order, and a counter must not decrease by a rounding.
fn add_up<'c>(sums: &mut [f64], pages: impl Iterator<Item = &'c [Cell]>) {
    let mut columns: [&[Cell]; AT_ONCE] = [&[]; AT_ONCE];
    columns.iter_mut().zip(pages).for_each(|(column, page)| *column = page);
    match columns {
        [a, b, c, d] if columns.iter().all(|column| !column.is_empty()) => {
            for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *sum = (((*sum + a.get()) + b.get()) + c.get()) + d.get();
            }
        }
        few => {
            for page in few {
                sums.iter_mut().zip(page).for_each(|(sum, cell)| *sum += cell.get());
            }
        }
    }
}
