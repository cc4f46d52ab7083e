//! Who a process is, from what the node knows without asking an API.
//!
//! [`cgroup`] reads pod, container and runtime from the text of `/proc/PID/cgroup`, and [`logs`] finds the pod's names in
//! the log directories that the kubelet makes. All that comes out becomes a label value or a part of a URL, so it is
//! checked here: identifiers are lowercase hexadecimal, names are what Kubernetes allows.
//!
//! What can be forged: a process with write access to its own cgroup may make any cgroup *below* it. So the outermost
//! pod or container counts, and below a user's slice or a delegated service no pod is believed; there [`Identity::owner`]
//! says whose claim it is. A host name is the container's own claim and therefore never the label `pod`.
//!
//! Several IPC namespaces may have the same identity, because a process may enter a new one.

mod cgroup;
mod logs;
mod names;
#[cfg(test)]
mod tests;

pub(crate) use cgroup::Surroundings;
pub(crate) use logs::Logs;
pub(crate) use names::host_name;

/// Which pod and container a process belongs to. Whatever is not known is absent.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The pod's UID in Kubernetes, the hash of a static pod's manifest, or the ID of a podman pod.
    pub(crate) pod_uid: Option<String>,
    /// The pod's namespace, by the log directories.
    pub(crate) namespace: Option<String>,
    /// The pod's name, by the log directories.
    pub(crate) pod: Option<String>,
    /// The container's name in its pod, by the log directories.
    pub(crate) container: Option<String>,
    /// 64 hexadecimal digits.
    pub(crate) container_id: Option<String>,
    /// What the container calls itself; absent where Kubernetes names the pod.
    pub(crate) host: Option<String>,
    /// Who made this cgroup, if it was not the node's administrator: `user-1000`, or a service with its suffix.
    pub(crate) owner: Option<String>,
    pub(crate) runtime: Option<Runtime>,
}

/// What runs a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Runtime {
    Containerd,
    CriO,
    Docker,
    Podman,
}

impl Runtime {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Digits of a container's ID that its label has, as many as Docker and podman print.
const SHORT_ID: usize = 12;

impl Identity {
    /// The identity by the text of `/proc/PID/cgroup`; names are still missing.
    pub(crate) fn of(cgroup: &str, surroundings: &Surroundings) -> Self {
        cgroup::identity(cgroup, surroundings)
    }

    /// What names this process's target in URLs: the pod's UID, else `container-ID`, else `ipc-INODE`.
    pub(crate) fn key(&self, ipc_inode: u64) -> String {
        match (&self.owner, &self.pod_uid, &self.container_id) {
            (None, Some(uid), _) => uid.clone(),
            (None, None, Some(id)) => format!("container-{id}"),
            // Who owns a cgroup may give it the name of somebody else's container.
            _ => format!("ipc-{ipc_inode}"),
        }
    }

    /// Label names and values, without those that are not known.
    pub(crate) fn labels(&self) -> Vec<(&'static str, &str)> {
        let is_named = self.pod.is_some();
        let short_id = self.container_id.as_deref().map(|id| &id[..SHORT_ID]);
        [
            ("namespace", self.namespace.as_deref()),
            ("pod", self.pod.as_deref()),
            ("container", self.container.as_deref()),
            ("pod_uid", self.pod_uid.as_deref().filter(|_| !is_named)),
            ("container_id", short_id.filter(|_| !is_named)),
            ("host", self.host.as_deref().filter(|_| !is_named)),
            ("owner", self.owner.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// What is true of both: the identity of an IPC namespace that has several processes.
    pub(crate) fn common(self, other: &Self) -> Self {
        if self.owner != other.owner {
            // IDs of one cgroup's owner mean nothing among those of another one.
            return Self { host: same(self.host, other.host.as_ref()), ..Self::default() };
        }
        Self {
            pod_uid: same(self.pod_uid, other.pod_uid.as_ref()),
            namespace: same(self.namespace, other.namespace.as_ref()),
            pod: same(self.pod, other.pod.as_ref()),
            container: same(self.container, other.container.as_ref()),
            container_id: same(self.container_id, other.container_id.as_ref()),
            host: same(self.host, other.host.as_ref()),
            owner: self.owner,
            runtime: same(self.runtime, other.runtime.as_ref()),
        }
    }
}

fn same<T: PartialEq>(one: Option<T>, other: Option<&T>) -> Option<T> {
    one.filter(|value| other == Some(value))
}
