//! From a snapshot's families to a page of text.

use crate::{
    exemplar::push_exemplar,
    format::Format,
    number::push_value,
    openmetrics::{has_exemplars, has_sum},
    prefix::{CommonLabel, Prefixes, push_header},
};
use promshm_segment::{Definition, Exemplar, Family, Kind, snapshot::Row};
use std::{collections::HashMap, sync::Arc};

/// How many pages a family may be missing from before its cached bytes are given back.
const PAGES_KEPT: u64 = 16;

/// How many bytes of a page are handed on at a time.
pub const PART: usize = 64 << 10;

/// Writes pages, and keeps what does not change from one page to the next.
///
/// A series' name and labels are escaped once and kept as bytes for as long as
/// [`Family::generation`] says that they are the same; what is left to do for a
/// page is to copy them and to write the numbers.
#[derive(Debug, Default)]
pub struct Encoder {
    format: Format,
    /// Carried by each series.
    label: Option<Arc<CommonLabel>>,
    families: HashMap<String, Cached>,
    /// Pages written so far.
    pages: u64,
}

#[derive(Debug)]
struct Cached {
    generation: u64,
    prefixes: Prefixes,
    /// The number of the page that used it last.
    last_page: u64,
}

impl Encoder {
    /// An encoder that has nothing cached yet.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// Gives each series a further label, e.g. `segment="orders"`, which is escaped here and now.
    ///
    /// A label of that name that a family has itself is written with `exported_` before its name,
    /// as Prometheus does with labels that clash with a target's.
    #[must_use]
    pub fn with_label(self, name: &str, value: &str) -> Self {
        Self { label: Some(Arc::new(CommonLabel::new(name, value))), ..self }
    }

    /// The format of its pages.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Appends `families` to `page`. A family without a value is left out, with its header.
    /// [`Format::ending`] is for the caller, who knows when the page is complete.
    pub fn encode<'f>(&mut self, families: impl IntoIterator<Item = &'f Family>, page: &mut Vec<u8>) {
        self.encode_in_parts(families, page, |_| {});
    }

    /// Like [`Encoder::encode`], for a page that need never be in memory as a whole: `pass_on` is
    /// called whenever `page` holds [`PART`] bytes or more, and may take them away.
    pub fn encode_in_parts<'f>(
        &mut self,
        families: impl IntoIterator<Item = &'f Family>,
        page: &mut Vec<u8>,
        mut pass_on: impl FnMut(&mut Vec<u8>),
    ) {
        self.begin_page();
        for family in families {
            self.push_family(family, false, page, &mut pass_on);
        }
    }

    /// Begins the next page, for [`Encoder::push_family`]. What no page has used for a while is given back.
    pub fn begin_page(&mut self) {
        let last = self.pages;
        self.families.retain(|_, cached| last - cached.last_page < PAGES_KEPT);
        self.pages += 1;
    }

    /// Appends a family to a page that several encoders write together: one for each source of
    /// families, which may have some in common. `is_announced` tells that another one has written the
    /// family's header already; returns whether the header stands now. `pass_on` is as in
    /// [`Encoder::encode_in_parts`].
    pub fn push_family(
        &mut self,
        family: &Family,
        is_announced: bool,
        page: &mut Vec<u8>,
        pass_on: &mut impl FnMut(&mut Vec<u8>),
    ) -> bool {
        let mut rows = family.rows().peekable();
        if rows.peek().is_none() {
            return is_announced;
        }
        let format = self.format;
        let prefixes = self.prefixes(family);
        if !is_announced {
            push_header(page, &family.definition, format);
        }
        for row in rows {
            let first = prefixes.first_line(&family.definition, row, format);
            push_row(page, &family.definition, row, prefixes, first, format);
            if page.len() >= PART {
                pass_on(page);
            }
        }
        true
    }

    fn prefixes(&mut self, family: &Family) -> &mut Prefixes {
        let name = &family.definition.name;
        if self.families.get(name).is_none_or(|cached| cached.generation != family.generation()) {
            let label = self.label.clone();
            self.families.insert(name.clone(), Cached::of(family, label));
        }
        let cached = self.families.get_mut(name).expect("inserted above if it was not there");
        cached.last_page = self.pages;
        &mut cached.prefixes
    }
}

impl Cached {
    fn of(family: &Family, label: Option<Arc<CommonLabel>>) -> Self {
        Self { generation: family.generation(), prefixes: Prefixes::new(family, label), last_page: 0 }
    }
}

fn push_row(
    page: &mut Vec<u8>,
    definition: &Definition,
    row: Row<'_>,
    prefixes: &Prefixes,
    first: usize,
    format: Format,
) {
    match definition.kind {
        Kind::Counter | Kind::Gauge(_) => {
            let shows_it = format == Format::OpenMetrics && has_exemplars(definition);
            let exemplar = row.exemplars().next().filter(|_| shows_it).map(|(_, exemplar)| exemplar);
            push_marked_sample(page, prefixes.line(first), row.values()[0], exemplar);
        }
        Kind::Histogram => push_histogram(page, definition, row, prefixes, first, format),
        Kind::Summary { .. } => push_summary(page, row.values(), prefixes, first, format),
    }
}

