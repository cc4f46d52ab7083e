//! Golden tests: each layout of cgroup paths and log directories as its runtime makes it.

use super::{Identity, Logs, Runtime, Surroundings, host_name};
use std::{fs, os::unix::fs::symlink};

const ID: &str = "6d393320601b821561e43bd46f658284cb172cf297ecc3d3665be657870d32e2";
const OTHER_ID: &str = "d4e8e05a546c86b6443f101966c618e47753ed01fa9929cae00d3b692f7a9f80";
const POD_ID: &str = "0a7c8532b5e0fb5064b894cc1381a62b53253dd450ad088ef0822ce37efceb04";
const UID: &str = "57e67067-89e4-4001-bdd4-8632d39ea02b";
const UNDERSCORED: &str = "57e67067_89e4_4001_bdd4_8632d39ea02b";
const OTHER_UID: &str = "2c48913c-b29f-11e7-9350-020968147796";
/// A static pod's UID: the hash of its manifest.
const HASH: &str = "a9f2c0d3b1e84756aa01bb23cc45dd67";

use Runtime::{Containerd, CriO, Docker, Podman};

fn filled(path: &str) -> String {
    let names = [
        ("{id}", ID),
        ("{other}", OTHER_ID),
        ("{pod_id}", POD_ID),
        ("{uid}", UID),
        ("{u_i_d}", UNDERSCORED),
        ("{other_uid}", OTHER_UID),
        ("{hash}", HASH),
    ];
    names.into_iter().fold(path.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn of(cgroup: &str) -> Identity {
    Identity::of(&filled(cgroup), &Surroundings::default())
}

fn of_path(path: &str) -> Identity {
    of(&format!("0::{path}\n"))
}

fn pod(uid: &str, id: &str, runtime: Option<Runtime>) -> Identity {
    Identity { pod_uid: Some(uid.to_owned()), ..container(id, runtime) }
}

fn container(id: &str, runtime: Option<Runtime>) -> Identity {
    Identity { container_id: Some(id.to_owned()), runtime, ..Identity::default() }
}

fn owned(owner: &str, identity: Identity) -> Identity {
    Identity { owner: Some(owner.to_owned()), ..identity }
}

#[test]
fn paths_of_kubernetes_name_pod_and_container() {
    for (path, uid, runtime) in [
        // systemd's driver, for each class of service and each runtime.
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_i_d}.slice/cri-containerd-{id}.scope",
            UID,
            Some(Containerd),
        ),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{u_i_d}.slice/crio-{id}.scope",
            UID,
            Some(CriO),
        ),
        ("/kubepods.slice/kubepods-pod{u_i_d}.slice/crio-{id}.scope/container", UID, Some(CriO)),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_i_d}.slice/docker-{id}.scope",
            UID,
            Some(Docker),
        ),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice/cri-containerd-{id}.scope",
            UID,
            Some(Containerd),
        ),
        // cgroupfs' driver.
        ("/kubepods/burstable/pod{uid}/{id}", UID, None),
        ("/kubepods/besteffort/pod{uid}/{id}", UID, None),
        ("/kubepods/pod{uid}/{id}", UID, None),
        ("/kubepods/burstable/pod{uid}/crio-{id}", UID, Some(CriO)),
        // Static pods.
        ("/kubepods/burstable/pod{hash}/{id}", HASH, None),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{hash}.slice/cri-containerd-{id}.scope",
            HASH,
            Some(Containerd),
        ),
        // A kubelet below a cgroup of its own, as kind starts it.
        ("/kubelet/kubepods/burstable/pod{uid}/{id}", UID, None),
        (
            "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{u_i_d}.slice/cri-containerd-{id}.scope",
            UID,
            Some(Containerd),
        ),
        // A runtime that does not use systemd, below a kubelet that does.
        (
            "/system.slice/containerd.service/kubepods-burstable-pod{u_i_d}.slice:cri-containerd:{id}",
            UID,
            Some(Containerd),
        ),
        ("/kubepods-besteffort-pod{u_i_d}.slice:crio:{id}", UID, Some(CriO)),
        // Seen from another pod's cgroup namespace: only what differs is there.
        (
            "/../../../kubepods-burstable.slice/kubepods-burstable-pod{u_i_d}.slice/cri-containerd-{id}.scope",
            UID,
            Some(Containerd),
        ),
        ("/../../kubepods-besteffort-pod{u_i_d}.slice/cri-containerd-{id}.scope", UID, Some(Containerd)),
        ("/../../pod{uid}/{id}", UID, None),
        // A process that made a cgroup of its own, and one whose cgroup is gone.
        ("/kubepods/burstable/pod{uid}/{id}/init.scope", UID, None),
        ("/kubepods/burstable/pod{uid}/{id} (deleted)", UID, None),
    ] {
        assert_eq!(of_path(path), pod(uid, ID, runtime), "{path}");
    }
}

