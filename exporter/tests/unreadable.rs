//! Unreadable segments: `promshm_up` is 0, the log names the cause, and the exporter continues.
#![allow(missing_docs)]

mod common;

use common::{Server, exporter, run, sample, segment::OwnSegment, text, worker::config};
use nix::unistd::geteuid;
use promshm_segment::{
    SegmentName, Writer,
    layout::{Header, MAGIC, VERSION},
};
use std::{
    env, fs,
    mem::offset_of,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{self, Command},
};

/// A user that exists on every system and owns nothing.
const NOBODY: u32 = 65534;

/// Scrapes a few times and gives the only warning.
fn only_warning(server: Server) -> String {
    for _ in 0..3 {
        let page = server.page();
        assert_eq!(sample(&page, "promshm_up"), Some(0.0), "{page}");
        assert!(!page.contains("promshm_series"), "{page}");
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("level=warn")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    warnings[0].into()
}

/// As [`only_warning`]; a command must also fail with the same message.
fn cause(own: &OwnSegment) -> String {
    let output = run(own.name, &["dump"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    let told = told.trim().strip_prefix("promshm-exporter: ").expect("the program says who it is");
    let warning = only_warning(Server::start(own.name, &[]));
    assert!(warning.contains(told), "{warning} / {told}");
    warning
}

#[test]
fn foreign_memory_is_reported() {
    let own = OwnSegment::foreign(1 << 20, 0o600);
    own.poke(0, 0x6c6c_6568_0000_0001);
    let warning = cause(&own);
    assert!(warning.contains("another program uses that key") && warning.contains("--segment"), "{warning}");
}

#[test]
fn memory_smaller_than_a_header_is_reported() {
    assert!(cause(&OwnSegment::foreign(1, 0o600)).contains("another program uses that key"));
}

#[test]
fn newer_layout_is_reported() {
    let own = OwnSegment::foreign(1 << 20, 0o600);
    own.poke(0, MAGIC << 32 | u64::from(VERSION + 1));
    let warning = cause(&own);
    assert!(warning.contains(&format!("layout version {}", VERSION + 1)), "{warning}");
}

#[test]
fn segment_shorter_than_its_header_says_is_reported() {
    let own = OwnSegment::absent();
    let _writer = Writer::attach(&config(&own)).expect("the segment can be attached");
    own.poke(offset_of!(Header, size), 1 << 40);
    let warning = cause(&own);
    assert!(warning.contains(&(1_u64 << 40).to_string()) && warning.contains("rm"), "{warning}");
}

#[test]
fn segment_that_stays_uninitialised_is_reported() {
    assert!(cause(&OwnSegment::foreign(1 << 20, 0o600)).contains("is being created"));
}

#[test]
fn segment_without_permission_is_reported() {
    let own = OwnSegment::foreign(1 << 20, 0);
    let stranger = Stranger::new();
    let warning = only_warning(Server::spawn(stranger.exporter(own.name)));
    let uid = geteuid();
    for part in [&format!("belongs to uid {uid}"), "mode 0000", "promshm.mode", "promshm.group"] {
        assert!(warning.contains(part), "{part}: {warning}");
    }
}

#[test]
fn changed_cause_is_logged_again() {
    let own = OwnSegment::foreign(1 << 20, 0o600);
    let server = Server::start(own.name, &[]);
    server.page();
    own.poke(0, MAGIC << 32 | u64::from(VERSION + 1));
    server.page();
    server.page();
    own.remove();
    server.page();
    let (_, log) = server.stop();
    let causes = ["is being created", "layout version", "no segment"].map(|part| log.matches(part).count());
    assert_eq!(causes, [1, 1, 1], "{log}");
}

/// The exporter under another user: root ignores a mode of 0.
struct Stranger {
    /// A copy of the binary that any user may run; the build directory may be private.
    copy: Option<PathBuf>,
}

impl Stranger {
    fn new() -> Self {
        let copy = geteuid().is_root().then(|| {
            let copy = env::temp_dir().join(format!("promshm-exporter-{}", process::id()));
            fs::copy(env!("CARGO_BIN_EXE_promshm-exporter"), &copy).expect("room for a copy");
            copy
        });
        Self { copy }
    }

    fn exporter(&self, name: SegmentName) -> Command {
        let Some(copy) = &self.copy else { return exporter(name, &[]) };
        let mut command = Command::new(copy);
        command.arg(format!("--segment={name}")).uid(NOBODY).gid(NOBODY);
        command
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Some(copy) = &self.copy {
            let _ = fs::remove_file(copy);
        }
    }
}
