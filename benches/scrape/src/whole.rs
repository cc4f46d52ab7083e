//! A whole scrape, as a client sees it: from the request to the last byte, on a connection that is kept.

use crate::{ROUNDS, median, milliseconds};
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

/// Starts the exporter on `segment`, scrapes it, and returns `name=value` pairs: milliseconds and bytes.
pub(crate) fn whole(binary: &str, segment: &str) -> String {
    let words = ["serve", "--segment", segment, "--web.listen-address=127.0.0.1:0"];
    let child = Command::new(binary).args(words).stderr(Stdio::piped()).spawn().expect("the exporter starts");
    let mut exporter = Exporter(child);
    let mut log = BufReader::new(exporter.0.stderr.take().expect("piped"));
    let mut client = BufReader::new(TcpStream::connect(address(&mut log)).expect("it listens"));
    // Waits for the exporter's own first look at the segment, which the first scrape would wait for.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let (mut gzip, mut plain) = (0, 0);
    let start = Instant::now();
    gzip += scrape(&mut client, PAGE, TEXT, "gzip");
    let first = milliseconds(start);
    let with_gzip = median(|| gzip = scrape(&mut client, PAGE, TEXT, "gzip"));
    let without = median(|| plain = scrape(&mut client, PAGE, TEXT, "identity"));
    for _ in 0..ROUNDS {
        scrape(&mut client, PAGE, TEXT, "gzip");
        scrape(&mut client, PAGE, TEXT, "identity");
    }
    scrape(&mut client, "/-/healthy", TEXT, "identity"); // the page before has then been freed
    let held = anonymous_bytes(exporter.0.id());
    scrape(&mut client, PAGE, PROTOBUF, "gzip");
    let protobuf = median(|| {
        scrape(&mut client, PAGE, PROTOBUF, "gzip");
    });
    format!(
        " whole_first={first:.3} whole_gzip={with_gzip:.3} whole_plain={without:.3} whole_protobuf={protobuf:.3} \
         whole_gzip_bytes={gzip} \
         whole_plain_bytes={plain} whole_held={held}"
    )
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
