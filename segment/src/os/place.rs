//! Where segments are looked for.

use super::folder::Folder;

/// Where segments are looked for: those of System V in the IPC namespace of the calling thread, and objects in the
/// /dev/shm of this process, or in the folders of others.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// `None` for this process's own.
    folders: Option<Vec<Folder>>,
    /// The number of the IPC namespace, if it is known.
    ipc_inode: Option<u64>,
}

impl Place {
    /// An IPC namespace, by its number, and folders of its processes; of objects with one name, the one in the first
    /// folder is found.
    #[must_use]
    pub fn elsewhere(ipc_inode: u64, folders: Vec<Folder>) -> Self {
        Self { folders: Some(folders), ipc_inode: Some(ipc_inode) }
    }

    pub(super) fn ipc_inode(&self) -> Option<u64> {
        self.ipc_inode
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = Folder> + '_ {
        let own = self.folders.is_none().then(Folder::default);
        own.into_iter().chain(self.folders.iter().flatten().cloned())
    }
}
