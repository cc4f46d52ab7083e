//! Mapped memory: the atomics that all access goes through, bounds-checked views of a mapping, and which of
//! its pages have memory behind them.

pub mod atomic;
#[cfg(loom)]
mod loom;
pub(crate) mod mapping;
pub(crate) mod residency;
#[cfg(not(loom))]
pub(crate) mod rings;
pub(crate) mod view;
