//! The prefix of a sample's line: everything but its number, escaped once and cached as bytes.

use crate::{
    escape::{push_help, push_quotable},
    format::Format,
    front_coding::{FrontCoded, Lines},
    number::push_bound,
    openmetrics::{Announced, announced, has_sum},
    protobuf::{push_label, push_line, single_size},
};
use promshm_segment::{Definition, Family, Kind, snapshot::Row};
use std::sync::Arc;

/// A label that all series of a page's source carry, as bytes of their lines.
#[derive(Debug)]
pub(crate) struct CommonLabel {
    name: String,
    value: String,
    /// `name="value"`, escaped.
    text: Vec<u8>,
}

impl CommonLabel {
    pub(crate) fn new(name: &str, value: &str) -> Self {
        let mut text = format!("{name}=\"").into_bytes();
        push_quotable(&mut text, value);
        text.push(b'"');
        Self { name: name.into(), value: value.into(), text }
    }

    /// What stands before a label's name, so that it is no other label's.
    fn rename(&self, name: &str, definition: &Definition) -> String {
        let is_taken = |name: &String| definition.label_names.contains(name);
        let mut prefix = String::new();
        if name == self.name {
            prefix.push_str(EXPORTED);
            while is_taken(&format!("{prefix}{name}")) {
                prefix.push_str(EXPORTED);
            }
        }
        prefix
    }
}

const EXPORTED: &str = "exported_";

/// The prefixes of a family's lines, up to and including the space before the number.
///
/// A row's prefixes are written when it first has a value: a gauge that no living process has set may never have one.
#[derive(Debug)]
pub(crate) struct Prefixes {
    lines: FrontCoded,
    /// The first line of each row, or [`UNSEEN`], or [`TOO_LARGE`].
    first_lines: Vec<u32>,
    /// In protobuf, the length of each row's line that is written.
    lengths: Vec<u32>,
    /// In protobuf, bytes of all written rows as metrics of a single number.
    singles: usize,
    /// Rows that were written before rows with a smaller index.
    late: usize,
    last_row: usize,
    label: Option<Arc<CommonLabel>>,
    /// The name of each row's additional line with its creation time.
    created: Option<String>,
    /// Most bytes of one row's lines.
    row_limit: usize,
}

/// A row whose prefixes are not written yet.
const UNSEEN: u32 = u32::MAX;
/// A row whose prefixes exceed the limit.
const TOO_LARGE: u32 = u32::MAX - 1;

/// What a line is counted as beside its bytes.
const LINE: usize = size_of::<usize>();

impl Prefixes {
    /// Of a family whose rows each have their own labels after `label`. Lines of one row take at most
    /// `row_limit` bytes.
    pub(crate) fn new(
        family: &Family,
        label: Option<Arc<CommonLabel>>,
        created: Option<String>,
        row_limit: usize,
    ) -> Self {
        let first_lines = vec![UNSEEN; family.row_count()];
        let (lines, lengths) = (FrontCoded::default(), Vec::new());
        Self { lines, first_lines, lengths, singles: 0, late: 0, last_row: 0, label, created, row_limit }
    }

    /// About how many bytes the lines of a row take whose label values have that many.
    fn row_bytes(&self, definition: &Definition, label_bytes: usize) -> usize {
        let common = self.label.as_ref().map_or(0, |label| label.text.len() + 1);
        let lines = lines(definition) + usize::from(self.created.is_some());
        lines.saturating_mul(bare_line(definition) + common + label_bytes)
    }

    /// Bytes of all lines and their places, which the limit of a page counts; in memory they take far less.
    pub(crate) fn size(&self) -> usize {
        self.lines.length() + self.lines.count() * LINE
    }

    /// Whether so many rows came late that reading in the rows' order takes much longer than writing all lines anew.
    pub(crate) fn are_out_of_order(&self) -> bool {
        self.late > 64 && self.late > self.first_lines.len() / 64
    }

    /// Whether each row's last line is that which tells when its series was made.
    pub(crate) fn have_created(&self) -> bool {
        self.created.is_some()
    }

    /// The number of the row's first line; its others follow. `None` where the lines would take more than
    /// the limit of a row, or than `room`.
    pub(crate) fn first_line(
        &mut self,
        definition: &Definition,
        row: Row<'_>,
        format: Format,
        room: usize,
    ) -> Option<usize> {
        match self.first_lines[row.index()] {
            UNSEEN => self.push_row(definition, row, format, room),
            TOO_LARGE => None,
            known => Some(known as usize),
        }
    }

