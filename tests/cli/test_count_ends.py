"""Goal: whatever goes wrong outside, headcountd ends as its exit codes promise,
says why, and leaves records that hold what it read."""
import os
import pathlib
import signal
import subprocess

import pytest
from frames import lines, small_frame, stream
from oracle import Oracle, frames_total, records_of

USAGE, CONFIG, FAILED = 2, 78, 1


@pytest.mark.parametrize("options, words", [
    (["--nonsense"], ["--nonsense"]),
    (["-p", "3"], ["precision", "3", "4", "18"]),
    (["-p", "many"], ["precision", "many"]),
    (["--memory", "1"], ["memory", "1MiB"]),
    (["--emit-every", "5"], ["emit-every", "5"]),
    (["--memory"], ["memory"]),
    (["--start", "never", "-b", "127.0.0.1:1", "-t", "users"], ["start", "never"]),
    (["--time-unit", "weeks"], ["time-unit", "weeks", "rfc3339"]),
    (["-b", "127.0.0.1:1"], ["TOPIC"]),
    (["-t", "users"], ["BROKERS"]),
    (["-b", "127.0.0.1:1", "-t", "users", "frames.jsonl"], ["FILE", "TOPIC"]),
    (["-b", "127.0.0.1:1", "-t", "users", "-o", "users"], ["-t", "-o", "same"]),
    (["-b", "127.0.0.1:1", "-t", "users", "--rejects", "topic:users"], ["-t", "--rejects"]),
    (["-b", "127.0.0.1:1", "-t", "a", "-o", "b", "--rejects", "topic:b"], ["-o", "--rejects"]),
    (["-b", "127.0.0.1:1", "-t", "users", "-o", ""], ["-o", "name"]),
    (["-b", "127.0.0.1:1", "-t", "users", "--rejects", "topic:"], ["--rejects", "name"]),
    (["--rejects", "", "frames.jsonl"], ["--rejects", "name"]),
])
def test_a_wrong_word_is_named(programs, options, words):
    err = programs.count(*options, code=USAGE).err
    for word in words:
        assert word in err


@pytest.mark.parametrize("options, words", [
    (["--user-field", "/a/~2", "-"], ["user", "/a/~2"]),
    (["-X", "plugin.library.paths=/x", "-b", "127.0.0.1:1", "-t", "users"],
     ["plugin.library.paths"]),
    (["-X", "no.such.property=1", "-b", "127.0.0.1:1", "-t", "users"], ["no.such.property"]),
    (["-X", "enable.auto.commit=true", "-b", "127.0.0.1:1", "-t", "users"],
     ["enable.auto.commit"]),
])
def test_what_cannot_be_configured_is_named(programs, options, words):
    err = programs.count(*options, code=CONFIG).err
    for word in words:
        assert word in err


def test_wrong_configuration_is_named(programs, scratch):
    err = programs.count("-", env={"HEADCOUNT_PRECISION": "3"}, code=CONFIG).err
    assert "precision" in err.lower() and "18" in err
    config = scratch / "config"
    for text, word in [("precision=99\n", "precision"), ("no-such-option=1\n", "no-such-option"),
                       ("just words\n", "config:1: ")]:
        config.write_text(text)
        assert word in programs.count("-F", config, "-", code=CONFIG).err
    assert "absent" in programs.count("-F", scratch / "absent", "-", code=CONFIG).err


def test_precedence_is_command_line_environment_file(programs, scratch):
    config = scratch / "config"
    config.write_text("# a comment\n\nprecision=15\nstream=from-file\nemit-every=1s\n")
    env = {"HEADCOUNT_PRECISION": "16", "HEADCOUNT_STREAM": "from-environment"}
    frames = lines(stream(31, 100))

    def used(*options, env):
        row = records_of(programs.count("-F", config, "-", *options, input=frames, env=env).out,
                         "sketch")[0]
        return row["stream"], row["sketch"]["precision"]
    assert used(env={}) == ("from-file", 15)
    assert used(env=env) == ("from-environment", 16)
    assert used("-p", "17", env=env) == ("from-environment", 17)


