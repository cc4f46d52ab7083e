//! The encoder: from a snapshot's families to the bytes of a page.

use crate::{
    exemplar::{is_exemplar, push_exemplar},
    format::Format,
    measured::{self, MOST_KEPT, Measured},
    native::classic_exemplars,
    number::push_value,
    openmetrics::{created_name, has_exemplars, has_sum, is_row, is_sum},
    prefix::{CommonLabel, Prefixes, push_header, value_lines},
    protobuf::{
        is_plain, is_single, push_header as push_message_header, push_metric, push_single, single_size,
    },
};
use promshm_segment::{Definition, Exemplar, Family, Kind, shared_work, snapshot::Row};
use std::{collections::HashMap, sync::Arc};

/// Number of pages without a family after which its cached bytes are freed.
const PAGES_KEPT: u64 = 16;

/// Bytes of a page after which they are passed on.
pub const PART: usize = 64 << 10;

/// Limits on the bytes that an encoder writes and keeps. Each of a histogram's lines repeats all labels, so a small
/// segment could require a page of many times its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the lines of one series, without their numbers.
    pub series: usize,
    /// Bytes of all lines, without their numbers; cached they take far less.
    pub page: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { series: 16 << 20, page: 1 << 30 }
    }
}

/// Encodes pages, and caches what does not change from one page to the next.
///
/// A series' name and labels are escaped once and cached, each line as its difference from the one before, while
/// [`Family::generation`] stays the same; encoding a page then restores them and writes the numbers.
///
/// ```
/// use promshm_exposition::{Encoder, Format};
/// use promshm_segment::{Config, Definition, Kind, Reader, Writer, os};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = format!("posix:/example-of-encoder-{}", std::process::id()).parse()?;
/// let mut writer = Writer::attach(&Config { name, size: 16 << 20, ..Config::default() })?;
/// let jobs = Definition::new("jobs_total", "Jobs done.", Kind::Counter, &["queue"], &[])?;
/// let family = writer.register(&jobs).expect("room for a family");
/// writer.resolve(family, &["mail"]).expect("room for a series").cells[0].add_shared(3.0);
///
/// let mut reader = Reader::attach(name)?;
/// let mut encoder = Encoder::new(Format::default());
/// let mut page = Vec::new();
/// encoder.encode(&reader.scrape()?.families, &mut page);
/// page.extend_from_slice(encoder.format().ending());
///
/// let page = String::from_utf8(page)?;
/// assert!(page.contains("# HELP jobs_total Jobs done.\n"));
/// assert!(page.contains("jobs_total{queue=\"mail\"} 3\n"));
/// # writer.clean_exit(false);
/// # os::remove(&name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    format: Format,
    /// A label of every series.
    label: Option<Arc<CommonLabel>>,
    /// Whether `OpenMetrics` pages contain the creation times of series.
    tells_created: bool,
    families: HashMap<String, Cached>,
    /// Pages written so far.
    pages: u64,
    limits: Limits,
    /// Bytes of all `families`.
    kept: usize,
    /// Series that the current page lacks because of the limits.
    left_out: u64,
    measured: Measured,
}

#[derive(Debug)]
struct Cached {
    generation: u64,
    prefixes: Prefixes,
    /// The number of the last page that used it.
    last_page: u64,
}

impl Cached {
    /// The generation that it is valid for, if any.
    fn current(&self) -> Option<u64> {
        (!self.prefixes.are_out_of_order()).then_some(self.generation)
    }
}

impl Encoder {
    /// An encoder with an empty cache.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// Adds a label to every series, e.g. `segment="orders"`, which is escaped here.
    ///
    /// A label of that name that a family has itself is written with `exported_` before its name,
    /// as Prometheus does with labels that clash with a target's.
    #[must_use]
    pub fn with_label(self, name: &str, value: &str) -> Self {
        Self { label: Some(Arc::new(CommonLabel::new(name, value))), ..self }
    }

    /// Whether `OpenMetrics` pages contain the creation time of each counter, histogram and summary, in a sample
    /// `…_created` of its own. Text formats have no such sample; protobuf has a field for it, which is always set.
    #[must_use]
    pub fn with_created(self, tells_created: bool) -> Self {
        Self { tells_created, ..self }
    }

