//! Finds or creates the segment. Creation is a sequence of words, each initialised once: any process that
//! finds a partly initialised header completes it, so a creator that dies or is stopped blocks nobody.

use crate::{
    clock,
    config::{Config, SegmentName},
    error::{AttachError, ReadError},
    format::{header, header::hash_key, record::HashKey},
    layout::{
        FRESH, Geometry, IDENTITY, LIVENESS_DEGRADED, LIVENESS_KERNEL, MAGIC, NO_SEMAPHORES, PAGE, READY,
        RETIRED, Shape, VERSION, header,
    },
    memory::{mapping::Mapping, view::View},
    os,
    os::{KernelCall, Locks, Object, Place, SlotLocks},
    random::random,
};
use nix::errno::Errno;

/// An attached segment that is ready for use.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) object: Object,
    pub(crate) view: View,
    pub(crate) hash_key: HashKey,
    pub(crate) locks: Option<Locks>,
}

impl Drop for Attached {
    /// The slot stays claimed by this process, unless the segment is no longer in use.
    fn drop(&mut self) {
        let is_left =
            || self.view.head(header!(state)).load_acquire() == RETIRED || self.object.is_nameless();
        if let Some(locks) = self.locks.as_ref().filter(|_| is_left()) {
            locks.let_go();
        }
    }
}

/// The result of one lookup of the name.
enum Step {
    Attached(Box<Attached>),
    /// The segment changed meanwhile: look it up again.
    Again,
}

/// Attaches the segment, and creates or replaces it where needed.
pub(crate) fn attach(config: &Config) -> Result<Attached, AttachError> {
    let shape = shape_of(config);
    let geometry = Geometry::new(shape, config.size)
        .map_err(|needed| AttachError::TooSmall { size: config.size, needed })?;
    for _ in 0..16 {
        match step(config, &geometry)? {
            Step::Attached(attached) => return Ok(*attached),
            Step::Again => {}
        }
    }
    Err(AttachError::Unstable { name: config.name })
}

fn shape_of(config: &Config) -> Shape {
    Shape {
        max_series: config.max_series,
        max_processes: config.max_processes as u16,
        max_label_length: config.max_label_length as u16,
    }
}

fn step(config: &Config, geometry: &Geometry) -> Result<Step, AttachError> {
    let mut object = match Object::find(&Place::default(), config.name) {
        Ok(object) => object,
        Err(Errno::ENOENT) => match Object::create(config, geometry.halves[0].records) {
            Ok(object) => object,
            Err(error) => return refused(config, error),
        },
        Err(error) => return Err(unusable(config.name, KernelCall::Find, error)),
    };
    match object.attach(false) {
        Ok(mapping) => use_mapping(config, geometry.shape, object, mapping),
        Err(Errno::EINVAL | Errno::EIDRM | Errno::ENOENT) => Ok(Step::Again),
        Err(Errno::EACCES) => Err(no_permission(config.name)),
        Err(error) => Err(unusable(config.name, KernelCall::Map, error)),
    }
}

/// Maps errors that mean that another process created the segment first to a new attempt.
fn refused(config: &Config, error: Errno) -> Result<Step, AttachError> {
    match error {
        Errno::EEXIST | Errno::ENOENT | Errno::EAGAIN => Ok(Step::Again),
        _ => Err(AttachError::Refused { name: config.name, size: config.size, error }),
    }
}

fn use_mapping(
    config: &Config,
    shape: Shape,
    mut object: Object,
    mapping: Mapping,
) -> Result<Step, AttachError> {
    let name = config.name;
    if mapping.bytes() < PAGE {
        return Err(AttachError::Unusable(ReadError::Foreign { name }));
    }
    let identity = mapping.head(header!(identity)).load_acquire();
    let version = identity as u32;
    // A zeroed header may belong to a segment whose creator died at once; only one of our size is accepted.
    let unborn = identity == 0 && mapping.bytes() == config.size && object.may_be_unfinished();
    if !unborn && identity >> 32 != MAGIC {
        return Err(AttachError::Unusable(ReadError::Foreign { name }));
    }
    if !unborn && version > VERSION {
        let error = ReadError::Version { name, found: version, known: VERSION };
        return Err(AttachError::Unusable(error));
    }
    let outdated = !unborn && version < VERSION;
    if outdated || mapping.head(header!(state)).load_acquire() == RETIRED {
        return replace(name, &object, &mapping);
    }
    if mapping.head(header!(state)).load_acquire() == FRESH {
        create(config, shape, &object, &mapping);
    }
    if let Err(error) = object.publish() {
        return refused(config, error);
    }
    open(name, object, mapping)
}

