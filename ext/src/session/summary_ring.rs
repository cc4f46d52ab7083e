//! How a summary observes: its cells lead to a ring of recent samples in the same mapping.
#![allow(unsafe_code)]

use crate::engine::globals::interpreter_local;
use promshm_segment::{Rings, clock, format::ring, memory::atomic::Cell};

interpreter_local! {
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

/// Counts one observation into a summary's cells, and stores its sample; `false` if the sample found no ring.
#[inline(always)]
#[must_use]
pub(crate) fn observe(cells: &[Cell], shared: bool, value: f64) -> bool {
    let number = ring::ring_of(cells);
    // SAFETY: `detach` comes before every unmapping, and the ring is used in this call only.
    let ring = RINGS.get().and_then(|rings| unsafe { rings.ring(number) });
    if shared {
        ring::observe_shared(cells, ring, clock::now(), value)
    } else {
        ring::observe_owned(cells, ring, clock::now(), value)
    }
}
