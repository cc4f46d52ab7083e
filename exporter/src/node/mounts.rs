//! Where the processes of an IPC namespace keep their objects: the /dev/shm of each of their mount namespaces.
//!
//! What starts a container enters its namespaces first and mounts in them afterwards, so each is looked at more than
//! once. A look at a folder may hang, so another thread does it. One thread does all looks of a poll, as long as none
//! hangs: on a node of hundreds of pods, which all become due in the same poll, a thread each cost ten times as much.

use super::{
    process::{FolderId, Process},
    visit::bounded_each,
};
use crate::self_metrics::Refusal;
use nix::errno::Errno;
use promshm_segment::os::Folder;
use std::{collections::HashMap, os::fd::OwnedFd, path::Path, time::Duration};

/// How long a look at a folder may take.
const LIMIT: Duration = Duration::from_millis(200);
/// Most mount namespaces of one IPC namespace that are looked at, and folders that are read.
const MOST_MOUNTS: usize = 64;
const MOST_FOLDERS: usize = 4;
/// A mount namespace is looked at again after 1, 2, 4 … polls, and then every so many.
const LONGEST_WAIT: u64 = 1024;

/// Which IPC namespace each folder was found in first: it is read there alone.
pub(super) type Owners = HashMap<FolderId, u64>;

/// The mount namespaces of an IPC namespace.
#[derive(Default)]
pub(super) struct Mounts {
    /// By their inodes.
    known: HashMap<u64, Mount>,
    folders: Vec<(FolderId, Folder)>,
    /// A look at a folder did not come back.
    hangs: bool,
}

struct Mount {
    /// The process of it that was seen last.
    pid: u32,
    /// The poll in which it is looked at again, and how many more pass until the next look.
    next: u64,
    wait: u64,
    /// What the last look met.
    refusal: Option<Refusal>,
}

/// A look at the /dev/shm of a process that is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// The IPC namespace.
    pub(super) namespace: u64,
    /// The mount namespace.
    mount: u64,
    pid: u32,
}

/// What a look has found.
pub(super) type Seen = Result<(FolderId, OwnedFd), Errno>;

impl Mounts {
    pub(super) fn folders(&self) -> Vec<Folder> {
        self.folders.iter().map(|(_, folder)| folder.clone()).collect()
    }

    /// Whether a mount namespace is known, or none is looked at any more.
    pub(super) fn knows(&self, inode: u64) -> bool {
        self.known.contains_key(&inode) || self.known.len() >= MOST_MOUNTS
    }

    /// Notes the mount namespace of a process that is new in the IPC namespace; returns the look at it, if one is needed.
    pub(super) fn add(&mut self, pid: u32, namespace: u64, proc: &Path, poll: u64) -> Option<Look> {
        let mount = Process::open(proc, pid).ok()?.mount_inode().ok()?;
        if let Some(known) = self.known.get_mut(&mount) {
            known.pid = pid;
            return None;
        }
        if self.known.len() >= MOST_MOUNTS {
            return None;
        }
        self.known.insert(mount, Mount { pid, next: poll + 1, wait: 2, refusal: None });
        self.has_room().then_some(Look { namespace, mount, pid })
    }

    /// The looks that are due. `members`: processes of the IPC namespace, asked for if one is needed in place of
    /// another that has ended or has moved.
    pub(super) fn due(
        &mut self,
        members: impl FnOnce() -> Vec<u32>,
        namespace: u64,
        proc: &Path,
        poll: u64,
    ) -> Vec<Look> {
        let due = self.known.iter().filter(|(_, mount)| mount.next <= poll);
        let due: Vec<u64> = due.map(|(inode, _)| *inode).collect();
        let (mut looks, mut is_incomplete) = (Vec::new(), self.known.is_empty());
        for inode in due {
            let Some(mount) = self.known.remove(&inode) else { continue };
            let look = Look { namespace, mount: inode, pid: mount.pid };
            if look.process(proc).is_err() {
                is_incomplete = true;
                continue;
            }
            self.known.insert(inode, mount.after(poll));
            looks.extend(self.has_room().then_some(look));
        }
        for pid in is_incomplete.then(members).into_iter().flatten().take(MOST_MOUNTS) {
            looks.extend(self.add(pid, namespace, proc, poll));
        }
        looks
    }

    /// Whether one more folder may be read.
    fn has_room(&self) -> bool {
        !self.hangs && self.folders.len() < MOST_FOLDERS
    }

    /// Notes what a look has found; `None` if it hangs. Returns what refused it, if that is new.
    pub(super) fn note(&mut self, look: Look, seen: Option<Seen>, owners: &mut Owners) -> Option<Refusal> {
        let refusal = match seen {
            None => {
                self.hangs = true;
                Some(Refusal::Folder)
            }
            Some(Err(Errno::EACCES | Errno::EPERM)) => Some(Refusal::Permission),
            Some(Err(Errno::ENOENT | Errno::ESRCH)) => None, // it has none, or has ended
            Some(Err(_)) => Some(Refusal::Folder),
            Some(Ok((id, folder))) => {
                let first = *owners.entry(id).or_insert(look.namespace);
                let is_new = self.folders.iter().all(|(known, _)| *known != id);
                if first == look.namespace && is_new && self.has_room() {
                    self.folders.push((id, Folder::of(folder)));
                }
                None
            }
        };
        let mount = self.known.get_mut(&look.mount)?;
        let before = std::mem::replace(&mut mount.refusal, refusal);
        refusal.filter(|_| refusal != before)
    }
}

