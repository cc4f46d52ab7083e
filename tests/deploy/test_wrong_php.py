"""An extension that does not fit the PHP at hand: what its build says, and what PHP says when it loads it. Copies of the
extension are changed where PHP looks, for there is one PHP here; `make zts` and `make test-matrix` load what was built for others."""

import os
import re
import struct
import subprocess

import harness
import loading
import pytest

AARCH64 = struct.pack("<H", 183)
MACHINE = slice(18, 20)  # of an ELF header


def number(script):
    return int(subprocess.check_output([harness.PHP, "-n", "-r", f"echo {script};"], text=True))


def api():
    config = os.environ.get("PHP_CONFIG", "php-config")
    return int(subprocess.check_output([config, "--phpapi"], text=True).split("+")[0])


def for_another_version(built):
    """The module API's number stands where the module is described, as a number."""
    assert built.count(struct.pack("<I", api())) == 1
    return built.replace(struct.pack("<I", api()), struct.pack("<I", api() + 10_000))


def for_other_checks(built):
    """Of the same length, so that nothing moves: what PHP compares ends at its first NUL. Without room for `,debug` it is `deb`."""
    before = f"API{api()},{'TS' if number('(int) PHP_ZTS') else 'NTS'}".encode()
    assert built.count(before) == 1
    return built.replace(before + b",debug", before + b"\0debug") if number("(int) PHP_DEBUG") else built.replace(before, before[:-3] + b"deb")


def for_another_machine(built):
    assert built[MACHINE] != AARCH64
    return built[: MACHINE.start] + AARCH64 + built[MACHINE.stop :]


@pytest.mark.parametrize(
    "change, word",
    [(for_another_version, "its version"), (for_other_checks, "`-debug`"), (for_another_machine, "`arm64`")],
)
def test_table_says_what_to_take_for_what_php_says(change, word, tmp_path):
    changed = tmp_path / "promshm.so"
    changed.write_bytes(change(harness.EXTENSION.read_bytes()))
    assert word in loading.what_to_take(loading.said_of(changed))


@pytest.fixture
def build(tmp_path):
    """Runs the extension's build script as cargo does, with a PHP and headers that say what the test wants."""
    scripts = harness.EXTENSION.parent.glob("build/promshm-*/build-script-build")
    scripts = [each for each in scripts if re.fullmatch(r"promshm-[0-9a-f]+", each.parent.name)]
    script = max(scripts, key=lambda each: each.stat().st_mtime)

    def run(version=(8, 4), zts=0, debug=0, program=None):
        (tmp_path / "php_version.h").write_text(f"#define PHP_VERSION_ID {version[0]}0{version[1]}07\n")
        (tmp_path / "php_config.h").write_text(f"#define ZEND_DEBUG {debug}\n" + ("#define ZTS 1\n" if zts else "/* #undef ZTS */\n"))
        says = {"php": program or f"{version[0]}0{version[1]}07 {zts} {debug}", "php-config": f"-I{tmp_path}"}
        for name, words in says.items():
            (tmp_path / name).write_text(f"#!/bin/sh\necho '{words}'\n")
            (tmp_path / name).chmod(0o755)
        environment = {**os.environ, "PHP": str(tmp_path / "php"), "PHP_CONFIG": str(tmp_path / "php-config")}
        done = subprocess.run([script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=harness.WATCHDOG)
        assert done.returncode != 0, "without a compiler's settings it ends here in any case"
        return done.stderr

    return run


def test_build_names_the_php_to_take_for_one_that_is_too_old(build):
    assert "PHP 8.1, not thread-safe is too old: promshm needs PHP 8.2 or newer" in build((8, 1))


def test_build_names_what_to_take_for_a_php_that_is_too_new(build):
    said = build((8, 7))
    assert "PHP 8.7, not thread-safe is too new: this promshm knows PHP 8.2 to 8.6. Take a newer promshm" in said


@pytest.mark.parametrize(
    "program, is_of",
    [
        ("80207 0 0", "PHP 8.2, not thread-safe"),
        ("80407 1 0", "PHP 8.4, thread-safe"),
        ("80407 0 1", "PHP 8.4, not thread-safe, with debug checks"),
    ],
)
def test_build_refuses_headers_of_another_php_than_the_program(build, program, is_of):
    said = build((8, 4), program=program)
    assert f"is {is_of}, but the headers that" in said
    assert "are of PHP 8.4, not thread-safe: let PHP and PHP_CONFIG name the same one" in said


def test_build_gets_past_a_php_that_fits(build):
    """Else the tests above would pass with a check that refuses every PHP."""
    said = build((8, 4), zts=1, debug=1)
    assert "PHP" not in said.replace("PHP_CONFIG", "") and said != "", said

