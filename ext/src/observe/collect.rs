//! What the extension counts without any list: `promshm.collect`.
//!
//! Requests are counted at their end, errors and exceptions when they happen. What opcache and php-fpm tell is of all
//! processes: each asks at most every ten seconds, when a request begins or within a call that is made anyway, because a
//! worker's only request may last for days. The latest answer stands.
//!
//! What is collected by itself, because functions are listed, gives no process a place in the segment: it waits
//! until something else has.

use super::{
    families::{OTHER, Values},
    overflow,
    updates::{Bound, Update, update},
};
use crate::{
    engine::{
        functions::{class_name, pending_error},
        globals::interpreter_local,
        panic::catch_panic,
        process_stats,
        request::{self, Request, Status},
    },
    session::{
        attachment, heartbeat,
        ini::{self, Collect},
        metric::{Constants, Metric},
    },
};
use ext_php_rs::ffi::zend_object;
use promshm_segment::{Definition, GaugeMode, Kind, clock};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

interpreter_local! {
    static METRICS: Option<Rc<Metrics>> = None;
    /// When the running request began, in nanoseconds; 0 where none is counted.
    static BEGAN: u64 = 0;
    /// The attachment that has the running request's +1, if any.
    static IN_FLIGHT_IN: Option<u64> = None;
    /// When this process last asked opcache and php-fpm.
    static LOOKED_AT: f64 = f64::NEG_INFINITY;
    /// Whether something was counted and not told.
    static IS_WAITING: bool = false;
    /// What the cycle collector has freed in this request and is counted.
    static GC_COUNTED: f64 = 0.0;
}

/// Seconds between two looks at opcache and php-fpm.
const ASK_EVERY: f64 = 10.0;

/// The metrics, and the values of their labels that this process has seen.
#[derive(Debug)]
struct Metrics {
    /// As [`TABLE`] has them. A list, because what drops a metric would be there for each field.
    all: Vec<Metric>,
    /// The series of requests, by method and code.
    seen_requests: RefCell<Vec<(usize, i32, Bound)>>,
    in_flight: Bound,
    peak: Bound,
    errors: Tally,
    thrown: Tally,
    uncaught: Tally,
    classes: RefCell<Values>,
    /// The series of the realpath cache and of the cycle collector.
    runtime: [Bound; 4],
}

/// A counter by the values of its label. The latest value is likely to be the next one.
#[derive(Debug)]
struct Tally {
    of: Of,
    counts: RefCell<Vec<Rc<Count>>>,
    latest: Cell<usize>,
}

/// What was counted of one value.
#[derive(Debug)]
struct Count {
    value: Box<[u8]>,
    /// Whether it stands for all further values.
    is_other: bool,
    /// What the segment has not got yet.
    waiting: Cell<f64>,
    bound: Bound,
}

impl Tally {
    const fn new(of: Of) -> Self {
        Self { of, counts: RefCell::new(Vec::new()), latest: Cell::new(0) }
    }

    fn find(&self, value: &[u8]) -> Option<Rc<Count>> {
        let counts = self.counts.borrow();
        let is_it = |count: &&Rc<Count>| *count.value == *value;
        if let Some(count) = counts.get(self.latest.get()).filter(is_it) {
            return Some(Rc::clone(count));
        }
        let place = counts.iter().position(|count| is_it(&count))?;
        self.latest.set(place);
        Some(Rc::clone(&counts[place]))
    }

    fn add(&self, value: &[u8], is_other: bool) -> Rc<Count> {
        let made =
            Count { value: value.into(), is_other, waiting: Cell::new(0.0), bound: Bound::new(&[value]) };
        let made = Rc::new(made);
        self.counts.borrow_mut().push(Rc::clone(&made));
        made
    }
}

/// How many pairs of method and code are found quickly; a script may make up any number of codes.
const MOST_SEEN_REQUESTS: usize = 32;

/// A metric, by its place in [`TABLE`].
#[derive(Debug, Clone, Copy)]
enum Of {
    Requests,
    RequestsInFlight,
    PeakMemory,
    Errors,
    Thrown,
    Uncaught,
    OpcacheScripts,
    OpcacheKeys,
    OpcacheMaxKeys,
    OpcacheHits,
    OpcacheMisses,
    OpcacheLastRead,
    JitBuffer,
    OpcacheMemory,
    InternedStrings,
    OpcacheRestarts,
    Realpath,
    RealpathLimit,
    GcRoots,
    GcCollected,
    FpmProcesses,
    FpmQueue,
    FpmMaxChildren,
    FpmSlow,
    FpmAccepted,
    FpmLastRead,
}

