//! `Promshm\CollectorRegistry`: metrics by namespace and name, as users of `PromPHP` know them.
//!
//! A metric that was registered is found in a table of this object, by the hashes that PHP keeps with its strings,
//! without access to the segment. So the usual way of `PromPHP`, to get or register a metric at each update, stays cheap.
//!
//! Label names are a set, but values are given by position: a call that names the labels in another order than those
//! before gets an object of its own, on the same series.

use crate::{
    classes::{
        gauge,
        label_order::{self, Order, OrderedHandle},
        metric_class,
        metric_class::define,
        native_histogram,
        registration::{MetricType, Registration, full_name},
        samples, summary,
    },
    engine::{
        builder::Arg,
        call::{Call, Frame},
        class::{ClassDefinition, Handler, Method, Methods, php_interface, plain, register_interface},
        exceptions::{Thrown, bad_registration, invalid_argument, not_found},
        globals::interpreter_local,
        identity::{Identity, RetainedIdentity},
        object,
        object::{PhpClass, native_object, php_class},
        panic::catch_panic,
        zval,
        zval::{Found, IS_ARRAY, IS_STRING, Parse, guarded, parse, type_of},
    },
    session::{
        attachment, error_text,
        handle::Handle,
        label_hash, labels, lookup,
        metric::{Constants, Metric},
    },
};
use ext_php_rs::{
    error::Result as Registered,
    flags::{ClassFlags, DataType},
    types::{ArrayKey, ZendHashTable, Zval},
};
use hashbrown::HashTable;
use promshm_segment::{Definition, GaugeMode, Kind};
use std::{
    cell::{Cell, RefCell},
    ffi::CStr,
    rc::Rc,
};

php_interface!(RegistryInterface, "Promshm\\RegistryInterface");
interpreter_local! {
    /// The registry of `getDefault()` in this request.
    static DEFAULT: Option<Zval> = None;
}

/// Bits of the index of a recent call.
const RECENT_BITS: u32 = 4;

/// The class, and the native state of its objects.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    metrics: RefCell<Metrics>,
    /// The indexes of the metrics that were asked for lately, found by the address of the string that names them.
    recent: [Cell<u32>; 1 << RECENT_BITS],
    constants: RefCell<Constants>,
}

/// The metrics that were registered.
#[derive(Debug, Default)]
struct Metrics {
    entries: Vec<Entry>,
    /// The indexes of the entries.
    by_hash: HashTable<u32>,
}

impl Metrics {
    #[inline(always)]
    fn find(&self, hash: u64, is_it: impl Fn(&Entry) -> bool) -> Option<u32> {
        let is_it = |at: &u32| self.entries.get(*at as usize).is_some_and(|e| e.hash == hash && is_it(e));
        self.by_hash.find(hash, is_it).copied()
    }

    fn add(&mut self, entry: Entry) {
        let (entries, hash) = (&mut self.entries, entry.hash);
        entries.push(entry);
        self.by_hash.insert_unique(hash, entries.len() as u32 - 1, |at| entries[*at as usize].hash);
    }
}

/// Where a metric of that name is among the recent ones.
#[inline(always)]
fn recent_place(name: &Zval) -> Option<usize> {
    let word = Identity::of(name)?.to_bits();
    Some(word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - RECENT_BITS))
}

native_object!(Registry, |registry, show| {
    if let Ok(metrics) = registry.metrics.try_borrow() {
        metrics.entries.iter().flat_map(|entry| &entry.handles).for_each(|handle| show(&handle.object));
    }
});
php_class!(Registry, "Promshm\\CollectorRegistry", Self);

/// A metric may be the key of a `WeakMap`, so releasing it may run a destructor, which may end the request. The
/// other metrics are released nevertheless.
impl Drop for Registry {
    fn drop(&mut self) {
        let mut ended = None;
        let entries = std::mem::take(&mut self.metrics.get_mut().entries);
        for OrderedHandle { object, .. } in entries.into_iter().flat_map(|entry| entry.handles) {
            if let Err(payload) = zval::attempt(move || drop(object)) {
                ended = Some(payload);
            }
        }
        if let Some(payload) = ended {
            std::panic::resume_unwind(payload);
        }
    }
}

/// A metric that was registered.
#[derive(Debug)]
struct Entry {
    hash: u64,
    metric: MetricType,
    name: NameKey,
    /// One object for each order of the label names that was asked for. The first one is the registered one.
    handles: Vec<OrderedHandle>,
}

