//! A call's parameters, read by the engine's own `zend_parse_parameters`.
#![allow(unsafe_code)]

use super::{given, string_bytes};
use ext_php_rs::{
    ffi,
    types::Zval,
    zend::{ClassEntry, ExecuteData},
};
use std::{
    cell::Cell,
    ffi::{c_char, c_int},
    mem::MaybeUninit,
    ptr::from_mut,
};

unsafe extern "C" {
    fn zend_parse_parameters(num_args: u32, spec: *const c_char, ...) -> c_int;
    fn zend_release_fcall_info_cache(found: *mut ffi::zend_fcall_info_cache);
}

type Text<'p> = &'p mut *mut ffi::zend_string;
type Value<'p> = &'p mut *mut Zval;

/// The native way to read arguments: coercion, `strict_types`, deprecations and messages as of any
/// PHP function. `false` if it threw.
pub(crate) fn parse(ex: &ExecuteData, request: Parse<'_>) -> bool {
    let n = given(ex);
    // SAFETY: each specification asks for just the pointers that follow it (Zend/README.PARAMETER_PARSING_API).
    let status = unsafe {
        match request {
            Parse::Nothing => zend_parse_parameters(n, c"".as_ptr()),
            Parse::Labels(labels) => zend_parse_parameters(n, c"|a".as_ptr(), from_mut(labels)),
            Parse::Number(number, labels) => {
                zend_parse_parameters(n, c"n|a".as_ptr(), from_mut(number), from_mut(labels))
            }
            Parse::Float(float, labels) => {
                zend_parse_parameters(n, c"d|a".as_ptr(), from_mut(float), from_mut(labels))
            }
            Parse::Exemplar(first, labels, exemplar) => parse_update(n, first, labels, exemplar),
            Parse::Definition { name, help, labels, more } => parse_definition(n, (name, help), labels, more),
            Parse::Callable(labels) => parse_callable(n, labels),
            Parse::Names(namespace, name) => {
                zend_parse_parameters(n, c"SS".as_ptr(), from_mut(namespace), from_mut(name))
            }
            Parse::Registration { namespace, name, help, labels, more } => {
                parse_registration(n, (namespace, name, help), labels, more)
            }
            Parse::Registry { storage, defaults, constants } => {
                let (storage, defaults) = (from_mut(storage), from_mut(defaults));
                zend_parse_parameters(n, c"|zba".as_ptr(), storage, defaults, from_mut(constants))
            }
            Parse::Switch(switch) => zend_parse_parameters(n, c"|b".as_ptr(), from_mut(switch)),
            Parse::Array(array, switch) => {
                zend_parse_parameters(n, c"a|b".as_ptr(), from_mut(array), from_mut(switch))
            }
            Parse::Series(start, step, count) => {
                zend_parse_parameters(n, c"ddl".as_ptr(), from_mut(start), from_mut(step), from_mut(count))
            }
        }
    };
    status == 0
}

fn parse_update(n: u32, first: First<'_>, labels: Value<'_>, exemplar: Value<'_>) -> c_int {
    let (labels, exemplar) = (from_mut(labels), from_mut(exemplar));
    // SAFETY: as in `parse`.
    unsafe {
        match first {
            First::Nothing => zend_parse_parameters(n, c"|aa!".as_ptr(), labels, exemplar),
            First::Number(number) => {
                zend_parse_parameters(n, c"n|aa!".as_ptr(), from_mut(number), labels, exemplar)
            }
            First::Float(float) => {
                zend_parse_parameters(n, c"d|aa!".as_ptr(), from_mut(float), labels, exemplar)
            }
        }
    }
}

fn parse_definition(
    n: u32,
    (name, help): (Text<'_>, Text<'_>),
    labels: Value<'_>,
    (more, last): (More<'_>, Value<'_>),
) -> c_int {
    let (name, help) = (from_mut(name), from_mut(help));
    let (labels, last) = (from_mut(labels), from_mut(last));
    // SAFETY: as in `parse`.
    unsafe {
        match more {
            More::Nothing => zend_parse_parameters(n, c"S|Sa".as_ptr(), name, help, labels),
            More::Array => zend_parse_parameters(n, c"S|Saa!".as_ptr(), name, help, labels, last),
            More::Summary(age) => {
                zend_parse_parameters(n, c"S|Sala!".as_ptr(), name, help, labels, age.as_ptr(), last)
            }
            More::Object(class) => {
                zend_parse_parameters(n, c"S|SaO".as_ptr(), name, help, labels, last, class)
            }
        }
    }
}

