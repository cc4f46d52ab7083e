//! What the extension counts without any list: `promshm.collect`.
//!
//! Requests are counted at their end, errors and exceptions when they happen. What opcache and php-fpm tell is of all
//! processes: each asks at most every ten seconds, when a request begins or within a call that is made anyway, because a
//! worker's only request may last for days. The latest answer stands.

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
use std::{cell::RefCell, rc::Rc};

interpreter_local! {
    static METRICS: Option<Rc<Metrics>> = None;
    /// When the running request began, in nanoseconds; 0 where none is counted.
    static BEGAN: u64 = 0;
    /// The attachment that has the running request's +1, if any.
    static IN_FLIGHT_IN: Option<u64> = None;
    /// When this process last asked opcache and php-fpm.
    static LOOKED_AT: f64 = f64::NEG_INFINITY;
    /// What the cycle collector has freed in this request and is counted.
    static GC_COUNTED: f64 = 0.0;
}

/// Seconds between two looks at opcache and php-fpm.
const ASK_EVERY: f64 = 10.0;

/// The metrics, and the values of their labels that this process has seen. They are counted references, because what drops
/// a metric would be there thirty times otherwise.
#[derive(Debug)]
struct Metrics {
    requests: Rc<Metric>,
    /// Their series, by method and code.
    seen_requests: RefCell<Vec<(usize, i32, Bound)>>,
    requests_in_flight: Rc<Metric>,
    in_flight: Bound,
    peak_memory: Rc<Metric>,
    peak: Bound,
    errors: Rc<Metric>,
    thrown: Rc<Metric>,
    uncaught: Rc<Metric>,
    classes: RefCell<Values>,
    opcache: [Rc<Metric>; 6],
    jit_buffer: Rc<Metric>,
    opcache_memory: Rc<Metric>,
    interned_strings: Rc<Metric>,
    opcache_restarts: Rc<Metric>,
    realpath: Rc<Metric>,
    realpath_limit: Rc<Metric>,
    gc_roots: Rc<Metric>,
    gc_collected: Rc<Metric>,
    /// The series of the four above.
    runtime: [Bound; 4],
    fpm_processes: Rc<Metric>,
    fpm: [Rc<Metric>; 5],
}

/// How many pairs of method and code are found quickly; a script may make up any number of codes.
const MOST_SEEN_REQUESTS: usize = 32;

const SUM: Kind = Kind::Gauge(GaugeMode::Sum);
const LAST: Kind = Kind::Gauge(GaugeMode::Last);
const REQUEST_SECONDS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[inline(never)]
fn metric(name: &str, help: &str, kind: Kind, labels: &[&str], bounds: &[f64]) -> Option<Rc<Metric>> {
    let definition = Definition::new(name, help, kind, labels, bounds).ok()?;
    Metric::new(definition, &Constants::new()).ok().map(Rc::new)
}

