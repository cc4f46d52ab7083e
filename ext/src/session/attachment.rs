//! The attachment of one PHP process, or of one thread of a thread-safe PHP, to its segments, and the metrics that
//! it knows.

use crate::{
    engine::{
        exceptions::{Thrown, bad_registration, invalid_argument},
        globals::interpreter_local,
        request, zval,
    },
    session::{
        countdown, error_text, generation, ini, labels,
        metric::{Constants, Metric},
        metric_table::{Conflict, Defined, MetricTable, Request, Spelling},
        moves,
        series::{Series, Target},
        summary_ring,
    },
};
use promshm_segment::{
    AttachError, Config, Definition, FamilyId, Resolved, Runtime, SegmentName, Writer,
    format::{exemplar::ExemplarLabels, ttl},
    memory::atomic,
    os,
    snapshot::{Loss, Reason},
    unix_time,
};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

interpreter_local! {
    /// Boxed, because `with` moves it out and back in at each access.
    static STATE: Option<Box<State>> = None;
    /// Set in a forked child until the child has claimed a slot of its own.
    static FORKED: bool = false;
    /// Whether the running request is that of a preload script, and has updated metrics.
    static PRELOADED: bool = false;
    /// Whether the last request ended in a fatal error.
    static AFTER_FATAL: bool = false;
    /// The number of the running request; 0 between its shutdown and the startup of the next one. Some callbacks of
    /// scripts run then.
    static REQUEST: Request = 0;
    /// The number of the latest request.
    static LAST_REQUEST: Request = 0;
}

/// How long to wait after a failed attempt to attach.
const RETRY: Duration = Duration::from_secs(5);

/// Segments of other virtual hosts that a process stays attached to. Each costs a slot there and address space, so
/// the number is bounded; a process that serves more virtual hosts attaches anew now and then.
const MOST_PARKED: usize = 15;

/// Metrics that a process keeps between requests. The bound protects its memory from a script that makes up names
/// without end.
const MOST_METRICS: usize = 20_000;
/// Approximate bytes that their definitions may take.
const MOST_METRIC_BYTES: usize = 32 << 20;

#[derive(Debug)]
struct State {
    /// The attachment to the segment of the running request.
    current: Attachment,
    /// The attachments of former requests, the latest last.
    parked: Vec<Attachment>,
    /// The number of the latest attachment. An attachment has a new number after each attach and each fork, because
    /// families are registered again then.
    last_id: u64,
    /// Metrics that the attachments know, and approximate bytes of their definitions.
    known: usize,
    known_bytes: usize,
    unstored: u64,
}

/// One segment, as seen by this process.
#[derive(Debug)]
struct Attachment {
    /// `None` if metrics are disabled: nothing is attached or counted then.
    name: Option<SegmentName>,
    writer: Option<Writer>,
    /// The id of the process that attached: a forked child must not release the slot.
    owner: u32,
    /// The number of this attachment, see `State::last_id`.
    id: u64,
    /// The parts of its generation, while it is parked.
    generation: generation::Source,
    metrics: MetricTable,
    error: Option<String>,
    retry_at: Option<Instant>,
    /// Tells the exporter while this process may not write the segment.
    refusal: os::Refusal,
    warned: bool,
    /// What the log is to be told of the settings.
    notice: Option<String>,
    /// The reasons, as bits, for which the log has a metric that loses updates.
    told_drops: u32,
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs at the end of a thread. A process without threads calls [`release_slots`].
impl Drop for State {
    fn drop(&mut self) {
        self.release_slots();
    }
}

fn with_state<R>(look: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_boxed(look)
}

/// The result of a lookup in the segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolution {
    pub(crate) series: Series,
    /// Whether the metric has all the series that it may have, so that these label values count together with others.
    pub(crate) is_overflow: bool,
}

/// The part of `Segment::status()` and of phpinfo that is about this process.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) attached: bool,
    pub(crate) slot: Option<usize>,
    pub(crate) error: Option<String>,
    pub(crate) unstored: u64,
}

/// The metric with that definition, a known one or a new one. Throws if this request has defined the name
/// differently.
pub(crate) fn metric(definition: Definition, constants: &Constants) -> Result<Rc<Metric>, Thrown> {
    let metric = Metric::new(definition, constants)
        .map_err(|error| invalid_argument(&error_text::definition_error(&error)))?;
    with_state(|state| state.metric(metric)).map_err(|message| bad_registration(&message))
}