fn parse_callable(n: u32, labels: Value<'_>) -> c_int {
    let mut call: MaybeUninit<ffi::zend_fcall_info> = MaybeUninit::uninit();
    let mut found: MaybeUninit<ffi::zend_fcall_info_cache> = MaybeUninit::zeroed();
    // SAFETY: as in `parse`; what was found is valid, or nothing and all zero.
    unsafe {
        let (call, cache) = (call.as_mut_ptr(), found.as_mut_ptr());
        let status = zend_parse_parameters(n, c"f|a".as_ptr(), call, cache, from_mut(labels));
        zend_release_fcall_info_cache(cache); // it is looked up again for the call
        status
    }
}

fn parse_registration(
    n: u32,
    (namespace, name, help): (Text<'_>, Text<'_>, Text<'_>),
    labels: Value<'_>,
    (more, last): (More<'_>, Value<'_>),
) -> c_int {
    let (namespace, name, help) = (from_mut(namespace), from_mut(name), from_mut(help));
    let (labels, last) = (from_mut(labels), from_mut(last));
    // SAFETY: as in `parse`.
    unsafe {
        match more {
            More::Array => zend_parse_parameters(n, c"SSS|aa!".as_ptr(), namespace, name, help, labels, last),
            More::Summary(age) => {
                let (spec, age) = (c"SSS|ala!".as_ptr(), age.as_ptr());
                zend_parse_parameters(n, spec, namespace, name, help, labels, age, last)
            }
            _ => zend_parse_parameters(n, c"SSS|a".as_ptr(), namespace, name, help, labels),
        }
    }
}

/// What [`parse`] is to read, and where to.
pub(crate) enum Parse<'p> {
    /// No arguments.
    Nothing,
    /// `array $labels = []`
    Labels(Value<'p>),
    /// `int|float $value, array $labels = []`
    Number(Value<'p>, Value<'p>),
    /// `float $value, array $labels = []`
    Float(&'p mut f64, Value<'p>),
    /// What comes first, then `array $labels = [], ?array $exemplar = null`
    Exemplar(First<'p>, Value<'p>, Value<'p>),
    /// `string $name, string $help = '', array $labelNames = []` and what a class adds.
    Definition { name: Text<'p>, help: Text<'p>, labels: Value<'p>, more: (More<'p>, Value<'p>) },
    /// `callable $fn, array $labels = []`
    Callable(Value<'p>),
    /// `string $namespace, string $name`
    Names(Text<'p>, Text<'p>),
    /// `string $namespace, string $name, string $help, array $labels = []` and what a metric adds.
    Registration {
        namespace: Text<'p>,
        name: Text<'p>,
        help: Text<'p>,
        labels: Value<'p>,
        more: (More<'p>, Value<'p>),
    },
    /// `mixed $storage = null, bool $registerDefaultMetrics = true, array $constantLabels = []`
    Registry { storage: Value<'p>, defaults: &'p mut bool, constants: Value<'p> },
    /// `bool $switch`, optional
    Switch(&'p mut bool),
    /// `array $array, bool $switch`, the latter optional
    Array(Value<'p>, &'p mut bool),
    /// `float $start, float $step, int $count`
    Series(&'p mut f64, &'p mut f64, &'p mut i64),
}

/// The first argument of an update.
pub(crate) enum First<'p> {
    /// None.
    Nothing,
    /// `int|float $value`
    Number(Value<'p>),
    /// `float $value`
    Float(&'p mut f64),
}

/// The last argument of a constructor.
pub(crate) enum More<'p> {
    /// None.
    Nothing,
    /// An object of this class.
    Object(*mut ClassEntry),
    /// An array or null.
    Array,
    /// An integer, and after it an array or null.
    Summary(&'p Cell<i64>),
}

/// A zval that [`parse`] may have set.
pub(crate) fn parsed<'a>(value: *mut Zval) -> Option<&'a Zval> {
    // SAFETY: null, or an argument of the running call.
    unsafe { value.as_ref() }
}

/// A string that [`parse`] may have set.
pub(crate) fn parsed_string<'a>(string: *mut ffi::zend_string) -> Option<&'a [u8]> {
    // SAFETY: null, or an argument of the running call.
    (!string.is_null()).then(|| unsafe { string_bytes(string) })
}