/// The values at the quantiles, the sum and the count. `OpenMetrics` knows no summary of what may be
/// negative, nor a sum that is no number: such lines are left out there.
fn push_summary(page: &mut Vec<u8>, numbers: &[f64], prefixes: &Prefixes, first: usize, format: Format) {
    let Some((values, [sum, count])) = numbers.split_last_chunk() else { return };
    let strict = format == Format::OpenMetrics;
    for (line, value) in values.iter().enumerate().filter(|(_, value)| !(strict && **value < 0.0)) {
        push_sample(page, prefixes.line(first + line), *value);
    }
    if !strict || *sum >= 0.0 {
        push_sample(page, prefixes.line(first + values.len()), *sum);
    }
    push_sample(page, prefixes.line(first + values.len() + 1), *count);
}

/// Buckets are counted one by one in the segment and exposed as running totals; `_count` is the last.
fn push_histogram(
    page: &mut Vec<u8>,
    definition: &Definition,
    row: Row<'_>,
    prefixes: &Prefixes,
    first: usize,
    format: Format,
) {
    let Some((sum, buckets)) = row.values().split_last() else { return };
    let has_sum = format != Format::OpenMetrics || has_sum(definition);
    let mut exemplars = row.exemplars().filter(|_| format == Format::OpenMetrics).peekable();
    let mut total = 0.0;
    let mut line = first;
    for (cell, count) in buckets.iter().enumerate() {
        total += count;
        let exemplar = exemplars.next_if(|(of, _)| *of == cell).map(|(_, exemplar)| exemplar);
        push_marked_sample(page, prefixes.line(line), total, exemplar);
        line += 1;
    }
    if has_sum {
        push_sample(page, prefixes.line(line), *sum);
        push_sample(page, prefixes.line(line + 1), total);
    }
}

fn push_sample(page: &mut Vec<u8>, prefix: &[u8], value: f64) {
    push_marked_sample(page, prefix, value, None);
}

