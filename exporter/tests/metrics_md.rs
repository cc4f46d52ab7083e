//! Compares `docs/metrics.md` with the running binary, in both directions.
#![allow(missing_docs)]

mod common;

use common::{Server, exporter_of, segment::OwnSegment, worker::config};
use promshm_segment::{Definition, Kind, Runtime, Writer, os::Refusal};
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../docs/metrics.md");

/// A metric of the document or of the page.
#[derive(Debug, Default, PartialEq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

/// Makes a metric that has had all the series that one may have.
fn overflow(writer: &mut Writer) {
    let hits = Definition::new("hits_total", "", Kind::Counter, &["path"], &[]).expect("a good definition");
    let family = writer.register(&hits).expect("room for a family");
    writer.resolve(family, &["other"]).expect("room for a series");
    writer.count_overflow(family);
}

/// The page of one segment, without a name or with one.
fn page(is_named: bool) -> String {
    let own = OwnSegment::absent();
    let mut writer = Writer::attach(&config(&own)).expect("the segment can be attached");
    overflow(&mut writer);
    assert!(writer.compact(), "its own counts are in the former generation then");
    let mut refusal = Refusal::new();
    refusal.announce(&own.name);
    writer.publish_runtime(Runtime { start: 1.0, idle: 1.0, ..Runtime::default() });
    let segment = if is_named { format!("shop={}", own.name) } else { own.name.to_string() };
    let page = Server::spawn(exporter_of(&[segment], &[])).page();
    refusal.withdraw();
    let is_own = |line: &&str| {
        !line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ").starts_with("hits_total")
    };
    page.lines().filter(is_own).collect::<Vec<_>>().join("\n")
}

/// The cells of each row of the document's tables; a name is in backticks.
fn rows() -> impl Iterator<Item = Vec<String>> {
    rows_of(DOCUMENT)
}

fn rows_of(part: &str) -> impl Iterator<Item = Vec<String>> {
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_string()).collect()
    })
}

/// The parts of the document before, within and after the table of the metrics of a node.
fn parts() -> [&'static str; 3] {
    let (before, rest) = DOCUMENT.split_once("<!-- node -->").expect("the table of a node");
    let (within, after) = rest.split_once("<!-- /node -->").expect("the table of a node");
    [before, within, after]
}

fn documented() -> BTreeMap<String, Metric> {
    let [before, _, after] = parts();
    documented_in(before).into_iter().chain(documented_in(after)).collect()
}

fn documented_in(part: &str) -> BTreeMap<String, Metric> {
    let metrics = rows_of(part).filter_map(|row| <[String; 4]>::try_from(row).ok());
    let metric = |[name, kind, labels, help]: [String; 4]| {
        let labels = labels.split(", ").map(|label| label.trim_matches('`').to_string());
        (name, Metric { kind, labels: labels.filter(|label| !label.is_empty()).collect(), help })
    };
    metrics.map(metric).collect()
}

fn exposed(page: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::<String, Metric>::new();
    for line in page.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            metrics.entry(name.into()).or_default().help = help.into();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            metrics.entry(name.into()).or_default().kind = kind.into();
        } else if let Some((name, labels)) = labelled(line) {
            metrics.entry(name.into()).or_default().labels.extend(labels.into_iter().map(|(label, _)| label));
        }
    }
    metrics
}

/// The name and the labels of a sample; label values of the exporter's own metrics contain no comma.
fn labelled(line: &str) -> Option<(&str, Vec<(String, &str)>)> {
    let (name, rest) = line.split_once('{')?;
    let labels = rest.split_once('}')?.0.split(',').filter_map(|label| label.split_once('='));
    Some((name, labels.map(|(label, value)| (label.to_string(), value.trim_matches('"'))).collect()))
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_exposed() {
    let (documented, exposed) = (documented(), exposed(&page(true)));
    assert!(exposed.len() > 10, "{exposed:?}");
    assert_eq!(exposed, documented);
}

#[test]
fn unnamed_segment_differs_only_in_its_missing_label() {
    let mut documented = documented();
    for metric in documented.values_mut() {
        metric.labels.remove("segment");
    }
    assert_eq!(exposed(&page(false)), documented);
}

#[test]
fn every_label_value_is_documented() {
    let page = page(true);
    let explained: BTreeSet<String> = rows().filter_map(|row| row.into_iter().next()).collect();
    let values = page.lines().filter_map(labelled).flat_map(|(_, labels)| labels);
    let values = values.filter(|(label, _)| {
        !["version", "segment", "pid", "slot", "uid", "metric"].contains(&label.as_str())
    });
    let unexplained: Vec<_> = values.filter(|(_, value)| !explained.contains(*value)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

#[cfg(feature = "node")]
#[test]
fn every_metric_of_a_node_is_documented_with_its_label_values() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_promshm-exporter"));
    command.args(["node", "--node.proc=/nonexistent"]).env_remove("PROMSHM_SEGMENT");
    let page = Server::spawn(command).page();
    let is_node = |name: &str| name.starts_with("promshm_node_");
    let (nodes, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        exposed(&page).into_iter().partition(|(name, _)| is_node(name));
    assert_eq!(nodes, documented_in(parts()[1]));
    let documented = documented();
    assert!(others.iter().all(|(name, metric)| documented.get(name) == Some(metric)), "{others:?}");
    let explained: BTreeSet<String> = rows().filter_map(|row| row.into_iter().next()).collect();
    let values = page.lines().filter_map(labelled).filter(|(name, _)| is_node(name));
    for (label, value) in values.flat_map(|(_, labels)| labels) {
        assert!(explained.contains(value), "{label}={value}");
    }
}
