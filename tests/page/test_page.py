"""The landing page in a real browser, on a real exporter with real PHP workers, and `top` in a
real terminal (tmux). Screenshots are left in the target folder."""

import http.server
import os
import pathlib
import signal
import subprocess
import threading

import harness
from browser import Browser, Page
from harness import wait_until
from terminal import Terminal

HERE = pathlib.Path(__file__).resolve().parent
SHOTS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", harness.ROOT / "target")) / "page"

ROWS = """[...document.querySelectorAll('.row.single, .row.series, .row.histogram')].map((row) =>
  ['names, .name', 'value', 'rate'].map((name) => row.querySelector('.' + name).textContent.trim()).join(' | '))"""
FAMILIES = "[...document.querySelectorAll('.row.family button:not(.copy), .row.single .name')].map((name) => name.textContent)"
# The share of pixels that are drawn on.
INK = """(() => { const canvas = document.querySelector('%s canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.filter((_, at) => at %% 4 === 3 && pixels[at] > 0).length / (pixels.length / 4); })()"""

TABLE = "[...document.querySelectorAll('#%s .line')].map((row) => [...row.children].map((cell) => cell.textContent.trim()))"
FUNCTIONS, WORKERS, ROOM = (TABLE % view for view in ("functions", "workers", "room"))
BUTTON = "document.querySelector('[data-view=%s]')"
OBSERVED = "quick, slow, failing, work, count(md5), Mailer::send{queue=arg1} as mailer"

# Lines of the view's table where a cell lies below the first one.
BROKEN_LINES = """(() => {
  const lines = [...document.querySelectorAll('.view:not([hidden]) :is(.head, .line)')];
  const box = (cell) => cell.getBoundingClientRect();
  const broken = lines.filter((line) => [...line.children].some((cell) => box(cell).top >= box(line.children[0]).bottom));
  return { 'in all': lines.length, broken: broken.map((line) => line.textContent) };
})()"""

# Scrolls to a height, and waits until the page has rendered.
SCROLL = """new Promise((done) => {
  scrollTo(0, %d);
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""
IN_SIGHT = """[...document.querySelectorAll('#list .row')].some((row) => {
  const box = row.getBoundingClientRect();
  return box.top < 400 && box.bottom > 100;
})"""
HIDE = """Object.defineProperty(document, 'hidden', { configurable: true, get: () => %s });
document.dispatchEvent(new Event('visibilitychange'))"""
# A script, a style and a handler that are not the page's own.
FOREIGN = """document.head.append(Object.assign(document.createElement('script'), { textContent: 'foreign = 1' }));
document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="color: red" onclick="foreign = 1"></p>');
document.querySelector('#styled').click()"""


def worker(test, script="worker.php", *words, segment=None, ttl=0, settings=()):
    segment = segment or test.segment
    settings = ["promshm.max_series=20000", "promshm.max_series_per_metric=100%", "promshm.runtime_metrics=0", f"promshm.series_ttl={ttl}", *settings]
    command = harness.php(segment, HERE / script, *words, settings=settings)
    test.workers = getattr(test, "workers", 0) + 1
    started = harness.Process(test, f"worker-{test.workers}", command, stdin=subprocess.PIPE)
    started.wait_for("counting")
    return started


def observed_worker(test):
    return worker(test, "observed.php", settings=[f'promshm.observe="{OBSERVED}"'])


def proxy(test, prefix, target, path):
    """A reverse proxy that serves what is below `path` of `target` below `prefix`, and nothing else; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.startswith(prefix):
                return self.send_error(404)
            accepted = {"Accept": self.headers.get("Accept", "*/*")}
            answer = harness.ask(target, path + self.path.removeprefix(prefix), accepted)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() != "connection":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


