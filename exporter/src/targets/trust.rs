//! Whose segments are read: `--segment.trust`.
//!
//! Whoever can make a segment can put anything into it, under any metric's name. A segment that was found without
//! being named, or that others than its owner may write, is therefore read only if its owner is trusted: root, this
//! process's user, a group of this process, and the users of the flag.

use super::read_error::explain;
use nix::unistd::{getegid, geteuid, getgroups};
use promshm_segment::{
    ReadError, ReadLimits, Reader, SegmentName,
    os::{Owner, Place},
};
use std::str::FromStr;
use thiserror::Error;

/// The mode bit for write permission of others.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// One value of `--segment.trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrustSelector {
    /// Every user.
    Any,
    /// This user.
    Uid(u32),
}

impl FromStr for TrustSelector {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "any" => Ok(Self::Any),
            number => number.parse().map(Self::Uid).map_err(|_| "write a user's number, or any"),
        }
    }
}

/// Whose segments are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trust {
    any: bool,
    uids: Vec<u32>,
    groups: Vec<u32>,
    /// Whether every segment needs a trusted owner, not only those that others may write.
    of_all: bool,
}

/// How far a segment is trusted, in order of precedence for segments that contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Its owner is trusted, or it was named.
    Trusted,
    /// Read only because of `any`.
    AnyUser,
}

/// The owner is not trusted.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "segment {name} is of uid {}, whom this process does not trust: if its numbers are to be shown, add \
     --segment.trust={}",
    uid_to_trust(*.owner),
    uid_to_trust(*.owner)
)]
pub(crate) struct Untrusted {
    name: SegmentName,
    owner: Owner,
}

impl Untrusted {
    /// A short form for a list.
    pub(crate) fn brief(&self) -> String {
        format!("{} of uid {}", self.name, uid_to_trust(self.owner))
    }
}

/// The user to trust: the creator of a System V segment has the same rights as its owner.
fn uid_to_trust(owner: Owner) -> u32 {
    if owner.uid == 0 { owner.creator } else { owner.uid }
}

