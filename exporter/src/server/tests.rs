//! The server with real sockets, and with handlers that misbehave.

use super::{connection::Connection, limits::GRACE, transport::Transport, *};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    os::fd::AsRawFd,
    sync::{
        Mutex,
        mpsc::{Receiver, sync_channel},
    },
    time::{Duration, Instant},
};
use tiny_http::{Request, Response};

/// No test waits longer for an expected event.
const WATCHDOG: Duration = Duration::from_secs(60);

struct Running {
    server: ServerHandle,
    address: SocketAddr,
    ended: Receiver<io::Result<()>>,
}

/// Starts a server on a free port of this machine.
fn start(max_requests: usize, handler: impl Fn(Request) + Send + Sync + 'static) -> Running {
    start_with_bodies(max_requests, move |request, _| handler(request))
}

/// The same, with a handler that may leave the body in the slot.
fn start_with_bodies(
    max_requests: usize,
    handler: impl Fn(Request, &BodySlot) + Send + Sync + 'static,
) -> Running {
    let listeners = Listeners::bind(&["127.0.0.1:0".parse().expect("good")]).expect("a free port");
    let address = listeners.address();
    let live_config = LiveConfig::open(None).expect("no file");
    let health = Health { path: "/-/healthy".into(), text: "well\n" };
    let metrics = HttpMetrics::new();
    let settings = ServerSettings {
        listeners,
        max_requests,
        metrics,
        live_config,
        health,
        on_taken: Box::new(|_, _| {}),
    };
    let (sender, ended) = channel();
    let handler: Arc<Handler> = Arc::new(handler);
    let server = ServerHandle::start(settings, &handler, move |outcome| drop(sender.send(outcome)));
    Running { server: server.expect("started"), address, ended }
}

/// A client that keeps its connection.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).expect("the server listens"))
    }

    /// A client from another address.
    fn from_elsewhere(address: SocketAddr) -> Self {
        let SocketAddr::V4(address) = address else { panic!("{address} is no IPv4 address") };
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None).expect("a socket");
        let elsewhere = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), 0);
        bind(socket.as_raw_fd(), &SockaddrIn::from(elsewhere)).expect("all of 127.0.0.0/8 is this machine");
        connect(socket.as_raw_fd(), &SockaddrIn::from(address)).expect("the server listens");
        Self::of(socket.into())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(WATCHDOG)).expect("a socket");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, path: &str) {
        write!(self.0.get_mut(), "GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").expect("sent");
    }

    /// The status and the body of the next response.
    fn receive(&mut self) -> (u16, String) {
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a line");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let _ = status.get_or_insert_with(|| line.split(' ').nth(1).expect(line).parse().expect(line));
            if let Some(digits) = line.strip_prefix("Content-Length: ") {
                length = digits.parse().expect(line);
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        (status.expect("a status line"), String::from_utf8(body).expect("UTF-8"))
    }

    fn get(&mut self, path: &str) -> (u16, String) {
        self.send(path);
        self.receive()
    }
}

fn echo(request: Request) {
    let path = request.url().to_string();
    assert_ne!(path, "/panic", "as this test wants it");
    if path == "/nonsense" {
        let mut writer = request.into_writer();
        writer.write_all(b"nonsense\r\n\r\n").and_then(|()| writer.flush()).expect("the backend takes it");
        return;
    }
    let page = if path == "/large" { "x".repeat(LARGE) } else { path };
    let response = Response::from_string(page).with_chunked_threshold(usize::MAX);
    request.respond(response).expect("the backend takes it");
}

/// Length of a response that neither the kernel nor the server holds many of.
const LARGE: usize = 3 << 20;

#[test]
fn small_answers_do_not_cut_off_a_large_one() {
    let running = start(40, echo);
    let mut reader = Client::new(running.address);
    reader.send("/large");
    let mut beginning = vec![0; 100_000];
    reader.0.read_exact(&mut beginning).expect("the page's beginning");
    for _ in 0..20 {
        assert_eq!(Client::from_elsewhere(running.address).get("/small"), (200, "/small".into()));
        reader.0.read_exact(&mut beginning).expect("the page goes on");
    }
    let mut rest = vec![0; LARGE - 21 * beginning.len()];
    reader.0.read_exact(&mut rest).expect("the whole page");
    assert!(rest.iter().all(|byte| *byte == b'x'));
}

