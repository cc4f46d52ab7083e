//! The hash by which label values are found in tables: of PHP strings, whose own hash PHP keeps with them, and of the
//! same values packed into a key.

use crate::{
    engine::{
        globals::ModuleStatic,
        zval::{self, IS_LONG, long_of, type_of},
    },
    session::labels,
};
use ext_php_rs::types::Zval;
use std::hash::{BuildHasher, RandomState};

/// Goes into each hash, so that a client cannot choose values that collide in the table of series.
static SECRET: ModuleStatic<u64> = ModuleStatic::new(0);

/// Module startup: chooses the secret.
pub(crate) fn started() {
    SECRET.set(RandomState::new().hash_one(0));
}

/// The hash of values; `None` if one of them is not a string or an integer.
#[inline(always)]
pub(crate) fn hash_values<'v>(values: impl Iterator<Item = &'v Zval>) -> Option<u64> {
    let mut hash = SECRET.get();
    for value in values {
        hash = mix(hash, zval::string_hash(value).or_else(|| hash_integer(value))?);
    }
    Some(hash)
}

/// The hash of an integer's digits, which are its text.
fn hash_integer(value: &Zval) -> Option<u64> {
    let is_integer = type_of(value) == IS_LONG;
    is_integer.then(|| zval::hash_of_bytes(itoa::Buffer::new().format(long_of(value)).as_bytes()))
}

/// The same hash of a key.
pub(crate) fn hash_key(key: &[u8]) -> u64 {
    labels::parts(key).fold(SECRET.get(), |hash, value| mix(hash, zval::hash_of_bytes(value)))
}

/// The hash of values whose hashes by the engine are known.
#[inline(always)]
pub(crate) fn combine(hashes: impl Iterator<Item = u64>) -> u64 {
    hashes.fold(SECRET.get(), mix)
}

/// Each bit of the result depends on all bits of both, so that a table may look at any of them.
#[inline(always)]
fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ value) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}
