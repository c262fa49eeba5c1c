"""What is measured: groups of contenders, and the rows of the table they give.

The ids, goals and what lies beyond them are the project's own.
"""
import dataclasses
import functools
import re
import subprocess
import sys

import bench_broker
from bench_measure import output_of, run_child, run_yard, Sample

THREADS = 2
ENGINE = bench_broker.ROOT / "tools" / "benchmark" / "bench_engine.py"


@dataclasses.dataclass
class Row:
    id: str
    what: str
    ours: str            # contender
    theirs: str = None   # contender; None: `ours` itself is what counts
    goal: float = None
    beyond: float = None
    clock: str = "cpu"
    scale: float = 1     # of a ratio
    value: str = None    # "peak_mib", "us": no ratio, and less is better
    unit: str = "frames/s"


@dataclasses.dataclass
class Group:
    """`open` gives {name: contender} and a function to end with."""
    ids: tuple
    rows: list
    open: callable
    once: bool = False   # exact: one round is enough


class Bench:
    """Where things are; what the groups are made with."""

    def __init__(self, build, data, python, settings=()):
        self.build, self.data, self.python, self.settings = build, data, python, settings
        self.bin = build / "build" / "bin"
        self.yards = build / "yards"

    def daemon(self, frames, *options, times=1):
        command = [self.bin / "headcountd", "-q", *options, *[frames.path] * times]
        return functools.partial(run_child, command, frames.count * times)

    def yard(self, name, frames):
        return functools.partial(run_yard, [self.yards / "yard_json", name, frames.path])


def nothing():
    pass


def open_json(bench):
    data = bench.data
    places = {"first": data.placed("first", 930, 300000),
              "last": data.placed("last", 930, 300000), "any": data.frames(930, 300000),
              "plain": data.plain(930, 300000)}
    contenders = {}
    for where, frames in places.items():
        contenders[f"fast {where}"] = bench.daemon(frames, times=4)
        contenders[f"simdjson {where}"] = bench.yard("simdjson", frames)
    for where in ("any", "plain"):
        for name in ("yyjson", "jsmn"):
            contenders[f"{name} {where}"] = bench.yard(name, places[where])
        contenders[f"strict {where}"] = bench.daemon(places[where], "--strict")
    contenders["strict first"] = bench.daemon(places["first"], "--strict")
    return contenders, nothing


JSON = Group(("R2", "R2a", "R2b", "R2c", "R3", "R4"), [
    Row("R2", "a file, fields first ÷ simdjson On-Demand on split lines", "fast first",
        "simdjson first", 1.2, 1.8),
    Row("R2a", "the same, fields anywhere", "fast any", "simdjson any", 1.2, 1.8),
    Row("R2a", "the same of plain ASCII logs", "fast plain", "simdjson plain", 1.2, 1.8),
    Row("R2b", "the same, fields last", "fast last", "simdjson last", 0.8, 1.0),
    Row("R2", "less the kernel's part (to copy the file), fields first", "fast first",
        "simdjson first", 1.2, 1.8, clock="user"),
    Row("R2a", "the same, fields anywhere", "fast any", "simdjson any", 1.2, 1.8, clock="user"),
    Row("R2a", "the same of plain ASCII logs", "fast plain", "simdjson plain", 1.2, 1.8,
        clock="user"),
    Row("R2b", "the same, fields last", "fast last", "simdjson last", 0.8, 1.0, clock="user"),
    Row("R2c", "a file, --strict ÷ yyjson, whole frame, pool", "strict any", "yyjson any",
        1.0, 1.5),
    Row("R2c", "the same of plain ASCII logs", "strict plain", "yyjson plain", 1.0, 1.5),
    Row("R3", "a file, --strict ÷ raw jsmn, STRICT, PARENT_LINKS", "strict any", "jsmn any",
        0.95, 2),
    Row("R3", "the same of plain ASCII logs", "strict plain", "jsmn plain", 0.95, 2),
    Row("R4", "default ÷ --strict, fields anywhere", "fast any", "strict any", 4, 7),
    Row("R4", "default ÷ --strict, fields first", "fast first", "strict first", 4, 7),
    Row("R4", "the same of plain ASCII logs", "fast plain", "strict plain", 4, 7),
], open_json)


