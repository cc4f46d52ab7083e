//! Which processes there are, and in which IPC namespaces.
//!
//! A look at a process costs a system call that resolves a path, so those that are known are not looked at again. A
//! process is known by its number and the inode of its folder in /proc, which the kernel hands out with the list: the
//! next process of that number has another inode. It may change its namespace, as what starts containers does, so it
//! is looked at in its first polls, and seldom after.

use super::process;
use nix::{dir::Dir, errno::Errno, fcntl::OFlag, sys::stat::Mode};
use promshm_segment::order;
use std::{collections::HashMap, path::Path};

/// In so many lists a process is looked at first, and then in one of [`SELDOM`].
const FRESH: u64 = 3;
const SELDOM: u64 = 4;

/// The processes, as of the last list.
#[derive(Debug, Default)]
pub(super) struct Scan {
    known: HashMap<u32, Known>,
    /// One process of each namespace, the longest known one: its number and the inode of its folder.
    witnesses: HashMap<u64, (u32, u64)>,
    lists: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// Of its folder.
    inode: u64,
    /// Of its IPC namespace; `None` if that is not told.
    namespace: Option<u64>,
    /// The list that saw it first.
    since: u64,
}

/// What a list has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How many processes each namespace has.
    pub(super) members: HashMap<u64, usize>,
    /// Processes that were looked at and are new in their namespace: those and their namespaces.
    pub(super) fresh: Vec<(u32, u64)>,
    /// Processes that were looked at for the first time and may not be.
    pub(super) forbidden: u64,
    pub(super) processes: usize,
}

impl Scan {
    /// Lists the processes but `own`. `looks_at_all`: also at those that are known.
    pub(super) fn list(&mut self, proc: &Path, own: u32, looks_at_all: bool) -> Result<Found, Errno> {
        self.lists += 1;
        let folder = Dir::open(proc, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut former = std::mem::take(&mut self.known);
        let mut found = Found::default();
        for entry in folder.into_iter().flatten() {
            let pid = entry.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok());
            let Some(pid) = pid.filter(|pid| *pid != own) else { continue };
            let former = former.remove(&pid).filter(|known| known.inode == entry.ino());
            let is_due = former.is_none_or(|known| looks_at_all || self.is_due(pid, known));
            let Some(known) = (if is_due { self.look(proc, pid, entry.ino(), former) } else { former })
            else {
                continue;
            };
            found.note(pid, known, former);
            self.known.insert(pid, known);
        }
        self.choose_witnesses();
        Ok(found)
    }

    fn choose_witnesses(&mut self) {
        let mut since = HashMap::new();
        self.witnesses.clear();
        for (pid, known) in &self.known {
            let Some(namespace) = known.namespace else { continue };
            let age = (known.since, *pid);
            if since.get(&namespace).is_none_or(|oldest| age < *oldest) {
                since.insert(namespace, age);
                self.witnesses.insert(namespace, (*pid, known.inode));
            }
        }
    }

    /// Whether a namespace may have lost its last process since the last list.
    pub(super) fn has_lost_any(&self, proc: &Path) -> bool {
        self.witnesses.values().any(|(pid, inode)| process::inode(proc, *pid, "") != Ok(*inode))
    }

    /// How many processes there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn is_due(&self, pid: u32, known: Known) -> bool {
        self.lists - known.since < FRESH || (self.lists + u64::from(pid)).is_multiple_of(SELDOM)
    }

    /// `None` if it has ended.
    fn look(&self, proc: &Path, pid: u32, inode: u64, former: Option<Known>) -> Option<Known> {
        let since = former.map_or(self.lists, |known| known.since);
        match process::inode(proc, pid, "ns/ipc") {
            Ok(namespace) => Some(Known { inode, namespace: Some(namespace), since }),
            Err(Errno::EACCES | Errno::EPERM) => Some(Known { inode, namespace: None, since }),
            Err(_) => None,
        }
    }

    /// The processes of a namespace, the last started first.
    pub(super) fn members(&self, namespace: u64) -> Vec<u32> {
        let of_it = self.known.iter().filter(|(_, known)| known.namespace == Some(namespace));
        let mut pids: Vec<_> = of_it.map(|(pid, known)| (known.since, *pid)).collect();
        order::sort_elements(&mut pids, &|one, other| other.cmp(one));
        pids.into_iter().map(|(_, pid)| pid).collect()
    }
}

impl Found {
    fn note(&mut self, pid: u32, known: Known, former: Option<Known>) {
        self.processes += 1;
        let Some(namespace) = known.namespace else {
            self.forbidden += u64::from(former.is_none());
            return;
        };
        *self.members.entry(namespace).or_default() += 1;
        if former.is_none_or(|former| former.namespace != known.namespace) {
            self.fresh.push((pid, namespace));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::process::Process;
    use std::process::{Command, Stdio};

    #[test]
    fn processes_are_found_once_and_forgotten_when_they_end() {
        let (mut scan, proc) = (Scan::default(), Path::new("/proc"));
        let own = Process::open(proc, std::process::id()).and_then(|me| me.ipc_inode()).expect("Linux");
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("a child");
        let first = scan.list(proc, 0, false).expect("a list");
        assert!(first.fresh.contains(&(child.id(), own)) && scan.members(own).contains(&child.id()));
        assert!(first.members[&own] >= 2 && first.processes >= first.members[&own]);
        let second = scan.list(proc, 0, true).expect("a list");
        assert!(!second.fresh.contains(&(child.id(), own)), "known");
        child.kill().expect("a child");
        child.wait().expect("a child");
        scan.list(proc, 0, false).expect("a list");
        assert!(!scan.members(own).contains(&child.id()));
        let without_own = scan.list(proc, std::process::id(), false).expect("a list");
        assert!(!scan.members(own).contains(&std::process::id()), "{without_own:?}");
    }

    #[test]
    fn a_known_process_is_looked_at_first_often_and_then_seldom() {
        let mut scan = Scan { lists: 10, ..Scan::default() };
        let known = Known { inode: 1, namespace: Some(1), since: 10 };
        let looks = (10..10 + 4 * SELDOM).filter(|list| {
            scan.lists = *list;
            scan.is_due(7, known)
        });
        let looks: Vec<u64> = looks.collect();
        assert_eq!(&looks[..3], [10, 11, 12]);
        assert_eq!(looks[3..].len(), 4, "{looks:?}");
    }

    #[test]
    fn the_end_of_a_namespaces_oldest_process_is_noticed() {
        let (mut scan, proc) = (Scan::default(), Path::new("/proc"));
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().expect("a child");
        let folder = Process::open(proc, child.id()).expect("held, so its inode stays");
        let inode = process::inode(proc, child.id(), "").expect("a child");
        let known = |since| Known { inode, namespace: Some(1), since };
        scan.known = HashMap::from([(child.id(), known(1)), (u32::MAX, known(2))]);
        scan.choose_witnesses();
        assert!(!scan.has_lost_any(proc), "others do not matter");
        child.kill().expect("a child");
        child.wait().expect("a child");
        assert!(scan.has_lost_any(proc));
        drop(folder);
    }
}
