"""Goal: however frames come in, every minute has the registers that a real
redis-server has for its users, and the records say that nothing is missing."""
import gzip
import json
import random
import subprocess

import oracle as oracle_module
import pytest
from frames import Frame, lines, small_frame, stream
from oracle import Oracle, exported, frames_total, merged, records_of

COUNT = 20000
# Minutes with more users than a sparse sketch holds, others with few.
CROWDED = {"users": 40000, "rate": 170.0}


@pytest.fixture(scope="module")
def frames():
    crowded = stream(11, COUNT, **CROWDED)
    quiet = stream(12, 300, users=50, rate=0.5, start=crowded[0].time + 3600)
    many = [small_frame(f"user-{number}", 1468250000 - 1468250000 % 60) for number in range(9000)]
    return crowded + quiet + many


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


def check(programs, truth, out):
    truth.check(programs, out)
    assert "hole" not in programs.verify(out)
    frames, rejected = frames_total(out)
    assert frames == truth.counted and not any(rejected.values())


def test_a_file(programs, scratch, frames, truth):
    path = scratch / "frames.jsonl"
    path.write_bytes(lines(frames))
    check(programs, truth, programs.count(path).out)


def test_stdin(programs, frames, truth):
    check(programs, truth, programs.count("-", input=lines(frames)).out)


def test_no_line_end_at_the_end(programs, frames, truth):
    check(programs, truth, programs.count("-", input=lines(frames)[:-1]).out)


def test_crlf(programs, frames, truth):
    check(programs, truth, programs.count("-", input=lines(frames, b"\r\n")).out)


def test_gzip_and_zstd(programs, scratch, frames, truth):
    data = lines(frames)
    path = scratch / "frames.gz"
    path.write_bytes(gzip.compress(data, 1))
    check(programs, truth, programs.count(path).out)
    packed = subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True)
    path = scratch / "frames.zst"
    path.write_bytes(packed.stdout)
    check(programs, truth, programs.count(path).out)
    check(programs, truth, programs.count("-", input=packed.stdout).out)


def test_any_order(programs, frames, truth):
    shuffled = random.Random(1).sample(frames, len(frames))
    check(programs, truth, programs.count("-", input=lines(shuffled)).out)
    check(programs, truth, programs.count("-", input=lines(frames[::-1])).out)


def test_several_files(programs, scratch, frames, truth):
    third = len(frames) // 3
    parts = [frames[:third], [], frames[third:2 * third], frames[2 * third:]]
    paths = []
    for number, part in enumerate(parts):
        paths.append(scratch / f"part-{number}")
        paths[-1].write_bytes(lines(part))
    check(programs, truth, programs.count("--stream", "users", *paths).out)


def test_a_second_run_adds_nothing(programs, scratch, frames, truth):
    path = scratch / "frames.jsonl"
    path.write_bytes(lines(frames))
    once, again = programs.count(path).out, programs.count(path).out
    both = once + again
    truth.check(programs, both)
    assert exported(programs, both) == exported(programs, once)


def count_in_parts(programs, frames, parts):
    """What comes out where each part is waited for: a checkpoint for each, at least."""
    size = len(frames) // parts + 1
    with programs.start("-", "--emit-every", "50ms", stdin=subprocess.PIPE) as daemon:
        for first in range(0, len(frames), size):
            upto = min(first + size, len(frames))
            daemon.process.stdin.write(lines(frames[first:upto]))
            daemon.process.stdin.flush()
            daemon.wait_for(lambda upto=upto: frames_total(daemon.out)[0] == upto,
                            f"{upto} frames in checkpoints")
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0
    return done.out


def test_many_checkpoints_say_the_same(programs, frames, truth):
    out = count_in_parts(programs, frames, 10)
    check(programs, truth, out)
    assert len(records_of(out, "checkpoint")) >= 10


