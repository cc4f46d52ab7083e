//! The format of a segment's contents, beyond its fixed layout: records, their strings and hashes, the index
//! that refers to them, rings of samples, hints of native histograms, exemplars, and times of last use.

pub mod exemplar;
pub(crate) mod family;
pub(crate) mod header;
pub mod hints;
pub(crate) mod index;
pub mod label_value;
pub(crate) mod record;
pub mod ring;
pub(crate) mod runtime;
pub(crate) mod series;
pub(crate) mod settings;
pub(crate) mod strings;
#[cfg(test)]
mod tests;
pub mod ttl;