#[test]
fn stalled_readers_are_closed_when_others_need_memory() {
    let running = start(0, echo);
    let mut stalled: Vec<_> = (0..12).map(|_| Client::new(running.address)).collect();
    stalled.iter_mut().for_each(|client| client.send("/large"));
    let large = |mut client: Client| client.get("/large");
    let (status, page) = large(Client::from_elsewhere(running.address));
    assert_eq!((status, page.len()), (200, LARGE), "another address does not wait for them");
    let (status, page) = large(Client::new(running.address));
    assert_eq!((status, page.len()), (200, LARGE), "the same one gets its turn once they have made way");
    let mut ends = stalled.iter_mut().map(|client| client.0.read_to_end(&mut Vec::new()));
    assert!(ends.any(|_| true));
}

#[test]
fn health_is_answered_while_every_backend_is_busy() {
    let (handler, open) = gated();
    let running = start(40, handler);
    let mut waiting: Vec<_> = (0..8).map(|_| Client::new(running.address)).collect();
    waiting.iter_mut().for_each(|client| client.send("/hangs"));
    let mut client = Client::new(running.address);
    for _ in 0..3 {
        assert_eq!(client.get("/-/healthy"), (200, "well\n".into()));
    }
    (0..8).for_each(|_| open.send(()).expect("the handler listens"));
    for client in &mut waiting {
        assert_eq!(client.receive(), (200, "/hangs".into()));
    }
}

#[test]
fn a_panicking_handler_costs_one_response() {
    let running = start(40, echo);
    let mut client = Client::new(running.address);
    for round in 0..20 {
        assert_eq!(client.get("/panic").0, 500);
        assert_eq!(client.get(&format!("/{round}")), (200, format!("/{round}")));
    }
}

#[test]
fn body_in_the_slot_is_the_response_of_its_request_only() {
    let running = start_with_bodies(40, |request, body| {
        let url = request.url().to_string();
        if url == "/plain" {
            return echo(request);
        }
        body.put(url.repeat(1 << 18).into_bytes());
        assert!(url != "/panic", "after the body was left");
        let _ = request.respond(Response::empty(200));
    });
    let mut client = Client::new(running.address);
    for round in 0..3 {
        let url = format!("/{round}");
        assert!(client.get(&url) == (200, url.repeat(1 << 18)));
        assert_eq!(client.get("/plain"), (200, "/plain".into()), "the slot is empty again");
        assert_eq!(client.get("/panic").0, 500);
        assert_eq!(client.get("/plain"), (200, "/plain".into()), "the slot is empty after a panic");
    }
}

#[test]
fn a_broken_backend_is_replaced() {
    let running = start(40, echo);
    for _ in 0..5 {
        let mut client = Client::new(running.address);
        assert_eq!(client.get("/nonsense").0, 500);
        assert_eq!(client.0.read(&mut [0]).expect("an end"), 0);
        assert_eq!(Client::new(running.address).get("/after"), (200, "/after".into()));
    }
}

#[test]
fn request_without_response_is_closed_and_a_late_response_discarded() {
    let (handler, open) = gated();
    let running = start(40, handler);
    let mut clients: Vec<_> = (0..3).map(|_| Client::new(running.address)).collect();
    for client in &mut clients {
        client.send("/late");
    }
    for client in &mut clients {
        assert_eq!(client.receive().0, 500, "the handler hangs");
        assert_eq!(client.0.read(&mut [0]).expect("an end"), 0);
    }
    (0..3).for_each(|_| open.send(()).expect("the handler listens"));
    assert_eq!(Client::new(running.address).get("/next"), (200, "/next".into()));
}

#[test]
fn bursts_of_kept_alive_clients_are_answered_on_a_fresh_server() {
    for _ in 0..20 {
        let running = start(0, echo);
        let mut clients: Vec<_> = (0..64).map(|_| Client::new(running.address)).collect();
        for round in 0..3 {
            clients
                .iter_mut()
                .enumerate()
                .for_each(|(number, client)| client.send(&format!("/{round}/{number}")));
            for (number, client) in clients.iter_mut().enumerate() {
                assert_eq!(client.receive(), (200, format!("/{round}/{number}")));
            }
        }
        running.server.stop();
        running.ended.recv_timeout(WATCHDOG).expect("an end").expect("a good one");
    }
}

#[test]
fn pipelined_requests_are_answered_one_by_one() {
    let running = start(40, echo);
    let mut client = Client::new(running.address);
    (0..100).for_each(|number| client.send(&format!("/{number}")));
    for number in 0..100 {
        assert_eq!(client.receive(), (200, format!("/{number}")));
    }
}

/// A handler that answers when it is told to.
fn gated() -> (impl Fn(Request) + Send + Sync, std::sync::mpsc::SyncSender<()>) {
    let (open, gate) = sync_channel::<()>(100);
    let gate = Mutex::new(gate);
    let handler = move |request: Request| {
        let _ = gate.lock().expect("no panic").recv_timeout(WATCHDOG);
        echo(request);
    };
    (handler, open)
}

