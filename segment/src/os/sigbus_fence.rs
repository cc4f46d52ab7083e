//! Survives memory that is taken away: an access beyond the end of a truncated object, or to a huge page that the
//! system does not have, otherwise kills the process with SIGBUS.
//!
//! The handler maps zeros over the whole mapping and marks it as lost, so the read continues and its result
//! is discarded. Copying the segment by `pread` or `process_vm_readv` would survive too, but would cost each
//! scrape a copy of all used bytes; this costs nothing while no object is truncated.
//!
//! Only for programs that ask for it ([`survive_truncation`]): a library should not change a process's signal
//! handlers.
#![allow(unsafe_code)]

use crate::memory::atomic::Word;
use nix::{
    errno::Errno,
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
};
use std::{
    ffi::{c_int, c_void},
    ptr::NonNull,
    sync::OnceLock,
};

/// Mappings that can be protected at a time. Further ones are refused.
const MOST: usize = 4096;

/// One protected mapping. All 0 while unused.
struct ProtectedRange {
    first: Word,
    /// Set last, and cleared first.
    end: Word,
    lost: Word,
}

static PLACES: [ProtectedRange; MOST] =
    [const { ProtectedRange { first: Word::new(0), end: Word::new(0), lost: Word::new(0) } }; MOST];

/// The previous SIGBUS handler.
static FORMER: OnceLock<SigAction> = OnceLock::new();

/// From now on this process survives the truncation of an object that it reads.
///
/// # Errors
/// The kernel's error.
pub fn survive_truncation() -> Result<(), Errno> {
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let ours = SigAction::new(SigHandler::SigAction(handle), flags, SigSet::empty());
    // SAFETY: the handler only makes system calls and uses atomics, and fits any stack.
    let former = unsafe { sigaction(Signal::SIGBUS, &ours)? };
    let _only_the_first = FORMER.set(former);
    Ok(())
}

/// Protects a mapping until it is dropped, which must happen before the mapping ends.
#[derive(Debug)]
pub(super) struct Fence(&'static ProtectedRange);

impl std::fmt::Debug for ProtectedRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProtectedRange")
    }
}

impl Fence {
    /// `None` in a process that has not asked for protection.
    ///
    /// # Errors
    /// `ENOMEM` if the process has too many mappings.
    pub(super) fn around(base: NonNull<c_void>, bytes: usize) -> Result<Option<Self>, Errno> {
        if FORMER.get().is_none() {
            return Ok(None);
        }
        let first = base.as_ptr().addr();
        let is_free = |place: &&ProtectedRange| {
            place.first.load_relaxed() == 0 && place.first.compare_exchange(0, first as u64).is_ok()
        };
        let place = PLACES.iter().find(is_free).ok_or(Errno::ENOMEM)?;
        place.lost.store_relaxed(0);
        place.end.store_release((first + bytes.next_multiple_of(4096)) as u64);
        Ok(Some(Self(place)))
    }

    /// Whether the object was truncated: then the data read from it is invalid.
    pub(super) fn is_lost(&self) -> bool {
        self.0.lost.load_acquire() != 0
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.0.end.store_release(0);
        self.0.first.store_release(0);
    }
}

extern "C" fn handle(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel fills the structure for a handler with SA_SIGINFO.
    let at = unsafe { (*info).si_addr() }.addr() as u64;
    let is_inside =
        |place: &&ProtectedRange| (place.first.load_relaxed()..place.end.load_acquire()).contains(&at);
    let survived = PLACES.iter().find(is_inside).is_some_and(|place| {
        place.lost.store_release(1);
        put_zeros(place)
    });
    if let (false, Some(former)) = (survived, FORMER.get()) {
        // The access is repeated, fails again, and reaches the previous handler.
        // SAFETY: the action is the one that the kernel returned.
        let _cannot_fail = unsafe { sigaction(Signal::SIGBUS, former) };
    }
}

/// Replaces a mapping by zeros, so that its owner may use and unmap it as before.
fn put_zeros(place: &ProtectedRange) -> bool {
    let (first, end) = (place.first.load_relaxed(), place.end.load_relaxed());
    let both = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
    // SAFETY: the range is one mapping of ours, whose owner waits for this handler or reads zeros from now
    // on.
    let mapped = unsafe {
        let at = std::ptr::without_provenance_mut(first as usize);
        libc::mmap(at, (end - first) as usize, both, flags, -1, 0)
    };
    mapped != libc::MAP_FAILED
}
