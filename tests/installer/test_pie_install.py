"""`pie install` takes an archive of a release, and what it installs loads. With PIE's own code: tests/run-pie-install.sh."""

import functools
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading

import harness
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = json.loads((harness.ROOT / "composer.json").read_text())
NAME = PACKAGE["name"]
VERSION = "v0.1.0"
ARCHIVE = pathlib.Path(os.environ["PROMSHM_ARCHIVE"])


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class Forge:
    """A repository of packages and the list of a release's archives; what it does not have it answers with 404."""

    def __init__(self, context):
        self.context = context
        self.folder = context.folder / "forge"
        self.folder.mkdir()
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=str(self.folder))
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        context.addCleanup(self.server.shutdown)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.offer()

    def offer(self, **changes):
        """The package as composer.json describes it, but for what is changed."""
        source = {"type": "zip", "url": f"{self.address}/source.zip", "reference": "0"}
        packages = {"packages": {NAME: {VERSION: {**PACKAGE, **changes, "version": VERSION, "dist": source}}}}
        (self.folder / "packages.json").write_text(json.dumps(packages))

    def release(self, *names):
        """The release has the archive under those names."""
        list_of = self.folder / f"repos/{NAME}/releases/tags/{VERSION}"
        list_of.parent.mkdir(parents=True, exist_ok=True)
        assets = [{"name": name, "browser_download_url": f"{self.address}/{name}"} for name in names]
        list_of.write_text(json.dumps({"assets": assets}))
        for name in names:
            shutil.copy(ARCHIVE, self.folder / name)

    def pie(self, *words):
        home = self.context.folder / "home"
        home.mkdir(exist_ok=True)
        (home / "config.json").write_text('{"config": {"secure-http": false}}')
        environment = {**os.environ, "PIE_RELEASES": self.address, "PIE_WORKING_DIRECTORY": str(home / "pie")}
        environment |= {"COMPOSER_HOME": str(home), "HOME": str(home), "COMPOSER_ALLOW_SUPERUSER": "1"}
        done = subprocess.run(
            [harness.PHP, HERE / "pie.php", *words], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=harness.WATCHDOG,
        )
        return done.returncode, done.stdout

    def install(self):
        code, said = self.pie("repository:add", "composer", self.address)
        assert code == 0, said
        skip = ["--skip-enable-extension", "--no-build-tools-check", "--no-system-dependencies-check"]
        return self.pie("install", NAME, *skip)


@pytest.fixture
def forge(context):
    return Forge(context)


@pytest.fixture
def installed():
    """Where PIE installs to; nothing is there before, and nothing is left."""
    folder = subprocess.check_output([os.environ.get("PHP_CONFIG", "php-config"), "--extension-dir"], text=True).strip()
    file = pathlib.Path(folder) / "promshm.so"
    assert not file.exists(), f"{file} was installed before"
    yield file
    file.unlink(missing_ok=True)


def test_archive_of_a_release_is_installed_and_loads(context, forge, installed):
    forge.release(ARCHIVE.name)
    _, said = forge.install()
    assert f"Found prebuilt archive: {forge.address}/{ARCHIVE.name}" in said, said
    assert f"Install complete: {installed}" in said, said
    code = "(new Promshm\\Counter('c_total'))->inc(); echo Promshm\\Segment::render();"
    command = harness.php(context.segment, "-r", code, extension="promshm")
    page = subprocess.run(command, check=True, capture_output=True, text=True, timeout=harness.WATCHDOG).stdout
    assert harness.workers_samples(page) == {"c_total": 1}


LIBCS = ("glibc", "musl") if "-glibc" in ARCHIVE.name else ("musl", "glibc")


@pytest.mark.parametrize("old, new", [LIBCS, (".tgz", "-zts.tgz"), ("x86_64", "arm64"), ("php8.", "php7.")])
def test_archive_for_another_php_is_not_taken(forge, installed, old, new):
    forge.release(ARCHIVE.name.replace(old, new))
    code, said = forge.install()
    assert code != 0, said
    assert "Install complete" not in said and not installed.exists()
    # It asks for the source then, which it would compile.
    assert "source.zip" in said, said


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"require": {"php": ">=8.99"}}, "it requires php >=8.99 which is not satisfied by your platform"),
        ({"php-ext": {**PACKAGE["php-ext"], "os-families": ["windows"]}}, 'It is compatible with the following families: "windows"'),
    ],
)
def test_package_that_does_not_fit_is_refused_with_what_it_needs(forge, installed, changes, says):
    forge.release(ARCHIVE.name)
    forge.offer(**changes)
    code, said = forge.install()
    assert code != 0, said
    assert says in " ".join(said.split()) and not installed.exists(), said