#[test]
fn requests_beyond_the_limit_get_503() {
    let (handler, open) = gated();
    let running = start(3, handler);
    let (sender, answers) = channel();
    for _ in 0..5 {
        let (sender, mut client) = (sender.clone(), Client::new(running.address));
        thread::spawn(move || sender.send(client.get("/").0));
    }
    let next = || answers.recv_timeout(WATCHDOG).expect("an answer");
    assert_eq!([next(), next()], [503, 503], "the handler has answered nobody yet");
    (0..3).for_each(|_| open.send(()).expect("the handler listens"));
    assert_eq!([next(), next(), next()], [200, 200, 200]);
}

#[test]
fn peer_with_many_requests_does_not_delay_others() {
    let (gated, open) = gated();
    let (came, order) = channel();
    let running = start(40, move |request: Request| {
        came.send(request.url().to_string()).expect("the test listens");
        gated(request);
    });
    let mut greedy: Vec<_> = (0..20).map(|_| Client::new(running.address)).collect();
    greedy.iter_mut().for_each(|client| client.send("/greedy"));
    let mut modest = Client::from_elsewhere(running.address);
    modest.send("/modest");
    let mut last = Client::new(running.address);
    last.0.get_mut().write_all(b"nonsense\r\n\r\n").expect("sent");
    assert_eq!(last.receive().0, 400, "so those before it were read");
    // Two requests are in backends, and a third may have arrived in the same turn. The gate opens for one response at
    // a time, because two threads would report theirs in any order.
    let arrive = || order.recv_timeout(WATCHDOG).expect("a request");
    let mut first = vec![arrive(), arrive()];
    for _ in 0..2 {
        open.send(()).expect("the handler listens");
        first.push(arrive());
    }
    assert!(first.contains(&"/modest".into()), "{first:?} were before it");
    (0..19).for_each(|_| open.send(()).expect("the handler listens"));
    assert_eq!(modest.receive(), (200, "/modest".into()));
    for client in &mut greedy {
        assert_eq!(client.receive(), (200, "/greedy".into()));
    }
}

#[test]
fn age_of_a_connection_counts_from_the_handshake() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let now = Instant::now();
    let idle_since = |made| {
        let socket = TcpStream::connect(address).expect("it listens");
        let transport = Transport::new(mio::net::TcpStream::from_std(socket), None);
        Connection::new(transport, address.into(), 0, made, now).idle_since(now)
    };
    assert_eq!(idle_since(now), None, "its request may be on its way");
    let earlier = now.checked_sub(GRACE).expect("the machine runs for longer");
    assert_eq!(idle_since(earlier), Some(earlier));
}

#[test]
fn requests_sent_before_stop_are_answered() {
    let (handler, open) = gated();
    let running = start(40, handler);
    let mut clients: Vec<_> = (0..8).map(|_| Client::new(running.address)).collect();
    let mut idle = Client::new(running.address);
    for client in &mut clients {
        client.send("/");
    }
    running.server.stop();
    assert!(running.ended.recv_timeout(Duration::from_millis(300)).is_err(), "answers are owed");
    (0..8).for_each(|_| open.send(()).expect("the handler listens"));
    for client in &mut clients {
        assert_eq!(client.receive(), (200, "/".into()));
    }
    running.ended.recv_timeout(WATCHDOG).expect("an end").expect("a good one");
    assert_eq!(idle.0.read(&mut [0]).expect("an end"), 0);
    assert!(TcpStream::connect(running.address).is_err());
}

#[test]
fn incomplete_head_is_rejected_after_its_time() {
    let running = start(40, echo);
    let mut slow = Client::new(running.address);
    slow.0.get_mut().write_all(b"GET / HTTP/1.1\r\nX: ").expect("sent");
    assert_eq!(slow.receive().0, 408);
    assert_eq!(slow.0.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn private_listener_accepts_no_further_connection() {
    let running = start(40, echo);
    assert_eq!(Client::new(running.address).get("/").0, 200);
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("Linux");
    let ours = format!("@promshm-{}-", std::process::id());
    let names: Vec<_> = sockets
        .lines()
        .filter_map(|line| line.rsplit(' ').next().filter(|name| name.starts_with(&ours)))
        .collect();
    assert!(!names.is_empty(), "{sockets}");
    for name in names {
        use std::os::{linux::net::SocketAddrExt, unix::net};
        let name = net::SocketAddr::from_abstract_name(&name[1..]).expect("a name");
        assert!(net::UnixStream::connect_addr(&name).is_err());
    }
}