    /// As [`Prefixes::first_line`], if it was written before.
    pub(crate) fn known_line(&self, row: Row<'_>) -> Option<usize> {
        let first = Some(self.first_lines[row.index()]);
        first.filter(|line| ![UNSEEN, TOO_LARGE].contains(line)).map(|first| first as usize)
    }

    /// Line `number` without its value. In protobuf a row has one line: see [`push_line`].
    pub(crate) fn line(&mut self, number: usize) -> &[u8] {
        self.lines.get(number)
    }

    /// Reads the lines that are written, beside others.
    pub(crate) fn lines(&self) -> Lines<'_> {
        self.lines.lines()
    }

    /// In protobuf, whether the line of each row is written.
    pub(crate) fn has_all(&self, family: &Family) -> bool {
        let rows = family.row_count();
        self.lines.count() == rows && self.first_lines.len() == rows
    }

    /// In protobuf, the length of the line of a row that was written.
    pub(crate) fn length(&self, row: Row<'_>) -> usize {
        self.lengths.get(row.index()).map_or(0, |length| *length as usize)
    }

    /// In protobuf, whether each row of the family has a value, and its line is written.
    pub(crate) fn are_complete(&self, family: &Family) -> bool {
        self.has_all(family) && family.series() == family.row_count()
    }

    /// In protobuf, bytes of the metrics of all rows that are written, if each is a single number without an exemplar.
    pub(crate) fn singles(&self) -> usize {
        self.singles
    }

    fn push_protobuf_line(&mut self, definition: &Definition, row: Row<'_>) {
        let (label, before) = (self.label.as_deref(), self.lines.length());
        self.lines.push(|line| {
            push_line(line, definition.kind, row, |line| push_label_pairs(line, label, definition, row));
        });
        self.lengths.resize(self.first_lines.len(), 0);
        let length = self.lines.length() - before;
        self.lengths[row.index()] = length as u32;
        self.singles += single_size(length);
    }

    #[cold]
    fn push_row(
        &mut self,
        definition: &Definition,
        row: Row<'_>,
        format: Format,
        room: usize,
    ) -> Option<usize> {
        let bytes = self.row_bytes(definition, label_bytes(row));
        if bytes > self.row_limit {
            self.first_lines[row.index()] = TOO_LARGE;
        }
        if bytes > self.row_limit.min(room.saturating_sub(self.size())) {
            return None;
        }
        let first = self.lines.count();
        self.first_lines[row.index()] = u32::try_from(first).ok().filter(|first| *first < TOO_LARGE)?;
        self.late += usize::from(row.index() < self.last_row);
        self.last_row = row.index();
        if format == Format::Protobuf {
            self.push_protobuf_line(definition, row);
            return Some(first);
        }
        let name = &definition.name;
        match definition.kind {
            Kind::Counter | Kind::Gauge(_) => self.push_line(name, "", definition, row, None),
            Kind::Histogram | Kind::NativeHistogram(_) => {
                let bucket = |bound| self.push_line(name, "_bucket", definition, row, Some(("le", bound)));
                bucket_bounds(definition).into_iter().chain([f64::INFINITY]).for_each(bucket);
                if format != Format::OpenMetrics || has_sum(definition) {
                    self.push_sum_and_count(definition, row);
                }
            }
            Kind::Summary { .. } => {
                for quantile in &definition.bounds {
                    self.push_line(name, "", definition, row, Some(("quantile", *quantile)));
                }
                self.push_sum_and_count(definition, row);
            }
        }
        if let Some(name) = self.created.take() {
            self.push_line(&name, "", definition, row, None);
            self.created = Some(name);
        }
        Some(first)
    }

    fn push_sum_and_count(&mut self, definition: &Definition, row: Row<'_>) {
        self.push_line(&definition.name, "_sum", definition, row, None);
        self.push_line(&definition.name, "_count", definition, row, None);
    }

    /// `own` is the label that distinguishes the lines of a series: `le` or `quantile`.
    fn push_line(
        &mut self,
        name: &str,
        suffix: &str,
        definition: &Definition,
        row: Row<'_>,
        own: Option<(&str, f64)>,
    ) {
        let label = self.label.as_deref();
        self.lines.push(|line| {
            line.extend_from_slice(name.as_bytes());
            line.extend_from_slice(suffix.as_bytes());
            push_labels(line, label, definition, row, own);
            line.push(b' ');
        });
    }
}

/// The number of lines of each row before the one with its creation time.
pub(crate) fn value_lines(definition: &Definition, format: Format) -> usize {
    match definition.kind {
        Kind::Histogram | Kind::NativeHistogram(_)
            if format == Format::OpenMetrics && !has_sum(definition) =>
        {
            lines(definition) - 2
        }
        _ => lines(definition),
    }
}

