//! What a PHP programmer reads of the segment crate's errors: the cause and the remedy, in the names of the settings.

use nix::errno::Errno;
use promshm_segment::{
    AttachError, DefinitionError, Difference, NativeError, ReadError, SegmentName, snapshot::Loss,
};

/// Why the segment cannot be read.
pub(crate) fn read_error(error: &ReadError) -> String {
    match error {
        ReadError::Absent { name: SegmentName::Memory } => "nothing was counted yet in this process".into(),
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
        ReadError::Foreign { name } => format!(
            "segment {name} is not promshm's: another program uses that {}; choose another one in promshm.segment",
            kind(*name)
        ),
        ReadError::Version { name, found, known } => format!(
            "segment {name} has layout version {found}, this extension knows version {known}: install extension and \
             exporter of the same release"
        ),
        ReadError::NotReady { name } => format!(
            "segment {name} is being created; if this lasts, its memory is another program's, or its creator died: \
             count something, or remove it ({})",
            removal(*name)
        ),
        ReadError::Retired { name } => {
            format!("segment {name} was retired, and its successor is not there yet")
        }
        ReadError::Short { name, actual, claimed } => format!(
            "segment {name} has {actual} bytes, but its header needs {claimed}: remove it (promshm-exporter rm) and \
             restart the workers"
        ),
        ReadError::TooLarge { name, bytes, limit } => {
            format!("segment {name} takes {bytes} bytes, and no more than {limit} are read of one")
        }
        ReadError::Unsteady { name } => format!(
            "segment {name} begins generations faster than one can be read: look for labels with ever new values, and \
             raise promshm.max_series"
        ),
        ReadError::Os { name, call, error } => format!("segment {name}: {call} failed: {error}"),
    }
}

/// Why this process cannot count into the segment.
pub(crate) fn attach_error(error: &AttachError) -> String {
    match error {
        AttachError::Unusable(error) => read_error(error),
        AttachError::NoPermission { name, uid, gid, mode, me } => format!(
            "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, and may not be written by this process \
             (uid {me}): run all workers as one user, or set promshm.mode=0660 and promshm.group to a group they \
             share, then remove the segment (promshm-exporter rm)"
        ),
        AttachError::TooSmall { size, needed } => format!(
            "promshm.size is {size} bytes, but promshm.max_series and promshm.max_processes need at least {needed}"
        ),
        AttachError::Refused { name, size, error } => {
            format!("the kernel refuses segment {name} of {size} bytes ({error}): {}", remedy(*name, *error))
        }
        AttachError::Stuck { name, uid } => format!(
            "segment {name} is retired and uid {uid} alone may remove it: run `promshm-exporter rm` as that user"
        ),
        AttachError::Unstable { name } => {
            format!("segment {name} is replaced again and again: two programs use that {}", kind(*name))
        }
    }
}

/// Why updates of that metric are lost, in a segment that others are stored in.
pub(crate) fn dropped(metric: &str, loss: Loss) -> String {
    let why = match loss {
        Loss::SeriesLimit => {
            "promshm.max_series series exist: look for labels with ever new values, or raise promshm.max_series"
        }
        Loss::SegmentFull => "the segment is full: raise promshm.size",
        Loss::TooManyBuckets => "it has more buckets than fit a page: give it fewer",
        Loss::Corrupt => {
            "the segment's bytes make no sense there: remove it (promshm-exporter rm) and restart the workers"
        }
    };
    format!(
        "updates of {metric} are dropped: {why} (logged once for each reason; promshm_dropped_total counts all)"
    )
}

/// What it takes until the settings of this process hold, where the segment has others.
pub(crate) fn other_settings(name: SegmentName, differences: &[Difference]) -> Option<String> {
    if differences.is_empty() {
        return None;
    }
    let describe = |it: &Difference| {
        let Difference { setting, configured, segment, .. } = it;
        format!("promshm.{setting} is {configured} here and {segment} there")
    };
    let all: Vec<_> = differences.iter().map(describe).collect();
    let facts =
        format!("this process has other settings than segment {name}, whose own hold: {}", all.join(", "));
    let next = differences.iter().filter(|it| it.next_generation).map(|it| {
        let setting = it.setting;
        format!(
            "promshm.{setting} holds from the segment's next generation on, which Promshm\\Segment::compact() begins"
        )
    });
    let next: Vec<_> = next.collect();
    let others = (next.len() < differences.len()).then(|| new_segment(name, next.is_empty()));
    Some([facts].into_iter().chain(next).chain(others).collect::<Vec<_>>().join("; "))
}