    /// Replaces the limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The number of series that the page since [`Encoder::begin_page`] lacks because their lines exceed the limits.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The format of the pages.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Appends `families` to `page`. A family without a value is left out with its header. The caller appends
    /// [`Format::ending`] once the page is complete.
    pub fn encode<'f>(&mut self, families: impl IntoIterator<Item = &'f Family>, page: &mut Vec<u8>) {
        self.encode_in_parts(families, page, |_| {});
    }

    /// Like [`Encoder::encode`], for a page that is never in memory as a whole: `pass_on` is called whenever `page`
    /// holds [`PART`] bytes or more, and may take them away.
    pub fn encode_in_parts<'f>(
        &mut self,
        families: impl IntoIterator<Item = &'f Family>,
        page: &mut Vec<u8>,
        mut pass_on: impl FnMut(&mut Vec<u8>),
    ) {
        self.begin_page();
        for family in families {
            Self::push_group(&mut [&mut *self], std::iter::once((0, family)), page, &mut pass_on);
        }
    }

    /// Begins the next page, for [`Encoder::push_group`]. Frees what no page has used for a while.
    pub fn begin_page(&mut self) {
        let last = self.pages;
        self.families.retain(|_, cached| last - cached.last_page < PAGES_KEPT);
        self.kept = self.families.values().map(|cached| cached.prefixes.size()).sum();
        self.left_out = 0;
        self.pages += 1;
    }

    /// Appends a family of a page that several encoders of one format write together, one for each source. `group`:
    /// the sources that have the family, each by the index of its encoder. `pass_on`: see
    /// [`Encoder::encode_in_parts`].
    pub fn push_group<'f>(
        encoders: &mut [&mut Self],
        group: impl Iterator<Item = (usize, &'f Family)> + Clone,
        page: &mut Vec<u8>,
        pass_on: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        if encoders.first().is_some_and(|encoder| encoder.format == Format::Protobuf) {
            return Self::push_message(encoders, group, page, pass_on);
        }
        let mut is_announced = false;
        for (source, family) in group {
            is_announced = encoders[source].push_lines(family, is_announced, page, pass_on);
        }
    }

    /// A family's message. Its length stands before it, so all its metrics are measured first.
    fn push_message<'f>(
        encoders: &mut [&mut Self],
        group: impl Iterator<Item = (usize, &'f Family)> + Clone,
        page: &mut Vec<u8>,
        pass_on: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        let (mut bytes, mut announced) = (0, None);
        for (source, family) in group.clone() {
            let of_source = encoders[source].measure(family);
            announced = announced.or((of_source > 0).then_some(&family.definition));
            bytes += of_source;
        }
        let Some(definition) = announced else { return };
        push_message_header(page, definition, bytes);
        group.for_each(|(source, family)| encoders[source].push_metrics(family, page, pass_on));
    }

    /// Bytes of the family's metrics in protobuf. Writes what is not cached yet.
    fn measure(&mut self, family: &Family) -> usize {
        let is_single = is_single(family.definition.kind);
        let (prefixes, room) = self.prefixes(family);
        if is_single && prefixes.are_complete(family) {
            return prefixes.singles() + size_of_exemplars(family, prefixes);
        }
        if !is_single && prefixes.has_all(family) && shared_work::is_allowed() {
            let (bytes, measured) = measured::measure(family, prefixes);
            self.measured = measured;
            return bytes;
        }
        let (mut metrics, mut rows) = (Vec::new(), 0);
        let (size, mut bytes, mut left_out) = (prefixes.size(), 0, 0);
        // What precedes and follows a counter with an exemplar is not written here, so neither is it kept.
        let mut is_full = is_single;
        for row in family.rows() {
            let Some(first) = prefixes.first_line(&family.definition, row, Format::Protobuf, room) else {
                left_out += 1;
                continue;
            };
            if is_plain(family.definition.kind, row) {
                bytes += single_size(prefixes.length(row));
                continue;
            }
            let before = metrics.len();
            push_metric(&mut metrics, &family.definition, row, prefixes.line(first));
            bytes += metrics.len() - before;
            is_full |= metrics.len() > MOST_KEPT;
            if is_full {
                metrics.truncate(before);
            } else {
                rows = row.index() + 1;
            }
        }
        let grown = prefixes.size() - size;
        self.measured = Measured { metrics: vec![metrics], rows };
        self.kept += grown;
        self.left_out += left_out;
        bytes
    }

    /// Appends the metrics that were measured.
    fn push_metrics(&mut self, family: &Family, page: &mut Vec<u8>, pass_on: &mut dyn FnMut(&mut Vec<u8>)) {
        let definition = &family.definition;
        let Measured { metrics, rows } = std::mem::take(&mut self.measured);
        for part in metrics.iter().flat_map(|metrics| metrics.chunks(PART)) {
            page.extend_from_slice(part);
            pass_on_whole(page, pass_on);
        }
        // Not asked for anew: that may write the cache afresh, and the lengths are those of this one.
        let Some(Cached { prefixes, .. }) = self.families.get_mut(&definition.name) else { return };
        for row in family.rows_in(rows..family.row_count()) {
            let Some(first) = prefixes.known_line(row) else { continue };
            if is_plain(definition.kind, row) {
                push_single(page, prefixes.line(first), row.values()[0]);
            } else {
                push_metric(page, definition, row, prefixes.line(first));
            }
            pass_on_whole(page, pass_on);
        }
    }

    /// Appends a family in a text format. `is_announced`: another encoder has written the family's header already.
    /// Returns whether the header is written now. `pass_on` is not generic, so that this is compiled in this crate,
    /// with its optimisation.
    fn push_lines(
        &mut self,
        family: &Family,
        is_announced: bool,
        page: &mut Vec<u8>,
        pass_on: &mut dyn FnMut(&mut Vec<u8>),
    ) -> bool {
        let format = self.format;
        let kind = family.definition.kind;
        let is_written = |row: &Row<'_>| format != Format::OpenMetrics || is_row(kind, row.values());
        let mut rows = family.rows().filter(is_written).peekable();
        if rows.peek().is_none() {
            return is_announced;
        }
        let (prefixes, room) = self.prefixes(family);
        let (size, values) = (prefixes.size(), value_lines(&family.definition, format));
        let (mut stands, mut left_out) = (is_announced, 0);
        for row in rows {
            let Some(first) = prefixes.first_line(&family.definition, row, format, room) else {
                left_out += 1;
                continue;
            };
            if !std::mem::replace(&mut stands, true) {
                push_header(page, &family.definition, format);
            }
            push_row(page, &family.definition, row, prefixes, first, format);
            let created = row.created().filter(|created| prefixes.have_created() && created.is_finite());
            if let Some(created) = created {
                push_sample(page, prefixes.line(first + values), created);
            }
            pass_on_whole(page, pass_on);
        }
        let grown = prefixes.size() - size;
        self.kept += grown;
        self.left_out += left_out;
        stands
    }

    /// The cache of the family, and its limit in bytes.
    fn prefixes(&mut self, family: &Family) -> (&mut Prefixes, usize) {
        let name = &family.definition.name;
        let (limits, generation) = (self.limits, family.generation());
        let known = self.families.get(name).map(|cached| (cached.current(), cached.prefixes.size()));
        let of_others = self.kept - known.map_or(0, |(_, size)| size);
        let room = limits.page.saturating_sub(of_others);
        if known.is_none_or(|(known, _)| known != Some(generation)) {
            let tells_created = self.tells_created && self.format == Format::OpenMetrics;
            let created = tells_created.then(|| created_name(&family.definition)).flatten();
            // The old cache is freed first, so that both are never in memory together.
            self.families.remove(name);
            let prefixes = Prefixes::new(family, self.label.clone(), created, limits.series);
            self.kept = of_others + prefixes.size();
            self.families.insert(name.clone(), Cached { generation, prefixes, last_page: 0 });
        }
        let cached = self.families.get_mut(name).expect("inserted above if it was not there");
        cached.last_page = self.pages;
        (&mut cached.prefixes, room)
    }
}

