//! A whole scrape, as a client sees it: from the request to the last byte, on a connection that is kept.

use crate::{ROUNDS, clock::cpu_of, milliseconds, times};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Instant,
};

/// The exporter under measurement; ended on drop.
struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the exporter on `segment`, scrapes it, and returns `name=value` pairs: milliseconds and bytes. `first` is the
/// first scrape of another exporter, which has not looked at the segment before.
pub(crate) fn whole(binary: &str, segment: &str) -> String {
    let (exporter, mut client) = start(binary, segment);
    let mut line = first(binary, segment);
    // The exporter's own first look at the segment has then ended.
    let (mut gzip, mut plain) = (scrape(&mut client, PAGE, TEXT, "gzip"), 0);
    line += &ways("gzip", &exporter, || gzip = scrape(&mut client, PAGE, TEXT, "gzip"));
    line += &ways("plain", &exporter, || plain = scrape(&mut client, PAGE, TEXT, "identity"));
    for _ in 0..ROUNDS {
        scrape(&mut client, PAGE, TEXT, "gzip");
        scrape(&mut client, PAGE, TEXT, "identity");
    }
    scrape(&mut client, "/-/healthy", TEXT, "identity"); // the page before has then been freed
    let held = anonymous_bytes(exporter.0.id());
    scrape(&mut client, PAGE, PROTOBUF, "gzip");
    line += &ways("protobuf", &exporter, || _ = scrape(&mut client, PAGE, PROTOBUF, "gzip"));
    format!("{line} whole_gzip_bytes={gzip} whole_plain_bytes={plain} whole_held={held}")
}

/// The median, the least, and the exporter's CPU time of many scrapes of one kind.
fn ways(name: &str, exporter: &Exporter, scrape: impl FnMut()) -> String {
    let before = cpu_of(exporter.0.id());
    let times = times(scrape);
    let spent = (cpu_of(exporter.0.id()) - before) / ROUNDS as f64;
    let (median, least) = (times[ROUNDS / 2], times[0]);
    format!(" whole_{name}={median:.3} whole_{name}_least={least:.3} whole_{name}_cpu={spent:.3}")
}

/// How often a first scrape is measured, each of a new exporter.
const FIRSTS: usize = 5;

/// The least of first scrapes from the request to the last byte, and the least CPU time of an exporter until then.
fn first(binary: &str, segment: &str) -> String {
    let (mut least, mut spent) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..FIRSTS {
        let (exporter, mut client) = start(binary, segment);
        let start = Instant::now();
        scrape(&mut client, PAGE, TEXT, "gzip");
        least = least.min(milliseconds(start));
        spent = spent.min(cpu_of(exporter.0.id()));
    }
    format!(" whole_first={least:.3} whole_first_cpu={spent:.3}")
}

/// An exporter, and a connection to it.
fn start(binary: &str, segment: &str) -> (Exporter, BufReader<TcpStream>) {
    let words = ["serve", "--segment", segment, "--web.listen-address=127.0.0.1:0"];
    let child = Command::new(binary).args(words).stderr(Stdio::piped()).spawn().expect("the exporter starts");
    let mut exporter = Exporter(child);
    let mut log = BufReader::new(exporter.0.stderr.take().expect("piped"));
    let client = BufReader::new(TcpStream::connect(address(&mut log)).expect("it listens"));
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (exporter, client)
}

/// The address from the log line that says where the exporter listens.
fn address(log: &mut impl BufRead) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("a log"), 0, "the exporter has ended");
        if let Some((_, address)) = line.trim_end().split_once("address=") {
            return address.split(' ').next().unwrap_or(address).trim_matches('"').into();
        }
    }
}

const PAGE: &str = "/metrics";
const TEXT: &str = "text/plain;version=0.0.4";
const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

/// Requests a page and reads it. Returns the body's length.
fn scrape(client: &mut BufReader<TcpStream>, path: &str, format: &str, encoding: &str) -> usize {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {format}\r\nAccept-Encoding: {encoding}\r\n\r\n"
    );
    client.get_mut().write_all(request.as_bytes()).expect("sent");
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        client.read_line(&mut line).expect("a header field");
        if let Some(digits) = line.strip_prefix("Content-Length: ") {
            length = digits.trim_end().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).expect("the whole body");
    length
}

/// The process's own memory: `RssAnon`.
fn anonymous_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let field = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a field of Linux");
    field.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
