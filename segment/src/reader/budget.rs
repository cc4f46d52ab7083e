//! Limits the pages of a segment that a reader may touch.
//!
//! On Linux a hole of a System V segment gets memory when it is read, and the reader's control group pays for
//! it. A writer that forges directories could make a reader fill a segment of any size, at eight bytes per
//! page. Writers touch nearly all pages that they take, so a reader follows words to as many pages as the
//! kernel reports as resident, plus [`ReadLimits::filled`].
//!
//! Pages that the reader itself has filled are resident from then on, so they are counted and subtracted.
//!
//! The kernel's pages may be larger, 16 or 64 KiB on arm64: then each page of ours that the reader touches may fill one of
//! the kernel's, and is counted as such.

use super::{limits::ReadLimits, sight::Sight};
use crate::{
    format::index,
    layout::{Half, PAGE, PAGE_WORDS},
    memory::view::View,
    os::kernel_page,
};

/// The fewest bytes of a series' record.
const LEAST_RECORD: u64 = 72;

/// The pages that may be touched, and how many the reader may have filled so far.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Pages of ours in one of the kernel's.
    each: u64,
    limits: ReadLimits,
    /// Allowed in the present scrape, in addition to the fixed ones.
    pages: u64,
    /// Header, slots, page trees' roots, and the parts of the index that are in use.
    fixed: u64,
    /// Resident before the present scrape, without those that readers filled.
    resident: Option<u64>,
    /// The most pages that any scrape touched beyond the resident ones.
    filled: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::with_kernel_page(kernel_page())
    }
}

impl Budget {
    fn with_kernel_page(bytes: u64) -> Self {
        let (each, limits) = (bytes.div_ceil(PAGE), ReadLimits::default());
        Self { each, limits, pages: 0, fixed: 0, resident: None, filled: 0 }
    }

    pub(crate) fn set_limits(&mut self, limits: ReadLimits) {
        self.limits = limits;
    }

    pub(crate) fn limits(&self) -> ReadLimits {
        self.limits
    }

    /// Pages allowed beyond the resident ones: pages taken and not yet touched, or taken since the kernel was
    /// asked. For a segment that claims no more than this the kernel is not asked.
    fn slack(&self) -> u64 {
        self.limits.filled / PAGE / self.each
    }

    /// Pages of records and cells that the limits allow.
    fn most(&self) -> u64 {
        self.limits.bytes / PAGE
    }

    /// Whether header, slots and index alone are more than is allowed.
    pub(crate) fn is_overdrawn(&self) -> bool {
        let allowed = self.resident.map_or(u64::MAX, |resident| resident + self.slack());
        self.fixed > allowed.min(self.most().saturating_add(self.slack()))
    }

    /// Whether reading that many pages is what the limit of bytes does not allow.
    pub(crate) fn is_beyond_limit(&self, touched: u64) -> bool {
        self.pages == self.most() && touched >= self.pages
    }

    /// Begins a scrape; `resident` returns the kernel's number of bytes.
    pub(crate) fn begin(&mut self, view: &View, sight: &Sight, resident: impl FnOnce() -> Option<u64>) {
        let of_half = |half: &Half| {
            let head_and_roots = (half.index - half.roots).div_ceil(PAGE) + 1;
            head_and_roots + index::touched_pages(view, half).count() as u64
        };
        let halves: u64 = sight.halves(&view.geometry).map(of_half).sum();
        let fixed = view.geometry.gauges.div_ceil(PAGE) + halves;
        // Each `last` gauge of a corrupt segment may have its cell on a page of its own.
        let gauges = (view.geometry.gauge_cells / PAGE_WORDS as u64).min(view.used_bytes() / LEAST_RECORD);
        let claimed = fixed + view.used_bytes().div_ceil(PAGE) + gauges + 1;
        let asked = if claimed > self.slack() { resident() } else { None };
        self.resident = asked.map(|bytes| (bytes / PAGE).saturating_sub(self.filled));
        self.fixed = fixed;
        let pages =
            self.resident.map_or(u64::MAX, |resident| (resident + self.slack()).saturating_sub(fixed));
        self.pages = pages.min(self.most());
    }

