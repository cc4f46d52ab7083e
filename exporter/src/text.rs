//! Numbers, times and lists for people: a metric's unit is read from the ending of its name.

use humantime::format_rfc3339_seconds;
use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

/// Parses a duration of the command line.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a number and a unit, such as 30s, 2m or 1m30s".into())
}

/// The unit of a family's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Counts of things, or no unit in the name.
    Plain,
    Seconds,
    Bytes,
    /// 1 is 100 %.
    Ratio,
    /// Seconds since 1970.
    Moment,
}

/// Largest first: the number of seconds from which a unit is used, the seconds in one, its name.
const TIMES: [(f64, f64, &str); 7] = [
    (172_800.0, 86_400.0, "d"),
    (7_200.0, 3_600.0, "h"),
    (120.0, 60.0, "min"),
    (1.0, 1.0, "s"),
    (1e-3, 1e-3, "ms"),
    (1e-6, 1e-6, "µs"),
    (0.0, 1e-9, "ns"),
];
const COUNTS: [(f64, f64, &str); 5] =
    [(1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e3, 1e3, "k"), (0.0, 1.0, "")];

/// Larger values are not shown as bytes.
const MOST_BYTES: f64 = 1e18;

impl Unit {
    /// The unit by a metric's name.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.strip_suffix("_total").unwrap_or(name);
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&["_timestamp_seconds", "_time_seconds"]) => Self::Moment,
            () if ends(&["_seconds"]) => Self::Seconds,
            () if ends(&["_bytes"]) => Self::Bytes,
            () if ends(&["_ratio"]) => Self::Ratio,
            () => Self::Plain,
        }
    }

    /// Formats a value; `now` is the time in seconds since 1970.
    pub(crate) fn value(self, value: f64, now: f64) -> String {
        match self {
            _ if !value.is_finite() => odd(value),
            Self::Moment if value > 1e8 && now - value < 1.0 => "now".into(),
            Self::Moment if value > 1e8 => format!("{} ago", scaled(now - value, &TIMES)),
            _ if value == 0.0 => "0".into(),
            Self::Seconds | Self::Moment => scaled(value, &TIMES),
            Self::Bytes if (0.0..MOST_BYTES).contains(&value) => human_bytes(value as u64),
            Self::Ratio => format!("{} %", short(value * 100.0)),
            _ => plain(value),
        }
    }

    /// Formats an increase per second.
    pub(crate) fn rate(self, rate: f64) -> String {
        match self {
            _ if !rate.is_finite() => odd(rate),
            _ if rate == 0.0 => "0/s".into(),
            Self::Bytes if (0.0..MOST_BYTES).contains(&rate) => format!("{}/s", human_bytes(rate as u64)),
            Self::Seconds => format!("{}/s", scaled(rate, &TIMES)),
            _ => format!("{}/s", scaled(rate, &COUNTS)),
        }
    }
}

/// An integer with thousands separators.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn plain(value: f64) -> String {
    let size = value.abs();
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    if value.fract() == 0.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(size as u64));
    }
    short(value)
}

fn odd(value: f64) -> String {
    if value.is_nan() { "NaN".into() } else { format!("{value:+}").replace("inf", "Inf") }
}

fn scaled(number: f64, units: &[(f64, f64, &str)]) -> String {
    // A value that rounds up to a unit is shown in that unit.
    let fits = units.iter().find(|(from, ..)| number.abs() >= from * 0.9995);
    let (_, size, unit) = fits.unwrap_or(&units[units.len() - 1]);
    format!("{} {unit}", short(number / size)).trim_end().into()
}

