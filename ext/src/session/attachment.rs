//! What one PHP process holds: its attachment to the segment and the metrics it has met.

use crate::{
    engine::{
        exceptions::{Thrown, bad_registration, invalid_argument},
        globals::interpreter_local,
        zval,
    },
    session::{
        countdown, generation, ini, labels,
        metric::{Constants, Metric},
        series::{Series, Target},
        summary_ring,
    },
};
use promshm_segment::{
    Config, Definition, FamilyId, Runtime, SegmentName, Writer,
    format::{exemplar::Labels, ttl},
    memory::atomic,
    os,
    snapshot::Reason,
    unix_time,
};
use std::{
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

interpreter_local! {
    /// In a box, because it is taken out while somebody looks at it.
    static STATE: Option<Box<State>> = None;
    /// Set in a forked child until it has a slot of its own.
    static FORKED: bool = false;
    /// Whether the running request is the one of a preload script that counts.
    static PRELOADED: bool = false;
    /// Whether the last request ended in a fatal error.
    static AFTER_FATAL: bool = false;
    /// Whether a request is running: between its startup and its shutdown. Scripts run after that, too.
    static IN_REQUEST: bool = false;
}

/// How long to leave the kernel alone after it refused.
const RETRY: Duration = Duration::from_secs(5);

/// Segments that a process stays attached to while it serves requests of others. Each costs a slot there and
/// address space, so this is bounded; a process that serves more virtual hosts attaches anew now and then.
const MOST_PARKED: usize = 15;

/// Metrics that a process keeps between requests. A script that makes up names without end would fill its
/// memory otherwise.
const MOST_METRICS: usize = 20_000;
/// Bytes that their definitions may take, about.
const MOST_METRIC_BYTES: usize = 32 << 20;

#[derive(Debug)]
struct State {
    /// Of the segment that the running request counts into.
    present: Attachment,
    /// Of the segments of former requests, the latest last.
    parked: Vec<Attachment>,
    /// Counts attachments and forks: families are registered again in each.
    lives: u64,
    /// How many metrics the attachments know, and about how many bytes their definitions take.
    known: usize,
    known_bytes: usize,
    /// What this request has constructed: within it a name has one definition.
    in_request: BTreeMap<String, Rc<Metric>>,
    unstored: u64,
}

/// One segment as this process knows it.
#[derive(Debug)]
struct Attachment {
    /// None where metrics are disabled: then nothing is attached, and nothing is counted.
    name: Option<SegmentName>,
    writer: Option<Writer>,
    /// The process that attached: a forked child must not say goodbye for it.
    owner: u32,
    /// Number among all lives of this process.
    life: u64,
    /// What its generation is made of, while it is parked.
    generation: generation::Source,
    metrics: BTreeMap<String, Vec<Rc<Metric>>>,
    error: Option<String>,
    retry_at: Option<Instant>,
    warned: bool,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// The end of a thread; a process without threads says [`goodbye`].
impl Drop for State {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}

fn with_state<R>(look: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(|state| look(state.get_or_insert_default()))
}

/// What `Segment::status()` and phpinfo tell of this process.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) attached: bool,
    pub(crate) slot: Option<usize>,
    pub(crate) error: Option<String>,
    pub(crate) unstored: u64,
}

/// The metric with that definition: a known one, or a new one. Throws where this request has
/// already defined the name otherwise.
pub(crate) fn metric(definition: Definition, constants: &Constants) -> Result<Rc<Metric>, Thrown> {
    let metric = Metric::new(definition, constants).map_err(|error| invalid_argument(&error.to_string()))?;
    with_state(|state| state.metric(metric)).map_err(|message| bad_registration(&message))
}

/// Looks the series up in the segment, attaching it first where needed.
#[cold]
pub(crate) fn resolve(metric: &Metric, key: &[u8]) -> Series {
    with_warnings(|state| state.resolve(metric, key))
}

/// Forgets all series that were looked up, because they have become too many.
#[cold]
pub(crate) fn forget_series() {
    with_state(|state| {
        let attachments = state.parked.iter().chain([&state.present]);
        let metrics = attachments.flat_map(|attachment| attachment.metrics.values().flatten());
        metrics.chain(state.in_request.values()).for_each(|metric| metric.forget_series());
    });
}

/// Removes the series; answers whether there was one.
pub(crate) fn remove(metric: &Metric, key: &[u8]) -> bool {
    with_warnings(|state| state.remove(metric, key))
}

/// Retires the segment. What goes wrong is a warning.
pub(crate) fn wipe() {
    if let Err(message) = with_state(State::wipe) {
        zval::warn(&message); // asked for by name, so it is answered every time
    }
}

/// Counts an update that had no room.
pub(crate) fn count_drop(reason: Reason) {
    with_state(|state| {
        if let Some(writer) = &state.present.writer {
            writer.count_drop(reason);
        }
    });
}

/// Counts an update that had no segment.
pub(crate) fn count_unstored() {
    with_state(|state| state.unstored += 1);
}

/// Notes an exemplar of an update that was just made to this process's own cell.
pub(crate) fn note_exemplar(cell: &atomic::Cell, labels: &Labels, value: f64) {
    let time = (unix_time() * 1e3).round() / 1e3; // milliseconds, as Prometheus keeps them
    with_state(|state| {
        if let Some(writer) = &mut state.present.writer {
            writer.note_exemplar(cell, labels, value, time);
        }
    });
}

/// The number of this very process's attachment; `None` while there is none. Cells that were found in it are
/// mapped as long as it stays the same.
pub(crate) fn life() -> Option<u64> {
    with_state(|state| state.present.writer.as_ref().filter(|_| !FORKED.get()).map(|_| state.present.life))
}

/// Whether there is a slot that this very process has claimed.
pub(crate) fn has_own_slot() -> bool {
    !FORKED.get()
        && with_state(|state| state.present.writer.as_ref().is_some_and(|writer| writer.slot() != 0))
}

/// Publishes what this process tells of itself.
pub(crate) fn publish_runtime(runtime: Runtime) {
    with_state(|state| {
        if let Some(writer) = state.present.writer.as_ref().filter(|_| !FORKED.get()) {
            writer.publish_runtime(runtime);
        }
    });
}

pub(crate) fn status() -> Status {
    with_state(|state| Status {
        attached: state.present.writer.is_some() && !FORKED.get(),
        slot: state.present.writer.as_ref().filter(|_| !FORKED.get()).map(Writer::slot),
        error: state.present.error.clone(),
        unstored: state.unstored,
    })
}

/// Whether what a script does may be remembered until the request's end. After that some callbacks of scripts run
/// still (headers, sessions): what is remembered for them would be taken for the next request's.
pub(crate) fn is_in_request() -> bool {
    IN_REQUEST.get()
}

/// A request begins: it counts into the segment of its own settings, which a web server may have for each virtual
/// host. A segment that was removed by hand leaves no mark that a known series would notice, so here is a look.
pub(crate) fn begin_request() {
    IN_REQUEST.set(true);
    with_state(|state| {
        state.in_request.clear();
        state.follow(ini::enabled().then(|| ini::config().name));
        if state.present.writer.as_ref().is_some_and(|writer| !writer.is_current()) {
            drop(state.detach());
        }
    });
}

/// Whether somebody has taken the segment away; asks the kernel, once a second at most.
pub(crate) fn has_lost_segment() -> bool {
    !FORKED.get()
        && with_state(|state| state.present.writer.as_ref().is_some_and(|writer| !writer.is_current()))
}

/// A request has ended: the next one may define anew.
pub(crate) fn end_request() {
    IN_REQUEST.set(false);
    with_state(|state| state.in_request.clear());
    if PRELOADED.replace(false) {
        goodbye(); // the process that ran the preload script serves no requests
    }
}

/// Notes whether the request ended in a fatal error, when it happens: shutdown functions run later and
/// may clear it, or raise another.
pub(crate) fn note_fatal(after_fatal: bool) {
    AFTER_FATAL.set(after_fatal);
}

/// The process ends: gives the slot back, unless it is a parent's.
pub(crate) fn goodbye() {
    with_state(State::say_goodbye);
}

/// In a forked child, before anything else of it runs: nothing of the parent's may be written.
pub(crate) fn forked() {
    FORKED.set(true);
    generation::detach();
}

/// Warns of storage trouble, unless the process has warned already.
pub(crate) fn warn_once(message: &str) {
    if !with_state(|state| std::mem::replace(&mut state.present.warned, true)) {
        zval::warn(message);
    }
}

fn with_warnings<R>(look: impl FnOnce(&mut State) -> R) -> R {
    let (result, warning) = with_state(|state| (look(state), state.present.take_warning()));
    if let Some(message) = warning {
        zval::warn(&message);
    }
    result
}

impl Attachment {
    const fn to(name: Option<SegmentName>) -> Self {
        Self {
            name,
            writer: None,
            owner: 0,
            life: 0,
            generation: generation::Source::UNATTACHED,
            metrics: BTreeMap::new(),
            error: None,
            retry_at: None,
            warned: false,
        }
    }

    fn is_mine(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Gives the slot back, unless it is a parent's. A parked attachment ends cleanly, whatever the request
    /// that runs does.
    fn say_goodbye(&mut self, after_fatal: bool) {
        if let Some(writer) = self.writer.take()
            && self.is_mine()
        {
            writer.clean_exit(after_fatal);
        }
    }

    /// The first trouble with this segment, once.
    fn take_warning(&mut self) -> Option<String> {
        if self.warned {
            return None;
        }
        let error = self.error.as_ref()?;
        self.warned = true;
        Some(format!("metrics are not stored: {error}"))
    }
}

impl State {
    const fn new() -> Self {
        Self {
            present: Attachment::to(None),
            parked: Vec::new(),
            lives: 0,
            known: 0,
            known_bytes: 0,
            in_request: BTreeMap::new(),
            unstored: 0,
        }
    }

    /// Counts into that segment from now on, or into none. The former one stays attached, so that a process
    /// that serves several virtual hosts by turns claims one slot in each, and keeps what it has looked up.
    fn follow(&mut self, name: Option<SegmentName>) {
        if self.present.name == name {
            return;
        }
        if FORKED.replace(false) {
            self.leave_to_parent();
        }
        let known = self.parked.iter().position(|parked| parked.name == name);
        let next = known.map_or(Attachment::to(name), |known| self.parked.remove(known));
        let mut former = std::mem::replace(&mut self.present, next);
        former.generation = generation::detach();
        summary_ring::detach();
        labels::set_limit(usize::MAX);
        if former.name.is_some() {
            self.parked.push(former);
        }
        if self.parked.len() > MOST_PARKED {
            self.parked.remove(0).say_goodbye(false);
        }
        self.resume();
    }

    /// Uses the present attachment again, if it is one.
    fn resume(&mut self) {
        let Some(writer) = &self.present.writer else { return };
        let ttl = writer.series_ttl();
        if ttl == 0 {
            generation::resume(self.present.generation);
        } else {
            generation::attach(writer.epoch()); // looking a series up again is what says that it is in use
        }
        summary_ring::attach(writer.rings());
        labels::set_limit(writer.max_label_length());
        countdown::attached(ttl::renew_after(ttl));
    }

    /// In a forked child: what the parent had attached stays the parent's.
    fn leave_to_parent(&mut self) {
        drop(self.detach());
        self.parked.clear();
    }

    fn metric(&mut self, metric: Metric) -> Result<Rc<Metric>, String> {
        let name = metric.definition.name.clone();
        if let Some(earlier) = self.in_request.get(&name) {
            if !earlier.family.same_family(&metric.family) {
                return Err(conflict(&earlier.family, &metric.family));
            }
            if earlier.same_series(&metric) {
                return Ok(Rc::clone(earlier));
            }
        }
        let metric = self.remember(metric);
        if IN_REQUEST.get() {
            self.in_request.insert(name, Rc::clone(&metric));
        }
        Ok(metric)
    }

    /// The metric that is known already, or this one, which is from now on.
    fn remember(&mut self, metric: Metric) -> Rc<Metric> {
        if self.known >= MOST_METRICS || self.known_bytes >= MOST_METRIC_BYTES {
            self.forget_metrics();
        }
        let known = self.present.metrics.entry(metric.definition.name.clone()).or_default();
        if let Some(found) = known.iter().find(|known| known.same_series(&metric)) {
            return Rc::clone(found);
        }
        self.known += 1;
        self.known_bytes += metric.bytes();
        known.push(Rc::new(metric));
        Rc::clone(&known[known.len() - 1])
    }

    /// Forgets all definitions; those that objects stand for live on with them.
    fn forget_metrics(&mut self) {
        self.in_request.clear();
        self.parked.iter_mut().chain([&mut self.present]).for_each(|attachment| attachment.metrics.clear());
        (self.known, self.known_bytes) = (0, 0);
    }

    fn resolve(&mut self, metric: &Metric, key: &[u8]) -> Series {
        if !self.is_ready() {
            return Series::UNKNOWN;
        }
        let generation = generation::current(); // before the lookup: what changes during it makes it stale
        let target = self.look_up(metric, key).unwrap_or_else(Target::Dropped);
        Series { generation, target }
    }

    fn look_up(&mut self, metric: &Metric, key: &[u8]) -> Result<Target, Reason> {
        let family = self.family(metric)?;
        let Some(writer) = &mut self.present.writer else { return Ok(Target::Unstored) };
        let values = labels::unpack(key);
        let resolved = writer.resolve(family, &metric.all_values(&values))?;
        let cells = resolved.cells.as_ptr();
        Ok(if resolved.shared { Target::Shared(cells) } else { Target::Owned(cells) })
    }

    fn remove(&mut self, metric: &Metric, key: &[u8]) -> bool {
        if !self.is_ready() {
            return false;
        }
        let Ok(family) = self.family(metric) else { return false };
        let values = labels::unpack(key);
        let Some(writer) = &mut self.present.writer else { return false };
        writer.remove(family, &metric.all_values(&values))
    }

    /// The family's record; registered once in each life.
    fn family(&mut self, metric: &Metric) -> Result<FamilyId, Reason> {
        let Attachment { writer, life, .. } = &mut self.present;
        match (metric.registered.get(), writer) {
            (Some((family, known)), _) if known == *life => Ok(family),
            (_, Some(writer)) => {
                let family = writer.register(&metric.family)?;
                metric.registered.set(Some((family, *life)));
                Ok(family)
            }
            (_, None) => Err(Reason::Corrupt),
        }
    }

    /// Attached to the present segment with a slot of this very process, after trying to be.
    fn is_ready(&mut self) -> bool {
        let Some(name) = self.present.name else { return false };
        if FORKED.replace(false) {
            self.parked.clear(); // the parent's
            if let Some(writer) = self.detach() {
                self.install_writer(writer.forked());
            }
        }
        match &self.present.writer {
            Some(writer) if writer.is_current() => return true,
            _ => drop(self.detach()),
        }
        self.attach(name);
        self.present.writer.is_some()
    }

    fn attach(&mut self, name: SegmentName) {
        if self.present.retry_at.is_some_and(|then| Instant::now() < then) {
            return;
        }
        match Writer::attach(&Config { name, ..ini::config() }) {
            Ok(writer) => self.install_writer(writer),
            Err(error) => {
                self.present.error = Some(error.to_string());
                self.present.retry_at = Some(Instant::now() + RETRY);
            }
        }
    }

    fn install_writer(&mut self, writer: Writer) {
        let ttl = writer.series_ttl();
        generation::attach(writer.epoch());
        summary_ring::attach(writer.rings());
        labels::set_limit(writer.max_label_length());
        self.lives += 1;
        PRELOADED.set(zval::is_preloading());
        self.present.owner = std::process::id();
        self.present.life = self.lives;
        self.present.error = None;
        self.present.retry_at = None;
        self.present.writer = Some(writer);
        countdown::attached(ttl::renew_after(ttl));
    }

    fn detach(&mut self) -> Option<Writer> {
        generation::detach();
        summary_ring::detach();
        self.present.writer.take()
    }

    fn say_goodbye(&mut self) {
        if self.present.writer.is_some() {
            generation::detach();
            summary_ring::detach();
        }
        self.present.say_goodbye(AFTER_FATAL.get());
        self.parked.drain(..).for_each(|mut parked| parked.say_goodbye(false));
    }

    /// Retires the segment, and sets the names free: who wipes begins anew.
    fn wipe(&mut self) -> Result<(), String> {
        let Some(name) = self.present.name else { return Ok(()) };
        self.forget_metrics(); // with their help texts
        if FORKED.replace(false) {
            self.leave_to_parent();
        }
        let done = match self.detach() {
            Some(writer) => writer.wipe(),
            None => os::remove(&name),
        };
        match done {
            Err(promshm_segment::ReadError::Absent { .. }) => Ok(()),
            done => done.map_err(|error| format!("the segment was not wiped: {error}")),
        }
    }
}

fn conflict(earlier: &Definition, later: &Definition) -> String {
    format!(
        "{} is already defined as {}, and cannot be {} as well: use one definition, or another name",
        earlier.name,
        earlier.describe(),
        later.describe(),
    )
}
