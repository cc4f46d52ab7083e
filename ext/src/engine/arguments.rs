//! Arguments of the hot methods: the usual types are read directly, everything else by the engine's own parser.

use crate::engine::{
    call::Frame,
    callable::is_closure,
    zval::{First, Found, IS_ARRAY, Parse, number_of, parse, type_of},
};
use ext_php_rs::types::{ZendHashTable, Zval};

/// Label values, if any were passed.
pub(crate) type Labels<'a> = Option<&'a ZendHashTable>;

/// An exemplar's labels, if one was passed.
pub(crate) type Exemplar<'a> = Option<&'a ZendHashTable>;

/// `(array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn labels(frame: &Frame) -> Option<Labels<'_>> {
    match (frame.given(), frame.argument(0)) {
        (0, _) => Some(None),
        (1, Some(table)) if type_of(table) == IS_ARRAY => Some(table.array()),
        _ => unusual_labels(frame),
    }
}

#[cold]
fn unusual_labels(frame: &Frame) -> Option<Labels<'_>> {
    let labels = Found::in_call(frame);
    parse(frame, Parse::Labels(&labels)).then(|| labels.table())
}

/// `(array $labels = [], ?array $exemplar = null)`; `None` if it threw.
#[inline(always)]
pub(crate) fn labels_and_exemplar(frame: &Frame) -> Option<(Labels<'_>, Exemplar<'_>)> {
    match (frame.given(), frame.argument(0)) {
        (0, _) => Some((None, None)),
        (1, Some(table)) if type_of(table) == IS_ARRAY => Some((table.array(), None)),
        _ => two_arrays(frame, 0).or_else(|| with_exemplar(frame, First::Nothing)),
    }
}

/// Labels and an exemplar, if both were passed, from index `n` on, and nothing after them.
fn two_arrays(frame: &Frame, n: u32) -> Option<(Labels<'_>, Exemplar<'_>)> {
    let (labels, exemplar) = (frame.argument(n)?.array()?, frame.argument(n + 1)?.array()?);
    (frame.given() == n + 2).then_some((Some(labels), Some(exemplar)))
}

/// A number, labels and an exemplar, if just these were passed.
fn number_and_arrays(frame: &Frame) -> Option<(f64, Labels<'_>, Exemplar<'_>)> {
    let value = number_of(frame.argument(0)?)?;
    let (labels, exemplar) = two_arrays(frame, 1)?;
    Some((value, labels, exemplar))
}

#[cold]
fn with_exemplar<'a>(frame: &'a Frame, first: First<'_>) -> Option<(Labels<'a>, Exemplar<'a>)> {
    let (labels, exemplar) = (Found::in_call(frame), Found::in_call(frame));
    let done = parse(frame, Parse::Exemplar(first, &labels, &exemplar));
    done.then(|| (labels.table(), exemplar.table()))
}

/// The first argument, if there is one and it is a number.
#[inline(always)]
pub(crate) fn first_number(frame: &Frame) -> Option<f64> {
    number_of(frame.argument(0)?)
}

/// `(float $value, array $labels = [], ?array $exemplar = null)`; `None` if it threw.
#[inline(always)]
pub(crate) fn float_and_exemplar(frame: &Frame) -> Option<(f64, Labels<'_>, Exemplar<'_>)> {
    match usual(frame) {
        Some((value, labels)) => Some((value, labels, None)),
        None => unusual_float_and_exemplar(frame),
    }
}

#[cold]
fn unusual_float_and_exemplar(frame: &Frame) -> Option<(f64, Labels<'_>, Exemplar<'_>)> {
    if let Some(usual) = number_and_arrays(frame) {
        return Some(usual);
    }
    let mut value = 0.0;
    let (labels, exemplar) = with_exemplar(frame, First::Float(&mut value))?;
    Some((value, labels, exemplar))
}

/// `(int|float $value, array $labels = [], ?array $exemplar = null)`; `None` if it threw.
#[inline(always)]
pub(crate) fn number_and_exemplar(frame: &Frame) -> Option<(f64, Labels<'_>, Exemplar<'_>)> {
    match usual(frame) {
        Some((value, labels)) => Some((value, labels, None)),
        None => unusual_number_and_exemplar(frame),
    }
}

#[cold]
fn unusual_number_and_exemplar(frame: &Frame) -> Option<(f64, Labels<'_>, Exemplar<'_>)> {
    if let Some(usual) = number_and_arrays(frame) {
        return Some(usual);
    }
    let value = Found::in_call(frame);
    let (labels, exemplar) = with_exemplar(frame, First::Number(&value))?;
    Some((value.value().and_then(number_of)?, labels, exemplar))
}

/// `(float $value, array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn float(frame: &Frame) -> Option<(f64, Labels<'_>)> {
    usual(frame).or_else(|| unusual_float(frame))
}

/// `(int|float $value, array $labels = [])`; `None` if it threw.
#[inline(always)]
pub(crate) fn number(frame: &Frame) -> Option<(f64, Labels<'_>)> {
    usual(frame).or_else(|| unusual_number(frame))
}

#[inline(always)]
fn usual(frame: &Frame) -> Option<(f64, Labels<'_>)> {
    let value = number_of(frame.argument(0)?)?;
    match (frame.given(), frame.argument(1)) {
        (1, _) => Some((value, None)),
        (2, Some(table)) if type_of(table) == IS_ARRAY => Some((value, table.array())),
        _ => None,
    }
}

#[cold]
fn unusual_float(frame: &Frame) -> Option<(f64, Labels<'_>)> {
    let (mut value, labels) = (0.0, Found::in_call(frame));
    parse(frame, Parse::Float(&mut value, &labels)).then(|| (value, labels.table()))
}

#[cold]
fn unusual_number(frame: &Frame) -> Option<(f64, Labels<'_>)> {
    let (value, labels) = (Found::in_call(frame), Found::in_call(frame));
    let done = parse(frame, Parse::Number(&value, &labels));
    let value = done.then(|| value.value()).flatten().and_then(number_of)?;
    Some((value, labels.table()))
}

/// A closure, if that is all that was passed.
#[inline]
pub(crate) fn only_closure(frame: &Frame) -> Option<&Zval> {
    frame.argument(0).filter(|function| frame.given() == 1 && is_closure(function))
}

/// `(callable $fn, array $labels = [])`; `None` if it threw.
pub(crate) fn callable(frame: &Frame) -> Option<(&Zval, Labels<'_>)> {
    let function = frame.argument(0).filter(|function| is_closure(function));
    if let (Some(function), Some(table)) = (function, frame.argument(1))
        && frame.given() == 2
        && type_of(table) == IS_ARRAY
    {
        return Some((function, table.array()));
    }
    let labels = Found::in_call(frame);
    let done = parse(frame, Parse::Callable(&labels));
    frame.argument(0).filter(|_| done).map(|function| (function, labels.table()))
}