#[test]
fn paths_of_docker_and_podman_name_the_container() {
    for (path, runtime) in [
        ("/system.slice/docker-{id}.scope", Some(Docker)),
        ("/docker/{id}", Some(Docker)),
        ("/../docker-{id}.scope", Some(Docker)),
        // The common parent is not seen from another container.
        ("/../{id}", None),
        ("/machine.slice/libpod-{id}.scope", Some(Podman)),
        ("/machine.slice/libpod-{id}.scope/container", Some(Podman)),
        ("/libpod_parent/libpod-{id}", Some(Podman)),
        ("/system.slice/nerdctl-{id}.scope", Some(Containerd)),
        ("/default/{id}", None),
        ("/ecs/5c0a1a0b-1f2e-4c3d-8a9b-0c1d2e3f4a5b/{id}", None),
    ] {
        assert_eq!(of_path(path), container(ID, runtime), "{path}");
    }
}

#[test]
fn paths_of_podman_pods_name_pod_and_container() {
    for path in [
        "/machine.slice/machine-libpod_pod_{pod_id}.slice/libpod-{id}.scope/container",
        "/libpod_parent/{pod_id}/libpod-{id}",
        "/../../{pod_id}/libpod-{id}",
    ] {
        assert_eq!(of_path(path), pod(POD_ID, ID, Some(Podman)), "{path}");
    }
}

#[test]
fn containers_of_users_and_services_say_whose_they_are() {
    for (path, owner) in [
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container", "user-1000"),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-{id}",
            "user-1000",
        ),
        ("/system.slice/web.service/libpod-payload-{id}", "web.service"),
    ] {
        assert_eq!(of_path(path), owned(owner, container(ID, Some(Podman))), "{path}");
    }
    let pod_of_user = "/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_{pod_id}.slice/libpod-{id}.scope";
    assert_eq!(of_path(pod_of_user), owned("user-1000", pod(POD_ID, ID, Some(Podman))));
}

#[test]
fn processes_of_plain_hosts_are_in_no_container() {
    for path in [
        "/",
        "/init.scope",
        "/user.slice",
        "/kubepods",
        "/system.slice/crio-conmon-{id}.scope",
        "/machine.slice/libpod-conmon-{id}.scope",
    ] {
        assert_eq!(of_path(path), Identity::default(), "{path}");
    }
    assert_eq!(of_path("/system.slice/php8.4-fpm.service"), owned("php8.4-fpm.service", Identity::default()));
    assert_eq!(of_path("/user.slice/user-0.slice/session-1.scope"), owned("user-0", Identity::default()));
}

#[test]
fn all_hierarchies_of_version_1_are_read() {
    let hybrid = "12:cpu,cpuacct:/kubepods/burstable/pod{uid}/{id}\n11:rdma:/\n1:name=systemd:/kubepods/burstable/pod{uid}/{id}\n0::/system.slice/containerd.service\n";
    assert_eq!(of(hybrid), pod(UID, ID, None));
    let only_memory = "9:name=systemd:/\n8:pids:/\n4:memory:/docker/{id}\n0::/\n";
    assert_eq!(of(only_memory), container(ID, Some(Docker)));
    let colons =
        "11:devices:/system.slice/containerd.service/kubepods-pod{u_i_d}.slice:cri-containerd:{id}\n";
    assert_eq!(of(colons), pod(UID, ID, Some(Containerd)));
}