impl Look {
    /// The process, if it is still in that mount namespace.
    fn process(self, proc: &Path) -> Result<Process, Errno> {
        let process = Process::open(proc, self.pid)?;
        if process.mount_inode()? == self.mount { Ok(process) } else { Err(Errno::ESRCH) }
    }
}

/// Does looks in their order, and returns for each what it has found, or `None` if it hangs, and the CPU time of all.
/// What hangs is the last look at its IPC namespace.
pub(super) fn look_at_all(proc: &Path, looks: Vec<Look>) -> (Vec<(Look, Option<Seen>)>, Duration) {
    let proc = proc.to_owned();
    do_all(LIMIT, looks, move |look| look.process(&proc)?.shm_folder())
}

fn do_all<T: Send + 'static>(
    limit: Duration,
    mut looks: Vec<Look>,
    do_one: impl Fn(&Look) -> T + Clone + Send + 'static,
) -> (Vec<(Look, Option<T>)>, Duration) {
    let (mut all, mut took) = (Vec::with_capacity(looks.len()), Duration::ZERO);
    while !looks.is_empty() {
        let (seen, so_far) = bounded_each(limit, looks.clone(), do_one.clone());
        took += so_far;
        let done = looks.drain(..seen.len());
        all.extend(done.zip(seen.into_iter().map(Some)));
        if let Some(hung) = looks.first().copied() {
            all.push((hung, None));
            looks.retain(|look| look.namespace != hung.namespace);
        }
    }
    (all, took)
}

impl Mount {
    fn after(self, poll: u64) -> Self {
        Self { next: poll + self.wait, wait: (2 * self.wait).min(LONGEST_WAIT), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::{self, ThreadId};

    /// Longer than any look takes.
    const LONG: Duration = Duration::from_secs(600);

    fn look(namespace: u64, pid: u32) -> Look {
        Look { namespace, mount: 0, pid }
    }

    #[test]
    fn one_thread_does_all_looks() {
        let looks: Vec<Look> = (1..=100).map(|number| look(number.into(), number)).collect();
        let (seen, _) = do_all(LONG, looks.clone(), |_| thread::current().id());
        let (done, threads): (Vec<Look>, Vec<Option<ThreadId>>) = seen.into_iter().unzip();
        assert_eq!(done, looks);
        assert!(threads[0].is_some_and(|first| first != thread::current().id()));
        assert!(threads.iter().all(|thread| *thread == threads[0]));
    }

    #[test]
    fn look_that_hangs_is_the_last_one_at_its_namespace_and_costs_no_other() {
        let looks = [look(1, 1), look(2, 2), look(2, 3), look(1, 4), look(3, 5)];
        // To the one who waits, a thread that panics is one that does not answer.
        let do_one = |look: &Look| if look.pid == 2 { panic!("as a test wants it") } else { look.pid };
        let (seen, _) = do_all(LONG, looks.to_vec(), do_one);
        let seen: Vec<(u32, Option<u32>)> = seen.into_iter().map(|(look, seen)| (look.pid, seen)).collect();
        assert_eq!(seen, [(1, Some(1)), (2, None), (4, Some(4)), (5, Some(5))]);
    }

    #[test]
    fn refusal_is_told_once_until_it_changes() {
        let (mut mounts, mut owners, proc) = (Mounts::default(), Owners::new(), Path::new("/proc"));
        let first = mounts.add(std::process::id(), 1, proc, 1).expect("a look");
        assert_eq!(mounts.add(std::process::id(), 1, proc, 1), None, "it is known");
        let mut note = |seen| mounts.note(first, seen, &mut owners);
        assert_eq!(note(Some(Err(Errno::EPERM))), Some(Refusal::Permission));
        assert_eq!(note(Some(Err(Errno::EACCES))), None);
        assert_eq!(note(Some(Err(Errno::ENOTSUP))), Some(Refusal::Folder));
        assert_eq!(note(Some(Err(Errno::ESRCH))), None);
        assert_eq!(note(None), Some(Refusal::Folder));
        assert!(!mounts.has_room(), "none hangs twice in one namespace");
    }

    #[test]
    fn mount_namespace_is_looked_at_in_ever_fewer_polls() {
        let (mut mounts, proc) = (Mounts::default(), Path::new("/proc"));
        let first = mounts.add(std::process::id(), 1, proc, 1).expect("a look");
        let looks: Vec<u64> =
            (2..40).filter(|poll| mounts.due(Vec::new, 1, proc, *poll) == [first]).collect();
        assert_eq!(looks, [2, 4, 8, 16, 32]);
    }
}
