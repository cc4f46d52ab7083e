//! The files of a web configuration, and whether they have changed.

use super::error::ConfigError;
use nix::libc::O_NONBLOCK;
use ring::digest::{SHA256, digest};
use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Each file with the hash of its content; `None` for a file that could not be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    /// Reads a file and remembers its hash.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let content = content(path);
        self.0.push((path.into(), content.as_deref().ok().map(hash)));
        content.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => ConfigError::NoFile(path.into()),
            _ => ConfigError::Read { path: path.into(), error },
        })
    }

    /// Whether a file's content has changed; a file that was replaced through a symbolic link is noticed too.
    pub(super) fn have_changed(&self) -> bool {
        let now = |path: &PathBuf| content(path).ok().as_deref().map(hash);
        self.0.iter().any(|(path, was)| now(path) != *was)
    }
}

/// A file's content. Opened without blocking, and only if it is a regular file: a pipe would block the event loop
/// until a writer comes.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

fn hash(content: &[u8]) -> Vec<u8> {
    digest(&SHA256, content).as_ref().to_vec()
}
