//! Why a segment cannot be read or written: data for callers. What people read about it, and what they can do,
//! is worded where it is shown; `Display` only names the fact.

use crate::config::SegmentName;
use nix::errno::Errno;
use thiserror::Error;

/// Why a segment cannot be read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is no segment of this name.
    #[error("no segment {name}")]
    Absent {
        /// The segment.
        name: SegmentName,
    },
    /// The segment's mode does not allow this process's access.
    #[error("no permission to read segment {name}")]
    NoPermission {
        /// The segment.
        name: SegmentName,
        /// Uid of its owner.
        uid: u32,
        /// Its gid.
        gid: u32,
        /// Its permission bits.
        mode: u32,
    },
    /// The memory belongs to another program.
    #[error("segment {name} is another program's")]
    Foreign {
        /// The segment.
        name: SegmentName,
    },
    /// The segment has another layout version.
    #[error("segment {name} has layout version {found}, not {known}")]
    Version {
        /// The segment.
        name: SegmentName,
        /// The segment's layout version.
        found: u32,
        /// The layout version that this program knows.
        known: u32,
    },
    /// The segment is being created. If this lasts, the memory is another program's, or the creator died.
    #[error("segment {name} is being created")]
    NotReady {
        /// The segment.
        name: SegmentName,
    },
    /// The segment was replaced or wiped; the caller must attach again.
    #[error("segment {name} was retired")]
    Retired {
        /// The segment.
        name: SegmentName,
    },
    /// The segment is smaller than its header says, or than its settings need.
    #[error("segment {name} has {actual} bytes instead of {claimed}")]
    Short {
        /// The segment.
        name: SegmentName,
        /// The size that it has, in bytes.
        actual: u64,
        /// The size that it should have, in bytes.
        claimed: u64,
    },
    /// The segment takes more than the reader's limits allow.
    #[error("segment {name} takes {bytes} bytes, and the limit is {limit}")]
    TooLarge {
        /// The segment.
        name: SegmentName,
        /// Its size, in bytes.
        bytes: u64,
        /// The limit that it exceeds, in bytes.
        limit: u64,
    },
    /// Generations of series follow each other faster than one of them can be read.
    #[error("generations of segment {name} follow each other too fast")]
    Unsteady {
        /// The segment.
        name: SegmentName,
    },
    /// Any other error of a system call.
    #[error("segment {name}: {call} failed: {error}")]
    Os {
        /// The segment.
        name: SegmentName,
        /// The system call.
        call: &'static str,
        /// Its error.
        error: Errno,
    },
}

/// Why a process cannot write to a segment.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum AttachError {
    /// The existing segment cannot be used.
    #[error(transparent)]
    Unusable(ReadError),
    /// This process has no permission to write to the segment.
    #[error("no permission to write segment {name}")]
    NoPermission {
        /// The segment.
        name: SegmentName,
        /// Uid of its owner.
        uid: u32,
        /// Its gid.
        gid: u32,
        /// Its permission bits.
        mode: u32,
        /// This process's effective uid.
        me: u32,
    },
    /// The configured size is too small for the other settings.
    #[error("a size of {size} bytes is less than the {needed} bytes that the other settings need")]
    TooSmall {
        /// The configured size, in bytes.
        size: u64,
        /// The smallest size that the settings allow, in bytes.
        needed: u64,
    },
    /// The kernel refuses to create the segment.
    #[error("the kernel refuses segment {name} of {size} bytes: {error}")]
    Refused {
        /// The segment.
        name: SegmentName,
        /// The configured size, in bytes.
        size: u64,
        /// The kernel's error.
        error: Errno,
    },
    /// The segment is marked retired, but this process may not remove it.
    #[error("segment {name} is retired, and only uid {uid} may remove it")]
    Stuck {
        /// The segment.
        name: SegmentName,
        /// Uid of its owner.
        uid: u32,
    },
    /// The segment was replaced again and again while this process tried to attach.
    #[error("segment {name} is replaced again and again")]
    Unstable {
        /// The segment.
        name: SegmentName,
    },
}
