"""What tools/bench makes of its samples, and the frames it measures with:
bench_test.py BUILD."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools" / "benchmark"))
import bench  # noqa: E402
import bench_broker  # noqa: E402
import bench_data  # noqa: E402
import bench_plots  # noqa: E402
import bench_rows  # noqa: E402
from bench_measure import BenchError, Sample, measure, run_child, spread  # noqa: E402

BUILD = []


def row(**settings):
    return bench_rows.Row("R", "what", "ours", "theirs", 1.2, 1.8, **settings)


class Table(unittest.TestCase):
    def render(self, given, ours, theirs):
        samples = {"ours": [Sample(100, seconds, 9, mib) for seconds, mib in ours],
                   "theirs": [Sample(100, seconds, 9) for seconds in theirs]}
        return bench.render(given, samples)

    def test_a_ratio_is_taken_within_a_round(self):
        # The machine is ten times slower in the second: no ratio changes.
        cells, _ = self.render(row(), [(1, 0), (10, 0), (1, 0)], [2, 20, 4])
        self.assertEqual(cells[4:6], ["**2.00**", "2.00 .. 4.00"])

    def test_verdicts(self):
        for theirs, said in ((1.1, "**missed**"), (1.3, "reached"), (1.9, "beyond")):
            self.assertEqual(self.render(row(), [(1, 0)], [theirs])[1], said)
        self.assertEqual(self.render(row(scale=0.5), [(1, 0)], [2])[1], "**missed**")

    def test_of_memory_less_is_better(self):
        given = bench_rows.Row("R", "what", "ours", None, 40, 32, value="peak_mib")
        for mib, said in ((41, "**missed**"), (39, "reached"), (31, "beyond")):
            self.assertEqual(self.render(given, [(1, mib)], [1])[1], said)

    def test_spread(self):
        found = spread([3, 1, 2])
        self.assertEqual((found.middle, found.low, found.high), (2, 1, 3))

    def test_contenders_take_turns(self):
        order = []
        measure({name: lambda name=name: order.append(name) for name in "ab"}, 2, False)
        self.assertEqual(order, list("abab"))

    def test_rows_name_contenders_and_groups_name_rows(self):
        for group in bench_rows.GROUPS:
            self.assertEqual(set(group.ids), {each.id for each in group.rows})


class Children(unittest.TestCase):
    def test_a_failure_is_told(self):
        with self.assertRaises(BenchError):
            run_child(["sh", "-c", "exit 3"], 1)

    def test_its_time_and_memory_are_its_own(self):
        sample = run_child(["sh", "-c", "exit 0"], 1)
        self.assertLess(sample.peak_mib, 8)
        busy = run_child([sys.executable, "-c", "bytearray(64 << 20)\nsum(range(10**7))"], 1)
        self.assertGreater(busy.cpu, sample.cpu)
        self.assertGreater(busy.peak_mib, 64)

    def test_the_bare_reader_gets_our_settings(self):
        names = [word.split("=")[0] for word in bench_broker.same_settings()]
        self.assertIn("queued.max.messages.kbytes", names)


class Frames(unittest.TestCase):
    def test_placed_fields_are_where_they_should_be(self):
        for first in (True, False):
            for frame, uid, minute in self.placed(first):
                keys = list(json.loads(frame, object_pairs_hook=lambda pairs: pairs))
                fields = keys[:2] if first else keys[-2:]
                self.assertEqual([name for name, _ in fields], ["uid", "ts"])
                self.assertEqual(fields[0][1], uid)
                self.assertEqual(fields[1][1] // 60 * 60, minute)
                others = [name for name, _ in (keys[2:] if first else keys[:-2])]
                self.assertEqual((others.count("uid"), others.count("ts")), (0, 0))

    def placed(self, first):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            lines, ids, out = (pathlib.Path(folder) / name for name in ("lines", "ids", "out"))
            with open(lines, "wb") as file:
                subprocess.run([BUILD[0] + "/bin/headcount", "generate", "--count", "2000",
                                "--truth-ids", ids], stdout=file, check=True)
            bench_data.place(lines, ids, out, first)
            truth = [line.split() for line in ids.read_text().splitlines()]
            frames = out.read_text().splitlines()
            self.assertEqual(len(frames), 2000)
            return [(frame, uid, int(minute)) for frame, (minute, uid) in zip(frames, truth)]

    def test_a_record_of_another_minute(self):
        record = '{"minute":60,"start":"1970-01-01T00:01:00Z","x":60}'
        self.assertEqual(json.loads(bench_data.at_minute(record, 120)),
                         {"minute": 120, "start": "1970-01-01T00:02:00Z", "x": 60})


class Plots(unittest.TestCase):
    def test_all_points_are_on_the_paper(self):
        panel = bench_plots.panel("t", "b", [("a", [(10, 1), (10000, 3.2)])], False)
        self.assertEqual((panel.x, panel.y), ((10, 10000), (0, 4)))


if __name__ == "__main__":
    BUILD.append(sys.argv.pop(1))
    unittest.main()
