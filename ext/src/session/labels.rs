//! Label values from PHP, packed into one key: each value after its length.
//!
//! A key holds the values as the segment stores them: UTF-8, and cut at its length limit. So all spellings that the
//! segment stores as one series have one key, and a process remembers no more series than the segment has. A value
//! that needs no change has the bytes of the PHP string, so the fast path compares these.

use crate::engine::{
    exceptions::{Thrown, invalid_argument, type_error},
    float_list,
    globals::interpreter_local,
    zval::{
        IS_DOUBLE, IS_FALSE, IS_LONG, IS_NULL, IS_OBJECT, IS_STRING, IS_TRUE, IS_UNDEF, bytes_of, case_value,
        dereferenced, described, double_of, long_of, same_bytes, stringified, type_of,
    },
};
use ext_php_rs::{
    types::{ZendHashTable, Zval},
    zend::ce,
};
use promshm_segment::{Definition, push_label_value};
use std::io::Write;

interpreter_local! {
    /// The attached segment's limit of a label value, in bytes; without a segment nothing is cut.
    static LIMIT: usize = usize::MAX;
}

/// Sets the length at which values are cut, as the segment does.
pub(crate) fn set_limit(limit: usize) {
    LIMIT.set(limit);
}

/// Packs the values of an array: a list in the order of the label names, or keyed by them.
pub(crate) fn pack_table(
    definition: &Definition,
    table: &ZendHashTable,
    key: &mut Vec<u8>,
) -> Result<(), Thrown> {
    let names = &definition.label_names;
    if table.len() != names.len() {
        return Err(wrong_count(definition, table.len()));
    }
    let is_list = names.is_empty() || table.get_index(0).is_some();
    for (index, name) in names.iter().enumerate() {
        let value = if is_list { table.get_index(index as i64) } else { table.get(name.as_str()) };
        let value = value.ok_or_else(|| missing(definition, table, index, is_list))?;
        pack_value(definition, index, value, key)?;
    }
    Ok(())
}

/// The values of an array that is keyed by some of the names; `None` for each other name.
pub(crate) fn some_values(
    definition: &Definition,
    table: &ZendHashTable,
) -> Result<Vec<Option<String>>, Thrown> {
    let Definition { name, label_names, .. } = definition;
    if let Some(problem) = problem_with_some(definition, table) {
        return Err(invalid_argument(&problem));
    }
    let value_of = |label: &String| {
        let value = table.get(label.as_str());
        value.map(|value| text_of(value, || format!("{name}: label {label}"))).transpose()
    };
    label_names.iter().map(value_of).collect()
}

fn problem_with_some(definition: &Definition, table: &ZendHashTable) -> Option<String> {
    let Definition { name, label_names, .. } = definition;
    let known = label_names.join(", ");
    if table.is_empty() {
        return Some(format!("{name}: removeMatching() needs a label; clear() removes all series"));
    }
    let unknown = table.iter().map(|(key, _)| key.to_string()).find(|key| !label_names.contains(key))?;
    Some(if label_names.is_empty() {
        format!("{name} has no labels, but {unknown} given: clear() removes its series")
    } else {
        format!(
            "{name}: {unknown} is not one of its labels ({known}): key each value by the name of its label"
        )
    })
}

/// Packs the values of an argument list.
pub(crate) fn pack_arguments(
    definition: &Definition,
    values: &[Zval],
    key: &mut Vec<u8>,
) -> Result<(), Thrown> {
    if values.len() != definition.label_names.len() {
        return Err(wrong_count(definition, values.len()));
    }
    values.iter().enumerate().try_for_each(|(index, value)| pack_value(definition, index, value, key))
}

