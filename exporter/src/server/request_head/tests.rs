use super::*;

fn read(text: &str) -> Result<Option<(RequestHead, usize)>, Rejection> {
    parse(text.as_bytes())
}

fn head_of(text: &str) -> RequestHead {
    let (head, length) = read(text).expect(text).expect(text);
    assert_eq!(length, text.len(), "{text}");
    head
}

fn lines_of(text: &str) -> String {
    String::from_utf8(head_of(text).lines).expect("ASCII")
}

/// The reason why this text is refused.
fn reason(text: &str) -> &'static str {
    match read(text) {
        Err(rejection) => rejection.reason(),
        other => panic!("{text:?} is {other:?}"),
    }
}

#[test]
fn request_is_rewritten() {
    let text = "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT:  text/plain \r\nConnection: keep-alive\r\n\
        Authorization: Basic YTpi\r\nTE: chunked\r\npromshm-pass: guessed\r\nContent-Length: 0\r\n\
        Expect: 100-continue\r\nX-Umlaut: \u{e4}\r\n\r\n";
    assert_eq!(lines_of(text), "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT: text/plain\r\n");
    assert_eq!(head_of(text).authorization.as_deref(), Some(&b"Basic YTpi"[..]));
    assert!(lines_of("HEAD http://a:1/m?x HTTP/1.1\nHost: a\n\n").starts_with("HEAD /m?x HTTP/1.1\r\n"));
    assert!(lines_of("GET https://a HTTP/1.0\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
    assert!(lines_of("GET HTTP://a/m HTTP/1.0\r\n\r\n").starts_with("GET /m HTTP/1.1\r\n"), "in any case");
    assert!(lines_of("GET HttpS://a?x/y HTTP/1.0\r\n\r\n").starts_with("GET /?x/y HTTP/1.1\r\n"));
    assert!(head_of("HEAD / HTTP/1.0\r\n\r\n").without_body);
}

#[test]
fn one_request_is_taken_from_many() {
    let one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (_, length) = read(&one.repeat(3)).expect("sound").expect("complete");
    assert_eq!(length, one.len());
    for end in 0..one.len() {
        assert_eq!(read(&one[..end]), Ok(None), "{end}");
    }
}

#[test]
fn connections_are_kept_as_the_version_says() {
    let keeps = |version: &str, connection: &str| {
        head_of(&format!("GET / HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\n\r\n")).keeps_alive
    };
    assert!(keeps("1.1", "") && keeps("1.1", "upgrade") && keeps("1.0", "x , Keep-Alive"));
    assert!(!keeps("1.0", "") && !keeps("1.1", "Close") && !keeps("1.1", "keep-alive, close"));
}

#[test]
fn bodies_and_doubtful_lengths_are_refused() {
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    for body in
        ["Content-Length: 1", "content-length: 007", "Transfer-Encoding: chunked", "transfer-encoding:"]
    {
        assert_eq!(reason(&with(body)), "body", "{body}");
    }
    for doubtful in [
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Content-Length: +1",
        "Content-Length: 0, 0",
        "Content-Length:",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
        "X: a\r\n folded",
        "X: a\r\n\tContent-Length: 5",
        " Content-Length: 5",
        "X: a\0b",
        "X",
        "Host: b",
        "Authorization: a\r\nAuthorization: b",
    ] {
        assert_eq!(reason(&with(doubtful)), "malformed", "{doubtful}");
    }
    assert!(read(&with("Content-Length: 000")).is_ok());
}

/// Against CVE-2026-66752 and CVE-2026-66753 of `tiny_http` 0.12: SECURITY.md.
#[test]
fn transfer_encodings_and_bare_line_breaks_never_reach_tiny_http() {
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    for value in
        ["chunked", "xchunked", "identity", "gzip, chunked", "chunked, identity", "Chunked", "\"chunked\""]
    {
        assert_eq!(reason(&with(&format!("Transfer-Encoding: {value}"))), "body", "{value}");
        assert_eq!(reason(&with(&format!("X: a\r\nTRANSFER-ENCODING:{value}"))), "body", "{value}");
    }
    for bare in ["X: a\rb", "X: a\rY: b", "X: \r\rY: b", "X: a\n\rY: b", "X\r: a"] {
        assert_eq!(reason(&with(bare)), "malformed", "{bare:?}");
    }
    let ended_by_line_feed = lines_of(&with("X: a\nY: b"));
    assert!(ended_by_line_feed.ends_with("\r\nX: a\r\nY: b\r\n"), "{ended_by_line_feed:?}");
}

#[test]
fn malformed_requests_are_rejected() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\n",
    ] {
        assert_eq!(reason(text), "malformed", "{text}");
    }
}

