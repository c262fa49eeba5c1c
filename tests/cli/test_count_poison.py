"""Goal: damaged frames hurt nobody else. They are in their own minute or in the
rejects, honest minutes count and close as if they were not there."""
import base64
import json
import random
import subprocess

from frames import Frame, frame_line, lines, stream
from oracle import Oracle, frames_total, records_of

# What the files are measured against, and how far beyond a frame may lie.
NOW = 1468300000


def rejects_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_one_in_a_hundred_with_a_flipped_bit(programs, redis, scratch):
    frames = stream(21, 30000, users=8000, rate=40.0, late=0.001, poison=0.01)
    damaged = {frame.time - frame.time % 60 for frame in frames if frame.damaged}
    honest = {frame.time - frame.time % 60 for frame in frames if not frame.damaged}
    assert len(damaged - honest) > 100
    truth = Oracle(redis, now=NOW).add_frames(frames)
    done = programs.count("-", "--now", NOW, "--rejects", scratch / "rejects", "--memory", "1MiB",
                          input=lines(frames))
    truth.check(programs, done.out)
    programs.verify(done.out)
    counted, rejected = frames_total(done.out)
    assert counted == truth.counted
    assert {k: v for k, v in rejected.items() if v} == {"time_ahead": truth.ahead}
    rows = rejects_of(scratch / "rejects")
    ahead = sorted(frame.line for frame in frames if frame.time > NOW + 3600)
    assert sorted(base64.b64decode(row["frame"]) for row in rows) == ahead
    assert {row["reason"] for row in rows} == {"time_ahead"}
    assert "clock_reset" not in done.err


def test_honest_minutes_close_while_frames_flow(programs, redis):
    """A minute is closed once the clock has passed it by --max-lag, poison or not
    (or late, where a damaged frame fell into it afterwards)."""
    frames = stream(22, 12000, users=3000, rate=20.0, late=0.0, poison=0.01)
    assert any(frame.damaged for frame in frames)
    honest = sorted({frame.time - frame.time % 60 for frame in frames if not frame.damaged})
    fed = 0
    with programs.start("-", "--emit-every", "100ms", "--now", NOW,
                        stdin=subprocess.PIPE) as daemon:
        for minute in honest[:-1]:
            # Until the following minute is 25 s old.
            upto = next(i for i, f in enumerate(frames) if f.honest_time >= minute + 85)
            daemon.process.stdin.write(lines(frames[fed:upto]))
            daemon.process.stdin.flush()
            fed = upto

            def closed(minute=minute):
                last = [row for row in records_of(daemon.out, "sketch") if row["minute"] == minute]
                return last and last[-1]["state"] != "open"
            daemon.wait_for(closed, f"minute {minute} closed", limit_s=20)
        daemon.process.stdin.write(lines(frames[fed:]))
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0
    Oracle(redis, now=NOW).add_frames(frames).check(programs, done.out)
    assert "clock_reset" not in done.err


def test_thirty_damaged_in_a_row(programs, redis):
    """Enough to move the clock a day ahead: it comes back, says so, and no count differs."""
    rng = random.Random(3)
    start, day = 1468244380, 86400
    honest = [Frame(frame_line(rng, f"user-{n % 700}", start + n // 10), f"user-{n % 700}",
                    start + n // 10, start + n // 10) for n in range(4000)]
    damaged = [Frame(frame_line(rng, f"bad-{n}", start + day + n), f"bad-{n}", start + day + n,
                     start) for n in range(30)]
    minute = start + day - (start + day) % 60
    with programs.start("-", "--emit-every", "50ms", "--now", start + 2 * day,
                        stdin=subprocess.PIPE) as daemon:
        daemon.process.stdin.write(lines(honest[:2000] + damaged))
        daemon.process.stdin.flush()
        daemon.wait_for(lambda: any(row["minute"] == minute
                                    for row in records_of(daemon.out, "sketch")),
                        "the damaged minute published")
        daemon.process.stdin.write(lines(honest[2000:]))
        daemon.process.stdin.flush()
        daemon.wait_for(lambda: daemon.events("clock_reset"), "clock_reset announced")
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0
    Oracle(redis, now=start + 2 * day).add_frames(honest + damaged).check(programs, done.out)


def test_rejects_come_back_as_they_were(programs, scratch, oracle):
    good = stream(23, 500, users=90)
    bad = [b"", b"{", b"[1]", b'{"ts":1}', b'{"uid":"a"}', b'{"uid":{},"ts":1}',
           b'{"uid":"","ts":1}', b'{"uid":"' + b"x" * 4097 + b'","ts":1}',
           b'{"uid":"a","ts":[]}', b'{"uid":"a","ts":-1}', b'{"uid":"a","ts":4102444800}',
           b'{"uid":"\\ud800","ts":1}', b'{"uid":"\xff","ts":1}', b"\x00\xff",
           b'{"x":' + b"[" * 1100 + b"]" * 1100 + b',"uid":"a","ts":1}',
           b'{"uid":"a","ts":1,"x":"' + b"y" * 70000 + b'"}']
    reasons = ["empty", "not_json", "not_object", "no_user", "no_time", "user_type", "user_empty",
               "user_too_long", "time_type", "time_range", "time_ahead", "bad_escape", "bad_utf8",
               "not_json", "too_deep", "too_large"]
    data = lines(good[:250]) + b"".join(line + b"\n" for line in bad) + lines(good[250:])
    path = scratch / "rejects"
    done = programs.count("-", "--rejects", path, "--max-frame", "64KiB", input=data)
    oracle.add_frames(good).check(programs, done.out)
    programs.verify(done.out)
    rows = rejects_of(path)
    assert [row["reason"] for row in rows] == reasons
    counted, rejected = frames_total(done.out)
    assert counted == 500 and sum(rejected.values()) == len(bad)
    for reason in set(reasons):
        assert rejected[reason] == reasons.count(reason)
        assert reason in done.err, "the summary names each reason"
    # Only the one that was too large to keep is not given back, and that is said.
    back = programs.headcount("replay", path, code=1)
    assert back == b"".join(line + b"\n" for line in bad[:-1])