def open_sizes(bench):
    contenders = {}
    for size, count in SIZES:
        frames = bench.data.frames(size, count)
        contenders[f"fast {size}"] = bench.daemon(frames, times=2)
        contenders[f"simdjson {size}"] = bench.yard("simdjson", frames)
    return contenders, nothing


SIZES = ((170, 1000000), (2000, 150000), (100000, 3000))
FRAME_SIZES = Group(("R2s",), [
    Row("R2s", f"a file of frames of {size} B, fields anywhere ÷ simdjson On-Demand",
        f"fast {size}", f"simdjson {size}", 1.2, 1.8) for size, _ in SIZES], open_sizes)


def run_union(bench, column):
    """One round of the sketches' own bench; kept, since both sides come from one."""
    if column == 1:
        text = output_of([bench.yards / "sketch_bench", 1, "union of 256 MiB, against reading"])
        bench.union = [float(value) for value in
                       re.findall(r"one piece \| ([\d.]+) GB/s \| ([\d.]+) GB/s", text)[0]]
    return Sample(bench.union[column - 1], 1, 1)


def open_union(bench):
    return {"union": lambda: run_union(bench, 1), "read": lambda: run_union(bench, 2)}, nothing


UNION = Group(("R5",), [
    Row("R5", "union of 256 MiB of dense sketches ÷ reading as much", "union", "read",
        0.7, 0.85, unit="GB/s")], open_union)


def open_merge(bench):
    records, count = bench.data.records()
    merge = [bench.bin / "headcount", "merge", "--by", "day", records]
    yard = [bench.yards / "yard_zstd", bench.data.registers()]
    return {"merge": functools.partial(run_child, merge, count),
            "zstd": functools.partial(run_yard, yard)}, nothing


MERGE = Group(("R6", "R11"), [
    Row("R6", "merge of dense records ÷ bare zstd decodes of the same registers", "merge",
        "zstd", 0.5, 0.8, unit="records/s"),
    Row("R11", "merge by day of dense archive records, µs a record: 525,600 are a year",
        "merge", None, 19, 9.5, value="us")], open_merge)


def open_workers(bench):
    frames = bench.data.frames(930, 300000)
    several = ["--workers", THREADS]
    return {"one": bench.daemon(frames, times=8),
            "several": bench.daemon(frames, *several, times=8)}, nothing


WORKERS = Group(("R7",), [
    Row("R7", f"a file, {THREADS} workers ÷ {THREADS} times one", "several", "one", 0.9, 0.97,
        clock="wall", scale=1 / THREADS),
    Row("R7", f"the same by processor time: 1 if {THREADS} workers cost what one does",
        "several", "one")], open_workers)


def run_redis(redis, bench, commands, count):
    """The processor time of the server alone."""
    def used():
        text = redis.command("INFO", "cpu").decode()
        return sum(float(value) for value in re.findall(r"used_cpu_(?:sys|user):([\d.]+)", text))
    redis.command("FLUSHALL")
    before = used()
    output_of(["sh", "-c", f"redis-cli -s {redis.folder}/redis.sock --pipe <{commands}"])
    return Sample(count, used() - before)


def open_engines(bench):
    import redis_server
    frames = bench.data.frames(930, 300000)
    plain = bench.data.plain(930, 300000)
    ids = bench.data.commands(930, 300000)

    def engine(name, frames):
        sample = run_yard([bench.python, ENGINE, name, frames.path, 1])
        assert sample.units >= 10, "too few minutes"
        return Sample(frames.count, sample.cpu, sample.wall)
    redis = redis_server.Redis()
    redis.__enter__()
    contenders = {"one": bench.daemon(frames, times=2),
                  "one plain": bench.daemon(plain, times=2),
                  "duckdb plain": functools.partial(engine, "duckdb", plain),
                  "redis": lambda: run_redis(redis, bench, ids, frames.count)}
    for name in ("duckdb", "chdb"):
        contenders[name] = functools.partial(engine, name, frames)
    return contenders, lambda: redis.__exit__(None, None, None)


