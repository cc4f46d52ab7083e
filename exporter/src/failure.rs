//! Why a command could not do what it was asked for, in words for the terminal.

use crate::{address::ListenAddress, web_config::ConfigError};
use promshm_segment::{ReadError, SegmentName};
use std::io;
use thiserror::Error;

/// The end of a command: `main` prints it and exits with 1.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot listen on {address}: {error}")]
    Listen { address: ListenAddress, error: io::Error },
    #[error("--web.config.file: {0}")]
    WebConfig(#[from] ConfigError),
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error("the server has ended: {0}")]
    Serve(io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error("not removed: there is no terminal to ask on; give --yes to remove {0} without asking")]
    NoTerminal(SegmentName),
    #[error("{0} is not removed")]
    Declined(SegmentName),
    #[error("unhealthy: {0}")]
    Unhealthy(String),
}
