//! How the C library keeps freed memory.
#![allow(unsafe_code)]

/// From now on each freed block of 128 KiB or more goes back to the kernel at once.
///
/// glibc begins so, but takes the size of each large block that is freed, up to 32 MiB, as the next limit: then each
/// thread's heap keeps as much, and twice that of what lies at its end. A program that makes pages of several megabytes
/// would hold each of them several times. For programs alone: it is the whole process's.
pub fn return_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets numbers of the allocator, and takes its lock.
    let _is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 << 10;
