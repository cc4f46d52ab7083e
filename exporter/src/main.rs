//! `promshm-exporter`: reads a promshm segment and serves it to Prometheus.
//!
//! [`cli`] says what can be asked for, [`collect`] makes a page, [`http`] says
//! which page answers what, [`guard`] owns the open port, and [`serve`] runs it all.
#![forbid(unsafe_code)]

mod address;
mod asked;
mod cli;
mod collect;
mod failure;
mod guard;
mod healthcheck;
mod http;
mod logging;
mod names;
mod own_metrics;
mod remove;
mod serve;
mod status;
mod web_config;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("promshm-exporter: {failure}");
            ExitCode::FAILURE
        }
    }
}
