//! The objects of one metric in a registry: one for each order of its label names.

use crate::{
    classes::metric_class::names_in,
    engine::zval::{IS_STRING, array_address, is_shared, list_of, type_of},
    session::labels,
};
use ext_php_rs::types::{ZendHashTable, Zval};
use promshm_segment::order;

/// A metric object, and its label names in their order.
#[derive(Debug)]
pub(crate) struct OrderedHandle {
    /// The label names, packed for the comparison with those of a call.
    packed: Vec<u8>,
    label_names: Vec<String>,
    /// The array of the call that made this, if it has other holders, as a literal has: the same array comes with
    /// the next call, and cannot change as long as it is held here.
    _array: Option<Zval>,
    /// The address of that array; 0 without one.
    address: usize,
    pub(crate) object: Zval,
}

/// The result of looking for the order in which a definition names the labels.
#[derive(Debug)]
pub(crate) enum Order {
    /// There is an object of this order.
    Known(Zval),
    /// The same labels in another order.
    New,
    /// Other labels.
    OtherLabels,
}

impl OrderedHandle {
    /// `argument` is the array of the call, if there was a call.
    pub(crate) fn new(label_names: Vec<String>, argument: Option<&Zval>, object: Zval) -> Self {
        let texts: Vec<&str> = label_names.iter().map(String::as_str).collect();
        let array = argument.filter(|array| comes_again(array)).map(Zval::shallow_clone);
        let address = array.as_ref().and_then(array_address).unwrap_or_default();
        Self { packed: labels::pack_texts(&texts), label_names, _array: array, address, object }
    }

    /// Whether a call's array, or its absence, names the labels in this order.
    #[inline(always)]
    fn is_named_by(&self, argument: Option<&Zval>) -> bool {
        let Some(array) = argument else { return self.label_names.is_empty() };
        array_address(array) == Some(self.address) || self.is_list_of(array)
    }

    #[inline(never)]
    fn is_list_of(&self, array: &Zval) -> bool {
        list_of(array).is_some_and(|names| {
            names.len() == self.label_names.len()
                && names.iter().all(|name| type_of(name) == IS_STRING)
                && labels::key_equals(names.iter(), &self.packed)
        })
    }

    fn has_the_labels(&self, sorted: &[&String]) -> bool {
        let own = &self.label_names;
        let order = order::sorted(own.len(), &|a, b| own[a].cmp(&own[b]));
        order.into_iter().map(|at| &own[at]).eq(sorted.iter().copied())
    }
}

/// Whether the array is a list of strings, without references that could change it, that others hold too.
fn comes_again(array: &Zval) -> bool {
    let is_plain = |names: &[Zval]| names.iter().all(|name| type_of(name) == IS_STRING);
    list_of(array).is_some_and(is_plain) && array.array().is_some_and(is_shared)
}

/// The object whose order is that of a call's array.
#[inline(always)]
pub(crate) fn find(handles: &[OrderedHandle], argument: Option<&Zval>) -> Option<Zval> {
    let handle = handles.iter().find(|handle| handle.is_named_by(argument))?;
    Some(handle.object.shallow_clone())
}

/// Looks for the order of a definition. An array that is not a list of names has no order.
pub(crate) fn find_named(handles: &[OrderedHandle], table: Option<&ZendHashTable>) -> Order {
    let Some(names) = table.map_or(Some(Vec::new()), names_in) else { return Order::OtherLabels };
    if let Some(known) = handles.iter().find(|handle| handle.label_names == names) {
        return Order::Known(known.object.shallow_clone());
    }
    let order = order::sorted(names.len(), &|a, b| names[a].cmp(&names[b]));
    let names: Vec<&String> = order.into_iter().map(|at| &names[at]).collect();
    let is_permutation = handles.iter().any(|handle| handle.has_the_labels(&names));
    if is_permutation { Order::New } else { Order::OtherLabels }
}
