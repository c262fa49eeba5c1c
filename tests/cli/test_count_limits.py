"""Goal: memory stays under its cap whatever comes, and what is counted stays right."""
import json
import random

import redis_server
from frames import lines, small_frame
from oracle import records_of

MINUTES = 2 * 365 * 1440  # two years
START = 1388534400  # 2014-01-01
RESIDENT_KIB_MAX = 24 * 1024
SAMPLED = 500


def test_two_years_of_minutes_in_random_order(programs, redis, scratch, sanitized):
    """Every minute is counted once; some come back long after they were let go."""
    rng = random.Random(4)
    numbers = list(range(MINUTES))
    rng.shuffle(numbers)
    numbers += numbers[:20000]
    path = scratch / "frames.jsonl"
    with open(path, "wb") as file:
        for place, number in enumerate(numbers):
            user = b"%x" % (number if place < MINUTES else number + MINUTES)
            file.write(b'{"uid":"%s","ts":%d}\n' % (user, START + 60 * number))
    twice = set(numbers[MINUTES:])
    done = programs.count(path, "--memory", "8MiB")
    if not sanitized:
        assert done.peak_kib < RESIDENT_KIB_MAX
    records = scratch / "records"
    records.write_bytes(done.out)
    del done
    assert "hole" not in programs.headcount("verify", records).decode()
    check_counts(programs, records, twice)
    check_registers(programs, redis, records, twice, rng)


def check_counts(programs, records, twice):
    rows = programs.headcount("merge", "--by", "minute", "--format", "json", records).splitlines()
    assert len(rows) == MINUTES
    assert json.loads(rows[0])["start"] == "2014-01-01T00:00:00Z"
    assert json.loads(rows[-1])["end"] == "2016-01-01T00:00:00Z"
    for number, row in enumerate(rows):
        assert b'"uniques":%d,' % (2 if number in twice else 1) in row


def check_registers(programs, redis, records, twice, rng):
    """A sample of the minutes, half of them of those that came back."""
    out = programs.headcount("convert", "--to", "redis", "--by", "minute", "--format", "hex",
                             records)
    ours = {}
    for line in out.splitlines():
        start, _, data = line.split(b"\t")
        ours[(int(start) - START) // 60] = data
    assert len(ours) == MINUTES
    sample = rng.sample(sorted(twice), SAMPLED) + rng.sample(range(MINUTES), SAMPLED)
    for number in sample:
        users = [f"{number:x}"] + ([f"{number + MINUTES:x}"] if number in twice else [])
        redis.command("DEL", "minute")
        redis.add("minute", users)
        theirs = redis_server.registers(redis.command("GET", "minute"))
        assert redis_server.registers(bytes.fromhex(ours[number].decode())) == theirs


def test_memory_with_full_minutes(programs, oracle, sanitized):
    """Dense sketches, twice as many of them as fit, filled in random order."""
    rng = random.Random(5)
    frames = [small_frame(f"{rng.getrandbits(40):x}", START + 60 * rng.randrange(120))
              for _ in range(600000)]
    done = programs.count("-", "--memory", "1MiB", input=lines(frames))
    if not sanitized:
        assert done.peak_kib < RESIDENT_KIB_MAX
    oracle.add_frames(frames).check(programs, done.out)
    programs.verify(done.out)
    # Parts were published and let go, and the rest of their minutes later.
    assert any(not row["whole"] for row in records_of(done.out, "sketch"))
