"""The extension as a static library, linked into a program that has PHP in it: nothing is loaded, and no setting names it.

Wants libpromshm.a and a PHP with libphp.a beside it: tests/run-static.sh."""

import os
import pathlib
import re
import subprocess

import harness

CONFIG = os.environ.get("PHP_CONFIG", "php-config")
LIBRARY = pathlib.Path(os.environ["PROMSHM_LIBRARY"])
COUNT = """<?php
$jobs = new Promshm\\Counter('jobs_total', '', ['thread']);
for ($i = 0; $i < 1000; $i++) {
    $jobs->inc([(string) $thread]);
}
"""


def ask(what):
    return subprocess.check_output([CONFIG, what], text=True).split()


class StaticTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        [prefix] = ask("--prefix")
        cls.binary = LIBRARY.parent / "threads-static"
        php = ["-Wl,--whole-archive", f"{prefix}/lib/libphp.a", "-Wl,--no-whole-archive"]
        headers = [f"-I{prefix}/include/php", *ask("--includes")]
        subprocess.check_call(
            ["cc", "-g", "-pthread", "-DLINKED_IN", *headers, harness.ROOT / "tests/zts/threads.c", LIBRARY]
            + [*php, *ask("--ldflags"), *ask("--libs"), "-lgcc_s", "-o", cls.binary]
        )

    def setUp(self):
        super().setUp()
        settings = [f"promshm.segment={self.segment}", "promshm.max_processes=64", ""]
        (self.folder / "php.ini").write_text("\n".join(settings))

    def run_threads(self, code, threads, requests=1):
        script = self.folder / "script.php"
        script.write_text(code)
        words = [str(word) for word in (self.binary, script, threads, requests, 1)]
        environment = {**os.environ, "PHPRC": str(self.folder)}
        done = subprocess.run(words, capture_output=True, text=True, timeout=harness.WATCHDOG, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def test_threads_of_a_static_program_count_exactly(self):
        self.run_threads(COUNT, threads=4, requests=25)
        page = harness.parse(self.run_threads("<?php echo Promshm\\Segment::render();", threads=1))
        counted = {name: number for name, number in page.items() if name.startswith("jobs_total")}
        self.assertEqual(counted, {f'jobs_total{{thread="{n}"}}': 25_000 for n in range(4)})

    def test_entry_of_loaded_extensions_is_left_to_others(self):
        """Other extensions in the program may have one of that name."""
        names = subprocess.check_output(["nm", "--defined-only", "--extern-only", LIBRARY], text=True, stderr=subprocess.DEVNULL)
        exported = set(re.findall(r"\b(\w*get_module)$", names, re.M))
        self.assertEqual(exported, {"promshm_get_module"})
