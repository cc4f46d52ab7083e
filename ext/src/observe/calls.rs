//! Running calls: each begins and ends here.
//!
//! They are kept on a stack, and found by their frame: fibers and generators are interleaved, and what ends without
//! coming back here (`exit`, a fatal error) is closed at the request's end. A recursive call has a frame of its own; a
//! generator has one frame, however often it is resumed.
//!
//! No reference into the state of the interpreter is held while the engine or a script runs.
#![allow(unsafe_code)]

use super::{
    entry::Shape,
    families::{Family, OTHER},
    plan,
    sites::{InFlight, Place, Site, Timing, follow_ending},
};
use crate::{
    engine::{
        functions::class_name,
        globals::interpreter_local,
        zval::{bytes_of, string_hash},
    },
    session::{heartbeat, work},
};
use ext_php_rs::{
    types::Zval,
    zend::{ClassEntry, ExecuteData},
};
use hashbrown::HashTable;
use promshm_segment::{Moves, clock};
use std::{
    ptr::{null, null_mut},
    rc::Rc,
};

interpreter_local! {
    static STATE: Option<Box<State>> = None;
    /// The address of the state, once there is one: it stays where it is as long as the interpreter.
    static ADDRESS: *mut State = null_mut();
}

/// What an interpreter knows of observed functions, and its running calls.
#[derive(Debug, Default)]
pub(super) struct State {
    running: Vec<Call>,
    /// By their number; null before the first call.
    internal: Vec<Option<Box<Site>>>,
    /// By their literal.
    user: HashTable<Literal>,
    families: Vec<Rc<Family>>,
    /// How many functions have a series of their own.
    functions: usize,
    /// When a fatal error ended the request.
    fatal_at: Option<u64>,
}

#[derive(Debug)]
struct Literal {
    hash: u64,
    text: Box<[u8]>,
    /// `None` if it is not understood: a script has made it up.
    site: Option<Box<Site>>,
}

/// Makes the start of a call that is no work negative.
const NO_WORK: u64 = 1 << 63;

