//! Runs the real binary and talks to it as a client would.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part

pub mod segment;
pub mod worker;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use promshm_segment::SegmentName;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// No test waits for its outcome longer than this; none is faster for it.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// The binary with `--segment` and further words.
pub fn exporter(segment: SegmentName, words: &[&str]) -> Command {
    exporter_of(&[segment.to_string()], words)
}

/// As [`exporter`], with `--segment` for each of `segments`.
pub fn exporter_of(segments: &[String], words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_promshm-exporter"));
    for segment in segments {
        command.arg("--segment").arg(segment);
    }
    command.args(words).env_remove("PROMSHM_SEGMENT");
    command
}

/// Runs a command of the binary to its end, without a terminal.
pub fn run(segment: SegmentName, words: &[&str]) -> Output {
    run_of(&[segment.to_string()], words)
}

/// As [`run`], with `--segment` for each of `segments`.
pub fn run_of(segments: &[String], words: &[&str]) -> Output {
    exporter_of(segments, words).stdin(Stdio::null()).output().expect("the binary runs")
}

/// What a command printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A running server; killed when it goes out of scope.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    log: String,
    pub address: SocketAddr,
}

impl Server {
    /// Serves on a free port.
    pub fn start(segment: SegmentName, words: &[&str]) -> Self {
        Self::spawn(exporter(segment, words))
    }

    pub fn spawn(mut command: Command) -> Self {
        command.arg("--web.listen-address=127.0.0.1:0").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut server = Self { child, lines, log: String::new(), address: ([127, 0, 0, 1], 0).into() };
        let line = server.wait_for_line("msg=\"listening\"");
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        server.address = address.expect(&line).parse().expect(&line);
        server
    }

    /// Reads the log up to a line that contains `part`.
    pub fn wait_for_line(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(WATCHDOG) else {
                panic!("no line with {part:?} in the log:\n{}", self.log);
            };
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains(part) {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        kill(pid, signal).expect("the server lives");
    }

    /// Waits for the server's end; also gives the whole log.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("a child");
        while let Ok(line) = self.lines.recv_timeout(WATCHDOG) {
            self.log.push_str(&line);
            self.log.push('\n');
        }
        (status, std::mem::take(&mut self.log))
    }

    /// Ends the server as a supervisor does.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path)
    }

    pub fn ask(&self, method: &str, path: &str) -> Answer {
        let mut stream = self.connect();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("sent");
        Answer::read(stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(WATCHDOG)).expect("a socket");
        stream
    }

    /// The metrics page.
    pub fn page(&self) -> String {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Reads to the connection's end.
    pub fn read(mut stream: impl Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the whole answer");
        let answer = text(&bytes);
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect(head);
        Self { status, head: head.into(), body: body.into() }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The value of the sample that is written `name`, labels included.
pub fn sample(page: &str, name: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().expect(value))
}
