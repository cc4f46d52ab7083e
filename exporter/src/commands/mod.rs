//! The commands of the program, a file for each, and what only commands use.

pub(crate) mod atomic_file;
pub(crate) mod dump;
mod error;
pub(crate) mod healthcheck;
#[cfg(feature = "node")]
pub(crate) mod node;
pub(crate) mod rm;
pub(crate) mod serve;
pub(crate) mod status;
mod systemd;
pub(crate) mod top;

pub(crate) use error::Error;
