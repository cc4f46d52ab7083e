//! Whose a namespace is, as far as its counting processes tell.
//!
//! A container may begin to count after its pod was found, so each process that counts is asked once, and what it does
//! not agree with is taken back. What was taken back stays so: numbers of processes that have ended are in the totals.

use super::identity::{Identity, Logs, Runtime};
use std::collections::{BTreeMap, HashSet};

/// Most cgroups of one namespace that are told apart.
const MOST_CGROUPS: usize = 8;

pub(super) struct Who {
    inode: u64,
    identity: Identity,
    /// By their cgroups alone, those that are in `identity`: processes of one cgroup agree.
    cgroups: Vec<Identity>,
    /// Processes that hold slots and were asked.
    asked: HashSet<u32>,
    /// How often the container's name may have been looked for.
    polls: u64,
    /// Labels that say nothing of pods: the node's, and those from the environment.
    others: BTreeMap<String, String>,
    /// Whether another pod has the same identity.
    is_second: bool,
    is_of_host: bool,
}

impl Who {
    pub(super) fn new(inode: u64, identity: Identity, others: BTreeMap<String, String>) -> Self {
        let (cgroups, asked) = (Vec::new(), HashSet::new());
        Self { inode, identity, cgroups, asked, polls: 0, others, is_second: false, is_of_host: false }
    }

    /// Of what runs outside of containers, in the IPC namespace of the machine.
    pub(super) fn of_host(mut self, is_so: bool) -> Self {
        self.is_of_host = is_so;
        self
    }

    /// The name in paths, which stays; another pod may have it already.
    pub(super) fn key(&mut self, is_taken: impl Fn(&str) -> bool) -> String {
        let key = self.identity.key(self.inode);
        self.is_second = is_taken(&key);
        if self.is_second { format!("{key}-ipc-{}", self.inode) } else { key }
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.others.clone();
        let own = self.identity.labels();
        labels.extend(own.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        // Without it, the series of two namespaces could not be told apart.
        let is_alone = self.identity.key(self.inode) == Identity::default().key(self.inode);
        if self.is_second || is_alone && !self.is_of_host {
            labels.insert("ipc_namespace".into(), self.inode.to_string());
        }
        labels
    }

    pub(super) fn runtime(&self) -> Option<&'static str> {
        self.identity.runtime.map(Runtime::as_str)
    }

    /// Looks for the container's name again, ever more seldom: the kubelet makes the link that has it once the container
    /// runs. Returns whether it is there now.
    pub(super) fn complete(&mut self, logs: &Logs) -> bool {
        let identity = &self.identity;
        if identity.pod_uid.is_none() || identity.container_id.is_none() || identity.container.is_some() {
            return false;
        }
        self.polls += 1;
        let mut named = identity.clone();
        let is_named = self.polls.is_power_of_two() && logs.name(&mut named).is_ok();
        if !is_named || named.container.is_none() {
            return false;
        }
        named.host = None;
        self.identity = named;
        true
    }

    /// Which of the processes that hold slots now were not asked yet.
    pub(super) fn unasked(&mut self, holders: &[u32]) -> Vec<u32> {
        self.asked.retain(|pid| holders.contains(pid));
        if self.is_of_host || self.cgroups.len() >= MOST_CGROUPS {
            return Vec::new();
        }
        holders.iter().copied().filter(|pid| self.asked.insert(*pid)).collect()
    }

    /// Whether a process of this cgroup may not agree.
    pub(super) fn is_new(&mut self, cgroup: &Identity) -> bool {
        let is_new = self.cgroups.len() < MOST_CGROUPS && !self.cgroups.contains(cgroup);
        if is_new {
            self.cgroups.push(cgroup.clone());
        }
        is_new
    }

    /// Takes back what is not true of a further process. Returns whether anything has changed.
    pub(super) fn add(&mut self, other: &Identity) -> bool {
        let before = self.identity.clone();
        self.identity = before.clone().common(other);
        before != self.identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(container: &str) -> Identity {
        let some = |text: &str| Some(text.to_owned());
        let (namespace, pod, container) = (some("shop"), some("web-0"), some(container));
        Identity { namespace, pod, container, pod_uid: some("u"), ..Identity::default() }
    }

    #[test]
    fn container_is_taken_back_for_good_when_a_second_one_counts() {
        let mut who = Who::new(7, identity("fpm"), BTreeMap::new());
        assert_eq!(who.labels()["container"], "fpm");
        assert!(!who.add(&identity("fpm")));
        assert!(who.add(&identity("queue")));
        assert!(!who.add(&identity("fpm")));
        assert_eq!(who.labels().into_keys().collect::<Vec<_>>(), ["namespace", "pod"]);
    }

    #[test]
    fn namespace_whose_processes_agree_on_nothing_is_told_by_its_number() {
        let id = |digit: &str| Identity { container_id: Some(digit.repeat(64)), ..Identity::default() };
        let mut who = Who::new(7, id("a"), BTreeMap::new());
        assert_eq!(who.labels().into_keys().collect::<Vec<_>>(), ["container_id"]);
        assert!(who.add(&id("b")));
        assert_eq!(who.labels()["ipc_namespace"], "7");
    }

    #[test]
    fn process_is_asked_once_while_it_holds_a_slot() {
        let mut who = Who::new(7, identity("fpm"), BTreeMap::new());
        assert_eq!(who.unasked(&[1, 2]), [1, 2]);
        assert_eq!(who.unasked(&[2, 3]), [3]);
        assert_eq!(who.unasked(&[1]), [1], "the next process of that number");
    }

    #[test]
    fn process_of_a_known_cgroup_is_not_new() {
        let mut who = Who::new(7, identity("fpm"), BTreeMap::new());
        assert!(who.is_new(&identity("a")) && !who.is_new(&identity("a")) && who.is_new(&identity("b")));
    }
}
