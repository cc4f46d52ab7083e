//! A mapping of shared memory, and checked access to it.
#![allow(unsafe_code)]

use crate::memory::{
    atomic::{Cell, Word},
    residency::Residency,
};
use nix::errno::Errno;
use std::{fmt, ptr::NonNull};

#[cfg(not(loom))]
use crate::memory::atomic::words_at;

/// Mapped memory, viewed as words; unmapped when dropped.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u64>,
    bytes: u64,
    /// Which parts may be touched; present where there may be less memory than address space.
    residency: Option<Residency>,
    guard: Box<dyn MappingGuard>,
    /// Memory of this process, which several mappings may share, as processes share a segment.
    #[cfg(any(test, fuzzing))]
    heap: Option<std::sync::Arc<[Word]>>,
}

/// Keeps memory mapped for as long as it lives.
pub(crate) trait MappingGuard: Send {
    /// Whether the memory is gone and zeros are mapped in its place.
    fn is_lost(&self) -> bool {
        false
    }
}

impl MappingGuard for () {}

impl fmt::Debug for dyn MappingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MappingGuard")
    }
}

#[cfg(not(loom))]
// SAFETY: the memory is only accessed through atomics, and all else here may be sent to any thread.
unsafe impl Send for Mapping {}
#[cfg(not(loom))]
// SAFETY: a shared reference gives access to atomics alone: to the memory, to what is known of it, and to the guard's word that
// tells whether it is lost.
unsafe impl Sync for Mapping {}

#[cfg(not(loom))]
impl Mapping {
    /// Takes ownership of a mapping.
    ///
    /// # Safety
    /// `base` is page-aligned and valid for `bytes` bytes until `guard` is dropped, as far as `residency`
    /// finds memory behind them, and every access to that memory, by anyone, is atomic. If the memory is
    /// read-only, no writing method is called on its words.
    pub(crate) unsafe fn from_raw(
        base: NonNull<u64>,
        bytes: u64,
        guard: Box<dyn MappingGuard>,
        residency: Option<Residency>,
    ) -> Self {
        Self {
            base,
            bytes,
            residency,
            guard,
            #[cfg(any(test, fuzzing))]
            heap: None,
        }
    }

    /// Zeroed memory that is private to this process, for tests.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn heap(bytes: u64) -> Self {
        // Not word by word, which takes Miri long.
        let words = Box::into_raw(vec![0_u64; bytes as usize / 8].into_boxed_slice());
        // SAFETY: a word has the size, the alignment and the valid values of a u64, and nobody else has the memory.
        let words = unsafe { Box::from_raw(words as *mut [Word]) };
        Self::over(words.into())
    }

    /// A second mapping of the same memory, as another process would have it.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn share(&self) -> Option<Self> {
        self.heap.clone().map(Self::over)
    }

    #[cfg(any(test, fuzzing))]
    fn over(words: std::sync::Arc<[Word]>) -> Self {
        let base = NonNull::from(&*words).cast();
        // SAFETY: the words are atomics, and valid as long as `heap` keeps a reference to them, which is as
        // long as the mapping lives.
        let mut mapping = unsafe { Self::from_raw(base, words.len() as u64 * 8, Box::new(()), None) };
        mapping.heap = Some(words);
        mapping
    }

    /// Number of mapped bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the memory was truncated; what was read is then worthless.
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// `count` words from `offset` on, if they lie inside the mapping, are aligned, and have memory.
    #[inline]
    pub(crate) fn words(&self, offset: u64, count: u64) -> Option<&[Word]> {
        let room = self.bytes.checked_sub(offset)?;
        if !offset.is_multiple_of(8) || count > room / 8 {
            return None;
        }
        if self.residency.as_ref().is_some_and(|residency| !residency.holds(offset, offset + 8 * count)) {
            return None;
        }
        // SAFETY: inside the mapping and aligned, as just checked; from_raw's caller promises the rest.
        Some(unsafe { words_at(self.base.as_ptr().add(offset as usize / 8), count as usize) })
    }

    /// Reserves `bytes` bytes from `offset` on, so that they may be touched. Returns whether there is memory
    /// for them.
    pub(crate) fn reserve(&self, offset: u64, bytes: u64) -> bool {
        let Some(residency) = &self.residency else { return true };
        let Some(end) = offset.checked_add(bytes).filter(|end| *end <= self.bytes) else { return false };
        residency.reserve(offset, end, |page| {
            // SAFETY: the page lies inside the mapping, as just checked, since a mapping consists of whole
            // pages, and there is memory for it now.
            let first = unsafe { words_at(self.base.as_ptr().add(page as usize / 8), 1) };
            first[0].touch();
        })
    }

    /// Looks anew for memory behind `bytes` bytes from `offset` on before they are touched: another process may have
    /// given it back.
    pub(crate) fn forget(&self, offset: u64, bytes: u64) {
        let end = offset.saturating_add(bytes).min(self.bytes);
        self.residency.iter().for_each(|residency| residency.forget(offset, end));
    }

    /// Gives the memory of whole pages back, where it belongs to a file.
    pub(crate) fn give_back(&self, offset: u64, bytes: u64) -> Result<(), Errno> {
        let end = offset.checked_add(bytes).filter(|end| *end <= self.bytes).ok_or(Errno::EINVAL)?;
        self.residency.as_ref().ok_or(Errno::ENOTSUP)?.give_back(offset, end)
    }

    /// The address of `offset`, which may be the mapping's end.
    pub(crate) fn address(&self, offset: u64) -> Option<NonNull<u64>> {
        if offset > self.bytes {
            return None;
        }
        // SAFETY: inside the mapping, as just checked, or one past its end.
        Some(unsafe { self.base.add(offset as usize / 8) })
    }

    /// Offset of a cell, if it belongs to this memory. The pointer is only used as an address, never
    /// dereferenced.
    pub(crate) fn offset_of(&self, cell: *const Cell) -> Option<u64> {
        let offset = cell.addr().checked_sub(self.base.as_ptr().addr())? as u64 / 8 * 8;
        (offset < self.bytes).then_some(offset)
    }
}

