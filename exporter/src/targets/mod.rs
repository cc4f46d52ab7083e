//! Which segments are read: `--segment`.
//!
//! `sysv:KEY` or `posix:/NAME` alone names one segment. With `LABEL=` before it, repeatable, each series gets a label
//! with that value. `auto` reads all segments that exist, each labelled with its key or name.

pub(crate) mod read_error;
pub(crate) mod trust;

use crate::{
    targets::trust::{Standing, Trust, TrustSelector},
    text::joined,
};
use log::warn;
use nix::errno::Errno;
use promshm_segment::{
    SegmentName,
    config::{BadName, ObjectName},
    order,
    os::Place,
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    num::NonZeroUsize,
    str::FromStr,
};
use thiserror::Error;

/// Most characters of a segment's label.
const LONGEST_NAME: usize = 64;

/// One value of `--segment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    /// All segments that exist.
    Auto,
    /// This segment.
    One(Target),
}

/// A segment, and the label value of its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Absent if only one segment is read.
    pub(crate) label: Option<String>,
    pub(crate) name: SegmentName,
}

/// Which segments are read, and whose are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    which: Which,
    pub(crate) trust: Trust,
    /// Most segments that `auto` reads.
    max: NonZeroUsize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// The named segments: one, or several with labels.
    Listed(Vec<Target>),
    /// All promshm segments of the IPC namespace and in /dev/shm.
    Auto,
}

/// The default of `--segment.max`.
pub(crate) const MAX_FOUND: NonZeroUsize = NonZeroUsize::new(64).expect("above 0");

/// The segments that exist, and those of them that are not read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// In order of precedence, for segments that contradict each other.
    pub(crate) targets: Vec<Target>,
    pub(crate) passed_over: PassedOver,
}

/// Segments that exist and are not read. There may be any number, so only a few are kept by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct PassedOver {
    named: Vec<String>,
    more: usize,
}

/// Most segments that a log line names.
const MOST_NAMED: usize = 8;

/// Values of `--segment` that are invalid, or that contradict each other.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum SelectorError {
    #[error(
        "bad segment {:?}: write sysv:KEY, with KEY from 1 to 0xffffffff, e.g. sysv:0x70736d31, or posix:/NAME, with a \
         NAME of up to {} letters, digits, and . _ -; several segments as LABEL=sysv:KEY; or auto",
        .0.0,
        ObjectName::LONGEST
    )]
    Key(#[from] BadName),
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

/// Why there is no segment to read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub(crate) enum FindError {
    #[error(
        "no promshm segment is found that this process may read: no worker has counted yet, or the workers run \
         in another IPC namespace or with another /dev/shm, or promshm.mode and promshm.group shut this process out"
    )]
    NothingFound,
    #[error("no promshm segment is read: {0} (see --segment.trust and --segment.max)")]
    PassedOver(PassedOver),
    #[error(
        "the kernel does not tell which segments there are ({0}): name them with --segment NAME=sysv:KEY"
    )]
    Discover(Errno),
}

