//! Finding or making the segment. Creation is a row of words that are each settled
//! once: whoever finds it half done goes on, so a creator that dies or is stopped blocks nobody.

use crate::{
    config::{Config, SegmentName},
    format::record::HashKey,
    layout::{
        FRESH, Geometry, IDENTITY, LIVENESS_DEGRADED, LIVENESS_KERNEL, MAGIC, NO_SEMAPHORES, OLDEST_READABLE,
        PAGE, READY, RETIRED, Shape, VERSION, header,
    },
    memory::mapping::Region,
    os,
    os::{Locks, Object, Step as Asked},
    reader::ReadError,
};
use nix::errno::Errno;
use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::{SystemTime, UNIX_EPOCH},
};
use thiserror::Error;

/// Why a process cannot count. The texts are shown to PHP programmers as they are.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum AttachError {
    /// The existing segment cannot be used.
    #[error("{0}")]
    Unusable(ReadError),
    /// May not be written by this process.
    #[error(
        "segment {name} belongs to uid {uid}, gid {gid}, mode {mode:04o}, and may not be written by this \
         process (uid {me}): run all workers as one user, or set promshm.mode=0660 and promshm.group to a \
         group they share, then remove the segment (promshm-exporter rm)"
    )]
    NoPermission {
        /// The segment.
        name: SegmentName,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its permission bits.
        mode: u32,
        /// This process's effective user.
        me: u32,
    },
    /// The settings ask for more than fits.
    #[error(
        "promshm.size is {size} bytes, but promshm.max_series and promshm.max_processes need at least {needed}"
    )]
    TooSmall {
        /// As configured.
        size: u64,
        /// At least.
        needed: u64,
    },
    /// The kernel has no room for another segment.
    #[error("the kernel refuses segment {name} of {size} bytes ({error}): {}", name.mend(*error))]
    Refused {
        /// The segment.
        name: SegmentName,
        /// As configured.
        size: u64,
        /// What the kernel said.
        error: Errno,
    },
    /// Marked retired, but this process may not remove it.
    #[error(
        "segment {name} is retired and uid {uid} alone may remove it: run `promshm-exporter rm` as that user"
    )]
    Stuck {
        /// The segment.
        name: SegmentName,
        /// Its owner.
        uid: u32,
    },
    /// Segments came and went faster than we could attach one.
    #[error("segment {name} is replaced again and again: two programs use that {}", name.what())]
    Unstable {
        /// The segment.
        name: SegmentName,
    },
}

/// An attached segment that is ready for use.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) object: Object,
    pub(crate) region: Region,
    pub(crate) geometry: Geometry,
    pub(crate) hash_key: HashKey,
    pub(crate) locks: Option<Locks>,
}

impl Drop for Attached {
    /// The slot stays this process's, unless nobody wants one in this segment any more.
    fn drop(&mut self) {
        let is_left = || self.region.head(header!(state)).observe() == RETIRED || self.object.is_nameless();
        if let Some(locks) = self.locks.as_ref().filter(|_| is_left()) {
            locks.let_go();
        }
    }
}

/// What one look at the key led to.
enum Step {
    Attached(Box<Attached>),
    /// It changed meanwhile: look again.
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
    let mut object = match Object::find(config.name) {
        Ok(object) => object,
        Err(Errno::ENOENT) => match Object::create(config, geometry.records) {
            Ok(object) => object,
            Err(error) => return refused(config, error),
        },
        Err(error) => return Err(unusable(config.name, Asked::Find, error)),
    };
    match object.attach(false) {
        Ok(region) => use_region(config, geometry.shape, object, region),
        Err(Errno::EINVAL | Errno::EIDRM | Errno::ENOENT) => Ok(Step::Again),
        Err(Errno::EACCES) => Err(no_permission(config.name)),
        Err(error) => Err(unusable(config.name, Asked::Map, error)),
    }
}

/// Whoever was faster has made what we wanted to make.
fn refused(config: &Config, error: Errno) -> Result<Step, AttachError> {
    match error {
        Errno::EEXIST | Errno::ENOENT | Errno::EAGAIN => Ok(Step::Again),
        _ => Err(AttachError::Refused { name: config.name, size: config.size, error }),
    }
}

fn use_region(
    config: &Config,
    shape: Shape,
    mut object: Object,
    region: Region,
) -> Result<Step, AttachError> {
    let name = config.name;
    if region.bytes() < PAGE {
        return Err(AttachError::Unusable(ReadError::Foreign { name }));
    }
    let identity = region.head(header!(identity)).observe();
    let version = identity as u32;
    // Zeros may be a segment whose creator died at once; only one of our size is taken for that.
    let unborn = identity == 0 && region.bytes() == config.size && object.may_be_unfinished();
    if !unborn && identity >> 32 != MAGIC {
        return Err(AttachError::Unusable(ReadError::Foreign { name }));
    }
    if !unborn && version > VERSION {
        let error = ReadError::Version { name, found: version, known: VERSION };
        return Err(AttachError::Unusable(error));
    }
    let outdated = !unborn && version < VERSION;
    if outdated || region.head(header!(state)).observe() == RETIRED {
        return replace(name, &object, &region);
    }
    if region.head(header!(state)).observe() == FRESH {
        create(config, shape, &object, &region);
    }
    if let Err(error) = object.publish() {
        return refused(config, error);
    }
    open(name, object, region)
}

