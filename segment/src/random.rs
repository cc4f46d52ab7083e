//! Random numbers.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// A random number that is not 0, from the source that seeds Rust's hash maps.
#[must_use]
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish() | 1
}
