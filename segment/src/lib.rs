//! The shared memory segment of promshm: its layout, the writer that counts into it, and the reader that
//! serves what was counted.
//!
//! This crate knows nothing of PHP, HTTP or text formats. `ARCHITECTURE.md` gives the overview; [`layout`]
//! is the best file to read first.
#![deny(unsafe_code)] // allowed again, file by file, in `memory` and `os`

mod buckets;
pub mod clock;
pub mod config;
pub mod crash;
pub mod definition;
mod error;
pub mod format;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod layout;
pub mod memory;
pub mod native;
pub mod order;
pub mod os;
#[cfg(all(test, loom))]
mod proofs;
mod random;
mod reader;
pub mod shared_work;
pub mod snapshot;
mod writer;

pub use buckets::Buckets;
pub use clock::unix_time;
pub use config::{Config, Difference, SegmentName, Settings};
pub use definition::{Definition, DefinitionError, GaugeMode, Kind};
pub use error::{AttachError, ReadError};
pub use format::{exemplar::Exemplar, label_value::push_label_value, runtime::Runtime};
#[cfg(not(loom))]
pub use memory::rings::Rings;
pub use native::{NativeBuckets, NativeError, NativeForm, NativeIndex};
pub use reader::{Limited, ReadLimits, Reader};
pub use snapshot::{Family, Snapshot, Stats};
pub use writer::{FamilyId, Moves, Resolved, Writer};
