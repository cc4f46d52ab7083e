//! One exporter for all pods of a node: which IPC namespaces there are, whose they are, and what their segments hold.
//!
//! [`scan`] lists the processes, [`watch`] follows their namespaces and makes a [`pod`] of each that has segments, and
//! [`visit`] is how a thread gets into a namespace. Pods are strangers to each other: each is read within bounds, and
//! whatever becomes of one touches no other.

mod changes;
pub(crate) mod identity;
pub(crate) mod label;
mod mounts;
pub(crate) mod pod;
mod process;
mod scan;
mod visit;
mod watch;
mod who;

use crate::{
    self_metrics::{HttpMetrics, LetGo, NodeMetrics, NodePage, Refusal},
    targets::trust::TrustSelector,
};
use label::EnvLabel;
use log::info;
use pod::{Page, PageWish, Pod, PodView};
use promshm_segment::{Family, ReadLimits};
use std::{
    collections::BTreeMap,
    io,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use watch::Watch;

/// Most bytes of address space of one segment; a process has 128 TiB of it.
const ADDRESS_SPACE: u64 = 16 << 30;

/// Most bytes of one segment that get memory because they are read.
const FILLED: u64 = 2 << 20;

/// The options of `node`.
#[derive(Debug, Clone)]
pub(crate) struct NodeOptions {
    pub(crate) proc: PathBuf,
    pub(crate) logs: PathBuf,
    /// The value of the label `node`.
    pub(crate) name: String,
    pub(crate) labels: Vec<EnvLabel>,
    /// How long the last numbers of a pod that has ended are kept if nobody scrapes them.
    pub(crate) keep: Duration,
    /// The time between two looks at the processes, at least.
    pub(crate) poll: Duration,
    /// How many clients take the last numbers of a pod.
    pub(crate) scrapes: NonZeroUsize,
    pub(crate) bounds: Bounds,
}

/// What one pod may take, and how many there may be.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) pods: usize,
    pub(crate) segments: NonZeroUsize,
    pub(crate) series: u64,
    pub(crate) families: u64,
    pub(crate) bytes: u64,
    pub(crate) scrape_time: Duration,
    /// Whose segments are read; all users' if empty.
    pub(crate) trust: Vec<TrustSelector>,
    pub(crate) with_created: bool,
}

impl Bounds {
    fn read_limits(&self) -> ReadLimits {
        ReadLimits {
            series: self.series,
            families: self.families,
            bytes: self.bytes,
            address_space: ADDRESS_SPACE,
            filled: FILLED,
        }
    }
}

/// The node, as far as it is known.
pub(crate) struct Node {
    options: NodeOptions,
    metrics: NodeMetrics,
    page: Mutex<NodePage>,
    pods: Mutex<Pods>,
}

#[derive(Default)]
struct Pods {
    by_uid: BTreeMap<String, Arc<Pod>>,
    /// Whether the processes were listed once.
    is_known: bool,
}

impl Node {
    /// Begins to watch the node's processes on a thread of its own.
    pub(crate) fn start(options: NodeOptions) -> io::Result<Arc<Self>> {
        let (metrics, page, pods) = (NodeMetrics::new(), Mutex::new(NodePage::new()), Mutex::default());
        let node = Arc::new(Self { options, metrics, page, pods });
        let watched = Arc::clone(&node);
        thread::Builder::new().name("watch".into()).spawn(move || Watch::new(watched).run())?;
        Ok(node)
    }

    /// What is told of each pod.
    pub(crate) fn views(&self) -> Vec<PodView> {
        let pods: Vec<_> = self.pods().by_uid.values().cloned().collect();
        pods.iter().map(|pod| pod.view()).collect()
    }

    pub(crate) fn pod(&self, uid: &str) -> Option<Arc<Pod>> {
        self.pods().by_uid.get(uid).cloned()
    }

    /// Scrapes a pod.
    pub(crate) fn scrape(&self, pod: &Pod, wish: PageWish) -> Result<Page, Refusal> {
        pod.scrape(wish, &self.options.bounds, &self.metrics)
    }

    /// Notes that a client has received the last numbers of a pod.
    pub(crate) fn note_taken(&self, uid: &str, connection: usize) {
        if let Some(pod) = self.pod(uid) {
            pod.note_taken(connection);
            self.let_go();
        }
    }

    /// Whether no pod waits to be scraped for the last time.
    pub(crate) fn is_drained(&self) -> bool {
        !self.views().iter().any(|pod| pod.is_ended)
    }

    /// Whether the processes were listed once.
    pub(crate) fn is_known(&self) -> bool {
        self.pods().is_known
    }

    /// The name of the node.
    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    pub(crate) fn http_metrics(&self) -> HttpMetrics {
        self.own_page().http_metrics()
    }

    /// The node's own metrics.
    pub(crate) fn families(&self) -> Vec<Family> {
        let views = self.views();
        let ended = views.iter().filter(|view| view.is_ended).count();
        self.metrics.set_pods(views.len() - ended, ended);
        self.metrics.segments.set(views.iter().map(|view| view.segments as i64).sum());
        self.own_page().families(&self.metrics)
    }

    /// Ends the service of pods that are over. Their mappings end with them, and so may their memory.
    fn let_go(&self) {
        let (scrapes, keep) = (self.options.scrapes.get(), self.options.keep);
        let mut gone = Vec::new();
        self.pods().by_uid.retain(|_, pod| match pod.is_over(scrapes, keep) {
            None => true,
            Some(after) => {
                gone.push((Arc::clone(pod), after));
                false
            }
        });
        for (pod, after) in gone {
            self.metrics.count_let_go(after);
            match after {
                LetGo::Scraped => info!(pod = pod.uid; "the pod has ended, and its last numbers are scraped"),
                LetGo::Kept => {
                    info!(pod = pod.uid; "the pod has ended, and nobody scraped its last numbers in time");
                }
            }
        }
    }

    fn pods(&self) -> MutexGuard<'_, Pods> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_page(&self) -> MutexGuard<'_, NodePage> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
