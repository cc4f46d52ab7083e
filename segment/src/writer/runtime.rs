//! Publishes process stats.

use super::Writer;
use crate::{format::runtime::Runtime, layout::SHARED};

impl Writer {
    /// Publishes stats of this process. Processes that share slot 0 have no fields for them.
    pub fn publish_runtime(&self, mut runtime: Runtime) {
        if self.slot.number == SHARED {
            return;
        }
        for (field, number) in runtime.fields() {
            if let Some(word) = self.slot.word(&self.attached.view, field) {
                word.store_release(number.to_bits()); // pair: RUNTIME
            }
        }
    }
}
