//! One pod: its namespace, what is kept between its scrapes, and its end.

use super::{
    Bounds,
    visit::{VisitError, visit},
};
use crate::{
    logging,
    scrape::collector::{Collector, Extent, PageOptions, Selection},
    self_metrics::{LetGo, NodeMetrics, Refusal},
    targets::Segments,
};
use promshm_exposition::{Format, Gzip, PART};
use promshm_segment::os::Place;
use std::{
    collections::{BTreeMap, HashSet},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Threads that may be in a pod's namespace at once, hanging ones included.
const MOST_VISITS: usize = 4;

/// So many times as long as a scrape that took too long its pod is left alone.
const REST: u32 = 10;

/// The IPC namespace of a pod, and its segments.
pub(crate) struct Pod {
    /// Its name in paths.
    pub(crate) uid: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// What runs its containers.
    runtime: Option<&'static str>,
    /// For log lines.
    name: Arc<str>,
    namespace: Arc<OwnedFd>,
    collector: Arc<Mutex<Collector>>,
    /// Each thread in the namespace has a share of it.
    visits: Arc<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    place: Place,
    processes: usize,
    /// When its last process was missed.
    ended: Option<Instant>,
    /// Connections on which the last numbers were received.
    takers: HashSet<usize>,
    rests_until: Option<Instant>,
    extent: Extent,
}

/// What a page is to be.
#[derive(Debug, Clone)]
pub(crate) struct PageWish {
    pub(crate) format: Format,
    pub(crate) families: Selection,
    pub(crate) gzip: bool,
}

/// A page of a pod.
pub(crate) struct Page {
    pub(crate) bytes: Vec<u8>,
    /// Whether nothing can be counted any more after it.
    pub(crate) is_last: bool,
}

/// What is told of a pod.
pub(crate) struct PodView {
    pub(crate) uid: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) runtime: Option<&'static str>,
    pub(crate) processes: usize,
    pub(crate) segments: usize,
    pub(crate) is_ended: bool,
    /// Names of the limits that left out a part in the last scrape.
    pub(crate) limited: Vec<&'static str>,
}

impl Pod {
    pub(super) fn new(
        uid: String,
        labels: BTreeMap<String, String>,
        runtime: Option<&'static str>,
        namespace: Arc<OwnedFd>,
        place: Place,
        bounds: &Bounds,
    ) -> Self {
        let segments = Segments::of_pod(&bounds.trust, bounds.segments);
        let collector = Collector::of_pod(segments, bounds.read_limits(), bounds.with_created);
        Self {
            name: uid.as_str().into(),
            uid,
            labels,
            runtime,
            namespace,
            collector: Arc::new(Mutex::new(collector)),
            visits: Arc::default(),
            state: Mutex::new(State { place, ..State::default() }),
        }
    }

    /// Where its segments are looked for now, and how many processes it has.
    pub(super) fn update(&self, place: Place, processes: usize) {
        let mut state = self.state();
        (state.place, state.processes) = (place, processes);
        if processes > 0 {
            state.ended = None;
            state.takers.clear();
        } else if state.ended.is_none() {
            state.ended = Some(Instant::now());
        }
    }

    /// Notes that a client has received the last numbers.
    pub(super) fn note_taken(&self, connection: usize) {
        self.state().takers.insert(connection);
    }

    /// Why it need not be served any more, if so.
    pub(super) fn is_over(&self, scrapes: usize, keep: Duration) -> Option<LetGo> {
        let state = self.state();
        let ended = state.ended?;
        if state.takers.len() >= scrapes {
            return Some(LetGo::Scraped);
        }
        (ended.elapsed() >= keep).then_some(LetGo::Kept)
    }

    pub(crate) fn view(&self) -> PodView {
        let state = self.state();
        let rests = state.rests_until.is_some_and(|until| until > Instant::now());
        let limited = limits(&state.extent).chain(rests.then_some(Refusal::Rest));
        PodView {
            uid: self.uid.clone(),
            labels: self.labels.clone(),
            runtime: self.runtime,
            processes: state.processes,
            segments: state.extent.segments,
            is_ended: state.ended.is_some(),
            limited: limited.map(Refusal::as_str).collect(),
        }
    }

    /// Reads its segments in its namespace and makes a page.
    pub(super) fn scrape(
        &self,
        wish: PageWish,
        bounds: &Bounds,
        metrics: &NodeMetrics,
    ) -> Result<Page, Refusal> {
        let (place, is_last) = self.begin()?;
        let (collector, visit_share) = (Arc::clone(&self.collector), Arc::clone(&self.visits));
        let name = Arc::clone(&self.name);
        let limit = bounds.scrape_time;
        let outcome = visit(&self.namespace, limit, move || {
            logging::set_pod(name);
            let made = page(&collector, place, &wish);
            drop(visit_share);
            made
        });
        match outcome {
            Ok(((bytes, extent), took)) => {
                metrics.count_scrape(took);
                self.note_extent(extent, took, bounds, metrics);
                Ok(Page { bytes, is_last })
            }
            Err(error) => Err(self.note_failure(error, limit)),
        }
    }

    /// Whether it may be scraped now: the place, and whether its last process has left already.
    fn begin(&self) -> Result<(Place, bool), Refusal> {
        let state = self.state();
        let rests = state.rests_until.is_some_and(|until| Instant::now() < until);
        if rests || Arc::strong_count(&self.visits) > MOST_VISITS {
            return Err(Refusal::Rest);
        }
        Ok((state.place.clone(), state.ended.is_some()))
    }

    fn note_extent(&self, extent: Extent, took: Duration, bounds: &Bounds, metrics: &NodeMetrics) {
        let mut state = self.state();
        state.extent = extent;
        if took > bounds.scrape_time {
            state.rests_until = Some(Instant::now() + took * REST);
        }
        let time = (took > bounds.scrape_time).then_some(Refusal::Time);
        limits(&extent).chain(time).for_each(|limit| metrics.count_refusal(limit));
    }

    fn note_failure(&self, error: VisitError, limit: Duration) -> Refusal {
        match error {
            VisitError::Enter(_) => Refusal::Enter,
            VisitError::Panicked => Refusal::Panic,
            VisitError::Late => {
                self.state().rests_until = Some(Instant::now() + limit * REST);
                Refusal::Time
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits that left out a part of a page.
fn limits(extent: &Extent) -> impl Iterator<Item = Refusal> + use<> {
    let limits = [
        (extent.limited.by_series, Refusal::Series),
        (extent.limited.by_families, Refusal::Families),
        (extent.limited.by_bytes, Refusal::Bytes),
        (extent.passed_over, Refusal::Segments),
    ];
    limits.into_iter().filter(|(bites, _)| *bites).map(|(_, limit)| limit)
}

/// Runs in the pod's namespace. A poisoned lock is fine: a scrape that panicked has dropped its reader.
fn page(collector: &Mutex<Collector>, place: Place, wish: &PageWish) -> (Vec<u8>, Extent) {
    let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
    collector.set_place(place);
    let options = PageOptions { format: wish.format, families: Some(&wish.families) };
    let bytes = if wish.gzip {
        let (mut gzip, mut part) = (Gzip::new(), Vec::with_capacity(PART));
        collector.scrape(&options, &mut part, &mut |part| gzip.take(part));
        gzip.take(&mut part);
        gzip.finish()
    } else {
        let mut page = Vec::new();
        collector.scrape(&options, &mut page, &mut |_| {});
        page
    };
    collector.log();
    (bytes, collector.extent())
}
