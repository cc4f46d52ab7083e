//! Which segments are read: what `--segment` says.
//!
//! `sysv:KEY` or `posix:/NAME` alone is read as it is. With `LABEL=` before it, as often as wanted, each series
//! gets a label with that text; `auto` reads whatever segments there are, each under its key or name.

use crate::failure::Failure;
use promshm_segment::{SegmentName, backend};
use std::{collections::HashSet, fmt, str::FromStr};
use thiserror::Error;

/// Most characters of a segment's name.
const LONGEST_NAME: usize = 64;

/// One value of `--segment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Whatever there is.
    Auto,
    /// This one.
    One(Target),
}

/// A segment, and the value of the label that its series carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// None where one segment is all there is.
    pub(crate) label: Option<String>,
    pub(crate) name: SegmentName,
}

/// What the exporter is to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segments {
    /// These: a single one, or several that have names.
    Listed(Vec<Target>),
    /// All promshm segments of the IPC namespace, and in /dev/shm.
    Auto,
}

/// Values of `--segment` that do not go together, or are none.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BadSegments {
    #[error("write sysv:KEY (e.g. sysv:0x70736d31), NAME=sysv:KEY, NAME=posix:/NAME, or auto: {0}")]
    Key(#[from] promshm_segment::config::BadName),
    #[error(
        "bad name {0:?} of a segment: write 1 to {LONGEST_NAME} of the letters a-z and A-Z, digits, and . _ -"
    )]
    Name(String),
    #[error("--segment {0}: of several segments each needs a name; write NAME={0}")]
    Nameless(SegmentName),
    #[error("--segment: two segments are called {0}; give each a name of its own")]
    SameName(String),
    #[error("--segment: {0} stands there twice, and would be counted twice; leave one out")]
    SameKey(SegmentName),
    #[error("--segment auto finds all segments by itself; leave the others out, or name all that you want")]
    AutoAndOthers,
}

impl FromStr for Word {
    type Err = BadSegments;

    fn from_str(text: &str) -> Result<Self, BadSegments> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (label, key) = match text.split_once('=') {
            Some((label, key)) => (Some(checked(label)?), key),
            None => (None, text),
        };
        Ok(Self::One(Target { label, name: key.parse()? }))
    }
}

fn checked(label: &str) -> Result<String, BadSegments> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if label.is_empty() || label.len() > LONGEST_NAME || !label.bytes().all(is_good) {
        return Err(BadSegments::Name(label.into()));
    }
    Ok(label.into())
}

/// As on the command line.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.label {
            Some(label) => write!(f, "{label}={}", self.name),
            None => self.name.fmt(f),
        }
    }
}

impl fmt::Display for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Listed(targets) => f.write_str(&joined(targets, ",")),
        }
    }
}

impl Target {
    /// A segment that was found, under its key or name.
    fn found(name: SegmentName) -> Self {
        let label = match name {
            SegmentName::Sysv(key) => format!("{key:#010x}"),
            SegmentName::Posix(name) => name.as_str().into(),
        };
        Self { label: Some(label), name }
    }
}

impl Segments {
    /// Takes all values of `--segment` together.
    pub(crate) fn of(words: &[Word]) -> Result<Self, BadSegments> {
        let mut targets = Vec::new();
        for word in words {
            match word {
                Word::One(target) => targets.push(target.clone()),
                Word::Auto if words.iter().all(|word| *word == Word::Auto) => return Ok(Self::Auto),
                Word::Auto => return Err(BadSegments::AutoAndOthers),
            }
        }
        check_apart(&targets)?;
        Ok(Self::Listed(targets))
    }

    /// Whether series carry the label.
    pub(crate) fn are_labelled(&self) -> bool {
        match self {
            Self::Auto => true,
            Self::Listed(targets) => targets.iter().any(|target| target.label.is_some()),
        }
    }

    /// The segments as of now; those that were named, whether they are there or not.
    pub(crate) fn targets(&self) -> Result<Vec<Target>, Failure> {
        match self {
            Self::Listed(targets) => Ok(targets.clone()),
            Self::Auto => {
                let found = backend::discover().map_err(Failure::Discover)?;
                Ok(found.into_iter().map(Target::found).collect())
            }
        }
    }

