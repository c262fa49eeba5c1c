"""What the right answer is, without any of our code.

Frames are read by Python's json, users are kept in exact sets, and registers
come from a real redis-server. `check` compares records with all three.
"""
import calendar
import json
import re
import time

import redis_server

TIME_MAX = 253402300799
MAX_AHEAD_S = 3600
DAY = 86400
# The relative error from which a row's sketch is dense: sparse ones are far better.
DENSE_ERROR = 0.005
NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")


class Literal(str):
    """The text of a JSON number."""


def _first_wins(pairs):
    return dict(reversed(pairs))


def read_frame(line):
    """(user, seconds) of a frame, or None where it has none of its own."""
    frame = json.loads(line, object_pairs_hook=_first_wins, parse_int=Literal,
                       parse_float=Literal)
    user, stamp = frame.get("uid"), frame.get("ts")
    if not isinstance(user, str) or not isinstance(stamp, str) or not user:
        return None
    if not NUMBER.match(stamp):
        return None
    seconds = int(float(stamp)) if re.search(r"[eE]", stamp) else int(stamp.partition(".")[0])
    return (user, seconds) if 0 <= seconds <= TIME_MAX else None


class Oracle:
    """The users of each minute."""

    def __init__(self, redis, now=None):
        self.redis = redis
        self.now = int(time.time()) if now is None else now
        self.minutes = {}
        self.ahead = 0
        self.counted = 0

    def add(self, line):
        user, seconds = read_frame(line)
        if seconds > self.now + MAX_AHEAD_S:
            self.ahead += 1
            return
        self.counted += 1
        self.minutes.setdefault(seconds - seconds % 60, set()).add(user)

    def add_frames(self, frames):
        for frame in frames:
            self.add(frame.line)
        return self

    def without(self, minutes):
        """The same oracle for all but these minutes."""
        other = Oracle(self.redis, self.now)
        other.minutes = {m: users for m, users in self.minutes.items() if m not in minutes}
        return other

    def registers(self, minute):
        """What PFADD of the minute's users gives."""
        key = f"oracle-{id(self)}-{minute}"
        self.redis.add(key, self.minutes[minute])
        registers = redis_server.registers(self.redis.command("GET", key))
        self.redis.command("DEL", key)
        return registers

    def check(self, programs, records):
        """Every minute of `records` (JSON lines) is register-identical to Redis's."""
        ours = exported(programs, records)
        full = {minute for minute, hyll in ours.items() if any(redis_server.registers(hyll))}
        only = full ^ set(self.minutes)
        assert not only, f"minutes that only one side has: {sorted(only)}"
        for minute in sorted(self.minutes):
            same = redis_server.registers(ours[minute]) == self.registers(minute)
            assert same, f"registers of minute {minute} differ"
        self.check_numbers(programs, records, ours)

    def check_numbers(self, programs, records, ours):
        """`uniques` of each row is PFCOUNT's of the exported bytes, and near the exact count.

        In the two days around the middle one: where damaged times reach back
        by years, the rows of empty minutes between are too many to read."""
        minutes = sorted(self.minutes)
        middle = minutes[len(minutes) // 2]
        span = ["--from", max(0, middle - DAY), "--to", middle + DAY]
        for row in merged(programs, records, "--by", "minute", *span):
            minute = row["start_s"]
            exact = len(self.minutes.get(minute, ()))
            assert row["low"] <= row["uniques"] <= row["high"]
            assert abs(row["uniques"] - exact) <= 5 * row["error"] * exact + 1
            if row["error"] > DENSE_ERROR and minute in ours:
                self.redis.command("SET", "exported", ours[minute])
                assert row["uniques"] == self.redis.command("PFCOUNT", "exported")


def seconds_of(stamp):
    """Unix seconds of RFC 3339 in UTC."""
    return calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


def exported(programs, records):
    """{minute: Redis string} by `headcount convert`."""
    out = programs.headcount("convert", "--to", "redis", "--by", "minute", "--format", "hex",
                             input=records)
    rows = {}
    for line in out.decode().splitlines():
        start, group, data = line.split("\t")
        assert group == "{}" and int(start) not in rows
        rows[int(start)] = bytes.fromhex(data)
    return rows


def merged(programs, records, *options):
    """The rows of `headcount merge` with `start_s` added."""
    out = programs.headcount("merge", "--format", "json", *options, input=records)
    rows = [json.loads(line) for line in out.decode().splitlines()]
    for row in rows:
        row["start_s"] = seconds_of(row["start"])
    return rows


def records_of(data, kind):
    """The records of one type, as objects."""
    rows = [json.loads(line) for line in data.splitlines()]
    assert all(row["type"] in ("sketch", "checkpoint") for row in rows)
    return [row for row in rows if row["type"] == kind]


def frames_total(data):
    """(frames, {reason: rejected}) over all checkpoints."""
    frames, rejected = 0, {}
    for row in records_of(data, "checkpoint"):
        frames += row["frames"]
        for reason, count in row["rejected"].items():
            rejected[reason] = rejected.get(reason, 0) + count
    return frames, rejected