/// In proofs: words that the model tracks, in place of memory.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Mapping(std::sync::Arc<[Word]>);

#[cfg(loom)]
impl Mapping {
    pub(crate) unsafe fn from_raw(
        _: NonNull<u64>,
        _: u64,
        _: Box<dyn MappingGuard>,
        _: Option<Residency>,
    ) -> Self {
        unimplemented!("the model knows no mapped memory")
    }

    pub(crate) fn heap(bytes: u64) -> Self {
        Self((0..bytes / 8).map(|_| Word::modelled()).collect())
    }

    pub(crate) fn share(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.len() as u64 * 8
    }

    pub(crate) fn is_lost(&self) -> bool {
        false
    }

    pub(crate) fn words(&self, offset: u64, count: u64) -> Option<&[Word]> {
        let first = offset as usize / 8;
        let end = first.checked_add(usize::try_from(count).ok()?)?;
        self.0.get(first..end).filter(|_| offset.is_multiple_of(8))
    }

    pub(crate) fn reserve(&self, _: u64, _: u64) -> bool {
        true
    }

    pub(crate) fn forget(&self, _: u64, _: u64) {}

    pub(crate) fn give_back(&self, _: u64, _: u64) -> Result<(), Errno> {
        Err(Errno::ENOTSUP)
    }

    pub(crate) fn offset_of(&self, cell: *const Cell) -> Option<u64> {
        let bytes = cell.addr().checked_sub(self.0.as_ptr().addr())?;
        let index = bytes / size_of::<Word>();
        (index < self.0.len()).then_some(index as u64 * 8)
    }
}

impl Mapping {
    /// The word at `offset`, if it lies inside the mapping and is aligned.
    #[inline]
    pub(crate) fn word(&self, offset: u64) -> Option<&Word> {
        self.words(offset, 1)?.first()
    }

    /// The word at an offset that is a constant of the layout and lies inside the header.
    ///
    /// # Panics
    /// If the mapping is shorter than a header; every attachment checks that first.
    pub(crate) fn head(&self, offset: u64) -> &Word {
        self.word(offset).expect("the header lies inside every segment")
    }

    /// Writes words at `offset`; the caller has allocated the space.
    pub(crate) fn fill_words(&self, offset: u64, words: &[u64]) -> Option<()> {
        for (index, value) in words.iter().enumerate() {
            self.word(offset + 8 * index as u64)?.store_relaxed(*value);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_outside_or_unaligned_are_refused() {
        let mapping = Mapping::heap(4096);
        assert!(mapping.word(0).is_some() && mapping.word(4088).is_some());
        for bad in [1, 4, 4089, 4096, u64::MAX, u64::MAX - 7] {
            assert!(mapping.word(bad).is_none(), "{bad}");
        }
        assert_eq!(mapping.words(4080, 2).map(<[Word]>::len), Some(2));
        for (offset, count) in [(4088, 2), (0, u64::MAX), (0, 1 << 61), (u64::MAX, 1), (4, 1), (4104, 0)] {
            assert!(mapping.words(offset, count).is_none(), "{offset} {count}");
        }
    }
}
