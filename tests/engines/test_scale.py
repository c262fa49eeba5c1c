"""Goal: the recipes of docs/SCALE.md. Two runs count the same hours into one topic,
its records come twice and late; Spark reads the topic itself, PostgreSQL is loaded from
it, and both have the buckets, minutes and registers that `headcount merge` and `convert`
have, with numbers near the exact sets."""
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import zoneinfo

import calendar_oracle
import pytest
from child_engine import fetch
from converted import convert, lines_of, registers_in, rows_of
from postgres_engine import EngineError

SCALE = pathlib.Path(__file__).parents[2] / "docs/scale"
PROFILES = ("redis", "datasketches", "postgres")
# Europe/Zurich sets its clocks back in between; St. John's has half hours.
BEGIN = int(datetime.datetime(2016, 10, 29, 20, 10, tzinfo=datetime.timezone.utc).timestamp())
MINUTES = 31 * 60
BUCKETS = [("day", "Europe/Zurich"), ("hour", "America/St_Johns"), ("week", "UTC"),
           ("hour", "Europe/Zurich"), ("month", "Asia/Kolkata")]
PEOPLE = 30000
FAR = 0.05  # six standard errors


def frames_of_run(rng):
    """Of some minutes many users, of most a few, of some none."""
    for number in range(MINUTES):
        minute = BEGIN + 60 * number
        if number % 7 != 3:
            for _ in range(3000 if number % 300 == 10 else rng.randrange(1, 6)):
                yield f"user-{rng.randrange(PEOPLE)}", minute + rng.randrange(60)


def lines(frames):
    return [json.dumps({"uid": user, "ts": time}).encode() for user, time in frames]


