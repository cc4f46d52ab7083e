"""What a release consists of: the archives that PIE looks for, symbols, .deb and .rpm.

They are packed from the binaries that the other tests have built."""

import hashlib
import os
import pathlib
import re
import subprocess
import tarfile

import harness
import pytest

ROOT = harness.ROOT
VERSION = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
LARGEST_EXTENSION = 1_500_000  # bytes, stripped
EM_AARCH64 = (183).to_bytes(2, "little")


def run(*words, **options):
    words = [str(word) for word in words]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300, **options)
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def this_php():
    """How PIE names the PHP at hand."""
    script = (
        'printf("php%d.%d-%s-linux-glibc%s%s", PHP_MAJOR_VERSION, PHP_MINOR_VERSION, '
        '["aarch64" => "arm64"][php_uname("m")] ?? php_uname("m"), PHP_DEBUG ? "-debug" : "", PHP_ZTS ? "-zts" : "");'
    )
    return run(harness.PHP, "-n", "-r", script)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A folder with all of a release, and the environment that packs it again."""
    folder = tmp_path_factory.mktemp("packed")
    built = folder / "built"
    built.mkdir()
    run(ROOT / "scripts/strip-extension.sh", harness.EXTENSION, built)
    run("install", "--strip", harness.EXPORTER, built / "promshm-exporter")
    (built / "promshm-exporter.cdx.json").write_text("{}")
    environment = {**os.environ, "DIST_BUILT": str(built), "CARGO_TARGET_DIR": str(folder)}
    run(ROOT / "scripts/dist.sh", env=environment)
    return folder / "dist", environment


def only(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def unpack(archive, to):
    with tarfile.open(archive) as members:
        members.extractall(to, filter="data")


def test_archive_has_the_name_that_pie_looks_for_and_loads(packed, tmp_path):
    """PIE takes promshm.so from the top of the archive, or compiles where no name fits."""
    unpack(packed[0] / f"php_promshm-v{VERSION}_{this_php()}.tgz", tmp_path)
    shown = run(harness.PHP, "-n", "-d", f"extension={tmp_path}/promshm.so", "--ri", "promshm")
    assert "Status => enabled" in shown


def test_archive_is_unpacked_by_phps_own_reader(packed, tmp_path):
    """Composer, and so PIE, unpacks with it. It fails at the folder `.`, which tar writes where it is told to pack `.`."""
    archive = only(packed[0], "php_promshm-*.tgz")
    modules = pathlib.Path(run(harness.PHP, "-r", "echo ini_get('extension_dir');"))
    phar = ["-d", f"extension={modules}/phar.so"] if (modules / "phar.so").exists() else []
    run(harness.PHP, "-n", *phar, "-r", f"(new PharData('{archive}'))->extractTo('{tmp_path}', null, true);")
    assert {file.name for file in tmp_path.iterdir()} == {"promshm.so", "LICENSE-MIT", "LICENSE-APACHE"}


def test_extension_is_small_and_its_symbols_are_beside_it(packed, tmp_path):
    unpack(only(packed[0], "php_promshm-*.tgz"), tmp_path)
    unpack(only(packed[0], "promshm-symbols-*.tgz"), tmp_path)
    extension, symbols = tmp_path / "promshm.so", tmp_path / "promshm.so.debug"
    size = extension.stat().st_size
    assert 0 < size < LARGEST_EXTENSION
    print(f"promshm.so: {size} bytes")
    assert ".debug_line" not in run("readelf", "-SW", extension)
    assert ".debug_line" in run("readelf", "-SW", symbols)
    assert "promshm.so.debug" in run("readelf", "--string-dump=.gnu_debuglink", extension)
    build_ids = {re.search(r"Build ID: (\w+)", run("readelf", "-n", file)).group(1) for file in (extension, symbols)}
    assert len(build_ids) == 1


@pytest.fixture
def variant(tmp_path):
    """The extension as it would be for another PHP, machine or libc, as far as its name goes."""

    def make(build=b"API20240924,NTS", machine=None, libc=None):
        data = harness.EXTENSION.read_bytes()
        (at,) = {match.start() for match in re.finditer(rb"API20\d{6},N?TS(,debug)?\0", data)}
        data = data[:at] + build + b"\0" + data[at + len(build) + 1 :]
        if machine:
            data = data[:18] + machine + data[20:]
        if libc:
            assert data.count(b"\0libc.so.6\0") == 1
            data = data.replace(b"\0libc.so.6\0", b"\0" + libc.ljust(9, b"\0") + b"\0")
        file = tmp_path / "promshm.so"
        file.write_bytes(data)
        return file

    return make


def name(file):
    return run(ROOT / "scripts/abi-name.sh", file).strip()


@pytest.mark.parametrize(
    ("build", "machine", "libc", "wanted"),
    [
        (b"API20220829,NTS", None, None, "php8.2-x86_64-linux-glibc"),
        (b"API20230831,NTS", EM_AARCH64, None, "php8.3-arm64-linux-glibc"),
        (b"API20240924,TS", EM_AARCH64, b"libc.so", "php8.4-arm64-linux-musl-zts"),
        (b"API20240924,TS,debug", None, None, "php8.4-x86_64-linux-glibc-debug-zts"),
        (b"API20250925,NTS,debug", None, b"libc.so", "php8.5-x86_64-linux-musl-debug"),
        (b"API20260924,TS", None, None, "php8.6-x86_64-linux-glibc-zts"),
    ],
)
def test_name_is_read_from_the_file_and_written_as_pie_writes_it(variant, build, machine, libc, wanted):
    assert name(variant(build, machine, libc)) == wanted


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"build": b"API20190902,NTS"}, "none of a PHP from 8.2"),
        ({"machine": b"\x28\0"}, "neither x86-64 nor arm64"),
        ({"libc": b"libx.so.6"}, "neither glibc nor musl"),
    ],
)
def test_file_of_an_unknown_kind_is_refused(variant, change, why):
    done = subprocess.run([ROOT / "scripts/abi-name.sh", variant(**change)], capture_output=True, text=True)
    assert done.returncode != 0
    assert why in done.stderr
    assert done.stdout == ""


def test_file_that_is_no_extension_is_refused():
    done = subprocess.run([ROOT / "scripts/abi-name.sh", harness.EXPORTER], capture_output=True, text=True)
    assert done.returncode != 0
    assert "is no PHP extension" in done.stderr


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"build": b"API20190902,NTS"}, "Module compiled with module API=20190902"),
        ({"build": b"API%s,%s"}, "Module compiled with build ID=API"),
        ({"libc": b"libc.so"}, "libc.so: "),
        ({"machine": b"\x28\0"}, "cannot open shared object file"),
    ],
)
def test_install_page_names_what_php_says_of_a_file_for_another(variant, change, wanted):
    """The page's table is what leads from the engine's words to the archive to take."""
    if b"%s" in change.get("build", b""):
        found = re.search(rb"API(\d+),(N?TS)", harness.EXTENSION.read_bytes())
        change = {"build": change["build"] % (found.group(1), b"TS" if found.group(2) == b"NTS" else b"NTS")}
    file = variant(**change) if "build" in change else variant(harness_build(), **change)
    if change.get("build", b"").startswith(b"API20190902"):
        data = file.read_bytes()
        api = int(re.search(rb"API(\d+),", harness.EXTENSION.read_bytes()).group(1)).to_bytes(4, "little")
        file.write_bytes(data.replace(api, (20190902).to_bytes(4, "little")))
    said = run(harness.PHP, "-n", "-d", f"extension={file}", "-r", "echo 'on it goes';")
    assert "on it goes" in said
    assert wanted in said
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs/install.md").read_text(), re.M)
    texts = [re.sub(r"20\d{6}(,N?TS)?", "", text) for row in rows for text in re.findall(r"`(.*?)`", row)]
    plain = re.sub(r" +", " ", re.sub(r"20\d{6}(,N?TS)?", "", said))
    assert any(text in plain for text in texts), said


def harness_build():
    return re.search(rb"API\d{8},N?TS(,debug)?", harness.EXTENSION.read_bytes()).group(0)


def test_exporter_runs_from_its_archive(packed, tmp_path):
    unpack(only(packed[0], "promshm-exporter-*-linux.tar.gz"), tmp_path)
    place = only(tmp_path, "promshm-exporter-*")
    assert re.match(r"promshm-exporter \d", run(place / "promshm-exporter", "--version"))
    assert (place / "promshm-exporter.service").exists()


def test_checksums_match_and_archives_are_reproducible(packed):
    dist, environment = packed
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=dist)
    before = (dist / "SHA256SUMS").read_text()
    files = {line.split()[1] for line in before.splitlines()}
    assert files == {file.name for file in dist.iterdir()} - {"SHA256SUMS"}
    assert len(files) == 8
    run(ROOT / "scripts/dist.sh", env=environment)
    assert (dist / "SHA256SUMS").read_text() == before


class Machine:
    """This machine with a layer over it: what is installed there is gone with the test, and never was on the machine."""

    def __init__(self, folder, dist):
        self.folder, self.dist = folder, dist

    def run(self, script):
        """A shell script in there, as root."""
        mounts = (
            'mount -t tmpfs none "$0"; mkdir "$0/up" "$0/work" "$0/root"; '
            'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/up,workdir=$0/work" "$0/root"; '
            'mount --bind "$1" "$0/root/mnt"; mount -t proc proc "$0/root/proc"; mount --rbind /dev "$0/root/dev"; '
            'exec chroot "$0/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 sh -exc "$2"'
        )
        command = ["unshare", "--mount", "--pid", "--fork", "--ipc", "sh", "-ec", mounts, self.folder, self.dist, script]
        return run(*command)


@pytest.fixture
def machine(packed, tmp_path):
    return Machine(tmp_path, packed[0])


def test_debs_install_enable_and_purge(machine, packed):
    """The PHP of this machine is Debian's own: the package's dependencies are those that it provides."""
    extension, exporter = only(packed[0], "php*-promshm_*.deb"), only(packed[0], "promshm-exporter_*.deb")
    assert extension.name == f"{this_php().split('-')[0]}-promshm_{VERSION}_{machine_word()}.deb"
    said = machine.run(
        f"""
        dpkg --install /mnt/{extension.name} /mnt/{exporter.name}
        php -r 'echo "loaded:", extension_loaded("promshm") ? "yes" : "no", "\\n";'
        setpriv --reuid promshm-exporter --regid promshm-exporter --init-groups promshm-exporter --version
        echo "groups:$(id -Gn promshm-exporter)"
        echo "unit:$(grep -E '^(User|ExecStart|DynamicUser|Supp)' /usr/lib/systemd/system/promshm-exporter.service | tr '\\n' ';')"
        dpkg --purge {extension.name.split('_')[0]} promshm-exporter
        php -r 'echo "loaded:", extension_loaded("promshm") ? "yes" : "no", "\\n";'
        getent passwd promshm-exporter || echo 'user:gone'
        test ! -e /usr/lib/systemd/system/promshm-exporter.service
        ls /etc/php/*/cli/conf.d/*promshm* /etc/php/*/mods-available/promshm.ini 2>/dev/null || echo 'settings:gone'
        """
    )
    lines = [line for line in said.splitlines() if not line.startswith("+")]
    assert [line for line in lines if line.startswith("loaded:")] == ["loaded:yes", "loaded:no"]
    assert f"promshm-exporter {VERSION}" in said
    assert "groups:promshm-exporter www-data" in lines
    assert "unit:ExecStart=/usr/bin/promshm-exporter --segment=sysv:0x70736d31;User=promshm-exporter;" in lines
    assert "user:gone" in lines and "settings:gone" in lines


def machine_word():
    return run("dpkg", "--print-architecture").strip()


def test_rpms_install_and_erase(machine, packed):
    """There is no PHP of Fedora's here: what its packages must provide is read, and not checked by rpm."""
    extension, exporter = only(packed[0], "php-promshm-*.rpm"), only(packed[0], "promshm-exporter-*.rpm")
    said = machine.run(
        f"""
        mkdir -p /run/rpm
        rpm="rpm --dbpath /run/rpm --nodeps"
        $rpm --install /mnt/{extension.name} /mnt/{exporter.name}
        php -n -d extension=/usr/lib64/php/modules/promshm.so -r 'echo "loaded:", extension_loaded("promshm") ? "yes" : "no", "\\n";'
        promshm-exporter --version
        echo "groups:$(id -Gn promshm-exporter)"
        cat /etc/php.d/40-promshm.ini
        $rpm --erase php-promshm promshm-exporter
        ls /usr/bin/promshm-exporter /usr/lib64/php/modules/promshm.so 2>/dev/null || echo 'files:gone'
        """
    )
    lines = said.splitlines()
    assert "loaded:yes" in lines and "files:gone" in lines
    assert f"promshm-exporter {VERSION}" in said
    assert "groups:promshm-exporter apache" in lines
    assert "extension=promshm" in lines
    needs = run("rpm", "-qp", "--requires", extension)
    api = re.search(rb"API(20\d{6}),", harness.EXTENSION.read_bytes()).group(1).decode()
    assert f"php(zend-abi) = {api}-64" in needs
    assert re.search(r"libc\.so\.6\(GLIBC_2\.\d+\)\(64bit\)", needs)


def test_thread_safe_build_gets_an_archive_and_no_packages(packed, variant, tmp_path):
    """Debian and Fedora have no thread-safe PHP that a package could be for."""
    dist, environment = packed
    before = {file: hashlib.sha256(file.read_bytes()).digest() for file in dist.iterdir()}
    built = tmp_path / "built"
    built.mkdir()
    variant(b"API20240924,TS").rename(built / "promshm.so")
    (built / "promshm.so.debug").touch()
    run(ROOT / "scripts/dist.sh", "extension", env={**environment, "DIST_BUILT": str(built), "CARGO_TARGET_DIR": str(tmp_path)})
    found = {file.name for file in (tmp_path / "dist").iterdir()}
    kind = "php8.4-x86_64-linux-glibc-zts" if pathlib.Path("/lib64").exists() else "php8.4-arm64-linux-glibc-zts"
    assert found == {f"php_promshm-v{VERSION}_{kind}.tgz", f"promshm-symbols-v{VERSION}_{kind}.tgz", "SHA256SUMS"}
    assert before == {file: hashlib.sha256(file.read_bytes()).digest() for file in dist.iterdir()}
