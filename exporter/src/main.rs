//! `promshm-exporter`: reads a promshm segment and serves it to Prometheus.
//!
//! [`cli`] says what can be asked for, [`segments`] which segments are read, [`source`] reads one,
//! [`collect`] makes a page of all, [`http`] says which page answers what, [`guard`] owns the open
//! port, and [`serve`] runs it all.
#![forbid(unsafe_code)]

mod address;
mod asked;
mod cli;
mod collect;
mod dump;
mod failure;
mod guard;
mod gzip;
mod healthcheck;
mod http;
mod logging;
mod names;
mod output;
mod own_metrics;
mod page;
mod remove;
mod routes;
mod segments;
mod serve;
mod source;
mod status;
mod systemd;
mod top;
mod trust;
mod web_config;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    // Without it, all goes well until somebody cuts an object in /dev/shm short.
    let _as_without = promshm_segment::backend::survive_truncation();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            logging::complain(&failure.to_string(), cli.log_format);
            ExitCode::FAILURE
        }
    }
}
