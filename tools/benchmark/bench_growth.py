"""How cost grows: one figure for each thing that can become more.

All points of a figure are measured in turns. What a frame costs is given as a
multiple of what one costs at the point that the figure names (processor time,
median of the rounds); memory is the largest resident size.
"""
import functools
import random
import sys

import bench_broker
import bench_plots
import bench_rows
from bench_data import Frames
from bench_measure import measure, ratios, run_child, spread

DOCS = bench_broker.ROOT / "docs" / "benchmarks"


def relative_cost(samples, name, base):
    """How often what a unit costs at `base` one costs here."""
    return spread(ratios(samples[base], samples[name], "cpu")).middle


def memory(samples, name):
    return spread(sample.peak_mib for sample in samples[name]).middle


class Figure:
    """`points` is {(series, x): contender}; `base` one of its keys."""

    def __init__(self, name, grows, base, points, **options):
        self.name, self.grows, self.base, self.points = name, grows, base, points
        self.y_is_log = options.get("y_is_log", False)
        self.unit = options.get("unit", "frame")
        self.end = options.get("end", bench_rows.nothing)

    def draw(self, samples, folder):
        names = list(dict.fromkeys(series for series, _ in self.points))

        def curve(value, wanted):
            return [(series, [(x, value((series, x))) for other, x in self.points
                              if other == series]) for series in wanted]
        cost = curve(lambda key: relative_cost(samples, key, self.base), names)
        ours = [name for name in names if all(sample.peak_mib for (other, x) in self.points
                                              if other == name for sample in samples[other, x])]
        held = curve(lambda key: memory(samples, key), ours)
        title = f"Processor time of a {self.unit}: {self.base[0]} at {self.base[1]:,} is 1"
        bench_plots.write(folder / f"{self.name}.svg", [
            bench_plots.panel(title, self.grows, cost, self.y_is_log),
            bench_plots.panel("Memory, MiB", self.grows, held, False)])
        for what, curves in (("cost", cost), ("MiB", held)):
            for series, points in curves:
                print(f"{self.name}, {what}, {series}: "
                      + ", ".join(f"{x:,} {y:.3g}" for x, y in points), flush=True)


def shuffled(bench, minutes):
    """Frames of so many minutes in random order: all of them are open at once."""
    count = 300000
    frames = bench.data.frames(170, count, "--span", f"{minutes}m", "--users", "20000")

    def make(path):
        lines = frames.path.read_bytes().splitlines(keepends=True)
        random.Random(minutes).shuffle(lines)
        path.write_bytes(b"".join(lines))
    return Frames(bench.data.made(f"shuffled-{minutes}-{frames.count}.jsonl", make),
                  frames.count)


def windows(bench):
    return Figure("windows", "minutes that are open at once, frames in random order",
                  ("headcountd", 10),
                  {("headcountd", minutes): bench.daemon(shuffled(bench, minutes), times=2)
                   for minutes in (1, 10, 100, 1000, 10000)})


def users(bench):
    points = {}
    for power in range(1, 7 if bench.data.share > 1 else 8):
        count = max(10 ** power, 1000000)
        frames = bench.data.frames(100, count, "--span", "1m", "--users", 10 ** power)
        points["headcountd", 10 ** power] = bench.daemon(frames)
    return Figure("users", "users of one minute", ("headcountd", 1000), points)


def sizes(bench):
    points = {}
    for size, count in ((170, 1000000), (930, 300000), (2000, 150000), (10000, 30000),
                        (100000, 3000)):
        frames = bench.data.frames(size, count)
        points["headcountd", size] = bench.daemon(frames, times=2)
        points["headcountd --strict", size] = bench.daemon(frames, "--strict")
        points["simdjson On-Demand, frames only", size] = bench.yard("simdjson", frames)
    return Figure("sizes", "bytes of a frame, fields anywhere", ("headcountd", 930), points,
                  y_is_log=True)


def workers(bench):
    frames = bench.data.frames(930, 300000)
    return Figure("workers", "workers, a file each", ("headcountd", 1),
                  {("headcountd", number): bench.daemon(frames, "--workers", number, times=8)
                   for number in (1, 2, 4, 8)})


