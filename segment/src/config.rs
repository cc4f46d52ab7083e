//! The settings that a segment is created with, and its name.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// The name of a segment. Written `sysv:0x70736d31`, or with a decimal key, or `posix:/promshm`, or `memory:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentName {
    /// A System V shared memory key; never 0, because key 0 means a private segment.
    Sysv(i32),
    /// A POSIX shared memory object.
    Posix(ObjectName),
    /// Memory of the process itself and of the children that it forks.
    Memory,
}

/// The name of a POSIX object, without its slash: 1 to [`ObjectName::LONGEST`] letters, digits, `.`, `_`
/// and `-`, not starting with `.`. Other characters, legal in file names, would need quoting on command
/// lines.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectName {
    bytes: [u8; Self::LONGEST],
    length: u8,
}

impl ObjectName {
    /// Longest name, in bytes.
    pub const LONGEST: usize = 62;

    /// The name, if it is valid.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_good);
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..name.len()).filter(|_| is_name)?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, length: name.len() as u8 })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl Default for SegmentName {
    /// `psm1` in ASCII.
    fn default() -> Self {
        Self::Sysv(0x7073_6d31)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysv(key) => write!(f, "sysv:{key:#010x}"),
            Self::Posix(name) => write!(f, "posix:/{}", name.as_str()),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

/// The error for an invalid segment name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not the name of a segment: {0:?}")]
pub struct BadName(pub String);

impl FromStr for SegmentName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName(text.into());
        if text == "memory:" {
            return Ok(Self::Memory);
        }
        if let Some(name) = text.strip_prefix("posix:/") {
            return ObjectName::new(name).map(Self::Posix).ok_or_else(bad);
        }
        let key = text.strip_prefix("sysv:").ok_or_else(bad)?;
        let key = match key.strip_prefix("0x").or_else(|| key.strip_prefix("0X")) {
            Some(hex) if !hex.starts_with('+') => u32::from_str_radix(hex, 16),
            Some(_) => return Err(bad()),
            None if key.starts_with('+') => return Err(bad()),
            None => key.parse(),
        };
        match key {
            Ok(0) | Err(_) => Err(bad()),
            Ok(key) => Ok(Self::Sysv(key.cast_signed())),
        }
    }
}

/// The settings that a process asks for. The process that creates the segment decides for all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the segment.
    pub name: SegmentName,
    /// Size of the address space, in bytes; only touched pages use memory.
    pub size: u64,
    /// Permission bits of the segment and the semaphores.
    pub mode: u32,
    /// Group that the segment is given to, if any.
    pub group: Option<u32>,
    /// Maximum number of processes with a slot of their own, 1 to [`Config::MAX_PROCESSES`].
    pub max_processes: u32,
    /// Maximum number of series, 1 to [`Config::MAX_SERIES`].
    pub max_series: u32,
    /// Maximum length of a label value, in bytes, 64 to 65,535; longer values are cut and end in a
    /// hash.
    pub max_label_length: u32,
    /// Number of recent samples that a summary keeps for each series and process, 1 to
    /// [`Config::MAX_SUMMARY_SAMPLES`].
    pub summary_samples: u32,
    /// Seconds after which a series without updates is hidden, up to [`Config::MAX_SERIES_TTL`]; 0 means
    /// never.
    pub series_ttl: u32,
}

impl Config {
    /// With the shared slot, this makes 1,024 semaphores, which the limits of every kernel allow.
    pub const MAX_PROCESSES: u32 = 1023;
    /// Bounded by the index, which takes 16 bytes per series.
    pub const MAX_SERIES: u32 = 4_000_000;
    /// A cut label value ends in a mark with its hash, 33 bytes long, so shorter limits make no sense.
    pub const MIN_LABEL_LENGTH: u32 = 64;
    /// A megabyte per series and process.
    pub const MAX_SUMMARY_SAMPLES: u32 = 65_536;
    /// A year.
    pub const MAX_SERIES_TTL: u32 = 365 * 86_400;
    /// Bounded by the 16 bits in which lengths are stored.
    pub const MAX_LABEL_LENGTH: u32 = 65_535;
}

impl Config {
    /// The settings among these that a segment has as a whole.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            size: self.size,
            max_processes: self.max_processes,
            max_series: self.max_series,
            max_label_length: self.max_label_length,
            summary_samples: self.summary_samples,
            series_ttl: self.series_ttl,
        }
    }
}

