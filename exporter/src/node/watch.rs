//! Follows the IPC namespaces of the node: each is found by its processes, watched while it has none of our segments,
//! and becomes a pod when it has some.
//!
//! A descriptor of each namespace is held, so it can be entered when its last process has left, and nothing in it ends
//! before the last numbers were read.

use super::{
    Node,
    changes::Changes,
    identity::{Identity, Logs, Surroundings, host_name},
    mounts::{Mounts, Owners, look_at_all},
    pod::Pod,
    process::Process,
    scan::{Found, Scan},
    visit::{Namespace, VisitError, cpu_time, look_at_each, visit},
    who::Who,
};
use crate::self_metrics::Refusal;
use log::{error, info, warn};
use nix::errno::Errno;
use promshm_segment::{ReadError, Reader, os::Place};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Looking takes this part of the time at most, as long as the pause does not become [`LONGEST_PAUSE`] times longer.
const SHARE: u32 = 2000;
const LONGEST_PAUSE: u32 = 5;
/// What a poll costs is known from about so many of them: few list all processes.
const AVERAGED: u32 = 8;

/// How long all looks at namespaces may take, and one at a namespace that may have segments.
const LOOKS: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(1);
/// So many times as long as a look took its namespace is left alone.
const REST: u32 = 100;

/// Most namespaces of one pod or container.
const MOST_OF_ONE: usize = 8;
/// Most namespaces that are opened in one poll.
const MOST_NEW: usize = 512;
/// The kernel's number of the IPC namespace that a machine starts with.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFF;
/// Most processes that are asked who they are.
const MOST_ASKED: usize = 8;

pub(super) struct Watch {
    node: Arc<Node>,
    scan: Scan,
    changes: Changes,
    /// By their inodes.
    namespaces: HashMap<u64, Watched>,
    folders: Owners,
    surroundings: Surroundings,
    /// The namespace of process 1, which is nobody's pod.
    of_host: u64,
    /// This process, by its number in the /proc that is read.
    own: u32,
    polls: u64,
    /// The average CPU time of a poll, the first one aside.
    cost: Duration,
    /// Whether it was logged that the processes cannot be listed.
    is_blind: bool,
    /// Whether not all is watched that was listed last.
    is_behind: bool,
}

struct Watched {
    inode: u64,
    namespace: Arc<Namespace>,
    /// The pod or container of its first process, if it has one.
    owner: Option<String>,
    members: usize,
    mounts: Mounts,
    rests_until: Option<Instant>,
    pod: Option<(Arc<Pod>, Who)>,
}

impl Watched {
    fn place(&self) -> Place {
        Place::elsewhere(self.inode, self.mounts.folders())
    }
}

impl Watch {
    pub(super) fn new(node: Arc<Node>) -> Self {
        let proc = &node.options.proc;
        let init = Process::open(proc, 1).ok();
        let own = fs::read_link(proc.join("self")).ok();
        let own = own.and_then(|link| link.to_str()?.parse().ok()).unwrap_or_default();
        let changes = Changes::new(own);
        let cgroup = init.as_ref().and_then(|init| init.read("cgroup")).unwrap_or_default();
        Self {
            surroundings: Surroundings::of(&cgroup),
            of_host: init.and_then(|init| init.ipc_inode().ok()).unwrap_or(FIRST_NAMESPACE),
            own,
            node,
            scan: Scan::default(),
            changes,
            namespaces: HashMap::new(),
            folders: Owners::new(),
            polls: 0,
            cost: Duration::ZERO,
            is_blind: false,
            is_behind: false,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let before = cpu_time();
            let aside = catch_unwind(AssertUnwindSafe(|| self.poll())).unwrap_or_else(|_| {
                error!("a look at the node's processes panicked");
                Duration::ZERO
            });
            let took = cpu_time().saturating_sub(before) + aside;
            self.node.metrics.count_poll(took);
            self.node.pods().is_known = true;
            self.note_cost(took);
            thread::sleep(self.pause());
        }
    }

    /// The first poll looks at all that there is, and says nothing about the next ones.
    fn note_cost(&mut self, took: Duration) {
        self.cost = match self.polls {
            0 | 1 => Duration::ZERO,
            2 => took,
            _ => (self.cost * (AVERAGED - 1) + took) / AVERAGED,
        };
    }

    fn pause(&self) -> Duration {
        let shortest = self.node.options.poll;
        (self.cost * SHARE).clamp(shortest, shortest * LONGEST_PAUSE)
    }

