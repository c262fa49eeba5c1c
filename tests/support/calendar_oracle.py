#!/usr/bin/env python3
"""Where local days, hours, weeks begin, by Python's zoneinfo: the other opinion
on src/rollup/calendar.c.

The same rules, another implementation of zones, another way to find a
beginning: PEP 495's two readings of a wall clock and halving, where the C code
has a table of offsets.

Run as a program it prints tests/golden/calendar.txt: zone, grain, week start,
instant, [start, end). Only years whose rules can no longer change are in it, so
that it holds for any version of the tz data.
"""

import datetime
import random
import zoneinfo

UTC = datetime.timezone.utc
GRAINS = ("hour", "day", "week", "month", "year")
WEEKS = {"monday": 0, "sunday": 6, "saturday": 5}
ZONES = (
    "UTC Europe/Zurich Europe/London America/New_York America/St_Johns America/Sao_Paulo "
    "America/Caracas Australia/Lord_Howe Asia/Kathmandu Asia/Kolkata Asia/Beirut Asia/Tehran "
    "Asia/Gaza Pacific/Apia Pacific/Kiritimati Pacific/Chatham Africa/Casablanca "
    "Africa/Monrovia Africa/Cairo Antarctica/Troll America/Scoresbysund Asia/Pyongyang "
    "Atlantic/Azores America/Havana Asia/Amman"
).split()


def instant(seconds, zone):
    return datetime.datetime.fromtimestamp(seconds, zone)


def offset(seconds, zone):
    return instant(seconds, zone).utcoffset()


def begin(date, zone):
    """The first instant at which the local clock shows this date's midnight or later."""
    midnight = datetime.datetime.combine(date, datetime.time(), zone)
    first = int(midnight.replace(fold=0).timestamp())
    second = int(midnight.replace(fold=1).timestamp())
    if first <= second:  # once, or twice: the earlier
        return first
    before, after = second - 1, first + 1  # never shown: the change lies between the two readings
    old = offset(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        if offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def label(date, grain, week):
    if grain == "day":
        return date
    if grain == "week":
        return date - datetime.timedelta(days=(date.weekday() - WEEKS[week]) % 7)
    return date.replace(day=1) if grain == "month" else date.replace(day=1, month=1)


def label_next(date, grain):
    if grain == "day":
        return date + datetime.timedelta(days=1)
    if grain == "week":
        return date + datetime.timedelta(days=7)
    if grain == "month":
        return (date.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    return date.replace(year=date.year + 1)


def hour(seconds, zone):
    """What shares local date, hour and offset, found by walking there."""

    def same(a, b):
        one, two = instant(a, zone), instant(b, zone)
        return (one.date(), one.hour, one.utcoffset()) == (two.date(), two.hour, two.utcoffset())

    start, end = seconds, seconds + 1
    for step in (600, 60, 1):
        while same(start - step, seconds):
            start -= step
        while same(end - 1 + step, seconds):
            end += step
    return start, end


def bucket(seconds, zone, grain, week="monday"):
    if grain == "hour":
        return hour(seconds, zone)
    date = label(instant(seconds, zone).date(), grain, week)
    while begin(label_next(date, grain), zone) <= seconds:
        date = label_next(date, grain)
    return begin(date, zone), begin(label_next(date, grain), zone)


def changes(zone, first, last):
    """Instants in [first, last) at which the offset changes."""
    day = 86400
    for start in range(first, last, day):
        old = offset(start, zone)
        if offset(start + day, zone) == old:
            continue
        before, after = start, start + day
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (middle, after) if offset(middle, zone) == old else (before, middle)
        yield after


def instants(name, first, last, rng, ordinary=6, around=3):
    """Where zones are hard: changes and the hours around them. And anywhere else."""
    zone = zoneinfo.ZoneInfo(name)
    some = [rng.randrange(first, last) for _ in range(ordinary)]
    for change in changes(zone, first, last):
        some += [change - 1, change]
        some += [change + rng.randrange(-90000, 90000) for _ in range(around)]
    return sorted(t for t in set(some) if t >= 0)


def main():
    rng = random.Random(20160711)
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        hard = instants(name, 0, 1704067200, rng)
        for t in sorted(rng.sample(hard, min(24, len(hard)))):
            for grain in GRAINS:
                week = rng.choice(list(WEEKS)) if grain == "week" else "monday"
                print(name, grain, week, t, *bucket(t, zone, grain, week))


if __name__ == "__main__":
    main()