class PageTest(harness.TestCase):
    """One browser for all tests; each has a tab of its own."""

    def setUp(self):
        super().setUp()
        self.exporter = harness.Exporter(self, self.segment)
        self.browser = Browser(self)

    def open(self, **words):
        self.page = Page(self.browser, f"http://{self.exporter.address}/", **words)
        return self.page

    def await_rows(self):
        wait_until("rows with rates", lambda: any("/s" in row for row in self.page.evaluate(ROWS)))

    def await_state(self, state):
        wait_until(f"the state {state}", lambda: self.page.evaluate("document.body.dataset.state") == state)

    def assert_is_quiet(self):
        """No errors in the browser, and no requests to other hosts."""
        self.assertEqual(self.page.complaints(), [])
        foreign = [url for url in self.page.requests() if not url.startswith((f"http://{self.exporter.address}/", "data:"))]
        self.assertEqual(foreign, [])

    def test_families_and_series_are_shown_and_live(self):
        worker(self)
        page = self.open()
        self.await_rows()
        families = page.evaluate(FAMILIES)
        for name in ("jobs_processed_total", "job_duration_seconds", "queue_depth", "worker_memory_bytes"):
            self.assertIn(name, families)
        self.assertIn("Jobs taken from a queue and ended.", page.evaluate("document.querySelector('#list').innerText"))
        row = lambda: next(each for each in page.evaluate(ROWS) if each.startswith("queue=mail status=ok |"))
        before = row()
        wait_until("another value", lambda: row() != before)
        self.assertRegex(row(), r"^queue=mail status=ok \| [\d,]+ \| \d+(\.\d+)?/s$")
        bytes_row = next(each for each in page.evaluate(ROWS) if each.startswith("mail_sent_bytes_total |"))
        self.assertRegex(bytes_row, r"(KiB|MiB) \| .* KiB/s$")
        wait_until("a line", lambda: page.evaluate(INK % ".row.series") > 0.01)
        self.assert_is_quiet()

    def test_labels_are_text_and_nothing_else(self):
        worker(self)
        page = self.open()
        self.await_rows()
        hostile = next(row for row in page.evaluate(ROWS) if row.startswith("text="))
        self.assertIn('<img src=x onerror=alert(1)> "quoted" back\\slash\nnewline {x="y"} größe ✓', hostile)
        self.assertEqual(page.evaluate("document.images.length"), 0)
        self.assertIn("<b>labels</b> & help", page.evaluate("document.querySelector('#list').innerText"))
        self.assert_is_quiet()

    def test_head_shows_workers_and_crashes(self):
        first = worker(self)
        second = worker(self)
        page = self.open()
        figure = lambda name: page.text(f"[data-vital={name}] .figure")
        wait_until("two workers", lambda: figure("workers") == "2")
        self.assertEqual(figure("crashes"), "0")
        self.assertRegex(figure("space"), r"^\d+(\.\d+)? [KM]iB$")
        self.assertRegex(page.evaluate("document.querySelector('[data-vital=space] .fill i').style.width"), r"^\d.*%$")
        second.stop(signal.SIGKILL)
        wait_until("the crash", lambda: (figure("workers"), figure("crashes")) == ("1", "1"))
        wait_until("the alarm", lambda: page.text("[data-vital=crashes].alarm .figure") == "1")
        first.end()
        self.assert_is_quiet()

    def test_hidden_series_count_as_used_space(self):
        worker(self, ttl=1)
        page = self.open()
        wait_until("a hidden series", lambda: "hidden" in page.text("[data-vital=series] .detail"))
        figure, detail, shown, hidden = page.evaluate("""[...['figure', 'detail'].map((each) =>
          document.querySelector(`[data-vital=series] .${each}`).textContent),
          ...['', 'hidden_'].map((kind) => model.own('', `promshm_${kind}series`).value)]""")
        self.assertEqual((figure, detail), (str(shown + hidden), f"of 20,000; {hidden} hidden"))
        self.assert_is_quiet()

    def test_histogram_is_drawn_as_a_strip(self):
        worker(self)
        page = self.open()
        self.await_rows()
        wait_until("a strip", lambda: page.evaluate(INK % ".row.histogram .trend") > 0.001)
        words = page.evaluate("document.querySelector('.row.histogram .trend canvas').getAttribute('aria-label')")
        self.assertRegex(words, r"last \d+ scrapes: .*/s.*half ≤ .* (ms|s) · 95 % ≤ ")
        self.assert_is_quiet()

    def test_quantiles_of_a_histogram_are_drawn_over_time(self):
        worker(self)
        page = self.open()
        self.await_rows()
        wait_until("lines", lambda: page.evaluate(INK % ".row.histogram .lately") > 0.01)
        past = page.evaluate("""(() => { const [series] = model.families.get('\\njob_duration_seconds\\nhistogram').series.values();
          return [0.5, 0.95].map((share) => series.pastOf(share, model.column).at(-1)); })()""")
        self.assertTrue(0 < past[0] < past[1] < 10, past)
        self.assert_is_quiet()

    def test_native_histogram_is_drawn_as_any_other(self):
        """The page reads text, where its bounds are powers of two."""
        worker(self, "native.php")
        page = self.open()
        wait_until("the row", lambda: page.evaluate("document.querySelector('.row.histogram .lately canvas') !== null"))
        wait_until("a strip", lambda: page.evaluate(INK % ".row.histogram .trend") > 0.001)
        wait_until("lines", lambda: page.evaluate(INK % ".row.histogram .lately") > 0.01)
        quantiles = """(() => { const [series] = model.families.get('\\nspan_seconds\\nhistogram').series.values();
          return [0.5, 0.95].map((share) => series.pastOf(share, model.column).at(-1)); })()"""
        # A scrape may find no observation that is new, or none of the long ones.
        within = lambda found: None not in found and 1 / 16 < found[0] <= 1 / 8 and 1 / 2 < found[1] <= 1
        wait_until("quantiles", lambda: within(page.evaluate(quantiles)))
        self.assert_is_quiet()

    def show_view(self, name, rows):
        wait_until(f"the view {name}", lambda: self.page.evaluate(f"{BUTTON % name}.hidden") is False)
        self.page.evaluate(f"{BUTTON % name}.click()")
        wait_until(f"rows of {name}", lambda: self.page.evaluate(rows))
        self.assertEqual(f"#{name}", self.page.evaluate("location.hash"))
        self.assertTrue(self.page.evaluate("document.querySelector('#table').hidden"))

    def test_workers_are_one_table_with_what_each_tells(self):
        telling = ["promshm.runtime_metrics=1"]
        worker(self, settings=telling).stop(signal.SIGKILL)
        started = [worker(self, settings=telling), worker(self, settings=[*telling, "promshm.observe=usleep"])]
        self.open()
        self.await_rows()
        self.assertFalse([name for name in self.page.evaluate(FAMILIES) if name.startswith("php_worker_")])
        self.show_view("workers", WORKERS)
        wait_until("CPU time", lambda: all("%" in row[4] for row in self.page.evaluate(WORKERS)))
        wait_until("the busy time", lambda: any("%" in row[5] for row in self.page.evaluate(WORKERS)))
        rows = {row[0]: row[1:] for row in self.page.evaluate(WORKERS)}
        self.assertEqual(set(rows), {str(each.process.pid) for each in started})
        self.assertEqual("–", rows[str(started[0].process.pid)][4], "nothing is observed there")
        crashes = []
        for since, memory, peak, cpu, busy, requests, slot, crashed in rows.values():
            self.assertRegex(since, r"^[\d.]+ (s|min) ago$|^now$")
            self.assertRegex(f"{memory} {peak}", r"^[\d.]+ MiB [\d.]+ MiB$")
            self.assertRegex(cpu, r"^[\d.]+ %$")
            self.assertEqual("1", requests)
            crashes.append((int(slot), int(crashed)))
        self.assertEqual([(1, 1), (2, 0)], sorted(crashes), "the first slot is inherited from the killed worker")
        self.assertRegex(self.page.text("#workers .counted"), r"^2 workers, over the last ")
        self.page.press("/")
        self.page.type(str(started[0].process.pid))
        wait_until("one worker", lambda: [row[0] for row in self.page.evaluate(WORKERS)] == [str(started[0].process.pid)])
        self.assert_is_quiet()

    def test_worker_metrics_are_in_the_list_when_a_filter_names_them(self):
        worker(self, settings=["promshm.runtime_metrics=1"])
        self.page = Page(self.browser, f"http://{self.exporter.address}/?filter=php_worker_memory_bytes")
        wait_until("the metric", lambda: self.page.evaluate(FAMILIES) == ["php_worker_memory_bytes"])
        self.assert_is_quiet()

    def test_who_takes_the_room_is_told_the_largest_first(self):
        worker(self, "many.php", "300", settings=["promshm.max_series=1000", "promshm.max_series_per_metric=200"])
        self.open()
        self.show_view("room", ROOM)
        first, second = self.page.evaluate(ROOM)
        self.assertEqual(["user_requests_total counter", "201", "20.1 %", "100"], first)
        self.assertEqual(["user_seconds histogram", "1", "0.1 %", "–"], second)
        ink = "getComputedStyle(document.querySelector('#room .line')).backgroundImage"
        self.assertIn("20.1%", self.page.evaluate(ink))
        self.assert_is_quiet()

    def test_a_button_by_each_metric_copies_its_query(self):
        worker(self)
        page = self.open()
        self.browser.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        self.await_rows()
        queries = {
            "jobs_processed_total": "sum by (queue, status) (rate(jobs_processed_total[5m]))",
            "mail_sent_bytes_total": "sum(rate(mail_sent_bytes_total[5m]))",
            "job_duration_seconds": harness.copied_query("job_duration_seconds", "queue"),
            "queue_depth": "queue_depth",
        }
        for name, query in queries.items():
            page.evaluate(f"document.querySelector('[aria-label=\"Copy {name} as PromQL\"]').click()")
            wait_until(f"the query of {name}", lambda: page.evaluate("navigator.clipboard.readText()") == query)
        self.assertEqual("copied", page.text("[aria-label='Copy queue_depth as PromQL']".replace("'", '"')))
        self.assert_is_quiet()

    def test_copying_works_where_browsers_give_no_clipboard(self):
        worker(self)
        page = self.open()
        self.await_rows()
        page.evaluate("""Object.defineProperty(navigator, 'clipboard', { value: undefined });
          document.execCommand = (command) => { window.copied = [command, document.activeElement.value]; return true; };
          document.querySelector('[aria-label="Copy queue_depth as PromQL"]').click()""")
        wait_until("the copy", lambda: page.evaluate("window.copied") == ["copy", "queue_depth"])
        self.assertEqual(page.evaluate("document.querySelectorAll('textarea').length"), 0)
        self.assert_is_quiet()

    def open_functions(self, **words):
        page = self.open(**words)
        self.show_view("functions", FUNCTIONS)
        wait_until("rates of functions", lambda: any(row[1] not in ("–", "0/s") for row in page.evaluate(FUNCTIONS)))

    def sort(self, column):
        self.page.evaluate(f"document.querySelector('[data-sort={column}]').click()")
        return [row[0] for row in self.page.evaluate(FUNCTIONS)]

    def test_functions_show_rate_errors_durations_and_what_runs(self):
        observed_worker(self)
        self.open_functions()
        row = lambda name: next(row for row in self.page.evaluate(FUNCTIONS) if row[0] == name)
        wait_until("errors", lambda: "%" in row("failing")[2])
        self.assertRegex(row("failing")[2], r"^[\d.]+/s · 2\d(\.\d+)? %$")
        name, rate, errors, half, most, running = row("slow")
        self.assertRegex(rate, r"^[\d.]+/s$")
        self.assertEqual("0/s", errors)
        self.assertIn(running, ("0", "1"))
        self.assertRegex(half, r"^[12]\d(\.\d+)? ms$")
        self.assertRegex(most, r"^[1-9]\d(\.\d+)? ms$")
        self.assertEqual("1", row("work")[5])
        self.assertEqual(["–", "–", "–"], row("md5")[3:])
        self.assertRegex(row("mailer queue=news")[3], r"^[\d.]+ (µs|ms)$")
        self.assertTrue(self.page.evaluate("document.querySelector('#table').hidden"))
        self.assertEqual("#functions", self.page.evaluate("location.hash"))
        self.assert_is_quiet()

    def test_functions_are_sorted_by_the_pressed_column(self):
        observed_worker(self)
        self.open_functions()
        self.assertEqual("quick", self.page.evaluate(FUNCTIONS)[0][0], "calls with the most first")
        names = self.sort("name")
        self.assertEqual(names, sorted(names))
        self.assertEqual(self.sort("name"), sorted(names, reverse=True))
        self.assertEqual("slow", self.sort("most")[0])
        wait_until("errors", lambda: self.sort("name") and self.sort("errors")[0] == "failing")
        self.sort("running")
        running = [row[5] for row in self.page.evaluate(FUNCTIONS)]
        self.assertEqual(("1", "–"), (running[0], running[-1]))
        self.assertEqual(running, sorted(running, key="10–".index))
        heading = "document.querySelector('[data-sort=running]').parentElement.getAttribute('aria-sort')"
        self.assertEqual("descending", self.page.evaluate(heading))
        self.page.press("/")
        self.page.type("mailer")
        wait_until("two rows", lambda: len(self.page.evaluate(FUNCTIONS)) == 2)
        self.assertRegex(self.page.text("#functions .counted"), "^2 of 7 functions, over the last ")
        self.page.evaluate(f"{BUTTON % 'functions'}.click()")
        self.assertFalse(self.page.evaluate("document.querySelector('#table').hidden"))
        self.assertIn("mailer_duration_seconds", self.page.evaluate(FAMILIES))
        self.assert_is_quiet()

    def views(self, **words):
        """Opens a page that has all views, and shows one after the other."""
        observed_worker(self)
        worker(self, settings=["promshm.runtime_metrics=1"])
        self.open_functions(**words)
        yield "functions"
        for name, rows in (("workers", WORKERS), ("room", ROOM)):
            self.show_view(name, rows)
            yield name

    def test_each_view_fits_a_phone(self):
        for name in self.views(width=390, height=844):
            for width in (390, 360):
                with self.subTest(name, width=width):
                    self.page.look(width, 844, "light")
                    self.assert_fits(width, "header *, #stats *, footer *, .view:not([hidden]) *")
            self.page.look(390, 844, "light")
            self.page.screenshot(SHOTS / f"{name}-phone.png")
        self.assert_is_quiet()

    def test_each_view_has_its_columns_beside_each_other(self):
        for name in self.views(width=1180, height=844):
            for width in (1180, 961, 960, 700):
                with self.subTest(name, width=width):
                    self.page.look(width, 844, "light")
                    self.assert_fits(width, "header *, #stats *, footer *, .view:not([hidden]) *")
                    lines = self.page.evaluate(BROKEN_LINES)
                    self.assertGreater(lines["in all"], 1)
                    self.assertEqual(lines["broken"], [])
        self.assert_is_quiet()

    def assert_fits(self, width, elements):
        """Nothing scrolls sideways, and nothing lies beyond the edge."""
        self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), width)
        beyond = self.page.evaluate(f"""[...document.querySelectorAll('{elements}')]
          .filter((each) => each.getBoundingClientRect().right > {width}.5).map((each) => each.className || each.tagName)""")
        self.assertEqual(beyond, [])

    def test_without_observed_functions_there_is_no_such_view(self):
        worker(self)
        page = self.open()
        self.await_rows()
        self.assertTrue(page.evaluate(f"{BUTTON % 'functions'}.hidden"))
        self.assertFalse(page.evaluate("document.querySelector('#table').hidden"))

    def test_filter_matches_name_and_label(self):
        worker(self)
        page = self.open()
        self.await_rows()
        page.press("/")
        self.assertEqual(page.evaluate("document.activeElement.id"), "filter")
        page.type('QUEUE="mail" jobs')
        wait_until("fewer rows", lambda: page.evaluate(FAMILIES) == ["jobs_processed_total"])
        self.assertTrue(all("queue=mail" in row for row in page.evaluate(ROWS)), page.evaluate(ROWS))
        self.assertRegex(page.text("#found"), r"^[12] of \d+ series$")
        page.type("nonsense")
        wait_until("no rows", lambda: page.evaluate(ROWS) == [])
        self.assertRegex(page.text("#found"), "^None of ")
        page.press("Escape")
        wait_until("all rows", lambda: len(page.evaluate(FAMILIES)) > 4)
        self.assert_is_quiet()

    def test_a_link_with_a_filter_shows_its_metrics(self):
        worker(self)
        page = self.page = Page(self.browser, f"http://{self.exporter.address}/?filter=QUEUE%3D%22mail%22+jobs")
        self.await_rows()
        self.assertEqual(page.evaluate(FAMILIES), ["jobs_processed_total"])
        self.assertEqual(page.evaluate("document.querySelector('#filter').value"), 'QUEUE="mail" jobs')
        page.press("/")
        page.evaluate("document.querySelector('#filter').select()")
        page.type("pages & 1")
        wait_until("a new address", lambda: page.evaluate("location.search") == "?filter=pages+%26+1")
        page.press("Escape")
        wait_until("the plain address", lambda: page.evaluate("location.search") == "")
        self.assert_is_quiet()

    def test_headings_collapse_and_expand(self):
        worker(self)
        page = self.open()
        self.await_rows()
        self.assertNotIn("process_cpu_seconds_total", page.evaluate(FAMILIES))
        page.evaluate("document.querySelector('.row.group button').click()")
        self.assertIn("process_cpu_seconds_total", page.evaluate(FAMILIES))
        page.evaluate("document.querySelector('.row.family button').focus()")
        name = page.evaluate("document.activeElement.textContent")
        before = len(page.evaluate(ROWS))
        page.evaluate("document.activeElement.click()")
        self.assertLess(len(page.evaluate(ROWS)), before)
        focused = "[document.activeElement.textContent, document.activeElement.ariaExpanded]"
        self.assertEqual(page.evaluate(focused), [name, "false"])
        self.assert_is_quiet()

    def test_light_and_dark_differ_and_can_be_read(self):
        worker(self)
        page = self.open()
        self.await_rows()
        papers = {}
        for scheme in ("light", "dark"):
            page.look(1280, 900, scheme)
            papers[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
            for selector in TEXTS:
                ratio = page.evaluate(CONTRAST % selector)
                self.assertGreaterEqual(ratio, 4.5, f"{selector} in {scheme}")
            page.evaluate("document.querySelector('[data-vital=crashes]').classList.add('alarm')")
            self.assertGreaterEqual(page.evaluate(CONTRAST % ".alarm .figure"), 4.5, f"an alarm in {scheme}")
        self.assertNotEqual(papers["light"], papers["dark"])
        self.assert_is_quiet()

    def test_a_phone_scrolls_in_one_direction_only(self):
        worker(self)
        page = self.open(width=390, height=844)
        self.await_rows()
        for width in (390, 360):
            page.look(width, 844, "light")
            self.assert_fits(width, "header *, #stats *, .head *, .row > *, footer *")
            outside = """[...document.querySelectorAll('.row .copy')].filter((button) => {
              const [own, row] = [button, button.closest('.row')].map((each) => each.getBoundingClientRect());
              return own.top < row.top || own.bottom > row.bottom; }).length"""
            self.assertEqual(page.evaluate(outside), 0, "a button outside of its row")
        page.screenshot(SHOTS / "phone-light.png")
        page.look(390, 844, "dark")
        page.screenshot(SHOTS / "phone-dark.png")
        self.assert_is_quiet()

    def test_ten_thousand_series_render_few_elements(self):
        worker(self, "many.php", "10000")
        page = self.open()
        self.await_rows()
        self.assertRegex(page.text("#found"), r"^10,\d{3} series$")
        count = lambda: page.evaluate("document.querySelectorAll('#list .row').length")
        height = page.evaluate("document.documentElement.scrollHeight")
        self.assertGreater(height, 10_000 * 20)
        for share in (0, 0.5, 0.999):
            page.evaluate(SCROLL % (height * share))
            self.assertTrue(10 < count() < 120, f"{count()} rows at {share}")
            self.assertTrue(page.evaluate(IN_SIGHT), f"nothing in sight at {share}")
        page.press("/")
        page.type("user-04999 get")
        wait_until("one row", lambda: [row.split(" |")[0] for row in page.evaluate(ROWS)] == ["user=user-04999 method=GET"])
        page.screenshot(SHOTS / "many.png")
        self.assert_is_quiet()

    def test_several_segments_are_shown_separately(self):
        other = f"sysv:{self.key + 0x800:#010x}"
        self.addCleanup(subprocess.run, [harness.EXPORTER, "rm", "--yes", "--segment", other], capture_output=True)
        worker(self)
        worker(self, segment=other)
        absent = f"sysv:{self.key + 0x801:#010x}"
        segments = f"shop={self.segment},blog={other},wiki={absent}"
        self.exporter = harness.Exporter(self, segments)
        page = self.open(height=3000)
        self.await_rows()
        headings = "[...document.querySelectorAll('.stats h2, .group button')].map((each) => each.textContent)"
        expected = [f"Segment {name}" for name in ("blog", "shop", "wiki")]
        expected += ["Segment blog", "Segment shop", "The exporter and its segment"]
        self.assertEqual(page.evaluate(headings), expected)
        self.assertEqual(page.evaluate(FAMILIES).count("jobs_processed_total"), 2)
        self.assertNotIn("segment=", " ".join(page.evaluate(ROWS)))
        self.assertIn("Segment wiki cannot be read", page.text("#note"))
        self.assertEqual(page.evaluate("document.querySelectorAll('.stats')[1].querySelector('.figure').textContent"), "1")
        page.screenshot(SHOTS / "segments.png")
        self.assert_is_quiet()

    def test_missing_segment_is_shown_as_away(self):
        page = self.open()
        self.await_state("unread")
        self.assertIn("no worker has counted yet", page.text("#note"))
        worker(self)
        self.await_state("live")
        self.await_rows()
        self.assert_is_quiet()
        self.exporter.stop()
        self.await_state("away")
        self.assertRegex(page.text("#note"), r"cannot be reached\. What you see is from [\d:]{8}\.")
        self.assertTrue(page.evaluate(ROWS), "the last numbers stay")
        page.screenshot(SHOTS / "away.png")

    def test_page_does_not_scrape_while_hidden_or_paused(self):
        worker(self)
        page = self.open()
        self.await_rows()
        page.evaluate(HIDE % "true")
        self.await_state("paused")
        page.evaluate(HIDE % "false")
        self.await_state("live")
        page.evaluate("document.querySelector('#pause').click()")
        self.await_state("paused")
        page.evaluate("document.querySelector('#pause').click()")
        self.await_state("live")
        self.assert_is_quiet()

    def test_content_security_policy_blocks_other_scripts(self):
        page = self.open()
        page.evaluate(FOREIGN)
        self.assertIsNone(page.evaluate("window.foreign"))
        self.assertTrue(any("Content Security Policy" in complaint for complaint in page.complaints()), page.complaints())
        failed = page.evaluate("fetch('http://127.0.0.2:1/').then(() => 'let through', (error) => error.name)")
        self.assertEqual(failed, "TypeError")
        self.assertTrue(any("connect-src" in complaint for complaint in page.complaints()), page.complaints())

    def test_without_scripts_there_are_links_and_the_version(self):
        page = self.open(script=False)
        words = page.evaluate("document.body.innerText")
        version = subprocess.run([harness.EXPORTER, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        for part in (version, "Metrics", "Health", "Without JavaScript", self.segment):
            self.assertIn(part, words)
        self.assertEqual(page.evaluate("document.querySelector('footer a').pathname"), "/metrics")

    def test_columns_keep_their_place_with_large_numbers(self):
        values = "foreach (['', '_seconds', '_bytes', '_ratio', '_timestamp_seconds'] as $unit) (new Promshm\\Gauge('huge' . $unit, ''))->set(1e300);"
        subprocess.run(harness.php(self.segment, "-r", values.replace("\\\\", "\\")), check=True, timeout=harness.WATCHDOG)
        page = self.open()
        wait_until("the numbers", lambda: any(row.startswith("huge_bytes |") for row in page.evaluate(ROWS)))
        beyond = page.evaluate("""[...document.querySelectorAll('.row .value, .row .rate')]
          .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)""")
        self.assertEqual(beyond, [])
        self.assert_is_quiet()

    def test_it_works_behind_a_proxy_and_under_a_configured_policy(self):
        config = self.folder / "web.yml"
        config.write_text("http_server_config:\n  headers:\n    Content-Security-Policy: \"default-src 'self'\"\n")
        worker(self)
        words = [f"--web.config.file={config}"]
        stripped = proxy(self, "/promshm/", harness.Exporter(self, self.segment, words=words).address, "/")
        words.append("--web.external-url=http://example.org/metrics-of/it/")
        kept = proxy(self, "/metrics-of/it/", harness.Exporter(self, self.segment, words=words).address, "/metrics-of/it/")
        for address, prefix in ((stripped, "/promshm/"), (kept, "/metrics-of/it/")):
            self.page = Page(self.browser, f"http://{address}{prefix}")
            self.await_rows()
            links = self.page.evaluate("[...document.querySelectorAll('footer a')].map((link) => link.href)")
            self.assertEqual(links, [f"http://{address}{prefix}{page}" for page in ("metrics", "-/healthy")])
            for link in links:
                answer = self.page.evaluate(f"fetch('{link}').then((answer) => answer.status)")
                self.assertEqual(answer, 200, link)
            self.assertEqual(self.page.complaints(), [])

    def test_functions_of_the_page_parse_and_format(self):
        """The page's functions one by one."""
        answers = self.open().evaluate((HERE / "functions.js").read_text())
        self.assertEqual(answers["wrong"], [])
        self.assertGreater(answers["count"], 30)

    def test_screenshots_are_saved(self):
        telling = ["promshm.runtime_metrics=1"]
        for _ in range(3):
            worker(self, "worker.php", "plain", settings=telling)
        worker(self, "worker.php", "plain", settings=telling).stop(signal.SIGKILL)
        page = self.open(width=1180, height=920)
        wait_until("some past", lambda: page.evaluate("model.tick") > 25)
        for scheme in ("light", "dark"):
            page.look(1180, 920, scheme)
            page.screenshot(SHOTS / f"page-{scheme}.png")
            self.assertGreater((SHOTS / f"page-{scheme}.png").stat().st_size, 10_000)
        self.page = page
        self.show_view("workers", WORKERS)
        wait_until("the busy time", lambda: all("%" in row[5] for row in page.evaluate(WORKERS)))
        for scheme in ("light", "dark"):
            page.look(1000, 320, scheme)
            page.screenshot(SHOTS / f"workers-{scheme}.png")
            self.assertGreater((SHOTS / f"workers-{scheme}.png").stat().st_size, 10_000)
        self.assert_is_quiet()

    def test_screenshots_of_functions_are_saved(self):
        built_in = subprocess.check_output([harness.PHP, "-n", "-m"], text=True).lower().split()
        modules = [f"extension={module}" for module in ("pdo", "pdo_sqlite") if module not in built_in]
        entries = "@db, App\\Billing\\*::*, App\\Handler\\*::__invoke{message=class(arg1)} as messenger"
        for _ in range(3):
            worker(self, "shop.php", settings=[*modules, f'promshm.observe="{entries}"'])
        self.open_functions(width=1000, height=560)
        wait_until("some past", lambda: self.page.evaluate("model.tick") > 12)
        for scheme in ("light", "dark"):
            self.page.look(1000, 560, scheme)
            self.page.screenshot(SHOTS / f"functions-{scheme}.png")
            self.assertGreater((SHOTS / f"functions-{scheme}.png").stat().st_size, 10_000)
        self.assert_is_quiet()


TEXTS = ("body", ".help", ".type", ".names", ".names b", ".rate", ".detail", "dt", "footer", "footer a", "#filter")
# https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio, of an element's text on the page's paper.
CONTRAST = """(() => {
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const text = light(getComputedStyle(document.querySelector('%s')).color);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05); })()"""


class TopTest(harness.TestCase):
    """`top` in a terminal of 80 columns and 24 lines."""

    def setUp(self):
        super().setUp()
        worker(self)
        self.terminal = Terminal(self)
        self.terminal.run("echo before")
        self.terminal.await_text(r"(?m)^before")

    def start(self, *words, segment=None):
        self.terminal.run(" ".join([*words, str(harness.EXPORTER), "top", "--segment", segment or self.segment]))
        self.terminal.await_text(r"queue=mail status=ok .* \d+(\.\d+)?/s")

    def assert_is_restored(self):
        self.terminal.await_text(r"(?m)^before")
        self.assertNotIn("promshm top", self.terminal.text())
        self.terminal.run("stty -a | tr ' ;' '\\n\\n' | grep -x echo && echo sane")
        self.terminal.await_text(r"(?m)^sane")

    def test_names_order_filter_and_quit(self):
        self.start()
        screen = self.terminal.text()
        for part in ("promshm top sysv:", "workers 1 of ", "jobs_processed_total  counter", "VALUE", "q quit"):
            self.assertIn(part, screen)
        self.terminal.keys("v")
        self.terminal.await_text(r"VALUE▾[^\n]*\n(worker_memory_bytes|mail_sent_bytes_total) ")
        self.terminal.keys("/", *"queue_depth", "Enter")
        self.terminal.await_text(r"(?m)\n/queue_depth  Esc")
        self.assertNotIn("jobs_processed_total", self.terminal.text())
        self.terminal.keys("Escape")
        self.terminal.await_text("jobs_processed_total")
        self.terminal.keys("q")
        self.assert_is_restored()

    def test_functions_have_a_view_of_their_own(self):
        observed_worker(self)
        self.start()
        self.terminal.keys("f")
        self.terminal.await_text(r"(?m)^FUNCTION +CALLS▾ +ERRORS +P50 +P95 +IN FLIGHT$")
        self.terminal.await_text(r"(?m)^quick +[\d.]+( k)?/s +0/s ")
        self.terminal.await_text(r"(?m)^failing +[\d.]+/s +[\d.]+/s 2\d(\.\d+)? % ")
        self.terminal.keys("9")
        self.terminal.await_text(r"P95▾[^\n]*\nslow +[\d.]+/s +0/s +1\d(\.\d+)? ms ")
        self.terminal.keys("f")
        self.terminal.await_text("VALUE")
        self.terminal.keys("q")
        self.assert_is_restored()

    def test_several_segments_have_a_head_each(self):
        absent = f"sysv:{self.key + 0x800:#010x}"
        self.start(segment=f"shop={self.segment},wiki={absent}")
        self.terminal.await_text(r"(?m)^shop: workers 1 of ")
        self.terminal.await_text(r"(?m)^wiki: no segment ")
        self.terminal.await_text(r"(?m)^shop: jobs_processed_total  counter")
        self.terminal.keys("q")
        self.assert_is_restored()

    def test_screen_follows_the_terminal_size(self):
        self.start()
        self.terminal.resize(120, 40)
        help_at = lambda height: len(self.terminal.lines()) == height and "q quit" in self.terminal.lines()[-1]
        wait_until("the help in line 40", lambda: help_at(40))
        self.terminal.resize(50, 12)
        wait_until("the help in line 12", lambda: help_at(12) and "TREND" not in self.terminal.text())
        self.terminal.keys("C-c")
        self.terminal.resize(80, 24)
        self.assert_is_restored()

    def test_a_signal_ends_it_and_restores_the_screen(self):
        self.start()
        (top,) = harness.descendants(self.terminal.shell())
        os.kill(top, signal.SIGTERM)
        self.assert_is_restored()

    def test_no_color_disables_colours(self):
        coloured = r"\x1b\[(3[0-7]|38;5;\d+)m"
        self.start("NO_COLOR=")
        self.assertRegex(self.terminal.text("-e"), coloured)
        self.terminal.keys("q")
        self.assert_is_restored()
        self.start("NO_COLOR=1")
        self.assertNotRegex(self.terminal.text("-e"), coloured)