const SUM: Kind = Kind::Gauge(GaugeMode::Sum);
const LAST: Kind = Kind::Gauge(GaugeMode::Last);
const MAX: Kind = Kind::Gauge(GaugeMode::Max);
const REQUEST_SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const MIB: f64 = 1_048_576.0;
/// From 2 MiB to 1 GiB.
const MEMORY: [f64; 10] = [
    2.0 * MIB,
    4.0 * MIB,
    8.0 * MIB,
    16.0 * MIB,
    32.0 * MIB,
    64.0 * MIB,
    128.0 * MIB,
    256.0 * MIB,
    512.0 * MIB,
    1024.0 * MIB,
];

/// A metric's place, name, help, kind, labels and buckets.
type Row = (Of, &'static str, &'static str, Kind, &'static [&'static str], &'static [f64]);

#[rustfmt::skip] // a table
static TABLE: [Row; 26] = [
    (Of::Requests, "php_request_duration_seconds", "Seconds that requests took.", Kind::Histogram, &["sapi", "method", "code"], &REQUEST_SECONDS),
    (Of::RequestsInFlight, "php_requests_in_flight", "Running requests.", SUM, &["sapi"], &[]),
    (Of::PeakMemory, "php_request_peak_memory_bytes", "Most memory that requests had at once.", Kind::Histogram, &["sapi"], &MEMORY),
    (Of::Errors, "php_errors_total", "Errors, warnings and notices, by level.", Kind::Counter, &["level"], &[]),
    (Of::Thrown, "php_exceptions_thrown_total", "Exceptions that were thrown.", Kind::Counter, &["class"], &[]),
    (Of::Uncaught, "php_exceptions_uncaught_total", "Exceptions that nothing has caught.", Kind::Counter, &["class"], &[]),
    (Of::OpcacheScripts, "php_opcache_scripts", "Scripts in opcache.", LAST, &["sapi"], &[]),
    (Of::OpcacheKeys, "php_opcache_keys", "Keys in opcache.", LAST, &["sapi"], &[]),
    (Of::OpcacheMaxKeys, "php_opcache_max_keys", "Keys that opcache has room for.", LAST, &["sapi"], &[]),
    (Of::OpcacheHits, "php_opcache_hits", "Scripts that opcache had, since it started.", LAST, &["sapi"], &[]),
    (Of::OpcacheMisses, "php_opcache_misses", "Scripts that opcache did not have, since it started.", LAST, &["sapi"], &[]),
    (Of::OpcacheLastRead, "php_opcache_last_read_timestamp_seconds", "When opcache was last asked.", LAST, &["sapi"], &[]),
    (Of::JitBuffer, "php_opcache_jit_buffer_bytes", "Memory for compiled code.", LAST, &["sapi", "state"], &[]),
    (Of::OpcacheMemory, "php_opcache_memory_bytes", "Memory of opcache.", LAST, &["sapi", "state"], &[]),
    (Of::InternedStrings, "php_opcache_interned_strings_bytes", "Memory for interned strings.", LAST, &["sapi", "state"], &[]),
    (Of::OpcacheRestarts, "php_opcache_restarts", "Restarts of opcache, by reason.", LAST, &["sapi", "reason"], &[]),
    (Of::Realpath, "php_realpath_cache_bytes", "Memory of the realpath caches.", SUM, &[], &[]),
    (Of::RealpathLimit, "php_realpath_cache_limit_bytes", "The limit of a realpath cache.", MAX, &[], &[]),
    (Of::GcRoots, "php_gc_roots", "Values that the cycle collector is to look at.", SUM, &[], &[]),
    (Of::GcCollected, "php_gc_collected_total", "Values that the cycle collector has freed.", Kind::Counter, &[], &[]),
    (Of::FpmProcesses, "php_fpm_processes", "Processes of a pool of php-fpm.", LAST, &["pool", "state"], &[]),
    (Of::FpmQueue, "php_fpm_listen_queue", "Connections that wait for a process.", LAST, &["pool"], &[]),
    (Of::FpmMaxChildren, "php_fpm_max_children_reached", "How often the limit of processes was reached.", LAST, &["pool"], &[]),
    (Of::FpmSlow, "php_fpm_slow_requests", "Requests that were slower than request_slowlog_timeout.", LAST, &["pool"], &[]),
    (Of::FpmAccepted, "php_fpm_accepted_connections", "Connections that the pool has accepted.", LAST, &["pool"], &[]),
    (Of::FpmLastRead, "php_fpm_last_read_timestamp_seconds", "When php-fpm was last asked.", LAST, &["pool"], &[]),
];

