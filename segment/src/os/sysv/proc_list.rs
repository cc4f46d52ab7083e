//! The kernel's public list of segments: it shows owner and mode of segments that we may not read.

use crate::os::Inspection;
use std::{collections::HashSet, fs::File, io::Read};

const LIST: &str = "/proc/sysvipc/shm";

/// Most bytes of the list that are read: the kernel's default is room for 4,096 segments in a namespace.
const MOST_BYTES: u64 = 1 << 20;

/// The segment under that key.
pub(crate) fn listed(key: i32) -> Option<Inspection> {
    let list = std::fs::read_to_string(LIST).ok()?;
    list.lines().skip(1).find_map(|line| parse(line, key))
}

/// Segments that were removed, and are still mapped.
pub(crate) fn without_key() -> impl Iterator<Item = Inspection> {
    let list = std::fs::read_to_string(LIST).unwrap_or_default();
    let lines: Vec<_> = list.lines().skip(1).filter_map(|line| parse(line, 0)).collect();
    lines.into_iter()
}

/// Bytes of a segment that are resident or swapped out.
pub(crate) fn resident(id: i32) -> Option<u64> {
    let list = std::fs::read_to_string(LIST).ok()?;
    list.lines().skip(1).find_map(|line| parse_resident(line, id))
}

/// The ids of segments that have memory, resident or swapped out; `None` if the list cannot be read or is longer than
/// what is read of it.
pub(crate) fn with_memory() -> Option<HashSet<i32>> {
    let mut list = String::new();
    let read = File::open(LIST).ok()?.take(MOST_BYTES).read_to_string(&mut list).ok()?;
    let (mut ids, mut is_told) = (HashSet::new(), true);
    for line in list.lines().skip(1) {
        match resident_of(line) {
            Some((id, bytes)) if bytes > 0 => drop(ids.insert(id)),
            Some(_) => {}
            None => is_told = false,
        }
    }
    (is_told && (read as u64) < MOST_BYTES).then_some(ids)
}

/// Columns: … atime dtime ctime rss swap, after those of [`parse`].
fn parse_resident(line: &str, id: i32) -> Option<u64> {
    resident_of(line).filter(|(found, _)| *found == id).map(|(_, bytes)| bytes)
}

fn resident_of(line: &str) -> Option<(i32, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [rss, swap] = [14, 15].map(|at| fields.get(at)?.parse::<u64>().ok());
    Some((fields.get(1)?.parse().ok()?, rss? + swap?))
}

/// Columns: key shmid perms size cpid lpid nattch uid gid cuid cgid …
fn parse(line: &str, key: i32) -> Option<Inspection> {
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
        attached: nattch.parse().ok(),
        creator_pid: cpid.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_list_of_the_kernel_is_parsed() {
        let line = "1886612785 3 640 268435456 10 12 2 33 44 33 44 1 2 3 4096 0";
        let seen = parse(line, 1_886_612_785).unwrap();
        assert_eq!((seen.id, seen.size, seen.mode), (3, 268_435_456, 0o640));
        assert_eq!((seen.uid, seen.gid, seen.attached, seen.creator_pid), (33, 44, Some(2), 10));
        assert_eq!(parse(line, 1), None);
        assert_eq!(parse("short", 1), None);
        assert_eq!((parse_resident(line, 3), parse_resident(line, 4)), (Some(4096), None));
        assert_eq!(parse_resident("1886612785 3", 3), None);
    }
}
