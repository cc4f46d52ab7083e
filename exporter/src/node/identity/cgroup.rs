//! Pod and container by the path of a process's cgroup.
//!
//! Each line of `/proc/PID/cgroup` is `HIERARCHY:CONTROLLERS:PATH`; version 2 has the one line `0::PATH`. The kernel lets
//! no cgroup have a line break in its name, so lines cannot be forged. A path is relative to the reader's cgroup
//! namespace: from inside a container it begins with `/..`, and what both have in common (`kubepods`, say) is not in it.

use super::{Identity, Runtime, names};

/// What the node itself runs in: nothing, or the container of a node of kind or k3d, which all paths then begin with.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// For each hierarchy, the components up to the last container that process 1 is in.
    prefixes: Vec<(String, Vec<String>)>,
}

impl Surroundings {
    /// By the text of `/proc/1/cgroup`, of the node's own PID namespace.
    pub(crate) fn of(cgroup_of_init: &str) -> Self {
        Self { prefixes: lines(cgroup_of_init).filter_map(container_prefix).collect() }
    }

    /// The components of a path below the node's own container.
    fn strip<'a, 'b>(&self, hierarchy: &str, components: &'b [Component<'a>]) -> &'b [Component<'a>] {
        let prefix =
            self.prefixes.iter().find(|(of, _)| of == hierarchy).map(|(_, prefix)| prefix.as_slice());
        let is_below = |prefix: &&[String]| {
            components.len() >= prefix.len()
                && components.iter().zip(*prefix).all(|(one, other)| one.text == other)
        };
        &components[prefix.filter(is_below).map_or(0, <[String]>::len)..]
    }
}

/// A part of a path.
#[derive(Debug, Clone, Copy)]
struct Component<'a> {
    text: &'a str,
    /// For the form `SLICE:RUNTIME:ID`, which a runtime makes that does not know of its kubelet's systemd.
    runtime: Option<&'a str>,
}

/// The best of all lines: one with a pod, else one with a container, else the first.
pub(super) fn identity(cgroup: &str, surroundings: &Surroundings) -> Identity {
    let mut best = Identity::default();
    for (hierarchy, path) in lines(cgroup) {
        let found = read(surroundings.strip(hierarchy, &components(path)));
        if rank(&found) > rank(&best) {
            best = found;
        }
    }
    best
}

fn rank(identity: &Identity) -> usize {
    4 * usize::from(identity.pod_uid.is_some())
        + 2 * usize::from(identity.container_id.is_some())
        + usize::from(identity.owner.is_some())
}

/// Hierarchy and path of each line; a path may contain colons.
fn lines(cgroup: &str) -> impl Iterator<Item = (&str, &str)> {
    cgroup.lines().filter_map(|line| {
        let start = line.match_indices(':').nth(1)?.0;
        Some((&line[..start], line[start + 1..].trim_end_matches(" (deleted)")))
    })
}

fn components(path: &str) -> Vec<Component<'_>> {
    path.split('/').filter(|part| !part.is_empty()).flat_map(split_at_colons).collect()
}

fn split_at_colons(part: &str) -> impl Iterator<Item = Component<'_>> {
    let mut pieces = part.splitn(3, ':');
    let (text, runtime, id) = (pieces.next().unwrap_or(part), pieces.next(), pieces.next());
    let is_triple = id.is_some();
    let first = Component { text: if is_triple { text } else { part }, runtime: None };
    std::iter::once(first).chain(id.map(|id| Component { text: id, runtime }))
}

fn container_prefix((hierarchy, path): (&str, &str)) -> Option<(String, Vec<String>)> {
    let components = components(path);
    let last = (0..components.len()).rev().find(|&at| container(&components, at).is_some())?;
    let prefix = components[..=last].iter().map(|each| each.text.to_owned()).collect();
    Some((hierarchy.to_owned(), prefix))
}