/// The maximum number of lines of a row, without `_created`.
fn lines(definition: &Definition) -> usize {
    match definition.kind {
        Kind::Counter | Kind::Gauge(_) => 1,
        Kind::Histogram => definition.bounds.len() + 3,
        Kind::NativeHistogram(buckets) => buckets.classic_bounds().len() + 3,
        Kind::Summary { .. } => definition.bounds.len() + 2,
    }
}

/// The bounds of a histogram's buckets in the text formats, without `+Inf`.
fn bucket_bounds(definition: &Definition) -> Vec<f64> {
    match definition.kind {
        Kind::NativeHistogram(buckets) => buckets.classic_bounds().collect(),
        _ => definition.bounds.clone(),
    }
}

fn label_bytes(row: Row<'_>) -> usize {
    row.labels().map(str::len).sum()
}

/// The approximate length of a line without its label values and its number.
fn bare_line(definition: &Definition) -> usize {
    let names = definition.label_names.iter().map(|name| name.len() + "=\"\",".len());
    let has_buckets = matches!(definition.kind, Kind::Histogram | Kind::NativeHistogram(_));
    let bucket = if has_buckets { "_bucket,le=\"0.25\"".len() } else { 0 };
    definition.name.len() + "{} ".len() + bucket + names.sum::<usize>()
}

fn push_label_pairs(
    bytes: &mut Vec<u8>,
    common: Option<&CommonLabel>,
    definition: &Definition,
    row: Row<'_>,
) {
    if let Some(CommonLabel { name, value, .. }) = common {
        push_label(bytes, name, value);
    }
    for (name, value) in definition.label_names.iter().zip(row.labels()) {
        match common.map_or_else(String::new, |common| common.rename(name, definition)) {
            prefix if prefix.is_empty() => push_label(bytes, name, value),
            prefix => push_label(bytes, &(prefix + name), value),
        }
    }
}

fn push_labels(
    bytes: &mut Vec<u8>,
    common: Option<&CommonLabel>,
    definition: &Definition,
    row: Row<'_>,
    own: Option<(&str, f64)>,
) {
    let mut separator = b'{';
    if let Some(common) = common {
        bytes.push(separator);
        bytes.extend_from_slice(&common.text);
        separator = b',';
    }
    for (name, value) in definition.label_names.iter().zip(row.labels()) {
        bytes.push(separator);
        if let Some(common) = common {
            bytes.extend_from_slice(common.rename(name, definition).as_bytes());
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"=\"");
        push_quotable(bytes, value);
        bytes.push(b'"');
        separator = b',';
    }
    if let Some((name, bound)) = own {
        bytes.push(separator);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b"=\"");
        push_bound(bytes, bound);
        bytes.push(b'"');
        separator = b',';
    }
    if separator == b',' {
        bytes.push(b'}');
    }
}

/// Appends the comments above a family's samples.
pub(crate) fn push_header(page: &mut Vec<u8>, definition: &Definition, format: Format) {
    match format {
        Format::Text | Format::Text1 => push_text_header(page, definition),
        Format::OpenMetrics => push_openmetrics_header(page, definition),
        Format::Protobuf => {} // see `protobuf::push_header`
    }
}

/// `HELP` (if there is one) and `TYPE`.
fn push_text_header(page: &mut Vec<u8>, definition: &Definition) {
    if !definition.help.is_empty() {
        push_comment(page, "HELP", &definition.name);
        push_help(page, &definition.help);
        page.push(b'\n');
    }
    push_comment(page, "TYPE", &definition.name);
    page.extend_from_slice(definition.kind.as_str().as_bytes());
    page.push(b'\n');
}

/// `TYPE`, `UNIT` and `HELP`, the latter two if there are any.
fn push_openmetrics_header(page: &mut Vec<u8>, definition: &Definition) {
    let Announced { name, kind, unit } = announced(definition);
    push_comment(page, "TYPE", name);
    page.extend_from_slice(kind.as_bytes());
    page.push(b'\n');
    if let Some(unit) = unit {
        push_comment(page, "UNIT", name);
        page.extend_from_slice(unit.as_bytes());
        page.push(b'\n');
    }
    if !definition.help.is_empty() {
        push_comment(page, "HELP", name);
        push_quotable(page, &definition.help);
        page.push(b'\n');
    }
}

/// Appends the beginning of a comment, including the space before its text.
fn push_comment(page: &mut Vec<u8>, keyword: &str, name: &str) {
    for part in ["# ", keyword, " ", name, " "] {
        page.extend_from_slice(part.as_bytes());
    }
}