/// How settings come to hold that only a new segment takes over.
fn new_segment(name: SegmentName, is_for_all: bool) -> String {
    let subject = if is_for_all { "they need" } else { "the rest needs" };
    let removal = match name {
        SegmentName::Sysv(_) | SegmentName::Posix(_) => {
            format!("run `promshm-exporter rm --segment {name}` as the segment's owner")
        }
        SegmentName::Memory => "call Promshm\\Segment::wipe()".into(),
    };
    format!(
        "{subject} a new segment: stop the workers with the former settings, then {removal}; counters begin at 0 there"
    )
}

/// Why a metric cannot be defined.
pub(crate) fn definition_error(error: &DefinitionError) -> String {
    match error {
        DefinitionError::Name(name) => {
            format!("Invalid metric name {name:?}: use letters, digits, _ and :, not starting with a digit")
        }
        DefinitionError::LabelName(name) => {
            format!("Invalid label name {name:?}: use letters, digits and _, not starting with a digit")
        }
        DefinitionError::ReservedPrefix(name) => {
            format!("Label name {name:?} is reserved: names that start with __ belong to Prometheus")
        }
        DefinitionError::Reserved { name, kind } => {
            format!(
                "Label name {name:?} is reserved: it has a meaning of its own on a {kind}; choose another"
            )
        }
        DefinitionError::DuplicateLabel(name) => format!("Label name {name:?} is given twice"),
        DefinitionError::NoBuckets => "A histogram needs at least one bucket".into(),
        DefinitionError::BucketOrder(before, after) => {
            format!("Histogram buckets must be increasing numbers: {before} is followed by {after}")
        }
        DefinitionError::BucketValue(bound) => {
            format!("Histogram buckets must be finite numbers (+Inf is added by itself), got {bound}")
        }
        DefinitionError::Native(error) => native_error(error),
        DefinitionError::NoQuantiles => "A summary needs at least one quantile".into(),
        DefinitionError::QuantileOrder(before, after) => {
            format!("Summary quantiles must be increasing numbers: {before} is followed by {after}")
        }
        DefinitionError::QuantileValue(quantile) => {
            format!("A summary's quantile must be between 0 and 1, got {quantile}")
        }
        DefinitionError::MaxAge => "A summary's maxAgeSeconds must be at least 1".into(),
        DefinitionError::TooManyLabels { limit } => format!("The labels are more than {limit}"),
        DefinitionError::TooManyQuantiles { limit } => format!("The quantiles are more than {limit}"),
        DefinitionError::LongName { limit } => format!("The metric's name is longer than {limit} bytes"),
        DefinitionError::LongLabelName { limit } => format!("A label's name is longer than {limit} bytes"),
        DefinitionError::LongHelp { limit } => format!("The help text is longer than {limit} bytes"),
    }
}

/// Why a native histogram cannot have these buckets.
pub(crate) fn native_error(error: &NativeError) -> String {
    match error {
        NativeError::Factor(factor) => {
            format!("bucketFactor must be a finite number above 1, such as 1.1, got {factor}")
        }
        NativeError::Range { min, max } => {
            format!(
                "min and max must be positive, finite numbers, min below max and up to 2^1023, got {min} and {max}"
            )
        }
        NativeError::TooMany { schema, from, to, buckets, limit, fitting } => {
            let least = (fitting * 1e4).ceil() / 1e4;
            format!(
                "From 2^{from} to 2^{to} with this bucketFactor (schema {schema}) a series would have {buckets} buckets, \
                 and there is room for {limit}: pass a bucketFactor of at least {least}, or bring min and max closer together"
            )
        }
        NativeError::Shape { schema, lowest, cells } => {
            format!("{cells} native buckets of schema {schema} from index {lowest} on are no window")
        }
    }
}

/// What another program may also use.
fn kind(name: SegmentName) -> &'static str {
    match name {
        SegmentName::Sysv(_) => "key",
        SegmentName::Posix(_) | SegmentName::Memory => "name",
    }
}

/// The command that removes memory which is not recognised as a segment.
fn removal(name: SegmentName) -> String {
    match name {
        SegmentName::Sysv(key) => format!("ipcrm -M {key:#010x}"),
        SegmentName::Posix(name) => format!("rm /dev/shm/{}", name.as_str()),
        SegmentName::Memory => "Promshm\\Segment::wipe()".into(),
    }
}