// Each is where its name says.
const _: () = {
    let mut place = 0;
    while place < TABLE.len() {
        assert!(TABLE[place].0 as usize == place);
        place += 1;
    }
};

fn metric(&(_, name, help, kind, labels, bounds): &Row) -> Option<Metric> {
    let definition = Definition::new(name, help, kind, labels, bounds).ok()?;
    Metric::new(definition, &Constants::new()).ok()
}

impl Metrics {
    fn new() -> Option<Self> {
        let sapi = Request::now().sapi;
        Some(Self {
            all: TABLE.iter().map(metric).collect::<Option<_>>()?,
            seen_requests: RefCell::default(),
            in_flight: Bound::new(&[sapi]),
            peak: Bound::new(&[sapi]),
            errors: Tally::new(Of::Errors),
            thrown: Tally::new(Of::Thrown),
            uncaught: Tally::new(Of::Uncaught),
            classes: RefCell::default(),
            runtime: std::array::from_fn(|_| Bound::new(&[])),
        })
    }

    fn of(&self, of: Of) -> &Metric {
        &self.all[of as usize]
    }
}

/// The metrics, if `what` is collected and metrics are enabled.
fn metrics(what: Collect) -> Option<Rc<Metrics>> {
    if !ini::enabled() || !ini::collects(what) {
        return None;
    }
    METRICS.with(|metrics| metrics.clone()).or_else(make_metrics)
}

#[inline(never)] // its stack, which each process would touch that collects nothing
fn make_metrics() -> Option<Rc<Metrics>> {
    let made = Rc::new(Metrics::new()?);
    METRICS.set(Some(Rc::clone(&made)));
    Some(made)
}

/// Module startup.
pub(super) fn startup() {
    if ini::collects(Collect::Exceptions) {
        request::watch_exceptions(on_throw);
    }
    if ini::collects(Collect::Opcache) || ini::collects(Collect::Runtime) {
        heartbeat::listen(look_again);
    }
}

/// Module shutdown.
pub(super) fn shutdown() {
    request::leave_exceptions();
}

/// A request begins.
pub(crate) fn begin_request() {
    BEGAN.set(0);
    if let Some(metrics) = metrics(Collect::Requests) {
        BEGAN.set(clock::now());
        metrics.in_flight.update(metrics.of(Of::RequestsInFlight), Update::Change(1.0));
        IN_FLIGHT_IN.set(attachment::current_id());
    }
    GC_COUNTED.set(0.0);
    let now = process_stats::coarse_clock();
    if let Some(metrics) = metrics_to_ask_for(now) {
        catch_panic(move || metrics.ask(now));
    }
}

/// A call was made, and time has passed. It may not return.
fn look_again(now: f64) {
    if let Some(metrics) = metrics_to_ask_for(now) {
        catch_panic(move || {
            tell_waiting();
            metrics.ask(now);
            metrics.read_runtime();
        });
    }
}

/// The metrics, if opcache or php-fpm is to be asked now.
fn metrics_to_ask_for(now: f64) -> Option<Rc<Metrics>> {
    // With an exception on its way nothing of the engine can be called.
    let is_time = now - LOOKED_AT.get() >= ASK_EVERY && pending_error().is_none();
    let what = [Collect::Opcache, Collect::Runtime].into_iter().find(|what| is_time && may_tell(*what))?;
    metrics(what)
}

/// Whether that is collected, and now.
fn may_tell(what: Collect) -> bool {
    ini::collects(what) && (ini::is_asked_for(what) || attachment::current_id().is_some())
}

/// A request ends.
pub(crate) fn end_request() {
    let began = BEGAN.replace(0);
    if let Some(metrics) = metrics(Collect::Requests).filter(|_| began > 0) {
        metrics.count_request(began);
    }
    if let Some(metrics) = metrics(Collect::Runtime) {
        catch_panic(move || metrics.read_runtime());
    }
    tell_waiting();
}

/// A forked child starts: the running request is its parent's, and so is what waits.
pub(crate) fn forked() {
    BEGAN.set(0);
    if IS_WAITING.get() {
        end_waiting(false);
    }
}

/// Tells what has waited, if this process has a place in the segment by now.
fn tell_waiting() {
    if IS_WAITING.get() && attachment::current_id().is_some() {
        end_waiting(true);
    }
}