/// Bytes that exemplars add to the metrics of a family of counters whose rows are all written.
fn size_of_exemplars(family: &Family, prefixes: &mut Prefixes) -> usize {
    let mut metric = Vec::new();
    let of_row = |row: Row<'_>| {
        metric.clear();
        let line = prefixes.known_line(row).map(|line| prefixes.line(line)).unwrap_or_default();
        push_metric(&mut metric, &family.definition, row, line);
        metric.len() - single_size(line.len())
    };
    family.rows_with_exemplars().map(of_row).sum()
}

/// Passes a part on once it is large enough.
#[inline]
fn pass_on_whole(page: &mut Vec<u8>, pass_on: &mut dyn FnMut(&mut Vec<u8>)) {
    if page.len() >= PART {
        pass_on(page);
    }
}

fn push_row(
    page: &mut Vec<u8>,
    definition: &Definition,
    row: Row<'_>,
    prefixes: &mut Prefixes,
    first: usize,
    format: Format,
) {
    match definition.kind {
        Kind::Counter | Kind::Gauge(_) => {
            let shows_it = format == Format::OpenMetrics && has_exemplars(definition);
            let exemplar = row.exemplars().next().filter(|_| shows_it).map(|(_, exemplar)| exemplar);
            push_marked_sample(page, prefixes.line(first), row.values()[0], exemplar);
        }
        Kind::Histogram => {
            let Some((sum, counts)) = row.values().split_last() else { return };
            let histogram = Histogram { counts, sum: *sum, exemplars: &mut row.exemplars() };
            push_histogram(page, definition, histogram, prefixes, first, format);
        }
        Kind::NativeHistogram(buckets) => {
            let counts: Vec<f64> = buckets.classic_counts(row.values()).collect();
            let exemplars = &mut classic_exemplars(buckets, row).into_iter();
            let histogram = Histogram { counts: &counts, sum: buckets.sum(row.values()), exemplars };
            push_histogram(page, definition, histogram, prefixes, first, format);
        }
        Kind::Summary { .. } => push_summary(page, row.values(), prefixes, first, format),
    }
}