/// Removes an outdated or retired segment, so that the next lookup creates its successor.
fn replace(name: SegmentName, object: &Object, mapping: &Mapping) -> Result<Step, AttachError> {
    if let Err(ReadError::NoPermission { uid, .. }) = os::check_owner(object, name) {
        return Err(AttachError::Stuck { name, uid });
    }
    os::retire(mapping, object).map_err(|error| unusable(name, KernelCall::Control, error))?;
    Ok(Step::Again)
}

/// Initialises the header's words. Several processes may do this at once, and any of them may stop midway.
fn create(config: &Config, shape: Shape, object: &Object, mapping: &Mapping) {
    // Only the owner succeeds, and its configuration is as valid as ours.
    let _others_may_not = object.set_access(config.mode, config.group);
    mapping.head(header!(identity)).init_once(IDENTITY);
    mapping.head(header!(size)).init_once(mapping.bytes());
    let shape = Shape::unpack(mapping.head(header!(config)).init_once(shape.pack()));
    mapping.head(header!(hash_key)).init_once(random());
    mapping.head(header!(hash_key) + 8).init_once(random());
    mapping.head(header!(created)).init_once(clock::unix_time().to_bits());
    mapping.head(header!(summary_samples)).init_once(u64::from(config.summary_samples));
    mapping.head(header!(series_ttl)).init_once(u64::from(config.series_ttl) + 1);
    mapping.head(header!(epoch)).init_once(1);
    mapping.head(header!(key)).init_once(object.key_word());
    object.retire_orphans();
    let locks = object.make_locks(config, usize::from(shape.max_processes) + 1);
    let word = locks.as_ref().map_or(NO_SEMAPHORES, |locks| locks.id() + 1);
    let recorded = mapping.head(header!(semaphores)).init_once(word);
    if let Some(locks) = locks.filter(|_| recorded == word) {
        settle_liveness(mapping, &*locks);
    }
    let _or_retired = mapping.head(header!(state)).compare_exchange(FRESH, READY); // pair: READY
}

/// Records the set's time of last change, and tests whether the kernel releases a dead process's locks.
fn settle_liveness(mapping: &Mapping, locks: &dyn SlotLocks) {
    if let Some(since) = locks.changed_at() {
        mapping.head(header!(semaphores_since)).init_once(since + 1);
    }
    if mapping.head(header!(liveness)).load_acquire() == 0
        && let Some(works) = locks.tell_of_deaths()
    {
        mapping.head(header!(liveness)).init_once(if works { LIVENESS_KERNEL } else { LIVENESS_DEGRADED });
    }
}

fn open(name: SegmentName, object: Object, mapping: Mapping) -> Result<Step, AttachError> {
    match header::open(name, mapping) {
        Ok(view) => {
            let hash_key = hash_key(&view);
            let locks = object.locks(&view);
            Ok(Step::Attached(Box::new(Attached { object, view, hash_key, locks })))
        }
        Err(ReadError::Retired { .. } | ReadError::NotReady { .. }) => Ok(Step::Again),
        Err(error) => Err(AttachError::Unusable(error)),
    }
}

fn no_permission(name: SegmentName) -> AttachError {
    let me = nix::unistd::geteuid().as_raw();
    match os::read_error(name, KernelCall::Map, Errno::EACCES) {
        ReadError::NoPermission { uid, gid, mode, .. } => {
            AttachError::NoPermission { name, uid, gid, mode, me }
        }
        other => AttachError::Unusable(other),
    }
}

fn unusable(name: SegmentName, call: KernelCall, error: Errno) -> AttachError {
    AttachError::Unusable(os::read_error(name, call, error))
}