/// A running call.
#[derive(Debug, Clone, Copy)]
struct Call {
    frame: *const ExecuteData,
    place: *const Place,
    in_flight: InFlight,
    /// Nanoseconds; 0 without a clock. Of a generator it has [`NO_WORK`].
    start: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    Returned,
    Threw(&'static ClassEntry),
    /// The function tells of an error by `false`.
    ReturnedFalse,
}

/// The state of the running interpreter.
#[inline(always)]
pub(super) fn state() -> *mut State {
    let known = ADDRESS.get();
    if known.is_null() { new_state() } else { known }
}

#[cold]
fn new_state() -> *mut State {
    STATE.set(Some(Box::default()));
    // SAFETY: this interpreter's own, and the reference ends here.
    let address = unsafe { (*STATE.as_ptr()).as_mut().map_or(null_mut(), |state| &raw mut **state) };
    ADDRESS.set(address);
    address
}

/// A call of internal function `number` begins.
///
/// # Safety
///
/// `state` is this interpreter's, and `frame` a running call.
#[inline(always)]
pub(super) unsafe fn begin_internal(state: *mut State, number: usize, frame: *mut ExecuteData) {
    // SAFETY: the caller's promise; sites stay where they are.
    unsafe {
        let sites = &(*state).internal;
        let known = sites.get(number);
        let site = match known {
            Some(Some(site)) => &raw const **site,
            _ => (*state).internal_site(number),
        };
        if let Some(site) = site.as_ref() {
            begin(state, site, frame);
        }
    }
}

/// A call of the function with that literal begins.
///
/// # Safety
///
/// As for [`begin_internal`].
pub(super) unsafe fn begin_user(state: *mut State, literal: &Zval, frame: *mut ExecuteData) {
    let (Some(hash), Some(text)) = (string_hash(literal), bytes_of(literal)) else { return };
    // SAFETY: the caller's promise; sites stay where they are.
    unsafe {
        let found = (*state).user.find(hash, |known| known.hash == hash && *known.text == *text);
        let site = match found {
            Some(known) => known.site.as_ref().map_or(null(), |site| &raw const **site),
            None => (*state).user_site(hash, text),
        };
        if let Some(site) = site.as_ref() {
            begin(state, site, frame);
        }
    }
}

#[inline(always)]
unsafe fn begin(state: *mut State, site: &Site, frame: *mut ExecuteData) {
    let place = site.place(frame);
    // SAFETY: the site keeps its places; `state` is this interpreter's.
    unsafe {
        let in_flight = (*place).begin();
        let start = match (*place).timing {
            Timing::Work => clock::now(),
            Timing::Untimed => {
                work::begin_no_work();
                0
            }
            Timing::Generator => begin_generator(),
        };
        (*state).running.push(Call { frame, place, in_flight, start });
    }
}

/// When a generator begins.
#[cold]
fn begin_generator() -> u64 {
    work::begin_no_work();
    clock::now() | NO_WORK
}

/// The call in that frame has ended, if it was one. `outcome` is asked for if so.
///
/// # Safety
///
/// `state` is this interpreter's.
#[inline(always)]
pub(super) unsafe fn end(state: *mut State, frame: *const ExecuteData, outcome: impl FnOnce() -> Outcome) {
    // SAFETY: the caller's promise.
    let Some((call, left)) = (unsafe { (*state).take(frame) }) else { return };
    // SAFETY: a site keeps its places as long as the interpreter lives.
    let place = unsafe { &*call.place };
    let outcome = outcome(); // before anything that may run a script
    let now = if place.timing == Timing::Untimed { 0 } else { clock::now() };
    call.count(place, now, left);
    match outcome {
        Outcome::Returned => {}
        Outcome::Threw(class) => place.count_error(class_name(class)),
        Outcome::ReturnedFalse => place.count_error(b"false"),
    }
    heartbeat::tick();
}

#[inline(always)]
fn seconds(nanoseconds: u64) -> f64 {
    // As a signed number: converting those is one instruction.
    nanoseconds.cast_signed() as f64 * 1e-9
}

impl Call {
    /// Counts the call in its place, as ended `now`; so many others are left running.
    #[inline(always)]
    fn count(&self, place: &Place, now: u64, left: usize) {
        let nanoseconds = match place.timing {
            Timing::Work => {
                let nanoseconds = now.saturating_sub(self.start);
                work::end_call(left, nanoseconds, now);
                nanoseconds
            }
            Timing::Untimed => {
                work::end_no_work();
                0
            }
            Timing::Generator => self.end_generator(now),
        };
        place.end(self.in_flight, seconds(nanoseconds));
    }

    #[cold]
    fn end_generator(&self, now: u64) -> u64 {
        work::end_no_work();
        now.saturating_sub(self.start & !NO_WORK)
    }

    /// Counts a call that was left open, with so many others; one that a fatal error has left as an error, too.
    fn close(&self, now: u64, left: usize, is_fatal: bool) {
        // SAFETY: a site keeps its places as long as the interpreter lives.
        let place = unsafe { &*self.place };
        self.count(place, now, left);
        if is_fatal {
            place.count_error(b"fatal");
        }
    }
}

impl State {
    /// Takes the call in that frame off the stack, and tells how many others are left.
    #[inline(always)]
    fn take(&mut self, frame: *const ExecuteData) -> Option<(Call, usize)> {
        let [rest @ .., last] = self.running.as_slice() else { return None };
        if last.frame != frame {
            return self.take_from_below(frame);
        }
        let (call, left) = (*last, rest.len());
        // SAFETY: shorter by one, and a call has nothing to drop.
        unsafe { self.running.set_len(left) };
        Some((call, left))
    }

    /// The call of a fiber or generator that others have passed since, or of a function that is not observed.
    #[cold]
    fn take_from_below(&mut self, frame: *const ExecuteData) -> Option<(Call, usize)> {
        let place = self.running.iter().rposition(|call| call.frame == frame)?;
        let first = self.first_start();
        let call = self.running.remove(place);
        if let (Some(first), Some(next)) = (first, self.first_start()) {
            work::hand_over(first, next);
        }
        Some((call, self.running.len()))
    }