/// Tells or forgets what has waited.
#[cold]
fn end_waiting(is_told: bool) {
    IS_WAITING.set(false);
    let Some(metrics) = METRICS.with(|metrics| metrics.clone()) else { return };
    for tally in [&metrics.errors, &metrics.thrown, &metrics.uncaught] {
        for place in 0..tally.counts.borrow().len() {
            let count = Rc::clone(&tally.counts.borrow()[place]);
            match (count.waiting.get() > 0.0, is_told) {
                (true, true) => metrics.tell(tally, &count),
                _ => count.waiting.set(0.0),
            }
        }
    }
}

/// An error happens.
pub(crate) fn on_error(kind: u32, message: &[u8]) {
    if let Some(metrics) = metrics(Collect::Errors) {
        metrics.count(Collect::Errors, &metrics.errors, level(kind));
    }
    if kind & 1 != 0
        && let Some(rest) = message.strip_prefix(b"Uncaught ")
        && let Some(metrics) = metrics(Collect::Exceptions)
    {
        // No class has one of these in its name; that of an anonymous class goes on with a NUL.
        let end = rest.iter().position(|byte| matches!(byte, b':' | b' ' | 0)).unwrap_or(rest.len());
        metrics.count(Collect::Exceptions, &metrics.uncaught, &rest[..end]);
    }
}

fn level(kind: u32) -> &'static [u8] {
    const LEVELS: [&str; 15] = [
        "error",
        "warning",
        "parse",
        "notice",
        "core_error",
        "core_warning",
        "compile_error",
        "compile_warning",
        "user_error",
        "user_warning",
        "user_notice",
        "strict",
        "recoverable_error",
        "deprecated",
        "user_deprecated",
    ];
    LEVELS.get(kind.trailing_zeros() as usize).unwrap_or(&OTHER).as_bytes()
}

extern "C" fn on_throw(exception: *mut zend_object) {
    if let Some(metrics) = metrics(Collect::Exceptions) {
        metrics.count(Collect::Exceptions, &metrics.thrown, class_name(request::class_of_thrown(exception)));
    }
}

impl Metrics {
    #[inline(never)] // it is called in three places
    fn count(&self, what: Collect, tally: &Tally, value: &[u8]) {
        let count = tally.find(value).unwrap_or_else(|| self.first_count(what, tally, value));
        count.waiting.set(count.waiting.get() + 1.0);
        if may_tell(what) {
            self.tell(tally, &count);
        } else {
            IS_WAITING.set(true);
        }
    }

    #[cold]
    fn first_count(&self, what: Collect, tally: &Tally, value: &[u8]) -> Rc<Count> {
        let is_other = matches!(what, Collect::Exceptions) && !self.classes.borrow_mut().admits(value);
        let known = if is_other { tally.find(OTHER.as_bytes()) } else { None };
        known.unwrap_or_else(|| tally.add(if is_other { OTHER.as_bytes() } else { value }, is_other))
    }

    #[inline(never)]
    fn tell(&self, tally: &Tally, count: &Count) {
        let by = count.waiting.replace(0.0);
        count.bound.update(self.of(tally.of), Update::Count(by));
        if count.is_other {
            overflow::count(self.of(tally.of), "class", by);
        }
    }

    fn count_request(&self, began: u64) {
        let request = Request::now();
        let seconds = clock::now().saturating_sub(began) as f64 * 1e-9;
        self.observe_request(&request, seconds);
        self.peak.update(self.of(Of::PeakMemory), Update::Observe(process_stats::memory().1 as f64));
        // The updates above have attached this process anew, if need be: a wipe takes the +1 away.
        if IN_FLIGHT_IN.replace(None).is_some_and(|id| attachment::current_id() == Some(id)) {
            self.in_flight.update(self.of(Of::RequestsInFlight), Update::Change(-1.0));
        }
    }

    fn observe_request(&self, request: &Request, seconds: f64) {
        let (method, by) = (method(request), Update::Observe(seconds));
        let known = self.seen_requests.borrow();
        let is_it =
            |(its_method, code, _): &&(usize, i32, Bound)| *its_method == method && *code == request.code;
        if let Some((.., bound)) = known.iter().find(is_it) {
            return bound.update(self.of(Of::Requests), by);
        }
        let is_room = known.len() < MOST_SEEN_REQUESTS;
        drop(known);
        let mut digits = itoa::Buffer::new();
        let values = [request.sapi, METHODS[method], digits.format(request.code).as_bytes()];
        let bound = Bound::new(&values);
        bound.update(self.of(Of::Requests), by);
        if is_room {
            self.seen_requests.borrow_mut().push((method, request.code, bound));
        }
    }

