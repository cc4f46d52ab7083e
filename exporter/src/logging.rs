//! Log lines in logfmt on standard error: `ts=… level=info msg="listening" address=[::]:10200`.

use jiff::Timestamp;
use log::{
    Level, LevelFilter, Log, Metadata, Record,
    kv::{self, Key, Value, VisitSource},
};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

struct Logfmt;

/// Logs from here on, up to `level`.
pub(crate) fn start(level: LevelFilter) {
    if log::set_logger(&Logfmt).is_ok() {
        log::set_max_level(level);
    }
}

impl Log for Logfmt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The HTTP library calls a closed listener an error; what matters of it we log ourselves.
        let ours = metadata.target().starts_with("promshm");
        metadata.level() <= log::max_level() && (ours || log::max_level() >= Level::Debug)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = line(record, Timestamp::now());
            // There is nobody to tell that nobody listens.
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

fn line(record: &Record<'_>, now: Timestamp) -> String {
    let level = record.level().as_str().to_ascii_lowercase();
    let mut line = format!("ts={now:.3} level={level} msg={:?}", record.args().to_string());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_logfmt() {
        let now = Timestamp::from_millisecond(1_700_000_000_250).expect("in range");
        let fields: &[(&str, &str)] =
            &[("address", "[::]:10200"), ("cause", "a \"b\"\nc"), ("empty", ""), ("equation", "a=b")];
        let args = format_args!("told you: \"{}\"", 1);
        let record = Record::builder().level(Level::Warn).args(args).key_values(&fields).build();
        let expected = r#"ts=2023-11-14T22:13:20.250Z level=warn msg="told you: \"1\"" address=[::]:10200 cause="a \"b\"\nc" empty="" equation="a=b""#;
        assert_eq!(line(&record, now), format!("{expected}\n"));
    }
}