/// Namespace and name of a metric.
#[derive(Debug)]
struct NameKey {
    packed: Vec<u8>,
    /// The strings of the call that registered it, if they outlive the call, as literals do. They are recognised by
    /// their addresses.
    strings: Option<[RetainedIdentity; 2]>,
}

impl NameKey {
    fn of_call(call: &Frame) -> Self {
        let names = names(call);
        let strings = RetainedIdentity::of_string(&names[0]).zip(RetainedIdentity::of_string(&names[1]));
        Self { packed: labels::pack_strings(names), strings: strings.map(Into::into) }
    }

    fn of_texts(namespace: &str, name: &str) -> Self {
        Self { packed: labels::pack_texts(&[namespace, name]), strings: None }
    }

    fn equals(&self, names: &[Zval]) -> bool {
        self.is_made_of(names) || self.equals_bytes(names)
    }

    /// Whether these are the very strings that it retains.
    #[inline(always)]
    fn is_made_of(&self, names: &[Zval]) -> bool {
        let are_these = |strings: &[RetainedIdentity; 2]| {
            strings
                .iter()
                .zip(names)
                .all(|(string, name)| Identity::of(name).is_some_and(|name| string.is(name)))
        };
        self.strings.as_ref().is_some_and(are_these)
    }

    fn equals_bytes(&self, names: &[Zval]) -> bool {
        labels::key_equals(names.iter(), &self.packed)
    }
}

impl Entry {
    fn first(&self) -> Option<Zval> {
        self.handles.first().map(|handle| handle.object.shallow_clone())
    }
}

pub(crate) fn register() -> Registered<()> {
    register_own_interface()?;
    let of_this_class = DataType::Object(Registry::NAME.into());
    let new = Method::new(c"__construct", new)
        .not_required()
        .arg(Arg::new(c"storage", DataType::Mixed).allow_null().default(c"null"))
        .arg(switch(c"registerDefaultMetrics"))
        .arg(Arg::new(c"constantLabels", DataType::Array).default(c"[]"));
    let get_default = plain(c"getDefault", get_default).returns(of_this_class, false);
    let families = families_method().not_required().arg(switch(c"sortMetrics"));
    let flags = ClassFlags::NotSerializable.union(ClassFlags::NoDynamicProperties);
    let definition = ClassDefinition::new(flags)
        .implements::<RegistryInterface>()
        .method(new)
        .static_method(get_default)
        .method(families)
        .method(metric_class::void(c"wipeStorage", wipe))
        .methods(methods(MetricType::class_name));
    definition.register()
}

/// The interface that services ask for in their constructors, as with `PromPHP`. It returns interfaces, so that its
/// doubles can return doubles.
fn register_own_interface() -> Registered<()> {
    let shared = Methods::new().and(metric_class::void(c"wipeStorage", wipe)).and(families_method());
    register_interface::<RegistryInterface, Registry>(shared.and_all(methods(MetricType::interface_name)))
}

/// `bool $name = true`
fn switch(name: &'static CStr) -> Arg {
    Arg::new(name, DataType::Bool).default(c"true")
}

fn families_method() -> Method<Registry> {
    Method::new(c"getMetricFamilySamples", families).returns(DataType::Array, false)
}

/// `register…`, `getOrRegister…` and `get…` of each type. `returned` names what they return.
fn methods(returned: fn(MetricType) -> &'static str) -> Methods<Registry> {
    MetricType::ALL.into_iter().fold(Methods::new(), |methods, metric| {
        let named = |(name, handler)| {
            Method::new(name, handler)
                .arg(Arg::new(c"namespace", DataType::String))
                .arg(Arg::new(c"name", DataType::String))
                .returns(DataType::Object(returned(metric).into()), false)
        };
        let [register, get_or_register, get] = handlers(metric);
        methods
            .and(with_definition(metric, named(register)))
            .and(with_definition(metric, named(get_or_register)))
            .and(named(get))
    })
}