def fan_in(bench):
    records, count = bench.data.records()
    points = {}
    parts = [count // share for share in (1000, 100, 10, 1) if count // share >= 10]
    for part in parts:
        def make(path, part=part):
            with open(records, "rb") as source, open(path, "wb") as out:
                out.writelines(line for line, _ in zip(source, range(part)))
        path = bench.data.made(f"records-{count}-{part}.jsonl", make)
        times = max(1, parts[-1] // part // 10)
        command = [bench.bin / "headcount", "merge", "--by", "all",
                   "--threads", 1, *[path] * times]
        points["headcount merge", part] = functools.partial(run_child, command, part * times)
    return Figure("fan_in", "dense records united in one row", ("headcount merge", parts[-1]),
                  points, unit="record")


def open_broker(bench):
    broker = bench_broker.Broker(bench.build, bench.settings).__enter__()
    single = bench.data.folder / "one.jsonl"
    with open(bench.data.frames(930, 300000).path, "rb") as lines:
        single.write_bytes(lines.readline())
    broker.fill("one", single, 1)
    return broker


def partitions(bench):
    broker = open_broker(bench)
    frames = bench.data.frames(930, 300000)
    points = {}
    start = bench_broker.median_of_three(functools.partial(broker.headcountd, "one"))
    for number in (1, 2, 4, 8, 16, 32):
        topic = broker.fill(f"parts-{number}", frames.path, frames.count, partitions=number)
        points["headcountd", number] = bench_broker.without_start(
            functools.partial(broker.headcountd, topic), start)
    return Figure("partitions", "partitions of a topic, one worker", ("headcountd", 4), points,
                  end=lambda: broker.__exit__(None, None, None))


FIGURES = {"windows": windows, "users": users, "sizes": sizes, "workers": workers,
           "fan_in": fan_in, "partitions": partitions}


def small_json(bench, count):
    """Frames that hold nothing but the two fields."""
    ids = bench.data.ids(930, count)

    def make(path):
        with open(ids, "rb") as lines, open(path, "wb") as out:
            out.writelines(b'{"uid":"%s","ts":%s}\n' % (line.split()[1], line.split()[0])
                           for line in lines)
    return bench.data.made(f"small-{count}.jsonl", make)


def forms(bench, rounds):
    """What JSON costs against an id with the record's timestamp: a table."""
    broker = open_broker(bench)
    raw = ("--user-from", "value", "--time-from", "record")
    frames = bench.data.frames(930, 300000)
    count = frames.count
    values = {"JSON of 930 bytes": (frames.path, ()), "the same, `--strict`": (frames.path,
              ("--strict",)), "JSON with the two fields alone": (small_json(bench, 300000), ()),
              "the id, `--user-from value --time-from record`": (bench.data.values(930, 300000),
                                                                 raw)}
    contenders, sizes_of = {}, {}
    try:
        ours, bare = (bench_broker.median_of_three(functools.partial(run, "one"))
                      for run in (broker.headcountd, broker.bare))
        for number, (name, (path, options)) in enumerate(values.items()):
            topic = broker.fill(f"form-{number}", path, count)
            contenders[name] = bench_broker.without_start(
                functools.partial(broker.headcountd, topic, options), ours)
            if path.stat().st_size / count not in sizes_of.values():
                contenders[name, "bare"] = bench_broker.without_start(
                    functools.partial(broker.bare, topic), bare)
            sizes_of[name] = path.stat().st_size / count
        samples = measure(contenders, rounds, True)
    finally:
        broker.__exit__(None, None, None)
    base = ("the id, `--user-from value --time-from record`", "bare")
    print("\n| a message's value | bytes | headcountd | bare reader |\n|---|---|---|---|")
    for name, size in sizes_of.items():
        bare = (name, "bare")
        bare = f"{relative_cost(samples, bare, base):.2f}" if bare in samples else ""
        print(f"| {name} | {size:.0f} | {relative_cost(samples, name, base):.2f} | {bare} |")


def run(bench, rounds, wanted):
    folder = DOCS if bench.data.share == 1 else bench.build / "plots"
    folder.mkdir(exist_ok=True)
    for name, make in FIGURES.items():
        if wanted and name not in wanted:
            continue
        print(f"{name}:", file=sys.stderr)
        figure = make(bench)
        try:
            samples = measure(figure.points, rounds, True)
        finally:
            figure.end()
        figure.draw(samples, folder)
    if not wanted or "forms" in wanted:
        forms(bench, rounds)
