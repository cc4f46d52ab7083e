//! The shared memory segment of promshm: its layout, the writer that counts
//! into it and the reader that serves what was counted.
//!
//! This crate knows no PHP, no HTTP and no text format. `ARCHITECTURE.md` tells
//! the whole story; [`layout`] is the place to begin reading.
#![deny(unsafe_code)] // allowed again, file by file, in `sync`, `region` and `backend`

pub mod backend;
mod buckets;
pub mod clock;
pub mod config;
#[cfg(feature = "crash-points")]
pub mod crash;
pub mod definition;
pub mod exemplar;
#[cfg(fuzzing)]
pub mod fuzzing;
mod index;
mod label_value;
pub mod layout;
#[cfg(loom)]
mod modelled;
#[cfg(all(test, loom))]
mod proofs;
mod reader;
mod record;
mod region;
pub mod rings;
pub mod snapshot;
pub mod sync;
mod texts;
pub mod ttl;
mod writer;

pub use buckets::Buckets;
pub use config::{Config, SegmentName};
pub use definition::{Definition, DefinitionError, GaugeMode, Kind};
pub use exemplar::Exemplar;
pub use label_value::push_label_value;
pub use reader::{ReadError, Reader};
#[cfg(not(loom))]
pub use region::Rings;
pub use snapshot::{Family, Snapshot, Vitals};
pub use writer::{AttachError, FamilyId, Resolved, Runtime, Writer, now};