    /// Returns the CPU time that other threads have taken for it.
    fn poll(&mut self) -> Duration {
        self.polls += 1;
        let mut took = if self.has_news() {
            self.is_behind = true;
            let Some(found) = self.list() else { return Duration::ZERO };
            self.follow(&found)
        } else {
            self.look_at_folders(&[])
        };
        took += self.look();
        self.follow_holders();
        self.settle();
        self.node.metrics.namespaces.set(self.namespaces.len() as i64);
        took
    }

    /// Whether the processes are to be listed.
    fn has_news(&mut self) -> bool {
        let namespaces = &self.namespaces;
        let knows = |ipc, mount| {
            let watched: Option<&Watched> = namespaces.get(&ipc);
            watched.is_some_and(|watched| watched.members > 0 && watched.mounts.knows(mount))
        };
        let need_list = self.changes.need_list(&self.node.options.proc, &self.scan, knows);
        need_list || self.is_behind
    }

    /// Follows what a list has found. Returns the CPU time of another thread.
    fn follow(&mut self, found: &Found) -> Duration {
        self.node.metrics.count_list();
        self.node.metrics.processes.set(found.processes as i64);
        (0..found.forbidden).for_each(|_| self.node.metrics.count_refusal(Refusal::Permission));
        self.open_new(found);
        self.is_behind = found.members.keys().any(|inode| !self.namespaces.contains_key(inode));
        for (inode, watched) in &mut self.namespaces {
            watched.members = found.members.get(inode).copied().unwrap_or_default();
        }
        self.look_at_folders(&found.fresh)
    }

    /// The processes. That a namespace has lost its last one is believed only after a look at all.
    fn list(&mut self) -> Option<Found> {
        let proc = self.node.options.proc.clone();
        let mut found = self.noted(|scan, own| scan.list(&proc, own, false))?;
        let is_lost =
            |(inode, watched): (&u64, &Watched)| watched.members > 0 && !found.members.contains_key(inode);
        if self.namespaces.iter().any(is_lost) {
            let mut all = self.noted(|scan, own| scan.list(&proc, own, true))?;
            all.fresh.append(&mut found.fresh);
            all.forbidden += found.forbidden;
            found = all;
        }
        Some(found)
    }

    fn noted(&mut self, list: impl FnOnce(&mut Scan, u32) -> Result<Found, Errno>) -> Option<Found> {
        let listed = list(&mut self.scan, self.own);
        if let (Err(cause), false) = (&listed, self.is_blind) {
            error!(cause:%; "the node's processes cannot be listed");
        }
        self.is_blind = listed.is_err();
        listed.ok()
    }

    /// Opens the namespaces that are not watched yet.
    fn open_new(&mut self, found: &Found) {
        let mut first: HashMap<u64, u32> = HashMap::new();
        for (pid, namespace) in &found.fresh {
            first.entry(*namespace).or_insert(*pid);
        }
        let mut new: Vec<u64> = found.members.keys().copied().collect();
        new.retain(|inode| !self.namespaces.contains_key(inode));
        new.sort_unstable();
        for inode in new.into_iter().take(MOST_NEW) {
            let pid = first.get(&inode).copied().or_else(|| self.scan.members(inode).first().copied());
            if let Some(watched) = pid.and_then(|pid| self.open(pid, inode)) {
                self.namespaces.insert(inode, watched);
            }
        }
    }

    fn open(&self, pid: u32, inode: u64) -> Option<Watched> {
        let process = Process::open(&self.node.options.proc, pid).ok()?;
        let owner = self.owner(&process, inode);
        let of_owner = |watched: &&Watched| watched.owner.is_some() && watched.owner == owner;
        let is_full = self.namespaces.len() >= 2 * self.node.options.bounds.pods + MOST_OF_ONE;
        if is_full || self.namespaces.values().filter(of_owner).count() >= MOST_OF_ONE {
            self.node.metrics.count_refusal(Refusal::Namespaces);
            return None;
        }
        let namespace = match process.ipc_namespace(inode) {
            Ok(descriptor) => Arc::new(Namespace::of(descriptor)),
            Err(Errno::EMFILE | Errno::ENFILE) => {
                self.node.metrics.count_refusal(Refusal::Namespaces);
                return None;
            }
            Err(_) => return None, // it has ended
        };
        Some(Watched {
            inode,
            namespace,
            owner,
            members: 0,
            mounts: Mounts::default(),
            rests_until: None,
            pod: None,
        })
    }

    /// The pod or container of a process.
    fn owner(&self, process: &Process, inode: u64) -> Option<String> {
        let identity = Identity::of(&process.read("cgroup")?, &self.surroundings);
        let key = identity.key(inode);
        (key != Identity::default().key(inode)).then_some(key)
    }

