//! The folder that objects are in: this process's /dev/shm, or that of other processes, by a descriptor.
//!
//! Others may put anything into theirs. A link is never followed, and nothing but a regular file is ever opened: opening a
//! pipe may block, and opening a device may do anything.

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, OFlag, open, openat},
    sys::{
        mman::shm_open,
        stat::{FileStat, Mode, SFlag, fstat, fstatat, lstat},
    },
};
use std::{
    os::fd::{AsRawFd, OwnedFd},
    sync::Arc,
};

/// The folder in which glibc and musl keep POSIX objects.
const FOLDER: &str = "/dev/shm";

/// Where objects are found by their names.
#[derive(Debug, Clone, Default)]
pub struct Folder(Option<Arc<OwnedFd>>);

impl Folder {
    /// The folder with this descriptor, which may be opened with `O_PATH`. It is read, and never written.
    #[must_use]
    pub fn of(folder: OwnedFd) -> Self {
        Self(Some(Arc::new(folder)))
    }

    /// What is under the name, a link itself.
    pub(super) fn look(&self, name: &str) -> Result<FileStat, Errno> {
        match &self.0 {
            None => lstat(&*path(name)),
            Some(folder) => fstatat(&**folder, name, AtFlags::AT_SYMLINK_NOFOLLOW),
        }
    }

    /// Opens an object that is a regular file; `ENODATA` if it is none.
    pub(super) fn open(&self, name: &str, mode: OFlag) -> Result<OwnedFd, Errno> {
        let Some(folder) = &self.0 else {
            // The C library sets close-on-exec and does not follow links.
            let file = shm_open(&*format!("/{name}"), mode | OFlag::O_NONBLOCK, Mode::empty())?;
            return if is_file(&fstat(&file)?) { Ok(file) } else { Err(Errno::ENODATA) };
        };
        let found =
            openat(&**folder, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())?;
        if !is_file(&fstat(&found)?) {
            return Err(Errno::ENODATA);
        }
        let same = format!("/proc/self/fd/{}", found.as_raw_fd());
        open(&*same, mode | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())
    }

    /// The names in the folder, some of the `most` first; empty if it cannot be read.
    pub(super) fn names(&self, most: usize) -> Vec<String> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = match &self.0 {
            None => Dir::open(FOLDER, flags, Mode::empty()),
            Some(folder) => Dir::openat(&**folder, ".", flags, Mode::empty()),
        };
        let entries = folder.into_iter().flat_map(Dir::into_iter).take(most).flatten();
        entries.filter_map(|entry| entry.file_name().to_str().ok().map(String::from)).collect()
    }
}

/// The path of a name in this process's folder.
pub(super) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

pub(super) fn is_file(stat: &FileStat) -> bool {
    stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits()
}
