//! What a process knows of one series: where its updates go.

use crate::session::generation;
use promshm_segment::{memory::atomic, snapshot::Reason};
use std::rc::Rc;

/// The label values of a series, as [`labels`](crate::session::labels) packs them.
pub(crate) type Key = Rc<[u8]>;

/// Where updates of one series go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// The process's generation at which this was found out; it holds no longer when the generation has changed.
    pub(crate) generation: u64,
    /// What was found out.
    pub(crate) target: Target,
}

/// The end of a lookup.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Cells that this process alone writes.
    Owned(*const atomic::Cell),
    /// Cells that other processes write too.
    Shared(*const atomic::Cell),
    /// There is no room.
    Dropped(Reason),
    /// There is no segment.
    Unstored,
}

impl Series {
    /// Nothing found out yet.
    pub(crate) const UNKNOWN: Self = Self { generation: 0, target: Target::Unstored };

    /// Whether what was found out is still true.
    #[inline(always)]
    pub(crate) fn holds(self) -> bool {
        self.generation == generation::current()
    }

    /// Whether updates reach the segment.
    pub(crate) fn has_cells(self) -> bool {
        matches!(self.target, Target::Owned(_) | Target::Shared(_))
    }
}
