"""Metrics without code: stock workers of Symfony and Laravel, PDO and HTTP, as the exporter shows them."""

import functools
import http.server
import pathlib
import subprocess
import threading

import harness

SCRIPTS = pathlib.Path(__file__).with_name("observed")
MODULES = ("ctype", "iconv", "intl", "mbstring", "pdo", "pdo_sqlite", "tokenizer")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def wanted_modules():
    built_in = subprocess.check_output([harness.PHP, "-n", "-m"], text=True).lower().split()
    return [word for module in MODULES if module not in built_in for word in ("-d", f"extension={module}")]


class ObservedTest(harness.TestCase):
    def observe(self, entries, script, *words):
        settings = (f"extension={harness.EXTENSION}", f"promshm.segment={self.segment}", f'promshm.observe="{entries}"')
        settings += ("promshm.runtime_metrics=0", "error_reporting=E_ALL & ~E_DEPRECATED", "display_errors=stderr")
        flags = [word for setting in settings for word in ("-d", setting)]
        run = [harness.PHP, "-n", *wanted_modules(), *flags, str(SCRIPTS / script), *words]
        done = subprocess.run(run, capture_output=True, text=True, timeout=harness.WATCHDOG)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        page = harness.parse(harness.dump(self.segment))
        return {name: value for name, value in page.items() if "_bucket" not in name and "_sum" not in name}

    def assert_samples(self, page, expected):
        shown = page
        for name, value in expected.items():
            self.assertEqual(value, shown.get(name), f"{name} of {sorted(shown)}")

    def test_a_stock_messenger_worker_shows_its_handlers_and_queries(self):
        page = self.observe("@symfony, @db", "messenger.php")
        failed = "Symfony\\\\Component\\\\Messenger\\\\Exception\\\\HandlerFailedException"
        self.assert_samples(page, {
            'messenger_duration_seconds_count{message="Mail"}': 20,
            'messenger_duration_seconds_count{message="Report"}': 9,
            f'messenger_errors_total{{message="Report",exception="{failed}"}}': 3,
            'php_function_duration_seconds_count{function="PDO::prepare"}': 20,
            'php_function_duration_seconds_count{function="PDOStatement::execute"}': 20,
        })

    def test_a_stock_laravel_queue_shows_its_jobs(self):
        page = self.observe("@laravel", "laravel.php")
        self.assert_samples(page, {
            'laravel_job_duration_seconds_count{job="SendMail"}': 6,
            'laravel_job_errors_total{job="SendMail",exception="DomainException"}': 1,
        })

    def test_calls_of_urls_are_told_from_files(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(SCRIPTS)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        page = self.observe("@http", "http.php", f"http://127.0.0.1:{server.server_port}/http.php")
        self.assert_samples(page, {
            'php_function_duration_seconds_count{function="file_get_contents"}': 4,
            'php_function_errors_total{function="file_get_contents",exception="false"}': 1,
        })
