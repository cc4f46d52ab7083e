"""An extension for a PHP without threads in one that has them, and the other way round: what PHP says, and what docs/install.md makes of it."""

import os

import harness
import loading


def test_table_names_the_archive_with_zts_for_a_php_with_threads():
    assert "with `-zts`" in loading.what_to_take(loading.said_of(os.environ["PROMSHM_WITHOUT_THREADS"]))


def test_table_names_the_archive_without_zts_for_a_php_without_threads():
    said = loading.said_of(harness.EXTENSION, php=os.environ["PHP_WITHOUT_THREADS"])
    assert "without `-zts`" in loading.what_to_take(said)


def test_table_names_the_archive_without_debug_for_a_php_without_checks(tmp_path):
    """A copy says that it was built without: what PHP compares ends at its first NUL."""
    built = harness.EXTENSION.read_bytes()
    assert built.count(b",TS,debug") == 1
    (tmp_path / "promshm.so").write_bytes(built.replace(b",TS,debug", b",TS\0debug"))
    assert "`-debug`" in loading.what_to_take(loading.said_of(tmp_path / "promshm.so"))
