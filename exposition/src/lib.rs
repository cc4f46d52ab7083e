//! Prometheus's formats, text and protobuf: a snapshot's families in, bytes out.
//!
//! No input or output happens here and nothing is locked, so the exporter and the PHP extension share it. [`Encoder`]
//! is the entry point, [`Format`] lists the formats, [`negotiate`] chooses one for a client, and [`number`] formats
//! numbers.
#![forbid(unsafe_code)]

mod common;
mod encoder;
mod escape;
mod exemplar;
mod format;
mod front_coding;
mod gzip;
mod measured;
mod native;
mod negotiation;
pub mod number;
mod openmetrics;
mod prefix;
mod protobuf;
mod wire;
mod workers;

pub use encoder::{Encoder, Limits, PART};
pub use escape::{push_help, push_quotable};
pub use format::Format;
pub use gzip::Gzip;
pub use negotiation::{Choice, negotiate, quality};
pub use openmetrics::taken_names;
pub use workers::{worker_families, worker_family_names};