impl FindError {
    /// No segment is left; the cause is that all were passed over, or that none exists.
    pub(crate) fn nothing_left(passed_over: &PassedOver) -> Self {
        if passed_over.is_empty() { Self::NothingFound } else { Self::PassedOver(passed_over.clone()) }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
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

fn checked(label: &str) -> Result<String, SelectorError> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if label.is_empty() || label.len() > LONGEST_NAME || !label.bytes().all(is_good) {
        return Err(SelectorError::Name(label.into()));
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
        match &self.which {
            Which::Auto => f.write_str("auto"),
            Which::Listed(targets) => f.write_str(&joined(targets, ",")),
        }
    }
}

impl Target {
    /// A segment that was found, labelled with its key or name. A POSIX object whose name looks like a key is
    /// labelled `posix:/NAME`, so that it cannot pass for the key: `--segment` allows no label of that form.
    fn found(name: SegmentName) -> Self {
        let label = match name {
            SegmentName::Sysv(key) => format!("{key:#010x}"),
            SegmentName::Posix(object) if object.as_str().starts_with("0x") => name.to_string(),
            SegmentName::Posix(object) => object.as_str().into(),
            SegmentName::Memory => name.to_string(),
        };
        Self { label: Some(label), name }
    }
}

impl PassedOver {
    fn note(&mut self, told: impl FnOnce() -> String) {
        if self.named.len() < MOST_NAMED { self.named.push(told()) } else { self.more += 1 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Logs the segments that are passed over, in one line of bounded length.
    pub(crate) fn log(&self) {
        if !self.is_empty() {
            warn!(segments:% = self; "segments are passed over: see --segment.trust and --segment.max");
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join(", "))?;
        if self.more == 0 { Ok(()) } else { write!(f, ", and {} more", self.more) }
    }
}

impl Segments {
    /// All segments of another place than this process's own, of all users if none is named.
    #[cfg(feature = "node")]
    pub(crate) fn of_pod(trust: &[TrustSelector], max: NonZeroUsize) -> Self {
        let trust = if trust.is_empty() { &[TrustSelector::Any] } else { trust };
        Self { which: Which::Auto, trust: Trust::new(trust, true), max }
    }

    /// Combines all values of `--segment`, `--segment.trust` and `--segment.max`.
    pub(crate) fn new(
        selectors: &[Selector],
        trust: &[TrustSelector],
        max: NonZeroUsize,
    ) -> Result<Self, SelectorError> {
        let which = Which::of(selectors)?;
        let trust = Trust::new(trust, which == Which::Auto);
        Ok(Self { which, trust, max })
    }

    /// The named segments; `None` for `auto`.
    pub(crate) fn listed(&self) -> Option<&[Target]> {
        match &self.which {
            Which::Auto => None,
            Which::Listed(targets) => Some(targets),
        }
    }

    /// Whether series carry the label.
    pub(crate) fn are_labelled(&self) -> bool {
        self.listed().is_none_or(|targets| targets.iter().any(|target| target.label.is_some()))
    }

    /// The segments at a place now. Named ones are returned whether they exist or not. Of those that are found, trusted owners'
    /// come first, then those in `known`, so that a newer segment takes nothing from them.
    pub(crate) fn find<'t>(
        &self,
        place: &Place,
        known: impl Iterator<Item = &'t Target> + Clone,
    ) -> Result<Found, FindError> {
        if let Some(targets) = self.listed() {
            return Ok(Found { targets: targets.to_vec(), ..Found::default() });
        }
        let mut passed_over = PassedOver::default();
        let mut ranked = Vec::new();
        for name in place.discover().map_err(FindError::Discover)? {
            // A segment that has gone meanwhile is skipped.
            let Ok(owner) = place.owner(&name) else { continue };
            match self.trust.check_owner(name, owner) {
                Ok(standing) => ranked.push((standing, name)),
                Err(untrusted) => passed_over.note(|| untrusted.brief()),
            }
        }
        let places: HashMap<SegmentName, usize> = known.map(|target| target.name).zip(0..).collect();
        let rank = |(standing, name): &(Standing, SegmentName)| {
            (*standing, places.get(name).copied().unwrap_or(usize::MAX))
        };
        order::sort_elements(&mut ranked, &|one, other| rank(one).cmp(&rank(other)));
        let beyond = ranked.split_off(ranked.len().min(self.max.get()));
        let beyond = beyond.iter().map(|(_, name)| name);
        beyond.for_each(|name| passed_over.note(|| format!("{name} beyond --segment.max")));
        let targets = ranked.into_iter().map(|(_, name)| Target::found(name)).collect();
        Ok(Found { targets, passed_over })
    }

    /// Like [`Segments::find`] without known segments; finding none is an error.
    pub(crate) fn some_targets(&self) -> Result<Vec<Target>, FindError> {
        let Found { targets, passed_over } = self.find(&Place::default(), std::iter::empty())?;
        if targets.is_empty() { Err(FindError::nothing_left(&passed_over)) } else { Ok(targets) }
    }

    /// Logs which segments are passed over, if the kernel lists them.
    pub(crate) fn log_passed_over(&self) {
        self.find(&Place::default(), std::iter::empty())
            .into_iter()
            .for_each(|found| found.passed_over.log());
    }

    #[cfg(test)]
    pub(crate) fn of(selectors: &[Selector]) -> Result<Self, SelectorError> {
        Self::new(selectors, &[], MAX_FOUND)
    }
}

impl Which {
    fn of(selectors: &[Selector]) -> Result<Self, SelectorError> {
        let mut targets = Vec::new();
        for selector in selectors {
            match selector {
                Selector::One(target) => targets.push(target.clone()),
                Selector::Auto if selectors.iter().all(|selector| *selector == Selector::Auto) => {
                    return Ok(Self::Auto);
                }
                Selector::Auto => return Err(SelectorError::AutoAndOthers),
            }
        }
        check_apart(&targets)?;
        Ok(Self::Listed(targets))
    }
}

fn check_apart(targets: &[Target]) -> Result<(), SelectorError> {
    let (mut labels, mut keys) = (HashSet::new(), HashSet::new());
    for target in targets {
        match &target.label {
            None if targets.len() > 1 => return Err(SelectorError::Nameless(target.name)),
            Some(label) if !labels.insert(label) => return Err(SelectorError::SameName(label.clone())),
            _ if !keys.insert(target.name) => return Err(SelectorError::SameKey(target.name)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(selectors: &[&str]) -> Result<Segments, SelectorError> {
        let selectors: Result<Vec<Selector>, _> = selectors.iter().map(|selector| selector.parse()).collect();
        Segments::of(&selectors?)
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
        assert_eq!(several.listed().map(<[_]>::len), Some(2));
    }

    #[test]
    fn auto_stands_alone() {
        for selectors in [&["auto"][..], &["auto", "auto"]] {
            let auto = of(selectors).expect("good");
            assert!(auto.are_labelled() && auto.listed().is_none() && auto.to_string() == "auto");
        }
        for mixed in [["auto", "a=sysv:1"], ["sysv:1", "auto"]] {
            assert_eq!(of(&mixed), Err(SelectorError::AutoAndOthers));
        }
        assert_eq!(Target::found(SegmentName::Sysv(-1)).to_string(), "0xffffffff=sysv:0xffffffff");
        let object = "posix:/shop".parse().expect("a name");
        assert_eq!(Target::found(object).to_string(), "shop=posix:/shop");
    }

    #[test]
    fn object_named_like_a_key_has_another_label() {
        let label = |name: &str| Target::found(name.parse().expect("a name")).label;
        assert_eq!(label("sysv:0x70736d31").as_deref(), Some("0x70736d31"));
        assert_eq!(label("posix:/0x70736d31").as_deref(), Some("posix:/0x70736d31"));
        assert_eq!(label("posix:/70736d31").as_deref(), Some("70736d31"));
        assert!(checked("posix:/0x70736d31").is_err(), "no name that is given can be the same");
    }

    #[test]
    fn a_message_of_what_is_passed_over_is_bounded() {
        let of = |count| {
            let mut passed_over = PassedOver::default();
            (1..=count).for_each(|number| passed_over.note(|| format!("segment {number}")));
            passed_over.to_string()
        };
        assert_eq!(of(2), "segment 1, segment 2");
        assert!(of(20_000).ends_with(", segment 8, and 19992 more"), "{}", of(20_000));
    }

    #[test]
    fn segments_with_equal_labels_or_keys_are_refused() {
        let name = SegmentName::Sysv;
        assert_eq!(of(&["sysv:1", "a=sysv:2"]), Err(SelectorError::Nameless(name(1))));
        assert_eq!(of(&["a=sysv:1", "sysv:2"]), Err(SelectorError::Nameless(name(2))));
        assert_eq!(of(&["a=sysv:1", "a=sysv:2"]), Err(SelectorError::SameName("a".into())));
        assert_eq!(of(&["a=sysv:0x10", "b=sysv:16"]), Err(SelectorError::SameKey(name(16))));
    }

    #[test]
    fn bad_names_are_refused() {
        let long = format!("{}=sysv:1", "n".repeat(LONGEST_NAME + 1));
        for bad in ["=sysv:1", "a b=sysv:1", "ä=sysv:1", "a\"=sysv:1", "sysv:1=sysv:1", &long] {
            assert!(matches!(of(&[bad]), Err(SelectorError::Name(_))), "{bad}");
        }
        assert!(of(&[&long[1..]]).is_ok(), "the longest");
        for bad in ["", "a=", "a=sysv:0", "a=b=sysv:1", "Auto", "a=auto", "a=posix:/a=b"] {
            assert!(matches!(of(&[bad]), Err(SelectorError::Key(_))), "{bad}");
        }
    }
}