fn pack_value(definition: &Definition, index: usize, value: &Zval, key: &mut Vec<u8>) -> Result<(), Thrown> {
    let start = key.len();
    key.extend_from_slice(&[0; 4]);
    let name = || format!("{}: label {}", definition.name, definition.label_names[index]);
    push_text(value, name, key, LIMIT.get())?;
    let length = (key.len() - start - 4) as u32;
    key[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// The text of one label value. `name` makes the label's name for an error.
pub(crate) fn text_of(value: &Zval, name: impl FnOnce() -> String) -> Result<String, Thrown> {
    let mut text = Vec::new();
    push_text(value, name, &mut text, usize::MAX)?;
    Ok(String::from_utf8(text).unwrap_or_default())
}

fn push_text(
    value: &Zval,
    name: impl FnOnce() -> String,
    text: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Thrown> {
    let value = dereferenced(value);
    match type_of(value) {
        IS_STRING => push_label_value(text, bytes_of(value).unwrap_or_default(), limit),
        IS_LONG => write(text, long_of(value)),
        IS_DOUBLE => write(text, float_list::PhpDouble(double_of(value))),
        IS_TRUE => text.extend_from_slice(b"true"),
        IS_FALSE => text.extend_from_slice(b"false"),
        IS_NULL | IS_UNDEF => {}
        IS_OBJECT if is_stringable(value) => {
            push_label_value(text, &stringified(value)?, limit);
        }
        _ => match case_value(value) {
            Some(value) if type_of(value) == IS_LONG => write(text, long_of(value)),
            Some(value) => push_label_value(text, bytes_of(value).unwrap_or_default(), limit),
            None => return Err(wrong_type(&name(), value)),
        },
    }
    Ok(())
}

/// Packs values that are known to be strings.
pub(crate) fn pack_strings(values: &[Zval]) -> Vec<u8> {
    pack_all(values.iter().map(|value| bytes_of(value).unwrap_or_default()))
}

/// Packs Rust strings.
pub(crate) fn pack_texts(texts: &[&str]) -> Vec<u8> {
    pack_all(texts.iter().map(|text| text.as_bytes()))
}

fn pack_all<'v>(values: impl Iterator<Item = &'v [u8]>) -> Vec<u8> {
    let mut key = Vec::new();
    for bytes in values {
        push_raw(bytes, &mut key);
    }
    key
}

/// Packs a value as the segment stores it.
pub(crate) fn push_part(value: &[u8], key: &mut Vec<u8>) {
    let start = key.len();
    key.extend_from_slice(&[0; 4]);
    push_label_value(key, value, LIMIT.get());
    let length = (key.len() - start - 4) as u32;
    key[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Packs a value as it is.
pub(crate) fn push_raw(value: &[u8], key: &mut Vec<u8>) {
    key.extend_from_slice(&(value.len() as u32).to_le_bytes());
    key.extend_from_slice(value);
}

fn is_stringable(value: &Zval) -> bool {
    value.object().is_some_and(|object| object.instance_of(ce::stringable()))
}

fn write(key: &mut Vec<u8>, value: impl std::fmt::Display) {
    let _a_vec_takes_all = write!(key, "{value}");
}

/// Whether the key holds just these values; `false` if one of them is not a string or an integer.
#[inline(always)]
pub(crate) fn key_equals<'v>(values: impl Iterator<Item = &'v Zval>, key: &[u8]) -> bool {
    let mut rest = key;
    let mut values = values;
    values.all(|value| {
        let mut digits = itoa::Buffer::new();
        let bytes = bytes_of(value).or_else(|| {
            let is_integer = type_of(value) == IS_LONG;
            is_integer.then(|| digits.format(long_of(value)).as_bytes())
        });
        let (Some(bytes), Some((length, tail))) = (bytes, rest.split_first_chunk::<4>()) else {
            return false;
        };
        let same_length = u32::from_le_bytes(*length) as usize == bytes.len();
        match tail.split_at_checked(bytes.len()) {
            Some((known, tail)) if same_length && same_bytes(known, bytes) => {
                rest = tail;
                true
            }
            _ => false,
        }
    })
}

/// The raw values in a key.
pub(crate) fn parts(mut key: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = key.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        key = rest;
        Some(value)
    })
}

/// The raw value in a key that has one.
#[inline(always)]
pub(crate) fn only_part(key: &[u8]) -> Option<&[u8]> {
    key.get(4..)
}

/// The values in a key.
pub(crate) fn unpack(key: &[u8]) -> Vec<&str> {
    parts(key).map(|value| str::from_utf8(value).unwrap_or_default()).collect()
}

/// Whether no value in a key exceeds the segment's limit. A key that was packed before the process attached may
/// exceed it.
pub(crate) fn is_within_limit(key: &[u8]) -> bool {
    parts(key).all(|value| value.len() <= LIMIT.get())
}

pub(crate) fn wrong_count(definition: &Definition, given: usize) -> Thrown {
    let Definition { name, label_names, .. } = definition;
    invalid_argument(&match label_names.len() {
        0 => format!(
            "{name} has no labels, but {given} given: leave them out, or name them in the constructor"
        ),
        n => format!(
            "{name} needs {n} label value{} ({}), {given} given: pass one for each, in this order or keyed by name",
            if n == 1 { "" } else { "s" },
            label_names.join(", "),
        ),
    })
}

fn missing(definition: &Definition, table: &ZendHashTable, index: usize, is_list: bool) -> Thrown {
    let Definition { name, label_names, .. } = definition;
    let known = label_names.join(", ");
    if is_list {
        let message =
            format!("{name}: label values must be a list (keys 0, 1, …) or keyed by name ({known})");
        return invalid_argument(&message);
    }
    let unknown = table.iter().map(|(key, _)| key.to_string()).find(|key| !label_names.contains(key));
    invalid_argument(&format!(
        "{name}: label {} is missing{}; the labels are {known}",
        label_names[index],
        unknown.map(|key| format!(", and {key} is not one of its labels")).unwrap_or_default(),
    ))
}

/// Throws for label values of which some are passed by position and others by name.
pub(crate) fn mixed(definition: &Definition, by_name: &ZendHashTable) -> Thrown {
    let Definition { name, label_names, .. } = definition;
    let unknown = by_name.iter().map(|(key, _)| key.to_string()).find(|key| !label_names.contains(key));
    invalid_argument(&format!(
        "{name}: {}pass all label values in this order ({}), or all by name",
        unknown.map(|key| format!("{key} is not one of its labels; ")).unwrap_or_default(),
        label_names.join(", "),
    ))
}

/// Throws if a label value was passed as null. In an array null stands for the empty value, but the declared types
/// of the arguments exclude it.
pub(crate) fn refuse_null_arguments(
    definition: &Definition,
    values: &[Zval],
    by_name: Option<&ZendHashTable>,
) -> Result<(), Thrown> {
    let mut values = values.iter().chain(by_name.into_iter().flat_map(ZendHashTable::values));
    if values.any(|value| type_of(dereferenced(value)) == IS_NULL) {
        let name = &definition.name;
        let rule = "label values must be of type Stringable|UnitEnum|string|int|float|bool, null given";
        return Err(type_error(&format!("{name}: {rule}")));
    }
    Ok(())
}

fn wrong_type(label: &str, value: &Zval) -> Thrown {
    invalid_argument(&format!(
        "{label} must be a string, a number, a bool, an enum or Stringable, but is {}",
        described(value)
    ))
}
