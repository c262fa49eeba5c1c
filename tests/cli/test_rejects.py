"""Goal: rejected frames are kept whole through a full disk, or lost by choice and
counted; and counted again from where they were set aside, each is judged as it
was the first time. What stdin gave and nobody counted is never called done."""
import base64
import json
import random
import resource
import signal
import subprocess
import threading

import pytest
from frames import lines, small_frame, stream
from oracle import Oracle, frames_total, merged, records_of
from programs import wait_for

FAILED, CONFIG = 1, 78
NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def rows_of(path):
    data = path.read_bytes()
    assert data.endswith(b"\n") or not data, "no half line stays"
    return [json.loads(line) for line in data.splitlines()]


def bad_frames(seed, count):
    rng = random.Random(seed)
    kinds = [lambda: rng.randbytes(rng.randrange(1, 200)).replace(b"\n", b"\0"), lambda: b"",
             lambda: b'{"uid":"a"}\r', lambda: b"\xff\xfe{}", lambda: b'{"uid":1,"ts":"x"}',
             lambda: b"[" * rng.randrange(1, 3000)]
    return [rng.choice(kinds)() + b" %d" % n for n in range(count)]


def feed(process, frames, close=False):
    """From a thread: reading may stand still."""
    def write():
        try:
            process.stdin.write(b"".join(line + b"\n" for line in frames))
            process.stdin.flush()
            if close:
                process.stdin.close()
        except BrokenPipeError:
            pass
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def fill_disk(programs, redis, path, *options):
    """Frames among many bad ones, while the rejects may not grow beyond 32 KiB. Gives the
    running program, who feeds it, all bad frames, and the oracle."""
    good = [small_frame(f"u{n % 300}", 1468244340 + n // 20) for n in range(2000)]
    bad = bad_frames(51, 2000)
    daemon = programs.start("-", "--rejects", path, "--emit-every", "100ms", *options,
                            stdin=subprocess.PIPE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE,
                     (32768, resource.RLIM_INFINITY))
    mixed = [line for pair in zip((frame.line for frame in good), bad) for line in pair]
    feeder = feed(daemon.process, mixed[:3600])
    daemon.wait_for(lambda: daemon.events("rejects_down"), "rejects_down announced")
    return daemon, feeder, mixed[3600:], bad, Oracle(redis).add_frames(good)


def lift(daemon):
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, NO_LIMIT)


def test_a_full_disk_is_waited_for(programs, redis, scratch):
    path = scratch / "rejects"
    daemon, feeder, rest, bad, oracle = fill_disk(programs, redis, path)
    with daemon:
        before = frames_total(daemon.out)[0]
        kept = len(rows_of(path))
        assert 0 < kept < 1800 and before <= 1800
        assert feeder.is_alive(), "reading stands still"
        lift(daemon)
        daemon.wait_for(lambda: daemon.events("rejects_up"), "rejects_up announced")
        feeder.join(60)
        feed(daemon.process, rest, close=True)
        done = daemon.done()
    assert done.code == 0, done.err
    assert len(daemon.events("rejects_down")) == len(daemon.events("rejects_up")) == 1
    # The CR of a CRLF is the line's, not the frame's; here none stands at the end.
    assert [base64.b64decode(row["frame"]) for row in rows_of(path)] == bad
    assert sum(frames_total(done.out)[1].values()) == len(bad)
    assert b"rejects_lost" not in done.out and "that are lost" not in done.err
    oracle.check(programs, done.out)
    programs.verify(done.out)


def test_a_full_disk_is_not_waited_for(programs, redis, scratch):
    path = scratch / "rejects"
    daemon, _, rest, bad, oracle = fill_disk(programs, redis, path, "--rejects-down", "drop", "-q")
    with daemon:
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 1800, "all but the rest counted")
        kept = len(rows_of(path))
        lift(daemon)
        daemon.process.stdin.write(b"".join(line + b"\n" for line in rest[:-2]))
        daemon.process.stdin.flush()
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 1999, "the rest counted")

        def probed():  # one in a while finds out that there is room again
            daemon.process.stdin.write(b"probe\n")
            daemon.process.stdin.flush()
            bad.append(b"probe")
            return len(rows_of(path)) > kept
        daemon.wait_for(probed, "frames set aside again")
        daemon.process.stdin.write(b"".join(line + b"\n" for line in rest[-2:]))
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0, done.err
    lost = sum(row.get("rejects_lost", 0) for row in records_of(done.out, "checkpoint"))
    found = [base64.b64decode(row["frame"]) for row in rows_of(path)]
    assert lost > 0 and len(found) + lost == len(bad)
    assert found[-1] == bad[1999], "up again, the last frame was kept"
    assert set(found) <= set(bad)
    assert sum(frames_total(done.out)[1].values()) == len(bad)
    assert int(daemon.events("rejects_lost")[-1]["frames"]) == lost
    assert f"rejects_lost {lost}" in programs.verify(done.out)
    archive = programs.headcount("merge", "--format", "records", input=done.out)
    assert f"rejects_lost {lost}" in programs.verify(archive)
    oracle.check(programs, done.out)


def test_the_summary_says_what_is_lost(programs):
    good = lines(stream(52, 200))
    done = programs.count("-", "--rejects", "/dev/full", "--rejects-down", "drop",
                          input=good + b"x\n" * 500)
    assert "set aside in /dev/full but for 500 that are lost" in done.err
    shown = programs.headcount("show", input=done.out).decode()
    assert "500 of the rejected were not set aside" in shown


