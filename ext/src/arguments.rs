//! Arguments of the hot methods: the usual types are read at once, everything else goes the engine's way.

use crate::zend::{
    IS_ARRAY, IS_DOUBLE, IS_LONG, Parse, argument, double_of, given, long_of, parse, parsed, type_of,
};
use ext_php_rs::{
    types::{ZendHashTable, Zval},
    zend::ExecuteData,
};
use std::ptr::null_mut;

/// Label values, as far as any were passed.
pub(crate) type Labels<'a> = Option<&'a ZendHashTable>;

/// `(array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn labels(ex: &ExecuteData) -> Option<Labels<'_>> {
    match (given(ex), argument(ex, 0)) {
        (0, _) => Some(None),
        (1, Some(table)) if type_of(table) == IS_ARRAY => Some(table.array()),
        _ => unusual_labels(ex),
    }
}

#[cold]
fn unusual_labels(ex: &ExecuteData) -> Option<Labels<'_>> {
    let mut labels = null_mut();
    parse(ex, Parse::Labels(&mut labels)).then(|| table(labels))
}

/// `(float $value, array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn float(ex: &ExecuteData) -> Option<(f64, Labels<'_>)> {
    usual(ex).or_else(|| unusual_float(ex))
}

/// `(int|float $value, array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn number(ex: &ExecuteData) -> Option<(f64, Labels<'_>)> {
    usual(ex).or_else(|| unusual_number(ex))
}

#[inline(always)]
fn usual(ex: &ExecuteData) -> Option<(f64, Labels<'_>)> {
    let value = numeric(argument(ex, 0)?)?;
    match (given(ex), argument(ex, 1)) {
        (1, _) => Some((value, None)),
        (2, Some(table)) if type_of(table) == IS_ARRAY => Some((value, table.array())),
        _ => None,
    }
}

#[inline(always)]
fn numeric(value: &Zval) -> Option<f64> {
    match type_of(value) {
        IS_LONG => Some(long_of(value) as f64),
        IS_DOUBLE => Some(double_of(value)),
        _ => None,
    }
}

#[cold]
fn unusual_float(ex: &ExecuteData) -> Option<(f64, Labels<'_>)> {
    let (mut value, mut labels) = (0.0, null_mut());
    parse(ex, Parse::Float(&mut value, &mut labels)).then(|| (value, table(labels)))
}

#[cold]
fn unusual_number(ex: &ExecuteData) -> Option<(f64, Labels<'_>)> {
    let (mut value, mut labels) = (null_mut(), null_mut());
    let done = parse(ex, Parse::Number(&mut value, &mut labels));
    let value = done.then(|| parsed(value)).flatten().and_then(numeric)?;
    Some((value, table(labels)))
}

/// `(callable $fn, array $labels = [])`; `None` if it threw.
pub(crate) fn callable(ex: &ExecuteData) -> Option<(&Zval, Labels<'_>)> {
    let mut labels = null_mut();
    let done = parse(ex, Parse::Callable(&mut labels));
    argument(ex, 0).filter(|_| done).map(|function| (function, table(labels)))
}

/// The array that the engine found, if one was passed.
pub(crate) fn table<'a>(labels: *mut Zval) -> Labels<'a> {
    parsed(labels).and_then(Zval::array)
}
