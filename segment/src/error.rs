//! Why a segment cannot be read or written: data for callers, and the messages that people see.

use crate::config::SegmentName;
use nix::errno::Errno;
use thiserror::Error;

/// Why a segment cannot be read. The messages name the cause and the remedy.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is no segment of this name.
    #[error("no segment {name}: no worker has counted yet, or the workers run {}", name.elsewhere())]
    Absent {
        /// The segment.
        name: SegmentName,
    },
    /// The segment's mode does not allow this process's access.
    #[error(
        "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, which shuts this process out: \
         set promshm.mode=0640 and promshm.group to a group of this process, or run it as uid {uid}"
    )]
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
    #[error(
        "segment {name} is not promshm's: another program uses that {}; choose another one in promshm.segment \
         and --segment",
        name.what()
    )]
    Foreign {
        /// The segment.
        name: SegmentName,
    },
    /// The segment has another layout version.
    #[error(
        "segment {name} has layout version {found}, this program knows version {known}: install extension and \
         exporter of the same release"
    )]
    Version {
        /// The segment.
        name: SegmentName,
        /// The segment's layout version.
        found: u32,
        /// The layout version that this program knows.
        known: u32,
    },
    /// The segment is being created.
    #[error(
        "segment {name} is being created; if this lasts, its memory is another program's, or its creator died: \
         let a worker count, or remove it (ipcrm -M with that key)"
    )]
    NotReady {
        /// The segment.
        name: SegmentName,
    },
    /// The segment was replaced or wiped; the caller must attach again.
    #[error("segment {name} was retired, and its successor is not there yet")]
    Retired {
        /// The segment.
        name: SegmentName,
    },
    /// The segment is smaller than its header says, or than its settings need.
    #[error(
        "segment {name} has {actual} bytes, but its header needs {claimed}: remove it (promshm-exporter rm) and \
         restart the workers"
    )]
    Short {
        /// The segment.
        name: SegmentName,
        /// The size that it has, in bytes.
        actual: u64,
        /// The size that it should have, in bytes.
        claimed: u64,
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

/// Why a process cannot write to a segment. The messages are shown to PHP programmers unchanged.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum AttachError {
    /// The existing segment cannot be used.
    #[error("{0}")]
    Unusable(ReadError),
    /// This process has no permission to write to the segment.
    #[error(
        "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, and may not be written by this \
         process (uid {me}): run all workers as one user, or set promshm.mode=0660 and promshm.group to a \
         group they share, then remove the segment (promshm-exporter rm)"
    )]
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
    #[error(
        "promshm.size is {size} bytes, but promshm.max_series and promshm.max_processes need at least {needed}"
    )]
    TooSmall {
        /// The configured size, in bytes.
        size: u64,
        /// The smallest size that the settings allow, in bytes.
        needed: u64,
    },
    /// The kernel refuses to create the segment.
    #[error("the kernel refuses segment {name} of {size} bytes ({error}): {}", name.mend(*error))]
    Refused {
        /// The segment.
        name: SegmentName,
        /// The configured size, in bytes.
        size: u64,
        /// The kernel's error.
        error: Errno,
    },
    /// The segment is marked retired, but this process may not remove it.
    #[error(
        "segment {name} is retired and uid {uid} alone may remove it: run `promshm-exporter rm` as that user"
    )]
    Stuck {
        /// The segment.
        name: SegmentName,
        /// Uid of its owner.
        uid: u32,
    },
    /// The segment was replaced again and again while this process tried to attach.
    #[error("segment {name} is replaced again and again: two programs use that {}", name.what())]
    Unstable {
        /// The segment.
        name: SegmentName,
    },
}