    /// Looks where the processes of each namespace keep their objects: new ones now, in the order of their numbers, so
    /// that a folder is the host's if the host has it too; others from time to time. Returns the CPU time of another
    /// thread.
    fn look_at_folders(&mut self, fresh: &[(u32, u64)]) -> Duration {
        let (proc, poll) = (&self.node.options.proc, self.polls);
        let mut looks = Vec::new();
        for (pid, namespace) in fresh {
            let watched = self.namespaces.get_mut(namespace);
            looks.extend(watched.and_then(|watched| watched.mounts.add(*pid, *namespace, proc, poll)));
        }
        for (inode, watched) in self.namespaces.iter_mut().filter(|(_, watched)| watched.members > 0) {
            looks.extend(watched.mounts.due(|| self.scan.members(*inode), *inode, proc, poll));
        }
        let (found, took) = look_at_all(proc, looks);
        for (look, seen) in found {
            let Some(watched) = self.namespaces.get_mut(&look.namespace) else { continue };
            let refusal = watched.mounts.note(look, seen, &mut self.folders);
            refusal.into_iter().for_each(|refusal| self.node.metrics.count_refusal(refusal));
        }
        took
    }

    /// Looks at the namespaces that are no pods yet.
    fn look(&mut self) -> Duration {
        let now = Instant::now();
        let is_due =
            |watched: &Watched| watched.pod.is_none() && watched.rests_until.is_none_or(|until| now >= until);
        let due: Vec<_> = self.namespaces.iter().filter(|(_, watched)| is_due(watched)).collect();
        let due: Vec<_> = due
            .into_iter()
            .map(|(inode, watched)| (*inode, Arc::clone(&watched.namespace), watched.place()))
            .collect();
        if due.is_empty() {
            return Duration::ZERO;
        }
        let looked_at: Vec<u64> = due.iter().map(|(inode, ..)| *inode).collect();
        let (found, mut took) = look_at_each(due, LOOKS);
        for inode in looked_at {
            match found.get(&inode) {
                Some(true) => took += self.look_closely(inode),
                Some(false) => {}
                None => self.let_rest(inode, LOOKS),
            }
        }
        took
    }

    /// Makes a pod of a namespace that has segments in which something was counted.
    fn look_closely(&mut self, inode: u64) -> Duration {
        let Some(watched) = self.namespaces.get(&inode) else { return Duration::ZERO };
        let (place, limits) = (watched.place(), self.node.options.bounds.read_limits());
        let most = self.node.options.bounds.segments.get();
        let look = move || {
            let names = place.discover().unwrap_or_default();
            let readers = names.iter().take(most).map(|name| Reader::attach_at(&place, *name, limits));
            let readers: Vec<_> = readers.collect();
            // First this: who has claimed a slot holds it already.
            let is_counting = readers.iter().any(is_counting);
            let holders = readers.iter().flatten().flat_map(|reader| reader.holders(MOST_ASKED));
            (is_counting, holders.take(MOST_ASKED).collect::<Vec<u32>>())
        };
        match visit(&watched.namespace, LOOK, look) {
            // Whose it is shows with the first claim.
            Ok(((false, _), took)) => {
                self.let_rest(inode, took);
                took
            }
            Ok(((true, holders), took)) => {
                self.make_pod(inode, &holders);
                took
            }
            Err(failure) => {
                let refusal = match failure {
                    VisitError::Enter(_) => Refusal::Enter,
                    VisitError::Late => Refusal::Time,
                    VisitError::Panicked => Refusal::Panic,
                };
                self.node.metrics.count_refusal(refusal);
                self.let_rest(inode, LOOK);
                LOOK
            }
        }
    }

    fn let_rest(&mut self, inode: u64, took: Duration) {
        let watched = self.namespaces.get_mut(&inode);
        watched.into_iter().for_each(|watched| watched.rests_until = Some(Instant::now() + took * REST));
    }

    fn make_pod(&mut self, inode: u64, holders: &[u32]) {
        let members = self.scan.members(inode);
        let asked = if holders.is_empty() { &members[..] } else { holders };
        let is_of_host = self.of_host == inode;
        let identity = if is_of_host { None } else { self.identity(inode, asked) };
        let environ: Vec<_> = asked.iter().chain(&members).take(2 * MOST_ASKED).copied().collect();
        let Some(watched) = self.namespaces.get_mut(&inode) else { return };
        let mut pods = self.node.pods();
        if pods.by_uid.len() >= self.node.options.bounds.pods {
            drop(pods);
            self.node.metrics.count_refusal(Refusal::Pods);
            return;
        }
        let mut others = env_labels(&self.node, inode, &environ);
        others.insert("node".into(), self.node.options.name.clone());
        let mut who = Who::new(inode, identity.unwrap_or_default(), others).of_host(is_of_host);
        let uid = who.key(|key| pods.by_uid.contains_key(key));
        let namespace = Arc::clone(&watched.namespace);
        let pod = Arc::new(Pod::new(uid, namespace, watched.place(), &self.node.options.bounds));
        pod.set_who(who.labels(), who.runtime());
        pod.update(watched.place(), watched.members);
        info!(pod = pod.uid; "a pod with segments is found");
        watched.pod = Some((Arc::clone(&pod), who));
        pods.by_uid.insert(pod.uid.clone(), pod);
    }

