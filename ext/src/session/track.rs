//! The additions of `Gauge::trackInProgress()` that are still to be undone.
//!
//! The −1 goes to the very cell that got the +1, wherever it has moved since, and only while the attachment in which
//! it was found is current. After a wipe the cell is gone; after `remove()` nobody reads it; a forked child leaves it to
//! its parent. All open tracks are undone at the request's end, because after a fatal error the engine frees the frame
//! of a suspended fiber without unwinding it.
#![allow(unsafe_code)]

use crate::{
    engine::globals::interpreter_local,
    session::{attachment, gauge_cell},
};
use promshm_segment::{Moves, memory::atomic::Cell};
use std::ptr::null;

interpreter_local! {
    static OPEN: Open = Open::new();
}

/// The tracks of functions that are running, in the order in which they began.
#[derive(Debug, Default)]
struct Open {
    last: u64,
    all: Vec<Added>,
}

impl Open {
    const fn new() -> Self {
        Self { last: 0, all: Vec::new() }
    }
}

/// One addition.
#[derive(Debug)]
struct Added {
    number: u64,
    /// Null once the series was removed and its cell given back.
    cell: *const Cell,
    is_shared: bool,
    /// The attachment that the cell belongs to.
    attachment_id: u64,
}

/// Takes the +1 back when it is dropped, if the request has not ended before.
#[derive(Debug)]
pub(crate) struct Track(u64);

impl Track {
    /// Notes that 1 was added to a cell, which other processes write too if it is shared.
    pub(crate) fn of(cell: &Cell, is_shared: bool) -> Self {
        let attachment_id = attachment::current_id().unwrap_or_default();
        OPEN.with(|open| {
            open.last += 1;
            open.all.push(Added { number: open.last, cell, is_shared, attachment_id });
            Self(open.last)
        })
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        let added = OPEN.with(|open| {
            let place = open.all.iter().rposition(|added| added.number == self.0)?;
            Some(open.all.remove(place))
        });
        if let Some(added) = added {
            added.take_back();
        }
    }
}

/// Undoes all open tracks.
pub(crate) fn undo_open() {
    let all = OPEN.with(|open| std::mem::take(&mut open.all));
    all.iter().for_each(Added::take_back);
}

/// Notes where the cells of that attachment's tracks have gone.
pub(crate) fn follow(attachment_id: u64, moves: &Moves) {
    OPEN.with(|open| {
        for added in open.all.iter_mut().filter(|added| added.attachment_id == attachment_id) {
            added.cell = moves.of(added.cell).unwrap_or(null());
        }
    });
}

impl Added {
    fn take_back(&self) {
        if attachment::current_id() == Some(self.attachment_id) {
            // SAFETY: null, or the attachment is still the one in which the cell was found, so it is mapped.
            if let Some(cell) = unsafe { self.cell.as_ref() } {
                gauge_cell::add(cell, self.is_shared, -1.0);
            }
        }
    }
}
