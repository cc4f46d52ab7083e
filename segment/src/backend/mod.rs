//! How the kernel's objects are made, found and removed.

pub mod sysv;