ENGINES = Group(("R8",), [
    Row("R8", "a file ÷ DuckDB, approx_count_distinct by minute, one thread each", "one",
        "duckdb", 5, 8),
    Row("R8", "the same of plain ASCII logs", "one plain", "duckdb plain", 5, 8),
    Row("R8", "a file ÷ chdb, uniqHLL12 by minute, one thread each", "one", "chdb"),
    Row("R8", "a file ÷ Redis, PFADD of the ids alone over a pipeline", "one", "redis"),
], open_engines)


def allocations(command):
    """How many blocks of memory a run asks for."""
    done = subprocess.run(["valgrind", "--vgdb=no", *map(str, command)], capture_output=True,
                          text=True, check=True)
    return int(re.search(r"total heap usage: ([\d,]+) allocs", done.stderr).group(1)
               .replace(",", ""))


def open_allocations(bench):
    one = bench.data.frames(930, 20000, "--span", "1m", "--users", "1000")
    two = bench.data.folder / "twice.jsonl"
    two.write_bytes(one.path.read_bytes() * 2)

    def run():
        counts = [allocations([bench.bin / "headcountd", "-q", path]) for path in
                  (one.path, two)]
        two.unlink()
        return Sample(one.count, (counts[1] - counts[0]) / one.count)
    return {"allocations": run}, nothing


ALLOCATIONS = Group(("R9",), [
    Row("R9", "allocations a frame: a file and twice the same", "allocations", None, 0,
        value="cpu")], open_allocations, once=True)


def open_kafka(bench):
    frames = bench.data.frames(930, 1000000)
    single = bench.data.folder / "one.jsonl"
    with open(frames.path, "rb") as lines:
        single.write_bytes(lines.readline())
    broker = bench_broker.Broker(bench.build, bench.settings).__enter__()
    try:
        broker.fill("one", single, 1)
        bare = functools.partial(broker.bare, settings=bench_broker.same_settings())
        workers = functools.partial(broker.headcountd, options=("--workers", THREADS))
        readers = {"ours": broker.headcountd, "bare": bare, "defaults": broker.bare,
                   "several": workers}
        starts = {name: bench_broker.median_of_three(functools.partial(run, "one"))
                  for name, run in readers.items() if name != "several"}
        starts["several"] = starts["ours"]
        contenders = {}
        for codec in bench_broker.CODECS:
            print(f"  filling a topic, {codec}", file=sys.stderr)
            topic = broker.fill(f"frames-{codec}", frames.path, frames.count, codec)
            for name, run in readers.items():
                if codec == "none" or name in ("ours", "bare"):
                    contenders[f"{name} {codec}"] = bench_broker.without_start(
                        functools.partial(run, topic), starts[name])
    except BaseException:
        broker.__exit__(None, None, None)
        raise
    return contenders, lambda: broker.__exit__(None, None, None)


KAFKA = Group(("R1", "R1z", "R1l", "R7", "R10"), [
    Row("R1", "Kafka to records ÷ a bare consume_batch_queue loop, same topic", "ours none",
        "bare none", 0.85, 0.97, clock="wall"),
    Row("R1", "the same by processor time", "ours none", "bare none"),
    Row("R1", "against that loop with librdkafka's own settings", "ours none",
        "defaults none", clock="wall"),
    Row("R1z", "the same, a zstd topic", "ours zstd", "bare zstd", 0.95, 0.99, clock="wall"),
    Row("R1l", "the same, an lz4 topic", "ours lz4", "bare lz4", 0.80, 0.95, clock="wall"),
    Row("R7", f"Kafka, {THREADS} workers ÷ one, by processor time", "several none", "ours none",
        0.9, 0.97),
    Row("R10", "resident memory of that loop, MiB", "bare none", None, value="peak_mib"),
    Row("R10", "resident memory on Kafka at that rate, MiB", "ours none", None, 40, 32,
        value="peak_mib")], open_kafka)


def open_memory(bench):
    return {"file": bench.daemon(bench.data.frames(930, 300000))}, nothing


MEMORY = Group(("R10",), [
    Row("R10", "resident memory on a file, MiB", "file", None, 16, None, value="peak_mib")],
    open_memory)

GROUPS = [JSON, FRAME_SIZES, UNION, MERGE, WORKERS, ENGINES, ALLOCATIONS, MEMORY, KAFKA]
