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
    memory::{
        atomic::{Cell, after_loads},
        view::View,
    },
    order, shared_work,
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
    /// The index among [`Portion::rows`], and the row there.
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

/// Series that are refreshed together, by one thread.
#[derive(Debug, Default)]
struct Portion {
    /// In the order of their columns: neighbours in memory follow each other.
    series: Vec<NativeSeries>,
    /// Which families' rows it has: the family's index in the snapshot, and how many of its rows after those of the portion before.
    rows: Vec<(usize, usize)>,
}

/// Series of a portion where two threads share the work; few in tests.
const PORTION: usize = if cfg!(test) { 4 } else { 512 };

/// Slots' cells of series, below which another thread would take longer to start than to help.
const MUCH: usize = if cfg!(test) { 16 } else { 4096 };

/// Neighbouring rows of a family.
#[derive(Debug, Default)]
struct Rows<'f> {
    /// Of a row.
    numbers: usize,
    values: &'f mut [f64],
    prints: &'f mut [u64],
}

impl<'f> Rows<'f> {
    fn of(family: &'f mut Family, prints: &'f mut [u64]) -> Self {
        Self { numbers: family.definition.numbers(), values: family.all_values_mut(), prints }
    }

    /// Takes away the first ones.
    fn take(&mut self, count: usize) -> Self {
        let all = (count * self.numbers).min(self.values.len());
        Self {
            numbers: self.numbers,
            values: self.values.split_off_mut(..all).unwrap_or_default(),
            prints: self.prints.split_off_mut(..count.min(self.prints.len())).unwrap_or_default(),
        }
    }
}

/// The native histograms that are shown. Their rows are refreshed in place, and keep what does not change.
#[derive(Debug, Default)]
pub(crate) struct Natives {
    /// The catalogue's layout, and the half of the present generation, that they were found for.
    layout: Option<(u64, usize)>,
    portions: Vec<Portion>,
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
        let adder = Adder { view, page_map, halves: &halves };
        let rows = families.iter_mut().zip(&mut self.prints);
        let mut rows: Vec<_> = rows.map(|(family, prints)| Rows::of(family, prints)).collect();
        let series: usize = self.portions.iter().map(|portion| portion.series.len()).sum();
        let portions = self.portions.iter_mut().map(|Portion { series, rows: wanted }| {
            let of_portion = wanted.iter().map(|(family, count)| rows[*family].take(*count));
            (series, of_portion.collect::<Vec<_>>())
        });
        let is_much = series * sight.slots() >= MUCH;
        shared_work::share(is_much, portions, |(series, mut rows)| {
            adder.add_up(series, &mut rows);
            after_loads();
        });
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
                let cells = entry.definition.cells();
                entry.rows().iter().for_each(|series| self.push(at, cells, series));
            }
        }
        let column = |series: &NativeSeries| series.columns[now].or(series.columns[1 - now]);
        for Portion { series, .. } in &mut self.portions {
            order::sort_elements(series, &|one, other| column(one).cmp(&column(other)));
        }
    }

    /// Adds the next row of a family.
    fn push(&mut self, family: usize, cells: usize, series: &Series) {
        let most = if shared_work::is_allowed() { PORTION } else { usize::MAX };
        if self.portions.last().is_none_or(|portion| portion.series.len() >= most) {
            self.portions.push(Portion::default());
        }
        let Some(portion) = self.portions.last_mut() else { return };
        if portion.rows.last().is_none_or(|(last, _)| *last != family) {
            portion.rows.push((family, 0));
        }
        let at = portion.rows.len() - 1;
        let row = &mut portion.rows[at].1;
        portion.series.push(NativeSeries { columns: series.columns(), cells, row: (at, *row), groups: 0 });
        *row += 1;
    }

    /// A fingerprint of a row that changes when it is observed into.
    pub(crate) fn print(&self, family: usize, row: usize) -> u64 {
        self.prints.get(family).and_then(|rows| rows.get(row)).copied().unwrap_or_default()
    }
}

/// Adds up series.
struct Adder<'r> {
    view: &'r View,
    page_map: &'r PageMap,
    /// Those that are read, in the order of their generations.
    halves: &'r [usize],
}

impl Adder<'_> {
    fn add_up(&self, series: &mut [NativeSeries], rows: &mut [Rows<'_>]) {
        let (mut hinted, mut named) = (VecDeque::new(), VecDeque::new());
        let mut spare: Vec<Vec<Share<'_>>> = Vec::new();
        for at in 0..series.len() + 2 * AHEAD {
            if let Some(next) = series.get(at) {
                let mut shares = spare.pop().unwrap_or_default();
                look_up(self.view, self.page_map, self.halves, next, &mut shares);
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
                let (at, row) = series.row;
                let Rows { numbers, values, prints } = &mut rows[at];
                prints[row] = add_up(&shares, &mut series.groups, &mut values[row * *numbers..][..*numbers]);
                shares.clear();
                spare.push(shares);
            }
        }
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
