//! The methods and arguments that all metric classes (counter, gauge, histogram, summary) have.

use crate::{
    engine::{
        arguments,
        exceptions::{Thrown, invalid_argument},
        object,
        panic::catch_panic,
        zval,
        zval::{
            Found, IS_DOUBLE, IS_FALSE, IS_LONG, IS_STRING, IS_TRUE, More, Parse, bytes_of, given,
            named_arguments, parse,
        },
    },
    session::{
        attachment,
        handle::{Handle, this, with_packed},
        labels,
        metric::{Constants, Metric},
        series::{Key, Series},
    },
};
use ext_php_rs::{
    args::Arg,
    builders::{ClassBuilder, FunctionBuilder},
    flags::{ClassFlags, DataType, MethodFlags},
    types::{ZendHashTable, Zval},
    zend::ExecuteData,
    zend_fastcall,
};
use promshm_segment::{Definition, Kind};
use std::rc::Rc;

/// A raw handler in the engine's own calling convention, which costs as much as a method in C.
pub(crate) type Handler = extern "C" fn(&mut ExecuteData, &mut Zval);
/// A method whose arguments are still to be added.
pub(crate) type Method = FunctionBuilder<'static>;

/// A method that returns nothing.
pub(crate) fn void(name: &str, handler: Handler) -> Method {
    FunctionBuilder::new(name, handler).returns(DataType::Void, false, false)
}

/// `array $labels = []`, last.
pub(crate) fn with_labels(method: Method) -> Method {
    method.not_required().arg(Arg::new("labels", DataType::Array).default("[]"))
}

/// `callable $fn, array $labels = []`, for a method that returns what the function does.
pub(crate) fn around(name: &str, handler: Handler) -> Method {
    let method = FunctionBuilder::new(name, handler).arg(Arg::new("fn", DataType::Callable));
    with_labels(method).returns(DataType::Mixed, false, true)
}

/// Reads `(callable $fn, array $labels = [])` and returns the function, and the metric and key of the series.
pub(crate) fn around_series(ex: &ExecuteData) -> Result<(&Zval, Rc<Metric>, Key), Thrown> {
    let (function, labels) = arguments::callable(ex).ok_or(Thrown)?;
    let (metric, key) = this(ex).series_of(labels)?;
    Ok((function, metric, key))
}

/// `array $labels = [], ?array $exemplar = null`, last.
pub(crate) fn with_exemplar(method: Method) -> Method {
    with_labels(method).arg(Arg::new("exemplar", DataType::Array).allow_null().default("null"))
}

/// The parameters that every constructor has.
pub(crate) fn constructor(handler: Handler) -> Method {
    FunctionBuilder::new("__construct", handler)
        .arg(Arg::new("name", DataType::String))
        .not_required()
        .arg(Arg::new("help", DataType::String).default("''"))
        .arg(Arg::new("labelNames", DataType::Array).default("[]"))
}

/// A class whose objects refer to shared memory: they cannot be extended, serialized or given properties.
pub(crate) fn final_class(name: &str) -> ClassBuilder {
    let flags = ClassFlags::Final.union(ClassFlags::NotSerializable).union(ClassFlags::NoDynamicProperties);
    ClassBuilder::new(name).flags(flags)
}

/// A final metric class with the methods that all of them have.
pub(crate) fn metric_class(name: &'static str, constructor: Method) -> ClassBuilder {
    let getter = |name, handler, kind| FunctionBuilder::new(name, handler).returns(kind, false, false);
    let any = Arg::new("values", DataType::Object("Stringable".into())).is_variadic();
    let bind = FunctionBuilder::new("labels", bind).not_required().arg(any);
    final_class(name)
        .method(constructor, MethodFlags::Public)
        .method(bind.returns(DataType::Object(name.into()), false, false), MethodFlags::Public)
        .method(with_labels(getter("remove", remove, DataType::Bool)), MethodFlags::Public)
        .method(getter("getName", get_name, DataType::String), MethodFlags::Public)
        .method(getter("getHelp", get_help, DataType::String), MethodFlags::Public)
        .method(getter("getLabelNames", get_label_names, DataType::Array), MethodFlags::Public)
        .method(getter("getType", get_type, DataType::String), MethodFlags::Public)
        .registration(|class, arg_info| {
            object::install::<Handle>(class);
            zval::widen(class, "labels", 0, ANY_LABEL);
            zval::widen(class, "incby", 0, 1 << IS_LONG);
            zval::widen(class, "decby", 0, 1 << IS_LONG);
            std::mem::forget(arg_info); // the engine reads it as long as the class lives
        })
}

