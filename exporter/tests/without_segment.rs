//! The exporter started before any worker: pages, logs and exit codes.
#![allow(missing_docs)]

mod common;

use common::{Server, run, sample, segment::OwnSegment, text};
use nix::sys::signal::Signal;
use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
};

#[test]
fn metrics_report_a_missing_segment() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(sample(&answer.body, "promshm_up"), Some(0.0));
    assert!(sample(&answer.body, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 0.0));
    assert!(!answer.body.contains("promshm_series"), "{}", answer.body);
}

#[test]
fn unchanged_cause_is_logged_once() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    for _ in 0..5 {
        server.page();
    }
    let (_, log) = server.stop();
    assert_eq!(log.matches("waiting for the segment").count(), 1, "{log}");
    assert!(log.contains("no worker has counted yet"), "{log}");
}

#[test]
fn other_pages_answer() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &["--web.telemetry-path=/m"]);
    let landing = server.get("/");
    assert!(landing.body.contains("<a href=\"./m\">"));
    assert!(landing.header("Content-Security-Policy").is_some_and(|policy| policy.contains("'sha256-")));
    assert_eq!(server.get("/-/healthy").status, 200);
    assert_eq!(sample(&server.get("/m?x").body, "promshm_up"), Some(0.0));
    assert_eq!(server.get("/metrics").status, 404);
    let refused = server.ask("POST", "/m");
    assert_eq!((refused.status, refused.header("Allow")), (405, Some("GET, HEAD")));
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    for path in ["/", "/-/healthy", "/metrics"] {
        let (head, get) = (server.ask("HEAD", path), server.get(path));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"), "{path}");
        assert!(head.header("Content-Length").is_some(), "{path}: {}", head.head);
    }
}

#[test]
fn a_connection_is_kept_alive() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    let mut stream = server.connect();
    for _ in 0..3 {
        stream.write_all(b"HEAD /-/healthy HTTP/1.1\r\nHost: test\r\n\r\n").expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", text(&head));
    }
}

#[test]
fn signals_end_the_server_with_exit_code_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let own = OwnSegment::absent();
        let server = Server::start(own.name, &[]);
        server.page();
        server.signal(signal);
        let (status, log) = server.wait();
        assert!(status.success(), "{status}: {log}");
        assert!(log.ends_with("msg=\"stopped\"\n") && !log.contains("level=warn"), "{log}");
    }
}

#[test]
fn port_in_use_is_an_error() {
    let own = OwnSegment::absent();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let output = run(own.name, &["serve", "--web.listen-address", &address]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains(&format!("cannot listen on {address}: Address already in use")),
        "{complaint}"
    );
}

#[test]
fn healthcheck_requests_the_server() {
    let own = OwnSegment::absent();
    let server = Server::start(own.name, &[]);
    let address = server.address.to_string();
    let check = || run(own.name, &["healthcheck", "--web.listen-address", &address]);
    assert!(check().status.success());
    server.stop();
    let output = check();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("unhealthy: 127.0.0.1:"), "{}", text(&output.stderr));
}

#[test]
fn commands_fail_with_the_cause() {
    let own = OwnSegment::absent();
    for words in [&["dump"][..], &["status"], &["rm", "--yes"]] {
        let output = run(own.name, words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert_eq!(text(&output.stdout), "", "{words:?}");
        let complaint = text(&output.stderr);
        assert!(complaint.contains(&format!("no segment {}", own.name)), "{words:?}: {complaint}");
    }
}

#[test]
fn top_without_a_terminal_fails() {
    let output = run(OwnSegment::absent().name, &["top"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert_eq!(text(&output.stderr), "promshm-exporter: top needs a terminal; without one, use dump\n");
}

#[test]
fn segment_flag_overrides_the_environment() {
    let (flag, environment) = (OwnSegment::absent(), OwnSegment::absent());
    let complaint = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promshm-exporter"));
        command.args(words).env("PROMSHM_SEGMENT", environment.name.to_string());
        text(&command.output().expect("the binary runs").stderr)
    };
    let by_flag = format!("--segment={}", flag.name);
    assert!(complaint(&["dump"]).contains(&environment.name.to_string()));
    assert!(complaint(&[&by_flag, "dump"]).contains(&flag.name.to_string()));
    assert!(complaint(&["dump", &by_flag]).contains(&flag.name.to_string()));
}

#[test]
fn version_and_help_are_printed() {
    let own = OwnSegment::absent();
    let version = run(own.name, &["--version"]);
    let without = if cfg!(feature = "tls") { "" } else { " without TLS" };
    assert_eq!(text(&version.stdout), format!("promshm-exporter {}{without}\n", env!("CARGO_PKG_VERSION")));
    let help = text(&run(own.name, &["--help"]).stdout);
    for word in ["--segment", "--web.listen-address", "--web.telemetry-path", "--log.level", "healthcheck"] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
