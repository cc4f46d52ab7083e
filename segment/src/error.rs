//! Why a segment cannot be read or counted into: data for callers, and the texts that people are shown.

use crate::config::SegmentName;
use nix::errno::Errno;
use thiserror::Error;

/// Why there is nothing to read. The texts name cause and mend.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// No segment of that name.
    #[error("no segment {name}: no worker has counted yet, or the workers run {}", name.elsewhere())]
    Absent {
        /// The segment.
        name: SegmentName,
    },
    /// The segment's mode does not let this process do what it wants.
    #[error(
        "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, which shuts this process out: \
         set promshm.mode=0640 and promshm.group to a group of this process, or run it as uid {uid}"
    )]
    NoPermission {
        /// The segment.
        name: SegmentName,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else's memory.
    #[error(
        "segment {name} is not promshm's: another program uses that {}; choose another one in promshm.segment \
         and --segment",
        name.what()
    )]
    Foreign {
        /// The segment.
        name: SegmentName,
    },
    /// Written by another version.
    #[error(
        "segment {name} has layout version {found}, this program knows version {known}: install extension and \
         exporter of the same release"
    )]
    Version {
        /// The segment.
        name: SegmentName,
        /// The segment's layout version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Being created.
    #[error(
        "segment {name} is being created; if this lasts, its memory is another program's, or its creator died: \
         let a worker count, or remove it (ipcrm -M with that key)"
    )]
    NotReady {
        /// The segment.
        name: SegmentName,
    },
    /// Replaced or wiped; attach again.
    #[error("segment {name} was retired, and its successor is not there yet")]
    Retired {
        /// The segment.
        name: SegmentName,
    },
    /// Smaller than its header says, or than its settings need.
    #[error(
        "segment {name} has {actual} bytes, but its header needs {claimed}: remove it (promshm-exporter rm) and \
         restart the workers"
    )]
    Short {
        /// The segment.
        name: SegmentName,
        /// Bytes there are.
        actual: u64,
        /// Bytes there should be.
        claimed: u64,
    },
    /// Anything else the kernel said.
    #[error("segment {name}: {call} failed: {error}")]
    Os {
        /// The segment.
        name: SegmentName,
        /// The system call.
        call: &'static str,
        /// What it said.
        error: Errno,
    },
}

/// Why a process cannot count. The texts are shown to PHP programmers as they are.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum AttachError {
    /// The existing segment cannot be used.
    #[error("{0}")]
    Unusable(ReadError),
    /// May not be written by this process.
    #[error(
        "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, and may not be written by this \
         process (uid {me}): run all workers as one user, or set promshm.mode=0660 and promshm.group to a \
         group they share, then remove the segment (promshm-exporter rm)"
    )]
    NoPermission {
        /// The segment.
        name: SegmentName,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its permission bits.
        mode: u32,
        /// This process's effective user.
        me: u32,
    },
    /// The settings ask for more than fits.
    #[error(
        "promshm.size is {size} bytes, but promshm.max_series and promshm.max_processes need at least {needed}"
    )]
    TooSmall {
        /// As configured.
        size: u64,
        /// At least.
        needed: u64,
    },
    /// The kernel has no room for another segment.
    #[error("the kernel refuses segment {name} of {size} bytes ({error}): {}", name.mend(*error))]
    Refused {
        /// The segment.
        name: SegmentName,
        /// As configured.
        size: u64,
        /// What the kernel said.
        error: Errno,
    },
    /// Marked retired, but this process may not remove it.
    #[error(
        "segment {name} is retired and uid {uid} alone may remove it: run `promshm-exporter rm` as that user"
    )]
    Stuck {
        /// The segment.
        name: SegmentName,
        /// Its owner.
        uid: u32,
    },
    /// Segments came and went faster than we could attach one.
    #[error("segment {name} is replaced again and again: two programs use that {}", name.what())]
    Unstable {
        /// The segment.
        name: SegmentName,
    },
}
