//! What an operator reads when a segment cannot be read: the cause and the remedy, in the names of the settings and
//! flags.

use promshm_segment::{ReadError, SegmentName};

/// Why a segment cannot be read.
pub(crate) fn explain(error: &ReadError) -> String {
    match error {
        ReadError::Absent { name: name @ SegmentName::Memory } => format!(
            "{name} is inside each PHP process, for its tests, and no exporter can read it: let the workers use \
             promshm.segment=sysv:KEY or posix:/NAME"
        ),
        ReadError::Absent { name } => {
            let elsewhere = match name {
                SegmentName::Sysv(_) => "in another IPC namespace",
                SegmentName::Posix(_) | SegmentName::Memory => "with another /dev/shm",
            };
            format!("no segment {name}: no worker has counted yet, or the workers run {elsewhere}")
        }
        ReadError::NoPermission { name, uid, gid, mode } => format!(
            "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, which shuts this process out: set \
             promshm.mode=0640 and promshm.group to a group of this process, or run it as uid {uid}"
        ),
        ReadError::Foreign { name } => {
            let kind = match name {
                SegmentName::Sysv(_) => "key",
                SegmentName::Posix(_) | SegmentName::Memory => "name",
            };
            format!(
                "segment {name} is not promshm's: another program uses that {kind}; choose another one in \
                 promshm.segment and --segment"
            )
        }
        ReadError::Version { name, found, known } => format!(
            "segment {name} has layout version {found}, this program knows version {known}: install extension and \
             exporter of the same release"
        ),
        ReadError::NotReady { name } => {
            let removal = match name {
                SegmentName::Sysv(key) => format!("ipcrm -M {key:#010x}"),
                SegmentName::Posix(name) => format!("rm /dev/shm/{}", name.as_str()),
                SegmentName::Memory => "end its process".into(),
            };
            format!(
                "segment {name} is being created; if this lasts, its memory is another program's, or its creator \
                 died: let a worker count, or remove it ({removal})"
            )
        }
        ReadError::Retired { name } => {
            format!("segment {name} was retired, and its successor is not there yet")
        }
        ReadError::Short { name, actual, claimed } => format!(
            "segment {name} has {actual} bytes, but its header needs {claimed}: remove it (promshm-exporter rm) and \
             restart the workers"
        ),
        ReadError::TooLarge { name, bytes, limit } => {
            format!("segment {name} takes {bytes} bytes, and no more than {limit} are read of one here")
        }
        ReadError::Unsteady { name } => format!(
            "segment {name} begins generations faster than one can be read: look for labels with ever new values, and \
             raise promshm.max_series"
        ),
        ReadError::Os { name, call, error } => format!("segment {name}: {call} failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_fits_the_kind_of_segment() {
        let text =
            |name: &str, of: fn(SegmentName) -> ReadError| explain(&of(name.parse().expect("a good name")));
        for (name, elsewhere, used, removal) in [
            ("sysv:0x7e57", "IPC namespace", "uses that key", "ipcrm -M 0x00007e57"),
            ("posix:/shop", "another /dev/shm", "uses that name", "rm /dev/shm/shop"),
        ] {
            assert!(text(name, |name| ReadError::Absent { name }).contains(elsewhere));
            assert!(text(name, |name| ReadError::Foreign { name }).contains(used));
            assert!(text(name, |name| ReadError::NotReady { name }).contains(removal));
        }
    }
}