#[test]
fn heads_have_a_limit() {
    let with = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let field = |length: usize| with(&format!("X: {}", "x".repeat(length)));
    let room = HEAD_BYTES - field(0).len();
    assert!(matches!(read(&field(room)), Ok(Some(_))));
    assert_eq!(reason(&field(room + 1)), "head_too_large");
    assert_eq!(reason(&field(room)[..HEAD_BYTES - 1].replace('\r', "x").repeat(2)), "malformed");
    assert_eq!(reason(&format!("GET /{}", "x".repeat(HEAD_BYTES))), "head_too_large");
    assert_eq!(reason(&with(&"X: y\r\n".repeat(HEAD_FIELDS))), "head_too_large");
}

/// Numbers that look random and are the same in each run (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What requests are made of, sound and unsound.
const PIECES: [&str; 24] = [
    "GET ",
    "HEAD ",
    "/",
    "/m?x",
    "http://a/",
    " HTTP/1.1",
    " HTTP/1.0",
    "\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Host: a\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    ": ",
    " ",
    "\t",
    "\0",
    "Connection: close\r\n",
    "X: y\r\n",
    "\u{e4}",
    "Promshm-Pass: x\r\n",
];

#[test]
fn accepted_bytes_are_exactly_one_request() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut passed = 0;
    for _ in 0..100_000 {
        let mut bytes = Vec::new();
        if random.below(2) == 0 {
            bytes.extend_from_slice(b"GET / HTTP/1.1\r\nHost: a\r\n");
        }
        for _ in 0..random.below(12) {
            bytes.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
        }
        if random.below(4) == 0 && !bytes.is_empty() {
            let place = random.below(bytes.len());
            bytes[place] = random.below(256) as u8;
        }
        if let Ok(Some((head, length))) = parse(&bytes) {
            passed += 1;
            assert_sound(&head, length, &bytes);
        }
    }
    assert!(passed > 1000, "{passed} of the texts were requests");
}

/// What the library may be given: ASCII lines that it splits as we do, and nothing of a body.
fn assert_sound(head: &RequestHead, length: usize, bytes: &[u8]) {
    assert!(length <= bytes.len());
    let text = std::str::from_utf8(&head.lines).expect("UTF-8");
    assert!(text.is_ascii() && text.ends_with("\r\n") && !text.contains('\0'), "{text:?}");
    let mut lines = text.strip_suffix("\r\n").expect("an end").split("\r\n");
    assert_eq!(lines.next().map(|line| line.split(' ').count()), Some(3), "{text:?}");
    for line in lines {
        let (name, _) = line.split_once(": ").expect(line);
        assert!(!name.is_empty() && !name.contains(char::is_whitespace), "{line:?}");
        assert!(!KEPT_BACK.iter().any(|each| each.eq_ignore_ascii_case(name)), "{line:?}");
        assert!(!line.contains(['\r', '\n']), "{line:?}");
    }
}

#[test]
fn a_path_is_asked_for_with_get_or_head() {
    let asks = |line: &str| head_of(&format!("{line} HTTP/1.0\r\n\r\n")).asks_for("/-/healthy");
    for yes in ["GET /-/healthy", "HEAD /-/healthy?x", "GET http://a/-/healthy"] {
        assert!(asks(yes), "{yes}");
    }
    for no in ["POST /-/healthy", "GET /-/healthy2", "GET /", "GET /x?/-/healthy", "get /-/healthy"] {
        assert!(!asks(no), "{no}");
    }
}