    /// The one that is called `name`, or the only one.
    pub(crate) fn pick(&self, name: Option<&str>) -> Result<Target, Failure> {
        let mut targets = self.some_targets()?;
        let segments = || Self::Listed(targets.clone());
        match name {
            Some(name) => {
                let found = targets.iter().find(|target| target.label.as_deref() == Some(name)).cloned();
                found.ok_or_else(|| Failure::NoSuchSegment { name: name.into(), segments: segments() })
            }
            None if targets.len() > 1 => Err(Failure::WhichOne(segments())),
            None => Ok(targets.remove(0)),
        }
    }

    /// As [`Segments::targets`], but to find none is a failure.
    pub(crate) fn some_targets(&self) -> Result<Vec<Target>, Failure> {
        let targets = self.targets()?;
        if targets.is_empty() { Err(Failure::NothingFound) } else { Ok(targets) }
    }
}

fn check_apart(targets: &[Target]) -> Result<(), BadSegments> {
    let (mut labels, mut keys) = (HashSet::new(), HashSet::new());
    for target in targets {
        match &target.label {
            None if targets.len() > 1 => return Err(BadSegments::Nameless(target.name)),
            Some(label) if !labels.insert(label) => return Err(BadSegments::SameName(label.clone())),
            _ if !keys.insert(target.name) => return Err(BadSegments::SameKey(target.name)),
            _ => {}
        }
    }
    Ok(())
}

/// Several things in a line.
pub(crate) fn joined(things: &[impl ToString], separator: &str) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Segments, BadSegments> {
        let words: Result<Vec<Word>, _> = words.iter().map(|word| word.parse()).collect();
        Segments::of(&words?)
    }

    #[test]
    fn one_needs_no_name() {
        let alone = of(&["sysv:7"]).expect("good");
        assert_eq!((alone.to_string().as_str(), alone.are_labelled()), ("sysv:0x00000007", false));
        let named = of(&["a.B_2-c=sysv:7"]).expect("good");
        assert_eq!((named.to_string().as_str(), named.are_labelled()), ("a.B_2-c=sysv:0x00000007", true));
    }

    #[test]
    fn several_keep_their_order() {
        let several = of(&["b=sysv:1", "a=posix:/a"]).expect("good");
        assert_eq!(several.to_string(), "b=sysv:0x00000001,a=posix:/a");
        assert_eq!(several.targets().expect("listed").len(), 2);
    }

    #[test]
    fn auto_stands_alone() {
        assert_eq!(of(&["auto"]), Ok(Segments::Auto));
        assert!(Segments::Auto.are_labelled());
        assert_eq!(of(&["auto", "auto"]), Ok(Segments::Auto));
        for mixed in [["auto", "a=sysv:1"], ["sysv:1", "auto"]] {
            assert_eq!(of(&mixed), Err(BadSegments::AutoAndOthers));
        }
        assert_eq!(Target::found(SegmentName::Sysv(-1)).to_string(), "0xffffffff=sysv:0xffffffff");
        let object = "posix:/shop".parse().expect("a name");
        assert_eq!(Target::found(object).to_string(), "shop=posix:/shop");
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let name = SegmentName::Sysv;
        assert_eq!(of(&["sysv:1", "a=sysv:2"]), Err(BadSegments::Nameless(name(1))));
        assert_eq!(of(&["a=sysv:1", "sysv:2"]), Err(BadSegments::Nameless(name(2))));
        assert_eq!(of(&["a=sysv:1", "a=sysv:2"]), Err(BadSegments::SameName("a".into())));
        assert_eq!(of(&["a=sysv:0x10", "b=sysv:16"]), Err(BadSegments::SameKey(name(16))));
    }

    #[test]
    fn bad_names_are_refused() {
        let long = format!("{}=sysv:1", "n".repeat(LONGEST_NAME + 1));
        for bad in ["=sysv:1", "a b=sysv:1", "ä=sysv:1", "a\"=sysv:1", "sysv:1=sysv:1", &long] {
            assert!(matches!(of(&[bad]), Err(BadSegments::Name(_))), "{bad}");
        }
        assert!(of(&[&long[1..]]).is_ok(), "the longest");
        for bad in ["", "a=", "a=sysv:0", "a=b=sysv:1", "Auto", "a=auto", "a=posix:/a=b"] {
            assert!(matches!(of(&[bad]), Err(BadSegments::Key(_))), "{bad}");
        }
    }
}
