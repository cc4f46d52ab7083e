//! Lists of numbers: buckets, quantiles.

use crate::zend::{IS_DOUBLE, IS_LONG, IS_STRING, bytes_of, dereferenced, double_of, long_of, type_of};
use ext_php_rs::types::{ZendHashTable, Zval};

/// The numbers of an array; `None` if one of them is none.
pub(crate) fn list_of(table: &ZendHashTable) -> Option<Vec<f64>> {
    let number = |value: &Zval| {
        let value = dereferenced(value);
        match type_of(value) {
            IS_LONG => Some(long_of(value) as f64),
            IS_DOUBLE => Some(double_of(value)),
            IS_STRING => std::str::from_utf8(bytes_of(value)?).ok()?.trim().parse().ok(),
            _ => None,
        }
    };
    table.values().map(number).collect()
}

/// Returns numbers as an array.
pub(crate) fn return_list(ret: &mut Zval, numbers: impl Iterator<Item = f64>) {
    let mut list = ZendHashTable::new();
    for number in numbers {
        let _only_fails_on_overflow = list.push(number);
    }
    ret.set_hashtable(list);
}
