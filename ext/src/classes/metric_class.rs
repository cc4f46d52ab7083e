//! The methods and arguments that all metric classes (counter, gauge, histogram, summary) have.

use crate::{
    classes::timer,
    engine::{
        arguments,
        builder::{Arg, Function},
        call::{Call, Frame},
        class::{ClassDefinition, Handler, Method, Methods, PhpInterface, final_class, register_interface},
        exceptions::{Thrown, invalid_argument},
        object::{self, PhpClass, php_class},
        panic::catch_panic,
        zval,
        zval::{
            Found, IS_ARRAY, IS_DOUBLE, IS_FALSE, IS_LONG, IS_NULL, IS_STRING, IS_TRUE, More, Parse,
            bytes_of, parse, type_of,
        },
    },
    session::{
        attachment, error_text,
        handle::{Handle, SeriesOf, with_packed},
        labels, lookup,
        metric::{Constants, Metric},
        metric_table::Spelling,
        series::Series,
    },
};
use ext_php_rs::{
    error::Result as Registered,
    flags::DataType,
    types::{ZendHashTable, Zval},
    zend::ClassEntry,
};
use promshm_segment::{Definition, Kind};
use std::{ffi::CStr, rc::Rc};

/// A class whose objects are metrics, with an interface for those who put a double in its place.
pub(crate) trait MetricClass: PhpClass<State = Handle> {
    type Interface: PhpInterface;