    /// When the first of the running calls began that are work.
    fn first_start(&self) -> Option<u64> {
        self.running.iter().map(|call| call.start).find(|start| start.cast_signed() > 0)
    }

    fn forget_running(&mut self) {
        self.running.clear();
        work::forget_calls();
    }

    #[cold]
    fn internal_site(&mut self, number: usize) -> *const Site {
        let names = plan::internal_names();
        let Some((name, shape)) = names.get(number) else { return null() };
        let site = self.new_site(name, shape);
        if self.internal.len() <= number {
            self.internal.resize_with(names.len(), || None);
        }
        self.internal[number] = site.map(Box::new);
        self.internal[number].as_ref().map_or(null(), |site| &raw const **site)
    }

    #[cold]
    fn user_site(&mut self, hash: u64, text: &[u8]) -> *const Site {
        let literal = String::from_utf8_lossy(text);
        let read = plan::read_literal(&literal);
        let site = read.and_then(|(name, shape)| self.new_site(name, &shape)).map(Box::new);
        let found = site.as_ref().map_or(null(), |site| &raw const **site);
        self.user.insert_unique(hash, Literal { hash, text: text.into(), site }, |known| known.hash);
        found
    }

    /// A function that is called for the first time. Above the limit functions count together.
    fn new_site(&mut self, function: &str, shape: &Shape) -> Option<Site> {
        let settings = &plan::get()?.settings;
        let family = self.family(shape, &settings.buckets)?;
        self.functions += 1;
        let function = if self.functions > settings.max_functions { OTHER } else { function };
        Some(Site::new(function, family, shape))
    }

    /// `None` if an attribute of a script contradicts another use of the name.
    fn family(&mut self, shape: &Shape, buckets: &[f64]) -> Option<Rc<Family>> {
        let same_name = |family: &&Rc<Family>| {
            let known = &family.shape;
            known.name == shape.name && (known.name.is_some() || known.counts_only == shape.counts_only)
        };
        if let Some(known) = self.families.iter().find(same_name) {
            return known.shape.is_same_family(shape).then(|| Rc::clone(known));
        }
        let family = Rc::new(Family::new(shape, buckets)?);
        self.families.push(Rc::clone(&family));
        Some(family)
    }
}

/// A request begins: what the former one has left behind after its end is not counted.
pub(crate) fn begin_request() {
    with_state(|state| {
        state.forget_running();
        state.fatal_at = None;
    });
}

/// The request ends: closes the calls that `exit` or a fatal error has left open.
pub(crate) fn end_request(after_fatal: bool) {
    let mut now = 0;
    // Each call is off the stack before it is counted: counting may warn, and a warning may run a script.
    while let Some((call, left, fatal_at)) =
        with_state(|state| state.running.pop().map(|call| (call, state.running.len(), state.fatal_at)))
            .flatten()
    {
        if now == 0 {
            now = clock::now();
        }
        let ended = fatal_at.filter(|_| after_fatal).unwrap_or(now);
        call.close(ended, left, after_fatal);
    }
}

/// A fatal error happens: calls that it leaves open have ended now.
pub(crate) fn at_fatal_error() {
    with_state(|state| state.fatal_at = Some(clock::now()));
}

/// A forked child starts: the calls that are running are its parent's.
pub(crate) fn forked() {
    with_state(State::forget_running);
}

/// When the first of the running calls began that are work, if one runs.
pub(super) fn first_start() -> Option<u64> {
    with_state(|state| state.first_start()).flatten()
}

/// The cells of gauges have moved; those of running calls are to be decremented where they are now.
pub(super) fn follow(attachment_id: u64, moves: &Moves) {
    follow_ending(moves);
    with_state(|state| {
        state.running.iter_mut().for_each(|call| call.in_flight.follow(attachment_id, moves));
    });
}

/// Runs `look`, which calls nothing of the engine, on the state, if there is one.
fn with_state<R>(look: impl FnOnce(&mut State) -> R) -> Option<R> {
    // SAFETY: this interpreter's own, and no other reference exists.
    unsafe { (*STATE.as_ptr()).as_mut().map(|state| look(state)) }
}
