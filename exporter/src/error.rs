//! Why a command could not do what it was asked for, in words for the terminal.

use crate::{
    commands::atomic_file::OutputError,
    server::address::ListenAddress,
    targets::{BadSegments, PassedOver, Segments, Target, joined, trust::SourceError},
    web_config::ConfigError,
};
use nix::errno::Errno;
use promshm_segment::ReadError;
use std::io;
use thiserror::Error;

/// The end of a command: `main` prints it and exits with 1.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{}", joined(.0, "; "))]
    Unreadable(Vec<SourceError>),
    #[error(
        "no promshm segment is found that this process may read: no worker has counted yet, or the workers run \
         in another IPC namespace or with another /dev/shm, or promshm.mode and promshm.group shut this process out"
    )]
    NothingFound,
    #[error("no promshm segment is read: {0} (see --segment.trust and --segment.max)")]
    PassedOver(PassedOver),
    #[error(
        "the kernel does not tell which segments there are ({0}): name them with --segment NAME=sysv:KEY"
    )]
    Discover(Errno),
    #[error(transparent)]
    Segments(#[from] BadSegments),
    #[error("not removed: there is no segment {name} here; there are {segments}")]
    NoSuchSegment { name: String, segments: Segments },
    #[error("not removed: rm removes one segment; name it, as in rm NAME, where NAME is one of {0}")]
    WhichOne(Segments),
    #[error("cannot listen on {address}: {error}")]
    Listen { address: ListenAddress, error: io::Error },
    #[error("--web.systemd-socket: {0}: the sockets of the .socket unit must listen on TCP")]
    Inherit(io::Error),
    #[error("--web.systemd-socket: systemd has handed over no socket; start the unit by its .socket unit")]
    NothingInherited,
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
    #[error("unhealthy: {0}")]
    Unhealthy(String),
}

impl Failure {
    /// No segment is left, perhaps because all are passed over.
    pub(crate) fn nothing_found(passed_over: &PassedOver) -> Self {
        if passed_over.is_empty() { Self::NothingFound } else { Self::PassedOver(passed_over.clone()) }
    }
}
