//! Log lines on standard error, in logfmt: `ts=… level=info msg="listening" address=[::]:10200`,
//! or as JSON: `{"ts":"…","level":"info","msg":"listening","address":"[::]:10200"}`.

use clap::ValueEnum;
use humantime::format_rfc3339_millis;
use log::{
    Level, LevelFilter, Log, Metadata, Record,
    kv::{self, Key, Value, VisitSource},
};
use std::{
    cell::RefCell,
    fmt::Write as _,
    io::{self, Write as _},
    sync::Arc,
    time::SystemTime,
};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}

thread_local! {
    /// The pod that this thread works for.
    static POD: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// From now on the lines of this thread name the pod that it works for.
#[cfg(feature = "node")]
pub(crate) fn set_pod(name: Arc<str>) {
    POD.set(Some(name));
}

struct Logger(LogFormat);

/// Starts logging, up to `level`.
pub(crate) fn start(level: LevelFilter, format: LogFormat) {
    if log::set_boxed_logger(Box::new(Logger(format))).is_ok() {
        log::set_max_level(level);
    }
}

/// Reports why the program ends, whatever the level: as a plain sentence, or as a JSON line.
pub(crate) fn log_fatal(message: &str, format: LogFormat) {
    match format {
        LogFormat::Logfmt => eprintln!("promshm-exporter: {message}"),
        LogFormat::Json => {
            let args = format_args!("{message}");
            eprint!("{}", json(&Record::builder().level(Level::Error).args(args).build(), SystemTime::now()));
        }
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The HTTP library logs a closed listener as an error. What matters of its lines is logged here.
        let ours = metadata.target().starts_with("promshm");
        metadata.level() <= log::max_level() && (ours || log::max_level() >= Level::Debug)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = match self.0 {
                LogFormat::Logfmt => logfmt(record, SystemTime::now()),
                LogFormat::Json => json(record, SystemTime::now()),
            };
            // Ignored: stderr is the only sink.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

fn visit_pod(fields: &mut impl for<'kv> VisitSource<'kv>) -> Result<(), kv::Error> {
    match POD.with_borrow(Clone::clone) {
        Some(pod) => fields.visit_pair(Key::from_str("pod"), Value::from_display(&pod)),
        None => Ok(()),
    }
}

fn level(record: &Record<'_>) -> String {
    record.level().as_str().to_ascii_lowercase()
}

fn logfmt(record: &Record<'_>, now: SystemTime) -> String {
    let level = level(record);
    let now = format_rfc3339_millis(now);
    let mut line = format!("ts={now} level={level} msg={}", quoted(record.args().to_string()));
    let mut fields = Fields(&mut line);
    let _ = record.key_values().visit(&mut fields).and_then(|()| visit_pod(&mut fields));
    line.push('\n');
    line
}

/// A quoted value, as logfmt readers decode it. logfmt has no standard: go-logfmt/logfmt, which Loki and others use,
/// took quoting and its reverse from Go's `encoding/json` (its files `jsonstring.go` and `decode.go`), so it is
/// JSON's: escapes of two characters, and `\u00XX` for other controls. Rust's own `\u{1b}` is invalid there.
fn quoted(text: String) -> String {
    serde_json::Value::from(text).to_string()
}

/// Appends ` key=value` for each field. go-logfmt reads a value without quotes if it contains no blanks, no quotes of
/// either kind and no `=`.
struct Fields<'l>(&'l mut String);

impl<'kv> VisitSource<'kv> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kv>, value: Value<'kv>) -> Result<(), kv::Error> {
        let value = value.to_string();
        let is_bare = !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'=\\".contains(&byte));
        let value = if is_bare { value } else { quoted(value) };
        write!(self.0, " {key}={value}").map_err(Into::into)
    }
}

fn json(record: &Record<'_>, now: SystemTime) -> String {
    let now = format_rfc3339_millis(now);
    let mut line = format!("{{\"ts\":\"{now}\",\"level\":\"{}\"", level(record));
    push_member(&mut line, "msg", record.args().to_string());
    let mut members = Members(&mut line);
    let _ = record.key_values().visit(&mut members).and_then(|()| visit_pod(&mut members));
    line.push_str("}\n");
    line
}

/// Appends `,"key":value`.
fn push_member(line: &mut String, key: &str, value: impl Into<serde_json::Value>) {
    let (key, value) = (serde_json::Value::from(key), value.into());
    write!(line, ",{key}:{value}").expect("memory takes all that is written");
}

/// Appends a member for each field; integers stay numbers.
struct Members<'l>(&'l mut String);

