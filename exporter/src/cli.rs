//! The command line.

use crate::{address::ListenAddress, collect, failure::Failure, healthcheck, logging, remove, serve, status};
use clap::{Parser, Subcommand};
use log::LevelFilter;
use promshm_segment::SegmentName;
use std::path::PathBuf;

/// Serves the metrics that PHP processes count into shared memory to Prometheus.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "promshm-exporter", version)]
pub(crate) struct Cli {
    /// The segment to read, as in the workers' promshm.segment.
    #[arg(
        long,
        global = true,
        env = "PROMSHM_SEGMENT",
        value_name = "NAME",
        default_value = "sysv:0x70736d31"
    )]
    pub(crate) segment: SegmentName,

    /// Where to listen: :PORT for all addresses, or ADDRESS:PORT; port 0 takes a free one. May be repeated.
    #[arg(long = "web.listen-address", global = true, value_name = "ADDRESS", default_value = ":10200")]
    pub(crate) listen_addresses: Vec<ListenAddress>,

    /// TLS, passwords and header fields, in the format of Prometheus's exporter-toolkit.
    #[arg(long = "web.config.file", global = true, value_name = "FILE")]
    pub(crate) web_config: Option<PathBuf>,

    /// The most requests at once, 0 for any number; one more waits a second, and gets 503.
    #[arg(long = "web.max-requests", global = true, value_name = "NUMBER", default_value_t = 40)]
    pub(crate) max_requests: usize,

    /// The path of the metrics page.
    #[arg(
        long = "web.telemetry-path",
        global = true,
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    pub(crate) telemetry_path: String,

    /// What to log: error, warn, info, debug or off.
    #[arg(long = "log.level", global = true, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LevelFilter,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
enum Command {
    /// Serve the metrics over HTTP (the default).
    Serve,
    /// Print one scrape.
    Dump,
    /// Show the segment's header, slots and space.
    Status,
    /// Remove the segment and its semaphores; all counts are lost.
    Rm {
        /// Do not ask first.
        #[arg(long)]
        yes: bool,
    },
    /// Ask the server on this machine whether it is up; for containers.
    Healthcheck,
}

impl Cli {
    /// Does what was asked for.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        logging::start(self.log_level);
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::serve(self),
            Command::Dump => collect::dump(self.segment),
            Command::Status => status::print(self.segment),
            Command::Rm { yes } => remove::remove(self.segment, yes),
            Command::Healthcheck => healthcheck::check(&self.listen_addresses),
        }
    }
}

fn telemetry_path(text: &str) -> Result<String, String> {
    if text == crate::http::HEALTHY {
        return Err(format!("{text} answers the health check"));
    }
    match text.strip_prefix('/') {
        Some(rest) if !rest.contains(['?', '#', ' ']) => Ok(text.into()),
        _ => Err("write a path that starts with /, such as /metrics".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["promshm-exporter"], words].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_documented_ones() {
        let cli = parsed(&[]).expect("nothing is required");
        assert_eq!(cli.listen_addresses, [ListenAddress::Port(10200)]);
        assert_eq!(cli.max_requests, 40);
        assert_eq!(cli.telemetry_path, "/metrics");
        assert_eq!(cli.log_level, LevelFilter::Info);
        assert_eq!(cli.command, None);
        assert_eq!(parsed(&["--segment=sysv:0x70736d31"]).expect("good").segment, SegmentName::default());
    }

    #[test]
    fn flags_stand_before_and_after_the_command() {
        for words in [
            &["--web.listen-address=:1", "--segment", "sysv:7", "serve"][..],
            &["serve", "--web.listen-address", ":1", "--segment=sysv:7"],
            &["--segment", "sysv:7", "--web.listen-address", ":1"],
        ] {
            let cli = parsed(words).expect("good");
            assert_eq!(cli.listen_addresses, [ListenAddress::Port(1)], "{words:?}");
            assert_eq!(cli.segment, SegmentName::Sysv(7), "{words:?}");
        }
    }

    #[test]
    fn there_may_be_several_addresses() {
        let cli = parsed(&["--web.listen-address=:1", "--web.listen-address=[::1]:2"]).expect("good");
        let expected = [ListenAddress::Port(1), "[::1]:2".parse().expect("good")];
        assert_eq!(cli.listen_addresses, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            &["--segment=sysv:0"][..],
            &["--web.listen-address=localhost:1"],
            &["--web.telemetry-path=metrics"],
            &["--web.telemetry-path=/-/healthy"],
            &["--web.max-requests=-1"],
            &["--log.level=loud"],
            &["--yes"],
            &["remove"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