/// The metric that a script has spelt so before. Does not allocate.
pub(crate) fn known_metric(spelling: &Spelling<'_>) -> Option<Rc<Metric>> {
    with_state(|state| state.current.metrics.find(spelling, REQUEST.get()))
}

/// Remembers that this spelling defines the metric.
pub(crate) fn remember_spelling(spelling: &Spelling<'_>, metric: &Rc<Metric>) {
    with_state(|state| state.current.metrics.remember(spelling, metric));
}

/// Looks the series up in the segment, after attaching if necessary.
#[cold]
pub(crate) fn resolve(metric: &Metric, key: &[u8]) -> Resolution {
    with_warnings_of(&metric.definition.name, |state| state.resolve(metric, key))
}

/// Forgets all resolved series, because they have become too many.
#[cold]
pub(crate) fn forget_series() {
    with_state(|state| {
        let attachments = state.parked.iter().chain([&state.current]);
        attachments
            .flat_map(|attachment| attachment.metrics.iter())
            .for_each(|metric| metric.forget_series());
    });
}

/// Removes the series; `true` if it existed.
pub(crate) fn remove(metric: &Metric, key: &[u8]) -> bool {
    with_warnings_of(&metric.definition.name, |state| state.remove(metric, key))
}

/// Removes all series that have these label values; `None` stands for any value. Returns how many there were.
pub(crate) fn remove_matching(metric: &Metric, values: &[Option<String>]) -> u64 {
    with_warnings_of(&metric.definition.name, |state| state.remove_matching(metric, values))
}

/// Begins a generation of the segment, so that what is not used any more is given back. Returns whether one has begun.
pub(crate) fn compact() -> bool {
    with_state(State::compact)
}

/// Does a part of the work of a generation that has begun, if there is any. Not to be called between a lookup and the
/// update of what was found.
pub(crate) fn tend() {
    if !FORKED.get() {
        with_state(State::tend);
    }
}

/// Retires the segment. A failure is a warning.
pub(crate) fn wipe() {
    if let Err(message) = with_state(State::wipe) {
        zval::warn(&message); // not only once: the script has asked for it
    }
}

/// Counts an update that was dropped in the segment.
pub(crate) fn count_drop(reason: Reason) {
    with_state(|state| {
        if let Some(writer) = &state.current.writer {
            writer.count_drop(reason);
        }
    });
}

/// Counts an update that was made without a segment.
pub(crate) fn count_unstored() {
    with_state(|state| state.unstored += 1);
}

/// Notes an exemplar of an update that was just made to this process's own cell.
pub(crate) fn note_exemplar(cell: &atomic::Cell, labels: &ExemplarLabels, value: f64) {
    let time = (unix_time() * 1e3).round() / 1e3; // milliseconds, as Prometheus keeps them
    with_state(|state| {
        if let Some(writer) = &mut state.current.writer {
            writer.note_exemplar(cell, labels, value, time);
        }
    });
}

/// The number of this process's current attachment; `None` without one. Cells that were found in an attachment stay
/// mapped as long as its number is the current one.
pub(crate) fn current_id() -> Option<u64> {
    with_state(|state| state.current.writer.as_ref().filter(|_| !FORKED.get()).map(|_| state.current.id))
}

/// Whether this process itself has claimed a slot.
pub(crate) fn has_own_slot() -> bool {
    !FORKED.get()
        && with_state(|state| state.current.writer.as_ref().is_some_and(|writer| writer.slot() != 0))
}

/// Publishes the process stats.
pub(crate) fn publish_runtime(runtime: Runtime) {
    with_state(|state| {
        if let Some(writer) = state.current.writer.as_ref().filter(|_| !FORKED.get()) {
            writer.publish_runtime(runtime);
        }
    });
}

pub(crate) fn status() -> Status {
    with_state(|state| Status {
        attached: state.current.writer.is_some() && !FORKED.get(),
        slot: state.current.writer.as_ref().filter(|_| !FORKED.get()).map(Writer::slot),
        error: state.current.error.clone(),
        unstored: state.unstored,
    })
}

/// Whether definitions may be remembered until the end of the request. Callbacks of scripts that run after the
/// request's shutdown (headers, sessions) must not be remembered: the next request would take over their
/// definitions.
pub(crate) fn is_in_request() -> bool {
    REQUEST.get() != 0
}

