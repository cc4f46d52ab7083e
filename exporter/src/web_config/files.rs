//! The files of a web configuration, and whether they are still what they were.

use super::error::ConfigError;
use nix::libc::O_NONBLOCK;
use ring::digest::{SHA256, digest};
use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What was read, by its hash; `None` for what could not be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    /// Reads a file and remembers what it was.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let content = content(path);
        self.0.push((path.into(), content.as_deref().ok().map(hash)));
        content.map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => ConfigError::NoFile(path.into()),
            _ => ConfigError::Read { path: path.into(), error },
        })
    }

    /// Whether a file has another content now: what was replaced by a link is noticed too.
    pub(super) fn have_changed(&self) -> bool {
        let now = |path: &PathBuf| content(path).ok().as_deref().map(hash);
        self.0.iter().any(|(path, was)| now(path) != *was)
    }
}

/// A file's content. A pipe would keep the guard waiting for a writer, so it is not waited for, and not taken.
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
