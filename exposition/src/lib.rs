//! Prometheus's text formats: a snapshot's families in, bytes out.
//!
//! No input or output happens here and nothing is locked, so the exporter and
//! the PHP extension share it. [`Encoder`] is the door; [`Format`] says which
//! formats there are, [`negotiate`] which of them a client wants, and [`number`]
//! how numbers are written.
#![forbid(unsafe_code)]

mod encoder;
mod escape;
mod exemplar;
mod format;
mod negotiation;
pub mod number;
mod openmetrics;
mod prefix;
mod workers;

pub use encoder::{Encoder, Limits, PART};
pub use escape::{push_help, push_quotable};
pub use format::Format;
pub use negotiation::{Choice, negotiate, quality};
pub use openmetrics::taken_names;
pub use workers::{worker_families, worker_family_names};
