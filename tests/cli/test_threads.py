"""Goal: files that are read by several threads give what one thread gives: the same
rows, the same archive, the same messages in the same order, the same exit code;
also when lines are damaged, files are missing, given twice, compressed, cut off,
or pipes, and when files disagree in stream, fields or profile."""
import gzip
import os
import random
import re
import subprocess
import threading
import zlib

import pytest

from record_lines import MINUTE, checkpoint, golden, line, sketch

FILES = 6
PER_FILE = 30


def utc(minute):
    minutes = 13 * 60 + 39 + minute
    return f"2016-07-{11 + minutes // 1440:02}T{minutes // 60 % 24:02}:{minutes % 60:02}:00Z"


def record(sequence, minute, **members):
    return sketch(sequence, minute=MINUTE + 60 * minute, start=utc(minute), **members)


def contents(seed=7):
    """Files whose checkpoints rest on records of other files, too."""
    choose = random.Random(seed)
    lines = []
    for step in range(FILES * PER_FILE // 3):
        first = 2 * step + 1
        lines += [record(first + i, choose.randrange(90)) for i in range(2)]
        lines.append(checkpoint(step + 1, [first, first + 1], [(0, 10 * step, 10 * step + 10)]))
    choose.shuffle(lines)
    return [b"".join(lines[i::FILES]) for i in range(FILES)]


def write(scratch, datas):
    paths = []
    for number, data in enumerate(datas):
        paths.append(scratch / f"dump-{number}")
        paths[-1].write_bytes(data)
    return paths


def run(programs, threads, *words, **options):
    command = [programs.bin / "headcount", words[0], "--threads", str(threads), *words[1:]]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, **options)
    return done.returncode, done.stdout, done.stderr.decode()


def same_with_threads(programs, *words):
    """What one thread says, after the others said so, too."""
    expected = run(programs, 1, *words)
    for threads in (2, 3, 64):
        assert run(programs, threads, *words) == expected
    return expected


COMMANDS = [
    ["merge", "--by", "minute"],
    ["merge", "--by", "hour", "--tz", "Asia/Kathmandu"],
    ["merge", "--by", "minute", "--format", "records"],
    ["convert", "--to", "redis", "--by", "hour"],
    ["overlap", "2016-07-11T13:39:00Z..2016-07-11T14:00:00Z",
     "2016-07-11T14:00:00Z..2016-07-11T14:30:00Z"],
    ["verify"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words[:3]))
def test_good_files(programs, scratch, command):
    paths = write(scratch, contents())
    code, out, _ = same_with_threads(programs, *command, *paths)
    assert code == 0 and out
    whole = scratch / "whole"
    whole.write_bytes(b"".join(contents()))
    assert run(programs, 1, *command, whole)[1] == out


def test_compressed_and_given_twice(programs, scratch):
    datas = contents()
    paths = write(scratch, [gzip.compress(data) if i % 2 else data
                            for i, data in enumerate(datas)])
    code, out, err = same_with_threads(programs, "merge", *paths, *paths[:3])
    assert code == 0 and out == run(programs, 1, "merge", *paths)[1] and not err


def test_damage_is_told_once_and_in_order(programs, scratch):
    datas = contents()
    datas[1] += b"no record\n"
    datas[2] = gzip.compress(datas[2])[:-20]
    datas[4] = b"x\n" * 30 + datas[4]
    paths = write(scratch, datas)
    paths.insert(3, scratch / "missing")
    paths.insert(1, scratch)
    code, out, err = same_with_threads(programs, "merge", *paths)
    assert code == 1 and out
    places = [row.split(": ")[1] for row in err.splitlines() if "dump-" in row]
    assert [place.split("/")[-1] for place in places[:3]] == [
        f"dump-1:{PER_FILE + 1}", f"dump-2:{PER_FILE + 1 - missing_lines(datas[2])}", "dump-4:1"]
    assert err.count("No such file") == 1 and err.count("Is a directory") == 1
    assert "31 lines refused" in err


def test_what_verify_finds_wrong(programs, scratch):
    """Holes, records without a checkpoint, copies, damage, files that are not there."""
    datas = [b"".join(data.splitlines(keepends=True)[:-3]) for data in contents()]
    datas[1] += b"no record\n"
    paths = write(scratch, datas)
    code, out, err = same_with_threads(programs, "verify", *paths, paths[0], scratch / "missing",
                                       paths[2])
    assert code == 1 and err.count("No such file") == 1 and "1 line refused" in err
    assert b"\nhole " in out and b"\nunmet " in out and b"\nloose " in out
    assert not re.search(rb" repeated 0 ", out)
    assert same_with_threads(programs, "verify", *reversed(paths))[1] != out


