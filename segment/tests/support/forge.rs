//! Corrupt segments: raw access to a segment's words, and a counting allocator.
#![allow(dead_code, unreachable_pub, missing_docs)] // shared by test binaries, each of which uses its part

use super::support::{POSIX, Place, key, path, patience};
use promshm_segment::layout::{Half, HalfHead, Header};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    mem::offset_of,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
};

/// Values that break things: all ones, counts of 2^63, offsets just out of range, not-a-numbers.
pub const EVIL: [u64; 12] = [
    0,
    1,
    8,
    0x53,
    4096,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    1 << 63,
    0x7ff4_7073_686d_0001,
    0x7ff8_0000_0000_0000,
    u64::MAX,
];

/// A segment mapped for writing without checks.
pub struct Raw {
    base: *mut u64,
    pub bytes: usize,
    id: u64,
}

impl Raw {
    pub fn open(place: &Place) -> Self {
        let (id, bytes) = (id_of(place), place.config.size as usize);
        // SAFETY: the kernel chooses a free address.
        let base = unsafe {
            if POSIX {
                let file = std::fs::File::options().read(true).write(true).open(path(place)).unwrap();
                let both = libc::PROT_READ | libc::PROT_WRITE;
                libc::mmap(std::ptr::null_mut(), bytes, both, libc::MAP_SHARED, file.as_raw_fd(), 0)
            } else {
                libc::shmat(id as i32, std::ptr::null(), 0)
            }
        };
        assert_ne!(base.addr(), usize::MAX, "the segment can be mapped");
        Self { base: base.cast(), bytes, id }
    }

    /// Whether the key still leads to this segment.
    pub fn is_current(&self, place: &Place) -> bool {
        self.id == id_of(place)
    }

    pub fn words(&self) -> usize {
        self.bytes / 8
    }

    pub fn get(&self, offset: usize) -> u64 {
        assert!(offset < self.bytes && offset.is_multiple_of(8), "{offset}");
        // SAFETY: inside the mapping and aligned, as just checked.
        unsafe { self.base.add(offset / 8).read_volatile() }
    }

    pub fn set(&self, offset: usize, value: u64) {
        assert!(offset < self.bytes && offset.is_multiple_of(8), "{offset}");
        // SAFETY: inside the mapping and aligned, as just checked.
        unsafe { self.base.add(offset / 8).write_volatile(value) }
    }

    pub fn image(&self) -> Vec<u64> {
        (0..self.words()).map(|at| self.get(8 * at)).collect()
    }

    /// Restores its contents.
    pub fn restore(&self, image: &[u64]) {
        assert!(image.len() <= self.words());
        // SAFETY: the mapping is at least as long as the image, and nobody else uses it now.
        unsafe { self.base.copy_from_nonoverlapping(image.as_ptr(), image.len()) }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: base came from shmat or mmap, and nobody uses it after this.
        unsafe {
            if POSIX { libc::munmap(self.base.cast(), self.bytes) } else { libc::shmdt(self.base.cast()) }
        };
    }
}

fn id_of(place: &Place) -> u64 {
    if POSIX {
        return std::fs::metadata(path(place)).map_or(0, |found| found.ino());
    }
    // SAFETY: no pointers are passed.
    unsafe { libc::shmget(key(place), 0, 0) as u64 }
}

/// The offset of a header field.
pub const SLOTS_HIGH: usize = offset_of!(Header, slots_high);
pub const SEMAPHORES: usize = offset_of!(Header, semaphores);
pub const PHASE: usize = offset_of!(Header, phase);

/// The offset of a word in the head of a half.
pub fn space(half: &Half) -> usize {
    half.space() as usize
}

/// The offset of the map of a half's index.
pub fn index_map(half: &Half) -> usize {
    half.head as usize + offset_of!(HalfHead, index_map)
}

/// A random sequence that is the same in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) ^ mixed >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Counts what each thread has allocated.
pub struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator; counting touches no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NOW.set(NOW.get() + layout.size() as isize);
        PEAK.set(PEAK.get().max(NOW.get()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.set(NOW.get() - layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

/// The most bytes that `work` had allocated at one time.
pub fn peak_of(work: impl FnOnce()) -> usize {
    let before = NOW.get();
    PEAK.set(before);
    work();
    (PEAK.get() - before).unsigned_abs()
}

/// Kills this process if it hangs.
pub fn watchdog() {
    // SAFETY: no pointers are passed.
    unsafe { libc::alarm(patience()) };
}
