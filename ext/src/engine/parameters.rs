//! A call's parameters, read by the engine's own `zend_parse_parameters`.
#![allow(unsafe_code)]

use super::{
    call::Frame,
    zval::{EnumClass, IS_NULL, string_bytes, type_of},
};
use ext_php_rs::{
    ffi,
    types::{ZendHashTable, Zval},
};
use std::{
    borrow::Cow,
    cell::Cell,
    ffi::{CStr, c_char, c_int},
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::{from_mut, null_mut},
};

unsafe extern "C" {
    fn zend_parse_parameters(num_args: u32, spec: *const c_char, ...) -> c_int;
    fn zend_release_fcall_info_cache(found: *mut ffi::zend_fcall_info_cache);
    fn zend_argument_type_error(number: u32, format: *const c_char, ...);
    fn zend_is_callable_ex(
        callable: *mut Zval,
        object: *mut ffi::zend_object,
        flags: u32,
        name: *mut *mut ffi::zend_string,
        found: *mut ffi::zend_fcall_info_cache,
        error: *mut *mut c_char,
    ) -> bool;
}

type TextArgument<'p> = &'p Found<'p, ffi::zend_string>;
type ValueArgument<'p> = &'p Found<'p, Zval>;

/// Receives from [`parse`] a pointer to an argument of the running call, or to its converted value. Both lie in the
/// call's frame and live as long as it. No other code can store a pointer here.
#[derive(Debug)]
pub(crate) struct Found<'f, T> {
    pointer: Cell<*mut T>,
    frame: PhantomData<&'f Frame>,
}

impl<'f, T> Found<'f, T> {
    /// Empty, for the running call.
    pub(crate) fn in_call(_: &'f Frame) -> Self {
        Self { pointer: Cell::new(null_mut()), frame: PhantomData }
    }

    fn place(&self) -> *mut *mut T {
        self.pointer.as_ptr()
    }
}

impl<'f> Found<'f, Zval> {
    /// The argument, if it was passed.
    pub(crate) fn value(&self) -> Option<&'f Zval> {
        // SAFETY: null, or an argument of the running call.
        unsafe { self.pointer.get().as_ref() }
    }

    /// The array, if one was passed.
    pub(crate) fn table(&self) -> Option<&'f ZendHashTable> {
        self.value().and_then(Zval::array)
    }
}

impl<'f> Found<'f, ffi::zend_string> {
    /// The text, empty if none was passed; invalid UTF-8 is replaced.
    pub(crate) fn text(&self) -> Cow<'f, str> {
        let string = self.pointer.get();
        // SAFETY: null, or an argument of the running call.
        let bytes = if string.is_null() { &[] } else { unsafe { string_bytes(string) } };
        String::from_utf8_lossy(bytes)
    }
}

/// `IS_CALLABLE_SUPPRESS_DEPRECATIONS`: the later call raises them.
const SILENTLY: u32 = 1 << 1;

/// Runs `zend_parse_parameters` for a call, unless null was passed for a scalar: without `strict_types`, PHP passes
/// 0 to functions of extensions then, which would be a wrong value. Methods written in PHP refuse null as well.
macro_rules! read {
    ($frame:expr, $spec:expr $(, $place:expr)*) => {
        if refuses_null($frame, $spec) { FAILURE } else { zend_parse_parameters($frame.given(), $spec.as_ptr() $(, $place)*) }
    };
}

const FAILURE: c_int = -1;

/// Throws if null was passed where the specification has a scalar that may not be null.
#[inline]
fn refuses_null(frame: &Frame, spec: &CStr) -> bool {
    frame.arguments().iter().any(|value| type_of(value) == IS_NULL) && refuses_some_null(frame, spec)
}

#[cold]
fn refuses_some_null(frame: &Frame, spec: &CStr) -> bool {
    let mut letters = spec.to_bytes().iter().filter(|letter| **letter != b'|').peekable();
    let mut number = 0;
    while let Some(letter) = letters.next() {
        let takes_null = letters.next_if(|next| **next == b'!').is_some();
        let kind = match letter {
            _ if takes_null => None,
            b'S' => Some(c"string"),
            b'd' => Some(c"float"),
            b'n' => Some(c"int|float"),
            b'l' => Some(c"int"),
            b'b' => Some(c"bool"),
            _ => None,
        };
        let is_null = frame.argument(number).is_some_and(|value| type_of(value) == IS_NULL);
        number += 1;
        if let (true, Some(kind)) = (is_null, kind) {
            // SAFETY: the format takes one string of C's.
            unsafe {
                zend_argument_type_error(number, c"must be of type %s, null given".as_ptr(), kind.as_ptr());
            }
            return true;
        }
    }
    false
}