/// A request begins. It uses the segment of its own settings, which a web server may set for each virtual host. A
/// segment that was removed by hand changes no epoch, so this checks whether it still exists.
pub(crate) fn begin_request() {
    REQUEST.set(LAST_REQUEST.update(|last| last + 1));
    with_state(|state| {
        state.switch_to(ini::enabled().then(|| ini::config().name));
        if state.current.writer.as_ref().is_some_and(|writer| !writer.is_current()) {
            drop(state.detach());
        }
    });
}

/// Whether the segment was removed or replaced. Makes a system call, so the caller asks once a second at most.
pub(crate) fn has_lost_segment() -> bool {
    !FORKED.get()
        && with_state(|state| state.current.writer.as_ref().is_some_and(|writer| !writer.is_current()))
}

/// A request has ended: the next one may define its metrics differently.
pub(crate) fn end_request() {
    REQUEST.set(0);
    if PRELOADED.replace(false) {
        release_slots(); // the process that ran the preload script serves no requests
    }
}

/// Notes a fatal error when it happens: shutdown functions run later and may clear it, or raise another.
pub(crate) fn note_fatal(after_fatal: bool) {
    AFTER_FATAL.set(after_fatal);
}

/// Whether a fatal error has ended the request.
pub(crate) fn is_after_fatal() -> bool {
    AFTER_FATAL.get()
}

/// The process ends: releases its slots, except a parent's.
pub(crate) fn release_slots() {
    with_state(State::release_slots);
}

/// Runs in a forked child before anything else: from now on nothing of the parent's may be written.
pub(crate) fn forked() {
    FORKED.set(true);
    generation::detach();
}

/// Warns of storage trouble, once for each attachment.
pub(crate) fn warn_once(message: &str) {
    if !with_state(|state| std::mem::replace(&mut state.current.warned, true)) {
        zval::warn(message);
    }
}

/// Runs `look`, and warns if it found out that metrics are not stored: the first one by name. Logs if the process has other
/// settings than the segment.
fn with_warnings_of<R>(metric: &str, look: impl FnOnce(&mut State) -> R) -> R {
    let (result, warning, notice) = with_state(|state| {
        let result = look(state);
        (result, state.current.take_warning(metric), state.current.notice.take())
    });
    if let Some(message) = notice {
        request::log(&message);
    }
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
            id: 0,
            generation: generation::Source::UNATTACHED,
            metrics: MetricTable::new(),
            error: None,
            retry_at: None,
            refusal: os::Refusal::new(),
            warned: false,
            notice: None,
            told_drops: 0,
        }
    }

    /// Tells the log of the first metric that loses updates for that reason.
    #[cold]
    fn note_drop(&mut self, metric: &str, loss: Loss) {
        let reasons = self.told_drops | 1 << loss as u32;
        if reasons != self.told_drops && self.notice.is_none() && request::logs() {
            self.told_drops = reasons;
            self.notice = Some(error_text::dropped(metric, loss));
        }
    }

    fn is_mine(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Releases the slot as a clean exit, unless it is a parent's. `after_fatal` is never true for a parked
    /// attachment, because the running request does not use it.
    fn release_slot(&mut self, after_fatal: bool) {
        self.refusal.withdraw();
        if let Some(writer) = self.writer.take()
            && self.is_mine()
        {
            writer.clean_exit(after_fatal);
        }
    }

    /// Tells of gauges whose cells have moved. To be called after each use of the writer that may look anything up.
    fn tell_moves(&mut self) {
        if let Some(moves) = self.writer.as_mut().and_then(Writer::take_moves) {
            moves::tell(self.id, &moves);
        }
    }

    fn tend(&mut self) {
        if let Some(writer) = self.writer.as_mut().filter(|writer| writer.has_to_tend()) {
            writer.tend();
            self.tell_moves();
        }
    }

    /// The first error of this segment, once.
    fn take_warning(&mut self, metric: &str) -> Option<String> {
        if self.warned {
            return None;
        }
        let error = self.error.as_ref()?;
        self.warned = true;
        Some(format!("{metric} and all other metrics are not stored: {error}"))
    }
}

impl State {
    const fn new() -> Self {
        Self {
            current: Attachment::to(None),
            parked: Vec::new(),
            last_id: 0,
            known: 0,
            known_bytes: 0,
            unstored: 0,
        }
    }