/// Three significant digits without trailing zeros; all digits of larger numbers up to a million, because a column
/// has room for no more.
fn short(number: f64) -> String {
    if number.abs() >= 1e6 {
        return format!("{number:.2e}");
    }
    let decimals = match number.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.09995 => 3,
        _ => 6,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// `2026-01-31 12:00:00 UTC`; `None` after the year 9999.
pub(crate) fn utc(time: SystemTime) -> Option<String> {
    let mut text = String::new();
    write!(text, "{}", format_rfc3339_seconds(time)).ok()?;
    Some(text.replace('T', " ").replace('Z', " UTC"))
}

/// `512 B`, `1.5 KiB`, `256.0 MiB`
pub(crate) fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1023.95 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// Joins things into one line.
pub(crate) fn joined(things: &[impl ToString], separator: &str) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_unit() {
        let expected = [
            ("jobs_total", Unit::Plain),
            ("cpu_seconds_total", Unit::Seconds),
            ("job_seconds", Unit::Seconds),
            ("sent_bytes_total", Unit::Bytes),
            ("hit_ratio", Unit::Ratio),
            ("job_last_success_timestamp_seconds", Unit::Moment),
            ("process_start_time_seconds", Unit::Moment),
            ("seconds", Unit::Plain),
        ];
        for (name, unit) in expected {
            assert_eq!(Unit::of(name), unit, "{name}");
        }
    }

    #[test]
    fn values_are_formatted_in_their_unit() {
        let now = 1_700_000_090.0;
        let expected = [
            (Unit::Plain, 0.0, "0"),
            (Unit::Plain, 1_204.0, "1,204"),
            (Unit::Plain, -1_234_567.0, "-1,234,567"),
            (Unit::Plain, 0.1, "0.1"),
            (Unit::Plain, 2.0 / 3.0, "0.667"),
            (Unit::Plain, 1e21, "1.000e21"),
            (Unit::Plain, f64::NAN, "NaN"),
            (Unit::Plain, f64::INFINITY, "+Inf"),
            (Unit::Plain, f64::NEG_INFINITY, "-Inf"),
            (Unit::Seconds, 0.0198, "19.8 ms"),
            (Unit::Seconds, 0.999_96, "1 s"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 150.0, "2.5 min"),
            (Unit::Bytes, 1536.0, "1.5 KiB"),
            (Unit::Bytes, -1.0, "-1"),
            (Unit::Ratio, 0.125, "12.5 %"),
            (Unit::Moment, 1_700_000_000.0, "90 s ago"),
            (Unit::Moment, 1_700_000_091.0, "now"),
            (Unit::Moment, 60.0, "60 s"),
        ];
        for (unit, value, text) in expected {
            assert_eq!(unit.value(value, now), text, "{unit:?} {value}");
        }
    }

    #[test]
    fn the_largest_numbers_are_short_too() {
        for unit in [Unit::Plain, Unit::Seconds, Unit::Bytes, Unit::Ratio, Unit::Moment] {
            for number in [1e300, -1e300, f64::MAX, 123_456_789_012_345_680_000.0] {
                for text in [unit.value(number, 1.7e9), unit.rate(number)] {
                    assert!(text.len() <= 18, "{unit:?} {number:e}: {text}");
                }
            }
        }
    }

    #[test]
    fn bytes_are_formatted_in_binary_units() {
        let expected = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (256 << 20, "256.0 MiB"),
            (u64::MAX, "16384.0 PiB"),
        ];
        for (bytes, text) in expected {
            assert_eq!(human_bytes(bytes), text);
        }
    }

    #[test]
    fn rates_are_formatted_in_their_unit() {
        let expected = [
            (Unit::Plain, 0.0, "0/s"),
            (Unit::Plain, 1.976, "1.98/s"),
            (Unit::Plain, 12_340.0, "12.3 k/s"),
            (Unit::Plain, 999.7, "1 k/s"),
            (Unit::Seconds, 0.42, "420 ms/s"),
            (Unit::Bytes, 2048.0, "2.0 KiB/s"),
        ];
        for (unit, rate, text) in expected {
            assert_eq!(unit.rate(rate), text, "{unit:?} {rate}");
        }
    }
}