/// Reads arguments as any internal PHP function does: with its coercion, `strict_types`, deprecations and messages.
/// `false` if it threw.
pub(crate) fn parse(frame: &Frame, request: Parse<'_>) -> bool {
    // SAFETY: each specification asks for just the pointers that follow it (Zend/README.PARAMETER_PARSING_API).
    let status = unsafe {
        match request {
            Parse::Nothing => read!(frame, c""),
            Parse::Labels(labels) => read!(frame, c"|a", labels.place()),
            Parse::Table(table) => read!(frame, c"a", table.place()),
            Parse::Number(number, labels) => {
                read!(frame, c"n|a", number.place(), labels.place())
            }
            Parse::Float(float, labels) => {
                read!(frame, c"d|a", from_mut(float), labels.place())
            }
            Parse::Exemplar(first, labels, exemplar) => parse_update(frame, first, labels, exemplar),
            Parse::Definition { name, help, labels, more } => {
                parse_definition(frame, (name, help), labels, more)
            }
            Parse::Callable(labels) => parse_callable(frame, labels),
            Parse::Names(namespace, name) => {
                read!(frame, c"SS", namespace.place(), name.place())
            }
            Parse::Registration { namespace, name, help, labels, more } => {
                parse_registration(frame, (namespace, name, help), labels, more)
            }
            Parse::Registry { storage, defaults, constants } => {
                let (storage, defaults) = (storage.place(), from_mut(defaults));
                read!(frame, c"|zba", storage, defaults, constants.place())
            }
            Parse::Switch(switch) => read!(frame, c"|b", from_mut(switch)),
            Parse::Array(array, switch) => {
                read!(frame, c"a|b", array.place(), from_mut(switch))
            }
            Parse::Buckets(start, step, count) => {
                read!(frame, c"ddl", from_mut(start), from_mut(step), from_mut(count))
            }
        }
    };
    status == 0
}

fn parse_update(
    frame: &Frame,
    first: First<'_>,
    labels: ValueArgument<'_>,
    exemplar: ValueArgument<'_>,
) -> c_int {
    let (labels, exemplar) = (labels.place(), exemplar.place());
    // SAFETY: as in `parse`.
    unsafe {
        match first {
            First::Nothing => read!(frame, c"|aa!", labels, exemplar),
            First::Number(number) => {
                read!(frame, c"n|aa!", number.place(), labels, exemplar)
            }
            First::Float(float) => {
                read!(frame, c"d|aa!", from_mut(float), labels, exemplar)
            }
        }
    }
}

fn parse_definition(
    frame: &Frame,
    (name, help): (TextArgument<'_>, TextArgument<'_>),
    labels: ValueArgument<'_>,
    (more, last): (More<'_>, ValueArgument<'_>),
) -> c_int {
    let (name, help) = (name.place(), help.place());
    let (labels, last) = (labels.place(), last.place());
    // SAFETY: as in `parse`.
    unsafe {
        match more {
            More::Nothing => read!(frame, c"S|Sa", name, help, labels),
            More::Array => read!(frame, c"S|Saa!", name, help, labels, last),
            More::Summary(age) => {
                read!(frame, c"S|Sala!", name, help, labels, age.as_ptr(), last)
            }
            More::Window([one, two, three]) => {
                let (one, two, three) = (one.as_ptr(), two.as_ptr(), three.as_ptr());
                read!(frame, c"S|Saddd", name, help, labels, one, two, three)
            }
            More::Object(class) => {
                read!(frame, c"S|SaO", name, help, labels, last, class.as_ptr())
            }
        }
    }
}

