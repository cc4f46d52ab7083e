//! A process-wide table of the descriptors that hold slots. A forked child has to close them at once;
//! otherwise its parent would look alive for as long as the child lives.
#![allow(unsafe_code)]

use crate::memory::atomic::Word;
use nix::errno::Errno;
use std::{
    mem::ManuallyDrop,
    os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd},
};

/// Slots that the threads of a process can hold at a time; a segment has no more.
const MOST: usize = 1024;

/// Each is 0, or a claim's number << 32 | a descriptor + 1. Without a lock, because another thread may fork
/// at any moment.
static HELD: [Word; MOST] = [const { Word::new(0) }; MOST];

/// A descriptor that holds a slot until it is closed, by its owner, a fork or the end of the process.
/// Dropping this does not close it: a slot outlives its `Writer`, as it does with semaphores.
#[derive(Debug)]
pub(super) struct ForkGuard {
    place: &'static Word,
    value: u64,
}

impl ForkGuard {
    /// Takes ownership of a descriptor.
    pub(super) fn keep(file: OwnedFd) -> Result<Self, Errno> {
        close_in_forked_children()?;
        let value = crate::memory::atomic::next_id() << 32 | (file.as_raw_fd() as u64 + 1);
        let place =
            HELD.iter().find(|place| place.compare_exchange(0, value).is_ok()).ok_or(Errno::EMFILE)?;
        let _kept = file.into_raw_fd();
        Ok(Self { place, value })
    }

    /// The descriptor, if it is still open.
    pub(super) fn file(&self) -> Option<ManuallyDrop<OwnedFd>> {
        // SAFETY: the place has this value as long as the descriptor is open.
        (self.place.load_relaxed() == self.value)
            .then(|| ManuallyDrop::new(unsafe { descriptor(self.value) }))
    }

    /// Closes the descriptor.
    pub(super) fn close(self) {
        // In a forked child the place is empty, or used for another descriptor by now.
        if self.place.compare_exchange(self.value, 0).is_ok() {
            // SAFETY: nobody else finds this value, so nobody else closes it.
            drop(unsafe { descriptor(self.value) });
        }
    }
}

/// # Safety
/// The descriptor in `value` is open and belongs to the caller.
unsafe fn descriptor(value: u64) -> OwnedFd {
    // SAFETY: guaranteed by the caller.
    unsafe { OwnedFd::from_raw_fd((value as u32 - 1) as RawFd) }
}

/// Installs the hook once for the process and its descendants, which inherit it.
fn close_in_forked_children() -> Result<(), Errno> {
    static DONE: Word = Word::new(0);
    if DONE.compare_exchange(0, 1).is_ok() {
        // SAFETY: the hook only makes system calls and stores. Where this code is part of a shared library,
        // the C library removes the hook when the library is unloaded.
        let refused = unsafe { libc::pthread_atfork(None, None, Some(close_all)) };
        if refused != 0 {
            DONE.store_release(0);
            return Err(Errno::from_raw(refused));
        }
    }
    Ok(())
}

unsafe extern "C" fn close_all() {
    for place in &HELD {
        let value = place.load_relaxed();
        if value != 0 && place.compare_exchange(value, 0).is_ok() {
            // SAFETY: the child has one thread, and inherited from its parent the right to close this one.
            drop(unsafe { descriptor(value) });
        }
    }
}