def test_help_and_version(programs):
    shown = programs.count("--help").out.decode()
    for option in ("--brokers", "--emit-every", "--max-lag", "--memory", "--rejects",
                   "--rejects-down", "--input-format"):
        assert option in shown
    assert "2.0.2" in programs.count("--version").out.decode()
    assert "queued.max.messages.kbytes" in programs.count("-X", "list").out.decode()


def test_validate_reads_nothing(programs, scratch):
    path = scratch / "frames"
    path.write_bytes(lines(stream(32, 100)))
    assert b"sketch" not in programs.count("--validate", path).out


def test_a_file_that_is_not_there(programs, scratch):
    assert "absent" in programs.count(scratch / "absent", code=FAILED).err


def test_a_damaged_archive(programs, scratch):
    """What was read is published; the rest is an error, not silence."""
    data = lines(stream(33, 3000))
    packed = subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True,
                            check=True).stdout
    path = scratch / "frames.zst"
    path.write_bytes(packed[:len(packed) * 2 // 3])
    done = programs.count(path, code=FAILED)
    assert "frames.zst" in done.err
    assert programs.verify(done.out, code=1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(programs, redis, number):
    frames = stream(34, 5000, users=900)
    with programs.start("-", "--emit-every", "50ms", stdin=subprocess.PIPE) as daemon:
        daemon.process.stdin.write(lines(frames))
        daemon.process.stdin.flush()
        daemon.wait_for(lambda: frames_total(daemon.out)[0] == len(frames), "all frames counted")
        daemon.signal(number)
        done = daemon.done(limit_s=12)
    assert done.code == 0, done.err
    Oracle(redis).add_frames(frames).check(programs, done.out)
    # Without the end of the input, no one can say that nothing is missing.
    assert programs.verify(done.out, code=1)


def test_closed_stdout(programs):
    """A reader that goes away is a failure of ours to say, not a silent death."""
    source, sink = os.pipe()
    os.close(source)
    done = subprocess.run([str(programs.bin / "headcountd"), "-"], input=lines(stream(35, 3000)),
                          stdout=sink, stderr=subprocess.PIPE, check=False, timeout=30)
    os.close(sink)
    assert done.returncode == FAILED, done.stderr
    assert b"stdout" in done.stderr


def test_full_disk(programs):
    frames = lines(stream(36, 3000))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(programs.bin / "headcountd"), "-"], input=frames, stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=30)
    assert done.returncode == FAILED and b"No space left" in done.stderr


def test_full_disk_of_the_rejects(programs):
    """Nothing that rests on them is called safe: it waits, and says so."""
    with programs.start("-", "--rejects", "/dev/full", "--emit-every", "50ms",
                        stdin=subprocess.PIPE) as daemon:
        daemon.process.stdin.write(lines(stream(36, 100)) + b"no frame\n")
        daemon.process.stdin.flush()
        [event] = daemon.wait_for(lambda: daemon.events("rejects_down"), "rejects_down announced")
        assert event["sink"] == "/dev/full" and "No space left" in event["error"]
        done = daemon.end()
    assert done.code == FAILED
    assert records_of(done.out, "checkpoint") == []


def test_no_json_at_all(programs):
    """What is no JSON object has no fields to name: the hint says that."""
    err = programs.count("-", input=b'{"uid":1\n', code=FAILED).err
    assert "the first one is no JSON object: --rejects" in err


def test_no_valid_frames(programs):
    """A wrong field or unit is said at once, with a hint."""
    frames = b"".join(b'{"uid":"u%d","ts":%d}\n' % (n, 1468244380123 + n) for n in range(12000))
    err = programs.count("-", input=frames, code=FAILED).err
    assert "time_range" in err or "time_ahead" in err
    assert "--time-unit ms" in err
    err = programs.count("-", "--user-field", "user", input=lines(stream(37, 12000)),
                         code=FAILED).err
    assert "no_user" in err


def test_nobody_to_reach_is_told_so(programs):
    """Not that a group keeps us out, which nobody was asked about."""
    with programs.start("-b", "127.0.0.1:1", "-t", "users") as daemon:
        [event] = daemon.wait_for(lambda: daemon.events("no_assignment"), "a word about it")
        assert "can't be reached" in event["hint"] and "127.0.0.1:1" in event["last_error"]


def hint_of(err):
    [line] = [line for line in err.splitlines() if "event=no_valid_frames" in line]
    return line


def test_hint_names_fields_of_a_typical_frame(programs):
    """A torn line in front hides nothing, nor do frames that are large."""
    frame = b'{"user":{"id":"a"},"time":1468244380,"fill":"%s"}\n' % (b"x" * 50000)
    err = programs.count("-", "--user-field", "user.id", input=b'{"us\n' + frame * 30,
                         code=FAILED).err
    assert "has the fields user, time, fill" in hint_of(err) and "is /a/b" in hint_of(err)


def test_hint_knows_records(programs):
    """Sketches of 2^17 registers, of which not all is kept to be looked at."""
    users = lines([small_frame(f"u{i}", 1468244380) for i in range(40000)])
    for size in ("4", "17"):
        records = programs.count("-", "-p", size, input=users).out
        err = programs.count("-", input=records, code=FAILED).err
        assert "these are records" in hint_of(err), err


@pytest.mark.parametrize(("unit", "times", "doubted"), [
    ("ms", [1468244380, 1468244440], True), ("us", [1468244380123], True),
    ("s", [1468244380], False), ("s", [60, 1468244380], False), ("ns", [], False)])
def test_a_unit_that_is_too_small_is_doubted(programs, unit, times, doubted):
    """All of today in 1970: counted, as it may be meant, and said once."""
    frames = lines([small_frame(f"u{i}", time) for i, time in enumerate(times)])
    done = programs.count("-", "--time-unit", unit, input=frames)
    assert done.err.count("event=time_doubtful") == doubted
    assert sum(record["frames"] for record in records_of(done.out, "sketch")) == len(times)


@pytest.mark.parametrize(("reason", "frame"), [
    ("too_large", b'{"uid":"%s","ts":1}' % (b"x" * 70000)), ("empty", b" "),
    ("not_json", b'{"uid":"a"'), ("too_deep", b'{"a":%s' % (b"[" * 1025)),
    ("bad_escape", b'{"uid":"\\q","ts":1}'), ("bad_utf8", b'{"uid":"\xff","ts":1}'),
    ("not_object", b"[1]"), ("no_user", b'{"ts":1}'), ("user_type", b'{"uid":null,"ts":1}'),
    ("user_empty", b'{"uid":"","ts":1}'), ("no_time", b'{"uid":"a"}'),
    ("user_too_long", b'{"uid":"%s","ts":1}' % (b"x" * 4097)),
    ("time_type", b'{"uid":"a","ts":"soon"}'), ("time_range", b'{"uid":"a","ts":-1}'),
    ("time_ahead", b'{"uid":"a","ts":1480003601}'), ("time_late", b'{"uid":"a","ts":1479999000}')])
def test_reasons_are_those_of_the_docs(programs, reason, frame):
    """Each has a row in FORMAT.md, and a frame that has it."""
    table = (pathlib.Path(__file__).parents[2] / "docs" / "FORMAT.md").read_text()
    assert any(f"`{reason}`" in line.split("|")[1] for line in table.splitlines()
               if line.startswith("| `"))
    good = lines([small_frame("b", 1480000000)])
    err = programs.count("-", "--now", "1480000000", "--max-late", "10m", "--max-frame", "64KiB",
                         input=frame + b"\n" + good).err
    assert f"rejected  1: {reason} 1," in err


def test_nothing_to_count(programs):
    done = programs.count("-", input=b"")
    assert records_of(done.out, "sketch") == []
    programs.verify(done.out)
