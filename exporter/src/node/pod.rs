//! One pod: its namespace, what is kept between its scrapes, and its end.

use super::{
    Bounds,
    visit::{Namespace, VisitError, visit},
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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Threads that may be in a pod's namespace at once, hanging ones included.
const MOST_VISITS: usize = 4;

/// Most processes with slots that a scrape tells of.
const MOST_HOLDERS: usize = 64;

/// So many times as long as a scrape that took too long its pod is left alone.
const REST: u32 = 10;

/// The IPC namespace of a pod, and its segments.
pub(crate) struct Pod {
    /// Its name in paths.
    pub(crate) uid: String,
    /// For log lines.
    name: Arc<str>,
    namespace: Arc<Namespace>,
    collector: Arc<Mutex<Collector>>,
    /// Each thread in the namespace has a share of it.
    visits: Arc<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    labels: BTreeMap<String, String>,
    /// What runs its containers.
    runtime: Option<&'static str>,
    /// Processes that had slots at the last scrape.
    holders: Vec<u32>,
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

/// What a scrape has found.
struct Reading {
    bytes: Vec<u8>,
    extent: Extent,
    /// Living processes with slots.
    holders: Vec<u32>,
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
    pub(super) fn new(uid: String, namespace: Arc<Namespace>, place: Place, bounds: &Bounds) -> Self {
        let segments = Segments::of_pod(&bounds.trust, bounds.segments);
        let collector = Collector::of_pod(segments, bounds.read_limits(), bounds.with_created);
        Self {
            name: uid.as_str().into(),
            uid,
            namespace,
            collector: Arc::new(Mutex::new(collector)),
            visits: Arc::default(),
            state: Mutex::new(State { place, ..State::default() }),
        }
    }

    /// Whose it is, as far as is known now.
    pub(super) fn set_who(&self, labels: BTreeMap<String, String>, runtime: Option<&'static str>) {
        let mut state = self.state();
        (state.labels, state.runtime) = (labels, runtime);
    }

    /// The labels of its target.
    pub(crate) fn labels(&self) -> BTreeMap<String, String> {
        self.state().labels.clone()
    }

    /// The processes that had slots at the last scrape.
    pub(super) fn holders(&self) -> Vec<u32> {
        self.state().holders.clone()
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
            labels: state.labels.clone(),
            runtime: state.runtime,
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
        self.read(bounds, metrics, move |collector, place| page(collector, place, &wish))
    }

    /// Has a page made in its namespace.
    fn read(
        &self,
        bounds: &Bounds,
        metrics: &NodeMetrics,
        make: impl FnOnce(&Mutex<Collector>, Place) -> Reading + Send + 'static,
    ) -> Result<Page, Refusal> {
        let page = self.begin().and_then(|(place, is_last)| {
            let (Reading { bytes, extent, holders }, took) = self.visit(place, bounds.scrape_time, make)?;
            metrics.count_scrape(took);
            self.state().holders = holders;
            self.note_extent(extent, took, bounds, metrics);
            Ok(Page { bytes, is_last })
        });
        page.inspect_err(|refusal| metrics.count_refusal(*refusal))
    }

    fn visit(
        &self,
        place: Place,
        limit: Duration,
        make: impl FnOnce(&Mutex<Collector>, Place) -> Reading + Send + 'static,
    ) -> Result<(Reading, Duration), Refusal> {
        let (collector, visit_share) = (Arc::clone(&self.collector), Arc::clone(&self.visits));
        let name = Arc::clone(&self.name);
        let outcome = visit(&self.namespace, limit, move || {
            logging::set_pod(name);
            let page = make(&collector, place);
            drop(visit_share);
            page
        });
        outcome.map_err(|error| self.note_failure(error, limit))
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
fn page(collector: &Mutex<Collector>, place: Place, wish: &PageWish) -> Reading {
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
    Reading { bytes, extent: collector.extent(), holders: collector.holders(MOST_HOLDERS) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::process::Process;
    use std::{num::NonZeroUsize, path::Path};

    /// Longer than any scrape takes.
    const LONG: Duration = Duration::from_secs(600);

    fn bounds(scrape_time: Duration) -> Bounds {
        Bounds {
            pods: 2,
            segments: NonZeroUsize::MIN,
            series: 10,
            families: 10,
            bytes: 1 << 20,
            scrape_time,
            trust: Vec::new(),
            with_created: false,
        }
    }

    /// A pod in the namespace of this process, which needs no right to be in it.
    fn pod(uid: &str) -> Pod {
        let me = Process::open(Path::new("/proc"), std::process::id()).expect("Linux");
        let inode = me.ipc_inode().expect("its own");
        let namespace = Arc::new(Namespace::of(me.ipc_namespace(inode).expect("its own")));
        let place = Place::elsewhere(inode, Vec::new());
        Pod::new(uid.into(), namespace, place, &bounds(LONG))
    }

    fn scrape(pod: &Pod, time: Duration, metrics: &NodeMetrics) -> Result<String, Refusal> {
        let wish = PageWish { format: Format::default(), families: Selection::default(), gzip: false };
        let page = pod.scrape(wish, &bounds(time), metrics)?;
        Ok(String::from_utf8(page.bytes).expect("text"))
    }

    fn is_answered(pod: &Pod, metrics: &NodeMetrics) -> bool {
        scrape(pod, LONG, metrics).expect("a page").contains("promshm_up")
    }

    #[test]
    fn pod_whose_scrape_hangs_rests_while_others_are_scraped() {
        let (metrics, hung, other) = (NodeMetrics::new(), pod("hung"), pod("other"));
        // What hangs in a scrape has the collector.
        let collector = hung.collector.lock().expect("nobody has it");
        let (begun, limit) = (Instant::now(), Duration::from_millis(10));
        assert_eq!(scrape(&hung, limit, &metrics), Err(Refusal::Time));
        let until = hung.state().rests_until.expect("it rests");
        assert!(until >= begun + limit * REST);
        hung.state().rests_until = Some(Instant::now() + LONG);
        for _ in 0..2 {
            assert_eq!(scrape(&hung, LONG, &metrics), Err(Refusal::Rest));
            assert!(is_answered(&other, &metrics));
        }
        let rests = |pod: &Pod| pod.view().limited.contains(&"rest");
        assert!(rests(&hung) && !rests(&other));
        assert_eq!([Refusal::Time, Refusal::Rest].map(|reason| metrics.refused(reason)), [1, 2]);
        drop(collector);
        hung.state().rests_until = Some(Instant::now());
        assert!(is_answered(&hung, &metrics), "it has rested, and nothing hangs any more");
        assert!(!rests(&hung));
    }

    #[test]
    fn pod_whose_scrapes_hang_has_few_threads() {
        let (metrics, hung) = (NodeMetrics::new(), pod("hung"));
        let collector = hung.collector.lock().expect("nobody has it");
        for number in 1..=MOST_VISITS {
            assert_eq!(scrape(&hung, Duration::from_millis(1), &metrics), Err(Refusal::Time), "{number}");
            hung.state().rests_until = None;
        }
        assert_eq!(scrape(&hung, LONG, &metrics), Err(Refusal::Rest));
        drop(collector);
        while Arc::strong_count(&hung.visits) > 1 {
            std::thread::yield_now(); // they end by themselves
        }
        assert!(is_answered(&hung, &metrics));
    }

    #[test]
    fn scrape_that_panics_is_told_and_leaves_the_next_one_whole() {
        let (metrics, bad, other) = (NodeMetrics::new(), pod("bad"), pod("other"));
        let panic = |collector: &Mutex<Collector>, _| {
            let _held = collector.lock();
            panic!("as a test wants it")
        };
        let page = bad.read(&bounds(LONG), &metrics, panic).map(|page| page.bytes);
        assert_eq!(page, Err(Refusal::Panic));
        assert_eq!(metrics.refused(Refusal::Panic), 1);
        assert!(is_answered(&other, &metrics) && is_answered(&bad, &metrics));
        assert_eq!(Arc::strong_count(&bad.visits), 1, "its thread is not counted for ever");
    }

    #[test]
    fn scrape_that_computes_for_too_long_is_answered_and_followed_by_a_rest() {
        let (metrics, busy) = (NodeMetrics::new(), pod("busy"));
        let (extent, took) = (Extent::default(), Duration::from_secs(3));
        let begun = Instant::now();
        busy.note_extent(extent, took, &bounds(took), &metrics);
        assert!(busy.state().rests_until.is_none(), "as long as it may");
        busy.note_extent(extent, took, &bounds(took / 2), &metrics);
        assert!(busy.state().rests_until.is_some_and(|until| until >= begun + took * REST));
        assert_eq!(metrics.refused(Refusal::Time), 1);
    }
}
