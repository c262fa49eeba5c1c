"""Goal: generated frames are valid, hard, the same for a seed, and their truth is true.

The frames are read by Python's json; whoever counts them is judged elsewhere by
the truth that is checked here.
"""
import collections
import json
import signal
import subprocess
import time

import pytest
from oracle import Oracle, read_frame

START = 1468244340
HARD = ("--count", 20000, "--users", 3000, "--late", 0.01, "--poison", 0.02, "--span", "10m")


def run(programs, *options, **keywords):
    return subprocess.run([programs.bin / "headcount", "generate", *map(str, options)],
                          capture_output=True, check=False, timeout=60, **keywords)


@pytest.fixture
def generated(programs, scratch):
    """(frames, truth, ids)"""
    out = programs.headcount("generate", *HARD, "--truth", scratch / "truth",
                             "--truth-ids", scratch / "ids")
    ids = [line.split("\t") for line in (scratch / "ids").read_text().splitlines()]
    return out.splitlines(), json.loads((scratch / "truth").read_text()), ids


def test_truth(generated):
    frames, truth, ids = generated
    assert len(frames) == len(ids) == truth["frames"] + len(truth["damaged"]) == 20000
    minutes, damaged = {}, collections.Counter()
    for line, (minute, user, *mark) in zip(frames, ids):
        said, seconds = read_frame(line)
        assert said == user and len(user) == 19 and int(user, 16) >= 0
        assert seconds - seconds % 60 == int(minute)
        if mark:
            assert mark == ["damaged"]
            damaged[int(minute), user, seconds] += 1
        else:
            minutes.setdefault(int(minute), []).append(user)
    assert truth["minutes"] == [
        {"minute": minute, "frames": len(users), "uniques": len(set(users))}
        for minute, users in sorted(minutes.items())]
    assert truth["uniques"] == len(set().union(*minutes.values()))
    assert damaged == collections.Counter((row["minute"], row["uid"], row["ts"])
                                          for row in truth["damaged"])
    for row in truth["damaged"]:
        assert (row["ts"] ^ row["honest"]).bit_count() == 1
        assert START <= row["honest"] < START + 600


def test_times(generated):
    """In the span, out of order, a few late, a few damaged."""
    frames, truth, _ = generated
    times = [read_frame(line)[1] for line in frames]
    honest = [time for time in times if START <= time < START + 600]
    assert 0.01 <= len(truth["damaged"]) / len(times) <= 0.03
    arrivals = [START + 600 * number / len(times) for number in range(len(times))]
    delays = sorted(arrival - time for arrival, time in zip(arrivals, times)
                    if START <= time < START + 600)
    late = sum(delay > 6.1 for delay in delays) / len(honest)
    assert 0.003 <= late <= 0.02 and delays[-1] > 60
    assert sum(a > b for a, b in zip(honest, honest[1:])) > len(honest) / 20


def test_frames_are_hard(generated):
    frames, _, _ = generated
    sizes = [len(line) for line in frames]
    assert min(sizes) < 250 and max(sizes) > 2000 and 800 < sum(sizes) / len(sizes) < 1100
    text = b"\n".join(frames)
    for part in (rb'\"', rb"\\", rb"\n", rb"\t", rb"\b", rb"\u0000", rb"\ud83d", "снег".encode(),
                 b'"uid":"decoy', b'"uid":"\\u00', rb'{\"uid\":\"decoy'):
        assert part in text, part
    shapes = collections.Counter()
    for line in frames:
        pairs = json.loads(line, object_pairs_hook=list)
        keys = [key for key, _ in pairs]
        assert keys.count("uid") == keys.count("ts") == 1
        shapes["repeated"] += len(keys) != len(set(keys))
        shapes["last"] += keys[-1] in ("uid", "ts")
        shapes["first"] += keys[0] in ("uid", "ts")
        shapes[type(dict(pairs)["ts"]).__name__] += 1
    assert all(count > 100 for count in shapes.values()) and len(shapes) == 6


def test_same_seed_same_bytes(programs, scratch):
    first = programs.headcount("generate", *HARD)
    assert programs.headcount("generate", *HARD, "--truth", scratch / "t") == first
    assert programs.headcount("generate", *HARD, "--seed", 2) != first


def test_looks_do_not_change_the_truth(programs, scratch):
    truths = []
    for options in ((), ("--crlf",), ("--size", 100)):
        out = programs.headcount("generate", *HARD, *options, "--truth", scratch / "t")
        assert (b"\r\n" in out) == ("--crlf" in options)
        assert out.count(b"\n") == 20000
        truths.append((scratch / "t").read_text())
    assert len(set(truths)) == 1


@pytest.mark.parametrize("size,least,most", [(64, 45, 700), (300, 60, 1500),
                                             ("10KiB", 2200, 28000)])
def test_size(programs, size, least, most):
    sizes = [len(line) for line in
             programs.headcount("generate", "--count", 3000, "--size", size).splitlines()]
    assert least <= min(sizes) and max(sizes) <= most


def test_counted(programs, oracle, generated):
    """The whole way: every minute as Redis has it."""
    frames, _, _ = generated
    for line in frames:
        oracle.add(line)
    oracle.check(programs, programs.count("-", input=b"\n".join(frames)).out)


def test_paced(programs, scratch):
    """Frames arrive now; a signal ends them in order, and the truth is written."""
    before = int(time.time())
    with open(scratch / "out", "wb") as out:
        process = subprocess.Popen([programs.bin / "headcount", "generate", "--rate", "5000",
                                    "--truth", scratch / "truth"], stdout=out)
    try:
        deadline = time.monotonic() + 30
        while (scratch / "out").stat().st_size < 500000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    lines = (scratch / "out").read_bytes().splitlines()
    times = [read_frame(line)[1] for line in lines]
    assert before - 301 <= min(times) and max(times) <= time.time()
    assert json.loads((scratch / "truth").read_text())["frames"] == len(lines)


def test_paced_to_a_count(programs):
    assert programs.headcount("generate", "--rate", 100000, "--count", 2000).count(b"\n") == 2000


@pytest.mark.parametrize("options,word", [
    (("--count", 0), "--count"), (("--late", 2), "--late"), (("--poison", "x"), "--poison"),
    (("--size", "1GiB"), "--size"), (("--users", 0), "--users"), (("file",), "file"),
    (("--rate", 10, "--start", 5), "--rate"), (("--start", 253402300000, "--span", "1d"), "--span"),
    (("--span", "5"), "--span")])
def test_usage(programs, options, word):
    done = run(programs, *options)
    assert done.returncode == 2 and not done.stdout
    assert word in done.stderr.decode() and done.stderr.count(b"\n") <= 2


def test_no_room(programs, scratch):
    done = run(programs, "--count", 10, "--truth", scratch / "no" / "where")
    assert done.returncode == 1 and b"where" in done.stderr
    done = run(programs, "--count", 10, "--truth-ids", "/dev/full")
    assert done.returncode == 1 and b"/dev/full" in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs.bin / "headcount", "generate", "--count", "1000"],
                              stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1 and b"stdout" in done.stderr
