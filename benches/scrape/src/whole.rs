//! A whole scrape, as a client sees it: from the request to the last byte, on a connection that is kept.

use crate::{
    ROUNDS,
    clock::{cpu_of, cpu_of_thread},
    milliseconds,
};
use promshm_segment::memory::atomic::Word;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
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
/// first scrape of another exporter, which has not looked at the segment before. `bare` is a server that only writes a
/// ready page of the same length, by turns with the exporter: nobody who answers without gzip can be faster.
pub(crate) fn whole(binary: &str, segment: &str) -> String {
    let mut line = first(binary, segment);
    // Afterwards, because the exporter closes a connection that is idle for so long as that takes.
    let (exporter, mut client) = start(binary, segment);
    let [mut gzip, mut plain, _] = WAYS.map(|way| client.scrape(way));
    let mut bare = Bare::start(plain);
    let cpu = || cpu_of(exporter.0.id());
    let (mut times, mut of_bare) = ([Times::default(); 3], Times::default());
    for _ in 0..ROUNDS {
        for (way, times) in WAYS.into_iter().zip(&mut times) {
            times.take(cpu, || client.scrape(way));
        }
        let Bare { client, spent } = &mut bare;
        of_bare.take(|| spent.load_acquire() as f64 / 1e3, || client.scrape(WAYS[1]));
    }
    for _ in 0..2 * ROUNDS {
        (gzip, plain) = (client.scrape(WAYS[0]), client.scrape(WAYS[1]));
    }
    client.scrape(("/-/healthy", TEXT, "identity")); // the page before has then been freed
    let held = anonymous_bytes(exporter.0.id());
    let [of_gzip, of_plain, of_protobuf] = &mut times;
    let all = [("gzip", of_gzip), ("plain", of_plain), ("protobuf", of_protobuf), ("bare", &mut of_bare)];
    all.into_iter().for_each(|(name, times)| line += &times.text(name));
    format!("{line} whole_gzip_bytes={gzip} whole_plain_bytes={plain} whole_held={held}")
}

/// Milliseconds of scrapes of one kind, and the server's CPU time for them.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    passed: [f64; ROUNDS],
    spent: [f64; ROUNDS],
    count: usize,
}

impl Times {
    /// `cpu` returns the server's CPU time until now.
    fn take(&mut self, cpu: impl Fn() -> f64, scrape: impl FnOnce() -> usize) {
        let (start, before) = (Instant::now(), cpu());
        scrape();
        self.passed[self.count] = milliseconds(start);
        self.spent[self.count] = cpu() - before;
        self.count += 1;
    }

    /// The median, the least, and the median of the CPU time.
    fn text(&mut self, name: &str) -> String {
        self.passed.sort_by(f64::total_cmp);
        self.spent.sort_by(f64::total_cmp);
        let (median, least, spent) = (self.passed[ROUNDS / 2], self.passed[0], self.spent[ROUNDS / 2]);
        format!(" whole_{name}={median:.3} whole_{name}_least={least:.3} whole_{name}_cpu={spent:.3}")
    }
}

/// A server in this process that has its page ready, and writes it in one call.
struct Bare {
    client: Client,
    /// Microseconds of CPU time that it has spent.
    spent: Arc<Word>,
}

impl Bare {
    fn start(bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = Client::connect(&listener.local_addr().expect("bound").to_string());
        let (socket, _) = listener.accept().expect("the client");
        let spent = Arc::new(Word::new(0));
        let told = Arc::clone(&spent);
        std::thread::spawn(move || serve_bare(socket, bytes, &told));
        Self { client, spent }
    }
}

fn serve_bare(mut socket: TcpStream, bytes: usize, spent: &Word) {
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + bytes, b'x');
    let mut request = [0; 4096]; // a short one arrives as a whole
    while socket.read(&mut request).is_ok_and(|length| length > 0) {
        if socket.write_all(&answer).is_err() {
            return;
        }
        spent.store_release((cpu_of_thread() * 1e3) as u64);
    }
}

/// How often a first scrape is measured, each of a new exporter.
const FIRSTS: usize = 5;

/// The least of first scrapes from the request to the last byte, and the least CPU time of an exporter until then.
fn first(binary: &str, segment: &str) -> String {
    let (mut least, mut spent) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..FIRSTS {
        let (exporter, mut client) = start(binary, segment);
        let start = Instant::now();
        client.scrape(WAYS[0]);
        least = least.min(milliseconds(start));
        spent = spent.min(cpu_of(exporter.0.id()));
    }
    format!(" whole_first={least:.3} whole_first_cpu={spent:.3}")
}

/// An exporter, and a connection to it.
fn start(binary: &str, segment: &str) -> (Exporter, Client) {
    let words = ["serve", "--segment", segment, "--web.listen-address=127.0.0.1:0"];
    let child = Command::new(binary).args(words).stderr(Stdio::piped()).spawn().expect("the exporter starts");
    let mut exporter = Exporter(child);
    let mut log = BufReader::new(exporter.0.stderr.take().expect("piped"));
    let client = Client::connect(&address(&mut log));
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

/// Path, format and encoding of a request.
type Way = (&'static str, &'static str, &'static str);
/// With gzip, without, and in protobuf with gzip.
const WAYS: [Way; 3] = [(PAGE, TEXT, "gzip"), (PAGE, TEXT, "identity"), (PAGE, PROTOBUF, "gzip")];

/// A kept connection, and the memory that pages are read into: making that anew each time would be measured, too.
struct Client {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Client {
    fn connect(address: &str) -> Self {
        Self { stream: BufReader::new(TcpStream::connect(address).expect("it listens")), body: Vec::new() }
    }

    /// Requests a page and reads it. Returns the body's length.
    fn scrape(&mut self, (path, format, encoding): Way) -> usize {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: {format}\r\nAccept-Encoding: {encoding}\r\n\r\n"
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("sent");
        let (mut length, mut line) = (0, String::new());
        while line != "\r\n" {
            line.clear();
            assert_ne!(
                self.stream.read_line(&mut line).expect("a header field"),
                0,
                "the exporter has hung up"
            );
            if let Some(digits) = line.strip_prefix("Content-Length: ") {
                length = digits.trim_end().parse().expect("a length");
            }
        }
        self.body.resize(self.body.len().max(length), 0);
        self.stream.read_exact(&mut self.body[..length]).expect("the whole body");
        length
    }
}

/// The process's own memory: `RssAnon`.
fn anonymous_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let field = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a field of Linux");
    field.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