impl Metrics {
    #[rustfmt::skip] // a table
    fn new() -> Option<Self> {
        let mebibytes: Vec<f64> = (1..=10).map(|power| f64::from(1 << power) * 1_048_576.0).collect();
        let opcache = |name, help| metric(name, help, LAST, &["sapi"], &[]);
        let fpm = |name, help| metric(name, help, LAST, &["pool"], &[]);
        Some(Self {
            requests: metric("php_request_duration_seconds", "Seconds that requests took.", Kind::Histogram, &["sapi", "method", "code"], &REQUEST_SECONDS)?,
            seen_requests: RefCell::default(),
            in_flight: Bound::new(&[Request::now().sapi]),
            peak: Bound::new(&[Request::now().sapi]),
            requests_in_flight: metric("php_requests_in_flight", "Running requests.", SUM, &["sapi"], &[])?,
            peak_memory: metric("php_request_peak_memory_bytes", "Most memory that requests had at once.", Kind::Histogram, &["sapi"], &mebibytes)?,
            errors: metric("php_errors_total", "Errors, warnings and notices, by level.", Kind::Counter, &["level"], &[])?,
            thrown: metric("php_exceptions_thrown_total", "Exceptions that were thrown.", Kind::Counter, &["class"], &[])?,
            uncaught: metric("php_exceptions_uncaught_total", "Exceptions that nothing has caught.", Kind::Counter, &["class"], &[])?,
            classes: RefCell::default(),
            opcache: [
                opcache("php_opcache_scripts", "Scripts in opcache.")?,
                opcache("php_opcache_keys", "Keys in opcache.")?,
                opcache("php_opcache_max_keys", "Keys that opcache has room for.")?,
                opcache("php_opcache_hits", "Scripts that opcache had, since it started.")?,
                opcache("php_opcache_misses", "Scripts that opcache did not have, since it started.")?,
                opcache("php_opcache_last_read_timestamp_seconds", "When opcache was last asked.")?,
            ],
            jit_buffer: metric("php_opcache_jit_buffer_bytes", "Memory for compiled code.", LAST, &["sapi", "state"], &[])?,
            opcache_memory: metric("php_opcache_memory_bytes", "Memory of opcache.", LAST, &["sapi", "state"], &[])?,
            interned_strings: metric("php_opcache_interned_strings_bytes", "Memory for interned strings.", LAST, &["sapi", "state"], &[])?,
            opcache_restarts: metric("php_opcache_restarts", "Restarts of opcache, by reason.", LAST, &["sapi", "reason"], &[])?,
            realpath: metric("php_realpath_cache_bytes", "Memory of the realpath caches.", SUM, &[], &[])?,
            realpath_limit: metric("php_realpath_cache_limit_bytes", "The limit of a realpath cache.", Kind::Gauge(GaugeMode::Max), &[], &[])?,
            gc_roots: metric("php_gc_roots", "Values that the cycle collector is to look at.", SUM, &[], &[])?,
            gc_collected: metric("php_gc_collected_total", "Values that the cycle collector has freed.", Kind::Counter, &[], &[])?,
            runtime: std::array::from_fn(|_| Bound::new(&[])),
            fpm_processes: metric("php_fpm_processes", "Processes of a pool of php-fpm.", LAST, &["pool", "state"], &[])?,
            fpm: [
                fpm("php_fpm_listen_queue", "Connections that wait for a process.")?,
                fpm("php_fpm_max_children_reached", "How often the limit of processes was reached.")?,
                fpm("php_fpm_slow_requests", "Requests that were slower than request_slowlog_timeout.")?,
                fpm("php_fpm_accepted_connections", "Connections that the pool has accepted.")?,
                fpm("php_fpm_last_read_timestamp_seconds", "When php-fpm was last asked.")?,
            ],
        })
    }
}

/// The metrics, if `what` is collected and metrics are enabled.
fn metrics(what: Collect) -> Option<Rc<Metrics>> {
    if !ini::enabled() || !ini::collects(what) {
        return None;
    }
    METRICS.with(|metrics| metrics.clone()).or_else(make_metrics)
}

#[inline(never)] // six pages of stack, which each process would touch that collects nothing
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
        metrics.in_flight.update(&metrics.requests_in_flight, Update::Change(1.0));
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
            metrics.ask(now);
            metrics.read_runtime();
        });
    }
}

/// The metrics, if opcache or php-fpm is to be asked now.
fn metrics_to_ask_for(now: f64) -> Option<Rc<Metrics>> {
    // With an exception on its way nothing of the engine can be called.
    let is_time = now - LOOKED_AT.get() >= ASK_EVERY && pending_error().is_none();
    if is_time { metrics(Collect::Opcache).or_else(|| metrics(Collect::Runtime)) } else { None }
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
}

/// A forked child starts: the running request is its parent's.
pub(crate) fn forked() {
    BEGAN.set(0);
}

/// An error happens.
pub(crate) fn on_error(kind: u32, message: &[u8]) {
    if let Some(metrics) = metrics(Collect::Errors) {
        update(&metrics.errors, &[level(kind)], Update::Count(1.0));
    }
    if kind & 1 != 0
        && let Some(rest) = message.strip_prefix(b"Uncaught ")
        && let Some(metrics) = metrics(Collect::Exceptions)
    {
        // No class has one of these in its name; that of an anonymous class goes on with a NUL.
        let end = rest.iter().position(|byte| matches!(byte, b':' | b' ' | 0)).unwrap_or(rest.len());
        metrics.count_exception(&metrics.uncaught, &rest[..end]);
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
        metrics.count_exception(&metrics.thrown, class_name(request::class_of_thrown(exception)));
    }
}