@pytest.mark.parametrize("options, words", [
    (["--rejects-down", "drop"], ["--rejects-down", "--rejects"]),
    (["--rejects", "r", "--rejects-down", "never"], ["--rejects-down", "never"]),
    (["-b", "127.0.0.1:1", "-t", "a", "--input-format", "rejects"], ["--input-format"])])
def test_settings_that_mean_nothing(programs, options, words):
    files = [] if "-t" in options else ["-"]
    err = programs.count(*options, *files, code=2).err
    assert all(word in err for word in words)


def test_validate_looks_at_the_files(programs, scratch):
    frames = scratch / "frames"
    frames.write_bytes(b"")
    assert programs.count("--validate", frames, "--rejects", scratch / "new")
    assert not (scratch / "new").exists()
    for wrong in ([scratch / "nothing"], [scratch], [frames, "--rejects", scratch / "no" / "where"],
                  [frames, "--rejects", scratch]):
        done = programs.count("--validate", *wrong, code=CONFIG)
        assert b"error: " in done.out


def test_every_byte_comes_back(programs, scratch):
    """Rejected for a wrong field, set aside, replayed as lines: the same bytes, and the same
    again when the rejects themselves are counted in vain."""
    bad = bad_frames(53, 300) + [b"x" * (1 << 20), b"", b"\r", bytes(range(11, 256)) + bytes(10)]
    data = b"".join(frame + b"\n" for frame in bad)
    kept = [frame[:-1] if frame.endswith(b"\r") else frame for frame in bad]
    first, second = scratch / "first", scratch / "second"
    programs.count("-", "--rejects", first, input=data, code=FAILED)
    assert programs.headcount("replay", first) == b"".join(frame + b"\n" for frame in kept)
    programs.count(first, "--input-format", "rejects", "--rejects", second, code=FAILED)
    assert [row["frame"] for row in rows_of(second)] == [row["frame"] for row in rows_of(first)]
    again = programs.headcount("replay", "--format", "rejects", first)
    assert again == first.read_bytes()


def reject(frame, timestamp_ms=None, key=None, **more):
    row = {"reason": "time_ahead", "source": "users/0", "position": 1,
           "time": "2016-07-11T13:39:00Z", "size": len(frame), **more}
    if timestamp_ms is not None:
        row["timestamp"] = timestamp_ms
    if key is not None:
        row["key"] = base64.b64encode(key).decode()
    row["frame"] = base64.b64encode(frame).decode()
    return json.dumps(row).encode() + b"\n"


def test_each_is_judged_by_its_own_record(programs, scratch):
    """Two hours beyond its record, however long ago that was; without a timestamp, --now."""
    at = 1468244340
    path = scratch / "rejects"
    path.write_bytes(
        reject(b'{"uid":"a","ts":%d}' % (at + 7200), at * 1000)
        + reject(b'{"uid":"b",\n"ts":%d}\n' % (at + 3600), at * 1000)
        + reject(b'{"uid":"c","ts":%d}' % (at + 7200))
        + reject(b'{"uid":"d","ts":%d}' % (at + 3600), (at - 1) * 1000)
        + b'{"uid":"alien","ts":%d}\n' % at + b'{"reason":"torn","fra\n')
    options = [path, "--input-format", "rejects"]
    done = programs.count(*options, "--now", at + 100000)
    assert frames_total(done.out) == (2, {"time_ahead": 2, "not_json": 2})
    done = programs.count(*options, "--now", at)
    assert frames_total(done.out) == (1, {"time_ahead": 3, "not_json": 2})
    done = programs.count(*options, "--now", at, "--max-ahead", "2h")
    assert frames_total(done.out) == (3, {"time_ahead": 1, "not_json": 2}) or \
        frames_total(done.out) == (4, {"not_json": 2})


def test_keys_and_record_times_come_back(programs, scratch):
    at = 1468244340
    path = scratch / "rejects"
    path.write_bytes(b"".join(reject(b"any thing", (at + n) * 1000, b"key-%d" % (n % 7))
                              for n in range(100)) + reject(b"no key", at * 1000))
    done = programs.count(path, "--input-format", "rejects", "--user-from", "key", "--time-from",
                          "record")
    assert frames_total(done.out)[0] == 100
    rows = merged(programs, done.out, "--by", "minute")
    assert [row["uniques"] for row in rows] == [7, 7]


def test_half_a_line_at_a_signal(programs):
    """It was read and can't be had again: not an exit of 0."""
    with programs.start("-", "--emit-every", "50ms", stdin=subprocess.PIPE) as daemon:
        daemon.process.stdin.write(lines(stream(54, 500)) + b'{"uid":"cut')
        daemon.process.stdin.flush()
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 500, "all frames counted")
        done = daemon.end()
    assert done.code == FAILED and "stdin is lost" in done.err.replace("what came from ", "")


def test_a_run_that_was_held_at_a_signal(programs, scratch):
    """Memory is full since nobody reads the records; after SIGTERM somebody does, so all that
    was counted is published: but what was held back is gone."""
    rng = random.Random(55)
    frames = [b'{"uid":"%d","ts":%d}' % (rng.getrandbits(60), 60 * rng.randrange(20000))
              for _ in range(100000)]
    err = scratch / "err"
    with open(err, "wb") as talk, subprocess.Popen(
            [str(programs.bin / "headcountd"), "-", "--memory", "1MiB", "--emit-every", "50ms"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=talk) as process:
        feed(process, frames)
        try:
            wait_for(lambda: "memory_full" in err.read_text(), "memory_full announced")
            process.send_signal(signal.SIGTERM)
            out = process.stdout.read()
            assert process.wait(timeout=20) == FAILED
        finally:
            process.kill()
    assert records_of(out, "sketch")
    assert "stopped before all that was read could be counted" in err.read_text()
