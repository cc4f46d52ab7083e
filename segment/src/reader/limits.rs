//! How much of a segment is read, for readers of segments that strangers have made.

/// Limits of one segment. The defaults are those of a reader that belongs to the segment's own application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Most series. Further ones are left out until a generation begins.
    pub series: u64,
    /// Most families, those without a series included. Further ones are left out until a generation begins.
    pub families: u64,
    /// Most bytes of records and pages that are read, and about the most that is kept of them.
    pub bytes: u64,
    /// Most bytes of address space.
    pub address_space: u64,
    /// Most bytes that get memory because they are read: a hole of a System V segment does, and the reader's control
    /// group pays for it.
    pub filled: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            series: u64::MAX,
            families: u64::MAX,
            bytes: u64::MAX,
            address_space: u64::MAX,
            filled: 64 << 20,
        }
    }
}

/// Which limits left out a part of the segment in the last scrape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limited {
    /// [`ReadLimits::series`].
    pub by_series: bool,
    /// [`ReadLimits::families`].
    pub by_families: bool,
    /// [`ReadLimits::bytes`].
    pub by_bytes: bool,
}

impl Limited {
    /// Which limits left out a part of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            by_series: self.by_series || other.by_series,
            by_families: self.by_families || other.by_families,
            by_bytes: self.by_bytes || other.by_bytes,
        }
    }
}