/// The settings that a segment has, or that a process is configured with; see [`Config`] for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    /// Size of the address space, in bytes.
    pub size: u64,
    /// Maximum number of processes with a slot of their own.
    pub max_processes: u32,
    /// Maximum number of series.
    pub max_series: u32,
    /// Maximum length of a label value, in bytes.
    pub max_label_length: u32,
    /// Number of recent samples of a summary.
    pub summary_samples: u32,
    /// Seconds after which a series without updates is hidden.
    pub series_ttl: u32,
}

/// A setting that a process is configured with differently than the segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The setting's name: `size`, `max_series`…
    pub setting: &'static str,
    /// What the process is configured with.
    pub configured: u64,
    /// What the segment has.
    pub segment: u64,
    /// Whether the next generation of the segment takes the configured number over; otherwise only another segment
    /// has it.
    pub next_generation: bool,
}

impl Settings {
    /// Each setting's name and number.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, u64); 6] {
        [
            ("size", self.size),
            ("max_processes", self.max_processes.into()),
            ("max_series", self.max_series.into()),
            ("max_label_length", self.max_label_length.into()),
            ("summary_samples", self.summary_samples.into()),
            ("series_ttl", self.series_ttl.into()),
        ]
    }

    /// Where a process's settings differ from these, which are a segment's. `most_series` is the highest limit of
    /// series that its index has room for.
    #[must_use]
    pub fn differences(&self, configured: &Self, most_series: u32) -> Vec<Difference> {
        // Kinds of segments round their sizes differently.
        let number = |(setting, number): (&'static str, u64)| {
            if setting == "size" { number.div_ceil(1 << 12) } else { number }
        };
        let both = configured.fields().into_iter().zip(self.fields());
        let different = both.filter(|(configured, segment)| number(*configured) != number(*segment));
        different
            .map(|((setting, configured), (_, segment))| Difference {
                setting,
                configured,
                segment,
                next_generation: setting == "max_series" && configured <= u64::from(most_series),
            })
            .collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: SegmentName::default(),
            size: 256 << 20,
            mode: 0o640,
            group: None,
            max_processes: 256,
            max_series: 10_000,
            max_label_length: 1024,
            summary_samples: 1024,
            series_ttl: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        let default = SegmentName::default();
        assert_eq!(default.to_string(), "sysv:0x70736d31");
        for text in ["sysv:0x70736d31", "sysv:0X70736D31", "sysv:1886612785"] {
            assert_eq!(text.parse(), Ok(default), "{text}");
        }
        assert_eq!("sysv:0xffffffff".parse(), Ok(SegmentName::Sysv(-1)));
        assert_eq!("memory:".parse(), Ok(SegmentName::Memory));
        for text in ["memory:", "posix:/promshm", "posix:/A.b_c-9", &format!("posix:/{}", "n".repeat(62))] {
            assert_eq!(text.parse::<SegmentName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn settings_differ_where_a_new_segment_would() {
        let has = Config { size: 64 << 20, ..Config::default() }.settings();
        assert_eq!(has.differences(&has, u32::MAX), []);
        let rounded = Settings { size: (64 << 20) - 100, ..has };
        assert_eq!(has.differences(&rounded, u32::MAX), []);
        let wanted = Settings { size: 65 << 20, max_series: 16_384, series_ttl: 60, ..has };
        let of = |most| has.differences(&wanted, most).into_iter();
        let names: Vec<_> = of(16_384).map(|it| (it.setting, it.configured, it.segment)).collect();
        assert_eq!(
            names,
            [("size", 65 << 20, 64 << 20), ("max_series", 16_384, 10_000), ("series_ttl", 60, 0)]
        );
        assert_eq!(of(16_384).map(|it| it.next_generation).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(has.differences(&Settings { size: u64::MAX, ..has }, 0).len(), 1);
        assert!(of(16_383).all(|it| !it.next_generation), "beyond what the index has room for");
    }

    #[test]
    fn bad_names_are_refused() {
        for bad in [
            "",
            "sysv:",
            "sysv:0",
            "sysv:0x0",
            "sysv:-1",
            "sysv:+1",
            "sysv:0x+1",
            "shm:1",
            "sysv:x",
            "sysv:0x100000000",
            "posix:",
            "memory",
            "memory:/x",
            "posix:/",
            "posix:promshm",
            "posix:/a/b",
            "posix://a",
            "posix:/.",
            "posix:/..",
            "posix:/.hidden",
            "posix:/a b",
            "posix:/ä",
            "posix:/a=b",
            "posix:/a,b",
            "posix:/a\0",
            &format!("posix:/{}", "n".repeat(63)),
        ] {
            assert!(bad.parse::<SegmentName>().is_err(), "{bad}");
        }
    }
}
