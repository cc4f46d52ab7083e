"""The runner of `make test` itself, over steps that pass, fail, do nothing, hang and leave something running."""

import os
import pathlib
import re
import signal

import harness

STEPS = """
good:
	@echo "good: 3 passed, 0 failed, 1 skipped"
other:
	@echo "other: 2 passed, 0 failed"
bad:
	@echo "the reason"; echo "bad: 3 passed, 1 failed"; exit 1
broken:
	@echo "broken: 3 passed, 0 failed"; exit 1
empty:
	@true
skipping:
	@echo "skipping: 0 passed, 0 failed, 9 skipped"
hanging:
	@echo begun; sleep 1000
spinning:
	@while :; do :; done
slow:
	@for n in 1 2 3 4 5 6 7 8 9 10; do sleep 1; echo $$n; done; echo "slow: 1 passed, 0 failed"
leaving:
	@sleep 1000 & echo "left: $$!"; echo "leaving: 1 passed, 0 failed"
pair-%:
	@touch begun-$*; while [ $$(ls begun-* | wc -l) -lt 2 ]; do sleep 0.05; done; echo "pair: 1 passed, 0 failed"
few-%:
	@mkdir few-$*; sleep 0.5; n=$$(ls -d few-* | wc -l); rmdir few-$*; test $$n -le 2; echo "few: 1 passed, 0 failed"
turn-%:
	@mkdir turn; sleep 0.5; rmdir turn; echo "turn: 1 passed, 0 failed"
computing:
	@sh -c 'ulimit -t 2; while :; do :; done' || true; echo "computing: 1 passed, 0 failed"
abandoning:
	@sh -c 'ulimit -t 2; while :; do :; done & echo $$! >pid' & while ! test -s pid; do sleep 0.05; done; \
	  while kill -0 $$(cat pid) 2>/dev/null; do sleep 0.05; done; echo "abandoning: 1 passed, 0 failed"
signals:
	@grep -E '^Sig(Ign|Blk)' /proc/self/status; echo "signals: 1 passed, 0 failed"
"""


class RunnerTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        # It runs steps of the Makefile beside its own folder.
        (self.folder / "tests").mkdir()
        for file in ("run-all.py", "limited.py"):
            (self.folder / "tests" / file).write_bytes((harness.ROOT / "tests" / file).read_bytes())
            (self.folder / "tests" / file).chmod(0o755)
        (self.folder / "Makefile").write_text(STEPS)

    def start(self, *words, idle=harness.WATCHDOG, spin=harness.WATCHDOG):
        command = [self.folder / "tests" / "run-all.py", *words]
        environment = {**os.environ, "MAKEFLAGS": "", "STEP_IDLE": str(idle), "STEP_SPIN": str(spin)}
        return harness.Process(self, "runner", command, env=environment)

    def run_steps(self, *words, **options):
        runner = self.start(*words, **options)
        return runner.wait(), runner.output()

    def test_counts_are_summed(self):
        code, said = self.run_steps("good", "other")
        self.assertEqual((code, said.splitlines()[-1]), (0, "5 passed, 0 failed, 1 skipped"))

    def test_several_steps_run_beside_each_other(self):
        code, said = self.run_steps("-j3", "good", "other", "bad", "leaving")
        os.kill(int(re.search("left: ([0-9]+)", said).group(1)), signal.SIGKILL)
        self.assertEqual((code, said.splitlines()[-1]), (1, "9 passed, 1 failed, 1 skipped"))
        for step, says in (("good", "good: 3 passed"), ("other", "other: 2"), ("bad", "the reason"), ("leaving", "left: ")):
            self.assertIn(f"\n== {step}\n{says}", said)

    def test_steps_that_wait_for_each_other_end_if_they_run_beside(self):
        code, said = self.run_steps("-j2", "pair-1", "pair-2", "pair-3")
        self.assertEqual((code, said.splitlines()[-1]), (0, "3 passed, 0 failed, 0 skipped"))

    def test_no_more_steps_run_at_a_time_than_allowed(self):
        code, said = self.run_steps("-j2", *(f"few-{number}" for number in range(6)))
        self.assertEqual((code, said.splitlines()[-1]), (0, "6 passed, 0 failed, 0 skipped"))

    def test_steps_with_commas_run_one_after_the_other(self):
        code, said = self.run_steps("-j3", "turn-1,turn-2,turn-3", "good")
        self.assertEqual((code, said.splitlines()[-1]), (0, "6 passed, 0 failed, 1 skipped"))

    def test_processor_time_is_shown(self):
        said = self.run_steps("-j2", "computing", "good")[1]
        (used,) = re.findall(r"^computing .* ([0-9]+) s of processor time$", said, re.MULTILINE)
        (total,) = re.findall(r"^[0-9]+ s, ([0-9]+) s of processor time$", said, re.MULTILINE)
        self.assertGreaterEqual(int(used), 1)
        self.assertGreaterEqual(int(total), int(used))

    def test_processor_time_of_a_process_whose_parent_has_ended_is_shown(self):
        said = self.run_steps("abandoning")[1]
        self.assertRegex(said, r"abandoning +1 passed .* [2-9] s of processor time")

    def test_every_kind_of_failure_is_counted(self):
        for step in ("bad", "broken", "empty", "skipping", "unheard-of"):
            for steps in ([step, "good"], ["good", step], ["-j2", "good", "other", step]):
                with self.subTest(steps=steps):
                    code, said = self.run_steps(*steps)
                    self.assertEqual(code, 1, said)
                    self.assertIn(" 1 failed, ", said.splitlines()[-1])
                    self.assertIn(f"== {step} failed. Its last lines:", said)
        self.assertIn("the reason", self.run_steps("bad")[1].rsplit("failed. Its last lines:", 1)[1])

    def test_idle_step_is_ended_and_reported(self):
        for steps in (["hanging", "good"], ["-j2", "good", "hanging"]):
            with self.subTest(steps=steps):
                self.assert_ended(steps, "did nothing for 2 s", "sleep 1000", idle=2)

    def test_silent_busy_step_is_ended_and_reported(self):
        self.assert_ended(["spinning", "good"], "computed for 2 s without a word", "while :", spin=2, idle=4)

    def assert_ended(self, steps, why, what, **limits):
        code, said = self.run_steps(*steps, **limits)
        self.assertEqual((code, said.splitlines()[-1]), (1, "3 passed, 1 failed, 1 skipped"))
        shown = said.rsplit("failed. Its last lines:", 1)[1]
        self.assertIn(f"This {why}", shown)
        self.assertIn(what, shown)

    def test_step_with_progress_may_exceed_the_limits(self):
        code, said = self.run_steps("slow", idle=8)
        self.assertEqual((code, said.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_background_processes_of_a_step_are_not_awaited(self):
        code, said = self.run_steps("leaving")
        os.kill(int(re.search("left: ([0-9]+)", said).group(1)), signal.SIGKILL)
        self.assertEqual((code, said.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"))

    def test_steps_get_the_signals_of_a_foreground_command(self):
        for steps in (["signals"], ["-j2", "good", "signals"]):
            with self.subTest(steps=steps):
                said = self.run_steps(*steps)[1]
                ignored = int(re.search(r"SigIgn:\s+([0-9a-f]+)", said).group(1), 16)
                self.assertFalse(ignored & (1 << signal.SIGINT - 1 | 1 << signal.SIGQUIT - 1), said)

    def test_steps_end_with_the_runner(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                runner = self.start("-j3", "hanging", "hanging", "hanging")
                below = lambda: {pid: self.words(pid) for pid in harness.descendants(runner.pid)}
                started = harness.wait_until("all steps", lambda: (all := below()) and self.sleeping(all) == 3 and all)
                self.assertEqual(runner.stop(number), 130)
                harness.wait_until("their end", lambda: not any(self.words(pid) for pid in started))

    def words(self, pid):
        """A process's command line; empty once it has ended."""
        try:
            return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""

    def sleeping(self, processes):
        return list(processes.values()).count(b"sleep\x001000\x00")
