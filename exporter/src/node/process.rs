//! A process of the node, by its folder in /proc.
//!
//! The folder is opened once, so that all that is read through it is of one process, whoever has its number by then.

use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, open, openat},
    sys::{
        stat::{FileStat, Mode, fstat, fstatat, stat},
        statfs::{TMPFS_MAGIC, fstatfs},
    },
};
use std::{fs::File, io::Read, os::fd::OwnedFd, path::Path};

/// What is read of a file in /proc at most.
const MOST_BYTES: u64 = 64 << 10;

pub(super) struct Process(OwnedFd);

/// Device and inode of a folder.
pub(super) type FolderId = (u64, u64);

impl Process {
    pub(super) fn open(proc: &Path, pid: u32) -> Result<Self, Errno> {
        open(&proc.join(pid.to_string()), PATH, Mode::empty()).map(Self)
    }

    /// The number of its IPC namespace.
    pub(super) fn ipc_inode(&self) -> Result<u64, Errno> {
        self.stat("ns/ipc").map(|stat| stat.st_ino)
    }

    /// The number of its mount namespace.
    pub(super) fn mount_inode(&self) -> Result<u64, Errno> {
        self.stat("ns/mnt").map(|stat| stat.st_ino)
    }

    fn stat(&self, name: &str) -> Result<FileStat, Errno> {
        fstatat(&self.0, name, AtFlags::empty())
    }

    /// Its IPC namespace, to be entered, if that has still this number.
    pub(super) fn ipc_namespace(&self, inode: u64) -> Result<OwnedFd, Errno> {
        let namespace = openat(&self.0, "ns/ipc", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        if fstat(&namespace)?.st_ino == inode { Ok(namespace) } else { Err(Errno::ESRCH) }
    }

    /// The beginning of one of its files.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        let file = openat(&self.0, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        File::from(file).take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The /dev/shm that it sees. It may have put anything there, so no link is followed on the way, and only a
    /// file system in memory is read: another one may ask a program of its own, which never answers.
    pub(super) fn shm_folder(&self) -> Result<(FolderId, OwnedFd), Errno> {
        let root = openat(&self.0, "root", PATH, Mode::empty())?;
        let dev = openat(&root, "dev", PATH | OFlag::O_NOFOLLOW, Mode::empty())?;
        let shm = openat(&dev, "shm", PATH | OFlag::O_NOFOLLOW, Mode::empty())?;
        if fstatfs(&shm)?.filesystem_type() != TMPFS_MAGIC {
            return Err(Errno::ENOTSUP);
        }
        let stat = fstat(&shm)?;
        Ok(((stat.st_dev, stat.st_ino), shm))
    }
}

/// The number of what a file in the folder of a process leads to, or of the folder if `name` is empty, by one system call.
pub(super) fn inode(proc: &Path, pid: u32, name: &str) -> Result<u64, Errno> {
    stat(&proc.join(format!("{pid}/{name}"))).map(|stat| stat.st_ino)
}

const PATH: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read_by_its_folder() {
        let me = Process::open(Path::new("/proc"), std::process::id()).expect("Linux");
        let inode = me.ipc_inode().expect("its own");
        assert!(me.ipc_namespace(inode).is_ok());
        assert_eq!(me.ipc_namespace(inode + 1).map(drop), Err(Errno::ESRCH));
        assert!(me.read("cgroup").is_some() && me.read("nothing").is_none());
        assert_eq!(Process::open(Path::new("/proc"), u32::MAX).map(drop), Err(Errno::ENOENT));
    }
}