impl Metrics {
    fn count_exception(&self, metric: &Metric, class: &[u8]) {
        let is_admitted = self.classes.borrow_mut().admits(class);
        update(metric, &[if is_admitted { class } else { OTHER.as_bytes() }], Update::Count(1.0));
        if !is_admitted {
            overflow::count(metric, "class");
        }
    }

    fn count_request(&self, began: u64) {
        let request = Request::now();
        let seconds = clock::now().saturating_sub(began) as f64 * 1e-9;
        self.observe_request(&request, seconds);
        self.peak.update(&self.peak_memory, Update::Observe(process_stats::memory().1 as f64));
        // The updates above have attached this process anew, if need be: a wipe takes the +1 away.
        if IN_FLIGHT_IN.replace(None).is_some_and(|id| attachment::current_id() == Some(id)) {
            self.in_flight.update(&self.requests_in_flight, Update::Change(-1.0));
        }
    }

    fn observe_request(&self, request: &Request, seconds: f64) {
        let (method, by) = (method(request), Update::Observe(seconds));
        let known = self.seen_requests.borrow();
        let is_it =
            |(its_method, code, _): &&(usize, i32, Bound)| *its_method == method && *code == request.code;
        if let Some((.., bound)) = known.iter().find(is_it) {
            return bound.update(&self.requests, by);
        }
        let is_room = known.len() < MOST_SEEN_REQUESTS;
        drop(known);
        let mut digits = itoa::Buffer::new();
        let values = [request.sapi, METHODS[method], digits.format(request.code).as_bytes()];
        let bound = Bound::new(&values);
        bound.update(&self.requests, by);
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
            (&self.realpath, Update::Set(numbers.realpath_used)),
            (&self.realpath_limit, Update::Set(numbers.realpath_limit)),
            (&self.gc_roots, Update::Set(numbers.gc_roots)),
            (&self.gc_collected, Update::Count((numbers.gc_collected - counted).max(0.0))),
        ];
        updates.iter().zip(&self.runtime).for_each(|((metric, by), bound)| bound.update(metric, *by));
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
        let keys = [c"num_cached_scripts", c"num_cached_keys", c"max_cached_keys", c"hits", c"misses"];
        for (metric, key) in self.opcache.iter().zip(keys) {
            show(metric, &[sapi], numbers.and_then(|group| status.number(group, Some(key))));
        }
        show(&self.opcache[5], &[sapi], Some(promshm_segment::unix_time()));
        for (state, key) in [("used", c"used_memory"), ("free", c"free_memory"), ("wasted", c"wasted_memory")]
        {
            show(&self.opcache_memory, &[sapi, state.as_bytes()], status.number(c"memory_usage", Some(key)));
        }
        for (state, key) in [("used", c"used_memory"), ("free", c"free_memory")] {
            let number = status.number(c"interned_strings_usage", Some(key));
            show(&self.interned_strings, &[sapi, state.as_bytes()], number);
        }
        for (reason, key) in
            [("oom", c"oom_restarts"), ("hash", c"hash_restarts"), ("manual", c"manual_restarts")]
        {
            let number = status.number(c"opcache_statistics", Some(key));
            show(&self.opcache_restarts, &[sapi, reason.as_bytes()], number);
        }
        let jit = |key| status.number(c"jit", Some(key));
        let used = jit(c"buffer_size").zip(jit(c"buffer_free")).map(|(size, free)| size - free);
        show(&self.jit_buffer, &[sapi, b"used"], used);
        show(&self.jit_buffer, &[sapi, b"free"], jit(c"buffer_free"));
    }

    fn show_fpm(&self, status: &Status) {
        let pool = status.text(c"pool").unwrap_or_default();
        for (state, key) in [("active", c"active-processes"), ("idle", c"idle-processes")] {
            show(&self.fpm_processes, &[pool, state.as_bytes()], status.number(key, None));
        }
        let keys = [c"listen-queue", c"max-children-reached", c"slow-requests", c"accepted-conn"];
        for (metric, key) in self.fpm.iter().zip(keys) {
            show(metric, &[pool], status.number(key, None));
        }
        show(&self.fpm[4], &[pool], Some(promshm_segment::unix_time()));
    }
}

fn show(metric: &Metric, values: &[&[u8]], number: Option<f64>) {
    if let Some(number) = number {
        update(metric, values, Update::Set(number));
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