fn parse_callable(frame: &Frame, labels: ValueArgument<'_>) -> c_int {
    // Room for a `zend_fcall_info`, which takes 64 bytes. Its own type is missing in the bindings to PHP 8.6.
    let mut call: MaybeUninit<[usize; 16]> = MaybeUninit::uninit();
    let mut found: MaybeUninit<ffi::zend_fcall_info_cache> = MaybeUninit::zeroed();
    let (call, cache) = (call.as_mut_ptr(), found.as_mut_ptr());
    let (mut function, labels) = (null_mut::<Zval>(), labels.place());
    // SAFETY: as in `parse`; what was found is valid, or nothing and all zero.
    unsafe {
        let mut status = read!(frame, c"z|a", from_mut(&mut function), labels);
        if status == 0 && !zend_is_callable_ex(function, null_mut(), SILENTLY, null_mut(), cache, null_mut())
        {
            status = read!(frame, c"f|a", call, cache, labels); // throws, and says what is wrong with it
        }
        zend_release_fcall_info_cache(cache); // it is looked up again for the call
        status
    }
}

fn parse_registration(
    frame: &Frame,
    (namespace, name, help): (TextArgument<'_>, TextArgument<'_>, TextArgument<'_>),
    labels: ValueArgument<'_>,
    (more, last): (More<'_>, ValueArgument<'_>),
) -> c_int {
    let (namespace, name, help) = (namespace.place(), name.place(), help.place());
    let (labels, last) = (labels.place(), last.place());
    // SAFETY: as in `parse`.
    unsafe {
        match more {
            More::Array => read!(frame, c"SSS|aa!", namespace, name, help, labels, last),
            More::Summary(age) => {
                let (spec, age) = (c"SSS|ala!", age.as_ptr());
                read!(frame, spec, namespace, name, help, labels, age, last)
            }
            More::Window([one, two, three]) => {
                let (spec, one, two, three) = (c"SSS|addd", one.as_ptr(), two.as_ptr(), three.as_ptr());
                read!(frame, spec, namespace, name, help, labels, one, two, three)
            }
            _ => read!(frame, c"SSS|a", namespace, name, help, labels),
        }
    }
}

/// The parameters that [`parse`] reads, and where it stores them.
pub(crate) enum Parse<'p> {
    /// No arguments.
    Nothing,
    /// `array $labels = []`
    Labels(ValueArgument<'p>),
    /// `array $labels`
    Table(ValueArgument<'p>),
    /// `int|float $value, array $labels = []`
    Number(ValueArgument<'p>, ValueArgument<'p>),
    /// `float $value, array $labels = []`
    Float(&'p mut f64, ValueArgument<'p>),
    /// What comes first, then `array $labels = [], ?array $exemplar = null`
    Exemplar(First<'p>, ValueArgument<'p>, ValueArgument<'p>),
    /// `string $name, string $help = '', array $labelNames = []` and what a class adds.
    Definition {
        name: TextArgument<'p>,
        help: TextArgument<'p>,
        labels: ValueArgument<'p>,
        more: (More<'p>, ValueArgument<'p>),
    },
    /// `callable $fn, array $labels = []`
    Callable(ValueArgument<'p>),
    /// `string $namespace, string $name`
    Names(TextArgument<'p>, TextArgument<'p>),
    /// `string $namespace, string $name, string $help, array $labels = []` and what a metric adds.
    Registration {
        namespace: TextArgument<'p>,
        name: TextArgument<'p>,
        help: TextArgument<'p>,
        labels: ValueArgument<'p>,
        more: (More<'p>, ValueArgument<'p>),
    },
    /// `mixed $storage = null, bool $registerDefaultMetrics = true, array $constantLabels = []`
    Registry { storage: ValueArgument<'p>, defaults: &'p mut bool, constants: ValueArgument<'p> },
    /// `bool $switch`, optional
    Switch(&'p mut bool),
    /// `array $array, bool $switch`, the latter optional
    Array(ValueArgument<'p>, &'p mut bool),
    /// `float $start, float $step, int $count`
    Buckets(&'p mut f64, &'p mut f64, &'p mut i64),
}

/// The first argument of an update.
pub(crate) enum First<'p> {
    /// None.
    Nothing,
    /// `int|float $value`
    Number(ValueArgument<'p>),
    /// `float $value`
    Float(&'p mut f64),
}

/// The last argument of a constructor.
pub(crate) enum More<'p> {
    /// None.
    Nothing,
    /// An object of this class.
    Object(EnumClass),
    /// An array or null.
    Array,
    /// Three floats.
    Window(&'p [Cell<f64>; 3]),
    /// An integer, and after it an array or null.
    Summary(&'p Cell<i64>),
}
