//! A metric as one PHP process knows it: its definition, and the series it has met.

use promshm_segment::{Definition, FamilyId, sync};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

/// A metric that scripts have constructed. Lives as long as the process: a later request that
/// constructs it again finds its series resolved.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) definition: Definition,
    /// The family's record, and the life of the process it was registered in.
    pub(crate) family: Cell<Option<(FamilyId, u64)>>,
    /// Series met so far, by their label values as `labels` packs them.
    pub(crate) series: RefCell<HashMap<Box<[u8]>, Series>>,
}

/// Where updates of one series go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// The process's stamp at which this was found out; it holds no longer when the stamp has changed.
    pub(crate) stamp: u64,
    /// What was found out.
    pub(crate) target: Target,
}

/// The end of a lookup.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Cells that this process alone writes.
    Owned(*const sync::Cell),
    /// Cells that other processes write too.
    Shared(*const sync::Cell),
    /// There is no room.
    Dropped(promshm_segment::snapshot::Reason),
    /// There is no segment.
    Unstored,
}

impl Series {
    /// Nothing found out yet.
    pub(crate) const UNKNOWN: Self = Self { stamp: 0, target: Target::Unstored };
}

impl Metric {
    pub(crate) fn new(definition: Definition) -> Self {
        Self { definition, family: Cell::new(None), series: RefCell::default() }
    }
}
