//! The header: validated before anything after it is read.

use crate::{
    config::{Config, SegmentName},
    error::ReadError,
    format::record::HashKey,
    layout::{FRESH, Geometry, MAGIC, PAGE, READY, Shape, VERSION, header},
    memory::{mapping::Mapping, view::View},
};

/// The segment's hash key.
pub(crate) fn hash_key(mapping: &Mapping) -> HashKey {
    HashKey([
        mapping.head(header!(hash_key)).load_acquire(),
        mapping.head(header!(hash_key) + 8).load_acquire(),
    ])
}

/// A view of a segment whose header is valid.
pub(crate) fn open(name: SegmentName, mapping: Mapping) -> Result<View, ReadError> {
    let geometry = check(name, &mapping)?;
    Ok(View::new(mapping, geometry))
}

/// Validates a header without trusting any of it. Reader and writer both begin here; a writer has already
/// replaced an outdated segment.
pub(crate) fn check(name: SegmentName, mapping: &Mapping) -> Result<Geometry, ReadError> {
    if mapping.bytes() < PAGE {
        return Err(ReadError::Foreign { name });
    }
    let identity = mapping.head(header!(identity)).load_acquire();
    if identity == 0 {
        return Err(ReadError::NotReady { name });
    }
    if identity >> 32 != MAGIC {
        return Err(ReadError::Foreign { name });
    }
    if identity as u32 != VERSION {
        return Err(ReadError::Version { name, found: identity as u32, known: VERSION });
    }
    match mapping.head(header!(state)).load_acquire() {
        FRESH => return Err(ReadError::NotReady { name }), // pair: READY
        READY => {}
        _ => return Err(ReadError::Retired { name }),
    }
    let (claimed, actual) = (mapping.head(header!(size)).load_acquire(), mapping.bytes());
    let short = ReadError::Short { name, actual, claimed };
    if claimed > actual {
        return Err(short);
    }
    let shape = Shape::unpack(mapping.head(header!(config)).load_acquire());
    let sane = shape.max_series <= Config::MAX_SERIES
        && shape.max_series > 0
        && u32::from(shape.max_label_length) >= Config::MIN_LABEL_LENGTH
        && (1..=Config::MAX_PROCESSES).contains(&u32::from(shape.max_processes));
    if !sane {
        return Err(short);
    }
    Geometry::new(shape, claimed).map_err(|claimed| ReadError::Short { name, actual, claimed })
}