    /// Asks the processes that count since the last look who they are.
    fn follow_holders(&mut self) {
        let logs = Logs::at(&self.node.options.logs);
        let mut unasked = Vec::new();
        for (inode, watched) in &mut self.namespaces {
            let Some((pod, who)) = &mut watched.pod else { continue };
            if who.complete(&logs) {
                pod.set_who(who.labels(), who.runtime());
            }
            unasked.extend(who.unasked(&pod.holders()).into_iter().map(|pid| (*inode, pid)));
        }
        unasked.into_iter().for_each(|(inode, pid)| self.ask(inode, pid));
    }

    fn ask(&mut self, inode: u64, pid: u32) {
        let Some((process, cgroup)) = self.cgroup_of(pid, inode) else { return };
        if !self.pod_of(inode).is_some_and(|(_, who)| who.is_new(&cgroup)) {
            return;
        }
        let identity = self.named(&process, cgroup);
        if let Some((pod, who)) = self.pod_of(inode)
            && who.add(&identity)
        {
            pod.set_who(who.labels(), who.runtime());
        }
    }

    fn pod_of(&mut self, inode: u64) -> Option<&mut (Arc<Pod>, Who)> {
        self.namespaces.get_mut(&inode)?.pod.as_mut()
    }

    /// What is true of all processes that are asked, in that namespace.
    fn identity(&self, inode: u64, asked: &[u32]) -> Option<Identity> {
        let of =
            |pid: &u32| self.cgroup_of(*pid, inode).map(|(process, cgroup)| self.named(&process, cgroup));
        let found = asked.iter().filter_map(of).take(MOST_ASKED);
        found.reduce(|one, other| one.common(&other))
    }

    /// A process of that namespace, and who it is by its cgroup alone.
    fn cgroup_of(&self, pid: u32, inode: u64) -> Option<(Process, Identity)> {
        let process = Process::open(&self.node.options.proc, pid).ok()?;
        if process.ipc_inode() != Ok(inode) {
            return None;
        }
        let identity = Identity::of(&process.read("cgroup")?, &self.surroundings);
        Some((process, identity))
    }

    /// The same with its names.
    fn named(&self, process: &Process, mut identity: Identity) -> Identity {
        if let Err(cause) = Logs::at(&self.node.options.logs).name(&mut identity) {
            warn!(cause:%; "the directories of the pods' logs cannot be read, so pods have no names: see --node.logs");
        }
        if identity.pod.is_none() && identity.container_id.is_some() {
            identity.host = process.read("environ").and_then(|environ| host_name(environ.as_bytes()));
        }
        identity
    }

    /// Tells the pods what has become of them, and lets go of what is over.
    fn settle(&mut self) {
        for watched in self.namespaces.values() {
            watched.pod.iter().for_each(|(pod, _)| pod.update(watched.place(), watched.members));
        }
        self.node.let_go();
        let served: HashSet<*const Pod> = self.node.pods().by_uid.values().map(Arc::as_ptr).collect();
        self.namespaces.retain(|_, watched| {
            watched.pod.take_if(|(pod, _)| !served.contains(&Arc::as_ptr(pod)));
            watched.members > 0 || watched.pod.is_some()
        });
        let namespaces = &self.namespaces;
        self.folders.retain(|_, namespace| namespaces.contains_key(namespace));
    }
}

/// Whether a segment has numbers, or trouble that is to be shown.
fn is_counting(reader: &Result<Reader, ReadError>) -> bool {
    match reader {
        Ok(reader) => reader.is_claimed(),
        Err(error) => !matches!(error, ReadError::NotReady { .. }),
    }
}

/// The labels that environment variables of a namespace's processes say, those that are asked first first.
fn env_labels(node: &Node, inode: u64, asked: &[u32]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for pid in asked.iter().filter(|_| !node.options.labels.is_empty()) {
        let Ok(process) = Process::open(&node.options.proc, *pid) else { continue };
        let Some(environ) = process.read("environ").filter(|_| process.ipc_inode() == Ok(inode)) else {
            continue;
        };
        for label in &node.options.labels {
            if let Some(value) = label.value(&environ).filter(|_| !labels.contains_key(&label.label)) {
                labels.insert(label.label.clone(), value);
            }
        }
    }
    labels
}