def test_verify_of_copies(programs, scratch):
    """So many checkpoints that both parts have counted some before they meet."""
    lines = [step_line for step in range(2000)
             for step_line in (record(step + 1, step), checkpoint(
                 step + 1, [step + 1, step + 1], [(0, 10 * step, 10 * step + 10)]))]
    paths = write(scratch, [b"".join(lines)] * 2)
    code, out, _ = same_with_threads(programs, "verify", *paths)
    assert code == 0
    assert b" checkpoints 2000 repeated 2000 " in out and b" read again 0," in out


def missing_lines(cut):
    """How many lines are not whole in what is left of a gzip file."""
    return PER_FILE - zlib.decompressobj(31).decompress(cut).count(b"\n")


@pytest.mark.parametrize("members", [{"fields": "beef"}, {"stream": "guests"}])
def test_files_that_disagree(programs, scratch, members):
    datas = contents()
    datas[3] = record(1, 5, **members) + datas[3]
    datas[5] = record(2, 6) + record(3, 7, **members)
    paths = write(scratch, datas)
    code, _, err = same_with_threads(programs, "merge", *paths)
    assert code in (1, 2) and err
    assert same_with_threads(programs, "merge", *reversed(paths))[0] in (1, 2)
    assert same_with_threads(programs, "merge", "--stream", "users", *paths)[0] == \
        (1 if "fields" in members else 0)


def test_several_profiles(programs, scratch):
    """A better profile that turns up in a later file is the one that counts."""
    frames = b"".join(b'{"uid":"user-%d","ts":%d}\n' % (i % 50, MINUTE + i)
                      for i in range(3600))
    datas = []
    for profiles in (["postgres"], ["trino", "postgres"], ["datasketches", "trino"], ["redis"]):
        words = [word for name in profiles for word in ("--profile", name)]
        datas.append(programs.count("-", *words, "--now", MINUTE + 7200, input=frames).out)
    paths = write(scratch, datas)
    for order in (paths, paths[::-1], paths[1:3], paths[:2]):
        code, out, _ = same_with_threads(programs, "merge", "--by", "hour", *order)
        assert code == 0 and out
        same_with_threads(programs, "merge", "--profile", "trino", *order)
        same_with_threads(programs, "merge", "--format", "records", *order)


def test_pipes_in_between(programs, scratch):
    """What can't be read twice is read in its place, by nobody else."""
    datas = contents()
    paths = write(scratch, datas)
    expected = run(programs, 1, "merge", *paths)
    for threads in (1, 2, 5):
        fifo = scratch / f"fifo-{threads}"
        os.mkfifo(fifo)
        feeder = threading.Thread(target=fifo.write_bytes, args=(datas[1],))
        feeder.start()
        words = [paths[0], fifo, paths[2], "-", *paths[4:]]
        assert run(programs, threads, "merge", *words, input=datas[3]) == expected
        feeder.join()


def test_sketches_that_wait_in_a_file(programs, scratch):
    """The parts have less memory than the whole; TMPDIR is where all of them put
    what they can't hold, and a zone changes the environment meanwhile."""
    large = golden("dense")
    datas = []
    for number in range(8):
        lines = [line(large | {"sequence": 2000 * number + i + 1, "minute": MINUTE + 60 * i,
                               "start": utc(i)}) for i in range(700)]
        datas.append(b"".join(lines))
    paths = write(scratch, datas)
    words = ["merge", "--by", "minute", "--tz", "Europe/Zurich", *paths]
    expected = run(programs, 1, *words)
    assert expected[0] == 0 and len(expected[1].splitlines()) == 700
    env = os.environ | {"TMPDIR": str(scratch)}
    assert run(programs, 64, *words, env=env) == expected
    code, _, err = run(programs, 8, *words, env=os.environ | {"TMPDIR": str(scratch / "no")})
    assert (code, err.count("\n")) in ((0, 0), (1, 1))


def test_how_many(programs, scratch):
    paths = write(scratch, contents())
    for words in (["--threads", "0"], ["--threads", "65"], ["--threads", "x"]):
        done = subprocess.run([programs.bin / "headcount", "merge", *words, *paths],
                              capture_output=True, check=False)
        assert done.returncode == 2 and b"--threads" in done.stderr
    done = subprocess.run([programs.bin / "headcount", "convert", "--from", "redis", "--threads",
                           "2"], input=b"", capture_output=True, check=False)
    assert done.returncode == 2 and b"--threads belongs to --to" in done.stderr