/// `/proc/PID/cgroup` as it was on a machine with both versions: hierarchies of version 1, and one of version 2.
const HIERARCHIES: [&str; 10] = [
    "9:name=systemd",
    "8:pids",
    "7:blkio",
    "6:freezer",
    "5:devices",
    "4:memory",
    "3:cpuset",
    "2:cpuacct",
    "1:cpu",
    "0:",
];

/// The text with this path in each hierarchy, but for those that had another one.
fn text(path: &str, others: &[(&str, &str)]) -> String {
    let path_in =
        |hierarchy| others.iter().find(|(name, _)| *name == hierarchy).map_or(path, |(_, other)| other);
    HIERARCHIES.map(|hierarchy| format!("{hierarchy}:{}", path_in(hierarchy))).join("\n")
}

/// What `make runtimes` has seen: containerd 1.6.20 as a kubelet asks it for pods, Docker 20.10.24, runc 1.1.5.
#[test]
fn texts_of_real_containerd_and_docker_name_pod_and_container() {
    let id = "d991ccf1149586fa96b0d92eb9b45f5d7f0139eb01aa41c79322ed0c1f3be5d2";
    let slice = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod57e67067_89e4_4001_bdd4_8632d39ea02b.slice";
    let triple =
        format!("/kubepods-besteffort-pod57e67067_89e4_4001_bdd4_8632d39ea02b.slice:cri-containerd:{id}");
    let below = format!("/process_api/728fcb7fb68bf594467117fbb60d79cd{triple}");
    for (path, others, expected) in [
        (format!("/kubepods/besteffort/pod{UID}/{id}"), vec![], pod(UID, id, None)),
        (format!("{slice}/cri-containerd-{id}.scope"), vec![], pod(UID, id, Some(Containerd))),
        // systemd has not let a container have devices of its own yet.
        (
            format!("{slice}/cri-containerd-{id}.scope"),
            vec![("5:devices", slice)],
            pod(UID, id, Some(Containerd)),
        ),
        // containerd without systemd's driver below a kubelet with it: a path relative to containerd's own cgroup.
        (triple.clone(), vec![("4:memory", below.as_str())], pod(UID, id, Some(Containerd))),
        (format!("/docker/{id}"), vec![], container(id, Some(Docker))),
        (
            format!("/system.slice/docker-{id}.scope"),
            vec![("5:devices", "/system.slice")],
            container(id, Some(Docker)),
        ),
        (format!("{slice}/docker-{id}.scope"), vec![("5:devices", slice)], pod(UID, id, Some(Docker))),
    ] {
        let text = text(&path, &others);
        assert_eq!(Identity::of(&text, &Surroundings::default()), expected, "{text}");
        let of_version_2 = text.lines().last().expect("the last line");
        assert_eq!(Identity::of(of_version_2, &Surroundings::default()), expected, "{of_version_2}");
    }
}

#[test]
fn node_in_a_container_is_left_out_of_the_paths_of_its_pods() {
    let init = filled("1:name=systemd:/docker/{other}/init.scope\n0::/docker/{other}/init.scope\n");
    let surroundings = Surroundings::of(&init);
    let cgroup = filled(
        "1:name=systemd:/docker/{other}/kubelet/kubepods/burstable/pod{uid}/{id}\n0::/docker/{other}/system.slice\n",
    );
    assert_eq!(Identity::of(&cgroup, &surroundings), pod(UID, ID, None));
    // The same seen from outside belongs to the node's container, which could claim any pod.
    assert_eq!(of(&cgroup), container(OTHER_ID, Some(Docker)));
    let scope = filled("0::/system.slice/docker-{other}.scope/init.scope\n");
    let k3s = filled("0::/system.slice/docker-{other}.scope/kubepods/besteffort/pod{uid}/{id}\n");
    assert_eq!(Identity::of(&k3s, &Surroundings::of(&scope)), pod(UID, ID, None));
    // Process 1 of an own namespace is a container beside the others, not around them.
    let beside = Surroundings::of(&filled("0::/kubepods/burstable/pod{uid}/{other}\n"));
    assert_eq!(Identity::of(&filled("0::/kubepods/burstable/pod{uid}/{id}\n"), &beside), pod(UID, ID, None));
}

