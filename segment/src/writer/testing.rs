//! A writer without kernel objects: for proofs and fuzzing.

#[cfg(loom)]
use super::FamilyId;
use super::{Writer, attach::Attached, slot::ClaimedSlot};
use crate::{
    config::Config,
    error::ReadError,
    format::{header, header::hash_key},
    layout::{IDENTITY, PAGE_WORDS, READY, Shape, header},
    memory::mapping::Mapping,
    os::Object,
};

impl Writer {
    /// Writes to memory without a kernel object, in a slot without a claim.
    pub(crate) fn over(mapping: Mapping, slot: usize) -> Result<Self, ReadError> {
        let config = Config::default();
        let view = header::open(config.name, mapping)?;
        let slot = ClaimedSlot { number: slot.min(view.geometry.slots - 1), claim_seq: 1 };
        let generation = slot.settle_generation(&view);
        let hash_key = hash_key(&view);
        let object = Object::none();
        let attached = Attached { object, view, hash_key, locks: None };
        Ok(Self::with_slot(attached, config, slot, generation))
    }

    /// The segment as this writer found it: its header may have been corrupt then.
    #[cfg(fuzzing)]
    pub(crate) fn view(&self) -> &crate::memory::view::View {
        &self.attached.view
    }
}

#[cfg(loom)]
impl Writer {
    /// What a new owner of the slot does between the two changes of its semaphore.
    pub(crate) fn move_in(&self) {
        let _generation = self.slot.move_in(&self.attached);
    }

    /// The generation that this process works in.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Pages that lost a race and are kept for the next request.
    pub(crate) fn spare_pages(&self) -> usize {
        self.pages.spare.len()
    }
}

#[cfg(loom)]
impl FamilyId {
    /// The offset of its record.
    pub(crate) fn offset(&self) -> u64 {
        self.home.offset
    }
}

/// Initialises a segment in zeroed memory.
pub(crate) fn prepare(mapping: &Mapping, shape: Shape) {
    let settle = |offset, value| mapping.head(offset).store_relaxed(value);
    settle(header!(identity), IDENTITY);
    settle(header!(size), mapping.bytes());
    settle(header!(config), shape.pack());
    settle(header!(hash_key), 1);
    settle(header!(hash_key) + 8, 2);
    settle(header!(epoch), 1);
    settle(header!(summary_samples), PAGE_WORDS as u64); // two pages
    settle(header!(slots_high), u64::from(shape.max_processes) + 1);
    settle(header!(state), READY);
}
