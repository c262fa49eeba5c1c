"""Goal: what is done to times changes no register, closes no honest minute early
or late, and takes no more memory than allowed: bursts of any length and
direction, one damaged frame in ten, and a wall clock that steps by a day."""
import os
import subprocess

import pytest
from frames import lines, small_frame, stream
from oracle import Oracle, frames_total, records_of

START = 1468244340
DAY = 86400
NOW = START + 3000 * DAY


def sketches(daemon):
    return records_of(daemon.out, "sketch")


def closed(daemon, minute):
    return any(row["minute"] == minute and row["state"] != "open" for row in sketches(daemon))


def write(daemon, frames):
    daemon.process.stdin.write(lines(frames))
    daemon.process.stdin.flush()


def honest(first, count):
    """Ten a second."""
    return [small_frame(f"user-{n % 700}", START + n // 10) for n in range(first, first + count)]


@pytest.mark.parametrize("off", [DAY, 900 * DAY, -DAY, -900 * DAY], ids=str)
@pytest.mark.parametrize("length", [1, 8, 15, 16, 64, 65, 1000])
def test_bursts(programs, redis, length, off):
    bad = [small_frame(f"bad-{n}", START + 100 + off + n // 10) for n in range(length)]
    moves = length >= 16 if off > 0 else length >= 49
    with programs.start("-", "--emit-every", "50ms", "--now", NOW, "--memory", "1MiB",
                        "--idle-after", "1h", stdin=subprocess.PIPE) as daemon:
        write(daemon, honest(0, 500))
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 500, "the first counted")
        # Closing within the burst is closing early: the honest minute is not over.
        write(daemon, bad)
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 500 + length, "the burst counted")
        if not moves:
            assert not closed(daemon, START)
        # 64 honest frames bring the clock back; with --max-lag on top the minute closes.
        write(daemon, honest(500, 240))
        daemon.wait_for(lambda: closed(daemon, START - START % 60), "the minute closed", 20)
        if moves:
            daemon.wait_for(lambda: daemon.events("clock_reset"), "clock_reset announced")
        write(daemon, honest(740, 224))
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0, done.err
    assert len(daemon.events("clock_reset")) == int(moves)
    Oracle(redis, now=NOW).add_frames(honest(0, 964) + bad).check(programs, done.out)


@pytest.mark.parametrize("off", [DAY, -300 * DAY], ids=str)
def test_one_in_ten(programs, redis, off):
    """In windows of their own, each a minute that nobody else names."""
    frames = honest(0, 6000)
    mixed = []
    for n, frame in enumerate(frames):
        mixed.append(frame)
        if n % 9 == 8:
            mixed.append(small_frame("bad", frame.time + off + 60 * n))
    done = programs.count("-", "--now", NOW, "--memory", "1MiB", "--emit-every", "50ms",
                          input=lines(mixed))
    assert "clock_reset" not in done.err
    Oracle(redis, now=NOW).add_frames(mixed).check(programs, done.out)


@pytest.mark.unsanitized
@pytest.mark.parametrize("step", [DAY, -DAY], ids=str)
def test_the_wall_clock_steps(programs, redis, scratch, step):
    """While it runs: minutes close by the stream's own time and the monotonic clock; what is
    measured against --now is measured against the start."""
    clock = scratch / "step"
    clock.write_text("0")
    env = {**os.environ, "LD_PRELOAD": str(programs.bin / "clock_preload.so"),
           "CLOCK_STEP": str(clock)}
    frames = stream(71, 6000, rate=20.0)
    first = frames[0].time - frames[0].time % 60
    with programs.start("-", "--emit-every", "50ms", "--rejects", scratch / "rejects",
                        stdin=subprocess.PIPE, env=env) as daemon:
        write(daemon, frames[:1000])
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 1000, "the first counted")
        before = records_of(daemon.out, "checkpoint")[-1]["time"]
        clock.write_text(str(step))
        ahead = [small_frame("ahead", int(records_of(daemon.out, "sketch")[0]["epoch"] / 1000)
                             + 7200)]
        write(daemon, frames[1000:4000] + ahead)
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == 4000, "the next counted")
        daemon.wait_for(lambda: closed(daemon, first), "the minute closed", 20)
        after = records_of(daemon.out, "checkpoint")[-1]["time"]
        assert (after > before) == (step > 0) and after[:10] != before[:10]
        write(daemon, frames[4000:])
        daemon.process.stdin.close()
        done = daemon.done()
    assert done.code == 0, done.err
    assert frames_total(done.out)[1] == {"time_ahead": 1}
    assert "clock_reset" not in done.err
    Oracle(redis).add_frames(frames).check(programs, done.out)
    programs.verify(done.out)
