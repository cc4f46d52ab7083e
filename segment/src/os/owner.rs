//! Whose a segment is, as far as nobody can forge it.

/// Whose a segment is, as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Who owns it. The owner of System V memory may name anybody here.
    pub uid: u32,
    /// Who made it, and may do with it what the owner may. The same as `uid` for POSIX objects.
    pub creator: u32,
    /// A group that the owner cannot choose freely: the maker's own of System V memory, whose group its owner
    /// may set to any, and the object's of a POSIX one.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}
