//! `METRICS.md` against the running binary, in both directions.
#![allow(missing_docs)]

mod common;

use common::{Server, segment::OwnSegment, worker::config};
use promshm_segment::Writer;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../METRICS.md");

/// A metric as the document or the page has it.
#[derive(Debug, Default, PartialEq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

fn page() -> String {
    let own = OwnSegment::absent();
    let _writer = Writer::attach(&config(&own)).expect("the segment can be attached");
    Server::start(own.name, &[]).page()
}

/// The cells of each row of the document's tables; a name is in backticks.
fn rows() -> impl Iterator<Item = Vec<String>> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_string()).collect()
    })
}

fn documented() -> BTreeMap<String, Metric> {
    let metrics = rows().filter_map(|row| <[String; 4]>::try_from(row).ok());
    let metric = |[name, kind, label, help]: [String; 4]| {
        let labels = Some(label).filter(|label| !label.is_empty()).into_iter().collect();
        (name, Metric { kind, labels, help })
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
        } else if let Some((name, label, _)) = labelled(line) {
            metrics.entry(name.into()).or_default().labels.insert(label.into());
        }
    }
    metrics
}

/// Name, label and label value of a sample that has a label; ours have one at most.
fn labelled(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once('{')?;
    let (label, rest) = rest.split_once("=\"")?;
    Some((name, label, rest.split_once('"')?.0))
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_exposed() {
    let (documented, exposed) = (documented(), exposed(&page()));
    assert!(exposed.len() > 10, "{exposed:?}");
    assert_eq!(exposed, documented);
}

#[test]
fn every_label_value_is_documented() {
    let page = page();
    let explained: BTreeSet<String> = rows().filter_map(|row| row.into_iter().next()).collect();
    let values = page.lines().filter_map(labelled).filter(|(_, label, _)| *label != "version");
    let unexplained: Vec<_> = values.filter(|(_, _, value)| !explained.contains(*value)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}
