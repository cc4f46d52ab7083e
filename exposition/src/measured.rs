//! The metrics of a family in protobuf, which are written to be measured: its length stands before it.

use crate::{prefix::Prefixes, protobuf::push_metric};
use promshm_segment::{Family, shared_work};
use std::sync::{Mutex, PoisonError};

/// Bytes of metrics that are kept at most; what is beyond them is written twice.
pub(crate) const MOST_KEPT: usize = 2 << 20;

/// The first metrics of a family, as they were measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) metrics: Vec<Vec<u8>>,
    /// The rows before this one are those of `metrics`.
    pub(crate) rows: usize,
}

/// Rows that a thread writes at a time.
const ROWS: usize = 256;

/// Numbers of rows, below which another thread would take longer to start than to help.
const MUCH: usize = 256 << 10;

/// The metrics of [`ROWS`] rows.
#[derive(Debug, Default)]
struct Batch {
    bytes: usize,
    /// What was written, unless there was too much of it.
    kept: Option<Vec<u8>>,
}

/// Writes and measures the metrics of a family of which each line is known. Returns how many bytes they are, and the first
/// of them.
pub(crate) fn measure(family: &Family, prefixes: &Prefixes) -> (usize, Measured) {
    let rows = family.row_count();
    let mut batches: Vec<Batch> = (0..rows.div_ceil(ROWS)).map(|_| Batch::default()).collect();
    let kept = Mutex::new(0);
    let is_much = rows * family.definition.numbers() >= MUCH;
    shared_work::share(is_much, (0..).step_by(ROWS).zip(&mut batches), |(first, batch)| {
        let metrics = written(family, prefixes, first);
        batch.bytes = metrics.len();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept + metrics.len() <= MOST_KEPT {
            *kept += metrics.len();
            batch.kept = Some(metrics);
        }
    });
    let bytes = batches.iter().map(|batch| batch.bytes).sum();
    let metrics: Vec<Vec<u8>> = batches.into_iter().map_while(|batch| batch.kept).collect();
    let rows = rows.min(metrics.len() * ROWS);
    (bytes, Measured { metrics, rows })
}

/// The metrics of the rows from `first` on.
fn written(family: &Family, prefixes: &Prefixes, first: usize) -> Vec<u8> {
    let (mut metrics, mut lines) = (Vec::new(), prefixes.lines());
    for row in family.rows_in(first..first + ROWS) {
        if let Some(line) = prefixes.known_line(row) {
            push_metric(&mut metrics, &family.definition, row, lines.get(line));
        }
    }
    metrics
}
