//! Exemplars from PHP: `['trace_id' => 'abc']`.

use crate::{
    engine::{
        zval,
        zval::{IS_LONG, bytes_of, dereferenced, long_of, type_of},
    },
    session::attachment,
};
use ext_php_rs::types::ZendHashTable;
use promshm_segment::{
    format::exemplar::{BadLabels, ExemplarLabels},
    memory::atomic,
    snapshot::Reason,
};
use std::io::Write;

/// Notes the exemplar of an update that was made. An invalid exemplar, or one without a place, is counted as
/// dropped; the update stands without it. An empty array is no exemplar.
#[cold]
pub(crate) fn note(cell: &atomic::Cell, is_shared: bool, value: f64, table: &ZendHashTable) {
    if zval::is_empty(table) {
        return;
    }
    let mut labels = ExemplarLabels::default();
    match push_all(table, &mut labels) {
        // Several processes write a shared cell, so it has no place for an exemplar.
        Ok(()) if !is_shared => attachment::note_exemplar(cell, &labels, value),
        _ => attachment::count_drop(Reason::Exemplar),
    }
}

fn push_all(table: &ZendHashTable, labels: &mut ExemplarLabels) -> Result<(), BadLabels> {
    for element in zval::named_values(table) {
        let (name, value) = element.map_err(|_| BadLabels)?;
        let value = dereferenced(value);
        match bytes_of(value) {
            Some(bytes) => labels.push(name, bytes)?,
            None if type_of(value) == IS_LONG => push_number(labels, name, long_of(value))?,
            None => return Err(BadLabels),
        }
    }
    Ok(())
}

fn push_number(labels: &mut ExemplarLabels, name: &[u8], number: i64) -> Result<(), BadLabels> {
    let mut digits = [0; 20]; // enough for the longest, -2^63
    let mut rest = &mut digits[..];
    write!(rest, "{number}").map_err(|_| BadLabels)?;
    let left = rest.len();
    labels.push(name, &digits[..20 - left])
}
