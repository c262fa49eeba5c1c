"""Goal: what convert prints is to Redis what Redis itself would have made of the
same users, and PFCOUNT answers what merge prints."""
import base64

import pytest
import redis_server
from frames import lines, stream
from oracle import Oracle, exported, merged
from record_lines import (DENSE_USERS, FIRST_USERS, GOLDEN, MINUTE, checkpoint, golden, line,
                          sketch)


def rows_of(out):
    return [row.split("\t") for row in out.decode().splitlines()]


def users(count):
    return {f"user-{n}" for n in range(count)}


@pytest.mark.parametrize("name, count", [("sparse", FIRST_USERS), ("dense", DENSE_USERS)])
def test_redis_reads_its_own(programs, redis, name, count):
    """Registers, PFCOUNT alone, and after a union with what Redis has counted itself."""
    out = programs.headcount("convert", "--to", "redis", GOLDEN / f"{name}.jsonl")
    [[start, group, data]] = rows_of(out)
    assert (int(start), group) == (MINUTE, "{}")
    redis.command("SET", "ours", bytes.fromhex(data))
    redis.command("DEL", "theirs", "more", "both")
    redis.add("theirs", users(count))
    assert (redis_server.registers(bytes.fromhex(data))
            == redis_server.registers(redis.command("GET", "theirs")))
    assert redis.command("PFCOUNT", "ours") == golden(name)["uniques"]
    redis.add("more", {f"other-{n}" for n in range(5000)})
    assert (redis.command("PFCOUNT", "ours", "more")
            == redis.command("PFCOUNT", "theirs", "more"))
    redis.command("PFMERGE", "both", "ours", "theirs")
    assert redis.command("PFCOUNT", "both") == redis.command("PFCOUNT", "theirs", "theirs")
    # Redis must be able to go on counting in it.
    redis.command("PFADD", "ours", "a new one")
    redis.command("PFADD", "theirs", "a new one")
    assert redis.command("PFCOUNT", "ours", "ours") == redis.command("PFCOUNT", "theirs", "theirs")


def test_formats_agree(programs):
    path = GOLDEN / "dense.jsonl"
    for engine in ("redis", "native"):
        [[_, _, data]] = rows_of(programs.headcount("convert", "--to", engine, path))
        raw = bytes.fromhex(data)
        [[_, _, data]] = rows_of(programs.headcount("convert", "--to", engine, "--format",
                                                    "base64", path))
        assert base64.b64decode(data, validate=True) == raw
        assert programs.headcount("convert", "--to", engine, "--format", "raw", path) == raw


def test_native_is_what_records_hold(programs):
    path = GOLDEN / "sparse.jsonl"
    [[_, _, data]] = rows_of(programs.headcount("convert", "--to", "native", "--format", "base64",
                                                path))
    assert data == golden("sparse")["sketch"]["bytes"]


def test_by_hour_is_the_union(programs, redis):
    """Minutes, hours and all: PFCOUNT of each row is the `uniques` of merge."""
    frames = stream(51, 30000, users=9000, rate=6.0) + stream(52, 12000, users=9000, rate=400.0)
    records = programs.count("-", input=lines(frames)).out
    oracle = Oracle(redis).add_frames(frames)
    everyone = set().union(*oracle.minutes.values())
    for grain in ("minute", "hour", "all"):
        out = rows_of(programs.headcount("convert", "--to", "redis", "--by", grain, input=records))
        uniques = {row["start_s"]: row["uniques"]
                   for row in merged(programs, records, "--by", grain) if row["uniques"]}
        assert [int(row[0]) for row in out] == sorted(uniques)
        assert len(out) > 1 or grain == "all"
        for start, _, data in out:
            redis.command("SET", "row", bytes.fromhex(data))
            assert redis.command("PFCOUNT", "row") == uniques[int(start)]
    redis.command("DEL", "everyone")
    redis.add("everyone", everyone)
    assert (redis_server.registers(bytes.fromhex(out[0][2]))
            == redis_server.registers(redis.command("GET", "everyone")))


def test_several_records_of_a_minute(programs, redis):
    """In any order, with doubles: one row."""
    one, other = sketch(1), line(golden("dense") | {"stream": "users", "sequence": 2})
    out = exported(programs, one + other + one)
    assert out == exported(programs, other + one)
    redis.command("DEL", "union")
    redis.add("union", users(DENSE_USERS))
    assert (redis_server.registers(out[MINUTE])
            == redis_server.registers(redis.command("GET", "union")))


def test_a_precision_that_redis_lacks(programs):
    """Refused by name, and the other rows are there."""
    frames = [b'{"uid":"u%d","ts":%d}\n' % (n, MINUTE) for n in range(100)]
    low = programs.count("-", "-p", "12", "--stream", "users", input=b"".join(frames)).out
    later = [row for row in low.splitlines() if b'"sketch"' in row][0]
    moved = later.replace(b'"minute":1468244340', b'"minute":1468244400')
    moved = moved.replace(b"13:39:00Z", b"13:40:00Z")
    fields = golden("sparse")["fields"].encode()
    moved = moved.replace(b'"fields":"', b'"fields":"' + fields + b'","old":"')
    out = rows_of(programs.headcount("convert", "--to", "redis", input=sketch(1) + moved + b"\n",
                                     code=1))
    assert [int(row[0]) for row in out] == [MINUTE]


def test_a_higher_precision_is_folded(programs, redis):
    """The registers are Redis's; PFCOUNT alone answers with what ours knew better."""
    everyone = {f"u{n}" for n in range(40000)}
    frames = b"".join(b'{"uid":"%s","ts":%d}\n' % (user.encode(), MINUTE) for user in everyone)
    records = programs.count("-", "-p", "16", input=frames).out
    [[_, _, data]] = rows_of(programs.headcount("convert", "--to", "redis", input=records))
    redis.command("DEL", "theirs")
    redis.add("theirs", everyone)
    redis.command("SET", "ours", bytes.fromhex(data))
    assert (redis_server.registers(bytes.fromhex(data))
            == redis_server.registers(redis.command("GET", "theirs")))
    [row] = merged(programs, records, "--by", "all")
    assert redis.command("PFCOUNT", "ours") == row["uniques"]
    assert redis.command("PFCOUNT", "ours", "ours") == redis.command("PFCOUNT", "theirs")


def test_raw_is_for_one_row(programs):
    two = sketch(1) + sketch(2, minute=MINUTE + 60, start="2016-07-11T13:40:00Z")
    raw = ["convert", "--to", "redis", "--format", "raw"]
    assert programs.headcount(*raw, input=two, code=1) == b""
    assert programs.headcount(*raw, input=checkpoint(1, (1, 0), [(0, 0, 9)]), code=1) == b""
    assert programs.headcount(*raw, "--by", "hour", input=two).startswith(b"HYLL")


def test_usage(programs):
    programs.headcount("convert", code=2)
    programs.headcount("convert", "--to", "mysql", code=2)
    programs.headcount("convert", "--to", "redis", "--tz", "Mars/Base", code=2)
    several = sketch(1) + sketch(1, stream="others")
    programs.headcount("convert", "--to", "redis", input=several, code=2)
    [row] = rows_of(programs.headcount("convert", "--to", "redis", "--stream", "others",
                                       input=several))
    assert row[0] == str(MINUTE)
