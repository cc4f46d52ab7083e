//! Access from a summary's cells to their rings, for code that counts into the cells of a mapping.
#![allow(unsafe_code)]

use crate::{
    layout::{PAGE, PAGE_WORDS, SAMPLE_WORDS, ring_pages},
    memory::{
        atomic::{Sample, samples, words_at},
        view::View,
    },
};
use std::ptr::NonNull;

/// Access to the rings of a mapping, for code that counts into its cells.
#[derive(Debug, Clone, Copy)]
pub struct Rings {
    /// The address where page number 0 would begin.
    end: NonNull<u64>,
    /// The highest page number that fits into the mapping.
    most: u64,
    /// Number of pages in a ring.
    pages: u64,
    samples: u64,
}

impl Rings {
    /// The rings of `samples` samples each; none if the geometry does not fit the mapping.
    pub(crate) fn new(view: &View, samples: u64) -> Option<Self> {
        let most = (view.geometry.end - view.geometry.halves[0].records) / PAGE;
        let end = view.address(view.geometry.end)?;
        Some(Self { end, most, pages: ring_pages(samples), samples })
    }

    /// The ring whose last page has this number; any number may be passed.
    ///
    /// # Safety
    /// The mapping that this was created from still exists for as long as the ring is used.
    #[inline(always)]
    #[must_use]
    pub unsafe fn ring<'r>(self, number: u64) -> Option<&'r [Sample]> {
        if number > self.most || number < self.pages {
            return None;
        }
        // SAFETY: `number` pages lie inside the mapping, below its end and above the first record,
        // and the samples of a ring fit into its pages; the caller promises that the mapping still
        // exists.
        unsafe {
            let first = self.end.as_ptr().sub(number as usize * PAGE_WORDS);
            Some(samples(words_at(first, (self.samples * SAMPLE_WORDS) as usize)))
        }
    }
}
