"""Goal: however many workers share the input, every minute has the registers that a
real redis-server has for its users, nothing is read twice or left out, records are
whole, people see each minute once, and a run ends as its exit codes promise."""
import fcntl
import gzip
import re
import struct
import subprocess
import termios

import pytest
from frames import lines, stream
from oracle import Oracle, exported, frames_total, merged, records_of
from programs import wait_for

MIB = 1024 * 1024
SLICES = 4 * MIB  # the smallest slice of a file: two of them make a file worth cutting


@pytest.fixture(scope="module")
def frames():
    """Some 25 MB in the order of their time, a minute for every few hundred KiB."""
    return stream(22, 70000, users=30000, rate=20.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def path(folder, frames):
    file = folder / "frames.jsonl"
    file.write_bytes(lines(frames))
    assert file.stat().st_size > 4 * SLICES
    return file


def workers_of(out):
    return {int(row["instance"].rpartition("/")[2]) for row in records_of(out, "checkpoint")}


def check_whole(programs, out, counted):
    found = programs.verify(out)
    assert "hole" not in found and all("read again 0" in line for line in found.splitlines()
                                       if line.startswith("partition"))
    assert frames_total(out)[0] == counted


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_a_large_file(programs, path, truth, workers):
    done = programs.count("--workers", workers, path)
    truth.check(programs, done.out)
    check_whole(programs, done.out, truth.counted)
    assert workers_of(done.out) <= set(range(workers))
    if workers > 1:
        assert len(records_of(done.out, "checkpoint")) >= 4, "it was not cut into slices"
    assert f" {truth.counted} counted" in done.err
    ends = {part["to"] for row in records_of(done.out, "checkpoint")
            for part in row["partitions"] if part["end"]}
    assert ends == {path.stat().st_size}, "the end of a slice is not the end of the file"


def test_any_number_of_workers_says_the_same(programs, path):
    one = programs.count("--workers", 1, path).out
    rows = merged(programs, one, "--by", "minute")
    for workers in (2, 5, 64):
        out = programs.count("--workers", workers, path).out
        assert exported(programs, out) == exported(programs, one)
        assert merged(programs, out, "--by", "minute") == rows


@pytest.mark.parametrize("end, last", [(b"\n", b""), (b"\r\n", b"\r\n")])
def test_line_ends(programs, scratch, frames, truth, end, last):
    file = scratch / "frames"
    file.write_bytes(lines(frames, end).removesuffix(end) + last)
    out = programs.count("--workers", 3, file).out
    assert exported(programs, out).keys() == truth.minutes.keys()
    truth.check(programs, out)
    check_whole(programs, out, truth.counted)


def test_files_of_all_kinds(programs, scratch, path, frames, truth):
    """What can be cut is cut; what can't goes whole to one worker."""
    third = len(frames) // 3
    packed = scratch / "packed.gz"
    packed.write_bytes(gzip.compress(lines(frames[:third]), 1))
    small, empty = scratch / "small", scratch / "empty"
    small.write_bytes(lines(frames[third:third + 100]))
    empty.write_bytes(b"")
    out = programs.count("--workers", 3, packed, small, path, empty, "-",
                         input=lines(frames[2 * third:])).out
    truth.check(programs, out)
    assert "hole" not in programs.verify(out)
    topics = {row["topic"].split()[0] for row in records_of(out, "checkpoint")}
    assert topics == {str(packed), str(small), str(path), str(empty), "-"}


def test_a_line_that_is_longer_than_slices(programs, scratch, frames, truth):
    """It is too large, once, and what stands around it is counted."""
    file = scratch / "frames"
    half = len(frames) // 2
    file.write_bytes(lines(frames[:half]) + b"x" * (3 * SLICES) + b"\n" + lines(frames[half:]))
    out = programs.count("--workers", 7, file).out
    truth.check(programs, out)
    assert "hole" not in programs.verify(out)
    counted, rejected = frames_total(out)
    assert counted == truth.counted and rejected["too_large"] == 1


def test_rejects_of_several_workers(programs, scratch, frames, truth):
    """Each is set aside once, on a line of its own, and can be counted again."""
    file, rejects = scratch / "frames", scratch / "rejects"
    broken = b'{"uid":"broken",' + b"x" * 100
    damaged = [line + (b"\n" + broken if number % 10 == 0 else b"")
               for number, line in enumerate(frame.line for frame in frames)]
    file.write_bytes(b"\n".join(damaged) + b"\n")
    out = programs.count("--workers", 3, "--rejects", rejects, file).out
    truth.check(programs, out)
    found = programs.headcount("replay", rejects).splitlines()
    assert found == [broken] * (len(frames) // 10)


@pytest.mark.unsanitized
def test_people_see_each_minute_once(programs, path, truth):
    env = {"LD_PRELOAD": str(programs.bin / "terminal_preload.so")}
    out = programs.count("--workers", 3, "-q", path, env=env).out.decode()
    rows = re.findall(r"^(\S+ \S+) +(\d+) +\(\d+-\d+\) +closed$", out, re.M)
    one = programs.count("-q", path, env=env).out.decode()
    last = dict(re.findall(r"^(\S+ \S+) +(\d+) +\(\d+-\d+\) +\w+$", one, re.M))
    assert len(rows) == len(truth.minutes) == len(out.splitlines()) - 1
    assert rows == sorted(rows) and dict(rows) == last


def test_frames_that_only_one_worker_finds_invalid(programs, scratch, frames, truth):
    """A slice without a valid frame is no reason to doubt the others."""
    file = scratch / "frames"
    file.write_bytes(lines(frames) + b"nonsense\n" * 2000000)
    done = programs.count("--workers", 2, file)
    truth.check(programs, done.out)
    assert frames_total(done.out) == (truth.counted, {"not_json": 2000000})


@pytest.mark.parametrize("count", [300, 3000000])
def test_no_valid_frame_at_all(programs, scratch, count):
    file = scratch / "frames"
    file.write_bytes(b"nonsense\n" * count)
    done = programs.count("--workers", 3, file, file, code=1)
    assert done.err.count("no_valid_frames") == 1 and "not_json" in done.err


def test_a_worker_that_fails_stops_the_others(programs, scratch, frames, path):
    """What was read by then is published; the run is told as failed, once."""
    packed = scratch / "cut.gz"
    packed.write_bytes(gzip.compress(lines(frames[:5000]), 1)[:-100])
    done = programs.count("--workers", 2, packed, *[path] * 20, code=1)
    assert done.err.count("event=failed") == 1 and "cut.gz" in done.err
    assert merged(programs, done.out, "--by", "minute")
    with programs.start("--workers", "2", packed, "-", stdin=subprocess.PIPE) as daemon:
        assert daemon.done(60).code == 1, "the other one still waits for its input"


@pytest.mark.parametrize("workers", [2, 7])
def test_a_full_disk(programs, path, workers):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([programs.bin / "headcountd", "--workers", str(workers), path],
                              stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().count("event=failed") == 1 and b"No space left" in done.stderr


def test_a_reader_that_is_gone(programs, path):
    with subprocess.Popen([programs.bin / "headcountd", "--workers", "3", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read().decode()
        assert process.wait(timeout=60) == 1
    assert err.count("event=failed") == 1 and "Broken pipe" in err


def in_the_pipe(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"1234"))[0]


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_stopped_in_the_middle(programs, path, truth, how):
    """Killed, the records that came out are whole and the rest is counted by the next
    run; asked to leave, it does so as soon as its reader goes on."""
    command = [programs.bin / "headcountd", "--workers", "3", "-q", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        wait_for(lambda: in_the_pipe(process.stdout) > 16000, "the pipe fills")
        getattr(process, how)()
        out = process.stdout.read()
        assert process.wait(timeout=60) in ([-9] if how == "kill" else [0, 1])
    whole = out[:out.rfind(b"\n") + 1]
    assert whole == out or how == "kill"
    programs.verify(whole, code=1)
    both = whole + programs.count("--workers", 2, path).out
    truth.check(programs, both)
    programs.verify(both)


def test_options(programs, scratch):
    for wrong in ("0", "65", "auto", "-1"):
        assert "workers" in programs.count("--workers", wrong, "-", code=2).err
    assert "memory" in programs.count("--workers", "8", "--memory", "2MiB", "-", code=2).err
    config = scratch / "config"
    config.write_text("workers=3\n")
    assert "workers=3" in programs.count("-F", config, "-").err
    assert "workers=2" in programs.count("-F", config, "-", env={"HEADCOUNT_WORKERS": "2"}).err