    /// The realpath cache's and the cycle collector's numbers.
    fn read_runtime(&self) {
        if !ini::collects(Collect::Runtime) {
            return;
        }
        let numbers = request::runtime_numbers();
        let counted = GC_COUNTED.replace(numbers.gc_collected);
        let updates = [
            (Of::Realpath, Update::Set(numbers.realpath_used)),
            (Of::RealpathLimit, Update::Set(numbers.realpath_limit)),
            (Of::GcRoots, Update::Set(numbers.gc_roots)),
            (Of::GcCollected, Update::Count((numbers.gc_collected - counted).max(0.0))),
        ];
        updates.iter().zip(&self.runtime).for_each(|((of, by), bound)| bound.update(self.of(*of), *by));
    }

    /// Asks opcache and php-fpm.
    fn ask(&self, now: f64) {
        LOOKED_AT.set(now);
        let sapi = Request::now().sapi;
        if ini::collects(Collect::Opcache)
            && let Some(status) = Status::of_opcache()
        {
            self.show_opcache(sapi, &status);
            status.release();
        }
        if ini::collects(Collect::Runtime)
            && let Some(status) = Status::of_fpm()
        {
            self.show_fpm(&status);
            status.release();
        }
    }

    fn show_opcache(&self, sapi: &[u8], status: &Status) {
        let numbers = Some(c"opcache_statistics");
        let keys = [
            (Of::OpcacheScripts, c"num_cached_scripts"),
            (Of::OpcacheKeys, c"num_cached_keys"),
            (Of::OpcacheMaxKeys, c"max_cached_keys"),
            (Of::OpcacheHits, c"hits"),
            (Of::OpcacheMisses, c"misses"),
        ];
        for (of, key) in keys {
            self.show(of, &[sapi], numbers.and_then(|group| status.number(group, Some(key))));
        }
        self.show(Of::OpcacheLastRead, &[sapi], Some(promshm_segment::unix_time()));
        for (state, key) in [("used", c"used_memory"), ("free", c"free_memory"), ("wasted", c"wasted_memory")]
        {
            self.show(
                Of::OpcacheMemory,
                &[sapi, state.as_bytes()],
                status.number(c"memory_usage", Some(key)),
            );
        }
        for (state, key) in [("used", c"used_memory"), ("free", c"free_memory")] {
            let number = status.number(c"interned_strings_usage", Some(key));
            self.show(Of::InternedStrings, &[sapi, state.as_bytes()], number);
        }
        for (reason, key) in
            [("oom", c"oom_restarts"), ("hash", c"hash_restarts"), ("manual", c"manual_restarts")]
        {
            let number = status.number(c"opcache_statistics", Some(key));
            self.show(Of::OpcacheRestarts, &[sapi, reason.as_bytes()], number);
        }
        let jit = |key| status.number(c"jit", Some(key));
        let used = jit(c"buffer_size").zip(jit(c"buffer_free")).map(|(size, free)| size - free);
        self.show(Of::JitBuffer, &[sapi, b"used"], used);
        self.show(Of::JitBuffer, &[sapi, b"free"], jit(c"buffer_free"));
    }

    fn show_fpm(&self, status: &Status) {
        let pool = status.text(c"pool").unwrap_or_default();
        for (state, key) in [("active", c"active-processes"), ("idle", c"idle-processes")] {
            self.show(Of::FpmProcesses, &[pool, state.as_bytes()], status.number(key, None));
        }
        let keys = [
            (Of::FpmQueue, c"listen-queue"),
            (Of::FpmMaxChildren, c"max-children-reached"),
            (Of::FpmSlow, c"slow-requests"),
            (Of::FpmAccepted, c"accepted-conn"),
        ];
        for (of, key) in keys {
            self.show(of, &[pool], status.number(key, None));
        }
        self.show(Of::FpmLastRead, &[pool], Some(promshm_segment::unix_time()));
    }

    fn show(&self, of: Of, values: &[&[u8]], number: Option<f64>) {
        if let Some(number) = number {
            update(self.of(of), values, Update::Set(number));
        }
    }
}

/// The values of the label `method`: none for a script, those of HTTP, and one for all others.
const METHODS: [&[u8]; 11] = [
    b"",
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"PATCH",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    OTHER.as_bytes(),
];

/// The number of the request's method.
fn method(request: &Request) -> usize {
    if !request.is_web {
        return 0;
    }
    let known = METHODS[1..].iter().position(|known| *known == request.method);
    known.map_or(METHODS.len() - 1, |place| place + 1)
}
