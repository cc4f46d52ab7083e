"""Scripts run while the extension works, end the request there, and go on after its end: what a worker is like
for the requests that come next."""

import json

from test_fpm import FpmCase


class LateTest(FpmCase):
    """PHP runs callbacks of scripts after the modules' request shutdown, when the request's heap is about to go."""

    def test_late_callbacks_leave_no_state_for_the_next_request(self):
        self.start(children=1)
        pids = set()
        for round_ in range(3):
            for source in ("header", "session", "buffer", "shutdown", "fatal"):
                self.fetch("late.php", f"from={source}")
                body = self.fetch("late.php")[1]
                with self.subTest(source, round=round_):
                    self.assertTrue(body.startswith("{"), body + self.logs())
                    answer = json.loads(body)
                    self.assertEqual(answer["default"], "Promshm\\Counter")
                    pids.add(answer["pid"])
        self.assertEqual(len(pids), 1, "the worker has died")
        samples = self.samples()
        # Two requests of three count late once, the session's twice: when it is written, and when it is closed.
        self.assertEqual(samples['app_default_total{code="late"}'], 3 * 6)
        self.assertEqual(samples['app_default_total{code="after"}'], 3 * 5 * 2)
        self.assertGreater(samples["app_destructed_total"], 0)


class FatalTest(FpmCase):
    """A fatal error jumps over all that a call has begun."""

    def answer(self, where=""):
        body = self.fetch("fatal.php", f"in={where}")[1]
        self.assertTrue(body.startswith("{"), body + self.logs())
        return json.loads(body)

    def end(self, where):
        body = self.fetch("fatal.php", f"in={where}")[1]
        self.assertNotIn("kilobytes", body, f"{where} has not ended the request")

    def test_fatal_errors_within_calls_lose_no_memory(self):
        """Each of them holds a megabyte or more when it ends."""
        self.start(children=1, pool_settings=["php_admin_value[promshm.max_label_length] = 65535"])
        self.answer("fill")
        for where in ("inc", "labels", "constants", "render", "handler", "time", "registry", "page", "families"):
            with self.subTest(where):
                for _ in range(5):
                    self.end(where)
                before = self.answer()
                for _ in range(35):
                    self.end(where)
                after = self.answer()
                self.assertEqual(before["pid"], after["pid"])
                grown = after["kilobytes"] - before["kilobytes"]
                print(f"{where}: {grown} kB after 35 fatal errors")
                self.assertLess(grown, 10 << 10)

    def test_in_progress_gauge_is_decremented_after_a_fatal_error(self):
        self.start(children=1)
        pid = self.answer()["pid"]
        for where in ("memory", "timeout", "exit", "fiber", "shutdown"):
            with self.subTest(where):
                self.end(f"tracked-{where}")
                # The answer may come before the request's end.
                self.assertEqual(self.answer()["pid"], pid)
                samples = self.samples()
                self.assertEqual((samples["last"], samples["sum"]), (0, 0))
