//! The cells of `last` gauges, which lie outside both halves and never move.
//!
//! Each half has a map of the cells that are in use in its generation. A cell is free if neither map has it, so
//! that of a removed gauge is free once the half in which it was removed is given back: every process that knew
//! the gauge has looked its series up again by then.

use crate::{
    layout::{Half, UNSET},
    memory::{atomic::Word, view::View},
    snapshot::Loss,
};

/// The word of a half's map that has the bit of a cell, and the bit.
fn bit<'v>(view: &'v View, half: &Half, column: u64) -> Option<(&'v Word, u64)> {
    let word = view.word(half.gauge_map + column / 64 * 8).filter(|_| column < view.geometry.gauge_cells)?;
    Some((word, 1 << (column % 64)))
}

/// Marks a cell as in use in the generation of a half.
pub(super) fn keep(view: &View, half: &Half, column: u64) {
    if let Some((word, bit)) = bit(view, half, column)
        && word.load_acquire() & bit == 0
    {
        word.fetch_or(bit);
        count(view, half);
    }
}

fn count(view: &View, half: &Half) {
    if let Some(word) = view.word(half.gauges()) {
        word.fetch_add(1);
    }
}

/// Takes a free cell for the generation of a half, and returns its column. The cell is unset.
pub(super) fn take(view: &View, half: &Half) -> Result<u64, Loss> {
    // In a half in which nothing was removed the first free cell is about there.
    let taken = view.word(half.gauges()).map_or(0, Word::load_relaxed);
    let words = view.geometry.gauge_cells.div_ceil(64);
    let columns = (0..words).map(|step| (taken / 64 + step) % words * 64);
    let found = columns.into_iter().find_map(|first| take_of_word(view, half, first));
    let column = found.ok_or(Loss::SegmentFull)?;
    count(view, half);
    let cell = view.gauge(column).and_then(<[_]>::first).ok_or(Loss::Corrupt)?;
    cell.set(f64::from_bits(UNSET));
    Ok(column)
}

/// Takes one of the cells whose bits are in one word.
fn take_of_word(view: &View, half: &Half, first: u64) -> Option<u64> {
    let (word, _) = bit(view, half, first)?;
    let others = view.geometry.halves.iter().filter(|other| *other != half);
    let last = (view.geometry.gauge_cells - first).min(64);
    let beyond = if last == 64 { 0 } else { u64::MAX << last };
    loop {
        let mine = word.load_acquire();
        let taken = others.clone().filter_map(|other| bit(view, other, first));
        let taken = taken.fold(mine | beyond, |taken, (word, _)| taken | word.load_acquire());
        if taken == u64::MAX {
            return None;
        }
        let free = u64::from(taken.trailing_ones());
        if word.compare_exchange(mine, mine | 1 << free).is_ok() {
            return Some(first + free);
        }
    }
}