    /// The methods that the class has beyond those of all metrics. `timer` is what a timer is: the class, or its
    /// interface.
    fn own_methods(timer: &'static str) -> Methods<Self>;
}

/// A method that returns nothing.
pub(crate) fn void<C: PhpClass>(name: &'static CStr, handler: Handler<C>) -> Method<C> {
    Method::new(name, handler).returns(DataType::Void, false)
}

/// `array $labels = []`, last.
pub(crate) fn with_labels<C: PhpClass>(method: Method<C>) -> Method<C> {
    method.changed(labels_last)
}

#[inline(never)] // the same code for all classes
fn labels_last(function: Function) -> Function {
    function.not_required().arg(Arg::new(c"labels", DataType::Array).default(c"[]"))
}

/// `callable $fn, array $labels = []`, for a method that returns what the function does.
pub(crate) fn around<C: PhpClass>(name: &'static CStr, handler: Handler<C>) -> Method<C> {
    let method = Method::new(name, handler).arg(Arg::new(c"fn", DataType::Callable));
    with_labels(method).returns(DataType::Mixed, true)
}

/// `array $labels = [], ?array $exemplar = null`, last.
pub(crate) fn with_exemplar<C: PhpClass>(method: Method<C>) -> Method<C> {
    method.changed(|function| {
        labels_last(function).arg(Arg::new(c"exemplar", DataType::Array).allow_null().default(c"null"))
    })
}

/// The parameters that every constructor has.
pub(crate) fn constructor<C: MetricClass>(handler: Handler<C>) -> Method<C> {
    Method::new(c"__construct", handler).changed(|function| {
        function
            .arg(Arg::new(c"name", DataType::String))
            .not_required()
            .arg(Arg::new(c"help", DataType::String).default(c"''"))
            .arg(Arg::new(c"labelNames", DataType::Array).default(c"[]"))
    })
}

/// Registers the interface of a metric class, and the final class, which is still to get its static methods.
pub(crate) fn metric_class<C: MetricClass>(constructor: Method<C>) -> Registered<ClassDefinition<C>> {
    let methods = all_methods::<C>(C::Interface::NAME, timer::TimerInterface::NAME);
    register_interface::<C::Interface, C>(methods)?;
    let definition = final_class().implements::<C::Interface>().method(constructor);
    Ok(definition.methods(all_methods(C::NAME, timer::Timer::NAME)))
}

/// The methods of a metric: those that all have, and its own. `bound` is what `labels()` returns.
fn all_methods<C: MetricClass>(bound: &'static str, timer: &'static str) -> Methods<C> {
    let any = Arg::new(c"values", DataType::Object("Stringable|UnitEnum".into())).is_variadic();
    let bind = Method::new(c"labels", bind).not_required().arg(any);
    Methods::new()
        .and(bind.returns(DataType::Object(bound.into()), false))
        .and_all(shared_methods())
        .and_all(C::own_methods(timer))
}

/// Stands for the classes of all metrics, in methods that are the same for each. It is no class of PHP's.
struct AnyMetric;

php_class!(AnyMetric, "", Handle);

#[inline(never)] // the same code for all classes
fn shared_methods() -> Methods<AnyMetric> {
    let getter = |name, handler, kind| Method::new(name, handler).returns(kind, false);
    let labels = Arg::new(c"labels", DataType::Array);
    Methods::new()
        .and(with_labels(getter(c"remove", remove, DataType::Bool)))
        .and(getter(c"removeMatching", remove_matching, DataType::Long).arg(labels))
        .and(getter(c"clear", clear, DataType::Long))
        .and(getter(c"getName", get_name, DataType::String))
        .and(getter(c"getHelp", get_help, DataType::String))
        .and(getter(c"getLabelNames", get_label_names, DataType::Array))
        .and(getter(c"getType", get_type, DataType::String))
}

/// Finishes a metric class and its interface: the types of some arguments are unions, which the builders do not support.
pub(crate) fn registered<C: MetricClass>(class: &ClassEntry) {
    // Only now the interface's, too: the engine has compared both, and they were alike.
    for class in [Some(class), C::Interface::entry().get()].into_iter().flatten() {
        zval::widen(class, "labels", 0, ANY_LABEL);
        zval::widen(class, "incby", 0, 1 << IS_LONG);
        zval::widen(class, "decby", 0, 1 << IS_LONG);
    }
}

/// `string|int|float|bool`, besides `Stringable` and `UnitEnum`.
const ANY_LABEL: u32 = 1 << IS_STRING | 1 << IS_LONG | 1 << IS_DOUBLE | 1 << IS_TRUE | 1 << IS_FALSE;

/// Runs a constructor: makes `$this` a handle of the metric that the arguments define. `kind` is that of a metric
/// whose further arguments, with their numbers, are the usual ones; `kind_of` reads any others.
pub(crate) fn construct<C: MetricClass>(
    call: &Call<C>,
    usual: Option<Usual<'_>>,
    more: More<'_>,
    kind_of: impl FnOnce(Option<&Zval>) -> Result<(Kind, Vec<f64>), Thrown>,
) -> Result<(), Thrown> {
    let spelling = usual.and_then(|usual| spelling(call, usual));
    if let Some(metric) = spelling.as_ref().and_then(attachment::known_metric) {
        return call.this().init(metric);
    }
    let metric = define_by_call(call, more, kind_of)?;
    if let Some(spelling) = &spelling {
        attachment::remember_spelling(spelling, &metric);
    }
    call.this().init(metric)
}

/// The kind of a metric, and its buckets or quantiles, unless they are the default ones.
pub(crate) type Usual<'c> = (Kind, Option<&'c ZendHashTable>);

/// What the arguments of a constructor spell, if they need no conversion.
fn spelling<'c>(call: &'c Frame, (kind, numbers): Usual<'c>) -> Option<Spelling<'c>> {
    let is = |n, wanted| call.argument(n).is_none_or(|value| type_of(value) == wanted);
    let is_usual = is(0, IS_STRING) && is(1, IS_STRING) && is(2, IS_ARRAY);
    let label_names = call.argument(2).and_then(Zval::array);
    let name = call.argument(0).filter(|_| is_usual)?;
    Some(Spelling { name, help: call.argument(1), label_names, kind, numbers })
}

/// The metric's own argument, its last one, at index `n`: an array, or null, or left out. `None` if it is anything
/// else.
pub(crate) fn usual_with(kind: Kind, call: &Frame, n: u32) -> Option<Usual<'_>> {
    match call.argument(n) {
        _ if call.given() > n + 1 => None,
        None => Some((kind, None)),
        Some(value) if matches!(type_of(value), IS_NULL | IS_ARRAY) => Some((kind, value.array())),
        Some(_) => None,
    }
}

