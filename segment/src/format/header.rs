//! The header: validated before anything after it is read.

use crate::{
    config::{Config, SegmentName},
    error::ReadError,
    format::record::HashKey,
    layout::{FRESH, Geometry, MAGIC, PAGE, READY, Shape, VERSION, header},
    memory::mapping::Mapping,
};

/// The segment's hash key.
pub(crate) fn hash_key(region: &Mapping) -> HashKey {
    HashKey([
        region.head(header!(hash_key)).load_acquire(),
        region.head(header!(hash_key) + 8).load_acquire(),
    ])
}

/// Validates a header without trusting any of it. Reader and writer both begin here; a writer has already
/// replaced an outdated segment.
pub(crate) fn check(name: SegmentName, region: &Mapping) -> Result<Geometry, ReadError> {
    if region.bytes() < PAGE {
        return Err(ReadError::Foreign { name });
    }
    let identity = region.head(header!(identity)).load_acquire();
    if identity == 0 {
        return Err(ReadError::NotReady { name });
    }
    if identity >> 32 != MAGIC {
        return Err(ReadError::Foreign { name });
    }
    if identity as u32 != VERSION {
        return Err(ReadError::Version { name, found: identity as u32, known: VERSION });
    }
    match region.head(header!(state)).load_acquire() {
        FRESH => return Err(ReadError::NotReady { name }), // pair: READY
        READY => {}
        _ => return Err(ReadError::Retired { name }),
    }
    let (claimed, actual) = (region.head(header!(size)).load_acquire(), region.bytes());
    let short = ReadError::Short { name, actual, claimed };
    if claimed > actual {
        return Err(short);
    }
    let shape = Shape::unpack(region.head(header!(config)).load_acquire());
    let sane = shape.max_series <= Config::MAX_SERIES
        && shape.max_series > 0
        && u32::from(shape.max_label_length) >= Config::MIN_LABEL_LENGTH
        && (1..=Config::MAX_PROCESSES).contains(&u32::from(shape.max_processes));
    if !sane {
        return Err(short);
    }
    Geometry::new(shape, claimed).map_err(|claimed| ReadError::Short { name, actual, claimed })
}
