//! Where the processes of an IPC namespace keep their objects: the /dev/shm of each of their mount namespaces.
//!
//! What starts a container enters its namespaces first and mounts in them afterwards, so each is looked at more than
//! once. A look at a folder may hang, so it is done on a thread of its own.

use super::{
    process::{FolderId, Process},
    visit::bounded,
};
use crate::self_metrics::Refusal;
use nix::errno::Errno;
use promshm_segment::os::Folder;
use std::{collections::HashMap, path::Path, time::Duration};

/// How long a look at a folder may take.
const LIMIT: Duration = Duration::from_millis(200);
/// Most mount namespaces of one IPC namespace that are looked at, and folders that are read.
const MOST_MOUNTS: usize = 64;
const MOST_FOLDERS: usize = 4;
/// A mount namespace is looked at again after 1, 2, 4 … polls, and then every so many. Each look costs a thread.
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

/// What a look needs to know.
pub(super) struct Look<'a> {
    pub(super) proc: &'a Path,
    /// The number of the present poll.
    pub(super) poll: u64,
    /// The IPC namespace.
    pub(super) namespace: u64,
    pub(super) owners: &'a mut Owners,
}

impl Mounts {
    pub(super) fn folders(&self) -> Vec<Folder> {
        self.folders.iter().map(|(_, folder)| folder.clone()).collect()
    }

    /// Whether a mount namespace is known, or none is looked at any more.
    pub(super) fn knows(&self, inode: u64) -> bool {
        self.known.contains_key(&inode) || self.known.len() >= MOST_MOUNTS
    }

    /// Looks where a process keeps its objects, unless its mount namespace is known.
    pub(super) fn add(&mut self, pid: u32, look: &mut Look<'_>) -> Option<Refusal> {
        let process = Process::open(look.proc, pid).ok()?;
        let inode = process.mount_inode().ok()?;
        if let Some(known) = self.known.get_mut(&inode) {
            known.pid = pid;
            return None;
        }
        if self.known.len() >= MOST_MOUNTS {
            return None;
        }
        let refusal = self.note_folder(process, look);
        self.known.insert(inode, Mount { pid, next: look.poll + 1, wait: 2, refusal });
        refusal
    }

    /// Looks at those that are due. `members`: processes of the IPC namespace, asked for if one is needed in place of
    /// another that has ended or has moved. Returns refusals that are new.
    pub(super) fn look_again(
        &mut self,
        members: impl FnOnce() -> Vec<u32>,
        look: &mut Look<'_>,
    ) -> Vec<Refusal> {
        let due = self.known.iter().filter(|(_, mount)| mount.next <= look.poll);
        let due: Vec<u64> = due.map(|(inode, _)| *inode).collect();
        let (mut refusals, mut is_incomplete) = (Vec::new(), self.known.is_empty());
        for inode in due {
            let Some(mount) = self.known.remove(&inode) else { continue };
            let process = Process::open(look.proc, mount.pid).ok();
            let Some(process) = process.filter(|process| process.mount_inode() == Ok(inode)) else {
                is_incomplete = true;
                continue;
            };
            let refusal = self.note_folder(process, look);
            refusals.extend(refusal.filter(|_| refusal != mount.refusal));
            self.known.insert(inode, mount.after(look.poll, refusal));
        }
        for pid in is_incomplete.then(members).into_iter().flatten().take(MOST_MOUNTS) {
            refusals.extend(self.add(pid, look));
        }
        refusals
    }

    /// Notes the /dev/shm of a process.
    fn note_folder(&mut self, process: Process, look: &mut Look<'_>) -> Option<Refusal> {
        if self.hangs || self.folders.len() >= MOST_FOLDERS {
            return None;
        }
        match bounded(LIMIT, move || process.shm_folder()) {
            None => {
                self.hangs = true;
                Some(Refusal::Folder)
            }
            Some(Err(Errno::EACCES | Errno::EPERM)) => Some(Refusal::Permission),
            Some(Err(Errno::ENOENT | Errno::ESRCH)) => None, // it has none, or has ended
            Some(Err(_)) => Some(Refusal::Folder),
            Some(Ok((id, folder))) => {
                let first = *look.owners.entry(id).or_insert(look.namespace);
                if first == look.namespace && self.folders.iter().all(|(known, _)| *known != id) {
                    self.folders.push((id, Folder::of(folder)));
                }
                None
            }
        }
    }
}

impl Mount {
    fn after(self, poll: u64, refusal: Option<Refusal>) -> Self {
        Self { next: poll + self.wait, wait: (2 * self.wait).min(LONGEST_WAIT), refusal, ..self }
    }
}
