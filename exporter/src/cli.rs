//! The command line.

#[cfg(feature = "node")]
use crate::commands::node;
use crate::{
    commands::{
        Error,
        dump::{DumpOptions, dump},
        healthcheck, rm, serve, status, top,
    },
    logging,
    logging::LogFormat,
    server::address::ListenAddress,
    targets::{MAX_FOUND, Segments, Selector, SelectorError, trust::TrustSelector},
    text::duration,
    web::routes::{ExternalUrl, HEALTHY, Prefix, READY, Routes},
};
use clap::{
    Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{OsStringValueParser, PossibleValuesParser, Resettable, TypedValueParser},
    error::ErrorKind,
    parser::ValueSource,
};
use log::LevelFilter;
use promshm_exposition::Format;
use std::{env, ffi::OsString, num::NonZeroUsize, os::unix::ffi::OsStrExt, path::PathBuf, time::Duration};

/// The text of `--version`, which names a build without TLS.
const VERSION: &str = if cfg!(feature = "tls") {
    env!("CARGO_PKG_VERSION")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " without TLS")
};

/// Serves the metrics that PHP processes count into shared memory to Prometheus.
///
/// Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "promshm-exporter", version = VERSION)]
pub(crate) struct Cli {
    /// The segment to read, as in the workers' promshm.segment; NAME=SEGMENT, repeatable, for several; or auto.
    #[arg(
        long,
        env = SEGMENT_VARIABLE,
        value_name = "SEGMENT",
        value_delimiter = ',',
        value_parser = segment,
        default_value = "sysv:0x70736d31"
    )]
    segment: Vec<Selector>,

    /// Whose segments to read besides those of root, of this user and of its groups: numbers of users, or any.
    /// It holds for auto, and for segments that others than their owner may write.
    #[arg(long = "segment.trust", value_name = "UID", value_delimiter = ',')]
    trust: Vec<TrustSelector>,

    /// The most segments that auto reads.
    #[arg(long = "segment.max", value_name = "NUMBER", default_value_t = MAX_FOUND)]
    max_segments: NonZeroUsize,

    /// Where to listen: :PORT for all addresses, or ADDRESS:PORT; port 0 takes a free one. May be repeated.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":10200")]
    listen_addresses: Vec<ListenAddress>,

    /// Listen on the sockets that systemd has opened (socket activation), not on addresses.
    #[arg(long = "web.systemd-socket")]
    takes_systemd_sockets: bool,

    /// TLS, passwords and header fields, in the format of Prometheus's exporter-toolkit.
    #[arg(long = "web.config.file", value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    web_config: Option<PathBuf>,

    /// The most requests at once, 0 for any number; one more waits a second, and gets 503.
    #[arg(long = "web.max-requests", value_name = "NUMBER", default_value_t = 40)]
    max_requests: usize,

    /// The URL that people see the exporter under; its path is the default of --web.route-prefix.
    #[arg(long = "web.external-url", value_name = "URL")]
    external_url: Option<ExternalUrl>,

    /// What all paths begin with, such as /promshm.
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    route_prefix: Option<Prefix>,

    /// The path of the metrics page, after the prefix.
    #[arg(
        long = "web.telemetry-path",
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = telemetry_path
    )]
    telemetry_path: String,

    /// On SIGTERM, stay until the whole metrics page was taken once more, at most this long, e.g. 30s.
    #[arg(long = "web.linger", value_name = "DURATION", default_value = "0s", value_parser = duration)]
    linger: Duration,

    /// How many scrapes end --web.linger, one of each connection: as many as there are Prometheus servers.
    #[arg(long = "web.linger-scrapes", value_name = "NUMBER", default_value = "1")]
    linger_scrapes: NonZeroUsize,

    /// On pages in the format openmetrics, tell when each counter, histogram and summary was made.
    #[arg(long = "openmetrics.created", global = true)]
    with_created: bool,

    /// What to log: error, warn, info, debug or off.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    log_level: LevelFilter,

    /// How to write log lines: logfmt or json.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt", hide_possible_values = true)]
    pub(crate) log_format: LogFormat,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Command {
    /// Serve the metrics over HTTP (the default).
    Serve,
    /// Print one scrape, or write it to a file.
    Dump {
        /// The format of the page.
        #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = format_parser())]
        format: Format,
        /// Replace this file as a whole, e.g. for the textfile collector of `node_exporter`.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print what the applications count and nothing else: no `promshm_*` and no `php_worker_*`.
        #[arg(long = "no-own-metrics")]
        no_own_metrics: bool,
    },
    /// Serve the segments of all pods of this node, each pod as a target of its own.
    #[cfg(feature = "node")]
    Node(node::NodeFlags),
    /// Show the header, slots and space of each segment.
    Status {
        /// List so many metrics, those with the most series first.
        #[arg(long, value_name = "NUMBER", default_value_t = 5)]
        top: usize,
    },
    /// Show the metrics live in a terminal.
    Top,
    /// Remove a segment; all its counts are lost.
    Rm {
        /// Which one, if there are several.
        name: Option<String>,
        /// Do not ask first.
        #[arg(long)]
        yes: bool,
    },
    /// Ask the server on this machine whether it is up; for containers.
    Healthcheck,
}