/// The names of the methods that register a metric, register or get it, and get it, each with its handler.
fn handlers(metric: MetricType) -> [(&'static CStr, Handler<Registry>); 3] {
    match metric {
        MetricType::Counter => [
            (c"registerCounter", register_counter),
            (c"getOrRegisterCounter", get_or_register_counter),
            (c"getCounter", get_counter),
        ],
        MetricType::Gauge => [
            (c"registerGauge", register_gauge),
            (c"getOrRegisterGauge", get_or_register_gauge),
            (c"getGauge", get_gauge),
        ],
        MetricType::Histogram => [
            (c"registerHistogram", register_histogram),
            (c"getOrRegisterHistogram", get_or_register_histogram),
            (c"getHistogram", get_histogram),
        ],
        MetricType::NativeHistogram => [
            (c"registerNativeHistogram", register_native_histogram),
            (c"getOrRegisterNativeHistogram", get_or_register_native_histogram),
            (c"getNativeHistogram", get_native_histogram),
        ],
        MetricType::Summary => [
            (c"registerSummary", register_summary),
            (c"getOrRegisterSummary", get_or_register_summary),
            (c"getSummary", get_summary),
        ],
    }
}

fn with_definition(metric: MetricType, method: Method<Registry>) -> Method<Registry> {
    let method = metric_class::with_labels(method.arg(Arg::new(c"help", DataType::String)));
    match metric {
        MetricType::Counter | MetricType::Gauge => method,
        MetricType::Histogram => {
            method.arg(Arg::new(c"buckets", DataType::Array).allow_null().default(c"null"))
        }
        MetricType::NativeHistogram => native_histogram::with_window(method),
        MetricType::Summary => summary::with_window(method),
    }
}

extern "C" fn new(call: &Call<Registry>, _ret: &mut Zval) {
    catch_panic(|| drop(construct(call)));
}

/// The storage is an argument for compatibility with `PromPHP`, and is ignored: there is only the segment.
fn construct(call: &Call<Registry>) -> Result<(), Thrown> {
    let (storage, mut defaults, constants) = (Found::in_call(call), true, Found::in_call(call));
    if !parse(call, Parse::Registry { storage: &storage, defaults: &mut defaults, constants: &constants }) {
        return Err(Thrown);
    }
    let registry = call.this();
    if let Some(constants) = constants.table() {
        registry.constants.replace(constants_of(constants)?);
    }
    if defaults { registry.register_defaults() } else { Ok(()) }
}

fn constants_of(table: &ZendHashTable) -> Result<Constants, Thrown> {
    let wrong = || invalid_argument("Constant labels are an array of values keyed by the labels' names");
    let constant = |(key, value): (ArrayKey<'_>, &Zval)| {
        let name = match key {
            ArrayKey::Long(_) => return Err(wrong()),
            name => name.to_string(),
        };
        let text = labels::text_of(value, || format!("Constant label {name}"))?;
        Ok((name, text))
    };
    let constants: Constants = table.iter().map(constant).collect::<Result<_, _>>()?;
    let names: Vec<&str> = constants.iter().map(|(name, _)| name.as_str()).collect();
    // The two kinds that have a label of their own.
    Definition::new("any", "", Kind::Histogram, &names, &[1.0])
        .and_then(|_| Definition::new("any", "", Kind::Summary { max_age: 1 }, &names, &[0.5]))
        .map_err(|error| invalid_argument(&error_text::definition_error(&error)))?;
    Ok(constants)
}

impl Registry {
    /// Looks at the metric of that type, namespace and name. Both are strings.
    fn look_up<R>(
        &self,
        metric: MetricType,
        names: &[Zval],
        look: impl FnOnce(&Entry) -> Option<R>,
    ) -> Option<R> {
        let hash = label_hash::hash_values(names.iter())?;
        let metrics = self.metrics.borrow();
        let found = metrics.find(hash, |entry| entry.metric == metric && entry.name.equals(names))?;
        let result = look(&metrics.entries[found as usize])?;
        if let Some(place) = recent_place(&names[1]) {
            self.recent[place].set(found);
        }
        Some(result)
    }

    /// The object whose labels have these names, in this order, if it was asked for lately by the very same strings.
    #[inline(always)]
    fn find_recent(&self, metric: MetricType, names: &[Zval], label_names: Option<&Zval>) -> Option<Zval> {
        let metrics = self.metrics.borrow();
        let entry = metrics.entries.get(self.recent[recent_place(&names[1])?].get() as usize)?;
        let is_it = entry.metric == metric && entry.name.is_made_of(names);
        if is_it { label_order::find(&entry.handles, label_names) } else { None }
    }

    /// The registered object of that type, namespace and name.
    fn find(&self, metric: MetricType, names: &[Zval]) -> Option<Zval> {
        self.look_up(metric, names, Entry::first)
    }

    /// The object whose labels have these names, in this order.
    fn find_ordered(&self, metric: MetricType, names: &[Zval], label_names: Option<&Zval>) -> Option<Zval> {
        self.look_up(metric, names, |entry| label_order::find(&entry.handles, label_names))
    }

    /// The object for a definition of that name: of the order that it names the labels in, or the registered one if
    /// it names other labels. `None` if there is none of the name, or none yet of the order.
    fn find_defined(
        &self,
        metric: MetricType,
        names: &[Zval],
        label_names: Option<&ZendHashTable>,
    ) -> Option<Zval> {
        self.look_up(metric, names, |entry| match label_order::find_named(&entry.handles, label_names) {
            Order::Known(object) => Some(object),
            Order::New => None,
            Order::OtherLabels => entry.first(),
        })
    }

    /// Makes an object on a metric and remembers it. `label_names` are those of the call, if there was one.
    fn add(
        &self,
        metric: MetricType,
        name: NameKey,
        label_names: Option<&Zval>,
        defined: Rc<Metric>,
    ) -> Result<Zval, Thrown> {
        let mut object = Zval::new();
        let names = defined.definition.label_names.clone();
        guarded(|| metric.new_object(&mut object)).ok_or(Thrown)?.init(defined)?;
        let handle = OrderedHandle::new(names, label_names, object.shallow_clone());
        self.keep(metric, name, handle);
        Ok(object)
    }

    fn keep(&self, metric: MetricType, name: NameKey, handle: OrderedHandle) {
        let hash = label_hash::hash_key(&name.packed);
        let mut metrics = self.metrics.borrow_mut();
        match metrics.find(hash, |entry| entry.metric == metric && entry.name.packed == name.packed) {
            Some(found) => metrics.entries[found as usize].handles.push(handle),
            None => metrics.add(Entry { hash, metric, name, handles: vec![handle] }),
        }
    }

    /// `PromPHP`'s only default metric: the PHP version. Only living processes count, so that a version disappears
    /// with its last worker. All registries of a process share it, so their constant labels do not apply: a second
    /// registry with other ones would contradict the first.
    fn register_defaults(&self) -> Result<(), Thrown> {
        let mut label_names = ZendHashTable::new();
        let _only_fails_on_overflow = label_names.push("version");
        let version = labels::pack_texts(&[&zval::php_version()]);
        let shape = (Kind::Gauge(GaugeMode::Max), Vec::new());
        let help = "Information about the PHP environment.";
        let metric = define("php_info", help, Some(&label_names), shape, &Constants::new())?;
        let series = lookup::series(&metric, &version);
        self.add(MetricType::Gauge, NameKey::of_texts("", "php_info"), None, Rc::clone(&metric))?;
        let bound = Handle::default();
        bound.bind(metric, series.0, series.1)?;
        gauge::set_to(&bound, None, 1.0);
        Ok(())
    }
}

/// Namespace and name, after they were read as strings.
fn names(frame: &Frame) -> &[Zval] {
    &frame.arguments()[..2]
}

#[inline(never)] // the same code for all types
fn get_or_register(call: &Call<Registry>, ret: &mut Zval, metric: MetricType) {
    if is_usual(call)
        && let Some(object) = call.this().find_recent(metric, names(call), call.argument(LABEL_NAMES))
    {
        return zval::return_value(ret, object);
    }
    get_or_register_slowly(call, ret, metric);
}

#[inline(never)] // so that a call which finds its metric among the recent ones saves no registers for it
fn get_or_register_slowly(call: &Call<Registry>, ret: &mut Zval, metric: MetricType) {
    let label_names = call.argument(LABEL_NAMES);
    let find = || call.this().find_ordered(metric, names(call), label_names);
    match is_usual(call).then(find).flatten() {
        Some(object) => zval::return_value(ret, object),
        None => catch_panic(|| drop(get_or_add(call, ret, metric))),
    }
}

/// Whether the arguments are `string, string, string` and perhaps an array, which need no conversion.
#[inline(always)]
fn is_usual(call: &Frame) -> bool {
    let has = |n, kind| call.argument(n).is_some_and(|value| type_of(value) == kind);
    let strings = has(0, IS_STRING) && has(1, IS_STRING) && has(2, IS_STRING);
    strings && (call.given() == 3 || call.given() == 4 && has(LABEL_NAMES, IS_ARRAY))
}

/// The index of the label names among the arguments of a registration.
const LABEL_NAMES: u32 = 3;

#[cold]
fn get_or_add(call: &Call<Registry>, ret: &mut Zval, metric: MetricType) -> Result<(), Thrown> {
    let registration = Registration::read(call, metric)?;
    let found = call.this().find_defined(metric, names(call), registration.labels);
    *ret = match found {
        Some(object) => object,
        None => add(call, metric, &registration)?,
    };
    Ok(())
}

fn register_new(call: &Call<Registry>, ret: &mut Zval, metric: MetricType) -> Result<(), Thrown> {
    let registration = Registration::read(call, metric)?;
    if call.this().find(metric, names(call)).is_some() {
        let (name, kind) = (registration.name, metric.short_name());
        let message =
            format!("{kind} {name} is already registered; getOrRegister{kind}() returns the one there is");
        return Err(bad_registration(&message));
    }
    *ret = add(call, metric, &registration)?;
    Ok(())
}

fn add(call: &Call<Registry>, metric: MetricType, registration: &Registration<'_>) -> Result<Zval, Thrown> {
    let Registration { name, help, labels, .. } = registration;
    let registry = call.this();
    let defined = define(name, help, *labels, metric.shape(registration)?, &registry.constants.borrow())?;
    registry.add(metric, NameKey::of_call(call), call.argument(LABEL_NAMES), defined)
}

fn get(call: &Call<Registry>, ret: &mut Zval, metric: MetricType) -> Result<(), Thrown> {
    let (namespace, name) = (Found::in_call(call), Found::in_call(call));
    if !parse(call, Parse::Names(&namespace, &name)) {
        return Err(Thrown);
    }
    *ret = call.this().find(metric, names(call)).ok_or_else(|| {
        let (name, kind) = (full_name(&namespace.text(), &name.text()), metric.short_name());
        not_found(&format!(
            "{kind} {name} is not known to this registry: register it first, or use getOrRegister{kind}()"
        ))
    })?;
    Ok(())
}

/// The three handlers of each type.
macro_rules! handlers {
    ($($metric:ident: $register:ident, $get_or_register:ident, $get:ident;)*) => {$(
        extern "C" fn $register(call: &Call<Registry>, ret: &mut Zval) {
            catch_panic(|| drop(register_new(call, ret, MetricType::$metric)));
        }

        extern "C" fn $get_or_register(call: &Call<Registry>, ret: &mut Zval) {
            get_or_register(call, ret, MetricType::$metric);
        }

        extern "C" fn $get(call: &Call<Registry>, ret: &mut Zval) {
            catch_panic(|| drop(get(call, ret, MetricType::$metric)));
        }
    )*};
}

handlers! {
    Counter: register_counter, get_or_register_counter, get_counter;
    Gauge: register_gauge, get_or_register_gauge, get_gauge;
    Histogram: register_histogram, get_or_register_histogram, get_histogram;
    NativeHistogram: register_native_histogram, get_or_register_native_histogram, get_native_histogram;
    Summary: register_summary, get_or_register_summary, get_summary;
}

extern "C" fn get_default(call: &Frame, ret: &mut Zval) {
    catch_panic(|| {
        if !parse(call, Parse::Nothing) {
            return;
        }
        let known = DEFAULT.with(|default| default.as_ref().map(Zval::shallow_clone));
        if let Some(registry) = known.or_else(new_default) {
            *ret = registry;
        }
    });
}

fn new_default() -> Option<Zval> {
    let mut object = Zval::new();
    object::new_object::<Registry>(&mut object)?.register_defaults().ok()?;
    if attachment::is_in_request() {
        DEFAULT.set(Some(object.shallow_clone()));
    }
    Some(object)
}

/// A request begins. A registry that an earlier one has left lay in memory that was freed since: it is forgotten,
/// not released.
pub(crate) fn begin_request() {
    std::mem::forget(DEFAULT.replace(None));
}

/// A request ends, and no object outlives it. Releasing the registry may run scripts, which may make a new one:
/// `attachment` has ended the request before, so that the new one is not kept.
pub(crate) fn end_request() {
    DEFAULT.set(None);
}

extern "C" fn families(call: &Call<Registry>, ret: &mut Zval) {
    catch_panic(|| {
        let mut sorted = true; // they always are
        if parse(call, Parse::Switch(&mut sorted)) {
            samples::collect(ret);
        }
    });
}

extern "C" fn wipe(call: &Call<Registry>, _ret: &mut Zval) {
    catch_panic(|| {
        if parse(call, Parse::Nothing) {
            attachment::wipe();
        }
    });
}
