//! The files of a web configuration, and whether they are still what they were.

use super::error::ConfigError;
use ring::digest::{SHA256, digest};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What was read, by its hash; `None` for what could not be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    /// Reads a file and remembers what it was.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        let content = fs::read(path);
        self.0.push((path.into(), content.as_deref().ok().map(hash)));
        content.map_err(|error| ConfigError::Read { path: path.into(), error })
    }

    /// Whether a file has another content now: what was replaced by a link is noticed too.
    pub(super) fn have_changed(&self) -> bool {
        let now = |path: &PathBuf| fs::read(path).ok().as_deref().map(hash);
        self.0.iter().any(|(path, was)| now(path) != *was)
    }
}

fn hash(content: &[u8]) -> Vec<u8> {
    digest(&SHA256, content).as_ref().to_vec()
}