/// Reads a constructor's arguments, and returns the metric that they define.
fn define_by_call<C: MetricClass>(
    call: &Call<C>,
    more: More<'_>,
    kind_of: impl FnOnce(Option<&Zval>) -> Result<(Kind, Vec<f64>), Thrown>,
) -> Result<Rc<Metric>, Thrown> {
    let (name, help) = (Found::in_call(call), Found::in_call(call));
    let (label_names, last) = (Found::in_call(call), Found::in_call(call));
    if !parse(call, Parse::Definition { name: &name, help: &help, labels: &label_names, more: (more, &last) })
    {
        return Err(Thrown);
    }
    let shape = kind_of(last.value())?;
    let (name, help) = (name.text(), help.text());
    define(&name, &help, label_names.table(), shape, &Constants::new())
}

/// The metric of that definition. Throws if the definition is invalid, or contradicts an earlier one.
pub(crate) fn define(
    name: &str,
    help: &str,
    label_names: Option<&ZendHashTable>,
    (kind, bounds): (Kind, Vec<f64>),
    constants: &Constants,
) -> Result<Rc<Metric>, Thrown> {
    let names = label_names.map(label_names_of).transpose()?.unwrap_or_default();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let definition = Definition::new(name, help, kind, &names, &bounds)
        .map_err(|error| invalid_argument(&error_text::definition_error(&error)))?;
    attachment::metric(definition, constants)
}

fn label_names_of(table: &ZendHashTable) -> Result<Vec<String>, Thrown> {
    names_in(table).ok_or_else(|| invalid_argument("Label names must be strings"))
}

/// The names in an array; `None` if any element is not a string.
pub(crate) fn names_in(table: &ZendHashTable) -> Option<Vec<String>> {
    let name =
        |value: &Zval| bytes_of(value.dereference()).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    table.values().map(name).collect()
}

extern "C" fn bind<C: MetricClass>(call: &Call<C>, ret: &mut Zval) {
    let is_usual = call.named_arguments().is_none();
    match is_usual.then(|| call.this().known_bound(call.arguments())).flatten() {
        Some(object) => zval::return_value(ret, object),
        None => bind_slowly(call, ret),
    }
}

#[inline(never)] // so that the fast path saves no registers for it
fn bind_slowly<C: MetricClass>(call: &Call<C>, ret: &mut Zval) {
    bind_new(call, call.this(), object::new_object::<C>, ret);
}

type NewObject = fn(&mut Zval) -> Option<&Handle>;

/// The same code for all classes.
#[inline(never)]
fn bind_new(call: &Frame, handle: &Handle, new_object: NewObject, ret: &mut Zval) {
    catch_panic(|| {
        let is_usual = call.named_arguments().is_none();
        if let Some(object) = is_usual.then(|| handle.kept_bound(call.arguments())).flatten() {
            object::native_of(&object).inspect(|bound: &&Handle| bound.publish());
            *ret = object;
        } else if bind_sibling(call, handle, new_object, ret).is_ok() && is_usual {
            handle.remember_bound(call.arguments(), ret);
        }
    });
}

fn bind_sibling(call: &Frame, handle: &Handle, new_object: NewObject, ret: &mut Zval) -> Result<(), Thrown> {
    let metric = handle.check_unbound()?;
    // First, while there is nothing to drop: memory_limit may refuse it.
    let Some(sibling) = new_object(ret) else { return Ok(()) };
    bind_to(call, metric, sibling)
}

