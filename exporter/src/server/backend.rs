//! A backend: one private connection from the event loop to the HTTP library, which carries one request at a time.
//!
//! The library loses requests when many connections arrive at once, starts a thread for each connection, and stops
//! accepting for good after it ran out of descriptors. Therefore each backend is a library server of its own with
//! exactly one connection, made at start. Its listener has an abstract name, which works on a read-only file system.
//! The listener is shut down as soon as the backend is connected, and each request carries a secret, so that no other
//! process of the network namespace bypasses authentication.

use super::{
    request_head::{RequestHead, SECRET_FIELD},
    response::Reply,
};
use httparse::{EMPTY_HEADER, Response, Status};
use log::{error, warn};
use mio::net::UnixStream;
use nix::sys::socket::{Shutdown, shutdown};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fmt::Write as _,
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::net::{self, SocketAddr, UnixListener},
    },
    panic::{AssertUnwindSafe, catch_unwind},
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use tiny_http::{Request, Server};

/// Answers one request of the library.
pub(crate) type Handler = dyn Fn(Request, &BodySlot) + Send + Sync;

/// Where a handler may leave the body of its response, while it answers the library's request with an empty one.
/// Passing a large page through the library and the private connection would copy it three times, and takes several
/// times as long as making it.
#[derive(Default)]
pub(crate) struct BodySlot(Mutex<Option<Vec<u8>>>);

impl BodySlot {
    /// Leaves the body; to be called before the response is sent.
    pub(crate) fn put(&self, body: Vec<u8>) {
        *self.lock() = Some(body);
    }

    fn take(&self) -> Option<Vec<u8>> {
        self.lock().take()
    }

