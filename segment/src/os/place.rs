//! Where segments are looked for.

use super::folder::Folder;

/// Where segments are looked for: those of System V in the IPC namespace of the calling thread, and objects in the
/// /dev/shm of this process, or in the folders of others.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// `None` for this process's own.
    folders: Option<Vec<Folder>>,
}

impl Place {
    /// Other processes' folders; of objects with one name, the one in the first folder is found.
    #[must_use]
    pub fn elsewhere(folders: Vec<Folder>) -> Self {
        Self { folders: Some(folders) }
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = Folder> + '_ {
        let own = self.folders.is_none().then(Folder::default);
        own.into_iter().chain(self.folders.iter().flatten().cloned())
    }
}
