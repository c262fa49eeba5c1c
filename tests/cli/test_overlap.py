"""Goal: headcount overlap says who came back, judged by exact sets, for files and
for times of every kind; and where it can't tell, it says so and no number.
"""
import datetime
import json
import random
import subprocess
import zoneinfo

import pytest
from frames import lines, small_frame

MONDAY = 1468195200  # 2016-07-11, in UTC
DAY = 86400
PARTS = {"both": set.intersection, "either": set.union, "only_a": set.difference,
         "only_b": lambda a, b: b - a}


def run(programs, *options, input=b""):
    """(exit code, stdout, stderr) of headcount overlap."""
    done = subprocess.run([programs.bin / "headcount", "overlap", *map(str, options)],
                          input=input, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def overlap(programs, *options, input=b""):
    code, out, err = run(programs, *options, input=input)
    assert (code, err) == (0, "") and out.count("\n") == 1
    return json.loads(out)


def judge(answer, first, second):
    """Every number near the truth, every bound above it. The number of misses: one
    interval in twenty may."""
    misses = 0
    wholes = {"a": first, "b": second}
    for name, users in list(wholes.items()) + [(n, f(first, second)) for n, f in PARTS.items()]:
        row, truth = answer[name], len(users)
        if row is None:
            assert answer[name + "_at_most"] >= truth
            continue
        assert name + "_at_most" not in answer
        assert row["low"] <= row["uniques"] <= row["high"]
        assert abs(row["uniques"] - truth) <= 4 * row["error"] * row["uniques"] + 2
        misses += not row["low"] <= truth <= row["high"]
    return misses


@pytest.fixture(scope="module")
def frames():
    """Five days of users who come back less and less, around the clock."""
    rng = random.Random(11)
    made = []
    for day in range(5):
        for _ in range(9000):
            user = rng.randrange(day * 1500, day * 1500 + 6000)
            made.append(small_frame(f"user-{user}", MONDAY + day * DAY + rng.randrange(DAY)))
    made.sort(key=lambda frame: frame.time)
    return made


def between(frames, start, end):
    return {frame.user for frame in frames if start <= frame.time - frame.time % 60 < end}


@pytest.fixture
def records(programs, scratch, frames):
    path = scratch / "records.jsonl"
    path.write_bytes(programs.count("-", input=lines(frames)).out)
    return path


def day_in(zone, year, month, day):
    return int(datetime.datetime(year, month, day, tzinfo=zoneinfo.ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize("users,shared", [(8, 5), (300, 100), (2500, 1200), (20000, 8000),
                                          (20000, 20000), (20000, 0)])
def test_files(programs, scratch, users, shared):
    """Two files of sets with a known overlap, sparse and dense."""
    paths, sets = [], []
    for number in range(2):
        first = number * (users - shared)
        sets.append({f"u{user}" for user in range(first, first + users)})
        frames = [small_frame(user, MONDAY + number * DAY + place % 3600)
                  for place, user in enumerate(sorted(sets[-1]))]
        paths.append(scratch / f"day-{number}")
        paths[-1].write_bytes(programs.count("-", input=lines(frames)).out)
    answer = overlap(programs, *paths)
    assert judge(answer, *sets) <= 1
    assert answer["a"]["name"] == str(paths[0]) and answer["profile"] == "redis"
    if shared == 0:
        assert answer["both"] is None
    if shared == users:
        assert answer["only_a"] is None and answer["only_b"] is None
    if users < 1000:
        assert answer["both"]["uniques"] == shared
        assert answer["only_a"]["low"] == users - shared
    swapped = overlap(programs, *reversed(paths))
    assert swapped["both"] == answer["both"] and swapped["only_a"] == answer["only_b"]
    assert overlap(programs, "-", paths[1], input=paths[0].read_bytes())["both"] == answer["both"]


@pytest.mark.parametrize("words,zone,bounds", [
    (("2016-07-11", "2016-07-12"), "UTC", (0, 1, 1, 2)),
    (("2016-07-11", "2016-07-14"), "UTC", (0, 1, 3, 4)),
    (("2016-07-11..2016-07-13", "2016-07-13..2016-07-15"), "UTC", (0, 3, 2, 5)),
    (("2016-07", "2016-07-15"), "UTC", (0, 5, 4, 5)),
    (("2016", "2015..2016-07-12"), "UTC", (0, 5, 0, 2)),
    ((f"{MONDAY}..{MONDAY + DAY // 2}", "2016-07-11T12:00:00Z..2016-07-12T00:00:00Z"), "UTC",
     (0, 0.5, 0.5, 1)),
    ((f"{MONDAY + 60}..{MONDAY + 7260}", "2016-07-12"), "UTC", (60 / DAY, 7260 / DAY, 1, 2)),
])
def test_times(programs, records, frames, words, zone, bounds):
    edges = [MONDAY + int(bound * DAY) for bound in bounds]
    sets = [between(frames, *edges[:2]), between(frames, *edges[2:])]
    answer = overlap(programs, *words, records)
    assert judge(answer, *sets) <= 1
    assert [answer[side]["name"] for side in "ab"] == list(words)
    assert overlap(programs, *words, "-", input=records.read_bytes()) == answer
    assert answer["a"]["minutes"] <= (edges[1] - edges[0]) / 60


@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/New_York", "Pacific/Kiritimati",
                                  "Asia/Kathmandu"])
def test_days_of_a_zone(programs, records, frames, zone):
    days = [day_in(zone, 2016, 7, day) for day in (12, 13, 14)]
    sets = [between(frames, *days[:2]), between(frames, *days[1:])]
    answer = overlap(programs, "--tz", zone, "2016-07-12", "2016-07-13", records)
    assert judge(answer, *sets) <= 1 and answer["zone"] == zone
    by_instant = overlap(programs, f"{days[0]}..{days[1]}", f"{days[1]}..{days[2]}", records)
    assert all(by_instant[part] == answer[part] for part in PARTS)


def test_several_files_are_one(programs, scratch, records):
    parts = [scratch / f"part-{number}" for number in range(3)]
    data = records.read_bytes().splitlines(keepends=True)
    random.Random(3).shuffle(data)
    for number, part in enumerate(parts):
        part.write_bytes(b"".join(data[number::3] + data[:50]))
    words = ("2016-07-11", "2016-07-12")
    assert overlap(programs, *words, *parts) == overlap(programs, *words, records)


def test_groups_stay_apart(programs, scratch, records):
    """The total is asked for, and nothing of a group is added to it."""
    words = ("2016-07-11", "2016-07-12")
    strangers = [small_frame(f"stranger-{number}", MONDAY + number * 8) for number in range(20000)]
    group = programs.count("-", input=lines(strangers)).out.replace(
        b'"group":{}', b'"group":{"site":"1"}')
    path = scratch / "grouped"
    path.write_bytes(group + records.read_bytes() + group)
    assert b'{"site":"1"}' in programs.headcount("merge", "--by", "day", path)
    answer, alone = overlap(programs, *words, path), overlap(programs, *words, records)
    assert all(answer[part] == alone[part] for part in PARTS)


def test_table(programs, records):
    words = ("2016-07-11", "2016-07-12")
    answer = overlap(programs, *words, records)
    code, out, _ = run(programs, "--format", "table", *words, records)
    head, *body = out.splitlines()
    assert code == 0 and "uniques" in head and len(body) == 6
    for line, key in zip(body, ["a", "b", "both", "either", "only_a", "only_b"]):
        row = answer[key]
        numbers = [word for word in line.split() if word.isdigit()]
        assert numbers[:3] == [str(row[name]) for name in ("uniques", "low", "high")]
        assert line == line.rstrip()
    code, out, _ = run(programs, "--format", "table", words[0], words[0], records)
    assert code == 0 and out.count("too few to tell, at most ") == 2


def test_profiles(programs, scratch, frames):
    """One profile is chosen for both, and different ones do not meet."""
    data = lines(frames[:20000])
    both, redis, trino = (scratch / name for name in ("both", "redis", "trino"))
    both.write_bytes(programs.count("-", "--profile", "redis", "--profile", "trino",
                                    input=data).out)
    redis.write_bytes(programs.count("-", "--profile", "redis", input=data).out)
    trino.write_bytes(programs.count("-", "--profile", "trino", input=data).out)
    code, out, err = run(programs, redis, trino)
    assert code == 1 and not out and "redis" in err and "trino" in err and "--profile" in err
    code, out, _ = run(programs, "--profile", "trino", both, trino)
    assert code == 0 and json.loads(out)["profile"] == "trino"
    assert abs(json.loads(out)["both"]["uniques"] / json.loads(out)["a"]["uniques"] - 1) < 0.01
    code, out, err = run(programs, "--profile", "postgres", both, trino)
    assert code == 1 and not out


def test_precisions_meet(programs, scratch, frames):
    paths = []
    for number, precision in enumerate((12, 14)):
        paths.append(scratch / f"p{precision}")
        part = [frame for frame in frames if (frame.time - MONDAY) // DAY == number]
        paths[-1].write_bytes(programs.count("-", "-p", precision, input=lines(part)).out)
    sets = [between(frames, MONDAY + day * DAY, MONDAY + (day + 1) * DAY) for day in (0, 1)]
    assert judge(overlap(programs, *paths), *sets) <= 1


def test_streams(programs, scratch, records):
    """Two streams in one set are refused; as A and B they may be compared."""
    other = scratch / "other"
    other.write_bytes(records.read_bytes().replace(b'"stream":"users"', b'"stream":"web"'))
    mixed = scratch / "mixed"
    mixed.write_bytes(records.read_bytes() + other.read_bytes())
    code, out, err = run(programs, mixed, records)
    assert code == 2 and not out and "--stream" in err
    answer = overlap(programs, "--stream", "web", "2016-07-11", "2016-07-12", mixed)
    assert answer["both"] == overlap(programs, "2016-07-11", "2016-07-12", records)["both"]
    assert overlap(programs, records, other)["only_a"] is None


@pytest.mark.parametrize("words,code,word", [
    ((), 2, "A and B"), (("records",), 2, "A and B"), (("-", "-"), 2, "stdin"),
    (("2016-07-11", "2016-07-99", "records"), 2, "2016-07-99"),
    (("2016-07-11", "yesterday", "records"), 2, "B: 'yesterday'"),
    (("2016-07-12..2016-07-11", "2016", "records"), 2, "before"),
    (("2016-07-11T00:00:00Z", "2016", "records"), 2, "instant"),
    (("2016-07-11..", "2016", "records"), 2, "no time"),
    (("1968", "2016", "records"), 2, "1968"),
    (("--tz", "Europe/Nowhere", "2016", "2016", "records"), 2, "Europe/Nowhere"),
    (("--tz", "Pacific/Apia", "2011-12-30", "2016", "records"), 2, "2011-12-30"),
    (("--format", "csv", "records", "records"), 2, "csv"),
    (("2016-07-11", "2017", "records"), 1, "no users in B ('2017')"),
    (("2016-07-11", "2016-07-12"), 1, "files"), (("records", "nowhere"), 1, "nowhere"),
    (("2016-07-11", "2016-07-12", "nowhere"), 1, "no users")])
def test_refusals(programs, records, words, code, word):
    words = [str(records) if name == "records" else name for name in words]
    answer, out, err = run(programs, *words)
    assert answer == code and not out and word in err and len(err.splitlines()) <= 4


def test_damaged_lines_are_refused(programs, scratch, records):
    damaged = scratch / "damaged"
    damaged.write_bytes(b"nonsense\n" + records.read_bytes())
    code, out, err = run(programs, damaged, records)
    assert code == 1 and "damaged:1" in err
    assert json.loads(out)["both"] == overlap(programs, records, records)["both"]


def test_full_disk(programs, records):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs.bin / "headcount", "overlap", records, records],
                              stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1 and b"stdout" in done.stderr
