//! `--web.config.file`: TLS, passwords and header fields, in the format of Prometheus's exporter-toolkit.
//!
//! The file and the files that it names are checked again while the server runs. An invalid configuration never lets
//! anybody in: all requests are rejected until it is corrected, and the log says what is wrong.

mod error;
mod files;
mod live_config;
mod rate_limit;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod users;
mod yaml;

pub(crate) use error::ConfigError;
pub(crate) use live_config::LiveConfig;
pub(crate) use rate_limit::RateLimit;
pub(crate) use tls::{Session, Tls};
pub(crate) use users::{Credentials, Users};

use files::Files;
use std::path::Path;
use yaml::{Field, Section};

/// A parsed web configuration.
#[derive(Debug, Default)]
pub(crate) struct WebConfig {
    /// Absent: plain HTTP.
    pub(crate) tls: Option<Tls>,
    pub(crate) users: Users,
    /// Header lines for each response, each with its line end.
    pub(crate) header_lines: Vec<u8>,
    /// Absent: no limit.
    pub(crate) rate_limit: Option<RateLimit>,
    /// Settings that are accepted without effect, for the log.
    notes: Vec<String>,
}

/// Fields of `tls_server_config` that turn TLS on: with none of them the section counts as empty (as in
/// exporter-toolkit).
const TLS_SWITCHES: [&str; 7] =
    ["cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type"];
const TLS_DETAILS: [&str; 6] = [
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
];

/// The header fields that may be set, with their allowed values where these are few (as in exporter-toolkit).
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

impl WebConfig {
    /// Reads a file and those that it names, and remembers their hashes in `files`.
    fn read(path: &Path, files: &mut Files) -> Result<Self, ConfigError> {
        let text = files.read(path)?;
        let text = String::from_utf8(text).map_err(|_| ConfigError::Encoding(path.into()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut document = yaml::document(&text)?;
        let tls = document.take("tls_server_config").map(Field::section).transpose()?;
        let http = document.take("http_server_config").map(Field::section).transpose()?;
        let users = document.take("basic_auth_users").map(Field::section).transpose()?;
        let rate_limit = document.take("rate_limit").map(Field::section).transpose()?;
        document.end()?;
        let mut notes = Vec::new();
        let config = Self {
            tls: tls.map_or(Ok(None), |section| read_tls(section, folder, files, &mut notes))?,
            users: users.map_or(Ok(Users::default()), Users::read)?,
            header_lines: http.map_or(Ok(Vec::new()), |section| header_lines(section, &mut notes))?,
            rate_limit: rate_limit.map_or(Ok(None), RateLimit::read)?,
            notes: Vec::new(),
        };
        if config.is_empty() && notes.is_empty() {
            notes.push("nothing is configured: everybody is let in, without TLS".into());
        }
        Ok(Self { notes, ..config })
    }

    fn is_empty(&self) -> bool {
        let is_open = self.tls.is_none() && self.users.is_empty();
        is_open && self.header_lines.is_empty() && self.rate_limit.is_none()
    }

    /// Fails if this configuration protects less than `former`: a file that was truncated while it was written must
    /// not turn protection off.
    fn not_weaker_than(self, former: &Self) -> Result<Self, ConfigError> {
        if former.tls.is_some() && self.tls.is_none() {
            return Err(ConfigError::Weaker("tls_server_config"));
        }
        if !former.users.is_empty() && self.users.is_empty() {
            return Err(ConfigError::Weaker("basic_auth_users"));
        }
        Ok(self)
    }
}

/// Reads `tls_server_config`. Without a certificate, a key or an authority the section is ignored.
fn read_tls(
    mut section: Section<'_>,
    folder: &Path,
    files: &mut Files,
    notes: &mut Vec<String>,
) -> Result<Option<Tls>, ConfigError> {
    if section.has_text(&TLS_SWITCHES) {
        return Tls::read(section, folder, files, notes).map(Some);
    }
    for name in TLS_SWITCHES.into_iter().chain(TLS_DETAILS) {
        section.take(name);
    }
    section.end()?;
    notes.push("tls_server_config names no certificate: TLS is off".into());
    Ok(None)
}

/// Reads `http_server_config`.
fn header_lines(mut section: Section<'_>, notes: &mut Vec<String>) -> Result<Vec<u8>, ConfigError> {
    if section.switch("http2")? == Some(true) {
        notes.push("http2 has no effect: HTTP/1.1 is spoken".into());
    }
    let headers = section.take("headers").map(Field::section).transpose()?;
    section.end()?;
    let mut lines = Vec::new();
    let Some(mut headers) = headers else { return Ok(lines) };
    for (name, values) in HEADERS {
        let Some(field) = headers.take(name) else { continue };
        let invalid = field.invalid(format!("write one line of ASCII, or one of: {}", values.join(", ")));
        let value = field.text()?;
        if value.is_empty() {
            continue;
        }
        let is_known = values.is_empty() || values.iter().any(|each| each.eq_ignore_ascii_case(&value));
        if !is_known || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(invalid);
        }
        lines.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    headers.end()?;
    Ok(lines)
}

/// Users with these passwords.
#[cfg(test)]
pub(crate) fn users_of(passwords: &[(&str, &str)]) -> Users {
    let line = |(user, password): &(&str, &str)| {
        format!("{user}: {}\n", bcrypt::hash_with_salt(password, 4, [7; 16]).expect("a hash"))
    };
    let text: String = passwords.iter().map(line).collect();
    Users::read(yaml::document(&text).expect("YAML")).expect("good")
}

#[cfg(test)]
mod tests;
