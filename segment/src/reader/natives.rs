//! Adds up native histograms. Most of their cells are never counted into, so of each slot's cells only the groups are
//! read that its hint names (see [`hints`]). What is left is scattered over as many pages as there are series and slots,
//! so the cache lines are asked for some series ahead of their use.

use super::{
    entry::{Entry, Series},
    pages::PageMap,
    sight::Sight,
};
use crate::{
    definition::Kind,
    format::hints,
    layout::{HINT_CELLS, PAGE_WORDS},
    memory::{atomic::Cell, view::View},
    order,
    snapshot::Family,
};
use std::collections::VecDeque;

/// How many series ahead of their use hints are asked for, and so many later the groups that they name.
const AHEAD: usize = 4;

/// A series, and what is known of its row.
#[derive(Debug)]
struct NativeSeries {
    /// By half.
    columns: [Option<u64>; 2],
    cells: usize,
    /// The family's index in the snapshot, and the row.
    row: (usize, usize),
    /// The groups of the row that are not all zeros.
    groups: u64,
}

/// One slot's cells of a series.
#[derive(Debug, Clone, Copy)]
struct Share<'r> {
    slot: u16,
    /// The counts, the hint, and the sum.
    cells: &'r [Cell],
    /// The groups that its hint names.
    groups: u64,
}

/// The native histograms that are shown. Their rows are refreshed in place, and keep what does not change.
#[derive(Debug, Default)]
pub(crate) struct Natives {
    /// The catalogue's layout, and the half of the present generation, that they were found for.
    layout: Option<(u64, usize)>,
    /// In the order of their columns: neighbours in memory follow each other.
    series: Vec<NativeSeries>,
    /// For each family of the snapshot and each row a number that changes when it is observed into.
    prints: Vec<Vec<u64>>,
}

impl Natives {
    /// Refreshes the rows of all native histograms. `layout` changes when the entries' series lie elsewhere; the entries
    /// are those of the families.
    pub(crate) fn refresh<'e>(
        &mut self,
        (view, sight, page_map): (&View, &Sight, &PageMap),
        layout: u64,
        entries: impl Iterator<Item = &'e Entry>,
        families: &mut [Family],
    ) {
        self.find(layout, sight.half(), entries, families);
        let halves: Vec<usize> = sight.generations().map(|generation| (generation % 2) as usize).collect();
        let Self { series, prints, .. } = self;
        let (mut hinted, mut named) = (VecDeque::new(), VecDeque::new());
        let mut spare: Vec<Vec<Share<'_>>> = Vec::new();
        for at in 0..series.len() + 2 * AHEAD {
            if let Some(next) = series.get(at) {
                let mut shares = spare.pop().unwrap_or_default();
                look_up(view, page_map, &halves, next, &mut shares);
                hinted.push_back(shares);
            }
            if at >= AHEAD
                && let Some(mut shares) = hinted.pop_front()
            {
                shares.iter_mut().for_each(Share::look_at_hint);
                named.push_back(shares);
            }
            if let Some(series) = at.checked_sub(2 * AHEAD).and_then(|at| series.get_mut(at))
                && let Some(mut shares) = named.pop_front()
            {
                let (family, row) = series.row;
                let print = add_up(&shares, &mut series.groups, families[family].values_mut(row));
                prints[family][row] = print;
                shares.clear();
                spare.push(shares);
            }
        }
    }

    /// Looks at all series again if they may lie elsewhere by now.
    fn find<'e>(
        &mut self,
        layout: u64,
        now: usize,
        entries: impl Iterator<Item = &'e Entry>,
        families: &mut [Family],
    ) {
        if self.layout == Some((layout, now)) {
            return;
        }
        *self = Self { layout: Some((layout, now)), ..Self::default() };
        for (at, (entry, family)) in entries.zip(families).enumerate() {
            let is_native = matches!(entry.definition.kind, Kind::NativeHistogram(_));
            self.prints.push(vec![0; if is_native { entry.rows().len() } else { 0 }]);
            if is_native {
                family.all_values_mut().fill(0.0);
                let (cells, rows) = (entry.definition.cells(), entry.rows().iter().enumerate());
                let series = |(row, series): (usize, &Series)| NativeSeries {
                    columns: series.columns(),
                    cells,
                    row: (at, row),
                    groups: 0,
                };
                self.series.extend(rows.map(series));
            }
        }
        let column = |series: &NativeSeries| series.columns[now].or(series.columns[1 - now]);
        order::sort_elements(&mut self.series, &|one, other| column(one).cmp(&column(other)));
    }

    /// A fingerprint of a row that changes when it is observed into.
    pub(crate) fn print(&self, family: usize, row: usize) -> u64 {
        self.prints.get(family).and_then(|rows| rows.get(row)).copied().unwrap_or_default()
    }
}

