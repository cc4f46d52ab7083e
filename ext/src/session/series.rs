//! The result of looking up a series: where its updates go.

use crate::session::generation;
use promshm_segment::{memory::atomic, snapshot::Loss};
use std::rc::Rc;

/// The label values of a series, as [`labels`](crate::session::labels) packs them.
pub(crate) type Key = Rc<[u8]>;

/// A resolved series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// The generation in which the target was found; the target is stale when the current one differs.
    pub(crate) generation: u64,
    /// Where updates go.
    pub(crate) target: Target,
}

/// Where updates go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Cells that this process alone writes.
    Owned(*const atomic::Cell),
    /// Cells that other processes write too.
    Shared(*const atomic::Cell),
    /// The segment refuses the series.
    Dropped(Loss),
    /// There is no segment.
    Unstored,
}

impl Series {
    /// Not looked up yet.
    pub(crate) const UNKNOWN: Self = Self { generation: 0, target: Target::Unstored };

    /// Whether the target is still valid.
    #[inline(always)]
    pub(crate) fn holds(self) -> bool {
        self.generation == generation::current()
    }

    /// Whether updates reach the segment.
    pub(crate) fn has_cells(self) -> bool {
        matches!(self.target, Target::Owned(_) | Target::Shared(_))
    }
}