/// What to do if the kernel refuses to create the segment.
fn remedy(name: SegmentName, error: Errno) -> &'static str {
    match (error, name) {
        (Errno::EMFILE | Errno::ENFILE, _) => {
            "too many files are open: close some, or raise the limit (ulimit -n, fs.file-max)"
        }
        (Errno::EPERM | Errno::EACCES, SegmentName::Sysv(_)) => {
            "a policy forbids it (seccomp, SELinux, AppArmor): allow shmget, or use promshm.segment=posix:/NAME"
        }
        (Errno::EPERM | Errno::EACCES, SegmentName::Posix(_)) => {
            "let this process write to /dev/shm: look at its mode, its mount, and policies (SELinux, AppArmor)"
        }
        (_, SegmentName::Memory) => "raise the limit of its address space (ulimit -v), or lower promshm.size",
        (_, SegmentName::Sysv(_)) => {
            "raise kernel.shmmax, kernel.shmall or kernel.shmmni, or lower promshm.size"
        }
        (_, SegmentName::Posix(_)) => {
            "give /dev/shm more room, or lower promshm.max_series and promshm.max_processes"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSV: SegmentName = SegmentName::Sysv(0x7e57);

    fn posix() -> SegmentName {
        "posix:/shop".parse().expect("a good name")
    }

    #[test]
    fn refusal_names_what_to_change_for_its_cause_and_kind() {
        let advice = |name, error| attach_error(&AttachError::Refused { name, size: 1, error });
        for name in [SYSV, posix()] {
            assert!(advice(name, Errno::EMFILE).contains("ulimit -n"));
            assert!(advice(name, Errno::ENFILE).contains("fs.file-max"));
            for forbidden in [Errno::EPERM, Errno::EACCES] {
                assert!(!advice(name, forbidden).contains("lower"), "{forbidden}");
            }
            for full in [Errno::ENOSPC, Errno::ENOMEM, Errno::EINVAL] {
                assert!(advice(name, full).contains("or lower promshm."), "{full}");
            }
        }
        assert!(advice(SYSV, Errno::EPERM).contains("allow shmget"));
        assert!(advice(posix(), Errno::EACCES).contains("write to /dev/shm"));
        assert!(advice(SYSV, Errno::ENOSPC).contains("kernel.shmmax"));
        assert!(advice(posix(), Errno::ENOSPC).contains("give /dev/shm more room"));
    }

    #[test]
    fn missing_permission_names_the_settings() {
        let (name, uid, gid, mode) = (SYSV, 33, 44, 0o600);
        let read = read_error(&ReadError::NoPermission { name, uid, gid, mode });
        assert!(read.contains("uid 33, gid 44, mode 0600"), "{read}");
        assert!(read.contains("promshm.mode=0640 and promshm.group"), "{read}");
        let write = attach_error(&AttachError::NoPermission { name, uid, gid, mode, me: 7 });
        assert!(write.contains("(uid 7)") && write.contains("promshm.mode=0660"), "{write}");
    }

    #[test]
    fn other_settings_name_what_holds_and_what_is_needed() {
        let of =
            |setting, next_generation| Difference { setting, configured: 2, segment: 1, next_generation };
        assert_eq!(other_settings(SYSV, &[]), None);
        let text = |differences: &[Difference]| other_settings(posix(), differences).expect("there are some");
        let both = text(&[of("size", false), of("max_series", true)]);
        assert_eq!(
            both,
            "this process has other settings than segment posix:/shop, whose own hold: promshm.size is 2 here and 1 there, \
             promshm.max_series is 2 here and 1 there; promshm.max_series holds from the segment's next generation on, which \
             Promshm\\Segment::compact() begins; the rest needs a new segment: stop the workers with the former settings, \
             then run `promshm-exporter rm --segment posix:/shop` as the segment's owner; counters begin at 0 there"
        );
        assert!(!text(&[of("max_series", true)]).contains("promshm-exporter"));
        assert!(!text(&[of("size", false)]).contains("generation"));
    }

    #[test]
    fn memory_that_is_never_ready_is_removed_by_the_command_of_its_kind() {
        let text = |name| read_error(&ReadError::NotReady { name });
        assert!(text(SYSV).contains("ipcrm -M 0x00007e57"), "{}", text(SYSV));
        assert!(text(posix()).contains("rm /dev/shm/shop"), "{}", text(posix()));
    }

    #[test]
    fn foreign_memory_names_what_both_programs_use() {
        let text = |name| read_error(&ReadError::Foreign { name });
        assert!(text(SYSV).contains("another program uses that key"), "{}", text(SYSV));
        assert!(text(posix()).contains("another program uses that name"), "{}", text(posix()));
    }
}
