use super::*;
use promshm_segment::memory::atomic::Word;
use std::{
    env, fs,
    path::PathBuf,
    process,
    time::{Duration, Instant},
};

const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuSUKcGqlYAeGB3gsyGVhEk8jWkpaVRHq";

/// A temporary folder of its own for each test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: Word = Word::new(0);
        let number = NEXT.fetch_add(1);
        let folder = env::temp_dir().join(format!("promshm-web-config-{}-{number}", process::id()));
        fs::create_dir(&folder).expect("a new folder");
        Self(folder)
    }

    fn write(&self, text: &str) -> PathBuf {
        let path = self.0.join("web.yml");
        fs::write(&path, text).expect("written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read(text: &str) -> Result<WebConfig, ConfigError> {
    WebConfig::read(&Folder::new().write(text), &mut Files::default())
}

fn error(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

#[test]
fn users_and_headers_are_read() {
    let text = format!(
        "basic_auth_users:\n  alice: {HASH}\nhttp_server_config:\n  http2: true\n  headers:\n    \
         X-Frame-Options: deny\n    Strict-Transport-Security: max-age=1\n"
    );
    let config = read(&text).expect("good");
    assert_eq!(config.users.hash("alice"), HASH);
    let lines = String::from_utf8(config.header_lines).expect("ASCII");
    assert_eq!(lines, "Strict-Transport-Security: max-age=1\r\nX-Frame-Options: deny\r\n");
    assert!(config.tls.is_none());
}

#[test]
fn broken_files_are_errors_with_their_cause() {
    for (text, cause) in [
        ("basic_auth_user:\n  a: b", "line 1: unknown field basic_auth_user; known are tls_server_config,"),
        ("basic_auth_users:\n  a: secret", "line 2: a: write a bcrypt hash"),
        (
            "basic_auth_users:\n  a: $2b$99$abcdefghijklmnopqrstuuSUKcGqlYAeGB3gsyGVhEk8jWkpaVRHq",
            "its cost is 99",
        ),
        ("basic_auth_users:\n  a:", "line 2: a: write a text"),
        ("basic_auth_users:\n  1: x", "line 2: 1: write a bcrypt hash"),
        ("basic_auth_users:\n  [1]: x", "line 2: the name of a field: write a text"),
        ("rate_limit:\n  interval: 1s", "rate_limit: burst is missing"),
        ("rate_limit:\n  interval: 1\n  burst: 1", "line 2: interval: write a duration"),
        ("rate_limit:\n  burst: 0", "line 2: burst: write a whole number of at least 1"),
        ("rate_limit:\n  busrt: 1", "unknown field busrt"),
        ("tls_server_config:\n  min_versoin: TLS12", "unknown field min_versoin"),
        ("basic_auth_users: [a]", "line 1: basic_auth_users: write fields"),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: maybe",
            "line 3: X-Frame-Options: write one line",
        ),
        ("http_server_config:\n  headers:\n    X-XSS-Protection: \"a\\nb\"", "write one line of ASCII"),
        (
            "http_server_config:\n  headers:\n    Server: me",
            "line 3: unknown field Server; known are Strict-",
        ),
        ("http_server_config:\n  http2: 2", "line 2: http2: write true or false"),
        ("http_server_config:\n  http3: true", "line 2: unknown field http3"),
    ] {
        let told = error(text);
        assert!(told.contains(cause), "{text:?}: {told}");
    }
}

#[test]
fn configuration_of_exporter_toolkit_is_accepted() {
    for nothing in
        ["", "# nothing\n", "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n", "rate_limit: {}"]
    {
        let config = read(nothing).expect(nothing);
        assert!(config.tls.is_none() && config.users.is_empty() && config.rate_limit.is_none(), "{nothing}");
        assert_eq!(config.notes, ["nothing is configured: everybody is let in, without TLS"], "{nothing}");
    }
    let empty = "tls_server_config:\n  cert_file: ''\n  key_file: \"\"\n  client_auth_type: ''\n  min_version: ''\n  \
        cipher_suites: []\n  client_allowed_sans: []\n";
    for empty in ["tls_server_config: {}", empty] {
        let notes = read(empty).expect(empty).notes;
        assert_eq!(notes, ["tls_server_config names no certificate: TLS is off"], "{empty}");
    }
    let text = format!(
        "basic_auth_users:\n  007: {HASH}\n  1e3: {HASH}\nhttp_server_config:\n  http2: On\n  headers:\n    \
         X-XSS-Protection: 0\n    X-Frame-Options: \"\"\nrate_limit:\n  interval: 100ms\n  burst: 5\n"
    );
    let config = read(&text).expect("good");
    assert_eq!(
        (config.users.hash("007"), config.users.hash("1e3")),
        (HASH, HASH),
        "names are what is written"
    );
    assert_ne!(config.users.hash("7"), HASH);
    assert_eq!(config.header_lines, b"X-XSS-Protection: 0\r\n");
    assert_eq!(config.rate_limit, Some(RateLimit { interval: Duration::from_millis(100), burst: 5 }));
    assert_eq!(config.notes, ["http2 has no effect: HTTP/1.1 is spoken"]);
    assert!(read("http_server_config:\n  http2: no\n").is_ok());
}

#[test]
fn config_file_that_is_a_pipe_is_refused_without_blocking() {
    let folder = Folder::new();
    let pipe = folder.0.join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let told = WebConfig::read(&pipe, &mut Files::default()).expect_err("no file").to_string();
    assert!(told.ends_with("pipe is no regular file"), "{told}");
}

#[test]
fn tls_without_its_files_is_an_error() {
    for (text, cause) in [
        ("tls_server_config:\n  key_file: no.key", "cert_file is missing"),
        ("tls_server_config:\n  cert_file: no.pem", "no.pem: No such file"),
    ] {
        let told = error(text);
        let expected =
            if cfg!(feature = "tls") { cause } else { "this exporter was built without TLS; take" };
        assert!(told.contains(expected), "{text:?}: {told}");
    }
}

/// Checks the files as if a minute had passed since the last check.
fn looked(live_config: &mut LiveConfig) {
    static MINUTES: Word = Word::new(1);
    let minutes = MINUTES.fetch_add(1) as u32;
    live_config.check_files(Instant::now() + minutes * Duration::from_secs(60));
}

#[test]
fn changed_file_is_read_again_and_an_invalid_one_rejects_all() {
    let folder = Folder::new();
    let good = format!("basic_auth_users:\n  alice: {HASH}\n");
    let path = folder.write(&good);
    let mut live_config = LiveConfig::open(Some(path.clone())).expect("good");
    looked(&mut live_config);
    assert_eq!(live_config.generation(), 0, "nothing has changed");

    for (generation, broken) in
        (1..).zip(["", "basic_auth_users:\n  alice: x", "http_server_config:\n  http2: true"])
    {
        folder.write(broken);
        looked(&mut live_config);
        assert!(live_config.current().is_none(), "{broken:?}");
        assert_eq!(live_config.generation(), generation);
    }
    fs::remove_file(&path).expect("removed");
    looked(&mut live_config);
    assert!(live_config.current().is_none());

    folder.write(&good.replace("alice", "bob"));
    looked(&mut live_config);
    let config = live_config.current().expect("mended");
    assert_eq!(config.users.hash("bob"), HASH);
    assert_ne!(config.users.hash("alice"), HASH);
}

#[test]
fn without_a_file_every_request_is_accepted() {
    let mut live_config = LiveConfig::open(None).expect("nothing to read");
    looked(&mut live_config);
    live_config.reload();
    assert!(live_config.current().is_some_and(|config| config.tls.is_none() && config.users.is_empty()));
    assert_eq!(live_config.generation(), 0);
}