/// Binds the sibling to the series that the arguments of the call name.
fn bind_to(call: &Frame, metric: &Rc<Metric>, sibling: &Handle) -> Result<(), Thrown> {
    let (values, by_name) = (call.arguments(), call.named_arguments());
    if by_name.is_none()
        && let Some((key, series)) = metric.known_series(&values.iter())
    {
        sibling.bind(Rc::clone(metric), key, series)?;
        sibling.publish();
        return Ok(());
    }
    let definition = &metric.definition;
    let pack = |key: &mut Vec<u8>| {
        labels::refuse_null_arguments(definition, values, by_name)?;
        match by_name {
            Some(table) if call.given() == 0 => labels::pack_table(definition, table, key),
            Some(table) => Err(labels::mixed(definition, table)),
            None => labels::pack_arguments(definition, values, key),
        }
    };
    with_packed(pack, |key| sibling.bind(Rc::clone(metric), key.into(), Series::UNKNOWN))??;
    sibling.publish();
    Ok(())
}

/// `init(array $labels = [])`, for a class whose series start from zero.
pub(crate) fn init_method<C: MetricClass>() -> Method<C> {
    with_labels(void(c"init", init)).for_class()
}

extern "C" fn init(call: &Call<AnyMetric>, _ret: &mut Zval) {
    catch_panic(|| {
        let Some(labels) = arguments::labels(call) else { return };
        if let Ok(SeriesOf { metric, key, .. }) = call.this().series_of(labels) {
            lookup::series(&metric, &key);
        }
    });
}

extern "C" fn remove(call: &Call<AnyMetric>, ret: &mut Zval) {
    catch_panic(|| {
        ret.set_bool(false);
        let Some(labels) = arguments::labels(call) else { return };
        if let Ok(removed) = removed(call.this(), labels) {
            ret.set_bool(removed);
        }
    });
}

fn removed(handle: &Handle, labels: arguments::Labels<'_>) -> Result<bool, Thrown> {
    let SeriesOf { metric, key, .. } = handle.series_of(labels)?;
    Ok(attachment::remove(&metric, &key))
}

extern "C" fn remove_matching(call: &Call<AnyMetric>, ret: &mut Zval) {
    catch_panic(|| {
        ret.set_long(0);
        let table = Found::in_call(call);
        if parse(call, Parse::Table(&table))
            && let Ok(removed) = removed_matching(call.this(), table.table())
        {
            ret.set_long(removed.cast_signed());
        }
    });
}

extern "C" fn clear(call: &Call<AnyMetric>, ret: &mut Zval) {
    catch_panic(|| {
        ret.set_long(0);
        if parse(call, Parse::Nothing)
            && let Ok(removed) = removed_matching(call.this(), None)
        {
            ret.set_long(removed.cast_signed());
        }
    });
}

/// Removes the series that the table matches; without one, all.
fn removed_matching(handle: &Handle, table: Option<&ZendHashTable>) -> Result<u64, Thrown> {
    let metric = Rc::clone(handle.check_unbound()?);
    let values = match table {
        Some(table) => labels::some_values(&metric.definition, table)?,
        None => vec![None; metric.definition.label_names.len()],
    };
    Ok(attachment::remove_matching(&metric, &values))
}

/// Runs `show` on the definition, for a getter without arguments.
fn show_definition(call: &Call<AnyMetric>, show: impl FnOnce(&Definition)) {
    catch_panic(|| {
        if parse(call, Parse::Nothing)
            && let Ok(metric) = call.this().metric()
        {
            show(&metric.definition);
        }
    });
}

extern "C" fn get_name(call: &Call<AnyMetric>, ret: &mut Zval) {
    show_definition(call, |definition| drop(ret.set_string(&definition.name, false)));
}

extern "C" fn get_help(call: &Call<AnyMetric>, ret: &mut Zval) {
    show_definition(call, |definition| drop(ret.set_string(&definition.help, false)));
}

extern "C" fn get_type(call: &Call<AnyMetric>, ret: &mut Zval) {
    show_definition(call, |definition| drop(ret.set_string(definition.kind.as_str(), false)));
}

extern "C" fn get_label_names(call: &Call<AnyMetric>, ret: &mut Zval) {
    show_definition(call, |definition| {
        let mut names = ZendHashTable::new();
        definition.label_names.iter().for_each(|name| drop(names.push(name.as_str())));
        ret.set_hashtable(names);
    });
}
