//! A pod's names by the log directories of the kubelet.
//!
//! `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/` has the names of the pod. No name may have an underscore in it, so there
//! is one way to read it. Which of its containers has an ID is said by the links
//! `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`, and with Docker by where the log files themselves lead.

use super::{Identity, names};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Most entries of a directory that are read, so that a full one costs no more than that.
const MOST_ENTRIES: usize = 65_536;
/// A link's name is cut to this length with its suffix, the limit of file names, so a part of the ID may be missing.
const LONGEST_FILE_NAME: usize = 255;
/// Fewest digits of an ID that was cut.
const FEWEST_DIGITS: usize = 6;
const LOG_SUFFIX: &str = ".log";

/// The log directories of a node.
#[derive(Debug)]
pub(crate) struct Logs {
    pods: PathBuf,
    links: PathBuf,
}

impl Logs {
    /// By the directory of the pods' logs, `/var/log/pods`; the links stand beside it.
    pub(crate) fn at(pods: &Path) -> Self {
        Self { pods: pods.to_owned(), links: pods.with_file_name("containers") }
    }

    /// Fills in the names of the pod and of the container. A pod that no directory names, or that two directories name
    /// differently, stays without.
    pub(crate) fn name(&self, identity: &mut Identity) -> io::Result<()> {
        let Some(uid) = &identity.pod_uid else { return Ok(()) };
        let entries = list(&self.pods)?;
        let mut found = entries.iter().filter_map(|entry| pod_of(entry, uid));
        let (Some((namespace, pod)), None) = (found.next(), found.next()) else { return Ok(()) };
        identity.container = self.container(namespace, pod, uid, identity.container_id.as_deref());
        identity.namespace = Some(namespace.to_owned());
        identity.pod = Some(pod.to_owned());
        Ok(())
    }

    fn container(&self, namespace: &str, pod: &str, uid: &str, id: Option<&str>) -> Option<String> {
        let folder = self.pods.join(format!("{namespace}_{pod}_{uid}"));
        let id = id?;
        let linked = || self.linked_container(namespace, pod, id);
        linked().or_else(|| by_log_files(&folder, id)).or_else(|| only_container(&folder))
    }

    fn linked_container(&self, namespace: &str, pod: &str, id: &str) -> Option<String> {
        let start = format!("{pod}_{namespace}_");
        let entries = list(&self.links).ok()?;
        let found =
            entries.iter().filter_map(|entry| container_of(entry.strip_prefix(&start)?, entry.len(), id));
        only(found)
    }
}

/// Namespace and name of the pod with this UID, if the directory is its one.
fn pod_of<'a>(directory: &'a str, uid: &str) -> Option<(&'a str, &'a str)> {
    let (namespace, pod) = directory.strip_suffix(uid)?.strip_suffix('_')?.split_once('_')?;
    (names::is_label(namespace) && names::is_pod(pod)).then_some((namespace, pod))
}

/// The container's name in `CONTAINER-ID.log`, if the ID is the one that is asked for.
fn container_of<'a>(rest: &'a str, whole_length: usize, id: &str) -> Option<&'a str> {
    let (container, digits) = rest.strip_suffix(LOG_SUFFIX)?.rsplit_once('-')?;
    let is_cut = whole_length == LONGEST_FILE_NAME && digits.len() >= FEWEST_DIGITS && id.starts_with(digits);
    ((digits == id || is_cut) && names::is_label(container)).then_some(container)
}

/// The container whose log files are links to a file of Docker's: `…/containers/ID/ID-json.log`.
fn by_log_files(folder: &Path, id: &str) -> Option<String> {
    let leads_there = |file: &String, container: &Path| {
        let target = fs::read_link(container.join(file)).ok();
        target.is_some_and(|target| target.components().any(|part| part.as_os_str() == id))
    };
    let containers = list(folder).ok()?;
    let found = containers.iter().filter(|name| {
        let container = folder.join(name.as_str());
        names::is_label(name)
            && list(&container).is_ok_and(|files| files.iter().any(|file| leads_there(file, &container)))
    });
    only(found.map(String::as_str))
}

/// The container of a pod that has had but one.
fn only_container(folder: &Path) -> Option<String> {
    only(list(folder).ok()?.iter().map(String::as_str).filter(|name| names::is_label(name)))
}

/// The one of all that are alike; several that differ are none.
fn only<'a>(found: impl Iterator<Item = &'a str>) -> Option<String> {
    let all = found.collect::<BTreeSet<_>>();
    let one = all.first().filter(|_| all.len() == 1)?;
    Some((*one).to_owned())
}

/// Names in a directory. Those that are no UTF-8 are of nobody who is looked for.
fn list(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.take(MOST_ENTRIES);
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}
