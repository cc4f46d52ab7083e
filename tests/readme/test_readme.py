"""The README is what people run first, so it is run here: its quick start, and its tables
against what the extension and the exporter really offer."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request

import harness

README = harness.ROOT / "README.md"
SETTINGS = harness.ROOT / "docs" / "configuration.md"
FLAGS = harness.ROOT / "docs" / "exporter.md"

# Commands that the shell block may contain; others would be untested.
# `make test` is running when this test runs, so it is known and not run again.
KNOWN_COMMANDS = [r"git clone \S+( \S+)?", r"cd \S+", r"make demo", r"make test"]


def block(marker, language):
    """The fenced block after a marker such as <!-- quickstart:php -->."""
    pattern = rf"<!-- {marker} -->\s*```{language}\n(.*?)^```"
    found = re.findall(pattern, README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(found) == 1, f"README.md has {len(found)} blocks {marker}, not one"
    return found[0]


def table(document, name):
    """The rows of the table between <!-- name --> and <!-- /name -->: first cell to second, without marks."""
    found = re.search(rf"<!-- {name} -->(.*?)<!-- /{name} -->", document.read_text(), re.DOTALL)
    assert found, f"{document} has no table {name}"
    rows = [line.strip().strip("|").split("|") for line in found.group(1).splitlines() if line.startswith("|")]
    return {plain(row[0]): plain(row[1]) for row in rows[2:]}


def plain(cell):
    """A cell without backquotes and, inside them, quotation marks."""
    return cell.strip().replace("`", "").strip('"')


def php(*words, **settings):
    """Runs PHP with the built extension and no other configuration."""
    command = [harness.PHP, "-n", "-d", f"extension={harness.EXTENSION}", "-d", "display_errors=1"]
    for name, value in settings.items():
        command += ["-d", f"promshm.{name}={value}"]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=harness.WATCHDOG)


def page(port):
    """The page at this port of the machine; empty while nobody listens there."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/metrics", timeout=harness.WATCHDOG) as answer:
            return answer.read().decode()
    except OSError:
        return ""


class ReadmeTest(harness.TestCase):
    def reserve_port(self):
        """A port that nobody else gets before the test has ended; servers, which set SO_REUSEADDR, may listen there."""
        reserved = socket.socket()
        self.addCleanup(reserved.close)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        return reserved.getsockname()[1]

    def test_the_php_snippet_counts(self):
        snippet = block("quickstart:php", "php")
        script = self.folder / "snippet.php"
        script.write_text(snippet if snippet.startswith("<?php") else "<?php\n" + snippet)
        done = php(script, segment=self.segment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertNotRegex(done.stdout, "Warning|Fatal|Deprecated|Notice")
        names = re.findall(r"new (?:\\?Promshm\\)?(?:Counter|Gauge|Histogram)\(\s*'([^']+)'", snippet)
        self.assertGreater(len(names), 0, "the snippet makes no metric")
        page = harness.dump(self.segment)
        for name in names:
            self.assertRegex(page, rf"(?m)^# TYPE {name} ")
            self.assertRegex(page, rf"(?m)^{name}(_count)?(\{{.*\}})? ")

    def test_the_commands_are_known(self):
        lines = [line.split(" #")[0].strip() for line in block("quickstart:shell", "sh").splitlines()]
        commands = [line for line in lines if line and not line.startswith("#")]
        for command in commands:
            self.assertTrue(any(re.fullmatch(known, command) for known in KNOWN_COMMANDS), f"untested: {command}")
        self.assertIn("make demo", commands)
        self.assertIn("make test", commands)

    def test_make_demo_serves_the_demos_metrics(self):
        """And goes away when it is told to, with its processes and its memory."""
        port = self.reserve_port()
        environment = {
            **os.environ,
            "DEMO_SECONDS": "5",
            "DEMO_PORT": str(port),
            "DEMO_SEGMENT": self.segment,
            "MAKEFLAGS": "",
        }
        command = ["make", "--no-print-directory", "-C", harness.ROOT, "demo"]
        demo = harness.Process(self, "demo", command, env=environment)
        names = re.findall(r"new (?:Counter|Gauge|Histogram)\('(\w+)'", (harness.ROOT / "demo/worker.php").read_text())
        wanted = ["promshm_up 1", *(f"# TYPE {name} " for name in names)]
        demo.wait_for("workers count into")
        # Not first when it says "Look at": then there are five seconds left.
        harness.wait_until("the demo's metrics", lambda: all(part in page(port) for part in wanted))
        demo.wait_for(r"Look at \S+")
        self.assertEqual(demo.wait(), 0, demo.output())
        for part in wanted:
            self.assertIn(part, demo.output())
        self.assertNotRegex(demo.output(), "Warning|Fatal|Deprecated|panicked")
        self.assertNotIn(self.key, harness.kernel_keys("shm"))
        self.assertNotIn(self.key, harness.kernel_keys("sem"))

    def test_the_demo_ends_on_ctrl_c(self):
        environment = {
            **os.environ,
            "DEMO_PORT": "0",
            "DEMO_SEGMENT": self.segment,
            "PROMSHM_EXTENSION": str(harness.EXTENSION),
            "PROMSHM_EXPORTER": str(harness.EXPORTER),
        }
        demo = harness.Process(self, "demo-ctrl-c", [harness.ROOT / "demo/run.sh"], env=environment)
        harness.wait_until("the segment", lambda: self.key in harness.kernel_keys())
        below = harness.descendants(demo.pid)
        os.killpg(demo.pid, signal.SIGINT)  # a terminal tells all of them
        demo.wait()
        harness.wait_until("an end of all", lambda: not [pid for pid in below if os.path.exists(f"/proc/{pid}")])
        self.assertNotIn(self.key, harness.kernel_keys("shm"))
        self.assertNotIn(self.key, harness.kernel_keys("sem"))

    def test_table_of_settings_matches_the_extension(self):
        code = "echo json_encode(array_map(fn ($s) => $s['global_value'], ini_get_all('promshm')));"
        self.assertEqual(table(SETTINGS, "ini"), json.loads(php("-r", code).stdout))

    def test_table_of_flags_matches_the_exporter(self):
        self.assertEqual(table(FLAGS, "flags"), self.flags_of("serve"))

    def test_table_of_other_commands_flags_matches_the_exporter(self):
        text = subprocess.run([harness.EXPORTER, "--help"], capture_output=True, text=True, check=True).stdout
        commands = re.findall(r"^  (\w+) ", text.partition("Commands:")[2].partition("Options:")[0], re.MULTILINE)
        self.assertGreater(len(commands), 4, text)
        found, common = {}, self.flags_of("serve")
        for command in set(commands) - {"help"}:
            found |= {name: default for name, default in self.flags_of(command).items() if name not in common}
        self.assertEqual(table(FLAGS, "command-flags"), found)

    def flags_of(self, command):
        """The flags of one of the exporter's commands, with their defaults."""
        text = subprocess.run([harness.EXPORTER, command, "--help"], capture_output=True, text=True, check=True).stdout
        flags = {}
        for entry in re.split(r"\n(?=\s+(?:-\w, )?--)", text.partition("Options:")[2]):
            name = re.search(r"--[\w.-]+", entry).group(0) if "--" in entry else None
            default = re.search(r"\[default: (.*?)\]", entry)
            if name and name not in ("--help", "--version"):
                flags[name] = default.group(1) if default else ""
        self.assertGreater(len(flags), 3, text)
        return flags
