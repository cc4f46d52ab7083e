//! The list of a node's pods, for people: a page without a script, in the style of the live page.

use super::escaped;
use crate::node::pod::PodView;
use std::{collections::BTreeMap, fmt::Write as _};

const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/pods.html"));

/// The page of these pods. Links are relative, because a proxy may serve it under another path.
pub(crate) fn page(node: &str, telemetry_path: &str, pods: &[PodView]) -> String {
    let mut rows = String::new();
    pods.iter().for_each(|pod| push_row(&mut rows, pod));
    PAGE.replace("%NODE%", &escaped(node))
        .replace("%METRICS%", &escaped(&format!(".{telemetry_path}")))
        .replace("%COUNT%", &pods.len().to_string())
        .replace("%VERSION%", env!("CARGO_PKG_VERSION"))
        .replace("%ROWS%", &rows) // last: what it is replaced by is not looked at again
}

fn push_row(rows: &mut String, pod: &PodView) {
    let state = if pod.is_ended { "ended" } else { "live" };
    let _ = writeln!(
        rows,
        "<tr><td><a href=\"./pods/{0}/\">{1}</a></td><td>{2}</td><td>{state}</td><td>{3}</td><td>{4}</td><td>{5}</td></tr>",
        escaped(&pod.uid),
        escaped(&name(&pod.labels, &pod.uid)),
        escaped(pod.labels.get("container").map_or("", String::as_str)),
        pod.processes,
        pod.segments,
        pod.limited.join(", "),
    ); // a String takes all that is written
}

/// What people call a pod.
pub(crate) fn name(labels: &BTreeMap<String, String>, uid: &str) -> String {
    match (labels.get("namespace"), labels.get("pod"), labels.get("host")) {
        (Some(namespace), Some(pod), _) => format!("{namespace}/{pod}"),
        (_, _, Some(host)) => host.clone(),
        _ => uid.into(),
    }
}
