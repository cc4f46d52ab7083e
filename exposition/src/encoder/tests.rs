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
fn parts_joined_are_the_page() {
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
fn row_without_a_value_is_written_once_it_has_one() {
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
fn prefixes_are_cached_for_one_generation() {
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
fn openmetrics_has_created_times_if_requested() {
    let mut counter = family("c_total", Kind::Counter, &["q"], 1);
    ["known", "unknown"].iter().for_each(|label| counter.push([*label], &[1.0]));
    counter.set_created(0, 1_700_000_000.25);
    let mut histogram = family("h", Kind::Histogram, &[], 2);
    histogram.push([], &[2.0, 0.0, 3.0, 7.25]);
    let mut gauge = family("g", Kind::Gauge(GaugeMode::Last), &[], 3);
    gauge.push([], &[1.0]);
    [&mut histogram, &mut gauge].into_iter().for_each(|family| family.set_created(0, 5.0));
    let families = [counter, histogram, gauge];
    let of = |format, is_asked| {
        let mut encoder = Encoder::new(format).with_label("s", "x").with_created(is_asked);
        [0; 2].map(|_| page(&mut encoder, &families))
    };
    let [first, second] = of(Format::OpenMetrics, true);
    assert_eq!(first, second, "what is kept is the same");
    let plain = of(Format::OpenMetrics, false)[0].clone();
    let told = |line: &str| first.contains(line);
    assert!(told("c_total{s=\"x\",q=\"known\"} 1\nc_created{s=\"x\",q=\"known\"} 1700000000.25\nc_total"));
    assert!(told("h_count{s=\"x\"} 5\nh_created{s=\"x\"} 5\n"));
    let without: String =
        first.lines().filter(|line| !line.contains("_created")).flat_map(|line| [line, "\n"]).collect();
    assert_eq!((without, first.matches("_created").count()), (plain, 2));
    for format in [Format::Text, Format::Text1] {
        assert_eq!(of(format, true), of(format, false));
    }
}

#[test]
fn removed_families_are_evicted() {
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
fn common_label_is_first_and_escaped() {
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
fn label_with_the_name_of_the_common_label_is_renamed() {
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
    encoders.iter_mut().for_each(Encoder::begin_page);
    let group = [&none, &one, &other].into_iter().enumerate();
    Encoder::push_group(&mut encoders.each_mut(), group, &mut page, &mut |_| {});
    let expected = "# HELP c Help.\n# TYPE c counter\n\
        c{segment=\"y\",q=\"a\"} 1\nc{segment=\"z\",q=\"b\"} 1\n";
    assert_eq!(String::from_utf8(page).expect("UTF-8"), expected);
}

/// What a length is followed by, and the rest.
fn first_message(bytes: &[u8]) -> (&[u8], &[u8]) {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a length that ends");
    let length = bytes[..=last].iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
    bytes[last + 1..].split_at_checked(length).expect("as long as it says")
}

/// The messages of a page, without their lengths, which must lead from one to the next.
fn messages(mut page: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while !page.is_empty() {
        let (message, rest) = first_message(page);
        messages.push(message.to_vec());
        page = rest;
    }
    messages
}

#[test]
fn encoders_share_a_protobuf_message() {
    let with = |label: &str, generation| {
        let mut counter = family("c", Kind::Counter, &["q"], generation);
        counter.push([label], &[1.0]);
        counter
    };
    let (one, other, none) = (with("a", 1), with("b", 2), family("c", Kind::Counter, &["q"], 3));
    let encoder = |name| Encoder::new(Format::Protobuf).with_label("segment", name);
    let mut encoders = ["x", "y", "z"].map(encoder);
    let mut page = Vec::new();
    encoders.iter_mut().for_each(Encoder::begin_page);
    let group = [&none, &one, &other].into_iter().enumerate();
    Encoder::push_group(&mut encoders.each_mut(), group, &mut page, &mut |_| {});
    let [message] = &messages(&page)[..] else { panic!("one message: {page:?}") };
    let header = b"\x0a\x01c\x12\x05Help.\x18\0".to_vec();
    let metric = |segment: &str, label: &str| {
        let labels = format!("\x0a\x0c\x0a\x07segment\x12\x01{segment}\x0a\x06\x0a\x01q\x12\x01{label}");
        let counter = [&b"\x1a\x09\x09"[..], &1_f64.to_le_bytes()].concat();
        let metric = [labels.as_bytes(), &counter].concat();
        [&[0x22, metric.len() as u8][..], &metric].concat()
    };
    assert_eq!(*message, [header, metric("y", "a"), metric("z", "b")].concat());
}

/// Parts are passed on before a message ends, and its length stands before all of them.
#[test]
fn protobuf_lengths_lead_from_family_to_family() {
    let mut counter = family("c", Kind::Counter, &["q"], 1);
    (0..5000).for_each(|number| counter.push([format!("{number}").as_str()], &[f64::from(number)]));
    let bounds = [0.5, 1.0];
    let mut histogram =
        Family::new(Definition::new("h", "", Kind::Histogram, &[], &bounds).expect("a good definition"));
    histogram.push([], &[1.0, 1e15, 0.0, 3.0]);
    histogram.set_created(0, 1_520_879_607.789);
    for limits in [Limits::default(), Limits { page: 20_000, ..Limits::default() }] {
        let mut encoder = Encoder::new(Format::Protobuf).with_limits(limits);
        for _ in 0..2 {
            let (mut part, mut page, mut parts) = (Vec::new(), Vec::new(), 0);
            encoder.encode_in_parts([&counter, &histogram], &mut part, |part| {
                page.append(part);
                parts += 1;
            });
            page.append(&mut part);
            let is_whole = limits == Limits::default();
            assert_eq!(messages(&page).len(), if is_whole { 2 } else { 1 }, "no room for the second family");
            assert_eq!((encoder.left_out() == 0, parts > 0), (is_whole, is_whole), "{}", encoder.left_out());
        }
    }
}

#[test]
fn protobuf_lengths_fit_rows_that_get_values_later() {
    let mut gauge = family("g", Kind::Gauge(GaugeMode::Last), &["row"], 1);
    (0..1000).for_each(|row| gauge.push([format!("{row:04}").as_str()], &[ABSENT]));
    gauge.push(["last"], &[1.0]);
    let mut encoder = Encoder::new(Format::Protobuf);
    for step in 0..1000 {
        gauge.values_mut(step * 617 % 1000)[0] = step as f64;
        if step % 10 == 0 {
            let mut page = Vec::new();
            encoder.encode([&gauge], &mut page);
            assert_eq!(messages(&page).len(), 1, "{step}");
            assert_eq!(page.windows(5).filter(|bytes| bytes == b"\x0a\x03row").count(), step + 2, "{step}");
        }
    }
}

/// Lengths come from what is cached, or from the rows, or from the rows with exemplars.
#[test]
fn protobuf_page_is_the_same_whatever_is_cached() {
    let mut counter = family("c", Kind::Counter, &["row"], 1);
    (0..300).for_each(|row| counter.push([format!("{row}").as_str()], &[f64::from(row)]));
    (0..299).for_each(|row| counter.set_created(row, row as f64 * 1e7));
    let mut gauge = family("g", Kind::Gauge(GaugeMode::Last), &["row"], 2);
    (0..100).for_each(|row| gauge.push([format!("{row}").as_str()], &[f64::from(row)]));
    let exemplar = |id: &str, time| Exemplar { labels: vec![("id".into(), id.into())], value: 1.0, time };
    let long = "x".repeat(100);
    let marks =
        [((7, 0), exemplar("7", 1.5)), ((8, 0), exemplar(&long, 1.7e9)), ((299, 0), exemplar("bad", -1.0))];
    let mut encoder = Encoder::new(Format::Protobuf);
    let mut lengths = Vec::new();
    for round in 0..6 {
        gauge.values_mut(50)[0] = if round % 2 == 0 { ABSENT } else { 5.0 };
        counter.values_mut(8)[0] = if round > 3 { ABSENT } else { 1.0 };
        counter.set_exemplars(marks.iter().take(round).cloned());
        let (mut cached, mut fresh) = (Vec::new(), Vec::new());
        encoder.encode([&counter, &gauge], &mut cached);
        Encoder::new(Format::Protobuf).encode([&counter, &gauge], &mut fresh);
        assert_eq!(messages(&cached).len(), 2, "{round}");
        let sorted = |page: &[u8]| -> Vec<Vec<u8>> {
            messages(page)
                .into_iter()
                .map(|mut message| {
                    message.sort_unstable();
                    message
                })
                .collect()
        };
        assert_eq!(sorted(&cached), sorted(&fresh), "{round}");
        lengths.push(cached.len());
    }
    assert!(lengths[1] < lengths[2] && lengths[2] < lengths[3] && lengths[4] < lengths[3], "{lengths:?}");
}

/// A family whose metrics are more than are kept. The format cannot hold one of them.
fn large_histogram() -> Family {
    let bounds: Vec<f64> = (0..200).map(f64::from).collect();
    let mut histogram =
        Family::new(Definition::new("h", "", Kind::Histogram, &["row"], &bounds).expect("a good definition"));
    let mut counts: Vec<f64> = (0..202).map(f64::from).collect();
    for row in 0..1500 {
        counts[3] = if row == 10 { 0.5 } else { 3.0 }; // no whole number
        histogram.push([format!("{row}").as_str()], &counts);
    }
    histogram
}

#[test]
fn protobuf_page_is_the_same_whether_threads_share_it_or_not() {
    let mut histogram = large_histogram();
    let mut encoder = Encoder::new(Format::Protobuf);
    let mut page_of = |histogram: &Family| {
        let mut page = Vec::new();
        encoder.encode([histogram], &mut page);
        page
    };
    let by_one = [page_of(&histogram), page_of(&histogram)];
    shared_work::allow(2);
    assert_eq!([page_of(&histogram), page_of(&histogram)], by_one);
    histogram.values_mut(700)[0] = ABSENT;
    assert_eq!(messages(&page_of(&histogram)).len(), 1, "a row fewer, and the right length");
}

/// Metrics of many fields are written to be measured, and kept as long as they are few.
#[test]
fn protobuf_length_is_that_of_more_metrics_than_are_kept() {
    let histogram = large_histogram();
    let (mut part, mut page, mut parts) = (Vec::new(), Vec::new(), 0);
    Encoder::new(Format::Protobuf).encode_in_parts([&histogram], &mut part, |part| {
        assert!((PART..2 * PART).contains(&part.len()));
        page.append(part);
        parts += 1;
    });
    page.append(&mut part);
    assert!(page.len() > MOST_KEPT + 1000 && parts > MOST_KEPT / PART, "{} in {parts}", page.len());
    let [message] = &messages(&page)[..] else { panic!("one message") };
    // Without the keys of the fields, metrics are messages with their lengths.
    let mut metrics = message.strip_prefix(b"\x0a\x01h\x18\x04").expect("the header");
    let mut rows = Vec::new();
    while let [0x22, rest @ ..] = metrics {
        let (metric, after) = first_message(rest);
        let value = metric
            .strip_prefix(b"\x0a")
            .and_then(|label| first_message(label).0.strip_prefix(b"\x0a\x03row\x12"));
        let text = first_message(value.expect("the label")).0;
        rows.push(str::from_utf8(text).expect("UTF-8").parse::<usize>().expect("a number"));
        metrics = after;
    }
    assert!(metrics.is_empty() && rows.iter().copied().eq((0..1500).filter(|row| *row != 10)), "{rows:?}");
}

#[test]
fn page_is_appended_to_the_buffer() {
    let mut counter = family("c", Kind::Counter, &[], 1);
    counter.push([], &[1.0]);
    let mut page = b"before\n".to_vec();
    Encoder::default().encode([&counter], &mut page);
    assert!(page.starts_with(b"before\n# HELP c") && page.ends_with(b"c 1\n"));
}

/// The worst that stands in memory: whatever a family's type does not allow costs its series, not the page.
#[test]
fn invalid_numbers_drop_their_series_in_openmetrics_only() {
    let kinds = [("c_total", Kind::Counter), ("h", Kind::Histogram), ("s", Kind::Summary { max_age: 600 })];
    let families: Vec<Family> = kinds
        .into_iter()
        .enumerate()
        .map(|(number, (name, kind))| {
            let mut family = match kind {
                Kind::Summary { .. } => Family::new(Definition::new(name, "", kind, &["q"], &[0.5]).unwrap()),
                _ => family(name, kind, &["q"], number as u64),
            };
            let width = family.definition.numbers();
            family.push(["good"], &vec![1.0; width]);
            family.push(["bad"], &vec![-1.0; width]);
            family.push(["nan"], &vec![f64::NAN; width]);
            (0..3).for_each(|row| family.set_created(row, [5.0, 6.0, f64::INFINITY][row]));
            family
        })
        .collect();
    let written = page(&mut Encoder::new(Format::OpenMetrics).with_created(true), &families);
    assert!(!written.contains("bad") && !written.contains("nan"), "{written}");
    assert_eq!(written.matches("q=\"good\"").count(), 2 + 6 + 4, "{written}");
    let text = page(&mut Encoder::new(Format::Text), &families);
    assert_eq!((text.matches("q=\"bad\"").count(), text.matches("q=\"nan\"").count()), (9, 9), "{text}");
}

/// 64 labels of 65,535 bytes on each of 513 lines would be 2 GB for each of these series.
#[test]
fn series_whose_lines_are_too_large_are_left_out_and_counted() {
    let names: Vec<String> = (0..64).map(|number| format!("l{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bounds: Vec<f64> = (0..510).map(f64::from).collect();
    let definition =
        Definition::new("h", "Help.", Kind::Histogram, &names, &bounds).expect("a good definition");
    let mut histogram = Family::new(definition);
    histogram.clear(1);
    let (long, numbers) = ("x".repeat(65_535), [1.0; 512]);
    for row in 0..24 {
        let text = if row == 7 { "short" } else { &long };
        histogram.push([text; 64], &numbers);
    }
    let mut encoder = Encoder::default();
    for _ in 0..2 {
        let text = page(&mut encoder, std::slice::from_ref(&histogram));
        assert_eq!(text.matches("_count{").count(), 1);
        assert_eq!(encoder.left_out(), 23);
        assert!(encoder.kept < 2 << 20, "{}", encoder.kept);
    }
    histogram.clear(2);
    histogram.push([long.as_str(); 64], &numbers);
    assert_eq!(page(&mut encoder, &[histogram]), "", "no header without a series");
    assert_eq!(encoder.left_out(), 1);
}

#[test]
fn all_families_of_a_page_share_its_limit() {
    let family = |name: &str, generation| {
        let mut family = family(name, Kind::Counter, &["l"], generation);
        (0..100).for_each(|row| family.push([format!("{row:0900}").as_str()], &[1.0]));
        family
    };
    let mut families = vec![family("a", 1), family("b", 2), family("c", 3)];
    let mut encoder = Encoder::default().with_limits(Limits { series: 1000, page: 150_000 });
    let text = page(&mut encoder, &families);
    assert_eq!([text.matches("a{").count(), text.matches("c{").count()], [100, 0]);
    let shown = text.matches("{l=").count() as u64;
    assert!((140..165).contains(&shown), "{shown}");
    assert_eq!(shown + encoder.left_out(), 300);
    assert!(encoder.kept <= 150_000, "{}", encoder.kept);
    assert_eq!(page(&mut encoder, &families), text, "the same series again");
    families.remove(0);
    (0..PAGES_KEPT).for_each(|_| drop(page(&mut encoder, &families)));
    assert!(page(&mut encoder, &families).contains("c{"), "what is not shown any more gives its room back");
}

#[test]
fn rows_that_get_values_later_and_in_any_order_keep_their_own_labels() {
    let absent = ABSENT;
    let mut gauge = family("g", Kind::Gauge(GaugeMode::Last), &["row"], 1);
    (0..1000).for_each(|row| gauge.push([format!("{row:04}").as_str()], &[absent]));
    gauge.push(["last"], &[1.0]);
    let mut encoder = Encoder::default();
    page(&mut encoder, std::slice::from_ref(&gauge));
    for step in 0..1000 {
        let row = step * 617 % 1000;
        gauge.values_mut(row)[0] = row as f64;
        if step % 10 == 0 {
            let text = page(&mut encoder, std::slice::from_ref(&gauge));
            let samples: Vec<&str> = text.lines().filter(|line| line.starts_with("g{row=\"0")).collect();
            assert_eq!(samples.len(), step + 1);
            assert!(samples.is_sorted());
            assert!(text.contains(&format!("g{{row=\"{row:04}\"}} {row}\n")), "{text}");
        }
    }
}
