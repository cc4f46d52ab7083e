//! Why a command failed, with the text for the terminal.

use crate::{
    commands::atomic_file::OutputError,
    scrape::ScrapeError,
    server::ListenError,
    targets::{FindError, SelectorError, Target, read_error::explain},
    text::joined,
    web_config::ConfigError,
};
use promshm_segment::ReadError;
use std::io;

/// The error of a command: `main` prints it and exits with 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", explain(.0))]
    Read(#[from] ReadError),
    #[error(transparent)]
    Scrape(#[from] ScrapeError),
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Segments(#[from] SelectorError),
    #[error("not removed: there is no segment {name} here; there are {}", joined(targets, ","))]
    NoSuchSegment { name: String, targets: Vec<Target> },
    #[error(
        "not removed: rm removes one segment; name it, as in rm NAME, where NAME is one of {}",
        joined(.0, ",")
    )]
    WhichOne(Vec<Target>),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("--web.config.file: {0}")]
    WebConfig(#[from] ConfigError),
    #[error("cannot start the server: {0}")]
    Start(io::Error),
    #[error("the server has ended: {0}")]
    Serve(io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    #[error(transparent)]
    File(#[from] OutputError),
    #[error("not removed: there is no terminal to ask on; give --yes to remove {0} without asking")]
    NoTerminal(Target),
    #[error("{0} is not removed")]
    Declined(Target),
    #[error("top needs a terminal; without one, use dump")]
    NoScreen,
    #[error("cannot use the terminal: {0}")]
    Screen(io::Error),
    #[cfg(feature = "node")]
    #[error("--web.telemetry-path {0} is the path of another page of `node`; choose another one")]
    NodePath(String),
    #[error("unhealthy: {0}")]
    Unhealthy(String),
}
