//! How the kernel's objects are made, found and removed.

pub(crate) mod sysv;

use crate::{
    config::SegmentName,
    layout::{MAGIC, PAGE, RETIRED, header},
    reader::ReadError,
    region::Region,
};
use nix::errno::Errno;
use sysv::{Semaphores, SharedMemory};

/// What can be known of a segment from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspection {
    /// The kernel's id for it.
    pub id: i32,
    /// Address space, in bytes.
    pub size: u64,
    /// Owning user.
    pub uid: u32,
    /// Owning group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// Attachments right now.
    pub attached: u64,
    /// The process that created it, 0 if it is in another PID namespace.
    pub creator_pid: i32,
}

/// Looks at a segment without mapping it; works without permission to read it.
pub fn inspect(name: &SegmentName) -> Result<Inspection, ReadError> {
    let SegmentName::Sysv(key) = *name;
    let memory = SharedMemory::find(key).map_err(|error| read_error(*name, "shmget", error))?;
    match memory.stat() {
        Ok(stat) => Ok(Inspection {
            id: memory.0,
            size: stat.size,
            uid: stat.uid,
            gid: stat.gid,
            mode: stat.mode,
            attached: stat.attached,
            creator_pid: stat.creator_pid,
        }),
        Err(Errno::EACCES) => listed(key).ok_or(ReadError::Absent { name: *name }),
        Err(error) => Err(read_error(*name, "shmctl", error)),
    }
}

/// All promshm segments of the IPC namespace that this process may read, by key. Whether they are in
/// order is for the reader to find out.
pub fn discover() -> Result<Vec<SegmentName>, Errno> {
    let mut keys = SharedMemory::readable()?;
    keys.retain(|(_, memory)| memory.attach(true).is_ok_and(|region| is_ours(&region)));
    keys.sort_unstable_by_key(|(key, _)| key.cast_unsigned());
    Ok(keys.into_iter().map(|(key, _)| SegmentName::Sysv(key)).collect())
}

/// Whether memory begins with promshm's mark, whatever the version.
fn is_ours(region: &Region) -> bool {
    region.bytes() >= PAGE && region.head(header!(identity)).observe() >> 32 == MAGIC
}

/// The kernel's public list tells owner and mode of what we may not read.
fn listed(key: i32) -> Option<Inspection> {
    let list = std::fs::read_to_string("/proc/sysvipc/shm").ok()?;
    list.lines().skip(1).find_map(|line| parse_listed(line, key))
}

/// Columns: key shmid perms size cpid lpid nattch uid gid cuid cgid …
fn parse_listed(line: &str, key: i32) -> Option<Inspection> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [found, id, perms, size, cpid, _lpid, nattch, uid, gid, ..] = fields[..] else { return None };
    if found.parse() != Ok(key) {
        return None;
    }
    Some(Inspection {
        id: id.parse().ok()?,
        size: size.parse().ok()?,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        mode: u32::from_str_radix(perms, 8).ok()? & 0o777,
        attached: nattch.parse().ok()?,
        creator_pid: cpid.parse().ok()?,
    })
}

/// Removes a segment and its semaphores; workers that are attached attach a fresh one.
///
/// The header is marked retired first where we may write it, so that nobody counts into the old one.
/// Memory that is not promshm's is left alone.
pub fn remove(name: &SegmentName) -> Result<(), ReadError> {
    let SegmentName::Sysv(key) = *name;
    let failed = |call| move |error| read_error(*name, call, error);
    let memory = SharedMemory::find(key).map_err(failed("shmget"))?;
    check_owner(memory, *name)?;
    let region = memory.attach(false).map_err(failed("shmat"))?;
    if !is_ours(&region) {
        return Err(ReadError::Foreign { name: *name });
    }
    retire(&region, memory, key).map_err(failed("shmctl"))
}

/// Marks a segment as replaced and takes its keys away, in this order: whoever dies in between
/// leaves a segment that the next process recognises and removes.
pub(crate) fn retire(region: &Region, memory: SharedMemory, key: i32) -> Result<(), Errno> {
    region.head(header!(state)).publish(RETIRED); // pair: EPOCH, by the next line
    region.head(header!(epoch)).tally(1);
    let recorded = region.head(header!(semaphores)).observe();
    // A set that is not the recorded one may be somebody else's, and a segment that has lost its key
    // may have left the set to its successor: leave it.
    let has_key = SharedMemory::find(key) == Ok(memory);
    match Semaphores::find(key) {
        Ok(set) if has_key && recorded == set.0 as u64 + 1 => unless_gone(set.remove())?,
        _ => {}
    }
    unless_gone(memory.remove())
}

/// Somebody else may have been faster.
fn unless_gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::EINVAL | Errno::EIDRM) => Ok(()),
        other => other,
    }
}

/// Tells those who still count into a segment that somebody removed with `ipcrm -M`: they would never
/// look at the key. Its successor's creator finds it in the kernel's list and retires it.
pub(crate) fn retire_orphans(key: i32) {
    let list = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let orphans = list.lines().skip(1).filter_map(|line| parse_listed(line, 0));
    for orphan in orphans.filter(|orphan| orphan.size >= PAGE && orphan.attached > 0) {
        let Ok(region) = SharedMemory(orphan.id).attach(false) else { continue };
        let ours = is_ours(&region) && region.head(header!(key)).observe() == key_word(key);
        if ours && region.head(header!(state)).observe() != RETIRED {
            region.head(header!(state)).publish(RETIRED); // pair: EPOCH, by the next line
            region.head(header!(epoch)).tally(1);
        }
    }
}

/// A key as it stands in the header.
pub(crate) fn key_word(key: i32) -> u64 {
    u64::from(key.cast_unsigned()) + 1
}

/// Only the owner may take the key away; better to know before anything is marked.
pub(crate) fn check_owner(memory: SharedMemory, name: SegmentName) -> Result<(), ReadError> {
    let me = nix::unistd::geteuid();
    let stat = memory.stat().map_err(|error| read_error(name, "shmctl", error))?;
    if me.is_root() || me.as_raw() == stat.uid {
        return Ok(());
    }
    Err(ReadError::NoPermission { name, uid: stat.uid, gid: stat.gid, mode: stat.mode })
}

/// The kernel's answer in our words.
pub(crate) fn read_error(name: SegmentName, call: &'static str, error: Errno) -> ReadError {
    match error {
        Errno::ENOENT | Errno::EIDRM | Errno::EINVAL => ReadError::Absent { name },
        Errno::EACCES | Errno::EPERM => {
            let SegmentName::Sysv(key) = name;
            match listed(key) {
                Some(seen) => ReadError::NoPermission { name, uid: seen.uid, gid: seen.gid, mode: seen.mode },
                None => ReadError::Os { name, call, error },
            }
        }
        _ => ReadError::Os { name, call, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_is_understood() {
        let line = "1886612785 3 640 268435456 10 12 2 33 44 33 44 1 2 3 4096 0";
        let seen = parse_listed(line, 1_886_612_785).unwrap();
        assert_eq!((seen.id, seen.size, seen.mode), (3, 268_435_456, 0o640));
        assert_eq!((seen.uid, seen.gid, seen.attached, seen.creator_pid), (33, 44, 2, 10));
        assert_eq!(parse_listed(line, 1), None);
        assert_eq!(parse_listed("short", 1), None);
    }
}
