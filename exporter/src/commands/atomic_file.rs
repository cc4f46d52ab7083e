//! Replaces a file atomically: a reader sees the old content or the new one.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::Builder;
use thiserror::Error;

/// Readable by all, because `node_exporter` runs as another user.
const MODE: u32 = 0o644;

/// The file could not be written; its former content is untouched.
#[derive(Debug, Error)]
#[error("cannot write {}: {error}{}", file.display(), mend(error, file))]
pub(crate) struct OutputError {
    file: PathBuf,
    error: io::Error,
}

/// Writes a temporary file beside `file`, syncs it, and renames it.
pub(crate) fn replace(file: &Path, contents: &[u8]) -> Result<(), OutputError> {
    write_and_rename(file, contents).map_err(|error| OutputError { file: file.into(), error })
}

fn write_and_rename(file: &Path, contents: &[u8]) -> io::Result<()> {
    check_replaceable(file)?;
    let folder = folder(file);
    // The collector of node_exporter reads files that end in .prom; this name does not.
    let mut new = Builder::new().prefix(".promshm-").suffix(".tmp").tempfile_in(folder)?;
    new.write_all(contents)?;
    new.as_file().set_permissions(Permissions::from_mode(MODE))?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    File::open(folder)?.sync_all() // the name, too, outlives a power cut
}

/// Renaming over a device or a symbolic link would take it away from its users.
fn check_replaceable(file: &Path) -> io::Result<()> {
    match fs::symlink_metadata(file) {
        Ok(found) if !found.is_file() => Err(io::Error::other("it is not a regular file, and stays")),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the user can do about the error.
fn mend(error: &io::Error, file: &Path) -> String {
    let folder = folder(file).display();
    match error.kind() {
        ErrorKind::NotFound => format!(": make the directory {folder}"),
        ErrorKind::PermissionDenied => format!(": let this user write to the directory {folder}"),
        ErrorKind::ReadOnlyFilesystem => {
            format!(": choose a directory that can be written, or mount {folder}")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => format!(": make room in {folder}"),
        ErrorKind::NotADirectory => format!(": {folder} must be a directory"),
        ErrorKind::Other => ": name a regular file, or one that does not exist yet".into(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().expect("ASCII")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("promshm.prom");
        for contents in ["first and long", "second"] {
            replace(&file, contents.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&file).expect("a file"), contents);
            let mode = fs::metadata(&file).expect("a file").permissions().mode();
            assert_eq!(mode & 0o7777, MODE, "whatever the umask");
        }
        assert_eq!(names(folder.path()), ["promshm.prom"]);
    }

    #[test]
    fn errors_name_cause_and_mend() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = |file: &Path| replace(file, b"x").expect_err("an error").to_string();
        let missing = told(&folder.path().join("missing/page.prom"));
        assert!(missing.contains("No such file") && missing.contains("make the directory"), "{missing}");
        let file = folder.path().join("file");
        fs::write(&file, "kept").expect("written");
        let below = told(&file.join("page.prom"));
        assert!(below.contains("must be a directory"), "{below}");
    }

    #[test]
    fn target_that_is_no_regular_file_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        symlink("/dev/null", &link).expect("a link");
        for file in [folder.path(), &link, Path::new("/dev/null")] {
            let told = replace(file, b"x").expect_err("an error").to_string();
            assert!(told.contains("not a regular file") && told.contains("name a regular file"), "{told}");
        }
        assert_eq!(names(folder.path()), ["link"]);
    }

    #[test]
    fn a_bare_name_lies_in_the_working_directory() {
        assert_eq!(folder(Path::new("page.prom")), Path::new("."));
        assert_eq!(folder(Path::new("/page.prom")), Path::new("/"));
    }
}