#[test]
fn cgroup_below_an_own_one_forges_neither_pod_nor_container() {
    for (path, expected) in [
        ("/kubepods/burstable/pod{uid}/{id}/kubepods/burstable/pod{other_uid}/{other}", pod(UID, ID, None)),
        ("/../../pod{uid}/{id}/pod{other_uid}/{other}", pod(UID, ID, None)),
        ("/kubepods/burstable/pod{uid}/{id}/docker-{other}.scope", pod(UID, ID, None)),
        ("/docker/{id}/kubepods/burstable/pod{other_uid}/{other}", container(ID, Some(Docker))),
        (
            "/machine.slice/libpod-{id}.scope/container/kubepods/pod{other_uid}/{other}",
            container(ID, Some(Podman)),
        ),
        (
            "/user.slice/user-7.slice/user@7.service/kubepods/burstable/pod{uid}/{id}",
            owned("user-7", container(ID, None)),
        ),
        (
            "/system.slice/ci.service/kubepods.slice/kubepods-pod{u_i_d}.slice/crio-{id}.scope",
            owned("ci.service", container(ID, Some(CriO))),
        ),
        (
            "/system.slice/ci.service/machine.slice/docker.service/kubepods/pod{uid}/{id}",
            owned("ci.service", container(ID, None)),
        ),
    ] {
        assert_eq!(of_path(path), expected, "{path}");
    }
}

#[test]
fn texts_that_are_no_identifiers_are_refused() {
    for path in [
        "/kubepods/burstable/pod",
        "/kubepods/burstable/pod../{id}x",
        "/kubepods/burstable/pod57E67067-89e4-4001-bdd4-8632d39ea02b",
        "/kubepods/burstable/pod57e67067-89e4-4001-bdd4-8632d39ea02b0",
        "/kubepods/burstable/pod57e6706789e4-4001-bdd4-8632d39ea02b-",
        "/kubepods.slice/evil-pod{u_i_d}.slice",
        "/system.slice/podman.socket",
        "/docker/{id}0",
        "/docker/short",
        "/docker-\"}\\{id}.scope",
        "/docker/6D393320601b821561e43bd46f658284cb172cf297ecc3d3665be657870d32e2",
        "/::::",
        "/a:b:c",
    ] {
        assert_eq!(of_path(path), Identity::default(), "{path}");
    }
    for text in ["", "\n", "0", "0:", "0::", ":::", "no cgroup at all", "0:/docker/{id}"] {
        assert_eq!(of(text), Identity::default(), "{text:?}");
    }
    let quoted = of_path("/system.slice/a\"b\\x2dc{d}.service");
    assert_eq!(quoted.owner.as_deref(), Some("abx2dcd.service"));
    assert_eq!(of_path(&format!("/{}.service", "a".repeat(250))).owner.map(|owner| owner.len()), Some(64));
}

#[test]
fn target_is_named_by_pod_or_container_or_namespace() {
    assert_eq!(pod(UID, ID, None).key(7), UID);
    assert_eq!(container(ID, None).key(7), format!("container-{ID}"));
    assert_eq!(Identity::default().key(4_026_531_839), "ipc-4026531839");
    assert_eq!(owned("user-1000", container(ID, None)).key(7), "ipc-7", "the user could have chosen the ID");
}

#[test]
fn labels_of_a_named_pod_are_its_names_alone() {
    let named = Identity {
        namespace: Some("shop".to_owned()),
        pod: Some("web-0".to_owned()),
        container: Some("fpm".to_owned()),
        host: Some("web-0".to_owned()),
        ..pod(UID, ID, Some(Docker))
    };
    assert_eq!(named.labels(), [("namespace", "shop"), ("pod", "web-0"), ("container", "fpm")]);
    let nameless = Identity { host: Some("box".to_owned()), ..pod(UID, ID, Some(Docker)) };
    assert_eq!(nameless.labels(), [("pod_uid", UID), ("container_id", "6d393320601b"), ("host", "box")]);
    assert_eq!(owned("user-5", Identity::default()).labels(), [("owner", "user-5")]);
    assert_eq!(Identity::default().labels(), []);
}