/// The environment variable for `--segment`. An empty one, as templates leave it, counts as unset.
const SEGMENT_VARIABLE: &str = "PROMSHM_SEGMENT";

impl Cli {
    /// Parses the command line; exits with an error if it is invalid.
    pub(crate) fn read() -> Self {
        Self::of(&env::args_os().collect::<Vec<_>>()).unwrap_or_else(|error| error.exit())
    }

    fn of(words: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = Self::command().mut_args(|flag| flag.global(true)); // before the command or after it
        if is_blank(env::var_os(SEGMENT_VARIABLE)) {
            command = command.mut_arg("segment", |flag| flag.env(Resettable::Reset));
        }
        let matches = command.try_get_matches_from_mut(words)?;
        Self::check_sides(words)?;
        Self::from_arg_matches(&matches)
    }

    /// Of a repeatable flag, clap drops the values before the command if there are some after it. So the command line
    /// is parsed once more with separate flags for the program and the command, to report that as an error.
    fn check_sides(words: &[OsString]) -> Result<(), clap::Error> {
        let command = Self::command().mut_args(|flag| flag.global(false).env(Resettable::Reset));
        let flags: Vec<Arg> = command.get_arguments().cloned().collect();
        let mut command = command.mut_subcommands(|each| each.args(&flags));
        let matches = command.try_get_matches_from_mut(words)?;
        let Some((_, after)) = matches.subcommand() else { return Ok(()) };
        let is_given = |matches: &ArgMatches, flag: &Arg| {
            matches.value_source(flag.get_id().as_str()) == Some(ValueSource::CommandLine)
        };
        let is_repeatable = |flag: &&Arg| matches!(flag.get_action(), ArgAction::Append);
        let mut torn = flags.iter().filter(is_repeatable);
        match torn.find(|flag| is_given(&matches, flag) && is_given(after, flag)) {
            None => Ok(()),
            Some(flag) => {
                let message = format!(
                    "--{} stands before the command and after it; write all of them on one side",
                    flag.get_long().unwrap_or_default()
                );
                Err(command.error(ErrorKind::ArgumentConflict, message))
            }
        }
    }

    /// Runs the command.
    pub(crate) fn run(&self) -> Result<(), Error> {
        logging::start(self.log_level, self.log_format);
        let segments = Segments::new(&self.segment, &self.trust, self.max_segments)?;
        match self.command.as_ref().unwrap_or(&Command::Serve) {
            Command::Serve => serve::serve(&self.serve_options(), segments),
            #[cfg(feature = "node")]
            Command::Node(flags) => node::serve(flags, &self.serve_options(), &self.trust),
            Command::Dump { format, output, no_own_metrics } => {
                let (format, has_own, file) = (*format, !no_own_metrics, output.as_deref());
                dump(segments, DumpOptions { format, with_created: self.with_created, has_own, file })
            }
            Command::Status { top } => status::print(&segments, *top),
            Command::Top => top::run(segments),
            Command::Rm { name, yes } => rm::remove(&segments, name.as_deref(), *yes),
            Command::Healthcheck => healthcheck::check(&self.listen_addresses, &self.routes().path(HEALTHY)),
        }
    }

    fn serve_options(&self) -> serve::ServeOptions {
        serve::ServeOptions {
            web_config: self.web_config(),
            routes: self.routes(),
            with_created: self.with_created,
            listen_addresses: self.listen_addresses.clone(),
            takes_systemd_sockets: self.takes_systemd_sockets,
            max_requests: self.max_requests,
            linger: self.linger,
            linger_scrapes: self.linger_scrapes,
        }
    }

    /// The web configuration; an empty name, as templates leave it, counts as absent.
    fn web_config(&self) -> Option<PathBuf> {
        self.web_config.clone().filter(|path| !path.as_os_str().is_empty())
    }

    /// The paths of the server's pages.
    fn routes(&self) -> Routes {
        Routes::new(self.route_prefix.as_ref(), self.external_url.as_ref(), &self.telemetry_path)
    }
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let named = |name: String| Format::ALL.into_iter().find(|format| format.as_str() == name);
    PossibleValuesParser::new(Format::ALL.map(Format::as_str))
        .map(move |name| named(name).expect("one of them"))
}

/// Parses one value of `--segment`; blanks around it are ignored.
fn segment(text: &str) -> Result<Selector, SelectorError> {
    text.trim().parse()
}

fn is_blank(value: Option<OsString>) -> bool {
    value.is_some_and(|value| value.as_bytes().trim_ascii().is_empty())
}