    /// Pages that may be touched in this scrape, in addition to header, slots and index.
    pub(crate) fn pages(&self) -> u64 {
        self.pages
    }

    /// Ends a scrape that touched that many pages.
    pub(crate) fn end(&mut self, touched: u64) {
        if let Some(resident) = self.resident {
            self.filled = self.filled.max((self.fixed + touched).saturating_sub(resident) * self.each);
        }
    }
}

/// The number of pages that may be touched, and of those that were.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    most: u64,
    pub(crate) touched: u64,
    /// Whether more pages were wanted.
    pub(crate) is_exceeded: bool,
}

impl Allowance {
    pub(crate) fn of(most: u64) -> Self {
        Self { most, touched: 0, is_exceeded: false }
    }

    /// Counts pages that are about to be touched; false if the limit does not allow them.
    pub(crate) fn take(&mut self, pages: u64) -> bool {
        let may = pages <= self.most - self.touched;
        self.touched += if may { pages } else { 0 };
        self.is_exceeded |= !may;
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        layout::{Geometry, Shape},
        memory::mapping::Mapping,
        writer::prepare,
    };

    #[test]
    fn pages_that_the_reader_filled_count_against_the_budget() {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let view = View::new(Mapping::heap(size), Geometry::new(shape, 1 << 40).unwrap());
        prepare(&view, shape);
        let mut budget = Budget::with_kernel_page(PAGE);
        let slack = budget.slack();
        let begin = |budget: &mut Budget, claimed: u64, resident: Option<u64>| {
            view.head(view.geometry.halves[0].space()).store_relaxed(claimed << 32);
            budget.begin(&view, &Sight::look(&view).unwrap(), || resident.map(|pages| pages * PAGE));
            budget.pages()
        };
        let all = u64::MAX / PAGE;
        assert_eq!(begin(&mut budget, 100, Some(1)), all, "small: not asked");
        assert_eq!(begin(&mut budget, 1 << 30, None), all, "the kernel does not tell");
        let first = begin(&mut budget, 1 << 30, Some(1000));
        assert!((slack + 900..=slack + 1000).contains(&first), "{first}");
        budget.end(first);
        // All of them are resident now.
        let then = begin(&mut budget, 1 << 30, Some(first));
        assert!(then <= first && then + 100 > first, "{then} after {first}");
        budget.end(then);
        assert_eq!(begin(&mut budget, 1 << 30, Some(first)), then);
        // Workers have taken more, and touched it.
        assert!(begin(&mut budget, 1 << 30, Some(first + 5000)) >= then + 5000);
    }

    #[test]
    fn large_kernel_pages_are_filled_up_to_the_same_number_of_bytes() {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let view = View::new(Mapping::heap(size), Geometry::new(shape, 1 << 40).unwrap());
        prepare(&view, shape);
        view.head(view.geometry.halves[0].space()).store_relaxed(1 << 62);
        for each in [1, 4, 16] {
            let mut budget = Budget::with_kernel_page(each * PAGE);
            let mut resident = 1000;
            for _ in 0..10 {
                budget.begin(&view, &Sight::look(&view).unwrap(), || Some(resident * PAGE));
                // Each touched page beyond the first 1000 fills one of the kernel's.
                let touched = budget.pages();
                budget.end(touched);
                resident = resident.max(1000 + (budget.fixed + touched).saturating_sub(1000) * each);
            }
            let filled = (resident - 1000) * PAGE;
            let slack = ReadLimits::default().filled;
            assert!(filled <= slack, "{filled} bytes with {each}");
            assert!(filled > slack / 2, "{filled} bytes with {each}");
        }
    }
}