#[test]
fn processes_of_one_namespace_share_what_they_agree_on() {
    let one = Identity { host: Some("box".to_owned()), ..pod(UID, ID, Some(Docker)) };
    let other = pod(UID, OTHER_ID, Some(Docker));
    let both = Identity { pod_uid: Some(UID.to_owned()), runtime: Some(Docker), ..Identity::default() };
    assert_eq!(one.clone().common(&other), both);
    assert_eq!(one.clone().common(&one), one);
    assert_eq!(
        one.clone().common(&owned("user-5", one.clone())),
        Identity { host: one.host, ..Identity::default() }
    );
}

#[test]
fn host_name_comes_from_the_environment_and_is_checked() {
    assert_eq!(host_name(b"PATH=/bin\0HOSTNAME=web-1.example\0A=B\0").as_deref(), Some("web-1.example"));
    assert_eq!(host_name(b"HOSTNAME=box").as_deref(), Some("box"));
    for environ in [
        &b""[..],
        b"PATH=/bin\0",
        b"XHOSTNAME=box\0",
        b"HOSTNAME=\0",
        b"HOSTNAME=a\"b\0",
        b"HOSTNAME=a\nb\0",
        b"HOSTNAME=\xff\0",
        &[b"HOSTNAME=".as_slice(), &[b'a'; 65]].concat(),
    ] {
        assert_eq!(host_name(environ), None, "{environ:?}");
    }
}

/// `/var/log` of a node.
struct Node {
    root: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let node = Self { root: tempfile::tempdir().expect("a folder") };
        for folder in ["pods", "containers"] {
            fs::create_dir(node.root.path().join(folder)).expect("a folder");
        }
        node
    }

    fn pod(&self, directory: &str, containers: &[&str]) {
        for container in containers {
            fs::create_dir_all(self.root.path().join("pods").join(directory).join(container)).expect("a pod");
        }
    }

    fn link(&self, name: &str) {
        symlink("/var/log/pods/x/y/0.log", self.root.path().join("containers").join(name)).expect("a link");
    }

    fn logs(&self) -> Logs {
        Logs::at(&self.root.path().join("pods"))
    }

    fn names(&self, mut identity: Identity) -> [Option<String>; 3] {
        self.logs().name(&mut identity).expect("readable");
        [identity.namespace, identity.pod, identity.container]
    }
}

fn names(namespace: &str, pod: &str, container: &str) -> [Option<String>; 3] {
    [Some(namespace.to_owned()), Some(pod.to_owned()), (!container.is_empty()).then(|| container.to_owned())]
}

const NAMELESS: [Option<String>; 3] = [None, None, None];

#[test]
fn log_directory_names_the_pod_and_a_link_its_container() {
    let node = Node::new();
    node.pod(&format!("shop_web-7d5c-x2x_{UID}"), &["migrate", "fpm"]);
    node.pod(&format!("shop_web-7d5c-y9z_{OTHER_UID}"), &["fpm"]);
    node.link(&format!("web-7d5c-x2x_shop_migrate-{OTHER_ID}.log"));
    node.link(&format!("web-7d5c-x2x_shop_fpm-{ID}.log"));
    assert_eq!(node.names(pod(UID, ID, None)), names("shop", "web-7d5c-x2x", "fpm"));
    assert_eq!(node.names(pod(UID, OTHER_ID, None)), names("shop", "web-7d5c-x2x", "migrate"));
    assert_eq!(
        node.names(pod(UID, POD_ID, None)),
        names("shop", "web-7d5c-x2x", ""),
        "a container without a link"
    );
    assert_eq!(
        node.names(pod(OTHER_UID, POD_ID, None)),
        names("shop", "web-7d5c-y9z", "fpm"),
        "the only one"
    );
    assert_eq!(node.names(pod(HASH, ID, None)), NAMELESS);
    assert_eq!(node.names(container(ID, None)), NAMELESS);
}