    /// Switches to that segment, or to none. The former one stays attached, so that a process that serves several
    /// virtual hosts by turns keeps one slot in each, and the series that it has resolved.
    fn switch_to(&mut self, name: Option<SegmentName>) {
        if self.current.name == name {
            return;
        }
        if FORKED.replace(false) {
            self.leave_to_parent();
        }
        let known = self.parked.iter().position(|parked| parked.name == name);
        let next = known.map_or(Attachment::to(name), |known| self.parked.remove(known));
        let mut former = std::mem::replace(&mut self.current, next);
        former.generation = generation::detach();
        summary_ring::detach();
        labels::set_limit(usize::MAX);
        if former.name.is_some() {
            self.parked.push(former);
        }
        if self.parked.len() > MOST_PARKED {
            self.parked.remove(0).release_slot(false);
        }
        self.resume();
    }

    /// Makes the current attachment usable again, if it has a writer.
    fn resume(&mut self) {
        let Some(writer) = &self.current.writer else { return };
        let ttl = writer.series_ttl();
        if ttl == 0 {
            generation::resume(self.current.generation);
        } else {
            generation::attach(writer.epoch()); // so that each series is looked up again, which marks it as used
        }
        summary_ring::attach(writer.rings());
        labels::set_limit(writer.max_label_length());
        countdown::attached(ttl::renew_after(ttl));
    }

    /// Drops the attachments of the parent; its slots stay claimed.
    fn leave_to_parent(&mut self) {
        drop(self.detach());
        self.parked.clear();
    }

    fn metric(&mut self, metric: Metric) -> Result<Rc<Metric>, String> {
        if self.known >= MOST_METRICS || self.known_bytes >= MOST_METRIC_BYTES {
            self.forget_metrics();
        }
        let defined = self.current.metrics.define(metric, REQUEST.get());
        let Defined { metric, is_new } = defined.map_err(|conflict| conflict_text(&conflict))?;
        if is_new {
            self.known += 1;
            self.known_bytes += metric.bytes();
        }
        Ok(metric)
    }

    /// Forgets all definitions. Those that objects refer to live on with the objects.
    fn forget_metrics(&mut self) {
        self.parked.iter_mut().chain([&mut self.current]).for_each(|attachment| attachment.metrics.clear());
        (self.known, self.known_bytes) = (0, 0);
    }

    fn resolve(&mut self, metric: &Metric, key: &[u8]) -> Resolution {
        if !self.is_ready() {
            return Resolution { series: Series::UNKNOWN, is_overflow: false };
        }
        let generation = generation::current(); // before the lookup: a change during it makes the result stale
        let (target, is_overflow) = self.look_up(metric, key).unwrap_or_else(|loss| {
            self.current.note_drop(&metric.definition.name, loss);
            (Target::Dropped(loss), false)
        });
        self.current.tell_moves();
        Resolution { series: Series { generation, target }, is_overflow }
    }

    /// Where the updates go, and whether that is the series of label values without room of their own.
    fn look_up(&mut self, metric: &Metric, key: &[u8]) -> Result<(Target, bool), Loss> {
        let family = self.family(metric)?;
        let Some(writer) = &mut self.current.writer else { return Ok((Target::Unstored, false)) };
        let values = labels::unpack(key);
        let limit = ini::series_per_metric(writer.max_series());
        let all = metric.all_values(&values);
        if values.is_empty() || writer.has_room(family, &all, limit) {
            return Ok((target(writer.resolve(family, &all)?), false));
        }
        writer.count_overflow(family);
        let target = ini::with_overflow_label(|other| overflow_target(metric, writer, family, other))?;
        Ok((target, true))
    }

    fn remove(&mut self, metric: &Metric, key: &[u8]) -> bool {
        if !self.is_ready() {
            return false;
        }
        let Ok(family) = self.family(metric) else { return false };
        let values = labels::unpack(key);
        let Some(writer) = &mut self.current.writer else { return false };
        let removed = writer.remove(family, &metric.all_values(&values));
        self.current.tell_moves();
        removed
    }

    fn remove_matching(&mut self, metric: &Metric, values: &[Option<String>]) -> u64 {
        if !self.is_ready() {
            return 0;
        }
        let Ok(family) = self.family(metric) else { return 0 };
        let Some(writer) = &mut self.current.writer else { return 0 };
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let removed = writer.remove_matching(family, &metric.all_wanted(&values));
        self.current.tell_moves();
        removed
    }

    fn compact(&mut self) -> bool {
        if !self.is_ready() {
            return false;
        }
        let begun = self.current.writer.as_mut().is_some_and(Writer::compact);
        self.tend();
        begun
    }