/// Takes an outdated or retired segment away, so that the next look creates its successor.
fn replace(name: SegmentName, object: &Object, region: &Region) -> Result<Step, AttachError> {
    if let Err(ReadError::NoPermission { uid, .. }) = os::check_owner(object, name) {
        return Err(AttachError::Stuck { name, uid });
    }
    os::retire(region, object).map_err(|error| unusable(name, Asked::Control, error))?;
    Ok(Step::Again)
}

/// Settles the header's words; several processes may do this at once, and any of them may stop half-way.
fn create(config: &Config, shape: Shape, object: &Object, region: &Region) {
    // Only the owner succeeds, and its INI is as good as ours.
    let _others_may_not = object.set_access(config.mode, config.group);
    region.head(header!(identity)).settle(IDENTITY);
    region.head(header!(size)).settle(region.bytes());
    let shape = Shape::unpack(region.head(header!(config)).settle(shape.pack()));
    region.head(header!(hash_key)).settle(random());
    region.head(header!(hash_key) + 8).settle(random());
    region.head(header!(created)).settle(now().to_bits());
    region.head(header!(summary_samples)).settle(u64::from(config.summary_samples));
    region.head(header!(series_ttl)).settle(u64::from(config.series_ttl) + 1);
    region.head(header!(epoch)).settle(1);
    region.head(header!(key)).settle(object.key_word());
    object.retire_orphans();
    let locks = object.make_locks(config, usize::from(shape.max_processes) + 1);
    let word = locks.as_ref().map_or(NO_SEMAPHORES, Locks::word);
    let recorded = region.head(header!(semaphores)).settle(word);
    if let Some(locks) = locks.filter(|_| recorded == word) {
        settle_liveness(region, &locks);
    }
    let _or_retired = region.head(header!(state)).claim(FRESH, READY); // pair: READY
}

/// Notes the set's state, and finds out whether the kernel tells of deaths.
fn settle_liveness(region: &Region, locks: &Locks) {
    if let Some(since) = locks.changed_at() {
        region.head(header!(semaphores_since)).settle(since + 1);
    }
    if region.head(header!(liveness)).observe() == 0
        && let Some(works) = locks.tell_of_deaths()
    {
        region.head(header!(liveness)).settle(if works { LIVENESS_KERNEL } else { LIVENESS_DEGRADED });
    }
}

fn open(name: SegmentName, object: Object, region: Region) -> Result<Step, AttachError> {
    match check(name, &region) {
        Ok(geometry) => {
            let hash_key = hash_key(&region);
            let locks = object.locks(&region);
            Ok(Step::Attached(Box::new(Attached { object, region, geometry, hash_key, locks })))
        }
        Err(ReadError::Retired { .. } | ReadError::NotReady { .. }) => Ok(Step::Again),
        Err(error) => Err(AttachError::Unusable(error)),
    }
}

/// The segment's hash key.
pub(crate) fn hash_key(region: &Region) -> HashKey {
    HashKey([region.head(header!(hash_key)).observe(), region.head(header!(hash_key) + 8).observe()])
}

/// Checks a header, byte by distrusted byte. Reader and writer both begin here; a writer has
/// replaced an outdated segment before.
pub(crate) fn check(name: SegmentName, region: &Region) -> Result<Geometry, ReadError> {
    if region.bytes() < PAGE {
        return Err(ReadError::Foreign { name });
    }
    let identity = region.head(header!(identity)).observe();
    if identity == 0 {
        return Err(ReadError::NotReady { name });
    }
    if identity >> 32 != MAGIC {
        return Err(ReadError::Foreign { name });
    }
    if !(OLDEST_READABLE..=VERSION).contains(&(identity as u32)) {
        return Err(ReadError::Version { name, found: identity as u32, known: VERSION });
    }
    match region.head(header!(state)).observe() {
        FRESH => return Err(ReadError::NotReady { name }), // pair: READY
        READY => {}
        _ => return Err(ReadError::Retired { name }),
    }
    let (claimed, actual) = (region.head(header!(size)).observe(), region.bytes());
    let short = ReadError::Short { name, actual, claimed };
    if claimed > actual {
        return Err(short);
    }
    let shape = Shape::unpack(region.head(header!(config)).observe());
    let sane = shape.max_series <= Config::MAX_SERIES
        && shape.max_series > 0
        && u32::from(shape.max_label_length) >= Config::MIN_LABEL_LENGTH
        && (1..=Config::MAX_PROCESSES).contains(&u32::from(shape.max_processes));
    if !sane {
        return Err(short);
    }
    Geometry::new(shape, claimed).map_err(|claimed| ReadError::Short { name, actual, claimed })
}

fn no_permission(name: SegmentName) -> AttachError {
    let me = nix::unistd::geteuid().as_raw();
    match os::read_error(name, Asked::Map, Errno::EACCES) {
        ReadError::NoPermission { uid, gid, mode, .. } => {
            AttachError::NoPermission { name, uid, gid, mode, me }
        }
        other => AttachError::Unusable(other),
    }
}

fn unusable(name: SegmentName, asked: Asked, error: Errno) -> AttachError {
    AttachError::Unusable(os::read_error(name, asked, error))
}

/// Wall clock, in seconds since 1970.
#[must_use]
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A random number that is not 0, from the source that seeds Rust's hash maps.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}
