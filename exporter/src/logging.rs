//! Log lines on standard error, in logfmt: `ts=… level=info msg="listening" address=[::]:10200`,
//! or as JSON: `{"ts":"…","level":"info","msg":"listening","address":"[::]:10200"}`.

use clap::ValueEnum;
use humantime::format_rfc3339_millis;
use log::{
    Level, LevelFilter, Log, Metadata, Record,
    kv::{self, Key, Value, VisitSource},
};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::SystemTime,
};

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}

struct Lines(LogFormat);

/// Logs from here on, up to `level`.
pub(crate) fn start(level: LevelFilter, format: LogFormat) {
    if log::set_boxed_logger(Box::new(Lines(format))).is_ok() {
        log::set_max_level(level);
    }
}

/// Tells why the program ends, whatever the level: to people as a sentence, to those who read JSON as a line.
pub(crate) fn complain(complaint: &str, format: LogFormat) {
    match format {
        LogFormat::Logfmt => eprintln!("promshm-exporter: {complaint}"),
        LogFormat::Json => {
            let args = format_args!("{complaint}");
            eprint!("{}", json(&Record::builder().level(Level::Error).args(args).build(), SystemTime::now()));
        }
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The HTTP library calls a closed listener an error; what matters of it we log ourselves.
        let ours = metadata.target().starts_with("promshm");
        metadata.level() <= log::max_level() && (ours || log::max_level() >= Level::Debug)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = match self.0 {
                LogFormat::Logfmt => logfmt(record, SystemTime::now()),
                LogFormat::Json => json(record, SystemTime::now()),
            };
            // There is nobody to tell that nobody listens.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

fn level(record: &Record<'_>) -> String {
    record.level().as_str().to_ascii_lowercase()
}

fn logfmt(record: &Record<'_>, now: SystemTime) -> String {
    let level = level(record);
    let now = format_rfc3339_millis(now);
    let mut line = format!("ts={now} level={level} msg={:?}", record.args().to_string());
    let _ = record.key_values().visit(&mut Fields(&mut line));
    line.push('\n');
    line
}

/// Appends ` key=value` for each field.
struct Fields<'l>(&'l mut String);

impl<'kv> VisitSource<'kv> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kv>, value: Value<'kv>) -> Result<(), kv::Error> {
        let value = value.to_string();
        let bare = !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"=\\".contains(&byte));
        let written =
            if bare { write!(self.0, " {key}={value}") } else { write!(self.0, " {key}={value:?}") };
        written.map_err(Into::into)
    }
}

fn json(record: &Record<'_>, now: SystemTime) -> String {
    let now = format_rfc3339_millis(now);
    let mut line = format!("{{\"ts\":\"{now}\",\"level\":\"{}\"", level(record));
    push_member(&mut line, "msg", record.args().to_string());
    let _ = record.key_values().visit(&mut Members(&mut line));
    line.push_str("}\n");
    line
}

/// Appends `,"key":value`.
fn push_member(line: &mut String, key: &str, value: impl Into<serde_json::Value>) {
    let (key, value) = (serde_json::Value::from(key), value.into());
    write!(line, ",{key}:{value}").expect("memory takes all that is written");
}

/// Appends a member for each field; whole numbers stay numbers.
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

    #[test]
    fn a_line_is_json() {
        let expected = r#"{"ts":"2023-11-14T22:13:20.250Z","level":"warn","msg":"told you: \"1\"","address":"[::]:10200","cause":"a \"b\"\nc","empty":"","equation":"a=b","signal":15}"#;
        assert_eq!(written(json), format!("{expected}\n"));
        serde_json::from_str::<serde_json::Value>(&written(json)).expect("JSON");
    }
}