/// From the outside inwards, up to the first container: what is below it is that container's own affair.
fn read(components: &[Component<'_>]) -> Identity {
    let mut found = Identity::default();
    for at in 0..components.len() {
        let text = components[at].text;
        if let Some(id) = podman_pod(components, at) {
            found.pod_uid = Some(id.to_owned());
        } else if let Some((id, runtime)) = container(components, at) {
            found.container_id = Some(id.to_owned());
            found.runtime = runtime;
            return found;
        } else if found.pod_uid.is_none() && found.owner.is_none() {
            found.pod_uid = kubernetes_pod(text);
            found.owner = owner(text);
        }
    }
    found
}

/// `kubepods-burstable-podUID.slice` with underscores in the UID (systemd), `podUID` (cgroupfs).
fn kubernetes_pod(text: &str) -> Option<String> {
    let uid = match text.strip_suffix(".slice") {
        Some(name) => {
            let (parent, uid) = name.rsplit_once("-pod")?;
            is_kubepods(parent).then(|| uid.replace('_', "-"))?
        }
        None => text.strip_prefix("pod")?.to_owned(),
    };
    names::is_pod_uid(&uid).then_some(uid)
}

/// Whether a slice is one of the kubelet's, which may itself be below others: `kubelet-kubepods-besteffort`.
fn is_kubepods(slice: &str) -> bool {
    let class =
        slice.strip_suffix("-burstable").or_else(|| slice.strip_suffix("-besteffort")).unwrap_or(slice);
    class == "kubepods" || class.ends_with("-kubepods")
}

/// `machine-libpod_pod_ID.slice` (systemd), `libpod_parent/ID` (cgroupfs).
fn podman_pod<'a>(components: &[Component<'a>], at: usize) -> Option<&'a str> {
    let text = components[at].text;
    let by_name = || text.strip_suffix(".slice")?.split_once("libpod_pod_").map(|(_, id)| id);
    let by_place = || {
        let is_parent = matches!(components[..at].last()?.text, "libpod_parent" | "..");
        let next = container(components, at + 1)?;
        (is_parent && next.1 == Some(Runtime::Podman) || parent_is(components, at, "libpod_parent"))
            .then_some(text)
    };
    by_name().or_else(by_place).filter(|id| names::is_id(id))
}

fn parent_is(components: &[Component<'_>], at: usize, name: &str) -> bool {
    components[..at].last().is_some_and(|parent| parent.text == name)
}

/// What stands before an ID in the name of a container's cgroup.
const CONTAINER_PREFIXES: [(&str, Runtime); 6] = [
    ("docker", Runtime::Docker),
    ("cri-containerd", Runtime::Containerd),
    ("nerdctl", Runtime::Containerd),
    ("crio", Runtime::CriO),
    ("libpod-payload", Runtime::Podman),
    ("libpod", Runtime::Podman),
];

/// `RUNTIME-ID.scope`, `RUNTIME-ID`, or an ID alone. The scopes of conmon, which watches containers, are none.
fn container<'a>(components: &[Component<'a>], at: usize) -> Option<(&'a str, Option<Runtime>)> {
    let component = components.get(at)?;
    let text = component.text.strip_suffix(".scope").unwrap_or(component.text);
    if names::is_id(text) {
        let name = component.runtime.or_else(|| components[..at].last().map(|parent| parent.text));
        return Some((text, name.and_then(runtime)));
    }
    let (prefix, id) = text.rsplit_once('-')?;
    let runtime = runtime(prefix)?;
    names::is_id(id).then_some((id, Some(runtime)))
}

fn runtime(name: &str) -> Option<Runtime> {
    let known = CONTAINER_PREFIXES.into_iter().find(|(prefix, _)| *prefix == name);
    known.map(|(_, runtime)| runtime).or((name == "libpod_parent").then_some(Runtime::Podman))
}

/// Services below which a kubelet or a runtime may make its cgroups.
const TRUSTED_SERVICES: [&str; 12] = [
    "containerd",
    "crio",
    "docker",
    "k0scontroller",
    "k0sworker",
    "k3s",
    "k3s-agent",
    "kubelet",
    "rke2-agent",
    "rke2-server",
    "snap.microk8s.daemon-containerd",
    "snap.microk8s.daemon-kubelite",
];

/// Who may make cgroups below this one, if not the administrator: a user, or the user of a service.
fn owner(text: &str) -> Option<String> {
    let user = text.strip_suffix(".slice").filter(|name| is_user(name));
    let service = text.strip_suffix(".service").filter(|name| !TRUSTED_SERVICES.contains(name)).map(|_| text);
    user.or(service).map(|name| name.chars().filter(|&each| is_allowed(each)).take(LONGEST_OWNER).collect())
}

/// Most characters of an owner.
const LONGEST_OWNER: usize = 64;

fn is_allowed(each: char) -> bool {
    each.is_ascii_alphanumeric() || "-_.@".contains(each)
}

/// `user-1000`
fn is_user(name: &str) -> bool {
    name.strip_prefix("user-")
        .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}
