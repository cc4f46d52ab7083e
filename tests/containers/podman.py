"""podman with all that is its own below target/containers, and stand-ins for the base images.

No registry is asked. Under the names that the Dockerfiles use by default, all in docker.io/library, stand:
  php:X-cli            a small Debian with its php-cli, made by debootstrap
  php:X-cli-bookworm,  an empty tree, over which each build mounts this machine's own compilers,
  rust:1-slim-bookworm headers and crates
"""

import concurrent.futures
import functools
import os
import pathlib
import re
import shutil
import subprocess

import harness

PLACE = harness.ROOT / "target" / "containers"
# The pods' PHP is Debian's, whichever one the other tests take.
PHP_VERSION = subprocess.run(
    ["/usr/bin/php", "-n", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"], check=True, capture_output=True, text=True
).stdout
OFFICIAL = "docker.io/library"
PHP_IMAGE = f"{OFFICIAL}/php:{PHP_VERSION}-cli"
BUILDERS = (f"{OFFICIAL}/rust:1-slim-bookworm", f"{PHP_IMAGE}-bookworm")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Raising limits is not allowed everywhere, and systemd is not everywhere.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
image_default_transport = "docker://"
"""
STORAGE_CONF = """\
[storage]
driver = "{driver}"
runroot = "{place}/run"
graphroot = "{place}/storage"
"""


def run(*words, **options):
    """Runs a command; its output, or an error that shows it. A build takes as long as the machine is busy, so there
    is no timeout: tests/limited.py ends a step that does not get on."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def podman(*words):
    return run("podman", *words)


def exists(image):
    return subprocess.run(["podman", "image", "exists", image]).returncode == 0


def commands(document, name):
    """The lines of a marked block of a document."""
    block = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```", (harness.ROOT / document).read_text(), re.DOTALL)
    assert block, f"{document} has no block {name}"
    return [line.split("   #")[0].strip() for line in block.group(1).splitlines()]


@functools.cache
def clone():
    """A folder with what a fresh clone has, and nothing that was made since. Each file has its time, so cargo compiles
    nothing anew."""
    place = PLACE / "clone"
    shutil.rmtree(place, ignore_errors=True)
    for name in run("git", "ls-files", "-z", cwd=harness.ROOT).rstrip("\0").split("\0"):
        if os.path.lexists(harness.ROOT / name):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(harness.ROOT / name, place / name, follow_symlinks=False)
    return place


@functools.cache
def prepare():
    """Images and settings for all modules of tests, once."""
    for tool in ("podman", "runc", "catatonit", "debootstrap", "readelf", "prometheus"):
        if not shutil.which(tool):
            raise AssertionError(f"{tool} is missing; scripts/test-deps.sh and scripts/container-deps.sh install it")
    if os.geteuid() != 0:
        raise AssertionError("containers are tried as root only")
    set_up()
    stand_ins()
    # The compiled layers are there by now; these are the documented ways to all images.
    for document, block in (("docker/README.md", "quickstart:podman"), ("docs/deployment.md", "quickstart:node")):
        run("sh", "-c", commands(document, block)[0], cwd=clone())


def set_up():
    """Lets podman live below target/containers. Its commands need no further flags, so the documents' ones can be run."""
    PLACE.mkdir(parents=True, exist_ok=True)
    below = run("stat", "--file-system", "--format=%T", PLACE)
    driver = "vfs" if below in ("overlayfs", "tmpfs") else "overlay"
    for variable, text in (
        ("CONTAINERS_CONF", CONTAINERS_CONF),
        ("CONTAINERS_STORAGE_CONF", STORAGE_CONF.format(driver=driver, place=PLACE)),
    ):
        file = PLACE / f"{variable.lower()}.toml"
        file.write_text(text)
        os.environ[variable] = str(file)
    podman("pod", "rm", "--force", "--all", "--time=0")


def import_tree(tree, name, environment):
    """Makes an image of a folder."""
    changes = [f"--change=ENV {key}={value}" for key, value in environment.items()]
    # Package caches are not needed in an image.
    packed = subprocess.Popen(
        ["tar", "-C", tree, "--exclude=./var/cache/apt", "--exclude=./var/lib/apt/lists", "-c", "."], stdout=subprocess.PIPE
    )
    run("podman", "import", "--quiet", *changes, "-", name, stdin=packed.stdout)
    packed.stdout.close()
    if packed.wait() != 0:
        raise AssertionError(f"tar could not pack {tree}")


def debian_mirror():
    """The package sources of this machine."""
    sites = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(CODENAME)", "Created-By: Packages")
    codename = run("sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"')
    for line in sites.splitlines():
        uri, *_, suite = line.split()
        if suite == codename and ("Debian" in line or "Ubuntu" in line):
            return codename, uri
    raise AssertionError(f"apt names no mirror for {codename}; run: apt-get update")


def make_php():
    """A Debian as this machine's one, and its php-cli."""
    codename, mirror = debian_mirror()
    tree = PLACE / "php"
    run("rm", "-rf", tree)
    run("debootstrap", "--variant=minbase", "--include=php-cli", codename, tree, mirror)
    import_tree(tree, PHP_IMAGE, {"PATH": SYSTEM_PATH})
    run("rm", "-rf", tree)


def make_builder():
    """Folders to mount on, and the names under which a Rust image has its things."""
    tree = PLACE / "builder"
    for folder in ("lib", "lib64", "bin", "sbin"):
        (tree / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (tree / folder).is_symlink():
            (tree / folder).symlink_to(f"usr/{folder}")
    for folder in ("dev", "etc", "proc", "root", "run", "sys", "tmp", "var", "usr/local/rustup", "usr/local/cargo"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "tmp").chmod(0o1777)
    path = f"/usr/local/cargo/bin:{SYSTEM_PATH}"
    homes = {"RUSTUP_HOME": "/usr/local/rustup", "CARGO_HOME": "/usr/local/cargo"}
    import_tree(tree, BUILDERS[0], {"PATH": path, **homes})
    podman("tag", *BUILDERS)


def build_flags():
    """Volumes for an offline build: this machine's tools over the empty builder images, and cargo's earlier output."""
    homes = {"rustup": os.environ.get("RUSTUP_HOME", "~/.rustup"), "cargo": os.environ.get("CARGO_HOME", "~/.cargo")}
    read_only = [f"/usr/{folder}" for folder in ("bin", "sbin", "lib", "lib64", "include", "share", "libexec")]
    read_only += [f"/etc/{folder}" for folder in ("ssl", "alternatives", "php", "ld.so.conf.d")]
    mounts = {folder: f"{folder}:ro" for folder in read_only}
    rustup, cargo = (pathlib.Path(home).expanduser() for home in (homes["rustup"], homes["cargo"]))
    mounts |= {str(rustup): "/usr/local/rustup:ro", str(cargo / "bin"): "/usr/local/cargo/bin:ro"}
    mounts |= {str(cargo / "registry"): "/usr/local/cargo/registry"}
    built = PLACE / "cargo"
    run(harness.ROOT / "scripts/seed-target.sh", harness.ROOT / "target/release", built / "release")
    built.mkdir(exist_ok=True)
    mounts[str(built)] = "/src/target"
    volumes = [f"--volume={here}:{there}" for here, there in mounts.items() if pathlib.Path(here).is_dir()]
    return " ".join(["--isolation=chroot", "--network=host", "--pull=false", *volumes])


def stand_ins():
    """Sees to the base images, which stay from run to run, and to what is compiled on them. Debootstrap mostly
    waits for network and disk, and the end of each compilation is one thread's: so all three at once."""
    make_builder()
    os.environ |= {"PHP_VERSION": PHP_VERSION, "BUILD_FLAGS": build_flags()}
    environment = {**os.environ, "ENGINE": "podman"}  # the documented commands name it themselves
    with concurrent.futures.ThreadPoolExecutor() as pool:
        images = (("exporter", "exporter-tls"), ("extension",))  # those of one kind would wait for each other
        work = [pool.submit(run, "docker/build.sh", *some, cwd=harness.ROOT, env=environment) for some in images]
        if not exists(PHP_IMAGE):
            work.append(pool.submit(make_php))
        for each in work:
            each.result()