/// Why a segment cannot be read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub(crate) enum SourceError {
    #[error("{}", explain(.0))]
    Read(#[from] ReadError),
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

impl Trust {
    /// `is_auto`: segments are found, not named.
    pub(crate) fn new(selectors: &[TrustSelector], is_auto: bool) -> Self {
        let named = selectors
            .iter()
            .filter_map(|word| if let TrustSelector::Uid(uid) = word { Some(*uid) } else { None });
        let groups = getgroups().unwrap_or_default();
        Self {
            any: selectors.contains(&TrustSelector::Any),
            uids: [0, geteuid().as_raw()].into_iter().chain(named).collect(),
            groups: groups.into_iter().chain([getegid()]).map(nix::unistd::Gid::as_raw).collect(),
            of_all: is_auto || !selectors.is_empty(),
        }
    }

    /// How far the segment `name` of this `owner` is trusted.
    pub(crate) fn check_owner(&self, name: SegmentName, owner: Owner) -> Result<Standing, Untrusted> {
        let needs_no_trust = !self.of_all && owner.mode & WRITABLE_BY_OTHERS == 0;
        match (self.is_trusted(owner) || needs_no_trust, self.any) {
            (true, _) => Ok(Standing::Trusted),
            (false, true) => Ok(Standing::AnyUser),
            (false, false) => Err(Untrusted { name, owner }),
        }
    }

    fn is_trusted(&self, owner: Owner) -> bool {
        let is_known = |uid| self.uids.contains(&uid);
        is_known(owner.uid) && is_known(owner.creator) || self.groups.contains(&owner.gid)
    }

    /// The owner of a segment that is read because it was named, although its owner is neither trusted nor shares it
    /// with a group of this process. Any owner of System V memory can set that group, so this detects accidents;
    /// `--segment.trust` protects against strangers.
    pub(crate) fn unexpected_owner(&self, place: &Place, name: SegmentName, owner: Owner) -> Option<u32> {
        let is_shared = || place.inspect(&name).is_ok_and(|found| self.groups.contains(&found.gid));
        (!self.any && !self.is_trusted(owner) && !is_shared()).then(|| uid_to_trust(owner))
    }

    /// Attaches a segment of this place.
    pub(crate) fn attach(&self, name: SegmentName) -> Result<Reader, SourceError> {
        self.attach_at(&Place::default(), name, ReadLimits::default())
    }

    /// Attaches a segment of a trusted owner. The owner is checked before, so that no stranger's memory is touched,
    /// and after, because another segment may have got the name meanwhile.
    pub(crate) fn attach_at(
        &self,
        place: &Place,
        name: SegmentName,
        limits: ReadLimits,
    ) -> Result<Reader, SourceError> {
        if let Ok(owner) = place.owner(&name) {
            self.check_owner(name, owner)?;
        }
        let reader = Reader::attach_at(place, name, limits)?;
        if let Some(owner) = reader.owner() {
            self.check_owner(name, owner)?;
        }
        Ok(reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(selectors: &[TrustSelector], is_auto: bool) -> Trust {
        let me = Trust::new(selectors, is_auto);
        let uids =
            me.uids.iter().map(|uid| if *uid == geteuid().as_raw() && *uid != 0 { 1000 } else { *uid });
        Trust { uids: uids.chain([1000]).collect(), groups: vec![50], ..me }
    }

    fn owner(uid: u32, creator: u32, gid: u32, mode: u32) -> Owner {
        Owner { uid, creator, gid, mode }
    }

    fn checked(trust: &Trust, owner: Owner) -> Option<Standing> {
        trust.check_owner(SegmentName::default(), owner).ok()
    }

    #[test]
    fn found_segment_needs_a_trusted_owner() {
        let auto = of(&[], true);
        for good in [owner(0, 0, 9, 0o644), owner(1000, 1000, 9, 0o666), owner(33, 33, 50, 0o640)] {
            assert_eq!(checked(&auto, good), Some(Standing::Trusted), "{good:?}");
        }
        for bad in [owner(33, 33, 9, 0o644), owner(0, 33, 9, 0o644), owner(33, 0, 9, 0o644)] {
            assert_eq!(checked(&auto, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_named_segment_needs_trust_if_others_may_write_it() {
        let named = of(&[], false);
        assert_eq!(checked(&named, owner(33, 33, 9, 0o664)), Some(Standing::Trusted));
        assert_eq!(checked(&named, owner(33, 33, 9, 0o646)), None);
        assert_eq!(checked(&named, owner(1000, 1000, 9, 0o646)), Some(Standing::Trusted));
        assert_eq!(
            checked(&of(&[TrustSelector::Uid(7)], false), owner(33, 33, 9, 0o640)),
            None,
            "the flag says who"
        );
    }

    #[test]
    fn trusted_users_of_the_flag_are_added_and_any_comes_last() {
        let stranger = owner(33, 33, 9, 0o644);
        let given_away = owner(0, 33, 9, 0o644);
        for (selectors, standing) in [
            (&[TrustSelector::Uid(33)][..], Some(Standing::Trusted)),
            (&[TrustSelector::Any], Some(Standing::AnyUser)),
            (&[TrustSelector::Any, TrustSelector::Uid(33)], Some(Standing::Trusted)),
            (&[TrustSelector::Uid(34)], None),
        ] {
            assert_eq!(checked(&of(selectors, true), stranger), standing, "{selectors:?}");
            assert_eq!(checked(&of(selectors, true), given_away), standing, "{selectors:?}");
        }
        let refused = of(&[], true)
            .check_owner(SegmentName::default(), given_away)
            .expect_err("a stranger")
            .to_string();
        assert!(refused.contains("of uid 33") && refused.contains("--segment.trust=33"), "{refused}");
    }

    #[test]
    fn users_are_numbers_or_any() {
        assert_eq!("any".parse(), Ok(TrustSelector::Any));
        assert_eq!(" 33".parse(), Ok(TrustSelector::Uid(33)));
        for bad in ["", "-1", "root", "Any", "4294967296"] {
            assert!(bad.parse::<TrustSelector>().is_err(), "{bad}");
        }
    }
}
