//! Which cells of both halves belong together, while slots are in different halves, but for native histograms. It depends on where the series lie
//! and not on their numbers, so it is found out once for many scrapes.

use super::entry::{Entry, Series};
use crate::{
    definition::Kind,
    layout::{PAGE_WORDS, Plane},
    order,
};
use std::ops::Range;

/// Consecutive cells of a page of one half, which belong to consecutive sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The page's index in the plane.
    pub(crate) place: u32,
    /// Its first cell.
    pub(crate) from: usize,
    pub(crate) count: usize,
    /// The first cell's sum, among those of the block.
    pub(crate) to: usize,
}

impl Run {
    /// Whether these cells, and sums, come right after it.
    fn is_continued_by(&self, next: &Self) -> bool {
        self.place == next.place && self.from + self.count == next.from && self.to + self.count == next.to
    }
}

/// Sums that are added up together, so that they stay in the processor's cache: those of a page of columns.
#[derive(Debug)]
pub(crate) struct Block {
    key: Key,
    pub(crate) sums: Range<usize>,
    /// By half.
    pub(crate) runs: [Vec<Run>; 2],
}

/// A column of the present half; of the former one, after all those, for a series that is there alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    is_former: bool,
    column: u64,
}

impl Key {
    fn of(columns: [Option<u64>; 2], now: usize) -> Self {
        let column = columns[now].or(columns[1 - now]).unwrap_or_default();
        Self { is_former: columns[now].is_none(), column }
    }

    /// A number for each key, in the order of the keys: no segment has so many columns.
    fn number(self) -> u64 {
        u64::from(self.is_former) << 63 | self.column
    }

    fn shares_page_with(self, other: Self) -> bool {
        self.is_former == other.is_former && place_of(self.column) == place_of(other.column)
    }
}

fn place_of(column: u64) -> u32 {
    (column / PAGE_WORDS as u64) as u32
}

/// Consecutive columns with consecutive sums.
#[derive(Debug)]
struct Span {
    first: Key,
    count: u64,
    sum: usize,
}

/// The cells of all cumulative series that are shown, but of native histograms.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    /// The catalogue's layout that it was found for.
    layout: Option<u64>,
    /// The index of the present generation's half.
    now: usize,
    blocks: Vec<Block>,
    spans: Vec<Span>,
    sums: usize,
}

impl Joined {
    /// Looks at all series again if they may lie elsewhere by now. `now` is the half of the present generation.
    pub(crate) fn refresh<'e>(&mut self, layout: u64, now: usize, entries: impl Iterator<Item = &'e Entry>) {
        if self.layout == Some(layout) {
            return;
        }
        *self = Self { layout: Some(layout), now, ..Self::default() };
        let is_native = |entry: &&Entry| matches!(entry.definition.kind, Kind::NativeHistogram(_));
        let cumulative = entries.filter(|entry| entry.definition.kind.plane() == Plane::Cumulative);
        let cumulative = cumulative.filter(|entry| !is_native(entry));
        let series = cumulative.flat_map(|entry| {
            let cells = entry.definition.cells();
            entry.rows().iter().map(move |series| (series.columns(), cells))
        });
        let series: Vec<([Option<u64>; 2], usize)> = series.collect();
        let keys = series.iter().map(|(columns, _)| Key::of(*columns, now).number());
        let mut keys: Vec<(u64, u64)> = keys.zip(0..).collect();
        order::sort_pairs(&mut keys);
        for (columns, cells) in keys.into_iter().map(|(_, at)| series[at as usize]) {
            self.add(columns, cells);
        }
    }

    /// The number of sums.
    pub(crate) fn count(&self) -> usize {
        self.sums
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The index of a series' first sum.
    pub(crate) fn first_sum(&self, series: &Series) -> Option<usize> {
        let key = Key::of(series.columns(), self.now);
        let after = self.spans.partition_point(|span| span.first <= key);
        let span = self.spans.get(after.checked_sub(1)?)?;
        let at = key.column - span.first.column;
        (span.first.is_former == key.is_former && at < span.count).then_some(span.sum + at as usize)
    }

    fn add(&mut self, columns: [Option<u64>; 2], cells: usize) {
        let key = Key::of(columns, self.now);
        self.add_to_spans(key, cells as u64);
        if self.blocks.last().is_none_or(|block| !block.key.shares_page_with(key)) {
            self.blocks.push(Block { key, sums: self.sums..self.sums, runs: <_>::default() });
        }
        if let Some(block) = self.blocks.last_mut() {
            let to = block.sums.len();
            for (runs, column) in block.runs.iter_mut().zip(columns) {
                let Some(column) = column else { continue };
                let from = (column % PAGE_WORDS as u64) as usize;
                let run = Run { place: place_of(column), from, count: cells, to };
                match runs.last_mut().filter(|last| last.is_continued_by(&run)) {
                    Some(last) => last.count += cells,
                    None => runs.push(run),
                }
            }
            block.sums.end += cells;
        }
        self.sums += cells;
    }

    fn add_to_spans(&mut self, key: Key, cells: u64) {
        let continues = |last: &&mut Span| {
            last.first.is_former == key.is_former && last.first.column + last.count == key.column
        };
        match self.spans.last_mut().filter(continues) {
            Some(last) => last.count += cells,
            None => self.spans.push(Span { first: key, count: cells, sum: self.sums }),
        }
    }
}
