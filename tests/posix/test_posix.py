"""Segments in /dev/shm, as containers without a common IPC namespace have them: shared by a mount,
and with little room."""

import pathlib
import subprocess

import harness

HERE = pathlib.Path(__file__).parent
SEGMENT = "posix:/promshm"


class Mount(harness.Process):
    """A /dev/shm of its own, as a volume that containers share."""

    def __init__(self, test, size):
        mount = f"mount -t tmpfs -o size={size} shm /dev/shm && echo mounted && exec sleep infinity"
        super().__init__(test, "mount", ["unshare", "--mount", "sh", "-c", mount])
        self.wait_for("mounted")
        # Another container: the mount is shared, the IPC namespace is not.
        self.container = ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", "unshare", "--ipc"]

    def run(self, *words):
        command = [*self.container, *map(str, words)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Worker(harness.Worker):
    def __init__(self, test, mount, script, *words):
        super().__init__(test, SEGMENT, script, *words, through=mount.container, settings=["promshm.max_series_per_metric=100%"])


class PosixTest(harness.TestCase):
    def test_containers_that_share_only_a_mount_share_a_segment(self):
        mount = Mount(self, "64m")
        script = harness.ROOT / "tests/operations/worker.php"
        workers = [Worker(self, mount, script, "gauge", amount) for amount in (3, 4)]
        for worker in workers:
            worker.wait_for("counted")
        exporter = harness.Exporter(self, SEGMENT, through=mount.container)
        page = harness.parse(exporter.get())
        self.assertEqual(page['jobs_total{queue="mail"}'], 7)
        self.assertEqual(page['promshm_slots{state="live"}'], 2)
        self.assertEqual(page['promshm_liveness_info{mode="kernel"}'], 1)
        workers[0].end()
        page = harness.parse(exporter.get())
        self.assertEqual((page['jobs_total{queue="mail"}'], page['promshm_slots{state="live"}']), (7, 1))
        self.assertEqual(page['promshm_worker_exits_total{kind="abrupt"}'], 1)
        self.assertIn(SEGMENT, mount.run(harness.EXPORTER, "status", "--segment", "auto"))
        found = mount.run(harness.EXPORTER, "dump", "--segment=auto")
        self.assertIn('jobs_total{segment="promshm",queue="mail"} 7', found)
        mount.run(harness.EXPORTER, "rm", "--yes", "--segment", SEGMENT)
        workers[1].count(5)
        self.assertEqual(harness.parse(exporter.get())['jobs_total{queue="mail"}'], 5)

    def test_full_mount_drops_updates_and_ends_no_process(self):
        mount = Mount(self, "1536k")
        worker = Worker(self, mount, HERE / "many.php", 9000)
        lost = int(worker.wait_for(r"lost (\d+)").group(1))
        exporter = harness.Exporter(self, SEGMENT, through=mount.container)
        worker.count(41)
        page = harness.parse(exporter.get())
        stored = sum(value for name, value in page.items() if name.startswith("many_total"))
        self.assertTrue(stored > 100 and lost > 100, (stored, lost))
        self.assertEqual((stored + lost, page['promshm_dropped_total{reason="segment_full"}']), (9000, lost))
        self.assertEqual(page["known_total"], 42)
        newcomer = Worker(self, mount, HERE / "many.php", 10)
        newcomer.wait_for("lost")
        self.assertEqual(harness.parse(exporter.get())['promshm_slots{state="live"}'], 2)
        self.assertIsNone(worker.process.poll())
        print(f"1.5 MiB: {stored:.0f} updates stored, {lost} dropped", flush=True)
