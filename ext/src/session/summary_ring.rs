//! How a summary observes: its cells lead to a ring of recent samples in the same mapping.
#![allow(unsafe_code)]

use crate::{
    engine::{globals::local, panic::fenced},
    session::attachment,
};
use promshm_segment::{Rings, clock, format::ring, memory::atomic::Cell, snapshot::Reason};

local! {
    static RINGS: Option<Rings> = None;
}

/// From now on rings are looked for in this mapping, which must stay until [`detach`].
pub(crate) fn attach(rings: Option<Rings>) {
    RINGS.set(rings);
}

/// From now on there are no rings.
pub(crate) fn detach() {
    RINGS.set(None);
}

/// Counts one observation into a summary's cells, and keeps its sample.
#[inline(always)]
pub(crate) fn observe(cells: &[Cell], shared: bool, value: f64) {
    let number = ring::ring_of(cells);
    // SAFETY: `detach` comes before every unmapping, and the ring is used in this call only.
    let ring = RINGS.get().and_then(|rings| unsafe { rings.ring(number) });
    let kept = if shared {
        ring::observe_shared(cells, ring, clock::now(), value)
    } else {
        ring::observe_owned(cells, ring, clock::now(), value)
    };
    if !kept {
        count_lost();
    }
}

#[cold]
fn count_lost() {
    fenced(|| attachment::count_drop(Reason::SummarySample));
}
