use super::*;
use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuSUKcGqlYAeGB3gsyGVhEk8jWkpaVRHq";

/// A folder of its own for each test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
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
        ("", "nothing is configured"),
        ("basic_auth_user:\n  a: b", "line 1: unknown field basic_auth_user; known are tls_server_config,"),
        ("basic_auth_users:\n  a: secret", "line 2: a: write a bcrypt hash"),
        (
            "basic_auth_users:\n  a: $2b$99$abcdefghijklmnopqrstuuSUKcGqlYAeGB3gsyGVhEk8jWkpaVRHq",
            "its cost is 99",
        ),
        ("basic_auth_users:\n  a:", "line 2: a: write a text"),
        ("basic_auth_users:\n  1: x", "line 2: the name of a field: write a text, in quotes"),
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
fn tls_without_its_files_is_an_error() {
    for (text, cause) in [
        ("tls_server_config: {}", "cert_file is missing"),
        ("tls_server_config:\n  cert_file: no.pem", "no.pem: No such file"),
    ] {
        let told = error(text);
        let expected =
            if cfg!(feature = "tls") { cause } else { "this exporter was built without TLS; take" };
        assert!(told.contains(expected), "{text:?}: {told}");
    }
}

/// Lets the door look at its files, as if a minute had passed since it last did.
fn looked(door: &mut Door) {
    static MINUTES: AtomicU32 = AtomicU32::new(1);
    let minutes = MINUTES.fetch_add(1, Ordering::Relaxed);
    door.look(Instant::now() + minutes * Duration::from_secs(60));
}

#[test]
fn changes_are_followed_and_a_broken_file_shuts_the_door() {
    let folder = Folder::new();
    let good = format!("basic_auth_users:\n  alice: {HASH}\n");
    let path = folder.write(&good);
    let mut door = Door::open(Some(path.clone())).expect("good");
    looked(&mut door);
    assert_eq!(door.generation(), 0, "nothing has changed");

    for (generation, broken) in
        (1..).zip(["", "basic_auth_users:\n  alice: x", "http_server_config:\n  http2: true"])
    {
        folder.write(broken);
        looked(&mut door);
        assert!(door.config().is_none(), "{broken:?}");
        assert_eq!(door.generation(), generation);
    }
    fs::remove_file(&path).expect("removed");
    looked(&mut door);
    assert!(door.config().is_none());

    folder.write(&good.replace("alice", "bob"));
    looked(&mut door);
    let config = door.config().expect("mended");
    assert_eq!(config.users.hash("bob"), HASH);
    assert_ne!(config.users.hash("alice"), HASH);
}

#[test]
fn without_a_file_everybody_is_let_in() {
    let mut door = Door::open(None).expect("nothing to read");
    looked(&mut door);
    door.reload();
    assert!(door.config().is_some_and(|config| config.tls.is_none() && config.users.is_empty()));
    assert_eq!(door.generation(), 0);
}