fn telemetry_path(text: &str) -> Result<String, String> {
    if [HEALTHY, READY].contains(&text) {
        return Err(format!("{text} answers checks"));
    }
    match text.strip_prefix('/') {
        Some(rest) if !rest.contains(['?', '#', ' ']) => Ok(text.into()),
        _ => Err("write a path that starts with /, such as /metrics".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use promshm_segment::SegmentName;

    impl Cli {
        fn segments(&self) -> String {
            Segments::of(&self.segment).expect("good").to_string()
        }
    }

    fn parsed(words: &[&str]) -> Result<Cli, clap::Error> {
        Cli::of(&[&["promshm-exporter"], words].concat().into_iter().map(Into::into).collect::<Vec<_>>())
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
        assert_eq!((cli.log_format, cli.linger), (LogFormat::Logfmt, Duration::ZERO));
        assert_eq!(cli.command, None);
        assert_eq!(cli.segments(), SegmentName::default().to_string());
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
            assert_eq!(cli.segments(), SegmentName::Sysv(7).to_string(), "{words:?}");
        }
    }

    #[test]
    fn an_empty_name_of_a_file_is_none() {
        for none in [&[][..], &["--web.config.file="]] {
            assert_eq!(parsed(none).expect("good").web_config(), None, "{none:?}");
        }
        assert_eq!(parsed(&["--web.config.file=a"]).expect("good").web_config(), Some("a".into()));
    }

    #[test]
    fn there_may_be_several_addresses() {
        let cli = parsed(&["--web.listen-address=:1", "--web.listen-address=[::1]:2"]).expect("good");
        let expected = [ListenAddress::Port(1), "[::1]:2".parse().expect("good")];
        assert_eq!(cli.listen_addresses, expected);
    }

    #[test]
    fn segments_are_repeated_or_listed() {
        for words in [
            &["--segment", "a=sysv:1", "--segment", "b=sysv:2"][..],
            &["--segment=a=sysv:1,b=sysv:2", "dump"],
            &["status", "--segment=a=sysv:1", "--segment=b=sysv:2"],
            &["--segment= a=sysv:1 , b=sysv:2"],
        ] {
            let segments = parsed(words).expect("good").segments();
            assert_eq!(segments, "a=sysv:0x00000001,b=sysv:0x00000002", "{words:?}");
        }
    }

    #[test]
    fn repeated_flags_on_both_sides_are_refused() {
        for words in [
            &["--segment=a=sysv:1", "dump", "--segment", "b=sysv:2"][..],
            &["--web.listen-address", ":1", "serve", "--web.listen-address=:2"],
            &["--segment.trust=1", "status", "--segment.trust", "2"],
        ] {
            let message = parsed(words).expect_err("one side").to_string();
            assert!(message.contains("write all of them on one side"), "{message}");
        }
        // A flag's text may be another flag's value, or the name of a segment to remove.
        let value = parsed(&["--web.config.file=--segment", "dump", "--segment", "sysv:7"]).expect("good");
        assert_eq!(value.segments(), SegmentName::Sysv(7).to_string());
        let name = parsed(&["--segment=a=sysv:1", "rm", "--", "--segment"]).expect("good");
        assert_eq!(name.segments(), "a=sysv:0x00000001");
    }

    #[test]
    fn durations_have_units() {
        let linger = |text: &str| parsed(&["--web.linger", text]).ok().map(|cli| cli.linger);
        for (text, seconds) in [("30s", 30), ("2m", 120), ("1m30s", 90), ("1h", 3600), ("0s", 0)] {
            assert_eq!(linger(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(linger("500ms"), Some(Duration::from_millis(500)));
        for bad in ["", "30", "s", "1 parsec", "30s ago"] {
            assert_eq!(linger(bad), None, "{bad}");
        }
        assert!(parsed(&["--web.linger=-5s"]).is_err());
    }

    #[test]
    fn a_dump_has_a_format() {
        let dump = |format: &str| parsed(&["dump", "--format", format]).ok().and_then(|cli| cli.command);
        for format in Format::ALL {
            assert_eq!(
                dump(format.as_str()),
                Some(Command::Dump { format, output: None, no_own_metrics: false })
            );
        }
        assert_eq!(dump("yaml"), None);
    }

    #[test]
    fn created_times_are_off_unless_requested() {
        for (words, is_asked) in [
            (&["dump"][..], false),
            (&["dump", "--openmetrics.created"], true),
            (&["--openmetrics.created"], true),
        ] {
            assert_eq!(parsed(words).expect("good").with_created, is_asked, "{words:?}");
        }
    }

    #[test]
    fn invalid_values_are_refused() {
        for words in [
            &["--segment=sysv:0"][..],
            &["--web.listen-address=localhost:1"],
            &["--web.telemetry-path=metrics"],
            &["--web.telemetry-path=/-/healthy"],
            &["--web.max-requests=-1"],
            &["--web.telemetry-path=/-/ready"],
            &["--web.linger-scrapes=0"],
            &["--web.route-prefix=/a?b"],
            &["--web.external-url=localhost"],
            &["--segment="],
            &["--segment=a=sysv:1,"],
            &["--log.format=xml"],
            &["--segment=a b=sysv:1"],
            &["--log.level=loud"],
            &["--yes"],
            &["remove"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
