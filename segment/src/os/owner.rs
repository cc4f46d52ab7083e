//! The owner of a segment, by those of the kernel's fields that cannot be forged.

/// The owner of a segment, as reported by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The owning user. The owner of System V memory may set any user here.
    pub uid: u32,
    /// The user that created it and has the owner's rights. Equal to `uid` for POSIX objects.
    pub creator: u32,
    /// A group that the owner cannot choose freely. For System V memory the creator's group, because the
    /// owner may set the owning group to any; for a POSIX object the object's group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}
