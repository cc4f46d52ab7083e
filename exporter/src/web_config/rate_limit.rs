//! `rate_limit`: how often requests may come.

use super::{
    error::ConfigError,
    yaml::{Field, Section},
};
use std::time::Duration;

/// The parameters of a token bucket, as in exporter-toolkit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Time until one more request is allowed; never 0.
    pub(crate) interval: Duration,
    /// Requests that are allowed at once; never 0.
    pub(crate) burst: u32,
}

/// The units of Go's durations, in seconds.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

impl RateLimit {
    /// Reads the section; an interval of 0 is no limit.
    pub(super) fn read(mut section: Section<'_>) -> Result<Option<Self>, ConfigError> {
        let (interval, burst) = (section.take("interval"), section.take("burst"));
        section.end()?;
        let interval = interval.map_or(Ok(Duration::ZERO), read_interval)?;
        let burst = burst.map(read_burst).transpose()?;
        if interval.is_zero() {
            return Ok(None);
        }
        match burst {
            Some(burst) => Ok(Some(Self { interval, burst })),
            None => Err(ConfigError::RateLimit),
        }
    }
}

fn read_interval(field: Field<'_>) -> Result<Duration, ConfigError> {
    let invalid = field.invalid("write a duration, such as 100ms, 1s or 1m30s");
    duration(&field.text()?).ok_or(invalid)
}

fn read_burst(field: Field<'_>) -> Result<u32, ConfigError> {
    let invalid =
        field.invalid("write a whole number of at least 1; with fewer, no request is ever answered");
    field.text()?.parse().ok().filter(|burst| *burst > 0).ok_or(invalid)
}

/// Reads a duration as Go writes it: `1m30s`, `1.5h`, `0`.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|each: char| !each.is_ascii_digit() && each != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let tail = &rest[end..];
        let length = tail.find(|each: char| each.is_ascii_digit() || each == '.').unwrap_or(tail.len());
        let (_, factor) = UNITS.iter().find(|(unit, _)| *unit == &tail[..length])?;
        seconds += number * factor;
        rest = &tail[length..];
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_like_go() {
        for (text, millis) in [
            ("1s", 1000),
            ("100ms", 100),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("0", 0),
            ("0s", 0),
            ("250us250us", 0),
        ] {
            assert_eq!(duration(text).map(|each| each.as_millis()), Some(millis), "{text}");
        }
        for bad in ["", "1", "s", "-1s", "1 s", "1d", "1..2s", "1s2", "1e99s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
