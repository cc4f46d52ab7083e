//! Sums of the cumulative plane over all slots, but of native histograms; those are in `natives`.

use super::{
    entry::{Entry, Series},
    joined::{Block, Joined, Run},
    pages::{Page, PageMap, Pages},
    parts::Parts,
    sight::Sight,
};
use crate::{
    layout::PAGE_WORDS,
    memory::{atomic::Cell, view::View},
};

/// The cumulative plane, summed over all slots.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sums: Vec<f64>,
    /// Whether slots are in both halves: then the columns of a series differ from slot to slot, and `joined` says
    /// where its sums are. Otherwise they are in the order of the pages.
    are_joined: bool,
    joined: Joined,
    parts: Parts,
}

impl Totals {
    /// Adds page by page. `layout` changes when the entries' series lie elsewhere.
    pub(crate) fn refresh<'e>(
        &mut self,
        view: &View,
        sight: &Sight,
        page_map: &PageMap,
        layout: u64,
        entries: impl Iterator<Item = &'e Entry> + Clone,
    ) {
        self.are_joined = sight.former().is_some();
        if self.are_joined {
            self.sums.clear();
            self.joined.refresh(layout, sight.half(), entries);
            self.sums.resize(self.joined.count(), 0.0);
            for block in self.joined.blocks() {
                add_up_block(view, sight, page_map, block, &mut self.sums[block.sums.clone()]);
            }
        } else {
            self.joined = Joined::default();
            self.parts.refresh(layout, sight.half(), entries);
            self.add_up_half(view, &page_map.cumulative[sight.half()]);
        }
    }

    /// A page that exists in no slot takes no room. What is not wanted of a page is neither read nor written, and takes
    /// no memory where it is much.
    fn add_up_half(&mut self, view: &View, pages: &Pages) {
        let count = pages.count() * PAGE_WORDS;
        if self.sums.len() != count {
            self.sums = vec![0.0; count];
        }
        for (sums, of_slots) in self.sums.chunks_exact_mut(PAGE_WORDS).zip(pages.by_rank()) {
            let wanted = of_slots.first().map_or(&[][..], |page| self.parts.of(page.place as usize));
            for part in wanted {
                let sums = sums.get_mut(part.clone()).unwrap_or_default();
                sums.fill(0.0);
                // Several pages at a time, because most of the time is spent waiting for memory.
                for several in of_slots.chunks(AT_ONCE) {
                    let cells =
                        several.iter().map(|page| page.cells(view).get(part.clone()).unwrap_or_default());
                    add_up(sums, cells);
                }
            }
        }
    }

    /// The sums of a series' first `count` cells; `pages` are those of the present half.
    pub(crate) fn of(
        &self,
        pages: &Pages,
        column: Option<u64>,
        series: &Series,
        count: usize,
    ) -> Option<&[f64]> {
        let first = if self.are_joined {
            self.joined.first_sum(series)?
        } else {
            let column = column?;
            pages.rank(column)? * PAGE_WORDS + column as usize % PAGE_WORDS
        };
        self.sums.get(first..first + count)
    }
}

/// Adds the cells of both halves in the order of slots. In the shared slot the former half's come first: see
/// [`Sight::trees`].
fn add_up_block(view: &View, sight: &Sight, page_map: &PageMap, block: &Block, sums: &mut [f64]) {
    let mut shares: Vec<(&Page, &Run)> = Vec::new();
    for half in [1 - sight.half(), sight.half()] {
        for run in &block.runs[half] {
            let pages = page_map.cumulative[half].at(run.place);
            shares.extend(pages.iter().map(|page| (page, run)));
        }
    }
    shares.sort_by_key(|(page, _)| page.slot); // stable
    for (page, run) in shares {
        let cells = page.cells(view).get(run.from..run.from + run.count).unwrap_or_default();
        sums[run.to..].iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.get());
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