def test_precision(programs, frames, truth):
    """A finer sketch folds to Redis's registers; a coarser one is refused by convert."""
    fine = programs.count("-", "-p", "16", input=lines(frames)).out
    truth.check(programs, fine)
    coarse = programs.count("-", "-p", "12", input=lines(frames)).out
    programs.headcount("convert", "--to", "redis", "--by", "minute", "--format", "hex",
                       input=coarse, code=1)
    for row in merged(programs, coarse, "--by", "minute"):
        exact = len(truth.minutes.get(row["start_s"], ()))
        assert abs(row["uniques"] - exact) <= 5 * row["error"] * exact + 1


def test_records_on_stdout(programs, frames, truth):
    out = programs.count("-", "--stream", "users", input=lines(frames)).out
    sketches = records_of(out, "sketch")
    assert {row["minute"] for row in sketches} == set(truth.minutes)
    for row in sketches:
        assert (row["stream"], row["version"], row["seconds"]) == ("users", 1, 60)
        assert row["group"] == {} and row["additive"] is False
        assert row["state"] in ("open", "closed", "late")
        assert oracle_module.seconds_of(row["start"]) == row["minute"]
        assert row["low"] <= row["uniques"] <= row["high"]
        assert row["sketch"]["profile"] == "redis" and row["sketch"]["precision"] == 14
    sequences = [row["sequence"] for row in sketches]
    assert sequences == sorted(set(sequences))
    checkpoints = records_of(out, "checkpoint")
    assert checkpoints[-1]["partitions"][0]["end"] is True
    chain = [(row["partitions"][0]["from"], row["partitions"][0]["to"]) for row in checkpoints]
    assert chain[0][0] == 0 and chain[-1][1] == len(lines(frames))
    assert all(left[1] == right[0] for left, right in zip(chain, chain[1:]))


def moved(record):
    """A checkpoint that covers something."""
    return record["type"] == "checkpoint" and any(
        part["to"] > part["from"] or part["end"] for part in record["partitions"])


def test_verify_finds_a_checkpoint_that_was_taken_out(programs, frames):
    out = count_in_parts(programs, frames, 5)
    rows = out.splitlines(keepends=True)
    checkpoints = [number for number, row in enumerate(rows) if moved(json.loads(row))]
    programs.verify(out)
    for gone in (checkpoints[0], checkpoints[len(checkpoints) // 2], checkpoints[-1]):
        programs.verify(b"".join(rows[:gone] + rows[gone + 1:]), code=1)


def test_a_minute_without_users_is_a_zero(programs, oracle):
    """Between two minutes with users, where everything was read, stands a zero."""
    start = 1468244340
    frames = [small_frame(f"u{n}", start + 120 * (n % 2)) for n in range(200)]
    out = programs.count("-", input=lines(frames)).out
    rows = {row["start_s"]: row for row in merged(programs, out, "--by", "minute")}
    assert rows[start + 60]["uniques"] == 0 and rows[start]["uniques"] == 100
    oracle.add_frames(frames).check(programs, out)


def test_fields_by_pointer_and_unit(programs, oracle):
    start = 1468244380
    frames, plain = [], []
    for number in range(500):
        user, time = f"user {number % 90}", start + number
        plain.append(small_frame(user, time))
        nested = {"uid": "decoy", "a/b": {"~id": [user]}, "when": time * 1000 + 999}
        frames.append(Frame(json.dumps(nested).encode(), user, time, time))
    out = programs.count("-", "--user-field", "/a~1b/~0id/0", "--time-field", "when",
                         "--time-unit", "ms", input=lines(frames)).out
    oracle.add_frames(plain).check(programs, out)
    text = [Frame(b'{"uid":"%s","ts":"2016-07-11T15:39:40.5+02:00"}' % str(n).encode(), str(n),
                  0, 0) for n in range(50)]
    rows = merged(programs, programs.count("-", "--time-unit", "rfc3339", input=lines(text)).out,
                  "--by", "minute")
    assert [(row["start_s"], row["uniques"]) for row in rows] == [(1468244340, 50)]