/// `string|int|float|bool`, besides `Stringable`.
const ANY_LABEL: u32 = 1 << IS_STRING | 1 << IS_LONG | 1 << IS_DOUBLE | 1 << IS_TRUE | 1 << IS_FALSE;

/// Reads a constructor's arguments and makes `$this` a handle of the metric that they define. `kind_of` makes the
/// kind and its numbers of the arguments that the class adds.
pub(crate) fn construct(
    ex: &ExecuteData,
    more: More<'_>,
    kind_of: impl FnOnce(Option<&Zval>) -> Result<(Kind, Vec<f64>), Thrown>,
) -> Result<(), Thrown> {
    let (name, help) = (Found::in_call(ex), Found::in_call(ex));
    let (label_names, last) = (Found::in_call(ex), Found::in_call(ex));
    if !parse(ex, Parse::Definition { name: &name, help: &help, labels: &label_names, more: (more, &last) }) {
        return Err(Thrown);
    }
    let shape = kind_of(last.value())?;
    let (name, help) = (name.text(), help.text());
    this(ex).init(define(&name, &help, label_names.table(), shape, &Constants::new())?)
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
        .map_err(|error| invalid_argument(&error.to_string()))?;
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

zend_fastcall! {
    extern fn bind(ex: &mut ExecuteData, ret: &mut Zval) {
        catch_panic(|| drop(bind_sibling(ex, ret)));
    }
}

/// A new object of the class of `$this`, in `ret`.
fn sibling<'r>(ex: &ExecuteData, ret: &'r mut Zval) -> &'r Handle {
    object::new_in(object::class_of_this(ex), ret)
}

fn bind_sibling(ex: &ExecuteData, ret: &mut Zval) -> Result<(), Thrown> {
    let metric = this(ex).check_unbound()?;
    let sibling = sibling(ex, ret); // first, while there is nothing to drop: memory_limit may refuse it
    let (values, by_name) = (zval::arguments(ex), named_arguments(ex));
    if by_name.is_none()
        && let Some((key, series)) = metric.known_series(values)
    {
        return sibling.bind(Rc::clone(metric), key, series);
    }
    let definition = &metric.definition;
    let pack = |key: &mut Vec<u8>| {
        labels::refuse_null_arguments(definition, values, by_name)?;
        match by_name {
            Some(table) if given(ex) == 0 => labels::pack_table(definition, table, key),
            Some(table) => Err(labels::mixed(definition, table)),
            None => labels::pack_arguments(definition, values, key),
        }
    };
    // Nothing is stored before the first update, so nothing is looked up either.
    with_packed(pack, |key| sibling.bind(Rc::clone(metric), key.into(), Series::UNKNOWN))?
}

zend_fastcall! {
    extern fn remove(ex: &mut ExecuteData, ret: &mut Zval) {
        catch_panic(|| {
            ret.set_bool(false);
            let Some(labels) = arguments::labels(ex) else { return };
            if let Ok(removed) = removed(this(ex), labels) {
                ret.set_bool(removed);
            }
        });
    }
}

fn removed(handle: &Handle, labels: arguments::Labels<'_>) -> Result<bool, Thrown> {
    let (metric, key) = handle.series_of(labels)?;
    Ok(attachment::remove(&metric, &key))
}

/// Runs `show` on the definition, for a getter without arguments.
fn getter(ex: &ExecuteData, show: impl FnOnce(&Definition)) {
    catch_panic(|| {
        if parse(ex, Parse::Nothing)
            && let Ok(metric) = this(ex).metric()
        {
            show(&metric.definition);
        }
    });
}

zend_fastcall! {
    extern fn get_name(ex: &mut ExecuteData, ret: &mut Zval) {
        getter(ex, |definition| drop(ret.set_string(&definition.name, false)));
    }
}

zend_fastcall! {
    extern fn get_help(ex: &mut ExecuteData, ret: &mut Zval) {
        getter(ex, |definition| drop(ret.set_string(&definition.help, false)));
    }
}

zend_fastcall! {
    extern fn get_type(ex: &mut ExecuteData, ret: &mut Zval) {
        getter(ex, |definition| drop(ret.set_string(definition.kind.as_str(), false)));
    }
}

zend_fastcall! {
    extern fn get_label_names(ex: &mut ExecuteData, ret: &mut Zval) {
        getter(ex, |definition| {
            let mut names = ZendHashTable::new();
            definition.label_names.iter().for_each(|name| drop(names.push(name.as_str())));
            ret.set_hashtable(names);
        });
    }
}