@pytest.fixture(scope="module")
def counted(build, broker, topics, tmp_path_factory):
    """(exact frames, the topic's records)."""
    import programs as programs_module
    rng = random.Random(20161030)
    programs = programs_module.Programs(build / "bin", tmp_path_factory.mktemp("scale"))
    topics.create("scale-frames", 2)
    exact = []
    for shuffled in (False, True):
        frames = list(frames_of_run(rng))
        exact += frames
        if shuffled:  # nearly all of it late
            rng.shuffle(frames)
        topics.produce("scale-frames", lines(frames))
        programs.count("-b", broker.bootstrap, "-t", "scale-frames", "-o", "scale-uniques",
                       "--stream", "users", "--exit-at-end",
                       *(word for name in PROFILES for word in ("--profile", name)))
    records = topics.read("scale-uniques").splitlines()
    topics.produce("scale-uniques", rng.sample(records, len(records) // 3))
    other = programs.count("-", "--stream", "others", "--profile", "datasketches", "--profile",
                           "postgres", input=b"\n".join(lines(exact[:900]))).out
    topics.produce("scale-uniques", other.splitlines())
    return exact, topics.read("scale-uniques")


def exact_rows(frames, grain, zone):
    """{start: (users, minutes)} by sets and Python's zones."""
    zone, found, known = zoneinfo.ZoneInfo(zone), {}, {}
    for user, time in frames:
        minute = time - time % 60
        if minute not in known:
            known[minute] = calendar_oracle.bucket(minute, zone, grain)[0]
        users, minutes = found.setdefault(known[minute], (set(), set()))
        users.add(user)
        minutes.add(minute)
    return {start: (len(users), len(minutes)) for start, (users, minutes) in found.items()}


def check_rows(programs, counted, profile, grain, zone, rows):
    """`rows` are the engine's, (start, uniques, minutes, sketch's hexadecimal digits)."""
    frames, records = counted
    exact = exact_rows(frames, grain, zone)
    assert [row[0] for row in rows] == sorted(exact)
    out = programs.headcount("merge", "--by", grain, "--tz", zone, "--stream", "users",
                             "--profile", profile, "--format", "json", input=records)
    merged = {instant(row["start"]): row for row in map(json.loads, out.splitlines())}
    code, out, err = convert(programs, "--to", profile, "--by", grain, "--tz", zone, "--stream",
                             "users", input=records)
    assert (code, err) == (0, "")
    ours = {start: data for start, _, data in rows_of(out)}
    for start, uniques, minutes, data in rows:
        users, counted_minutes = exact[start]
        assert minutes == counted_minutes
        assert abs(uniques - users) <= max(FAR * users, 3)
        assert abs(uniques - merged[start]["uniques"]) <= max(0.02 * users, 3)
        assert (home(programs, profile, bytes.fromhex(data))
                == home(programs, profile, ours[start])), (grain, zone, start)


def instant(text):
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def home(programs, profile, data):
    """The registers of an engine's sketch."""
    code, record, err = convert(programs, "--from", profile, input=lines_of([(BEGIN, "{}", data)]))
    assert (code, err) == (0, "")
    return registers_in(programs, record)


# Runs the recipe with each list of words, and tells what its table holds.
SPARK = """
import json, sys
import rollup_spark
from pyspark.sql import SparkSession
tables = []
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    rollup_spark.main()
    table = SparkSession.builder.getOrCreate().read.parquet(words[words.index("--out") + 1])
    tables.append(table.selectExpr("unix_seconds(start)", "uniques", "minutes", "hex(users)")
                  .orderBy("start").collect())
print(json.dumps(tables))
"""


def spark(folder, jars, path, *runs):
    """The tables that the recipe makes, one process for all: a session takes seconds."""
    java = (f"-Djava.io.tmpdir={folder} -XX:-UsePerfData -XX:TieredStopAtLevel=1"
            " -XX:+UseSerialGC")
    settings = {"spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1", "spark.sql.shuffle.partitions": "2",
                "spark.sql.codegen.wholeStage": "false", "spark.driver.memory": "1g",
                "spark.sql.codegen.factoryMode": "NO_CODEGEN",
                "spark.jars": ",".join(map(str, jars.glob("*.jar"))),
                "spark.local.dir": str(folder),
                "spark.sql.warehouse.dir": str(folder / "warehouse"),
                "spark.driver.extraJavaOptions": f"'{java}'"}
    words = " ".join(f"--conf {name}={value}" for name, value in settings.items())
    done = subprocess.run(
        [sys.executable, "-c", SPARK, json.dumps([list(map(str, run)) for run in runs])],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(SCALE),
             "PATH": f"{path}:{os.environ['PATH']}",
             "PYSPARK_SUBMIT_ARGS": f"--master local[2] {words} pyspark-shell"},
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_spark(programs, request, broker, counted, scratch, build):
    jars = fetch("spark_kafka", request.config.getoption("--engines"))
    table = scratch / "minutes"
    (scratch / "records").write_bytes(counted[1])
    read = ["--topic", "scale-uniques", "--brokers", broker.bootstrap,
            "--headcount", build / "bin/headcount", "--by", "minute", "--out", table]
    sources = (["--records", scratch / "records"], ["--minutes", table],
               ["--minutes", table, table])
    rolled = [[*source, "--by", grain, "--tz", zone, "--out", scratch / "rolled"]
              for source, (grain, zone) in zip(sources, BUCKETS)]
    nothing, *tables = spark(scratch, jars, build / "bin",
                             [*read, "--hours", 0], [*read, "--hours", 1], *rolled)
    assert nothing == []
    assert [row[0] for row in tables[0]] == sorted({time - time % 60 for _, time in counted[0]})
    for (grain, zone), rows in zip(BUCKETS, tables[1:]):
        check_rows(programs, counted, "datasketches", grain, zone, rows)


def test_postgres(programs, engines, counted):
    engine, (_, records) = engines("postgres"), counted
    engine.run("-f", str(SCALE / "schema.sql"))
    whole = records.splitlines(keepends=True)
    rng = random.Random(7)
    for lines_loaded in (rng.sample(whole, len(whole) * 2 // 3), whole[::-1], whole[::40]):
        for stream in ("users", "others"):
            code, out, err = convert(programs, "--to", "postgres", "--stream", stream,
                                     input=b"".join(lines_loaded))
            assert (code, err) == (0, "")
            engine.run("-v", f"stream={stream}", "-f", str(SCALE / "load.sql"), input=out.decode())
    for grain, zone in BUCKETS:
        rows = engine.ask(
            "select extract(epoch from start)::bigint, uniques, minutes, users from headcount("
            f"'users', '{grain}', '{zone}', '2016-01-01', '2017-01-01')")
        check_rows(programs, counted, "postgres", grain, zone,
                   [(int(start), int(uniques), int(minutes), data.removeprefix("\\x"))
                    for start, uniques, minutes, data in rows])


def test_postgres_keeps_what_was_there(engines):
    """A damaged row, and nothing of that load is kept."""
    engine = engines("postgres")
    before = engine.ask("select count(*) from headcount_minutes")
    with pytest.raises(EngineError):
        engine.run("-v", "stream=users", "-f", str(SCALE / "load.sql"),
                   input="1468244340\t{}\t148b7f\n1468244400\t{}\tdead\n")
    assert engine.ask("select count(*) from headcount_minutes") == before