#[test]
fn static_pod_is_found_by_its_hash() {
    let node = Node::new();
    node.pod(&format!("kube-system_etcd-node.example_{HASH}"), &["etcd"]);
    assert_eq!(node.names(pod(HASH, ID, None)), names("kube-system", "etcd-node.example", "etcd"));
}

#[test]
fn log_file_of_docker_names_the_container() {
    let node = Node::new();
    let directory = format!("shop_web_{UID}");
    node.pod(&directory, &["fpm", "nginx"]);
    for (container, id) in [("fpm", ID), ("nginx", OTHER_ID)] {
        let file = node.root.path().join("pods").join(&directory).join(container).join("0.log");
        symlink(format!("/var/lib/docker/containers/{id}/{id}-json.log"), file).expect("a link");
    }
    assert_eq!(node.names(pod(UID, ID, None)), names("shop", "web", "fpm"));
    assert_eq!(node.names(pod(UID, OTHER_ID, None)), names("shop", "web", "nginx"));
}

#[test]
fn id_that_was_cut_from_a_long_link_still_names_the_container() {
    let node = Node::new();
    let (long, container) = ("p".repeat(120), "c".repeat(63));
    node.pod(&format!("shop_{long}_{UID}"), &[&container, "other"]);
    let whole = format!("{long}_shop_{container}-{ID}");
    node.link(&format!("{}.log", &whole[..whole.len().min(251)]));
    assert!(whole.len() > 251, "else nothing is cut");
    assert_eq!(node.names(pod(UID, ID, None)), names("shop", &long, &container));
    // A short name with a part of the ID is none that the kubelet made.
    let short = Node::new();
    short.pod(&format!("shop_web_{UID}"), &["fpm", "other"]);
    short.link(&format!("web_shop_fpm-{}.log", &ID[..12]));
    assert_eq!(short.names(pod(UID, ID, None)), names("shop", "web", ""));
}

#[test]
fn names_that_kubernetes_does_not_allow_are_refused() {
    let longest = "n".repeat(64);
    for (namespace, name) in [
        ("Shop", "web"),
        ("shop", "we\"b"),
        ("shop", "we\nb"),
        ("shop", "-web"),
        ("shop", "web."),
        ("shop", "we_b"),
        ("", "web"),
        ("shop", ""),
        ("sh.op", "web"),
        (longest.as_str(), "web"),
    ] {
        let node = Node::new();
        node.pod(&format!("{namespace}_{name}_{UID}"), &["fpm"]);
        assert_eq!(node.names(pod(UID, ID, None)), NAMELESS, "{namespace:?} {name:?}");
    }
    let node = Node::new();
    node.pod(&format!("shop_web_{UID}"), &["f\"pm", "F"]);
    node.link(&format!("web_shop_f\"pm-{ID}.log"));
    assert_eq!(node.names(pod(UID, ID, None)), names("shop", "web", ""));
}

#[test]
fn two_directories_with_one_uid_name_nobody() {
    let node = Node::new();
    node.pod(&format!("shop_web_{UID}"), &["fpm"]);
    node.pod(&format!("evil_web_{UID}"), &["fpm"]);
    assert_eq!(node.names(pod(UID, ID, None)), NAMELESS);
}

#[test]
fn missing_log_directory_is_an_error_and_missing_links_are_none() {
    let node = Node::new();
    fs::remove_dir(node.root.path().join("containers")).expect("empty");
    node.pod(&format!("shop_web_{UID}"), &["fpm"]);
    assert_eq!(node.names(pod(UID, ID, None)), names("shop", "web", "fpm"));
    let nowhere = Logs::at(&node.root.path().join("nowhere"));
    assert!(nowhere.name(&mut pod(UID, ID, None)).is_err());
    assert!(nowhere.name(&mut container(ID, None)).is_ok(), "a container of no pod has no directory there");
}
