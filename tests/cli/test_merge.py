"""Goal: merged rows begin and end on the right second and hold exactly the users
of their minutes, and no order, copy or detour of the records changes them.

Buckets are judged by Python's zoneinfo (calendar_oracle.py), users by exact sets.
"""
import csv
import datetime
import io
import json
import random
import subprocess
import zoneinfo

import calendar_oracle
import pytest
from frames import lines, small_frame
from oracle import merged, seconds_of

FIRST = 1456531200  # 2016-02-27, a month and a DST change before it ends
LAST = 1459814400   # 2016-04-05
FRAMES = 60000


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def run(programs, *options, input=b""):
    """(exit code, stdout, stderr) of headcount merge."""
    done = subprocess.run([programs.bin / "headcount", "merge", *map(str, options)], input=input,
                          capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def record(programs):
    """One sketch record of one user, to be moved to any minute."""
    out = programs.count("-", input=small_frame("somebody", FIRST).line + b"\n").out
    return json.loads(out.splitlines()[0])


def moved(record, minute, **changes):
    return json.dumps({**record, "minute": minute, "start": stamp(minute), **changes}).encode()


@pytest.fixture(scope="module")
def frames():
    """Five weeks: two crowded days around the change of the clocks, else a few an hour."""
    rng = random.Random(27)
    change = 1459036800  # 2016-03-27, in UTC
    made = []
    for number in range(FRAMES):
        if number % 3:
            time, users = rng.randrange(FIRST, LAST), 3000
        else:
            time, users = rng.randrange(change - 86400, change + 86400), 50000
        made.append(small_frame(f"user-{rng.randrange(users)}", time))
    made.sort(key=lambda frame: frame.time + rng.random() * 5)
    return made


@pytest.fixture
def records(programs, frames):
    return programs.count("-", "--emit-every", "50ms", input=lines(frames)).out


@pytest.mark.parametrize("name", calendar_oracle.ZONES)
def test_buckets(programs, record, name):
    rng = random.Random(name)
    zone = zoneinfo.ZoneInfo(name)
    times = calendar_oracle.instants(name, 86400, 4102444800, rng, ordinary=20, around=4)
    minutes = {time - time % 60 for time in rng.sample(times, min(len(times), 150))}
    data = b"\n".join(moved(record, minute) for minute in minutes)
    for grain in calendar_oracle.GRAINS:
        week = rng.choice(list(calendar_oracle.WEEKS))
        rows = merged(programs, data, "--by", grain, "--tz", name, "--week-start", week)
        expected = {calendar_oracle.bucket(minute, zone, grain, week) for minute in minutes}
        assert [(seconds_of(row["start"]), seconds_of(row["end"]))
                for row in rows] == sorted(expected)
        assert all(row["uniques"] == 1 and row["by"] == grain for row in rows)


def rows_by_hand(frames, grain, name, week):
    zone = zoneinfo.ZoneInfo(name)
    rows, known = {}, {}
    for frame in frames:
        hour = frame.time - frame.time % 900  # no offset of these changes within
        if hour not in known:
            known[hour] = calendar_oracle.bucket(hour, zone, grain, week)
        rows.setdefault(known[hour], set()).add(frame.user)
    return rows


@pytest.mark.parametrize("grain,name,week", [
    ("day", "Europe/Zurich", "monday"), ("week", "Europe/Zurich", "monday"),
    ("month", "Europe/Zurich", "monday"), ("year", "Europe/Zurich", "monday"),
    ("hour", "Europe/Zurich", "monday"), ("week", "America/New_York", "sunday"),
    ("day", "Australia/Lord_Howe", "monday"), ("day", "Asia/Kathmandu", "monday"),
    ("week", "UTC", "saturday")])
def test_rows_against_exact_sets(programs, frames, records, grain, name, week):
    expected = rows_by_hand(frames, grain, name, week)
    rows = merged(programs, records, "--by", grain, "--tz", name, "--week-start", week)
    zeros = [row for row in rows if row["uniques"] == 0]
    inside = 0
    assert len(rows) - len(zeros) == len(expected)
    for row in rows:
        users = expected.get((seconds_of(row["start"]), seconds_of(row["end"])), set())
        assert bool(users) == (row["uniques"] > 0)
        assert row["low"] <= row["uniques"] <= row["high"]
        assert abs(row["uniques"] - len(users)) <= 3 * row["error"] * len(users) + 1
        inside += row["low"] <= len(users) <= row["high"]
    assert inside >= 0.9 * len(rows) - 1
    whole = [row for row in rows if row["complete"]]
    assert len(whole) >= len(rows) - 2  # the first and the last were seen in part
    for row in whole:
        assert row["minutes"] * 60 == seconds_of(row["end"]) - seconds_of(row["start"])


def test_all(programs, frames, records):
    (row,) = merged(programs, records, "--by", "all")
    exact = len({frame.user for frame in frames})
    assert row["low"] <= exact <= row["high"] and row["complete"]
    assert row["start_s"] == min(frame.time - frame.time % 60 for frame in frames)


@pytest.mark.parametrize("grain", ["minute", "day", "month"])
def test_order_and_copies_change_nothing(programs, scratch, records, grain):
    options = ("--by", grain, "--tz", "Europe/Zurich", "--format", "csv")
    expected = programs.headcount("merge", *options, input=records)
    shuffled = records.splitlines(keepends=True)
    random.Random(5).shuffle(shuffled)
    shuffled += random.Random(6).sample(shuffled, len(shuffled) // 3)
    assert programs.headcount("merge", *options, input=b"".join(shuffled)) == expected
    parts = [scratch / f"part-{number}" for number in range(3)]
    for number, part in enumerate(parts):
        part.write_bytes(b"".join(shuffled[number::3]))
    out = programs.headcount("merge", *options, parts[2], "-", parts[0],
                             input=parts[1].read_bytes())
    assert out == expected


def test_records_are_a_fixed_point(programs, records):
    archive = programs.headcount("merge", "--format", "records", input=records)
    again = programs.headcount("merge", "--format", "records", input=archive)
    assert again == archive
    assert archive.count(b'"checkpoint"') == 1
    for grain in ("minute", "hour", "week", "all"):
        assert (merged(programs, archive, "--by", grain) ==
                merged(programs, records, "--by", grain))
    assert "hole" not in programs.verify(archive)


def test_archives_meet(programs, frames):
    """Halves that were archived apart are the whole, counted together."""
    half = len(frames) // 2
    records = [programs.count("-", input=lines(part)).out
               for part in (frames[:half], frames[half:])]
    archives = [programs.headcount("merge", "--format", "records", input=part)
                for part in records]
    for grain in ("minute", "day", "all"):
        assert (merged(programs, b"".join(archives), "--by", grain) ==
                merged(programs, b"".join(records), "--by", grain))


def test_line_lost_from_an_archive(programs, records):
    archive = programs.headcount("merge", "--format", "records", input=records).splitlines(True)
    del archive[len(archive) // 2]
    assert "unmet" in programs.verify(b"".join(archive), code=1)
    assert not any(row["complete"] for row in merged(programs, b"".join(archive)))


def test_from_and_to(programs, records):
    day = ("--by", "minute", "--from", "2016-03-27T00:00:00Z", "--to", 1459123200)
    rows = merged(programs, records, *day)
    assert [row["start_s"] for row in rows] == list(range(1459036800, 1459123200, 60))
    (cut,) = merged(programs, records, *day[2:], "--by", "day")
    assert cut["complete"] and cut["minutes"] == 1440
    (cut,) = merged(programs, records, *day[2:], "--by", "month")
    assert not cut["complete"] and cut["minutes"] == 1440
    code, out, err = run(programs, *day, "--format", "records", input=records)
    assert code == 0 and "checkpoint" not in out and "no checkpoints" in err


def test_zeros_are_rows(programs):
    """What was counted and empty is a row; what comes after the end is none."""
    data = lines([small_frame("a", FIRST), small_frame("b", FIRST + 300)])
    rows = merged(programs, programs.count("-", input=data).out)
    assert [row["uniques"] for row in rows] == [1, 0, 0, 0, 0, 1]
    assert all(row["complete"] and row["minutes"] == 1 for row in rows)
    assert [(row["low"], row["high"], row["error"]) for row in rows[1:5]] == [(0, 0, 0)] * 4


def test_formats_agree(programs, records):
    options = ("--by", "day", "--tz", "Europe/Zurich")
    rows = merged(programs, records, *options)
    for row, line in zip(rows, csv.DictReader(io.StringIO(
            programs.headcount("merge", *options, "--format", "csv", input=records).decode()))):
        row.pop("start_s")
        assert row.pop("additive") is False
        assert list(line) == list(row)
        for key, value in row.items():
            text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            assert line[key] == text or float(line[key]) == value
    table = programs.headcount("merge", *options, "--format", "table", input=records).decode()
    head, *body = table.splitlines()
    assert "day (Europe/Zurich)" in head and len(body) == len(rows)
    assert any(line.startswith("2016-03-27 00:00:00+01:00 ") for line in body)
    assert any(line.startswith("2016-03-28 00:00:00+02:00 ") for line in body)
    assert {line.split()[-1] for line in body} == {"complete", "partial", "running"}
    for row, line in zip(rows, body):
        assert line.split()[2:] == [str(row["uniques"]), str(row["low"]), "..",
                                    str(row["high"]), str(row["minutes"]), line.split()[-1]]


def test_streams(programs, record):
    both = moved(record, FIRST) + b"\n" + moved(record, FIRST, stream="other") + b"\n"
    code, out, err = run(programs, input=both)
    assert code == 2 and not out and f"'{record['stream']}', 'other'" in err
    assert len(merged(programs, both, "--stream", "other")) == 1
    code, out, err = run(programs, "--stream", "third", input=both)
    assert code == 1 and not out and "'other'" in err


def test_other_fields_are_refused(programs, record):
    """Refused with its place, and the rest goes on."""
    data = (moved(record, FIRST) + b"\n" + moved(record, FIRST + 60, fields="beef") + b"\n" +
            moved(record, FIRST + 120))
    code, out, err = run(programs, input=data)
    assert code == 1 and len(out.splitlines()) == 2
    assert "stdin:2" in err and "beef" in err and "1 line refused" in err


def test_damaged_lines_are_refused(programs, record):
    code, out, err = run(programs, input=b"{}\nnonsense\n" + moved(record, FIRST))
    assert code == 1 and len(out.splitlines()) == 1
    assert "stdin:1" in err and "stdin:2" in err and "2 lines refused" in err


@pytest.mark.parametrize("options,word", [
    (("--tz", "Europe/Nowhere"), "Europe/Nowhere"), (("--tz", "../UTC"), "../UTC"),
    (("--tz", ""), "zone"), (("--by", "decade"), "decade"), (("--week-start", "friday"), "friday"),
    (("--from", "yesterday"), "yesterday"), (("--from", 120, "--to", 120), "--from"),
    (("--format", "xml"), "xml"), (("--format", "records", "--by", "hour"), "--by minute"),
    (("--unknown",), "unknown")])
def test_usage(programs, options, word):
    code, out, err = run(programs, *options)
    assert code == 2 and not out and word in err and len(err.splitlines()) <= 2


def test_missing_file(programs, scratch):
    code, out, err = run(programs, scratch / "nowhere")
    assert code == 1 and not out and "nowhere" in err


def test_nothing(programs):
    assert run(programs) == (0, "", "")


def test_full_disk(programs, records):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs.bin / "headcount", "merge"], input=records, stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1 and b"stdout" in done.stderr
