"""What workers counted that end in every way is scraped exactly: run wherever PHP runs, as in the virtual machine of arm64."""

import signal

import harness

COUNTS = """
$counter = new Promshm\\Counter('c_total', '', ['way']);
$histogram = new Promshm\\Histogram('h', '', [], [1, 2]);
while (($line = fgets(STDIN)) !== false) {
    for ($i = 0; $i < (int) $line; $i++) {
        $counter->inc([$argv[1]]);
        $histogram->observe($i % 3);
    }
    echo "counted\\n";
}
"""


def test_totals_of_ended_killed_and_living_workers_are_exact(worker, exporter):
    ended, killed, living = (worker("-r", COUNTS, way) for way in ("ended", "killed", "living"))
    for one, amount in ((ended, 300), (killed, 3000), (living, 30000)):
        one.count(amount)
    ended.process.stdin.close()
    assert ended.process.wait(harness.WATCHDOG) == 0
    killed.stop(signal.SIGKILL)
    page = harness.parse(exporter.get())
    found = {name: value for name, value in page.items() if name.startswith(("c_total", "h_"))}
    assert found == {
        'c_total{way="ended"}': 300,
        'c_total{way="killed"}': 3000,
        'c_total{way="living"}': 30000,
        'h_bucket{le="1.0"}': 22200,
        'h_bucket{le="2.0"}': 33300,
        'h_bucket{le="+Inf"}': 33300,
        "h_sum": 33300,
        "h_count": 33300,
    }
    assert page['promshm_worker_exits_total{kind="abrupt"}'] == 1
    assert page['promshm_worker_exits_total{kind="clean"}'] == 1