impl<'kv> VisitSource<'kv> for Members<'_> {
    fn visit_pair(&mut self, key: Key<'kv>, value: Value<'kv>) -> Result<(), kv::Error> {
        match value.to_i64() {
            Some(number) => push_member(self.0, key.as_str(), number),
            None => push_member(self.0, key.as_str(), value.to_string()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn written(write: fn(&Record<'_>, SystemTime) -> String) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        let fields: &[(&str, Value<'_>)] = &[
            ("address", "[::]:10200".into()),
            ("cause", "a \"b\"\nc".into()),
            ("empty", "".into()),
            ("equation", "a=b".into()),
            ("signal", 15.into()),
        ];
        let args = format_args!("told you: \"{}\"", 1);
        write(&Record::builder().level(Level::Warn).args(args).key_values(&fields).build(), now)
    }

    #[test]
    fn a_line_is_logfmt() {
        let expected = r#"ts=2023-11-14T22:13:20.250Z level=warn msg="told you: \"1\"" address=[::]:10200 cause="a \"b\"\nc" empty="" equation="a=b" signal=15"#;
        assert_eq!(written(logfmt), format!("{expected}\n"));
    }

    /// Decodes a line byte by byte as go-logfmt does; `None` where it reports a syntax error.
    fn decoded(line: &str) -> Option<Vec<(String, String)>> {
        let mut rest = line.trim_start_matches(|c| c <= ' ');
        let mut pairs = Vec::new();
        while !rest.is_empty() {
            let (key, value) = rest.split_once('=')?;
            let is_key = !key.is_empty() && key.chars().all(|c| c > ' ' && !"\"'".contains(c));
            let end = if value.starts_with('"') { end_of_quotes(value)? } else { end_of_bare(value)? };
            let text = if value.starts_with('"') {
                serde_json::from_str(&value[..end]).ok()? // its unquoteBytes is that of encoding/json
            } else {
                value[..end].to_string()
            };
            pairs.push((Some(key).filter(|_| is_key)?.to_string(), text));
            rest = value[end..].trim_start_matches(|c| c <= ' ');
        }
        Some(pairs)
    }

    fn end_of_quotes(value: &str) -> Option<usize> {
        let mut is_escaped = false;
        let end = value.bytes().skip(1).position(|byte| {
            let is_end = !is_escaped && byte == b'"';
            is_escaped = !is_escaped && byte == b'\\';
            is_end
        });
        end.map(|at| at + 2)
    }

    fn end_of_bare(value: &str) -> Option<usize> {
        let end = value.bytes().position(|byte| byte <= b' ').unwrap_or(value.len());
        (!value[..end].contains(['=', '"', '\''])).then_some(end)
    }

    /// Each kind of character alone, at either end, within a text, and doubled.
    #[test]
    fn values_of_every_character_are_read_by_gos_parser() {
        let kinds = (0..0x2100).chain([0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x1f600, 0x10_ffff]);
        let mut tried = 0;
        for c in kinds.filter_map(char::from_u32) {
            for text in
                [format!("{c}"), format!("{c}a"), format!("a{c}"), format!("a{c}b"), format!("{c}{c}")]
            {
                let fields: &[(&str, Value<'_>)] = &[("cause", text.as_str().into()), ("last", 1.into())];
                let line = logfmt(
                    &Record::builder().args(format_args!("{text}")).key_values(&fields).build(),
                    SystemTime::UNIX_EPOCH,
                );
                let pairs =
                    decoded(line.trim_end_matches('\n')).unwrap_or_else(|| panic!("{text:?}: {line}"));
                let expected = [
                    ("ts", "1970-01-01T00:00:00.000Z"),
                    ("level", "info"),
                    ("msg", &text),
                    ("cause", &text),
                    ("last", "1"),
                ];
                assert_eq!(pairs, expected.map(|(key, value)| (key.into(), value.into())), "{line}");
                assert_eq!(line.matches('\n').count(), 1, "one line: {line:?}");
                tried += 1;
            }
        }
        assert!(tried > 5 * 0x2000);
    }

    #[test]
    fn a_line_is_json() {
        let expected = r#"{"ts":"2023-11-14T22:13:20.250Z","level":"warn","msg":"told you: \"1\"","address":"[::]:10200","cause":"a \"b\"\nc","empty":"","equation":"a=b","signal":15}"#;
        assert_eq!(written(json), format!("{expected}\n"));
        serde_json::from_str::<serde_json::Value>(&written(json)).expect("JSON");
    }
}
