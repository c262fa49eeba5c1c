"""Goal: where the system gives no more, headcountd goes on or ends with its exit
code and the reason, and no checkpoint covers what was not published.

Truth: the same frames counted where nothing fails, and the oracle's registers.
"""
import collections
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import tempfile

import pytest
from frames import lines, stream
from oracle import records_of

FAILED = 1
ID_MAX = 4096


def failing(programs, path, scratch, **environment):
    """headcountd with every allocation counted, and some of them failing."""
    preload = programs.bin / "memory_preload.so"
    with tempfile.TemporaryDirectory(dir=scratch) as own:
        return subprocess.run(
            [programs.bin / "headcountd", "-q", "--memory", "1MiB", "--emit-every", "50ms",
             "--rejects", f"{own}/rejects", path],
            env={**os.environ, "LD_PRELOAD": preload, **environment}, capture_output=True,
            check=False, timeout=60)


def sketches(programs, *records):
    return programs.headcount("convert", "--to", "redis", "--by", "minute",
                              input=b"\n".join(records))


def covered(records):
    """Up to which byte checkpoints say that all is published."""
    return max((part["to"] for checkpoint in records_of(records, "checkpoint")
                for part in checkpoint["partitions"]), default=0)


@pytest.fixture
def archive(scratch):
    """Frames of a few minutes, with some that are none, packed; and unpacked."""
    data = b"".join(line + (b"no frame\n" if number % 50 == 0 else b"") for number, line in
                    enumerate(lines(stream(51, 3000, users=900)).splitlines(keepends=True)))
    path = scratch / "frames.zst"
    subprocess.run(["zstd", "-q", "-o", path], input=data, check=True)
    return path, data


@pytest.mark.unsanitized
@pytest.mark.parametrize("way", ["one", "all from there on"])
def test_every_failing_allocation(programs, oracle, scratch, archive, way):
    path, data = archive
    counted = scratch / "counted"
    reference = failing(programs, path, scratch, MEMORY_COUNTED_IN=str(counted)).stdout
    oracle.add_frames(stream(51, 3000, users=900)).check(programs, reference)
    whole = sketches(programs, reference)
    fails_on = {"MEMORY_FAILS_ON": "1"} if way != "one" else {}
    ends = set()
    numbers = range(1, int(counted.read_text()) + 1)
    # Waiting for memory takes seconds where none comes back.
    with concurrent.futures.ThreadPoolExecutor(16 if fails_on else 1) as runs:
        all_done = list(runs.map(lambda number: failing(
            programs, path, scratch, MEMORY_FAILS_AT=str(number), **fails_on), numbers))
    for number, done in zip(numbers, all_done, strict=True):
        ends.add(done.returncode)
        if done.returncode == 0:
            assert sketches(programs, done.stdout) == whole, number
            continue
        assert done.returncode == FAILED, (number, done.stderr)
        assert re.search(b"memory|start a thread", done.stderr), (number, done.stderr)
        # What is there is right, and holds all that it says it does.
        ours = done.stdout.rpartition(b"\n")[0]
        assert sketches(programs, reference, ours) == whole, number
        part = programs.count("-", "--memory", "1MiB", input=data[:covered(ours)]).out
        assert sketches(programs, ours, part) == sketches(programs, ours), number
    assert FAILED in ends


def limited(programs, *options, files, stdin=subprocess.DEVNULL):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return subprocess.run([programs.bin / "headcountd", "-q", *options], stdin=stdin,
                          capture_output=True, check=False, preexec_fn=limit, timeout=60)


def test_too_few_file_descriptors(programs, scratch, archive):
    """Enough to start with, then one more each time until all works."""
    path, _ = archive
    for files in range(4, 12):
        done = limited(programs, path, "--rejects", scratch / f"rejects-{files}", files=files)
        if done.returncode == 0:
            break
        assert done.returncode == FAILED and b"Too many open files" in done.stderr
    assert files > 4 and done.returncode == 0
    assert len(records_of(done.stdout, "checkpoint")) > 0


def test_a_disk_that_is_not_for_writing(programs):
    """Not even for root. Of files that we write there is only --rejects."""
    done = programs.count("-", "--rejects", "/sys/rejects", input=lines(stream(52, 100)),
                          code=FAILED)
    assert "/sys/rejects" in done.err and not done.out


@pytest.mark.parametrize("what", ["--help", "--version"])
def test_text_that_cannot_be_written(programs, what):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs.bin / "headcountd", what], stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=30)
    assert done.returncode == FAILED and b"No space left" in done.stderr


def test_frames_that_are_hard_to_hold(programs, oracle, sanitized):
    """A megabyte each, 100,000 nested brackets, ids as long as can be, among honest ones."""
    frames = stream(53, 2000, users=700)
    stamp = frames[0].time
    long_id = "u" * ID_MAX
    hard = [b'{"a":' + b"[" * 100000 + b"]" * 100000 + b',"uid":"x","ts":%d}' % stamp,
            b"[" * 100000,
            b'{"uid":"x","ts":%d,"a":"' % stamp + b"y" * (1 << 20) + b'"}',
            b'{"a":[' + b"1," * 400000 + b'1],"uid":"many","ts":%d}' % stamp,
            json.dumps({"uid": long_id, "ts": stamp}).encode(),
            json.dumps({"uid": long_id + "u", "ts": stamp}).encode()]
    data = []
    for place in range(0, len(frames), 200):
        data += hard + lines(frames[place:place + 200]).splitlines()
    done = programs.count("-", "--memory", "1MiB", input=b"\n".join(data) + b"\n")
    if not sanitized:
        assert done.peak_kib < 32 * 1024
    oracle.add_frames(frames)
    oracle.minutes[stamp - stamp % 60] |= {"many", long_id}
    oracle.check(programs, done.out)
    rejected = collections.Counter()
    for checkpoint in records_of(done.out, "checkpoint"):
        rejected.update(checkpoint["rejected"])
    assert rejected == {"too_deep": 20, "too_large": 10, "user_too_long": 10}
