//! `node`: one exporter for all pods of a node.

use crate::{
    commands::{
        Error,
        serve::{ServeOptions, serve_site},
    },
    node::{Bounds, Node, NodeOptions, label::EnvLabel},
    targets::trust::TrustSelector,
    text::duration,
    web::{
        node_site::{DISCOVERY, NodeSite, PODS},
        service::Service,
    },
};
use clap::Args;
use log::warn;
use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::gethostname,
};
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

/// The flags of the command.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct NodeFlags {
    /// The value of the label node; the host's name if it is not given.
    #[arg(long = "node.name", env = "NODE_NAME", value_name = "NAME")]
    name: Option<String>,

    /// How long the last numbers of a pod that has ended are kept if nobody scrapes them.
    #[arg(long = "node.keep", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    keep: Duration,

    /// An environment variable of the workers whose value becomes a label, under its name in lower case; repeatable.
    #[arg(long = "node.label", value_name = "NAME", value_delimiter = ',')]
    labels: Vec<EnvLabel>,

    /// The time between two looks at the node's processes, at least; on a large node it becomes up to five times longer.
    #[arg(long = "node.poll", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    poll: Duration,

    /// Where the node's /proc is mounted.
    #[arg(long = "node.proc", value_name = "FOLDER", default_value = "/proc")]
    proc: PathBuf,

    /// Where the logs of the node's pods are, whose folders have the pods' names.
    #[arg(long = "node.logs", value_name = "FOLDER", default_value = "/var/log/pods")]
    logs: PathBuf,

    /// The most pods; further ones are left out.
    #[arg(long = "node.max-pods", value_name = "NUMBER", default_value = "500")]
    max_pods: NonZeroUsize,

    /// The most segments of a pod that are read.
    #[arg(long = "node.max-segments-per-pod", value_name = "NUMBER", default_value = "8")]
    pod_segments: NonZeroUsize,

    /// The most series of a pod; further ones are left out.
    #[arg(long = "node.max-series-per-pod", value_name = "NUMBER", default_value_t = 20_000)]
    pod_series: u64,

    /// The most metrics of a pod; further ones are left out with their series.
    #[arg(long = "node.max-families-per-pod", value_name = "NUMBER", default_value_t = 2_000)]
    pod_families: u64,

    /// The most bytes of a pod's segments that are read, and about the most that are kept of them, e.g. 32M.
    #[arg(long = "node.max-bytes-per-pod", value_name = "BYTES", default_value = "32M", value_parser = bytes)]
    pod_bytes: u64,

    /// How long a scrape of a pod may take; a pod that takes longer rests ten times as long.
    #[arg(long = "node.max-scrape-time", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    max_scrape_time: Duration,
}

/// Serves the pods of this node until SIGTERM or SIGINT.
pub(crate) fn serve(flags: &NodeFlags, options: &ServeOptions, trust: &[TrustSelector]) -> Result<(), Error> {
    if [DISCOVERY, PODS].contains(&options.routes.metrics()) {
        return Err(Error::NodePath(options.routes.metrics().into()));
    }
    raise_descriptors();
    let bounds = Bounds {
        pods: flags.max_pods.get(),
        segments: flags.pod_segments,
        series: flags.pod_series,
        families: flags.pod_families,
        bytes: flags.pod_bytes,
        scrape_time: flags.max_scrape_time,
        trust: trust.to_vec(),
        with_created: options.with_created,
    };
    let named = flags.name.clone().filter(|name| !name.trim().is_empty());
    let node = Node::start(NodeOptions {
        proc: flags.proc.clone(),
        logs: flags.logs.clone(),
        name: named.unwrap_or_else(host_name),
        labels: flags.labels.clone(),
        keep: flags.keep,
        poll: flags.poll.max(Duration::from_millis(10)),
        scrapes: options.linger_scrapes,
        bounds,
    });
    let node = node.map_err(Error::Start)?;
    let site: Arc<dyn Service> = Arc::new(NodeSite::new(node, options.routes.clone()));
    serve_site(options, &site)
}

fn host_name() -> String {
    gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}

/// Each namespace takes a descriptor or two, and clients need some too.
fn raise_descriptors() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most.min(1 << 16), most));
    if let Err(cause) = raised {
        warn!(cause:%; "the limit of open files stays as it is");
    }
}

/// A number of bytes, with K, M or G for powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 1 << 10),
        Some((at, 'M' | 'm')) => (&text[..at], 1 << 20),
        Some((at, 'G' | 'g')) => (&text[..at], 1 << 30),
        _ => (text, 1_u64),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    number
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "write a number of bytes, such as 33554432, 32M or 1G".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(["7", "2K", "32M", "1g"].map(bytes), [7, 2 << 10, 32 << 20, 1 << 30].map(Ok));
        for bad in ["", "M", "0", "-1", "1.5M", "1MiB", "99999999999G"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