    /// Parked attachments hold slots, too, and would hold the others up.
    fn tend(&mut self) {
        self.parked.iter_mut().chain([&mut self.current]).for_each(Attachment::tend);
    }

    /// The family's record, which is registered once in each attachment.
    fn family(&mut self, metric: &Metric) -> Result<FamilyId, Loss> {
        let Attachment { writer, id, .. } = &mut self.current;
        match (metric.registered.get(), writer) {
            (Some((family, known)), _) if known == *id => Ok(family),
            (_, Some(writer)) => {
                let family = writer.register(&metric.family)?;
                metric.registered.set(Some((family, *id)));
                Ok(family)
            }
            (_, None) => Err(Loss::Corrupt),
        }
    }

    /// Attaches to the current segment with a slot of this process, if that is not done yet; `true` if it is
    /// attached.
    fn is_ready(&mut self) -> bool {
        let Some(name) = self.current.name else { return false };
        if FORKED.replace(false) {
            self.parked.clear(); // the parent's
            if let Some(writer) = self.detach() {
                self.install_writer(writer.forked());
            }
        }
        match &self.current.writer {
            Some(writer) if writer.is_current() => return true,
            _ => drop(self.detach()),
        }
        self.attach(name);
        self.current.writer.is_some()
    }

    fn attach(&mut self, name: SegmentName) {
        if self.current.retry_at.is_some_and(|then| Instant::now() < then) {
            return;
        }
        match Writer::attach(&Config { name, ..ini::config() }) {
            Ok(writer) => self.install_writer(writer),
            Err(error) => {
                if let AttachError::NoPermission { .. } = &error {
                    self.current.refusal.announce(&name);
                }
                self.current.error = Some(error_text::attach_error(&error));
                self.current.retry_at = Some(Instant::now() + RETRY);
            }
        }
    }

    fn install_writer(&mut self, writer: Writer) {
        let ttl = writer.series_ttl();
        generation::attach(writer.epoch());
        summary_ring::attach(writer.rings());
        labels::set_limit(writer.max_label_length());
        self.last_id += 1;
        PRELOADED.set(zval::is_preloading());
        self.current.owner = std::process::id();
        self.current.id = self.last_id;
        self.current.error = None;
        self.current.retry_at = None;
        self.current.refusal.withdraw();
        // A process without a log leaves it to others.
        let differences = if request::logs() { writer.untold_differences() } else { Vec::new() };
        self.current.notice =
            self.current.name.and_then(|name| error_text::other_settings(name, &differences));
        self.current.writer = Some(writer);
        countdown::attached(ttl::renew_after(ttl));
    }

    fn detach(&mut self) -> Option<Writer> {
        generation::detach();
        summary_ring::detach();
        self.current.writer.take()
    }

    fn release_slots(&mut self) {
        if self.current.writer.is_some() {
            generation::detach();
            summary_ring::detach();
        }
        self.current.release_slot(AFTER_FATAL.get());
        self.parked.drain(..).for_each(|mut parked| parked.release_slot(false));
    }

    /// Retires the segment, and forgets all definitions, so that each name may be defined anew.
    fn wipe(&mut self) -> Result<(), String> {
        let Some(name) = self.current.name else { return Ok(()) };
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
            done => {
                done.map_err(|error| format!("the segment was not wiped: {}", error_text::read_error(&error)))
            }
        }
    }
}

/// Where the updates of all label values go that have no series of their own. The metric keeps it, because values that never
/// come again ask for it at each call.
fn overflow_target(
    metric: &Metric,
    writer: &mut Writer,
    family: FamilyId,
    other: &str,
) -> Result<Target, Loss> {
    if let Some(known) = metric.known_overflow(other) {
        return Ok(known.target);
    }
    let generation = generation::current(); // before the lookup, as in `resolve`
    let values = vec![other; metric.definition.label_names.len()];
    let target = target(writer.resolve(family, &metric.all_values(&values))?);
    metric.keep_overflow(other, Series { generation, target });
    Ok(target)
}

fn target(resolved: Resolved<'_>) -> Target {
    let cells = resolved.cells.as_ptr();
    if resolved.shared { Target::Shared(cells) } else { Target::Owned(cells) }
}

fn conflict_text(Conflict { earlier, later }: &Conflict) -> String {
    format!(
        "{} is already defined as {}, and cannot be {} as well: use one definition, or another name",
        earlier.name,
        earlier.describe(),
        later.describe(),
    )
}
