//! Which parts of a shared memory object have memory behind them.
//!
//! An object is as sparse as a System V segment, but its file system may be full: touching a page without
//! memory then kills the process with SIGBUS. Therefore only reserved pages are touched. Writers reserve
//! pages with `fallocate` beforehand; readers never reserve anything, but look for holes.

use crate::{layout::PAGE, memory::atomic::Word};
use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, fallocate},
    sys::stat::{FileStat, fstat},
    unistd::{Whence, lseek},
};
use std::{
    iter::successors,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a refused reservation is not retried, so that on a full file system not every dropped
/// update costs a system call.
const REST: Duration = Duration::from_millis(100);

/// How many pages before and after the ones that are asked for are noted too: pages of cells are taken downwards, records
/// upwards, and each question costs a look at all pages up to the next hole.
const NEIGHBOURS: u64 = 512;

/// Identifies an object, whatever its name: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

impl FileId {
    pub(crate) fn of(stat: &FileStat) -> Self {
        Self(stat.st_dev, stat.st_ino)
    }
}

/// What is known of the memory behind one mapping.
#[derive(Debug)]
pub(crate) struct Residency {
    file: Arc<OwnedFd>,
    id: FileId,
    /// A bit for each page that was found to have memory. Of two threads that set bits of one word, one may set none: then it
    /// looks again.
    known: Vec<Word>,
    /// When a reservation was refused last, and of how many bytes.
    refused: Mutex<Option<(Instant, u64)>>,
}

impl Residency {
    pub(crate) fn new(file: Arc<OwnedFd>, id: FileId, bytes: u64) -> Self {
        let known = (0..bytes.div_ceil(64 * PAGE)).map(|_| Word::new(0)).collect();
        Self { file, id, known, refused: Mutex::new(None) }
    }

    /// Whether all of `offset..end` may be touched.
    #[inline]
    pub(crate) fn holds(&self, offset: u64, end: u64) -> bool {
        self.knows(offset / PAGE, end.div_ceil(PAGE)) || self.look(offset, end)
    }

    #[inline]
    fn knows(&self, first: u64, end: u64) -> bool {
        let bits = |page: u64| self.known.get((page / 64) as usize).map_or(0, Word::load_relaxed);
        (first..end).all(|page| bits(page) & 1 << (page % 64) != 0)
    }

    #[cold]
    fn look(&self, offset: u64, end: u64) -> bool {
        let wanted = offset / PAGE;
        let (first, hole) = self.stretch_around(wanted);
        let all = self.known.len() as u64 * 64;
        for page in first..(hole / PAGE).min(end.div_ceil(PAGE) + NEIGHBOURS).min(all) {
            let bits = &self.known[(page / 64) as usize];
            bits.note(bits.load_relaxed() | 1 << (page % 64));
        }
        hole >= end
    }

    /// The first of the pages that have memory up to this one, as far as they are noted, and the offset of the first hole
    /// from there on. A question from within a hole costs little.
    fn stretch_around(&self, page: u64) -> (u64, u64) {
        let distances = successors(Some(NEIGHBOURS), |distance| (*distance > 0).then_some(distance / 2));
        let mut stretches = distances.map(|distance| page.saturating_sub(distance)).map(|first| {
            let hole = self.hole_after(first * PAGE);
            (first, hole)
        });
        stretches.find(|(_, hole)| *hole > page * PAGE).unwrap_or((page, page * PAGE))
    }

    /// Offset of the first hole from `offset` on. A file system that cannot report holes needs no check.
    fn hole_after(&self, offset: u64) -> u64 {
        match lseek(&self.file, offset as i64, Whence::SeekHole) {
            Ok(hole) => hole as u64,
            Err(Errno::ENXIO) => 0, // past the end: the object was truncated
            Err(_) => u64::MAX,
        }
    }

    /// Allocates memory for `offset..end`. `touch` must write to each page once, because a page counts as a
    /// hole until then. Returns whether there was room.
    pub(crate) fn reserve(&self, offset: u64, end: u64, touch: impl Fn(u64)) -> bool {
        if self.holds(offset, end) {
            return true;
        }
        let (first, end) = (offset / PAGE * PAGE, end.next_multiple_of(PAGE));
        if self.is_resting(end - first) || !self.is_file_ours() {
            return false;
        }
        if let Err(_no_room) = self.allocate_or_free(FallocateFlags::empty(), first, end - first) {
            *self.refused() = Some((Instant::now(), end - first));
            return false;
        }
        (first..end).step_by(PAGE as usize).for_each(touch);
        true
    }

    /// Forgets that pages have memory, because another process may have given it back.
    pub(crate) fn forget(&self, offset: u64, end: u64) {
        for page in offset / PAGE..end.div_ceil(PAGE).min(self.known.len() as u64 * 64) {
            let bits = &self.known[(page / 64) as usize];
            bits.note(bits.load_relaxed() & !(1 << (page % 64)));
        }
    }

    /// Gives the memory of `offset..end` back to the file system; the pages read as zeros then.
    pub(crate) fn give_back(&self, offset: u64, end: u64) -> Result<(), Errno> {
        if !self.is_file_ours() {
            return Err(Errno::EBADF);
        }
        self.allocate_or_free(FallocateFlags::FALLOC_FL_PUNCH_HOLE, offset, end - offset)?;
        self.forget(offset, end);
        Ok(())
    }

    fn is_resting(&self, bytes: u64) -> bool {
        self.refused().is_some_and(|(then, refused)| bytes >= refused && then.elapsed() < REST)
    }

    /// A poisoned lock is fine: a single assignment cannot be half done.
    fn refused(&self) -> MutexGuard<'_, Option<(Instant, u64)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the descriptor still refers to our object: a program that closes all descriptors may have
    /// given its number to another file.
    fn is_file_ours(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| FileId::of(&stat) == self.id)
    }

    fn allocate_or_free(&self, what: FallocateFlags, offset: u64, bytes: u64) -> Result<(), Errno> {
        loop {
            crate::crash::point();
            let flags = what | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            match fallocate(&self.file, flags, offset as i64, bytes as i64) {
                Err(Errno::EINTR) => {}
                done => return done,
            }
        }
    }
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::FileExt};

    /// Cells' pages are taken downwards: a reader that asks for each of them in that order must not look at all of them
    /// each time.
    #[test]
    fn one_question_tells_of_the_neighbours_too() {
        let path = format!("/dev/shm/promshm-residency-{}", std::process::id());
        let file = fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let pages = 4 * NEIGHBOURS;
        file.set_len(pages * PAGE).unwrap();
        // The last pages, but for one.
        let (first, hole) = (pages - 2 * NEIGHBOURS - 100, pages - 50);
        let with_memory = (first..pages).filter(|page| *page != hole);
        with_memory.for_each(|page| file.write_all_at(&[1], page * PAGE).unwrap());
        let residency = || {
            let file: OwnedFd = file.try_clone().unwrap().into();
            let id = FileId::of(&fstat(&file).unwrap());
            Residency::new(Arc::new(file), id, pages * PAGE)
        };
        let known = |residency: &Residency, pages: std::ops::Range<u64>| {
            pages.filter(|page| residency.knows(*page, page + 1)).count() as u64
        };
        let reader = residency();
        assert!(reader.holds((hole - 1) * PAGE, hole * PAGE));
        assert_eq!(known(&reader, 0..pages), NEIGHBOURS + 1, "those before it, up to the hole");
        assert!(!reader.holds((hole - 1) * PAGE, (hole + 1) * PAGE) && !reader.knows(hole, hole + 1));
        // The last of them has fewer neighbours with memory than are asked for.
        let questions = (first..hole).rev().filter(|page| {
            let asks = !reader.knows(*page, page + 1);
            assert!(reader.holds(page * PAGE, (page + 1) * PAGE));
            asks
        });
        assert!(questions.count() < 20);
        assert_eq!(known(&reader, 0..first), 0);
        // Records are taken upwards.
        let reader = residency();
        assert!(reader.holds(first * PAGE, first * PAGE + 1) && !reader.holds(0, PAGE));
        assert_eq!(known(&reader, 0..pages), NEIGHBOURS + 1);
    }
}