/// Finds the slots' cells of a series, in the order in which all sums are made; see [`Sight::trees`].
fn look_up<'r>(
    view: &'r View,
    page_map: &PageMap,
    halves: &[usize],
    series: &NativeSeries,
    shares: &mut Vec<Share<'r>>,
) {
    for half in halves {
        let Some(column) = series.columns[*half] else { continue };
        let first = column as usize % PAGE_WORDS;
        for page in page_map.cumulative[*half].of(column) {
            let cells = page.cells(view).get(first..first + series.cells).unwrap_or_default();
            shares.push(Share { slot: page.slot, cells, groups: 0 });
        }
    }
    // In a loop of its own, so that the processor looks for several pages at once.
    for share in shares.iter() {
        share.hint().into_iter().for_each(Cell::prefetch);
    }
    if halves.len() > 1 {
        order::sort_elements(shares, &|one, other| one.slot.cmp(&other.slot)); // stable
    }
}

impl<'r> Share<'r> {
    fn hint(&self) -> Option<&'r Cell> {
        self.cells.len().checked_sub(2).and_then(|at| self.cells.get(at))
    }

    fn look_at_hint(&mut self) {
        let count = self.cells.len().saturating_sub(2).div_ceil(HINT_CELLS);
        self.groups = self.hint().map_or(0, |hint| hints::groups(hint, count));
        for group in bits(self.groups) {
            self.cells.get(group * HINT_CELLS).into_iter().for_each(Cell::prefetch);
        }
    }
}

/// Adds up a series' cells to its row. `groups` are those of the row that are not zeros. Returns its fingerprint.
fn add_up(shares: &[Share<'_>], groups: &mut u64, row: &mut [f64]) -> u64 {
    let Some((sum, counts)) = row.split_last_mut() else { return 0 };
    if let Some(first) = counts.first_mut() {
        *first = 0.0; // hidden rows have none
    }
    let named = shares.iter().fold(0, |named, share| named | share.groups);
    let mut total = 0.0;
    for group in bits(std::mem::replace(groups, named) | named) {
        let numbers = counts.get_mut(group * HINT_CELLS..).unwrap_or_default();
        let sums = sums_of_group(shares, group, numbers.len());
        match numbers.first_chunk_mut() {
            Some(numbers) => *numbers = sums,
            None => numbers.copy_from_slice(&sums[..numbers.len()]),
        }
        total = sums.iter().fold(total, |total, sum| total + sum);
    }
    *sum = shares.iter().filter_map(|share| share.cells.last()).fold(0.0, |sum, cell| sum + cell.get());
    f64::to_bits(total).rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ sum.to_bits()
}

/// The sums of a group of `length` cells; none but the last of a row has fewer than the usual number.
///
/// Most of a scrape's additions are made here. They are written out, because this crate is compiled for size: loops over
/// iterators would call a function for each share, and keep the sums in memory.
fn sums_of_group(shares: &[Share<'_>], group: usize, length: usize) -> [f64; HINT_CELLS] {
    let mut sums = [0.0; HINT_CELLS];
    if length < HINT_CELLS {
        add_last_group(shares, group, &mut sums[..length]);
        return sums;
    }
    for share in shares {
        let cells: Option<&[Cell; HINT_CELLS]> =
            share.cells.get(group * HINT_CELLS..).and_then(<[Cell]>::first_chunk);
        if let Some(cells) = cells
            && share.groups >> group & 1 == 1
        {
            sums = [
                sums[0] + cells[0].get(),
                sums[1] + cells[1].get(),
                sums[2] + cells[2].get(),
                sums[3] + cells[3].get(),
                sums[4] + cells[4].get(),
                sums[5] + cells[5].get(),
                sums[6] + cells[6].get(),
                sums[7] + cells[7].get(),
            ];
        }
    }
    sums
}

fn add_last_group(shares: &[Share<'_>], group: usize, sums: &mut [f64]) {
    for share in shares {
        if share.groups >> group & 1 == 1 {
            let cells = share.cells.get(group * HINT_CELLS..).unwrap_or_default();
            sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.get());
        }
    }
}

/// The places of the bits that are set.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        (at < u64::BITS).then_some(at as usize)
    })
}
