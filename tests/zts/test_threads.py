"""A thread-safe PHP: threads of one process that count, end, restart, fork and are killed.

Wants a PHP with libphp.a beside it (scripts/php-build.sh builds one), and the extension built for it."""

import json
import os
import pathlib
import re
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
import harness

CONFIG = os.environ.get("PHP_CONFIG", "php-config")
SOAK = "PROMSHM_SOAK" in os.environ

COUNT = """<?php
$jobs = new Promshm\\Counter('jobs_total', '', ['thread']);
for ($i = 0; $i < 1000; $i++) {
    $jobs->inc([(string) $thread]);
}
(new Promshm\\Gauge('alive', '', [], Promshm\\GaugeMode::Sum))->set(1);
"""

OBSERVED = """<?php
function work($thread) {
    return hex2bin('00');
}
class Job {
    function run($thread) {
        return work($thread);
    }
}
function broken() {
    ini_set('display_errors', '0');
    ini_set('log_errors', '0');
    eval('class Broken { abstract function f(); }');
}
for ($i = 0; $i < 200; $i++) {
    (new Job)->run($thread);
    try {
        hex2bin([]);
    } catch (TypeError) {
    }
}
"""

MEET = """
// Waits until all the threads of the wave are here, so that they live at once.
$here = "$_ENV[MEETING]/$wave-";
touch("$here$thread");
while (count(glob("$here*")) < $_ENV['THREADS']) {
    usleep(1000);
}
"""

# In one write, so that lines of several threads do not mix.
SLOT = """
echo "$thread:" . Promshm\\Segment::status()['slot'] . "\\n";
"""


class ThreadsTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ask = lambda what: subprocess.check_output([CONFIG, what], text=True).split()
        [prefix] = ask("--prefix")
        cls.binary = harness.EXTENSION.parent / "threads"
        # Links all of PHP and exports its symbols, for the extension that is loaded later.
        php = ["-rdynamic", "-Wl,--whole-archive", f"{prefix}/lib/libphp.a", "-Wl,--no-whole-archive"]
        subprocess.check_call(
            ["cc", "-g", "-pthread", f"-I{prefix}/include/php", *ask("--includes"), HERE / "threads.c"]
            + [*php, *ask("--ldflags"), *ask("--libs"), "-o", cls.binary]
        )

    def setUp(self):
        super().setUp()
        settings = [f"extension={harness.EXTENSION}", f"promshm.segment={self.segment}", "variables_order=EGPCS"]
        (self.folder / "php.ini").write_text("\n".join([*settings, "promshm.max_processes=64", ""]))

    def command(self, code, threads, requests=1, waves=1, starts=1):
        script = self.folder / "script.php"
        script.write_text(code)
        return [self.binary, script, threads, requests, waves, starts]

    def environment(self, threads):
        meeting = self.folder / "meeting"
        meeting.mkdir(exist_ok=True)
        return dict(os.environ, PHPRC=str(self.folder), MEETING=str(meeting), THREADS=str(threads))

    def run_threads(self, code, threads, requests=1, waves=1, starts=1):
        words = [str(word) for word in self.command(code, threads, requests, waves, starts)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=3600, env=self.environment(threads))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def php(self, code):
        command = harness.php(self.segment, "-r", code)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def status(self):
        return json.loads(self.php("echo json_encode(Promshm\\Segment::status());"))

    def samples(self):
        return harness.parse(self.php("echo Promshm\\Segment::render();"))

    def jobs(self):
        """What was counted, by thread."""
        counted = {re.fullmatch(r'jobs_total\{thread="(.*)"\}', name): n for name, n in self.samples().items()}
        return {name.group(1): n for name, n in counted.items() if name}

    def slots(self, output):
        return sorted(int(line.split(":")[1]) for line in output.split())

    def assert_ends(self, **ends):
        self.assertEqual(self.status()["worker_exits"], {"clean": 0, "fatal": 0, "abrupt": 0} | ends)

    def test_concurrent_threads_lose_nothing(self):
        """Each has a slot: a shared cell would lose updates, because counting takes no lock."""
        output = self.run_threads(COUNT.replace("(string) $thread", "'all'") + MEET + SLOT, threads=8)
        self.assertEqual(self.slots(output), list(range(1, 9)))
        self.assertEqual(self.jobs(), {"all": 8000})
        self.assert_ends(clean=8)

    def test_thread_keeps_its_slot_between_requests(self):
        output = self.run_threads(COUNT + MEET + SLOT, threads=4, requests=25)
        self.assertEqual(len(output.split()), 100)
        self.assertEqual(len(set(output.split())), 4, "a thread changed its slot")
        self.assertEqual(self.jobs(), {str(n): 25_000 for n in range(4)})
        self.assert_ends(clean=4)

    def test_more_threads_than_slots_lose_nothing(self):
        """Those that find no slot share slot 0, with atomic additions."""
        ini = self.folder / "php.ini"
        ini.write_text(ini.read_text().replace("max_processes=64", "max_processes=3"))
        output = self.run_threads(COUNT.replace("(string) $thread", "'all'") + MEET + SLOT, threads=8)
        self.assertEqual(self.slots(output), [0] * 5 + [1, 2, 3])
        self.assertEqual(self.jobs(), {"all": 8000})

    def test_short_lived_threads_leak_no_slots_or_bytes(self):
        waves = 2500 if SOAK else 250
        self.run_threads(COUNT + MEET, threads=4)  # all four slots and their pages are in use from here on
        before = self.status()
        self.run_threads(COUNT, threads=4, waves=waves)
        after = self.status()
        self.assertEqual(self.jobs(), {str(n): 1000 * (waves + 1) for n in range(4)})
        self.assertEqual((after["used_bytes"], after["series"]), (before["used_bytes"], before["series"]))
        self.assertEqual(after["worker_starts"], 4 * (waves + 1))
        self.assert_ends(clean=4 * (waves + 1))
        print(f"{4 * waves} threads, {before['used_bytes']} bytes before and {after['used_bytes']} after")

    def observe(self, threads, **times):
        """Threads that call observed functions and leave by an error; checks what was counted."""
        ini = self.folder / "php.ini"
        ini.write_text(ini.read_text() + 'promshm.observe="work{thread=arg1} as work, hex2bin, Job::*, broken"\n')
        code = OBSERVED + (MEET if times.get("starts", 1) == 1 else "") + "broken();"
        self.run_threads(code, threads, **times)
        samples = self.samples()
        rounds = times.get("requests", 1) * times.get("waves", 1) * times.get("starts", 1)
        calls = lambda function: samples[f'php_function_duration_seconds_count{{function="{function}"}}']
        self.assertEqual(
            {n: samples[f'work_duration_seconds_count{{thread="{n}"}}'] for n in range(threads)},
            {n: 200 * rounds for n in range(threads)},
        )
        everywhere = rounds * threads
        self.assertEqual((calls("hex2bin"), calls("Job::run"), calls("broken")), (400 * everywhere, 200 * everywhere, everywhere))
        errors = {name: number for name, number in samples.items() if "_errors_total" in name}
        error = lambda function, exception: f'php_function_errors_total{{function="{function}",exception="{exception}"}}'
        counted = {error("hex2bin", "TypeError"): 200 * everywhere, error("broken", "fatal"): everywhere}
        counted['php_errors_total{level="error"}'] = everywhere  # told by itself where functions are listed
        self.assertEqual(errors, counted)
        in_flight = {number for name, number in samples.items() if "_in_flight" in name}
        self.assertEqual(in_flight, {0})

    def test_observed_calls_of_concurrent_threads_add_up(self):
        self.observe(threads=8, requests=3, waves=2)

    def test_each_thread_publishes_its_own_busy_time(self):
        ini = self.folder / "php.ini"
        ini.write_text(ini.read_text() + 'promshm.observe="work{thread=arg1} as work"\n')
        work = "<?php function work($thread) { usleep(1000 * (1 + $thread)); }" + MEET + """
work($thread);
work($thread);
function seconds(string $pattern): array {
    preg_match_all("/^$pattern (\\\\S+)$/m", Promshm\\Segment::render(), $found);
    sort($found[1], SORT_NUMERIC);
    return array_map(fn ($one) => round((float) $one, 9), $found[1]);
}
$counter = new Promshm\\Counter('turns_total');
$deadline = microtime(true) + 600; // a thread publishes about once a second, while it counts
do {
    usleep(1000);
    $counter->inc();
    $busy = seconds('php_worker_busy_seconds_total\\{.*\\}');
    $took = seconds('work_duration_seconds_sum\\{.*\\}');
} while ($busy !== $took && microtime(true) < $deadline);
$wave = 'told';
""" + MEET + 'echo count($took) . ($busy === $took ? " alike\\n" : " unlike: " . json_encode([$busy, $took]));'
        self.assertEqual(self.run_threads(work, threads=4), 4 * "4 alike\n")

    def test_functions_are_observed_after_php_has_started_anew(self):
        """The module is shut down, unloaded and loaded again, and finds all handlers anew."""
        self.observe(threads=2, starts=3)

    def test_frankenphps_workers_count_into_one_page(self):
        """The example, with that server's function written from its documentation."""
        root = json.dumps(str(harness.ROOT))
        code = f"""<?php
$paths = array_fill(0, 50, '/a');
require {root} . '/php/tests/Examples/frankenphp.php';
require {root} . '/examples/frankenphp/worker.php';
"""
        self.run_threads(code + MEET, threads=4)
        samples = self.samples()
        self.assertEqual(samples['http_requests_total{status="200"}'], 200)
        self.assertEqual(samples["http_request_seconds_count"], 200)
        self.assert_ends(clean=4)

    def test_gauge_of_an_ended_thread_is_removed(self):
        """The process continues, so the kernel does not release the slot; the thread must."""
        look = COUNT + "if ($wave === 1) { echo Promshm\\Segment::render(); }"
        output = self.run_threads(look, threads=1, waves=2)
        self.assertEqual(harness.parse(output)["alive"], 1)

    def test_fatal_error_affects_its_thread_only(self):
        fatal = COUNT + "if ($thread === 1) { error_reporting(0); ini_set('display_errors', '0'); no_such_function(); }"
        self.run_threads(fatal, threads=3)
        self.assert_ends(clean=2, fatal=1)

    def test_a_kill_frees_the_slots_of_all_threads(self):
        wait = COUNT + "echo 'ready';\nwhile (true) { sleep(100); }"
        process = harness.Process(self, "killed", self.command(wait, 5), env=self.environment(5))
        process.wait_for("(ready){5}")
        self.assertEqual(self.samples()["alive"], 5)
        process.process.kill()
        process.wait()
        self.assertEqual(self.samples()["alive"], 0)
        self.assert_ends(abrupt=5)
        self.run_threads(COUNT, threads=5)
        self.assertEqual(self.jobs(), {str(n): 2000 for n in range(5)})
        self.assertEqual(self.status()["worker_starts"], 10)

    def test_child_forked_by_a_thread_has_a_slot_of_its_own(self):
        fork = COUNT + MEET + """
if ($thread === 2) {
    $parent = Promshm\\Segment::status()['slot'];
    $child = pcntl_fork();
    for ($i = 0; $i < 500; $i++) {
        $jobs->inc(['forked']);
    }
    if ($child === 0) {
        $slot = Promshm\\Segment::status()['slot'];
        echo $slot > 0 && $slot !== $parent ? 'own slot' : "slot $slot beside $parent";
        return;
    }
    pcntl_waitpid($child, $status);
    echo pcntl_wifexited($status) && pcntl_wexitstatus($status) === 0 ? ', left' : ', fell';
}
"""
        self.assertEqual(self.run_threads(fork, threads=4), "own slot, left")
        self.assertEqual(self.jobs(), {str(n): 1000 for n in range(4)} | {"forked": 1000})
        self.assert_ends(clean=5)

    def test_children_forked_during_claims_of_other_threads_do_not_hang(self):
        """An operation of another thread that is interrupted by the fork never completes in the child."""
        fork = COUNT + """
$child = pcntl_fork();
if ($child === 0) {
    $jobs->inc(['forked']);
    exit(0);
}
pcntl_waitpid($child, $status);
"""
        waves = 500 if SOAK else 25
        self.run_threads(fork, threads=4, waves=waves)
        self.assertEqual(self.jobs()["forked"], 4 * waves)
        self.assert_ends(clean=8 * waves)

    def test_a_wipe_is_noticed_by_every_thread(self):
        wipe = COUNT + MEET + """
if ($thread === 0) {
    Promshm\\Segment::wipe();
    touch("$_ENV[MEETING]/wiped");
}
while (!file_exists("$_ENV[MEETING]/wiped")) {
    usleep(1000);
    clearstatcache();
}
$jobs->inc(['after']);
"""
        self.run_threads(wipe, threads=4)
        self.assertEqual(self.jobs(), {"after": 4})

    def test_exec_in_one_thread_frees_the_slots_of_all(self):
        flags = f"'-n', '-d', 'extension={harness.EXTENSION}', '-d', 'promshm.segment={self.segment}'"
        then = "(new Promshm\\\\Counter(\"jobs_total\", \"\", [\"thread\"]))->inc([\"exec\"]);"
        run = f"if ($thread === 1) {{ pcntl_exec('{shutil.which(harness.PHP)}', [{flags}, '-r', '{then}']); }}"
        self.run_threads(COUNT + MEET + run + "sleep(100);", threads=4)
        self.assertEqual(self.jobs()["exec"], 1)
        self.assertEqual(self.samples()["alive"], 0)
        self.assert_ends(clean=5)
