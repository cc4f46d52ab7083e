//! `rm` asks for confirmation on a terminal, and only there.
#![allow(missing_docs)]

mod common;

use common::{exporter, run, segment::OwnSegment, text, worker::config};
use nix::pty::openpty;
use promshm_segment::{ReadError, Reader, Writer};
use std::{
    fs::File,
    io::Write,
    process::{Output, Stdio},
};

fn is_there(own: &OwnSegment) -> bool {
    !matches!(Reader::attach(own.name), Err(ReadError::Absent { .. }))
}

fn with_worker() -> (OwnSegment, Writer) {
    let own = OwnSegment::absent();
    let writer = Writer::attach(&config(&own)).expect("the segment can be attached");
    (own, writer)
}

/// `rm` on a terminal where somebody types `answer`.
fn rm_and_type(own: &OwnSegment, answer: &str) -> Output {
    let terminal = openpty(None, None).expect("a terminal");
    let mut command = exporter(own.name, &["rm"]);
    command.stdin(Stdio::from(terminal.slave)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    File::from(terminal.master).write_all(answer.as_bytes()).expect("typed");
    child.wait_with_output().expect("a child")
}

#[test]
fn rm_without_a_terminal_removes_nothing() {
    let (own, _writer) = with_worker();
    let output = run(own.name, &["rm"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--yes"), "{}", text(&output.stderr));
    assert!(is_there(&own));
}

#[test]
fn rm_with_yes_removes_without_asking() {
    let (own, writer) = with_worker();
    let output = run(own.name, &["rm", "--yes"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), format!("removed {}\n", own.name));
    assert!(!is_there(&own));
    assert!(!writer.is_current(), "attached workers attach again");
    assert!(own.has_no_semaphores());
}

#[test]
fn rm_on_a_terminal_asks() {
    let (own, _writer) = with_worker();
    for no in ["n\n", "\n", "maybe\n"] {
        let output = rm_and_type(&own, no);
        assert_eq!(output.status.code(), Some(1), "{no}");
        assert!(text(&output.stdout).contains("attached now: 1"), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains("is not removed"), "{}", text(&output.stderr));
        assert!(is_there(&own));
    }
    assert!(rm_and_type(&own, "y\n").status.success());
    assert!(!is_there(&own));
}

#[test]
fn foreign_memory_is_not_removed() {
    let own = OwnSegment::foreign(1 << 20, 0o600);
    own.poke(0, 0x6c6c_6568_0000_0001);
    assert_eq!(run(own.name, &["rm", "--yes"]).status.code(), Some(1));
    assert!(is_there(&own));
}
