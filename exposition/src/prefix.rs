//! Everything of a sample's line but its number: escaped once, kept as bytes.

use crate::{
    escape::{push_help, push_label_value},
    format::Format,
    number::push_bound,
};
use promshm_segment::{Definition, Kind, snapshot::Row};

/// The beginnings of a family's lines, up to and with the space before the number.
///
/// A row's lines are written when it is first seen with a value: a gauge that no
/// living process has set may never be.
#[derive(Debug)]
pub(crate) struct Prefixes {
    bytes: Vec<u8>,
    /// Where line `n` begins in `bytes`, and where the last one ends.
    starts: Vec<usize>,
    /// The first line of each row, or [`UNSEEN`].
    first_lines: Vec<usize>,
}

/// A row whose lines are not written yet.
const UNSEEN: usize = usize::MAX;

impl Prefixes {
    /// Of a family that has `rows` rows.
    pub(crate) fn with_rows(rows: usize) -> Self {
        Self { bytes: Vec::new(), starts: vec![0], first_lines: vec![UNSEEN; rows] }
    }

    /// The number of the row's first line; its others follow.
    pub(crate) fn first_line(&mut self, definition: &Definition, row: Row<'_>, format: Format) -> usize {
        let known = self.first_lines[row.index()];
        if known == UNSEEN { self.push_row(definition, row, format) } else { known }
    }

    /// The beginning of line `number`.
    pub(crate) fn line(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number]..self.starts[number + 1]]
    }

    #[cold]
    fn push_row(&mut self, definition: &Definition, row: Row<'_>, format: Format) -> usize {
        let first = self.starts.len() - 1;
        self.first_lines[row.index()] = first;
        if definition.kind == Kind::Histogram {
            for bound in definition.bounds.iter().copied().chain([f64::INFINITY]) {
                self.push_line(definition, "_bucket", row, Some(bound));
            }
            self.push_line(definition, "_sum", row, None);
            self.push_line(definition, "_count", row, None);
        } else {
            self.push_line(definition, sample_suffix(definition.kind, format), row, None);
        }
        first
    }

    fn push_line(&mut self, definition: &Definition, suffix: &str, row: Row<'_>, le: Option<f64>) {
        let bytes = &mut self.bytes;
        bytes.extend_from_slice(definition.name.as_bytes());
        bytes.extend_from_slice(suffix.as_bytes());
        push_labels(bytes, definition, row, le);
        bytes.push(b' ');
        self.starts.push(bytes.len());
    }
}

/// What the format adds to the name of a sample that is not a histogram's.
fn sample_suffix(_kind: Kind, format: Format) -> &'static str {
    match format {
        Format::Text => "",
    }
}

fn push_labels(bytes: &mut Vec<u8>, definition: &Definition, row: Row<'_>, le: Option<f64>) {
    let mut separator = b'{';
    for (name, value) in definition.label_names.iter().zip(row.labels()) {
        bytes.push(separator);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"=\"");
        push_label_value(bytes, value);
        bytes.push(b'"');
        separator = b',';
    }
    if let Some(bound) = le {
        bytes.push(separator);
        bytes.extend_from_slice(b"le=\"");
        push_bound(bytes, bound);
        bytes.push(b'"');
        separator = b',';
    }
    if separator == b',' {
        bytes.push(b'}');
    }
}

/// Appends a family's `HELP` (if it has one) and `TYPE`.
pub(crate) fn push_header(page: &mut Vec<u8>, definition: &Definition) {
    if !definition.help.is_empty() {
        page.extend_from_slice(b"# HELP ");
        page.extend_from_slice(definition.name.as_bytes());
        page.push(b' ');
        push_help(page, &definition.help);
        page.push(b'\n');
    }
    page.extend_from_slice(b"# TYPE ");
    page.extend_from_slice(definition.name.as_bytes());
    page.push(b' ');
    page.extend_from_slice(definition.kind.as_str().as_bytes());
    page.push(b'\n');
}
