"""The way of PHP's installers, PIE among them: phpize, configure, make and make install, from a clean copy
of what is committed. And what they say where a tool is missing."""

import json
import os
import pathlib
import shutil
import subprocess

import harness

# A build of its own, kept between runs: cargo builds much anew when the copy's folder or PHP's name changes.
HOST_TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", harness.ROOT / "target")).resolve()
TARGET = HOST_TARGET / "pie"
PHP_CONFIG = os.environ.get("PHP_CONFIG", "php-config")
PACKAGE = json.loads((harness.ROOT / "composer.json").read_text())


class PieTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        seed = [harness.ROOT / "scripts/seed-target.sh", HOST_TARGET / "release", TARGET / "release"]
        subprocess.run(seed, check=True)

    def setUp(self):
        super().setUp()
        self.copy_of_head = self.folder / "copy"
        self.copy_of_head.mkdir()
        archive = subprocess.run(["git", "-C", harness.ROOT, "archive", "HEAD"], check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", self.copy_of_head], input=archive.stdout, check=True)
        self.build_path = self.copy_of_head / PACKAGE["php-ext"]["build-path"]

    def run_in_build_path(self, *command, **environment):
        environment = {**os.environ, "MAKEFLAGS": "", "CARGO_TARGET_DIR": str(TARGET), **environment}
        words = [str(word) for word in command]
        done = subprocess.run(
            words, cwd=self.build_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        return done.returncode, done.stdout

    def succeed(self, *command, **environment):
        code, said = self.run_in_build_path(*command, **environment)
        self.assertEqual(code, 0, said)
        return said

    def configure(self, *through, **environment):
        self.succeed(pathlib.Path(PHP_CONFIG).name.replace("php-config", "phpize"))
        return self.run_in_build_path(*through, "./configure", f"--with-php-config={PHP_CONFIG}", **environment)

    def test_it_builds_and_installs(self):
        code, said = self.configure()
        self.assertEqual(code, 0, said)
        self.succeed("make", "-j2")
        self.assertTrue((self.build_path / "modules/promshm.so").is_file())
        self.succeed("make", "install", f"INSTALL_ROOT={self.folder}/root")
        folder = subprocess.run([PHP_CONFIG, "--extension-dir"], check=True, capture_output=True, text=True).stdout.strip()
        installed = pathlib.Path(f"{self.folder}/root{folder}/promshm.so")
        code = "(new Promshm\\Counter('c_total'))->inc(); echo Promshm\\Segment::render();"
        command = harness.php(self.segment, "-r", code, extension=installed)
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.WATCHDOG)
        self.assertEqual((harness.workers_samples(done.stdout), done.stderr), ({"c_total": 1}, ""))

    def test_phpize_leaves_no_untracked_files(self):
        self.configure()
        subprocess.run(["git", "init", "-q", self.copy_of_head], check=True)
        status = ["git", "-C", self.copy_of_head, "status", "--porcelain", "--untracked-files=all"]
        found = subprocess.run(status, check=True, capture_output=True, text=True).stdout.split("\n")
        known = subprocess.run(["git", "-C", harness.ROOT, "ls-tree", "-r", "--name-only", "HEAD"], capture_output=True, text=True)
        added = {line[3:] for line in found if line} - set(known.stdout.split("\n"))
        self.assertEqual(added, set())

    def test_configure_refuses_a_php_that_is_too_old(self):
        config = self.folder / "php-config"
        words = f'case $1 in --vernum) echo 80131 ;; --version) echo 8.1.31 ;; *) exec {shutil.which(PHP_CONFIG)} "$@" ;; esac'
        config.write_text(f"#!/bin/sh\n{words}\n")
        config.chmod(0o755)
        self.succeed(pathlib.Path(PHP_CONFIG).name.replace("php-config", "phpize"))
        code, said = self.run_in_build_path("./configure", f"--with-php-config={config}")
        self.assertNotEqual(code, 0, said)
        self.assertIn("PHP 8.1.31 is too old: promshm needs PHP 8.2 or newer", said)

    def test_missing_cargo_is_an_error_that_names_the_package(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for folder in reversed(os.environ["PATH"].split(os.pathsep)):
            for tool in pathlib.Path(folder).glob("*"):
                if not tool.name.startswith(("cargo", "rust")):
                    (tools / tool.name).unlink(missing_ok=True)
                    (tools / tool.name).symlink_to(tool)
        code, said = self.configure(PATH=str(tools))
        self.assertNotEqual(code, 0, said)
        self.assertIn("cargo is missing", said)
        self.assertIn("https://rustup.rs", said)

    def test_missing_libclang_is_an_error_that_names_the_package(self):
        (self.copy_of_head / "scripts/find-libclang.sh").write_text("#!/bin/sh\nexit 1\n")
        code, said = self.configure(LIBCLANG_PATH="")
        self.assertNotEqual(code, 0, said)
        self.assertIn("libclang is missing", said)
        self.assertIn("libclang-dev", said)

    def test_libclang_is_found_in_its_folder_only(self):
        find = [self.copy_of_head / "scripts/find-libclang.sh", self.folder]
        environment = {"PATH": os.environ["PATH"]}
        self.assertEqual(subprocess.run(find, env=environment).returncode, 1)
        (self.folder / "libclang-cpp.so.14").touch()
        (self.folder / "libclang-14.so").symlink_to(self.folder / "away")
        self.assertEqual(subprocess.run(find, env=environment).returncode, 1)
        (self.folder / "libclang-14.so.1").touch()
        self.assertEqual(subprocess.run(find, env=environment).returncode, 0)
        self.assertEqual(subprocess.run([*find[:1]], env={**environment, "LIBCLANG_PATH": "/x"}).returncode, 0)

    def test_package_describes_the_extension(self):
        library = json.loads((harness.ROOT / "php/composer.json").read_text())
        self.assertEqual((PACKAGE["type"], library["type"]), ("php-ext", "library"))
        self.assertNotEqual(PACKAGE["name"], library["name"])
        self.assertEqual(PACKAGE["require"], library["require"])
        self.assertEqual(PACKAGE["php-ext"]["extension-name"], "promshm")
