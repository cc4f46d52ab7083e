//! `promshm-exporter`: reads a promshm segment and serves it to Prometheus.
//!
//! [`cli`] defines the command line, [`commands`] runs each command, [`targets`] decides which segments are read,
//! [`scrape`] reads them and makes one page of all, [`web`] maps requests to pages, and [`server`] owns the listening
//! sockets.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod logging;
#[cfg(feature = "node")]
mod node;
mod scrape;
mod self_metrics;
mod server;
mod targets;
mod text;
mod web;
mod web_config;

use promshm_segment::shared_work;
use std::{num::NonZeroUsize, process::ExitCode, thread};

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    // Before any thread: each would have a heap that keeps what it has freed.
    promshm_segment::os::return_large_blocks();
    // Without it, truncating an object in /dev/shm would kill the exporter with SIGBUS.
    let _as_without = promshm_segment::os::survive_truncation();
    // Only where two threads can work at a time, as a processor quota of one forbids.
    shared_work::allow(thread::available_parallelism().map_or(1, NonZeroUsize::get));
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::log_fatal(&error.to_string(), cli.log_format);
            ExitCode::FAILURE
        }
    }
}