    /// A poisoned lock is fine: a single assignment cannot be half done.
    fn lock(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A response with this field is reported once its client has received all of it. The field is removed before the
/// client sees the response.
pub(crate) const REPORT: &str = "X-Promshm-Report";

/// The library sends few response fields, and the site adds few.
const ANSWER_FIELDS: usize = 32;
const ANSWER_HEAD_BYTES: usize = 8 * 1024;

pub(super) struct Backend {
    pub(super) stream: UnixStream,
    server: &'static Server,
    secret: String,
    body: Arc<BodySlot>,
    exchange: Option<Exchange>,
}

/// The request that a backend is processing.
struct Exchange {
    client: usize,
    without_body: bool,
    request: Vec<u8>,
    sent: usize,
    /// Bytes of the response's head that have arrived so far.
    head: Vec<u8>,
    /// The response and the length of its body, once the head is complete.
    reply: Option<(Reply, usize)>,
}

impl Backend {
    /// Opens a backend, and starts a thread that calls `handler` for each request.
    pub(super) fn open(handler: &Arc<Handler>) -> io::Result<Self> {
        let name = SocketAddr::from_abstract_name(format!("promshm-{}-{}", process::id(), random_hex()?))?;
        let listener = UnixListener::bind_addr(&name)?;
        let stream = net::UnixStream::connect_addr(&name)?;
        stream.set_nonblocking(true)?;
        if let Err(errno) = shutdown(listener.as_raw_fd(), Shutdown::Both) {
            warn!(cause:% = errno; "the private socket stays open; requests without its secret are refused");
        }
        let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
        // Never dropped, because the library's clean-up panics on an abstract name. A backend is replaced only after
        // a failure.
        let server: &'static Server = Box::leak(Box::new(server));
        let (secret, handler) = (random_hex()?, Arc::clone(handler));
        let pass = secret.clone();
        let body = Arc::new(BodySlot::default());
        let slot = Arc::clone(&body);
        thread::Builder::new()
            .name("backend".into())
            .spawn(move || serve_requests(server, &pass, &*handler, &slot))?;
        Ok(Self { stream: UnixStream::from_std(stream), server, secret, body, exchange: None })
    }

    pub(super) fn is_free(&self) -> bool {
        self.exchange.is_none()
    }

    /// Starts to send a client's request.
    pub(super) fn send_request(&mut self, client: usize, head: RequestHead) {
        let mut request = head.lines;
        request.extend_from_slice(format!("{SECRET_FIELD}: {}\r\n\r\n", self.secret).as_bytes());
        let (without_body, head) = (head.without_body, Vec::new());
        self.body.take(); // of a handler that panicked before it responded
        self.exchange = Some(Exchange { client, without_body, request, sent: 0, head, reply: None });
    }

    /// The client whose request is being processed.
    pub(super) fn client(&self) -> Option<usize> {
        self.exchange.as_ref().map(|exchange| exchange.client)
    }

    /// Makes progress: returns the client and its response, or `None` if the response is not complete. After an error
    /// the backend is unusable.
    pub(super) fn advance(&mut self) -> io::Result<Option<(usize, Reply)>> {
        let outcome = match &mut self.exchange {
            Some(exchange) => exchange.advance(&mut self.stream, &self.body),
            None => watch(&mut self.stream),
        };
        match outcome {
            Ok(Some(reply)) => Ok(self.exchange.take().map(|exchange| (exchange.client, reply))),
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(None),
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.unblock(); // ends the backend's thread
    }
}

/// An idle backend sends nothing, so whatever arrives means that it has ended.
fn watch(stream: &mut UnixStream) -> io::Result<Option<Reply>> {
    stream.read(&mut [0]).and_then(|_| Err(ErrorKind::UnexpectedEof.into()))
}

impl Exchange {
    fn advance(&mut self, stream: &mut UnixStream, body: &BodySlot) -> io::Result<Option<Reply>> {
        while self.sent < self.request.len() {
            self.sent += stream.write(&self.request[self.sent..])?;
        }
        while self.reply.is_none() {
            self.read_head(stream, body)?;
        }
        let Some((reply, length)) = &mut self.reply else { return Ok(None) };
        let missing = *length - reply.body.len();
        Read::by_ref(stream).take(missing as u64).read_to_end(&mut reply.body)?;
        if reply.body.len() < *length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(self.reply.take().map(|(reply, _)| reply))
    }

    fn read_head(&mut self, stream: &mut UnixStream, body: &BodySlot) -> io::Result<()> {
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes)?;
        if length == 0 || self.head.len() > ANSWER_HEAD_BYTES {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.head.extend_from_slice(&bytes[..length]);
        self.reply = parse_response(&self.head, self.without_body, body)?;
        Ok(())
    }
}

/// Parses a response from `bytes`: the response with the part of its body that is there, and the body's length.
/// `None` while the head is incomplete. A body in `slot` takes the place of the library's empty one.
fn parse_response(bytes: &[u8], without_body: bool, slot: &BodySlot) -> io::Result<Option<(Reply, usize)>> {
    let mut fields = [EMPTY_HEADER; ANSWER_FIELDS];
    let mut response = Response::new(&mut fields);
    let Status::Complete(start) = response.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let length = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("Content-Length"));
    let length = length.and_then(|field| std::str::from_utf8(field.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
    let report = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(REPORT));
    let report = report.map(|field| String::from_utf8_lossy(field.value).into_owned());
    if let Some(body) = slot.take() {
        let lines = lines(&response, body.len());
        let body = if without_body { Vec::new() } else { body };
        let length = body.len();
        return Ok(Some((Reply { lines, body, report }, length)));
    }
    let lines = lines(&response, length);
    let length = if without_body { 0 } else { length };
    let mut body = Vec::with_capacity(length);
    body.extend_from_slice(&bytes[start..bytes.len().min(start + length)]);
    Ok(Some((Reply { lines, body, report }, length)))
}

/// The status line and the fields, without those that name the library or are meant for the event loop.
fn lines(response: &Response<'_, '_>, length: usize) -> Vec<u8> {
    let (code, reason) = (response.code.unwrap_or(500), response.reason.unwrap_or_default());
    let mut lines = format!("HTTP/1.1 {code} {reason}\r\nContent-Length: {length}\r\n").into_bytes();
    for field in response.headers.iter() {
        if !["Server", "Connection", "Content-Length", REPORT]
            .iter()
            .any(|name| field.name.eq_ignore_ascii_case(name))
        {
            lines.extend_from_slice(field.name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(field.value);
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

/// The backend's thread; it ends when the backend is dropped.
fn serve_requests(server: &Server, secret: &str, handler: &Handler, body: &BodySlot) {
    loop {
        match server.recv() {
            Ok(request) if has_secret(&request, secret) => respond(request, handler, body),
            Ok(request) => drop(request.respond(tiny_http::Response::empty(403))),
            // The only system error that is reported here comes from the listener that was shut down.
            Err(error) if error.raw_os_error().is_some() => {}
            Err(_) => return,
        }
    }
}

fn has_secret(request: &Request, secret: &str) -> bool {
    request.headers().iter().any(|field| field.field.equiv(SECRET_FIELD) && field.value.as_str() == secret)
}

/// A panic costs this one response (the library sends 500 for it), not the thread.
fn respond(request: Request, handler: &Handler, body: &BodySlot) {
    if catch_unwind(AssertUnwindSafe(|| handler(request, body))).is_err() {
        error!("the handler of a request panicked");
    }
}

/// 128 random bits as hexadecimal digits.
fn random_hex() -> io::Result<String> {
    let mut bytes = [0; 16];
    let failed = |_| io::Error::other("the system has no random numbers");
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes all that is written
        text
    }))
}