fn push_marked_sample(page: &mut Vec<u8>, prefix: &[u8], value: f64, exemplar: Option<&Exemplar>) {
    page.extend_from_slice(prefix);
    push_value(page, value);
    if let Some(exemplar) = exemplar {
        push_exemplar(page, exemplar);
    }
    page.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use promshm_segment::{GaugeMode, snapshot::ABSENT};

    fn family(name: &str, kind: Kind, labels: &[&str], generation: u64) -> Family {
        let bounds: &[f64] = if kind == Kind::Histogram { &[0.5, 1.0] } else { &[] };
        let definition = Definition::new(name, "Help.", kind, labels, bounds).expect("a good definition");
        let mut family = Family::new(definition);
        family.clear(generation);
        family
    }

    fn page(encoder: &mut Encoder, families: &[Family]) -> String {
        let mut page = Vec::new();
        encoder.encode(families, &mut page);
        String::from_utf8(page).expect("a page is UTF-8")
    }

    #[test]
    fn parts_are_the_page() {
        let mut all = family("m", Kind::Counter, &["l"], 1);
        (0..9_000).for_each(|row| all.push([row.to_string().as_str()], &[1.0]));
        let (mut part, mut parts) = (Vec::new(), Vec::new());
        Encoder::default().encode_in_parts([&all], &mut part, |part| {
            assert!((PART..2 * PART).contains(&part.len()));
            parts.append(part);
        });
        assert!(!parts.is_empty() && part.len() < PART);
        parts.append(&mut part);
        assert_eq!(String::from_utf8(parts).unwrap(), page(&mut Encoder::default(), &[all]));
    }

    #[test]
    fn buckets_are_running_totals_and_count_is_the_last() {
        let mut histogram = family("h", Kind::Histogram, &["q"], 1);
        histogram.push(["a"], &[2.0, 0.0, 3.0, 7.25]);
        let expected = "# HELP h Help.\n# TYPE h histogram\n\
            h_bucket{q=\"a\",le=\"0.5\"} 2\nh_bucket{q=\"a\",le=\"1.0\"} 2\nh_bucket{q=\"a\",le=\"+Inf\"} 5\n\
            h_sum{q=\"a\"} 7.25\nh_count{q=\"a\"} 5\n";
        assert_eq!(page(&mut Encoder::default(), &[histogram]), expected);
    }

    #[test]
    fn a_family_without_values_prints_nothing() {
        let empty = family("empty", Kind::Counter, &["q"], 1);
        let mut unset = family("unset", Kind::Gauge(GaugeMode::Sum), &[], 2);
        unset.push([], &[ABSENT]);
        assert_eq!(page(&mut Encoder::default(), &[empty, unset]), "");
    }

    #[test]
    fn a_row_that_gets_its_value_later_is_written_then() {
        let mut gauge = family("g", Kind::Gauge(GaugeMode::Sum), &["q"], 1);
        gauge.push(["a"], &[ABSENT]);
        gauge.push(["b"], &[2.0]);
        let mut encoder = Encoder::default();
        assert!(page(&mut encoder, &[gauge.clone()]).ends_with("gauge\ng{q=\"b\"} 2\n"));
        gauge.values_mut(0)[0] = 1.0;
        let both = "gauge\ng{q=\"a\"} 1\ng{q=\"b\"} 2\n";
        assert!(page(&mut encoder, &[gauge]).ends_with(both));
    }

    #[test]
    fn prefixes_are_kept_for_a_generation_and_no_longer() {
        let mut counter = family("c", Kind::Counter, &["q"], 1);
        counter.push(["old"], &[1.0]);
        let mut encoder = Encoder::default();
        assert!(page(&mut encoder, &[counter.clone()]).ends_with("c{q=\"old\"} 1\n"));

        counter.clear(1); // labels that change without a new generation go unseen: the cache is used
        counter.push(["new"], &[2.0]);
        assert!(page(&mut encoder, &[counter.clone()]).ends_with("c{q=\"old\"} 2\n"));

        counter.clear(2);
        counter.push(["new"], &[3.0]);
        assert!(page(&mut encoder, &[counter]).ends_with("c{q=\"new\"} 3\n"));
    }

    #[test]
    fn families_that_are_gone_are_forgotten() {
        let mut counter = family("c", Kind::Counter, &[], 1);
        counter.push([], &[1.0]);
        let mut encoder = Encoder::default();
        page(&mut encoder, &[counter]);
        for _ in 1..PAGES_KEPT {
            assert_eq!(encoder.families.len(), 1);
            page(&mut encoder, &[]);
        }
        page(&mut encoder, &[]);
        assert_eq!(encoder.families.len(), 1, "it might have been on that one");
        page(&mut encoder, &[]);
        assert!(encoder.families.is_empty());
    }

    #[test]
    fn a_common_label_goes_first_and_is_escaped() {
        let mut histogram = family("h", Kind::Histogram, &["q"], 1);
        histogram.push(["a"], &[2.0, 0.0, 3.0, 7.25]);
        let mut counter = family("c", Kind::Counter, &[], 2);
        counter.push([], &[1.0]);
        let mut encoder = Encoder::default().with_label("segment", "a\"b");
        let written = page(&mut encoder, &[counter, histogram]);
        assert!(written.contains("\nc{segment=\"a\\\"b\"} 1\n"), "{written}");
        assert!(written.contains("\nh_bucket{segment=\"a\\\"b\",q=\"a\",le=\"1.0\"} 2\n"), "{written}");
        assert!(written.contains("\nh_count{segment=\"a\\\"b\",q=\"a\"} 5\n"), "{written}");
    }

    #[test]
    fn a_label_of_the_common_labels_name_is_renamed() {
        let of = |labels: &[&str]| {
            let mut counter = family("c", Kind::Counter, labels, 1);
            counter.push(["x", "y", "z"].into_iter().take(labels.len()), &[1.0]);
            let text = page(&mut Encoder::default().with_label("segment", "s"), &[counter]);
            text.lines().last().expect("a sample").to_string()
        };
        assert_eq!(of(&["segment"]), r#"c{segment="s",exported_segment="x"} 1"#);
        let (clash, twice) = ("exported_segment", "exported_exported_segment");
        assert_eq!(of(&["segment", clash]), format!(r#"c{{segment="s",{twice}="x",{clash}="y"}} 1"#));
        let thrice = "exported_exported_exported_segment";
        let expected = format!(r#"c{{segment="s",{twice}="x",{thrice}="y",{clash}="z"}} 1"#);
        assert_eq!(of(&[twice, "segment", clash]), expected, "names stay unique");
    }

    #[test]
    fn encoders_share_a_page() {
        let with = |label: &str, generation| {
            let mut counter = family("c", Kind::Counter, &["q"], generation);
            counter.push([label], &[1.0]);
            counter
        };
        let (one, other, none) = (with("a", 1), with("b", 2), family("c", Kind::Counter, &["q"], 3));
        let mut encoders = ["x", "y", "z"].map(|name| Encoder::default().with_label("segment", name));
        let mut page = Vec::new();
        let mut is_announced = false;
        for (encoder, family) in encoders.iter_mut().zip([&none, &one, &other]) {
            encoder.begin_page();
            is_announced = encoder.push_family(family, is_announced, &mut page, &mut |_| {});
        }
        let expected = "# HELP c Help.\n# TYPE c counter\n\
            c{segment=\"y\",q=\"a\"} 1\nc{segment=\"z\",q=\"b\"} 1\n";
        assert_eq!(String::from_utf8(page).expect("UTF-8"), expected);
    }

    #[test]
    fn a_page_is_appended() {
        let mut counter = family("c", Kind::Counter, &[], 1);
        counter.push([], &[1.0]);
        let mut page = b"before\n".to_vec();
        Encoder::default().encode([&counter], &mut page);
        assert!(page.starts_with(b"before\n# HELP c") && page.ends_with(b"c 1\n"));
    }
}