/// The values at the quantiles, the sum and the count. `OpenMetrics` allows no summary of negative values and no sum
/// that is NaN: such lines are left out there.
fn push_summary(page: &mut Vec<u8>, numbers: &[f64], prefixes: &mut Prefixes, first: usize, format: Format) {
    let Some((values, [sum, count])) = numbers.split_last_chunk() else { return };
    let strict = format == Format::OpenMetrics;
    for (line, value) in values.iter().enumerate().filter(|(_, value)| !(strict && **value < 0.0)) {
        push_sample(page, prefixes.line(first + line), *value);
    }
    if !strict || is_sum(*sum) {
        push_sample(page, prefixes.line(first + values.len()), *sum);
    }
    push_sample(page, prefixes.line(first + values.len() + 1), *count);
}

/// One series of a histogram, as the text formats have it.
struct Histogram<'r, 'e> {
    /// Of each bucket, not added up; the last one is that of `+Inf`.
    counts: &'r [f64],
    sum: f64,
    /// In the order of their buckets.
    exemplars: &'e mut dyn Iterator<Item = (usize, &'r Exemplar)>,
}

/// The segment counts each bucket separately; they are exposed as running totals, the last of which is `_count`.
///
/// `OpenMetrics` allows no sum that is negative or NaN, and no `_count` without `_sum`: there only the last bucket
/// has the count.
fn push_histogram(
    page: &mut Vec<u8>,
    definition: &Definition,
    Histogram { counts, sum, exemplars }: Histogram<'_, '_>,
    prefixes: &mut Prefixes,
    first: usize,
    format: Format,
) {
    let has_sum = format != Format::OpenMetrics || has_sum(definition) && is_sum(sum);
    let mut exemplars = exemplars.filter(|_| format == Format::OpenMetrics).peekable();
    let mut total = 0.0;
    let mut line = first;
    for (bucket, count) in counts.iter().enumerate() {
        total += count;
        let exemplar = exemplars.next_if(|(of, _)| *of == bucket).map(|(_, exemplar)| exemplar);
        push_marked_sample(page, prefixes.line(line), total, exemplar);
        line += 1;
    }
    if has_sum {
        push_sample(page, prefixes.line(line), sum);
        push_sample(page, prefixes.line(line + 1), total);
    }
}

fn push_sample(page: &mut Vec<u8>, prefix: &[u8], value: f64) {
    push_marked_sample(page, prefix, value, None);
}

fn push_marked_sample(page: &mut Vec<u8>, prefix: &[u8], value: f64, exemplar: Option<&Exemplar>) {
    page.extend_from_slice(prefix);
    push_value(page, value);
    if let Some(exemplar) = exemplar.filter(|exemplar| is_exemplar(exemplar)) {
        push_exemplar(page, exemplar);
    }
    page.push(b'\n');
}

#[cfg(test)]
mod tests;
