"""What PHP says of an extension that it does not load, and what docs/install.md then says to take."""

import re
import subprocess

import harness

TABLE = re.compile(r"^\| What PHP says \|.*\n\|.*\n((?:\|.*\n)+)", re.M)


def said_of(extension, php=None):
    """What PHP says at its start, which it survives without the extension."""
    words = [php or harness.PHP, "-n", "-d", f"extension={extension}", "-r", "exit(extension_loaded('promshm') ? 1 : 0);"]
    done = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=harness.WATCHDOG
    )
    assert done.returncode == 0, f"{extension} was loaded, or PHP ended: {done.stdout}"
    return done.stdout


def pattern(text):
    """A text of the table, up to the end of a word, and with any number where it has one of a module API."""
    return re.sub(r"20\d{6}", r"\\d{8}", re.escape(text)) + r"\b"


def what_to_take(said):
    """The last cell of the first row with a text that PHP said. It tries a second name, whose file is never there."""
    (rows,) = TABLE.findall((harness.ROOT / "docs/install.md").read_text())
    for row in rows.splitlines():
        texts, _, take = [cell.strip() for cell in row.strip("|").split(" | ")]
        if any(re.search(pattern(text), said) for text in re.findall("`([^`]+)`", texts)):
            return take
    raise AssertionError(f"docs/install.md does not know what to take when PHP says: {said}")
