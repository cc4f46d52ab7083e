"""What the exporter holds of memory: idle, while it is scraped, and after many scrapes.

The segment's pages are the workers', so they do not count; the program's own do.
"""

import gzip
import pathlib
import subprocess
import urllib.request

import harness

MIB = 2**20
SERIES = 100_000
SETTINGS = ["promshm.max_series=120000", "promshm.max_series_per_metric=100%", "promshm.size=1G"]
COUNT = """
$jobs = new Promshm\\Counter('jobs_total', 'Jobs done.', ['queue', 'job', 'status']);
for ($i = 0; $i < (int) $argv[1]; $i++) {
    $jobs->inc(['queue-' . $i % 50, sprintf('App\\Jobs\\Handler%07d', $i), 'succeeded']);
}
"""


def memory(exporter):
    """Bytes that the exporter holds now and at its peak, and the additional bytes of its program file:
    the kernel drops these when it wants to."""
    status = pathlib.Path(f"/proc/{exporter.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    names = ("VmRSS", "VmHWM", "RssShmem", "RssFile")
    now, most, shared, file = (int(fields[name].split()[0]) * 1024 for name in names)
    return now - shared - file, most - shared - file, file


class Memory(harness.TestCase):
    def count(self, series):
        command = harness.php(self.segment, "-r", COUNT, str(series), settings=SETTINGS)
        subprocess.run(command, check=True, timeout=harness.WATCHDOG * 5)

    def scrape(self, exporter, encoding="gzip"):
        """With the default encoding as Prometheus does: compressed."""
        request = urllib.request.Request(f"http://{exporter.address}/metrics", headers={"Accept-Encoding": encoding})
        with urllib.request.urlopen(request, timeout=harness.WATCHDOG) as answer:
            page = answer.read()
        return gzip.decompress(page) if encoding == "gzip" else page

    def test_idle_exporter_stays_within_its_limit(self):
        exporter = harness.Exporter(self, self.segment)
        self.scrape(exporter)
        held, _, file = memory(exporter)
        print(f"idle: {held / MIB:.1f} MiB, and {file / MIB:.1f} of the program file", flush=True)
        self.assertLessEqual(held, 4 * MIB)

    def test_memory_of_a_scrape_is_bounded_by_its_page(self):
        self.count(SERIES)
        exporter = harness.Exporter(self, self.segment)
        pages = [self.scrape(exporter) for _ in range(3)]
        self.assertEqual(pages[-1].count(b"\njobs_total{"), SERIES)
        held, most, file = memory(exporter)
        for _ in range(40):
            self.scrape(exporter)
        later, most_later, _ = memory(exporter)
        page = len(pages[-1])
        print(
            f"{SERIES:,} series, a page of {page / MIB:.1f} MiB: {most / MIB:.1f} MiB at most in 3 scrapes, "
            f"{most_later / MIB:.1f} in 43; {held / MIB:.1f} MiB between them, {later / MIB:.1f} at last; "
            f"and {file / MIB:.1f} of the program file",
            flush=True,
        )
        self.assertLessEqual(most_later, 5 * MIB + 2.5 * page)
        # 26 kB a scrape would show. The kernel counts pages by lots of 64 for each thread, so its sums are not exact.
        self.assertLessEqual(later - held, MIB, "what scrapes hold does not grow")

    def test_memory_of_plain_and_compressed_scrapes_is_bounded_by_the_page(self):
        """A plain page is in memory as a whole, a compressed one never is."""
        self.count(SERIES)
        exporter = harness.Exporter(self, self.segment)
        for _ in range(20):
            for encoding in ("identity", "gzip"):
                page = len(self.scrape(exporter, encoding))
        held, most, _ = memory(exporter)
        print(f"plain and gzip by turns: {held / MIB:.1f} MiB between scrapes, {most / MIB:.1f} at most", flush=True)
        # 21.8 MiB with a page of 7.8; 26.2 while the C library kept what threads had freed.
        self.assertLessEqual(most, 5 * MIB + 2.5 * page)
        self.assertLessEqual(held, 5 * MIB + 1.5 * page, "a page that was sent is freed")
